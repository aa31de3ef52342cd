"""Delivery: leases due mails of the outbox, sends them, and stores the results."""

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
from accounts.mail.smtp import MailServerConnection
from accounts.settings import settings
from models import ChangeOutcome, EmailChange, Mail, MailProblem, MailState, db, dialect, table
from telemetry import metrics

SPARE_SECONDS = 30  # A lease is this much longer than the longest dialogue.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5, 3600
MAX_FAULTS = 5  # A mail is set aside after this many consecutive errors in the application.
PERMANENT = {MailProblem.RECIPIENT_REFUSED, MailProblem.MESSAGE_REFUSED}
BATCH = 20  # Mails that are leased at a time.
log = logging.getLogger(__name__)
_MAIL = table(Mail).c
_LEASED = _MAIL.id == bindparam("its_id"), _MAIL.tries == bindparam("its_tries"), _MAIL.state == MailState.QUEUED
_DELETE = delete(table(Mail)).where(*_LEASED)
_LOAD = select(Mail).where(Mail.id.in_(bindparam("ids", expanding=True)))


class Lease(NamedTuple):
    """A mail that only this process may send until the lease expires, with the data needed to store the result."""

    id: int
    tries: int
    message_id: str
    kind: str
    user_id: int | None
    problem: str
    created_at: datetime
    until: datetime


class NotSent(Exception):
    """The mail server did not accept a mail: the category of the problem, and the response for the log."""

    def __init__(self, kind: MailProblem, response: str) -> None:
        """Store the category and the response."""
        super().__init__(kind)
        self.kind, self.response = kind, response


def deliver_due(stopped: threading.Event) -> None:
    """Send all due mail over one connection. Several processes may do so at once. Raises one of UNAVAILABLE."""
    if not _is_any_due():
        return
    with contextlib.closing(MailServerConnection(current_app.extensions["mail"])) as connection:
        while not stopped.is_set() and deliver_batch(connection, stopped):
            pass


def deliver_batch(connection: MailServerConnection, stopped: threading.Event, most: int = BATCH) -> int:
    """Lease up to `most` due mails, try to send each of them, and return how many were leased.

    A failure is stored with its mail, and delivery continues with the next one. Raises one of UNAVAILABLE if a result
    could not be stored; then this mail is sent again after its lease, and those behind it are released.
    """
    leases = _lease(most)
    mails = _load_batch(leases)
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
    """Return whether mail is due, by a SELECT: on SQLite even an UPDATE of no rows waits for other writers."""
    due = select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.due_at <= clock.now()).limit(1)
    found = db.session.scalar(due)
    db.session.rollback()
    return found is not None


