"""Sites: the application served by real workers before real parts, and what a test can see and do there."""

import contextlib
import http.client
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from sqlalchemy import delete, func, select, update
from werkzeug.datastructures import Headers

from accounts import clock, passwords, pending, people, sessions
from accounts.flows import administration
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
from tests.actors import PASSWORD, SCRIPT, Answer, Browser, Person, code_in, text_of
from tests.environments import broken_histories, settings_for
from tests.servers import (
    LONGEST_SECONDS,
    PATIENCE_SECONDS,
    Found,
    Gunicorn,
    MemcachedServer,
    PostgresServer,
    SmtpServer,
    answer_is_there,
    eventually,
    frozen,
)

# Made before any test makes passwords cheap: a worker would make a cheap one anew at the first sign-in.
HASHED = passwords.hash_password(PASSWORD)
DEADLINE_SECONDS = (
    8.0  # Of a client who is to be answered soon: on an idle machine, or so much longer (tests/servers.py).
)
NUMBERS = itertools.count(1)


class Wire(Browser):
    """Sends every request once, on a connection of its own: an answer that does not come is not asked for again."""

    def __init__(self, port: int, deadline_seconds: float = PATIENCE_SECONDS) -> None:
        """Remember the port, and how long an answer is waited for while the machine is idle."""
        super().__init__()
        self.port, self.deadline_seconds = port, deadline_seconds
        self.answers: list[Answer] = []

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        try:
            connection.request(method, path, body, {"Connection": "close", **headers})
            answer_is_there(connection.sock, self.deadline_seconds)
            response = connection.getresponse()
            answer = Answer(response.status, Headers(response.getheaders()), response.read(), path)
        finally:
            connection.close()
        self.answers.append(answer)
        return answer


