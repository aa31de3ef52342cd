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
from tests.work import count_steps, record_steps

OLD = "ann@example.com"


def is_signed_in(person: Person) -> bool:
    """Return whether the session of a person is valid."""
    return person.get_as_script().status == 200


def remembered_person(env: Environment) -> Person:
    """Return an administrator who signed in with `remember`."""
    env.administrator(OLD)
    ann = env.visitor(OLD)
    assert ann.sign_in(remember="y").status == 200
    return ann


def test_a_session_ends_after_an_hour_without_use(env: Environment) -> None:
    ann = env.person()
    env.clock.advance(seconds=3600)
    assert is_signed_in(ann)
    env.clock.advance(seconds=3601)
    assert not is_signed_in(ann)
    assert ann.sign_in().status == 200


def test_a_session_in_use_ends_after_twelve_hours(env: Environment) -> None:
    ann = env.person()
    for _ in range(12):
        env.clock.advance(seconds=3600)
        assert is_signed_in(ann)
    env.clock.advance(seconds=1)
    assert not is_signed_in(ann)


def test_a_remembered_session_ends_after_two_weeks_without_use(env: Environment) -> None:
    ann = remembered_person(env)
    env.clock.advance(days=14)
    assert is_signed_in(ann)
    env.clock.advance(days=14, seconds=1)
    assert not is_signed_in(ann)


def test_a_remembered_session_in_use_ends_after_thirty_days(env: Environment) -> None:
    ann = remembered_person(env)
    for _ in range(3):
        env.clock.advance(days=10)
        assert is_signed_in(ann)
    env.clock.advance(seconds=1)
    assert not is_signed_in(ann)


def test_an_expired_session_stays_invalid(env: Environment) -> None:
    """Requests with its cookie do not extend it."""
    ann = env.person()
    env.clock.advance(seconds=3601)
    assert not is_signed_in(ann)
    assert not is_signed_in(ann)
    env.clock.advance(seconds=-10)
    copy = env.visitor()
    copy.browser.cookies.update(ann.browser.cookies)
    env.clock.advance(seconds=10)
    assert not is_signed_in(copy)


def test_a_sign_in_deletes_expired_sessions(env: Environment) -> None:
    env.person()
    env.clock.advance(days=1)
    env.signed_in(OLD)
    assert len(env.rows(db.select(LoginSession.id))) == 1


def test_the_database_does_not_contain_the_session_id(env: Environment) -> None:
    ann = env.person()
    cookie = ann.browser.cookies["session"]
    with env.app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        sid = session["sid"]
    assert len(sid) >= 40
    (row,) = env.rows(db.select(LoginSession.__table__))
    assert sid not in str(tuple(row))


def test_a_session_stores_its_network_and_browser(env: Environment) -> None:
    env.person()
    (row,) = env.rows(db.select(LoginSession.network, LoginSession.browser))
    assert tuple(row) == ("203.0.113.5", "Chrome 156, Linux")


@pytest.mark.parametrize("action", ["sign_out", "reauth", "change"])
def test_a_copied_cookie_is_invalid_after(env: Environment, action: str) -> None:
    ann = env.person()
    copy = env.visitor()
    copy.browser.cookies.update(ann.browser.cookies)
    assert is_signed_in(copy)
    if action == "change":
        ann.ask("new@example.com")
        assert ann.confirm("new@example.com", env.code_to("new@example.com")).status == 200
    else:
        assert getattr(ann, action)().status == 200
    assert not is_signed_in(copy)


@pytest.mark.parametrize(
    ("remember", "idle", "life"),
    [(False, 3600, 12 * 3600), (True, 14 * 86400, 30 * 86400)],
    ids=["session", "remember"],
)
def test_the_ending_of_a_session_names_the_limit_that_was_exceeded(
    sqlite_env: Environment, remember: bool, idle: int, life: int
) -> None:
    ann, clock = sqlite_env.administrator(OLD), sqlite_env.clock
    with sqlite_env.app.app_context():
        sid = sessions.start(ann, HERE, remember=remember)
        db.session.commit()
        clock.advance(seconds=idle)
        assert sessions.find_ending(sid) == Ending("ended")  # No limit is exceeded yet.
        clock.advance(seconds=1)
        assert sessions.find_ending(sid) == Ending("idle", idle)
        clock.advance(seconds=life - idle - 1)
        assert sessions.find_ending(sid) == Ending("idle", idle)
        clock.advance(seconds=1)
        assert sessions.find_ending(sid) == Ending("age", life)


