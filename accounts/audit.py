"""Who did what, when and from where: one row for every step and refusal, chained so that changes can be found."""

import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Session

from accounts import clock, database, people
from accounts.events import EventName
from accounts.origin import Origin
from accounts.signing import Key, audit_keys
from models import Audit, CMSUser, db, table
from telemetry import metrics

FOLD = timedelta(minutes=15)  # Equal refusals of one account within this time become one row with a count.


OWNER = 0  # As an actor: the owner of the account.
SEVERAL = "*"  # As a network or a browser: repetitions that were counted in one row came from several.

# Statements of every request are built once: building one costs more than running it.
_ROW = table(Audit).c
_ADD = insert(table(Audit))
_EQUAL = (
    select(_ROW.number)
    .where(_ROW.user_id == bindparam("user"), _ROW.number > bindparam("after"), _ROW.at > bindparam("since"))
    .where(_ROW.event == bindparam("its_event"), _ROW.detail == bindparam("its_detail"))
    .order_by(_ROW.number.desc())
    .limit(1)
)
_FROM = (
    select(Audit).where(Audit.user_id == bindparam("user"), Audit.number >= bindparam("first")).order_by(Audit.number)
)
_BEFORE = select(_ROW.chain).where(_ROW.user_id == bindparam("user"), _ROW.number == bindparam("number"))
_REACH = 200  # So many of the newest rows are searched for an equal one: what follows it is signed anew.


class Verdict(enum.Enum):
    """What the verification of a row says."""

    INTACT = "intact"
    CHANGED = "changed"  # Or the row before it was changed or is missing.
    KEY_MISSING = "key missing"  # The row names a key that is not in the settings.


def record(
    user: CMSUser,
    event: EventName,
    origin: Origin,
    *,
    actor_id: int | None = OWNER,
    fold: bool = False,
    at: datetime | None = None,
    columns: Mapping[str, object] | None = None,
    **detail: Any,
) -> None:
    """Add a row to the history of an account, in the transaction of the event.

    `columns` of the account are written by the same statement that counts the row there.

    With `fold` a repetition within 15 minutes is counted in the row that is there, whatever network and browser it
    comes from: who changes them cannot fill a history. `at` is the moment of what happened, if it is not now.
    The caller has locked the account, so that the numbers of its rows have no gap and no duplicate.
    """
    db.session.info.setdefault("events", []).append(event)
    at, told, key = at or clock.now(), json.dumps(detail, ensure_ascii=False, sort_keys=True), audit_keys().current
    if fold and _count_repetition(user, event, told, origin, at):
        return
    row: dict[str, Any] = {
        "user_id": user.id,
        "number": user.audit_rows + 1,
        "event": event,
        "actor_id": user.id if actor_id == OWNER else actor_id,
        "at": at,
        "last_at": at,
        "times": 1,
        "network": origin.network,
        "browser": origin.browser,
        "detail": told,
        "key_id": key.id,
        "request_id": origin.request_id or None,
    }
    chain = _link(row, user.audit_chain, key)
    people.update_columns(user, audit_rows=row["number"], audit_chain=chain, acted_at=at, **(columns or {}))
    database.execute(_ADD, row | {"chain": chain})


def _count_repetition(user: CMSUser, event: EventName, told: str, origin: Origin, at: datetime) -> bool:
    """Count a repetition in the row of an equal event, if there is one, and compute the chain from there again.

    The rows from there on are verified first, and then signed with the present key: what was changed, or names a key
    that is missing, must not become valid by this. The row keeps the request id of the first of its events.
    """
    its = {"its_event": event, "its_detail": told, "since": at - FOLD, "after": user.audit_rows - _REACH}
    number = database.execute(_EQUAL, {"user": user.id, **its}).scalar()
    if number is None:
        return False
    rows = db.session.scalars(_FROM, {"user": user.id, "first": number}).all()
    before = database.execute(_BEFORE, {"user": user.id, "number": number - 1}).scalar() or ""
    if not _are_intact(rows, before, user.audit_chain):
        return False
    row, key, chain = rows[0], audit_keys().current, before
    row.times, row.last_at = row.times + 1, max(at, row.last_at)
    if row.network != origin.network:
        row.network = SEVERAL
    if row.browser != origin.browser:
        row.browser = SEVERAL
    for each in rows:
        each.key_id = key.id
        chain = each.chain = _link(vars(each), chain, key)
    people.update_columns(user, audit_chain=chain)
    return True


@listens_for(db.session, "after_commit")
def _count_events(session: Session) -> None:
    for event in session.info.pop("events", ()):
        metrics.EVENTS.add(event)


@listens_for(db.session, "after_rollback")
def _forget_events(session: Session) -> None:
    session.info.pop("events", None)


def list_changed_accounts(actor: CMSUser, since: datetime) -> list[str]:
    """Return the usernames of the other accounts that an administrator changed since a moment."""
    theirs = Audit.actor_id == actor.id, Audit.user_id != actor.id, Audit.at >= since
    query = select(CMSUser.username).join(Audit, Audit.user_id == CMSUser.id).where(*theirs)
    return sorted(set(db.session.scalars(query)))


def details(user: CMSUser, event: EventName, since: datetime, name: str) -> list[str]:
    """Return one detail of all events of a kind in the history of an account since a moment."""
    query = select(Audit.detail).where(Audit.user_id == user.id, Audit.event == event, Audit.at >= since)
    return [json.loads(detail)[name] for detail in db.session.scalars(query)]


def verify(row: Mapping[str, Any], before: str) -> Verdict:
    """Verify a row with the key that it names, given the chain of the previous row."""
    named = audit_keys().named(row["key_id"])
    if not named:
        return Verdict.KEY_MISSING
    return Verdict.CHANGED if find_key(row, before, named) is None else Verdict.INTACT


def find_key(row: Mapping[str, Any], before: str, keys: Iterable[Key]) -> Key | None:
    """Return which of these keys signed a row, or None.

    A row that the previous version of the application signed anew while a new one was installed has a chain without
    the request id.
    """
    for key in keys:
        if row["chain"] == _link(row, before, key):
            return key
        if row["request_id"] and row["chain"] == _link({**row, "request_id": None}, before, key):
            return key
    return None


def _are_intact(rows: Sequence[Audit], before: str, last: str) -> bool:
    """Return whether rows are as they were signed, and follow one chain and end in another one."""
    for row in rows:
        if verify(vars(row), before) != Verdict.INTACT:
            return False
        before = row.chain
    return before == last


def _link(row: Mapping[str, Any], before: str, key: Key) -> str:
    """Return the chain of a row: a signature of the row and the chain of the previous one."""
    moments = [row["at"].isoformat(), row["last_at"].isoformat()]
    told = [row[name] for name in ("user_id", "number", "event", "actor_id", "times", "network", "browser", "detail")]
    added = [row["request_id"]] if row["request_id"] else []  # The chain of a row without one is as it always was.
    return key.sign("audit", before, *moments, *told, *added)
