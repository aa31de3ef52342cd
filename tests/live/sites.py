"""Sites: the application served by gunicorn with real servers, and helpers to use and inspect it."""

import contextlib
import http.client
import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from sqlalchemy import delete, func, select, update
from werkzeug.datastructures import Headers

from accounts import clock, pending, people, sessions
from accounts.flows import administration
from accounts.limits import QUARTER
from accounts.origin import COMMAND_LINE
from app import create_app
from models import (
    Address,
    Audit,
    Budget,
    CMSUser,
    EmailChange,
    Link,
    LinkPurpose,
    LoginSession,
    Mail,
    MailState,
    db,
    email_key,
)
from tests import cheap_hashes
from tests.actors import PASSWORD, SCRIPT, Answer, Browser, Person, code_in, text_of
from tests.environments import broken_histories, extend_timeouts, settings_for
from tests.servers import (
    LONGEST_SECONDS,
    PATIENCE_SECONDS,
    Found,
    Gunicorn,
    MemcachedServer,
    Nginx,
    PostgresServer,
    SmtpServer,
    eventually,
    frozen,
    wait_for_response,
)

HASHED = cheap_hashes.HASHER.hash(PASSWORD)
DEADLINE_SECONDS = 8.0  # The deadline of a prompt response on an idle machine; it grows with the load.
NUMBERS = itertools.count(1)


class NoRetryBrowser(Browser):
    """Sends every request once, on a new connection: a request without a response is not repeated."""

    def __init__(self, port: int, deadline_seconds: float = PATIENCE_SECONDS) -> None:
        """Store the port, and the deadline of a response on an idle machine."""
        super().__init__()
        self.port, self.deadline_seconds = port, deadline_seconds
        self.proxy: Nginx | None = None  # If set, requests are sent to it, over HTTPS,
        self.network = ""  # and from this address of the loopback interface.
        self.last_headers = Headers()  # Of the last response, also if its body is incomplete.
        self.answers: list[Answer] = []

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        self.last_headers = Headers()
        direct = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        source = {"source_address": (self.network, 0)} if self.network else {}
        connection = self.proxy.connect(**source) if self.proxy else direct
        try:
            connection.request(method, path, body, {"Connection": "close", **headers})
            wait_for_response(connection.sock, self.deadline_seconds)
            response = connection.getresponse()
            self.last_headers = Headers(response.getheaders())
            answer = Answer(response.status, self.last_headers, response.read(), path)
        finally:
            connection.close()
        self.answers.append(answer)
        return answer


