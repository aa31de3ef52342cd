"""Makes the dumps of a released schema: `.venv/bin/python -m tests.schemas.make 0003`.

The data comes from the code of that time: git has the last version whose newest migration was this one. It runs on
both databases, administrators use it over HTTP, and then the database is dumped as SQL. What they have in hand (cookies
and links) is written to a JSON file. The dumps are committed and never made again: a later run would only change
random values.
"""

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.actors import PASSWORD, HttpBrowser, Person, code_in, different_code, text_of
from tests.authenticators import Authenticator, app_on
from tests.environments import settings_for
from tests.releases import extract, find_commit
from tests.servers import (
    Gunicorn,
    PostgresServer,
    SmtpServer,
    WebhookReceiver,
    command_line,
    eventually,
    find_program,
)

FOLDER = Path(__file__).parent
DATABASES = ("sqlite", "postgresql")
YEAR_SECONDS = 365 * 86_400


def main(revision: str) -> None:
    """Make the dumps of a revision on both databases."""
    commit = find_commit(revision)
    if commit is None:
        sys.exit("git or its history is missing: clone the repository completely")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        code = extract(commit, folder / "code")
        postgres, smtp = PostgresServer(), SmtpServer().start()
        stack.callback(smtp.stop)
        stack.callback(postgres.close)
        postgres.start()
        for database in DATABASES:
            smtp.reset()
            url = postgres.create_database("template1") if database == "postgresql" else ""
            (folder / database).mkdir()
            settings = settings_of_story(folder / database, smtp, DATABASE_URL=url)
            in_hand = Story(code, settings, smtp).play()
            dump = dump_postgresql(postgres, url) if url else dump_sqlite(folder / database / "cms.db")
            (FOLDER / revision).mkdir(exist_ok=True)
            (FOLDER / revision / f"{database}.sql").write_text(dump)
            (FOLDER / revision / f"{database}.json").write_text(json.dumps(in_hand, indent=2) + "\n")


def settings_of_story(folder: Path, smtp: SmtpServer, **more: str) -> dict[str, str]:
    """Return the settings of the application that a story uses."""
    mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port), "CAPTCHA_RESEND_SECONDS": "0"}
    nobody = f"http://127.0.0.1:9/ {WebhookReceiver.SECRET}"  # Events for it stay in the queue.
    return settings_for(folder, **mail, WEBHOOKS=nobody, **more)


