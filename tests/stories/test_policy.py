"""EMAIL_POLICY: which codes a change requires, for each role."""

import pytest

from models import Audit, EmailChange, db
from tests.actors import Person, code_in, different_code
from tests.environments import Environment

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
        ],
    )
    def test_a_command_prints_the_policy(self, sqlite_env: Environment, policy: str, printed: list[str]) -> None:
        app = sqlite_env.build(EMAIL_POLICY=policy)
        result = app.test_cli_runner().invoke(args=["email", "policy"])
        assert (result.exit_code, sorted(result.output.splitlines())) == (0, printed)

    @pytest.mark.parametrize("policy", ["old", "editor=both", "editor=new,superuser=none", "new,both", ""])
    def test_an_invalid_policy_prevents_the_start(self, sqlite_env: Environment, policy: str) -> None:
        with pytest.raises(SystemExit, match="EMAIL_POLICY"):
            sqlite_env.build(EMAIL_POLICY=policy)
