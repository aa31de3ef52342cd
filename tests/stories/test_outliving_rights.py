"""What was started with a permission ends with it: started changes, invitations, marks of browsers."""

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
    """A change that a superuser started for a colleague."""

    def start(self, env: Environment, boss: Person) -> str:
        """Start it, and return the link of the mail that asks to confirm it, as only a reader of the outbox could."""
        assert act(boss, env, ANN, "start_change", "lost the mailbox", email=EVE).status == 200
        return queued_link(env, EVE)

    @pytest.mark.parametrize(("how", "more"), [("disable", {}), ("role", {"role": "editor"})])
    def test_it_ends_when_who_started_it_is_disabled_or_demoted(self, env: Environment, how: str, more: Any) -> None:
        chief, boss, ann = superuser(env, CHIEF), superuser(env), env.person()
        link = self.start(env, boss)
        assert act(chief, env, BOSS, how, **more).status == 200
        assert ann.pending() is None
        row = newest_row(env, ANN)
        assert (row.event, row.actor_id, row.detail["by"]) == ("change_withdrawn", None, "boss")
        assert "boss" in text_of(env.mail_to(ANN)[-1])
        env.clock.advance(hours=24)
        assert env.mail_to(EVE) == []
        assert env.visitor().post(link).error == "link_dead"
        assert env.account("ann").email == ANN

    def test_its_link_is_dead_while_who_started_it_may_not_manage_others(self, env: Environment) -> None:
        """Whatever took the right away, the link asks again: here nobody told the change."""
        boss = superuser(env)
        env.administrator(ANN)
        link = self.start(env, boss)
        env.clock.advance(hours=24)
        env.update_account(BOSS, is_superuser=False)
        assert env.visitor().post(link).error == "link_dead"
        assert env.account("ann").email == ANN
        env.update_account(BOSS, is_superuser=True)
        assert env.visitor().post(link).status == 200

    def test_it_is_booked_to_who_started_it(self, env: Environment) -> None:
        boss = superuser(env)
        env.administrator(ANN)
        link = self.start(env, boss)
        env.clock.advance(hours=24)
        assert env.visitor().post(link).status == 200
        row = newest_row(env, EVE)
        assert (row.event, row.actor_id, row.detail["by"]) == ("email_changed", id_of(env, BOSS), "boss")


class TestUndo:
    """A superuser's account is stolen, used, and taken back."""

    def stolen(self, env: Environment) -> tuple[Person, str]:
        """Have a thief change the address of a superuser; return the thief, and the link that undoes it."""
        thief = superuser(env)
        env.clock.advance(minutes=1)
        assert thief.ask(EVE).status == 200
        assert thief.confirm(EVE, env.code_to(EVE)).status == 200
        return thief, env.links_to(BOSS, "undo")[-1]

    def test_an_undo_withdraws_what_was_invited_and_started_and_names_the_rest(self, env: Environment) -> None:
        before = superuser(env, CHIEF)
        for name in ("ann", "bob", "carol"):
            env.administrator(f"{name}@example.com")
        assert invite(before, "kept@example.com").status == 200
        thief, undo = self.stolen(env)
        assert invite(thief, "mallory@example.com", "superuser").status == 200
        assert act(thief, env, ANN, "start_change", "lost", email="eve2@example.com").status == 200
        assert act(thief, env, "carol@example.com", "disable", "because").status == 200
        assert env.visitor().post(undo).status == 200
        assert env.rows(select(Invitation.email)) == [("kept@example.com",)]
        ended = select(EmailChange.outcome).where(EmailChange.user_id == id_of(env, ANN))
        assert env.rows(ended) == [("withdrawn",)]
        assert newest_row(env, ANN).event == "change_withdrawn"
        told = text_of(env.mail_to(BOSS)[-1])
        for named in ("mallory@example.com", "ann", "carol", "/cms/forgotpwd/"):
            assert named in told
        assert "bob" not in told
        assert [row.event for row in history(env, id_of(env, BOSS))][-2:] == [
            "change_undone",
            "invitation_withdrawn",
        ]

    def test_an_undo_reaches_back_to_the_moment_at_which_the_change_was_asked_for(self, env: Environment) -> None:
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

    def test_who_registered_on_a_thiefs_invitation_is_named(self, env: Environment) -> None:
        thief, undo = self.stolen(env)
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
    """The mark by which a browser is known at the next sign-in."""

    def tries(self, env: Environment, person: Person) -> int:
        """Return how many wrong passwords this browser may try; at most eleven are tried."""
        for number in range(11):
            if person.sign_in(password="guess").error == "too_many_requests":
                return number
        return 11

    def spent_by_strangers(self, env: Environment) -> None:
        """Have strangers use up their tries."""
        stranger = env.visitor(ANN, network="198.51.100.9")
        assert self.tries(env, stranger) == 10

    def test_a_mark_is_invalid_after_the_password_was_changed(self, env: Environment) -> None:
        marked, ann = env.person(), env.signed_in(ANN)
        marked.sign_out()
        fields = {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER}
        assert ann.post("/cms/resetpwd/", fields).status == 200
        self.spent_by_strangers(env)
        assert marked.sign_in(password=OTHER).error == "too_many_requests"
        ann.sign_out()
        assert ann.sign_in(password=OTHER).status == 200  # Who changed it is known.

    def test_a_mark_is_invalid_after_an_undo(self, env: Environment) -> None:
        thief = env.person()
        assert thief.ask(NEW).status == 200
        assert thief.confirm(NEW, env.code_to(NEW)).status == 200
        thief.email = NEW
        owner = env.visitor(ANN)
        assert owner.post(env.links_to(ANN, "undo")[-1]).status == 200
        self.spent_by_strangers(env)
        assert thief.sign_in(email=ANN).error == "too_many_requests"

    def test_all_marks_together_have_ten_tries(self, env: Environment) -> None:
        people = [env.person(), *(env.signed_in(ANN) for _ in range(3))]
        self.spent_by_strangers(env)
        for person in people:
            person.sign_out()
        assert sum(self.tries(env, person) for person in people) == 10
