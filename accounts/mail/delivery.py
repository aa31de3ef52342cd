"""Delivery: takes mails that are due from the outbox under a lease, sends them and writes down what became of them."""

import contextlib
import logging
import re
import threading
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast

from flask import current_app
from sqlalchemy import CursorResult, bindparam, delete, select, update

from accounts import clock, limits
from accounts.errors import UNAVAILABLE
from accounts.mail import outbox, smtp
from accounts.mail.smtp import TimedConnection
from accounts.settings import settings
from models import ChangeOutcome, EmailChange, Mail, MailProblem, MailState, db, dialect, table

SPARE_SECONDS = 30  # A worker that died leaves its mail for the longest dialogue and so much more.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5, 3600
FAULTS = 5  # So often in a row the application may fail at a mail before that is set aside.
PERMANENT = {MailProblem.RECIPIENT_REFUSED, MailProblem.MESSAGE_REFUSED}
BATCH = 20  # So many mails are leased at a time.
log = logging.getLogger(__name__)
_MAIL = table(Mail).c
_OURS = _MAIL.id == bindparam("its_id"), _MAIL.tries == bindparam("its_tries"), _MAIL.state == MailState.QUEUED
_DELETE = delete(table(Mail)).where(*_OURS)
_LOAD = select(Mail).where(Mail.id.in_(bindparam("ids", expanding=True)))


class Lease(NamedTuple):
    """A mail that is ours to send until its lease is over, with what is needed to say what became of it."""

    id: int
    tries: int
    message_id: str
    kind: str
    user_id: int | None
    problem: str
    until: datetime


class NotSent(Exception):
    """The mail server did not accept a mail: why, in words of our own, and in its words for the log."""

    def __init__(self, kind: MailProblem, words: str) -> None:
        """Keep both."""
        super().__init__(kind)
        self.kind, self.words = kind, words


def deliver_due(stopped: threading.Event) -> None:
    """Send all that is due, over one connection to the mail server. Raises one of UNAVAILABLE.

    Safe in many processes at once.
    """
    if not _is_any_due():
        return
    with contextlib.closing(TimedConnection(current_app.extensions["mail"])) as connection:
        while not stopped.is_set() and deliver_batch(connection, stopped):
            pass


def deliver_batch(connection: TimedConnection, stopped: threading.Event, most: int = BATCH) -> int:
    """Take so many of the mails that are due and try to send each; return how many were taken.

    Whatever goes wrong with a mail is written down, and the next one has its turn. Raises one of UNAVAILABLE where
    that could not be written: then the mail comes again when its lease is over, and those after it when they can be
    released.
    """
    leases = _lease(most)
    mails = _read(leases)
    for position, lease in enumerate(leases):
        if stopped.is_set():
            _release(leases[position:])
            break
        try:
            _deliver(lease, mails.get(lease.id), connection)
        except UNAVAILABLE:
            _release(leases[position + 1 :])
            raise
    return len(leases)


def _is_any_due() -> bool:
    """Look for mail without writing: on SQLite even an UPDATE that finds nothing waits for every other writer."""
    due = select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.due_at <= clock.now()).limit(1)
    found = db.session.scalar(due)
    db.session.rollback()
    return found is not None


@lru_cache
def _take(dialect: str) -> Any:
    """Return the statement that takes leases: two workers never get the same row, and one never more than it asked for.

    On PostgreSQL the rows are chosen in a common table expression, which runs once. Below IN it may be run again for
    another row, and then skip what others hold by now: more would be leased than anybody sends. It returns no more of a
    row than is needed to close it: what cannot be read must not keep the others waiting.
    """
    due = (
        select(_MAIL.id)
        .where(_MAIL.state == MailState.QUEUED, _MAIL.due_at <= bindparam("now"))
        .order_by(_MAIL.due_at)
        .limit(bindparam("most"))
    )
    chosen = due if dialect == "sqlite" else select(due.with_for_update(skip_locked=True).cte("due").c.id)
    return (
        update(table(Mail))
        .where(_MAIL.id.in_(chosen), _MAIL.due_at <= bindparam("now"))
        .values(due_at=bindparam("until"), tries=_MAIL.tries + 1)
        .returning(_MAIL.id, _MAIL.tries, _MAIL.message_id, _MAIL.kind, _MAIL.user_id, _MAIL.problem)
    )


