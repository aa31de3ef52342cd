"""The cache: get, set, add, incr, decr and delete, on memcached or on an embedded SQLite file. It may lose its data.

The only importer of python-memcached. Both stores hold strings and integers under hashed keys, distinguish a miss from
a store that does not respond (CacheDown), and wait for a response for half a second, twice at most.
"""

import contextlib
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


class CacheDown(Exception):
    """The store does not respond: whether the key exists is unknown."""


class Server(NamedTuple):
    """A memcached server: its address and host ("" for a socket), and its clock, or None without a response."""

    address: str
    host: str
    unix_time: int | None


class Store(Protocol):
    """The six operations of a store. Each raises CacheDown if the store does not respond."""

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


def init_app(app: Flask) -> None:
    """Give the application the store at CACHE_URL."""
    app.extensions["cache"] = connect(app.config["CACHE_URL"])


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


def list_servers() -> list[Server]:
    """Return the memcached servers with their states; none for the embedded store. It waits for each separately."""
    store = _store()
    return store.list_servers() if isinstance(store, Memcached) else []


def _store() -> Store:
    context.count_cache_call()
    store: Store = current_app.extensions["cache"]
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
    """A store on python-memcached, whose return values do not distinguish a miss from a dead server."""

    def __init__(self, servers: list[str]) -> None:
        """Store the addresses; each thread connects when it first needs a connection."""
        self._servers = servers
        self._retry_at = 0.0
        self._pid_and_client: tuple[int, memcache.Client] | None = None

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

    def list_servers(self) -> list[Server]:
        """Return every server; one that does not respond delays this by the time-out."""
        return [self._inspect(server) for server in self._client().servers]

    def _inspect(self, server: Any) -> Server:
        """Ask a server for its clock, on a connection that is then closed."""
        is_socket = server.family == socket.AF_UNIX
        address, host = (server.address, "") if is_socket else (f"{server.ip}:{server.port}", server.ip)
        server.deaduntil, found = 0, {}
        try:
            if server.connect():
                server.send_cmd("stats")
                while line := server.readline():
                    if line == b"END":
                        break
                    _, name, value = line.decode().split(" ", 2)
                    found[name] = value
            return Server(address, host, int(found["time"]))
        except (OSError, ValueError, KeyError):
            return Server(address, host, None)
        finally:
            server.close_socket()

    def _call(self, operation: str, *args: object) -> Any:
        """Run an operation; if the server does not respond, run it again on a new connection: it may have restarted."""
        if time.monotonic() < self._retry_at:
            raise CacheDown("memcached did not respond a moment ago")
        client = self._client()
        for _ in range(2):
            for server in client.servers:
                server.deaduntil = 0
            try:
                result = getattr(client, operation)(*args)
            except BaseException as problem:
                # The response may still arrive: the next operation must not read it.
                is_lost = isinstance(problem, ValueError) and any(s.deaduntil for s in client.servers)
                client.disconnect_all()
                if not is_lost:
                    raise
            else:
                if not _is_no_response(operation, result, client):
                    return result
        self._retry_at = time.monotonic() + RETRY_SECONDS
        raise CacheDown(f"memcached does not respond at {', '.join(self._servers)}")

    def _client(self) -> memcache.Client:
        """Return the client of this process: processes that share a connection after a fork mix up their responses."""
        if self._pid_and_client is None or self._pid_and_client[0] != os.getpid():
            self._pid_and_client = (
                os.getpid(),
                memcache.Client(
                    self._servers,
                    dead_retry=RETRY_SECONDS,
                    socket_timeout=TIMEOUT_SECONDS,
                    pickler=_reject,
                    unpickler=_NullUnpickler,
                    decompressor=_reject,
                ),
            )
        return self._pid_and_client[1]


_MISS = object()


def _is_no_response(operation: str, result: object, client: memcache.Client) -> bool:
    """Return whether no server responded: then get returns None, set and add the integer 0, others mark the server."""
    if operation == "get":
        return result is None
    if operation in ("set", "add"):
        return type(result) is int
    return not result and any(server.deaduntil for server in client.servers)


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
