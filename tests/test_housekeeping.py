"""accounts/operations/housekeeping.py deletes what has expired, in small batches, and nothing else."""

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
    Base,
    Budget,
    EmailChange,
    Invitation,
    Link,
    LinkPurpose,
    LoginSession,
    Mail,
    MailState,
    Moment,
    db,
)
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, NEW, create_many, id_of, invitation_link, register
from tests.test_scale import listened

DAY, KEPT = timedelta(days=1), timedelta(days=30)
KEPT_FOR_EVER = {"cms_user", "audit", "alembic_version"}
ANN = "ann@example.com"


def delete_expired(app: Flask) -> bool:
    """Run the housekeeping once, as a process of its own would."""
    with app.app_context():
        return housekeeping.delete_expired()


def run_if_due(app: Flask) -> None:
    """Offer a process the hour's turn."""
    with app.app_context():
        housekeeping.run_if_due()


def counts(env: Environment) -> dict[str, int]:
    """Return how many rows every table has."""
    return {name: env.rows(select(func.count()).select_from(each))[0][0] for name, each in db.metadata.tables.items()}


def count(env: Environment, model: type[Base]) -> int:
    """Return how many rows one table has."""
    return counts(env)[model.__tablename__]


def fill(env: Environment, table: str, rows: int, *, before: str = "", **columns: str) -> None:
    """Insert many rows with one statement; `i` counts them, and `:now` is the present moment."""
    names, values = ", ".join(columns), ", ".join(columns.values())
    numbers = "WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :rows)"
    statement = text(f"{numbers} INSERT INTO {table} ({names}) SELECT {values} FROM number")
    moments = [name for name in ("now", "over") if f":{name}" in str(statement)]
    given = {"now": clock.now(), "over": clock.now() - timedelta(days=200)}
    statement = statement.bindparams(*(bindparam(name, given[name], type_=Moment()) for name in moments))
    with env.app.app_context():
        url = db.engine.url
    with create_engine(url, poolclass=NullPool).begin() as connection:  # Without the time limits of a request.
        if before:
            connection.execute(text(before))
        connection.execute(statement, {"rows": rows})
        connection.execute(text(f"ANALYZE {table}"))  # As autovacuum does after such a load.


def budgets(env: Environment, rows: int, resets_at: str = ":over") -> None:
    """Insert many budgets; they are over unless it is said when they reset."""
    key = f"'{resets_at[1:]}' || CAST(i AS text)"
    fill(env, "budget", rows, key=key, used="1", used_at=":now", resets_at=resets_at)


def mails(env: Environment, rows: int, done_at: str = ":over", **more: str) -> None:
    """Insert many mails; they were done long ago unless it is said when."""
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


def changes(env: Environment, rows: int, **more: str) -> None:
    """Insert many administrators with a pending change each, and the mail of the same number."""
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


def a_budget(_: int, at: datetime) -> Base:
    """Return a budget that resets then."""
    return Budget(key=str(at), used=1, used_at=at, resets_at=at)


def a_change(user: int, at: datetime) -> Base:
    """Return a pending change that expires then; another administrator started it, so no session ends it."""
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


def a_session(seen: str, *, remembered: bool) -> Callable[[int, datetime], Base]:
    """Return what makes a session that was last used, or begun, then, and is not over otherwise."""

    def make(user: int, at: datetime) -> Base:
        moments = {"seen_at": clock.now(), "created_at": clock.now(), seen: at}
        more = {"network": "-", "browser": "-", "proved_at": at, "remembered": remembered}
        return LoginSession(user_id=user, id_hash=f"{seen} {at}", **moments, **more)

    return make


def a_link(moment: str) -> Callable[[int, datetime], Base]:
    """Return what makes a link that expires, or was used, then."""

    def make(user: int, at: datetime) -> Base:
        moments = {"created_at": at, "expires_at": clock.now() + DAY, moment: at}
        more = {"email": NEW, "email_key": NEW, "email_version": 1, "purpose": LinkPurpose.UNDO}
        return Link(user_id=user, token_hash=f"{moment} {at}", **moments, **more)

    return make


