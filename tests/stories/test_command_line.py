"""The command line: the same rules as on the pages, mails to the administrator, rows in the history.

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
FRESH = "several words of mine"
BECAUSE = ("--reason", "a call from the person")


def invoke_command(env: Environment, *words: str, typed: str = "") -> Result:
    """Run `flask ...` on the application of the environment."""
    return CliRunner().invoke(FlaskGroup(create_app=lambda: env.app), words, input=typed)


def run_command(env: Environment, *words: str, typed: str = "") -> str:
    """Run `flask ...`, which must succeed, and return its output."""
    result = invoke_command(env, *words, typed=typed)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def _whole_histories(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look, after every test, whether the histories of all administrators are whole."""
    name = "env" if "env" in request.fixturenames else "sqlite_env"
    env: Environment = request.getfixturevalue(name)
    yield
    with env.app.app_context():
        assert broken_histories() == []


def is_told(env: Environment, event: str, **detail: str) -> None:
    """See that the newest row of ann's history tells of an operator who did this, and why."""
    row = newest_row(env, ANN)
    assert (row.event, row.actor_id) == (event, None)
    assert row.detail.items() >= {"reason": BECAUSE[1], **detail}.items()


class TestAdmin:
    """`flask admin ...`."""

    def test_one_is_made_and_the_history_knows(self, sqlite_env: Environment) -> None:
        run_command(
            sqlite_env, "admin", "create", "Ann@Example.COM", "--username", "ann", "--superuser", typed=f"{FRESH}\n"
        )
        row = newest_row(sqlite_env, "Ann@example.com")
        assert (row.event, row.detail) == ("administrator_created", {"superuser": True})
        assert sqlite_env.visitor("ann@example.com", password=FRESH).sign_in().status == 200

    def test_a_password_that_a_page_would_refuse_is_refused(self, sqlite_env: Environment) -> None:
        for password in (ANN, "annabella", "", "short", "password"):
            result = invoke_command(
                sqlite_env, "admin", "create", ANN, "--username", "annabella", typed=f"{password}\n"
            )
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), password
        assert sqlite_env.rows(select(CMSUser.id)) == []

    def test_a_name_that_a_page_would_refuse_is_refused(self, sqlite_env: Environment) -> None:
        for name in ("a b", "x", "x" * 21, "", "a\x07b", "\ufdfa" * 20):
            result = invoke_command(sqlite_env, "admin", "create", ANN, "--username", name, typed=f"{FRESH}\n")
            assert (result.exit_code, result.output[:19]) == (1, "Error: --username: "), name
        assert sqlite_env.rows(select(CMSUser.id)) == []

    def test_the_operator_may_give_a_reserved_name(self, sqlite_env: Environment) -> None:
        run_command(sqlite_env, "admin", "create", ANN, "--username", "admin", typed=f"{FRESH}\n")
        assert sqlite_env.account("admin").email == ANN

    def test_an_address_or_a_name_that_somebody_has_is_refused(self, env: Environment) -> None:
        env.administrator(ANN)
        for email, name, word in (
            ("ANN@example.com", "other", "email_taken"),
            ("other@example.com", "Ann", "username_taken"),
        ):
            result = invoke_command(env, "admin", "create", email, "--username", name, typed=f"{FRESH}\n")
            assert result.output.startswith(f"Error: Refused ({word}): This ")
        assert len(env.rows(select(CMSUser.id))) == 1

    def test_all_are_listed_however_many(self, env: Environment) -> None:
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

    def test_one_is_disabled_and_enabled(self, env: Environment) -> None:
        ann = env.person()
        assert run_command(env, "admin", "disable", "ANN@example.com", *BECAUSE) == "Done.\n"
        is_told(env, "disabled", by="-")
        assert ann.get_as_script().error == "sign_in_required"
        assert run_command(env, "admin", "enable", ANN, *BECAUSE) == "Done.\n"
        is_told(env, "enabled", by="-")
        assert env.visitor(ANN).sign_in().status == 200
        for mail in env.mail_to(ANN):
            assert BECAUSE[1] in text_of(mail)
        assert len(env.mail_to(ANN)) == 2

    def test_a_role_is_given_and_taken(self, sqlite_env: Environment) -> None:
        superuser(sqlite_env)
        ann = sqlite_env.person()
        for role, status in (("superuser", 200), ("editor", 403)):
            run_command(sqlite_env, "admin", "role", ANN, role, *BECAUSE)
            is_told(sqlite_env, f"made_{role}", by="-")
            assert ann.page("/cms/users/").status == status
            assert BECAUSE[1] in text_of(sqlite_env.mail_to(ANN)[-1])

    def test_the_last_superuser_stays_one(self, env: Environment) -> None:
        superuser(env)
        superuser(env, "disabled@example.com")
        env.update_account("disabled@example.com", is_active=False)
        before = newest_row(env, BOSS)
        for words in (("role", BOSS, "editor"), ("disable", BOSS)):
            result = invoke_command(env, "admin", *words, *BECAUSE)
            assert result.exit_code == 1
            assert result.output == (
                "Error: Refused (last_superuser): This is the last superuser. At least one superuser is required.\n"
            )
        stored = env.account("boss")
        assert (stored.is_superuser, stored.is_active, newest_row(env, BOSS)) == (True, True, before)
        assert env.mail_to(BOSS) == []

    def test_a_password_is_set_and_its_person_told_and_signed_out(self, env: Environment) -> None:
        ann = env.person()
        ann.post("/cms/forgotpwd/", {"email": ANN})
        (link,) = env.links_to(ANN, "forgotpwd")
        output = run_command(env, "admin", "set-password", ANN, *BECAUSE, typed=f"{FRESH}\n")
        assert FRESH not in output
        is_told(env, "password_set", by="-")
        assert ann.get_as_script().error == "sign_in_required"
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        assert env.visitor(ANN, password=FRESH).sign_in().status == 200
        assert env.visitor().page(link).status == 410
        mails = env.mail_to(ANN)
        assert len(mails) == 2
        assert FRESH not in text_of(mails[1])
        assert BECAUSE[-1] in text_of(mails[1])

    def test_a_password_is_set_only_if_a_page_would_take_it(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN, username="annabella")
        for password in (ANN, "annabella", "", "short", "password"):
            result = invoke_command(sqlite_env, "admin", "set-password", ANN, *BECAUSE, typed=f"{password}\n")
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), password
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert sqlite_env.mail_to(ANN) == []

    def test_the_demonstration_says_its_password_until_it_is_changed(self, sqlite_env: Environment) -> None:
        told = run_command(sqlite_env, "admin", "demo")
        email, password = told.split()[2], told.split()[-1]
        demo = sqlite_env.visitor(email, password=password)
        assert demo.sign_in().status == 200
        assert newest_row(sqlite_env, email).event == "signed_in"
        changed = {"oldpwd": password, "password": FRESH, "repetition": FRESH}
        assert demo.post("/cms/resetpwd/", changed).status == 200
        assert run_command(sqlite_env, "admin", "demo") == ""


