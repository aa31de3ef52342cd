"""Where a request came from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The network address and the browser of a request, the URL of the site as it was called, and the time zone."""

    network: str
    browser: str
    site: str = ""
    time_zone: str = ""  # An IANA name, or "" if the browser sent none.

    @property
    def is_command_line(self) -> bool:
        """Return whether the request comes from the command line."""
        return (self.network, self.browser) == (COMMAND_LINE.network, COMMAND_LINE.browser)


COMMAND_LINE = Origin("-", "command line")
