"""/healthz and /readyz: health checks for process managers and load balancers."""

from flask import Blueprint

from accounts.operations import readiness
from cms.answers import Answer, data
from cms.guard import open_to_all

bp = Blueprint("cms_health", __name__)


@bp.get("/healthz")
@open_to_all
def healthz() -> Answer:
    """Report that the process responds."""
    return data()


@bp.get("/readyz")
@open_to_all
def readyz() -> Answer:
    """Report whether database and cache respond; 503 if one does not, a migration is missing, or the process will stop.

    A wrong clock is reported with 200: if it is that of the database, every machine would be taken out of service.
    """
    return data(clock_offset_seconds=readiness.check())
