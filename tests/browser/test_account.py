"""Profile, password, sessions, and the pages of superusers."""

from playwright.sync_api import Page, expect
from sqlalchemy import update

from accounts import clock
from models import Invitation
from tests.actors import PASSWORD, text_of
from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, IN_CHINESE, IN_ENGLISH
from tests.live.sites import Site, is_signed_in
from tests.servers import eventually

NEW_PASSWORD = "a river and a hill"


def fill(page: Page, **values: str) -> None:
    """Fill fields of the form."""
    for name, text in values.items():
        page.locator(f"main [name={name}]").fill(text)


@BOTH
def test_a_password_is_changed_and_the_fields_are_emptied(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user = open_browser(language).with_session()
    other = site.person(user.email)
    page = user.open("/cms/resetpwd/")
    fill(page, oldpwd="not this one", password=NEW_PASSWORD, repetition=NEW_PASSWORD)
    page.locator("#submit").click()
    expect(page.locator("#notices .toast")).to_contain_text(user.translate("The password is incorrect."))
    expect(user.error_at("oldpwd")).to_have_text(user.translate("The password is incorrect."))
    fill(page, oldpwd=PASSWORD, password="password1", repetition="password1")
    page.locator("#submit").click()
    expect(user.error_at("password")).to_have_text(
        user.translate("This password is too common. Choose a different one.")
    )
    expect(page.locator("#password")).to_be_focused()
    user.take_screenshot("resetpwd-refused")
    fill(page, password=NEW_PASSWORD, repetition=NEW_PASSWORD)
    page.locator("#repetition").press("Enter")
    expect(user.notice()).to_contain_text(
        {
            "zh": "密码已修改，其他设备均已退出登录。",
            "en": "Your password has been changed. All other sessions have ended.",
        }[language]
    )
    for name in ("oldpwd", "password", "repetition"):
        expect(page.locator(f"#{name}")).to_have_value("")
    assert not is_signed_in(other)
    page.reload()
    expect(page.locator("#resetpwd")).to_be_visible()  # This session is still valid.


def test_the_password_page_leads_to_sign_in_and_back_after_the_session_has_ended(open_browser: OpenBrowser) -> None:
    user = open_browser("en").with_session()
    page = user.open("/cms/resetpwd/")
    user.end_sessions()
    fill(page, oldpwd=PASSWORD, password=NEW_PASSWORD, repetition=NEW_PASSWORD)
    page.locator("#submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    fill(page, email=user.email, password=PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#resetpwd")).to_be_visible()


def test_a_forgotten_password_is_replaced_with_the_link_in_the_mail(open_browser: OpenBrowser, site: Site) -> None:
    user, email = open_browser("zh"), site.administrator()
    page = user.open("/cms/login/")
    page.get_by_role("link", name="忘记密码").click()
    user.take_screenshot("forgotpwd")
    fill(page, email=email)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("如果该邮箱属于某位管理员，我们会向其发送链接。")
    user.open(site.link_to(email, "forgotpwd"))
    fill(page, password=email, repetition=email)
    page.keyboard.press("Enter")
    expect(user.error_at("password")).to_have_text("密码不能由用户名、邮箱或本站名称组成。")
    fill(page, password=NEW_PASSWORD, repetition=NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("新密码已设置，请用新密码登录。")
    user.sign_in(email, NEW_PASSWORD)


def test_a_chosen_language_takes_effect_at_once(open_browser: OpenBrowser) -> None:
    user = open_browser("zh").with_session()
    page = user.open("/cms/profile/")
    page.get_by_label("语言").select_option("English")
    user.button("Save").click()
    expect(page.get_by_role("status").first).to_have_text("Your profile has been saved.")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_label("Language")).to_have_value("en")


@IN_ENGLISH
def test_the_second_of_two_tabs_does_not_overwrite_the_first(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language).with_session()
    first, second = user.open("/cms/profile/"), user.open_tab()
    second.goto("/cms/profile/")
    first.bring_to_front()  # Chromium does not render tabs in the background.
    fill(first, mobile="138 1234 5678", staff_number="007")
    first.get_by_label(user.translate("Music")).check()
    first.get_by_role("button", name=user.translate("Save")).click()
    expect(first.get_by_role("status").first).to_have_text(user.translate("Your profile has been saved."))
    expect(first.locator("#mobile")).to_have_value("+8613812345678")
    second.bring_to_front()
    fill(second, mobile="139 1234 5678")
    second.get_by_role("button", name=user.translate("Save")).click()
    expect(second.get_by_role("alert")).to_have_text(
        {
            "zh": "您的资料已在另一个窗口中修改，请查看已保存的资料后重试。",
            "en": "Your profile was changed in another window. Check the saved profile and try again.",
        }[language]
    )
    user.take_screenshot("profile-conflict", second)
    second.get_by_role("link", name=user.translate("Show saved profile")).click()
    expect(second.locator("#mobile")).to_have_value("+8613812345678")
    expect(second.get_by_label(user.translate("Music"))).to_be_checked()


