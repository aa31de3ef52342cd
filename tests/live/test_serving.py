"""Serving: starting, stopping, reloading, production, proxies, and the command line."""

import contextlib
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
    run_module,
    run_program,
)


def is_alive(pid: int) -> bool:
    """Return whether a process runs."""
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def start_gunicorn(settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start gunicorn with invalid settings, and wait for its end."""
    return run_module(["gunicorn", "--bind", f"127.0.0.1:{free_port()}", "app:create_app()"], settings)


WORKER = """
import gc, runpy, sys, types
from app import create_app
create_app({"INSTANCE_DIR": sys.argv[1], "MAIL_DELIVERY": "worker"})
cfg = types.SimpleNamespace(graceful_timeout=20, set=lambda *_: None)
worker = types.SimpleNamespace(age=2, metrics=None, draining=bytes(1), cfg=cfg)
runpy.run_path("gunicorn.conf.py")["post_worker_init"](worker)
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


class TestProcesses:
    """The master process of gunicorn and its workers."""

    def test_garbage_collection_does_not_traverse_what_a_worker_has_loaded(self, tmp_path: Path) -> None:
        ended = run_program([sys.executable, "-c", WORKER, str(tmp_path)], cwd=ROOT)
        assert ended.returncode == 0, ended.stderr
        excluded, traversed = map(int, ended.stdout.split())
        assert traversed < excluded / 20

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-C", "TERM"])
    def test_a_signal_ends_all_processes(self, serve: Serve, sign: int) -> None:
        with serve(ENVIRONMENTS[0]) as site:
            ann = site.person()
            ann.ask(site.new_address())  # Starts the delivery thread.
            process = site.server._process
            assert process is not None
            pids = [process.pid, *site.server.workers()]
            assert len(pids) == 3
            process.send_signal(sign)
            eventually(lambda: process.poll() is not None, "gunicorn ends")
            assert process.returncode == 0
            eventually(lambda: not [pid for pid in pids if is_alive(pid)], "all processes have ended")
            assert "Traceback" not in site.log

    def test_a_reload_under_load_fails_no_request(self, site: Site) -> None:
        before, done, answers = set(site.server.workers()), threading.Event(), []
        people = [site.person() for _ in range(3)]

        def work(number: int) -> None:
            while not done.is_set():
                answers.append(people[number].get_as_script())
                answers.append(people[number].reauth())

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            site.server.reload()
            eventually(lambda: not before & set(site.server.workers()), "the old workers have ended")
            served = len(answers)
            eventually(lambda: len(answers) > served + 6, "the new workers respond")
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert {answer.status for answer in answers} == {200}, [str(a) for a in answers if a.status != 200]
        assert len(site.server.workers()) == 2

    def test_a_reload_with_a_bad_file_is_refused_in_one_line_and_the_node_serves_on(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        file = tmp_path / "site.css"
        file.write_text("a {}")
        with serve(ENVIRONMENTS[0], SITE_STYLES=str(file)) as site:
            workers = set(site.server.workers())
            file.write_text("")
            site.server.reload()
            line = f"Not reloaded: SITE_STYLES={str(file)!r} is invalid: the file is empty."
            eventually(lambda: line in site.log, "the reload was refused")
            assert set(site.server.workers()) == workers
            file.write_text("b {}")
            site.server.reload()
            eventually(lambda: not workers & set(site.server.workers()), "the workers were replaced")
            assert "Traceback" not in site.log

    def test_a_worker_that_was_killed_is_replaced(self, site: Site) -> None:
        ann = site.person()
        assert site.server.kill_worker() not in site.server.workers()
        assert len(site.server.workers()) == 2
        assert eventually(lambda: ann.get_as_script().status == 200, "the site responds")

    def test_a_session_that_ended_in_one_worker_is_invalid_in_the_other(self, quiet_site: Site) -> None:
        site = quiet_site
        first, second = site.server.workers()
        ann = site.person()
        copy = site.clone(ann)
        with frozen(second):
            assert is_signed_in(copy)
        with frozen(first):
            assert is_signed_in(copy)  # Both workers have served the session.
        with frozen(second):
            assert ann.sign_out().status == 200
        with frozen(first):
            assert not is_signed_in(copy)
            assert copy.ask(site.new_address()).error == "sign_in_required"

    def test_a_code_of_one_worker_is_valid_in_the_other(self, quiet_site: Site) -> None:
        site = quiet_site
        first, second = site.server.workers()
        ann, new = site.person(), site.new_address()
        with frozen(second):
            assert ann.ask(new).status == 200
            run_command(site.settings, "mail", "deliver")
            code = site.code_to(new)
        with frozen(first):
            assert ann.confirm(new, code).status == 200


class TestBodies:
    """Limits of request bodies, with a Content-Length and with chunked encoding."""

    TOO_LARGE = b"email=" + b"x" * 65536

    def send(self, site: Site, path: str, *body: bytes, **headers: str) -> bytes:
        """Send a form and another request on one connection; return all data that is received until it is closed."""
        form = {"Host": "127.0.0.1", "Content-Type": "application/x-www-form-urlencoded", **SCRIPT}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**form, **headers}.items()), "", ""]
        following = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", site.server.port), timeout=20) as sock:
            sock.sendall(b"".join(["\r\n".join(lines).encode(), *body]))
            with contextlib.suppress(OSError):  # The server may have closed the connection.
                sock.sendall(following)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def encode_chunks(self, body: bytes) -> Iterator[bytes]:
        """Yield the chunks of a body."""
        for begin in range(0, len(body), 8000):
            chunk = body[begin : begin + 8000]
            yield b"%x\r\n%s\r\n" % (len(chunk), chunk)
        yield b"0\r\n\r\n"

    @pytest.mark.parametrize("path", ["/cms/login/", "/cms/logout/", "/cms/resetemail/stop/x/", "/healthz", "/nothing"])
    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b"])
    def test_a_large_body_with_chunked_encoding_gets_413_and_closes_the_connection(
        self, sqlite_site: Site, path: str, kind: str
    ) -> None:
        headers = {"Content-Type": kind, "Transfer-Encoding": "chunked"}
        answer = self.send(sqlite_site, path, *self.encode_chunks(self.TOO_LARGE), **headers)
        assert answer.startswith(b"HTTP/1.1 413 "), answer
        assert b'"error":"too_large"' in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1

    def test_a_large_content_length_gets_413_and_closes_the_connection(self, sqlite_site: Site) -> None:
        answer = self.send(sqlite_site, "/cms/logout/", self.TOO_LARGE, **{"Content-Length": str(len(self.TOO_LARGE))})
        assert answer.startswith(b"HTTP/1.1 413 "), answer
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1

    def test_the_limit_is_the_same_with_chunked_encoding(self, sqlite_site: Site) -> None:
        body = self.encode_chunks(self.TOO_LARGE[:65536])
        answer = self.send(sqlite_site, "/cms/login/", *body, **{"Transfer-Encoding": "chunked"})
        assert b'"error":"csrf_failed"' in answer, answer

    def test_a_form_with_chunked_encoding_is_accepted(self, sqlite_site: Site) -> None:
        ann = sqlite_site.visitor(sqlite_site.administrator())
        token = {"X-CSRFToken": ann.token(), "Transfer-Encoding": "chunked"}
        cookies = "; ".join(f"{name}={value}" for name, value in ann.browser.cookies.items())
        body = self.encode_chunks(urlencode({"email": ann.email, "password": ann.password}).encode())
        answer = self.send(sqlite_site, "/cms/login/", *body, Cookie=cookies, **token)
        assert answer.startswith(b"HTTP/1.1 200 "), answer

    @pytest.mark.parametrize("chunks", [b"zz\r\nabc\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"-1\r\n", b"\r\n"])
    def test_invalid_chunks_get_400(self, sqlite_site: Site, chunks: bytes) -> None:
        answer = self.send(sqlite_site, "/cms/login/", chunks, **{"Transfer-Encoding": "chunked"})
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b'"error":"bad_request"' in answer


@pytest.fixture(scope="module")
def direct(serve: Serve) -> Iterator[Site]:
    """Provide a site in production without a proxy."""
    with serve(ENVIRONMENTS[0], **PRODUCTION) as site:
        yield site


@pytest.fixture(scope="module")
def behind_proxy(serve: Serve) -> Iterator[Site]:
    """Provide a site in production with one proxy and one host name."""
    settings = {"TRUSTED_PROXIES": "1", "TRUSTED_HOSTS": "cms.example.com,127.0.0.1", **PRODUCTION}
    with serve(ENVIRONMENTS[0], **settings) as site:
        yield site


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def quiet_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    """Provide a site whose workers deliver no mail: a worker that is frozen then holds no lock of the database."""
    with serve(request.param, MAIL_DELIVERY="worker") as site:
        yield site


def get(site: Site, path: str, **headers: str) -> Answer:
    """Send a GET request of a script in a new browser; names of headers are written with underscores."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.visitor().browser.send("GET", path, headers={**SCRIPT, **given})


class TestProduction:
    """CMS_ENV=production, with and without a proxy."""

    def test_there_is_no_mailbox_page(self, direct: Site, sqlite_site: Site) -> None:
        assert get(direct, "/dev/mailbox/").status == 404
        assert get(sqlite_site, "/dev/mailbox/").status == 200

    def test_the_cookie_is_restricted_to_tls_and_to_this_host(self, direct: Site) -> None:
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
        networks = site.rows(select(Audit.network).where(Audit.user_id == user_id, Audit.event == "email_changed"))
        # The last address is added by the proxy; clients can send any other ones.
        assert networks == [("203.0.113.77",)]

    def test_other_host_names_are_refused(self, behind_proxy: Site) -> None:
        answer = get(behind_proxy, "/cms/login", Host="evil.example")
        assert answer.status == 400
        assert b"evil" not in answer.body
        assert "Location" not in answer.headers

    def test_headers_of_a_proxy_are_ignored_if_there_is_none(self, direct: Site) -> None:
        email = direct.administrator()
        visitor = direct.visitor(email, password="wrong")
        visitor.browser.headers |= {"X-Forwarded-For": "203.0.113.77", "X-Forwarded-Proto": "https"}
        answer = visitor.sign_in()
        assert answer.error == "wrong_credentials"
        assert "Strict-Transport-Security" not in answer.headers
        query = select(Audit.network).where(Audit.user_id == direct.user_id(email), Audit.event == "sign_in_failed")
        assert eventually(lambda: direct.rows(query), "the failure is recorded") == [("127.0.0.1",)]

    def test_the_host_of_a_request_is_not_used_in_mails(self, direct: Site) -> None:
        ann = direct.visitor(direct.administrator())
        ann.browser.headers["Host"] = "evil.example"
        ann.sign_in()
        new = direct.new_address()
        assert ann.ask(new).status == 200
        direct.code_to(new)
        eventually(direct.all_mail_is_sent, "all mail is sent")
        assert direct.smtp.received
        assert not [mail for mail in direct.smtp.received if b"evil" in mail.raw]


class TestSettings:
    """An invalid setting prevents the start; one line names it and the reason."""

    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"CMS_ENV": "production"}, "SECRET_KEY must be set in production"),
            ({"CAPTCHA_TRIES": "many"}, "CAPTCHA_TRIES='many' is invalid"),
            ({"MAIL_SERVER": "smtp.example.com"}, "MAIL_SERVER is set, but CMS_ENV is not"),
        ],
        ids=["missing secret", "not a number", "missing environment"],
    )
    def test_an_invalid_setting_prevents_the_start(self, tmp_path: Path, settings: dict[str, str], line: str) -> None:
        result = start_gunicorn({"INSTANCE_DIR": str(tmp_path), **settings})
        assert result.returncode != 0
        assert [each for each in (result.stdout + result.stderr).splitlines() if line in each], result.stderr
        assert "Traceback" not in result.stderr

    def test_a_command_prints_one_line_for_an_invalid_setting(self, tmp_path: Path) -> None:
        result = command_line({"INSTANCE_DIR": str(tmp_path), "CACHE_URL": "redis://localhost"}, "doctor")
        assert result.returncode != 0
        (line,) = result.stderr.strip().splitlines()
        assert line.startswith("CACHE_URL='redis://localhost' is invalid")
        assert not list(tmp_path.iterdir())


@pytest.fixture(params=ENVIRONMENTS)
def empty_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Provide settings with an empty database that is not migrated."""
    if request.param == ENVIRONMENTS[0]:
        yield settings_for(tmp_path)
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database(template="template1") as url:
        yield settings_for(tmp_path, DATABASE_URL=url)


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> dict[str, str]:
    """Provide settings with a migrated database without administrators."""
    copy_template(sqlite_template, tmp_path)
    return settings_for(tmp_path)


def run_command(settings: Mapping[str, str], *words: str, lines: tuple[str, ...] = ()) -> str:
    """Run a command that must succeed, and return its output."""
    result = command_line(settings, *words, input_lines=lines)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def run_in_process(app: Flask, *words: str, input_text: str = "") -> Result:
    """Run a command in this process, which is faster."""
    result = app.test_cli_runner().invoke(args=words, input=input_text)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


class TestCommands:
    """Commands of `flask --app app`."""

    def test_migrations_agree_with_the_models(self, empty_settings: dict[str, str]) -> None:
        run_command(empty_settings, "db", "upgrade")
        assert "No new upgrade operations detected" in run_command(empty_settings, "db", "check")
        run_command(empty_settings, "admin", "create", "ann@example.com", "--username", "ann", lines=(PASSWORD,))

    def test_an_administrator_is_created_with_a_password_from_standard_input(self, sqlite_site: Site) -> None:
        email = sqlite_site.new_address("ann")
        words = ("admin", "create", email, "--username", email.partition("@")[0])
        output = run_command(sqlite_site.settings, *words, "--superuser", lines=("a password of theirs",))
        assert email in output
        assert "a password of theirs" not in output
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
    def test_invalid_values_of_an_administrator_are_refused_in_one_line(
        self, settings: dict[str, str], email: str, password: str
    ) -> None:
        result = run_in_process(
            create_app(settings), "admin", "create", email, "--username", "bob", input_text=password
        )
        assert result.exit_code != 0
        assert (result.stdout, result.stderr.count("\n")) == ("", 1), result.stderr

    def test_the_demonstration_administrator_is_created_once_and_can_sign_in(self, sqlite_site: Site) -> None:
        first, second = (run_command(sqlite_site.settings, "admin", "demo") for _ in range(2))
        assert first == second
        email, password = first.split()[2], first.split()[-1]
        assert sqlite_site.visitor(email, password=password).sign_in().status == 200
        refused = command_line({**sqlite_site.settings, **PRODUCTION}, "admin", "demo")
        assert refused.returncode != 0
        assert password not in refused.stdout + refused.stderr

    def test_the_demonstration_needs_no_other_command(self, tmp_path: Path) -> None:
        settings = {"INSTANCE_DIR": str(tmp_path), "CMS_ENV": "development"}
        first, second = (run_command(settings, "admin", "demo", "--upgrade") for _ in range(2))
        assert first == second
        assert first.startswith("Demonstration sign-in:")

    def test_queued_mail_is_delivered_and_the_command_ends(self, quiet_site: Site) -> None:
        site = quiet_site
        ann, new = site.person(), site.new_address()
        ann.ask(new)
        waiting = Mail.user_id == site.user_id(ann.email), Mail.state == MailState.QUEUED
        assert site.count(Mail, *waiting) == 2
        assert run_command(site.settings, "mail", "deliver") == ""
        assert site.count(Mail, *waiting) == 0
        assert ann.confirm(new, site.code_to(new)).status == 200

    def test_a_modified_history_is_reported(self, site: Site) -> None:
        ann = site.person()
        site.change_address(ann, site.new_address())
        user_id = site.user_id(ann.email)
        assert "Every history is intact." in run_in_process(site.app, "audit", "verify").output
        rows = site.rows(select(Audit.__table__).where(Audit.user_id == user_id).order_by(Audit.number))
        last = rows[-1].number
        changed = update(Audit).where(Audit.user_id == user_id, Audit.number == 2)
        missing = delete(Audit).where(Audit.user_id == user_id)
        for number, modification in (
            (2, changed.values(network="192.0.2.1")),
            (2, missing.where(Audit.number == 2)),
            (last, missing.where(Audit.number == last)),
        ):
            site.execute(modification)
            result = run_in_process(site.app, "audit", "verify")
            assert (result.exit_code, result.output) == (1, f"{ann.email}: row {number} was changed or is missing\n")
            site.execute(missing)
            site.execute(Audit.__table__.insert().values([dict(row._mapping) for row in rows]))
        assert "Every history is intact." in run_command(site.settings, "audit", "verify")

    def test_the_policy_is_printed_for_every_role(self, settings: dict[str, str]) -> None:
        output = run_command({**settings, "EMAIL_POLICY": "editor=new,superuser=both"}, "email", "policy")
        assert output.splitlines() == [
            "editor: a code from the new address",
            "superuser: a code from both addresses",
        ]


def failed_checks(output: str) -> list[str]:
    """Return the names of the checks that failed."""
    return [line[5:].strip().partition(":")[0] for line in output.splitlines() if line.startswith("FAIL")]


class TestDoctor:
    """`flask doctor`."""

    def test_all_checks_succeed_on_a_working_site(self, site: Site) -> None:
        result = command_line(site.settings, "doctor")
        assert (result.returncode, failed_checks(result.stdout)) == (0, []), result.stdout

    def test_a_folder_that_other_users_can_read_is_reported(self, settings: dict[str, str], tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        result = run_in_process(create_app(settings), "doctor")
        assert (result.exit_code, failed_checks(result.stdout)) == (1, ["files"]), result.output
        assert f"chmod 700 {tmp_path}" in result.stdout

    @pytest.mark.parametrize("served", ["cms.example.com", "a.example.org,.example.com", "CMS.example.com:443"])
    def test_all_checks_succeed_if_the_host_of_the_site_is_served(self, sqlite_site: Site, served: str) -> None:
        result = run_in_process(create_app({**sqlite_site.settings, **PRODUCTION, "TRUSTED_HOSTS": served}), "doctor")
        assert (result.exit_code, failed_checks(result.stdout)) == (0, []), result.output

    @pytest.mark.parametrize(
        ("settings", "line"),
        [
            ({"CMS_ENV": "production", "SITE_URL": ""}, "SITE_URL must be set in production"),
            ({"CMS_ENV": "production", "SECRET_KEY": "x" * 64}, "SECRET_KEY is too weak"),
            ({"MAIL_USERNAME": "cms", "MAIL_SERVER": "smtp.example.com"}, "MAIL_USERNAME requires MAIL_USE_TLS"),
        ],
        ids=["missing SITE_URL", "weak key", "password without TLS"],
    )
    def test_settings_that_prevent_the_start_end_the_doctor_with_the_same_line(
        self, settings: dict[str, str], line: str, tmp_path: Path
    ) -> None:
        result = command_line({**settings_for(tmp_path), "SITE_URL": "https://cms.example.com", **settings}, "doctor")
        assert (result.returncode, result.stderr[: len(line)], result.stderr.count("\n")) == (1, line, 1), result.stderr

    @pytest.mark.parametrize(
        ("check", "settings"),
        [
            ("mail server", {"MAIL_PORT": str(free_port())}),
            ("database", {"DATABASE_URL": f"postgresql://cms@127.0.0.1:{free_port()}/none"}),
            ("schema", {"DATABASE_URL": "sqlite:///{folder}/empty.db"}),
            ("cache", {"CACHE_URL": f"memcached://127.0.0.1:{free_port()}"}),
            ("cache", {"CACHE_URL": "sqlite:////nowhere/at/all/cache.db"}),
            ("sender", {"MAIL_DEFAULT_SENDER": "CMS <cms@localhost>"}),
            ("secret key", {"SECRET_KEY": "x" * 64}),
            ("hosts", PRODUCTION),
            ("hosts", {**PRODUCTION, "TRUSTED_HOSTS": "www.example.com,127.0.0.1"}),
            ("hosts", {"TRUSTED_HOSTS": "cms.example.org", "SITE_URL": "http://cms.example.com"}),
        ],
        ids=[
            *("no mail server", "no database", "no migrations", "no memcached", "no folder", "local sender"),
            *("repeated letter", "any host", "other hosts in production", "other hosts in development"),
        ],
    )
    def test_a_failing_check_is_reported(
        self, sqlite_site: Site, sqlite_template: Path, tmp_path: Path, check: str, settings: dict[str, str]
    ) -> None:
        copy_template(sqlite_template, tmp_path)  # In that of the site there are apps, which depend on its SECRET_KEY.
        own = {"DATABASE_URL": f"sqlite:///{tmp_path}/cms.db"}
        given = {name: value.format(folder=tmp_path) for name, value in settings.items()}
        result = run_in_process(create_app({**sqlite_site.settings, **own, **given}), "doctor")
        assert (result.exit_code, failed_checks(result.stdout)) == (1, [check]), result.output
