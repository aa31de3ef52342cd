"""The time zone of a real browser is used in mails."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Route, expect

from tests.actors import html_of, text_of
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, IN_ENGLISH, BrowserUser
from tests.live.sites import Site
from tests.servers import eventually

COOKIE = "session_time_zone"


def cookies_of(user: BrowserUser, name: str = COOKIE) -> list[dict[str, object]]:
    """Return the cookies with this name in the browser of a user."""
    return [dict(each) for each in user.context.cookies() if each["name"] == name]


@BOTH
@pytest.mark.parametrize(
    ("zone", "offset"), [("Asia/Shanghai", "+8"), ("America/Phoenix", "-7"), ("Asia/Calcutta", "+5:30")]
)
def test_a_mail_states_times_in_the_time_zone_of_the_browser(
    open_browser: OpenBrowser, site: Site, language: str, zone: str, offset: str
) -> None:
    user = open_browser(language, timezone_id=zone).sign_in()
    new, page = site.new_address("new"), user.open_settings()
    user.request_code(new)
    shown = page.locator("#pending time[data-fill=asked_at]")
    requested_at = datetime.fromisoformat(str(shown.get_attribute("datetime")))
    expect(shown).to_contain_text(f"{requested_at.astimezone(ZoneInfo(zone)):%H:%M}")
    for email in (user.email, new):
        mail = eventually(lambda to=email: site.smtp.mails_to(to), f"a mail arrives at {email}")[-1]
        for part in (text_of(mail), html_of(mail)):
            (stated,) = re.findall(rf"(?:时间：|When: )(.+) \(UTC{re.escape(offset)}, {zone}\)", part)
            stated_at = datetime.strptime(stated, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
            assert abs(stated_at - requested_at) < timedelta(minutes=2)


@IN_ENGLISH
def test_the_page_sets_a_session_cookie_for_this_site_only(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language, timezone_id="Europe/Berlin")
    user.open("/cms/login/")
    (cookie,) = eventually(lambda: cookies_of(user), "the cookie is stored")
    found = {name: cookie[name] for name in ("value", "domain", "path", "sameSite", "expires", "secure")}
    assert found == {
        "value": "Europe/Berlin",
        "domain": "127.0.0.1",
        "path": "/",
        "sameSite": "Lax",
        "expires": -1,
        "secure": False,
    }


@IN_ENGLISH
def test_chromium_accepts_the_cookie_with_its_name_in_production(open_browser: OpenBrowser, language: str) -> None:
    """A name that begins with `__Host-` requires Secure and HTTPS; here the page is served under an HTTPS URL."""
    user = open_browser(language, timezone_id="Europe/Berlin")

    def serve(route: Route) -> None:
        found = route.fetch(url=user.url(urlsplit(route.request.url).path))
        page = found.text().replace(f'"{COOKIE}"', f'"__Host-{COOKIE}"')
        route.fulfill(response=found, body=page)

    user.context.route("https://cms.example.com/**", serve)
    user.open("https://cms.example.com/cms/login/")
    (cookie,) = eventually(lambda: cookies_of(user, f"__Host-{COOKIE}"), "the cookie is stored")
    found = [cookie[name] for name in ("value", "domain", "path", "sameSite", "secure")]
    assert found == ["Europe/Berlin", "cms.example.com", "/", "Lax", True]


@IN_ENGLISH
def test_the_cookie_is_written_only_if_the_time_zone_has_changed(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language, timezone_id="Europe/Berlin")
    written = """() => {
        const property = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
        window.written = [];
        Object.defineProperty(document, 'cookie', {
            'get': () => property.get.call(document),
            'set': (text) => { window.written.push(text); property.set.call(document, text); }
        });
    }"""
    user.context.add_init_script(f"({written})()")
    for count in (1, 0):
        page = user.open("/cms/login/")
        expect(page.locator("[name=email]")).to_be_visible()
        assert len(page.evaluate("window.written")) == count
    user.context.add_cookies([{"name": COOKIE, "value": "Asia/Tokyo", "url": user.url("/")}])
    user.open("/cms/login/")
    eventually(lambda: [cookie["value"] for cookie in cookies_of(user)] == ["Europe/Berlin"], "the cookie is updated")


@IN_ENGLISH
def test_without_scripts_no_cookie_is_set_and_mails_state_utc(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user = open_browser(language, scripts=False, timezone_id="Asia/Shanghai").sign_in()
    page, new = user.open_settings(), site.new_address("new")
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(new)
    assert cookies_of(user) == []
    lines = [
        line
        for line in text_of(eventually(lambda: site.smtp.mails_to(new), "the mail arrives")[-1]).splitlines()
        if line.startswith("When: ")
    ]
    assert [line.endswith(" UTC") for line in lines] == [True]
    assert datetime.strptime(lines[0], "When: %Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
