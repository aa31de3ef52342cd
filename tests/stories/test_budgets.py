"""Budgets of tries and codes belong to an account, an address or a network, and no action resets them early."""

from collections.abc import Callable

import pytest

from accounts import limits
from models import Audit, Budget, db
from tests.actors import Person, code_in, different_code, text_of
from tests.environments import Environment
from tests.interleaving import run_before_the_lock

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
ONLY_SMTP = pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)


def do_nothing(_: Environment, ann: Person) -> Person:
    """Do nothing."""
    return ann


def cancel(_: Environment, ann: Person) -> Person:
    """Cancel the pending change."""
    assert ann.cancel().status == 200
    return ann


def sign_in_again(_: Environment, ann: Person) -> Person:
    """Sign out and in again."""
    ann.sign_out()
    assert ann.sign_in().status == 200
    return ann


def use_another_browser(env: Environment, _: Person) -> Person:
    """Sign in with another browser in another network."""
    return env.signed_in(OLD, network="198.51.100.99")


def restart(env: Environment, ann: Person) -> Person:
    """Continue in a new process with the same cookies."""
    again = env.visitor(OLD, app=env.build())
    again.browser.cookies.update(ann.browser.cookies)
    return again


def clear_cache(env: Environment, ann: Person) -> Person:
    """Delete everything in the cache."""
    env.clear_cache()
    return ann


def confirm_password(_: Environment, ann: Person) -> Person:
    """Confirm the password."""
    assert ann.reauth().status == 200
    return ann


EACH_ACTION = pytest.mark.parametrize(
    "action",
    [do_nothing, cancel, sign_in_again, use_another_browser, restart, clear_cache, confirm_password],
    ids=lambda action: action.__name__,
)
Action = Callable[[Environment, Person], Person]


def guess(env: Environment, ann: Person, email: str, times: int) -> list[int]:
    """Request a code, enter a number of incorrect ones, wait for the next code, and return the tries left."""
    assert ann.ask(email).status == 200
    wrong = different_code(env.code_to(email))
    left = [ann.confirm(email, wrong).data["tries_left"] for _ in range(times)]
    env.clock.advance(seconds=60)
    return left


def spend_daily_tries(env: Environment, ann: Person) -> None:
    """Enter ten incorrect codes: five for one code, and five for the next."""
    assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]
    assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]


