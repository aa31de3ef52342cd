"""Events: what is told about a change of an account, stored in the transaction of the change.

No use case calls this module. Before a commit it reads what the transaction has changed (`accounts/changes.py`), so
that every use case, command and task of delivery tells its changes, and none that was rolled back is told.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Session

from accounts import changes, clock, database, people
from accounts.changes import Change
from accounts.settings import settings
from accounts.webhooks import receivers
from models import CMSUser, DeliveryState, WebhookDelivery, WebhookEvent, db, table, value_of

EventType = Literal[
    "account.created",
    "account.email_changed",
    "account.email_change_undone",
    "account.profile_changed",
    "account.role_changed",
    "account.disabled",
    "account.enabled",
    "account.sessions_ended",
]
VERSION = (
    1  # Of the payload. Keys may be added; one is renamed or removed, or changes its meaning, with another version.
)
LIFETIME = timedelta(days=3)  # How long an event is tried.
PROFILE = ("username", "mobile", "staff_number", "gender", "city", "interests", "language")
TOLD = {"id", "email", *PROFILE, "is_superuser", "is_active", "erased_at"}
"""The columns of an account that receivers get. A test requires that every column is either here or in NOT_TOLD."""
NOT_TOLD = {
    *("email_key", "username_key"),  # Forms of comparison.
    *("email_version", "password_version", "profile_version"),
    *("password_hash", "user_handle"),  # Secret.
    *("has_second_factor", "factor_required_at", "frozen_until"),  # How somebody can sign in.
    *("created_at", "signed_in_at", "acted_at", "time_zone"),  # Written by signing in.
    *("audit_rows", "audit_chain", "webhook_events"),
}
IS_QUEUED = "webhooks are queued"
_ADD_EVENT = insert(table(WebhookEvent)).returning(table(WebhookEvent).c.id)
_ADD_DELIVERY = insert(table(WebhookDelivery))


@listens_for(db.session, "before_commit")
def _record_changes(session: Session) -> None:
    """Store the events of the transaction that is about to be committed."""
    changed = changes.take(session)
    if not changed or not settings().WEBHOOKS:
        return
    for user_id, change in sorted(changed.items()):
        types = list(list_types(change))
        if types:
            _record(user_id, change, types)
            session.info[IS_QUEUED] = True


def list_types(change: Change) -> Iterator[EventType]:
    """Yield the types of the events that tell a change of an account."""
    if change.is_new:
        yield "account.created"
        return
    if change.has_changed("email"):
        is_undone = "change_undone" in change.events
        yield "account.email_change_undone" if is_undone else "account.email_changed"
    if any(change.has_changed(name) for name in PROFILE):
        yield "account.profile_changed"
    if change.has_changed("is_superuser"):
        yield "account.role_changed"
    if change.has_changed("is_active"):
        yield "account.enabled" if change.now["is_active"] else "account.disabled"
    if change.ended:
        yield "account.sessions_ended"


def _record(user_id: int, change: Change, types: list[EventType]) -> None:
    """Store the events of one account, and a delivery of each to every receiver."""
    account, now = people.count_webhook_events(user_id, len(types)), clock.now()
    before = None if change.is_new or account.erased_at else _account_before(account, change)
    told = {"before": before and describe(before), "after": describe(account)}
    for number, event_type in enumerate(types, account.webhook_events - len(types) + 1):
        data: dict[str, Any] = {"account_id": user_id, "number": number, **told}
        if event_type == "account.sessions_ended":
            data["sessions"] = change.ended
        message_id = f"evt_{secrets.token_hex(16)}"
        event: dict[str, Any] = {"message_id": message_id, "user_id": user_id, "number": number, "type": event_type}
        event |= {"at": now, "payload": build_payload(message_id, event_type, now, data)}
        event_id: int = database.execute(_ADD_EVENT, event).scalar_one()
        delivery: dict[str, Any] = {"event_id": event_id, "user_id": user_id, "number": number, "tries": 0}
        delivery |= {"state": DeliveryState.QUEUED, "due_at": now, "not_after": now + LIFETIME, "problem": ""}
        for receiver in receivers.list_all():
            database.execute(_ADD_DELIVERY, delivery | {"receiver": receiver.key})


def _account_before(account: CMSUser, change: Change) -> CMSUser:
    """Return an account as it was before the transaction, as a value."""
    before = {**vars(account), **change.before}
    return value_of(CMSUser, iter([before[name] for name in table(CMSUser).c.keys()]))  # noqa: SIM118 (No mapping.)


def describe(account: CMSUser) -> dict[str, Any]:
    """Return what receivers get of an account: what a CMS shows or decides by, and nothing secret."""
    return {
        "email": account.email,
        "role": account.role,
        "is_disabled": not account.is_active,
        "is_erased": account.erased_at is not None,
        **{name: getattr(account, name) for name in PROFILE},
    }


def build_payload(message_id: str, event_type: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Return a payload of Standard Webhooks, in ASCII: no receiver can decode it in another way than it was signed."""
    moment = at.isoformat().replace("+00:00", "Z")
    payload = {"type": event_type, "timestamp": moment, "id": message_id, "version": VERSION, "data": data}
    return json.dumps(payload, separators=(",", ":"))


def erase(account: CMSUser) -> None:
    """Delete personal data from the stored events of a locked account. Their ids, numbers and order remain.

    Those that were not delivered yet are told without it.
    """
    events = table(WebhookEvent)
    nothing = {"account_id": account.id, "before": None, "after": None}
    for row in db.session.execute(select(events).where(events.c.user_id == account.id)).all():
        payload = build_payload(row.message_id, row.type, row.at, nothing | {"number": row.number})
        database.execute(update(events).where(events.c.id == row.id).values(payload=payload), {})
