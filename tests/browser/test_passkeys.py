"""Passkeys, with virtual authenticators of Chromium. The host is localhost: there are no passkeys for IP addresses."""

from base64 import b64decode
from typing import Any

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from accounts import clock
from models import Passkey
from tests.actors import PASSWORD
from tests.browser.conftest import OpenBrowser
from tests.browser.devices import Device
from tests.browser.pages import BOTH, PHONE, BrowserUser
from tests.browser.test_pages import WIDTHS, assert_no_faults
from tests.live.sites import Site

FAILED = "No passkey was used. Try again, or sign in with your password."


def open_at_localhost(open_browser: OpenBrowser, language: str = "en", **more: Any) -> BrowserUser:
    """Open a browser context for a user of http://localhost."""
    return open_browser(language, host="localhost", **more)


def add_passkey(user: BrowserUser, name: str = "Work phone") -> None:
    """Add a passkey on the page of security, and leave the page of recovery codes, if it is the first."""
    page = user.open("/cms/security/")
    page.locator("#new-passkey [name=name]").fill(name)
    user.button("Add a passkey").click()
    expect(page.locator("main")).to_contain_text(user.translate("Save your recovery codes"))


def with_passkey(
    open_browser: OpenBrowser, language: str = "en", name: str = "Work phone", **more: Any
) -> tuple[BrowserUser, Device]:
    """Return a user with a passkey, who is signed in, and their device, whose user is away now."""
    user = open_at_localhost(open_browser, language, **more).with_session()
    device = Device(user)
    add_passkey(user, name)
    device.set_present(is_present=False)
    return user, device


def disable_autofill(user: BrowserUser) -> None:
    """Make pages believe that the browser offers no passkeys in fields, so that only the button uses one."""
    user.context.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")


def sign_out(user: BrowserUser) -> None:
    """Sign out; the sign-in page is open then."""
    user.button("Sign out").click()
    expect(user.page.locator("#password")).to_be_visible()
    user.wait_for_scripts()


def signed_in(user: BrowserUser) -> Locator:
    """Return an element that only pages of signed-in administrators have."""
    return user.page.locator(".sign-out")


