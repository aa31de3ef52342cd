"""`flask audit verify` finds modified and missing rows, without false alarms, for any number of accounts."""

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.servers import ROOT, PostgresServer, eventually
from tests.stories.admin_steps import create_many
from tests.test_scale import listened

ANN = "ann@example.com"
WHOLE = "Every history is intact.\n"


def verify(env: Environment) -> Result:
    """Run the command."""
    return env.app.test_cli_runner().invoke(args=["audit", "verify"])


def write_rows(env: Environment, email: str, count: int) -> None:
    """Write a history with this number of rows."""
    with env.app.app_context():
        user = db.session.scalars(db.select(CMSUser).where(CMSUser.email == email)).one()
        key = audit_keys().current
        rows, where = (
            [],
            {
                "key_id": key.id,
                "request_id": None,
                "network": "-",
                "browser": "-",
                "event": "signed_in",
                "detail": "{}",
            },
        )
        for number in range(user.audit_rows + 1, user.audit_rows + count + 1):
            whose = {"user_id": user.id, "actor_id": user.id, "number": number}
            row = {**whose, **where, "times": 1, "at": clock.now(), "last_at": clock.now()}
            user.audit_chain = audit._link(row, user.audit_chain, key)
            rows.append({**row, "chain": user.audit_chain})
        user.audit_rows += count
        db.session.execute(insert(Audit.__table__), rows)  # type: ignore[arg-type]
        db.session.commit()


class TestVerdict:
    """Who is accused."""

    def test_writes_during_the_verification_cause_no_false_alarm(self, env: Environment) -> None:
        """The accounts that are worked with come last, so that much can happen before they are looked at."""
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
                verdicts.add((result.exit_code, result.output))
                if problems or (run >= 10 and len(written) > 10):
                    break
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        assert verdicts == {(0, WHOLE)}
        assert problems == []

    def test_what_was_tampered_with_is_found_on_every_page(self, env: Environment) -> None:
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

    def test_a_broken_row_in_a_long_history_is_found_and_the_next_account_is_not_reported(
        self, env: Environment
    ) -> None:
        many = 2 * audit_verification.ROWS_AT_ONCE + 10
        for email in (ANN, "bob@example.com", "eve@example.com"):
            env.administrator(email)
            write_rows(env, email, many)
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
    """It ends, and needs no more memory for a million accounts than for a thousand."""

    def test_a_hundred_thousand_accounts_are_some_hundred_queries(self, postgres_env: Environment) -> None:
        env, count = postgres_env, 100_000
        create_many(env, count)
        with listened(env) as asked:
            result = verify(env)
        assert (result.exit_code, result.stdout) == (0, WHOLE)
        assert result.stderr.splitlines() == [f"{each} accounts checked ..." for each in range(10_000, 100_001, 10_000)]
        pages = count // audit_verification.PAGE
        assert len(asked) == 3 * pages + 2  # Two queries of each page, and the isolation level of its snapshot.

    @pytest.mark.slow
    def test_a_history_that_is_longer_than_memory_is_read_row_by_row(self, env: Environment) -> None:
        """It is measured by what one more row costs: nothing."""
        peaks = []
        for more in (1_500, 6_000):
            if not peaks:
                env.administrator(ANN)
            write_rows(env, ANN, more)
            tracemalloc.start()
            try:
                assert verify(env).output == WHOLE
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
        assert peaks[1] < 2 * peaks[0], peaks


@contextmanager
def at_the_page(env: Environment, number: int) -> Iterator[list[Any]]:
    """Call what is put into the list when the accounts of this page are asked for."""
    calls: list[Any] = []
    pages = itertools.count(1)

    def look(_: Any, __: Any, statement: str, *___: Any) -> None:
        if re.search(r"FROM cms_user\s+WHERE cms_user.id >", statement) and next(pages) == number:
            for call in calls:
                call()

    with env.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", look)
    try:
        yield calls
    finally:
        event.remove(engine, "before_cursor_execute", look)


class TestEnd:
    """What is not finished is no accusation."""

    def test_a_database_that_dies_in_the_middle_causes_no_false_alarm(
        self, postgres_env: Environment, postgres: PostgresServer
    ) -> None:
        env = postgres_env
        create_many(env, 3 * audit_verification.PAGE)
        try:
            with at_the_page(env, 3) as calls:
                calls.append(postgres.stop)
                result = verify(env)
        finally:
            postgres.start()
        assert (result.exit_code, result.stdout) == (2, "")
        (line,) = result.stderr.splitlines()
        assert line.startswith("The check could not be completed (2000 accounts checked): ")
        assert verify(env).exit_code == 0

    def test_a_database_that_is_not_there_causes_no_false_alarm(self, sqlite_env: Environment) -> None:
        with sqlite_env.app.app_context():
            db.session.execute(db.text("DROP TABLE audit"))
            db.session.commit()
        create_many(sqlite_env, 1)
        result = verify(sqlite_env)
        assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "terminated"])
    def test_an_interruption_causes_no_false_alarm(self, postgres_env: Environment, sign: signal.Signals) -> None:
        """The command waits for a table that somebody holds; so it is surely at work when the signal comes."""
        env = postgres_env
        create_many(env, 1)
        url = env.settings["DATABASE_URL"]
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as onlooker:
            holder.execute("LOCK TABLE audit")
            # Whoever runs the tests in the background may have it ignore SIGINT, and with it whatever it starts.
            heedful = ["env", "--default-signal=INT", sys.executable]
            command = subprocess.Popen(
                [*heedful, "-m", "flask", "--app", "app", "audit", "verify"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **env.settings},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            eventually(lambda: onlooker.execute(waiting).fetchone(), "the command waits for the table")
            command.send_signal(sign)
            stdout, stderr = command.communicate(timeout=60)
        assert (command.returncode, stdout) == (2, "")
        assert stderr == "The check could not be completed (0 accounts checked): interrupted\n"

    def test_tampering_that_was_found_before_the_end_is_told_all_the_same(
        self, postgres_env: Environment, postgres: PostgresServer
    ) -> None:
        env = postgres_env
        create_many(env, 2 * audit_verification.PAGE)
        env.update_account("mail-999999@example.com", audit_rows=1)
        try:
            with at_the_page(env, 2) as calls:
                calls.append(postgres.stop)
                result = verify(env)
        finally:
            postgres.start()
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
        assert result.stdout == "mail-999999@example.com: row 1 was changed or is missing\n"
