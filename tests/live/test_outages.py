"""Servers that stop, hang, lose their data and recover: 503, no partial changes, and normal operation afterwards."""

import contextlib
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from models import Audit, Budget, Mail, MailState
from tests.actors import Answer, Person, code_in, different_code
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve, reset_after_test
from tests.live.sites import DEADLINE_SECONDS, Site, is_signed_in
from tests.servers import LONGEST_SECONDS, PostgresServer, eventually, frozen, run_concurrently


def assert_unavailable(answer: Answer) -> None:
    """Check that the response to a script is 503 with the seconds until the next attempt."""
    assert (answer.status, answer.error) == (503, "unavailable"), answer
    assert int(answer.headers["Retry-After"]) == answer.data["retry_after"] > 0
    assert "fields" not in answer.data  # No field is reported as invalid.


def retry_until_available(send: Callable[[], Answer]) -> Answer:
    """Repeat a request until the response is not 503, and return the response."""
    return eventually(lambda: (answer := send()).status != 503 and answer, "the site serves again", DEADLINE_SECONDS)


@contextlib.contextmanager
def failing_cache(site: Site, outage: str) -> Iterator[None]:
    """Stop or freeze the memcached of a site temporarily."""
    assert site.memcached is not None
    getattr(site.memcached, "stop" if outage == "stopped" else "freeze")()
    try:
        yield
    finally:
        site.memcached.thaw() if outage == "frozen" else site.memcached.start()


OUTAGES = pytest.mark.parametrize("outage", ["stopped", "frozen"])


