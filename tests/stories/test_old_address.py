"""The current and the old address: notified immediately, able to stop a change, and to undo it for a week."""

import re

import pytest

from models import Audit, CMSUser, EmailChange, Link, Mail, db, email_key
from tests.actors import PASSWORD, Person, different_code, html_of, text_of
from tests.environments import Environment

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
STYLES = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
NEW_PASSWORD = "a quite different phrase"


def change(env: Environment, person: Person, email: str) -> None:
    """Change the address in the browser of the owner."""
    assert person.ask(email).status == 200
    assert person.confirm(email, env.code_to(email)).status == 200


def undo_link(env: Environment, address: str) -> str:
    """Read the newest undo link out of the mails that this address got."""
    return env.links_to(address, "undo")[-1]


def choose_password(env: Environment, address: str, password: str = NEW_PASSWORD) -> None:
    """Follow the newest link to a new password that this address got."""
    link = env.links_to(address, "forgotpwd")[-1]
    assert env.visitor().post(link, {"password": password, "repetition": password}).status == 200


def events(env: Environment) -> list[str]:
    """Return what the history tells, in its order."""
    return [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]


class TestHeadsUp:
    """At the moment of the request."""

    def test_the_present_address_is_told_as_soon_as_a_change_is_asked_for(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        (heads_up,) = env.mail_to(OLD)
        for words in (text_of(heads_up), html_of(heads_up)):
            assert "n***@e***.com" in words
            assert NEW not in words
            assert "203.0.113.5" in words
            assert "Chrome 156" in words
        assert not re.search(r"[0-9]{6}", str(heads_up["Subject"]))
        assert heads_up["Auto-Submitted"] == "auto-generated"

    def test_a_setting_turns_the_heads_up_off(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(HEADS_UP="no"))
        change(env, ann, NEW)
        assert len(env.mail_to(OLD)) == 1
        assert undo_link(env, OLD)

    def test_every_code_that_is_asked_for_is_told(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.ask(OTHER).error == "too_many_requests"
        env.clock.advance(seconds=60)
        ann.ask(OTHER)
        assert ["n***@e***.com" in text_of(mail) for mail in env.mail_to(OLD)] == [True, False]
        assert "o***@e***.com" in text_of(env.mail_to(OLD)[-1])


class TestStop:
    """The link of the heads-up."""

    def test_opening_the_link_changes_nothing(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        scanner = env.visitor()
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            assert scanner.browser.send(method, link).status == 200
        assert "n***@e***.com" in scanner.page(link).text
        assert NEW not in scanner.page(link).text
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    @STYLES
    def test_the_present_address_stops_a_change(self, env: Environment, script: bool) -> None:
        thief = env.person()
        thief.ask(NEW)
        code = env.code_to(NEW)
        (link,) = env.links_to(OLD, "stop")
        owner = env.visitor(script=script)
        assert owner.post(link).status == 200
        assert thief.get_as_script().error == "sign_in_required"
        assert thief.confirm(NEW, code).error == "sign_in_required"
        assert env.account("ann").email == OLD
        assert env.rows(db.select(EmailChange.outcome, EmailChange.session_id)) == [("stopped", None)]
        assert events(env)[-1] == "change_stopped"

    def test_stopping_ends_the_session_that_asked_and_no_other(self, env: Environment) -> None:
        thief, ann = env.person(), env.signed_in(OLD)
        thief.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        assert ann.post(link).status == 200
        assert thief.get_as_script().error == "sign_in_required"
        assert ann.address() == OLD
        assert ann.pending() is None

    @pytest.mark.parametrize("how", ["replaced", "made up"])
    def test_a_link_of_no_change_is_dead(self, env: Environment, how: str) -> None:
        ann = env.person()
        ann.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        if how == "replaced":
            env.clock.advance(seconds=60)
            ann.ask(OTHER)
        else:
            link = f"/cms/resetemail/stop/{'x' * 43}/"
        visitor = env.visitor()
        assert (visitor.page(link).status, visitor.post(link).error) == (410, "link_dead")
        assert ann.get_as_script().status == 200

    def test_the_link_is_kept_as_a_hash_only(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        token = link.split("/")[-2]
        assert len(token) >= 22  # 128 bits in base64.
        assert token not in str(env.rows(db.select(EmailChange.__table__)))
        assert token not in str(env.rows(db.select(Mail.__table__)))


class TestNotice:
    """At the commit."""

    def test_the_notice_tells_who_when_and_from_where(self, env: Environment) -> None:
        ann = env.person()
        env.clock.advance(seconds=61)
        change(env, ann, NEW)
        notice = env.mail_to(OLD)[-1]
        for words in (text_of(notice), html_of(notice)):
            assert "ann" in words.replace(OLD, "")
            assert f"{env.clock.now():%Y-%m-%d %H:%M} UTC" in words
            assert "203.0.113.5" in words
            assert "Chrome 156, Linux" in words
            assert "n***@e***.com" in words
            assert NEW not in words

    def test_the_new_address_does_not_get_the_undo_link(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        assert len(env.links_to(OLD, "undo")) == 1
        assert env.links_to(NEW, "undo") == []
        assert len(env.mail_to(NEW)) == 1

    def test_the_undo_link_is_long_and_kept_as_a_hash_only(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        token = undo_link(env, OLD).split("/")[-2]
        assert len(token) >= 22
        for table in (Link, Mail, Audit, CMSUser):
            assert token not in str(env.rows(db.select(table.__table__)))


class TestUndo:
    """The link of the notice."""

    def test_opening_the_link_only_explains(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        link, scanner = undo_link(env, OLD), env.visitor()
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            assert scanner.browser.send(method, link).status == 200
        page = scanner.page(link)
        assert OLD in page.text
        assert NEW not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert ann.address() == NEW

    @STYLES
    def test_undo_restores_the_address_and_ends_every_session(self, env: Environment, script: bool) -> None:
        thief = env.person()
        change(env, thief, NEW)
        env.clock.advance(hours=1)
        second = env.signed_in(NEW)
        owner = env.visitor(script=script)
        answer = owner.post(undo_link(env, OLD))
        assert answer.status == 200
        assert env.account("ann").email == OLD
        for each in (thief, second):
            assert each.get_as_script().error == "sign_in_required"
        assert events(env)[-1] == "change_undone"

    def test_after_an_undo_the_old_password_opens_nothing(self, env: Environment) -> None:
        thief = env.person()
        change(env, thief, NEW)
        env.visitor().post(undo_link(env, OLD))
        for address in (OLD, NEW):
            assert env.visitor(address).sign_in().error == "wrong_credentials"
        choose_password(env, OLD)
        assert env.visitor(OLD).sign_in(password=PASSWORD).error == "wrong_credentials"
        assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200

    def test_the_link_to_a_new_password_goes_to_the_restored_address_alone(self, env: Environment) -> None:
        thief = env.person()
        change(env, thief, NEW)
        env.visitor().post(undo_link(env, OLD))
        assert len(env.links_to(OLD, "forgotpwd")) == 1
        assert env.links_to(NEW, "forgotpwd") == []
        told = env.mail_to(NEW)[-1]
        assert OLD not in text_of(told) + html_of(told)

    def test_undo_kills_codes_stop_links_and_password_links(self, env: Environment) -> None:
        thief = env.person()
        change(env, thief, NEW)
        env.visitor().post("/cms/forgotpwd/", {"email": NEW})
        password_link = env.links_to(NEW, "forgotpwd")[-1]
        env.clock.advance(seconds=60)
        thief.ask(OTHER)
        code, stop = env.code_to(OTHER), env.links_to(NEW, "stop")[-1]
        env.visitor().post(undo_link(env, OLD))
        assert env.visitor().page(password_link).status == 410
        assert env.visitor().post(stop).error == "nothing_to_stop"
        assert thief.confirm(OTHER, code).error == "sign_in_required"
        assert env.rows(db.select(EmailChange.outcome)) == [("stopped",)]

    def test_after_an_undo_the_address_stays_as_it_is_for_three_days(self, env: Environment) -> None:
        thief = env.person()
        change(env, thief, NEW)
        env.visitor().post(undo_link(env, OLD))
        choose_password(env, OLD)
        env.clock.advance(hours=72, seconds=-1)
        ann = env.visitor(OLD, password=NEW_PASSWORD)
        ann.sign_in()
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error, refused.data["retry_after"]) == (403, "changes_frozen", 1)
        assert refused.headers["Retry-After"] == "1"
        frozen_until = env.account("ann").frozen_until
        assert frozen_until is not None
        assert frozen_until.isoformat(timespec="seconds") in ann.page().text
        assert ann.confirm(OTHER, "123456").error in ("changes_frozen", "code_expired")
        assert env.mail_to(OTHER) == []
        env.clock.advance(seconds=1)
        assert frozen_until.isoformat(timespec="seconds") not in ann.page().text
        change(env, ann, OTHER)
        assert ann.address() == OTHER

    def test_a_setting_turns_the_freeze_off(self, env: Environment) -> None:
        app = env.build(FREEZE_SECONDS="0")
        thief = env.person(app=app)
        change(env, thief, NEW)
        env.visitor(app=app).post(undo_link(env, OLD))
        choose_password(env, OLD)
        ann = env.visitor(OLD, app=app, password=NEW_PASSWORD)
        ann.sign_in()
        env.clock.advance(seconds=60)
        assert ann.ask(OTHER).status == 200

    def test_the_link_serves_once(self, env: Environment) -> None:
        thief = env.person()
        change(env, thief, NEW)
        link = undo_link(env, OLD)
        assert env.visitor().post(link).status == 200
        again = env.visitor()
        assert (again.page(link).status, again.post(link).error) == (410, "link_dead")
        assert events(env).count("change_undone") == 1

    def test_the_link_serves_for_seven_days(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        change(env, ann, NEW)
        change(env, bob, OTHER)
        env.deliver()
        link, late = undo_link(env, "bob@example.com"), env.visitor()
        env.clock.advance(days=7, seconds=-1)
        assert late.page(link).status == 200
        assert env.visitor().post(undo_link(env, OLD)).status == 200
        env.clock.advance(seconds=1)
        assert (late.page(link).status, late.post(link).error) == (410, "link_dead")
        assert env.account("bob").email == OTHER

    def test_a_made_up_link_and_a_link_of_another_kind_are_dead(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        stop = env.links_to(OLD, "stop")[-1]
        for link in (stop.replace("/stop/", "/undo/"), "/cms/resetemail/undo/x/", f"/cms/resetemail/undo/{'é' * 50}/"):
            assert env.visitor().post(link.encode("ascii", "ignore").decode()).status in (404, 410)
        ann.confirm(NEW, env.code_to(NEW))
        token = undo_link(env, OLD).split("/")[-2]
        assert env.visitor().page(f"/cms/forgotpwd/{token}/").status == 410
        assert ann.address() == NEW

    def test_until_the_link_is_over_nobody_else_gets_the_old_address(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        change(env, ann, NEW)
        assert bob.ask(OLD).status == 200
        assert bob.confirm(OLD, "123456").error == "code_wrong"
        assert not [mail for mail in env.mail_to(OLD) if re.match("[0-9]{6}", str(mail["Subject"]))]
        env.clock.advance(days=7)
        bob = env.signed_in("bob@example.com")
        change(env, bob, OLD)
        assert env.account("bob").email == OLD

    def test_who_gave_an_address_up_may_have_it_back_by_the_usual_way(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        env.clock.advance(seconds=60)
        change(env, ann, OLD)
        assert ann.address() == OLD
        assert env.visitor().post(undo_link(env, OLD)).status == 200
        assert env.account("ann").email == OLD

    def test_an_address_that_the_operator_gave_to_somebody_else_is_not_taken_from_them(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        env.administrator("bob@example.com")
        env.update_account("bob@example.com", email=OLD, email_key=email_key(OLD))
        refused = env.visitor().post(undo_link(env, OLD))
        assert (refused.status, refused.error) == (409, "email_taken")
        assert env.account("ann").email == NEW
        assert ann.address() == NEW
        assert env.visitor(NEW).sign_in().status == 200

    def test_who_follows_the_link_while_signed_in_is_signed_out_too(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        assert ann.post(undo_link(env, OLD)).status == 200
        assert ann.get_as_script().error == "sign_in_required"

    def test_a_foreign_site_cannot_send_the_form_of_the_link(self, env: Environment) -> None:
        ann = env.person()
        change(env, ann, NEW)
        refused = env.visitor().post_raw(undo_link(env, OLD), b"", headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.error == "forbidden"
        assert ann.address() == NEW


class TestChain:
    """Of several changes the link of the oldest address wins."""

    def changed_twice(self, env: Environment) -> Person:
        """Change the address to NEW and then to OTHER."""
        thief = env.person()
        change(env, thief, NEW)
        env.clock.advance(seconds=60)
        change(env, thief, OTHER)
        return thief

    def test_the_oldest_link_wins_and_voids_the_later_ones(self, env: Environment) -> None:
        self.changed_twice(env)
        later = undo_link(env, NEW)
        assert env.visitor().post(undo_link(env, OLD)).status == 200
        assert env.account("ann").email == OLD
        assert env.visitor().post(later).error == "link_dead"
        assert env.account("ann").email == OLD

    def test_a_later_link_leaves_the_oldest_one_alive(self, env: Environment) -> None:
        """Somebody who changed the address twice could otherwise undo the second and keep the first."""
        self.changed_twice(env)
        assert env.visitor().post(undo_link(env, NEW)).status == 200
        assert env.account("ann").email == NEW
        assert env.visitor().post(undo_link(env, OLD)).status == 200
        assert env.account("ann").email == OLD
        choose_password(env, OLD)
        assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200

    def test_a_new_password_of_the_thief_does_not_outlive_the_oldest_link(self, env: Environment) -> None:
        self.changed_twice(env)
        env.visitor().post(undo_link(env, NEW))
        choose_password(env, NEW, "the password of a thief")
        thief = env.visitor(NEW, password="the password of a thief")
        assert thief.sign_in().status == 200
        assert thief.ask("third@example.com").error == "changes_frozen"
        env.visitor().post(undo_link(env, OLD))
        assert thief.get_as_script().error == "sign_in_required"
        assert thief.sign_in().error == "wrong_credentials"
        assert thief.sign_in(email=OLD).error == "wrong_credentials"

    def test_every_address_of_the_chain_was_told(self, env: Environment) -> None:
        self.changed_twice(env)
        for address in (OLD, NEW):
            assert len(env.links_to(address, "undo")) == 1
        assert len(env.rows(db.select(Link.id).where(Link.purpose == "undo", Link.ended_at.is_(None)))) == 2

    def test_a_wrong_code_after_an_undo_does_not_affect_the_restored_address(self, env: Environment) -> None:
        thief = self.changed_twice(env)
        env.clock.advance(seconds=60)
        thief.ask("third@example.com")
        code = env.code_to("third@example.com")
        env.visitor().post(undo_link(env, OLD))
        for typed in (code, different_code(code)):
            assert thief.confirm("third@example.com", typed).error == "sign_in_required"
        assert env.account("ann").email_key == email_key(OLD)
