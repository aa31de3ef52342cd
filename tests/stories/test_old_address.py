"""The current address is notified immediately and can stop a change; the old address can undo it for a week."""

import re

import pytest

from models import Audit, CMSUser, EmailChange, Link, Mail, db, email_key
from tests.actors import PASSWORD, Person, different_code, html_of, text_of
from tests.environments import Environment

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
NEW_PASSWORD = "a quite different phrase"


def change_address(env: Environment, person: Person, email: str) -> None:
    """Change the address of a person."""
    assert person.ask(email).status == 200
    assert person.confirm(email, env.code_to(email)).status == 200


def find_undo_link(env: Environment, address: str) -> str:
    """Return the newest undo link in the mails to an address."""
    return env.links_to(address, "undo")[-1]


def set_password(env: Environment, address: str, password: str = NEW_PASSWORD) -> None:
    """Set a new password with the newest link in the mails to an address."""
    link = env.links_to(address, "forgotpwd")[-1]
    assert env.visitor().post(link, {"password": password, "repetition": password}).status == 200


def list_events(env: Environment) -> list[str]:
    """Return the events of all histories, in order."""
    return [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]


class TestHeadsUp:
    """The heads-up to the current address when a change is requested."""

    def test_the_current_address_is_notified_of_a_requested_change(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        (heads_up,) = env.mail_to(OLD)
        for part in (text_of(heads_up), html_of(heads_up)):
            assert "n***@e***.com" in part
            assert NEW not in part
            assert "203.0.113.5" in part
            assert "Chrome 156" in part
        assert not re.search(r"[0-9]{6}", str(heads_up["Subject"]))
        assert heads_up["Auto-Submitted"] == "auto-generated"

    def test_a_setting_disables_the_heads_up(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(HEADS_UP="no"))
        change_address(env, ann, NEW)
        assert len(env.mail_to(OLD)) == 1
        assert find_undo_link(env, OLD)

    def test_every_requested_code_causes_a_heads_up(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.ask(OTHER).error == "too_many_requests"
        env.clock.advance(seconds=60)
        ann.ask(OTHER)
        assert ["n***@e***.com" in text_of(mail) for mail in env.mail_to(OLD)] == [True, False]
        assert "o***@e***.com" in text_of(env.mail_to(OLD)[-1])


class TestStop:
    """The stop link in the heads-up."""

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

    @BOTH_CLIENTS
    def test_the_stop_link_ends_the_change(self, env: Environment, script: bool) -> None:
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
        assert list_events(env)[-1] == "change_stopped"

    def test_stopping_a_change_ends_only_the_session_that_requested_it(self, env: Environment) -> None:
        thief, ann = env.person(), env.signed_in(OLD)
        thief.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        assert ann.post(link).status == 200
        assert thief.get_as_script().error == "sign_in_required"
        assert ann.address() == OLD
        assert ann.pending() is None

    @pytest.mark.parametrize("kind", ["replaced", "unknown"])
    def test_a_stop_link_without_a_change_is_invalid(self, env: Environment, kind: str) -> None:
        ann = env.person()
        ann.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        if kind == "replaced":
            env.clock.advance(seconds=60)
            ann.ask(OTHER)
        else:
            link = f"/cms/resetemail/stop/{'x' * 43}/"
        visitor = env.visitor()
        assert (visitor.page(link).status, visitor.post(link).error) == (410, "link_dead")
        assert ann.get_as_script().status == 200

    def test_only_a_hash_of_the_stop_token_is_stored(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        (link,) = env.links_to(OLD, "stop")
        token = link.split("/")[-2]
        assert len(token) >= 22  # 128 bits in base64.
        assert token not in str(env.rows(db.select(EmailChange.__table__)))
        assert token not in str(env.rows(db.select(Mail.__table__)))


class TestNotice:
    """The notice to the old address after a change."""

    def test_the_notice_contains_the_account_the_time_and_the_origin(self, env: Environment) -> None:
        ann = env.person()
        env.clock.advance(seconds=61)
        change_address(env, ann, NEW)
        notice = env.mail_to(OLD)[-1]
        for part in (text_of(notice), html_of(notice)):
            assert "ann" in part.replace(OLD, "")
            assert f"{env.clock.now():%Y-%m-%d %H:%M} UTC" in part
            assert "203.0.113.5" in part
            assert "Chrome 156, Linux" in part
            assert "n***@e***.com" in part
            assert NEW not in part

    def test_the_new_address_does_not_get_the_undo_link(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        assert len(env.links_to(OLD, "undo")) == 1
        assert env.links_to(NEW, "undo") == []
        assert len(env.mail_to(NEW)) == 1

    def test_only_a_hash_of_the_undo_token_is_stored(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        token = find_undo_link(env, OLD).split("/")[-2]
        assert len(token) >= 22
        for table in (Link, Mail, Audit, CMSUser):
            assert token not in str(env.rows(db.select(table.__table__)))


class TestUndo:
    """The undo link in the notice."""

    def test_opening_the_undo_link_changes_nothing(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        link, scanner = find_undo_link(env, OLD), env.visitor()
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            assert scanner.browser.send(method, link).status == 200
        page = scanner.page(link)
        assert OLD in page.text
        assert NEW not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert ann.address() == NEW

    @BOTH_CLIENTS
    def test_undo_restores_the_address_and_ends_every_session(self, env: Environment, script: bool) -> None:
        thief = env.person()
        change_address(env, thief, NEW)
        env.clock.advance(hours=1)
        second = env.signed_in(NEW)
        owner = env.visitor(script=script)
        answer = owner.post(find_undo_link(env, OLD))
        assert answer.status == 200
        assert env.account("ann").email == OLD
        for each in (thief, second):
            assert each.get_as_script().error == "sign_in_required"
        assert list_events(env)[-1] == "change_undone"

    def test_after_an_undo_the_old_password_is_invalid(self, env: Environment) -> None:
        thief = env.person()
        change_address(env, thief, NEW)
        env.visitor().post(find_undo_link(env, OLD))
        for address in (OLD, NEW):
            assert env.visitor(address).sign_in().error == "wrong_credentials"
        set_password(env, OLD)
        assert env.visitor(OLD).sign_in(password=PASSWORD).error == "wrong_credentials"
        assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200

    def test_after_an_undo_only_the_restored_address_gets_a_password_link(self, env: Environment) -> None:
        thief = env.person()
        change_address(env, thief, NEW)
        env.visitor().post(find_undo_link(env, OLD))
        assert len(env.links_to(OLD, "forgotpwd")) == 1
        assert env.links_to(NEW, "forgotpwd") == []
        notice = env.mail_to(NEW)[-1]
        assert OLD not in text_of(notice) + html_of(notice)

    def test_an_undo_invalidates_codes_stop_links_and_password_links(self, env: Environment) -> None:
        thief = env.person()
        change_address(env, thief, NEW)
        env.visitor().post("/cms/forgotpwd/", {"email": NEW})
        password_link = env.links_to(NEW, "forgotpwd")[-1]
        env.clock.advance(seconds=60)
        thief.ask(OTHER)
        code, stop = env.code_to(OTHER), env.links_to(NEW, "stop")[-1]
        env.visitor().post(find_undo_link(env, OLD))
        assert env.visitor().page(password_link).status == 410
        assert env.visitor().post(stop).error == "nothing_to_stop"
        assert thief.confirm(OTHER, code).error == "sign_in_required"
        assert env.rows(db.select(EmailChange.outcome)) == [("stopped",)]

    def test_after_an_undo_changes_are_frozen_for_three_days(self, env: Environment) -> None:
        thief = env.person()
        change_address(env, thief, NEW)
        env.visitor().post(find_undo_link(env, OLD))
        set_password(env, OLD)
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
        change_address(env, ann, OTHER)
        assert ann.address() == OTHER

    def test_a_setting_disables_the_freeze(self, env: Environment) -> None:
        app = env.build(FREEZE_SECONDS="0")
        thief = env.person(app=app)
        change_address(env, thief, NEW)
        env.visitor(app=app).post(find_undo_link(env, OLD))
        set_password(env, OLD)
        ann = env.visitor(OLD, app=app, password=NEW_PASSWORD)
        ann.sign_in()
        env.clock.advance(seconds=60)
        assert ann.ask(OTHER).status == 200

    def test_the_undo_link_is_valid_once(self, env: Environment) -> None:
        thief = env.person()
        change_address(env, thief, NEW)
        link = find_undo_link(env, OLD)
        assert env.visitor().post(link).status == 200
        again = env.visitor()
        assert (again.page(link).status, again.post(link).error) == (410, "link_dead")
        assert list_events(env).count("change_undone") == 1

    def test_the_undo_link_is_valid_for_seven_days(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        change_address(env, ann, NEW)
        change_address(env, bob, OTHER)
        env.deliver()
        link, late = find_undo_link(env, "bob@example.com"), env.visitor()
        env.clock.advance(days=7, seconds=-1)
        assert late.page(link).status == 200
        assert env.visitor().post(find_undo_link(env, OLD)).status == 200
        env.clock.advance(seconds=1)
        assert (late.page(link).status, late.post(link).error) == (410, "link_dead")
        assert env.account("bob").email == OTHER

    def test_unknown_undo_links_and_links_of_other_kinds_are_invalid(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        stop = env.links_to(OLD, "stop")[-1]
        for link in (stop.replace("/stop/", "/undo/"), "/cms/resetemail/undo/x/", f"/cms/resetemail/undo/{'é' * 50}/"):
            assert env.visitor().post(link.encode("ascii", "ignore").decode()).status in (404, 410)
        ann.confirm(NEW, env.code_to(NEW))
        token = find_undo_link(env, OLD).split("/")[-2]
        assert env.visitor().page(f"/cms/forgotpwd/{token}/").status == 410
        assert ann.address() == NEW

    def test_the_old_address_is_reserved_until_the_undo_link_expires(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        change_address(env, ann, NEW)
        assert bob.ask(OLD).status == 200
        assert bob.confirm(OLD, "123456").error == "code_wrong"
        assert not [mail for mail in env.mail_to(OLD) if re.match("[0-9]{6}", str(mail["Subject"]))]
        env.clock.advance(days=7)
        bob = env.signed_in("bob@example.com")
        change_address(env, bob, OLD)
        assert env.account("bob").email == OLD

    def test_the_owner_can_change_back_to_a_former_address(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        env.clock.advance(seconds=60)
        change_address(env, ann, OLD)
        assert ann.address() == OLD
        assert env.visitor().post(find_undo_link(env, OLD)).status == 200
        assert env.account("ann").email == OLD

    def test_an_old_address_that_belongs_to_another_account_is_not_restored(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        env.administrator("bob@example.com")
        env.update_account("bob@example.com", email=OLD, email_key=email_key(OLD))
        refused = env.visitor().post(find_undo_link(env, OLD))
        assert (refused.status, refused.error) == (409, "email_taken")
        assert env.account("ann").email == NEW
        assert ann.address() == NEW
        assert env.visitor(NEW).sign_in().status == 200

    def test_an_undo_ends_the_session_of_the_browser(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        assert ann.post(find_undo_link(env, OLD)).status == 200
        assert ann.get_as_script().error == "sign_in_required"

    def test_the_form_of_the_undo_link_cannot_be_submitted_from_another_site(self, env: Environment) -> None:
        ann = env.person()
        change_address(env, ann, NEW)
        refused = env.visitor().post_raw(find_undo_link(env, OLD), b"", headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.error == "forbidden"
        assert ann.address() == NEW


class TestChain:
    """After several changes the undo link of the oldest address takes precedence."""

    def change_twice(self, env: Environment) -> Person:
        """Change the address to NEW and then to OTHER."""
        thief = env.person()
        change_address(env, thief, NEW)
        env.clock.advance(seconds=60)
        change_address(env, thief, OTHER)
        return thief

    def test_the_oldest_undo_link_invalidates_later_ones(self, env: Environment) -> None:
        self.change_twice(env)
        later = find_undo_link(env, NEW)
        assert env.visitor().post(find_undo_link(env, OLD)).status == 200
        assert env.account("ann").email == OLD
        assert env.visitor().post(later).error == "link_dead"
        assert env.account("ann").email == OLD

    def test_a_later_undo_link_does_not_invalidate_the_oldest_one(self, env: Environment) -> None:
        """Otherwise a thief could change the address twice, undo the second change and keep the first one."""
        self.change_twice(env)
        assert env.visitor().post(find_undo_link(env, NEW)).status == 200
        assert env.account("ann").email == NEW
        assert env.visitor().post(find_undo_link(env, OLD)).status == 200
        assert env.account("ann").email == OLD
        set_password(env, OLD)
        assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200

    def test_the_oldest_undo_link_invalidates_a_password_set_after_a_later_one(self, env: Environment) -> None:
        self.change_twice(env)
        env.visitor().post(find_undo_link(env, NEW))
        set_password(env, NEW, "the password of a thief")
        thief = env.visitor(NEW, password="the password of a thief")
        assert thief.sign_in().status == 200
        assert thief.ask("third@example.com").error == "changes_frozen"
        env.visitor().post(find_undo_link(env, OLD))
        assert thief.get_as_script().error == "sign_in_required"
        assert thief.sign_in().error == "wrong_credentials"
        assert thief.sign_in(email=OLD).error == "wrong_credentials"

    def test_every_former_address_gets_an_undo_link(self, env: Environment) -> None:
        self.change_twice(env)
        for address in (OLD, NEW):
            assert len(env.links_to(address, "undo")) == 1
        assert len(env.rows(db.select(Link.id).where(Link.purpose == "undo", Link.ended_at.is_(None)))) == 2

    def test_codes_after_an_undo_do_not_affect_the_restored_address(self, env: Environment) -> None:
        thief = self.change_twice(env)
        env.clock.advance(seconds=60)
        thief.ask("third@example.com")
        code = env.code_to("third@example.com")
        env.visitor().post(find_undo_link(env, OLD))
        for typed in (code, different_code(code)):
            assert thief.confirm("third@example.com", typed).error == "sign_in_required"
        assert env.account("ann").email_key == email_key(OLD)
