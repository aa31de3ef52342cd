"""accounts/database.py: deadlines, the circuit breaker, and the early release of connections."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask, template_rendered
from sqlalchemy import Select, func, inspect, literal, select, text
from sqlalchemy.exc import NotSupportedError, OperationalError

from accounts import database, passwords, people
from accounts.errors import UNAVAILABLE
from app import create_app
from models import CMSUser, db, table, value_of
from tests.environments import Environment, settings_for
from tests.servers import PATIENCE_SECONDS, PostgresServer, eventually
from tests.stories.admin_steps import superuser
from tests.stories.test_lost_database import (
    Act,
    prepare_new_password,
    prepare_password_change,
    prepare_reauth,
    prepare_registration,
    prepare_sign_in,
)

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture
def app(postgres: PostgresServer, tmp_path: Path) -> Iterator[Flask]:
    """Provide an application with a new PostgreSQL database."""
    with postgres.database() as url:
        app = create_app(settings_for(tmp_path, DATABASE_URL=url))
        yield app
        close_connections(app)


def close_connections(app: Flask) -> None:
    """Close all connections of an application to its database."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def read_limits() -> list[str]:
    """Return the limits that the server enforces in this transaction."""
    return [str(db.session.scalar(text(f"SHOW {name}"))) for name in LIMITS]


def get_status(app: Flask, path: str) -> int:
    """Send a GET request, and return the status of the response."""
    return app.test_client().get(path).status_code


@contextlib.contextmanager
def request_context(app: Flask) -> Iterator[None]:
    """Run code in the context of a request, like a view."""
    with app.test_request_context("/"):
        app.preprocess_request()
        yield


@contextlib.contextmanager
def freeze_postgres(postgres: PostgresServer) -> Iterator[None]:
    """Suspend PostgreSQL within the context."""
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


class TestServerLimits:
    """Limits that PostgreSQL enforces; they are set together with BEGIN."""

    @pytest.mark.parametrize(
        ("left", "limits"),
        [
            (database.REQUEST_SECONDS, ["3500ms", "3s", "30s"]),
            (2.0, ["1500ms", "1s", "30s"]),
            (1.0, ["500ms", "100ms", "30s"]),
        ],
    )
    def test_the_limits_of_a_request_are_below_what_is_left_of_its_deadline(
        self, app: Flask, left: float, limits: list[str]
    ) -> None:
        with request_context(app):
            db.session.connection()  # It may take part of the deadline.
            db.session.rollback()
            database._seconds_left.set(left)
            assert read_limits() == limits

    def test_statements_outside_requests_have_a_higher_limit(self, app: Flask) -> None:
        with app.app_context():
            assert read_limits() == ["29500ms", "3s", "30s"]

    def test_work_without_a_deadline_has_no_limits(self, app: Flask) -> None:
        with app.app_context():
            with database.without_deadline():
                assert read_limits() == ["0", "0", "0"]
                db.session.rollback()
            assert read_limits() == ["29500ms", "3s", "30s"]

    def test_the_limits_end_with_the_transaction(self, app: Flask) -> None:
        """A pooler may assign the connection of the server to another client afterwards."""
        with request_context(app), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            assert connection.scalar(text("SHOW statement_timeout")) == "0"

    def test_the_limits_are_not_startup_parameters(self, app: Flask) -> None:
        assert "options" not in app.config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]

    def test_the_limits_take_no_additional_round_trip(self, app: Flask, tmp_path: Path) -> None:
        with request_context(app), (tmp_path / "trace").open("w+") as trace:
            connection: Any = db.session.connection().connection.driver_connection
            db.session.rollback()
            connection.pgconn.trace(trace.fileno())
            connection.execute("SELECT 1")
            connection.pgconn.untrace()
            trace.seek(0)
            sent = [line for line in trace if "\tF\t" in line]
            connection.rollback()
        queries = [line for line in sent if "Query" in line]
        assert len(queries) == 2  # As many as without limits: BEGIN, and the statement.
        assert "BEGIN; SET LOCAL" in queries[0]


