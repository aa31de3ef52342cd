"""Whether somebody has an address is told by no answer of a public page, and by none of its work.

What is compared is the sequence of SQL statements, commits and cache calls of every answer: where these are the same,
the time is the same, on a busy machine, too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from models import db
from tests.houses import House
from tests.people import Answer, Person

KNOWN, DISABLED, UNKNOWN = "owner@example.com", "gone1@example.com", "nobod@example.com"


class Traced:
    """A store that notes what it is asked."""

    def __init__(self, store: Any, steps: list[str]) -> None:
        """Stand before a store."""
        self._store, self._steps = store, steps

    def __getattr__(self, verb: str) -> Any:
        """Note the verb, and ask the real store."""
        self._steps.append(f"cache {verb}")
        return getattr(self._store, verb)


@contextmanager
def traced(app: Flask) -> Iterator[list[str]]:
    """Note what the application does, step by step."""
    steps: list[str] = []
    with app.app_context():
        engine = db.engine

    def statement(_: object, __: object, text: str, *___: object) -> None:
        steps.append(text)

    def commit(_: object) -> None:
        steps.append("COMMIT")

    store = app.extensions["cache"]
    app.extensions["cache"] = Traced(store, steps)
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield steps
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)
        app.extensions["cache"] = store


def work_of(app: Flask, person: Person, act: Callable[[], Answer]) -> tuple[int, str | None, list[str]]:
    """Return how a request was answered, and what was done for it."""
    person.token()
    with traced(app) as steps:
        answer = act()
    return answer.status, answer.error, steps


@pytest.fixture
def app(house: House) -> Flask:
    """Give the application, with somebody who has an address, and somebody who is disabled.

    It is early in an hour: throttles count by the clock, and the first of an hour opens its counter.
    """
    house.clock.at = house.clock.at.replace(minute=5)
    house.administrator(KNOWN)
    house.administrator(DISABLED)
    house.change(DISABLED, is_active=False)
    return house.app


@pytest.mark.parametrize("whose", [KNOWN, DISABLED])
def test_a_sign_in_is_the_same_work_for_nobody_as_for_somebody_throttled_or_not(
    house: House, app: Flask, whose: str
) -> None:
    def work(email: str) -> list[tuple[int, str | None, list[str]]]:
        visitor = house.visitor(email, network="198.51.100.1" if email == whose else "198.51.100.2")
        return [work_of(app, visitor, lambda: visitor.sign_in(password="guess")) for _ in range(14)]

    first = house.visitor("first@example.com")
    assert first.sign_in().error == "wrong_credentials"
    found, missing = work(whose), work(UNKNOWN)
    assert [status for status, _, _ in found] == [400] * 10 + [429] * 4
    assert found == missing


def test_asking_for_a_password_link_is_the_same_work_for_nobody_as_for_somebody(house: House, app: Flask) -> None:
    def work(email: str) -> list[tuple[int, str | None, list[str]]]:
        visitor = house.visitor(network="198.51.100.1" if email == KNOWN else "198.51.100.2")
        return [work_of(app, visitor, lambda: visitor.post("/cms/forgotpwd/", {"email": email})) for _ in range(5)]

    found = work(KNOWN)
    assert [status for status, _, _ in found] == [200] * 3 + [429] * 2
    assert found == work(UNKNOWN)


def test_asking_for_a_code_is_the_same_work_for_a_taken_address_as_for_a_free_one(house: House, app: Flask) -> None:
    def work(name: str, email: str) -> list[tuple[int, str | None, list[str]]]:
        person, found = house.person(f"{name}@example.com", network=f"198.51.100.{len(name)}"), []
        for number in range(8):
            if number % 2:
                house.clock.turn(seconds=60)
            found.append(work_of(app, person, lambda: person.ask(email)))
        return found

    assert house.person("first@example.com").ask("free@example.com").status == 200  # Opens the counter that all share.
    taken = work("ann", KNOWN)
    assert {status for status, _, _ in taken} == {200, 429}
    assert taken == work("mary", UNKNOWN)


def test_a_link_that_nobody_got_is_the_same_work_wherever_it_leads(house: House, app: Flask) -> None:
    """Guessed tokens of an invitation, a password link, an undo: one look for its hash, and no more."""
    visitor = house.visitor()
    for path in ("register", "forgotpwd", "resetemail/undo", "resetemail/stop", "resetemail/prove"):
        link = f"/cms/{path}/{'x' * 43}/"
        status, _, steps = work_of(app, visitor, lambda link=link: visitor.post(link))  # type: ignore[misc]
        assert (status, len(steps)) == (410, 1), steps
