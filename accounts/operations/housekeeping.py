"""Housekeeping: deletes counters, links, sessions, changes and mails that nobody needs any more, in small batches."""

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, delete, select
from sqlalchemy.orm import InstrumentedAttribute

import cache
from accounts import clock, sessions
from accounts.errors import UNAVAILABLE
from models import Budget, EmailChange, Invitation, Link, LoginSession, Mail, MailState, db, dialect

KEPT = timedelta(days=30)  # For so long it can be seen what became of a mail, a link or an invitation.
GRACE = timedelta(days=1)  # Nobody needs the rest, but the clocks of several machines need not agree to the second.
BATCH_ROWS = 1000
BATCHES_PER_RUN = 10  # The process that does this also sends mail, which must not wait.
PAUSE_SECONDS = 0.1  # SQLite's writers look for the lock that often; without a pause they might never find it free.
TURN, TURN_SECONDS, LEASE_SECONDS = "housekeeping", 3600, 60
log = logging.getLogger(__name__)


class Expired(NamedTuple):
    """Rows of one table that are over: those whose moment is before another one, and for which the rest holds."""

    moment: InstrumentedAttribute[Any]
    before: datetime
    where: tuple[ColumnElement[bool], ...] = ()


def tidy_in_turn() -> None:
    """Run once an hour, whichever process comes first, and soon again while something is left. Raises CacheDown.

    The turn is a lease until the run has ended well: one that fails, or dies with its process, is made up for.
    """
    if not cache.add(TURN, 1, LEASE_SECONDS):
        return
    try:
        is_done = tidy()
    except UNAVAILABLE as problem:
        log.warning("housekeeping failed, next try in %d s: %s", LEASE_SECONDS, str(problem).partition("\n")[0])
        return
    if is_done:
        cache.set(TURN, 1, TURN_SECONDS)
    else:
        cache.delete(TURN)


def tidy() -> bool:
    """Delete what is over, at most BATCHES_PER_RUN batches; say whether nothing is left. The history stays.

    Raises one of errors.UNAVAILABLE if the database does not answer, or refused to tidy one table; the other tables
    were tidied all the same.
    """
    batches, failure = BATCHES_PER_RUN, None
    for rows in expired():
        try:
            batches -= _delete(rows, batches)
        except UNAVAILABLE as problem:
            db.session.rollback()
            if not getattr(getattr(problem, "orig", None), "sqlstate", None):  # It was not the database that said so.
                raise
            failure = problem
        if batches == 0:
            break
    if failure:
        raise failure
    return batches > 0


def expired() -> Iterator[Expired]:
    """Yield what is over now. An index leads to each of these, however many rows are not over."""
    now = clock.now()
    yield Expired(Budget.resets_at, now - GRACE)
    yield Expired(EmailChange.expires_at, now - GRACE)
    for remembered in (False, True):
        is_such = (LoginSession.remembered == remembered,)
        idle, life = sessions.limits(remembered=remembered)
        yield Expired(LoginSession.seen_at, now - idle - GRACE, is_such)
        yield Expired(LoginSession.created_at, now - life - GRACE, is_such)
    yield Expired(Link.expires_at, now - KEPT)
    yield Expired(Link.ended_at, now - KEPT)
    yield Expired(Invitation.expires_at, now - KEPT)
    yield Expired(Mail.done_at, now - KEPT, (Mail.state != MailState.QUEUED,))


def _delete(rows: Expired, batches: int) -> int:
    """Delete batch after batch, at most so many; return how many of them were full."""
    for full in range(batches):
        deleted = cast("CursorResult[Any]", db.session.execute(delete_batch(rows))).rowcount
        db.session.commit()
        if deleted and dialect() == "sqlite":
            threading.Event().wait(PAUSE_SECONDS)
        if deleted < BATCH_ROWS:
            return full
    return batches


def delete_batch(rows: Expired) -> Any:
    """Return the statement that deletes the oldest rows; those that a request holds now are left for the next time."""
    table = rows.moment.class_.__table__
    (key,) = table.primary_key
    batch = select(key).where(rows.moment < rows.before, *rows.where).order_by(rows.moment).limit(BATCH_ROWS)
    if dialect() == "sqlite":
        return delete(table).where(key.in_(batch))
    # A common table expression is computed once; a plain subquery with a LIMIT might be computed anew for every row.
    its_keys = batch.with_for_update(skip_locked=True).cte("batch")
    return delete(table).where(key.in_(select(its_keys)))
