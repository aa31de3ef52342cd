"""The servers of the tests, which are real: memcached, PostgreSQL, pgbouncer, an SMTP server, gunicorn and nginx.

Each is started on a free port of the loopback interface and ends with the test run: its fixture stops it, or, if Python
was killed, the kernel does (`setpriv --pdeathsig`).

All waiting is implemented here, too. No test measures time: `eventually` polls for a condition, and `Patience` defines
when it gives up.
"""

import asyncio
import base64
import contextlib
import fcntl
import gc
import hashlib
import http.client
import http.server
import itertools
import json
import os
import random
import re
import secrets
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, NamedTuple, Self, TextIO, TypeVar

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.programs import Program

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 30.0  # The default deadline of a condition on an idle machine.
LONGEST_SECONDS = 600.0  # The longest wait, for any load of the machine.
FAST = threading.Event()  # Set during a test that `make test-fast` runs.
AS_ROOT = os.geteuid() == 0
SEED = int(os.environ.get("TEST_SEED") or secrets.randbelow(10**9))  # The seed of all random choices of the tests.
Found = TypeVar("Found")


def seeded_random(name: str) -> random.Random:
    """Return a random generator that depends on the seed and this name only."""
    return random.Random(f"{SEED} {name}")


def machine_load() -> float:
    """Return the number of runnable threads per processor: the current one or the average of a minute, if higher."""
    minute, _, _, running, _ = Path("/proc/loadavg").read_text().split()
    return max(1.0, float(minute), float(running.partition("/")[0])) / (os.cpu_count() or 1)


class Patience:
    """A deadline that grows with the load: a second counts in full only while no thread waits for a processor."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Start the clock."""
        self.seconds = self._left = seconds
        self._began = self._seen = time.monotonic()

    def is_over(self) -> bool:
        """Return whether the deadline has passed."""
        now = time.monotonic()
        self._left -= (now - self._seen) / max(1.0, machine_load())
        self._seen = now
        return self._left <= 0 or now - self._began > LONGEST_SECONDS

    def __str__(self) -> str:
        """Return the time since the start, and the load of the machine."""
        waited = time.monotonic() - self._began
        return f"{waited:.0f} s (of {self.seconds:.0f} s on an idle machine, load {machine_load():.1f} per processor)"


def seconds_now(seconds: float = PATIENCE_SECONDS) -> float:
    """Return a fixed time-out for a library: four times as long as on an idle machine, and longer under load."""
    return min(4 * seconds * max(1.0, machine_load()), LONGEST_SECONDS)


def eventually(condition: Callable[[], Found], expectation: str, seconds: float = PATIENCE_SECONDS) -> Found:
    """Poll until the condition returns a true value, and return that. Raises AssertionError after the deadline."""
    patience = Patience(seconds)
    while not (found := condition()):
        if patience.is_over():
            raise AssertionError(f"not met within {patience}: {expectation}")
        time.sleep(0.01)
    return found


def run_concurrently(work: Callable[[int], Found], workers: int) -> list[Found]:
    """Call a function in several threads that start at the same time; return all results, or raise the first error."""
    barrier, results, problems = threading.Barrier(workers), [], []

    def run(number: int) -> None:
        barrier.wait()
        try:
            results.append(work(number))
        except BaseException as problem:  # Raised below, in the thread of the test.
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    eventually(lambda: all(map(_has_ended, threads)), "all threads end", PATIENCE_SECONDS * 3)
    if problems:
        raise problems[0]
    return results


def _has_ended(thread: threading.Thread) -> bool:
    """Wait a moment for the end of a thread, and return whether it has ended."""
    thread.join(0.1)
    return not thread.is_alive()


_reserved: list[TextIO] = []


def free_port(count: int = 1) -> int:
    """Return a free port of the loopback interface, or the first of several, and reserve them until the tests end.

    It is below the ports that the kernel assigns to clients: a client could otherwise get it while the server is
    stopped, or even connect to itself. A lock reserves it against other test runs on this machine.
    """
    lowest_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    folder = Path(tempfile.gettempdir()) / f"cms-tests-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    ports = list(range(lowest_of_clients - 10_000, lowest_of_clients))
    random.SystemRandom().shuffle(ports)  # Not seeded: two runs with the same seed must not use the same ports.
    for port in ports:
        locks = list(itertools.takewhile(bool, (_reserve(folder, port + number) for number in range(count))))
        if len(locks) == count:
            _reserved.extend(filter(None, locks))
            return port
        for lock in filter(None, locks):
            lock.close()
    raise RuntimeError("no free port for a test server")


def _reserve(folder: Path, port: int) -> TextIO | None:
    """Return the lock of a port, or None if it is in use."""
    lock = (folder / str(port)).open("w")
    with socket.socket() as sock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sock.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            return None
    return lock


