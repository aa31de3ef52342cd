"""cache.py: one contract for both stores, and the pitfalls of python-memcached, on a real memcached."""

import json
import os
import pickle
import sqlite3
import sys
import time
import warnings
import zlib
from collections.abc import Callable
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

VERBS: dict[str, Callable[[Store], Any]] = {
    "get": lambda store: store.get("key"),
    "set": lambda store: store.set("key", "value", 60),
    "add": lambda store: store.add("key", "value", 60),
    "incr": lambda store: store.incr("key"),
    "delete": lambda store: store.delete("key"),
}
ANY_VERB = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)


@pytest.fixture(params=["sqlite", "memcached"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store of each kind, empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cache.db'}"
    return f"memcached://{request.getfixturevalue('memcached').address}"


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store as the application makes it, but that it waits for as long as a busy machine takes."""
    monkeypatch.setattr(cache, "TIMEOUT_SECONDS", LONGEST_SECONDS)
    return cache.connect(url)


@pytest.fixture
def remote(memcached: MemcachedServer) -> Memcached:
    """Return a store on the real memcached."""
    return Memcached([memcached.address])


class TestContract:
    """What both stores promise."""

    def test_what_is_set_can_be_got(self, store: Store) -> None:
        store.set("key", "value", 60)
        assert store.get("key") == "value"

    def test_a_miss_is_none(self, store: Store) -> None:
        assert store.get("key") is None
        assert store.incr("key") is None
        assert store.delete("key") is False

    def test_incr_does_not_make_what_is_not_there(self, store: Store) -> None:
        store.incr("key")
        assert store.get("key") is None

    def test_set_takes_the_place_of_what_was_there(self, store: Store) -> None:
        store.set("key", "old", 60)
        store.set("key", 7, 60)
        assert store.get("key") == 7

    def test_add_leaves_what_is_there(self, store: Store) -> None:
        assert store.add("key", "first", 60) is True
        assert store.add("key", "second", 60) is False
        assert store.get("key") == "first"

    def test_incr_returns_the_sum(self, store: Store) -> None:
        store.set("key", 9, 60)
        assert [store.incr("key"), store.incr("key")] == [10, 11]
        assert store.get("key") == 11

    def test_a_deleted_key_is_gone_and_can_be_added_again(self, store: Store) -> None:
        store.set("key", "value", 60)
        assert store.delete("key") is True
        assert store.delete("key") is False
        assert store.get("key") is None
        assert store.add("key", "again", 60) is True

    @pytest.mark.parametrize("value", ["", " ", "x" * 4096, "line\r\nEND\r\n", "邮箱", "\x00", "12", 0, 1, 10**9])
    def test_every_text_and_number_comes_back_as_it_went(self, store: Store, value: str | int) -> None:
        store.set("key", value, 60)
        found = store.get("key")
        assert (type(found), found) == (type(value), value)

    @pytest.mark.parametrize(
        "key", ["", " ", "a b", "邮箱" * 100, "x" * 500, "\x00", "é@example.com", "a\r\nflush_all\r\n", "a\n"]
    )
    def test_every_key_is_safe(self, store: Store, key: str) -> None:
        store.set("bystander", "untouched", 60)
        assert store.get(key) is None
        store.set(key, "value", 60)
        assert store.get(key) == "value"
        assert store.get("bystander") == "untouched"
        assert store.delete(key) is True
        assert store.get("bystander") == "untouched"

    def test_keys_that_differ_in_their_blanks_or_case_are_two_keys(self, store: Store) -> None:
        names = ["key", "key ", "KEY", "key\n", " key"]
        for name in names:
            store.set(name, name, 60)
        assert [store.get(name) for name in names] == names

    def test_a_number_cannot_be_added_to_a_text_and_the_text_stays(self, store: Store) -> None:
        store.set("key", "text", 60)
        with pytest.raises(ValueError):  # noqa: PT011 (Each store has its own words.)
            store.incr("key")
        assert store.get("key") == "text"

    @pytest.mark.parametrize(
        "value",
        [True, None, 1.5, b"bytes", Markup("text"), lazy_gettext("text"), type("S", (str,), {})("text"), ["x"], {}],
        ids=lambda value: type(value).__name__,
    )
    @pytest.mark.parametrize("verb", ["set", "add"])
    def test_whatever_would_be_pickled_is_refused(self, store: Store, verb: str, value: object) -> None:
        with pytest.raises(TypeError):
            getattr(store, verb)("key", value, 60)
        assert store.get("key") is None

    @pytest.mark.parametrize("verb", ["set", "add"])
    def test_a_text_of_more_than_4096_characters_is_refused(self, store: Store, verb: str) -> None:
        with pytest.raises(ValueError, match="4096"):
            getattr(store, verb)("key", "x" * 4097, 60)

    @pytest.mark.parametrize("seconds", [0, 0.5, 1.0, -1, 30 * 86400 + 1, True, None, "60", timedelta(seconds=60)])
    @pytest.mark.parametrize("verb", ["set", "add"])
    def test_a_life_that_would_be_read_as_for_ever_or_as_over_is_refused(
        self, store: Store, verb: str, seconds: Any
    ) -> None:
        with pytest.raises(ValueError, match="whole seconds"):
            getattr(store, verb)("key", "value", seconds)
        assert store.get("key") is None

    def test_thirty_days_are_kept(self, store: Store) -> None:
        store.set("key", "value", 30 * 86400)
        assert store.get("key") == "value"

    def test_a_life_ends(self, store: Store) -> None:
        store.set("key", "value", 1)
        eventually(lambda: store.get("key") is None, "the value is forgotten")
        assert store.incr("key") is None
        assert store.delete("key") is False

    def test_what_is_over_can_be_added_again(self, store: Store) -> None:
        store.set("key", "old", 1)
        eventually(lambda: store.add("key", "new", 60), "the old value is forgotten")
        assert store.get("key") == "new"

    def test_counting_does_not_prolong_a_life(self, store: Store) -> None:
        store.set("key", 0, 1)
        # Counted without a pause, it would never end if counting prolonged it.
        eventually(lambda: store.incr("key") is None, "the counter is forgotten")

    def test_of_fifty_who_add_one_wins(self, store: Store) -> None:
        for number in range(5):
            assert sum(run_concurrently(lambda _: store.add(f"key {number}", 1, 60), 50)) == 1  # noqa: B023 (run at once)

    def test_of_fifty_who_delete_one_wins(self, store: Store) -> None:
        for number in range(5):
            store.set(f"key {number}", "code", 60)
            assert sum(run_concurrently(lambda _: store.delete(f"key {number}"), 50)) == 1  # noqa: B023

    def test_fifty_who_count_to_five_are_let_through_five_times(self, store: Store) -> None:
        for number in range(5):
            store.set(f"key {number}", 0, 60)
            sums = run_concurrently(lambda _: store.incr(f"key {number}"), 50)  # noqa: B023
            assert sorted(sums) == list(range(1, 51))

    def test_threads_see_only_their_own_values(self, store: Store) -> None:
        def work(number: int) -> bool:
            seen = []
            for step in range(50):
                store.set(f"key {number}", f"{number}-{step}", 60)
                seen.append(store.get(f"key {number}") == f"{number}-{step}")
            return all(seen)

        assert all(run_concurrently(work, 8))

    def test_a_new_file_that_another_one_opens_at_the_same_time_is_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQLite waits for no writer when a file is switched to WAL: the first requests of a new site got a 503."""
        other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: other.execute("ROLLBACK"))
        monkeypatch.setattr(cache, "time", clock)
        store = Embedded(str(tmp_path / "cache.db"), now=time.time)
        store.set("key", "value", 60)
        assert store.get("key") == "value"
        other.close()

    def test_forked_children_see_only_right_values(self, store: Store) -> None:
        """A connection carried across a fork hands out the answers of the brothers (gunicorn --preload)."""
        for number in range(3):
            store.set(f"key {number}", f"value {number}", 60)
        assert store.get("key 0") == "value 0"  # The parent's connection is open now.
        children = []
        for number in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # Other parts of the tests have threads.
                pid = os.fork()
            if pid == 0:  # pragma: no cover (a child tells nobody)
                try:
                    right = all(store.get(f"key {number}") == f"value {number}" for _ in range(500))
                except BaseException:
                    right = False
                os._exit(0 if right else 1)
            children.append(pid)
        own = [store.get("key 0") for _ in range(500)]
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0]
        assert set(own) == {"value 0"}

    def test_processes_share_what_is_kept(self, store: Store, url: str) -> None:
        store.set("key", 0, 60)
        patient = f"cache.TIMEOUT_SECONDS = {LONGEST_SECONDS}; s = cache.connect(sys.argv[1])"
        program = f"import cache, sys; {patient}; print([s.incr('key') for _ in range(100)])"
        ended = run_concurrently(lambda _: run_program([sys.executable, "-c", program, url], cwd=ROOT), 4)
        assert {process.stderr for process in ended} == {""}
        sums = [each for process in ended for each in json.loads(process.stdout)]
        assert sorted(sums) == list(range(1, 401))


