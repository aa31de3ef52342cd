"""accounts/people.py: locks of accounts, with and without a wait, and columns of accounts."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Integer, bindparam, text

from accounts import links, people, sessions
from accounts.errors import ChangesFrozen, EmailTaken, SameEmail, UsernameTaken
from models import Address, CMSUser, LinkPurpose, LoginSession, db
from tests.environments import HERE, Environment, new_session
from tests.servers import eventually

EMAIL = "ann@example.com"
IS_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def session(env: Environment) -> LoginSession:
    """Provide a session of an administrator, as loaded before a lock."""
    user = env.administrator(EMAIL)
    with env.app.app_context():
        return new_session(user)


def is_waiting(env: Environment) -> bool:
    """Return whether a transaction waits for a lock; always true on SQLite, which cannot show it."""
    if env.app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        return True
    return bool(env.rows(IS_WAITING)[0][0])


def lock_while(env: Environment, session: LoginSession, act: Callable[[CMSUser], object]) -> int | None:
    """Lock the account of a session while another transaction, which has locked it, acts and commits.

    Return the email version of the locked account, or None if no account was locked.
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
    """Return an action that ends the session, like a sign-out."""
    return lambda _: sessions.end(session.id)


def renew(session: LoginSession) -> Callable[[CMSUser], object]:
    """Return an action that renews the session, like a confirmation of the password."""
    return lambda _: sessions.renew(session)


def disable(_: LoginSession) -> Callable[[CMSUser], object]:
    """Return an action that disables the account."""
    return lambda account: people.update_columns(account, is_active=False)


@pytest.mark.parametrize("make_action", [end, renew, disable])
def test_no_account_is_locked_if_its_session_becomes_invalid_during_the_wait(
    env: Environment, session: LoginSession, make_action: Callable[[LoginSession], Callable[[CMSUser], object]]
) -> None:
    assert lock_while(env, session, make_action(session)) is None


def test_a_locked_account_has_the_values_that_were_committed_during_the_wait(
    env: Environment, session: LoginSession
) -> None:
    assert lock_while(env, session, lambda account: people.update_columns(account, email_version=7)) == 7


def test_no_account_is_locked_for_another_session(env: Environment, session: LoginSession) -> None:
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


def test_an_account_is_found_by_any_spelling_of_its_address(env: Environment, session: LoginSession) -> None:
    with env.app.app_context():
        found = people.find_by_email(Address.of("ANN@Example.COM"))
        assert found is not None
        assert found.id == session.user_id
        assert people.find_by_email(Address.of("bob@example.com")) is None


