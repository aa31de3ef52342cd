"""An upgrade while the old version serves: two checkouts behind one nginx, and nothing is lost.

`released`: the old version is the last one in git whose schema is one migration behind, and the new one is this
checkout; without git or its history there is no such version. `next`: the old version is this checkout, and the new one
has two more migrations, which contain every operation that CONTRIBUTING.md permits. It needs no git.
"""

import contextlib
import itertools
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import text

from models import db
from tests.actors import PASSWORD, Answer, Person, text_of
from tests.conftest import ENVIRONMENTS
from tests.environments import settings_for
from tests.live.fleet import BEHIND_NGINX, Fleet, MailWorker
from tests.live.sites import NoRetryBrowser, Site
from tests.releases import extract, find_commit, revisions
from tests.servers import (
    ROOT,
    Gunicorn,
    MemcachedServer,
    Nginx,
    PostgresServer,
    SmtpServer,
    command_line,
    eventually,
)

PEOPLE = ("ann", "bob", "carol")
CHANGES = 6  # Completed in each phase of the upgrade.
PATIENCE_SECONDS = 60.0
FILES = ("accounts", "cms", "migrations", "static", "telemetry", "templates", "translations")
LIMITS = {
    **BEHIND_NGINX,
    "CAPTCHA_RESEND_SECONDS": "0",
    "CAPTCHA_SENDS_PER_HOUR": "0",
    "CAPTCHA_TRIES_PER_DAY": "1000",
    "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": "0",
    "CAPTCHA_SENDS_OVERALL_PER_HOUR": "0",
}
NEWEST = revisions()[-1]
RELEASED = find_commit(revisions()[-2])
CASES = [("released" if RELEASED else "next", ENVIRONMENTS[1])]

EXPANDING = f'''"""every operation that a migration may contain"""

import sqlalchemy as sa
from alembic import op

revision = 'next1'
down_revision = '{NEWEST}'


def upgrade() -> None:
    """Expand every table."""
    op.create_table(
        'later',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('user_id', sa.Integer(), sa.ForeignKey('cms_user.id'), nullable=False, index=True),
    )
    for table in {sorted(db.metadata.tables)!r}:
        op.add_column(table, sa.Column('later', sa.DateTime(timezone=True), nullable=True))
        op.add_column(table, sa.Column('later_too', sa.String(20), nullable=False, server_default='-'))
    op.execute("UPDATE cms_user SET later = created_at WHERE is_active")
'''
INDEXING = '''"""an index"""

from alembic import op

revision = 'next2'
down_revision = 'next1'


def upgrade() -> None:
    """Create the index, while others write."""
    with op.get_context().autocommit_block():
        op.drop_index('ix_audit_later', 'audit', if_exists=True, postgresql_concurrently=True)
        op.create_index('ix_audit_later', 'audit', ['later'], postgresql_concurrently=True)
'''


@dataclass
class Versions:
    """The folders of both versions, and the revisions of their schemas."""

    old: Path
    new: Path
    before: str
    after: str


@pytest.fixture
def versions(kind: str, tmp_path: Path) -> Versions:
    """Provide an old and a new version."""
    if kind == "released":
        assert RELEASED is not None
        return Versions(extract(RELEASED, tmp_path / "old"), ROOT, revisions()[-2], NEWEST)
    new = tmp_path / "new"
    for name in FILES:
        shutil.copytree(ROOT / name, new / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.py"), ROOT / "profile_fields.toml"):
        shutil.copy(path, new)
    (new / "migrations/versions/next1_everything.py").write_text(EXPANDING)
    (new / "migrations/versions/next2_index.py").write_text(INDEXING)
    return Versions(ROOT, new, NEWEST, "next2")


@pytest.fixture
def parts(environment: str, postgres: PostgresServer, tmp_path: Path) -> Iterator["Parts"]:
    """Provide an empty database, a cache and a mail server."""
    folder, smtp, memcached = tmp_path / "instance", SmtpServer().start(), None
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        stack.callback(smtp.stop)
        settings = settings_for(folder, **LIMITS | {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port)})
        if environment == ENVIRONMENTS[1]:
            memcached = MemcachedServer().start()
            stack.callback(memcached.stop)
            settings["CACHE_URL"] = f"memcached://{memcached.address}"
            settings["DATABASE_URL"] = stack.enter_context(postgres.database("template1"))
        yield Parts(environment, settings, smtp, memcached)


@dataclass
class Parts:
    """The servers that both versions use."""

    name: str
    settings: dict[str, str]
    smtp: SmtpServer
    memcached: MemcachedServer | None


