"""accounts/operations/doctor/ and readiness.py: every check reports its problem, and none prevents the others."""

import contextlib
import json
import re
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import insert, update

import config
from accounts.errors import Draining, NobodyThere
from accounts.factors import authenticator_app
from accounts.flows import new_password
from accounts.mail import outbox, worker
from accounts.operations import doctor, readiness
from accounts.operations.doctor import Check, Fleet, Severity, check, database, factors, machine, network, site
from accounts.operations.doctor.database import Limits
from accounts.origin import COMMAND_LINE
from models import AuthenticatorApp, Mail, MailState, db
from tests.environments import PRODUCTION, Environment, set_revision
from tests.servers import (
    AS_ROOT,
    LONGEST_SECONDS,
    ROOT,
    MemcachedServer,
    Pgbouncer,
    PostgresServer,
    RangeServer,
    SmtpServer,
    create_certificate,
    expire_certificate,
    free_port,
)
from tests.stories.factor_steps import add_app, add_passkey
from tests.test_docs import table_rows

CHECKS = (
    "versions,database,schema,clock,connections,cache,mail server,sender,queue,delivery,outbox,webhooks,numbers,"
    "secret key,former keys,second factors,breached passwords,hosts,site,files,disk"
).split(",")
FLEET = Fleet(workers=2, mail_processes=1)
NO_SERVER = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": "1"}
CA_FILE = ssl.get_default_verify_paths().openssl_cafile_env
STRONG = "0123456789abcdef0a1b2c3d4e5f6071"


