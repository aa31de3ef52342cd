"""Who did what, when and from where: one row for every step and refusal, chained so that none can vanish unseen."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from accounts import clock
from accounts.errors import Refusal
from accounts.keys import signature
from models import Audit, CMSUser, db

BURST = timedelta(minutes=10)  # Equal refusals so close together become one row with a count.


@dataclass(frozen=True)
class Where:
    """Where a request came from: a network address, a browser by name, and the site as that browser calls it."""

    network: str
    browser: str
    site: str = ""


COMMAND_LINE = Where("-", "command line")


def held(user_id: int) -> CMSUser | None:
    """Return the administrator as they are now, and hold their row until the transaction ends.

    Every story that writes begins so: the stories of one person happen one after the other, on PostgreSQL (a row
    lock) as on SQLite (the write lock).
    """
    touch = update(CMSUser).where(CMSUser.id == user_id).values(acted_at=clock.now()).returning(CMSUser)
    return db.session.scalar(touch, execution_options={"populate_existing": True})


def record(
    user: CMSUser, event: str, where: Where, *, actor_id: int | None = None, fold: bool = False, **detail: object
) -> None:
    """Add a row to the account's history, in the transaction of what it tells; `fold` lets it join an equal last row.

    The caller holds the account, so that the numbers of its rows have no gap and no twin.
    """
    now, told = clock.now(), json.dumps(detail, ensure_ascii=False, sort_keys=True)
    last = db.session.scalar(select(Audit).where(Audit.user_id == user.id).order_by(Audit.number.desc()).limit(1))
    same = (event, where.network, where.browser, told)
    if fold and last and now - last.at < BURST and (last.event, last.network, last.browser, last.detail) == same:
        last.times, last.last_at = last.times + 1, now
        last.chain = _link(last, _chain_before(last))
        return
    user.audit_rows += 1
    row = Audit(
        user_id=user.id,
        number=user.audit_rows,
        event=event,
        actor_id=actor_id or user.id,
        at=now,
        last_at=now,
        times=1,
        network=where.network,
        browser=where.browser,
        detail=told,
    )
    row.chain = _link(row, last.chain if last else "")
    db.session.add(row)


def record_alone(user: CMSUser, event: str, where: Where) -> None:
    """Write a refusal into the history, in a transaction of its own; a burst of equal ones becomes one row."""
    account = held(user.id)
    if account:
        record(account, event, where, fold=True)
    db.session.commit()


@contextmanager
def refusals(user: CMSUser, where: Where) -> Iterator[None]:
    """Undo what a refused story did so far and record the refusal instead, unless the story did so itself."""
    try:
        yield
    except Refusal as refusal:
        if not refusal.recorded:
            db.session.rollback()
            event = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(refusal).__name__).lower()
            record_alone(user, event, where)
        raise


def broken_link(user: CMSUser) -> int | None:
    """Return the number of the first row of the account that was changed or is missing, or None if all is well."""
    before, number = "", 0
    for row in db.session.scalars(select(Audit).where(Audit.user_id == user.id).order_by(Audit.number)):
        number += 1
        if row.number != number or row.chain != _link(row, before):
            return number
        before = row.chain
    return None if number == user.audit_rows else number + 1


def _chain_before(row: Audit) -> str:
    """Return the chain of the row before this one."""
    before = select(Audit.chain).where(Audit.user_id == row.user_id, Audit.number == row.number - 1)
    return db.session.scalar(before) or ""


def _link(row: Audit, before: str) -> str:
    """Return what ties a row to the one before: only who has the key can make it."""
    told = (row.user_id, row.number, row.event, row.actor_id, row.at.isoformat(), row.last_at.isoformat(), row.times)
    return signature("audit", before, *told, row.network, row.browser, row.detail)
