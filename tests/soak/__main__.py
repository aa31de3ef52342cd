"""The command line: start the fleet, let people use it while it fails, check, and print the table."""

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from config import SETTINGS
from tests.actors import Person
from tests.environments import PRODUCTION, migrate, settings_for
from tests.live.fleet import BEHIND_NGINX, Fleet
from tests.live.sites import NoRetryBrowser, Site
from tests.servers import (
    MemcachedServer,
    PostgresServer,
    SmtpServer,
    command_line,
    eventually,
    machine_load,
)
from tests.soak import checks, report
from tests.soak.checks import Check, Evidence
from tests.soak.faults import Faults, Parts
from tests.soak.ledger import Ledger
from tests.soak.people import Account, EndedSession, GaveUp, LinksSpent, SoakPerson, Superuser, World

TRIES_PER_DAY, CODES_PER_HOUR = 20, 15
MAIL_SECONDS = 120.0  # How long the last mail may take on an idle machine.
OF_FLEET = {
    **PRODUCTION,
    **BEHIND_NGINX,
    "MAIL_SECONDS": "3",
    "MAIL_DIALOGUE_SECONDS": "6",
    # So that people can act several times within minutes; the limits are reached all the same.
    "CAPTCHA_RESEND_SECONDS": "0",
    "CAPTCHA_SENDS_PER_HOUR": str(CODES_PER_HOUR),
    "CAPTCHA_TRIES_PER_DAY": str(TRIES_PER_DAY),
    "SIGN_IN_TRIES_PER_ACCOUNT": "100000",
    "FREEZE_SECONDS": "0",
    "ASSISTED_WAIT_SECONDS": "1",
}
ERROR = re.compile(r"Traceback|level=(ERROR|CRITICAL)")
EXPECTED_ERROR = re.compile(r"Worker \(pid:\d+\) was sent SIGKILL")


