"""Every released schema, with the data that the version of that time has written, is upgraded on both databases."""

import contextlib
import itertools
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text

from app import create_app
from models import Audit, CMSUser, EmailChange, Mail, MailState, db
from tests.actors import Person, link_in
from tests.authenticators import Authenticator, options_on
from tests.conftest import ENVIRONMENTS
from tests.environments import Clock, Environment, broken_histories, copy_template, migrate, settings_for
from tests.releases import revisions
from tests.schemas import make
from tests.servers import ROOT, PostgresServer, SmtpServer

DUMPED = sorted(folder.name for folder in make.FOLDER.glob("[0-9]*"))
NEW_PASSWORD = "battery staple horse"
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Upgraded:
    """An application on an upgraded database, what administrators have in hand, and all rows before the upgrade."""

    env: Environment
    in_hand: dict[str, Any]
    before: Rows

    def holder(self, name: str) -> Person:
        """Return an administrator in the browser in which they were signed in before the upgrade."""
        person = self.env.visitor(f"{name}@example.com", network="127.0.0.1")
        person.browser.cookies = dict(self.in_hand["cookies"][name])
        return person

    def history(self, name: str) -> list[str]:
        """Return the events in the history of an administrator."""
        query = select(Audit.event).join(CMSUser, CMSUser.id == Audit.user_id).where(CMSUser.username == name)
        return [event for (event,) in self.env.rows(query.order_by(Audit.number))]


def load(folder: Path, database: str, settings: dict[str, str]) -> None:
    """Load a dump into an empty database."""
    dump = (folder / f"{database}.sql").read_text()
    if url := settings["DATABASE_URL"]:
        with psycopg.connect(url) as connection:
            connection.execute(dump)  # type: ignore[arg-type]
    else:
        with contextlib.closing(sqlite3.connect(Path(settings["INSTANCE_DIR"]) / "cms.db")) as connection:
            connection.executescript(dump)


def read_rows(app: Flask) -> Rows:
    """Return all rows of all tables, and close the connections."""
    with app.app_context():
        names = [name for name in inspect(db.engine).get_table_names() if name != "alembic_version"]
        rows = {
            name: [dict(row) for row in db.session.execute(text(f"SELECT * FROM {name} ORDER BY 1")).mappings()]
            for name in names
        }
        db.session.remove()
        db.engine.dispose()
        return rows


@dataclass
class Schema:
    """A database with the data of a released schema that has been upgraded: tests use copies of it."""

    settings: dict[str, str]
    in_hand: dict[str, Any]
    before: Rows


