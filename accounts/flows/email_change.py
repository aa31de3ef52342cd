"""An administrator changes their e-mail address, and nobody else ever can."""

import contextlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from accounts import audit, clock, codes, database, limits, links, pending, sessions, unit_of_work
from accounts.codes import Claim
from accounts.errors import (
    AskedElsewhere,
    ChangesFrozen,
    ChangeWasDropped,
    CodeExpired,
    CodeMissing,
    CodeWrong,
    EmailTaken,
    SameEmail,
    SignInRequired,
    TooManyAttempts,
)
from accounts.flows import undo
from accounts.limits import HOUR, Limit
from accounts.mail import messages, outbox
from accounts.mail.messages import Reader
from accounts.origin import Origin
from accounts.pending import Pending
from accounts.sessions import Renewed
from accounts.settings import Policy, settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor, UnitOfWork
from cache import CacheDown
from models import ChangeOutcome, CMSUser, EmailChange, LoginSession, db, dialect, email_key, table, upsert, value_of

# Statements of every request are built once: building one costs more than running it.
_CHANGE = table(EmailChange)
_LAST = select(_CHANGE).where(_CHANGE.c.user_id == bindparam("user"))
_THIS_CODE = (
    _CHANGE.c.user_id == bindparam("its_user"),
    _CHANGE.c.session_id == bindparam("session"),
    _CHANGE.c.nonce == bindparam("its_nonce"),
    _CHANGE.c.outcome == ChangeOutcome.PENDING,
)
_ASKED_AT = select(_CHANGE.c.asked_at).where(*_THIS_CODE)
_COUNT = (
    update(_CHANGE)
    .where(*_THIS_CODE, _CHANGE.c.email_version == bindparam("version"), _CHANGE.c.tries < bindparam("most"))
    .values(tries=_CHANGE.c.tries + 1)
    .returning(*_CHANGE.c)
)
_WRITE = update(_CHANGE).where(_CHANGE.c.id == bindparam("its_id"))  # Columns come with the values.
_OWNER = table(CMSUser).alias("owner")
_AVAILABILITY = sessions.LIVING.add_columns(*_OWNER.c, links.RESERVED.scalar_subquery().label("reserved_by")).outerjoin(
    _OWNER, _OWNER.c.email_key == bindparam("key")
)


def policy_of(user: CMSUser) -> Policy:
    """Return whose code a change of this administrator's address needs: that of the `new` address, or of `both`."""
    return settings().EMAIL_POLICY[user.role]


def ask(actor: Actor, email: str) -> Pending:
    """Mail a code to the new address and return the pending change, which replaces an older one and its code.

    Raises ReauthRequired, SignInRequired, SameEmail, ChangesFrozen, EmailTaken (only where REVEAL_TAKEN_EMAIL is set),
    TooManyAttempts, TooManyRequests, CacheDown; then nothing is changed but the history. An address that is
    taken gets a note instead of a code, and nobody is told.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        refuse_same(actor.user, email)
        refuse_frozen(actor.user)
        sends = limits.sends(actor.user.id, email_key(email), work.origin.network)
        left = limits.refuse_spent(*sends, *limits.tries(actor.user.id, email_key(email)))
        user, availability = _lock_and_look_up(work, email)
        refuse_same(user, email)
        refuse_frozen(user)
        left |= limits.spend(*sends)
        # Last of all limits, because everybody shares it: what another one refuses is not counted here.
        limits.throttle(Limit("sends:overall", settings().CAPTCHA_SENDS_OVERALL_PER_HOUR, HOUR))
        change = _replace(work, user, email, availability)
        work.record(user, "code_requested", email=email)
    return pending.just_asked(change, left)


def confirm(actor: Actor, email: str, *, code: str | None, old_code: str | None = None) -> Renewed:
    """Change the address if this is the code that was mailed to it; return the account and the session's new id.

    Raises ReauthRequired, SignInRequired, SameEmail, ChangesFrozen, CodeExpired, ChangeWasDropped, AskedElsewhere,
    TooManyAttempts, CacheDown; then nothing is changed but the history. Raises CodeWrong; then the try is counted.
    Raises CodeMissing; then the right one of two codes is noted, and no try is spent. Raises EmailTaken; then the
    pending change is dropped.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        refuse_same(actor.user, email)
        asked = _asked_for(actor)
        kept = codes.kept(asked.nonce) if code else ""
        kept_old = codes.kept(asked.old_nonce) if asked.old_nonce and old_code else ""
        user = work.lock_own()
        refuse_frozen(user)
        change, tries_left = _with_try_counted(user, actor.session, asked)
        if policy_of(user) == "both" and change.old_nonce is None:  # It was asked for under another policy.
            raise CodeExpired
        claim = Claim(user.id, actor.session.id, email_key(email), user.email_version, asked.nonce)
        proofs = _compared(change, claim, code=code, kept=kept, old_code=old_code, kept_old=kept_old)
        if proofs.wrong:
            _keep(change, proofs)
            _record_wrong(work, user, change, tries_left)
            raise CodeWrong(tries_left, proofs.wrong)
        if missing := proofs.missing():
            _keep(change, proofs)
            _give_try_back(change)
            work.record(user, "code_missing", fold=True)
            raise CodeMissing(missing)
        renewed = _finish(work, user, change)
        work.after_commit.append(lambda: _forget(asked.nonce))
    return renewed


