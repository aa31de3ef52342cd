"""accounts/pending_state.py: what a session sees of a pending change, and what blocks a request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import clock, limits, pending, pending_state
from accounts.limits import Limit
from accounts.mail import outbox
from accounts.mail.messages import Letter
from accounts.origin import Origin
from accounts.pending_state import Block, Pending, PendingState
from models import Address, ChangeOutcome, CMSUser, EmailChange, LoginSession, Mail, Mailbox, MailProblem, MailState, db
from tests.environments import HERE, Environment, new_session

NEW = Address.of("New@example.com")
SECOND = timedelta(seconds=1)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


@pytest.fixture
def session(ann: CMSUser) -> LoginSession:
    """Return a session of the first administrator."""
    return new_session(ann)


def start(user: CMSUser, **values: Any) -> EmailChange:
    """Start a change that expires after ten minutes, and return it as a value."""
    defaults = {"stop_hash": f"stop {user.id}", "expires_at": clock.now() + timedelta(seconds=600), "nonce": "n"}
    return pending.start(user, values.pop("address", NEW), origin=HERE, **{**defaults, **values})


def store_mail(user: CMSUser, **values: Any) -> int:
    """Store a mail with these columns, and return its id."""
    mail_id = outbox.enqueue(Letter("code", "subject", "body", "html"), NEW.email, user_id=user.id)
    if values:
        db.session.execute(db.update(Mail).where(Mail.id == mail_id).values(**values))
    return mail_id


def load(user: CMSUser, session: LoginSession) -> Pending:
    """Return the pending change as a session sees it."""
    seen = pending_state.load(user, session, HERE).pending
    assert seen is not None
    return seen


def spend(limit: Limit, *, but: int = 0) -> None:
    """Spend a budget, except for `but` uses."""
    for _ in range(limit.capacity - but):
        limits.spend(limit)


def test_a_session_sees_the_change_that_it_requested(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser, session: LoginSession
) -> None:
    now = sqlite_env.clock.now()
    start(bob, is_assisted=True)
    start(ann, session_id=session.id, mail_id=store_mail(ann))
    wait = sqlite_env.app.extensions["cms_settings"].ASSISTED_WAIT_SECONDS
    assert load(ann, session) == Pending(
        email="New@example.com",
        in_ascii=None,
        asked_at=now,
        expires_at=now + timedelta(seconds=600),
        resend_at=now,
        tries_left=5,
        blocked_until=None,
        is_of_this_session=True,
        is_assisted=False,
        started_by="",
        ready_at=now + timedelta(seconds=wait),
        missing=(Mailbox.NEW,),
        proved=(),
        mail_state=MailState.QUEUED,
        mail_at=now,
        mail_problem=None,
    )


def test_a_new_change_is_equal_to_the_loaded_one(ann: CMSUser, session: LoginSession) -> None:
    limit = limits.sends(ann.id, NEW, HERE.network)[0]
    left = limits.spend(limit)
    change = start(ann, session_id=session.id, mail_id=store_mail(ann), old_nonce="o")
    assert pending_state.of_new(change, left) == load(ann, session)


def test_no_change_is_seen_if_none_is_pending(ann: CMSUser, bob: CMSUser, session: LoginSession) -> None:
    start(bob, is_assisted=True)
    assert pending_state.load(ann, session, HERE).pending is None
    start(ann)
    assert pending_state.load(ann, session, HERE).pending is None, "its session has ended"
    for outcome in set(ChangeOutcome) - {ChangeOutcome.PENDING}:
        start(ann, session_id=session.id, outcome=outcome)
        assert pending_state.load(ann, session, HERE).pending is None


def test_only_the_session_that_requested_a_change_sees_it_after_it_expired(
    sqlite_env: Environment, ann: CMSUser, session: LoginSession
) -> None:
    start(ann, session_id=session.id)
    other = new_session(ann)
    sqlite_env.clock.advance(seconds=599)
    assert not load(ann, other).is_of_this_session
    assert load(ann, other).state == PendingState.ELSEWHERE
    sqlite_env.clock.advance(seconds=1)
    assert pending_state.load(ann, other, HERE).pending is None
    assert load(ann, session).state == PendingState.EXPIRED


@pytest.mark.parametrize("by_bob", [True, False])
def test_a_started_change_names_its_starter(ann: CMSUser, bob: CMSUser, session: LoginSession, by_bob: bool) -> None:
    start(ann, is_assisted=True, started_by=bob.id if by_bob else None)
    seen = load(ann, session)
    assert (seen.is_assisted, seen.started_by) == (True, "bob" if by_bob else "")
    assert seen.state == PendingState.STARTED


@pytest.mark.parametrize(("email", "in_ascii"), [("a@例子.com", "a@xn--fsqu00a.com"), ("a@example.com", None)])
def test_a_domain_that_is_not_in_ascii_is_shown_in_ascii_too(
    ann: CMSUser, session: LoginSession, email: str, in_ascii: str | None
) -> None:
    start(ann, session_id=session.id, address=Address.of(email))
    assert load(ann, session).in_ascii == in_ascii


class TestBudgets:
    """Uses that are left, and the times when budgets reset."""

    def test_the_number_of_tries_left_is_that_of_the_smallest_budget(self, ann: CMSUser, session: LoginSession) -> None:
        change = start(ann, session_id=session.id)
        of_user, of_address = limits.tries(ann.id, NEW)
        spend(of_address, but=4)
        assert load(ann, session).tries_left == 4
        spend(of_user, but=3)
        assert load(ann, session).tries_left == 3
        for _ in range(3):
            pending.count_try(ann, change)
        assert load(ann, session).tries_left == 0

    def test_a_change_has_five_tries_minus_those_that_were_made(self, ann: CMSUser, session: LoginSession) -> None:
        change = start(ann, session_id=session.id)
        pending.count_try(ann, change)
        assert load(ann, session).tries_left == 4
        start(ann, session_id=session.id, tries=5)
        assert load(ann, session).tries_left == 0
        assert load(ann, session).state == PendingState.NO_TRIES

    def test_only_the_daily_tries_of_the_account_block(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession
    ) -> None:
        began = sqlite_env.clock.now()
        start(ann, session_id=session.id)
        of_user, of_address = limits.tries(ann.id, NEW)
        spend(of_address)
        assert load(ann, session).blocked_until is None
        spend(of_user, but=1)
        assert load(ann, session).blocked_until is None
        limits.spend(of_user)
        assert load(ann, session).blocked_until == began + timedelta(days=1)

    def test_the_next_code_can_be_requested_when_the_last_spent_budget_resets(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession
    ) -> None:
        began = sqlite_env.clock.now()
        start(ann, session_id=session.id)
        wait, *others = limits.sends(ann.id, NEW, HERE.network)
        limits.spend(wait)
        assert load(ann, session).resend_at == began + timedelta(seconds=wait.seconds)
        for limit in others:
            spend(limit, but=1)
        assert load(ann, session).resend_at == began + timedelta(seconds=wait.seconds)
        for limit in sorted(others, key=lambda limit: limit.seconds):
            limits.spend(limit)
            assert load(ann, session).resend_at == began + timedelta(seconds=limit.seconds)
        elsewhere = pending_state.load(ann, session, Origin("192.0.2.1", "")).pending
        assert elsewhere is not None
        assert elsewhere.resend_at == began + timedelta(days=1)

    def test_the_budget_of_the_network_of_the_request_is_used(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession
    ) -> None:
        began = sqlite_env.clock.now()
        start(ann, session_id=session.id)
        spend(limits.sends(ann.id, NEW, HERE.network)[-1])
        assert load(ann, session).resend_at == began + timedelta(hours=1)
        elsewhere = pending_state.load(ann, session, Origin("192.0.2.1", "")).pending
        assert elsewhere is not None
        assert elsewhere.resend_at == began


class TestMail:
    """The mail with the code."""

    def test_a_mail_that_was_deleted_has_no_state(self, ann: CMSUser, session: LoginSession) -> None:
        start(ann, session_id=session.id)
        seen = load(ann, session)
        assert (seen.mail_state, seen.mail_at, seen.mail_problem) == ("", None, None)
        assert seen.state == PendingState.CODE

    def test_the_time_of_a_mail_is_when_it_was_done_or_else_is_due(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession
    ) -> None:
        due, done = sqlite_env.clock.now() + SECOND, sqlite_env.clock.now() + 2 * SECOND
        start(ann, session_id=session.id, mail_id=store_mail(ann, due_at=due))
        assert load(ann, session).mail_at == due
        problem = MailProblem.RECIPIENT_REFUSED
        values = {"due_at": due, "done_at": done, "state": MailState.REFUSED, "problem": problem}
        start(ann, session_id=session.id, mail_id=store_mail(ann, **values))
        seen = load(ann, session)
        assert (seen.mail_state, seen.mail_at, seen.mail_problem) == (MailState.REFUSED, done, problem)


SEEN = Pending(
    email="new@example.com",
    in_ascii=None,
    asked_at=BEGAN,
    expires_at=BEGAN,
    resend_at=BEGAN,
    tries_left=5,
    blocked_until=None,
    is_of_this_session=True,
    is_assisted=False,
    started_by="",
    ready_at=BEGAN,
    missing=(Mailbox.NEW,),
    proved=(),
    mail_state=MailState.SENT,
    mail_at=None,
    mail_problem=None,
)


class TestState:
    """The first state that applies."""

    @pytest.fixture
    def seen(self, sqlite_env: Environment) -> Pending:
        """Return a change whose code was mailed, and which is not expired yet."""
        return replace(SEEN, expires_at=sqlite_env.clock.now() + SECOND)

    def test_a_code_that_was_mailed_is_required(self, seen: Pending) -> None:
        assert seen.state == PendingState.CODE

    def test_each_state_takes_precedence_over_the_former_ones(self, sqlite_env: Environment, seen: Pending) -> None:
        steps: list[tuple[PendingState, dict[str, Any]]] = [
            (PendingState.HALF, {"proved": (Mailbox.OLD,)}),
            (PendingState.UNSENT, {"mail_state": MailState.QUEUED}),
            (PendingState.UNDELIVERED, {"mail_state": MailState.REFUSED}),
            (PendingState.NO_TRIES, {"tries_left": 0}),
            (PendingState.EXPIRED, {"expires_at": sqlite_env.clock.now()}),
            (PendingState.ELSEWHERE, {"is_of_this_session": False}),
            (PendingState.STARTED, {"is_assisted": True}),
        ]
        for state, values in steps:
            seen = replace(seen, **values)
            assert seen.state == state

    def test_a_code_is_required_while_a_try_is_left(self, seen: Pending) -> None:
        assert replace(seen, tries_left=1).state == PendingState.CODE
        assert replace(seen, tries_left=-1).state == PendingState.NO_TRIES

    @pytest.mark.parametrize("mail_state", list(MailState))
    def test_the_state_of_a_mail_is_shown_only_while_its_code_is_missing(
        self, seen: Pending, mail_state: MailState
    ) -> None:
        expected = {MailState.QUEUED: PendingState.UNSENT, MailState.SENT: PendingState.CODE}
        waiting = replace(seen, mail_state=mail_state)
        assert waiting.state == expected.get(mail_state, PendingState.UNDELIVERED)
        proved = replace(waiting, missing=(Mailbox.OLD,), proved=(Mailbox.NEW,))
        assert proved.state == PendingState.HALF


def test_the_codes_of_two_mailboxes_are_missing_until_they_are_proved(ann: CMSUser, session: LoginSession) -> None:
    change = start(ann, session_id=session.id, old_nonce="o")
    assert (load(ann, session).missing, load(ann, session).proved) == ((Mailbox.NEW, Mailbox.OLD), ())
    row = db.session.scalar(db.select(EmailChange).where(EmailChange.user_id == change.user_id))
    assert row is not None
    pending.mark_proved(row, [Mailbox.OLD])
    assert (load(ann, session).missing, load(ann, session).proved) == ((Mailbox.NEW,), (Mailbox.OLD,))
    assert load(ann, session).state == PendingState.HALF


class TestBlock:
    """The time until which no change can be requested."""

    def test_nothing_blocks_a_new_account(self, ann: CMSUser, session: LoginSession) -> None:
        assert pending_state.load(ann, session, HERE).block is None
        start(ann, session_id=session.id)
        assert pending_state.load(ann, session, HERE).block is None

    @pytest.mark.parametrize("is_pending", [False, True])
    def test_the_tries_of_the_day_block(
        self, sqlite_env: Environment, ann: CMSUser, bob: CMSUser, session: LoginSession, is_pending: bool
    ) -> None:
        until = sqlite_env.clock.now() + timedelta(days=1)
        if is_pending:
            start(ann, session_id=session.id)
        spend(limits.tries_of_user(bob.id))
        spend(limits.tries_of_user(ann.id), but=1)
        assert pending_state.load(ann, session, HERE).block is None
        limits.spend(limits.tries_of_user(ann.id))
        assert pending_state.load(ann, session, HERE).block == Block(until, is_freeze=False)
        sqlite_env.clock.advance(seconds=86400)
        assert pending_state.load(ann, session, HERE).block is None

    @pytest.mark.parametrize(("days", "is_freeze"), [(2, True), (0.5, False)])
    def test_of_two_blocks_the_longer_one_is_shown(
        self, sqlite_env: Environment, ann: CMSUser, session: LoginSession, days: float, is_freeze: bool
    ) -> None:
        now = sqlite_env.clock.now()
        ann.frozen_until = now + timedelta(days=days)
        assert pending_state.load(ann, session, HERE).block == Block(ann.frozen_until, is_freeze=True)
        spend(limits.tries_of_user(ann.id))
        block = pending_state.load(ann, session, HERE).block
        assert block == Block(now + timedelta(days=max(1, days)), is_freeze=is_freeze)
