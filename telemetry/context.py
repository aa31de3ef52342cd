"""The request that this thread handles, and what it has cost so far."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RequestContext:
    """The id of a request, and the number of its SQL statements and of its calls to the cache."""

    request_id: str
    statements: int = 0
    cache_calls: int = 0


_current: ContextVar[RequestContext | None] = ContextVar("the request of this thread", default=None)


def begin(request_id: str) -> RequestContext:
    """Begin a request in this thread."""
    context = RequestContext(request_id)
    _current.set(context)
    return context


def end() -> None:
    """End the request of this thread; what the thread does afterwards belongs to no request."""
    _current.set(None)


def request_id() -> str:
    """Return the id of the request of this thread, or "" outside requests."""
    context = _current.get()
    return context.request_id if context else ""


def count_statement(*_: object) -> None:
    """Count an SQL statement of the request; also an SQLAlchemy listener."""
    if context := _current.get():
        context.statements += 1


def count_cache_call() -> None:
    """Count a call to the cache of the request."""
    if context := _current.get():
        context.cache_calls += 1
