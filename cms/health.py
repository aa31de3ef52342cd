"""/healthz and /readyz: for whoever restarts us, and for whoever sends us requests."""

from flask import Blueprint

from accounts.operations import readiness
from cms.answers import Answer, data
from cms.guard import open_to_all

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@open_to_all
def healthz() -> Answer:
    """Say that the process answers."""
    return data()


@bp.get("/readyz")
@open_to_all
def readyz() -> Answer:
    """Say that the database and the cache answer, too; 503 if one of them does not, or the process is about to end.

    A clock that is wrong is told, and stays 200: if it is the database's, every machine would be taken out of service.
    """
    return data(clock_offset_seconds=readiness.check())
