"""Verification of the history: finds rows that were changed or are missing, while the site is in use."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from accounts import audit
from models import Audit, AuditTie, CMSUser, db, table

PAGE = 1000  # Accounts that are verified in one snapshot.
ROWS_AT_ONCE = 500  # Rows that are fetched at a time, because a history may not fit into memory.
_USER, _ROW, _TIE = table(CMSUser).c, table(Audit).c, table(AuditTie).c
TIE_COLUMNS = tuple(each.label(f"tie_{each.name}") for each in _TIE)
"""The tie of an account in a row of a query that joins it; see `read_tie`."""
_ACCOUNTS = (
    select(_USER.id, _USER.email, _USER.audit_rows, _USER.audit_chain, *TIE_COLUMNS)
    .outerjoin(table(AuditTie), _TIE.user_id == _USER.id)
    .where(_USER.id > bindparam("after"))
    .order_by(_USER.id)
    .limit(PAGE)
)
_ROWS = (
    select(table(Audit))
    .where(_ROW.user_id >= bindparam("first"), _ROW.user_id <= bindparam("last"))
    .order_by(_ROW.user_id, _ROW.number)
)


class BrokenHistory(NamedTuple):
    """An account whose history is not intact, and the number of the first row that was changed or is missing.

    With `missing_key` it is the first row that names this key, which is not in the settings: it cannot be verified.
    With `is_tie` it is the tie that replaces the exported rows up to this number.
    """

    email: str
    number: int
    missing_key: str = ""
    is_tie: bool = False


class Page(NamedTuple):
    """The number of accounts that were verified, and those whose history is not intact."""

    accounts: int
    broken: list[BrokenHistory]


def verify_all() -> Iterator[Page]:
    """Verify the histories of all accounts, one page at a time, in the order of their ids.

    Each page is read in one snapshot of the database. It contains concurrent writes completely or not at all, so that
    they cause no false alarms. Nothing is locked. Raises the errors of the database; then it is not finished.
    """
    last = 0
    while True:
        with snapshot() as connection:
            accounts = connection.execute(_ACCOUNTS, {"after": last}).all()
            if not accounts:
                return
            first, last = accounts[0].id, accounts[-1].id
            these, slowly = {"first": first, "last": last}, {"yield_per": ROWS_AT_ONCE}
            with connection.execute(_ROWS, these, execution_options=slowly) as rows:
                page = Page(len(accounts), list(_find_broken(accounts, rows)))
        yield page


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Yield a connection whose queries all read the same snapshot of the database."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # Python's driver does not begin a transaction before a SELECT.
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def _find_broken(accounts: Iterable[Any], rows: Iterable[Any]) -> Iterator[BrokenHistory]:
    """Compare the accounts, sorted by id, with the rows, sorted by account and number; an account may have no rows."""
    histories = groupby(rows, key=attrgetter("user_id"))
    user_id, history = next(histories, (None, iter(())))
    for account in accounts:
        while user_id is not None and user_id < account.id:
            user_id, history = next(histories, (None, iter(())))
        own = history if user_id == account.id else iter(())
        its, tie = (row._mapping for row in own), read_tie(account)
        for fault in audit.find_faults(its, tie, count=account.audit_rows, head=account.audit_chain):
            yield BrokenHistory(account.email, *fault)


def read_tie(account: Any) -> Mapping[str, Any] | None:
    """Return the tie from the row of an account with TIE_COLUMNS, if it has one."""
    tie = {each.name: account._mapping[f"tie_{each.name}"] for each in _TIE}
    return tie if tie["user_id"] is not None else None
