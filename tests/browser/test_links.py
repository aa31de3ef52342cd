"""The links in mails: opening one only explains, because mail scanners open them, too; the button acts."""

from datetime import timedelta

from playwright.sync_api import expect
from sqlalchemy import update

from accounts import clock
from models import EmailChange, Mail
from tests.actors import PASSWORD
from tests.browser.conftest import SitDown
from tests.browser.pages import IN_CHINESE, IN_ENGLISH
from tests.live.sites import Site

NEW_PASSWORD = "a river and a hill"


@IN_CHINESE
def test_the_old_address_undoes_a_change_and_sets_a_new_password(sit_down: SitDown, site: Site, language: str) -> None:
    thief = site.person()
    old, user_id, new = thief.email, site.user_id(thief.email), site.fresh("new")
    site.has_changed(thief, new)
    reader = sit_down(language)
    page = reader.open(site.link_to(old, "undo"))
    expect(page.get_by_role("heading", level=1)).to_have_text(reader.says("Undo the email address change"))
    expect(page.locator("main")).to_contain_text(old)
    assert site.email_of(user_id) == new  # It was only looked at.
    reader.snap("undo")
    reader.button("Restore the address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(reader.says("The email address has been restored"))
    expect(page.locator("main")).to_contain_text(old)
    reader.snap("undone")
    assert site.email_of(user_id) == old
    reader.open(site.link_to(old, "forgotpwd"))
    reader.snap("newpwd")
    page.locator("[name=password]").fill(NEW_PASSWORD)
    page.locator("[name=repetition]").fill(NEW_PASSWORD)
    reader.button("Set password").click()
    expect(page.get_by_role("status").first).to_have_text(
        reader.says("Your new password has been set. Sign in with it.")
    )
    reader.sign_in(old, NEW_PASSWORD)


@IN_ENGLISH
def test_the_present_address_stops_a_change(sit_down: SitDown, site: Site, language: str) -> None:
    reader, new = sit_down(language).is_signed_in(), site.fresh("new")
    reader.settings()
    reader.has_asked(new)
    owner = sit_down(language, size=(360, 740))
    page = owner.open(site.link_to(reader.email, "stop"))
    expect(page.locator("main")).to_contain_text("n***@e***.com")  # Who stops it need not learn the whole of it.
    reader.page.reload()
    expect(reader.page.locator("#pending")).to_be_visible()  # It was only looked at.
    owner.snap("stop")
    owner.button("Stop the change").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(owner.says("The change has been stopped"))
    expect(page.get_by_role("link", name=owner.says("Set a new password"))).to_be_visible()
    owner.snap("stopped")
    reader.page.reload()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text(reader.says("Sign in"))


@IN_CHINESE
def test_a_link_that_is_used_up_says_so(sit_down: SitDown, language: str) -> None:
    reader = sit_down(language)
    for path in ("resetemail/undo", "resetemail/stop", "resetemail/prove", "forgotpwd", "register"):
        page = reader.open(f"/cms/{path}/{'x' * 43}/")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            reader.says("This link has been used, has expired, or was replaced by a newer one.")
        )
    reader.snap("link-dead")


@IN_CHINESE
def test_a_change_that_a_superuser_started_is_proved_by_the_new_address(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new, whose = sit_down(language).is_signed_in(superuser=True), site.fresh("new"), site.administrator()
    user_id = site.user_id(whose)
    page = reader.open(f"/cms/users/{user_id}/")
    page.locator("summary", has_text=reader.says("Start an email address change")).click()
    page.locator("#start-email").fill(new)
    page.locator("#start-reason").fill("Lost the mailbox")
    reader.button("Start the change").click()
    expect(page.get_by_role("status").first).to_have_text(
        reader.says("The change has been started. We are notifying every known address.")
    )
    expect(page.locator(".pending")).to_contain_text(new)
    reader.snap("user-started")
    earlier = clock.now() - timedelta(days=1, minutes=1)  # A day passes.
    site.write(update(EmailChange).where(EmailChange.user_id == user_id).values(asked_at=earlier))
    site.write(update(Mail).where(Mail.recipient == new).values(due_at=earlier))
    owner = sit_down(language)
    page = owner.open(site.link_to(new, "prove"))
    expect(page.locator("main")).to_contain_text(new)
    owner.snap("prove")
    owner.button("Confirm the address").click()
    expect(page.get_by_role("status").first).to_have_text(
        owner.says("The email address has been changed. Sign in with the new address.")
    )
    owner.sign_in(new, PASSWORD)
