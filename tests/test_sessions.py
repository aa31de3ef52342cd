"""accounts/sessions.py: the limits of a session."""

import pytest
from flask import session

from accounts import sessions
from accounts.errors import ReauthRequired
from accounts.sessions import Ending
from models import LoginSession, db
from tests.actors import Person
from tests.environments import HERE, Environment

OLD = "ann@example.com"


def in_(person: Person) -> bool:
    """Say whether somebody is signed in."""
    return person.get_as_script().status == 200


def remembered(env: Environment) -> Person:
    """Return somebody who ticked `stay signed in`."""
    env.administrator(OLD)
    ann = env.visitor(OLD)
    assert ann.sign_in(remember="y").status == 200
    return ann


def test_a_session_unused_for_an_hour_is_over(env: Environment) -> None:
    ann = env.person()
    env.clock.advance(seconds=3600)
    assert in_(ann)
    env.clock.advance(seconds=3601)
    assert not in_(ann)
    assert ann.sign_in().status == 200


def test_a_session_in_use_is_over_after_twelve_hours(env: Environment) -> None:
    ann = env.person()
    for _ in range(12):
        env.clock.advance(seconds=3600)
        assert in_(ann)
    env.clock.advance(seconds=1)
    assert not in_(ann)


def test_a_remembered_session_is_over_two_weeks_after_its_last_use(env: Environment) -> None:
    ann = remembered(env)
    env.clock.advance(days=14)
    assert in_(ann)
    env.clock.advance(days=14, seconds=1)
    assert not in_(ann)


def test_a_remembered_session_is_over_after_thirty_days(env: Environment) -> None:
    ann = remembered(env)
    for _ in range(3):
        env.clock.advance(days=10)
        assert in_(ann)
    env.clock.advance(seconds=1)
    assert not in_(ann)


def test_what_is_over_stays_over(env: Environment) -> None:
    """Its cookie may be asked with for ever: it must not wake the session up."""
    ann = env.person()
    env.clock.advance(seconds=3601)
    assert not in_(ann)
    assert not in_(ann)
    env.clock.advance(seconds=-10)
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    env.clock.advance(seconds=10)
    assert not in_(thief)


def test_signing_in_tidies_away_what_is_over(env: Environment) -> None:
    env.person()
    env.clock.advance(days=1)
    env.signed_in(OLD)
    assert len(env.rows(db.select(LoginSession.id))) == 1


def test_the_database_holds_no_cookie(env: Environment) -> None:
    ann = env.person()
    cookie = ann.browser.cookies["session"]
    with env.app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        sid = session["sid"]
    assert len(sid) >= 40
    (row,) = env.rows(db.select(LoginSession.__table__))
    assert sid not in str(tuple(row))


def test_a_session_remembers_where_it_began(env: Environment) -> None:
    env.person()
    (row,) = env.rows(db.select(LoginSession.network, LoginSession.browser))
    assert tuple(row) == ("203.0.113.5", "Chrome 156, Linux")


@pytest.mark.parametrize("what", ["sign_out", "reauth", "change"])
def test_a_copied_cookie_is_dead_after(env: Environment, what: str) -> None:
    ann = env.person()
    thief = env.visitor()
    thief.browser.cookies.update(ann.browser.cookies)
    assert in_(thief)
    if what == "change":
        ann.ask("new@example.com")
        assert ann.confirm("new@example.com", env.code_to("new@example.com")).status == 200
    else:
        assert getattr(ann, what)().status == 200
    assert not in_(thief)


@pytest.mark.parametrize(
    ("remember", "idle", "life"),
    [(False, 3600, 12 * 3600), (True, 14 * 86400, 30 * 86400)],
    ids=["session", "remember"],
)
def test_a_session_says_which_of_its_two_limits_ended_it(
    sqlite_env: Environment, remember: bool, idle: int, life: int
) -> None:
    ann, clock = sqlite_env.administrator(OLD), sqlite_env.clock
    with sqlite_env.app.app_context():
        sid = sessions.start(ann, HERE, remember=remember)
        db.session.commit()
        clock.advance(seconds=idle)
        assert sessions.find_ending(sid) == Ending("ended")  # By neither, as far as anybody can tell.
        clock.advance(seconds=1)
        assert sessions.find_ending(sid) == Ending("idle", idle)
        clock.advance(seconds=life - idle - 1)
        assert sessions.find_ending(sid) == Ending("idle", idle)
        clock.advance(seconds=1)
        assert sessions.find_ending(sid) == Ending("age", life)


def test_a_session_whose_row_is_gone_was_ended_and_says_no_more(sqlite_env: Environment) -> None:
    with sqlite_env.app.app_context():
        assert sessions.find_ending("nobody's") == Ending("ended")


def test_the_password_counts_as_proved_for_ten_minutes_and_not_a_moment_longer(sqlite_env: Environment) -> None:
    ann, clock = sqlite_env.administrator(OLD), sqlite_env.clock
    with sqlite_env.app.app_context():
        sid = sessions.start(ann, HERE, remember=False)
        db.session.commit()
        found = sessions.find(sid)
        assert found is not None
        clock.advance(seconds=600)
        sessions.require_proof(found[1])
        clock.advance(microseconds=1)
        with pytest.raises(ReauthRequired):
            sessions.require_proof(found[1])
