"""accounts/sessions.py: the limits of a session."""

import pytest
from flask import session

from accounts import sessions
from accounts.errors import ReauthRequired, SignInRequired
from accounts.sessions import Ending
from accounts.signing import fingerprint
from models import CMSUser, LoginSession, db
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


@pytest.fixture
def ann(sqlite_env: Environment) -> CMSUser:
    """Return an administrator."""
    return sqlite_env.administrator(OLD)


def start(user: CMSUser, *, remember: bool = False) -> tuple[str, LoginSession]:
    """Return the id of a new session, and the session."""
    sid = sessions.start(user, HERE, remember=remember)
    db.session.commit()
    return sid, found_by(sid)


def found_by(sid: str) -> LoginSession:
    """Return the session of this id."""
    found = sessions.find(sid)
    assert found is not None
    return found[1]


def ids() -> set[int]:
    """Return the ids of all sessions."""
    return set(db.session.scalars(db.select(LoginSession.id)))


@pytest.mark.usefixtures("in_sqlite_app")
class TestRows:
    """The row of a session, without HTTP."""

    def test_a_session_is_found_by_its_id_with_its_own_account(self, sqlite_env: Environment, ann: CMSUser) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        sids = {user.id: sessions.start(user, HERE, remember=False) for user in (bob, ann)}
        db.session.commit()
        for user_id, sid in sids.items():
            found = sessions.find(sid)
            assert found is not None
            assert (found[0].id, found[1].user_id) == (user_id, user_id)
        assert sessions.find("unknown") is None

    def test_a_new_session_is_proved_and_says_where_and_when_it_began(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        now = sqlite_env.clock.now()
        for remember in (False, True):
            sid, session = start(ann, remember=remember)
            assert len(sid) == 43
            assert session.id_hash == fingerprint(sid)
            assert (session.created_at, session.seen_at, session.proved_at) == (now, now, now)
            assert (session.remembered, session.network, session.browser) == (remember, HERE.network, HERE.browser)

    def test_a_disabled_account_has_no_session(self, sqlite_env: Environment, ann: CMSUser) -> None:
        sid, _ = start(ann)
        sqlite_env.update_account(OLD, is_active=False)
        assert sessions.find(sid) is None

    def test_use_is_stored_once_a_minute_and_for_this_session_alone(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        began = sqlite_env.clock.now()
        sid, session = start(ann)
        _, other = start(ann)
        sqlite_env.clock.advance(seconds=60)
        assert found_by(sid).seen_at == began
        assert found_by(sid).seen_at == began, "and nothing was stored"
        later = sqlite_env.clock.advance(microseconds=1)
        found_by(sid)
        db.session.rollback()
        assert found_by(sid).seen_at == later
        rows = db.session.execute(db.select(LoginSession.id, LoginSession.seen_at))
        seen = {row.id: row.seen_at for row in rows}
        assert seen == {session.id: later, other.id: began}

    @pytest.mark.parametrize("proved", [True, False])
    def test_a_renewed_session_has_a_new_id_and_is_proved_now_only_if_it_was(
        self, sqlite_env: Environment, ann: CMSUser, proved: bool
    ) -> None:
        began = sqlite_env.clock.now()
        sid, session = start(ann)
        _, other = start(ann)
        now = sqlite_env.clock.advance(seconds=5)
        renewed = sessions.renew(session, proved=True) if proved else sessions.renew(session)
        assert len(renewed) == 43
        assert sessions.find(sid) is None
        assert (found_by(renewed).id, found_by(renewed).proved_at) == (session.id, now if proved else began)
        assert ids() == {session.id, other.id}
        with pytest.raises(SignInRequired):
            sessions.renew(session)
        with pytest.raises(SignInRequired):
            sessions.require_alive(session)
        sessions.require_alive(other)
        sessions.require_alive(found_by(renewed))

    def test_a_session_that_has_ended_is_not_alive(self, ann: CMSUser) -> None:
        _, session = start(ann)
        sessions.require_alive(session)
        sessions.end(session.id)
        with pytest.raises(SignInRequired):
            sessions.require_alive(session)

    def test_only_the_sessions_that_are_meant_end(self, sqlite_env: Environment, ann: CMSUser) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        mine = [start(ann)[1] for _ in range(4)]
        _, others = start(bob)
        sessions.end(None)
        assert ids() == {others.id, *(each.id for each in mine)}
        sessions.end(mine[0].id)
        assert ids() == {others.id, *(each.id for each in mine[1:])}
        sessions.end_others(mine[1])
        assert ids() == {others.id, mine[1].id}
        start(ann)
        sessions.end_all(ann)
        assert ids() == {others.id}

    def test_only_the_sessions_of_one_account_that_are_over_are_deleted(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        start(ann)
        _, remembered = start(ann, remember=True)
        _, others = start(bob)
        sqlite_env.clock.advance(seconds=3601)
        _, fresh = start(ann)
        sessions.end_stale(ann.id)
        assert ids() == {remembered.id, fresh.id, others.id}
