"""SECOND_FACTOR requires a second factor of some or all administrators, after a grace period."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from models import Audit, LoginSession
from tests.actors import WITHOUT_BODY, Person, text_of
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, act, history, id_of, superuser
from tests.stories.factor_steps import add_app, add_passkey
from tests.work import count_steps, record_steps

ANN = "ann@example.com"
OPEN_TO_SET_UP = {
    *("cms_auth.logout", "cms_auth.reauth", "cms_auth.reauth_post", "cms_security.security"),
    *(
        "cms_factors.passkey_options",
        "cms_factors.add_passkey",
        "cms_factors.set_up_app",
        "cms_factors.app",
        "cms_factors.add_app",
    ),
}


def app_requiring(env: Environment, who: str = "all", days: int = 0) -> Flask:
    """Return the application with this policy."""
    return env.app_with(SECOND_FACTOR=who, SECOND_FACTOR_GRACE_DAYS=str(days))


def is_blocked(person: Person) -> bool:
    """Return whether a person can use nothing but the set-up of a second factor."""
    answer = person.get_as_script("/cms/")
    assert answer.status == 200 or answer.error == "second_factor_required", answer
    return answer.status == 403


def events_of(env: Environment, email: str = ANN) -> list[str]:
    """Return the names of the events in the history of an account."""
    return [row.event for row in history(env, id_of(env, email))]


def test_who_must_have_one_can_use_nothing_but_its_set_up(env: Environment) -> None:
    """Walks all routes, so that a new view is included."""
    superuser(env)
    boss = env.signed_in(BOSS, app=app_requiring(env))
    views, tested = env.app.view_functions, set()
    for rule in env.app.url_map.iter_rules():
        if getattr(views[rule.endpoint], "open_to_all", False):
            continue
        path = re.sub(r"<[^>]+>", "1", str(rule))
        for method in (rule.methods or set()) & {"GET", "POST"}:
            if rule.endpoint in OPEN_TO_SET_UP:
                tested.add(rule.endpoint)
                continue
            answer = boss.get_as_script(path) if method == "GET" else boss.post(path)
            assert answer.status == 403, (method, path)
            assert path == WITHOUT_BODY or answer.error == "second_factor_required", (method, path)
            if method == "GET" and path != WITHOUT_BODY:
                page = boss.page(path, follow=False)
                assert (page.status, page.headers["Location"]) == (303, "/cms/security/"), path
    assert tested == OPEN_TO_SET_UP
    assert {name for name, view in views.items() if hasattr(view, "open_to_set_up")} == OPEN_TO_SET_UP


def test_the_page_of_security_says_why_and_hides_sessions_and_history(env: Environment) -> None:
    env.administrator(ANN)
    ann = env.signed_in(ANN, app=app_requiring(env), script=False)
    ann.browser.headers["Accept-Language"] = "en"
    page = ann.page("/cms/profile/")
    assert page.path == "/cms/security/"
    assert 'id="refused"' not in page.text
    assert "Until you have set it up, you can use nothing else here." in page.text
    assert "sessions-heading" not in page.text
    assert "history-heading" not in page.text
    assert 'href="/cms/profile/"' not in page.text


def test_a_refused_action_is_named_on_the_page_of_security(env: Environment) -> None:
    env.administrator(ANN)
    ann = env.signed_in(ANN, app=app_requiring(env), script=False)
    ann.browser.headers["Accept-Language"] = "en"
    page = ann.post("/cms/security/sessions/end_others/")
    assert page.path == "/cms/security/"
    assert "Set up two-step verification first." in page.text


@pytest.mark.parametrize("add", [lambda _, ann: add_passkey(ann), add_app])
def test_after_the_set_up_everything_can_be_used(
    env: Environment, add: Callable[[Environment, Person], object]
) -> None:
    env.administrator(ANN)
    ann = env.signed_in(ANN, app=app_requiring(env))
    assert is_blocked(ann)
    add(env, ann)
    assert not is_blocked(ann)
    assert env.account("ann").factor_required_at is None


def test_who_must_have_one_can_confirm_the_password_and_sign_out(env: Environment) -> None:
    env.administrator(ANN)
    ann = env.signed_in(ANN, app=app_requiring(env))
    env.clock.advance(minutes=11)
    assert ann.post("/cms/security/app/set_up/").error == "reauth_required"
    assert ann.reauth().status == 200
    assert ann.post("/cms/security/app/set_up/").status == 200
    assert ann.sign_out().status == 200


def test_the_policy_for_superusers_applies_to_no_editor(env: Environment) -> None:
    app = app_requiring(env, "superusers")
    superuser(env)
    env.administrator(ANN)
    assert is_blocked(env.signed_in(BOSS, app=app))
    assert not is_blocked(env.signed_in(ANN, app=app))


def test_an_editor_who_becomes_a_superuser_gets_a_grace_period(env: Environment) -> None:
    app = app_requiring(env, "superusers", days=7)
    superuser(env)
    env.administrator(ANN)
    env.update_account(ANN, factor_required_at=env.clock.now())  # From an earlier time as a superuser.
    env.clock.advance(days=8)
    boss, ann = env.signed_in(BOSS, app=app), env.signed_in(ANN, app=app)
    assert not is_blocked(ann)
    assert act(boss, env, ANN, "role", role="superuser").status == 200
    assert not is_blocked(ann)
    env.clock.advance(days=6, hours=23)
    assert not is_blocked(env.signed_in(ANN, app=app))
    env.clock.advance(hours=2)
    assert is_blocked(env.signed_in(ANN, app=app))


def test_the_grace_period_begins_with_the_first_request_under_the_policy(env: Environment) -> None:
    app = app_requiring(env, days=14)
    env.administrator(ANN)
    env.clock.advance(days=300)
    before, ann = env.signed_in(ANN), env.visitor(ANN, app=app)
    ann.browser.cookies = before.browser.cookies  # The operator has changed the setting.
    assert env.account("ann").factor_required_at is None
    began_at = env.clock.now()
    assert not is_blocked(ann)
    assert env.account("ann").factor_required_at == began_at
    env.clock.advance(days=13)
    assert not is_blocked(env.signed_in(ANN, app=app))
    assert env.account("ann").factor_required_at == began_at
    env.clock.advance(days=1)
    assert is_blocked(env.signed_in(ANN, app=app))


def test_during_the_grace_period_every_page_says_until_when(env: Environment) -> None:
    app = app_requiring(env, days=14)
    env.administrator(ANN)
    ann = env.signed_in(ANN, app=app)
    due = (env.clock.now() + timedelta(days=14)).isoformat()
    ann.browser.headers["Accept-Language"] = "en"
    for path in ("/cms/", "/cms/profile/", "/cms/resetemail/", "/cms/resetpwd/", "/cms/security/"):
        page = ann.page(path).text
        assert 'Your organization requires two-step verification. Set it up by <time datetime="' + due in page, path


def test_a_block_at_sign_in_is_recorded_and_mailed_once(env: Environment) -> None:
    app = app_requiring(env, days=1)
    env.administrator(ANN)
    env.update_account(ANN, language="en")
    env.signed_in(ANN, app=app)
    env.clock.advance(days=1)
    for _ in range(3):
        assert is_blocked(env.signed_in(ANN, app=app))
    env.clock.advance(hours=1)
    ann = env.signed_in(ANN, app=app)
    assert events_of(env).count("second_factor_required") == 2  # The first three were counted in one row.
    times = select(Audit.times).where(Audit.event == "second_factor_required").order_by(Audit.number)
    assert [row.times for row in env.rows(times)] == [3, 1]
    mails = [text_of(mail) for mail in env.mail_to(ANN) if "requires two-step" in str(mail["Subject"])]
    assert len(mails) == 1
    assert ann.post("/cms/profile/").error == "second_factor_required"
    assert events_of(env).count("second_factor_required") == 2


def test_the_last_second_factor_cannot_be_removed(env: Environment) -> None:
    env.administrator(ANN)
    ann = env.signed_in(ANN, app=app_requiring(env))
    add_app(env, ann)
    add_passkey(ann)
    (passkey,) = re.findall(r"/cms/security/passkeys/(\d+)/remove/", ann.page("/cms/security/").text)
    assert ann.post("/cms/security/app/remove/").status == 200
    answer = ann.post(f"/cms/security/passkeys/{passkey}/remove/")
    assert (answer.status, answer.error) == (409, "last_factor")
    assert ann.post("/cms/security/passkeys/999/remove/").status == 200  # Removed before.
    assert env.account("ann").has_second_factor
    assert events_of(env)[-1] == "last_factor"
    ann.script = False
    page = ann.post(f"/cms/security/passkeys/{passkey}/remove/")
    assert (page.status, "passkeys-heading" in page.text) == (409, True)


def test_without_a_policy_the_last_second_factor_can_be_removed(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    assert ann.post("/cms/security/app/remove/").status == 200


def test_the_policy_costs_no_statement_for_whom_it_does_not_require_one(env: Environment) -> None:
    """Those who have one, and those whom it does not concern, are decided by columns that are loaded anyway."""
    app = app_requiring(env, "superusers", days=14)
    superuser(env)
    env.administrator(ANN)
    boss = env.signed_in(BOSS, app=app)
    add_passkey(boss)
    for person in (boss, env.signed_in(ANN, app=app)):
        with record_steps(app) as steps:
            assert person.get_as_script().status == 200
        assert count_steps(steps) == (2, 0, 0)


def test_a_blocked_session_gets_no_second_one_by_a_link(env: Environment) -> None:
    """A forgotten password does not lead around the policy."""
    app = app_requiring(env)
    env.administrator(ANN)
    env.visitor(app=app).post("/cms/forgotpwd/", {"email": ANN})
    other = "another password of mine"
    visitor = env.visitor(ANN, app=app)
    visitor.post(env.links_to(ANN, "forgotpwd")[-1], {"password": other, "repetition": other})
    visitor.discard_token()
    assert visitor.sign_in(password=other).status == 200
    assert is_blocked(visitor)
    assert len(env.rows(select(LoginSession.id))) == 1
