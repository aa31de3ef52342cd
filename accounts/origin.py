"""Where a request came from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Origin:
    """The network address and the browser of a request, the URL of the site as it was called, and the time zone."""

    network: str
    browser: str
    site: str = ""
    time_zone: str = ""  # An IANA name, or "" if the browser sent none.
    request_id: str = ""  # At most 64 characters.

    @property
    def is_command_line(self) -> bool:
        """Return whether the request comes from the command line."""
        return (self.network, self.browser) == (COMMAND_LINE.network, COMMAND_LINE.browser)

    def to_task(self) -> dict[str, Any]:
        """Return the origin as a part of a stored task.

        The request id is beside the rest, where the previous version of the application ignores it.
        """
        origin = asdict(self)
        return {"request_id": origin.pop("request_id"), "origin": origin}

    @classmethod
    def of_task(cls, task: Mapping[str, Any]) -> "Origin":
        """Read the origin from a stored task, also of the previous version."""
        return cls(**task["origin"], request_id=task.get("request_id", ""))


COMMAND_LINE = Origin("-", "command line")