def an_invitation(user: int, at: datetime) -> Base:
    """Return an invitation that expires then."""
    more = {"created_at": at, "expires_at": at, "is_superuser": False}
    return Invitation(token_hash=str(at), email=str(at), email_key=str(at), invited_by=user, **more)


def a_mail(state: MailState) -> Callable[[int, datetime], Base]:
    """Return what makes a mail that was done then."""

    def make(user: int, at: datetime) -> Base:
        more = {"kind": "code", "recipient": NEW, "subject": "", "body": "", "html": "", "problem": ""}
        moments = {"created_at": at, "due_at": at, "not_after": at, "done_at": at}
        return Mail(user_id=user, message_id=f"{state} {at}", state=state, **more, **moments)

    return make


CASES: dict[str, tuple[Callable[[int, datetime], Base], timedelta]] = {
    "a budget, a day after it resets": (a_budget, DAY),
    "a change, a day after it expires": (a_change, DAY),
    "a session, a day after it was idle for too long": (a_session("seen_at", remembered=False), DAY + DAY / 24),
    "a session, a day after it was too old": (a_session("created_at", remembered=False), DAY * 1.5),
    "a remembered session, idle": (a_session("seen_at", remembered=True), DAY * 15),
    "a remembered session, too old": (a_session("created_at", remembered=True), DAY * 31),
    "a link, a month after it expires": (a_link("expires_at"), KEPT),
    "a link, a month after it was used": (a_link("ended_at"), KEPT),
    "an invitation, a month after it expires": (an_invitation, KEPT),
    **{f"a mail, a month after it was {state}": (a_mail(state), KEPT) for state in set(MailState) - {MailState.QUEUED}},
}


class TestWhatGoes:
    """Everything that is over, and nothing that is not."""

    def test_each_kind_of_row_goes_when_it_is_over_and_not_a_moment_before(self, env: Environment) -> None:
        ann, bob = env.administrator(ANN).id, env.administrator("bob@example.com").id
        with env.app.app_context():
            made = {
                name: (make(ann, clock.now() - kept - timedelta(seconds=1)), make(bob, clock.now() - kept))
                for name, (make, kept) in CASES.items()
            }
            db.session.add_all(row for rows in made.values() for row in rows)
            db.session.commit()
            keys = {name: [inspect(row).identity_key for row in rows] for name, rows in made.items()}
            assert housekeeping.delete_expired()
            db.session.expunge_all()
            found = {name: [db.session.get(*key[:2]) is not None for key in pair] for name, pair in keys.items()}
            assert found == {name: [False, True] for name in CASES}

    def test_nothing_goes_that_is_not_over(self, env: Environment) -> None:
        live(env)
        before = counts(env)
        assert all(before.values()), before
        assert delete_expired(env.app)
        assert counts(env) == before

    def test_after_a_year_the_accounts_and_their_history_are_left_and_nothing_else(self, env: Environment) -> None:
        live(env)
        before = counts(env)
        env.clock.advance(days=300)
        env.deliver()  # What waited all the time is given up.
        env.clock.advance(days=65)
        assert delete_expired(env.app)
        assert counts(env) == {name: number if name in KEPT_FOR_EVER else 0 for name, number in before.items()}

    def test_mail_that_waits_is_never_thrown_away(self, env: Environment) -> None:
        with env.app.app_context():
            waiting = a_mail(MailState.QUEUED)(env.administrator(ANN).id, clock.now() - DAY * 900)
            waiting.done_at = None  # type: ignore[attr-defined]
            db.session.add(waiting)
            db.session.commit()
        assert delete_expired(env.app)
        assert count(env, Mail) == 1


def live(env: Environment) -> None:
    """Have administrators do what leaves a row in every table."""
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
    env.deliver()


