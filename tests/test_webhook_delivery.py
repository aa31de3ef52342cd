"""accounts/webhooks/: events reach every receiver, signed, in order for each account, and at least once."""

import base64
import contextlib
import logging
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from standardwebhooks import Webhook, WebhookVerificationError

from accounts import people
from accounts.mail import worker as mail_worker
from accounts.webhooks import delivery, events, queue, receivers, sender, worker
from accounts.webhooks.receivers import Receiver
from models import CMSUser, WebhookDelivery, WebhookEvent, db
from tests.environments import Environment
from tests.plans import find_large_reads, record_all_statements
from tests.programs import Program
from tests.servers import (
    ReceivedEvent,
    SmtpServer,
    create_certificate,
    eventually,
    free_port,
    freeze,
    run_concurrently,
    start_command,
    terminate,
    thaw,
)
from tests.servers import WebhookReceiver as Server
from tests.test_outbox import TO, queue_mail
from tests.webhooks import ANN, BOB, deliver, deliveries, disable_and_enable, use

DAYS_OF_TRIES = 3
FAILURES = {
    "500": "server_error",
    "501": "server_error",
    "400": "refused",
    "401": "refused",
    "404": "refused",
    "redirect": "redirected",
    "301": "redirected",
    "308": "redirected",
    "600": "invalid_response",
    "garbage": "invalid_response",
}
OUTAGES = {"502": "unavailable", "503": "unavailable", "429": "unavailable", "504": "unavailable"}


@pytest.fixture
def hook() -> Iterator[Server]:
    """Provide a receiver."""
    yield from serve()


@pytest.fixture
def other() -> Iterator[Server]:
    """Provide another receiver."""
    yield from serve()