class TestForeignValues:
    """What somebody else may have put into the same memcached."""

    NAME = cache._hash("key").encode()

    def put(self, memcached: MemcachedServer, flags: int, value: bytes) -> None:
        """Store a value under the name of our key, as another program would."""
        assert (
            memcached.send_command(b"set %s %d 60 %d\r\n%s\r\n" % (self.NAME, flags, len(value), value))
            == b"STORED\r\n"
        )

    def test_a_pickled_value_reads_as_a_miss_and_runs_nothing(
        self, memcached: MemcachedServer, remote: Memcached, tmp_path: Path
    ) -> None:
        class Bomb:
            def __reduce__(self) -> Any:
                return os.mkdir, (str(tmp_path / "ran"),)

        bomb = pickle.dumps(Bomb())
        pickle.loads(bomb)  # The bomb is live: without this the test could not fail.
        (tmp_path / "ran").rmdir()
        self.put(memcached, memcache.Client._FLAG_PICKLE, bomb)
        assert remote.get("key") is None
        assert not (tmp_path / "ran").exists()

    def test_a_compressed_value_is_not_opened(self, memcached: MemcachedServer, remote: Memcached) -> None:
        self.put(memcached, memcache.Client._FLAG_COMPRESSED, zlib.compress(b"value"))
        assert remote.get("key") is None

    @pytest.mark.parametrize(
        ("flags", "value"), [(16, b"\xff\xfe"), (0, b"\xff"), (2, b"12x"), (64, b"text"), (2**31, b"text")]
    )
    def test_a_broken_value_does_not_disturb_the_next_answer(
        self, memcached: MemcachedServer, remote: Memcached, flags: int, value: bytes
    ) -> None:
        remote.set("other", "right", 60)
        self.put(memcached, flags, value)
        assert remote.get("key") is None
        assert remote.get("other") == "right"

    def test_nothing_of_ours_is_pickled_or_compressed(self, memcached: MemcachedServer, remote: Memcached) -> None:
        remote.set("key", "x" * 4096, 60)
        flags = int(memcached.send_command(b"get %s\r\n" % self.NAME).split()[2])
        assert flags & (memcache.Client._FLAG_PICKLE | memcache.Client._FLAG_COMPRESSED) == 0


