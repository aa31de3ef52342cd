"""The time zone of a real browser reaches the mails."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Route, expect

from tests.actors import html_of, text_of
from tests.browser.conftest import SitDown
from tests.browser.pages import BOTH, IN_ENGLISH, Reader
from tests.live.sites import Site
from tests.servers import eventually

COOKIE = "session_time_zone"


def cookies_of(reader: Reader, name: str = COOKIE) -> list[dict[str, object]]:
    """Return the cookies of this name that the reader's browser keeps."""
    return [dict(each) for each in reader.context.cookies() if each["name"] == name]


@BOTH
@pytest.mark.parametrize(
    ("zone", "offset"), [("Asia/Shanghai", "+8"), ("America/Phoenix", "-7"), ("Asia/Calcutta", "+5:30")]
)
def test_a_mail_tells_the_time_that_the_clock_beside_its_reader_shows(
    sit_down: SitDown, site: Site, language: str, zone: str, offset: str
) -> None:
    reader = sit_down(language, timezone_id=zone).sign_in()
    new, page = site.fresh("new"), reader.settings()
    reader.asks(new)
    shown = page.locator("#pending time[data-fill=asked_at]")
    asked = datetime.fromisoformat(str(shown.get_attribute("datetime")))
    expect(shown).to_contain_text(f"{asked.astimezone(ZoneInfo(zone)):%H:%M}")
    for email in (reader.email, new):
        mail = eventually(lambda to=email: site.smtp.to(to), f"a mail comes to {email}")[-1]
        for part in (text_of(mail), html_of(mail)):
            (told,) = re.findall(rf"(?:时间：|When: )(.+) \(UTC{re.escape(offset)}, {zone}\)", part)
            moment = datetime.strptime(told, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
            assert abs(moment - asked) < timedelta(minutes=2)


@IN_ENGLISH
def test_the_cookie_is_set_by_the_page_for_this_site_only_and_until_the_browser_ends(
    sit_down: SitDown, language: str
) -> None:
    reader = sit_down(language, timezone_id="Europe/Berlin")
    reader.open("/cms/login/")
    (cookie,) = eventually(lambda: cookies_of(reader), "the cookie is kept")
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
def test_chromium_takes_the_cookie_under_the_name_that_it_has_in_production(sit_down: SitDown, language: str) -> None:
    """Its name begins with __Host-: it must be Secure, and come from a page on HTTPS; here that is a stand-in."""
    reader = sit_down(language, timezone_id="Europe/Berlin")

    def serve(route: Route) -> None:
        found = route.fetch(url=reader.at(urlsplit(route.request.url).path))
        page = found.text().replace(f'"{COOKIE}"', f'"__Host-{COOKIE}"')
        route.fulfill(response=found, body=page)

    reader.context.route("https://cms.example.com/**", serve)
    reader.open("https://cms.example.com/cms/login/")
    (cookie,) = eventually(lambda: cookies_of(reader, f"__Host-{COOKIE}"), "the cookie is kept")
    found = [cookie[name] for name in ("value", "domain", "path", "sameSite", "secure")]
    assert found == ["Europe/Berlin", "cms.example.com", "/", "Lax", True]


@IN_ENGLISH
def test_the_cookie_is_written_when_the_time_zone_is_another_one_and_only_then(
    sit_down: SitDown, language: str
) -> None:
    reader = sit_down(language, timezone_id="Europe/Berlin")
    written = """() => {
        const its = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
        window.written = [];
        Object.defineProperty(document, 'cookie', {
            'get': () => its.get.call(document),
            'set': (text) => { window.written.push(text); its.set.call(document, text); }
        });
    }"""
    reader.context.add_init_script(f"({written})()")
    for count in (1, 0):
        page = reader.open("/cms/login/")
        expect(page.locator("[name=email]")).to_be_visible()
        assert len(page.evaluate("window.written")) == count
    reader.context.add_cookies([{"name": COOKIE, "value": "Asia/Tokyo", "url": reader.at("/")}])
    reader.open("/cms/login/")
    eventually(lambda: [cookie["value"] for cookie in cookies_of(reader)] == ["Europe/Berlin"], "it is changed")


@IN_ENGLISH
def test_without_scripts_no_cookie_is_set_and_mails_tell_utc(sit_down: SitDown, site: Site, language: str) -> None:
    reader = sit_down(language, scripts=False, timezone_id="Asia/Shanghai").sign_in()
    page, new = reader.settings(), site.fresh("new")
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(new)
    assert cookies_of(reader) == []
    told = [
        line
        for line in text_of(eventually(lambda: site.smtp.to(new), "the mail comes")[-1]).splitlines()
        if line.startswith("When: ")
    ]
    assert [line.endswith(" UTC") for line in told] == [True]
    assert datetime.strptime(told[0], "When: %Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
