"""The sign-in page and the page that asks for the password: their sentences, and their focus."""

import pytest

from tests.actors import PASSWORD, Answer, Person
from tests.environments import Environment
from tests.markup import Element, read
from tests.stories.admin_steps import BOSS, REGISTRATION, act, invitation_link, register, superuser

OLD = "ann@example.com"
NEW_PASSWORD = "a river and a hill"
GONE = {"zh": "您的登录已失效。", "en": "Your session has ended."}
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


def at_a_page(person: Person, language: str = "en") -> Person:
    """Have somebody use plain pages in a language."""
    person.script = False
    person.browser.headers["Accept-Language"] = language
    return person


def focused(page: Answer) -> Element:
    """Return the one element that has the focus when the page opens."""
    found = [element for element in read(page.text).all() if "autofocus" in element]
    assert len(found) == 1, [element.attributes for element in found]
    return found[0]


def status_of(page: Answer) -> str:
    """Return what the page says above its form."""
    assert page.path.startswith("/cms/login/"), page.path
    return " ".join(each.text for each in read(page.text).one("main").all("p", role="status"))


@LANGUAGES
def test_a_wrong_password_keeps_the_focus_in_the_form_and_is_told(sqlite_env: Environment, language: str) -> None:
    sqlite_env.administrator(OLD)
    ann = at_a_page(sqlite_env.visitor(OLD), language)
    refused = ann.sign_in(password="not this one")
    assert refused.status == 400
    field = focused(refused)
    assert (field["name"], field["type"], field["value"]) == ("password", "password", "")
    page = read(refused.text)
    alert = page.one(role="alert", class_="alert alert-danger")
    assert alert["id"] in field["aria-describedby"].split()
    assert alert.text == {"zh": "邮箱或密码错误。", "en": "The email address or password is incorrect."}[language]
    assert page.one("input", name="email")["value"] == OLD
    assert page.one("title").text.startswith({"zh": "错误：", "en": "Error: "}[language])


@LANGUAGES
def test_a_wrong_password_on_the_page_that_asks_for_it_again_keeps_the_focus_too(
    sqlite_env: Environment, language: str
) -> None:
    ann = at_a_page(sqlite_env.person(), language)
    assert focused(ann.page("/cms/reauth/"))["name"] == "password"
    refused = ann.reauth("not this one")
    assert refused.status == 400
    field = focused(refused)
    assert (field["name"], field["value"], field["aria-invalid"]) == ("password", "", "true")
    place = read(refused.text).one(id="password-errors")
    assert place["id"] in field["aria-describedby"].split()
    assert place.text == {"zh": "密码错误。", "en": "The password is incorrect."}[language]


def test_who_tried_too_often_has_the_focus_in_the_form_too(sqlite_env: Environment) -> None:
    sqlite_env.administrator(OLD)
    ann = at_a_page(sqlite_env.visitor(OLD))
    for _ in range(10):
        ann.sign_in(password="guess")
    refused = ann.sign_in()
    assert refused.status == 429
    assert focused(refused)["name"] == "password"
    assert "refused" in focused(refused)["aria-describedby"].split()


