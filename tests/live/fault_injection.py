"""The application with fault injection: a header names the line before which the worker is killed or a server fails.

The product is not modified: a trace function of Python detects the line, in the thread of the request.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy.exc import OperationalError

import cache
from tests import cheap_hashes


def kill_worker() -> None:
    """Kill the worker with SIGKILL: no handler runs, and nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def error_raiser(error: Exception) -> Callable[[], None]:
    """Return a function that raises this error."""

    def raise_error() -> None:
        raise error

    return raise_error


def disconnect() -> None:
    """Shut down all connections of this worker to PostgreSQL, so that their next use fails."""
    for found in gc.get_objects():
        if isinstance(found, psycopg.Connection):
            # Another thread may have closed it, and a statement of several lines is traced more than once.
            with (
                contextlib.suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(found.fileno())) as sock,
            ):
                sock.shutdown(socket.SHUT_RDWR)


FAULTS: dict[str, Callable[[], None]] = {
    "kill": kill_worker,
    "disconnect": disconnect,
    "database": error_raiser(OperationalError("a statement", None, Exception("the server closed the connection"))),
    "cache": error_raiser(cache.CacheDown("memcached does not respond")),
    "error": error_raiser(RuntimeError("an unexpected error")),
}


class FaultInjection:
    """WSGI middleware: with the header `X-Fault: FAULT FILE LINE` the fault occurs before that line is run."""

    def __init__(self, application: Any) -> None:
        """Store the application."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve a request, and trace its lines if the header is set."""
        parts = environ.get("HTTP_X_FAULT", "").split()
        if parts:
            sys.settrace(_line_tracer(parts[0], parts[1], int(parts[2])))
        try:
            body: Iterable[bytes] = self._application(environ, start_response)
        finally:
            sys.settrace(None)
        return body


def create_app() -> Flask:
    """Return the application with the middleware, with all logs at DEBUG, and with cheap hashes."""
    logging.basicConfig(level=logging.DEBUG)
    # At DEBUG, SQLAlchemy logs every row that it reads, even with `hide_parameters`.
    logging.getLogger("sqlalchemy").setLevel(logging.INFO)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    application = cheap_hashes.create_app()
    application.wsgi_app = FaultInjection(application.wsgi_app)
    return application


def _line_tracer(fault: str, file: str, line: int) -> Any:
    def on_line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line" and frame.f_lineno == line:
            FAULTS[fault]()
        return on_line

    return lambda frame, *_: on_line if frame.f_code.co_filename.endswith(file) else None