class TestDailyTries:
    """Ten tries a day, which no action resets."""

    @EACH_ACTION
    def test_no_action_resets_the_daily_tries(self, env: Environment, action: Action) -> None:
        ann = env.person()
        assert guess(env, ann, NEW, 4) == [4, 3, 2, 1]
        ann = action(env, ann)
        assert guess(env, ann, OTHER, 4) == [4, 3, 2, 1]
        ann = action(env, ann)
        assert guess(env, ann, NEW, 1) == [1]
        ann = action(env, ann)
        ann.ask(OTHER)
        code = env.code_to(OTHER)
        assert ann.confirm(OTHER, different_code(code)).data["tries_left"] == 0
        refused = ann.confirm(OTHER, code)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert ann.address() == OLD

    def test_a_correct_code_is_not_compared_after_ten_tries(self, env: Environment) -> None:
        """A try is counted before the code is compared."""
        ann = env.person()
        guess(env, ann, NEW, 5)
        guess(env, ann, NEW, 4)
        ann.ask(OTHER)
        code = env.code_to(OTHER)
        ann.confirm(OTHER, different_code(code))
        assert ann.confirm(OTHER, code).error == "too_many_attempts"
        assert env.account("ann").email == OLD

    def test_tries_are_stored_in_the_database_under_hashed_keys(self, env: Environment) -> None:
        ann = env.person()
        guess(env, ann, NEW, 3)
        budgets = env.rows(db.select(Budget.key, Budget.used))
        assert 3 in [used for _, used in budgets]
        assert not [key for key, _ in budgets if "@" in key or "user" in key]

    def test_the_tries_left_of_a_code_are_at_most_the_daily_tries_left(self, env: Environment) -> None:
        ann = env.person()
        guess(env, ann, NEW, 5)
        guess(env, ann, NEW, 3)
        answer = ann.ask(OTHER)
        assert answer.data["tries_left"] == 2
        pending = ann.pending()
        assert pending is not None
        assert pending["tries_left"] == 2

    def test_no_codes_are_sent_after_the_daily_tries_are_spent(self, env: Environment) -> None:
        ann = env.person()
        spend_daily_tries(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert refused.headers["Retry-After"] == str(refused.data["retry_after"]) == str(86400 - 120)
        assert env.mail_to(OTHER) == []
        assert len(env.links_to(OLD, "stop")) == 2

    def test_the_page_shows_when_the_daily_tries_reset(self, env: Environment) -> None:
        ann = env.person()
        assert 'role="status">' in ann.page().text
        until = env.clock.now().isoformat(timespec="seconds")[:10]
        spend_daily_tries(env, ann)
        (resets_at,) = env.rows(db.select(Budget.resets_at).where(Budget.used == 10))[0]
        assert f'datetime="{resets_at.isoformat(timespec="seconds")}"' in ann.page().text
        assert resets_at.isoformat()[:10] > until
        env.clock.advance(days=1)
        assert resets_at.isoformat(timespec="seconds") not in env.signed_in(OLD).page().text

    def test_the_current_address_is_notified_once_that_the_daily_tries_are_spent(self, env: Environment) -> None:
        ann = env.person()
        spend_daily_tries(env, ann)
        for _ in range(3):
            assert ann.ask(NEW).error == "too_many_attempts"
            ann.confirm(NEW, "000000")
        (resets_at,) = env.rows(db.select(Budget.resets_at).where(Budget.used == 10))[0]
        until = f"{resets_at:%Y-%m-%d %H:%M} UTC"
        notices = [mail for mail in env.mail_to(OLD) if until in text_of(mail)]
        assert len(notices) == 1
        assert "203.0.113.5" in text_of(notices[0])
        assert NEW not in text_of(notices[0])

    def test_all_daily_tries_reset_a_day_after_the_first_one(self, env: Environment) -> None:
        ann = env.person()
        spend_daily_tries(env, ann)
        env.clock.advance(seconds=86400 - 121)
        ann = env.signed_in(OLD)
        assert (ann.ask(NEW).error, ann.ask(NEW).data["retry_after"]) == ("too_many_attempts", 1)
        env.clock.advance(seconds=1)
        assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]
        assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]

    def test_after_five_tries_of_a_code_the_other_daily_tries_are_left_for_the_next(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        for _ in range(5):
            ann.confirm(NEW, different_code(code))
        env.clock.advance(seconds=20)
        refused = ann.confirm(NEW, code)
        assert (refused.error, refused.data["retry_after"]) == ("too_many_attempts", 40)
        env.clock.advance(seconds=40)
        assert ann.ask(NEW).status == 200
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    def test_requests_without_a_session_spend_no_tries(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        stranger = env.visitor()
        for _ in range(12):
            assert stranger.confirm(NEW, different_code(code)).error == "sign_in_required"
        assert ann.confirm(NEW, code).status == 200

    def test_another_session_of_the_account_cannot_spend_the_tries_of_a_code(self, env: Environment) -> None:
        """Its codes are not compared, and therefore not counted."""
        ann, other = env.person(), env.signed_in(OLD)
        ann.ask(NEW)
        code = env.code_to(NEW)
        for _ in range(12):
            assert other.confirm(NEW, different_code(code)).error == "asked_elsewhere"
        assert ann.confirm(NEW, code).status == 200


class TestSends:
    """The budgets of codes."""

    @EACH_ACTION
    def test_no_action_resets_the_five_codes_of_an_hour(self, env: Environment, action: Action) -> None:
        ann = env.person()
        for number in range(5):
            assert ann.ask(f"new{number}@example.com").status == 200
            env.clock.advance(seconds=60)
            ann = action(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error) == (429, "too_many_requests")
        assert env.mail_to(OTHER) == []
        env.clock.advance(seconds=refused.data["retry_after"])
        ann.reauth()
        assert ann.ask(OTHER).status == 200

    @EACH_ACTION
    def test_no_action_shortens_the_wait_for_the_next_code(self, env: Environment, action: Action) -> None:
        ann = env.person()
        ann.ask(NEW)
        env.clock.advance(seconds=59)
        ann = action(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.error, refused.data["retry_after"]) == ("too_many_requests", 1)
        env.clock.advance(seconds=1)
        assert ann.ask(OTHER).status == 200

    def test_all_spellings_of_an_address_share_a_budget(self, env: Environment) -> None:
        people = [env.person(f"person{number}@example.com") for number in range(4)]
        spellings = [
            "new@bücher.example",
            "NEW@xn--bcher-kva.example",
            "new@BÜCHER.example",
            "New@XN--BCHER-KVA.EXAMPLE",
        ]
        answers = [person.ask(typed, sure="y") for person, typed in zip(people, spellings, strict=True)]
        assert [answer.error for answer in answers] == [None, None, None, "too_many_requests"]

    def test_the_budget_of_an_address_is_shared_by_processes_and_survives_a_loss_of_the_cache(
        self, env: Environment
    ) -> None:
        for number in range(3):
            person = env.person(f"person{number}@example.com", app=env.build(), network=f"198.51.100.{number}")
            assert person.ask(NEW).status == 200
            env.clear_cache()
        assert env.person("last@example.com", app=env.build()).ask(NEW).error == "too_many_requests"

    def test_an_ipv6_prefix_of_64_bits_is_one_network(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="2")
        networks = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::1"]
        people = [env.person(f"p{n}@example.com", app=app, network=each) for n, each in enumerate(networks)]
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, None, "too_many_requests", None]

    def test_ipv4_addresses_mapped_to_ipv6_are_counted_as_ipv4(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="1")
        networks = ["::ffff:198.51.100.1", "::ffff:198.51.100.2", "198.51.100.1"]
        people = [env.person(f"p{n}@example.com", app=app, network=each) for n, each in enumerate(networks)]
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, None, "too_many_requests"]

    def test_x_forwarded_for_is_ignored_without_trusted_proxies(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="1")
        people = [env.person(f"p{number}@example.com", app=app) for number in range(2)]
        for number, person in enumerate(people):
            person.browser.headers["X-Forwarded-For"] = f"198.51.100.{number}"
        assert [person.ask(OTHER).error for person in people] == [None, "too_many_requests"]

    def test_behind_one_trusted_proxy_the_last_forwarded_address_counts(self, env: Environment) -> None:
        app = env.build(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="1", TRUSTED_PROXIES="1")
        people = [env.person(f"p{number}@example.com", app=app, network="10.0.0.1") for number in range(3)]
        headers = ["198.51.100.1", "192.0.2.77, 198.51.100.1", "198.51.100.1, 198.51.100.2"]
        for person, forwarded in zip(people, headers, strict=True):
            person.browser.headers["X-Forwarded-For"] = forwarded
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, "too_many_requests", None]

    def test_refused_requests_are_counted_in_no_budget(self, env: Environment) -> None:
        """Otherwise one administrator could spend the budgets that all share."""
        limits_of_three = {"CAPTCHA_SENDS_OVERALL_PER_HOUR": "3", "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": "3"}
        app = env.build(**limits_of_three)
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        assert ann.ask(NEW).status == 200
        for _ in range(10):
            assert ann.ask(NEW).error == "too_many_requests"
            assert ann.ask(OLD).error == "same_email"
        env.clock.advance(seconds=601)
        for _ in range(10):
            assert ann.ask(NEW).error == "reauth_required"
        bob.reauth()
        assert bob.ask(OTHER).status == 200
        env.clock.advance(seconds=60)
        assert bob.ask(OTHER).status == 200

    def test_a_frozen_account_spends_no_shared_budget(self, env: Environment) -> None:
        app = env.build(CAPTCHA_SENDS_OVERALL_PER_HOUR="3")
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        env.update_account(OLD, frozen_until=env.clock.now().replace(year=2999))
        for _ in range(10):
            assert ann.ask(NEW).error == "changes_frozen"
        assert bob.ask(OTHER).status == 200

    def test_the_refusal_of_the_overall_budget_contains_its_reset(self, env: Environment) -> None:
        app = env.build(CAPTCHA_SENDS_OVERALL_PER_HOUR="1", REAUTH_SECONDS="86400")
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        assert ann.ask(NEW).status == 200
        refused = bob.ask(OTHER)
        assert refused.error == "too_many_requests"
        assert refused.headers["Retry-After"] == str(refused.data["retry_after"])
        assert env.mail_to(OTHER) == []
        env.clock.advance(seconds=refused.data["retry_after"])
        assert bob.ask(OTHER).status == 200

    def test_pages_show_the_waiting_time(self, env: Environment) -> None:
        ann = env.person(script=False)
        assert ann.ask(NEW).status == 200
        env.clock.advance(seconds=13)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "47")
        assert "47" in refused.text
        assert f'value="{OTHER}"' in refused.text

    def test_a_request_that_another_budget_refuses_does_not_spend_the_overall_budget(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_OVERALL_PER_HOUR="2")
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        assert ann.ask(NEW).status == 200
        for _ in range(5):
            assert ann.ask(NEW).error == "too_many_requests"
        assert bob.ask(OTHER).status == 200
        env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "too_many_requests"

    def test_a_request_that_lost_a_race_does_not_spend_the_overall_budget(self, env: Environment) -> None:
        """Of concurrent requests in several tabs, one gets a code."""
        app = env.app_with(CAPTCHA_SENDS_OVERALL_PER_HOUR="2")
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        tab = env.visitor(app=app)
        tab.browser.cookies = dict(ann.browser.cookies)
        ann.token()
        tab.token()
        with run_before_the_lock(lambda: tab.ask(NEW)):
            assert ann.ask(NEW).error == "too_many_requests"
        assert len(env.mail_to(NEW)) == 1
        assert bob.ask(OTHER).status == 200

    def test_all_accounts_share_the_daily_budgets_of_an_address(self, env: Environment) -> None:
        app = env.build(CAPTCHA_SENDS_PER_ADDRESS_PER_DAY="4", CAPTCHA_TRIES_PER_ADDRESS_PER_DAY="7")
        people = [env.person(f"p{n}@example.com", app=app, network=f"198.51.100.{n}") for n in range(6)]
        for person, tries in zip(people, (3, 3, 1), strict=False):
            assert person.ask(NEW).status == 200
            assert [person.confirm(NEW, "000000").error for _ in range(tries)] == ["code_wrong"] * tries
            env.clock.advance(minutes=21)
            for other in people:
                other.sign_in()
        assert people[2].confirm(NEW, "000000").error == "code_expired"
        assert people[3].ask(NEW).error == "too_many_attempts"
        for person in people[1:5]:
            assert person.ask(OTHER).status == 200
            env.clock.advance(minutes=21)
            for each in people:
                each.sign_in()
        assert people[5].ask(OTHER).error == "too_many_requests"
        assert people[5].ask("third@example.com").status == 200
        env.clock.advance(hours=24)
        people[0].sign_in()
        assert people[0].ask(NEW).status == 200

    def test_every_refusal_is_recorded_in_the_history(self, env: Environment) -> None:
        ann = env.person()
        spend_daily_tries(env, ann)
        ann.ask(OTHER)
        ann.confirm(NEW, "000000")
        events = [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]
        assert events[2:] == [
            *("code_requested", "code_wrong", "code_locked", "code_requested", "code_locked", "tries_spent"),
            "too_many_attempts",
        ]


