"""Rows that several processes work off: each row is leased by one of them at a time, and retried later if it failed.

A lease is no column of its own: a row that is not due is left alone. Leasing a row postpones it until the end of the
lease and counts a try. A result is stored only if the row is still the same one and was not leased again since.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, bindparam, delete, literal_column, select, update

from accounts import clock, database
from models import Base, db, dialect, table

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5, 3600


class Lease(Protocol):
    """A leased row: its id and its tries, the present one included."""

    @property
    def id(self) -> int:
        """The id of the row."""

    @property
    def tries(self) -> int:
        """The number of its tries."""


def retry_seconds(tries: int) -> int:
    """Return the wait after a failed try: it doubles with every try."""
    return int(min(FIRST_RETRY_SECONDS * 2 ** min(tries - 1, 20), LONGEST_RETRY_SECONDS))


class LeasedTable:
    """A table with the columns `id`, `state`, `due_at` and `tries`, whose rows in one state are worked off."""

    def __init__(
        self, model: type[Base], queued: str, returned: Sequence[str], *where: ColumnElement[bool], identity: str
    ) -> None:
        """Store the state of rows that wait, and the columns of a lease; rows must meet the other conditions as well.

        Only the columns that are needed to store a result: an unreadable row must not block others. `identity` is one
        of them, which a later row with the same id does not have: SQLite gives the id of a deleted row to the next one.
        """
        self.table, self.columns = table(model), table(model).c
        self.returned = [self.columns[name] for name in ("id", "tries", *returned)]
        self.is_queued = self.columns.state == literal_column(f"'{queued}'")  # An index may contain only these rows.
        self.where, self.identity = where, identity

    def lease(self, most: int, until: datetime, **values: object) -> list[Mapping[str, Any]]:
        """Lease up to `most` due rows until a time, commit, and return them sorted by id.

        `values` are those of the parameters in the additional conditions.
        """
        parameters = {"now": clock.now(), "until": until, "most": most, **values}
        found = database.execute(_build_lease(self, dialect()), parameters).all()
        db.session.commit()
        return [row._asdict() for row in sorted(found)]

    def update(self, lease: Lease, **values: object) -> bool:
        """Update and commit a leased row, and return whether the lease was still valid."""
        return self._commit(_build_update(self, tuple(values)), lease, values)

    def delete(self, lease: Lease) -> bool:
        """Delete a leased row, commit, and return whether the lease was still valid."""
        return self._commit(_build_delete(self), lease, {})

    def release(self, lease: Lease) -> bool:
        """End the lease of a row that was not tried, and commit."""
        return self.update(lease, due_at=clock.now(), tries=lease.tries - 1)

    def _commit(self, statement: Any, lease: Lease, values: Mapping[str, object]) -> bool:
        """Execute and commit a statement; roll back if the lease has expired and another process has the row."""
        parameters: dict[str, object] = {"its_id": lease.id, "its_tries": lease.tries}
        parameters["its_identity"] = getattr(lease, self.identity)
        parameters |= {f"new_{name}": value for name, value in values.items()}
        if database.execute(statement, parameters).rowcount:
            db.session.commit()
            return True
        db.session.rollback()
        return False

    @property
    def is_leased(self) -> ColumnElement[bool]:
        """Return the condition that a row is still leased by the process that stores its result."""
        its = self.columns
        is_same = and_(its.id == bindparam("its_id"), its[self.identity] == bindparam("its_identity"))
        return and_(is_same, its.tries == bindparam("its_tries"), self.is_queued)


@lru_cache
def _build_lease(leased: LeasedTable, dialect: str) -> Any:
    """Return the statement that takes leases: two processes never get the same row, nor more than asked.

    On PostgreSQL a common table expression selects the rows, because it is executed once. A subquery below IN may be
    executed again for another row and then skip rows that others have locked meanwhile, so that too many are leased.
    Rows that are due at the same time are leased by id, so that the mails of one person arrive in their order.
    """
    its = leased.columns
    due = (
        select(its.id)
        .where(leased.is_queued, its.due_at <= bindparam("now"), *leased.where)
        .order_by(its.due_at, its.id)
        .limit(bindparam("most"))
    )
    chosen = due if dialect == "sqlite" else select(due.with_for_update(skip_locked=True).cte("due").c.id)
    return (
        update(leased.table)
        .where(its.id.in_(chosen), its.due_at <= bindparam("now"))
        .values(due_at=bindparam("until"), tries=its.tries + 1)
        .returning(*leased.returned)
    )


@lru_cache
def _build_update(leased: LeasedTable, columns: tuple[str, ...]) -> Any:
    """Return the statement that updates these columns of a leased row; building one costs more than executing it."""
    values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
    return update(leased.table).where(leased.is_leased).values(values)


@lru_cache
def _build_delete(leased: LeasedTable) -> Any:
    """Return the statement that deletes a leased row."""
    return delete(leased.table).where(leased.is_leased)
