"""The number of statements, commits and cache round trips of each request."""

import pytest

from tests.actors import different_code
from tests.environments import Environment
from tests.work import count_steps, record_steps

OLD, NEW = "ann@example.com", "new@example.com"
# SQL statements of four use cases that write. Change a number only with a reason. Each use case reads its session again
# under the lock, so that nothing happens if the session has ended in the meantime.
REQUEST_CODE, WRONG_CODE, CHANGE, SIGN_IN = 8, 8, 12, 6


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
