"""The heart of the heart: an administrator changes their e-mail address, and nobody else ever can."""

import contextlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from accounts import administrators, audit, clock, codes, limits, mailer, outbox, sessions
from accounts.audit import Where
from accounts.codes import Claim
from accounts.errors import CodeExpired, CodeWrong, EmailTaken, SameEmail, TooManyAttempts
from accounts.limits import DAY, HOUR, Limit
from cache import CacheDown
from models import CMSUser, EmailChange, LoginSession, Mail, db, email_key


@dataclass(frozen=True)
class Pending:
    """A change that waits for its code, as its administrator sees it."""

    email: str
    asked_at: datetime
    expires_at: datetime
    resend_at: datetime
    tries_left: int
    is_of_this_session: bool
    mail_state: str
    mail_at: datetime | None
    mail_problem: str


def ask(user: CMSUser, session: LoginSession, email: str, where: Where) -> Pending:
    """Mail a code to the new address; a pending change and its code are replaced.

    Raises ReauthRequired, SameEmail, EmailTaken (only where REVEAL_TAKEN_EMAIL is set), TooManyRequests, CacheDown;
    then nothing is changed. An address that is taken gets a note instead of a code, and nobody is told.
    """
    with audit.refusals(user, where):
        sessions.require_proof(session)
        _refuse_same(user, email)
        budgets = _send_budgets(user, email, where)
        limits.refuse_spent(*budgets)
        limits.throttle(Limit("sends:overall", current_app.config["CAPTCHA_SENDS_OVERALL_PER_HOUR"], HOUR))
        user = administrators.locked(user.id)
        sessions.require_alive(session)
        _refuse_same(user, email)
        limits.spend(*budgets)
        pending, mail = _replaced(user, session, email, where)
        audit.record(user, "code_requested", where, email=email)
        db.session.commit()
    outbox.wake()
    return _seen(pending, mail, session)


def confirm(user: CMSUser, session: LoginSession, email: str, code: str, where: Where) -> str:
    """Change the address if this is the code that was mailed to it, and return the session's new id.

    Raises ReauthRequired, SameEmail, CodeExpired, TooManyAttempts, CacheDown; then nothing is changed. Raises
    CodeWrong; then the try is counted. Raises EmailTaken; then the pending change is dropped.
    """
    with audit.refusals(user, where):
        sessions.require_proof(session)
        _refuse_same(user, email)
        nonce = _nonce(user, session)
        kept = codes.kept(nonce)
        user = administrators.locked(user.id)
        pending = _with_try_counted(user, session, nonce)
        claim = Claim(user.id, session.id, email_key(email), user.email_version, nonce)
        if not codes.matches(claim, code, kept):
            audit.record(user, "code_wrong", where, fold=True, email=pending.email)
            db.session.commit()
            raise CodeWrong(current_app.config["CAPTCHA_TRIES"] - pending.tries)
        sid = _commit(user, session, pending, where)
    outbox.wake()
    with contextlib.suppress(CacheDown):  # The row that named the code is gone: what is left of it opens nothing.
        codes.forget(nonce)
    return sid


def cancel(user: CMSUser, where: Where) -> None:
    """Drop the pending change, if there is one; its code is dead."""
    user = administrators.locked(user.id)
    if _drop(user):
        audit.record(user, "change_cancelled", where)
    db.session.commit()


def pending_of(user: CMSUser, session: LoginSession) -> Pending | None:
    """Return the administrator's pending change as this session sees it, or None."""
    query = select(EmailChange, Mail).outerjoin(Mail, Mail.id == EmailChange.mail_id)
    found = db.session.execute(query.where(EmailChange.user_id == user.id)).first()
    return _seen(found[0], found[1], session) if found else None


def _seen(pending: EmailChange, mail: Mail | None, session: LoginSession) -> Pending:
    numbers = current_app.config
    return Pending(
        email=pending.email,
        asked_at=pending.asked_at,
        expires_at=pending.expires_at,
        resend_at=pending.asked_at + timedelta(seconds=numbers["CAPTCHA_RESEND_SECONDS"]),
        tries_left=numbers["CAPTCHA_TRIES"] - pending.tries,
        is_of_this_session=pending.session_id == session.id,
        mail_state=mail.state if mail else "",
        mail_at=(mail.done_at or mail.due_at) if mail else None,
        mail_problem=mail.problem if mail else "",
    )


def _refuse_same(user: CMSUser, email: str) -> None:
    if email_key(email) == user.email_key:
        raise SameEmail


