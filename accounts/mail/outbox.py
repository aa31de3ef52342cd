"""The outbox: mails and tasks, stored in the transaction of a use case and delivered after its commit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import make_msgid

from sqlalchemy import insert, select

from accounts import clock, database
from accounts.mail.messages import Letter
from accounts.settings import settings
from models import Mail, MailState, db, table

LIFE = timedelta(days=3)  # How long delivery of a notice is attempted.
TASK = "task:"
_ADD = insert(table(Mail)).returning(table(Mail).c.id)  # Built once: building a statement costs more than executing it.


def enqueue(
    letter: Letter,
    recipient: str,
    *,
    user_id: int | None,
    due_at: datetime | None = None,
    not_after: datetime | None = None,
) -> int:
    """Add a mail to the caller's transaction and return its id; it is sent after the commit, not before `due_at`."""
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
    db.session.info["mail_is_queued"] = True
    return int(database.execute(_ADD, mail).scalar_one())


tasks: dict[str, Callable[[Mail], None]] = {}


def task(kind: str) -> Callable[[Callable[[Mail], None]], Callable[[Mail], None]]:
    """Register the function that runs the tasks of this kind, in the transaction that completes the task."""

    def register(run: Callable[[Mail], None]) -> Callable[[Mail], None]:
        tasks[TASK + kind] = run
        return run

    return register


def enqueue_task(kind: str, recipient: str, arguments: str) -> None:
    """Add a task to the caller's transaction; delivery runs it, so that a request costs the same for every address."""
    enqueue(Letter(TASK + kind, "", arguments, ""), recipient, user_id=None)


def failed_mails() -> list[Mail]:
    """Return the mails that were set aside after errors in the application, newest first."""
    failed = select(Mail).where(Mail.state == MailState.FAILED).order_by(Mail.done_at.desc())
    return list(db.session.scalars(failed))


def _sender_domain() -> str:
    return settings().MAIL_DEFAULT_SENDER.rpartition("@")[2].rstrip("> ") or "localhost"
