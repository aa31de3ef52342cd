"""accounts/unit_of_work.py: transactions of use cases, refusals, rows of the history, and locks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Integer, bindparam

from accounts import passwords, people, sessions, unit_of_work
from accounts.errors import (
    EmailTaken,
    LinkDead,
    NobodyThere,
    NotAllowed,
    NotYourself,
    PasswordWrong,
    SameEmail,
    SignInRequired,
)
from accounts.mail.messages import Letter
from accounts.origin import COMMAND_LINE
from accounts.unit_of_work import Actor, Requester, UnitOfWork
from models import Audit, CMSUser, LoginSession, Mail, db
from tests.actors import PASSWORD
from tests.environments import HERE, Environment

LETTER = Letter("code", "subject", "body", "html")

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


def sign_in(user: CMSUser) -> Actor:
    """Start a session, and return the actor of its requests."""
    sid = sessions.start(user, HERE, remember=False)
    db.session.commit()
    found = sessions.find(sid)
    assert found is not None
    return Actor(*found, HERE)


def refuse(
    requester: Requester, refusal: Exception, act: Callable[[UnitOfWork], object] = id, **refused_detail: object
) -> None:
    """Run a use case that acts, and then raises a refusal or an error."""

    def act_and_raise(work: UnitOfWork) -> None:
        act(work)
        raise refusal

    with pytest.raises(type(refusal)), unit_of_work.begin(requester, **refused_detail) as work:
        act_and_raise(work)


def history_of(user: CMSUser) -> list[Audit]:
    """Return the history of an account, without the row of its creation."""
    return list(db.session.scalars(db.select(Audit).where(Audit.user_id == user.id).order_by(Audit.number)))[1:]


def city_of(user: CMSUser) -> str | None:
    """Return the city of an account as it is in the database."""
    db.session.rollback()
    return db.session.scalar(db.select(CMSUser.city).where(CMSUser.id == user.id))


def test_an_account_that_does_not_exist_cannot_be_managed() -> None:
    with pytest.raises(NobodyThere), unit_of_work.begin(COMMAND_LINE) as work:
        work.lock_managed(999)


def test_accounts_that_are_found_only_under_the_lock_are_locked_too(sqlite_env: Environment, ann: CMSUser) -> None:
    bob = sqlite_env.administrator("bob@example.com")
    found = iter([{ann.id}, {ann.id, bob.id}])
    last = {ann.id, bob.id}
    accounts = people.lock_found(lambda: next(found, last))
    assert {account.username for account in accounts.values()} == {"ann", "bob"}


def test_a_session_that_has_ended_gets_no_new_id(ann: CMSUser) -> None:
    sid = sessions.start(ann, HERE, remember=False)
    db.session.commit()
    found = sessions.find(sid)
    assert found is not None
    _, session = found
    sessions.end(session.id)
    db.session.commit()
    with pytest.raises(SignInRequired):
        sessions.renew(session)
    assert db.session.scalars(db.select(LoginSession)).all() == []


class TestBegin:
    """The transaction of a use case, and the effects of a refusal."""

    def test_actions_after_the_commit_run_in_order_and_outside_the_transaction(self, ann: CMSUser) -> None:
        done: list[object] = []
        with unit_of_work.begin(COMMAND_LINE) as work:
            account = work.lock(ann.id)
            assert account is not None
            people.update_columns(account, city="Beijing")
            work.after_commit += [lambda: done.append(db.session().in_transaction()), lambda: done.append("second")]
            assert done == []
        assert done == [False, "second"]
        assert city_of(ann) == "Beijing"

    def test_a_mail_is_delivered_after_the_commit_and_not_after_a_refusal(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        db.session.info.clear()
        with unit_of_work.begin(COMMAND_LINE) as work:
            work.send(LETTER, ann)
            assert db.session.info["mail_is_queued"]
        assert "mail_is_queued" not in db.session.info
        assert [row.recipient for row in sqlite_env.rows(db.select(Mail.recipient))] == [ann.email]

    def test_a_mail_goes_to_the_account_or_to_another_address_when_it_is_due(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        due, end = (sqlite_env.clock.now() + timedelta(hours=hours) for hours in (1, 2))
        with unit_of_work.begin(COMMAND_LINE) as work:
            first = work.send(LETTER, ann)
            second = work.send(LETTER, ann, to="other@example.com", due_at=due, not_after=end)
        rows = {row.id: row for row in sqlite_env.rows(db.select(Mail.__table__))}
        assert (rows[first].recipient, rows[first].user_id, rows[first].subject) == (ann.email, ann.id, "subject")
        assert (rows[second].recipient, rows[second].user_id) == ("other@example.com", ann.id)
        assert (rows[second].due_at, rows[second].not_after) == (due, end)

    def test_a_refusal_rolls_everything_back_and_is_recorded_with_its_details(self, ann: CMSUser) -> None:
        actor = sign_in(ann)
        done: list[str] = []

        def act(work: UnitOfWork) -> None:
            people.update_columns(work.lock_own(), city="Beijing")
            work.record(work.lock_own(), "renamed")
            work.after_commit.append(lambda: done.append("ran"))

        for _ in range(2):
            refuse(actor, SameEmail(), act, email="x@example.com")
        assert (done, city_of(ann)) == ([], None)
        (row,) = history_of(ann)
        assert (row.event, row.times, row.actor_id, row.detail) == (
            *("same_email", 2, ann.id),
            '{"email": "x@example.com"}',
        )

    def test_a_refusal_that_stands_is_committed_and_adds_no_row(self, ann: CMSUser) -> None:
        done: list[str] = []

        def act(work: UnitOfWork) -> None:
            account = work.lock_own()
            people.update_columns(account, city="Beijing")
            work.record(account, "email_taken")
            work.after_commit.append(lambda: done.append("ran"))

        refuse(sign_in(ann), EmailTaken(stands=True), act, email="x@example.com")
        db.session.rollback()
        assert (done, city_of(ann)) == (["ran"], "Beijing")
        assert [(row.event, row.detail) for row in history_of(ann)] == [("email_taken", "{}")]

    def test_after_an_unexpected_error_nothing_is_committed_or_recorded(self, ann: CMSUser) -> None:
        refuse(sign_in(ann), ZeroDivisionError(), lambda work: people.update_columns(work.lock_own(), city="Beijing"))
        db.session.rollback()
        assert (city_of(ann), history_of(ann)) == (None, [])

    def test_a_refusal_of_a_visitor_is_recorded_for_the_locked_account_only(
        self, sqlite_env: Environment, ann: CMSUser
    ) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        refuse(HERE, LinkDead())
        assert not db.session().info.get("has_written"), "it does not wait for a lock"
        assert (history_of(ann), history_of(bob)) == ([], [])
        refuse(HERE, LinkDead(), lambda work: work.lock(ann.id))
        locked: list[int] = []
        refuse(HERE, LinkDead(), lambda work: locked.extend(work.lock_with(bob.id, lambda: {ann.id})))
        assert locked == [ann.id, bob.id]
        for user in (ann, bob):
            assert [(row.event, row.actor_id, row.network) for row in history_of(user)] == [
                ("link_dead", user.id, HERE.network)
            ]

    def test_a_refusal_of_an_account_that_does_not_exist_is_recorded_nowhere(self, ann: CMSUser) -> None:
        refuse(HERE, LinkDead(), lambda work: work.lock(ann.id + 1))
        assert history_of(ann) == []

    def test_a_refusal_before_a_use_case_is_recorded_for_the_actor(self, ann: CMSUser) -> None:
        with pytest.raises(SameEmail):
            unit_of_work.refuse(sign_in(ann), SameEmail())
        assert [(row.event, row.actor_id) for row in history_of(ann)] == [("same_email", ann.id)]

    def test_joining_a_transaction_does_not_commit_it(self, ann: CMSUser) -> None:
        work = unit_of_work.join(HERE)
        account = work.lock(ann.id)
        assert account is not None
        work.record(account, "renamed")
        assert (work.actor_name, work.origin) == ("", HERE)
        db.session.rollback()
        assert history_of(ann) == []

    def test_a_restart_rolls_back_and_locks_the_account_again(self, ann: CMSUser) -> None:
        with unit_of_work.begin(sign_in(ann)) as work:
            people.update_columns(work.lock_own(), city="Beijing")
            account = work.restart()
            assert (account.id, account.city) == (ann.id, None)
            assert db.session().info["has_written"]
        assert city_of(ann) is None


class TestRecord:
    """Rows of the history: actor, origin and details."""

    def test_the_actor_depends_on_the_requester_unless_it_is_given(self, sqlite_env: Environment, ann: CMSUser) -> None:
        bob = sqlite_env.administrator("bob@example.com")
        requesters = [(sign_in(ann), "ann", ann.id), (COMMAND_LINE, "", None), (HERE, "", bob.id)]
        for requester, name, _ in requesters:
            with unit_of_work.begin(requester) as work:
                assert work.actor_name == name
                account = work.lock(bob.id)
                assert account is not None
                work.record(account, "one")
                work.record(account, "two", actor_id=77)
                work.record(account, "three", actor_id=None)
        expected = [[actor, 77, None] for *_, actor in requesters]
        actors = [row.actor_id for row in history_of(bob)]
        assert [actors[:3], actors[3:6], actors[6:]] == expected

    def test_a_row_stores_origin_and_details_and_is_merged_only_with_fold(self, ann: CMSUser) -> None:
        with unit_of_work.begin(HERE) as work:
            account = work.lock(ann.id)
            assert account is not None
            for fold in (False, False, True):
                work.record(account, "renamed", fold=fold, columns=None if fold else {"city": "Beijing"}, to="x")
        assert [(row.times, row.detail, row.network) for row in history_of(ann)] == [
            (1, '{"to": "x"}', HERE.network),
            (2, '{"to": "x"}', HERE.network),
        ]
        assert city_of(ann) == "Beijing"


class TestLocks:
    """Conditions that are checked again under a lock."""

    @pytest.fixture
    def root(self, ann: CMSUser, sqlite_env: Environment) -> CMSUser:
        """Return a superuser."""
        user = sqlite_env.administrator("root@example.com", superuser=True)
        assert user.id != ann.id
        return user

    def test_the_own_account_is_locked_with_a_valid_proof_only(self, sqlite_env: Environment, ann: CMSUser) -> None:
        actor, proof = sign_in(ann), passwords.prove(PASSWORD, ann)
        with unit_of_work.begin(actor) as work:
            assert work.lock_own(proof).id == ann.id
            assert work.lock_own().id == ann.id
        sqlite_env.update_account("ann@example.com", password_version=2)
        with pytest.raises(PasswordWrong), unit_of_work.begin(actor) as work:
            work.lock_own(proof)

    def test_a_session_that_has_ended_locks_nothing(self, ann: CMSUser, root: CMSUser) -> None:
        actor = sign_in(root)
        sessions.end(actor.session.id)
        db.session.commit()
        for act in (
            lambda work: work.lock_own(),
            lambda work: work.lock_managing(),
            lambda work: work.lock_managed(ann.id),
        ):
            with pytest.raises(SignInRequired), unit_of_work.begin(actor) as work:
                act(work)

    def test_only_superusers_manage_accounts(self, ann: CMSUser, root: CMSUser) -> None:
        with unit_of_work.begin(sign_in(root)) as work:
            assert work.lock_managing().id == root.id
            assert work.lock_managed(ann.id).keys() == {ann.id, root.id}
        for act in (lambda work: work.lock_managing(), lambda work: work.lock_managed(root.id)):
            with pytest.raises(NotAllowed), unit_of_work.begin(sign_in(ann)) as work:
                act(work)

    def test_a_disabled_superuser_manages_no_account(
        self, sqlite_env: Environment, ann: CMSUser, root: CMSUser
    ) -> None:
        actor = sign_in(root)
        sqlite_env.update_account("root@example.com", is_active=False)
        with pytest.raises(SignInRequired), unit_of_work.begin(actor) as work:
            work.lock_managed(ann.id)

    def test_superusers_cannot_manage_their_own_account_or_a_missing_one(self, root: CMSUser) -> None:
        actor = sign_in(root)
        with pytest.raises(NotYourself), unit_of_work.begin(actor) as work:
            work.lock_managed(root.id)
        with pytest.raises(NobodyThere), unit_of_work.begin(actor) as work:
            work.lock_managed(root.id + 1)

    def test_only_the_operator_also_locks_all_active_superusers(
        self, sqlite_env: Environment, ann: CMSUser, root: CMSUser
    ) -> None:
        others = [
            sqlite_env.administrator(f"{name}@example.com", superuser=name != "cal") for name in ("cal", "kim", "lee")
        ]
        sqlite_env.update_account("lee@example.com", is_active=False)
        with unit_of_work.begin(COMMAND_LINE) as work:
            assert work.lock_managed(ann.id).keys() == {ann.id, root.id, others[1].id}
            assert work.lock_managed(ann.id, lambda: {others[0].id}).keys() >= {ann.id, others[0].id}
        with unit_of_work.begin(sign_in(root)) as work:
            assert work.lock_managed(ann.id, lambda: {others[0].id}).keys() == {ann.id, root.id, others[0].id}

    def test_additional_columns_are_read_with_the_own_account(self, ann: CMSUser) -> None:
        query = people.LOCK_SIGNED_IN.add_columns((bindparam("number", type_=Integer) + 1).label("next"))
        with unit_of_work.begin(sign_in(ann)) as work:
            account, row = work.lock_own_and_read(query, number=6)
        assert (account.id, row.next) == (ann.id, 7)
