"""The heart of the heart: an administrator changes their e-mail address, and nobody else ever can."""

import contextlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from accounts import administrators, audit, clock, codes, limits, links, mailer, outbox, sessions, undo
from accounts.audit import Where
from accounts.codes import Claim
from accounts.errors import (
    ChangesFrozen,
    CodeExpired,
    CodeMissing,
    CodeWrong,
    EmailTaken,
    SameEmail,
    SignInRequired,
    TooManyAttempts,
)
from accounts.keys import fingerprint
from accounts.limits import HOUR, Limit
from cache import CacheDown
from models import CMSUser, EmailChange, LoginSession, db, dialect, email_key, table, upsert

# Statements of every request are built once: building one costs more than running it.
_MINE = EmailChange.user_id == bindparam("user"), EmailChange.session_id == bindparam("session")
_NONCES = select(EmailChange.nonce, EmailChange.old_nonce).where(*_MINE, EmailChange.expires_at > bindparam("now"))
_THIS_CODE = *_MINE, EmailChange.nonce == bindparam("its_nonce")
_ASKED_AT = select(EmailChange.asked_at).where(*_THIS_CODE)
_COUNT = (
    update(EmailChange)
    .where(*_THIS_CODE, EmailChange.email_version == bindparam("version"), EmailChange.tries < bindparam("most"))
    .values(tries=EmailChange.tries + 1)
    .returning(EmailChange)
)
_DROP = delete(table(EmailChange)).where(table(EmailChange).c.user_id == bindparam("user")).returning(EmailChange.id)
_FRESH = {"populate_existing": True, "synchronize_session": False}


@dataclass(frozen=True)
class Changed:
    """The id that the session has after a change, and the address that the account has."""

    sid: str
    email: str


def policy_of(user: CMSUser) -> str:
    """Return whose code a change of this administrator's address needs: that of the `new` address, or of `both`."""
    return str(current_app.config["EMAIL_POLICY"][user.role])


def ask(user: CMSUser, session: LoginSession, email: str, where: Where) -> None:
    """Mail a code to the new address; a pending change and its code are replaced.

    Raises ReauthRequired, SignInRequired, SameEmail, ChangesFrozen, EmailTaken (only where REVEAL_TAKEN_EMAIL is set),
    TooManyAttempts, TooManyRequests, CacheDown; then nothing is changed but the history. An address that is
    taken gets a note instead of a code, and nobody is told.
    """
    with audit.refusals(user, where):
        sessions.require_proof(session)
        refuse_same(user, email)
        refuse_frozen(user)
        budgets = _send_budgets(user, email, where)
        limits.refuse_spent(*budgets, limits.tries_of_the_day(user.id))
        limits.throttle(Limit("sends:overall", current_app.config["CAPTCHA_SENDS_OVERALL_PER_HOUR"], HOUR))
        user = administrators.locked(user.id)
        refuse_same(user, email)
        refuse_frozen(user)
        limits.spend(*budgets)
        _replace(user, session, email, where)
        audit.record(user, "code_requested", where, email=email)
        db.session.commit()
    outbox.wake()


def confirm(
    user: CMSUser, session: LoginSession, email: str, where: Where, *, code: str | None, old_code: str | None = None
) -> Changed:
    """Change the address if this is the code that was mailed to it; return it, and the session's new id.

    Raises ReauthRequired, SignInRequired, SameEmail, ChangesFrozen, CodeExpired, TooManyAttempts, CacheDown; then
    nothing is changed but the history. Raises CodeWrong; then the try is counted. Raises CodeMissing; then the try is
    counted and the right one of two codes noted. Raises EmailTaken; then the pending change is dropped.
    """
    with audit.refusals(user, where):
        sessions.require_proof(session)
        refuse_same(user, email)
        nonce, old_nonce = _nonces(user, session)
        kept = codes.kept(nonce) if code else ""
        kept_old = codes.kept(old_nonce) if old_nonce and old_code else ""
        user = administrators.locked(user.id)
        refuse_frozen(user)
        pending, tries_left = _with_try_counted(user, session, nonce)
        if policy_of(user) == "both" and pending.old_nonce is None:  # It was asked for under another policy.
            raise CodeExpired
        claim = Claim(user.id, session.id, email_key(email), user.email_version, nonce)
        proofs = _compared(pending, claim, code=code, kept=kept, old_code=old_code, kept_old=kept_old)
        if proofs.wrong:
            proofs.write_to(pending)
            _count_wrong(user, pending, tries_left, where)
            raise CodeWrong(tries_left, proofs.wrong)
        if missing := proofs.missing():
            proofs.write_to(pending)
            audit.record(user, "code_missing", where)
            _tell_if_spent(user, tries_left, where)
            db.session.commit()
            outbox.wake()
            raise CodeMissing(missing)
        changed = Changed(_commit(user, session, pending, where), pending.email)
    outbox.wake()
    with contextlib.suppress(CacheDown):  # The row that named the code is gone: what is left of it opens nothing.
        codes.forget(nonce)
    return changed


