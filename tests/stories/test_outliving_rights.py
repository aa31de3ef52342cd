"""What somebody began with a right ends with that right: started changes, invitations, marks of browsers."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from models import EmailChange, Invitation, Mail
from tests.houses import House
from tests.people import PASSWORD, Person, text_of
from tests.stories.office import BOSS, act, history, id_of, invite, newest, superuser

ANN, CHIEF, EVE, NEW = "ann@example.com", "chief@example.com", "eve@example.com", "new@example.com"
OTHER = "another password of mine"


class TestStartedChanges:
    """A change that a superuser started for a colleague."""

    def waiting_link(self, house: House) -> str:
        """Return the link of the mail that asks to confirm it, as nobody but a reader of the outbox could."""
        (found,) = house.rows(select(Mail.body).where(Mail.kind == "assisted_proof", Mail.state == "queued"))
        return str(re.findall(r"https?://[^/\s]+(/\S+/)", found[0])[0])

    @pytest.mark.parametrize(("how", "more"), [("disable", {}), ("role", {"role": "editor"})])
    def test_it_ends_when_who_started_it_is_disabled_or_demoted(self, house: House, how: str, more: Any) -> None:
        chief, boss, ann = superuser(house, CHIEF), superuser(house), house.person()
        assert act(boss, house, ANN, "start_change", "lost the mailbox", email=EVE).status == 200
        link = self.waiting_link(house)
        assert act(chief, house, BOSS, how, **more).status == 200
        assert ann.pending() is None
        row = newest(house, ANN)
        assert (row.event, row.actor_id, row.detail["by"]) == ("change_withdrawn", None, "boss")
        assert "boss" in text_of(house.mail_to(ANN)[-1])
        house.clock.turn(hours=24)
        assert house.mail_to(EVE) == []
        assert house.visitor().post(link).error == "link_dead"
        assert house.stored("ann").email == ANN

    def test_its_link_is_dead_while_who_started_it_may_not_manage_others(self, house: House) -> None:
        """Whatever took the right away, the link asks again: here nobody told the change."""
        boss = superuser(house)
        house.administrator(ANN)
        assert act(boss, house, ANN, "start_change", "lost the mailbox", email=EVE).status == 200
        link = self.waiting_link(house)
        house.clock.turn(hours=24)
        house.change(BOSS, is_superuser=False)
        assert house.visitor().post(link).error == "link_dead"
        assert house.stored("ann").email == ANN
        house.change(BOSS, is_superuser=True)
        assert house.visitor().post(link).status == 200

    def test_it_is_booked_to_who_started_it(self, house: House) -> None:
        boss = superuser(house)
        house.administrator(ANN)
        assert act(boss, house, ANN, "start_change", "lost the mailbox", email=EVE).status == 200
        link = self.waiting_link(house)
        house.clock.turn(hours=24)
        assert house.visitor().post(link).status == 200
        row = newest(house, EVE)
        assert (row.event, row.actor_id, row.detail["by"]) == ("email_changed", id_of(house, BOSS), "boss")


class TestUndo:
    """A superuser's account is stolen, used, and taken back."""

    def stolen(self, house: House) -> tuple[Person, str]:
        """Have a thief change the address of a superuser; return the thief, and the link that undoes it."""
        thief = superuser(house)
        house.clock.turn(minutes=1)
        assert thief.ask(EVE).status == 200
        assert thief.confirm(EVE, house.code_to(EVE)).status == 200
        return thief, house.links_to(BOSS, "undo")[-1]

    def test_an_undo_withdraws_what_was_invited_and_started_and_names_the_rest(self, house: House) -> None:
        before = superuser(house, CHIEF)
        for name in ("ann", "bob", "carol"):
            house.administrator(f"{name}@example.com")
        assert invite(before, "kept@example.com").status == 200
        thief, undo = self.stolen(house)
        assert invite(thief, "mallory@example.com", "superuser").status == 200
        assert act(thief, house, ANN, "start_change", "lost", email="eve2@example.com").status == 200
        assert act(thief, house, "carol@example.com", "disable", "because").status == 200
        assert house.visitor().post(undo).status == 200
        assert house.rows(select(Invitation.email)) == [("kept@example.com",)]
        ended = select(EmailChange.outcome).where(EmailChange.user_id == id_of(house, ANN))
        assert house.rows(ended) == [("withdrawn",)]
        assert newest(house, ANN).event == "change_withdrawn"
        told = text_of(house.mail_to(BOSS)[-1])
        for named in ("mallory@example.com", "ann", "carol", "/cms/forgotpwd/"):
            assert named in told
        assert "bob" not in told
        assert [row.event for row in history(house, id_of(house, BOSS))][-2:] == [
            "change_undone",
            "invitation_withdrawn",
        ]

    def test_an_undo_reaches_back_to_the_moment_at_which_the_change_was_asked_for(self, house: House) -> None:
        thief = superuser(house)
        assert invite(thief, "before@example.com").status == 200
        house.clock.turn(minutes=1)
        assert thief.ask(EVE).status == 200
        house.clock.turn(minutes=1)
        assert invite(thief, "between@example.com").status == 200
        assert thief.confirm(EVE, house.code_to(EVE)).status == 200
        undo = house.links_to(BOSS, "undo")[-1]
        assert house.visitor().post(undo).status == 200
        assert house.rows(select(Invitation.email)) == [("before@example.com",)]

    def test_who_registered_on_a_thiefs_invitation_is_named(self, house: House) -> None:
        thief, undo = self.stolen(house)
        assert invite(thief, "mallory@example.com").status == 200
        link = house.links_to("mallory@example.com", "register")[-1]
        form = {
            "username": "mallory", "password": OTHER, "repetition": OTHER, "mobile": "13812345678",
            "staff_number": "7", "gender": "other", "city": "beijing", "interests": "news", "language": "en",
        }  # fmt: skip
        assert house.visitor().post(link, form).status == 200
        assert house.visitor().post(undo).status == 200
        assert "mallory" in text_of(house.mail_to(BOSS)[-1])


