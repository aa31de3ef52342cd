"""The command line: what an operator does is done as on the pages, told its person, and written into the history.

What needs a process of its own (standard input, exit codes, the start) stands in tests/live/test_serving.py.
"""

import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from flask.cli import FlaskGroup
from sqlalchemy import select

from models import CMSUser, EmailChange, Mail
from tests.houses import House, broken_histories
from tests.people import PASSWORD, link_in, other_than, text_of
from tests.stories.office import BOSS, NEW, act, crowd, history, id_of, newest, superuser

ANN = "ann@example.com"
FRESH = "several words of mine"
BECAUSE = ("--reason", "a call from the person")


def flask(house: House, *words: str, typed: str = "") -> Result:
    """Run `flask ...` on the application of the house."""
    return CliRunner().invoke(FlaskGroup(create_app=lambda: house.app), words, input=typed)


def said(house: House, *words: str, typed: str = "") -> str:
    """Run `flask ...`; return what it said, if it went well."""
    result = flask(house, *words, typed=typed)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def _whole_histories(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look, after every test, whether the histories of all administrators are whole."""
    name = "house" if "house" in request.fixturenames else "small_house"
    house: House = request.getfixturevalue(name)
    yield
    with house.app.app_context():
        assert broken_histories() == []


def is_told(house: House, event: str, **detail: str) -> None:
    """See that the newest row of ann's history tells of an operator who did this, and why."""
    row = newest(house, ANN)
    assert (row.event, row.actor_id) == (event, None)
    assert row.detail.items() >= {"reason": BECAUSE[1], **detail}.items()


class TestAdmin:
    """`flask admin ...`."""

    def test_one_is_made_and_the_history_knows(self, small_house: House) -> None:
        said(small_house, "admin", "create", "Ann@Example.COM", "--username", "ann", "--superuser", typed=f"{FRESH}\n")
        row = newest(small_house, "Ann@example.com")
        assert (row.event, row.detail) == ("administrator_created", {"superuser": True})
        assert small_house.visitor("ann@example.com", password=FRESH).sign_in().status == 200

    def test_a_password_that_a_page_would_refuse_is_refused(self, small_house: House) -> None:
        for password in (ANN, "annabella", "", "short", "password"):
            result = flask(small_house, "admin", "create", ANN, "--username", "annabella", typed=f"{password}\n")
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), password
        assert small_house.rows(select(CMSUser.id)) == []

    def test_a_name_that_a_page_would_refuse_is_refused(self, small_house: House) -> None:
        for name in ("a b", "x", "x" * 21, "", "a\x07b", "\ufdfa" * 20):
            result = flask(small_house, "admin", "create", ANN, "--username", name, typed=f"{FRESH}\n")
            assert (result.exit_code, result.output[:19]) == (1, "Error: --username: "), name
        assert small_house.rows(select(CMSUser.id)) == []

    def test_the_operator_may_give_a_reserved_name(self, small_house: House) -> None:
        said(small_house, "admin", "create", ANN, "--username", "admin", typed=f"{FRESH}\n")
        assert small_house.stored("admin").email == ANN

    def test_an_address_or_a_name_that_somebody_has_is_refused(self, house: House) -> None:
        house.administrator(ANN)
        for email, name in (("ANN@example.com", "other"), ("other@example.com", "Ann")):
            result = flask(house, "admin", "create", email, "--username", name, typed=f"{FRESH}\n")
            assert result.output == "Error: An administrator with this address or username already exists.\n"
        assert len(house.rows(select(CMSUser.id))) == 1

    def test_all_are_listed_however_many(self, house: House) -> None:
        crowd(house, 120)
        house.administrator(ANN)
        superuser(house)
        house.change(ANN, is_active=False)
        rows = [line.split("\t") for line in said(house, "admin", "list").splitlines()]
        assert [row[1] for row in rows] == ["ann", "boss", *(f"user-{number:06}" for number in range(1, 121))]
        assert rows[0][1:] == ["ann", ANN, "editor", "disabled"]
        assert rows[1][1:] == ["boss", BOSS, "superuser", "active"]
        assert [line.split("\t")[1] for line in said(house, "admin", "list", "--begins", "BO").splitlines()] == ["boss"]

    def test_one_is_disabled_and_enabled(self, house: House) -> None:
        ann = house.person()
        assert said(house, "admin", "disable", "ANN@example.com", *BECAUSE) == "Done.\n"
        is_told(house, "disabled", by="-")
        assert ann.ask_as_script().error == "sign_in_required"
        assert said(house, "admin", "enable", ANN, *BECAUSE) == "Done.\n"
        is_told(house, "enabled", by="-")
        assert house.visitor(ANN).sign_in().status == 200
        for mail in house.mail_to(ANN):
            assert BECAUSE[1] in text_of(mail)
        assert len(house.mail_to(ANN)) == 2

    def test_a_role_is_given_and_taken(self, small_house: House) -> None:
        superuser(small_house)
        ann = small_house.person()
        for role, status in (("superuser", 200), ("editor", 403)):
            said(small_house, "admin", "role", ANN, role, *BECAUSE)
            is_told(small_house, f"made_{role}", by="-")
            assert ann.page("/cms/users/").status == status
            assert BECAUSE[1] in text_of(small_house.mail_to(ANN)[-1])

    def test_the_last_superuser_stays_one(self, house: House) -> None:
        superuser(house)
        superuser(house, "disabled@example.com")
        house.change("disabled@example.com", is_active=False)
        before = newest(house, BOSS)
        for words in (("role", BOSS, "editor"), ("disable", BOSS)):
            result = flask(house, "admin", *words, *BECAUSE)
            assert result.exit_code == 1
            assert result.output == (
                "Error: Refused (last_superuser): This is the last superuser. At least one superuser is required.\n"
            )
        stored = house.stored("boss")
        assert (stored.is_superuser, stored.is_active, newest(house, BOSS)) == (True, True, before)
        assert house.mail_to(BOSS) == []

    def test_a_password_is_set_and_its_person_told_and_signed_out(self, house: House) -> None:
        ann = house.person()
        ann.post("/cms/forgotpwd/", {"email": ANN})
        (link,) = house.links_to(ANN, "forgotpwd")
        output = said(house, "admin", "set-password", ANN, *BECAUSE, typed=f"{FRESH}\n")
        assert FRESH not in output
        is_told(house, "password_set", by="-")
        assert ann.ask_as_script().error == "sign_in_required"
        assert house.visitor(ANN).sign_in().error == "wrong_credentials"
        assert house.visitor(ANN, password=FRESH).sign_in().status == 200
        assert house.visitor().page(link).status == 410
        mails = house.mail_to(ANN)
        assert len(mails) == 2
        assert FRESH not in text_of(mails[1])
        assert BECAUSE[-1] in text_of(mails[1])

    def test_a_password_is_set_only_if_a_page_would_take_it(self, small_house: House) -> None:
        small_house.administrator(ANN, username="annabella")
        for password in (ANN, "annabella", "", "short", "password"):
            result = flask(small_house, "admin", "set-password", ANN, *BECAUSE, typed=f"{password}\n")
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), password
        assert small_house.visitor(ANN).sign_in().status == 200
        assert small_house.mail_to(ANN) == []

    def test_the_demonstration_says_its_password_until_it_is_changed(self, small_house: House) -> None:
        told = said(small_house, "admin", "demo")
        email, password = told.split()[2], told.split()[-1]
        demo = small_house.visitor(email, password=password)
        assert demo.sign_in().status == 200
        assert newest(small_house, email).event == "signed_in"
        changed = {"oldpwd": password, "password": FRESH, "repetition": FRESH}
        assert demo.post("/cms/resetpwd/", changed).status == 200
        assert said(small_house, "admin", "demo") == ""


