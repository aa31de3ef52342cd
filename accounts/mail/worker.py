"""The process or thread that delivers: it looks for mail that is due, and runs the chores in between."""

import atexit
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue

from flask import Flask, current_app

from accounts.errors import UNAVAILABLE
from accounts.mail.delivery import deliver_due
from accounts.settings import settings
from models import db

POLL_SECONDS = 0.5
AWAY_SECONDS = 5.0  # The wait after a look at the outbox that failed.
POLLS_TO_TIDY = 120
log = logging.getLogger(__name__)


def init_app(app: Flask, *chores: Callable[[], None]) -> None:
    """Remember what the worker does in between, when no mail is due."""
    app.extensions["mail_chores"] = chores


class Delivery(threading.Thread):
    """A thread of the web process that sends what is due, and looks again when it is woken."""

    def __init__(self, app: Flask) -> None:
        """Prepare a thread that does not keep the process alive."""
        super().__init__(name="mail delivery", daemon=True)
        self._app, self._pid = app, os.getpid()
        self._stopped, self._awake = threading.Event(), Wakeups()

    def run(self) -> None:
        """Send, sleep, and never die of a fault."""
        watch(self._app, self._stopped, self._awake)

    def wake(self) -> None:
        """Have it look for mail now."""
        self._awake.put(None)

    def stop(self) -> None:
        """Give it three seconds for the mail in hand; what it does not finish is sent after its lease."""
        self._stopped.set()
        self._awake.put(None)
        self.join(timeout=3)

    def is_ours(self) -> bool:
        """Say whether the thread runs in this process: fork copies the object, not the thread."""
        return self._pid == os.getpid() and self.is_alive()


Wakeups = SimpleQueue[None]
"""What ends a wait early. A queue, because its `put` may be called in a signal handler, and `Event.set` may not."""


def watch(app: Flask, stopped: threading.Event, awake: Wakeups) -> None:
    """Deliver until `stopped` is set, looking for mail twice a second and whenever something is put into `awake`.

    Other processes queue mail, too. A look costs one statement that an index answers; LISTEN/NOTIFY would save it, but
    needs a connection of its own that stays open, and does not pass a pgbouncer in transaction mode.
    """
    for turn in count():
        went_well = _guard(app, lambda: deliver_due(stopped))
        if went_well and turn % POLLS_TO_TIDY == 0:
            _run_chores(app)
        if stopped.is_set():
            return
        with contextlib.suppress(Empty):
            awake.get(timeout=POLL_SECONDS if went_well else AWAY_SECONDS)
            while True:  # Many wake-ups are one look.
                awake.get_nowait()


def deliver_all(app: Flask, stopped: threading.Event) -> None:
    """Send all that is due, then tidy up; where a part of ours does not answer, leave it for the next time."""
    if _guard(app, lambda: deliver_due(stopped)):
        _run_chores(app)


def _run_chores(app: Flask) -> None:
    for chore in app.extensions["mail_chores"]:
        _guard(app, chore)


def _guard(app: Flask, work: Callable[[], None]) -> bool:
    """Do some of the work; say whether it went well. No error gets out: there is other mail, and a next time."""
    try:
        with app.app_context():
            work()
    except UNAVAILABLE as problem:
        log.warning("mail delivery paused: %s", str(problem).partition("\n")[0])
    except Exception:
        log.exception("mail delivery failed and will be retried")
    else:
        return True
    return False


_starting = threading.Lock()


def wake_if_queued() -> None:
    """Wake delivery if mail was written since the last call; called after each commit of a use case."""
    if db.session.info.pop("mail_is_queued", False):
        wake()


def wake() -> None:
    """Tell the web process's own delivery that there is mail; start it in this process if it is not there yet."""
    if settings().MAIL_DELIVERY != "thread":
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with _starting:
        thread = app.extensions.get("mail_delivery")
        if thread is None or not thread.is_ours():
            thread = app.extensions["mail_delivery"] = Delivery(app)
            thread.start()
            atexit.register(thread.stop)
    thread.wake()