class TestRefusedMail:
    """New addresses that the mail server refuses."""

    @ONLY_SMTP
    def test_there_is_no_wait_after_the_mail_server_refused_the_address(self, env: Environment) -> None:
        assert env.smtp is not None
        env.smtp.refusals["gone@example.com"] = "550 5.1.1 no such user here"
        ann = env.person()
        assert ann.ask("gone@example.com").status == 200
        env.deliver()
        pending = ann.pending()
        assert pending is not None
        assert (pending["mail"]["state"], pending["resend_in"]) == ("refused", 0)
        assert pending["mail"]["problem_kind"] == "recipient_refused"
        assert pending["mail"]["problem"] in ann.page().text
        assert ann.ask(NEW).status == 200
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    @ONLY_SMTP
    def test_a_code_to_a_refused_address_counts_in_the_budget_of_the_hour(self, env: Environment) -> None:
        assert env.smtp is not None
        ann = env.person()
        for number in range(5):
            env.smtp.refusals[f"gone{number}@example.com"] = "550 no such user"
            assert ann.ask(f"gone{number}@example.com").status == 200
            env.deliver()
        assert ann.ask(NEW).error == "too_many_requests"

    @ONLY_SMTP
    def test_the_wait_remains_after_a_temporary_refusal_of_the_mail_server(self, env: Environment) -> None:
        assert env.smtp is not None
        env.smtp.refusals["busy@example.com"] = "451 4.7.1 greylisted, try again later"
        ann = env.person()
        ann.ask("busy@example.com")
        env.deliver()
        pending = ann.pending()
        assert pending is not None
        assert (pending["mail"]["state"], pending["resend_in"]) == ("queued", 60)
        assert pending["mail"]["problem_kind"] == "temporarily_refused"
        assert pending["mail"]["problem"] in ann.page().text
        assert pending["mail"]["at"] > env.clock.now().isoformat(timespec="seconds")
        assert ann.ask(NEW).error == "too_many_requests"
        env.smtp.refusals.clear()
        env.clock.advance(seconds=10)
        assert ann.confirm("busy@example.com", env.code_to("busy@example.com")).status == 200

    @ONLY_SMTP
    def test_a_refused_mail_does_not_reveal_a_taken_address(self, env: Environment) -> None:
        assert env.smtp is not None
        env.administrator("owner@example.com")
        env.smtp.refusals |= {"owner@example.com": "550 no such user", "gone@example.com": "550 no such user"}
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask("owner@example.com")
        bob.ask("gone@example.com")
        env.deliver()
        changes = [person.pending() for person in (ann, bob)]
        assert [each and (each["mail"]["state"], each["resend_in"]) for each in changes] == [("refused", 0)] * 2
        assert [person.ask(f"new-of-{person.email}").status for person in (ann, bob)] == [200, 200]


