"""cache.py: the contract of both stores, and known problems of python-memcached with a real memcached."""

import contextlib
import json
import os
import pickle
import socket
import sqlite3
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import memcache
import pytest
from flask_babel import lazy_gettext
from markupsafe import Markup

import cache
from cache import CacheDown, Embedded, Memcached, Store
from tests.servers import LONGEST_SECONDS, ROOT, MemcachedServer, eventually, run_concurrently, run_program

OPERATIONS: dict[str, Callable[[Store], Any]] = {
    "get": lambda store: store.get("key"),
    "set": lambda store: store.set("key", "value", 60),
    "add": lambda store: store.add("key", "value", 60),
    "incr": lambda store: store.incr("key"),
    "delete": lambda store: store.delete("key"),
}
EACH_OPERATION = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@pytest.fixture(params=["sqlite", "memcached"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cache.db'}"
    return f"memcached://{request.getfixturevalue('memcached').address}"


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store as the application creates it, with a longer time-out for busy machines."""
    monkeypatch.setattr(cache, "TIMEOUT_SECONDS", LONGEST_SECONDS)
    return cache.connect(url)


@pytest.fixture
def remote(memcached: MemcachedServer) -> Memcached:
    """Return a store on the real memcached."""
    return Memcached([memcached.address])


class TestContract:
    """The contract of both stores."""

    def test_a_value_that_was_set_can_be_read(self, store: Store) -> None:
        store.set("key", "value", 60)
        assert store.get("key") == "value"

    def test_a_missing_key_returns_none_or_false(self, store: Store) -> None:
        assert store.get("key") is None
        assert store.incr("key") is None
        assert store.delete("key") is False

    def test_incr_does_not_create_a_missing_key(self, store: Store) -> None:
        store.incr("key")
        assert store.get("key") is None

    def test_set_replaces_a_value(self, store: Store) -> None:
        store.set("key", "old", 60)
        store.set("key", 7, 60)
        assert store.get("key") == 7

    def test_add_does_not_replace_a_value(self, store: Store) -> None:
        assert store.add("key", "first", 60) is True
        assert store.add("key", "second", 60) is False
        assert store.get("key") == "first"

    def test_incr_returns_the_sum(self, store: Store) -> None:
        store.set("key", 9, 60)
        assert [store.incr("key"), store.incr("key")] == [10, 11]
        assert store.get("key") == 11

    def test_a_deleted_key_can_be_added_again(self, store: Store) -> None:
        store.set("key", "value", 60)
        assert store.delete("key") is True
        assert store.delete("key") is False
        assert store.get("key") is None
        assert store.add("key", "again", 60) is True

    @pytest.mark.parametrize("value", ["", " ", "x" * 4096, "line\r\nEND\r\n", "邮箱", "\x00", "12", 0, 1, 10**9])
    def test_strings_and_integers_are_returned_unchanged(self, store: Store, value: str | int) -> None:
        store.set("key", value, 60)
        found = store.get("key")
        assert (type(found), found) == (type(value), value)

    @pytest.mark.parametrize(
        "key", ["", " ", "a b", "邮箱" * 100, "x" * 500, "\x00", "é@example.com", "a\r\nflush_all\r\n", "a\n"]
    )
    def test_a_key_may_contain_any_characters_and_affects_no_other_key(self, store: Store, key: str) -> None:
        store.set("other key", "unchanged", 60)
        assert store.get(key) is None
        store.set(key, "value", 60)
        assert store.get(key) == "value"
        assert store.get("other key") == "unchanged"
        assert store.delete(key) is True
        assert store.get("other key") == "unchanged"

    def test_keys_that_differ_in_whitespace_or_case_are_different(self, store: Store) -> None:
        names = ["key", "key ", "KEY", "key\n", " key"]
        for name in names:
            store.set(name, name, 60)
        assert [store.get(name) for name in names] == names

    def test_incr_of_a_text_is_refused_and_the_text_is_unchanged(self, store: Store) -> None:
        store.set("key", "text", 60)
        with pytest.raises(ValueError):  # noqa: PT011 (The stores have different messages.)
            store.incr("key")
        assert store.get("key") == "text"

    @pytest.mark.parametrize(
        "value",
        [True, None, 1.5, b"bytes", Markup("text"), lazy_gettext("text"), type("S", (str,), {})("text"), ["x"], {}],
        ids=lambda value: type(value).__name__,
    )
    @pytest.mark.parametrize("operation", ["set", "add"])
    def test_a_value_that_would_be_pickled_is_refused(self, store: Store, operation: str, value: object) -> None:
        with pytest.raises(TypeError):
            getattr(store, operation)("key", value, 60)
        assert store.get("key") is None

    @pytest.mark.parametrize("operation", ["set", "add"])
    def test_a_text_of_more_than_4096_characters_is_refused(self, store: Store, operation: str) -> None:
        with pytest.raises(ValueError, match="4096"):
            getattr(store, operation)("key", "x" * 4097, 60)

    @pytest.mark.parametrize("seconds", [0, 0.5, 1.0, -1, 30 * 86400 + 1, True, None, "60", timedelta(seconds=60)])
    @pytest.mark.parametrize("operation", ["set", "add"])
    def test_a_lifetime_that_means_unlimited_or_expired_is_refused(
        self, store: Store, operation: str, seconds: Any
    ) -> None:
        with pytest.raises(ValueError, match="whole seconds"):
            getattr(store, operation)("key", "value", seconds)
        assert store.get("key") is None

    def test_a_lifetime_of_thirty_days_is_accepted(self, store: Store) -> None:
        store.set("key", "value", 30 * 86400)
        assert store.get("key") == "value"

    @pytest.mark.slow
    def test_a_value_expires(self, store: Store) -> None:
        store.set("key", "value", 1)
        eventually(lambda: store.get("key") is None, "the value has expired")
        assert store.incr("key") is None
        assert store.delete("key") is False

    @pytest.mark.slow
    def test_an_expired_key_can_be_added_again(self, store: Store) -> None:
        store.set("key", "old", 1)
        eventually(lambda: store.add("key", "new", 60), "the old value has expired")
        assert store.get("key") == "new"

    @pytest.mark.slow
    def test_counting_does_not_extend_a_lifetime(self, store: Store) -> None:
        store.set("key", 0, 1)
        # It is counted without a pause, so that it would never expire if counting extended its lifetime.
        eventually(lambda: store.incr("key") is None, "the counter has expired")

    def test_of_fifty_concurrent_additions_one_succeeds(self, store: Store) -> None:
        for number in range(5):
            assert sum(run_concurrently(lambda _: store.add(f"key {number}", 1, 60), 50)) == 1  # noqa: B023 (It is called within the loop.)

    def test_of_fifty_concurrent_deletions_one_succeeds(self, store: Store) -> None:
        for number in range(5):
            store.set(f"key {number}", "code", 60)
            assert sum(run_concurrently(lambda _: store.delete(f"key {number}"), 50)) == 1  # noqa: B023

    def test_concurrent_increments_return_different_sums(self, store: Store) -> None:
        for number in range(5):
            store.set(f"key {number}", 0, 60)
            sums = run_concurrently(lambda _: store.incr(f"key {number}"), 50)  # noqa: B023
            assert sorted(sums) == list(range(1, 51))

    def test_threads_see_only_their_own_values(self, store: Store) -> None:
        def work(number: int) -> bool:
            results = []
            for step in range(50):
                store.set(f"key {number}", f"{number}-{step}", 60)
                results.append(store.get(f"key {number}") == f"{number}-{step}")
            return all(results)

        assert all(run_concurrently(work, 8))

    def test_the_store_waits_for_a_new_file_that_another_connection_has_locked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite does not wait for writers when it switches a file to WAL: first requests to a new site got a 503."""
        other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: other.execute("ROLLBACK"))
        monkeypatch.setattr(cache, "time", clock)
        store = Embedded(str(tmp_path / "cache.db"), now=time.time)
        store.set("key", "value", 60)
        assert store.get("key") == "value"
        other.close()

    def test_forked_processes_read_only_their_own_responses(self, store: Store) -> None:
        """Processes that share a connection after a fork would read each other's responses (gunicorn --preload)."""
        for number in range(3):
            store.set(f"key {number}", f"value {number}", 60)
        assert store.get("key 0") == "value 0"  # Now the connection of the parent is open.
        children = []
        for number in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # Other tests have started threads.
                pid = os.fork()
            if pid == 0:  # pragma: no cover (A child process reports no coverage.)
                try:
                    is_correct = all(store.get(f"key {number}") == f"value {number}" for _ in range(500))
                except BaseException:
                    is_correct = False
                os._exit(0 if is_correct else 1)
            children.append(pid)
        values = [store.get("key 0") for _ in range(500)]
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0]
        assert set(values) == {"value 0"}

    @pytest.mark.slow
    def test_processes_share_a_store(self, store: Store, url: str) -> None:
        store.set("key", 0, 60)
        setup = f"cache.TIMEOUT_SECONDS = {LONGEST_SECONDS}; s = cache.connect(sys.argv[1])"
        program = f"import cache, sys; {setup}; print([s.incr('key') for _ in range(100)])"
        ended = run_concurrently(lambda _: run_program([sys.executable, "-c", program, url], cwd=ROOT), 4)
        assert {process.stderr for process in ended} == {""}
        sums = [each for process in ended for each in json.loads(process.stdout)]
        assert sorted(sums) == list(range(1, 401))