def is_listening(port: int) -> bool:
    """Return whether a server accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=seconds_now(1)):
        return True
    return False


def is_closed(port: int) -> bool:
    """Return whether connections to the port are refused."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LONGEST_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:  # The server is just being stopped.
        return False
    return False


def thread_states(pid: int) -> set[str]:
    """Return the states of all threads of a process as letters of the kernel: S for sleeping, T for stopped."""
    found = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.add(stat.read_text().rpartition(")")[2].split()[0])
    return found


def has_handler(pid: int, sign: int) -> bool:
    """Return whether a process has installed a handler for a signal; until then the signal kills it."""
    mask = re.search(r"^SigCgt:\t(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert mask
    return bool(int(mask[1], 16) >> (sign - 1) & 1)


def freeze(*pids: int) -> None:
    """Suspend processes, and wait until every thread is stopped: until then one of them may still respond."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        eventually(lambda pid=pid: thread_states(pid) == {"T"}, f"process {pid} is suspended")


def thaw(*pids: int) -> None:
    """Resume processes, and wait until every thread runs."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for pid in pids:
        eventually(lambda pid=pid: "T" not in thread_states(pid), f"process {pid} is resumed")


@contextlib.contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Suspend processes temporarily, so that others must respond."""
    try:
        freeze(*pids)
        yield
    finally:
        thaw(*pids)


def wait_for_response(sock: socket.socket, seconds: float) -> None:
    """Wait until data can be read. Raises TimeoutError after the deadline."""
    poll, patience = select.poll(), Patience(seconds)
    poll.register(sock, select.POLLIN)
    while not poll.poll(50):
        if patience.is_over():
            raise TimeoutError(f"no response within {patience}")


def run_program(command: list[str], *, input_text: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program, and return its output; kill it and fail if it does not end within the deadline."""
    return _complete(command, input_text, lambda **files: subprocess.Popen(command, **files, **options))


def _complete(
    words: Sequence[str], input_text: str, start: Callable[..., subprocess.Popen[bytes] | Program]
) -> subprocess.CompletedProcess[str]:
    """Start a process with files as its input and output, and wait for its end."""
    with contextlib.ExitStack() as stack:
        names = ("stdin", "stdout", "stderr")
        files = {name: stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for name in names}
        files["stdin"].write(input_text)
        files["stdin"].seek(0)
        process, patience = start(**files), Patience(PATIENCE_SECONDS * 3)
        while (code := process.poll()) is None and not patience.is_over():
            time.sleep(0.005)
        terminate(process, signal.SIGKILL)
        output, errors = files["stdout"], files["stderr"]
        output.seek(0)
        errors.seek(0)
        found = output.read(), errors.read()
        assert code is not None, f"{words} did not end within {patience}: {found}"
        return subprocess.CompletedProcess(words, code, *found)


def refuse_if_fast(program: str) -> None:
    """Fail a test of `make test-fast` that starts a program: it must have the marker `servers`."""
    if FAST.is_set():
        raise AssertionError(f"make test-fast must not start {program}: mark the test `servers`")


def spawn(command: list[str], last_signal: str = "KILL", **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that gets `last_signal` when this process ends, and does not receive Ctrl-C of the terminal."""
    refuse_if_fast(command[0])
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", last_signal, *command]
    return subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)


def terminate(process: subprocess.Popen[bytes] | Program | None, sign: int) -> None:
    """Send a signal to a program, resume it if it is suspended, and kill it if it does not end."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(sign)
    process.send_signal(signal.SIGCONT)
    patience = Patience()
    while process.poll() is None and not patience.is_over():
        time.sleep(0.01)
    if process.poll() is None:
        process.kill()
        process.wait()


def find_program(name: str, *folders: Path) -> str:
    """Return the path of a program. Raises RuntimeError if it is missing: tests are never skipped."""
    refuse_if_fast(name)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *map(str, folders)])
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"the tests need the program {name}: install it (README, Tests)")
    return found