class TestEmail:
    """`flask email ...`."""

    def test_pending_changes_are_listed_while_they_can_be_finished(self, house: House) -> None:
        assert said(house, "email", "pending") == ""
        ann = house.person()
        ann.ask(NEW)
        ann.confirm(NEW, other_than(house.code_to(NEW)))
        (line,) = said(house, "email", "pending").splitlines()
        assert line == f"{ANN} -> {NEW}\trequested {house.clock.now():%Y-%m-%d %H:%M} UTC\ttries 1"
        house.clock.turn(seconds=600)
        assert said(house, "email", "pending") == ""

    def test_one_is_cancelled_and_its_owner_sees_why(self, small_house: House) -> None:
        ann = small_house.person()
        ann.ask(NEW)
        code = small_house.code_to(NEW)
        said(small_house, "email", "cancel", ANN, *BECAUSE)
        is_told(small_house, "change_dropped", by="-")
        refused = ann.confirm(NEW, code)
        assert (refused.error, refused.data["by"]) == ("change_dropped", "")
        assert BECAUSE[1] in text_of(small_house.mail_to(ANN)[-1])
        assert BECAUSE[1] in ann.page("/cms/security/").text

    def test_spent_tries_are_given_back(self, small_house: House) -> None:
        ann = small_house.person()
        for _ in range(2):
            ann.ask(NEW)
            wrong = other_than(small_house.code_to(NEW))
            for _ in range(5):
                ann.confirm(NEW, wrong)
            small_house.clock.turn(seconds=60)
        assert ann.ask(NEW).error == "too_many_attempts"
        said(small_house, "email", "unlock", ANN, *BECAUSE)
        is_told(small_house, "unlocked", by="-")
        assert BECAUSE[1] in text_of(small_house.mail_to(ANN)[-1])
        assert ann.ask(NEW).status == 200
        assert ann.confirm(NEW, small_house.code_to(NEW)).status == 200

    def test_a_freeze_is_ended(self, small_house: House) -> None:
        ann = small_house.person()
        ann.ask(NEW)
        ann.confirm(NEW, small_house.code_to(NEW))
        assert small_house.visitor().post(small_house.links_to(ANN, "undo")[0]).status == 200
        said(small_house, "admin", "set-password", ANN, *BECAUSE, typed=f"{PASSWORD}\n")
        ann = small_house.signed_in(ANN)
        small_house.clock.turn(seconds=60)
        assert ann.ask(NEW).error == "changes_frozen"
        said(small_house, "email", "unlock", ANN, *BECAUSE)
        assert ann.ask(NEW).status == 200

    def test_a_history_is_printed_from_its_newest_row_on(self, small_house: House) -> None:
        ann = small_house.person(network="192.0.2.44")
        ann.ask(NEW)
        said(small_house, "email", "cancel", ANN, *BECAUSE)
        lines = said(small_house, "email", "history", ANN).splitlines()
        assert [line.split("\t")[1].split()[0] for line in lines] == [
            "change_dropped",
            "code_requested",
            "signed_in",
            "administrator_created",
        ]
        assert lines[0].endswith(f"\t-\tcommand line\tby the operator; reason: {BECAUSE[1]}")
        assert "\t192.0.2.44\t" in lines[1]
        assert small_house.code_to(NEW) not in "\n".join(lines)

    def test_a_history_is_printed_in_words(self, small_house: House) -> None:
        """When, how often, what, from where, who did it and why; the stable word stays where it was."""
        ann, boss = small_house.person(), superuser(small_house)
        first = small_house.clock.now()
        ann.ask(NEW)
        code = small_house.code_to(NEW)
        ann.confirm(NEW, other_than(code))
        small_house.clock.turn(seconds=61)
        ann.confirm(NEW, other_than(code))
        assert act(boss, small_house, ANN, "disable", "left the team").status == 200
        rows = [line.split("\t") for line in said(small_house, "email", "history", ANN).splitlines()]
        assert [len(row) for row in rows] == [6] * len(rows)
        now = f"{small_house.clock.now():%Y-%m-%d %H:%M:%S} UTC"
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
        self, small_house: House, settings: dict[str, str], begin: str
    ) -> None:
        small_house.administrator(ANN)
        app = small_house.build(**settings)
        result = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["email", "start", ANN, NEW, *BECAUSE])
        assert result.output == "Done.\n"
        is_told(small_house, "change_started", email=NEW, by="")
        (told,) = small_house.mail_to(ANN)
        assert BECAUSE[1] in text_of(told)
        assert f"{begin}cms/resetemail/stop/" in text_of(told)
        assert small_house.mail_to(NEW) == []
        small_house.clock.turn(hours=24)
        (proof,) = small_house.mail_to(NEW)
        assert f"{begin}cms/resetemail/prove/" in text_of(proof)
        assert small_house.visitor().post(link_in(proof)).status == 200
        assert small_house.visitor(NEW).sign_in().status == 200

    def test_a_change_that_cannot_be_is_refused_in_one_line_and_leaves_no_trace(self, small_house: House) -> None:
        small_house.administrator(ANN)
        small_house.administrator(BOSS)
        for new, line in (
            (ANN, "Refused (same_email): This is already the email address of the account."),
            (BOSS, "Refused (email_taken): This address belongs to another account."),
            ("no address", "Invalid address 'no address': Enter a valid email address."),
        ):
            result = flask(small_house, "email", "start", ANN, new, *BECAUSE)
            assert (result.exit_code, result.output) == (1, f"Error: {line}\n")
        assert small_house.rows(select(EmailChange.id)) == []
        assert small_house.rows(select(Mail.id)) == []


