"""Signing in, sessions, confirming the password, signing out."""

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
def test_the_spelling_of_an_address_does_not_matter_to_who_signs_in(env: Environment, typed: str) -> None:
    env.administrator("ann@example.com")
    assert env.visitor("ann@example.com").sign_in(email=typed).status == 200


def test_a_password_is_taken_as_it_is_typed(env: Environment) -> None:
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


def test_who_is_disabled_is_out_at_once(env: Environment) -> None:
    ann = env.person()
    env.update_account("ann@example.com", is_active=False)
    assert ann.get_as_script().error == "sign_in_required"


@pytest.mark.parametrize("path", ["/cms/resetemail/", "/cms/resetemail/?a=1&b=2", "/cms/"])
def test_the_sign_in_leads_to_the_page_that_was_requested(env: Environment, path: str) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert ann.sign_in(next=path).data["next"] == path


@pytest.mark.parametrize("path", FOREIGN)
def test_nobody_is_sent_to_a_foreign_site_after_signing_in(sqlite_env: Environment, path: str) -> None:
    sqlite_env.administrator("ann@example.com")
    ann = sqlite_env.visitor("ann@example.com")
    assert ann.sign_in(next=path).data["next"] == "/cms/"
    assert ann.reauth(next=path).data["next"] == "/cms/"


