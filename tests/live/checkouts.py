"""Copies of this checkout in another folder, and `make` in them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT, find_program, spawn, terminate

DEADLINE_SECONDS = 240  # It starts three programs in sequence, on a machine that may be busy.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
NAMES = ("accounts", "cms", "telemetry", "migrations", "static", "templates", "translations")
FILES = ("Makefile", "profile_fields.toml", "requirements.lock")


def copy_checkout(checkout: Path, *more: str) -> Path:
    """Copy the application, with a virtual environment whose scripts contain the path of another folder.

    Python's bytecode is copied as well, except files that are being written: compiling takes longer than a start.
    """
    ignored = shutil.ignore_patterns("*.pyc.*", "instance", ".mypy_cache")
    for source in [*(ROOT / name for name in (*NAMES, *FILES, *more, "__pycache__")), *ROOT.glob("*.py")]:
        target = checkout / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy2(source, target)
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


def make(checkout: Path, target: str, port: int | str, **more: str) -> subprocess.Popen[bytes]:
    """Start `make` with a target, and with more variables in its environment."""
    environment = {**{name: os.environ[name] for name in INHERITED if name in os.environ}, "PORT": str(port), **more}
    words = [find_program("make"), "--no-print-directory", "-o", ".venv/.installed", target]
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
    """A `make` that serves: its folder, its port, its process, and its output so far."""

    checkout: Path
    port: int
    process: subprocess.Popen[bytes]
    lines: list[str]


@contextlib.contextmanager
def running_make(checkout: Path, target: str, port: int, **more: str) -> Iterator[Running]:
    """Run `make` with a target that serves, and end it like Ctrl-C in a terminal."""
    process = make(checkout, target, port, **more)
    try:
        yield Running(checkout, port, process, read_lines(process, "Serving on"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        terminate(process, signal.SIGINT)
        assert process.stdout is not None
        process.stdout.close()
