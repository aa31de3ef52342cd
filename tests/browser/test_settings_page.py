"""What the settings page shows of a change, in the states that it can be in, and the overview with it."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from accounts import limits
from accounts.limits import Limit
from models import Budget, EmailChange
from tests.actors import other_than
from tests.browser.conftest import SitDown
from tests.browser.pages import BOTH, DESK, IN_CHINESE, PHONE, WRONG_CODE, Reader
from tests.live.sites import Site


def heading(page: Page) -> str:
    """Return the heading of the card as it is read out."""
    return page.locator("#pending-heading").inner_text().strip()


def is_used(site: Site, limit: Limit, times: int) -> None:
    """Let a budget have been used so many times."""
    site.write(update(Budget).where(Budget.key == limit.key).values(used=times))


def has_started(site: Site, whose: str, new: str) -> str:
    """Have a superuser start a change for somebody; return the superuser's name."""
    boss = site.person(site.administrator(superuser=True))
    answer = boss.post(f"/cms/users/{site.user_id(whose)}/start_change/", {"email": new, "reason": "Lost it"})
    assert answer.status == 200, answer
    return boss.email.partition("@")[0]


@pytest.mark.parametrize(("language", "size"), [("zh", DESK), ("en", PHONE)])
def test_success_is_a_panel_that_stays_and_has_the_focus(
    sit_down: SitDown, site: Site, language: str, size: tuple[int, int]
) -> None:
    reader, new = sit_down(language, size=size).is_signed_in(), site.fresh("new")
    page = reader.settings()
    code = reader.has_asked(new)
    page.locator("#captcha").fill(code)
    page.keyboard.press("Enter")
    panel = reader.success()
    expect(page.locator("#changed-place")).to_have_attribute("role", "status")
    for told in (new, {"zh": "其他设备均已退出登录", "en": "All other sessions have ended."}[language]):
        expect(panel).to_contain_text(told)
    expect(panel).to_contain_text({"zh": "7 天内", "en": "can be undone from there for 7 days"}[language])
    expect(panel).to_be_in_viewport()
    expect(page.locator("#notices .toast")).to_have_count(0)  # Nothing covers it.
    reader.snap("resetemail-changed")
    page.locator("#email").fill("somebody")
    page.locator("#current-email").click()
    expect(panel).to_be_visible()


@BOTH
def test_a_right_first_code_of_two_is_ticked_and_costs_no_try(
    sit_down: SitDown, strict_site: Site, language: str
) -> None:
    reader, new = sit_down(language, at=strict_site).is_signed_in(), strict_site.fresh("new")
    page = reader.settings()
    code = reader.has_asked(new)
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(page.locator("[data-proved=new]")).to_contain_text(reader.says("The code from the new address is correct."))
    expect(page.locator("#captcha")).to_be_hidden()
    expect(page.locator("#old_captcha")).to_be_focused()
    expect(page.locator("#old_captcha")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#pending [data-fill=tries_left]")).to_have_text("5")
    assert heading(page) == reader.says("One code is correct. Enter the other one")
    reader.snap("resetemail-half")
    page.reload()
    expect(page.locator("[data-proved=new]")).to_be_visible()
    page.locator("#old_captcha").fill(strict_site.code_to(reader.email))
    page.locator("#submit").click()
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("[data-proved=new]")).to_be_hidden()


@BOTH
def test_the_last_try_of_the_day_closes_the_form(sit_down: SitDown, site: Site, language: str) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    wrong = other_than(reader.has_asked(new))
    page.locator("#captcha").fill(wrong)
    page.locator("#submit").click()
    expect(page.locator("#pending [data-fill=tries_left]")).to_have_text("4")
    with site.app.app_context():
        is_used(site, limits.tries_of_user(site.user_id(reader.email)), 9)
    page.locator("#captcha").fill(wrong)
    page.locator("#submit").click()
    expect(page.locator("#no-tries")).to_be_visible()
    expect(page.locator("#no-tries")).to_be_focused()
    expect(reader.notice()).to_contain_text(WRONG_CODE[language])
    for closed in ("#email", "#captcha-btn", "#captcha", "#submit", "[data-edit]"):
        expect(page.locator(closed)).to_be_hidden()
    assert heading(page) == reader.says("No tries left: this code no longer works")
    reader.snap("resetemail-closed")
    reader.button("Cancel the change").click()
    expect(page.locator("#pending")).to_have_count(0)
    expect(page.locator("#current-email")).to_be_focused()
    page.reload()
    expect(page.locator("#no-tries")).to_be_visible()
    expect(page.locator("#email")).to_have_count(0)


