"""BREACHED_PASSWORDS_URL: passwords known from data breaches are refused, and the service never blocks the site."""

import hashlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from accounts import breaches
from models import db
from telemetry import metrics
from tests.actors import PASSWORD, Answer, Person
from tests.environments import Environment
from tests.servers import RangeServer, create_certificate, eventually, free_port
from tests.stories.admin_steps import history, id_of, invite, register, run_flask, superuser
from tests.work import record_steps

ANN, NEW = "ann@example.com", "new@example.com"
BREACHED, CLEAN = "a password of many others", "a password of my own"
WORD = "password_breached"
SENTENCE = "This password is known from a data breach. Choose a different one."
RESET, FORGOT = "/cms/resetpwd/", "/cms/forgotpwd/"


@pytest.fixture
def service() -> Iterator[RangeServer]:
    """Provide the service, with one password on its list and one as padding."""
    server = RangeServer().start()
    server.passwords |= {BREACHED: 3, CLEAN: 0}
    yield server
    server.stop()


@pytest.fixture
def app(env: Environment, service: RangeServer) -> Flask:
    """Provide an application that asks the service."""
    return env.build(BREACHED_PASSWORDS_URL=service.url)


class Checks:
    """The results of checks since the beginning of a test, and the lines in the log about them."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        """Begin to count."""
        self._caplog, self._counts = caplog, metrics.BREACHED_PASSWORD_CHECKS
        self.results: list[object] = []

    @property
    def lines(self) -> list[str]:
        """Return the lines of the log about passwords that were not checked."""
        return [each.getMessage() for each in self._caplog.records if each.name == "accounts.breaches"]


@pytest.fixture
def checks(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Return the checks of a test."""
    caplog.set_level(logging.INFO)
    found = Checks(caplog)
    monkeypatch.setattr(metrics.BREACHED_PASSWORD_CHECKS, "add", found.results.append)
    return found


def change_password(person: Person, new: str, old: str = PASSWORD, again: str = "") -> Answer:
    """Change the password."""
    answer = person.post(RESET, {"oldpwd": old, "password": new, "repetition": again or new})
    if answer.status == 200:
        person.password = new
    return answer


def assert_refused(answer: Answer) -> None:
    """Check that a password was refused as breached, at its field."""
    assert (answer.status, answer.error) == (400, WORD)
    assert answer.data["fields"] == {"password": [answer.message]}


class TestEveryWay:
    """Wherever a password is set."""

    def test_the_change_of_a_password_refuses_a_breached_one(self, env: Environment, app: Flask) -> None:
        ann = env.person(app=app)
        ann.browser.headers["Accept-Language"] = "en"
        refused = change_password(ann, BREACHED)
        assert_refused(refused)
        assert refused.message == SENTENCE
        assert env.visitor(ANN, app=app).sign_in().status == 200
        assert change_password(ann, CLEAN).status == 200
        assert [row.event for row in history(env, id_of(env, ANN))].count(WORD) == 1

    def test_a_mailed_link_refuses_a_breached_password_and_stays_valid(self, env: Environment, app: Flask) -> None:
        env.administrator(ANN)
        env.visitor(app=app).post(FORGOT, {"email": ANN})
        link = env.links_to(ANN, "forgotpwd")[-1]
        visitor = env.visitor(app=app)
        assert_refused(visitor.post(link, {"password": BREACHED, "repetition": BREACHED}))
        assert history(env, id_of(env, ANN))[-1].event == WORD
        assert visitor.post(link, {"password": CLEAN, "repetition": CLEAN}).status == 200

    def test_a_registration_refuses_a_breached_password_and_the_invitation_stays_valid(
        self, env: Environment, app: Flask
    ) -> None:
        assert invite(superuser(env)).status == 200
        link, visitor = env.links_to(NEW, "register")[-1], env.visitor(app=app)
        assert_refused(register(visitor, link, password=BREACHED, repetition=BREACHED))
        assert register(visitor, link, password=CLEAN, repetition=CLEAN).status == 200

    def test_the_commands_refuse_a_breached_password(self, env: Environment, app: Flask) -> None:
        create = ("admin", "create", ANN, "--username", "ann")
        set_password = ("admin", "set-password", ANN, "--reason", "forgotten")
        for command in (create, set_password):
            refused = run_flask(app, *command, typed=f"{BREACHED}\n")
            assert (refused.exit_code, refused.output.splitlines()[-1]) == (
                1,
                f"Error: Refused ({WORD}): {SENTENCE}",
            )
            assert run_flask(app, *command, typed=f"{CLEAN}\n").exit_code == 0
        assert env.visitor(ANN, password=CLEAN).sign_in().status == 200

    def test_without_scripts_the_sentence_is_at_the_field(self, env: Environment, app: Flask) -> None:
        page = change_password(env.person(app=app, script=False), BREACHED)
        assert page.status == 400
        assert 'data-errors-of="password"><p>此密码曾在数据泄露事件中出现' in page.text

    def test_nothing_is_asked_without_a_url(self, env: Environment, service: RangeServer, checks: Checks) -> None:
        assert change_password(env.person(), BREACHED).status == 200
        assert (service.requests, checks.results) == ([], [])

    def test_signing_in_with_a_breached_password_asks_nothing(
        self, env: Environment, app: Flask, service: RangeServer
    ) -> None:
        env.administrator(ANN, password=BREACHED)
        assert env.visitor(ANN, password=BREACHED, app=app).sign_in().status == 200
        assert service.requests == []


