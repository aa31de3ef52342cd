"""Delivery: takes mails that are due from the outbox under a lease, sends them and writes down what became of them."""

import contextlib
import logging
import re
import threading
from datetime import timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, delete, select, update

from accounts import clock, limits
from accounts.errors import UNAVAILABLE
from accounts.mail import outbox, smtp
from accounts.mail.smtp import TimedConnection
from models import ChangeOutcome, EmailChange, Mail, MailProblem, MailState, db

SPARE_SECONDS = 30  # A worker that died leaves its mail for the longest dialogue and so much more.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5, 3600
FAULTS = 5  # So often in a row the application may fail at a mail before that is set aside.
PERMANENT = {MailProblem.RECIPIENT_REFUSED, MailProblem.MESSAGE_REFUSED}
log = logging.getLogger(__name__)


class Lease(NamedTuple):
    """A mail that is ours to send until its lease is over, with what is needed to say what became of it."""

    id: int
    tries: int
    message_id: str
    kind: str
    user_id: int | None
    problem: str


class NotSent(Exception):
    """The mail server did not accept a mail: why, in words of our own, and in its words for the log."""

    def __init__(self, kind: MailProblem, words: str) -> None:
        """Keep both."""
        super().__init__(kind)
        self.kind, self.words = kind, words


def deliver_due(stopped: threading.Event) -> None:
    """Send all that is due, over one connection to the mail server. Raises one of UNAVAILABLE."""
    if not _is_any_due():
        return
    with contextlib.closing(TimedConnection(current_app.extensions["mail"])) as connection:
        while not stopped.is_set() and deliver_next(connection):
            pass


def _is_any_due() -> bool:
    """Look for mail without writing: on SQLite even an UPDATE that finds nothing waits for every other writer."""
    due = select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.due_at <= clock.now()).limit(1)
    found = db.session.scalar(due)
    db.session.rollback()
    return found is not None


def deliver_next(connection: TimedConnection) -> bool:
    """Take the next mail that is due and try to send it; say whether there was one.

    Whatever goes wrong with a mail is written down, and the next one has its turn. Raises one of UNAVAILABLE where
    that could not be written: then the mail comes again when its lease is over.
    """
    lease = _take()
    if lease is None:
        return False
    try:
        state = _handle(lease, connection)
        db.session.flush()
    except UNAVAILABLE as problem:  # That says nothing about the mail.
        db.session.rollback()
        _retry(lease, lease.problem, f"{type(problem).__name__}: a part of ours is away")
    except Exception as problem:  # Whatever it was, the mail stays and its turn comes again.
        db.session.rollback()
        _failed(lease, problem)
    else:
        _close(lease, state, lease.problem if state == MailState.EXPIRED else "")
    return True


def _take() -> Lease | None:
    """Take a lease on the next mail: one statement, in which two workers never get the same row, and one never two.

    The subquery is scalar, so that PostgreSQL runs it once. Below IN it may be run again for another row, and skip then
    what others hold by now: a second mail would be leased, and nobody would send it before the lease is over.
    It reads no more of the row than is needed to close it: what cannot be read must not keep the others waiting.
    """
    now, seconds = clock.now(), timedelta(seconds=current_app.config["MAIL_DIALOGUE_SECONDS"] + SPARE_SECONDS)
    due = select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.due_at <= now).order_by(Mail.due_at).limit(1)
    take = (
        update(Mail)
        .where(Mail.id == due.with_for_update(skip_locked=True).scalar_subquery(), Mail.due_at <= now)
        .values(due_at=now + seconds, tries=Mail.tries + 1)
        .returning(Mail.id, Mail.tries, Mail.message_id, Mail.kind, Mail.user_id, Mail.problem)
    )
    found = db.session.execute(take, execution_options={"synchronize_session": False}).first()
    db.session.commit()
    return Lease(*found) if found else None


def _handle(lease: Lease, connection: TimedConnection) -> MailState:
    """Send a mail, or run a task in the transaction that will close it; return what became of it."""
    mail = db.session.scalars(select(Mail).where(Mail.id == lease.id)).one()
    is_over = mail.not_after <= clock.now() or _is_pointless(mail)
    db.session.expunge(mail)
    db.session.commit()  # No transaction stays open while a mail server is talked to.
    if is_over:
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
    return db.session.scalar(select(EmailChange.id).where(*its)) is None


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
        limits.give_back(limits.resend(lease.user_id))
    _close(lease, state, kind)


def _retry(lease: Lease, problem: str, words: str) -> None:
    """Try again later, and later each time."""
    wait = min(FIRST_RETRY_SECONDS * 2 ** (lease.tries - 1), LONGEST_RETRY_SECONDS)
    _write(lease, due_at=clock.now() + timedelta(seconds=wait), problem=problem)
    log.warning("mail %s (%s) not sent, next try in %d s: %s", lease.message_id, lease.kind, wait, words)


def _close(lease: Lease, state: MailState, problem: str) -> None:
    """Close a mail and wipe its words; a task that was run leaves nothing to look up."""
    if lease.kind.startswith(outbox.TASK) and state == MailState.SENT:
        _commit(delete(Mail).where(*_ours(lease)).returning(Mail.id))
    else:
        _write(lease, state=state, done_at=clock.now(), problem=problem, subject="", body="", html="")


def _write(lease: Lease, **values: object) -> None:
    """Commit what became of a mail."""
    _commit(update(Mail).where(*_ours(lease)).values(**values).returning(Mail.id))


def _commit(closing: Any) -> None:
    """Run the statement that closes a mail; nothing, if the lease ran out and somebody else has the mail now."""
    if db.session.execute(closing).first():
        db.session.commit()
    else:
        db.session.rollback()


def _ours(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return Mail.id == lease.id, Mail.tries == lease.tries, Mail.state == MailState.QUEUED