@pytest.fixture(scope="module", params=itertools.product(DUMPED, ENVIRONMENTS), ids="-".join)
def schema(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Schema:
    """Load the dump of a released schema, and upgrade it; once for all tests."""
    revision, environment = request.param
    database, url = "sqlite", ""
    if environment == ENVIRONMENTS[1]:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database, url = "postgresql", postgres.create_database("template1")
    settings = settings_for(tmp_path_factory.mktemp("schema"), DATABASE_URL=url)
    load(make.FOLDER / revision, database, settings)
    before = read_rows(create_app(settings))
    migrate(settings)
    return Schema(settings, json.loads((make.FOLDER / revision / f"{database}.json").read_text()), before)


@pytest.fixture
def upgraded(request: pytest.FixtureRequest, schema: Schema, clock: Clock, tmp_path: Path) -> Iterator[Upgraded]:
    """Provide an application with an upgraded database, at the time of the dump."""
    clock.at = datetime.fromisoformat(schema.in_hand["at"])
    with contextlib.ExitStack() as stack:
        settings, servers = settings_for(tmp_path), {}
        if template := schema.settings["DATABASE_URL"]:
            servers = {name: request.getfixturevalue(name) for name in ("memcached", "smtp")}
            postgres: PostgresServer = request.getfixturevalue("postgres")
            settings["DATABASE_URL"] = stack.enter_context(postgres.database(template.rpartition("/")[2]))
            settings["CACHE_URL"] = f"memcached://{servers['memcached'].address}"
            settings |= {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(servers["smtp"].port)}
        else:
            copy_template(Path(schema.settings["INSTANCE_DIR"]) / "cms.db", tmp_path)
        env = Environment(request.node.name, settings, clock, **servers)
        stack.callback(env.close)
        yield Upgraded(env, schema.in_hand, schema.before)


def use_second_factors(env: Environment, in_hand: dict[str, Any]) -> None:
    """Use what the administrators of a dump with second factors have in hand."""
    hal, ida = in_hand["factors"]["hal"], in_hand["factors"]["ida"]
    waiting = env.visitor("ida@example.com", network="127.0.0.1")
    waiting.browser.cookies = dict(in_hand["waiting"])
    assert waiting.post("/cms/login/second/", {"recovery_code": ida["codes"][0]}).status == 200
    visitor = env.visitor("hal@example.com")
    device = Authenticator.restore("http://localhost", hal["passkey"])
    passkey = device.sign(options_on(visitor.page("/cms/login/").text))
    assert visitor.post("/cms/login/passkey/", {"passkey": passkey}).status == 200
    for name, told in (("hal", hal), ("ida", ida)):
        env.clock.advance(minutes=1)
        person = env.visitor(f"{name}@example.com")
        assert person.sign_in().data == {"next": "/cms/login/second/"}
        code = pyotp.TOTP(told["app"]).at(env.clock.now())
        assert person.post("/cms/login/second/", {"code": code}).status == 200
    assert env.visitor().post(in_hand["stop_reset"]).status == 200
    with env.app.app_context():
        assert broken_histories() == []


@pytest.mark.slow
def test_the_dumps_of_the_next_schema_will_have_rows_of_every_table(
    smtp: SmtpServer, clock: Clock, tmp_path: Path
) -> None:
    """A new table needs a step in tests/schemas/make.py. Dumps are made when the code has changed already."""
    settings = make.settings_of_story(tmp_path, smtp)
    in_hand = json.loads(json.dumps(make.Story(ROOT, settings, smtp).play()))
    clock.at = datetime.fromisoformat(in_hand["at"])
    env = Environment("next", settings, clock, smtp=smtp)
    assert [table for table, rows in read_rows(env.app).items() if not rows] == []
    use_second_factors(env, in_hand)
    env.close()


def test_every_released_schema_has_its_dumps() -> None:
    """The newest schema is released by the version with the next one: until then its code still changes."""
    released = revisions()[:-1]
    missing = [each for each in released if each not in DUMPED]
    assert not missing, f"run `.venv/bin/python -m tests.schemas.make {' '.join(missing)}`, and commit the files"
    assert set(DUMPED) <= set(revisions())
    for revision in DUMPED:
        files = {f"{database}.{kind}" for database in make.DATABASES for kind in ("sql", "json")}
        assert {path.name for path in (make.FOLDER / revision).iterdir()} == files
        for database in make.DATABASES:
            dump = (make.FOLDER / revision / f"{database}.sql").read_text()
            written = re.findall(
                r"^INSERT INTO (?:public\.|\")alembic_version\"? VALUES ?\('(\w+)'\)", dump, re.MULTILINE
            )
            assert written == [revision]


def test_an_upgrade_keeps_every_row_with_its_values(upgraded: Upgraded) -> None:
    after = read_rows(upgraded.env.app)
    for table, rows in upgraded.before.items():
        kept = [{name: row[name] for name in was if name in row} for was, row in zip(rows, after[table], strict=True)]
        names = set(after[table][0]) if after[table] else set()
        assert kept == [{name: value for name, value in was.items() if name in names} for was in rows], table
        assert rows, f"the dump has no row of {table}"


def test_after_an_upgrade_every_history_is_intact_and_continues(upgraded: Upgraded) -> None:
    with upgraded.env.app.app_context():
        assert broken_histories() == []
    assert upgraded.history("bob") == ["administrator_created", "signed_in", "code_requested", "code_wrong"]
    assert upgraded.env.signed_in("eve@example.com").reauth("incorrect").status == 400
    assert upgraded.history("eve")[-2:] == ["signed_in", "password_wrong"]
    with upgraded.env.app.app_context():
        assert broken_histories() == []


def test_after_an_upgrade_administrators_sign_in_and_are_still_signed_in(upgraded: Upgraded) -> None:
    for name, address in (("ann", "ann"), ("bob", "bob"), ("carol", "carol.new")):
        assert upgraded.env.signed_in(f"{address}@example.com").address() == f"{address}@example.com"
        assert upgraded.holder(name).address() == f"{address}@example.com"
    if "factors" in upgraded.in_hand:
        use_second_factors(upgraded.env, upgraded.in_hand)
    page = upgraded.holder("ann").page("/cms/users/").text
    assert all(each in page for each in ("carol.new@example.com", "gus@example.com", "fay.new@example.com"))


def test_after_an_upgrade_a_pending_change_can_be_completed(upgraded: Upgraded) -> None:
    bob, new = upgraded.holder("bob"), "bob.new@example.com"
    pending = bob.pending()
    assert pending is not None
    assert (pending["email"], pending["tries_left"]) == (new, 4)
    upgraded.env.clock.advance(seconds=61)
    assert bob.ask(new).status == 200
    assert bob.confirm(new, upgraded.env.code_to(new)).status == 200
    assert bob.address() == new


def test_after_an_upgrade_links_do_what_they_did(upgraded: Upgraded) -> None:
    visitor, links = upgraded.env.visitor(), upgraded.in_hand["links"]
    assert visitor.page(links["register"]).status == 200
    assert visitor.post(links["stop"]).status == 200
    assert upgraded.env.rows(select(EmailChange.outcome).where(EmailChange.email == "bob.new@example.com")) == [
        ("stopped",)
    ]
    assert visitor.post(links["undo"]).status == 200
    assert upgraded.env.account("carol").email == "carol@example.com"
    with upgraded.env.app.app_context():
        assert broken_histories() == []


def test_after_an_upgrade_queued_mail_is_delivered_and_sent_mail_is_not_sent_again(upgraded: Upgraded) -> None:
    env = upgraded.env
    sent = env.rows(select(func.count()).where(Mail.state == MailState.SENT))[0][0]
    (mail,) = env.mail_to("dan@example.com")
    assert env.visitor().post(link_in(mail), {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
    assert env.signed_in("dan@example.com", password=NEW_PASSWORD)
    assert sent > 0
    assert not any(env.mail_to(f"{name}@example.com") for name in ("bob", "bob.new", "carol", "carol.new", "gus"))


def test_after_an_upgrade_a_started_change_waits_and_is_then_proved(upgraded: Upgraded) -> None:
    env, new = upgraded.env, "fay.new@example.com"
    assert env.mail_to(new) == []
    env.clock.advance(days=1, minutes=1)
    (mail,) = env.mail_to(new)
    assert env.visitor().post(link_in(mail)).status == 200
    assert env.account("fay").email == new
