"""accounts/operations/housekeeping.py deletes expired rows, and no others, in small batches."""

import contextlib
import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import bindparam, create_engine, func, inspect, select, text
from sqlalchemy.pool import NullPool

from accounts import clock
from accounts.flows import registration
from accounts.operations import housekeeping
from models import (
    AuthenticatorApp,
    Base,
    Budget,
    EmailChange,
    FactorReset,
    Invitation,
    Link,
    LinkPurpose,
    LoginSession,
    Mail,
    MailState,
    Moment,
    PendingSignIn,
    WebhookEvent,
    db,
)
from tests.environments import Environment
from tests.servers import WebhookReceiver, free_port
from tests.stories.admin_steps import BOSS, NEW, act, create_many, id_of, invitation_link, register
from tests.stories.factor_steps import add_passkey, set_up_app
from tests.test_scale import record_statements
from tests.webhooks import deliver as deliver_webhooks

DAY, RETENTION = timedelta(days=1), timedelta(days=30)
PERMANENT_TABLES = {"cms_user", "audit", "audit_tie", "alembic_version", "passkey", "recovery_code", "webhook_receiver"}
ANN = "ann@example.com"


def delete_expired(app: Flask) -> bool:
    """Run the housekeeping once, like a separate process."""
    with app.app_context():
        return housekeeping.delete_expired()


def run_if_due(app: Flask) -> None:
    """Run the housekeeping in this application, if it is due."""
    with app.app_context():
        housekeeping.run_if_due()


def count_all(env: Environment) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {name: env.rows(select(func.count()).select_from(each))[0][0] for name, each in db.metadata.tables.items()}


def count(env: Environment, model: type[Base]) -> int:
    """Return the number of rows of a table."""
    return count_all(env)[model.__tablename__]


def fill(env: Environment, table: str, rows: int, *, before: str = "", **columns: str) -> None:
    """Insert many rows with one statement; `i` is the number of a row, `:now` is now, and `:over` is 200 days ago."""
    names, values = ", ".join(columns), ", ".join(columns.values())
    numbers = "WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :rows)"
    statement = text(f"{numbers} INSERT INTO {table} ({names}) SELECT {values} FROM number")
    moments = [name for name in ("now", "over") if f":{name}" in str(statement)]
    values_of = {"now": clock.now(), "over": clock.now() - timedelta(days=200)}
    statement = statement.bindparams(*(bindparam(name, values_of[name], type_=Moment()) for name in moments))
    with env.app.app_context():
        url = db.engine.url
    with create_engine(url, poolclass=NullPool).begin() as connection:  # It has no time limits.
        if before:
            connection.execute(text(before))
        connection.execute(statement, {"rows": rows})
        connection.execute(text(f"ANALYZE {table}"))  # As autovacuum does after such a load.


def insert_budgets(env: Environment, rows: int, resets_at: str = ":over") -> None:
    """Insert many budgets, which have expired by default."""
    key = f"'{resets_at[1:]}' || CAST(i AS text)"
    fill(env, "budget", rows, key=key, used="1", used_at=":now", resets_at=resets_at)


def insert_mails(env: Environment, rows: int, done_at: str = ":over", **more: str) -> None:
    """Insert many mails, which were done 200 days ago by default."""
    fill(
        env,
        "mail",
        rows,
        **more,
        message_id=f"'{done_at[1:]}' || CAST(i AS text)",
        kind="'code'",
        recipient="'new@example.com'",
        subject="''",
        body="''",
        html="''",
        state="'sent'",
        created_at=":now",
        due_at=":now",
        not_after=":now",
        tries="1",
        done_at=done_at,
        problem="''",
    )


