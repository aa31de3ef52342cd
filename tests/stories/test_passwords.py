"""A new password: with the old one, or with a link by mail where it is forgotten."""

import re

import pytest
from sqlalchemy import select

from models import CMSUser, Link
from tests.houses import House
from tests.people import PASSWORD, Answer, Person, text_of
from tests.stories.office import history, id_of

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
    person.turn_the_page()
    return answer


def forgotten(house: House, email: str = ANN) -> str:
    """Have a link mailed to the address, and return the newest one."""
    assert house.visitor().post(FORGOT, {"email": email}).status == 200
    return house.links_to(email, "forgotpwd")[-1]


class TestWithTheOldOne:
    """/cms/resetpwd/."""

    @pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
    def test_who_knows_the_old_one_sets_a_new_one(self, house: House, script: bool) -> None:
        ann = house.person(script=script)
        assert change(ann).status == 200
        assert house.visitor(ANN).sign_in().error == "wrong_credentials"
        assert house.visitor(ANN, password=FRESH).sign_in().status == 200

    def test_the_other_sessions_end_and_this_one_gets_a_new_cookie(self, house: House) -> None:
        ann, tablet, thief = house.person(), house.signed_in(ANN), house.visitor()
        bob = house.person("bob@example.com")
        thief.browser.cookies.update(ann.browser.cookies)
        assert change(ann).status == 200
        assert ann.address() == ANN
        for other in (tablet, thief):
            assert other.ask_as_script().error == "sign_in_required"
        assert bob.address() == "bob@example.com"

    def test_the_address_is_told_and_the_history_knows(self, small_house: House) -> None:
        ann = small_house.person(network="192.0.2.44")
        change(ann)
        (mail,) = small_house.mail_to(ANN)
        assert "192.0.2.44" in text_of(mail)
        assert FRESH not in text_of(mail)
        row = history(small_house, id_of(small_house, ANN))[-1]
        assert (row.event, row.actor_id) == ("password_set", id_of(small_house, ANN))

    def test_a_wrong_old_one_is_told_at_its_field_and_changes_nothing(self, small_house: House) -> None:
        ann = small_house.person()
        refused = change(ann, old="guess")
        assert (refused.status, refused.error, list(refused.data["fields"])) == (400, "password_wrong", ["oldpwd"])
        assert small_house.visitor(ANN).sign_in().status == 200
        assert small_house.mail_to(ANN) == []
        assert "password_wrong" in [row.event for row in history(small_house, id_of(small_house, ANN))]

    def test_without_scripts_a_wrong_old_one_is_told_at_its_field_and_nothing_typed_comes_back(
        self, small_house: House
    ) -> None:
        refused = change(small_house.person(script=False), old="guess")
        assert refused.status == 400
        assert re.search(r'data-errors-of="oldpwd"><p>', refused.text)
        assert FRESH not in refused.text

    def test_a_bad_choice_is_told_at_its_field_and_costs_no_try(self, small_house: House) -> None:
        ann = small_house.person()
        for field, old, new, again in BAD * 2:  # More of them than the tries that there are.
            refused = change(ann, old, new, again)
            assert (refused.status, refused.error, list(refused.data["fields"])) == (400, "invalid", [field])
        assert change(ann).status == 200

    def test_ten_guesses_and_no_more(self, house: House) -> None:
        ann = house.person()
        for _ in range(10):
            assert change(ann, old="guess").error == "password_wrong"
        refused = change(ann)
        assert (refused.status, refused.error) == (429, "too_many_requests")
        assert house.visitor(ANN).sign_in().status == 200  # Who sits at one browser does not lock out the others.

    def test_a_link_that_was_mailed_before_dies(self, small_house: House) -> None:
        ann = small_house.person()
        link = forgotten(small_house)
        change(ann)
        assert choose(small_house.visitor(), link, "yet another one").error == "link_dead"


