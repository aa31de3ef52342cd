"""What is thrown away, and when: counters, links, sessions and mails that nobody needs any more."""

from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, or_

import cache
from accounts import clock
from models import Budget, Invitation, Link, LoginSession, Mail, MailState, db

KEPT = timedelta(days=30)  # For so long it can be seen what became of a mail or a link.


def tidy_in_turn() -> None:
    """Tidy once an hour, whichever of many processes comes first. Raises CacheDown."""
    if cache.add("housekeeping", 1, 3600):
        tidy()


def tidy() -> None:
    """Throw away what is over; the history stays."""
    now, config = clock.now(), current_app.config
    longest_idle = timedelta(seconds=max(config["SESSION_IDLE_SECONDS"], config["REMEMBER_IDLE_SECONDS"]))
    over = (
        delete(Budget).where(Budget.resets_at < now),
        delete(Link).where(or_(Link.expires_at < now - KEPT, Link.ended_at < now - KEPT)),
        delete(LoginSession).where(LoginSession.seen_at < now - longest_idle),
        delete(Invitation).where(Invitation.expires_at < now - KEPT),
        delete(Mail).where(Mail.state != MailState.QUEUED, Mail.done_at < now - KEPT),
    )
    for statement in over:
        db.session.execute(statement)
        db.session.commit()