def insert_changes(env: Environment, rows: int, **more: str) -> None:
    """Insert many administrators with a pending change each; the changes refer to the newest mails."""
    create_many(env, rows)
    fill(
        env,
        "email_change",
        rows,
        **more,
        user_id=f"(SELECT max(id) FROM cms_user) - {rows} + i",
        mail_id=f"(SELECT max(id) FROM mail) - {rows} + i",
        email="'new@example.com'",
        email_key="'new@example.com'",
        email_version="1",
        nonce="CAST(i AS text)",
        stop_hash="CAST(i AS text)",
        asked_at=":now",
        expires_at=":now",
        tries="0",
        new_proved="false",
        old_proved="false",
    )


def create_budget(_: int, at: datetime) -> Base:
    """Create a budget that resets at this time."""
    return Budget(key=str(at), used=1, used_at=at, resets_at=at)


def create_change(user: int, at: datetime) -> Base:
    """Create a pending change that expires at this time, and that belongs to no session."""
    return EmailChange(
        user_id=user,
        email=NEW,
        email_key=NEW,
        email_version=1,
        nonce="",
        stop_hash=str(at),
        asked_at=at,
        expires_at=at,
    )


def session_factory(seen: str, *, remembered: bool) -> Callable[[int, datetime], Base]:
    """Return a function that creates a session whose column `seen` has a time; other times are now."""

    def make(user: int, at: datetime) -> Base:
        moments = {"seen_at": clock.now(), "created_at": clock.now(), seen: at}
        more = {"network": "-", "browser": "-", "proved_at": at, "remembered": remembered}
        return LoginSession(user_id=user, id_hash=f"{seen} {at}", **moments, **more)

    return make


def link_factory(moment: str) -> Callable[[int, datetime], Base]:
    """Return a function that creates a link whose column `moment` has a time."""

    def make(user: int, at: datetime) -> Base:
        moments = {"created_at": at, "expires_at": clock.now() + DAY, moment: at}
        more = {"email": NEW, "email_key": NEW, "email_version": 1, "purpose": LinkPurpose.UNDO}
        return Link(user_id=user, token_hash=f"{moment} {at}", **moments, **more)

    return make


def create_invitation(user: int, at: datetime) -> Base:
    """Create an invitation that expires at this time."""
    more = {"created_at": at, "expires_at": at, "is_superuser": False}
    return Invitation(token_hash=str(at), email=str(at), email_key=str(at), invited_by=user, **more)


def mail_factory(state: MailState) -> Callable[[int, datetime], Base]:
    """Return a function that creates a mail that was done at this time."""

    def make(user: int, at: datetime) -> Base:
        more = {"kind": "code", "recipient": NEW, "subject": "", "body": "", "html": "", "problem": ""}
        moments = {"created_at": at, "due_at": at, "not_after": at, "done_at": at}
        return Mail(user_id=user, message_id=f"{state} {at}", state=state, **more, **moments)

    return make


def create_pending_sign_in(user: int, at: datetime) -> Base:
    """Create a sign-in that waits for a second factor until this time."""
    versions = {"password_version": 1, "email_version": 1}
    return PendingSignIn(token_hash=str(at), user_id=user, remembered=False, expires_at=at, **versions)


def create_reset(user: int, at: datetime) -> Base:
    """Create a reset of second factors that expires at this time."""
    moments = {"asked_at": at, "due_at": at, "expires_at": at}
    return FactorReset(user_id=user, started_by=user, reason="", stop_hash=str(at), network="", browser="", **moments)


def create_unconfirmed_app(user: int, at: datetime) -> Base:
    """Create an authenticator app that waits for its first code since this time."""
    return AuthenticatorApp(user_id=user, secret="", key_id="", created_at=at)


def create_event(user: int, at: datetime) -> Base:
    """Create an event of webhooks of this time."""
    return WebhookEvent(message_id=str(at), user_id=user, number=1, type="", at=at, payload="{}")


