"""accounts/mail/outbox.py with a real SMTP server: every mail is sent once, later if necessary, or expires."""

import contextlib
import random
import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import delete, select, text, update

from accounts import leases
from accounts.mail import delivery, mailbox, outbox, worker
from accounts.mail.messages import Letter
from accounts.mail.smtp import MailServerConnection, build_message
from models import Mail, MailProblem, MailState, db
from tests.actors import code_in, html_of, text_of
from tests.environments import PRODUCTION, Clock, Environment, deliver_next, deliver_one, open_connection
from tests.programs import Program
from tests.servers import (
    SmtpServer,
    command_line,
    create_certificate,
    eventually,
    freeze,
    run_concurrently,
    start_command,
    terminate,
    thaw,
)

LETTER = Letter("code", "123456 是验证码", "您的验证码：\n\n    123456\n", "<p>123456 邮箱</p>")
TO = "new@example.com"


@pytest.fixture
def smtp_env(sqlite_env: Environment, smtp: SmtpServer) -> Environment:
    """Provide an environment that sends mail over SMTP."""
    sqlite_env.settings.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
    return sqlite_env


@pytest.fixture
def app(smtp_env: Environment) -> Iterator[Flask]:
    """Provide the application of that environment, in its context."""
    with smtp_env.app.app_context():
        yield smtp_env.app


def queue_mail(to: str = TO, letter: Letter = LETTER, **more: Any) -> int:
    """Enqueue and commit a mail, and return its id."""
    mail_id = outbox.enqueue(letter, to, user_id=None, **more)
    db.session.commit()
    return mail_id


def load(mail_id: int) -> Mail:
    """Return the current row of a mail."""
    found = db.session.get(Mail, mail_id, populate_existing=True)
    assert found is not None
    return found


def deliver() -> int:
    """Send all due mail, and return the number of tries."""
    tries = 0
    while deliver_one():
        tries += 1
        assert tries < 200, "delivery does not end"
    return tries


def boundaries_of(message: EmailMessage) -> list[str]:
    """Return the boundaries between the parts of a message."""
    return [str(part.get_boundary()) for part in message.walk() if part.is_multipart()]


