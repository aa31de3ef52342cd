"""Fixtures for Chromium: the browser, the sites, and users of them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.pages import ARTEFACTS, DESK, LOCALES, BrowserUser, new_context
from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, serve_site
from tests.servers import Nginx, PostgresServer, find_program, refuse_if_fast, seconds_now

OpenBrowser = Callable[..., BrowserUser]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Run one Chromium for all users; it is closed before other tests use asyncio."""
    refuse_if_fast("chromium")
    disabled = ["background-networking", "component-update", "sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell") or find_program("chromium"),
            timeout=1000 * seconds_now(),
            args=[
                *("--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {Nginx.HOST} 127.0.0.1"),
                *(f"--disable-{feature}" for feature in disabled),
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve the environment with PostgreSQL, memcached and an SMTP server."""
    with serve_site(ENVIRONMENTS[1], tmp_path_factory.mktemp("site"), postgres, sqlite_template) as found:
        yield found
        assert not found.broken_histories()


@pytest.fixture(scope="package")
def demo_site(
    postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Serve the environment with the embedded defaults: SQLite, the embedded store, and the mailbox page."""
    folder = tmp_path_factory.mktemp("demo")
    with serve_site(ENVIRONMENTS[0], folder, postgres, sqlite_template, MAIL_SERVER="") as found:
        yield found


@pytest.fixture(scope="package")
def strict_site(
    postgres: PostgresServer, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Serve the environment with the embedded defaults and the policy `both`."""
    folder = tmp_path_factory.mktemp("strict")
    with serve_site(ENVIRONMENTS[0], folder, postgres, sqlite_template, EMAIL_POLICY="both") as found:
        yield found


@pytest.fixture
def open_browser(chromium: Browser, site: Site) -> Iterator[OpenBrowser]:
    """Return a function that opens a browser context for a new user; afterwards, fail if a console has errors."""
    ARTEFACTS.mkdir(exist_ok=True)
    users: list[BrowserUser] = []

    def open_context(
        language: str = "zh",
        *,
        at: Site = site,
        host: str = "127.0.0.1",
        size: tuple[int, int] = DESK,
        scripts: bool = True,
        proxy: Nginx | None = None,
        prefix: str = "",
        **more: Any,
    ) -> BrowserUser:
        # Without animations, so that no test waits for one.
        context = new_context(
            chromium,
            locale=LOCALES[language],
            viewport={"width": size[0], "height": size[1]},
            base_url=f"https://{proxy.HOST}:{proxy.https}" if proxy else f"http://{host}:{at.server.port}",
            ignore_https_errors=proxy is not None,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            **more,
        )
        users.append(BrowserUser(context, at, language, host, prefix))
        return users[-1]

    yield open_context
    for user in users:
        user.context.close()
    assert [error for user in users for error in user.console_errors] == []
