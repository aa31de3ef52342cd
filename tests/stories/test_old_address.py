"""The present address and the old one: told at once, able to stop a change, and able to undo one for a week."""

import re

import pytest

from models import Audit, CMSUser, EmailChange, Link, Mail, db, email_key
from tests.houses import House
from tests.people import PASSWORD, Person, html_of, other_than, text_of

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
STYLES = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
NEW_PASSWORD = "a quite different phrase"


def change(house: House, person: Person, email: str) -> None:
    """Change the address, as its owner or as whoever sits at the owner's browser."""
    assert person.ask(email).status == 200
    assert person.confirm(email, house.code_to(email)).status == 200


def undo_link(house: House, address: str) -> str:
    """Read the newest undo link out of the mails that this address got."""
    return house.links_to(address, "undo")[-1]


def choose_password(house: House, address: str, password: str = NEW_PASSWORD) -> None:
    """Follow the newest link to a new password that this address got."""
    link = house.links_to(address, "forgotpwd")[-1]
    assert house.visitor().post(link, {"password": password, "repetition": password}).status == 200


def events(house: House) -> list[str]:
    """Return what the history tells, in its order."""
    return [row.event for row in house.rows(db.select(Audit.event).order_by(Audit.id))]


class TestHeadsUp:
    """At the moment of the request."""

    def test_the_present_address_is_told_as_soon_as_a_change_is_asked_for(self, house: House) -> None:
        ann = house.person()
        ann.ask(NEW)
        (heads_up,) = house.mail_to(OLD)
        for words in (text_of(heads_up), html_of(heads_up)):
            assert "n***@e***.com" in words
            assert NEW not in words
            assert "203.0.113.5" in words
            assert "Chrome 156" in words
        assert not re.search(r"[0-9]{6}", str(heads_up["Subject"]))
        assert heads_up["Auto-Submitted"] == "auto-generated"

    def test_a_setting_turns_the_heads_up_off(self, house: House) -> None:
        ann = house.person(app=house.build(HEADS_UP="no"))
        change(house, ann, NEW)
        assert len(house.mail_to(OLD)) == 1
        assert undo_link(house, OLD)

    def test_every_code_that_is_asked_for_is_told(self, house: House) -> None:
        ann = house.person()
        ann.ask(NEW)
        assert ann.ask(OTHER).error == "too_many_requests"
        house.clock.turn(seconds=60)
        ann.ask(OTHER)
        assert ["n***@e***.com" in text_of(mail) for mail in house.mail_to(OLD)] == [True, False]
        assert "o***@e***.com" in text_of(house.mail_to(OLD)[-1])


class TestStop:
    """The link of the heads-up."""

    def test_opening_the_link_changes_nothing(self, house: House) -> None:
        ann = house.person()
        ann.ask(NEW)
        (link,) = house.links_to(OLD, "stop")
        scanner = house.visitor()
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            assert scanner.browser.send(method, link).status == 200
        assert "n***@e***.com" in scanner.page(link).text
        assert NEW not in scanner.page(link).text
        assert ann.confirm(NEW, house.code_to(NEW)).status == 200

    @STYLES
    def test_the_present_address_stops_a_change(self, house: House, script: bool) -> None:
        thief = house.person()
        thief.ask(NEW)
        code = house.code_to(NEW)
        (link,) = house.links_to(OLD, "stop")
        owner = house.visitor(script=script)
        assert owner.post(link).status == 200
        assert thief.ask_as_script().error == "sign_in_required"
        assert thief.confirm(NEW, code).error == "sign_in_required"
        assert house.stored("ann").email == OLD
        assert house.rows(db.select(EmailChange.outcome, EmailChange.session_id)) == [("stopped", None)]
        assert events(house)[-1] == "change_stopped"

    def test_stopping_ends_the_session_that_asked_and_no_other(self, house: House) -> None:
        thief, ann = house.person(), house.signed_in(OLD)
        thief.ask(NEW)
        (link,) = house.links_to(OLD, "stop")
        assert ann.post(link).status == 200
        assert thief.ask_as_script().error == "sign_in_required"
        assert ann.address() == OLD
        assert ann.pending() is None

    @pytest.mark.parametrize("how", ["replaced", "made up"])
    def test_a_link_of_no_change_is_dead(self, house: House, how: str) -> None:
        ann = house.person()
        ann.ask(NEW)
        (link,) = house.links_to(OLD, "stop")
        if how == "replaced":
            house.clock.turn(seconds=60)
            ann.ask(OTHER)
        else:
            link = f"/cms/resetemail/stop/{'x' * 43}/"
        visitor = house.visitor()
        assert (visitor.page(link).status, visitor.post(link).error) == (410, "link_dead")
        assert ann.ask_as_script().status == 200

    def test_the_link_is_kept_as_a_hash_only(self, house: House) -> None:
        ann = house.person()
        ann.ask(NEW)
        (link,) = house.links_to(OLD, "stop")
        token = link.split("/")[-2]
        assert len(token) >= 22  # 128 bits in base64.
        assert token not in str(house.rows(db.select(EmailChange.__table__)))
        assert token not in str(house.rows(db.select(Mail.__table__)))


