"""No code, password, session id or link token stands anywhere in clear but where it must: in a mail, in a cookie."""

import re
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from cms import settings as settings_page
from models import db
from tests.conftest import HOUSES
from tests.live.conftest import Serve
from tests.live.sites import Site, Wire
from tests.live.test_broken_lines import lines_of
from tests.parts import eventually
from tests.people import PASSWORD, Person, other_than, text_of

NEW_PASSWORD = "another battery staple"


@pytest.mark.parametrize("name", HOUSES)
def test_no_secret_stands_in_clear_anywhere(serve: Serve, name: str) -> None:
    options = ("--preload", "--access-logfile", "-", "--log-level", "debug")
    with serve(name, *options, application="tests.live.breaking:create_app()") as site:
        people, secrets = the_whole_story(site)
        for mail in site.smtp.posted:
            secrets |= set(re.findall(r"/([\w-]{40,})/", text_of(mail.message)))
        assert len(secrets) > 12, secrets
        eventually(site.all_mail_is_sent, "all mail is sent")
        places = dict(every_place(site))
        for person in people:
            assert isinstance(person.browser, Wire)
            for number, answer in enumerate(person.browser.answers):
                where = f"answer {number} to {person.email}"
                # Its own page may hold the link that somebody came by.
                places[where] = answer.text.replace(answer.path, "") + answer.headers.get("Location", "")
        assert {where: text for where, text in places.items() if not text} == {}
        leaks = [(where, secret) for where, text in places.items() for secret in secrets if stands_in(secret, text)]
        assert leaks == []


def stands_in(secret: str, text: str) -> bool:
    """Say whether a secret is somewhere in a text, as it is or as it would stand in an address."""
    if secret.isdigit():
        return re.search(rf"(?<![0-9a-f.]){secret}(?![0-9a-f])", text) is not None
    return secret in text or quote(secret) in text


def the_whole_story(site: Site) -> tuple[list[Person], set[str]]:
    """Have everything happen once, well and badly; return who took part, and the codes, passwords and session ids."""
    secrets = {PASSWORD, NEW_PASSWORD, "wrong password"}
    ann = site.visitor(site.administrator())
    old, first, second = ann.email, site.fresh(), site.fresh()
    people = [ann]

    def keep() -> None:
        cookie = ann.browser.cookies.get("session")
        if cookie:
            serializer = site.app.session_interface.get_signing_serializer(site.app)  # type: ignore[attr-defined]
            secrets.add(serializer.loads(cookie)["sid"])

    assert ann.sign_in(password="wrong password").error == "wrong_credentials"
    assert ann.sign_in().status == 200
    keep()
    assert ann.reauth("wrong password").error == "password_wrong"
    assert ann.reauth().status == 200
    keep()
    assert ann.ask(first).status == 200
    code = site.code_to(first)
    secrets |= {code, other_than(code)}
    assert ann.confirm(first, other_than(code)).error == "code_wrong"
    for way in ("fault", "database", "cache"):  # The request holds the code when the page falls over.
        for file, line, _ in list(lines_of(settings_page.reset_email_post))[1:4]:
            ann.browser.headers["X-Break"] = f"{way} {file} {line}"
            assert ann.confirm(first, code).status in (500, 503)
            del ann.browser.headers["X-Break"]
    ann.post("/cms/resetemail/", {"email": "no address", "captcha": code})
    ann.post("/cms/nothing/", {"captcha": code})
    ann.post("/cms/resetemail/", {"email": first, "captcha": code}, token="no token")
    pages = site.twin(ann)
    pages.script = False
    people.append(pages)
    pages.confirm("no address", other_than(code))
    site.smtp.refusals[second] = "451 later"
    assert ann.confirm(first, code).status == 200
    keep()
    site.forget_budgets()
    assert ann.ask(second).status == 200
    eventually(lambda: ann.pending()["mail"]["problem"], "the refusal is told")  # type: ignore[index]
    site.smtp.refusals.clear()
    site.hurry()
    secrets.add(site.code_to(second))
    stop = site.link_to(first, "stop")
    stopper = site.visitor(script=False)
    people.append(stopper)
    stopper.page(stop)
    stopper.browser.headers["Referer"] = f"http://127.0.0.1:{site.server.port}{stop}"
    assert stopper.post(stop).status == 200
    undo = site.link_to(old)
    stopper.page(undo)
    stopper.browser.headers["Referer"] = f"http://127.0.0.1:{site.server.port}{undo}"
    assert stopper.post(undo).status == 200
    new_password = site.link_to(old, "forgotpwd")
    stopper.page(new_password)
    del stopper.browser.headers["Referer"]
    stopper.post(new_password, {"password": NEW_PASSWORD, "repetition": "wrong password"})
    stopper.post(new_password, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
    back = site.visitor(old, password=NEW_PASSWORD)
    people.append(back)
    assert back.sign_in().status == 200
    return people, secrets


def every_place(site: Site) -> Iterator[tuple[str, str]]:
    """Yield what is kept or was written, each with the name of the place."""
    yield "the log", site.log
    for table in db.metadata.sorted_tables:
        rows = site.rows(select(table))
        yield (
            f"table {table.name}",
            f"{len(rows)} rows\n" + "\n".join(str(value) for row in rows for value in row if isinstance(value, str)),
        )
    yield "the cache", "\n".join(kept_in_memcached(site) if site.memcached else kept_in_file(site))


def kept_in_file(site: Site) -> list[str]:
    """Return every key and value of the embedded store."""
    with sqlite3.connect(Path(site.settings["INSTANCE_DIR"]) / "cache.db") as store:
        found = [f"{key} {value}" for key, value in store.execute("SELECT key, value FROM item")]
    store.close()
    return found


def kept_in_memcached(site: Site) -> list[str]:
    """Return every key and value of memcached, by its own dump."""
    assert site.memcached is not None
    with (
        socket.create_connection(("127.0.0.1", site.memcached.port), timeout=5) as sock,
        sock.makefile("rwb") as stream,
    ):
        stream.write(b"lru_crawler metadump all\r\n")
        stream.flush()
        keys = re.findall(r"key=(\S+)", b"".join(iter(stream.readline, b"END\r\n")).decode())
        found = []
        for key in keys:
            stream.write(f"get {key}\r\n".encode())
            stream.flush()
            found.append(b"".join(iter(stream.readline, b"END\r\n")).decode())
    return found
