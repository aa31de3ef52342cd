"""Connections to the database: deadlines, a circuit breaker, and the early release of read-only transactions.

The kernel of a stopped server still accepts connections, and a network that drops packets reports no error. Therefore
the client enforces the deadline. The limits that the server enforces (`statement_timeout` and others) are sent with
BEGIN: this needs no additional round trip, applies to one transaction, and works through a pooler such as pgbouncer.
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
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.session import SessionTransaction
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from accounts import statements, write_queue
from accounts.statements import Rows, Statement
from models import Stored, db, value_of
from telemetry import context, metrics

REQUEST_SECONDS = 4.0  # How long a request waits for the database, all its statements together.
STATEMENT_SECONDS = 30.0  # How long mail delivery and commands wait for each statement.
POOL_SECONDS = 1.0  # After waiting for a connection this long without any response, the circuit breaker opens.
RETRY_SECONDS = 1.0  # After a failed probe the database is not used for this long.

# The server cancels a statement before the deadline of the client, so that a lock differs from a server that hangs.
STATEMENT_MARGIN_SECONDS = 0.5
LOCK_MARGIN_SECONDS = 1.0
LOCK_SECONDS = 3.0  # The longest wait for a lock.
IDLE_SECONDS = 30.0  # The longest pause inside a transaction.

log = logging.getLogger(__name__)
logging.getLogger(f"{__name__}.Pool").setLevel(logging.WARNING)  # SQLAlchemy logs every connection there at INFO.
_seconds_left: ContextVar[float | None] = ContextVar("seconds left of this request", default=None)
_spare = threading.local()  # Its `session` is one that was closed.
_is_unlimited: ContextVar[bool] = ContextVar("is without deadline", default=False)


class DatabaseUnresponsive(psycopg.OperationalError):
    """The database did not respond in time, or did not respond a moment ago."""


def init_app(app: Flask) -> None:
    """Connect the application to its database; every request gets a deadline, and ends with its session closed."""
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    on_postgres = not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    breaker = CircuitBreaker()
    if on_postgres:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {**options, "poolclass": Pool, "breaker": breaker}
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", context.count_statement)
        event.listen(db.engine, "checkout", lambda *_: metrics.CONNECTIONS_IN_USE.add(1))
        event.listen(db.engine, "checkin", lambda *_: metrics.CONNECTIONS_IN_USE.add(-1))
        if on_postgres:
            event.listen(db.engine, "do_connect", breaker.connect)
            db.engine.dialect.do_ping = TimedConnection.ping  # type: ignore[method-assign, assignment]
    app.before_request(_begin_request)
    app.teardown_appcontext(_end_request)  # Before Flask-SQLAlchemy's own, which raises if the connection is lost.
    before_render_template.connect(_before_rendering, app)


@contextmanager
def without_deadline() -> Iterator[None]:
    """Apply no deadline, and begin transactions without limits: for migrations and other long work."""
    token = _is_unlimited.set(True)
    try:
        yield
    finally:
        _is_unlimited.reset(token)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Wait no longer than this for the database, all statements together, as a request does for REQUEST_SECONDS."""
    token = _seconds_left.set(seconds)
    try:
        yield
    finally:
        _seconds_left.reset(token)


def execute(statement: Statement, values: Mapping[str, Any]) -> Rows:
    """Execute a statement on tables in the transaction of the session.

    It costs a quarter of what `Session.execute` does. Pending changes of ORM objects are not flushed first.
    """
    session = db.session()
    if not statement.is_select or statement.is_text:
        _begin_write(session)
    return statements.execute(_connection_of(session), statement, values)


def find_value(model: type[Stored], query: Statement, values: Mapping[str, Any]) -> Stored | None:
    """Return the first row of a query for all columns of a model, as a read-only value; None: there is no row."""
    row = execute(query, values).first()
    return value_of(model, iter(row)) if row else None


def _connection_of(session: Session) -> Connection:
    """Return the connection of a session, which the session itself takes as long to find as SQLite to answer."""
    connection: Connection | None = session.info.get("connection")
    if connection is None:
        connection = session.info["connection"] = session.connection()
    return connection


def begin_write() -> None:
    """Begin to write in the transaction of the session; every statement that writes does so by itself.

    SQLite has one writer at a time. The caller waits for the others here, so that what it reads next is current. Raises
    OperationalError if that takes too long.
    """
    _begin_write(db.session())


def _begin_write(session: Session) -> None:
    if "has_written" in session.info:
        return
    driver = _connection_of(session).connection.dbapi_connection
    if isinstance(driver, sqlite3.Connection) and not driver.in_transaction:
        try:
            write_queue.begin(db.engine.url.database or "", driver)
        except sqlite3.OperationalError as problem:
            raise OperationalError("BEGIN IMMEDIATE", None, problem) from problem
    session.info["has_written"] = True


