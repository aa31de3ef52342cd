"""Actions that require a fresh session: the password was confirmed within ten minutes."""

import re
from collections.abc import Callable

import pytest

from models import Audit, EmailChange, db
from tests.actors import Answer, Person
from tests.environments import Environment

OLD, NEW = "ann@example.com", "new@example.com"
ACTIONS: dict[str, Callable[[Person], Answer]] = {
    "request a code": lambda person: person.ask(NEW),
    "confirm": lambda person: person.confirm(NEW, "123456"),
    "cancel": lambda person: person.cancel(),
    "end a session": lambda person: person.post("/cms/security/sessions/1/end/"),
    "end all others": lambda person: person.post("/cms/security/sessions/end_others/"),
}
EACH_ACTION = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())


def list_events(env: Environment) -> list[tuple[str, int]]:
    """Return the events of all histories with their counts."""
    return [(row.event, row.times) for row in env.rows(db.select(Audit.event, Audit.times).order_by(Audit.id))]


@EACH_ACTION
def test_after_ten_minutes_the_password_is_required_again(env: Environment, action: Callable[[Person], Answer]) -> None:
    ann = env.person()
    ann.token()
    env.clock.advance(seconds=600)
    assert action(ann).error != "reauth_required"
    env.clock.advance(seconds=1)
    refused = action(ann)
    assert (refused.status, refused.error) == (401, "reauth_required")
    assert list_events(env)[-1] == ("reauth_required", 1)
    assert ann.reauth().status == 200
    assert action(ann).error != "reauth_required"


@EACH_ACTION
def test_without_scripts_the_action_continues_after_the_password(
    env: Environment, action: Callable[[Person], Answer]
) -> None:
    ann = env.person(script=False)
    ann.token()
    env.clock.advance(seconds=601)
    refused = action(ann)
    assert refused.status == 401
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', refused.text))
    del fields["csrf_token"]
    env.clock.advance(seconds=1)
    done = ann.reauth(**fields)
    assert "reauth" not in done.path
    assert done.status in (200, 400)  # 400 is the response to the incorrect code.
    assert ("password_proved", 1) in list_events(env)


def test_a_stale_session_can_open_pages_and_sign_out(env: Environment) -> None:
    ann = env.person()
    env.clock.advance(seconds=3000)
    assert ann.address() == OLD
    assert ann.page("/cms/security/").status == 200
    assert ann.sign_out().status == 200


def test_confirming_the_password_affects_only_its_session(env: Environment) -> None:
    ann, other = env.person(), env.signed_in(OLD)
    env.clock.advance(seconds=601)
    assert other.reauth().status == 200
    assert ann.ask(NEW).error == "reauth_required"
    assert other.ask(NEW).status == 200


def test_a_sign_in_with_another_browser_does_not_make_a_session_fresh(env: Environment) -> None:
    ann = env.person()
    env.clock.advance(seconds=601)
    env.signed_in(OLD)
    assert ann.ask(NEW).error == "reauth_required"


def test_opening_pages_does_not_extend_the_ten_minutes(env: Environment) -> None:
    ann = env.person()
    for _ in range(6):
        env.clock.advance(seconds=101)
        ann.page()
    assert ann.ask(NEW).error == "reauth_required"


def test_the_time_limit_is_a_setting(env: Environment) -> None:
    ann = env.person(app=env.build(REAUTH_SECONDS="30"))
    ann.token()
    env.clock.advance(seconds=30)
    assert ann.ask(NEW).status == 200
    env.clock.advance(seconds=1)
    assert ann.cancel().error == "reauth_required"


def test_an_incorrect_password_is_recorded_and_the_session_stays_stale(env: Environment) -> None:
    ann = env.person()
    env.clock.advance(seconds=601)
    for typed in ("guess", "", " " + ann.password, ann.password.upper()):
        assert ann.reauth(typed).status == 400
    assert ann.ask(NEW).error == "reauth_required"
    assert list_events(env)[-2:] == [("password_wrong", 3), ("reauth_required", 1)]


def test_incorrect_passwords_are_throttled_and_recorded(env: Environment) -> None:
    ann = env.person()
    for _ in range(10):
        assert ann.reauth("guess").error == "password_wrong"
    refused = ann.reauth()
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == str(refused.data["retry_after"])
    assert list_events(env)[-2:] == [("password_wrong", 10), ("too_many_requests", 1)]
    env.clock.advance(seconds=refused.data["retry_after"])
    assert ann.reauth().status == 200


def test_incorrect_passwords_in_one_browser_do_not_lock_another_out(env: Environment) -> None:
    thief, ann = env.person(), env.signed_in(OLD)
    for _ in range(11):
        thief.reauth("guess")
    assert thief.reauth().error == "too_many_requests"
    assert ann.reauth().status == 200


def test_confirming_the_password_renews_the_cookie_and_keeps_forms_valid(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    assert ann.reauth().status == 200
    assert thief.get_as_script().error == "sign_in_required"
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200  # The CSRF token of the page is still valid.


def test_a_code_that_requires_the_password_first_counts_no_try_and_remains_valid(env: Environment) -> None:
    ann = env.person()
    env.clock.advance(seconds=300)
    ann.ask(NEW)
    code = env.code_to(NEW)
    env.clock.advance(seconds=301)
    for _ in range(12):
        assert ann.confirm(NEW, code).error == "reauth_required"
    assert env.rows(db.select(EmailChange.tries)) == [(0,)]
    ann.reauth()
    assert ann.confirm(NEW, code).status == 200


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
def test_the_page_does_not_redirect_to_another_site(sqlite_env: Environment, path: str) -> None:
    ann = sqlite_env.person(script=False)
    answer = ann.browser.send("GET", "/cms/login/")
    assert answer.status in (200, 302)
    ann.token()
    body = {"password": ann.password, "resume": path, "next": path, "csrf_token": ann.token()}
    sent = ann.post("/cms/reauth/", body)
    assert (sent.status, sent.path) == (200, "/cms/")


def test_confirming_the_password_requires_a_session(env: Environment) -> None:
    env.administrator(OLD)
    stranger = env.visitor(OLD)
    assert stranger.reauth().error == "sign_in_required"
    assert stranger.ask(NEW).error == "sign_in_required"
