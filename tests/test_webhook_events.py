"""accounts/webhooks/events.py: every change of an account is told, with it or not at all, and nothing secret."""

import ast
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args

import pytest
from sqlalchemy import event as sql

from accounts import changes, clock, unit_of_work
from accounts.errors import LastSuperuser
from accounts.flows import administration, assisted_change, erasure, new_password, personal_data
from accounts.origin import COMMAND_LINE
from accounts.webhooks import events
from accounts.webhooks.events import EventType
from models import Address, CMSUser, WebhookEvent, db, table
from tests.actors import PASSWORD
from tests.environments import HERE, Environment
from tests.servers import ROOT, WebhookReceiver, run_concurrently
from tests.stories.admin_steps import act, id_of, invite, register, superuser
from tests.test_docs import table_rows
from tests.webhooks import ANN, BOB, deliveries, stored_events, use

NEW = "new@example.com"
PROFILE = {
    "mobile": "138 1234 5678",
    "staff_number": "4711",
    "gender": "female",
    "city": "hangzhou",
    "interests": "news",
}
EMPTY = {"mobile": None, "staff_number": None, "gender": None, "city": None, "interests": [], "language": None}


@pytest.fixture
def hook() -> Iterator[WebhookReceiver]:
    """Provide a receiver."""
    server = WebhookReceiver().start()
    yield server
    server.stop()


@pytest.fixture
def told(env: Environment, hook: WebhookReceiver) -> Iterator["Told"]:
    """Provide an environment with a receiver, and what is told."""
    use(env, hook)
    return Told(env)


@pytest.fixture
def sqlite_told(sqlite_env: Environment, hook: WebhookReceiver) -> "Told":
    """Provide the environment with the embedded defaults, and what is told."""
    use(sqlite_env, hook)
    return Told(sqlite_env)


