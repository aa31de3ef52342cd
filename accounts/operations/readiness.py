"""Whether this process wants requests: it is not about to end, database and cache answer. And whether clocks agree."""

import logging
from typing import Any

from flask import current_app
from sqlalchemy import func, select

import cache
from accounts import clock
from accounts.errors import Draining
from models import CMSUser, db, dialect

CLOCK_SECONDS = 1.0  # By so much the clocks of two machines may differ.
log = logging.getLogger(__name__)


def check() -> float | None:
    """Return by how many seconds our clock is ahead of the database's, or None where both are the same one.

    Raises one of errors.UNAVAILABLE if the process is about to end, or the database or the cache does not answer.
    """
    is_draining = current_app.extensions.get("is_draining")  # gunicorn.conf.py puts it there.
    if is_draining and is_draining():
        raise Draining("the server is about to end")
    db.session.execute(select(CMSUser.id).limit(1))
    cache.get("readiness")
    offset = clock_offset_seconds()
    if offset is not None and abs(offset) > CLOCK_SECONDS:
        log.warning("the clock is %+.1f s off the database clock", offset)
    return offset


def clock_offset_seconds() -> float | None:
    """Return by how many seconds our clock is ahead of the database's; None on SQLite, which has no other one.

    The database reads its clock at some moment between our question and its answer: what that may explain is no
    difference.
    """
    if dialect() == "sqlite":
        return None
    asked = clock.now()
    told: Any = db.session.scalars(select(func.clock_timestamp())).one()
    answered = clock.now()
    nearest = min(max(told, asked), answered)
    return float(round((nearest - told).total_seconds(), 3))
