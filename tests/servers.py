"""The parts that the tests stand on, all of them real: memcached, PostgreSQL, an SMTP server, gunicorn.

Each is started on a free port of the loopback interface and dies with the test run, however that ends: its fixture
stops it, and where Python had no time for that, the kernel does (`setpriv --pdeathsig`).

All waiting is here, too. No test measures time: it waits until something shows, and `Patience` says when to give up.
"""

import asyncio
import contextlib
import fcntl
import gc
import http.client
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
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TextIO, TypeVar

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 30.0  # A deadline for what must happen at some time, on a machine that has nothing else to do.
LONGEST_SECONDS = 600.0  # However busy the machine is, nobody waits longer.
FAST = "TESTS_WITHOUT_SERVERS"  # `make test-fast` sets it in the environment.
AS_ROOT = os.geteuid() == 0
SEED = int(os.environ.get("TEST_SEED") or secrets.randbelow(10**9))  # Of every random choice of the tests.
Found = TypeVar("Found")


def dice(name: str) -> random.Random:
    """Return random choices that are the same in every run with the same seed, whatever other tests do."""
    return random.Random(f"{SEED} {name}")


def machine_load() -> float:
    """Return how many threads want to run for each processor, just now or on the average of the last minute."""
    minute, _, _, running, _ = Path("/proc/loadavg").read_text().split()
    return max(1.0, float(minute), float(running.partition("/")[0])) / (os.cpu_count() or 1)


class Patience:
    """A deadline that grows with the load: a second counts in full only while nobody waits for a processor."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Begin to wait."""
        self.seconds = self._left = seconds
        self._began = self._seen = time.monotonic()

    def is_over(self) -> bool:
        """Say whether it is time to give up."""
        now = time.monotonic()
        self._left -= (now - self._seen) / max(1.0, machine_load())
        self._seen = now
        return self._left <= 0 or now - self._began > LONGEST_SECONDS

    def __str__(self) -> str:
        """Say how long was waited, and on what kind of machine."""
        waited = time.monotonic() - self._began
        return f"{waited:.0f} s (of {self.seconds:.0f} s on an idle machine, load {machine_load():.1f} a processor)"


def seconds_now(seconds: float = PATIENCE_SECONDS) -> float:
    """Return a time-out for who can only be told a number: generous already, and more on a busy machine."""
    return min(4 * seconds * max(1.0, machine_load()), LONGEST_SECONDS)


def eventually(look: Callable[[], Found], what: str, seconds: float = PATIENCE_SECONDS) -> Found:
    """Look again and again until there is something to see, and return it; fail when patience ends."""
    patience = Patience(seconds)
    while not (found := look()):
        if patience.is_over():
            raise AssertionError(f"waited {patience} in vain: {what}")
        time.sleep(0.01)
    return found


def at_once(work: Callable[[int], Found], workers: int) -> list[Found]:
    """Run the work in so many threads that all start at the same moment; return what each brought, or raise."""
    barrier, results, problems = threading.Barrier(workers), [], []

    def run(number: int) -> None:
        barrier.wait()
        try:
            results.append(work(number))
        except BaseException as problem:  # It belongs to the test, not to the thread.
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    eventually(lambda: not any(thread.is_alive() for thread in threads), "all threads end", PATIENCE_SECONDS * 3)
    if problems:
        raise problems[0]
    return results


_reserved: list[TextIO] = []


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on, and that nobody will get while the tests run.

    It lies below those that the kernel gives to clients: one of these could take it while its server is stopped, or
    even be connected to itself there. A lock keeps it from other runs of the tests on this machine.
    """
    lowest_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    folder = Path(tempfile.gettempdir()) / f"cms-tests-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    ports = list(range(lowest_of_clients - 10_000, lowest_of_clients))
    random.SystemRandom().shuffle(ports)  # Not from the seed: two runs with one seed must not meet.
    for port in ports:
        with contextlib.suppress(OSError), socket.socket() as sock:
            lock = (folder / str(port)).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                sock.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            _reserved.append(lock)
            return port
    raise RuntimeError("the tests find no free port")


def accepts(port: int) -> bool:
    """Say whether somebody listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=seconds_now(1)):
        return True
    return False


