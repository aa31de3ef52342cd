"""What the transaction of the session has changed in accounts so far, noted by the modules that write it.

A use case does not report its changes, so that none can be forgotten: `accounts/webhooks/events.py` reads them before
the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.event import listens_for
from sqlalchemy.orm import Session
from sqlalchemy.orm.session import SessionTransaction

from accounts.events import EventName
from models import CMSUser, db

Ended = Literal["one", "others", "all"]
"""Which sessions of an account were ended: one, all but the one that did it, or all."""
_EXTENTS: tuple[Ended, ...] = ("one", "others", "all")
_NAME = "changes of accounts"


@dataclass
class Change:
    """What has changed in an account: columns as they were before and as they are now, and the events recorded."""

    is_new: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)
    events: set[EventName] = field(default_factory=set)
    ended: Ended | None = None

    def has_changed(self, column: str) -> bool:
        """Return whether a column has another value than before the transaction."""
        return column in self.before and bool(self.before[column] != self.now[column])


def note_new(user_id: int) -> None:
    """Note that an account was added."""
    _of(user_id).is_new = True


def note_columns(account: CMSUser, columns: Mapping[str, object]) -> None:
    """Note that columns of a locked account get new values; `account` has those that they had so far."""
    change = _of(account.id)
    for name, value in columns.items():
        change.before.setdefault(name, getattr(account, name))
        change.now[name] = value


def note_event(user_id: int, event: EventName) -> None:
    """Note that an event was recorded in the history of an account."""
    _of(user_id).events.add(event)


def note_ended_sessions(user_id: int, ended: Ended) -> None:
    """Note that sessions of an account were ended by somebody: not by a sign-out, and not because they were old."""
    change = _of(user_id)
    change.ended = max(change.ended or ended, ended, key=_EXTENTS.index)


def take(session: Session) -> dict[int, Change]:
    """Return the changes of this transaction by the id of the account, and forget them."""
    found: dict[int, Change] = session.info.pop(_NAME, {})
    return found


def _of(user_id: int) -> Change:
    changes: dict[int, Change] = db.session.info.setdefault(_NAME, {})
    return changes.setdefault(user_id, Change())


@listens_for(db.session, "after_transaction_end")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """Forget what was rolled back."""
    if transaction.parent is None:
        take(session)
