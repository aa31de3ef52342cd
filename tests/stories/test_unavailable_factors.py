"""A database that fails or a cache that is down during a story of second factors: 503, and nothing is used up."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from models import (
    Audit,
    AuthenticatorApp,
    Budget,
    CMSUser,
    FactorReset,
    LoginSession,
    Mail,
    Passkey,
    PendingSignIn,
    RecoveryCode,
    db,
)
from tests.actors import Answer, Person
from tests.authenticators import Authenticator, options_on
from tests.environments import Environment
from tests.servers import eventually
from tests.stories.admin_steps import id_of, superuser
from tests.stories.factor_steps import (
    ORIGIN,
    add_app,
    add_passkey,
    begin_replacement,
    code_of,
    set_up_app,
    sign_in_first_step,
)

BEFORE = (CMSUser.__table__.c.user_handle, LoginSession.__table__.c.seen_at)  # The name on devices, the last request.
Act = Callable[[], Answer]
Prepare = Callable[[Environment, str], Act]
TABLES = (
    *(CMSUser, Passkey, AuthenticatorApp, RecoveryCode, PendingSignIn, LoginSession),
    *(FactorReset, Budget, Audit, Mail),
)


def prepared(person: Person, path: str, fields: Mapping[str, str | Callable[[], str]] = {}) -> Act:
    """Return a request that can be repeated; its CSRF token is fetched now, and codes are those of its time."""
    person.token()
    return lambda: person.post(path, {name: it if isinstance(it, str) else it() for name, it in fields.items()})


def sign_for(env: Environment, person: Person, device: Authenticator) -> str:
    """Return the response of a passkey to a challenge for a new proof in the session of a person."""
    env.clock.advance(seconds=1)
    return device.sign(person.get_as_script("/cms/reauth/").data["passkey"])


def prepare_first_step(env: Environment, email: str) -> Act:
    """Prepare the password of an account with a second factor."""
    add_passkey(env.person(email))
    visitor = env.visitor(email)
    visitor.token()
    return visitor.sign_in


def prepare_second_step_with_a_code(env: Environment, email: str) -> Act:
    """Prepare the second step with an app."""
    app, _ = add_app(env, env.person(email))
    return prepared(sign_in_first_step(env, email), "/cms/login/second/", {"code": lambda: code_of(env, app)})


def prepare_second_step_with_a_recovery_code(env: Environment, email: str) -> Act:
    """Prepare the second step with a recovery code."""
    _, codes = add_app(env, env.person(email))
    return prepared(sign_in_first_step(env, email), "/cms/login/second/", {"recovery_code": codes[0]})


def prepare_second_step_with_a_passkey(env: Environment, email: str) -> Act:
    """Prepare the second step with a passkey."""
    device, _ = add_passkey(env.person(email))
    env.clock.advance(seconds=1)
    visitor = sign_in_first_step(env, email)
    signed = device.sign(options_on(visitor.page("/cms/login/second/").text))
    return prepared(visitor, "/cms/login/second/", {"passkey": signed})


def prepare_giving_up(env: Environment, email: str) -> Act:
    """Prepare to give up a sign-in after its first step."""
    add_passkey(env.person(email))
    return prepared(sign_in_first_step(env, email), "/cms/login/second/cancel/")


def prepare_sign_in_with_a_passkey(env: Environment, email: str) -> Act:
    """Prepare a sign-in with a passkey alone."""
    device, _ = add_passkey(env.person(email))
    env.clock.advance(seconds=1)
    visitor = env.visitor(email)
    signed = device.sign(options_on(visitor.page("/cms/login/").text))
    return prepared(visitor, "/cms/login/passkey/", {"passkey": signed})


def prepare_proof_with_a_code(env: Environment, email: str) -> Act:
    """Prepare a proof in a session with the password and an app."""
    ann = env.person(email)
    app, _ = add_app(env, ann)
    return prepared(ann, "/cms/reauth/", {"password": ann.password, "code": lambda: code_of(env, app)})


def prepare_proof_with_a_recovery_code(env: Environment, email: str) -> Act:
    """Prepare a proof in a session with the password and a recovery code."""
    ann = env.person(email)
    _, codes = add_app(env, ann)
    return prepared(ann, "/cms/reauth/", {"password": ann.password, "recovery_code": codes[0]})


def prepare_proof_with_a_passkey(env: Environment, email: str) -> Act:
    """Prepare a proof in a session with a passkey."""
    ann = env.person(email)
    device, _ = add_passkey(ann)
    return prepared(ann, "/cms/reauth/", {"passkey": sign_for(env, ann, device)})


def prepare_passkey(env: Environment, email: str) -> Act:
    """Prepare the first passkey."""
    ann = env.person(email)
    options = ann.post("/cms/security/passkeys/options/").data["options"]
    fields = {"passkey": Authenticator(ORIGIN).create(options), "name": "Phone"}
    return prepared(ann, "/cms/security/passkeys/", fields)


def prepare_passkey_options(env: Environment, email: str) -> Act:
    """Prepare the options of the first passkey, which store the name of the account on devices."""
    return prepared(env.person(email), "/cms/security/passkeys/options/")


def prepare_name(env: Environment, email: str) -> Act:
    """Prepare another name of a passkey."""
    ann = env.person(email)
    add_passkey(ann)
    return prepared(ann, f"/cms/security/passkeys/{newest_passkey(env)}/rename/", {"name": "Old phone"})


def prepare_removal_of_a_passkey(env: Environment, email: str) -> Act:
    """Prepare the removal of the last passkey."""
    ann = env.person(email)
    add_passkey(ann)
    return prepared(ann, f"/cms/security/passkeys/{newest_passkey(env)}/remove/")


def newest_passkey(env: Environment) -> int:
    """Return the id of the newest passkey."""
    return int(env.rows(select(Passkey.id).order_by(Passkey.id.desc()))[0][0])


def prepare_set_up(env: Environment, email: str) -> Act:
    """Prepare the set-up of an app."""
    return prepared(env.person(email), "/cms/security/app/set_up/")


def prepare_app(env: Environment, email: str) -> Act:
    """Prepare the first code of an app."""
    ann = env.person(email)
    app = set_up_app(ann)
    return prepared(ann, "/cms/security/app/", {"code": lambda: code_of(env, app)})


def prepare_replacement(env: Environment, email: str) -> Act:
    """Prepare the first code of an app that replaces another one."""
    ann = env.person(email)
    add_app(env, ann)
    app = begin_replacement(ann)
    return prepared(ann, "/cms/security/app/", {"code": lambda: code_of(env, app)})


def prepare_removal_of_an_app(env: Environment, email: str) -> Act:
    """Prepare the removal of an app."""
    ann = env.person(email)
    add_app(env, ann)
    return prepared(ann, "/cms/security/app/remove/")


def prepare_recovery_codes(env: Environment, email: str) -> Act:
    """Prepare new recovery codes."""
    ann = env.person(email)
    add_passkey(ann)
    return prepared(ann, "/cms/security/recovery_codes/")


def prepare_reset(env: Environment, email: str) -> Act:
    """Prepare a reset of the second factors of somebody else."""
    add_passkey(env.person(email))
    boss = superuser(env, f"boss.{email}")
    return prepared(boss, f"/cms/users/{id_of(env, email)}/reset_factors/", {"reason": "lost"})


def prepare_stop_of_a_reset(env: Environment, email: str) -> Act:
    """Prepare to stop a reset with the link in the mail."""
    assert prepare_reset(env, email)().status == 200
    return prepared(env.visitor(), env.links_to(email, "factor_reset/stop")[-1])


PREPARATIONS: dict[str, Prepare] = {
    name.removeprefix("prepare_"): act for name, act in list(globals().items()) if name.startswith("prepare_")
}
NEED_THE_CACHE = {"first_step", "proof_with_a_code", "proof_with_a_recovery_code"}
"""Their tries of passwords are counted in the cache; everything else of second factors is in SQL."""


def contents(env: Environment) -> list[list[Any]]:
    """Return all rows that a story of second factors can change, without what is written before it begins."""
    columns = [
        [column for column in table.__table__.c if all(column is not other for other in BEFORE)] for table in TABLES
    ]
    return [sorted(env.rows(select(*its)), key=str) for its in columns]


def assert_unavailable(answer: Answer) -> None:
    """Check that a response is a 503 with the time after which to retry."""
    assert (answer.status, answer.error) == (503, "unavailable"), answer
    assert int(answer.headers["Retry-After"]) == answer.data["retry_after"] > 0


@contextlib.contextmanager
def failing(env: Environment, number: int, problem: Exception) -> Iterator[list[str]]:
    """Let a statement fail, as the database reports it; yield the statements that were executed before it."""
    executed: list[str] = []

    def fail(_: object, __: object, statement: str, *___: object) -> None:
        if len(executed) == number:
            raise OperationalError(statement, {}, problem)
        executed.append(statement)

    with env.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("prepare", PREPARATIONS.values(), ids=PREPARATIONS)
def test_if_any_statement_fails_the_response_is_503_and_nothing_is_used_up(env: Environment, prepare: Prepare) -> None:
    """As for a file that is locked, or a transaction that cannot be serialised."""
    locked = sqlite3.OperationalError("database is locked")
    problem = psycopg.errors.SerializationFailure("could not serialize") if env.memcached else locked
    act = prepare(env, "ann@example.com")
    before = contents(env)
    for number in range(40):
        with failing(env, number, problem) as executed:
            answer = act()
        if len(executed) < number + 1 and answer.status == 200:  # No statement was left to fail.
            break
        assert_unavailable(answer)
        assert contents(env) == before, executed
    else:
        pytest.fail("the request has no end")
    assert number > 1


def test_without_memcached_nothing_is_used_up(postgres_env: Environment) -> None:
    env = postgres_env
    assert env.memcached
    acts = {
        name: prepare(env, f"ann{number}@example.com") for number, (name, prepare) in enumerate(PREPARATIONS.items())
    }
    env.memcached.stop()
    for name, act in acts.items():
        before = contents(env)
        answer = act()
        if name in NEED_THE_CACHE:
            assert_unavailable(answer)
            assert contents(env) == before, name
        else:
            assert answer.status == 200, (name, answer)
    env.memcached.reset()
    for name in NEED_THE_CACHE:
        act = acts[name]
        answer = eventually(lambda act=act: (found := act()).status != 503 and found, "memcached responds")
        assert answer.status == 200, name
