"""The clock of every story. Tests turn it; nothing else in this room asks what time it is."""

from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=1)  # So much may the clocks of two machines differ.


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)
