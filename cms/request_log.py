"""The log of requests: one line at INFO for each, and the id with which a report can be traced."""

import logging
import re
import secrets
from time import perf_counter

from flask import Flask, Response, g, request

from telemetry import context

HEADER = "X-Request-ID"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_VALID = re.compile(r"[A-Za-z0-9._-]{8,64}")
log = logging.getLogger("cms.requests")


def init_app(app: Flask) -> None:
    """Log every request. Call it first: what is registered later then lies within the measured time."""
    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(lambda _: context.end())


def begin() -> None:
    """Give the request the id that a proxy has sent, if it is valid, else a random one."""
    sent = request.headers.get(HEADER, "")
    g.request_began = perf_counter()
    g.request_context = context.begin(sent if _VALID.fullmatch(sent) else secrets.token_hex(8))


def finish(response: Response) -> Response:
    """Return the id to the client, and log the request: with its route, because the path may contain a token."""
    its: context.RequestContext = g.request_context
    response.headers[HEADER] = its.request_id
    session = g.get("session")  # Not the administrator: reading an expired row would query the database.
    line = {
        "method": request.method if request.method in METHODS else "other",
        "route": request.url_rule.rule if request.url_rule else "-",
        "status": response.status_code,
        "ms": round((perf_counter() - g.request_began) * 1000, 1),
        "sql": its.statements,
        "cache": its.cache_calls,
        "account": session.user_id if session else None,
        "error": g.get("error_word"),
    }
    log.info("request", extra=line)
    return response
