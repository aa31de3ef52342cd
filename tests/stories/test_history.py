"""The history has a row for every step and refusal, and cannot be flooded or modified unnoticed; and the sessions."""

import re
from typing import Any

import pytest

from accounts.signing import audit_keys
from models import Audit, CMSUser, LoginSession, db
from tests.actors import PASSWORD, Person, different_code
from tests.environments import Environment

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0"


def read_rows(env: Environment, username: str = "ann") -> list[Any]:
    """Return the rows of the history of an administrator."""
    query = db.select(Audit.__table__).join(CMSUser, CMSUser.id == Audit.user_id).where(CMSUser.username == username)
    return env.rows(query.order_by(Audit.number))


def list_events(env: Environment, username: str = "ann") -> list[str]:
    """Return the events of the history of an administrator, in order."""
    return [row.event for row in read_rows(env, username)]


def verify(env: Environment) -> tuple[int, str]:
    """Run `flask audit verify`, and return its exit code and output."""
    result = env.app.test_cli_runner().invoke(args=["audit", "verify"])
    return result.exit_code, result.output


def tamper(env: Environment, statement: Any) -> None:
    """Execute a statement that modifies a history."""
    with env.app.app_context():
        db.session.execute(statement)
        db.session.commit()


def create_history(env: Environment) -> Person:
    """Create an administrator with several kinds of events, and return them."""
    ann = env.person()
    ann.ask(NEW)
    ann.confirm(NEW, different_code(env.code_to(NEW)))
    ann.cancel()
    ann.ask(OLD)
    env.clock.advance(seconds=60)
    ann.ask(NEW)
    ann.confirm(NEW, env.code_to(NEW))
    return ann


