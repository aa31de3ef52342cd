"""Sign-ins that wait for a second factor: what ends them, also while the second step is in progress, and how many."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from sqlalchemy import select

from accounts.factors import pending_sign_ins
from models import PendingSignIn
from tests.actors import PASSWORD, Person
from tests.environments import Environment
from tests.interleaving import run_before_the_lock
from tests.servers import run_concurrently
from tests.stories.admin_steps import act, id_of, superuser
from tests.stories.factor_steps import add_app, add_passkey, code_of, second_step, sign_in_first_step
from tests.stories.test_command_line import run_command

ANN, NEW, OTHER = "ann@example.com", "new@example.com", "another password of mine"
CHOSEN = {"password": OTHER, "repetition": OTHER}
REASON = ("--reason", "because")
Act = Callable[[], object]


class Account(NamedTuple):
    """An administrator with a second factor, signed in, and a superuser."""

    env: Environment
    ann: Person
    boss: Person


def manage(action: str, **fields: str) -> Callable[[Account], Act]:
    """Return a cause: the superuser acts on the account."""
    return lambda its: lambda: act(its.boss, its.env, ANN, action, **fields)


def command(*words: str, typed: str = "") -> Callable[[Account], Act]:
    """Return a cause: the operator acts on the account."""
    return lambda its: lambda: run_command(its.env, *words, ANN, *REASON, typed=typed)


def post(path: str, **fields: str) -> Callable[[Account], Act]:
    """Return a cause: the owner acts in a session."""
    return lambda its: lambda: its.ann.post(path, fields)


def follow(kind: str, prepare: Callable[[Account], object], to: str = ANN) -> Callable[[Account], Act]:
    """Return a cause: somebody submits a link that was mailed."""

    def cause(its: Account) -> Act:
        prepare(its)
        link = its.env.links_to(to, kind)[-1]
        return lambda: its.env.visitor().post(link, CHOSEN if kind == "forgotpwd" else {})

    return cause


def change_address(its: Account) -> Act:
    """Return an action: the owner enters the code that was mailed to the new address."""
    assert its.ann.ask(NEW).status == 200
    code = its.env.code_to(NEW)
    return lambda: its.ann.confirm(NEW, code)


def start_change(its: Account) -> None:
    """Have the superuser start a change, and wait until its link is mailed."""
    assert act(its.boss, its.env, ANN, "start_change", email=NEW).status == 200
    its.env.clock.advance(days=1, minutes=1)


def become_superuser(its: Account) -> None:
    """Make the owner a superuser."""
    assert act(its.boss, its.env, ANN, "role", role="superuser").status == 200


def demote(its: Account) -> Act:
    """Return an action: the owner, who is a superuser, becomes an editor."""
    become_superuser(its)
    return manage("role", role="editor")(its)


def undo(its: Account) -> Act:
    """Return an action: the old address undoes a change."""
    change_address(its)()
    its.ann.email = NEW
    link = its.env.links_to(ANN, "undo")[-1]
    return lambda: its.env.visitor().post(link)


CAUSES: dict[str, Callable[[Account], Act]] = {
    "all sessions are ended by a superuser": manage("end_sessions"),
    "all other sessions are ended by the owner": post("/cms/security/sessions/end_others/"),
    "the account is disabled": manage("disable"),
    "the account is disabled by the operator": command("admin", "disable"),
    "a superuser becomes an editor": demote,
    "an editor becomes a superuser": manage("role", role="superuser"),
    "the password is changed": post("/cms/resetpwd/", oldpwd=PASSWORD, **CHOSEN),
    "the password is set with a link": follow(
        "forgotpwd", lambda its: its.env.visitor().post("/cms/forgotpwd/", {"email": ANN})
    ),
    "the password is set by the operator": command("admin", "set-password", typed=f"{OTHER}\n"),
    "the address is changed": change_address,
    "a started change of address is confirmed": follow("prove", start_change, to=NEW),
    "a change of address is undone": undo,
    "the last second factor is removed": post("/cms/security/app/remove/"),
    "the second factors are reset": command("admin", "reset-factors"),
    "the account is erased": command("account", "erase", "--yes"),
}


def with_factor(env: Environment) -> tuple[Account, Callable[[], str]]:
    """Create an account with an authenticator app, and return it with a function that reads its codes."""
    boss, ann = superuser(env), env.person(ANN)
    app, _ = add_app(env, ann)
    return Account(env, ann, boss), lambda: code_of(env, app)


def has_session(person: Person) -> bool:
    """Return whether a person is signed in."""
    return person.get_as_script().status == 200


@pytest.mark.parametrize("cause", CAUSES)
def test_a_sign_in_that_waits_ends_when(env: Environment, cause: str) -> None:
    its, read_code = with_factor(env)
    end = CAUSES[cause](its)
    thief = sign_in_first_step(env, its.ann.email)
    end()
    answer = second_step(thief, code=read_code())
    assert (answer.status, answer.error) == (410, "sign_in_expired")
    assert thief.page("/cms/login/second/").path.startswith("/cms/login/?expired=y")
    assert not has_session(thief)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_second_step_in_progress_is_refused_when(env: Environment, cause: str) -> None:
    """The sign-in was found before the account was locked, and is checked again under the lock."""
    its, read_code = with_factor(env)
    end = CAUSES[cause](its)
    thief = sign_in_first_step(env, its.ann.email)
    code = read_code()
    thief.token()
    with run_before_the_lock(end):
        answer = second_step(thief, code=code)
    assert (answer.status, answer.error) == (410, "sign_in_expired")
    assert not has_session(thief)


@pytest.mark.parametrize("cause", ["all sessions are ended by a superuser", "a superuser becomes an editor"])
def test_others_are_not_ended(env: Environment, cause: str) -> None:
    its, _ = with_factor(env)
    bob = env.person("bob@example.com")
    app, _ = add_app(env, bob)
    waiting = sign_in_first_step(env, bob.email)
    CAUSES[cause](its)()
    assert second_step(waiting, code=code_of(env, app)).status == 200


def test_a_sign_in_from_before_the_removal_of_the_last_factor_does_not_return_with_a_new_one(env: Environment) -> None:
    its, _ = with_factor(env)
    thief = sign_in_first_step(env, ANN)
    assert its.ann.post("/cms/security/app/remove/").status == 200
    _, codes = add_passkey(its.ann)
    assert second_step(thief, recovery_code=codes[0]).error == "sign_in_expired"


class TestNumber:
    """Somebody who has only the password cannot store any number of rows."""

    def test_the_newest_ten_of_an_account_are_kept(self, env: Environment) -> None:
        its, read_code = with_factor(env)
        bob = env.person("bob@example.com")
        bobs_app, _ = add_app(env, bob)
        bobs = sign_in_first_step(env, bob.email)
        waiting = [sign_in_first_step(env, ANN) for _ in range(pending_sign_ins.MOST + 3)]
        ids = [row.user_id for row in env.rows(select(PendingSignIn.user_id))]
        assert ids.count(id_of(env, ANN)) == pending_sign_ins.MOST == 10
        paths = [each.page("/cms/login/second/").path.partition("?")[0] for each in waiting]
        assert paths == ["/cms/login/"] * 3 + ["/cms/login/second/"] * 10
        assert second_step(waiting[3], code=read_code()).status == 200
        assert second_step(bobs, code=code_of(env, bobs_app)).status == 200
        assert has_session(its.ann)

    def test_the_limit_holds_for_sign_ins_at_the_same_time(self, env: Environment) -> None:
        with_factor(env)
        for _ in range(pending_sign_ins.MOST):
            sign_in_first_step(env, ANN)
        visitors = [env.visitor(ANN) for _ in range(8)]
        for visitor in visitors:
            visitor.token()
        answers = run_concurrently(lambda number: visitors[number].sign_in(), len(visitors))
        assert [answer.status for answer in answers] == [200] * len(visitors)
        assert len(env.rows(select(PendingSignIn.id))) == pending_sign_ins.MOST

    def test_completed_sign_ins_leave_room_for_others(self, env: Environment) -> None:
        _, read_code = with_factor(env)
        first = sign_in_first_step(env, ANN)
        for _ in range(pending_sign_ins.MOST):
            assert second_step(sign_in_first_step(env, ANN), code=read_code()).status == 200
            env.clock.advance(seconds=30)
        assert second_step(first, code=read_code()).status == 200
        assert env.rows(select(PendingSignIn.id)) == []
