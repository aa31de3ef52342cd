"""Links that are mailed: 256 random bits, stored as a hash, for one purpose and one use (ASVS 11.5.1)."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from accounts import clock, database
from accounts.errors import LinkDead
from accounts.origin import Origin
from accounts.signing import fingerprint
from models import Address, CMSUser, Link, LinkPurpose, table

# Statements of every request are built once: building one costs more than running it.
_ADD = insert(table(Link))
_LINK = table(Link).c
_IS_VALID = _LINK.ended_at.is_(None), _LINK.expires_at > bindparam("now")
_BY_TOKEN = select(table(Link)).where(
    _LINK.token_hash == bindparam("hash"), _LINK.purpose == bindparam("its_purpose"), *_IS_VALID
)
_THEIRS = _LINK.user_id == bindparam("user"), _LINK.purpose == bindparam("its_purpose")
_EMAILS = select(_LINK.email).where(*_THEIRS, *_IS_VALID)
_END = (
    update(table(Link))
    .where(*_THEIRS, _LINK.ended_at.is_(None), _LINK.id >= bindparam("since_id"))
    .values(ended_at=bindparam("now"))
)
RESERVED = (
    select(_LINK.id)
    .where(_LINK.email_key == bindparam("key"), _LINK.user_id != bindparam("user"))
    .where(_LINK.purpose == LinkPurpose.UNDO, *_IS_VALID)
    .limit(1)
)
"""The undo link that reserves an address for its former owner, unless that is `user`."""


def make(
    purpose: LinkPurpose,
    user: CMSUser,
    address: Address,
    *,
    seconds: int,
    since: datetime | None = None,
    origin: Origin | None = None,
) -> str:
    """Add a link that is mailed to this address, and return its token. Only its hash is stored."""
    now, token = clock.now(), secrets.token_urlsafe(32)
    link = {
        "token_hash": fingerprint(token),
        "purpose": purpose,
        "user_id": user.id,
        "email": address.email,
        "email_key": address.key,
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
    """Return the valid link of this token and purpose, as a value. Raises LinkDead."""
    its = {"hash": fingerprint(token), "its_purpose": purpose, "now": clock.now()}
    link = database.find_value(Link, _BY_TOKEN, its)
    if link is None:
        raise LinkDead
    return link


def list_emails(purpose: LinkPurpose, user: CMSUser) -> list[str]:
    """Return the addresses to which valid links of an account for this purpose were mailed."""
    rows = database.execute(_EMAILS, {"user": user.id, "its_purpose": purpose, "now": clock.now()})
    return [row.email for row in rows]


def list_known_emails(user: CMSUser) -> list[str]:
    """Return every known address of an account: the present one, and former ones that can be restored."""
    return list(dict.fromkeys([user.email, *list_emails(LinkPurpose.UNDO, user)]))


def end(purpose: LinkPurpose, user: CMSUser, *, since: int = 0) -> None:
    """End the links of an account for this purpose; with `since` only the link of that id and later ones."""
    database.execute(_END, {"user": user.id, "its_purpose": purpose, "since_id": since, "now": clock.now()})
