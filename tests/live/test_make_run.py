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

DEADLINE_SECONDS = 240  # Three programs are started, one after the other, on a machine that may be busy.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """Return a checkout with a virtual environment whose scripts still name the folder where it was made."""
    checkout = tmp_path / "a folder of another name"
    names = ["accounts", "cms", "migrations", "static", "templates", "translations", "Makefile", "requirements.lock"]
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
    """Begin `make run`."""
    environment = {**{name: os.environ[name] for name in KEPT if name in os.environ}, "PORT": str(port)}
    words = [find_program("make"), "--no-print-directory", "-o", ".venv/.installed", "run"]
    return spawn(words, "TERM", cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def said(process: subprocess.Popen[bytes], last: str = "") -> list[str]:
    """Return the lines that it says, until one that begins with the last one, or its end."""
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
    """A `make run` that serves, if all went well: its folder, its port, and what it said until then."""

    checkout: Path
    port: int
    lines: list[str]


@pytest.fixture
def running(moved: Path) -> Iterator[Running]:
    """Run it until it says where it serves."""
    port = free_port()
    process = make_run(moved, port)
    try:
        yield Running(moved, port, said(process, "Serving on"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # As Ctrl-C at the terminal would.
        terminate(process, signal.SIGINT)
        assert process.stdout is not None
        process.stdout.close()


def test_it_runs_in_a_folder_that_was_moved_and_says_where_when_it_serves(running: Running) -> None:
    assert running.lines[-1] == f"Serving on http://127.0.0.1:{running.port}/cms/ - Ctrl-C stops it.", running.lines
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", "/cms/login/")  # At once: who reads the line clicks on the address.
    assert connection.getresponse().status == 200
    connection.close()
    assert [line for line in running.lines if line.startswith("Demonstration sign-in:  admin@example.com  password:  ")]


def test_what_it_keeps_is_for_its_owner_only_and_the_source_stays_as_it_was(running: Running) -> None:
    assert stat.S_IMODE((running.checkout / "instance").stat().st_mode) == 0o700
    assert {path.suffix for path in (running.checkout / "translations").rglob("*") if path.is_file()} == {".po"}


def test_a_port_in_use_is_one_line_that_says_how_to_take_another(moved: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = make_run(moved, port)
        told = said(process)
    with process:
        assert process.wait(DEADLINE_SECONDS) != 0
    lines = [line for line in told if not line.startswith(("make: ", "INFO "))]
    assert lines[0].startswith("Demonstration sign-in: ")
    assert lines[1:] == [
        f"127.0.0.1:{port} cannot be used: Address already in use. Use another port: PORT=8080 make run"
    ]