def refuses(port: int) -> bool:
    """Say whether nobody listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LONGEST_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:  # It goes away just now.
        return False
    return False


def states_of(pid: int) -> set[str]:
    """Return the states of all threads of a process, as the kernel calls them: S sleeps, T is stopped."""
    found = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.add(stat.read_text().rpartition(")")[2].split()[0])
    return found


def handles(pid: int, sign: int) -> bool:
    """Say whether a process has a handler for a signal by now; before that the signal just ends it."""
    mask = re.search(r"^SigCgt:\t(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert mask
    return bool(int(mask[1], 16) >> (sign - 1) & 1)


def freeze(*pids: int) -> None:
    """Stop processes, and wait until every thread stands still: until then one of them may still answer."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        eventually(lambda pid=pid: states_of(pid) == {"T"}, f"process {pid} stands still")


def thaw(*pids: int) -> None:
    """Let processes go on, and wait until every thread does."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for pid in pids:
        eventually(lambda pid=pid: "T" not in states_of(pid), f"process {pid} goes on")


@contextlib.contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stop processes for a while, so that others must answer."""
    try:
        freeze(*pids)
        yield
    finally:
        thaw(*pids)


def answer_is_there(sock: socket.socket, seconds: float) -> None:
    """Wait until there is something to read; raises TimeoutError when patience ends."""
    poll, patience = select.poll(), Patience(seconds)
    poll.register(sock, select.POLLIN)
    while not poll.poll(50):
        if patience.is_over():
            raise TimeoutError(f"no answer within {patience}")


def run_program(command: list[str], *, said: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said; one that does not end is killed, and fails the test."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, text=True, **pipes, **options)
    patience, rest = Patience(PATIENCE_SECONDS * 3), said
    while True:
        try:
            output, errors = process.communicate(rest, timeout=0.5)
        except subprocess.TimeoutExpired:
            rest = ""  # It has been given already.
            if patience.is_over():
                process.kill()
                raise AssertionError(
                    f"waited {patience} in vain for the end of {command}: {process.communicate()}"
                ) from None
        else:
            return subprocess.CompletedProcess(command, process.returncode, output, errors)


def refuse_if_fast(what: str) -> None:
    """Fail a test that starts a server where none is wanted: it must carry the marker `servers`."""
    if FAST in os.environ:
        raise AssertionError(f"{what} was to be started, and make test-fast runs without it: mark the test `servers`")


def spawn(command: list[str], last_signal: str = "KILL", **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that ends with us, and that ctrl-C on the terminal reaches only through us."""
    refuse_if_fast(command[0])
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", last_signal, *command]
    return subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)


def end(process: subprocess.Popen[bytes] | None, sign: int) -> None:
    """Ask a program to end, and end it if it does not; also where it is frozen."""
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


def needed(name: str, *folders: Path) -> str:
    """Return a program's path; a missing one is a fault of the machine, told in one line, and never a skipped test."""
    refuse_if_fast(name)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *map(str, folders)])
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"the tests need the program {name}: install it (README, Tests)")
    return found


