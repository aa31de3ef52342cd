"""accounts/write_queue.py: writers of a SQLite file take turns in order; a stopped one does not block the others."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import write_queue
from accounts.write_queue import WriteQueue
from tests.servers import eventually


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a SQLite file."""
    path = tmp_path / "cms.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE number (value INTEGER)")
    connection.close()
    return path


@pytest.fixture
def writer(file: Path) -> Iterator[sqlite3.Connection]:
    """Provide a connection with an open write transaction."""
    connection = connect(file)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def connect(file: Path, seconds: float = 60) -> sqlite3.Connection:
    """Return a connection that any thread may use."""
    return sqlite3.connect(file, timeout=seconds, isolation_level=None, check_same_thread=False)


class QueuedWriter:
    """A thread that waits to write, and then adds its name to a list."""

    def __init__(self, name: str, file: Path, queue: WriteQueue, order: list[str]) -> None:
        """Start the thread."""
        self._name, self._connection, self._queue, self._order = name, connect(file), queue, order
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        self._queue.begin(self._connection)
        self._order.append(self._name)
        self._connection.execute("COMMIT")
        self._connection.close()

    def has_ended(self) -> bool:
        """Return whether it has written."""
        return not self._thread.is_alive()


def is_locked(file: Path) -> bool:
    """Return whether a writer holds the lock of the queue."""
    descriptor = os.open(f"{file}-queue", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def test_a_waiting_process_writes_before_later_ones(
    file: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "TURN_SECONDS", 60)
    order: list[str] = []
    first = QueuedWriter("first", file, WriteQueue(str(file)), order)
    eventually(lambda: is_locked(file), "the first writer holds the lock of the queue")
    others = [QueuedWriter(str(number), file, WriteQueue(str(file)), order) for number in range(3)]
    writer.execute("COMMIT")
    eventually(lambda: all(each.has_ended() for each in (first, *others)), "all have written")
    assert order[0] == "first"
    assert sorted(order[1:]) == ["0", "1", "2"]


def test_threads_of_one_process_all_write(file: Path, writer: sqlite3.Connection) -> None:
    order: list[str] = []
    queue = WriteQueue(str(file))
    writers = [QueuedWriter(str(number), file, queue, order) for number in range(8)]
    writer.execute("COMMIT")
    eventually(lambda: all(each.has_ended() for each in writers), "all have written")
    assert len(order) == 8


def test_a_process_that_is_stopped_in_the_queue_does_not_block_the_others(file: Path) -> None:
    stopped = os.open(f"{file}-queue", os.O_RDWR | os.O_CREAT)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    connection = connect(file)
    WriteQueue(str(file)).begin(connection)
    assert connection.in_transaction
    connection.close()
    os.close(stopped)


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_a_wait_that_is_too_long_fails_because_the_database_is_locked(
    file: Path, writer: sqlite3.Connection, seconds: float
) -> None:
    assert writer.in_transaction
    connection, queue = connect(file, seconds), WriteQueue(str(file))
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        queue.begin(connection)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (1000 * seconds,)
    assert not is_locked(file), "it left the queue"
    writer.execute("COMMIT")
    queue.begin(connection)
    connection.close()


def test_other_errors_are_raised_at_once(file: Path) -> None:
    connection = connect(file)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        WriteQueue(str(file)).begin(connection)
    connection.close()


def test_a_forked_process_has_its_own_queue(file: Path) -> None:
    """In a shared queue, a thread that does not exist in the child process could hold the lock for ever."""
    connection = connect(file)
    write_queue.begin(str(file), connection)
    connection.close()
    own = write_queue._queues(str(file))
    pid = os.fork()
    if pid == 0:
        os._exit(int(write_queue._queues(str(file)) is own))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_only_the_owner_of_the_database_can_open_its_queue(file: Path) -> None:
    connection = connect(file)
    write_queue.begin(str(file), connection)
    connection.close()
    assert Path(f"{file}-queue").stat().st_mode & 0o777 == 0o600


def test_a_queue_that_is_no_longer_used_is_closed(file: Path) -> None:
    queue = WriteQueue(str(file))
    descriptor = queue._file
    os.fstat(descriptor)
    del queue
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
