"""Host names: which ones are served, and which are names of this machine."""

import re
from collections.abc import Collection

LOCAL = (".localhost", "127.0.0.1", "[::1]")


def is_served(host: str, names: Collection[str]) -> bool:
    """Return whether a host, with or without a port, is one of these names; `.example.com` includes its subdomains."""
    name = re.sub(r":\d+$", "", host).lower()
    return any(name == each.removeprefix(".") or (each[:1] == "." and name.endswith(each)) for each in names)
