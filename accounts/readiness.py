"""Whether our parts answer: the database, with our tables in it, and the cache."""

from sqlalchemy import select

import cache
from models import CMSUser, db


def check() -> None:
    """Raise one of errors.UNAVAILABLE if the database or the cache does not answer."""
    db.session.execute(select(CMSUser.id).limit(1))
    cache.get("readiness")
