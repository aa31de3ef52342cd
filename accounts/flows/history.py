"""An administrator views the history of their account, and views and ends its sessions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts import audit, sessions, unit_of_work
from accounts.factors import pending_sign_ins
from accounts.unit_of_work import Actor
from models import Audit, CMSUser, LoginSession, db

PAGE = 50


@dataclass(frozen=True)
class Event:
    """One row of the history."""

    number: int
    event: str
    at: datetime
    last_at: datetime
    times: int
    is_own: bool
    network: str
    browser: str
    detail: dict[str, Any]


def list_events(user: CMSUser, *, before: int) -> list[Event]:
    """Return a page of the history of an account, newest first, of the rows with numbers below `before`."""
    query = select(Audit).where(Audit.user_id == user.id, Audit.number < before)
    return [_seen(row, user) for row in db.session.scalars(query.order_by(Audit.number.desc()).limit(PAGE))]


def exported_until(user: CMSUser, events: Sequence[Event]) -> datetime | None:
    """Return when the last of the rows happened that were exported and would follow on a page, or None."""
    if len(events) == PAGE or (events and events[-1].number == 1):
        return None
    found = audit.find_tie(user.id)
    return found.last_at if found else None


def list_sessions(user: CMSUser) -> list[LoginSession]:
    """Return the sessions of an account that have not ended, the one used last first."""
    query = select(LoginSession).where(LoginSession.user_id == user.id).order_by(LoginSession.seen_at.desc())
    return [session for session in db.session.scalars(query) if not sessions.is_over(session)]


def end_session(actor: Actor, session_id: int) -> None:
    """End one other session of the same account (ASVS 7.5.2).

    Raises ReauthRequired, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        its = LoginSession.id == session_id, LoginSession.user_id == account.id
        other = db.session.scalar(select(LoginSession).where(*its))
        if other is not None and other.id != actor.session.id:
            work.record(account, "session_ended", network=other.network, browser=other.browser)
            sessions.end(other.id)


def end_other_sessions(actor: Actor) -> None:
    """End all other sessions of the same account, and the sign-ins that wait for a second factor.

    Raises ReauthRequired, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        sessions.end_others(actor.session)
        pending_sign_ins.end_all(account)
        work.record(account, "other_sessions_ended")


def _seen(row: Audit, user: CMSUser) -> Event:
    return Event(
        number=row.number,
        event=row.event,
        at=row.at,
        last_at=row.last_at,
        times=row.times,
        is_own=row.actor_id == user.id,
        network=row.network,
        browser=row.browser,
        detail=json.loads(row.detail),
    )
