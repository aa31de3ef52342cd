"""Query plans: which statements read a table, an index or a large part of one from the beginning to the end."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from models import db

SMALL = frozenset({"alembic_version", "webhook_receiver"})  # All other tables grow with the number of accounts.
# Indexes of the few rows that meet a condition: these may be read completely.
PARTIAL = frozenset(
    str(index.name)
    for table in db.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["postgresql"]["where"] is not None
)
MOST_ROWS = 250  # Rows that a statement may read; the list of invitations has 200.
MOST_STEPS = 10_000  # Steps of SQLite's virtual machine; it takes several to read a row.
UNBOUNDED = {"Sort", "Incremental Sort", "Aggregate", "Hash", "Hash Join", "Merge Join", "Unique", "SetOp", "WindowAgg"}


@dataclass
class Recording:
    """The statements that were executed, each with all its parameters, in the order of their first execution."""

    statements: dict[tuple[str, str], tuple[str, Any]] = field(default_factory=dict)

    def add(self, statement: str, parameters: Any) -> None:
        """Add a statement, unless it is one that controls a transaction."""
        if re.match(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", statement):
            self.statements.setdefault((statement, repr(parameters)), (statement, parameters))

    def on(self, table: str) -> list[tuple[str, Any]]:
        """Return the statements that name a table, each with the parameters of its first execution."""
        found = {statement: (statement, values) for statement, values in reversed(self.statements.values())}
        return [each for statement, each in found.items() if re.search(rf"\b{table}\b", statement)]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Iterate over the statements with their parameters."""
        return iter(self.statements.values())


@contextmanager
def record_all_statements() -> Iterator[Recording]:
    """Record the statements of all applications of this process within the context."""
    found = Recording()

    def record(_: Any, __: Any, statement: str, parameters: Any, ___: Any, is_many: bool) -> None:
        found.add(statement, parameters[0] if is_many else parameters)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", record)


def find_scans(connection: Connection, statements: Iterable[tuple[str, Any]]) -> list[str]:
    """Return a description of each statement whose plan reads a whole table or index that grows."""
    find = _find_scans_on_sqlite if connection.dialect.name == "sqlite" else _find_scans_on_postgresql
    found = [f"{scan}: {statement}" for statement, values in statements for scan in find(connection, statement, values)]
    return list(dict.fromkeys(found))


def find_large_reads(connection: Connection, statements: Iterable[tuple[str, Any]]) -> list[str]:
    """Execute statements, and roll back; return a description of each that reads many rows of a table or an index.

    A plan does not say how many rows of an index are read and discarded.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    count, most = (_count_steps, MOST_STEPS) if is_sqlite else (_count_rows, MOST_ROWS)
    found = []
    for statement, values in statements:
        with connection.begin_nested() as savepoint:
            try:
                number = count(connection, statement, values)
            except IntegrityError:  # An INSERT of a row that now exists.
                number = 0
            savepoint.rollback()
        if number > most:
            found.append(f"{number} {'steps' if is_sqlite else 'rows'}: {statement}")
    return found


def _find_scans_on_sqlite(connection: Connection, statement: str, values: Any) -> list[str]:
    plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    derived = {step.split()[1].strip('"') for step in plan if step.startswith(("MATERIALIZE ", "CO-ROUTINE "))}
    is_bounded = " LIMIT " in statement.replace("\n", " ") and not any(
        "TEMP B-TREE FOR ORDER BY" in each for each in plan
    )
    found = []
    for step in plan:
        scan = re.match(r"SCAN (\S+)(?: USING (?:COVERING )?INDEX (\S+))?", step)
        if scan is None or scan[1] in derived or " CONSTANT ROW" in step or scan[2] in PARTIAL:
            continue
        if scan[1] in SMALL or (scan[2] and is_bounded):
            continue
        found.append(step)
    return found


def _find_scans_on_postgresql(connection: Connection, statement: str, values: Any) -> list[str]:
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    return [
        f"{node['Node Type']} of {node.get('Index Name') or node['Relation Name']}"
        for node, is_bounded in _nodes(_load(found)[0]["Plan"])
        if _is_scan(node, is_bounded=is_bounded)
    ]


def _is_scan(node: dict[str, Any], *, is_bounded: bool) -> bool:
    """Return whether a node of a plan reads a whole table or index."""
    if node["Node Type"] == "Seq Scan":
        return node["Relation Name"] not in SMALL
    if "Index Name" not in node or "Index Cond" in node or node["Index Name"] in PARTIAL:
        return False
    return not is_bounded or "Filter" in node  # With a filter, a LIMIT may be reached only at the end.


def _nodes(node: dict[str, Any], *, is_bounded: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the nodes of a plan, and whether a LIMIT ends each of them early."""
    is_bounded = (is_bounded or node["Node Type"] == "Limit") and node["Node Type"] not in UNBOUNDED
    yield node, is_bounded
    for child in node.get("Plans", ()):
        yield from _nodes(child, is_bounded=is_bounded)


def _count_rows(connection: Connection, statement: str, values: Any) -> int:
    """Return the number of rows that a statement reads from tables and indexes, including those that are discarded."""
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
    plan = _load(connection.exec_driver_sql(explain, values).scalar_one())[0]["Plan"]
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + sum(node.get(f"Rows Removed by {name}", 0) for name in REMOVED))
        for node, _ in _nodes(plan)
        if node["Node Type"].endswith("Scan")
    )


REMOVED = ("Filter", "Index Recheck")


def _load(found: Any) -> Any:
    return json.loads(found) if isinstance(found, str) else found


def _count_steps(connection: Connection, statement: str, values: Any) -> int:
    """Return the steps of SQLite's virtual machine that a statement takes."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 100

    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(step, 100)
    try:
        result = connection.exec_driver_sql(statement, values)
        if result.returns_rows:
            result.all()
    finally:
        driver.set_progress_handler(None, 0)
    return steps
