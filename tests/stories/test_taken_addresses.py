"""A request for a taken address: the response does not reveal it, its owner is notified, and no code is correct."""

import html
import json
from collections.abc import Iterator

import pytest

from models import Audit, CMSUser, Mail, MailProblem, db
from tests.actors import Answer, Person, code_in, different_code, html_of, text_of
from tests.environments import Environment

OWNER = "owner@example.com"  # It is as long as FREE, so that sizes can be compared.
FREE = "frees@example.com"


def remove_differences(answer: Answer, *words: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a response without these words without cookies and request ids."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("Set-Cookie", "X-Request-ID")}
    body = answer.text
    for word in words:
        body = body.replace(word, "*" * len(word))
    return answer.status, headers, body


@pytest.fixture
def pair(env: Environment) -> Iterator[tuple[Person, Person]]:
    """Create two administrators with addresses of equal length, and a third one, who owns the taken address."""
    env.administrator(OWNER)
    return env.person("one@example.com"), env.person("two@example.com")


class TestResponse:
    """Responses to the administrator who requests a change."""

    def test_status_headers_and_body_are_the_same(self, pair: tuple[Person, Person]) -> None:
        one, two = pair
        taken, free = remove_differences(one.ask(OWNER), OWNER), remove_differences(two.ask(FREE), FREE)
        assert taken == free
        assert taken[0] == 200

    def test_all_later_responses_are_the_same(self, env: Environment, pair: tuple[Person, Person]) -> None:
        one, two = pair
        responses: list[list[tuple[int, dict[str, str], str]]] = []
        for person, email in ((one, OWNER), (two, FREE)):
            person.ask(email)
            person.token()
            env.deliver()
            code = different_code(env.code_to(FREE)) if email == FREE else "123456"
            responses.append(
                [
                    remove_differences(person.get_as_script(), email, person.email),
                    remove_differences(person.confirm(email, code), email),
                    remove_differences(person.confirm(email, code), email),
                    remove_differences(person.ask(email), email),
                    remove_differences(person.get_as_script(), email, person.email),
                    remove_differences(person.cancel(), email),
                    remove_differences(person.confirm(email, code), email),
                ]
            )
        assert responses[0] == responses[1]
        assert [status for status, _, _ in responses[0]] == [200, 400, 400, 429, 200, 200, 400]

    def test_the_page_is_the_same(self, env: Environment) -> None:
        env.administrator(OWNER)
        one, two = env.person("one@example.com", script=False), env.person("two@example.com", script=False)
        pages = []
        for person, email in ((one, OWNER), (two, FREE)):
            answer = person.ask(email)
            name = person.email.partition("@")[0]
            text = answer.text
            for token in {token for token in text.split('"') if token.startswith("I") and "." in token}:
                text = text.replace(token, "TOKEN")
            pages.append(text.replace(email, "ADDRESS").replace(person.email, "ME").replace(f">{name}<", "><"))
        assert pages[0] == pages[1]

    def test_the_responses_to_both_requests_are_the_same(self, pair: tuple[Person, Person]) -> None:
        one, two = pair
        answers = [remove_differences(person.ask(email), email) for person, email in ((one, OWNER), (two, FREE))]
        assert answers[0] == answers[1]

    def test_the_responses_after_the_expiry_are_the_same(self, env: Environment, pair: tuple[Person, Person]) -> None:
        one, two = pair
        one.ask(OWNER)
        two.ask(FREE)
        env.clock.advance(seconds=600)
        answers = [
            remove_differences(person.confirm(email, "000000"), email) for person, email in ((one, OWNER), (two, FREE))
        ]
        assert answers[0] == answers[1]
        assert json.loads(answers[0][2])["data"]["error"] == "code_expired"

    def test_the_histories_are_the_same(self, env: Environment, pair: tuple[Person, Person]) -> None:
        one, two = pair
        one.ask(OWNER)
        two.ask(FREE)
        rows = [
            env.rows(
                db.select(Audit.event, Audit.detail)
                .join(CMSUser, CMSUser.id == Audit.user_id)
                .where(CMSUser.email == person.email)
                .order_by(Audit.id)
            )
            for person in pair
        ]
        assert str(rows[0]).replace(OWNER, "*") == str(rows[1]).replace(FREE, "*")

    def test_the_number_of_mails_is_the_same(self, env: Environment, pair: tuple[Person, Person]) -> None:
        one, two = pair
        one.ask(OWNER)
        taken = len(env.rows(db.select(Mail.id)))
        two.ask(FREE)
        assert len(env.rows(db.select(Mail.id))) == 2 * taken
        assert [len(env.mail_to(address)) for address in (OWNER, FREE)] == [1, 1]
        assert [len(env.mail_to(person.email)) for person in pair] == [1, 1]

    def test_the_responses_are_the_same_if_both_codes_are_required(self, env: Environment) -> None:
        env.administrator(OWNER)
        app = env.app_with(EMAIL_POLICY="both")
        one, two = env.person("one@example.com", app=app), env.person("two@example.com", app=app)
        seen = []
        for person, email in ((one, OWNER), (two, FREE)):
            answer = remove_differences(person.ask(email), email)
            old_code = env.code_to(person.email)
            second = remove_differences(person.confirm(email, "", old_captcha=old_code), email)
            seen.append((answer, second, remove_differences(person.get_as_script(), email, person.email)))
        assert seen[0] == seen[1]


class TestOwner:
    """The notice to the owner of the address."""

    def test_the_notice_contains_no_code_and_no_name(self, env: Environment, pair: object) -> None:
        one = env.signed_in("one@example.com")
        one.ask("OWNER@EXAMPLE.com")
        (notice,) = env.mail_to(OWNER)
        with pytest.raises(AssertionError, match="no code"):
            code_in(notice)
        for part in (text_of(notice), html_of(notice)):
            assert "one@example.com" not in part
            assert "203.0.113.5" in part
        assert not [word for word in text_of(notice).split() if word.isdigit() and len(word) == 6]

    def test_the_notice_is_throttled_for_all_accounts_and_spellings(self, env: Environment) -> None:
        env.administrator(OWNER)
        people = [env.person(f"p{number}@example.com") for number in range(5)]
        spellings = [OWNER, OWNER.upper(), "Owner@example.com", "oWNER@example.com", OWNER]
        answers = [person.ask(typed) for person, typed in zip(people, spellings, strict=True)]
        assert [answer.error for answer in answers] == [None] * 3 + ["too_many_requests"] * 2
        assert len(env.mail_to(OWNER)) == 3

    def test_codes_to_a_free_address_are_throttled_in_the_same_way(self, env: Environment) -> None:
        people = [env.person(f"p{number}@example.com") for number in range(4)]
        assert [person.ask(FREE).error for person in people] == [None] * 3 + ["too_many_requests"]

    def test_the_address_of_a_disabled_administrator_is_taken(
        self, env: Environment, pair: tuple[Person, Person]
    ) -> None:
        env.update_account(OWNER, is_active=False)
        one, two = pair
        assert remove_differences(one.ask(OWNER), OWNER) == remove_differences(two.ask(FREE), FREE)
        assert one.confirm(OWNER, "123456").error == "code_wrong"

    @pytest.mark.parametrize("typed", ["OWNER@bücher.example", "owner@BÜCHER.example", "Owner@xn--bcher-kva.example"])
    def test_an_address_is_taken_in_every_spelling(self, env: Environment, typed: str) -> None:
        env.administrator("owner@bücher.example")
        ann = env.person("one@example.com")
        assert ann.ask(typed, sure="y").status == 200
        env.deliver()
        kinds = [row.kind for row in env.rows(db.select(Mail.kind).order_by(Mail.id))]
        assert sorted(kinds) == ["heads_up", "taken"]


class TestConfirmation:
    """Confirming a change to an address that was taken in the meantime."""

    def test_an_address_that_was_taken_in_the_meantime_is_refused(self, env: Environment) -> None:
        ann = env.person("one@example.com")
        ann.ask(FREE)
        code = env.code_to(FREE)
        env.administrator(FREE, username="rival")
        refused = ann.confirm(FREE, code)
        assert (refused.status, refused.error, list(refused.data["fields"])) == (409, "email_taken", ["email"])
        assert ann.address() == "one@example.com"
        assert ann.pending() is None
        env.clock.advance(seconds=60)
        ann.ask("third@example.com")
        assert ann.confirm("third@example.com", env.code_to("third@example.com")).status == 200

    def test_without_scripts_a_lost_race_is_reported_on_the_page(self, env: Environment) -> None:
        ann = env.person("one@example.com", script=False)
        ann.ask(FREE)
        code = env.code_to(FREE)
        env.administrator(FREE, username="rival")
        refused = ann.confirm(FREE, code)
        assert refused.status == 409
        assert 'name="captcha"' in refused.text
        assert code not in refused.text

    def test_an_address_that_is_reserved_for_its_former_owner_is_refused(self, env: Environment) -> None:
        """After the code was sent, another account took the address, and then changed it again."""
        ann, bob = env.person("one@example.com"), env.person("two@example.com")
        ann.ask(FREE)
        code = env.code_to(FREE)
        bob.ask(FREE)
        bob.confirm(FREE, env.code_to(FREE))
        env.clock.advance(seconds=60)
        bob.ask("third@example.com")
        bob.confirm("third@example.com", env.code_to("third@example.com"))
        assert ann.confirm(FREE, code).error == "email_taken"
        assert env.visitor().post(env.links_to(FREE, "undo")[-1]).status == 200
        assert env.account("two").email == FREE

    def test_of_two_changes_to_one_address_one_succeeds(self, env: Environment, pair: tuple[Person, Person]) -> None:
        one, two = pair
        one.ask(FREE)
        two.ask(FREE)
        codes = [code_in(mail) for mail in env.mail_to(FREE)]
        answers = [one.confirm(FREE, codes[0]).status, two.confirm(FREE, codes[1]).status]
        assert answers == [200, 409]
        keys = [row.email_key for row in env.rows(db.select(CMSUser.email_key))]
        assert len(keys) == len(set(keys)) == 3


class TestClosedTeams:
    """The setting REVEAL_TAKEN_EMAIL."""

    def test_a_taken_address_is_refused_and_no_mail_is_sent(self, env: Environment) -> None:
        app = env.app_with(REVEAL_TAKEN_EMAIL="yes")
        env.administrator(OWNER)
        ann = env.person("one@example.com", app=app)
        refused = ann.ask("OWNER@example.com")
        assert (refused.status, refused.error, list(refused.data["fields"])) == (409, "email_taken", ["email"])
        assert env.rows(db.select(Mail.id)) == []
        assert ann.pending() is None

    def test_requests_for_many_taken_addresses_are_throttled(self, env: Environment) -> None:
        app = env.app_with(REVEAL_TAKEN_EMAIL="yes", CAPTCHA_RESEND_SECONDS="0")
        for number in range(6):
            env.administrator(f"owner{number}@example.com")
        ann = env.person("one@example.com", app=app)
        answers = [ann.ask(f"owner{number}@example.com").error for number in range(6)]
        assert answers == ["email_taken"] * 5 + ["too_many_requests"]

    def test_the_refusal_does_not_invalidate_an_older_code(self, env: Environment) -> None:
        app = env.app_with(REVEAL_TAKEN_EMAIL="yes", CAPTCHA_RESEND_SECONDS="0")
        env.administrator(OWNER)
        ann = env.person("one@example.com", app=app)
        ann.ask(FREE)
        assert ann.ask(OWNER).error == "email_taken"
        assert ann.confirm(FREE, env.code_to(FREE)).status == 200


@pytest.mark.parametrize("env", ["postgresql+memcached"], indirect=True)
class TestRefusedMail:
    """The response of a mail server may contain the owner's spelling of the address, and must not be shown."""

    @pytest.mark.parametrize(
        ("response", "kind"),
        [
            ("550 5.1.1 <{}>: no such user", "recipient_refused"),
            ("451 4.7.1 <{}>: greylisted", "temporarily_refused"),
            ("drop", "unreachable"),
        ],
    )
    def test_page_and_json_are_the_same_for_a_taken_address_without_text_of_the_mail_server(
        self, env: Environment, caplog: pytest.LogCaptureFixture, response: str, kind: str
    ) -> None:
        assert env.smtp
        env.administrator("OwNer@example.com")
        for address in ("OwNer@example.com", FREE):
            env.smtp.refusals[address] = response.format(address)
        seen = []
        for name, email in (("one", OWNER), ("two", FREE)):
            person = env.person(f"{name}@example.com")
            assert person.ask(email).status == 200
            env.deliver()
            pending = person.pending()
            assert pending is not None
            page = person.page().text
            for word in ("OwNer", "no such user", "greylisted", "5.1.1", "4.7.1"):
                assert word not in page + str(pending)
            assert pending["mail"]["problem_kind"] == kind
            assert pending["mail"]["problem"] in page
            seen.append({**pending, "email": "*"})
        assert seen[0] == seen[1]
        if response != "drop":
            assert "OwNer@example.com" in caplog.text  # It is logged for the operator.

    def test_a_response_that_an_older_version_stored_is_not_shown(self, env: Environment) -> None:
        ann = env.person()
        ann.ask(FREE)
        with env.app.app_context():
            db.session.execute(db.update(Mail).values(problem="550 5.1.1 <OwNer@example.com>: no such user"))
            db.session.commit()
        pending = ann.pending()
        assert pending is not None
        assert pending["mail"]["problem_kind"] == "unexpected"
        assert "OwNer" not in ann.page().text + str(pending)

    @pytest.mark.parametrize("kind", list(MailProblem))
    def test_every_problem_has_a_sentence_in_both_languages(self, env: Environment, kind: MailProblem) -> None:
        ann = env.person()
        ann.ask(FREE)
        with env.app.app_context():
            db.session.execute(db.update(Mail).values(problem=kind))
            db.session.commit()
        sentences = []
        for language in ("zh", "en"):
            ann.browser.headers["Accept-Language"] = language
            pending = ann.pending()
            assert pending is not None
            sentences.append(pending["mail"]["problem"])
            assert sentences[-1] in html.unescape(ann.page().text)
        assert all(sentences)
        assert sentences[0] != sentences[1]
