"""Loops that look for work in the database: in a thread of a web process, or in a process of their own."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue

from flask import Flask

from accounts.errors import UNAVAILABLE, service_of
from telemetry import metrics

POLL_SECONDS = 0.5
FAILURE_PAUSE_SECONDS = 5.0  # The wait after a failed poll.

Wakeups = SimpleQueue[None]
"""Ends a wait early. A queue, because a signal handler may call its `put`, but not `Event.set`."""


def poll(work: Callable[[int], bool], stopped: threading.Event, awake: Wakeups) -> None:
    """Work until `stopped` is set, twice a second and whenever something is put into `awake`.

    `work` gets the number of the poll, and returns whether it succeeded. Polling is necessary because other processes
    add work, too. A poll is one statement on an index. LISTEN/NOTIFY would need a permanent connection, and does not
    work through pgbouncer in transaction mode.
    """
    for number in count():
        has_succeeded = work(number)
        if stopped.is_set():
            return
        with contextlib.suppress(Empty):
            awake.get(timeout=POLL_SECONDS if has_succeeded else FAILURE_PAUSE_SECONDS)
            while True:  # Several wake-ups cause one poll.
                awake.get_nowait()


def run_step(app: Flask, work: Callable[[], object], name: str, log: logging.Logger) -> bool:
    """Run a step of a loop, and return whether it succeeded. Never raises: the loop continues after every error."""
    try:
        with app.app_context():
            work()
    except UNAVAILABLE as problem:
        metrics.UNAVAILABLE.add(service_of(problem))
        log.warning("%s paused: %s", name, str(problem).partition("\n")[0])
    except Exception:
        log.exception("%s failed and will be retried", name)
    else:
        return True
    return False


class Poller(threading.Thread):
    """A thread of the web process that polls."""

    def __init__(self, app: Flask, name: str, watch: Callable[[Flask, threading.Event, Wakeups], None]) -> None:
        """Create a daemon thread, which does not keep the process alive; `watch` runs until the event is set."""
        super().__init__(name=name, daemon=True)
        self._app, self._pid, self._watch = app, os.getpid(), watch
        self._stopped, self._awake = threading.Event(), Wakeups()

    def run(self) -> None:
        """Poll until stopped; no error ends the thread."""
        self._watch(self._app, self._stopped, self._awake)

    def wake(self) -> None:
        """Poll now."""
        self._awake.put(None)

    def ask_to_stop(self) -> None:
        """End the loop after the present step, without waiting for it."""
        self._stopped.set()
        self._awake.put(None)

    def stop(self) -> None:
        """Stop within three seconds; what is not finished by then is repeated after its lease."""
        self.ask_to_stop()
        self.join(timeout=3)

    def runs_in_this_process(self) -> bool:
        """Return whether the thread runs in this process: a fork copies the object, but not the thread."""
        return self._pid == os.getpid() and self.is_alive()
