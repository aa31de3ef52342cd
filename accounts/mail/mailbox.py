"""The development mailbox: without a mail server, mails are stored as files, which /dev/mailbox/ shows."""

import smtplib
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from hashlib import sha256
from pathlib import Path
from typing import Any

from accounts import clock
from accounts.settings import settings

MAX_MESSAGES = 100  # Older messages are deleted.


@dataclass(frozen=True)
class ReceivedMessage:
    """A stored message, decoded for display."""

    id: str
    to: str
    subject: str
    at: datetime
    body: str
    html: str


class Mailbox(smtplib.SMTP):
    """A replacement for the connection to a mail server, which stores messages as files."""

    def __init__(self) -> None:
        """Open no connection. Raises OSError in production, where the files are not shown."""
        super().__init__()
        if settings().CMS_ENV == "production":
            raise OSError("MAIL_SERVER is not set")

    def sendmail(self, from_addr: Any, to_addrs: Any, msg: Any, *_: Any, **__: Any) -> dict[str, tuple[int, bytes]]:
        """Store the message unless one with the same Message-ID exists: many mail servers drop duplicates, too."""
        message = BytesHeaderParser().parsebytes(msg)
        digest = sha256(str(message["Message-ID"]).encode()).hexdigest()[:16]
        folder = _folder()
        stored = list(folder.glob("*.eml"))
        if any(path.stem.endswith(f"-{digest}") for path in stored):
            return {}
        path = folder / f"{clock.now().timestamp():020.6f}-{digest}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(msg)
        unfinished.replace(path)
        for old in sorted([*stored, path])[:-MAX_MESSAGES]:
            old.unlink(missing_ok=True)
        return {}

    def quit(self) -> tuple[int, bytes]:
        """Do nothing: no connection was opened."""
        return 221, b"bye"


def messages() -> list[ReceivedMessage]:
    """Return the stored messages, newest first."""
    return [_read(path) for path in sorted(_folder().glob("*.eml"), reverse=True)]


def message(message_id: str) -> ReceivedMessage | None:
    """Return the message with this id, or None."""
    return next((_read(path) for path in _folder().glob("*.eml") if path.stem == message_id), None)


def _read(path: Path) -> ReceivedMessage:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return ReceivedMessage(
        id=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        at=_sent_at(message),
        body=text.get_content() if text else "",
        html=html.get_content() if html else "",
    )


def _sent_at(message: EmailMessage) -> datetime:
    at: datetime = message["Date"].datetime
    return at


def _folder() -> Path:
    folder: Path = settings().INSTANCE_DIR / "mailbox"
    folder.mkdir(0o700, exist_ok=True)
    return folder
