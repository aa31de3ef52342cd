"""What a verified change of address costs, as a ratio to the least application that does the same I/O.

Both run in this process, on SQLite and the embedded cache, one cycle of each in turn (ask for a code, read it,
confirm), so that whatever else the machine does meets both. Prints the medians of the CPU time of a cycle, of a wrong
code and of the settings page, and their ratios. The mails of a change are rendered in its requests, so that is counted;
their delivery is not: nothing delivers here. What the security log says goes to the standard error.

    .venv/bin/python -m bench.cycle [ROUNDS] 2>/dev/null
"""

import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flask import Flask, jsonify, request, session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import cache
from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from app import create_app
from models import Address, db

PASSWORD = "correct horse battery"  # noqa: S105
UNLIMITED = {
    "CAPTCHA_RESEND_SECONDS": 0,
    "CAPTCHA_SENDS_PER_HOUR": 10**6,
    "CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR": 10**6,
    "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": 10**6,
    "CAPTCHA_SENDS_OVERALL_PER_HOUR": 10**9,
    "CAPTCHA_TRIES_PER_DAY": 10**6,
    "MAIL_DELIVERY": "worker",
}


class Least:
    """Signed cookie, a user by primary key, a code in the cache, one UPDATE: no rules at all."""

    def __init__(self, folder: Path) -> None:
        """Make the application, its database and its one user."""

        class Base(DeclarativeBase):
            pass

        least = SQLAlchemy(model_class=Base)

        class User(least.Model):  # type: ignore[name-defined,misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            email: Mapped[str] = mapped_column(String(254), unique=True)

        app = Flask(__name__)
        app.config.update(SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'least.db'}")
        least.init_app(app)
        store = cache.connect(f"sqlite:///{folder / 'least-cache.db'}")
        with app.app_context():
            least.create_all()
            least.session.add(User(id=1, email="ann@example.com"))
            least.session.commit()

        @app.post("/login")
        def login() -> str:
            session["user"] = 1
            return ""

        @app.get("/")
        def page() -> str:
            return least.session.get(User, session["user"]).email

        @app.post("/ask")
        def ask() -> object:
            user = least.session.get(User, session["user"])
            self.mailed = f"{secrets.randbelow(10**6):06}"
            store.set(f"{user.id}:{request.form['email']}", self.mailed, 600)
            return jsonify(code=200)

        @app.post("/confirm")
        def confirm() -> object:
            user = least.session.get(User, session["user"])
            key = f"{user.id}:{request.form['email']}"
            if store.get(key) != request.form["captcha"]:
                return jsonify(code=400), 400
            user.email = request.form["email"]
            least.session.commit()
            store.delete(key)
            return jsonify(code=200)

        self.client = app.test_client()
        self.client.post("/login")

    def ask(self, email: str) -> None:
        """Ask for a code."""
        assert self.client.post("/ask", data={"email": email}).status_code == 200

    def code_for(self, _: str) -> str:
        """Return the code that would have been mailed."""
        return self.mailed

    def confirm(self, email: str, code: str, status: int) -> None:
        """Enter a code, and expect an answer."""
        assert self.client.post("/confirm", data={"email": email, "captcha": code}).status_code == status

    def page(self) -> None:
        """Look at the page."""
        assert self.client.get("/").status_code == 200


class Ours:
    """The product, with every rule and no limit that a benchmark would run into."""

    def __init__(self, folder: Path) -> None:
        """Make the application, its database and its one administrator."""
        app = create_app({"INSTANCE_DIR": str(folder / "ours"), **UNLIMITED})
        app.config["WTF_CSRF_ENABLED"] = False  # The token would have to be read from a page first.
        with app.app_context():
            db.create_all()
            origin = COMMAND_LINE
            administration.create(
                address=Address.of("ann@example.com"), username="ann", password=PASSWORD, superuser=False, origin=origin
            )
        self.mails = sqlite3.connect(folder / "ours" / "cms.db")
        self.client = app.test_client()
        self.client.post("/cms/login/", data={"email": "ann@example.com", "password": PASSWORD})

    def ask(self, email: str) -> None:
        """Ask for a code."""
        assert self.client.post("/cms/email_captcha/", data={"email": email}).status_code == 200

    def confirm(self, email: str, code: str, status: int) -> None:
        """Enter a code, and expect an answer."""
        answer = self.client.post("/cms/resetemail/", data={"email": email, "captcha": code})
        assert answer.status_code == status, answer.get_json()

    def code_for(self, email: str) -> str:
        """Read the code in the mail."""
        subject = self.mails.execute("SELECT subject FROM mail WHERE recipient = ?", (email,)).fetchone()[0]
        return str(subject)[:6]

    def page(self) -> None:
        """Look at the settings page."""
        assert self.client.get("/cms/resetemail/", headers={"Accept": "text/html"}).status_code == 200


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the CPU time of one piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def round_of(contestant: Least | Ours, email: str) -> dict[str, float]:
    """Change the address once, with a wrong code on the way, and look at the page; return what each took."""
    ask = cpu_seconds(partial(contestant.ask, email))
    code = contestant.code_for(email)
    guess = f"{(int(code) + 1) % 10**6:06}"
    wrong = cpu_seconds(partial(contestant.confirm, email, guess, 400))
    right = cpu_seconds(partial(contestant.confirm, email, code, 200))
    return {"change": ask + right, "wrong code": wrong, "page": cpu_seconds(contestant.page)}


def main(rounds: int) -> None:
    """Measure and print."""
    create_engine("sqlite://")  # What both import is imported before the clock runs.
    with tempfile.TemporaryDirectory() as name:
        least, ours = Least(Path(name)), Ours(Path(name))
        spent = [[round_of(side, f"n{number}@example.org") for side in (least, ours)] for number in range(rounds + 20)]
        for what in ("change", "wrong code", "page"):
            # The first ones warm up.
            low, high = (statistics.median(each[side][what] for each in spent[20:]) * 1000 for side in (0, 1))
            print(f"{what:10}  least {low:6.2f} ms   ours {high:6.2f} ms   ratio {high / low:5.2f}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
