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
from tests.servers import LONGEST_SECONDS, PostgresServer, eventually, run_concurrently


def assert_unavailable(answer: Answer) -> None:
    """See that a script was told to come back later."""
    assert (answer.status, answer.error) == (503, "unavailable"), answer
    assert int(answer.headers["Retry-After"]) == answer.data["retry_after"] > 0
    assert "fields" not in answer.data  # Nobody is told that something was wrong with what they typed.


def soon(look: Callable[[], Answer]) -> Answer:
    """Ask again until it is answered, as the 503 said."""
    return eventually(lambda: (answer := look()).status != 503 and answer, "the site serves again", DEADLINE_SECONDS)


@contextlib.contextmanager
def failing_cache(site: Site, how: str) -> Iterator[None]:
    """Have the site's memcached stopped or frozen for a while."""
    assert site.memcached is not None
    getattr(site.memcached, "stop" if how == "stopped" else "freeze")()
    try:
        yield
    finally:
        site.memcached.thaw() if how == "frozen" else site.memcached.start()


HOW = pytest.mark.parametrize("how", ["stopped", "frozen"])


class TestMemcached:
    """The cache of the larger environment."""

    @HOW
    def test_who_asks_without_it_is_told_to_come_back_and_nothing_is_counted(
        self, postgres_site: Site, how: str
    ) -> None:
        site = postgres_site
        ann, new = site.person_with_session(deadline_seconds=DEADLINE_SECONDS), site.new_address()
        user_id, budgets = site.user_id(ann.email), site.count(Budget)
        with failing_cache(site, how):
            assert_unavailable(ann.ask(new))
            assert ann.pending() is None
            assert site.count(Budget) == budgets
            assert site.count(Mail, Mail.user_id == user_id) == 0
        assert soon(lambda: ann.ask(new)).status == 200
        code = site.code_to(new)
        assert soon(lambda: ann.confirm(new, code)).status == 200

    def test_a_crowd_that_asks_while_it_hangs_is_answered_in_time(self, postgres_site: Site) -> None:
        site = postgres_site
        crowd = [site.person_with_session(deadline_seconds=DEADLINE_SECONDS) for _ in range(8)]
        with failing_cache(site, "frozen"):
            for answer in run_concurrently(lambda n: crowd[n].ask(site.new_address()), len(crowd)):
                assert_unavailable(answer)

    @HOW
    def test_who_confirms_without_it_loses_no_try(self, postgres_site: Site, how: str) -> None:
        site = postgres_site
        ann, new = site.person_with_session(deadline_seconds=DEADLINE_SECONDS), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        assert ann.confirm(new, different_code(code)).data["tries_left"] == 4
        used = sorted(site.rows(select(Budget.key, Budget.used)))
        with failing_cache(site, how):
            for guess in (code, different_code(code)):
                assert_unavailable(ann.confirm(new, guess))
            assert site.tries(user_id) == 1
            assert sorted(site.rows(select(Budget.key, Budget.used))) == used
            pending = ann.pending()
            assert pending is not None
            assert pending["tries_left"] == 4
        answer = soon(lambda: ann.confirm(new, code))
        if how == "frozen":  # It kept the code.
            assert answer.status == 200
            return
        assert answer.error == "code_expired"
        assert (site.email_of(user_id), site.tries(user_id)) == (ann.email, 1)
        site.delete_budgets()
        assert soon(lambda: ann.ask(new)).status == 200
        code = site.codes_to(new, 2)[-1]
        assert soon(lambda: ann.confirm(new, code)).status == 200

    def test_a_flush_costs_a_resend_and_gives_no_try_back(self, postgres_site: Site) -> None:
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
        assert site.tries(user_id) == 5
        assert site.email_of(user_id) == ann.email
        assert ann.ask(new).error == "too_many_requests"  # The wait between two codes stands in SQL, too.

    def test_a_restart_between_two_requests_is_not_noticed(self, postgres_site: Site) -> None:
        site = postgres_site
        assert site.memcached is not None
        people = [site.person_with_session() for _ in range(8)]  # Every thread of every worker has had a connection.
        site.memcached.stop()
        site.memcached.start()
        assert {person.ask(site.new_address()).status for person in people} == {200}

    @HOW
    def test_nobody_signs_in_and_no_password_is_tried_without_it(self, postgres_site: Site, how: str) -> None:
        site = postgres_site
        email = site.administrator()
        user_id = site.user_id(email)
        stranger = site.visitor(email, deadline_seconds=DEADLINE_SECONDS)
        stranger.token()
        with failing_cache(site, how):
            for _ in range(12):
                assert_unavailable(stranger.sign_in(password="wrong"))
            assert_unavailable(stranger.sign_in())
        assert site.events(user_id) == ["administrator_created"]
        assert site.sessions(user_id) == 0
        assert soon(stranger.sign_in).status == 200

    @HOW
    def test_who_is_signed_in_can_read_and_leave_without_it(self, postgres_site: Site, how: str) -> None:
        site = postgres_site
        ann = site.person_with_session(deadline_seconds=DEADLINE_SECONDS)
        with failing_cache(site, how):
            assert ann.page().status == 200
            assert ann.get_as_script("/healthz").status == 200
            assert_unavailable(ann.get_as_script("/readyz"))
            assert ann.sign_out().status == 200
        assert soon(lambda: ann.get_as_script("/readyz")).status == 200

    def test_a_page_is_told_the_same_as_a_script(self, postgres_site: Site) -> None:
        site = postgres_site
        ann = site.person_with_session(script=False, deadline_seconds=DEADLINE_SECONDS)
        with failing_cache(site, "stopped"):
            answer = ann.ask(site.new_address())
        assert answer.status == 503
        assert answer.headers["Content-Type"].startswith("text/html")
        assert int(answer.headers["Retry-After"]) > 0

    def test_codes_asked_for_while_it_comes_and_goes_are_mailed_or_refused(self, postgres_site: Site) -> None:
        site = postgres_site
        people, addresses = [site.person_with_session() for _ in range(12)], [site.new_address() for _ in range(12)]
        numbers = [site.user_id(person.email) for person in people]
        done = threading.Event()

        def come_and_go() -> None:
            assert site.memcached is not None
            while not done.is_set():
                site.memcached.stop()
                site.memcached.start()
                done.wait(0.05)

        tormentor = threading.Thread(target=come_and_go)
        tormentor.start()
        try:
            answers = dict(run_concurrently(lambda n: (n, people[n].ask(addresses[n])), 12))
        finally:
            done.set()
            tormentor.join()
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