class Told:
    """The events that were stored since the last call."""

    def __init__(self, env: Environment) -> None:
        """Begin with the next event."""
        self.env = env
        self._seen = 0

    def take(self) -> list[dict[str, Any]]:
        """Return the payloads of new events."""
        rows = stored_events(self.env)
        found = [json.loads(row.payload) for row in rows[self._seen :]]
        for row, payload in zip(rows[self._seen :], found, strict=True):
            assert (row.type, row.message_id) == (payload["type"], payload["id"])
            assert (row.user_id, row.number) == (payload["data"]["account_id"], payload["data"]["number"])
        self._seen = len(rows)
        return found

    def types(self) -> list[str]:
        """Return the types of new events, without the beginning that all share."""
        return [each["type"].removeprefix("account.") for each in self.take()]

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Return what new events tell as changed; all of them must tell the same."""
        found = [_difference(each["data"]) for each in self.take()]
        assert found
        assert all(first == second for first, second in pairwise(found))
        return found[0]


def _difference(data: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (data["before"][name], now) for name, now in data["after"].items() if data["before"][name] != now}


class TestFlows:
    """What administrators and operators do."""

    def test_a_change_of_address_is_told_with_both_addresses_and_an_undo_is_told_as_such(self, told: Told) -> None:
        env, ann = told.env, told.env.person(ANN)
        assert told.types() == ["created"]
        assert ann.ask(NEW).status == 200
        assert told.types() == []
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        (change,) = told.take()
        assert change["type"] == "account.email_changed"
        assert _difference(change["data"]) == {"email": (ANN, NEW)}
        assert env.visitor().post(env.links_to(ANN, "undo")[-1]).status == 200
        undone, ended = told.take()
        assert (undone["type"], ended["type"]) == ("account.email_change_undone", "account.sessions_ended")
        assert _difference(undone["data"]) == {"email": (NEW, ANN)}
        assert ended["data"]["sessions"] == "all"

    def test_other_sessions_are_told_as_ended_only_if_there_were_any(self, told: Told) -> None:
        ann = told.env.person(ANN)
        told.env.signed_in(ANN)
        told.take()
        for expected in (["others"], []):
            assert ann.post("/cms/security/sessions/end_others/").status == 200
            assert [each["data"]["sessions"] for each in told.take()] == expected

    def test_a_sign_in_a_sign_out_and_an_expired_session_are_not_told(self, told: Told) -> None:
        ann = told.env.person(ANN)
        told.take()
        ann.sign_out()
        ann.sign_in()
        told.env.clock.advance(days=40)
        ann.sign_in()
        assert told.types() == []

    def test_a_registration_is_told_with_the_profile(self, told: Told) -> None:
        boss, env = superuser(told.env), told.env
        told.take()
        assert invite(boss, NEW, "superuser").status == 200
        assert told.types() == []
        assert register(env.visitor(), env.links_to(NEW, "register")[-1], **PROFILE).status == 200
        (created,) = told.take()
        assert (created["type"], created["version"]) == ("account.created", 1)
        assert created["data"] == {
            "account_id": id_of(env, NEW),
            "number": 1,
            "before": None,
            "after": {
                "email": NEW,
                "role": "superuser",
                "is_disabled": False,
                "is_erased": False,
                "username": "lì.míng",
                "mobile": "+8613812345678",
                "staff_number": 4711,
                "gender": "female",
                "city": "hangzhou",
                "interests": ["news"],
                "language": "en",
            },
        }

    def test_a_change_of_the_profile_is_told_and_saving_it_unchanged_is_not(self, told: Told) -> None:
        ann = told.env.person(ANN)
        told.take()
        form = {"username": "ann", "language": "en", **PROFILE}
        assert ann.post("/cms/profile/", {**form, "version": "1"}).status == 200
        changed = told.changed()
        assert set(changed) == {*PROFILE, "language"}
        assert changed["interests"] == ([], ["news"])
        assert ann.post("/cms/profile/", {**form, "version": "2"}).status == 200
        assert told.types() == []

    def test_what_superusers_do_is_told(self, told: Told) -> None:
        env, boss = told.env, superuser(told.env)
        env.administrator(BOB)
        told.take()
        for action, more, expected in (
            ("role", {"role": "superuser"}, ["role_changed"]),
            ("role", {"role": "superuser"}, []),
            ("disable", {}, ["disabled", "sessions_ended"]),
            ("enable", {}, ["enabled"]),
            ("end_sessions", {}, ["sessions_ended"]),
        ):
            answer = act(boss, env, BOB, action, **more)
            assert answer.status == 200, answer
            assert told.types() == expected

    def test_what_the_operator_does_is_told(self, told: Told) -> None:
        env = told.env
        ann, _ = env.administrator(ANN), superuser(env)
        told.take()
        with env.app.app_context():
            administration.set_role(COMMAND_LINE, ann.id, superuser=True, reason="because")
            administration.disable(COMMAND_LINE, ann.id, reason="because")
            administration.enable(COMMAND_LINE, ann.id, reason="because")
            new_password.set_by_operator(ann.id, PASSWORD, reason="because", origin=COMMAND_LINE)
        expected = ["role_changed", "disabled", "sessions_ended", "enabled", "sessions_ended"]
        assert told.types() == expected
        assert [row.number for row in stored_events(env) if row.user_id == ann.id] == [1, 2, 3, 4, 5, 6]

    def test_a_change_that_another_administrator_started_is_told_when_it_is_made(self, told: Told) -> None:
        env, ann = told.env, told.env.administrator(ANN)
        with env.app.app_context():
            assisted_change.start(
                HERE.__class__(**{**vars(HERE), "site": "https://x.test"}), ann.id, Address.of(NEW), reason="lost"
            )
        told.take()
        env.clock.advance(days=1, seconds=1)
        assert env.visitor().post(env.links_to(NEW, "prove")[-1]).status == 200
        assert told.types() == ["email_changed", "sessions_ended"]

    def test_what_a_task_of_delivery_does_is_told(self, told: Told) -> None:
        """A task is committed by delivery, not by a use case."""
        env, ann = told.env, told.env.administrator(ANN)
        told.take()
        with env.app.app_context():
            work = unit_of_work.join(HERE)
            account = work.lock(ann.id)
            assert account is not None
            work.record(account, "profile_changed", columns={"city": "beijing"})
            db.session.commit()
        assert told.changed() == {"city": (None, "beijing")}


class TestErasure:
    """An erased account."""

    def test_it_is_told_without_the_data_and_earlier_events_lose_theirs(self, told: Told) -> None:
        env, ann = told.env, told.env.administrator(ANN)
        superuser(env)
        env.administrator(BOB)
        told.take()
        with env.app.app_context():
            erasure.erase(COMMAND_LINE, ann.id, reason="because")
        found = told.take()
        types = [each["type"] for each in found]
        assert types == [
            f"account.{name}" for name in ("email_changed", "profile_changed", "disabled", "sessions_ended")
        ]
        name = f"erased:{ann.id}"
        for each in found:
            assert each["data"]["before"] is None
            expected = {"email": f"{name}@erased.invalid", "username": name, "role": "editor", "is_disabled": True}
            assert each["data"]["after"] == {**EMPTY, **expected, "is_erased": True}
        rows = [row for row in stored_events(env) if row.user_id == ann.id]
        assert [row.number for row in rows] == [1, 2, 3, 4, 5]
        payload = json.loads(rows[0].payload)
        assert payload["data"] == {"account_id": ann.id, "number": 1, "before": None, "after": None}
        assert not any("ann@" in row.payload for row in rows)
        assert any(BOB in row.payload for row in stored_events(env))

    def test_the_copy_of_personal_data_contains_the_events(self, sqlite_told: Told) -> None:
        env, ann = sqlite_told.env, sqlite_told.env.administrator(ANN)
        env.administrator(BOB)
        with env.app.app_context():
            copy = personal_data.export(ann.id, COMMAND_LINE)
        (event,) = copy["webhook_events"]
        assert (event["number"], event["type"], event["payload"]["data"]["after"]["email"]) == (
            1,
            "account.created",
            ANN,
        )
        json.dumps(copy)


class TestTransaction:
    """Events are stored with what they tell, or not at all."""

    def test_what_is_rolled_back_is_not_told_and_leaves_no_gap(self, told: Told) -> None:
        env, ann = told.env, told.env.administrator(ANN)
        told.take()

        def change_and_fail() -> None:
            with unit_of_work.begin(HERE) as work:
                account = work.lock(ann.id)
                assert account is not None
                work.record(account, "profile_changed", columns={"city": "beijing"})
                raise ZeroDivisionError

        with env.app.app_context():
            with pytest.raises(ZeroDivisionError):
                change_and_fail()
            db.session.rollback()
            administration.disable(COMMAND_LINE, ann.id, reason="because")
        assert told.types() == ["disabled", "sessions_ended"]
        assert [row.number for row in stored_events(env)] == [1, 2, 3]

    def test_what_a_refusal_rolled_back_is_not_told(self, told: Told) -> None:
        boss, env = superuser(told.env), told.env
        told.take()
        assert act(boss, env, "boss@example.com", "disable").status >= 400
        with env.app.app_context(), pytest.raises(LastSuperuser):
            administration.disable(COMMAND_LINE, id_of(env, "boss@example.com"), reason="because")
        assert told.types() == []

    def test_if_an_event_cannot_be_stored_the_change_is_not_made(self, told: Told) -> None:
        env, ann = told.env, told.env.administrator(ANN)

        def fail(_: Any, __: Any, statement: str, *___: Any) -> None:
            if statement.startswith("INSERT INTO webhook_delivery"):
                raise RuntimeError("the last statement fails")

        with env.app.app_context():
            sql.listen(db.engine, "before_cursor_execute", fail)
            try:
                with pytest.raises(RuntimeError):
                    administration.disable(COMMAND_LINE, ann.id, reason="because")
            finally:
                sql.remove(db.engine, "before_cursor_execute", fail)
            db.session.rollback()
        assert env.account("ann").is_active
        assert len(stored_events(env)) == 1

    def test_concurrent_changes_of_one_account_have_numbers_without_gaps(self, told: Told) -> None:
        env, ann = told.env, told.env.administrator(ANN)

        def change(number: int) -> None:
            with env.app.app_context():
                for step in range(5):
                    with unit_of_work.begin(HERE) as work:
                        account = work.lock(ann.id)
                        assert account is not None
                        work.record(account, "profile_changed", columns={"staff_number": number * 100 + step})

        run_concurrently(change, 4)
        rows = stored_events(env)
        assert [row.number for row in rows] == list(range(1, 22))
        after = [json.loads(row.payload)["data"] for row in rows]
        assert all(one["after"] == two["before"] for one, two in pairwise(after))

    def test_every_receiver_gets_a_delivery(self, env: Environment, hook: WebhookReceiver) -> None:
        other = WebhookReceiver(path="/other").start()
        other.stop()
        use(env, hook, other)
        env.administrator(ANN)
        found = deliveries(env)
        assert len({row.receiver for row in found}) == 2
        assert {(row.number, row.state, row.tries) for row in found} == {(1, "queued", 0)}

    def test_without_receivers_nothing_is_stored_and_no_statement_is_added(self, env: Environment) -> None:
        env.administrator(ANN)
        assert (stored_events(env), deliveries(env), env.account("ann").webhook_events) == ([], [], 0)


class TestCompleteness:
    """What is told is decided in one place."""

    def test_every_column_of_an_account_is_told_or_not_told(self) -> None:
        columns = set(table(CMSUser).c.keys())
        assert columns == events.TOLD | events.NOT_TOLD
        assert not events.TOLD & events.NOT_TOLD

    def test_every_told_column_is_in_the_payload(self) -> None:
        account = CMSUser(id=7, is_active=True, is_superuser=False)
        renamed = {"is_active": "is_disabled", "is_superuser": "role", "erased_at": "is_erased"}
        assert set(events.describe(account)) == {renamed.get(name, name) for name in events.TOLD - {"id"}}

    @pytest.mark.parametrize("column", sorted(events.TOLD - {"id", "erased_at"}))
    def test_a_change_of_every_told_column_has_an_event(self, column: str) -> None:
        change = changes.Change(before={column: 0}, now={column: 1})
        assert len(list(events.list_types(change))) == 1

    def test_only_people_writes_what_is_told_of_accounts(self) -> None:
        """Another module that wrote it would not be noticed."""
        found: dict[str, set[str]] = {}
        for path in [*ROOT.glob("accounts/**/*.py"), *ROOT.glob("cms/**/*.py"), ROOT / "commands.py"]:
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            for call in calls:
                name, arguments = ast.unparse(call.func), [ast.unparse(each) for each in call.args[:1]]
                is_write = name in ("update", "insert") and arguments in (["CMSUser"], ["table(CMSUser)"])
                if (
                    is_write
                    or name in ("CMSUser", "db.session.merge")
                    or (name, arguments) == ("db.session.add", ["account"])
                ):
                    found.setdefault(str(path.relative_to(ROOT)), set()).add(name)
        bulk = "accounts/factors/policy.py"  # It writes `factor_required_at`.
        assert found == {"accounts/people.py": {"update", "CMSUser", "db.session.add"}, bulk: {"update"}}
        assert "values(factor_required_at=" in (ROOT / bulk).read_text()

    def test_only_sessions_deletes_sessions_of_accounts_that_are_used(self) -> None:
        """Housekeeping deletes those that have expired."""
        deleting = {
            str(path.relative_to(ROOT))
            for path in ROOT.glob("accounts/**/*.py")
            if "delete(LoginSession" in path.read_text() or "delete(table(LoginSession" in path.read_text()
        }
        assert deleting == {"accounts/sessions.py"}

    def test_the_document_lists_exactly_the_events_and_the_data(self) -> None:
        document = (ROOT / "docs" / "webhooks.md").read_text()
        documented = {cells[0].strip("`") for cells in table_rows(document, "Event", "It tells")}
        assert documented == set(get_args(EventType))
        account = CMSUser(id=7, is_active=True, is_superuser=False)
        keys = {cells[0].strip("`") for cells in table_rows(document, "Key of an account", "Value")}
        assert keys == set(events.describe(account))

    def test_every_type_fits_into_its_column(self) -> None:
        assert max(map(len, get_args(EventType))) <= table(WebhookEvent).c.type.type.length

    def test_no_event_contains_a_secret(self, sqlite_told: Told) -> None:
        env = sqlite_told.env
        ann = env.person(ANN)
        ann.ask(NEW)
        code = env.code_to(NEW)
        ann.confirm(NEW, code)
        account = env.account("ann")
        payloads = " ".join(row.payload for row in stored_events(env))
        for secret in (account.password_hash, code, account.audit_chain, *ann.browser.cookies.values()):
            assert secret not in payloads


def test_a_payload_is_ascii_and_has_the_time_in_utc(sqlite_told: Told) -> None:
    sqlite_told.env.administrator(ANN, username="王芳")
    (row,) = stored_events(sqlite_told.env)
    assert row.payload.isascii()
    payload = json.loads(row.payload)
    assert payload["data"]["after"]["username"] == "王芳"
    assert payload["timestamp"] == clock.now().isoformat().replace("+00:00", "Z")