class MemcachedServer:
    """A real memcached, which can be stopped, started again on its port, frozen and emptied."""

    def __init__(self, *options: str) -> None:
        """Choose a port; `options` go to memcached."""
        self.port, self._options = free_port(), options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return host:port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> "MemcachedServer":
        """Start it and wait until it answers."""
        # Another user from the start: a change of user by memcached itself (-u) would undo what ends it with us.
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if AS_ROOT else {}
        command = [needed("memcached"), "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", *self._options]
        self._process = spawn(command, **user)
        eventually(self._answers, "memcached answers")
        return self

    def stop(self) -> None:
        """Kill it, and wait until its port refuses; what it kept is gone."""
        end(self._process, signal.SIGKILL)
        eventually(lambda: refuses(self.port), "memcached is gone")

    def refresh(self) -> None:
        """Have it run and know nothing, whatever was done to it."""
        assert self._process is not None
        self.thaw()
        if self._process.poll() is not None:
            self.start()
        self.flush()

    def freeze(self) -> None:
        """Let it hang: connections are accepted by the kernel, and nobody answers."""
        assert self._process is not None
        freeze(self._process.pid)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        if self._process.poll() is None:
            thaw(self._process.pid)

    def flush(self) -> None:
        """Forget everything, as an operator's flush_all would."""
        assert self.say(b"flush_all\r\n") == b"OK\r\n"

    def count(self, command: str) -> int:
        """Return how often a command was heard since the start, by memcached's own count."""
        with self.talk() as stream:
            stream.write(b"stats\r\n")
            stream.flush()
            words = dict(line.split()[1:3] for line in iter(stream.readline, b"END\r\n"))
        return int(words[command.encode()])

    def say(self, command: bytes) -> bytes:
        """Say something in memcached's own language, and return the first line of its answer."""
        with self.talk() as stream:
            stream.write(command)
            stream.flush()
            return stream.readline()

    def content(self) -> dict[str, str]:
        """Return every key and value, by memcached's own dump.

        Of its hash table: a dump of its lists (`all`) misses what its maintainer moves from one to another meanwhile.
        """
        with self.talk() as stream:
            stream.write(b"lru_crawler metadump hash\r\n")
            stream.flush()
            keys = re.findall(r"key=(\S+)", b"".join(iter(stream.readline, b"END\r\n")).decode())
            found = {}
            for key in keys:
                stream.write(f"get {key}\r\n".encode())
                stream.flush()
                if answer := b"".join(iter(stream.readline, b"END\r\n")).decode():  # Else it has just expired.
                    found[key] = answer
        return found

    @contextlib.contextmanager
    def talk(self) -> Iterator[Any]:
        """Yield a stream to speak memcached's own language on."""
        address = ("127.0.0.1", self.port)
        with socket.create_connection(address, timeout=LONGEST_SECONDS) as sock, sock.makefile("rwb") as stream:
            yield stream

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "memcached ended by itself"
        with contextlib.suppress(OSError):
            return self.say(b"version\r\n").startswith(b"VERSION")
        return False


