"""An administrator changes their own e-mail address, with a code that was mailed to the new one."""

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from accounts import (
    address_policy,
    availability,
    clock,
    codes,
    limits,
    pending,
    pending_state,
    people,
    sessions,
    unit_of_work,
)
from accounts.address_policy import policy_of
from accounts.availability import Availability
from accounts.codes import Claim
from accounts.errors import CodeExpired, CodeMissing, CodeWrong, EmailTaken
from accounts.flows import completion
from accounts.limits import HOUR, Limit
from accounts.mail import messages, outbox
from accounts.mail.messages import Reader
from accounts.mail.outbox import Outgoing
from accounts.pending_state import Pending
from accounts.sessions import Renewed
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor, UnitOfWork
from cache import CacheDown
from models import Address, ChangeOutcome, CMSUser, EmailChange, Mailbox

_LOCK = people.LOCK_SIGNED_IN.add_columns(*availability.COLUMNS).outerjoin(availability.OWNER, availability.IS_OWNER)


def ask(actor: Actor, address: Address) -> Pending:
    """Mail a code to the new address and return the pending change, which replaces an older one and its codes.

    Raises ChangesOff, ReauthRequired, SignInRequired, SameEmail, DomainNotAllowed, ChangesFrozen, EmailTaken (only
    where REVEAL_TAKEN_EMAIL is set), TooManyAttempts, TooManyRequests, CacheDown; then nothing is changed but the
    history. If the address is not available, its owner gets a note instead of the code, and the response does not tell.
    """
    with unit_of_work.begin(actor) as work:
        address_policy.refuse_off(actor.user)
        sessions.require_proof(actor.session)
        people.refuse_same_email(actor.user, address)
        address_policy.refuse_domain(address)
        people.refuse_frozen(actor.user)
        sends = limits.sends(actor.user.id, address, work.origin.network)
        left = limits.refuse_spent(*sends, *limits.tries(actor.user.id, address))
        parameters = availability.parameters(address, actor.user.id)
        user, row = work.lock_own_and_read(_LOCK, **parameters)
        address_policy.refuse_off(user)
        people.refuse_same_email(user, address)
        people.refuse_frozen(user)
        left |= limits.spend(*sends)
        # The limit that all share comes last: what another limit refuses is not counted here.
        limits.throttle(Limit("sends:overall", settings().CAPTCHA_SENDS_OVERALL_PER_HOUR, HOUR))
        change = _start(work, actor, user, address, availability.read(row))
        work.record(user, "code_requested", email=address.email)
    return pending_state.of_new(change, left)


def confirm(actor: Actor, last: EmailChange | None, address: Address, entered: Mapping[Mailbox, str]) -> Renewed:
    """Change the address if the codes are correct; return the account and the new id of the session.

    `last` is the last change of the account, as it was when the session was found.
    EMAIL_POLICY and EMAIL_DOMAINS apply as they are now, also to a change that was requested before. Raises ChangesOff,
    ReauthRequired, SignInRequired, SameEmail, DomainNotAllowed, ChangesFrozen, CodeExpired, ChangeWasDropped,
    AskedElsewhere, TooManyAttempts, CacheDown; then nothing is changed but the history. Raises CodeWrong; then the try
    is counted. Raises CodeMissing; then the correct one of two codes is stored, and no try is counted. Raises
    EmailTaken; then the pending change is cancelled.
    """
    with unit_of_work.begin(actor) as work:
        address_policy.refuse_off(actor.user)
        sessions.require_proof(actor.session)
        people.refuse_same_email(actor.user, address)
        requested = pending.require_requested(actor.session, last)
        address_policy.refuse_domain(requested.address)
        stored = {
            code.mailbox: codes.read_stored_hash(code.nonce) for code in requested.codes if code.mailbox in entered
        }
        user = work.lock_own()
        address_policy.refuse_off(user)
        people.refuse_frozen(user)
        change, tries_left = pending.count_try(user, requested)
        if policy_of(user) == "both" and change.old_nonce is None:  # It was requested under another policy.
            raise CodeExpired
        claim = Claim(user.id, actor.session.id, address.key, user.email_version, "")
        correct = _compare(claim, change, entered, stored)
        if wrong := [mailbox for mailbox in stored if mailbox not in correct]:
            pending.mark_proved(change, correct)
            _record_wrong(work, user, change, tries_left)
            raise CodeWrong(tries_left, wrong[0])
        if missing := [code.mailbox for code in change.codes if not code.is_proved and code.mailbox not in correct]:
            pending.mark_proved(change, correct)
            pending.uncount_try(change)
            work.record(user, "code_missing", fold=True)
            raise CodeMissing(missing[0])
        renewed = _complete(work, actor, user, change)
        work.after_commit.append(lambda: _delete_codes(change))
    return renewed