class TestTurns:
    """Once an hour, whichever process comes first."""

    def test_one_process_does_it_once_an_hour(self, env: Environment) -> None:
        first, second = env.app, env.build()
        budgets(env, 1)
        run_if_due(second)
        assert count(env, Budget) == 0
        budgets(env, 1)
        for app in (first, second):
            run_if_due(app)
        assert count(env, Budget) == 1
        an_hour_later(env)
        run_if_due(first)
        assert count(env, Budget) == 0

    def test_what_is_left_is_done_at_the_next_opportunity(self, env: Environment) -> None:
        most = housekeeping.BATCH_ROWS * housekeeping.BATCHES_PER_RUN
        budgets(env, most + 500)
        run_if_due(env.app)
        assert count(env, Budget) == 500
        run_if_due(env.build())
        assert count(env, Budget) == 0
        budgets(env, 1)
        run_if_due(env.app)
        assert count(env, Budget) == 1

    def test_delivery_runs_housekeeping(self, env: Environment) -> None:
        budgets(env, 1)
        said = env.app.test_cli_runner().invoke(args=["mail", "deliver"])
        assert said.exit_code == 0
        assert count(env, Budget) == 0

    def test_a_failed_run_is_repeated_within_the_hour(self, env: Environment, caplog: pytest.LogCaptureFixture) -> None:
        budgets(env, 1)
        with in_use(env, "budget"), caplog.at_level(logging.WARNING):
            run_if_due(env.build(has_long_timeouts=False))
        (told,) = [each.getMessage() for each in caplog.records]
        assert told.startswith("housekeeping failed, next try in 60 s: ")
        assert count(env, Budget) == 1
        a_minute_later(env)
        run_if_due(env.app)
        assert count(env, Budget) == 0

    def test_a_table_that_is_in_use_does_not_keep_the_others_waiting(self, postgres_env: Environment) -> None:
        env = postgres_env
        budgets(env, 1)
        mails(env, 1)
        with in_use(env, "budget"):
            run_if_due(env.app)
        assert (count(env, Budget), count(env, Mail)) == (1, 0)

    def test_a_row_that_a_request_holds_is_left_for_the_next_time(self, postgres_env: Environment) -> None:
        env = postgres_env
        budgets(env, 3)
        with psycopg.connect(env.settings["DATABASE_URL"]) as connection:
            connection.execute("SELECT * FROM budget LIMIT 1 FOR UPDATE")
            assert delete_expired(env.app)
            assert count(env, Budget) == 1
        assert delete_expired(env.app)
        assert count(env, Budget) == 0


@contextlib.contextmanager
def in_use(env: Environment, table: str) -> Iterator[None]:
    """Keep a table from everybody else's hands: the whole database, where SQLite knows nothing less."""
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


def lives_seconds(env: Environment) -> int:
    """Return how long the turn is still taken: a memcached's clock cannot be turned."""
    assert env.memcached
    key = "cms-" + sha256(b"housekeeping").hexdigest()
    found = re.fullmatch(rb"HD t(\d+)\r\n", env.memcached.send_command(f"mg {key} t\r\n".encode()))
    return int(found[1]) if found else 0


def later(env: Environment, seconds: int) -> None:
    """Let the turn's time run out, and see that it is this long."""
    if env.memcached:
        assert lives_seconds(env) <= seconds
        assert seconds == 60 or lives_seconds(env) > 60
        env.clear_cache()
    else:
        env.clock.advance(seconds=seconds - 1)
        run_if_due(env.app)
        assert count(env, Budget) == 1
    env.clock.advance(seconds=1)


def an_hour_later(env: Environment) -> None:
    """Let an hour pass."""
    later(env, 3600)


def a_minute_later(env: Environment) -> None:
    """Let a minute pass."""
    later(env, 60)


class TestCommand:
    """`flask housekeeping`, for a timer."""

    def test_it_deletes_more_than_one_run_of_the_mail_processes_does_and_nothing_else(self, env: Environment) -> None:
        a_run = housekeeping.BATCH_ROWS * housekeeping.BATCHES_PER_RUN
        budgets(env, a_run + 5)
        budgets(env, 7, resets_at=":now")
        result = run_command(env)
        assert (result.exit_code, result.output) == (0, "All expired rows are deleted.\n")
        assert count(env, Budget) == 7

    def test_it_takes_no_turn_of_the_mail_processes_and_waits_for_none(self, env: Environment) -> None:
        run_if_due(env.app)
        budgets(env, 3)
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


