"""The speed of forward authentication, as a ratio to the least view that does the same I/O.

That view is one of Flask and Flask-SQLAlchemy: it loads the signed cookie, executes one SELECT that joins the session
and the account, and returns the same headers. It has no log, no limits of a session, no roles and no security headers.
Both run in this process on SQLite, are called as WSGI applications, and alternate in rounds, so that other load on the
machine affects both. Prints the medians of the CPU time of a request, and how fast the product is compared with that
view; also for a visitor without a session. The log goes to standard error.

    .venv/bin/python -m bench.forward_auth [ROUNDS] 2>/dev/null
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, session
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.test import EnvironBuilder

from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from app import create_app
from bench.cycle import PASSWORD, UNLIMITED, cpu_seconds
from models import Address, db

SID = "s" * 43
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
REQUESTS = 50  # In each round.
WARM_UP = 5  # The first rounds are not counted.


def create_least(folder: Path) -> Flask:
    """Return the least application, with one account and one session."""

    class Base(DeclarativeBase):
        pass

    least = SQLAlchemy(model_class=Base)

    class User(least.Model):  # type: ignore[name-defined,misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        email: Mapped[str]
        role: Mapped[str]

    class Session(least.Model):  # type: ignore[name-defined,misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        id_hash: Mapped[str] = mapped_column(String(64), unique=True)
        user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
        proved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    app = Flask(__name__)
    app.config.update(SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'least.db'}")
    least.init_app(app)
    with app.app_context():
        least.create_all()
        least.session.add(User(id=1, name="ann", email="ann@example.com", role="editor"))
        least.session.flush()
        id_hash = sha256(SID.encode()).hexdigest()
        least.session.add(Session(id_hash=id_hash, user_id=1, proved_at=datetime.now(UTC)))
        least.session.commit()

    @app.post("/cms/login/")
    def login() -> str:
        session["sid"] = SID
        return ""

    @app.get("/cms/session/")
    def show() -> Response:
        id_hash = sha256(session.get("sid", "").encode()).hexdigest()
        columns = User.id, User.name, User.email, User.role, Session.proved_at
        query = select(*columns).join(Session, Session.user_id == User.id).where(Session.id_hash == id_hash)
        found = least.session.execute(query).first()
        if found is None:
            return Response(status=401)
        headers = {
            "Remote-User": found.name,
            "Remote-Name": found.name,
            "Remote-Email": found.email,
            "Remote-Groups": found.role,
            "X-Account-Id": str(found.id),
            "X-Account-Proved-At": found.proved_at.isoformat(),
            "Cache-Control": "no-store",
        }
        return Response(status=204, headers=headers)

    return app


def create_product(folder: Path) -> Flask:
    """Return the product with one administrator."""
    app = create_app({"INSTANCE_DIR": str(folder / "product"), **UNLIMITED})
    app.config["WTF_CSRF_ENABLED"] = False  # Otherwise the token must be read from a page first.
    with app.app_context():
        db.create_all()
        address = Address.of("ann@example.com")
        administration.create(address=address, username="ann", password=PASSWORD, superuser=False, origin=COMMAND_LINE)
    return app


def sign_in(app: Flask) -> str:
    """Sign in, and return the cookie."""
    client = app.test_client()
    assert client.post("/cms/login/", data={"email": "ann@example.com", "password": PASSWORD}).status_code == 200
    cookie = client.get_cookie("session")
    assert cookie
    return f"session={cookie.value}"


def send(app: Flask, environ: dict[str, Any], expected: str) -> None:
    """Send requests, and check the status of the responses."""
    statuses: list[str] = []

    def start_response(status: str, _: object, __: object = None) -> Callable[[bytes], object]:
        statuses.append(status[:3])
        return statuses.append  # type: ignore[return-value]

    for _ in range(REQUESTS):
        response = app.wsgi_app(environ.copy(), start_response)
        b"".join(response)
        getattr(response, "close", bool)()
    assert statuses == [expected] * REQUESTS, statuses


def main(rounds: int) -> None:
    """Measure both applications, and print the medians."""
    with tempfile.TemporaryDirectory() as name:
        both = create_least(Path(name)), create_product(Path(name))
        cookies = [sign_in(app) for app in both]
        for title, expected in (("signed in", "204"), ("visitor", "401")):
            sent = [{"Accept": "text/html", "User-Agent": BROWSER, "X-Forwarded-Uri": "/articles/"} for _ in both]
            if expected == "204":
                sent = [headers | {"Cookie": cookie} for headers, cookie in zip(sent, cookies, strict=True)]
            environs = [EnvironBuilder("/cms/session/", headers=headers).get_environ() for headers in sent]
            work = [partial(send, app, environ, expected) for app, environ in zip(both, environs, strict=True)]
            spent = [[cpu_seconds(each) for each in work] for _ in range(rounds + WARM_UP)][WARM_UP:]
            least, product = (statistics.median(each[side] for each in spent) / REQUESTS * 1e6 for side in (0, 1))
            speed = f"speed {least / product:5.2f}"
            print(f"{title:10}  least view {least:6.0f} us   product {product:6.0f} us   {speed}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
