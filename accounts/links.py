"""Links that are mailed: 256 bits from a CSPRNG, kept as a hash, for one purpose, once (ASVS 11.5.1)."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from accounts import clock, database
from accounts.errors import LinkDead
from accounts.origin import Origin
from accounts.signing import fingerprint
from models import CMSUser, Link, LinkPurpose, db, table

# Statements of every request are built once: building one costs more than running it.
_ADD = insert(table(Link))
_LINK = table(Link).c
RESERVED = (
    select(_LINK.id)
    .where(_LINK.email_key == bindparam("key"), _LINK.user_id != bindparam("user"))
    .where(_LINK.purpose == LinkPurpose.UNDO, _LINK.ended_at.is_(None), _LINK.expires_at > bindparam("now"))
    .limit(1)
)
"""A link that reserves an address for its former owner; see `reserved`."""


def make(
    purpose: LinkPurpose,
    user: CMSUser,
    email: str,
    key: str,
    *,
    seconds: int,
    since: datetime | None = None,
    origin: Origin | None = None,
) -> str:
    """Add a link that is mailed to this address, and return its token."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    link = {
        "token_hash": fingerprint(token),
        "purpose": purpose,
        "user_id": user.id,
        "email": email,
        "email_key": key,
        "email_version": user.email_version,
        "created_at": now,
        "expires_at": now + timedelta(seconds=seconds),
        "since": since,
        "network": origin.network if origin else "",
        "browser": origin.browser if origin else "",
    }
    database.execute(_ADD, link)
    return token


def find(purpose: LinkPurpose, token: str) -> Link:
    """Return the link of this token. Raises LinkDead."""
    mine = Link.token_hash == fingerprint(token), Link.purpose == purpose
    query = select(Link).where(*mine, Link.ended_at.is_(None), Link.expires_at > clock.now())
    link = db.session.scalar(query)
    if link is None:
        raise LinkDead
    return link


def reserved(key: str, user_id: int = 0) -> bool:
    """Say whether anybody but this person may still want the address back: until then nobody else can have it."""
    return database.execute(RESERVED, {"key": key, "user": user_id, "now": clock.now()}).first() is not None


def end(purpose: LinkPurpose, user: CMSUser, *, since: int = 0) -> None:
    """End the person's links of this purpose, or only those that were made no earlier than the one numbered `since`."""
    mine = Link.user_id == user.id, Link.purpose == purpose, Link.ended_at.is_(None), Link.id >= since
    db.session.execute(update(Link).where(*mine).values(ended_at=clock.now()))