class TestRequest:
    """What the service is asked, and when."""

    def test_only_five_digits_of_the_hash_leave_the_machine(
        self, env: Environment, app: Flask, service: RangeServer, checks: Checks
    ) -> None:
        assert change_password(env.person(app=app), BREACHED).error == WORD
        ((path, headers),) = service.requests
        digest = hashlib.sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()
        assert path == f"/range/{digest[:5]}"
        assert headers["Add-Padding"] == "true"
        assert set(headers) == {"Host", "Accept-Encoding", "Add-Padding", "User-Agent", "Connection"}
        assert (checks.results, checks.lines) == (["listed"], [])

    @pytest.mark.parametrize(
        "fields",
        [
            {"oldpwd": "guess"},
            {"repetition": "another"},
            {"password": "short", "repetition": "short"},
            {"password": ANN, "repetition": ANN},
            {"oldpwd": BREACHED},  # The same as the new one.
        ],
        ids=["old password", "repetition", "length", "context word", "unchanged"],
    )
    def test_the_service_is_asked_only_if_everything_else_is_valid(
        self, env: Environment, app: Flask, service: RangeServer, fields: dict[str, str]
    ) -> None:
        form = {"oldpwd": PASSWORD, "password": BREACHED, "repetition": BREACHED}
        assert env.person(app=app).post(RESET, form | fields).status == 400
        assert service.requests == []

    def test_a_request_asks_once(self, env: Environment, app: Flask, service: RangeServer, checks: Checks) -> None:
        assert change_password(env.person(app=app), CLEAN).status == 200
        assert len(service.requests) == 1
        assert checks.results == ["not_listed"]

    def test_refused_passwords_spend_no_tries_of_the_present_one(self, env: Environment, app: Flask) -> None:
        ann = env.person(app=app)
        for _ in range(11):
            assert change_password(ann, BREACHED).error == WORD
        assert change_password(ann, CLEAN).status == 200

    def test_no_connection_and_no_lock_is_held_while_the_service_is_asked(
        self, env: Environment, app: Flask, service: RangeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, other = env.person(app=app), env.signed_in(ANN)
        found: list[tuple[int, int]] = []
        respond = service._respond

        def look(request: Any) -> None:
            with app.app_context():
                found.append((db.engine.pool.checkedout(), other.ask(NEW).status))  # type: ignore[attr-defined]
            respond(request)

        monkeypatch.setattr(service, "_respond", look)
        assert change_password(ann, CLEAN).status == 200
        assert found == [(0, 200)]

    def test_the_check_takes_no_statement(self, env: Environment, app: Flask) -> None:
        counts = []
        for number, application in enumerate((None, app)):
            person = env.person(f"ann{number}@example.com", app=application)
            person.token()
            with record_steps(application or env.app) as steps:
                assert change_password(person, CLEAN).status == 200
            counts.append(len(steps))
        assert counts[0] == counts[1]


FAILURES = ["500", "503", "404", "429", "204", "redirect", "huge", "truncated", "page"]
TIMEOUTS = ["hang", "drip", "drip-headers", "endless-interim"]


class TestFailures:
    """A service that does not answer never blocks the site."""

    @pytest.mark.parametrize("behaviour", FAILURES)
    def test_a_failure_is_logged_and_counted_and_does_not_block(
        self, sqlite_env: Environment, service: RangeServer, checks: Checks, behaviour: str
    ) -> None:
        app = sqlite_env.build(BREACHED_PASSWORDS_URL=service.url)
        service.behaviour = behaviour
        ann = sqlite_env.person(app=app)
        assert change_password(ann, BREACHED).status == 200
        assert checks.results == ["failed"]
        assert len(service.requests) == 1  # A redirect is not followed.
        (line,) = checks.lines
        assert line.startswith("a password was not checked: the service for breached passwords failed: ")
        assert BREACHED not in line
        service.behaviour = ""
        assert change_password(ann, BREACHED + "!", old=BREACHED).status == 200
        assert checks.results == ["failed", "not_listed"]

    @pytest.mark.slow
    @pytest.mark.parametrize("behaviour", TIMEOUTS)
    def test_a_response_without_an_end_is_abandoned(
        self, sqlite_env: Environment, service: RangeServer, checks: Checks, behaviour: str
    ) -> None:
        """Without a deadline for the whole response, this test would never end."""
        app = sqlite_env.build(BREACHED_PASSWORDS_URL=service.url)
        service.behaviour = behaviour
        assert change_password(sqlite_env.person(app=app), BREACHED).status == 200
        assert checks.results == ["timeout"]
        assert checks.lines == [
            "a password was not checked: the service for breached passwords did not answer in 2.0 s"
        ]
        eventually(lambda: "outgoing request" not in {each.name for each in threading.enumerate()}, "its thread ends")

    @pytest.mark.slow
    def test_a_name_lookup_that_hangs_is_abandoned(
        self, sqlite_env: Environment, service: RangeServer, checks: Checks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hanging = threading.Event()

        def hang(*_: object, **__: object) -> list[Any]:
            hanging.wait()
            raise socket.gaierror

        app = sqlite_env.build(BREACHED_PASSWORDS_URL=service.url)
        ann = sqlite_env.person(app=app)
        monkeypatch.setattr(socket, "getaddrinfo", hang)
        try:
            assert change_password(ann, BREACHED).status == 200
        finally:
            hanging.set()
        assert checks.results == ["timeout"]

    @pytest.mark.slow
    def test_after_a_time_out_the_service_is_not_asked_for_a_minute(
        self, sqlite_env: Environment, service: RangeServer, checks: Checks
    ) -> None:
        app = sqlite_env.build(BREACHED_PASSWORDS_URL=service.url)
        ann = sqlite_env.person(app=app)
        service.behaviour = "hang"
        assert change_password(ann, BREACHED).status == 200
        service.behaviour = ""
        sqlite_env.clock.advance(seconds=59)
        assert change_password(ann, PASSWORD, old=BREACHED).status == 200
        assert checks.results == ["timeout", "paused"]
        assert len(service.requests) == 1
        assert checks.lines[-1].endswith("timed out a moment ago")
        sqlite_env.clock.advance(seconds=1)
        assert change_password(ann, BREACHED).error == WORD

    def test_a_service_that_refuses_connections_does_not_block(self, sqlite_env: Environment, checks: Checks) -> None:
        app = sqlite_env.build(BREACHED_PASSWORDS_URL=f"http://127.0.0.1:{free_port()}/range/")
        assert change_password(sqlite_env.person(app=app), BREACHED).status == 200
        assert checks.results == ["failed"]

    def test_a_proxy_of_the_environment_is_not_used(
        self, env: Environment, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert change_password(env.person(app=app), BREACHED).error == WORD

    @pytest.mark.servers
    def test_an_untrusted_certificate_is_no_answer_and_a_trusted_one_is(
        self, sqlite_env: Environment, tmp_path: Path, checks: Checks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        server = RangeServer(context).start()
        server.passwords[BREACHED] = 1
        try:
            ann = sqlite_env.person(app=sqlite_env.build(BREACHED_PASSWORDS_URL=server.url))
            assert change_password(ann, CLEAN).status == 200
            assert (checks.results, server.requests) == (["failed"], [])
            monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate))
            assert change_password(ann, BREACHED, old=CLEAN).error == WORD
        finally:
            server.stop()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", set()),
        (b"0" * 35 + b":3", {"0" * 35}),
        (b"0" * 35 + b":0\r\n" + b"a" * 35 + b":12\r\n", {"A" * 35}),
        (b"\r\n" + b"F" * 35 + b":999999999999999999\n\n", {"F" * 35}),
        (b"0" * 35 + b":000", set()),
    ],
)
def test_a_list_is_parsed(body: bytes, expected: set[str]) -> None:
    assert breaches.parse_suffixes(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"0" * 34 + b":1",
        b"0" * 40 + b":1",
        b"0" * 35,
        b"0" * 35 + b":-1",
        b"0" * 35 + b":" + b"9" * 5000,
        b"\xff" * 35 + b":1",
        b"0" * 35 + ":٣".encode(),
        b"G" * 35 + b":1",
    ],
    ids=range(9),
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(breaches.InvalidResponse):
        breaches.parse_suffixes(body)


def test_concurrent_requests_are_independent(service: RangeServer) -> None:
    found = breaches.Service(service.url)
    results: list[str] = []

    def ask(password: str) -> Callable[[], None]:
        return lambda: results.append(f"{password}: {found.look_up(password)}")

    threads = [threading.Thread(target=ask(password)) for password in (BREACHED, CLEAN) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([f"{CLEAN}: not_listed", f"{BREACHED}: listed"] * 8)
