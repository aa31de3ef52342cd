"""`make run`, in a checkout that was moved after `make install`, as a person at a terminal sees it."""

import http.client
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import ROOT, end, eventually, free_port, needed, spawn

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
    """Begin `make run`; what it says goes into a file."""
    environment = {**{name: os.environ[name] for name in KEPT if name in os.environ}, "PORT": str(port)}
    with (checkout / "said").open("wb") as file:
        words = [needed("make"), "--no-print-directory", "-o", ".venv/.installed", "run"]
        return spawn(words, "TERM", cwd=checkout, env=environment, stdout=file, stderr=file)


def said(checkout: Path) -> str:
    """Return what it has said so far."""
    return (checkout / "said").read_text()


@pytest.fixture
def running(moved: Path) -> Iterator[tuple[Path, int]]:
    """Run it until it says where it serves; return the folder, and the port."""
    port = free_port()
    process = make_run(moved, port)
    try:
        eventually(lambda: "Serving on" in said(moved) or process.poll() is not None, "it says something")
        yield moved, port
    finally:
        os.killpg(process.pid, signal.SIGINT)  # As Ctrl-C at the terminal would.
        end(process, signal.SIGINT)


def test_it_runs_in_a_folder_that_was_moved_and_says_where_when_it_serves(running: tuple[Path, int]) -> None:
    checkout, port = running
    assert said(checkout).count(f"Serving on http://127.0.0.1:{port}/cms/ - Ctrl-C stops it.\n") == 1, said(checkout)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/cms/login/")  # At once: who reads the line clicks on the address.
    assert connection.getresponse().status == 200
    connection.close()
    assert "Demonstration sign-in:  admin@example.com  password:  " in said(checkout)


def test_what_it_keeps_is_for_its_owner_only_and_the_source_stays_as_it_was(running: tuple[Path, int]) -> None:
    checkout, _ = running
    assert stat.S_IMODE((checkout / "instance").stat().st_mode) == 0o700
    assert {path.suffix for path in (checkout / "translations").rglob("*") if path.is_file()} == {".po"}


def test_a_port_in_use_is_one_line_that_says_how_to_take_another(moved: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = make_run(moved, port)
        eventually(lambda: process.poll() is not None, "it ends")
    assert process.returncode != 0
    lines = [line for line in said(moved).splitlines() if not line.startswith(("make: ", "INFO "))]
    assert lines[0].startswith("Demonstration sign-in: ")
    assert lines[1:] == [f"127.0.0.1:{port} cannot be used: Address already in use. Another port: PORT=8080 make run"]
