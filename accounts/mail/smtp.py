"""The dialogue with the mail server: one connection for many mails, a deadline for each, and what went wrong.

Every smtplib.SMTPException is an OSError.
"""

import contextlib
import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.mime.base import MIMEBase
from email.policy import compat32
from typing import Any, Self

from flask_mail import Connection, Message
from flask_mail import Mail as FlaskMail

from accounts.mail import mailbox
from accounts.settings import settings
from models import Mail, MailProblem, email_key

AS_ENCODED = compat32.clone(linesep="\r\n", max_line_length=None)
MAILS_PER_CONNECTION = 100  # Then a new one: some mail servers count.
SERVICE_CLOSING = 421  # RFC 5321, 4.2.3: the server closes the connection, whatever the command was.
log = logging.getLogger(__name__)
flask_mail = FlaskMail()


class Client(smtplib.SMTP):
    """An SMTP client that another thread can cut off at any moment, and that knows how far the present mail got."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """Connect to nothing yet; with `tls` the connection is encrypted from its first byte."""
        super().__init__(timeout=settings().MAIL_SECONDS)
        self._tls = tls
        self._line: socket.socket | None = None
        self.begin_mail()

    def begin_mail(self) -> None:
        """Forget how far the mail before this one got."""
        self.is_handed_over = self.is_accepted = False

    def open(self, server: str, port: int) -> None:
        """Connect, and read the greeting. Raises OSError."""
        self._host = server  # STARTTLS compares the certificate with this name.
        code, said = self.connect(server, port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, said)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect, and keep a second handle on the connection: during a TLS handshake smtplib has none."""
        sock = socket.create_connection((host, port), timeout)
        self._line = sock.dup()
        return self._tls.wrap_socket(sock, server_hostname=host) if self._tls else sock

    def sendmail(self, *args: Any, **kwargs: Any) -> dict[str, tuple[int, bytes]]:
        """Send a mail, and note when the server has accepted it."""
        refused = super().sendmail(*args, **kwargs)
        self.is_accepted = True
        return refused

    def send(self, s: Any) -> None:
        """Send to the server: a command is text, and only the mail itself is bytes."""
        self.is_handed_over = self.is_handed_over or isinstance(s, bytes)
        super().send(s)

    def cut(self) -> None:
        """End the connection from another thread: whoever waits for the server gets an error at once."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection without a word."""
        super().close()
        if self._line is not None:
            self._line.close()


