"""WEBHOOKS for operators: the setting, the commands, the check, the metrics and housekeeping."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from click.testing import Result

import config
from accounts.operations import housekeeping
from accounts.operations.measurements import measure
from accounts.webhooks import queue, receivers
from telemetry import metrics
from tests.environments import PRODUCTION, Environment, settings_for
from tests.servers import WebhookReceiver as Server
from tests.servers import command_line
from tests.stories.admin_steps import run_flask
from tests.test_outbox import queue_mail
from tests.webhooks import ANN, BOB, deliver, deliveries, disable_and_enable, stored_events, use

SECRET = Server.SECRET
ONE = f"https://cms.example.com/hook {SECRET}"


def secret_of(length: int) -> str:
    """Return a secret with this number of bytes."""
    return f"whsec_{base64.b64encode(bytes(range(length))).decode()}"


@pytest.fixture
def hook() -> Iterator[Server]:
    """Provide a receiver."""
    server = Server().start()
    yield server
    server.stop()


class TestSetting:
    """The setting is validated when the application starts."""

    def test_receivers_have_one_or_more_secrets(self, tmp_path: Path) -> None:
        two = f"http://localhost:8000/?a=b {SECRET}  {secret_of(64)}"
        values = config.load(settings_for(tmp_path, WEBHOOKS=f" {ONE} ,, {two},"))
        assert values["WEBHOOKS"] == {
            "https://cms.example.com/hook": (SECRET,),
            "http://localhost:8000/?a=b": (SECRET, secret_of(64)),
        }
        assert config.load(settings_for(tmp_path))["WEBHOOKS"] == {}

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            (SECRET, "the URL of receiver 1"),
            ("https://cms.example.com", "receiver 1 needs secrets"),
            (f"{ONE}, https://b.example.com", "receiver 2 needs secrets"),
            (f"{ONE}, {ONE}", "receiver 2 has the same URL"),
            (f"{ONE}, {ONE.replace('cms', 'CMS')}", "receiver 2 has the same URL"),
            (f"{ONE} {SECRET}", "receiver 1 has a secret twice"),
            (f"https://cms.example.com {SECRET[6:]}", "receiver 1 needs secrets"),
            (f"https://cms.example.com {secret_of(23)}", "24 to 64"),
            (f"https://cms.example.com {secret_of(65)}", "24 to 64"),
            (f"https://cms.example.com {SECRET}!", "receiver 1 needs secrets"),
            (f"https://user:hidden@cms.example.com {SECRET}", "without a user"),
            (f"https://cms.example.com/#hidden {SECRET}", "without a fragment"),
            (f"https://cms.example.com:0/ {SECRET}", "the URL of receiver 1"),
            (f"https://cms.example.com:99999/ {SECRET}", "the URL of receiver 1"),
            (f"https:///hook {SECRET}", "the URL of receiver 1"),
            (f"https://{'a' * 64}.example.com/ {SECRET}", "too long"),
            (f"https://例子.example.com/ {SECRET}", "in ASCII"),
            (f"ftp://cms.example.com/ {SECRET}", "the URL of receiver 1"),
        ],
    )
    def test_an_invalid_value_is_one_line_without_secrets(self, tmp_path: Path, value: str, problem: str) -> None:
        with pytest.raises(config.ConfigError) as caught:
            config.load(settings_for(tmp_path, WEBHOOKS=value))
        line = str(caught.value)
        assert line.startswith("WEBHOOKS=")
        assert problem in line
        assert "\n" not in line
        for secret in (SECRET[6:], secret_of(23)[6:], secret_of(65)[6:], "hidden"):
            assert secret not in line

    @pytest.mark.parametrize("host", ["cms.example.com", "10.0.0.7", "localhost.example.com", "0.0.0.0"])
    def test_production_requires_https_to_other_machines(self, tmp_path: Path, host: str) -> None:
        with pytest.raises(config.ConfigError, match="receiver 2 must be https"):
            config.load({**settings_for(tmp_path), **PRODUCTION, "WEBHOOKS": f"{ONE}, http://{host}/ {SECRET}"})

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.53", "[::1]"])
    def test_production_accepts_http_to_this_machine(self, tmp_path: Path, host: str) -> None:
        values = config.load({**settings_for(tmp_path), **PRODUCTION, "WEBHOOKS": f"http://{host}:8000/ {SECRET}"})
        assert list(values["WEBHOOKS"]) == [f"http://{host}:8000/"]


def flask(env: Environment, *words: str) -> Result:
    """Run a command."""
    return run_flask(env.app, "webhooks", *words)


class TestCommands:
    """`flask webhooks`."""

    def test_the_list_shows_state_queue_and_last_success_of_each_receiver(self, env: Environment, hook: Server) -> None:
        gone = Server(path="/gone?key=confidential").start()
        try:
            use(env, hook, gone)
            gone.behaviour = "410"
            env.administrator(ANN)
            assert "\tready\t1 waiting, the oldest for 0 s\t0 given up\tlast success never" in flask(env, "list").output
            deliver(env.app)
        finally:
            gone.stop()
        env.clock.advance(minutes=2)
        first, second = flask(env, "list").output.splitlines()
        at = f"{env.clock.now() - timedelta(minutes=2):%Y-%m-%d %H:%M} UTC"
        assert first == f"{hook.url}\tready\t0 waiting\t0 given up\tlast success {at}"
        assert second.startswith(
            f"{gone.base}/gone?***\tdisabled since {at}: it answered 410\t1 waiting, the oldest for 120 s"
        )
        assert "confidential" not in second
        use(env, hook)
        _, removed = run_flask(env.build(), "webhooks", "list").output.splitlines()
        assert removed.split("\t")[1:3] == ["removed from WEBHOOKS", "1 waiting, the oldest for 120 s"]

    def test_a_replay_sends_the_events_since_then_again_in_order_with_the_same_ids(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        ann = env.administrator(ANN)
        deliver(env.app)
        env.clock.advance(hours=1)
        since = env.clock.now()
        env.clock.advance(seconds=1)
        disable_and_enable(env, ann, times=2)
        deliver(env.app)
        sent = [each.headers["webhook-id"] for each in hook.received]
        env.clock.advance(days=10)
        result = flask(env, "replay", "--since", since.isoformat())
        assert (result.exit_code, result.output) == (0, "6 deliveries are queued.\n")
        deliver(env.app)
        assert [each.headers["webhook-id"] for each in hook.received] == [*sent, *sent[1:]]
        assert [each.place[1] for each in hook.received] == [1, 2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7]

    def test_a_replay_sends_dead_letters_and_enables_a_receiver(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        env.administrator(ANN)
        hook.behaviour = "410"
        deliver(env.app)
        env.clock.advance(days=4)
        deliver(env.app)
        assert [row.state for row in deliveries(env)] == ["dead"]
        hook.behaviour = ""
        flask(env, "replay", "--since", (env.clock.now() - timedelta(days=5)).strftime("%Y-%m-%d"))
        deliver(env.app)
        assert [(row.state, row.tries) for row in deliveries(env)] == [("delivered", 1)]

    def test_a_replay_tells_a_new_receiver_what_happened_before_and_leaves_others_alone(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        env.administrator(ANN)
        deliver(env.app)
        added = Server(path="/added").start()
        try:
            use(env, hook, added)
            app = env.build()
            since = (env.clock.now() - timedelta(hours=1)).astimezone(UTC).isoformat()
            result = run_flask(app, "webhooks", "replay", "--since", since, "--receiver", added.url)
            assert result.output == "1 deliveries are queued.\n"
            deliver(app)
        finally:
            added.stop()
        assert (added.types, len(hook.received)) == (["account.created"], 1)

    def test_a_replay_extends_the_time_of_what_waits_and_does_not_end_its_lease(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        env.administrator(ANN)
        (before,) = deliveries(env)
        env.clock.advance(days=1)
        flask(env, "replay", "--since", (env.clock.now() - timedelta(days=2)).isoformat())
        (after,) = deliveries(env)
        assert after.not_after == before.not_after + timedelta(days=1)
        assert (after.due_at, after.tries, after.state) == (before.due_at, before.tries, before.state)

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (("replay", "--since", "yesterday"), "--since must be a time such as"),
            (("replay", "--since", "2020-01-01"), "--since must be within the last 30 days."),
            (("replay", "--since", "2999-01-01"), "--since must be within the last 30 days."),
            (
                ("replay", "--since", "NOW", "--receiver", "https://other.example.com"),
                "has no receiver with this URL",
            ),
            (("enable", "https://other.example.com"), "WEBHOOKS has no receiver with this URL."),
            (("test", "https://other.example.com"), "WEBHOOKS has no receiver with this URL."),
        ],
    )
    def test_a_wrong_argument_changes_nothing(
        self, sqlite_env: Environment, hook: Server, words: tuple[str, ...], line: str
    ) -> None:
        use(sqlite_env, hook)
        now = sqlite_env.clock.now().isoformat()
        result = flask(sqlite_env, *(now if word == "NOW" else word for word in words))
        assert result.exit_code == 1
        assert line in result.output
        assert len(result.output.splitlines()) == 1

    def test_a_time_without_a_zone_is_in_utc(self, sqlite_env: Environment, hook: Server) -> None:
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        now = sqlite_env.clock.advance(seconds=60)
        for seconds, expected in ((30, 0), (90, 1)):
            since = (now - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
            assert flask(sqlite_env, "replay", "--since", since).output == f"{expected} deliveries are queued.\n"

    def test_a_test_sends_a_signed_event_at_once_and_stores_nothing(
        self, sqlite_env: Environment, hook: Server
    ) -> None:
        use(sqlite_env, hook)
        result = flask(sqlite_env, "test", hook.url)
        assert (result.exit_code, result.output) == (0, "Accepted: status 200\n")
        (event,) = hook.received
        assert (event.type, event.payload["data"]) == ("webhook.test", {})
        assert event.headers["webhook-signature"].startswith("v1,")
        hook.behaviour = "404"
        result = flask(sqlite_env, "test", hook.url)
        assert (result.exit_code, result.output) == (1, "Error: Not accepted (refused): status 404\n")
        assert stored_events(sqlite_env) == []

    @pytest.mark.real_time
    @pytest.mark.servers
    def test_mail_deliver_also_sends_webhooks_and_waits_for_them(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        env.administrator(ANN)
        with env.app.app_context():
            queue_mail()
        result = command_line(env.settings, "mail", "deliver")
        assert result.returncode == 0, result.stderr
        assert hook.types == ["account.created"]
        assert [row.state for row in deliveries(env)] == ["delivered"]


class TestDoctor:
    """The check `webhooks`."""

    def test_without_receivers_there_is_nothing_to_check(self, sqlite_env: Environment) -> None:
        assert self.run(sqlite_env) == ("ok", "none", [])

    def test_it_reports_each_problem_of_a_receiver(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        assert self.run(env)[:2] == ("ok", "receivers: 1, events that wait: 0")
        env.administrator(ANN)
        env.clock.advance(seconds=61)
        severity, message, _ = self.run(env)
        assert severity == "error"
        assert "is due, and no process delivers it: start `flask --app app mail deliver --watch`" in message
        hook.behaviour = "503"
        deliver(env.app)
        severity, message, _ = self.run(env)
        assert severity == "warning"
        assert "has failed 1 times in a row" in message
        env.clock.advance(seconds=10)
        hook.behaviour = "500"
        deliver(env.app)
        env.clock.advance(seconds=600)
        hook.behaviour = ""
        env.administrator(BOB)
        hook.behaviour = "410"
        deliver(env.app)
        severity, message, (data,) = self.run(env)
        assert severity == "error"
        assert "is disabled, because it answered 410" in message
        assert data == {"receiver": hook.url, "waiting": 2, "oldest_seconds": 671, "dead": 0, "disabled": True}
        env.clock.advance(days=3)
        deliver(env.app)
        severity, message, (data,) = self.run(env)
        assert f"events to {hook.url} given up in the last 24 hours: 2." in message
        assert data["dead"] == 2

    def test_an_event_behind_one_that_is_retried_is_not_reported_as_due(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        ann = env.administrator(ANN)
        hook.behaviour = "500"
        for seconds in (5, 10, 20, 40, 80):
            deliver(env.app)
            env.clock.advance(seconds=seconds)
        deliver(env.app)
        disable_and_enable(env, ann)
        env.clock.advance(seconds=61)
        assert self.run(env)[:2] == ("ok", "receivers: 1, events that wait: 4")

    def run(self, env: Environment) -> tuple[str, str, list[dict[str, object]]]:
        """Return the result of the check."""
        output = run_flask(env.app, "doctor", "--only", "webhooks", "--json").output
        (check,) = [each for each in json.loads(output)["checks"] if each["name"] == "webhooks"]
        return check["severity"], check["message"], check["data"]["receivers"]


class TestMetrics:
    """The numbers for Prometheus."""

    def test_what_waits_and_what_was_given_up_is_measured(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        for email in (ANN, BOB):
            env.administrator(email)
        env.clock.advance(seconds=90)
        assert self.measure(env) == (2.0, 90.0, 0.0, 0.0)
        hook.behaviour = "410"
        deliver(env.app)
        assert self.measure(env) == (2.0, 90.0, 0.0, 1.0)
        env.clock.advance(days=3)
        deliver(env.app)
        assert self.measure(env) == (0.0, 0.0, 2.0, 1.0)

    def test_tries_are_counted_by_result(
        self, sqlite_env: Environment, hook: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted: list[tuple[object, ...]] = []
        monkeypatch.setattr(metrics.WEBHOOK_TRIES, "add", lambda *labels, **_: counted.append(labels))
        use(sqlite_env, hook)
        sqlite_env.administrator(ANN)
        for behaviour in ("500", "503", ""):
            hook.behaviour = behaviour
            deliver(sqlite_env.app)
            sqlite_env.clock.advance(seconds=60)
        assert counted == [(hook.url, result) for result in ("server_error", "unavailable", "delivered")]

    def measure(self, env: Environment) -> tuple[float, ...]:
        """Return what waits, the age of the oldest, what was given up, and the receivers that are disabled."""
        found = measure(env.app)
        names = "webhook_events_waiting oldest_waiting_webhook_seconds webhook_events_dead webhook_receivers_disabled"
        return tuple(found[f"cms_{name}"][1] for name in names.split())


class TestHousekeeping:
    """How long events are stored."""

    def test_events_are_kept_for_35_days_with_their_deliveries(self, env: Environment, hook: Server) -> None:
        use(env, hook)
        env.administrator(ANN)
        deliver(env.app)
        for days, expected in ((35, 1), (0.01, 0)):
            env.clock.advance(days=days)
            with env.app.app_context():
                housekeeping.delete_all_expired()
            assert (len(stored_events(env)), len(deliveries(env))) == (expected, expected)

    def test_an_event_that_can_be_repeated_is_kept_until_it_is_delivered_or_given_up(self) -> None:
        assert queue.REPLAYABLE + timedelta(days=3) < queue.KEPT

    def test_an_event_that_is_deleted_while_it_waits_does_not_stop_delivery(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        env.administrator(ANN)
        env.clock.advance(days=36)
        with env.app.app_context():
            housekeeping.delete_all_expired()
        env.administrator(BOB)
        deliver(env.app)
        assert len(hook.received) == 1

    def test_what_waits_for_a_removed_receiver_is_delivered_if_it_comes_back_in_time(
        self, env: Environment, hook: Server
    ) -> None:
        use(env, hook)
        env.administrator(ANN)
        removed = env.build(WEBHOOKS="")
        with removed.app_context():
            assert receivers.list_all() == []
        env.clock.advance(days=2)
        deliver(env.app)
        assert hook.types == ["account.created"]