class TestForeignValues:
    """Values that another program has stored in the same memcached."""

    NAME = cache._hash("key").encode()

    def put(self, memcached: MemcachedServer, flags: int, value: bytes) -> None:
        """Store a value under the name of the key, like another program."""
        assert (
            memcached.send_command(b"set %s %d 60 %d\r\n%s\r\n" % (self.NAME, flags, len(value), value))
            == b"STORED\r\n"
        )

    def test_a_pickled_value_is_a_miss_and_is_not_unpickled(
        self, memcached: MemcachedServer, remote: Memcached, tmp_path: Path
    ) -> None:
        class Exploit:
            def __reduce__(self) -> Any:
                return os.mkdir, (str(tmp_path / "ran"),)

        exploit = pickle.dumps(Exploit())
        pickle.loads(exploit)  # Unpickling creates the folder; otherwise the test could not fail.
        (tmp_path / "ran").rmdir()
        self.put(memcached, memcache.Client._FLAG_PICKLE, exploit)
        assert remote.get("key") is None
        assert not (tmp_path / "ran").exists()

    def test_a_compressed_value_is_not_decompressed(self, memcached: MemcachedServer, remote: Memcached) -> None:
        self.put(memcached, memcache.Client._FLAG_COMPRESSED, zlib.compress(b"value"))
        assert remote.get("key") is None

    @pytest.mark.parametrize(
        ("flags", "value"), [(16, b"\xff\xfe"), (0, b"\xff"), (2, b"12x"), (64, b"text"), (2**31, b"text")]
    )
    def test_a_malformed_value_does_not_affect_the_next_response(
        self, memcached: MemcachedServer, remote: Memcached, flags: int, value: bytes
    ) -> None:
        remote.set("other", "value", 60)
        self.put(memcached, flags, value)
        assert remote.get("key") is None
        assert remote.get("other") == "value"

    def test_stored_values_are_neither_pickled_nor_compressed(
        self, memcached: MemcachedServer, remote: Memcached
    ) -> None:
        remote.set("key", "x" * 4096, 60)
        flags = int(memcached.send_command(b"get %s\r\n" % self.NAME).split()[2])
        assert flags & (memcache.Client._FLAG_PICKLE | memcache.Client._FLAG_COMPRESSED) == 0


