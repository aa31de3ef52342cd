"""How mail gets there: rows written with what they tell, leases, retries, and the SMTP dialogue itself."""

import atexit
import contextlib
import logging
import os
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import Any, Self

from flask import Flask, current_app
from flask_mail import Connection, Message
from flask_mail import Mail as FlaskMail
from sqlalchemy import insert, select, update

from accounts import clock, housekeeping, limits, mailbox
from accounts.errors import UNAVAILABLE
from accounts.mailer import Letter
from models import EmailChange, Mail, MailState, db, email_key, table

SPARE_SECONDS = 30  # A worker that died leaves its mail for the longest dialogue and so much more.
LIFE = timedelta(days=3)  # A notice that could not be sent for so long is given up.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5, 3600
POLL_SECONDS = 5.0
log = logging.getLogger(__name__)
flask_mail = FlaskMail()
_ADD = insert(table(Mail)).returning(table(Mail).c.id)  # Built once: building a statement costs more than running it.


def put(
    letter: Letter,
    recipient: str,
    *,
    user_id: int | None,
    due_at: datetime | None = None,
    not_after: datetime | None = None,
) -> int:
    """Write a mail into the caller's transaction and return its number.

    It is sent after the commit (or at `due_at`), or not at all.
    """
    now = clock.now()
    mail = {
        "message_id": make_msgid(domain=_sender_domain()),
        "kind": letter.kind,
        "user_id": user_id,
        "recipient": recipient,
        "subject": letter.subject,
        "body": letter.body,
        "html": letter.html,
        "state": MailState.QUEUED,
        "created_at": now,
        "due_at": due_at or now,
        "not_after": not_after or now + LIFE,
        "tries": 0,
        "problem": "",
    }
    return int(db.session.scalar(_ADD, mail) or 0)


errands: dict[str, Callable[[Mail], None]] = {}


def errand(kind: str) -> Callable[[Callable[[Mail], None]], Callable[[Mail], None]]:
    """Make a function the one that runs errands of this kind, in the transaction that closes them."""

    def keep(run: Callable[[Mail], None]) -> Callable[[Mail], None]:
        errands[f"errand:{kind}"] = run
        return run

    return keep


def put_errand(kind: str, recipient: str, told: str) -> None:
    """Write down what is to be done about this address later, so that nobody can tell from now what it will be."""
    put(Letter(f"errand:{kind}", "", told, ""), recipient, user_id=None)


def deliver_one() -> bool:
    """Take the next mail that is due and try to send it; say whether there was one. Safe in many processes at once."""
    mail = _taken()
    if mail is None:
        return False
    if mail.not_after <= clock.now() or _is_pointless(mail):
        _finish(mail, MailState.EXPIRED, mail.problem)
        return True
    try:
        if mail.kind in errands:
            errands[mail.kind](mail)
        else:
            _send(mail)
    except Exception as problem:  # Whatever it was, the mail stays and its turn comes again.
        db.session.rollback()
        _failed(mail, problem)
    else:
        _finish(mail, MailState.SENT, "")
    return True


def _is_pointless(mail: Mail) -> bool:
    """Say whether the change that a mail asks to confirm was stopped, cancelled or replaced while the mail waited."""
    if mail.kind != "assisted_proof":
        return False
    asked_for = db.session.scalar(select(EmailChange.id).where(EmailChange.mail_id == mail.id))
    db.session.commit()  # No transaction stays open while a mail server is talked to.
    return asked_for is None


