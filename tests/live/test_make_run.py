"""`make run` in a checkout that was moved after `make install`."""

import http.client
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.checkouts import DEADLINE_SECONDS, Running, copy_checkout, make, read_lines, running_make
from tests.servers import free_port


@pytest.fixture
def moved_checkout(tmp_path: Path) -> Path:
    """Provide a checkout with a virtual environment whose scripts contain the path of another folder."""
    return copy_checkout(tmp_path / "moved folder")


@pytest.fixture
def running(moved_checkout: Path) -> Iterator[Running]:
    """Provide a `make run` that serves, and end it after the test."""
    with running_make(moved_checkout, "run", free_port()) as running:
        yield running


def test_it_runs_in_a_moved_folder_and_prints_its_address_once_it_serves(running: Running) -> None:
    assert running.lines[-1] == f"Serving on http://localhost:{running.port}/cms/ - Ctrl-C stops it.", running.lines
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", "/cms/login/")  # At once: users follow the address in the line.
    assert connection.getresponse().status == 200
    connection.close()
    assert [line for line in running.lines if line.startswith("Demonstration sign-in:  admin@example.com  password:  ")]


def test_only_the_owner_can_access_its_data_and_the_source_is_not_modified(running: Running) -> None:
    assert stat.S_IMODE((running.checkout / "instance").stat().st_mode) == 0o700
    assert {path.suffix for path in (running.checkout / "translations").rglob("*") if path.is_file()} == {".po"}


def test_a_port_in_use_prints_one_line_with_the_command_for_another_port(moved_checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = make(moved_checkout, "run", port)
        output = read_lines(process)
    with process:
        assert process.wait(DEADLINE_SECONDS) != 0
    lines = [line for line in output if not line.startswith(("make: ", "INFO "))]
    assert lines[0].startswith("Demonstration sign-in: ")
    assert lines[1:] == [
        f"127.0.0.1:{port} cannot be used: Address already in use. Use another port: PORT=8080 make run"
    ]
