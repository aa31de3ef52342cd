"""accounts/operations/doctor.py and readiness.py: every check reports its problem, and none prevents the others."""

from pathlib import Path

import pytest

from accounts.errors import Draining, NobodyThere
from accounts.flows import new_password
from accounts.operations import doctor, readiness
from accounts.origin import COMMAND_LINE
from tests.environments import PRODUCTION, Environment, set_revision

CHECKS = [
    *("database", "clock", "cache", "mail server", "outbox", "sender", "numbers", "secret key", "hosts", "files"),
]


def find_problems(env: Environment, **settings: str) -> dict[str, str]:
    """Return the problems of an application with these settings by the name of the check."""
    app = env.build(**settings) if settings else env.app
    with app.app_context():
        results = list(doctor.run_checks())
    assert [name for name, _ in results] == CHECKS
    return {name: problem for name, problem in results if problem is not None}


@pytest.fixture
def env(sqlite_env: Environment) -> Environment:
    """Return the environment with the embedded defaults."""
    return sqlite_env


def test_the_embedded_defaults_have_no_problem(env: Environment) -> None:
    assert find_problems(env) == {}


@pytest.mark.parametrize(
    ("present", "problem"),
    [
        ("0001", "is at migration 0001, not {}: run `flask --app app db upgrade`"),
        ("9999", "is at migration 9999, which a newer version has made: this version ends at {}"),
    ],
)
def test_a_database_that_is_not_at_the_newest_migration_is_reported(
    env: Environment, present: str, problem: str
) -> None:
    with set_revision(env.app, present) as newest:
        assert find_problems(env)["database"] == problem.format(newest)


def test_a_database_without_tables_is_reported_once_and_the_other_checks_run(env: Environment, tmp_path: Path) -> None:
    found = find_problems(env, DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    assert found.keys() == {"database"}
    assert found["database"].startswith("is at migration None")


def test_a_cache_that_returns_wrong_values_is_reported(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env.app.extensions["cache"], "incr", lambda _: 7)
    expected = [True, False, 2, 2, "text", True, False, None]
    assert (
        find_problems(env)["cache"] == f"returned [True, False, 7, 1, 'text', True, False, None] instead of {expected}"
    )


def test_a_mail_server_that_cannot_be_reached_is_reported_in_one_line(env: Environment) -> None:
    problem = find_problems(env, MAIL_SERVER="127.0.0.1", MAIL_PORT="1")["mail server"]
    assert problem.startswith("ConnectionRefusedError: ")
    assert "\n" not in problem


@pytest.mark.parametrize(("sender", "is_reported"), [("CMS <cms@localhost>", True), ("cms@example.com", False)])
def test_a_sender_that_no_mail_server_accepts_is_reported(env: Environment, sender: str, is_reported: bool) -> None:
    found = find_problems(env, MAIL_SERVER="127.0.0.1", MAIL_PORT="1", MAIL_DEFAULT_SENDER=sender)
    assert ("sender" in found) is is_reported


@pytest.mark.parametrize(("tries", "is_reported"), [("100", False), ("101", True)])
def test_more_than_a_hundred_tries_a_day_are_reported(env: Environment, tries: str, is_reported: bool) -> None:
    assert ("numbers" in find_problems(env, CAPTCHA_TRIES_PER_DAY=tries)) is is_reported


def test_a_weak_secret_key_is_reported(env: Environment) -> None:
    assert "is too weak" in find_problems(env, SECRET_KEY="x" * 64)["secret key"]
    assert "secret key" not in find_problems(env)


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        ("", "TRUSTED_HOSTS is not set: every host name is accepted"),
        ("other.example.com", "TRUSTED_HOSTS does not contain cms.example.com, the host of SITE_URL"),
        ("cms.example.com", ""),
        (".example.com", ""),
    ],
)
def test_in_production_the_host_of_links_in_mails_must_be_trusted(env: Environment, hosts: str, problem: str) -> None:
    server = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": "1"}
    found = find_problems(env, **PRODUCTION, **server, TRUSTED_HOSTS=hosts).get("hosts", "")
    assert found.startswith(problem)
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(("mode", "is_reported"), [(0o700, False), (0o750, True), (0o701, True)])
def test_a_folder_that_others_can_open_is_reported(env: Environment, mode: int, is_reported: bool) -> None:
    folder = Path(env.settings["INSTANCE_DIR"])
    before = folder.stat().st_mode
    folder.chmod(mode)
    try:
        assert ("files" in find_problems(env)) is is_reported
    finally:
        folder.chmod(before)


def test_a_server_that_drains_is_not_ready(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    is_draining = False
    monkeypatch.setitem(env.app.extensions, "is_draining", lambda: is_draining)
    with env.app.app_context():
        assert readiness.check() is None
        is_draining = True
        with pytest.raises(Draining):
            readiness.check()


@pytest.mark.usefixtures("in_sqlite_app")
def test_setting_the_password_of_an_account_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NobodyThere):
        new_password.set_by_operator(999, "a new password", reason="", origin=COMMAND_LINE)