class TestMemcached:
    """memcached is stopped, frozen, flushed or restarted."""

    @OUTAGES
    def test_a_request_for_a_code_during_an_outage_gets_503_and_is_not_counted(
        self, postgres_site: Site, outage: str
    ) -> None:
        site = postgres_site
        ann, new = site.person_with_session(deadline_seconds=DEADLINE_SECONDS), site.new_address()
        user_id, budgets = site.user_id(ann.email), site.count(Budget)
        with failing_cache(site, outage):
            assert_unavailable(ann.ask(new))
            assert ann.pending() is None
            assert site.count(Budget) == budgets
            assert site.count(Mail, Mail.user_id == user_id) == 0
        assert retry_until_available(lambda: ann.ask(new)).status == 200
        code = site.code_to(new)
        assert retry_until_available(lambda: ann.confirm(new, code)).status == 200

    def test_concurrent_requests_get_503_within_the_deadline_while_it_hangs(self, postgres_site: Site) -> None:
        site = postgres_site
        people = [site.person_with_session(deadline_seconds=DEADLINE_SECONDS) for _ in range(8)]
        with failing_cache(site, "frozen"):
            for answer in run_concurrently(lambda n: people[n].ask(site.new_address()), len(people)):
                assert_unavailable(answer)

    @OUTAGES
    def test_a_confirmation_during_an_outage_costs_no_try(self, postgres_site: Site, outage: str) -> None:
        site = postgres_site
        ann, new = site.person_with_session(deadline_seconds=DEADLINE_SECONDS), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        assert ann.confirm(new, different_code(code)).data["tries_left"] == 4
        used = sorted(site.rows(select(Budget.key, Budget.used)))
        with failing_cache(site, outage):
            for guess in (code, different_code(code)):
                assert_unavailable(ann.confirm(new, guess))
            assert site.count_tries(user_id) == 1
            assert sorted(site.rows(select(Budget.key, Budget.used))) == used
            pending = ann.pending()
            assert pending is not None
            assert pending["tries_left"] == 4
        answer = retry_until_available(lambda: ann.confirm(new, code))
        if outage == "frozen":  # The code was not lost.
            assert answer.status == 200
            return
        assert answer.error == "code_expired"
        assert (site.email_of(user_id), site.count_tries(user_id)) == (ann.email, 1)
        site.delete_budgets()
        assert retry_until_available(lambda: ann.ask(new)).status == 200
        code = site.codes_to(new, 2)[-1]
        assert retry_until_available(lambda: ann.confirm(new, code)).status == 200

    def test_a_flush_invalidates_the_code_and_restores_no_tries(self, postgres_site: Site) -> None:
        site = postgres_site
        assert site.memcached is not None
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        for _ in range(5):
            ann.confirm(new, different_code(code))
        site.memcached.flush()
        assert ann.confirm(new, code).error in ("code_expired", "too_many_attempts")
        assert site.count_tries(user_id) == 5
        assert site.email_of(user_id) == ann.email
        assert ann.ask(new).error == "too_many_requests"  # The wait between two codes is counted in SQL.

    def test_a_restart_between_two_requests_fails_no_request(self, postgres_site: Site) -> None:
        site = postgres_site
        assert site.memcached is not None
        people = [site.person_with_session() for _ in range(8)]  # Every thread of every worker has connected.
        with frozen(*site.server.workers()):  # Otherwise delivery might record its heartbeat in between.
            site.memcached.stop()
            site.memcached.start()
        assert {person.ask(site.new_address()).status for person in people} == {200}

    @OUTAGES
    def test_no_password_is_compared_during_an_outage(self, postgres_site: Site, outage: str) -> None:
        site = postgres_site
        email = site.administrator()
        user_id = site.user_id(email)
        visitor = site.visitor(email, deadline_seconds=DEADLINE_SECONDS)
        visitor.token()
        with failing_cache(site, outage):
            for _ in range(12):
                assert_unavailable(visitor.sign_in(password="wrong"))
            assert_unavailable(visitor.sign_in())
        assert site.events(user_id) == ["administrator_created"]
        assert site.count_sessions(user_id) == 0
        assert retry_until_available(visitor.sign_in).status == 200

    @OUTAGES
    def test_signed_in_administrators_can_read_and_sign_out_during_an_outage(
        self, postgres_site: Site, outage: str
    ) -> None:
        site = postgres_site
        ann = site.person_with_session(deadline_seconds=DEADLINE_SECONDS)
        with failing_cache(site, outage):
            assert ann.page().status == 200
            assert ann.get_as_script("/healthz").status == 200
            assert_unavailable(ann.get_as_script("/readyz"))
            assert ann.sign_out().status == 200
        assert retry_until_available(lambda: ann.get_as_script("/readyz")).status == 200

    def test_a_request_without_scripts_gets_a_page_with_status_503(self, postgres_site: Site) -> None:
        site = postgres_site
        ann = site.person_with_session(script=False, deadline_seconds=DEADLINE_SECONDS)
        with failing_cache(site, "stopped"):
            answer = ann.ask(site.new_address())
        assert answer.status == 503
        assert answer.headers["Content-Type"].startswith("text/html")
        assert int(answer.headers["Retry-After"]) > 0

    def test_requests_during_repeated_restarts_mail_a_code_or_change_nothing(self, postgres_site: Site) -> None:
        site = postgres_site
        people, addresses = [site.person_with_session() for _ in range(12)], [site.new_address() for _ in range(12)]
        numbers = [site.user_id(person.email) for person in people]
        done = threading.Event()

        def restart_repeatedly() -> None:
            assert site.memcached is not None
            while not done.is_set():
                site.memcached.stop()
                site.memcached.start()
                done.wait(0.05)

        restarts = threading.Thread(target=restart_repeatedly)
        restarts.start()
        try:
            answers = dict(run_concurrently(lambda n: (n, people[n].ask(addresses[n])), 12))
        finally:
            done.set()
            restarts.join()
        assert {answer.status for answer in answers.values()} <= {200, 503}
        for number, answer in answers.items():
            asked = site.events(numbers[number]).count("code_requested")
            assert asked == (answer.status == 200)
            assert site.is_pending(numbers[number]) == asked
            assert site.count(Mail, Mail.user_id == numbers[number], Mail.kind == "code") == asked


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock of an SQLite file."""
    with contextlib.closing(sqlite3.connect(path, timeout=LONGEST_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_a_locked_embedded_store_causes_503_and_loses_nothing(sqlite_site: Site) -> None:
    site = sqlite_site
    ann, new = site.person_with_session(), site.new_address()
    user_id = site.user_id(ann.email)
    with locked(Path(site.settings["INSTANCE_DIR"]) / "cache.db"):
        assert_unavailable(ann.ask(new))
        assert_unavailable(site.visitor(ann.email).sign_in())
        assert site.events(user_id).count("code_requested") == 0
    assert ann.ask(new).status == 200
    assert ann.confirm(new, site.code_to(new)).status == 200


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def _impatient_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    with serve(request.param, MAIL_SECONDS="1", MAIL_DIALOGUE_SECONDS="2") as site:
        yield site


@pytest.fixture
def impatient_site(_impatient_site: Site) -> Iterator[Site]:
    """Provide both environments with a time-out of one second for the mail server."""
    yield from reset_after_test(_impatient_site)


def shown_mail(person: Person) -> dict[str, str]:
    """Return the state of the mail with the code as the page shows it."""
    pending = person.pending()
    assert pending is not None
    shown: dict[str, str] = pending["mail"]
    return shown


class TestSmtp:
    """The mail server refuses connections, hangs or refuses mails; no request waits for it."""

    def test_refused_connections_are_shown_on_the_page_until_the_code_is_sent(self, site: Site) -> None:
        site.smtp.stop()
        ann, new = site.person_with_session(deadline_seconds=DEADLINE_SECONDS), site.new_address()
        assert ann.ask(new).status == 200
        shown = eventually(lambda: (shown := shown_mail(ann))["problem"] and shown, "the page shows the problem")
        assert (shown["state"], shown["problem_kind"]) == ("queued", "unreachable")
        site.smtp.start()
        code = site.code_after_outage(new)
        eventually(lambda: shown_mail(ann)["state"] == "sent", "the page shows that the mail was sent")
        assert shown_mail(ann)["problem"] == ""
        assert ann.confirm(new, code).status == 200

    @pytest.mark.parametrize("outage", ["no greeting", "no response"])
    def test_no_request_waits_for_a_server_that_hangs(self, impatient_site: Site, outage: str) -> None:
        site, stack = impatient_site, contextlib.ExitStack()
        if outage == "no greeting":
            site.smtp.stop()
            stack.enter_context(socket.create_server(("127.0.0.1", site.smtp.port)))
        else:
            site.smtp.behaviour = "hang"
        people = [site.person_with_session(deadline_seconds=DEADLINE_SECONDS) for _ in range(4)]
        addresses = [site.new_address() for _ in people]
        answers = run_concurrently(lambda n: people[n].ask(addresses[n]), len(people))
        assert {answer.status for answer in answers} == {200}
        shown = eventually(
            lambda: next((shown for each in people if (shown := shown_mail(each))["problem"]), None),
            "the page shows a problem",
        )
        assert shown["state"] == "queued"
        stack.close()
        site.smtp.behaviour = ""
        if outage == "no greeting":
            site.smtp.start()
        for person, address in zip(people, addresses, strict=True):
            assert person.confirm(address, site.code_after_outage(address)).status == 200

    def test_a_permanently_refused_address_can_be_corrected_at_once(self, site: Site) -> None:
        ann, wrong, right = site.person_with_session(), site.new_address(), site.new_address()
        site.smtp.refusals[wrong] = "550 5.1.1 no such user"
        ann.ask(wrong)
        shown = eventually(
            lambda: (shown := shown_mail(ann))["state"] == "refused" and shown, "the page shows the refusal"
        )
        assert shown["problem_kind"] == "recipient_refused"
        assert ann.ask(right).status == 200
        assert ann.confirm(right, site.code_to(right)).status == 200

    def test_a_mail_without_a_receipt_is_sent_again_with_the_same_message_id(self, site: Site) -> None:
        site.smtp.behaviour = "drop-after-data"
        ann, new = site.person_with_session(), site.new_address()
        ann.ask(new)
        eventually(lambda: shown_mail(ann)["problem"], "the page shows the problem")
        site.smtp.behaviour = ""
        eventually(lambda: site.make_mail_due() or shown_mail(ann)["state"] == "sent", "the mail is sent")
        copies = site.smtp.mails_to(new)
        assert len(copies) >= 2
        assert len({str(message["Message-ID"]) for message in copies}) == 1
        assert ann.confirm(new, code_in(copies[0])).status == 200


@contextlib.contextmanager
def locked_database(site: Site, tables: str = "cms_user, mail") -> Iterator[None]:
    """Lock what every use case writes, as a backup, a migration or a long transaction would."""
    url = site.settings["DATABASE_URL"]
    if not url:
        with locked(Path(site.settings["INSTANCE_DIR"]) / "cms.db"):
            yield
        return
    with PostgresServer.locked(url, tables):
        yield


class TestDatabase:
    """The database is locked, restarted or terminates its connections."""

    def test_requests_during_a_lock_get_503_and_change_nothing(self, site: Site) -> None:
        ann, bob, new, bobs_new = (
            site.person_with_session(),
            site.person_with_session(),
            site.new_address(),
            site.new_address(),
        )
        numbers = [site.user_id(person.email) for person in (ann, bob)]
        bob.ask(bobs_new)
        code = site.code_to(bobs_new)
        tab, visitor = site.clone(bob), site.visitor(site.administrator())
        visitor.token()
        eventually(site.all_mail_is_sent, "all mail is sent")
        before = (site.count(Audit), site.count(Mail), sorted(site.rows(select(Budget.key, Budget.used))))
        work: list[Callable[[], Answer]] = [
            lambda: ann.ask(new),
            lambda: bob.confirm(bobs_new, code),
            lambda: tab.confirm(bobs_new, different_code(code)),
            visitor.sign_in,
            lambda: visitor.sign_in(password="wrong"),
        ]
        site.touch_sessions()
        with locked_database(site):
            for answer in run_concurrently(lambda n: work[n](), len(work)):
                assert_unavailable(answer)
            assert bob.page().status == 200  # Reading needs no lock.
            assert site.email_of(numbers[1]) == bob.email
            assert site.count_tries(numbers[1]) == 0
            after = (site.count(Audit), site.count(Mail), sorted(site.rows(select(Budget.key, Budget.used))))
            assert after == before
        assert ann.ask(new).status == 200
        assert ann.confirm(new, site.code_to(new)).status == 200
        assert bob.confirm(bobs_new, code).status == 200
        assert visitor.sign_in().status == 200

    def test_a_lock_during_a_change_rolls_it_back(self, postgres_site: Site) -> None:
        site = postgres_site
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        with locked_database(site, "link"):  # At that time the address is written and the undo link is not.
            assert_unavailable(ann.confirm(new, code))
        assert (site.email_of(user_id), site.count_tries(user_id), site.count_notices(user_id)) == (ann.email, 0, 0)
        assert is_signed_in(ann)
        assert ann.confirm(new, code).status == 200

    def test_a_pending_change_can_be_confirmed_after_a_restart_of_postgresql(
        self, postgres_site: Site, postgres: PostgresServer
    ) -> None:
        site = postgres_site
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        eventually(site.all_mail_is_sent, "all mail is sent")
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # The server runs without fsync; this writes committed data to its files.
        postgres.stop()
        try:
            answers = run_concurrently(lambda n: site.clones(ann, 8)[n].confirm(new, code), 8)
            assert {answer.status for answer in answers} == {503}
            assert_unavailable(ann.get_as_script("/readyz"))
            assert ann.get_as_script("/healthz").status == 200
        finally:
            postgres.start()
        assert retry_until_available(lambda: ann.confirm(new, code)).status == 200
        assert site.email_of(user_id) == new
        assert site.link_to(ann.email)  # The delivery thread still runs.

    def test_changes_are_complete_or_can_be_repeated_after_postgresql_terminates_its_connections(
        self, postgres_site: Site, postgres: PostgresServer
    ) -> None:
        site = postgres_site
        people, addresses = [site.person_with_session() for _ in range(8)], [site.new_address() for _ in range(8)]
        numbers = [site.user_id(person.email) for person in people]
        for person, address in zip(people, addresses, strict=True):
            assert person.ask(address).status == 200
        codes = [site.code_to(address) for address in addresses]
        eventually(site.all_mail_is_sent, "all mail is sent")

        def work(number: int) -> tuple[int, Answer | None]:
            if number == 8:
                postgres.disconnect_clients()
                return number, None
            return number, people[number].confirm(addresses[number], codes[number])

        answers = dict(run_concurrently(work, 9))
        for number in range(8):
            answer = answers[number]
            assert answer is not None
            assert answer.status in (200, 503), answer
            if answer.status == 503 and site.email_of(numbers[number]) == people[number].email:
                assert retry_until_available(lambda n=number: people[n].confirm(addresses[n], codes[n])).status == 200
            assert site.email_of(numbers[number]) == addresses[number]
            assert site.count_event(numbers[number], "email_changed") == site.count_undo_links(numbers[number]) == 1
            assert site.count_notices(numbers[number]) == 1


def test_the_mail_of_a_killed_worker_is_sent_after_its_lease(faulty_site: Site) -> None:
    site = faulty_site
    site.smtp.behaviour = "hang"  # Delivery waits for the response to EHLO.
    ann, new = site.person_with_session(), site.new_address()
    hellos = site.smtp.hellos
    assert ann.ask(new).status == 200
    eventually(lambda: site.smtp.hellos > hellos, "delivery connects")
    workers = set(site.server.workers())
    for worker in workers:
        site.server.kill_worker(worker)
    site.smtp.behaviour = ""
    assert eventually(lambda: site.count(Mail, Mail.state == MailState.QUEUED), "the mail is queued")
    assert ann.confirm(new, site.code_after_outage(new)).status == 200
