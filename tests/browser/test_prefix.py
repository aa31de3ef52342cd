"""The main story at the root of a host and below a path, behind nginx as in production."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request, expect

from tests.actors import PASSWORD, text_of
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BrowserUser
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION
from tests.live.sites import Site, serve_site
from tests.servers import Nginx, PostgresServer, eventually


class Served(NamedTuple):
    """A site behind nginx, and the path below which it is served."""

    site: Site
    nginx: Nginx
    prefix: str


@pytest.fixture(scope="module", params=["", "/admin/accounts"], ids=["at the root", "below a path"])
def served(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """Serve a site in production, behind nginx."""
    prefix: str = request.param
    settings = {
        **PRODUCTION,
        "SITE_URL": f"https://{Nginx.HOST}{prefix}",
        "TRUSTED_PROXIES": "1",
        "TRUSTED_HOSTS": f"{Nginx.HOST},127.0.0.1",
    }
    with serve_site(ENVIRONMENTS[1], tmp_path_factory.mktemp("site"), postgres, sqlite_template, **settings) as site:
        ports = [site.server.port, site.server.port]
        nginx = Nginx(tmp_path_factory.mktemp("nginx"), ports, has_limits=False, prefix=prefix).start()
        yield Served(site, nginx, prefix)
        nginx.stop()
        assert "SITE_URL must have the path" not in site.log


def link_to(served: Served, recipient: str, kind: str) -> str:
    """Return the path, without the prefix, of a link in a mail."""
    site = f"https://{Nginx.HOST}{served.prefix}"

    def found() -> list[str]:
        texts = map(text_of, served.site.mails_to(recipient))
        return [path for text in texts for path in re.findall(rf"{re.escape(site)}(/cms/\S*{kind}/[\w-]+/)", text)]

    return eventually(found, f"a link to {kind} arrives at {recipient}")[-1]


def record_requests(user: BrowserUser) -> list[str]:
    """Return a list that receives the path of every request."""
    paths: list[str] = []

    def record(request: Request) -> None:
        if request.url.startswith("http"):
            paths.append(urlsplit(request.url).path)

    user.context.on("request", record)
    return paths


def test_an_administrator_changes_their_address_and_the_old_one_undoes_it(
    open_browser: OpenBrowser, served: Served
) -> None:
    site, prefix = served.site, served.prefix
    user = open_browser("en", at=site, proxy=served.nginx, prefix=prefix)
    page, paths, old, new = user.page, record_requests(user), site.administrator(), site.new_address("new")
    user.email = old
    user.open("/cms/resetemail/")  # Leads to the sign-in page, and back.
    page.locator("[name=email]").fill(old)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    expect(page.locator("#current-email")).to_have_text(old)
    expect(page.locator(".site-nav [aria-current=page]")).to_have_text("Email address")
    user.expire_reauth()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    page.locator("#reauth [name=password]").fill(PASSWORD)
    page.locator("#reauth [name=password]").press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)
    page.locator("#captcha").fill(site.code_to(new))
    page.locator("#submit").click()
    expect(page.locator("#current-email")).to_have_text(new)
    for label in ("Overview", "Profile", "Password", "Security"):
        page.locator(".site-nav").get_by_role("link", name=label, exact=True).click()
        expect(page.locator(".site-nav [aria-current=page]")).to_have_text(label)
    page.locator(".sign-out button").click()
    expect(page.locator("[name=password]")).to_be_visible()
    user.open(link_to(served, old, "undo"))
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text(old)
    user.open(link_to(served, old, "forgotpwd"))
    expect(page.locator("main [name=password]")).to_be_visible()
    assert len(paths) > 50
    assert [
        path for path in paths if not path.startswith(f"{prefix}/cms/") and not path.startswith(f"{prefix}/assets/")
    ] == []


def test_an_interrupted_form_is_submitted_again_without_scripts(open_browser: OpenBrowser, served: Served) -> None:
    site = served.site
    user = open_browser("en", at=site, proxy=served.nginx, prefix=served.prefix, scripts=False)
    page, paths, new = user.page, record_requests(user), site.new_address("new")
    user.sign_in()
    user.open("/cms/resetemail/")
    user.expire_reauth()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    page.locator("main [name=password]").fill(PASSWORD)
    page.locator("main [name=password]").press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)
    page.locator("#captcha").fill(site.code_to(new))
    page.locator("#submit").click()
    expect(page.locator("#current-email")).to_have_text(new)
    assert all(path.startswith(f"{served.prefix}/") for path in paths)