class TestMany:
    """However many rows there are, nobody waits for the housekeeping."""

    def test_others_write_while_thousands_of_mails_go(self, sqlite_env: Environment) -> None:
        """Without an index for email_change.mail_id SQLite's write lock was held for seconds at a time."""
        env = sqlite_env
        mails(env, 20_000, done_at=":now")
        changes(env, 20_000)
        mails(env, 2_000)
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
    def test_two_million_mails_are_no_more_work_for_one_run_than_a_few(self, postgres_env: Environment) -> None:
        env, rows = postgres_env, 2_000_000
        unlogged = "ALTER TABLE email_change SET UNLOGGED; ALTER TABLE mail SET UNLOGGED"
        mails(env, 20_000, done_at=":now", before=unlogged)
        changes(env, 20_000)
        mails(env, rows)
        a_run = housekeeping.BATCH_ROWS * housekeeping.BATCHES_PER_RUN
        for runs in (1, 2, 3):
            with listened(env) as asked:
                assert not delete_expired(env.app), "one run does not do everything"
            deletes = [statement for statement, _ in asked if "DELETE FROM mail" in statement]
            assert len(deletes) == housekeeping.BATCHES_PER_RUN
            assert count(env, Mail) == 20_000 + rows - runs * a_run
        assert count(env, EmailChange) == 20_000

    def test_no_statement_reads_a_whole_table(self, env: Environment) -> None:
        fill_every_table(env)
        with listened(env) as asked, env.app.app_context():
            housekeeping.delete_expired()
            registration.list_invitations()
        statements = [(statement, parameters) for statement, parameters in asked if " FROM " in statement]
        assert len(statements) == 10
        with env.app.app_context(), db.engine.connect() as connection:
            for statement, parameters in statements:
                plan = plan_of(env, connection, statement, parameters)
                assert not re.search(r"Seq Scan|\bSCAN (?!batch\b)(?!.*USING (COVERING )?INDEX)", plan), plan

    def test_a_mail_finds_the_change_that_names_it_by_an_index(self, env: Environment) -> None:
        mails(env, 2_000)
        changes(env, 2_000)
        steps = reads(env, "DELETE FROM mail WHERE id <= (SELECT min(id) FROM mail) + 99")
        assert steps < 100_000, "every deleted mail reads every change"


def fill_every_table(env: Environment) -> None:
    """Put some thousand rows into each table that housekeeping looks at; a few of them are over."""
    mails(env, 3_000, done_at=":now")
    changes(env, 3_000)
    budgets(env, 3_000, resets_at=":now")
    user = "(SELECT min(id) FROM cms_user)"
    either = "CASE WHEN i <= 5 THEN :over ELSE :now END"
    text_, moments = "CAST(i AS text)", {"created_at": either, "expires_at": either}
    session = {"created_at": ":now", "seen_at": either, "proved_at": ":now", "network": "'-'", "browser": "'-'"}
    fill(env, "login_session", 3_000, id_hash=text_, user_id=user, remembered="i % 2 = 0", **session)
    address = {"email": text_, "email_key": text_}
    fill(env, "invitation", 3_000, token_hash=text_, **address, is_superuser="false", invited_by=user, **moments)
    link = {"purpose": "'undo'", "user_id": user, "email_version": "1", "ended_at": either, **moments}
    fill(env, "link", 3_000, token_hash=text_, **address, **link)


def plan_of(env: Environment, connection: Any, statement: str, parameters: Any) -> str:
    """Return how the database would run a statement."""
    explain = "EXPLAIN QUERY PLAN" if env.name.startswith("sqlite") else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))


def reads(env: Environment, statement: str) -> int:
    """Return how much a statement reads: steps of SQLite's machine, or rows that PostgreSQL read without an index."""
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
            asked = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'email_change'"
            steps = int(connection.exec_driver_sql(asked).scalar_one())
        connection.rollback()
    return steps
