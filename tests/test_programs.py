"""tests/programs.py: a forked program is a process like one that Python has executed."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import Program
from tests.servers import LONGEST_SECONDS, ROOT, eventually, run_program

pytestmark = pytest.mark.slow

REPORT = """
import os, sys
print(sys.argv[1:], sys.path[0], os.getcwd(), sorted(os.environ.items()), __name__, sys.stdin.read(), os.getsid(0))
print("problem", file=sys.stderr)
sys.exit(3)
"""
WAITING = "import signal, time\nprint(flush=True)\ntime.sleep(1000)"
ENDING = "import atexit, threading\natexit.register(print, 'atexit')\nthreading.Timer(0.1, print, ['thread']).start()"

Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Provide a function that starts a module with this text, whose output is in the files `out` and `err`."""

    def run(text: str, *words: str, **env: str) -> Program:
        (tmp_path / "module.py").write_text(text)
        (tmp_path / "in").write_text("entered")
        with contextlib.ExitStack() as stack:
            modes = {"in": "r", "out": "w", "err": "w"}
            files = {f"std{name}": stack.enter_context((tmp_path / name).open(modes[name])) for name in modes}
            return Program(["module", *words], cwd=tmp_path, env=env, **files)

    return run


def test_a_program_has_its_own_arguments_folder_environment_files_session_and_exit_code(
    start: Start, tmp_path: Path
) -> None:
    process = start(REPORT, "--flag", "word", NAME="value")
    assert (process.wait(LONGEST_SECONDS), process.poll(), process.returncode) == (3, 3, 3)
    assert (tmp_path / "out").read_text() == (
        f"['--flag', 'word'] {tmp_path} {tmp_path} [('NAME', 'value')] __main__ entered {process.pid}\n"
    )
    assert (tmp_path / "err").read_text() == "problem\n"


def test_an_error_ends_a_program_with_a_traceback(start: Start, tmp_path: Path) -> None:
    assert start("raise ValueError('seven')").wait(LONGEST_SECONDS) == 1
    text = (tmp_path / "err").read_text()
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: seven\n")


def test_at_its_end_a_program_waits_for_its_threads_and_calls_what_is_registered(start: Start, tmp_path: Path) -> None:
    assert start(ENDING).wait(LONGEST_SECONDS) == 0
    assert (tmp_path / "out").read_text() == "thread\natexit\n"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_a_program(start: Start, tmp_path: Path, sign: signal.Signals) -> None:
    process = start(WAITING)
    eventually((tmp_path / "out").read_text, "it runs")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    assert process.poll() is None
    process.send_signal(sign)
    assert process.wait(LONGEST_SECONDS) == -sign
    process.send_signal(sign)  # Without effect.


def test_programs_that_run_at_the_same_time_are_independent(start: Start, tmp_path: Path) -> None:
    waiting = start(WAITING)
    eventually((tmp_path / "out").read_text, "it runs")
    assert [start(REPORT).wait(LONGEST_SECONDS) for _ in range(3)] == [3] * 3
    assert waiting.poll() is None
    waiting.kill()
    assert waiting.wait(LONGEST_SECONDS) == -signal.SIGKILL


def test_a_program_ends_with_the_process_that_has_started_it(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(WAITING)
    starting = (
        "import os, pathlib, sys; from tests.programs import Program; "
        "print(Program(['module'], cwd=pathlib.Path(sys.argv[1]), env={}).pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = run_program([sys.executable, "-c", starting, str(tmp_path)], cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL
    pid = int(ended.stdout.split()[0])
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "it has ended")
