"""Another administrator starts a change of address for somebody who has lost access to the mailbox.

Every known address is notified and can stop the change for a day; then the new address must be proved with a link. The
change can be completed only while the administrator who started it is permitted to manage others.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import address_policy, availability, clock, links, pending, people, sessions, unit_of_work
from accounts.errors import LinkDead
from accounts.flows import completion
from accounts.mail import messages
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Requester, UnitOfWork
from models import Address, CMSUser, LinkPurpose, db


@dataclass(frozen=True)
class Preview:
    """What a link would confirm: the new address; when, by whom ("" for the operator) and from where it was started."""

    email: str
    at: datetime
    by: str
    network: str
    browser: str


def start(requester: Requester, user_id: int, address: Address, *, reason: str, any_domain: bool = False) -> None:
    """Start the change. A pending change of their own is replaced. `any_domain` ignores EMAIL_DOMAINS.

    The operator can start one also where EMAIL_POLICY is `off`. Raises NobodyThere, NotYourself, NotAllowed,
    SignInRequired, ChangesOff, SameEmail, DomainNotAllowed, ChangesFrozen, EmailTaken; then nothing is changed but the
    history.
    """
    with unit_of_work.begin(requester, whose=user_id, email=address.email) as work:
        user = work.lock_managed(user_id)[user_id]
        if work.actor is not None:
            address_policy.refuse_off(user)
        people.refuse_same_email(user, address)
        if not any_domain:
            address_policy.refuse_domain(address)
        people.refuse_frozen(user)
        availability.require(address, user.id)
        _start(work, user, address, reason)


def _start(work: UnitOfWork, user: CMSUser, address: Address, reason: str) -> None:
    """Start the change in place of the last one, and send its mails."""
    now, wait = clock.now(), settings().ASSISTED_WAIT_SECONDS
    ready_at, seconds = now + timedelta(seconds=wait), wait + settings().ASSISTED_SECONDS
    by, stop = work.actor_name, secrets.token_urlsafe(32)
    links.end(LinkPurpose.PROVE, user)
    token = links.make(LinkPurpose.PROVE, user, address, seconds=seconds)
    notice = messages.assisted(user, work.origin, new_email=address.email, by=by, reason=reason, stop=stop)
    for known in links.list_known_emails(user):
        work.send(notice, user, to=known)
    proof = messages.assisted_proof(user, work.origin, by=by, token=token)
    not_after = now + timedelta(seconds=seconds)
    mail_id = work.send(proof, user, to=address.email, due_at=ready_at, not_after=not_after)
    pending.start(
        user,
        address,
        is_assisted=True,
        started_by=work.actor.user.id if work.actor else None,
        mail_id=mail_id,
        stop_hash=fingerprint(stop),
        expires_at=not_after,
        origin=work.origin,
    )
    work.record(user, "change_started", email=address.email, by=by, reason=reason)


def preview(token: str) -> Preview:
    """Return what the link would confirm. Raises LinkDead. Changes nothing: mail scanners open links."""
    change = pending.find_started(links.find(LinkPurpose.PROVE, token))
    starter = db.session.get(CMSUser, change.started_by) if change.started_by else None
    by = starter.username if starter else ""
    return Preview(change.email, change.asked_at, by, change.network, change.browser)


def prove(token: str, origin: Origin) -> str:
    """Change the address to the one that the link was mailed to, and return it; all sessions end.

    EMAIL_POLICY and EMAIL_DOMAINS apply as they are now, unless the operator started the change. Raises LinkDead, also
    if the administrator who started the change is no longer permitted to; ChangesOff, DomainNotAllowed, ChangesFrozen,
    EmailTaken; then nothing is changed but the history.
    """
    user_id = links.find(LinkPurpose.PROVE, token).user_id
    with unit_of_work.begin(origin) as work:
        accounts = work.lock_with(user_id, lambda: pending.find_starter(user_id))
        user, change = accounts[user_id], pending.find_started(links.find(LinkPurpose.PROVE, token))
        starter = accounts.get(change.started_by) if change.started_by else None
        if change.started_by and not (starter and starter.is_active and starter.may("administrators")):
            raise LinkDead
        if starter is not None:
            address_policy.refuse_off(user)
            address_policy.refuse_domain(change.address)
        people.refuse_frozen(user)
        completion.complete(work, user, change, actor_id=change.started_by, by=starter.username if starter else "-")
        links.end(LinkPurpose.PROVE, user)
        sessions.end_all(user)
    return user.email
