"""Conditions that were checked before an account was locked are checked again under the lock."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from models import CMSUser, EmailChange, LoginSession, Mail, db
from tests.actors import PASSWORD, Answer, Person
from tests.environments import Environment
from tests.interleaving import run_after_the_password, run_before_the_lock
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, superuser

ANN, BOB, NEW, EVE = "ann@example.com", "bob@example.com", "new@example.com", "eve@example.com"
OTHER = "another password of mine"


def count_sessions(env: Environment, email: str) -> int:
    """Return the number of sessions of an administrator."""
    ids = db.select(CMSUser.id).where(CMSUser.email == email).scalar_subquery()
    return len(env.rows(db.select(LoginSession.id).where(LoginSession.user_id == ids)))


def change_password(person: Person) -> Answer:
    """Change the password of a person."""
    return person.post("/cms/resetpwd/", {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER})


def change_address(env: Environment, person: Person, new: str = NEW) -> str:
    """Change the address of a person, and return the undo link in the notice to the old one."""
    old = person.email
    assert person.ask(new).status == 200
    assert person.confirm(new, env.code_to(new)).status == 200
    person.email = new
    return env.links_to(old, "undo")[-1]


class TestSignIn:
    """A sign-in with a password that becomes invalid during the request."""

    def test_no_session_is_created_with_a_password_that_its_owner_changed_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, thief = env.person(), env.visitor(ANN)
        thief.token()
        with run_after_the_password(monkeypatch, lambda: change_password(ann)):
            answer = thief.sign_in(remember="y")
        assert answer.error == "wrong_credentials"
        assert thief.get_as_script().status == 401
        assert count_sessions(env, ANN) == 1

    def test_no_session_is_created_with_a_password_that_was_replaced_by_a_link_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        env.administrator(ANN)
        visitor, thief = env.visitor(ANN), env.visitor(ANN)
        visitor.post("/cms/forgotpwd/", {"email": ANN})
        (link,) = env.links_to(ANN, "forgotpwd")
        thief.token()
        fields = {"password": OTHER, "repetition": OTHER}
        with run_after_the_password(monkeypatch, lambda: visitor.post(link, fields)):
            assert thief.sign_in().error == "wrong_credentials"
        assert count_sessions(env, ANN) == 0

    def test_no_session_is_created_with_a_password_that_the_operator_replaced_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        env.administrator(ANN)
        thief = env.visitor(ANN)
        thief.token()
        operator, words = FlaskGroup(create_app=env.build), ("admin", "set-password", ANN, "--reason", "it leaked")

        def replace() -> None:
            result = CliRunner().invoke(operator, words, input=f"{OTHER}\n")
            assert result.exit_code == 0, result.output

        with run_after_the_password(monkeypatch, replace):
            assert thief.sign_in().error == "wrong_credentials"
        assert count_sessions(env, ANN) == 0

    def test_no_session_is_created_for_an_address_that_was_changed_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, thief = env.person(), env.visitor(ANN)
        thief.token()
        with run_after_the_password(monkeypatch, lambda: change_address(env, ann)):
            assert thief.sign_in().error == "wrong_credentials"
        assert count_sessions(env, NEW) == 1

    def test_no_session_is_created_for_an_address_that_was_undone_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        thief, owner = env.person(), env.visitor()
        undo = change_address(env, thief)
        again = env.visitor(NEW)
        again.token()
        with run_after_the_password(monkeypatch, lambda: owner.post(undo)):
            assert again.sign_in().error == "wrong_credentials"
        assert count_sessions(env, ANN) == 0

    def test_no_session_is_created_for_an_account_that_was_disabled_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        boss = superuser(env)
        env.administrator(ANN)
        thief = env.visitor(ANN)
        thief.token()
        with run_after_the_password(monkeypatch, lambda: act(boss, env, ANN, "disable")):
            assert thief.sign_in().error == "wrong_credentials"
        assert count_sessions(env, ANN) == 0


class TestReauth:
    """A confirmation of the password in a session that a thief has taken over."""

    def test_a_password_that_was_changed_in_the_meantime_does_not_make_the_session_fresh(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, thief = env.person(), env.signed_in(ANN)
        thief.token()
        with run_after_the_password(monkeypatch, lambda: change_password(ann)):
            assert thief.reauth().status in (400, 401)
        assert thief.get_as_script().status == 401
        assert ann.get_as_script().status == 200

    def test_a_password_cannot_be_changed_with_one_that_was_changed_in_the_meantime(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann, thief = env.person(), env.signed_in(ANN)
        thief.token()
        other = {"oldpwd": PASSWORD, "password": "a password of thieves", "repetition": "a password of thieves"}
        with run_after_the_password(monkeypatch, lambda: change_password(ann)):
            assert thief.post("/cms/resetpwd/", other).status in (400, 401)
        assert env.visitor(ANN).sign_in(password=OTHER).status == 200

    def test_a_confirmation_by_the_owner_ends_requests_with_a_copied_cookie(self, env: Environment) -> None:
        ann = env.person()
        thief = env.visitor(ANN)
        thief.browser.cookies = dict(ann.browser.cookies)
        tokens = ann.token(), thief.token()
        assert all(tokens)
        with run_before_the_lock(ann.reauth):
            assert thief.ask(EVE).error == "sign_in_required"
        assert env.mail_to(EVE) == []


OWN_ACTIONS: dict[str, Callable[[Environment, Person], Answer]] = {
    "request a code": lambda _, ann: ann.ask(NEW),
    "cancel": lambda _, ann: ann.cancel(),
    "reauth": lambda _, ann: ann.reauth(),
    "password": lambda _, ann: change_password(ann),
    "profile": lambda _, ann: ann.post("/cms/profile/", {"username": "hacked", "language": "", "version": "1"}),
    "end others": lambda _, ann: ann.post("/cms/security/sessions/end_others/"),
}
SUPERUSER_ACTIONS: dict[str, Callable[[Environment, Person], Answer]] = {
    "invite": lambda _, boss: invite(boss, EVE),
    "withdraw": lambda _, boss: boss.post("/cms/users/invitations/1/withdraw/"),
    "resend": lambda _, boss: boss.post("/cms/users/invitations/1/resend/"),
    "role": lambda env, boss: act(boss, env, BOB, "role", role="superuser"),
    "disable": lambda env, boss: act(boss, env, BOB, "disable"),
    "enable": lambda env, boss: act(boss, env, BOB, "enable"),
    "drop": lambda env, boss: act(boss, env, BOB, "drop_change"),
    "start": lambda env, boss: act(boss, env, BOB, "start_change", email=EVE),
}


def prepare_ending_sessions(env: Environment, person: Person) -> Callable[[], None]:
    """Create a session of a person, and return a function that ends all other sessions."""
    other = env.signed_in(person.email)
    other.token()

    def end() -> None:
        assert other.post("/cms/security/sessions/end_others/").status == 200

    return end


def read_state(env: Environment) -> list[object]:
    """Return all data that an action could have changed, except histories."""
    users = db.select(CMSUser.email, CMSUser.username, CMSUser.password_hash, CMSUser.is_superuser, CMSUser.is_active)
    changes = db.select(EmailChange.user_id, EmailChange.email, EmailChange.asked_at, EmailChange.outcome)
    return [
        sorted(map(str, env.rows(query)))
        for query in (users, changes, db.select(Mail.kind), db.select(LoginSession.id))
    ]


class TestActions:
    """Actions whose session or permission ends during the request."""

    @pytest.mark.parametrize("action", OWN_ACTIONS)
    def test_an_action_of_a_session_that_ended_in_the_meantime_changes_nothing(
        self, env: Environment, action: str
    ) -> None:
        ann = env.person()
        end, found = prepare_ending_sessions(env, ann), []

        def end_and_record() -> None:
            end()
            found.append(read_state(env))

        ann.token()
        with run_before_the_lock(end_and_record):
            assert OWN_ACTIONS[action](env, ann).error == "sign_in_required"
        assert [read_state(env)] == found

    @pytest.mark.parametrize("action", SUPERUSER_ACTIONS)
    def test_a_superuser_action_of_a_session_that_ended_in_the_meantime_changes_nothing(
        self, env: Environment, action: str
    ) -> None:
        boss = superuser(env)
        env.administrator(BOB)
        assert invite(boss, "carol@example.com").status == 200
        env.deliver()
        end, found = prepare_ending_sessions(env, boss), []

        def end_and_record() -> None:
            end()
            found.append(read_state(env))

        boss.token()
        with run_before_the_lock(end_and_record):
            assert SUPERUSER_ACTIONS[action](env, boss).error == "sign_in_required"
        assert [read_state(env)] == found
        assert history(env, id_of(env, BOSS))[-1].event == "sign_in_required"

    @pytest.mark.parametrize("action", SUPERUSER_ACTIONS)
    def test_a_superuser_action_without_permission_in_the_meantime_changes_nothing(
        self, env: Environment, action: str
    ) -> None:
        boss, chief = superuser(env), superuser(env, "chief@example.com")
        env.administrator(BOB)
        assert invite(boss, "carol@example.com").status == 200
        env.deliver()
        tokens, found = (boss.token(), chief.token()), []
        assert all(tokens)

        def demote_and_record() -> None:
            assert act(chief, env, BOSS, "role", role="editor").status == 200
            found.append(read_state(env))

        with run_before_the_lock(demote_and_record):
            assert SUPERUSER_ACTIONS[action](env, boss).error == "forbidden"
        assert [read_state(env)] == found
        assert history(env, id_of(env, BOSS))[-1].event == "not_allowed"

    def test_an_invitation_is_invalid_if_its_sender_was_demoted_in_the_meantime(self, env: Environment) -> None:
        boss, chief = superuser(env), superuser(env, "chief@example.com")
        assert invite(boss, EVE).status == 200
        link = env.links_to(EVE, "register")[-1]
        visitor = env.visitor()
        tokens = visitor.token(), chief.token()
        assert all(tokens)
        form = {
            "username": "eve", "password": OTHER, "repetition": OTHER, "mobile": "13812345678", "staff_number": "7",
            "gender": "other", "city": "beijing", "interests": "news", "language": "en",
        }  # fmt: skip
        with run_before_the_lock(lambda: act(chief, env, BOSS, "role", role="editor")):
            assert visitor.post(link, form).error == "link_dead"
        assert env.rows(db.select(CMSUser.id).where(CMSUser.email == EVE)) == []
