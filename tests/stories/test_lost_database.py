"""A loss of the database during a request: the response is regular, and committed changes are reported as done."""

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
    """Return the environment with PostgreSQL."""
    return postgres_env


class DatabaseConnection:
    """The connection of an environment to its database, which can be lost."""

    def __init__(self, env: Environment, postgres: PostgresServer) -> None:
        """Store the name of the database of the environment."""
        self._name = urlsplit(env.settings["DATABASE_URL"]).path.strip("/")
        self._url = postgres.url("postgres")
        self.is_lost = False

    def lose(self, *_: object, **__: object) -> None:
        """Refuse new connections and end existing ones, if this was not done yet."""
        if not self.is_lost:
            self.is_lost = True
            self._run(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false")
            self._run(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def restore(self) -> None:
        """Accept connections again."""
        self._run(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")
        self.is_lost = False

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture
def connection(env: Environment, postgres: PostgresServer) -> Iterator[DatabaseConnection]:
    """Provide the connection of the environment, which is restored after the test."""
    connection = DatabaseConnection(env, postgres)
    yield connection
    connection.restore()


def assert_regular(answer: Answer) -> None:
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


def sign_in_without_redirects(env: Environment, email: str = OLD, **options: Any) -> Person:
    """Return a signed-in administrator with a CSRF token, whose browser follows no redirects."""
    person = env.person(email, **options)
    return disable_redirects(person)


def disable_redirects(person: Person) -> Person:
    """Get a CSRF token, and let the browser follow no redirects."""
    person.token()
    person._follow_redirects = lambda answer: answer  # type: ignore[method-assign]
    return person


def prepare_code_request(env: Environment, *, script: bool) -> Act:
    """Prepare a request for a code."""
    ann = sign_in_without_redirects(env, script=script)
    return lambda: ann.ask(NEW)


def prepare_confirmation(env: Environment, *, script: bool) -> Act:
    """Prepare the submission of a correct code."""
    ann = sign_in_without_redirects(env, script=script)
    ann.ask(NEW)
    code = env.code_to(NEW)
    return lambda: ann.confirm(NEW, code)


def prepare_cancellation(env: Environment, *, script: bool) -> Act:
    """Prepare the cancellation of a pending change."""
    ann = sign_in_without_redirects(env, script=script)
    ann.ask(NEW)
    return ann.cancel


def prepare_reauth(env: Environment, *, script: bool) -> Act:
    """Prepare a confirmation of the password."""
    return sign_in_without_redirects(env, script=script).reauth


def prepare_sign_in(env: Environment, *, script: bool) -> Act:
    """Prepare a sign-in."""
    env.administrator(OLD)
    ann = disable_redirects(env.visitor(OLD, script=script))
    return ann.sign_in


def prepare_sign_out(env: Environment, *, script: bool) -> Act:
    """Prepare a sign-out."""
    return sign_in_without_redirects(env, script=script).sign_out


def prepare_password_change(env: Environment, *, script: bool) -> Act:
    """Prepare a change of the password."""
    ann = sign_in_without_redirects(env, script=script)
    fields = {"oldpwd": PASSWORD, "password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
    return lambda: ann.post("/cms/resetpwd/", fields)


def prepare_profile_change(env: Environment, *, script: bool) -> Act:
    """Prepare a change of the profile."""
    ann = sign_in_without_redirects(env, script=script)
    return lambda: ann.post("/cms/profile/", {"username": "ann", "city": "hangzhou", "language": "en", "version": "1"})


def prepare_ending_other_sessions(env: Environment, *, script: bool) -> Act:
    """Prepare the end of all other sessions."""
    ann = sign_in_without_redirects(env, script=script)
    return lambda: ann.post("/cms/security/sessions/end_others/")


def prepare_password_link_request(env: Environment, *, script: bool) -> Act:
    """Prepare a request for a link to set a new password."""
    env.administrator(OLD)
    ann = disable_redirects(env.visitor(script=script))
    return lambda: ann.post("/cms/forgotpwd/", {"email": OLD})


def prepare_new_password(env: Environment, *, script: bool) -> Act:
    """Prepare setting a new password with a link."""
    prepare_password_link_request(env, script=True)()
    ann = disable_redirects(env.visitor(script=script))
    (link,) = env.links_to(OLD, "forgotpwd")
    return lambda: ann.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})


def prepare_stop(env: Environment, *, script: bool) -> Act:
    """Prepare stopping a change."""
    prepare_code_request(env, script=True)()
    holder = disable_redirects(env.visitor(script=script))
    (link,) = env.links_to(OLD, "stop")
    return lambda: holder.post(link)


def prepare_undo(env: Environment, *, script: bool) -> Act:
    """Prepare undoing a change."""
    prepare_confirmation(env, script=True)()
    holder = disable_redirects(env.visitor(script=script))
    (link,) = env.links_to(OLD, "undo")
    return lambda: holder.post(link)


def prepare_registration(env: Environment, *, script: bool) -> Act:
    """Prepare a registration."""
    link = invitation_link(env)
    ming = disable_redirects(env.visitor(script=script))
    return lambda: ming.post(link, REGISTRATION)


def prepare_invitation(env: Environment, *, script: bool) -> Act:
    """Prepare an invitation."""
    boss = disable_redirects(superuser(env, script=script))
    return lambda: boss.post("/cms/users/invite/", {"email": NEW, "role": "editor"})


def prepare_disabling(env: Environment, *, script: bool) -> Act:
    """Prepare disabling an account."""
    boss = disable_redirects(superuser(env, script=script))
    env.administrator(OLD)
    user_id = id_of(env, OLD)
    return lambda: boss.post(f"/cms/users/{user_id}/disable/", {"reason": "because"})


def prepare_started_change(env: Environment, *, script: bool) -> Act:
    """Prepare starting a change for another administrator."""
    boss = disable_redirects(superuser(env, script=script))
    env.administrator(OLD)
    user_id = id_of(env, OLD)
    return lambda: boss.post(f"/cms/users/{user_id}/start_change/", {"email": NEW, "reason": "because"})


def name_of(prepare: Callable[..., Act]) -> str:
    """Return the name of a prepared request."""
    return prepare.__name__.removeprefix("prepare_")


PREPARATIONS = (
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
EACH_REQUEST = pytest.mark.parametrize("prepare", PREPARATIONS, ids=name_of)
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


@BOTH_CLIENTS
@EACH_REQUEST
def test_a_committed_change_is_reported_as_done_after_a_loss_of_the_database(
    env: Environment,
    connection: DatabaseConnection,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[..., Act],
    script: bool,
) -> None:
    act = prepare(env, script=script)
    with env.app.app_context():
        session_class = type(db.session())
    commit = session_class.commit

    def commit_and_lose(session: Any) -> None:
        commit(session)
        connection.lose()

    monkeypatch.setattr(session_class, "commit", commit_and_lose)
    answer = act()
    assert connection.is_lost
    assert_regular(answer)
    assert answer.status == (200 if script else 303), answer


@contextlib.contextmanager
def lose_after(env: Environment, connection: DatabaseConnection, statements: int) -> Iterator[None]:
    """Lose the database after a number of statements within the context."""
    with env.app.app_context():
        engine = db.engine
    numbers = itertools.count(1)

    def lose_once(*_: object) -> None:
        if next(numbers) == statements:
            connection.lose()

    event.listen(engine, "after_cursor_execute", lose_once)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", lose_once)


@BOTH_CLIENTS
@pytest.mark.parametrize("statements", [1, 3, 6])
@pytest.mark.parametrize(
    "prepare",
    [prepare_code_request, prepare_confirmation, prepare_profile_change, prepare_invitation],
    ids=name_of,
)
def test_the_response_to_a_form_is_regular_if_the_connection_is_lost(
    env: Environment, connection: DatabaseConnection, prepare: Callable[..., Act], script: bool, statements: int
) -> None:
    act = prepare(env, script=script)
    with lose_after(env, connection, statements):
        answer = act()
    assert_regular(answer)
    assert answer.status in (200, 303, 503), answer


@BOTH_CLIENTS
def test_an_invalid_form_is_refused_without_the_database(
    env: Environment, connection: DatabaseConnection, script: bool
) -> None:
    """The page is shown without the pending change, but with the error."""
    ann = sign_in_without_redirects(env, script=script)
    with lose_after(env, connection, 1):
        answer = ann.ask("not an address")
    assert connection.is_lost
    assert_regular(answer)
    assert answer.status == 400


PAGES = ("/cms/", "/cms/resetemail/", "/cms/profile/", "/cms/security/", "/cms/users/", "/readyz", "/nothing/")


@pytest.mark.parametrize(
    "signal", [flask.before_render_template, flask.template_rendered, flask.request_finished], ids=lambda s: s.name
)
def test_the_response_is_regular_if_the_connection_is_lost_after_the_last_query(
    env: Environment, connection: DatabaseConnection, signal: Any
) -> None:
    boss = superuser(env)
    for path, get in itertools.product(PAGES, (boss.page, boss.get_as_script)):
        with signal.connected_to(connection.lose, env.app):
            answer = get(path)
        assert_regular(answer)
        assert answer.status == (404 if path == "/nothing/" else 200), answer
        connection.restore()


def test_a_lost_connection_does_not_affect_the_next_request(env: Environment, connection: DatabaseConnection) -> None:
    ann = sign_in_without_redirects(env)
    for _ in range(5):
        with flask.request_finished.connected_to(connection.lose, env.app):
            assert ann.get_as_script().status == 200
        connection.restore()
        assert ann.address() == OLD
    with env.app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert not db.session.registry.has()
