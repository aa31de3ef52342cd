"""A change of address for somebody who lost the mailbox: another administrator starts it, and everybody is told.

The new address must be proved all the same, and not before every known address had a day to say no.
"""

import secrets
from contextlib import nullcontext
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from accounts import administrators, audit, clock, email_change, links, mailer, outbox, sessions
from accounts.audit import Where
from accounts.errors import EmailTaken, LinkDead
from accounts.keys import fingerprint
from models import CMSUser, EmailChange, Link, LinkPurpose, db, email_key


def start(by: CMSUser | None, user_id: int, email: str, *, reason: str, where: Where) -> None:
    """Start the change; `by` is None on the command line. A pending change of their own is replaced.

    Raises NobodyThere, NotYourself, NotAllowed, SameEmail, ChangesFrozen, EmailTaken; then nothing is changed.
    """
    with audit.refusals(by, where) if by else nullcontext():
        _start(by, user_id, email, reason, where)
    outbox.wake()


def _start(by: CMSUser | None, user_id: int, email: str, reason: str, where: Where) -> None:
    user = administrators.other(by, user_id)
    email_change.refuse_same(user, email)
    email_change.refuse_frozen(user)
    if administrators.with_email(email) or links.reserved(email_key(email), user.id):
        raise EmailTaken
    now, wait = clock.now(), current_app.config["ASSISTED_WAIT_SECONDS"]
    ready_at, life = now + timedelta(seconds=wait), wait + current_app.config["ASSISTED_SECONDS"]
    stop = secrets.token_urlsafe(32)
    links.end(LinkPurpose.PROVE, user)
    token = links.make(LinkPurpose.PROVE, user, email, email_key(email), seconds=life)
    language, name = mailer.language_of(user), by.username if by else ""
    for address in _known_addresses(user):
        told = mailer.assisted(language, new_email=email, by=name, reason=reason, at=ready_at, stop=stop, where=where)
        outbox.put(told, address, user_id=user.id)
    proof = mailer.assisted_proof(language, username=user.username, by=name, token=token, where=where)
    not_after = now + timedelta(seconds=life)
    mail_id = outbox.put(proof, email, user_id=user.id, due_at=ready_at, not_after=not_after)
    db.session.execute(delete(EmailChange).where(EmailChange.user_id == user.id))
    db.session.flush()
    pending = EmailChange(
        user_id=user.id,
        mail_id=mail_id,
        email=email,
        email_key=email_key(email),
        email_version=user.email_version,
        nonce="",
        stop_hash=fingerprint(stop),
        asked_at=now,
        expires_at=not_after,
    )
    db.session.add(pending)
    audit.record(user, "change_started", where, actor_id=by.id if by else None, email=email, by=name, reason=reason)
    db.session.commit()


def explained(token: str) -> str:
    """Return the address that the link proves. Raises LinkDead. Changes nothing: mail scanners open links."""
    return _pending(links.alive(LinkPurpose.PROVE, token)).email


def prove(token: str, where: Where) -> None:
    """Change the address to the one that the link was mailed to; every session ends.

    Raises LinkDead, ChangesFrozen, EmailTaken; then nothing is changed.
    """
    user = audit.held(links.alive(LinkPurpose.PROVE, token).user_id)
    assert user is not None
    pending = _pending(links.alive(LinkPurpose.PROVE, token))  # Once more, now that nobody else can use it.
    email_change.refuse_frozen(user)
    try:
        email_change.write(user, pending, where)
    except IntegrityError:
        db.session.rollback()
        raise EmailTaken from None
    links.end(LinkPurpose.PROVE, user)
    sessions.end_all(user)
    db.session.commit()
    outbox.wake()


def _pending(link: Link) -> EmailChange:
    """Return the pending change that another administrator started and this link proves. Raises LinkDead."""
    its = EmailChange.user_id == link.user_id, EmailChange.email_key == link.email_key, EmailChange.session_id.is_(None)
    pending = db.session.scalar(select(EmailChange).where(*its), execution_options={"populate_existing": True})
    waited = pending and clock.now() >= pending.asked_at + timedelta(
        seconds=current_app.config["ASSISTED_WAIT_SECONDS"]
    )
    if pending is None or not waited:
        raise LinkDead
    return pending


def _known_addresses(user: CMSUser) -> list[str]:
    """Return the present address and those that may still be restored."""
    living = Link.purpose == LinkPurpose.UNDO, Link.ended_at.is_(None), Link.expires_at > clock.now()
    former = db.session.scalars(select(Link.email).where(Link.user_id == user.id, *living))
    return list(dict.fromkeys([user.email, *former]))