def cancel(user: CMSUser, session: LoginSession, where: Where) -> None:
    """Drop the pending change, if there is one; its code is dead. Raises ReauthRequired; then nothing is changed."""
    with audit.refusals(user, where):
        sessions.require_proof(session)
        user = administrators.locked(user.id)
        if _drop(user):
            audit.record(user, "change_cancelled", where)
        db.session.commit()


def refuse_same(user: CMSUser, email: str) -> None:
    """Raise SameEmail if this is the present address, in whatever spelling."""
    if email_key(email) == user.email_key:
        raise SameEmail


def refuse_frozen(user: CMSUser) -> None:
    """Raise ChangesFrozen if a change was undone lately."""
    if user.frozen_until and user.frozen_until > clock.now():
        raise ChangesFrozen((user.frozen_until - clock.now()).total_seconds())


def write(user: CMSUser, pending: EmailChange, where: Where) -> None:
    """Write the change and all that goes with it into the caller's transaction; the caller sees to the sessions.

    Raises IntegrityError if somebody else was given the address first (the unique index decides), EmailTaken if its
    former owner may still want it back; the caller must then roll back.
    """
    old, old_key, key = user.email, user.email_key, pending.email_key
    user.email, user.email_key, user.email_version = pending.email, key, user.email_version + 1
    audit.record(user, "email_changed", where, old=old, new=user.email)
    db.session.flush()
    if links.reserved(key, user.id):
        raise EmailTaken
    _drop(user)
    notice = mailer.changed(
        mailer.language_of(user),
        username=user.username,
        new_email=user.email,
        undo=undo.offer(user, old, old_key),
        at=clock.now(),
        where=where,
    )
    outbox.put(notice, old, user_id=user.id)


def _send_budgets(user: CMSUser, email: str, where: Where) -> list[Limit]:
    """Return what asking for a code costs: the wait between two, and so many an hour."""
    numbers, network = current_app.config, limits.network_of(where.network)
    return [
        limits.resend(user.id),
        Limit(f"sends:user:{user.id}", numbers["CAPTCHA_SENDS_PER_HOUR"], HOUR),
        Limit(f"sends:address:{email_key(email)}", numbers["CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR"], HOUR),
        Limit(f"sends:network:{network}", numbers["CAPTCHA_SENDS_PER_NETWORK_PER_HOUR"], HOUR),
    ]


