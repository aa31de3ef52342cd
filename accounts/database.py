"""How the application waits for its database: deadlines, a circuit breaker, and connections that are given back early.

A stopped server still accepts connections, because its kernel does, and a dead network says nothing at all. Neither
answers, so the deadline is kept here, on the client's side. The limits inside the server (statement_timeout and its
kind) travel with BEGIN: they cost no round trip, hold for one transaction, and pass through a pooler like pgbouncer.
"""

import logging
import sqlite3
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, Self

import psycopg
from flask import Flask, before_render_template, has_app_context
from psycopg import generators
from psycopg.abc import RV, PQGen, PQGenConn
from psycopg.errors import ConnectionTimeout, _WaitTimeout, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection, Result, Select, TextClause, TextualSelect, UpdateBase, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.session import SessionTransaction
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from models import db

REQUEST_SECONDS = 4.0  # A request waits so long for the database, all its statements together.
STATEMENT_SECONDS = 30.0  # Mail delivery and commands wait so long for each statement.
POOL_SECONDS = 1.0  # So long without any answer, while connections are waited for, and the database counts as silent.
REST_SECONDS = 1.0  # A silent database is left alone for so long; then one request asks it again.

# The server ends a statement a little earlier than we would, so that its answer tells a lock from a server that hangs.
REQUEST_LIMITS = {"statement_timeout": 3500, "lock_timeout": 3000, "idle_in_transaction_session_timeout": 30000}
OTHER_LIMITS = {**REQUEST_LIMITS, "statement_timeout": 29000}

Statement = UpdateBase | TextClause | TextualSelect | Select[*tuple[Any, ...]]
log = logging.getLogger(__name__)
_seconds_left: ContextVar[float | None] = ContextVar("seconds left of this request", default=None)
_is_unlimited: ContextVar[bool] = ContextVar("is without deadline", default=False)


class DatabaseSilent(psycopg.OperationalError):
    """The database did not answer in time, or did not answer a moment ago."""


def init_app(app: Flask) -> None:
    """Connect the application to its database; every request gets its deadline, and gives its connection back."""
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    on_postgres = not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    breaker = Breaker()
    if on_postgres:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {**options, "poolclass": Pool, "breaker": breaker}
    db.init_app(app)
    if on_postgres:
        with app.app_context():
            event.listen(db.engine, "do_connect", breaker.connect)
    app.before_request(_start_deadline)
    app.teardown_appcontext(_end_request)  # Before Flask-SQLAlchemy's own, which raises where a connection is lost.
    before_render_template.connect(_before_rendering, app)


@contextmanager
def without_deadline() -> Iterator[None]:
    """Wait for as long as it takes, and begin transactions without limits: for migrations and other long work."""
    token = _is_unlimited.set(True)
    try:
        yield
    finally:
        _is_unlimited.reset(token)


def execute(statement: Statement, values: Mapping[str, Any]) -> Result[*tuple[Any, ...]]:
    """Execute a statement on tables in the transaction of the session.

    It costs half of what `Session.execute` does. Pending changes of ORM objects are not flushed before.
    """
    session = db.session()
    if not statement.is_select or statement.is_text:
        session.info["has_written"] = True
    return _connection_of(session).execute(statement, values)


def _connection_of(session: Session) -> Connection:
    """Return the connection of a session, which the session itself takes as long to find as SQLite to answer."""
    connection: Connection | None = session.info.get("connection")
    if connection is None:
        connection = session.info["connection"] = session.connection()
    return connection


def begin_write() -> None:
    """Begin to write in the transaction of the session.

    SQLite has one writer at a time, and would begin a transaction only with the first statement that writes. Here the
    caller waits for the write lock, so that what it reads next is current. Raises OperationalError if that times out.
    """
    session = db.session()
    session.info["has_written"] = True
    driver = _connection_of(session).connection.dbapi_connection
    if isinstance(driver, sqlite3.Connection) and not driver.in_transaction:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as problem:
            raise OperationalError("BEGIN IMMEDIATE", None, problem) from problem


def release_connection() -> None:
    """Give the connection back if the transaction has only read; what was read stays readable.

    Call it before anything slow that needs no database. A transaction that has written is left alone. Never raises.
    """
    if not (has_app_context() and db.session.registry.has()):
        return
    session = db.session()
    transaction = session.get_transaction()
    if transaction is None or "has_written" in session.info or session.new or session.dirty or session.deleted:
        return
    try:
        transaction.close()  # Unlike rollback() it leaves the objects as they are.
    except SQLAlchemyError as problem:
        _discard(session, problem)


def close_session() -> None:
    """End the transaction and forget what was read or changed in it. Never raises: what was committed stays so."""
    if not db.session.registry.has():
        return
    session = db.session()
    try:
        session.close()
    except SQLAlchemyError as problem:
        _discard(session, problem)
    finally:
        db.session.registry.clear()


def _discard(session: Session, problem: SQLAlchemyError) -> None:
    """Throw the connection of a session away: it was lost, and the server rolls back by itself."""
    log.warning("the database connection was lost at the end of a transaction: %s", str(problem).partition("\n")[0])
    session.info.pop("has_written", None)
    session.invalidate()


def _start_deadline() -> None:
    _seconds_left.set(REQUEST_SECONDS)


def _end_request(_: BaseException | None) -> None:
    close_session()
    _seconds_left.set(None)


def _before_rendering(_: Flask, **__: object) -> None:
    """Hold no connection while a page is rendered. A mail is rendered in the transaction that it belongs to."""
    release_connection()


@event.listens_for(db.session, "do_orm_execute")
def _note_writing(state: ORMExecuteState) -> None:
    if not state.is_select:
        state.session.info["has_written"] = True


@event.listens_for(db.session, "after_flush")
def _note_flush(session: Session, _: object) -> None:
    session.info["has_written"] = True


