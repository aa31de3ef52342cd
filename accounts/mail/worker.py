"""The loop of delivery, in a thread or a process: it polls for due mail, and runs chores in between."""

import atexit
import logging
import threading
from collections.abc import Callable

from flask import Flask, current_app

import cache
from accounts import clock
from accounts.mail import delivery
from accounts.polling import POLL_SECONDS, Poller, Wakeups, poll, run_step
from accounts.settings import settings
from models import db

__all__ = ["POLL_SECONDS", "Delivery", "Wakeups", "deliver_all", "init_app", "wake", "wake_if_queued", "watch"]

POLLS_PER_CHORES = 120  # Chores run at the first of every 120 polls.
HEARTBEAT_KEY, HEARTBEAT_SECONDS = "mail delivery", 300
log = logging.getLogger(__name__)


def init_app(app: Flask, *chores: Callable[[], None]) -> None:
    """Register the chores, which the worker runs periodically."""
    delivery.init_app(app)
    app.extensions["cms_mail_chores"] = chores


class Delivery(Poller):
    """A thread of the web process that sends due mail."""

    def __init__(self, app: Flask) -> None:
        """Create the thread."""
        super().__init__(app, "mail delivery", watch)


def watch(app: Flask, stopped: threading.Event, awake: Wakeups) -> None:
    """Deliver until `stopped` is set, polling twice a second and whenever something is put into `awake`."""

    def deliver(number: int) -> bool:
        has_succeeded = _run(app, lambda: delivery.deliver_due(stopped))
        if has_succeeded and number % POLLS_PER_CHORES == 0:
            _run(app, record_heartbeat)
            _run_chores(app)
        return has_succeeded

    poll(deliver, stopped, awake)


def record_heartbeat() -> None:
    """Record in the cache that a process delivers mail. Raises CacheDown."""
    cache.set(HEARTBEAT_KEY, int(clock.now().timestamp()), HEARTBEAT_SECONDS)


def is_alive() -> bool:
    """Return whether a process has recorded a heartbeat recently; one sends for long without. Raises CacheDown."""
    return cache.get(HEARTBEAT_KEY) is not None


def deliver_all(app: Flask, stopped: threading.Event) -> None:
    """Send all due mail, then run the chores. Never raises: what fails is logged, and left for the next run."""
    if _run(app, lambda: delivery.deliver_due(stopped)):
        _run(app, record_heartbeat)
        _run_chores(app)


def _run_chores(app: Flask) -> None:
    for chore in app.extensions["cms_mail_chores"]:
        _run(app, chore)


def _run(app: Flask, work: Callable[[], None]) -> bool:
    return run_step(app, work, "mail delivery", log)


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
        thread = app.extensions.get("cms_mail_delivery")
        if thread is None or not thread.runs_in_this_process():
            thread = app.extensions["cms_mail_delivery"] = Delivery(app)
            thread.start()
            atexit.register(thread.stop)
    thread.wake()
