"""The security log: one line for every refused guess or unauthorised request (ASVS 16.3).

A line names the refusal, the route, the network and the account, and for a passkey the reason. It never contains an
address, a code, a token or other input: the log reveals no secrets, and a request cannot inject lines.
"""

import logging
import re

log = logging.getLogger("cms.security")


def log_refusal(kind: str, action: str, *, network: str, account_id: int | None = None, reason: str = "") -> None:
    """Write one line at WARNING: `message=refused refusal=wrong_credentials action="POST /cms/login/" network=...`."""
    fields = {"refusal": kind, "action": action, "network": network}
    line = {name: re.sub(r"[^A-Za-z0-9_.:/<> -]", "?", text)[:100] for name, text in fields.items()}
    log.warning("refused", extra={**line, "account": account_id, "reason": reason or None})
