"""Spellings of an address: one normal form; likely typos are queried, and look-alikes are shown in their ASCII form."""

import idna
import pytest

from models import Mail, db, email_key
from tests.actors import text_of
from tests.environments import Environment

OLD = "ann@example.com"
BIDI = ["\u202e", "\u200f", "\u2066", "\u061c"]
INVISIBLE = ["\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\u3164"]
LONG_DOMAIN = ".".join(["d" * 61] * 3) + ".example"


class TestNormalisation:
    """What is typed, what is kept, and what is compared."""

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            (" new@example.com\t", "new@example.com"),
            ("New.Name@EXAMPLE.com", "New.Name@example.com"),
            ("new@bücher.example", "new@bücher.example"),
            ("new@xn--bcher-kva.example", "new@bücher.example"),
            ("new@BU\u0308CHER.example", "new@bücher.example"),
            ("new@faß.example", "new@faß.example"),
            ("new@xn--fa-hia.example", "new@faß.example"),
            ("new@ｅｘａｍｐｌｅ.com", "new@example.com"),
            ("new@例え.jp", "new@例え.jp"),
            ("new+tag@example.com", "new+tag@example.com"),
            ("o'new@example.com", "o'new@example.com"),
        ],
    )
    def test_an_address_has_one_normal_form(self, sqlite_env: Environment, typed: str, kept: str) -> None:
        ann = sqlite_env.person()
        answer = ann.ask(typed, sure="y")
        assert (answer.status, answer.data["email"]) == (200, kept)
        (code,) = sqlite_env.rows(db.select(Mail.recipient).where(Mail.kind == "code"))
        assert code.recipient == kept

    @pytest.mark.parametrize(
        "typed",
        [
            *(f"ne{mark}w@example.com" for mark in [*BIDI, *INVISIBLE]),
            *(f"new@exam{mark}ple.com" for mark in BIDI),
            "nëw@example.com",
            "新@example.com",
            "ｎew@example.com",
            "new＠example.com",
            "new@example",
            "new@localhost",
            "new@[127.0.0.1]",
            "new@127.0.0.1",
            "new@example.com.",
            "new@.example.com",
            "new@exa mple.com",
            "new@example..com",
            "new@-example.com",
            "new@exam_ple.com",
            "new..name@example.com",
            ".new@example.com",
            "new.@example.com",
            "new",
            "@example.com",
            "new@",
            "a@b@example.com",
            '"new name"@example.com',
            "New <new@example.com>",
            "new@example.com,other@example.com",
            "new@example.com\nBcc: all@example.com",
            "new@example.com\r\nBcc: all@example.com",
            "new@example.com%0aBcc:all@example.com",
            "=?utf-8?q?new?=@example.com",
            "new\x00@example.com",
            "new@xn--a.example",
            "n" * 65 + "@example.com",
            "n" * 64 + "@" + LONG_DOMAIN,
            "n" * 100_000 + "@example.com",
        ],
        ids=lambda typed: ascii(typed)[:40],
    )
    def test_what_is_no_address_is_refused_by_the_form(self, sqlite_env: Environment, typed: str) -> None:
        ann = sqlite_env.person()
        answer = ann.ask(typed, sure="y")
        assert answer.status in (400, 413)
        if answer.status == 400:
            assert (answer.error, list(answer.data["fields"])) == ("invalid", ["email"])
        assert sqlite_env.rows(db.select(Mail.id)) == []

    @pytest.mark.parametrize("mark", [*BIDI, *INVISIBLE])
    def test_what_cannot_be_seen_around_an_address_is_no_part_of_it(self, sqlite_env: Environment, mark: str) -> None:
        """It comes with text that is copied out of a mail, a table or a chat."""
        ann = sqlite_env.person()
        answer = ann.ask(f"{mark}new@example.com{mark}", sure="y")
        assert (answer.status, answer.data["email"]) == (200, "new@example.com")
        (code,) = sqlite_env.rows(db.select(Mail.recipient).where(Mail.kind == "code"))
        assert code.recipient == "new@example.com"

    @pytest.mark.parametrize("mark", [*BIDI, *INVISIBLE])
    def test_what_cannot_be_seen_in_a_domain_is_named_and_makes_no_other_address(
        self, sqlite_env: Environment, mark: str
    ) -> None:
        """IDNA would take some of it away, and so make it one's own address."""
        answer = sqlite_env.person().ask(f"ann@exam{mark}ple.com")
        assert answer.error == "invalid"
        assert f"U+{ord(mark):04X}" in answer.message
        assert "“ann@exam”" in answer.message

    def test_sixty_four_characters_before_the_sign_are_not_too_many(self, env: Environment) -> None:
        ann = env.person()
        email = "n" * 64 + "@example.com"
        assert ann.ask(email).status == 200
        assert ann.confirm(email, env.code_to(email)).status == 200
        assert ann.address() == email

    def test_two_hundred_and_fifty_four_characters_in_all_are_not_too_many(self, env: Environment) -> None:
        ann = env.person()
        email = "n" * (254 - len("@" + LONG_DOMAIN)) + "@" + LONG_DOMAIN
        assert len(email) == 254
        assert ann.ask(email).status == 200
        assert ann.confirm(email, env.code_to(email)).status == 200
        assert ann.address() == email
        assert ann.ask("n" + email).error == "invalid"

    @pytest.mark.parametrize(
        "typed",
        [
            "ann@bücher.example",
            "ANN@BÜCHER.EXAMPLE",
            "Ann@xn--bcher-kva.example",
            "ann@XN--BCHER-KVA.example",
            " ann@bu\u0308cher.example ",
        ],
    )
    def test_the_same_address_in_another_spelling_is_the_same(self, env: Environment, typed: str) -> None:
        env.administrator("ann@bücher.example")
        ann = env.signed_in("ann@bücher.example")
        for answer in (ann.ask(typed), ann.confirm(typed, "123456")):
            assert (answer.status, answer.error, list(answer.data["fields"])) == (400, "same_email", ["email"])
        assert env.rows(db.select(Mail.id)) == []

    def test_a_code_is_taken_with_the_address_in_another_spelling(self, env: Environment) -> None:
        ann = env.person()
        ann.ask("new@bücher.example")
        code = env.code_to("new@xn--bcher-kva.example")
        assert ann.confirm("NEW@XN--BCHER-KVA.example", code).status == 200
        assert ann.address() == "new@bücher.example"
        assert env.visitor("new@xn--bcher-kva.example").sign_in().status == 200

    def test_mail_to_an_international_domain_goes_to_its_ascii_form(self, env: Environment) -> None:
        ann = env.person()
        ann.ask("new@bücher.example")
        assert len(env.mail_to("new@xn--bcher-kva.example")) == 1

    def test_a_plus_and_dots_make_another_address(self, env: Environment) -> None:
        """What a provider makes of them is the provider's matter: guessing it would join two people's mailboxes."""
        env.administrator("n.ew@example.com", username="other")
        ann = env.person()
        for email in ("new@example.com", "new+cms@example.com"):
            ann.ask(email)
            assert ann.confirm(email, env.code_to(email)).status == 200
            env.clock.advance(seconds=60)

    def test_a_dotless_i_is_not_an_i(self) -> None:
        """Lower case depends on no language: CVE-2019-19844 mailed a reset link to a Unicode twin of an address."""
        assert email_key("MIKE@EXAMPLE.COM") == email_key("mike@example.com")
        assert email_key("mıke@example.com") != email_key("mike@example.com")