CASES: dict[str, tuple[Callable[[int, datetime], Base], timedelta]] = {
    "a budget, a day after it resets": (create_budget, DAY),
    "a change, a day after it expires": (create_change, DAY),
    "a session, a day after it was idle too long": (session_factory("seen_at", remembered=False), DAY + DAY / 24),
    "a session, a day after it was too old": (session_factory("created_at", remembered=False), DAY * 1.5),
    "a remembered session, a day after it was idle too long": (session_factory("seen_at", remembered=True), DAY * 15),
    "a remembered session, a day after it was too old": (session_factory("created_at", remembered=True), DAY * 31),
    "a sign-in without its second step, a day after it expires": (create_pending_sign_in, DAY),
    "a reset of second factors, a month after it expires": (create_reset, RETENTION),
    "an authenticator app without its first code, after a day": (create_unconfirmed_app, DAY),
    "a link, a month after it expires": (link_factory("expires_at"), RETENTION),
    "a link, a month after it was used": (link_factory("ended_at"), RETENTION),
    "an invitation, a month after it expires": (create_invitation, RETENTION),
    "an event of webhooks, after 35 days": (create_event, DAY * 35),
    **{
        f"a mail, a month after it was {state}": (mail_factory(state), RETENTION)
        for state in set(MailState) - {MailState.QUEUED}
    },
}


class TestExpiredRows:
    """Expired rows are deleted, and no others."""

    @pytest.mark.slow
    def test_each_kind_of_row_is_deleted_when_its_retention_ends_and_not_before(self, env: Environment) -> None:
        ann, bob = env.administrator(ANN).id, env.administrator("bob@example.com").id
        with env.app.app_context():
            rows_of = {
                name: (make(ann, clock.now() - retention - timedelta(seconds=1)), make(bob, clock.now() - retention))
                for name, (make, retention) in CASES.items()
            }
            db.session.add_all(row for rows in rows_of.values() for row in rows)
            db.session.commit()
            keys = {name: [inspect(row).identity_key for row in rows] for name, rows in rows_of.items()}
            assert housekeeping.delete_expired()
            db.session.expunge_all()
            found = {name: [db.session.get(*key[:2]) is not None for key in pair] for name, pair in keys.items()}
            assert found == {name: [False, True] for name in CASES}

    def test_rows_that_have_not_expired_are_not_deleted(self, env: Environment) -> None:
        create_rows(env)
        before = count_all(env)
        assert [name for name, rows in before.items() if not rows] == ["audit_tie"]
        assert delete_expired(env.app)
        assert count_all(env) == before

    @pytest.mark.slow
    def test_after_a_year_only_accounts_and_histories_are_left(self, env: Environment) -> None:
        create_rows(env)
        before = count_all(env)
        env.clock.advance(days=300)
        env.deliver()  # Queued mail expires.
        env.clock.advance(days=65)
        assert delete_expired(env.app)
        assert count_all(env) == {name: number if name in PERMANENT_TABLES else 0 for name, number in before.items()}

    def test_queued_mail_is_never_deleted(self, env: Environment) -> None:
        with env.app.app_context():
            queued = mail_factory(MailState.QUEUED)(env.administrator(ANN).id, clock.now() - DAY * 900)
            queued.done_at = None  # type: ignore[attr-defined]
            db.session.add(queued)
            db.session.commit()
        assert delete_expired(env.app)
        assert count(env, Mail) == 1


def create_rows(env: Environment) -> None:
    """Create a row in every table through use cases."""
    env.settings["WEBHOOKS"] = f"http://127.0.0.1:{free_port()}/ {WebhookReceiver.SECRET}"
    link = invitation_link(env)
    assert register(env.visitor(), link).status == 200
    boss = env.signed_in(BOSS)
    assert boss.post("/cms/users/invite/", {"email": "other@example.com", "role": "editor"}).status == 200
    ann = env.person()
    ann.ask("ann2@example.com")
    assert ann.confirm("ann2@example.com", env.code_to("ann2@example.com")).status == 200
    env.visitor().post("/cms/forgotpwd/", {"email": BOSS})
    bob = env.person("bob@example.com")
    assert bob.ask("bob2@example.com").status == 200
    started = {"email": "boss2@example.com", "reason": "because"}
    assert boss.post(f"/cms/users/{id_of(env, 'ann2@example.com')}/start_change/", started).status == 200
    dan = env.person("dan@example.com")
    add_passkey(dan)
    assert env.visitor(dan.email).sign_in().data == {"next": "/cms/login/second/"}
    assert act(boss, env, dan.email, "reset_factors").status == 200
    carol = env.person("carol@example.com")
    set_up_app(carol)
    env.deliver()
    deliver_webhooks(env.app)


