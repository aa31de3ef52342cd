"""The two environments in which the application is tested, and a clock that tests set."""

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, current_app
from flask_migrate import upgrade
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

import cache
from accounts import clock as product_clock
from accounts import people
from accounts.flows import administration
from accounts.mail import delivery
from accounts.mail.smtp import MailServerConnection
from accounts.operations import audit_verification
from accounts.origin import Origin
from app import create_app
from models import CMSUser, db
from tests.actors import PASSWORD, InProcess, Person, code_in, link_in, text_of
from tests.servers import LONGEST_SECONDS, ROOT, MemcachedServer, PostgresServer, SmtpServer

SECRET = "a secret of the tests, and of nothing else"
PRODUCTION = {"CMS_ENV": "production", "SECRET_KEY": SECRET, "SITE_URL": "https://cms.example.com"}
HERE = Origin("198.51.100.7", "Firefox 131, Linux")


class CompiledTemplates(BytecodeCache):
    """Keeps what Jinja compiled for the next application of this process: else each compiles every template again."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: dict[str, bytes] = {}

    def get_bucket(self, environment: Any, name: str, filename: str | None, source: str) -> Bucket:
        """Tell apart what was compiled for different languages."""
        return super().get_bucket(environment, f"{environment.language} {name}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is kept; Jinja compares the checksum of the source."""
        if kept := self._kept.get(bucket.key):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


class Clock:
    """A clock that stands still until it is turned. It begins with the real time.

    It turns the product's own clock, and the embedded store's. The clock of a real memcached cannot be turned: what
    must be over after some time is over there by the product's own reckoning, or by flushing the server.
    """

    def __init__(self) -> None:
        """Stop at the present moment."""
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        """Return what the clock shows."""
        return self.at

    def timestamp(self) -> float:
        """Return what the clock shows, as time.time() would."""
        return self.at.timestamp()

    def turn(self, **span: float) -> datetime:
        """Turn the clock on by so many seconds, minutes, hours or days; return what it shows now."""
        self.at += timedelta(**span)
        return self.at

    def hang_up(self, patch: pytest.MonkeyPatch) -> "Clock":
        """Have everybody look at this clock."""
        patch.setattr(product_clock, "now", self.now)
        return self

    def set_store(self, store: cache.Store) -> None:
        """Have the embedded store look at this clock, too."""
        if isinstance(store, cache.Embedded):
            store._now = self.timestamp


class SharedApp:
    """An application that serves one test after the other; between two of them everything that it stored is deleted.

    Building one costs more than most tests do: its routes, its templates and its statements are compiled anew. One that
    a test has changed (a route, a setting, a lost database) is thrown away, and the next test gets a new one.
    """

    def __init__(self, make: Callable[[], tuple[dict[str, str], Callable[[], None]]]) -> None:
        """Remember how to make the settings of a migrated database, and how to empty it afterwards."""
        self._make = make
        self._app: Flask | None = None
        self.settings: dict[str, str] = {}

    @classmethod
    def on_sqlite(cls, template: Path, new_folder: Callable[[], Path], **settings: str) -> "SharedApp":
        """Return one with nothing installed; `template` is a migrated SQLite file."""

        def make() -> tuple[dict[str, str], Callable[[], None]]:
            folder = new_folder()
            copied(template, folder)
            return settings_for(folder, **settings), lambda: empty_folder(template, folder)

        return cls(make)

    @classmethod
    def on_postgres(
        cls,
        postgres: PostgresServer,
        memcached: MemcachedServer,
        smtp: SmtpServer,
        new_folder: Callable[[], Path],
        **settings: str,
    ) -> "SharedApp":
        """Return one on these servers; the caller empties memcached and the mail server."""
        parts = {
            "CACHE_URL": f"memcached://{memcached.address}",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(smtp.port),
        }

        def make() -> tuple[dict[str, str], Callable[[], None]]:
            url = postgres.create_database()
            given = settings_for(new_folder(), DATABASE_URL=url, **parts, **settings)
            return given, lambda: empty_database(url)

        return cls(make)

    def take(self) -> dict[str, str]:
        """Return the settings of an empty database, for which `app` is the application."""
        if self._app is None:
            self.settings, self._empty = self._make()
            self._app = new_app(self.settings)
            self._untouched = self._surface()
        else:
            connect_cache(self._app)
        return self.settings

    @property
    def app(self) -> Flask:
        """Return the application."""
        assert self._app is not None
        return self._app

    def give_back(self) -> None:
        """Delete what a test stored."""
        close_app(self.app)
        if self._surface() != self._untouched:
            self._app = None
            return
        try:
            self._empty()
        except (psycopg.Error, OSError):
            self._app = None

    def _surface(self) -> list[Any]:
        """Return what a test might change of the application."""
        app = self.app
        with app.app_context():
            breaker = getattr(db.engine.pool, "breaker", None)
        hooks = app.before_request_funcs, app.after_request_funcs, app.teardown_appcontext_funcs
        return [
            *({**app.config}, len(list(app.url_map.iter_rules())), set(app.extensions) - {"mail_delivery"}),
            *(breaker and breaker._ask_again_at, str(hooks), app.extensions["settings"]),
        ]