def cancel(actor: Actor) -> None:
    """Cancel the pending change, if there is one; its code is dead.

    Raises ReauthRequired, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        user = work.lock_own()
        if pending.end(user.id, ChangeOutcome.CANCELLED):
            work.record(user, "change_cancelled")


def refuse_same(user: CMSUser, email: str) -> None:
    """Raise SameEmail if this is the present address, in whatever spelling."""
    if email_key(email) == user.email_key:
        raise SameEmail


def refuse_frozen(user: CMSUser) -> None:
    """Raise ChangesFrozen if a change was undone lately."""
    if until := pending.frozen_until(user):
        raise ChangesFrozen((until - clock.now()).total_seconds())


def write(
    work: UnitOfWork, user: CMSUser, change: EmailChange, *, actor_id: int | None = audit.OWNER, by: str = ""
) -> None:
    """Write the change and all that goes with it into the caller's transaction; the caller sees to the sessions.

    Raises IntegrityError if somebody else was given the address first (the unique index decides), EmailTaken if its
    former owner may still want it back; the caller must then roll back.
    """
    old, old_key, key = user.email, user.email_key, change.email_key
    columns = {"email": change.email, "email_key": key, "email_version": user.email_version + 1}
    told: dict[str, Any] = {"old": old, "new": change.email} | ({"by": by} if by else {})
    work.record(user, "email_changed", actor_id=actor_id, columns=columns, **told)
    db.session.flush()
    if links.reserved(key, user.id):
        raise EmailTaken
    pending.end(user.id, ChangeOutcome.MADE)
    notice = messages.changed(
        messages.reader_of(user),
        username=user.username,
        new_email=user.email,
        undo=undo.offer(user, old, old_key, since=change.asked_at, origin=work.origin),
        by=by,
        origin=work.origin,
    )
    outbox.enqueue(notice, old, user_id=user.id)


def put(user: CMSUser, email: str, *, origin: Origin, **values: object) -> EmailChange:
    """Put a new pending change in the place of the last one and return it.

    Raises IntegrityError if its session just ended.
    """
    change: dict[str, Any] = {
        "user_id": user.id,
        "session_id": None,
        "is_assisted": False,
        "started_by": None,
        "email": email,
        "email_key": email_key(email),
        "email_version": user.email_version,
        "nonce": "",
        "old_nonce": None,
        "asked_at": clock.now(),
        "tries": 0,
        "new_proved": False,
        "old_proved": False,
        "network": origin.network,
        "browser": origin.browser,
        "outcome": ChangeOutcome.PENDING,
        "ended_by": "",
    } | values
    database.execute(_put(dialect()), change)
    return EmailChange(**change)


@lru_cache
def _put(dialect: str) -> Any:
    """Return the statement that puts a pending change in the place of an older one."""
    insert = upsert(EmailChange, dialect)
    values = {column.name: insert.excluded[column.name] for column in table(EmailChange).c if column.name != "id"}
    return insert.on_conflict_do_update(index_elements=["user_id"], set_=values)


@dataclass(frozen=True)
class _Availability:
    """Whether an address is to be had."""

    owner: CMSUser | None
    is_reserved: bool  # For a former owner, who may still want it back.

    @property
    def is_free(self) -> bool:
        """Say whether anybody may have the address."""
        return self.owner is None and not self.is_reserved


def _lock_and_look_up(work: UnitOfWork, email: str) -> tuple[CMSUser, _Availability]:
    """Lock the account of who acts, and look up whether the address is to be had. Raises SignInRequired."""
    assert work.actor is not None
    values = {"key": email_key(email), "user": work.actor.user.id, "now": clock.now()}
    user, found = work.lock_own_and_read(_AVAILABILITY, **values)
    owner = value_of(CMSUser, iter(found[1:]))
    return user, _Availability(owner if owner.id is not None else None, found.reserved_by is not None)


def _replace(work: UnitOfWork, user: CMSUser, email: str, availability: _Availability) -> EmailChange:
    """Put a new pending change, its codes and its mails in the place of what there was; return the change."""
    assert work.actor is not None
    session, origin = work.actor.session, work.origin
    now, seconds = clock.now(), settings().CAPTCHA_SECONDS
    owner, is_free = availability.owner, availability.is_free
    if not is_free and settings().REVEAL_TAKEN_EMAIL:
        # Counted all the same: nobody tries out a list of addresses.
        work.record(user, "email_taken", fold=True, email=email)
        raise EmailTaken(stands=True)
    claim = Claim(user.id, session.id, email_key(email), user.email_version, secrets.token_hex(16))
    code = codes.issue(claim, seconds, real=is_free)
    reader, not_after = messages.reader_of(user), now + timedelta(seconds=seconds)
    if is_free:
        letter = messages.code(reader, code=code, seconds=seconds, origin=origin)
    else:
        letter = messages.taken(messages.reader_of(owner) if owner else Reader(reader.language), origin=origin)
    mail_id = outbox.enqueue(letter, owner.email if owner else email, user_id=user.id, not_after=not_after)
    stop = secrets.token_urlsafe(32)
    old_nonce = _tell_old_address(work, user, claim, email, stop)
    try:
        return put(
            user,
            email,
            session_id=session.id,
            mail_id=mail_id,
            nonce=claim.nonce,
            old_nonce=old_nonce,
            stop_hash=fingerprint(stop),
            expires_at=not_after,
            origin=origin,
        )
    except IntegrityError:  # The session ended a moment ago, and with it goes what it asks for.
        raise SignInRequired from None


def _tell_old_address(work: UnitOfWork, user: CMSUser, claim: Claim, email: str, stop: str) -> str | None:
    """Tell the present address at once, with a link that stops the change, and with a code where the policy asks one.

    Returns the name of that code, or None.
    """
    seconds, reader, name = settings().CAPTCHA_SECONDS, messages.reader_of(user), user.username
    not_after = clock.now() + timedelta(seconds=seconds)
    if policy_of(user) == "both":
        old_claim = replace(claim, nonce=secrets.token_hex(16))
        code = codes.issue(old_claim, seconds)
        told = {"username": name, "new_email": email, "stop": stop}
        letter = messages.old_code(reader, code=code, seconds=seconds, **told, origin=work.origin)
        work.send(letter, user, not_after=not_after)
        return old_claim.nonce
    if settings().HEADS_UP:
        letter = messages.heads_up(reader, username=name, new_email=email, stop=stop, origin=work.origin)
        work.send(letter, user, not_after=not_after)
    return None


def _asked_for(actor: Actor) -> EmailChange:
    """Return the living change that this session asked for, as a value.

    Raises CodeExpired, or what tells more: AskedElsewhere, ChangeWasDropped.
    """
    found = database.execute(_LAST, {"user": actor.user.id}).first()
    if found is None:
        raise CodeExpired
    change = value_of(EmailChange, iter(found))
    is_mine, is_living = change.session_id == actor.session.id, change.expires_at > clock.now()
    if change.outcome == ChangeOutcome.DROPPED and is_mine and is_living:
        raise ChangeWasDropped(change.ended_by)
    if change.outcome != ChangeOutcome.PENDING or not is_living or change.is_assisted:
        raise CodeExpired
    if not is_mine:
        raise AskedElsewhere if change.session_id is not None else CodeExpired
    return change


def _with_try_counted(user: CMSUser, session: LoginSession, asked: EmailChange) -> tuple[EmailChange, int]:
    """Count the try before anything is compared: for this code, for this person's day, for the new address's day.

    Returns the pending change, and how many tries are left after this one. Raises TooManyAttempts if there was none,
    CodeExpired if the code was replaced or cancelled meanwhile.
    """
    numbers = settings()
    mine = {"its_user": user.id, "session": session.id, "its_nonce": asked.nonce}
    counted = mine | {"version": user.email_version, "most": numbers.CAPTCHA_TRIES}
    found = database.execute(_COUNT, counted).first()
    if found is None:
        asked_at = database.execute(_ASKED_AT, mine).scalar()
        if asked_at is None:
            raise CodeExpired
        raise TooManyAttempts(numbers.CAPTCHA_RESEND_SECONDS - (clock.now() - asked_at).total_seconds())
    change = value_of(EmailChange, iter(found))
    left = limits.spend(*limits.tries(user.id, change.email_key))
    return change, min(numbers.CAPTCHA_TRIES - change.tries, *(each.left for each in left.values()))


def _give_try_back(change: EmailChange) -> None:
    """Take back the try that was counted: the code was right, and another one is still to come."""
    database.execute(_WRITE, {"its_id": change.id, "tries": change.tries - 1})
    limits.give_back_one(*limits.tries(change.user_id, change.email_key))


@dataclass
class _Proofs:
    """Whose codes have been right so far, and whose is wrong now."""

    new: bool
    old: bool
    needs_old: bool
    wrong: str | None

    def missing(self) -> str | None:
        """Return whose code is still to come."""
        return "new" if not self.new else "old" if self.needs_old and not self.old else None


def _keep(change: EmailChange, proofs: _Proofs) -> None:
    """Keep which codes have been right: they need not be typed again."""
    if (proofs.new, proofs.old) != (change.new_proved, change.old_proved):
        database.execute(_WRITE, {"its_id": change.id, "new_proved": proofs.new, "old_proved": proofs.old})


def _compared(
    change: EmailChange, claim: Claim, *, code: str | None, kept: str, old_code: str | None, kept_old: str
) -> _Proofs:
    """Compare what was typed; a code for the old address is looked at only where the policy asked for one."""
    is_right = code is not None and kept != "" and codes.matches(claim, code, kept)
    old_claim = replace(claim, nonce=change.old_nonce or "")
    old_is_right = old_code is not None and kept_old != "" and codes.matches(old_claim, old_code, kept_old)
    wrong = "new" if code and not is_right else "old" if kept_old and not old_is_right else None
    return _Proofs(
        new=change.new_proved or is_right,
        old=change.old_proved or old_is_right,
        needs_old=change.old_nonce is not None,
        wrong=wrong,
    )


def _record_wrong(work: UnitOfWork, user: CMSUser, change: EmailChange, tries_left: int) -> None:
    """Record a wrong code, and that it was the last try of the code or of the day.

    The present address is told of the latter (ASVS 6.3.5).
    """
    work.record(user, "code_wrong", fold=True, email=change.email)
    if change.tries >= settings().CAPTCHA_TRIES:
        work.record(user, "code_locked", email=change.email)
    until = None if tries_left else limits.resets_at(limits.tries_of_the_day(user.id))
    if until:
        work.record(user, "tries_spent")
        letter = messages.tries_spent(messages.reader_of(user), username=user.username, until=until, origin=work.origin)
        work.send(letter, user)


def _finish(work: UnitOfWork, user: CMSUser, change: EmailChange) -> Renewed:
    """Write the change; end all sessions but this one, which gets a new id (ASVS 7.4.3, 7.2.4).

    Raises EmailTaken; then the try is counted all the same, and the change is dropped.
    """
    assert work.actor is not None
    key, session = change.email_key, work.actor.session
    try:
        write(work, user, change)
    except (IntegrityError, EmailTaken):
        user = work.restart()
        limits.spend(*limits.tries(user.id, key))  # The rollback took the try back, but it was made.
        pending.end(user.id, ChangeOutcome.CANCELLED)
        work.record(user, "email_taken", fold=True)
        raise EmailTaken(stands=True) from None
    sessions.end_others(session)
    return Renewed(user, sessions.renew(session))


def _forget(nonce: str) -> None:
    """Forget a code that was used; without it nothing is lost: no row names the code any more."""
    with contextlib.suppress(CacheDown):
        codes.forget(nonce)
