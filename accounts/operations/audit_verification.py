"""Verification of the history: finds rows that were changed or are missing, while others go on writing."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, bindparam, select

from accounts import audit
from models import Audit, CMSUser, db, table

PAGE = 1000  # Accounts that are looked at in one snapshot.
ROWS_AT_ONCE = 500  # A history may be longer than memory: so many of its rows are fetched at a time.
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
    """What an account says of its history: how many rows there must be, and the chain of the last one."""

    audit_rows: int
    audit_chain: str


class Broken(NamedTuple):
    """An account whose history is not whole, with the number of the first row that was changed or is missing."""

    email: str
    number: int


class Page(NamedTuple):
    """How many accounts were looked at, and which of them are broken."""

    accounts: int
    broken: list[Broken]


def verify_all() -> Iterator[Page]:
    """Look at the histories of all accounts, a page at a time, in the order of their numbers.

    Each page is read in one snapshot of the database: what is written meanwhile is in it as a whole or not at all, so
    that nobody is accused because of it. Nothing is locked. Raises what the database raises; then it is not finished.
    """
    last = 0
    while True:
        with _snapshot() as connection:
            accounts = connection.execute(_ACCOUNTS, {"after": last}).all()
            if not accounts:
                return
            first, last = accounts[0].id, accounts[-1].id
            these, slowly = {"first": first, "last": last}, {"yield_per": ROWS_AT_ONCE}
            with connection.execute(_ROWS, these, execution_options=slowly) as rows:
                page = Page(len(accounts), list(_broken(accounts, rows)))
        yield page


@contextmanager
def _snapshot() -> Iterator[Connection]:
    """Yield a connection whose queries all see the database as it is now."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # Python's driver would begin no transaction for a query.
        else:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


def _broken(accounts: Iterable[Any], rows: Iterable[Any]) -> Iterator[Broken]:
    """Lay the rows, sorted by account and number, beside the accounts, sorted, too; an account may have none."""
    histories = groupby(rows, key=attrgetter("user_id"))
    user_id, history = next(histories, (None, iter(())))
    for account in accounts:
        while user_id is not None and user_id < account.id:
            user_id, history = next(histories, (None, iter(())))
        own = history if user_id == account.id else iter(())
        if number := _first_broken(account, own):
            yield Broken(account.email, number)


def _first_broken(account: Account, rows: Iterable[Any]) -> int | None:
    chain, number = "", 0
    for row in rows:
        number += 1
        if row.number != number or row.chain != audit._link(row._mapping, chain):
            return number
        chain = row.chain
    return None if (number, chain) == (account.audit_rows, account.audit_chain) else number + 1
