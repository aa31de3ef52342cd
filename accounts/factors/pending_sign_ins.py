"""Sign-ins that wait for a second factor: a random token in the cookie, its hash in a row, for ten minutes."""

import secrets
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select

from accounts import clock, database
from accounts.errors import SignInExpired
from accounts.signing import fingerprint
from models import CMSUser, PendingSignIn, table

LIFETIME = timedelta(minutes=10)
MOST = 10  # Sign-ins of one account that wait. Somebody who has only the password could store any number of them.

_ROW = table(PendingSignIn).c
_FIND = select(table(PendingSignIn)).where(_ROW.token_hash == bindparam("hash"), _ROW.expires_at > bindparam("now"))
_END = delete(table(PendingSignIn)).where(_ROW.id == bindparam("its_id"))
_END_ALL = delete(table(PendingSignIn)).where(_ROW.user_id == bindparam("its_user"))
_END_SURPLUS = _END_ALL.where(_ROW.id <= bindparam("surplus"))
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
        database.execute(_END_SURPLUS, {"its_user": user.id, "surplus": surplus})
    return token


def find(token: str) -> PendingSignIn:
    """Return the sign-in of this token. Raises SignInExpired."""
    found = database.find_value(PendingSignIn, _FIND, {"hash": fingerprint(token), "now": clock.now()})
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
    database.execute(_END, {"its_id": found.id})


def end_all(user: CMSUser) -> None:
    """End all sign-ins of a locked account that wait for a second factor; without one there are none."""
    if not user.has_second_factor:
        return
    database.execute(_END_ALL, {"its_user": user.id})
