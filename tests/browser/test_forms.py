"""Forms: focus, error summaries, passwords and notices, also for users of screen readers."""

import pytest
from playwright.sync_api import Page, expect

from tests.actors import PASSWORD
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, DESK, NO_NETWORK, PHONE
from tests.live.sites import Site

# Whether two elements overlap, and whether an element is completely inside the window.
OVERLAP = """([one, other]) => {
    const [a, b] = [one, other].map((selector) => document.querySelector(selector).getBoundingClientRect());
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}"""
IS_IN_WINDOW = """(selector) => {
    const box = document.querySelector(selector).getBoundingClientRect();
    return box.left >= 0 && box.top >= 0 && box.right <= document.documentElement.clientWidth &&
        box.bottom <= window.innerHeight;
}"""
CLOSE = "#notices .btn-close"


def overlap(page: Page, one: str, other: str) -> bool:
    """Return whether two elements overlap."""
    return bool(page.evaluate(OVERLAP, [one, other]))


@BOTH
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_incorrect_password_at_sign_in_empties_and_focuses_the_field(
    open_browser: OpenBrowser, site: Site, language: str, *, scripts: bool
) -> None:
    user, email = open_browser(language, scripts=scripts), site.administrator()
    page = user.open("/cms/login/")
    page.locator("#email").fill(email)
    page.locator("#password").fill("not this one")
    page.locator("#password").press("Enter")
    expect(page.get_by_role("alert")).to_have_text(user.translate("The email address or password is incorrect."))
    field = page.locator("#password")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    expect(field).to_have_accessible_description(user.translate("The email address or password is incorrect."))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".sign-out")).to_be_visible()


@BOTH
def test_an_incorrect_password_in_the_dialog_focuses_the_field_and_is_announced(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language, size=PHONE).with_session(), site.new_address("new")
    page = user.open_settings()
    user.expire_reauth()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    field = page.locator("#reauth-password")
    expect(field).to_be_focused()
    page.keyboard.type("not this one")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text(user.translate("The password is incorrect."))
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    expect(user.notice()).to_have_count(0)  # Screen readers ignore everything outside a modal dialog.
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)


@BOTH
def test_a_password_is_shown_while_its_button_is_pressed_and_submitted_as_a_password(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, email = open_browser(language), site.administrator()
    page = user.open("/cms/login/")
    field = page.locator("#password")
    show = page.get_by_role("button", name=f"{user.translate('Show')} {user.translate('Password')}")
    expect(show).to_have_attribute("aria-pressed", "false")
    page.locator("#email").fill(email)
    field.fill("not this one")
    page.keyboard.press("Tab")
    expect(show).to_be_focused()
    page.keyboard.press("Space")
    expect(show).to_have_attribute("aria-pressed", "true")
    expect(field).to_have_attribute("type", "text")
    expect(field).to_have_value("not this one")
    page.keyboard.press("Space")
    expect(field).to_have_attribute("type", "password")
    show.click()
    sent = (
        "() => { window.kind = ''; document.querySelector('main form').addEventListener('submit', (event) => {"
        " event.preventDefault(); window.kind = event.target.elements['password'].type; }); }"
    )
    page.evaluate(sent)
    field.press("Enter")
    page.wait_for_function("() => window.kind !== ''")
    assert page.evaluate("window.kind") == "password"
    expect(show).to_have_attribute("aria-pressed", "false")


def test_every_password_field_has_its_own_button(open_browser: OpenBrowser) -> None:
    user = open_browser("en", size=PHONE).with_session()
    page = user.open("/cms/resetpwd/")
    buttons = page.locator("[data-show-password]")
    expect(buttons).to_have_count(3)
    page.locator("#password").fill("a river")
    page.get_by_role("button", name="Show New password", exact=True).click()
    kinds = [page.locator(f"#{name}").get_attribute("type") for name in ("oldpwd", "password", "repetition")]
    assert kinds == ["password", "text", "password"]
    user.take_screenshot("resetpwd-shown")
    page.locator("#submit").click()
    expect(page.locator("#oldpwd")).to_be_focused()
    expect(page.locator("#password")).to_have_attribute("type", "password")
    expect(page).to_have_title("Error: Change password · Account centre")
    page.locator("#oldpwd").fill(PASSWORD)
    for name in ("password", "repetition"):
        page.locator(f"#{name}").fill("a river and a hill")
    page.locator("#submit").click()
    expect(user.notice()).to_contain_text("Your password has been changed.")
    expect(page).to_have_title("Change password · Account centre")


def test_without_scripts_the_button_to_show_a_password_is_hidden(open_browser: OpenBrowser) -> None:
    page = open_browser("en", scripts=False).open("/cms/login/")
    expect(page.locator("#password")).to_be_visible()
    expect(page.locator("[data-show-password]")).to_be_hidden()


@BOTH
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_error_summary_of_a_form_gets_the_focus_and_links_to_the_fields(
    open_browser: OpenBrowser, language: str, *, scripts: bool
) -> None:
    user = open_browser(language, size=PHONE, scripts=scripts).with_session()
    page = user.open("/cms/profile/")
    page.locator("#username").fill("")
    page.locator("#mobile").fill("12")
    page.locator("#username").press("Enter")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    assert page.title().startswith({"zh": "错误：", "en": "Error: "}[language])
    user.take_screenshot("profile-summary")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(summary.get_by_role("link").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#mobile")).to_be_focused()
    page.keyboard.type("3")
    expect(page.locator("#mobile")).to_have_value("312")


def test_after_a_registration_only_the_password_must_be_entered(open_browser: OpenBrowser, site: Site) -> None:
    superuser, email = site.person(site.administrator(superuser=True)), site.new_address("guest")
    assert superuser.post("/cms/users/invite/", {"email": email, "role": "editor"}).status == 200
    user = open_browser("en")
    page = user.open(site.link_to(email, "register"))
    values = {"username": email.partition("@")[0], "password": PASSWORD, "repetition": PASSWORD}
    for name, text in {**values, "mobile": "13812345678", "staff_number": "7"}.items():
        page.locator(f"#{name}").fill(text)
    page.get_by_label("Male", exact=True).check()
    page.locator("#city").select_option("hangzhou")
    page.get_by_label("Music").check()
    user.button("Register").click()
    expect(page.locator("#email")).to_have_value(email)
    assert "@" not in page.url
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".sign-out")).to_be_visible()