class TestSchedule:
    """One process runs the housekeeping once an hour."""

    def test_one_process_runs_it_once_an_hour(self, env: Environment) -> None:
        first, second = env.app, env.build()
        insert_budgets(env, 1)
        run_if_due(second)
        assert count(env, Budget) == 0
        insert_budgets(env, 1)
        for app in (first, second):
            run_if_due(app)
        assert count(env, Budget) == 1
        wait_an_hour(env)
        run_if_due(first)
        assert count(env, Budget) == 0

    @pytest.mark.slow
    def test_remaining_rows_are_deleted_by_the_next_run_without_waiting_for_an_hour(self, env: Environment) -> None:
        most = housekeeping.BATCH_ROWS * housekeeping.BATCHES_PER_RUN
        insert_budgets(env, most + 500)
        run_if_due(env.app)
        assert count(env, Budget) == 500
        run_if_due(env.build())
        assert count(env, Budget) == 0
        insert_budgets(env, 1)
        run_if_due(env.app)
        assert count(env, Budget) == 1

    def test_delivery_runs_housekeeping(self, env: Environment) -> None:
        insert_budgets(env, 1)
        result = env.app.test_cli_runner().invoke(args=["mail", "deliver"])
        assert result.exit_code == 0
        assert count(env, Budget) == 0

    @pytest.mark.slow
    def test_a_failed_run_is_repeated_within_the_hour(self, env: Environment, caplog: pytest.LogCaptureFixture) -> None:
        insert_budgets(env, 1)
        with lock_table(env, "budget"), caplog.at_level(logging.WARNING):
            run_if_due(env.build(has_long_timeouts=False))
        (message,) = [each.getMessage() for each in caplog.records]
        assert message.startswith("housekeeping failed, next try in 60 s: ")
        assert count(env, Budget) == 1
        wait_a_minute(env)
        run_if_due(env.app)
        assert count(env, Budget) == 0

    def test_a_locked_table_does_not_delay_the_others(self, postgres_env: Environment) -> None:
        env = postgres_env
        insert_budgets(env, 1)
        insert_mails(env, 1)
        with lock_table(env, "budget"):
            run_if_due(env.app)
        assert (count(env, Budget), count(env, Mail)) == (1, 0)

    def test_a_locked_row_is_left_for_the_next_run(self, postgres_env: Environment) -> None:
        env = postgres_env
        insert_budgets(env, 3)
        with psycopg.connect(env.settings["DATABASE_URL"]) as connection:
            connection.execute("SELECT * FROM budget LIMIT 1 FOR UPDATE")
            assert delete_expired(env.app)
            assert count(env, Budget) == 1
        assert delete_expired(env.app)
        assert count(env, Budget) == 0


@contextlib.contextmanager
def lock_table(env: Environment, table: str) -> Iterator[None]:
    """Lock a table within the context; SQLite can only lock the whole database."""
    if env.name.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(Path(env.settings["INSTANCE_DIR"]) / "cms.db")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()
    else:
        with psycopg.connect(env.settings["DATABASE_URL"]) as connection:
            connection.execute(f"LOCK TABLE {table}")  # type: ignore[arg-type]
            yield
            connection.rollback()


def read_seconds_left(env: Environment) -> int:
    """Return the lifetime that is left of the key in memcached, whose clock tests cannot advance."""
    assert env.memcached
    key = "cms-" + sha256(b"housekeeping").hexdigest()
    found = re.fullmatch(rb"HD t(\d+)\r\n", env.memcached.send_command(f"mg {key} t\r\n".encode()))
    return int(found[1]) if found else 0


