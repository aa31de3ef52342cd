"""Machines of one site whose clocks differ by up to a second."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask, current_app
from itsdangerous import TimestampSigner

from accounts import clock as product_clock
from tests.actors import InProcess, Person
from tests.environments import Environment

ANN, NEW = "ann@example.com", "new@example.com"
SHIFTS = pytest.mark.parametrize("seconds", [0.3, 1.0])


class Machines(NamedTuple):
    """Two machines of one site, and a function that sets the clock of the first one ahead."""

    ahead: Flask
    behind: Flask
    set_ahead: Callable[[float], None]


@pytest.fixture
def machines(env: Environment, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Provide two machines. The time is just before a full second, because signatures contain full seconds."""
    ahead, behind = env.app, env.build()
    shifts: dict[Flask, timedelta] = {}
    env.clock.at = env.clock.at.replace(microsecond=800_000)

    def now() -> datetime:
        return env.clock.at + shifts.get(current_app._get_current_object(), timedelta())  # type: ignore[attr-defined]

    def set_ahead(seconds: float) -> None:
        shifts[ahead] = timedelta(seconds=seconds)

    monkeypatch.setattr(product_clock, "now", now)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(now().timestamp()))
    return Machines(ahead, behind, set_ahead)


def use_machine(person: Person, app: Flask) -> Person:
    """Send the next requests of a person to this machine, like a load balancer."""
    browser = person.browser
    assert isinstance(browser, InProcess)
    browser.app, browser._client = app, app.test_client(use_cookies=False)
    return person


@SHIFTS
def test_a_session_of_one_machine_is_valid_on_the_other(env: Environment, machines: Machines, seconds: float) -> None:
    machines.set_ahead(seconds)
    env.administrator(ANN)
    for first, second in ((machines.ahead, machines.behind), (machines.behind, machines.ahead)):
        ann = env.signed_in(ANN, app=first)
        for app in (second, first, second):
            assert use_machine(ann, app).get_as_script().status == 200
            assert ann.page().status == 200


@SHIFTS
def test_a_form_of_one_machine_is_accepted_by_the_other(env: Environment, machines: Machines, seconds: float) -> None:
    machines.set_ahead(seconds)
    env.administrator(ANN)
    for first, second in ((machines.ahead, machines.behind), (machines.behind, machines.ahead)):
        ann = env.signed_in(ANN, app=first)
        ann.token()
        assert use_machine(ann, second).reauth().status == 200
        ann.discard_token()
        ann.token()
        assert use_machine(ann, first).reauth().status == 200


@SHIFTS
def test_a_code_requested_on_one_machine_is_accepted_by_the_other(
    env: Environment, machines: Machines, seconds: float
) -> None:
    machines.set_ahead(seconds)
    env.administrator(ANN)
    old = ANN
    for number, (first, second) in enumerate(((machines.ahead, machines.behind), (machines.behind, machines.ahead))):
        new = f"new{number}@example.com"
        ann = env.signed_in(old, app=first)
        assert ann.ask(new).status == 200
        env.clock.advance(seconds=1)  # A machine that is behind sends a mail when it is due by its own clock.
        env.deliver(second)
        assert use_machine(ann, second).confirm(new, env.code_to(new)).status == 200
        assert use_machine(ann, first).address() == new
        env.clock.advance(seconds=1)
        link = env.links_to(old, "undo")[-1]
        assert use_machine(env.visitor(), second).page(link).status == 200
        old = new
        env.clock.advance(seconds=60)


@SHIFTS
def test_a_waiting_time_differs_between_machines_by_at_most_a_second(
    env: Environment, machines: Machines, seconds: float
) -> None:
    machines.set_ahead(seconds)
    ann = env.person(app=machines.ahead)
    assert ann.ask(NEW).status == 200
    wait = ann.ask(NEW).data["retry_after"]
    env.clock.advance(seconds=wait)
    answer = use_machine(ann, machines.behind).ask(NEW)
    if answer.status != 200:
        assert answer.data["retry_after"] == 1
        env.clock.advance(seconds=1)
        assert ann.ask(NEW).status == 200


