"""The pages of two-step verification: set-up of an app, recovery codes, and the second step of a sign-in."""

import re

import pyotp
import pytest
from playwright.sync_api import Page, expect

from models import AuthenticatorApp
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, DESK, PHONE, BrowserUser
from tests.browser.test_pages import WIDTHS, assert_no_faults
from tests.live.sites import Site


def set_up_app(user: BrowserUser) -> pyotp.TOTP:
    """Open the page that sets up an authenticator app, and return the app."""
    user.open("/cms/security/")
    user.button("Set up an authenticator app").click()
    key = user.page.locator(".secret")
    return pyotp.TOTP((key.text_content() or "").replace(" ", ""))


def enter_code(user: BrowserUser, code: str) -> None:
    """Enter a code, and submit the form."""
    user.page.locator("[name=code]").fill(code)
    user.page.locator("[name=code]").press("Enter")


def read_codes(page: Page) -> list[str]:
    """Return the recovery codes on the page."""
    expect(page.locator("#recovery-codes code")).to_have_count(10)
    return page.locator("#recovery-codes code").all_text_contents()


def enter_password(user: BrowserUser) -> None:
    """Enter the address and the password on the sign-in page."""
    user.open("/cms/login/")
    user.page.locator("[name=email]").fill(user.email)
    user.page.locator("[name=password]").fill("correct horse battery")
    user.page.locator("[name=password]").press("Enter")
    expect(user.page).to_have_url(re.compile("/cms/login/second/"))


@BOTH
@WIDTHS
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_an_app_have_no_faults(
    open_browser: OpenBrowser, language: str, size: tuple[int, int], scheme: str
) -> None:
    user = open_browser(language, size=size, color_scheme=scheme).with_session()
    page = user.open("/cms/security/")
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    assert_no_faults(user, page)
    user.take_screenshot(f"two-step-off-{scheme}")
    app = set_up_app(user)
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    for part in (".qr-code svg", ".secret"):
        assert page.locator(part).is_visible()
    assert_no_faults_but_texts(user, page, ".secret")
    user.take_screenshot(f"two-step-app-{scheme}")
    enter_code(user, "12345")
    assert user.error_at("code").text_content()
    expect(page.locator("[name=code]")).to_be_focused()
    user.take_screenshot(f"two-step-app-refused-{scheme}")
    enter_code(user, app.now())
    codes = read_codes(page)
    assert_no_faults_but_texts(user, page, "#recovery-codes code")
    user.take_screenshot(f"two-step-codes-{scheme}")
    page.get_by_role("link", name=user.translate("I have saved the codes")).click()
    expect(page.locator("#recovery-left")).to_be_visible()
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    assert_no_faults(user, page)
    user.take_screenshot(f"two-step-on-{scheme}")
    user.context.clear_cookies()
    enter_password(user)
    expect(page.locator("[name=code]")).to_be_focused()
    assert_no_faults(user, page)
    user.take_screenshot(f"two-step-second-{scheme}")
    page.locator("summary").click()
    page.locator("[name=recovery_code]").fill("0")
    page.locator("[name=recovery_code]").press("Enter")
    assert user.error_at("recovery_code").text_content()
    user.take_screenshot(f"two-step-second-refused-{scheme}")
    page.locator("[name=recovery_code]").fill(codes[0])
    page.locator("[name=recovery_code]").press("Enter")
    expect(page.locator(".sign-out")).to_be_visible()


@BOTH
@WIDTHS
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_that_replace_an_app_have_no_faults_and_put_the_focus_on_the_code(
    open_browser: OpenBrowser, language: str, size: tuple[int, int], scheme: str
) -> None:
    user = open_browser(language, size=size, color_scheme=scheme).with_session()
    page = user.page
    enter_code(user, set_up_app(user).now())
    read_codes(page)
    user.open("/cms/security/")
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    user.take_screenshot(f"two-step-replace-button-{scheme}")
    new = replace_app(user)
    assert page.evaluate("window.scrollY") == 0  # The steps are read before a code is entered.
    assert_no_faults_but_texts(user, page, ".secret")
    user.take_screenshot(f"two-step-replace-{scheme}")
    enter_code(user, "000000")
    expect(page.locator("[name=code]")).to_be_focused()
    enter_code(user, new.now())
    expect(page.locator("#app-heading")).to_be_visible()
    assert_no_faults(user, page)
    user.take_screenshot(f"two-step-replaced-{scheme}")


