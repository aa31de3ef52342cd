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
from tests.stories.factor_steps import add_passkey
from tests.work import Step, record_steps

KNOWN, DISABLED, FORMER, UNKNOWN = "owner@example.com", "gone1@example.com", "leave@example.com", "nobod@example.com"
ENROLLED = "twice@example.com"  # With a second factor.


def record_request(app: Flask, person: Person, act: Callable[[], Answer]) -> tuple[int, str | None, list[Step]]:
    """Return the status and the error of a response, and the steps of its request."""
    person.token()
    with record_steps(app) as steps:
        answer = act()
    return answer.status, answer.error, steps


@pytest.fixture
def app(env: Environment) -> Flask:
    """Provide an application with an active and a disabled administrator, and one with a second factor.

    The time is early in an hour, because the first request of an hour creates the counter of a throttle.
    """
    env.clock.at = env.clock.at.replace(minute=5)
    env.administrator(KNOWN)
    env.administrator(DISABLED)
    env.update_account(DISABLED, is_active=False)
    add_passkey(env.person(ENROLLED))
    return env.app


@pytest.mark.parametrize("existing", [KNOWN, DISABLED, ENROLLED])
def test_a_sign_in_takes_the_same_steps_for_existing_and_unknown_addresses(
    env: Environment, app: Flask, existing: str
) -> None:
    def work(email: str) -> list[tuple[int, str | None, list[Step]]]:
        visitor = env.visitor(email, network="198.51.100.1" if email == existing else "198.51.100.2")
        return [record_request(app, visitor, lambda: visitor.sign_in(password="guess")) for _ in range(14)]

    first = env.visitor("first@example.com")
    assert first.sign_in().error == "wrong_credentials"
    found, missing = work(existing), work(UNKNOWN)
    assert [status for status, _, _ in found] == [400] * 10 + [429] * 4
    assert found == missing


@pytest.mark.parametrize("existing", [KNOWN, ENROLLED])
def test_requesting_a_password_link_takes_the_same_steps_for_existing_and_unknown_addresses(
    env: Environment, app: Flask, existing: str
) -> None:
    def work(email: str) -> list[tuple[int, str | None, list[Step]]]:
        visitor = env.visitor(network="198.51.100.1" if email == existing else "198.51.100.2")
        return [
            record_request(app, visitor, lambda: visitor.post("/cms/forgotpwd/", {"email": email})) for _ in range(5)
        ]

    found = work(existing)
    assert [status for status, _, _ in found] == [200] * 3 + [429] * 2
    assert found == work(UNKNOWN)


def test_the_first_sign_in_of_a_process_takes_the_same_steps_for_existing_and_unknown_addresses(
    env: Environment, app: Flask
) -> None:
    """Steps that a process executes only once do not depend on the address."""

    def work(email: str) -> tuple[int, str | None, list[Step]]:
        passwords._dummy_hash.cache_clear()
        visitor = env.visitor(email)
        return record_request(app, visitor, lambda: visitor.sign_in(password="guess"))

    assert (
        env.visitor("first@example.com").sign_in().error == "wrong_credentials"
    )  # This creates the counter of the network.
    env.clear_cache()
    found = work(KNOWN)
    env.clear_cache()
    assert found == work(UNKNOWN)


@pytest.mark.parametrize("email", [KNOWN, DISABLED, FORMER])
def test_requesting_a_code_takes_the_same_steps_for_taken_and_free_addresses(
    env: Environment, app: Flask, email: str
) -> None:
    """A former address that can still be restored is taken, too."""

    def work(name: str, email: str) -> list[tuple[int, str | None, list[Step]]]:
        person, found = env.person(f"{name}@example.com", network=f"198.51.100.{len(name)}"), []
        for number in range(8):
            if number % 2:
                env.clock.advance(seconds=60)
            found.append(record_request(app, person, lambda: person.ask(email)))
        return found

    if email == FORMER:
        owner = env.person(FORMER, network="198.51.100.9")
        assert owner.ask("moved@example.com").status == 200
        assert owner.confirm("moved@example.com", env.code_to("moved@example.com")).status == 200
    assert env.person("first@example.com").ask("free@example.com").status == 200  # This creates the shared counter.
    taken = work("ann", email)
    assert {status for status, _, _ in taken} == {200, 429}
    assert taken == work("mary", UNKNOWN)


def test_the_page_of_an_invitation_does_not_reveal_that_the_address_was_taken_in_the_meantime(
    env: Environment, app: Flask
) -> None:
    """Neither do the errors of its form. Only a valid form is refused, sent by a person with access to the mailbox."""

    def work(email: str) -> list[tuple[int, str | None, list[Step]]]:
        visitor, link = env.visitor(), env.links_to(email, "register")[-1]
        wrong = record_request(app, visitor, lambda: visitor.post(link, {}))
        with record_steps(app) as steps:
            page = visitor.page(link)
        shown = re.sub(rf'{email}|{link}|"I[\w.-]{{80,}}"', "", page.text)  # The last one is the CSRF token.
        return [wrong, (page.status, shown, steps)]

    boss = superuser(env, "chief@example.com")
    for email in ("taken@example.com", UNKNOWN):
        assert invite(boss, email).status == 200
    env.administrator("taken@example.com")
    found, missing = work("taken@example.com"), work(UNKNOWN)
    assert [status for status, _, _ in found] == [400, 200]
    assert found == missing


def test_an_invalid_link_takes_one_query(env: Environment, app: Flask) -> None:
    """Its hash is looked up, for all kinds of links."""
    visitor = env.visitor()
    for path in ("register", "forgotpwd", "resetemail/undo", "resetemail/stop", "resetemail/prove"):
        link = f"/cms/{path}/{'x' * 43}/"
        status, _, steps = record_request(app, visitor, lambda link=link: visitor.post(link))  # type: ignore[misc]
        assert (status, len(steps)) == (410, 1), steps