@BOTH
def test_a_session_that_ended_elsewhere_is_reported_after_a_request_of_a_script(
    open_browser: OpenBrowser, language: str
) -> None:
    user = open_browser(language).with_session()
    page = user.open_settings()
    user.end_sessions()
    page.locator("#email").fill("new@example.com")
    page.locator("#captcha-btn").click()
    status = page.get_by_role("status").first
    expect(status).to_contain_text({"zh": "您的登录已失效。", "en": "Your session has ended."}[language])
    user.take_screenshot("login-ended")


@BOTH
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_notice_is_fully_visible_and_covers_neither_the_card_nor_the_focused_element(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user = open_browser(language, size=size).with_session()
    page = user.open_settings()
    user.request_code(site.new_address("new"))
    expect(user.notice()).to_be_visible()
    for selector in ("#notices .toast", CLOSE):
        assert page.evaluate(IS_IN_WINDOW, selector), selector
    assert not overlap(page, "#notices .toast", "#pending")
    assert not overlap(page, "#notices .toast", ":focus")
    user.take_screenshot("notice")
    page.locator("#captcha").fill("000000x")
    page.locator("#captcha").press("Enter")
    expect(page.locator("#notices .toast-info")).to_be_visible()
    assert page.evaluate(IS_IN_WINDOW, CLOSE)
    assert not overlap(page, "#notices .toast", "#pending")
    assert not overlap(page, "#notices .toast", ":focus")
    page.locator(CLOSE).click()
    expect(user.notice()).to_have_count(0)


@BOTH
def test_a_long_notice_fits_on_a_phone_and_can_be_closed(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language, size=PHONE).with_session()
    page = user.open("/cms/resetpwd/")
    user.context.set_offline(True)
    page.locator("#submit").click()
    expect(user.notice()).to_contain_text(NO_NETWORK[language])
    for selector in ("#notices .toast", CLOSE):
        assert page.evaluate(IS_IN_WINDOW, selector), selector
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    user.context.set_offline(False)
    page.locator(CLOSE).click()
    expect(user.notice()).to_have_count(0)


@BOTH
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_list_of_administrators_names_its_columns(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user = open_browser(language, size=size).with_session(superuser=True)
    other = site.person()
    assert other.ask(site.new_address("new")).status == 200
    page = user.open(f"/cms/users/?q={other.email.partition('@')[0]}")
    row = page.locator("tbody tr").filter(has=page.get_by_text(other.email, exact=True))
    expect(row.locator("time")).to_have_count(2)
    if size == DESK:
        headers = [page.get_by_role("columnheader", name=user.translate(each)) for each in ("State", "Last sign-in")]
        for header in headers:
            expect(header).to_be_visible()
    else:
        labels = row.locator("td").evaluate_all("all => all.map((each) => getComputedStyle(each, '::before').content)")
        assert labels == [f'"{user.translate(each)}"' for each in ("State", "Last sign-in", "Pending change")]
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    user.take_screenshot("users-columns")
