"""The number of statements, commits and cache round trips of each request."""

import pytest

from tests.actors import different_code
from tests.environments import Environment
from tests.work import count_steps, record_steps

OLD, NEW = "ann@example.com", "new@example.com"
# SQL statements of the four use cases that write. Whoever changes one changes its number here, and says why: each reads
# its session once more under the lock, so that one which ended meanwhile does nothing.
ASK, WRONG, CHANGE, SIGN_IN = 8, 8, 12, 6


def test_the_pending_change_as_json_takes_two_queries(env: Environment) -> None:
    ann = env.person()
    with record_steps(env.app) as steps:
        assert ann.get_as_script().status == 200
    assert count_steps(steps) == (2, 0, 0)


def test_the_start_page_takes_one_query_more_with_a_pending_change(env: Environment) -> None:
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


def test_a_visitor_without_a_session_costs_no_query(env: Environment) -> None:
    visitor = env.visitor()
    visitor.token()
    with record_steps(env.app) as steps:
        assert visitor.ask(NEW).status == 401
        assert visitor.page("/cms/login/").status == 200
        assert visitor.get_as_script("/healthz").status == 200
    assert count_steps(steps) == (0, 0, 0)


def test_a_request_that_a_form_refuses_takes_only_the_query_of_the_session(env: Environment) -> None:
    ann = env.person()
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.ask("no address").status == 400
        assert ann.confirm("no address", "no code").status == 400
    assert count_steps(steps) == (2, 0, 0)


def test_asking_for_a_code_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.ask(NEW).status == 200
    assert count_steps(steps) == (ASK, 1, 2)


def test_a_wrong_code_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    wrong = different_code(env.code_to(NEW))
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.confirm(NEW, wrong).error == "code_wrong"
    assert count_steps(steps) == (WRONG, 1, 1)


def test_the_change_is_one_transaction(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.confirm(NEW, code).status == 200
    assert count_steps(steps) == (CHANGE, 1, 2)


def test_a_taken_address_costs_as_much_as_a_free_one(env: Environment) -> None:
    """Not only the answers must be equal: who measures must learn nothing either."""
    env.administrator("owner@example.com")
    # The first one to be counted opens the counters that all share; that is not what is measured here.
    assert env.person("first@example.com").ask("free@example.com").status == 200
    found = []
    for name, email in (("ann", NEW), ("bob", "owner@example.com")):
        person = env.person(f"{name}@example.com")
        person.token()
        with record_steps(env.app) as steps:
            assert person.ask(email).status == 200
        found.append(count_steps(steps))
    assert found[0] == found[1]


def test_an_unknown_address_costs_the_sign_in_as_much_as_a_known_one(env: Environment) -> None:
    env.administrator(OLD)
    assert env.visitor().sign_in(email="first@example.com").error == "wrong_credentials"  # Opens the shared counter.
    found: dict[str, list[tuple[int, int, int]]] = {OLD: [], "nobody@example.com": []}
    for email, its in found.items():
        for number in range(13):  # The last ones are throttled.
            visitor = env.visitor()
            visitor.token()
            with record_steps(env.app) as steps:
                word = "wrong_credentials" if number < 10 else "too_many_requests"
                assert visitor.sign_in(email=email, password="guess").error == word
            its.append(count_steps(steps))
    assert found[OLD] == found["nobody@example.com"]


def test_signing_in_is_one_transaction(env: Environment) -> None:
    env.administrator(OLD)
    ann = env.visitor(OLD)
    ann.token()
    with record_steps(env.app) as steps:
        assert ann.sign_in().status == 200
    assert count_steps(steps) == (SIGN_IN, 1, 4)


@pytest.mark.parametrize("seconds", [30])
def test_a_page_within_a_minute_of_another_commits_nothing(env: Environment, seconds: int) -> None:
    ann = env.person()
    env.clock.advance(seconds=seconds)
    with record_steps(env.app) as steps:
        ann.get_as_script()
    assert count_steps(steps)[1] == 0
    env.clock.advance(seconds=61)
    with record_steps(env.app) as steps:
        ann.get_as_script()
    assert count_steps(steps)[1] == 1


def test_a_time_zone_that_is_remembered_costs_nothing(env: Environment) -> None:
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
    assert count_steps(steps) == (ASK, 1, 2)
