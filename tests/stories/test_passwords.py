"""Changing the password with the old one, and setting it with a link."""

import re

import pytest
from sqlalchemy import select

from models import CMSUser, Link
from tests.actors import PASSWORD, Answer, Person, text_of
from tests.environments import Environment
from tests.stories.admin_steps import history, id_of, run_flask

ANN = "ann@example.com"
NEW_PASSWORD = "several words of mine"
RESET, FORGOT = "/cms/resetpwd/", "/cms/forgotpwd/"

INVALID = [
    ("password", PASSWORD, "short", "short"),
    ("password", PASSWORD, "x" * 129, "x" * 129),
    ("password", PASSWORD, "passw0rd", "passw0rd"),
    ("password", PASSWORD, "ANN@example.com", "ANN@example.com"),
    ("password", PASSWORD, PASSWORD, PASSWORD),
    ("repetition", PASSWORD, NEW_PASSWORD, NEW_PASSWORD + " "),
    ("oldpwd", "", NEW_PASSWORD, NEW_PASSWORD),
]


def change_password(person: Person, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str | None = None) -> Answer:
    """Change the password with the old one."""
    return person.post(RESET, {"oldpwd": old, "password": new, "repetition": new if again is None else again})


def set_password(person: Person, link: str, new: str = NEW_PASSWORD) -> Answer:
    """Set a password with a link."""
    answer = person.post(link, {"password": new, "repetition": new})
    person.discard_token()
    return answer


def request_link(env: Environment, email: str = ANN) -> str:
    """Request a link for an address, and return it."""
    assert env.visitor().post(FORGOT, {"email": email}).status == 200
    return env.links_to(email, "forgotpwd")[-1]


