"""The cache: get, set, add, incr, decr and delete, on memcached or on an embedded SQLite file. It may lose its data.

The only importer of python-memcached. Both stores hold strings and integers under hashed keys, distinguish a miss from
a store that does not respond (CacheDown), and wait for a response for half a second, twice at most for each server.
"""

import contextlib
import logging
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import memcache
from flask import Flask, current_app

from telemetry import context

Value = str | int
TIMEOUT_SECONDS = 0.5
RETRY_SECONDS = 1.0  # A store that did not respond is not used for this long.
LONGEST_SECONDS = 30 * 86400  # memcached interprets a larger number as a date in 1970.
log = logging.getLogger(__name__)


class CacheDown(Exception):
    """The store does not respond: whether the key exists is unknown."""


class Server(NamedTuple):
    """A memcached server: its address and host ("" for a socket), and its clock, or None without a response."""

    address: str
    host: str
    unix_time: int | None


class Store(Protocol):
    """The six operations of a store, and its check. Each raises CacheDown if the store does not respond."""

    def get(self, key: str) -> Value | None:
        """Return the value, or None if the key does not exist."""

    def set(self, key: str, value: Value, seconds: int) -> None:
        """Store the value for this number of seconds."""

    def add(self, key: str, value: Value, seconds: int) -> bool:
        """Store the value unless the key exists, and return whether it was stored: one of many callers gets True."""

    def incr(self, key: str) -> int | None:
        """Add one and return the sum, or None if the key does not exist; the lifetime is not extended."""

    def decr(self, key: str) -> int | None:
        """Subtract one, not below 0, and return the result, or None if the key does not exist."""

    def delete(self, key: str) -> bool:
        """Delete the key, and return whether it existed: one of many callers gets True."""

    def check(self) -> None:
        """Return if the store responds."""


def init_app(app: Flask) -> None:
    """Give the application the store at CACHE_URL."""
    app.extensions["cms_cache"] = connect(app.config["CACHE_URL"])


def connect(url: str) -> Store:
    """Return the store at memcached://host:port[,host:port] or sqlite:///file."""
    scheme, _, rest = url.partition("://")
    return Memcached(rest.split(",")) if scheme == "memcached" else Embedded(rest.removeprefix("/"))


def get(key: str) -> Value | None:
    """Return the value, or None if the key does not exist. Raises CacheDown."""
    return _store().get(key)


def set(key: str, value: Value, seconds: int) -> None:
    """Store the value for this number of seconds. Raises CacheDown."""
    _store().set(key, value, seconds)


def add(key: str, value: Value, seconds: int) -> bool:
    """Store the value unless the key exists, and return whether it was stored. Raises CacheDown."""
    return _store().add(key, value, seconds)


def incr(key: str) -> int | None:
    """Add one and return the sum, or None if the key does not exist. Raises CacheDown."""
    return _store().incr(key)


def decr(key: str) -> int | None:
    """Subtract one, not below 0, and return the result, or None if the key does not exist. Raises CacheDown."""
    return _store().decr(key)


def delete(key: str) -> bool:
    """Delete the key, and return whether it existed. Raises CacheDown."""
    return _store().delete(key)


def check() -> None:
    """Return if the store responds. Raises CacheDown."""
    _store().check()


def list_servers() -> list[Server]:
    """Return the memcached servers with their states; none for the embedded store. It waits for each separately."""
    store = _store()
    return store.list_servers() if isinstance(store, Memcached) else []


def _store() -> Store:
    context.count_cache_call()
    store: Store = current_app.extensions["cms_cache"]
    return store


def _hash(key: str) -> str:
    """Return a key that every store accepts: without spaces or newlines, and short enough for memcached."""
    return "cms-" + sha256(key.encode()).hexdigest()


def _validate(value: Value, seconds: int) -> tuple[Value, int]:
    """Return both. Raises TypeError, ValueError if memcached would pickle or truncate the value or misread the life."""
    if type(value) not in (str, int):
        raise TypeError(f"a cache keeps str and int, not {type(value).__name__}")
    if type(value) is str and len(value) > 4096:
        raise ValueError("a cache value has at most 4096 characters")
    if type(seconds) is not int or not 1 <= seconds <= LONGEST_SECONDS:
        raise ValueError(f"a cache value lives for 1 to {LONGEST_SECONDS} whole seconds, not {seconds!r}")
    return value, seconds


class _ForeignValue(TypeError):
    """A pickled or compressed value, which this application did not write. It is never unpacked."""


def _reject(*_: object, **__: object) -> Any:
    raise _ForeignValue


class _NullUnpickler:
    """Reads a pickled value as a miss. It must not raise: python-memcached would return None, as for a dead server."""

    def __init__(self, *_: object, **__: object) -> None:
        """Read nothing."""

    def load(self) -> object:
        """Return the value of a miss."""
        return _MISS