def wait_for_next_run(env: Environment, seconds: int) -> None:
    """Check that the next run is due after this time and not before, and advance the clock."""
    if env.memcached:
        assert read_seconds_left(env) <= seconds
        assert seconds == 60 or read_seconds_left(env) > 60
        env.clear_cache()
    else:
        env.clock.advance(seconds=seconds - 1)
        run_if_due(env.app)
        assert count(env, Budget) == 1
    env.clock.advance(seconds=1)


def wait_an_hour(env: Environment) -> None:
    """Advance the clock by an hour."""
    wait_for_next_run(env, 3600)


def wait_a_minute(env: Environment) -> None:
    """Advance the clock by a minute."""
    wait_for_next_run(env, 60)


class TestCommand:
    """`flask housekeeping`, for a timer."""

    @pytest.mark.slow
    def test_it_deletes_more_than_one_run_of_the_mail_processes_does_and_nothing_else(self, env: Environment) -> None:
        a_run = housekeeping.BATCH_ROWS * housekeeping.BATCHES_PER_RUN
        insert_budgets(env, a_run + 5)
        insert_budgets(env, 7, resets_at=":now")
        result = run_command(env)
        assert (result.exit_code, result.output) == (0, "All expired rows are deleted.\n")
        assert count(env, Budget) == 7

    def test_it_takes_no_turn_of_the_mail_processes_and_waits_for_none(self, env: Environment) -> None:
        run_if_due(env.app)
        insert_budgets(env, 3)
        assert run_command(env).exit_code == 0
        assert count(env, Budget) == 0

    def test_a_database_that_is_not_there_is_one_line(self, sqlite_env: Environment) -> None:
        app = sqlite_env.build(DATABASE_URL="sqlite:////nowhere/at/all/cms.db")
        result = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["housekeeping"])
        assert result.exit_code == 1
        assert re.fullmatch(r"Error: Not completed: .+\n", result.output)


def run_command(env: Environment) -> Result:
    """Run `flask housekeeping`."""
    return CliRunner().invoke(FlaskGroup(create_app=lambda: env.app), ["housekeeping"])


class TestManyRows:
    """Housekeeping with many rows does not block requests."""

    @pytest.mark.slow
    def test_requests_can_write_while_thousands_of_mails_are_deleted(self, sqlite_env: Environment) -> None:
        """Without an index for email_change.mail_id, the write lock of SQLite would be held for seconds."""
        env = sqlite_env
        insert_mails(env, 20_000, done_at=":now")
        insert_changes(env, 20_000)
        insert_mails(env, 2_000)
        assert (count(env, Mail), count(env, EmailChange)) == (22_000, 20_000)
        done = threading.Event()

        def work() -> None:
            try:
                delete_expired(env.app)
            finally:
                done.set()

        thread = threading.Thread(target=work)
        thread.start()
        writes = 0
        while not done.is_set():
            env.update_account(
                f"mail-{999_999 - writes}@example.com", city="hangzhou"
            )  # Or it raises: database is locked.
            writes += 1
        thread.join()
        assert writes
        assert (count(env, Mail), count(env, EmailChange)) == (20_000, 20_000)

    @pytest.mark.slow
    def test_the_number_of_mails_does_not_affect_the_work_of_one_run(self, postgres_env: Environment) -> None:
        env, rows = postgres_env, 200_000
        unlogged = "ALTER TABLE email_change SET UNLOGGED; ALTER TABLE mail SET UNLOGGED"
        insert_mails(env, 20_000, done_at=":now", before=unlogged)
        insert_changes(env, 20_000)
        insert_mails(env, rows)
        rows_per_run = housekeeping.BATCH_ROWS * housekeeping.BATCHES_PER_RUN
        for runs in (1, 2, 3):
            with record_statements(env) as statements:
                assert not delete_expired(env.app), "one run must not delete all rows"
            deletes = [statement for statement, _ in statements if "DELETE FROM mail" in statement]
            assert len(deletes) == housekeeping.BATCHES_PER_RUN
            assert count(env, Mail) == 20_000 + rows - runs * rows_per_run
        assert count(env, EmailChange) == 20_000

    def test_no_statement_reads_a_whole_table(self, env: Environment) -> None:
        fill_every_table(env)
        with record_statements(env) as statements, env.app.app_context():
            housekeeping.delete_expired()
            registration.list_invitations()
        queries = [(statement, parameters) for statement, parameters in statements if " FROM " in statement]
        assert len(queries) == 14
        with env.app.app_context(), db.engine.connect() as connection:
            for statement, parameters in queries:
                plan = read_plan(env, connection, statement, parameters)
                assert not re.search(r"Seq Scan|\bSCAN (?!batch\b)(?!.*USING (COVERING )?INDEX)", plan), plan

    def test_deleting_a_mail_finds_its_change_by_an_index(self, env: Environment) -> None:
        insert_mails(env, 2_000)
        insert_changes(env, 2_000)
        steps = count_reads(env, "DELETE FROM mail WHERE id <= (SELECT min(id) FROM mail) + 99")
        assert steps < 100_000, "all changes are read for each deleted mail"


