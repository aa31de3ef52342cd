"""Machines whose clocks differ by up to a second serve one site: nobody is signed out, and nothing is refused."""

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
    """Two machines of one site, with the function that sets the first one's clock ahead of the other's."""

    ahead: Flask
    behind: Flask
    differ: Callable[[float], None]


@pytest.fixture
def machines(env: Environment, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Give two machines. It is a moment before a full second: signatures carry whole seconds."""
    ahead, behind = env.app, env.build()
    shifts: dict[Flask, timedelta] = {}
    env.clock.at = env.clock.at.replace(microsecond=800_000)

    def now() -> datetime:
        return env.clock.at + shifts.get(current_app._get_current_object(), timedelta())  # type: ignore[attr-defined]

    def differ(seconds: float) -> None:
        shifts[ahead] = timedelta(seconds=seconds)

    monkeypatch.setattr(product_clock, "now", now)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(now().timestamp()))
    return Machines(ahead, behind, differ)


def served_by(person: Person, app: Flask) -> Person:
    """Have the load balancer send a browser's next requests to this machine."""
    browser = person.browser
    assert isinstance(browser, InProcess)
    browser.app, browser._client = app, app.test_client(use_cookies=False)
    return person


@SHIFTS
def test_who_signs_in_on_one_machine_is_signed_in_on_the_other(
    env: Environment, machines: Machines, seconds: float
) -> None:
    machines.differ(seconds)
    env.administrator(ANN)
    for first, second in ((machines.ahead, machines.behind), (machines.behind, machines.ahead)):
        ann = env.signed_in(ANN, app=first)
        for app in (second, first, second):
            assert served_by(ann, app).get_as_script().status == 200
            assert ann.page().status == 200


@SHIFTS
def test_a_form_that_one_machine_made_is_taken_by_the_other(
    env: Environment, machines: Machines, seconds: float
) -> None:
    machines.differ(seconds)
    env.administrator(ANN)
    for first, second in ((machines.ahead, machines.behind), (machines.behind, machines.ahead)):
        ann = env.signed_in(ANN, app=first)
        ann.token()
        assert served_by(ann, second).reauth().status == 200
        ann.discard_token()
        ann.token()
        assert served_by(ann, first).reauth().status == 200


@SHIFTS
def test_a_code_that_was_asked_for_on_one_machine_changes_the_address_on_the_other(
    env: Environment, machines: Machines, seconds: float
) -> None:
    machines.differ(seconds)
    env.administrator(ANN)
    old = ANN
    for number, (first, second) in enumerate(((machines.ahead, machines.behind), (machines.behind, machines.ahead))):
        new = f"new{number}@example.com"
        ann = env.signed_in(old, app=first)
        assert ann.ask(new).status == 200
        env.clock.advance(seconds=1)  # A machine that is behind sends a mail when its own clock says that it is due.
        env.deliver(second)
        assert served_by(ann, second).confirm(new, env.code_to(new)).status == 200
        assert served_by(ann, first).address() == new
        env.clock.advance(seconds=1)
        link = env.links_to(old, "undo")[-1]
        assert served_by(env.visitor(), second).page(link).status == 200
        old = new
        env.clock.advance(seconds=60)


@SHIFTS
def test_who_waits_as_long_as_one_machine_said_waits_a_second_more_at_most_on_the_other(
    env: Environment, machines: Machines, seconds: float
) -> None:
    machines.differ(seconds)
    ann = env.person(app=machines.ahead)
    assert ann.ask(NEW).status == 200
    wait = ann.ask(NEW).data["retry_after"]
    env.clock.advance(seconds=wait)
    answer = served_by(ann, machines.behind).ask(NEW)
    if answer.status != 200:
        assert answer.data["retry_after"] == 1
        env.clock.advance(seconds=1)
        assert ann.ask(NEW).status == 200


@pytest.mark.usefixtures("machines")
def test_the_row_decides_how_long_a_session_lives_and_not_the_age_of_its_cookie(env: Environment) -> None:
    app = env.build(REMEMBER_SECONDS="60", SESSION_SECONDS="43200")
    ann = env.person(app=app)
    env.clock.advance(seconds=600)
    assert ann.get_as_script().status == 200


def test_a_cookie_that_was_signed_with_a_former_key_is_read_and_one_of_another_key_is_not(env: Environment) -> None:
    ann = env.person()
    other = env.build(SECRET_KEY="another secret of the tests, as long")
    served_by(ann, other)
    assert ann.get_as_script().error == "sign_in_required"
    rotated = env.build(SECRET_KEY="another secret of the tests, as long")
    rotated.config["SECRET_KEY_FALLBACKS"] = [env.settings["SECRET_KEY"]]
    served_by(ann, rotated)
    assert ann.get_as_script().status == 200


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "eyJzaWQiOiJ4In0.aQ.c2ln", "é", "." * 3000])
def test_an_unsigned_cookie_is_no_session(env: Environment, cookie: str) -> None:
    visitor = env.visitor()
    visitor.browser.cookies["session"] = cookie
    assert visitor.get_as_script().error == "sign_in_required"


@pytest.fixture
def running(postgres_env: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Environment, Any]]:
    """Provide an environment whose clock runs, and a function that sets it wrong by a number of seconds."""

    def shift(seconds: float) -> None:
        monkeypatch.setattr(product_clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    shift(0)
    return postgres_env, shift


class TestDatabasesClock:
    """A machine whose clock is more than a second off the database's says so."""

    def test_a_correct_clock_is_not_reported(self, running: Any, caplog: pytest.LogCaptureFixture) -> None:
        env, _ = running
        with caplog.at_level(logging.WARNING):
            answer = env.visitor().get_as_script("/readyz")
        assert (answer.status, caplog.messages) == (200, [])
        assert abs(answer.data["clock_offset_seconds"]) <= 0.5
        assert "\nok    clock\n" in doctor(env)

    @pytest.mark.parametrize("seconds", [2.0, -2.0, 3600.0])
    def test_one_that_is_wrong_is_told_and_goes_on_serving(
        self, running: Any, caplog: pytest.LogCaptureFixture, seconds: float
    ) -> None:
        env, shift = running
        shift(seconds)
        with caplog.at_level(logging.WARNING):
            answer = env.visitor().get_as_script("/readyz")
        assert answer.status == 200
        assert answer.data["clock_offset_seconds"] == pytest.approx(seconds, abs=0.9)
        (line,) = caplog.messages
        assert line.startswith(f"the clock is {'+' if seconds > 0 else '-'}")
        assert line.endswith(" s off the database clock")
        (told,) = [line for line in doctor(env).splitlines() if "clock" in line]
        assert told.startswith("FAIL  clock: is ")
        assert told.endswith("(at most 1 s is allowed): synchronise both with NTP")

    def test_a_database_that_takes_its_time_does_not_make_a_clock_wrong(
        self, running: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between question and answer the clock goes on by ten seconds: nobody knows when the database read its own."""
        env, _ = running
        times = iter(range(10**6))
        monkeypatch.setattr(product_clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=10 * next(times) - 5))
        assert env.visitor().get_as_script("/readyz").data["clock_offset_seconds"] == 0

    def test_sqlite_has_no_clock_of_its_own(self, sqlite_env: Environment) -> None:
        assert sqlite_env.visitor().get_as_script("/readyz").data == {"clock_offset_seconds": None}
        assert "\nok    clock\n" in doctor(sqlite_env)


def doctor(env: Environment) -> str:
    """Return what `flask doctor` says."""
    return str(env.app.test_cli_runner().invoke(args=["doctor"]).stdout)
