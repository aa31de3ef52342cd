"""Whether the cost of a request depends on the number of administrators.

Creates a database of each size with `tests/population.py`, and measures every kind of request in all of them, in turns,
so that other load on the machine affects all sizes. The CPU time is that of this process, in which the application
runs, and of the process of PostgreSQL that serves it. Prints its medians for the smallest size, and their ratios for
the other sizes; a ratio above 1.10 has a mark. Passwords are hashed with the lowest cost, which would otherwise hide
the rest of a sign-in.

Then the plans of all statements of these requests are read in the largest database: none may read a whole table.

    .venv/bin/python -m bench.scale [--sizes 100,10000,1000000] [--database sqlite|postgresql] [--rounds 80]
        [--history 5] 2>/dev/null

The databases are in the temporary folder. A million administrators with five rows of history each need 5 GB there.
"""

# ruff: noqa: T201 - The results are printed.

import argparse
import contextlib
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import bindparam, select, text

from accounts import clock, passwords
from accounts.mail import delivery
from accounts.mail.smtp import MailServerConnection
from accounts.operations import housekeeping
from app import create_app
from bench.cycle import PASSWORD, UNLIMITED
from bench.delivery import serve
from models import Mail, Moment, db
from tests.environments import migrate, settings_for
from tests.plans import find_large_reads, find_scans, record_all_statements
from tests.population import email, populate, username
from tests.servers import PostgresServer

WARM_UP = 10  # The first rounds are not counted.
INVITATIONS = 3_000  # In every database: the list of administrators shows up to 200 of them.
FLAT = 1.10
EXPIRED = 100  # Rows that each measured run of the housekeeping deletes.
PAGE, SCRIPT = {"Accept": "text/html"}, {"Accept": "application/json"}
_EXPIRE = text(
    "INSERT INTO budget (key, used, used_at, resets_at) VALUES (:key, 1, :over, :over)",
).bindparams(bindparam("over", type_=Moment()))


class Site:
    """The application with a database of one size."""

    def __init__(self, folder: Path, url: str, accounts: int, mail_port: int) -> None:
        """Create the application, and sign in as a superuser."""
        self.accounts, self._number = accounts, 0
        settings = {**UNLIMITED, "INSTANCE_DIR": str(folder), "DATABASE_URL": url}
        mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_port)}
        self.app = create_app({"CMS_ENV": "development", "CACHE_URL": "", **settings, **mail})
        self.app.config["WTF_CSRF_ENABLED"] = False  # Otherwise the token must be read from a page first.
        self._boss = self.app.test_client()
        self._post(self._boss, "/cms/login/", email=email(accounts), password=PASSWORD)
        self._backend = 0
        if url:
            with self.app.app_context():
                self._backend = int(db.session.execute(text("SELECT pg_backend_pid()")).scalar_one())

    def measure_all(self, number: int) -> dict[str, float]:
        """Change the address of an administrator, and request all pages; return the CPU time of each step."""
        self._number += 1
        person, new = self.app.test_client(), f"new-{number}-{self._number}@example.org"
        seconds: dict[str, float] = {}

        def step(name: str, work: Callable[[], object]) -> None:
            seconds[name] = self._measure(work)

        step("sign in", lambda: self._post(person, "/cms/login/", email=email(number), password=PASSWORD))
        step("settings page", lambda: self._get(person, "/cms/resetemail/"))
        step("request a code", lambda: self._post(person, "/cms/email_captcha/", email=new))
        code = self._read_mail(new, Mail.subject)[:6]
        wrong = f"{(int(code) + 1) % 10**6:06}"
        step("wrong code", lambda: self._post(person, "/cms/resetemail/", 400, email=new, captcha=wrong))
        step("confirm", lambda: self._post(person, "/cms/resetemail/", email=new, captcha=code))
        notice = self._read_mail(email(number), Mail.body)
        undo = next(word for word in notice.split() if "/undo/" in word).partition("//")[2]
        step("undo page", lambda: self._get(self.app.test_client(), undo[undo.index("/") :]))
        step("security page", lambda: self._get(person, "/cms/security/"))
        step("older history", lambda: self._get(person, "/cms/security/?before=6"))
        for name, query in {
            "administrators, first page": "",
            "administrators, deep page": f"after={username(min(number, self.accounts - 51))}",
            "administrators, search": f"q={username(number)[:-2]}",
        }.items():
            step(name, partial(self._get, self._boss, f"/cms/users/?{query}"))
        step("an administrator", lambda: self._get(self._boss, f"/cms/users/{number}/"))
        step("readyz", lambda: self._get(person, "/readyz"))
        with self.app.app_context():
            with contextlib.closing(MailServerConnection(self.app.extensions["mail"])) as connection:
                for _ in range(3):  # The first one opens the connection.
                    step("delivery of a mail", partial(self._deliver, connection))
            self._expire()
            step("housekeeping", housekeeping.delete_expired)
        return seconds

    def _measure(self, work: Callable[[], object]) -> float:
        start = self._cpu_seconds()
        work()
        return self._cpu_seconds() - start

    def _cpu_seconds(self) -> float:
        """Return the CPU time of this process and of the backend of PostgreSQL."""
        backend = int(Path(f"/proc/{self._backend}/schedstat").read_text().split()[0]) if self._backend else 0
        return time.process_time() + backend / 1e9

    def _post(self, client: FlaskClient, path: str, status: int = 200, **form: str) -> None:
        answer = client.post(path, data=form, headers=SCRIPT)
        assert answer.status_code == status, answer.get_data(as_text=True)

    def _get(self, client: FlaskClient, path: str) -> None:
        answer = client.get(path, headers=PAGE)
        assert answer.status_code == 200, (path, answer.status)

    def _read_mail(self, recipient: str, column: object) -> str:
        with self.app.app_context():
            query = select(column).where(Mail.recipient == recipient, Mail.state == "queued")  # type: ignore[call-overload]
            return str(db.session.scalars(query.order_by(Mail.id.desc())).first())

    def _deliver(self, connection: MailServerConnection) -> None:
        assert delivery.deliver_batch(connection, threading.Event(), most=1) == 1

    def _expire(self) -> None:
        over = clock.now() - housekeeping.RETENTION
        rows = [{"key": f"{self._number} {each}", "over": over} for each in range(EXPIRED)]
        db.session.execute(_EXPIRE, rows)
        db.session.commit()