def _lease(most: int) -> list[Lease]:
    """Take leases on the next mails that are due, each long enough for the longest dialogue."""
    now, until = clock.now(), _end_of_lease()
    found = db.session.execute(_take(dialect()), {"now": now, "until": until, "most": most}).all()
    db.session.commit()
    return sorted(Lease(**row._mapping, until=until) for row in found)


def _end_of_lease() -> datetime:
    return clock.now() + timedelta(seconds=settings().MAIL_DIALOGUE_SECONDS + SPARE_SECONDS)


def _read(leases: list[Lease]) -> dict[int, Mail]:
    """Return the mails by id; none if one of them cannot be read: then each is read alone, when its turn comes."""
    try:
        return {mail.id: mail for mail in _load([lease.id for lease in leases])} if leases else {}
    except UNAVAILABLE:
        _release(leases)
        raise
    except Exception:  # Whatever is wrong with a row is its own fault, and is counted when it is delivered.
        log.warning("a mail of a batch cannot be read")
        db.session.rollback()
        return {}


def _load(ids: list[int]) -> list[Mail]:
    """Return mails as values; no transaction stays open while a mail server is talked to."""
    mails = list(db.session.scalars(_LOAD, {"ids": ids}))
    for mail in mails:
        db.session.expunge(mail)
    db.session.rollback()
    return mails


def _deliver(lease: Lease, mail: Mail | None, connection: TimedConnection) -> None:
    """Send a mail, or run a task, and write down what became of it."""
    if lease.until - timedelta(seconds=SPARE_SECONDS) <= clock.now() and not _renew(lease):
        return  # The mails before it took long, and another worker has it now.
    try:
        state = _handle(mail or _load([lease.id])[0], connection)
        db.session.flush()
    except UNAVAILABLE as problem:  # That says nothing about the mail.
        db.session.rollback()
        _retry(lease, lease.problem, f"{type(problem).__name__}: a part of ours is away")
    except Exception as problem:  # Whatever it was, the mail stays and its turn comes again.
        db.session.rollback()
        _failed(lease, problem)
    else:
        _close(lease, state, lease.problem if state == MailState.EXPIRED else "")


def _renew(lease: Lease) -> bool:
    """Lease a mail for another dialogue; say whether it still was ours."""
    return _write(lease, due_at=_end_of_lease())


def _release(leases: list[Lease]) -> None:
    """Give back mails that were not tried."""
    for lease in leases:
        with contextlib.suppress(*UNAVAILABLE):  # Then they come again when the lease is over.
            _write(lease, due_at=clock.now(), tries=lease.tries - 1)


def _handle(mail: Mail, connection: TimedConnection) -> MailState:
    """Send a mail, or run a task in the transaction that will close it; return what became of it."""
    if mail.not_after <= clock.now() or _is_pointless(mail):
        return MailState.EXPIRED
    if mail.kind.startswith(outbox.TASK):
        outbox.tasks[mail.kind](mail)
    else:
        _send(mail, connection)
    return MailState.SENT


def _is_pointless(mail: Mail) -> bool:
    """Say whether the change that a mail asks to confirm was stopped, cancelled or replaced while the mail waited."""
    if mail.kind != "assisted_proof":
        return False
    its = EmailChange.mail_id == mail.id, EmailChange.outcome == ChangeOutcome.PENDING
    is_over = db.session.scalar(select(EmailChange.id).where(*its)) is None
    db.session.rollback()
    return is_over


