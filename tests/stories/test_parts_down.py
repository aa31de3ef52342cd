"""A server is unavailable: the response says so, nothing is changed, no try is counted."""

from collections.abc import Callable

import pytest

from models import Mail, db
from tests.actors import Answer, Person, different_code
from tests.environments import Environment
from tests.servers import PostgresServer, eventually

NEW = "new@example.com"


@pytest.fixture
def env(postgres_env: Environment) -> Environment:
    """Give the environment with all its parts."""
    return postgres_env


def unavailable(answer: Answer) -> None:
    """Check that an answer says that a part is away, and when to come back."""
    assert (answer.status, answer.error) == (503, "unavailable"), answer
    assert answer.headers["Retry-After"] == str(answer.data["retry_after"])


@pytest.mark.parametrize("how", ["stop", "freeze"])
def test_without_memcached_no_code_is_made_and_none_is_looked_at(env: Environment, how: str) -> None:
    assert env.memcached
    ann, bob = env.person(), env.person("bob@example.com")
    ann.ask(NEW)
    code = env.code_to(NEW)
    tokens = [ann.token(), bob.token()]
    assert all(tokens)
    getattr(env.memcached, how)()
    unavailable(bob.ask("other@example.com"))
    unavailable(ann.confirm(NEW, code))
    unavailable(ann.confirm(NEW, different_code(code)))
    visitor = env.visitor("ann@example.com")
    unavailable(visitor.sign_in())
    assert ann.address() == "ann@example.com"  # What needs no memcached goes on.
    pending = ann.pending()
    assert pending is not None
    assert pending["tries_left"] == 5
    assert bob.pending() is None
    env.memcached.reset()
    answer = eventually(lambda: (found := bob.ask("other@example.com")).status != 503 and found, "memcached is back")
    assert answer.status == 200
    assert ann.confirm(NEW, code).error == "code_expired"  # It came back empty: a new code is needed.


def test_memcached_that_hangs_for_a_moment_costs_nothing(env: Environment) -> None:
    assert env.memcached
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    env.memcached.freeze()
    unavailable(ann.confirm(NEW, code))
    env.memcached.thaw()
    answer = eventually(lambda: (found := ann.confirm(NEW, code)).status != 503 and found, "memcached answers again")
    assert answer.status == 200


def test_memcached_that_dies_after_the_commit_undoes_nothing(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change is made: that the code cannot be forgotten any more must not turn it into a 503."""
    assert env.memcached
    ann = env.person()
    ann.ask(NEW)
    code, token = env.code_to(NEW), ann.token()
    memcached, session_commit = env.memcached, db.session.commit
    with env.app.app_context():
        session_class = type(db.session())

    def commit_and_die(session: object) -> None:
        original(session)
        memcached.stop()

    original = session_class.commit
    assert session_commit
    monkeypatch.setattr(session_class, "commit", commit_and_die)
    answer = ann.post("/cms/resetemail/", {"email": NEW, "captcha": code}, token=token)
    monkeypatch.undo()
    assert answer.status == 200
    assert env.account("ann").email == NEW


def everything(ann: Person) -> dict[str, Callable[[], Answer]]:
    """Return all that somebody may do, by name."""
    return {
        "page": ann.get_as_script,
        "ask": lambda: ann.ask(NEW),
        "confirm": lambda: ann.confirm(NEW, "123456"),
        "cancel": ann.cancel,
        "reauth": ann.reauth,
        "readyz": lambda: ann.get_as_script("/readyz"),
    }


def test_without_the_database_everything_says_so_and_goes_on_when_it_is_back(
    env: Environment, postgres: PostgresServer
) -> None:
    ann = env.person()
    ann.token()
    try:
        postgres.stop()
        for name, act in everything(ann).items():
            answer = act()
            assert (name, answer.status, answer.error) == (name, 503, "unavailable")
        assert ann.get_as_script("/healthz").status == 200
        answer = ann.page("/cms/resetemail/")
        assert (answer.status, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    finally:
        postgres.start()
    assert ann.address() == "ann@example.com"
    assert ann.ask(NEW).status == 200
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200


def test_without_the_mail_server_a_code_is_late_and_nothing_else(env: Environment) -> None:
    assert env.smtp
    ann = env.person()
    env.smtp.stop()
    assert ann.ask(NEW).status == 200
    env.deliver()
    pending = ann.pending()
    assert pending is not None
    assert (pending["mail"]["state"], bool(pending["mail"]["problem"])) == ("queued", True)
    env.smtp.start()
    env.clock.advance(seconds=5)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200


def test_a_code_that_could_not_be_mailed_in_time_is_never_mailed(env: Environment) -> None:
    assert env.smtp
    ann = env.person()
    env.smtp.stop()
    ann.ask(NEW)
    env.deliver()
    env.clock.advance(seconds=600)
    env.smtp.start()
    assert env.mail_to(NEW) == []
    (state,) = env.rows(db.select(Mail.state).where(Mail.kind == "code"))[0]
    assert state == "expired"