class TestEmail:
    """`flask email ...`."""

    def test_pending_changes_are_listed_while_they_can_be_finished(self, env: Environment) -> None:
        assert run_command(env, "email", "pending") == ""
        ann = env.person()
        ann.ask(NEW)
        ann.confirm(NEW, different_code(env.code_to(NEW)))
        (line,) = run_command(env, "email", "pending").splitlines()
        assert line == f"{ANN} -> {NEW}\trequested {env.clock.now():%Y-%m-%d %H:%M} UTC\ttries 1"
        env.clock.advance(seconds=600)
        assert run_command(env, "email", "pending") == ""

    def test_one_is_cancelled_and_its_owner_sees_why(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        run_command(sqlite_env, "email", "cancel", ANN, *BECAUSE)
        is_told(sqlite_env, "change_dropped", by="-")
        refused = ann.confirm(NEW, code)
        assert (refused.error, refused.data["by"]) == ("change_dropped", "")
        assert BECAUSE[1] in text_of(sqlite_env.mail_to(ANN)[-1])
        assert BECAUSE[1] in ann.page("/cms/security/").text

    def test_spent_tries_are_given_back(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        for _ in range(2):
            ann.ask(NEW)
            wrong = different_code(sqlite_env.code_to(NEW))
            for _ in range(5):
                ann.confirm(NEW, wrong)
            sqlite_env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "too_many_attempts"
        run_command(sqlite_env, "email", "unlock", ANN, *BECAUSE)
        is_told(sqlite_env, "unlocked", by="-")
        assert BECAUSE[1] in text_of(sqlite_env.mail_to(ANN)[-1])
        assert ann.ask(NEW).status == 200
        assert ann.confirm(NEW, sqlite_env.code_to(NEW)).status == 200

    def test_a_freeze_is_ended(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ann.ask(NEW)
        ann.confirm(NEW, sqlite_env.code_to(NEW))
        assert sqlite_env.visitor().post(sqlite_env.links_to(ANN, "undo")[0]).status == 200
        run_command(sqlite_env, "admin", "set-password", ANN, *BECAUSE, typed=f"{PASSWORD}\n")
        ann = sqlite_env.signed_in(ANN)
        sqlite_env.clock.advance(seconds=60)
        assert ann.ask(NEW).error == "changes_frozen"
        run_command(sqlite_env, "email", "unlock", ANN, *BECAUSE)
        assert ann.ask(NEW).status == 200

    def test_a_history_is_printed_from_its_newest_row_on(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person(network="192.0.2.44")
        ann.ask(NEW)
        run_command(sqlite_env, "email", "cancel", ANN, *BECAUSE)
        lines = run_command(sqlite_env, "email", "history", ANN).splitlines()
        assert [line.split("\t")[1].split()[0] for line in lines] == [
            "change_dropped",
            "code_requested",
            "signed_in",
            "administrator_created",
        ]
        assert lines[0].endswith(f"\t-\tcommand line\tby the operator; reason: {BECAUSE[1]}")
        assert "\t192.0.2.44\t" in lines[1]
        assert sqlite_env.code_to(NEW) not in "\n".join(lines)

    def test_a_history_is_printed_in_words(self, sqlite_env: Environment) -> None:
        """When, how often, what, from where, who did it and why; the stable word stays where it was."""
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
        ("settings", "begin"),
        [({}, "http://127.0.0.1:5000/"), ({"SITE_URL": "https://cms.example.com"}, "https://cms.example.com/")],
        ids=["in development", "with SITE_URL"],
    )
    def test_a_change_is_started_with_links_that_lead_somewhere(
        self, sqlite_env: Environment, settings: dict[str, str], begin: str
    ) -> None:
        sqlite_env.administrator(ANN)
        app = sqlite_env.build(**settings)
        result = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["email", "start", ANN, NEW, *BECAUSE])
        assert result.output == "Done.\n"
        is_told(sqlite_env, "change_started", email=NEW, by="")
        (told,) = sqlite_env.mail_to(ANN)
        assert BECAUSE[1] in text_of(told)
        assert f"{begin}cms/resetemail/stop/" in text_of(told)
        assert sqlite_env.mail_to(NEW) == []
        sqlite_env.clock.advance(hours=24)
        (proof,) = sqlite_env.mail_to(NEW)
        assert f"{begin}cms/resetemail/prove/" in text_of(proof)
        assert sqlite_env.visitor().post(link_in(proof)).status == 200
        assert sqlite_env.visitor(NEW).sign_in().status == 200

    def test_a_change_that_cannot_be_is_refused_in_one_line_and_leaves_no_trace(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        sqlite_env.administrator(BOSS)
        for new, line in (
            (ANN, "Refused (same_email): This is already the email address of the account."),
            (BOSS, "Refused (email_taken): This address belongs to another account."),
            ("no address", "Invalid address 'no address': Enter a valid email address."),
        ):
            result = invoke_command(sqlite_env, "email", "start", ANN, new, *BECAUSE)
            assert (result.exit_code, result.output) == (1, f"Error: {line}\n")
        assert sqlite_env.rows(select(EmailChange.id)) == []
        assert sqlite_env.rows(select(Mail.id)) == []


CHINESE = re.compile(r"[\u4e00-\u9fff]")


class TestLanguage:
    """The command line speaks English; its mails speak the language of who reads them."""

    def test_what_a_form_refuses_is_said_in_english(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        for words, typed in (
            (("admin", "create", "no address", "--username", "bob"), ""),
            (("admin", "create", NEW, "--username", "x"), ""),
            (("admin", "create", NEW, "--username", "bob"), "short\n"),
            (("admin", "disable", ANN, "--reason", " "), ""),
            (("admin", "disable", "no address", *BECAUSE), ""),
            (("admin", "set-password", ANN, *BECAUSE), "password\n"),
            (("email", "start", ANN, "no address", *BECAUSE), ""),
        ):
            result = invoke_command(sqlite_env, *words, typed=typed)
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), words
            assert not CHINESE.search(result.output), result.output
            assert re.search(r"[A-Z][a-z]* .*[.!?)]\n$", result.output), result.output

    @pytest.mark.parametrize(("language", "is_chinese"), [(None, True), ("zh", True), ("en", False)])
    def test_a_mail_speaks_the_language_of_its_reader(
        self, sqlite_env: Environment, language: str | None, is_chinese: bool
    ) -> None:
        sqlite_env.administrator(ANN)
        sqlite_env.update_account(ANN, language=language)
        run_command(sqlite_env, "admin", "role", ANN, "superuser", *BECAUSE)
        run_command(sqlite_env, "admin", "set-password", ANN, *BECAUSE, typed=f"{FRESH}\n")
        run_command(sqlite_env, "email", "start", ANN, NEW, *BECAUSE)
        mails = sqlite_env.mail_to(ANN)
        assert len(mails) == 3
        assert [bool(CHINESE.search(str(mail["Subject"]))) for mail in mails] == [is_chinese] * 3
        assert [bool(CHINESE.search(text_of(mail))) for mail in mails] == [is_chinese] * 3

    def test_a_refusal_outside_the_ordinary_ones_is_one_line_too(self, sqlite_env: Environment) -> None:
        """An address that its former owner may still want back: the use case refuses it, and not the database."""
        ann = sqlite_env.person()
        ann.ask(NEW)
        ann.confirm(NEW, sqlite_env.code_to(NEW))
        result = invoke_command(sqlite_env, "admin", "create", ANN, "--username", "bob", typed=f"{FRESH}\n")
        assert result.output == "Error: Refused (email_taken): This address belongs to another account.\n"
        assert result.exit_code == 1


WHATEVER_CHANGES = [
    ("admin", "disable", ANN),
    ("admin", "enable", ANN),
    ("admin", "role", ANN, "superuser"),
    ("admin", "set-password", ANN),
    ("email", "cancel", ANN),
    ("email", "unlock", ANN),
    ("email", "start", ANN, NEW),
]


def test_nothing_changes_without_a_reason_or_for_nobody(sqlite_env: Environment) -> None:
    sqlite_env.administrator(ANN)
    for words in WHATEVER_CHANGES:
        assert invoke_command(sqlite_env, *words, typed=FRESH).exit_code == 2, words
        for reason in ("", "  ", "x" * 201):
            result = invoke_command(sqlite_env, *words, "--reason", reason, typed=FRESH)
            assert result.exit_code == 1, words
            assert re.fullmatch(r"Error: --reason: .+\n", result.output), result.output
        nobody = [word.replace(ANN, "nobody@example.com") for word in words]
        result = invoke_command(sqlite_env, *nobody, *BECAUSE, typed=FRESH)
        assert result.output == "Error: No administrator has the address nobody@example.com.\n"
    assert [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))] == ["administrator_created"]
    assert sqlite_env.rows(select(Mail.id)) == []
