"""The pending change of an administrator's address: how it is seen, and how it ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import aliased

from accounts import clock, database, limits
from accounts.limits import Left, Limit
from accounts.origin import Origin
from accounts.settings import settings
from models import ChangeOutcome, CMSUser, EmailChange, LoginSession, Mail, MailProblem, MailState, db, table, value_of

STARTER = aliased(CMSUser)
_CHANGE, _MAIL, _STARTER = table(EmailChange), table(Mail), table(CMSUser).alias("starter")
# Not over: who asked for it is still signed in, or who started it asked for no session.
ALIVE = and_(_CHANGE.c.outcome == ChangeOutcome.PENDING, or_(_CHANGE.c.session_id.is_not(None), _CHANGE.c.is_assisted))
# Built once: building a statement costs more than running it.
_FIND = (
    select(_CHANGE, _MAIL, _STARTER.c.username)
    .outerjoin(_MAIL, _MAIL.c.id == _CHANGE.c.mail_id)
    .outerjoin(_STARTER, _STARTER.c.id == _CHANGE.c.started_by)
    .where(_CHANGE.c.user_id == bindparam("user"), ALIVE)
)
_END = (
    update(_CHANGE)
    .where(_CHANGE.c.user_id == bindparam("its_user"), ALIVE)
    .values(outcome=bindparam("how"), ended_by=bindparam("ended_by_name"))
    .returning(_CHANGE.c.id)
)
_UNDERWAY = (MailState.QUEUED, MailState.SENT)


class PendingState(StrEnum):
    """What a pending change waits for, as a session of its administrator sees it."""

    STARTED = "started"  # Another administrator started it; the link in the mail to the new address confirms it.
    ELSEWHERE = "elsewhere"  # It was asked for in another session.
    EXPIRED = "expired"
    NO_TRIES = "no_tries"  # Of this code, of the day, or of the new address.
    UNDELIVERED = "undelivered"  # The mail with the code could not be sent.
    UNSENT = "unsent"  # The mail with the code has not been sent yet.
    HALF = "half"  # One of two codes was right.
    CODE = "code"  # The code that was mailed.


@dataclass(frozen=True)
class Block:
    """Until when an administrator can ask for no change, and why: a change was undone, or the day's tries are spent."""

    until: datetime
    is_freeze: bool


@dataclass(frozen=True)
class Pending:
    """A change that waits: for its code, or for the link that proves the address of a started one."""

    email: str
    in_ascii: str | None  # As mail servers see the address, where that is not as people do.
    asked_at: datetime
    expires_at: datetime
    resend_at: datetime
    tries_left: int
    blocked_until: datetime | None  # Until when the day's tries are spent, if they are.
    is_of_this_session: bool
    is_assisted: bool
    started_by: str  # The user name of another administrator who started it, "" for the operator.
    ready_at: datetime  # Not before then can the address of a started change be proved.
    missing: tuple[str, ...]
    proved: tuple[str, ...]
    mail_state: str
    mail_at: datetime | None
    mail_problem: MailProblem | None

    @property
    def state(self) -> PendingState:
        """Return what the change waits for; of several reasons the one that decides what its reader can do."""
        reasons = {
            PendingState.STARTED: self.is_assisted,
            PendingState.ELSEWHERE: not self.is_of_this_session,
            PendingState.EXPIRED: self.expires_at <= clock.now(),
            PendingState.NO_TRIES: self.tries_left <= 0,
            PendingState.UNDELIVERED: "new" in self.missing and self.mail_state not in ("", *_UNDERWAY),
            PendingState.UNSENT: "new" in self.missing and self.mail_state == MailState.QUEUED,
            PendingState.HALF: self.proved != (),
        }
        return next((state for state, is_so in reasons.items() if is_so), PendingState.CODE)


def of(user: CMSUser, session: LoginSession, origin: Origin) -> Pending | None:
    """Return the administrator's pending change as this session sees it, or None."""
    found = database.execute(_FIND, {"user": user.id}).first()
    if found is None:
        return None
    row = iter(found)
    change, mail, starter = value_of(EmailChange, row), value_of(Mail, row), next(row)
    is_of_this_session = change.session_id == session.id
    if not is_of_this_session and change.expires_at <= clock.now():
        return None
    tries, sends = limits.tries(user.id, change.email_key), limits.sends(user.id, change.email_key, origin.network)
    left = limits.look(*tries, *sends)
    return _seen(change, left, mail if mail.id else None, is_of_this_session=is_of_this_session, started_by=starter)


def just_asked(change: EmailChange, left: dict[Limit, Left]) -> Pending:
    """Return a change as the session sees it that asked for it just now, and whose mail is queued."""
    mail = Mail(state=MailState.QUEUED, due_at=change.asked_at, problem="")
    return _seen(change, left, mail, is_of_this_session=True)


