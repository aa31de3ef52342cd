"""Budgets: tries and codes belong to an account, an address or a network, and no action resets them early."""

from collections.abc import Callable

import pytest

from accounts import limits
from models import Audit, Budget, db
from tests.actors import Person, code_in, different_code, text_of
from tests.environments import Environment
from tests.interleaving import run_before_the_lock

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
ONLY_SMTP = pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)


def nothing(_: Environment, ann: Person) -> Person:
    """Ask for the next code, and do nothing else."""
    return ann


def cancel(_: Environment, ann: Person) -> Person:
    """Cancel the change."""
    assert ann.cancel().status == 200
    return ann


def sign_in_anew(_: Environment, ann: Person) -> Person:
    """Sign out and in again."""
    ann.sign_out()
    assert ann.sign_in().status == 200
    return ann


def take_another_browser(env: Environment, _: Person) -> Person:
    """Sign in at another browser in another network."""
    return env.signed_in(OLD, network="198.51.100.99")


def restart(env: Environment, ann: Person) -> Person:
    """Go on with a process that knows nothing but what is stored; the browser keeps its cookies."""
    again = env.visitor(OLD, app=env.build())
    again.browser.cookies.update(ann.browser.cookies)
    return again


def clear_cache(env: Environment, ann: Person) -> Person:
    """Have the cache forget everything."""
    env.clear_cache()
    return ann


def prove_the_password(_: Environment, ann: Person) -> Person:
    """Prove the password once more."""
    assert ann.reauth().status == 200
    return ann


DEEDS = pytest.mark.parametrize(
    "deed",
    [nothing, cancel, sign_in_anew, take_another_browser, restart, clear_cache, prove_the_password],
    ids=lambda deed: deed.__name__,
)
Deed = Callable[[Environment, Person], Person]


def guess(env: Environment, ann: Person, email: str, times: int) -> list[int]:
    """Request a code, enter a number of incorrect ones, wait for the next code, and return the tries left."""
    assert ann.ask(email).status == 200
    wrong = different_code(env.code_to(email))
    left = [ann.confirm(email, wrong).data["tries_left"] for _ in range(times)]
    env.clock.advance(seconds=60)
    return left


def spend_the_day(env: Environment, ann: Person) -> None:
    """Type ten wrong codes, five of one code and five of the next."""
    assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]
    assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]