def _stand_still(pid: int) -> None:
    """Stop a process and wait until it has stopped, or was gone before."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGSTOP)
        status = Path(f"/proc/{pid}/status")
        eventually(
            lambda: re.search(r"^State:\t[TZX]", status.read_text(), re.MULTILINE), f"process {pid} stands still"
        )


class PostgresServer:
    """A real PostgreSQL in a folder of its own; hands out fresh databases with all migrations in them."""

    TEMPLATE = "migrated"

    def __init__(self) -> None:
        """Choose a port; PostgreSQL refuses to run as root, so that root must lend it another user."""
        self.port, self._process, self._count = free_port(), None, 0
        self.user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if AS_ROOT else {}
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        self._initdb, self._postgres = needed("initdb", *installed), needed("postgres", *installed)
        # Not in pytest's own folder: only its owner may enter that, and here the owner may be root.
        self._home = tempfile.TemporaryDirectory(prefix="cms-tests-postgres-")
        if AS_ROOT:
            shutil.chown(self._home.name, "postgres", "postgres")

    def start(self) -> "PostgresServer":
        """Make the cluster, the first time, and start it; no disk is waited for."""
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
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (Path(self._home.name) / "log").open("ab") as log:
            self._process = spawn(
                [self._postgres, "-D", str(data), *given],
                "QUIT",
                stdout=log,
                stderr=log,
                cwd=self._home.name,
                **self.user,
            )
        eventually(self._answers, "PostgreSQL answers")
        return self

    def stop(self) -> None:
        """Stop it at once, as a crash would; what was committed is there after the next start."""
        end(self._process, signal.SIGQUIT)
        eventually(lambda: refuses(self.port), "PostgreSQL is gone")

    def freeze(self) -> None:
        """Let it hang, with all its processes: the kernel goes on to accept connections and to acknowledge."""
        assert self._process is not None
        for pid in (self._process.pid, *self._backends()):  # The first one first: it makes the others.
            _stand_still(pid)
        for pid in self._backends():
            _stand_still(pid)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        for pid in (*self._backends(), self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _backends(self) -> list[int]:
        assert self._process is not None
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def close(self) -> None:
        """Stop it and take its folder away."""
        self.stop()
        self._home.cleanup()

    def url(self, name: str) -> str:
        """Return the address of one database."""
        return f"postgresql://cms@127.0.0.1:{self.port}/{name}"

    def prepare(self, migrate: Callable[[str], None]) -> None:
        """Make the database that all others are copies of; `migrate` is called with its address."""
        self._run(f"CREATE DATABASE {self.TEMPLATE}")
        migrate(self.url(self.TEMPLATE))

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Any:
        """Yield the address of a fresh database, and take it away again."""
        url = self.create_database(template)
        try:
            yield url
        finally:
            self._run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def create_database(self, template: str = TEMPLATE) -> str:
        """Make a fresh database, which goes with the server, and return its address."""
        self._count += 1
        name = f"test_{self._count}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"PostgreSQL ended:\n{(Path(self._home.name) / 'log').read_text()}"
        with contextlib.suppress(psycopg.OperationalError):
            self._run("SELECT 1")
            return True
        return False


class Pgbouncer:
    """A real pgbouncer in transaction mode: many clients share a few connections to PostgreSQL."""

    def __init__(self, postgres: PostgresServer, pool_size: int = 2) -> None:
        """Choose a port; like PostgreSQL it refuses to run as root."""
        self.port, self._postgres, self._pool_size = free_port(), postgres, pool_size
        self._home = tempfile.TemporaryDirectory(prefix="cms-tests-pgbouncer-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Pgbouncer":
        """Start it and wait until it leads to PostgreSQL."""
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
        with log.open("ab") as said:
            command = [needed("pgbouncer"), str(file)]
            self._process = spawn(command, "TERM", stdout=said, stderr=said, **self._postgres.user)
        eventually(self._answers, f"pgbouncer answers; it said:\n{log.read_text()}")
        return self

    def url(self, url: str) -> str:
        """Return the way to a database through here."""
        return url.replace(f":{self._postgres.port}/", f":{self.port}/")

    def stop(self) -> None:
        """Stop it and take its folder away."""
        end(self._process, signal.SIGTERM)
        self._home.cleanup()

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(self._postgres.url("postgres"))):
            return True
        return False


class Wire:
    """A line to a server, through a port of its own, which can be cut so that neither side is told."""

    def __init__(self, port: int) -> None:
        """Lead to this port of the loopback interface."""
        self._target, self._sockets = port, list[socket.socket]()
        self._is_dead, self._closed = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def go_dead(self) -> None:
        """Drop every packet: what is sent is never answered, and new connections do not come about."""
        self._is_dead.set()
        for _ in range(3):  # The kernel would accept so many by itself; from then on it drops who wants to connect.
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._sockets.append(filler)

    def close(self) -> None:
        """Take the line away."""
        self._closed.set()
        self._thread.join()
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _carry(self) -> None:
        """Carry what comes on one side to the other."""
        pairs: dict[socket.socket, socket.socket] = {}
        while not self._closed.is_set():
            if self._is_dead.is_set():
                self._closed.wait()
                return
            for sock in select.select([self._listener, *pairs], [], [], 0.05)[0]:
                if self._is_dead.is_set():
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
                    if carried := sock.recv(65536):
                        other.sendall(carried)
                        continue
                del pairs[sock], pairs[other]
                sock.close()
                other.close()


@dataclass
class Posted:
    """One mail as the server took it: the envelope, and what was in it."""

    sender: str
    recipients: list[str]
    raw: bytes
    message: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        """Read the message as a mail program would."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.message = message


