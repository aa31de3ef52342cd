"""The architecture (docs/architecture.md): the imports that each module may have, and its responsibility."""

import ast
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from flask import Flask

from app import create_app
from tests.servers import ROOT

LOWEST = ("forms", "models", "cache", "config", "operator_files", "validators", "confusables")
PACKAGES = ("accounts", "cms", "telemetry", "app", "commands", *LOWEST)
MAY_IMPORT = {
    "app": {"accounts", "cms", "commands", "telemetry", *LOWEST},
    "commands": {"accounts", "cms", "telemetry", *LOWEST},
    "cms": {"accounts", "cms", "telemetry", "forms", "models", "validators"},
    "accounts": {"accounts", "telemetry", "models", "cache", "confusables"},
    "telemetry": {"telemetry"},
    **{module: set[str]() for module in LOWEST},
    "forms": {"validators"},
    "cache": {"telemetry"},
    "config": {"operator_files"},
    "validators": {"confusables"},
}
SOURCES = sorted(
    [*ROOT.glob("*.py"), *(path for name in ("accounts", "cms", "telemetry") for path in ROOT.glob(f"{name}/**/*.py"))]
)


def package_of(path: Path) -> str:
    """Return the package or top-level module that a file belongs to."""
    inside = path.relative_to(ROOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of the syntax tree of a file."""
    return tuple(ast.walk(tree_of(path)))


@cache
def imports_of(path: Path) -> tuple[tuple[str, str], ...]:
    """Return every import of a file, including those inside functions: the module, and the imported name or ""."""
    found: list[tuple[str, str]] = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: use absolute imports"
            found += ((node.module or "", alias.name) for alias in node.names)
    return tuple(found)


@cache
def calls_of(path: Path) -> frozenset[str]:
    """Return the names of the functions and methods that a file calls."""
    names = [node.func for node in nodes_of(path) if isinstance(node, ast.Call)]
    return frozenset(name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "") for name in names)


def files_where(condition: Callable[[Path], bool]) -> set[str]:
    """Return the files that meet a condition."""
    return {str(path.relative_to(ROOT)) for path in SOURCES if condition(path)}


def nodes_where(condition: Callable[[Path, ast.AST], bool]) -> list[str]:
    """Return the file and the line of each node that meets a condition."""
    found = ((path, node) for path in SOURCES for node in nodes_of(path) if condition(path, node))
    return [f"{path.relative_to(ROOT)}:{node.lineno}" for path, node in found]  # type: ignore[attr-defined]


@cache
def definitions_of(path: Path) -> frozenset[ast.AST]:
    """Return the functions and classes of a file, and the methods of its classes."""
    module = tree_of(path)
    methods = (each for node in module.body if isinstance(node, ast.ClassDef) for each in node.body)
    return frozenset(node for node in (*module.body, *methods) if isinstance(node, ast.FunctionDef | ast.ClassDef))


def imports(path: Path, module: str, *names: str) -> bool:
    """Return whether a file imports a module, or one of these names from it."""
    for found, name in imports_of(path):
        inside = found == module or found.startswith(f"{module}.")
        if inside and (not names or name in names):
            return True
    return False


def test_the_checks_include_every_module() -> None:
    """Without this test, the others would pass for an empty list of files."""
    assert {package_of(path) for path in SOURCES} >= set(PACKAGES)
    assert imports(ROOT / "app.py", "flask", "Flask")
    assert "create_app" not in calls_of(ROOT / "app.py")
    assert "init_app" in calls_of(ROOT / "app.py")


def test_a_module_imports_only_from_lower_layers() -> None:
    def imports_others(path: Path) -> bool:
        imported = {module.partition(".")[0] for module, _ in imports_of(path)} & set(PACKAGES)
        return not imported <= MAY_IMPORT[package_of(path)]

    of_the_operator = ROOT / "gunicorn.conf.py"  # It is not part of the layers.
    assert files_where(lambda path: path != of_the_operator and imports_others(path)) == set()


MAY_IMPORT_INSIDE_ACCOUNTS = {
    "accounts.flows": {"accounts", "accounts.factors", "accounts.mail", "accounts.webhooks", "accounts.flows"},
    "accounts.operations": {
        *("accounts", "accounts.factors", "accounts.mail", "accounts.webhooks", "accounts.operations"),
    },
    "accounts.operations.doctor": {
        *("accounts", "accounts.factors", "accounts.mail", "accounts.webhooks"),
        *("accounts.operations", "accounts.operations.doctor"),
    },
    "accounts.webhooks": {"accounts", "accounts.webhooks"},
    "accounts.factors": {"accounts", "accounts.factors"},
    "accounts.mail": {"accounts", "accounts.mail"},
    "accounts": {"accounts"},
}
# The unit of work enqueues mails, and wakes delivery after the commit.
EXCEPTIONS = {"accounts/unit_of_work.py": {f"accounts.mail.{name}" for name in ("messages", "outbox", "worker")}}


def test_inside_accounts_a_module_imports_only_from_lower_layers() -> None:
    def is_allowed(path: Path, module: str) -> bool:
        folder = ".".join(path.relative_to(ROOT).parts[:-1])
        exceptions = EXCEPTIONS.get(str(path.relative_to(ROOT)), ())
        return module in exceptions or module.rpartition(".")[0] in MAY_IMPORT_INSIDE_ACCOUNTS[folder]

    def imports_others(path: Path) -> bool:
        for module, name in imports_of(path):
            if module.partition(".")[0] == "accounts":
                full = f"{module}.{name}" if (ROOT / module.replace(".", "/")).is_dir() else module
                if not is_allowed(path, full):
                    return True
        return False

    assert files_where(lambda path: package_of(path) == "accounts" and imports_others(path)) == set()


def test_accounts_does_not_depend_on_http() -> None:
    names = ("request", "session", "g", "jsonify", "abort", "redirect", "Request", "Form")

    def depends(path: Path) -> bool:
        of_request = any(imports(path, module, *names) for module in ("flask", "flask_wtf", "wtforms"))
        return of_request or imports(path, "werkzeug")

    assert files_where(lambda path: package_of(path) == "accounts" and depends(path)) == set()


def test_cms_accesses_no_database_and_sends_no_mail() -> None:
    def accesses(path: Path) -> bool:
        return imports(path, "models", "db") or imports(path, "sqlalchemy") or imports(path, "flask_mail")

    assert files_where(lambda path: package_of(path) == "cms" and accesses(path)) == set()


def test_forms_access_no_request_and_no_database() -> None:
    def accesses(path: Path) -> bool:
        return imports(path, "flask", "request", "session", "g", "current_app") or imports(path, "sqlalchemy")

    assert files_where(lambda path: package_of(path) == "forms" and accesses(path)) == set()


def test_no_exception_is_ignored_silently() -> None:
    """There is no bare except, and no `except Exception: pass`."""

    def ignores(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        catches_all = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        return node.type is None or (catches_all and isinstance(node.body[0], ast.Pass))

    assert nodes_where(lambda _, node: ignores(node)) == []


def test_nothing_is_printed() -> None:
    assert files_where(lambda path: "print" in calls_of(path)) == set()


def test_every_public_definition_has_a_docstring() -> None:
    def has_none(path: Path, node: ast.AST) -> bool:
        is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        return is_public and node in definitions_of(path) and not ast.get_docstring(node)

    assert nodes_where(has_none) == []


def test_only_the_cache_imports_memcache() -> None:
    assert files_where(lambda path: imports(path, "memcache")) == {"cache.py"}


def test_only_the_smtp_connection_imports_flask_mail() -> None:
    assert files_where(lambda path: imports(path, "flask_mail")) == {"accounts/mail/smtp.py"}


def test_only_the_sender_of_webhooks_imports_standardwebhooks() -> None:
    assert files_where(lambda path: imports(path, "standardwebhooks")) == {"accounts/webhooks/sender.py"}


def test_only_telemetry_formats_the_log() -> None:
    assert files_where(lambda path: imports(path, "pythonjsonlogger")) == {"telemetry/logs.py"}


def test_only_telemetry_imports_prometheus() -> None:
    users = {"telemetry/metrics.py", "telemetry/exporter.py"}
    assert files_where(lambda path: imports(path, "prometheus_client")) == users


def test_only_the_smtp_connection_and_the_mailbox_import_smtplib() -> None:
    assert files_where(lambda path: imports(path, "smtplib")) == {"accounts/mail/smtp.py", "accounts/mail/mailbox.py"}


def test_only_the_http_client_sends_http_requests() -> None:
    """Others may import the exceptions of `http.client`."""
    clients = ("http.client", "urllib.request", "requests", "urllib3", "httpx")
    found = files_where(lambda path: any(imports(path, client) for client in clients))
    owner = "accounts/http_client.py"
    assert found == {owner, "accounts/breaches.py", "accounts/webhooks/sender.py"}
    for name in found - {owner}:
        (imported,) = [name for module, name in imports_of(ROOT / name) if module == "http.client"]
        assert imported == "HTTPException"


def test_only_the_config_reads_the_environment() -> None:
    def reads(path: Path) -> bool:
        attributes = {node.attr for node in nodes_of(path) if isinstance(node, ast.Attribute)}
        return bool(attributes & {"environ", "getenv", "environb"}) or imports(path, "os", "environ", "getenv")

    assert files_where(reads) == {"config.py"}


def test_use_cases_commit_only_through_the_unit_of_work() -> None:
    """Sessions store the time of their last use; delivery, housekeeping and retention are not use cases."""
    committing = files_where(lambda path: bool({"commit", "rollback", "wake", "wake_if_queued"} & calls_of(path)))
    committing.discard("gunicorn.conf.py")  # It wakes delivery for mail that an earlier process has queued.
    assert committing == {
        *("accounts/unit_of_work.py", "accounts/sessions.py", "accounts/people.py"),
        *("accounts/leases.py", "accounts/mail/delivery.py", "accounts/mail/worker.py"),
        *(f"accounts/webhooks/{name}.py" for name in ("delivery", "queue", "worker")),
        *("accounts/operations/housekeeping.py", "accounts/operations/retention.py"),
    }


def test_only_cms_answers_creates_json() -> None:
    assert files_where(lambda path: "jsonify" in calls_of(path)) == {"cms/answers.py"}
    assert files_where(lambda path: imports(path, "flask", "jsonify")) == {"cms/answers.py"}


def test_only_the_clock_reads_the_time() -> None:
    def reads_time(path: Path) -> bool:
        return bool(calls_of(path) & {"now", "utcnow", "today"}) and imports(path, "datetime", "datetime", "UTC")

    importing = files_where(lambda path: package_of(path) == "accounts" and imports(path, "time"))
    # These measure durations with time.monotonic().
    assert importing == {
        *("accounts/database.py", "accounts/write_queue.py", "accounts/operations/doctor/__init__.py"),
    }
    direct = set()
    for path in SOURCES:
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if node.func.attr in ("now", "utcnow") and isinstance(owner, ast.Name) and owner.id == "datetime":
                    direct.add(str(path.relative_to(ROOT)))
    assert direct == {"accounts/clock.py"}
    assert "accounts/clock.py" in files_where(reads_time)


URL_PATH = re.compile(r"""["'`(=~>]\s*/[a-z]""", re.IGNORECASE)
TEXTS = sorted(
    path
    for folder, endings in (("templates", (".html", ".txt")), ("static", (".js", ".css")))
    for path in (ROOT / folder).rglob("*")
    if path.suffix in endings
)


def test_no_template_script_or_mail_contains_a_path_of_a_page() -> None:
    """Below a prefix, such a path would lead to another application: URLs come from `url_for` and `link_to`."""

    def find_paths(path: Path) -> list[str]:
        text = re.sub(r"\{#.*?#\}|/\*.*?\*/|</\w+", "", path.read_text(), flags=re.DOTALL)
        return URL_PATH.findall(text)

    assert [(path.name, found) for path in TEXTS for found in find_paths(path)] == []


def test_paths_in_templates_and_scripts_are_detected() -> None:
    """Without this test, an expression that finds nothing would go unnoticed."""
    for text in (
        'href="/cms/"',
        "'/cms/login/?next='",
        'site ~ "/cms/stop/"',
        "url(/assets/x.svg)",
        "`/cms/`",
        "href=/x",
    ):
        assert URL_PATH.search(text), text


def test_only_blueprints_contain_the_paths_of_pages() -> None:
    of_blueprints = {
        keyword.value
        for path in SOURCES
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Blueprint"
        for keyword in node.keywords
    }

    def is_path(path: Path, node: ast.AST) -> bool:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in of_blueprints:
            return False
        is_found = re.match(r"/(cms|assets|dev)/", f"{node.value}/") is not None and " " not in node.value
        return is_found and path.name != "gunicorn.conf.py"

    assert nodes_where(is_path) == []


def test_the_names_of_blueprints_templates_and_globals_cannot_collide() -> None:
    """Other pages of the application may have blueprints, templates and globals of any other name."""
    app = create_app({"INSTANCE_DIR": tempfile.mkdtemp(), "METRICS_PORT": "0"})
    bare, environment = Flask("bare").jinja_env, app.jinja_env
    added = set(environment.globals) - set(bare.globals)
    of_flask_babel = {"_", "gettext", "ngettext", "pgettext", "npgettext", "get_locale"}
    of_flask_wtf = {"csrf_token", "csrf_meta_tag"}
    assert {name for name in added if not name.startswith("cms_")} == of_flask_babel | of_flask_wtf
    assert environment.tests.keys() - bare.tests.keys() == {"cms_permitted"}
    assert all(name.startswith("cms_") for name in (*app.blueprints, *app.view_functions))
    templates = ROOT / "templates"
    assert {path.relative_to(templates).parts[0] for path in templates.rglob("*.*")} == {"cms"}
    of_libraries = {"babel", "csrf", "mail", "migrate", "sqlalchemy"}
    assert {name for name in app.extensions if not name.startswith("cms_")} == of_libraries


def test_randomness_comes_from_the_operating_system() -> None:
    """`random` and `uuid1` are predictable, so that codes and tokens from them could be guessed."""
    assert files_where(lambda path: imports(path, "random") or imports(path, "uuid")) == set()
