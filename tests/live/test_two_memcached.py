"""Two memcached servers, one of which is frozen or stopped: only the codes on it are unavailable."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

import cache
from models import EmailChange
from tests.actors import Answer, Person, different_code
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.live.sites import DEADLINE_SECONDS, Site
from tests.live.test_outages import assert_unavailable, retry_until_available
from tests.servers import MemcachedServer, eventually, run_concurrently

PEOPLE = 16  # That all codes are on the same server has a probability of 1 in 30 000.


@pytest.fixture(scope="module")
def servers() -> Iterator[list[MemcachedServer]]:
    """Run two memcached servers."""
    with contextlib.ExitStack() as stack:
        found = [MemcachedServer().start() for _ in range(2)]
        for server in found:
            stack.callback(server.stop)
        yield found


@pytest.fixture(scope="module")
def _site(serve: Serve, servers: list[MemcachedServer]) -> Iterator[Site]:
    url = "memcached://" + ",".join(server.address for server in servers)
    with serve(ENVIRONMENTS[1], CACHE_URL=url) as site:
        yield site


@pytest.fixture
def site(_site: Site, servers: list[MemcachedServer]) -> Iterator[Site]:
    """Provide a site that uses both servers; its new workers have not seen an outage."""
    for server in servers:
        server.reset()
    _site.server.restart()
    yield _site
    assert _site.broken_histories() == []


@contextlib.contextmanager
def failing(server: MemcachedServer, outage: str) -> Iterator[None]:
    """Freeze or stop a server temporarily."""
    server.freeze() if outage == "frozen" else server.stop()
    try:
        yield
    finally:
        server.thaw() if outage == "frozen" else server.start()


class Change:
    """A person who has requested a code."""

    def __init__(self, site: Site) -> None:
        """Create the administrator, and request the code."""
        self.person = site.person_with_session(deadline_seconds=DEADLINE_SECONDS)
        self.new, self.user_id = site.new_address(), site.user_id(self.person.email)
        assert self.person.ask(self.new).status == 200
        self.code = site.code_to(self.new)
        ((nonce,),) = site.rows(select(EmailChange.nonce).where(EmailChange.user_id == self.user_id))
        self.key = cache._hash(f"code:{nonce}")


def start_changes(site: Site, server: MemcachedServer) -> tuple[list[Change], list[Change]]:
    """Have several people request codes; return those whose code is on this server, and the others."""
    changes = [Change(site) for _ in range(PEOPLE)]
    stored = server.dump()
    here = [change for change in changes if change.key in stored]
    others = [change for change in changes if change.key not in stored]
    assert here
    assert others
    return here, others


def served_by(site: Site, server: MemcachedServer) -> Callable[[Callable[[], Answer]], Answer]:
    """Return a function that sends a request for which this server suffices, and returns the response.

    It may be 503 only if the log says that this server did not respond within half a second either, as happens on a
    very busy machine. Then the request is repeated.
    """
    before = len(site.log)

    def send(request: Callable[[], Answer]) -> Answer:
        answer = request()
        if answer.status != 503:
            return answer
        assert f"memcached does not respond at {server.address}" in site.log[before:], answer
        return retry_until_available(request)

    return send


OUTAGES = pytest.mark.parametrize("outage", ["frozen", "stopped"])


@OUTAGES
def test_only_the_codes_on_the_failed_server_are_unavailable(
    site: Site, servers: list[MemcachedServer], outage: str
) -> None:
    here, others = start_changes(site, servers[0])
    served = served_by(site, servers[1])
    with failing(servers[0], outage):
        for change in here:
            for code in (change.code, different_code(change.code)):
                assert_unavailable(change.person.confirm(change.new, code))
            assert site.count_tries(change.user_id) == 0
        for change in others:
            wrong = different_code(change.code)
            refused = served(lambda change=change, wrong=wrong: change.person.confirm(change.new, wrong))
            assert refused.data["tries_left"] == 4
            assert served(lambda change=change: change.person.confirm(change.new, change.code)).status == 200
    for change in here:
        answer = retry_until_available(lambda change=change: change.person.confirm(change.new, change.code))
        assert (answer.status, answer.error) == ((200, None) if outage == "frozen" else (400, "code_expired"))


@OUTAGES
def test_a_new_code_can_be_requested_and_used_meanwhile(
    site: Site, servers: list[MemcachedServer], outage: str
) -> None:
    here, _ = start_changes(site, servers[0])
    served = served_by(site, servers[1])
    with failing(servers[0], outage):
        site.delete_budgets()
        for change in here:
            assert served(lambda change=change: change.person.ask(change.new)).status == 200
            code = site.codes_to(change.new, 2)[-1]
            assert served(lambda change=change, code=code: change.person.confirm(change.new, code)).status == 200


@OUTAGES
@pytest.mark.parametrize("failed", [0, 1])
def test_everything_else_works_with_either_server(
    site: Site, servers: list[MemcachedServer], outage: str, failed: int
) -> None:
    emails = [site.administrator() for _ in range(PEOPLE)]
    served = served_by(site, servers[1 - failed])

    def use(number: int) -> Person:
        person = site.visitor(emails[number], deadline_seconds=DEADLINE_SECONDS)
        new = f"other-{emails[number]}"
        assert served(lambda: person.get_as_script("/readyz")).status == 200
        assert served(lambda: person.sign_in(password="wrong")).error == "wrong_credentials"
        assert served(person.sign_in).status == 200
        assert served(person.page).status == 200
        assert served(lambda: person.ask(new)).status == 200
        code = site.code_to(new)
        assert served(lambda: person.confirm(new, code)).status == 200
        return person

    with failing(servers[failed], outage):
        people = run_concurrently(use, PEOPLE)
        assert all(served(person.sign_out).status == 200 for person in people)


def test_tries_of_a_password_are_limited_meanwhile(site: Site, servers: list[MemcachedServer]) -> None:
    email = site.administrator()
    with failing(servers[0], "frozen"):
        guesses = [site.visitor(email).sign_in(password="wrong").error for _ in range(12)]
    assert guesses.count("wrong_credentials") <= 10
    assert guesses[-1] == "too_many_requests"


@OUTAGES
def test_without_both_servers_the_site_is_not_ready(site: Site, servers: list[MemcachedServer], outage: str) -> None:
    visitor = site.visitor(deadline_seconds=DEADLINE_SECONDS)
    with failing(servers[0], outage), failing(servers[1], outage):
        assert_unavailable(visitor.get_as_script("/readyz"))
        assert_unavailable(site.visitor(site.administrator()).sign_in())
    eventually(lambda: visitor.get_as_script("/readyz").status == 200, "the site is ready again")