def test_without_scripts_an_app_is_replaced_and_the_focus_is_on_the_code(open_browser: OpenBrowser) -> None:
    user = open_browser("en", scripts=False).with_session()
    enter_code(user, set_up_app(user).now())
    read_codes(user.page)
    user.open("/cms/security/")
    new = replace_app(user)
    for code in ("12345", "000000"):
        enter_code(user, code)
        expect(user.page.locator("[name=code]")).to_be_focused()
    enter_code(user, new.now())
    expect(user.page.locator("main")).to_contain_text("The authenticator app has been replaced.")


def replace_app(user: BrowserUser) -> pyotp.TOTP:
    """Begin to replace the authenticator app on the page of security, and return the new one."""
    user.button("Replace the authenticator app").click()
    return pyotp.TOTP((user.page.locator(".secret").text_content() or "").replace(" ", ""))


def assert_no_faults_but_texts(user: BrowserUser, page: Page, selector: str) -> None:
    """Check a page except for the texts of some elements, which are in no language."""
    texts = page.locator(selector).all_text_contents()
    page.locator(selector).evaluate_all("all => all.forEach((each) => { each.textContent = '0'; })")
    assert_no_faults(user, page)
    page.locator(selector).evaluate_all(
        "(all, texts) => all.forEach((each, place) => { each.textContent = texts[place]; })", texts
    )


@BOTH
def test_the_recovery_codes_are_copied_downloaded_and_printed(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(
        language, permissions=["clipboard-read", "clipboard-write"], accept_downloads=True, color_scheme="dark"
    )
    user.with_session()
    app = set_up_app(user)
    enter_code(user, app.now())
    page, codes = user.page, read_codes(user.page)
    page.bring_to_front()
    user.wait_for_scripts()
    user.button("Copy").click()
    expect(user.notice()).to_contain_text(user.translate("Copied"))
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[2:] == codes
    assert user.email in copied[0]
    with page.expect_download() as downloading:
        page.get_by_role("link", name=user.translate("Download")).click()
    assert downloading.value.suggested_filename == "recovery-codes.txt"
    assert downloading.value.path().read_text().splitlines() == copied
    page.evaluate("window.print = () => { document.title = 'printed'; }")
    user.button("Print").click()
    assert page.title() == "printed"
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".site-header").is_visible()
    assert not page.locator("[data-print]").is_visible()
    assert page.locator("#recovery-codes").is_visible()
    account = page.locator("main p", has_text=user.email)
    assert account.evaluate("(element) => getComputedStyle(element).color") == "rgb(0, 0, 0)"
    user.take_screenshot("two-step-codes-print")


@BOTH
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_without_scripts_an_app_is_set_up_and_used(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user = open_browser(language, size=size, scripts=False).with_session()
    app = set_up_app(user)
    enter_code(user, app.now())
    codes = read_codes(user.page)
    assert not user.page.locator(".recovery-actions").is_visible()
    user.context.clear_cookies()
    enter_password(user)
    user.take_screenshot("two-step-second-without-scripts")
    site.execute(AuthenticatorApp.__table__.update().values(last_step=0))  # As if this step was over.
    enter_code(user, app.now())
    expect(user.page.locator(".sign-out")).to_be_visible()
    user.context.clear_cookies()
    enter_password(user)
    user.page.locator("summary").click()
    user.page.locator("[name=recovery_code]").fill(codes[0])
    user.page.locator("[name=recovery_code]").press("Enter")
    expect(user.page.locator(".sign-out")).to_be_visible()


def test_the_back_button_after_the_sign_in_leads_to_no_second_step(open_browser: OpenBrowser) -> None:
    user = open_browser("en").with_session()
    app = set_up_app(user)
    enter_code(user, app.now())
    codes = read_codes(user.page)
    user.context.clear_cookies()
    enter_password(user)
    user.page.reload()
    expect(user.page.locator("[name=code]")).to_be_focused()
    user.page.locator("summary").click()
    user.page.locator("[name=recovery_code]").fill(codes[0])
    user.page.locator("[name=recovery_code]").press("Enter")
    expect(user.page.locator(".sign-out")).to_be_visible()
    user.page.go_back()
    expect(user.page.locator(".sign-out")).to_be_visible()