class TestWhyASessionEnded:
    """What the sign-in page says to a browser whose session is over."""

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            ("zh", "您已超过 1 小时未操作，登录已失效，请重新登录。"),
            ("en", "You were signed out after 1 hour of inactivity."),
        ],
    )
    def test_one_that_was_not_used(self, env: Environment, language: str, sentence: str) -> None:
        ann = at_a_page(env.person(), language)
        env.clock.advance(seconds=3601)
        assert status_of(ann.page("/cms/profile/")) == sentence
        assert status_of(ann.page("/cms/profile/")) == ""  # It is said once.

    def test_one_that_is_too_old(self, sqlite_env: Environment) -> None:
        ann = at_a_page(sqlite_env.person())
        for _ in range(12):
            sqlite_env.clock.advance(seconds=3600)
            assert ann.page("/cms/").status == 200
        sqlite_env.clock.advance(seconds=1)
        said = "You were signed out because a session lasts at most 12 hours."
        assert status_of(ann.page("/cms/")) == said

    @pytest.mark.parametrize(
        ("seconds", "span"), [("5400", "90 minutes"), ("1209600", "14 days"), ("61", "61 seconds")]
    )
    def test_the_span_is_that_of_the_setting(self, sqlite_env: Environment, seconds: str, span: str) -> None:
        ann = at_a_page(
            sqlite_env.person(app=sqlite_env.build(SESSION_IDLE_SECONDS=seconds, SESSION_SECONDS="5184000"))
        )
        sqlite_env.clock.advance(seconds=int(seconds) + 1)
        assert status_of(ann.page("/cms/")).endswith(f"after {span} of inactivity.")

    @LANGUAGES
    def test_one_that_was_ended_by_somebody(self, sqlite_env: Environment, language: str) -> None:
        tablet = at_a_page(sqlite_env.person(), language)
        assert sqlite_env.signed_in(OLD).post("/cms/security/sessions/end_others/").status == 200
        assert status_of(tablet.page("/cms/")).startswith(GONE[language])
        assert status_of(tablet.page("/cms/login/")) == ""

    @pytest.mark.parametrize("how", ["password", "address", "disabled", "row still there"])
    def test_whatever_ended_it_the_browser_hears_the_same(self, sqlite_env: Environment, how: str) -> None:
        """A copied cookie does not tell its bearer what the owner did."""
        tablet = at_a_page(sqlite_env.person())
        desk = sqlite_env.signed_in(OLD)
        if how == "password":
            desk.post("/cms/resetpwd/", {"oldpwd": PASSWORD, "password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
        elif how == "address":
            desk.ask("new@example.com")
            desk.confirm("new@example.com", sqlite_env.code_to("new@example.com"))
        elif how == "disabled":
            act(superuser(sqlite_env), sqlite_env, OLD, "disable")
        else:
            sqlite_env.update_account(OLD, is_active=False)
        assert status_of(tablet.page("/cms/")).startswith(GONE["en"])

    def test_who_signed_out_or_was_never_signed_in_hears_nothing(self, sqlite_env: Environment) -> None:
        ann = at_a_page(sqlite_env.person())
        assert "You have signed out." in ann.sign_out().text
        assert status_of(ann.page("/cms/")) == ""
        assert status_of(at_a_page(sqlite_env.visitor()).page("/cms/")) == ""

    def test_a_cookie_that_somebody_made_up_hears_nothing(self, sqlite_env: Environment) -> None:
        sqlite_env.person()
        thief = at_a_page(sqlite_env.visitor())
        thief.browser.cookies["session"] = "eyJzaWQiOiJhIn0.aAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA"
        assert status_of(thief.page("/cms/")) == ""


class TestTheAddressIsFilledIn:
    """After registering and after setting a password."""

    def test_after_registering(self, env: Environment) -> None:
        guest = at_a_page(env.visitor())
        page = register(guest, invitation_link(env, "new@example.com"), language="en")
        assert page.path == "/cms/login/"
        self.is_filled_in_once(guest, page, "new@example.com")
        assert guest.sign_in(email="new@example.com", password=REGISTRATION["password"]).path == "/cms/"

    def test_after_setting_a_password(self, env: Environment) -> None:
        env.administrator(OLD)
        ann = at_a_page(env.visitor(OLD))
        ann.post("/cms/forgotpwd/", {"email": OLD})
        page = ann.post(env.links_to(OLD, "forgotpwd")[0], {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
        assert page.path == "/cms/login/"
        self.is_filled_in_once(ann, page, OLD)

    @staticmethod
    def is_filled_in_once(person: Person, page: Answer, email: str) -> None:
        """See the address on the page, the focus behind it, and neither when the page is opened again."""
        assert read(page.text).one("input", name="email")["value"] == email
        assert focused(page)["name"] == "password"
        again = person.page("/cms/login/")
        assert email not in again.text
        assert "autofocus" not in again.text

    def test_for_somebody_else_nothing_is_filled_in(self, sqlite_env: Environment) -> None:
        """Asking for a link must not tell, in this browser either, whether there is such an account."""
        sqlite_env.administrator(OLD)
        ann = at_a_page(sqlite_env.visitor(OLD))
        assert OLD not in ann.post("/cms/forgotpwd/", {"email": OLD}).text


def test_the_form_for_a_role_is_not_focused_by_a_page_that_has_many_forms(sqlite_env: Environment) -> None:
    boss = at_a_page(superuser(sqlite_env))
    assert boss.email == BOSS
    for path in ("/cms/", "/cms/users/", "/cms/security/", "/cms/profile/", "/cms/resetpwd/"):
        assert "autofocus" not in boss.page(path).text