class TestTriesOfTheDay:
    """Ten a day, whatever one does in between."""

    @DEEDS
    def test_nothing_refills_the_tries_of_a_day(self, env: Environment, deed: Deed) -> None:
        ann = env.person()
        assert guess(env, ann, NEW, 4) == [4, 3, 2, 1]
        ann = deed(env, ann)
        assert guess(env, ann, OTHER, 4) == [4, 3, 2, 1]
        ann = deed(env, ann)
        assert guess(env, ann, NEW, 1) == [1]
        ann = deed(env, ann)
        ann.ask(OTHER)
        code = env.code_to(OTHER)
        assert ann.confirm(OTHER, different_code(code)).data["tries_left"] == 0
        refused = ann.confirm(OTHER, code)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert ann.address() == OLD

    def test_a_try_is_counted_before_it_is_compared(self, env: Environment) -> None:
        """The eleventh code is the right one, and it is not looked at."""
        ann = env.person()
        guess(env, ann, NEW, 5)
        guess(env, ann, NEW, 4)
        ann.ask(OTHER)
        code = env.code_to(OTHER)
        ann.confirm(OTHER, different_code(code))
        assert ann.confirm(OTHER, code).error == "too_many_attempts"
        assert env.account("ann").email == OLD

    def test_tries_are_kept_in_the_database_under_a_name_that_tells_nothing(self, env: Environment) -> None:
        ann = env.person()
        guess(env, ann, NEW, 3)
        counted = env.rows(db.select(Budget.key, Budget.used))
        assert 3 in [used for _, used in counted]
        assert not [key for key, _ in counted if "@" in key or "user" in key]

    def test_the_card_never_promises_more_tries_than_the_day_has(self, env: Environment) -> None:
        ann = env.person()
        guess(env, ann, NEW, 5)
        guess(env, ann, NEW, 3)
        answer = ann.ask(OTHER)
        assert answer.data["tries_left"] == 2
        pending = ann.pending()
        assert pending is not None
        assert pending["tries_left"] == 2

    def test_when_the_tries_of_a_day_are_spent_no_more_codes_are_sent(self, env: Environment) -> None:
        ann = env.person()
        spend_the_day(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error) == (429, "too_many_attempts")
        assert refused.headers["Retry-After"] == str(refused.data["retry_after"]) == str(86400 - 120)
        assert env.mail_to(OTHER) == []
        assert len(env.links_to(OLD, "stop")) == 2

    def test_the_page_says_until_when_no_change_can_be_asked_for(self, env: Environment) -> None:
        ann = env.person()
        assert 'role="status">' in ann.page().text
        until = env.clock.now().isoformat(timespec="seconds")[:10]
        spend_the_day(env, ann)
        (resets_at,) = env.rows(db.select(Budget.resets_at).where(Budget.used == 10))[0]
        assert f'datetime="{resets_at.isoformat(timespec="seconds")}"' in ann.page().text
        assert resets_at.isoformat()[:10] > until
        env.clock.advance(days=1)
        assert resets_at.isoformat(timespec="seconds") not in env.signed_in(OLD).page().text

    def test_the_old_address_is_told_once_until_when(self, env: Environment) -> None:
        ann = env.person()
        spend_the_day(env, ann)
        for _ in range(3):
            assert ann.ask(NEW).error == "too_many_attempts"
            ann.confirm(NEW, "000000")
        (resets_at,) = env.rows(db.select(Budget.resets_at).where(Budget.used == 10))[0]
        until = f"{resets_at:%Y-%m-%d %H:%M} UTC"
        told = [mail for mail in env.mail_to(OLD) if until in text_of(mail)]
        assert len(told) == 1
        assert "203.0.113.5" in text_of(told[0])
        assert NEW not in text_of(told[0])

    def test_the_day_begins_with_its_first_try_and_then_all_ten_are_there_again(self, env: Environment) -> None:
        ann = env.person()
        spend_the_day(env, ann)
        env.clock.advance(seconds=86400 - 121)
        ann = env.signed_in(OLD)
        assert (ann.ask(NEW).error, ann.ask(NEW).data["retry_after"]) == ("too_many_attempts", 1)
        env.clock.advance(seconds=1)
        assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]
        assert guess(env, ann, NEW, 5) == [4, 3, 2, 1, 0]

    def test_a_spent_code_leaves_the_rest_of_the_day_for_the_next_one(self, env: Environment) -> None:
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

    def test_who_is_not_signed_in_spends_nobodys_tries(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        stranger = env.visitor()
        for _ in range(12):
            assert stranger.confirm(NEW, different_code(code)).error == "sign_in_required"
        assert ann.confirm(NEW, code).status == 200

    def test_another_session_of_the_same_person_cannot_spend_the_tries_of_a_code(self, env: Environment) -> None:
        """Its guesses are not looked at, and so they are not counted either."""
        ann, elsewhere = env.person(), env.signed_in(OLD)
        ann.ask(NEW)
        code = env.code_to(NEW)
        for _ in range(12):
            assert elsewhere.confirm(NEW, different_code(code)).error == "asked_elsewhere"
        assert ann.confirm(NEW, code).status == 200


class TestSends:
    """How many codes are sent, and to whom they are charged."""

    @DEEDS
    def test_nothing_refills_the_five_codes_of_an_hour(self, env: Environment, deed: Deed) -> None:
        ann = env.person()
        for number in range(5):
            assert ann.ask(f"new{number}@example.com").status == 200
            env.clock.advance(seconds=60)
            ann = deed(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.error) == (429, "too_many_requests")
        assert env.mail_to(OTHER) == []
        env.clock.advance(seconds=refused.data["retry_after"])
        ann.reauth()
        assert ann.ask(OTHER).status == 200

    @DEEDS
    def test_nothing_shortens_the_wait_for_the_next_code(self, env: Environment, deed: Deed) -> None:
        ann = env.person()
        ann.ask(NEW)
        env.clock.advance(seconds=59)
        ann = deed(env, ann)
        refused = ann.ask(OTHER)
        assert (refused.error, refused.data["retry_after"]) == ("too_many_requests", 1)
        env.clock.advance(seconds=1)
        assert ann.ask(OTHER).status == 200

    def test_one_target_in_all_its_spellings_is_one_target(self, env: Environment) -> None:
        people = [env.person(f"person{number}@example.com") for number in range(4)]
        spellings = [
            "new@bücher.example",
            "NEW@xn--bcher-kva.example",
            "new@BÜCHER.example",
            "New@XN--BCHER-KVA.EXAMPLE",
        ]
        answers = [person.ask(typed, sure="y") for person, typed in zip(people, spellings, strict=True)]
        assert [answer.error for answer in answers] == [None, None, None, "too_many_requests"]

    def test_a_target_is_charged_across_processes_and_lost_caches(self, env: Environment) -> None:
        for number in range(3):
            person = env.person(f"person{number}@example.com", app=env.build(), network=f"198.51.100.{number}")
            assert person.ask(NEW).status == 200
            env.clear_cache()
        assert env.person("last@example.com", app=env.build()).ask(NEW).error == "too_many_requests"

    def test_a_subscribers_whole_ipv6_network_is_one_network(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="2")
        networks = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::1"]
        people = [env.person(f"p{n}@example.com", app=app, network=each) for n, each in enumerate(networks)]
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, None, "too_many_requests", None]

    def test_ipv4_addresses_on_an_ipv6_socket_are_told_apart(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="1")
        networks = ["::ffff:198.51.100.1", "::ffff:198.51.100.2", "198.51.100.1"]
        people = [env.person(f"p{n}@example.com", app=app, network=each) for n, each in enumerate(networks)]
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, None, "too_many_requests"]

    def test_what_a_stranger_writes_into_x_forwarded_for_is_not_believed(self, env: Environment) -> None:
        app = env.app_with(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="1")
        people = [env.person(f"p{number}@example.com", app=app) for number in range(2)]
        for number, person in enumerate(people):
            person.browser.headers["X-Forwarded-For"] = f"198.51.100.{number}"
        assert [person.ask(OTHER).error for person in people] == [None, "too_many_requests"]

    def test_behind_one_trusted_proxy_its_last_word_counts(self, env: Environment) -> None:
        app = env.build(CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="1", TRUSTED_PROXIES="1")
        people = [env.person(f"p{number}@example.com", app=app, network="10.0.0.1") for number in range(3)]
        said = ["198.51.100.1", "192.0.2.77, 198.51.100.1", "198.51.100.1, 198.51.100.2"]
        for person, forwarded in zip(people, said, strict=True):
            person.browser.headers["X-Forwarded-For"] = forwarded
        answers = [person.ask(f"new{number}@example.com") for number, person in enumerate(people)]
        assert [answer.error for answer in answers] == [None, "too_many_requests", None]

    def test_what_is_refused_is_charged_to_nobody(self, env: Environment) -> None:
        """Otherwise one impatient administrator would keep all others from changing their address."""
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

    def test_the_overall_cap_says_when_it_resets(self, env: Environment) -> None:
        app = env.build(CAPTCHA_SENDS_OVERALL_PER_HOUR="1", REAUTH_SECONDS="86400")
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        assert ann.ask(NEW).status == 200
        refused = bob.ask(OTHER)
        assert refused.error == "too_many_requests"
        assert refused.headers["Retry-After"] == str(refused.data["retry_after"])
        assert env.mail_to(OTHER) == []
        env.clock.advance(seconds=refused.data["retry_after"])
        assert bob.ask(OTHER).status == 200

    def test_a_page_is_told_to_wait_as_a_script_is(self, env: Environment) -> None:
        ann = env.person(script=False)
        assert ann.ask(NEW).status == 200
        env.clock.advance(seconds=13)
        refused = ann.ask(OTHER)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "47")
        assert "47" in refused.text
        assert f'value="{OTHER}"' in refused.text

    def test_a_request_that_another_limit_refuses_does_not_spend_the_overall_cap(self, env: Environment) -> None:
        env.clock.at = env.clock.at.replace(minute=5)  # The hour of the cap must not end during the test.
        app = env.app_with(CAPTCHA_SENDS_OVERALL_PER_HOUR="2")
        ann, bob = env.person(app=app), env.person("bob@example.com", app=app)
        assert ann.ask(NEW).status == 200
        for _ in range(5):
            assert ann.ask(NEW).error == "too_many_requests"
        assert bob.ask(OTHER).status == 200
        env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "too_many_requests"

    def test_a_request_that_lost_a_race_does_not_spend_the_overall_cap(self, env: Environment) -> None:
        """Of tabs that ask at once all see the wait free, and one is sent."""
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

    def test_many_accounts_share_the_budgets_of_one_target_over_a_day(self, env: Environment) -> None:
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

    def test_every_refusal_stands_in_the_history(self, env: Environment) -> None:
        ann = env.person()
        spend_the_day(env, ann)
        ann.ask(OTHER)
        ann.confirm(NEW, "000000")
        told = [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]
        assert told[2:] == [
            *("code_requested", "code_wrong", "code_locked", "code_requested", "code_locked", "tries_spent"),
            "too_many_attempts",
        ]


