"""The metrics. Nothing is counted, and prometheus_client is not imported, unless they are served (METRICS_PORT)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Series = TypeVar("Series", "Counter", "Gauge", "Histogram")
_declared: list[_Metric[Any]] = []


class _Metric(Generic[Series]):
    """A metric with labels; its series exist once `enable` was called."""

    def __init__(self, name: str, description: str, *labels: str, **options: Any) -> None:
        """Declare a metric."""
        self.name, self.description, self.labels, self.options = name, description, labels, options
        self._metric: Series | None = None
        self._series: dict[tuple[object, ...], Series] = {}
        _declared.append(self)

    def enable(self, kind: type[Series], registry: CollectorRegistry) -> None:
        """Begin to count."""
        self._metric = kind(self.name, self.description, self.labels, registry=registry, **self.options)

    def _find(self, labels: tuple[object, ...]) -> Series | None:
        """Return the series with these values of the labels, or None if nothing is counted."""
        if self._metric is None:
            return None
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = self._metric.labels(*labels) if labels else self._metric
        return series


class Count(_Metric["Counter"]):
    """A number that only increases."""

    def add(self, *labels: object, number: int = 1) -> None:
        """Add a number to the series with these values of the labels."""
        if series := self._find(labels):
            series.inc(number)


class Level(_Metric["Gauge"]):
    """A number that increases and decreases; the sum of all processes that are alive."""

    def add(self, number: int) -> None:
        """Add a number, which may be negative."""
        if series := self._find(()):
            series.inc(number)


class Times(_Metric["Histogram"]):
    """The distribution of durations, in seconds."""

    def add(self, *labels: object, seconds: float) -> None:
        """Add a duration to the series with these values of the labels."""
        if series := self._find(labels):
            series.observe(seconds)


REQUESTS = Count("cms_requests", "Requests", "route", "status")
REQUEST_SECONDS = Times("cms_request_seconds", "Time from the first check of a request to its response", "route")
REQUESTS_IN_PROGRESS = Level("cms_requests_in_progress", "Requests in progress")
REFUSALS = Count("cms_refusals", "Responses that refuse a request, by error word", "word", "route")
EVENTS = Count("cms_events", "Rows added to the histories of accounts, and repetitions counted there", "event")
BUDGETS_SPENT = Count("cms_budgets_spent", "Requests refused because a limit was reached", "budget")
MAILS = Count("cms_mails", "Attempts to deliver a mail, by result", "kind", "result")
MAIL_PROBLEMS = Count("cms_mail_problems", "Attempts that the mail server did not accept, by category", "problem")
MAIL_SECONDS = Times(
    "cms_mail_seconds",
    "Time from the commit of a mail to its acceptance by the mail server",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600),
)
WEBHOOK_TRIES = Count("cms_webhook_tries", "Attempts to deliver an event, by result", "receiver", "result")
BREACHED_PASSWORD_CHECKS = Count("cms_breached_password_checks", "Checks of new passwords, by result", "result")
UNAVAILABLE = Count("cms_unavailable", "Work that failed because a service did not respond", "service")
CONNECTIONS_IN_USE = Level("cms_database_connections_in_use", "Connections of the pools that are checked out")
EXPIRED_ROWS = Count("cms_expired_rows", "Expired rows that housekeeping has deleted", "table")


@cache
def enable() -> CollectorRegistry:
    """Begin to count, and return the registry of the metrics of this process; there is one for each process."""
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram  # noqa: PLC0415 (See above.)

    registry = CollectorRegistry()
    for metric in _declared:
        if isinstance(metric, Level):
            metric.options["multiprocess_mode"] = "livesum"
        kinds: dict[type[Any], Any] = {Count: Counter, Level: Gauge, Times: Histogram}
        metric.enable(kinds[type(metric)], registry)
    return registry
