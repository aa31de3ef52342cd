"""Refusals, events and roles are complete: each has its sentences in both languages, wherever it is shown.

mypy reports words and names that are not declared. These tests report declared ones without a sentence or a use.
"""

import ast
import html
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import click
import pytest
from flask import Flask
from flask_babel import force_locale
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import SecurityError, default_exceptions

import commands
import config
import forms
from accounts import audit, errors, people
from accounts.errors import Refusal, RefusalWord
from accounts.events import EventName
from accounts.flows import administration, history
from accounts.settings import Policy
from cache import CacheDown
from cms import answers
from cms.sentences import EVENTS, HTTP_ERRORS, REFUSALS, ErrorWord, event_sentence
from models import PERMISSIONS, Address, Audit, Permission, Role, db
from tests.actors import PAGE, PASSWORD, SCRIPT, Answer, InProcess, Person
from tests.environments import HERE, Environment, close_app, copy_template, new_app, settings_for
from tests.refusals import factories, refusals, run_refused_command
from tests.servers import ROOT
from tests.stories.admin_steps import BOSS
from tests.stories.test_command_line import ANN, run_command
from tests.test_docs import README, table_rows

Reason = Callable[[], Exception]
LANGUAGES = ("zh", "en")
MANAGEMENT = "/cms/users/"  # Pages for actions on the accounts of others.
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Z][a-z -]")
NAMES = get_args(EventName)


def invalid() -> Exception:
    """Return the error of a form without its required fields."""
    form = forms.LoginForm()
    assert not form.validate()
    return answers.Invalid(form)


def likely_typo() -> Exception:
    """Return the error for an address that looks like a typo."""
    typo = forms.EmailCaptchaForm(data={"email": "ann@gmial.com"}).find_typo()
    assert typo
    return answers.LikelyTypo(typo)


REASONS: list[tuple[ErrorWord, Reason]] = [
    *((cls.word, reason) for cls in refusals() for reason in factories(cls)),
    *((word, default_exceptions[status]) for status, (word, _) in HTTP_ERRORS.items()),
    ("bad_request", SecurityError),
    ("invalid", invalid),
    ("check_email", likely_typo),
    ("csrf_failed", CSRFError),
    ("internal", partial(RuntimeError, "an error of the application")),
    ("unavailable", CacheDown),
]
EACH_ERROR = pytest.mark.parametrize(("word", "reason"), REASONS, ids=[word for word, _ in REASONS])
EACH_REFUSAL = pytest.mark.parametrize("cls", refusals(), ids=lambda cls: cls.__name__)


class RefusingApp:
    """An application with a signed-in superuser, whose requests are refused for a given reason."""

    def __init__(self, app: Flask) -> None:
        """Create the superuser and sign in."""
        self.app, self._browser = app, InProcess(app)
        self._reason: Reason | None = None
        app.before_request(self._refuse)
        with app.app_context():
            administration.create(
                address=Address.of(BOSS), username="boss", password=PASSWORD, superuser=True, origin=HERE
            )
        assert Person(self._browser, BOSS).sign_in().status == 200

    def send(self, reason: Reason, language: str, headers: dict[str, str], path: str = "/cms/") -> Answer:
        """Send a request that is refused for this reason."""
        self._reason = reason
        return self._browser.send("GET", path, headers={**headers, "Accept-Language": language})

    def _refuse(self) -> None:
        if self._reason:
            raise self._reason()


@pytest.fixture(scope="module")
def refusing(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingApp]:
    """Provide one application for all tests of refusals."""
    folder = tmp_path_factory.mktemp("refusing")
    copy_template(sqlite_template, folder)
    app = new_app(settings_for(folder))
    yield RefusingApp(app)
    close_app(app)


def is_sentence(text: str, language: str) -> bool:
    """Return whether a text is in this language, and contains no placeholder and no identifier."""
    is_chinese = bool(CHINESE.search(text))
    return is_chinese == (language == "zh") and text.strip() == text != "" and not re.search(r"%\(|[a-z]_[a-z]", text)