def release_connection() -> None:
    """Release the connection of a read-only transaction; loaded objects stay readable.

    Call it before slow work that needs no database. It has no effect on a transaction that has written. Never raises.
    """
    if not (has_app_context() and db.session.registry.has()):
        return
    session = db.session()
    transaction = session.get_transaction()
    if transaction is None or "has_written" in session.info or session.new or session.dirty or session.deleted:
        return
    try:
        transaction.close()  # Unlike rollback(), it does not expire the objects.
    except SQLAlchemyError as problem:
        _discard(session, problem)


def close_session() -> None:
    """Roll back the transaction and detach its objects. Never raises: what was committed stays committed.

    The next request of this thread uses the session again, which takes as long to create as several statements.
    """
    if not db.session.registry.has():
        return
    session = db.session()
    try:
        if session.get_transaction() is not None or session.identity_map:  # Closing takes longer than a statement.
            session.close()
        session.info.clear()
        _spare.session = session
    except SQLAlchemyError as problem:
        _discard(session, problem)
    finally:
        db.session.registry.clear()


def _discard(session: Session, problem: SQLAlchemyError) -> None:
    """Discard the lost connection of a session; the server rolls back by itself."""
    log.warning("the database connection was lost at the end of a transaction: %s", str(problem).partition("\n")[0])
    session.info.pop("has_written", None)
    session.invalidate()


def _begin_request() -> None:
    """Start the deadline, and use the session again that the previous request of this thread has closed."""
    _seconds_left.set(REQUEST_SECONDS)
    if not db.session.registry.has() and (session := vars(_spare).pop("session", None)):
        db.session.registry.set(session)


def _end_request(_: BaseException | None) -> None:
    close_session()
    _seconds_left.set(None)


def _before_rendering(_: Flask, **__: object) -> None:
    """Release the connection before a page is rendered. Mails are rendered inside their transaction."""
    release_connection()


@event.listens_for(db.session, "do_orm_execute")
def _before_orm_statement(state: ORMExecuteState) -> None:
    if not state.is_select:
        begin_write()


@event.listens_for(db.session, "before_flush")
def _before_flush(session: Session, _: object, __: object) -> None:
    if session.new or session.dirty or session.deleted:
        begin_write()


@event.listens_for(db.session, "after_transaction_end")
def _clear_mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop("has_written", None)
        session.info.pop("connection", None)


def _allowed_seconds() -> float | None:
    """Return how long the database may be waited for now; None: without a limit."""
    if _is_unlimited.get():
        return None
    left = _seconds_left.get()
    return STATEMENT_SECONDS if left is None else max(left, 0.0)


def _spend(seconds: float) -> None:
    left = _seconds_left.get()
    if left is not None:
        _seconds_left.set(left - seconds)