@lru_cache
def _build_lease_statement(dialect: str) -> Any:
    """Return the statement that takes leases: two workers never get the same row, and none gets more than it asked for.

    On PostgreSQL a common table expression selects the rows, because it is executed once. A subquery below IN may be
    executed again for another row and then skip rows that others have locked meanwhile, so that too many are leased.
    The statement returns only the columns that are needed to store the result: an unreadable row must not block others.
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
        .returning(_MAIL.id, _MAIL.tries, _MAIL.message_id, _MAIL.kind, _MAIL.user_id, _MAIL.problem, _MAIL.created_at)
    )


def _lease(most: int) -> list[Lease]:
    """Lease the next due mails for the longest dialogue."""
    now, until = clock.now(), _end_of_lease()
    found = db.session.execute(_build_lease_statement(dialect()), {"now": now, "until": until, "most": most}).all()
    db.session.commit()
    return sorted(Lease(**row._mapping, until=until) for row in found)


def _end_of_lease() -> datetime:
    return clock.now() + timedelta(seconds=settings().MAIL_DIALOGUE_SECONDS + SPARE_SECONDS)


def _load_batch(leases: list[Lease]) -> dict[int, Mail]:
    """Return the mails by id; none if one of them cannot be read: then each is loaded separately before it is sent."""
    try:
        return {mail.id: mail for mail in _load([lease.id for lease in leases])} if leases else {}
    except UNAVAILABLE:
        _release(leases)
        raise
    except Exception:  # The unreadable row causes the same error when it is delivered, where it is counted.
        log.warning("a mail of a batch cannot be read")
        db.session.rollback()
        return {}


def _load(ids: list[int]) -> list[Mail]:
    """Return mails as detached objects: no transaction is open during an SMTP dialogue."""
    mails = list(db.session.scalars(_LOAD, {"ids": ids}))
    for mail in mails:
        db.session.expunge(mail)
    db.session.rollback()
    return mails


def _deliver(lease: Lease, mail: Mail | None, connection: MailServerConnection) -> None:
    """Send a mail, or run a task, and store the result."""
    if lease.until - timedelta(seconds=SPARE_SECONDS) <= clock.now() and not _renew(lease):
        return  # The previous mails took long, and another worker has leased this one.
    try:
        state = _process(mail or _load([lease.id])[0], connection)
        db.session.flush()
    except UNAVAILABLE as problem:  # Not an error of this mail: it is not counted.
        db.session.rollback()
        _retry(lease, lease.problem, f"{type(problem).__name__}: the database or the cache is unavailable")
    except Exception as problem:  # An error must not end delivery; the mail stays in the outbox.
        db.session.rollback()
        _handle_failure(lease, problem)
    else:
        _close(lease, state, lease.problem if state == MailState.EXPIRED else "")
        metrics.MAILS.add(lease.kind, state.value)
        if state == MailState.SENT:
            seconds = (clock.now() - lease.created_at).total_seconds()
            metrics.MAIL_SECONDS.add(seconds=seconds)
            log.info("mail %s (%s) accepted after %.1f s", lease.message_id, lease.kind, seconds)


def _renew(lease: Lease) -> bool:
    """Lease a mail for another dialogue, and return whether the lease was still valid."""
    return _update(lease, due_at=_end_of_lease())


def _release(leases: list[Lease]) -> None:
    """End the leases of mails that were not tried."""
    db.session.rollback()  # The connection may have been lost; until then the session accepts no statement.
    with contextlib.suppress(*UNAVAILABLE):  # Otherwise they are leased again after they expire.
        for lease in leases:
            _update(lease, due_at=clock.now(), tries=lease.tries - 1)


def _process(mail: Mail, connection: MailServerConnection) -> MailState:
    """Send a mail, or run a task in the transaction that completes it; return the new state."""
    if mail.not_after <= clock.now() or _is_obsolete(mail):
        return MailState.EXPIRED
    if outbox.is_task(mail.kind):
        outbox.run_task(mail)
    else:
        _send(mail, connection)
    return MailState.SENT


def _is_obsolete(mail: Mail) -> bool:
    """Return whether the mail asks to confirm a started change that was ended or replaced in the meantime."""
    if mail.kind != "assisted_proof":
        return False
    its = EmailChange.mail_id == mail.id, EmailChange.outcome == ChangeOutcome.PENDING
    is_over = db.session.scalar(select(EmailChange.id).where(*its)) is None
    db.session.rollback()
    return is_over


def _send(mail: Mail, connection: MailServerConnection) -> None:
    """Send a mail within the deadline of a dialogue. Raises NotSent."""
    try:
        connection.send(smtp.build_message(mail))
    except OSError as problem:
        raise NotSent(smtp.classify(problem), _redact(smtp.format_response(problem), mail)) from problem


def _redact(response: str, mail: Mail) -> str:
    """Return a response without the code and the tokens of the mail, which the server may have quoted."""
    for secret in set(re.findall(r"\d{6}|[\w-]{40,}", f"{mail.subject} {mail.body}")):
        response = response.replace(secret, "***")
    return response


def _handle_failure(lease: Lease, problem: Exception) -> None:
    """Close a mail that the server refused permanently; otherwise count an error in the application, or retry later.

    Only a word of MailProblem is stored: no response of the server and no content of a mail can make this fail.
    """
    if not isinstance(problem, NotSent):
        _count_fault(lease, problem)
        return
    metrics.MAIL_PROBLEMS.add(problem.kind.value)
    if problem.kind in PERMANENT:
        _give_up(lease, MailState.REFUSED, problem.kind)
        log.warning("mail %s (%s) refused: %s", lease.message_id, lease.kind, problem.response)
    else:
        _retry(lease, problem.kind, problem.response)


def _count_fault(lease: Lease, problem: Exception) -> None:
    """Retry a mail after an error in the application, or set it aside after MAX_FAULTS consecutive ones."""
    faults = _previous_faults(lease) + 1
    if faults < MAX_FAULTS:
        _retry(lease, f"{MailProblem.UNEXPECTED} {faults}", type(problem).__name__)
        return
    _give_up(lease, MailState.FAILED, MailProblem.UNEXPECTED)
    log.error("mail %s (%s) is set aside: it failed %d times", lease.message_id, lease.kind, faults, exc_info=problem)


def _previous_faults(lease: Lease) -> int:
    """Return the number of consecutive errors in the application at this mail so far."""
    kind, _, faults = lease.problem.partition(" ")
    return int(faults) if kind == MailProblem.UNEXPECTED and faults.isdecimal() else 0


def _give_up(lease: Lease, state: MailState, kind: MailProblem) -> None:
    """Close a mail that cannot be delivered.

    The wait before the next code is reset, so that the address can be corrected; for a taken address, too, because the
    response must not reveal it.
    """
    if lease.kind in ("code", "taken") and lease.user_id:
        limits.reset(limits.resend(lease.user_id))
    _close(lease, state, kind)
    metrics.MAILS.add(lease.kind, state.value)


def _retry(lease: Lease, problem: str, details: str) -> None:
    """Try again later; the wait doubles with every try."""
    wait = min(FIRST_RETRY_SECONDS * 2 ** (lease.tries - 1), LONGEST_RETRY_SECONDS)
    _update(lease, due_at=clock.now() + timedelta(seconds=wait), problem=problem)
    metrics.MAILS.add(lease.kind, "retried")
    log.warning("mail %s (%s) not sent, next try in %d s: %s", lease.message_id, lease.kind, wait, details)


def _close(lease: Lease, state: MailState, problem: str) -> None:
    """Close a mail and delete its recipient and content; delete the row of a completed task."""
    if outbox.is_task(lease.kind) and state == MailState.SENT:
        _commit(_DELETE, lease)
    else:
        empty = dict.fromkeys(("recipient", "subject", "body", "html"), "")
        _update(lease, state=state, done_at=clock.now(), problem=problem, **empty)


def _update(lease: Lease, **values: object) -> bool:
    """Update and commit the row of a leased mail, and return whether the lease was still valid."""
    return _commit(_build_update(tuple(values)), lease, **values)


@lru_cache
def _build_update(columns: tuple[str, ...]) -> Any:
    """Return the statement that updates these columns of a leased mail; building one costs more than executing it."""
    return update(table(Mail)).where(*_LEASED).values({column: bindparam(f"new_{column}") for column in columns})


def _commit(statement: Any, lease: Lease, **values: object) -> bool:
    """Execute and commit a statement on a leased mail; return False if the lease expired and another worker has it."""
    parameters: dict[str, object] = {"its_id": lease.id, "its_tries": lease.tries}
    parameters |= {f"new_{name}": value for name, value in values.items()}
    done = cast("CursorResult[Any]", db.session.execute(statement, parameters))
    if done.rowcount:
        db.session.commit()
        return True
    db.session.rollback()
    return False
