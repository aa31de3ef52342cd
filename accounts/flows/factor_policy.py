"""The policy of second factors is applied to an administrator who has none: at sign-in and with each request."""

from accounts import audit, clock, people, unit_of_work
from accounts.errors import SecondFactorRequired
from accounts.factors import policy
from accounts.mail import messages
from accounts.unit_of_work import Actor, UnitOfWork
from models import CMSUser


def begin_grace(actor: Actor) -> None:
    """Begin the grace period of an administrator with the first request to which the policy applies."""
    if actor.user.factor_required_at is None and policy.due_at(actor.user) is not None:
        with unit_of_work.begin(actor.origin):
            policy.begin_grace(actor.user)


def refuse_overdue(actor: Actor) -> None:
    """Raise and record SecondFactorRequired if the grace period of the administrator is over."""
    if policy.is_overdue(actor.user):
        with unit_of_work.begin(actor) as work:
            apply(work, work.lock_own())
            raise SecondFactorRequired(stands=True)


def apply(work: UnitOfWork, account: CMSUser) -> None:
    """Begin the grace period of a locked account; when it is over, record a refusal, and mail it once."""
    if policy.due_at(account) is None:
        return
    since = account.factor_required_at or clock.now()
    if account.factor_required_at is None:
        people.update_columns(account, factor_required_at=since)
    if policy.is_overdue(account):
        is_new = not audit.has_event(account, "second_factor_required", since=since)
        work.record(account, "second_factor_required", fold=True)
        if is_new:
            work.send(messages.factor_changed(account, work.origin, what="second_factor_required"), account)