@contextlib.contextmanager
def answering(context: ssl.SSLContext, head: str) -> Iterator[int]:
    """Answer every request over TLS with these headers; the context is the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(4096)
                connection.sendall(f"{head}\r\n\r\n".encode() if head else b"")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(LONGEST_SECONDS)


def run(env: Environment, **settings: str) -> dict[str, Check]:
    """Return the checks of an application with these settings by their names."""
    app = env.build(**settings) if settings else env.app
    with app.app_context():
        results = list(doctor.run_checks(FLEET))
    assert [each.name for each in results] == CHECKS
    assert all(each.message and "\n" not in each.message for each in results)
    json.dumps([each.data for each in results])
    return {each.name: each for each in results}


def find_problems(env: Environment, **settings: str) -> dict[str, str]:
    """Return the errors and warnings by the name of the check; that nobody delivers is one in all of these tests."""
    problems = (Severity.WARNING, Severity.ERROR)
    found = {name: each.message for name, each in run(env, **settings).items() if each.severity in problems}
    found.pop("delivery", None)
    return found


@pytest.fixture
def env(sqlite_env: Environment) -> Environment:
    """Return the environment with the embedded defaults."""
    return sqlite_env


def queue_mail(env: Environment, **more: Any) -> None:
    """Add a row to the outbox."""
    now = env.clock.now()
    values = {"kind": "code", "recipient": "ann@example.com", "subject": "", "body": "", "html": "", "due_at": now}
    values |= {"message_id": f"{free_number()}@example.com", "created_at": now, "not_after": now + timedelta(days=1)}
    with env.app.app_context():
        db.session.execute(insert(Mail).values(**values | more))
        db.session.commit()


NUMBERS = iter(range(10**9))


def free_number() -> int:
    """Return another number each time."""
    return next(NUMBERS)


def test_the_embedded_defaults_have_no_problem_but_that_nobody_delivers(env: Environment) -> None:
    assert find_problems(env, SECRET_KEY=STRONG) == {}
    assert run(env)["delivery"].severity == Severity.WARNING


class TestDatabase:
    """The schema, and what depends on it."""

    @pytest.mark.parametrize(
        ("present", "problem", "severity", "state"),
        [
            ("0001", "is at migration 0001, not {}: run `flask --app app db upgrade`", "error", "behind"),
            (
                "9999",
                "is at migration 9999, which a newer version has made: this version ends at {}",
                "warning",
                "ahead",
            ),
        ],
    )
    def test_a_schema_that_is_behind_is_an_error_and_one_that_is_ahead_still_serves(
        self, env: Environment, present: str, problem: str, severity: str, state: str
    ) -> None:
        with set_revision(env.app, present) as newest:
            found = run(env)["schema"]
        assert (found.message, found.severity, found.data["state"]) == (problem.format(newest), severity, state)

    def test_a_database_without_tables_is_reported_once_and_the_other_checks_run(
        self, env: Environment, tmp_path: Path
    ) -> None:
        found = run(env, DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
        assert [name for name, each in found.items() if each.severity == Severity.ERROR] == ["schema"]
        assert found["schema"].message == "has no tables: run `flask --app app db upgrade`"
        for name in ("queue", "delivery", "outbox", "webhooks", "former keys", "second factors"):
            assert (found[name].severity, found[name].message) == (Severity.SKIPPED, "needs the schema")


class TestConnections:
    """The connections that the processes may open, and those that PostgreSQL allows."""

    @pytest.mark.parametrize(
        ("limits", "nodes", "fit", "severity"),
        [
            ((100, 3, -1, -1, 9), 0, 15, "ok"),
            ((100, 3, -1, -1, 9), 15, 15, "ok"),
            ((100, 3, -1, -1, 9), 16, 15, "error"),
            ((20, 3, -1, -1, 1), 0, 2, "ok"),
            ((15, 3, -1, -1, 1), 0, 1, "warning"),
            ((15, 3, -1, -1, 1), 1, 1, "ok"),
            ((10, 3, -1, -1, 1), 0, 0, "warning"),
            ((100, 3, 20, -1, 1), 0, 2, "ok"),
            ((100, 3, 40, 11, 1), 0, 1, "warning"),
            ((100, 3, -1, -1, 78), 0, 15, "warning"),
        ],
    )
    def test_the_nodes_that_fit_leave_room_for_mail_and_commands(
        self, limits: tuple[int, int, int, int, int], nodes: int, fit: int, severity: str
    ) -> None:
        fleet = Fleet(workers=2, mail_processes=1, nodes=nodes)
        found = database.judge_connections(Limits(*limits), fleet, 3, is_pooled=False)
        assert (found.data["nodes_that_fit"], found.severity) == (fit, severity)
        assert found.data["of_node"] * fit + found.data["of_mail"] + 3 <= found.data["usable"] or fit == 0

    def test_the_number_of_workers_is_that_of_gunicorn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert f"\nworkers = {config.GUNICORN_WORKERS}\n" in (ROOT / "gunicorn.conf.py").read_text()
        for arguments, workers in (
            ("", 2),
            ("--workers 4 --threads 8", 4),
            ("--workers=5", 5),
            ("-w 6", 6),
            ("-w7", 7),
            ("--threads 8", 2),
            ("--workers 3 --workers 0", 1),
        ):
            monkeypatch.setenv("GUNICORN_CMD_ARGS", arguments)
            assert config.gunicorn_workers() == workers, arguments

    def test_the_limits_are_read_from_the_server_and_from_the_role(
        self, postgres_env: Environment, postgres: PostgresServer
    ) -> None:
        found = run(postgres_env)["connections"]
        assert (found.severity, found.data["max_connections"], found.data["usable"]) == ("ok", 200, 197)
        assert found.data["in_use"] >= 1
        postgres._run("CREATE ROLE limited LOGIN CONNECTION LIMIT 9 IN ROLE pg_read_all_data")
        try:
            url = postgres_env.settings["DATABASE_URL"].replace("//cms@", "//limited@")
            found = run(postgres_env, DATABASE_URL=url)["connections"]
            assert (found.severity, found.data["usable"], found.data["nodes_that_fit"]) == ("warning", 9, 0)
        finally:
            postgres._run("DROP ROLE limited")

    def test_behind_pgbouncer_it_is_said_what_cannot_be_known(
        self, postgres_env: Environment, postgres: PostgresServer
    ) -> None:
        pgbouncer = Pgbouncer(postgres).start()
        try:
            url = pgbouncer.url(postgres_env.settings["DATABASE_URL"])
            found = run(postgres_env, DATABASE_URL=url)
            assert found["connections"].data["nodes_that_fit"] is None
            assert "which cannot be read from here" in found["connections"].message
            assert found["database"].data["pooled"] is True
            assert "DATABASE_PREPARED_STATEMENTS=no" in found["database"].message
            found = run(postgres_env, DATABASE_URL=url, DATABASE_PREPARED_STATEMENTS="no")
            assert (found["database"].severity, found["schema"].severity) == ("ok", "ok")
        finally:
            pgbouncer.stop()


class TestCache:
    """The cache, and every memcached of several."""

    def test_a_memcached_among_several_that_does_not_respond_is_an_error(self, postgres_env: Environment) -> None:
        postgres_env.clock.at = datetime.now(UTC)
        found = run(postgres_env)["cache"]
        assert (found.severity, found.data["servers"], found.data["network"]) == ("ok", 1, "this machine")
        own = postgres_env.settings["CACHE_URL"]
        port = free_port()
        found = run(postgres_env, CACHE_URL=f"{own},localhost:{port}")["cache"]
        assert (found.severity, found.message) == ("error", f"no response from localhost:{port}")

    def test_a_memcached_with_another_clock_is_a_warning(self, postgres_env: Environment) -> None:
        postgres_env.clock.at = datetime.now(UTC)
        assert run(postgres_env)["cache"].severity == Severity.OK
        postgres_env.clock.advance(minutes=1)
        found = run(postgres_env)["cache"]
        assert (found.severity, 59 <= found.data["offset_seconds"][0] <= 63) == ("warning", True)

    @pytest.mark.slow
    def test_a_frozen_memcached_is_reported(self, postgres_env: Environment, memcached: MemcachedServer) -> None:
        memcached.freeze()
        found = run(postgres_env)
        assert (found["cache"].severity, found["delivery"].severity) == ("error", "skipped")
        assert found["cache"].message == f"no response from {memcached.address}"


class TestEncryption:
    """Whether connections to other machines are encrypted, and whether certificates are valid."""

    @pytest.mark.parametrize(
        ("network", "sslmode", "is_encrypted", "count"),
        [
            ("this machine", "prefer", False, 0),
            ("a private network", "prefer", False, 1),
            ("a private network", "prefer", True, 1),
            ("a private network", "require", True, 0),
            ("a public network", "require", True, 1),
            ("a public network", "verify-full", True, 0),
        ],
    )
    def test_a_database_on_another_machine_must_be_encrypted(
        self, network: network.Network, sslmode: str, is_encrypted: bool, count: int
    ) -> None:
        problems = database._find_tls_problems(network, sslmode, is_encrypted=is_encrypted)
        assert [severity for severity, _ in problems] == [Severity.WARNING] * count

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("", "this machine"),
            ("/var/run/postgresql", "this machine"),
            ("127.0.0.1", "this machine"),
            ("::1", "this machine"),
            ("localhost", "this machine"),
            ("10.0.0.11", "a private network"),
            ("100.64.0.1", "a private network"),
            ("fd00::1", "a private network"),
            ("8.8.8.8", "a public network"),
            ("2001:4860:4860::8888", "a public network"),
        ],
    )
    def test_the_network_of_a_host_is_known(self, host: str, expected: str) -> None:
        assert network.network_of(host) == expected

    def test_an_encrypted_connection_to_the_database_is_recognised(
        self, postgres_env: Environment, postgres: PostgresServer, tmp_path: Path
    ) -> None:
        assert run(postgres_env)["database"].data["encrypted"] is False
        certificate, _ = create_certificate(tmp_path)
        key = certificate.with_name("key.pem")
        home = Path(postgres._home.name)
        for file in (certificate, key):
            shutil.copyfile(file, home / file.name)
            (home / file.name).chmod(0o600)
            if AS_ROOT:
                shutil.chown(home / file.name, "postgres", "postgres")
        on = {"ssl": "on", "ssl_cert_file": f"{home}/certificate.pem", "ssl_key_file": f"{home}/key.pem"}
        try:
            for name, value in on.items():
                postgres._run(f"ALTER SYSTEM SET {name} = '{value}'")
            postgres._run("SELECT pg_reload_conf()")
            url = f"{postgres_env.settings['DATABASE_URL']}?sslmode=require"
            found = run(postgres_env, DATABASE_URL=url)["database"]
            assert (found.severity, found.data["encrypted"], found.data["sslmode"]) == ("ok", True, "require")
        finally:
            for name in on:
                postgres._run(f"ALTER SYSTEM RESET {name}")
            postgres._run("SELECT pg_reload_conf()")

    @pytest.mark.servers
    @pytest.mark.real_time
    @pytest.mark.parametrize("setting", ["MAIL_USE_TLS", "MAIL_USE_SSL"])
    def test_the_certificate_of_the_mail_server_is_checked_and_its_end_is_told(
        self, env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        server = SmtpServer(**{"tls_context" if setting == "MAIL_USE_TLS" else "ssl_context": context}).start()
        settings = {"MAIL_SERVER": "localhost", "MAIL_PORT": str(server.port), setting: "yes"}
        try:
            found = run(env, **settings)["mail server"]
            assert found.severity == Severity.ERROR
            assert found.message.startswith("its certificate is not valid: self-signed certificate")
            monkeypatch.setenv(CA_FILE, str(certificate))
            found = run(env, **settings)["mail server"]
            assert (found.severity, 1.9 < found.data["certificate_days"] <= 2.0) == (Severity.OK, True)
            env.clock.advance(days=1.5)
            found = run(env, **settings)["mail server"]
            assert found.severity == Severity.WARNING
            assert found.message.startswith("its certificate expires soon: renew it; localhost:")
        finally:
            server.stop()

    @pytest.mark.servers
    def test_an_expired_certificate_of_the_mail_server_is_an_error(
        self, env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create_certificate(tmp_path)
        certificate, context = expire_certificate(tmp_path)
        monkeypatch.setenv(CA_FILE, str(certificate))
        server = SmtpServer(tls_context=context).start()
        try:
            found = run(env, MAIL_SERVER="localhost", MAIL_PORT=str(server.port), MAIL_USE_TLS="yes")["mail server"]
            expected = "its certificate is not valid: certificate has expired"
            assert (found.severity, found.message) == (Severity.ERROR, expected)
        finally:
            server.stop()

    @pytest.mark.servers
    def test_the_certificate_of_the_site_is_checked(
        self, env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        with answering(context, "HTTP/1.1 303 See Other\r\nLocation: /cms/login/?next=/cms/") as port:
            settings = {"SITE_URL": f"https://name:secret@localhost:{port}", "TRUSTED_HOSTS": "localhost"}
            found = run(env, **settings)["site"]
            assert (found.severity, "self-signed" in found.message) == (Severity.WARNING, True)
            monkeypatch.setenv(CA_FILE, str(certificate))
            found = run(env, **settings)["site"]
            assert (found.severity, found.data["host"]) == (Severity.OK, f"localhost:{port}")
            found = run(env, **settings | {"SITE_URL": f"https://127.0.0.1:{port}"})["site"]
            assert (found.severity, "IP address mismatch" in found.message) == (Severity.ERROR, True)

    @pytest.mark.servers
    @pytest.mark.parametrize(
        ("path", "head", "severity", "told"),
        [
            ("/a/b", "HTTP/1.1 303 See Other\r\nLocation: /a/b/cms/login/?next=/a/b/cms/", "ok", ""),
            ("/a/b", "HTTP/1.1 302 Found\r\nlocation: https://localhost/a/b/cms/login/", "ok", ""),
            ("/a/b", "HTTP/1.1 503 Service Unavailable", "ok", ""),
            (
                "/a/b",
                "HTTP/1.1 303 See Other\r\nLocation: /cms/login/?next=/cms/",
                "error",
                "served below /, not /a/b: set",
            ),
            (
                "",
                "HTTP/1.1 303 See Other\r\nLocation: /x/cms/login/?next=/cms/",
                "error",
                "served below /x, not /: set",
            ),
            (
                "/a/b",
                "HTTP/1.1 404 Not Found",
                "error",
                "does not lead to the account centre: its start page answers 404",
            ),
            ("/a/b", "HTTP/1.1 200 OK", "error", "its start page answers 200"),
            ("", "220 mail.example.com ESMTP", "warning", "SITE_URL does not answer with HTTP"),
            ("", "", "warning", "SITE_URL does not answer with HTTP"),
        ],
    )
    def test_links_in_mails_must_lead_to_the_pages(
        self,
        sqlite_env: Environment,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
        head: str,
        severity: str,
        told: str,
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        monkeypatch.setenv(CA_FILE, str(certificate))
        with answering(context, head) as port:
            app = sqlite_env.app_with(CMS_ENV="development", SITE_URL=f"https://localhost:{port}{path}")
            with app.app_context():
                found = site.check_site()
        assert (found.severity, told in found.message) == (severity, True)

    def test_a_site_that_cannot_be_reached_from_here_is_no_problem(self, env: Environment) -> None:
        found = run(env, SITE_URL="https://127.0.0.1:1", TRUSTED_HOSTS="127.0.0.1")["site"]
        assert found.severity == Severity.SKIPPED
        assert found.message.startswith("127.0.0.1:1 cannot be reached from this machine: ConnectionRefusedError")


class TestMail:
    """The server, the queue, its delivery, and what was given up."""

    def test_a_server_that_cannot_be_reached_is_reported_in_one_line(self, env: Environment) -> None:
        assert find_problems(env, **NO_SERVER)["mail server"].startswith("ConnectionRefusedError: ")

    @pytest.mark.parametrize(("sender", "is_reported"), [("CMS <cms@localhost>", True), ("cms@example.com", False)])
    def test_a_sender_that_no_server_accepts_is_reported(
        self, env: Environment, sender: str, is_reported: bool
    ) -> None:
        assert ("sender" in find_problems(env, **NO_SERVER, MAIL_DEFAULT_SENDER=sender)) is is_reported

    def test_the_queue_is_told_with_the_age_of_its_oldest_mail(self, env: Environment) -> None:
        assert run(env)["queue"].message == "no mail waits"
        queue_mail(env)
        env.clock.advance(minutes=9)
        queue_mail(env)
        queue_mail(env, kind="assisted_proof", created_at=env.clock.now() - timedelta(days=1))  # It waits on purpose.
        found = run(env)["queue"]
        assert (found.severity, found.message) == ("ok", "2 queued, the oldest for 540 s")
        env.clock.advance(minutes=2)
        found = run(env)["queue"]
        assert (found.severity, found.data) == ("warning", {"queued": 2, "oldest_seconds": 660})

    def test_a_heartbeat_shows_that_a_process_delivers_and_ends_with_it(self, env: Environment) -> None:
        with env.app.app_context():
            worker.record_heartbeat()
        assert (run(env)["delivery"].severity, run(env)["delivery"].message) == ("ok", "a process delivers mail")
        env.clock.advance(seconds=worker.HEARTBEAT_SECONDS + 1)
        found = run(env)["delivery"]
        assert (found.severity, found.data["alive"]) == ("warning", False)
        assert "mail deliver --watch" in found.message

    def test_delivery_records_its_heartbeat(self, env: Environment) -> None:
        worker.deliver_all(env.app, threading.Event())
        assert run(env)["delivery"].data["alive"] is True

    def test_a_due_mail_that_nobody_sends_is_an_error_and_a_slow_delivery_a_warning(self, env: Environment) -> None:
        queue_mail(env)
        env.clock.advance(seconds=61)
        found = run(env)["delivery"]
        assert (found.severity, found.data) == ("error", {"alive": False, "overdue_seconds": 61})
        queue_mail(env, state=MailState.SENT, done_at=env.clock.now())
        found = run(env)["delivery"]
        assert (found.severity, found.data) == ("warning", {"alive": True, "overdue_seconds": 61})

    def test_a_mail_that_waits_for_its_next_try_is_not_overdue(self, env: Environment) -> None:
        queue_mail(env, due_at=env.clock.now() + timedelta(minutes=5), tries=3, problem="timeout")
        assert run(env)["delivery"].data["overdue_seconds"] == 0

    def test_mails_that_were_given_up_are_counted_by_reason_for_a_day(self, env: Environment) -> None:
        for state, problem, count in (
            (MailState.REFUSED, "recipient_refused", 2),
            (MailState.EXPIRED, "", 1),
            (MailState.EXPIRED, "unreachable", 3),
            (MailState.FAILED, "unexpected", 1),
        ):
            for _ in range(count):
                queue_mail(env, state=state, problem=problem, done_at=env.clock.now())
        found = run(env)["outbox"]
        assert found.severity == Severity.ERROR
        assert found.data == {
            "failed": {"unexpected": 1},
            "refused": {"recipient_refused": 2},
            "expired": {"not_tried": 1, "unreachable": 3},
        }
        for part in ("mails set aside in the last 24 hours: 1.", "expired in the last 24 hours: 3 (unreachable)"):
            assert part in found.message
        env.clock.advance(days=1, seconds=1)
        assert run(env)["outbox"].message == "no mail was given up in the last 24 hours"

    @pytest.mark.parametrize(
        ("state", "problem", "severity"),
        [
            (MailState.REFUSED, "recipient_refused", "ok"),
            (MailState.REFUSED, "message_refused", "warning"),
            (MailState.EXPIRED, "timeout", "warning"),
            (MailState.FAILED, "unexpected", "error"),
        ],
    )
    def test_a_mistyped_address_is_usual_and_everything_else_is_not(
        self, env: Environment, state: MailState, problem: str, severity: str
    ) -> None:
        queue_mail(env, state=state, problem=problem, done_at=env.clock.now())
        assert run(env)["outbox"].severity == severity


class TestTestMail:
    """`flask doctor --mail`."""

    def test_without_a_server_it_is_stored(self, env: Environment) -> None:
        with env.app.app_context():
            found = doctor.send_test_mail("ann@example.com", "en")
        assert (found.severity, found.message) == ("ok", "stored: /dev/mailbox/ shows it")

    @pytest.mark.parametrize(
        ("language", "subject"), [("zh", "账号中心的测试邮件"), ("en", "Test mail of the account centre")]
    )
    def test_it_is_sent_directly_and_the_dialogue_is_told(
        self, postgres_env: Environment, smtp: SmtpServer, language: str, subject: str
    ) -> None:
        with postgres_env.app.app_context():
            found = doctor.send_test_mail("ann@example.com", language)
            assert outbox.read_queue().mails == 0
        assert (found.severity, found.message) == ("ok", "accepted: 250 taken")
        (mail,) = smtp.mails_to("ann@example.com")
        assert mail["Subject"] == subject
        assert mail["Message-ID"] == found.data["message_id"]
        lines = "\n".join(found.data["dialogue"])
        for part in ("< 220 ", "> ehlo ", "> mail FROM:<cms@example.net>", "> rcpt TO:<ann@example.com>", "> data"):
            assert part in lines
        assert lines.endswith(" bytes)\n< 250 taken\n> quit\n< 221 bye")

    def test_a_refusal_is_an_error_with_the_reply(self, postgres_env: Environment, smtp: SmtpServer) -> None:
        smtp.refusals["ann@example.com"] = "550 5.1.1 no such user"
        with postgres_env.app.app_context():
            found = doctor.send_test_mail("ann@example.com", "en")
        assert found.severity == Severity.ERROR
        assert found.message == "not accepted (recipient_refused): 550 5.1.1 no such user"
        assert "< 550 5.1.1 no such user" in found.data["dialogue"]


class TestSettings:
    """Keys, hosts, numbers, files, disk and versions."""

    @pytest.mark.parametrize(("tries", "severity"), [("100", "ok"), ("101", "warning")])
    def test_more_than_a_hundred_tries_a_day_are_a_warning(self, env: Environment, tries: str, severity: str) -> None:
        assert run(env, CAPTCHA_TRIES_PER_DAY=tries)["numbers"].severity == severity

    @pytest.mark.parametrize(
        ("settings", "severity", "sentence"),
        [
            ({"SECRET_KEY": "x" * 64}, "error", "SECRET_KEY is too weak: it is not accepted in production"),
            ({"SECRET_KEY": STRONG}, "ok", "SECRET_KEY is "),
            ({"SECRET_KEY": STRONG[:31]}, "warning", "SECRET_KEY has fewer than 32 characters"),
            ({"SECRET_KEY": f"{STRONG} Change me"}, "warning", "SECRET_KEY contains a word"),
            ({"SECRET_KEY": STRONG, "AUDIT_KEY": "0123456789abcdef"}, "warning", "AUDIT_KEY has fewer than 32"),
        ],
    )
    def test_a_key_that_could_be_guessed_is_reported(
        self, env: Environment, settings: dict[str, str], severity: str, sentence: str
    ) -> None:
        found = run(env, **settings)["secret key"]
        assert (found.severity, found.message[: len(sentence)]) == (severity, sentence)

    def test_former_keys_are_told_with_whether_they_are_needed(self, env: Environment) -> None:
        env.person()
        with env.app.app_context():
            old = env.app.config["SECRET_KEY"]
        found = run(env, SECRET_KEY=STRONG, SECRET_KEY_FALLBACKS=f"{old.replace(',', chr(92) + ',')},{STRONG[::-1]}")
        needed = {each["id"]: each["needed"] for each in found["former keys"].data["former"]}
        assert (list(needed.values()), found["former keys"].severity) == ([True, False], "ok")
        assert "is needed, " in found["former keys"].message
        assert "can be removed" in found["former keys"].message

    def test_a_history_whose_key_is_missing_is_an_error(self, env: Environment) -> None:
        env.administrator("ann@example.com")
        found = run(env, SECRET_KEY=STRONG, AUDIT_KEY_FALLBACKS=STRONG[::-1])["former keys"]
        assert (found.severity, "is missing; rows of the history that name it: 1" in found.message) == ("error", True)

    def test_secrets_of_apps_whose_key_is_missing_or_that_were_changed_are_an_error(self, env: Environment) -> None:
        """The number that is read is bounded; what is under a missing key is only counted."""
        add_app(env, env.person("ann@example.com"))
        found = run(env)["second factors"]
        assert (found.severity, found.message) == ("ok", "authenticator apps: 1, passkeys: none")
        lost = run(env, SECRET_KEY=STRONG)["second factors"]
        assert (lost.severity, lost.data["lost_apps"]) == ("error", 1)
        assert "is missing: the codes of 1 authenticator apps are refused" in lost.message
        with env.app.app_context():
            db.session.execute(update(AuthenticatorApp).values(secret="gAAAAA"))
            db.session.commit()
        changed = run(env)["second factors"]
        assert (changed.severity, changed.data["lost_apps"]) == ("error", 1)
        assert "were changed in the database: 1 of 1" in changed.message
        assert "gAAAAA" not in changed.message

    def test_at_most_twenty_secrets_are_read_under_each_key(self, env: Environment) -> None:
        for number in range(3):
            add_app(env, env.person(f"ann{number}@example.com"))
        with env.app.app_context():
            assert authenticator_app.check_secrets(2).read == 2
        assert factors.SECRETS == 20

    @pytest.mark.parametrize(
        ("url", "severity"),
        [
            ("https://cms.example.com", "ok"),
            ("http://localhost:5000", "ok"),
            ("", "ok"),
            ("https://192.0.2.1", "error"),
            ("http://cms.example.com", "error"),
        ],
    )
    def test_passkeys_that_browsers_do_not_permit_at_the_site_are_an_error(
        self, env: Environment, url: str, severity: str
    ) -> None:
        def check() -> Check:
            with env.app_with(SITE_URL=url).app_context():
                return next(each for each in doctor.run_checks(FLEET, ["second factors"]) if "second" in each.name)

        assert check().severity == "ok"
        add_passkey(env.person())
        found = check()
        assert (found.severity, "cannot be used at SITE_URL" in found.message) == (severity, severity == "error")

    @pytest.mark.slow
    @pytest.mark.parametrize("behaviour", ["", "hang", "refuse"])
    def test_a_service_for_breached_passwords_that_does_not_answer_in_time_is_a_warning(
        self, env: Environment, behaviour: str
    ) -> None:
        service = RangeServer().start()
        service.behaviour = behaviour if behaviour == "hang" else ""
        url = f"http://127.0.0.1:{free_port()}" if behaviour == "refuse" else service.url
        try:
            found = run(env, BREACHED_PASSWORDS_URL=url)["breached passwords"]
        finally:
            service.stop()
        assert found.severity == ("warning" if behaviour else "ok")
        assert ("passwords are not checked" in found.message) == bool(behaviour)
        assert ("within 2 s" in found.message) == (behaviour == "hang")
        assert {path for path, _ in service.requests} <= {"/range/00000"}

    @pytest.mark.parametrize(
        ("hosts", "problem"),
        [
            ("", "TRUSTED_HOSTS is not set: every host name is accepted"),
            ("other.example.com", "TRUSTED_HOSTS does not contain cms.example.com, the host of SITE_URL"),
            ("cms.example.com", ""),
            (".example.com", ""),
        ],
    )
    def test_in_production_the_host_of_links_in_mails_must_be_trusted(
        self, env: Environment, hosts: str, problem: str
    ) -> None:
        app = env.build(**PRODUCTION, **NO_SERVER, TRUSTED_HOSTS=hosts)
        with app.app_context():
            found = site.check_hosts()
        assert (found.severity == Severity.ERROR) is bool(problem)
        assert found.message.startswith(problem)

    @pytest.mark.parametrize(("mode", "is_reported"), [(0o700, False), (0o750, True), (0o701, True)])
    def test_a_folder_that_others_can_open_is_reported(self, env: Environment, mode: int, is_reported: bool) -> None:
        folder = Path(env.settings["INSTANCE_DIR"])
        before = folder.stat().st_mode
        folder.chmod(mode)
        try:
            assert ("files" in find_problems(env)) is is_reported
        finally:
            folder.chmod(before)

    @pytest.mark.parametrize(("mode", "severity"), [(0o600, "ok"), (0o640, "error")])
    def test_a_file_with_a_secret_that_others_can_read_is_reported(
        self, env: Environment, mode: int, severity: str
    ) -> None:
        file = Path(env.settings["INSTANCE_DIR"]) / "secret_key"
        file.write_text("")
        file.chmod(mode)
        assert run(env)["files"].severity == severity

    @pytest.mark.parametrize(
        ("free", "holds_database", "severity"),
        [(2**30, True, "ok"), (2**27, True, "warning"), (2**20, True, "error"), (2**20, False, "warning")],
    )
    def test_a_full_disk_is_an_error_where_the_database_is(
        self, free: int, holds_database: bool, severity: str
    ) -> None:
        assert machine.judge_disk(free, 2**34, holds_database=holds_database).severity == severity

    def test_the_versions_are_those_of_the_lock_file_and_others_are_reported(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert run(env)["versions"].severity == Severity.OK
        lock = tmp_path / "requirements.lock"
        lock.write_text('flask==1.0 \\\n    --hash=sha256:00\nnot-here==2 ; sys_platform == "win32" \\\n')
        monkeypatch.setattr(machine, "LOCKED", lock)
        found = run(env)["versions"]
        assert (found.severity, found.data["different"]) == ("warning", ["flask"])
        monkeypatch.setattr(machine, "LOCKED", tmp_path / "missing")
        assert run(env)["versions"].severity == Severity.OK


class TestRunning:
    """The order of the checks, their time-outs, and their output."""

    def test_a_cache_that_returns_wrong_values_is_reported(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(env.app.extensions["cms_cache"], "incr", lambda _: 7)
        expected = [True, False, 2, 2, "text", True, False, None]
        returned = f"returned [True, False, 7, 1, 'text', True, False, None] instead of {expected}"
        assert find_problems(env)["cache"].startswith(returned)

    def test_no_check_is_made_after_the_time_of_all_is_over(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doctor, "TOTAL_SECONDS", 0.0)
        assert {each.message for each in run(env).values() if each.severity == Severity.ERROR} == {
            "not checked: the checks before it took 0 s"
        }

    @pytest.mark.parametrize(
        ("arguments", "settings", "code"),
        [
            ([], {}, 0),
            (["--strict"], {}, 1),
            ([], {"SECRET_KEY": "x" * 64}, 1),
            (["--strict"], {"SECRET_KEY": "x" * 64}, 1),
        ],
    )
    def test_a_warning_fails_only_with_strict_and_an_error_always(
        self, env: Environment, arguments: list[str], settings: dict[str, str], code: int
    ) -> None:
        app = env.build(**settings)
        result = app.test_cli_runner().invoke(args=["doctor", *arguments])
        assert result.exit_code == code, result.output
        result = app.test_cli_runner().invoke(args=["doctor", "--json", *arguments])
        assert (result.exit_code, json.loads(result.stdout)["severity"]) == (code, "error" if settings else "warning")

    def test_the_json_has_every_check_with_its_severity_message_and_data(self, env: Environment) -> None:
        result = env.app.test_cli_runner().invoke(args=["doctor", "--json", "--mail", "ann@example.com"])
        report = json.loads(result.stdout)
        assert report.keys() == {"severity", "checks"}
        assert [each["name"] for each in report["checks"]] == [*CHECKS, "test mail"]
        for each in report["checks"]:
            assert list(each) == ["name", "severity", "message", "data"]

    def test_the_documentation_names_every_check_and_every_key_of_its_data(
        self, env: Environment, postgres_env: Environment
    ) -> None:
        text = (ROOT / "docs" / "monitoring.md").read_text()
        explained = [row[0].strip("`") for row in table_rows(text, "Check", "Fails", "Warns", "What to do")]
        keys = {name.strip("`"): values for name, values in table_rows(text, "Check", "Keys of `data`")}
        assert explained == list(keys) == [*CHECKS, "test mail"]
        for each in (env, postgres_env):
            found = run(each)
            with each.app.app_context():
                found["test mail"] = doctor.send_test_mail("ann@example.com", "en")
            for name, its in found.items():
                assert set(its.data) <= set(re.findall(r"`(\w+)`", keys[name])), name

    def test_only_the_checks_that_are_named_and_those_they_need_are_made(self, env: Environment) -> None:
        with env.app.app_context():
            made = [each.name for each in doctor.run_checks(Fleet(2, 0), ["delivery", "cache"])]
        assert made == ["database", "schema", "cache", "delivery"]

    def test_the_health_check_of_the_mail_container_makes_only_its_own_checks_and_waits_for_them(
        self, env: Environment
    ) -> None:
        compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
        check = compose["services"]["mail"]["healthcheck"]
        command = check["test"][check["test"].index("doctor") :]
        assert [each for each in command if each not in ("doctor", "--only")] == ["cache", "mail server", "delivery"]
        assert env.app.test_cli_runner().invoke(args=command).exit_code == 0
        assert int(check["timeout"].removesuffix("s")) > doctor.TOTAL_SECONDS + 10
        assert doctor.TOTAL_SECONDS == 40
        for document in ("README.md", "docs/monitoring.md"):
            assert "40 seconds" in (ROOT / document).read_text()

    def test_no_text_from_elsewhere_contains_a_secret_or_a_control_character(self, env: Environment) -> None:
        secret = "p/ss wörd"
        app = env.build(MAIL_SERVER="localhost", MAIL_USERNAME="cms", MAIL_PASSWORD=secret, AUDIT_KEY=STRONG)
        with app.app_context():
            login = check._base64(f"\0cms\0{secret}")
            text = f"535 {secret} {login} {check._base64(secret)} p%2Fss%20w%C3%B6rd \x1b[31m{STRONG}\r\nFAIL forged"
            assert check.quote_foreign(text) == "535 *** *** *** *** ?[31m*** FAIL forged"

    @pytest.mark.parametrize("recipient", ["nobody", "ann@example.com\r\nBcc: eve@example.com"])
    def test_an_invalid_recipient_is_refused_before_anything_is_sent(self, env: Environment, recipient: str) -> None:
        result = env.app.test_cli_runner().invoke(args=["doctor", "--mail", recipient])
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: Invalid address")


def test_a_server_that_drains_is_not_ready(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    is_draining = False
    monkeypatch.setitem(env.app.extensions, "cms_is_draining", lambda: is_draining)
    with env.app.app_context():
        assert readiness.check() is None
        is_draining = True
        with pytest.raises(Draining):
            readiness.check()


@pytest.mark.usefixtures("in_sqlite_app")
def test_setting_the_password_of_an_account_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NobodyThere):
        new_password.set_by_operator(999, "a new password", reason="", origin=COMMAND_LINE)
