"""The pending change of an administrator's address: one row for each account, the last change and how it ended."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import aliased

from accounts import clock, database, limits, links, sessions
from accounts.errors import AskedElsewhere, ChangeWasDropped, CodeExpired, EmailTaken, LinkDead, TooManyAttempts
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from models import (
    Address,
    ChangeOutcome,
    CMSUser,
    EmailChange,
    Link,
    LoginSession,
    Mailbox,
    db,
    dialect,
    replacement,
    table,
    value_of,
)

STARTER = aliased(CMSUser)
_CHANGE = table(EmailChange)
ALIVE = and_(_CHANGE.c.outcome == ChangeOutcome.PENDING, or_(_CHANGE.c.session_id.is_not(None), _CHANGE.c.is_assisted))
"""Not ended, and the session that requested it, if one did, still exists."""
# Statements of every request are built once: building one costs more than running it.
_FIND_WITH_SESSION = sessions.FIND.add_columns(*_CHANGE.c).outerjoin(_CHANGE, _CHANGE.c.user_id == table(CMSUser).c.id)
_SAME_CODE = (
    _CHANGE.c.user_id == bindparam("its_user"),
    _CHANGE.c.session_id == bindparam("session"),
    _CHANGE.c.nonce == bindparam("its_nonce"),
    _CHANGE.c.outcome == ChangeOutcome.PENDING,
    _CHANGE.c.email_version == bindparam("version"),
)
_ASKED_AT = select(_CHANGE.c.asked_at).where(*_SAME_CODE)
_COUNT = (
    update(_CHANGE)
    .where(*_SAME_CODE, _CHANGE.c.tries < bindparam("most"))
    .values(tries=_CHANGE.c.tries + 1)
    .returning(*_CHANGE.c)
)
_WRITE = update(_CHANGE).where(_CHANGE.c.id == bindparam("its_id"))  # Columns come with the values.
_END = (
    update(_CHANGE)
    .where(_CHANGE.c.user_id == bindparam("its_user"), ALIVE)
    .values(outcome=bindparam("how"), ended_by=bindparam("ended_by_name"))
    .returning(_CHANGE.c.id)
)
_COMPLETE = (
    update(_CHANGE)
    .where(_CHANGE.c.id == bindparam("its_id"), ~links.RESERVED.exists())
    .values(outcome=ChangeOutcome.MADE)
    .returning(_CHANGE.c.id)
)
_FRESH = {"populate_existing": True}
_PROVED = {Mailbox.NEW: "new_proved", Mailbox.OLD: "old_proved"}


def start(user: CMSUser, address: Address, *, origin: Origin, **values: object) -> EmailChange:
    """Start a change of a locked account, which replaces the last one, and return it as a value."""
    change: dict[str, Any] = {
        "user_id": user.id,
        "session_id": None,
        "is_assisted": False,
        "started_by": None,
        "email": address.email,
        "email_key": address.key,
        "email_version": user.email_version,
        "nonce": "",
        "old_nonce": None,
        "asked_at": clock.now(),
        "tries": 0,
        "new_proved": False,
        "old_proved": False,
        "network": origin.network,
        "browser": origin.browser,
        "outcome": ChangeOutcome.PENDING,
        "ended_by": "",
    } | values
    database.execute(replacement(EmailChange, "user_id", dialect()), change)
    return value_of(EmailChange, map(change.get, _CHANGE.c.keys()))


def find_with_session(sid: str) -> tuple[CMSUser, LoginSession, EmailChange | None] | None:
    """Find an account and a session as `sessions.find` does, and return them with the last change of the account."""
    found = sessions.find_and_read(sid, _FIND_WITH_SESSION)
    if found is None:
        return None
    user, session, row = found
    change = value_of(EmailChange, iter(row[-len(_CHANGE.c) :]))
    return user, session, change if change.id is not None else None


def require_requested(session: LoginSession, change: EmailChange | None) -> EmailChange:
    """Return the last change of an account if it is pending and this session requested it.

    Raises CodeExpired if it cannot be completed, or a more specific refusal: AskedElsewhere, ChangeWasDropped.
    """
    if change is None:
        raise CodeExpired
    is_own, is_expired = change.session_id == session.id, change.expires_at <= clock.now()
    if change.outcome == ChangeOutcome.DROPPED and is_own and not is_expired:
        raise ChangeWasDropped(change.ended_by)
    if change.outcome != ChangeOutcome.PENDING or is_expired or change.is_assisted:
        raise CodeExpired
    if not is_own:
        raise AskedElsewhere if change.session_id is not None else CodeExpired
    return change


def find_started(link: Link) -> EmailChange:
    """Return the change that another administrator started and whose new address this link proves.

    Raises LinkDead if there is none, or the time in which it can be stopped is not over.
    """
    its = EmailChange.user_id == link.user_id, EmailChange.email_key == link.email_key, EmailChange.is_assisted
    query = select(EmailChange).where(*its, EmailChange.outcome == ChangeOutcome.PENDING)
    change = db.session.scalar(query, execution_options=_FRESH)
    if change is None or clock.now() < ready_at(change):
        raise LinkDead
    return change


def find_starter(user_id: int) -> set[int]:
    """Return the id of the administrator who started the last change of this account for its owner, if one did."""
    its = EmailChange.user_id == user_id, EmailChange.started_by.is_not(None)
    return {starter for starter in db.session.scalars(select(EmailChange.started_by).where(*its)) if starter}


def find_stoppable(token: str) -> EmailChange:
    """Return the change, pending or ended, whose stop link has this token. Raises LinkDead if it was replaced."""
    query = select(EmailChange).where(EmailChange.stop_hash == fingerprint(token))
    change = db.session.scalar(query, execution_options=_FRESH)
    if change is None:
        raise LinkDead
    return change


def count_try(user: CMSUser, requested: EmailChange) -> tuple[EmailChange, int]:
    """Count a try of the codes of a change: for the codes, for the administrator's day and for the new address's day.

    Returns the change as it is now, and the number of tries left. Raises CodeExpired if the change was replaced or has
    ended since it was read, TooManyAttempts if no try was left; the caller's transaction must then not commit.
    """
    numbers = settings()
    its: dict[str, Any] = {"its_user": user.id, "session": requested.session_id, "version": user.email_version}
    its["its_nonce"] = requested.nonce
    found = database.execute(_COUNT, its | {"most": numbers.CAPTCHA_TRIES}).first()
    if found is None:
        asked_at = database.execute(_ASKED_AT, its).scalar()
        if asked_at is None:
            raise CodeExpired
        raise TooManyAttempts(numbers.CAPTCHA_RESEND_SECONDS - (clock.now() - asked_at).total_seconds())
    change = value_of(EmailChange, iter(found))
    left = limits.spend(*limits.tries(user.id, change.address))
    return change, min(numbers.CAPTCHA_TRIES - change.tries, *(each.left for each in left.values()))


def uncount_try(change: EmailChange) -> None:
    """Take back a try that was counted just now."""
    database.execute(_WRITE, {"its_id": change.id, "tries": change.tries - 1})
    limits.uncount(*limits.tries(change.user_id, change.address))


def mark_proved(change: EmailChange, mailboxes: Iterable[Mailbox]) -> None:
    """Store which codes were correct: they need not be entered again."""
    if columns := {_PROVED[mailbox]: True for mailbox in mailboxes}:
        database.execute(_WRITE, {"its_id": change.id, **columns})


def complete(change: EmailChange) -> None:
    """Store that a change is made, after the account was given the address.

    Raises EmailTaken if the address is reserved for a former owner; the caller's transaction must then not commit. The
    account is written first: PostgreSQL makes that wait for a former owner whose change commits at the same time.
    """
    reserved = {"key": change.email_key, "user": change.user_id, "now": clock.now()}
    if database.execute(_COMPLETE, {"its_id": change.id, **reserved}).first() is None:
        raise EmailTaken


def end(user_id: int, outcome: ChangeOutcome, by: str = "") -> bool:
    """End the pending change of a locked account; return whether there was one."""
    values = {"its_user": user_id, "how": outcome, "ended_by_name": by}
    return database.execute(_END, values).first() is not None


def is_alive(change: EmailChange) -> bool:
    """Return whether `ALIVE` holds for a change."""
    return change.outcome == ChangeOutcome.PENDING and (change.session_id is not None or change.is_assisted)


def ready_at(change: EmailChange) -> datetime:
    """Return when the new address of a started change can first be confirmed."""
    return change.asked_at + timedelta(seconds=settings().ASSISTED_WAIT_SECONDS)


def find_started_by(user_id: int, since: datetime | None = None) -> set[int]:
    """Return the ids of the accounts for which an administrator started a change that is pending, optionally since."""
    its = [EmailChange.started_by == user_id, ALIVE, *([EmailChange.asked_at >= since] if since else [])]
    return set(db.session.scalars(select(EmailChange.user_id).where(*its)))


def list_by_account(user_ids: Iterable[int]) -> dict[int, EmailChange]:
    """Return the pending changes of these accounts that have not expired, by the id of the account."""
    query = select(EmailChange).where(EmailChange.user_id.in_(tuple(user_ids)), ALIVE)
    return {change.user_id: change for change in db.session.scalars(query.where(EmailChange.expires_at > clock.now()))}


def list_started() -> list[tuple[CMSUser, EmailChange, str]]:
    """Return the pending changes that administrators started for others, oldest first, with the starter's username."""
    query = (
        select(CMSUser, EmailChange, STARTER.username)
        .join(EmailChange, EmailChange.user_id == CMSUser.id)
        .outerjoin(STARTER, STARTER.id == EmailChange.started_by)
        .where(ALIVE, EmailChange.is_assisted, EmailChange.expires_at > clock.now())
    )
    rows = db.session.execute(query.order_by(EmailChange.asked_at, EmailChange.id))
    return [(row[0], row[1], row[2] or "") for row in rows]


def list_pending() -> list[tuple[CMSUser, EmailChange]]:
    """Return all pending changes that have not expired, oldest first."""
    query = select(CMSUser, EmailChange).join(EmailChange, EmailChange.user_id == CMSUser.id)
    rows = db.session.execute(query.where(ALIVE, EmailChange.expires_at > clock.now()).order_by(EmailChange.asked_at))
    return [(row[0], row[1]) for row in rows]