def cancel(actor: Actor) -> None:
    """Cancel the pending change, if there is one; its codes become invalid.

    Raises ReauthRequired, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        user = work.lock_own()
        if pending.end(user.id, ChangeOutcome.CANCELLED):
            work.record(user, "change_cancelled")


def _start(work: UnitOfWork, actor: Actor, user: CMSUser, address: Address, found: Availability) -> EmailChange:
    """Start a change in place of the last one, and send its mails; return the change."""
    if not found.is_free and settings().REVEAL_TAKEN_EMAIL:
        # The request was counted all the same, so that nobody can test a list of addresses.
        work.record(user, "email_taken", fold=True, email=address.email)
        raise EmailTaken(stands=True)
    not_after = clock.now() + timedelta(seconds=settings().CAPTCHA_SECONDS)
    claim = Claim(user.id, actor.session.id, address.key, user.email_version, codes.new_nonce())
    old_claim = replace(claim, nonce=codes.new_nonce()) if policy_of(user) == "both" else None
    stop = secrets.token_urlsafe(32)
    mails = [_mail_to_new(work, user, address, claim, found), *_mail_to_old(work, user, address, old_claim, stop)]
    mail_id, *_ = outbox.enqueue_all([mail._replace(user_id=user.id, not_after=not_after) for mail in mails])
    return pending.start(
        user,
        address,
        session_id=actor.session.id,
        mail_id=mail_id,
        nonce=claim.nonce,
        old_nonce=old_claim.nonce if old_claim else None,
        stop_hash=fingerprint(stop),
        expires_at=not_after,
        origin=work.origin,
    )


def _mail_to_new(work: UnitOfWork, user: CMSUser, address: Address, claim: Claim, found: Availability) -> Outgoing:
    """Return the mail with the code, or the note to the owner of an address that is not available."""
    seconds, reader = settings().CAPTCHA_SECONDS, messages.reader_of(user)
    code = codes.issue(claim, seconds, is_valid=found.is_free)
    if found.is_free:
        return Outgoing(messages.code(reader, work.origin, code=code, seconds=seconds), address.email)
    if found.owner is None:  # Reserved for a former owner, who may still restore it.
        return Outgoing(messages.taken(Reader(reader.language), work.origin), address.email)
    return Outgoing(messages.taken(messages.reader_of(found.owner), work.origin), found.owner.email)


def _mail_to_old(work: UnitOfWork, user: CMSUser, address: Address, claim: Claim | None, stop: str) -> list[Outgoing]:
    """Return the mail to the present address: a link that stops the change, and a code if the policy requires one."""
    seconds, new_email = settings().CAPTCHA_SECONDS, address.email
    if claim is not None:
        code = codes.issue(claim, seconds)
        letter = messages.old_code(user, work.origin, code=code, seconds=seconds, new_email=new_email, stop=stop)
        return [Outgoing(letter, user.email)]
    if settings().HEADS_UP:
        return [Outgoing(messages.heads_up(user, work.origin, new_email=new_email, stop=stop), user.email)]
    return []


def _compare(
    claim: Claim, change: EmailChange, entered: Mapping[Mailbox, str], stored: Mapping[Mailbox, str]
) -> set[Mailbox]:
    """Return the mailboxes whose codes were entered correctly."""
    claims = {code.mailbox: replace(claim, nonce=code.nonce) for code in change.codes if code.mailbox in stored}
    return {box for box, of_box in claims.items() if codes.matches(of_box, entered[box], stored[box])}


def _record_wrong(work: UnitOfWork, user: CMSUser, change: EmailChange, tries_left: int) -> None:
    """Record an incorrect code, and whether it was the last try of the code or of the day.

    The present address is notified of the latter (ASVS 6.3.5).
    """
    work.record(user, "code_wrong", fold=True, email=change.email)
    if change.tries >= settings().CAPTCHA_TRIES:
        work.record(user, "code_locked", email=change.email)
    until = None if tries_left else limits.resets_at(limits.tries_of_user(user.id))
    if until:
        work.record(user, "tries_spent")
        work.send(messages.tries_spent(user, work.origin, until=until), user)


def _complete(work: UnitOfWork, actor: Actor, user: CMSUser, change: EmailChange) -> Renewed:
    """Make the change; end all other sessions, and give this one a new id (ASVS 7.4.3, 7.2.4).

    Raises EmailTaken; then the try is counted all the same, and the change is cancelled.
    """
    try:
        completion.complete(work, user, change)
    except EmailTaken:
        user = work.restart()
        limits.spend(*limits.tries(user.id, change.address))  # The rollback has undone this.
        pending.end(user.id, ChangeOutcome.CANCELLED)
        work.record(user, "email_taken", fold=True)
        raise EmailTaken(stands=True) from None
    return Renewed(user, sessions.renew(actor.session, others_end=True))


def _delete_codes(change: EmailChange) -> None:
    """Delete codes that were used. If that fails nothing is lost: no row names them any more."""
    with contextlib.suppress(CacheDown):
        for code in change.codes:
            codes.delete(code.nonce)