def _replace(user: CMSUser, session: LoginSession, email: str, where: Where) -> None:
    """Put a new pending change, its codes and its mails in the place of what there was."""
    now, seconds = clock.now(), current_app.config["CAPTCHA_SECONDS"]
    owner, is_reserved = administrators.with_email(email), links.reserved(email_key(email), user.id)
    is_free = owner is None and not is_reserved
    if not is_free and current_app.config["REVEAL_TAKEN_EMAIL"]:
        _refuse_taken(user, email, where)
    claim = Claim(user.id, session.id, email_key(email), user.email_version, secrets.token_hex(16))
    code = codes.issue(claim, seconds, real=is_free)
    language, minutes, not_after = mailer.language_of(user), -(-seconds // 60), now + timedelta(seconds=seconds)
    if is_free:
        letter = mailer.code(language, code=code, minutes=minutes, where=where)
    else:
        letter = mailer.taken(mailer.language_of(owner) if owner else language, where=where)
    mail_id = outbox.put(letter, owner.email if owner else email, user_id=user.id, not_after=not_after)
    stop = secrets.token_urlsafe(32)
    pending = {
        "user_id": user.id,
        "session_id": session.id,
        "mail_id": mail_id,
        "email": email,
        "email_key": claim.email_key,
        "email_version": claim.email_version,
        "nonce": claim.nonce,
        "old_nonce": _tell_old_address(user, claim, email, stop, where),
        "stop_hash": fingerprint(stop),
        "asked_at": now,
        "expires_at": not_after,
        "tries": 0,
        "new_proved": False,
        "old_proved": False,
    }
    try:
        db.session.execute(_put(dialect()), pending)
    except IntegrityError:  # The session ended a moment ago, and with it goes what it asks for.
        raise SignInRequired from None


def _refuse_taken(user: CMSUser, email: str, where: Where) -> None:
    """Say that the address is taken, and count the asking all the same: nobody tries out a list of addresses."""
    audit.record(user, "email_taken", where, fold=True, email=email)
    db.session.commit()
    refusal = EmailTaken()
    refusal.recorded = True
    raise refusal


@lru_cache
def _put(dialect: str) -> Any:
    """Return the statement that puts a pending change in the place of an older one."""
    insert = upsert(EmailChange, dialect)
    values = {column.name: insert.excluded[column.name] for column in table(EmailChange).c if column.name != "id"}
    return insert.on_conflict_do_update(index_elements=["user_id"], set_=values)


def _tell_old_address(user: CMSUser, claim: Claim, email: str, stop: str, where: Where) -> str | None:
    """Tell the present address at once, with a link that stops the change, and with a code where the policy asks one.

    Returns the name of that code, or None.
    """
    seconds, language = current_app.config["CAPTCHA_SECONDS"], mailer.language_of(user)
    not_after = clock.now() + timedelta(seconds=seconds)
    if policy_of(user) == "both":
        old_claim = Claim(claim.user_id, claim.session_id, claim.email_key, claim.email_version, secrets.token_hex(16))
        code = codes.issue(old_claim, seconds)
        letter = mailer.old_code(
            language, code=code, minutes=-(-seconds // 60), new_email=email, stop=stop, where=where
        )
        outbox.put(letter, user.email, user_id=user.id, not_after=not_after)
        return old_claim.nonce
    if current_app.config["HEADS_UP"]:
        letter = mailer.heads_up(language, new_email=email, stop=stop, where=where)
        outbox.put(letter, user.email, user_id=user.id, not_after=not_after)
    return None


def _nonces(user: CMSUser, session: LoginSession) -> tuple[str, str | None]:
    """Return the names of the living codes that this session asked for. Raises CodeExpired."""
    found = db.session.execute(_NONCES, {"user": user.id, "session": session.id, "now": clock.now()}).first()
    if found is None:
        raise CodeExpired
    return found[0], found[1]


def _with_try_counted(user: CMSUser, session: LoginSession, nonce: str) -> tuple[EmailChange, int]:
    """Count the try before anything is compared, for this code and for this administrator's day.

    Returns the pending change, and how many tries are left after this one. Raises TooManyAttempts if there was none,
    CodeExpired if the code was replaced or cancelled meanwhile. The session is alive: the change would be gone with it.
    """
    numbers = current_app.config
    mine = {"user": user.id, "session": session.id, "its_nonce": nonce}
    counted = mine | {"version": user.email_version, "most": numbers["CAPTCHA_TRIES"]}
    pending = db.session.scalar(_COUNT, counted, execution_options=_FRESH)
    if pending is None:
        asked_at = db.session.scalar(_ASKED_AT, mine)
        if asked_at is None:
            raise CodeExpired
        raise TooManyAttempts(numbers["CAPTCHA_RESEND_SECONDS"] - (clock.now() - asked_at).total_seconds())
    left_today = limits.spend(limits.tries_of_the_day(user.id))
    return pending, min(left_today, numbers["CAPTCHA_TRIES"] - pending.tries)


@dataclass
class _Proofs:
    """Whose codes have been right so far, and whose is wrong now."""

    new: bool
    old: bool
    wrong: str | None

    def missing(self) -> str | None:
        """Return whose code is still to come."""
        return None if self.new and self.old else "old" if self.new else "new"

    def write_to(self, pending: EmailChange) -> None:
        """Keep the right ones: they need not be typed again."""
        pending.new_proved, pending.old_proved = self.new, self.old


def _compared(
    pending: EmailChange, claim: Claim, *, code: str | None, kept: str, old_code: str | None, kept_old: str
) -> _Proofs:
    """Compare what was typed; a code for the old address is looked at only where the policy asked for one."""
    is_right = code is not None and kept != "" and codes.matches(claim, code, kept)
    old_claim = replace(claim, nonce=pending.old_nonce or "")
    old_is_right = old_code is not None and kept_old != "" and codes.matches(old_claim, old_code, kept_old)
    wrong = "new" if code and not is_right else "old" if kept_old and not old_is_right else None
    old_proved = pending.old_nonce is None or pending.old_proved or old_is_right
    return _Proofs(new=pending.new_proved or is_right, old=old_proved, wrong=wrong)


def _count_wrong(user: CMSUser, pending: EmailChange, tries_left: int, where: Where) -> None:
    """Commit the counted try."""
    audit.record(user, "code_wrong", where, fold=True, email=pending.email)
    _tell_if_spent(user, tries_left, where)
    db.session.commit()
    outbox.wake()


def _tell_if_spent(user: CMSUser, tries_left: int, where: Where) -> None:
    """Tell the present address when that was the last try of the day (ASVS 6.3.5)."""
    until = None if tries_left else limits.resets_at(limits.tries_of_the_day(user.id))
    if until:
        audit.record(user, "tries_spent", where)
        letter = mailer.tries_spent(mailer.language_of(user), until=until, where=where)
        outbox.put(letter, user.email, user_id=user.id)


def _commit(user: CMSUser, session: LoginSession, pending: EmailChange, where: Where) -> str:
    """Commit the change; end all sessions but this one, and return its new id (ASVS 7.4.3, 7.2.4)."""
    try:
        write(user, pending, where)
    except (IntegrityError, EmailTaken):
        db.session.rollback()
        user = administrators.locked(user.id)
        limits.spend(limits.tries_of_the_day(user.id))  # The rollback took the try back, but it was made.
        _drop(user)
        db.session.commit()
        raise EmailTaken from None
    sessions.end_others(session)
    sid = sessions.renew(session)
    db.session.commit()
    return sid


def _drop(user: CMSUser) -> bool:
    """Drop the administrator's pending change; say whether there was one."""
    return db.session.scalar(_DROP, {"user": user.id}) is not None
