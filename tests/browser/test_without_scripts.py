"""The same with scripts switched off: plain forms, plain pages."""

from playwright.sync_api import expect

from tests.actors import PASSWORD, other_than
from tests.browser.conftest import SitDown
from tests.browser.pages import BOTH, IN_ENGLISH, WRONG_CODE, Reader
from tests.live.sites import Site


def has_asked(reader: Reader, email: str) -> str:
    """Ask for a code by a plain form, and return the one in the mail."""
    page = reader.settings()
    page.locator("#email").fill(email)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(email)
    return reader.site.code_to(email)


@BOTH
def test_an_administrator_changes_their_address_without_scripts(sit_down: SitDown, site: Site, language: str) -> None:
    reader, new = sit_down(language, scripts=False).sign_in(), site.fresh("new")
    code, page = has_asked(reader, new), reader.page
    expect(page.get_by_role("status").first).to_have_text(reader.says("We are sending a code to %(email)s.", email=new))
    expect(page.locator("#email")).to_have_value(new)
    page.locator("#captcha").fill(other_than(code))
    page.locator("#submit").click()
    expect(reader.error_at("captcha")).to_contain_text(WRONG_CODE[language])
    reader.snap("without-scripts-wrong-code")
    page.locator("#captcha").fill(f"{code[:3]} {code[3:]}")
    page.locator("#captcha").press("Enter")
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)
    expect(page.locator("#email")).to_have_value("")


@IN_ENGLISH
def test_the_page_that_asks_for_the_password_carries_on_without_scripts(
    sit_down: SitDown, site: Site, language: str
) -> None:
    reader, new = sit_down(language, scripts=False).is_signed_in(), site.fresh("new")
    code, page = has_asked(reader, new), reader.page
    reader.forget_the_proof()
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(reader.says("Confirm your identity"))
    reader.snap("reauth")
    page.locator("[name=password]").fill("not this one")
    page.locator("[name=password]").press("Enter")
    expect(reader.error_at("password")).to_have_text(reader.says("The password is incorrect."))
    page.locator("[name=password]").fill(PASSWORD)
    reader.button("Continue").click()
    expect(reader.success()).to_contain_text(new)
    expect(page.locator("#current-email")).to_have_text(new)


def test_a_pending_change_is_cancelled_without_scripts(sit_down: SitDown, site: Site) -> None:
    reader = sit_down("zh", scripts=False).is_signed_in()
    has_asked(reader, site.fresh("new"))
    reader.button("Cancel the change").click()
    expect(reader.page.locator("#pending")).to_have_count(0)
    expect(reader.page.get_by_role("status").first).to_have_text(reader.says("The change has been cancelled."))


def test_a_password_is_changed_without_scripts(sit_down: SitDown) -> None:
    reader = sit_down("en", scripts=False).is_signed_in()
    page = reader.open("/cms/resetpwd/")
    for field, typed in (("oldpwd", PASSWORD), ("password", "a river and a hill"), ("repetition", "a river, a hill")):
        page.locator(f"[name={field}]").fill(typed)
    page.locator("#submit").click()
    expect(reader.error_at("repetition")).to_have_text("The passwords do not match.")
    for field, typed in (
        ("oldpwd", PASSWORD),
        ("password", "a river and a hill"),
        ("repetition", "a river and a hill"),
    ):
        page.locator(f"[name={field}]").fill(typed)
    page.locator("#submit").click()
    expect(page.get_by_role("status").first).to_have_text(
        "Your password has been changed. All other sessions have ended."
    )
