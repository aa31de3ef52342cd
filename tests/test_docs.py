"""The documents agree with the code: settings, routes, words, commands, files and numbers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

import config
from app import create_app
from models import db
from tests.environments import Environment, settings_for
from tests.servers import ROOT
from tests.work import count_steps, record_steps

README = (ROOT / "README.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EACH = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
KINDS = "py|md|txt|html|js|mjs|css|svg|png|lock|toml|cfg|ini|json|po|sh"
FLASKS_OWN = {"run", "shell", "routes", "db"}


def rows(text: str, *header: str) -> list[list[str]]:
    """Return the rows below the one table with this header."""
    first = f"| {' | '.join(header)} |\n"
    assert text.count(first) == 1, f"one table with the header {first!r}"
    body = text.partition(first)[2].splitlines()[1:]
    ends = next((number for number, line in enumerate(body) if not line.startswith("|")), len(body))
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in body[:ends]]


def prose(text: str) -> str:
    """Return a document without its blocks of code, which show examples."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def sources() -> Iterator[Path]:
    """Yield the Python files of the product."""
    yield from sorted([*ROOT.glob("*.py"), *ROOT.glob("accounts/**/*.py"), *ROOT.glob("cms/**/*.py")])


def routes_of(app: Flask) -> set[tuple[str, str]]:
    """Return the method and path of every route except those of static files."""
    found = set()
    for rule in app.url_map.iter_rules():
        if not str(rule).startswith("/assets/"):
            path = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"<\1>", str(rule))
            found |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return an application that handles no requests."""
    return create_app(settings_for(tmp_path_factory.mktemp("docs")))


def test_the_readme_lists_every_setting_with_its_default_in_the_order_of_the_code() -> None:
    told = [
        (name.strip("`"), default.strip("`")) for name, default, _ in rows(README, "Name", "Default", "What it does")
    ]
    assert told == [(setting.name, setting.default or "empty") for setting in config.SETTINGS]


def test_the_readme_says_of_every_setting_what_it_does() -> None:
    assert all(len(says) > 10 for _, _, says in rows(README, "Name", "Default", "What it does"))


def test_the_readme_lists_every_route_and_no_other(application: Flask) -> None:
    told = [
        (method, path.strip("`"))
        for methods, path, _, _ in rows(README, "Method", "Path", "Who", "What")
        for method in re.findall(r"`([A-Z]+)`", methods)
    ]
    assert len(told) == len(set(told))
    assert set(told) == routes_of(application)


def commands_of(app: Flask) -> set[str]:
    """Return the names of all commands of the application."""
    found = set()
    for name, command in app.cli.commands.items():
        if isinstance(command, click.Group) and name not in FLASKS_OWN:
            found |= {f"{name} {each}" for each in command.commands}
        elif name not in FLASKS_OWN:
            found.add(name)
    return found


def test_the_readme_lists_every_command_and_no_other(application: Flask) -> None:
    told = {cells[0].strip("`").removeprefix("flask ") for cells in rows(README, "Command", "What it does")}
    ours = commands_of(application)
    assert len(ours) > 4
    for command in ours:
        assert any(f"{line} ".startswith(f"{command} ") for line in told), f"flask {command} is not in README.md"
    for line in told - {"db upgrade [-x quiet]"}:
        assert any(f"{line} ".startswith(f"{command} ") for command in ours), f"there is no flask {line}"


def test_the_readme_names_every_table() -> None:
    tables = re.search(r"\*\*Tables:\*\* ([^.]+)\.", README)
    assert tables
    assert set(re.findall(r"`(\w+)`", tables[1])) == set(db.metadata.tables)
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    told = {name.strip("`") for name, _, _ in rows(architecture, "Table", "One row is", "Ends")}
    assert told == set(db.metadata.tables)


@EACH
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`[^`\n]*\bmake ([a-z-]+)`", path.read_text()))
    assert named <= targets


@EACH
def test_every_file_that_is_named_exists(path: Path) -> None:
    text = prose(path.read_text())
    named = set(re.findall(rf"`((?:[\w.-]+/)*[\w.-]+\.(?:{KINDS}))(?:::\w+)*`", text))
    named |= set(re.findall(r"`((?:[\w.-]+/)+)`", text)) - {"instance/"}
    for name in sorted(named):
        anywhere = ("*/", "*/*/", "*/*/*/") if "/" not in name else ()
        assert any(any(ROOT.glob(each + name)) for each in ("", *anywhere)), f"{path.name} names {name}"


@EACH
def test_every_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose(path.read_text()))
    for link in links:
        if not link.startswith("https://"):
            assert (path.parent / link).is_file(), f"{path.name} links to {link}"


@EACH
def test_every_test_that_is_named_exists(path: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text()):
        assert re.search(rf"^\s*(?:def|class) {name}\b", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


@EACH
def test_every_python_name_of_a_module_of_ours_exists(path: Path) -> None:
    modules = "|".join(sorted({"accounts", "cms", *(source.stem for source in ROOT.glob("*.py"))}))
    for dotted in re.findall(rf"`((?:{modules})(?:\.\w+)+)(?:\(\))?`", prose(path.read_text())):
        *inside, last = dotted.split(".")
        if last not in KINDS.split("|"):
            files = [ROOT.joinpath(*inside).with_suffix(".py"), ROOT.joinpath(*inside, "__init__.py")]
            found = any(file.is_file() and re.search(rf"\b{last}\b", file.read_text()) for file in files)
            assert found or ROOT.joinpath(*inside, f"{last}.py").is_file(), f"{path.name} names {dotted}"


def names_in(path: Path) -> set[str]:
    """Return every string and every attribute in a file, which include the names of the settings that it uses."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_every_setting_is_used() -> None:
    """Each is read by a module, by Flask, by the Makefile, or in `config.py` for an extension."""
    used = set().union(*(names_in(path) for path in sources() if path.name != "config.py"))
    used |= set(Flask.default_config)
    used |= set(re.findall(r"\$\((\w+)\)", (ROOT / "Makefile").read_text()))
    used |= set(re.findall(r'values\["(\w+)"\]', (ROOT / "config.py").read_text()))
    assert {setting.name for setting in config.SETTINGS} <= used


