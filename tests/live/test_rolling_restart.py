"""Graceful shutdown: readiness is withdrawn first, and no request is lost, also with two nodes behind nginx."""

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.actors import Person
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.live.fleet import BEHIND_NGINX
from tests.live.sites import Site, frozen
from tests.servers import Gunicorn, Nginx, eventually

PATIENCE_SECONDS = 60.0
NODE = {
    **BEHIND_NGINX,
    "CAPTCHA_RESEND_SECONDS": "0",
    "CAPTCHA_SENDS_PER_HOUR": "0",
    "CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR": "0",
}


def has_pending_sigterm(pid: int) -> bool:
    """Return whether a SIGTERM is pending for a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (signal.SIGTERM - 1) & 1 for mask in pending)


def readiness_status(site: Site) -> int:
    """Return the status of /readyz."""
    return site.visitor().get_as_script("/readyz").status


class TestShutdown:
    """Graceful shutdown of one server."""

    @pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
    def test_it_is_not_ready_but_serves_requests_until_a_second_signal(
        self, serve: Serve, last: signal.Signals
    ) -> None:
        with serve(ENVIRONMENTS[0], DRAIN_SECONDS="300", MAIL_DELIVERY="worker") as site:
            ann, process = site.person(), site.server._process
            assert process is not None
            assert readiness_status(site) == 200
            process.send_signal(signal.SIGTERM)
            eventually(lambda: readiness_status(site) == 503, "/readyz reports that the server shuts down")
            for worker in site.server.workers():
                with frozen(*(each for each in site.server.workers() if each != worker)):
                    assert readiness_status(site) == 503
                    assert site.visitor().get_as_script("/healthz").status == 200
                    assert ann.get_as_script().status == 200
                    assert ann.reauth().status == 200
            process.send_signal(last)
            assert process.wait(PATIENCE_SECONDS) == 0

    def test_it_ends_after_the_drain_time(self, serve: Serve) -> None:
        with serve(ENVIRONMENTS[0], DRAIN_SECONDS="1", MAIL_DELIVERY="worker") as site:
            process = site.server._process
            assert process is not None
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
            assert "Traceback" not in site.log

    def test_requests_on_connections_that_are_not_accepted_yet_are_served(self, serve: Serve) -> None:
        with serve(ENVIRONMENTS[0], MAIL_DELIVERY="worker") as site, contextlib.ExitStack() as stack:
            process, workers = site.server._process, site.server.workers()
            assert process is not None
            with frozen(*workers):
                connections = [
                    stack.enter_context(socket.create_connection(("127.0.0.1", site.server.port), PATIENCE_SECONDS))
                    for _ in range(20)
                ]
                for connection in connections:
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                process.send_signal(signal.SIGTERM)
                for worker in workers:
                    eventually(lambda worker=worker: has_pending_sigterm(worker), "SIGTERM is pending for the worker")
            assert [_read_status_line(connection) for connection in connections] == [b"HTTP/1.1 200 OK\r\n"] * 20
            assert process.wait(PATIENCE_SECONDS) == 0

    def test_an_idle_connection_does_not_delay_the_end(self, serve: Serve) -> None:
        with serve(ENVIRONMENTS[0], MAIL_DELIVERY="worker") as site:
            process = site.server._process
            assert process is not None
            with socket.create_connection(("127.0.0.1", site.server.port)):
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_SECONDS) == 0
            assert "SIGKILL" not in site.log


def _read_status_line(connection: socket.socket) -> bytes:
    """Return the status line of a response; nothing if the connection fails."""
    with contextlib.suppress(OSError), connection.makefile("rb") as stream:
        return stream.readline()
    return b""


class Traffic:
    """People who send requests continuously; `failures` collects errors and every status other than 200."""

    def __init__(self, site: Site, proxy: Nginx, count: int = 6) -> None:
        """Create sessions, and send the requests of the people to this proxy."""
        self._site, self._ended = site, threading.Event()
        self.failures: list[str] = []
        self.answers = 0
        self.people = [site.person_with_session(deadline_seconds=PATIENCE_SECONDS) for _ in range(count)]
        for person in self.people:
            person.browser.proxy = proxy  # type: ignore[attr-defined]
        self._threads = [threading.Thread(target=self._work, args=(person,)) for person in self.people]

    def __enter__(self) -> Self:
        """Start the threads."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the last responses."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def wait_for_responses(self, count: int) -> None:
        """Wait for a number of further responses, or for a failure."""
        goal = self.answers + count
        eventually(lambda: self.answers >= goal or self.failures, f"{count} more responses arrive")

    def _work(self, person: Person) -> None:
        while not self._ended.is_set():
            for act in (
                person.page,
                lambda: person.ask(self._site.new_address()),
                person.reauth,
            ):
                try:
                    status = act().status
                except Exception as problem:  # Reported by the test.
                    self.failures.append(repr(problem))
                else:
                    self.answers += 1
                    if status != 200:
                        self.failures.append(str(status))


@pytest.fixture
def nodes(serve: Serve, tmp_path: Path) -> Iterator[tuple[Site, list[Gunicorn]]]:
    """Provide a site with two servers that use the same database, cache and mail server."""
    with serve(ENVIRONMENTS[1], **NODE) as site:
        second = Gunicorn(site.settings, tmp_path / "log", 2)
        try:
            yield site, [site.server, second.start()]
        finally:
            second.stop()


def test_a_restart_of_two_nodes_in_turn_behind_nginx_fails_no_request(
    nodes: tuple[Site, list[Gunicorn]], tmp_path: Path
) -> None:
    site, servers = nodes
    folder = tmp_path / "nginx"
    folder.mkdir()
    nginx = Nginx(folder, [server.port for server in servers], has_limits=False).start()
    try:
        with Traffic(site, nginx) as traffic:
            traffic.wait_for_responses(20)
            for server in servers:
                server.stop()
                server.start()
                traffic.wait_for_responses(20)
        assert traffic.failures == [], nginx.log[-3000:]
    finally:
        nginx.stop()
