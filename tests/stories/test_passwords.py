"""Setting a new password, with the old one or with a link."""

import re

import pytest
from sqlalchemy import select

from models import CMSUser, Link
from tests.actors import PASSWORD, Answer, Person, text_of
from tests.environments import Environment
from tests.stories.admin_steps import history, id_of

ANN = "ann@example.com"
FRESH = "several words of mine"
RESET, FORGOT = "/cms/resetpwd/", "/cms/forgotpwd/"

BAD = [
    ("password", PASSWORD, "short", "short"),
    ("password", PASSWORD, "x" * 129, "x" * 129),
    ("password", PASSWORD, "passw0rd", "passw0rd"),
    ("password", PASSWORD, "ANN@example.com", "ANN@example.com"),
    ("password", PASSWORD, PASSWORD, PASSWORD),
    ("repetition", PASSWORD, FRESH, FRESH + " "),
    ("oldpwd", "", FRESH, FRESH),
]


def change(person: Person, old: str = PASSWORD, new: str = FRESH, again: str | None = None) -> Answer:
    """Change the password of who knows the old one."""
    return person.post(RESET, {"oldpwd": old, "password": new, "repetition": new if again is None else again})


def choose(person: Person, link: str, new: str = FRESH) -> Answer:
    """Set a password with a link."""
    answer = person.post(link, {"password": new, "repetition": new})
    person.discard_token()
    return answer


def forgotten(env: Environment, email: str = ANN) -> str:
    """Have a link mailed to the address, and return the newest one."""
    assert env.visitor().post(FORGOT, {"email": email}).status == 200
    return env.links_to(email, "forgotpwd")[-1]