class TimedConnection(Connection):
    """A connection to the mail server that serves many mails. Each has a deadline, whatever the other side does."""

    _late = threading.Event()  # Set when the deadline at hand is over.
    _is_handed_over = False  # Whether the mail itself was sent on the connection that was dropped last.

    def __enter__(self) -> Self:
        """Connect. Raises OSError."""
        with self._deadline(settings().MAIL_DIALOGUE_SECONDS):
            self._open()
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self.close()

    def send(self, message: Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Send a mail on the connection at hand, or on a new one.

        A connection that served other mails may be over without a fault of this one; then a new one is opened, once.
        Raises whatever went wrong if the server did not accept the mail. What comes after that is not an error: the
        mail would be sent twice.
        """
        with self._deadline(settings().MAIL_DIALOGUE_SECONDS):
            if self.host is not None and self.num_emails < MAILS_PER_CONNECTION:
                try:
                    return self._hand_over(message, envelope_from)
                except smtplib.SMTPException as problem:
                    if not self._is_about_the_connection(problem):
                        raise
            self.close()
            self._open()
            return self._hand_over(message, envelope_from)

    def close(self) -> None:
        """Say goodbye and disconnect; what the server accepted is its own, whatever it answers now."""
        if self.host is None:
            return
        try:
            with contextlib.suppress(OSError), self._deadline(settings().MAIL_SECONDS):
                self.host.quit()
        finally:
            self._drop()

    def configure_host(self) -> smtplib.SMTP:
        """Open the connection: STARTTLS or TLS only with a certificate that is valid for this server."""
        config = settings()
        if not config.MAIL_SERVER:
            return mailbox.Mailbox()
        secured = config.MAIL_USE_SSL or config.MAIL_USE_TLS
        tls = ssl.create_default_context() if secured else None  # It reads every certificate that the machine trusts.
        client = Client(tls if config.MAIL_USE_SSL else None)
        self.host = client  # The deadline must know it before it talks.
        client.open(config.MAIL_SERVER, config.MAIL_PORT)
        if config.MAIL_USE_TLS:
            client.starttls(context=tls)
        if config.MAIL_USERNAME:
            client.login(config.MAIL_USERNAME, config.MAIL_PASSWORD)
        return client

    def _open(self) -> None:
        """Connect, unless that took so long that the mail may be somebody else's by now."""
        try:
            self.host, self.num_emails = self.configure_host(), 0
            self._refuse_late()
        except BaseException:
            self._drop()
            raise

    def _refuse_late(self) -> None:
        """Raise TimeoutError if the deadline was over before there was anything to cut."""
        if self._late.is_set():
            raise TimeoutError

    def _hand_over(self, message: Message, envelope_from: str | tuple[str, str] | None) -> None:
        """Send a mail on the connection at hand, and leave that ready for the next mail, or closed."""
        host = self.host
        if isinstance(host, Client):
            host.begin_mail()  # Not in sendmail(): a mail that cannot be encoded does not get so far.
        try:
            super().send(message, envelope_from)
        except Exception as problem:
            if isinstance(host, Client) and host.is_accepted:
                log.warning("the connection failed after a mail was accepted: %s", type(problem).__name__)
                return
            if not self._is_reset_after(problem):
                self._drop()
            raise

    def _is_reset_after(self, problem: Exception) -> bool:
        """Have the server forget a mail that failed; say whether the connection can serve the next one."""
        codes = codes_of(problem)
        is_broken = isinstance(problem, OSError) and not codes
        if self.host is None or is_broken or not all(400 <= code < 600 and code != SERVICE_CLOSING for code in codes):
            return False
        with contextlib.suppress(OSError):
            return self.host.rset()[0] == 250
        return False

    def _is_about_the_connection(self, problem: smtplib.SMTPException) -> bool:
        """Say whether a connection that was used before is over, and the server cannot have accepted the mail."""
        if self._late.is_set():
            return False
        if isinstance(problem, smtplib.SMTPServerDisconnected):
            return not self._is_handed_over
        return SERVICE_CLOSING in codes_of(problem) or isinstance(problem, smtplib.SMTPSenderRefused)

    def _drop(self) -> None:
        """Close the connection without a word."""
        host, self.host = self.host, None
        if host is not None:
            self._is_handed_over = isinstance(host, Client) and host.is_handed_over
            host.close()

    @contextlib.contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        """Cut the connection after so many seconds: smtplib's own time-out is per line, and a slow drip has none.

        Raises TimeoutError in the place of what the cut leads to.
        """
        outer, late = self._late, threading.Event()
        self._late = late
        timer = threading.Timer(seconds, self._cut, [late])
        timer.daemon = True
        timer.start()
        try:
            yield
        except OSError as problem:
            if late.is_set():
                raise TimeoutError(f"no end after {seconds} s") from problem
            raise
        finally:
            timer.cancel()
            self._late = outer

    def _cut(self, late: threading.Event) -> None:
        late.set()
        if isinstance(self.host, Client):
            self.host.cut()


class EncodedMessage(Message):
    """A message whose headers Flask-Mail has encoded already.

    With its default policy the email package would parse each of them again, which is a third of the cost of a mail.
    """

    def _message(self) -> MIMEBase:
        message = super()._message()
        message.policy = AS_ENCODED
        return message


def build_message(mail: Mail) -> Message:
    """Return a mail as it goes out."""
    message = EncodedMessage(
        subject=mail.subject,
        recipients=[_smtp_address(mail.recipient)],
        body=mail.body,
        html=mail.html,
        date=mail.created_at.timestamp(),
        extra_headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: nobody's absence notice answers it.
    )
    message.msgId = mail.message_id
    return message


def _smtp_address(email: str) -> str:
    """Return the address as SMTP takes it: the local part as typed, the domain in its A-form."""
    local, _, _ = email.rpartition("@")
    return f"{local}@{email_key(email).rpartition('@')[2]}"


def codes_of(problem: BaseException) -> list[int]:
    """Return the codes with which the mail server refused something; none if it did not answer."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in problem.recipients.values()]
    return [problem.smtp_code] if isinstance(problem, smtplib.SMTPResponseException) else []


def problem_of(problem: OSError) -> MailProblem:
    """Return in our own words why a mail was not sent."""
    causes = list(_causes(problem))
    if isinstance(problem, TimeoutError):
        return MailProblem.TIMEOUT
    for error, kind in ((ssl.SSLError, MailProblem.TLS_FAILED), (TimeoutError, MailProblem.TIMEOUT)):
        if any(isinstance(cause, error) for cause in causes):
            return kind
    if isinstance(problem, smtplib.SMTPNotSupportedError):
        return MailProblem.TLS_FAILED if "STARTTLS" in str(problem) else MailProblem.AUTHENTICATION_FAILED
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return MailProblem.AUTHENTICATION_FAILED
    return _refusal_of(problem, codes_of(problem))


def _refusal_of(problem: OSError, codes: list[int]) -> MailProblem:
    """Return what the server refused, and whether for good (RFC 5321, 4.2.1)."""
    if not codes or not all(400 <= code < 600 for code in codes):
        return MailProblem.UNREACHABLE
    if min(codes) < 500:
        return MailProblem.TEMPORARILY_REFUSED
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return MailProblem.RECIPIENT_REFUSED
    return MailProblem.MESSAGE_REFUSED if isinstance(problem, smtplib.SMTPDataError) else MailProblem.SENDER_REFUSED


def words_of(problem: OSError) -> str:
    """Return what was said, for the log: one short line of printable ASCII, whatever the server answered."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return "; ".join(_said(code, words) for code, words in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPResponseException):
        return _said(problem.smtp_code, problem.smtp_error)
    return _printable(f"{type(problem).__name__}: {problem}")


def _said(code: int, words: bytes | str) -> str:
    return _printable(f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}")


def _printable(words: str) -> str:
    return ascii(" ".join(words.split()))[1:-1][:300]


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
