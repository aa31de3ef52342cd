"""accounts/mail/outbox.py with a real SMTP server: every mail is sent once, later if necessary, or expires."""

import contextlib
import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import delete, select, text, update

from accounts.mail import delivery, mailbox, outbox, worker
from accounts.mail.messages import Letter
from accounts.mail.smtp import MailServerConnection, build_message
from models import Mail, MailProblem, MailState, db
from tests.actors import code_in, html_of, text_of
from tests.environments import PRODUCTION, Clock, Environment, deliver_next, deliver_one, open_connection
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
def post(sqlite_env: Environment, smtp: SmtpServer) -> Environment:
    """Give an environment whose mail goes out over SMTP."""
    sqlite_env.settings.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
    return sqlite_env


@pytest.fixture
def app(post: Environment) -> Iterator[Flask]:
    """Give its application, in whose context the test is."""
    with post.app.app_context():
        yield post.app


def put(to: str = TO, letter: Letter = LETTER, **more: Any) -> int:
    """Put a mail into the outbox and return its number."""
    number = outbox.enqueue(letter, to, user_id=None, **more)
    db.session.commit()
    return number


def seen(number: int) -> Mail:
    """Return a mail as it is in the database now."""
    found = db.session.get(Mail, number, populate_existing=True)
    assert found is not None
    return found


def deliver() -> int:
    """Try everything that is due, once or more; return how many tries that were."""
    tries = 0
    while deliver_one():
        tries += 1
        assert tries < 200, "the outbox goes round in circles"
    return tries


