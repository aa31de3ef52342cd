"""The old address stops a change before it is made, or undoes one that was made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts import audit, clock, links, passwords, pending, people, sessions, unit_of_work
from accounts.errors import AlreadyChanged, EmailTaken, NothingToStop
from accounts.events import EventName
from accounts.factors import enrolment, pending_sign_ins, resets
from accounts.factors.enrolment import Enrolment, Removed
from accounts.flows import administration, new_password, registration
from accounts.mail import messages
from accounts.mail.messages import Aftermath
from accounts.origin import Origin
from accounts.settings import settings
from accounts.unit_of_work import UnitOfWork
from models import Address, ChangeOutcome, CMSUser, EmailChange, Link, LinkPurpose, db

FACTORS_LOST: tuple[EventName, ...] = (
    *("passkey_removed", "app_removed", "app_replaced", "recovery_codes_created", "factors_reset"),
)
"""The events by which an account has lost second factors or recovery codes, which an undo cannot restore."""


@dataclass(frozen=True)
class Preview:
    """What a link would undo or stop: the address, when the change was made or requested, and from where."""

    email: str
    at: datetime
    network: str
    browser: str
    is_assisted: bool = False  # Another administrator started the change.


class StopState(StrEnum):
    """The state of the change that a link would stop."""

    PENDING = "pending"
    MADE = "made"  # Too late: the notice of the change holds a link that undoes it.
    OVER = "over"  # Cancelled, stopped, dropped or expired.


def preview(token: str) -> Preview:
    """Return what the link would undo. Raises LinkDead. Changes nothing: mail scanners open links."""
    link = links.find(LinkPurpose.UNDO, token)
    return Preview(link.email, link.created_at, link.network, link.browser)


def restore(token: str, origin: Origin) -> str:
    """Restore the old address of the account, and return it.

    All sessions, sign-ins, codes, later undo links and password links end; the password is deleted, and a link to set a
    new one is mailed to the restored address; the address is frozen. What happened since the change was requested is
    withdrawn: second factors that were added, invitations that were sent, and changes and resets that were started with
    the rights of the account, or a reset that was started for it. Raises LinkDead, or EmailTaken if the address belongs
    to another account; then nothing is changed but the history.
    """
    user_id = links.find(LinkPurpose.UNDO, token).user_id
    with unit_of_work.begin(origin) as work:
        accounts = work.lock_with(user_id, lambda: administration.find_concerned(user_id))
        user, link = accounts[user_id], links.find(LinkPurpose.UNDO, token)
        lost, since = user.email, (link.since or link.created_at) - clock.TOLERANCE
        _restore_address(user, link)
        links.end(LinkPurpose.UNDO, user, since=link.id)
        pending.end(user.id, ChangeOutcome.STOPPED)
        sessions.end_all(user)
        pending_sign_ins.end_all(user)
        work.record(user, "change_undone", old=lost, new=user.email)
        work.send(messages.undone(user, origin), user, to=lost)
        _withdraw(work, user, accounts, since)
    return user.email


def _restore_address(user: CMSUser, link: Link) -> None:
    """Give the account its old address, delete its password and freeze the address. Raises EmailTaken."""
    columns = {
        "email": link.email,
        "email_key": link.email_key,
        "email_version": user.email_version + 1,
        "frozen_until": clock.now() + timedelta(seconds=settings().FREEZE_SECONDS),
    }
    try:
        people.update_columns(user, **columns, **passwords.new_hash_columns(user, passwords.NONE))
    except IntegrityError:
        raise EmailTaken from None


def _withdraw(work: UnitOfWork, user: CMSUser, accounts: dict[int, CMSUser], since: datetime) -> None:
    """Withdraw what was done with the rights of the account since a moment, and notify the restored address.

    The mail names what cannot be withdrawn: accounts that were changed, and those that registered with an invitation.
    """
    acted_upon = audit.list_changed_accounts(user, since)
    invited = audit.details(user, "invitation_sent", since, "email")
    keys = [Address.of(email).key for email in invited]
    registered = db.session.scalars(select(CMSUser.username).where(CMSUser.email_key.in_(keys))).all()
    codes_used = len(audit.details(user, "recovery_code_used", since, "left"))
    has_lost_factors = audit.has_event(user, *FACTORS_LOST, since=since)
    factors, is_reset_stopped = _withdraw_factors(work, user, since), resets.end(user, ChangeOutcome.STOPPED, since)
    if is_reset_stopped:
        work.record(user, "factor_reset_stopped")
    gone = registration.withdraw_all(user, since)
    withdrawn = administration.withdraw_started(work, user, accounts, since=since)
    if gone:
        work.record(user, "invitation_withdrawn", email=", ".join(gone))
    token, seconds = new_password.create_link(user)
    aftermath = Aftermath(
        invitations=gone,
        changes=[owner.username for owner in withdrawn.changes],
        accounts=sorted({*acted_upon, *registered}),
        resets=[owner.username for owner in withdrawn.resets],
        removed=factors.passkeys,
        app_removed=factors.app,
        codes_removed=factors.recovery_codes,
        lost=has_lost_factors,
        reset_stopped=is_reset_stopped,
        **_list_left(factors.left, since),
        codes_used=codes_used,
    )
    letter = messages.restored(user, work.origin, token=token, seconds=seconds, aftermath=aftermath)
    work.send(letter, user, not_after=clock.now() + timedelta(seconds=seconds))


def _list_left(left: Enrolment, since: datetime) -> dict[str, Any]:
    """Return which second factors are left, and which of them were used since a moment."""
    app_used_at = left.app.used_at if left.app else None
    return {
        "kept": [each.name for each in left.passkeys],
        "app_kept": left.has_app,
        "used": [each.name for each in left.passkeys if each.used_at and each.used_at >= since],
        "app_used": app_used_at is not None and app_used_at >= since,
    }


def _withdraw_factors(work: UnitOfWork, user: CMSUser, since: datetime) -> Removed:
    """Remove the second factors that were added since a moment, and record it."""
    removed = enrolment.delete_since(user, since)
    if removed:
        kinds = {"app": removed.app, "recovery_codes": removed.recovery_codes}
        told: dict[str, Any] = {
            "passkeys": removed.passkeys,
            "others": [name for name, is_gone in kinds.items() if is_gone],
        }
        work.record(user, "factors_removed", **{name: value for name, value in told.items() if value})
    return removed


def preview_stop(token: str) -> tuple[StopState, Preview]:
    """Return the state of the change and what the link would stop, the new address masked. Raises LinkDead."""
    change = pending.find_stoppable(token)
    its = messages.mask(change.email), change.asked_at, change.network, change.browser
    return _state(change), Preview(*its, is_assisted=change.is_assisted)


def stop(token: str, origin: Origin) -> None:
    """Stop the pending change and end the session that requested it, if one did.

    Raises LinkDead, AlreadyChanged, NothingToStop; then nothing is changed but the history.
    """
    user_id = pending.find_stoppable(token).user_id
    with unit_of_work.begin(origin) as work:
        user, change = work.lock(user_id), pending.find_stoppable(token)
        assert user is not None
        state, session_id = _state(change), change.session_id
        if state is StopState.MADE:
            raise AlreadyChanged
        if state is StopState.OVER:
            raise NothingToStop
        pending.end(user.id, ChangeOutcome.STOPPED)
        work.record(user, "change_stopped", email=change.email)
        sessions.end(session_id)


def _state(change: EmailChange) -> StopState:
    if change.outcome == ChangeOutcome.MADE:
        return StopState.MADE
    is_pending = pending.is_alive(change) and change.expires_at > clock.now()
    return StopState.PENDING if is_pending else StopState.OVER
