"""The faults: each makes one part of the fleet fail for some seconds, and restores it."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.live.fleet import Fleet
from tests.servers import Gunicorn, MemcachedServer, PostgresServer, SmtpServer, frozen
from tests.soak.checks import Fault

LOCKED_TABLES = ("cms_user", "mail", "audit", "budget", "link", "email_change", "login_session")


@dataclass
class Parts:
    """The parts that can fail."""

    fleet: Fleet
    postgres: PostgresServer
    database_url: str
    memcached: list[MemcachedServer]
    smtp: SmtpServer


class Faults:
    """Causes one fault after the other: each kind in turn, in random order, with a random victim and duration."""

    def __init__(self, parts: Parts, seed: int, longest_seconds: float = 6.0) -> None:
        """Choose by the seed; a fault lasts up to `longest_seconds`."""
        self.parts, self.random, self.longest_seconds = parts, random.Random(f"{seed} faults"), longest_seconds
        self.done: list[Fault] = []
        self._wait = threading.Event().wait
        self.kinds: dict[str, Callable[[], contextlib.AbstractContextManager[tuple[str, int]]]] = {
            "web process killed": self.kill_process,
            "node killed": self.kill_node,
            "node frozen": self.freeze_node,
            "node frozen for long": self.freeze_node,
            "node restarted": self.restart_node,
            "node reloaded": self.reload_node,
            "nginx reloaded": self.reload_nginx,
            "mail worker killed": self.kill_worker,
            "mail worker frozen": self.freeze_worker,
            "memcached stopped": self.stop_memcached,
            "memcached frozen": self.freeze_memcached,
            "memcached emptied": self.empty_memcached,
            "PostgreSQL stopped": self.stop_postgres,
            "PostgreSQL crashed": self.crash_postgres,
            "PostgreSQL frozen": self.freeze_postgres,
            "connections terminated": self.terminate_connections,
            "table locked": self.lock_table,
            "SMTP server stopped": self.stop_smtp,
            "SMTP server frozen": self.freeze_smtp,
            "SMTP server slow": self.slow_down_smtp,
            "SMTP receipts lost": self.lose_receipts,
        }

    def run(self, seconds: float) -> None:
        """Cause faults for a time; the last one is always restored."""
        end, kinds = time.monotonic() + seconds, list[str]()
        while time.monotonic() < end:
            kinds = kinds or self.random.sample(list(self.kinds), len(self.kinds))
            self._cause(kinds.pop(), end)
            self._wait(min(self.random.uniform(0.2, 2), max(0, end - time.monotonic())))

    def _cause(self, kind: str, end: float) -> None:
        """Cause a fault and restore its part. One lasts so long that nginx answers first, and the node acts later."""
        duration = 22 if kind == "node frozen for long" else self.random.uniform(0.5, self.longest_seconds)
        began = time.time()
        with self.kinds[kind]() as (victim, port):
            self._wait(min(duration, max(0, end - time.monotonic())))
        self.done.append(Fault(kind, victim, began, time.time(), port))

    def _node(self) -> Gunicorn:
        return self.random.choice(self.parts.fleet.nodes)

    def _memcached(self) -> MemcachedServer:
        return self.random.choice(self.parts.memcached)

    @contextlib.contextmanager
    def kill_process(self) -> Iterator[tuple[str, int]]:
        """Kill one process of a node; gunicorn replaces it."""
        node = self._node()
        pid = self.random.choice(node.workers())
        with contextlib.suppress(ProcessLookupError):  # It may have been replaced by a reload just now.
            os.kill(pid, signal.SIGKILL)
        yield f"process {pid}", node.port

    @contextlib.contextmanager
    def kill_node(self) -> Iterator[tuple[str, int]]:
        """Kill a whole node, and start it again."""
        node = self._node()
        node.kill()
        yield f"node {node.port}", node.port
        node.start()

    @contextlib.contextmanager
    def freeze_node(self) -> Iterator[tuple[str, int]]:
        """Suspend a whole node: the kernel accepts connections, but there is no response."""
        node = self._node()
        with frozen(*node.processes()):
            yield f"node {node.port}", node.port

    @contextlib.contextmanager
    def restart_node(self) -> Iterator[tuple[str, int]]:
        """Stop a node gracefully, and start it again: this fails no request."""
        node = self._node()
        node.stop()
        yield f"node {node.port}", 0
        node.start()

    @contextlib.contextmanager
    def reload_node(self) -> Iterator[tuple[str, int]]:
        """Replace the processes of a node gracefully: this fails no request."""
        node = self._node()
        node.reload()
        yield f"node {node.port}", 0

    @contextlib.contextmanager
    def reload_nginx(self) -> Iterator[tuple[str, int]]:
        """Have nginx read its configuration again: this fails no request."""
        self.parts.fleet.nginx.reload()
        yield "nginx", 0

    @contextlib.contextmanager
    def kill_worker(self) -> Iterator[tuple[str, int]]:
        """Kill a mail worker, and start it again."""
        worker = self.random.choice(self.parts.fleet.workers)
        worker.kill()
        yield f"mail worker {worker.pid}", 0
        worker.start()

    @contextlib.contextmanager
    def freeze_worker(self) -> Iterator[tuple[str, int]]:
        """Suspend a mail worker."""
        worker = self.random.choice(self.parts.fleet.workers)
        with frozen(worker.pid):
            yield f"mail worker {worker.pid}", 0

    @contextlib.contextmanager
    def stop_memcached(self) -> Iterator[tuple[str, int]]:
        """Stop a memcached, which loses its data, and start it again."""
        memcached = self._memcached()
        memcached.stop()
        yield memcached.address, 0
        memcached.start()

    @contextlib.contextmanager
    def freeze_memcached(self) -> Iterator[tuple[str, int]]:
        """Suspend a memcached."""
        memcached = self._memcached()
        memcached.freeze()
        yield memcached.address, 0
        memcached.thaw()

    @contextlib.contextmanager
    def empty_memcached(self) -> Iterator[tuple[str, int]]:
        """Delete everything in a memcached."""
        memcached = self._memcached()
        memcached.flush()
        yield memcached.address, 0

    @contextlib.contextmanager
    def stop_postgres(self) -> Iterator[tuple[str, int]]:
        """Stop PostgreSQL fast: it rolls back all transactions and disconnects the clients."""
        self.parts.postgres.stop(signal.SIGINT)
        yield "PostgreSQL", 0
        self.parts.postgres.start()

    @contextlib.contextmanager
    def crash_postgres(self) -> Iterator[tuple[str, int]]:
        """Stop PostgreSQL immediately: it recovers at the next start."""
        self.parts.postgres.stop()
        yield "PostgreSQL", 0
        self.parts.postgres.start()

    @contextlib.contextmanager
    def freeze_postgres(self) -> Iterator[tuple[str, int]]:
        """Suspend all processes of PostgreSQL."""
        self.parts.postgres.freeze()
        yield "PostgreSQL", 0
        self.parts.postgres.thaw()

    @contextlib.contextmanager
    def terminate_connections(self) -> Iterator[tuple[str, int]]:
        """Terminate all connections to PostgreSQL."""
        self.parts.postgres.disconnect_clients()
        yield "PostgreSQL", 0

    @contextlib.contextmanager
    def lock_table(self) -> Iterator[tuple[str, int]]:
        """Lock a table against writing."""
        table = self.random.choice(LOCKED_TABLES)
        with PostgresServer.locked(self.parts.database_url, table):
            yield table, 0

    @contextlib.contextmanager
    def stop_smtp(self) -> Iterator[tuple[str, int]]:
        """Stop the mail server."""
        self.parts.smtp.stop()
        yield "SMTP server", 0
        self.parts.smtp.start()

    @contextlib.contextmanager
    def freeze_smtp(self) -> Iterator[tuple[str, int]]:
        """Suspend the mail server."""
        self.parts.smtp.freeze()
        yield "SMTP server", 0
        self.parts.smtp.thaw()

    @contextlib.contextmanager
    def slow_down_smtp(self) -> Iterator[tuple[str, int]]:
        """Have the mail server take seconds to accept a mail, at times more than the time-out of the application."""
        self.parts.smtp.receipt_seconds = self.random.uniform(0.5, 4)
        yield "SMTP server", 0
        self.parts.smtp.receipt_seconds = 0

    @contextlib.contextmanager
    def lose_receipts(self) -> Iterator[tuple[str, int]]:
        """Have the mail server disconnect after it accepted a mail, before it says so."""
        self.parts.smtp.behaviour = "drop-after-data"
        yield "SMTP server", 0
        self.parts.smtp.behaviour = ""
