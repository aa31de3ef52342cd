"""The port on which Prometheus reads the metrics: one of its own, so that no proxy makes them public by accident."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from telemetry import metrics

Measure = Callable[[], Mapping[str, tuple[str, float]]]
"""Returns what is measured when the metrics are read: by name, the description and the value."""
log = logging.getLogger(__name__)


def remove_process(pid: int, folder: str) -> None:
    """Remove what a process that has ended still had in progress; what it has counted stays."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]


class _Measurements(Collector):
    """Gauges that are measured when the metrics are read."""

    def __init__(self, measure: Measure) -> None:
        """Measure with this function."""
        self._measure = measure

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges; what cannot be measured now is missing."""
        for name, (description, value) in self._measure().items():
            yield GaugeMetricFamily(name, description, value=value)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: nothing is measured when the exporter starts."""
        return ()


class _Server(ThreadingWSGIServer):
    """A server whose port the processes of a site share: the kernel chooses one of them for each connection."""

    allow_reuse_port = True
    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    """Writes no line for each request."""

    timeout = 10  # Seconds; a client that sends nothing does not hold a thread.

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def serve(host: str, port: int, measure: Measure, folder: str = "") -> None:
    """Serve the metrics in a thread of this process: those of all processes that share a folder, or of this one.

    If the port is in use, the process continues without: a problem of the metrics does not stop the site.
    """
    registry = metrics.enable()
    if folder:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    registry.register(_Measurements(measure))
    application: Any = make_wsgi_app(registry)
    try:
        server = make_server(host, port, application, _Server, _SilentHandler)
    except OSError as problem:
        log.warning("the metrics are not served on %s:%d: %s", host, port, problem.strerror)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
