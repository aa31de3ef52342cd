"""Resets of second factors: one administrator starts one for another, it waits, and can be stopped until it is due."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select, update
from sqlalchemy.orm import aliased

from accounts import clock, database
from accounts.errors import LinkDead
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from models import ChangeOutcome, CMSUser, FactorReset, db, dialect, replacement

STARTER = aliased(CMSUser)
_FRESH = {"populate_existing": True}
_PENDING: ColumnElement[str] = literal_column(f"'{ChangeOutcome.PENDING}'")
"""Written as a constant: with a parameter, the index of the resets that wait could not be used."""


def start(user: CMSUser, *, started_by: int, reason: str, stop: str, origin: Origin) -> FactorReset:
    """Start a reset for a locked account, in place of the last one, and return it as a value.

    `stop` is the token of the link that stops it.
    """
    now = clock.now()
    due_at = now + timedelta(seconds=settings().ASSISTED_WAIT_SECONDS)
    reset: dict[str, Any] = {
        "user_id": user.id,
        "started_by": started_by,
        "reason": reason,
        "stop_hash": fingerprint(stop),
        "asked_at": now,
        "due_at": due_at,
        "expires_at": due_at + timedelta(seconds=settings().ASSISTED_SECONDS),
        "network": origin.network,
        "browser": origin.browser,
        "outcome": ChangeOutcome.PENDING,
    }
    database.execute(replacement(FactorReset, "user_id", dialect()), reset)
    return FactorReset(**reset)


def find(user_id: int) -> tuple[FactorReset, str] | None:
    """Return the reset of an account that waits, with the username of who started it, or None."""
    query = select(FactorReset, STARTER.username).join(STARTER, STARTER.id == FactorReset.started_by)
    row = db.session.execute(query.where(FactorReset.user_id == user_id, *waiting())).first()
    return (row[0], row[1]) if row else None


def find_stoppable(token: str) -> FactorReset:
    """Return the reset, waiting or ended, whose stop link has this token. Raises LinkDead if it was replaced."""
    reset = find_by_hash(fingerprint(token))
    if reset is None:
        raise LinkDead
    return reset


def find_by_hash(stop_hash: str) -> FactorReset | None:
    """Return the reset whose stop link has this hash, which names it in the task that makes it."""
    query = select(FactorReset).where(FactorReset.stop_hash == stop_hash)
    return db.session.scalar(query, execution_options=_FRESH)


def find_started_by(starter_id: int, since: datetime | None = None) -> set[int]:
    """Return the ids of the accounts for which an administrator started a reset that waits, optionally since."""
    its = [FactorReset.started_by == starter_id, *waiting()]
    if since is not None:
        its.append(FactorReset.asked_at >= since)
    return set(db.session.scalars(select(FactorReset.user_id).where(*its)))


def list_started() -> list[tuple[CMSUser, FactorReset, str]]:
    """Return the resets that wait, the first due first, with their accounts and the usernames of who started them."""
    query = (
        select(CMSUser, FactorReset, STARTER.username)
        .join(FactorReset, FactorReset.user_id == CMSUser.id)
        .join(STARTER, STARTER.id == FactorReset.started_by)
        .where(*waiting())
        .order_by(FactorReset.expires_at, FactorReset.id)
    )
    return [(row[0], row[1], row[2]) for row in db.session.execute(query)]


def waiting() -> list[Any]:
    """Return the conditions in SQL for a reset that has neither ended nor expired."""
    return [FactorReset.outcome == _PENDING, FactorReset.expires_at > clock.now()]


def end(user: CMSUser, outcome: ChangeOutcome, since: datetime | None = None) -> bool:
    """End the reset of a locked account, optionally if it was started since a moment; return whether one waited."""
    its = [FactorReset.user_id == user.id, *waiting()]
    if since is not None:
        its.append(FactorReset.asked_at >= since)
    ended = update(FactorReset).where(*its).values(outcome=outcome).returning(FactorReset.id)
    return db.session.execute(ended).first() is not None


def is_waiting(reset: FactorReset) -> bool:
    """Return whether a reset has neither ended nor expired."""
    return reset.outcome == ChangeOutcome.PENDING and reset.expires_at > clock.now()
