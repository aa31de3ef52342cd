"""What every test may ask for. The parts are real; `tests/servers.py` says how they are started and surely ended."""

import os
import tempfile
from collections.abc import Generator, Iterator
from functools import cache as once
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck, core, settings

from accounts import passwords
from config import SETTINGS
from tests.environments import Clock, Environment, SharedApp, migrate, settings_for
from tests.servers import SEED, MemcachedServer, PostgresServer, SmtpServer

ENVIRONMENTS = ("sqlite+embedded", "postgresql+memcached")
# Fixtures and parameters that start a server or the browser, and the folders whose tests all do.
STARTERS = {"postgres", "postgres_env", "memcached", "memcached_server", "smtp_server", "chromium", ENVIRONMENTS[1]}
SERVED = {"live", "browser"}
# No example has a deadline: it would measure the machine.
settings.register_profile(
    "tests", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True, database=None
)


def pytest_configure() -> None:
    """Have every random choice come from one seed; the workers of xdist inherit it with the environment."""
    os.environ["TEST_SEED"] = str(SEED)
    settings.load_profile("tests")
    if core.global_force_seed is None:  # Else somebody gave --hypothesis-seed.
        core.global_force_seed = SEED


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server or a browser, before `-m` selects; `make test-fast` leaves it out.

    A test that starts a server in another way than by a fixture says so itself; `parts.refuse_if_fast` finds it.
    """
    for item in items:
        if needs_servers(item):
            item.add_marker("servers")


def needs_servers(item: pytest.Item) -> bool:
    """Say whether a test gets what starts a server, by a fixture or a parameter, or stands where all tests do."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    given = {*getattr(item, "fixturenames", ()), *(each for each in parameters if isinstance(each, str))}
    return not given.isdisjoint(STARTERS) or item.path.parent.name in SERVED


def pytest_report_header() -> str:
    """Print the seed."""
    return f"random choices: TEST_SEED={SEED} repeats them"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell beside every failure how to repeat it."""
    report = yield
    if report.failed:
        report.sections.append(("repeat it with", f"TEST_SEED={SEED} .venv/bin/python -m pytest '{item.nodeid}'"))
    return report


@pytest.fixture(scope="session", autouse=True)
def _bare_environment() -> None:
    """Take the developer's own settings out of the way: a test says itself what it needs."""
    for setting in SETTINGS:
        os.environ.pop(setting.name, None)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with 8 KiB and one pass: what argon2 costs is not what the tests are about."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(memory_cost=8, time_cost=1, parallelism=1))


@pytest.fixture(scope="session")
def memcached_server() -> Iterator[MemcachedServer]:
    """Run one memcached for all tests."""
    server = MemcachedServer().start()
    yield server
    server.stop()


@pytest.fixture
def memcached(memcached_server: MemcachedServer) -> Iterator[MemcachedServer]:
    """Give a test the memcached, empty; whatever it did to it is put right afterwards."""
    memcached_server.flush()
    yield memcached_server
    memcached_server.refresh()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run one PostgreSQL for all tests; `database()` is a fresh copy of a migrated one."""
    server = PostgresServer()
    try:
        server.start()
        folder = tmp_path_factory.mktemp("postgres")
        server.prepare(lambda url: migrate(settings_for(folder, DATABASE_URL=url)))
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[SmtpServer]:
    """Run one SMTP server for all tests."""
    server = SmtpServer().start()
    yield server
    server.stop()


@pytest.fixture
def smtp(smtp_server: SmtpServer) -> Iterator[SmtpServer]:
    """Give a test the SMTP server, polite and without mail; whatever it did to it is put right afterwards."""
    smtp_server.behave()
    yield smtp_server
    smtp_server.behave()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "cms.db"
    file.write_bytes(migrated_database())
    return file


@once
def migrated_database() -> bytes:
    """Return what a migrated SQLite file holds; the processes that mutmut forks have it from their parent."""
    with tempfile.TemporaryDirectory() as folder:
        migrate(settings_for(Path(folder)))
        return (Path(folder) / "cms.db").read_bytes()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the clock; the test turns it."""
    return Clock().hang_up(monkeypatch)


@pytest.fixture(params=ENVIRONMENTS)
def env(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    """Give the environment: once with nothing installed, once with PostgreSQL, memcached and a mail server."""
    yield from provide(request, clock)


@pytest.fixture
def sqlite_env(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    """Give the environment with nothing installed, for what has nothing to do with the parts."""
    request.param = ENVIRONMENTS[0]  # type: ignore[attr-defined]
    yield from provide(request, clock)


@pytest.fixture
def postgres_env(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    """Give the environment with PostgreSQL, for what only that does."""
    request.param = ENVIRONMENTS[1]  # type: ignore[attr-defined]
    yield from provide(request, clock)


@pytest.fixture
def app(env: Environment) -> Flask:
    """Give the application of the environment."""
    return env.app


@pytest.fixture
def in_sqlite_app(sqlite_env: Environment) -> Iterator[None]:
    """Be in the context of the application with nothing installed."""
    with sqlite_env.app.app_context():
        yield


@pytest.fixture(scope="session")
def shared_sqlite_app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> SharedApp:
    """Return the application that one test after the other uses with nothing installed."""
    return SharedApp.on_sqlite(sqlite_template, lambda: tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="session")
def shared_postgres_app(
    postgres: PostgresServer,
    memcached_server: MemcachedServer,
    smtp_server: SmtpServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> SharedApp:
    """Return the application that one test after the other uses with PostgreSQL, memcached and a mail server."""
    parts = postgres, memcached_server, smtp_server
    return SharedApp.on_postgres(*parts, lambda: tmp_path_factory.mktemp("instance"))


def provide(request: Any, clock: Clock) -> Iterator[Environment]:
    """Yield an environment with its parts; a part that is not needed is not started."""
    has_servers = request.param == ENVIRONMENTS[1]
    parts = {name: request.getfixturevalue(name) for name in ("memcached", "smtp") if has_servers}
    shared: SharedApp = request.getfixturevalue("shared_postgres_app" if has_servers else "shared_sqlite_app")
    env = Environment(request.param, shared.take(), clock, shared=shared, **parts)
    yield env
    env.close()
