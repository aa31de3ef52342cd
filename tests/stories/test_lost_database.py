"""The database is lost in the middle of a request: the answer is ours, and what was committed is told as done."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import flask
import psycopg
import pytest
from sqlalchemy import event

from models import db
from tests.houses import House
from tests.parts import PostgresServer
from tests.people import PASSWORD, Answer, Person
from tests.stories.office import FORM, NEW, id_of, invited, superuser

Act = Callable[[], Answer]
OLD = "ann@example.com"
NEW_PASSWORD = "another battery staple"


@pytest.fixture
def house(postgres_house: House) -> House:
    """Give the house with all its parts."""
    return postgres_house


class Line:
    """The line between a house and its database, which can be lost: connections end, and no new ones are taken."""

    def __init__(self, house: House, postgres: PostgresServer) -> None:
        """Lead to the house's database."""
        self._name = urlsplit(house.settings["DATABASE_URL"]).path.strip("/")
        self._url = postgres.url("postgres")
        self.is_lost = False

    def lose(self, *_: object, **__: object) -> None:
        """Lose it, once."""
        if not self.is_lost:
            self.is_lost = True
            self._run(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false")
            self._run(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def find(self) -> None:
        """Have it again."""
        self._run(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")
        self.is_lost = False

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture
def line(house: House, postgres: PostgresServer) -> Iterator[Line]:
    """Give the line of the house; it is whole again afterwards."""
    line = Line(house, postgres)
    yield line
    line.find()


def assert_ours(answer: Answer) -> None:
    """See that an answer is one of ours: with our headers, and an envelope, a page or a way to one."""
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"], answer
    if answer.status in (303, 307):
        return
    if answer.headers["Content-Type"] == "application/json":
        assert answer.envelope
    else:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "</html>" in answer.text
    assert (answer.status == 503) == ("Retry-After" in answer.headers)


def seated(house: House, email: str = OLD, **how: Any) -> Person:
    """Return an administrator who is signed in, holds a token, and goes nowhere by themselves."""
    person = house.person(email, **how)
    return staying(person)


def staying(person: Person) -> Person:
    """Have a browser show the answers that it gets, and not where they lead."""
    person.token()
    person._followed = lambda answer: answer  # type: ignore[method-assign]
    return person


def asks(house: House, *, script: bool) -> Act:
    """Prepare: somebody asks for a code."""
    ann = seated(house, script=script)
    return lambda: ann.ask(NEW)


def confirms(house: House, *, script: bool) -> Act:
    """Prepare: somebody types the right code."""
    ann = seated(house, script=script)
    ann.ask(NEW)
    code = house.code_to(NEW)
    return lambda: ann.confirm(NEW, code)


def cancels(house: House, *, script: bool) -> Act:
    """Prepare: somebody drops the pending change."""
    ann = seated(house, script=script)
    ann.ask(NEW)
    return ann.cancel


def proves(house: House, *, script: bool) -> Act:
    """Prepare: somebody proves the password once more."""
    return seated(house, script=script).reauth


def signs_in(house: House, *, script: bool) -> Act:
    """Prepare: somebody signs in."""
    house.administrator(OLD)
    ann = staying(house.visitor(OLD, script=script))
    return ann.sign_in


def signs_out(house: House, *, script: bool) -> Act:
    """Prepare: somebody signs out."""
    return seated(house, script=script).sign_out


def changes_the_password(house: House, *, script: bool) -> Act:
    """Prepare: somebody changes the password."""
    ann = seated(house, script=script)
    fields = {"oldpwd": PASSWORD, "password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
    return lambda: ann.post("/cms/resetpwd/", fields)


def saves_the_profile(house: House, *, script: bool) -> Act:
    """Prepare: somebody saves their own data."""
    ann = seated(house, script=script)
    return lambda: ann.post("/cms/profile/", {"username": "ann", "city": "hangzhou", "language": "en", "version": "1"})


def ends_other_sessions(house: House, *, script: bool) -> Act:
    """Prepare: somebody ends all other sessions."""
    ann = seated(house, script=script)
    return lambda: ann.post("/cms/security/sessions/end_others/")


def forgets_the_password(house: House, *, script: bool) -> Act:
    """Prepare: somebody asks for a link to set a new password."""
    house.administrator(OLD)
    ann = staying(house.visitor(script=script))
    return lambda: ann.post("/cms/forgotpwd/", {"email": OLD})


def chooses_a_password(house: House, *, script: bool) -> Act:
    """Prepare: somebody sets a new password by a link."""
    forgets_the_password(house, script=True)()
    ann = staying(house.visitor(script=script))
    (link,) = house.links_to(OLD, "forgotpwd")
    return lambda: ann.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})


def stops(house: House, *, script: bool) -> Act:
    """Prepare: the old address stops a change."""
    asks(house, script=True)()
    holder = staying(house.visitor(script=script))
    (link,) = house.links_to(OLD, "stop")
    return lambda: holder.post(link)


def undoes(house: House, *, script: bool) -> Act:
    """Prepare: the old address undoes a change."""
    confirms(house, script=True)()
    holder = staying(house.visitor(script=script))
    (link,) = house.links_to(OLD, "undo")
    return lambda: holder.post(link)


def registers(house: House, *, script: bool) -> Act:
    """Prepare: somebody who was invited registers."""
    link = invited(house)
    ming = staying(house.visitor(script=script))
    return lambda: ming.post(link, FORM)


def invites(house: House, *, script: bool) -> Act:
    """Prepare: a superuser invites somebody."""
    boss = staying(superuser(house, script=script))
    return lambda: boss.post("/cms/users/invite/", {"email": NEW, "role": "editor"})


def disables(house: House, *, script: bool) -> Act:
    """Prepare: a superuser disables somebody."""
    boss = staying(superuser(house, script=script))
    house.administrator(OLD)
    user_id = id_of(house, OLD)
    return lambda: boss.post(f"/cms/users/{user_id}/disable/", {"reason": "because"})


def starts_a_change(house: House, *, script: bool) -> Act:
    """Prepare: a superuser starts a change for somebody."""
    boss = staying(superuser(house, script=script))
    house.administrator(OLD)
    user_id = id_of(house, OLD)
    return lambda: boss.post(f"/cms/users/{user_id}/start_change/", {"email": NEW, "reason": "because"})


STORIES = (
    asks,
    confirms,
    cancels,
    proves,
    signs_in,
    signs_out,
    changes_the_password,
    saves_the_profile,
    ends_other_sessions,
    forgets_the_password,
    chooses_a_password,
    stops,
    undoes,
    registers,
    invites,
    disables,
    starts_a_change,
)
EACH_STORY = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


@BOTH_CLIENTS
@EACH_STORY
def test_what_is_committed_is_told_as_done_whatever_is_lost_then(
    house: House, line: Line, monkeypatch: pytest.MonkeyPatch, story: Callable[..., Act], script: bool
) -> None:
    act = story(house, script=script)
    with house.app.app_context():
        session_class = type(db.session())
    commit = session_class.commit

    def commit_and_lose(session: Any) -> None:
        commit(session)
        line.lose()

    monkeypatch.setattr(session_class, "commit", commit_and_lose)
    answer = act()
    assert line.is_lost
    assert_ours(answer)
    assert answer.status == (200 if script else 303), answer


@contextlib.contextmanager
def lost_after(house: House, line: Line, statements: int) -> Iterator[None]:
    """Lose the database as soon as it has answered so many statements."""
    with house.app.app_context():
        engine = db.engine
    numbers = itertools.count(1)

    def after(*_: object) -> None:
        if next(numbers) == statements:
            line.lose()

    event.listen(engine, "after_cursor_execute", after)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", after)


@BOTH_CLIENTS
@pytest.mark.parametrize("statements", [1, 3, 6])
@pytest.mark.parametrize("story", [asks, confirms, saves_the_profile, invites], ids=lambda story: story.__name__)
def test_in_the_middle_of_a_form_every_answer_is_ours(
    house: House, line: Line, story: Callable[..., Act], script: bool, statements: int
) -> None:
    act = story(house, script=script)
    with lost_after(house, line, statements):
        answer = act()
    assert_ours(answer)
    assert answer.status in (200, 303, 503), answer


@BOTH_CLIENTS
def test_a_form_that_is_refused_is_answered_without_the_database(house: House, line: Line, script: bool) -> None:
    """The page would show what is pending; without that it says at least what is wrong."""
    ann = seated(house, script=script)
    with lost_after(house, line, 1):
        answer = ann.ask("no address")
    assert line.is_lost
    assert_ours(answer)
    assert answer.status == 400


PAGES = ("/cms/", "/cms/resetemail/", "/cms/profile/", "/cms/security/", "/cms/users/", "/readyz", "/nothing/")


@pytest.mark.parametrize(
    "signal", [flask.before_render_template, flask.template_rendered, flask.request_finished], ids=lambda s: s.name
)
def test_between_the_last_query_and_the_end_every_answer_is_ours(house: House, line: Line, signal: Any) -> None:
    boss = superuser(house)
    for path, ask in itertools.product(PAGES, (boss.page, boss.ask_as_script)):
        with signal.connected_to(line.lose, house.app):
            answer = ask(path)
        assert_ours(answer)
        assert answer.status == (404 if path == "/nothing/" else 200), answer
        line.find()


def test_what_is_lost_is_not_left_for_the_next_request(house: House, line: Line) -> None:
    ann = seated(house)
    for _ in range(5):
        with flask.request_finished.connected_to(line.lose, house.app):
            assert ann.ask_as_script().status == 200
        line.find()
        assert ann.address() == OLD
    with house.app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert not db.session.registry.has()
