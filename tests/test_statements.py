"""accounts/statements.py: a statement is compiled once, and returns and raises what Core returns and raises."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import (
    IntegrityError,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.sql.elements import ClauseElement

from accounts import statements
from models import Moment
from tests.servers import PostgresServer

SHEETS = Table(
    "sheet",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(20), unique=True),
    Column("is_open", Boolean, default=True),
    Column("at", Moment),
    Column("pages", JSON),
)
SHEET = SHEETS.c
AT = datetime(2026, 3, 29, 1, 30, 0, 25, tzinfo=UTC)
ROW = {"id": 1, "name": "a", "is_open": False, "at": AT, "pages": ["é", 2, None]}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Provide an engine with the table."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'sheets.db'}", hide_parameters=True)
        SHEETS.metadata.create_all(engine)
        yield engine
        engine.dispose()
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database() as url:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), hide_parameters=True)
        SHEETS.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Provide a connection to the database, in a transaction."""
    with engine.connect() as connection, connection.begin():
        yield connection


def test_values_and_rows_are_converted_by_their_types(connection: Connection) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=8)))
    statements.execute(connection, insert(SHEETS), ROW | {"at": elsewhere})
    (row,) = statements.execute(connection, select(SHEETS), {})
    assert row._asdict() == ROW
    assert row.at.tzinfo is UTC
    assert row.is_open is False
    assert list(row) == list(connection.execute(select(SHEETS)).one())


def test_rows_have_the_names_that_core_gives_them(connection: Connection) -> None:
    statements.execute(connection, insert(SHEETS), ROW)
    other = SHEETS.alias()
    query = select(SHEET.id, other.c.id, SHEET.name.label("title"), func.count().label("number"))
    row = statements.execute(connection, query.group_by(SHEET.id, other.c.id, SHEET.name), {}).one()
    assert (row.id, row.id_1, row.title, row.number) == (1, 1, "a", 1)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (select(SHEET.name).where(SHEET.id == bindparam("its_id"), SHEET.is_open.is_(False)), {"its_id": 1}),
        (select(SHEET.name).where(SHEET.at == AT, SHEET.name == "a"), {}),
        (select(SHEET.name).where(SHEET.at < bindparam("now"), SHEET.at >= AT).limit(1), {"now": AT + timedelta(1)}),
        (select(SHEET.name).where(SHEET.id.in_(bindparam("ids", expanding=True))), {"ids": [1, 5]}),
        (update(SHEETS).where(SHEET.id == 1).values(at=bindparam("now")).returning(SHEET.name), {"now": AT}),
        (delete(SHEETS).where(SHEET.name == bindparam("its_name")).returning(SHEET.name), {"its_name": "a"}),
        (
            text("SELECT name FROM sheet WHERE at = :at").bindparams(bindparam("at", type_=Moment)).columns(SHEET.name),
            ROW,
        ),
    ],
    ids=str,
)
def test_a_statement_finds_what_it_finds_with_core(
    connection: Connection, statement: Any, values: dict[str, Any]
) -> None:
    statements.execute(connection, insert(SHEETS), ROW)
    assert statements.execute(connection, statement, values).all() == [("a",)]


def test_text_without_columns_returns_its_rows(connection: Connection) -> None:
    statements.execute(connection, insert(SHEETS), ROW)
    (row,) = statements.execute(connection, text("SELECT id, name FROM sheet WHERE id = :id"), {"id": 1})
    assert (row.id, row.name) == (1, "a")


def test_columns_come_with_the_values(connection: Connection) -> None:
    statements.execute(connection, insert(SHEETS), ROW)
    write = update(SHEETS).where(SHEET.id == bindparam("its_id"))
    assert statements.execute(connection, write, {"its_id": 1, "name": "b"}).rowcount == 1
    assert statements.execute(connection, write, {"its_id": 1, "is_open": True, "pages": []}).rowcount == 1
    assert statements.execute(connection, write, {"its_id": 2, "name": "c"}).rowcount == 0
    assert statements.execute(connection, select(SHEETS), {}).one() == (1, "b", True, AT, [])


def test_defaults_are_computed(connection: Connection) -> None:
    statements.execute(connection, insert(SHEETS), {"name": "a"})
    assert statements.execute(connection, select(SHEET.is_open), {}).scalar() is True


def test_a_statement_is_compiled_once_for_the_same_columns(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement, compile_, compiled = insert(SHEETS), ClauseElement.compile, []
    monkeypatch.setattr(ClauseElement, "compile", lambda *its, **more: compiled.append(1) or compile_(*its, **more))
    for number in range(3):
        statements.execute(connection, statement, ROW | {"id": number, "name": str(number)})
    assert len(compiled) == 1
    statements.execute(connection, statement, {"id": 3, "is_open": None})
    assert len(compiled) == 2


def test_a_missing_value_is_an_error(connection: Connection) -> None:
    with pytest.raises(InvalidRequestError, match="its_id"):
        statements.execute(connection, select(SHEET.id).where(SHEET.id == bindparam("its_id")), {})


def test_results_of_another_number_of_rows_are_errors(connection: Connection) -> None:
    query = select(SHEET.id).order_by(SHEET.id)
    none = statements.execute(connection, query, {})
    assert (none.first(), none.scalar(), none.all()) == (None, None, [])
    with pytest.raises(NoResultFound):
        none.one()
    for number in (1, 2):
        statements.execute(connection, insert(SHEETS), ROW | {"id": number, "name": str(number)})
    two = statements.execute(connection, query, {})
    assert (two.first(), two.scalar(), two.all()) == ((1,), 1, [(1,), (2,)])
    with pytest.raises(MultipleResultsFound):
        two.scalar_one()


def test_errors_are_those_of_core_and_tell_no_value(connection: Connection) -> None:
    statements.execute(connection, insert(SHEETS), ROW)
    with pytest.raises(IntegrityError) as caught, connection.begin_nested():
        statements.execute(connection, insert(SHEETS), ROW | {"id": 2, "pages": ["secret"]})
    assert not caught.value.connection_invalidated
    assert "secret" not in str(caught.value)
    assert caught.value.orig is caught.value.__cause__


def test_invalid_sql_is_an_error_of_sqlalchemy(connection: Connection) -> None:
    with pytest.raises((OperationalError, ProgrammingError)), connection.begin_nested():
        statements.execute(connection, text("SELECT nothing FROM nowhere").columns(SHEET.id), {})


def test_the_events_of_a_statement_are_dispatched(connection: Connection) -> None:
    seen: list[tuple[str, str]] = []
    for name in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(connection.engine, name, lambda *its, name=name: seen.append((name, its[2])))
    statements.execute(connection, select(SHEET.id), {})
    assert [name for name, _ in seen] == ["before_cursor_execute", "after_cursor_execute"]
    assert {" ".join(sql.split()) for _, sql in seen} == {"SELECT sheet.id FROM sheet"}


def test_a_lost_connection_is_not_used_again(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=1)
        own = select(func.pg_backend_pid().label("pid"))
        with engine.connect() as connection:
            pid = statements.execute(connection, own, {}).scalar()
            with psycopg.connect(url) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            with pytest.raises(OperationalError) as caught:
                statements.execute(connection, own, {})
        assert caught.value.connection_invalidated
        with engine.connect() as connection:
            assert statements.execute(connection, own, {}).scalar() not in (pid, None)
        engine.dispose()
