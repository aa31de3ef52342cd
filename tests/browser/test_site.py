"""The longest name, a logo with scripts, styles, links and fields of the operator, as browsers show them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, DESK, PHONE
from tests.browser.test_pages import FIND_FAULTS, WIDTHS
from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, serve_site
from tests.servers import PostgresServer

NAMES = {
    "long": "Donaudampfschifffahrtsverlag 出版社管理中心 & <i>Co</i>",
    "one word": "W" * 60,
}
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" onload="alert(1)">
<style>circle { fill: teal }</style><circle cx="20" cy="20" r="20"/><script>alert(2)</script></svg>"""
STYLES = """
.brand-name { color: rgb(0, 128, 128) }
form[action="/cms/forgotpwd/"] { background-image: url(https://elsewhere.example/x.png) }
"""
LINKS = f"文章=/articles/, Articles=/articles/?page=1, Home=https://example.com/, {'L' * 30}=/long/"
FIELDS = """
[mobile]
registration = "optional"
profile = "required"
[city]
registration = "required"
profile = "optional"
[city.choices]
xian = { zh = "西安", en = "Xi’an" }
"""


@pytest.fixture(scope="module", params=NAMES)
def branded_site(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Serve the embedded defaults with the look of an operator."""
    folder = tmp_path_factory.mktemp("branded")
    settings = {"SITE_NAME": NAMES[request.param], "SITE_LINKS": LINKS, "SUPPORT_URL": "mailto:help@example.com"}
    files = {"SITE_LOGO": ("a.svg", LOGO), "SITE_STYLES": ("a.css", STYLES), "PROFILE_FIELDS": ("a.toml", FIELDS)}
    for name, (file, content) in files.items():
        (folder / file).write_text(content)
        settings[name] = str(folder / file)
    site_folder = tmp_path_factory.mktemp("site")
    with serve_site(ENVIRONMENTS[0], site_folder, postgres, sqlite_template, **settings) as found:
        yield found


@BOTH
@WIDTHS
def test_pages_have_no_faults_with_the_longest_name_and_many_links(
    open_browser: OpenBrowser, branded_site: Site, language: str, size: tuple[int, int]
) -> None:
    for scheme in ("light", "dark"):
        user = open_browser(language, at=branded_site, size=size, color_scheme=scheme)
        for path in ("/cms/login/", "/cms/nothing/"):
            assert user.open(path).evaluate(FIND_FAULTS) == [], path
            user.take_screenshot(f"site-{scheme}" + path.rstrip("/").replace("/", "-"))
        user.with_session(superuser=True)
        for path in ("/cms/", "/cms/profile/"):
            assert user.open(path).evaluate(FIND_FAULTS) == [], path
            user.take_screenshot(f"site-{scheme}" + path.rstrip("/").replace("/", "-"))
        logo = user.page.locator(".brand-logo").bounding_box()
        assert logo is not None
        assert (logo["width"], logo["height"]) == (40, 40)


def test_styles_are_applied_but_load_nothing_from_elsewhere(open_browser: OpenBrowser, branded_site: Site) -> None:
    user = open_browser("en", at=branded_site, size=DESK)
    expect(user.open("/cms/login/").locator(".brand-name")).to_have_css("color", "rgb(0, 128, 128)")
    user.open("/cms/forgotpwd/")
    (refused,) = user.console_errors
    assert "elsewhere.example" in refused
    assert "Content Security Policy" in refused
    user.console_errors.clear()


def test_scripts_of_the_logo_do_not_run_when_it_is_opened_by_itself(chromium: Browser, branded_site: Site) -> None:
    page = chromium.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
    try:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(f"http://127.0.0.1:{branded_site.server.port}/cms/login/")
        url = page.locator(".brand-logo").get_attribute("src")
        page.goto(f"http://127.0.0.1:{branded_site.server.port}{url}")
        expect(page.locator("circle")).to_have_css("fill", "rgb(0, 128, 128)")
        assert dialogs == []
    finally:
        page.close()


@BOTH
def test_required_and_optional_fields_are_marked(open_browser: OpenBrowser, branded_site: Site, language: str) -> None:
    user = open_browser(language, at=branded_site, size=PHONE).with_session()
    page = user.open("/cms/profile/")
    expect(page.get_by_label(user.translate("City"))).to_have_accessible_name(
        user.translate("%(label)s (optional)", label=user.translate("City"))
    )
    expect(page.locator("[name=mobile]")).to_have_attribute("required", "")
    expect(page.locator("[name=gender]")).to_have_count(0)
    page.locator("[name=mobile]").fill("")
    user.button("Save").click()
    expect(user.error_at("mobile")).to_have_text(user.translate("This field is required."))
    page.locator("[name=mobile]").fill("13812345678")
    page.locator("[name=city]").select_option("xian")
    user.button("Save").click()
    expect(page.get_by_role("status")).to_have_text([user.translate("Your profile has been saved.")])
