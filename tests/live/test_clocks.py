"""One site with two servers whose clocks differ: no session ends, and no request is refused.

`tests/stories/test_clocks.py` has more tests, with two applications in one process.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.actors import Person
from tests.live.sites import NoRetryBrowser, Site
from tests.servers import Gunicorn, eventually


class Nodes(NamedTuple):
    """Two servers of one site, one of which has a clock that is ahead by `seconds`."""

    site: Site
    ahead: Gunicorn
    accurate: Gunicorn
    seconds: float


@pytest.fixture(scope="module", params=[0.3, 30.0])
def _node_ahead(
    request: pytest.FixtureRequest, _postgres_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gunicorn, float]]:
    settings = {**_postgres_site.settings, "TEST_SECONDS_AHEAD": str(request.param)}
    server = Gunicorn(settings, tmp_path_factory.mktemp("ahead") / "log", 1)
    server.application = "tests.live.shifted_clock:create_app()"
    try:
        yield server.start(), request.param
    finally:
        server.stop()


@pytest.fixture
def nodes(postgres_site: Site, _node_ahead: tuple[Gunicorn, float]) -> Nodes:
    """Provide a site with two servers that use the same database and memcached."""
    ahead, seconds = _node_ahead
    return Nodes(postgres_site, ahead, postgres_site.server, seconds)


def send_to(person: Person, node: Gunicorn) -> Person:
    """Send the next requests of a person to this node, like a load balancer, and return the person."""
    assert isinstance(person.browser, NoRetryBrowser)
    person.browser.port = node.port
    return person


def wait_until_full_seconds_differ(nodes: Nodes) -> None:
    """Wait until the clocks differ in whole seconds: signatures contain whole seconds."""
    eventually(
        lambda: int(time.time() + nodes.seconds - 0.1) > int(time.time()) and time.time() % 1 < 0.9,
        "the clocks show two different seconds",
    )


def test_sessions_stay_valid_while_requests_alternate_between_the_nodes(nodes: Nodes) -> None:
    people = []
    for first, second in ((nodes.ahead, nodes.accurate), (nodes.accurate, nodes.ahead)):
        ann = nodes.site.visitor(nodes.site.administrator())
        wait_until_full_seconds_differ(nodes)
        send_to(ann, first).token()
        assert send_to(ann, second).sign_in().status == 200  # The other node created the form.
        people.append(ann)
    for node in (nodes.ahead, nodes.accurate, nodes.ahead, nodes.accurate):
        wait_until_full_seconds_differ(nodes)
        for ann in people:
            assert send_to(ann, node).get_as_script().status == 200
            assert ann.reauth().status == 200  # This node gives the session a new id, and signs its cookie.


def test_an_address_is_changed_with_requests_to_both_nodes(nodes: Nodes) -> None:
    for first, second in ((nodes.ahead, nodes.accurate), (nodes.accurate, nodes.ahead)):
        ann, new = send_to(nodes.site.person(), first), nodes.site.new_address()
        assert ann.ask(new).status == 200
        code = nodes.site.code_to(new)
        assert send_to(ann, second).confirm(new, code).status == 200
        assert send_to(ann, first).address() == new


def test_a_clock_that_differs_by_more_than_a_second_is_reported(nodes: Nodes) -> None:
    answer = send_to(nodes.site.visitor(), nodes.ahead).get_as_script("/readyz")
    offset = answer.data["clock_offset_seconds"]
    assert answer.status == 200
    assert 0 <= offset <= nodes.seconds  # Less if the database responded slowly.
    is_reported = "s off the database clock" in nodes.ahead.log.read_text()
    assert is_reported == (offset > 1) == (nodes.seconds > 1)
