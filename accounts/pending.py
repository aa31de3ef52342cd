"""The pending change as its administrator sees it: what was asked for, what is left, the truth about its mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import bindparam, select

from accounts import clock, limits
from models import Budget, CMSUser, EmailChange, LoginSession, Mail, MailProblem, MailState, db

# Built once: building a statement costs more than running it.
_FIND = (
    select(EmailChange, Mail, Budget)
    .outerjoin(Mail, Mail.id == EmailChange.mail_id)
    .outerjoin(Budget, (Budget.key == bindparam("tries_key")) & (Budget.resets_at > bindparam("now")))
    .where(EmailChange.user_id == bindparam("user"))
)


@dataclass(frozen=True)
class Pending:
    """A change that waits for its code."""

    email: str
    in_ascii: str | None  # As mail servers see the address, where that is not as people do.
    asked_at: datetime
    expires_at: datetime
    resend_at: datetime
    tries_left: int
    is_of_this_session: bool
    missing: tuple[str, ...]
    mail_state: str
    mail_at: datetime | None
    mail_problem: MailProblem | None


def of(user: CMSUser, session: LoginSession) -> Pending | None:
    """Return the administrator's pending change as this session sees it, or None."""
    day = limits.tries_of_the_day(user.id)
    found = db.session.execute(_FIND, {"user": user.id, "tries_key": day.key, "now": clock.now()}).first()
    if found is None:
        return None
    change, mail, used_today = found
    left_today = day.capacity - (used_today.used if used_today else 0)
    proved = {"new": change.new_proved, "old": change.old_proved or change.old_nonce is None}
    wait = (
        0
        if mail and mail.state in (MailState.REFUSED, MailState.FAILED)
        else current_app.config["CAPTCHA_RESEND_SECONDS"]
    )
    return Pending(
        email=change.email,
        in_ascii=None if change.email.isascii() else change.email_key,
        asked_at=change.asked_at,
        expires_at=change.expires_at,
        resend_at=change.asked_at + timedelta(seconds=wait),
        tries_left=min(left_today, current_app.config["CAPTCHA_TRIES"] - change.tries),
        is_of_this_session=change.session_id == session.id,
        missing=tuple(whose for whose, is_there in proved.items() if not is_there),
        mail_state=mail.state if mail else "",
        mail_at=(mail.done_at or mail.due_at) if mail else None,
        mail_problem=MailProblem.read(mail.problem) if mail else None,
    )


def blocked_until(user: CMSUser) -> datetime | None:
    """Return until when no change can be asked for, because it was undone or the day's tries are spent; or None."""
    ends = user.frozen_until, limits.resets_at(limits.tries_of_the_day(user.id))
    return max((end for end in ends if end and end > clock.now()), default=None)
