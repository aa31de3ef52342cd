"""Time zones by their names in the IANA database, which browsers use ("Asia/Shanghai")."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

NO_PLACES = {"localtime", "Factory"}  # The zone of this machine, and that of an unconfigured machine.


def validate(name: str) -> str:
    """Return the name sent by a browser if a time zone has it, else ""."""
    return name if name in _names() else ""


def find(name: str | None) -> ZoneInfo | None:
    """Return the time zone of this name, or None if this machine does not have it."""
    if not name or not validate(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # Its file is missing or damaged.
        return None


@cache
def _names() -> frozenset[str]:
    """Return all names. They are read once, because that opens several hundred files."""
    return frozenset(available_timezones() - NO_PLACES)
