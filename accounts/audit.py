"""Who did what, when and from where: one row for every step and refusal, chained so that changes can be found."""

import enum
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Session

from accounts import changes, clock, database, people
from accounts.errors import HistoryBroken
from accounts.events import EventName
from accounts.origin import Origin
from accounts.signing import Key, audit_keys
from models import Audit, AuditTie, CMSUser, db, dialect, replacement, table, value_of
from telemetry import metrics

FOLD = timedelta(minutes=15)  # Equal refusals of one account within this time become one row with a count.


OWNER = 0  # As an actor: the owner of the account.
SEVERAL = "*"  # As a network or a browser: repetitions that were counted in one row came from several.

# Statements of every request are built once: building one costs more than running it.
_ROW, _TIE = table(Audit).c, table(AuditTie).c
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
_BEFORE = select(
    select(_ROW.chain)
    .where(_ROW.user_id == bindparam("user"), _ROW.number == bindparam("number"))
    .union_all(select(_TIE.chain).where(_TIE.user_id == bindparam("user"), _TIE.number == bindparam("number")))
    .subquery()
    .c.chain
)
_TIE_OF = select(table(AuditTie)).where(_TIE.user_id == bindparam("user"))
_BATCH = (
    select(table(Audit))
    .where(_ROW.user_id == bindparam("user"), _ROW.number > bindparam("after"))
    .order_by(_ROW.number)
    .limit(bindparam("most"))
)
_REWRITE = update(table(Audit)).where(_ROW.id == bindparam("its_id"))  # Columns come with the values.
_ROWS_AT_ONCE = 500  # A history may not fit into memory.
_REACH = 200  # So many of the newest rows are searched for an equal one: what follows it is signed anew.


class Verdict(enum.Enum):
    """What the verification of a row says."""

    INTACT = "intact"
    CHANGED = "changed"  # Or the row before it was changed or is missing.
    KEY_MISSING = "key missing"  # The row names a key that is not in the settings.


class Fault(NamedTuple):
    """The number of a row that was changed or is missing, or which names `missing_key`, which is not in the settings.

    With `is_tie` it is the tie that replaces the exported rows up to this number.
    """

    number: int
    missing_key: str = ""
    is_tie: bool = False


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
    changes.note_event(user.id, event)
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


def has_event(user: CMSUser, *events: EventName, since: datetime) -> bool:
    """Return whether one of these events is in the history of an account since a moment."""
    query = select(Audit.id).where(Audit.user_id == user.id, Audit.event.in_(events), Audit.at >= since)
    return db.session.scalar(query.limit(1)) is not None


def verify(row: Mapping[str, Any], before: str) -> Verdict:
    """Verify a row with the key that it names, given the chain of the previous row."""
    named = audit_keys().named(row["key_id"])
    if not named:
        return Verdict.KEY_MISSING
    return Verdict.CHANGED if find_key(row, before, named) is None else Verdict.INTACT


def find_faults(
    rows: Iterable[Mapping[str, Any]], tie: Mapping[str, Any] | None, *, count: int, head: str
) -> Iterator[Fault]:
    """Verify a history, given its rows sorted by number, its tie if rows were exported, and what the account counts.

    Yields the first row of every missing key, up to the first row that was changed or is missing. Rows that follow
    those of a missing key are verified: each names its own key.
    """
    number, chain, missing = 0, "", set()
    if tie is not None:
        number, chain, verdict = tie["number"], tie["chain"], verify_tie(tie)
        if verdict == Verdict.CHANGED:
            yield Fault(number, is_tie=True)
            return
        if verdict == Verdict.KEY_MISSING:
            missing.add(tie["key_id"])
            yield Fault(number, tie["key_id"], is_tie=True)
    for row in rows:
        number += 1
        verdict = verify(row, chain) if row["number"] == number else Verdict.CHANGED
        if verdict == Verdict.CHANGED:
            yield Fault(number)
            return
        if verdict == Verdict.KEY_MISSING and row["key_id"] not in missing:
            missing.add(row["key_id"])
            yield Fault(number, row["key_id"])
        chain = row["chain"]
    if (number, chain) != (count, head):
        yield Fault(number + 1)


def find_tie(user_id: int) -> AuditTie | None:
    """Return the tie of a history, as a value; None if none of its rows were exported."""
    row = database.execute(_TIE_OF, {"user": user_id}).first()
    return value_of(AuditTie, iter(row)) if row else None


def tie(user_id: int, *, number: int, chain: str, last_at: datetime, file: str) -> None:
    """Tie the history of a locked account to its exported rows, the last of which has this number and chain.

    The caller has verified these rows, and deletes them in the same transaction.
    """
    key = audit_keys().current
    its: dict[str, Any] = {"user_id": user_id, "number": number, "chain": chain, "last_at": last_at, "file": file}
    its |= {"exported_at": clock.now(), "key_id": key.id}
    database.execute(replacement(AuditTie, "user_id", dialect()), its | {"signature": _sign_tie(its, key)})


def verify_tie(its: Mapping[str, Any]) -> Verdict:
    """Verify a tie with the key that it names."""
    named = audit_keys().named(its["key_id"])
    if not named:
        return Verdict.KEY_MISSING
    return Verdict.INTACT if any(its["signature"] == _sign_tie(its, key) for key in named) else Verdict.CHANGED


def _sign_tie(its: Mapping[str, Any], key: Key) -> str:
    moments = [its["last_at"].isoformat(), its["exported_at"].isoformat()]
    return key.sign("audit tie", its["user_id"], its["number"], its["chain"], *moments, its["file"])


def rewrite(account: CMSUser, change: Callable[[Mapping[str, Any]], Mapping[str, object]]) -> int:
    """Replace columns in the rows of a locked account, and return how many rows were signed again.

    `change` returns the columns of a row that get another value. The rows from the first of these on are signed with
    the present key, after the whole history was verified. Raises HistoryBroken; then nothing is changed.
    """
    own = find_tie(account.id)
    its_tie = vars(own) if own else None
    rows = _read(account.id, own.number if own else 0)
    if any(find_faults(rows, its_tie, count=account.audit_rows, head=account.audit_chain)):
        raise HistoryBroken
    chain, key, written = own.chain if own else "", audit_keys().current, 0
    old = chain
    for row in _read(account.id, own.number if own else 0):
        changed = {name: value for name, value in change(row).items() if row[name] != value}
        if changed or chain != old:
            again = {**row, **changed, "key_id": key.id}
            again["chain"] = _link(again, chain, key)
            columns = {name: again[name] for name in (*changed, "key_id", "chain")}
            database.execute(_REWRITE, {"its_id": row["id"], **columns})
            written += 1
            chain = again["chain"]
        else:
            chain = row["chain"]
        old = row["chain"]
    people.update_columns(account, audit_chain=chain)
    return written


def _read(user_id: int, after: int) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a history with numbers above `after`, of which only some are in memory."""
    while True:
        batch = database.execute(_BATCH, {"user": user_id, "after": after, "most": _ROWS_AT_ONCE}).all()
        yield from (row._asdict() for row in batch)
        if len(batch) < _ROWS_AT_ONCE:
            return
        after = batch[-1].number


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
