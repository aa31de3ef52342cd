"""The main job as a person does it: a new address, the code out of the mail, done."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.actors import other_than
from tests.browser.conftest import SitDown
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


def with_dashes(code: str) -> str:
    """Write a code as some mail programs show it."""
    return f"{code[:3]}-{code[3:]}"


@pytest.mark.parametrize(("language", "size"), [("zh", DESK), ("en", DESK), ("zh", PHONE)])
def test_an_administrator_changes_their_address(
    sit_down: SitDown, site: Site, language: str, size: tuple[int, int]
) -> None:
    reader, new = sit_down(language, size=size).sign_in(), site.fresh("new")
    page = reader.page
    page.get_by_role("link", name=reader.says("Change email address")).click()
    expect(page.locator("#current-email")).to_have_text(reader.email)
    reader.snap("resetemail")
    code = reader.has_asked(new)
    assert str(site.letters(new)[-1]["Subject"]) == f"{code} {SUBJECT[language]}"
    expect(page.locator("#captcha")).to_be_focused()
    reader.snap("resetemail-pending")
    page.keyboard.insert_text(with_dashes(code))  # As if it was pasted.
    page.locator("#submit").click()
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)
    expect(page.locator("#email")).to_have_value("")
    expect(page.locator("#captcha")).to_have_value("")
    expect(page.locator("#pending")).to_have_count(0)
    reader.snap("resetemail-done")
    page.reload()
    expect(page.locator("#current-email")).to_have_text(new)


@BOTH
def test_the_demonstration_needs_nothing_but_the_browser(sit_down: SitDown, demo_site: Site, language: str) -> None:
    reader = sit_down(language, at=demo_site, permissions=["clipboard-read", "clipboard-write"]).is_signed_in()
    new = demo_site.fresh("new")
    page, mailbox = reader.settings(), reader.tab()
    mailbox.goto("/dev/mailbox/")
    reader.asks(new)
    mail = mailbox.locator("article", has_text=new)
    mail.get_by_role("button", name=reader.says("Copy the code")).click()  # The list renewed itself.
    expect(mail.get_by_role("button", name=reader.says("Copied"))).to_be_visible()
    reader.snap("mailbox", mailbox)
    page.bring_to_front()
    page.locator("#captcha").press("Control+v")
    page.locator("#captcha").press("Enter")
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


@BOTH
def test_a_wrong_code_is_told_at_its_field_and_what_was_typed_stays(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    code = reader.has_asked(new)
    page.locator("#captcha").fill(other_than(code))
    page.locator("#submit").click()
    expect(reader.error_at("captcha")).to_contain_text(WRONG_CODE[language])
    expect(reader.notice()).to_contain_text(WRONG_CODE[language])
    expect(page.locator("#captcha")).to_be_focused()
    expect(page.locator("#email")).to_have_value(new)
    expect(page.locator("#pending [data-fill=tries_left]")).to_have_text("4")
    reader.snap("resetemail-wrong-code")
    page.keyboard.insert_text(code)  # The wrong one is selected, so that typing replaces it.
    page.keyboard.press("Enter")
    expect(page.locator("#current-email")).to_have_text(new)
    expect(page.locator("#captcha")).not_to_have_attribute("aria-invalid", "true")


@IN_CHINESE
def test_an_address_that_is_none_or_the_present_one_is_told_at_its_field(sit_down: SitDown, language: str) -> None:
    reader = sit_down(language).is_signed_in()
    page = reader.settings()
    for typed, sentence in (("somebody", MALFORMED), (reader.email.upper(), SAME)):
        page.locator("#email").fill(typed)
        page.locator("#captcha-btn").click()
        expect(reader.error_at("email")).to_have_text(sentence[language])
        expect(page.locator("#email")).to_have_value(typed)
    expect(page.locator("#pending")).to_have_count(0)


def test_a_slip_in_the_address_is_asked_about_and_repaired_with_one_click(sit_down: SitDown, site: Site) -> None:
    reader, name = sit_down("zh").is_signed_in(), site.fresh("slip").partition("@")[0]
    page = reader.settings()
    page.locator("#email").fill(f"{name}@gmial.com")
    page.locator("#captcha-btn").click()
    expect(reader.error_at("email")).to_contain_text(f"{name}@gmail.com")
    reader.snap("resetemail-typo")
    page.get_by_role("button", name=f"改用 {name}@gmail.com").click()
    expect(page.locator("#pending strong.address")).to_have_text(f"{name}@gmail.com")
    expect(page.locator("#typo")).to_be_hidden()


def test_a_code_for_another_address_than_the_typed_one_is_told_before_a_try_is_lost(
    sit_down: SitDown, site: Site
) -> None:
    reader, new = sit_down("en").is_signed_in(), site.fresh("new")
    page = reader.settings()
    reader.asks(new)
    page.locator("#email").fill(site.fresh("other"))
    expect(page.locator("#other-address")).to_have_text(f"The code was sent to {new}. Get a new one for this address.")
    page.locator("#email").fill(new.upper())
    expect(page.locator("#other-address")).to_be_empty()


@IN_ENGLISH
def test_it_all_works_with_the_keyboard_alone(sit_down: SitDown, site: Site, language: str) -> None:
    reader, new, email = sit_down(language), site.fresh("new"), site.administrator()
    page, keys = reader.open("/cms/resetemail/"), reader.page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name=reader.says("Skip to main content"))).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.type(email)
    keys.press("Tab")
    keys.type("correct horse battery")
    keys.press("Enter")
    expect(page.locator("#current-email")).to_have_text(email)
    page.locator("#main").focus()
    keys.press("Tab")
    expect(page.locator("#email")).to_be_focused()
    keys.type(new)
    keys.press("Enter")  # In the address, with no code yet, it means "get one".
    expect(page.locator("#captcha")).to_be_focused()
    keys.type(site.code_to(new))
    keys.press("Enter")
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


def seconds_left(button: Locator) -> int:
    """Read the countdown on a button; where there is none, it is over."""
    found = re.match(r"(\d):(\d\d)", button.inner_text())
    return 60 * int(found[1]) + int(found[2]) if found else 0


def test_the_button_counts_down_and_then_mails_a_new_code(sit_down: SitDown, site: Site) -> None:
    reader, new = sit_down("zh"), site.fresh("new")
    reader.page.clock.install()
    page = reader.is_signed_in().settings()
    first = reader.has_asked(new)
    button = page.locator("#captcha-btn")
    expect(button).to_be_disabled()
    expect(button).to_have_text(re.compile(r"^(1:00|0:\d\d) 后重新获取$"))
    expect(page.locator("#pending [data-mail=sent]")).to_be_visible()  # From now on the page asks nobody.
    before = seconds_left(button)
    page.clock.fast_forward(30_000)
    eventually(lambda: seconds_left(button) <= max(0, before - 30), "half a minute is over")
    reader.a_minute_passes()
    page.clock.fast_forward(40_000)
    expect(button).to_be_enabled()
    expect(button).to_have_text("重新获取验证码")
    button.click()
    expect(button).to_be_disabled()
    second = site.codes_to(new, 2)[-1]
    assert second != first
    page.locator("#captcha").fill(second)
    page.locator("#submit").click()
    expect(reader.success()).to_contain_text(new)


@IN_ENGLISH
def test_a_pending_change_is_cancelled_with_one_click(sit_down: SitDown, site: Site, language: str) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    reader.asks(new)
    page.reload()
    expect(page.locator("#pending strong.address")).to_have_text(new)
    reader.button("Cancel the change").click()
    expect(page.locator("#pending")).to_have_count(0)
    expect(reader.notice()).to_contain_text(reader.says("The change has been cancelled."))
    page.reload()
    expect(page.locator("#pending")).to_have_count(0)


@IN_CHINESE
def test_the_password_is_asked_for_again_without_losing_what_was_typed(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    reader.forget_the_proof()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    dialog = page.get_by_role("dialog", name=reader.says("Confirm your identity"))
    expect(dialog.locator("[name=password]")).to_be_focused()
    reader.snap("reauth-dialog")
    page.keyboard.type("not this one")
    page.keyboard.press("Enter")
    expect(dialog.locator("[data-errors-of=password]")).to_have_text(reader.says("The password is incorrect."))
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)
    expect(dialog).to_be_hidden()
    expect(page.locator("#email")).to_have_value(new)
    reader.forget_the_proof()
    page.locator("#captcha").fill(site.code_to(new))
    page.locator("#submit").click()
    dialog.locator("[name=password]").fill("correct horse battery")
    dialog.get_by_role("button", name=reader.says("Continue")).click()
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


@IN_CHINESE
def test_a_dead_network_is_told_and_the_form_goes_on_when_it_lives_again(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    page.locator("#email").fill(new)
    reader.context.set_offline(True)
    page.locator("#captcha-btn").click()
    expect(reader.notice()).to_contain_text(NO_NETWORK[language])
    expect(page.locator("#email")).to_have_value(new)
    reader.snap("resetemail-offline")
    reader.context.set_offline(False)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(new)


def test_who_was_signed_out_meanwhile_signs_in_and_is_back_on_the_page(sit_down: SitDown, site: Site) -> None:
    reader, new = sit_down("en").is_signed_in(), site.fresh("new")
    page = reader.settings()
    reader.is_signed_out_elsewhere()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    page.locator("[name=password]").fill("correct horse battery")
    page.locator("[name=email]").fill(reader.email)
    page.keyboard.press("Enter")
    expect(page.locator("#current-email")).to_have_text(reader.email)