class TestWithTheOldOne:
    """/cms/resetpwd/."""

    @pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
    def test_who_knows_the_old_one_sets_a_new_one(self, env: Environment, script: bool) -> None:
        ann = env.person(script=script)
        assert change(ann).status == 200
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        assert env.visitor(ANN, password=FRESH).sign_in().status == 200

    def test_the_other_sessions_end_and_this_one_gets_a_new_cookie(self, env: Environment) -> None:
        ann, tablet, thief = env.person(), env.signed_in(ANN), env.visitor()
        bob = env.person("bob@example.com")
        thief.browser.cookies.update(ann.browser.cookies)
        assert change(ann).status == 200
        assert ann.address() == ANN
        for other in (tablet, thief):
            assert other.get_as_script().error == "sign_in_required"
        assert bob.address() == "bob@example.com"

    def test_the_address_is_told_and_the_history_knows(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person(network="192.0.2.44")
        change(ann)
        (mail,) = sqlite_env.mail_to(ANN)
        assert "192.0.2.44" in text_of(mail)
        assert FRESH not in text_of(mail)
        row = history(sqlite_env, id_of(sqlite_env, ANN))[-1]
        assert (row.event, row.actor_id) == ("password_set", id_of(sqlite_env, ANN))

    def test_a_wrong_old_one_is_told_at_its_field_and_changes_nothing(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        refused = change(ann, old="guess")
        assert (refused.status, refused.error, list(refused.data["fields"])) == (400, "password_wrong", ["oldpwd"])
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert sqlite_env.mail_to(ANN) == []
        assert "password_wrong" in [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))]

    def test_without_scripts_a_wrong_old_one_is_told_at_its_field_and_nothing_typed_comes_back(
        self, sqlite_env: Environment
    ) -> None:
        refused = change(sqlite_env.person(script=False), old="guess")
        assert refused.status == 400
        assert re.search(r'data-errors-of="oldpwd"><p>', refused.text)
        assert FRESH not in refused.text

    def test_a_bad_choice_is_told_at_its_field_and_costs_no_try(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        for field, old, new, again in BAD * 2:  # More of them than the tries that there are.
            refused = change(ann, old, new, again)
            assert (refused.status, refused.error, list(refused.data["fields"])) == (400, "invalid", [field])
        assert change(ann).status == 200

    def test_ten_guesses_and_no_more(self, env: Environment) -> None:
        ann = env.person()
        for _ in range(10):
            assert change(ann, old="guess").error == "password_wrong"
        refused = change(ann)
        assert (refused.status, refused.error) == (429, "too_many_requests")
        assert env.visitor(ANN).sign_in().status == 200  # Who sits at one browser does not lock out the others.

    def test_a_link_that_was_mailed_before_dies(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        link = forgotten(sqlite_env)
        change(ann)
        assert choose(sqlite_env.visitor(), link, "yet another one").error == "link_dead"


class TestForgotten:
    """/cms/forgotpwd/."""

    @pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
    def test_a_link_comes_by_mail_and_sets_a_new_one(self, env: Environment, script: bool) -> None:
        env.administrator(ANN)
        ann = env.visitor(ANN, password=FRESH, script=script)
        asked = ann.post(FORGOT, {"email": " ANN@Example.com "})
        assert asked.status == 200
        link = env.links_to(ANN, "forgotpwd")[0]
        assert ANN in ann.page(link).text
        assert choose(ann, link).status == 200
        assert ann.sign_in().status == 200
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"

    def test_the_answer_is_the_same_whoever_has_the_address(self, env: Environment) -> None:
        env.administrator(ANN)
        env.administrator("bob@example.com")
        env.update_account("bob@example.com", is_active=False)
        visitor = env.visitor()
        answers = [visitor.post(FORGOT, {"email": email}) for email in (ANN, "bob@example.com", "nobody@example.com")]
        assert len({(answer.status, answer.body) for answer in answers}) == 1
        assert [len(env.mail_to(email)) for email in (ANN, "bob@example.com", "nobody@example.com")] == [1, 0, 0]

    def test_it_can_be_asked_for_three_times_an_hour_whoever_has_the_address(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        for email in (ANN, "nobody@example.com"):
            visitor = sqlite_env.visitor()
            assert [visitor.post(FORGOT, {"email": email}).status for _ in range(4)] == [200, 200, 200, 429]
        assert len(sqlite_env.mail_to(ANN)) == 3

    def test_opening_the_link_changes_nothing(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = forgotten(sqlite_env)
        for method in ("GET", "HEAD", "GET"):
            assert sqlite_env.visitor().browser.send(method, link).status == 200
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert choose(sqlite_env.visitor(), link).status == 200

    def test_a_link_serves_once_and_for_thirty_minutes(self, env: Environment) -> None:
        env.administrator(ANN)
        link = forgotten(env)
        env.clock.advance(minutes=30, seconds=-1)
        assert choose(env.visitor(), link).status == 200
        assert choose(env.visitor(), link, "yet another one").error == "link_dead"
        assert env.visitor().page(link).status == 410
        late = forgotten(env)
        env.clock.advance(minutes=30)
        assert choose(env.visitor(), late, "yet another one").error == "link_dead"
        assert env.visitor(ANN, password=FRESH).sign_in().status == 200

    def test_a_newer_link_kills_the_older_one(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        old, new = forgotten(sqlite_env), forgotten(sqlite_env)
        assert choose(sqlite_env.visitor(), old).error == "link_dead"
        assert choose(sqlite_env.visitor(), new).status == 200

    def test_a_link_dies_with_the_address_that_it_was_mailed_to(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        link = forgotten(sqlite_env)
        ann.ask("new@example.com")
        assert ann.confirm("new@example.com", sqlite_env.code_to("new@example.com")).status == 200
        assert choose(sqlite_env.visitor(), link).error == "link_dead"
        assert sqlite_env.visitor("new@example.com").sign_in().status == 200

    def test_every_session_ends_and_the_address_is_told(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        assert choose(sqlite_env.visitor(), forgotten(sqlite_env)).status == 200
        assert ann.get_as_script().error == "sign_in_required"
        assert len(sqlite_env.mail_to(ANN)) == 2  # The link, and the notice.
        assert [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))][-2:] == [
            "password_link_sent",
            "password_set",
        ]

    def test_a_bad_choice_leaves_the_link_alive(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = forgotten(sqlite_env)
        visitor = sqlite_env.visitor()
        for bad in ("short", "password", "ann@example.com"):
            assert list(choose(visitor, link, bad).data["fields"]) == ["password"]
        assert choose(visitor, link).status == 200

    def test_who_was_disabled_meanwhile_sets_nothing(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = forgotten(sqlite_env)
        sqlite_env.update_account(ANN, is_active=False)
        assert choose(sqlite_env.visitor(), link).error == "link_dead"

    def test_a_link_cannot_be_guessed_and_stands_nowhere_in_clear(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = forgotten(sqlite_env)
        token = link.split("/")[-2]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        kept = sqlite_env.rows(select(Link.token_hash))[0][0]
        for forged in (token[:-1], token.swapcase(), kept, "x"):
            assert choose(sqlite_env.visitor(), f"{FORGOT}{forged}/").error == "link_dead"
        before = sqlite_env.rows(select(CMSUser.password_hash))
        assert choose(sqlite_env.visitor(), link).status == 200
        assert sqlite_env.rows(select(CMSUser.password_hash)) != before
