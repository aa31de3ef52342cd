"""EMAIL_POLICY: which codes a change requires, for each role."""

from typing import Any

import pytest

from accounts import people
from models import Audit, Budget, EmailChange, db
from tests.actors import Person, code_in, different_code
from tests.environments import Environment
from tests.stories.admin_steps import act, id_of, run_flask, superuser

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"


@pytest.fixture
def ann(env: Environment) -> Person:
    """Return an administrator whose change requires both codes."""
    return env.person(app=env.app_with(EMAIL_POLICY="both"))


def find_old_code(env: Environment) -> str:
    """Return the code in the newest mail to the current address."""
    return env.code_to(OLD)


class TestNew:
    """The default policy."""

    def test_only_a_code_from_the_new_address_is_required(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        with pytest.raises(AssertionError, match="no code"):
            code_in(env.mail_to(OLD)[-1])
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    def test_a_code_from_the_current_address_is_ignored(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        pending = ann.pending()
        assert pending is not None
        assert pending["missing"] == ["new"]
        assert 'name="old_captcha"' not in ann.page().text
        assert ann.confirm(NEW, "", old_captcha="123456").error == "code_missing"
        assert ann.address() == OLD


class TestBoth:
    """The policy that requires codes from both addresses."""

    def test_both_addresses_get_a_code(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        assert len(env.mail_to(NEW)) == len(env.mail_to(OLD)) == 1
        assert env.links_to(OLD, "stop")
        assert env.links_to(NEW, "stop") == []

    def test_both_codes_can_be_entered_together(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW), old_captcha=find_old_code(env)).status == 200
        assert ann.address() == NEW

    def test_the_code_from_the_new_address_can_be_entered_first(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        first = ann.confirm(NEW, env.code_to(NEW))
        assert (first.status, first.error, list(first.data["fields"])) == (400, "code_missing", ["old_captcha"])
        pending = ann.pending()
        assert pending is not None
        assert pending["missing"] == ["old"]
        assert ann.address() == OLD
        assert ann.confirm(NEW, "", old_captcha=find_old_code(env)).status == 200
        assert ann.address() == NEW

    def test_the_code_from_the_old_address_can_be_entered_first(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        first = ann.confirm(NEW, "", old_captcha=find_old_code(env))
        assert (first.status, first.error, list(first.data["fields"])) == (400, "code_missing", ["captcha"])
        pending = ann.pending()
        assert pending is not None
        assert pending["missing"] == ["new"]
        assert ann.address() == OLD
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        assert ann.address() == NEW

    def test_without_scripts_the_page_shows_which_code_is_missing(self, env: Environment) -> None:
        ann = env.person(script=False, app=env.app_with(EMAIL_POLICY="both"))
        page = ann.ask(NEW)
        assert 'name="captcha"' in page.text
        assert 'name="old_captcha"' in page.text
        first = ann.confirm(NEW, env.code_to(NEW))
        assert first.status == 400
        assert 'data-code="new" hidden' in first.text
        assert 'data-code="old" >' in first.text
        assert ann.confirm(NEW, "", old_captcha=find_old_code(env)).path == "/cms/resetemail/"
        assert env.account("ann").email == NEW

    def test_a_verified_code_survives_a_restart(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        again = env.visitor(OLD, app=env.build(EMAIL_POLICY="both"))
        again.browser.cookies.update(ann.browser.cookies)
        assert again.confirm(NEW, "", old_captcha=find_old_code(env)).status == 200

    def test_the_code_of_one_address_does_not_verify_the_other(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        new_code, old_code = env.code_to(NEW), find_old_code(env)
        if new_code == old_code:  # pragma: no cover (The probability is one in a million.)
            pytest.fail("the two codes are equal by chance: run the test again")
        assert ann.confirm(NEW, old_code).error == "code_wrong"
        assert ann.confirm(NEW, "", old_captcha=new_code).error == "code_wrong"
        assert ann.confirm(NEW, old_code, old_captcha=new_code).error == "code_wrong"
        assert ann.address() == OLD

    def test_a_correct_code_is_verified_although_the_other_one_is_incorrect(
        self, env: Environment, ann: Person
    ) -> None:
        ann.ask(NEW)
        wrong = ann.confirm(NEW, env.code_to(NEW), old_captcha=different_code(find_old_code(env)))
        assert (wrong.error, list(wrong.data["fields"])) == ("code_wrong", ["old_captcha"])
        assert ann.confirm(NEW, "", old_captcha=find_old_code(env)).status == 200

    def test_a_verified_code_is_not_valid_for_another_new_address(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        assert ann.confirm(NEW, "", old_captcha=find_old_code(env)).error == "code_missing"
        env.clock.advance(seconds=60)
        ann.ask(OTHER)
        pending = ann.pending()
        assert pending is not None
        assert pending["missing"] == ["new", "old"]
        assert ann.confirm(OTHER, env.code_to(OTHER)).error == "code_missing"
        assert ann.address() == OLD

    def test_the_code_from_the_old_address_verifies_one_new_address_only(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).error == "code_missing"
        assert ann.confirm(OTHER, "", old_captcha=find_old_code(env)).error == "code_wrong"
        assert ann.address() == OLD

    def test_both_codes_share_the_five_tries(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        new_code, old_code = env.code_to(NEW), find_old_code(env)
        for number in range(5):
            field = (
                {"captcha": different_code(new_code)}
                if number % 2
                else {"captcha": "", "old_captcha": different_code(old_code)}
            )
            assert ann.confirm(NEW, field.pop("captcha"), **field).error == "code_wrong"
        assert ann.confirm(NEW, new_code, old_captcha=old_code).error == "too_many_attempts"
        assert ann.address() == OLD

    def test_a_correct_first_code_counts_no_try(self, env: Environment, ann: Person) -> None:
        for times in (5, 4):
            ann.ask(NEW)
            wrong = different_code(env.code_to(NEW))
            for _ in range(times):
                assert ann.confirm(NEW, wrong).error == "code_wrong"
            env.clock.advance(seconds=60)
        ann.ask(NEW)
        old_code = find_old_code(env)
        assert ann.confirm(NEW, env.code_to(NEW)).error == "code_missing"
        pending = ann.pending()
        assert pending is not None
        assert (pending["tries_left"], pending["proved"], pending["missing"]) == (1, ["new"], ["old"])
        assert ann.confirm(NEW, "", old_captcha=old_code).status == 200

    def test_every_step_is_recorded_in_the_history(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        ann.confirm(NEW, env.code_to(NEW))
        ann.confirm(NEW, "", old_captcha=find_old_code(env))
        events = [row.event for row in env.rows(db.select(Audit.event).order_by(Audit.id))]
        assert events[2:] == ["code_requested", "code_missing", "email_changed"]

    def test_the_mail_to_the_current_address_can_stop_the_change(self, env: Environment, ann: Person) -> None:
        ann.ask(NEW)
        assert env.visitor().post(env.links_to(OLD, "stop")[-1]).status == 200
        assert ann.get_as_script().error == "sign_in_required"
        assert env.rows(db.select(EmailChange.outcome)) == [("stopped",)]

    def test_the_current_address_gets_its_code_without_a_heads_up(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(EMAIL_POLICY="both", HEADS_UP="no"))
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW), old_captcha=find_old_code(env)).status == 200


class TestOff:
    """The policy for roles whose addresses are managed elsewhere."""

    OFF = "editor=off,superuser=new"

    def test_every_request_for_a_change_is_refused(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(EMAIL_POLICY=self.OFF))
        env.clock.advance(seconds=601)  # Without asking for the password first.
        for answer in (ann.ask(NEW), ann.confirm(NEW, "123456")):
            assert (answer.status, answer.error) == (403, "changes_off")
        assert env.mail_to(NEW) == env.mail_to(OLD) == []
        assert env.rows(db.select(EmailChange)) == env.rows(db.select(Budget)) == []
        row = env.rows(db.select(Audit.event, Audit.times).order_by(Audit.id.desc()))[0]
        assert tuple(row) == ("changes_off", 2)

    def test_the_other_role_can_change_the_address(self, env: Environment) -> None:
        env.administrator("boss@example.com", superuser=True)
        boss = env.signed_in("boss@example.com", app=env.app_with(EMAIL_POLICY=self.OFF))
        assert boss.ask(NEW).status == 200
        assert boss.confirm(NEW, env.code_to(NEW)).status == 200

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            ("zh", "您的邮箱由本站运维人员统一管理，无法在此修改。"),
            ("en", "Your email address is managed by the operator"),
        ],
    )
    def test_the_pages_say_so_and_have_no_form(self, env: Environment, language: str, sentence: str) -> None:
        ann = env.person(app=env.app_with(EMAIL_POLICY="off"), script=False)
        ann.browser.headers["Accept-Language"] = language
        page = ann.page()
        assert page.status == 200
        assert page.text.count(sentence) == 1
        assert OLD in page.text
        for part in ('name="email"', 'id="captcha-btn"', "resetemail.js"):
            assert part not in page.text
        assert sentence in ann.page("/cms/security/").text
        overview = ann.page("/cms/").text
        assert sentence in overview
        assert overview.count("/cms/resetemail/") == 1  # In the navigation.
        refused = ann.ask(NEW)
        assert refused.status == 403
        assert refused.text.count(sentence) == 1

    def test_a_change_that_was_requested_before_cannot_be_completed(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        strict = env.visitor(OLD, app=env.app_with(EMAIL_POLICY="off"))
        strict.browser.cookies.update(ann.browser.cookies)
        assert strict.confirm(NEW, code).error == "changes_off"
        assert env.account("ann").email == OLD
        assert strict.cancel().status == 200
        assert ann.confirm(NEW, code).error == "code_expired"

    def test_a_role_that_was_assigned_in_the_meantime_counts(
        self, env: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The role is checked again under the lock."""
        ann = env.person(app=env.app_with(EMAIL_POLICY="editor=new,superuser=off"))
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.clock.advance(seconds=60)
        lock = people.lock_signed_in

        def promote_and_lock(*arguments: Any, **values: Any) -> Any:
            env.update_account(OLD, is_superuser=True)
            return lock(*arguments, **values)

        monkeypatch.setattr(people, "lock_signed_in", promote_and_lock)
        assert ann.ask(OTHER).error == "changes_off"
        env.update_account(OLD, is_superuser=False)
        assert ann.confirm(NEW, code).error == "changes_off"
        assert env.account("ann").email == OLD

    def test_a_superuser_cannot_start_a_change(self, env: Environment) -> None:
        app = env.app_with(EMAIL_POLICY=self.OFF)
        boss = superuser(env, app=app)
        env.administrator(OLD)
        refused = act(boss, env, OLD, "start_change", email=NEW)
        assert (refused.status, refused.error, refused.message) == (
            403,
            "changes_off",
            "该账号的邮箱由本站运维人员统一管理，无法在此修改。",
        )
        page = boss.page(f"/cms/users/{id_of(env, OLD)}/").text
        assert "该账号的邮箱由本站运维人员统一管理" in page
        assert 'name="email"' not in page

    def test_a_change_that_a_superuser_started_before_cannot_be_completed(self, env: Environment) -> None:
        boss = superuser(env)
        env.administrator(OLD)
        assert act(boss, env, OLD, "start_change", email=NEW).status == 200
        env.clock.advance(days=1)
        link = env.links_to(NEW, "prove")[-1]
        assert env.visitor(app=env.app_with(EMAIL_POLICY=self.OFF)).post(link).error == "changes_off"
        assert env.account("ann").email == OLD

    def test_the_operator_can_change_an_address_and_its_owner_can_cancel(self, env: Environment) -> None:
        app = env.app_with(EMAIL_POLICY="off")
        ann = env.person(app=app)
        start = ["email", "start", OLD, NEW, "--reason", "a new mailbox"]
        assert run_flask(app, *start).exit_code == 0
        assert 'form="cancel-form"' in ann.page().text
        assert ann.cancel().status == 200
        assert run_flask(app, *start).exit_code == 0
        env.clock.advance(days=1)
        assert env.visitor(app=app).post(env.links_to(NEW, "prove")[-1]).status == 200
        assert env.account("ann").email == NEW

    def test_an_earlier_change_can_be_undone(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        visitor = env.visitor(app=env.app_with(EMAIL_POLICY="off"))
        assert visitor.post(env.links_to(OLD, "undo")[-1]).status == 200
        assert env.account("ann").email == OLD


class TestRoles:
    """Policies for each role."""

    def test_each_role_has_its_policy(self, env: Environment) -> None:
        app = env.app_with(EMAIL_POLICY="editor=new,superuser=both")
        env.administrator("boss@example.com", superuser=True)
        boss, ann = env.signed_in("boss@example.com", app=app), env.person(app=app)
        boss.ask(OTHER)
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        assert boss.confirm(OTHER, env.code_to(OTHER)).error == "code_missing"
        assert boss.confirm(OTHER, "", old_captcha=env.code_to("boss@example.com")).status == 200

    def test_a_new_role_requires_its_policy_for_a_pending_change(self, env: Environment) -> None:
        ann = env.person(app=env.app_with(EMAIL_POLICY="editor=new,superuser=both"))
        ann.ask(NEW)
        code = env.code_to(NEW)
        env.update_account(OLD, is_superuser=True)
        assert ann.confirm(NEW, code).error == "code_expired"
        assert ann.address() == OLD
        env.clock.advance(seconds=60)
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW), old_captcha=find_old_code(env)).status == 200

    def test_a_stricter_policy_applies_to_pending_changes(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(NEW)
        strict = env.visitor(OLD, app=env.build(EMAIL_POLICY="both"))
        strict.browser.cookies.update(ann.browser.cookies)
        assert strict.confirm(NEW, env.code_to(NEW)).error == "code_expired"
        assert env.account("ann").email == OLD

    @pytest.mark.parametrize("policy", ["new", "both"])
    def test_the_page_has_fields_for_the_codes_that_the_policy_requires(self, env: Environment, policy: str) -> None:
        page = env.person(app=env.build(EMAIL_POLICY=policy)).page().text
        assert ('name="old_captcha"' in page) is (policy == "both")

    @pytest.mark.parametrize(
        ("policy", "printed"),
        [
            ("new", ["editor: a code from the new address", "superuser: a code from the new address"]),
            ("both", ["editor: a code from both addresses", "superuser: a code from both addresses"]),
            (
                "superuser=both,editor=new",
                ["editor: a code from the new address", "superuser: a code from both addresses"],
            ),
            (
                "editor=off,superuser=new",
                ["editor: only the operator changes addresses", "superuser: a code from the new address"],
            ),
        ],
    )
    def test_a_command_prints_the_policy(self, sqlite_env: Environment, policy: str, printed: list[str]) -> None:
        app = sqlite_env.build(EMAIL_POLICY=policy)
        result = app.test_cli_runner().invoke(args=["email", "policy"])
        assert (result.exit_code, sorted(result.output.splitlines())) == (0, printed)

    @pytest.mark.parametrize(
        "policy",
        ["old", "editor=both", "editor=new,superuser=none", "new,both", "", "editor=new,editor=off,superuser=new"],
    )
    def test_an_invalid_policy_prevents_the_start(self, sqlite_env: Environment, policy: str) -> None:
        with pytest.raises(SystemExit, match="EMAIL_POLICY"):
            sqlite_env.build(EMAIL_POLICY=policy)
