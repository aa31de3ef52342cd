"""accounts/pending.py: the row of a change, how it is found, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock, limits, links, pending, sessions
from accounts.errors import (
    AskedElsewhere,
    ChangeWasDropped,
    CodeExpired,
    EmailTaken,
    LinkDead,
    Refusal,
    TooManyAttempts,
)
from accounts.signing import fingerprint
from models import Address, ChangeOutcome, CMSUser, EmailChange, Link, LinkPurpose, LoginSession, Mailbox, db
from tests.environments import HERE, Environment, new_session

NEW = Address.of("New@example.com")
ENDED = [outcome for outcome in ChangeOutcome if outcome != ChangeOutcome.PENDING]

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


@pytest.fixture
def session(ann: CMSUser) -> LoginSession:
    """Return a session of the first administrator."""
    return new_session(ann)


def start(user: CMSUser, **values: Any) -> EmailChange:
    """Start a change, and return it as a value."""
    defaults = {"stop_hash": fingerprint(f"stop {user.id}"), "expires_at": clock.now() + timedelta(seconds=600)}
    change = pending.start(user, values.pop("address", NEW), origin=HERE, **{**defaults, **values})
    db.session.commit()
    return change


def row_of(user: CMSUser) -> EmailChange:
    """Return the row of an account's change as it is in the database."""
    db.session.expire_all()
    change = db.session.scalar(db.select(EmailChange).where(EmailChange.user_id == user.id))
    assert change is not None
    return change


def find_requested(session: LoginSession) -> EmailChange:
    """Return the pending change that a session requested."""
    sid = sessions.renew(session)
    vars(session).update(id_hash=fingerprint(sid))
    found = pending.find_with_session(sid)
    assert found is not None
    _, own, change = found
    assert own.id == session.id
    return pending.require_requested(own, change)


def refusal_of(session: LoginSession) -> type[Refusal] | None:
    """Return the class of the refusal that `require_requested` raises, or None."""
    try:
        find_requested(session)
    except Refusal as refusal:
        return type(refusal)
    return None


COLUMNS = [column.name for column in EmailChange.__table__.columns if column.name != "id"]


