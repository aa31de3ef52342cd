"""`make soak` for a few seconds: what the people were told is what happened, and the table says so."""

import re
import sys

import pytest

from tests.servers import ROOT, SEED, run_program


@pytest.mark.slow
def test_a_short_run_finds_nothing_wrong() -> None:
    words = ("--seconds", "10", "--people", "4", "--seed", str(SEED))
    ended = run_program([sys.executable, "-m", "tests.soak", *words], cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    table = ended.stdout
    assert int(re.search(r"^all +(\d+)$", table, re.MULTILINE)[1]) > 0  # type: ignore[index]  # Faults.
    acknowledged = re.search(r"^all +(\d+) +\d+ +\d+ +\d+$", table, re.MULTILINE)
    assert acknowledged
    assert int(acknowledged[1]) > 20
    assert f"PASSED; repeat it with: .venv/bin/python -m tests.soak --seconds 10 --people 4 --seed {SEED}\n" in table
