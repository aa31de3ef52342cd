"""A superuser removes the second factors of somebody who has lost them; it waits, and can be stopped meanwhile."""

import sys
import threading
from datetime import timedelta
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.cli import FlaskGroup
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from accounts import people
from accounts.factors import enrolment, resets
from accounts.flows import factor_reset
from models import Audit, FactorReset, LoginSession, Mail, PendingSignIn, RecoveryCode, db
from tests.actors import PASSWORD, Person, html_of, text_of
from tests.authenticators import Authenticator, options_on
from tests.environments import Environment
from tests.interleaving import run_before_the_lock
from tests.servers import run_concurrently
from tests.stories.admin_steps import BOSS, act, history, id_of, newest_row, superuser
from tests.stories.factor_steps import add_passkey
from tests.test_scale import record_statements

ANN, CHIEF, OLD_ANN = "ann@example.com", "chief@example.com", "ann.old@example.com"
NEW_PASSWORD = "a quite different phrase"


def with_passkey(env: Environment, email: str = ANN) -> tuple[Person, Authenticator, list[str]]:
    """Create an administrator with a passkey and recovery codes, signed in."""
    ann = env.person(email)
    device, codes = add_passkey(ann)
    return ann, device, codes


def start(boss: Person, env: Environment, email: str = ANN) -> str:
    """Start the reset, and return the link in the newest mail that stops it."""
    answer = act(boss, env, email, "reset_factors", "lost her phone")
    assert answer.status == 200, answer
    return env.links_to(email, "factor_reset/stop")[-1]


def has_factor(env: Environment, name: str = "ann") -> bool:
    """Return whether an account has a second factor."""
    return env.account(name).has_second_factor


def outcomes(env: Environment) -> list[str]:
    """Return how the resets have ended."""
    return [row.outcome for row in env.rows(select(FactorReset.outcome))]