def dump_sqlite(file: Path) -> str:
    """Return a SQLite database as SQL."""
    with closing(sqlite3.connect(file)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def dump_postgresql(postgres: PostgresServer, url: str) -> str:
    """Return a PostgreSQL database as SQL that other versions can execute: without settings and meta-commands."""
    program = find_program("pg_dump", Path(postgres._postgres).parent)
    command = [program, "--inserts", "--no-owner", "--no-privileges", "--no-comments", url]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tables, values = dump[dump.index("\nCREATE ") :], re.compile(r"^(--.*|\\.*|SET \w+ = .*;)\n", re.MULTILINE)
    beginning, data, end = split_at_data(tables)
    return re.sub(r"\n\n+", "\n\n", values.sub("", beginning)) + data + re.sub(r"\n\n+", "\n\n", values.sub("", end))


def split_at_data(dump: str) -> tuple[str, str, str]:
    """Split a dump: what precedes the rows, the rows with their texts of several lines, and what follows them."""
    first = dump.index("\nINSERT INTO ")
    last = dump.index("\nSELECT pg_catalog.setval(")
    return dump[:first], dump[first:last], dump[last:]


class Story:
    """What administrators do before the dump."""

    def __init__(self, code: Path, settings: dict[str, str], smtp: SmtpServer) -> None:
        """Store the folder of the code, and the servers."""
        self._code, self._settings, self._smtp = code, settings, smtp
        self._server = Gunicorn(settings, Path(settings["INSTANCE_DIR"]) / "log", 2)
        self._server.root = code

    def play(self) -> dict[str, Any]:
        """Create the database, use the application, and return what the administrators have in hand at the end."""
        self._command("db", "upgrade")
        for name in ("ann", "bob", "carol", "dan", "eve", "fay"):
            self._create(name, *(["--superuser"] if name == "ann" else []))
        has_factors = (self._code / "accounts/factors").exists()
        for name in ("hal", "ida") if has_factors else ():
            self._create(name)
        # The history of Jan is a year old, so that its rows are exported and deleted.
        a_year_ago = {"TEST_SECONDS_AHEAD": str(-YEAR_SECONDS)}
        self._create("jan", application="tests.live.shifted_clock", settings={**self._settings, **a_year_ago})
        self._command("housekeeping", settings={**self._settings, "AUDIT_KEEP_DAYS": "30"})
        self._server.start()
        try:
            in_hand = self._use_second_factors() if has_factors else {}
            return self._use() | in_hand
        finally:
            self._server.stop()

    def _use_second_factors(self) -> dict[str, Any]:
        """Hal has a passkey and an app, and a superuser removes them; Ida waits for the second step of a sign-in."""
        ann, hal, ida = (self._sign_in(name, host="localhost") for name in ("ann", "hal", "ida"))
        device = Authenticator(f"http://localhost:{self._server.port}")
        created = device.create(hal.post("/cms/security/passkeys/options/").data["options"])
        added = hal.post("/cms/security/passkeys/", {"passkey": created, "name": "Phone"})
        require(added)
        in_hand = {
            "hal": {"passkey": device.store(), "app": _add_app(hal)[0], "codes": added.data["recovery_codes"]},
            "ida": dict(zip(("app", "codes"), _add_app(ida), strict=True)),
        }
        waiting = Person(self._browser(), "ida@example.com")
        assert waiting.sign_in().data == {"next": "/cms/login/second/"}
        require(ann.post("/cms/users/7/reset_factors/", {"reason": "lost his phone"}))
        stop = self._link("hal@example.com", "factor_reset/stop")
        return {"factors": in_hand, "waiting": waiting.browser.cookies, "stop_reset": stop}

    def _use(self) -> dict[str, Any]:
        ann, bob, carol, eve = (self._sign_in(name) for name in ("ann", "bob", "carol", "eve"))
        # Carol changes her address, after an incorrect try.
        require(carol.ask("carol.new@example.com"))
        code = code_in(self._mail("carol.new@example.com"))
        assert carol.confirm("carol.new@example.com", different_code(code)).error == "code_wrong"
        require(carol.confirm("carol.new@example.com", code))
        undo = self._link("carol@example.com", "undo")
        # Bob has requested a change, and has tried an incorrect code.
        require(bob.ask("bob.new@example.com"))
        code = code_in(self._mail("bob.new@example.com"))
        assert bob.confirm("bob.new@example.com", different_code(code)).error == "code_wrong"
        stop = self._link("bob@example.com", "stop")
        # Ann invites somebody, and starts a change for Fay.
        require(ann.post("/cms/users/invite/", {"email": "gus@example.com", "role": "editor"}))
        register = self._link("gus@example.com", "register")
        fields = {"email": "fay.new@example.com", "reason": "lost her mailbox"}
        require(ann.post("/cms/users/6/start_change/", fields))
        # Eve mistypes her password, and ends her session; Dan forgot his, and the mail is still in the outbox.
        for _ in range(3):
            assert Person(HttpBrowser(self._server.port), "eve@example.com", "incorrect").sign_in().status == 400
        require(eve.sign_out())
        self._command("mail", "deliver")
        require(
            Person(HttpBrowser(self._server.port), "dan@example.com").post(
                "/cms/forgotpwd/", {"email": "dan@example.com"}
            )
        )
        return {
            "at": datetime.now(UTC).isoformat(),
            "cookies": {"ann": ann.browser.cookies, "bob": bob.browser.cookies, "carol": carol.browser.cookies},
            "links": {"undo": undo, "stop": stop, "register": register},
        }

    def _sign_in(self, name: str, host: str = "") -> Person:
        person = Person(self._browser(host), f"{name}@example.com")
        require(person.sign_in())
        return person

    def _browser(self, host: str = "") -> HttpBrowser:
        """Return a new browser; a host is needed for passkeys, which browsers permit on no IP address."""
        browser = HttpBrowser(self._server.port)
        if host:
            browser.headers["Host"] = f"{host}:{self._server.port}"
        return browser

    def _mail(self, recipient: str, wanted: Callable[[str], Any] = bool) -> Any:
        """Deliver all mail, and return the newest one to a recipient whose text is wanted."""

        def found() -> list[Any]:
            self._command("mail", "deliver")
            return [mail for mail in self._smtp.mails_to(recipient) if wanted(text_of(mail))]

        return eventually(found, f"a mail to {recipient}")[-1]

    def _link(self, recipient: str, kind: str) -> str:
        pattern = re.compile(rf"/cms/(?:resetemail/)?{kind}/[\w-]+/")
        return str(pattern.findall(text_of(self._mail(recipient, pattern.search)))[0])

    def _create(self, name: str, *options: str, **more: Any) -> None:
        words = ("admin", "create", f"{name}@example.com", "--username", name, *options)
        self._command(*words, input_lines=[PASSWORD], **more)

    def _command(self, *words: str, application: str = "app", settings: Any = None, **more: Any) -> None:
        words = ("--app", application, *words)
        ended = command_line(settings or self._settings, *words, root=self._code, **more)
        assert ended.returncode == 0, ended.stderr


def _add_app(person: Person) -> tuple[str, list[str]]:
    """Add an authenticator app; return its secret, and the recovery codes if it is the first second factor."""
    require(person.post("/cms/security/app/set_up/"))
    app = app_on(person.page("/cms/security/app/").text)
    added = person.post("/cms/security/app/", {"code": app.now()})
    require(added)
    return app.secret, added.data.get("recovery_codes", [])


def require(answer: Any) -> None:
    """Require that a request was served."""
    assert answer.status == 200, answer


if __name__ == "__main__":
    for each in sys.argv[1:]:
        main(each)
