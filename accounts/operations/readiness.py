"""Readiness: whether this process can handle requests, and whether its clock agrees with that of the database."""

import logging
from typing import Any

from flask import current_app
from sqlalchemy import func, select

import cache
from accounts import clock
from accounts.errors import Draining
from accounts.operations import schema
from models import db, dialect

CLOCK_SECONDS = 1.0  # The difference that is allowed between the clocks of two machines.
log = logging.getLogger(__name__)


def check() -> float | None:
    """Return how many seconds this machine's clock is ahead of that of the database, or None if both are the same.

    Raises one of errors.UNAVAILABLE if the server is draining, the database or the cache does not respond, or the
    database lacks a migration of this version.
    """
    is_draining = current_app.extensions.get("cms_is_draining")  # Set by gunicorn.conf.py.
    if is_draining and is_draining():
        raise Draining("the server is about to stop")
    schema.require()
    cache.check()
    offset = clock_offset_seconds()
    if offset is not None and abs(offset) > CLOCK_SECONDS:
        log.warning("the clock is %+.1f s off the database clock", offset)
    return offset


def clock_offset_seconds() -> float | None:
    """Return how many seconds this machine's clock is ahead of that of the database; None on SQLite, which has none.

    The database reads its clock between the query and the response, so only a time outside this span is a difference.
    """
    if dialect() == "sqlite":
        return None
    sent_at = clock.now()
    database_time: Any = db.session.scalars(select(func.clock_timestamp())).one()
    received_at = clock.now()
    nearest = min(max(database_time, sent_at), received_at)
    return float(round((nearest - database_time).total_seconds(), 3))
