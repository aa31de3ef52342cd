"""The change of an address and of a password without scripts."""

from playwright.sync_api import expect

from tests.actors import PASSWORD, different_code
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, IN_ENGLISH, WRONG_CODE, BrowserUser
from tests.live.sites import Site


def request_and_read_code(user: BrowserUser, email: str) -> str:
    """Request a code with the form, and return the code in the mail."""
    page = user.open_settings()
    page.locator("#email").fill(email)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(email)
    return user.site.code_to(email)


@BOTH
def test_an_administrator_changes_their_address_without_scripts(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language, scripts=False).sign_in(), site.new_address("new")
    code, page = request_and_read_code(user, new), user.page
    expect(page.get_by_role("status").first).to_have_text(
        user.translate("We are sending a code to %(email)s.", email=new)
    )
    expect(page.locator("#email")).to_have_value(new)
    page.locator("#captcha").fill(different_code(code))
    page.locator("#submit").click()
    expect(user.error_at("captcha")).to_contain_text(WRONG_CODE[language])
    user.take_screenshot("without-scripts-wrong-code")
    page.locator("#captcha").fill(f"{code[:3]} {code[3:]}")
    page.locator("#captcha").press("Enter")
    expect(user.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)
    expect(page.locator("#email")).to_have_value("")


def test_enter_in_the_address_requests_a_code_and_then_submits_it(open_browser: OpenBrowser, site: Site) -> None:
    user, new = open_browser("en", scripts=False).with_session(), site.new_address("new")
    page = user.open_settings()
    page.locator("#email").fill(new)
    page.locator("#email").press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)
    page.locator("#captcha").fill(site.code_to(new))
    page.locator("#email").press("Enter")
    expect(user.success()).to_contain_text(new)


@IN_ENGLISH
def test_the_page_that_asks_for_the_password_repeats_the_request_without_scripts(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language, scripts=False).with_session(), site.new_address("new")
    code, page = request_and_read_code(user, new), user.page
    user.expire_reauth()
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(user.translate("Confirm your identity"))
    user.take_screenshot("reauth")
    page.locator("[name=password]").fill("not this one")
    page.locator("[name=password]").press("Enter")
    expect(user.error_at("password")).to_have_text(user.translate("The password is incorrect."))
    page.locator("[name=password]").fill(PASSWORD)
    user.button("Continue").click()
    expect(user.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


def test_a_pending_change_is_cancelled_without_scripts(open_browser: OpenBrowser, site: Site) -> None:
    user = open_browser("zh", scripts=False).with_session()
    request_and_read_code(user, site.new_address("new"))
    user.button("Cancel the change").click()
    expect(user.page.locator("#pending")).to_have_count(0)
    expect(user.page.get_by_role("status").first).to_have_text(user.translate("The change has been cancelled."))


def test_a_password_is_changed_without_scripts(open_browser: OpenBrowser) -> None:
    user = open_browser("en", scripts=False).with_session()
    page = user.open("/cms/resetpwd/")
    for field, value in (("oldpwd", PASSWORD), ("password", "a river and a hill"), ("repetition", "a river, a hill")):
        page.locator(f"[name={field}]").fill(value)
    page.locator("#submit").click()
    expect(user.error_at("repetition")).to_have_text("The passwords do not match.")
    for field, value in (
        ("oldpwd", PASSWORD),
        ("password", "a river and a hill"),
        ("repetition", "a river and a hill"),
    ):
        page.locator(f"[name={field}]").fill(value)
    page.locator("#submit").click()
    expect(page.get_by_role("status").first).to_have_text(
        "Your password has been changed. All other sessions have ended."
    )
