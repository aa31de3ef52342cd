"""migrations/: `flask db upgrade` on a database that is slow or in use."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import ENVIRONMENTS
from tests.environments import migrate, settings_for
from tests.servers import PostgresServer, command_line

# Makes one statement take longer than the time limit of a request.
SLOW_INDEX = """
CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('ix_budget_resets_at') IS NULL THEN PERFORM pg_sleep(6); END IF;
END $$;
CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION slow();
"""

IN_USE = (
    "Error: somebody else held a table for more than 3 s. Run `flask --app app db upgrade` again; "
    "if that does not help, find the long transaction and end it.\n"
)


@pytest.fixture
def empty_url(postgres: PostgresServer) -> Iterator[str]:
    """Provide the URL of an empty PostgreSQL database."""
    with postgres.database("template1") as url:
        yield url


@pytest.fixture(params=ENVIRONMENTS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Provide the settings of an application with an empty database, on SQLite and on PostgreSQL."""
    url = "" if request.param == ENVIRONMENTS[0] else request.getfixturevalue("empty_url")
    return settings_for(tmp_path, DATABASE_URL=url)


@contextlib.contextmanager
def table_in_use(settings: dict[str, str]) -> Iterator[None]:
    """Keep a transaction open that has written to a table."""
    write = "DELETE FROM email_change"
    if url := settings["DATABASE_URL"]:
        with psycopg.connect(url) as connection:
            connection.execute(write)
            yield
            connection.rollback()
    else:
        with contextlib.closing(sqlite3.connect(Path(settings["INSTANCE_DIR"]) / "cms.db")) as connection:
            connection.execute(write)
            yield
            connection.rollback()


def test_a_migration_may_take_longer_than_a_request(empty_url: str, tmp_path: Path) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(SLOW_INDEX)
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '1s'")  # type: ignore[arg-type]
    migrate(settings_for(tmp_path, DATABASE_URL=empty_url))
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT count(*) FROM cms_user").fetchone() == (0,)


@pytest.mark.slow
def test_a_table_in_use_ends_the_upgrade_with_one_line_and_the_upgrade_can_be_repeated(
    settings: dict[str, str],
) -> None:
    assert command_line(settings, "db", "upgrade", "0001").returncode == 0
    with table_in_use(settings):
        result = command_line(settings, "db", "upgrade")
    assert result.returncode == 1
    assert result.stderr == IN_USE
    result = command_line(settings, "db", "upgrade")
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_every_migration_can_be_reverted_and_repeated(settings: dict[str, str]) -> None:
    for words in (["upgrade"], ["downgrade", "base"], ["upgrade"]):
        result = command_line(settings, "db", *words)
        assert result.returncode == 0, result.stderr
