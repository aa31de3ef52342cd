"""`flask audit verify` finds modified and missing rows, without false alarms, for any number of accounts."""

import itertools
import re
import signal
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from sqlalchemy import event, insert, update

from accounts import audit, clock
from accounts.operations import audit_verification
from accounts.signing import audit_keys
from models import Audit, CMSUser, db
from tests.environments import Environment
from tests.servers import LONGEST_SECONDS, PostgresServer, eventually, start_command
from tests.stories.admin_steps import create_many
from tests.test_scale import record_statements

ANN = "ann@example.com"
INTACT = "Every history is intact.\n"


def verify(env: Environment) -> Result:
    """Run the command."""
    return env.app.test_cli_runner().invoke(args=["audit", "verify"])


def write_rows(env: Environment, email: str, count: int) -> None:
    """Append a number of rows to the history of an account."""
    with env.app.app_context():
        user = db.session.scalars(db.select(CMSUser).where(CMSUser.email == email)).one()
        key = audit_keys().current
        constants = {"key_id": key.id, "request_id": None, "network": "-", "browser": "-", "event": "signed_in"}
        rows = []
        for number in range(user.audit_rows + 1, user.audit_rows + count + 1):
            account = {"user_id": user.id, "actor_id": user.id, "number": number}
            row = {**account, **constants, "detail": "{}", "times": 1, "at": clock.now(), "last_at": clock.now()}
            user.audit_chain = audit._link(row, user.audit_chain, key)
            rows.append({**row, "chain": user.audit_chain})
        user.audit_rows += count
        db.session.execute(insert(Audit.__table__), rows)  # type: ignore[arg-type]
        db.session.commit()


class TestVerdict:
    """Accounts that the verification reports."""

    @pytest.mark.slow
    def test_writes_during_the_verification_cause_no_false_alarm(self, env: Environment) -> None:
        """The accounts in use are verified last, so that many rows are written before."""
        app = env.build(SIGN_IN_TRIES_PER_NETWORK="0")
        create_many(env, 1_500)
        people = [env.person(f"{name}@example.com", app=app) for name in ("ann", "bob", "eve")]
        stopped = threading.Event()
        written: list[int] = []
        problems: list[object] = []
        verdicts = set()

        def work(number: int) -> None:
            while not stopped.is_set():
                answer = people[number].reauth()
                if answer.status != 200:
                    problems.append(answer)
                    return
                written.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(people))]
        for thread in threads:
            thread.start()
        try:
            for run in itertools.count(1):
                result = verify(env)
                verdicts.add((result.exit_code, result.stdout))
                if problems or (run >= 10 and len(written) > 10):
                    break
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        assert verdicts == {(0, INTACT)}
        assert problems == []

    def test_a_missing_row_is_reported_on_every_page(self, env: Environment) -> None:
        page = audit_verification.PAGE
        create_many(env, 2 * page + 10)
        numbers = [1, page - 1, page, page + 1, 2 * page, 2 * page + 10]
        emails = [f"mail-{1_000_000 - number}@example.com" for number in numbers]
        with env.app.app_context():
            db.session.execute(update(CMSUser).where(CMSUser.email.in_(emails)).values(audit_rows=1))
            db.session.commit()
        result = verify(env)
        assert result.exit_code == 1
        assert result.stdout.splitlines() == [f"{email}: row 1 was changed or is missing" for email in emails]

    def test_a_modified_row_in_a_long_history_is_reported_and_the_next_account_is_not(self, env: Environment) -> None:
        count = 2 * audit_verification.ROWS_AT_ONCE + 10
        for email in (ANN, "bob@example.com", "eve@example.com"):
            env.administrator(email)
            write_rows(env, email, count)
        bob = env.account("bob").id
        with env.app.app_context():
            db.session.execute(update(Audit).where(Audit.user_id == bob, Audit.number == 7).values(network="x"))
            db.session.commit()
        result = verify(env)
        assert (result.exit_code, result.stdout) == (1, "bob@example.com: row 7 was changed or is missing\n")

    def test_a_chain_that_is_no_ascii_is_found_and_stops_nothing(self, env: Environment) -> None:
        create_many(env, 2)
        env.administrator(ANN)
        with env.app.app_context():
            db.session.execute(update(Audit).values(chain="é"))
            db.session.commit()
        result = verify(env)
        assert (result.exit_code, result.stdout) == (1, f"{ANN}: row 1 was changed or is missing\n")
        for _ in range(4):
            env.visitor(ANN).sign_in(password="a wrong password")
            env.deliver()
        assert env.account("ann").audit_rows == 3  # The row after the broken one is not signed again.


