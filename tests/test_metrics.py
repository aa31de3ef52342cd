"""telemetry/metrics.py: what is counted, and when."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from accounts import limits
from accounts.errors import TooManyRequests
from accounts.mail import outbox, smtp
from accounts.mail.messages import Letter
from models import db
from telemetry import metrics
from tests.actors import different_code
from tests.environments import Environment

NEW = "new@example.com"


class Counted:
    """The samples of a registry, as differences from the beginning of a test."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Read the samples."""
        self._registry = registry
        self._before = self._read()

    def changes(self, name: str) -> dict[tuple[str, ...], float]:
        """Return how much each series of a metric has changed, by the values of its labels."""
        found = {}
        for key, value in self._read().items():
            if key[0] == name and (change := value - self._before.get(key, 0)):
                found[key[1:]] = change
        return found

    def _read(self) -> dict[tuple[str, ...], float]:
        samples = [sample for family in self._registry.collect() for sample in family.samples]
        return {(each.name, *each.labels.values()): each.value for each in samples}


@pytest.fixture(scope="module")
def registry() -> CollectorRegistry:
    """Begin to count; other tests of this process are counted as well."""
    return metrics.enable()


@pytest.fixture
def counted(registry: CollectorRegistry) -> Iterator[Counted]:
    """Return what is counted during a test."""
    return Counted(registry)


def test_events_are_counted_when_they_are_committed(env: Environment, counted: Counted) -> None:
    ann = env.person()
    ann.ask(NEW)
    ann.confirm(NEW, different_code(env.code_to(NEW)))
    found = counted.changes("cms_events_total")
    assert (found["signed_in",], found["code_requested",], found["code_wrong",]) == (1, 1, 1)


def test_what_is_rolled_back_is_not_counted(
    env: Environment, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = env.person()
    ann.token()

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("accounts.unit_of_work._commit", fail)
    env.app.testing = False
    assert ann.ask(NEW).status == 500
    monkeypatch.undo()
    ann.cancel()
    assert ("code_requested",) not in counted.changes("cms_events_total")


def test_requests_and_refusals_are_counted_by_route(sqlite_env: Environment, counted: Counted) -> None:
    ann = sqlite_env.person()
    ann.ask("no address")
    assert counted.changes("cms_requests_total")["/cms/email_captcha/", "400"] == 1
    assert counted.changes("cms_refusals_total") == {("invalid", "/cms/email_captcha/"): 1}
    assert counted.changes("cms_request_seconds_count")["/cms/email_captcha/",] == 1
    assert counted.changes("cms_requests_in_progress") == {}


def test_a_limit_that_refuses_is_counted_by_its_kind(sqlite_env: Environment, counted: Counted) -> None:
    with sqlite_env.app.app_context():
        for limit in (limits.Limit("sends:user:7", 1, 60), limits.Limit("password:network:192.0.2.1", 1, 60)):
            spend = limits.spend if limit.name.startswith("sends") else limits.throttle
            spend(limit)
            with pytest.raises(TooManyRequests):
                spend(limit)
        db.session.rollback()
    assert counted.changes("cms_budgets_spent_total") == {("sends:user",): 1, ("password:network",): 1}


def test_deliveries_are_counted_by_result_and_problem(env: Environment, counted: Counted) -> None:
    with env.app.app_context():
        for recipient in ("right@example.com", "refused@example.com", "later@example.com"):
            outbox.enqueue(Letter("code", "subject", "body", "html"), recipient, user_id=None)
        db.session.commit()
    if env.smtp is None:
        env.deliver()
        expected = {("code", "sent"): 3}
    else:
        env.smtp.refusals |= {"refused@example.com": "550 no", "later@example.com": "451 later"}
        env.deliver()
        expected = {("code", "sent"): 1, ("code", "refused"): 1, ("code", "retried"): 1}
        problems = {(smtp.MailProblem.RECIPIENT_REFUSED.value,): 1, (smtp.MailProblem.TEMPORARILY_REFUSED.value,): 1}
        assert counted.changes("cms_mail_problems_total") == problems
    assert counted.changes("cms_mails_total") == expected
    assert counted.changes("cms_mail_seconds_count") == {(): expected["code", "sent"]}


def test_a_service_that_does_not_respond_is_counted(sqlite_env: Environment, counted: Counted) -> None:
    app = sqlite_env.build(CACHE_URL="sqlite:////dev/null/cache.db")
    assert sqlite_env.visitor(app=app).get_as_script("/readyz").status == 503
    assert counted.changes("cms_unavailable_total") == {("cache",): 1}


def test_connections_in_use_return_to_none(env: Environment, counted: Counted) -> None:
    env.person().page()
    assert counted.changes("cms_database_connections_in_use") == {}