class TestAMail:
    """What arrives."""

    def test_it_arrives_as_it_was_written(self, app: Flask, smtp: SmtpServer) -> None:
        put()
        deliver()
        (posted,) = smtp.received
        assert (posted.sender, posted.recipients) == ("cms@example.net", [TO])
        message = posted.message
        assert (message["Subject"], code_in(message)) == (LETTER.subject, "123456")
        assert text_of(message).replace("\r\n", "\n").strip() == LETTER.body.strip()
        assert html_of(message).strip() == LETTER.html
        (choice,) = [part for part in message.walk() if part.get_content_type() == "multipart/alternative"]
        assert [part.get_content_type() for part in choice.iter_parts()] == ["text/plain", "text/html"]  # Best last.
        assert parseaddr(str(message["From"])) == ("CMS", "cms@example.net")
        assert parseaddr(str(message["To"])) == ("", TO)

    def test_it_says_that_a_machine_wrote_it(self, app: Flask, smtp: SmtpServer) -> None:
        put()
        deliver()
        assert smtp.received[0].message["Auto-Submitted"] == "auto-generated"  # RFC 3834

    def test_its_date_is_that_of_its_writing(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        written = clock.now()
        put()
        clock.advance(hours=5)
        deliver()
        date = parsedate_to_datetime(str(smtp.received[0].message["Date"]))
        assert abs((date - written).total_seconds()) <= 1

    def test_a_domain_of_other_letters_goes_out_as_its_owner_registered_it(self, app: Flask, smtp: SmtpServer) -> None:
        """IDNA 2003, which Flask-Mail knows, makes fass.de of faß.de: somebody else's domain."""
        put("new@faß.example.de")
        put("new@邮件.example.cn")
        deliver()
        assert sorted(each.recipients[0] for each in smtp.received) == [
            "new@xn--5nqv22n.example.cn".replace("xn--5nqv22n", "邮件".encode("idna").decode()),
            "new@xn--fa-hia.example.de",
        ]
        assert {parseaddr(str(each.message["To"]))[1] for each in smtp.received} == {
            each.recipients[0] for each in smtp.received
        }

    def test_a_comma_in_the_name_of_the_sender_is_part_of_the_name(self, post: Environment, smtp: SmtpServer) -> None:
        app = post.build(MAIL_DEFAULT_SENDER='"Acme, Inc." <cms@example.net>')
        with app.app_context():
            put()
            deliver()
        (posted,) = smtp.received
        assert posted.sender == "cms@example.net"
        assert parseaddr(str(posted.message["From"])) == ("Acme, Inc.", "cms@example.net")

    def test_a_chinese_name_of_the_sender_arrives(self, post: Environment, smtp: SmtpServer) -> None:
        app = post.build(MAIL_DEFAULT_SENDER="内容管理 <cms@example.net>")
        with app.app_context():
            put()
            deliver()
        assert parseaddr(str(smtp.received[0].message["From"])) == ("内容管理", "cms@example.net")

    def test_the_content_of_a_sent_mail_is_deleted(self, app: Flask, smtp: SmtpServer) -> None:
        number = put()
        deliver()
        mail = seen(number)
        assert (mail.state, mail.subject, mail.body, mail.html, mail.problem) == (MailState.SENT, "", "", "", "")
        assert mail.done_at is not None

    def test_nothing_is_printed_and_no_code_is_logged(
        self, app: Flask, smtp: SmtpServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Flask-Mail prints the whole dialogue on stderr where MAIL_DEBUG is not set."""
        smtp.refusals[TO] = "451 later"
        put()
        deliver()
        printed = capfd.readouterr()
        assert "123456" not in printed.out + printed.err + caplog.text
        assert "not sent" in caplog.text


class TestRefusals:
    """What a server may say."""

    def test_a_permanent_refusal_is_stored_as_its_kind_and_logged_and_not_retried(
        self, app: Flask, smtp: SmtpServer, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        smtp.refusals[TO] = "550 5.1.1 no such\tmailbox"
        number = put()
        assert deliver() == 1
        mail = seen(number)
        assert (mail.state, mail.subject, mail.body, mail.html) == (MailState.REFUSED, "", "", "")
        assert mail.problem == "recipient_refused"
        assert "550 5.1.1 no such mailbox" in caplog.text
        clock.advance(days=1)
        assert deliver() == 0

    def test_a_temporary_refusal_is_retried_with_growing_waits(
        self, app: Flask, smtp: SmtpServer, clock: Clock
    ) -> None:
        smtp.refusals[TO] = "451 4.7.1 greylisted"
        number = put()
        waits = []
        for _ in range(12):
            assert deliver() == 1
            mail = seen(number)
            assert (mail.state, mail.problem) == (MailState.QUEUED, "temporarily_refused")
            wait = mail.due_at - clock.now()
            waits.append(wait.total_seconds())
            clock.advance(seconds=wait.total_seconds() - 0.5)
            assert deliver() == 0
            clock.advance(seconds=0.5)
        assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        smtp.refusals.clear()
        assert deliver() == 1
        assert seen(number).state == MailState.SENT

    def test_a_refused_mail_does_not_delay_the_others(self, app: Flask, smtp: SmtpServer) -> None:
        smtp.refusals[TO] = "451 later"
        put()
        put("other@example.com")
        deliver()
        assert [each.recipients for each in smtp.received] == [["other@example.com"]]

    def test_its_message_id_is_the_same_at_every_try(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.behaviour = "drop-after-data"
        put()
        deliver()
        smtp.behaviour = ""
        clock.advance(minutes=5)
        deliver()
        first, second = (each.message["Message-ID"] for each in smtp.received)
        assert first == second
        assert str(first).endswith("@example.net>")

    def test_two_mails_have_two_message_ids(self, app: Flask, smtp: SmtpServer) -> None:
        put()
        put()
        deliver()
        assert len({each.message["Message-ID"] for each in smtp.received}) == 2

    def test_an_expired_mail_is_not_sent(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        number = put(not_after=clock.now() + timedelta(seconds=600))
        clock.advance(seconds=600)
        assert deliver() == 1
        mail = seen(number)
        assert (mail.state, mail.subject, mail.body, mail.html) == (MailState.EXPIRED, "", "", "")
        assert smtp.received == []

    def test_a_notice_is_tried_for_three_days(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.refusals[TO] = "451 later"
        number = put()
        clock.advance(days=3, seconds=-1)
        deliver()
        assert seen(number).state == MailState.QUEUED
        clock.advance(hours=1)
        deliver()
        mail = seen(number)
        assert (mail.state, mail.problem) == (MailState.EXPIRED, "temporarily_refused")

    def test_a_refused_code_need_not_be_waited_for(self, post: Environment, smtp: SmtpServer) -> None:
        ann = post.person()
        smtp.refusals[TO] = "550 no such mailbox"
        ann.ask(TO)
        assert ann.ask(TO).error == "too_many_requests"
        post.deliver()
        pending = ann.pending()
        assert pending is not None
        assert (pending["mail"]["state"], pending["mail"]["problem_kind"]) == ("refused", "recipient_refused")
        assert pending["resend_in"] == 0
        assert ann.ask("right@example.com").status == 200


class TestABadServer:
    """A server that is away, hangs, drips, or goes away too early."""

    def held_back(self, number: int) -> Mail:
        """Try to send, and check that the mail stays for later."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        assert at_once_in(app, deliver) == 1
        mail = seen(number)
        assert mail.state == MailState.QUEUED
        assert mail.subject == LETTER.subject
        assert mail.problem
        return mail

    def test_one_that_is_away(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.stop()
        number = put()
        assert self.held_back(number).problem == "unreachable"
        smtp.start()
        clock.advance(seconds=5)
        deliver()
        assert seen(number).state == MailState.SENT

    @pytest.mark.parametrize(("manner", "dialogue_seconds"), [("hang", "120"), ("drip", "3")])
    def test_one_that_never_ends(
        self, post: Environment, smtp: SmtpServer, clock: Clock, manner: str, dialogue_seconds: str
    ) -> None:
        smtp.behaviour = manner
        with post.build(MAIL_SECONDS="3", MAIL_DIALOGUE_SECONDS=dialogue_seconds).app_context():
            number = put()
            self.held_back(number)
            assert smtp.hellos == 1
        smtp.behaviour = ""
        clock.advance(seconds=5)
        with post.app.app_context():
            deliver()
            assert seen(number).state == MailState.SENT
        assert len(smtp.received) == 1

    def test_one_that_does_not_exist(self, post: Environment) -> None:
        with post.build(MAIL_SERVER="nowhere.invalid").app_context():
            self.held_back(put())

    def test_a_disconnection_at_quit_does_not_repeat_the_mail(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        smtp.behaviour = "drop-at-quit"
        number = put()
        deliver()
        assert seen(number).state == MailState.SENT
        clock.advance(days=1)
        deliver()
        assert len(smtp.received) == 1

    @pytest.mark.parametrize("way", ["MAIL_USE_TLS", "MAIL_USE_SSL"])
    def test_an_untrusted_certificate_is_refused_and_a_trusted_one_is_accepted(
        self, post: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, way: str
    ) -> None:
        certificate, context = create_certificate(tmp_path)
        tls = {"tls_context": context} if way == "MAIL_USE_TLS" else {"ssl_context": context}
        server = SmtpServer(**tls).start()
        try:
            app = post.build(MAIL_SERVER="localhost", MAIL_PORT=str(server.port), **{way: "yes"})
            with app.app_context():
                number = put()
                assert self.held_back(number).problem == "tls_failed"
                assert server.received == []
                monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(certificate))
                clock.advance(seconds=5)
                deliver()
                assert seen(number).state == MailState.SENT
        finally:
            server.stop()

    def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(
        self, post: Environment, smtp: SmtpServer
    ) -> None:
        with post.build(MAIL_USE_TLS="yes").app_context():
            self.held_back(put())
        assert smtp.received == []

    def test_production_without_a_server_keeps_the_mail(
        self, post: Environment, caplog: pytest.LogCaptureFixture
    ) -> None:
        with post.build(**{**PRODUCTION, "MAIL_SERVER": ""}).app_context():
            assert self.held_back(put()).problem == "unreachable"
            assert "MAIL_SERVER is not set" in caplog.text
            assert mailbox.messages() == []


def at_once_in(app: Flask, work: Any) -> Any:
    """Do something in a thread of its own, so that what hangs fails the test instead of hanging it."""

    def run(_: int) -> Any:
        with app.app_context():
            return work()

    return run_concurrently(run, 1)[0]


class TestWorkers:
    """Several who deliver; on both databases, because the lease is a statement of the database."""

    def test_eight_threads_send_every_mail_once(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
        with app.app_context():
            for number in range(40):
                outbox.enqueue(LETTER, f"to{number}@example.com", user_id=None)
            db.session.commit()

        def work(_: int) -> None:
            worker.deliver_all(app, threading.Event())

        run_concurrently(work, 8)
        env.clock.advance(seconds=delivery.FIRST_RETRY_SECONDS)  # A busy server may have dropped one of eight at once.
        env.deliver(app)
        assert sorted(each.recipients[0] for each in smtp.received) == sorted(f"to{n}@example.com" for n in range(40))

    def test_no_worker_takes_a_mail_that_it_does_not_send(self, env: Environment, smtp: SmtpServer) -> None:
        """PostgreSQL plans for what a table holds: once it knows that there are three rows it may read all of them."""
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))

        def work(_: int) -> None:
            with app.app_context():
                deliver()

        for _ in range(10):
            with app.app_context():
                db.session.execute(delete(Mail))
                numbers = [put(f"to{number}@example.com") for number in range(3)]
                db.session.execute(text("ANALYZE mail"))
                db.session.commit()
            run_concurrently(work, 4)
            with app.app_context():
                deliver()  # Who comes when another one holds the only mail that is due goes away again.
                assert [seen(number).state for number in numbers] == [MailState.SENT] * 3

    def test_two_processes_send_every_mail_once(self, env: Environment, smtp: SmtpServer) -> None:
        settings = {**env.settings, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port)}
        with env.app.app_context():
            for number in range(40):
                outbox.enqueue(LETTER, f"to{number}@example.com", user_id=None)
            db.session.commit()

        def work(_: int) -> subprocess.CompletedProcess[str]:
            return command_line(settings, "mail", "deliver")

        for finished in run_concurrently(work, 2):
            assert finished.returncode == 0, finished.stderr
        assert sorted(each.recipients[0] for each in smtp.received) == sorted(f"to{n}@example.com" for n in range(40))

    def test_the_mail_of_a_worker_that_died_is_sent_after_its_lease(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
        with app.app_context():
            number = put()
            assert delivery._lease(1)  # A worker takes it, and is never seen again.
            lease = app.config["MAIL_DIALOGUE_SECONDS"] + delivery.SPARE_SECONDS
            env.clock.advance(seconds=lease - 1)
            assert deliver() == 0
            env.clock.advance(seconds=1)
            assert deliver() == 1
            assert seen(number).state == MailState.SENT
        assert len(smtp.received) == 1

    def test_a_worker_that_comes_too_late_overwrites_nothing(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
        with app.app_context():
            number = put()
            (late,) = delivery._lease(1)
            env.clock.advance(seconds=app.config["MAIL_DIALOGUE_SECONDS"] + delivery.SPARE_SECONDS)
            assert deliver() == 1
            delivery._handle_failure(late, delivery.NotSent(MailProblem.UNREACHABLE, "too late"))
            mail = seen(number)
            assert (mail.state, mail.problem) == (MailState.SENT, "")

    def test_the_mail_of_a_worker_that_dies_before_the_receipt_comes_again_as_the_same_mail(
        self, env: Environment, smtp: SmtpServer
    ) -> None:
        number = put_into(env)
        with worker_without_receipt(env, smtp) as worker:
            worker.kill()
            worker.wait()
        assert state_of(env, number) == (MailState.QUEUED, 1, "")
        run_out(env, number)
        env.deliver(env.build(**with_smtp(env, smtp)))
        assert state_of(env, number) == (MailState.SENT, 2, "")
        first, second = smtp.mails_to(TO)
        assert first["Message-ID"] == second["Message-ID"]  # Mail servers keep one of the two.

    @pytest.mark.parametrize("outcome", [MailState.SENT, MailState.REFUSED, MailState.QUEUED])
    def test_a_worker_that_gets_its_receipt_after_its_lease_leaves_what_the_next_one_marked(
        self, env: Environment, smtp: SmtpServer, outcome: str
    ) -> None:
        number = put_into(env)
        with worker_without_receipt(env, smtp) as late:
            run_out(env, number)
            smtp.refusals |= {MailState.REFUSED: {TO: "550 gone"}, MailState.QUEUED: {TO: "451 later"}}.get(outcome, {})
            env.deliver(env.build(**with_smtp(env, smtp)))
            assert state_of(env, number)[:2] == (outcome, 2)
            run_out(env, number, env.clock.now() + timedelta(days=1))  # What waits is not taken a third time.
            marked = whole_row(env, number)
            thaw(late.pid)
            eventually(lambda: late.poll() is not None, "the late worker ends")
            assert late.returncode == 0
        assert whole_row(env, number) == marked

    def test_a_mail_of_a_transaction_that_was_undone_does_not_exist(self, env: Environment) -> None:
        with env.app.app_context():
            outbox.enqueue(LETTER, TO, user_id=None)
            db.session.flush()
            db.session.rollback()
            assert deliver() == 0

    def test_the_web_process_delivers_if_it_is_configured_to(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port), MAIL_DELIVERY="thread")
        ann = env.person(app=app)
        ann.ask(TO)
        (message,) = eventually(lambda: smtp.mails_to(TO), "the mail comes")
        assert ann.confirm(TO, code_in(message)).status == 200

    def test_the_web_process_does_not_deliver_if_workers_do(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(TO)
        assert "mail_delivery" not in env.app.extensions
        pending = ann.pending()
        assert pending is not None
        assert pending["mail"]["state"] == "queued"

    def test_a_stopped_thread_ends(self, env: Environment, smtp: SmtpServer) -> None:
        app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port), MAIL_DELIVERY="thread")
        with app.app_context():
            worker.wake()
            thread = app.extensions["mail_delivery"]
            assert thread.runs_in_this_process()
            thread.stop()
            assert not thread.is_alive()
            worker.wake()
            assert app.extensions["mail_delivery"] is not thread


def with_smtp(env: Environment, smtp: SmtpServer) -> dict[str, str]:
    """Return the settings of a process that sends the mail of an environment."""
    return {**env.settings, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(smtp.port)}


def put_into(env: Environment) -> int:
    """Put a mail into the outbox of an environment and return its number."""
    with env.app.app_context():
        return put()


@contextlib.contextmanager
def worker_without_receipt(env: Environment, smtp: SmtpServer) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that has given a mail to the server, and stands still before it hears that it was taken."""
    given = threading.Event()
    worker: list[subprocess.Popen[bytes]] = []

    def hold() -> None:
        smtp.before_receipt = None
        freeze(worker[0].pid)
        given.set()

    smtp.before_receipt = hold
    with env.app.app_context():
        db.session.remove()
    worker.append(start_command(with_smtp(env, smtp), "mail", "deliver"))
    try:
        eventually(given.is_set, "the worker gives the mail to the server")
        yield worker[0]
    finally:
        terminate(worker[0], signal.SIGKILL)


def run_out(env: Environment, number: int, at: datetime | None = None) -> None:
    """Have the lease of a mail run out, or at another moment."""
    with env.app.app_context():
        db.session.execute(update(Mail).where(Mail.id == number).values(due_at=at or env.clock.now()))
        db.session.commit()


def whole_row(env: Environment, number: int) -> tuple[Any, ...]:
    """Return all that is written about a mail."""
    return tuple(env.rows(select(Mail.__table__).where(Mail.id == number))[0])


def state_of(env: Environment, number: int) -> tuple[str, int, str]:
    """Return what became of a mail, after how many tries, and what was wrong."""
    return tuple(env.rows(select(Mail.state, Mail.tries, Mail.problem).where(Mail.id == number))[0])  # type: ignore[return-value]


class TestTheMailbox:
    """Where mail goes while no server is set."""

    def test_a_mail_is_filed_once_however_often_it_is_sent(self, sqlite_env: Environment) -> None:
        with sqlite_env.app.app_context():
            number = put()
            message = build_message(seen(number))
            with MailServerConnection(current_app.extensions["mail"]) as connection:
                connection.send(message)
                connection.send(message)
            (received,) = mailbox.messages()
            assert (received.to, received.subject) == (TO, LETTER.subject)
            assert "123456" in received.body

    def test_the_newest_stands_first_and_a_hundred_are_kept(self, sqlite_env: Environment, clock: Clock) -> None:
        with sqlite_env.app.app_context(), open_connection() as connection:
            for number in range(103):
                put(f"to{number}@example.com")
                assert deliver_next(connection)
                clock.advance(seconds=1)
            received = mailbox.messages()
            assert [each.to for each in received] == [f"to{number}@example.com" for number in range(102, 2, -1)]
            assert len(list(Path(sqlite_env.settings["INSTANCE_DIR"]).glob("mailbox/*"))) == mailbox.MAX_MESSAGES

    def test_the_page_shows_the_code_to_copy(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ann.ask(TO)
        code = sqlite_env.code_to(TO)
        page = sqlite_env.visitor().page("/dev/mailbox/")
        assert page.status == 200
        assert code in page.text
        assert TO in page.text
