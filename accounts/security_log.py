"""The security log: one line for every refusal that somebody who watches the site wants to see (ASVS 16.3).

A line says what was refused, where, and which network and account asked. It never holds an address, a code, a token or
anything else that was typed: who reads a log must learn no secret, and nobody can write a line of their own into it.
"""

import logging
import re

log = logging.getLogger("cms.security")


def log_refusal(kind: str, what: str, *, network: str, account_id: int | None = None) -> None:
    """Write one line at WARNING: `refused wrong_credentials: POST /cms/login/, network 203.0.113.5, account -`."""
    told = [re.sub(r"[^A-Za-z0-9_.:/<> -]", "?", text)[:100] for text in (kind, what, network)]
    log.warning("refused %s: %s, network %s, account %s", *told, account_id or "-")
