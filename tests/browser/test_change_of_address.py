"""The change of an address: enter it, read the code in the mail, confirm."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.actors import different_code
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import (
    BOTH,
    DESK,
    IN_CHINESE,
    IN_ENGLISH,
    MALFORMED,
    NO_NETWORK,
    PHONE,
    SAME,
    WRONG_CODE,
)
from tests.live.sites import Site
from tests.servers import eventually

SUBJECT = {"zh": "是您修改邮箱的验证码", "en": "is the code for your new email address"}


def add_dash(code: str) -> str:
    """Return a code with a dash in the middle, as some mail programs show it."""
    return f"{code[:3]}-{code[3:]}"


@pytest.mark.parametrize(("language", "size"), [("zh", DESK), ("en", DESK), ("zh", PHONE)])
def test_an_administrator_changes_their_address(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user, new = open_browser(language, size=size).sign_in(), site.new_address("new")
    page = user.page
    page.get_by_role("link", name=user.translate("Change email address")).click()
    expect(page.locator("#current-email")).to_have_text(user.email)
    user.take_screenshot("resetemail")
    code = user.request_and_read_code(new)
    assert str(site.mails_to(new)[-1]["Subject"]) == f"{code} {SUBJECT[language]}"
    expect(page.locator("#captcha")).to_be_focused()
    user.take_screenshot("resetemail-pending")
    page.keyboard.insert_text(add_dash(code))  # Like a paste.
    page.locator("#submit").click()
    expect(user.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)
    expect(page.locator("#email")).to_have_value("")
    expect(page.locator("#captcha")).to_have_value("")
    expect(page.locator("#pending")).to_have_count(0)
    user.take_screenshot("resetemail-done")
    page.reload()
    expect(page.locator("#current-email")).to_have_text(new)


@BOTH
def test_an_address_is_changed_with_the_embedded_defaults_and_the_mailbox_page(
    open_browser: OpenBrowser, demo_site: Site, language: str
) -> None:
    user = open_browser(language, at=demo_site, permissions=["clipboard-read", "clipboard-write"]).with_session()
    new = demo_site.new_address("new")
    page, mailbox = user.open_settings(), user.open_tab()
    mailbox.goto("/dev/mailbox/")
    user.request_code(new)
    mail = mailbox.locator("article", has_text=new)
    mail.get_by_role("button", name=user.translate("Copy the code")).click()  # The list has refreshed itself.
    expect(mail.get_by_role("button", name=user.translate("Copied"))).to_be_visible()
    user.take_screenshot("mailbox", mailbox)
    page.bring_to_front()
    page.locator("#captcha").press("Control+v")
    page.locator("#captcha").press("Enter")
    expect(user.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


@BOTH
def test_an_incorrect_code_is_reported_at_its_field_and_all_values_are_kept(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    code = user.request_and_read_code(new)
    page.locator("#captcha").fill(different_code(code))
    page.locator("#submit").click()
    expect(user.error_at("captcha")).to_contain_text(WRONG_CODE[language])
    expect(user.notice()).to_contain_text(WRONG_CODE[language])
    expect(page.locator("#captcha")).to_be_focused()
    expect(page.locator("#email")).to_have_value(new)
    expect(page.locator("#pending [data-fill=tries_left]")).to_have_text("4")
    user.take_screenshot("resetemail-wrong-code")
    page.keyboard.insert_text(code)  # The wrong one is selected, so that typing replaces it.
    page.keyboard.press("Enter")
    expect(page.locator("#current-email")).to_have_text(new)
    expect(page.locator("#captcha")).not_to_have_attribute("aria-invalid", "true")


@IN_CHINESE
def test_an_invalid_or_unchanged_address_is_reported_at_its_field(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language).with_session()
    page = user.open_settings()
    for typed, sentence in (("ann", MALFORMED), (user.email.upper(), SAME)):
        page.locator("#email").fill(typed)
        page.locator("#captcha-btn").click()
        expect(user.error_at("email")).to_have_text(sentence[language])
        expect(page.locator("#email")).to_have_value(typed)
    expect(page.locator("#pending")).to_have_count(0)


def test_a_probable_typo_is_queried_and_corrected_with_one_click(open_browser: OpenBrowser, site: Site) -> None:
    user, name = open_browser("zh").with_session(), site.new_address("typo").partition("@")[0]
    page = user.open_settings()
    page.locator("#email").fill(f"{name}@gmial.com")
    page.locator("#captcha-btn").click()
    expect(user.error_at("email")).to_contain_text(f"{name}@gmail.com")
    user.take_screenshot("resetemail-typo")
    page.get_by_role("button", name=f"改用 {name}@gmail.com").click()
    expect(page.locator("#pending strong.address")).to_have_text(f"{name}@gmail.com")
    expect(page.locator("#typo")).to_be_hidden()


def test_a_code_for_another_address_is_reported_before_it_is_submitted(open_browser: OpenBrowser, site: Site) -> None:
    user, new = open_browser("en").with_session(), site.new_address("new")
    page = user.open_settings()
    user.request_code(new)
    page.locator("#email").fill(site.new_address("other"))
    expect(page.locator("#other-address")).to_have_text(f"The code was sent to {new}. Get a new one for this address.")
    page.locator("#email").fill(new.upper())
    expect(page.locator("#other-address")).to_be_empty()


@IN_ENGLISH
def test_an_address_can_be_changed_with_the_keyboard_only(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, new, email = open_browser(language), site.new_address("new"), site.administrator()
    page, keys = user.open("/cms/resetemail/"), user.page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name=user.translate("Skip to main content"))).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.type(email)
    keys.press("Tab")
    keys.type("correct horse battery")
    keys.press("Enter")
    expect(page.locator("#current-email")).to_have_text(email)
    user.wait_for_scripts()
    page.locator("#main").focus()
    keys.press("Tab")
    expect(page.locator("#email")).to_be_focused()
    keys.type(new)
    keys.press("Enter")  # Without a code, Enter in the address requests one.
    expect(page.locator("#captcha")).to_be_focused()
    keys.type(site.code_to(new))
    keys.press("Enter")
    expect(user.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


def seconds_left(button: Locator) -> int:
    """Return the seconds of the countdown on a button; 0 if there is none."""
    found = re.match(r"(\d):(\d\d)", button.inner_text())
    return 60 * int(found[1]) + int(found[2]) if found else 0


def test_the_button_counts_down_and_then_requests_a_new_code(open_browser: OpenBrowser, site: Site) -> None:
    user, new = open_browser("zh"), site.new_address("new")
    user.page.clock.install()
    page = user.with_session().open_settings()
    first = user.request_and_read_code(new)
    button = page.locator("#captcha-btn")
    expect(button).to_be_disabled()
    expect(button).to_have_text(re.compile(r"^(1:00|0:\d\d) 后重新获取$"))
    expect(page.locator("#pending [data-mail=sent]")).to_be_visible()  # The page has stopped polling.
    before = seconds_left(button)
    page.clock.fast_forward(30_000)
    eventually(lambda: seconds_left(button) <= max(0, before - 30), "the countdown is 30 seconds shorter")
    user.skip_resend_wait()
    page.clock.fast_forward(40_000)
    expect(button).to_be_enabled()
    expect(button).to_have_text("重新获取验证码")
    button.click()
    expect(button).to_be_disabled()
    second = site.codes_to(new, 2)[-1]
    assert second != first
    page.locator("#captcha").fill(second)
    page.locator("#submit").click()
    expect(user.success()).to_contain_text(new)


@IN_ENGLISH
def test_a_pending_change_is_cancelled_with_one_click(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    user.request_code(new)
    page.reload()
    expect(page.locator("#pending strong.address")).to_have_text(new)
    user.button("Cancel the change").click()
    expect(page.locator("#pending")).to_have_count(0)
    expect(user.notice()).to_contain_text(user.translate("The change has been cancelled."))
    page.reload()
    expect(page.locator("#pending")).to_have_count(0)


@IN_CHINESE
def test_a_dialog_asks_for_the_password_and_all_values_are_kept(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    user.expire_reauth()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    dialog = page.get_by_role("dialog", name=user.translate("Confirm your identity"))
    expect(dialog.locator("[name=password]")).to_be_focused()
    user.take_screenshot("reauth-dialog")
    page.keyboard.type("not this one")
    page.keyboard.press("Enter")
    expect(dialog.locator("[data-errors-of=password]")).to_have_text(user.translate("The password is incorrect."))
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)
    expect(dialog).to_be_hidden()
    expect(page.locator("#email")).to_have_value(new)
    user.expire_reauth()
    page.locator("#captcha").fill(site.code_to(new))
    page.locator("#submit").click()
    dialog.locator("[name=password]").fill("correct horse battery")
    dialog.get_by_role("button", name=user.translate("Continue")).click()
    expect(user.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


@IN_CHINESE
def test_a_network_failure_is_reported_and_the_form_works_again_afterwards(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    page.locator("#email").fill(new)
    user.context.set_offline(True)
    page.locator("#captcha-btn").click()
    expect(user.notice()).to_contain_text(NO_NETWORK[language])
    expect(page.locator("#email")).to_have_value(new)
    user.take_screenshot("resetemail-offline")
    user.context.set_offline(False)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(new)


def test_the_settings_page_leads_to_sign_in_and_back_after_the_session_has_ended(
    open_browser: OpenBrowser, site: Site
) -> None:
    user, new = open_browser("en").with_session(), site.new_address("new")
    page = user.open_settings()
    user.end_sessions()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    page.locator("[name=password]").fill("correct horse battery")
    page.locator("[name=email]").fill(user.email)
    page.keyboard.press("Enter")
    expect(page.locator("#current-email")).to_have_text(user.email)
