"""Registration by invitation: a superuser invites an address, and whoever reads its mail becomes an administrator."""

import secrets
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import administrators, audit, clock, limits, links, mailer, outbox, passwords, usernames
from accounts.audit import Where
from accounts.errors import EmailTaken, LinkDead, UsernameTaken
from accounts.keys import fingerprint
from accounts.limits import HOUR, Limit
from accounts.profile import Profile
from models import CMSUser, Invitation, db, email_key

PER_HOUR = 50  # So many invitations may one administrator send.


def invite(by: CMSUser, email: str, *, superuser: bool, where: Where) -> None:
    """Mail an invitation to this address; an earlier one is replaced. Raises EmailTaken, TooManyRequests."""
    with audit.refusals(by, where):
        by = administrators.manager(by.id)
        if administrators.with_email(email) or links.reserved(email_key(email)):
            raise EmailTaken
        limits.spend(Limit(f"invitations:user:{by.id}", PER_HOUR, HOUR))
        now, token = clock.now(), secrets.token_urlsafe(32)
        seconds = current_app.config["INVITATION_SECONDS"]
        db.session.execute(delete(Invitation).where(Invitation.email_key == email_key(email)))
        invitation = Invitation(
            token_hash=fingerprint(token),
            email=email,
            email_key=email_key(email),
            is_superuser=superuser,
            invited_by=by.id,
            created_at=now,
            expires_at=now + timedelta(seconds=seconds),
        )
        db.session.add(invitation)
        letter = mailer.invitation(
            mailer.language_of(by), token=token, hours=seconds // 3600, by=by.username, where=where
        )
        outbox.put(letter, email, user_id=by.id, not_after=invitation.expires_at)
        audit.record(by, "invitation_sent", where, email=email, superuser=superuser)
        db.session.commit()
    outbox.wake()


def again(by: CMSUser, invitation_id: int, where: Where) -> None:
    """Mail an invitation once more, with a new link and a new life; the old link dies. Raises LinkDead, EmailTaken."""
    invitation = db.session.get(Invitation, invitation_id)
    if invitation is None:
        raise LinkDead
    invite(by, invitation.email, superuser=invitation.is_superuser, where=where)


def withdraw(by: CMSUser, invitation_id: int, where: Where) -> None:
    """Withdraw an invitation; its link dies."""
    by = administrators.manager(by.id)
    gone = delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.email)
    if email := db.session.scalar(gone):
        audit.record(by, "invitation_withdrawn", where, email=email)
    db.session.commit()


def waiting() -> list[Invitation]:
    """Return the invitations that nobody has followed yet, the newest first; those that are too old, too."""
    return list(db.session.scalars(select(Invitation).order_by(Invitation.created_at.desc()).limit(200)))


def explained(token: str) -> Invitation:
    """Return the living invitation of this token, by who may still invite. Raises LinkDead; changes nothing."""
    mine = Invitation.token_hash == fingerprint(token), Invitation.expires_at > clock.now()
    invitation = db.session.scalar(select(Invitation).where(*mine))
    by = db.session.get(CMSUser, invitation.invited_by) if invitation else None
    if invitation is None or by is None or not (by.is_active and by.may("administrators")):
        raise LinkDead
    return invitation


def register(token: str, profile: Profile, password: str, where: Where) -> None:
    """Make the invited administrator; the address is proved by the link that was mailed to it.

    Raises LinkDead, UsernameTaken, EmailTaken; then nothing is changed.
    """
    hashed = passwords.hashed(password)
    invitation = explained(token)
    used = delete(Invitation).where(Invitation.id == invitation.id).returning(Invitation.id)
    if db.session.scalar(used) is None:  # Somebody was quicker with the same link.
        raise LinkDead
    if administrators.with_email(invitation.email) or links.reserved(invitation.email_key):
        raise EmailTaken
    usernames.refuse_lookalike_username(profile.username, None)
    user = administrators.blank(invitation.email, profile.username, hashed, superuser=invitation.is_superuser)
    profile.write_to(user)
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:
        raise UsernameTaken from None
    audit.record(user, "registered", where, invited_by=invitation.invited_by)
    db.session.commit()