def _send(mail: Mail, connection: TimedConnection) -> None:
    """Hand one mail to the mail server, within the deadline of a dialogue."""
    try:
        connection.send(smtp.build_message(mail))
    except OSError as problem:
        raise NotSent(smtp.problem_of(problem), _without_secrets(smtp.words_of(problem), mail)) from problem


def _without_secrets(words: str, mail: Mail) -> str:
    """Return what a server said without the code and the links that it may have read in the mail."""
    for secret in set(re.findall(r"\d{6}|[\w-]{40,}", f"{mail.subject} {mail.body}")):
        words = words.replace(secret, "***")
    return words


def _failed(lease: Lease, problem: Exception) -> None:
    """Refuse a mail for good where the server said so, set it aside after too many faults, else try again later.

    Only words of our own are written: nothing that the server or the mail says can make this fail.
    """
    if not isinstance(problem, NotSent):
        _count_fault(lease, problem)
    elif problem.kind in PERMANENT:
        _give_up(lease, MailState.REFUSED, problem.kind)
        log.warning("mail %s (%s) refused: %s", lease.message_id, lease.kind, problem.words)
    else:
        _retry(lease, problem.kind, problem.words)


def _count_fault(lease: Lease, problem: Exception) -> None:
    """Set a mail aside at which the application itself has failed too often in a row; else try again later."""
    faults = _faults_of(lease) + 1
    if faults < FAULTS:
        _retry(lease, f"{MailProblem.UNEXPECTED} {faults}", type(problem).__name__)
        return
    _give_up(lease, MailState.FAILED, MailProblem.UNEXPECTED)
    log.error("mail %s (%s) is set aside: it failed %d times", lease.message_id, lease.kind, faults, exc_info=problem)


def _faults_of(lease: Lease) -> int:
    """Return how often in a row the application has failed at this mail before."""
    kind, _, faults = lease.problem.partition(" ")
    return int(faults) if kind == MailProblem.UNEXPECTED and faults.isdecimal() else 0


def _give_up(lease: Lease, state: MailState, kind: MailProblem) -> None:
    """Close a mail that will not arrive.

    Who asked for a code must correct the address and need not wait for that; nothing tells that it was a taken one.
    """
    if lease.kind in ("code", "taken") and lease.user_id:
        limits.reset(limits.resend(lease.user_id))
    _close(lease, state, kind)


def _retry(lease: Lease, problem: str, words: str) -> None:
    """Try again later, and later each time."""
    wait = min(FIRST_RETRY_SECONDS * 2 ** (lease.tries - 1), LONGEST_RETRY_SECONDS)
    _write(lease, due_at=clock.now() + timedelta(seconds=wait), problem=problem)
    log.warning("mail %s (%s) not sent, next try in %d s: %s", lease.message_id, lease.kind, wait, words)


def _close(lease: Lease, state: MailState, problem: str) -> None:
    """Close a mail and wipe its words; a task that was run leaves nothing to look up."""
    if lease.kind.startswith(outbox.TASK) and state == MailState.SENT:
        _commit(_DELETE, lease)
    else:
        _write(lease, state=state, done_at=clock.now(), problem=problem, subject="", body="", html="")


def _write(lease: Lease, **values: object) -> bool:
    """Commit what became of a mail; say whether it still was ours."""
    return _commit(_set(tuple(values)), lease, **values)


@lru_cache
def _set(columns: tuple[str, ...]) -> Any:
    """Return the statement that writes these columns of a leased mail; building one costs more than running it."""
    return update(table(Mail)).where(*_OURS).values({column: bindparam(f"new_{column}") for column in columns})


def _commit(closing: Any, lease: Lease, **values: object) -> bool:
    """Run the statement that closes a mail; nothing, if the lease ran out and somebody else has the mail now."""
    given = {"its_id": lease.id, "its_tries": lease.tries, **{f"new_{name}": value for name, value in values.items()}}
    done = cast("CursorResult[Any]", db.session.execute(closing, given))
    if done.rowcount:
        db.session.commit()
        return True
    db.session.rollback()
    return False
