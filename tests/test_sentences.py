"""cms/sentences.py: details of refusals and events. tests/test_completeness.py checks all of them."""

import pytest
from sqlalchemy import update

from accounts import errors
from accounts.errors import Refusal
from models import Audit, db
from tests.environments import Environment
from tests.refusals import run_refused_command
from tests.stories.test_command_line import ANN, run_command


def test_the_history_does_not_record_an_outdated_profile_as_saved(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    form = {"username": "ann", "language": "en"}
    assert ann.post("/cms/profile/", {**form, "version": "1", "city": "hangzhou"}).status == 200
    assert ann.post("/cms/profile/", {**form, "version": "1"}).error == "profile_changed"
    lines = run_command(sqlite_env, "email", "history", ANN).splitlines()
    assert [line.split("\t")[1].split()[0] for line in lines[:2]] == ["profile_outdated", "profile_changed"]


@pytest.mark.parametrize(
    ("refusal", "expected"),
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
def test_the_command_line_prints_the_details_of_a_refusal(
    sqlite_env: Environment, refusal: Refusal, expected: str
) -> None:
    assert expected in run_refused_command(sqlite_env.app, refusal).stderr


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_unknown_event_has_a_sentence(sqlite_env: Environment, language: str) -> None:
    """During a rolling update, the history may contain events of the newer version."""
    ann = sqlite_env.person()
    with sqlite_env.app.app_context():
        db.session.execute(update(Audit).where(Audit.event == "signed_in").values(event="future_event"))
        db.session.commit()
    page = ann.browser.send("GET", "/cms/security/", headers={"Accept": "text/html", "Accept-Language": language})
    assert page.status == 200
    assert "future_event" not in page.text
    assert ("其他事件" if language == "zh" else "Other event") in page.text
