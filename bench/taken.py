"""Whether the answer to "mail me a code for this address" tells that somebody has the address.

Two administrators ask in turn, one for an address that is taken and one for a free one of the same length; which of
them goes first is tossed for every round. Everything runs in this process, over the whole of the application and on
its embedded defaults, so that nothing but the application itself can make a difference: no network, no other user.
Both the time on the clock and the CPU time of the answer are measured, and the size of what comes back is compared
byte by byte.

Printed are the medians of both, the median of the differences round by round with a 95 % confidence interval
(bootstrap), and the chance that somebody who sees one answer guesses right which it was: the area under the ROC curve,
0.50 for a coin. The same is printed for the page without scripts.

    .venv/bin/python -m bench.taken [ROUNDS]

A difference shows as an interval that leaves out zero, in one run after the other and in the same direction. What is
left then counts against the noise of a network: at 1 ms of jitter somebody needs about (1 ms / difference) squared
answers to see it, and gets five an hour for one account, three for one address.
"""

# ruff: noqa: T201 - What was measured is printed.

import gc
import random
import re
import statistics
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import update

from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from app import create_app
from models import Address, Mail, db

PASSWORD = "correct horse battery"  # noqa: S105
TAKEN, FREE = "owner@example.com", "newer@example.com"
UNLIMITED = {
    "CAPTCHA_RESEND_SECONDS": 0,
    "CAPTCHA_SENDS_PER_HOUR": 0,
    "CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR": 0,
    "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": 0,
    "CAPTCHA_SENDS_OVERALL_PER_HOUR": 0,
    "REAUTH_SECONDS": 86400,
    "MAIL_DELIVERY": "worker",
}
SCRIPT = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
PAGE = {"Accept": "text/html"}
RESAMPLES = 2000


class Cost(NamedTuple):
    """What one answer cost, in seconds, and how long it was in bytes."""

    wall: float
    cpu: float
    size: int


class Visitor:
    """An administrator at a browser, or a stranger."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        """Open the browser and read the token of the first page."""
        self.client, self.headers = app.test_client(), headers
        self.token = self._token()

    def sign_in(self, email: str) -> "Visitor":
        """Sign in."""
        fields = {"email": email, "password": PASSWORD, "csrf_token": self.token}
        assert self.client.post("/cms/login/", data=fields, headers=SCRIPT).status_code == 200
        self.token = self._token("/cms/resetemail/")
        return self

    def post(self, path: str, email: str) -> Cost:
        """Send a form with an address, follow it as a page would, and return what that cost."""
        fields = {"email": email, "csrf_token": self.token}
        follow = self.headers is PAGE
        wall, cpu = time.perf_counter(), time.process_time()
        answer = self.client.post(path, data=fields, headers=self.headers, follow_redirects=follow)
        cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, len(answer.data))
        assert answer.status_code == 200, answer.data
        return cost

    def _token(self, path: str = "/cms/login/") -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.client.get(path, headers=PAGE).text)
        assert found
        return found[1]


def measured(ask_taken: Callable[[], Cost], ask_free: Callable[[], Cost], rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Ask in turn, in an order that is tossed for every round; the garbage is collected in between."""
    taken, free = [], []
    order = [(ask_taken, taken), (ask_free, free)]
    for number in range(rounds + 20):
        random.shuffle(order)
        for ask, costs in order:
            gc.collect(0)
            cost = ask()
            if number >= 20:  # The first ones fill caches, and belong to neither.
                costs.append(cost)
    return taken, free


def interval(differences: list[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap confidence interval of the median."""
    size = len(differences)
    medians = sorted(statistics.median(random.choices(differences, k=size)) for _ in range(RESAMPLES))  # noqa: S311
    return medians[RESAMPLES * 25 // 1000], medians[RESAMPLES * 975 // 1000]


def guessed(taken: list[float], free: list[float]) -> float:
    """Return the chance that the slower one of two answers is the one for the taken address."""
    ordered = sorted(free)
    wins = sum((bisect_left(ordered, each) + bisect_right(ordered, each)) / 2 for each in taken)
    return wins / (len(taken) * len(free))


def report(name: str, taken: list[Cost], free: list[Cost]) -> None:
    """Print what was found."""
    print(f"\n{name}: {len(taken)} rounds")
    sizes = [sorted({cost.size for cost in costs}) for costs in (taken, free)]
    print(
        f"  size  taken {sizes[0]} bytes, free {sizes[1]} bytes: {'the same' if sizes[0] == sizes[1] else 'DIFFERENT'}"
    )
    for what in ("wall", "cpu"):
        ours, theirs = [getattr(cost, what) * 1e6 for cost in taken], [getattr(cost, what) * 1e6 for cost in free]
        differences = [one - other for one, other in zip(ours, theirs, strict=True)]
        low, high = interval(differences)
        verdict = "no difference seen" if low <= 0 <= high else "DIFFERENT"
        print(
            f"  {what:4}  taken {statistics.median(ours):7.0f} us, free {statistics.median(theirs):7.0f} us, "
            f"difference {statistics.median(differences):+6.1f} us, 95 % [{low:+.1f}, {high:+.1f}], "
            f"ROC area {guessed(ours, theirs):.3f}: {verdict}"
        )


def furnished(folder: Path) -> Flask:
    """Return an application with an owner of the taken address and two administrators who will ask."""
    app = create_app({**UNLIMITED, "INSTANCE_DIR": str(folder), "DATABASE_URL": "", "CACHE_URL": "", "MAIL_SERVER": ""})
    with app.app_context():
        upgrade(directory=str(Path(__file__).resolve().parent.parent / "migrations"))
        for email in (TAKEN, "one@example.com", "two@example.com"):
            origin, name = COMMAND_LINE, email.partition("@")[0]
            administration.create(
                address=Address.of(email), username=name, password=PASSWORD, superuser=False, origin=origin
            )
    return app


def swept(app: Flask, ask: Callable[[], Cost]) -> Cost:
    """Ask, and call what was queued done, so that no later question meets a longer queue."""
    cost = ask()
    with app.app_context():
        db.session.execute(update(Mail).values(state="sent"))
        db.session.commit()
    return cost


def main(rounds: int = 1000) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        app = furnished(Path(folder))
        for name, headers in (("POST /cms/email_captcha/ by a script", SCRIPT), ("the same by a page", PAGE)):
            people = [Visitor(app, headers).sign_in(f"{who}@example.com") for who in ("one", "two")]
            halves = []
            for first, second in (people, reversed(people)):  # Who they are must not make the difference.
                halves.append(
                    measured(
                        lambda who=first: swept(app, lambda: who.post("/cms/email_captcha/", TAKEN)),
                        lambda who=second: swept(app, lambda: who.post("/cms/email_captcha/", FREE)),
                        rounds // 2,
                    )
                )
            report(name, halves[0][0] + halves[1][0], halves[0][1] + halves[1][1])


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
