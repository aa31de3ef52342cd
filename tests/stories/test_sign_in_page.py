"""The texts and the focus of the sign-in page and of the page to confirm the password."""

import pytest

from tests.actors import PASSWORD, Answer, Person
from tests.environments import Environment
from tests.markup import Element, read
from tests.stories.admin_steps import BOSS, REGISTRATION, act, invitation_link, register, superuser

OLD = "ann@example.com"
NEW_PASSWORD = "a river and a hill"
ENDED = {"zh": "您的登录已失效。", "en": "Your session has ended."}
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def use_pages(person: Person, language: str = "en") -> Person:
    """Let a person use pages without scripts in this language."""
    person.script = False
    person.browser.headers["Accept-Language"] = language
    return person


def find_focused(page: Answer) -> Element:
    """Return the only element with autofocus."""
    found = [element for element in read(page.text).all() if "autofocus" in element]
    assert len(found) == 1, [element.attributes for element in found]
    return found[0]


def read_status(page: Answer) -> str:
    """Return the notice above the form of the sign-in page."""
    assert page.path.startswith("/cms/login/"), page.path
    return " ".join(each.text for each in read(page.text).one("main").all("p", role="status"))


@LANGUAGES
def test_an_incorrect_password_is_reported_and_the_focus_is_in_the_form(sqlite_env: Environment, language: str) -> None:
    sqlite_env.administrator(OLD)
    ann = use_pages(sqlite_env.visitor(OLD), language)
    refused = ann.sign_in(password="not this one")
    assert refused.status == 400
    field = find_focused(refused)
    assert (field["name"], field["type"], field["value"]) == ("password", "password", "")
    page = read(refused.text)
    alert = page.one(role="alert", class_="alert alert-danger")
    assert alert["id"] in field["aria-describedby"].split()
    assert alert.text == {"zh": "邮箱或密码错误。", "en": "The email address or password is incorrect."}[language]
    assert page.one("input", name="email")["value"] == OLD
    assert page.one("title").text.startswith({"zh": "错误：", "en": "Error: "}[language])


@LANGUAGES
def test_an_incorrect_password_is_reported_on_the_page_to_confirm_it_and_the_focus_is_in_the_form(
    sqlite_env: Environment, language: str
) -> None:
    ann = use_pages(sqlite_env.person(), language)
    assert find_focused(ann.page("/cms/reauth/"))["name"] == "password"
    refused = ann.reauth("not this one")
    assert refused.status == 400
    field = find_focused(refused)
    assert (field["name"], field["value"], field["aria-invalid"]) == ("password", "", "true")
    place = read(refused.text).one(id="password-errors")
    assert place["id"] in field["aria-describedby"].split()
    assert place.text == {"zh": "密码错误。", "en": "The password is incorrect."}[language]


def test_the_focus_is_in_the_form_after_too_many_tries(sqlite_env: Environment) -> None:
    sqlite_env.administrator(OLD)
    ann = use_pages(sqlite_env.visitor(OLD))
    for _ in range(10):
        ann.sign_in(password="guess")
    refused = ann.sign_in()
    assert refused.status == 429
    assert find_focused(refused)["name"] == "password"
    assert "refused" in find_focused(refused)["aria-describedby"].split()


