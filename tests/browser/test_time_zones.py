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
    """Return the cookies of this name that the user's browser keeps."""
    return [dict(each) for each in user.context.cookies() if each["name"] == name]


@BOTH
@pytest.mark.parametrize(
    ("zone", "offset"), [("Asia/Shanghai", "+8"), ("America/Phoenix", "-7"), ("Asia/Calcutta", "+5:30")]
)
def test_a_mail_tells_the_time_that_the_clock_beside_its_reader_shows(
    open_browser: OpenBrowser, site: Site, language: str, zone: str, offset: str
) -> None:
    user = open_browser(language, timezone_id=zone).sign_in()
    new, page = site.new_address("new"), user.open_settings()
    user.request_code(new)
    shown = page.locator("#pending time[data-fill=asked_at]")
    asked = datetime.fromisoformat(str(shown.get_attribute("datetime")))
    expect(shown).to_contain_text(f"{asked.astimezone(ZoneInfo(zone)):%H:%M}")
    for email in (user.email, new):
        mail = eventually(lambda to=email: site.smtp.mails_to(to), f"a mail comes to {email}")[-1]
        for part in (text_of(mail), html_of(mail)):
            (told,) = re.findall(rf"(?:时间：|When: )(.+) \(UTC{re.escape(offset)}, {zone}\)", part)
            moment = datetime.strptime(told, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
            assert abs(moment - asked) < timedelta(minutes=2)


@IN_ENGLISH
def test_the_cookie_is_set_by_the_page_for_this_site_only_and_until_the_browser_ends(
    open_browser: OpenBrowser, language: str
) -> None:
    user = open_browser(language, timezone_id="Europe/Berlin")
    user.open("/cms/login/")
    (cookie,) = eventually(lambda: cookies_of(user), "the cookie is kept")
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
def test_chromium_takes_the_cookie_under_the_name_that_it_has_in_production(
    open_browser: OpenBrowser, language: str
) -> None:
    """Its name begins with __Host-: it must be Secure, and come from a page on HTTPS; here that is a stand-in."""
    user = open_browser(language, timezone_id="Europe/Berlin")

    def serve(route: Route) -> None:
        found = route.fetch(url=user.at(urlsplit(route.request.url).path))
        page = found.text().replace(f'"{COOKIE}"', f'"__Host-{COOKIE}"')
        route.fulfill(response=found, body=page)

    user.context.route("https://cms.example.com/**", serve)
    user.open("https://cms.example.com/cms/login/")
    (cookie,) = eventually(lambda: cookies_of(user, f"__Host-{COOKIE}"), "the cookie is kept")
    found = [cookie[name] for name in ("value", "domain", "path", "sameSite", "secure")]
    assert found == ["Europe/Berlin", "cms.example.com", "/", "Lax", True]


@IN_ENGLISH
def test_the_cookie_is_written_when_the_time_zone_is_another_one_and_only_then(
    open_browser: OpenBrowser, language: str
) -> None:
    user = open_browser(language, timezone_id="Europe/Berlin")
    written = """() => {
        const its = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
        window.written = [];
        Object.defineProperty(document, 'cookie', {
            'get': () => its.get.call(document),
            'set': (text) => { window.written.push(text); its.set.call(document, text); }
        });
    }"""
    user.context.add_init_script(f"({written})()")
    for count in (1, 0):
        page = user.open("/cms/login/")
        expect(page.locator("[name=email]")).to_be_visible()
        assert len(page.evaluate("window.written")) == count
    user.context.add_cookies([{"name": COOKIE, "value": "Asia/Tokyo", "url": user.at("/")}])
    user.open("/cms/login/")
    eventually(lambda: [cookie["value"] for cookie in cookies_of(user)] == ["Europe/Berlin"], "it is changed")


@IN_ENGLISH
def test_without_scripts_no_cookie_is_set_and_mails_tell_utc(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user = open_browser(language, scripts=False, timezone_id="Asia/Shanghai").sign_in()
    page, new = user.open_settings(), site.new_address("new")
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(new)
    assert cookies_of(user) == []
    told = [
        line
        for line in text_of(eventually(lambda: site.smtp.mails_to(new), "the mail comes")[-1]).splitlines()
        if line.startswith("When: ")
    ]
    assert [line.endswith(" UTC") for line in told] == [True]
    assert datetime.strptime(told[0], "When: %Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
