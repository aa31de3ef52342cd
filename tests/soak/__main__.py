"""The command line: start the fleet, let people use it while it fails, check, and print the table."""

import argparse
import contextlib
import re
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.actors import Person
from tests.environments import PRODUCTION, migrate, settings_for
from tests.live.fleet import BEHIND_NGINX, Fleet
from tests.live.sites import Site
from tests.servers import (
    MemcachedServer,
    PostgresServer,
    SmtpServer,
    command_line,
    eventually,
    machine_load,
    run_concurrently,
)
from tests.soak import checks, report
from tests.soak.checks import Check, Evidence
from tests.soak.faults import Faults, Parts
from tests.soak.ledger import Ledger
from tests.soak.people import Account, GaveUp, SoakPerson, Superuser, World

TRIES_PER_DAY, CODES_PER_HOUR = 20, 15
SETTINGS = {
    **PRODUCTION,
    **BEHIND_NGINX,
    "SITE_URL": "",  # Set when the port of nginx is known.
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
EXPECTED_IN_LOGS = re.compile(
    r"was sent SIGKILL|Worker .* exited|Shutting down|Handling signal|WORKER TIMEOUT|Perhaps out of memory"
)
"""Lines about errors that gunicorn writes when one of its processes is killed."""


def main() -> int:
    """Run, and return 0 if every check passed, otherwise 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long parts fail in turn")
    parser.add_argument("--seed", type=int, default=None, help="the seed of all random choices")
    parser.add_argument("--people", type=int, default=12, help="administrators who act at the same time")
    options = parser.parse_args()
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="cms-soak-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that everything is stopped.
    _print(f"{options.seconds:.0f} s, {options.people} people, seed {seed}; logs in {folder}")
    with contextlib.ExitStack() as stack:
        soak = Soak(folder, seed, options.people, options.seconds, stack)
        results = soak.run(options.seconds)
    _print(report.render(soak.ledger, soak.faults.done, results))
    is_passed = not any(check.problems for check in results)
    if not is_passed:
        _print(report.render_problems(results))
        _print(f"\nThe ledger and the logs are in {folder}")
    _print(
        f"\n{'PASSED' if is_passed else 'FAILED'}; repeat it with: make soak SECONDS={options.seconds:.0f} SEED={seed}"
    )
    return 0 if is_passed else 1


class Soak:
    """A run: the servers, the people and the faults."""

    def __init__(self, folder: Path, seed: int, people: int, seconds: float, stack: contextlib.ExitStack) -> None:
        """Start everything, and create the accounts."""
        self.folder, self.ledger = folder, Ledger()
        postgres = PostgresServer()
        stack.callback(postgres.close)
        postgres.start()
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
        self.settings = settings_for(folder, **{**SETTINGS, "SITE_URL": "https://cms.example.com", **servers})
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
        highest_load = machine_load()
        for person in self.people:
            person.start()
        with _sampled() as loads:
            self.faults.run(seconds)
            time.sleep(min(5, seconds / 4))  # Without faults, so that people learn what became of their actions.
            self.world.stopped.set()
            for person in self.people:
                person.join()
            _print("Everything works again; waiting for the mail ...")
            self._wait_until_all_work()
            evidence = Evidence(faults=self.faults.done, tries_per_day=TRIES_PER_DAY, codes_per_hour=CODES_PER_HOUR)
            self._enable_all()
            evidence.locked_out = self._find_locked_out()
            evidence.valid_sessions = self._find_valid_sessions()
            eventually(lambda: self.site.make_mail_due() or self.site.all_mail_is_sent(), "all mail is sent", 120)
        evidence.longest_seconds *= max(1.0, highest_load, *loads)
        self._collect(evidence)
        self.ledger.write(self.folder)
        return checks.run(self.ledger, evidence)

    def _wait_until_all_work(self) -> None:
        """Wait until every node is ready, and all mail is sent; skip the waits after failed attempts."""
        for node in self.fleet.nodes:
            visitor = Person(self.world.browser(""), "")
            visitor.browser.proxy, visitor.browser.port = None, node.port  # type: ignore[attr-defined]
            eventually(lambda visitor=visitor: visitor.get_as_script("/readyz").status == 200, "a node is ready")
        eventually(lambda: self.site.make_mail_due() or self.site.all_mail_is_sent(), "all mail is sent", 120)

    def _enable_all(self) -> None:
        """Enable the accounts that an action without a response may have disabled."""
        uncertain = {each.account for each in self.ledger.actions if each.event == "disabled" and each.is_uncertain}
        superuser = next(each for each in self.people if isinstance(each, Superuser))
        for account in [each for each in self.world.accounts if each.username in uncertain]:
            superuser.enable_again(account)

    def _find_locked_out(self) -> list[str]:
        """Sign in to every account, and return those for which that fails."""
        accounts = [each for each in self.world.accounts if self._exists(each)]
        people = [SoakPerson(self.world, f"{each.username} at last", each) for each in accounts]
        found: list[str] = []

        def sign_in(first: int) -> None:
            for person in people[first::4]:
                try:
                    person.require_session()
                except GaveUp:
                    found.append(f"{person.account.username}: {person.account.addresses} {person.account.passwords}")

        run_concurrently(sign_in, 4)
        return found

    def _exists(self, account: Account) -> bool:
        if self.ledger.accounts[account.username].is_certain:
            return True
        return self.site.user(account.address) is not None

    def _find_valid_sessions(self) -> list[str]:
        """Return the sessions that were ended and are valid."""
        return [
            f"{why}: {network}"
            for why, network, cookies in self.world.ended_sessions
            if self.world.is_signed_in(network, cookies)
        ]

    def _collect(self, evidence: Evidence) -> None:
        """Stop all nodes and workers, so that nothing is in progress, and read what they did."""
        ended = command_line(self.settings, "audit", "verify")
        evidence.broken_histories = ended.stdout.splitlines() if ended.returncode else []
        evidence.broken_histories += ended.stderr.splitlines() if ended.returncode == 2 else []
        for part in (*self.fleet.nodes, *self.fleet.workers, self.fleet.nginx):
            part.stop()
        checks.read_tables(self.site, evidence)
        checks.read_received(self.smtp, evidence)
        evidence.nodes = _read_nodes(self.fleet.nginx.access_log)
        evidence.log_problems = list(self._read_problems())

    def _read_problems(self) -> Iterator[str]:
        """Yield errors in the logs, with the lines around them."""
        for part in (*self.fleet.nodes, *self.fleet.workers):
            lines = part.log.read_text().splitlines()
            for number, line in enumerate(lines):
                is_error = "Traceback" in line or " ERROR " in line or "level=ERROR" in line or "CRITICAL" in line
                if is_error and not EXPECTED_IN_LOGS.search(line):
                    yield "\n    ".join(
                        [
                            part.log.name,
                            *lines[max(0, number - 1) : number + 3],
                            "...",
                            *lines[number + 3 : number + 40][-3:],
                        ]
                    )
        for line in self.fleet.nginx.access_log.splitlines():
            if re.search(r" status=5(?!03)\d\d ", line):
                yield f"nginx: {line}"


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