class TestRefusals:
    """Refusals and error words."""

    @EACH_REFUSAL
    def test_every_refusal_defines_its_own_word_and_event(self, cls: type[Refusal]) -> None:
        """A class that inherited them would be reported as another refusal."""
        assert vars(cls)["word"] in get_args(RefusalWord)
        assert vars(cls)["event"] in NAMES

    def test_only_three_refusals_have_an_event_that_differs_from_their_word(self) -> None:
        """The names of events are stored, and other programs use the words."""
        assert {cls: (cls.word, cls.event) for cls in refusals() if cls.word != cls.event} == {
            errors.ChangeWasDropped: ("change_dropped", "change_was_dropped"),
            errors.NotAllowed: ("forbidden", "not_allowed"),
            errors.ProfileChanged: ("profile_changed", "profile_outdated"),
        }

    def test_no_two_refusals_share_a_word_or_an_event(self) -> None:
        assert Counter(cls.word for cls in refusals()) == Counter(get_args(RefusalWord))
        assert set(Counter(cls.event for cls in refusals()).values()) == {1}

    def test_every_refusal_has_a_response(self) -> None:
        assert set(REFUSALS) == set(refusals())
        for cls, response in REFUSALS.items():
            assert 400 <= response.status < 500, cls
            assert response.status != 429 or issubclass(cls, errors.WaitFirst), cls

    def test_every_error_word_belongs_to_one_refusal_or_http_error(self) -> None:
        words = [*(cls.word for cls in refusals()), *(word for word, _ in HTTP_ERRORS.values())]
        assert [word for word, times in Counter(words).items() if times > 1] == ["forbidden"]
        assert REFUSALS[errors.NotAllowed][:2] == (403, HTTP_ERRORS[403][1])
        assert {word for word, _ in REASONS} == set(get_args(ErrorWord))

    def test_the_readme_lists_exactly_the_error_words_with_their_status(self, refusing: RefusingApp) -> None:
        found = {(answer.status, answer.error) for answer in (refusing.send(each, "en", SCRIPT) for _, each in REASONS)}
        documented = [
            (int(status), word.strip("`"))
            for status, word, _ in table_rows(README, "Status", "`data.error`", "Meaning")
        ]
        assert len(documented) == len(set(documented))
        assert set(documented) == found

    @EACH_ERROR
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_refusal_is_rendered_as_json(
        self, refusing: RefusingApp, word: ErrorWord, reason: Reason, language: str
    ) -> None:
        for path in ("/cms/", MANAGEMENT):
            answer = refusing.send(reason, language, SCRIPT, path)
            assert answer.error == word
            field_errors = [sentence for each in answer.data.get("fields", {}).values() for sentence in each]
            for sentence in (answer.message, answer.data.get("hint", answer.message), *field_errors):
                assert is_sentence(sentence, language)

    @EACH_ERROR
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_refusal_is_rendered_as_a_page(
        self, refusing: RefusingApp, word: ErrorWord, reason: Reason, language: str
    ) -> None:
        json, page = (refusing.send(reason, language, headers) for headers in (SCRIPT, PAGE))
        assert json.error == word
        if word == "sign_in_required":
            assert (page.status, page.headers["Location"]) == (303, "/cms/login/?next=/cms/")
        elif word == "sign_in_expired":
            assert (page.status, page.headers["Location"]) == (303, "/cms/login/?expired=y")
        elif word in ("second_factor_required", "set_up_expired"):
            assert (page.status, page.headers["Location"]) == (303, "/cms/security/")
        elif word == "reauth_required":
            assert (page.status, 'name="resume"' in page.text) == (401, True)
        else:
            assert page.status == json.status
            assert f"<h1>{json.message}</h1>" in html.unescape(page.text)

    @EACH_REFUSAL
    def test_every_refusal_is_one_english_line_on_the_command_line(
        self, refusing: RefusingApp, cls: type[Refusal]
    ) -> None:
        for reason in factories(cls):
            result = run_refused_command(refusing.app, reason())
            assert (result.exit_code, result.stdout) == (1, "")
            assert result.stderr.startswith(f"Error: Refused ({cls.word}): ")
            sentence = result.stderr.partition("): ")[2].removesuffix("\n")
            assert "\n" not in sentence
            assert ENGLISH.match(sentence)
            assert is_sentence(sentence, "en")


