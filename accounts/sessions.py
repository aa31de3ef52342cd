"""Sessions: the cookie has a random id, the row its hash. Deleting the row ends the session at once (ASVS 7.4.1)."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from accounts import changes, clock, database
from accounts.errors import ReauthRequired, SignInRequired
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint, keys
from accounts.statements import Row
from models import CMSUser, LoginSession, db, table, value_of

TOUCH = timedelta(minutes=1)  # How old `seen_at` may be: not every page needs a commit.

# Statements of every request are built once: building one costs more than running it.
_ROW = table(LoginSession).c
_THIS = _ROW.id == bindparam("session")
_BY_HASH = select(table(LoginSession)).where(_ROW.id_hash == bindparam("id_hash"))
_BY_USER = select(table(LoginSession)).where(_ROW.user_id == bindparam("user"))
_START = insert(table(LoginSession))
FIND = (
    select(table(CMSUser), table(LoginSession))
    .join(table(LoginSession), _ROW.user_id == table(CMSUser).c.id)
    .where(_ROW.id_hash == bindparam("id_hash"))
)
"""Finds the account and the session of an id. A caller may add columns and outer joins."""
_SAME = select(_ROW.id).where(_THIS, _ROW.id_hash == bindparam("id_hash"))
_TOUCH = update(table(LoginSession)).where(_THIS).values(seen_at=bindparam("now"))
_OTHER = table(LoginSession).alias("other").c
_OTHERS = (
    select(func.count()).where(_OTHER.user_id == bindparam("user"), _OTHER.id != bindparam("session")).scalar_subquery()
)
_RENEW = (
    update(table(LoginSession))
    .where(_THIS, _ROW.id_hash == bindparam("old_hash"))
    .values(id_hash=bindparam("hash"), proved_at=bindparam("proved"), key_id=bindparam("key"))
    .returning(_OTHERS.label("others"))
)
_END_ALL = delete(table(LoginSession)).where(_ROW.user_id == bindparam("user"))
_END_OTHERS = _END_ALL.where(_ROW.id != bindparam("session"))
_END = delete(table(LoginSession)).where(_THIS).returning(_ROW.user_id)


@dataclass(frozen=True)
class Renewed:
    """An account as it is now, and the new id of the session that changed it."""

    account: CMSUser
    sid: str


def find(sid: str) -> tuple[CMSUser, LoginSession] | None:
    """Return the account and the session of this id, or None if the session has ended or the account is disabled.

    Both are values: they stay as they are, whatever happens to the database or the rows.
    """
    found = find_and_read(sid, FIND)
    return found[:2] if found else None


def find_and_read(sid: str, query: Select[Any]) -> tuple[CMSUser, LoginSession, Row] | None:
    """Find an account and a session as `find` does, and return them with the row of a query that extends `FIND`."""
    found = database.execute(query, {"id_hash": fingerprint(sid)}).first()
    if found is None:
        return None
    row, now = iter(found), clock.now()
    user, session = value_of(CMSUser, row), value_of(LoginSession, row)
    if not user.is_active or is_over(session):
        return None
    if now - session.seen_at > TOUCH:
        database.execute(_TOUCH, {"session": session.id, "now": now})
        db.session.commit()
    return user, session, found


@dataclass(frozen=True)
class Ending:
    """Why a session has ended: not used for too long (`idle`), too old (`age`), or for another reason (`ended`)."""

    reason: str
    seconds: int = 0  # The limit that was reached.


def find_ending(sid: str) -> Ending:
    """Return why the session of this id has ended; if it was ended by somebody, the row no longer exists."""
    session = database.find_value(LoginSession, _BY_HASH, {"id_hash": fingerprint(sid)})
    if session is None:
        return Ending("ended")
    idle, life = _limits(session)
    if clock.now() - session.created_at > life:
        return Ending("age", int(life.total_seconds()))
    if clock.now() - session.seen_at > idle:
        return Ending("idle", int(idle.total_seconds()))
    return Ending("ended")  # The account is disabled.


def start(user: CMSUser, origin: Origin, *, remember: bool) -> str:
    """Add a session of an administrator who was proved just now, and return the id for its cookie."""
    now, sid = clock.now(), secrets.token_urlsafe(32)
    session = {
        "id_hash": fingerprint(sid),
        "user_id": user.id,
        "remembered": remember,
        "created_at": now,
        "seen_at": now,
        "proved_at": now,
        "network": origin.network,
        "browser": origin.browser,
        "key_id": keys().current.id,
    }
    database.execute(_START, session)
    return sid


def renew(session: LoginSession, *, proved: bool = False, others_end: bool = False) -> str:
    """Give a session a new id and return it (ASVS 7.2.4); the old id is invalid after the commit.

    With `proved` its administrator counts as proved just now. With `others_end` all other sessions of the account end
    (ASVS 7.4.3). Raises SignInRequired if the session has ended.
    """
    sid = secrets.token_urlsafe(32)
    proved_at = clock.now() if proved else session.proved_at
    old = {"user": session.user_id, "session": session.id, "old_hash": session.id_hash}
    new = {"hash": fingerprint(sid), "proved": proved_at, "key": keys().current.id}
    renewed = database.execute(_RENEW, old | new).first()
    if renewed is None:
        raise SignInRequired
    if others_end and renewed.others:
        end_others(session)
    return sid


def require_alive(session: LoginSession) -> None:
    """Raise SignInRequired if the session has ended or got a new id. Its account is locked, so this stays true."""
    if database.execute(_SAME, {"session": session.id, "id_hash": session.id_hash}).first() is None:
        raise SignInRequired


def sign_out(session: LoginSession) -> None:
    """End a session at the request of its own browser, and with it the pending change that it requested."""
    _delete(session.id)


def end(session_id: int | None) -> None:
    """End a session, and with it the pending change that it requested. None is no session."""
    user_id = _delete(session_id)
    if user_id is not None:
        changes.note_ended_sessions(user_id, "one")


def end_others(session: LoginSession) -> None:
    """End all other sessions of the same account (ASVS 7.4.3)."""
    if database.execute(_END_OTHERS, {"user": session.user_id, "session": session.id}).rowcount:
        changes.note_ended_sessions(session.user_id, "others")


def end_all(user: CMSUser) -> None:
    """End all sessions of an account. This is noted even if there is none: receivers may have sessions of their own."""
    database.execute(_END_ALL, {"user": user.id})
    changes.note_ended_sessions(user.id, "all")


def end_stale(user_id: int) -> None:
    """Delete the sessions of an account that are too old or were not used for too long."""
    for row in database.execute(_BY_USER, {"user": user_id}):
        session = value_of(LoginSession, iter(row))
        if is_over(session):
            _delete(session.id)


def _delete(session_id: int | None) -> int | None:
    """Delete a session, and return the id of its account, or None if there was no such session."""
    user_id: int | None = database.execute(_END, {"session": session_id}).scalar()
    return user_id


def is_proved(session: LoginSession) -> bool:
    """Return whether the administrator was proved in this session recently (ASVS 7.5.1)."""
    return clock.now() - session.proved_at <= timedelta(seconds=settings().REAUTH_SECONDS)


def require_proof(session: LoginSession) -> None:
    """Raise ReauthRequired unless the administrator was proved in this session recently."""
    if not is_proved(session):
        raise ReauthRequired


def is_over(session: LoginSession) -> bool:
    """Return whether a session was not used for too long or is too old (ASVS 7.3.1, 7.3.2)."""
    idle, life = _limits(session)
    now = clock.now()
    return now - session.seen_at > idle or now - session.created_at > life


def _limits(session: LoginSession) -> tuple[timedelta, timedelta]:
    """Return the idle limit and the absolute limit of a session."""
    return limits(remembered=session.remembered)


def limits(*, remembered: bool) -> tuple[timedelta, timedelta]:
    """Return the idle limit and the absolute limit of remembered sessions, or of others."""
    its = settings()
    idle, life = (
        (its.REMEMBER_IDLE_SECONDS, its.REMEMBER_SECONDS)
        if remembered
        else (its.SESSION_IDLE_SECONDS, its.SESSION_SECONDS)
    )
    return timedelta(seconds=idle), timedelta(seconds=life)
