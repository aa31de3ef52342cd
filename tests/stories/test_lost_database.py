"""The database is lost in the middle of a request: a regular response, and committed changes are reported as done."""

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
from tests.actors import PASSWORD, Answer, Person
from tests.environments import Environment
from tests.servers import PostgresServer
from tests.stories.admin_steps import NEW, REGISTRATION, id_of, invitation_link, superuser

Act = Callable[[], Answer]
OLD = "ann@example.com"
NEW_PASSWORD = "another battery staple"


@pytest.fixture
def env(postgres_env: Environment) -> Environment:
    """Give the environment with all its parts."""
    return postgres_env


class Line:
    """The connection between an environment and its database, which can be lost."""

    def __init__(self, env: Environment, postgres: PostgresServer) -> None:
        """Lead to the environment's database."""
        self._name = urlsplit(env.settings["DATABASE_URL"]).path.strip("/")
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
def line(env: Environment, postgres: PostgresServer) -> Iterator[Line]:
    """Give the line of the environment; it is whole again afterwards."""
    line = Line(env, postgres)
    yield line
    line.find()


def assert_ours(answer: Answer) -> None:
    """Check that a response is regular: it has the security headers, and is an envelope, a page or a redirect."""
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"], answer
    if answer.status in (303, 307):
        return
    if answer.headers["Content-Type"] == "application/json":
        assert answer.envelope
    else:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "</html>" in answer.text
    assert (answer.status == 503) == ("Retry-After" in answer.headers)


def seated(env: Environment, email: str = OLD, **how: Any) -> Person:
    """Return an administrator who is signed in, holds a token, and goes nowhere by themselves."""
    person = env.person(email, **how)
    return staying(person)


def staying(person: Person) -> Person:
    """Have a browser show the answers that it gets, and not where they lead."""
    person.token()
    person._follow_redirects = lambda answer: answer  # type: ignore[method-assign]
    return person