class TestUnavailableStores:
    """Stores that do not respond, which is not the same as a missing key."""

    @EACH_OPERATION
    def test_a_refused_connection_is_not_a_miss(
        self, memcached: MemcachedServer, remote: Memcached, operation: Callable[[Store], Any]
    ) -> None:
        memcached.stop()
        with pytest.raises(CacheDown):
            operation(remote)

    @EACH_OPERATION
    def test_a_broken_connection_is_not_a_miss(
        self, memcached: MemcachedServer, remote: Memcached, operation: Callable[[Store], Any]
    ) -> None:
        remote.set("warm", "up", 60)
        memcached.stop()
        with pytest.raises(CacheDown):
            operation(remote)

    @EACH_OPERATION
    def test_an_operation_on_a_frozen_memcached_ends(
        self, memcached: MemcachedServer, remote: Memcached, operation: Callable[[Store], Any]
    ) -> None:
        remote.set("warm", "up", 60)
        memcached.freeze()
        with pytest.raises(CacheDown):
            run_concurrently(lambda _: operation(remote), 1)  # It has a deadline: an operation that never ends fails.

    @EACH_OPERATION
    def test_operations_succeed_after_a_restart(
        self, memcached: MemcachedServer, remote: Memcached, operation: Callable[[Store], Any]
    ) -> None:
        remote.set("key", 1, 60)
        memcached.stop()
        memcached.start()
        operation(remote)  # Neither CacheDown, nor the ValueError that incr of python-memcached raises here.

    def test_after_a_restart_the_store_is_empty(self, memcached: MemcachedServer, remote: Memcached) -> None:
        remote.set("key", 1, 60)
        memcached.stop()
        memcached.start()
        assert remote.incr("key") is None
        assert remote.get("key") is None

    def test_a_client_that_failed_during_an_outage_recovers(
        self, memcached: MemcachedServer, remote: Memcached
    ) -> None:
        memcached.stop()
        with pytest.raises(CacheDown):
            remote.get("key")
        memcached.start()

        def responds() -> bool:
            try:
                return remote.add("key", 1, 60)
            except CacheDown:
                return False

        eventually(responds, "the store responds again")

    def test_a_store_that_did_not_respond_is_not_used_for_a_second(
        self, memcached: MemcachedServer, remote: Memcached, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of a hundred requests only one waits for a server that hangs."""
        time_now = [1000.0]
        monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: time_now[0], time=time.time))
        memcached.stop()
        with pytest.raises(CacheDown):
            remote.get("key")
        memcached.start()
        with pytest.raises(CacheDown):
            remote.get("key")
        time_now[0] += cache.RETRY_SECONDS
        assert remote.get("key") is None

    def test_the_response_of_an_interrupted_read_is_not_returned_to_the_next(
        self, remote: Memcached, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remote.set("first", "first", 60)
        remote.set("second", "second", 60)

        def interrupt(*_: object) -> bytes:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(memcache._Host, "readline", interrupt)
            with pytest.raises(KeyboardInterrupt):
                remote.get("first")
        assert remote.get("second") == "second"

    @pytest.mark.servers
    def test_setting_a_value_in_a_full_memcached_raises_cache_down(self) -> None:
        server = MemcachedServer("-M", "-m", "2").start()  # -M: errors instead of evictions.
        try:
            full = Memcached([server.address])
            with pytest.raises(CacheDown):  # noqa: PT012 (One of the calls raises it.)
                for number in range(10_000):
                    full.set(f"key {number}", "x" * 4096, 60)
        finally:
            server.stop()

    @pytest.mark.servers
    def test_every_value_that_a_full_memcached_accepted_can_be_read(self) -> None:
        server = MemcachedServer("-M", "-m", "2").start()
        try:
            full = Memcached([server.address])
            accepted = [number for number in range(3000) if full.add(f"key {number}", "x" * 4096, 60)]
            assert 0 < len(accepted) < 3000
            assert all(full.get(f"key {number}") for number in accepted)
        finally:
            server.stop()

    @EACH_OPERATION
    def test_an_embedded_store_whose_file_cannot_be_created_raises_cache_down(
        self, tmp_path: Path, operation: Callable[[Store], Any]
    ) -> None:
        with pytest.raises(CacheDown):
            operation(Embedded(str(tmp_path / "no" / "folder" / "cache.db")))

    def test_an_embedded_store_whose_file_is_not_a_database_raises_cache_down_until_the_file_is_deleted(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "cache.db"
        path.write_bytes(b"this is not a database" * 500)
        store = Embedded(str(path))
        with pytest.raises(CacheDown):
            store.set("key", "value", 60)
        path.unlink()
        assert store.add("key", "again", 60) is True

    def test_an_embedded_store_raises_cache_down_while_another_connection_locks_it(self, tmp_path: Path) -> None:
        store = Embedded(str(tmp_path / "cache.db"))
        store.set("key", "value", 60)
        other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CacheDown):
            store.set("key", "other", 60)
        other.execute("ROLLBACK")
        other.close()
        assert store.get("key") == "value"
        assert store.delete("key") is True


class TestSeveralServers:
    """Two memcached servers, one of which does not respond."""

    @pytest.fixture
    def servers(self, memcached: MemcachedServer) -> Iterator[list[MemcachedServer]]:
        second = MemcachedServer().start()
        yield [memcached, second]
        second.stop()

    @pytest.fixture
    def both(self, servers: list[MemcachedServer]) -> Memcached:
        return Memcached([server.address for server in servers])

    @staticmethod
    def keys_of(server: MemcachedServer, both: Memcached) -> list[str]:
        """Store a hundred keys on both servers, and return those that this one has."""
        for number in range(100):
            both.set(f"key {number}", number, 60)
        stored = server.dump()
        return [f"key {number}" for number in range(100) if cache._hash(f"key {number}") in stored]

    def test_keys_are_where_python_memcached_would_store_them(
        self, servers: list[MemcachedServer], both: Memcached
    ) -> None:
        """The previous version used its choice: while both versions run, they find each other's codes."""
        client = memcache.Client([server.address for server in servers])
        for server in servers:
            keys = self.keys_of(server, both)
            assert 25 < len(keys) < 75
            assert all(client._get_server(cache._hash(key).encode())[0].port == server.port for key in keys)
        client.disconnect_all()

    def test_keys_of_the_other_server_are_not_affected(self, servers: list[MemcachedServer], both: Memcached) -> None:
        keys = self.keys_of(servers[1], both)
        lost = self.keys_of(servers[0], both)[0]
        servers[0].freeze()
        with pytest.raises(CacheDown):
            both.get(lost)
        for key in keys:
            assert both.get(key) == int(key.split()[1])
            assert both.delete(key) is True
            assert both.get(key) is None

    @pytest.mark.parametrize("operation", ["get", "incr", "decr", "delete"])
    def test_a_key_that_the_other_server_does_not_have_is_unknown_and_not_a_miss(
        self, servers: list[MemcachedServer], both: Memcached, operation: str
    ) -> None:
        lost = self.keys_of(servers[0], both)[0]
        servers[0].freeze()
        for _ in range(3):
            with pytest.raises(CacheDown, match=str(servers[0].port)):
                getattr(both, operation)(lost)

    def test_what_is_stored_meanwhile_is_found_on_the_other_server(
        self, servers: list[MemcachedServer], both: Memcached
    ) -> None:
        first, counter, *_ = self.keys_of(servers[0], both)
        servers[0].stop()
        both.set(first, "new", 60)
        assert both.get(first) == "new"
        assert both.add(counter, 1, 60) is True
        assert both.add(counter, 1, 60) is False
        assert (both.incr(counter), both.decr(counter)) == (2, 1)
        assert both.delete(counter) is True

    def test_the_store_responds_as_long_as_one_server_does(
        self, servers: list[MemcachedServer], both: Memcached
    ) -> None:
        servers[0].stop()
        both.check()
        servers[1].stop()
        with pytest.raises(CacheDown, match=rf"{servers[0].port}, .*:{servers[1].port}"):
            both.check()

    def test_one_operation_a_second_waits_for_a_server_that_hangs(
        self, memcached: MemcachedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        time_now = [1000.0]
        monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: time_now[0]))
        with socket.create_server(("127.0.0.1", 0)) as hanging:
            monkeypatch.setattr(cache, "TIMEOUT_SECONDS", 0.05)
            store = Memcached([f"127.0.0.1:{hanging.getsockname()[1]}"])
            for expected in (2, 1, 1):  # Only the first one is repeated on a new connection.
                for _ in range(20):
                    with pytest.raises(CacheDown):
                        store.set("key", 1, 60)
                assert count_connections(hanging) == expected
                time_now[0] += cache.RETRY_SECONDS

    def test_the_log_says_once_which_server_does_not_respond_and_when_it_does_again(
        self,
        servers: list[MemcachedServer],
        both: Memcached,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        time_now = [1000.0]
        monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: time_now[0]))
        keys = self.keys_of(servers[0], both)
        servers[0].stop()
        for key in keys:
            both.set(key, 1, 60)
            time_now[0] += cache.RETRY_SECONDS
        servers[0].start()
        for key in keys:
            both.set(key, 1, 60)
        address = servers[0].address
        assert [record.getMessage() for record in caplog.records] == [
            f"memcached does not respond at {address}",
            f"memcached responds again at {address}",
        ]


def count_connections(listener: socket.socket) -> int:
    """Accept the connections that wait, and return their number."""
    listener.setblocking(False)
    number = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            number += 1
    return number


def test_expired_values_are_deleted_from_the_embedded_file(tmp_path: Path) -> None:
    time_now = [1000.0]
    store = Embedded(str(tmp_path / "cache.db"), now=lambda: time_now[0])
    for number in range(10):
        store.set(f"key {number}", 1, 60)
    time_now[0] += 61
    store.set("new", 1, 60)
    assert store._execute("SELECT count(*) FROM item") == 1
