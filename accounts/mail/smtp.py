"""The SMTP dialogue: one connection for many mails, a deadline for each mail, and the classification of errors.

Every smtplib.SMTPException is an OSError.
"""

import contextlib
import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from email.header import Header
from email.mime.base import MIMEBase
from email.policy import compat32
from hashlib import sha256
from typing import Any, Self

from flask_mail import Connection, Message
from flask_mail import Mail as FlaskMail

from accounts.mail import mailbox
from accounts.settings import settings
from models import Mail, MailProblem, email_key

AS_ENCODED = compat32.clone(linesep="\r\n", max_line_length=None)
MAILS_PER_CONNECTION = 100  # Some mail servers limit the mails of one connection.
SERVICE_CLOSING = 421  # RFC 5321, 4.2.3: the server closes the connection, whatever the command was.
log = logging.getLogger(__name__)
flask_mail = FlaskMail()


class Client(smtplib.SMTP):
    """An SMTP client that another thread can abort, and that records how far the current mail got."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """Create a client without a connection; with `tls` the connection is encrypted from its first byte."""
        super().__init__(timeout=settings().MAIL_SECONDS)
        self._tls = tls
        self._socket: socket.socket | None = None
        self.begin_mail()

    def begin_mail(self) -> None:
        """Reset the state of the previous mail."""
        self.is_text_sent = self.is_accepted = False

    def open(self, server: str, port: int) -> None:
        """Connect, and read the greeting. Raises OSError."""
        self._host = server  # STARTTLS compares the certificate with this name.
        code, greeting = self.connect(server, port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, greeting)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect, and store a duplicate of the socket: during a TLS handshake smtplib itself has none to shut down."""
        sock = socket.create_connection((host, port), timeout)
        self._socket = sock.dup()
        return self._tls.wrap_socket(sock, server_hostname=host) if self._tls else sock

    def sendmail(self, *args: Any, **kwargs: Any) -> dict[str, tuple[int, bytes]]:
        """Send a mail, and record that the server has accepted it."""
        refused = super().sendmail(*args, **kwargs)
        self.is_accepted = True
        return refused

    def send(self, s: Any) -> None:
        """Send a command, which is `str`, or the text of a mail, which is `bytes`, and record the latter."""
        self.is_text_sent = self.is_text_sent or isinstance(s, bytes)
        super().send(s)

    def abort(self) -> None:
        """Shut the connection down from another thread: the thread that waits for the server gets an error."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection without QUIT."""
        super().close()
        if self._socket is not None:
            self._socket.close()


class RecordingClient(Client):
    """A client that keeps the dialogue, line by line, without what authenticates and without the text of mails."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """Create a client without a connection."""
        self.dialogue: list[str] = []
        self._is_authenticating = False
        super().__init__(tls)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command."""
        shown = "(authentication)" if self._is_authenticating else f"{cmd} {args}"
        self.dialogue.append(f"> {_escape(shown)}")
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply."""
        try:
            code, text = super().getreply()
        except OSError as problem:
            self.dialogue.append(f"! {_escape(str(problem))}")
            raise
        self.dialogue += [f"< {_format_reply(code, line)}" for line in text.split(b"\n")]
        return code, text

    def send(self, s: Any) -> None:
        """Send a command, or the text of a mail."""
        if isinstance(s, bytes):
            self.dialogue.append(f"> ({len(s)} bytes)")
        super().send(s)

    def auth(self, mechanism: str, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Authenticate."""
        self.dialogue.append(f"> AUTH {mechanism}")
        self._is_authenticating = True
        try:
            return super().auth(mechanism, *args, **kwargs)
        finally:
            self._is_authenticating = False


