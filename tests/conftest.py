"""The fixtures of all tests. The servers are real; `tests/servers.py` starts and stops them."""

import gc
import itertools
import os
import tempfile
from collections.abc import Generator, Iterator
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import segno
from flask import Flask
from hypothesis import HealthCheck, core, settings

from accounts import passwords
from config import SETTINGS
from models import CMSUser
from tests import cheap_hashes, servers
from tests.environments import Clock, Environment, SharedApp, migrate, settings_for
from tests.servers import SEED, MemcachedServer, PostgresServer, SmtpServer

ENVIRONMENTS = ("sqlite+embedded", "postgresql+memcached")
# Fixtures and parameters that start a server or the browser, and the folders in which every test needs one.
STARTERS = {"postgres", "postgres_env", "memcached", "memcached_server", "smtp_server", "chromium", ENVIRONMENTS[1]}
SERVED = {"live", "browser"}
# Examples have no deadline, because it would depend on the speed of the machine.
settings.register_profile(
    "tests", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True, database=None
)


def pytest_configure() -> None:
    """Use one seed for all random choices; the workers of xdist inherit it with the environment."""
    os.environ["TEST_SEED"] = str(SEED)
    settings.load_profile("tests")
    if core.global_force_seed is None:  # Unless --hypothesis-seed was given.
        core.global_force_seed = SEED


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the modules and the collected tests from garbage collection: they live until the end of the run."""
    gc.disable()
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a server or a browser, before `-m` selects; `make test-fast` omits them.

    A test that starts a server without a fixture must have the marker itself: `servers.refuse_if_fast` checks it.
    """
    for item in items:
        if needs_servers(item):
            item.add_marker("servers")


def needs_servers(item: pytest.Item) -> bool:
    """Return whether a fixture or a parameter of a test starts a server, or all tests in its folder do."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    values = itertools.chain.from_iterable(each if isinstance(each, tuple) else (each,) for each in parameters)
    names = {*getattr(item, "fixturenames", ()), *(each for each in values if isinstance(each, str))}
    return not names.isdisjoint(STARTERS) or item.path.parent.name in SERVED


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test start programs only if `make test-fast` omits it."""
    if not any(item.get_closest_marker(name) for name in ("servers", "slow", "large")):
        servers.FAST.set()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Let the fixtures of other tests end with the help of programs."""
    servers.FAST.clear()


def pytest_report_header() -> str:
    """Report the seed."""
    return f"random choices: TEST_SEED={SEED} repeats them"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the command that repeats a failure to its report."""
    report = yield
    if report.failed:
        report.sections.append(("repeat it with", f"TEST_SEED={SEED} .venv/bin/python -m pytest '{item.nodeid}'"))
    return report


@pytest.fixture(scope="session", autouse=True)
def _bare_environment() -> None:
    """Remove the developer's settings from the environment: every test sets what it needs."""
    for setting in SETTINGS:
        os.environ.pop(setting.name, None)


@pytest.fixture(scope="session", autouse=True)
def _cheap_computations() -> Iterator[None]:
    """Hash passwords cheaply, as the servers of tests/live do, and draw QR codes without looking for the best mask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", cheap_hashes.HASHER)
        patch.setattr(segno, "make", partial(segno.make, mask=0))
        yield


@pytest.fixture(scope="session")
def memcached_server() -> Iterator[MemcachedServer]:
    """Run one memcached for all tests."""
    server = MemcachedServer().start()
    yield server
    server.stop()


@pytest.fixture
def memcached(memcached_server: MemcachedServer) -> Iterator[MemcachedServer]:
    """Provide the memcached, empty; it is running and empty again after the test."""
    memcached_server.flush()
    yield memcached_server
    memcached_server.reset()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run one PostgreSQL for all tests; `database()` provides a new copy of a migrated database."""
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
    """Provide the SMTP server, without mail and with its normal behaviour, which is restored after the test."""
    smtp_server.reset()
    yield smtp_server
    smtp_server.reset()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a migrated SQLite file, of which tests use copies."""
    file = tmp_path_factory.mktemp("sqlite") / "cms.db"
    file.write_bytes(migrated_database())
    return file


@once
def migrated_database() -> bytes:
    """Return the content of a migrated SQLite file; processes that mutmut forks inherit it."""
    with tempfile.TemporaryDirectory() as folder:
        migrate(settings_for(Path(folder)))
        return (Path(folder) / "cms.db").read_bytes()


@pytest.fixture
def clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Install a clock that only the test advances."""
    has_real_time = request.node.get_closest_marker("real_time") is not None
    return Clock(has_real_time=has_real_time).install(monkeypatch)


@pytest.fixture(params=ENVIRONMENTS)
def env(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    """Provide both environments: the embedded defaults; and PostgreSQL, memcached and an SMTP server."""
    yield from provide(request, clock)


@pytest.fixture
def sqlite_env(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    """Provide the environment with the embedded defaults, for tests that do not depend on servers."""
    request.param = ENVIRONMENTS[0]  # type: ignore[attr-defined]
    yield from provide(request, clock)


@pytest.fixture
def postgres_env(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    """Provide the environment with PostgreSQL, for behaviour that only PostgreSQL has."""
    request.param = ENVIRONMENTS[1]  # type: ignore[attr-defined]
    yield from provide(request, clock)


@pytest.fixture
def app(env: Environment) -> Flask:
    """Provide the application of the environment."""
    return env.app


@pytest.fixture
def in_sqlite_app(sqlite_env: Environment) -> Iterator[None]:
    """Push the context of the application with the embedded defaults."""
    with sqlite_env.app.app_context():
        yield


@pytest.fixture
def ann(sqlite_env: Environment) -> CMSUser:
    """Return an administrator."""
    return sqlite_env.administrator("ann@example.com")


@pytest.fixture
def bob(ann: CMSUser, sqlite_env: Environment) -> CMSUser:
    """Return another administrator."""
    user = sqlite_env.administrator("bob@example.com")
    assert user.id != ann.id
    return user


@pytest.fixture(scope="session")
def shared_sqlite_app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> SharedApp:
    """Create the application with the embedded defaults that the tests share."""
    return SharedApp.on_sqlite(sqlite_template, lambda: tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="session")
def shared_postgres_app(
    postgres: PostgresServer,
    memcached_server: MemcachedServer,
    smtp_server: SmtpServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SharedApp]:
    """Create the application with PostgreSQL, memcached and an SMTP server that the tests share."""
    servers = postgres, memcached_server, smtp_server
    shared = SharedApp.on_postgres(*servers, lambda: tmp_path_factory.mktemp("instance"))
    yield shared
    shared.close()


def provide(request: Any, clock: Clock) -> Iterator[Environment]:
    """Yield an environment; servers that it does not need are not started."""
    has_servers = request.param == ENVIRONMENTS[1]
    servers = {name: request.getfixturevalue(name) for name in ("memcached", "smtp") if has_servers}
    shared: SharedApp = request.getfixturevalue("shared_postgres_app" if has_servers else "shared_sqlite_app")
    env = Environment(request.param, shared.acquire(), clock, shared=shared, **servers)
    yield env
    env.close()
