"""The sites: one for each environment, shared by all tests, and one whose workers break on request."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, served
from tests.servers import PostgresServer

Serve = Callable[..., Site]
RESEND_SECONDS = 600  # A test that meets this wait must do so on a busy machine, too, where a minute is soon over.


@pytest.fixture(scope="session")
def serve(
    postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., contextlib.AbstractContextManager[Site]]:
    """Return what builds and serves an environment of a name, with gunicorn options and with settings."""

    def build(name: str, *options: str, **more: str) -> contextlib.AbstractContextManager[Site]:
        given = {"CAPTCHA_RESEND_SECONDS": str(RESEND_SECONDS), **more}
        return served(name, tmp_path_factory.mktemp("site"), postgres, sqlite_template, *options, **given)

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
def _breaking_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    # --preload: a worker that was killed is replaced in no time.
    with serve(request.param, "--preload", application="tests.live.breaking:create_app()") as site:
        yield site


@pytest.fixture
def sqlite_site(_sqlite_site: Site) -> Iterator[Site]:
    """Give the environment with nothing installed."""
    yield from in_order(_sqlite_site)


@pytest.fixture
def postgres_site(_postgres_site: Site) -> Iterator[Site]:
    """Give the environment on PostgreSQL and memcached."""
    yield from in_order(_postgres_site)


@pytest.fixture(params=["sqlite_site", "postgres_site"])
def site(request: pytest.FixtureRequest) -> Site:
    """Give both environments, one after the other."""
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def breaking_site(_breaking_site: Site) -> Iterator[Site]:
    """Give both environments, served by workers that break where a request says so."""
    yield from in_order(_breaking_site)


def in_order(site: Site) -> Iterator[Site]:
    """Put the parts in order after a test, and see that it left every history whole."""
    yield site
    site.put_right()
    assert site.broken_histories() == []