def run_command(env: Environment, *words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(FlaskGroup(create_app=lambda: env.app), words)


class TestReset:
    """A reset that a superuser starts."""

    def test_it_waits_and_then_removes_every_factor_and_ends_the_sessions(self, env: Environment) -> None:
        ann, _, codes = with_passkey(env)
        boss = superuser(env)
        start(boss, env)
        waiting = env.visitor(ANN)
        assert waiting.sign_in().data == {"next": "/cms/login/second/"}
        env.clock.advance(hours=23, minutes=59)
        env.deliver()
        assert has_factor(env)
        env.clock.advance(minutes=1)
        env.deliver()
        assert not has_factor(env)
        assert ann.get_as_script().error == "sign_in_required"
        for table in (RecoveryCode, PendingSignIn):
            assert env.rows(select(table.__table__)) == []
        assert waiting.post("/cms/login/second/", {"recovery_code": codes[0]}).error == "sign_in_expired"
        assert env.signed_in(ANN).get_as_script().status == 200
        row = newest_row(env, BOSS)
        rows = {each.event: each for each in history(env, id_of(env, ANN))}
        assert row.event == "signed_in"
        assert (rows["factor_reset_started"].actor_id, rows["factors_reset"].actor_id) == (id_of(env, BOSS),) * 2
        assert rows["factors_reset"].detail == {"by": "boss", "reason": "lost her phone"}
        assert outcomes(env) == ["made"]

    def test_every_known_address_is_told_who_why_when_and_gets_the_link(self, env: Environment) -> None:
        ann = env.person(OLD_ANN)
        assert ann.ask(ANN).status == 200
        assert ann.confirm(ANN, env.code_to(ANN)).status == 200
        ann.email = ANN
        ann.discard_token()
        add_passkey(ann)
        env.deliver()
        env.clock.advance(seconds=1)  # So that the mails below are the newest ones.
        boss = superuser(env)
        link = start(boss, env)
        due = f"{env.clock.now() + timedelta(days=1):%Y-%m-%d %H:%M}"
        for address in (ANN, OLD_ANN):
            mail = env.mail_to(address)[-1]
            for part in (text_of(mail), html_of(mail)):
                assert all(each in part for each in ("boss", "lost her phone", due, link))
        env.clock.advance(days=1)
        for address in (ANN, OLD_ANN):
            assert "lost her phone" in text_of(env.mail_to(address)[-1])
        assert env.visitor().page(link).status == 200

    def test_opening_the_link_changes_nothing_and_submitting_it_stops_the_reset(self, env: Environment) -> None:
        ann, _, _ = with_passkey(env)
        boss, scanner = superuser(env), env.visitor(script=False)
        link = start(boss, env)
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            assert scanner.browser.send(method, link).status == 200
        assert outcomes(env) == [""]
        page = scanner.page(link).text
        assert all(each in page for each in ("boss", "lost her phone"))
        assert scanner.post(link).status == 200
        env.clock.advance(days=2)
        env.deliver()
        assert has_factor(env)
        assert ann.get_as_script().status == 401  # Idle for too long, not ended by the reset.
        assert "factor_reset_stopped" in {each.event for each in history(env, id_of(env, ANN))}
        assert env.visitor().post(link).error == "nothing_to_stop"
        assert scanner.page(link).status == 200

    def test_after_the_removal_the_link_says_that_it_is_too_late(self, env: Environment) -> None:
        with_passkey(env)
        link = start(superuser(env), env)
        env.clock.advance(days=1)
        env.deliver()
        visitor = env.visitor()
        assert visitor.post(link).error == "already_reset"
        assert visitor.page(link).status == 200

    def test_only_a_hash_of_the_token_is_stored(self, env: Environment) -> None:
        with_passkey(env)
        token = start(superuser(env), env).split("/")[-2]
        assert len(token) >= 22
        for table in (FactorReset, Mail, Audit):
            assert token not in str(env.rows(select(table.__table__)))

    def test_every_session_of_the_owner_shows_it_and_can_stop_it_when_freshly_proved(self, env: Environment) -> None:
        ann, _, codes = with_passkey(env)
        boss = superuser(env)
        assert "/cms/factor_reset/" not in ann.page("/cms/").text
        start(boss, env)
        for path in ("/cms/", "/cms/profile/", "/cms/resetemail/"):
            assert "/cms/factor_reset/" in ann.page(path).text
        assert "lost her phone" in ann.page("/cms/factor_reset/").text
        env.clock.advance(minutes=11)
        assert ann.post("/cms/factor_reset/stop/").error == "reauth_required"
        assert ann.reauth(recovery_code=codes[0]).status == 200
        ann.discard_token()
        assert ann.post("/cms/factor_reset/stop/").status == 200
        assert outcomes(env) == ["cancelled"]
        assert "/cms/factor_reset/" not in ann.page("/cms/").text
        before = len(history(env, id_of(env, ANN)))
        assert ann.post("/cms/factor_reset/stop/").status == 200
        assert len(history(env, id_of(env, ANN))) == before
        assert "lost her phone" not in ann.page("/cms/factor_reset/").text

    def test_a_sign_in_with_a_second_factor_does_not_end_it_but_shows_it(self, env: Environment) -> None:
        """Somebody else may have the lost device."""
        _, device, _ = with_passkey(env)
        start(superuser(env), env)
        env.clock.advance(hours=2)
        ann = env.visitor(ANN)
        signed = device.sign(options_on(ann.page("/cms/login/").text))
        assert ann.post("/cms/login/passkey/", {"passkey": signed}).status == 200
        ann.discard_token()
        assert "/cms/factor_reset/" in ann.page("/cms/").text
        assert outcomes(env) == [""]

    def test_a_page_of_an_account_without_second_factors_does_not_look_for_a_reset(self, env: Environment) -> None:
        (ann, _, _), bob = with_passkey(env), env.person("bob@example.com")
        for person, count in ((ann, 1), (bob, 0)):
            with record_statements(env) as statements:
                assert person.page("/cms/").status == 200
            assert len([each for each, _ in statements if "factor_reset" in each]) == count

    def test_the_page_of_the_account_shows_it_and_any_superuser_cancels_it(self, env: Environment) -> None:
        with_passkey(env)
        chief, boss = superuser(env, CHIEF, script=False), superuser(env)
        page = f"/cms/users/{id_of(env, ANN)}/"
        assert f"{page}reset_factors/" in chief.page(page).text
        start(boss, env)
        shown = chief.page(page).text
        assert f"{page}cancel_factor_reset/" in shown
        assert f"{page}reset_factors/" not in shown
        assert "lost her phone" in shown
        assert page in chief.page("/cms/users/?q=zzz").text
        assert act(chief, env, ANN, "cancel_factor_reset", "not her").status == 200
        row = newest_row(env, ANN)
        assert (row.event, row.detail) == ("factor_reset_stopped", {"by": "chief", "reason": "not her"})
        assert "not her" in text_of(env.mail_to(ANN)[-1])
        env.clock.advance(days=1)
        env.deliver()
        assert has_factor(env)

    def test_who_has_no_second_factor_has_nothing_to_remove(self, env: Environment) -> None:
        env.administrator(ANN)
        boss = superuser(env)
        assert "reset_factors" not in boss.page(f"/cms/users/{id_of(env, ANN)}/").text
        before = len(history(env, id_of(env, ANN)))
        assert act(boss, env, ANN, "reset_factors").status == 200
        assert (outcomes(env), len(history(env, id_of(env, ANN)))) == ([], before)

    def test_nobody_resets_their_own_and_editors_reset_none(self, env: Environment) -> None:
        ann, _, _ = with_passkey(env)
        boss = superuser(env)
        add_passkey(boss)
        assert act(boss, env, BOSS, "reset_factors").error == "not_yourself"
        assert act(ann, env, BOSS, "reset_factors").error == "forbidden"
        env.clock.advance(minutes=11)
        assert act(boss, env, ANN, "reset_factors").error == "reauth_required"
        assert outcomes(env) == []

    def test_without_a_waiting_period_it_happens_at_once(self, env: Environment) -> None:
        ann, _, _ = with_passkey(env)
        boss = superuser(env, app=env.app_with(ASSISTED_WAIT_SECONDS="0"))
        assert act(boss, env, ANN, "reset_factors").status == 200
        assert not has_factor(env)
        assert ann.get_as_script().status == 401
        assert "boss" in text_of(env.mail_to(ANN)[-1])

    def test_a_second_one_replaces_the_first_and_its_waiting_period(self, env: Environment) -> None:
        with_passkey(env)
        boss = superuser(env)
        first = start(boss, env)
        env.clock.advance(hours=12)
        boss = env.signed_in(BOSS)
        second = start(boss, env)
        assert env.visitor().post(first).error == "link_dead"
        env.clock.advance(hours=12)
        env.deliver()
        assert has_factor(env)
        env.clock.advance(hours=12)
        env.deliver()
        assert not has_factor(env)
        assert env.visitor().post(second).error == "already_reset"

    def test_if_no_mail_process_runs_it_is_made_later_and_not_after_its_time_is_over(self, env: Environment) -> None:
        with_passkey(env)
        with_passkey(env, "bob@example.com")
        boss = superuser(env)
        start(boss, env)
        env.clock.advance(days=3)
        env.deliver()
        assert not has_factor(env)
        link = start(env.signed_in(BOSS), env, "bob@example.com")
        env.clock.advance(days=4)
        env.deliver()
        assert has_factor(env, "bob")
        assert env.visitor().post(link).error == "nothing_to_stop"

    def test_who_has_removed_the_factors_in_the_meantime_is_not_disturbed(self, env: Environment) -> None:
        ann, _, _ = with_passkey(env)
        start(superuser(env), env)
        (passkey,) = env.rows(db.text("SELECT id FROM passkey"))
        assert ann.post(f"/cms/security/passkeys/{passkey[0]}/remove/").status == 200
        ann.discard_token()
        env.clock.advance(hours=23, minutes=30)
        ann = env.signed_in(ANN)
        env.clock.advance(minutes=30)
        env.deliver()
        assert ann.get_as_script().status == 200
        assert "factors_reset" not in {each.event for each in history(env, id_of(env, ANN))}


class TestEndedPermissions:
    """A reset ends with the right to start it, and with the account."""

    @pytest.mark.parametrize(("action", "more"), [("disable", {}), ("role", {"role": "editor"})])
    def test_it_is_withdrawn_if_its_superuser_is_disabled_or_demoted(
        self, env: Environment, action: str, more: Any
    ) -> None:
        with_passkey(env)
        chief, boss = superuser(env, CHIEF), superuser(env)
        start(boss, env)
        assert act(chief, env, BOSS, action, **more).status == 200
        row = newest_row(env, ANN)
        assert (row.event, row.actor_id, row.detail["by"]) == ("factor_reset_withdrawn", None, "boss")
        assert "boss" in text_of(env.mail_to(ANN)[-1])
        env.clock.advance(days=1)
        env.deliver()
        assert has_factor(env)

    def test_the_permission_is_checked_again_when_it_is_made(self, env: Environment) -> None:
        with_passkey(env)
        start(superuser(env), env)
        env.update_account(BOSS, is_superuser=False)
        env.clock.advance(days=1)
        env.deliver()
        assert has_factor(env)
        assert outcomes(env) == ["withdrawn"]
        assert newest_row(env, ANN).event == "factor_reset_withdrawn"

    def test_disabling_ends_sign_ins_and_the_reset_and_enabling_keeps_the_factors(self, env: Environment) -> None:
        with_passkey(env)
        boss, waiting = superuser(env), env.visitor(ANN)
        start(boss, env)
        assert waiting.sign_in().status == 200
        assert act(boss, env, ANN, "disable").status == 200
        assert env.rows(select(PendingSignIn.__table__)) == []
        assert act(boss, env, ANN, "reset_factors").error == "nobody_there"
        assert act(boss, env, ANN, "enable").status == 200
        env.clock.advance(days=1)
        env.deliver()
        assert (has_factor(env), outcomes(env)) == (True, ["dropped"])
        assert env.visitor(ANN).sign_in().data == {"next": "/cms/login/second/"}

    def test_a_role_that_ends_and_comes_back_has_its_grace_period_again(self, env: Environment) -> None:
        app = env.app_with(SECOND_FACTOR="superusers", SECOND_FACTOR_GRACE_DAYS="7")
        env.administrator(BOSS, superuser=True)
        ann, operator = superuser(env, ANN, app=app), ("--reason", "because")
        assert ann.page("/cms/").status == 200
        env.clock.advance(days=8)
        assert env.signed_in(ANN, app=app).get_as_script("/cms/profile/").error == "second_factor_required"
        for role in ("editor", "superuser"):
            assert run_command(env, "admin", "role", ANN, role, *operator).exit_code == 0
            assert env.signed_in(ANN, app=app).page("/cms/").status == 200


class TestRaces:
    """Two things at once."""

    def test_a_reset_that_is_stopped_while_it_is_made_ends_once(self, env: Environment) -> None:
        with_passkey(env)
        link = start(superuser(env), env)
        env.clock.advance(days=1)
        visitor = env.visitor()
        visitor.token()
        with run_before_the_lock(lambda: visitor.post(link)):
            env.deliver()
        assert (has_factor(env), outcomes(env)) == (True, ["stopped"])

    def test_a_reset_that_is_made_while_it_is_stopped_cannot_be_stopped(self, env: Environment) -> None:
        with_passkey(env)
        link = start(superuser(env), env)
        env.clock.advance(days=1)
        visitor = env.visitor()
        visitor.token()
        with run_before_the_lock(env.deliver):
            assert visitor.post(link).error == "already_reset"
        assert (has_factor(env), outcomes(env)) == (False, ["made"])

    def test_a_superuser_who_is_demoted_while_it_is_made_makes_none(self, env: Environment) -> None:
        with_passkey(env)
        env.administrator(CHIEF, superuser=True)
        start(superuser(env), env)
        env.clock.advance(days=1)
        words = ("admin", "role", BOSS, "editor", "--reason", "because")
        with run_before_the_lock(lambda: run_command(env, *words)):
            env.deliver()
        assert (has_factor(env), outcomes(env)) == (True, ["withdrawn"])
        events = [each.event for each in history(env, id_of(env, ANN))]
        assert events.count("factor_reset_withdrawn") == 1

    def test_two_superusers_who_start_and_cancel_at_once_cause_no_error(self, env: Environment) -> None:
        with_passkey(env)
        superusers = [superuser(env), superuser(env, CHIEF)]
        for each in superusers:
            each.token()
        barrier = threading.Barrier(2)

        def work(number: int) -> list[int]:
            barrier.wait()
            actions = ("reset_factors", "cancel_factor_reset", "reset_factors", "cancel_factor_reset")
            return [act(superusers[number], env, ANN, action).status for action in actions]

        assert run_concurrently(work, 2) == [[200] * 4] * 2
        assert len(env.rows(select(FactorReset.__table__))) == 1
        env.clock.advance(days=1)
        env.deliver()
        history(env, id_of(env, ANN))  # It is intact.
        assert outcomes(env) == ["dropped"]

    def test_a_task_that_runs_twice_makes_the_reset_once(self, env: Environment) -> None:
        """A worker that was stopped after its lease must not undo what the owner has set up since."""
        with_passkey(env)
        start(superuser(env), env)
        copied = ("message_id", "kind", "recipient", "subject", "body", "html", "state", "created_at", "due_at",
                  "not_after", "tries", "problem")  # fmt: skip
        names = ", ".join(copied)
        with env.app.app_context():
            rest, task = ", ".join(copied[1:]), "kind = 'task:factor_reset'"
            db.session.execute(db.text(f"INSERT INTO mail ({names}) SELECT 'again', {rest} FROM mail WHERE {task}"))
            db.session.commit()
        env.clock.advance(days=1)
        env.deliver()
        events = [each.event for each in history(env, id_of(env, ANN))]
        assert events.count("factors_reset") == 1

    def test_a_database_that_fails_during_the_task_only_delays_the_reset(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with_passkey(env)
        start(superuser(env), env)
        env.clock.advance(days=1)
        real, failures = people.lock_found, [OperationalError("SELECT", None, Exception("gone"))]

        def fail(find: Any) -> Any:
            if failures:
                raise failures.pop()
            return real(find)

        monkeypatch.setattr(people, "lock_found", fail)
        env.deliver()
        assert has_factor(env)
        env.clock.advance(minutes=1)
        env.deliver()
        assert not has_factor(env)

    def test_a_database_that_fails_before_any_line_of_the_task_leaves_everything_as_it_was(
        self, env: Environment
    ) -> None:
        ann, _, _ = with_passkey(env)
        start(superuser(env), env)
        env.clock.advance(days=1)
        before = [each.event for each in history(env, id_of(env, ANN))]
        lines = 0
        while fails_before_line(env, lines):
            lines += 1
            assert (has_factor(env), outcomes(env)) == (True, [""])
            assert [each.event for each in history(env, id_of(env, ANN))] == before
            env.clock.advance(hours=1)
        assert lines > 20
        assert (has_factor(env), outcomes(env)) == (False, ["made"])
        events = [each.event for each in history(env, id_of(env, ANN))]
        assert events == [*before, "factors_reset"]
        assert ann.get_as_script().status == 401


def fails_before_line(env: Environment, number: int) -> bool:
    """Deliver while the database is lost before the line of the task that is executed as this one.

    Returns whether the task has so many lines.
    """
    functions = factor_reset._make, factor_reset._remove, enrolment.delete_all, enrolment.update, resets.end
    codes, left = {function.__code__ for function in functions}, [number]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code not in codes:
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == -1:
                raise OperationalError("a statement", None, Exception("the server closed the connection"))
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        env.deliver()
    finally:
        sys.settrace(former)
    return left[0] < 0


class TestCommandLine:
    """`flask admin reset-factors` and `flask admin show`."""

    def test_the_operator_resets_the_last_superuser_at_once(self, env: Environment) -> None:
        boss = superuser(env)
        add_passkey(boss)
        result = run_command(env, "admin", "reset-factors", BOSS, "--reason", "lost everything")
        assert (result.exit_code, result.output) == (0, "Done.\n")
        assert not has_factor(env, "boss")
        assert boss.get_as_script().error == "sign_in_required"
        row = newest_row(env, BOSS)
        assert (row.event, row.actor_id) == ("factors_reset", None)
        assert row.detail == {"by": "-", "reason": "lost everything"}
        assert "lost everything" in text_of(env.mail_to(BOSS)[-1])
        assert env.rows(select(LoginSession.__table__)) == []
        again = run_command(env, "admin", "reset-factors", BOSS, "--reason", "again")
        assert (again.exit_code, again.output) == (1, "Error: boss@example.com has no second factor.\n")

    def test_it_also_ends_a_reset_that_waits(self, env: Environment) -> None:
        with_passkey(env)
        start(superuser(env), env)
        assert run_command(env, "admin", "reset-factors", ANN, "--reason", "urgent").exit_code == 0
        ann = env.signed_in(ANN)
        add_passkey(ann)
        env.clock.advance(days=1)
        env.deliver()
        assert has_factor(env)

    def test_show_prints_the_factors_and_no_secret(self, env: Environment) -> None:
        _, _, codes = with_passkey(env)
        start(superuser(env), env)
        said = run_command(env, "admin", "show", ANN).output
        lines = dict(line.split("\t", 1) for line in said.splitlines())
        assert lines["passkey"].startswith("Phone\tadded ")
        assert lines["passkey"].endswith("\tused never")
        assert lines["recovery codes"] == "10 unused"
        assert lines["removal of second factors"].endswith("\tstarted by boss")
        assert "authenticator app" not in lines
        stored = env.rows(db.text("SELECT credential, credential_hash FROM passkey"))[0]
        assert not any(secret in said for secret in (*stored, *codes))


class TestForgottenPassword:
    """A mailbox alone does not replace a second factor."""

    def test_after_a_forgotten_password_the_second_factor_is_still_asked_for(self, env: Environment) -> None:
        ann, _, codes = with_passkey(env)
        waiting = env.visitor(ANN)
        assert waiting.sign_in().data == {"next": "/cms/login/second/"}
        visitor = env.visitor(ANN)
        visitor.post("/cms/forgotpwd/", {"email": ANN})
        link = env.links_to(ANN, "forgotpwd")[-1]
        assert visitor.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
        assert ann.get_as_script().error == "sign_in_required"
        assert visitor.get_as_script().error == "sign_in_required"
        assert waiting.post("/cms/login/second/", {"recovery_code": codes[0]}).error == "sign_in_expired"
        visitor.discard_token()
        assert visitor.sign_in(password=NEW_PASSWORD).data == {"next": "/cms/login/second/"}
        assert visitor.get_as_script().error == "sign_in_required"
        assert visitor.post("/cms/login/second/", {"recovery_code": codes[0]}).status == 200

    def test_a_started_change_of_address_keeps_the_factors_and_ends_waiting_sign_ins(self, env: Environment) -> None:
        with_passkey(env)
        boss, waiting = superuser(env), env.visitor(ANN)
        assert act(boss, env, ANN, "start_change", email="new@example.com").status == 200
        env.clock.advance(days=1)
        (link,) = env.links_to("new@example.com", "prove")
        assert waiting.sign_in().status == 200
        assert env.visitor().post(link).status == 200
        assert waiting.post("/cms/login/second/", {"recovery_code": "00000-00000"}).error == "sign_in_expired"
        assert env.visitor("new@example.com").sign_in(password=PASSWORD).data == {"next": "/cms/login/second/"}
