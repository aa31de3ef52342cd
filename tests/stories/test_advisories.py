"""Known vulnerabilities and defects of similar products do not exist here.

The first part tests published advisories, the second one defects found in the source of these products (FS
Flask-Security, AA django-allauth, WH Warehouse, WP WordPress, DV Devise, GT Gitea, KC Keycloak, IN Indico, DF Dify, DC
Discourse).
"""

import base64
import re
import zlib

import pytest
from flask import Flask

from models import Audit, Budget, CMSUser, EmailChange, Link, db
from tests.actors import Person, code_in, different_code, html_of, text_of
from tests.environments import Environment
from tests.servers import run_concurrently

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
VICTIM = "victim@example.com"


def open_tabs(env: Environment, person: Person, count: int, *, app: Flask | None = None) -> list[Person]:
    """Return several tabs of one browser, with the same cookies and token."""
    token, tabs = person.token(), []
    for _ in range(count):
        tab = env.visitor(person.email, app=app)
        tab.browser.cookies.update(person.browser.cookies)
        tab._token = token
        tabs.append(tab)
    return tabs


def list_events(env: Environment) -> list[str]:
    """Return the events of all histories, in order."""
    return [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]


class TestAdvisories:
    """Published advisories."""

    def test_devise_cve_2026_32700_concurrent_requests_confirm_no_unverified_address(self, env: Environment) -> None:
        """In Devise, a race of two requests confirmed the address of one with the token mailed for the other."""
        app = env.app_with(CAPTCHA_RESEND_SECONDS="0", CAPTCHA_SENDS_PER_HOUR="0")
        thief = env.person(app=app)
        tabs = open_tabs(env, thief, 2, app=app)
        answers = run_concurrently(lambda number: tabs[number].ask((NEW, VICTIM)[number]), 2)
        assert {answer.error for answer in answers} == {None}
        codes = [code_in(mail) for mail in env.mail_to(NEW)]
        for code in codes:
            assert thief.confirm(VICTIM, code).error in ("code_wrong", "code_expired")
        if codes and thief.confirm(NEW, codes[-1]).status == 200:
            assert env.account("ann").email == NEW
        else:  # The request for the other address came last, and the thief cannot read its code.
            assert env.account("ann").email == OLD

    def test_devise_cve_2026_32700_a_confirmation_concurrent_with_a_request_confirms_only_its_own_address(
        self, env: Environment
    ) -> None:
        app = env.app_with(CAPTCHA_RESEND_SECONDS="0")
        thief = env.person(app=app)
        thief.ask(NEW)
        code = env.code_to(NEW)
        first, second = open_tabs(env, thief, 2, app=app)
        requests = [lambda: first.confirm(NEW, code), lambda: second.ask(VICTIM)]
        run_concurrently(lambda number: requests[number](), 2)
        assert env.account("ann").email in (OLD, NEW)
        assert list_events(env).count("email_changed") == (env.account("ann").email == NEW)

    def test_dify_ghsa_4q3w_q5mc_45rq_tokens_of_earlier_steps_do_not_complete_a_change(self, env: Environment) -> None:
        """In Dify, the token of an earlier step completed the change, so that the new address was never verified."""
        thief = env.person(app=env.app_with(EMAIL_POLICY="both"))
        thief.ask(VICTIM)
        old_code = env.code_to(OLD)
        assert thief.confirm(VICTIM, "", old_captcha=old_code).error == "code_missing"
        for fields in ({"captcha": old_code}, {"captcha": "", "old_captcha": old_code}):
            assert thief.confirm(VICTIM, fields.pop("captcha"), **fields).status == 400
        stop = env.links_to(OLD, "stop")[-1].split("/")[-2]
        for token in (stop, thief.browser.cookies["session"]):
            assert thief.confirm(VICTIM, token).error in ("invalid", "code_wrong")
        assert env.account("ann").email == OLD

    def test_dify_ghsa_4q3w_q5mc_45rq_a_code_verifies_only_the_address_to_which_it_was_sent(
        self, env: Environment
    ) -> None:
        thief = env.person()
        thief.ask(NEW)
        code = env.code_to(NEW)
        assert thief.confirm(VICTIM, code).error == "code_wrong"
        assert thief.post("/cms/resetemail/", [("email", NEW), ("email", VICTIM), ("captcha", code)]).error == "invalid"
        assert env.account("ann").email == OLD
        assert thief.confirm(NEW, code).status == 200

    def test_discourse_cve_2025_69289_no_request_changes_the_address_of_another_account(self, env: Environment) -> None:
        """In Discourse, a moderator could take over accounts by changing their addresses."""
        env.administrator(VICTIM)
        env.administrator("boss@example.com", superuser=True)
        victim = env.account("victim")
        boss = env.signed_in("boss@example.com")
        target = {"user_id": str(victim.id), "user": "victim", "id": str(victim.id), "username": "victim"}
        assert boss.ask(NEW, **target).status == 200
        assert boss.confirm(NEW, env.code_to(NEW), **target).status == 200
        assert env.account("boss").email == NEW
        after = env.account("victim")
        assert (after.email, after.email_version) == (VICTIM, victim.email_version)
        assert env.mail_to(VICTIM) == []

    def test_allauth_65_12_1_a_disabled_administrator_cannot_complete_a_change(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.update_account(OLD, is_active=False)
        assert ann.confirm(NEW, code).error == "sign_in_required"
        assert ann.ask(OTHER).error == "sign_in_required"
        assert ann.reauth().error == "sign_in_required"
        assert env.visitor(OLD).sign_in().error == "wrong_credentials"
        assert env.account("ann").email == OLD

    @pytest.mark.parametrize("forwarded", ["1.2.3.{0}", "1.2.3.{0}, 5.6.7.8", "2001:db8:{0}::1", "unknown{0}", "{0}"])
    def test_allauth_65_14_2_a_forged_x_forwarded_for_evades_no_limit(self, env: Environment, forwarded: str) -> None:
        """In allauth, a client with a different X-Forwarded-For in every request evaded the rate limits."""
        env.administrator(OLD)
        app = env.build(SIGN_IN_TRIES_PER_NETWORK="5", SIGN_IN_TRIES_PER_ACCOUNT="0")
        thief = env.visitor(OLD, app=app)
        answers = []
        for number in range(7):
            thief.browser.headers["X-Forwarded-For"] = forwarded.format(number)
            thief.browser.headers["X-Real-IP"] = thief.browser.headers["Forwarded"] = forwarded.format(number)
            answers.append(thief.sign_in(password="guess").error)
        assert answers == ["wrong_credentials"] * 5 + ["too_many_requests"] * 2

    def test_brave_183_188_214_a_new_code_does_not_reset_the_number_of_tries(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(CAPTCHA_RESEND_SECONDS="0", CAPTCHA_SENDS_PER_HOUR="0"))
        compared = 0
        for number in range(6):
            email = f"new{number}@example.com"
            if ann.ask(email).error:
                break
            wrong = different_code(env.code_to(email))
            compared += [ann.confirm(email, wrong).error for _ in range(6)].count("code_wrong")
        assert compared == 10

    def test_brave_57867_no_codes_are_sent_that_could_not_be_used(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(CAPTCHA_RESEND_SECONDS="0"))
        for _ in range(2):
            ann.ask(NEW)
            wrong = different_code(env.code_to(NEW))
            for _ in range(5):
                ann.confirm(NEW, wrong)
        sent = len(env.mail_to(NEW))
        assert ann.ask(NEW).error == "too_many_attempts"
        assert len(env.mail_to(NEW)) == sent


class TestDefects:
    """Defects found in the source of other products."""

    def test_1_fs_the_old_address_is_notified_and_the_setting_for_it_works(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert len(env.mail_to(OLD)) == 2
        bob = env.person("bob@example.com", app=env.app_with(HEADS_UP="no"))
        bob.ask(OTHER)
        assert env.mail_to("bob@example.com") == []

    def test_2_fs_addresses_are_case_insensitive_and_a_lost_race_is_no_error(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask("New@Example.com")
        bob.ask("NEW@example.COM")
        codes = [code_in(mail) for address in ("New@example.com", "NEW@example.com") for mail in env.mail_to(address)]
        assert ann.confirm("new@example.com", codes[0]).status == 200
        assert bob.confirm("new@example.com", codes[1]).error == "email_taken"

    def test_3_fs_only_the_last_request_is_pending_and_a_get_request_confirms_nothing(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        first = env.code_to(NEW)
        env.clock.advance(seconds=60)
        ann.ask(OTHER)
        assert len(env.rows(db.select(EmailChange.id))) == 1
        assert ann.confirm(NEW, first).error == "code_wrong"
        code = env.code_to(OTHER)
        for query in (f"?captcha={code}&email={OTHER}", f"?code={code}", f"{code}/"):
            ann.page(f"/cms/resetemail/{query}")
        assert ann.address() == OLD

    def test_4_aa_an_incorrect_code_is_reported_on_its_page(self, env: Environment) -> None:
        ann = env.person(script=False)
        ann.ask(NEW)
        wrong = different_code(env.code_to(NEW))
        for _ in range(5):
            answer = ann.confirm(NEW, wrong)
            assert (answer.status, answer.path) == (400, "/cms/resetemail/")
            assert 'id="current-email"' in answer.text
            assert 'type="password" id="password"' not in answer.text

    def test_4_aa_requesting_a_code_again_does_not_reset_the_daily_tries(self, env: Environment) -> None:
        ann = env.person()
        left = []
        for _ in range(3):
            ann.ask(NEW)
            wrong = different_code(env.code_to(NEW))
            left += [ann.confirm(NEW, wrong).data["tries_left"] for _ in range(3)]
            ann.cancel()
            env.clock.advance(seconds=60)
        assert left == [4, 3, 2, 4, 3, 2, 3, 2, 1]

    def test_5_aa_no_cookie_contains_a_code(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        for value in ann.browser.cookies.values():
            payload = value.lstrip(".").split(".")[0]
            content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
            if value.startswith("."):
                content = zlib.decompress(content)
            assert code.encode() not in content
            assert NEW.encode() not in content

    @pytest.mark.parametrize("number", ["x", "1;", "-1", "1.5", "%00", "9" * 30, "１"])
    def test_6_wh_an_invalid_number_causes_no_error(self, env: Environment, number: str) -> None:
        ann = env.person()
        path = f"/cms/security/sessions/{number}/end/".encode().decode("latin-1")
        assert ann.post(path).status in (200, 404)

    def test_6_wh_the_text_part_of_a_mail_contains_no_html(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        env.visitor().post(env.links_to(OLD, "undo")[-1])
        mails = env.mail_to(OLD) + env.mail_to(NEW)
        assert len(mails) == 5
        for mail in mails:
            assert not re.search(r"</?\w+[^>]*>|&\w+;", text_of(mail))
            assert "<html" in html_of(mail)

    def test_7_wh_df_losing_the_cache_does_not_reset_the_tries(self, env: Environment) -> None:
        """The budgets of tries are in the database."""
        ann = env.person()
        for _ in range(2):
            ann.ask(NEW)
            wrong = different_code(env.code_to(NEW))
            for _ in range(5):
                assert ann.confirm(NEW, wrong).error == "code_wrong"
            env.clear_cache()
            env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "too_many_attempts"
        assert max(used for (used,) in env.rows(db.select(Budget.used))) == 10

    def test_8_wp_no_other_form_changes_the_address(self, env: Environment) -> None:
        """Every route is requested with a new address in the form."""
        env.administrator("boss@example.com", superuser=True)
        boss = env.signed_in("boss@example.com")
        user = env.account("boss")
        values = {"user_id": user.id, "session_id": 1, "token": "x" * 43, "name": "x", "filename": "x"}
        for rule in env.app.url_map.iter_rules():
            path = rule.rule
            for name in rule.arguments:
                path = re.sub(rf"<[^>]*{name}>", str(values.get(name, 1)), path)
            if "POST" in (rule.methods or ()) and "logout" not in path and "end" not in path:
                boss.post(path, {"email": OTHER, "new_email": OTHER, "email_key": OTHER})
        assert env.account("boss").email == "boss@example.com"
        assert env.rows(db.select(CMSUser.id).where(CMSUser.email_key == OTHER)) == []

    def test_8_wp_a_lost_race_for_an_address_is_not_reported_as_success(self, env: Environment) -> None:
        ann = env.person(script=False)
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.administrator(NEW, username="rival")
        assert ann.confirm(NEW, code).status == 409
        assert f'id="current-email" class="address" tabindex="-1">{OLD}<' in ann.page().text

    def test_9_dv_a_pending_change_expires_can_be_cancelled_and_is_stored_without_its_code(
        self, env: Environment
    ) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        stored = str([tuple(row) for row in env.rows(db.select(EmailChange.nonce, EmailChange.stop_hash))])
        assert code not in re.sub(r"[0-9a-f]{32,}", "", stored)
        assert ann.cancel().status == 200
        assert ann.confirm(NEW, code).error == "code_expired"
        env.clock.advance(seconds=60)
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.clock.advance(seconds=600)
        ann.reauth()
        assert ann.confirm(NEW, code).error == "code_expired"

    def test_10_gt_a_duplicate_address_is_refused_and_a_link_does_not_sign_in(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.administrator(NEW, username="rival")
        assert ann.confirm(NEW, code).status == 409
        visitor = env.visitor()
        visitor.post(env.links_to(OLD, "stop")[-1])
        assert visitor.get_as_script().error == "sign_in_required"

    def test_11_kr_the_defaults_are_secure(self, env: Environment) -> None:
        config = env.build().config
        assert config["HEADS_UP"] is True
        assert config["REVEAL_TAKEN_EMAIL"] is False
        assert min(config[name] for name in config if name.startswith("CAPTCHA_")) > 0

    def test_12_kc_a_pending_change_is_shown_after_a_restart_and_a_loss_of_the_cache(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        env.clear_cache()
        again = env.visitor(OLD, app=env.build())
        again.browser.cookies.update(ann.browser.cookies)
        pending = again.pending()
        assert pending is not None
        assert pending["email"] == NEW

    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    def test_12_kc_a_mail_that_failed_is_not_reported_as_sent(self, env: Environment) -> None:
        assert env.smtp is not None
        env.smtp.stop()
        ann = env.person()
        assert ann.ask(NEW).status == 200
        env.deliver()
        pending = ann.pending()
        assert pending is not None
        assert pending["mail"]["state"] == "queued"
        assert pending["mail"]["problem"]

    def test_13_in_of_concurrent_correct_codes_one_is_accepted(self, env: Environment) -> None:
        """In Indico, two concurrent requests could read a token before one of them deleted it."""
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        tabs = open_tabs(env, ann, 6)
        answers = run_concurrently(lambda number: tabs[number].confirm(NEW, code), 6)
        assert [answer.status for answer in answers].count(200) == 1
        assert list_events(env).count("email_changed") == 1
        assert len(env.rows(db.select(Link.id).where(Link.purpose == "undo"))) == 1

    def test_14_df_exactly_five_tries_are_allowed(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        wrong = different_code(env.code_to(NEW))
        answers = [ann.confirm(NEW, wrong).error for _ in range(6)]
        assert answers == ["code_wrong"] * 5 + ["too_many_attempts"]

    def test_14_df_the_notice_is_sent_to_the_old_address_only(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert len(env.links_to(OLD, "undo")) == 1
        assert len(env.mail_to(NEW)) == 1

    def test_15_dc_superusers_need_a_code(self, env: Environment) -> None:
        env.administrator("boss@example.com", superuser=True)
        boss = env.signed_in("boss@example.com")
        boss.ask(NEW)
        assert boss.confirm(NEW, different_code(env.code_to(NEW))).error == "code_wrong"
        assert boss.address() == "boss@example.com"