class Environment:
    """A database, a cache and a way to send mail; `build` makes an application that uses them."""

    def __init__(
        self,
        name: str,
        settings: dict[str, str],
        clock: Clock,
        *,
        memcached: Any = None,
        smtp: SmtpServer | None = None,
        shared: SharedApp | None = None,
    ) -> None:
        """Remember the parts, and the application that serves other tests, too."""
        self.name, self.settings, self.clock, self.smtp = name, settings.copy(), clock, smtp
        self.memcached: MemcachedServer | None = memcached
        self._built: list[Flask] = []
        self._shared = shared
        self._main: Flask | None = None
        self._filed: list[Path] = []
        self._read_mails: dict[Path, EmailMessage] = {}

    @property
    def app(self) -> Flask:
        """Return the application with these settings: that of other tests, unless a test changed the settings."""
        if self._main is None and self._shared and self.settings == self._shared.settings:
            self._main = self._shared.app
            self.clock.set_store(self._main.extensions["cache"])
        if self._main is None:
            self._main = self.build()
        return self._main

    def build(self, *, is_patient: bool = True, **settings: str) -> Flask:
        """Make an application as one of possibly many processes; `settings` come before the environment's own."""
        app = new_app({**self.settings, **settings}, is_patient=is_patient)
        self.clock.set_store(app.extensions["cache"])
        self._built.append(app)
        return app

    def lose_the_cache(self) -> None:
        """Have the cache forget everything, as a restart of memcached or a deleted file would."""
        if self.memcached:
            self.memcached.flush()
        else:
            with self.app.app_context():
                cache._store()._execute("DELETE FROM item")  # type: ignore[attr-defined]

    def close(self) -> None:
        """Let go of every connection, and give back the application that serves other tests, too."""
        for app in self._built:
            close_app(app)
        if self._shared:
            self._shared.give_back()

    def administrator(self, email: str, *, username: str = "", **more: Any) -> CMSUser:
        """Make an administrator, as the command line would."""
        given = {"password": PASSWORD, "superuser": False, "origin": HERE, **more}
        with self.app.app_context():
            return administration.create(email=email, username=username or email.partition("@")[0], **given)

    def change(self, whose: str, **values: Any) -> None:
        """Change an administrator's row, as an operator would in the database."""
        with self.app.app_context():
            user = people.with_email(whose)
            assert user is not None
            for name, value in values.items():
                setattr(user, name, value)
            db.session.commit()

    def stored(self, username: str) -> CMSUser:
        """Return an administrator's row as it is now."""
        with self.app.app_context():
            found = db.session.scalar(db.select(CMSUser).where(CMSUser.username == username))
            assert found is not None
            return found

    def rows(self, query: Any) -> list[Any]:
        """Return the rows of a query, for what no page shows."""
        with self.app.app_context():
            return list(db.session.execute(query).all())

    def visitor(self, email: str = "nobody@example.com", *, app: Flask | None = None, **how: Any) -> Person:
        """Return somebody at a fresh browser."""
        network = how.pop("network", "203.0.113.5")
        return Person(InProcess(app or self.app, network), email, **how)

    def person(self, email: str = "ann@example.com", *, app: Flask | None = None, **how: Any) -> Person:
        """Return an administrator who was just made and has just signed in."""
        self.administrator(email)
        return self.signed_in(email, app=app, **how)

    def signed_in(self, email: str, *, app: Flask | None = None, **how: Any) -> Person:
        """Return an administrator who has just signed in at a fresh browser."""
        person = self.visitor(email, app=app, **how)
        answer = person.sign_in()
        assert answer.status == 200, answer
        return person

    def deliver(self, app: Flask | None = None) -> None:
        """Send all mail that is due."""
        with (app or self.app).app_context():
            while deliver_one():
                self._note_files()

    def mail_to(self, address: str) -> list[EmailMessage]:
        """Send all mail that is due, and return what this address got, in the order in which it came."""
        self.deliver()
        if self.smtp:
            return self.smtp.to(address)
        self._note_files()
        files = [file for file in self._filed if file.exists()]
        return [message for message in map(self._read, files) if parseaddr(str(message["To"]))[1] == address]

    def _read(self, file: Path) -> EmailMessage:
        """Return the mail in a file, which is read once: parsing takes longer than most requests."""
        if file not in self._read_mails:
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            self._read_mails[file] = message  # type: ignore[assignment]
        return self._read_mails[file]

    def _note_files(self) -> None:
        """Take note of the mails that were filed since the last time: two of one moment do not tell their order."""
        found = set((Path(self.settings["INSTANCE_DIR"]) / "mailbox").glob("*.eml")) - set(self._filed)
        self._filed += sorted(found, key=_filed_at)

    def code_to(self, address: str) -> str:
        """Read the code out of the newest mail that this address got."""
        messages = self.mail_to(address)
        assert messages, f"no mail came to {address}"
        return code_in(messages[-1])

    def links_to(self, address: str, what: str) -> list[str]:
        """Read the links of one kind (stop, undo, forgotpwd) out of the mails that this address got."""
        return [link_in(mail) for mail in self.mail_to(address) if f"/{what}/" in text_of(mail)]


