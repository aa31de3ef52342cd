"""Delivery: leases due events of a receiver, sends them, and stores the results.

An event is leased only if no earlier one of the same account waits for the same receiver. A leased one waits as well,
so that several processes keep the order, too.
"""

import contextlib
import logging
import threading
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, exists, literal_column, select, update

from accounts import clock, database, leases
from accounts.errors import UNAVAILABLE
from accounts.leases import LeasedTable
from accounts.webhooks import receivers
from accounts.webhooks.receivers import Receiver
from accounts.webhooks.sender import CONCERNS_ALL_EVENTS, SECONDS, Result, Sender
from models import DeliveryProblem, DeliveryState, WebhookDelivery, WebhookEvent, db, table
from telemetry import metrics

SPARE_SECONDS = 30  # A lease is this much longer than a try.
BATCH = 50  # Events that are leased at a time.
log = logging.getLogger(__name__)

_ROW, _EVENT = table(WebhookDelivery).c, table(WebhookEvent).c
_EARLIER = table(WebhookDelivery).alias("earlier")
IS_QUEUED = _ROW.state == literal_column("'queued'")  # In these words, so that indexes of such rows are used.
IS_FIRST = ~exists().where(
    _EARLIER.c.receiver == _ROW.receiver,
    _EARLIER.c.user_id == _ROW.user_id,
    _EARLIER.c.number < _ROW.number,
    _EARLIER.c.state == literal_column("'queued'"),
)
_DELIVERIES = LeasedTable(
    WebhookDelivery,
    DeliveryState.QUEUED,
    ("event_id", "user_id", "number", "not_after"),
    _ROW.receiver == bindparam("its_receiver"),
    IS_FIRST,
    identity="event_id",
)
_QUEUED = (
    _ROW.receiver == bindparam("its_receiver"),
    IS_QUEUED,
    _ROW.due_at <= bindparam("now"),
)
_IS_ANY_DUE = select(_ROW.id).where(*_QUEUED).limit(1)
_LOAD = select(table(WebhookEvent)).where(_EVENT.id.in_(bindparam("ids", expanding=True)))
_POSTPONE = (  # Also those that follow: otherwise every poll would find them due, and not the first of their account.
    update(table(WebhookDelivery))
    .where(
        _ROW.receiver == bindparam("its_receiver"),
        _ROW.user_id == bindparam("its_user"),
        _ROW.number > bindparam("its_number"),
        IS_QUEUED,
        _ROW.due_at < bindparam("until"),
    )
    .values(due_at=bindparam("until"))
)
_EXPIRE = (
    update(table(WebhookDelivery))
    .where(*_QUEUED, _ROW.not_after <= bindparam("now"))
    .values(state=DeliveryState.DEAD, done_at=bindparam("now"))
    .returning(_ROW.id)
)


class Lease(NamedTuple):
    """An event that only this process may send to a receiver until the lease expires."""

    id: int
    tries: int
    event_id: int
    user_id: int
    number: int
    not_after: datetime
    until: datetime


class Message(NamedTuple):
    """What is sent of an event."""

    message_id: str
    type: str
    at: datetime
    payload: str


def deliver_due(receiver: Receiver, stopped: threading.Event) -> None:
    """Send all due events to a receiver. Several processes may do so at once. Raises one of UNAVAILABLE."""
    is_due = _is_any_due(receiver) and receivers.read_condition(receiver).is_ready
    db.session.rollback()
    if is_due:
        sender = Sender(receiver)
        while not stopped.is_set() and deliver_batch(receiver, sender, stopped):
            pass


def deliver_batch(receiver: Receiver, sender: Sender, stopped: threading.Event, most: int = BATCH) -> bool:
    """Lease up to `most` due events and try to send each of them; return whether more may be due.

    A failure that concerns one event is stored with it, and delivery continues with the next one. After one that
    concerns all of them, those behind it are released. Raises one of UNAVAILABLE.
    """
    leased, sender.has_succeeded = _lease(receiver, most), False
    messages = _load(leased)
    while leased and not stopped.is_set():
        lease = leased.pop(0)
        try:
            may_continue = _deliver(receiver, lease, messages.get(lease.event_id), sender)
        except UNAVAILABLE:
            _release(leased)
            raise
        if not may_continue:
            break
    _release(leased)
    return bool(messages) and not leased


def expire(receiver: Receiver) -> int:
    """Give up the events of a receiver that were not delivered in time, also while it is paused; return how many."""
    found = database.execute(_EXPIRE, {"its_receiver": receiver.key, "now": clock.now()}).all()
    db.session.commit()
    if found:
        metrics.WEBHOOK_TRIES.add(receiver.name, DeliveryState.DEAD, number=len(found))
        log.error("webhook events to %s are given up after three days: %d", receiver.name, len(found))
    return len(found)


