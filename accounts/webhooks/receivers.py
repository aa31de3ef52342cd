"""The receivers in WEBHOOKS, and what is known about each: its pause after failures, and whether it is disabled."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from accounts import clock, database, leases
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.statements import Row
from models import WebhookReceiver, dialect, table

LONGEST_PAUSE_SECONDS = 300  # After an outage, a receiver gets its events within this time.
LONGEST_WISH_SECONDS = 3600  # The longest Retry-After that is respected.
SUCCESS_STEP = timedelta(minutes=1)  # How old `succeeded_at` may be: not every event needs another statement.
NAME_LENGTH = 300

_ROW = table(WebhookReceiver).c
_THIS = _ROW.receiver == bindparam("key")
_FIND = select(table(WebhookReceiver)).where(_THIS)
_FREE = or_(_ROW.paused_until.is_(None), _ROW.paused_until <= bindparam("now"))
_PAUSE = (  # Several workers that fail at the same time count as one failure.
    update(table(WebhookReceiver))
    .where(_THIS, _FREE)
    .values(failures=_ROW.failures + 1, paused_until=bindparam("until"))
)
_DISABLE = update(table(WebhookReceiver)).where(_THIS).values(disabled_at=bindparam("now"))
_ENABLE = update(table(WebhookReceiver)).where(_THIS).values(disabled_at=None, paused_until=None, failures=0)
_SUCCEED = (
    update(table(WebhookReceiver))
    .where(_THIS)
    .values(succeeded_at=bindparam("now"), failures=0, paused_until=case((_FREE, None), else_=_ROW.paused_until))
)


@dataclass(frozen=True)
class Receiver:
    """A receiver: its URL, and the secrets with which its events are signed."""

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def key(self) -> str:
        """Return under which key its rows are stored: the URL may contain a secret."""
        return fingerprint(self.url)

    @property
    def name(self) -> str:
        """Return its URL for the log and for lists: without the query, which may contain a secret."""
        parts = urlsplit(self.url)
        query = "?***" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"[:NAME_LENGTH]


@dataclass(frozen=True)
class Condition:
    """What is known about a receiver now."""

    failures: int = 0
    paused_until: datetime | None = None
    disabled_at: datetime | None = None
    succeeded_at: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Return whether events may be sent to it now."""
        return self.disabled_at is None and (self.paused_until is None or self.paused_until <= clock.now())


def list_all() -> list[Receiver]:
    """Return the receivers in the order of the setting."""
    return [Receiver(url, secrets) for url, secrets in settings().WEBHOOKS.items()]


def find(url: str) -> Receiver | None:
    """Return the receiver with this URL, or None."""
    return next((each for each in list_all() if each.url == url), None)


def read_condition(receiver: Receiver) -> Condition:
    """Return what is known about a receiver; nothing was sent to one without a row."""
    row = database.execute(_FIND, {"key": receiver.key}).first()
    return Condition() if row is None else condition_of(row)


def condition_of(row: Row) -> Condition:
    """Return what the row of a receiver says."""
    return Condition(row.failures, row.paused_until, row.disabled_at, row.succeeded_at)


def pause(receiver: Receiver, wish_seconds: int | None) -> int:
    """Send nothing to a receiver for a while, because it fails for all events; return for how many seconds.

    The pause doubles with every failure; a receiver may wish another one. The caller commits.
    """
    failures = read_condition(receiver).failures
    pause_seconds = min(leases.retry_seconds(failures + 1), LONGEST_PAUSE_SECONDS)
    if wish_seconds is not None:
        pause_seconds = min(max(wish_seconds, leases.FIRST_RETRY_SECONDS), LONGEST_WISH_SECONDS)
    now = clock.now()
    _write(receiver, _PAUSE, now=now, until=now + timedelta(seconds=pause_seconds))
    return pause_seconds


def disable(receiver: Receiver) -> None:
    """Send nothing to a receiver until it is enabled. The caller commits."""
    _write(receiver, _DISABLE, now=clock.now())


def enable(receiver: Receiver) -> None:
    """Send to a receiver again, at once. The caller commits."""
    _write(receiver, _ENABLE)


def record_success(receiver: Receiver) -> None:
    """Store that a receiver accepts events, unless that is known. The caller commits."""
    its = read_condition(receiver)
    if its.failures or its.succeeded_at is None or clock.now() - its.succeeded_at >= SUCCESS_STEP:
        _write(receiver, _SUCCEED, now=clock.now())


def _write(receiver: Receiver, statement: Any, **values: object) -> None:
    """Execute a statement on the row of a receiver, and add the row first if there is none."""
    empty = {"receiver": receiver.key, "name": receiver.name, "failures": 0}
    database.execute(_build_insert(dialect()), empty)
    database.execute(statement, {"key": receiver.key, **values})


@lru_cache
def _build_insert(dialect: str) -> Any:
    """Return the statement that adds a receiver if it is not there."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table(WebhookReceiver))
    return insert.on_conflict_do_nothing(index_elements=["receiver"])