@pytest.mark.parametrize("path", FOREIGN)
def test_nobody_is_sent_to_a_foreign_site_by_opening_the_sign_in_page(sqlite_env: Environment, path: str) -> None:
    ann = sqlite_env.person()
    assert ann.browser._client.get("/cms/login/", query_string={"next": path}).status_code == 200
    answer = ann.browser._client.get(
        "/cms/login/", query_string={"next": path}, headers={"Cookie": f"session={ann.browser.cookies['session']}"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/cms/")


def test_a_closed_page_leads_over_the_sign_in_page_and_back(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com", script=False)
    answer = ann.page("/cms/resetemail/?from=mail", follow=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/cms/login/?next=/cms/resetemail/?from%3Dmail")
    assert ann.sign_in(next="/cms/resetemail/?from=mail").path == "/cms/resetemail/?from=mail"


def test_a_script_never_gets_a_sign_in_page_as_a_success(env: Environment) -> None:
    answer = env.visitor().get_as_script()
    assert (answer.status, answer.error) == (401, "sign_in_required")


def test_ten_tries_an_account_from_wherever_they_come(env: Environment) -> None:
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


def test_fifty_tries_a_network_whomever_they_try(env: Environment) -> None:
    app = env.build(SIGN_IN_TRIES_PER_NETWORK="7")
    env.administrator("ann@example.com")
    for number in range(7):
        thief = env.visitor(app=app, network=f"2001:db8:1:2::{number + 1}")  # One subscriber has a whole /64.
        assert thief.sign_in(email=f"a{number}@example.com", password="guess").error == "wrong_credentials"
    refused = env.visitor(app=app, network="2001:db8:1:2:ffff::1").sign_in(email="ann@example.com")
    assert refused.error == "too_many_requests"
    assert env.visitor(app=app, network="2001:db8:1:3::1").sign_in(email="ann@example.com").status == 200


def test_who_signs_in_begins_to_count_anew(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    for _ in range(2):
        for _ in range(9):
            assert ann.sign_in(password="guess").error == "wrong_credentials"
        assert ann.sign_in().status == 200
        ann.browser.cookies.clear()  # A browser that is known here has tries of its own.
        ann.discard_token()


def test_strangers_cannot_lock_the_owner_out_of_a_browser_that_was_used_before(env: Environment) -> None:
    ann = env.person()
    ann.sign_out()
    for number in range(11):
        env.visitor(network=f"198.51.100.{number}").sign_in(email="ann@example.com", password="guess")
    assert env.visitor("ann@example.com").sign_in().error == "too_many_requests"
    assert ann.sign_in().status == 200


def test_a_mark_of_ones_own_account_gives_no_more_tries_on_another(env: Environment) -> None:
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


def test_the_password_cannot_be_guessed_through_reauth_either(env: Environment) -> None:
    ann = env.person()
    for _ in range(10):
        assert ann.reauth("guess").error == "password_wrong"
    assert ann.reauth().error == "too_many_requests"


def cookie_of(person: Person, answer_of: str = "/cms/login/", **fields: str) -> SimpleCookie:
    """Sign in and return the cookie as it was set, with all its attributes."""
    token = person.token()
    answer = person.post(answer_of, {"email": person.email, "password": PASSWORD, **fields}, token=token)
    assert answer.status == 200, answer
    cookies = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        cookies.load(line)
    return cookies


def test_the_cookie_is_hidden_from_scripts_and_from_other_sites(env: Environment) -> None:
    env.administrator("ann@example.com")
    cookie = cookie_of(env.visitor("ann@example.com"))["session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["expires"], cookie["domain"]) == (True, "Lax", "", "")


def test_in_production_the_cookie_travels_on_https_only(env: Environment) -> None:
    app = env.app_with(**PRODUCTION)
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com", app=app)
    cookie = cookie_of(ann)["__Host-session"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_remember_me_outlives_the_browser(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert cookie_of(ann, remember="y")["session"]["expires"]
    env.clock.advance(days=13)
    assert ann.address() == "ann@example.com"


def test_a_session_begins_with_a_new_cookie(env: Environment) -> None:
    """A cookie that somebody planted before is worth nothing after."""
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    ann.token()
    planted = dict(ann.browser.cookies)
    ann.sign_in()
    thief = env.visitor()
    thief.browser.cookies.update(planted)
    assert thief.get_as_script().error == "sign_in_required"


def test_signing_out_ends_the_session_at_the_server(env: Environment) -> None:
    ann = env.person()
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    assert thief.address() == "ann@example.com"  # A stolen cookie is good while the session lives: that is a cookie.
    assert ann.sign_out().data["next"] == "/cms/login/"
    assert ann.get_as_script().error == "sign_in_required"
    assert thief.get_as_script().error == "sign_in_required"


def test_signing_in_again_ends_the_session_that_the_browser_had(env: Environment) -> None:
    ann = env.person()
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    assert ann.sign_in().status == 200
    assert ann.address() == "ann@example.com"
    assert thief.get_as_script().error == "sign_in_required"


def test_a_failed_try_to_sign_in_as_somebody_else_leaves_nobody_signed_in_as_both(env: Environment) -> None:
    env.administrator("bob@example.com")
    ann = env.person()
    assert ann.sign_in(email="bob@example.com", password="guess").error == "wrong_credentials"
    assert ann.get_as_script().status in (200, 401)
    assert ann.sign_in(email="bob@example.com").status == 200
    assert ann.address() == "bob@example.com"


def test_a_form_without_its_token_changes_nothing(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert ann.post("/cms/login/", {"email": ann.email, "password": PASSWORD}, token="").error == "csrf_failed"
    assert ann.sign_in().status == 200
    assert ann.post("/cms/logout/", token="").error == "csrf_failed"
    assert ann.address() == "ann@example.com"


def test_the_token_of_one_browser_is_no_good_in_another(env: Environment) -> None:
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
def test_a_form_from_a_foreign_site_is_refused_even_with_its_token(
    sqlite_env: Environment, sent: dict[str, str]
) -> None:
    ann = sqlite_env.person()
    answer = ann.post_raw("/cms/email_captcha/", b"email=new@example.com", headers=sent)
    assert (answer.status, answer.error) == (403, "forbidden")
    assert ann.pending() is None


@pytest.mark.parametrize("sent", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}], ids=str)
def test_a_form_from_our_own_site_is_taken(sqlite_env: Environment, sent: dict[str, str]) -> None:
    ann = sqlite_env.person()
    assert ann.post_raw("/cms/email_captcha/", b"email=new@example.com", headers=sent).status == 200


def test_two_browsers_of_one_person_are_two_sessions(env: Environment) -> None:
    first = env.person()
    second = env.signed_in("ann@example.com")
    assert first.sign_out().status == 200
    assert second.address() == "ann@example.com"


def test_a_forged_cookie_opens_nothing(env: Environment) -> None:
    ann = env.person()
    value = ann.browser.cookies["session"]
    for forged in (value[:-1], value[1:], value.replace(".", "", 1), "x", ""):
        thief = Person(InProcess(env.app), "thief@example.com")
        thief.browser.cookies["session"] = forged
        assert thief.get_as_script().error == "sign_in_required"


def test_right_passwords_do_not_spend_the_tries_of_a_network(env: Environment) -> None:
    """However many colleagues share an address, each of them signs in."""
    app = env.app_with(SIGN_IN_TRIES_PER_NETWORK="3")
    for number in range(5):
        env.administrator(f"p{number}@example.com")
        assert env.visitor(f"p{number}@example.com", app=app).sign_in().status == 200
    for _ in range(3):
        assert env.visitor("p0@example.com", app=app).sign_in(password="guess").error == "wrong_credentials"
    assert env.visitor("p0@example.com", app=app).sign_in().error == "too_many_requests"


def test_a_spent_network_stops_nobody_who_is_signed_in_or_whose_browser_is_known(env: Environment) -> None:
    app = env.app_with(SIGN_IN_TRIES_PER_NETWORK="3")
    ann, known = env.person(app=app), env.signed_in("ann@example.com", app=app)
    known.sign_out()
    for number in range(5):
        env.visitor(app=app).sign_in(email=f"a{number}@example.com", password="guess")
    assert env.visitor("ann@example.com", app=app).sign_in().error == "too_many_requests"
    assert ann.reauth().status == 200
    other = {"oldpwd": PASSWORD, "password": "another password", "repetition": "another password"}
    assert ann.post("/cms/resetpwd/", other).status == 200
    assert known.sign_in(password="another password").error == "too_many_requests"  # Its mark was of the old password.
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
def test_signing_out_has_the_browser_delete_what_it_kept_and_stay_a_known_one(env: Environment, script: bool) -> None:
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


def test_without_tls_a_browser_is_not_told_to_delete_what_it_would_not(env: Environment) -> None:
    app = env.build(TRUSTED_HOSTS="cms.example.com", TRUSTED_PROXIES="1")
    env.administrator("ann@example.com")
    for scheme in ("http", "https"):
        ann = env.visitor("ann@example.com", app=app)
        ann.browser.headers |= {"Host": "cms.example.com", "X-Forwarded-Proto": scheme}
        assert ann.sign_in().status == 200
        assert ("Clear-Site-Data" in ann.sign_out().headers) == (scheme == "https")


@pytest.mark.parametrize(("written", "told"), [("no", ""), ("yes", "; includeSubDomains")])
def test_production_tells_browsers_to_use_https_for_as_much_as_the_setting_says(
    env: Environment, written: str, told: str
) -> None:
    ann = env.visitor(app=env.build(**PRODUCTION, HSTS_SUBDOMAINS=written, TRUSTED_PROXIES="1"))
    ann.browser.headers["X-Forwarded-Proto"] = "https"
    assert ann.page("/cms/login/").headers["Strict-Transport-Security"] == f"max-age=31536000{told}"


def stored_hash(env: Environment) -> str:
    """Return what is kept of ann's password."""
    return env.account("ann").password_hash


def test_a_password_kept_under_old_parameters_is_hashed_anew_at_the_next_sign_in(env: Environment) -> None:
    other = env.person()
    old = PasswordHasher(memory_cost=16, time_cost=3, parallelism=2).hash(PASSWORD)
    env.update_account("ann@example.com", password_hash=old)
    ann = env.visitor("ann@example.com")
    assert ann.sign_in(password="wrong").error == "wrong_credentials"
    assert stored_hash(env) == old  # Only who knows the password can have it hashed.
    history = [event for (event,) in env.rows(select(Audit.event).order_by(Audit.id))]
    assert ann.sign_in().status == 200
    new = stored_hash(env)
    assert new != old
    parameters = extract_parameters(new)
    wanted = passwords.HASHER
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        wanted.memory_cost,
        wanted.time_cost,
        wanted.parallelism,
    )
    assert other.address() == "ann@example.com"  # The password is the same one: nobody is signed out,
    told = [event for (event,) in env.rows(select(Audit.event).order_by(Audit.id))]
    assert told == [*history, "signed_in"]  # and there is nothing to tell.
    assert env.visitor("ann@example.com").sign_in().status == 200
    assert stored_hash(env) == new
    assert env.visitor("ann@example.com").sign_in(password="wrong").error == "wrong_credentials"
