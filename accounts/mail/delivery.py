"""Delivery: leases due mails of the outbox, sends them, and stores the results."""

import contextlib
import logging
import re
import threading
from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import Flask, current_app
from sqlalchemy import bindparam, select

from accounts import clock, database, leases, limits
from accounts.errors import UNAVAILABLE
from accounts.leases import LeasedTable
from accounts.mail import outbox, smtp
from accounts.mail.smtp import MailServerConnection
from accounts.settings import settings
from models import ChangeOutcome, EmailChange, Mail, MailProblem, MailState, db, table, value_of
from telemetry import metrics

SPARE_SECONDS = 30  # A lease is this much longer than the longest dialogue.
MAX_FAULTS = 5  # A mail is set aside after this many consecutive errors in the application.
PERMANENT = {MailProblem.RECIPIENT_REFUSED, MailProblem.MESSAGE_REFUSED}
UNTRIED = "cms_mail_untried"
BATCH = 20  # Mails that are leased at a time.
log = logging.getLogger(__name__)
_COLUMNS = ("message_id", "kind", "user_id", "problem", "created_at")
_MAILS = LeasedTable(Mail, MailState.QUEUED, _COLUMNS, identity="message_id")
_LOAD = select(table(Mail)).where(table(Mail).c.id.in_(bindparam("ids", expanding=True)))


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


def init_app(app: Flask) -> None:
    """Start without leases."""
    app.extensions[UNTRIED] = deque()


def deliver_due(stopped: threading.Event) -> None:
    """Send all due mail over one connection. Several processes may do so at once. Raises one of UNAVAILABLE."""
    _end_leases()
    if not _is_any_due():
        return
    with contextlib.closing(MailServerConnection(current_app.extensions["mail"])) as connection:
        while not stopped.is_set() and deliver_batch(connection, stopped):
            pass


def deliver_batch(connection: MailServerConnection, stopped: threading.Event, most: int = BATCH) -> int:
    """Lease up to `most` due mails, try to send each of them, and return how many were leased.

    A failure is stored with its mail, and delivery continues with the next one. Raises one of UNAVAILABLE if a result
    could not be stored; then this mail is sent again after its lease, and those behind it are released, as soon as the
    database is available again.
    """
    leased = _lease(most)
    mails = _load_batch(leased)
    for position, lease in enumerate(leased):
        if stopped.is_set():
            _release(leased[position:])
            break
        try:
            _deliver(lease, mails.get(lease.id), connection)
        except UNAVAILABLE:
            _release(leased[position + 1 :])
            raise
    return len(leased)


def _is_any_due() -> bool:
    """Return whether mail is due, by a SELECT: on SQLite even an UPDATE of no rows waits for other writers."""
    due = select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.due_at <= clock.now()).limit(1)
    found = db.session.scalar(due)
    db.session.rollback()
    return found is not None


def _lease(most: int) -> list[Lease]:
    """Lease the next due mails for the longest dialogue."""
    until = _end_of_lease()
    return [Lease(**row, until=until) for row in _MAILS.lease(most, until)]


def _end_of_lease() -> datetime:
    return clock.now() + timedelta(seconds=settings().MAIL_DIALOGUE_SECONDS + SPARE_SECONDS)


def _load_batch(leased: list[Lease]) -> dict[int, Mail]:
    """Return the mails by id; none if one of them cannot be read: then each is loaded separately before it is sent."""
    try:
        return {mail.id: mail for mail in _load([lease.id for lease in leased])} if leased else {}
    except UNAVAILABLE:
        _release(leased)
        raise
    except Exception:  # The unreadable row causes the same error when it is delivered, where it is counted.
        log.warning("a mail of a batch cannot be read")
        db.session.rollback()
        return {}


def _load(ids: list[int]) -> list[Mail]:
    """Return mails as values: no transaction is open during an SMTP dialogue."""
    mails = [value_of(Mail, iter(row)) for row in database.execute(_LOAD, {"ids": ids})]
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
    return _MAILS.update(lease, due_at=_end_of_lease())


def _release(leased: list[Lease]) -> None:
    """End the leases of mails that were not tried; if the database is unavailable, before the next mails are sent."""
    _untried().extend(leased)
    with contextlib.suppress(*UNAVAILABLE):
        _end_leases()


def _end_leases() -> None:
    """End the leases of the mails that were not tried. Raises one of UNAVAILABLE; then the others are still listed."""
    db.session.rollback()  # The connection may have been lost; until then the session accepts no statement.
    untried = _untried()
    while untried:
        _MAILS.release(untried[0])
        untried.popleft()


def _untried() -> deque[Lease]:
    """Return the leases of this process that must be ended, because their mails were not tried."""
    found: deque[Lease] = current_app.extensions[UNTRIED]
    return found


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
    wait = leases.retry_seconds(lease.tries)
    _MAILS.update(lease, due_at=clock.now() + timedelta(seconds=wait), problem=problem)
    metrics.MAILS.add(lease.kind, "retried")
    log.warning("mail %s (%s) not sent, next try in %d s: %s", lease.message_id, lease.kind, wait, details)


def _close(lease: Lease, state: MailState, problem: str) -> None:
    """Close a mail and delete its recipient and content; delete the row of a completed task."""
    if outbox.is_task(lease.kind) and state == MailState.SENT:
        _MAILS.delete(lease)
    else:
        empty = dict.fromkeys(("recipient", "subject", "body", "html"), "")
        _MAILS.update(lease, state=state, done_at=clock.now(), problem=problem, **empty)