class TestStrangers:
    """Attackers who do not know the password cannot lock the owner out."""

    def guess_passwords(self, env: Environment, email: str, *, cookies: dict[str, str] | None = None) -> None:
        """Try to sign in with incorrect passwords from many networks, until this is refused from all of them."""
        for number in range(14):
            stranger = env.visitor(email, network=f"198.51.100.{number + 1}")
            stranger.browser.cookies.update(cookies or {})
            last = stranger.sign_in(password="guess")
        assert last.error == "too_many_requests"

    def test_a_stranger_cannot_lock_the_owner_out_of_their_own_browser(self, env: Environment) -> None:
        ann = env.person()
        ann.sign_out()
        self.guess_passwords(env, OLD)
        assert env.visitor(OLD).sign_in().error == "too_many_requests"
        assert ann.sign_in().status == 200

    def test_the_mark_of_a_browser_cannot_be_forged_or_used_for_another_account(self, env: Environment) -> None:
        env.administrator(OLD)
        bob = env.person("bob@example.com")
        mark = bob.browser.cookies["session_browser"]
        self.guess_passwords(env, OLD)
        for forged in (mark, "unknown", ".", "", "x.y", mark.replace(mark[0], "0", 1), "é"):
            thief = env.visitor(OLD, network="192.0.2.1")
            thief.browser.cookies["session_browser"] = forged
            assert thief.sign_in().error == "too_many_requests", forged

    def test_a_known_browser_has_no_more_tries_than_an_unknown_one(self, env: Environment) -> None:
        ann = env.person()
        ann.sign_out()
        for _ in range(10):
            assert ann.sign_in(password="guess").error == "wrong_credentials"
        assert ann.sign_in().error == "too_many_requests"

    def test_a_browser_is_still_known_after_a_change_of_address(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        ann.sign_out()
        self.guess_passwords(env, NEW)
        assert ann.sign_in(email=NEW).status == 200

    def test_a_stranger_cannot_prevent_the_owner_from_confirming_the_password(self, env: Environment) -> None:
        ann = env.person()
        self.guess_passwords(env, OLD)
        assert ann.reauth().status == 200

    def test_a_stranger_cannot_spend_the_budgets_of_the_owner(self, env: Environment) -> None:
        ann, stranger = env.person(), env.visitor()
        for _ in range(30):
            assert stranger.ask(NEW).error == "sign_in_required"
            assert stranger.cancel().error == "sign_in_required"
        assert ann.ask(NEW).status == 200
        assert code_in(env.mail_to(NEW)[-1])

    @pytest.mark.parametrize("address", ["", "unix:", "198.51.100.1:4711"])
    def test_the_network_of_an_invalid_address_is_the_text_itself(self, address: str) -> None:
        assert limits.network_of(address) == address

    def test_the_network_of_a_link_local_address_excludes_its_zone(self) -> None:
        assert limits.network_of("fe80::1%eth0") == limits.network_of("fe80::2") == "fe80::/64"