@contextlib.contextmanager
def open_databases(kind: str, folder: Path, number: int) -> Iterator[list[str]]:
    """Yield the URLs of migrated, empty databases; an empty URL is that of the SQLite file in the folder of a site."""
    if kind == "sqlite":
        for each in range(number):
            migrate(settings_for(folder / str(each)))
        yield [""] * number
        return
    server = PostgresServer()
    try:
        server.start()
        server.prepare(lambda url: migrate(settings_for(folder / "prepare", DATABASE_URL=url)))
        yield [server.create_database() for _ in range(number)]
    finally:
        server.close()


def print_rows(site: Site) -> None:
    """Print the size of a row of each table that has any, on PostgreSQL, without and with its indexes, in bytes."""
    sizes = text("SELECT pg_table_size(CAST(:name AS regclass)), pg_total_relation_size(CAST(:name AS regclass))")
    print("\nbytes per row         table  with indexes")
    with site.app.app_context():
        for name in sorted(db.metadata.tables):
            rows = int(db.session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())  # noqa: S608
            if not rows:
                continue
            alone, total = db.session.execute(sizes, {"name": name}).one()
            print(f"{name:20} {alone / rows:6.0f} {total / rows:13.0f}")


def check_plans(site: Site, number: int) -> None:
    """Print how many statements a round has, and those that read a whole table."""
    with record_all_statements() as statements:
        site.measure_all(number)
    with site.app.app_context(), db.engine.connect() as connection:
        scans = find_scans(connection, statements) + find_large_reads(connection, statements)
        connection.rollback()
    print(f"\n{len(list(statements))} statements, {len(scans)} of which read a whole table or many rows of an index")
    print("\n".join(scans))


def main() -> None:
    """Build the databases, measure, and print the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100,10000,1000000")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--history", type=int, default=5)
    wanted = parser.parse_args()
    sizes = [int(size) for size in wanted.sizes.split(",")]
    passwords.HASHER = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    sink.start()
    port = ours.recv()
    with (
        tempfile.TemporaryDirectory(prefix="cms-scale-") as name,
        open_databases(wanted.database, Path(name), len(sizes)) as urls,
    ):
        sites = []
        for number, (size, url) in enumerate(zip(sizes, urls, strict=True)):
            start, folder = time.monotonic(), Path(name) / str(number)
            url_to_fill = url or f"sqlite:///{folder / 'cms.db'}"
            populate(
                url_to_fill,
                size,
                history=wanted.history,
                invitations=INVITATIONS,
                password_hash=passwords.hash_password(PASSWORD),
            )
            print(f"{size} administrators, {wanted.history} rows of history each: {time.monotonic() - start:.0f} s")
            sys.stdout.flush()
            sites.append(Site(folder, url, size, port))
        chosen = [random.Random(1).sample(range(1, size - 3), wanted.rounds + WARM_UP + 1) for size in sizes]  # noqa: S311
        spent: list[list[dict[str, float]]] = [[] for _ in sites]
        for turn in range(wanted.rounds + WARM_UP):
            for offset in range(len(sites)):
                index = (turn + offset) % len(sites)
                spent[index].append(sites[index].measure_all(chosen[index][turn]))
        print("\nCPU time" + " " * 20 + f"{sizes[0]:>9}" + "".join(f"{size:>10}" for size in sizes[1:]))
        for step in spent[0][0]:
            medians = [statistics.median(each[step] for each in rounds[WARM_UP:]) for rounds in spent]
            ratios = [each / medians[0] for each in medians[1:]]
            marks = "".join(f"{ratio:9.2f}{'*' if ratio > FLAT else ' '}" for ratio in ratios)
            print(f"{step:28}{1000 * medians[0]:6.2f} ms{marks}")
        if wanted.database == "postgresql":
            print_rows(sites[-1])
        check_plans(sites[-1], chosen[-1][-1])
    sink.kill()


if __name__ == "__main__":
    main()
