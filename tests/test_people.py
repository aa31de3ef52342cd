"""accounts/people.py: what a lock gives, above all if it was waited for."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from accounts import people, sessions
from models import Address, CMSUser, LoginSession, db
from tests.environments import HERE, Environment
from tests.servers import eventually

EMAIL = "ann@example.com"
IS_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def session(env: Environment) -> LoginSession:
    """Give a session of an administrator, as a request finds it before it locks anything."""
    user = env.administrator(EMAIL)
    with env.app.app_context():
        sid = sessions.start(user, HERE, remember=False)
        db.session.commit()
        found = sessions.find(sid)
        assert found is not None
        return found[1]


def is_waiting(env: Environment) -> bool:
    """Return whether somebody waits for a lock; SQLite tells nobody."""
    if env.app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        return True
    return bool(env.rows(IS_WAITING)[0][0])


def lock_while(env: Environment, session: LoginSession, act: Callable[[CMSUser], object]) -> int | None:
    """Lock the account of a session while another transaction, which has it locked, does something and commits.

    Return the version of the address that the lock gives, or None if it gives no account.
    """
    found: list[int | None] = []

    def wait_for_the_lock() -> None:
        with env.app.app_context():
            locked = people.lock_signed_in(session)
            found.append(locked[0].email_version if locked else None)
            db.session.rollback()

    thread = threading.Thread(target=wait_for_the_lock, daemon=True)
    with env.app.app_context():
        account = people.lock(session.user_id)
        assert account is not None
        thread.start()
        eventually(lambda: is_waiting(env), "the second transaction waits")
        act(account)
        db.session.commit()
    eventually(lambda: not thread.is_alive(), "the second transaction ends")
    return found[0]


def end(session: LoginSession) -> Callable[[CMSUser], object]:
    """Return what a sign-out does."""
    return lambda _: sessions.end(session.id)


def renew(session: LoginSession) -> Callable[[CMSUser], object]:
    """Return what a proof of the password does."""
    return lambda _: sessions.renew(session)


def disable(_: LoginSession) -> Callable[[CMSUser], object]:
    """Return what another administrator does."""
    return lambda account: people.update_columns(account, is_active=False)


@pytest.mark.parametrize("meanwhile", [end, renew, disable])
def test_an_account_that_lost_its_session_while_its_lock_was_waited_for_is_not_given(
    env: Environment, session: LoginSession, meanwhile: Callable[[LoginSession], Callable[[CMSUser], object]]
) -> None:
    assert lock_while(env, session, meanwhile(session)) is None


def test_an_account_is_given_as_it_is_after_its_lock_was_waited_for(env: Environment, session: LoginSession) -> None:
    assert lock_while(env, session, lambda account: people.update_columns(account, email_version=7)) == 7


def test_the_account_of_another_session_is_not_given(env: Environment, session: LoginSession) -> None:
    with env.app.app_context():
        sessions.start(env.account("ann"), HERE, remember=False)
        db.session.commit()
        for changed in ({"id": session.id + 1}, {"id_hash": "other"}, {"user_id": session.user_id + 1}):
            other = LoginSession(
                **{"id": session.id, "id_hash": session.id_hash, "user_id": session.user_id, **changed}
            )
            assert people.lock_signed_in(other) is None
        assert people.lock_signed_in(session) is not None
        db.session.rollback()


def test_an_address_is_found_in_whatever_spelling(env: Environment, session: LoginSession) -> None:
    with env.app.app_context():
        found = people.find_by_email(Address.of("ANN@Example.COM"))
        assert found is not None
        assert found.id == session.user_id
        assert people.find_by_email(Address.of("bob@example.com")) is None
