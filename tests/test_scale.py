"""Pages with a hundred thousand administrators: their statements, and the rows that these read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from models import db
from tests.environments import Environment
from tests.stories.admin_steps import create_many, id_of, superuser
from tests.stories.test_administrators import listed_usernames

COUNT = 100_000
# SQL statements of the list: session, administrators, pending changes, started changes, resets, invitations; and of the
# page of one administrator: session, administrator, sessions, a page of the history.
LIST, ONE = 6, 4
# The limit of steps of SQLite's virtual machine for the list: it needs some dozens for each of the 51 rows that it
# returns, and would need more than half a million to read every row.
MAX_STEPS = 5_000


def username(number: int) -> str:
    """Return the username of an administrator."""
    return f"user-{number:06}"


def usernames(first: int, last: int, step: int = 1) -> list[str]:
    """Return the usernames of a range of administrators."""
    return [username(number) for number in range(first, last + step, step)]


PAGES = {
    "": ["boss", *usernames(1, 49)],
    "sort=email": ["boss", *usernames(COUNT, COUNT - 48, -1)],
    f"after={username(90_000)}": usernames(90_001, 90_050),
    f"after={username(COUNT)}": [],
    "sort=email&after=mail-990000@example.com": usernames(9_999, 9_950, -1),
    "q=user-0500": usernames(50_000, 50_049),
    f"q=USER-&after={username(90_000)}": usernames(90_001, 90_050),
    "q=nobody": [],
    "sort=email&q=mail-9000": usernames(COUNT, COUNT - 49, -1),
    "sort=email&q=mail-&after=mail-990000@example.com": usernames(9_999, 9_950, -1),
}


@contextmanager
def record_statements(env: Environment) -> Iterator[list[tuple[str, Any]]]:
    """Record the statements and parameters within the context."""
    statements: list[tuple[str, Any]] = []
    with env.app.app_context():
        engine = db.engine

    def record(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)


@pytest.mark.slow
def test_the_cost_of_the_list_does_not_depend_on_the_number_of_administrators(env: Environment) -> None:
    boss = superuser(env)
    few = count_statements(env, boss)
    create_many(env, COUNT)
    assert count_statements(env, boss) == few == (LIST, ONE)
    for query, shown in PAGES.items():
        with record_statements(env) as statements:
            page = boss.page(f"/cms/users/?{query}")
        assert listed_usernames(page) == shown, query
        assert len(statements) == LIST, query
        ((statement, parameters),) = [each for each in statements if "LIMIT" in each[0] and "FROM cms_user" in each[0]]
        index = f"uq_cms_user_{'email' if 'sort=email' in query else 'username'}_key"
        explain = check_plan_on_sqlite if env.name.startswith("sqlite") else check_plan_on_postgresql
        explain(env, statement, parameters, index)


def count_statements(env: Environment, boss: Any) -> tuple[int, int]:
    """Return the numbers of statements of the list and of the page of one administrator."""
    numbers = []
    for path in ("/cms/users/", f"/cms/users/{id_of(env, boss.email)}/"):
        with record_statements(env) as statements:
            assert boss.page(path).status == 200
        numbers.append(len(statements))
    return numbers[0], numbers[1]


def check_plan_on_postgresql(env: Environment, statement: str, parameters: Any, index: str) -> None:
    """Check in the plan of PostgreSQL that only a range of the index is read, from the beginning of the page."""
    with env.app.app_context(), db.engine.connect() as connection:
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
        found = connection.exec_driver_sql(explain, parameters).scalar_one()
    limit = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    (scan,) = limit["Plans"]
    assert (limit["Node Type"], scan["Node Type"]) == ("Limit", "Index Scan"), limit
    assert (scan["Index Name"], scan["Scan Direction"]) == (index, "Forward")
    assert "Plans" not in scan
    assert scan["Actual Rows"] <= 51
    assert scan.get("Rows Removed by Filter", 0) == 0, "rows are read and discarded"


def check_plan_on_sqlite(env: Environment, statement: str, parameters: Any, index: str) -> None:
    """Check in the plan of SQLite that a range of the index is read, and check the number of steps."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 100

    with env.app.app_context(), db.engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(step, 100)
        try:
            rows = connection.exec_driver_sql(statement, parameters).all()
        finally:
            driver.set_progress_handler(None, 0)
        # SQLite names the indexes of UNIQUE constraints itself; the index is identified by its column.
        indexes = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE tbl_name = 'cms_user'").scalars()
        columns = {each: index_columns(connection, each) for each in indexes}
    assert len(plan) == 1, plan  # No sort and no other table.
    assert plan[0].startswith("SEARCH cms_user USING INDEX "), plan
    assert columns[plan[0].split()[4]] == [index.removeprefix("uq_cms_user_")]
    assert len(rows) <= 51
    assert steps <= MAX_STEPS, "rows are read and discarded"


def index_columns(connection: Any, index: str) -> list[str]:
    """Return the columns of an index."""
    return [row[2] for row in connection.exec_driver_sql(f"PRAGMA index_info('{index}')")]


@pytest.mark.parametrize("statement", ["SELECT * FROM cms_user ORDER BY username LIMIT 51"])
def test_a_statement_that_reads_every_row_is_detected(env: Environment, statement: str) -> None:
    """The checks of the plans fail for a statement that sorts by a column without an index."""
    create_many(env, 2_000)
    explain = check_plan_on_sqlite if env.name.startswith("sqlite") else check_plan_on_postgresql
    with pytest.raises(AssertionError):
        explain(env, statement, (), "uq_cms_user_username_key")
