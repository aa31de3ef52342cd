"""How a session of an administrator sees the pending change of the address, and whether a change can be requested."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select

from accounts import clock, database, limits, pending, people
from accounts.limits import Left, Limit
from accounts.origin import Origin
from accounts.settings import settings
from models import (
    ONE_ROW,
    CMSUser,
    EmailChange,
    LoginSession,
    Mail,
    Mailbox,
    MailProblem,
    MailState,
    table,
    value_of,
)

_CHANGE, _MAIL, _STARTER = table(EmailChange), table(Mail), table(CMSUser).alias("starter")
_QUERY = select(limits.SPENT_UNTIL.scalar_subquery(), _CHANGE, _MAIL, _STARTER.c.username).select_from(
    ONE_ROW.outerjoin(_CHANGE, and_(_CHANGE.c.user_id == bindparam("user"), pending.ALIVE))
    .outerjoin(_MAIL, _MAIL.c.id == _CHANGE.c.mail_id)
    .outerjoin(_STARTER, _STARTER.c.id == _CHANGE.c.started_by)
)
_UNDERWAY = (MailState.QUEUED, MailState.SENT)


class PendingState(StrEnum):
    """What a pending change requires next."""

    STARTED = "started"  # Another administrator started it; the link in the mail to the new address confirms it.
    ELSEWHERE = "elsewhere"  # It was requested in another session.
    EXPIRED = "expired"
    NO_TRIES = "no_tries"  # Of this code, of the day, or of the new address.
    UNDELIVERED = "undelivered"  # The mail with the code could not be sent.
    UNSENT = "unsent"  # The mail with the code has not been sent yet.
    HALF = "half"  # One of two codes was correct.
    CODE = "code"  # The code that was mailed.


@dataclass(frozen=True)
class Block:
    """Until when an administrator cannot request a change: one was undone (a freeze), or the day's tries are spent."""

    until: datetime
    is_freeze: bool


@dataclass(frozen=True)
class Pending:
    """A pending change, as one session sees it."""

    email: str
    in_ascii: str | None  # The address with its domain in ASCII, if it is not in ASCII.
    asked_at: datetime
    expires_at: datetime
    resend_at: datetime
    tries_left: int
    blocked_until: datetime | None  # Until when the day's tries are spent, if they are.
    is_of_this_session: bool
    is_assisted: bool
    started_by: str  # The user name of another administrator who started it, "" for the operator.
    ready_at: datetime  # When the new address of a started change can first be confirmed.
    missing: tuple[Mailbox, ...]  # The mailboxes whose codes have to be entered,
    proved: tuple[Mailbox, ...]  # and those whose codes were correct.
    mail_state: str
    mail_at: datetime | None
    mail_problem: MailProblem | None

    @property
    def state(self) -> PendingState:
        """Return what the change requires next: the first state that applies."""
        reasons = {
            PendingState.STARTED: self.is_assisted,
            PendingState.ELSEWHERE: not self.is_of_this_session,
            PendingState.EXPIRED: self.expires_at <= clock.now(),
            PendingState.NO_TRIES: self.tries_left <= 0,
            PendingState.UNDELIVERED: Mailbox.NEW in self.missing and self.mail_state not in ("", *_UNDERWAY),
            PendingState.UNSENT: Mailbox.NEW in self.missing and self.mail_state == MailState.QUEUED,
            PendingState.HALF: self.proved != (),
        }
        return next((state for state, is_so in reasons.items() if is_so), PendingState.CODE)


class ChangeStatus(NamedTuple):
    """The pending change of an administrator, and what keeps them from requesting one; None: nothing."""

    pending: Pending | None
    block: Block | None


class _Delivery(NamedTuple):
    """The state of the mail with the code, since when or until when, and why it was not sent."""

    state: str
    at: datetime | None
    problem: MailProblem | None = None


def load(user: CMSUser, session: LoginSession, origin: Origin) -> ChangeStatus:
    """Return the pending change of an administrator as this session sees it, and whether one can be requested."""
    parameters = {"user": user.id, **limits.parameters(limits.tries_of_user(user.id))}
    row = iter(database.execute(_QUERY, parameters).one())
    spent_until, change, mail, starter = next(row), value_of(EmailChange, row), value_of(Mail, row), next(row)
    return ChangeStatus(_load_rest(change, mail, starter, session, origin), _block(user, spent_until))


def _load_rest(
    change: EmailChange, mail: Mail, starter: str | None, session: LoginSession, origin: Origin
) -> Pending | None:
    """Return a change as a session sees it, after its budgets were read; None if there is none that it can see."""
    is_of_this_session = change.session_id == session.id
    if change.id is None or (not is_of_this_session and change.expires_at <= clock.now()):
        return None
    user_id, address = change.user_id, change.address
    left = limits.read(*limits.tries(user_id, address), *limits.sends(user_id, address, origin.network))
    delivery = _Delivery(mail.state, mail.done_at or mail.due_at, MailProblem.read(mail.problem)) if mail.id else None
    return _seen(change, left, delivery, is_of_this_session=is_of_this_session, started_by=starter or "")


def of_new(change: EmailChange, left: dict[Limit, Left]) -> Pending:
    """Return a change that was started just now, and whose mail is queued, as its session sees it."""
    return _seen(change, left, _Delivery(MailState.QUEUED, change.asked_at), is_of_this_session=True)


def _seen(
    change: EmailChange,
    left: dict[Limit, Left],
    delivery: _Delivery | None,
    *,
    is_of_this_session: bool,
    started_by: str = "",
) -> Pending:
    """Return a change as a session sees it; `left` is what is left of the budgets."""
    tries = limits.tries(change.user_id, change.address)
    day = left.get(tries[0])
    mail_state, mail_at, mail_problem = delivery or _Delivery("", None)
    return Pending(
        email=change.email,
        in_ascii=None if change.email.isascii() else change.email_key,
        asked_at=change.asked_at,
        expires_at=change.expires_at,
        resend_at=max([change.asked_at, *(budget.resets_at for budget in left.values() if not budget.left)]),
        tries_left=min(
            [settings().CAPTCHA_TRIES - change.tries, *(left[limit].left for limit in tries if limit in left)]
        ),
        blocked_until=day.resets_at if day and not day.left else None,
        is_of_this_session=is_of_this_session,
        is_assisted=change.is_assisted,
        started_by=started_by,
        ready_at=pending.ready_at(change),
        missing=tuple(code.mailbox for code in change.codes if not code.is_proved),
        proved=tuple(code.mailbox for code in change.codes if code.is_proved),
        mail_state=mail_state,
        mail_at=mail_at,
        mail_problem=mail_problem,
    )


def _block(user: CMSUser, spent_until: datetime | None) -> Block | None:
    """Return until when and why an administrator cannot request a change: of two reasons the longer one."""
    ends = (people.frozen_until(user), True), (spent_until, False)
    blocks = [Block(until, is_freeze) for until, is_freeze in ends if until]
    return max(blocks, key=lambda block: block.until, default=None)
