"""Housekeeping: deletes expired budgets, links, sessions, sign-ins, changes, resets, invitations and mails, in batches.

Old events of webhooks are deleted as well, and secrets for authenticator apps if they wait for a first code.
"""

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
from accounts.webhooks import queue
from models import (
    AuthenticatorApp,
    Budget,
    EmailChange,
    FactorReset,
    Invitation,
    Link,
    LoginSession,
    Mail,
    MailState,
    PendingSignIn,
    WebhookEvent,
    db,
    dialect,
)
from telemetry import metrics

RETENTION = timedelta(days=30)  # How long closed mails, links and invitations are kept.
GRACE = timedelta(days=1)  # How long other expired rows are kept: the clocks of several machines may differ.
BATCH_ROWS = 1000
BATCHES_PER_RUN = 10  # Bounds a run, because the same process sends mail.
PAUSE_SECONDS = 0.1  # Writers on SQLite poll for the lock at this interval; without a pause they might never get it.
LEASE_KEY, INTERVAL_SECONDS, LEASE_SECONDS = "housekeeping", 3600, 60
log = logging.getLogger(__name__)


class Expired(NamedTuple):
    """Expired rows of one table: those whose `moment` is before a time, and which meet the other conditions."""

    moment: InstrumentedAttribute[Any]
    before: datetime
    where: tuple[ColumnElement[bool], ...] = ()


def run_if_due() -> None:
    """Delete expired rows once an hour, in one of all processes, or sooner if some remain. Raises CacheDown.

    A run holds a lease, which is extended to the interval only if it succeeds: a failed run is repeated.
    """
    if not cache.add(LEASE_KEY, 1, LEASE_SECONDS):
        return
    try:
        is_done = delete_expired()
    except UNAVAILABLE as problem:
        log.warning("housekeeping failed, next try in %d s: %s", LEASE_SECONDS, str(problem).partition("\n")[0])
        return
    if is_done:
        cache.set(LEASE_KEY, 1, INTERVAL_SECONDS)
    else:
        cache.delete(LEASE_KEY)


def delete_all_expired() -> None:
    """Delete all expired rows, in batches, each in a transaction of its own. Raises one of errors.UNAVAILABLE.

    It needs no lease: several processes may delete at the same time, because each skips the rows that another locks.
    """
    while not delete_expired():
        pass


def delete_expired() -> bool:
    """Delete up to BATCHES_PER_RUN batches of expired rows, and return whether none remain. The history is kept.

    Raises one of errors.UNAVAILABLE: immediately if the database does not respond, or, if it refused to delete rows of
    one table, after the other tables.
    """
    batches, failure = BATCHES_PER_RUN, None
    for rows in list_expired():
        try:
            batches -= _delete(rows, batches)
        except UNAVAILABLE as problem:
            db.session.rollback()
            if not getattr(getattr(problem, "orig", None), "sqlstate", None):  # Not an error sent by the database.
                raise
            failure = problem
        if batches == 0:
            break
    if failure:
        raise failure
    return batches > 0


def list_expired() -> Iterator[Expired]:
    """Yield the rows to delete, by kind; each kind is found by an index."""
    now = clock.now()
    yield Expired(Budget.resets_at, now - GRACE)
    yield Expired(EmailChange.expires_at, now - GRACE)
    for remembered in (False, True):
        is_such = (LoginSession.remembered == remembered,)
        idle, life = sessions.limits(remembered=remembered)
        yield Expired(LoginSession.seen_at, now - idle - GRACE, is_such)
        yield Expired(LoginSession.created_at, now - life - GRACE, is_such)
    yield Expired(PendingSignIn.expires_at, now - GRACE)
    yield Expired(FactorReset.expires_at, now - RETENTION)
    yield Expired(AuthenticatorApp.created_at, now - GRACE, (AuthenticatorApp.confirmed_at.is_(None),))
    yield Expired(Link.expires_at, now - RETENTION)
    yield Expired(Link.ended_at, now - RETENTION)
    yield Expired(Invitation.expires_at, now - RETENTION)
    yield Expired(Mail.done_at, now - RETENTION, (Mail.state != MailState.QUEUED,))
    yield Expired(WebhookEvent.at, now - queue.KEPT)  # With its deliveries.


def _delete(rows: Expired, batches: int) -> int:
    """Delete rows in up to this number of batches, and return how many of these were full."""
    for full in range(batches):
        deleted = cast("CursorResult[Any]", db.session.execute(delete_batch(rows))).rowcount
        db.session.commit()
        metrics.EXPIRED_ROWS.add(rows.moment.class_.__tablename__, number=deleted)
        if deleted and dialect() == "sqlite":
            threading.Event().wait(PAUSE_SECONDS)
        if deleted < BATCH_ROWS:
            return full
    return batches


def delete_batch(rows: Expired) -> Any:
    """Return the statement that deletes the oldest rows, except those that a request has locked."""
    table = rows.moment.class_.__table__
    (key,) = table.primary_key
    batch = select(key).where(rows.moment < rows.before, *rows.where).order_by(rows.moment).limit(BATCH_ROWS)
    if dialect() == "sqlite":
        return delete(table).where(key.in_(batch))
    # A common table expression is executed once; a subquery with a LIMIT might be executed again for every row.
    its_keys = batch.with_for_update(skip_locked=True).cte("batch")
    return delete(table).where(key.in_(select(its_keys)))
