"""The clock: every module of accounts/ reads the current time here, so that tests can advance it."""

from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=1)  # The difference that is allowed between the clocks of two machines.


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