@event.listens_for(db.session, "after_transaction_end")
def _note_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("has_written", None)
        session.info.pop("connection", None)


def _allowed_seconds() -> float | None:
    """Return how long may be waited now; None: for ever."""
    if _is_unlimited.get():
        return None
    left = _seconds_left.get()
    return STATEMENT_SECONDS if left is None else max(left, 0.0)


def _spend(seconds: float) -> None:
    left = _seconds_left.get()
    if left is not None:
        _seconds_left.set(left - seconds)


class Breaker:
    """What this process knows of whether the database answers; shared by all connections of one pool."""

    def __init__(self) -> None:
        """Begin with a database that answers."""
        self._lock = threading.Lock()
        self._waiting_since: dict[int, float] = {}
        self._answered_at = monotonic()
        self._ask_again_at: float | None = None  # None: it answers.

    def connect(self, _: object, __: object, args: tuple[Any, ...], given: dict[str, Any]) -> "TimedConnection":
        """Return a new connection for SQLAlchemy."""
        try:
            with self.waiting():
                connection = TimedConnection.connect(*args, **given)
        except ConnectionTimeout as problem:
            raise DatabaseSilent(f"no connection: {problem}") from None
        connection.breaker = self
        return connection

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Note how a wait for the database ends. A refusal is an answer, too."""
        thread, began = threading.get_ident(), monotonic()
        self._waiting_since[thread] = began
        try:
            yield
        except (ConnectionTimeout, _WaitTimeout):
            self.note_silence()
            raise
        except psycopg.Error:
            self._note_answer()
            raise
        else:
            self._note_answer()
        finally:
            self._waiting_since.pop(thread, None)
            _spend(monotonic() - began)

    def note_silence(self) -> None:
        """Leave the database alone for a moment if nobody was answered lately and somebody has waited for long."""
        now = monotonic()
        longest = now - min(self._waiting_since.copy().values(), default=now)
        if min(longest, now - self._answered_at) >= POOL_SECONDS * 0.9:
            self._ask_again_at = now + REST_SECONDS

    def refuse_while_silent(self, *, is_exhausted: bool) -> None:
        """Raise DatabaseSilent unless the database answers, or the caller is the one that shall ask it again."""
        with self._lock:
            if self._ask_again_at is None:
                return
            if is_exhausted or monotonic() < self._ask_again_at:
                raise DatabaseSilent("the database did not answer a moment ago")
            self._ask_again_at = monotonic() + REQUEST_SECONDS + REST_SECONDS  # Nobody else asks in the meantime.

    def _note_answer(self) -> None:
        self._answered_at, self._ask_again_at = monotonic(), None


class Pool(QueuePool):
    """SQLAlchemy's pool, which fails at once where waiting would only take a thread from those who need no database."""

    def __init__(self, creator: Any, breaker: Breaker | None = None, **options: Any) -> None:
        """Remember the breaker that the connections share."""
        super().__init__(creator, **options)
        self.breaker = breaker or Breaker()

    def connect(self) -> PoolProxiedConnection:
        """Return a connection; wait for a free one as long as the database answers somebody."""
        is_exhausted = self.checkedout() >= self.size() + self._max_overflow
        self.breaker.refuse_while_silent(is_exhausted=is_exhausted)
        began = monotonic()
        while True:
            try:
                return super().connect()
            except PoolTimeout:
                self.breaker.note_silence()
                self.breaker.refuse_while_silent(is_exhausted=True)
                _spend(self._timeout)
                allowed = _allowed_seconds()
                if allowed is not None and (allowed == 0 or monotonic() - began > STATEMENT_SECONDS):
                    raise

    def recreate(self) -> Self:
        """Return an empty pool like this one."""
        pool = super().recreate()
        assert isinstance(pool, type(self))
        pool.breaker = self.breaker
        return pool


class TimedConnection(psycopg.Connection[Any]):
    """A connection to PostgreSQL on which nothing is waited for longer than the deadline allows."""

    breaker: Breaker

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server; where it does not answer in time close the connection and raise DatabaseSilent."""
        allowed = _allowed_seconds()
        if allowed is None or (timeout is not None and timeout < allowed):
            return super().wait(gen, interval, timeout)
        try:
            with self.breaker.waiting():
                return super().wait(gen, interval, allowed)
        except _WaitTimeout:
            self.close()
            raise DatabaseSilent(f"no answer within {allowed:.1f} s") from None

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        """Connect; `connect_timeout` is one of psycopg for each address, this is ours for all of them."""
        allowed, began = _allowed_seconds(), monotonic()
        steps: Generator[Any, Any, Self] = super()._connect_gen(conninfo)
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if allowed is not None and monotonic() - began > allowed:
                    raise ConnectionTimeout(f"no answer within {allowed:.1f} s")
                wanted = steps.send(ready)
        except StopIteration as done:
            connection: Self = done.value
            return connection

    def _start_query(self) -> PQGen[None]:
        """Begin a transaction together with its limits, in one round trip: psycopg would send BEGIN alone."""
        if self.autocommit or self.pgconn.transaction_status != TransactionStatus.IDLE or _is_unlimited.get():
            yield from super()._start_query()
            return
        limits = OTHER_LIMITS if _seconds_left.get() is None else REQUEST_LIMITS
        given = [f"SET LOCAL {key} = {value}".encode() for key, value in limits.items()]
        if self._pipeline:  # Many rows at once: each command is a message of its own there, and none is waited for.
            yield from super()._start_query()
            for command in given:
                yield from self._exec_command(command)
            return
        begin = [self._get_tx_start_command(), *given]
        self.pgconn.send_query(b"; ".join(begin))
        for result in (yield from generators.execute(self.pgconn)):
            if result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)