class TestForgotten:
    """/cms/forgotpwd/."""

    @pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
    def test_a_link_comes_by_mail_and_sets_a_new_one(self, house: House, script: bool) -> None:
        house.administrator(ANN)
        ann = house.visitor(ANN, password=FRESH, script=script)
        asked = ann.post(FORGOT, {"email": " ANN@Example.com "})
        assert asked.status == 200
        link = house.links_to(ANN, "forgotpwd")[0]
        assert ANN in ann.page(link).text
        assert choose(ann, link).status == 200
        assert ann.sign_in().status == 200
        assert house.visitor(ANN).sign_in().error == "wrong_credentials"

    def test_the_answer_is_the_same_whoever_has_the_address(self, house: House) -> None:
        house.administrator(ANN)
        house.administrator("bob@example.com")
        house.change("bob@example.com", is_active=False)
        visitor = house.visitor()
        answers = [visitor.post(FORGOT, {"email": email}) for email in (ANN, "bob@example.com", "nobody@example.com")]
        assert len({(answer.status, answer.body) for answer in answers}) == 1
        assert [len(house.mail_to(email)) for email in (ANN, "bob@example.com", "nobody@example.com")] == [1, 0, 0]

    def test_it_can_be_asked_for_three_times_an_hour_whoever_has_the_address(self, small_house: House) -> None:
        small_house.administrator(ANN)
        for email in (ANN, "nobody@example.com"):
            visitor = small_house.visitor()
            assert [visitor.post(FORGOT, {"email": email}).status for _ in range(4)] == [200, 200, 200, 429]
        assert len(small_house.mail_to(ANN)) == 3

    def test_opening_the_link_changes_nothing(self, small_house: House) -> None:
        small_house.administrator(ANN)
        link = forgotten(small_house)
        for method in ("GET", "HEAD", "GET"):
            assert small_house.visitor().browser.send(method, link).status == 200
        assert small_house.visitor(ANN).sign_in().status == 200
        assert choose(small_house.visitor(), link).status == 200

    def test_a_link_serves_once_and_for_thirty_minutes(self, house: House) -> None:
        house.administrator(ANN)
        link = forgotten(house)
        house.clock.turn(minutes=30, seconds=-1)
        assert choose(house.visitor(), link).status == 200
        assert choose(house.visitor(), link, "yet another one").error == "link_dead"
        assert house.visitor().page(link).status == 410
        late = forgotten(house)
        house.clock.turn(minutes=30)
        assert choose(house.visitor(), late, "yet another one").error == "link_dead"
        assert house.visitor(ANN, password=FRESH).sign_in().status == 200

    def test_a_newer_link_kills_the_older_one(self, small_house: House) -> None:
        small_house.administrator(ANN)
        old, new = forgotten(small_house), forgotten(small_house)
        assert choose(small_house.visitor(), old).error == "link_dead"
        assert choose(small_house.visitor(), new).status == 200

    def test_a_link_dies_with_the_address_that_it_was_mailed_to(self, small_house: House) -> None:
        ann = small_house.person()
        link = forgotten(small_house)
        ann.ask("new@example.com")
        assert ann.confirm("new@example.com", small_house.code_to("new@example.com")).status == 200
        assert choose(small_house.visitor(), link).error == "link_dead"
        assert small_house.visitor("new@example.com").sign_in().status == 200

    def test_every_session_ends_and_the_address_is_told(self, small_house: House) -> None:
        ann = small_house.person()
        assert choose(small_house.visitor(), forgotten(small_house)).status == 200
        assert ann.ask_as_script().error == "sign_in_required"
        assert len(small_house.mail_to(ANN)) == 2  # The link, and the notice.
        assert [row.event for row in history(small_house, id_of(small_house, ANN))][-2:] == [
            "password_link_sent",
            "password_set",
        ]

    def test_a_bad_choice_leaves_the_link_alive(self, small_house: House) -> None:
        small_house.administrator(ANN)
        link = forgotten(small_house)
        visitor = small_house.visitor()
        for bad in ("short", "password", "ann@example.com"):
            assert list(choose(visitor, link, bad).data["fields"]) == ["password"]
        assert choose(visitor, link).status == 200

    def test_who_was_disabled_meanwhile_sets_nothing(self, small_house: House) -> None:
        small_house.administrator(ANN)
        link = forgotten(small_house)
        small_house.change(ANN, is_active=False)
        assert choose(small_house.visitor(), link).error == "link_dead"

    def test_a_link_cannot_be_guessed_and_stands_nowhere_in_clear(self, small_house: House) -> None:
        small_house.administrator(ANN)
        link = forgotten(small_house)
        token = link.split("/")[-2]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
        kept = small_house.rows(select(Link.token_hash))[0][0]
        for forged in (token[:-1], token.swapcase(), kept, "x"):
            assert choose(small_house.visitor(), f"{FORGOT}{forged}/").error == "link_dead"
        before = small_house.rows(select(CMSUser.password_hash))
        assert choose(small_house.visitor(), link).status == 200
        assert small_house.rows(select(CMSUser.password_hash)) != before
