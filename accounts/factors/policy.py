"""The policy of the site: who must have a second factor, and from when on nothing else can be done without one."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from accounts import clock
from accounts.errors import LastFactor
from accounts.factors.enrolment import Enrolment
from accounts.settings import settings
from models import CMSUser, db


def is_required(user: CMSUser) -> bool:
    """Return whether the policy requires a second factor of this administrator."""
    policy = settings().SECOND_FACTOR
    return policy == "all" or (policy == "superusers" and user.is_superuser)


def due_at(user: CMSUser) -> datetime | None:
    """Return until when a second factor must be set up, or None if none is required or there is one."""
    if user.has_second_factor or not is_required(user):
        return None
    grace = timedelta(days=settings().SECOND_FACTOR_GRACE_DAYS)
    return (user.factor_required_at or clock.now()) + grace


def is_overdue(user: CMSUser) -> bool:
    """Return whether nothing but the set-up of a second factor is permitted."""
    due = due_at(user)
    return due is not None and due <= clock.now()


def begin_grace(user: CMSUser) -> None:
    """Store that the grace period of an administrator begins now, unless it has begun. The caller commits."""
    its = CMSUser.id == user.id, CMSUser.factor_required_at.is_(None)
    db.session.execute(update(CMSUser).where(*its).values(factor_required_at=clock.now()))


def new_role_columns(user: CMSUser) -> dict[str, Any]:
    """Return what to store with another role of a locked account: a grace period begins with a policy for that role."""
    return {} if is_required(user) else {"factor_required_at": None}


def require_any(user: CMSUser, enrolment: Enrolment) -> None:
    """Raise LastFactor if the policy requires a second factor, and a locked account has none any more."""
    if is_required(user) and enrolment.count == 0:
        raise LastFactor
