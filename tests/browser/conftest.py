"""A Chromium, the site of the main way, the one of the demonstration, and readers who sit down before them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.pages import ARTEFACTS, DESK, LOCALES, Reader
from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, served
from tests.servers import PostgresServer, needed, refuse_if_fast, seconds_now

SitDown = Callable[..., Reader]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Run one Chromium for all readers; it must be closed before others use asyncio."""
    refuse_if_fast("chromium")
    quiet = ["background-networking", "component-update", "sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell") or needed("chromium"),
            timeout=1000 * seconds_now(),
            args=["--no-sandbox", "--disable-gpu", *(f"--disable-{what}" for what in quiet)],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve the environment on PostgreSQL, memcached and a mail server."""
    with served(ENVIRONMENTS[1], tmp_path_factory.mktemp("site"), postgres, sqlite_template) as found:
        yield found
        assert not found.broken_histories()


@pytest.fixture(scope="package")
def demo_site(
    postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Serve the environment with nothing installed: SQLite, the embedded store, and the mailbox page."""
    with served(ENVIRONMENTS[0], tmp_path_factory.mktemp("demo"), postgres, sqlite_template, MAIL_SERVER="") as found:
        yield found


@pytest.fixture(scope="package")
def strict_site(
    postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Serve the environment with nothing installed to people whose change needs a code from both addresses."""
    folder = tmp_path_factory.mktemp("strict")
    with served(ENVIRONMENTS[0], folder, postgres, sqlite_template, EMAIL_POLICY="both") as found:
        yield found


@pytest.fixture
def sit_down(chromium: Browser, site: Site) -> Iterator[SitDown]:
    """Return what seats a reader of a language before a site; at the end nobody's browser has complained."""
    ARTEFACTS.mkdir(exist_ok=True)
    readers: list[Reader] = []

    def seat(
        language: str = "zh", *, at: Site = site, size: tuple[int, int] = DESK, scripts: bool = True, **more: Any
    ) -> Reader:
        # Nothing moves, so that no test waits for a movement.
        context = chromium.new_context(
            locale=LOCALES[language],
            viewport={"width": size[0], "height": size[1]},
            base_url=f"http://127.0.0.1:{at.server.port}",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            **more,
        )
        context.set_default_timeout(1000 * seconds_now())
        expect.set_options(timeout=1000 * seconds_now())
        readers.append(Reader(context, at, language))
        return readers[-1]

    yield seat
    for reader in readers:
        reader.context.close()
    assert [complaint for reader in readers for complaint in reader.complaints] == []