class TestTypos:
    """A friendly question, and never a refusal."""

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("new@gmial.com", "new@gmail.com"),
            ("new@gmail.co", "new@gmail.com"),
            ("new@gamil.com", "new@gmail.com"),
            ("new@gmaill.com", "new@gmail.com"),
            ("new@hotmial.com", "new@hotmail.com"),
            ("new@outlok.com", "new@outlook.com"),
            ("new@yaho.com", "new@yahoo.com"),
            ("New.Name@GMIAL.com", "New.Name@gmail.com"),
        ],
    )
    def test_a_likely_slip_is_asked_about_and_costs_nothing(
        self, sqlite_env: Environment, typed: str, meant: str
    ) -> None:
        ann = sqlite_env.person()
        asked = ann.ask(typed)
        assert (asked.status, asked.error, asked.data["suggestion"]) == (400, "check_email", meant)
        assert meant in asked.data["question"]
        assert asked.data["fields"]["email"] == [asked.data["question"]]
        assert sqlite_env.rows(db.select(Mail.id)) == []
        assert ann.ask(meant).status == 200

    def test_who_is_sure_gets_the_code(self, env: Environment) -> None:
        ann = env.person()
        assert ann.ask("new@gmial.com").error == "check_email"
        assert ann.ask("new@gmial.com", sure="y").status == 200
        assert ann.confirm("new@gmial.com", env.code_to("new@gmial.com")).status == 200

    def test_without_scripts_the_question_stands_on_the_page_with_its_answer(self, env: Environment) -> None:
        ann = env.person(script=False)
        asked = ann.ask("new@gmial.com")
        assert asked.status == 400
        assert "new@gmail.com" in asked.text
        assert 'value="new@gmial.com"' in asked.text
        assert 'name="sure" value="y"' in asked.text
        assert ann.ask("new@gmial.com", sure="y").status == 200

    @pytest.mark.parametrize(
        "domain", ["gmail.com", "example.com", "gmx.at", "company.example", "mail.example", "googlemail.com", "qq.com"]
    )
    def test_an_ordinary_domain_is_not_asked_about(self, sqlite_env: Environment, domain: str) -> None:
        assert sqlite_env.person().ask(f"new@{domain}").status == 200