class Upgrade(Fleet):
    """A fleet of two nodes and a mail worker, each of which can be replaced by the new version."""

    def __init__(self, parts: Parts, versions: Versions, folder: Path, stack: contextlib.ExitStack) -> None:
        """Create the database and the accounts with the old version, and start everything."""
        self._settings, self._versions = parts.settings, versions
        self.run(versions.old, "db", "upgrade", versions.before)
        for name in PEOPLE:
            words = ("admin", "create", f"{name}@example.com", "--username", name)
            self.run(versions.old, *words, input_lines=[PASSWORD])
        super().__init__(parts.settings, folder, stack, root=versions.old)

    def run(self, root: Path, *words: str, **more: object) -> str:
        """Run a command of a version, and return what it prints."""
        ended = command_line(self._settings, *words, root=root, **more)  # type: ignore[arg-type]
        assert ended.returncode == 0, ended.stderr
        return str(ended.stdout)

    def migrate(self) -> None:
        """Run `flask db upgrade` of the new version, again while a table is in use, as the message says."""

        def migrated() -> bool:
            ended = command_line(self._settings, "db", "upgrade", root=self._versions.new)
            assert ended.returncode == 0 or "somebody else held a table" in ended.stderr, ended.stderr
            return ended.returncode == 0

        eventually(migrated, "the schema is upgraded", PATIENCE_SECONDS)

    def replace(self, part: Gunicorn | MailWorker) -> None:
        """Stop a node or a mail worker of the old version, and start one of the new version in its place."""
        part.stop()
        part.root = self._versions.new
        part.start()


class Traffic:
    """Administrators who change their address without a pause; `failures` contains what must not happen."""

    def __init__(self, site: Site, proxy: Nginx) -> None:
        """Sign them in at this proxy."""
        self._site, self._ended, self._numbers = site, threading.Event(), itertools.count(1)
        self.failures: list[str] = []
        self.changes: dict[str, list[str]] = {name: [] for name in PEOPLE}
        self._people = {}
        for name in PEOPLE:
            browser = NoRetryBrowser(proxy.https, PATIENCE_SECONDS)
            browser.proxy = proxy
            person = self._people[name] = Person(browser, f"{name}@example.com")
            answer = person.sign_in()
            assert answer.status == 200, answer
        self._threads = [threading.Thread(target=self._work, args=(name,)) for name in PEOPLE]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End when everybody has their last response."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def complete(self, count: int) -> None:
        """Wait until further changes are completed, or until something fails."""
        goal = self._completed() + count
        eventually(lambda: self._completed() >= goal or self.failures, f"{count} more changes", PATIENCE_SECONDS)
        assert self.failures == []

    def _completed(self) -> int:
        return sum(map(len, self.changes.values()))

    def _work(self, name: str) -> None:
        while not self._ended.is_set():
            try:
                self._change(name)
            except Exception as problem:  # It belongs to the test, not to the thread.
                self.failures.append(repr(problem))
                return

    def _change(self, name: str) -> None:
        """Request a change and confirm it; a response of 503 leaves open whether the change was made."""
        person, new = self._people[name], f"{name}{next(self._numbers)}@example.com"
        if not self._is_served(person.ask(new)):
            return
        if self._is_served(person.confirm(new, self._site.code_to(new))) or self._address(person) == new:
            self.changes[name].append(new)

    def _address(self, person: Person) -> str:
        return eventually(
            lambda: (answer := person.get_as_script()) and self._is_served(answer) and str(answer.data["email"]),
            "the address is shown",
        )

    def _is_served(self, answer: Answer) -> bool:
        """Return whether a request was served; all that it may get instead is 503 with the time of the next try."""
        is_busy = answer.status == 503 and int(answer.headers.get("Retry-After", "0")) > 0
        assert is_busy or answer.status == 200, answer
        return not is_busy


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "environment"), sorted(set(CASES)))
def test_an_upgrade_while_the_old_version_serves_loses_nothing(
    parts: Parts, versions: Versions, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        fleet = Upgrade(parts, versions, tmp_path, stack)
        site = Site(parts.name, parts.settings, fleet.nodes[0], parts.smtp, parts.memcached)
        stack.callback(site.close)
        with Traffic(site, fleet.nginx) as traffic:
            traffic.complete(CHANGES)
            fleet.migrate()
            assert [is_ready(node) for node in fleet.nodes] == [True, True]
            traffic.complete(CHANGES)  # The old version, on the new schema.
            for node in fleet.nodes:
                fleet.replace(node)
                traffic.complete(CHANGES)  # First both versions at the same time, then the new one.
            fleet.replace(fleet.workers[0])
            traffic.complete(CHANGES)
        assert traffic.failures == [], fleet.nginx.log[-3000:]
        assert [is_ready(node) for node in fleet.nodes] == [True, True]
        check_ledger(site, traffic, versions)
        for node in fleet.nodes:
            assert "answered 500" not in node.log.read_text()
            assert "Traceback" not in node.log.read_text()


def is_ready(node: Gunicorn) -> bool:
    """Return whether a node is ready."""
    return NoRetryBrowser(node.port).send("GET", "/readyz").status == 200


def check_ledger(site: Site, traffic: Traffic, versions: Versions) -> None:
    """Check that every completed change is there once, with its history and its mail."""
    eventually(site.all_mail_is_sent, "all mail is sent")
    assert site.rows(text("SELECT version_num FROM alembic_version")) == [(versions.after,)]
    assert site.broken_histories() == []
    for name, changes in traffic.changes.items():
        user_id = site.user_id(changes[-1])
        assert site.count_event(user_id, "email_changed") == len(changes)
        for old in [f"{name}@example.com", *changes[:-1]]:
            notices = [mail for mail in site.mails_to(old) if "/undo/" in text_of(mail)]
            assert len(notices) == 1, old
