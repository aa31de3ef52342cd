"""What the old address can do: stop a change before it happens, and undo one that has."""

from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import audit, clock, links, mailer, new_password, outbox, passwords, sessions
from accounts.audit import Where
from accounts.errors import EmailTaken, LinkDead
from accounts.keys import fingerprint
from models import CMSUser, EmailChange, LinkPurpose, LoginSession, db


def offer(user: CMSUser, email: str, key: str) -> str:
    """Return the token of the link that restores this address; it is mailed to that address and nowhere else."""
    return links.make(LinkPurpose.UNDO, user, email, key, seconds=current_app.config["UNDO_SECONDS"])


def explained(token: str) -> str:
    """Return the address that the link would restore. Raises LinkDead. Changes nothing: mail scanners open links."""
    return links.alive(LinkPurpose.UNDO, token).email


def restore(token: str, where: Where) -> str:
    """Give the account its old address back, and return it.

    Every session, code, later undo link and password link ends; the password is void, and a link to set a new one is
    mailed to the restored address; the address is frozen. Raises LinkDead, or EmailTaken where the address was
    given to somebody else; then nothing is changed.
    """
    user_id = links.alive(LinkPurpose.UNDO, token).user_id
    user = audit.held(user_id)
    link = links.alive(LinkPurpose.UNDO, token)  # Once more, now that nobody else can use it.
    assert user is not None
    lost = user.email
    user.email, user.email_key, user.email_version = link.email, link.email_key, user.email_version + 1
    user.password_hash = passwords.NONE
    user.frozen_until = clock.now() + timedelta(seconds=current_app.config["FREEZE_SECONDS"])
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise EmailTaken from None
    links.end(LinkPurpose.UNDO, user, since=link.id)
    sessions.end_all(user)
    db.session.execute(delete(EmailChange).where(EmailChange.user_id == user.id))  # One that another started, too.
    audit.record(user, "change_undone", where, old=lost, new=user.email)
    outbox.put(mailer.undone(mailer.language_of(user), username=user.username, where=where), lost, user_id=user.id)
    new_password.put_link(user, where, mailer.language_of(user))
    db.session.commit()
    outbox.wake()
    return user.email


def stoppable(token: str) -> str:
    """Return the new address, masked, of the pending change that the link would stop. Raises LinkDead."""
    return mailer.masked(_pending(token).email)


def stop(token: str, where: Where) -> None:
    """Drop the pending change and end the session that asked for it, if one did. Raises LinkDead."""
    user = audit.held(_pending(token).user_id)
    pending = _pending(token)
    assert user is not None
    audit.record(user, "change_stopped", where, email=pending.email)
    db.session.execute(delete(LoginSession).where(LoginSession.id == pending.session_id))
    db.session.execute(delete(EmailChange).where(EmailChange.id == pending.id))
    db.session.commit()


def _pending(token: str) -> EmailChange:
    query = select(EmailChange).where(EmailChange.stop_hash == fingerprint(token))
    pending = db.session.scalar(query, execution_options={"populate_existing": True})
    if pending is None or pending.expires_at <= clock.now():
        raise LinkDead
    return pending