class MailServerConnection(Connection):
    """A connection to the mail server for several mails, each with a deadline that the server cannot extend."""

    client_class = Client
    _is_late = threading.Event()  # Set when the current deadline has passed.
    _is_text_sent = False  # Whether the text of a mail was sent on the connection that was closed last.

    def __enter__(self) -> Self:
        """Connect. Raises OSError."""
        with self._deadline(settings().MAIL_DIALOGUE_SECONDS):
            self._open()
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self.close()

    def send(self, message: Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Send a mail on the open connection, or on a new one.

        If the server has dropped the reused connection, the mail is sent again on a new one, once. Raises OSError if
        the server did not accept the mail, or another error if it cannot be encoded. After the server has accepted the
        mail nothing is raised, because the mail would be sent twice.
        """
        with self._deadline(settings().MAIL_DIALOGUE_SECONDS):
            if self.host is not None and self.num_emails < MAILS_PER_CONNECTION:
                try:
                    return self._send_once(message, envelope_from)
                except smtplib.SMTPException as problem:
                    if not self._may_reconnect(problem):
                        raise
            self.close()
            self._open()
            return self._send_once(message, envelope_from)

    def close(self) -> None:
        """Send QUIT and disconnect; errors are ignored, because accepted mails are not affected."""
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
        tls = ssl.create_default_context() if secured else None  # Slow: it loads all trusted certificates.
        client = self.client_class(tls if config.MAIL_USE_SSL else None)
        self.host = client  # Before it connects, so that the deadline can abort it.
        client.open(config.MAIL_SERVER, config.MAIL_PORT)
        if config.MAIL_USE_TLS:
            client.starttls(context=tls)
        if config.MAIL_USERNAME:
            client.login(config.MAIL_USERNAME, config.MAIL_PASSWORD)
        return client

    def _open(self) -> None:
        """Connect. Raises OSError; then there is no connection."""
        try:
            self.host, self.num_emails = self.configure_host(), 0
            self._raise_if_late()
        except BaseException:
            self._drop()
            raise

    def _raise_if_late(self) -> None:
        """Raise TimeoutError if the deadline passed before there was a connection to abort: the lease may be over."""
        if self._is_late.is_set():
            raise TimeoutError

    def _send_once(self, message: Message, envelope_from: str | tuple[str, str] | None) -> None:
        """Send a mail on the open connection; afterwards this is ready for the next mail, or closed."""
        host = self.host
        if isinstance(host, Client):
            host.begin_mail()  # Not in sendmail(), which is not reached if the mail cannot be encoded.
        try:
            super().send(message, envelope_from)
        except Exception as problem:
            if isinstance(host, Client) and host.is_accepted:
                log.warning("the connection failed after a mail was accepted: %s", type(problem).__name__)
                return
            if not self._reset(problem):
                self._drop()
            raise

    def _reset(self, problem: Exception) -> bool:
        """Reset the dialogue after a failed mail, and return whether the connection can be used for the next one."""
        codes = codes_of(problem)
        is_broken = isinstance(problem, OSError) and not codes
        if self.host is None or is_broken or not all(400 <= code < 600 and code != SERVICE_CLOSING for code in codes):
            return False
        with contextlib.suppress(OSError):
            return self.host.rset()[0] == 250
        return False

    def _may_reconnect(self, problem: smtplib.SMTPException) -> bool:
        """Return whether the server dropped a reused connection and cannot have accepted the mail."""
        if self._is_late.is_set():
            return False
        if isinstance(problem, smtplib.SMTPServerDisconnected):
            return not self._is_text_sent
        return SERVICE_CLOSING in codes_of(problem) or isinstance(problem, smtplib.SMTPSenderRefused)

    def _drop(self) -> None:
        """Close the connection without QUIT."""
        host, self.host = self.host, None
        if host is not None:
            self._is_text_sent = isinstance(host, Client) and host.is_text_sent
            host.close()

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """Return the socket if the open connection is encrypted: its certificate was verified."""
        sock = self.host.sock if self.host is not None else None
        return sock if isinstance(sock, ssl.SSLSocket) else None

    @contextlib.contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        """Abort the connection after this time: the time-out of smtplib restarts whenever data is received.

        Raises TimeoutError instead of the error that the abort causes.
        """
        outer, is_late = self._is_late, threading.Event()
        self._is_late = is_late
        timer = threading.Timer(seconds, self._abort, [is_late])
        timer.daemon = True
        timer.start()
        try:
            yield
        except OSError as problem:
            if is_late.is_set():
                raise TimeoutError(f"not finished after {seconds} s") from problem
            raise
        finally:
            timer.cancel()
            self._is_late = outer

    def _abort(self, is_late: threading.Event) -> None:
        is_late.set()
        if isinstance(self.host, Client):
            self.host.abort()


class RecordingConnection(MailServerConnection):
    """A connection that keeps the dialogue, also after it was closed.

    A line begins with `>` if it was sent, with `<` if it is a reply, and with `!` if the dialogue was interrupted.
    """

    client_class = RecordingClient
    dialogue: Sequence[str] = ()

    def configure_host(self) -> smtplib.SMTP:
        """Open the connection."""
        try:
            return super().configure_host()
        finally:
            if isinstance(self.host, RecordingClient):
                self.dialogue = self.host.dialogue


class EncodedMessage(Message):
    """A message whose headers are already encoded by Flask-Mail, and whose boundaries come from its Message-ID.

    With its default policy the email package would parse each header again, which is a third of the cost of a mail. It
    would also search the texts for each boundary that it has chosen. A Message-ID is random and is made after the
    texts, so that they cannot contain its hash.
    """

    def _message(self) -> MIMEBase:
        message = super()._message()
        message.policy = AS_ENCODED
        digest = sha256(self.msgId.encode()).hexdigest()[:32]
        for number, part in enumerate(message.walk()):
            if part.is_multipart():
                part.set_boundary(f"=_{digest}_{number}")
        return message


def build_message(mail: Mail) -> Message:
    """Return the message of a mail."""
    message = EncodedMessage(
        subject=_encode_subject(mail.subject),
        recipients=[_smtp_address(mail.recipient)],
        body=mail.body,
        html=mail.html,
        date=mail.created_at.timestamp(),
        extra_headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: prevents automatic replies.
    )
    message.msgId = mail.message_id
    return message


def _encode_subject(subject: str) -> str:
    """Return the subject as it is sent: in ASCII, with lines of at most 76 characters (RFC 2047, 2).

    Flask-Mail does not count the name of the header, nor the space before the lines that follow.
    """
    if subject.isascii():
        return subject
    return Header(subject, "utf-8", maxlinelen=76, header_name="Subject").encode(linesep="\r\n")


def _smtp_address(email: str) -> str:
    """Return the address for SMTP: the local part as typed, the domain in its ASCII form (A-labels)."""
    local, _, _ = email.rpartition("@")
    return f"{local}@{email_key(email).rpartition('@')[2]}"


def codes_of(problem: BaseException) -> list[int]:
    """Return the reply codes with which the mail server refused something; none if it did not respond."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in problem.recipients.values()]
    return [problem.smtp_code] if isinstance(problem, smtplib.SMTPResponseException) else []


def classify(problem: OSError) -> MailProblem:
    """Return the category of the problem because of which a mail was not sent."""
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
    return _classify_codes(problem, codes_of(problem))


def _classify_codes(problem: OSError, codes: list[int]) -> MailProblem:
    """Return what the server refused, and whether it did so permanently (RFC 5321, 4.2.1)."""
    if not codes or not all(400 <= code < 600 for code in codes):
        return MailProblem.UNREACHABLE
    if min(codes) < 500:
        return MailProblem.TEMPORARILY_REFUSED
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return MailProblem.RECIPIENT_REFUSED
    return MailProblem.MESSAGE_REFUSED if isinstance(problem, smtplib.SMTPDataError) else MailProblem.SENDER_REFUSED


def format_response(problem: OSError) -> str:
    """Return the response of the server, or the error, for the log: a short line of printable ASCII."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return "; ".join(_format_reply(code, text) for code, text in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPResponseException):
        return _format_reply(problem.smtp_code, problem.smtp_error)
    return _escape(f"{type(problem).__name__}: {problem}")


def _format_reply(code: int, text: bytes | str) -> str:
    return _escape(f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}")


def _escape(text: str) -> str:
    return ascii(" ".join(text.split()))[1:-1][:300]


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
