"""The environment of Alembic: it uses the database of the application, SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from models import Moment, db

LOCK_SECONDS = 3  # While a migration waits for a lock on a table, all later statements on the table wait, too.
CONNECT_SECONDS = 10


def render_item(kind: str, item: object, _: object) -> str | bool:
    """Render the type Moment as a type of SQLAlchemy, so that migrations do not import the application."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def migrate() -> None:
    """Run the migrations on the database of the application; on PostgreSQL all of them are one transaction."""
    with connect() as connection, report_locks():
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
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
    """Set the limits of a transaction, overriding those of the role and the server: only waits for locks are limited.

    SET LOCAL ends with the transaction, so that a connection pooler does not pass the limits on to another client.
    """
    for limit, value in (
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("lock_timeout", f"{LOCK_SECONDS}s"),
    ):
        connection.exec_driver_sql(f"SET LOCAL {limit} = '{value}'")


@contextmanager
def report_locks() -> Iterator[None]:
    """Report a table that is in use in one line instead of a traceback. Raises CommandError."""
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