def test_the_button_counts_down_to_the_end_of_the_hour_when_its_codes_are_spent(sit_down: SitDown, site: Site) -> None:
    reader, new = sit_down("en"), site.fresh("new")
    reader.page.clock.install()
    page = reader.is_signed_in().settings()
    reader.has_asked(new)
    with site.app.app_context():
        (of_the_hour,) = [
            limit
            for limit in limits.sends(site.user_id(reader.email), new, "127.0.0.1")
            if limit.name == f"sends:user:{site.user_id(reader.email)}"
        ]
    is_used(site, of_the_hour, of_the_hour.capacity)
    page.reload()
    button = page.locator("#captcha-btn")
    expect(button).to_have_text(re.compile(r"^New code in (1:00:00|59:\d\d)$"))
    page.clock.fast_forward(61_000)
    expect(button).to_have_text(re.compile(r"^New code in 5[78]:\d\d$"))
    expect(button).to_be_disabled()
    expect(page.locator("#pending [data-resend=wait]")).to_contain_text("available in 5")
    expect(page.locator("#pending [data-resend=now]")).to_be_hidden()


@BOTH
def test_a_change_that_a_superuser_started_is_told_without_a_false_alarm_and_goes_when_it_is_over(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language, size=PHONE), site.fresh("new")
    reader.page.clock.install()
    reader.is_signed_in()
    boss = has_started(site, reader.email, new)
    page = reader.open("/cms/")
    expect(page.locator("main .pending")).to_contain_text(boss)
    reader.snap("home-started")
    page.get_by_role("link", name=reader.says("View or cancel")).click()
    assert heading(page) == reader.says("Another administrator started a change of your email address")
    card = page.locator("#pending")
    expect(card).to_contain_text(boss)
    expect(card).to_contain_text(new)
    assert (
        reader.says(
            "It can only be completed in that browser. If this was not you, cancel it and change your password."
        )
        not in card.inner_text()
    )
    expect(page.locator("#email")).to_have_value("")
    expect(page.locator("#captcha-btn")).to_have_text(reader.says("Get a code"))
    reader.snap("resetemail-started")
    page.clock.fast_forward(4 * 86400 * 1000)
    expect(card).to_have_count(0)


def test_a_change_that_a_superuser_started_is_cancelled_with_one_click(sit_down: SitDown, site: Site) -> None:
    reader = sit_down("zh").is_signed_in()
    has_started(site, reader.email, site.fresh("new"))
    page = reader.settings()
    reader.button("Cancel the change").click()
    expect(page.locator("#pending")).to_have_count(0)
    ended = site.rows(select(EmailChange.outcome).where(EmailChange.user_id == site.user_id(reader.email)))
    assert ended == [("cancelled",)]


@BOTH
def test_a_code_typed_in_another_browser_says_so_at_its_field(sit_down: SitDown, site: Site, language: str) -> None:
    first, new = sit_down(language).is_signed_in(), site.fresh("new")
    second: Reader = sit_down(language).is_signed_in(first.email)
    page = second.settings()
    first.settings()
    code = first.has_asked(new)
    page.locator("#email").fill(new)
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(second.error_at("captcha")).to_have_text(
        second.says("This code was requested in another browser. Enter it there, or get a new code here.")
    )
    expect(page.locator("#pending")).to_be_visible()
    assert heading(page) == second.says("A change was requested in another browser")
    second.snap("resetemail-elsewhere")
    first.page.locator("#captcha").fill(code)
    first.page.locator("#submit").click()
    expect(first.success()).to_contain_text(new)


@BOTH
def test_a_change_that_was_dropped_says_who_dropped_it_and_leaves_the_card(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    code = reader.has_asked(new)
    boss = site.person(site.administrator(superuser=True))
    dropped = boss.post(f"/cms/users/{site.user_id(reader.email)}/drop_change/", {"reason": "Not agreed"})
    assert dropped.status == 200, dropped
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(reader.error_at("captcha")).to_have_text(
        reader.says(
            "This change was cancelled by %(by)s. The reason is in the email we sent you.",
            by=boss.email.partition("@")[0],
        )
    )
    expect(page.locator("#pending")).to_have_count(0)


@IN_CHINESE
def test_a_mail_on_its_way_changes_the_heading_when_it_has_arrived(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    page = reader.settings()
    reader.asks(new)
    site.code_to(new)
    expect(page.locator("#pending-heading [data-when=code]")).to_be_visible()
    expect(page.locator("#pending-heading [data-when=unsent]")).to_be_hidden()
