"""The main use case: signed-in administrators change their own email address."""

import json
import re

import pytest

from models import Audit, CMSUser, EmailChange, Mail, db
from tests.actors import Person, code_in, different_code, html_of, text_of
from tests.environments import Environment
from tests.servers import run_concurrently

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


def list_events(env: Environment) -> list[str]:
    """Return the events of all histories, in order."""
    return [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]


class TestChange:
    """A successful change, and a cancelled one."""

    @BOTH_CLIENTS
    def test_an_administrator_changes_their_address(self, env: Environment, script: bool) -> None:
        ann = env.person(script=script)
        assert ann.ask(NEW).status == 200
        answer = ann.confirm(NEW, env.code_to(NEW))
        assert answer.status == 200
        assert ann.address() == NEW
        assert ann.pending() is None
        assert env.account("ann").email == NEW

    def test_the_response_contains_the_new_address(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).data == {"email": NEW}

    def test_after_the_change_only_the_new_address_can_sign_in(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert env.visitor(OLD).sign_in().error == "wrong_credentials"
        assert env.visitor(NEW).sign_in().status == 200

    def test_the_notice_to_the_old_address_masks_the_new_one(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        notice = env.mail_to(OLD)[-1]
        for part in (text_of(notice), html_of(notice)):
            assert "n***@e***.com" in part
            assert NEW not in part
            assert "203.0.113.5" in part

    def test_the_mail_with_the_code_contains_its_lifetime_but_not_the_current_address(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        (mail,) = env.mail_to(NEW)
        assert code_in(mail) in html_of(mail)
        assert "10" in text_of(mail).replace(code_in(mail), "")  # Ten minutes.
        assert OLD not in text_of(mail) + html_of(mail)

    def test_the_history_records_every_step(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, different_code(env.code_to(NEW)))
        ann.confirm(NEW, env.code_to(NEW))
        assert list_events(env) == [
            "administrator_created",
            "signed_in",
            "code_requested",
            "code_wrong",
            "email_changed",
        ]

    def test_neither_histories_nor_sent_mails_contain_codes(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        ann.confirm(NEW, different_code(code))
        ann.confirm(NEW, code)
        env.deliver()
        stored = [str(tuple(row)) for row in env.rows(db.select(Audit.detail, Audit.event))]
        stored += [str(tuple(row)) for row in env.rows(db.select(Mail.subject, Mail.body, Mail.html, Mail.problem))]
        assert stored
        assert not [line for line in stored if code in line]

    def test_the_page_shows_the_pending_change(self, env: Environment) -> None:
        ann = env.person()
        assert ann.pending() is None
        ann.ask(NEW)
        env.clock.advance(seconds=20)
        pending = ann.pending()
        assert pending is not None
        assert (pending["email"], pending["expires_in"], pending["resend_in"]) == (NEW, 580, 40)
        assert (pending["tries"], pending["tries_left"], pending["of_this_session"]) == (5, 5, True)
        assert pending["mail"]["state"] == "queued"
        env.deliver()
        pending = ann.pending()
        assert pending is not None
        assert pending["mail"]["state"] == "sent"

    @BOTH_CLIENTS
    def test_a_change_can_be_cancelled(self, env: Environment, script: bool) -> None:
        ann = env.person(script=script)
        ann.ask(NEW)
        code = env.code_to(NEW)
        assert ann.cancel().status == 200
        assert ann.pending() is None
        ann.script = True
        assert ann.confirm(NEW, code).error == "code_expired"
        assert ann.address() == OLD

    def test_cancelling_without_a_pending_change_does_nothing(self, env: Environment) -> None:
        ann = env.person()
        assert ann.cancel().status == 200
        assert "change_cancelled" not in list_events(env)

    @pytest.mark.parametrize("typed", ["{0} ", "{1}-{2}", "{1} {2}", "Your code is {0}.", "\u200b{0}", "{3}"])
    def test_a_code_is_accepted_in_common_spellings(self, sqlite_env: Environment, typed: str) -> None:
        ann = sqlite_env.person()
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        wide = "".join(chr(0xFF10 + int(digit)) for digit in code)
        assert ann.confirm(NEW, typed.format(code, code[:3], code[3:], wide)).status == 200

    def test_the_case_of_an_address_is_preserved(self, env: Environment) -> None:
        ann = env.person()
        ann.ask("New.Name@Example.COM")
        ann.confirm("new.name@example.com", env.code_to("New.Name@example.com"))
        assert ann.address() == "New.Name@example.com"
        assert env.visitor("NEW.NAME@EXAMPLE.COM").sign_in().status == 200

    def test_another_spelling_of_the_current_address_is_refused(self, env: Environment) -> None:
        ann = env.person()
        for typed in (OLD, "ANN@EXAMPLE.COM", " Ann@example.com"):
            assert ann.ask(typed).error == "same_email"
            assert ann.confirm(typed, "123456").error == "same_email"

    def test_the_ascii_form_of_the_current_address_is_refused(self, env: Environment) -> None:
        env.administrator("bob@xn--fa-hia.example.com".replace("xn--fa-hia", "faß"), username="bob")
        bob = env.signed_in("bob@faß.example.com")
        assert bob.ask("bob@xn--fa-hia.example.com").error == "same_email"


class TestTheCode:
    """A code verifies one address for one session of one account, once, for ten minutes."""

    def test_a_code_does_not_verify_another_address(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.confirm(OTHER, env.code_to(NEW)).error == "code_wrong"
        assert ann.address() == OLD

    def test_a_code_is_not_valid_for_another_account(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask(NEW)
        bob.ask(NEW)
        first, second = (code_in(mail) for mail in env.mail_to(NEW))
        if first == second:  # pragma: no cover (The probability is one in a million.)
            pytest.fail("the two codes are equal by chance: run the test again")
        assert bob.confirm(NEW, first).error == "code_wrong"
        assert ann.confirm(NEW, second).error == "code_wrong"

    def test_a_code_is_valid_only_in_the_session_that_requested_it(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        other = env.signed_in(OLD)
        pending = other.pending()
        assert pending is not None
        assert pending["of_this_session"] is False
        assert other.confirm(NEW, env.code_to(NEW)).error == "asked_elsewhere"
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    def test_a_code_is_valid_once(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        assert ann.confirm(NEW, code).status == 200
        assert ann.confirm(NEW, code).error == "same_email"
        env.clock.advance(seconds=60)
        ann.ask(OLD)
        assert ann.confirm(OLD, env.code_to(OLD)).status == 200
        assert ann.confirm(NEW, code).error == "code_expired"
        assert ann.address() == OLD

    def test_of_eight_concurrent_correct_codes_one_is_accepted(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code, token = env.code_to(NEW), ann.token()
        browsers = [env.visitor(OLD) for _ in range(8)]
        for each in browsers:
            each.browser.cookies.update(ann.browser.cookies)
        fields = {"email": NEW, "captcha": code}
        answers = run_concurrently(lambda number: browsers[number].post("/cms/resetemail/", fields, token=token), 8)
        assert [answer.status for answer in answers].count(200) == 1
        assert {answer.error for answer in answers} <= {None, "code_expired", "same_email", "sign_in_required"}
        assert list_events(env).count("email_changed") == 1
        assert len(env.rows(db.select(Mail.id).where(Mail.kind == "changed"))) == 1

    def test_a_code_is_valid_for_ten_minutes(self, env: Environment) -> None:
        app = env.build(REAUTH_SECONDS="3600")
        ann = env.person(app=app)
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.clock.advance(seconds=599)
        assert ann.confirm(NEW, different_code(code)).error == "code_wrong"
        env.clock.advance(seconds=1)
        assert ann.confirm(NEW, code).error == "code_expired"
        assert ann.address() == OLD

    def test_a_new_code_invalidates_the_older_one(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        older = env.code_to(NEW)
        env.clock.advance(seconds=60)
        ann.ask(NEW)
        newer = env.code_to(NEW)
        if older != newer:
            assert ann.confirm(NEW, older).error == "code_wrong"
        assert ann.confirm(NEW, newer).status == 200

    def test_a_request_for_another_address_invalidates_the_code(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        older = env.code_to(NEW)
        env.clock.advance(seconds=60)
        ann.ask(OTHER)
        assert ann.confirm(NEW, older).error == "code_wrong"
        assert ann.confirm(OTHER, env.code_to(OTHER)).status == 200
        assert env.rows(db.select(EmailChange.outcome)) == [("made",)]

    def test_without_a_request_no_code_is_accepted(self, env: Environment) -> None:
        assert env.person().confirm(NEW, "123456").error == "code_expired"

    def test_a_code_that_was_lost_with_the_cache_has_expired(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.clear_cache()
        assert ann.confirm(NEW, code).error == "code_expired"
        assert ann.address() == OLD
        env.clock.advance(seconds=60)
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    def test_a_pending_change_ends_with_its_session(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        ann.sign_out()
        ann.sign_in()
        assert ann.pending() is None
        assert ann.confirm(NEW, code).error == "code_expired"

    def test_a_code_is_invalid_after_the_current_address_was_changed(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        version = env.account("ann").email_version
        env.update_account(OLD, email=OTHER, email_key=OTHER, email_version=version + 1)
        assert ann.confirm(NEW, code).status >= 400
        assert ann.address() == OTHER

    def test_the_pending_change_does_not_contain_the_code(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        pending = env.rows(db.select(EmailChange.__table__))
        assert code not in str([tuple(row)[8:] for row in pending]).replace(NEW, "")


class TestTries:
    """Five tries for a code, and ten for a day."""

    def test_the_refusal_of_a_code_contains_the_tries_left(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        wrong = different_code(env.code_to(NEW))
        answers = [ann.confirm(NEW, wrong) for _ in range(5)]
        assert [answer.data["tries_left"] for answer in answers] == [4, 3, 2, 1, 0]
        assert {answer.error for answer in answers} == {"code_wrong"}
        assert {answer.status for answer in answers} == {400}

    def test_after_an_incorrect_code_the_change_is_still_pending(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        env.deliver()
        ann.confirm(NEW, different_code(env.code_to(NEW)))
        pending = ann.pending()
        assert pending is not None
        assert (pending["state"], pending["missing"], pending["proved"]) == ("code", ["new"], [])

    def test_after_five_incorrect_codes_the_correct_one_is_refused(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        for _ in range(5):
            ann.confirm(NEW, different_code(code))
        refused = ann.confirm(NEW, code)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert refused.headers["Retry-After"] == str(refused.data["retry_after"])
        assert ann.address() == OLD

    def test_the_correct_code_is_accepted_at_the_fifth_try(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        for _ in range(4):
            ann.confirm(NEW, different_code(code))
        assert ann.confirm(NEW, code).status == 200

    def test_of_thirty_concurrent_guesses_five_are_compared(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        wrong, token = different_code(env.code_to(NEW)), ann.token()
        tabs = [env.visitor(OLD) for _ in range(30)]
        for tab in tabs:
            tab.browser.cookies.update(ann.browser.cookies)
        fields = {"email": NEW, "captcha": wrong}
        answers = run_concurrently(lambda number: tabs[number].post("/cms/resetemail/", fields, token=token), 30)
        words = [answer.error for answer in answers]
        assert words.count("code_wrong") == 5
        assert set(words) == {"code_wrong", "too_many_attempts"}
        (tries,) = env.rows(db.select(EmailChange.tries))[0]
        assert tries == 5

    def spend_daily_tries(self, env: Environment, ann: Person) -> None:
        """Enter ten incorrect codes: five for one code, and five for the next."""
        for _ in range(2):
            assert ann.ask(NEW).status == 200
            wrong = different_code(env.code_to(NEW))
            for _ in range(5):
                assert ann.confirm(NEW, wrong).error == "code_wrong"
            env.clock.advance(seconds=60)

    def test_a_new_code_does_not_reset_the_ten_tries_of_a_day(self, env: Environment) -> None:
        ann = env.person(app=env.build(CAPTCHA_TRIES="4"))
        left = []
        for number in range(3):
            ann.ask(NEW)
            code = env.code_to(NEW)
            left += [ann.confirm(NEW, different_code(code)).data["tries_left"] for _ in range(2 if number == 2 else 4)]
            env.clock.advance(seconds=60)
        assert left == [3, 2, 1, 0, 3, 2, 1, 0, 1, 0]
        refused = ann.confirm(NEW, code)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert refused.data["retry_after"] == 86400 - 180
        assert ann.address() == OLD

    def test_no_code_is_sent_without_tries_left(self, env: Environment) -> None:
        ann = env.person()
        self.spend_daily_tries(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert env.mail_to(OTHER) == []

    def test_the_owner_is_notified_that_the_daily_tries_are_spent(self, env: Environment) -> None:
        ann = env.person()
        self.spend_daily_tries(env, ann)
        assert len(env.rows(db.select(Mail.id).where(Mail.kind == "tries_spent", Mail.recipient == OLD))) == 1

    def test_no_sign_in_loss_of_the_cache_or_restart_resets_the_daily_tries(self, env: Environment) -> None:
        ann = env.person()
        self.spend_daily_tries(env, ann)
        env.clear_cache()
        again = env.signed_in(OLD, app=env.build(), network="198.51.100.99")
        assert again.ask(OTHER).error == "too_many_attempts"

    def test_a_change_is_possible_on_the_next_day(self, env: Environment) -> None:
        ann = env.person()
        self.spend_daily_tries(env, ann)
        env.clock.advance(days=1)
        again = env.signed_in(OLD)
        again.ask(NEW)
        assert again.confirm(NEW, env.code_to(NEW)).status == 200

    def test_the_tries_of_accounts_are_counted_separately(self, env: Environment) -> None:
        ann = env.person()
        self.spend_daily_tries(env, ann)
        bob = env.person("bob@example.com")
        bob.ask(OTHER)
        assert bob.confirm(OTHER, env.code_to(OTHER)).status == 200

    @pytest.mark.parametrize("typed", ["", " ", "12345", "1234567", "abcdef", "12345a", "1" * 5000, "١٢٣٤٥", "-12345"])
    def test_an_invalid_code_counts_no_try(self, sqlite_env: Environment, typed: str) -> None:
        ann = sqlite_env.person()
        ann.ask(NEW)
        answer = ann.confirm(NEW, typed)
        assert (answer.status, answer.error, list(answer.data["fields"])) == (400, "invalid", ["captcha"])
        pending = ann.pending()
        assert pending is not None
        assert pending["tries_left"] == 5


class TestSends:
    """The limits of codes."""

    def test_a_second_code_can_be_requested_after_sixty_seconds(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        env.clock.advance(seconds=25)
        refused = ann.ask(NEW)
        assert (refused.status, refused.error, refused.data["retry_after"]) == (429, "too_many_requests", 35)
        assert refused.headers["Retry-After"] == "35"
        env.clock.advance(seconds=34)
        assert ann.ask(OTHER).error == "too_many_requests"
        env.clock.advance(seconds=1)
        assert ann.ask(NEW).status == 200
        assert len(env.mail_to(NEW)) == 2

    def test_a_refused_request_does_not_invalidate_the_code(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        assert ann.ask(OTHER).error == "too_many_requests"
        assert ann.confirm(NEW, code).status == 200

    def test_cancelling_does_not_shorten_the_wait(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.cancel()
        assert ann.ask(NEW).error == "too_many_requests"

    def test_of_ten_concurrent_requests_one_gets_a_code(self, env: Environment) -> None:
        ann = env.person()
        token = ann.token()
        tabs = [env.visitor(OLD) for _ in range(10)]
        for tab in tabs:
            tab.browser.cookies.update(ann.browser.cookies)
        answers = run_concurrently(
            lambda number: tabs[number].post("/cms/email_captcha/", {"email": NEW}, token=token), 10
        )
        assert [answer.status for answer in answers].count(200) == 1
        assert {answer.error for answer in answers} <= {None, "too_many_requests", "unavailable"}
        assert len(env.mail_to(NEW)) == 1

    def test_five_codes_an_hour_for_one_account(self, env: Environment) -> None:
        ann = env.person()
        for number in range(5):
            assert ann.ask(f"new{number}@example.com").status == 200
            env.clock.advance(seconds=60)
        refused = ann.ask(NEW)
        assert (refused.error, refused.data["retry_after"]) == ("too_many_requests", 3600 - 300)
        ann.sign_out()
        ann.sign_in()
        assert ann.ask(NEW).error == "too_many_requests"
        env.clock.advance(seconds=3300)
        ann.reauth()
        assert ann.ask(NEW).status == 200

    def test_three_codes_an_hour_for_one_address_from_all_accounts(self, env: Environment) -> None:
        people = [env.person(f"person{number}@example.com") for number in range(4)]
        spellings = [NEW, NEW.upper(), "New@Example.com", NEW]
        answers = [person.ask(typed) for person, typed in zip(people, spellings, strict=True)]
        assert [answer.error for answer in answers] == [None, None, None, "too_many_requests"]
        assert people[3].ask(OTHER).status == 200

    def test_codes_from_one_network_are_limited_per_hour(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="2")
        people = [env.person(f"p{number}@example.com", app=app) for number in range(3)]
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, None, "too_many_requests"]
        other = env.signed_in("p2@example.com", app=app, network="198.51.100.1")
        assert other.ask(NEW).status == 200

    def test_codes_of_all_accounts_are_limited_per_hour(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_OVERALL_PER_HOUR="2")
        people = [env.person(f"p{n}@example.com", app=app, network=f"198.51.100.{n}") for n in range(3)]
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, None, "too_many_requests"]

    def test_a_limit_of_zero_is_no_limit(self, env: Environment) -> None:
        by_address = ["SENDS_PER_ADDRESS_PER_HOUR", "SENDS_PER_ADDRESS_PER_DAY"]
        names = ["SENDS_PER_HOUR", *by_address, "SENDS_PER_NETWORK_PER_HOUR", "SENDS_OVERALL_PER_HOUR"]
        app = env.build(CAPTCHA_RESEND_SECONDS="0", **{f"CAPTCHA_{name}": "0" for name in names})
        ann = env.person(app=app)
        assert [ann.ask(NEW).status for _ in range(30)] == [200] * 30


class TestTakenAddresses:
    """A request for the address of another account does not reveal it, and its owner is notified."""

    def replace_address(self, body: bytes, email: str) -> str:
        """Return a body without the requested address."""
        return body.decode().replace(email, "ADDRESS")

    def test_the_responses_for_a_taken_and_a_free_address_are_equal(self, env: Environment) -> None:
        env.administrator("owner@example.com")
        ann, bob = env.person(), env.person("bob@example.com")
        free, taken = ann.ask("free@example.com"), bob.ask("owner@example.com")
        assert (free.status, taken.status) == (200, 200)
        assert self.replace_address(free.body, "free@example.com") == self.replace_address(
            taken.body, "owner@example.com"
        )
        env.deliver()
        assert json.dumps(ann.pending()).replace("free@", "") == json.dumps(bob.pending()).replace("owner@", "")

    def test_the_owner_of_the_address_gets_a_notice_without_a_code(self, env: Environment) -> None:
        env.administrator("owner@example.com")
        ann = env.person()
        ann.ask("OWNER@example.com")
        (notice,) = env.mail_to("owner@example.com")
        with pytest.raises(AssertionError, match="no code"):
            code_in(notice)
        assert OLD not in text_of(notice) + html_of(notice)

    def test_no_code_is_correct(self, env: Environment) -> None:
        env.administrator("owner@example.com")
        ann = env.person()
        ann.ask("owner@example.com")
        answers = [ann.confirm("owner@example.com", f"{number:06}") for number in range(5)]
        assert [answer.data["tries_left"] for answer in answers] == [4, 3, 2, 1, 0]
        assert ann.confirm("owner@example.com", "000000").error == "too_many_attempts"
        assert env.account("owner").email == "owner@example.com"
        assert ann.address() == OLD

    def test_of_two_changes_to_one_address_the_first_succeeds(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask(NEW)
        bob.ask(NEW)
        code_of_ann, code_of_bob = (code_in(mail) for mail in env.mail_to(NEW))
        assert ann.confirm(NEW, code_of_ann).status == 200
        refused = bob.confirm(NEW, code_of_bob)
        assert (refused.status, refused.error) == (409, "email_taken")
        assert bob.pending() is None
        assert bob.address() == "bob@example.com"
        assert list_events(env).count("email_changed") == 1

    def test_of_two_concurrent_changes_to_one_address_one_succeeds(self, env: Environment) -> None:
        people = [env.person(), env.person("bob@example.com")]
        for person in people:
            person.ask(NEW)
            person.token()
        codes = [code_in(mail) for mail in env.mail_to(NEW)]
        answers = run_concurrently(lambda number: people[number].confirm(NEW, codes[number]), 2)
        assert sorted(answer.status for answer in answers) in ([200, 409], [200, 503])
        owners = env.rows(db.select(CMSUser.id).where(CMSUser.email_key == NEW))
        assert len(owners) == 1

    def test_a_setting_reveals_taken_addresses(self, env: Environment) -> None:
        app = env.app_with(REVEAL_TAKEN_EMAIL="yes")
        env.administrator("owner@example.com")
        ann = env.person(app=app)
        refused = ann.ask("Owner@example.com")
        assert (refused.status, refused.error) == (409, "email_taken")
        assert env.mail_to("owner@example.com") == []
        assert ann.pending() is None


class TestConfirmationOfThePassword:
    """A change requires that the password was confirmed recently."""

    def test_after_ten_minutes_the_password_must_be_confirmed_again(self, env: Environment) -> None:
        ann = env.person()
        env.clock.advance(seconds=601)
        refused = ann.ask(NEW)
        assert (refused.status, refused.error) == (401, "reauth_required")
        assert ann.pending() is None
        assert ann.reauth().status == 200
        assert ann.ask(NEW).status == 200

    def test_the_password_must_be_confirmed_before_a_code_is_compared(self, env: Environment) -> None:
        ann = env.person()
        env.clock.advance(seconds=500)
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.clock.advance(seconds=101)
        assert ann.confirm(NEW, code).error == "reauth_required"
        pending = ann.pending()
        assert pending is not None
        assert pending["tries_left"] == 5
        ann.reauth()
        assert ann.confirm(NEW, code).status == 200

    def test_without_scripts_the_request_continues_after_the_password(self, env: Environment) -> None:
        ann = env.person(script=False)
        env.clock.advance(seconds=601)
        answer = ann.ask(NEW)
        assert (answer.status, answer.path) == (401, "/cms/email_captcha/")
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
        fields |= dict(re.findall(r'<input [^>]*name="(resume)"[^>]*value="([^"]*)"', answer.text))
        assert (fields["email"], fields["resume"]) == (NEW, "/cms/email_captcha/")
        answer = ann.reauth(**{name: value for name, value in fields.items() if name != "csrf_token"})
        assert (answer.status, answer.path) == (200, "/cms/resetemail/")
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    def test_an_incorrect_password_does_not_make_the_session_fresh(self, env: Environment) -> None:
        ann = env.person()
        env.clock.advance(seconds=601)
        assert ann.reauth("guess").error == "password_wrong"
        assert ann.ask(NEW).error == "reauth_required"

    def test_confirming_the_password_renews_the_cookie(self, env: Environment) -> None:
        ann = env.person()
        thief = env.visitor()
        thief.browser.cookies.update(ann.browser.cookies)
        ann.reauth()
        assert thief.get_as_script().error == "sign_in_required"
        assert ann.address() == OLD

    def test_confirming_the_password_keeps_the_pending_change(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        ann.reauth()
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200


class TestOtherSessions:
    """The effects of a change on sessions."""

    def test_a_change_ends_every_other_session(self, env: Environment) -> None:
        ann, other = env.person(), env.signed_in(OLD)
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert other.get_as_script().error == "sign_in_required"
        assert ann.address() == NEW

    def test_a_change_renews_the_cookie_of_the_session(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        thief = env.visitor()
        thief.browser.cookies.update(ann.browser.cookies)
        ann.confirm(NEW, env.code_to(NEW))
        assert thief.get_as_script().error == "sign_in_required"

    def test_sessions_of_other_accounts_remain(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        assert bob.address() == "bob@example.com"

    def test_a_remembered_session_stays_remembered(self, env: Environment) -> None:
        env.administrator(OLD)
        ann = env.visitor(OLD)
        ann.sign_in(remember="y")
        ann.ask(NEW)
        answer = ann.confirm(NEW, env.code_to(NEW))
        assert "expires=" in answer.headers["Set-Cookie"].lower()
        env.clock.advance(days=13)
        assert ann.address() == NEW