class TestLookAlikes:
    """Letters of another script that look like ours."""

    @pytest.mark.parametrize("domain", ["ехample.com", "paypаl.com", "аррӏе.com", "gοοgle.com"], ids=ascii)
    def test_a_domain_of_mixed_scripts_is_shown_in_its_ascii_form(self, sqlite_env: Environment, domain: str) -> None:
        ann = sqlite_env.person()
        asked = ann.ask(f"new@{domain}")
        assert (asked.status, asked.error) == (400, "check_email")
        assert asked.data["ascii"] == "new@" + idna.encode(domain).decode()
        assert asked.data["ascii"].startswith("new@xn--")
        assert idna.encode(domain).decode() in asked.data["question"]
        assert asked.data["suggestion"] == ""
        assert sqlite_env.rows(db.select(Mail.id)) == []

    def test_the_same_domain_in_its_ascii_form_is_asked_about_too(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ascii_form = ann.ask("new@paypаl.com").data["ascii"]
        assert ann.ask(ascii_form).error == "check_email"

    def test_who_is_sure_sees_the_ascii_form_beside_the_address(self, env: Environment) -> None:
        ann = env.person()
        answer = ann.ask("new@paypаl.com", sure="y")
        assert answer.status == 200
        assert answer.data["ascii"] == f"new@{email_key('new@paypаl.com').rpartition('@')[2]}"
        assert answer.data["ascii"] in ann.page().text
        (heads_up,) = env.mail_to(OLD)
        assert "paypаl" not in text_of(heads_up)

    @pytest.mark.parametrize(
        "domain",
        ["例え.jp", "サーバー.jp", "佐々木.jp", "中文网.com", "한국어.kr", "почта.рф", "bücher.example", "北京cms.cn"],
    )
    def test_an_ordinary_international_domain_is_not_asked_about(self, sqlite_env: Environment, domain: str) -> None:
        answer = sqlite_env.person().ask(f"new@{domain}")
        assert answer.status == 200
        assert answer.data["ascii"].startswith("new@xn--")

    def test_a_look_alike_is_another_address_than_the_one_it_looks_like(self, env: Environment) -> None:
        env.administrator("owner@paypal.com")
        ann = env.person()
        ann.ask("owner@paypаl.com", sure="y")
        code = env.code_to(email_key("owner@paypаl.com"))
        assert ann.confirm("owner@paypal.com", code).error == "code_wrong"
        assert env.mail_to("owner@paypal.com") == []
        assert ann.confirm("owner@paypаl.com", code).status == 200