def test_the_numbers_of_the_security_document_are_the_defaults() -> None:
    defaults = {setting.name: setting.default for setting in config.SETTINGS}
    told = re.findall(r"`([A-Z][A-Z_]+)` = `?([^\s`,;|)]+)", SECURITY)
    assert len(told) > 15
    for name, value in told:
        assert defaults[name] == value, f"{name} is {defaults[name]}, not {value}"


def test_the_security_document_names_every_number_of_a_rule() -> None:
    names = [setting.name for setting in config.SETTINGS]
    rules = names[names.index("CAPTCHA_SECONDS") :]
    assert [name for name in rules if f"`{name}`" not in SECURITY] == []


def test_the_probabilities_of_the_security_document_follow_from_the_numbers() -> None:
    defaults = {setting.name: setting.default for setting in config.SETTINGS}
    tries, day = int(defaults["CAPTCHA_TRIES"]), int(defaults["CAPTCHA_TRIES_PER_DAY"])
    a_try, target = 1 / 10**6, int(defaults["CAPTCHA_TRIES_PER_ADDRESS_PER_DAY"])
    probabilities = {
        "a day": day * a_try,
        "24 hours, at worst": (2 * day - 1) * a_try,
        "a year": 1 - (1 - day * a_try) ** 365,
        "a hundred accounts, a year": 1 - (1 - day * a_try) ** 36500,
        "one new address, a day": target * a_try,
        "one new address, a year": 1 - (1 - target * a_try) ** 365,
        "both codes, a day": day / tries * (tries * a_try) ** 2,
        "both codes, a year": 365 * day / tries * (tries * a_try) ** 2,
    }
    told = {name: float(value) for name, value, _ in rows(SECURITY, "Span", "Probability", "Formula")}
    assert told == {name: pytest.approx(value, rel=0.01) for name, value in probabilities.items()}


