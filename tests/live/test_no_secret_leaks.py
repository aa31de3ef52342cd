"""No code, password, session id, token or secret of a second factor is stored or logged unencrypted.

Exceptions are mails and cookies, and for the secret of an app and recovery codes the pages that show them once.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from accounts.factors import authenticator_app, passkeys, recovery_codes
from accounts.flows import email_change
from models import db
from tests.actors import PASSWORD, Answer, Person, different_code, html_of, text_of
from tests.authenticators import Authenticator, app_on, encode
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.live.sites import NoRetryBrowser, Site
from tests.live.test_interrupted_requests import lines_of
from tests.servers import eventually

ORIGIN = "http://localhost"
NEW_PASSWORD, WRONG_PASSWORD = "another battery staple", "not the right horse"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_secret_is_stored_or_logged_unencrypted(serve: Serve, name: str) -> None:
    options = ("--preload", "--access-logfile", "-", "--log-level", "debug")
    own = {"CMS_ENV": "development", "SITE_URL": ORIGIN}
    with serve(name, *options, application="tests.live.fault_injection:create_app()", **own) as site:
        people, secrets = perform_all_actions(site)
        bob, of_factors = use_second_factors(site)
        people, secrets = [*people, bob], secrets | of_factors
        for mail in site.smtp.received:
            secrets |= set(re.findall(r"/([\w-]{40,})/", text_of(mail.message)))
        assert len(secrets) > 12, secrets
        eventually(site.all_mail_is_sent, "all mail is sent")
        texts = dict(contents(site))
        for person in people:
            assert isinstance(person.browser, NoRetryBrowser)
            for number, answer in enumerate(person.browser.answers):
                where = f"answer {number} to {person.email}"
                if is_shown_once(answer):
                    continue
                # The page of a link may contain that link.
                texts[where] = answer.text.replace(answer.path, "") + answer.headers.get("Location", "")
        assert {where: text for where, text in texts.items() if not text} == {}
        leaks = [(where, secret) for where, text in texts.items() for secret in secrets if is_contained(secret, text)]
        assert leaks == [], leaks[:20]


def test_no_mail_contains_a_secret_of_a_second_factor(sqlite_site: Site) -> None:
    """Other secrets, such as codes and links, are mailed."""
    bob, secrets = use_second_factors(sqlite_site, has_passkeys=False)
    eventually(sqlite_site.all_mail_is_sent, "all mail is sent")
    mails = [f"{mail['Subject']} {text_of(mail)} {html_of(mail)}" for mail in sqlite_site.mails_to(bob.email)]
    assert len(mails) >= 3
    assert [secret for secret in secrets - {PASSWORD} for mail in mails if is_contained(secret, mail)] == []


def is_shown_once(answer: Answer) -> bool:
    """Return whether a response shows the secret of an app or new recovery codes, on purpose."""
    shows_key = answer.path == "/cms/security/app/" and 'class="secret"' in answer.text
    return answer.status == 200 and (shows_key or '"recovery_codes"' in answer.text)


def is_contained(secret: str, text: str) -> bool:
    """Return whether a text contains a secret, as it is or encoded for a URL."""
    if secret.isdigit():
        return re.search(rf"(?<![0-9a-f.]){secret}(?![0-9a-f])", text) is not None
    return secret in text or quote(secret) in text


def perform_all_actions(site: Site) -> tuple[list[Person], set[str]]:
    """Perform every action with and without errors; return the people, and the codes, passwords and session ids."""
    ann, second = site.visitor(site.administrator()), site.new_address()
    old, first = ann.email, site.new_address()
    secrets = {PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, *sign_in(site, ann), *change_address(site, ann, first)}
    site.delete_budgets()
    site.smtp.refusals[second] = "451 later"
    assert ann.ask(second).status == 200
    eventually(lambda: (ann.pending() or {})["mail"]["problem"], "the page shows the problem")
    site.smtp.refusals.clear()
    secrets.add(site.code_after_outage(second))
    owner = site.visitor(script=False)
    for link in (site.link_to(first, "stop"), site.link_to(old)):
        owner.page(link)
        owner.browser.headers["Referer"] = f"http://127.0.0.1:{site.server.port}{link}"
        assert owner.post(link).status == 200
    link = site.link_to(old, "forgotpwd")
    for repetition, status in ((WRONG_PASSWORD, 400), (NEW_PASSWORD, 200)):
        owner.page(link)
        owner.discard_token()
        assert owner.post(link, {"password": NEW_PASSWORD, "repetition": repetition}).status == status
    back = site.visitor(old, password=NEW_PASSWORD)
    assert back.sign_in().status == 200
    return [ann, owner, back], secrets | {session_id(site, back)}


def sign_in(site: Site, ann: Person) -> set[str]:
    """Sign in and confirm the password, each first with a wrong one; return the ids of the session."""
    assert ann.sign_in(password=WRONG_PASSWORD).error == "wrong_credentials"
    assert ann.sign_in().status == 200
    first = session_id(site, ann)
    assert ann.reauth(WRONG_PASSWORD).error == "password_wrong"
    assert ann.reauth().status == 200
    return {first, session_id(site, ann)}


def change_address(site: Site, ann: Person, new: str) -> set[str]:
    """Change the address after every kind of error; return the codes and the session id."""
    assert ann.ask(new).status == 200
    code = site.code_to(new)
    wrong = different_code(code)
    assert ann.confirm(new, wrong).error == "code_wrong"
    for fault in ("error", "database", "cache"):  # These occur while the request has the code in memory.
        for file, line, _ in list(lines_of(email_change._complete))[:3]:
            ann.browser.headers["X-Fault"] = f"{fault} {file} {line}"
            assert ann.confirm(new, code).status in (500, 503)
            del ann.browser.headers["X-Fault"]
    assert ann.confirm("no address", code).error == "invalid"
    assert ann.post("/cms/nothing/", {"captcha": code}).status == 404
    assert ann.post("/cms/resetemail/", {"email": new, "captcha": code}, token="no token").error == "csrf_failed"
    ann.script = False
    assert ann.confirm("no address", wrong).status == 400
    ann.script = True
    assert ann.confirm(new, code).status == 200
    return {code, wrong, session_id(site, ann)}


def use_second_factors(site: Site, *, has_passkeys: bool = True) -> tuple[Person, set[str]]:
    """Set up and use second factors with and without errors; return the person, and everything that is secret."""
    bob = site.person(site.administrator(site.new_address("bob")))
    bob.discard_token()
    assert bob.post("/cms/security/app/set_up/").status == 200
    page = bob.page("/cms/security/app/").text
    app, shown = app_on(page), page.partition('class="secret">')[2].partition("<")[0]
    code = app.now()
    submit = partial(bob.post, "/cms/security/app/")
    assert submit({"code": different_code(code)}).error == "second_factor_wrong"
    fail_at(site, bob, lambda: submit({"code": code}), authenticator_app._use)
    codes = submit({"code": code}).data["recovery_codes"]
    secrets = {PASSWORD, app.secret, shown, code, session_id(site, bob), *codes}
    secrets |= {each.replace("-", "") for each in codes}
    if has_passkeys:
        device = Authenticator(ORIGIN)
        options = bob.post("/cms/security/passkeys/options/").data["options"]
        fields = {"passkey": device.create(options), "name": "Phone"}
        fail_at(site, bob, lambda: bob.post("/cms/security/passkeys/", fields), passkeys.add)
        assert bob.post("/cms/security/passkeys/", fields).status == 200
        private = device.key.private_numbers().private_value
        secrets |= {f"{private:064x}", encode(private.to_bytes(32, "big"))}
    assert bob.sign_out().status == 200
    assert bob.sign_in().data["next"] == "/cms/login/second/"
    secrets.add(cookie_of(site, bob)["pending_sign_in"])
    step = partial(bob.post, "/cms/login/second/")
    assert step({"code": code}).error == "second_factor_wrong"  # It was used.
    assert step({"passkey": "{"}).error == "passkey_refused"
    assert bob.post("/cms/nothing/", {"recovery_code": codes[0]}).status == 404
    assert bob.post("/cms/login/second/", {"recovery_code": codes[0]}, token="no token").error == "csrf_failed"
    fail_at(site, bob, lambda: step({"recovery_code": codes[0]}), recovery_codes.use)
    bob.script = False
    assert step({"recovery_code": "00000-00000"}).status == 400
    bob.script = True
    assert step({"recovery_code": codes[0]}).status == 200
    bob.discard_token()
    assert bob.reauth(recovery_code=codes[1]).status == 200
    return bob, secrets | {session_id(site, bob)}


def fail_at(site: Site, person: Person, act: Callable[[], Answer], function: Callable[..., object]) -> None:
    """Let a request fail while it has a secret in memory, if the site can inject faults."""
    if "fault_injection" not in site.server.application:
        return
    for fault in ("error", "database"):
        for file, line, _ in list(lines_of(function))[:4]:
            person.browser.headers["X-Fault"] = f"{fault} {file} {line}"
            assert act().status in (500, 503)
            del person.browser.headers["X-Fault"]


def session_id(site: Site, person: Person) -> str:
    """Return the session id in the cookie of the browser."""
    return str(cookie_of(site, person)["sid"])


def cookie_of(site: Site, person: Person) -> dict[str, str]:
    """Return the content of the cookie of the browser."""
    interface = site.app.session_interface
    assert isinstance(interface, SecureCookieSessionInterface)
    serializer = interface.get_signing_serializer(site.app)
    assert serializer is not None
    content: dict[str, str] = serializer.loads(person.browser.cookies["session"])
    return content


def contents(site: Site) -> Iterator[tuple[str, str]]:
    """Yield the log, every table and the cache as texts, with their names."""
    yield "the log", site.log
    for table in db.metadata.sorted_tables:
        rows = site.rows(select(table))
        yield (
            f"table {table.name}",
            f"{len(rows)} rows\n" + "\n".join(str(value) for row in rows for value in row if isinstance(value, str)),
        )
    yield (
        "the cache",
        "\n".join(map(str, site.memcached.dump().items()) if site.memcached else dump_embedded_store(site)),
    )


def dump_embedded_store(site: Site) -> list[str]:
    """Return the keys and values of the embedded store."""
    with sqlite3.connect(Path(site.settings["INSTANCE_DIR"]) / "cache.db") as store:
        found = [f"{key} {value}" for key, value in store.execute("SELECT key, value FROM item")]
    store.close()
    return found