class TestNotice:
    """At the commit."""

    def test_the_notice_tells_who_when_and_from_where(self, house: House) -> None:
        ann = house.person()
        house.clock.turn(seconds=61)
        change(house, ann, NEW)
        notice = house.mail_to(OLD)[-1]
        for words in (text_of(notice), html_of(notice)):
            assert "ann" in words.replace(OLD, "")
            assert f"{house.clock.now():%Y-%m-%d %H:%M} UTC" in words
            assert "203.0.113.5" in words
            assert "Chrome 156, Linux" in words
            assert "n***@e***.com" in words
            assert NEW not in words

    def test_the_new_address_does_not_get_the_undo_link(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        assert len(house.links_to(OLD, "undo")) == 1
        assert house.links_to(NEW, "undo") == []
        assert len(house.mail_to(NEW)) == 1

    def test_the_undo_link_is_long_and_kept_as_a_hash_only(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        token = undo_link(house, OLD).split("/")[-2]
        assert len(token) >= 22
        for table in (Link, Mail, Audit, CMSUser):
            assert token not in str(house.rows(db.select(table.__table__)))


class TestUndo:
    """The link of the notice."""

    def test_opening_the_link_only_explains(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        link, scanner = undo_link(house, OLD), house.visitor()
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            assert scanner.browser.send(method, link).status == 200
        page = scanner.page(link)
        assert OLD in page.text
        assert NEW not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert ann.address() == NEW

    @STYLES
    def test_undo_restores_the_address_and_ends_every_session(self, house: House, script: bool) -> None:
        thief = house.person()
        change(house, thief, NEW)
        house.clock.turn(hours=1)
        second = house.signed_in(NEW)
        owner = house.visitor(script=script)
        answer = owner.post(undo_link(house, OLD))
        assert answer.status == 200
        assert house.stored("ann").email == OLD
        for each in (thief, second):
            assert each.ask_as_script().error == "sign_in_required"
        assert events(house)[-1] == "change_undone"

    def test_after_an_undo_the_old_password_opens_nothing(self, house: House) -> None:
        thief = house.person()
        change(house, thief, NEW)
        house.visitor().post(undo_link(house, OLD))
        for address in (OLD, NEW):
            assert house.visitor(address).sign_in().error == "wrong_credentials"
        choose_password(house, OLD)
        assert house.visitor(OLD).sign_in(password=PASSWORD).error == "wrong_credentials"
        assert house.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200

    def test_the_link_to_a_new_password_goes_to_the_restored_address_alone(self, house: House) -> None:
        thief = house.person()
        change(house, thief, NEW)
        house.visitor().post(undo_link(house, OLD))
        assert len(house.links_to(OLD, "forgotpwd")) == 1
        assert house.links_to(NEW, "forgotpwd") == []
        told = house.mail_to(NEW)[-1]
        assert OLD not in text_of(told) + html_of(told)

    def test_undo_kills_codes_stop_links_and_password_links(self, house: House) -> None:
        thief = house.person()
        change(house, thief, NEW)
        house.visitor().post("/cms/forgotpwd/", {"email": NEW})
        password_link = house.links_to(NEW, "forgotpwd")[-1]
        house.clock.turn(seconds=60)
        thief.ask(OTHER)
        code, stop = house.code_to(OTHER), house.links_to(NEW, "stop")[-1]
        house.visitor().post(undo_link(house, OLD))
        assert house.visitor().page(password_link).status == 410
        assert house.visitor().post(stop).error == "nothing_to_stop"
        assert thief.confirm(OTHER, code).error == "sign_in_required"
        assert house.rows(db.select(EmailChange.outcome)) == [("stopped",)]

    def test_after_an_undo_the_address_stays_as_it_is_for_three_days(self, house: House) -> None:
        thief = house.person()
        change(house, thief, NEW)
        house.visitor().post(undo_link(house, OLD))
        choose_password(house, OLD)
        house.clock.turn(hours=72, seconds=-1)
        ann = house.visitor(OLD, password=NEW_PASSWORD)
        ann.sign_in()
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error, refused.data["retry_after"]) == (403, "changes_frozen", 1)
        assert refused.headers["Retry-After"] == "1"
        frozen_until = house.stored("ann").frozen_until
        assert frozen_until is not None
        assert frozen_until.isoformat(timespec="seconds") in ann.page().text
        assert ann.confirm(OTHER, "123456").error in ("changes_frozen", "code_expired")
        assert house.mail_to(OTHER) == []
        house.clock.turn(seconds=1)
        assert frozen_until.isoformat(timespec="seconds") not in ann.page().text
        change(house, ann, OTHER)
        assert ann.address() == OTHER

    def test_a_setting_turns_the_freeze_off(self, house: House) -> None:
        app = house.build(FREEZE_SECONDS="0")
        thief = house.person(app=app)
        change(house, thief, NEW)
        house.visitor(app=app).post(undo_link(house, OLD))
        choose_password(house, OLD)
        ann = house.visitor(OLD, app=app, password=NEW_PASSWORD)
        ann.sign_in()
        house.clock.turn(seconds=60)
        assert ann.ask(OTHER).status == 200

    def test_the_link_serves_once(self, house: House) -> None:
        thief = house.person()
        change(house, thief, NEW)
        link = undo_link(house, OLD)
        assert house.visitor().post(link).status == 200
        again = house.visitor()
        assert (again.page(link).status, again.post(link).error) == (410, "link_dead")
        assert events(house).count("change_undone") == 1

    def test_the_link_serves_for_seven_days(self, house: House) -> None:
        ann, bob = house.person(), house.person("bob@example.com")
        change(house, ann, NEW)
        change(house, bob, OTHER)
        house.deliver()
        link, late = undo_link(house, "bob@example.com"), house.visitor()
        house.clock.turn(days=7, seconds=-1)
        assert late.page(link).status == 200
        assert house.visitor().post(undo_link(house, OLD)).status == 200
        house.clock.turn(seconds=1)
        assert (late.page(link).status, late.post(link).error) == (410, "link_dead")
        assert house.stored("bob").email == OTHER

    def test_a_made_up_link_and_a_link_of_another_kind_are_dead(self, house: House) -> None:
        ann = house.person()
        ann.ask(NEW)
        stop = house.links_to(OLD, "stop")[-1]
        for link in (stop.replace("/stop/", "/undo/"), "/cms/resetemail/undo/x/", f"/cms/resetemail/undo/{'é' * 50}/"):
            assert house.visitor().post(link.encode("ascii", "ignore").decode()).status in (404, 410)
        ann.confirm(NEW, house.code_to(NEW))
        token = undo_link(house, OLD).split("/")[-2]
        assert house.visitor().page(f"/cms/forgotpwd/{token}/").status == 410
        assert ann.address() == NEW

    def test_until_the_link_is_over_nobody_else_gets_the_old_address(self, house: House) -> None:
        ann, bob = house.person(), house.person("bob@example.com")
        change(house, ann, NEW)
        assert bob.ask(OLD).status == 200
        assert bob.confirm(OLD, "123456").error == "code_wrong"
        assert not [mail for mail in house.mail_to(OLD) if re.match("[0-9]{6}", str(mail["Subject"]))]
        house.clock.turn(days=7)
        bob = house.signed_in("bob@example.com")
        change(house, bob, OLD)
        assert house.stored("bob").email == OLD

    def test_who_gave_an_address_up_may_have_it_back_by_the_usual_way(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        house.clock.turn(seconds=60)
        change(house, ann, OLD)
        assert ann.address() == OLD
        assert house.visitor().post(undo_link(house, OLD)).status == 200
        assert house.stored("ann").email == OLD

    def test_an_address_that_the_operator_gave_to_somebody_else_is_not_taken_from_them(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        house.administrator("bob@example.com")
        house.change("bob@example.com", email=OLD, email_key=email_key(OLD))
        refused = house.visitor().post(undo_link(house, OLD))
        assert (refused.status, refused.error) == (409, "email_taken")
        assert house.stored("ann").email == NEW
        assert ann.address() == NEW
        assert house.visitor(NEW).sign_in().status == 200

    def test_who_follows_the_link_while_signed_in_is_signed_out_too(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        assert ann.post(undo_link(house, OLD)).status == 200
        assert ann.ask_as_script().error == "sign_in_required"

    def test_a_foreign_site_cannot_send_the_form_of_the_link(self, house: House) -> None:
        ann = house.person()
        change(house, ann, NEW)
        refused = house.visitor().post_raw(undo_link(house, OLD), b"", headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.error == "forbidden"
        assert ann.address() == NEW


class TestChain:
    """Of several changes the link of the oldest address wins."""

    def changed_twice(self, house: House) -> Person:
        """Change the address to NEW and then to OTHER."""
        thief = house.person()
        change(house, thief, NEW)
        house.clock.turn(seconds=60)
        change(house, thief, OTHER)
        return thief

    def test_the_oldest_link_wins_and_voids_the_later_ones(self, house: House) -> None:
        self.changed_twice(house)
        later = undo_link(house, NEW)
        assert house.visitor().post(undo_link(house, OLD)).status == 200
        assert house.stored("ann").email == OLD
        assert house.visitor().post(later).error == "link_dead"
        assert house.stored("ann").email == OLD

    def test_a_later_link_leaves_the_oldest_one_alive(self, house: House) -> None:
        """Somebody who changed the address twice could otherwise undo the second and keep the first."""
        self.changed_twice(house)
        assert house.visitor().post(undo_link(house, NEW)).status == 200
        assert house.stored("ann").email == NEW
        assert house.visitor().post(undo_link(house, OLD)).status == 200
        assert house.stored("ann").email == OLD
        choose_password(house, OLD)
        assert house.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200

    def test_a_new_password_of_the_thief_does_not_outlive_the_oldest_link(self, house: House) -> None:
        self.changed_twice(house)
        house.visitor().post(undo_link(house, NEW))
        choose_password(house, NEW, "the password of a thief")
        thief = house.visitor(NEW, password="the password of a thief")
        assert thief.sign_in().status == 200
        assert thief.ask("third@example.com").error == "changes_frozen"
        house.visitor().post(undo_link(house, OLD))
        assert thief.ask_as_script().error == "sign_in_required"
        assert thief.sign_in().error == "wrong_credentials"
        assert thief.sign_in(email=OLD).error == "wrong_credentials"

    def test_every_address_of_the_chain_was_told(self, house: House) -> None:
        self.changed_twice(house)
        for address in (OLD, NEW):
            assert len(house.links_to(address, "undo")) == 1
        assert len(house.rows(db.select(Link.id).where(Link.purpose == "undo", Link.ended_at.is_(None)))) == 2

    def test_a_wrong_code_after_an_undo_does_not_shake_the_restored_address(self, house: House) -> None:
        thief = self.changed_twice(house)
        house.clock.turn(seconds=60)
        thief.ask("third@example.com")
        code = house.code_to("third@example.com")
        house.visitor().post(undo_link(house, OLD))
        for typed in (code, other_than(code)):
            assert thief.confirm("third@example.com", typed).error == "sign_in_required"
        assert house.stored("ann").email_key == email_key(OLD)
