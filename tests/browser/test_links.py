"""The links in mails: opening a link changes nothing, because mail scanners open links; its button does."""

from datetime import timedelta

from playwright.sync_api import expect
from sqlalchemy import update

from accounts import clock
from models import EmailChange, Mail
from tests.actors import PASSWORD
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import IN_CHINESE, IN_ENGLISH
from tests.live.sites import Site

NEW_PASSWORD = "a river and a hill"


@IN_CHINESE
def test_the_old_address_undoes_a_change_and_sets_a_new_password(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    attacker = site.person()
    old, user_id, new = attacker.email, site.user_id(attacker.email), site.new_address("new")
    site.change_address(attacker, new)
    user = open_browser(language)
    page = user.open(site.link_to(old, "undo"))
    expect(page.get_by_role("heading", level=1)).to_have_text(user.translate("Undo the email address change"))
    expect(page.locator("main")).to_contain_text(old)
    assert site.email_of(user_id) == new  # Opening the link changes nothing.
    user.take_screenshot("undo")
    user.button("Restore the address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(user.translate("The email address has been restored"))
    expect(page.locator("main")).to_contain_text(old)
    user.take_screenshot("undone")
    assert site.email_of(user_id) == old
    user.open(site.link_to(old, "forgotpwd"))
    user.take_screenshot("newpwd")
    page.locator("[name=password]").fill(NEW_PASSWORD)
    page.locator("[name=repetition]").fill(NEW_PASSWORD)
    user.button("Set password").click()
    expect(page.get_by_role("status").first).to_have_text(
        user.translate("Your new password has been set. Sign in with it.")
    )
    user.sign_in(old, NEW_PASSWORD)


@IN_ENGLISH
def test_the_current_address_stops_a_change(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, new = open_browser(language).with_session(), site.new_address("new")
    user.open_settings()
    user.request_and_read_code(new)
    owner = open_browser(language, size=(360, 740))
    page = owner.open(site.link_to(user.email, "stop"))
    expect(page.locator("main")).to_contain_text("n***@e***.com")  # The new address is masked.
    user.page.reload()
    expect(user.page.locator("#pending")).to_be_visible()  # Opening the link changes nothing.
    owner.take_screenshot("stop")
    owner.button("Stop the change").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(owner.translate("The change has been stopped"))
    expect(page.get_by_role("link", name=owner.translate("Set a new password"))).to_be_visible()
    owner.take_screenshot("stopped")
    user.page.reload()
    expect(user.page.get_by_role("heading", level=1)).to_have_text(user.translate("Sign in"))


@IN_CHINESE
def test_the_page_of_an_invalid_link_explains_it(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language)
    for path in ("resetemail/undo", "resetemail/stop", "resetemail/prove", "forgotpwd", "register"):
        page = user.open(f"/cms/{path}/{'x' * 43}/")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            user.translate("This link has been used, has expired, or was replaced by a newer one.")
        )
    user.take_screenshot("link-dead")


@IN_CHINESE
def test_a_change_that_a_superuser_started_is_confirmed_by_the_new_address(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, new, old = (
        open_browser(language).with_session(superuser=True),
        site.new_address("new"),
        site.administrator(),
    )
    user_id = site.user_id(old)
    page = user.open(f"/cms/users/{user_id}/")
    page.locator("summary", has_text=user.translate("Start an email address change")).click()
    page.locator("#start-email").fill(new)
    page.locator("#start-reason").fill("Lost the mailbox")
    user.button("Start the change").click()
    expect(page.get_by_role("status").first).to_have_text(
        user.translate("The change has been started. We are notifying every known address.")
    )
    expect(page.locator(".pending")).to_contain_text(new)
    user.take_screenshot("user-started")
    earlier = clock.now() - timedelta(days=1, minutes=1)  # As if a day had passed.
    site.execute(update(EmailChange).where(EmailChange.user_id == user_id).values(asked_at=earlier))
    site.execute(update(Mail).where(Mail.recipient == new).values(due_at=earlier))
    owner = open_browser(language)
    page = owner.open(site.link_to(new, "prove"))
    expect(page.locator("main")).to_contain_text(new)
    owner.take_screenshot("prove")
    owner.button("Confirm the address").click()
    expect(page.get_by_role("status").first).to_have_text(
        owner.translate("The email address has been changed. Sign in with the new address.")
    )
    owner.sign_in(new, PASSWORD)
