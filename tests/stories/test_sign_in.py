"""Signing in and out, sessions, and confirming the password."""

from http.cookies import SimpleCookie

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select

from accounts import passwords
from models import Audit
from tests.actors import PASSWORD, InProcess, Person
from tests.environments import PRODUCTION, Environment

FOREIGN = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    " /cms/profile/",
    "/cms/\r\nLocation: https://evil.example/",
    "evil.example",
    "/\t/evil.example",
    "/%0d%0a//evil.example\n",
]


def test_an_administrator_signs_in(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    answer = ann.sign_in()
    assert (answer.status, answer.data["next"]) == (200, "/cms/")
    assert ann.address() == "ann@example.com"


def test_an_administrator_signs_in_without_scripts(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com", script=False)
    answer = ann.sign_in()
    assert (answer.status, answer.path) == (200, "/cms/")


@pytest.mark.parametrize("typed", ["ANN@EXAMPLE.COM", " ann@example.com ", "Ann@Example.Com"])
def test_any_spelling_of_an_address_can_sign_in(env: Environment, typed: str) -> None:
    env.administrator("ann@example.com")
    assert env.visitor("ann@example.com").sign_in(email=typed).status == 200


def test_a_password_is_not_normalised(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    for typed in (f" {PASSWORD}", f"{PASSWORD} ", PASSWORD.upper()):
        assert ann.sign_in(password=typed).error == "wrong_credentials"


def test_an_unknown_address_a_disabled_account_and_a_wrong_password_get_the_same_response(env: Environment) -> None:
    env.administrator("ann@example.com")
    env.administrator("bob@example.com")
    env.update_account("bob@example.com", is_active=False)
    visitor = env.visitor()
    answers = [
        visitor.sign_in(email="ann@example.com", password="wrong"),
        visitor.sign_in(email="bob@example.com"),
        visitor.sign_in(email="nobody@example.com"),
    ]
    assert {answer.status for answer in answers} == {400}
    assert len({answer.body for answer in answers}) == 1
    assert visitor.get_as_script().error == "sign_in_required"


def test_a_disabled_administrator_is_signed_out_immediately(env: Environment) -> None:
    ann = env.person()
    env.update_account("ann@example.com", is_active=False)
    assert ann.get_as_script().error == "sign_in_required"


@pytest.mark.parametrize("path", ["/cms/resetemail/", "/cms/resetemail/?a=1&b=2", "/cms/"])
def test_the_sign_in_leads_to_the_page_that_was_requested(env: Environment, path: str) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert ann.sign_in(next=path).data["next"] == path


@pytest.mark.parametrize("path", FOREIGN)
def test_a_sign_in_does_not_redirect_to_another_site(sqlite_env: Environment, path: str) -> None:
    sqlite_env.administrator("ann@example.com")
    ann = sqlite_env.visitor("ann@example.com")
    assert ann.sign_in(next=path).data["next"] == "/cms/"
    assert ann.reauth(next=path).data["next"] == "/cms/"


@pytest.mark.parametrize("path", FOREIGN)
def test_the_sign_in_page_does_not_redirect_to_another_site(sqlite_env: Environment, path: str) -> None:
    ann = sqlite_env.person()
    assert ann.browser._client.get("/cms/login/", query_string={"next": path}).status_code == 200
    answer = ann.browser._client.get(
        "/cms/login/", query_string={"next": path}, headers={"Cookie": f"session={ann.browser.cookies['session']}"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/cms/")


def test_a_page_that_requires_a_session_redirects_to_the_sign_in_page_and_back(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com", script=False)
    answer = ann.page("/cms/resetemail/?from=mail", follow=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/cms/login/?next=/cms/resetemail/?from%3Dmail")
    assert ann.sign_in(next="/cms/resetemail/?from=mail").path == "/cms/resetemail/?from=mail"


def test_a_script_without_a_session_gets_a_401(env: Environment) -> None:
    answer = env.visitor().get_as_script()
    assert (answer.status, answer.error) == (401, "sign_in_required")


def test_ten_tries_for_an_account_from_all_networks(env: Environment) -> None:
    env.administrator("ann@example.com")
    spellings = ["ann@example.com", "ANN@example.com", " ann@EXAMPLE.com"]
    for number in range(10):
        thief = env.visitor(network=f"203.0.113.{number + 1}")
        assert thief.sign_in(email=spellings[number % 3], password="guess").error == "wrong_credentials"
    refused = env.visitor("ann@example.com").sign_in()
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == str(refused.data["retry_after"])
    env.clock.advance(seconds=refused.data["retry_after"])
    assert env.visitor("ann@example.com").sign_in().status == 200


def test_tries_from_one_network_are_limited_for_all_accounts(env: Environment) -> None:
    app = env.build(SIGN_IN_TRIES_PER_NETWORK="7")
    env.administrator("ann@example.com")
    for number in range(7):
        thief = env.visitor(app=app, network=f"2001:db8:1:2::{number + 1}")  # A subscriber has a /64 prefix.
        assert thief.sign_in(email=f"a{number}@example.com", password="guess").error == "wrong_credentials"
    refused = env.visitor(app=app, network="2001:db8:1:2:ffff::1").sign_in(email="ann@example.com")
    assert refused.error == "too_many_requests"
    assert env.visitor(app=app, network="2001:db8:1:3::1").sign_in(email="ann@example.com").status == 200


def test_a_sign_in_resets_the_tries(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    for _ in range(2):
        for _ in range(9):
            assert ann.sign_in(password="guess").error == "wrong_credentials"
        assert ann.sign_in().status == 200
        ann.browser.cookies.clear()  # The tries of a known browser are counted separately.
        ann.discard_token()


def test_strangers_cannot_lock_the_owner_out_of_a_known_browser(env: Environment) -> None:
    ann = env.person()
    ann.sign_out()
    for number in range(11):
        env.visitor(network=f"198.51.100.{number}").sign_in(email="ann@example.com", password="guess")
    assert env.visitor("ann@example.com").sign_in().error == "too_many_requests"
    assert ann.sign_in().status == 200


def test_the_mark_of_an_account_gives_no_additional_tries_for_another(env: Environment) -> None:
    env.administrator("ann@example.com")
    thief = env.person("thief@example.com")
    for _ in range(10):
        assert thief.sign_in(email="ann@example.com", password="guess").error == "wrong_credentials"
    assert env.visitor("ann@example.com").sign_in().error == "too_many_requests"


def test_an_unknown_account_is_throttled_like_a_known_one(env: Environment) -> None:
    visitor = env.visitor()
    for _ in range(10):
        assert visitor.sign_in().error == "wrong_credentials"
    assert visitor.sign_in().error == "too_many_requests"


def test_tries_to_confirm_the_password_are_limited(env: Environment) -> None:
    ann = env.person()
    for _ in range(10):
        assert ann.reauth("guess").error == "password_wrong"
    assert ann.reauth().error == "too_many_requests"


def sign_in_for_cookies(person: Person, path: str = "/cms/login/", **fields: str) -> SimpleCookie:
    """Sign in, and return the cookies of the response with their attributes."""
    token = person.token()
    answer = person.post(path, {"email": person.email, "password": PASSWORD, **fields}, token=token)
    assert answer.status == 200, answer
    cookies = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        cookies.load(line)
    return cookies


def test_the_session_cookie_is_http_only_and_same_site(env: Environment) -> None:
    env.administrator("ann@example.com")
    cookie = sign_in_for_cookies(env.visitor("ann@example.com"))["session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["expires"], cookie["domain"]) == (True, "Lax", "", "")


def test_in_production_the_session_cookie_is_secure(env: Environment) -> None:
    app = env.app_with(**PRODUCTION)
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com", app=app)
    cookie = sign_in_for_cookies(ann)["__Host-session"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_a_remembered_session_has_a_persistent_cookie(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert sign_in_for_cookies(ann, remember="y")["session"]["expires"]
    env.clock.advance(days=13)
    assert ann.address() == "ann@example.com"


def test_a_sign_in_creates_a_new_cookie(env: Environment) -> None:
    """A cookie from before the sign-in does not belong to the session (session fixation)."""
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    ann.token()
    planted = dict(ann.browser.cookies)
    ann.sign_in()
    thief = env.visitor()
    thief.browser.cookies.update(planted)
    assert thief.get_as_script().error == "sign_in_required"


def test_signing_out_ends_the_session_on_the_server(env: Environment) -> None:
    ann = env.person()
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    assert thief.address() == "ann@example.com"  # A stolen cookie is valid as long as the session.
    assert ann.sign_out().data["next"] == "/cms/login/"
    assert ann.get_as_script().error == "sign_in_required"
    assert thief.get_as_script().error == "sign_in_required"


def test_signing_in_again_ends_the_previous_session_of_the_browser(env: Environment) -> None:
    ann = env.person()
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    assert ann.sign_in().status == 200
    assert ann.address() == "ann@example.com"
    assert thief.get_as_script().error == "sign_in_required"


def test_a_failed_sign_in_to_another_account_does_not_mix_up_sessions(env: Environment) -> None:
    env.administrator("bob@example.com")
    ann = env.person()
    assert ann.sign_in(email="bob@example.com", password="guess").error == "wrong_credentials"
    assert ann.get_as_script().status in (200, 401)
    assert ann.sign_in(email="bob@example.com").status == 200
    assert ann.address() == "bob@example.com"


def test_a_form_without_a_csrf_token_changes_nothing(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert ann.post("/cms/login/", {"email": ann.email, "password": PASSWORD}, token="").error == "csrf_failed"
    assert ann.sign_in().status == 200
    assert ann.post("/cms/logout/", token="").error == "csrf_failed"
    assert ann.address() == "ann@example.com"


def test_the_csrf_token_of_one_browser_is_invalid_in_another(env: Environment) -> None:
    ann, thief = env.person(), env.visitor()
    assert ann.post("/cms/email_captcha/", {"email": "new@example.com"}, token=thief.token()).error == "csrf_failed"


@pytest.mark.parametrize(
    "sent",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8080"},
    ],
    ids=str,
)
def test_a_form_from_another_site_is_refused_even_with_a_csrf_token(
    sqlite_env: Environment, sent: dict[str, str]
) -> None:
    ann = sqlite_env.person()
    answer = ann.post_raw("/cms/email_captcha/", b"email=new@example.com", headers=sent)
    assert (answer.status, answer.error) == (403, "forbidden")
    assert ann.pending() is None


@pytest.mark.parametrize("sent", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}], ids=str)
def test_a_form_from_the_same_site_is_accepted(sqlite_env: Environment, sent: dict[str, str]) -> None:
    ann = sqlite_env.person()
    assert ann.post_raw("/cms/email_captcha/", b"email=new@example.com", headers=sent).status == 200


def test_two_browsers_of_one_account_are_two_sessions(env: Environment) -> None:
    first = env.person()
    second = env.signed_in("ann@example.com")
    assert first.sign_out().status == 200
    assert second.address() == "ann@example.com"


def test_a_forged_cookie_is_not_a_session(env: Environment) -> None:
    ann = env.person()
    value = ann.browser.cookies["session"]
    for forged in (value[:-1], value[1:], value.replace(".", "", 1), "x", ""):
        thief = Person(InProcess(env.app), "thief@example.com")
        thief.browser.cookies["session"] = forged
        assert thief.get_as_script().error == "sign_in_required"


def test_correct_passwords_do_not_spend_the_tries_of_a_network(env: Environment) -> None:
    """Many administrators can share a network."""
    app = env.app_with(SIGN_IN_TRIES_PER_NETWORK="3")
    for number in range(5):
        env.administrator(f"p{number}@example.com")
        assert env.visitor(f"p{number}@example.com", app=app).sign_in().status == 200
    for _ in range(3):
        assert env.visitor("p0@example.com", app=app).sign_in(password="guess").error == "wrong_credentials"
    assert env.visitor("p0@example.com", app=app).sign_in().error == "too_many_requests"


def test_spent_tries_of_a_network_affect_neither_sessions_nor_known_browsers(env: Environment) -> None:
    app = env.app_with(SIGN_IN_TRIES_PER_NETWORK="3")
    ann, known = env.person(app=app), env.signed_in("ann@example.com", app=app)
    known.sign_out()
    for number in range(5):
        env.visitor(app=app).sign_in(email=f"a{number}@example.com", password="guess")
    assert env.visitor("ann@example.com", app=app).sign_in().error == "too_many_requests"
    assert ann.reauth().status == 200
    other = {"oldpwd": PASSWORD, "password": "another password", "repetition": "another password"}
    assert ann.post("/cms/resetpwd/", other).status == 200
    assert (
        known.sign_in(password="another password").error == "too_many_requests"
    )  # Its mark belongs to the old password.
    ann.sign_out()
    assert ann.sign_in(password="another password").status == 200


def test_a_try_that_the_account_refuses_is_not_counted_against_the_network(env: Environment) -> None:
    app = env.build(SIGN_IN_TRIES_PER_NETWORK="12")
    env.administrator("ann@example.com")
    env.administrator("bob@example.com")
    for _ in range(40):
        env.visitor("ann@example.com", app=app).sign_in(password="guess")
    assert env.visitor("bob@example.com", app=app).sign_in().status == 200


@pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
def test_signing_out_clears_the_data_of_the_browser_except_its_mark(env: Environment, script: bool) -> None:
    ann = env.person(script=script)
    mark = ann.browser.cookies["session_browser"]
    ann.token()
    answer = ann.browser.send(
        "POST",
        "/cms/logout/",
        f"csrf_token={ann.token()}".encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert ann.browser.cookies["session_browser"] == mark
    assert "Clear-Site-Data" not in ann.page("/cms/login/").headers


def test_clear_site_data_is_sent_only_over_https(env: Environment) -> None:
    app = env.build(TRUSTED_HOSTS="cms.example.com", TRUSTED_PROXIES="1")
    env.administrator("ann@example.com")
    for scheme in ("http", "https"):
        ann = env.visitor("ann@example.com", app=app)
        ann.browser.headers |= {"Host": "cms.example.com", "X-Forwarded-Proto": scheme}
        assert ann.sign_in().status == 200
        assert ("Clear-Site-Data" in ann.sign_out().headers) == (scheme == "https")


@pytest.mark.parametrize(("value", "directive"), [("no", ""), ("yes", "; includeSubDomains")])
def test_in_production_hsts_includes_subdomains_according_to_the_setting(
    env: Environment, value: str, directive: str
) -> None:
    ann = env.visitor(app=env.build(**PRODUCTION, HSTS_SUBDOMAINS=value, TRUSTED_PROXIES="1"))
    ann.browser.headers["X-Forwarded-Proto"] = "https"
    assert ann.page("/cms/login/").headers["Strict-Transport-Security"] == f"max-age=31536000{directive}"


def stored_hash(env: Environment) -> str:
    """Return the stored password hash of ann."""
    return env.account("ann").password_hash


def test_an_outdated_password_hash_is_replaced_at_the_next_sign_in(env: Environment) -> None:
    other = env.person()
    old = PasswordHasher(memory_cost=16, time_cost=3, parallelism=2).hash(PASSWORD)
    env.update_account("ann@example.com", password_hash=old)
    ann = env.visitor("ann@example.com")
    assert ann.sign_in(password="wrong").error == "wrong_credentials"
    assert stored_hash(env) == old  # An incorrect password does not replace the hash.
    history = [event for (event,) in env.rows(select(Audit.event).order_by(Audit.id))]
    assert ann.sign_in().status == 200
    new = stored_hash(env)
    assert new != old
    parameters = extract_parameters(new)
    hasher = passwords.HASHER
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        hasher.memory_cost,
        hasher.time_cost,
        hasher.parallelism,
    )
    assert other.address() == "ann@example.com"  # The password has not changed: sessions remain,
    directive = [event for (event,) in env.rows(select(Audit.event).order_by(Audit.id))]
    assert directive == [*history, "signed_in"]  # and nothing else is recorded.
    assert env.visitor("ann@example.com").sign_in().status == 200
    assert stored_hash(env) == new
    assert env.visitor("ann@example.com").sign_in(password="wrong").error == "wrong_credentials"