@pytest.mark.usefixtures("in_sqlite_app")
class TestAccounts:
    """Functions that do not depend on the database."""

    def test_one_account_is_locked_by_its_id(self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser) -> None:
        sqlite_env.update_account(EMAIL, city="Beijing", interests=["art"])
        locked = people.lock(ann.id)
        assert locked is not None
        columns = [column.name for column in CMSUser.__table__.columns]
        row = db.session.execute(db.select(CMSUser.__table__).where(CMSUser.id == ann.id)).one()
        assert [getattr(locked, name) for name in columns] == list(row)
        assert people.lock(bob.id + 1) is None

    def test_a_lock_begins_a_write_transaction(self, ann: CMSUser) -> None:
        for act in (
            lambda: people.lock(ann.id),
            lambda: people.lock_many([ann.id]),
            lambda: people.lock_signed_in(LoginSession(id=1, id_hash="x", user_id=ann.id)),
        ):
            db.session.rollback()
            assert not db.session().info.get("has_written")
            act()
            assert db.session().info["has_written"]

    def test_a_lock_loads_current_values_of_an_account_that_was_loaded_before(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        loaded = db.session.get(CMSUser, ann.id)
        assert loaded is not None
        db.session.execute(db.update(CMSUser.__table__).values(city="Beijing", email_version=5))  # type: ignore[arg-type]
        locked = people.lock(ann.id)
        assert locked is not None
        assert (locked.city, locked.email_version) == ("Beijing", 5)

    def test_several_accounts_are_locked_with_current_values_and_missing_ones_are_omitted(
        self, ann: CMSUser, bob: CMSUser
    ) -> None:
        loaded = db.session.get(CMSUser, bob.id)
        assert loaded is not None
        db.session.execute(db.update(CMSUser.__table__).values(city="Beijing"))  # type: ignore[arg-type]
        found = people.lock_many({bob.id, ann.id, bob.id + 1})
        assert list(found) == [ann.id, bob.id]
        assert [(user_id, user.id, user.city) for user_id, user in found.items()] == [
            (ann.id, ann.id, "Beijing"),
            (bob.id, bob.id, "Beijing"),
        ]
        assert loaded.city is None
        assert people.lock_many([]) == {}

    def test_accounts_that_are_no_longer_found_stay_locked_without_a_restart(self, ann: CMSUser, bob: CMSUser) -> None:
        calls = iter([{ann.id, bob.id}, {ann.id}])
        assert people.lock_found(lambda: next(calls)).keys() == {ann.id, bob.id}
        assert next(calls, None) is None

    def test_additional_columns_are_returned_with_the_locked_account(self, ann: CMSUser, bob: CMSUser) -> None:
        sid = sessions.start(bob, HERE, remember=False)
        db.session.commit()
        found = sessions.find(sid)
        assert found is not None
        query = people.LOCK_SIGNED_IN.add_columns((bindparam("number", type_=Integer) + 1).label("next"))
        locked = people.lock_signed_in(found[1], query, number=6)
        assert locked is not None
        account, row = locked
        assert (account.id, account.username, row.next) == (bob.id, "bob", 7)
        again = people.lock_signed_in(found[1], query, number=7)
        assert again is not None
        assert again[0].id == account.id
        assert again[1].next == 8

    def test_columns_are_updated_in_the_database_and_in_the_object_of_one_account(
        self, ann: CMSUser, bob: CMSUser
    ) -> None:
        account = people.lock(ann.id)
        assert account is not None
        people.update_columns(account, city="Beijing", email_version=3)
        assert not db.session.dirty
        assert (account.city, account.email_version) == ("Beijing", 3)
        rows = db.session.execute(db.select(CMSUser.city, CMSUser.email_version).order_by(CMSUser.id)).all()
        assert [tuple(row) for row in rows] == [("Beijing", 3), (None, 1)]

    def test_the_current_address_is_refused_in_every_spelling(self, ann: CMSUser) -> None:
        with pytest.raises(SameEmail):
            people.refuse_same_email(ann, Address.of("ANN@example.com"))
        people.refuse_same_email(ann, Address.of("bob@example.com"))

    def test_an_address_is_frozen_until_a_time(self, sqlite_env: Environment, ann: CMSUser) -> None:
        people.refuse_frozen(ann)
        assert people.frozen_until(ann) is None
        until = ann.frozen_until = sqlite_env.clock.now() + timedelta(seconds=90)
        sqlite_env.clock.advance(seconds=30)
        assert people.frozen_until(ann) == until
        with pytest.raises(ChangesFrozen) as caught:
            people.refuse_frozen(ann)
        assert caught.value.retry_after == 60
        sqlite_env.clock.advance(seconds=60)
        assert people.frozen_until(ann) is None
        people.refuse_frozen(ann)

    def test_a_time_zone_is_stored_if_the_browser_sent_one(self) -> None:
        assert people.time_zone_columns("Asia/Tokyo") == {"time_zone": "Asia/Tokyo"}
        assert people.time_zone_columns("") == {}

    @pytest.mark.parametrize("superuser", [True, False])
    def test_a_new_account_is_active_and_has_no_history(self, sqlite_env: Environment, superuser: bool) -> None:
        now = sqlite_env.clock.now()
        account = people.new_account(Address.of("Cal@example.com"), "Cal", "hash", superuser=superuser)
        assert account not in db.session
        expected = {
            "username": "Cal",
            "username_key": "cal",
            "email": "Cal@example.com",
            "email_key": "cal@example.com",
            "email_version": 1,
            "password_hash": "hash",
            "password_version": 1,
            "is_superuser": superuser,
            "is_active": True,
            "interests": [],
            "profile_version": 1,
            "created_at": now,
            "acted_at": now,
            "audit_rows": 0,
        }
        assert {name: getattr(account, name) for name in expected} == expected
        people.add(account)
        db.session.commit()
        stored = db.session.execute(db.select(CMSUser.__table__)).one()._asdict()
        assert {name: stored[name] for name in expected} == expected
        assert {name for name in stored if stored[name] is None} == {
            *("language", "time_zone", "mobile", "staff_number", "gender", "city", "signed_in_at", "frozen_until"),
            *("user_handle", "factor_required_at", "erased_at"),
        }

    def add(self, email: str, username: str) -> None:
        """Add an account."""
        people.add(people.new_account(Address.of(email), username, "hash", superuser=False))

    def test_an_account_is_added_only_if_address_and_username_are_available(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        sqlite_env.administrator("root@example.com", username="root", superuser=True)
        links.make(LinkPurpose.UNDO, ann, Address.of("old@example.com"), seconds=60)
        db.session.commit()
        refusals = [
            ("ANN@example.com", "cal", EmailTaken),
            ("old@example.com", "cal", EmailTaken),
            ("cal@example.com", "ANN", UsernameTaken),
            ("cal@example.com", "r00t", UsernameTaken),
        ]
        for email, username, refusal in refusals:
            with pytest.raises(refusal):
                self.add(email, username)
            db.session.rollback()
        self.add("cal@example.com", "cal")

    def test_an_address_that_is_taken_after_the_check_is_refused(self) -> None:
        first, second = (
            people.new_account(Address.of("cal@example.com"), name, "hash", superuser=False) for name in ("cal", "kim")
        )
        db.session.add(first)  # It is written after `availability.require`, which does not flush.
        with pytest.raises(EmailTaken):
            people.add(second)
