"""EMAIL_DOMAINS: the domains that new addresses may have."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

import config
from models import Budget, EmailChange, Invitation, Mail, db
from tests.actors import PAGE, Person
from tests.environments import Environment, settings_for
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, register, run_flask, superuser
from tests.work import count_steps, record_steps

ANN, NEW, OTHER = "ann@example.com", "new@example.com", "ann@example.org"
WORD = "domain_not_allowed"
PASSWORD_LINE = "a password of mine\n"


@pytest.fixture
def app(env: Environment) -> Flask:
    """Return an application that accepts one domain, and the subdomains of another one."""
    return env.app_with(EMAIL_DOMAINS="example.com, .Bücher.example")


def take_over(person: Person, app: Flask, env: Environment) -> Person:
    """Return the same browser at another application."""
    other = env.visitor(person.email, app=app)
    other.browser.cookies.update(person.browser.cookies)
    return other


class TestChange:
    """A change of the own address."""

    @pytest.mark.parametrize(
        "email",
        ["new@EXAMPLE.com", "new@bücher.example", "new@xn--bcher-kva.example", "new@mail.bücher.example"],
    )
    def test_an_address_at_an_allowed_domain_is_accepted(self, env: Environment, app: Flask, email: str) -> None:
        ann = env.person(app=app)
        assert ann.ask(email).status == 200
        recipient = env.rows(select(EmailChange.email_key))[0][0]
        assert ann.confirm(email, env.code_to(recipient)).status == 200

    @pytest.mark.parametrize(
        "email",
        [
            *("ann@example.org", "ann@mail.example.com", "ann@notexample.com", "ann@example.com.example.org"),
            *("ann@xbücher.example", '"ann@example.com"@example.org', "ann@bucher.example"),
        ],
    )
    def test_other_domains_are_refused_before_anything_is_counted_or_mailed(
        self, env: Environment, app: Flask, email: str
    ) -> None:
        ann = env.person(app=app)
        ann.browser.headers["Accept-Language"] = "en"
        refused = ann.ask(email)
        assert refused.status == 400
        if refused.error == "invalid":  # Quoted local parts are not accepted at all.
            assert '"' in email
            return
        assert refused.error == WORD
        sentence = "The address must be at one of these domains: example.com, bücher.example, *.bücher.example."
        assert refused.data["fields"] == {"email": [sentence]}
        assert refused.data["domains"] == ["example.com", "bücher.example", "*.bücher.example"]
        for table in (Budget, EmailChange, Mail):
            assert env.rows(select(table)) == []
        assert history(env, id_of(env, ANN))[-1].event == WORD

    def test_a_probable_typo_is_refused_and_not_queried(self, env: Environment, app: Flask) -> None:
        assert env.person(app=app).ask("ann@gmial.com").error == WORD

    def test_without_scripts_the_sentence_is_at_the_field(self, env: Environment, app: Flask) -> None:
        page = env.person(app=app, script=False).ask(OTHER)
        assert page.status == 400
        assert 'data-errors-of="email"><p>只能使用以下域名的邮箱：example.com' in page.text

    @pytest.mark.parametrize("path", ["/cms/resetemail/", "/cms/users/", "/cms/users/%d/"])
    def test_the_domains_are_named_before_an_address_is_entered(self, env: Environment, app: Flask, path: str) -> None:
        env.administrator(ANN)
        hint = "Allowed domains: example.com, bücher.example, *.bücher.example."
        path = path.replace("%d", str(id_of(env, ANN)))
        boss = superuser(env)
        boss.browser.headers["Accept-Language"] = "en"
        assert boss.page(path).text.count(hint) == 0
        strict = take_over(boss, app, env)
        strict.browser.headers["Accept-Language"] = "en"
        assert strict.page(path).text.count(hint) == 1

    def test_a_stale_session_is_asked_for_the_password_first(self, env: Environment, app: Flask) -> None:
        ann = env.person(app=app)
        env.clock.advance(seconds=601)
        assert ann.ask(OTHER).error == "reauth_required"

    def test_an_address_outside_of_the_domains_can_be_kept_and_left(self, env: Environment, app: Flask) -> None:
        boss = env.person(OTHER, app=app)
        assert boss.ask(OTHER).error == "same_email"
        assert boss.ask(NEW).status == 200
        assert boss.confirm(NEW, env.code_to(NEW)).status == 200

    def test_a_change_that_was_requested_before_cannot_be_completed(self, env: Environment, app: Flask) -> None:
        ann = env.person()
        ann.ask(OTHER)
        code = env.code_to(OTHER)
        strict = take_over(ann, app, env)
        for email in (OTHER, NEW):  # The address of the change counts, and not the submitted one.
            assert strict.confirm(email, code).error == WORD
        pending = ann.pending()
        assert pending is not None
        assert (pending["tries_left"], ann.address()) == (5, ANN)
        assert ann.confirm(OTHER, code).status == 200

    def test_an_undo_restores_an_address_outside_of_the_domains(self, env: Environment, app: Flask) -> None:
        ann = env.person(OTHER, app=app)
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        assert env.visitor(app=app).post(env.links_to(OTHER, "undo")[-1]).status == 200
        assert env.account("ann").email == OTHER

    def test_a_refused_domain_does_not_begin_the_wait_for_the_next_code(self, env: Environment, app: Flask) -> None:
        ann = env.person(app=app)
        assert [ann.ask(email).error for email in (OTHER, NEW)] == [WORD, None]

    def test_the_check_takes_no_statement(self, env: Environment, app: Flask) -> None:
        counts = []
        for number, each in enumerate((env.app, app)):
            ann, new = env.person(f"ann{number}@example.com", app=each), f"new{number}@example.com"
            ann.token()
            with record_steps(each) as asking:
                assert ann.ask(new).status == 200
            code = env.code_to(new)
            with record_steps(each) as confirming:
                assert ann.confirm(new, code).status == 200
            counts.append((count_steps(asking)[:2], count_steps(confirming)[:2]))  # Statements and commits.
        assert counts[0] == counts[1]


class TestOthers:
    """Changes started for others, invitations, registrations and commands."""

    def test_a_change_for_another_administrator_is_refused_at_its_field(self, env: Environment, app: Flask) -> None:
        boss = superuser(env, app=app)
        env.administrator(ANN)
        refused = act(boss, env, ANN, "start_change", email=OTHER)
        assert (refused.status, refused.error, list(refused.data["fields"])) == (400, WORD, ["email"])
        assert env.rows(select(Mail)) == []
        assert act(boss, env, ANN, "start_change", email=NEW).status == 200

    def test_a_change_that_a_superuser_started_before_cannot_be_completed(self, env: Environment, app: Flask) -> None:
        boss = superuser(env)
        env.administrator(ANN)
        assert act(boss, env, ANN, "start_change", email=OTHER).status == 200
        env.clock.advance(days=1)
        link = env.links_to(OTHER, "prove")[-1]
        assert env.visitor(app=app).post(link).error == WORD
        assert env.account("ann").email == ANN
        assert env.visitor().post(link).status == 200

    def test_an_invitation_is_refused_at_its_field(self, env: Environment, app: Flask) -> None:
        boss = superuser(env, app=app)
        refused = invite(boss, OTHER)
        assert (refused.status, refused.error, list(refused.data["fields"])) == (400, WORD, ["email"])
        assert env.rows(select(Invitation)) == env.rows(select(Budget)) == []
        assert history(env, id_of(env, BOSS))[-1].event == WORD
        assert invite(boss, NEW).status == 200

    def test_an_invitation_that_was_sent_before_cannot_be_used_or_sent_again(
        self, env: Environment, app: Flask
    ) -> None:
        boss = superuser(env)
        invite(boss, OTHER)
        link, visitor = env.links_to(OTHER, "register")[-1], env.visitor(app=app)
        opened = visitor.browser.send("GET", link, headers={**PAGE, "Accept-Language": "en"})
        assert opened.status == 400
        assert "The address must be at one of these domains: example.com" in opened.text
        assert register(visitor, link).error == WORD
        ((invitation_id,),) = env.rows(select(Invitation.id))
        strict = take_over(boss, app, env)
        assert strict.post(f"/cms/users/invitations/{invitation_id}/resend/").error == WORD
        assert env.rows(select(Invitation.id)) == [(invitation_id,)]
        assert register(env.visitor(), link).status == 200

    def test_commands_refuse_other_domains_unless_the_operator_insists(self, env: Environment, app: Flask) -> None:
        create = ("admin", "create", OTHER, "--username", "ann")
        start = ("email", "start", OTHER, "ann@example.net", "--reason", "a new mailbox")
        for command in (create, start):
            refused = run_flask(app, *command, typed=PASSWORD_LINE)
            assert refused.exit_code == 1
            assert refused.output.startswith(f"Error: Refused ({WORD}): The address must be at one of these domains: ")
            assert run_flask(app, *command, "--any-domain", typed=PASSWORD_LINE).exit_code == 0
        env.clock.advance(days=1)
        assert env.visitor(app=app).post(env.links_to("ann@example.net", "prove")[-1]).status == 200
        assert env.account("ann").email == "ann@example.net"

    def test_the_demonstration_needs_no_allowed_domain(self, sqlite_env: Environment) -> None:
        app = sqlite_env.build(EMAIL_DOMAINS="example.org")
        assert "admin@example.com" in run_flask(app, "admin", "demo").output

    def test_a_command_prints_the_domains(self, env: Environment, app: Flask) -> None:
        assert env.rows(db.select(Mail)) == []
        lines = run_flask(app, "email", "policy").output.splitlines()
        assert lines[-1] == "domains of new addresses: example.com, .xn--bcher-kva.example"


class TestSetting:
    """The values of the setting."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("", []),
            (" , ", []),
            ("Example.COM", ["example.com"]),
            ("example.com, .example.org ,", ["example.com", ".example.org"]),
            ("bücher.example", ["xn--bcher-kva.example"]),
            (".例子.公司", [".xn--fsqu00a.xn--55qx5d"]),
        ],
    )
    def test_domains_are_normalised_like_those_of_addresses(
        self, tmp_path: Path, value: str, expected: list[str]
    ) -> None:
        assert config.load(settings_for(tmp_path, EMAIL_DOMAINS=value))["EMAIL_DOMAINS"] == expected

    @pytest.mark.parametrize(
        "value",
        [
            *("*.example.com", "@example.com", "ann@example.com", "example.com example.org", "example..com"),
            *("https://example.com", "-example.com", ".", "192.0.2.1", "x" * 64 + ".com", "example.com:25"),
            *("example.com.", "xn--0.example", "a_b.example"),
        ],
    )
    def test_an_invalid_domain_prevents_the_start(self, tmp_path: Path, value: str) -> None:
        with pytest.raises(SystemExit, match=r"^EMAIL_DOMAINS=.* is invalid: it must be domains "):
            config.load(settings_for(tmp_path, EMAIL_DOMAINS=value))
