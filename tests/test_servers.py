"""tests/servers.py: the tests depend neither on the load of the machine nor on chance."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests import servers
from tests.servers import (
    LONGEST_SECONDS,
    ROOT,
    SEED,
    Gunicorn,
    MemcachedServer,
    Patience,
    PostgresServer,
    SmtpServer,
    free_port,
    is_closed,
    run_program,
    seeded_random,
    thread_states,
)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the hand of the clock that patience looks at."""
    hand = [1000.0]
    monkeypatch.setattr(servers.time, "monotonic", lambda: hand[0])
    return hand


@pytest.mark.parametrize("load", [0.1, 1.0, 8.0])
def test_patience_grows_with_the_load_and_ends_all_the_same(
    hand: list[float], monkeypatch: pytest.MonkeyPatch, load: float
) -> None:
    monkeypatch.setattr(servers, "machine_load", lambda: load)
    patience = Patience(20)
    hand[0] += 20 * max(1.0, load) - 1
    assert not patience.is_over()
    hand[0] += 2
    assert patience.is_over()


def test_patience_ends_on_the_busiest_machine(hand: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "machine_load", lambda: 1e6)
    patience = Patience(20)
    hand[0] += LONGEST_SECONDS + 1
    assert patience.is_over()


def test_only_the_time_of_a_busy_machine_counts_for_less(hand: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    load = [10.0]
    monkeypatch.setattr(servers, "machine_load", lambda: load[0])
    patience = Patience(20)
    hand[0] += 100
    assert not patience.is_over()
    load[0] = 1.0
    hand[0] += 11
    assert patience.is_over()


def test_every_thread_of_a_frozen_server_is_stopped(memcached: MemcachedServer) -> None:
    """Else one thread may still answer, and the test that froze it sees no hung server."""
    assert memcached._process is not None
    pid = memcached._process.pid
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) > 3
    for _ in range(20):
        memcached.freeze()
        assert thread_states(pid) == {"T"}
        memcached.thaw()
        assert "T" not in thread_states(pid)
        memcached.flush()


def test_a_stopped_server_refuses_connections(memcached: MemcachedServer) -> None:
    memcached.stop()
    assert is_closed(memcached.port)
    memcached.start()
    assert not is_closed(memcached.port)


def test_a_free_port_is_given_once_and_none_that_the_kernel_gives_to_clients() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    mine = [free_port() for _ in range(20)]
    program = "from tests.servers import free_port; print(*[free_port() for _ in range(20)])"
    others = [int(port) for port in run_program([sys.executable, "-c", program], cwd=ROOT).stdout.split()]
    assert len({*mine, *others}) == 40
    assert max(*mine, *others) < lowest


def test_a_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(AssertionError, match="did not end within"):
        run_program([sys.executable, "-c", "import time; time.sleep(10**6)"])


def test_make_test_fast_starts_no_server_and_says_which_test_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(servers.FAST, "1")
    starts = [
        lambda: MemcachedServer().start(),
        PostgresServer,
        lambda: SmtpServer().start(),
        lambda: Gunicorn({}, Path(os.devnull)).start(),
        lambda: servers.find_program("chromium"),
    ]
    for start in starts:
        with pytest.raises(AssertionError, match="mark the test `servers`"):
            start()


def test_choices_come_from_the_seed_and_from_nothing_else() -> None:
    assert [seeded_random("a").random(), seeded_random("b").random()] == [
        seeded_random("a").random(),
        seeded_random("b").random(),
    ]
    assert seeded_random("a").random() != seeded_random("b").random()
    assert os.environ["TEST_SEED"] == str(SEED)


@pytest.mark.slow
def test_a_run_prints_its_seed_and_a_failure_how_to_repeat_it(tmp_path: Path) -> None:
    (tmp_path / "test_chance.py").write_text(
        "from hypothesis import given, strategies as st\n"
        "from tests.servers import seeded_random\n"
        "drawn = []\n"
        "@given(st.integers(0, 10**9))\n"
        "def test_search(number):\n"
        "    drawn.append(number)\n"
        "def test_fails():\n"
        "    raise AssertionError(f'drew {seeded_random(\"x\").random()} {drawn}')\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    told = [
        run_program(
            [*command, "-n", workers, "--rootdir", str(tmp_path), str(tmp_path / "test_chance.py")],
            cwd=ROOT,
            env={**os.environ, "TEST_SEED": "7"},
        ).stdout
        for workers in ("0", "1")
    ]
    one, other = (re.findall(r"Error: drew (.+)", text)[0] for text in told)
    assert one == other
    for text in told:
        assert "TEST_SEED=7 repeats them" in text
        assert re.search(r"TEST_SEED=7 \S*python -m pytest '\S*test_chance\.py::test_fails'", text), text