def serve() -> Iterator[Server]:
    """Run a receiver."""
    server = Server().start()
    yield server
    server.stop()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a receiver that hangs for less long."""
    monkeypatch.setattr(sender, "SECONDS", 1.0)


def only(env: Environment) -> Any:
    """Return the only delivery."""
    (found,) = deliveries(env)
    return found


def condition(env: Environment, server: Server) -> receivers.Condition:
    """Return what is known about a receiver."""
    with env.app.app_context():
        return receivers.read_condition(Receiver(server.url, ()))


def assert_in_order(received: Iterable[ReceivedEvent]) -> None:
    """Check that the first delivery of every event comes after those of all earlier ones of the same account."""
    last: dict[int, int] = defaultdict(int)
    for each in received:
        account, number = each.place
        assert number <= last[account] + 1, f"account {account}: {number} after {last[account]}"
        last[account] = max(last[account], number)


class TestSignature:
    """Standard Webhooks."""

    def test_it_is_what_openssl_computes(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        env.administrator(ANN, username="王芳")
        deliver(env.app)
        (event,) = hook.received
        key = base64.b64decode(hook.SECRET.removeprefix("whsec_"))
        signed = f"{event.headers['webhook-id']}.{event.headers['webhook-timestamp']}.".encode() + event.body
        command = [
            str(shutil.which("openssl")),
            *"dgst -sha256 -mac HMAC -binary -macopt".split(),
            f"hexkey:{key.hex()}",
        ]
        digest = subprocess.run(command, input=signed, capture_output=True, check=True).stdout
        assert event.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert event.headers["content-type"] == "application/json"
        assert int(event.headers["webhook-timestamp"]) == int(env.clock.timestamp())

    @pytest.mark.real_time
    def test_during_a_rotation_each_of_two_secrets_verifies(self, env: Environment, hook: Server) -> None:
        secrets = [f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3)]
        env.settings["WEBHOOKS"] = f"{hook.url} {secrets[0]} {secrets[1]}"
        env.administrator(ANN)
        deliver(env.app)
        (event,) = hook.received
        for secret in secrets[:2]:
            assert Webhook(secret).verify(event.body, event.headers)["type"] == "account.created"
        with pytest.raises(WebhookVerificationError):
            Webhook(secrets[2]).verify(event.body, event.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(secrets[0]).verify(event.body.replace(b"ann", b"eve"), event.headers)

    def test_every_try_has_the_same_id_and_body_and_a_new_timestamp(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        env.administrator(ANN)
        hook.behaviour = "500"
        deliver(env.app)
        hook.behaviour = ""
        env.clock.advance(seconds=5)
        deliver(env.app)
        first, second = hook.received
        assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
        assert first.headers["webhook-id"] == first.payload["id"]
        assert int(second.headers["webhook-timestamp"]) == int(first.headers["webhook-timestamp"]) + 5
        assert second.headers["webhook-signature"] != first.headers["webhook-signature"]


class TestOneReceiver:
    """The results of tries."""

    @pytest.mark.parametrize("status", ["", "200", "201", "202", "204", "huge"])
    def test_a_2xx_is_a_success(self, env: Environment, hook: Server, status: str) -> None:
        use(env, hook)
        env.administrator(ANN)
        hook.behaviour = status
        for _ in range(2):
            deliver(env.app)
        assert hook.types == ["account.created"]
        found = only(env)
        assert (found.state, found.tries, found.problem) == ("delivered", 1, "")
        assert found.done_at == env.clock.now()
        assert condition(env, hook).succeeded_at == env.clock.now()

    @pytest.mark.parametrize(("behaviour", "problem"), FAILURES.items())
    def test_a_failure_is_retried_after_a_wait_that_doubles(
        self, sqlite_env: Environment, hook: Server, caplog: pytest.LogCaptureFixture, behaviour: str, problem: str
    ) -> None:
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        hook.behaviour = behaviour
        for tries, seconds in enumerate((5, 10, 20, 40), 1):
            deliver(sqlite_env.app)
            deliver(sqlite_env.app)  # Nothing is due.
            assert len(hook.received) == tries
            assert (only(sqlite_env).state, only(sqlite_env).problem, only(sqlite_env).tries) == (
                "queued",
                problem,
                tries,
            )
            sqlite_env.clock.advance(seconds=seconds)
        assert condition(sqlite_env, hook).is_ready
        hook.behaviour = ""
        deliver(sqlite_env.app)
        assert only(sqlite_env).state == "delivered"
        assert "next try in 40 s" in caplog.text

    def test_a_redirect_is_not_followed(self, sqlite_env: Environment, hook: Server, other: Server) -> None:
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        hook.behaviour, hook.headers = "307", {"Location": other.url}
        deliver(sqlite_env.app)
        assert (other.requests, only(sqlite_env).problem) == ([], "redirected")

    @pytest.mark.parametrize(("behaviour", "problem"), OUTAGES.items())
    def test_an_outage_pauses_the_receiver_and_not_each_event(
        self, sqlite_env: Environment, hook: Server, behaviour: str, problem: str
    ) -> None:
        use(sqlite_env, hook)
        for number in range(5):
            sqlite_env.administrator(f"ann{number}@example.com")
        hook.behaviour = behaviour
        for tries, seconds in enumerate((5, 10, 20), 1):
            deliver(sqlite_env.app)
            deliver(sqlite_env.app)
            assert len(hook.received) == tries, "one event is tried for all"
            assert condition(sqlite_env, hook).failures == tries
            sqlite_env.clock.advance(seconds=seconds)
        assert {row.problem for row in deliveries(sqlite_env)} <= {problem, ""}
        hook.behaviour = ""
        deliver(sqlite_env.app)
        assert {row.state for row in deliveries(sqlite_env)} == {"delivered"}
        assert condition(sqlite_env, hook).failures == 0

    def test_the_pause_after_an_outage_is_bounded(self, sqlite_env: Environment) -> None:
        sqlite_env.settings["WEBHOOKS"] = f"http://127.0.0.1:{free_port()}/ {Server.SECRET}"
        sqlite_env.administrator(ANN)
        for _ in range(20):
            deliver(sqlite_env.app)
            sqlite_env.clock.advance(seconds=receivers.LONGEST_PAUSE_SECONDS)
        found = only(sqlite_env)
        assert (found.tries, found.problem) == (20, "unreachable")

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("120", 120), ("1", 5), ("999999999999", 3600), ("date", 300), ("soon", 5), ("-5", 5), ("past", 5)],
    )
    def test_a_retry_after_is_respected_within_bounds(
        self, sqlite_env: Environment, hook: Server, header: str, seconds: int
    ) -> None:
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        moments = {"date": 300, "past": -300}
        if header in moments:
            at = sqlite_env.clock.now() + timedelta(seconds=moments[header])
            header = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        hook.behaviour, hook.headers = "429", {"Retry-After": header}
        deliver(sqlite_env.app)
        hook.behaviour = ""
        sqlite_env.clock.advance(seconds=seconds - 1)
        deliver(sqlite_env.app)
        assert len(hook.received) == 1
        sqlite_env.clock.advance(seconds=1)
        deliver(sqlite_env.app)
        assert only(sqlite_env).state == "delivered"

    def test_after_410_nothing_is_sent_until_the_receiver_is_enabled(
        self, env: Environment, hook: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        use(env, hook)
        for email in (ANN, BOB):
            env.administrator(email)
        hook.behaviour = "410"
        deliver(env.app)
        hook.behaviour = ""
        env.clock.advance(days=1)
        env.administrator("kim@example.com")
        deliver(env.app)
        assert len(hook.received) == 1
        assert condition(env, hook).disabled_at is not None
        assert any("is disabled" in each.getMessage() for each in caplog.records if each.levelno == logging.ERROR)
        with env.app.app_context():
            queue.enable(receivers.list_all()[0])
        deliver(env.app)
        assert len(hook.received) == 4
        assert {row.state for row in deliveries(env)} == {"delivered"}

    @pytest.mark.slow
    @pytest.mark.usefixtures("short")
    @pytest.mark.parametrize("behaviour", ["hang", "drip-headers", "drip", "endless-interim"])
    def test_a_response_without_an_end_is_abandoned(
        self, sqlite_env: Environment, hook: Server, behaviour: str
    ) -> None:
        """Without a deadline for the whole response, this test would never end."""
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        hook.behaviour = behaviour
        deliver(sqlite_env.app)
        assert (only(sqlite_env).problem, only(sqlite_env).state) == ("timeout", "queued")
        eventually(lambda: "outgoing request" not in {each.name for each in threading.enumerate()}, "its thread ends")

    @pytest.mark.slow
    @pytest.mark.usefixtures("short")
    def test_a_tls_handshake_without_an_end_is_abandoned(self, sqlite_env: Environment) -> None:
        """The server sends a record byte by byte, so that no time-out of the socket is reached."""
        ended = threading.Event()

        def drip(listener: socket.socket) -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"\x16\x03\x03\x3f\x00")
                while not ended.wait(0.1):
                    connection.sendall(b"\x00")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=drip, args=(listener,), daemon=True)
            thread.start()
            sqlite_env.settings["WEBHOOKS"] = f"https://localhost:{listener.getsockname()[1]}/ {Server.SECRET}"
            sqlite_env.administrator(ANN)
            deliver(sqlite_env.app)
            assert only(sqlite_env).problem == "timeout"
            eventually(lambda: "outgoing request" not in {each.name for each in threading.enumerate()}, "it ends")
            ended.set()
            thread.join()

    @pytest.mark.slow
    @pytest.mark.usefixtures("short")
    def test_a_name_lookup_that_hangs_is_abandoned(
        self, sqlite_env: Environment, hook: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hanging = threading.Event()

        def hang(*_: object, **__: object) -> list[Any]:
            hanging.wait()
            raise socket.gaierror

        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", hang)
            try:
                deliver(sqlite_env.app)
            finally:
                hanging.set()
        assert only(sqlite_env).problem == "timeout"

    def test_a_connection_that_ends_without_a_response_is_a_failure(
        self, sqlite_env: Environment, hook: Server
    ) -> None:
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        hook.behaviour = "disconnect"
        deliver(sqlite_env.app)
        assert (only(sqlite_env).problem, only(sqlite_env).state) == ("unreachable", "queued")

    @pytest.mark.servers
    def test_an_untrusted_certificate_is_a_failure_and_a_trusted_one_is_not(
        self, sqlite_env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        server = Server(context).start()
        try:
            use(sqlite_env, server)
            sqlite_env.administrator(ANN)
            deliver(sqlite_env.app)
            assert (server.received, only(sqlite_env).problem) == ([], "tls_failed")
            monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate))
            sqlite_env.clock.advance(seconds=5)
            deliver(sqlite_env.app)
            assert (server.types, only(sqlite_env).state) == (["account.created"], "delivered")
            assert server.received[0].headers["host"] == f"localhost:{server.port}"
        finally:
            server.stop()

    def test_an_event_is_given_up_after_three_days_and_the_next_one_is_tried(
        self, env: Environment, hook: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        use(env, hook)
        ann = env.administrator(ANN)
        hook.statuses["account.created"] = "500"
        for _ in range(DAYS_OF_TRIES * 24):
            deliver(env.app)
            assert {row.state for row in deliveries(env)} == {"queued"}
            env.clock.advance(hours=1)
        disable_and_enable(env, ann)
        deliver(env.app)
        assert [row.state for row in deliveries(env)] == ["dead", "delivered", "delivered", "delivered"]
        assert hook.types[-3:] == ["account.disabled", "account.sessions_ended", "account.enabled"]
        assert any("given up" in each.getMessage() for each in caplog.records if each.levelno == logging.ERROR)

    def test_events_of_a_disabled_receiver_are_given_up_too(self, sqlite_env: Environment, hook: Server) -> None:
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        hook.behaviour = "410"
        deliver(sqlite_env.app)
        sqlite_env.clock.advance(days=DAYS_OF_TRIES)
        deliver(sqlite_env.app)
        assert (only(sqlite_env).state, len(hook.received)) == ("dead", 1)

    def test_an_error_in_the_application_is_retried_and_does_not_end_delivery(
        self, sqlite_env: Environment, hook: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        use(sqlite_env, hook)
        for email in (ANN, BOB):
            sqlite_env.administrator(email)
        real = sender.sign

        def fail(receiver: Receiver, message_id: str, payload: str) -> dict[str, str]:
            if "ann@" in payload:
                raise ZeroDivisionError
            return real(receiver, message_id, payload)

        monkeypatch.setattr(sender, "sign", fail)
        deliver(sqlite_env.app)
        assert [(row.state, row.problem) for row in deliveries(sqlite_env)] == [
            ("queued", "unexpected"),
            ("delivered", ""),
        ]
        assert "ZeroDivisionError" in caplog.text

    def test_no_secret_is_logged(self, sqlite_env: Environment, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        server = Server(path="/hook?token=confidential").start()
        try:
            use(sqlite_env, server)
            sqlite_env.administrator(ANN)
            for behaviour in ("500", ""):
                server.behaviour = behaviour
                deliver(sqlite_env.app)
                sqlite_env.clock.advance(seconds=5)
        finally:
            server.stop()
        assert server.requests[0][0] == "/hook?token=confidential"
        assert "/hook?***" in caplog.text
        for secret in ("confidential", Server.SECRET, Server.SECRET[6:], ANN):
            assert secret not in caplog.text


class TestOrder:
    """The order of the events of one account."""

    def test_a_later_event_waits_for_an_earlier_one_of_the_same_account_only(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        ann, bob = env.administrator(ANN), env.administrator(BOB)
        deliver(env.app)
        hook.received.clear()
        hook.before_response = lambda event: hook.statuses.update(
            {"account.disabled": "500" if event.place[0] == ann.id else ""}
        )
        disable_and_enable(env, ann)
        disable_and_enable(env, bob)
        for _ in range(3):
            deliver(env.app)
        assert {each.place for each in hook.received if each.place[0] == ann.id} == {(ann.id, 2)}
        assert [each.place[1] for each in hook.received if each.place[0] == bob.id] == [2, 3, 4]
        hook.before_response = lambda _: None
        hook.statuses.clear()
        env.clock.advance(seconds=5)
        deliver(env.app)
        assert [each.place[1] for each in hook.received if each.place[0] == ann.id] == [2, 2, 3, 4]

    def test_events_behind_one_that_failed_become_due_together_with_it(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        disable_and_enable(env, env.administrator(ANN))
        env.administrator(BOB)
        hook.statuses["account.created"] = "500"
        deliver(env.app)
        assert {row.due_at for row in deliveries(env)} == {env.clock.now() + timedelta(seconds=5)}

    def test_two_workers_that_fail_at_the_same_time_count_as_one_failure(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        with env.app.app_context():
            (receiver,) = receivers.list_all()
            assert [receivers.pause(receiver, None) for _ in range(2)] == [5, 10]
            db.session.commit()
        found = condition(env, hook)
        assert (found.failures, found.paused_until) == (1, env.clock.now() + timedelta(seconds=5))

    def test_two_workers_send_every_event_once_and_in_order(self, env: Environment, hook: Server) -> None:
        app = use(env, hook)
        users = [env.administrator(f"ann{number}@example.com") for number in range(4)]
        for user in users:
            disable_and_enable(env, user, times=5)
        (receiver,) = [Receiver(hook.url, (hook.SECRET,))]

        def work(_: int) -> None:
            for _ in range(200):
                worker.deliver_all(app, receiver, threading.Event())
                if {row.state for row in deliveries(env)} == {"delivered"}:
                    return

        run_concurrently(work, 3)
        assert len(hook.received) == len(deliveries(env)) == 4 * 16
        assert_in_order(hook.received)
        assert len({each.place for each in hook.received}) == 4 * 16

    def test_a_leased_event_blocks_those_behind_it(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        ann = env.administrator(ANN)
        disable_and_enable(env, ann)
        with env.app.app_context():
            (receiver,) = receivers.list_all()
            (lease,) = delivery._lease(receiver, 10)
            assert lease.number == 1
            assert delivery._lease(receiver, 10) == []
            env.clock.advance(seconds=sender.SECONDS + delivery.SPARE_SECONDS)
            (again,) = delivery._lease(receiver, 10)
            assert (again.number, again.tries) == (1, 2)

    def test_a_result_after_the_lease_does_not_overwrite_that_of_the_next_worker(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        env.administrator(ANN)
        with env.app.app_context():
            (receiver,) = receivers.list_all()
            (late,) = delivery._lease(receiver, 1)
            env.clock.advance(seconds=sender.SECONDS + delivery.SPARE_SECONDS)
            deliver(env.app)
            message = next(iter(delivery._load([late]).values()))
            failure = sender.Result(DeliveryProblemOf("server_error"), "too late")
            delivery._handle_failure(receiver, late, message, failure)
        assert (only(env).state, only(env).problem) == ("delivered", "")

    def test_a_stopped_worker_releases_what_it_has_not_tried(self, env: Environment, hook: Server) -> None:
        app = use(env, hook)
        for number in range(4):
            env.administrator(f"ann{number}@example.com")
        stopped = threading.Event()
        hook.before_response = lambda _: stopped.set()
        with app.app_context():
            delivery.deliver_due(receivers.list_all()[0], stopped)
        assert [(row.state, row.tries) for row in deliveries(env)] == [("delivered", 1), *[("queued", 0)] * 3]
        deliver(app)
        assert {row.state for row in deliveries(env)} == {"delivered"}

    def test_the_lease_of_an_event_behind_slow_ones_is_renewed(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        for number in range(5):
            env.administrator(f"ann{number}@example.com")
        hook.before_response = lambda _: env.clock.advance(seconds=9)
        deliver(env.app)
        assert [(row.state, row.tries) for row in deliveries(env)] == [("delivered", 1)] * 5

    def test_the_data_of_an_account_that_was_erased_meanwhile_is_not_sent_after_a_renewal(
        self, sqlite_env: Environment, hook: Server
    ) -> None:
        use(sqlite_env, hook)
        for email in (ANN, BOB):
            sqlite_env.administrator(email)

        def erase(_: ReceivedEvent) -> None:
            sqlite_env.clock.advance(seconds=11)
            with sqlite_env.app.app_context():
                events.erase(sqlite_env.account("bob"))
                db.session.commit()
            hook.before_response = lambda _: None

        hook.before_response = erase
        deliver(sqlite_env.app)
        assert hook.received[1].payload["data"]["after"] is None


class TestIndependence:
    """Receivers are independent of each other, of mail, and of requests."""

    def test_a_receiver_that_fails_does_not_affect_another_one(
        self, env: Environment, hook: Server, other: Server
    ) -> None:
        use(env, hook, other)
        ann = env.administrator(ANN)
        hook.behaviour = "500"
        disable_and_enable(env, ann)
        for _ in range(4):
            deliver(env.app)
        assert other.types == [f"account.{name}" for name in ("created", "disabled", "sessions_ended", "enabled")]
        assert set(hook.types) == {"account.created"}

    def test_the_end_of_one_signature_is_not_that_of_another_receiver(self, sqlite_env: Environment) -> None:
        """A receiver cannot use what it got to forge an event for another one."""
        first, second = (Receiver(f"https://{name}.test/", (secret,)) for name, secret in SECRETS.items())
        with sqlite_env.app.app_context():
            one, two = (sender.sign(each, "evt_1", "{}") for each in (first, second))
        assert one["webhook-signature"] != two["webhook-signature"]

    @pytest.mark.real_time
    def test_mail_and_other_receivers_are_delivered_while_a_receiver_hangs(
        self, env: Environment, hook: Server, other: Server, smtp: SmtpServer
    ) -> None:
        app = use(env, hook, other, MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port), MAIL_DELIVERY="thread")
        hook.behaviour = "hang"
        env.administrator(ANN)
        eventually(lambda: len(hook.received), "the receiver hangs")
        with app.app_context():
            mail_worker.wake()
            queue_mail()
        ann = env.signed_in(ANN)
        assert ann.page("/cms/").status == 200
        eventually(lambda: smtp.mails_to(TO), "the mail is sent")
        eventually(lambda: other.types == ["account.created"], "the other receiver gets the event")
        assert len(hook.received) == 1

    @pytest.mark.real_time
    def test_the_threads_of_a_web_process_start_with_the_first_event_and_end(
        self, env: Environment, hook: Server
    ) -> None:
        app = use(env, hook, MAIL_DELIVERY="thread")
        assert worker.EXTENSION not in app.extensions
        ann = env.administrator(ANN)
        eventually(lambda: hook.types == ["account.created"], "the event arrives")
        (thread,) = app.extensions[worker.EXTENSION]
        disable_and_enable(env, ann)
        eventually(lambda: len(hook.received) == 4, "a commit wakes the thread")
        assert app.extensions[worker.EXTENSION] == [thread]
        worker.stop([thread])
        assert not thread.is_alive()
        disable_and_enable(env, ann)
        eventually(lambda: len(hook.received) == 7, "another thread was started")

    def test_a_web_process_sends_nothing_if_workers_do(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        env.administrator(ANN)
        assert worker.EXTENSION not in env.app.extensions
        assert only(env).tries == 0


DeliveryProblemOf = type(next(iter(sender.CONCERNS_ALL_EVENTS)))
SECRETS = {name: f"whsec_{base64.b64encode(name.encode() * 12).decode()}" for name in ("one", "two")}


@contextlib.contextmanager
def delivering(settings: dict[str, str], log: Path, processes: int = 1) -> Iterator[list[Program]]:
    """Run `flask mail deliver --watch` in this number of processes."""
    words = ("mail", "deliver", "--watch")
    with log.open("ab") as stream, contextlib.ExitStack() as stack:
        found = [start_command(settings, *words, stdout=stream, stderr=stream) for _ in range(processes)]
        for process in found:
            stack.callback(terminate, process, signal.SIGTERM)
        yield found


@pytest.mark.servers
@pytest.mark.real_time
class TestProcesses:
    """`flask mail deliver --watch`."""

    def test_an_event_is_sent_again_by_another_process_if_one_was_killed_while_it_sent_it(
        self, env: Environment, hook: Server, tmp_path: Path
    ) -> None:
        use(env, hook)
        env.administrator(ANN)
        hook.behaviour = "hang"
        with delivering(env.settings, tmp_path / "log") as (process,):
            eventually(lambda: hook.received, "the process sends the event")
            process.kill()
            process.wait()
        assert (only(env).state, only(env).tries) == ("queued", 1)
        hook.behaviour = ""
        with env.app.app_context():  # The lease ends.
            db.session.execute(update(WebhookDelivery).values(due_at=env.clock.now() - timedelta(minutes=1)))
            db.session.commit()
        with delivering(env.settings, tmp_path / "log"):
            eventually(lambda: only(env).state == "delivered", "another process sends it")
        assert [each.headers["webhook-id"] for each in hook.received] == [only_event(env).message_id] * 2

    def test_a_process_that_was_suspended_while_it_sent_an_event_overwrites_no_result(
        self, postgres_env: Environment, hook: Server, tmp_path: Path
    ) -> None:
        """On SQLite, a process that is suspended might hold the lock of the database."""
        env = postgres_env
        use(env, hook)
        ann = env.administrator(ANN)
        answer = threading.Event()
        hook.before_response = lambda _: answer.wait()
        with delivering(env.settings, tmp_path / "log") as (process,):
            eventually(lambda: hook.received, "the process sends the event")
            freeze(process.pid)
            answer.set()
            with env.app.app_context():
                db.session.execute(update(WebhookDelivery).values(due_at=env.clock.now() - timedelta(minutes=1)))
                db.session.commit()
            disable_and_enable(env, ann)
            deliver(env.app)
            before = deliveries(env)
            assert {row.state for row in before} == {"delivered"}
            thaw(process.pid)
        assert deliveries(env) == before
        assert_in_order(hook.received)

    def test_the_end_of_a_process_waits_for_no_receiver(self, env: Environment, hook: Server, tmp_path: Path) -> None:
        use(env, hook)
        env.administrator(ANN)
        hook.behaviour = "hang"
        with delivering(env.settings, tmp_path / "log") as (process,):
            eventually(lambda: hook.received, "the process sends the event")
            process.terminate()
            eventually(lambda: process.poll() is not None, "it ends")
        assert process.returncode == 0
        assert only(env).state == "queued"


def only_event(env: Environment) -> Any:
    """Return the only event."""
    (found,) = env.rows(select(WebhookEvent.message_id))
    return found


ACCOUNTS = 100
EVENTS_AT_ONCE = text(
    """
    INSERT INTO webhook_event (message_id, user_id, number, type, at, payload)
    SELECT 'evt_' || users.id || '_' || n, users.id, n, 'account.profile_changed', :now,
        '{"type":"account.profile_changed","data":{"account_id":' || users.id || ',"number":' || n || '}}'
    FROM generate_series(2, :last) AS n, cms_user AS users ORDER BY n
    """
)
DELIVERIES_AT_ONCE = text(
    """
    INSERT INTO webhook_delivery (event_id, receiver, user_id, number, state, due_at, not_after, tries, problem)
    SELECT id, :receiver, user_id, number, 'queued', :now, :end, 0, '' FROM webhook_event WHERE number > 1
    """
)


def store_events_at_once(env: Environment, count: int) -> None:
    """Store events of all accounts with two statements: use cases would take longer to store than delivery to send."""
    now = env.clock.now()
    with env.app.app_context():
        db.session.execute(EVENTS_AT_ONCE, {"now": now, "last": 1 + count // ACCOUNTS})
        for receiver in receivers.list_all():
            its = {"receiver": receiver.key, "now": now, "end": now + events.LIFETIME}
            db.session.execute(DELIVERIES_AT_ONCE, its)
        db.session.commit()


def change_accounts(env: Environment, count: int) -> None:
    """Change every account several times, each in a transaction of its own, by several threads."""
    users = [row.id for row in env.rows(select(CMSUser.id).order_by(CMSUser.id))]

    def change(number: int) -> None:
        with env.app.app_context():
            for user_id in users[number::2]:
                for city in range(count // ACCOUNTS):
                    account = people.lock(user_id)
                    assert account is not None
                    people.update_columns(account, city=str(city))
                    db.session.commit()

    run_concurrently(change, 2)


@pytest.mark.parametrize("dropped", [None, "ix_webhook_delivery_due", "ix_webhook_delivery_first"])
def test_leasing_reads_few_rows_however_many_events_wait(
    postgres_env: Environment, hook: Server, dropped: str | None
) -> None:
    """Also while every account waits for its first event to be retried."""
    env = postgres_env
    app = use(env, hook)
    for number in range(ACCOUNTS):
        env.administrator(f"ann{number}@example.com")
    store_events_at_once(env, 5000)
    with app.app_context():
        later = env.clock.now() + timedelta(hours=1)
        db.session.execute(update(WebhookDelivery).where(WebhookDelivery.user_id > 1).values(due_at=later))
        db.session.commit()
        with record_all_statements() as statements:
            assert len(delivery._lease(receivers.list_all()[0], 50)) == 1
        with db.engine.connect() as connection:
            connection.execute(text(f"DROP INDEX {dropped}" if dropped else "SELECT 1"))
            connection.execute(text("ANALYZE webhook_delivery"))
            update_statements = statements.on("webhook_delivery")
            assert bool(find_large_reads(connection, update_statements)) == bool(dropped)
            connection.rollback()


class Arrivals:
    """The places of the events that arrived at a receiver, also while it was replaced, in order and as a set."""

    def __init__(self) -> None:
        """Begin without events."""
        self.in_order: list[ReceivedEvent] = []
        self.places: set[tuple[int, int]] = set()

    def add(self, event: ReceivedEvent) -> None:
        """Add an event."""
        self.in_order.append(event)
        self.places.add(event.place)

    def start(self, port: int) -> Server:
        """Run a receiver."""
        server = Server(port=port)
        server.before_response = self.add
        return server.start()


@pytest.mark.parametrize(
    ("count", "store"),
    [pytest.param(200, change_accounts), pytest.param(10_000, store_events_at_once, marks=pytest.mark.large)],
    ids=["200", "10000"],
)
@pytest.mark.real_time
def test_every_event_reaches_both_receivers_in_order_although_one_is_killed_and_comes_back(
    postgres_env: Environment, tmp_path: Path, count: int, store: Callable[[Environment, int], None]
) -> None:
    env, ports, arrivals = postgres_env, (free_port(), free_port()), (Arrivals(), Arrivals())
    total = count + ACCOUNTS
    with contextlib.ExitStack() as stack:
        steady = arrivals[0].start(ports[0])
        stack.callback(steady.stop)
        killed = arrivals[1].start(ports[1])
        use(env, steady, killed)
        for number in range(ACCOUNTS):
            env.administrator(f"ann{number}@example.com")
        writing = threading.Thread(target=store, args=(env, count))
        writing.start()
        stack.callback(writing.join)
        stack.enter_context(delivering(env.settings, tmp_path / "log", processes=2))
        eventually(lambda: len(arrivals[1].places) > total // 3, "events arrive", 120)
        killed.stop()
        eventually(lambda: not condition(env, killed).is_ready, "the outage is noticed")
        stack.callback(arrivals[1].start(ports[1]).stop)
        with env.app.app_context():  # Otherwise the test waits for the pause.
            queue.enable(Receiver(killed.url, ()))
        for each in arrivals:
            eventually(lambda each=each: len(each.places) == total, "every event", 120)
            assert_in_order(each.in_order)
            assert len({one.headers["webhook-id"] for one in each.in_order}) == total
        assert len(arrivals[0].in_order) == total, "no event was sent twice without a failure"
