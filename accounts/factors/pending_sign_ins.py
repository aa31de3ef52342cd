"""Sign-ins that wait for a second factor: a random token in the cookie, its hash in a row, for ten minutes."""

import secrets
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select

from accounts import clock, database
from accounts.errors import SignInExpired
from accounts.signing import fingerprint
from models import CMSUser, PendingSignIn, db, table

LIFETIME = timedelta(minutes=10)
MOST = 10  # Sign-ins of one account that wait. Somebody who has only the password could store any number of them.

_OTHER = table(PendingSignIn).alias("other").c
_SURPLUS = (
    select(_OTHER.id)
    .where(_OTHER.user_id == bindparam("its_user"), _OTHER.token_hash != bindparam("its_hash"))
    .order_by(_OTHER.id.desc())
    .offset(MOST - 1)
    .limit(1)
    .scalar_subquery()
)
_START = insert(table(PendingSignIn)).returning(_SURPLUS)
"""Adds a sign-in, and returns the newest other one of the account that is too many, or NULL."""


def start(user: CMSUser, *, remember: bool) -> str:
    """Store that the password of a locked account was correct, and return the token for the cookie.

    The newest MOST sign-ins of the account are kept, and older ones end.
    """
    token = secrets.token_urlsafe(32)
    row = {
        "token_hash": fingerprint(token),
        "user_id": user.id,
        "remembered": remember,
        "password_version": user.password_version,
        "email_version": user.email_version,
        "expires_at": clock.now() + LIFETIME,
    }
    surplus = database.execute(_START, {**row, "its_user": user.id, "its_hash": row["token_hash"]}).scalar()
    if surplus is not None:
        its = PendingSignIn.user_id == user.id, PendingSignIn.id <= surplus
        db.session.execute(delete(PendingSignIn).where(*its))
    return token


def find(token: str) -> PendingSignIn:
    """Return the sign-in of this token. Raises SignInExpired."""
    its = PendingSignIn.token_hash == fingerprint(token), PendingSignIn.expires_at > clock.now()
    found = db.session.scalar(select(PendingSignIn).where(*its).execution_options(populate_existing=True))
    if found is None:
        raise SignInExpired
    return found


def check(found: PendingSignIn, user: CMSUser | None) -> CMSUser:
    """Return the account of a sign-in. Raises SignInExpired unless the password that was proved still is valid."""
    if user is None or not user.is_active or not user.has_second_factor:
        raise SignInExpired
    if (found.password_version, found.email_version) != (user.password_version, user.email_version):
        raise SignInExpired
    return user


def end(found: PendingSignIn) -> None:
    """End a sign-in, because it was completed or given up."""
    db.session.execute(delete(PendingSignIn).where(PendingSignIn.id == found.id))


def end_all(user: CMSUser) -> None:
    """End all sign-ins of a locked account that wait for a second factor; without one there are none."""
    if not user.has_second_factor:
        return
    db.session.execute(delete(PendingSignIn).where(PendingSignIn.user_id == user.id))