class Site:
    """An environment served by gunicorn. Tests share it; each test uses its own addresses."""

    def __init__(
        self, name: str, settings: dict[str, str], server: Gunicorn, smtp: SmtpServer, memcached: MemcachedServer | None
    ) -> None:
        """Store the servers, and create an application of the tests on the same database."""
        self.name, self.settings, self.server, self.smtp, self.memcached = name, settings, server, smtp, memcached
        self.app = create_app({**settings, "MAIL_DELIVERY": "worker"})
        extend_timeouts(self.app)

    @property
    def log(self) -> str:
        """Return the log of the server."""
        return self.server.log.read_text()

    def close(self) -> None:
        """Close every connection."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def new_address(self, name: str = "new") -> str:
        """Return an address that was not used before."""
        return f"{name}{next(NUMBERS)}@example.com"

    def administrator(self, email: str = "", **more: Any) -> str:
        """Create an administrator, and return their address."""
        email = email or self.new_address("ann")
        values = {"username": email.partition("@")[0], "password": PASSWORD, "superuser": False, **more}
        with self.app.app_context():
            user = administration.create(address=Address.of(email), origin=COMMAND_LINE, **values)
            user.password_hash = HASHED
            db.session.commit()
        return email

    def visitor(
        self, email: str = "nobody@example.com", *, deadline_seconds: float = PATIENCE_SECONDS, **how: Any
    ) -> Person:
        """Return a person with a new browser, who is not signed in."""
        return Person(NoRetryBrowser(self.server.port, deadline_seconds), email, **how)

    def person(self, email: str = "", *, deadline_seconds: float = PATIENCE_SECONDS, **how: Any) -> Person:
        """Sign in as an administrator, and return them; without an address, create one first."""
        person = self.visitor(email or self.administrator(), deadline_seconds=deadline_seconds, **how)
        answer = person.sign_in()
        assert answer.status == 200, answer
        person.token()
        return person

    def person_with_session(self, **how: Any) -> Person:
        """Create an administrator and a session without a request, and return them: faster than a sign-in."""
        person = self.visitor(self.administrator(), **how)
        with self.app.test_request_context():
            user = people.find_by_email(Address.of(person.email))
            assert user is not None
            session["sid"] = sessions.start(user, COMMAND_LINE, remember=False)
            db.session.commit()
            person._token = generate_csrf()
            interface = self.app.session_interface
            assert isinstance(interface, SecureCookieSessionInterface)
            serializer = interface.get_signing_serializer(self.app)
            assert serializer is not None
            person.browser.cookies[self.app.config["SESSION_COOKIE_NAME"]] = str(serializer.dumps(dict(session)))
        return person

    def clones(self, person: Person, count: int) -> list[Person]:
        """Return several tabs of one browser, which can send requests at the same time."""
        return [self.clone(person) for _ in range(count)]

    def clone(self, person: Person) -> Person:
        """Return a person with the same cookies: another tab of the browser, or a copied cookie."""
        assert isinstance(person.browser, NoRetryBrowser)
        browser = NoRetryBrowser(self.server.port, person.browser.deadline_seconds)
        browser.cookies = dict(person.browser.cookies)
        clone = Person(browser, person.email, person.password, script=person.script)
        clone._token = person.token()
        return clone

    def rows(self, query: Any) -> list[Any]:
        """Return the rows of a query."""
        with self.app.app_context():
            return list(db.session.execute(query).all())

    def count(self, table: Any, *conditions: Any) -> int:
        """Return the number of rows of a table that meet the conditions."""
        return int(self.rows(select(func.count()).select_from(table).where(*conditions))[0][0])

    def execute(self, statement: Any) -> None:
        """Execute and commit a statement."""
        with self.app.app_context():
            db.session.execute(statement)
            db.session.commit()

    def user(self, email: str) -> CMSUser | None:
        """Return the administrator with this address, or None."""
        with self.app.app_context():
            return db.session.scalar(select(CMSUser).where(CMSUser.email_key == email_key(email)))

    def user_id(self, email: str) -> int:
        """Return the id of the administrator with this address."""
        user = self.user(email)
        assert user is not None, f"no account has {email}"
        return user.id

    def email_of(self, user_id: int) -> str:
        """Return the current address of an administrator."""
        return str(self.rows(select(CMSUser.email).where(CMSUser.id == user_id))[0][0])

    def events(self, user_id: int) -> list[str]:
        """Return the events of an administrator's history, in order."""
        return [row[0] for row in self.rows(select(Audit.event).where(Audit.user_id == user_id).order_by(Audit.number))]

    def count_event(self, user_id: int, event: str) -> int:
        """Return how many times an event occurred in the history of an account, including merged rows."""
        query = select(func.coalesce(func.sum(Audit.times), 0)).where(Audit.user_id == user_id, Audit.event == event)
        return int(self.rows(query)[0][0])

    def count_undo_links(self, user_id: int) -> int:
        """Return the number of valid undo links of an account."""
        return self.count(Link, Link.user_id == user_id, Link.purpose == LinkPurpose.UNDO, Link.ended_at.is_(None))

    def count_notices(self, user_id: int) -> int:
        """Return the number of notices of a change that were stored for an account."""
        return self.count(Mail, Mail.user_id == user_id, Mail.kind == "changed")

    def is_pending(self, user_id: int) -> bool:
        """Return whether an administrator has a pending change."""
        query = select(EmailChange.id).where(EmailChange.user_id == user_id, pending.ALIVE)
        return bool(self.rows(query))

    def count_tries(self, user_id: int) -> int:
        """Return the number of tries of the pending change."""
        return int(self.rows(select(EmailChange.tries).where(EmailChange.user_id == user_id))[0][0])

    def count_sessions(self, user_id: int) -> int:
        """Return the number of sessions of an administrator."""
        return self.count(LoginSession, LoginSession.user_id == user_id)

    def broken_histories(self) -> list[str]:
        """Return the addresses of all accounts whose history is not intact."""
        with self.app.app_context():
            return broken_histories()

    def reset_servers(self) -> None:
        """Reset the mail server and memcached, and wait until every worker uses memcached again."""
        self.smtp.reset()
        if self.memcached:
            self.memcached.reset()
            workers = self.server.workers()
            for worker in workers:
                with frozen(*(other for other in workers if other != worker)):
                    eventually(lambda: self.visitor().get_as_script("/readyz").status == 200, "the worker is ready")

    def expire_queued_mail(self) -> None:
        """Give up all mail that is queued: what a killed server or worker had leased becomes due minutes later."""
        self.execute(update(Mail).where(Mail.state == MailState.QUEUED).values(state=MailState.EXPIRED))

    def touch_sessions(self) -> None:
        """Mark every session as used now, so that the next requests do not have to."""
        self.execute(update(LoginSession).values(seen_at=clock.now()))

    def delete_budgets(self) -> None:
        """Delete all budgets, as if they had expired."""
        self.execute(delete(Budget))

    def make_mail_due(self) -> None:
        """End the back-off and the leases of all queued mail."""
        queued = Mail.state == MailState.QUEUED
        self.execute(update(Mail).where(queued, Mail.due_at > clock.now()).values(due_at=clock.now()))

    def all_mail_is_sent(self) -> bool:
        """Return whether no mail is queued."""
        return not self.count(Mail, Mail.state == MailState.QUEUED)

    def mails_to(self, recipient: str) -> list[EmailMessage]:
        """Return the mails of a recipient without duplicates, like a mail server that drops repeated Message-IDs."""
        return list(
            {str(message["Message-ID"]): message for message in reversed(self.smtp.mails_to(recipient))}.values()
        )[::-1]

    def codes_to(self, recipient: str, count: int = 1) -> list[str]:
        """Wait for a number of mails with a code, and return the codes in the order of their arrival."""

        def found() -> list[str]:
            mails = [each for each in self.mails_to(recipient) if re.match(r"\d{6}\b", str(each["Subject"]))]
            return [code_in(each) for each in mails] if len(mails) >= count else []

        return eventually(found, f"{count} codes arrive at {recipient}")

    def code_to(self, recipient: str) -> str:
        """Wait for a mail with a code, and return the newest code."""
        return self.codes_to(recipient)[-1]

    def code_after_outage(self, recipient: str) -> str:
        """Skip the back-off after an outage, wait for a mail with a code, and return the newest code."""
        eventually(lambda: self.make_mail_due() or self.smtp.mails_to(recipient), f"a mail arrives at {recipient}")
        return self.code_to(recipient)

    def link_to(self, recipient: str, kind: str = "undo") -> str:
        """Wait for a mail with a link of this kind, and return the path of the newest one."""

        def found() -> list[str]:
            texts = [text_of(message) for message in self.mails_to(recipient)]
            return [path for text in texts for path in re.findall(rf"/cms/(?:resetemail/)?{kind}/[\w-]+/", text)]

        return eventually(found, f"a link to {kind} arrives at {recipient}")[-1]

    def change_address(self, person: Person, new: str) -> Person:
        """Change the address of an administrator with a code, and return them."""
        assert person.ask(new).status == 200
        answer = person.confirm(new, self.code_to(new))
        assert answer.status == 200, answer
        person.email = new
        return person


