"""The command line has the same rules as the pages, sends the same mails, and is recorded in the history.

Tests that need a separate process (standard input, exit codes, the start) are in tests/live/test_serving.py.
"""

import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from flask.cli import FlaskGroup
from sqlalchemy import select

from models import CMSUser, EmailChange, Mail
from tests.actors import PASSWORD, different_code, link_in, text_of
from tests.environments import Environment, broken_histories
from tests.stories.admin_steps import BOSS, NEW, act, create_many, history, id_of, newest_row, superuser

ANN = "ann@example.com"
NEW_PASSWORD = "several words of mine"
REASON = ("--reason", "a call from the person")


def invoke_command(env: Environment, *words: str, typed: str = "") -> Result:
    """Run `flask ...` on the application of the environment."""
    return CliRunner().invoke(FlaskGroup(create_app=lambda: env.app), words, input=typed)


def run_command(env: Environment, *words: str, typed: str = "") -> str:
    """Run `flask ...`, which must succeed, and return its output."""
    result = invoke_command(env, *words, typed=typed)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def _verify_histories(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check after every test that all histories are intact."""
    name = "env" if "env" in request.fixturenames else "sqlite_env"
    env: Environment = request.getfixturevalue(name)
    yield
    with env.app.app_context():
        assert broken_histories() == []


def assert_recorded(env: Environment, event: str, **detail: str) -> None:
    """Check that the newest row of ann's history is this event, with the operator as actor and the reason."""
    row = newest_row(env, ANN)
    assert (row.event, row.actor_id) == (event, None)
    assert row.detail.items() >= {"reason": REASON[1], **detail}.items()


class TestAdmin:
    """The commands `flask admin ...`."""

    def test_an_administrator_is_created_and_recorded_in_the_history(self, sqlite_env: Environment) -> None:
        run_command(
            sqlite_env,
            "admin",
            "create",
            "Ann@Example.COM",
            "--username",
            "ann",
            "--superuser",
            typed=f"{NEW_PASSWORD}\n",
        )
        row = newest_row(sqlite_env, "Ann@example.com")
        assert (row.event, row.detail) == ("administrator_created", {"superuser": True})
        assert sqlite_env.visitor("ann@example.com", password=NEW_PASSWORD).sign_in().status == 200

    def test_an_invalid_password_is_refused(self, sqlite_env: Environment) -> None:
        for password in (ANN, "annabella", "", "short", "password"):
            result = invoke_command(
                sqlite_env, "admin", "create", ANN, "--username", "annabella", typed=f"{password}\n"
            )
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), password
        assert sqlite_env.rows(select(CMSUser.id)) == []

    def test_an_invalid_username_is_refused(self, sqlite_env: Environment) -> None:
        for name in ("a b", "x", "x" * 21, "", "a\x07b", "\ufdfa" * 20):
            result = invoke_command(sqlite_env, "admin", "create", ANN, "--username", name, typed=f"{NEW_PASSWORD}\n")
            assert (result.exit_code, result.output[:19]) == (1, "Error: --username: "), name
        assert sqlite_env.rows(select(CMSUser.id)) == []

    def test_the_operator_can_use_a_reserved_username(self, sqlite_env: Environment) -> None:
        run_command(sqlite_env, "admin", "create", ANN, "--username", "admin", typed=f"{NEW_PASSWORD}\n")
        assert sqlite_env.account("admin").email == ANN

    def test_a_taken_address_or_username_is_refused(self, env: Environment) -> None:
        env.administrator(ANN)
        for email, name, word in (
            ("ANN@example.com", "other", "email_taken"),
            ("other@example.com", "Ann", "username_taken"),
        ):
            result = invoke_command(env, "admin", "create", email, "--username", name, typed=f"{NEW_PASSWORD}\n")
            assert result.output.startswith(f"Error: Refused ({word}): This ")
        assert len(env.rows(select(CMSUser.id))) == 1

    def test_all_administrators_are_listed(self, env: Environment) -> None:
        create_many(env, 120)
        env.administrator(ANN)
        superuser(env)
        env.update_account(ANN, is_active=False)
        rows = [line.split("\t") for line in run_command(env, "admin", "list").splitlines()]
        assert [row[1] for row in rows] == ["ann", "boss", *(f"user-{number:06}" for number in range(1, 121))]
        assert rows[0][1:] == ["ann", ANN, "editor", "disabled"]
        assert rows[1][1:] == ["boss", BOSS, "superuser", "active"]
        assert [line.split("\t")[1] for line in run_command(env, "admin", "list", "--begins", "BO").splitlines()] == [
            "boss"
        ]

    def test_an_administrator_can_be_disabled_and_enabled(self, env: Environment) -> None:
        ann = env.person()
        assert run_command(env, "admin", "disable", "ANN@example.com", *REASON) == "Done.\n"
        assert_recorded(env, "disabled", by="-")
        assert ann.get_as_script().error == "sign_in_required"
        assert run_command(env, "admin", "enable", ANN, *REASON) == "Done.\n"
        assert_recorded(env, "enabled", by="-")
        assert env.visitor(ANN).sign_in().status == 200
        for mail in env.mail_to(ANN):
            assert REASON[1] in text_of(mail)
        assert len(env.mail_to(ANN)) == 2

    def test_the_role_of_an_administrator_can_be_changed(self, sqlite_env: Environment) -> None:
        superuser(sqlite_env)
        ann = sqlite_env.person()
        for role, status in (("superuser", 200), ("editor", 403)):
            run_command(sqlite_env, "admin", "role", ANN, role, *REASON)
            assert_recorded(sqlite_env, f"made_{role}", by="-")
            assert ann.page("/cms/users/").status == status
            assert REASON[1] in text_of(sqlite_env.mail_to(ANN)[-1])

    def test_the_last_superuser_cannot_be_demoted_or_disabled(self, env: Environment) -> None:
        superuser(env)
        superuser(env, "disabled@example.com")
        env.update_account("disabled@example.com", is_active=False)
        before = newest_row(env, BOSS)
        for words in (("role", BOSS, "editor"), ("disable", BOSS)):
            result = invoke_command(env, "admin", *words, *REASON)
            assert result.exit_code == 1
            assert result.output == (
                "Error: Refused (last_superuser): This is the last superuser. At least one superuser is required.\n"
            )
        stored = env.account("boss")
        assert (stored.is_superuser, stored.is_active, newest_row(env, BOSS)) == (True, True, before)
        assert env.mail_to(BOSS) == []

    def test_setting_a_password_ends_all_sessions_and_notifies_the_administrator(self, env: Environment) -> None:
        ann = env.person()
        ann.post("/cms/forgotpwd/", {"email": ANN})
        (link,) = env.links_to(ANN, "forgotpwd")
        output = run_command(env, "admin", "set-password", ANN, *REASON, typed=f"{NEW_PASSWORD}\n")
        assert NEW_PASSWORD not in output
        assert_recorded(env, "password_set", by="-")
        assert ann.get_as_script().error == "sign_in_required"
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        assert env.visitor(ANN, password=NEW_PASSWORD).sign_in().status == 200
        assert env.visitor().page(link).status == 410
        mails = env.mail_to(ANN)
        assert len(mails) == 2
        assert NEW_PASSWORD not in text_of(mails[1])
        assert REASON[-1] in text_of(mails[1])

    def test_an_invalid_password_cannot_be_set(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN, username="annabella")
        for password in (ANN, "annabella", "", "short", "password"):
            result = invoke_command(sqlite_env, "admin", "set-password", ANN, *REASON, typed=f"{password}\n")
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), password
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert sqlite_env.mail_to(ANN) == []

    def test_the_demo_command_prints_its_password_until_it_is_changed(self, sqlite_env: Environment) -> None:
        output = run_command(sqlite_env, "admin", "demo")
        email, password = output.split()[2], output.split()[-1]
        demo = sqlite_env.visitor(email, password=password)
        assert demo.sign_in().status == 200
        assert newest_row(sqlite_env, email).event == "signed_in"
        changed = {"oldpwd": password, "password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
        assert demo.post("/cms/resetpwd/", changed).status == 200
        assert run_command(sqlite_env, "admin", "demo") == ""


class TestEmail:
    """The commands `flask email ...`."""

    def test_pending_changes_are_listed_until_they_expire(self, env: Environment) -> None:
        assert run_command(env, "email", "pending") == ""
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, different_code(env.code_to(NEW)))
        (line,) = run_command(env, "email", "pending").splitlines()
        assert line == f"{ANN} -> {NEW}\trequested {env.clock.now():%Y-%m-%d %H:%M} UTC\ttries 1"
        env.clock.advance(seconds=600)
        assert run_command(env, "email", "pending") == ""

    def test_a_pending_change_can_be_cancelled_with_a_reason(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        run_command(sqlite_env, "email", "cancel", ANN, *REASON)
        assert_recorded(sqlite_env, "change_dropped", by="-")
        refused = ann.confirm(NEW, code)
        assert (refused.error, refused.data["by"]) == ("change_dropped", "")
        assert REASON[1] in text_of(sqlite_env.mail_to(ANN)[-1])
        assert REASON[1] in ann.page("/cms/security/").text

    def test_spent_tries_can_be_reset(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        for _ in range(2):
            ann.ask(NEW)
            wrong = different_code(sqlite_env.code_to(NEW))
            for _ in range(5):
                ann.confirm(NEW, wrong)
            sqlite_env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "too_many_attempts"
        run_command(sqlite_env, "email", "unlock", ANN, *REASON)
        assert_recorded(sqlite_env, "unlocked", by="-")
        assert REASON[1] in text_of(sqlite_env.mail_to(ANN)[-1])
        assert ann.ask(NEW).status == 200
        assert ann.confirm(NEW, sqlite_env.code_to(NEW)).status == 200

    def test_a_freeze_can_be_ended(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ann.ask(NEW)
        ann.confirm(NEW, sqlite_env.code_to(NEW))
        assert sqlite_env.visitor().post(sqlite_env.links_to(ANN, "undo")[0]).status == 200
        run_command(sqlite_env, "admin", "set-password", ANN, *REASON, typed=f"{PASSWORD}\n")
        ann = sqlite_env.signed_in(ANN)
        sqlite_env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "changes_frozen"
        run_command(sqlite_env, "email", "unlock", ANN, *REASON)
        assert ann.ask(NEW).status == 200

    def test_a_history_is_printed_newest_first(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person(network="192.0.2.44")
        ann.ask(NEW)
        run_command(sqlite_env, "email", "cancel", ANN, *REASON)
        lines = run_command(sqlite_env, "email", "history", ANN).splitlines()
        assert [line.split("\t")[1].split()[0] for line in lines] == [
            "change_dropped",
            "code_requested",
            "signed_in",
            "administrator_created",
        ]
        assert lines[0].endswith(f"\t-\tcommand line\tby the operator; reason: {REASON[1]}")
        assert "\t192.0.2.44\t" in lines[1]
        assert sqlite_env.code_to(NEW) not in "\n".join(lines)

    def test_a_history_is_printed_with_times_counts_sentences_and_details(self, sqlite_env: Environment) -> None:
        """The columns are times, event and count, sentence, network, browser, and details."""
        ann, boss = sqlite_env.person(), superuser(sqlite_env)
        first = sqlite_env.clock.now()
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        ann.confirm(NEW, different_code(code))
        sqlite_env.clock.advance(seconds=61)
        ann.confirm(NEW, different_code(code))
        assert act(boss, sqlite_env, ANN, "disable", "left the team").status == 200
        rows = [line.split("\t") for line in run_command(sqlite_env, "email", "history", ANN).splitlines()]
        assert [len(row) for row in rows] == [6] * len(rows)
        now = f"{sqlite_env.clock.now():%Y-%m-%d %H:%M:%S} UTC"
        assert rows[0][:4] == [now, "disabled x1", "Account disabled", "203.0.113.5"]
        assert rows[0][5] == "by boss; reason: left the team"
        assert rows[1][:3] == [f"{first:%Y-%m-%d %H:%M:%S} - {now}", "code_wrong x2", "Incorrect code"]
        assert rows[1][5] == f"email: {NEW}"

    @pytest.mark.parametrize(
        ("settings", "site"),
        [({}, "http://localhost:5000/"), ({"SITE_URL": "https://cms.example.com"}, "https://cms.example.com/")],
        ids=["development", "SITE_URL"],
    )
    def test_a_change_can_be_started_and_its_links_begin_with_the_url_of_the_site(
        self, sqlite_env: Environment, settings: dict[str, str], site: str
    ) -> None:
        sqlite_env.administrator(ANN)
        app = sqlite_env.build(**settings)
        result = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["email", "start", ANN, NEW, *REASON])
        assert result.output == "Done.\n"
        assert_recorded(sqlite_env, "change_started", email=NEW, by="")
        (notice,) = sqlite_env.mail_to(ANN)
        assert REASON[1] in text_of(notice)
        assert f"{site}cms/resetemail/stop/" in text_of(notice)
        assert sqlite_env.mail_to(NEW) == []
        sqlite_env.clock.advance(hours=24)
        (proof,) = sqlite_env.mail_to(NEW)
        assert f"{site}cms/resetemail/prove/" in text_of(proof)
        assert sqlite_env.visitor().post(link_in(proof)).status == 200
        assert sqlite_env.visitor(NEW).sign_in().status == 200

    def test_a_refused_change_is_reported_in_one_line_and_changes_nothing(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        sqlite_env.administrator(BOSS)
        for new, line in (
            (ANN, "Refused (same_email): This is already the email address of the account."),
            (BOSS, "Refused (email_taken): This address belongs to another account."),
            ("not an address", "Invalid address 'not an address': Enter a valid email address."),
        ):
            result = invoke_command(sqlite_env, "email", "start", ANN, new, *REASON)
            assert (result.exit_code, result.output) == (1, f"Error: {line}\n")
        assert sqlite_env.rows(select(EmailChange.id)) == []
        assert sqlite_env.rows(select(Mail.id)) == []


CHINESE = re.compile(r"[\u4e00-\u9fff]")


class TestLanguage:
    """The command line is in English, and its mails are in the language of the recipient."""

    def test_errors_of_forms_are_in_english(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        for words, typed in (
            (("admin", "create", "not an address", "--username", "bob"), ""),
            (("admin", "create", NEW, "--username", "x"), ""),
            (("admin", "create", NEW, "--username", "bob"), "short\n"),
            (("admin", "disable", ANN, "--reason", " "), ""),
            (("admin", "disable", "not an address", *REASON), ""),
            (("admin", "set-password", ANN, *REASON), "password\n"),
            (("email", "start", ANN, "not an address", *REASON), ""),
        ):
            result = invoke_command(sqlite_env, *words, typed=typed)
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), words
            assert not CHINESE.search(result.output), result.output
            assert re.search(r"[A-Z][a-z]* .*[.!?)]\n$", result.output), result.output

    @pytest.mark.parametrize(("language", "is_chinese"), [(None, True), ("zh", True), ("en", False)])
    def test_mails_are_in_the_language_of_the_recipient(
        self, sqlite_env: Environment, language: str | None, is_chinese: bool
    ) -> None:
        sqlite_env.administrator(ANN)
        sqlite_env.update_account(ANN, language=language)
        run_command(sqlite_env, "admin", "role", ANN, "superuser", *REASON)
        run_command(sqlite_env, "admin", "set-password", ANN, *REASON, typed=f"{NEW_PASSWORD}\n")
        run_command(sqlite_env, "email", "start", ANN, NEW, *REASON)
        mails = sqlite_env.mail_to(ANN)
        assert len(mails) == 3
        assert [bool(CHINESE.search(str(mail["Subject"]))) for mail in mails] == [is_chinese] * 3
        assert [bool(CHINESE.search(text_of(mail))) for mail in mails] == [is_chinese] * 3

    def test_an_address_that_is_reserved_for_its_former_owner_is_refused_in_one_line(
        self, sqlite_env: Environment
    ) -> None:
        """The use case refuses it, and not the database."""
        ann = sqlite_env.person()
        ann.ask(NEW)
        ann.confirm(NEW, sqlite_env.code_to(NEW))
        result = invoke_command(sqlite_env, "admin", "create", ANN, "--username", "bob", typed=f"{NEW_PASSWORD}\n")
        assert result.output == "Error: Refused (email_taken): This address belongs to another account.\n"
        assert result.exit_code == 1


CHANGING_COMMANDS = [
    ("admin", "disable", ANN),
    ("admin", "enable", ANN),
    ("admin", "role", ANN, "superuser"),
    ("admin", "set-password", ANN),
    ("email", "cancel", ANN),
    ("email", "unlock", ANN),
    ("email", "start", ANN, NEW),
]


def test_commands_require_a_reason_and_a_known_address(sqlite_env: Environment) -> None:
    sqlite_env.administrator(ANN)
    for words in CHANGING_COMMANDS:
        assert invoke_command(sqlite_env, *words, typed=NEW_PASSWORD).exit_code == 2, words
        for reason in ("", "  ", "x" * 201):
            result = invoke_command(sqlite_env, *words, "--reason", reason, typed=NEW_PASSWORD)
            assert result.exit_code == 1, words
            assert re.fullmatch(r"Error: --reason: .+\n", result.output), result.output
        unknown = [word.replace(ANN, "nobody@example.com") for word in words]
        result = invoke_command(sqlite_env, *unknown, *REASON, typed=NEW_PASSWORD)
        assert result.output == "Error: No administrator has the address nobody@example.com.\n"
    assert [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))] == ["administrator_created"]
    assert sqlite_env.rows(select(Mail.id)) == []
