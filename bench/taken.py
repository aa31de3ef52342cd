"""Whether the response to a request for a code reveals that the address is taken.

Two administrators request codes in random order, one for a taken address and one for a free address of the same length.
Both use the whole application with its embedded defaults in this process, so that neither a network nor other users
cause differences. The wall-clock time and the CPU time of the responses are measured, and their sizes compared.

Prints the medians of both, the median of the differences per round with its 95 % confidence interval (bootstrap), and
the probability of determining from one response whether the address was taken: the area under the ROC curve, 0.50 for a
random guess. The same is printed for the page without scripts.

    .venv/bin/python -m bench.taken [ROUNDS]

There is a difference if the interval excludes zero in repeated runs, in the same direction. To detect it through a
network with 1 ms of jitter, about (1 ms / difference) squared responses are needed; five an hour are possible with one
account, and three for one address.
"""

# ruff: noqa: T201 - The results are printed.

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
    "CAPTCHA_SENDS_PER_ADDRESS_PER_DAY": 0,
    "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": 0,
    "CAPTCHA_SENDS_OVERALL_PER_HOUR": 0,
    "REAUTH_SECONDS": 86400,
    "MAIL_DELIVERY": "worker",
}
SCRIPT = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
PAGE = {"Accept": "text/html"}
RESAMPLES = 2000
WARM_UP = 20  # The first rounds fill caches, and are not counted.


class Cost(NamedTuple):
    """The duration of one response in seconds, and its size in bytes."""

    wall: float
    cpu: float
    size: int


class Visitor:
    """An administrator with a browser."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        """Create a client, and read the CSRF token of the first page."""
        self.client, self.headers = app.test_client(), headers
        self.token = self._token()

    def sign_in(self, email: str) -> "Visitor":
        """Sign in."""
        fields = {"email": email, "password": PASSWORD, "csrf_token": self.token}
        assert self.client.post("/cms/login/", data=fields, headers=SCRIPT).status_code == 200
        self.token = self._token("/cms/resetemail/")
        return self

    def post(self, path: str, email: str) -> Cost:
        """Send a form with an address; a page also follows the redirect. Return the cost of the response."""
        fields = {"email": email, "csrf_token": self.token}
        follow = self.headers is PAGE
        wall, cpu = time.perf_counter(), time.process_time()
        response = self.client.post(path, data=fields, headers=self.headers, follow_redirects=follow)
        cost = Cost(time.perf_counter() - wall, time.process_time() - cpu, len(response.data))
        assert response.status_code == 200, response.data
        return cost

    def _token(self, path: str = "/cms/login/") -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.client.get(path, headers=PAGE).text)
        assert found
        return found[1]


def measure(
    send_taken: Callable[[], Cost], send_free: Callable[[], Cost], rounds: int
) -> tuple[list[Cost], list[Cost]]:
    """Send both requests in every round, in random order, and collect garbage before each."""
    taken, free = [], []
    order = [(send_taken, taken), (send_free, free)]
    for number in range(rounds + WARM_UP):
        random.shuffle(order)
        for send, costs in order:
            gc.collect(0)
            cost = send()
            if number >= WARM_UP:
                costs.append(cost)
    return taken, free


def interval(differences: list[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap confidence interval of the median."""
    size = len(differences)
    medians = sorted(statistics.median(random.choices(differences, k=size)) for _ in range(RESAMPLES))  # noqa: S311
    return medians[RESAMPLES * 25 // 1000], medians[RESAMPLES * 975 // 1000]


def roc_area(taken: list[float], free: list[float]) -> float:
    """Return the probability that the slower one of two responses is the one for the taken address."""
    ordered = sorted(free)
    wins = sum((bisect_left(ordered, each) + bisect_right(ordered, each)) / 2 for each in taken)
    return wins / (len(taken) * len(free))


def report(name: str, taken: list[Cost], free: list[Cost]) -> None:
    """Print the results of one kind of request."""
    print(f"\n{name}: {len(taken)} rounds")
    sizes = [sorted({cost.size for cost in costs}) for costs in (taken, free)]
    print(
        f"  size  taken {sizes[0]} bytes, free {sizes[1]} bytes: {'the same' if sizes[0] == sizes[1] else 'DIFFERENT'}"
    )
    for clock in ("wall", "cpu"):
        of_taken, of_free = (
            [getattr(cost, clock) * 1e6 for cost in taken],
            [getattr(cost, clock) * 1e6 for cost in free],
        )
        differences = [one - other for one, other in zip(of_taken, of_free, strict=True)]
        low, high = interval(differences)
        verdict = "no difference detected" if low <= 0 <= high else "DIFFERENT"
        print(
            f"  {clock:4}  taken {statistics.median(of_taken):7.0f} us, free {statistics.median(of_free):7.0f} us, "
            f"difference {statistics.median(differences):+6.1f} us, 95 % [{low:+.1f}, {high:+.1f}], "
            f"ROC area {roc_area(of_taken, of_free):.3f}: {verdict}"
        )


def build_application(folder: Path) -> Flask:
    """Return an application with the owner of the taken address and two administrators who request codes."""
    app = create_app({**UNLIMITED, "INSTANCE_DIR": str(folder), "DATABASE_URL": "", "CACHE_URL": "", "MAIL_SERVER": ""})
    with app.app_context():
        upgrade(directory=str(Path(__file__).resolve().parent.parent / "migrations"))
        for email in (TAKEN, "one@example.com", "two@example.com"):
            origin, name = COMMAND_LINE, email.partition("@")[0]
            administration.create(
                address=Address.of(email), username=name, password=PASSWORD, superuser=False, origin=origin
            )
    return app


def send_and_clear(app: Flask, send: Callable[[], Cost]) -> Cost:
    """Send a request, and mark its mails as sent, so that the outbox does not grow."""
    cost = send()
    with app.app_context():
        db.session.execute(update(Mail).values(state="sent"))
        db.session.commit()
    return cost


def main(rounds: int = 1000) -> None:
    """Measure requests of scripts and of pages, and print the results."""
    with tempfile.TemporaryDirectory() as folder:
        app = build_application(Path(folder))
        for name, headers in (("POST /cms/email_captcha/ by a script", SCRIPT), ("the same by a page", PAGE)):
            visitors = [Visitor(app, headers).sign_in(email) for email in ("one@example.com", "two@example.com")]
            halves = []
            for first, second in (visitors, reversed(visitors)):  # Swapped, so that the accounts make no difference.
                halves.append(
                    measure(
                        lambda visitor=first: send_and_clear(app, lambda: visitor.post("/cms/email_captcha/", TAKEN)),
                        lambda visitor=second: send_and_clear(app, lambda: visitor.post("/cms/email_captcha/", FREE)),
                        rounds // 2,
                    )
                )
            report(name, halves[0][0] + halves[1][0], halves[0][1] + halves[1][1])


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