def test_a_deleted_session_has_an_ending_without_a_limit(sqlite_env: Environment) -> None:
    with sqlite_env.app.app_context():
        assert sessions.find_ending("unknown") == Ending("ended")


def test_a_confirmation_of_the_password_is_valid_for_ten_minutes(sqlite_env: Environment) -> None:
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
    return sid, find_session(sid)


def find_session(sid: str) -> LoginSession:
    """Return the session of this id."""
    found = sessions.find(sid)
    assert found is not None
    return found[1]


def session_ids() -> set[int]:
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

    def test_a_new_session_is_fresh_and_stores_its_origin_and_time(self, sqlite_env: Environment, ann: CMSUser) -> None:
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

    def test_use_is_stored_once_a_minute_and_for_this_session_only(self, sqlite_env: Environment, ann: CMSUser) -> None:
        began = sqlite_env.clock.now()
        sid, session = start(ann)
        _, other = start(ann)
        sqlite_env.clock.advance(seconds=60)
        assert find_session(sid).seen_at == began
        assert find_session(sid).seen_at == began, "and nothing was stored"
        later = sqlite_env.clock.advance(microseconds=1)
        find_session(sid)
        db.session.rollback()
        assert find_session(sid).seen_at == later
        rows = db.session.execute(db.select(LoginSession.id, LoginSession.seen_at))
        seen = {row.id: row.seen_at for row in rows}
        assert seen == {session.id: later, other.id: began}

    @pytest.mark.parametrize("proved", [True, False])
    def test_a_renewed_session_has_a_new_id_and_is_fresh_only_if_the_password_was_proved(
        self, sqlite_env: Environment, ann: CMSUser, proved: bool
    ) -> None:
        began = sqlite_env.clock.now()
        sid, session = start(ann)
        _, other = start(ann)
        now = sqlite_env.clock.advance(seconds=5)
        renewed = sessions.renew(session, proved=True) if proved else sessions.renew(session)
        assert len(renewed) == 43
        assert sessions.find(sid) is None
        assert (find_session(renewed).id, find_session(renewed).proved_at) == (session.id, now if proved else began)
        assert session_ids() == {session.id, other.id}
        with pytest.raises(SignInRequired):
            sessions.renew(session)
        with pytest.raises(SignInRequired):
            sessions.require_alive(session)
        sessions.require_alive(other)
        sessions.require_alive(find_session(renewed))

    def test_a_session_that_has_ended_is_not_alive(self, ann: CMSUser) -> None:
        _, session = start(ann)
        sessions.require_alive(session)
        sessions.end(session.id)
        with pytest.raises(SignInRequired):
            sessions.require_alive(session)

    def test_only_the_specified_sessions_end(self, sqlite_env: Environment, ann: CMSUser) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        own = [start(ann)[1] for _ in range(4)]
        _, others = start(bob)
        sessions.end(None)
        assert session_ids() == {others.id, *(each.id for each in own)}
        sessions.end(own[0].id)
        assert session_ids() == {others.id, *(each.id for each in own[1:])}
        sessions.end_others(own[1])
        assert session_ids() == {others.id, own[1].id}
        start(ann)
        sessions.end_all(ann)
        assert session_ids() == {others.id}

    @pytest.mark.parametrize("count", [0, 2])
    def test_the_renewal_of_a_session_can_end_all_others_of_its_account(
        self, sqlite_env: Environment, ann: CMSUser, count: int
    ) -> None:
        _, of_bob = start(sqlite_env.administrator("bob@example.com"))
        own, *_ = [start(ann)[1] for _ in range(1 + count)]
        with record_steps(sqlite_env.app) as steps:
            renewed = sessions.renew(own, others_end=True)
        assert session_ids() == {own.id, of_bob.id}
        assert find_session(renewed).id == own.id
        assert count_steps(steps)[0] == (2 if count else 1)

    def test_only_expired_sessions_of_one_account_are_deleted(self, sqlite_env: Environment, ann: CMSUser) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        start(ann)
        _, remembered = start(ann, remember=True)
        _, others = start(bob)
        sqlite_env.clock.advance(seconds=3601)
        _, fresh = start(ann)
        sessions.end_stale(ann.id)
        assert session_ids() == {remembered.id, fresh.id, others.id}
