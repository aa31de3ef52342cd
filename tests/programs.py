"""Python programs that start fast: a process that has imported the libraries forks for each of them.

Importing the libraries takes a second of CPU time, and the tests start several hundred commands and servers. The fork
server of `multiprocessing` runs functions; these programs have their own arguments, folder, environment, files, signals
and exit code, and end as if they had been executed by `python -m`.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

# Not the application, of which other versions are started as well. Neither gunicorn, which stores its folder when it is
# imported, nor prometheus_client, which reads the environment.
LIBRARIES = """
    alembic.autogenerate alembic.command argon2 babel.messages.pofile cryptography.fernet email.message email_validator
    flask_mail flask_migrate.cli flask_sqlalchemy.cli flask_wtf http.server memcache phonenumbers psycopg
    pythonjsonlogger.json regex sqlalchemy.dialects.postgresql.psycopg sqlalchemy.dialects.sqlite.pysqlite
    sqlite3 standardwebhooks werkzeug.middleware.proxy_fix werkzeug.serving wtforms.validators zoneinfo
""".split()
LONGEST_REQUEST = 1 << 18  # In bytes.
STATUS = 16  # The longest decimal number that is sent about a program, in bytes.
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2).


class Request(NamedTuple):
    """What to execute: `python -m` with these words."""

    words: list[str]
    cwd: str
    env: dict[str, str]
    last_signal: int


class Program:
    """A program in a session of its own, with the methods of `subprocess.Popen` that the tests use.

    It gets `last_signal` when the tests end. Without files, its output is that of this process.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        last_signal: int = signal.SIGKILL,
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
    ) -> None:
        """Start it."""
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps(Request(list(words), str(cwd), dict(env), last_signal)).encode()
        with Path(os.devnull).open("rb") as nothing, theirs:
            files = [(stdin or nothing).fileno(), stdout.fileno() if stdout else 1, stderr.fileno() if stderr else 2]
            socket.send_fds(_fork_server(), [request], [*files, theirs.fileno()])
        self.pid = self._receive()

    def __del__(self) -> None:
        """Close the connection; the program is not ended."""
        self._status.close()

    def poll(self) -> int | None:
        """Return the exit code, or None while the program runs; it is negative if a signal has ended the program."""
        with self._lock:
            if self.returncode is None and select.select([self._status], [], [], 0)[0]:
                self.returncode = self._receive()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, sign: int) -> None:
        """Send a signal, unless the program has ended."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _receive(self) -> int:
        received = self._status.recv(STATUS)
        assert received, "the fork server has ended"
        return int(received)


_starting = threading.Lock()
_server: list[socket.socket] = []


def _fork_server() -> socket.socket:
    """Return the connection to the fork server of this process; the first call starts it."""
    with _starting:
        if not _server:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                number = theirs.fileno()
                command = [sys.executable, __file__, str(number)]
                process = subprocess.Popen(
                    command, pass_fds=[number], stdin=subprocess.DEVNULL, cwd="/", start_new_session=True
                )
            atexit.register(lambda: (ours.close(), process.wait()))
            _server.append(ours)
        return _server[0]


def serve(requests: socket.socket) -> tuple[Request, list[int]]:
    """Fork for each request. Returns only in a forked process: its request and its standard files.

    Ends when the tests end, which closes the connection.
    """
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    running: dict[int, socket.socket] = {}
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno())
    while True:
        readable, _, _ = select.select([requests, woken], [], [])
        if woken in readable:
            woken.recv(1024)
            report_ended(running)
        if requests in readable:
            received, files, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4)
            if not received:
                sys.exit()
            status = socket.socket(fileno=files.pop())
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (requests, woken, waking, status, *running.values()):
                    each.close()
                return Request(*json.loads(received)), files
            status.send(str(pid).encode())
            running[pid] = status
            for each in files:
                os.close(each)


def report_ended(running: dict[int, socket.socket]) -> None:
    """Send the exit codes of the programs that have ended."""
    for pid, code in ended_children():
        with running.pop(pid) as status, contextlib.suppress(OSError):  # Nobody may wait for it.
            status.send(str(code).encode())


def ended_children() -> Iterator[tuple[int, int]]:
    """Yield the process ids and exit codes of children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def execute(request: Request, files: Sequence[int]) -> None:
    """Execute a request in this process, as `python -m` does."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Tests in the background may ignore it.
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, request.last_signal)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    time.tzset()
    sys.path.insert(0, request.cwd)
    sys.argv = list(request.words)
    runpy.run_module(request.words[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.path[0]  # The folder of this file.
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        for library in LIBRARIES:
            importlib.import_module(library)
        gc.freeze()  # Unused pages stay shared.
        received_request = serve(connection)
    execute(*received_request)