def main() -> int:
    """Run, and return 0 if every check passed, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long parts fail in turn")
    parser.add_argument("--seed", type=int, default=None, help="the seed of all random choices")
    parser.add_argument("--people", type=int, default=12, help="administrators who act at the same time")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="cms-soak-"))
    for setting in SETTINGS:  # Those of the developer.
        os.environ.pop(setting.name, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that everything is stopped.
    _print(f"{options.seconds:.0f} s, {options.people} people, seed {seed}; logs in {folder}")
    with contextlib.ExitStack() as stack:
        soak = Soak(folder, seed, options.people, options.seconds, stack)
        results = soak.run(options.seconds)
    _print(report.render(soak.ledger, soak.evidence, results))
    is_passed = not any(check.problems for check in results)
    if is_passed:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        _print(report.render_problems(results), f"\nThe ledger and the logs are in {folder}")
    words = f"--seconds {options.seconds:.0f} --people {options.people} --seed {seed}"
    _print("", f"{'PASSED' if is_passed else 'FAILED'}; repeat it with: .venv/bin/python -m tests.soak {words}")
    return 0 if is_passed else 1


class Soak:
    """A run: the servers, the people and the faults."""

    def __init__(self, folder: Path, seed: int, people: int, seconds: float, stack: contextlib.ExitStack) -> None:
        """Start everything, and create the accounts."""
        self.folder, self.ledger = folder, Ledger()
        self.evidence = Evidence(tries_per_day=TRIES_PER_DAY, codes_per_hour=CODES_PER_HOUR)
        postgres = PostgresServer()
        stack.callback(postgres.close)
        postgres.start()
        with contextlib.redirect_stdout(None):  # The steps of the migration.
            postgres.prepare(lambda url: migrate(settings_for(folder, DATABASE_URL=url)))
        memcached = [MemcachedServer().start() for _ in range(2)]
        for each in memcached:
            stack.callback(each.stop)
        self.smtp = SmtpServer().start()
        stack.callback(self.smtp.stop)
        url = postgres.create_database()
        servers = {
            "DATABASE_URL": url,
            "CACHE_URL": f"memcached://{','.join(each.address for each in memcached)}",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(self.smtp.port),
        }
        self.settings = settings_for(folder, **{**OF_FLEET, **servers})
        self.fleet = Fleet(self.settings, folder, stack, nodes=3, workers=2, has_limits=True)
        self.site = Site("soak", self.settings, self.fleet.nodes[0], self.smtp, None)
        stack.callback(self.site.close)
        self.world = World(self.fleet, self.smtp, self.ledger, seed)
        self.faults = Faults(Parts(self.fleet, postgres, url, memcached, self.smtp), seed)
        self.people = self._create_people(people, seconds)

    def _create_people(self, count: int, seconds: float) -> list[SoakPerson]:
        """Create the accounts: of three superusers, of the others, and of those who follow when a budget is spent."""
        superusers = [self._create_account(f"keeper{number}", is_superuser=True) for number in range(3)]
        accounts = [self._create_account(f"person{number}") for number in range(count)]
        for number in range(count, count + int(count * seconds / 60)):
            self.world.free_accounts.put(self._create_account(f"person{number}"))
        return [
            *(SoakPerson(self.world, each.username, each) for each in accounts),
            *(Superuser(self.world, each.username, each) for each in superusers),
        ]

    def _create_account(self, username: str, *, is_superuser: bool = False) -> Account:
        email = self.site.administrator(f"{username}@example.com", superuser=is_superuser)
        self.ledger.open_account(username, email)
        user_id = 0 if is_superuser else self.site.user_id(email)
        return self.world.add_account(username, email, user_id=user_id)

    def run(self, seconds: float) -> list[Check]:
        """Let people act while parts fail; when everything works again, collect the evidence, and check it."""
        try:
            with _sampled() as loads:
                for person in self.people:
                    person.start()
                self.faults.run(seconds)
                time.sleep(min(5, seconds / 4))  # Without faults, so that people learn what became of their actions.
                self.world.stopped.set()
                for person in self.people:
                    person.join()
                _print("Everything works again; checking ...", "")
                self._settle()
            self.evidence.longest_seconds *= max(1.0, *loads)
            self._collect()
        finally:
            self.ledger.write(self.folder)
        return checks.run(self.ledger, self.evidence)

    def _settle(self) -> None:
        """Wait until every node is ready and all mail is sent, and use every account and every ended session."""
        for node in self.fleet.nodes:
            visitor = Person(NoRetryBrowser(node.port), "")
            eventually(lambda visitor=visitor: visitor.get_as_script("/readyz").status == 200, "a node is ready")
        self._enable_all()
        self.evidence.locked_out = self._find_locked_out()
        self.evidence.valid_sessions = [*self.world.survived, *self._find_valid_sessions()]
        with contextlib.suppress(AssertionError):  # What was not sent is found by a check.
            eventually(self._all_mail_is_sent, "all mail is sent", MAIL_SECONDS)

    def _all_mail_is_sent(self) -> bool:
        """Skip the waits after failed attempts, and return whether all mail is sent."""
        self.site.make_mail_due()
        return self.site.all_mail_is_sent()

    def _enable_all(self) -> None:
        """Enable the accounts that an action without a response may have disabled."""
        uncertain = {each.account for each in self.ledger.actions if each.event == "disabled" and each.is_uncertain}
        superuser = next(each for each in self.people if isinstance(each, Superuser))
        for account in [each for each in self.world.accounts if each.username in uncertain]:
            superuser.enable_again(account)

    def _find_locked_out(self) -> list[str]:
        """Sign in to every account, and return those for which that fails."""

        def find(account: Account) -> str:
            try:
                with contextlib.suppress(LinksSpent):
                    SoakPerson(self.world, f"{account.username} at last", account).require_session()
            except GaveUp:
                return f"{account.username}: {account.addresses} {account.passwords}"
            return ""

        return _map(find, [each for each in self.world.accounts if self._exists(each)])

    def _exists(self, account: Account) -> bool:
        if self.ledger.accounts[account.username].is_certain:
            return True
        return self.site.user(account.address) is not None

    def _find_valid_sessions(self) -> list[str]:
        """Return the sessions that were ended and are valid."""

        def find(ended: EndedSession) -> str:
            return str(ended) if self.world.is_signed_in(ended.network, ended.cookies) else ""

        return _map(find, self.world.ended_sessions)

    def _collect(self) -> None:
        """Verify the histories; stop all nodes and workers, so that nothing is in progress; read what they did."""
        ended, evidence = command_line(self.settings, "audit", "verify"), self.evidence
        evidence.broken_histories = [*ended.stdout.splitlines(), *ended.stderr.splitlines()] if ended.returncode else []
        for part in (*self.fleet.nodes, *self.fleet.workers, self.fleet.nginx):
            part.stop()
        checks.read_tables(self.site, evidence)
        checks.read_received(self.smtp, evidence)
        evidence.faults = self.faults.done
        evidence.nodes = _read_nodes(self.fleet.nginx.access_log)
        evidence.log_problems = list(self._read_problems())

    def _read_problems(self) -> Iterator[str]:
        """Yield errors in the logs, with the lines around them."""
        for part in (*self.fleet.nodes, *self.fleet.workers):
            lines = part.log.read_text().splitlines()
            for number, line in enumerate(lines):
                if ERROR.search(line) and not EXPECTED_ERROR.search(line):
                    yield "\n    ".join([part.log.name, *lines[max(0, number - 1) : number + 30]])
        for line in self.fleet.nginx.access_log.splitlines():
            if re.search(r" status=5(?!03)\d\d ", line):
                yield f"nginx: {line}"


def _map(find: Callable[[Any], str], values: Sequence[Any]) -> list[str]:
    """Call a function with every value in four threads, and return the results that are not empty."""
    with ThreadPoolExecutor(4) as pool:
        return list(filter(None, pool.map(find, values)))


def _read_nodes(access_log: str) -> dict[str, list[int]]:
    """Return the ports of the nodes that got each request, by its id."""
    found = {}
    for line in access_log.splitlines():
        if match := re.search(r'request_id=(\w+) node="([^"]*)"', line):
            found[match[1]] = [int(port) for port in re.findall(r":(\d+)", match[2])]
    return found


@contextlib.contextmanager
def _sampled() -> Iterator[list[float]]:
    """Collect the load of the machine every second."""
    loads, ended = [1.0], threading.Event()

    def sample() -> None:
        while not ended.wait(1):
            loads.append(machine_load())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield loads
    finally:
        ended.set()
        thread.join()


def _print(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
