"""What the old address can do: stop a change before it is made, and undo one that was made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import audit, clock, links, passwords, pending, sessions, unit_of_work
from accounts.errors import AlreadyChanged, EmailTaken, LinkDead, NothingToStop
from accounts.flows import administration, new_password, registration
from accounts.mail import messages, outbox
from accounts.mail.messages import Aftermath
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import UnitOfWork
from models import ChangeOutcome, CMSUser, EmailChange, Link, LinkPurpose, LoginSession, db, email_key


@dataclass(frozen=True)
class Preview:
    """What a link would undo or stop: which address, when it was asked for or made, and from where."""

    email: str
    at: datetime
    network: str
    browser: str
    is_assisted: bool = False  # Another administrator started the change.


class StopState(StrEnum):
    """What a link that stops a change finds."""

    PENDING = "pending"
    MADE = "made"  # Too late: the notice of the change holds a link that undoes it.
    OVER = "over"  # Cancelled, stopped, dropped or expired: nothing is left to stop.


def offer(user: CMSUser, email: str, key: str, *, since: datetime, origin: Origin) -> str:
    """Return the token of the link that restores this address; it is mailed to that address and nowhere else.

    `since` is when the change was asked for: what was done with the account's rights from then on is undone, too.
    """
    seconds = settings().UNDO_SECONDS
    return links.make(LinkPurpose.UNDO, user, email, key, seconds=seconds, since=since, origin=origin)


def preview(token: str) -> Preview:
    """Return what the link would undo. Raises LinkDead. Changes nothing: mail scanners open links."""
    link = links.find(LinkPurpose.UNDO, token)
    return Preview(link.email, link.created_at, link.network, link.browser)


def restore(token: str, origin: Origin) -> str:
    """Give the account its old address back, and return it.

    Every session, code, later undo link and password link ends; the password is void, and a link to set a new one is
    mailed to the restored address; the address is frozen; invitations that were sent and changes that were started with
    the account's rights since the change was asked for are withdrawn. Raises LinkDead, or EmailTaken where the address
    was given to somebody else; then nothing is changed but the history.
    """
    user_id = links.find(LinkPurpose.UNDO, token).user_id
    with unit_of_work.begin(origin) as work:
        accounts = work.lock_with(user_id, lambda: pending.started_by(user_id))
        user, link = accounts[user_id], links.find(LinkPurpose.UNDO, token)
        lost, since = user.email, (link.since or link.created_at) - clock.TOLERANCE
        _restore_address(user, link)
        links.end(LinkPurpose.UNDO, user, since=link.id)
        pending.end(user.id, ChangeOutcome.STOPPED)
        sessions.end_all(user)
        work.record(user, "change_undone", old=lost, new=user.email)
        outbox.enqueue(
            messages.undone(messages.reader_of(user), username=user.username, origin=origin), lost, user_id=user.id
        )
        _withdraw(work, user, accounts, since)
    return user.email


def _restore_address(user: CMSUser, link: Link) -> None:
    """Write the old address into the account, void its password and freeze it. Raises EmailTaken."""
    user.email, user.email_key, user.email_version = link.email, link.email_key, user.email_version + 1
    passwords.set_hash(user, passwords.NONE)
    user.frozen_until = clock.now() + timedelta(seconds=settings().FREEZE_SECONDS)
    try:
        db.session.flush()
    except IntegrityError:
        raise EmailTaken from None


def _withdraw(work: UnitOfWork, user: CMSUser, accounts: dict[int, CMSUser], since: datetime) -> None:
    """Withdraw what was done with the account's rights since a moment, and tell the restored address.

    What cannot be withdrawn is named: accounts that were changed, and those that registered on an invitation.
    """
    acted_upon = audit.list_changed_accounts(user, since)
    invited = audit.details(user, "invitation_sent", since, "email")
    keys = [email_key(email) for email in invited]
    registered = db.session.scalars(select(CMSUser.username).where(CMSUser.email_key.in_(keys))).all()
    gone = registration.withdraw_all(user, since)
    owners = administration.withdraw_started(work, user, accounts, since=since)
    if gone:
        work.record(user, "invitation_withdrawn", email=", ".join(gone))
    token, seconds = new_password.create_link(user)
    aftermath = Aftermath(gone, [owner.username for owner in owners], sorted({*acted_upon, *registered}))
    letter = messages.restored(
        messages.reader_of(user),
        username=user.username,
        token=token,
        seconds=seconds,
        aftermath=aftermath,
        origin=work.origin,
    )
    work.send(letter, user, not_after=clock.now() + timedelta(seconds=seconds))


def stoppable(token: str) -> tuple[StopState, Preview]:
    """Return what the link finds, with the new address masked. Raises LinkDead. Changes nothing."""
    change = _asked_for(token)
    its = messages.masked(change.email), change.asked_at, change.network, change.browser
    return _state(change), Preview(*its, is_assisted=change.is_assisted)


def stop(token: str, origin: Origin) -> None:
    """Stop the pending change and end the session that asked for it, if one did.

    Raises LinkDead, AlreadyChanged, NothingToStop; then nothing is changed but the history.
    """
    user_id = _asked_for(token).user_id
    with unit_of_work.begin(origin) as work:
        user, change = work.lock(user_id), _asked_for(token)
        assert user is not None
        state, session_id = _state(change), change.session_id
        if state is StopState.MADE:
            raise AlreadyChanged
        if state is StopState.OVER:
            raise NothingToStop
        pending.end(user.id, ChangeOutcome.STOPPED)
        work.record(user, "change_stopped", email=change.email)
        db.session.execute(delete(LoginSession).where(LoginSession.id == session_id))


def _asked_for(token: str) -> EmailChange:
    """Return the change whose stop link this is. Raises LinkDead if a newer change took its place."""
    query = select(EmailChange).where(EmailChange.stop_hash == fingerprint(token))
    change = db.session.scalar(query, execution_options={"populate_existing": True})
    if change is None:
        raise LinkDead
    return change


def _state(change: EmailChange) -> StopState:
    if change.outcome == ChangeOutcome.MADE:
        return StopState.MADE
    is_pending = pending.is_alive(change) and change.expires_at > clock.now()
    return StopState.PENDING if is_pending else StopState.OVER
