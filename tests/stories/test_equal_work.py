"""Neither the response of a public page nor its work reveals whether an address has an account.

The tests compare the sequences of SQL statements, commits, cache calls and password hashes. If these are the same, so
is the time, also on a busy machine. `test_equal_time.py` compares the times.
"""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from accounts import passwords
from tests.actors import Answer, Person
from tests.environments import Environment
from tests.stories.admin_steps import invite, superuser
from tests.work import Step, record_steps

KNOWN, DISABLED, LEFT, UNKNOWN = "owner@example.com", "gone1@example.com", "leave@example.com", "nobod@example.com"


def work_of(app: Flask, person: Person, act: Callable[[], Answer]) -> tuple[int, str | None, list[Step]]:
    """Return how a request was answered, and what was done for it."""
    person.token()
    with record_steps(app) as steps:
        answer = act()
    return answer.status, answer.error, steps


@pytest.fixture
def app(env: Environment) -> Flask:
    """Give the application, with somebody who has an address, and somebody who is disabled.

    It is early in an hour: throttles count by the clock, and the first of an hour opens its counter.
    """
    env.clock.at = env.clock.at.replace(minute=5)
    env.administrator(KNOWN)
    env.administrator(DISABLED)
    env.update_account(DISABLED, is_active=False)
    return env.app


@pytest.mark.parametrize("whose", [KNOWN, DISABLED])
def test_a_sign_in_is_the_same_work_for_nobody_as_for_somebody_throttled_or_not(
    env: Environment, app: Flask, whose: str
) -> None:
    def work(email: str) -> list[tuple[int, str | None, list[Step]]]:
        visitor = env.visitor(email, network="198.51.100.1" if email == whose else "198.51.100.2")
        return [work_of(app, visitor, lambda: visitor.sign_in(password="guess")) for _ in range(14)]

    first = env.visitor("first@example.com")
    assert first.sign_in().error == "wrong_credentials"
    found, missing = work(whose), work(UNKNOWN)
    assert [status for status, _, _ in found] == [400] * 10 + [429] * 4
    assert found == missing


def test_asking_for_a_password_link_is_the_same_work_for_nobody_as_for_somebody(env: Environment, app: Flask) -> None:
    def work(email: str) -> list[tuple[int, str | None, list[Step]]]:
        visitor = env.visitor(network="198.51.100.1" if email == KNOWN else "198.51.100.2")
        return [work_of(app, visitor, lambda: visitor.post("/cms/forgotpwd/", {"email": email})) for _ in range(5)]

    found = work(KNOWN)
    assert [status for status, _, _ in found] == [200] * 3 + [429] * 2
    assert found == work(UNKNOWN)


def test_the_first_sign_in_of_a_process_is_the_same_work_for_nobody_as_for_somebody(
    env: Environment, app: Flask
) -> None:
    """Work that a process does once does not depend on the first address."""

    def work(email: str) -> tuple[int, str | None, list[Step]]:
        passwords._dummy_hash.cache_clear()
        visitor = env.visitor(email)
        return work_of(app, visitor, lambda: visitor.sign_in(password="guess"))

    assert env.visitor("first@example.com").sign_in().error == "wrong_credentials"  # Opens the network's counter.
    env.clear_cache()
    found = work(KNOWN)
    env.clear_cache()
    assert found == work(UNKNOWN)


@pytest.mark.parametrize("email", [KNOWN, DISABLED, LEFT])
def test_asking_for_a_code_is_the_same_work_for_a_taken_address_as_for_a_free_one(
    env: Environment, app: Flask, email: str
) -> None:
    """The former address of somebody who may still undo their change is not to be had, either."""

    def work(name: str, email: str) -> list[tuple[int, str | None, list[Step]]]:
        person, found = env.person(f"{name}@example.com", network=f"198.51.100.{len(name)}"), []
        for number in range(8):
            if number % 2:
                env.clock.advance(seconds=60)
            found.append(work_of(app, person, lambda: person.ask(email)))
        return found

    if email == LEFT:
        leaver = env.person(LEFT, network="198.51.100.9")
        assert leaver.ask("moved@example.com").status == 200
        assert leaver.confirm("moved@example.com", env.code_to("moved@example.com")).status == 200
    assert env.person("first@example.com").ask("free@example.com").status == 200  # Opens the counter that all share.
    taken = work("ann", email)
    assert {status for status, _, _ in taken} == {200, 429}
    assert taken == work("mary", UNKNOWN)


def test_only_who_registers_with_the_mailed_link_learns_that_the_address_was_taken_meanwhile(
    env: Environment, app: Flask
) -> None:
    """The page and what a form refuses are the same; a form that is right says so to who reads that mailbox."""

    def work(email: str) -> list[tuple[int, str | None, list[Step]]]:
        visitor, link = env.visitor(), env.links_to(email, "register")[-1]
        wrong = work_of(app, visitor, lambda: visitor.post(link, {}))
        with record_steps(app) as steps:
            page = visitor.page(link)
        shown = re.sub(rf'{email}|{link}|"I[\w.-]{{80,}}"', "", page.text)  # The last one is the token of the form.
        return [wrong, (page.status, shown, steps)]

    boss = superuser(env, "chief@example.com")
    for email in ("taken@example.com", UNKNOWN):
        assert invite(boss, email).status == 200
    env.administrator("taken@example.com")
    found, missing = work("taken@example.com"), work(UNKNOWN)
    assert [status for status, _, _ in found] == [400, 200]
    assert found == missing


def test_a_link_that_nobody_got_is_the_same_work_wherever_it_leads(env: Environment, app: Flask) -> None:
    """Guessed tokens of an invitation, a password link, an undo: one look for its hash, and no more."""
    visitor = env.visitor()
    for path in ("register", "forgotpwd", "resetemail/undo", "resetemail/stop", "resetemail/prove"):
        link = f"/cms/{path}/{'x' * 43}/"
        status, _, steps = work_of(app, visitor, lambda link=link: visitor.post(link))  # type: ignore[misc]
        assert (status, len(steps)) == (410, 1), steps
