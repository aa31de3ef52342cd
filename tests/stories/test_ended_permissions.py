"""Started changes, invitations and marks of browsers end with the permission or password that they depend on."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from models import EmailChange, Invitation
from tests.actors import PASSWORD, Person, text_of
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, newest_row, queued_link, superuser

ANN, CHIEF, EVE, NEW = "ann@example.com", "chief@example.com", "eve@example.com", "new@example.com"
OTHER = "another password of mine"


class TestStartedChanges:
    """Changes that a superuser has started for other administrators."""

    def start(self, env: Environment, boss: Person) -> str:
        """Start a change, and return the link to confirm it from the queued mail."""
        assert act(boss, env, ANN, "start_change", "lost the mailbox", email=EVE).status == 200
        return queued_link(env, EVE)

    @pytest.mark.parametrize(("action", "more"), [("disable", {}), ("role", {"role": "editor"})])
    def test_a_started_change_ends_if_its_superuser_is_disabled_or_demoted(
        self, env: Environment, action: str, more: Any
    ) -> None:
        chief, boss, ann = superuser(env, CHIEF), superuser(env), env.person()
        link = self.start(env, boss)
        assert act(chief, env, BOSS, action, **more).status == 200
        assert ann.pending() is None
        row = newest_row(env, ANN)
        assert (row.event, row.actor_id, row.detail["by"]) == ("change_withdrawn", None, "boss")
        assert "boss" in text_of(env.mail_to(ANN)[-1])
        env.clock.advance(hours=24)
        assert env.mail_to(EVE) == []
        assert env.visitor().post(link).error == "link_dead"
        assert env.account("ann").email == ANN

    def test_the_link_of_a_started_change_is_invalid_while_its_superuser_has_no_permission(
        self, env: Environment
    ) -> None:
        """The permission is checked again, even if the change was not ended."""
        boss = superuser(env)
        env.administrator(ANN)
        link = self.start(env, boss)
        env.clock.advance(hours=24)
        env.update_account(BOSS, is_superuser=False)
        assert env.visitor().post(link).error == "link_dead"
        assert env.account("ann").email == ANN
        env.update_account(BOSS, is_superuser=True)
        assert env.visitor().post(link).status == 200

    def test_the_actor_of_a_started_change_is_its_superuser(self, env: Environment) -> None:
        boss = superuser(env)
        env.administrator(ANN)
        link = self.start(env, boss)
        env.clock.advance(hours=24)
        assert env.visitor().post(link).status == 200
        row = newest_row(env, EVE)
        assert (row.event, row.actor_id, row.detail["by"]) == ("email_changed", id_of(env, BOSS), "boss")


class TestUndo:
    """An undo after the account of a superuser was taken over."""

    def take_over(self, env: Environment) -> tuple[Person, str]:
        """Change the address of a superuser as a thief; return the thief and the undo link."""
        thief = superuser(env)
        env.clock.advance(minutes=1)
        assert thief.ask(EVE).status == 200
        assert thief.confirm(EVE, env.code_to(EVE)).status == 200
        return thief, env.links_to(BOSS, "undo")[-1]

    def test_an_undo_ends_invitations_and_started_changes_and_lists_other_actions(self, env: Environment) -> None:
        before = superuser(env, CHIEF)
        for name in ("ann", "bob", "carol"):
            env.administrator(f"{name}@example.com")
        assert invite(before, "kept@example.com").status == 200
        thief, undo = self.take_over(env)
        assert invite(thief, "mallory@example.com", "superuser").status == 200
        assert act(thief, env, ANN, "start_change", "lost", email="eve2@example.com").status == 200
        assert act(thief, env, "carol@example.com", "disable", "because").status == 200
        assert env.visitor().post(undo).status == 200
        assert env.rows(select(Invitation.email)) == [("kept@example.com",)]
        ended = select(EmailChange.outcome).where(EmailChange.user_id == id_of(env, ANN))
        assert env.rows(ended) == [("withdrawn",)]
        assert newest_row(env, ANN).event == "change_withdrawn"
        notice = text_of(env.mail_to(BOSS)[-1])
        for text in ("mallory@example.com", "ann", "carol", "/cms/forgotpwd/"):
            assert text in notice
        assert "bob" not in re.sub(r"http\S+", "", notice)  # The token of a link may contain any letters.
        assert [row.event for row in history(env, id_of(env, BOSS))][-2:] == [
            "change_undone",
            "invitation_withdrawn",
        ]

    def test_an_undo_ends_everything_since_the_request_of_the_change(self, env: Environment) -> None:
        thief = superuser(env)
        assert invite(thief, "before@example.com").status == 200
        env.clock.advance(minutes=1)
        assert thief.ask(EVE).status == 200
        env.clock.advance(minutes=1)
        assert invite(thief, "between@example.com").status == 200
        assert thief.confirm(EVE, env.code_to(EVE)).status == 200
        undo = env.links_to(BOSS, "undo")[-1]
        assert env.visitor().post(undo).status == 200
        assert env.rows(select(Invitation.email)) == [("before@example.com",)]

    def test_an_undo_lists_administrators_who_registered_with_an_invitation(self, env: Environment) -> None:
        thief, undo = self.take_over(env)
        assert invite(thief, "mallory@example.com").status == 200
        link = env.links_to("mallory@example.com", "register")[-1]
        form = {
            "username": "mallory", "password": OTHER, "repetition": OTHER, "mobile": "13812345678",
            "staff_number": "7", "gender": "other", "city": "beijing", "interests": "news", "language": "en",
        }  # fmt: skip
        assert env.visitor().post(link, form).status == 200
        assert env.visitor().post(undo).status == 200
        assert "mallory" in text_of(env.mail_to(BOSS)[-1])


class TestMarks:
    """The mark that identifies a known browser at the next sign-in."""

    def count_tries(self, env: Environment, person: Person) -> int:
        """Return how many incorrect passwords are compared for this browser, up to eleven."""
        for number in range(11):
            if person.sign_in(password="guess").error == "too_many_requests":
                return number
        return 11

    def spend_tries_of_unknown_browsers(self, env: Environment) -> None:
        """Spend all tries of unknown browsers."""
        stranger = env.visitor(ANN, network="198.51.100.9")
        assert self.count_tries(env, stranger) == 10

    def test_a_change_of_the_password_invalidates_marks_of_other_browsers(self, env: Environment) -> None:
        marked, ann = env.person(), env.signed_in(ANN)
        marked.sign_out()
        fields = {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER}
        assert ann.post("/cms/resetpwd/", fields).status == 200
        self.spend_tries_of_unknown_browsers(env)
        assert marked.sign_in(password=OTHER).error == "too_many_requests"
        ann.sign_out()
        assert ann.sign_in(password=OTHER).status == 200  # This browser got a new mark.

    def test_an_undo_invalidates_marks(self, env: Environment) -> None:
        thief = env.person()
        assert thief.ask(NEW).status == 200
        assert thief.confirm(NEW, env.code_to(NEW)).status == 200
        thief.email = NEW
        owner = env.visitor(ANN)
        assert owner.post(env.links_to(ANN, "undo")[-1]).status == 200
        self.spend_tries_of_unknown_browsers(env)
        assert thief.sign_in(email=ANN).error == "too_many_requests"

    def test_all_known_browsers_share_ten_tries(self, env: Environment) -> None:
        people = [env.person(), *(env.signed_in(ANN) for _ in range(3))]
        self.spend_tries_of_unknown_browsers(env)
        for person in people:
            person.sign_out()
        assert sum(self.count_tries(env, person) for person in people) == 10
