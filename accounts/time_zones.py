"""Time zones by the names that browsers use: those of the IANA database ("Asia/Shanghai")."""

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

NO_PLACES = {"localtime", "Factory"}  # The zone of this machine, and the one of a machine that nobody has set up.


def known(name: str) -> str:
    """Return the name if a time zone has it, else "". Nothing else is looked at: it comes from a browser."""
    return name if name in _names() else ""


def find(name: str | None) -> ZoneInfo | None:
    """Return the time zone of this name, or None if there is none on this machine, or no more."""
    if not name or not known(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # Its file is gone, or broken.
        return None


@cache
def _names() -> frozenset[str]:
    """Return all names. They are read once in the life of the process: that opens several hundred files."""
    return frozenset(available_timezones() - NO_PLACES)