class TestStart:
    """A new change."""

    def test_a_change_has_no_session_no_starter_and_no_codes_unless_they_are_given(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        value = start(ann)
        row = row_of(ann)
        assert {name: getattr(row, name) for name in COLUMNS} == {
            "user_id": ann.id,
            "session_id": None,
            "is_assisted": False,
            "started_by": None,
            "mail_id": None,
            "email": "New@example.com",
            "email_key": "new@example.com",
            "email_version": 1,
            "nonce": "",
            "old_nonce": None,
            "stop_hash": fingerprint(f"stop {ann.id}"),
            "asked_at": sqlite_env.clock.now(),
            "expires_at": sqlite_env.clock.now() + timedelta(seconds=600),
            "tries": 0,
            "new_proved": False,
            "old_proved": False,
            "network": HERE.network,
            "browser": HERE.browser,
            "outcome": "",
            "ended_by": "",
        }
        assert {name: getattr(value, name) for name in COLUMNS} == {name: getattr(row, name) for name in COLUMNS}

    def test_a_new_change_replaces_every_column_of_the_last_one(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, session: LoginSession
    ) -> None:
        start(ann, session_id=session.id, started_by=bob.id, nonce="n", old_nonce="o", is_assisted=True)
        change = row_of(ann)
        pending.mark_proved(change, list(Mailbox))
        pending.end(ann.id, ChangeOutcome.DROPPED, by="bob")
        db.session.commit()
        sqlite_env.clock.advance(seconds=1)
        other = Address.of("other@example.com")
        second = start(ann, address=other, stop_hash=fingerprint("other"), email_version=7)
        row = row_of(ann)
        assert {name: getattr(row, name) for name in COLUMNS} == {name: getattr(second, name) for name in COLUMNS}
        assert (row.email, row.outcome, row.ended_by, row.session_id, row.started_by) == (
            other.email,
            "",
            "",
            None,
            None,
        )
        assert (row.new_proved, row.old_proved, row.asked_at) == (False, False, sqlite_env.clock.now())
        assert len(db.session.scalars(db.select(EmailChange)).all()) == 1


class TestRequireRequested:
    """The change that a session requested."""

    def test_the_session_that_requested_a_change_finds_it_until_it_expires(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession
    ) -> None:
        start(ann, session_id=session.id)
        sqlite_env.clock.advance(seconds=599)
        assert find_requested(session).address == NEW
        sqlite_env.clock.advance(seconds=1)
        assert refusal_of(session) is CodeExpired

    def test_a_session_finds_the_change_of_its_own_account(
        self, ann: CMSUser, bob: CMSUser, session: LoginSession
    ) -> None:
        start(bob, session_id=new_session(bob).id)
        start(ann, session_id=session.id)
        assert find_requested(session).user_id == ann.id

    def test_a_session_without_a_change_gets_code_expired(self, bob: CMSUser, session: LoginSession) -> None:
        start(bob)
        assert refusal_of(session) is CodeExpired

    @pytest.mark.parametrize("outcome", ENDED)
    def test_no_session_finds_a_change_that_has_ended(
        self, ann: CMSUser, session: LoginSession, outcome: ChangeOutcome
    ) -> None:
        start(ann, session_id=session.id, outcome=outcome)
        assert refusal_of(session) is (ChangeWasDropped if outcome == ChangeOutcome.DROPPED else CodeExpired)
        assert refusal_of(new_session(ann)) is CodeExpired

    def test_a_dropped_change_names_its_ender_until_it_would_have_expired(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession
    ) -> None:
        start(ann, session_id=session.id)
        pending.end(ann.id, ChangeOutcome.DROPPED, by="bob")
        sqlite_env.clock.advance(seconds=599)
        with pytest.raises(ChangeWasDropped) as caught:
            find_requested(session)
        assert caught.value.by == "bob"
        sqlite_env.clock.advance(seconds=1)
        assert refusal_of(session) is CodeExpired

    def test_no_code_completes_a_change_that_another_administrator_started(
        self, ann: CMSUser, session: LoginSession
    ) -> None:
        start(ann, session_id=session.id, is_assisted=True)
        assert refusal_of(session) is CodeExpired

    def test_another_session_gets_asked_elsewhere(self, ann: CMSUser, session: LoginSession) -> None:
        start(ann, session_id=session.id)
        assert refusal_of(new_session(ann)) is AskedElsewhere

    def test_a_change_whose_session_has_ended_is_found_by_no_session(self, ann: CMSUser, session: LoginSession) -> None:
        start(ann, session_id=session.id)
        sessions.end(session.id)
        db.session.commit()
        assert refusal_of(new_session(ann)) is CodeExpired


class TestLinks:
    """Changes that are found by links."""

    @pytest.fixture
    def link(self, ann: CMSUser) -> Link:
        """Return a link that proves the new address."""
        return links.find(LinkPurpose.PROVE, links.make(LinkPurpose.PROVE, ann, NEW, seconds=10**6))

    def test_a_started_change_is_found_by_its_link_after_the_time_to_stop_it(
        self, sqlite_env: Environment, ann: CMSUser, link: Link
    ) -> None:
        change = start(ann, is_assisted=True)
        wait = pending.ready_at(change) - sqlite_env.clock.now()
        assert wait == timedelta(seconds=sqlite_env.app.extensions["cms_settings"].ASSISTED_WAIT_SECONDS)
        sqlite_env.clock.advance(seconds=wait.total_seconds() - 1)
        with pytest.raises(LinkDead):
            pending.find_started(link)
        sqlite_env.clock.advance(seconds=1)
        assert pending.find_started(link).user_id == ann.id

    @pytest.mark.parametrize(
        "values",
        [{"is_assisted": False}, {"address": Address.of("x@example.com")}, *({"outcome": each} for each in ENDED)],
    )
    def test_a_link_finds_no_other_change(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, link: Link, values: dict[str, Any]
    ) -> None:
        start(ann, **{"is_assisted": True, **values})
        start(bob, is_assisted=True)
        sqlite_env.clock.advance(days=30)
        with pytest.raises(LinkDead):
            pending.find_started(link)

    def test_a_change_is_found_in_its_current_state(self, sqlite_env: Environment, ann: CMSUser, link: Link) -> None:
        start(ann, is_assisted=True, stop_hash=fingerprint("token"))
        sqlite_env.clock.advance(days=1)
        found = [pending.find_started(link), pending.find_stoppable("token")]
        pending.mark_proved(found[0], [Mailbox.NEW])
        assert pending.find_started(link).new_proved
        pending.end(ann.id, ChangeOutcome.STOPPED)
        assert pending.find_stoppable("token").outcome == ChangeOutcome.STOPPED

    def test_a_stop_link_finds_its_change_until_another_one_replaces_it(self, ann: CMSUser, bob: CMSUser) -> None:
        start(bob)
        start(ann, stop_hash=fingerprint("token"), outcome=ChangeOutcome.MADE)
        assert pending.find_stoppable("token").user_id == ann.id
        start(ann, stop_hash=fingerprint("next"))
        with pytest.raises(LinkDead):
            pending.find_stoppable("token")


class TestTries:
    """Counted tries, and codes that were correct."""

    @pytest.fixture
    def change(self, ann: CMSUser, session: LoginSession) -> EmailChange:
        """Return a change that the first administrator requested."""
        return start(ann, session_id=session.id, nonce="n")

    def test_a_try_is_counted_for_the_codes_the_day_and_the_new_address(
        self, ann: CMSUser, change: EmailChange
    ) -> None:
        counted, left = pending.count_try(ann, change)
        assert (counted.tries, row_of(ann).tries, left) == (1, 1, 4)
        before = {limit: limit.capacity for limit in limits.tries(ann.id, NEW)}
        assert {limit: found.left for limit, found in limits.read(*before).items()} == {
            limit: capacity - 1 for limit, capacity in before.items()
        }

    @pytest.mark.parametrize("which", [0, 1], ids=["day", "address"])
    def test_the_number_of_tries_left_is_that_of_the_smallest_budget(
        self, ann: CMSUser, change: EmailChange, which: int
    ) -> None:
        limit = limits.tries(ann.id, NEW)[which]
        for _ in range(limit.capacity - 3):
            limits.spend(limit)
        assert pending.count_try(ann, change)[1] == 2

    def test_an_uncounted_try_is_restored_in_every_budget(self, ann: CMSUser, change: EmailChange) -> None:
        counted, _ = pending.count_try(ann, change)
        pending.uncount_try(counted)
        assert row_of(ann).tries == 0
        tries = limits.tries(ann.id, NEW)
        assert {limit: found.left for limit, found in limits.read(*tries).items()} == {
            limit: limit.capacity for limit in tries
        }

    def test_after_five_tries_the_wait_is_that_for_the_next_code(
        self, sqlite_env: Environment, ann: CMSUser, change: EmailChange
    ) -> None:
        for left in (4, 3, 2, 1, 0):
            assert pending.count_try(ann, change)[1] == left
        sqlite_env.clock.advance(seconds=20)
        with pytest.raises(TooManyAttempts) as caught:
            pending.count_try(ann, change)
        assert caught.value.retry_after == 40
        assert row_of(ann).tries == 5

    def test_after_another_change_of_the_address_the_code_has_expired_and_no_try_is_counted(
        self, ann: CMSUser, change: EmailChange
    ) -> None:
        ann.email_version += 1
        with pytest.raises(CodeExpired):
            pending.count_try(ann, change)
        db.session.rollback()
        assert row_of(ann).tries == 0

    @pytest.mark.parametrize("values", [{"nonce": "other"}, {"session_id": None}, {"outcome": ChangeOutcome.STOPPED}])
    def test_no_try_is_counted_for_a_change_that_was_replaced_or_has_ended(
        self, ann: CMSUser, change: EmailChange, values: dict[str, Any]
    ) -> None:
        start(ann, **{"session_id": change.session_id, "nonce": "n", **values})
        with pytest.raises(CodeExpired):
            pending.count_try(ann, change)
        assert row_of(ann).tries == 0

    def test_no_try_is_counted_for_another_account(self, ann: CMSUser, bob: CMSUser, change: EmailChange) -> None:
        with pytest.raises(CodeExpired):
            pending.count_try(bob, change)
        assert row_of(ann).tries == 0

    @pytest.mark.parametrize("mailboxes", [[], [Mailbox.NEW], [Mailbox.OLD], [Mailbox.NEW, Mailbox.OLD]])
    def test_a_correct_code_is_stored_for_its_mailbox_only(
        self, ann: CMSUser, bob: CMSUser, change: EmailChange, mailboxes: list[Mailbox]
    ) -> None:
        start(bob)
        pending.mark_proved(row_of(ann), mailboxes)
        assert (change.new_proved, change.old_proved) == (False, False)
        row = row_of(ann)
        assert (row.new_proved, row.old_proved) == (Mailbox.NEW in mailboxes, Mailbox.OLD in mailboxes)
        assert (row_of(bob).new_proved, row_of(bob).old_proved) == (False, False)


class TestEnd:
    """How a change ends."""

    def test_only_the_completed_change_is_marked_as_made(self, ann: CMSUser, bob: CMSUser) -> None:
        start(ann)
        start(bob)
        pending.complete(row_of(ann))
        assert (row_of(ann).outcome, row_of(bob).outcome) == (ChangeOutcome.MADE, ChangeOutcome.PENDING)

    def test_no_change_is_completed_while_its_address_is_reserved_for_a_former_owner(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser
    ) -> None:
        start(ann)
        links.make(LinkPurpose.UNDO, bob, NEW, seconds=60)
        with pytest.raises(EmailTaken):
            pending.complete(row_of(ann))
        assert row_of(ann).outcome == ChangeOutcome.PENDING
        sqlite_env.clock.advance(seconds=60)
        pending.complete(row_of(ann))

    def test_a_change_to_an_address_is_completed_if_it_is_reserved_for_the_same_account(self, ann: CMSUser) -> None:
        start(ann)
        links.make(LinkPurpose.UNDO, ann, NEW, seconds=60)
        pending.complete(row_of(ann))
        assert row_of(ann).outcome == ChangeOutcome.MADE

    def test_only_the_pending_change_of_one_account_ends(
        self, ann: CMSUser, bob: CMSUser, session: LoginSession
    ) -> None:
        start(ann, session_id=session.id)
        start(bob, is_assisted=True)
        assert pending.end(ann.id, ChangeOutcome.CANCELLED)
        assert (row_of(ann).outcome, row_of(ann).ended_by) == (ChangeOutcome.CANCELLED, "")
        assert row_of(bob).outcome == ChangeOutcome.PENDING
        assert not pending.end(ann.id, ChangeOutcome.DROPPED, by="bob")
        assert (row_of(ann).outcome, row_of(ann).ended_by) == (ChangeOutcome.CANCELLED, "")
        assert pending.end(bob.id, ChangeOutcome.DROPPED, by="ann")
        assert (row_of(bob).outcome, row_of(bob).ended_by) == (ChangeOutcome.DROPPED, "ann")

    def test_a_change_whose_session_has_ended_is_not_pending(self, ann: CMSUser) -> None:
        assert not pending.is_alive(start(ann))
        assert not pending.end(ann.id, ChangeOutcome.CANCELLED)

    def test_a_change_is_alive_while_it_is_pending_and_can_be_completed(
        self, ann: CMSUser, session: LoginSession
    ) -> None:
        assert pending.is_alive(start(ann, session_id=session.id))
        assert pending.is_alive(start(ann, is_assisted=True))
        for outcome in ENDED:
            assert not pending.is_alive(start(ann, session_id=session.id, outcome=outcome))
            assert not pending.is_alive(start(ann, is_assisted=True, outcome=outcome))


class TestLists:
    """Changes that are found by account or starter."""

    @pytest.fixture
    def cal(self, bob: CMSUser, sqlite_env: Environment) -> CMSUser:
        """Return a third administrator."""
        user = sqlite_env.administrator("cal@example.com")
        assert user.id != bob.id
        return user

    def test_the_starter_of_a_change_is_found_by_its_account_only(
        self, ann: CMSUser, bob: CMSUser, cal: CMSUser
    ) -> None:
        start(ann, is_assisted=True, started_by=cal.id)
        start(bob, is_assisted=True)
        assert pending.find_starter(ann.id) == {cal.id}
        assert pending.find_starter(bob.id) == set()
        assert pending.find_starter(cal.id) == set()

    def test_accounts_are_found_by_the_starter_of_their_change_and_its_time(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, cal: CMSUser
    ) -> None:
        start(ann, is_assisted=True, started_by=cal.id)
        second = sqlite_env.clock.advance(seconds=10)
        start(bob, is_assisted=True, started_by=cal.id)
        start(cal, is_assisted=True, started_by=bob.id)
        assert pending.find_started_by(cal.id) == {ann.id, bob.id}
        assert pending.find_started_by(cal.id, second) == {bob.id}
        assert pending.find_started_by(cal.id, second + timedelta(microseconds=1)) == set()
        assert pending.find_started_by(ann.id) == set()
        pending.end(ann.id, ChangeOutcome.STOPPED)
        assert pending.find_started_by(cal.id) == {bob.id}

    def test_pending_changes_are_listed_by_account_until_they_expire(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, cal: CMSUser, session: LoginSession
    ) -> None:
        user_ids = [ann.id, bob.id, cal.id]
        start(ann, session_id=session.id)
        start(bob, is_assisted=True, expires_at=clock.now() + timedelta(seconds=601))
        start(cal)
        found = pending.list_by_account(each for each in user_ids)
        assert {user_id: change.user_id for user_id, change in found.items()} == {ann.id: ann.id, bob.id: bob.id}
        assert pending.list_by_account([ann.id, cal.id]).keys() == {ann.id}
        assert pending.list_by_account([]) == {}
        sqlite_env.clock.advance(seconds=600)
        assert pending.list_by_account(user_ids).keys() == {bob.id}
        pending.end(bob.id, ChangeOutcome.STOPPED)
        assert pending.list_by_account(user_ids) == {}

    def test_started_changes_are_listed_with_their_starters_oldest_first(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, cal: CMSUser, session: LoginSession
    ) -> None:
        now = sqlite_env.clock.now()
        start(cal, is_assisted=True, started_by=bob.id, expires_at=now + timedelta(seconds=601))
        start(bob, is_assisted=True, asked_at=now - timedelta(seconds=1))
        start(ann, session_id=session.id)
        listed = [(user.username, change.user_id, starter) for user, change, starter in pending.list_started()]
        assert listed == [("bob", bob.id, ""), ("cal", cal.id, "bob")]
        start(ann, is_assisted=True, started_by=cal.id, asked_at=now - timedelta(seconds=2))
        assert [user.username for user, *_ in pending.list_started()] == ["ann", "bob", "cal"]
        pending.end(ann.id, ChangeOutcome.STOPPED)
        assert [user.username for user, *_ in pending.list_started()] == ["bob", "cal"]
        sqlite_env.clock.advance(seconds=600)
        assert [user.username for user, *_ in pending.list_started()] == ["cal"]

    def test_changes_that_were_started_at_the_same_time_are_listed_in_the_order_of_their_rows(
        self, ann: CMSUser, bob: CMSUser, cal: CMSUser
    ) -> None:
        for user in (cal, ann, bob):
            start(user, is_assisted=True)
        assert [user.username for user, *_ in pending.list_started()] == ["cal", "ann", "bob"]

    def test_all_pending_changes_are_listed_oldest_first(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, cal: CMSUser, session: LoginSession
    ) -> None:
        now = sqlite_env.clock.now()
        start(ann, session_id=session.id)
        early, late = now - timedelta(seconds=1), now + timedelta(seconds=601)
        start(bob, is_assisted=True, asked_at=early, expires_at=late)
        start(cal)
        listed = [(user.username, change.user_id) for user, change in pending.list_pending()]
        assert listed == [("bob", bob.id), ("ann", ann.id)]
        sqlite_env.clock.advance(seconds=600)
        assert [user.username for user, _ in pending.list_pending()] == ["bob"]
        pending.end(bob.id, ChangeOutcome.DROPPED, by="ann")
        assert pending.list_pending() == []
