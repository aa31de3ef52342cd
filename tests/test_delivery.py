"""accounts/mail/delivery.py with many mails: none blocks the others, and one connection is used for several."""

import contextlib
import logging
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_mail import email_dispatched
from sqlalchemy import select, text, update

from accounts.mail import delivery, outbox, worker
from accounts.mail.messages import Letter
from cache import CacheDown
from models import CMSUser, Mail, MailState, db
from tests.environments import Clock, Environment
from tests.servers import ROOT, SmtpServer, eventually, run_concurrently, spawn, terminate
from tests.test_outbox import LETTER, TO, put, seen

OTHERS = [f"to{number}@example.com" for number in range(3)]
FAULTS = 5  # Consecutive errors in the application after which a mail is set aside.


@pytest.fixture
def post(env: Environment, smtp: SmtpServer) -> Environment:
    """Give each environment with an SMTP server, and short time-outs for one that hangs."""
    env.settings.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=str(smtp.port))
    env.settings.update(MAIL_SECONDS="8", MAIL_DIALOGUE_SECONDS="15")
    return env


@pytest.fixture
def app(post: Environment) -> Iterator[Flask]:
    """Give its application, in whose context the test is."""
    with post.app.app_context():
        yield post.app


def deliver(app: Flask) -> None:
    """Send all that is due, as the worker does; in a thread, so that what hangs fails the test."""
    run_concurrently(lambda _: worker.deliver_all(app, threading.Event()), 1)


def task(patch: pytest.MonkeyPatch, run: object) -> int:
    """Put a task into the outbox that does this, and return its number."""
    patch.setitem(outbox.tasks, "task:test", run)
    outbox.enqueue_task("test", TO, "{}")
    db.session.commit()
    return int(db.session.scalars(select(Mail.id).where(Mail.kind == "task:test")).one())


def all_came(smtp: SmtpServer) -> bool:
    """Say whether the others got their mail, each once."""
    return Counter(each.recipients[0] for each in smtp.received) == dict.fromkeys(OTHERS, 1)


