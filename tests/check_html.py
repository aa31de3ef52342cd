"""Every page in both languages, validated with html-validate. `make check` runs this file, because it needs Node.js.

Three rules are disabled in `.htmlvalidate.json`: our own files need no integrity attribute, the mailbox page refreshes
itself without scripts, and the button of a form may be outside the form or be added by a script. The content of
<template> elements is omitted, because it is not part of the page.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.environments import Environment
from tests.rendered import every_page
from tests.servers import ROOT

VALIDATOR = ROOT / "node_modules" / ".bin" / "html-validate"
TEMPLATE = re.compile(r"(<template[^>]*>).*?(</template>)", re.DOTALL)


def run_validator(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the validator on the pages in a folder."""
    command = [str(VALIDATOR), "--config", str(ROOT / ".htmlvalidate.json"), "--formatter", "text", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_valid(sqlite_env: Environment, tmp_path: Path, language: str) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, page in enumerate(every_page(sqlite_env, language)):
        name = "".join(letter if letter.isalnum() else "-" for letter in page.name)
        (folder / f"{number:02}-{name}.html").write_text(TEMPLATE.sub(r"\1\2", page.answer.text))
    found = run_validator(folder)
    assert found.returncode == 0, found.stdout + found.stderr


def test_an_invalid_page_is_reported(tmp_path: Path) -> None:
    """The test of the pages fails for an invalid one."""
    (tmp_path / "wrong.html").write_text('<!doctype html>\n<html lang="en"><title>T</title><ul><p>x</p></ul></html>')
    found = run_validator(tmp_path)
    assert found.returncode == 1
    assert "element-permitted-content" in found.stdout