class TestPreparedStatements:
    """psycopg prepares a statement on a connection when it executes it there for the sixth time."""

    def execute_often(self, query: Select[Any]) -> None:
        """Execute a statement until it is prepared."""
        for _ in range(6):
            db.session.execute(query)

    def list_prepared(self) -> list[str]:
        """Return the statements that are prepared on the connection."""
        return list(db.session.scalars(text("SELECT statement FROM pg_prepared_statements")))

    @pytest.mark.parametrize("end", [database.release_connection, database.close_session])
    def test_statements_stay_prepared_when_a_read_only_transaction_ends(
        self, app: Flask, end: Callable[[], None]
    ) -> None:
        with app.app_context():
            self.execute_often(select(literal(True)))
            end()
            assert len(self.list_prepared()) == 1

    def test_the_statements_of_a_page_are_prepared(self, postgres_env: Environment) -> None:
        ann = postgres_env.person()
        for _ in range(6 * postgres_env.app.config["DATABASE_CONNECTIONS"]):
            assert ann.page().status == 200
        with postgres_env.app.app_context():
            assert any("JOIN login_session" in each for each in self.list_prepared())

    def test_a_statement_whose_result_a_migration_has_changed_fails_once(self, app: Flask) -> None:
        query, url = select(CMSUser.username), app.config["DATABASE_URL"]
        with app.app_context():
            self.execute_often(query)
            db.session.rollback()
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as migration:
                migration.execute("ALTER TABLE cms_user ALTER COLUMN username TYPE text")
            with pytest.raises(NotSupportedError, match="cached plan must not change result type"):
                db.session.execute(query)
            db.session.rollback()
            self.execute_often(query)


