"""`make run` in a checkout that was moved after `make install`."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import ROOT, find_program, free_port, spawn, terminate

DEADLINE_SECONDS = 240  # It starts three programs in sequence, on a machine that may be busy.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


@pytest.fixture
def moved_checkout(tmp_path: Path) -> Path:
    """Provide a checkout with a virtual environment whose scripts contain the path of another folder."""
    checkout = tmp_path / "moved folder"
    names = [
        "accounts",
        "cms",
        "telemetry",
        "migrations",
        "static",
        "templates",
        "translations",
        "Makefile",
        "requirements.lock",
    ]
    for source in [*(ROOT / name for name in names), *ROOT.glob("*.py")]:
        copy = shutil.copytree if source.is_dir() else shutil.copy
        checkout.mkdir(exist_ok=True)
        copy(source, checkout / source.name)
    for compiled in checkout.glob("translations/**/*.mo"):
        compiled.unlink()
    environment, prefix = checkout / ".venv", Path(sys.prefix)
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (environment / "lib").symlink_to(prefix / "lib")
    shutil.copy(prefix / "pyvenv.cfg", environment)
    for name in ("flask", "gunicorn"):
        script = environment / "bin" / name
        script.write_text((prefix / "bin" / name).read_text().replace(str(prefix), "/srv/gone/.venv"))
        script.chmod(0o755)
    (environment / ".installed").touch()
    return checkout


def make_run(checkout: Path, port: int) -> subprocess.Popen[bytes]:
    """Start `make run`."""
    environment = {**{name: os.environ[name] for name in INHERITED if name in os.environ}, "PORT": str(port)}
    words = [find_program("make"), "--no-print-directory", "-o", ".venv/.installed", "run"]
    return spawn(words, "TERM", cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def read_lines(process: subprocess.Popen[bytes], last: str = "") -> list[str]:
    """Return the output of a program up to a line that begins with `last`, or up to its end."""
    deadline = threading.Timer(DEADLINE_SECONDS, lambda: os.killpg(process.pid, signal.SIGKILL))
    deadline.start()
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.decode().rstrip("\n"))
        if last and lines[-1].startswith(last):
            break
    deadline.cancel()
    return lines


@dataclass
class Running:
    """A `make run` that serves: its folder, its port, and its output so far."""

    checkout: Path
    port: int
    lines: list[str]


@pytest.fixture
def running(moved_checkout: Path) -> Iterator[Running]:
    """Provide a `make run` that serves, and end it after the test."""
    port = free_port()
    process = make_run(moved_checkout, port)
    try:
        yield Running(moved_checkout, port, read_lines(process, "Serving on"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # Like Ctrl-C in a terminal.
        terminate(process, signal.SIGINT)
        assert process.stdout is not None
        process.stdout.close()


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
        process = make_run(moved_checkout, port)
        output = read_lines(process)
    with process:
        assert process.wait(DEADLINE_SECONDS) != 0
    lines = [line for line in output if not line.startswith(("make: ", "INFO "))]
    assert lines[0].startswith("Demonstration sign-in: ")
    assert lines[1:] == [
        f"127.0.0.1:{port} cannot be used: Address already in use. Use another port: PORT=8080 make run"
    ]
