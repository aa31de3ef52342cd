"""PostgreSQL behind pgbouncer in transaction mode: more clients than connections."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from app import create_app
from models import db
from tests.actors import Answer, different_code
from tests.conftest import ENVIRONMENTS
from tests.environments import settings_for
from tests.live.conftest import Serve
from tests.live.sites import Site, is_signed_in, retry_while_unavailable
from tests.servers import Pgbouncer, PostgresServer, eventually, run_concurrently

CONNECTIONS, CLIENTS, ROUNDS = 2, 16, 8
SETTINGS = {"DATABASE_PREPARED_STATEMENTS": "no"}


@pytest.fixture(scope="module")
def pgbouncer(postgres: PostgresServer) -> Iterator[Pgbouncer]:
    """Run a pgbouncer in front of PostgreSQL."""
    pgbouncer = Pgbouncer(postgres, CONNECTIONS)
    try:
        yield pgbouncer.start()
    finally:
        pgbouncer.stop()


@pytest.fixture(scope="module")
def pooled_site(serve: Serve, postgres: PostgresServer, pgbouncer: Pgbouncer) -> Iterator[Site]:
    """Provide a site that uses PostgreSQL through pgbouncer."""
    with (
        postgres.database() as url,
        serve(ENVIRONMENTS[1], "--preload", "--threads", "8", DATABASE_URL=pgbouncer.url(url), **SETTINGS) as site,
    ):
        yield site


def test_an_address_is_changed(pooled_site: Site) -> None:
    site = pooled_site
    old = site.administrator()
    ann, new = site.person(old), site.new_address()
    assert ann.ask(new).status == 200
    code = site.code_to(new)
    assert ann.confirm(new, different_code(code)).error == "code_wrong"
    assert ann.confirm(new, code).status == 200
    assert ann.address() == new
    assert site.visitor().post(site.link_to(old)).status == 200
    assert not is_signed_in(ann)
    assert site.visitor(new).sign_in().error == "wrong_credentials"


def test_repeated_statements_are_not_prepared(pooled_site: Site) -> None:
    """A statement that is prepared in one connection to PostgreSQL does not exist in the other."""
    people = [pooled_site.person_with_session() for _ in range(CONNECTIONS * 3)]
    for _ in range(ROUNDS):
        answers = run_concurrently(lambda number: people[number].get_as_script(), len(people))
        assert {answer.status for answer in answers} == {200}


def test_more_clients_than_connections_are_served(pooled_site: Site) -> None:
    site = pooled_site
    people, addresses = (
        [site.person_with_session() for _ in range(CLIENTS)],
        [site.new_address() for _ in range(CLIENTS)],
    )

    def act(number: int) -> list[Answer]:
        person, new = people[number], addresses[number]
        pages = [lambda path=path: person.page(path) for path in ("/cms/security/", "/cms/profile/")]
        return [retry_while_unavailable(send) for send in (person.reauth, lambda: person.ask(new), *pages)]

    answers = [answer for each in run_concurrently(act, CLIENTS) for answer in each]
    assert {answer.status for answer in answers} == {200}, [str(a) for a in answers if a.status != 200]
    codes = [site.code_to(address) for address in addresses]
    answers = run_concurrently(
        lambda n: retry_while_unavailable(lambda: people[n].confirm(addresses[n], codes[n])), CLIENTS
    )
    assert {answer.status for answer in answers} == {200}, [str(a) for a in answers if a.status != 200]


def test_an_idle_process_holds_no_connection_to_postgresql(pooled_site: Site, pgbouncer: Pgbouncer) -> None:
    ann = pooled_site.person_with_session()
    assert ann.get_as_script().status == 200
    # The console of pgbouncer supports neither transactions nor extended queries.
    url = pgbouncer.url(pooled_site.settings["DATABASE_URL"]).rpartition("/")[0] + "/pgbouncer"

    def count_busy() -> int:
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute("SHOW POOLS")
            assert cursor.description is not None
            names = [column.name for column in cursor.description]
            return sum(dict(zip(names, row, strict=True))["sv_active"] for row in cursor if row[0] != "pgbouncer")

    eventually(lambda: count_busy() == 0, "all connections to PostgreSQL are free")


def test_the_time_limits_of_a_transaction_do_not_affect_the_next_client(
    postgres: PostgresServer, pgbouncer: Pgbouncer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with postgres.database() as url:
        pooled_url = pgbouncer.url(url)
        app = create_app(settings_for(tmp_path_factory.mktemp("pooled"), DATABASE_URL=pooled_url, **SETTINGS))
        with app.test_request_context("/"):
            app.preprocess_request()
            assert db.session.scalar(text("SHOW statement_timeout")) != "0"
        with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as other:
            for _ in range(CONNECTIONS * 2):
                assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
        with app.app_context():
            db.engine.dispose()
