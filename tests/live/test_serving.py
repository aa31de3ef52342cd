"""Serving: starting, stopping, reloading, production, proxies, and the command line."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, select, update

from app import create_app
from models import Audit, Mail, MailState, db
from tests.actors import PASSWORD, SCRIPT, Answer
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION, copy_template, settings_for
from tests.live.conftest import Serve
from tests.live.sites import Site, frozen, is_signed_in
from tests.servers import (
    ROOT,
    PostgresServer,
    command_line,
    eventually,
    free_port,
    run_program,
)


def is_alive(pid: int) -> bool:
    """Say whether a process runs."""
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def fails_to_start(settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start gunicorn with settings that cannot be used, and wait for its end."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{free_port()}", "app:create_app()"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp"), **settings}
    return run_program(command, cwd=ROOT, env=environment)


class TestProcesses:
    """gunicorn's master and its workers."""

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "TERM"])
    def test_it_stops_and_leaves_nothing_behind(self, serve: Serve, sign: int) -> None:
        with serve(ENVIRONMENTS[0]) as site:
            ann = site.person()
            ann.ask(site.new_address())  # The thread that carries mail runs.
            process = site.server._process
            assert process is not None
            pids = [process.pid, *site.server.workers()]
            assert len(pids) == 3
            process.send_signal(sign)
            eventually(lambda: process.poll() is not None, "gunicorn ends")
            assert process.returncode == 0
            eventually(lambda: not [pid for pid in pids if is_alive(pid)], "nothing is left")
            assert "Traceback" not in site.log

    def test_a_reload_under_load_fails_no_request(self, site: Site) -> None:
        before, done, answers = set(site.server.workers()), threading.Event(), []
        people = [site.person() for _ in range(3)]

        def work(number: int) -> None:
            while not done.is_set():
                answers.append(people[number].get_as_script())
                answers.append(people[number].reauth())

        crowd = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in crowd:
            thread.start()
        try:
            site.server.reload()
            eventually(lambda: not before & set(site.server.workers()), "the old workers are gone")
            served = len(answers)
            eventually(lambda: len(answers) > served + 6, "the new workers answer")
        finally:
            done.set()
            for thread in crowd:
                thread.join()
        assert {answer.status for answer in answers} == {200}, [str(a) for a in answers if a.status != 200]
        assert len(site.server.workers()) == 2

    def test_a_worker_that_was_killed_is_replaced(self, site: Site) -> None:
        ann = site.person()
        assert site.server.kill_worker() not in site.server.workers()
        assert len(site.server.workers()) == 2
        assert eventually(lambda: ann.get_as_script().status == 200, "the site answers")

    def test_a_copied_cookie_is_dead_in_the_other_worker_when_its_session_ended_in_this_one(
        self, quiet_site: Site
    ) -> None:
        site = quiet_site
        here, there = site.server.workers()
        ann = site.person()
        thief = site.clone(ann)
        with frozen(there):
            assert is_signed_in(thief)
        with frozen(here):
            assert is_signed_in(thief)  # Each worker has met this session.
        with frozen(there):
            assert ann.sign_out().status == 200
        with frozen(here):
            assert not is_signed_in(thief)
            assert thief.ask(site.new_address()).error == "sign_in_required"

    def test_a_code_that_one_worker_made_is_good_in_the_other(self, quiet_site: Site) -> None:
        site = quiet_site
        here, there = site.server.workers()
        ann, new = site.person(), site.new_address()
        with frozen(there):
            assert ann.ask(new).status == 200
            said(site.settings, "mail", "deliver")
            code = site.code_to(new)
        with frozen(here):
            assert ann.confirm(new, code).status == 200


