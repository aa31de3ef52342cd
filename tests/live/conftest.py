"""Fixtures of sites: one for each environment, shared by all tests, and one with fault injection."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, serve_site
from tests.servers import PostgresServer

Serve = Callable[..., Site]
RESEND_SECONDS = 600  # It does not expire during a test, even on a busy machine.


@pytest.fixture(scope="session")
def serve(
    postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., contextlib.AbstractContextManager[Site]]:
    """Return a function that builds and serves an environment, with options of gunicorn and settings."""

    def build(name: str, *options: str, **more: str) -> contextlib.AbstractContextManager[Site]:
        settings = {"CAPTCHA_RESEND_SECONDS": str(RESEND_SECONDS), **more}
        return serve_site(name, tmp_path_factory.mktemp("site"), postgres, sqlite_template, *options, **settings)

    return build


@pytest.fixture(scope="session")
def _sqlite_site(serve: Serve) -> Iterator[Site]:
    with serve(ENVIRONMENTS[0]) as site:
        yield site


@pytest.fixture(scope="session")
def _postgres_site(serve: Serve) -> Iterator[Site]:
    with serve(ENVIRONMENTS[1]) as site:
        yield site


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def _faulty_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    # --preload: a killed worker is replaced quickly.
    with serve(request.param, "--preload", application="tests.live.fault_injection:create_app()") as site:
        yield site


@pytest.fixture
def sqlite_site(_sqlite_site: Site) -> Iterator[Site]:
    """Provide the site with the embedded defaults."""
    yield from reset_after_test(_sqlite_site)


@pytest.fixture
def postgres_site(_postgres_site: Site) -> Iterator[Site]:
    """Provide the site with PostgreSQL and memcached."""
    yield from reset_after_test(_postgres_site)


@pytest.fixture(params=["sqlite_site", "postgres_site"])
def site(request: pytest.FixtureRequest) -> Site:
    """Provide each site in turn."""
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def faulty_site(_faulty_site: Site) -> Iterator[Site]:
    """Provide both sites with fault injection: a request can name a line and a fault that occurs before it."""
    yield from reset_after_test(_faulty_site)


def reset_after_test(site: Site) -> Iterator[Site]:
    """Reset the servers and the outbox after a test, and check that every history is intact."""
    yield site
    site.reset_servers()
    site.expire_queued_mail()
    assert site.broken_histories() == []
