"""A hundred thousand administrators: the rows that a page reads, as counted by the database."""

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
# SQL statements of a page: who is there, the administrators, their pending changes, the started changes, the
# invitations; or who is there, the one looked at, their sessions, and a page of their history.
LIST, ONE = 5, 4
# What SQLite may do for one list, in steps of its machine: some dozens for each of the 51 rows that it returns. To
# look at every row would be more than half a million.
FEW_STEPS = 5_000


def name(number: int) -> str:
    """Return the user name of one of the crowd."""
    return f"user-{number:06}"


def run(first: int, last: int, step: int = 1) -> list[str]:
    """Return the names of some of the crowd, in their order."""
    return [name(number) for number in range(first, last + step, step)]


PAGES = {
    "": ["boss", *run(1, 49)],
    "sort=email": ["boss", *run(COUNT, COUNT - 48, -1)],
    f"after={name(90_000)}": run(90_001, 90_050),
    f"after={name(COUNT)}": [],
    "sort=email&after=mail-990000@example.com": run(9_999, 9_950, -1),
    "q=user-0500": run(50_000, 50_049),
    f"q=USER-&after={name(90_000)}": run(90_001, 90_050),
    "q=nobody": [],
    "sort=email&q=mail-9000": run(COUNT, COUNT - 49, -1),
    "sort=email&q=mail-&after=mail-990000@example.com": run(9_999, 9_950, -1),
}


@contextmanager
def listened(env: Environment) -> Iterator[list[tuple[str, Any]]]:
    """Write down what the database is asked in the meantime."""
    asked: list[tuple[str, Any]] = []
    with env.app.app_context():
        engine = db.engine

    def ask(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", ask)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", ask)


def test_a_page_of_administrators_costs_the_same_however_many_there_are(env: Environment) -> None:
    boss = superuser(env)
    few = costs(env, boss)
    create_many(env, COUNT)
    assert costs(env, boss) == few == (LIST, ONE)
    for query, shown in PAGES.items():
        with listened(env) as asked:
            page = boss.page(f"/cms/users/?{query}")
        assert listed_usernames(page) == shown, query
        assert len(asked) == LIST, query
        ((statement, parameters),) = [each for each in asked if "LIMIT" in each[0] and "FROM cms_user" in each[0]]
        index = f"uq_cms_user_{'email' if 'sort=email' in query else 'username'}_key"
        explain = of_sqlite if env.name.startswith("sqlite") else of_postgresql
        explain(env, statement, parameters, index)


def costs(env: Environment, boss: Any) -> tuple[int, int]:
    """Return how many statements the list costs, and the page of one administrator."""
    numbers = []
    for path in ("/cms/users/", f"/cms/users/{id_of(env, boss.email)}/"):
        with listened(env) as asked:
            assert boss.page(path).status == 200
        numbers.append(len(asked))
    return numbers[0], numbers[1]


def of_postgresql(env: Environment, statement: str, parameters: Any, index: str) -> None:
    """See in PostgreSQL's plan that a range of the index is read from where the page begins, and nothing else."""
    with env.app.app_context(), db.engine.connect() as connection:
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
        found = connection.exec_driver_sql(explain, parameters).scalar_one()
    limit = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    (scan,) = limit["Plans"]
    assert (limit["Node Type"], scan["Node Type"]) == ("Limit", "Index Scan"), limit
    assert (scan["Index Name"], scan["Scan Direction"]) == (index, "Forward")
    assert "Plans" not in scan
    assert scan["Actual Rows"] <= 51
    assert scan.get("Rows Removed by Filter", 0) == 0, "rows of the range are read and thrown away"


def of_sqlite(env: Environment, statement: str, parameters: Any, index: str) -> None:
    """See in SQLite's plan that a range of the index is read, and count the steps that it takes."""
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
        # SQLite gives the index of a UNIQUE constraint a name of its own: it is told by its column.
        named = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE tbl_name = 'cms_user'").scalars()
        columns = {each: index_columns(connection, each) for each in named}
    assert len(plan) == 1, plan  # No second step: neither a sort nor another table.
    assert plan[0].startswith("SEARCH cms_user USING INDEX "), plan
    assert columns[plan[0].split()[4]] == [index.removeprefix("uq_cms_user_")]
    assert len(rows) <= 51
    assert steps <= FEW_STEPS, "rows of the range are read and thrown away"


def index_columns(connection: Any, index: str) -> list[str]:
    """Return the columns of an index."""
    return [row[2] for row in connection.exec_driver_sql(f"PRAGMA index_info('{index}')")]


@pytest.mark.parametrize("statement", ["SELECT * FROM cms_user ORDER BY username LIMIT 51"])
def test_what_reads_every_row_is_noticed(env: Environment, statement: str) -> None:
    """The proof above is worth something: it fails for a statement that sorts by a column without an index."""
    create_many(env, 2_000)
    explain = of_sqlite if env.name.startswith("sqlite") else of_postgresql
    with pytest.raises(AssertionError):
        explain(env, statement, (), "uq_cms_user_username_key")