class TestMany:
    """The number of queries and the memory for many accounts and long histories."""

    def test_a_hundred_thousand_accounts_take_three_queries_per_page(self, postgres_env: Environment) -> None:
        env, count = postgres_env, 100_000
        create_many(env, count)
        with record_statements(env) as statements:
            result = verify(env)
        assert (result.exit_code, result.stdout) == (0, INTACT)
        assert result.stderr.splitlines() == [f"{each} accounts checked ..." for each in range(10_000, 100_001, 10_000)]
        pages = count // audit_verification.PAGE
        assert len(statements) == 3 * pages + 2  # Two queries of each page, and the isolation level of its snapshot.

    @pytest.mark.slow
    def test_the_memory_does_not_grow_with_the_length_of_a_history(self, env: Environment) -> None:
        """With four times as many rows, the peak of memory is less than twice as high."""
        peaks = []
        for count in (1_500, 6_000):
            if not peaks:
                env.administrator(ANN)
            write_rows(env, ANN, count)
            tracemalloc.start()
            try:
                assert verify(env).output == INTACT
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
        assert peaks[1] < 2 * peaks[0], peaks


@contextmanager
def call_before_page(env: Environment, number: int) -> Iterator[list[Any]]:
    """Yield a list; the functions in it are called before the query of this page of accounts."""
    calls: list[Any] = []
    pages = itertools.count(1)

    def call_if_reached(_: Any, __: Any, statement: str, *___: Any) -> None:
        if re.search(r"FROM cms_user\s.*WHERE cms_user.id >", statement, re.DOTALL) and next(pages) == number:
            for call in calls:
                call()

    with env.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", call_if_reached)
    try:
        yield calls
    finally:
        event.remove(engine, "before_cursor_execute", call_if_reached)


class TestEnd:
    """Verifications that end early."""

    def test_a_database_that_stops_during_the_verification_causes_no_false_alarm(
        self, postgres_env: Environment, postgres: PostgresServer
    ) -> None:
        env = postgres_env
        create_many(env, 3 * audit_verification.PAGE)
        try:
            with call_before_page(env, 3) as calls:
                calls.append(postgres.stop)
                result = verify(env)
        finally:
            postgres.start()
        assert (result.exit_code, result.stdout) == (2, "")
        (line,) = result.stderr.splitlines()
        assert line.startswith("The check could not be completed (2000 accounts checked): ")
        assert verify(env).exit_code == 0

    def test_a_missing_table_causes_no_false_alarm(self, sqlite_env: Environment) -> None:
        with sqlite_env.app.app_context():
            db.session.execute(db.text("DROP TABLE audit"))
            db.session.commit()
        create_many(sqlite_env, 1)
        result = verify(sqlite_env)
        assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "terminated"])
    def test_an_interruption_causes_no_false_alarm(
        self, postgres_env: Environment, tmp_path: Path, sign: signal.Signals
    ) -> None:
        """The command waits for a locked table, so that it is certainly running when it receives the signal."""
        env = postgres_env
        create_many(env, 1)
        url, printed, errors = env.settings["DATABASE_URL"], tmp_path / "printed", tmp_path / "errors"
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as observer:
            holder.execute("LOCK TABLE audit")
            with printed.open("wb") as stdout, errors.open("wb") as stderr:
                command = start_command(env.settings, "audit", "verify", stdout=stdout, stderr=stderr)
            eventually(lambda: observer.execute(waiting).fetchone(), "the command waits for the table")
            command.send_signal(sign)
            assert command.wait(LONGEST_SECONDS) == 2
        assert printed.read_text() == ""
        assert errors.read_text() == "The check could not be completed (0 accounts checked): interrupted\n"

    def test_tampering_that_was_found_before_the_database_stopped_is_reported(
        self, postgres_env: Environment, postgres: PostgresServer
    ) -> None:
        env = postgres_env
        create_many(env, 2 * audit_verification.PAGE)
        env.update_account("mail-999999@example.com", audit_rows=1)
        try:
            with call_before_page(env, 2) as calls:
                calls.append(postgres.stop)
                result = verify(env)
        finally:
            postgres.start()
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
        assert result.stdout == "mail-999999@example.com: row 1 was changed or is missing\n"