class TestEvents:
    """Events of the history."""

    def test_every_event_has_a_sentence(self) -> None:
        assert set(EVENTS) == set(NAMES)

    def test_no_two_events_have_the_same_name_or_the_same_sentence(self) -> None:
        assert len(set(NAMES)) == len(NAMES)
        assert len({str(sentence) for sentence in EVENTS.values()}) == len(NAMES)

    def test_every_event_is_used(self) -> None:
        assert {*strings_in_use_cases(), *(cls.event for cls in refusals())} >= set(NAMES)

    def test_an_event_is_not_named_after_a_refusal(self) -> None:
        """Exceptions are the refusals that a use case records itself, together with other changes."""
        recorded_by_use_cases = strings_in_use_cases() & {cls.event for cls in refusals()}
        assert recorded_by_use_cases == {
            *("code_wrong", "code_missing", "email_taken", "too_many_requests"),
            *("second_factor_required", "second_factor_wrong"),
        }

    def test_every_event_name_fits_into_its_column(self) -> None:
        assert max(map(len, NAMES)) <= Audit.__table__.c.event.type.length

    @pytest.mark.parametrize("event", NAMES)
    def test_every_event_has_a_sentence_in_both_languages(self, refusing: RefusingApp, event: str) -> None:
        for language in LANGUAGES:
            assert is_sentence(sentence_in(refusing.app, language, event), language)
        assert ENGLISH.match(sentence_in(refusing.app, "en", event))

    @pytest.mark.parametrize("first", range(0, len(NAMES), history.PAGE // 2))
    def test_every_event_is_shown_on_pages_and_on_the_command_line(self, sqlite_env: Environment, first: int) -> None:
        ann, names = sqlite_env.person(ANN), NAMES[first : first + history.PAGE // 2]
        with sqlite_env.app.app_context():
            user = people.find_by_email(Address.of(ANN))
            assert user is not None
            for event in names:
                audit.record(user, event, HERE)
            db.session.commit()
        for language in LANGUAGES:
            page = ann.browser.send("GET", "/cms/security/", headers={**PAGE, "Accept-Language": language})
            shown = re.findall(r"<strong>(.*?)</strong>", html.unescape(page.text))
            assert {sentence_in(sqlite_env.app, language, event) for event in names} <= set(shown)
        printed = {
            tuple(line.split("\t")[1:3]) for line in run_command(sqlite_env, "email", "history", ANN).splitlines()
        }
        assert {(f"{event} x1", sentence_in(sqlite_env.app, "en", event)) for event in names} <= printed


def strings_in_use_cases() -> set[str]:
    """Return all strings in the source of `accounts/`, except those that only declare events and refusals."""
    declared = {ROOT / "accounts" / "events.py", ROOT / "accounts" / "errors.py"}
    trees = [ast.parse(path.read_text()) for path in set((ROOT / "accounts").glob("**/*.py")) - declared]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def sentence_in(app: Flask, language: str, event: str) -> str:
    """Return the sentence of an event in a language."""
    with app.app_context(), force_locale(language):
        return event_sentence(event)


class TestRoles:
    """Roles, permissions and policies, which several modules define without importing each other."""

    def test_every_module_has_the_same_roles(self) -> None:
        (choice,) = (each.type for each in commands.role.params if isinstance(each.type, click.Choice))
        roles = get_args(Role)
        assert roles == tuple(PERMISSIONS) == tuple(config.ROLES) == tuple(forms.ROLES) == tuple(choice.choices)

    def test_every_permission_belongs_to_a_role(self) -> None:
        assert frozenset[str]().union(*PERMISSIONS.values()) == set(get_args(Permission))

    @pytest.mark.parametrize("policy", get_args(Policy))
    def test_every_policy_can_be_set_for_every_role(self, policy: Policy) -> None:
        assert config.policies(policy) == dict.fromkeys(get_args(Role), policy)
        assert config.policies(",".join(f"{role}={policy}" for role in get_args(Role))) == config.policies(policy)