def avoid_end_of_quarter(seconds: float) -> None:
    """Return when the quarter of an hour, in which tries of passwords are counted, lasts for this time at least."""
    left = QUARTER - time.time() % QUARTER
    if left < seconds:
        time.sleep(left)


def retry_while_unavailable(act: Callable[[], Found]) -> Found:
    """Repeat a request while the response is 503: on a busy machine a lock may take longer than a request may wait.

    `act` returns the response, or a pair whose second value is the response.
    """

    def attempt() -> list[Found]:
        found = act()
        answer = found[1] if isinstance(found, tuple) else found
        return [] if isinstance(answer, Answer) and answer.status == 503 else [found]

    return eventually(attempt, "the request is served")[0]


def is_signed_in(person: Person) -> bool:
    """Return whether the session of a person is valid."""
    status = person.browser.send("GET", "/cms/resetemail/", headers=SCRIPT).status
    assert status in (200, 401)
    return status == 200


@contextlib.contextmanager
def serve_site(
    name: str,
    folder: Path,
    postgres: PostgresServer,
    template: Path,
    *options: str,
    application: str = "tests.cheap_hashes:create_app()",
    **more: str,
) -> Iterator[Site]:
    """Build an environment, serve it, and stop it afterwards."""
    with contextlib.ExitStack() as stack:
        smtp = SmtpServer().start()
        stack.callback(smtp.stop)
        values = {
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(smtp.port),
            "MAIL_DELIVERY": "thread",
            # All requests come from 127.0.0.1: the limits of networks and the overall cap must not be reached.
            "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": "100000",
            "CAPTCHA_SENDS_OVERALL_PER_HOUR": "100000",
            "SIGN_IN_TRIES_PER_NETWORK": "100000",
        }
        memcached = None
        if name.startswith("sqlite"):
            (folder / "cms.db").write_bytes(template.read_bytes())
        else:
            memcached = MemcachedServer().start()
            stack.callback(memcached.stop)
            values["DATABASE_URL"] = stack.enter_context(postgres.database())
            values["CACHE_URL"] = f"memcached://{memcached.address}"
        settings = settings_for(folder, **{**values, **more})
        server = Gunicorn(settings, folder / "log", 2, *options)
        server.application = application
        site = Site(name, settings, server, smtp, memcached)
        stack.callback(site.close)
        stack.callback(server.stop)
        server.start()
        yield site