class TestOneBadMail:
    """A mail that nobody can send, and the others."""

    @pytest.mark.parametrize(("code", "state"), [(550, MailState.REFUSED), (451, MailState.QUEUED)])
    def test_a_nul_in_an_answer_of_the_mail_server_stops_no_mail(
        self, app: Flask, smtp: SmtpServer, caplog: pytest.LogCaptureFixture, code: int, state: MailState
    ) -> None:
        smtp.refusals[TO] = f"{code} no\0such\x1b[2Jmailbox"
        number = put()
        for other in OTHERS:
            put(other)
        deliver(app)
        assert all_came(smtp)
        assert seen(number).state == state
        assert "\0" not in caplog.text
        assert "\x1b" not in caplog.text
        assert "mailbox" in caplog.text

    def test_a_mail_that_cannot_be_written_out_is_set_aside_after_five_tries(
        self, post: Environment, app: Flask, smtp: SmtpServer, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        number = put("用户@example.com")
        for turn in range(FAULTS):
            assert seen(number).state == MailState.QUEUED, f"after {turn} tries"
            deliver(app)
            clock.advance(hours=1)
        mail = seen(number)
        assert (mail.state, mail.tries, mail.problem) == ("failed", FAULTS, "unexpected")
        assert (mail.subject, mail.body, mail.html) == ("", "", "")
        (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert mail.message_id in record.getMessage()
        assert "code" in record.getMessage()
        assert "123456" not in caplog.text
        deliver(app)
        assert seen(number).tries == FAULTS
        told = app.test_cli_runner().invoke(args=["mail", "failed"]).output
        assert mail.message_id in told
        assert (
            "outbox: mails set aside in the last 24 hours: 1." in app.test_cli_runner().invoke(args=["doctor"]).output
        )

    def test_a_mail_that_cannot_be_written_out_is_not_sent_because_the_one_before_it_was(
        self, app: Flask, smtp: SmtpServer
    ) -> None:
        before = put(OTHERS[0])
        number = put("用户@example.com")
        deliver(app)
        assert (seen(before).state, seen(number).state) == (MailState.SENT, MailState.QUEUED)

    def test_a_task_that_raises_is_set_aside_and_rolled_back(
        self, post: Environment, app: Flask, smtp: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.administrator("ann@example.com")

        def fail(_: Mail) -> None:
            db.session.execute(update(CMSUser).values(username="somebody else"))
            db.session.execute(text("INSERT INTO cms_user (id) VALUES (1)"))  # An error of the database itself.

        number = task(monkeypatch, fail)
        for other in OTHERS:
            put(other)
        for _ in range(FAULTS):
            deliver(app)
            clock.advance(hours=1)
        assert all_came(smtp)
        assert seen(number).state == "failed"
        assert post.account("ann").username == "ann"

    def test_only_faults_in_a_row_count(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        number = put("用户@example.com")
        for _ in range(FAULTS - 1):
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
        assert seen(number).state == MailState.QUEUED

    def test_an_outage_of_the_cache_is_not_counted_as_an_error_of_a_mail(
        self, app: Flask, smtp: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: Mail) -> None:
            raise CacheDown

        number = task(monkeypatch, fail)
        for other in OTHERS:
            put(other)
        for _ in range(2 * FAULTS):
            deliver(app)
            clock.advance(hours=1)
        assert all_came(smtp)
        mail = seen(number)
        assert (mail.state, mail.tries, mail.problem) == (MailState.QUEUED, 2 * FAULTS, "")

    def test_a_task_of_an_unknown_kind_is_not_mailed(self, app: Flask, smtp: SmtpServer) -> None:
        outbox.enqueue_task("of a later version", TO, '{"not": "for them"}')
        db.session.commit()
        deliver(app)
        assert smtp.received == []

    def test_a_row_that_cannot_be_read_stops_no_mail(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        number = put()
        for other in OTHERS:
            put(other)
        nonsense = "'infinity'" if db.engine.dialect.name == "postgresql" else "'soon'"
        db.session.execute(text(f"UPDATE mail SET not_after = {nonsense} WHERE id = {number}"))
        db.session.commit()
        for _ in range(FAULTS):
            deliver(app)
            clock.advance(minutes=10)
        assert all_came(smtp)
        state = db.session.scalar(select(Mail.state).where(Mail.id == number))
        assert state == "failed"

    def test_a_code_in_the_words_of_the_mail_server_is_not_logged(
        self, app: Flask, smtp: SmtpServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        smtp.refusals[TO] = "550 5.7.1 the subject 123456 looks like spam"
        put(letter=Letter("code", "123456 是验证码", "123456", ""))
        deliver(app)
        assert "looks like spam" in caplog.text
        assert "123456" not in caplog.text

    def test_the_wait_for_the_next_code_is_over_when_its_mail_is_set_aside(
        self, post: Environment, clock: Clock
    ) -> None:
        ann = post.person()
        assert ann.ask(TO).status == 200
        with post.app.app_context():
            db.session.execute(update(Mail).where(Mail.kind == "code").values(recipient="用户@example.com"))
            db.session.commit()
        for _ in range(FAULTS):
            deliver(post.app)
            clock.advance(seconds=45)
        pending = ann.pending()
        assert pending is not None
        assert (pending["mail"]["state"], pending["resend_in"]) == ("failed", 0)
        assert pending["mail"]["problem"] == "系统出错，邮件未能发出。"
        assert pending["mail"]["problem"] in ann.page().text


@contextlib.contextmanager
def without_its_table(app: Flask) -> Iterator[None]:
    """Take the outbox's table away for a while: an error that no code foresees."""
    with app.app_context():
        db.session.execute(text("ALTER TABLE mail RENAME TO hidden"))
        db.session.commit()
        yield
        db.session.execute(text("ALTER TABLE hidden RENAME TO mail"))
        db.session.commit()


class TestGoingOn:
    """The worker and the thread outlive every error."""

    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    def test_an_unexpected_error_does_not_end_the_worker(
        self, post: Environment, app: Flask, smtp: SmtpServer, tmp_path: Path
    ) -> None:
        log = tmp_path / "log"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **post.settings}
        command = [sys.executable, "-m", "flask", "--app", "app", "mail", "deliver", "--watch"]
        with log.open("ab") as stream:
            worker = spawn(command, "TERM", cwd=ROOT, env=environment, stdout=stream, stderr=stream)
        try:
            with without_its_table(app):
                eventually(lambda: "does not exist" in log.read_text() or worker.poll() is not None, "it fails")
            put()
            eventually(lambda: smtp.mails_to(TO) or worker.poll() is not None, "the mail comes")
            assert worker.poll() is None, log.read_text()
        finally:
            terminate(worker, signal.SIGTERM)
        assert worker.returncode == 0

    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    def test_an_unexpected_error_does_not_end_the_thread(
        self, post: Environment, smtp: SmtpServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = post.build(MAIL_DELIVERY="thread")
        with without_its_table(app):
            worker.wake()
            thread = app.extensions["mail_delivery"]
            eventually(lambda: "does not exist" in caplog.text or not thread.is_alive(), "it fails")
        with app.app_context():
            put()
            eventually(lambda: smtp.mails_to(TO) or not thread.is_alive(), "the mail comes")
            assert thread.is_alive()

    @pytest.mark.parametrize("mode", ["worker", "thread"])
    def test_mail_that_another_process_enqueued_is_found_by_polling(
        self, post: Environment, app: Flask, smtp: SmtpServer, mode: str
    ) -> None:
        assert worker.POLL_SECONDS <= 0.5
        stopped, awake = threading.Event(), worker.Wakeups()
        looks = threading.Thread(target=worker.watch, args=(app, stopped, awake))
        if mode == "thread":
            looks = worker.Delivery(app)
        looks.start()
        try:
            for other in OTHERS:
                put(other)
                eventually(lambda other=other: smtp.mails_to(other), "the mail comes")
        finally:
            stopped.set()
            awake.put(None)
            if isinstance(looks, worker.Delivery):
                looks.stop()
            looks.join()


class TestABatch:
    """Mails that were leased together are sent one after the other, each under a lease that holds."""

    def test_a_worker_that_is_stopped_gives_back_what_it_has_not_tried(self, app: Flask, smtp: SmtpServer) -> None:
        numbers, stopped = [put(other) for other in OTHERS], threading.Event()
        smtp.before_receipt = stopped.set
        delivery.deliver_due(stopped)
        mails = [seen(number) for number in numbers]
        assert [(mail.state, mail.tries) for mail in mails] == [("sent", 1), ("queued", 0), ("queued", 0)]
        deliver(app)
        assert all_came(smtp)

    def test_a_mail_behind_a_slow_one_is_leased_anew(self, app: Flask, smtp: SmtpServer, clock: Clock) -> None:
        numbers = [put(other) for other in OTHERS]
        smtp.before_receipt = lambda: clock.advance(seconds=app.config["MAIL_DIALOGUE_SECONDS"])
        deliver(app)
        assert all_came(smtp)
        assert [seen(number).state for number in numbers] == ["sent"] * 3

    def test_a_mail_whose_lease_expired_is_left_to_the_worker_that_leased_it_next(
        self, app: Flask, smtp: SmtpServer, clock: Clock
    ) -> None:
        numbers = [put(other) for other in OTHERS]

        def let_another_worker_take_over() -> None:
            smtp.before_receipt = None
            clock.advance(seconds=app.config["MAIL_DIALOGUE_SECONDS"] + delivery.SPARE_SECONDS)
            another.start()
            another_is_done.wait()

        def work() -> None:
            with app.app_context():
                taken.extend(delivery._lease(delivery.BATCH))
            another_is_done.set()

        taken: list[delivery.Lease] = []
        another, another_is_done = threading.Thread(target=work), threading.Event()
        smtp.before_receipt = let_another_worker_take_over
        deliver(app)
        another.join()
        assert [lease.id for lease in taken] == numbers
        assert [posted.recipients[0] for posted in smtp.received] == OTHERS[:1]
        assert [seen(number).tries for number in numbers] == [2, 2, 2]

    def test_a_database_that_goes_away_costs_the_other_mails_of_the_batch_no_try(
        self, app: Flask, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        numbers, close = [put(other) for other in OTHERS], delivery._close

        def go_away(*_: object) -> None:
            monkeypatch.setattr(delivery, "_close", close)
            raise CacheDown

        monkeypatch.setattr(delivery, "_close", go_away)
        with pytest.raises(CacheDown):
            delivery.deliver_due(threading.Event())
        assert [seen(number).tries for number in numbers] == [1, 0, 0]
        deliver(app)
        assert [seen(number).state for number in numbers] == ["queued", "sent", "sent"]


MANY = [f"many{number}@example.com" for number in range(50)]


@pytest.fixture
def burst(app: Flask) -> list[int]:  # noqa: ARG001 (It gives the context.)
    """Put fifty mails into the outbox, and return their numbers."""
    numbers = [outbox.enqueue(LETTER, each, user_id=None) for each in MANY]
    db.session.commit()
    return numbers


def came_once(smtp: SmtpServer, *but: str) -> bool:
    """Say whether everybody got their mail once, but for these, who got none."""
    expected = Counter(each for each in MANY if each not in but)
    return Counter(each.recipients[0] for each in smtp.received) == expected


def tries() -> list[int]:
    """Return how often each mail was tried."""
    return list(db.session.scalars(select(Mail.tries).order_by(Mail.id)))


@pytest.mark.parametrize("env", ["sqlite+embedded"], indirect=True)
class TestABurst:
    """One connection for many mails."""

    def test_fifty_mails_take_one_connection(self, app: Flask, smtp: SmtpServer, burst: list[int]) -> None:
        deliver(app)
        assert came_once(smtp)
        assert smtp.hellos == 1

    def test_after_a_hundred_mails_comes_a_new_connection(self, app: Flask, smtp: SmtpServer) -> None:
        for number in range(101):
            outbox.enqueue(LETTER, f"to{number}@example.com", user_id=None)
        db.session.commit()
        deliver(app)
        assert len(smtp.received) == 101
        assert smtp.hellos == 2

    @pytest.mark.parametrize("farewell", ["", "421 4.7.0 too many mails", "451 4.7.0 too many mails"])
    def test_a_server_that_ends_the_connection_every_seven_mails_gets_each_once_and_none_is_late(
        self, app: Flask, smtp: SmtpServer, burst: list[int], farewell: str
    ) -> None:
        smtp.mails_per_connection, smtp.closing_reply = 7, farewell
        deliver(app)
        assert came_once(smtp)
        assert tries() == [1] * 50
        assert smtp.hellos == 8

    @pytest.mark.parametrize("answer", ["550 no such mailbox", "451 later"])
    def test_a_refusal_in_the_middle_costs_no_connection(
        self, app: Flask, smtp: SmtpServer, burst: list[int], answer: str
    ) -> None:
        smtp.refusals[MANY[20]] = answer
        deliver(app)
        assert came_once(smtp, MANY[20])
        assert smtp.hellos == 1

    def test_a_mail_that_cannot_be_written_out_costs_no_connection(
        self, app: Flask, smtp: SmtpServer, burst: list[int]
    ) -> None:
        db.session.execute(update(Mail).where(Mail.id == burst[20]).values(recipient="用户@example.com"))
        db.session.commit()
        deliver(app)
        assert came_once(smtp, MANY[20])
        assert smtp.hellos == 1

    def test_a_server_that_drips_in_the_middle_is_cut_off_and_the_others_go(
        self, app: Flask, smtp: SmtpServer, burst: list[int]
    ) -> None:
        smtp.refusals[MANY[20]] = "drip"
        deliver(app)
        assert came_once(smtp, MANY[20])
        assert (seen(burst[20]).state, seen(burst[20]).problem) == (MailState.QUEUED, "timeout")
        assert smtp.hellos == 2

    def test_a_mail_at_which_the_server_goes_away_is_tried_on_one_new_connection_and_then_later(
        self, app: Flask, smtp: SmtpServer, burst: list[int]
    ) -> None:
        smtp.refusals[MANY[20]] = "drop"
        deliver(app)
        assert came_once(smtp, MANY[20])
        assert (seen(burst[20]).tries, seen(burst[20]).problem) == (1, "unreachable")
        assert smtp.hellos == 3

    def test_a_mail_that_the_server_may_have_is_not_sent_again_at_once(
        self, app: Flask, smtp: SmtpServer, burst: list[int], clock: Clock
    ) -> None:
        smtp.behaviour = "drop-after-data"
        deliver(app)
        assert came_once(smtp)
        smtp.behaviour = ""
        clock.advance(seconds=5)
        deliver(app)
        copies = Counter(str(each.message["Message-ID"]) for each in smtp.received)
        assert set(copies.values()) == {2}  # A server folds the repetition by its Message-ID.

    def test_an_accepted_mail_is_not_sent_again_whatever_comes_after(
        self, app: Flask, smtp: SmtpServer, burst: list[int], clock: Clock
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("somebody who listens")

        with email_dispatched.connected_to(fail):
            deliver(app)
        clock.advance(hours=1)
        deliver(app)
        assert came_once(smtp)
        assert {seen(number).state for number in burst} == {MailState.SENT}

    def test_an_endless_response_to_quit_delays_no_mail(self, app: Flask, smtp: SmtpServer, burst: list[int]) -> None:
        smtp.behaviour = "drip-at-quit"
        deliver(app)
        assert came_once(smtp)
        assert {seen(number).state for number in burst} == {MailState.SENT}

    def test_an_endless_tls_handshake_is_aborted_at_the_deadline(self, post: Environment) -> None:
        ended = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
            dripping = threading.Thread(target=_drip, args=(listener, ended))
            dripping.start()
            stack.callback(dripping.join)
            stack.callback(ended.set)
            port = str(listener.getsockname()[1])
            app = post.build(MAIL_SERVER="localhost", MAIL_PORT=port, MAIL_USE_SSL="yes")
            with app.app_context():
                number = put()
                deliver(app)
                assert (seen(number).state, seen(number).problem) == (MailState.QUEUED, "timeout")


def _drip(listener: socket.socket, ended: threading.Event) -> None:
    """Take one connection, and send a long TLS record to it, a byte at a time."""
    line, _ = listener.accept()
    with line, contextlib.suppress(OSError):
        line.sendall(b"\x16\x03\x03\x3f\xff")
        while not ended.wait(0.2):
            line.sendall(b"\x02")
