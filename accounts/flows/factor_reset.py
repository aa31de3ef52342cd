"""Another administrator removes the second factors of somebody who has lost all of them; the operator does it at once.

Every known address and every session of the account is notified and can stop the reset. Then a task of the outbox makes
it, if the administrator who started it is still permitted to manage others. A sign-in with a second factor does not end
it, because somebody else may have the device: it shows the notice, with which the owner stops it.
"""

import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from accounts import audit, links, people, sessions, unit_of_work
from accounts.database import release_connection
from accounts.errors import AlreadyReset, NobodyThere, NothingToStop
from accounts.events import EventName
from accounts.factors import enrolment, resets
from accounts.flows import factor_notices
from accounts.mail import messages, outbox
from accounts.origin import Origin
from accounts.settings import settings
from accounts.unit_of_work import Actor, Requester, UnitOfWork
from models import ChangeOutcome, CMSUser, FactorReset, Mail

State = Literal["waiting", "made", "over"]


@dataclass(frozen=True)
class Preview:
    """What a link would stop: who started it, why, when and from where, when it is due, and its state."""

    state: State
    by: str
    reason: str
    at: datetime
    due_at: datetime
    network: str
    browser: str


def start(requester: Requester, user_id: int, *, reason: str) -> datetime | None:
    """Start a reset, and return when it is due; at once if that is now. Nothing happens without second factors.

    A reset that waits is replaced. Returns None if nothing waits: the second factors were removed, or there were none.
    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        if not user.has_second_factor:
            return None
        if work.actor is None or settings().ASSISTED_WAIT_SECONDS == 0:
            _remove(work, user, by=work.actor_name, reason=reason)
            return None
        if not user.is_active:
            raise NobodyThere
        return _start(work, work.actor, user, reason).due_at


def cancel(requester: Requester, user_id: int, *, reason: str) -> None:
    """Cancel the reset of another administrator's second factors, if one waits.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        if resets.end(user, ChangeOutcome.DROPPED):
            _record_stop(work, user, by=work.actor_name or messages.OPERATOR, reason=reason)


def list_started() -> list[tuple[CMSUser, FactorReset, str]]:
    """Return the resets that wait, with their accounts and the usernames of who started them."""
    return resets.list_started()


def preview(token: str) -> Preview:
    """Return what the link would stop. Raises LinkDead. Changes nothing: mail scanners open links."""
    reset = resets.find_stoppable(token)
    starter = people.find(reset.started_by)
    return _preview(reset, starter.username if starter else "")


def find_own(user: CMSUser) -> Preview | None:
    """Return the reset that waits for the own account, or None; it is read while a page is rendered."""
    found = resets.find(user.id)
    release_connection()
    return _preview(*found) if found else None


def stop(token: str, origin: Origin) -> None:
    """Stop the reset with the link that was mailed.

    Raises LinkDead, AlreadyReset, NothingToStop; then nothing is changed but the history.
    """
    user_id = resets.find_stoppable(token).user_id
    with unit_of_work.begin(origin) as work:
        user, reset = work.lock(user_id), resets.find_stoppable(token)
        assert user is not None
        if reset.outcome == ChangeOutcome.MADE:
            raise AlreadyReset
        if not resets.end(user, ChangeOutcome.STOPPED):
            raise NothingToStop
        _record_stop(work, user)


def stop_own(actor: Actor) -> None:
    """Stop the reset of the own account, if one waits.

    Raises ReauthRequired, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        user = work.lock_own()
        if resets.end(user, ChangeOutcome.CANCELLED):
            _record_stop(work, user)


@outbox.task("factor_reset")
def _make(task: Mail) -> None:
    """Make a reset that is due, unless it was stopped or replaced, or who started it has lost the permission."""
    told = outbox.read_arguments(task)
    accounts = people.lock_found(lambda: _concerned(told["reset"]))
    reset = resets.find_by_hash(told["reset"])
    if reset is None or not resets.is_waiting(reset):
        return
    origin = replace(Origin.of_task(told), network=reset.network, browser=reset.browser)
    work, user, starter = unit_of_work.join(origin), accounts[reset.user_id], accounts[reset.started_by]
    if not user.is_active:  # The previous version, which knows no resets, has disabled the account.
        resets.end(user, ChangeOutcome.DROPPED)
    elif starter.is_active and starter.may("administrators"):
        _remove(work, user, by=starter.username, reason=reset.reason, actor_id=starter.id)
    else:
        resets.end(user, ChangeOutcome.WITHDRAWN)
        record_withdrawal(work, user, starter)


def record_withdrawal(work: UnitOfWork, user: CMSUser, starter: CMSUser) -> None:
    """Record that a reset ended because who started it has lost the permission, and notify every known address."""
    work.record(user, "factor_reset_withdrawn", actor_id=None, by=starter.username)
    _send(work, user, "factor_reset_withdrawn", by=starter.username)


def _start(work: UnitOfWork, actor: Actor, user: CMSUser, reason: str) -> FactorReset:
    """Start the reset in place of the last one, have it made when it is due, and send its mails."""
    by, token = actor.user.username, secrets.token_urlsafe(32)
    reset = resets.start(user, started_by=actor.user.id, reason=reason, stop=token, origin=work.origin)
    # The row has the network and the browser, which are erased with the account of who started the reset.
    origin = Origin("", "", site=work.origin.site, request_id=work.origin.request_id)
    arguments = json.dumps({**origin.to_task(), "reset": reset.stop_hash})
    when = {"due_at": reset.due_at, "not_after": reset.expires_at}
    outbox.enqueue_task("factor_reset", user.email, arguments, user_id=user.id, **when)
    work.record(user, "factor_reset_started", by=by, reason=reason)
    _send(work, user, "factor_reset_started", by=by, reason=reason, stop=token, due_at=reset.due_at)
    return reset


def _remove(work: UnitOfWork, user: CMSUser, *, by: str, reason: str, actor_id: int | None = audit.OWNER) -> None:
    """Remove the second factors of a locked account, end its sessions and sign-ins, and notify every known address."""
    had_factors = enrolment.delete_all(user)
    resets.end(user, ChangeOutcome.MADE)
    if not had_factors:  # The owner has removed them in the meantime.
        return
    sessions.end_all(user)
    who = by or messages.OPERATOR
    work.record(user, "factors_reset", actor_id=actor_id, by=who, reason=reason)
    factor_notices.notify(work, user, "factors_reset", by=who, reason=reason)


def _record_stop(work: UnitOfWork, user: CMSUser, *, by: str = "", reason: str = "") -> None:
    detail: dict[str, Any] = {"by": by, "reason": reason} if by else {}
    work.record(user, "factor_reset_stopped", **detail)
    _send(work, user, "factor_reset_stopped", by=by, reason=reason)


def _send(work: UnitOfWork, user: CMSUser, what: EventName, **told: Any) -> None:
    letter = messages.factor_reset(user, work.origin, what=what, **told)
    for email in links.list_known_emails(user):
        work.send(letter, user, to=email)


def _preview(reset: FactorReset, by: str) -> Preview:
    is_made = reset.outcome == ChangeOutcome.MADE
    state: State = "made" if is_made else "waiting" if resets.is_waiting(reset) else "over"
    return Preview(state, by, reset.reason, reset.asked_at, reset.due_at, reset.network, reset.browser)


def _concerned(stop_hash: str) -> set[int]:
    """Return the ids of the account of a reset and of who started it."""
    reset = resets.find_by_hash(stop_hash)
    return {reset.user_id, reset.started_by} if reset else set()
