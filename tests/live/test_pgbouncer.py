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

CONNECTIONS, CROWD, ROUNDS = 2, 16, 8
SETTINGS = {"DATABASE_PREPARED_STATEMENTS": "no"}


@pytest.fixture(scope="module")
def pgbouncer(postgres: PostgresServer) -> Iterator[Pgbouncer]:
    """Run one pgbouncer before the tests' PostgreSQL."""
    pgbouncer = Pgbouncer(postgres, CONNECTIONS)
    try:
        yield pgbouncer.start()
    finally:
        pgbouncer.stop()


@pytest.fixture(scope="module")
def pooled_site(serve: Serve, postgres: PostgresServer, pgbouncer: Pgbouncer) -> Iterator[Site]:
    """Give the environment on PostgreSQL behind pgbouncer."""
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


def test_a_statement_that_is_sent_often_is_sent_every_time(pooled_site: Site) -> None:
    """Prepared in one connection to PostgreSQL, it would be missing in the other."""
    people = [pooled_site.person_with_session() for _ in range(CONNECTIONS * 3)]
    for _ in range(ROUNDS):
        answers = run_concurrently(lambda number: people[number].get_as_script(), len(people))
        assert {answer.status for answer in answers} == {200}


def test_many_clients_at_once_are_all_served(pooled_site: Site) -> None:
    site = pooled_site
    people, addresses = [site.person_with_session() for _ in range(CROWD)], [site.new_address() for _ in range(CROWD)]

    def story(number: int) -> list[Answer]:
        person, new = people[number], addresses[number]
        pages = [lambda path=path: person.page(path) for path in ("/cms/security/", "/cms/profile/")]
        return [retry_while_unavailable(act) for act in (person.reauth, lambda: person.ask(new), *pages)]

    answers = [answer for each in run_concurrently(story, CROWD) for answer in each]
    assert {answer.status for answer in answers} == {200}, [str(a) for a in answers if a.status != 200]
    codes = [site.code_to(address) for address in addresses]
    answers = run_concurrently(
        lambda n: retry_while_unavailable(lambda: people[n].confirm(addresses[n], codes[n])), CROWD
    )
    assert {answer.status for answer in answers} == {200}, [str(a) for a in answers if a.status != 200]


def test_an_idle_process_keeps_no_connection_to_postgresql(pooled_site: Site, pgbouncer: Pgbouncer) -> None:
    ann = pooled_site.person_with_session()
    assert ann.get_as_script().status == 200
    # pgbouncer's own console takes no transactions and no extended queries.
    url = pgbouncer.url(pooled_site.settings["DATABASE_URL"]).rpartition("/")[0] + "/pgbouncer"

    def busy() -> int:
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute("SHOW POOLS")
            assert cursor.description is not None
            names = [column.name for column in cursor.description]
            return sum(dict(zip(names, row, strict=True))["sv_active"] for row in cursor if row[0] != "pgbouncer")

    eventually(lambda: busy() == 0, "all connections to PostgreSQL are free")


def test_the_limits_of_one_transaction_do_not_reach_the_next_client(
    postgres: PostgresServer, pgbouncer: Pgbouncer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with postgres.database() as url:
        through = pgbouncer.url(url)
        app = create_app(settings_for(tmp_path_factory.mktemp("pooled"), DATABASE_URL=through, **SETTINGS))
        with app.test_request_context("/"):
            app.preprocess_request()
            assert db.session.scalar(text("SHOW statement_timeout")) != "0"
        with psycopg.connect(through, autocommit=True, prepare_threshold=None) as other:
            for _ in range(CONNECTIONS * 2):
                assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
        with app.app_context():
            db.engine.dispose()
