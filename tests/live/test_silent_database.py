"""A database that does not respond: it hangs, or the network drops every packet. No request waits for long."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.actors import Answer, Person
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.live.sites import Site
from tests.live.test_faults import assert_unavailable, locked_database
from tests.servers import PATIENCE_SECONDS, PostgresServer, TcpProxy, eventually, run_concurrently

# The claim is five seconds. A client that hangs up after twelve tells them from a wait without end, on any machine.
CLIENT_SECONDS = 12.0
CROWD = 12  # More than gunicorn's two processes have threads.


@contextlib.contextmanager
def frozen_postgres(postgres: PostgresServer) -> Iterator[None]:
    """Have every process of PostgreSQL stand still for a while."""
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


def everything(person: Person, site: Site) -> list[Callable[[], Answer]]:
    """Return what somebody who is signed in may ask for, and what needs the database."""
    return [
        lambda: person.ask(site.new_address()),
        lambda: person.confirm(site.new_address(), "123456"),
        person.get_as_script,
        person.reauth,
        person.cancel,
        lambda: person.get_as_script("/readyz"),
        person.sign_out,
    ]


def free_paths(site: Site) -> list[str]:
    """Return paths that need no database: the health of the process, a page for everybody, and its files."""
    page = site.visitor().page("/cms/login/")
    assets = [word for word in page.text.split('"') if word.startswith("/assets/")]
    assert assets
    return ["/healthz", "/cms/login/", assets[0], assets[-1]]


class TestHanging:
    """All processes of PostgreSQL are stopped; the kernel accepts and acknowledges for them."""

    def test_everything_that_needs_it_is_told_to_come_back(self, postgres_site: Site, postgres: PostgresServer) -> None:
        site = postgres_site
        acts = everything(site.person_with_session(deadline_seconds=CLIENT_SECONDS), site)
        with frozen_postgres(postgres):
            for act in acts:
                assert_unavailable(act())
            stranger = site.visitor(deadline_seconds=CLIENT_SECONDS)
            assert_unavailable(stranger.sign_in())

    def test_what_needs_no_database_is_answered_while_a_crowd_hangs(
        self, postgres_site: Site, postgres: PostgresServer
    ) -> None:
        site = postgres_site
        people = [site.person_with_session(deadline_seconds=CLIENT_SECONDS) for _ in range(CROWD)]
        for person in people:
            assert person.get_as_script().status == 200  # Every process has its connections.
        paths = free_paths(site) * 3
        visitors = [site.visitor(deadline_seconds=CLIENT_SECONDS) for _ in paths]

        def work(number: int) -> tuple[int, Answer]:
            if number < CROWD:
                return number, people[number].ask(site.new_address())
            number -= CROWD
            return number + CROWD, visitors[number].page(paths[number])

        with frozen_postgres(postgres):
            answers = dict(run_concurrently(work, CROWD + len(paths)))
        for number in range(CROWD):
            assert_unavailable(answers[number])
        assert {answers[CROWD + number].status for number in range(len(paths))} == {200}

    def test_it_is_used_again_as_soon_as_it_answers(self, postgres_site: Site, postgres: PostgresServer) -> None:
        site = postgres_site
        workers = site.server.workers()
        ann, new = site.person_with_session(deadline_seconds=CLIENT_SECONDS), site.new_address()
        with frozen_postgres(postgres):
            run_concurrently(lambda _: assert_unavailable(site.clone(ann).ask(new)), CROWD)
        assert eventually(lambda: (found := ann.ask(new)).status != 503 and found, "it is asked again").status == 200
        code = site.code_to(new)
        assert eventually(lambda: (found := ann.confirm(new, code)).status != 503 and found, "again").status == 200
        assert site.server.workers() == workers  # Nobody was restarted.

    def test_in_the_middle_of_a_change_it_leaves_the_old_address_and_a_good_code(
        self, postgres_site: Site, postgres: PostgresServer
    ) -> None:
        site = postgres_site
        ann, new = site.person_with_session(deadline_seconds=CLIENT_SECONDS), site.new_address()
        user_id = site.user_id(ann.email)
        assert ann.ask(new).status == 200
        code, answers = site.code_to(new), list[Answer]()
        eventually(site.all_mail_is_sent, "all mail is sent")
        waiting = threading.Thread(target=lambda: answers.append(ann.confirm(new, code)))
        with (
            psycopg.connect(postgres.url("postgres"), autocommit=True) as observer,
            locked_database(site, "link"),  # The address is written by then, and the undo link is not.
        ):
            waiting.start()
            query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            eventually(lambda: observer.execute(query).fetchone() != (0,), "the change waits for the lock")
            with frozen_postgres(postgres):
                waiting.join(PATIENCE_SECONDS)
        assert_unavailable(answers[0])
        eventually(lambda: ann.get_as_script().status == 200, "it answers again")
        assert (site.email_of(user_id), site.notices(user_id)) == (ann.email, 0)
        assert eventually(lambda: (found := ann.confirm(new, code)).status != 503 and found, "again").status == 200


@pytest.fixture
def proxied_site(serve: Serve, postgres: PostgresServer) -> Iterator[tuple[Site, TcpProxy]]:
    """Give a site whose line to PostgreSQL can be cut."""
    with postgres.database() as url, contextlib.ExitStack() as stack:
        proxy = TcpProxy(urlsplit(url).port or 0)
        stack.callback(proxy.close)
        through = url.replace(f":{postgres.port}/", f":{proxy.port}/")
        with serve(ENVIRONMENTS[1], DATABASE_URL=through) as site:
            yield site, proxy


def test_when_the_network_drops_every_packet_nobody_waits_for_long(proxied_site: tuple[Site, TcpProxy]) -> None:
    site, proxy = proxied_site
    people = [site.person_with_session(deadline_seconds=CLIENT_SECONDS) for _ in range(CROWD)]
    for person in people:
        assert person.get_as_script().status == 200
    paths = free_paths(site)
    visitors = [site.visitor(deadline_seconds=CLIENT_SECONDS) for _ in paths]
    site.close()
    proxy.drop_packets()

    def work(number: int) -> Answer | None:
        if number < CROWD:
            assert_unavailable(people[number].ask("new@example.com"))
        else:
            assert visitors[number - CROWD].page(paths[number - CROWD]).status == 200

    for _ in range(2):  # On the connections that were open, then on new ones.
        run_concurrently(work, CROWD + len(paths))
