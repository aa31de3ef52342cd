"""No code, password, session id or token is stored or logged unencrypted, except in mails and cookies."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from accounts.flows import email_change
from models import db
from tests.actors import PASSWORD, Person, different_code, text_of
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.live.sites import NoRetryBrowser, Site
from tests.live.test_broken_lines import lines_of
from tests.servers import eventually

NEW_PASSWORD, WRONG_PASSWORD = "another battery staple", "not the right horse"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_secret_stands_in_clear_anywhere(serve: Serve, name: str) -> None:
    options = ("--preload", "--access-logfile", "-", "--log-level", "debug")
    with serve(name, *options, application="tests.live.breaking:create_app()") as site:
        people, secrets = the_whole_story(site)
        for mail in site.smtp.received:
            secrets |= set(re.findall(r"/([\w-]{40,})/", text_of(mail.message)))
        assert len(secrets) > 12, secrets
        eventually(site.all_mail_is_sent, "all mail is sent")
        places = dict(every_place(site))
        for person in people:
            assert isinstance(person.browser, NoRetryBrowser)
            for number, answer in enumerate(person.browser.answers):
                where = f"answer {number} to {person.email}"
                # Its own page may hold the link that somebody came by.
                places[where] = answer.text.replace(answer.path, "") + answer.headers.get("Location", "")
        assert {where: text for where, text in places.items() if not text} == {}
        leaks = [(where, secret) for where, text in places.items() for secret in secrets if stands_in(secret, text)]
        assert leaks == [], leaks[:20]


def stands_in(secret: str, text: str) -> bool:
    """Say whether a secret is somewhere in a text, as it is or as it would stand in an address."""
    if secret.isdigit():
        return re.search(rf"(?<![0-9a-f.]){secret}(?![0-9a-f])", text) is not None
    return secret in text or quote(secret) in text


def the_whole_story(site: Site) -> tuple[list[Person], set[str]]:
    """Have everything happen once, well and badly; return who took part, and the codes, passwords and session ids."""
    ann, second = site.visitor(site.administrator()), site.new_address()
    old, first = ann.email, site.new_address()
    secrets = {PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, *signing_in(site, ann), *confirming(site, ann, first)}
    site.delete_budgets()
    site.smtp.refusals[second] = "451 later"
    assert ann.ask(second).status == 200
    eventually(lambda: (ann.pending() or {})["mail"]["problem"], "the refusal is told")
    site.smtp.refusals.clear()
    secrets.add(site.code_after_outage(second))
    holder = site.visitor(script=False)
    for link in (site.link_to(first, "stop"), site.link_to(old)):
        holder.page(link)
        holder.browser.headers["Referer"] = f"http://127.0.0.1:{site.server.port}{link}"
        assert holder.post(link).status == 200
    link = site.link_to(old, "forgotpwd")
    for repetition, status in ((WRONG_PASSWORD, 400), (NEW_PASSWORD, 200)):
        holder.page(link)
        holder.discard_token()
        assert holder.post(link, {"password": NEW_PASSWORD, "repetition": repetition}).status == status
    back = site.visitor(old, password=NEW_PASSWORD)
    assert back.sign_in().status == 200
    return [ann, holder, back], secrets | {session_id(site, back)}


def signing_in(site: Site, ann: Person) -> set[str]:
    """Sign in and prove the password, wrongly first; return the ids that the session had."""
    assert ann.sign_in(password=WRONG_PASSWORD).error == "wrong_credentials"
    assert ann.sign_in().status == 200
    first = session_id(site, ann)
    assert ann.reauth(WRONG_PASSWORD).error == "password_wrong"
    assert ann.reauth().status == 200
    return {first, session_id(site, ann)}


def confirming(site: Site, ann: Person, new: str) -> set[str]:
    """Change the address after every mishap that there is; return the codes and the session's id."""
    assert ann.ask(new).status == 200
    code = site.code_to(new)
    wrong = different_code(code)
    assert ann.confirm(new, wrong).error == "code_wrong"
    for way in ("fault", "database", "cache"):  # The request holds the code when the page falls over.
        for file, line, _ in list(lines_of(email_change._complete))[:3]:
            ann.browser.headers["X-Break"] = f"{way} {file} {line}"
            assert ann.confirm(new, code).status in (500, 503)
            del ann.browser.headers["X-Break"]
    assert ann.confirm("no address", code).error == "invalid"
    assert ann.post("/cms/nothing/", {"captcha": code}).status == 404
    assert ann.post("/cms/resetemail/", {"email": new, "captcha": code}, token="no token").error == "csrf_failed"
    ann.script = False
    assert ann.confirm("no address", wrong).status == 400
    ann.script = True
    assert ann.confirm(new, code).status == 200
    return {code, wrong, session_id(site, ann)}


def session_id(site: Site, person: Person) -> str:
    """Return the id of the session that the browser's cookie names."""
    interface = site.app.session_interface
    assert isinstance(interface, SecureCookieSessionInterface)
    serializer = interface.get_signing_serializer(site.app)
    assert serializer is not None
    return str(serializer.loads(person.browser.cookies["session"])["sid"])


def every_place(site: Site) -> Iterator[tuple[str, str]]:
    """Yield what is kept or was written, each with the name of the place."""
    yield "the log", site.log
    for table in db.metadata.sorted_tables:
        rows = site.rows(select(table))
        yield (
            f"table {table.name}",
            f"{len(rows)} rows\n" + "\n".join(str(value) for row in rows for value in row if isinstance(value, str)),
        )
    yield "the cache", "\n".join(map(str, site.memcached.dump().items()) if site.memcached else kept_in_file(site))


def kept_in_file(site: Site) -> list[str]:
    """Return every key and value of the embedded store."""
    with sqlite3.connect(Path(site.settings["INSTANCE_DIR"]) / "cache.db") as store:
        found = [f"{key} {value}" for key, value in store.execute("SELECT key, value FROM item")]
    store.close()
    return found