class Site:
    """An environment that is served. Tests share it; each uses addresses that no other one uses."""

    def __init__(
        self, name: str, settings: dict[str, str], server: Gunicorn, smtp: SmtpServer, memcached: MemcachedServer | None
    ) -> None:
        """Remember the parts, and open a second door to the same tables for the tests to look through."""
        self.name, self.settings, self.server, self.smtp, self.memcached = name, settings, server, smtp, memcached
        self.app = create_app({**settings, "MAIL_DELIVERY": "worker"})

    @property
    def log(self) -> str:
        """Return what the server wrote."""
        return self.server.log.read_text()

    def close(self) -> None:
        """Let go of every connection."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def fresh(self, who: str = "new") -> str:
        """Return an address that nobody has used yet."""
        return f"{who}{next(NUMBERS)}@example.com"

    def administrator(self, email: str = "", **more: Any) -> str:
        """Make an administrator and return their address."""
        email = email or self.fresh("ann")
        given = {"username": email.partition("@")[0], "password": PASSWORD, "superuser": False, **more}
        with self.app.app_context():
            user = administration.create(address=Address.of(email), origin=COMMAND_LINE, **given)
            user.password_hash = HASHED
            db.session.commit()
        return email

    def visitor(
        self, email: str = "nobody@example.com", *, deadline_seconds: float = PATIENCE_SECONDS, **how: Any
    ) -> Person:
        """Return somebody at a fresh browser."""
        return Person(Wire(self.server.port, deadline_seconds), email, **how)

    def person(self, email: str = "", *, deadline_seconds: float = PATIENCE_SECONDS, **how: Any) -> Person:
        """Return an administrator who has just signed in; without an address they are made first."""
        person = self.visitor(email or self.administrator(), deadline_seconds=deadline_seconds, **how)
        answer = person.sign_in()
        assert answer.status == 200, answer
        person.token()
        return person

    def seated(self, **how: Any) -> Person:
        """Return a new administrator who is signed in without having signed in: the tests need hundreds of them."""
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

    def twins(self, person: Person, count: int) -> list[Person]:
        """Return so many tabs of one browser: each sends what the others send, at its own time."""
        return [self.twin(person) for _ in range(count)]

    def twin(self, person: Person) -> Person:
        """Return another tab of this browser, or a thief with a copy of its cookies."""
        assert isinstance(person.browser, Wire)
        browser = Wire(self.server.port, person.browser.deadline_seconds)
        browser.cookies = dict(person.browser.cookies)
        twin = Person(browser, person.email, person.password, script=person.script)
        twin._token = person.token()
        return twin

    def rows(self, query: Any) -> list[Any]:
        """Return the rows of a query."""
        with self.app.app_context():
            return list(db.session.execute(query).all())

    def count(self, table: Any, *origin: Any) -> int:
        """Return how many rows of a table are so."""
        return int(self.rows(select(func.count()).select_from(table).where(*origin))[0][0])

    def write(self, statement: Any) -> None:
        """Change rows, as an operator or the passing of time would."""
        with self.app.app_context():
            db.session.execute(statement)
            db.session.commit()

    def user(self, email: str) -> CMSUser | None:
        """Return the administrator who has this address."""
        with self.app.app_context():
            return db.session.scalar(select(CMSUser).where(CMSUser.email_key == email_key(email)))

    def user_id(self, email: str) -> int:
        """Return the number of the administrator who has this address."""
        user = self.user(email)
        assert user is not None, f"nobody has {email}"
        return user.id

    def email_of(self, user_id: int) -> str:
        """Return the address that this administrator has now."""
        return str(self.rows(select(CMSUser.email).where(CMSUser.id == user_id))[0][0])

    def events(self, user_id: int) -> list[str]:
        """Return what an administrator's history tells, in its order."""
        return [row[0] for row in self.rows(select(Audit.event).where(Audit.user_id == user_id).order_by(Audit.number))]

    def times(self, user_id: int, event: str) -> int:
        """Return how often something happened to an account, repetitions counted."""
        query = select(func.coalesce(func.sum(Audit.times), 0)).where(Audit.user_id == user_id, Audit.event == event)
        return int(self.rows(query)[0][0])

    def undo_links(self, user_id: int) -> int:
        """Return how many undo links of this account are alive."""
        return self.count(Link, Link.user_id == user_id, Link.purpose == LinkPurpose.UNDO, Link.ended_at.is_(None))

    def notices(self, user_id: int) -> int:
        """Return how many notices of a change were written for this account."""
        return self.count(Mail, Mail.user_id == user_id, Mail.kind == "changed")

    def is_pending(self, user_id: int) -> bool:
        """Say whether a change of this administrator's address waits."""
        query = select(EmailChange.id).where(EmailChange.user_id == user_id, pending.ALIVE)
        return bool(self.rows(query))

    def tries(self, user_id: int) -> int:
        """Return how many tries the pending change has behind it."""
        return int(self.rows(select(EmailChange.tries).where(EmailChange.user_id == user_id))[0][0])

    def sessions(self, user_id: int) -> int:
        """Return in how many browsers this administrator is signed in."""
        return self.count(LoginSession, LoginSession.user_id == user_id)

    def broken_histories(self) -> list[str]:
        """Return the addresses of all accounts whose history is not whole."""
        with self.app.app_context():
            return broken_histories()

    def put_right(self) -> None:
        """Have every part run, be polite and know nothing; and every worker know that it does."""
        self.smtp.behave()
        if self.memcached:
            self.memcached.refresh()
            workers = self.server.workers()
            for worker in workers:
                with frozen(*(other for other in workers if other != worker)):
                    eventually(lambda: self.visitor().ask_as_script("/readyz").status == 200, "the worker is ready")

    def touch_sessions(self) -> None:
        """Have every session count as used just now: a page that notes its use once a minute must write nothing."""
        self.write(update(LoginSession).values(seen_at=clock.now()))

    def forget_budgets(self) -> None:
        """Let an hour pass for the budgets of sends, and a day for those of tries."""
        self.write(delete(Budget))

    def hurry(self) -> None:
        """Let the back-off and the leases of all waiting mail run out."""
        queued = Mail.state == MailState.QUEUED
        self.write(update(Mail).where(queued, Mail.due_at > clock.now()).values(due_at=clock.now()))

    def all_mail_is_sent(self) -> bool:
        """Say whether no mail waits."""
        return not self.count(Mail, Mail.state == MailState.QUEUED)

    def letters(self, recipient: str) -> list[EmailMessage]:
        """Return what a recipient finds: of a repetition their mail server keeps the first."""
        return list({str(message["Message-ID"]): message for message in reversed(self.smtp.to(recipient))}.values())[
            ::-1
        ]

    def codes_to(self, recipient: str, count: int = 1) -> list[str]:
        """Wait for so many mails with a code, and read the codes out of them in the order in which they came."""

        def found() -> list[str]:
            letters = [each for each in self.letters(recipient) if re.match(r"\d{6}\b", str(each["Subject"]))]
            return [code_in(each) for each in letters] if len(letters) >= count else []

        return eventually(found, f"{count} codes come to {recipient}")

    def code_to(self, recipient: str) -> str:
        """Wait for the mail with the code, and read it."""
        return self.codes_to(recipient)[-1]

    def code_at_last(self, recipient: str) -> str:
        """Wait for the mail with the code after an outage, without the back-off: a try may just be failing."""
        eventually(lambda: self.hurry() or self.smtp.to(recipient), f"a mail comes to {recipient}")
        return self.code_to(recipient)

    def link_to(self, recipient: str, kind: str = "undo") -> str:
        """Wait for a mail with such a link, and return the path of the newest one."""

        def found() -> list[str]:
            texts = [text_of(message) for message in self.letters(recipient)]
            return [path for text in texts for path in re.findall(rf"/cms/(?:resetemail/)?{kind}/[\w-]+/", text)]

        return eventually(found, f"a link to {kind} comes to {recipient}")[-1]

    def has_changed(self, person: Person, new: str) -> Person:
        """Have an administrator change their address, as the page would."""
        assert person.ask(new).status == 200
        answer = person.confirm(new, self.code_to(new))
        assert answer.status == 200, answer
        person.email = new
        return person


