"""The two environments in which the application is tested, and a clock that tests control."""

import contextlib
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, current_app
from flask_mail import Message
from flask_migrate import upgrade
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import event, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from werkzeug.routing import Rule

import cache
from accounts import clock as product_clock
from accounts import sessions
from accounts.flows import administration
from accounts.mail import delivery
from accounts.mail.smtp import MailServerConnection
from accounts.operations import audit_verification
from accounts.origin import Origin
from accounts.webhooks import worker as webhooks
from app import create_app
from models import Address, CMSUser, LoginSession, db
from tests.actors import PASSWORD, InProcess, Person, code_in, link_in, text_of
from tests.servers import LONGEST_SECONDS, ROOT, MemcachedServer, PostgresServer, SmtpServer, parse_mail

SECRET = "a secret of the tests, and of nothing else"
PRODUCTION = {
    "CMS_ENV": "production",
    "SECRET_KEY": SECRET,
    "SITE_URL": "https://cms.example.com",
    "METRICS_PORT": "0",  # Its default might be the port of another test.
}
SQLITE_FILES = "cms.db", "cache.db"
MANY_BYTES = 4_000_000  # Of the largest tables, after a test with tens of thousands of rows.
HERE = Origin("198.51.100.7", "Firefox 131, Linux")


class CompiledTemplates(BytecodeCache):
    """Compiled templates that all applications of this process share, so that each template is compiled once."""

    def __init__(self) -> None:
        """Start empty."""
        self._bytecode: dict[str, bytes] = {}

    def get_bucket(self, environment: Any, name: str, filename: str | None, source: str) -> Bucket:
        """Use a separate bucket for each language."""
        return super().get_bucket(environment, f"{environment.language} {name}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a compiled template, if there is one; Jinja compares the checksum of the source."""
        if bytecode := self._bytecode.get(bucket.key):
            bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store a compiled template."""
        self._bytecode[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


class CompiledRule(Rule):
    """A URL rule that is compiled once per process: the rules took four fifths of the time to create an application."""

    def compile(self) -> None:
        """Compile the rule, or take the result from an equal one: it depends on nothing else of the application."""
        key = self.rule, str(self.defaults), self.host, self.subdomain, self.merge_slashes
        if key not in _COMPILED_RULES:
            super().compile()
            names = ("_parts", "_trace", "_converters", "arguments", "_build", "_build_unknown")
            _COMPILED_RULES[key] = {name: vars(self)[name] for name in names}
        vars(self).update(_COMPILED_RULES[key])


_COMPILED_RULES: dict[tuple[object, ...], dict[str, Any]] = {}
Flask.url_rule_class = CompiledRule


class Clock:
    """A clock that only moves when a test advances it.

    It starts today at noon, because a throttle begins to count anew at the end of an hour; with `has_real_time` it
    starts at the real time, for tests that also start a process.

    It replaces the clock of the product and that of the embedded store. The clock of a real memcached cannot be
    replaced: there, values expire by a time that the product checks itself, or when a test flushes the server.
    """

    def __init__(self, *, has_real_time: bool = False) -> None:
        """Start today at noon, or at the real time."""
        now = datetime.now(UTC)
        self.at = now if has_real_time else now.replace(hour=12, minute=0, second=0, microsecond=0)

    def now(self) -> datetime:
        """Return the time of the clock."""
        return self.at

    def timestamp(self) -> float:
        """Return the time of the clock like time.time()."""
        return self.at.timestamp()

    def advance(self, **span: float) -> datetime:
        """Advance the clock by a number of seconds, minutes, hours or days, and return the new time."""
        self.at += timedelta(**span)
        return self.at

    def install(self, patch: pytest.MonkeyPatch) -> "Clock":
        """Replace the clock of the product, and return this one."""
        patch.setattr(product_clock, "now", self.now)
        return self

    def set_store(self, store: cache.Store) -> None:
        """Replace the clock of an embedded store."""
        if isinstance(store, cache.Embedded):
            store._now = self.timestamp


class SharedApp:
    """An application that serves one test after the other; everything that it stored is deleted after each test.

    Building one takes longer than most tests, because its routes, templates and statements are compiled again. One that
    a test has modified (a route, a setting, a lost database) is discarded, and the next test gets a new one. Its
    variants have other settings and use the same database.
    """

    def __init__(self, make: Callable[[], tuple[dict[str, str], Callable[[Flask], None]]]) -> None:
        """Store a function that returns the settings of a migrated database, and a function that empties it."""
        self._make = make
        self._app: Flask | None = None
        self._variants: dict[frozenset[tuple[str, str]], Flask] = {}
        self._used: set[frozenset[tuple[str, str]]] = set()
        self._unmodified: dict[Flask, list[Any]] = {}
        self.settings: dict[str, str] = {}

    @classmethod
    def on_sqlite(cls, template: Path, new_folder: Callable[[], Path], **settings: str) -> "SharedApp":
        """Return an application with the embedded defaults; `template` is a migrated SQLite file."""

        def make() -> tuple[dict[str, str], Callable[[Flask], None]]:
            files = SqliteFiles(template, new_folder())
            return settings_for(files.folder, **settings), files.empty

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
        """Return an application on these servers; the caller empties memcached and the SMTP server."""
        servers = {
            "CACHE_URL": f"memcached://{memcached.address}",
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(smtp.port),
        }

        def make() -> tuple[dict[str, str], Callable[[Flask], None]]:
            url = postgres.create_database()

            def empty(app: Flask) -> None:
                if not _empty_over_pool(app):
                    close_app(app)
                    with psycopg.connect(url) as connection:
                        empty_database(connection)
                connect_cache(app)  # The previous client may consider memcached unavailable.

            return settings_for(new_folder(), DATABASE_URL=url, **servers, **settings), empty

        return cls(make)

    def acquire(self) -> dict[str, str]:
        """Return the settings of the application, whose database is empty."""
        if self._app is None:
            self.settings, self._empty = self._make()
            self._app = new_app(self.settings)
            self._unmodified = {self._app: _state_of(self._app)}
            self._variants.clear()
        return self.settings

    @property
    def app(self) -> Flask:
        """Return the application."""
        assert self._app is not None
        return self._app

    def variant(self, settings: dict[str, str]) -> Flask:
        """Return the application with these settings on the same database."""
        key = frozenset(settings.items())
        if key not in self._variants:
            self._variants[key] = new_app(settings)
            self._unmodified[self._variants[key]] = _state_of(self._variants[key])
        self._used.add(key)
        return self._variants[key]

    def release(self) -> None:
        """Delete everything that a test stored; discard the applications that the test has modified."""
        for key in self._used:
            self._release_variant(key)
        self._used.clear()
        stop_using(self.app)
        if self._is_unmodified(self.app):
            with contextlib.suppress(psycopg.Error, OSError):
                self._empty(self.app)
                return
        close_app(self.app)
        self._app = None

    def close(self) -> None:
        """Close the connections of the application, after the last test."""
        if self._app is not None:
            close_app(self._app)

    def _release_variant(self, key: frozenset[tuple[str, str]]) -> None:
        app = self._variants[key]
        close_app(app)
        if self._is_unmodified(app):
            connect_cache(app)
        else:
            del self._variants[key], self._unmodified[app]

    def _is_unmodified(self, app: Flask) -> bool:
        return _state_of(app) == self._unmodified[app]


def _state_of(app: Flask) -> list[Any]:
    """Return the parts of an application that a test might modify."""
    with app.app_context():
        breaker = getattr(db.engine.pool, "breaker", None)
    hooks = app.before_request_funcs, app.after_request_funcs, app.teardown_appcontext_funcs
    return [
        *(
            {**app.config},
            len(list(app.url_map.iter_rules())),
            set(app.extensions) - {"cms_mail_delivery", "cms_other_prefix", webhooks.EXTENSION},
        ),
        *(breaker and breaker._probe_at, str(hooks), app.extensions["cms_settings"]),
        list(app.extensions[delivery.UNTRIED]),
    ]


class Environment:
    """A database, a cache and a mail server or mailbox; `build` creates an application that uses them."""

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
        """Store the servers, and the application that is shared with other tests."""
        self.name, self.settings, self.clock, self.smtp = name, settings.copy(), clock, smtp
        self.memcached: MemcachedServer | None = memcached
        self.browser: type[InProcess] = InProcess
        self._built: list[Flask] = []
        self._shared = shared
        self._main: Flask | None = None
        self._mail_files: list[Path] = []
        self._read_mails: dict[Path, EmailMessage] = {}

    @property
    def app(self) -> Flask:
        """Return the application with these settings: the shared one, unless a test has changed the settings."""
        if self._main is None and self._shared and self.settings == self._shared.settings:
            self._main = self._shared.app
            self.clock.set_store(self._main.extensions["cms_cache"])
        if self._main is None:
            self._main = self.build()
        return self._main

    def app_with(self, **settings: str) -> Flask:
        """Return the application with other settings; tests share it like `app`."""
        if self._shared is None or self.settings != self._shared.settings:
            return self.build(**settings)
        app = self._shared.variant({**self.settings, **settings})
        self.clock.set_store(app.extensions["cms_cache"])
        return app

    def build(self, *, has_long_timeouts: bool = True, **settings: str) -> Flask:
        """Create an application, as a new process would; `settings` take precedence over those of the environment."""
        app = new_app({**self.settings, **settings}, has_long_timeouts=has_long_timeouts)
        self.clock.set_store(app.extensions["cms_cache"])
        self._built.append(app)
        return app

    def clear_cache(self) -> None:
        """Delete everything in the cache, as a restart of memcached would."""
        if self.memcached:
            self.memcached.flush()
        else:
            with self.app.app_context():
                cache._store()._execute("DELETE FROM item")  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close every connection, and release the shared application."""
        for app in self._built:
            close_app(app)
        if self._shared:
            self._shared.release()

    def administrator(self, email: str, *, username: str = "", **more: Any) -> CMSUser:
        """Create an administrator, like the command line."""
        values = {"password": PASSWORD, "superuser": False, "origin": HERE, **more}
        with self.app.app_context():
            name = username or email.partition("@")[0]
            return administration.create(address=Address.of(email), username=name, **values)

    def update_account(self, email: str, /, **values: Any) -> None:
        """Update the row of an account directly."""
        with self.app.app_context():
            account = update(CMSUser).where(CMSUser.email_key == Address.of(email).key)
            assert db.session.execute(account.values(**values)).rowcount == 1  # type: ignore[attr-defined]
            db.session.commit()

    def account(self, username: str) -> CMSUser:
        """Return the current row of an account."""
        with self.app.app_context():
            found = db.session.scalar(db.select(CMSUser).where(CMSUser.username == username))
            assert found is not None
            return found

    def rows(self, query: Any) -> list[Any]:
        """Return the rows of a query, for data that no page shows."""
        with self.app.app_context():
            return list(db.session.connection().execute(query).all())

    def visitor(self, email: str = "nobody@example.com", *, app: Flask | None = None, **options: Any) -> Person:
        """Return a person with a new browser, who is not signed in."""
        network = options.pop("network", "203.0.113.5")
        return Person(self.browser(app or self.app, network), email, **options)

    def person(self, email: str = "ann@example.com", *, app: Flask | None = None, **options: Any) -> Person:
        """Create an administrator, sign in, and return them."""
        self.administrator(email)
        return self.signed_in(email, app=app, **options)

    def signed_in(self, email: str, *, app: Flask | None = None, **options: Any) -> Person:
        """Sign in as an administrator in a new browser, without the form, and return them."""
        person = self.visitor(email, app=app, **options)
        person.browser.sign_in(person.email, person.password)
        return person

    def deliver(self, app: Flask | None = None) -> None:
        """Send all due mail, one after the other over one connection."""
        with (
            (app or self.app).app_context(),
            contextlib.closing(ListingConnection(self._find_mail_files)) as connection,
        ):
            while delivery.deliver_batch(connection, threading.Event()):
                pass

    def mail_to(self, address: str) -> list[EmailMessage]:
        """Send all due mail, and return the mails to this address in the order of their arrival."""
        self.deliver()
        if self.smtp:
            return self.smtp.mails_to(address)
        return [message for message in self.stored_mails() if parseaddr(str(message["To"]))[1] == address]

    def stored_mails(self) -> list[EmailMessage]:
        """Return the mails that were stored instead of sent, in the order of their arrival."""
        self._find_mail_files()
        return [self._read(file) for file in self._mail_files if file.exists()]

    def _read(self, file: Path) -> EmailMessage:
        """Return the mail in a file; each is parsed once, because parsing takes longer than most requests."""
        if file not in self._read_mails:
            self._read_mails[file] = parse_mail(file.read_bytes())
        return self._read_mails[file]

    def _find_mail_files(self) -> None:
        """List new mails after each delivery: mails that are stored at the same time of the clock have no order."""
        found = set((Path(self.settings["INSTANCE_DIR"]) / "mailbox").glob("*.eml")) - set(self._mail_files)
        self._mail_files += sorted(found, key=_modified_at)

    def code_to(self, address: str) -> str:
        """Return the code in the newest mail to this address."""
        messages = self.mail_to(address)
        assert messages, f"there is no mail to {address}"
        return code_in(messages[-1])

    def links_to(self, address: str, kind: str) -> list[str]:
        """Return the links of one kind (stop, undo, forgotpwd) in the mails to this address."""
        return [link_in(mail) for mail in self.mail_to(address) if f"/{kind}/" in text_of(mail)]


def new_session(user: CMSUser) -> LoginSession:
    """Return a new session of an administrator, as a request finds it; call it in the context of an application."""
    sid = sessions.start(user, HERE, remember=False)
    db.session.commit()
    found = sessions.find(sid)
    assert found is not None
    return found[1]


def new_app(settings: dict[str, str], *, has_long_timeouts: bool = True) -> Flask:
    """Create an application for tests; all of them share compiled templates."""
    app = create_app(settings)
    if has_long_timeouts:
        extend_timeouts(app)
    app.jinja_env.bytecode_cache = COMPILED
    return app


def stop_using(app: Flask) -> None:
    """Stop the threads of an application, and end its session; its connections stay open."""
    if thread := app.extensions.pop("cms_mail_delivery", None):
        thread.stop()
    webhooks.stop(app.extensions.pop(webhooks.EXTENSION, []))
    with app.app_context():
        db.session.remove()


def close_app(app: Flask) -> None:
    """Stop the threads of an application, and close its connections."""
    stop_using(app)
    with app.app_context():
        db.engine.dispose()


class ListingConnection(MailServerConnection):
    """A connection to the mail server of the current application, which calls a function after each mail."""

    def __init__(self, list_mails: Callable[[], None]) -> None:
        """Open no connection yet."""
        super().__init__(current_app.extensions["mail"])
        self._list_mails = list_mails

    def send(self, message: Message) -> None:
        """Send a mail, and list it."""
        super().send(message)
        self._list_mails()


def open_connection() -> contextlib.closing[MailServerConnection]:
    """Return a context with a connection to the mail server of the current application."""
    return contextlib.closing(MailServerConnection(current_app.extensions["mail"]))


def deliver_next(connection: MailServerConnection) -> bool:
    """Send the next due mail, and return whether there was one."""
    return delivery.deliver_batch(connection, threading.Event(), most=1) == 1


def deliver_one() -> bool:
    """Send the next due mail on its own connection, and return whether there was one."""
    with open_connection() as connection:
        return deliver_next(connection)


def extend_timeouts(app: Flask) -> None:
    """Extend the time-outs of an application for its database and its cache.

    On a busy machine, threads that access the same row or file at once may wait for a long time. The time-outs of the
    product are tested in tests/live.
    """
    with app.app_context():
        engine = db.engine
    if isinstance(engine.pool, QueuePool):
        engine.pool._timeout = LONGEST_SECONDS
    event.listen(engine, "connect", _wait_for_locks)
    connect_cache(app)


def connect_cache(app: Flask) -> None:
    """Give an application a new client of its cache: an older one may consider the server unavailable."""
    store = app.extensions["cms_cache"] = cache.connect(app.config["CACHE_URL"])
    if isinstance(store, cache.Embedded):
        connect, prepared = store._connection, threading.local()

        def connection() -> sqlite3.Connection:
            found = connect()
            if getattr(prepared, "connection", None) is not found:
                _wait_for_locks(found)
                prepared.connection = found
            return found

        store._connection = connection


def _wait_for_locks(connection: Any, *_: object) -> None:
    """Let a connection wait for locks up to the longest time-out of the tests."""
    milliseconds = int(LONGEST_SECONDS * 1000)
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
        connection.execute("PRAGMA synchronous = OFF")  # Tests need no durability, and do not wait for the disk.
        return
    for name in ("lock_timeout", "statement_timeout"):
        connection.execute(f"SET {name} = {milliseconds}")
    connection.commit()


def _modified_at(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def settings_for(folder: Path, **more: str) -> dict[str, str]:
    """Return the settings of an application for tests, as written in the environment."""
    return {
        "CMS_ENV": "development",
        "SECRET_KEY": SECRET,
        "INSTANCE_DIR": str(folder),
        "MAIL_SERVER": "",
        "MAIL_DEFAULT_SENDER": "CMS <cms@example.net>",
        "MAIL_DELIVERY": "worker",
        "MAIL_SECONDS": "60",  # For a busy machine; tests of a server that hangs set a shorter one.
        "MAIL_DIALOGUE_SECONDS": "120",
        "DATABASE_URL": "",
        "CACHE_URL": "",
        **more,
    }


def migrate(settings: dict[str, str]) -> None:
    """Migrate the database of these settings, like `flask db upgrade`."""
    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
    close_app(app)


@contextlib.contextmanager
def set_revision(app: Flask, present: str) -> Iterator[str]:
    """Write another revision into the database, as if a migration was missing or unknown, and yield the real one."""

    def write(revision: str) -> None:
        with app.app_context():
            db.session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
            db.session.commit()

    with app.app_context():
        newest = str(db.session.scalar(text("SELECT version_num FROM alembic_version")))
    write(present)
    try:
        yield newest
    finally:
        write(newest)


def copy_template(template: Path, folder: Path) -> None:
    """Copy a migrated SQLite file into an instance folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "cms.db")
    (folder / "cache.db").write_bytes(_empty_cache())


@lru_cache
def _empty_cache() -> bytes:
    """Return the content of an empty SQLite file in WAL mode; switching a new file takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cache.db"
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        return file.read_bytes()


class SqliteFiles:
    """The database and the cache in an instance folder, which are emptied without closing their connections.

    Closing and opening the files takes longer than many a test. If a test did more than store rows in them, they are
    replaced with copies of the template.
    """

    def __init__(self, template: Path, folder: Path) -> None:
        """Copy the template into the folder."""
        self._template, self.folder = template, folder
        self._copy()

    def empty(self, app: Flask) -> None:
        """Delete everything that a test stored; `app` is the only application that still uses the folder."""
        try:
            with app.app_context():
                is_empty = self._delete_rows()
        except (sqlite3.Error, SQLAlchemyError, cache.CacheDown):
            is_empty = False
        if not is_empty:
            close_app(app)
        for path in self.folder.iterdir():
            if not is_empty or not path.name.startswith(SQLITE_FILES):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not is_empty:
            self._copy()
            connect_cache(app)

    def _copy(self) -> None:
        copy_template(self._template, self.folder)
        self._files = self._identify_files()
        with contextlib.closing(sqlite3.connect(self.folder / "cms.db")) as connection:
            self._schema = connection.execute("PRAGMA schema_version").fetchone()

    def _identify_files(self) -> list[tuple[int, int]]:
        """Return the numbers that the file system gave to the files: those of a replaced file differ."""
        found = [(self.folder / name).stat() for name in SQLITE_FILES]
        return [(each.st_dev, each.st_ino) for each in found]

    def _delete_rows(self) -> bool:
        """Delete all rows; return False if that is not enough, or a connection is still in use."""
        if self._identify_files() != self._files or db.engine.pool.checkedout():  # type: ignore[attr-defined]
            return False
        with contextlib.closing(db.engine.raw_connection()) as connection:
            if connection.execute("PRAGMA schema_version").fetchone() != self._schema:
                return False
            connection.executescript(f"BEGIN; {delete_all_rows()}; COMMIT")
        cache._store()._execute("DELETE FROM item")  # type: ignore[attr-defined]
        return True


@lru_cache
def delete_all_rows() -> str:
    """Return the statements that delete all rows of all tables."""
    return "; ".join(f"DELETE FROM {table.name}" for table in reversed(db.metadata.sorted_tables))


def _empty_over_pool(app: Flask) -> bool:
    """Empty the PostgreSQL database of an application over one of its connections, unless one of them is in use.

    A new connection has no plans and no catalogue in memory, which takes PostgreSQL longer than many a test.
    """
    with app.app_context(), contextlib.suppress(psycopg.Error, SQLAlchemyError):
        if db.engine.pool.checkedout() == 0:  # type: ignore[attr-defined]
            with contextlib.closing(db.engine.raw_connection()) as connection:
                empty_database(connection.dbapi_connection)
                connection.commit()
            return True
    return False


def empty_database(connection: Any) -> None:
    """Delete every row of a PostgreSQL database, and restart its sequences.

    TRUNCATE takes far longer than DELETE, except after a test with very many rows.
    """
    size = connection.execute("SELECT pg_table_size('cms_user') + pg_table_size('audit') + pg_table_size('mail')")
    truncate = f"TRUNCATE {', '.join(table.name for table in db.metadata.sorted_tables)}"
    statements = truncate if size.fetchone()[0] > MANY_BYTES else delete_all_rows()
    connection.execute(f"SET LOCAL lock_timeout = 5000; {statements}")
    connection.execute("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")


def broken_histories() -> list[str]:
    """Return the addresses of all accounts whose history is not intact."""
    return [each.email for page in audit_verification.verify_all() for each in page.broken]
