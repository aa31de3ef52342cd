"""The application with breaking points: a header names the line before which the worker dies or a part fails.

Nothing in the product knows of this: the line is found by Python's own trace function, in the thread of the request.
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

import app
import cache


def die() -> None:
    """End the worker as the kernel would end it: no handler runs, nothing is flushed, nobody is told."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(problem: Exception) -> Callable[[], None]:
    """Return what fails in this way."""

    def raise_it() -> None:
        raise problem

    return raise_it


def cut() -> None:
    """Cut the lines to PostgreSQL that this worker has; it notices with the next word that it wants to say."""
    for thing in gc.get_objects():
        if isinstance(thing, psycopg.Connection) and not thing.closed:
            # A statement of several lines comes by more than once: what is cut already stays so.
            with socket.socket(fileno=os.dup(thing.fileno())) as line, contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


WAYS: dict[str, Callable[[], None]] = {
    "die": die,
    "cut": cut,
    "database": fail(OperationalError("a statement", None, Exception("the server closed the connection"))),
    "cache": fail(cache.CacheDown("memcached does not respond")),
    "fault": fail(RuntimeError("nobody thought of this")),
}


class Breaking:
    """Stands before the application: `X-Break: WAY FILE LINE` has its way just before that line is run."""

    def __init__(self, application: Any) -> None:
        """Remember the application."""
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve a request, with an eye on its lines where the header asks for that."""
        wish = environ.get("HTTP_X_BREAK", "").split()
        if wish:
            sys.settrace(_watch(wish[0], wish[1], int(wish[2])))
        try:
            answer: Iterable[bytes] = self.application(environ, start_response)
        finally:
            sys.settrace(None)
        return answer


def create_app() -> Flask:
    """Return the application, breakable, and with everybody's log as loud as it can be."""
    logging.basicConfig(level=logging.DEBUG)
    # At DEBUG the library prints every row that it reads, which no setting of ours can forbid it.
    logging.getLogger("sqlalchemy").setLevel(logging.INFO)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    breakable = app.create_app()
    breakable.wsgi_app = Breaking(breakable.wsgi_app)
    return breakable


def _watch(way: str, file: str, line: int) -> Any:
    def on_line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line" and frame.f_lineno == line:
            WAYS[way]()
        return on_line

    return lambda frame, *_: on_line if frame.f_code.co_filename.endswith(file) else None
