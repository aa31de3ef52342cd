"""`flask doctor` as a process: it ends whatever hangs, prints one line for each check, and no secret."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.environments import PRODUCTION, settings_for
from tests.live.sites import Site
from tests.live.test_unresponsive_database import frozen_postgres
from tests.servers import PostgresServer, SmtpServer, command_line, free_port, frozen, seconds_now
from tests.test_doctor import CHECKS, STRONG

MARKS = {"ok  ", "skip", "WARN", "FAIL"}


def read_marks(output: str) -> dict[str, str]:
    """Return the mark of each check by its name; nothing else was printed."""
    lines = [line for line in output.splitlines() if not line.startswith("      ")]
    found = {line[6:].partition(":")[0]: line[:4] for line in lines}
    assert list(found) == CHECKS
    assert set(found.values()) <= MARKS
    return found


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Provide the port of a server that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.mark.slow
def test_it_ends_with_a_line_for_each_check_if_everything_hangs(
    postgres_site: Site, postgres: PostgresServer, silent_server: int
) -> None:
    """PostgreSQL and memcached are suspended, the mail server and the site never respond."""
    site = postgres_site
    assert site.memcached
    assert site.memcached._process
    own = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(silent_server), "MAIL_SECONDS": "60"}
    settings = {**site.settings, **own, "SITE_URL": f"https://127.0.0.1:{silent_server}", "TRUSTED_HOSTS": "127.0.0.1"}
    with frozen_postgres(postgres), frozen(site.memcached._process.pid):
        result = command_line(settings, "doctor")
    marks = read_marks(result.stdout)
    assert result.returncode == 1
    assert {name for name, mark in marks.items() if mark == "FAIL"} == {"database", "cache", "mail server"}
    depends = {
        "schema",
        "clock",
        "connections",
        "queue",
        "delivery",
        "outbox",
        "webhooks",
        "former keys",
        "second factors",
    }
    assert {name for name, mark in marks.items() if mark == "skip"} == {*depends, "site"}
    assert "mail server: no result within 15 s" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_a_test_mail_to_a_server_that_hangs_ends_with_the_dialogue_so_far(
    sqlite_site: Site, smtp: SmtpServer, behaviour: str
) -> None:
    smtp.behaviour = behaviour
    seconds = max(1, round(seconds_now(0.25)))
    times = {"MAIL_SECONDS": str(seconds), "MAIL_DIALOGUE_SECONDS": str(2 * seconds)}
    own = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port), **times}
    result = command_line({**sqlite_site.settings, **own}, "doctor", "--json", "--mail", "ann@example.com")
    smtp.behaviour = ""
    test_mail = json.loads(result.stdout)["checks"][-1]
    assert (result.returncode, test_mail["name"], test_mail["severity"]) == (1, "test mail", "error")
    assert test_mail["message"].startswith("not accepted (timeout): ")
    assert any(line.startswith("> ehlo ") for line in test_mail["data"]["dialogue"])
    assert "Traceback" not in result.stderr


class QuotingServer:
    """An SMTP server that accepts a sign-in if `accepts`, and quotes everything that it receives."""

    def __init__(self, code: bytes) -> None:
        """Listen, and reply to AUTH with this code."""
        self._listener, self._code = socket.create_server(("127.0.0.1", 0)), code
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream: object) -> None:
        def reply(text: bytes) -> None:
            stream.write(text + b"\r\n")  # type: ignore[attr-defined]
            stream.flush()  # type: ignore[attr-defined]

        reply(b"220 ready")
        for line in stream:  # type: ignore[attr-defined]
            word = line.split()[0].upper()
            if word == b"EHLO":
                reply(b"250-localhost\r\n250 AUTH PLAIN")
            elif word == b"QUIT":
                reply(b"221 bye")
                return
            else:
                reply((self._code if word == b"AUTH" else b"550") + b" refused: " + line.strip())


@pytest.mark.parametrize("code", [b"535", b"235"], ids=["refused", "accepted"])
def test_no_key_and_no_password_is_printed(tmp_path: Path, code: bytes) -> None:
    """The database does not exist, and the mail server quotes what it is sent."""
    server = QuotingServer(code)
    passwords = ["a pass/word", "mail pass/word", STRONG, STRONG[::-1], f"{STRONG}a", f"{STRONG}b"]
    database, mail, secret, former, audit, former_audit = passwords
    settings = {
        **settings_for(tmp_path),
        **PRODUCTION,
        "SECRET_KEY": secret,
        "SECRET_KEY_FALLBACKS": former,
        "AUDIT_KEY": audit,
        "AUDIT_KEY_FALLBACKS": former_audit,
        "DATABASE_URL": f"postgresql://cms:{quote(database, safe='')}@127.0.0.1:{free_port()}/none",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(server.port),
        "MAIL_USERNAME": "cms",
        "MAIL_PASSWORD": mail,
        "TRUSTED_HOSTS": "cms.example.com",
    }
    for arguments in ((), ("--json",)):
        result = command_line(settings, "doctor", "--mail", "ann@example.com", *arguments)
        assert result.returncode == 1
        assert "(authentication)" in result.stdout
        assert "***" in result.stdout or code == b"235"
        for each in passwords:
            for form in (each, quote(each), quote(each, safe=""), base64_of(each), base64_of(f"\0cms\0{mail}")):
                assert form not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
    server.close()


def base64_of(text: str) -> str:
    """Return a text as SMTP sends it."""
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("url", ["mysql://cms:a-password@127.0.0.1/x", "postgresql://cms:a-pass/word@127.0.0.1/x"])
def test_an_invalid_address_of_the_database_is_one_line_without_the_password(tmp_path: Path, url: str) -> None:
    result = command_line(settings_for(tmp_path, DATABASE_URL=url), "doctor", "--json")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("DATABASE_URL=")
    assert "a-pass" not in line
    assert "word" not in line.partition(" is invalid")[0]


def test_the_database_can_be_away_and_the_test_mail_is_still_sent(sqlite_site: Site, smtp: SmtpServer) -> None:
    settings = {**sqlite_site.settings, "DATABASE_URL": f"postgresql://cms@127.0.0.1:{free_port()}/none"}
    own = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port)}
    result = command_line({**settings, **own}, "doctor", "--mail", "ann@example.com", "--language", "en")
    assert result.returncode == 1
    assert "\nok    test mail: accepted: 250 taken\n      < 220 " in result.stdout
    assert [mail["Subject"] for mail in smtp.mails_to("ann@example.com")] == ["Test mail of the account centre"]