class TestRefusedMail:
    """What the mail server says about the new address."""

    @ONLY_SMTP
    def test_an_address_that_the_mail_server_refuses_need_not_be_waited_for(self, env: Environment) -> None:
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
    def test_a_refused_address_is_still_one_of_the_five_of_an_hour(self, env: Environment) -> None:
        assert env.smtp is not None
        ann = env.person()
        for number in range(5):
            env.smtp.refusals[f"gone{number}@example.com"] = "550 no such user"
            assert ann.ask(f"gone{number}@example.com").status == 200
            env.deliver()
        assert ann.ask(NEW).error == "too_many_requests"

    @ONLY_SMTP
    def test_an_address_that_is_to_be_tried_again_later_is_waited_for(self, env: Environment) -> None:
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
    def test_a_refused_mail_does_not_tell_that_the_address_is_taken(self, env: Environment) -> None:
        assert env.smtp is not None
        env.administrator("owner@example.com")
        env.smtp.refusals |= {"owner@example.com": "550 no such user", "gone@example.com": "550 no such user"}
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask("owner@example.com")
        bob.ask("gone@example.com")
        env.deliver()
        seen = [person.pending() for person in (ann, bob)]
        assert [each and (each["mail"]["state"], each["resend_in"]) for each in seen] == [("refused", 0)] * 2
        assert [person.ask(f"new-of-{person.email}").status for person in (ann, bob)] == [200, 200]


