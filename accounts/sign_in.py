"""Signing in, proving the password once more, signing out."""

import hmac
import secrets
from dataclasses import dataclass

from accounts import administrators, audit, limits, passwords, sessions
from accounts.audit import Where
from accounts.errors import PasswordWrong, TooManyRequests, WrongCredentials
from accounts.keys import signature
from accounts.limits import Limit
from models import CMSUser, LoginSession, db, email_key


@dataclass(frozen=True)
class SignedIn:
    """The id of a new session, and a mark by which this browser is known as one of this account's from now on."""

    sid: str
    browser_mark: str


def sign_in(*, email: str, password: str, remember: bool, browser_mark: str, where: Where) -> SignedIn:
    """Start a session.

    Raises WrongCredentials, in the same time whoever it is; TooManyRequests once there were too many tries of this
    account or from this network; CacheDown rather than not counting them. The tries of strangers and those of a
    browser that has signed in to this account before are counted apart: nobody can lock the owner out of that.
    """
    account = email_key(email)
    user = administrators.with_email(email)
    try:
        by_account = limits.throttle_password(account, _known_as(user, browser_mark), where.network)
    except TooManyRequests:
        _record(user, "too_many_requests", where)
        raise
    known = user is not None and user.is_active
    if not passwords.matches(password, user.password_hash if user and known else None):
        _record(user, "sign_in_failed", where)
        raise WrongCredentials
    assert user is not None
    proved = user.password_hash
    renewed = passwords.hashed(password) if passwords.is_dated(proved) else proved  # Before the account is held.
    user = administrators.locked(user.id)
    if user.password_hash == proved:
        user.password_hash = renewed
    sessions.end_stale(user.id)
    sid = sessions.start(user, where, remember=remember)
    audit.record(user, "signed_in", where)
    db.session.commit()
    limits.forgive(by_account)
    return SignedIn(sid, _mark(user, secrets.token_hex(16)))


def prove(user: CMSUser, session: LoginSession, password: str, where: Where) -> str:
    """Note that the password was proved in this session just now, and return the session's new id.

    Raises PasswordWrong; TooManyRequests, CacheDown as sign_in does.
    """
    with audit.refusals(user, where):
        by_account = limits.throttle_password(user.email_key, f"session {session.id}", where.network)
        if not passwords.matches(password, user.password_hash):
            raise PasswordWrong
    user = administrators.locked(user.id)
    sid = sessions.renew(session, proved=True)
    audit.record(user, "password_proved", where)
    db.session.commit()
    limits.forgive(by_account)
    return sid


def sign_out(user: CMSUser, session: LoginSession, where: Where) -> None:
    """End the session; a copy of its cookie is worth nothing from now on."""
    user = administrators.locked(user.id)
    sessions.end(session)
    audit.record(user, "signed_out", where)
    db.session.commit()


def _record(user: CMSUser | None, event: str, where: Where) -> None:
    """Write a refusal into the history, or as much for an address that nobody has: the time shall not tell."""
    if user:
        audit.record_alone(user, event, where)
    else:
        limits.spend(Limit(f"sign-in:nobody:{where.network}", 10**9, limits.HOUR))
        db.session.commit()


def _known_as(user: CMSUser | None, browser_mark: str) -> str:
    """Return who tries: a browser that has signed in to this account before, or one of all the others."""
    known = user is not None and hmac.compare_digest(browser_mark, _mark(user, browser_mark.partition(".")[0]))
    return browser_mark if known else "strangers"


def _mark(user: CMSUser, name: str) -> str:
    """Return the mark of a browser that has signed in to this account; only we can make it."""
    return f"{name}.{signature('browser', user.id, name)}"