def _is_any_due(receiver: Receiver) -> bool:
    """Return whether an event is due, by a SELECT: on SQLite even an UPDATE of no rows waits for other writers."""
    return database.execute(_IS_ANY_DUE, {"its_receiver": receiver.key, "now": clock.now()}).first() is not None


def _lease(receiver: Receiver, most: int) -> list[Lease]:
    """Lease the next due events for the longest try."""
    until = _end_of_lease()
    return [Lease(**row, until=until) for row in _DELIVERIES.lease(most, until, its_receiver=receiver.key)]


def _end_of_lease() -> datetime:
    return clock.now() + timedelta(seconds=SECONDS + SPARE_SECONDS)


def _load(leased: list[Lease]) -> dict[int, Message]:
    """Return what is sent of the leased events, by their ids. No transaction is open while they are sent."""
    rows = database.execute(_LOAD, {"ids": [lease.event_id for lease in leased]}).all() if leased else []
    db.session.rollback()
    return {row.id: Message(row.message_id, row.type, row.at, row.payload) for row in rows}


def _deliver(receiver: Receiver, lease: Lease, message: Message | None, sender: Sender) -> bool:
    """Send an event and store the result; return whether the next one may be tried."""
    if lease.until - timedelta(seconds=SPARE_SECONDS) <= clock.now():
        if not _DELIVERIES.update(lease, due_at=_end_of_lease()):
            return True  # The previous events took long, and another process has leased this one.
        message = _load([lease]).get(lease.event_id)  # It may have been erased meanwhile.
    if message is None:  # It was deleted meanwhile.
        return True
    if lease.not_after <= clock.now():
        _DELIVERIES.update(lease, state=DeliveryState.DEAD, done_at=clock.now())
        metrics.WEBHOOK_TRIES.add(receiver.name, DeliveryState.DEAD)
        log.error("webhook %s (%s) to %s is given up", message.message_id, message.type, receiver.name)
        return True
    try:
        result = sender.send(message.message_id, message.payload)
    except Exception:  # An error must not end delivery; the event stays in the queue.
        log.exception("webhook %s (%s) to %s failed", message.message_id, message.type, receiver.name)
        result = Result(DeliveryProblem.UNEXPECTED, "an error in the application")
    metrics.WEBHOOK_TRIES.add(receiver.name, result.problem or DeliveryState.DELIVERED)
    if result.problem is None:
        _close(receiver, lease, message, sender)
        return True
    return _handle_failure(receiver, lease, message, result)


def _close(receiver: Receiver, lease: Lease, message: Message, sender: Sender) -> None:
    """Store that an event was delivered, and with the first one of a batch that the receiver accepts events."""
    if not sender.has_succeeded:
        receivers.record_success(receiver)
        sender.has_succeeded = True
    now = clock.now()
    if not _DELIVERIES.update(lease, state=DeliveryState.DELIVERED, done_at=now, problem=""):
        return  # The lease had expired: another process sends it again.
    seconds = (now - message.at).total_seconds()
    log.info("webhook %s (%s) to %s accepted after %.1f s", message.message_id, message.type, receiver.name, seconds)


def _handle_failure(receiver: Receiver, lease: Lease, message: Message, result: Result) -> bool:
    """Retry an event later, and pause or disable the receiver if all events fail; return whether to continue."""
    wait_seconds, may_continue = leases.retry_seconds(lease.tries), False
    if result.problem is DeliveryProblem.GONE:
        receivers.disable(receiver)
        log.error("webhook receiver %s is disabled: it answered 410. See `flask webhooks enable`", receiver.name)
    elif result.problem in CONCERNS_ALL_EVENTS:
        wait_seconds = receivers.pause(receiver, result.wish_seconds)
    else:
        may_continue = True
    until = clock.now() + timedelta(seconds=wait_seconds)
    its = {"its_receiver": receiver.key, "its_user": lease.user_id, "its_number": lease.number, "until": until}
    database.execute(_POSTPONE, its)
    _DELIVERIES.update(lease, due_at=until, problem=result.problem)
    told = (message.message_id, message.type, receiver.name, wait_seconds, result.details)
    log.warning("webhook %s (%s) to %s not delivered, next try in %d s: %s", *told)
    return may_continue


def _release(leased: list[Lease]) -> None:
    """End the leases of events that were not tried."""
    if not leased:
        return
    db.session.rollback()  # The connection may have been lost; until then the session accepts no statement.
    with contextlib.suppress(*UNAVAILABLE):  # Otherwise they are leased again after they expire.
        for lease in leased:
            _DELIVERIES.release(lease)
