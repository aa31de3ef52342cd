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
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from accounts import database, passwords, people
from accounts.errors import UNAVAILABLE
from app import create_app
from models import CMSUser, db, table, value_of
from tests.environments import Environment, settings_for
from tests.servers import PATIENCE_SECONDS, PostgresServer, eventually
from tests.stories.admin_steps import superuser
from tests.stories.test_lost_database import (
    Act,
    changes_the_password,
    chooses_a_password,
    proves,
    registers,
    signs_in,
)

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture
def app(postgres: PostgresServer, tmp_path: Path) -> Iterator[Flask]:
    """Give an application on PostgreSQL, with views that tell what they find."""
    with postgres.database() as url:
        app = create_app(settings_for(tmp_path, DATABASE_URL=url))
        yield app
        close(app)


def close(app: Flask) -> None:
    """Let go of every connection."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def limits_now() -> list[str]:
    """Return the limits that the server keeps in this transaction."""
    return [str(db.session.scalar(text(f"SHOW {name}"))) for name in LIMITS]


def ask(app: Flask, path: str) -> int:
    """Send a request, and return the status of its answer."""
    return app.test_client().get(path).status_code


@contextlib.contextmanager
def in_a_request(app: Flask) -> Iterator[None]:
    """Be where a view would be."""
    with app.test_request_context("/"):
        app.preprocess_request()
        yield


@contextlib.contextmanager
def frozen(postgres: PostgresServer) -> Iterator[None]:
    """Have PostgreSQL stand still for a while."""
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


class TestLimitsOfTheServer:
    """What PostgreSQL itself ends travels with BEGIN."""

    @pytest.mark.parametrize(
        ("left", "limits"),
        [
            (database.REQUEST_SECONDS, ["3500ms", "3s", "30s"]),
            (2.0, ["1500ms", "1s", "30s"]),
            (1.0, ["500ms", "100ms", "30s"]),
        ],
    )
    def test_a_request_has_limits_below_what_is_left_of_its_deadline(
        self, app: Flask, left: float, limits: list[str]
    ) -> None:
        with in_a_request(app):
            db.session.connection()  # It may take part of the deadline.
            db.session.rollback()
            database._seconds_left.set(left)
            assert limits_now() == limits

    def test_other_work_has_more_time_for_a_statement(self, app: Flask) -> None:
        with app.app_context():
            assert limits_now() == ["29500ms", "3s", "30s"]

    def test_long_work_has_none(self, app: Flask) -> None:
        with app.app_context():
            with database.without_deadline():
                assert limits_now() == ["0", "0", "0"]
                db.session.rollback()
            assert limits_now() == ["29500ms", "3s", "30s"]

    def test_they_end_with_the_transaction(self, app: Flask) -> None:
        """A pooler may give the server's side to somebody else then."""
        with in_a_request(app), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            assert connection.scalar(text("SHOW statement_timeout")) == "0"

    def test_no_start_up_parameter_sets_them(self, app: Flask) -> None:
        assert "options" not in app.config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]

    def test_they_cost_no_round_trip(self, app: Flask, tmp_path: Path) -> None:
        with in_a_request(app), (tmp_path / "trace").open("w+") as trace:
            connection: Any = db.session.connection().connection.driver_connection
            db.session.rollback()
            connection.pgconn.trace(trace.fileno())
            connection.execute("SELECT 1")
            connection.pgconn.untrace()
            trace.seek(0)
            sent = [line for line in trace if "\tF\t" in line]
            connection.rollback()
        queries = [line for line in sent if "Query" in line]
        assert len(queries) == 2  # As many as psycopg sends by itself: BEGIN, and the statement.
        assert "BEGIN; SET LOCAL" in queries[0]


