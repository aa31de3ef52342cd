"""Registration by invitation: a superuser invites an address, and whoever reads its mail becomes an administrator."""

import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import clock, limits, links, passwords, people, unit_of_work, usernames
from accounts.errors import EmailTaken, LinkDead, UsernameTaken
from accounts.flows.profile import Profile
from accounts.limits import HOUR, Limit
from accounts.mail import messages, outbox
from accounts.mail.messages import Reader
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor, UnitOfWork
from models import CMSUser, Invitation, db, dialect, email_key, table, upsert

PER_HOUR = 50  # So many invitations may one administrator send.


def invite(actor: Actor, email: str, *, superuser: bool) -> None:
    """Mail an invitation to this address; an earlier one is replaced.

    Raises EmailTaken, TooManyRequests, NotAllowed, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor, email=email) as work:
        _send(work, work.lock_managing(), email, superuser=superuser)


def resend(actor: Actor, invitation_id: int) -> None:
    """Mail an invitation once more, with a new link and a new life; the old link dies.

    Raises LinkDead if it was withdrawn or used; what `invite` raises.
    """
    with unit_of_work.begin(actor) as work:
        by = work.lock_managing()
        old = delete(Invitation).where(Invitation.id == invitation_id)
        found = db.session.execute(old.returning(Invitation.email, Invitation.is_superuser)).first()
        if found is None:
            raise LinkDead
        _send(work, by, found[0], superuser=found[1])


def _send(work: UnitOfWork, by: CMSUser, email: str, *, superuser: bool) -> None:
    """Add an invitation, its mail and its row of history."""
    if people.with_email(email) or links.reserved(email_key(email)):
        raise EmailTaken
    limits.spend(Limit(f"invitations:user:{by.id}", PER_HOUR, HOUR))
    now, token, seconds = clock.now(), secrets.token_urlsafe(32), settings().INVITATION_SECONDS
    invitation = {
        "token_hash": fingerprint(token),
        "email": email,
        "email_key": email_key(email),
        "is_superuser": superuser,
        "invited_by": by.id,
        "created_at": now,
        "expires_at": now + timedelta(seconds=seconds),
    }
    db.session.execute(_put(dialect()), invitation)
    reader = Reader(messages.language_of(by))  # Nobody knows yet where they are.
    letter = messages.invitation(reader, token=token, hours=seconds // 3600, by=by.username, origin=work.origin)
    outbox.enqueue(letter, email, user_id=by.id, not_after=now + timedelta(seconds=seconds))
    work.record(by, "invitation_sent", email=email, superuser=superuser)


@lru_cache
def _put(dialect: str) -> Any:
    """Return the statement that puts an invitation in the place of an older one to the same address."""
    insert = upsert(Invitation, dialect)
    values = {column.name: insert.excluded[column.name] for column in table(Invitation).c if column.name != "id"}
    return insert.on_conflict_do_update(index_elements=["email_key"], set_=values)


def withdraw(actor: Actor, invitation_id: int) -> None:
    """Withdraw an invitation; its link dies. Raises NotAllowed, SignInRequired."""
    with unit_of_work.begin(actor) as work:
        by = work.lock_managing()
        gone = delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.email)
        if email := db.session.scalar(gone):
            work.record(by, "invitation_withdrawn", email=email)


def withdraw_all(by: CMSUser, since: datetime) -> list[str]:
    """Withdraw what somebody invited since a moment, in the caller's transaction; return the addresses."""
    its = Invitation.invited_by == by.id, Invitation.created_at >= since
    return sorted(db.session.scalars(delete(Invitation).where(*its).returning(Invitation.email)))


def list_invitations() -> list[Invitation]:
    """Return the invitations that nobody has followed yet, the newest first; those that are too old, too."""
    return list(db.session.scalars(select(Invitation).order_by(Invitation.created_at.desc()).limit(200)))


def preview(token: str) -> Invitation:
    """Return the living invitation of this token, by who may still invite. Raises LinkDead; changes nothing."""
    mine = Invitation.token_hash == fingerprint(token), Invitation.expires_at > clock.now()
    invitation = db.session.scalar(select(Invitation).where(*mine), execution_options={"populate_existing": True})
    by = db.session.get(CMSUser, invitation.invited_by) if invitation else None
    if invitation is None or by is None or not (by.is_active and by.may("administrators")):
        raise LinkDead
    return invitation


def register(token: str, profile: Profile, password: str, origin: Origin) -> str:
    """Make the invited administrator and return their address, which the link that was mailed to it proves.

    Raises LinkDead, UsernameTaken, EmailTaken; then nothing is changed but the history of who invited them.
    """
    password_hash, invited_by = passwords.hash_password(password), preview(token).invited_by
    with unit_of_work.begin(origin) as work:
        work.lock(invited_by)
        invitation = preview(token)  # Once more, now that who sent it cannot lose the right to.
        used = delete(Invitation).where(Invitation.id == invitation.id).returning(Invitation.id)
        if db.session.scalar(used) is None:  # Somebody was quicker with the same link.
            raise LinkDead
        if people.with_email(invitation.email) or links.reserved(invitation.email_key):
            raise EmailTaken
        usernames.refuse_lookalike_username(profile.username, None)
        user = people.new_account(invitation.email, profile.username, password_hash, superuser=invitation.is_superuser)
        people.remember_time_zone(user, origin.time_zone)
        profile.write_to(user)
        db.session.add(user)
        try:
            db.session.flush()
        except IntegrityError as problem:
            raise (EmailTaken if "email_key" in str(problem.orig) else UsernameTaken) from None
        work.record(user, "registered", invited_by=invitation.invited_by)
    return user.email
