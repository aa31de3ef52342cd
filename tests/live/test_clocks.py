"""Two servers whose clocks differ serve one site: nobody is signed out, and nothing is refused.

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
    """Two servers of one site; the clock of the second is ahead by a number of seconds."""

    site: Site
    ahead: Gunicorn
    right: Gunicorn
    seconds: float


@pytest.fixture(scope="module", params=[0.3, 30.0])
def _node_ahead(
    request: pytest.FixtureRequest, _postgres_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gunicorn, float]]:
    settings = {**_postgres_site.settings, "TEST_SECONDS_AHEAD": str(request.param)}
    server = Gunicorn(settings, tmp_path_factory.mktemp("ahead") / "log", 1)
    server.application = "tests.live.shifted:create_app()"
    try:
        yield server.start(), request.param
    finally:
        server.stop()


@pytest.fixture
def nodes(postgres_site: Site, _node_ahead: tuple[Gunicorn, float]) -> Nodes:
    """Give a site with two servers on the same database and memcached."""
    ahead, seconds = _node_ahead
    return Nodes(postgres_site, ahead, postgres_site.server, seconds)


def served_by(person: Person, node: Gunicorn) -> Person:
    """Have the load balancer send a browser's next requests to this node."""
    assert isinstance(person.browser, NoRetryBrowser)
    person.browser.port = node.port
    return person


def wait_until_full_seconds_differ(nodes: Nodes) -> None:
    """Wait until the clock that is ahead shows another second than the other one: signatures carry whole seconds."""
    eventually(
        lambda: int(time.time() + nodes.seconds - 0.1) > int(time.time()) and time.time() % 1 < 0.9,
        "the clocks show two different seconds",
    )


def test_nobody_is_signed_out_while_requests_alternate_between_the_nodes(nodes: Nodes) -> None:
    people = []
    for first, second in ((nodes.ahead, nodes.right), (nodes.right, nodes.ahead)):
        ann = nodes.site.visitor(nodes.site.administrator())
        wait_until_full_seconds_differ(nodes)
        served_by(ann, first).token()
        assert served_by(ann, second).sign_in().status == 200  # The form was made by the other node.
        people.append(ann)
    for node in (nodes.ahead, nodes.right, nodes.ahead, nodes.right):
        wait_until_full_seconds_differ(nodes)
        for ann in people:
            assert served_by(ann, node).get_as_script().status == 200
            assert ann.reauth().status == 200  # The session gets a new id, and this node signs the new cookie.


def test_an_address_is_changed_with_requests_to_both_nodes(nodes: Nodes) -> None:
    for first, second in ((nodes.ahead, nodes.right), (nodes.right, nodes.ahead)):
        ann, new = served_by(nodes.site.person(), first), nodes.site.new_address()
        assert ann.ask(new).status == 200
        code = nodes.site.code_to(new)
        assert served_by(ann, second).confirm(new, code).status == 200
        assert served_by(ann, first).address() == new


def test_a_node_tells_by_how_much_its_clock_is_off_when_that_is_more_than_a_second(nodes: Nodes) -> None:
    answer = served_by(nodes.site.visitor(), nodes.ahead).get_as_script("/readyz")
    told = answer.data["clock_offset_seconds"]
    assert answer.status == 200
    assert 0 <= told <= nodes.seconds  # Less, where the database took its time to answer.
    is_reported = "s off the database clock" in nodes.ahead.log.read_text()
    assert is_reported == (told > 1) == (nodes.seconds > 1)
