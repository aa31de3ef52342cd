"""A database that does not respond, because it hangs or the network drops every packet: no request waits for long."""

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
from tests.live.test_outages import assert_unavailable, locked_database
from tests.servers import PATIENCE_SECONDS, PostgresServer, TcpProxy, eventually, run_concurrently

# Responses take at most five seconds on an idle machine. The deadline only has to detect a wait without end.
CLIENT_SECONDS = 12.0
CLIENTS = 12  # More than the two processes of gunicorn have threads.


@contextlib.contextmanager
def frozen_postgres(postgres: PostgresServer) -> Iterator[None]:
    """Suspend every process of PostgreSQL temporarily."""
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


def requests_with_database(person: Person, site: Site) -> list[Callable[[], Answer]]:
    """Return requests of a signed-in administrator that need the database."""
    return [
        lambda: person.ask(site.new_address()),
        lambda: person.confirm(site.new_address(), "123456"),
        person.get_as_script,
        person.reauth,
        person.cancel,
        lambda: person.get_as_script("/readyz"),
        person.sign_out,
    ]


def paths_without_database(site: Site) -> list[str]:
    """Return paths that need no database: /healthz, the sign-in page and its files."""
    page = site.visitor().page("/cms/login/")
    assets = [word for word in page.text.split('"') if word.startswith("/assets/")]
    assert assets
    return ["/healthz", "/cms/login/", assets[0], assets[-1]]


class TestHanging:
    """All processes of PostgreSQL are suspended; the kernel still accepts connections and acknowledges packets."""

    def test_every_request_that_needs_it_gets_503(self, postgres_site: Site, postgres: PostgresServer) -> None:
        site = postgres_site
        requests = requests_with_database(site.person_with_session(deadline_seconds=CLIENT_SECONDS), site)
        with frozen_postgres(postgres):
            for send in requests:
                assert_unavailable(send())
            visitor = site.visitor(deadline_seconds=CLIENT_SECONDS)
            assert_unavailable(visitor.sign_in())

    def test_requests_without_database_access_are_served_while_others_hang(
        self, postgres_site: Site, postgres: PostgresServer
    ) -> None:
        site = postgres_site
        people = [site.person_with_session(deadline_seconds=CLIENT_SECONDS) for _ in range(CLIENTS)]
        for person in people:
            assert person.get_as_script().status == 200  # Every worker is connected to the database.
        paths = paths_without_database(site) * 3
        visitors = [site.visitor(deadline_seconds=CLIENT_SECONDS) for _ in paths]

        def work(number: int) -> tuple[int, Answer]:
            if number < CLIENTS:
                return number, people[number].ask(site.new_address())
            number -= CLIENTS
            return number + CLIENTS, visitors[number].page(paths[number])

        with frozen_postgres(postgres):
            answers = dict(run_concurrently(work, CLIENTS + len(paths)))
        for number in range(CLIENTS):
            assert_unavailable(answers[number])
        assert {answers[CLIENTS + number].status for number in range(len(paths))} == {200}

    def test_it_is_used_again_as_soon_as_it_responds(self, postgres_site: Site, postgres: PostgresServer) -> None:
        site = postgres_site
        workers = site.server.workers()
        ann, new = site.person_with_session(deadline_seconds=CLIENT_SECONDS), site.new_address()
        with frozen_postgres(postgres):
            run_concurrently(lambda _: assert_unavailable(site.clone(ann).ask(new)), CLIENTS)
        assert eventually(lambda: (found := ann.ask(new)).status != 503 and found, "a code is requested").status == 200
        code = site.code_to(new)
        assert (
            eventually(
                lambda: (found := ann.confirm(new, code)).status != 503 and found, "the change is confirmed"
            ).status
            == 200
        )
        assert site.server.workers() == workers  # No worker was restarted.

    def test_an_outage_during_a_change_leaves_the_old_address_and_a_valid_code(
        self, postgres_site: Site, postgres: PostgresServer
    ) -> None:
        site = postgres_site
        ann, new = site.person_with_session(deadline_seconds=CLIENT_SECONDS), site.new_address()
        user_id = site.user_id(ann.email)
        assert ann.ask(new).status == 200
        code, answers = site.code_to(new), list[Answer]()
        eventually(site.all_mail_is_sent, "all mail is sent")
        confirmation = threading.Thread(target=lambda: answers.append(ann.confirm(new, code)))
        with (
            psycopg.connect(postgres.url("postgres"), autocommit=True) as connection,
            locked_database(site, "link"),  # At that time the address is written and the undo link is not.
        ):
            confirmation.start()
            query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            eventually(lambda: connection.execute(query).fetchone() != (0,), "the change waits for the lock")
            with frozen_postgres(postgres):
                confirmation.join(PATIENCE_SECONDS)
        assert_unavailable(answers[0])
        eventually(lambda: ann.get_as_script().status == 200, "the site responds")
        assert (site.email_of(user_id), site.count_notices(user_id)) == (ann.email, 0)
        assert (
            eventually(
                lambda: (found := ann.confirm(new, code)).status != 503 and found, "the change is confirmed"
            ).status
            == 200
        )


@pytest.fixture
def proxied_site(serve: Serve, postgres: PostgresServer) -> Iterator[tuple[Site, TcpProxy]]:
    """Provide a site that connects to PostgreSQL through a proxy, which can drop all packets."""
    with postgres.database() as url, contextlib.ExitStack() as stack:
        proxy = TcpProxy(urlsplit(url).port or 0)
        stack.callback(proxy.close)
        proxy_url = url.replace(f":{postgres.port}/", f":{proxy.port}/")
        with serve(ENVIRONMENTS[1], DATABASE_URL=proxy_url) as site:
            yield site, proxy


def test_requests_get_503_in_time_if_the_network_drops_every_packet(proxied_site: tuple[Site, TcpProxy]) -> None:
    site, proxy = proxied_site
    people = [site.person_with_session(deadline_seconds=CLIENT_SECONDS) for _ in range(CLIENTS)]
    for person in people:
        assert person.get_as_script().status == 200
    paths = paths_without_database(site)
    visitors = [site.visitor(deadline_seconds=CLIENT_SECONDS) for _ in paths]
    site.close()
    proxy.drop_packets()

    def work(number: int) -> Answer | None:
        if number < CLIENTS:
            assert_unavailable(people[number].ask("new@example.com"))
        else:
            assert visitors[number - CLIENTS].page(paths[number - CLIENTS]).status == 200

    for _ in range(2):  # First on open connections, then on new ones.
        run_concurrently(work, CLIENTS + len(paths))