def _send_budgets(user: CMSUser, email: str, where: Where) -> list[Limit]:
    """Return what asking for a code costs: the wait between two, and so many an hour."""
    numbers, network = current_app.config, limits.network_of(where.network)
    resend = numbers["CAPTCHA_RESEND_SECONDS"]
    return [
        Limit(f"resend:user:{user.id}", 1 if resend else 0, resend),
        Limit(f"sends:user:{user.id}", numbers["CAPTCHA_SENDS_PER_HOUR"], HOUR),
        Limit(f"sends:address:{email_key(email)}", numbers["CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR"], HOUR),
        Limit(f"sends:network:{network}", numbers["CAPTCHA_SENDS_PER_NETWORK_PER_HOUR"], HOUR),
    ]


def _replaced(user: CMSUser, session: LoginSession, email: str, where: Where) -> tuple[EmailChange, Mail]:
    """Put a new pending change, a new code and its mail in the place of what there was."""
    now, seconds = clock.now(), current_app.config["CAPTCHA_SECONDS"]
    owner = administrators.with_email(email)
    if owner and current_app.config["REVEAL_TAKEN_EMAIL"]:
        raise EmailTaken
    claim = Claim(user.id, session.id, email_key(email), user.email_version, secrets.token_hex(16))
    code = codes.issue(claim, seconds, real=owner is None)
    expires_at = now + timedelta(seconds=seconds)
    if owner:
        letter = mailer.taken(mailer.language_of(owner), where=where)
    else:
        letter = mailer.code(mailer.language_of(user), code=code, minutes=-(-seconds // 60), where=where)
    mail = outbox.put(letter, owner.email if owner else email, user_id=user.id, not_after=expires_at)
    db.session.flush()
    pending = db.session.scalar(select(EmailChange).where(EmailChange.user_id == user.id))
    if pending is None:
        pending = EmailChange(user_id=user.id)
        db.session.add(pending)
    pending.session_id, pending.mail_id, pending.tries = session.id, mail.id, 0
    pending.email, pending.email_key, pending.email_version = email, claim.email_key, claim.email_version
    pending.nonce, pending.asked_at, pending.expires_at = claim.nonce, now, expires_at
    return pending, mail


def _nonce(user: CMSUser, session: LoginSession) -> str:
    """Return the name of the living code that this session asked for. Raises CodeExpired."""
    alive = EmailChange.user_id == user.id, EmailChange.session_id == session.id, EmailChange.expires_at > clock.now()
    nonce = db.session.scalar(select(EmailChange.nonce).where(*alive))
    if nonce is None:
        raise CodeExpired
    return nonce


def _with_try_counted(user: CMSUser, session: LoginSession, nonce: str) -> EmailChange:
    """Count the try before anything is compared, for this code and for this administrator's day.

    Raises TooManyAttempts if one of them is spent, CodeExpired if the code was replaced or cancelled meanwhile.
    """
    numbers = current_app.config
    mine = EmailChange.user_id == user.id, EmailChange.session_id == session.id, EmailChange.nonce == nonce
    count = (
        update(EmailChange)
        .where(*mine, EmailChange.email_version == user.email_version, EmailChange.tries < numbers["CAPTCHA_TRIES"])
        .values(tries=EmailChange.tries + 1)
        .returning(EmailChange)
    )
    pending = db.session.scalar(count, execution_options={"populate_existing": True})
    if pending is None:
        asked_at = db.session.scalar(select(EmailChange.asked_at).where(*mine))
        if asked_at is None:
            raise CodeExpired
        raise TooManyAttempts(numbers["CAPTCHA_RESEND_SECONDS"] - (clock.now() - asked_at).total_seconds())
    limits.spend(_tries_of_the_day(user), refusal=TooManyAttempts)
    return pending


def _tries_of_the_day(user: CMSUser) -> Limit:
    return Limit(f"tries:user:{user.id}", current_app.config["CAPTCHA_TRIES_PER_DAY"], DAY)


def _commit(user: CMSUser, session: LoginSession, pending: EmailChange, where: Where) -> str:
    """Write the change and all that goes with it in one transaction; the unique index decides a race for an address."""
    old = user.email
    user.email, user.email_key, user.email_version = pending.email, pending.email_key, user.email_version + 1
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        _drop(administrators.locked(user.id))
        db.session.commit()
        raise EmailTaken from None
    _drop(user)
    sessions.end_others(session)
    sid = sessions.renew(session)
    audit.record(user, "email_changed", where, old=old, new=user.email)
    at = clock.now().strftime("%Y-%m-%d %H:%M UTC")
    notice = mailer.changed(mailer.language_of(user), username=user.username, new_email=user.email, where=where, at=at)
    outbox.put(notice, old, user_id=user.id)
    db.session.commit()
    return sid


def _drop(user: CMSUser) -> bool:
    """Drop the administrator's pending change; say whether there was one."""
    dropped = delete(EmailChange).where(EmailChange.user_id == user.id).returning(EmailChange.id)
    return db.session.scalar(dropped) is not None