class TestMessage:
    """The message that arrives."""

    def test_it_has_the_content_sender_and_recipient_of_the_queued_mail(self, app: Flask, smtp: SmtpServer) -> None:
        queue_mail()
        deliver()
        (received,) = smtp.received
        assert (received.sender, received.recipients) == ("cms@example.net", [TO])
        message = received.message
        assert (message["Subject"], code_in(message)) == (LETTER.subject, "123456")
        assert text_of(message).replace("\r\n", "\n").strip() == LETTER.body.strip()
        assert html_of(message).strip() == LETTER.html
        (alternative,) = [part for part in message.walk() if part.get_content_type() == "multipart/alternative"]
        assert [part.get_content_type() for part in alternative.iter_parts()] == [
            "text/plain",
            "text/html",
        ]  # The preferred part is last (RFC 2046).
        assert parseaddr(str(message["From"])) == ("CMS", "cms@example.net")
        assert parseaddr(str(message["To"])) == ("", TO)

    def test_the_boundaries_between_its_parts_are_not_known_before(self, app: Flask, smtp: SmtpServer) -> None:
        queue_mail()
        deliver()
        first = boundaries_of(smtp.received[0].message)
        text = "".join(f"--{each}\n--{each}--\n" for each in first)
        queue_mail(letter=Letter("code", "A code", f"Hello\n{text}", f"<p>Hello</p>\n{text}"))
        deliver()
        message = smtp.received[1].message
        assert len({*first, *boundaries_of(message)}) == 4
        assert text_of(message).replace("\r\n", "\n") == f"Hello\n{text}"
        assert html_of(message).replace("\r\n", "\n") == f"<p>Hello</p>\n{text}"

    def test_it_is_marked_as_generated_automatically(self, app: Flask, smtp: SmtpServer) -> None:
        queue_mail()
        deliver()
        assert smtp.received[0].message["Auto-Submitted"] == "auto-generated"  # RFC 3834

    def test_its_date_is_the_time_when_it_was_queued(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        written = clock.now()
        queue_mail()
        clock.advance(hours=5)
        deliver()
        date = parsedate_to_datetime(str(smtp.received[0].message["Date"]))
        assert abs((date - written).total_seconds()) <= 1

    def test_an_internationalised_domain_is_encoded_as_registered(self, app: Flask, smtp: SmtpServer) -> None:
        """Flask-Mail uses IDNA 2003, which converts faß.de to fass.de, a different domain."""
        queue_mail("new@faß.example.de")
        queue_mail("new@邮件.example.cn")
        deliver()
        assert sorted(each.recipients[0] for each in smtp.received) == [
            "new@xn--5nqv22n.example.cn".replace("xn--5nqv22n", "邮件".encode("idna").decode()),
            "new@xn--fa-hia.example.de",
        ]
        assert {parseaddr(str(each.message["To"]))[1] for each in smtp.received} == {
            each.recipients[0] for each in smtp.received
        }

    def test_a_comma_in_the_sender_name_is_preserved(self, smtp_env: Environment, smtp: SmtpServer) -> None:
        app = smtp_env.build(MAIL_DEFAULT_SENDER='"Acme, Inc." <cms@example.net>')
        with app.app_context():
            queue_mail()
            deliver()
        (received,) = smtp.received
        assert received.sender == "cms@example.net"
        assert parseaddr(str(received.message["From"])) == ("Acme, Inc.", "cms@example.net")

    def test_a_chinese_sender_name_is_preserved(self, smtp_env: Environment, smtp: SmtpServer) -> None:
        app = smtp_env.build(MAIL_DEFAULT_SENDER="内容管理 <cms@example.net>")
        with app.app_context():
            queue_mail()
            deliver()
        assert parseaddr(str(smtp.received[0].message["From"])) == ("内容管理", "cms@example.net")

    def test_the_content_of_a_sent_mail_is_deleted(self, app: Flask, smtp: SmtpServer) -> None:
        mail_id = queue_mail()
        deliver()
        mail = load(mail_id)
        assert (mail.state, mail.subject, mail.body, mail.html, mail.problem) == (MailState.SENT, "", "", "", "")
        assert mail.done_at is not None

    def test_nothing_is_printed_and_no_code_is_logged(
        self, app: Flask, smtp: SmtpServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Flask-Mail prints the whole dialogue on standard error unless MAIL_DEBUG is set."""
        smtp.refusals[TO] = "451 later"
        queue_mail()
        deliver()
        printed = capfd.readouterr()
        assert "123456" not in printed.out + printed.err + caplog.text
        assert "not sent" in caplog.text


class TestRefusals:
    """Mails that the server refuses, and mails that expire."""

    def test_a_permanent_refusal_is_stored_as_its_kind_and_logged_and_not_retried(
        self, app: Flask, smtp: SmtpServer, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        smtp.refusals[TO] = "550 5.1.1 no such\tmailbox"
        mail_id = queue_mail()
        assert deliver() == 1
        mail = load(mail_id)
        assert (mail.state, mail.subject, mail.body, mail.html) == (MailState.REFUSED, "", "", "")
        assert mail.problem == "recipient_refused"
        assert "550 5.1.1 no such mailbox" in caplog.text
        clock.advance(days=1)
        assert deliver() == 0

    def test_a_temporary_refusal_is_retried_with_growing_waits(
        self, app: Flask, smtp: SmtpServer, clock: Clock
    ) -> None:
        smtp.refusals[TO] = "451 4.7.1 greylisted"
        mail_id = queue_mail()
        waits = []
        for _ in range(12):
            assert deliver() == 1
            mail = load(mail_id)
            assert (mail.state, mail.problem) == (MailState.QUEUED, "temporarily_refused")
            wait = mail.due_at - clock.now()
            waits.append(wait.total_seconds())
            clock.advance(seconds=wait.total_seconds() - 0.5)
            assert deliver() == 0
            clock.advance(seconds=0.5)
        assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        smtp.refusals.clear()
        assert deliver() == 1
        assert load(mail_id).state == MailState.SENT

    def test_a_refused_mail_does_not_delay_the_others(self, app: Flask, smtp: SmtpServer) -> None:
        smtp.refusals[TO] = "451 later"
        queue_mail()
        queue_mail("other@example.com")
        deliver()
        assert [each.recipients for each in smtp.received] == [["other@example.com"]]

    def test_its_message_id_is_the_same_at_every_try(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.behaviour = "drop-after-data"
        queue_mail()
        deliver()
        smtp.behaviour = ""
        clock.advance(minutes=5)
        deliver()
        first, second = (each.message["Message-ID"] for each in smtp.received)
        assert first == second
        assert str(first).endswith("@example.net>")

    def test_message_ids_differ_although_the_generator_of_random_numbers_repeats_itself(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(random, "getrandbits", lambda _count: 0)
        with app.app_context():
            assert len({outbox.new_message_id() for _ in range(100)}) == 100

    def test_two_mails_have_different_message_ids(self, app: Flask, smtp: SmtpServer) -> None:
        queue_mail()
        queue_mail()
        deliver()
        assert len({each.message["Message-ID"] for each in smtp.received}) == 2

    def test_an_expired_mail_is_not_sent(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        mail_id = queue_mail(not_after=clock.now() + timedelta(seconds=600))
        clock.advance(seconds=600)
        assert deliver() == 1
        mail = load(mail_id)
        assert (mail.state, mail.subject, mail.body, mail.html) == (MailState.EXPIRED, "", "", "")
        assert smtp.received == []

    def test_a_mail_is_retried_for_three_days(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.refusals[TO] = "451 later"
        mail_id = queue_mail()
        clock.advance(days=3, seconds=-1)
        deliver()
        assert load(mail_id).state == MailState.QUEUED
        clock.advance(hours=1)
        deliver()
        mail = load(mail_id)
        assert (mail.state, mail.problem) == (MailState.EXPIRED, "temporarily_refused")

    def test_a_refused_mail_ends_the_wait_for_the_next_code(self, smtp_env: Environment, smtp: SmtpServer) -> None:
        ann = smtp_env.person()
        smtp.refusals[TO] = "550 no such mailbox"
        ann.ask(TO)
        assert ann.ask(TO).error == "too_many_requests"
        smtp_env.deliver()
        pending = ann.pending()
        assert pending is not None
        assert (pending["mail"]["state"], pending["mail"]["problem_kind"]) == ("refused", "recipient_refused")
        assert pending["resend_in"] == 0
        assert ann.ask("right@example.com").status == 200


class TestServerFailures:
    """A server that is unavailable, hangs, sends an endless response, disconnects, or has no valid certificate."""

    def fail_to_send(self, mail_id: int) -> Mail:
        """Try to send a mail, check that it stays queued, and return it."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        assert run_in_thread(app, deliver) == 1
        mail = load(mail_id)
        assert mail.state == MailState.QUEUED
        assert mail.subject == LETTER.subject
        assert mail.problem
        return mail

    def test_a_mail_is_sent_when_the_server_is_available_again(
        self, app: Flask, smtp: SmtpServer, clock: Clock
    ) -> None:
        smtp.stop()
        mail_id = queue_mail()
        assert self.fail_to_send(mail_id).problem == "unreachable"
        smtp.start()
        clock.advance(seconds=5)
        deliver()
        assert load(mail_id).state == MailState.SENT

    @pytest.mark.parametrize(("behaviour", "dialogue_seconds"), [("hang", "120"), ("drip", "3")])
    def test_a_dialogue_without_end_is_aborted(
        self, smtp_env: Environment, smtp: SmtpServer, clock: Clock, behaviour: str, dialogue_seconds: str
    ) -> None:
        smtp.behaviour = behaviour
        with smtp_env.build(MAIL_SECONDS="3", MAIL_DIALOGUE_SECONDS=dialogue_seconds).app_context():
            mail_id = queue_mail()
            self.fail_to_send(mail_id)
            assert smtp.hellos == 1
        smtp.behaviour = ""
        clock.advance(seconds=5)
        with smtp_env.app.app_context():
            deliver()
            assert load(mail_id).state == MailState.SENT
        assert len(smtp.received) == 1

    def test_a_mail_for_an_unknown_server_stays_queued(self, smtp_env: Environment) -> None:
        with smtp_env.build(MAIL_SERVER="nowhere.invalid").app_context():
            self.fail_to_send(queue_mail())

    def test_a_disconnection_at_quit_does_not_repeat_the_mail(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.behaviour = "drop-at-quit"
        mail_id = queue_mail()
        deliver()
        assert load(mail_id).state == MailState.SENT
        clock.advance(days=1)
        deliver()
        assert len(smtp.received) == 1

    @pytest.mark.parametrize("setting", ["MAIL_USE_TLS", "MAIL_USE_SSL"])
    def test_an_untrusted_certificate_is_refused_and_a_trusted_one_is_accepted(
        self, smtp_env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, setting: str
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        tls = {"tls_context": context} if setting == "MAIL_USE_TLS" else {"ssl_context": context}
        server = SmtpServer(**tls).start()
        try:
            app = smtp_env.build(MAIL_SERVER="localhost", MAIL_PORT=str(server.port), **{setting: "yes"})
            with app.app_context():
                mail_id = queue_mail()
                assert self.fail_to_send(mail_id).problem == "tls_failed"
                assert server.received == []
                monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate))
                clock.advance(seconds=5)
                deliver()
                assert load(mail_id).state == MailState.SENT
        finally:
            server.stop()

    def test_nothing_is_sent_to_a_server_without_tls_if_tls_is_required(
        self, smtp_env: Environment, smtp: SmtpServer
    ) -> None:
        with smtp_env.build(MAIL_USE_TLS="yes").app_context():
            self.fail_to_send(queue_mail())
        assert smtp.received == []

    def test_mail_stays_queued_in_production_without_a_server(
        self, smtp_env: Environment, caplog: pytest.LogCaptureFixture
    ) -> None:
        with smtp_env.build(**{**PRODUCTION, "MAIL_SERVER": ""}).app_context():
            assert self.fail_to_send(queue_mail()).problem == "unreachable"
            assert "MAIL_SERVER is not set" in caplog.text
            assert mailbox.messages() == []


def run_in_thread(app: Flask, work: Any) -> Any:
    """Run a function in another thread: if it hangs, the test fails."""

    def run(_: int) -> Any:
        with app.app_context():
            return work()

    return run_concurrently(run, 1)[0]


@pytest.mark.real_time
class TestWorkers:
    """Several workers, on both databases, because a lease is an SQL statement."""

    def test_eight_threads_send_every_mail_once(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
        with app.app_context():
            for number in range(40):
                outbox.enqueue(LETTER, f"to{number}@example.com", user_id=None)
            db.session.commit()

        def work(_: int) -> None:
            worker.deliver_all(app, threading.Event())

        run_concurrently(work, 8)
        env.clock.advance(seconds=leases.FIRST_RETRY_SECONDS)  # A busy server may have refused a connection.
        env.deliver(app)
        assert sorted(each.recipients[0] for each in smtp.received) == sorted(f"to{n}@example.com" for n in range(40))

    def test_no_worker_leases_a_mail_that_it_does_not_send(self, env: Environment, smtp: SmtpServer) -> None:
        """After ANALYZE, PostgreSQL knows that the table has three rows, and may plan to read all of them."""
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))

        def work(_: int) -> None:
            with app.app_context():
                deliver()

        for _ in range(10):
            with app.app_context():
                db.session.execute(delete(Mail))
                mail_ids = [queue_mail(f"to{number}@example.com") for number in range(3)]
                db.session.execute(text("ANALYZE mail"))
                db.session.commit()
            run_concurrently(work, 4)
            with app.app_context():
                deliver()  # A worker ends if another one has leased the only due mail.
                assert [load(mail_id).state for mail_id in mail_ids] == [MailState.SENT] * 3

    def test_two_processes_send_every_mail_once(self, env: Environment, smtp: SmtpServer) -> None:
        settings = {**env.settings, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port)}
        with env.app.app_context():
            for number in range(40):
                outbox.enqueue(LETTER, f"to{number}@example.com", user_id=None)
            db.session.commit()

        def work(_: int) -> subprocess.CompletedProcess[str]:
            return command_line(settings, "mail", "deliver")

        for result in run_concurrently(work, 2):
            assert result.returncode == 0, result.stderr
        assert sorted(each.recipients[0] for each in smtp.received) == sorted(f"to{n}@example.com" for n in range(40))

    def test_a_mail_is_sent_after_the_lease_of_a_worker_that_ended(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
        with app.app_context():
            mail_id = queue_mail()
            assert delivery._lease(1)  # As by a worker that is killed.
            lease = app.config["MAIL_DIALOGUE_SECONDS"] + delivery.SPARE_SECONDS
            env.clock.advance(seconds=lease - 1)
            assert deliver() == 0
            env.clock.advance(seconds=1)
            assert deliver() == 1
            assert load(mail_id).state == MailState.SENT
        assert len(smtp.received) == 1

    def test_a_failure_after_the_lease_does_not_overwrite_the_result_of_the_next_worker(
        self, env: Environment, smtp: SmtpServer
    ) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
        with app.app_context():
            mail_id = queue_mail()
            (late,) = delivery._lease(1)
            env.clock.advance(seconds=app.config["MAIL_DIALOGUE_SECONDS"] + delivery.SPARE_SECONDS)
            assert deliver() == 1
            delivery._handle_failure(late, delivery.NotSent(MailProblem.UNREACHABLE, "too late"))
            mail = load(mail_id)
            assert (mail.state, mail.problem) == (MailState.SENT, "")

    def test_a_mail_without_a_receipt_is_sent_again_with_the_same_message_id(
        self, env: Environment, smtp: SmtpServer
    ) -> None:
        mail_id = queue_mail_in(env)
        with worker_without_receipt(env, smtp) as worker:
            worker.kill()
            worker.wait()
        assert state_of(env, mail_id) == (MailState.QUEUED, 1, "")
        end_lease(env, mail_id)
        env.deliver(env.build(**smtp_settings(env, smtp)))
        assert state_of(env, mail_id) == (MailState.SENT, 2, "")
        first, second = smtp.mails_to(TO)
        assert first["Message-ID"] == second["Message-ID"]  # Mail servers can drop the duplicate.

    @pytest.mark.parametrize("outcome", [MailState.SENT, MailState.REFUSED, MailState.QUEUED])
    def test_a_receipt_after_the_lease_does_not_overwrite_the_result_of_the_next_worker(
        self, env: Environment, smtp: SmtpServer, outcome: str
    ) -> None:
        mail_id = queue_mail_in(env)
        with worker_without_receipt(env, smtp) as late:
            end_lease(env, mail_id)
            smtp.refusals |= {MailState.REFUSED: {TO: "550 gone"}, MailState.QUEUED: {TO: "451 later"}}.get(outcome, {})
            env.deliver(env.build(**smtp_settings(env, smtp)))
            assert state_of(env, mail_id)[:2] == (outcome, 2)
            end_lease(env, mail_id, env.clock.now() + timedelta(days=1))  # Prevents a third lease of a queued mail.
            row = row_of(env, mail_id)
            thaw(late.pid)
            eventually(lambda: late.poll() is not None, "the late worker ends")
            assert late.returncode == 0
        assert row_of(env, mail_id) == row

    def test_a_mail_of_a_transaction_that_was_rolled_back_does_not_exist(self, env: Environment) -> None:
        with env.app.app_context():
            outbox.enqueue(LETTER, TO, user_id=None)
            db.session.flush()
            db.session.rollback()
            assert deliver() == 0

    def test_the_web_process_delivers_if_it_is_configured_to(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port), MAIL_DELIVERY="thread")
        ann = env.person(app=app)
        ann.ask(TO)
        (message,) = eventually(lambda: smtp.mails_to(TO), "the mail arrives")
        assert ann.confirm(TO, code_in(message)).status == 200

    def test_the_web_process_does_not_deliver_if_workers_do(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(TO)
        assert "cms_mail_delivery" not in env.app.extensions
        pending = ann.pending()
        assert pending is not None
        assert pending["mail"]["state"] == "queued"

    def test_a_stopped_thread_ends(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port), MAIL_DELIVERY="thread")
        with app.app_context():
            worker.wake()
            thread = app.extensions["cms_mail_delivery"]
            assert thread.runs_in_this_process()
            thread.stop()
            assert not thread.is_alive()
            worker.wake()
            assert app.extensions["cms_mail_delivery"] is not thread


