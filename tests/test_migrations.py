"""migrations/: `flask db upgrade` tells what it does, also on a database that is slow, in use or newer."""

import contextlib
import fcntl
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import ENVIRONMENTS
from tests.environments import migrate, settings_for
from tests.servers import (
    LONGEST_SECONDS,
    ROOT,
    PostgresServer,
    command_line,
    eventually,
    run_concurrently,
    start_command,
)

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
def connected(settings: dict[str, str]) -> Iterator[Any]:
    """Connect to the database of an application."""
    if url := settings["DATABASE_URL"]:
        with psycopg.connect(url) as connection:
            yield connection
    else:
        with contextlib.closing(sqlite3.connect(Path(settings["INSTANCE_DIR"]) / "cms.db")) as connection:
            yield connection


@contextlib.contextmanager
def upgrading(settings: dict[str, str]) -> Iterator[Any]:
    """Hold the lock of an upgrade until the end of the block, or until what is provided is closed."""
    if url := settings["DATABASE_URL"]:
        key = re.search(r"^UPGRADES = ([\d_]+)", (ROOT / "migrations" / "env.py").read_text(), re.MULTILINE)
        assert key
        with psycopg.connect(url) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [int(key[1])])
            yield connection
    else:
        with (Path(settings["INSTANCE_DIR"]) / "cms.db-upgrade").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


@contextlib.contextmanager
def table_in_use(settings: dict[str, str]) -> Iterator[None]:
    """Hold a transaction open that has written to a table."""
    with connected(settings) as connection:
        connection.execute("DELETE FROM email_change")
        yield
        connection.rollback()


def execute(settings: dict[str, str], statement: str) -> None:
    """Execute and commit a statement."""
    with connected(settings) as connection:
        connection.execute(statement)
        connection.commit()


def revision(settings: dict[str, str]) -> str:
    """Return the revision of a database."""
    with connected(settings) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def run(settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run `flask db`."""
    return command_line(settings, "db", *words)


def told(settings: dict[str, str], *words: str) -> list[str]:
    """Run `flask db`, and return the lines that it prints, without the durations."""
    ended = run(settings, *words)
    assert ended.returncode == 0, ended.stderr
    return re.sub(r"\d+\.\d\d s", "... s", ended.stdout).splitlines()


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
        ended = command_line(settings, "db", *words)
        assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_an_upgrade_tells_each_revision_its_duration_and_what_it_locked(settings: dict[str, str]) -> None:
    created = told(settings, "upgrade", "0003")
    assert created[:3] == [
        "The database is at no revision. Migrating it to 0003: 3 steps.",
        "0001: initial tables",
        "0001: done in ... s",
    ]
    assert "0003: versions older than revision 0001 can no longer serve" in created
    on_postgresql = bool(settings["DATABASE_URL"])
    whole = [] if on_postgresql else ["Until the end the file is locked for writes."]
    held = "; locked meanwhile: {} for reads and writes" if on_postgresql else ""
    # The UPDATE of 0004 locks rows of the same table, too: the strongest lock is told.
    read = "; locked meanwhile: cms_user for reads and writes, email_change for writes" if on_postgresql else ""
    assert told(settings, "upgrade", "0005") == [
        "The database is at 0003. Migrating it to 0005: 2 steps.",
        *whole,
        "0004: last sign-in of accounts",
        f"0004: done in ... s{read}",
        "0005: time zone of accounts",
        f"0005: done in ... s{held.format('cms_user')}",
    ]
    assert told(settings, "upgrade", "0005") == ["The database is at 0005: nothing to do."]
    assert told(settings, "downgrade", "0004") == [
        "The database is at 0005. Migrating it to 0004: 1 step.",
        *whole,
        "undo 0005: time zone of accounts",
        f"undo 0005: done in ... s{held.format('cms_user')}",
    ]
    assert told(settings, "upgrade", "-x", "quiet") == []


@pytest.mark.slow
def test_a_migration_that_fails_leaves_nothing_and_the_upgrade_can_be_run_again(settings: dict[str, str]) -> None:
    assert run(settings, "upgrade", "0003").returncode == 0
    execute(settings, "CREATE INDEX ix_email_change_is_assisted ON email_change (id)")  # 0004 creates it in its end.
    ended = run(settings, "upgrade")
    assert ended.returncode == 1
    assert "0004: last sign-in of accounts" in ended.stdout
    assert "0004: done" not in ended.stdout
    assert revision(settings) == "0003"
    execute(settings, "DROP INDEX ix_email_change_is_assisted")
    ended = run(settings, "upgrade")  # The column of 0004 does not exist yet.
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_a_database_that_a_newer_version_has_upgraded_is_left_alone(settings: dict[str, str]) -> None:
    migrate(settings)
    execute(settings, "UPDATE alembic_version SET version_num = '9999'")
    for words in (["upgrade"], ["downgrade", "0001"]):
        ended = run(settings, *words)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == (
            "Error: the database is at revision 9999, which this version does not know: a newer version has upgraded "
            "it. Nothing was changed.\n"
        )
    assert revision(settings) == "9999"


@pytest.mark.servers
def test_two_upgrades_at_once_run_one_after_the_other(settings: dict[str, str]) -> None:
    assert run(settings, "upgrade", "0001").returncode == 0
    ended = run_concurrently(lambda _: run(settings, "upgrade"), 2)
    assert [process.returncode for process in ended] == [0, 0]
    assert sorted("nothing to do" in process.stdout for process in ended) == [False, True]


@pytest.mark.servers
def test_an_upgrade_waits_for_another_one_and_says_so(settings: dict[str, str], tmp_path: Path) -> None:
    printed = tmp_path / "printed"
    with upgrading(settings) as other, printed.open("ab") as file:
        process = start_command(settings, "db", "upgrade", stdout=file)
        waiting = "Another upgrade of this database is running. Waiting for its end.\n"
        eventually(lambda: printed.read_text() == waiting, "it says that it waits")
        other.close()
        assert process.wait(LONGEST_SECONDS) == 0
    assert printed.read_text().removeprefix(waiting).startswith("The database is at no revision. Migrating it to ")
