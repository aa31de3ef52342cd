"""Who did what, when and from where: one row for every step and refusal, chained so that changes can be found."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Session

from accounts import clock, database, people
from accounts.events import EventName
from accounts.origin import Origin
from accounts.signing import signature
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
    at, told = at or clock.now(), json.dumps(detail, ensure_ascii=False, sort_keys=True)
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
    }
    chain = _link(row, user.audit_chain)
    people.update_columns(user, audit_rows=row["number"], audit_chain=chain, acted_at=at, **(columns or {}))
    database.execute(_ADD, row | {"chain": chain})


def _count_repetition(user: CMSUser, event: EventName, told: str, origin: Origin, at: datetime) -> bool:
    """Count a repetition in the row of an equal event, if there is one, and compute the chain from there again."""
    its = {"its_event": event, "its_detail": told, "since": at - FOLD, "after": user.audit_rows - _REACH}
    number = database.execute(_EQUAL, {"user": user.id, **its}).scalar()
    if number is None:
        return False
    rows = db.session.scalars(_FROM, {"user": user.id, "first": number}).all()
    row = rows[0]
    row.times, row.last_at = row.times + 1, max(at, row.last_at)
    if row.network != origin.network:
        row.network = SEVERAL
    if row.browser != origin.browser:
        row.browser = SEVERAL
    chain = database.execute(_BEFORE, {"user": user.id, "number": number - 1}).scalar() or ""
    for each in rows:
        chain = each.chain = _link(vars(each), chain)
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


def _link(row: Mapping[str, Any], before: str) -> str:
    """Return the chain of a row: a signature of the row and the chain of the previous one."""
    moments = [row["at"].isoformat(), row["last_at"].isoformat()]
    told = [row[name] for name in ("user_id", "number", "event", "actor_id", "times", "network", "browser", "detail")]
    return signature("audit", before, *moments, *told)
