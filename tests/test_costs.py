"""The number of statements, commits and cache round trips of each request."""

import pytest

from tests.actors import PAGE, SCRIPT, different_code
from tests.authenticators import options_on
from tests.environments import Environment
from tests.stories.admin_steps import id_of, superuser
from tests.stories.factor_steps import add_app, add_passkey, code_of, set_up_app, sign_in_first_step, wrong_code
from tests.work import count_steps, record_steps

OLD, NEW = "ann@example.com", "new@example.com"
# SQL statements of four use cases that write. Change a number only with a reason. Each use case reads its session again
# under the lock, so that nothing happens if the session has ended in the meantime.
REQUEST_CODE, WRONG_CODE, CHANGE, SIGN_IN = 8, 7, 10, 6


def test_the_pending_change_as_json_takes_two_queries(env: Environment) -> None:
    ann = env.person()
    with record_steps(env.app) as steps:
        assert ann.get_as_script().status == 200
    assert count_steps(steps) == (2, 0, 0)


def test_the_start_page_takes_one_more_query_with_a_pending_change(env: Environment) -> None:
    ann = env.person()
    for expected in (2, 3):
        with record_steps(env.app) as steps:
            assert ann.page("/cms/").status == 200
        assert count_steps(steps) == (expected, 0, 0)
        ann.ask(NEW)


def test_the_settings_page_takes_one_query_more_with_a_pending_change(env: Environment) -> None:
    """The session; the change and whether the day's tries are spent; the budgets of the change."""
    ann = env.person()
    for expected in (2, 3):
        with record_steps(env.app) as steps:
            assert ann.page().status == 200
        assert count_steps(steps) == (expected, 0, 0)
        ann.ask(NEW)


def test_requests_without_a_session_take_no_query(env: Environment) -> None:
    visitor = env.visitor()
    visitor.token()
    with record_steps(env.app) as steps:
        assert visitor.ask(NEW).status == 401
        assert visitor.page("/cms/login/").status == 200
        assert visitor.get_as_script("/healthz").status == 200
    assert count_steps(steps) == (0, 0, 0)


def test_forward_authentication_takes_one_statement(env: Environment) -> None:
    """Also for a role, for a page that is refused, and with a second factor; the cache is not used."""
    ann, boss = env.person(), superuser(env)
    add_passkey(boss)
    for person, query, status in ((ann, "", 204), (ann, "?role=superuser", 403), (boss, "?role=superuser", 204)):
        for method, headers in (("GET", PAGE), ("GET", SCRIPT), ("HEAD", PAGE)):
            with record_steps(env.app) as steps:
                assert person.browser.send(method, f"/cms/session/{query}", headers=headers).status == status
            assert count_steps(steps) == (1, 0, 0)
            assert not [step for step in steps if step.kind == "password"]


def test_forward_authentication_of_strangers_takes_no_statement(env: Environment) -> None:
    """Neither without a cookie, nor with one that is not signed or has no session."""
    forger, pending = env.visitor(), env.visitor()
    forger.browser.cookies["session"] = env.person().browser.cookies["session"][:-2] + "AB"
    pending.token()
    with record_steps(env.app) as steps:
        for person in (env.visitor(), forger, pending):
            for query in ("", "?role=superuser", "?redirect=yes"):
                assert person.page(f"/cms/session/{query}", follow=False).status in (401, 303)
    assert steps == []


def test_an_invalid_form_takes_only_the_query_of_the_session(env: Environment) -> None:
    ann = env.person()
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.ask("not an address").status == 400
        assert ann.confirm("not an address", "not a code").status == 400
    assert count_steps(steps) == (2, 0, 0)


def test_requesting_a_code_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.ask(NEW).status == 200
    assert count_steps(steps) == (REQUEST_CODE, 1, 2)


def test_a_wrong_code_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    wrong = different_code(env.code_to(NEW))
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.confirm(NEW, wrong).error == "code_wrong"
    assert count_steps(steps) == (WRONG_CODE, 1, 1)


def test_the_change_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.confirm(NEW, code).status == 200
    assert count_steps(steps) == (CHANGE, 1, 2)


def test_ending_other_sessions_takes_one_more_statement(env: Environment) -> None:
    ann = env.person()
    env.signed_in(OLD)
    ann.ask(NEW)
    code = env.code_to(NEW)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.confirm(NEW, code).status == 200
    assert count_steps(steps) == (CHANGE + 1, 1, 2)


def test_a_taken_address_takes_as_many_steps_as_a_free_one(env: Environment) -> None:
    """Not only the responses are equal, but also the time that they take."""
    env.administrator("owner@example.com")
    # The first request creates the shared counters, which takes additional steps.
    assert env.person("first@example.com").ask("free@example.com").status == 200
    counts = []
    for name, email in (("ann", NEW), ("bob", "owner@example.com")):
        person = env.person(f"{name}@example.com")
        person.token()
        with record_steps(env.app) as steps:
            assert person.ask(email).status == 200
        counts.append(count_steps(steps))
    assert counts[0] == counts[1]