class TestWhenItIsDown:
    """A store that does not answer is not a store without the key."""

    @ANY_VERB
    def test_a_refused_connection_is_not_a_miss(
        self, memcached: MemcachedServer, remote: Memcached, verb: Callable[[Store], Any]
    ) -> None:
        memcached.stop()
        with pytest.raises(CacheDown):
            verb(remote)

    @ANY_VERB
    def test_a_connection_that_broke_is_not_a_miss(
        self, memcached: MemcachedServer, remote: Memcached, verb: Callable[[Store], Any]
    ) -> None:
        remote.set("warm", "up", 60)
        memcached.stop()
        with pytest.raises(CacheDown):
            verb(remote)

    @ANY_VERB
    def test_a_frozen_memcached_is_not_waited_for(
        self, memcached: MemcachedServer, remote: Memcached, verb: Callable[[Store], Any]
    ) -> None:
        remote.set("warm", "up", 60)
        memcached.freeze()
        with pytest.raises(CacheDown):
            run_concurrently(
                lambda _: verb(remote), 1
            )  # It has its own deadline: a verb that waits for ever fails here.

    @ANY_VERB
    def test_a_restart_is_not_noticed(
        self, memcached: MemcachedServer, remote: Memcached, verb: Callable[[Store], Any]
    ) -> None:
        remote.set("key", 1, 60)
        memcached.stop()
        memcached.start()
        verb(remote)  # Not CacheDown, and not the ValueError that python-memcached's incr raises here.

    def test_after_a_restart_nothing_is_there(self, memcached: MemcachedServer, remote: Memcached) -> None:
        remote.set("key", 1, 60)
        memcached.stop()
        memcached.start()
        assert remote.incr("key") is None
        assert remote.get("key") is None

    def test_who_asked_while_it_was_down_gets_through_soon_after(
        self, memcached: MemcachedServer, remote: Memcached
    ) -> None:
        memcached.stop()
        with pytest.raises(CacheDown):
            remote.get("key")
        memcached.start()

        def answers() -> bool:
            try:
                return remote.add("key", 1, 60)
            except CacheDown:
                return False

        eventually(answers, "the store answers again by itself")

    def test_a_store_that_did_not_answer_is_left_alone_for_a_second(
        self, memcached: MemcachedServer, remote: Memcached, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that of a hundred requests one waits for a hung server, and not each of them."""
        hand = [1000.0]
        monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: hand[0], time=time.time))
        memcached.stop()
        with pytest.raises(CacheDown):
            remote.get("key")
        memcached.start()
        with pytest.raises(CacheDown):
            remote.get("key")
        hand[0] += cache.RETRY_SECONDS
        assert remote.get("key") is None

    def test_an_interrupted_read_does_not_hand_its_answer_to_the_next(
        self, remote: Memcached, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remote.set("mine", "mine", 60)
        remote.set("yours", "yours", 60)

        def interrupted(*_: object) -> bytes:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(memcache._Host, "readline", interrupted)
            with pytest.raises(KeyboardInterrupt):
                remote.get("mine")
        assert remote.get("yours") == "yours"

    @pytest.mark.servers
    def test_a_full_memcached_is_down_for_who_sets(self) -> None:
        server = MemcachedServer("-M", "-m", "2").start()  # -M: it says so, instead of forgetting something else.
        try:
            full = Memcached([server.address])
            with pytest.raises(CacheDown):  # noqa: PT012 (One of them.)
                for number in range(10_000):
                    full.set(f"key {number}", "x" * 4096, 60)
        finally:
            server.stop()

    @pytest.mark.servers
    def test_a_full_memcached_never_says_that_it_kept_what_it_did_not(self) -> None:
        server = MemcachedServer("-M", "-m", "2").start()
        try:
            full = Memcached([server.address])
            kept = [number for number in range(3000) if full.add(f"key {number}", "x" * 4096, 60)]
            assert 0 < len(kept) < 3000
            assert all(full.get(f"key {number}") for number in kept)
        finally:
            server.stop()

    @ANY_VERB
    def test_an_embedded_store_whose_file_cannot_be_used_is_down(
        self, tmp_path: Path, verb: Callable[[Store], Any]
    ) -> None:
        with pytest.raises(CacheDown):
            verb(Embedded(str(tmp_path / "no" / "folder" / "cache.db")))

    def test_an_embedded_store_whose_file_is_no_database_is_down_until_it_is_taken_away(self, tmp_path: Path) -> None:
        path = tmp_path / "cache.db"
        path.write_bytes(b"this is no database" * 500)
        store = Embedded(str(path))
        with pytest.raises(CacheDown):
            store.set("key", "value", 60)
        path.unlink()
        assert store.add("key", "again", 60) is True

    def test_an_embedded_store_that_somebody_locks_is_down_until_they_let_go(self, tmp_path: Path) -> None:
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


def test_what_is_over_leaves_the_embedded_file(tmp_path: Path) -> None:
    at = [1000.0]
    store = Embedded(str(tmp_path / "cache.db"), now=lambda: at[0])
    for number in range(10):
        store.set(f"key {number}", 1, 60)
    at[0] += 61
    store.set("new", 1, 60)
    assert store._execute("SELECT count(*) FROM item") == 1
