"""accounts/operations/schema.py: `/readyz` withdraws a version whose migrations are missing, and no other."""

import logging
from pathlib import Path

import pytest

from tests.environments import Environment, set_revision
from tests.servers import PostgresServer

BEHIND = "SchemaBehind: the database is at {}, not {}: run `flask --app app db upgrade`"
AHEAD = "the database is at revision 9999, which a newer version has made; the newest of this version is {}"


def list_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log without those of the requests themselves."""
    return [message for message in caplog.messages if message != "request"]


def test_a_missing_migration_withdraws_the_server_and_only_the_log_tells_why(
    env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    with set_revision(env.app, "0001") as newest:
        answer = env.visitor().get_as_script("/readyz")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    told = answer.text.replace(answer.data["reference"], "")  # A random number, which may contain the revisions.
    assert not any(word in told for word in ("0001", newest, "upgrade", "Schema"))
    (line,) = list_messages(caplog)
    assert line.endswith(BEHIND.format("0001", newest))
    assert env.visitor().get_as_script("/readyz").status == 200


@pytest.mark.real_time
def test_a_newer_schema_withdraws_nothing_and_is_logged_once(
    env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    app = env.build()
    with set_revision(app, "9999") as newest, caplog.at_level(logging.INFO):
        statuses = [env.visitor(app=app).get_as_script("/readyz").status for _ in range(5)]
    assert statuses == [200] * 5
    assert list_messages(caplog) == [AHEAD.format(newest)]


def test_a_newer_schema_serves_the_requests_of_this_version(env: Environment) -> None:
    with set_revision(env.app, "9999"):
        ann = env.person()
        assert ann.ask("new@example.com").status == 200
        assert ann.confirm("new@example.com", env.code_to("new@example.com")).status == 200


def test_a_database_without_tables_withdraws_the_server(
    sqlite_env: Environment, tmp_path: Path, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with postgres.database("template1") as empty:
        for url in (f"sqlite:///{tmp_path}/empty.db", empty):
            app = sqlite_env.build(DATABASE_URL=url)
            caplog.clear()
            assert sqlite_env.visitor(app=app).get_as_script("/readyz").status == 503
            (line,) = list_messages(caplog)
            assert "SchemaBehind: the database is at no revision, not " in line
            assert sqlite_env.visitor(app=app).get_as_script("/healthz").status == 200
