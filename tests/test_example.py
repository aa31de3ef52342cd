"""The example imports nothing of the account centre, and needs only packages of its own list."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.servers import ROOT

FOLDER = ROOT / "examples" / "cms"
MODULES = sorted(FOLDER.glob("*.py"))
OWN = {path.stem for path in MODULES}
# The names under which packages of requirements.txt are imported, with werkzeug, which belongs to Flask.
PACKAGES = {"flask", "flask_sqlalchemy", "flask_wtf", "sqlalchemy", "standardwebhooks", "wtforms", "werkzeug"}


def imported_by(path: Path) -> set[str]:
    """Return the first parts of the names of all modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(str(node.module).partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_example_imports_nothing_of_the_account_centre(path: Path) -> None:
    assert imported_by(path) - set(sys.stdlib_module_names) <= PACKAGES | OWN


def test_it_has_modules_with_the_names_of_ours() -> None:
    """A CMS of its own may have any names: both never share a process."""
    assert {"app", "models"} <= OWN
    assert len(MODULES) > 4


def test_its_packages_are_those_that_our_tests_install() -> None:
    listed = re.findall(r"^([\w-]+)( ~= \S+)?", (FOLDER / "requirements.txt").read_text(), re.MULTILINE)
    ours = (ROOT / "requirements.txt").read_text()
    for name, version in listed:
        assert re.search(rf"^{name}{re.escape(version)}\s", ours, re.MULTILINE), name + version


def test_its_pages_load_no_scripts_and_contain_no_paths() -> None:
    for path in FOLDER.glob("templates/*.html"):
        assert not re.search(r"<script|style=|\son\w+=|(?:href|src|action)=\"/", path.read_text()), path.name


def test_make_check_also_checks_the_example() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck-python:")[2].partition("\nnode_modules/")[0]
    assert "cd examples/cms && ../../$(RUN) mypy" in recipe
    assert "djlint templates examples" in recipe
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert "types-of-the-example" in [hook["id"] for hook in hooks]


def test_git_ignores_what_the_example_stores() -> None:
    assert "/examples/instance/" in (ROOT / ".gitignore").read_text().splitlines()