def new_app(settings: dict[str, str], *, is_patient: bool = True) -> Flask:
    """Return an application for tests; it shares compiled templates with the others."""
    app = create_app(settings)
    if is_patient:
        be_patient(app)
    app.jinja_env.bytecode_cache = COMPILED
    return app


def close_app(app: Flask) -> None:
    """End the threads of an application and let go of its connections."""
    if thread := app.extensions.pop("mail_delivery", None):
        thread.stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def deliver_one() -> bool:
    """Send the next mail that is due, on a connection of its own; say whether there was one."""
    with contextlib.closing(MailServerConnection(current_app.extensions["mail"])) as connection:
        return delivery.deliver_batch(connection, threading.Event(), most=1) == 1


def be_patient(app: Flask) -> None:
    """Let an application wait for its parts for longer than production does.

    Many threads of a test ask for one row or one file at once, and on a busy machine the last of them waits for long.
    That a part which hangs is not waited for is what tests/live is about.
    """
    with app.app_context():
        engine = db.engine
    if isinstance(engine.pool, QueuePool):
        engine.pool._timeout = LONGEST_SECONDS
    event.listen(engine, "connect", _wait_for_locks)
    connect_cache(app)


def connect_cache(app: Flask) -> None:
    """Give an application a new client of its cache: one from before remembers which server was away."""
    store = app.extensions["cache"] = cache.connect(app.config["CACHE_URL"])
    if isinstance(store, cache.Embedded):
        connect = store._connection

        def connection() -> sqlite3.Connection:
            found = connect()
            _wait_for_locks(found)
            return found

        store._connection = connection


def _wait_for_locks(connection: Any, *_: object) -> None:
    """Have a connection wait for a lock as long as any test waits for anything."""
    milliseconds = int(LONGEST_SECONDS * 1000)
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
        connection.execute("PRAGMA synchronous = OFF")  # Nobody pulls the plug here; the disk would be waited for.
        return
    for name in ("lock_timeout", "statement_timeout"):
        connection.execute(f"SET {name} = {milliseconds}")
    connection.commit()


def _filed_at(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def settings_for(folder: Path, **more: str) -> dict[str, str]:
    """Return the settings that every application of the tests starts with, as they would stand in the environment."""
    return {
        "CMS_ENV": "development",
        "SECRET_KEY": SECRET,
        "INSTANCE_DIR": str(folder),
        "MAIL_SERVER": "",
        "MAIL_DEFAULT_SENDER": "CMS <cms@example.net>",
        "MAIL_DELIVERY": "worker",
        "MAIL_SECONDS": "60",  # A busy machine may be slow; whoever tests a server that hangs waits for less.
        "MAIL_DIALOGUE_SECONDS": "120",
        "DATABASE_URL": "",
        "CACHE_URL": "",
        **more,
    }


def migrate(settings: dict[str, str]) -> None:
    """Bring the database of these settings up to date, as `flask db upgrade` would."""
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
    close_app(app)


def copied(template: Path, folder: Path) -> None:
    """Put a copy of a migrated SQLite file into an instance folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "cms.db")


def empty_folder(template: Path, folder: Path) -> None:
    """Bring an instance folder, which no application has open, back to a migrated database and nothing else."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    copied(template, folder)


def empty_database(url: str) -> None:
    """Delete every row of a PostgreSQL database; numbers begin with 1 again. TRUNCATE would take far longer."""
    tables = reversed(db.metadata.sorted_tables)
    deletes = "; ".join(["SET lock_timeout = 5000", *(f"DELETE FROM {table.name}" for table in tables)])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(deletes)  # type: ignore[arg-type]
        connection.execute("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")


def broken_histories() -> list[str]:
    """Return the addresses of all accounts whose history is not whole, whatever is written meanwhile."""
    return [each.email for page in audit_verification.verify_all() for each in page.broken]
