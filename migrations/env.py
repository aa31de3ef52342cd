"""The environment of Alembic: it uses the database of the application, SQLite or PostgreSQL, and reports its steps."""

import fcntl
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TextIO

import click
from alembic import context
from alembic.runtime.migration import MigrationContext, RevisionStep
from click import ClickException
from flask import current_app
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from accounts import write_queue
from models import Moment, db

LOCK_SECONDS = 3  # While a migration waits for a lock on a table, all later statements on the table wait, too.
CONNECT_SECONDS = 10
POLL_SECONDS = 0.2
UPGRADES = 7_364_501_122  # The advisory lock of upgrades: any number that nothing else in the database uses.
LOCKED_OR_DEADLOCKED = ("55P03", "40P01")

LOCKS = text("""
    SELECT relname, array_agg(mode) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE pid = pg_backend_pid() AND relkind = 'r' AND relname = ANY(:tables) AND granted
    GROUP BY relname ORDER BY relname
""")
KINDS_OF_LOCK = {  # The strongest one first.
    "AccessExclusiveLock": "reads and writes",
    "ExclusiveLock": "writes",
    "ShareRowExclusiveLock": "writes",
    "ShareLock": "writes",
    "RowExclusiveLock": "writes to the same rows",
}


def render_item(kind: str, item: object, _: object) -> str | bool:
    """Render the type Moment as a type of SQLAlchemy, so that migrations do not import the application."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def migrate() -> None:
    """Run the migrations on the database of the application.

    On PostgreSQL each migration is a transaction, so that its locks end with it; on SQLite all of them are one.
    """
    with report_locks(), connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            transactional_ddl=True,
            transaction_per_migration=connection.dialect.name == "postgresql",
            **current_app.extensions["migrate"].configure_args,
        )
        migration = context.get_context()
        name = getattr(migration._migrations_fn, "__name__", "")
        is_reported = name in ("upgrade", "downgrade") and not context.is_offline_mode()
        if is_reported:
            Report(migration, is_quiet="quiet" in context.get_x_argument())
        with only_upgrade(connection) if is_reported else nullcontext(), context.begin_transaction():
            context.run_migrations()


class Report:
    """What an upgrade does: from which revision to which, the steps, their duration, and what was locked meanwhile."""

    def __init__(self, migration: MigrationContext, *, is_quiet: bool) -> None:
        """Wrap the function of Alembic that returns the steps."""
        self._migration, self._is_quiet, self._locks = migration, is_quiet, ""
        self._is_sqlite = migration.dialect.name == "sqlite"
        self._find_steps: Any = migration._migrations_fn
        migration._migrations_fn = self._steps  # type: ignore[assignment]
        migration.on_version_apply_callbacks += (self._look_at_locks,)

    def _steps(self, heads: tuple[str, ...], migration: MigrationContext) -> Iterator[RevisionStep]:
        """Yield the steps, and report each before and after: Alembic has committed one when it asks for the next."""
        present = ", ".join(heads) or "no revision"
        found = self._plan(heads, migration)
        if not found:
            self._say(f"The database is at {present}: nothing to do.")
            return
        last = found[-1]
        target = last.revision.revision if last.is_upgrade else last.revision.down_revision or "no revision"
        self._say(f"The database is at {present}. Migrating it to {target}: {count(len(found), 'step')}.")
        if heads and self._is_sqlite:
            self._say("Until the end the file is locked for writes.")
        for step in found:
            name = step.revision.revision if step.is_upgrade else f"undo {step.revision.revision}"
            self._say(f"{name}: {step.revision.doc.partition(chr(10))[0]}")
            if step.is_upgrade and (needed := getattr(step.revision.module, "contracts", "")):
                self._say(f"{name}: versions older than revision {needed} can no longer serve")
            self._tables = self._tables_now()
            began, self._locks = time.monotonic(), ""
            yield step
            self._say(f"{name}: done in {time.monotonic() - began:.2f} s{self._locks}")

    def _plan(self, heads: tuple[str, ...], migration: MigrationContext) -> list[RevisionStep]:
        """Return the steps. Raises ClickException if a newer version of the application has migrated the database."""
        known = {each.revision for each in context.script.walk_revisions()}  # type: ignore[attr-defined]
        if newer := set(heads) - known:
            raise ClickException(
                f"the database is at revision {', '.join(newer)}, which this version does not know: a newer "
                "version has upgraded it. Nothing was changed."
            )
        steps: Iterable[RevisionStep] = self._find_steps(heads, migration)
        return list(steps)

    def _tables_now(self) -> list[str]:
        """Return the tables that others may use; nobody else sees those that a migration creates."""
        assert self._migration.connection is not None
        return [name for name in inspect(self._migration.connection).get_table_names() if name != "alembic_version"]

    def _look_at_locks(self, **_: object) -> None:
        """Remember which locks the transaction of a migration holds at its end."""
        connection = self._migration.connection
        if connection is None or self._is_sqlite:
            return
        held = []
        for table, modes in connection.execute(LOCKS, {"tables": self._tables}):
            held += [f"{table} for {kind}" for mode, kind in KINDS_OF_LOCK.items() if mode in modes][:1]
        self._locks = f"; locked meanwhile: {', '.join(held)}" if held else ""

    def _say(self, line: str) -> None:
        if not self._is_quiet:
            click.echo(line)


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@contextmanager
def connect() -> Iterator[Connection]:
    """Connect without the time limits of the application: a migration may take longer than a request."""
    url = db.engine.url
    is_postgresql = url.get_backend_name() == "postgresql"
    seconds = {"connect_timeout": CONNECT_SECONDS} if is_postgresql else {"timeout": LOCK_SECONDS}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=seconds)
    with engine.connect() as connection:
        event.listen(connection, "begin", set_time_limits if is_postgresql else begin_to_write)
        yield connection


def set_time_limits(connection: Connection) -> None:
    """Set the limits of a transaction, overriding those of the role and the server: only waits for locks are limited.

    SET LOCAL ends with the transaction, so that a connection pooler does not pass the limits on to another client. In
    an autocommit block there is no transaction, and nobody waits behind `CREATE INDEX CONCURRENTLY`.
    """
    driver: Any = connection.connection.dbapi_connection
    scope, seconds = ("SESSION", 0) if driver.autocommit else ("LOCAL", LOCK_SECONDS)
    for limit, value in (
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("lock_timeout", f"{seconds}s"),
    ):
        connection.exec_driver_sql(f"SET {scope} {limit} = '{value}'")


def begin_to_write(connection: Connection) -> None:
    """Begin the transaction of an upgrade of SQLite at once, when it is its turn: Python would begin it too late.

    An upgrade that is interrupted therefore leaves nothing behind, and other upgrades wait for its end.
    """
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    write_queue.begin(connection.engine.url.database or "", driver)


@contextmanager
def only_upgrade(connection: Connection) -> Iterator[None]:
    """Wait until no other upgrade of the database runs.

    The lock is polled: on PostgreSQL, `CREATE INDEX CONCURRENTLY` of the other one waits for transactions that wait.
    """
    is_postgresql = connection.dialect.name == "postgresql"
    with nullcontext() if is_postgresql else open(f"{connection.engine.url.database}-upgrade", "w") as file:
        is_waiting = False
        while not (_lock(file) if file else _lock_advisory(connection)):
            if not is_waiting:
                click.echo("Another upgrade of this database is running. Waiting for its end.")
            is_waiting = True
            time.sleep(POLL_SECONDS)
        yield


def _lock_advisory(connection: Connection) -> bool:
    """Return whether the lock of upgrades is taken; it belongs to the connection, and not to the transaction."""
    is_taken: bool = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": UPGRADES})
    connection.rollback()
    return is_taken


def _lock(file: TextIO) -> bool:
    """Return whether the lock of upgrades of a SQLite file is taken; it ends when `file` is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def report_locks() -> Iterator[None]:
    """Report a table that is in use in one line instead of a traceback. Raises ClickException."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as problem:
        error: Any = getattr(problem, "orig", problem)
        is_locked = getattr(error, "sqlstate", "") in LOCKED_OR_DEADLOCKED or "database is locked" in str(error)
        if not is_locked:
            raise
        raise ClickException(
            f"somebody else held a table for more than {LOCK_SECONDS} s. Run `flask --app app db upgrade` again; "
            "if that does not help, find the long transaction and end it."
        ) from None


migrate()
