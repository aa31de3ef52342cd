"""The cost of a verified change of address, as a ratio to a minimal application that does the same I/O.

Both run in this process, on SQLite and the embedded cache, and alternate after each cycle (request a code, read it,
confirm), so that other load on the machine affects both. Prints the medians of the CPU time of a cycle, of an incorrect
code and of the settings page, and their ratios. Rendering the mails is included, because the requests do that; delivery
is not, because no process delivers. The security log goes to standard error.

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
WARM_UP = 20  # The first rounds are not counted.


class Minimal:
    """The minimal application: a signed cookie, a user by primary key, a code in the cache, one UPDATE, no rules."""

    def __init__(self, folder: Path) -> None:
        """Create the application, its database and one user."""

        class Base(DeclarativeBase):
            pass

        minimal = SQLAlchemy(model_class=Base)

        class User(minimal.Model):  # type: ignore[name-defined,misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            email: Mapped[str] = mapped_column(String(254), unique=True)

        app = Flask(__name__)
        app.config.update(SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'minimal.db'}")
        minimal.init_app(app)
        store = cache.connect(f"sqlite:///{folder / 'minimal-cache.db'}")
        with app.app_context():
            minimal.create_all()
            minimal.session.add(User(id=1, email="ann@example.com"))
            minimal.session.commit()

        @app.post("/login")
        def login() -> str:
            session["user"] = 1
            return ""

        @app.get("/")
        def page() -> str:
            return minimal.session.get(User, session["user"]).email

        @app.post("/request_code")
        def request_code() -> object:
            user = minimal.session.get(User, session["user"])
            self.mailed = f"{secrets.randbelow(10**6):06}"
            store.set(f"{user.id}:{request.form['email']}", self.mailed, 600)
            return jsonify(code=200)

        @app.post("/confirm")
        def confirm() -> object:
            user = minimal.session.get(User, session["user"])
            key = f"{user.id}:{request.form['email']}"
            if store.get(key) != request.form["captcha"]:
                return jsonify(code=400), 400
            user.email = request.form["email"]
            minimal.session.commit()
            store.delete(key)
            return jsonify(code=200)

        self.client = app.test_client()
        self.client.post("/login")

    def request_code(self, email: str) -> None:
        """Request a code."""
        assert self.client.post("/request_code", data={"email": email}).status_code == 200

    def code_for(self, _: str) -> str:
        """Return the code that would have been mailed."""
        return self.mailed

    def confirm(self, email: str, code: str, status: int) -> None:
        """Enter a code, and check the status of the response."""
        assert self.client.post("/confirm", data={"email": email, "captcha": code}).status_code == status

    def open_page(self) -> None:
        """Request the page."""
        assert self.client.get("/").status_code == 200


class Product:
    """The product, with every rule, and with limits that a benchmark does not reach."""

    def __init__(self, folder: Path) -> None:
        """Create the application, its database and one administrator."""
        app = create_app({"INSTANCE_DIR": str(folder / "product"), **UNLIMITED})
        app.config["WTF_CSRF_ENABLED"] = False  # Otherwise the token must be read from a page first.
        with app.app_context():
            db.create_all()
            origin = COMMAND_LINE
            administration.create(
                address=Address.of("ann@example.com"), username="ann", password=PASSWORD, superuser=False, origin=origin
            )
        self.mails = sqlite3.connect(folder / "product" / "cms.db")
        self.client = app.test_client()
        self.client.post("/cms/login/", data={"email": "ann@example.com", "password": PASSWORD})

    def request_code(self, email: str) -> None:
        """Request a code."""
        assert self.client.post("/cms/email_captcha/", data={"email": email}).status_code == 200

    def confirm(self, email: str, code: str, status: int) -> None:
        """Enter a code, and check the status of the response."""
        response = self.client.post("/cms/resetemail/", data={"email": email, "captcha": code})
        assert response.status_code == status, response.get_json()

    def code_for(self, email: str) -> str:
        """Return the code in the mail."""
        subject = self.mails.execute("SELECT subject FROM mail WHERE recipient = ?", (email,)).fetchone()[0]
        return str(subject)[:6]

    def open_page(self) -> None:
        """Request the settings page."""
        assert self.client.get("/cms/resetemail/", headers={"Accept": "text/html"}).status_code == 200


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the CPU time of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure_cycle(application: Minimal | Product, email: str) -> dict[str, float]:
    """Change the address once, with one incorrect code, and request the page; return the CPU time of each step."""
    request = cpu_seconds(partial(application.request_code, email))
    code = application.code_for(email)
    guess = f"{(int(code) + 1) % 10**6:06}"
    wrong = cpu_seconds(partial(application.confirm, email, guess, 400))
    right = cpu_seconds(partial(application.confirm, email, code, 200))
    return {"change": request + right, "wrong code": wrong, "page": cpu_seconds(application.open_page)}


def main(rounds: int) -> None:
    """Measure both applications, and print the medians."""
    create_engine("sqlite://")  # Imports modules that both use before the measurement.
    with tempfile.TemporaryDirectory() as name:
        both = Minimal(Path(name)), Product(Path(name))
        spent = [[measure_cycle(each, f"n{number}@example.org") for each in both] for number in range(rounds + WARM_UP)]
        for step in ("change", "wrong code", "page"):
            low, high = (statistics.median(each[side][step] for each in spent[WARM_UP:]) * 1000 for side in (0, 1))
            print(f"{step:10}  minimal {low:6.2f} ms   product {high:6.2f} ms   ratio {high / low:5.2f}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