@BOTH
def test_a_passkey_is_added_and_signs_in_with_the_button(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, device = with_passkey(open_browser, language)
    user.take_screenshot("passkey-recovery-codes")
    user.open("/cms/security/")
    expect(user.page.locator("section", has=user.page.locator("#passkeys-heading"))).to_contain_text("Work phone")
    user.take_screenshot("passkey-security")
    sign_out(user)
    user.take_screenshot("passkey-login")
    device.set_present(is_present=True)
    user.button("Sign in with a passkey").click()
    expect(signed_in(user)).to_be_visible()
    assert site.events(site.user_id(user.email))[-1] == "signed_in"


@BOTH
def test_a_passkey_that_is_offered_in_the_field_of_the_address_signs_in(
    open_browser: OpenBrowser, language: str
) -> None:
    user, device = with_passkey(open_browser, language)
    user.open("/cms/security/")
    device.set_present(is_present=True)
    user.button("Sign out").click()  # The page that follows offers the passkey, and the device answers.
    expect(user.page).to_have_url(user.url("/cms/"))
    expect(signed_in(user)).to_be_visible()


def test_the_choice_to_stay_signed_in_and_the_next_page_are_kept(open_browser: OpenBrowser) -> None:
    user, device = with_passkey(open_browser)
    user.context.clear_cookies()
    page = user.open("/cms/profile/")
    user.wait_for_scripts()
    page.get_by_label("Stay signed in on this device").check()
    device.set_present(is_present=True)
    user.button("Sign in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    (cookie,) = [each for each in user.context.cookies() if each["httpOnly"] and "browser" not in each["name"]]
    assert cookie["expires"] > 0


@BOTH
def test_a_request_that_the_user_cancels_is_reported_at_the_button_and_can_be_repeated(
    open_browser: OpenBrowser, language: str
) -> None:
    user, device = with_passkey(open_browser, language, size=PHONE)
    user.open("/cms/security/")
    disable_autofill(user)
    sign_out(user)
    device.set_verified(is_verified=False)
    device.set_present(is_present=True)
    user.button("Sign in with a passkey").click()
    alert = user.page.get_by_role("alert")
    expect(alert).to_have_text(user.translate(FAILED))
    user.take_screenshot("passkey-cancelled")
    device.set_verified(is_verified=True)
    user.button("Sign in with a passkey").click()
    expect(signed_in(user)).to_be_visible()


def test_a_page_that_was_open_for_an_hour_gets_new_options_without_reloading(open_browser: OpenBrowser) -> None:
    user, device = with_passkey(open_browser)
    disable_autofill(user)
    user.context.clear_cookies()
    user.page.clock.install()
    page = user.open("/cms/login/")
    user.wait_for_scripts()
    user.page.clock.fast_forward("01:00:00")
    device.set_present(is_present=True)
    with page.expect_response("**/cms/login/passkey/") as fetched:
        user.button("Sign in with a passkey").click()
    assert fetched.value.request.method == "GET"
    expect(signed_in(user)).to_be_visible()


def test_what_is_offered_in_the_field_is_renewed_before_it_expires(open_browser: OpenBrowser) -> None:
    user, device = with_passkey(open_browser)
    user.context.clear_cookies()
    user.page.clock.install()
    page = user.open("/cms/login/")
    user.wait_for_scripts()
    with page.expect_response("**/cms/login/passkey/"):
        user.page.clock.fast_forward("04:30")
    device.set_present(is_present=True)
    with page.expect_response("**/cms/login/passkey/"):
        user.page.clock.fast_forward("04:30")
    expect(signed_in(user)).to_be_visible()


@BOTH
def test_a_removed_passkey_is_refused_and_the_password_signs_in(open_browser: OpenBrowser, language: str) -> None:
    user, device = with_passkey(open_browser, language)
    disable_autofill(user)
    page = user.open("/cms/security/")
    page.locator("summary", has_text=user.translate("Rename or remove")).click()
    page.locator("details .btn-outline-danger").click()
    expect(page.get_by_role("status").first).to_have_text(user.translate("The passkey has been removed."))
    sign_out(user)
    page.locator("#remember").check()
    device.set_present(is_present=True)
    user.button("Sign in with a passkey").click()
    alert = page.locator("#refused")
    expect(alert).to_have_text(user.translate("This passkey was not accepted."))
    expect(alert).to_be_focused()
    expect(page.locator("#remember")).to_be_checked()
    user.take_screenshot("passkey-refused")
    user.sign_in(user.email)


def test_a_passkey_is_renamed_and_a_name_is_required(open_browser: OpenBrowser) -> None:
    user, _ = with_passkey(open_browser)
    page = user.open("/cms/security/")
    page.locator("summary", has_text="Rename or remove").click()
    field = page.locator("details [name=name]")
    field.fill("")
    field.press("Enter")
    expect(page.locator("details [name=name]")).to_be_focused()
    expect(page.locator("details .field-errors p")).to_have_text("This field is required.")
    field.fill("Old phone")
    field.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("The passkey has been renamed.")
    expect(page.locator("main")).to_contain_text("Old phone")


@BOTH
def test_a_device_that_has_a_passkey_of_the_account_is_not_added_again(
    open_browser: OpenBrowser, language: str
) -> None:
    user, device = with_passkey(open_browser, language)
    page = user.open("/cms/security/")
    user.button("Add a passkey").click()
    expect(page.locator("#new-passkey-errors")).to_have_text(user.translate("This field is required."))
    expect(page.locator("#new-passkey-name")).to_be_focused()
    device.set_present(is_present=True)
    page.locator("#new-passkey [name=name]").fill("Phone")
    page.keyboard.press("Enter")
    problem = page.locator("[data-problem]")
    expect(problem).to_have_text(user.translate("This device already has a passkey for your account."))
    user.take_screenshot("passkey-known")
    assert len(device.credentials()) == 1


@BOTH
def test_a_passkey_is_the_second_step_after_a_password(open_browser: OpenBrowser, language: str) -> None:
    user, device = with_passkey(open_browser, language, size=PHONE)
    user.context.clear_cookies()
    page = user.open("/cms/login/")
    page.locator("#email").fill(user.email)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(user.translate("Two-step verification"))
    user.wait_for_scripts()
    assert_no_faults(user, page)
    user.take_screenshot("second-step")
    device.set_present(is_present=True)
    user.button("Use a passkey").click()
    expect(signed_in(user)).to_be_visible()


def start_change(user: BrowserUser, site: Site) -> tuple[Page, str]:
    """Request a code for a new address in a session that must be proved again."""
    new = site.new_address("new")
    page = user.open_settings()
    user.expire_reauth()
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page, new


@BOTH
@WIDTHS
def test_the_dialog_offers_the_passkey_first_and_the_interrupted_request_carries_on(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user, device = with_passkey(open_browser, language, size=size)
    page, new = start_change(user, site)
    button = user.button("Use a passkey")
    expect(button).to_be_focused()
    expect(page.locator("#reauth-password")).to_be_hidden()
    assert_no_faults(user, page)
    user.take_screenshot("reauth-passkey")
    old = user.context.cookies()
    device.set_present(is_present=True)
    page.keyboard.press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)
    assert user.context.cookies() != old


@BOTH
def test_the_dialog_takes_the_password_and_a_recovery_code_instead(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user = open_at_localhost(open_browser, language).with_session()
    Device(user)
    add_passkey(user)
    code = user.page.locator("#recovery-codes code").first.inner_text()
    page, new = start_change(user, site)
    user.button("Use your password and a code").click()
    expect(page.locator("#reauth-password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.locator("#reauth-recovery_code").fill("00000-00000")
    user.take_screenshot("reauth-recovery-code")
    page.keyboard.press("Enter")
    expect(page.locator("#reauth-recovery_code-errors")).to_have_text(
        user.translate("The recovery code is incorrect or has already been used.")
    )
    expect(page.locator("#reauth-password")).to_have_value(PASSWORD)
    page.locator("#reauth-recovery_code").fill(code)
    page.keyboard.press("Enter")
    expect(page.locator("#pending strong.address")).to_have_text(new)


@BOTH
def test_a_passkey_is_added_after_the_identity_was_confirmed_in_the_dialog(
    open_browser: OpenBrowser, language: str
) -> None:
    user = open_at_localhost(open_browser, language).with_session()
    device, page = Device(user), user.open("/cms/security/")
    user.expire_reauth()
    page.locator("#new-passkey-name").fill("Security key")
    page.keyboard.press("Enter")
    expect(page.locator("#reauth-password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(user.translate("Save your recovery codes"))
    assert len(device.credentials()) == 1
    page = user.open("/cms/security/")
    user.expire_reauth()
    page.locator("#new-passkey-name").fill("Another key")
    page.keyboard.press("Enter")
    user.button("Use a passkey").click()
    problem = page.locator("[data-problem]")  # The request was repeated; this device has a passkey already.
    expect(problem).to_have_text(user.translate("This device already has a passkey for your account."))
    expect(page.locator("#new-passkey-name")).to_have_value("Another key")


def test_the_page_that_asks_for_a_proof_takes_a_passkey_and_repeats_the_form(open_browser: OpenBrowser) -> None:
    user, device = with_passkey(open_browser)
    page = user.open("/cms/security/")
    page.locator("summary", has_text="Rename or remove").click()
    user.expire_reauth()
    page.locator("details [name=name]").fill("Old phone")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your identity")
    user.wait_for_scripts()
    assert_no_faults(user, page)
    user.take_screenshot("reauth-page-passkey")
    device.set_present(is_present=True)
    user.button("Use a passkey").click()
    expect(page.get_by_role("status").first).to_have_text("The passkey has been renamed.")
    expect(page.locator("main")).to_contain_text("Old phone")


def test_a_copied_passkey_whose_counter_is_behind_is_refused(open_browser: OpenBrowser, site: Site) -> None:
    user, device = with_passkey(open_browser)
    (copy,) = device.credentials()
    user.open("/cms/security/")
    sign_out(user)
    device.set_present(is_present=True)
    user.button("Sign in with a passkey").click()
    expect(signed_in(user)).to_be_visible()
    device.set_present(is_present=False)
    thief = open_at_localhost(open_browser)
    disable_autofill(thief)
    other = Device(thief, is_present=False)
    other.add({**copy, "signCount": 0})
    page = thief.open("/cms/login/")
    thief.wait_for_scripts()
    other.set_present(is_present=True)
    thief.button("Sign in with a passkey").click()
    expect(page.locator("#refused")).to_have_text("This passkey was not accepted.")
    assert "the passkey was copied" in site.log
    assert site.events(site.user_id(user.email))[-1] == "passkey_refused"


def test_a_device_that_did_not_verify_its_user_is_refused(open_browser: OpenBrowser, site: Site) -> None:
    user, device = with_passkey(open_browser)
    user.open("/cms/security/")
    disable_autofill(user)  # Otherwise the device responds to each sign-in page, which is refused and shown again.
    sign_out(user)
    device.forge(isBadUV=True)
    device.set_present(is_present=True)
    user.button("Sign in with a passkey").click()
    expect(user.page.locator("#refused")).to_have_text("This passkey was not accepted.")
    expect(user.page.locator("#password")).to_be_visible()
    assert "signed_in" not in site.events(site.user_id(user.email))[-1:]


def test_a_response_that_another_origin_obtained_is_refused(open_browser: OpenBrowser, site: Site) -> None:
    user, device = with_passkey(open_browser)
    thief = site.visitor()
    thief.browser.headers["Host"] = f"localhost:{site.server.port}"
    options = thief.get_as_script("/cms/login/passkey/").data["passkey"]
    assert options["rpId"] == "localhost"
    challenge = list(b64decode(options["challenge"].translate(str.maketrans("-_", "+/")) + "=="))
    user.context.route(
        "http://localhost:9/**", lambda route: route.fulfill(body="<title>Prize</title>", content_type="text/html")
    )
    user.page.goto("http://localhost:9/prize")
    device.set_present(is_present=True)
    signed = user.page.evaluate(
        """(challenge) => navigator.credentials.get({'publicKey': {
            'challenge': Uint8Array.from(challenge), 'rpId': 'localhost', 'userVerification': 'required'
        }}).then((found) => JSON.stringify(found.toJSON()))""",
        challenge,
    )
    refused = thief.post("/cms/login/passkey/", {"passkey": signed})
    assert (refused.status, refused.error) == (400, "passkey_refused")
    assert 'reason="the response is from another origin"' in site.log


def test_at_an_ip_address_and_without_scripts_no_page_mentions_passkeys(open_browser: OpenBrowser) -> None:
    page = open_browser("en").open("/cms/login/")
    expect(page.locator("main")).not_to_contain_text("passkey")  # Not even hidden.
    assert page.locator("#email").get_attribute("autocomplete") == "username"
    user = open_at_localhost(open_browser, scripts=False)
    user.open("/cms/login/")
    expect(user.page.locator("[data-passkey-options] button")).to_be_hidden()


def test_without_scripts_a_recovery_code_is_the_second_step_and_the_proof(open_browser: OpenBrowser) -> None:
    owner, _ = with_passkey(open_browser)
    codes = owner.page.locator("#recovery-codes code").all_inner_texts()
    user = open_at_localhost(open_browser, scripts=False)
    page = user.open("/cms/login/")
    page.locator("#email").fill(owner.email)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Your passkey cannot be used here")
    page.locator("summary").click()
    page.locator("#recovery_code").fill("00000-00000")
    page.keyboard.press("Enter")
    expect(user.error_at("recovery_code")).to_contain_text("The recovery code is incorrect")
    page.locator("#recovery_code").fill(codes[0])
    page.keyboard.press("Enter")
    expect(signed_in(user)).to_be_visible()
    user.email = owner.email
    page = user.open("/cms/security/")
    page.locator("summary", has_text="Rename or remove").click()
    page.locator("details [name=name]").fill("Old phone")
    user.expire_reauth()
    page.keyboard.press("Enter")
    page.locator("#password").fill(PASSWORD)
    page.locator("#recovery_code").fill(codes[1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("The passkey has been renamed.")


def test_an_old_browser_shows_no_button_and_says_why_a_passkey_cannot_be_used(open_browser: OpenBrowser) -> None:
    user, _ = with_passkey(open_browser)
    user.context.clear_cookies()
    user.context.add_init_script("delete window.PublicKeyCredential;")
    page = user.open("/cms/login/")
    user.wait_for_scripts()
    expect(page.locator("[data-passkey-options] button")).to_be_hidden()
    page.locator("#email").fill(user.email)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Your passkey cannot be used here")
    expect(page.locator("[data-passkey-options] button")).to_be_hidden()


@BOTH
@WIDTHS
def test_pages_with_passkeys_have_no_faults(open_browser: OpenBrowser, language: str, size: tuple[int, int]) -> None:
    user, _ = with_passkey(open_browser, language, "7", size=size, color_scheme="dark")  # In no language.
    page = user.open("/cms/security/")
    page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    user.site.execute(update(Passkey).values(used_at=clock.now()))
    page.reload()
    assert_no_faults(user, page)
    user.take_screenshot("dark-passkey-security")
    sign_out(user)
    assert_no_faults(user, page)
    user.take_screenshot("dark-passkey-login")
    page.locator("#password").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(user.button("Sign in with a passkey")).to_be_focused()
