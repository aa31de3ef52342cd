"""Completes a pending change: the account gets the new address, and the old address gets the link that undoes it."""

from typing import Any

from sqlalchemy.exc import IntegrityError

from accounts import audit, links, pending
from accounts.errors import EmailTaken
from accounts.mail import messages
from accounts.settings import settings
from accounts.unit_of_work import UnitOfWork
from models import CMSUser, EmailChange, LinkPurpose


def complete(
    work: UnitOfWork, user: CMSUser, change: EmailChange, *, actor_id: int | None = audit.OWNER, by: str = ""
) -> None:
    """Give a locked account the address of its pending change. The caller ends the sessions.

    Raises EmailTaken if another account was given the address first (the unique index decides), or if it is reserved
    for a former owner; the caller's transaction must then not commit.
    """
    old = user.address
    columns = {"email": change.email, "email_key": change.email_key, "email_version": user.email_version + 1}
    told: dict[str, Any] = {"old": old.email, "new": change.email} | ({"by": by} if by else {})
    try:
        work.record(user, "email_changed", actor_id=actor_id, columns=columns, **told)
    except IntegrityError:
        raise EmailTaken from None
    pending.complete(change)
    seconds = settings().UNDO_SECONDS
    undo = links.make(LinkPurpose.UNDO, user, old, seconds=seconds, since=change.asked_at, origin=work.origin)
    work.send(messages.changed(user, work.origin, undo=undo, by=by), user, to=old.email)
