"""The settings page and the start page in every state of a change."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from accounts import limits
from accounts.limits import Limit
from models import Address, Budget, EmailChange
from tests.actors import different_code
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, DESK, IN_CHINESE, PHONE, WRONG_CODE, BrowserUser
from tests.live.sites import Site


def heading(page: Page) -> str:
    """Return the visible heading of the card."""
    return page.locator("#pending-heading").inner_text().strip()


def set_budget(site: Site, limit: Limit, times: int) -> None:
    """Set the number of uses of a budget."""
    site.execute(update(Budget).where(Budget.key == limit.key).values(used=times))


def start_change(site: Site, owner: str, new: str) -> str:
    """Start a change as a superuser, and return the username of the superuser."""
    boss = site.person(site.administrator(superuser=True))
    answer = boss.post(f"/cms/users/{site.user_id(owner)}/start_change/", {"email": new, "reason": "Lost it"})
    assert answer.status == 200, answer
    return boss.email.partition("@")[0]


@pytest.mark.parametrize(("language", "size"), [("zh", DESK), ("en", PHONE)])
def test_a_completed_change_shows_a_panel_that_stays_and_has_the_focus(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user, new = open_browser(language, size=size).with_session(), site.new_address("new")
    page = user.open_settings()
    code = user.request_and_read_code(new)
    page.locator("#captcha").fill(code)
    page.keyboard.press("Enter")
    panel = user.success()
    expect(page.locator("#changed-place")).to_have_attribute("role", "status")
    for sentence in (new, {"zh": "其他设备均已退出登录", "en": "All other sessions have ended."}[language]):
        expect(panel).to_contain_text(sentence)
    expect(panel).to_contain_text({"zh": "7 天内", "en": "can be undone from there for 7 days"}[language])
    expect(panel).to_be_in_viewport()
    expect(page.locator("#notices .toast")).to_have_count(0)  # Nothing covers it.
    user.take_screenshot("resetemail-changed")
    page.locator("#email").fill("ann")
    page.locator("#current-email").click()
    expect(panel).to_be_visible()


@BOTH
def test_the_first_correct_code_of_two_is_marked_and_costs_no_try(
    open_browser: OpenBrowser, strict_site: Site, language: str
) -> None:
    user, new = open_browser(language, at=strict_site).with_session(), strict_site.new_address("new")
    page = user.open_settings()
    code = user.request_and_read_code(new)
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(page.locator("[data-proved=new]")).to_contain_text(
        user.translate("The code from the new address is correct.")
    )
    expect(page.locator("#captcha")).to_be_hidden()
    expect(page.locator("#old_captcha")).to_be_focused()
    expect(page.locator("#old_captcha")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#pending [data-fill=tries_left]")).to_have_text("5")
    assert heading(page) == user.translate("One code is correct. Enter the other one")
    user.take_screenshot("resetemail-half")
    page.reload()
    expect(page.locator("[data-proved=new]")).to_be_visible()
    page.locator("#old_captcha").fill(strict_site.code_to(user.email))
    page.locator("#submit").click()
    expect(user.success()).to_contain_text(new)
    expect(page.locator("[data-proved=new]")).to_be_hidden()


@BOTH
def test_the_last_try_of_a_day_hides_the_form(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    wrong = different_code(user.request_and_read_code(new))
    page.locator("#captcha").fill(wrong)
    page.locator("#submit").click()
    expect(page.locator("#pending [data-fill=tries_left]")).to_have_text("4")
    with site.app.app_context():
        set_budget(site, limits.tries_of_user(site.user_id(user.email)), 9)
    page.locator("#captcha").fill(wrong)
    page.locator("#submit").click()
    expect(page.locator("#no-tries")).to_be_visible()
    expect(page.locator("#no-tries")).to_be_focused()
    expect(user.notice()).to_contain_text(WRONG_CODE[language])
    for closed in ("#email", "#captcha-btn", "#captcha", "#submit", "[data-edit]"):
        expect(page.locator(closed)).to_be_hidden()
    assert heading(page) == user.translate("No tries left: this code no longer works")
    user.take_screenshot("resetemail-closed")
    user.button("Cancel the change").click()
    expect(page.locator("#pending")).to_have_count(0)
    expect(page.locator("#current-email")).to_be_focused()
    page.reload()
    expect(page.locator("#no-tries")).to_be_visible()
    expect(page.locator("#email")).to_have_count(0)


def test_the_button_counts_down_to_the_end_of_the_hour_if_its_codes_are_spent(
    open_browser: OpenBrowser, site: Site
) -> None:
    user, new = open_browser("en"), site.new_address("new")
    user.page.clock.install()
    page = user.with_session().open_settings()
    user.request_and_read_code(new)
    with site.app.app_context():
        (of_the_hour,) = [
            limit
            for limit in limits.sends(site.user_id(user.email), Address.of(new), "127.0.0.1")
            if limit.name == f"sends:user:{site.user_id(user.email)}"
        ]
    set_budget(site, of_the_hour, of_the_hour.capacity)
    page.reload()
    button = page.locator("#captcha-btn")
    expect(button).to_have_text(re.compile(r"^New code in (1:00:00|59:\d\d)$"))
    page.clock.fast_forward(61_000)
    expect(button).to_have_text(re.compile(r"^New code in 5[78]:\d\d$"))
    expect(button).to_be_disabled()
    expect(page.locator("#pending [data-resend=wait]")).to_contain_text("available in 5")
    expect(page.locator("#pending [data-resend=now]")).to_be_hidden()


@BOTH
def test_a_change_that_a_superuser_started_is_explained_until_it_expires(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language, size=PHONE), site.new_address("new")
    user.page.clock.install()
    user.with_session()
    boss = start_change(site, user.email, new)
    page = user.open("/cms/")
    expect(page.locator("main .pending")).to_contain_text(boss)
    user.take_screenshot("home-started")
    page.get_by_role("link", name=user.translate("View or cancel")).click()
    assert heading(page) == user.translate("Another administrator started a change of your email address")
    card = page.locator("#pending")
    expect(card).to_contain_text(boss)
    expect(card).to_contain_text(new)
    assert (
        user.translate(
            "It can only be completed in that browser. If this was not you, cancel it and change your password."
        )
        not in card.inner_text()
    )
    expect(page.locator("#email")).to_have_value("")
    expect(page.locator("#captcha-btn")).to_have_text(user.translate("Get a code"))
    user.take_screenshot("resetemail-started")
    page.clock.fast_forward(4 * 86400 * 1000)
    expect(card).to_have_count(0)


def test_a_change_that_a_superuser_started_is_cancelled_with_one_click(open_browser: OpenBrowser, site: Site) -> None:
    user = open_browser("zh").with_session()
    start_change(site, user.email, site.new_address("new"))
    page = user.open_settings()
    user.button("Cancel the change").click()
    expect(page.locator("#pending")).to_have_count(0)
    ended = site.rows(select(EmailChange.outcome).where(EmailChange.user_id == site.user_id(user.email)))
    assert ended == [("cancelled",)]


@BOTH
def test_a_code_that_another_browser_requested_is_reported_at_its_field(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    first, new = open_browser(language).with_session(), site.new_address("new")
    second: BrowserUser = open_browser(language).with_session(first.email)
    page = second.open_settings()
    first.open_settings()
    code = first.request_and_read_code(new)
    page.locator("#email").fill(new)
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(second.error_at("captcha")).to_have_text(
        second.translate("This code was requested in another browser. Enter it there, or get a new code here.")
    )
    expect(page.locator("#pending")).to_be_visible()
    assert heading(page) == second.translate("A change was requested in another browser")
    second.take_screenshot("resetemail-elsewhere")
    first.page.locator("#captcha").fill(code)
    first.page.locator("#submit").click()
    expect(first.success()).to_contain_text(new)


@BOTH
def test_a_change_that_a_superuser_cancelled_names_them_and_is_no_longer_shown(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    code = user.request_and_read_code(new)
    boss = site.person(site.administrator(superuser=True))
    dropped = boss.post(f"/cms/users/{site.user_id(user.email)}/drop_change/", {"reason": "Not agreed"})
    assert dropped.status == 200, dropped
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(user.error_at("captcha")).to_have_text(
        user.translate(
            "This change was cancelled by %(by)s. The reason is in the email we sent you.",
            by=boss.email.partition("@")[0],
        )
    )
    expect(page.locator("#pending")).to_have_count(0)


@IN_CHINESE
def test_the_heading_changes_when_the_mail_is_sent(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    page = user.open_settings()
    user.request_code(new)
    site.code_to(new)
    expect(page.locator("#pending-heading [data-when=code]")).to_be_visible()
    expect(page.locator("#pending-heading [data-when=unsent]")).to_be_hidden()
