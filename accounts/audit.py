"""Who did what, when and from where: one row for every step and refusal, chained so that changes can be found."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from accounts import clock
from accounts.errors import Refusal
from accounts.keys import signature
from models import Audit, CMSUser, db, table

BURST = timedelta(minutes=10)  # Equal refusals so close together become one row with a count.


@dataclass(frozen=True)
class Where:
    """Where a request came from: a network address, a browser by name, and the site as that browser calls it."""

    network: str
    browser: str
    site: str = ""


COMMAND_LINE = Where("-", "command line")
OWNER = 0  # As an actor: whoever the account belongs to.

# Statements of every request are built once: building one costs more than running it.
_HOLD = update(CMSUser).where(CMSUser.id == bindparam("held")).values(acted_at=bindparam("now")).returning(CMSUser)
_ADD = insert(table(Audit))
_LAST = select(Audit).where(Audit.user_id == bindparam("user"), Audit.number == bindparam("number"))
_FRESH = {"populate_existing": True, "synchronize_session": False}


def held(user_id: int) -> CMSUser | None:
    """Return the administrator as they are now, and hold their row until the transaction ends.

    Every story that writes begins so: the stories of one person happen one after the other, on PostgreSQL (a row
    lock) as on SQLite (the write lock).
    """
    return db.session.scalar(_HOLD, {"held": user_id, "now": clock.now()}, execution_options=_FRESH)


def record(
    user: CMSUser, event: str, where: Where, *, actor_id: int | None = OWNER, fold: bool = False, **detail: object
) -> None:
    """Add a row to the account's history, in the transaction of what it tells; `fold` lets it join an equal last row.

    The caller holds the account, so that the numbers of its rows have no gap and no twin.
    """
    now, told = clock.now(), json.dumps(detail, ensure_ascii=False, sort_keys=True)
    if fold and _folded(user, (event, where.network, where.browser, told)):
        return
    user.audit_rows += 1
    row = {
        "user_id": user.id,
        "number": user.audit_rows,
        "event": event,
        "actor_id": user.id if actor_id == OWNER else actor_id,
        "at": now,
        "last_at": now,
        "times": 1,
        "network": where.network,
        "browser": where.browser,
        "detail": told,
    }
    user.audit_chain = _link(row, user.audit_chain)
    db.session.execute(_ADD, row | {"chain": user.audit_chain})


def _folded(user: CMSUser, event: tuple[str, ...]) -> bool:
    """Count a repetition in the account's last row, if that tells of the same event a short while ago."""
    last = db.session.scalar(_LAST, {"user": user.id, "number": user.audit_rows})
    if last is None or (last.event, last.network, last.browser, last.detail) != event:
        return False
    if clock.now() - last.at >= BURST:
        return False
    last.times, last.last_at = last.times + 1, clock.now()
    before = db.session.scalar(_LAST, {"user": user.id, "number": user.audit_rows - 1})
    last.chain = user.audit_chain = _link(vars(last), before.chain if before else "")
    return True


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


def _link(row: Mapping[str, Any], before: str) -> str:
    """Return what ties a row to the one before: only who has the key can make it."""
    moments = [row["at"].isoformat(), row["last_at"].isoformat()]
    told = [row[name] for name in ("user_id", "number", "event", "actor_id", "times", "network", "browser", "detail")]
    return signature("audit", before, *moments, *told)
