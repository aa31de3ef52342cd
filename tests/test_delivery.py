"""accounts/mail/delivery.py with many mails: no mail blocks others, and several mails are sent on one connection."""

import contextlib
import logging
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import delete, event, select, text, update
from sqlalchemy.exc import OperationalError

from accounts.mail import delivery, outbox, worker
from accounts.mail.messages import Letter
from cache import CacheDown
from models import CMSUser, Mail, MailState, db
from tests.environments import Clock, Environment
from tests.servers import SmtpServer, eventually, run_concurrently, start_command, terminate
from tests.test_outbox import LETTER, TO, load, queue_mail

OTHERS = [f"to{number}@example.com" for number in range(3)]
MAX_FAULTS = 5  # Consecutive errors in the application after which a mail is set aside.


@pytest.fixture
def mail_env(env: Environment, smtp: SmtpServer) -> Environment:
    """Provide each environment with an SMTP server, and with short time-outs for tests in which the server hangs."""
    env.settings.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
    env.settings.update(MAIL_SECONDS="8", MAIL_DIALOGUE_SECONDS="15")
    return env


@pytest.fixture
def app(mail_env: Environment) -> Iterator[Flask]:
    """Provide the application, and push its context."""
    with mail_env.app.app_context():
        yield mail_env.app


def deliver(app: Flask) -> None:
    """Send all due mail, like the worker; in a thread with a deadline, so that a delivery that hangs fails the test."""
    run_concurrently(lambda _: worker.deliver_all(app, threading.Event()), 1)


def enqueue_task(patch: pytest.MonkeyPatch, run: object) -> int:
    """Enqueue a task that calls this function, and return its id."""
    patch.setitem(outbox.tasks, "task:test", run)
    outbox.enqueue_task("test", TO, "{}")
    db.session.commit()
    return int(db.session.scalars(select(Mail.id).where(Mail.kind == "task:test")).one())


def has_sent_others(smtp: SmtpServer) -> bool:
    """Return whether each of the other recipients got exactly one mail."""
    return Counter(each.recipients[0] for each in smtp.received) == dict.fromkeys(OTHERS, 1)