class TestEndedSessions:
    """The notice on the sign-in page after a session has ended."""

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            ("zh", "您已超过 1 小时未操作，登录已失效，请重新登录。"),
            ("en", "You were signed out after 1 hour of inactivity."),
        ],
    )
    def test_the_notice_names_inactivity_as_the_reason(self, env: Environment, language: str, sentence: str) -> None:
        ann = use_pages(env.person(), language)
        env.clock.advance(seconds=3601)
        assert read_status(ann.page("/cms/profile/")) == sentence
        assert read_status(ann.page("/cms/profile/")) == ""  # The notice is shown once.

    def test_the_notice_names_the_maximum_lifetime_as_the_reason(self, sqlite_env: Environment) -> None:
        ann = use_pages(sqlite_env.person())
        for _ in range(12):
            sqlite_env.clock.advance(seconds=3600)
            assert ann.page("/cms/").status == 200
        sqlite_env.clock.advance(seconds=1)
        sentence = "You were signed out because a session lasts at most 12 hours."
        assert read_status(ann.page("/cms/")) == sentence

    @pytest.mark.parametrize(
        ("seconds", "duration"), [("5400", "90 minutes"), ("1209600", "14 days"), ("61", "61 seconds")]
    )
    def test_the_notice_contains_the_duration_of_the_setting(
        self, sqlite_env: Environment, seconds: str, duration: str
    ) -> None:
        ann = use_pages(
            sqlite_env.person(app=sqlite_env.build(SESSION_IDLE_SECONDS=seconds, SESSION_SECONDS="5184000"))
        )
        sqlite_env.clock.advance(seconds=int(seconds) + 1)
        assert read_status(ann.page("/cms/")).endswith(f"after {duration} of inactivity.")

    @LANGUAGES
    def test_the_notice_names_no_reason_if_the_session_was_ended(self, sqlite_env: Environment, language: str) -> None:
        tablet = use_pages(sqlite_env.person(), language)
        assert sqlite_env.signed_in(OLD).post("/cms/security/sessions/end_others/").status == 200
        assert read_status(tablet.page("/cms/")).startswith(ENDED[language])
        assert read_status(tablet.page("/cms/login/")) == ""

    @pytest.mark.parametrize("reason", ["password", "address", "disabled", "disabled without ending sessions"])
    def test_the_notice_does_not_reveal_why_the_session_was_ended(self, sqlite_env: Environment, reason: str) -> None:
        """Otherwise a thief with a copied cookie would learn it."""
        tablet = use_pages(sqlite_env.person())
        desk = sqlite_env.signed_in(OLD)
        if reason == "password":
            desk.post("/cms/resetpwd/", {"oldpwd": PASSWORD, "password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
        elif reason == "address":
            desk.ask("new@example.com")
            desk.confirm("new@example.com", sqlite_env.code_to("new@example.com"))
        elif reason == "disabled":
            act(superuser(sqlite_env), sqlite_env, OLD, "disable")
        else:
            sqlite_env.update_account(OLD, is_active=False)
        assert read_status(tablet.page("/cms/")).startswith(ENDED["en"])

    def test_there_is_no_notice_after_signing_out_or_without_a_session(self, sqlite_env: Environment) -> None:
        ann = use_pages(sqlite_env.person())
        assert "You have signed out." in ann.sign_out().text
        assert read_status(ann.page("/cms/")) == ""
        assert read_status(use_pages(sqlite_env.visitor()).page("/cms/")) == ""

    def test_there_is_no_notice_for_a_forged_cookie(self, sqlite_env: Environment) -> None:
        sqlite_env.person()
        thief = use_pages(sqlite_env.visitor())
        thief.browser.cookies["session"] = "eyJzaWQiOiJhIn0.aAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA"
        assert read_status(thief.page("/cms/")) == ""


class TestFilledInAddress:
    """The address in the form after a registration and after setting a password."""

    def test_the_address_is_filled_in_after_a_registration(self, env: Environment) -> None:
        guest = use_pages(env.visitor())
        page = register(guest, invitation_link(env, "new@example.com"), language="en")
        assert page.path == "/cms/login/"
        self.assert_filled_in_once(guest, page, "new@example.com")
        assert guest.sign_in(email="new@example.com", password=REGISTRATION["password"]).path == "/cms/"

    def test_the_address_is_filled_in_after_setting_a_password(self, env: Environment) -> None:
        env.administrator(OLD)
        ann = use_pages(env.visitor(OLD))
        ann.post("/cms/forgotpwd/", {"email": OLD})
        page = ann.post(env.links_to(OLD, "forgotpwd")[0], {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
        assert page.path == "/cms/login/"
        self.assert_filled_in_once(ann, page, OLD)

    @staticmethod
    def assert_filled_in_once(person: Person, page: Answer, email: str) -> None:
        """Check that the address is filled in, the password has the focus, and both only once."""
        assert read(page.text).one("input", name="email")["value"] == email
        assert find_focused(page)["name"] == "password"
        again = person.page("/cms/login/")
        assert email not in again.text
        assert "autofocus" not in again.text

    def test_the_address_is_not_filled_in_after_requesting_a_password_link(self, sqlite_env: Environment) -> None:
        """It would reveal whether an account exists."""
        sqlite_env.administrator(OLD)
        ann = use_pages(sqlite_env.visitor(OLD))
        assert OLD not in ann.post("/cms/forgotpwd/", {"email": OLD}).text


def test_pages_with_several_forms_have_no_autofocus(sqlite_env: Environment) -> None:
    boss = use_pages(superuser(sqlite_env))
    assert boss.email == BOSS
    for path in ("/cms/", "/cms/users/", "/cms/security/", "/cms/profile/", "/cms/resetpwd/"):
        assert "autofocus" not in boss.page(path).text