class MemcachedServer:
    """A real memcached, which can be stopped, started again on its port, frozen and emptied."""

    def __init__(self, *options: str) -> None:
        """Choose a port; `options` are passed to memcached."""
        self.port, self._options = free_port(), options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return host:port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> "MemcachedServer":
        """Start it, and wait until it responds."""
        # Started as another user: a change of user by memcached itself (-u) would clear the signal set by setpriv.
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if AS_ROOT else {}
        command = [find_program("memcached"), "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", *self._options]
        self._process = spawn(command, **user)
        eventually(self._responds, "memcached responds")
        return self

    def stop(self) -> None:
        """Kill it, and wait until its port is closed; its data is lost."""
        terminate(self._process, signal.SIGKILL)
        eventually(lambda: is_closed(self.port), "memcached has ended")

    def reset(self) -> None:
        """Make sure that it runs and is empty."""
        assert self._process is not None
        self.thaw()
        if self._process.poll() is not None:
            self.start()
        self.flush()

    def freeze(self) -> None:
        """Suspend it: the kernel still accepts connections, but there is no response."""
        assert self._process is not None
        freeze(self._process.pid)

    def thaw(self) -> None:
        """Resume it, if it has not ended."""
        assert self._process is not None
        if self._process.poll() is None:
            thaw(self._process.pid)

    def flush(self) -> None:
        """Delete everything, with flush_all."""
        assert self.send_command(b"flush_all\r\n") == b"OK\r\n"

    def count(self, command: str) -> int:
        """Return a counter of the statistics of memcached, such as `cmd_get`."""
        with self.open_stream() as stream:
            stream.write(b"stats\r\n")
            stream.flush()
            words = dict(line.split()[1:3] for line in iter(stream.readline, b"END\r\n"))
        return int(words[command.encode()])

    def send_command(self, command: bytes) -> bytes:
        """Send a command of the text protocol, and return the first line of the response."""
        with self.open_stream() as stream:
            stream.write(command)
            stream.flush()
            return stream.readline()

    def dump(self) -> dict[str, str]:
        """Return all keys and values.

        The keys come from the hash table: a dump of the LRU lists (`all`) misses items that are being moved.
        """
        with self.open_stream() as stream:
            stream.write(b"lru_crawler metadump hash\r\n")
            stream.flush()
            keys = re.findall(r"key=(\S+)", b"".join(iter(stream.readline, b"END\r\n")).decode())
            found = {}
            for key in keys:
                stream.write(f"get {key}\r\n".encode())
                stream.flush()
                if value := b"".join(iter(stream.readline, b"END\r\n")).decode():  # Empty if it has just expired.
                    found[key] = value
        return found

    @contextlib.contextmanager
    def open_stream(self) -> Iterator[Any]:
        """Yield a stream for the text protocol."""
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, timeout=LONGEST_SECONDS) as sock, sock.makefile("rwb") as stream:
            yield stream

    def _responds(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "memcached ended unexpectedly"
        with contextlib.suppress(OSError):
            return self.send_command(b"version\r\n").startswith(b"VERSION")
        return False


def _suspend(pid: int) -> None:
    """Suspend a process, and wait until it is stopped or has ended."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGSTOP)
        status = Path(f"/proc/{pid}/status")
        eventually(
            lambda: re.search(r"^State:\t[TZX]", status.read_text(), re.MULTILINE), f"process {pid} is suspended"
        )


class PostgresServer:
    """A real PostgreSQL in a temporary folder, which provides new migrated databases."""

    TEMPLATE = "migrated"

    def __init__(self) -> None:
        """Choose a port, and a user: PostgreSQL refuses to run as root."""
        self.port, self._process, self._count = free_port(), None, 0
        self.user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if AS_ROOT else {}
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        self._initdb, self._postgres = find_program("initdb", *installed), find_program("postgres", *installed)
        # Not in the temporary folder of pytest, which only its owner can access, possibly root.
        self._home = tempfile.TemporaryDirectory(prefix="cms-tests-postgres-")
        if AS_ROOT:
            shutil.chown(self._home.name, "postgres", "postgres")

    def start(self) -> "PostgresServer":
        """Create the cluster if it does not exist, start it without fsync, and wait until it responds."""
        data = Path(self._home.name) / "data"
        if not data.exists():
            command = [self._initdb, "-D", str(data), "-U", "cms", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
            subprocess.run(command, check=True, capture_output=True, cwd=self._home.name, **self.user)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 200,
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (Path(self._home.name) / "log").open("ab") as log:
            self._process = spawn(
                [self._postgres, "-D", str(data), *arguments],
                "QUIT",
                stdout=log,
                stderr=log,
                cwd=self._home.name,
                **self.user,
            )
        eventually(self._responds, "PostgreSQL responds")
        return self

    def stop(self, sign: int = signal.SIGQUIT) -> None:
        """Stop it immediately, like a crash, or fast (SIGINT); committed data is present after the next start."""
        terminate(self._process, sign)
        eventually(lambda: is_closed(self.port), "PostgreSQL has ended")

    def freeze(self) -> None:
        """Suspend all its processes: the kernel still accepts connections and acknowledges packets."""
        assert self._process is not None
        for pid in (self._process.pid, *self._backends()):  # The main process first, because it starts the others.
            _suspend(pid)
        for pid in self._backends():
            _suspend(pid)

    def thaw(self) -> None:
        """Resume all its processes."""
        assert self._process is not None
        for pid in (*self._backends(), self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _backends(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def close(self) -> None:
        """Stop it, and delete its folder."""
        self.stop()
        self._home.cleanup()

    def disconnect_clients(self) -> None:
        """Terminate the connections of all clients."""
        self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    @staticmethod
    @contextlib.contextmanager
    def locked(url: str, tables: str) -> Iterator[None]:
        """Lock tables of a database against writing, as a backup, a migration or a long transaction would."""
        with psycopg.connect(url) as holder:
            holder.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[arg-type]
            yield

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://cms@127.0.0.1:{self.port}/{name}"

    def prepare(self, migrate: Callable[[str], None]) -> None:
        """Create the template of all other databases; `migrate` is called with its URL."""
        self._run(f"CREATE DATABASE {self.TEMPLATE}")
        migrate(self.url(self.TEMPLATE))

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Any:
        """Yield the URL of a new database, and drop it afterwards."""
        url = self.create_database(template)
        try:
            yield url
        finally:
            self._run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def create_database(self, template: str = TEMPLATE) -> str:
        """Create a database that is deleted with the server, and return its URL."""
        self._count += 1
        name = f"test_{self._count}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _responds(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"PostgreSQL ended:\n{(Path(self._home.name) / 'log').read_text()}"
        with contextlib.suppress(psycopg.OperationalError):
            self._run("SELECT 1")
            return True
        return False


class Pgbouncer:
    """A real pgbouncer in transaction mode: many clients share a few connections to PostgreSQL."""

    def __init__(self, postgres: PostgresServer, pool_size: int = 2) -> None:
        """Choose a port; it runs as the user of PostgreSQL, because it refuses to run as root."""
        self.port, self._postgres, self._pool_size = free_port(), postgres, pool_size
        self._home = tempfile.TemporaryDirectory(prefix="cms-tests-pgbouncer-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Pgbouncer":
        """Start it, and wait until it connects to PostgreSQL."""
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": self._pool_size,
            "max_client_conn": 200,
        }
        file, log = Path(self._home.name) / "pgbouncer.ini", Path(self._home.name) / "log"
        lines = ["[databases]", f"* = host=127.0.0.1 port={self._postgres.port} user=cms", "[pgbouncer]"]
        file.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items()), ""]))
        if AS_ROOT:
            shutil.chown(self._home.name, "postgres", "postgres")
        with log.open("ab") as output:
            command = [find_program("pgbouncer"), str(file)]
            self._process = spawn(command, "TERM", stdout=output, stderr=output, **self._postgres.user)
        eventually(self._responds, f"pgbouncer responds; its log:\n{log.read_text()}")
        return self

    def url(self, url: str) -> str:
        """Return the URL of a database through pgbouncer; `url` is that of PostgreSQL."""
        return url.replace(f":{self._postgres.port}/", f":{self.port}/")

    def stop(self) -> None:
        """Stop it, and delete its folder."""
        terminate(self._process, signal.SIGTERM)
        self._home.cleanup()

    def _responds(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(self._postgres.url("postgres"))):
            return True
        return False


class TcpProxy:
    """A proxy on its own port, which can drop all packets so that neither side gets an error."""

    def __init__(self, port: int) -> None:
        """Forward connections to this port of the loopback interface."""
        self._target, self._sockets = port, list[socket.socket]()
        self._is_dropping, self._closed = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def drop_packets(self) -> None:
        """Drop every packet: there are no more responses, and new connections are not established."""
        self._is_dropping.set()
        for _ in range(3):  # These fill the backlog of the kernel, which then drops further SYN packets.
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._sockets.append(filler)

    def close(self) -> None:
        """Close all connections, and stop the proxy."""
        self._closed.set()
        self._thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _forward(self) -> None:
        """Forward data in both directions."""
        pairs: dict[socket.socket, socket.socket] = {}
        while not self._closed.is_set():
            if self._is_dropping.is_set():
                self._closed.wait()
                return
            for sock in select.select([self._listener, *pairs], [], [], 0.05)[0]:
                if self._is_dropping.is_set():
                    break
                if sock is self._listener:
                    near, _ = sock.accept()
                    far = socket.create_connection(("127.0.0.1", self._target))
                    pairs[near], pairs[far] = far, near
                    self._sockets += [near, far]
                    continue
                other = pairs.get(sock)
                if other is None:
                    continue
                with contextlib.suppress(OSError):
                    if received := sock.recv(65536):
                        other.sendall(received)
                        continue
                del pairs[sock], pairs[other]
                sock.close()
                other.close()


class HttpServer:
    """An HTTP server that other programs use, whose `behaviour` can be changed at any time.

    "": normal. "hang": never responds. "drip-headers", "drip": sends one byte after the other, without an end.
    "endless-interim": sends interim responses (100) without an end. "huge": sends a body without an end. "truncated":
    disconnects before the end of the body. "redirect": redirects to itself. "garbage": sends no HTTP. "disconnect":
    sends nothing. A number is sent as the status. `requests` contains the path and the headers of each request.
    """

    def __init__(self, tls_context: ssl.SSLContext | None = None, port: int = 0) -> None:
        """Listen on a port, by default one that is free."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.behaviour = ""
        self.headers: dict[str, str] = {}  # Of responses with the status that `behaviour` is.
        self._stopped = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Responds as the server does."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Respond to a request."""
                server.requests.append((self.path, dict(self.headers)))
                with contextlib.suppress(OSError):
                    server._respond(self)

            do_POST = do_GET  # noqa: N815 (http.server looks for this name.)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        class Server(http.server.ThreadingHTTPServer):
            """Does not report that clients disconnect."""

            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """Ignore errors of connections."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        if tls_context:
            self._server.socket = tls_context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.base = f"http{'s' if tls_context else ''}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def start(self) -> Self:
        """Start listening."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, and end every response."""
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _respond(self, request: http.server.BaseHTTPRequestHandler, kind: str | None = None) -> None:
        """Send what the behaviour says; responses without an end last until the client disconnects."""
        write, kind = request.wfile.write, self.behaviour if kind is None else kind
        if kind == "hang":
            self._stopped.wait()
        elif kind in ("garbage", "disconnect"):
            write(b"\x00\x01\x02 no HTTP\r\n\r\n" if kind == "garbage" else b"")
            request.close_connection = True
        elif kind.isdigit() or kind == "redirect":
            request.send_response(302 if kind == "redirect" else int(kind))
            for name, value in {"Location": self.base + request.path, "Content-Length": "0", **self.headers}.items():
                request.send_header(name, value)
            request.end_headers()
        elif kind in ("drip-headers", "endless-interim"):
            part = b"X-Moment: one\r\n" if kind == "drip-headers" else b"HTTP/1.1 100 Continue\r\n\r\n"
            write(b"HTTP/1.1 200 OK\r\n" if kind == "drip-headers" else b"")
            self._repeat(write, part, pause=0.1)
        else:
            self._respond_with_body(request, kind, self._body(request))

    def _respond_with_body(self, request: http.server.BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        write = request.wfile.write
        request.send_response(200)
        if kind != "huge":
            request.send_header("Content-Length", str(len(body) + (kind in ("truncated", "drip")) * 9999))
        request.end_headers()
        write(body)
        if kind == "drip":
            self._repeat(write, b"\r\n", pause=0.1)
        elif kind == "huge":
            self._repeat(write, (b"0" * 35 + b":1\r\n") * 1000, pause=0)
        request.close_connection = kind in ("truncated", "huge")

    def _body(self, _: http.server.BaseHTTPRequestHandler) -> bytes:
        """Return the body of a response."""
        return b""

    def _repeat(self, write: Callable[[bytes], object], part: bytes, pause: float) -> None:
        while not self._stopped.wait(pause):
            write(part)


class RangeServer(HttpServer):
    """A service for breached passwords (k-anonymity); its list has padding. Behaviour "page": no list, but a page."""

    def __init__(self, tls_context: ssl.SSLContext | None = None) -> None:
        """Choose a port."""
        super().__init__(tls_context)
        self.passwords: dict[str, int] = {}  # The passwords on the list, with their counts; 0 is padding.
        self.url = f"{self.base}/range"

    def _body(self, request: http.server.BaseHTTPRequestHandler) -> bytes:
        if self.behaviour == "page":
            return b"<html>Sign in to the network</html>"
        return self._list(request.path[-5:])

    def _list(self, prefix: str) -> bytes:
        """Return the hashes of the list with this prefix, and padding."""
        lines = [f"{number:035X}:0" for number in range(50)]
        for password, count in self.passwords.items():
            digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
            lines += [f"{digest[5:]}:{count}"] if digest.startswith(prefix) else []
        return "\r\n".join(lines).encode()


class ReceivedEvent(NamedTuple):
    """An event that a receiver of webhooks got, with the headers in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """Return the payload."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def type(self) -> str:
        """Return the type."""
        return str(self.payload["type"])

    @property
    def place(self) -> tuple[int, int]:
        """Return the account and the number."""
        data = self.payload["data"]
        return data["account_id"], data["number"]


class WebhookReceiver(HttpServer):
    """A receiver of webhooks. `before_response` is called for each event before it is answered."""

    SECRET = "whsec_" + base64.b64encode(b"the secret of one receiver").decode()

    def __init__(self, tls_context: ssl.SSLContext | None = None, port: int = 0, path: str = "/hook") -> None:
        """Listen on a port, by default one that is free."""
        super().__init__(tls_context, port)
        self.url = self.base + path
        self.received: list[ReceivedEvent] = []  # Whatever the response is.
        self.before_response: Callable[[ReceivedEvent], object] = lambda _: None
        self.statuses: dict[str, str] = {}  # By type of event, instead of the behaviour.

    @property
    def setting(self) -> str:
        """Return the entry in WEBHOOKS."""
        return f"{self.url} {self.SECRET}"

    @property
    def types(self) -> list[str]:
        """Return the types of the events."""
        return [each.type for each in self.received]

    def _respond(self, request: http.server.BaseHTTPRequestHandler, kind: str | None = None) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        event = ReceivedEvent({name.lower(): value for name, value in request.headers.items()}, body)
        self.received.append(event)
        self.before_response(event)
        super()._respond(request, self.statuses.get(event.type, kind))


def parse_mail(raw: bytes) -> EmailMessage:
    """Return a mail as an EmailMessage with `policy.default`.

    It is set after parsing, because the parser reads the type of each part again and again, which that policy parses
    each time.
    """
    message = BytesParser(EmailMessage, policy=policy.compat32).parsebytes(raw)
    for part in message.walk():
        part.policy = policy.default
    return message


@dataclass
class ReceivedMail:
    """A mail that the server accepted: the envelope and the message."""

    sender: str
    recipients: list[str]
    raw: bytes
    message: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        """Parse the message."""
        self.message = parse_mail(self.raw)


class SmtpServer:
    """A real SMTP server whose `behaviour` can be changed at any time.

    "": normal. "hang": never responds to EHLO and MAIL. "drip": sends an endless multi-line response to EHLO.
    "drop-after-data": accepts the mail and disconnects before the final 250. "drop-at-quit": accepts the mail and
    disconnects at QUIT. "drip-at-quit": sends an endless response to QUIT. `refusals` maps recipients to the response
    to their RCPT; "drip" stands for an endless response and "drop" for a disconnection. After `mails_per_connection`
    mails the server disconnects; it first sends `closing_reply`, if that is set. It takes `receipt_seconds` to accept a
    mail.
    """

    def __init__(self, **tls: Any) -> None:
        """Choose a port; `tls` is passed to the Controller of aiosmtpd."""
        self.port, self._tls = free_port(), tls
        self.received: list[ReceivedMail] = []
        self.refusals: dict[str, str] = {}
        self.behaviour = self.closing_reply = ""
        self.before_receipt: Callable[[], None] | None = None  # Called after DATA, before the final 250.
        self.hellos = self.mails_per_connection = 0
        self.receipt_seconds = 0.0
        self._controller: Controller | None = None
        self._thawed = threading.Event()

    def start(self) -> "SmtpServer":
        """Start listening, always on the same port."""
        refuse_if_fast("the SMTP server")
        options = {"ready_timeout": LONGEST_SECONDS, **self._tls}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stop listening."""
        self.thaw()
        if self._controller is not None:
            self.behaviour = ""
            self._controller.stop()
            self._controller = None
            # aiosmtpd leaves open dialogues to the garbage collector, which would print warnings in a later test.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()

    def freeze(self) -> None:
        """Block its thread: the kernel still accepts connections, but there is no response."""
        assert self._controller is not None
        self._thawed.clear()
        self._controller.loop.call_soon_threadsafe(self._thawed.wait)

    def thaw(self) -> None:
        """Resume its thread."""
        self._thawed.set()

    def reset(self) -> None:
        """Delete all mails, restore the normal behaviour, and listen."""
        self.thaw()
        self.receipt_seconds = 0.0
        self.behaviour = self.closing_reply = ""
        self.hellos = self.mails_per_connection = 0
        self.before_receipt = None
        self.received.clear()
        self.refusals.clear()
        if self._controller is None:
            self.start()

    def mails_to(self, recipient: str) -> list[EmailMessage]:
        """Return the messages to this recipient in the order of their arrival."""
        return [each.message for each in list(self.received) if recipient in each.recipients]

    async def handle_EHLO(self, server: SMTP, session: Any, _: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802 (aiosmtpd's)
        """Respond to EHLO."""
        session.host_name = hostname
        self.hellos += 1
        await self._hang()
        while self.behaviour == "drip":
            await server.push("250-one moment please")
            await asyncio.sleep(0.2)
        return responses

    async def _hang(self) -> None:
        while self.behaviour == "hang":  # noqa: ASYNC110 (Another thread changes it.)
            await asyncio.sleep(0.02)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 (aiosmtpd's)
        """Begin a mail, or disconnect if the connection has reached its limit of mails."""
        await self._hang()
        if self.mails_per_connection and getattr(session, "mails", 0) >= self.mails_per_connection:
            if self.closing_reply:
                await server.push(self.closing_reply)
                server.transport.close()
            else:
                server.transport.abort()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, _: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 (aiosmtpd's)
        """Accept or refuse a recipient."""
        while self.refusals.get(address) == "drip" and not server.transport.is_closing():
            await server.push("250-one moment please")
            await asyncio.sleep(0.2)
        if self.refusals.get(address) == "drop":
            server.transport.abort()
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's)
        """Accept the mail."""
        session.mails = getattr(session, "mails", 0) + 1
        self.received.append(ReceivedMail(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        if self.behaviour == "drop-after-data":
            server.transport.abort()
        if self.before_receipt:
            self.before_receipt()
        if self.receipt_seconds:
            await asyncio.sleep(self.receipt_seconds)
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, _: Any, __: Any) -> str:  # noqa: N802 (aiosmtpd's)
        """Respond to QUIT."""
        while self.behaviour == "drip-at-quit" and not server.transport.is_closing():
            await server.push("221-one moment please")
            await asyncio.sleep(0.2)
        if self.behaviour == "drop-at-quit":
            server.transport.abort()
        return "221 bye"


def create_certificate(folder: Path, host: str = "localhost") -> tuple[Path, ssl.SSLContext]:
    """Create a self-signed certificate for a host; return its file and the TLS context of a server."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(
                find_program("openssl"),
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ),
            *("-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def expire_certificate(folder: Path, host: str = "localhost") -> tuple[Path, ssl.SSLContext]:
    """Sign the certificate that `create_certificate` has created in this folder again, with dates in the past."""
    certificate, key, settings = folder / "certificate.pem", folder / "key.pem", folder / "openssl.cnf"
    (folder / "index.txt").touch()
    settings.write_text(
        f"[ca]\ndefault_ca = own\n[own]\ndatabase = {folder}/index.txt\nnew_certs_dir = {folder}\ndefault_md = sha256\n"
        "policy = any\nrand_serial = yes\nx509_extensions = names\n[any]\ncommonName = supplied\n"
        f"[names]\nsubjectAltName = DNS:{host}\n"
    )
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    openssl, request = find_program("openssl"), folder / "request.pem"
    files = ("-keyfile", str(key), "-in", str(request), "-out", str(certificate))
    for command in (
        [openssl, "req", "-new", "-key", str(key), "-subj", f"/CN={host}", "-out", str(request)],
        [openssl, "ca", "-batch", "-notext", "-selfsign", "-config", str(settings), *dates, *files],
    ):
        subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


class Gunicorn:
    """The application served by gunicorn with real workers."""

    def __init__(self, settings: Mapping[str, str], log: Path, workers: int = 2, *options: str) -> None:
        """Choose a port; `settings` are added to the environment."""
        self.port, self.log = free_port(), log
        self._settings = dict(settings)
        self._options = ["--workers", str(workers), *options]
        self.application, self.root = "app:create_app()", ROOT  # Another folder has another version.
        self._process: Program | None = None

    def start(self) -> "Gunicorn":
        """Start it, and wait until /healthz responds."""
        words = ["gunicorn", "--bind", f"127.0.0.1:{self.port}", *self._options, self.application]
        options: dict[str, Any] = {"root": self.root, "last_signal": signal.SIGTERM}
        with self.log.open("ab") as log:
            self._process = start_module(words, self._settings, stdout=log, stderr=log, **options)
        eventually(self._is_healthy, f"gunicorn responds; its log:\n{self.log.read_text()}")
        return self

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        assert self._process is not None
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_worker(self, pid: int = 0) -> int:
        """Kill a worker, wait until another one has replaced it, and return the process id of the former."""
        count, pid = len(self.workers()), pid or self.workers()[0]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: pid not in self.workers() and len(self.workers()) == count, "a worker is replaced")
        return pid

    def processes(self) -> list[int]:
        """Return the process ids of gunicorn and its workers."""
        assert self._process is not None
        return [self._process.pid, *self.workers()]

    def kill(self) -> None:
        """Kill gunicorn and all its workers, like a machine that is switched off."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        eventually(lambda: is_closed(self.port), "gunicorn has ended")

    def reload(self) -> None:
        """Start new workers and stop the old ones gracefully (SIGHUP)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def restart(self, **settings: str) -> None:
        """Stop it gracefully, and start it with other settings."""
        self.stop()
        self._settings.update(settings)
        self.start()

    def stop(self) -> None:
        """Stop it gracefully."""
        terminate(self._process, signal.SIGTERM)

    def _is_healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"gunicorn ended:\n{self.log.read_text()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        try:
            connection.request("GET", f"{self._settings.get('SCRIPT_NAME', '')}/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Nginx:
    """A real nginx with deploy/nginx.conf in front of two nodes, or of more.

    Replaced are only: ports, user and folders, and nodes are added. `has_limits=False` removes the limits of one
    client, because all clients of a test have one address; `rate` replaces the rates of these limits, so that no test
    depends on time. `extra` is added to the block `http`. `prefix` is the path below which the site is served.
    """

    HOST = "cms.example.com"
    FILE = ROOT / "deploy" / "nginx.conf"

    def __init__(
        self,
        folder: Path,
        ports: Sequence[int],
        *,
        has_limits: bool = True,
        rate: str = "",
        extra: str = "",
        prefix: str = "",
    ) -> None:
        """Choose ports, create a certificate, and write the configuration to a folder."""
        self.http, self.https, self.folder = free_port(), free_port(), folder
        self.path = folder / "nginx.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self.certificate, _ = create_certificate(folder, self.HOST)
        text = re.sub(r"^ *listen \[::\].*\n", "", self.FILE.read_text(), flags=re.MULTILINE)
        if not has_limits:
            text = re.sub(r"^ *limit_(req|conn) .*\n", "", text, flags=re.MULTILINE)
        if rate:
            text = re.sub(r"rate=[^;]+;", f"rate={rate};", text)
        for line, below in self._lines_with_prefix(prefix) if prefix else ():
            assert text.count(line) == 1, line
            text = text.replace(line, below)
        unused = "".join(f"{name}_temp_path {folder}/{name}; " for name in ("fastcgi", "uwsgi", "scgi"))
        for named, value in {
            "user www-data;": "user root;" if AS_ROOT else "",
            "pid /run/nginx.pid;": f"pid {folder}/pid; daemon off;",
            "http {\n": f"http {{ {unused} {extra}\n",
            "listen 80": f"listen 127.0.0.1:{self.http}",
            "listen 443": f"listen 127.0.0.1:{self.https}",
            "127.0.0.1:8001": f"127.0.0.1:{ports[0]}",
            "server 127.0.0.1:8002 max_fails=0;": " ".join(f"server 127.0.0.1:{it} max_fails=0;" for it in ports[1:]),
            "/etc/ssl/cms/": f"{folder}/",
            "/var/log/nginx/": f"{folder}/",
            "/var/lib/nginx/": f"{folder}/",
            "/var/www/html": str(folder),
        }.items():
            assert named in text, named
            text = text.replace(named, value)
        self.path.write_text(text)

    @staticmethod
    def _lines_with_prefix(prefix: str) -> Iterable[tuple[str, str]]:
        """Return the lines that docs/deployment.md replaces, with their replacements."""
        return (
            ("location ~* ^/(metrics|dev)(/|$) {", f"location ~* ^{prefix}/(metrics|dev)(/|$) {{"),
            (
                "location / {\n            proxy_pass http://cms;",
                f"location {prefix}/ {{\n            proxy_pass http://cms/;",
            ),
            ('proxy_set_header X-Forwarded-Prefix "";', f"proxy_set_header X-Forwarded-Prefix {prefix};"),
        )

    @property
    def log(self) -> str:
        """Return its error log and what it printed."""
        names = ("error.log", "output")
        return "".join((self.folder / name).read_text() for name in names if (self.folder / name).exists())

    @property
    def access_log(self) -> str:
        """Return its access log."""
        return (self.folder / "cms.log").read_text()

    def command(self, *words: str) -> list[str]:
        """Return how nginx is called."""
        early_log = str(self.folder / "output")
        return [find_program("nginx"), "-p", str(self.folder), "-e", early_log, "-c", str(self.path), *words]

    def connect(self, version: ssl.TLSVersion | None = None, **options: Any) -> http.client.HTTPSConnection:
        """Return a connection to the site, which checks the certificate and is opened by the first request."""
        context = ssl.create_default_context(cafile=self.certificate)
        if version:
            context.maximum_version = version
        connection = http.client.HTTPSConnection(
            self.HOST, self.https, context=context, timeout=LONGEST_SECONDS, **options
        )
        connection._create_connection = lambda _, *rest: socket.create_connection(("127.0.0.1", self.https), *rest)  # type: ignore[attr-defined]
        return connection

    def start(self) -> "Nginx":
        """Start it, and wait until it listens."""
        with (self.folder / "output").open("ab") as output:
            self._process = spawn(self.command(), "TERM", stdout=output, stderr=output)
        eventually(lambda: is_listening(self.https), f"nginx listens: {self.log}")
        return self

    def reload(self) -> None:
        """Read the configuration again, with new workers; the old ones finish their requests (SIGHUP)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop it."""
        terminate(self._process, signal.SIGTERM)


def command_line(
    settings: Mapping[str, str],
    *words: str,
    input_lines: Iterable[str] = (),
    root: Path = ROOT,
    application: str = "app",
) -> subprocess.CompletedProcess[str]:
    """Run `flask --app app ...` like an operator in the folder of the application, and return its output."""
    command = ["flask", "--app", application, *words]
    return run_module(command, settings, input_text="\n".join(input_lines), root=root)


def start_command(settings: Mapping[str, str], *words: str, root: Path = ROOT, **options: Any) -> Program:
    """Start `flask --app app ...` in the background; the caller terminates it.

    Unless `last_signal` is another one, SIGKILL ends it with the tests, even if it is suspended.
    """
    return start_module(["flask", "--app", "app", *words], settings, root=root, **options)


def run_module(
    words: Sequence[str], settings: Mapping[str, str], *, input_text: str = "", root: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run `python -m`, and return its output; kill it and fail if it does not end within the deadline."""
    return _complete(words, input_text, lambda **files: start_module(words, settings, root=root, **files))


def start_module(words: Sequence[str], settings: Mapping[str, str], *, root: Path = ROOT, **options: Any) -> Program:
    """Start `python -m` in the folder of the application, with these settings as its environment."""
    refuse_if_fast(words[0])
    # Other variables of the developer's shell must not affect the application.
    inherited = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
    environment = {**{name: os.environ[name] for name in inherited if name in os.environ}, **settings}
    return Program(words, cwd=root, env=environment, **options)