def test_an_embedded_store_that_is_locked_is_a_503_and_no_lost_try(sqlite_site: Site) -> None:
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
def _hasty_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    with serve(request.param, MAIL_SECONDS="1", MAIL_DIALOGUE_SECONDS="2") as site:
        yield site


@pytest.fixture
def hasty_site(_hasty_site: Site) -> Iterator[Site]:
    """Give both environments, which wait for a mail server for a second only."""
    yield from reset_after_test(_hasty_site)


def mail_of(person: Person) -> dict[str, str]:
    """Return what the page tells about the mail with the code."""
    pending = person.pending()
    assert pending is not None
    told: dict[str, str] = pending["mail"]
    return told


class TestSmtp:
    """The mail server: no request waits for it."""

    def test_while_it_refuses_connections_the_page_says_so_and_afterwards_the_code_comes(self, site: Site) -> None:
        site.smtp.stop()
        ann, new = site.person_with_session(deadline_seconds=DEADLINE_SECONDS), site.new_address()
        assert ann.ask(new).status == 200
        told = eventually(lambda: (told := mail_of(ann))["problem"] and told, "the page tells the problem")
        assert (told["state"], told["problem_kind"]) == ("queued", "unreachable")
        site.smtp.start()
        code = site.code_after_outage(new)
        eventually(lambda: mail_of(ann)["state"] == "sent", "the page tells that the mail is sent")
        assert mail_of(ann)["problem"] == ""
        assert ann.confirm(new, code).status == 200

    @pytest.mark.parametrize("how", ["says nothing", "stops after its greeting"])
    def test_while_it_hangs_nobody_waits_for_it(self, hasty_site: Site, how: str) -> None:
        site, hole = hasty_site, contextlib.ExitStack()
        if how == "says nothing":
            site.smtp.stop()
            hole.enter_context(socket.create_server(("127.0.0.1", site.smtp.port)))
        else:
            site.smtp.behaviour = "hang"
        people = [site.person_with_session(deadline_seconds=DEADLINE_SECONDS) for _ in range(4)]
        addresses = [site.new_address() for _ in people]
        answers = run_concurrently(lambda n: people[n].ask(addresses[n]), len(people))
        assert {answer.status for answer in answers} == {200}
        told = eventually(
            lambda: next((told for each in people if (told := mail_of(each))["problem"]), None), "a problem is told"
        )
        assert told["state"] == "queued"
        hole.close()
        site.smtp.behaviour = ""
        if how == "says nothing":
            site.smtp.start()
        for person, address in zip(people, addresses, strict=True):
            assert person.confirm(address, site.code_after_outage(address)).status == 200

    def test_an_address_that_it_refuses_for_good_can_be_corrected_at_once(self, site: Site) -> None:
        ann, wrong, right = site.person_with_session(), site.new_address(), site.new_address()
        site.smtp.refusals[wrong] = "550 5.1.1 no such user"
        ann.ask(wrong)
        told = eventually(lambda: (told := mail_of(ann))["state"] == "refused" and told, "the refusal is told")
        assert told["problem_kind"] == "recipient_refused"
        assert ann.ask(right).status == 200
        assert ann.confirm(right, site.code_to(right)).status == 200

    def test_a_mail_whose_receipt_is_lost_comes_again_as_the_same_mail(self, site: Site) -> None:
        site.smtp.behaviour = "drop-after-data"
        ann, new = site.person_with_session(), site.new_address()
        ann.ask(new)
        eventually(lambda: mail_of(ann)["problem"], "the lost receipt is told")
        site.smtp.behaviour = ""
        eventually(lambda: site.make_mail_due() or mail_of(ann)["state"] == "sent", "the mail is sent")
        copies = site.smtp.mails_to(new)
        assert len(copies) >= 2
        assert len({str(message["Message-ID"]) for message in copies}) == 1
        assert ann.confirm(new, code_in(copies[0])).status == 200


