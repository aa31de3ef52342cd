"""The queue of those who wait to write to a SQLite file.

SQLite has one writer at a time. The others poll, with pauses of up to 100 ms, so that one can wait for seconds while
others write again and again. Here they take turns: the threads of a process with a lock, the processes with a lock on
a file.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import monotonic, sleep

POLL_SECONDS = 0.001
TURN_SECONDS = 0.5  # How long other processes go first: one that was stopped in the queue must not block it.


class WriteQueue:
    """The queue of one SQLite file, as one process sees it."""

    def __init__(self, database: str) -> None:
        """Open the file beside the database on which the processes lock."""
        self._thread_turn = threading.Lock()
        self._file = os.open(f"{database}-queue", os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, self._file)

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction that can write. Raises sqlite3.OperationalError after the connection's busy time-out."""
        (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
        give_up_at = monotonic() + milliseconds / 1000
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            with self._turn(give_up_at):
                while not _try_to_begin(connection, is_last=monotonic() > give_up_at):
                    sleep(POLL_SECONDS)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {milliseconds}")

    @contextlib.contextmanager
    def _turn(self, give_up_at: float) -> Iterator[None]:
        """Wait until it is the turn of this thread and process, or for too long."""
        is_first = self._thread_turn.acquire(timeout=max(0.0, give_up_at - monotonic()))
        try:
            if is_first:
                self._wait_for_other_processes(min(give_up_at, monotonic() + TURN_SECONDS))
            yield
        finally:
            if is_first:
                fcntl.flock(self._file, fcntl.LOCK_UN)
                self._thread_turn.release()

    def _wait_for_other_processes(self, until: float) -> None:
        while monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            sleep(POLL_SECONDS)


def _try_to_begin(connection: sqlite3.Connection, *, is_last: bool) -> bool:
    """Return whether the transaction has begun. Raises sqlite3.OperationalError if it cannot, or in the last try."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as problem:
        if is_last or problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


_queues: Callable[[str], WriteQueue] = lru_cache(WriteQueue)
os.register_at_fork(after_in_child=_queues.cache_clear)  # type: ignore[attr-defined]  # A child has its own locks.


def begin(database: str, connection: sqlite3.Connection) -> None:
    """Begin a transaction that can write to a database file, in turn. Raises sqlite3.OperationalError."""
    _queues(database).begin(connection)
