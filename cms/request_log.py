"""The log and the metrics of requests: one line at INFO for each, and the id with which a report can be traced."""

import logging
import re
import secrets
from time import perf_counter

from flask import Flask, Response, g, request

from telemetry import context, metrics

HEADER = "X-Request-ID"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_VALID = re.compile(r"[A-Za-z0-9._-]{8,64}")
log = logging.getLogger("cms.requests")


def init_app(app: Flask) -> None:
    """Log every request. Call it first: what is registered later then lies within the measured time."""
    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(end)


def begin() -> None:
    """Give the request the id that a proxy has sent, if it is valid, else a random one."""
    sent = request.headers.get(HEADER, "")
    g.request_began = perf_counter()
    metrics.REQUESTS_IN_PROGRESS.add(1)
    g.request_context = context.begin(sent if _VALID.fullmatch(sent) else secrets.token_hex(8))


def finish(response: Response) -> Response:
    """Return the id to the client, and log the request: with its route, because the path may contain a token."""
    its: context.RequestContext = g.request_context
    response.headers[HEADER] = its.request_id
    session = g.get("session")  # Not the administrator: reading an expired row would query the database.
    route = request.url_rule.rule if request.url_rule else "-"
    seconds, error_word = perf_counter() - g.request_began, g.get("error_word")
    metrics.REQUESTS.add(route, response.status_code)
    metrics.REQUEST_SECONDS.add(route, seconds=seconds)
    if error_word:
        metrics.REFUSALS.add(error_word, route)
    line = {
        "method": request.method if request.method in METHODS else "other",
        "route": route,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "sql": its.statements,
        "cache": its.cache_calls,
        "account": session.user_id if session else None,
        "error": error_word,
    }
    log.info("request", extra=line)
    return response


def end(_: BaseException | None) -> None:
    """End the request in the context of its thread."""
    if "request_context" in g:
        metrics.REQUESTS_IN_PROGRESS.add(-1)
    context.end()