class TestStrangers:
    """Who does not know the password cannot lock out who does."""

    def storm(self, env: Environment, email: str, *, cookies: dict[str, str] | None = None) -> None:
        """Try to sign in with guessed passwords, from many networks, until that is refused from anywhere."""
        for number in range(14):
            stranger = env.visitor(email, network=f"198.51.100.{number + 1}")
            stranger.browser.cookies.update(cookies or {})
            last = stranger.sign_in(password="guess")
        assert last.error == "too_many_requests"

    def test_a_stranger_cannot_lock_the_owner_out_of_their_own_browser(self, env: Environment) -> None:
        ann = env.person()
        ann.sign_out()
        self.storm(env, OLD)
        assert env.visitor(OLD).sign_in().error == "too_many_requests"
        assert ann.sign_in().status == 200

    def test_the_mark_of_a_browser_cannot_be_made_up_or_brought_from_another_account(self, env: Environment) -> None:
        env.administrator(OLD)
        bob = env.person("bob@example.com")
        mark = bob.browser.cookies["session_browser"]
        self.storm(env, OLD)
        for forged in (mark, "strangers", ".", "", "x.y", mark.replace(mark[0], "0", 1), "é"):
            thief = env.visitor(OLD, network="192.0.2.1")
            thief.browser.cookies["session_browser"] = forged
            assert thief.sign_in().error == "too_many_requests", forged

    def test_a_known_browser_has_no_more_guesses_than_a_strange_one(self, env: Environment) -> None:
        ann = env.person()
        ann.sign_out()
        for _ in range(10):
            assert ann.sign_in(password="guess").error == "wrong_credentials"
        assert ann.sign_in().error == "too_many_requests"

    def test_after_a_change_of_address_the_owners_browser_is_still_known(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        ann.sign_out()
        self.storm(env, NEW)
        assert ann.sign_in(email=NEW).status == 200

    def test_a_stranger_cannot_keep_the_owner_from_proving_the_password(self, env: Environment) -> None:
        ann = env.person()
        self.storm(env, OLD)
        assert ann.reauth().status == 200

    def test_a_stranger_cannot_use_up_what_the_owner_needs_for_a_change(self, env: Environment) -> None:
        ann, stranger = env.person(), env.visitor()
        for _ in range(30):
            assert stranger.ask(NEW).error == "sign_in_required"
            assert stranger.cancel().error == "sign_in_required"
        assert ann.ask(NEW).status == 200
        assert code_in(env.mail_to(NEW)[-1])

    @pytest.mark.parametrize("address", ["", "unix:", "198.51.100.1:4711"])
    def test_a_network_that_is_no_address_is_still_one_network(self, address: str) -> None:
        assert limits.network_of(address) == address

    def test_an_address_of_this_link_counts_for_its_network(self) -> None:
        assert limits.network_of("fe80::1%eth0") == limits.network_of("fe80::2") == "fe80::/64"
