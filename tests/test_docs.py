"""The documents agree with the code: settings, routes, words, commands, files and numbers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

import config
from accounts.factors import authenticator_app, recovery_codes
from app import create_app
from models import db
from tests.environments import Environment, settings_for
from tests.servers import ROOT
from tests.work import count_steps, record_steps

README = (ROOT / "README.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EACH_DOCUMENT = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
KINDS = "py|md|txt|html|js|mjs|css|svg|png|lock|toml|cfg|ini|json|po|sh|conf|service|timer|yaml"
FLASK_COMMANDS = {"run", "shell", "routes", "db"}


def table_rows(text: str, *header: str) -> list[list[str]]:
    """Return the rows of the only table with this header."""
    first = f"| {' | '.join(header)} |\n"
    assert text.count(first) == 1, f"one table with the header {first!r}"
    body = text.partition(first)[2].splitlines()[1:]
    ends = next((number for number, line in enumerate(body) if not line.startswith("|")), len(body))
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in body[:ends]]


def remove_code_blocks(text: str) -> str:
    """Return a document without its code blocks, which contain examples."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def find_sources() -> Iterator[Path]:
    """Yield the Python files of the product."""
    yield from sorted(
        [*ROOT.glob("*.py"), *ROOT.glob("accounts/**/*.py"), *ROOT.glob("cms/**/*.py"), *ROOT.glob("telemetry/*.py")]
    )


def list_routes(app: Flask) -> set[tuple[str, str]]:
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
    documented = [
        (name.strip("`"), default.strip("`"))
        for name, default, _ in table_rows(README, "Name", "Default", "What it does")
    ]
    assert documented == [(setting.name, setting.default or "empty") for setting in config.SETTINGS]


def test_the_readme_describes_every_setting() -> None:
    assert all(len(description) > 10 for _, _, description in table_rows(README, "Name", "Default", "What it does"))


def test_the_readme_lists_exactly_the_routes(application: Flask) -> None:
    documented = [
        (method, path.strip("`"))
        for methods, path, _, _ in table_rows(README, "Method", "Path", "Who", "What")
        for method in re.findall(r"`([A-Z]+)`", methods)
    ]
    assert len(documented) == len(set(documented))
    assert set(documented) == list_routes(application)


def list_commands(app: Flask) -> set[str]:
    """Return the names of all commands of the application."""
    found = set()
    for name, command in app.cli.commands.items():
        if isinstance(command, click.Group) and name not in FLASK_COMMANDS:
            found |= {f"{name} {each}" for each in command.commands}
        elif name not in FLASK_COMMANDS:
            found.add(name)
    return found


def test_the_readme_lists_exactly_the_commands(application: Flask) -> None:
    documented = {cells[0].strip("`").removeprefix("flask ") for cells in table_rows(README, "Command", "What it does")}
    commands = list_commands(application)
    assert len(commands) > 4
    for command in commands:
        assert any(f"{line} ".startswith(f"{command} ") for line in documented), f"flask {command} is not in README.md"
    for line in documented - {"db upgrade [-x quiet]"}:
        assert any(f"{line} ".startswith(f"{command} ") for command in commands), f"there is no flask {line}"


def test_the_readme_names_every_table() -> None:
    tables = re.search(r"\*\*Tables:\*\* ([^.]+)\.", README)
    assert tables
    assert set(re.findall(r"`(\w+)`", tables[1])) == set(db.metadata.tables)
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    documented = {name.strip("`") for name, _, _ in table_rows(architecture, "Table", "One row is", "Ends")}
    assert documented == set(db.metadata.tables)


