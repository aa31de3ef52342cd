"""Statements that are compiled once per process, and then executed by the driver itself.

Core looks up the SQL of a statement and the conversions of its types again for every execution, which takes several
times as long as SQLite needs for the statement. Here this is done once.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, TextClause, TextualSelect, UpdateBase
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Statement = UpdateBase | TextClause | TextualSelect | Select[*tuple[Any, ...]]
Row = Any
"""A named tuple with the columns of a statement, in their order."""

Convert = Callable[[Any], Any]


class Rows:
    """The rows that a statement has returned, and the number of rows that it has inserted, changed or deleted."""

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        """Store the rows."""
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[Row]:
        """Return an iterator over all rows."""
        return iter(self._rows)

    def all(self) -> list[Row]:
        """Return all rows."""
        return self._rows

    def first(self) -> Row | None:
        """Return the first row; None: there is no row."""
        return self._rows[0] if self._rows else None

    def one(self) -> Row:
        """Return the only row. Raises NoResultFound, MultipleResultsFound."""
        if not self._rows:
            raise NoResultFound("the statement has returned no row")
        if len(self._rows) > 1:
            raise MultipleResultsFound("the statement has returned several rows")
        return self._rows[0]

    def scalar(self) -> Any:
        """Return the first column of the first row; None: there is no row."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """Return the first column of the only row. Raises NoResultFound, MultipleResultsFound."""
        return self.one()[0]


class CompiledStatement:
    """The SQL of a statement in one dialect, and how its values and its rows are converted."""

    def __init__(self, compiled: SQLCompiler, given: Sequence[str], columns: Mapping[str, TypeEngine[Any]]) -> None:
        """Look up the conversions; the values that are constants of the statement are converted now.

        `given` are the keys of all other values. Raises InvalidRequestError if one is missing.
        """
        self.sql, dialect = compiled.string, compiled.dialect
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        values = compiled.construct_params(dict.fromkeys(given), escape_names=False)
        self._constants: dict[str, Any] = {}
        self._binds: list[tuple[str, Convert | None]] = []
        for name in compiled.positiontup or binds:
            convert = binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            if binds[name].key in given:
                self._binds.append((binds[name].key, convert))
            else:
                self._constants[name] = convert(values[name]) if convert else values[name]
                self._binds.append((name, None))
        self._names = None if compiled.positiontup else list(binds)  # None: the driver takes values by their position.
        self._row = _row_type(tuple(columns))
        processors = (type_.dialect_impl(dialect).result_processor(dialect, None) for type_ in columns.values())
        self._processors = [(position, convert) for position, convert in enumerate(processors) if convert]

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """Return the values in the form in which the driver takes them."""
        if self._constants:
            values = {**self._constants, **values}
        converted = [convert(values[key]) if convert else values[key] for key, convert in self._binds]
        return tuple(converted) if self._names is None else dict(zip(self._names, converted, strict=True))

    def read(self, cursor: DBAPICursor) -> Rows:
        """Return what the execution of the statement has returned."""
        if not self._row._fields:
            return Rows([], cursor.rowcount)
        found = cursor.fetchall()
        if self._processors:
            found = [self._convert(list(row)) for row in found]
        return Rows([*map(self._row._make, found)], cursor.rowcount)

    def _convert(self, row: list[Any]) -> list[Any]:
        for position, convert in self._processors:
            row[position] = convert(row[position])
        return row


def execute(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> Rows:
    """Execute a statement in the transaction of a connection. Raises the same errors as Core, such as IntegrityError.

    Of the events of SQLAlchemy only `before_cursor_execute` and `after_cursor_execute` are dispatched.
    """
    dialect = connection.dialect
    compiled = _compile(statement, tuple(values), _dialects.setdefault(dialect.name, dialect))
    if compiled is None:
        result = connection.execute(statement, values)
        return Rows(list(result) if result.returns_rows else [], result.rowcount)
    parameters, events = compiled.parameters(values), connection.engine.dispatch
    cursor = connection.connection.cursor()
    try:
        for listener in events.before_cursor_execute:
            listener(connection, cursor, compiled.sql, parameters, None, False)
        cursor.execute(compiled.sql, parameters)
        for listener in events.after_cursor_execute:
            listener(connection, cursor, compiled.sql, parameters, None, False)
        return compiled.read(cursor)
    except dialect.loaded_dbapi.Error as problem:
        raise _translate(problem, connection, cursor, compiled.sql, parameters) from problem
    finally:
        cursor.close()


_dialects: dict[str, Dialect] = {}  # One of each name: all applications of a process use the same driver and options.


@lru_cache(maxsize=1000)  # Statements that are built for a single execution are removed again.
def _compile(statement: Statement, given: tuple[str, ...], dialect: Dialect) -> CompiledStatement | None:
    """Compile a statement; None: it must be left to Core.

    That is text whose columns are not known, and a list or a default, for which Core compiles or computes every time.
    """
    if isinstance(statement, TextClause):
        return None
    if isinstance(statement, Insert) and not statement.exported_columns:
        statement = statement.inline()  # Otherwise it would return the new id.
    compiled = statement.compile(dialect=dialect, column_keys=list(given))
    if compiled.post_compile_params or compiled.insert_prefetch or compiled.update_prefetch:
        return None
    columns = {str(name): column.type for name, column in statement.exported_columns.items()}
    return CompiledStatement(compiled, given, columns)


def _row_type(columns: tuple[str, ...]) -> Any:
    return namedtuple("_row", columns, rename=True)  # noqa: PYI024 (typing.NamedTuple cannot rename columns.)


def _translate(problem: Any, connection: Connection, cursor: DBAPICursor, sql: str, parameters: Any) -> BaseException:
    """Return the error of SQLAlchemy for one of the driver; a connection that was lost is not used again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(problem, connection.connection, cursor)
    if is_lost:
        connection.invalidate(problem)
    error: BaseException = DBAPIError.instance(
        sql,
        parameters,
        problem,
        dialect.loaded_dbapi.Error,
        hide_parameters=connection.engine.hide_parameters,
        connection_invalidated=is_lost,
        dialect=dialect,
    )
    return error