class SmtpServer:
    """A real SMTP server whose manners can be changed: `manner` is how it treats everybody from now on.

    "": polite. "hang": says hello and nothing more. "drip": never ends a line-by-line answer. "drop-after-data": takes
    the mail and goes away before it says so. "drop-at-quit": says that it took the mail, and goes away at QUIT.
    "drip-at-quit": never ends its answer to QUIT. `refusals` maps a recipient to the answer that their address gets;
    in the place of an answer "drip" never ends one and "drop" goes away. After `mails_per_connection` mails the server
    goes away, and before that says `farewell`, if there is one.
    """

    def __init__(self, **tls: Any) -> None:
        """Choose a port; `tls` goes to aiosmtpd's Controller."""
        self.port, self._tls = free_port(), tls
        self.posted: list[Posted] = []
        self.refusals: dict[str, str] = {}
        self.manner = self.farewell = ""
        self.before_receipt: Callable[[], None] | None = None  # Called with a mail in hand, before that is said.
        self.hellos = self.mails_per_connection = 0
        self._controller: Controller | None = None

    def start(self) -> "SmtpServer":
        """Listen; the second time on the same port."""
        refuse_if_fast("the SMTP server")
        patient = {"ready_timeout": LONGEST_SECONDS, **self._tls}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **patient)
        self._controller.start()
        return self

    def stop(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self.manner = ""
            self._controller.stop()
            self._controller = None
            # aiosmtpd leaves the dialogues under way to the garbage collector, which would complain in a later test.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()

    def behave(self) -> None:
        """Forget every mail, be polite to everybody and listen."""
        self.manner = self.farewell = ""
        self.hellos = self.mails_per_connection = 0
        self.before_receipt = None
        self.posted.clear()
        self.refusals.clear()
        if self._controller is None:
            self.start()

    def to(self, recipient: str) -> list[EmailMessage]:
        """Return the messages that this recipient got, in the order in which they came."""
        return [each.message for each in list(self.posted) if recipient in each.recipients]

    async def handle_EHLO(self, server: SMTP, session: Any, _: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802 (aiosmtpd's)
        """Greet, or behave badly at once."""
        session.host_name = hostname
        self.hellos += 1
        while self.manner == "hang":  # noqa: ASYNC110 (The manner is changed by another thread.)
            await asyncio.sleep(0.02)
        while self.manner == "drip":
            await server.push("250-one moment please")
            await asyncio.sleep(0.2)
        return responses

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 (aiosmtpd's)
        """Begin a mail, unless there were enough on this connection."""
        if self.mails_per_connection and getattr(session, "mails", 0) >= self.mails_per_connection:
            if self.farewell:
                await server.push(self.farewell)
                server.transport.close()
            else:
                server.transport.abort()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, _: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 (aiosmtpd's)
        """Take a recipient, or refuse them."""
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
        """Take the mail."""
        session.mails = getattr(session, "mails", 0) + 1
        self.posted.append(Posted(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        if self.manner == "drop-after-data":
            server.transport.abort()
        if self.before_receipt:
            self.before_receipt()
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, _: Any, __: Any) -> str:  # noqa: N802 (aiosmtpd's)
        """Say goodbye, or say nothing, or say too much."""
        while self.manner == "drip-at-quit" and not server.transport.is_closing():
            await server.push("221-one moment please")
            await asyncio.sleep(0.2)
        if self.manner == "drop-at-quit":
            server.transport.abort()
        return "221 bye"


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for localhost that nobody vouches for; return its file and a server's context with it."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(needed("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


class Gunicorn:
    """The application as it is served: `gunicorn app:create_app()` with real workers."""

    def __init__(self, settings: Mapping[str, str], log: Path, workers: int = 2, *options: str) -> None:
        """Choose a port; `settings` go into the environment."""
        self.port, self.log = free_port(), log
        # What the developer's own shell sets must not reach the application under test.
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
        self._environment = {**{name: os.environ[name] for name in kept if name in os.environ}, **settings}
        self._options = ["--workers", str(workers), *options]
        self.application = "app:create_app()"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Gunicorn":
        """Start it and wait for /healthz."""
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", *self._options]
        with self.log.open("ab") as log:
            self._process = spawn(
                [*command, self.application], "TERM", cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        eventually(self._is_well, f"gunicorn answers; it said:\n{self.log.read_text()}")
        return self

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        assert self._process is not None
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_worker(self, pid: int = 0) -> int:
        """Kill one worker without a word, wait until another one is in its place, and return the process id."""
        count, pid = len(self.workers()), pid or self.workers()[0]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: pid not in self.workers() and len(self.workers()) == count, "a worker is replaced")
        return pid

    def hang_up(self) -> None:
        """Have it start new workers and let the old ones finish."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop it; requests under way are answered."""
        end(self._process, signal.SIGTERM)

    def _is_well(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"gunicorn ended:\n{self.log.read_text()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Nginx:
    """A real nginx before some nodes, with the upstream and the location that README.md shows."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        """Choose a port, and write the configuration into a folder."""
        self.port, self._folder = free_port(), folder
        self._process: subprocess.Popen[bytes] | None = None
        shown = (ROOT / "README.md").read_text().partition("```nginx\n")[2].partition("```")[0]
        location = shown[shown.index("    location / {") : shown.rindex("}")]
        upstream = shown[: shown.index("server {\n    listen")]
        for named, port in zip(("8001", "8002"), ports, strict=True):
            assert f"127.0.0.1:{named}" in upstream
            upstream = upstream.replace(f"127.0.0.1:{named}", f"127.0.0.1:{port}")
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"{'user root;' if AS_ROOT else ''}\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/error.log info;\n"
            f"events {{}}\nhttp {{\naccess_log {folder}/access.log;\n{temporary}{upstream}"
            f"server {{\nlisten 127.0.0.1:{self.port};\n{location}}}\n}}\n"
        )

    @property
    def log(self) -> str:
        """Return what it wrote about errors."""
        return (self._folder / "error.log").read_text()

    def start(self) -> "Nginx":
        """Start it and wait until it listens."""
        with (self._folder / "output").open("ab") as output:
            command = [needed("nginx"), "-p", str(self._folder), "-e", f"{self._folder}/error.log"]
            self._process = spawn(
                [*command, "-c", str(self._folder / "nginx.conf")], "TERM", stdout=output, stderr=output
            )
        eventually(lambda: accepts(self.port), "nginx listens")
        return self

    def stop(self) -> None:
        """Stop it."""
        end(self._process, signal.SIGTERM)


def command_line(settings: Mapping[str, str], *words: str, said: Iterable[str] = ()) -> subprocess.CompletedProcess:
    """Run `flask --app app ...` as an operator would, and return what it said."""
    return run_program(_flask(words), said="\n".join(said), **_surroundings(settings))


def start_command(settings: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    """Start `flask --app app ...` and go on; who starts it ends it."""
    return spawn(_flask(words), **_surroundings(settings))  # KILL: one that is frozen must not outlive us either.


def _flask(words: Iterable[str]) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "app", *words]


def _surroundings(settings: Mapping[str, str]) -> dict[str, Any]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {"cwd": ROOT, "env": {**{name: os.environ[name] for name in kept if name in os.environ}, **settings}}
