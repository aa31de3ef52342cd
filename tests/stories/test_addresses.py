"""Normalisation of addresses, the question about likely typos, and the ASCII form of look-alikes."""

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
    """Addresses as they are entered, stored and compared."""

    @pytest.mark.parametrize(
        ("typed", "normal"),
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
    def test_an_address_has_one_normal_form(self, sqlite_env: Environment, typed: str, normal: str) -> None:
        ann = sqlite_env.person()
        answer = ann.ask(typed, sure="y")
        assert (answer.status, answer.data["email"]) == (200, normal)
        (code,) = sqlite_env.rows(db.select(Mail.recipient).where(Mail.kind == "code"))
        assert code.recipient == normal

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
    def test_an_invalid_address_is_refused_by_the_form(self, sqlite_env: Environment, typed: str) -> None:
        ann = sqlite_env.person()
        answer = ann.ask(typed, sure="y")
        assert answer.status in (400, 413)
        if answer.status == 400:
            assert (answer.error, list(answer.data["fields"])) == ("invalid", ["email"])
        assert sqlite_env.rows(db.select(Mail.id)) == []

    @pytest.mark.parametrize("mark", [*BIDI, *INVISIBLE])
    def test_invisible_characters_around_an_address_are_removed(self, sqlite_env: Environment, mark: str) -> None:
        """Text that is copied from a mail, a table or a chat contains them."""
        ann = sqlite_env.person()
        answer = ann.ask(f"{mark}new@example.com{mark}", sure="y")
        assert (answer.status, answer.data["email"]) == (200, "new@example.com")
        (code,) = sqlite_env.rows(db.select(Mail.recipient).where(Mail.kind == "code"))
        assert code.recipient == "new@example.com"

    @pytest.mark.parametrize("mark", [*BIDI, *INVISIBLE])
    def test_an_invisible_character_in_a_domain_is_reported_with_its_place(
        self, sqlite_env: Environment, mark: str
    ) -> None:
        """IDNA would remove some of them, so that the result could be another address."""
        answer = sqlite_env.person().ask(f"ann@exam{mark}ple.com")
        assert answer.error == "invalid"
        assert f"U+{ord(mark):04X}" in answer.message
        assert "“ann@exam”" in answer.message

    def test_a_local_part_of_64_characters_is_accepted(self, env: Environment) -> None:
        ann = env.person()
        email = "n" * 64 + "@example.com"
        assert ann.ask(email).status == 200
        assert ann.confirm(email, env.code_to(email)).status == 200
        assert ann.address() == email

    def test_an_address_of_254_characters_is_accepted_and_a_longer_one_is_not(self, env: Environment) -> None:
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
    def test_another_spelling_of_the_current_address_is_refused(self, env: Environment, typed: str) -> None:
        env.administrator("ann@bücher.example")
        ann = env.signed_in("ann@bücher.example")
        for answer in (ann.ask(typed), ann.confirm(typed, "123456")):
            assert (answer.status, answer.error, list(answer.data["fields"])) == (400, "same_email", ["email"])
        assert env.rows(db.select(Mail.id)) == []

    def test_a_code_is_accepted_with_another_spelling_of_the_address(self, env: Environment) -> None:
        ann = env.person()
        ann.ask("new@bücher.example")
        code = env.code_to("new@xn--bcher-kva.example")
        assert ann.confirm("NEW@XN--BCHER-KVA.example", code).status == 200
        assert ann.address() == "new@bücher.example"
        assert env.visitor("new@xn--bcher-kva.example").sign_in().status == 200

    def test_mail_to_an_international_domain_is_sent_to_its_ascii_form(self, env: Environment) -> None:
        ann = env.person()
        ann.ask("new@bücher.example")
        assert len(env.mail_to("new@xn--bcher-kva.example")) == 1

    def test_addresses_that_differ_in_dots_or_a_plus_part_are_different(self, env: Environment) -> None:
        """Whether they share a mailbox depends on the provider; a guess could mix up the mailboxes of two people."""
        env.administrator("n.ew@example.com", username="other")
        ann = env.person()
        for email in ("new@example.com", "new+cms@example.com"):
            ann.ask(email)
            assert ann.confirm(email, env.code_to(email)).status == 200
            env.clock.advance(seconds=60)

    def test_a_dotless_i_differs_from_an_i(self) -> None:
        """By CVE-2019-19844, a reset link was mailed to an address that differed in such a character."""
        assert email_key("MIKE@EXAMPLE.COM") == email_key("mike@example.com")
        assert email_key("mıke@example.com") != email_key("mike@example.com")


class TestTypos:
    """The question about an address that is likely a typo."""

    @pytest.mark.parametrize(
        ("typed", "suggestion"),
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
    def test_a_likely_typo_is_queried_and_counts_as_no_request(
        self, sqlite_env: Environment, typed: str, suggestion: str
    ) -> None:
        ann = sqlite_env.person()
        queried = ann.ask(typed)
        assert (queried.status, queried.error, queried.data["suggestion"]) == (400, "check_email", suggestion)
        assert suggestion in queried.data["question"]
        assert queried.data["fields"]["email"] == [queried.data["question"]]
        assert sqlite_env.rows(db.select(Mail.id)) == []
        assert ann.ask(suggestion).status == 200

    def test_a_confirmed_address_gets_the_code(self, env: Environment) -> None:
        ann = env.person()
        assert ann.ask("new@gmial.com").error == "check_email"
        assert ann.ask("new@gmial.com", sure="y").status == 200
        assert ann.confirm("new@gmial.com", env.code_to("new@gmial.com")).status == 200

    def test_without_scripts_the_page_contains_the_question_and_a_field_to_confirm(self, env: Environment) -> None:
        ann = env.person(script=False)
        queried = ann.ask("new@gmial.com")
        assert queried.status == 400
        assert "new@gmail.com" in queried.text
        assert 'value="new@gmial.com"' in queried.text
        assert 'name="sure" value="y"' in queried.text
        assert ann.ask("new@gmial.com", sure="y").status == 200

    @pytest.mark.parametrize(
        "domain", ["gmail.com", "example.com", "gmx.at", "company.example", "mail.example", "googlemail.com", "qq.com"]
    )
    def test_a_common_domain_is_not_queried(self, sqlite_env: Environment, domain: str) -> None:
        assert sqlite_env.person().ask(f"new@{domain}").status == 200


class TestLookAlikes:
    """Letters of other scripts that look like Latin letters."""

    @pytest.mark.parametrize("domain", ["ехample.com", "paypаl.com", "аррӏе.com", "gοοgle.com"], ids=ascii)
    def test_a_domain_of_mixed_scripts_is_shown_in_its_ascii_form(self, sqlite_env: Environment, domain: str) -> None:
        ann = sqlite_env.person()
        queried = ann.ask(f"new@{domain}")
        assert (queried.status, queried.error) == (400, "check_email")
        assert queried.data["ascii"] == "new@" + idna.encode(domain).decode()
        assert queried.data["ascii"].startswith("new@xn--")
        assert idna.encode(domain).decode() in queried.data["question"]
        assert queried.data["suggestion"] == ""
        assert sqlite_env.rows(db.select(Mail.id)) == []

    def test_the_ascii_form_of_a_domain_of_mixed_scripts_is_queried(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        ascii_form = ann.ask("new@paypаl.com").data["ascii"]
        assert ann.ask(ascii_form).error == "check_email"

    def test_the_page_shows_the_ascii_form_of_a_confirmed_address(self, env: Environment) -> None:
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
    def test_an_international_domain_of_one_script_is_not_queried(self, sqlite_env: Environment, domain: str) -> None:
        answer = sqlite_env.person().ask(f"new@{domain}")
        assert answer.status == 200
        assert answer.data["ascii"].startswith("new@xn--")

    def test_a_look_alike_differs_from_the_address_that_it_resembles(self, env: Environment) -> None:
        env.administrator("owner@paypal.com")
        ann = env.person()
        ann.ask("owner@paypаl.com", sure="y")
        code = env.code_to(email_key("owner@paypаl.com"))
        assert ann.confirm("owner@paypal.com", code).error == "code_wrong"
        assert env.mail_to("owner@paypal.com") == []
        assert ann.confirm("owner@paypаl.com", code).status == 200