class TestOneBadMail:
    """A mail that cannot be sent does not affect others."""

    @pytest.mark.parametrize(("code", "state"), [(550, MailState.REFUSED), (451, MailState.QUEUED)])
    def test_control_characters_in_a_response_of_the_mail_server_are_harmless(
        self, app: Flask, smtp: SmtpServer, caplog: pytest.LogCaptureFixture, code: int, state: MailState
    ) -> None:
        smtp.refusals[TO] = f"{code} no\0such\x1b[2Jmailbox"
        number = queue_mail()
        for other in OTHERS:
            queue_mail(other)
        deliver(app)
        assert has_sent_others(smtp)
        assert load(number).state == state
        assert "\0" not in caplog.text
        assert "\x1b" not in caplog.text
        assert "mailbox" in caplog.text

    def test_a_mail_that_cannot_be_rendered_is_set_aside_after_five_tries(
        self, mail_env: Environment, app: Flask, smtp: SmtpServer, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        number = queue_mail("用户@example.com")
        for tries in range(MAX_FAULTS):
            assert load(number).state == MailState.QUEUED, f"after {tries} tries"
            deliver(app)
            clock.advance(hours=1)
        mail = load(number)
        assert (mail.state, mail.tries, mail.problem) == ("failed", MAX_FAULTS, "unexpected")
        assert (mail.subject, mail.body, mail.html) == ("", "", "")
        (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert mail.message_id in record.getMessage()
        assert "code" in record.getMessage()
        assert "123456" not in caplog.text
        deliver(app)
        assert load(number).tries == MAX_FAULTS
        output = app.test_cli_runner().invoke(args=["mail", "failed"]).output
        assert mail.message_id in output
        assert (
            "outbox: mails set aside in the last 24 hours: 1." in app.test_cli_runner().invoke(args=["doctor"]).output
        )

    def test_a_mail_that_cannot_be_rendered_after_a_sent_one_is_not_marked_as_sent(
        self, app: Flask, smtp: SmtpServer
    ) -> None:
        before = queue_mail(OTHERS[0])
        number = queue_mail("用户@example.com")
        deliver(app)
        assert (load(before).state, load(number).state) == (MailState.SENT, MailState.QUEUED)

    def test_a_task_that_raises_is_set_aside_and_rolled_back(
        self, mail_env: Environment, app: Flask, smtp: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mail_env.administrator("ann@example.com")

        def fail(_: Mail) -> None:
            db.session.execute(update(CMSUser).values(username="changed"))
            db.session.execute(text("INSERT INTO cms_user (id) VALUES (1)"))  # The database refuses this statement.

        number = enqueue_task(monkeypatch, fail)
        for other in OTHERS:
            queue_mail(other)
        for _ in range(MAX_FAULTS):
            deliver(app)
            clock.advance(hours=1)
        assert has_sent_others(smtp)
        assert load(number).state == "failed"
        assert mail_env.account("ann").username == "ann"

    def test_only_consecutive_errors_count(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        number = queue_mail("用户@example.com")
        for _ in range(MAX_FAULTS - 1):
            deliver(app)
            clock.advance(hours=1)
        db.session.execute(update(Mail).values(recipient=TO))
        db.session.commit()
        smtp.refusals[TO] = "451 later"
        deliver(app)
        clock.advance(hours=1)
        db.session.execute(update(Mail).values(recipient="用户@example.com"))
        db.session.commit()
        deliver(app)
        assert load(number).state == MailState.QUEUED

    def test_an_outage_of_the_cache_is_not_counted_as_an_error_of_a_mail(
        self, app: Flask, smtp: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: Mail) -> None:
            raise CacheDown

        number = enqueue_task(monkeypatch, fail)
        for other in OTHERS:
            queue_mail(other)
        for _ in range(2 * MAX_FAULTS):
            deliver(app)
            clock.advance(hours=1)
        assert has_sent_others(smtp)
        mail = load(number)
        assert (mail.state, mail.tries, mail.problem) == (MailState.QUEUED, 2 * MAX_FAULTS, "")

    def test_a_task_of_an_unknown_kind_is_not_mailed(self, app: Flask, smtp: SmtpServer) -> None:
        outbox.enqueue_task("of a later version", TO, '{"not": "a mail"}')
        db.session.commit()
        deliver(app)
        assert smtp.received == []

    def test_a_row_that_cannot_be_read_does_not_block_others(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        number = queue_mail()
        for other in OTHERS:
            queue_mail(other)
        unreadable = "'infinity'" if db.engine.dialect.name == "postgresql" else "'soon'"
        db.session.execute(text(f"UPDATE mail SET not_after = {unreadable} WHERE id = {number}"))
        db.session.commit()
        for _ in range(MAX_FAULTS):
            deliver(app)
            clock.advance(minutes=10)
        assert has_sent_others(smtp)
        state = db.session.scalar(select(Mail.state).where(Mail.id == number))
        assert state == "failed"

    def test_a_code_in_a_response_of_the_mail_server_is_not_logged(
        self, app: Flask, smtp: SmtpServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        smtp.refusals[TO] = "550 5.7.1 the subject 123456 looks like spam"
        queue_mail(letter=Letter("code", "123456 是验证码", "123456", ""))
        deliver(app)
        assert "looks like spam" in caplog.text
        assert "123456" not in caplog.text

    def test_the_wait_for_the_next_code_ends_when_the_mail_is_set_aside(
        self, mail_env: Environment, clock: Clock
    ) -> None:
        ann = mail_env.person()
        assert ann.ask(TO).status == 200
        with mail_env.app.app_context():
            db.session.execute(update(Mail).where(Mail.kind == "code").values(recipient="用户@example.com"))
            db.session.commit()
        for _ in range(MAX_FAULTS):
            deliver(mail_env.app)
            clock.advance(seconds=45)
        pending = ann.pending()
        assert pending is not None
        assert (pending["mail"]["state"], pending["resend_in"]) == ("failed", 0)
        assert pending["mail"]["problem"] == "系统出错，邮件未能发出。"
        assert pending["mail"]["problem"] in ann.page().text


@contextlib.contextmanager
def hide_outbox(app: Flask) -> Iterator[None]:
    """Rename the table of the outbox within the context, which causes an unexpected error."""
    with app.app_context():
        db.session.execute(text("ALTER TABLE mail RENAME TO hidden"))
        db.session.commit()
        yield
        db.session.execute(text("ALTER TABLE hidden RENAME TO mail"))
        db.session.commit()


class TestUnexpectedErrors:
    """Errors that end neither the worker nor the thread."""

    @pytest.mark.real_time
    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    def test_an_unexpected_error_does_not_end_the_worker(
        self, mail_env: Environment, app: Flask, smtp: SmtpServer, tmp_path: Path
    ) -> None:
        log = tmp_path / "log"
        with log.open("ab") as stream:
            worker = start_command(mail_env.settings, "mail", "deliver", "--watch", stdout=stream, stderr=stream)
        try:
            with hide_outbox(app):
                eventually(lambda: "does not exist" in log.read_text() or worker.poll() is not None, "delivery fails")
            queue_mail()
            eventually(lambda: smtp.mails_to(TO) or worker.poll() is not None, "the mail is sent")
            assert worker.poll() is None, log.read_text()
        finally:
            terminate(worker, signal.SIGTERM)
        assert worker.returncode == 0

    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    def test_an_unexpected_error_does_not_end_the_thread(
        self, mail_env: Environment, smtp: SmtpServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = mail_env.build(MAIL_DELIVERY="thread")
        with hide_outbox(app):
            worker.wake()
            thread = app.extensions["cms_mail_delivery"]
            eventually(lambda: "does not exist" in caplog.text or not thread.is_alive(), "delivery fails")
        with app.app_context():
            queue_mail()
            eventually(lambda: smtp.mails_to(TO) or not thread.is_alive(), "the mail is sent")
            assert thread.is_alive()

    @pytest.mark.parametrize("mode", ["worker", "thread"])
    def test_mail_of_another_process_is_found_by_polling(
        self, mail_env: Environment, app: Flask, smtp: SmtpServer, mode: str
    ) -> None:
        assert worker.POLL_SECONDS <= 0.5
        stopped, wakeups = threading.Event(), worker.Wakeups()
        thread = threading.Thread(target=worker.watch, args=(app, stopped, wakeups))
        if mode == "thread":
            thread = worker.Delivery(app)
        thread.start()
        try:
            for other in OTHERS:
                queue_mail(other)
                eventually(lambda other=other: smtp.mails_to(other), "the mail is sent")
        finally:
            stopped.set()
            wakeups.put(None)
            if isinstance(thread, worker.Delivery):
                thread.stop()
            thread.join()


class TestBatches:
    """Mails that are leased together."""

    def test_a_stopped_worker_releases_the_mails_that_it_has_not_tried(self, app: Flask, smtp: SmtpServer) -> None:
        numbers, stopped = [queue_mail(other) for other in OTHERS], threading.Event()
        smtp.before_receipt = stopped.set
        delivery.deliver_due(stopped)
        mails = [load(number) for number in numbers]
        assert [(mail.state, mail.tries) for mail in mails] == [("sent", 1), ("queued", 0), ("queued", 0)]
        deliver(app)
        assert has_sent_others(smtp)

    def test_the_lease_of_a_mail_after_a_slow_one_is_renewed(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        numbers = [queue_mail(other) for other in OTHERS]
        smtp.before_receipt = lambda: clock.advance(seconds=app.config["MAIL_DIALOGUE_SECONDS"])
        deliver(app)
        assert has_sent_others(smtp)
        assert [load(number).state for number in numbers] == ["sent"] * 3

    def test_a_mail_whose_lease_has_expired_is_left_to_the_next_worker(
        self, app: Flask, smtp: SmtpServer, clock: Clock
    ) -> None:
        numbers = [queue_mail(other) for other in OTHERS]

        def start_another_worker() -> None:
            smtp.before_receipt = None
            clock.advance(seconds=app.config["MAIL_DIALOGUE_SECONDS"] + delivery.SPARE_SECONDS)
            thread.start()
            is_done.wait()

        def work() -> None:
            with app.app_context():
                leases.extend(delivery._lease(delivery.BATCH))
            is_done.set()

        leases: list[delivery.Lease] = []
        thread, is_done = threading.Thread(target=work), threading.Event()
        smtp.before_receipt = start_another_worker
        deliver(app)
        thread.join()
        assert [lease.id for lease in leases] == numbers
        assert [mail.recipients[0] for mail in smtp.received] == OTHERS[:1]
        assert [load(number).tries for number in numbers] == [2, 2, 2]

    def test_a_result_is_not_stored_for_a_later_mail_with_the_same_id(self, app: Flask) -> None:
        """SQLite gives the id of a deleted row, such as that of a completed task, to the next one."""
        number = queue_mail(OTHERS[0])
        (lease,) = delivery._lease(1)
        db.session.execute(delete(Mail))
        queue_mail(OTHERS[1])
        db.session.execute(update(Mail).values(id=number))
        db.session.commit()
        (later,) = delivery._lease(1)
        assert (lease.id, lease.tries) == (later.id, later.tries)
        delivery._close(lease, MailState.SENT, "")
        assert load(number).state == "queued"
        delivery._close(later, MailState.SENT, "")
        assert load(number).state == "sent"

    def test_an_outage_counts_no_try_of_the_other_mails_of_a_batch(
        self, app: Flask, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers, close = [queue_mail(other) for other in OTHERS], delivery._close

        def fail(*_: object) -> None:
            monkeypatch.setattr(delivery, "_close", close)
            raise CacheDown

        monkeypatch.setattr(delivery, "_close", fail)
        with pytest.raises(CacheDown):
            delivery.deliver_due(threading.Event())
        assert [load(number).tries for number in numbers] == [1, 0, 0]
        deliver(app)
        assert [load(number).state for number in numbers] == ["queued", "sent", "sent"]

    def test_the_other_mails_of_a_batch_are_sent_as_soon_as_the_database_is_available_again(
        self, app: Flask, smtp: SmtpServer
    ) -> None:
        numbers = [queue_mail(other) for other in OTHERS]
        with unavailable_from("UPDATE mail SET recipient"):
            for _ in range(2):
                with pytest.raises(OperationalError):
                    delivery.deliver_due(threading.Event())
        db.session.rollback()
        assert [load(number).tries for number in numbers] == [1, 1, 1]
        deliver(app)
        assert [(load(number).state, load(number).tries) for number in numbers] == [("queued", 1), *[("sent", 1)] * 2]
        assert [mail.recipients[0] for mail in smtp.received] == OTHERS

    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    @pytest.mark.parametrize("statement", ["SELECT mail.id, mail.message_id", "UPDATE mail SET recipient"])
    def test_the_other_mails_of_a_batch_are_released_when_a_connection_is_lost(
        self, app: Flask, smtp: SmtpServer, statement: str
    ) -> None:
        numbers = [queue_mail(other) for other in OTHERS]
        with terminating(app.config["DATABASE_URL"], statement), pytest.raises(OperationalError):
            delivery.deliver_due(threading.Event())
        db.session.rollback()
        is_loaded = statement.startswith("UPDATE")
        assert [load(number).tries for number in numbers] == [int(is_loaded), 0, 0]
        deliver(app)
        assert [load(number).state for number in numbers] == ["queued" if is_loaded else "sent", "sent", "sent"]
        assert len(smtp.received) == 3


@contextlib.contextmanager
def unavailable_from(beginning: str) -> Iterator[None]:
    """Have every statement fail from the first one with this beginning on, as if the database was stopped there."""
    failed = []

    def fail(_: object, __: object, statement: str, *___: object) -> None:
        if failed or statement.startswith(beginning):
            failed.append(statement)
            raise OperationalError(statement, None, Exception("the database was stopped"))

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    assert failed


@contextlib.contextmanager
def terminating(url: str, beginning: str) -> Iterator[None]:
    """Have PostgreSQL terminate the connection on which the next statement with this beginning is executed."""
    terminated = []

    def terminate_backend(connection: Any, _: object, statement: str, *__: object) -> None:
        if statement.startswith(beginning) and not terminated:
            terminated.append(statement)
            pid = connection.connection.dbapi_connection.info.backend_pid
            with psycopg.connect(url, autocommit=True) as other:
                assert other.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,)).fetchone() == (True,)

    event.listen(db.engine, "before_cursor_execute", terminate_backend)
    yield
    event.remove(db.engine, "before_cursor_execute", terminate_backend)
    assert terminated


MANY = [f"many{number}@example.com" for number in range(50)]


@pytest.fixture
def fifty_mails(app: Flask) -> list[int]:  # noqa: ARG001 (It pushes the context.)
    """Enqueue fifty mails, and return their ids."""
    numbers = [outbox.enqueue(LETTER, each, user_id=None) for each in MANY]
    db.session.commit()
    return numbers


def has_sent_each_once(smtp: SmtpServer, *unsent: str) -> bool:
    """Return whether each of the fifty recipients got exactly one mail, except those in `unsent`, who got none."""
    expected = Counter(each for each in MANY if each not in unsent)
    return Counter(each.recipients[0] for each in smtp.received) == expected


def read_tries() -> list[int]:
    """Return the number of tries of each mail."""
    return list(db.session.scalars(select(Mail.tries).order_by(Mail.id)))


def test_mails_that_are_due_at_the_same_time_are_sent_in_the_order_in_which_they_were_queued(
    app: Flask, smtp: SmtpServer, fifty_mails: list[int]
) -> None:
    (due_at,) = set(db.session.scalars(select(Mail.due_at)))
    for moved in (timedelta(1), timedelta()):  # PostgreSQL stores the updated rows behind the others.
        db.session.execute(update(Mail).where(Mail.id.in_(fifty_mails[:25])).values(due_at=due_at + moved))
        db.session.commit()
    deliver(app)
    assert [mail.recipients[0] for mail in smtp.received] == MANY


@pytest.mark.parametrize("env", ["sqlite+embedded"], indirect=True)
class TestConnections:
    """Connections that are used for many mails."""

    def test_fifty_mails_take_one_connection(self, app: Flask, smtp: SmtpServer, fifty_mails: list[int]) -> None:
        deliver(app)
        assert has_sent_each_once(smtp)
        assert smtp.hellos == 1

    def test_a_connection_is_used_for_a_hundred_mails(self, app: Flask, smtp: SmtpServer) -> None:
        for number in range(101):
            outbox.enqueue(LETTER, f"to{number}@example.com", user_id=None)
        db.session.commit()
        deliver(app)
        assert len(smtp.received) == 101
        assert smtp.hellos == 2

    @pytest.mark.parametrize("reply", ["", "421 4.7.0 too many mails", "451 4.7.0 too many mails"])
    def test_a_server_that_disconnects_after_seven_mails_gets_each_mail_once_without_delay(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int], reply: str
    ) -> None:
        smtp.mails_per_connection, smtp.closing_reply = 7, reply
        deliver(app)
        assert has_sent_each_once(smtp)
        assert read_tries() == [1] * 50
        assert smtp.hellos == 8

    @pytest.mark.parametrize("response", ["550 no such mailbox", "451 later"])
    def test_a_refused_mail_does_not_end_the_connection(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int], response: str
    ) -> None:
        smtp.refusals[MANY[20]] = response
        deliver(app)
        assert has_sent_each_once(smtp, MANY[20])
        assert smtp.hellos == 1

    def test_a_mail_that_cannot_be_rendered_does_not_end_the_connection(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int]
    ) -> None:
        db.session.execute(update(Mail).where(Mail.id == fifty_mails[20]).values(recipient="用户@example.com"))
        db.session.commit()
        deliver(app)
        assert has_sent_each_once(smtp, MANY[20])
        assert smtp.hellos == 1

    def test_an_endless_response_is_aborted_and_the_other_mails_are_sent(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int]
    ) -> None:
        smtp.refusals[MANY[20]] = "drip"
        deliver(app)
        assert has_sent_each_once(smtp, MANY[20])
        assert (load(fifty_mails[20]).state, load(fifty_mails[20]).problem) == (MailState.QUEUED, "timeout")
        assert smtp.hellos == 2

    def test_a_mail_at_which_the_server_disconnects_is_tried_again_on_one_new_connection(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int]
    ) -> None:
        smtp.refusals[MANY[20]] = "drop"
        deliver(app)
        assert has_sent_each_once(smtp, MANY[20])
        assert (load(fifty_mails[20]).tries, load(fifty_mails[20]).problem) == (1, "unreachable")
        assert smtp.hellos == 3

    def test_a_mail_without_a_final_response_is_not_sent_again_immediately(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int], clock: Clock
    ) -> None:
        smtp.behaviour = "drop-after-data"
        deliver(app)
        assert has_sent_each_once(smtp)
        smtp.behaviour = ""
        clock.advance(seconds=5)
        deliver(app)
        copies = Counter(str(each.message["Message-ID"]) for each in smtp.received)
        assert set(copies.values()) == {2}  # Mail servers can detect the repetition by the Message-ID.

    def test_an_accepted_mail_is_not_sent_again_after_an_error(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int], clock: Clock
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("an error of a signal receiver")

        with email_dispatched.connected_to(fail):
            deliver(app)
        clock.advance(hours=1)
        deliver(app)
        assert has_sent_each_once(smtp)
        assert {load(number).state for number in fifty_mails} == {MailState.SENT}

    def test_an_endless_response_to_quit_delays_no_mail(
        self, app: Flask, smtp: SmtpServer, fifty_mails: list[int]
    ) -> None:
        smtp.behaviour = "drip-at-quit"
        deliver(app)
        assert has_sent_each_once(smtp)
        assert {load(number).state for number in fifty_mails} == {MailState.SENT}

    def test_an_endless_tls_handshake_is_aborted_at_the_deadline(self, mail_env: Environment) -> None:
        ended = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
            thread = threading.Thread(target=_send_slowly, args=(listener, ended))
            thread.start()
            stack.callback(thread.join)
            stack.callback(ended.set)
            port = str(listener.getsockname()[1])
            app = mail_env.build(MAIL_SERVER="localhost", MAIL_PORT=port, MAIL_USE_SSL="yes")
            with app.app_context():
                number = queue_mail()
                deliver(app)
                assert (load(number).state, load(number).problem) == (MailState.QUEUED, "timeout")


def _send_slowly(listener: socket.socket, ended: threading.Event) -> None:
    """Accept one connection, and send a long TLS record, one byte at a time."""
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"\x16\x03\x03\x3f\xff")
        while not ended.wait(0.2):
            connection.sendall(b"\x02")
