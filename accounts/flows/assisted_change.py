"""A change of address for somebody who lost the mailbox: another administrator starts it, and everybody is told.

The new address must be proved all the same, and not before every known address had a day to object. The change can be
finished only while who started it may still manage the others.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts import clock, links, pending, people, sessions, unit_of_work
from accounts.errors import EmailTaken, LinkDead
from accounts.flows import email_change
from accounts.mail import messages, outbox
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Requester, UnitOfWork
from models import ChangeOutcome, CMSUser, EmailChange, Link, LinkPurpose, db, email_key


@dataclass(frozen=True)
class Preview:
    """What a link would confirm: the new address; when, by whom ("" for the operator) and from where it was started."""

    email: str
    at: datetime
    by: str
    network: str
    browser: str


def start(requester: Requester, user_id: int, email: str, *, reason: str) -> None:
    """Start the change. A pending change of their own is replaced.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired, SameEmail, ChangesFrozen, EmailTaken; then nothing is
    changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id, email=email) as work:
        user = work.lock_managed(user_id)[user_id]
        email_change.refuse_same(user, email)
        email_change.refuse_frozen(user)
        if people.with_email(email) or links.reserved(email_key(email), user.id):
            raise EmailTaken
        _replace(work, user, email, reason)


def _replace(work: UnitOfWork, user: CMSUser, email: str, reason: str) -> None:
    """Replace the pending change by the started one, and enqueue its mails."""
    now, wait = clock.now(), settings().ASSISTED_WAIT_SECONDS
    ready_at, life = now + timedelta(seconds=wait), wait + settings().ASSISTED_SECONDS
    by = work.actor_name
    stop = secrets.token_urlsafe(32)
    links.end(LinkPurpose.PROVE, user)
    token = links.make(LinkPurpose.PROVE, user, email, email_key(email), seconds=life)
    reader = messages.reader_of(user)
    for address in _known_addresses(user):
        told = messages.assisted(
            reader,
            username=user.username,
            new_email=email,
            by=by,
            reason=reason,
            stop=stop,
            origin=work.origin,
        )
        outbox.enqueue(told, address, user_id=user.id)
    proof = messages.assisted_proof(reader, username=user.username, by=by, token=token, origin=work.origin)
    not_after = now + timedelta(seconds=life)
    mail_id = outbox.enqueue(proof, email, user_id=user.id, due_at=ready_at, not_after=not_after)
    email_change.put(
        user,
        email,
        is_assisted=True,
        started_by=work.actor.user.id if work.actor else None,
        mail_id=mail_id,
        stop_hash=fingerprint(stop),
        expires_at=not_after,
        origin=work.origin,
    )
    work.record(user, "change_started", email=email, by=by, reason=reason)


def preview(token: str) -> Preview:
    """Return what the link would confirm. Raises LinkDead. Changes nothing: mail scanners open links."""
    change = _pending(links.find(LinkPurpose.PROVE, token))
    starter = db.session.get(CMSUser, change.started_by) if change.started_by else None
    by = starter.username if starter else ""
    return Preview(change.email, change.asked_at, by, change.network, change.browser)


def prove(token: str, origin: Origin) -> str:
    """Change the address to the one that the link was mailed to, and return it; every session ends.

    Raises LinkDead, also where who started it lost the right to; ChangesFrozen, EmailTaken; then nothing is changed but
    the history.
    """
    user_id = links.find(LinkPurpose.PROVE, token).user_id
    with unit_of_work.begin(origin) as work:
        accounts = work.lock_with(user_id, lambda: _starters(user_id))
        user, change = accounts[user_id], _pending(links.find(LinkPurpose.PROVE, token))
        starter = accounts.get(change.started_by) if change.started_by else None
        if change.started_by and not (starter and starter.is_active and starter.may("administrators")):
            raise LinkDead
        email_change.refuse_frozen(user)
        by = starter.username if starter else "-"
        try:
            email_change.write(work, user, change, actor_id=change.started_by, by=by)
        except IntegrityError:
            raise EmailTaken from None
        links.end(LinkPurpose.PROVE, user)
        sessions.end_all(user)
    return user.email


def _starters(user_id: int) -> set[int]:
    """Return who started the pending change of this account, if another administrator did."""
    its = EmailChange.user_id == user_id, EmailChange.started_by.is_not(None)
    return {starter for starter in db.session.scalars(select(EmailChange.started_by).where(*its)) if starter}


def _pending(link: Link) -> EmailChange:
    """Return the pending change that another administrator started and this link proves. Raises LinkDead."""
    its = EmailChange.user_id == link.user_id, EmailChange.email_key == link.email_key, EmailChange.is_assisted
    alive = EmailChange.outcome == ChangeOutcome.PENDING
    change = db.session.scalar(select(EmailChange).where(*its, alive), execution_options={"populate_existing": True})
    if change is None or clock.now() < pending.ready_at(change):
        raise LinkDead
    return change


def _known_addresses(user: CMSUser) -> list[str]:
    """Return the present address and those that may still be restored."""
    living = Link.purpose == LinkPurpose.UNDO, Link.ended_at.is_(None), Link.expires_at > clock.now()
    former = db.session.scalars(select(Link.email).where(Link.user_id == user.id, *living))
    return list(dict.fromkeys([user.email, *former]))
