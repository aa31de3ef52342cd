"""What may be forgotten: get, set, add, incr, decr, delete on memcached, or on an embedded SQLite file.

The only importer of python-memcached. Both stores keep strings and integers under hashed keys, tell a miss from a
store that does not answer (CacheDown), and wait for it half a second, twice at most.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol

import memcache
from flask import Flask, current_app

Value = str | int
TIMEOUT_SECONDS = 0.5
REST_SECONDS = 1.0  # A store that did not answer is left alone for so long; then it is asked again.
LONGEST_SECONDS = 30 * 86400  # memcached reads more as a date in 1970.


class CacheDown(Exception):
    """The store does not answer: nobody knows whether the key is there."""


class Store(Protocol):
    """The six verbs. Every one of them raises CacheDown where the store does not answer."""

    def get(self, key: str) -> Value | None:
        """Return the value, or None where there is none."""

    def set(self, key: str, value: Value, seconds: int) -> None:
        """Keep the value for so many seconds."""

    def add(self, key: str, value: Value, seconds: int) -> bool:
        """Keep the value unless the key is there; say whether it was kept. One of many callers wins."""

    def incr(self, key: str) -> int | None:
        """Add one and return the sum, or None where the key is not there; its life is not extended."""

    def decr(self, key: str) -> int | None:
        """Subtract one, but never go below 0, and return the rest, or None where the key is not there."""

    def delete(self, key: str) -> bool:
        """Forget the key; say whether it was there. One of many callers hears yes."""


def init_app(app: Flask) -> None:
    """Give the application the store that CACHE_URL names."""
    app.extensions["cache"] = connect(app.config["CACHE_URL"])


def connect(url: str) -> Store:
    """Return the store of memcached://host:port[,host:port] or sqlite:///file."""
    scheme, _, rest = url.partition("://")
    return Memcached(rest.split(",")) if scheme == "memcached" else Embedded(rest.removeprefix("/"))


def get(key: str) -> Value | None:
    """Return the value, or None where there is none. Raises CacheDown."""
    return _store().get(key)


def set(key: str, value: Value, seconds: int) -> None:
    """Keep the value for so many seconds. Raises CacheDown."""
    _store().set(key, value, seconds)


def add(key: str, value: Value, seconds: int) -> bool:
    """Keep the value unless the key is there; say whether it was kept. Raises CacheDown."""
    return _store().add(key, value, seconds)


def incr(key: str) -> int | None:
    """Add one and return the sum, or None where the key is not there. Raises CacheDown."""
    return _store().incr(key)


def decr(key: str) -> int | None:
    """Subtract one, but never go below 0, and return the rest, or None where the key is not there. Raises CacheDown."""
    return _store().decr(key)


def delete(key: str) -> bool:
    """Forget the key; say whether it was there. Raises CacheDown."""
    return _store().delete(key)


def _store() -> Store:
    store: Store = current_app.extensions["cache"]
    return store


def _hashed(key: str) -> str:
    """Return a name that any store takes: no key of ours can hold a blank, a newline or too many bytes."""
    return "cms-" + sha256(key.encode()).hexdigest()


def _checked(value: Value, seconds: int) -> tuple[Value, int]:
    """Refuse what memcached would pickle, cut short, keep for ever or forget at once."""
    if type(value) not in (str, int):
        raise TypeError(f"a cache keeps str and int, not {type(value).__name__}")
    if type(value) is str and len(value) > 4096:
        raise ValueError("a cache value has at most 4096 characters")
    if type(seconds) is not int or not 1 <= seconds <= LONGEST_SECONDS:
        raise ValueError(f"a cache value lives for 1 to {LONGEST_SECONDS} whole seconds, not {seconds!r}")
    return value, seconds


class _Foreign(TypeError):
    """Somebody else's value: pickled or compressed. It is never opened."""


def _refuse(*_: object, **__: object) -> Any:
    raise _Foreign


class _Unopened:
    """Stands for a pickled value. It must not raise: python-memcached would make it the None of a dead server."""

    def __init__(self, *_: object, **__: object) -> None:
        """Read nothing."""

    def load(self) -> object:
        """Say that there is nothing of ours."""
        return _MISS


