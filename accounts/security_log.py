"""The security log: one line for every refused guess or unauthorised request (ASVS 16.3).

A line names the refusal, the route, the network and the account. It never contains an address, a code, a token or other
input: the log reveals no secrets, and a request cannot inject lines.
"""

import logging
import re

log = logging.getLogger("cms.security")


def log_refusal(kind: str, action: str, *, network: str, account_id: int | None = None) -> None:
    """Write one line at WARNING: `refused wrong_credentials: POST /cms/login/, network 203.0.113.5, account -`."""
    values = [re.sub(r"[^A-Za-z0-9_.:/<> -]", "?", text)[:100] for text in (kind, action, network)]
    log.warning("refused %s: %s, network %s, account %s", *values, account_id or "-")
