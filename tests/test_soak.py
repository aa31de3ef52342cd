"""The checks of `make soak` pass for what really happened, and each detects a change behind the ledger's back."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from werkzeug.datastructures import Headers

from models import db
from tests.actors import PASSWORD, Answer, InProcess, Person, different_code
from tests.environments import Environment, broken_histories
from tests.soak import checks, report
from tests.soak.checks import Check, Evidence, Fault
from tests.soak.ledger import Action, Exchange, Ledger, Outcome, Owed, Recorded

ANN, NEW = "ann@example.com", "new@example.com"
NODE = 8001


class RecordedInProcess(Recorded, InProcess):
    """A browser of an application in this process, whose requests are recorded."""


@dataclass
class Story:
    """What Ann did, as the ledger and the environment know it."""

    env: Environment
    ledger: Ledger

    def action(self, kind: str) -> Action:
        """Return the first action of a kind."""
        return next(action for action in self.ledger.actions if action.kind == kind)

    def execute(self, statement: str) -> None:
        """Change the database behind the application's back."""
        with self.env.app.app_context():
            db.session.execute(text(statement))
            db.session.commit()

    def evidence(self) -> Evidence:
        """Collect the evidence."""
        found = Evidence()
        checks.read_tables(self.env, found)
        stored = {mail.message_id for mail in found.mails}
        received = [(str(mail["Message-ID"]), str(mail["To"])) for mail in self.env.stored_mails()]
        found.received = [each for each in received if each[0] in stored]
        with self.env.app.app_context():
            found.broken_histories = broken_histories()
        return found

    def failed(self, evidence: Evidence | None = None) -> set[str]:
        """Return the titles of the checks that fail."""
        return titles(checks.run(self.ledger, evidence or self.evidence()))


def titles(results: list[Check]) -> set[str]:
    """Return the titles of the checks that fail."""
    return {check.title for check in results if check.problems}


@pytest.fixture
def story(sqlite_env: Environment) -> Story:
    """Provide a ledger of a changed address, after an incorrect code, and of a changed password."""
    env, ledger = sqlite_env, Ledger()
    env.administrator(ANN)
    ledger.open_account("ann", ANN)
    browser = RecordedInProcess(env.app)
    browser.ledger = ledger
    ann = Person(browser, ANN)
    changed = {"event": "email_changed", "detail": {"old": ANN, "new": NEW}, "mails": (Owed("changed", ANN),)}
    ledger.perform("sign in", "ann", ann.sign_in, event="signed_in")
    ledger.perform(
        *("request a code", "ann", lambda: ann.ask(NEW)),
        event="code_requested",
        detail={"email": NEW},
        mails=(Owed("code", NEW), Owed("heads_up", ANN)),
    )
    code = env.code_to(NEW)
    ledger.perform("enter an incorrect code", "ann", lambda: ann.confirm(NEW, different_code(code)), **changed)
    ledger.perform("enter the code", "ann", lambda: ann.confirm(NEW, code), **changed)
    ledger.perform("enter a used code", "ann", lambda: ann.confirm(NEW, code), **changed)
    form = {"oldpwd": PASSWORD, "password": "another good one", "repetition": "another good one"}
    ledger.perform(
        *("change the password", "ann", lambda: ann.post("/cms/resetpwd/", form)),
        event="password_set",
        mails=(Owed("password_changed", NEW),),
    )
    env.deliver()
    return Story(env, ledger)


HISTORY, NOTHING_ELSE = "Every acknowledged action is in the history once", "Nothing else is in the history"
ADDRESS, UNIQUE = "Every account has the address of its last change", "No address belongs to two accounts"
OWED, DUPLICATES = "Every mail of an acknowledged action was sent", "No mail exists twice, except with one Message-ID"
INTACT, CODES = "Every history is intact", "No code was accepted twice"
BUDGETS, RESPONSES = "Every try was counted, and no budget exceeded", "No response is 5xx except 503"
RETRY_AFTER, SECONDS = "Every 503 has Retry-After", "Every request got a response in time"


def test_what_really_happened_passes_every_check(story: Story) -> None:
    assert [action.outcome for action in story.ledger.actions] == [
        *(Outcome.ACKNOWLEDGED, Outcome.ACKNOWLEDGED, Outcome.REFUSED),
        *(Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.ACKNOWLEDGED),
    ]
    assert story.failed() == set()


COPY_ROW = """INSERT INTO audit (user_id, number, event, at, last_at, times, network, browser, detail, chain,
        request_id)
    SELECT user_id, 100, event, at, last_at, times, network, browser, detail, chain, request_id
    FROM audit WHERE event = 'password_set'"""