class TestChange:
    """The page /cms/resetpwd/."""

    @pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
    def test_the_password_can_be_changed_with_the_old_one(self, env: Environment, script: bool) -> None:
        ann = env.person(script=script)
        assert change_password(ann).status == 200
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        assert env.visitor(ANN, password=NEW_PASSWORD).sign_in().status == 200

    def test_a_change_ends_other_sessions_and_renews_the_cookie(self, env: Environment) -> None:
        ann, tablet, thief = env.person(), env.signed_in(ANN), env.visitor()
        bob = env.person("bob@example.com")
        thief.browser.cookies.update(ann.browser.cookies)
        assert change_password(ann).status == 200
        assert ann.address() == ANN
        for other in (tablet, thief):
            assert other.get_as_script().error == "sign_in_required"
        assert bob.address() == "bob@example.com"

    def test_a_change_is_notified_and_recorded(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person(network="192.0.2.44")
        change_password(ann)
        (mail,) = sqlite_env.mail_to(ANN)
        assert "192.0.2.44" in text_of(mail)
        assert NEW_PASSWORD not in text_of(mail)
        row = history(sqlite_env, id_of(sqlite_env, ANN))[-1]
        assert (row.event, row.actor_id) == ("password_set", id_of(sqlite_env, ANN))

    @pytest.mark.parametrize(
        "new", ["portal.acme.example", "Acme-2026", "CMS acme cms", "账号中心账号中心", "AnnAnnAnn!"]
    )
    def test_a_password_must_not_consist_of_the_names_of_the_site_or_the_user(
        self, sqlite_env: Environment, new: str
    ) -> None:
        app = sqlite_env.app_with(SITE_URL="https://portal.acme.example")
        ann = sqlite_env.person(app=app)
        refused = change_password(ann, new=new)
        assert (refused.error, refused.message) == ("invalid", "密码不能由用户名、邮箱或本站名称组成。")
        command = run_flask(app, "admin", "set-password", ANN, "--reason", "forgotten", typed=f"{new}\n")
        sentence = "The password must not consist of your username, your email address or the name of this site."
        assert (command.exit_code, command.output) == (1, f"Error: {sentence}\n")

    def test_an_incorrect_old_password_is_reported_at_its_field(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        refused = change_password(ann, old="guess")
        assert (refused.status, refused.error, list(refused.data["fields"])) == (400, "password_wrong", ["oldpwd"])
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert sqlite_env.mail_to(ANN) == []
        assert "password_wrong" in [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))]

    def test_without_scripts_an_incorrect_old_password_is_reported_and_no_password_is_shown(
        self, sqlite_env: Environment
    ) -> None:
        refused = change_password(sqlite_env.person(script=False), old="guess")
        assert refused.status == 400
        assert re.search(r'data-errors-of="oldpwd"><p>', refused.text)
        assert NEW_PASSWORD not in refused.text

    def test_an_invalid_new_password_is_reported_at_its_field_and_counts_no_try(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        for field, old, new, again in INVALID * 2:  # More than the number of tries.
            refused = change_password(ann, old, new, again)
            assert (refused.status, refused.error, list(refused.data["fields"])) == (400, "invalid", [field])
        assert change_password(ann).status == 200

    def test_the_old_password_can_be_tried_ten_times(self, env: Environment) -> None:
        ann = env.person()
        for _ in range(10):
            assert change_password(ann, old="guess").error == "password_wrong"
        refused = change_password(ann)
        assert (refused.status, refused.error) == (429, "too_many_requests")
        assert env.visitor(ANN).sign_in().status == 200  # Other browsers are not locked out.

    def test_a_change_invalidates_password_links(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        link = request_link(sqlite_env)
        change_password(ann)
        assert set_password(sqlite_env.visitor(), link, "yet another one").error == "link_dead"


class TestLinks:
    """The pages below /cms/forgotpwd/."""

    @pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
    def test_a_new_password_can_be_set_with_a_mailed_link(self, env: Environment, script: bool) -> None:
        env.administrator(ANN)
        ann = env.visitor(ANN, password=NEW_PASSWORD, script=script)
        answer = ann.post(FORGOT, {"email": " ANN@Example.com "})
        assert answer.status == 200
        link = env.links_to(ANN, "forgotpwd")[0]
        assert ANN in ann.page(link).text
        assert set_password(ann, link).status == 200
        assert ann.sign_in().status == 200
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"

    def test_the_response_does_not_reveal_whether_an_account_exists(self, env: Environment) -> None:
        env.administrator(ANN)
        env.administrator("bob@example.com")
        env.update_account("bob@example.com", is_active=False)
        visitor = env.visitor()
        answers = [visitor.post(FORGOT, {"email": email}) for email in (ANN, "bob@example.com", "nobody@example.com")]
        assert len({(answer.status, answer.body) for answer in answers}) == 1
        assert [len(env.mail_to(email)) for email in (ANN, "bob@example.com", "nobody@example.com")] == [1, 0, 0]

    def test_three_links_an_hour_can_be_requested_for_any_address(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        for email in (ANN, "nobody@example.com"):
            visitor = sqlite_env.visitor()
            assert [visitor.post(FORGOT, {"email": email}).status for _ in range(4)] == [200, 200, 200, 429]
        assert len(sqlite_env.mail_to(ANN)) == 3

    def test_opening_the_link_changes_nothing(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = request_link(sqlite_env)
        for method in ("GET", "HEAD", "GET"):
            assert sqlite_env.visitor().browser.send(method, link).status == 200
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert set_password(sqlite_env.visitor(), link).status == 200

    def test_a_link_is_valid_once_and_for_thirty_minutes(self, env: Environment) -> None:
        env.administrator(ANN)
        link = request_link(env)
        env.clock.advance(minutes=30, seconds=-1)
        assert set_password(env.visitor(), link).status == 200
        assert set_password(env.visitor(), link, "yet another one").error == "link_dead"
        assert env.visitor().page(link).status == 410
        late = request_link(env)
        env.clock.advance(minutes=30)
        assert set_password(env.visitor(), late, "yet another one").error == "link_dead"
        assert env.visitor(ANN, password=NEW_PASSWORD).sign_in().status == 200

    def test_a_newer_link_invalidates_the_older_one(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        old, new = request_link(sqlite_env), request_link(sqlite_env)
        assert set_password(sqlite_env.visitor(), old).error == "link_dead"
        assert set_password(sqlite_env.visitor(), new).status == 200

    def test_a_change_of_address_invalidates_links(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        link = request_link(sqlite_env)
        ann.ask("new@example.com")
        assert ann.confirm("new@example.com", sqlite_env.code_to("new@example.com")).status == 200
        assert set_password(sqlite_env.visitor(), link).error == "link_dead"
        assert sqlite_env.visitor("new@example.com").sign_in().status == 200

    def test_a_new_password_ends_all_sessions_and_is_notified(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        assert set_password(sqlite_env.visitor(), request_link(sqlite_env)).status == 200
        assert ann.get_as_script().error == "sign_in_required"
        assert len(sqlite_env.mail_to(ANN)) == 2  # The link, and the notice.
        assert [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))][-2:] == [
            "password_link_sent",
            "password_set",
        ]

    def test_an_invalid_password_does_not_invalidate_the_link(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = request_link(sqlite_env)
        visitor = sqlite_env.visitor()
        for bad in ("short", "password", "ann@example.com"):
            assert list(set_password(visitor, link, bad).data["fields"]) == ["password"]
        assert set_password(visitor, link).status == 200

    def test_a_link_of_a_disabled_account_is_invalid(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = request_link(sqlite_env)
        sqlite_env.update_account(ANN, is_active=False)
        assert set_password(sqlite_env.visitor(), link).error == "link_dead"

    def test_a_token_has_256_bits_and_only_its_hash_is_stored(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        link = request_link(sqlite_env)
        token = link.split("/")[-2]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        stored = sqlite_env.rows(select(Link.token_hash))[0][0]
        for forged in (token[:-1], token.swapcase(), stored, "x"):
            assert set_password(sqlite_env.visitor(), f"{FORGOT}{forged}/").error == "link_dead"
        before = sqlite_env.rows(select(CMSUser.password_hash))
        assert set_password(sqlite_env.visitor(), link).status == 200
        assert sqlite_env.rows(select(CMSUser.password_hash)) != before
