"""Known vulnerabilities and defects of similar products: each is tried here, and fails.

First the advisories, then defects found in the source of these products (FS Flask-Security, AA django-allauth, WH
Warehouse, WP WordPress, DV Devise, GT Gitea, KC Keycloak, IN Indico, DF Dify, DC Discourse).
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


def hands_of(env: Environment, person: Person, count: int, *, app: Flask | None = None) -> list[Person]:
    """Return several connections of one browser, with the same cookies and token."""
    token, hands = person.token(), []
    for _ in range(count):
        hand = env.visitor(person.email, app=app)
        hand.browser.cookies.update(person.browser.cookies)
        hand._token = token
        hands.append(hand)
    return hands


def events(env: Environment) -> list[str]:
    """Return what all histories tell."""
    return [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]


class TestAdvisories:
    """Published ones."""

    def test_devise_cve_2026_32700_two_requests_at_once_confirm_no_address_that_was_not_proved(
        self, env: Environment
    ) -> None:
        """There the race between two requests confirmed the address of one with the token mailed for the other."""
        app = env.app_with(CAPTCHA_RESEND_SECONDS="0", CAPTCHA_SENDS_PER_HOUR="0")
        thief = env.person(app=app)
        hands = hands_of(env, thief, 2, app=app)
        answers = run_concurrently(lambda number: hands[number].ask((NEW, VICTIM)[number]), 2)
        assert {answer.error for answer in answers} == {None}
        own = [code_in(mail) for mail in env.mail_to(NEW)]
        for code in own:
            assert thief.confirm(VICTIM, code).error in ("code_wrong", "code_expired")
        if own and thief.confirm(NEW, own[-1]).status == 200:
            assert env.account("ann").email == NEW
        else:  # The other request came last, and with it the code that the thief cannot read.
            assert env.account("ann").email == OLD

    def test_devise_cve_2026_32700_a_confirmation_beside_a_new_request_confirms_its_own_address_or_none(
        self, env: Environment
    ) -> None:
        app = env.app_with(CAPTCHA_RESEND_SECONDS="0")
        thief = env.person(app=app)
        thief.ask(NEW)
        code = env.code_to(NEW)
        first, second = hands_of(env, thief, 2, app=app)
        deeds = [lambda: first.confirm(NEW, code), lambda: second.ask(VICTIM)]
        run_concurrently(lambda number: deeds[number](), 2)
        assert env.account("ann").email in (OLD, NEW)
        assert events(env).count("email_changed") == (env.account("ann").email == NEW)

    def test_dify_ghsa_4q3w_q5mc_45rq_what_an_early_step_gives_is_not_taken_by_the_last_one(
        self, env: Environment
    ) -> None:
        """There the token of the step before was accepted at the end: the new address was never proved."""
        thief = env.person(app=env.app_with(EMAIL_POLICY="both"))
        thief.ask(VICTIM)
        of_old = env.code_to(OLD)
        assert thief.confirm(VICTIM, "", old_captcha=of_old).error == "code_missing"
        for fields in ({"captcha": of_old}, {"captcha": "", "old_captcha": of_old}):
            assert thief.confirm(VICTIM, fields.pop("captcha"), **fields).status == 400
        stop = env.links_to(OLD, "stop")[-1].split("/")[-2]
        for token in (stop, thief.browser.cookies["session"]):
            assert thief.confirm(VICTIM, token).error in ("invalid", "code_wrong")
        assert env.account("ann").email == OLD

    def test_dify_ghsa_4q3w_q5mc_45rq_a_code_for_an_address_of_ones_own_proves_no_other(self, env: Environment) -> None:
        thief = env.person()
        thief.ask(NEW)
        code = env.code_to(NEW)
        assert thief.confirm(VICTIM, code).error == "code_wrong"
        assert thief.post("/cms/resetemail/", [("email", NEW), ("email", VICTIM), ("captcha", code)]).error == "invalid"
        assert env.account("ann").email == OLD
        assert thief.confirm(NEW, code).status == 200

    def test_discourse_cve_2025_69289_nobody_changes_the_address_of_somebody_else(self, env: Environment) -> None:
        """There a moderator took over accounts by changing their address from the staff's side."""
        env.administrator(VICTIM)
        env.administrator("boss@example.com", superuser=True)
        victim = env.account("victim")
        boss = env.signed_in("boss@example.com")
        named = {"user_id": str(victim.id), "user": "victim", "id": str(victim.id), "username": "victim"}
        assert boss.ask(NEW, **named).status == 200
        assert boss.confirm(NEW, env.code_to(NEW), **named).status == 200
        assert env.account("boss").email == NEW
        after = env.account("victim")
        assert (after.email, after.email_version) == (VICTIM, victim.email_version)
        assert env.mail_to(VICTIM) == []

    def test_allauth_65_12_1_a_disabled_person_cannot_finish_what_they_began(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.update_account(OLD, is_active=False)
        assert ann.confirm(NEW, code).error == "sign_in_required"
        assert ann.ask(OTHER).error == "sign_in_required"
        assert ann.reauth().error == "sign_in_required"
        assert env.visitor(OLD).sign_in().error == "wrong_credentials"
        assert env.account("ann").email == OLD

    @pytest.mark.parametrize("said", ["1.2.3.{0}", "1.2.3.{0}, 5.6.7.8", "2001:db8:{0}::1", "unknown{0}", "{0}"])
    def test_allauth_65_14_2_a_made_up_forwarded_address_evades_no_limit(self, env: Environment, said: str) -> None:
        """There a client wrote its own X-Forwarded-For and so was a new one with every request."""
        env.administrator(OLD)
        app = env.build(SIGN_IN_TRIES_PER_NETWORK="5", SIGN_IN_TRIES_PER_ACCOUNT="0")
        thief = env.visitor(OLD, app=app)
        answers = []
        for number in range(7):
            thief.browser.headers["X-Forwarded-For"] = said.format(number)
            thief.browser.headers["X-Real-IP"] = thief.browser.headers["Forwarded"] = said.format(number)
            answers.append(thief.sign_in(password="guess").error)
        assert answers == ["wrong_credentials"] * 5 + ["too_many_requests"] * 2

    def test_brave_183_188_214_a_new_code_does_not_reset_the_cap_of_attempts(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(CAPTCHA_RESEND_SECONDS="0", CAPTCHA_SENDS_PER_HOUR="0"))
        compared = 0
        for number in range(6):
            email = f"new{number}@example.com"
            if ann.ask(email).error:
                break
            wrong = different_code(env.code_to(email))
            compared += [ann.confirm(email, wrong).error for _ in range(6)].count("code_wrong")
        assert compared == 10

    def test_brave_57867_after_the_lock_no_codes_are_sent_that_cannot_work(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(CAPTCHA_RESEND_SECONDS="0"))
        for _ in range(2):
            ann.ask(NEW)
            wrong = different_code(env.code_to(NEW))
            for _ in range(5):
                ann.confirm(NEW, wrong)
        sent = len(env.mail_to(NEW))
        assert ann.ask(NEW).error == "too_many_attempts"
        assert len(env.mail_to(NEW)) == sent


class TestDefectsOfThePeers:
    """What was found while reading them, by its number in the list."""

    def test_1_fs_a_setting_that_is_offered_is_read_and_the_old_address_is_told(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert len(env.mail_to(OLD)) == 2
        silent = env.person("bob@example.com", app=env.app_with(HEADS_UP="no"))
        silent.ask(OTHER)
        assert env.mail_to("bob@example.com") == []

    def test_2_fs_case_makes_no_second_address_and_a_lost_race_no_fault(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask("New@Example.com")
        bob.ask("NEW@example.COM")
        codes = [code_in(mail) for address in ("New@example.com", "NEW@example.com") for mail in env.mail_to(address)]
        assert ann.confirm("new@example.com", codes[0]).status == 200
        assert bob.confirm("new@example.com", codes[1]).error == "email_taken"

    def test_3_fs_of_several_requests_one_is_alive_and_no_get_commits_anything(self, env: Environment) -> None:
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

    def test_4_aa_a_wrong_code_is_told_on_the_page_where_it_was_typed(self, env: Environment) -> None:
        ann = env.person(script=False)
        ann.ask(NEW)
        wrong = different_code(env.code_to(NEW))
        for _ in range(5):
            answer = ann.confirm(NEW, wrong)
            assert (answer.status, answer.path) == (400, "/cms/resetemail/")
            assert 'id="current-email"' in answer.text
            assert 'type="password" id="password"' not in answer.text

    def test_4_aa_asking_for_the_address_again_does_not_begin_to_count_anew(self, env: Environment) -> None:
        ann = env.person()
        left = []
        for _ in range(3):
            ann.ask(NEW)
            wrong = different_code(env.code_to(NEW))
            left += [ann.confirm(NEW, wrong).data["tries_left"] for _ in range(3)]
            ann.cancel()
            env.clock.advance(seconds=60)
        assert left == [4, 3, 2, 4, 3, 2, 3, 2, 1]

    def test_5_aa_no_code_is_in_a_cookie(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        for value in ann.browser.cookies.values():
            payload = value.lstrip(".").split(".")[0]
            clear = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
            if value.startswith("."):
                clear = zlib.decompress(clear)
            assert code.encode() not in clear
            assert NEW.encode() not in clear

    @pytest.mark.parametrize("number", ["x", "1;", "-1", "1.5", "%00", "9" * 30, "１"])
    def test_6_wh_what_is_no_number_is_no_fault(self, env: Environment, number: str) -> None:
        ann = env.person()
        path = f"/cms/security/sessions/{number}/end/".encode().decode("latin-1")
        assert ann.post(path).status in (200, 404)

    def test_6_wh_the_text_of_a_mail_holds_no_html(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        env.visitor().post(env.links_to(OLD, "undo")[-1])
        mails = env.mail_to(OLD) + env.mail_to(NEW)
        assert len(mails) == 5
        for mail in mails:
            assert not re.search(r"</?\w+[^>]*>|&\w+;", text_of(mail))
            assert "<html" in html_of(mail)

    def test_7_wh_df_limits_that_cannot_be_counted_refuse(self, env: Environment) -> None:
        """What may be lost with the cache is not what protects the code: the budgets are in the database."""
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
        """Every address of the application is tried with the new e-mail address in its form."""
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

    def test_8_wp_who_lost_the_address_to_somebody_else_is_not_told_that_it_worked(self, env: Environment) -> None:
        ann = env.person(script=False)
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.administrator(NEW, username="quicker")
        assert ann.confirm(NEW, code).status == 409
        assert f'id="current-email" class="address" tabindex="-1">{OLD}<' in ann.page().text

    def test_9_dv_a_pending_change_expires_can_be_cancelled_and_is_kept_as_a_keyed_hash(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        kept = str([tuple(row) for row in env.rows(db.select(EmailChange.nonce, EmailChange.stop_hash))])
        assert code not in re.sub(r"[0-9a-f]{32,}", "", kept)
        assert ann.cancel().status == 200
        assert ann.confirm(NEW, code).error == "code_expired"
        env.clock.advance(seconds=60)
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.clock.advance(seconds=600)
        ann.reauth()
        assert ann.confirm(NEW, code).error == "code_expired"

    def test_10_gt_a_duplicate_at_the_end_is_a_refusal_and_a_link_signs_nobody_in(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.administrator(NEW, username="quicker")
        assert ann.confirm(NEW, code).status == 409
        visitor = env.visitor()
        visitor.post(env.links_to(OLD, "stop")[-1])
        assert visitor.get_as_script().error == "sign_in_required"

    def test_11_kr_the_safe_settings_are_the_defaults(self, env: Environment) -> None:
        config = env.build().config
        assert config["HEADS_UP"] is True
        assert config["REVEAL_TAKEN_EMAIL"] is False
        assert min(config[name] for name in config if name.startswith("CAPTCHA_")) > 0

    def test_12_kc_a_restart_and_a_lost_cache_leave_the_pending_change_in_sight(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        env.clear_cache()
        again = env.visitor(OLD, app=env.build())
        again.browser.cookies.update(ann.browser.cookies)
        pending = again.pending()
        assert pending is not None
        assert pending["email"] == NEW

    @pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
    def test_12_kc_a_mail_that_failed_is_not_called_sent(self, env: Environment) -> None:
        assert env.smtp is not None
        env.smtp.stop()
        ann = env.person()
        assert ann.ask(NEW).status == 200
        env.deliver()
        pending = ann.pending()
        assert pending is not None
        assert pending["mail"]["state"] == "queued"
        assert pending["mail"]["problem"]

    def test_13_in_of_equal_right_answers_at_once_one_is_taken(self, env: Environment) -> None:
        """There a token was read and then deleted, and two requests could both read it."""
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        hands = hands_of(env, ann, 6)
        answers = run_concurrently(lambda number: hands[number].confirm(NEW, code), 6)
        assert [answer.status for answer in answers].count(200) == 1
        assert events(env).count("email_changed") == 1
        assert len(env.rows(db.select(Link.id).where(Link.purpose == "undo"))) == 1

    def test_14_df_five_tries_are_five_and_not_six(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        wrong = different_code(env.code_to(NEW))
        answers = [ann.confirm(NEW, wrong).error for _ in range(6)]
        assert answers == ["code_wrong"] * 5 + ["too_many_attempts"]

    def test_14_df_the_notice_goes_to_the_old_address_and_not_to_the_new_one(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert len(env.links_to(OLD, "undo")) == 1
        assert len(env.mail_to(NEW)) == 1

    def test_15_dc_a_superuser_needs_a_code_as_everybody_does(self, env: Environment) -> None:
        env.administrator("boss@example.com", superuser=True)
        boss = env.signed_in("boss@example.com")
        boss.ask(NEW)
        assert boss.confirm(NEW, different_code(env.code_to(NEW))).error == "code_wrong"
        assert boss.address() == "boss@example.com"