class TestDeadline:
    """The deadline of all waits for the database; the tests shorten it."""

    def test_a_statement_without_a_response_closes_its_connection(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "STATEMENT_MARGIN_SECONDS", -60.0)  # The server does not cancel it.
        with request_context(app):
            connection: Any = db.session.connection().connection.driver_connection
            with database.deadline(0.5), pytest.raises(OperationalError, match="no response within"):
                db.session.execute(text("SELECT pg_sleep(60)"))
            assert connection.closed
        with request_context(app):
            assert db.session.scalar(text("SELECT 1")) == 1

    def test_all_statements_of_a_request_share_one_deadline(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "REQUEST_SECONDS", 2.0)

        def execute_many() -> None:
            for _ in range(40):
                db.session.execute(text("SELECT pg_sleep(0.1)"))

        with request_context(app), pytest.raises(OperationalError, match="no response within"):
            execute_many()

    def test_work_without_a_deadline_waits_for_a_slow_statement(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "STATEMENT_SECONDS", 0.2)
        monkeypatch.setattr(database, "STATEMENT_MARGIN_SECONDS", -60.0)  # The server does not cancel it.
        with app.app_context():
            with database.without_deadline():
                assert db.session.scalar(text("SELECT 1 FROM pg_sleep(0.5)")) == 1
                db.session.rollback()
            with pytest.raises(OperationalError, match="no response within"):
                db.session.execute(text("SELECT pg_sleep(60)"))

    @pytest.mark.slow
    def test_a_server_that_accepts_a_connection_but_does_not_respond_is_abandoned(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"postgresql://cms@127.0.0.1:{listener.getsockname()[1]}/cms"
            app = create_app(settings_for(tmp_path, DATABASE_URL=url))
            assert get_status(app, "/readyz") == 503
            close_connections(app)

    def test_connections_have_tcp_timeouts(self, app: Flask) -> None:
        with app.app_context():
            connection: Any = db.session.connection().connection.driver_connection
            parameters = connection.info.get_parameters()
        assert int(parameters["tcp_user_timeout"]) <= 10000
        assert [parameters[f"keepalives{name}"] for name in ("", "_idle", "_interval", "_count")] == [
            "1",
            "10",
            "3",
            "3",
        ]


class TestCircuitBreaker:
    """A database that does not respond never blocks all threads of a process."""

    def test_a_request_is_refused_while_all_connections_wait_for_a_response(
        self, app: Flask, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "REQUEST_SECONDS", PATIENCE_SECONDS * 2)
        pool_size = app.config["DATABASE_CONNECTIONS"]
        statuses: list[int] = []

        def hang() -> None:
            statuses.append(get_status(app, "/readyz"))

        threads = [threading.Thread(target=hang) for _ in range(pool_size)]
        with app.app_context():
            pool: Any = db.engine.pool
        with request_context(app):
            db.session.execute(text("SELECT 1"))
        with freeze_postgres(postgres):
            for thread in threads:
                thread.start()
            eventually(
                lambda: pool.checkedout() == pool_size or len(pool.breaker._waiting_since) == pool_size,
                "all threads wait",
            )
            assert get_status(app, "/readyz") == 503
            assert statuses == []  # The other requests are still waiting.
            assert get_status(app, "/healthz") == 200
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert get_status(app, "/readyz") == 200

    def test_after_a_time_out_one_request_probes_the_database(self) -> None:
        breaker = database.CircuitBreaker()
        breaker._responded_at -= 60
        breaker._waiting_since[0] = breaker._responded_at
        for _ in range(2):  # One of a thread that waited for a lock, and one of another thread.
            breaker.record_timeout()
        breaker.raise_if_open(is_exhausted=False)
        with pytest.raises(database.DatabaseUnresponsive):
            breaker.raise_if_open(is_exhausted=False)
        with breaker.waiting():
            pass
        breaker.raise_if_open(is_exhausted=False)

    def test_after_a_failed_probe_the_database_is_not_used_for_a_while(self) -> None:
        breaker = database.CircuitBreaker()
        breaker._responded_at -= 60
        breaker._waiting_since[0] = breaker._responded_at
        breaker.record_timeout()
        breaker.raise_if_open(is_exhausted=False)
        breaker.record_timeout()  # This thread is the probe.
        with pytest.raises(database.DatabaseUnresponsive):
            breaker.raise_if_open(is_exhausted=False)
        assert breaker._probe_at is not None
        assert breaker._probe_at - monotonic() <= database.RETRY_SECONDS
        breaker._probe_at = 0.0  # The wait is over.
        breaker.raise_if_open(is_exhausted=False)

    def test_one_slow_statement_does_not_open_the_circuit_while_others_succeed(self) -> None:
        breaker = database.CircuitBreaker()
        breaker._waiting_since[0] = breaker._responded_at - 60
        with breaker.waiting():
            pass
        breaker.record_timeout()
        breaker.raise_if_open(is_exhausted=False)

    def test_a_refused_connection_counts_as_a_response(self) -> None:
        breaker = database.CircuitBreaker()
        breaker._responded_at -= 60
        with pytest.raises(psycopg.OperationalError), breaker.waiting():
            raise psycopg.OperationalError("connection refused")
        breaker.record_timeout()
        breaker.raise_if_open(is_exhausted=False)

    def test_an_open_circuit_is_a_503(self) -> None:
        assert issubclass(
            database.DatabaseUnresponsive, psycopg.OperationalError
        )  # SQLAlchemy wraps it in its OperationalError.
        assert OperationalError in UNAVAILABLE


@pytest.fixture
def sqlite_app(sqlite_env: Environment) -> Flask:
    """Provide an application on SQLite with one account."""
    sqlite_env.administrator("ann@example.com")
    return sqlite_env.app


class TestSessions:
    """The session of a request, which the next request of the thread uses again."""

    def test_a_request_gets_the_session_of_the_previous_one_without_anything_in_it(self, sqlite_app: Flask) -> None:
        with request_context(sqlite_app):
            session = db.session()
            user = db.session.scalars(db.select(CMSUser)).first()
            assert user is not None
            db.session.add(CMSUser(username="not committed"))
            database.begin_write()
            session.info["left"] = "behind"
        assert inspect(user).detached
        with request_context(sqlite_app):
            assert db.session() is session
            assert (session.get_transaction(), list(session), dict(session.info)) == (None, [], {})
            assert db.session.scalar(db.select(func.count(CMSUser.id))) == 1

    def test_objects_of_a_committed_transaction_are_detached_at_the_end_of_a_request(self, sqlite_app: Flask) -> None:
        with request_context(sqlite_app):
            user = db.session.scalars(db.select(CMSUser)).one()
            db.session.commit()
            assert inspect(user).persistent
        assert inspect(user).detached

    def test_requests_at_the_same_time_have_different_sessions(self, sqlite_app: Flask) -> None:
        def use(barrier: threading.Barrier, found: list[object]) -> None:
            for _ in range(2):
                with request_context(sqlite_app):
                    barrier.wait(PATIENCE_SECONDS)
                    found.append(db.session())
                    barrier.wait(PATIENCE_SECONDS)

        barrier, found = threading.Barrier(3), [list[object](), list[object](), list[object]()]
        threads = [threading.Thread(target=use, args=(barrier, each)) for each in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert [len(each) for each in found] == [2, 2, 2]
        assert len({id(session) for each in found for session in each}) == 3

    def test_a_request_inside_a_context_with_a_session_uses_that_one(self, sqlite_app: Flask) -> None:
        with request_context(sqlite_app):
            db.session()
        with sqlite_app.app_context():
            session = db.session()
            with request_context(sqlite_app):
                assert db.session() is session

    def test_a_session_that_could_not_be_closed_is_not_used_again(
        self, sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with request_context(sqlite_app):
            session = db.session()
            db.session.scalar(text("SELECT 1"))
            monkeypatch.setattr(session, "close", raise_lost)
        with request_context(sqlite_app):
            assert db.session() is not session


def raise_lost() -> None:
    """Raise the error of a connection that was lost."""
    raise OperationalError("ROLLBACK", None, psycopg.OperationalError("the connection is lost"))


class RecordingHasher:
    """A wrapper of a hasher that records how many connections are checked out at each call."""

    def __init__(self, hasher: PasswordHasher, app: Flask) -> None:
        """Wrap a hasher."""
        self._hasher, self._app = hasher, app
        self.held: list[int] = []

    def __getattr__(self, name: str) -> Any:
        """Record the number of connections, and return the attribute of the hasher."""
        if name in ("hash", "verify"):
            self.held.append(count_connections(self._app))
        return getattr(self._hasher, name)


def count_connections(app: Flask) -> int:
    """Return the number of connections that an application has checked out."""
    with app.app_context():
        return int(db.engine.pool.checkedout())  # type: ignore[attr-defined]


class TestReleasedConnections:
    """Requests hold no connection while a password is hashed or a page is rendered."""

    @pytest.mark.parametrize(
        "prepare",
        [prepare_sign_in, prepare_reauth, prepare_password_change, prepare_new_password, prepare_registration],
        ids=lambda prepare: prepare.__name__.removeprefix("prepare_"),
    )
    def test_no_connection_is_held_while_a_password_is_hashed(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., Act]
    ) -> None:
        act = prepare(env, script=True)
        hasher = RecordingHasher(passwords.HASHER, env.app)
        monkeypatch.setattr(passwords, "HASHER", hasher)
        assert act().status == 200
        assert hasher.held
        assert set(hasher.held) == {0}

    def test_no_connection_is_held_while_an_outdated_hash_is_replaced(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        act = prepare_sign_in(env, script=True)
        hasher = RecordingHasher(PasswordHasher(memory_cost=16, time_cost=1, parallelism=1), env.app)
        monkeypatch.setattr(passwords, "HASHER", hasher)
        assert act().status == 200
        assert hasher.held == [0, 0]
        assert env.account("ann").password_hash.startswith("$argon2id$v=19$m=16,")

    def test_no_connection_is_held_while_a_page_is_rendered(self, env: Environment) -> None:
        boss = superuser(env, script=False)
        held = {}

        def record(_: Flask, template: Any, **__: object) -> None:
            if not template.name.startswith("cms/mail/"):  # Mails are rendered in a transaction.
                held[template.name] = count_connections(env.app)

        with template_rendered.connected_to(record, env.app):
            for path in ("", "resetemail/", "profile/", "resetpwd/", "security/", "users/", "users/1/", "nothing/"):
                boss.page(f"/cms/{path}")
            boss.ask("not an address")
            boss.ask("new@example.com")
            boss.confirm("new@example.com", "000000")
            env.visitor(script=False).sign_in()
        assert len(held) >= 9, held
        assert set(held.values()) == {0}, held

    def test_uncommitted_changes_of_objects_survive_a_release(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            user = db.session.get(CMSUser, 1)
            assert user is not None
            user.city = "hangzhou"
            database.release_connection()
            db.session.commit()
        assert env.account("ann").city == "hangzhou"

    def test_objects_can_be_read_after_a_release(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            user = db.session.get(CMSUser, 1)
            assert user is not None
            database.release_connection()
            assert user.email == "ann@example.com"
            assert count_connections(env.app) == 0

    def test_uncommitted_changes_by_statements_survive_a_release(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            user = people.lock(1)
            assert user is not None
            people.update_columns(user, city="hangzhou")
            assert user.city == "hangzhou"
            database.release_connection()
            db.session.commit()
        assert env.account("ann").city == "hangzhou"

    def test_locking_an_account_reads_it_again(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            before = db.session.get(CMSUser, 1)
            assert before is not None
            db.session.rollback()
            env.update_account("ann@example.com", city="hangzhou")
            for locked in (people.lock(1), people.lock_many([1])[1]):
                assert locked is not None
                assert locked.city == "hangzhou"
            db.session.rollback()

    def test_a_locked_account_is_immutable(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            locked = people.lock(1)
            assert locked is not None
            with pytest.raises(AttributeError):
                locked.city = "beijing"
            db.session.rollback()

    def test_a_row_that_was_read_is_immutable(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            row = database.execute(db.select(table(CMSUser)), {}).first()
            assert row is not None
            user = value_of(CMSUser, iter(row))
            assert user.email == "ann@example.com"
            with pytest.raises(AttributeError):
                user.email = "other@example.com"