class TestBodies:
    """What a client sends after the headers, whatever it says of its length."""

    TOO_LARGE = b"email=" + b"x" * 65536

    def said(self, site: Site, path: str, *body: bytes, **headers: str) -> bytes:
        """Send a form and then another request on the same connection; return all that comes back until its end."""
        form = {"Host": "127.0.0.1", "Content-Type": "application/x-www-form-urlencoded", **SCRIPT}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**form, **headers}.items()), "", ""]
        following = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", site.server.port), timeout=20) as sock:
            sock.sendall(b"".join(["\r\n".join(lines).encode(), *body]))
            with contextlib.suppress(OSError):  # The server may have hung up already.
                sock.sendall(following)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def in_chunks(self, body: bytes) -> Iterator[bytes]:
        """Yield a body as it is sent in chunks."""
        for begin in range(0, len(body), 8000):
            chunk = body[begin : begin + 8000]
            yield b"%x\r\n%s\r\n" % (len(chunk), chunk)
        yield b"0\r\n\r\n"

    @pytest.mark.parametrize("path", ["/cms/login/", "/cms/logout/", "/cms/resetemail/stop/x/", "/healthz", "/nothing"])
    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b"])
    def test_one_in_chunks_that_is_too_large_gets_413_and_ends_the_connection(
        self, sqlite_site: Site, path: str, kind: str
    ) -> None:
        said = {"Content-Type": kind, "Transfer-Encoding": "chunked"}
        answer = self.said(sqlite_site, path, *self.in_chunks(self.TOO_LARGE), **said)
        assert answer.startswith(b"HTTP/1.1 413 "), answer
        assert b'"error":"too_large"' in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1

    def test_one_that_says_that_it_is_too_large_gets_413_and_ends_the_connection(self, sqlite_site: Site) -> None:
        answer = self.said(sqlite_site, "/cms/logout/", self.TOO_LARGE, **{"Content-Length": str(len(self.TOO_LARGE))})
        assert answer.startswith(b"HTTP/1.1 413 "), answer
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1

    def test_one_in_chunks_may_be_as_large_as_any_other(self, sqlite_site: Site) -> None:
        body = self.in_chunks(self.TOO_LARGE[:65536])
        answer = self.said(sqlite_site, "/cms/login/", *body, **{"Transfer-Encoding": "chunked"})
        assert b'"error":"csrf_failed"' in answer, answer

    def test_a_form_in_chunks_is_read_like_any_other(self, sqlite_site: Site) -> None:
        ann = sqlite_site.visitor(sqlite_site.administrator())
        token = {"X-CSRFToken": ann.token(), "Transfer-Encoding": "chunked"}
        cookies = "; ".join(f"{name}={value}" for name, value in ann.browser.cookies.items())
        body = self.in_chunks(urlencode({"email": ann.email, "password": ann.password}).encode())
        answer = self.said(sqlite_site, "/cms/login/", *body, Cookie=cookies, **token)
        assert answer.startswith(b"HTTP/1.1 200 "), answer

    @pytest.mark.parametrize("chunks", [b"zz\r\nabc\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"-1\r\n", b"\r\n"])
    def test_broken_chunks_are_the_clients_fault(self, sqlite_site: Site, chunks: bytes) -> None:
        answer = self.said(sqlite_site, "/cms/login/", chunks, **{"Transfer-Encoding": "chunked"})
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b'"error":"bad_request"' in answer


@pytest.fixture(scope="module")
def direct(serve: Serve) -> Iterator[Site]:
    """Give a site in production that trusts nobody in front of it."""
    with serve(ENVIRONMENTS[0], **PRODUCTION) as site:
        yield site


@pytest.fixture(scope="module")
def behind_proxy(serve: Serve) -> Iterator[Site]:
    """Give a site in production behind one proxy, for one name."""
    settings = {"TRUSTED_PROXIES": "1", "TRUSTED_HOSTS": "cms.example.com,127.0.0.1", **PRODUCTION}
    with serve(ENVIRONMENTS[0], **settings) as site:
        yield site


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def quiet_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    """Give a site whose workers do nothing but answer: none is frozen while it holds what the other one needs."""
    with serve(request.param, MAIL_DELIVERY="worker") as site:
        yield site


def get(site: Site, path: str, **headers: str) -> Answer:
    """Ask as a script at a fresh browser, with headers whose names are written with underscores."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.visitor().browser.send("GET", path, headers={**SCRIPT, **given})


class TestProduction:
    """CMS_ENV=production, and what stands in front of it."""

    def test_there_is_no_mailbox_page(self, direct: Site, sqlite_site: Site) -> None:
        assert get(direct, "/dev/mailbox/").status == 404
        assert get(sqlite_site, "/dev/mailbox/").status == 200

    def test_its_cookie_goes_over_tls_only_and_to_no_other_host(self, direct: Site) -> None:
        (line,) = get(direct, "/cms/login/").headers.getlist("Set-Cookie")
        assert line.startswith("__Host-session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line

    def test_an_address_is_changed_behind_a_proxy(self, behind_proxy: Site) -> None:
        site = behind_proxy
        ann, new = site.visitor(site.administrator()), site.new_address()
        user_id = site.user_id(ann.email)
        ann.browser.headers |= {
            "Host": "cms.example.com",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "198.51.100.1, 203.0.113.77",
            "Origin": "https://cms.example.com",
        }
        assert ann.sign_in().status == 200
        answer = ann.ask(new)
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert ann.confirm(new, site.code_to(new)).status == 200
        where = site.rows(select(Audit.network).where(Audit.user_id == user_id, Audit.event == "email_changed"))
        # The last one is what our proxy saw; what stands before it, anybody can write.
        assert where == [("203.0.113.77",)]

    def test_other_names_are_not_served(self, behind_proxy: Site) -> None:
        answer = get(behind_proxy, "/cms/login", Host="evil.example")
        assert answer.status == 400
        assert b"evil" not in answer.body
        assert "Location" not in answer.headers

    def test_who_has_no_proxy_believes_no_header_of_one(self, direct: Site) -> None:
        email = direct.administrator()
        stranger = direct.visitor(email, password="wrong")
        stranger.browser.headers |= {"X-Forwarded-For": "203.0.113.77", "X-Forwarded-Proto": "https"}
        answer = stranger.sign_in()
        assert answer.error == "wrong_credentials"
        assert "Strict-Transport-Security" not in answer.headers
        query = select(Audit.network).where(Audit.user_id == direct.user_id(email), Audit.event == "sign_in_failed")
        assert eventually(lambda: direct.rows(query), "the failure is recorded") == [("127.0.0.1",)]

    def test_a_name_in_the_request_does_not_get_into_a_link_that_is_mailed(self, direct: Site) -> None:
        ann = direct.visitor(direct.administrator())
        ann.browser.headers["Host"] = "evil.example"
        ann.sign_in()
        new = direct.new_address()
        assert ann.ask(new).status == 200
        direct.code_to(new)
        eventually(direct.all_mail_is_sent, "all mail is sent")
        assert direct.smtp.received
        assert not [posted for posted in direct.smtp.received if b"evil" in posted.raw]


class TestSettings:
    """A setting that cannot be used stops the start, with one line that says which and why."""

    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"CMS_ENV": "production"}, "SECRET_KEY must be set in production"),
            ({"CAPTCHA_TRIES": "many"}, "CAPTCHA_TRIES='many' is invalid"),
            ({"MAIL_SERVER": "smtp.example.com"}, "MAIL_SERVER is set, but CMS_ENV is not"),
        ],
        ids=["no secret", "no number", "no environment"],
    )
    def test_it_refuses_to_start(self, tmp_path: Path, settings: dict[str, str], line: str) -> None:
        ended = fails_to_start({"INSTANCE_DIR": str(tmp_path), **settings})
        assert ended.returncode != 0
        told = [each for each in (ended.stdout + ended.stderr).splitlines() if line in each]
        assert told, ended.stderr
        assert "Traceback" not in ended.stderr

    def test_a_command_says_it_in_one_line_and_nothing_else(self, tmp_path: Path) -> None:
        ended = command_line({"INSTANCE_DIR": str(tmp_path), "CACHE_URL": "redis://localhost"}, "doctor")
        assert ended.returncode != 0
        (line,) = ended.stderr.strip().splitlines()
        assert line.startswith("CACHE_URL='redis://localhost' is invalid")
        assert not list(tmp_path.iterdir())


@pytest.fixture(params=ENVIRONMENTS)
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give settings with an empty database."""
    if request.param == ENVIRONMENTS[0]:
        yield settings_for(tmp_path)
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database(template="template1") as url:
        yield settings_for(tmp_path, DATABASE_URL=url)


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> dict[str, str]:
    """Give settings with a migrated database and nobody in it."""
    copy_template(sqlite_template, tmp_path)
    return settings_for(tmp_path)


def said(settings: Mapping[str, str], *words: str, lines: tuple[str, ...] = ()) -> str:
    """Run a command that goes well, and return what it said."""
    ended = command_line(settings, *words, input_lines=lines)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def here(app: Flask, *words: str, said: str = "") -> Result:
    """Run a command in this process, where its own start is not what the test is about."""
    result = app.test_cli_runner().invoke(args=words, input=said)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


class TestCommands:
    """`flask ...`."""

    def test_the_migrations_go_up_and_down_and_say_what_the_models_say(self, bare: dict[str, str]) -> None:
        said(bare, "db", "upgrade")
        said(bare, "db", "upgrade")
        assert "No new upgrade operations detected" in said(bare, "db", "check")
        said(bare, "db", "downgrade", "base")
        said(bare, "db", "upgrade")
        said(bare, "admin", "create", "ann@example.com", "--username", "ann", lines=(PASSWORD,))

    def test_an_administrator_is_made_with_a_password_from_standard_input_and_signs_in(self, sqlite_site: Site) -> None:
        email = sqlite_site.new_address("made")
        words = ("admin", "create", email, "--username", email.partition("@")[0])
        told = said(sqlite_site.settings, *words, "--superuser", lines=("a password of theirs",))
        assert email in told
        assert "a password of theirs" not in told
        user = sqlite_site.user(email)
        assert user is not None
        assert user.is_superuser
        assert sqlite_site.visitor(email, password="a password of theirs").sign_in().status == 200
        again = command_line(sqlite_site.settings, *words, input_lines=(PASSWORD,))
        assert again.returncode != 0
        assert again.stderr.count("\n") == 1, again.stderr

    @pytest.mark.parametrize(
        ("email", "password"), [("no address", PASSWORD), ("bob@example.com", "short"), ("bob@example.com", "")]
    )
    def test_what_cannot_be_an_administrator_is_refused_in_one_line(
        self, settings: dict[str, str], email: str, password: str
    ) -> None:
        ended = here(create_app(settings), "admin", "create", email, "--username", "bob", said=password)
        assert ended.exit_code != 0
        assert (ended.stdout, ended.stderr.count("\n")) == ("", 1), ended.stderr

    def test_the_demonstration_is_made_once_and_works(self, sqlite_site: Site) -> None:
        first, second = (said(sqlite_site.settings, "admin", "demo") for _ in range(2))
        assert first == second
        email, password = first.split()[2], first.split()[-1]
        assert sqlite_site.visitor(email, password=password).sign_in().status == 200
        refused = command_line({**sqlite_site.settings, **PRODUCTION}, "admin", "demo")
        assert refused.returncode != 0
        assert password not in refused.stdout + refused.stderr

    def test_the_demonstration_needs_no_other_command_before_it(self, tmp_path: Path) -> None:
        settings = {"INSTANCE_DIR": str(tmp_path), "CMS_ENV": "development"}
        first, second = (said(settings, "admin", "demo", "--upgrade") for _ in range(2))
        assert first == second
        assert first.startswith("Demonstration sign-in:")

    def test_waiting_mail_is_delivered_and_the_command_ends(self, quiet_site: Site) -> None:
        site = quiet_site
        ann, new = site.person(), site.new_address()
        ann.ask(new)
        waiting = Mail.user_id == site.user_id(ann.email), Mail.state == MailState.QUEUED
        assert site.count(Mail, *waiting) == 2
        assert said(site.settings, "mail", "deliver") == ""
        assert site.count(Mail, *waiting) == 0
        assert ann.confirm(new, site.code_to(new)).status == 200

    def test_a_history_that_somebody_touched_is_found(self, site: Site) -> None:
        ann = site.person()
        site.change_address(ann, site.new_address())
        user_id = site.user_id(ann.email)
        assert "Every history is intact." in here(site.app, "audit", "verify").output
        rows = site.rows(select(Audit.__table__).where(Audit.user_id == user_id).order_by(Audit.number))
        last = rows[-1].number
        changed = update(Audit).where(Audit.user_id == user_id, Audit.number == 2)
        missing = delete(Audit).where(Audit.user_id == user_id)
        for number, touch in (
            (2, changed.values(network="192.0.2.1")),
            (2, missing.where(Audit.number == 2)),
            (last, missing.where(Audit.number == last)),
        ):
            site.execute(touch)
            ended = here(site.app, "audit", "verify")
            assert (ended.exit_code, ended.output) == (1, f"{ann.email}: row {number} was changed or is missing\n")
            site.execute(missing)
            site.execute(Audit.__table__.insert().values([dict(row._mapping) for row in rows]))
        assert "Every history is intact." in said(site.settings, "audit", "verify")

    def test_the_policy_is_printed_for_every_role(self, settings: dict[str, str]) -> None:
        told = said({**settings, "EMAIL_POLICY": "editor=new,superuser=both"}, "email", "policy")
        assert told.splitlines() == [
            "editor: a code from the new address",
            "superuser: a code from both addresses",
        ]


def ill_parts(told: str) -> list[str]:
    """Return the names of the parts that the doctor calls ill."""
    return [line[5:].strip().partition(":")[0] for line in told.splitlines() if line.startswith("FAIL")]


class TestDoctor:
    """`flask doctor`."""

    def test_all_checks_succeed_on_a_working_site(self, site: Site) -> None:
        ended = command_line(site.settings, "doctor")
        assert (ended.returncode, ill_parts(ended.stdout)) == (0, []), ended.stdout

    def test_a_folder_that_others_can_read_is_named(self, settings: dict[str, str], tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        ended = here(create_app(settings), "doctor")
        assert (ended.exit_code, ill_parts(ended.stdout)) == (1, ["files"]), ended.output
        assert f"chmod 700 {tmp_path}" in ended.stdout

    @pytest.mark.parametrize("served", ["cms.example.com", "a.example.org,.example.com", "CMS.example.com:443"])
    def test_all_checks_succeed_if_the_host_of_the_site_is_served(self, sqlite_site: Site, served: str) -> None:
        ended = here(create_app({**sqlite_site.settings, **PRODUCTION, "TRUSTED_HOSTS": served}), "doctor")
        assert (ended.exit_code, ill_parts(ended.stdout)) == (0, []), ended.output

    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"CMS_ENV": "production", "SITE_URL": ""}, "SITE_URL must be set in production"),
            ({"CMS_ENV": "production", "SECRET_KEY": "x" * 64}, "SECRET_KEY is too weak"),
            ({"MAIL_USERNAME": "cms", "MAIL_SERVER": "smtp.example.com"}, "MAIL_USERNAME requires MAIL_USE_TLS"),
        ],
        ids=["no address of the site", "a weak key", "a password in clear"],
    )
    def test_what_stops_the_start_stops_the_doctor_with_the_same_line(
        self, settings: dict[str, str], line: str, tmp_path: Path
    ) -> None:
        ended = command_line({**settings_for(tmp_path), "SITE_URL": "https://cms.example.com", **settings}, "doctor")
        assert (ended.returncode, ended.stderr[: len(line)], ended.stderr.count("\n")) == (1, line, 1), ended.stderr

    @pytest.mark.parametrize(
        ("part", "settings"),
        [
            ("mail server", {"MAIL_PORT": str(free_port())}),
            ("database", {"DATABASE_URL": f"postgresql://cms@127.0.0.1:{free_port()}/none"}),
            ("database", {"DATABASE_URL": "sqlite:///{folder}/empty.db"}),
            ("cache", {"CACHE_URL": f"memcached://127.0.0.1:{free_port()}"}),
            ("cache", {"CACHE_URL": "sqlite:////nowhere/at/all/cache.db"}),
            ("sender", {"MAIL_DEFAULT_SENDER": "CMS <cms@localhost>"}),
            ("secret key", {"SECRET_KEY": "x" * 64}),
            ("hosts", PRODUCTION),
            ("hosts", {**PRODUCTION, "TRUSTED_HOSTS": "www.example.com,127.0.0.1"}),
            ("hosts", {"TRUSTED_HOSTS": "cms.example.org", "SITE_URL": "http://cms.example.com"}),
        ],
        ids=[
            *("no mail server", "no database", "no migrations", "no memcached", "no folder", "no sender"),
            *("one repeated letter", "every name", "not the name of the site", "not the name of the site either"),
        ],
    )
    def test_a_failing_check_is_named(
        self, sqlite_site: Site, tmp_path: Path, part: str, settings: dict[str, str]
    ) -> None:
        given = {name: value.format(folder=tmp_path) for name, value in settings.items()}
        ended = here(create_app({**sqlite_site.settings, **given}), "doctor")
        assert (ended.exit_code, ill_parts(ended.stdout)) == (1, [part]), ended.output