def _taken() -> Mail | None:
    """Take a lease on the next mail: one statement, in which two workers never get the same row, and one never two.

    The subquery is scalar, so that PostgreSQL runs it once. Below IN it may be run again for another row, and skip then
    what others hold by now: a second mail would be leased, and nobody would send it before the lease is over.
    """
    now, lease = clock.now(), timedelta(seconds=current_app.config["MAIL_DIALOGUE_SECONDS"] + SPARE_SECONDS)
    due = select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.due_at <= now).order_by(Mail.due_at).limit(1)
    take = (
        update(Mail)
        .where(Mail.id == due.with_for_update(skip_locked=True).scalar_subquery(), Mail.due_at <= now)
        .values(due_at=now + lease, tries=Mail.tries + 1)
        .returning(Mail)
    )
    mail = db.session.scalar(take, execution_options={"populate_existing": True, "synchronize_session": False})
    db.session.commit()
    if mail is not None:
        db.session.expunge(mail)  # A value from now on: what we took, whatever happens to the row.
    return mail


def _finish(mail: Mail, state: MailState, problem: str) -> None:
    """Close a mail, wipe its words, unless the lease ran out and somebody else has it now."""
    done = {"state": state, "done_at": clock.now(), "problem": problem, "subject": "", "body": "", "html": ""}
    _write(mail, **done)


def _failed(mail: Mail, problem: Exception) -> None:
    """Refuse a mail for good where the server said so about this recipient; else try again later and later."""
    reason = _reason(problem)
    if _is_permanent(problem):
        _finish(mail, MailState.REFUSED, reason)
        # The person must correct the address, and need not wait for it; nothing tells that it was a taken one.
        if mail.kind in ("code", "taken") and mail.user_id:
            limits.give_back(limits.resend(mail.user_id))
            db.session.commit()
        log.warning("mail %s (%s) refused: %s", mail.message_id, mail.kind, reason)
        return
    wait = min(FIRST_RETRY_SECONDS * 2 ** (mail.tries - 1), LONGEST_RETRY_SECONDS)
    _write(mail, due_at=clock.now() + timedelta(seconds=wait), problem=reason)
    log.warning("mail %s (%s) not sent, next try in %d s: %s", mail.message_id, mail.kind, wait, reason)


def _write(mail: Mail, **values: object) -> None:
    """Write what became of a mail, if the lease is still ours."""
    mine = Mail.id == mail.id, Mail.tries == mail.tries, Mail.state == MailState.QUEUED
    db.session.execute(update(Mail).where(*mine).values(**values))
    db.session.commit()


def _is_permanent(problem: Exception) -> bool:
    """Say whether the server refused this recipient or this text for good (RFC 5321, 4.2.1: 5yz)."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in problem.recipients.values())
    return isinstance(problem, smtplib.SMTPDataError) and problem.smtp_code >= 500


def _reason(problem: Exception) -> str:
    """Return what went wrong, in one short line without control characters."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return _line(*next(iter(problem.recipients.values())))
    if isinstance(problem, smtplib.SMTPResponseException):
        return _line(problem.smtp_code, problem.smtp_error)
    return f"{type(problem).__name__}: {problem}"[:200]


def _line(code: int, said: bytes | str) -> str:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    return " ".join(f"{code} {words}".split())[:200]


def _send(mail: Mail) -> None:
    """Hand one mail to the mail server, within the deadline of a dialogue."""
    message = Message(
        subject=mail.subject,
        recipients=[_smtp_address(mail.recipient)],
        body=mail.body,
        html=mail.html,
        date=mail.created_at.timestamp(),
        extra_headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: nobody's absence notice answers it.
    )
    message.msgId = mail.message_id
    with TimedConnection(current_app.extensions["mail"]) as connection:
        connection.send(message)


def _smtp_address(email: str) -> str:
    """Return the address as SMTP takes it: the local part as typed, the domain in its A-form."""
    local, _, _ = email.rpartition("@")
    return f"{local}@{email_key(email).rpartition('@')[2]}"


def _sender_domain() -> str:
    return current_app.config["MAIL_DEFAULT_SENDER"].rpartition("@")[2].rstrip("> ") or "localhost"