def test_the_changelog_begins_with_what_is_unreleased_and_that_with_security() -> None:
    headings = re.findall(r"^(##+ .+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["## Unreleased", "### Security"]


def marks(title: str) -> tuple[int, int]:
    """Return the number of statements and cache round trips that the architecture document shows for a request."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    part = text.partition(f"## One request: POST {title}\n")[2].partition("\n## ")[0]
    return part.count("**SQL**"), part.count("**cache**")


def test_the_architecture_document_shows_every_statement_and_round_trip(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    ann.token()
    with record_steps(sqlite_env.app) as asked:
        assert ann.ask("new@example.com").status == 200
    code = sqlite_env.code_to("new@example.com")
    with record_steps(sqlite_env.app) as confirmed:
        assert ann.confirm("new@example.com", code).status == 200
    for title, steps in (("/cms/email_captcha/", asked), ("/cms/resetemail/", confirmed)):
        statements, round_trips = marks(title)
        assert count_steps(steps) == (statements, 1, round_trips)


def test_pre_commit_runs_what_make_check_runs() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    program = r"ruff format|ruff check|mypy|djlint|eslint|node --test|tests/test_translations\.py tests/check_html\.py"
    run = re.findall(program, recipe)
    assert len(run) == recipe.count("\n\t")
    assert re.findall(program, "\n".join(re.findall(r"entry: (.+)", hooks))) == run


NODES = {"accounts/flows/": "flows", "accounts/mail/": "mail", "accounts/operations/": "operations", "cms/": "cms"}
FILES = {"app.py": "front", "commands.py": "front", "accounts/unit_of_work.py": "work"}


def node_of(path: Path) -> str:
    """Return the name that a file has in the picture of the architecture."""
    name = str(path.relative_to(ROOT))
    folder = next((node for start, node in NODES.items() if name.startswith(start)), None)
    return FILES.get(name) or folder or ("owners" if name.startswith("accounts/") else path.stem)


def imported_nodes(path: Path) -> set[str]:
    """Return the other nodes of the picture that a file imports from."""
    found = set()
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.ImportFrom):
            names = [statement.module or "", *(f"{statement.module}.{alias.name}" for alias in statement.names)]
        elif isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            continue
        files = {ROOT / f"{name.replace('.', '/')}{end}" for name in names for end in (".py", "/__init__.py")}
        found |= {node_of(file) for file in files if file.is_file() and file != ROOT / "accounts" / "__init__.py"}
    return found - {node_of(path)}


def arrows() -> set[tuple[str, str]]:
    """Return the solid arrows of the picture, from and to."""
    text = (
        (ROOT / "docs" / "architecture.md").read_text().partition("```mermaid\nflowchart TD\n")[2].partition("```")[0]
    )
    lines = [re.sub(r"\[[^]]*\]", "", line).strip() for line in text.splitlines() if " --> " in line]
    ends = [[end.split(" & ") for end in line.split(" --> ")] for line in lines]
    return {(start, end) for starts, targets in ends for start in starts for end in targets}


def test_the_picture_of_the_architecture_shows_what_is_imported() -> None:
    modules = [path for path in sources() if path.name != "gunicorn.conf.py"]  # Not part of the layers.
    imported = {(node_of(path), node) for path in modules for node in imported_nodes(path)}
    assert arrows() <= imported, "an arrow without an import"
    below = arrows()
    while more := {(start, end) for start, middle in below for again, end in below if middle == again} - below:
        below |= more
    assert imported <= below, "an import without a path in the picture"


@EACH
def test_a_document_names_no_machine(path: Path) -> None:
    """The paths of examples are below /srv, /etc and /var, and their hosts below example.com."""
    text = path.read_text()
    assert not re.search(r"/(?:work|home|root|tmp)/", text)
    for host in re.findall(r"https?://([\w.-]+)", text):
        assert host.endswith("example.com") or host in ("127.0.0.1", "NAME", "host"), host