@IN_CHINESE
def test_errors_of_a_profile_are_shown_at_their_fields_and_all_values_are_kept(
    open_browser: OpenBrowser, language: str
) -> None:
    user = open_browser(language).with_session()
    page = user.open("/cms/profile/")
    fill(page, username="admin", mobile="12", staff_number="seven")
    for interest in ("News", "Culture", "Science", "Sport", "Travel"):
        page.get_by_label(user.translate(interest)).check()
    user.button("Save").click()
    expect(user.error_at("username")).to_have_text(user.translate("This username is reserved. Choose a different one."))
    expect(user.error_at("mobile")).to_contain_text("+")
    expect(user.error_at("staff_number")).to_have_text(
        {"zh": "不是有效的整数。", "en": "Not a valid integer value."}[language]
    )
    expect(user.error_at("interests")).to_have_text(
        {"zh": "请选择 1 到 4 项。", "en": "Choose 1 to 4 options."}[language]
    )
    expect(page.locator("#staff_number")).to_have_value("seven")
    expect(page.locator(".error-summary")).to_be_focused()  # It links to every error.
    user.take_screenshot("profile-refused")


@IN_ENGLISH
def test_a_session_is_ended_from_the_security_page(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user = open_browser(language).with_session()
    other = site.person(user.email)
    page = user.open("/cms/security/")
    sessions = page.locator("section", has=page.locator("#sessions-heading")).locator("li")
    expect(sessions).to_have_count(2)
    user.take_screenshot("security")
    sessions.locator("form button").first.click()
    expect(page.get_by_role("status").first).to_have_text(user.translate("The session has ended."))
    expect(sessions).to_have_count(1)
    assert not is_signed_in(other)


@BOTH
def test_an_invited_person_registers_and_signs_in(open_browser: OpenBrowser, site: Site, language: str) -> None:
    user, email = open_browser(language).with_session(superuser=True), site.new_address("guest")
    page = user.open("/cms/users/")
    fill(page, email=email)
    page.get_by_label(user.translate("Role")).select_option("superuser")
    user.button("Send invitation").click()
    expect(page.get_by_role("status").first).to_have_text(
        user.translate("We are sending an invitation to %(email)s.", email=email)
    )
    expect(page.locator("section", has=page.locator("#waiting-heading"))).to_contain_text(email)
    user.take_screenshot("users-invited")
    guest = open_browser(language)
    page = guest.open(site.link_to(email, "register"))
    expect(page.locator("main strong.address")).to_have_text(email)
    expect(page.locator("#language")).to_have_value(language)
    guest.button("Register").click()
    for name in ("username", "password", "mobile", "staff_number", "gender", "city", "interests"):
        expect(guest.error_at(name)).not_to_be_empty()
    guest.take_screenshot("register-refused")
    name = email.partition("@")[0]
    fill(page, username=name, password=NEW_PASSWORD, repetition=NEW_PASSWORD, mobile="13812345678", staff_number="7")
    page.get_by_label(guest.translate("Female"), exact=True).check()
    page.get_by_label(guest.translate("City")).select_option("hangzhou")
    page.get_by_label(guest.translate("Music")).check()
    guest.button("Register").click()
    expect(page.get_by_role("status").first).to_have_text(guest.translate("Account created. Sign in to continue."))
    guest.sign_in(email, NEW_PASSWORD)
    expect(page.get_by_role("link", name=guest.translate("Administrators"), exact=True)).to_be_visible()
    guest.take_screenshot("home")


def test_an_expired_invitation_is_marked_and_can_be_resent_or_withdrawn(open_browser: OpenBrowser, site: Site) -> None:
    user, email = open_browser("zh").with_session(superuser=True), site.new_address("late")
    page = user.open("/cms/users/")
    fill(page, email=email)
    user.button("Send invitation").click()
    first = site.link_to(email, "register")
    site.execute(update(Invitation).where(Invitation.email == email).values(expires_at=clock.now().replace(year=2024)))
    page.goto("/cms/users/")
    waiting = page.locator("li", has_text=email)
    expect(waiting.locator(".badge", has_text="已过期")).to_be_visible()
    user.take_screenshot("users-expired")
    waiting.get_by_role("button", name=f"重新发送 {email}").click()
    expect(page.get_by_role("status").first).to_have_text("正在重新发送邀请。")
    expect(waiting.locator(".badge", has_text="已过期")).to_have_count(0)
    page.locator("li", has_text=email).get_by_role("button", name=f"撤回 {email}").click()
    expect(page.get_by_role("status").first).to_have_text("邀请已撤回。")
    expect(waiting).to_have_count(0)
    page.goto(first)
    expect(page.get_by_role("heading", level=1)).to_contain_text("此链接已使用")


def test_administrators_are_found_by_the_beginning_of_their_username_or_address(
    open_browser: OpenBrowser, site: Site
) -> None:
    user = open_browser("en").with_session(superuser=True)
    site.administrator("zz-last@example.com", username="aa-first")
    page = user.open("/cms/users/")
    rows = page.locator("section").first.locator("tbody tr")
    fill(page, q="aa-f")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("zz-last@example.com")
    page.get_by_label("Search and sort by").select_option("email")
    user.button("Search").click()
    expect(page.get_by_text("No administrators found.")).to_be_visible()
    fill(page, q="ZZ-")
    user.button("Search").click()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#q")).to_have_value("")
    expect(page.get_by_label("Search and sort by")).to_have_value("email")


@IN_CHINESE
def test_a_superuser_disables_and_enables_an_account_with_a_reason(
    open_browser: OpenBrowser, site: Site, language: str
) -> None:
    user, other = open_browser(language).with_session(superuser=True), site.person()
    page = user.open(f"/cms/users/{site.user_id(other.email)}/")
    page.locator("summary", has_text=user.translate("Disable account")).click()
    user.button("Disable account").click()
    expect(page.locator("#disable-reason-errors")).to_have_text(user.translate("This field is required."))
    user.take_screenshot("user-refused")
    page.locator("#disable-reason").fill("Left the team")
    user.button("Disable account").click()
    expect(page.get_by_role("status").first).to_have_text(
        user.translate("The account has been disabled, and all its sessions have ended.")
    )
    expect(page.locator(".facts .badge", has_text=user.translate("Disabled"))).to_be_visible()
    assert not is_signed_in(other)
    page.locator("summary", has_text=user.translate("Enable account")).click()
    page.locator("#enable-reason").fill("Is back")
    user.expire_reauth()
    user.button("Enable account").click()
    page.locator("[name=password]").fill(PASSWORD)  # The page that asks for the password repeats the request.
    user.button("Continue").click()
    expect(page.get_by_role("status").first).to_have_text(user.translate("The account has been enabled."))
    assert site.events(site.user_id(other.email))[-1] == "enabled"


def test_a_superuser_cancels_a_change_with_a_reason_that_its_owner_sees(open_browser: OpenBrowser, site: Site) -> None:
    user, other = open_browser("zh").with_session(superuser=True), site.person()
    assert other.ask(site.new_address("new")).status == 200
    page = user.open(f"/cms/users/{site.user_id(other.email)}/")
    page.locator("summary", has_text="取消待确认的修改").click()
    page.locator("#drop-reason").fill("电话核实不是本人")
    user.button("Cancel the pending change").click()
    expect(page.locator(".pending")).to_have_count(0)
    owner = open_browser("zh").with_session(other.email)
    expect(owner.open("/cms/security/").locator("main")).to_contain_text("电话核实不是本人")
    owner.take_screenshot("security-reason")
    eventually(
        lambda: any("电话核实不是本人" in text_of(mail) for mail in site.mails_to(other.email)),
        "the mail with the reason arrives",
    )


def test_superusers_cannot_manage_their_own_account(open_browser: OpenBrowser, site: Site) -> None:
    user = open_browser("en").with_session(superuser=True)
    page = user.open(f"/cms/users/{site.user_id(user.email)}/")
    expect(page.locator("main")).to_contain_text("This is your own account.")
    expect(page.locator("main form")).to_have_count(0)
    user.take_screenshot("user-own")


def test_editors_have_no_access_to_the_list_of_administrators(open_browser: OpenBrowser) -> None:
    user = open_browser("en").with_session()
    page = user.open("/cms/")
    expect(page.get_by_role("link", name="Administrators")).to_have_count(0)
    user.open("/cms/users/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not allowed.")