def smtp_settings(env: Environment, smtp: SmtpServer) -> dict[str, str]:
    """Return the settings of an environment, with the SMTP server."""
    return {**env.settings, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port)}


def queue_mail_in(env: Environment) -> int:
    """Enqueue a mail in an environment, and return its id."""
    with env.app.app_context():
        return queue_mail()


@contextlib.contextmanager
def worker_without_receipt(env: Environment, smtp: SmtpServer) -> Iterator[Program]:
    """Yield a process that has sent a mail to the server, and is frozen before it gets the receipt."""
    is_sent = threading.Event()
    worker: list[Program] = []

    def freeze_worker() -> None:
        smtp.before_receipt = None
        freeze(worker[0].pid)
        is_sent.set()

    smtp.before_receipt = freeze_worker
    with env.app.app_context():
        db.session.remove()
    worker.append(start_command(smtp_settings(env, smtp), "mail", "deliver"))
    try:
        eventually(is_sent.is_set, "the worker sends the mail")
        yield worker[0]
    finally:
        terminate(worker[0], signal.SIGKILL)


def end_lease(env: Environment, mail_id: int, due_at: datetime | None = None) -> None:
    """End the lease of a mail, or set the time when it is due."""
    with env.app.app_context():
        db.session.execute(update(Mail).where(Mail.id == mail_id).values(due_at=due_at or env.clock.now()))
        db.session.commit()


