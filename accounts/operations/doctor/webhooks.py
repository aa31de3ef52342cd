"""The check of webhooks: receivers that are disabled or fail, events that wait, and events that were given up."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from accounts import clock
from accounts.operations.doctor.check import Problem, Result, conclude, fail, warn
from accounts.settings import settings
from accounts.webhooks import queue, receivers
from accounts.webhooks.queue import Status
from accounts.webhooks.receivers import Receiver

OLD_SECONDS = 600
OVERDUE_SECONDS = 60


def check_webhooks() -> Result:
    """Check the receivers in WEBHOOKS and their queues."""
    found = receivers.list_all()
    if not found:
        return conclude("none", receivers=[])
    day = clock.now() - timedelta(days=1)
    problems: list[Problem] = []
    data: list[dict[str, Any]] = []
    for receiver in found:
        status, dead = queue.read_status(receiver), queue.count_dead(receiver, day)
        problems += _problems_of(receiver, status, dead)
        age = round(status.waiting.oldest_seconds)
        its = {"receiver": status.name, "waiting": status.waiting.events, "oldest_seconds": age}
        data.append({**its, "dead": dead, "disabled": status.condition.disabled_at is not None})
    waiting = sum(each["waiting"] for each in data)
    return conclude(f"receivers: {len(found)}, events that wait: {waiting}", problems, receivers=data)


def _problems_of(receiver: Receiver, status: Status, dead: int) -> Iterator[Problem]:
    """Yield what is wrong with a receiver."""
    if dead:
        repeat = "Run `flask --app app webhooks replay` when it works again"
        yield fail(f"events to {status.name} given up in the last 24 hours: {dead}. {repeat}")
    if status.condition.disabled_at:
        yield fail(f"{status.name} is disabled, because it answered 410: run `flask --app app webhooks enable`")
    elif status.condition.failures:
        yield warn(f"{status.name} has failed {status.condition.failures} times in a row: read the log of delivery")
    elif status.waiting.oldest_seconds > OLD_SECONDS:
        yield warn(f"events for {status.name} wait for {status.waiting.oldest_seconds:.0f} s: read the log of delivery")
    elif queue.read_overdue_seconds(receiver) > OVERDUE_SECONDS:
        starts = "`flask --app app mail deliver --watch`" if settings().MAIL_DELIVERY == "worker" else "a web process"
        yield fail(f"an event for {status.name} is due, and no process delivers it: start {starts}")
