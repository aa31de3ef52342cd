"""While a server is unavailable, responses say so, nothing is changed, and no try is counted."""

from collections.abc import Callable

import pytest

from models import Mail, db
from tests.actors import Answer, Person, different_code
from tests.environments import Environment
from tests.servers import PostgresServer, eventually
from tests.stories.factor_steps import add_app, code_of, second_step, sign_in_first_step

NEW = "new@example.com"


@pytest.fixture
def env(postgres_env: Environment) -> Environment:
    """Return the environment with all servers."""
    return postgres_env


def assert_unavailable(answer: Answer) -> None:
    """Check that a response is a 503 with the time after which to retry."""
    assert (answer.status, answer.error) == (503, "unavailable"), answer
    assert answer.headers["Retry-After"] == str(answer.data["retry_after"])


@pytest.mark.parametrize("action", ["stop", "freeze"])
def test_without_memcached_no_code_is_issued_or_compared(env: Environment, action: str) -> None:
    assert env.memcached
    ann, bob = env.person(), env.person("bob@example.com")
    ann.ask(NEW)
    code = env.code_to(NEW)
    tokens = [ann.token(), bob.token()]
    assert all(tokens)
    getattr(env.memcached, action)()
    assert_unavailable(bob.ask("other@example.com"))
    assert_unavailable(ann.confirm(NEW, code))
    assert_unavailable(ann.confirm(NEW, different_code(code)))
    visitor = env.visitor("ann@example.com")
    assert_unavailable(visitor.sign_in())
    assert ann.address() == "ann@example.com"  # This does not require memcached.
    pending = ann.pending()
    assert pending is not None
    assert pending["tries_left"] == 5
    assert bob.pending() is None
    env.memcached.reset()
    answer = eventually(lambda: (found := bob.ask("other@example.com")).status != 503 and found, "memcached responds")
    assert answer.status == 200
    assert ann.confirm(NEW, code).error == "code_expired"  # The code was lost.


def test_a_temporary_outage_of_memcached_counts_no_try(env: Environment) -> None:
    assert env.memcached
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    env.memcached.freeze()
    assert_unavailable(ann.confirm(NEW, code))
    env.memcached.thaw()
    answer = eventually(lambda: (found := ann.confirm(NEW, code)).status != 503 and found, "memcached responds again")
    assert answer.status == 200


def test_an_outage_of_memcached_after_the_commit_does_not_fail_the_change(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is committed; that the code cannot be deleted must not cause a 503."""
    assert env.memcached
    ann = env.person()
    ann.ask(NEW)
    code, token = env.code_to(NEW), ann.token()
    memcached, session_commit = env.memcached, db.session.commit
    with env.app.app_context():
        session_class = type(db.session())

    def commit_and_stop(session: object) -> None:
        original(session)
        memcached.stop()

    original = session_class.commit
    assert session_commit
    monkeypatch.setattr(session_class, "commit", commit_and_stop)
    answer = ann.post("/cms/resetemail/", {"email": NEW, "captcha": code}, token=token)
    monkeypatch.undo()
    assert answer.status == 200
    assert env.account("ann").email == NEW


def list_requests(ann: Person) -> dict[str, Callable[[], Answer]]:
    """Return all kinds of requests by name."""
    return {
        "page": ann.get_as_script,
        "request a code": lambda: ann.ask(NEW),
        "confirm": lambda: ann.confirm(NEW, "123456"),
        "cancel": ann.cancel,
        "reauth": ann.reauth,
        "readyz": lambda: ann.get_as_script("/readyz"),
    }


def test_without_the_database_all_requests_get_a_503_until_it_is_available_again(
    env: Environment, postgres: PostgresServer
) -> None:
    ann = env.person()
    ann.token()
    try:
        postgres.stop()
        for name, act in list_requests(ann).items():
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


def test_without_the_mail_server_a_code_is_only_delayed(env: Environment) -> None:
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


def test_an_expired_code_is_not_sent(env: Environment) -> None:
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


def test_without_memcached_a_second_step_works_and_the_first_one_counts_nothing(env: Environment) -> None:
    """The tries of a second factor are in SQL. The password cannot be counted, so that no second step begins."""
    assert env.memcached
    app, codes = add_app(env, env.person())
    waiting, visitor = sign_in_first_step(env, "ann@example.com"), env.visitor("ann@example.com")
    visitor.token()
    env.memcached.stop()
    assert_unavailable(visitor.sign_in())
    assert second_step(waiting, code=code_of(env, app)).status == 200
    env.clock.advance(minutes=11)
    assert_unavailable(waiting.reauth(recovery_code=codes[0]))
    env.memcached.reset()
    answer = eventually(
        lambda: (found := waiting.reauth(recovery_code=codes[0])).status != 503 and found, "memcached responds"
    )
    assert answer.status == 200, "the recovery code was not used up"