@pytest.mark.usefixtures("machines")
def test_the_lifetime_of_a_session_depends_on_its_row_and_not_on_its_cookie(env: Environment) -> None:
    app = env.build(REMEMBER_SECONDS="60", SESSION_SECONDS="43200")
    ann = env.person(app=app)
    env.clock.advance(seconds=600)
    assert ann.get_as_script().status == 200


def test_a_cookie_is_valid_if_it_was_signed_with_the_current_or_a_former_key(env: Environment) -> None:
    ann = env.person()
    other = env.build(SECRET_KEY="another secret key of the same length")
    use_machine(ann, other)
    assert ann.get_as_script().error == "sign_in_required"
    former = env.settings["SECRET_KEY"].replace(",", r"\,")
    rotated = env.build(SECRET_KEY="another secret key of the same length", SECRET_KEY_FALLBACKS=former)
    use_machine(ann, rotated)
    assert ann.get_as_script().status == 200


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "eyJzaWQiOiJ4In0.aQ.c2ln", "é", "." * 3000])
def test_an_unsigned_cookie_is_not_a_session(env: Environment, cookie: str) -> None:
    visitor = env.visitor()
    visitor.browser.cookies["session"] = cookie
    assert visitor.get_as_script().error == "sign_in_required"


@pytest.fixture
def running_clock(postgres_env: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Environment, Any]]:
    """Provide an environment with a running clock, and a function that shifts it by a number of seconds."""

    def shift(seconds: float) -> None:
        monkeypatch.setattr(product_clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    shift(0)
    return postgres_env, shift


class TestClockOfTheDatabase:
    """A clock that differs from that of the database by more than a second is reported."""

    def test_a_correct_clock_is_not_reported(self, running_clock: Any, caplog: pytest.LogCaptureFixture) -> None:
        env, _ = running_clock
        with caplog.at_level(logging.WARNING):
            answer = env.visitor().get_as_script("/readyz")
        assert (answer.status, caplog.messages) == (200, [])
        assert abs(answer.data["clock_offset_seconds"]) <= 0.5
        assert "\nok    clock: agrees with the database\n" in run_doctor(env)

    @pytest.mark.parametrize("seconds", [2.0, -2.0, 3600.0])
    def test_a_wrong_clock_is_reported_and_requests_are_served(
        self, running_clock: Any, caplog: pytest.LogCaptureFixture, seconds: float
    ) -> None:
        env, shift = running_clock
        shift(seconds)
        with caplog.at_level(logging.WARNING):
            answer = env.visitor().get_as_script("/readyz")
        assert answer.status == 200
        assert answer.data["clock_offset_seconds"] == pytest.approx(seconds, abs=0.9)
        (line,) = caplog.messages
        assert line.startswith(f"the clock is {'+' if seconds > 0 else '-'}")
        assert line.endswith(" s off the database clock")
        (problem,) = [line for line in run_doctor(env).splitlines() if line[6:].startswith("clock")]
        assert problem.startswith("FAIL  clock: is ")
        assert problem.endswith("(at most 1 s is allowed): synchronise both with NTP")

    def test_a_slow_database_does_not_cause_a_false_report(
        self, running_clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The clock advances by ten seconds during the query, so that its offset is unknown."""
        env, _ = running_clock
        times = iter(range(10**6))
        monkeypatch.setattr(product_clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=10 * next(times) - 5))
        assert env.visitor().get_as_script("/readyz").data["clock_offset_seconds"] == 0

    def test_sqlite_has_no_separate_clock(self, sqlite_env: Environment) -> None:
        assert sqlite_env.visitor().get_as_script("/readyz").data == {"clock_offset_seconds": None}
        assert "\nok    clock: has no other clock to agree with\n" in run_doctor(sqlite_env)


def run_doctor(env: Environment) -> str:
    """Run `flask doctor`, and return its output."""
    return str(env.app.test_cli_runner().invoke(args=["doctor"]).stdout)