def fill_every_table(env: Environment) -> None:
    """Insert 3000 rows into each table that housekeeping reads; five of them have expired."""
    insert_mails(env, 3_000, done_at=":now")
    insert_changes(env, 3_000)
    insert_budgets(env, 3_000, resets_at=":now")
    user = "(SELECT min(id) FROM cms_user)"
    either = "CASE WHEN i <= 5 THEN :over ELSE :now END"
    text_, moments = "CAST(i AS text)", {"created_at": either, "expires_at": either}
    session = {"created_at": ":now", "seen_at": either, "proved_at": ":now", "network": "'-'", "browser": "'-'"}
    fill(env, "login_session", 3_000, id_hash=text_, user_id=user, remembered="i % 2 = 0", **session)
    address = {"email": text_, "email_key": text_}
    fill(env, "invitation", 3_000, token_hash=text_, **address, is_superuser="false", invited_by=user, **moments)
    link = {"purpose": "'undo'", "user_id": user, "email_version": "1", "ended_at": either, **moments}
    fill(env, "link", 3_000, token_hash=text_, **address, **link)
    versions = {"password_version": "1", "email_version": "1", "remembered": "false"}
    fill(env, "pending_sign_in", 3_000, token_hash=text_, user_id=user, **versions, expires_at=either)
    of_each = "(SELECT max(id) FROM cms_user) - 3000 + i"
    reset = {"user_id": of_each, "started_by": user, "reason": "''", "network": "'-'", "browser": "'-'"}
    times = {"asked_at": ":now", "due_at": ":now", "expires_at": either}
    fill(env, "factor_reset", 3_000, stop_hash=text_, **reset, **times, outcome="''")
    event = {"user_id": user, "number": "i", "type": "''", "payload": "'{}'", "at": either}
    fill(env, "webhook_event", 3_000, message_id=text_, **event)
    secret = {"secret": "''", "key_id": "''", "last_step": "0"}
    confirmed = "CASE WHEN i <= 2900 THEN :now END"
    fill(env, "authenticator_app", 3_000, user_id=of_each, **secret, created_at=either, confirmed_at=confirmed)


def read_plan(env: Environment, connection: Any, statement: str, parameters: Any) -> str:
    """Return the query plan of a statement."""
    explain = "EXPLAIN QUERY PLAN" if env.name.startswith("sqlite") else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))


def count_reads(env: Environment, statement: str) -> int:
    """Return the steps of a statement in SQLite, or the number of rows that PostgreSQL reads without an index."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 100

    with env.app.app_context(), db.engine.connect() as connection:
        if env.name.startswith("sqlite"):
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.set_progress_handler(step, 100)
            connection.exec_driver_sql(statement)
            driver.set_progress_handler(None, 0)
        else:
            connection.exec_driver_sql(statement)
            query = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'email_change'"
            steps = int(connection.exec_driver_sql(query).scalar_one())
        connection.rollback()
    return steps