class TimedConnection(Connection):
    """One SMTP dialogue that ends, whatever the other side does."""

    def __enter__(self) -> Self:
        """Connect, and start the clock of the dialogue: smtplib's own time-out is per line, a slow drip has none."""
        self._deadline = threading.Timer(current_app.config["MAIL_DIALOGUE_SECONDS"], self._cut)
        self._deadline.daemon = True
        self._deadline.start()
        try:
            super().__enter__()
        except BaseException:
            self._deadline.cancel()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Say goodbye; a server that drops the line now has the mail all the same."""
        self._deadline.cancel()
        if self.host is not None:
            try:
                self.host.quit()
            except (OSError, smtplib.SMTPException):
                self.host.close()

    def configure_host(self) -> smtplib.SMTP:
        """Open the connection: STARTTLS or TLS only with a certificate that is valid for this server."""
        config = current_app.config
        if not config["MAIL_SERVER"]:
            return mailbox.Mailbox()
        server, port, seconds = config["MAIL_SERVER"], config["MAIL_PORT"], config["MAIL_SECONDS"]
        secured = config["MAIL_USE_SSL"] or config["MAIL_USE_TLS"]
        tls = ssl.create_default_context() if secured else None  # It reads every certificate that the machine trusts.
        # The constructor already talks: the object must be known to the deadline before that.
        if config["MAIL_USE_SSL"]:
            host: smtplib.SMTP = smtplib.SMTP_SSL.__new__(smtplib.SMTP_SSL)
            more: dict[str, Any] = {"context": tls}
        else:
            host, more = smtplib.SMTP.__new__(smtplib.SMTP), {}
        self.host = host
        type(host).__init__(host, server, port, timeout=seconds, **more)
        if config["MAIL_USE_TLS"]:
            host.starttls(context=tls)
        if config["MAIL_USERNAME"]:
            host.login(config["MAIL_USERNAME"], config["MAIL_PASSWORD"])
        return host

    def _cut(self) -> None:
        """End a dialogue that takes too long: the thread that waits in it gets an error and the mail stays."""
        sock = getattr(self.host, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Delivery(threading.Thread):
    """A thread of the web process that sends what is due, and looks again when it is woken."""

    def __init__(self, app: Flask) -> None:
        """Prepare a thread that does not keep the process alive."""
        super().__init__(name="mail delivery", daemon=True)
        self._app, self._pid = app, os.getpid()
        self._awake, self._stopped = threading.Event(), threading.Event()

    def run(self) -> None:
        """Send, sleep, and never die of a fault: a database that is away now is back later."""
        while not self._stopped.is_set():
            deliver_all(self._app, self._stopped)
            self._awake.wait(POLL_SECONDS)
            self._awake.clear()

    def wake(self) -> None:
        """Have it look for mail now."""
        self._awake.set()

    def stop(self) -> None:
        """Give it three seconds for the mail in hand; what it does not finish is sent after its lease."""
        self._stopped.set()
        self._awake.set()
        self.join(timeout=3)

    def is_ours(self) -> bool:
        """Say whether the thread runs in this process: fork copies the object, not the thread."""
        return self._pid == os.getpid() and self.is_alive()


def deliver_all(app: Flask, stopped: threading.Event) -> None:
    """Send all that is due, then tidy up; where a part of ours does not answer, leave it for the next time."""
    with app.app_context():
        try:
            while not stopped.is_set() and deliver_one():
                pass
            housekeeping.tidy_in_turn()
        except UNAVAILABLE as problem:
            log.warning("mail delivery waits: %s", str(problem).partition("\n")[0])


_starting = threading.Lock()


def wake() -> None:
    """Tell the web process's own delivery that there is mail; start it in this process if it is not there yet."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if app.config["MAIL_DELIVERY"] != "thread":
        return
    with _starting:
        thread = app.extensions.get("mail_delivery")
        if thread is None or not thread.is_ours():
            thread = app.extensions["mail_delivery"] = Delivery(app)
            thread.start()
            atexit.register(thread.stop)
    thread.wake()
