"""Superusers invite addresses, and their owners register as administrators."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from accounts import address_policy, availability, clock, limits, passwords, people, unit_of_work
from accounts.errors import LinkDead
from accounts.flows.profile import Profile
from accounts.limits import HOUR, Limit
from accounts.mail import messages
from accounts.mail.messages import Reader
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor, UnitOfWork
from models import Address, CMSUser, Invitation, db, dialect, replacement

PER_HOUR = 50  # Invitations that one administrator can send.


def invite(actor: Actor, address: Address, *, superuser: bool) -> None:
    """Mail an invitation to an address; an earlier one is replaced.

    Raises DomainNotAllowed, EmailTaken, TooManyRequests, NotAllowed, SignInRequired; then nothing is changed but the
    history.
    """
    with unit_of_work.begin(actor, email=address.email) as work:
        _send(work, work.lock_managing(), address, superuser=superuser)


def resend(actor: Actor, invitation_id: int) -> None:
    """Mail an invitation again, with a new link that replaces the old one.

    Raises LinkDead if it was withdrawn or used, and the same as `invite`.
    """
    with unit_of_work.begin(actor) as work:
        by = work.lock_managing()
        old = delete(Invitation).where(Invitation.id == invitation_id)
        found = db.session.execute(old.returning(Invitation.email, Invitation.is_superuser)).first()
        if found is None:
            raise LinkDead
        _send(work, by, Address.of(found[0]), superuser=found[1])


def _send(work: UnitOfWork, by: CMSUser, address: Address, *, superuser: bool) -> None:
    """Add an invitation, its mail and its row of history. Raises DomainNotAllowed, EmailTaken, TooManyRequests."""
    address_policy.refuse_domain(address)
    availability.require(address)
    limits.spend(Limit(f"invitations:user:{by.id}", PER_HOUR, HOUR))
    now, token, seconds = clock.now(), secrets.token_urlsafe(32), settings().INVITATION_SECONDS
    invitation = {
        "token_hash": fingerprint(token),
        "email": address.email,
        "email_key": address.key,
        "is_superuser": superuser,
        "invited_by": by.id,
        "created_at": now,
        "expires_at": now + timedelta(seconds=seconds),
    }
    db.session.execute(replacement(Invitation, "email_key", dialect()), invitation)
    reader = Reader(messages.language_for(by.language))  # The time zone of the reader is not known.
    letter = messages.invitation(reader, work.origin, token=token, hours=seconds // 3600, by=by.username)
    work.send(letter, by, to=address.email, not_after=now + timedelta(seconds=seconds))
    work.record(by, "invitation_sent", email=address.email, superuser=superuser)


def withdraw(actor: Actor, invitation_id: int) -> None:
    """Withdraw an invitation; its link becomes invalid. Raises NotAllowed, SignInRequired."""
    with unit_of_work.begin(actor) as work:
        by = work.lock_managing()
        gone = delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.email)
        if email := db.session.scalar(gone):
            work.record(by, "invitation_withdrawn", email=email)


def withdraw_all(by: CMSUser, since: datetime) -> list[str]:
    """Withdraw the invitations that an administrator sent since a moment, and return their addresses."""
    its = Invitation.invited_by == by.id, Invitation.created_at >= since
    return sorted(db.session.scalars(delete(Invitation).where(*its).returning(Invitation.email)))


def list_invitations() -> list[Invitation]:
    """Return the invitations that were not used yet, newest first, including expired ones."""
    return list(db.session.scalars(select(Invitation).order_by(Invitation.created_at.desc()).limit(200)))


def preview(token: str) -> Invitation:
    """Return the valid invitation of this token. Changes nothing.

    Raises LinkDead, also if the administrator who sent it is no longer permitted to invite. Raises DomainNotAllowed if
    addresses at its domain are no longer allowed.
    """
    mine = Invitation.token_hash == fingerprint(token), Invitation.expires_at > clock.now()
    invitation = db.session.scalar(select(Invitation).where(*mine), execution_options={"populate_existing": True})
    by = db.session.get(CMSUser, invitation.invited_by, populate_existing=True) if invitation else None
    if invitation is None or by is None or not (by.is_active and by.may("administrators")):
        raise LinkDead
    address_policy.refuse_domain(invitation.address)
    return invitation


def register(token: str, profile: Profile, password: str, origin: Origin) -> str:
    """Create the invited administrator and return their address, which the link proves.

    Raises LinkDead, DomainNotAllowed, PasswordBreached, UsernameTaken, EmailTaken; then nothing is changed but the
    history of the inviting administrator.
    """
    invited_by = preview(token).invited_by
    with unit_of_work.begin(origin) as work:
        work.refused_id = invited_by
        password_hash = passwords.hash_new(password)
        work.lock(invited_by)
        invitation = preview(token)  # Again, now that the inviting account is locked.
        used = delete(Invitation).where(Invitation.id == invitation.id).returning(Invitation.id)
        if db.session.scalar(used) is None:  # Another request has used the same link.
            raise LinkDead
        columns = {**profile.columns(), **people.time_zone_columns(origin.time_zone)}
        superuser = invitation.is_superuser
        user = people.new_account(invitation.address, profile.username, password_hash, superuser=superuser, **columns)
        people.add(user)
        work.record(user, "registered", invited_by=invitation.invited_by)
    return user.email