def prepare_code_request(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody asks for a code."""
    ann = seated(env, script=script)
    return lambda: ann.ask(NEW)


def prepare_confirmation(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody types the right code."""
    ann = seated(env, script=script)
    ann.ask(NEW)
    code = env.code_to(NEW)
    return lambda: ann.confirm(NEW, code)


def prepare_cancellation(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody drops the pending change."""
    ann = seated(env, script=script)
    ann.ask(NEW)
    return ann.cancel


def prepare_reauth(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody proves the password once more."""
    return seated(env, script=script).reauth


def prepare_sign_in(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody signs in."""
    env.administrator(OLD)
    ann = staying(env.visitor(OLD, script=script))
    return ann.sign_in


def prepare_sign_out(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody signs out."""
    return seated(env, script=script).sign_out


def prepare_password_change(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody changes the password."""
    ann = seated(env, script=script)
    fields = {"oldpwd": PASSWORD, "password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
    return lambda: ann.post("/cms/resetpwd/", fields)


def prepare_profile_change(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody saves their own data."""
    ann = seated(env, script=script)
    return lambda: ann.post("/cms/profile/", {"username": "ann", "city": "hangzhou", "language": "en", "version": "1"})


def prepare_ending_other_sessions(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody ends all other sessions."""
    ann = seated(env, script=script)
    return lambda: ann.post("/cms/security/sessions/end_others/")


def prepare_password_link_request(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody asks for a link to set a new password."""
    env.administrator(OLD)
    ann = staying(env.visitor(script=script))
    return lambda: ann.post("/cms/forgotpwd/", {"email": OLD})


def prepare_new_password(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody sets a new password by a link."""
    prepare_password_link_request(env, script=True)()
    ann = staying(env.visitor(script=script))
    (link,) = env.links_to(OLD, "forgotpwd")
    return lambda: ann.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})


def prepare_stop(env: Environment, *, script: bool) -> Act:
    """Prepare: the old address stops a change."""
    prepare_code_request(env, script=True)()
    holder = staying(env.visitor(script=script))
    (link,) = env.links_to(OLD, "stop")
    return lambda: holder.post(link)


def prepare_undo(env: Environment, *, script: bool) -> Act:
    """Prepare: the old address undoes a change."""
    prepare_confirmation(env, script=True)()
    holder = staying(env.visitor(script=script))
    (link,) = env.links_to(OLD, "undo")
    return lambda: holder.post(link)


def prepare_registration(env: Environment, *, script: bool) -> Act:
    """Prepare: somebody who was invited registers."""
    link = invitation_link(env)
    ming = staying(env.visitor(script=script))
    return lambda: ming.post(link, REGISTRATION)


def prepare_invitation(env: Environment, *, script: bool) -> Act:
    """Prepare: a superuser invites somebody."""
    boss = staying(superuser(env, script=script))
    return lambda: boss.post("/cms/users/invite/", {"email": NEW, "role": "editor"})


def prepare_disabling(env: Environment, *, script: bool) -> Act:
    """Prepare: a superuser disables somebody."""
    boss = staying(superuser(env, script=script))
    env.administrator(OLD)
    user_id = id_of(env, OLD)
    return lambda: boss.post(f"/cms/users/{user_id}/disable/", {"reason": "because"})


def prepare_started_change(env: Environment, *, script: bool) -> Act:
    """Prepare: a superuser starts a change for somebody."""
    boss = staying(superuser(env, script=script))
    env.administrator(OLD)
    user_id = id_of(env, OLD)
    return lambda: boss.post(f"/cms/users/{user_id}/start_change/", {"email": NEW, "reason": "because"})


STORIES = (
    prepare_code_request,
    prepare_confirmation,
    prepare_cancellation,
    prepare_reauth,
    prepare_sign_in,
    prepare_sign_out,
    prepare_password_change,
    prepare_profile_change,
    prepare_ending_other_sessions,
    prepare_password_link_request,
    prepare_new_password,
    prepare_stop,
    prepare_undo,
    prepare_registration,
    prepare_invitation,
    prepare_disabling,
    prepare_started_change,
)
EACH_STORY = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


@BOTH_CLIENTS
@EACH_STORY
def test_what_is_committed_is_told_as_done_whatever_is_lost_then(
    env: Environment, line: Line, monkeypatch: pytest.MonkeyPatch, story: Callable[..., Act], script: bool
) -> None:
    act = story(env, script=script)
    with env.app.app_context():
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
def lost_after(env: Environment, line: Line, statements: int) -> Iterator[None]:
    """Lose the database after a number of statements."""
    with env.app.app_context():
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
@pytest.mark.parametrize(
    "story",
    [prepare_code_request, prepare_confirmation, prepare_profile_change, prepare_invitation],
    ids=lambda story: story.__name__,
)
def test_a_connection_lost_in_the_middle_of_a_form_gets_a_regular_response(
    env: Environment, line: Line, story: Callable[..., Act], script: bool, statements: int
) -> None:
    act = story(env, script=script)
    with lost_after(env, line, statements):
        answer = act()
    assert_ours(answer)
    assert answer.status in (200, 303, 503), answer


@BOTH_CLIENTS
def test_a_form_that_is_refused_is_answered_without_the_database(env: Environment, line: Line, script: bool) -> None:
    """The page would show what is pending; without that it says at least what is wrong."""
    ann = seated(env, script=script)
    with lost_after(env, line, 1):
        answer = ann.ask("no address")
    assert line.is_lost
    assert_ours(answer)
    assert answer.status == 400


PAGES = ("/cms/", "/cms/resetemail/", "/cms/profile/", "/cms/security/", "/cms/users/", "/readyz", "/nothing/")


@pytest.mark.parametrize(
    "signal", [flask.before_render_template, flask.template_rendered, flask.request_finished], ids=lambda s: s.name
)
def test_a_connection_lost_after_the_last_query_gets_a_regular_response(
    env: Environment, line: Line, signal: Any
) -> None:
    boss = superuser(env)
    for path, ask in itertools.product(PAGES, (boss.page, boss.get_as_script)):
        with signal.connected_to(line.lose, env.app):
            answer = ask(path)
        assert_ours(answer)
        assert answer.status == (404 if path == "/nothing/" else 200), answer
        line.find()


def test_what_is_lost_is_not_left_for_the_next_request(env: Environment, line: Line) -> None:
    ann = seated(env)
    for _ in range(5):
        with flask.request_finished.connected_to(line.lose, env.app):
            assert ann.get_as_script().status == 200
        line.find()
        assert ann.address() == OLD
    with env.app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert not db.session.registry.has()