class TestMarks:
    """The mark by which a browser is known at the next sign-in."""

    def tries(self, house: House, person: Person) -> int:
        """Return how many wrong passwords this browser may try; at most eleven are tried."""
        for number in range(11):
            if person.sign_in(password="guess").error == "too_many_requests":
                return number
        return 11

    def spent_by_strangers(self, house: House) -> None:
        """Have strangers use up their tries."""
        stranger = house.visitor(ANN, network="198.51.100.9")
        assert self.tries(house, stranger) == 10

    def test_a_mark_is_worth_nothing_after_the_password_was_changed(self, house: House) -> None:
        marked, ann = house.person(), house.signed_in(ANN)
        marked.sign_out()
        fields = {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER}
        assert ann.post("/cms/resetpwd/", fields).status == 200
        self.spent_by_strangers(house)
        assert marked.sign_in(password=OTHER).error == "too_many_requests"
        ann.sign_out()
        assert ann.sign_in(password=OTHER).status == 200  # Who changed it is known.

    def test_a_mark_is_worth_nothing_after_an_undo(self, house: House) -> None:
        thief = house.person()
        assert thief.ask(NEW).status == 200
        assert thief.confirm(NEW, house.code_to(NEW)).status == 200
        thief.email = NEW
        owner = house.visitor(ANN)
        assert owner.post(house.links_to(ANN, "undo")[-1]).status == 200
        self.spent_by_strangers(house)
        assert thief.sign_in(email=ANN).error == "too_many_requests"

    def test_all_marks_together_have_ten_tries(self, house: House) -> None:
        people = [house.person(), *(house.signed_in(ANN) for _ in range(3))]
        self.spent_by_strangers(house)
        for person in people:
            person.sign_out()
        assert sum(self.tries(house, person) for person in people) == 10
