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
from tests.live.sites import Site, frozen
from tests.servers import Gunicorn, Nginx, eventually

PATIENCE_SECONDS = 60.0
NODE = {
    "MAIL_DELIVERY": "worker",
    "TRUSTED_PROXIES": "1",
    "CAPTCHA_RESEND_SECONDS": "0",
    "CAPTCHA_SENDS_PER_HOUR": "0",
    "CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR": "0",
}


def signalled(pid: int) -> bool:
    """Say whether a process has a SIGTERM to handle."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (signal.SIGTERM - 1) & 1 for mask in pending)


def readiness(site: Site) -> int:
    """Return what /readyz answers."""
    return site.visitor().get_as_script("/readyz").status


class TestTheEnd:
    """SIGTERM to one server."""

    @pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
    def test_it_says_that_it_is_not_ready_and_serves_all_else_until_it_is_told_again(
        self, serve: Serve, last: signal.Signals
    ) -> None:
        with serve(ENVIRONMENTS[0], DRAIN_SECONDS="300", MAIL_DELIVERY="worker") as site:
            ann, process = site.person(), site.server._process
            assert process is not None
            assert readiness(site) == 200
            process.send_signal(signal.SIGTERM)
            eventually(lambda: readiness(site) == 503, "the server says that it drains")
            for worker in site.server.workers():
                with frozen(*(each for each in site.server.workers() if each != worker)):
                    assert readiness(site) == 503
                    assert site.visitor().get_as_script("/healthz").status == 200
                    assert ann.get_as_script().status == 200
                    assert ann.reauth().status == 200
            process.send_signal(last)
            assert process.wait(PATIENCE_SECONDS) == 0

    def test_it_ends_by_itself_when_the_time_to_drain_is_over(self, serve: Serve) -> None:
        with serve(ENVIRONMENTS[0], DRAIN_SECONDS="1", MAIL_DELIVERY="worker") as site:
            process = site.server._process
            assert process is not None
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
            assert "Traceback" not in site.log

    def test_connections_that_nobody_has_accepted_yet_are_answered(self, serve: Serve) -> None:
        with serve(ENVIRONMENTS[0], MAIL_DELIVERY="worker") as site, contextlib.ExitStack() as stack:
            process, workers = site.server._process, site.server.workers()
            assert process is not None
            with frozen(*workers):
                waiting = [
                    stack.enter_context(socket.create_connection(("127.0.0.1", site.server.port), PATIENCE_SECONDS))
                    for _ in range(20)
                ]
                for line in waiting:
                    line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                process.send_signal(signal.SIGTERM)
                for worker in workers:
                    eventually(lambda worker=worker: signalled(worker), "the worker is told to end")
            assert [_first_line(line) for line in waiting] == [b"HTTP/1.1 200 OK\r\n"] * 20
            assert process.wait(PATIENCE_SECONDS) == 0

    def test_a_spare_connection_of_a_browser_does_not_hold_it(self, serve: Serve) -> None:
        with serve(ENVIRONMENTS[0], MAIL_DELIVERY="worker") as site:
            process = site.server._process
            assert process is not None
            with socket.create_connection(("127.0.0.1", site.server.port)):
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_SECONDS) == 0
            assert "SIGKILL" not in site.log


def _first_line(line: socket.socket) -> bytes:
    """Read the status line of an answer; nothing where there is none."""
    with contextlib.suppress(OSError), line.makefile("rb") as stream:
        return stream.readline()
    return b""


class Crowd:
    """`people` who open pages and send forms without a pause; `failures` holds what nobody should ever get."""

    def __init__(self, site: Site, port: int, count: int = 6) -> None:
        """Sign some people in, and send them to another port."""
        self._site, self._ended = site, threading.Event()
        self.failures: list[str] = []
        self.answers = 0
        self.people = [site.person_with_session(deadline_seconds=PATIENCE_SECONDS) for _ in range(count)]
        for person in self.people:
            person.browser.port = port  # type: ignore[attr-defined]
        self._threads = [threading.Thread(target=self._work, args=(person,)) for person in self.people]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, when everybody has their last answer."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def served(self, count: int) -> None:
        """Wait for a number of further responses, or for one that should not have come."""
        goal = self.answers + count
        eventually(lambda: self.answers >= goal or self.failures, f"{count} more answers come")

    def _work(self, person: Person) -> None:
        while not self._ended.is_set():
            for act in (
                person.page,
                lambda: person.ask(self._site.new_address()),
                person.reauth,
            ):
                try:
                    status = act().status
                except Exception as problem:  # It belongs to the test, not to the thread.
                    self.failures.append(repr(problem))
                else:
                    self.answers += 1
                    if status != 200:
                        self.failures.append(str(status))


@pytest.fixture
def nodes(serve: Serve, tmp_path: Path) -> Iterator[tuple[Site, list[Gunicorn]]]:
    """Give a site with two servers on the same parts."""
    with serve(ENVIRONMENTS[1], **NODE) as site:
        second = Gunicorn(site.settings, tmp_path / "log", 2)
        try:
            yield site, [site.server, second.start()]
        finally:
            second.stop()


def test_two_nodes_restart_in_turn_behind_nginx_and_nobody_notices(
    nodes: tuple[Site, list[Gunicorn]], tmp_path: Path
) -> None:
    site, servers = nodes
    folder = tmp_path / "nginx"
    folder.mkdir()
    nginx = Nginx(folder, [server.port for server in servers]).start()
    try:
        with Crowd(site, nginx.port) as crowd:
            crowd.served(20)
            for server in servers:
                server.stop()
                server.start()
                crowd.served(20)
        assert crowd.failures == [], nginx.log[-3000:]
    finally:
        nginx.stop()