class Memcached:
    """The six verbs on python-memcached, whose own answers do not tell a miss from a dead server."""

    def __init__(self, servers: list[str]) -> None:
        """Remember the servers; connections are made by the thread that needs one."""
        self._servers = servers
        self._rest_until = 0.0
        self._made: tuple[int, memcache.Client] | None = None

    def get(self, key: str) -> Value | None:
        """Return the value, or None where there is none; a value that is not ours counts as none."""
        try:
            value = self._ask("get", _hashed(key), _MISS)
        except (ValueError, _Foreign):  # Compressed, an unknown flag, broken UTF-8.
            return None
        return value if type(value) in (str, int) else None  # Or it is missing, pickled, or bytes without a flag.

    def set(self, key: str, value: Value, seconds: int) -> None:
        """Keep the value for so many seconds."""
        if not self._ask("set", _hashed(key), *_checked(value, seconds)):
            raise CacheDown("memcached is out of memory")

    def add(self, key: str, value: Value, seconds: int) -> bool:
        """Keep the value unless the key is there."""
        return bool(self._ask("add", _hashed(key), *_checked(value, seconds)))

    def incr(self, key: str) -> int | None:
        """Add one and return the sum, or None where the key is not there."""
        count: int | None = self._ask("incr", _hashed(key))
        return count

    def decr(self, key: str) -> int | None:
        """Subtract one, but never go below 0."""
        count: int | None = self._ask("decr", _hashed(key))
        return count

    def delete(self, key: str) -> bool:
        """Forget the key; say whether it was there."""
        return bool(self._ask("delete", _hashed(key)))

    def _ask(self, verb: str, *args: object) -> Any:
        """Ask once, and once more on a fresh connection, so that a restarted server is not noticed."""
        if time.monotonic() < self._rest_until:
            raise CacheDown("memcached did not answer a moment ago")
        client = self._client()
        for _ in range(2):
            for server in client.servers:
                server.deaduntil = 0
            try:
                answer = getattr(client, verb)(*args)
            except BaseException as problem:
                # The answer may still be on its way: whoever asks next must not read it.
                went_away = isinstance(problem, ValueError) and any(s.deaduntil for s in client.servers)
                client.disconnect_all()
                if not went_away:
                    raise
            else:
                if not _unanswered(verb, answer, client):
                    return answer
        self._rest_until = time.monotonic() + REST_SECONDS
        raise CacheDown(f"memcached does not answer at {', '.join(self._servers)}")

    def _client(self) -> memcache.Client:
        """Return this process's client: a connection shared across fork would hand out others' answers."""
        if self._made is None or self._made[0] != os.getpid():
            self._made = (
                os.getpid(),
                memcache.Client(
                    self._servers,
                    dead_retry=REST_SECONDS,
                    socket_timeout=TIMEOUT_SECONDS,
                    pickler=_refuse,
                    unpickler=_Unopened,
                    decompressor=_refuse,
                ),
            )
        return self._made[1]


_MISS = object()


def _unanswered(verb: str, answer: object, client: memcache.Client) -> bool:
    """Tell "no" from "nobody there": get says None, set and add say the integer 0, the others mark the server."""
    if verb == "get":
        return answer is None
    if verb in ("set", "add"):
        return type(answer) is int
    return not answer and any(server.deaduntil for server in client.servers)


class Embedded:
    """The six verbs on one SQLite file: several processes, no server, survives a restart."""

    def __init__(self, path: str, now: Callable[[], float] = time.time) -> None:
        """Remember the file; it is opened by the thread that needs it."""
        self._path, self._now = path, now
        self._local = threading.local()

    def get(self, key: str) -> Value | None:
        """Return the value, or None where there is none."""
        select = "SELECT value FROM item WHERE key = ? AND expires_at > ?"
        value: Value | None = self._one(select, _hashed(key), self._now())
        return value

    def set(self, key: str, value: Value, seconds: int) -> None:
        """Keep the value for so many seconds; what is over goes on the same occasion."""
        value, seconds = _checked(value, seconds)
        self._one("DELETE FROM item WHERE expires_at <= ?", self._now())
        self._one("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", _hashed(key), value, self._now() + seconds)

    def add(self, key: str, value: Value, seconds: int) -> bool:
        """Keep the value unless the key is there."""
        value, seconds = _checked(value, seconds)
        upsert = """INSERT INTO item VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE
                    SET value = ?2, expires_at = ?3 WHERE expires_at <= ?4 RETURNING 1"""
        return self._one(upsert, _hashed(key), value, self._now() + seconds, self._now()) is not None

    def incr(self, key: str) -> int | None:
        """Add one and return the sum, or None where the key is not there."""
        return self._count(key, "value + 1")

    def decr(self, key: str) -> int | None:
        """Subtract one, but never go below 0."""
        return self._count(key, "max(value - 1, 0)")

    def _count(self, key: str, result: str) -> int | None:
        """Replace a number by the result of an SQL expression, and return it."""
        update = f"""UPDATE item SET value = CASE typeof(value) WHEN 'integer' THEN {result} ELSE value END
                     WHERE key = ? AND expires_at > ? RETURNING value"""  # noqa: S608 (The expression is ours.)
        count: Value | None = self._one(update, _hashed(key), self._now())
        if isinstance(count, str):
            raise ValueError("this key holds a text, not a number")  # noqa: TRY004 (as python-memcached does)
        return count

    def delete(self, key: str) -> bool:
        """Forget the key; say whether it was there."""
        delete = "DELETE FROM item WHERE key = ? RETURNING expires_at > ?"
        return bool(self._one(delete, _hashed(key), self._now()))

    def _one(self, statement: str, *args: object) -> Any:
        """Run one statement, which SQLite commits by itself; return the first column of its row, or None."""
        try:
            rows = self._connection().execute(statement, args).fetchall()
        except sqlite3.Error as problem:
            with contextlib.suppress(AttributeError):
                del self._local.made
            raise CacheDown(f"the embedded store does not answer: {problem}") from problem
        return rows[0][0] if rows else None

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's connection in this process; one must not be carried across fork."""
        pid, connection = getattr(self._local, "made", (0, None))
        if connection is None or pid != os.getpid():
            connection = sqlite3.connect(self._path, timeout=TIMEOUT_SECONDS, isolation_level=None)
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = OFF")  # The data may be lost.
            connection.execute("CREATE TABLE IF NOT EXISTS item (key PRIMARY KEY, value, expires_at) WITHOUT ROWID")
            connection.execute("CREATE INDEX IF NOT EXISTS item_expires_at ON item (expires_at)")
            self._local.made = os.getpid(), connection
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
