"""Verification of the history: finds rows that were changed or are missing, while the site is in use."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, bindparam, select

from accounts import audit
from accounts.audit import Verdict
from models import Audit, CMSUser, db, table

PAGE = 1000  # Accounts that are verified in one snapshot.
ROWS_AT_ONCE = 500  # Rows that are fetched at a time, because a history may not fit into memory.
_USER, _ROW = table(CMSUser).c, table(Audit).c
_ACCOUNTS = (
    select(_USER.id, _USER.email, _USER.audit_rows, _USER.audit_chain)
    .where(_USER.id > bindparam("after"))
    .order_by(_USER.id)
    .limit(PAGE)
)
_ROWS = (
    select(table(Audit))
    .where(_ROW.user_id >= bindparam("first"), _ROW.user_id <= bindparam("last"))
    .order_by(_ROW.user_id, _ROW.number)
)


class Account(Protocol):
    """The address of an account, the expected number of rows of an account's history, and the chain of the last one."""

    email: str
    audit_rows: int
    audit_chain: str


class BrokenHistory(NamedTuple):
    """An account whose history is not intact, and the number of the first row that was changed or is missing.

    With `missing_key` it is the first row that names this key, which is not in the settings: it cannot be verified.
    """

    email: str
    number: int
    missing_key: str = ""


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
        yield from _find_broken_rows(account, own)


def _find_broken_rows(account: Account, rows: Iterable[Any]) -> Iterator[BrokenHistory]:
    """Yield the first row of every missing key, up to the first row that was changed or is missing.

    Rows that follow those of a missing key are verified: each names its own key.
    """
    chain, number, missing = "", 0, set()
    for row in rows:
        number += 1
        verdict = audit.verify(row._mapping, chain) if row.number == number else Verdict.CHANGED
        if verdict == Verdict.CHANGED:
            yield BrokenHistory(account.email, number)
            return
        if verdict == Verdict.KEY_MISSING and row.key_id not in missing:
            missing.add(row.key_id)
            yield BrokenHistory(account.email, number, row.key_id)
        chain = row.chain
    if (number, chain) != (account.audit_rows, account.audit_chain):
        yield BrokenHistory(account.email, number + 1)
