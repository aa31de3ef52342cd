"""Whether this process wants requests: it is not about to end, and the database and the cache answer."""

from flask import current_app
from sqlalchemy import select

import cache
from accounts.errors import Draining
from models import CMSUser, db


def check() -> None:
    """Raise one of errors.UNAVAILABLE if the process is about to end, or the database or the cache does not answer."""
    is_draining = current_app.extensions.get("is_draining")  # gunicorn.conf.py puts it there.
    if is_draining and is_draining():
        raise Draining("the server is about to end")
    db.session.execute(select(CMSUser.id).limit(1))
    cache.get("readiness")