@contextlib.contextmanager
def locked_database(site: Site, tables: str = "cms_user, mail") -> Iterator[None]:
    """Hold what every story needs to write, as a backup, a migration or a forgotten session would."""
    url = site.settings["DATABASE_URL"]
    if not url:
        with locked(Path(site.settings["INSTANCE_DIR"]) / "cms.db"):
            yield
        return
    with psycopg.connect(url) as holder:
        holder.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield


class TestDatabase:
    """The database."""

    def test_while_it_is_locked_nothing_is_half_done(self, site: Site) -> None:
        asks, confirms, new, newer = (
            site.person_with_session(),
            site.person_with_session(),
            site.new_address(),
            site.new_address(),
        )
        numbers = [site.user_id(person.email) for person in (asks, confirms)]
        confirms.ask(newer)
        code = site.code_to(newer)
        tab, stranger = site.clone(confirms), site.visitor(site.administrator())
        stranger.token()
        eventually(site.all_mail_is_sent, "all mail is sent")
        before = (site.count(Audit), site.count(Mail), sorted(site.rows(select(Budget.key, Budget.used))))
        work: list[Callable[[], Answer]] = [
            lambda: asks.ask(new),
            lambda: confirms.confirm(newer, code),
            lambda: tab.confirm(newer, different_code(code)),
            stranger.sign_in,
            lambda: stranger.sign_in(password="wrong"),
        ]
        site.touch_sessions()
        with locked_database(site):
            for answer in run_concurrently(lambda n: work[n](), len(work)):
                assert_unavailable(answer)
            assert confirms.page().status == 200  # Reading goes on.
            assert site.email_of(numbers[1]) == confirms.email
            assert site.tries(numbers[1]) == 0
            after = (site.count(Audit), site.count(Mail), sorted(site.rows(select(Budget.key, Budget.used))))
            assert after == before
        assert asks.ask(new).status == 200
        assert asks.confirm(new, site.code_to(new)).status == 200
        assert confirms.confirm(newer, code).status == 200
        assert stranger.sign_in().status == 200

    def test_a_lock_in_the_middle_of_a_change_undoes_its_beginning(self, postgres_site: Site) -> None:
        site = postgres_site
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        with locked_database(site, "link"):  # The address is written by then, and the undo link is not.
            assert_unavailable(ann.confirm(new, code))
        assert (site.email_of(user_id), site.tries(user_id), site.notices(user_id)) == (ann.email, 0, 0)
        assert is_signed_in(ann)
        assert ann.confirm(new, code).status == 200

    def test_a_restart_of_postgresql_is_survived(self, postgres_site: Site, postgres: PostgresServer) -> None:
        site = postgres_site
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code = site.code_to(new)
        eventually(site.all_mail_is_sent, "all mail is sent")
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # The tests' server waits for no disk: what it promised is there now.
        postgres.stop()
        try:
            answers = run_concurrently(lambda n: site.clones(ann, 8)[n].confirm(new, code), 8)
            assert {answer.status for answer in answers} == {503}
            assert_unavailable(ann.get_as_script("/readyz"))
            assert ann.get_as_script("/healthz").status == 200
        finally:
            postgres.start()
        assert soon(lambda: ann.confirm(new, code)).status == 200
        assert site.email_of(user_id) == new
        assert site.link_to(ann.email)  # The thread that carries the mail has survived, too.

    def test_changes_confirmed_while_postgresql_is_torn_down_are_made_or_not_made(
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
                with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    )
                return number, None
            return number, people[number].confirm(addresses[number], codes[number])

        answers = dict(run_concurrently(work, 9))
        for number in range(8):
            answer = answers[number]
            assert answer is not None
            assert answer.status in (200, 503), answer
            if answer.status == 503 and site.email_of(numbers[number]) == people[number].email:
                assert soon(lambda n=number: people[n].confirm(addresses[n], codes[n])).status == 200
            assert site.email_of(numbers[number]) == addresses[number]
            assert site.times(numbers[number], "email_changed") == site.undo_links(numbers[number]) == 1
            assert site.notices(numbers[number]) == 1


def test_a_mail_in_the_hands_of_a_worker_that_dies_is_not_lost(breaking_site: Site) -> None:
    site = breaking_site
    site.smtp.behaviour = "hang"  # The delivery waits in the middle of its dialogue.
    ann, new = site.person_with_session(), site.new_address()
    hellos = site.smtp.hellos
    assert ann.ask(new).status == 200
    eventually(lambda: site.smtp.hellos > hellos, "the dialogue begins")
    doomed = set(site.server.workers())
    for worker in doomed:
        site.server.kill_worker(worker)
    site.smtp.behaviour = ""
    assert eventually(lambda: site.count(Mail, Mail.state == MailState.QUEUED), "the mail waits")
    # The lease of the dead worker runs out.
    assert ann.confirm(new, site.code_after_outage(new)).status == 200
