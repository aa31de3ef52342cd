"""The outbox: mails and tasks, stored in the transaction of what they belong to and delivered after its commit."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import TextualSelect, bindparam, func, select, text

from accounts import clock, database
from accounts.mail.messages import Letter
from accounts.settings import settings
from models import Mail, MailProblem, MailState, db, table

LIFETIME = timedelta(days=3)  # A mail without `not_after` that could not be sent for so long is given up.
TASK = "task:"
FORMER_TASK = "errand:"  # The prefix in earlier versions; such a row may be in the outbox when one is upgraded.
_COLUMNS = (
    *("message_id", "kind", "user_id", "recipient", "subject", "body", "html"),
    *("state", "created_at", "due_at", "not_after", "tries", "problem"),
)


class Outgoing(NamedTuple):
    """A mail to send, not before `due_at` (by default now) and not after `not_after` (by default in three days)."""

    letter: Letter
    recipient: str
    user_id: int | None = None
    due_at: datetime | None = None
    not_after: datetime | None = None


def enqueue(letter: Letter, recipient: str, *, user_id: int | None, **when: datetime) -> int:
    """Add a mail to the transaction of the caller, and return its id. `when` is `due_at` or `not_after` of Outgoing."""
    (mail_id,) = enqueue_all([Outgoing(letter, recipient, user_id, **when)])
    return mail_id


def enqueue_all(mails: Sequence[Outgoing]) -> list[int]:
    """Add mails to the transaction of the caller, in one statement; return their ids in the same order."""
    now, ids = clock.now(), [new_message_id() for _ in mails]
    values: dict[str, Any] = {}
    for number, (mail, message_id) in enumerate(zip(mails, ids, strict=True)):
        letter, queued = mail.letter, (mail.due_at or now, mail.not_after or now + LIFETIME, 0, "")
        row = (message_id, letter.kind, mail.user_id, mail.recipient, letter.subject, letter.body, letter.html)
        columns = zip(_COLUMNS, (*row, MailState.QUEUED, now, *queued), strict=True)
        values.update((f"{name}_{number}", value) for name, value in columns)
    db.session.info["mail_is_queued"] = True
    found = {row.message_id: row.id for row in database.execute(_insert(len(mails)), values)}
    return [found[message_id] for message_id in ids]


@lru_cache
def _insert(count: int) -> TextualSelect:
    """Return the statement that adds this number of mails; SQLAlchemy would compile one of several rows every time."""
    rows = ", ".join("(" + ", ".join(f":{name}_{number}" for name in _COLUMNS) + ")" for number in range(count))
    columns, types = ", ".join(_COLUMNS), table(Mail).c
    statement = text(f"INSERT INTO mail ({columns}) VALUES {rows} RETURNING id, message_id")  # noqa: S608 (Constants.)
    parameters = (bindparam(f"{name}_{number}", type_=types[name].type) for name in _COLUMNS for number in range(count))
    return statement.bindparams(*parameters).columns(types.id, types.message_id)


tasks: dict[str, Callable[[Mail], None]] = {}


def task(kind: str) -> Callable[[Callable[[Mail], None]], Callable[[Mail], None]]:
    """Register a function that runs the tasks of a kind, in the transaction that completes the task."""

    def register(run: Callable[[Mail], None]) -> Callable[[Mail], None]:
        tasks[TASK + kind] = run
        return run

    return register


def enqueue_task(kind: str, recipient: str, arguments: str, *, user_id: int | None = None, **when: datetime) -> None:
    """Have delivery run a task on an address, so that the request does the same work if no account has it.

    `user_id` is the account of a task that is erased with it; `when` is `due_at` or `not_after` of Outgoing.
    """
    enqueue(Letter(TASK + kind, "", arguments, ""), recipient, user_id=user_id, **when)


def is_task(kind: str) -> bool:
    """Return whether a row of the outbox is a task: it must never be mailed."""
    return kind.startswith((TASK, FORMER_TASK))


def run_task(row: Mail) -> None:
    """Run a task in the transaction that completes it. Raises KeyError if this version does not know it."""
    tasks[TASK + row.kind.partition(":")[2]](row)


def read_arguments(row: Mail) -> dict[str, Any]:
    """Return the arguments of a task; earlier versions called the origin `where`."""
    found: dict[str, Any] = json.loads(row.body)
    return {"origin" if name == "where" else name: value for name, value in found.items()}


def failed_mails() -> list[Mail]:
    """Return the mails at which the application itself failed, newest first."""
    failed = select(Mail).where(Mail.state == MailState.FAILED).order_by(Mail.done_at.desc())
    return list(db.session.scalars(failed))


class Queue(NamedTuple):
    """How many mails and tasks are due or will be retried, without those that wait on purpose, and the oldest one."""

    mails: int
    oldest_at: datetime | None  # When it was queued.
    longest_due_at: datetime | None  # Since when the first of them could be sent.

    @property
    def oldest_seconds(self) -> float:
        """Return the age of the oldest one; 0 if there is none."""
        return max(0.0, (clock.now() - self.oldest_at).total_seconds()) if self.oldest_at else 0.0

    @property
    def overdue_seconds(self) -> float:
        """Return for how long one could be sent that nobody has leased; 0 if there is none."""
        return max(0.0, (clock.now() - self.longest_due_at).total_seconds()) if self.longest_due_at else 0.0


def read_queue() -> Queue:
    """Return what is queued."""
    queued = select(func.count(), func.min(Mail.created_at), func.min(Mail.due_at)).where(
        Mail.state == MailState.QUEUED, Mail.kind != "assisted_proof"
    )
    count, oldest_at, due_at = db.session.execute(queued).one()
    return Queue(count, oldest_at, due_at)


class Undelivered(NamedTuple):
    """How many mails of a state were given up for the same reason."""

    state: MailState
    problem: MailProblem | None  # None: not tried before it expired.
    mails: int


def count_undelivered(since: datetime) -> list[Undelivered]:
    """Return how many mails were refused, expired or set aside since then, by reason.

    The mail of a started change (`assisted_proof`) also expires when the change is stopped, so it is not counted.
    """
    given_up = (MailState.REFUSED, MailState.EXPIRED, MailState.FAILED)
    query = (
        select(Mail.state, Mail.problem, func.count())
        .where(Mail.done_at > since, Mail.state.in_(given_up), Mail.kind != "assisted_proof")
        .group_by(Mail.state, Mail.problem)
    )
    counts: Counter[tuple[MailState, MailProblem | None]] = Counter()
    for state, problem, count in db.session.execute(query):
        counts[MailState(state), MailProblem.read(problem)] += count
    return [Undelivered(state, problem, counts[state, problem]) for state, problem in sorted(counts, key=str)]


def is_being_delivered(since: datetime) -> bool:
    """Return whether a mail was sent or given up since then."""
    return db.session.scalar(select(Mail.id).where(Mail.done_at > since).limit(1)) is not None


def new_message_id() -> str:
    """Return a Message-ID (RFC 5322, section 3.6.4), unique by 128 random bits; those of `make_msgid` can repeat."""
    return f"<{secrets.token_hex(16)}@{sender_domain()}>"


def sender_domain() -> str:
    """Return the domain of the sender, which is also that of Message-IDs."""
    return settings().MAIL_DEFAULT_SENDER.rpartition("@")[2].rstrip("> ") or "localhost"