def until_served(act: Callable[[], Found]) -> Found:
    """Act again, as the answer says, while it is 503: on a busy machine a lock may take longer than a request may wait.

    The answer may be the second of a pair.
    """

    def look() -> list[Found]:
        found = act()
        answer = found[1] if isinstance(found, tuple) else found
        return [] if isinstance(answer, Answer) and answer.status == 503 else [found]

    return eventually(look, "the request is served")[0]


def is_signed_in(person: Person) -> bool:
    """Say whether the browser's session counts."""
    status = person.browser.send("GET", "/cms/resetemail/", headers=SCRIPT).status
    assert status in (200, 401)
    return status == 200


@contextlib.contextmanager
def served(
    name: str,
    folder: Path,
    postgres: PostgresServer,
    template: Path,
    *options: str,
    application: str = "app:create_app()",
    **more: str,
) -> Iterator[Site]:
    """Build an environment, serve it, and take it away again."""
    with contextlib.ExitStack() as stack:
        smtp = SmtpServer().start()
        stack.callback(smtp.stop)
        given = {
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(smtp.port),
            "MAIL_DELIVERY": "thread",
            # Everybody comes from 127.0.0.1 here. The counters still count: only there is more in them.
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
            given["DATABASE_URL"] = stack.enter_context(postgres.database())
            given["CACHE_URL"] = f"memcached://{memcached.address}"
        settings = settings_for(folder, **{**given, **more})
        server = Gunicorn(settings, folder / "log", 2, *options)
        server.application = application
        site = Site(name, settings, server, smtp, memcached)
        stack.callback(site.close)
        stack.callback(server.stop)
        server.start()
        yield site
