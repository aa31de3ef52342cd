"""cms/sentences.py: every refusal and event has a sentence on pages, in JSON and on the command line.

The names of events are read from the source, so that new events in `accounts/` are included.
"""

import ast
import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup
from flask_babel import force_locale
from sqlalchemy import update

from accounts import errors
from accounts.errors import Refusal
from cms import sentences
from commands import OwnGroup
from models import Audit, db
from tests.environments import Environment
from tests.servers import ROOT
from tests.stories.test_command_line import ANN, said

RECORDERS = {"record": 1, "_record_and_notify": 2, "_report": 1}
"""The functions that record an event, and which of their arguments is its name."""
PASSED_ON = {"event", "refusal.event()", "told['event']"}
"""What they pass on instead of a name: their own argument, or a refusal's."""
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Z][a-z -]")


def names_in(argument: ast.expr) -> Iterator[str]:
    """Yield the names that an argument can be, if they stand there."""
    if isinstance(argument, ast.IfExp):
        yield from names_in(argument.body)
        yield from names_in(argument.orelse)
    elif isinstance(argument, ast.Constant):
        yield str(argument.value)
    else:
        assert ast.unparse(argument) in PASSED_ON, f"{ast.unparse(argument)}: an event whose name the source hides"


def recorded_events() -> set[str]:
    """Return the names of all events that the use cases record as such."""
    found = set()
    for path in sorted((ROOT / "accounts").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in RECORDERS and len(node.args) > RECORDERS[name]:
                    found |= set(names_in(node.args[RECORDERS[name]]))
    return found


def refusals() -> list[type[Refusal]]:
    """Return the classes of all refusals that can be raised."""

    def below(cls: type[Refusal]) -> Iterator[type[Refusal]]:
        for each in cls.__subclasses__():
            yield each
            yield from below(each)

    return [cls for cls in below(Refusal) if not cls.__subclasses__()]


def raised(cls: type[Refusal]) -> list[Refusal]:
    """Return refusals of a class, one for each way in which it can be told."""
    given: dict[type[Refusal], list[tuple[object, ...]]] = {
        errors.CodeWrong: [(4, "new"), (0, "old")],
        errors.CodeMissing: [("old",), ("new",)],
        errors.ChangeWasDropped: [("boss",), ("",)],
    }
    waits: list[tuple[object, ...]] = [(7,), (600,), (86400,)]
    return [cls(*each) for each in given.get(cls, waits if issubclass(cls, errors.WaitFirst) else [()])]


EVERY = pytest.mark.parametrize("cls", refusals(), ids=lambda cls: cls.__name__)
EVENT_NAMES = sorted(recorded_events() | {cls.event() for cls in refusals()})


def test_the_check_finds_the_events_in_the_source() -> None:
    assert recorded_events() >= {"signed_in", "made_superuser", "made_editor", "too_many_requests", "sign_in_failed"}
    assert recorded_events() >= {"email_changed", "change_dropped", "sessions_ended", "unlocked", "password_link_sent"}


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_every_event_has_a_sentence_in_both_languages(sqlite_env: Environment, event: str) -> None:
    assert event in sentences.EVENTS
    told = {}
    with sqlite_env.app.app_context():
        for language in ("zh", "en"):
            with force_locale(language):
                told[language] = sentences.event_sentence(event)
    assert CHINESE.search(told["zh"])
    assert ENGLISH.match(told["en"])
    assert not CHINESE.search(told["en"])


def test_every_sentence_of_an_event_is_used() -> None:
    assert set(sentences.EVENTS) == set(EVENT_NAMES)


def test_no_two_events_have_the_same_sentence() -> None:
    with_one = [str(sentence) for sentence in sentences.EVENTS.values()]
    assert len(with_one) == len(set(with_one))


def test_a_refusal_is_not_recorded_under_the_name_of_what_it_refuses() -> None:
    """Only where the use case itself records the very refusal, with what it keeps, the names are the same."""
    both = recorded_events() & {cls.event() for cls in refusals()}
    assert both == {"code_wrong", "code_missing", "email_taken", "too_many_requests"}


def test_data_that_could_not_be_saved_are_not_called_saved_in_the_history(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    form = {"username": "ann", "language": "en"}
    assert ann.post("/cms/profile/", {**form, "version": "1", "city": "hangzhou"}).status == 200
    assert ann.post("/cms/profile/", {**form, "version": "1"}).error == "profile_changed"
    lines = said(sqlite_env, "email", "history", ANN).splitlines()
    assert [line.split("\t")[1].split()[0] for line in lines[:2]] == ["profile_outdated", "profile_changed"]


@EVERY
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_refusal_is_told_in_one_language(sqlite_env: Environment, cls: type[Refusal], language: str) -> None:
    with sqlite_env.app.app_context(), force_locale(language):
        for refusal in raised(cls):
            for whole in (sentences.refusal_sentence(refusal), str(sentences.tell(refusal)[0].sentence)):
                assert bool(CHINESE.search(whole)) == (language == "zh")
                assert whole.strip() == whole != ""
                assert cls.__name__ not in whole
                assert not re.search(r"%\(|\b[a-z]+_[a-z_]+\b", whole)


@EVERY
def test_the_command_line_tells_every_refusal_in_one_english_line_with_its_word(
    sqlite_env: Environment, cls: type[Refusal]
) -> None:
    for refusal in raised(cls):
        result = refused_on_the_command_line(sqlite_env, refusal)
        word, sentence = cls.word, result.stderr.partition("): ")[2]
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"Error: Refused ({word}): ")
        assert result.stderr.count("\n") == 1
        assert ENGLISH.match(sentence)
        assert not CHINESE.search(sentence)


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (errors.ChangesFrozen(7200), "Try again in 2 hours."),
        (errors.TooManyRequests(30), "Try again in 30 seconds."),
        (errors.CodeWrong(1), "1 try left."),
        (errors.ChangeWasDropped("boss"), "cancelled by boss"),
        (errors.ChangeWasDropped(""), "cancelled by the operator"),
        (errors.SameEmail(), "the email address of the account."),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Refusal) else each,
)
def test_the_command_line_tells_the_details_of_a_refusal(sqlite_env: Environment, refusal: Refusal, told: str) -> None:
    assert told in refused_on_the_command_line(sqlite_env, refusal).stderr


def refused_on_the_command_line(env: Environment, refusal: Refusal) -> click.testing.Result:
    """Run a command that is refused, in a group like those of the application."""
    group = OwnGroup("test")

    @group.command("refused")
    def _refused() -> None:
        raise refusal

    return CliRunner().invoke(FlaskGroup(create_app=lambda: env.app, commands=[group]), ["test", "refused"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_event_that_is_not_known_here_is_shown_in_words(sqlite_env: Environment, language: str) -> None:
    """It may be one of a newer version: while nodes are updated one by one, both read the same history."""
    ann = sqlite_env.person()
    with sqlite_env.app.app_context():
        db.session.execute(update(Audit).where(Audit.event == "signed_in").values(event="taught_to_fly"))
        db.session.commit()
    page = ann.browser.send("GET", "/cms/security/", headers={"Accept": "text/html", "Accept-Language": language})
    assert page.status == 200
    assert "taught_to_fly" not in page.text
    assert ("其他事件" if language == "zh" else "Other event") in page.text
