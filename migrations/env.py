"""How Alembic reaches the database: through the application, one set of migrations for SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from models import Moment, db

LOCK_SECONDS = 3  # While a migration waits for a table, everybody who comes after it waits for that table, too.
CONNECT_SECONDS = 10


def rendered(kind: str, item: object, _: object) -> str | bool:
    """Write a migration that needs nothing of ours: a Moment is a point in time to the database."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def migrate() -> None:
    """Run the migrations on the database of the application; on PostgreSQL all of them are one transaction."""
    with connect() as connection, one_line_for_locks():
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=rendered,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


@contextmanager
def connect() -> Iterator[Connection]:
    """Connect without the time limits of the application: a migration may take longer than a request."""
    url = db.engine.url
    is_postgresql = url.get_backend_name() == "postgresql"
    seconds = {"connect_timeout": CONNECT_SECONDS} if is_postgresql else {"timeout": LOCK_SECONDS}
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=seconds)
    with engine.connect() as connection:
        if is_postgresql:
            event.listen(connection, "begin", set_time_limits)
        yield connection


def set_time_limits(connection: Connection) -> None:
    """Set the limits of one transaction, whatever the role or the server sets; only a wait for a lock has one.

    SET LOCAL ends with the transaction: behind a connection pooler nobody else inherits it.
    """
    for limit, value in (
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("lock_timeout", f"{LOCK_SECONDS}s"),
    ):
        connection.exec_driver_sql(f"SET LOCAL {limit} = '{value}'")


@contextmanager
def one_line_for_locks() -> Iterator[None]:
    """Tell in one line, instead of a traceback, that a table was in use."""
    try:
        yield
    except OperationalError as problem:
        is_locked = getattr(problem.orig, "sqlstate", "") == "55P03" or "database is locked" in str(problem.orig)
        if not is_locked:
            raise
        raise CommandError(
            f"somebody else held a table for more than {LOCK_SECONDS} s. Run `flask --app app db upgrade` again; "
            "if that does not help, find the long transaction and end it."
        ) from None


migrate()