CHINESE = re.compile(r"[\u4e00-\u9fff]")


class TestLanguage:
    """The command line speaks English; its mails speak the language of who reads them."""

    def test_what_a_form_refuses_is_said_in_english(self, small_house: House) -> None:
        small_house.administrator(ANN)
        for words, typed in (
            (("admin", "create", "no address", "--username", "bob"), ""),
            (("admin", "create", NEW, "--username", "x"), ""),
            (("admin", "create", NEW, "--username", "bob"), "short\n"),
            (("admin", "disable", ANN, "--reason", " "), ""),
            (("admin", "disable", "no address", *BECAUSE), ""),
            (("admin", "set-password", ANN, *BECAUSE), "password\n"),
            (("email", "start", ANN, "no address", *BECAUSE), ""),
        ):
            result = flask(small_house, *words, typed=typed)
            assert (result.exit_code, result.output[:7]) == (1, "Error: "), words
            assert not CHINESE.search(result.output), result.output
            assert re.search(r"[A-Z][a-z]* .*[.!?)]\n$", result.output), result.output

    @pytest.mark.parametrize(("language", "is_chinese"), [(None, True), ("zh", True), ("en", False)])
    def test_a_mail_speaks_the_language_of_its_reader(
        self, small_house: House, language: str | None, is_chinese: bool
    ) -> None:
        small_house.administrator(ANN)
        small_house.change(ANN, language=language)
        said(small_house, "admin", "role", ANN, "superuser", *BECAUSE)
        said(small_house, "admin", "set-password", ANN, *BECAUSE, typed=f"{FRESH}\n")
        said(small_house, "email", "start", ANN, NEW, *BECAUSE)
        mails = small_house.mail_to(ANN)
        assert len(mails) == 3
        assert [bool(CHINESE.search(str(mail["Subject"]))) for mail in mails] == [is_chinese] * 3
        assert [bool(CHINESE.search(text_of(mail))) for mail in mails] == [is_chinese] * 3

    def test_a_refusal_outside_the_ordinary_ones_is_one_line_too(self, small_house: House) -> None:
        """An address that its former owner may still want back: the use case refuses it, and not the database."""
        ann = small_house.person()
        ann.ask(NEW)
        ann.confirm(NEW, small_house.code_to(NEW))
        result = flask(small_house, "admin", "create", ANN, "--username", "bob", typed=f"{FRESH}\n")
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


def test_nothing_changes_without_a_reason_or_for_nobody(small_house: House) -> None:
    small_house.administrator(ANN)
    for words in WHATEVER_CHANGES:
        assert flask(small_house, *words, typed=FRESH).exit_code == 2, words
        for reason in ("", "  ", "x" * 201):
            result = flask(small_house, *words, "--reason", reason, typed=FRESH)
            assert result.exit_code == 1, words
            assert re.fullmatch(r"Error: --reason: .+\n", result.output), result.output
        nobody = [word.replace(ANN, "nobody@example.com") for word in words]
        result = flask(small_house, *nobody, *BECAUSE, typed=FRESH)
        assert result.output == "Error: No administrator has the address nobody@example.com.\n"
    assert [row.event for row in history(small_house, id_of(small_house, ANN))] == ["administrator_created"]
    assert small_house.rows(select(Mail.id)) == []