class TestRows:
    """The rows of a history."""

    def test_every_step_and_refusal_is_a_row(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(OLD)
        ann.confirm(NEW, "123456")
        ann.ask(NEW)
        ann.ask(OTHER)
        ann.confirm(NEW, different_code(env.code_to(NEW)))
        ann.cancel()
        env.clock.advance(seconds=601)
        ann.ask(NEW)
        ann.reauth("guess")
        ann.reauth()
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        ann.sign_out()
        env.visitor(NEW).sign_in(password="guess")
        env.visitor().post(env.links_to(OLD, "undo")[-1])
        link = env.links_to(OLD, "forgotpwd")[-1]
        env.visitor().post(link, {"password": "another long one", "repetition": "another long one"})
        ann = env.visitor(OLD, password="another long one")
        ann.sign_in()
        ann.ask(NEW)
        assert list_events(env) == [
            *("administrator_created", "signed_in", "same_email", "code_expired", "code_requested"),
            *("too_many_requests", "code_wrong", "change_cancelled", "reauth_required", "password_wrong"),
            *("password_proved", "code_requested", "email_changed", "signed_out", "sign_in_failed"),
            *("change_undone", "password_set", "signed_in", "changes_frozen"),
        ]
        assert verify(env)[0] == 0

    def test_a_lost_race_for_an_address_is_a_row(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.administrator(NEW, username="quicker")
        ann.confirm(NEW, code)
        assert list_events(env)[-1] == "email_taken"
        assert verify(env)[0] == 0

    def test_a_row_contains_the_actor_the_event_the_time_and_the_origin(self, env: Environment) -> None:
        ann = env.person()
        ann.browser.headers["User-Agent"] = FIREFOX
        env.clock.advance(seconds=5)
        ann.ask(NEW)
        row = read_rows(env)[-1]
        ann_id = env.account("ann").id
        assert (row.event, row.user_id, row.actor_id) == ("code_requested", ann_id, ann_id)
        assert (row.network, row.browser) == ("203.0.113.5", "Firefox 131, Windows")
        assert abs((row.at - env.clock.now()).total_seconds()) < 1e-3
        assert NEW in row.detail

    def test_the_history_contains_no_codes_and_no_passwords(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        wrong = different_code(code)
        ann.confirm(NEW, wrong)
        ann.reauth("a guessed password")
        ann.confirm(NEW, code)
        stored = str(
            [tuple(row)[:-1] for row in read_rows(env)]
        )  # The chain, which may contain any digits, is omitted.
        for secret in (code, wrong, "a guessed password", PASSWORD):
            assert secret not in stored.replace(env.clock.now().strftime("%f"), "")

    def test_a_user_agent_cannot_inject_text_into_the_history(self, env: Environment) -> None:
        ann = env.person()
        ann.browser.headers["User-Agent"] = 'evil"<script>alert(1)</script> email_changed [31m' + "x" * 5000
        ann.ask(NEW)
        assert re.fullmatch(r"[A-Za-z0-9 ._-]{1,40}", read_rows(env)[-1].browser)
        assert "<script>alert" not in ann.page("/cms/security/").text

    def test_a_request_for_a_taken_address_is_not_in_the_history_of_its_owner(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        ann.ask("bob@example.com")
        assert "ann@" not in str(read_rows(env, "bob"))
        assert "ann@" not in bob.page("/cms/security/").text
        assert list_events(env, "bob") == ["administrator_created", "signed_in"]

    def test_a_refusal_changes_nothing_but_the_history(self, env: Environment) -> None:
        ann = env.person()
        before = env.rows(db.select(CMSUser.email, CMSUser.email_version, CMSUser.frozen_until))
        ann.ask(OLD)
        ann.confirm(NEW, "123456")
        assert env.rows(db.select(CMSUser.email, CMSUser.email_version, CMSUser.frozen_until)) == before


class TestBursts:
    """Equal refusals are counted in one row."""

    def test_a_burst_of_equal_refusals_is_one_row_with_a_count(self, env: Environment) -> None:
        ann = env.person()
        for _ in range(25):
            ann.ask(OLD)
            env.clock.advance(seconds=2)
        last = read_rows(env)[-1]
        assert (last.event, last.times) == ("same_email", 25)
        assert (last.last_at - last.at).total_seconds() == pytest.approx(48)
        assert list_events(env).count("same_email") == 1
        assert verify(env) == (0, "Every history is intact.\n")

    def test_incorrect_codes_are_one_row_with_a_count(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        wrong = different_code(env.code_to(NEW))
        for _ in range(4):
            ann.confirm(NEW, wrong)
        assert [(row.event, row.times) for row in read_rows(env)[-1:]] == [("code_wrong", 4)]

    def test_failed_sign_ins_are_one_row_with_a_count(self, env: Environment) -> None:
        env.administrator(OLD)
        stranger = env.visitor(OLD)
        for _ in range(9):
            stranger.sign_in(password="guess")
        env.deliver()
        assert [(row.event, row.times) for row in read_rows(env)[1:]] == [("sign_in_failed", 9)]

    def test_failed_sign_ins_from_many_networks_and_browsers_cannot_flood_a_history(self, env: Environment) -> None:
        """In fifteen minutes, the first ten tries are one row, and the throttled ones are another."""
        env.administrator(OLD)
        for number in range(60):
            stranger = env.visitor(OLD, network=f"198.51.100.{number}")
            stranger.browser.headers["User-Agent"] = f"Firefox/{number % 2 + 100}"
            stranger.sign_in(password="guess")
        env.deliver()
        found = [(row.event, row.times, row.network, row.browser) for row in read_rows(env)[1:]]
        assert found == [("sign_in_failed", 10, "*", "*"), ("too_many_requests", 1, "198.51.100.10", "Firefox 100")]

    def test_a_refusal_between_other_events_is_counted_in_its_earlier_row(self, env: Environment) -> None:
        ann = env.person()
        for _ in range(3):
            ann.ask(OLD)
            ann.ask("bob@example.com", sure="y")
            ann.confirm("bob@example.com", "000000")
        found = [(row.event, row.times) for row in read_rows(env)[2:]]
        assert found == [("same_email", 3), ("code_requested", 1), ("code_wrong", 3), ("too_many_requests", 2)]

    def test_after_fifteen_minutes_a_refusal_is_a_new_row(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(REAUTH_SECONDS="86400"))
        ann.ask(OLD)
        env.clock.advance(seconds=899)
        ann.ask(OLD)
        env.clock.advance(seconds=1)
        ann.ask(OLD)
        assert [row.times for row in read_rows(env)[2:]] == [2, 1]

    def test_refusals_from_two_networks_are_one_row_for_several_networks(self, env: Environment) -> None:
        ann = env.person()
        other = env.signed_in(OLD, network="198.51.100.9")
        for _ in range(2):
            ann.ask(OLD)
        for _ in range(3):
            other.ask(OLD)
        found = [(row.network, row.times) for row in read_rows(env) if row.event == "same_email"]
        assert found == [("*", 5)]
        assert "多个网络" in ann.page("/cms/security/").text

    def test_events_between_equal_refusals_are_rows(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(OLD)
        ann.ask(NEW)
        ann.ask(OLD)
        assert list_events(env)[2:] == ["same_email", "code_requested"]
        assert read_rows(env)[2].times == 2


class TestChain:
    """Changes of the stored history are detected."""

    def test_an_unmodified_history_is_intact(self, env: Environment) -> None:
        create_history(env)
        env.person("bob@example.com")
        assert verify(env) == (0, "Every history is intact.\n")

    @pytest.mark.parametrize(
        "values",
        [
            {"event": "signed_in"},
            {"detail": "{}"},
            {"network": "192.0.2.1"},
            {"browser": "Lynx"},
            {"times": 7},
            {"actor_id": 99},
            {"chain": "0" * 64},
        ],
        ids=lambda values: next(iter(values)),
    )
    def test_a_changed_row_is_found(self, env: Environment, values: dict[str, object]) -> None:
        create_history(env)
        tamper(env, db.update(Audit).where(Audit.number == 4).values(**values))
        assert verify(env) == (1, f"{NEW}: row 4 was changed or is missing\n")

    def test_a_changed_time_is_found(self, env: Environment) -> None:
        create_history(env)
        tamper(env, db.update(Audit).where(Audit.number == 5).values(at=env.clock.now().replace(year=2020)))
        assert verify(env) == (1, f"{NEW}: row 5 was changed or is missing\n")

    @pytest.mark.parametrize("number", [1, 3])
    def test_a_missing_row_is_found(self, env: Environment, number: int) -> None:
        create_history(env)
        tamper(env, db.delete(Audit).where(Audit.number == number))
        assert verify(env) == (1, f"{NEW}: row {number} was changed or is missing\n")

    def test_a_missing_last_row_is_found(self, env: Environment) -> None:
        create_history(env)
        last = read_rows(env)[-1].number
        tamper(env, db.delete(Audit).where(Audit.number == last))
        assert verify(env) == (1, f"{NEW}: row {last} was changed or is missing\n")

    def test_a_missing_row_is_found_after_renumbering(self, env: Environment) -> None:
        create_history(env)
        tamper(env, db.delete(Audit).where(Audit.number == 3))
        for number in range(4, len(read_rows(env)) + 2):
            tamper(env, db.update(Audit).where(Audit.number == number).values(number=number - 1))
        assert verify(env) == (1, f"{NEW}: row 3 was changed or is missing\n")

    def test_a_row_that_was_moved_to_another_account_is_found(self, env: Environment) -> None:
        create_history(env)
        env.person("bob@example.com")
        bob = env.account("bob").id
        tamper(env, db.delete(Audit).where(Audit.user_id == bob, Audit.number == 2))
        tamper(env, db.update(Audit).where(Audit.user_id != bob, Audit.number == 2).values(user_id=bob))
        code, output = verify(env)
        assert code == 1
        assert output.splitlines() == [
            f"{NEW}: row 2 was changed or is missing",
            "bob@example.com: row 2 was changed or is missing",
        ]

    def test_a_modified_history_does_not_affect_others(self, env: Environment) -> None:
        ann = create_history(env)
        env.person("bob@example.com")
        tamper(env, db.update(Audit).where(Audit.user_id == env.account("bob").id).values(network="x"))
        assert verify(env)[1].splitlines() == ["bob@example.com: row 1 was changed or is missing"]
        assert ann.address() == NEW

    def test_without_the_key_no_history_is_intact(self, env: Environment) -> None:
        create_history(env)
        other = env.build(SECRET_KEY="another secret key of the same length")
        result = other.test_cli_runner().invoke(args=["audit", "verify"])
        with env.app.app_context():
            key_id = audit_keys().current.id
        assert (result.exit_code, result.output) == (1, f"{NEW}: row 1: key {key_id} is missing\n")


class TestSecurityPage:
    """The page with an administrator's own history and sessions."""

    def test_the_page_shows_both_addresses_and_the_origin_of_a_change(self, env: Environment) -> None:
        ann = create_history(env)
        page = ann.page("/cms/security/")
        assert page.status == 200
        assert f"{OLD} → {NEW}" in page.text
        assert "203.0.113.5" in page.text
        assert "Chrome 156, Linux" in page.text
        assert page.headers["Cache-Control"] == "no-store"

    def test_the_page_shows_the_count_of_equal_refusals(self, env: Environment) -> None:
        ann = env.person()
        for _ in range(3):
            ann.ask(OLD)
        assert "× 3" in ann.page("/cms/security/").text

    def test_the_page_shows_no_names_of_events(self, env: Environment) -> None:
        ann = create_history(env)
        page = ann.page("/cms/security/").text
        events = set(list_events(env))
        assert len(events) > 3
        for event in events:
            assert event not in page

    def test_the_page_shows_no_history_and_no_sessions_of_others(self, env: Environment) -> None:
        create_history(env)
        bob = env.person("bob@example.com", network="198.51.100.77")
        page = bob.page("/cms/security/").text
        assert NEW not in page
        assert "203.0.113.5" not in page

    def test_the_page_requires_a_session(self, env: Environment) -> None:
        create_history(env)
        assert env.visitor().page("/cms/security/", follow=False).status == 303
        assert env.visitor().get_as_script("/cms/security/").error == "sign_in_required"

    def test_a_long_history_has_several_pages(self, env: Environment) -> None:
        ann = env.person(app=env.build(REAUTH_SECONDS="86400", SESSION_SECONDS="86400"))
        for number in range(60):
            env.clock.advance(minutes=15)
            ann.browser.headers["User-Agent"] = f"Firefox/{number + 100}"
            ann.ask(OLD)
        first = ann.page("/cms/security/").text
        (more,) = re.findall(r'href="(/cms/security/\?before=\d+)"', first)
        second = ann.page(more).text
        assert "Firefox 159" in first
        assert "Firefox 100" not in first
        assert "Firefox 100" in second
        assert "before=" not in second

    @pytest.mark.parametrize("before", ["0", "-1", "x", "", "99999999999999999999999", "1e9"])
    def test_an_invalid_page_number_causes_no_error(self, env: Environment, before: str) -> None:
        assert env.person().page(f"/cms/security/?before={before}").status == 200


class TestSessions:
    """Ending sessions on the page."""

    def end_session(self, person: Person, session_id: int) -> Any:
        """Submit the form of a session."""
        return person.post(f"/cms/security/sessions/{session_id}/end/")

    def other_sessions(self, person: Person) -> list[int]:
        """Return the ids of the sessions that can be ended on the page."""
        page = person.page("/cms/security/").text
        return [int(found) for found in re.findall(r'action="/cms/security/sessions/(\d+)/end/"', page)]

    @pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
    def test_another_session_can_be_ended(self, env: Environment, script: bool) -> None:
        ann = env.person(script=script)
        thief = env.signed_in(OLD, network="198.51.100.66")
        phone = env.signed_in(OLD, network="198.51.100.7")
        thief_id = env.rows(db.select(LoginSession.id).where(LoginSession.network == "198.51.100.66"))[0][0]
        assert thief_id in self.other_sessions(ann)
        assert self.end_session(ann, thief_id).status == 200
        assert thief.get_as_script().error == "sign_in_required"
        assert phone.address() == OLD
        assert read_rows(env)[-1].event == "session_ended"
        assert "198.51.100.66" in read_rows(env)[-1].detail

    @pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
    def test_all_other_sessions_can_be_ended(self, env: Environment, script: bool) -> None:
        ann = env.person(script=script)
        others = [env.signed_in(OLD) for _ in range(3)]
        bob = env.person("bob@example.com")
        assert ann.post("/cms/security/sessions/end_others/").status == 200
        assert [each.get_as_script().error for each in others] == ["sign_in_required"] * 3
        assert ann.page("/cms/security/").path == "/cms/security/"
        assert self.other_sessions(ann) == []
        assert bob.address() == "bob@example.com"
        assert list_events(env)[-1] == "other_sessions_ended"

    def test_ending_a_session_ends_its_pending_change(self, env: Environment) -> None:
        ann, thief = env.person(), env.signed_in(OLD)
        thief.ask(NEW)
        assert ann.pending() is not None
        (thief_id,) = self.other_sessions(ann)
        self.end_session(ann, thief_id)
        assert ann.pending() is None

    def test_sessions_of_other_accounts_cannot_be_ended(self, env: Environment) -> None:
        ann, bob = env.person(), env.person("bob@example.com")
        for (session_id,) in env.rows(db.select(LoginSession.id)):
            self.end_session(bob, session_id)
        assert ann.address() == OLD
        assert bob.address() == "bob@example.com"
        assert "session_ended" not in list_events(env, "bob") + list_events(env)

    @pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999"])
    def test_ending_an_unknown_session_causes_no_error(self, env: Environment, number: str) -> None:
        ann = env.person()
        assert ann.post(f"/cms/security/sessions/{number}/end/").status in (200, 404)

    def test_the_session_of_the_browser_has_no_form_to_end_it(self, env: Environment) -> None:
        ann = env.person()
        assert self.other_sessions(ann) == []
        env.signed_in(OLD)
        assert len(self.other_sessions(ann)) == 1

    def test_ended_sessions_are_not_shown(self, env: Environment) -> None:
        env.person()
        env.clock.advance(seconds=3601)
        assert self.other_sessions(env.signed_in(OLD)) == []