COPY_MAIL = """INSERT INTO mail (message_id, kind, user_id, recipient, subject, body, html, state, created_at, due_at,
        not_after, tries, problem)
    SELECT 'other', kind, user_id, recipient, '', '', '', state, created_at, due_at, not_after, tries, ''
    FROM mail WHERE kind = 'changed'"""


@pytest.mark.parametrize(
    ("statement", "failing"),
    [
        ("UPDATE cms_user SET email = 'thief@example.com', email_key = 'thief@example.com'", {ADDRESS}),
        ("UPDATE cms_user SET email = 'ann@example.com', email_key = 'ann@example.com'", {ADDRESS}),
        ("UPDATE cms_user SET is_active = false", {ADDRESS}),
        ("DELETE FROM audit WHERE event = 'password_set'", {HISTORY, INTACT}),
        ("DELETE FROM audit WHERE event = 'email_changed'", {HISTORY, INTACT, ADDRESS}),
        ("DELETE FROM audit WHERE event = 'code_wrong'", {BUDGETS, INTACT}),
        ("UPDATE audit SET times = 2 WHERE event = 'code_wrong'", {BUDGETS, INTACT}),
        ("UPDATE audit SET detail = replace(detail, 'new@', 'thief@')", {HISTORY, INTACT, ADDRESS}),
        ("UPDATE audit SET network = '198.51.100.9' WHERE event = 'signed_in'", {INTACT}),
        ("UPDATE audit SET request_id = 'another' WHERE event = 'signed_in'", {HISTORY, NOTHING_ELSE, INTACT}),
        (COPY_ROW, {HISTORY, INTACT}),
        ("DELETE FROM mail WHERE kind = 'changed'", {OWED}),
        ("DELETE FROM mail WHERE kind = 'code'", {OWED}),
        ("UPDATE mail SET state = 'queued' WHERE kind = 'heads_up'", {OWED}),
        ("UPDATE mail SET state = 'failed' WHERE kind = 'password_changed'", {OWED}),
        (COPY_MAIL, {OWED}),
    ],
)
def test_a_change_of_the_database_is_detected(story: Story, statement: str, failing: set[str]) -> None:
    story.execute(statement)
    assert story.failed() == failing


def test_an_address_of_two_accounts_is_detected(story: Story) -> None:
    story.env.administrator("bob@example.com")
    story.ledger.open_account("bob", "bob@example.com")
    story.execute("UPDATE cms_user SET email = 'NEW@example.com' WHERE username = 'bob'")
    assert story.failed() == {UNIQUE, ADDRESS}


def test_an_account_that_nobody_registered_is_detected(story: Story) -> None:
    story.env.administrator("bob@example.com")
    assert story.failed() == {ADDRESS}


def test_a_registration_of_unknown_result_may_have_created_an_account_or_not(story: Story) -> None:
    story.ledger.open_account("bob", "bob@example.com", is_certain=False)
    assert story.failed() == set()
    story.env.administrator("bob@example.com")
    assert story.failed() == set()
    story.ledger.open_account("carol", "carol@example.com")
    assert story.failed() == {ADDRESS}


def test_a_mail_that_was_not_received_is_detected(story: Story) -> None:
    evidence = story.evidence()
    evidence.received.remove(next(each for each in evidence.received if each[1] == ANN))
    assert story.failed(evidence) == {OWED}


def test_a_mail_to_another_recipient_is_detected(story: Story) -> None:
    evidence = story.evidence()
    evidence.received = [(each, "thief@example.com" if to == ANN else to) for each, to in evidence.received]
    assert story.failed(evidence) == {OWED}


def test_a_mail_may_be_received_twice_with_its_message_id_and_not_with_another(story: Story) -> None:
    evidence = story.evidence()
    evidence.received.append(evidence.received[0])
    assert story.failed(evidence) == set()
    evidence.received.append(("<another@example.net>", ANN))
    assert story.failed(evidence) == {DUPLICATES}


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.UNKNOWN])
@pytest.mark.parametrize("was_done", [True, False])
def test_an_action_of_unknown_result_may_have_been_done_or_not(story: Story, outcome: Outcome, was_done: bool) -> None:
    action = story.action("change the password")
    action.outcome = outcome
    if outcome is Outcome.UNKNOWN:
        action.request_id = ""
    if not was_done:
        story.execute("DELETE FROM audit WHERE event = 'password_set'")
        story.execute("DELETE FROM mail WHERE kind = 'password_changed'")
    assert story.failed() - {INTACT} == set()


def test_a_refused_action_with_an_effect_is_detected(story: Story) -> None:
    story.action("change the password").outcome = Outcome.REFUSED
    assert story.failed() >= {NOTHING_ELSE}


def test_a_code_that_is_accepted_twice_is_detected(story: Story) -> None:
    story.action("enter a used code").outcome = Outcome.ACKNOWLEDGED
    assert story.failed() >= {CODES}