class TestDeadline:
    """Nothing is waited for longer than the deadline allows; here it is short, so that the test is."""

    def test_a_statement_that_is_not_answered_ends_its_connection(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "REQUEST_SECONDS", 0.5)
        monkeypatch.setattr(database, "STATEMENT_MARGIN_SECONDS", -60.0)  # The server does not cancel it.
        with in_a_request(app):
            connection: Any = db.session.connection().connection.driver_connection
            with pytest.raises(OperationalError, match="no response within"):
                db.session.execute(text("SELECT pg_sleep(60)"))
            assert connection.closed
        with in_a_request(app):
            assert db.session.scalar(text("SELECT 1")) == 1

    def test_all_statements_of_a_request_share_one_deadline(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "REQUEST_SECONDS", 2.0)

        def naps() -> None:
            for _ in range(40):
                db.session.execute(text("SELECT pg_sleep(0.1)"))

        with in_a_request(app), pytest.raises(OperationalError, match="no response within"):
            naps()

    def test_long_work_waits_as_long_as_it_takes(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "STATEMENT_SECONDS", 0.2)
        monkeypatch.setattr(database, "STATEMENT_MARGIN_SECONDS", -60.0)  # The server does not cancel it.
        with app.app_context():
            with database.without_deadline():
                assert db.session.scalar(text("SELECT 1 FROM pg_sleep(0.5)")) == 1
                db.session.rollback()
            with pytest.raises(OperationalError, match="no response within"):
                db.session.execute(text("SELECT pg_sleep(60)"))

    def test_a_server_that_accepts_and_says_nothing_is_given_up(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql://cms@127.0.0.1:{silent.getsockname()[1]}/cms"
            app = create_app(settings_for(tmp_path, DATABASE_URL=url))
            assert ask(app, "/readyz") == 503
            close(app)

    def test_the_network_is_told_how_long_to_try(self, app: Flask) -> None:
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
    """A database that does not answer holds some threads of a process, never all."""

    def test_while_as_many_wait_as_there_are_connections_the_next_is_refused(
        self, app: Flask, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "REQUEST_SECONDS", PATIENCE_SECONDS * 2)
        most = app.config["DATABASE_CONNECTIONS"]
        statuses: list[int] = []

        def hang() -> None:
            statuses.append(ask(app, "/readyz"))

        crowd = [threading.Thread(target=hang) for _ in range(most)]
        with app.app_context():
            pool: Any = db.engine.pool
        with in_a_request(app):
            db.session.execute(text("SELECT 1"))
        with frozen(postgres):
            for thread in crowd:
                thread.start()
            eventually(lambda: pool.checkedout() == most or len(pool.breaker._waiting_since) == most, "all wait")
            assert ask(app, "/readyz") == 503
            assert statuses == []  # The others wait still.
            assert ask(app, "/healthz") == 200
        for thread in crowd:
            thread.join(PATIENCE_SECONDS)
        assert ask(app, "/readyz") == 200

    def test_after_a_time_out_the_next_request_probes_for_all(self) -> None:
        breaker = database.CircuitBreaker()
        breaker._responded_at -= 60
        breaker._waiting_since[0] = breaker._responded_at
        for _ in range(2):  # Of a thread that waited for a lock, and of another one.
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
        breaker.record_timeout()  # The probe, in this thread.
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

    def test_what_it_raises_is_answered_with_503(self) -> None:
        assert issubclass(database.DatabaseUnresponsive, psycopg.OperationalError)  # SQLAlchemy makes it its own:
        assert OperationalError in UNAVAILABLE


class WatchedHasher:
    """Hashes as the real one, and notes how many connections are checked out meanwhile."""

    def __init__(self, hasher: PasswordHasher, app: Flask) -> None:
        """Stand before the hasher of an application."""
        self._hasher, self._app = hasher, app
        self.held: list[int] = []

    def __getattr__(self, name: str) -> Any:
        """Note, and pass on."""
        if name in ("hash", "verify"):
            self.held.append(checked_out(self._app))
        return getattr(self._hasher, name)


def checked_out(app: Flask) -> int:
    """Return how many connections of an application are in use."""
    with app.app_context():
        return int(db.engine.pool.checkedout())  # type: ignore[attr-defined]


class TestHoldingNoConnection:
    """More requests than connections: nobody keeps one while a password is hashed or a page is rendered."""

    @pytest.mark.parametrize(
        "story",
        [signs_in, proves, changes_the_password, chooses_a_password, registers],
        ids=lambda story: story.__name__,
    )
    def test_while_a_password_is_hashed(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch, story: Callable[..., Act]
    ) -> None:
        act = story(env, script=True)
        watched = WatchedHasher(passwords.HASHER, env.app)
        monkeypatch.setattr(passwords, "HASHER", watched)
        assert act().status == 200
        assert watched.held
        assert set(watched.held) == {0}

    def test_while_a_dated_hash_is_made_anew(self, env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
        act = signs_in(env, script=True)
        watched = WatchedHasher(PasswordHasher(memory_cost=16, time_cost=1, parallelism=1), env.app)
        monkeypatch.setattr(passwords, "HASHER", watched)
        assert act().status == 200
        assert watched.held == [0, 0]
        assert env.account("ann").password_hash.startswith("$argon2id$v=19$m=16,")

    def test_while_a_page_is_rendered(self, env: Environment) -> None:
        boss = superuser(env, script=False)
        held = {}

        def note(_: Flask, template: Any, **__: object) -> None:
            if not template.name.startswith("mail/"):  # A mail belongs to the transaction of what it tells.
                held[template.name] = checked_out(env.app)

        with template_rendered.connected_to(note, env.app):
            for path in ("", "resetemail/", "profile/", "resetpwd/", "security/", "users/", "users/1/", "nothing/"):
                boss.page(f"/cms/{path}")
            boss.ask("no address")
            boss.ask("new@example.com")
            boss.confirm("new@example.com", "000000")
            env.visitor(script=False).sign_in()
        assert len(held) >= 9, held
        assert set(held.values()) == {0}, held

    def test_what_was_written_and_not_committed_is_not_given_back(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            user = db.session.get(CMSUser, 1)
            assert user is not None
            user.city = "hangzhou"
            database.release_connection()
            db.session.commit()
        assert env.account("ann").city == "hangzhou"

    def test_what_was_read_stays_readable(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            user = db.session.get(CMSUser, 1)
            assert user is not None
            database.release_connection()
            assert user.email == "ann@example.com"
            assert checked_out(env.app) == 0

    def test_what_a_statement_wrote_is_not_given_back(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            user = people.lock(1)
            assert user is not None
            people.update_columns(user, city="hangzhou")
            assert user.city == "hangzhou"
            database.release_connection()
            db.session.commit()
        assert env.account("ann").city == "hangzhou"

    def test_a_lock_gives_the_account_as_it_is_and_not_as_it_was_read_before(self, env: Environment) -> None:
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

    def test_a_locked_account_is_a_value_that_only_a_statement_changes(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            locked = people.lock(1)
            assert locked is not None
            with pytest.raises(AttributeError):
                locked.city = "beijing"
            db.session.rollback()

    def test_a_row_that_was_only_read_cannot_be_changed(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        with env.app.app_context():
            row = database.execute(db.select(table(CMSUser)), {}).first()
            assert row is not None
            user = value_of(CMSUser, iter(row))
            assert user.email == "ann@example.com"
            with pytest.raises(AttributeError):
                user.email = "other@example.com"