class Memcached:
    """A store on one or several memcached servers; each key has one server, given by its hash.

    While that server does not respond, the next one in the list is used: what is stored then is found there. What is
    not found there may exist on the server of the key, so it is unknown and not a miss.
    """

    def __init__(self, servers: list[str]) -> None:
        """Store the addresses; each thread connects when it first needs a connection."""
        self._servers = [_Server(address) for address in servers]

    def get(self, key: str) -> Value | None:
        """Return the value, or None if the key does not exist or this application did not write its value."""
        try:
            value = self._call("get", _hash(key), _MISS)
        except (ValueError, _ForeignValue):  # Compressed, an unknown flag, invalid UTF-8.
            return None
        return value if type(value) in (str, int) else None  # Otherwise missing, pickled, or bytes without a flag.

    def set(self, key: str, value: Value, seconds: int) -> None:
        """Store the value for this number of seconds."""
        if not self._call("set", _hash(key), *_validate(value, seconds)):
            raise CacheDown("memcached is out of memory")

    def add(self, key: str, value: Value, seconds: int) -> bool:
        """Store the value unless the key exists."""
        return bool(self._call("add", _hash(key), *_validate(value, seconds)))

    def incr(self, key: str) -> int | None:
        """Add one and return the sum, or None if the key does not exist."""
        count: int | None = self._call("incr", _hash(key))
        return count

    def decr(self, key: str) -> int | None:
        """Subtract one, not below 0, and return the result, or None if the key does not exist."""
        count: int | None = self._call("decr", _hash(key))
        return count

    def delete(self, key: str) -> bool:
        """Delete the key, and return whether it existed."""
        return bool(self._call("delete", _hash(key)))

    def check(self) -> None:
        """Return if a server responds: one is enough to store and count."""
        for server in self._servers:
            if server.call("get", _hash("check"), _MISS) is not _NO_RESPONSE:
                return
        raise self._down()

    def list_servers(self) -> list[Server]:
        """Return every server; one that does not respond delays this by the time-out."""
        return [server.inspect() for server in self._servers]

    def _call(self, operation: str, key: str, *args: object) -> Any:
        """Run an operation on the server of a key, or on the next one that responds."""
        first = memcache.serverHashFunction(key.encode()) % len(self._servers)  # As python-memcached does.
        for distance in range(len(self._servers)):
            result = self._servers[(first + distance) % len(self._servers)].call(operation, key, *args)
            if result is not _NO_RESPONSE:
                if distance and _is_not_found(operation, result):
                    break
                return result
        raise self._down()

    def _down(self) -> CacheDown:
        return CacheDown(f"memcached does not respond at {', '.join(s.address for s in self._servers if s.is_down)}")


class _Server:
    """A memcached, accessed with python-memcached, whose return values do not distinguish a miss from a dead server."""

    def __init__(self, address: str) -> None:
        """Store the address. Each client has one server: with several, it would move keys without telling."""
        self.address = address
        self._retry_at = 0.0  # 0: it responds, as far as is known.
        self._pid_and_client: tuple[int, memcache.Client] | None = None

    @property
    def is_down(self) -> bool:
        """Return whether it did not respond the last time."""
        return self._retry_at > 0

    def inspect(self) -> Server:
        """Return its state, with its clock, which is read on a connection that is then closed."""
        server = self._client().servers[0]
        host = "" if server.family == socket.AF_UNIX else server.ip
        server.deaduntil, found = 0, {}
        try:
            if server.connect():
                server.send_cmd("stats")
                while line := server.readline():
                    if line == b"END":
                        break
                    _, name, value = line.decode().split(" ", 2)
                    found[name] = value
            return Server(self.address, host, int(found["time"]))
        except (OSError, ValueError, KeyError):
            return Server(self.address, host, None)
        finally:
            server.close_socket()

    def call(self, operation: str, *args: object) -> Any:
        """Run an operation and return its result, or _NO_RESPONSE.

        If there is no response, it is run again on a new connection, because the server may have restarted. After that
        the server is not used for a second; then one operation tries it once, and the others do not wait for it.
        """
        if time.monotonic() < self._retry_at:
            return _NO_RESPONSE
        client, tries = self._client(), 2
        if self.is_down:
            self._retry_at, tries = time.monotonic() + RETRY_SECONDS, 1
            client.disconnect_all()
        for _ in range(tries):
            result = _try(client, operation, *args)
            if result is not _NO_RESPONSE:
                if self.is_down:
                    log.warning("memcached responds again at %s", self.address)
                self._retry_at = 0.0
                return result
        if not self.is_down:
            log.warning("memcached does not respond at %s", self.address)
        self._retry_at = time.monotonic() + RETRY_SECONDS
        return _NO_RESPONSE

    def _client(self) -> memcache.Client:
        """Return the client of this process: processes that share a connection after a fork mix up their responses."""
        if self._pid_and_client is None or self._pid_and_client[0] != os.getpid():
            self._pid_and_client = (
                os.getpid(),
                memcache.Client(
                    [self.address],
                    dead_retry=RETRY_SECONDS,
                    socket_timeout=TIMEOUT_SECONDS,
                    pickler=_reject,
                    unpickler=_NullUnpickler,
                    decompressor=_reject,
                ),
            )
        return self._pid_and_client[1]