def _seen(
    change: EmailChange, left: dict[Limit, Left], mail: Mail | None, *, is_of_this_session: bool, started_by: str = ""
) -> Pending:
    """Return a change as a session sees it; `left` is what is left of its limits."""
    tries = limits.tries(change.user_id, change.email_key)
    day = left.get(tries[0])
    are_proved = {"new": change.new_proved, "old": change.old_proved}
    needed = ("new",) if change.old_nonce is None else ("new", "old")
    return Pending(
        email=change.email,
        in_ascii=None if change.email.isascii() else change.email_key,
        asked_at=change.asked_at,
        expires_at=change.expires_at,
        resend_at=max([change.asked_at, *(budget.resets_at for budget in left.values() if not budget.left)]),
        tries_left=min(
            [
                settings().CAPTCHA_TRIES - change.tries,
                *(left[limit].left for limit in tries if limit in left),
            ]
        ),
        blocked_until=day.resets_at if day and not day.left else None,
        is_of_this_session=is_of_this_session,
        is_assisted=change.is_assisted,
        started_by=started_by or "",
        ready_at=ready_at(change),
        missing=tuple(whose for whose in needed if not are_proved[whose]),
        proved=tuple(whose for whose, is_proved in are_proved.items() if is_proved),
        mail_state=mail.state if mail else "",
        mail_at=(mail.done_at or mail.due_at) if mail else None,
        mail_problem=MailProblem.read(mail.problem) if mail else None,
    )


def is_alive(change: EmailChange) -> bool:
    """Say of one change what `ALIVE` asks of the table."""
    return change.outcome == ChangeOutcome.PENDING and (change.session_id is not None or change.is_assisted)


def ready_at(change: EmailChange) -> datetime:
    """Return the moment from which on the address of a started change can be proved."""
    return change.asked_at + timedelta(seconds=settings().ASSISTED_WAIT_SECONDS)


def end(user_id: int, outcome: ChangeOutcome, by: str = "") -> bool:
    """End the pending change of an account, which the caller has locked; say whether there was one."""
    values = {"its_user": user_id, "how": outcome, "ended_by_name": by}
    return database.execute(_END, values).first() is not None


def started_by(user_id: int, since: datetime | None = None) -> set[int]:
    """Return whose pending changes this administrator started, or started since a moment."""
    its = [EmailChange.started_by == user_id, ALIVE, *([EmailChange.asked_at >= since] if since else [])]
    return set(db.session.scalars(select(EmailChange.user_id).where(*its)))


def of_accounts(user_ids: Iterable[int]) -> dict[int, EmailChange]:
    """Return the pending changes of several accounts that still can be finished, by the number of the account."""
    query = select(EmailChange).where(EmailChange.user_id.in_(tuple(user_ids)), ALIVE)
    return {change.user_id: change for change in db.session.scalars(query.where(EmailChange.expires_at > clock.now()))}


def all_started() -> list[tuple[CMSUser, EmailChange, str]]:
    """Return the changes that were started for somebody and can still be finished, oldest first, with the starters."""
    query = (
        select(CMSUser, EmailChange, STARTER.username)
        .join(EmailChange, EmailChange.user_id == CMSUser.id)
        .outerjoin(STARTER, STARTER.id == EmailChange.started_by)
        .where(ALIVE, EmailChange.is_assisted, EmailChange.expires_at > clock.now())
    )
    rows = db.session.execute(query.order_by(EmailChange.asked_at, EmailChange.id))
    return [(row[0], row[1], row[2] or "") for row in rows]


def all_living() -> list[tuple[CMSUser, EmailChange]]:
    """Return everybody's pending changes that still can be finished, the oldest first."""
    query = select(CMSUser, EmailChange).join(EmailChange, EmailChange.user_id == CMSUser.id)
    rows = db.session.execute(query.where(ALIVE, EmailChange.expires_at > clock.now()).order_by(EmailChange.asked_at))
    return [(row[0], row[1]) for row in rows]


def block_of(user: CMSUser, seen: Pending | None) -> Block | None:
    """Return until when an administrator can ask for no change, and why; or None. `seen` is the pending change."""
    spent_until = seen.blocked_until if seen else limits.resets_at(limits.tries_of_the_day(user.id))
    ends = (frozen_until(user), True), (spent_until, False)
    blocks = [Block(until, is_freeze) for until, is_freeze in ends if until]
    return max(blocks, key=lambda block: block.until, default=None)


def frozen_until(user: CMSUser) -> datetime | None:
    """Return until when the address stays as it is because a change was undone, or None."""
    return user.frozen_until if user.frozen_until and user.frozen_until > clock.now() else None
