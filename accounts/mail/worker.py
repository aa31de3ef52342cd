"""The loop of delivery, in a thread or a process: it polls for due mail, and runs chores in between."""

import atexit
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue

from flask import Flask, current_app

import cache
from accounts import clock
from accounts.errors import UNAVAILABLE, service_of
from accounts.mail.delivery import deliver_due
from accounts.settings import settings
from models import db
from telemetry import metrics

POLL_SECONDS = 0.5
FAILURE_PAUSE_SECONDS = 5.0  # The wait after a failed poll.
POLLS_PER_CHORES = 120  # Chores run at the first of every 120 polls.
HEARTBEAT_KEY, HEARTBEAT_SECONDS = "mail delivery", 300
log = logging.getLogger(__name__)


def init_app(app: Flask, *chores: Callable[[], None]) -> None:
    """Register the chores, which the worker runs periodically."""
    app.extensions["mail_chores"] = chores


class Delivery(threading.Thread):
    """A thread of the web process that sends due mail."""

    def __init__(self, app: Flask) -> None:
        """Create a daemon thread, which does not keep the process alive."""
        super().__init__(name="mail delivery", daemon=True)
        self._app, self._pid = app, os.getpid()
        self._stopped, self._awake = threading.Event(), Wakeups()

    def run(self) -> None:
        """Poll until stopped; no error ends the thread."""
        watch(self._app, self._stopped, self._awake)

    def wake(self) -> None:
        """Poll now."""
        self._awake.put(None)

    def stop(self) -> None:
        """Stop within three seconds; a mail that is not finished by then is sent again after its lease."""
        self._stopped.set()
        self._awake.put(None)
        self.join(timeout=3)

    def runs_in_this_process(self) -> bool:
        """Return whether the thread runs in this process: a fork copies the object, but not the thread."""
        return self._pid == os.getpid() and self.is_alive()


Wakeups = SimpleQueue[None]
"""Ends a wait early. A queue, because a signal handler may call its `put`, but not `Event.set`."""


def watch(app: Flask, stopped: threading.Event, awake: Wakeups) -> None:
    """Deliver until `stopped` is set, polling twice a second and whenever something is put into `awake`.

    Polling is necessary because other processes enqueue mail, too. A poll is one statement on an index. LISTEN/NOTIFY
    would need a permanent connection, and does not work through pgbouncer in transaction mode.
    """
    for poll in count():
        has_succeeded = _run(app, lambda: deliver_due(stopped))
        if has_succeeded and poll % POLLS_PER_CHORES == 0:
            _run(app, record_heartbeat)
            _run_chores(app)
        if stopped.is_set():
            return
        with contextlib.suppress(Empty):
            awake.get(timeout=POLL_SECONDS if has_succeeded else FAILURE_PAUSE_SECONDS)
            while True:  # Several wake-ups cause one poll.
                awake.get_nowait()


def record_heartbeat() -> None:
    """Record in the cache that a process delivers mail. Raises CacheDown."""
    cache.set(HEARTBEAT_KEY, int(clock.now().timestamp()), HEARTBEAT_SECONDS)


def is_alive() -> bool:
    """Return whether a process has recorded a heartbeat recently; one sends for long without. Raises CacheDown."""
    return cache.get(HEARTBEAT_KEY) is not None


def deliver_all(app: Flask, stopped: threading.Event) -> None:
    """Send all due mail, then run the chores. Never raises: what fails is logged, and left for the next run."""
    if _run(app, lambda: deliver_due(stopped)):
        _run(app, record_heartbeat)
        _run_chores(app)


def _run_chores(app: Flask) -> None:
    for chore in app.extensions["mail_chores"]:
        _run(app, chore)


def _run(app: Flask, work: Callable[[], None]) -> bool:
    """Run a step of the loop, and return whether it succeeded. Never raises: the loop continues after every error."""
    try:
        with app.app_context():
            work()
    except UNAVAILABLE as problem:
        metrics.UNAVAILABLE.add(service_of(problem))
        log.warning("mail delivery paused: %s", str(problem).partition("\n")[0])
    except Exception:
        log.exception("mail delivery failed and will be retried")
    else:
        return True
    return False


_starting = threading.Lock()


def wake_if_queued() -> None:
    """Wake delivery if mail was enqueued since the last call; called after each commit of a use case."""
    if db.session.info.pop("mail_is_queued", False):
        wake()


def wake() -> None:
    """Wake the delivery thread of this process, and start it if necessary; do nothing if only workers deliver."""
    if settings().MAIL_DELIVERY != "thread":
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with _starting:
        thread = app.extensions.get("mail_delivery")
        if thread is None or not thread.runs_in_this_process():
            thread = app.extensions["mail_delivery"] = Delivery(app)
            thread.start()
            atexit.register(thread.stop)
    thread.wake()
