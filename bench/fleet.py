"""How many requests several nodes serve, and which part of the site uses how much CPU time.

Starts PostgreSQL, memcached, with --pgbouncer also pgbouncer, and each number of nodes: gunicorn with two processes of
four threads. Eight administrators per node change their addresses and open the settings page, without pauses, from
another process. Prints the changes and pages per second, their durations, and the
CPU time of each part and the write-ahead log per change (a change is one page, one request for a code and one
confirmation). The log is written without full pages, as after a long time without a checkpoint.

On one machine all parts, also the administrators, share its processors: compare the CPU time per change, from which
docs/scale.md computes how many processors a part needs.

    .venv/bin/python -m bench.fleet [--nodes 1,2,3] [--pgbouncer] [--seconds 20]
"""

# ruff: noqa: T201 - The results are printed.

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import LiteralString

import psycopg

from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from app import create_app
from bench.cycle import PASSWORD, UNLIMITED
from bench.load import User
from models import Address
from tests.environments import close_app, migrate, settings_for
from tests.servers import Gunicorn, MemcachedServer, Pgbouncer, PostgresServer

USERS_PER_NODE = 8
PROCESSES = 2  # Of each node.
POOL = 8  # Connections of pgbouncer to PostgreSQL.
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"
CODE = "SELECT subject FROM mail WHERE recipient = %s"
TICKS = os.sysconf("SC_CLK_TCK")


class RemoteUser(User):
    """An administrator who reads the codes from PostgreSQL."""

    def __init__(self, site: str, url: str, number: int) -> None:
        """Sign in."""
        self._connection = psycopg.connect(url, autocommit=True)
        super().__init__(site, number)

    def read_code(self, email: str) -> str:
        """Return the code that is queued for an address."""
        row = self._connection.execute(CODE, (email,)).fetchone()
        return str(row[0])[:6] if row else ""


def run_users(sites: list[str], url: str, count: int, pipe: Connection) -> None:
    """Sign in, report it, and change addresses for the seconds that are received; send the durations of all steps."""
    users = [RemoteUser(sites[number % len(sites)], url, number) for number in range(count)]
    pipe.send("ready")
    end = time.monotonic() + pipe.recv()
    threads = [threading.Thread(target=user.change_until, args=(end,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send({step: [each for user in users for each in user.seconds[step]] for step in users[0].seconds})


def pid_of(server: Gunicorn | MemcachedServer | Pgbouncer | PostgresServer) -> int:
    """Return the id of the first process of a server."""
    return server._process.pid if server._process else 0


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time of processes, of their children, and of children that have ended."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / TICKS
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += cpu_seconds(map(int, (task / "children").read_text().split()))
    return total


@contextlib.contextmanager
def run_fleet(
    folder: Path, nodes: int, *, has_pgbouncer: bool
) -> Iterator[tuple[list[str], str, dict[str, list[int]]]]:
    """Start everything; yield the URLs of the nodes, that of the database, and the process ids of each part."""
    with contextlib.ExitStack() as stack:
        postgres, memcached = PostgresServer(), MemcachedServer().start()
        stack.callback(memcached.stop)
        stack.callback(postgres.close)
        postgres.start()
        postgres.prepare(lambda url: migrate(settings_for(folder, DATABASE_URL=url)))
        url = postgres.create_database()
        limits = {name: str(value) for name, value in UNLIMITED.items()}
        common = {**limits, "CACHE_URL": f"memcached://{memcached.address}", "METRICS_PORT": "0"}
        create_administrators(settings_for(folder, **common, DATABASE_URL=url), nodes * USERS_PER_NODE)
        parts = {"PostgreSQL": [pid_of(postgres)], "memcached": [pid_of(memcached)]}
        settings = settings_for(folder, **common, DATABASE_URL=url)
        if has_pgbouncer:
            pooler = Pgbouncer(postgres, POOL).start()
            stack.callback(pooler.stop)
            settings |= {"DATABASE_URL": pooler.url(url), "DATABASE_PREPARED_STATEMENTS": "no"}
            parts["pgbouncer"] = [pid_of(pooler)]
        servers = []
        for number in range(nodes):
            server = Gunicorn(settings, folder / f"log-{number}", PROCESSES, "--log-level", "warning")
            stack.callback(server.stop)
            servers.append(server.start())
        parts["nodes"] = [pid_of(server) for server in servers]
        yield [f"http://127.0.0.1:{server.port}" for server in servers], url, parts


def create_administrators(settings: dict[str, str], count: int) -> None:
    """Create the administrators."""
    app = create_app(settings)
    with app.app_context():
        for number in range(count):
            address, name = Address.of(f"user{number}@example.com"), f"user{number}"
            administration.create(
                address=address, username=name, password=PASSWORD, superuser=False, origin=COMMAND_LINE
            )
    close_app(app)


def measure(nodes: int, seconds: float, *, has_pgbouncer: bool) -> str:
    """Run a fleet, and return a line of the table."""
    ours, theirs = multiprocessing.Pipe()
    with (
        tempfile.TemporaryDirectory(prefix="cms-fleet-") as name,
        run_fleet(Path(name), nodes, has_pgbouncer=has_pgbouncer) as (sites, url, parts),
    ):
        users = multiprocessing.Process(
            target=run_users, args=(sites, url, nodes * USERS_PER_NODE, theirs), daemon=True
        )
        users.start()
        ours.recv()
        parts["users"] = [users.pid or 0]
        before = {part: cpu_seconds(pids) for part, pids in parts.items()}
        with psycopg.connect(url, autocommit=True) as connection:
            written = read_number(connection, WAL)
            ours.send(seconds)
            durations = ours.recv()
            written = read_number(connection, WAL) - written
        spent = {part: cpu_seconds(pids) - before[part] for part, pids in parts.items()}
        users.kill()
    changes = len(durations["confirm"])
    times = " ".join(f"{1000 * sorted(each)[len(each) // 2]:5.0f} ms" for each in durations.values())
    shares = "".join(f"{1000 * spent.get(part, 0) / changes:11.2f}" for part in PARTS)
    return f"{nodes:5}{changes / seconds:11.1f}   {times}{shares}{written / changes / 1024:11.1f}"


def read_number(connection: psycopg.Connection, query: LiteralString) -> float:
    """Return the number that a query returns."""
    row = connection.execute(query).fetchone()
    return float(row[0]) if row else 0.0


PARTS = ("nodes", "PostgreSQL", "pgbouncer", "memcached", "users")


def main() -> None:
    """Measure each number of nodes, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", default="1,2,3")
    parser.add_argument("--pgbouncer", action="store_true")
    parser.add_argument("--seconds", type=float, default=20)
    wanted = parser.parse_args()
    lines = [measure(int(each), wanted.seconds, has_pgbouncer=wanted.pgbouncer) for each in wanted.nodes.split(",")]
    heads = "".join(f"{part:>11}" for part in PARTS)
    print(f"{'':19}median of code, confirm, page{'':5}CPU ms per change of{'':33}WAL, KiB per\n", end="")
    print(f"nodes  changes/s{'':27}{heads}{'change':>11}")
    print("\n".join(lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