def test_a_sign_in_with_an_unknown_address_takes_as_many_steps_as_with_a_known_one(env: Environment) -> None:
    env.administrator(OLD)
    assert (
        env.visitor().sign_in(email="first@example.com").error == "wrong_credentials"
    )  # This creates the shared counter.
    counts: dict[str, list[tuple[int, int, int]]] = {OLD: [], "nobody@example.com": []}
    for email, counts_of_email in counts.items():
        for number in range(13):  # The last ones are throttled.
            visitor = env.visitor()
            visitor.token()
            with record_steps(env.app) as steps:
                word = "wrong_credentials" if number < 10 else "too_many_requests"
                assert visitor.sign_in(email=email, password="guess").error == word
            counts_of_email.append(count_steps(steps))
    assert counts[OLD] == counts["nobody@example.com"]


def test_signing_in_is_one_transaction(env: Environment) -> None:
    env.administrator(OLD)
    ann = env.visitor(OLD)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.sign_in().status == 200
    assert count_steps(steps) == (SIGN_IN, 1, 4)


@pytest.mark.parametrize("seconds", [30])
def test_the_last_use_of_a_session_is_committed_once_a_minute(env: Environment, seconds: int) -> None:
    ann = env.person()
    env.clock.advance(seconds=seconds)
    with record_steps(env.app) as steps:
        ann.get_as_script()
    assert count_steps(steps)[1] == 0
    env.clock.advance(seconds=61)
    with record_steps(env.app) as steps:
        ann.get_as_script()
    assert count_steps(steps)[1] == 1


def test_storing_a_time_zone_takes_no_additional_steps(env: Environment) -> None:
    env.administrator(OLD)
    ann = env.visitor(OLD)
    ann.browser.cookies["session_time_zone"] = "Asia/Shanghai"
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.sign_in().status == 200
    assert count_steps(steps) == (SIGN_IN, 1, 4)
    assert env.account("ann").time_zone == "Asia/Shanghai"
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.ask(NEW).status == 200
    assert count_steps(steps) == (REQUEST_CODE, 1, 2)


# Statements of the requests of second factors: the first step, and the second one with each of them.
FIRST_STEP, WITH_CODE, WITH_WRONG_CODE, WITH_RECOVERY_CODE, WITH_PASSKEY = 3, 12, 8, 18, 11


def test_the_first_of_two_steps_is_one_transaction(env: Environment) -> None:
    add_app(env, env.person())
    ann = env.visitor(OLD)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.sign_in().status == 200
    assert count_steps(steps) == (FIRST_STEP, 1, 5)  # The counter of the network exists already.


def test_the_second_step_with_a_code_is_one_transaction(env: Environment) -> None:
    app, _ = add_app(env, env.person())
    ann = sign_in_first_step(env, OLD)
    for fields, expected in (
        ({"code": wrong_code(env, app)}, WITH_WRONG_CODE),
        ({"code": code_of(env, app)}, WITH_CODE),
    ):
        ann.token()
        with record_steps(env.app) as steps:
            assert ann.post("/cms/login/second/", fields).status in (200, 400)
        assert count_steps(steps) == (expected, 1, 0)


def test_the_second_step_with_a_recovery_code_is_one_transaction(env: Environment) -> None:
    _, codes = add_app(env, env.person())
    ann = sign_in_first_step(env, OLD)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.post("/cms/login/second/", {"recovery_code": codes[0]}).status == 200
    assert count_steps(steps) == (WITH_RECOVERY_CODE, 1, 0)


def test_the_second_step_with_a_passkey_is_one_transaction(env: Environment) -> None:
    phone, _ = add_passkey(env.person())
    ann = sign_in_first_step(env, OLD)
    env.clock.advance(seconds=1)
    signed = phone.sign(options_on(ann.page("/cms/login/second/").text))
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.post("/cms/login/second/", {"passkey": signed}).status == 200
    assert count_steps(steps) == (WITH_PASSKEY, 1, 0)


def test_adding_an_app_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    app = set_up_app(ann)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.post("/cms/security/app/", {"code": code_of(env, app)}).status == 200
    assert count_steps(steps) == (16, 1, 0)  # One for the former addresses that are notified.


def test_a_page_takes_one_query_more_with_a_second_factor(env: Environment) -> None:
    """Whether somebody has started to remove the second factors, of which every page tells."""
    ann = env.person()
    add_passkey(ann)
    with record_steps(env.app) as steps:
        assert ann.page("/cms/").status == 200
    assert count_steps(steps) == (3, 0, 0)


def test_the_page_of_security_takes_no_query_more_without_a_second_factor(env: Environment) -> None:
    """The session; the sessions; the history. With a second factor: passkeys, the app, the number of codes, a reset."""
    ann = env.person()
    for expected in (3, 7):
        with record_steps(env.app) as steps:
            assert ann.page("/cms/security/").status == 200
        assert count_steps(steps) == (expected, 0, 0)
        add_passkey(ann)


@pytest.mark.parametrize("has_factor", [False, True])
def test_ending_sessions_takes_one_statement_more_with_a_second_factor(env: Environment, *, has_factor: bool) -> None:
    """Sign-ins that wait for a second factor end as well."""
    boss, ann = superuser(env), env.person()
    if has_factor:
        add_passkey(ann)
    for person, path, expected in (
        (ann, "/cms/security/sessions/end_others/", 5),
        (boss, f"/cms/users/{id_of(env, OLD)}/end_sessions/", 8),
    ):
        person.token()
        with record_steps(env.app) as steps:
            assert person.post(path, {"reason": "because"}).status == 200
        assert count_steps(steps) == (expected + has_factor, 1, 0)
