"""What waits for the receivers and what was given up, for operators; the repetition of events."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, and_, exists, func, insert, literal, literal_column, select, update

from accounts import clock
from accounts.webhooks import delivery, receivers
from accounts.webhooks.events import LIFETIME
from accounts.webhooks.receivers import Condition, Receiver
from models import DeliveryState, WebhookDelivery, WebhookEvent, WebhookReceiver, db, table

REPLAYABLE = timedelta(days=30)
KEPT = REPLAYABLE + LIFETIME + timedelta(days=2)  # Events are kept for longer, so that a repeated one is not deleted.
_ROW, _EVENT = table(WebhookDelivery).c, table(WebhookEvent).c
_IS_DEAD = _ROW.state == literal_column("'dead'")


class Waiting(NamedTuple):
    """What waits for a receiver: how many events, and since when the oldest one."""

    events: int
    oldest_at: datetime | None

    @property
    def oldest_seconds(self) -> float:
        """Return the age of the oldest event, counted from its storage or its last repetition; 0 if there is none."""
        return max(0.0, (clock.now() - self.oldest_at).total_seconds()) if self.oldest_at else 0.0


class Status(NamedTuple):
    """The state of a receiver and of its queue."""

    name: str
    is_set: bool  # In WEBHOOKS.
    condition: Condition
    waiting: Waiting
    dead: int


def read_status(receiver: Receiver) -> Status:
    """Return the state of a receiver in the settings."""
    return _status(receiver.key, receiver.name, receivers.read_condition(receiver), is_set=True)


def list_statuses() -> list[Status]:
    """Return the state of every receiver, also of those that were removed from the settings."""
    found = receivers.list_all()
    keys = {each.key for each in found}
    removed = [row for row in db.session.execute(select(table(WebhookReceiver))).all() if row.receiver not in keys]
    former = [_status(row.receiver, row.name, receivers.condition_of(row), is_set=False) for row in removed]
    return [*(read_status(each) for each in found), *former]


def count_dead(receiver: Receiver, since: datetime) -> int:
    """Return how many events for a receiver were given up since then."""
    its = _ROW.receiver == receiver.key, _IS_DEAD, _ROW.done_at > since
    return db.session.scalar(select(func.count()).where(*its)) or 0


def read_overdue_seconds(receiver: Receiver) -> float:
    """Return for how long an event could be sent that nobody has leased; 0 if there is none."""
    its = _ROW.receiver == receiver.key, delivery.IS_QUEUED, delivery.IS_FIRST
    due_at = db.session.scalar(select(func.min(_ROW.due_at)).where(*its))
    return max(0.0, (clock.now() - due_at).total_seconds()) if due_at else 0.0


def enable(receiver: Receiver) -> None:
    """Send to a receiver again that was disabled by a 410 or is paused."""
    receivers.enable(receiver)
    db.session.commit()


def replay(chosen: list[Receiver], since: datetime) -> int:
    """Send the events since then to these receivers again, under the same ids and in order; return how many.

    Those that a receiver has never got, because it was added later, are sent as well. What waits already is tried for
    another three days. Receivers are enabled.
    """
    now, number = clock.now(), 0
    for receiver in chosen:
        receivers.enable(receiver)
        queued: dict[str, Any] = {"not_after": now + LIFETIME}
        again = {**queued, "state": DeliveryState.QUEUED, "due_at": now, "tries": 0, "done_at": None, "problem": ""}
        events = select(_EVENT.id).where(_EVENT.at >= since)
        its = _ROW.receiver == receiver.key, _ROW.event_id.in_(events)
        deliveries = table(WebhookDelivery)
        number += _execute(update(deliveries).where(*its, delivery.IS_QUEUED).values(queued))
        number += _execute(update(deliveries).where(*its, ~delivery.IS_QUEUED).values(again))
        number += _execute(_build_insert(receiver, since, now))
    db.session.commit()
    return number


def _build_insert(receiver: Receiver, since: datetime, now: datetime) -> Any:
    """Return the statement that adds the deliveries of events which a receiver has never got."""
    has_delivery = exists().where(_ROW.event_id == _EVENT.id, _ROW.receiver == receiver.key)
    values = {
        "event_id": _EVENT.id,
        "receiver": literal(receiver.key),
        "user_id": _EVENT.user_id,
        "number": _EVENT.number,
        "state": literal(DeliveryState.QUEUED.value),
        "due_at": literal(now, _ROW.due_at.type),
        "not_after": literal(now + LIFETIME, _ROW.not_after.type),
        "tries": literal(0),
        "problem": literal(""),
    }
    missing = select(*values.values()).where(and_(_EVENT.at >= since, ~has_delivery)).order_by(_EVENT.at)
    return insert(table(WebhookDelivery)).from_select(list(values), missing)


def _execute(statement: Any) -> int:
    counted = statement.execution_options(preserve_rowcount=True)  # Also of an INSERT.
    return cast("CursorResult[Any]", db.session.execute(counted)).rowcount


def _status(key: str, name: str, condition: Condition, *, is_set: bool) -> Status:
    queued = _ROW.receiver == key, delivery.IS_QUEUED
    found: Any = db.session.execute(select(func.count(), func.min(_ROW.not_after)).where(*queued)).one()
    events, not_after = found
    dead = select(func.count()).where(_ROW.receiver == key, _IS_DEAD)
    oldest_at = not_after - LIFETIME if not_after else None
    return Status(name, is_set, condition, Waiting(events, oldest_at), db.session.scalar(dead) or 0)