@EACH_DOCUMENT
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`[^`\n]*\bmake ([a-z-]+)`", path.read_text()))
    assert named <= targets


@EACH_DOCUMENT
def test_every_file_that_is_named_exists(path: Path) -> None:
    text = remove_code_blocks(path.read_text())
    named = set(re.findall(rf"`((?:[\w.-]+/)*[\w.-]+\.(?:{KINDS}))(?:::\w+)*`", text))
    named |= set(re.findall(r"`((?:[\w.-]+/)+)`", text)) - {"instance/"}
    for name in sorted(named):
        anywhere = ("*/", "*/*/", "*/*/*/", "*/*/*/*/") if "/" not in name else ()
        assert any(any(ROOT.glob(each + name)) for each in ("", *anywhere)), f"{path.name} names {name}"


@EACH_DOCUMENT
def test_every_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", remove_code_blocks(path.read_text()))
    for link in links:
        if not link.startswith("https://"):
            assert (path.parent / link).is_file(), f"{path.name} links to {link}"


@EACH_DOCUMENT
def test_every_test_that_is_named_exists(path: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text()):
        assert re.search(rf"^\s*(?:def|class) {name}\b", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


@EACH_DOCUMENT
def test_every_python_name_that_is_named_exists(path: Path) -> None:
    modules = "|".join(sorted({"accounts", "cms", "telemetry", *(source.stem for source in ROOT.glob("*.py"))}))
    for dotted in re.findall(rf"`((?:{modules})(?:\.\w+)+)(?:\(\))?`", remove_code_blocks(path.read_text())):
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
    used = set().union(*(names_in(path) for path in find_sources() if path.name != "config.py"))
    used |= set(Flask.default_config)
    used |= set(re.findall(r"\$\((\w+)\)", (ROOT / "Makefile").read_text()))
    used |= set(re.findall(r'values\["(\w+)"\]', (ROOT / "config.py").read_text()))
    assert {setting.name for setting in config.SETTINGS} <= used


def test_the_numbers_in_the_security_document_are_the_defaults() -> None:
    defaults = {setting.name: setting.default for setting in config.SETTINGS}
    documented = re.findall(r"`([A-Z][A-Z_]+)` = `?([^\s`,;|)]+)", SECURITY)
    assert len(documented) > 15
    for name, value in documented:
        assert defaults[name] == value, f"{name} is {defaults[name]}, not {value}"


def test_the_security_document_names_every_number_of_a_rule() -> None:
    names = [setting.name for setting in config.SETTINGS]
    rules = names[names.index("CAPTCHA_SECONDS") :]
    assert [name for name in rules if f"`{name}`" not in SECURITY] == []


def test_the_probabilities_in_the_security_document_follow_from_the_numbers() -> None:
    defaults = {setting.name: setting.default for setting in config.SETTINGS}
    tries, day = int(defaults["CAPTCHA_TRIES"]), int(defaults["CAPTCHA_TRIES_PER_DAY"])
    probability, per_address = 1 / 10**6, int(defaults["CAPTCHA_TRIES_PER_ADDRESS_PER_DAY"])
    probabilities = {
        "a day": day * probability,
        "24 hours, at worst": (2 * day - 1) * probability,
        "a year": 1 - (1 - day * probability) ** 365,
        "a hundred accounts, a year": 1 - (1 - day * probability) ** 36500,
        "one new address, a day": per_address * probability,
        "one new address, a year": 1 - (1 - per_address * probability) ** 365,
        "both codes, a day": day / tries * (tries * probability) ** 2,
        "both codes, a year": 365 * day / tries * (tries * probability) ** 2,
    }
    documented = {name: float(value) for name, value, _ in table_rows(SECURITY, "Span", "Probability", "Formula")}
    assert documented == {name: pytest.approx(value, rel=0.01) for name, value in probabilities.items()}


def test_the_odds_of_guessing_a_second_factor_follow_from_the_numbers() -> None:
    defaults = {setting.name: setting.default for setting in config.SETTINGS}
    tries = int(defaults["SECOND_FACTOR_TRIES_PER_DAY"])
    code = (2 * authenticator_app.DRIFT_STEPS + 1) / 10**6
    recovery_code = recovery_codes.COUNT / len(recovery_codes.ALPHABET) ** recovery_codes.LENGTH
    odds = {
        "a code of an app, a day": tries * code,
        "a code of an app, 24 hours, at worst": (2 * tries - 1) * code,
        "a code of an app, a year": 1 - (1 - tries * code) ** 365,
        "a recovery code, a day": tries * recovery_code,
        "a recovery code, a year": 365 * tries * recovery_code,
    }
    rows = table_rows(SECURITY, "Guessing a second factor", "Odds", "How they are calculated")
    assert {name: float(value) for name, value, _ in rows} == {
        name: pytest.approx(value, rel=0.01) for name, value in odds.items()
    }


def test_the_changelog_begins_with_unreleased_changes_and_those_with_security() -> None:
    headings = re.findall(r"^(##+ .+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["## Unreleased", "### Security"]


def count_marks(title: str) -> tuple[int, int]:
    """Return the number of statements and cache round trips that the architecture document shows for a request."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    part = text.partition(f"## One request: POST {title}\n")[2].partition("\n## ")[0]
    return part.count("**SQL**"), part.count("**cache**")


def test_the_architecture_document_shows_every_statement_and_round_trip(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    ann.token()
    with record_steps(sqlite_env.app) as requesting:
        assert ann.ask("new@example.com").status == 200
    code = sqlite_env.code_to("new@example.com")
    with record_steps(sqlite_env.app) as confirming:
        assert ann.confirm("new@example.com", code).status == 200
    for title, steps in (("/cms/email_captcha/", requesting), ("/cms/resetemail/", confirming)):
        statements, round_trips = count_marks(title)
        assert count_steps(steps) == (statements, 1, round_trips)


def test_pre_commit_runs_what_make_check_runs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = "".join(re.findall(r"^check-\w+:.*((?:\n\t.+)+)", makefile, re.MULTILINE))
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    program = r"ruff format|ruff check|mypy|djlint|eslint|node --test|tests/test_translations\.py tests/check_html\.py"
    run = re.findall(program, recipe)
    assert len(run) == recipe.count("\n\t")
    assert re.findall(program, "\n".join(re.findall(r"entry: (.+)", hooks))) == run


NODES = {
    "accounts/factors/": "factors",
    "accounts/flows/": "flows",
    "accounts/mail/": "mail",
    "accounts/operations/": "operations",
    "accounts/webhooks/": "webhooks",
    "cms/": "cms",
    "telemetry/": "telemetry",
}
FILES = {"app.py": "front", "commands.py": "front", "accounts/unit_of_work.py": "work"}


def find_node(path: Path) -> str:
    """Return the node of a file in the diagram of the architecture."""
    name = str(path.relative_to(ROOT))
    folder = next((node for start, node in NODES.items() if name.startswith(start)), None)
    return FILES.get(name) or folder or ("owners" if name.startswith("accounts/") else path.stem)


def find_imported_nodes(path: Path) -> set[str]:
    """Return the other nodes of the diagram from which a file imports."""
    found = set()
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.ImportFrom):
            names = [statement.module or "", *(f"{statement.module}.{alias.name}" for alias in statement.names)]
        elif isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            continue
        files = {ROOT / f"{name.replace('.', '/')}{end}" for name in names for end in (".py", "/__init__.py")}
        found |= {find_node(file) for file in files if file.is_file() and file != ROOT / "accounts" / "__init__.py"}
    return found - {find_node(path)}


def read_arrows() -> set[tuple[str, str]]:
    """Return the solid arrows of the diagram as pairs of nodes."""
    text = (
        (ROOT / "docs" / "architecture.md").read_text().partition("```mermaid\nflowchart TD\n")[2].partition("```")[0]
    )
    lines = [re.sub(r"\[[^]]*\]", "", line).strip() for line in text.splitlines() if " --> " in line]
    ends = [[end.split(" & ") for end in line.split(" --> ")] for line in lines]
    return {(start, end) for starts, targets in ends for start in starts for end in targets}


def test_the_diagram_of_the_architecture_shows_the_imports() -> None:
    modules = [path for path in find_sources() if path.name != "gunicorn.conf.py"]  # Not part of the layers.
    imported = {(find_node(path), node) for path in modules for node in find_imported_nodes(path)}
    assert read_arrows() <= imported, "an arrow without an import"
    below = read_arrows()
    while indirect := {(start, end) for start, middle in below for again, end in below if middle == again} - below:
        below |= indirect
    assert imported <= below, "an import without a path in the diagram"


@EACH_DOCUMENT
def test_documents_contain_no_paths_or_hosts_of_a_machine(path: Path) -> None:
    """Paths in examples are below /srv, /etc and /var, and hosts are below example.com."""
    text = path.read_text()
    assert not re.search(r"/(?:work|home|root|tmp)/", text)
    for host in re.findall(r"https?://([\w.-]+)", text):
        assert host.endswith("example.com") or host in ("127.0.0.1", "localhost", "NAME", "host", "cms"), (
            host
        )  # "cms" is the upstream of nginx.
