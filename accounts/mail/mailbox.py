"""Where mail goes while nobody has set a mail server: a folder of real messages, for /dev/mailbox/ to show."""

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

KEPT = 100  # The newest so many messages are kept.


@dataclass(frozen=True)
class Received:
    """A message as its reader sees it."""

    id: str
    to: str
    subject: str
    at: datetime
    body: str
    html: str


class Mailbox(smtplib.SMTP):
    """Stands where a connection to a mail server would: takes a message and files it."""

    def __init__(self) -> None:
        """Connect to nothing. Raises OSError in production, where nobody could read what is filed here."""
        super().__init__()
        if settings().CMS_ENV == "production":
            raise OSError("MAIL_SERVER is not set")

    def sendmail(self, from_addr: Any, to_addrs: Any, msg: Any, *_: Any, **__: Any) -> dict[str, tuple[int, bytes]]:
        """File the message under its Message-ID, so that a repetition is folded as a mail server would."""
        message = BytesHeaderParser().parsebytes(msg)
        fold = sha256(str(message["Message-ID"]).encode()).hexdigest()[:16]
        if any(_folder().glob(f"*-{fold}.eml")):
            return {}
        path = _folder() / f"{clock.now().timestamp():020.6f}-{fold}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(msg)
        unfinished.replace(path)
        for old in sorted(_folder().glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return {}

    def quit(self) -> tuple[int, bytes]:
        """Nothing was opened."""
        return 221, b"bye"


def messages() -> list[Received]:
    """Return what was filed, newest first."""
    return [_received(path) for path in sorted(_folder().glob("*.eml"), reverse=True)]


def message(message_id: str) -> Received | None:
    """Return one message, or None if there is none of that id."""
    return next((_received(path) for path in _folder().glob("*.eml") if path.stem == message_id), None)


def _received(path: Path) -> Received:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return Received(
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