def row_of(env: Environment, mail_id: int) -> tuple[Any, ...]:
    """Return all columns of a mail."""
    return tuple(env.rows(select(Mail.__table__).where(Mail.id == mail_id))[0])


def state_of(env: Environment, mail_id: int) -> tuple[str, int, str]:
    """Return the state of a mail, the number of tries, and the problem."""
    return tuple(env.rows(select(Mail.state, Mail.tries, Mail.problem).where(Mail.id == mail_id))[0])  # type: ignore[return-value]


class TestMailbox:
    """The mailbox, which stores mails while no server is set."""

    def test_a_mail_that_is_sent_twice_is_stored_once(self, sqlite_env: Environment) -> None:
        with sqlite_env.app.app_context():
            mail_id = queue_mail()
            message = build_message(load(mail_id))
            with MailServerConnection(current_app.extensions["mail"]) as connection:
                connection.send(message)
                connection.send(message)
            (received,) = mailbox.messages()
            assert (received.to, received.subject) == (TO, LETTER.subject)
            assert "123456" in received.body

    @pytest.mark.slow
    def test_a_hundred_mails_are_kept(self, sqlite_env: Environment, clock: Clock) -> None:
        with sqlite_env.app.app_context(), open_connection() as connection:
            for number in range(103):
                queue_mail(f"to{number}@example.com")
                assert deliver_next(connection)
                clock.advance(seconds=1)
            received = mailbox.messages()
            assert [each.to for each in received] == [f"to{number}@example.com" for number in range(102, 2, -1)]
            assert len(list(Path(sqlite_env.settings["INSTANCE_DIR"]).glob("mailbox/*"))) == mailbox.MAX_MESSAGES

    def test_the_page_shows_the_code(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ann.ask(TO)
        code = sqlite_env.code_to(TO)
        page = sqlite_env.visitor().page("/dev/mailbox/")
        assert page.status == 200
        assert code in page.text
        assert TO in page.text