_MISS, _NO_RESPONSE = object(), object()


def _try(client: memcache.Client, operation: str, *args: object) -> Any:
    """Run an operation once, and return its result or _NO_RESPONSE."""
    (server,) = client.servers
    server.deaduntil = 0
    try:
        result = getattr(client, operation)(*args)
    except BaseException as problem:
        # The response may still arrive: the next operation must not read it.
        is_lost = isinstance(problem, ValueError) and server.deaduntil
        client.disconnect_all()
        if not is_lost:
            raise
        return _NO_RESPONSE
    if operation == "get":
        return _NO_RESPONSE if result is None else result
    if operation in ("set", "add"):  # Then python-memcached returns the integer 0 instead of False.
        return _NO_RESPONSE if type(result) is int else result
    return _NO_RESPONSE if not result and server.deaduntil else result


def _is_not_found(operation: str, result: object) -> bool:
    """Return whether the result says that the key does not exist."""
    return (
        result is _MISS or (operation in ("incr", "decr") and result is None) or (operation == "delete" and not result)
    )


class Embedded:
    """A store in one SQLite file: shared by several processes, without a server, and kept across restarts."""

    def __init__(self, path: str, now: Callable[[], float] = time.time) -> None:
        """Store the path; each thread opens the file when it first needs it."""
        self._path, self._now = path, now
        self._local = threading.local()

    def get(self, key: str) -> Value | None:
        """Return the value, or None if the key does not exist."""
        select = "SELECT value FROM item WHERE key = ? AND expires_at > ?"
        value: Value | None = self._execute(select, _hash(key), self._now())
        return value

    def set(self, key: str, value: Value, seconds: int) -> None:
        """Store the value for this number of seconds, and delete expired ones."""
        value, seconds = _validate(value, seconds)
        self._execute("DELETE FROM item WHERE expires_at <= ?", self._now())
        self._execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", _hash(key), value, self._now() + seconds)

    def add(self, key: str, value: Value, seconds: int) -> bool:
        """Store the value unless the key exists."""
        value, seconds = _validate(value, seconds)
        upsert = """INSERT INTO item VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE
                    SET value = ?2, expires_at = ?3 WHERE expires_at <= ?4 RETURNING 1"""
        return self._execute(upsert, _hash(key), value, self._now() + seconds, self._now()) is not None

    def incr(self, key: str) -> int | None:
        """Add one and return the sum, or None if the key does not exist."""
        return self._count(key, "value + 1")

    def decr(self, key: str) -> int | None:
        """Subtract one, not below 0, and return the result, or None if the key does not exist."""
        return self._count(key, "max(value - 1, 0)")

    def _count(self, key: str, result: str) -> int | None:
        """Replace a number with the result of an SQL expression, and return it."""
        update = f"""UPDATE item SET value = CASE typeof(value) WHEN 'integer' THEN {result} ELSE value END
                     WHERE key = ? AND expires_at > ? RETURNING value"""  # noqa: S608 (The expression is a constant.)
        count: Value | None = self._execute(update, _hash(key), self._now())
        if isinstance(count, str):
            raise ValueError("this key holds a text, not a number")  # noqa: TRY004 (as python-memcached does)
        return count

    def delete(self, key: str) -> bool:
        """Delete the key, and return whether it existed."""
        delete = "DELETE FROM item WHERE key = ? RETURNING expires_at > ?"
        return bool(self._execute(delete, _hash(key), self._now()))

    def check(self) -> None:
        """Return if the file can be read."""
        self._execute("SELECT 1 FROM item LIMIT 1")

    def _execute(self, statement: str, *args: object) -> Any:
        """Run one statement in autocommit mode; return the first column of its row, or None."""
        try:
            rows = self._connection().execute(statement, args).fetchall()
        except sqlite3.Error as problem:
            with contextlib.suppress(AttributeError):
                del self._local.pid_and_connection
            raise CacheDown(f"the embedded store does not respond: {problem}") from problem
        return rows[0][0] if rows else None

    def _connection(self) -> sqlite3.Connection:
        """Return the connection of this thread and process: SQLite connections must not be used after a fork."""
        pid, connection = getattr(self._local, "pid_and_connection", (0, None))
        if connection is None or pid != os.getpid():
            connection = sqlite3.connect(self._path, timeout=TIMEOUT_SECONDS, isolation_level=None)
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = OFF")  # A cache may lose its data.
            connection.execute("CREATE TABLE IF NOT EXISTS item (key PRIMARY KEY, value, expires_at) WITHOUT ROWID")
            connection.execute("CREATE INDEX IF NOT EXISTS item_expires_at ON item (expires_at)")
            self._local.pid_and_connection = os.getpid(), connection
        return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. If others open a new file at the same time, SQLite reports a lock without waiting."""
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.005)
        else:
            return
