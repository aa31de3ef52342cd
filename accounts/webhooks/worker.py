"""The loops of delivery: a thread for each receiver, so that a slow one delays neither mail nor other receivers."""

import atexit
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from flask import Flask, current_app
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Session

from accounts.polling import Poller, Wakeups, poll, run_step
from accounts.settings import settings
from accounts.webhooks import delivery, events, receivers
from accounts.webhooks.receivers import Receiver
from models import db

POLLS_PER_EXPIRY = 120  # Events are given up at the first of every 120 polls.
EXTENSION = "cms_webhook_delivery"
log = logging.getLogger(__name__)
_starting = threading.Lock()


@listens_for(db.session, "after_commit")
def _wake_if_queued(session: Session) -> None:
    if session.info.pop(events.IS_QUEUED, False):
        wake()


@listens_for(db.session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(events.IS_QUEUED, None)


def wake() -> None:
    """Wake the threads of this process, and start them if necessary; do nothing if only workers deliver."""
    if settings().MAIL_DELIVERY != "thread" or not settings().WEBHOOKS:
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with _starting:
        pollers: list[Poller] = app.extensions.get(EXTENSION, [])
        if not pollers or not all(each.runs_in_this_process() for each in pollers):
            pollers = app.extensions[EXTENSION] = _start(app)
            atexit.register(stop, pollers)
    for each in pollers:
        each.wake()


def stop(pollers: list[Poller]) -> None:
    """Stop threads, all within three seconds; what is not finished by then is repeated after its lease."""
    for each in pollers:
        each.ask_to_stop()
    for each in pollers:
        each.stop()


@contextmanager
def running(app: Flask) -> Iterator[None]:
    """Deliver to every receiver within the context, whatever MAIL_DELIVERY is: for a process that only delivers."""
    with app.app_context():
        pollers = _start(app)
    try:
        yield
    finally:
        stop(pollers)


@contextmanager
def delivering_once(app: Flask, stopped: threading.Event) -> Iterator[None]:
    """Send all due events beside what the context does, and wait for the end. Never raises by itself."""
    with app.app_context():
        found = receivers.list_all()
    threads = [threading.Thread(target=deliver_all, args=(app, each, stopped), daemon=True) for each in found]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def deliver_all(app: Flask, receiver: Receiver, stopped: threading.Event) -> None:
    """Send all due events to a receiver. Never raises: what fails is logged, and left for the next run."""
    for work in (delivery.expire, partial(delivery.deliver_due, stopped=stopped)):
        _run(app, partial(work, receiver))


def watch(receiver: Receiver, app: Flask, stopped: threading.Event, awake: Wakeups) -> None:
    """Deliver to a receiver until `stopped` is set, polling twice a second and when something is put into `awake`."""

    def deliver(number: int) -> bool:
        if number % POLLS_PER_EXPIRY == 0:
            _run(app, partial(delivery.expire, receiver))
        return _run(app, partial(delivery.deliver_due, receiver, stopped))

    poll(deliver, stopped, awake)


def _start(app: Flask) -> list[Poller]:
    pollers = [Poller(app, f"webhooks to {each.name}", partial(watch, each)) for each in receivers.list_all()]
    for each in pollers:
        each.start()
    return pollers


def _run(app: Flask, work: Callable[[], object]) -> bool:
    return run_step(app, work, "webhook delivery", log)