@pytest.mark.parametrize("name", ["tries_per_code", "tries_per_day", "codes_per_hour"])
def test_an_exceeded_budget_is_detected(story: Story, name: str) -> None:
    evidence = story.evidence()
    setattr(evidence, name, 1 if name.startswith("tries") else 0)
    assert story.failed(evidence) == {BUDGETS}


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds", "failing"),
    [
        (500, "", 1, {RESPONSES}),
        (502, "2", 1, {RESPONSES}),
        (504, "2", 1, {RESPONSES}),
        (503, "2", 1, set()),
        (503, "", 1, {RETRY_AFTER}),
        (503, "0", 1, {RETRY_AFTER}),
        (200, "", 16, {SECONDS}),
        (0, "", 1, {SECONDS}),
    ],
)
def test_a_wrong_response_is_detected(
    story: Story, status: int, retry_after: str, seconds: float, failing: set[str]
) -> None:
    story.ledger.add_exchange(Exchange("POST", "/cms/", 1000, 1000 + seconds, status, "some-request", retry_after))
    assert story.failed() == failing


@pytest.mark.parametrize("status", [200, 0])
@pytest.mark.parametrize(
    ("port", "began", "is_excused"),
    [(NODE, 1010, True), (NODE, 1030, False), (NODE + 1, 1010, False), (0, 1010, False)],
)
def test_a_response_may_be_late_or_incomplete_only_if_its_node_was_killed_or_frozen_meanwhile(
    story: Story, status: int, port: int, began: float, is_excused: bool
) -> None:
    evidence = story.evidence()
    evidence.nodes = {"some-request": [NODE]}
    evidence.faults = [Fault("node frozen", "a node", began, began + 5, port)]
    story.ledger.add_exchange(Exchange("POST", "/cms/", 1000, 1020, status, "some-request"))
    assert story.failed(evidence) == (set() if is_excused else {SECONDS})


@pytest.mark.parametrize("name", ["valid_sessions", "locked_out", "log_problems"])
def test_other_evidence_is_reported(story: Story, name: str) -> None:
    evidence = story.evidence()
    setattr(evidence, name, ["a problem"])
    (found,) = [check for check in checks.run(story.ledger, evidence) if check.problems]
    assert found.problems == ["a problem"]


def raising(problem: Exception) -> Callable[[], Answer]:
    """Return a function that raises an error instead of sending a request."""

    def send() -> Answer:
        raise problem

    return send


@pytest.mark.parametrize("problem", [TimeoutError(), ConnectionResetError(), http.client.RemoteDisconnected()])
def test_the_result_of_an_action_without_a_response_is_unknown(problem: Exception) -> None:
    action = Ledger().perform("sign in", "ann", raising(problem))
    assert (action.outcome, action.status, action.request_id) == (Outcome.UNKNOWN, 0, "")
    assert type(problem).__name__ in action.problem


def test_a_response_that_is_not_the_envelope_is_a_surprise() -> None:
    ledger = Ledger()
    page = Answer(503, Headers({"Content-Type": "text/html"}), b"<p>Bad gateway", "/cms/")
    assert ledger.perform("sign in", "ann", lambda: page).outcome is Outcome.UNAVAILABLE
    assert titles(checks.run(ledger, Evidence())) == {"No other response was unexpected"}


def test_the_table_shows_faults_actions_responses_and_checks(story: Story) -> None:
    story.ledger.add_exchange(Exchange("GET", "/cms/", 1000, 1000.5, 503, "some-request"))
    story.action("change the password").outcome = Outcome.UNAVAILABLE
    evidence = story.evidence()
    results = checks.run(story.ledger, evidence)
    evidence.faults = [Fault("node killed", "a node", 0, 1)] * 3
    table = report.render(story.ledger, evidence, results)
    lines = [line.split() for line in table.splitlines()]
    assert ["node", "killed", "3"] in lines
    assert ["enter", "the", "code", "1", "0", "0", "0"] in lines
    assert ["all", "3", "2", "1", "0"] in lines
    assert ["completed", "all", "the", "same", "0", "0", "1", "0"] in lines
    assert ["503", "1", "0.500", "0.500", "0.500"] in lines
    assert f"{RETRY_AFTER} FAILED (1)" in " ".join(table.split())
    assert f"{INTACT} ok" in " ".join(table.split())
    assert "no Retry-After: GET /cms/" in report.render_problems(results)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [0.1, 0.4, 0.2, 0.3]
    assert [report.percentile(values, share) for share in (0.01, 0.5, 0.75, 0.99, 1)] == [0.1, 0.2, 0.3, 0.4, 0.4]
    assert report.percentile([], 0.5) == 0
