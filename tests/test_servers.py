"""tests/servers.py: deadlines depend on the load of the machine, and random choices on the seed."""

import os
import re
import select
import socket
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
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock of `Patience`, and provide the list with its time."""
    monotonic = [1000.0]
    monkeypatch.setattr(servers.time, "monotonic", lambda: monotonic[0])
    return monotonic


@pytest.mark.parametrize("load", [0.1, 1.0, 8.0])
def test_a_deadline_grows_with_the_load(monotonic: list[float], monkeypatch: pytest.MonkeyPatch, load: float) -> None:
    monkeypatch.setattr(servers, "machine_load", lambda: load)
    patience = Patience(20)
    monotonic[0] += 20 * max(1.0, load) - 1
    assert not patience.is_over()
    monotonic[0] += 2
    assert patience.is_over()


def test_a_deadline_has_an_upper_limit(monotonic: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "machine_load", lambda: 1e6)
    patience = Patience(20)
    monotonic[0] += LONGEST_SECONDS + 1
    assert patience.is_over()


def test_time_counts_in_full_when_the_machine_is_idle_again(
    monotonic: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = [10.0]
    monkeypatch.setattr(servers, "machine_load", lambda: load[0])
    patience = Patience(20)
    monotonic[0] += 100
    assert not patience.is_over()
    load[0] = 1.0
    monotonic[0] += 11
    assert patience.is_over()


def test_every_thread_of_a_frozen_server_is_stopped(memcached: MemcachedServer) -> None:
    """Otherwise a thread may still respond to a test that expects no response."""
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


@pytest.mark.slow
def test_free_ports_are_unique_and_below_the_ports_of_clients() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    own = [free_port() for _ in range(20)]
    program = "from tests.servers import free_port; print(*[free_port() for _ in range(20)])"
    others = [int(port) for port in run_program([sys.executable, "-c", program], cwd=ROOT).stdout.split()]
    assert len({*own, *others}) == 40
    assert max(*own, *others) < lowest


@pytest.mark.slow
def test_a_program_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(AssertionError, match="did not end within"):
        run_program([sys.executable, "-c", "import time; time.sleep(10**6)"])


def test_without_the_marker_no_test_starts_a_server_and_is_told_the_marker() -> None:
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


def test_random_choices_depend_on_seed_and_name_only() -> None:
    assert [seeded_random("a").random(), seeded_random("b").random()] == [
        seeded_random("a").random(),
        seeded_random("b").random(),
    ]
    assert seeded_random("a").random() != seeded_random("b").random()
    assert os.environ["TEST_SEED"] == str(SEED)


@pytest.mark.slow
def test_a_run_prints_its_seed_and_a_failure_the_command_that_repeats_it(tmp_path: Path) -> None:
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
    outputs = [
        run_program(
            [*command, "-n", workers, "--rootdir", str(tmp_path), str(tmp_path / "test_chance.py")],
            cwd=ROOT,
            env={**os.environ, "TEST_SEED": "7"},
        ).stdout
        for workers in ("0", "1")
    ]
    one, other = (re.findall(r"Error: drew (.+)", text)[0] for text in outputs)
    assert one == other
    for text in outputs:
        assert "TEST_SEED=7 repeats them" in text
        assert re.search(r"TEST_SEED=7 \S*python -m pytest '\S*test_chance\.py::test_fails'", text), text


def test_a_frozen_mail_server_answers_again_when_it_is_thawed(smtp: SmtpServer) -> None:
    smtp.freeze()
    with socket.create_connection(("127.0.0.1", smtp.port)) as connection:  # The kernel accepts it.
        assert select.select([connection], [], [], 0.2)[0] == []
        smtp.thaw()
        assert connection.recv(3) == b"220"