def _limits_within(seconds: float | None) -> list[bytes]:
    """Return the commands that limit a transaction to the time which is left of a request; None: outside requests."""
    allowed = STATEMENT_SECONDS if seconds is None else seconds
    limits = {
        "statement_timeout": allowed - STATEMENT_MARGIN_SECONDS,
        "lock_timeout": min(allowed - LOCK_MARGIN_SECONDS, LOCK_SECONDS),
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    return [f"SET LOCAL {name} = {round(max(limit, 0.1) * 10) * 100}".encode() for name, limit in limits.items()]


class CircuitBreaker:
    """Refuses the use of a database that does not respond; shared by all connections of a pool."""

    def __init__(self) -> None:
        """Start closed: the database is used."""
        self._lock = threading.Lock()
        self._waiting_since: dict[int, float] = {}
        self._responded_at = monotonic()
        self._probe_at: float | None = None  # None: closed.
        self._probing_thread: int | None = None

    def connect(self, _: object, __: object, args: tuple[Any, ...], given: dict[str, Any]) -> "TimedConnection":
        """Return a new connection for SQLAlchemy."""
        try:
            with self.waiting():
                connection = TimedConnection.connect(*args, **given)
        except ConnectionTimeout as problem:
            raise DatabaseUnresponsive(f"no connection: {problem}") from None
        connection.breaker = self
        return connection

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Record how a wait for the database ends. An error sent by the server is a response, too."""
        thread, began = threading.get_ident(), monotonic()
        self._waiting_since[thread] = began
        try:
            yield
        except (ConnectionTimeout, _WaitTimeout):
            self.record_timeout()
            raise
        except psycopg.Error:
            self._record_response()
            raise
        else:
            self._record_response()
        finally:
            self._waiting_since.pop(thread, None)
            _spend(monotonic() - began)

    def record_timeout(self) -> None:
        """Open if no wait has ended with a response recently, and the longest one has lasted nearly POOL_SECONDS.

        The next request probes immediately, because locks may be what the others waited for. The request after a
        failed probe comes RETRY_SECONDS later.
        """
        now = monotonic()
        longest = now - min(self._waiting_since.copy().values(), default=now)
        if min(longest, now - self._responded_at) < POOL_SECONDS * 0.9:
            return
        with self._lock:
            if self._probe_at is None:
                self._probe_at = now
            elif self._probing_thread == threading.get_ident():
                self._probe_at = now + RETRY_SECONDS

    def raise_if_open(self, *, is_exhausted: bool) -> None:
        """Return if closed, or if the caller is to probe the database. Raises DatabaseUnresponsive otherwise."""
        with self._lock:
            if self._probe_at is None:
                return
            if is_exhausted or monotonic() < self._probe_at:
                raise DatabaseUnresponsive("the database did not respond a moment ago")
            self._probe_at = monotonic() + REQUEST_SECONDS + RETRY_SECONDS  # Only this caller probes in the meantime.
            self._probing_thread = threading.get_ident()

    def _record_response(self) -> None:
        self._responded_at, self._probe_at, self._probing_thread = monotonic(), None, None


class Pool(QueuePool):
    """SQLAlchemy's pool, which fails immediately while the database hangs: threads stay free for other requests."""

    def __init__(self, creator: Any, breaker: CircuitBreaker | None = None, **options: Any) -> None:
        """Store the circuit breaker that the connections share."""
        super().__init__(creator, **options)
        self.breaker = breaker or CircuitBreaker()

    def connect(self) -> PoolProxiedConnection:
        """Return a connection; wait for a free one while the database responds to others."""
        is_exhausted = self.checkedout() >= self.size() + self._max_overflow
        self.breaker.raise_if_open(is_exhausted=is_exhausted)
        began = monotonic()
        while True:
            try:
                return super().connect()
            except PoolTimeout:
                self.breaker.record_timeout()
                self.breaker.raise_if_open(is_exhausted=True)
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
    """A connection to PostgreSQL that applies the deadline to everything it waits for."""

    breaker: CircuitBreaker

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server. Raises DatabaseUnresponsive after the deadline; then the connection is closed."""
        allowed = _allowed_seconds()
        if allowed is None or (timeout is not None and timeout < allowed):
            return super().wait(gen, interval, timeout)
        try:
            with self.breaker.waiting():
                return super().wait(gen, interval, allowed)
        except _WaitTimeout:
            self.close()
            raise DatabaseUnresponsive(f"no response within {allowed:.1f} s") from None

    def ping(self) -> bool:
        """Begin the transaction for which the pool provides this connection; this also detects a lost connection.

        Raises psycopg.OperationalError, and closes the connection: the pool then opens another one.
        """
        try:
            with self.lock:
                self.wait(self._start_query())
        except psycopg.OperationalError:
            self.close()
            raise
        return True

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        """Connect within the deadline: the `connect_timeout` of psycopg applies to each address of a host."""
        allowed, began = _allowed_seconds(), monotonic()
        steps: Generator[Any, Any, Self] = super()._connect_gen(conninfo)
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if allowed is not None and monotonic() - began > allowed:
                    raise ConnectionTimeout(f"no response within {allowed:.1f} s")
                wanted = steps.send(ready)
        except StopIteration as done:
            connection: Self = done.value
            return connection

    def _rollback_gen(self) -> PQGen[None]:
        """Roll back, and keep the prepared statements unless a statement has failed.

        Read-only transactions end with this. psycopg discards all prepared statements with every rollback, because one
        may refer to an object that was created in the transaction; only migrations create any. A statement may have
        failed because a migration has changed the type of a column: then they have to be prepared again.
        """
        if self.pgconn.transaction_status == TransactionStatus.INTRANS:
            yield from self._exec_command(b"ROLLBACK")
        else:
            yield from super()._rollback_gen()

    def _start_query(self) -> PQGen[None]:
        """Begin a transaction and set its limits in one round trip: psycopg would send BEGIN alone."""
        if self.autocommit or self.pgconn.transaction_status != TransactionStatus.IDLE or _is_unlimited.get():
            yield from super()._start_query()
            return
        commands = _limits_within(_seconds_left.get())
        if self._pipeline:  # As for executemany: every command is a separate message, and none is waited for.
            yield from super()._start_query()
            for command in commands:
                yield from self._exec_command(command)
            return
        begin = [self._get_tx_start_command(), *commands]
        self.pgconn.send_query(b"; ".join(begin))
        for result in (yield from generators.execute(self.pgconn)):
            if result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)
