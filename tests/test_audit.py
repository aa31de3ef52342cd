"""accounts/audit.py: the rows of a history, the counting of repetitions, and the chain of signatures."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts import audit
from accounts.operations import audit_verification
from accounts.origin import Origin
from accounts.signing import audit_keys
from models import Audit, CMSUser, db
from tests.environments import HERE, Environment

SECOND = "the second key of the tests"
ELSEWHERE = Origin("203.0.113.9", "Safari 20, macOS")

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


@pytest.fixture
def ann(sqlite_env: Environment) -> CMSUser:
    """Return an administrator as an object of the database session of the test."""
    return load(sqlite_env.administrator("ann@example.com"))


@pytest.fixture
def bob(ann: CMSUser, sqlite_env: Environment) -> CMSUser:
    """Return another administrator."""
    user = load(sqlite_env.administrator("bob@example.com"))
    assert user.id != ann.id
    return user


def load(user: CMSUser) -> CMSUser:
    """Return an account as an object of the database session."""
    found = db.session.get(CMSUser, user.id)
    assert found is not None
    return found


def list_rows(user: CMSUser) -> list[Audit]:
    """Return the rows of an account's history, except that of its creation."""
    db.session.commit()
    return list(db.session.scalars(db.select(Audit).where(Audit.user_id == user.id).order_by(Audit.number)))[1:]


def record_refusal(user: CMSUser, event: str = "code_wrong", origin: Origin = HERE, **more: Any) -> None:
    """Record a refusal, which is counted in the row of an equal one."""
    audit.record(user, event, origin, fold=True, **more)


def is_intact(env: Environment) -> bool:
    """Return whether the verification reports no history."""
    db.session.commit()
    with env.app.app_context():
        return not any(page.broken for page in audit_verification.verify_all())


def test_a_row_contains_actor_event_time_and_origin(sqlite_env: Environment, ann: CMSUser, bob: CMSUser) -> None:
    before = (ann.audit_rows, ann.audit_chain)
    audit.record(ann, "renamed", HERE, actor_id=bob.id, to="安", at_last="x")
    (row,) = list_rows(ann)
    now = sqlite_env.clock.now()
    assert (row.user_id, row.number, row.event, row.actor_id) == (ann.id, before[0] + 1, "renamed", bob.id)
    assert (row.at, row.last_at, row.times) == (now, now, 1)
    assert (row.network, row.browser, row.detail) == (HERE.network, HERE.browser, '{"at_last": "x", "to": "安"}')
    assert (ann.audit_rows, ann.audit_chain) == (row.number, row.chain)
    times, values = [now.isoformat()] * 2, [ann.id, 2, "renamed", bob.id, 1, row.network, row.browser, row.detail]
    assert row.chain == audit_keys().current.sign("audit", before[1], *times, *values)
    assert (row.key_id, row.request_id) == (audit_keys().current.id, None)


@pytest.mark.parametrize("actor_id", [None, 7])
def test_the_default_actor_is_the_owner_of_the_account(ann: CMSUser, actor_id: int | None) -> None:
    audit.record(ann, "one", HERE)
    audit.record(ann, "two", HERE, actor_id=actor_id)
    assert [row.actor_id for row in list_rows(ann)] == [ann.id, actor_id]


def test_the_time_of_a_row_is_that_of_the_event(sqlite_env: Environment, ann: CMSUser) -> None:
    then = sqlite_env.clock.now() - timedelta(hours=1)
    audit.record(ann, "stopped", HERE, at=then)
    (row,) = list_rows(ann)
    assert (row.at, row.last_at) == (then, then)


def test_the_account_stores_the_time_of_its_last_row(sqlite_env: Environment, ann: CMSUser) -> None:
    now = sqlite_env.clock.advance(hours=1)
    audit.record(ann, "signed_in", HERE)
    db.session.commit()
    assert ann.acted_at == db.session.scalar(db.select(CMSUser.acted_at)) == now


def test_recording_an_event_can_update_columns_of_the_account(ann: CMSUser, bob: CMSUser) -> None:
    audit.record(ann, "renamed", HERE, columns={"city": "Beijing"})
    list_rows(ann)
    db.session.expire_all()
    assert (ann.city, bob.city) == ("Beijing", None)


def test_without_fold_equal_events_are_separate_rows(ann: CMSUser) -> None:
    for _ in range(2):
        audit.record(ann, "code_wrong", HERE)
    assert [row.times for row in list_rows(ann)] == [1, 1]


def test_a_repetition_within_fifteen_minutes_is_counted_and_a_later_one_is_a_new_row(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    began = sqlite_env.clock.now()
    record_refusal(ann)
    last = sqlite_env.clock.advance(minutes=15, microseconds=-1)
    record_refusal(ann)
    (row,) = list_rows(ann)
    assert (row.times, row.at, row.last_at, ann.audit_chain) == (2, began, last, row.chain)
    sqlite_env.clock.advance(microseconds=1)
    record_refusal(ann)
    assert [row.times for row in list_rows(ann)] == [2, 1]
    assert is_intact(sqlite_env)


@pytest.mark.parametrize(
    ("origin", "network", "browser"),
    [
        (HERE, HERE.network, HERE.browser),
        (Origin(ELSEWHERE.network, HERE.browser), "*", HERE.browser),
        (Origin(HERE.network, ELSEWHERE.browser), HERE.network, "*"),
        (ELSEWHERE, "*", "*"),
    ],
)
def test_a_network_or_browser_that_differs_between_repetitions_is_replaced_by_a_star(
    sqlite_env: Environment, ann: CMSUser, origin: Origin, network: str, browser: str
) -> None:
    record_refusal(ann)
    record_refusal(ann, origin=origin)
    record_refusal(ann)
    (row,) = list_rows(ann)
    assert (row.times, row.network, row.browser) == (3, network, browser)
    assert is_intact(sqlite_env)


def test_only_an_equal_event_with_equal_details_is_a_repetition(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    record_refusal(ann, email="a@example.com")
    record_refusal(ann, email="b@example.com")
    record_refusal(ann, "code_missing", email="a@example.com")
    record_refusal(bob, email="a@example.com")
    record_refusal(ann, email="a@example.com")
    assert [(row.event, json.loads(row.detail)["email"][0], row.times) for row in list_rows(ann)] == [
        ("code_wrong", "a", 2),
        ("code_wrong", "b", 1),
        ("code_missing", "a", 1),
    ]
    assert [row.times for row in list_rows(bob)] == [1]
    record_refusal(bob, email="a@example.com")
    assert [row.times for row in list_rows(bob)] == [2]
    assert is_intact(sqlite_env)


def test_a_repetition_is_counted_in_the_newest_equal_row(sqlite_env: Environment, ann: CMSUser) -> None:
    for _ in range(2):
        audit.record(ann, "code_wrong", HERE)
    record_refusal(ann)
    assert [row.times for row in list_rows(ann)] == [1, 2]
    assert is_intact(sqlite_env)


def test_rows_after_a_counted_repetition_are_signed_again(sqlite_env: Environment, ann: CMSUser) -> None:
    audit.record(ann, "one", HERE)
    record_refusal(ann)
    for event in ("two", "three"):
        audit.record(ann, event, HERE)
    before = [row.chain for row in list_rows(ann)]
    record_refusal(ann)
    rows = list_rows(ann)
    assert [(row.event, row.times) for row in rows] == [("one", 1), ("code_wrong", 2), ("two", 1), ("three", 1)]
    assert [row.chain == chain for row, chain in zip(rows, before, strict=True)] == [True, False, False, False]
    assert is_intact(sqlite_env)


def test_repetitions_of_the_first_row_of_a_history_are_counted(sqlite_env: Environment, ann: CMSUser) -> None:
    db.session.execute(db.delete(Audit).where(Audit.user_id == ann.id))
    ann.audit_rows, ann.audit_chain = 0, ""
    db.session.flush()
    record_refusal(ann)
    record_refusal(ann)
    (row,) = db.session.scalars(db.select(Audit).where(Audit.user_id == ann.id)).all()
    assert (row.number, row.times) == (1, 2)
    assert is_intact(sqlite_env)


def test_only_the_last_two_hundred_rows_are_searched_for_an_equal_one(ann: CMSUser) -> None:
    record_refusal(ann)
    for number in range(199):
        audit.record(ann, f"event {number}", HERE)
    record_refusal(ann)
    assert list_rows(ann)[0].times == 2
    audit.record(ann, "one more", HERE)
    record_refusal(ann)
    rows = list_rows(ann)
    assert (rows[0].times, rows[-1].event, rows[-1].times) == (2, "code_wrong", 1)


def test_an_event_that_is_recorded_late_does_not_decrease_the_last_time(sqlite_env: Environment, ann: CMSUser) -> None:
    now = sqlite_env.clock.now()
    record_refusal(ann)
    record_refusal(ann, at=now - timedelta(seconds=5))
    (row,) = list_rows(ann)
    assert (row.times, row.at, row.last_at) == (2, now, now)


def test_a_row_has_the_id_of_the_request_which_the_chain_covers(sqlite_env: Environment, ann: CMSUser) -> None:
    audit.record(ann, "one", replace(HERE, request_id="3f2a"))
    assert [row.request_id for row in list_rows(ann)] == ["3f2a"]
    assert is_intact(sqlite_env)
    for other in (None, "", "3f2b"):
        list_rows(ann)[0].request_id = other
        assert not is_intact(sqlite_env)


def test_a_row_that_the_previous_version_signed_again_without_its_request_id_is_intact(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    """The previous version counts repetitions while a new one is installed, and does not know the column."""
    record_refusal(ann)
    audit.record(ann, "one", replace(HERE, request_id="3f2a"))
    counted, row = list_rows(ann)
    counted.times = 2
    key, before = audit_keys().current, db.session.scalar(db.select(Audit.chain).where(Audit.number == 1)) or ""
    counted.chain = audit._link(vars(counted), before, key)
    ann.audit_chain = row.chain = audit._link({**vars(row), "request_id": None}, counted.chain, key)
    assert is_intact(sqlite_env)
    record_refusal(ann)
    assert [(row.times, row.request_id) for row in list_rows(ann)] == [(3, None), (1, "3f2a")]
    assert is_intact(sqlite_env)


def test_a_counted_repetition_keeps_the_request_id_of_the_first_event(sqlite_env: Environment, ann: CMSUser) -> None:
    for request_id in ("first", "second", ""):
        record_refusal(ann, origin=replace(HERE, request_id=request_id))
    assert [(row.times, row.request_id) for row in list_rows(ann)] == [(3, "first")]
    assert is_intact(sqlite_env)


def former(env: Environment) -> str:
    """Return the SECRET_KEY of the environment, as written in a list of keys."""
    return env.settings["SECRET_KEY"].replace(",", r"\,")


def keys_of(user: CMSUser) -> list[str | None]:
    """Return the keys of the rows of a history, without the row of its creation."""
    return [row.key_id for row in list_rows(user)]


def test_a_repetition_after_a_rotation_signs_the_rows_from_there_on_with_the_new_key(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    audit.record(ann, "one", HERE)
    record_refusal(ann)
    audit.record(ann, "two", HERE)
    db.session.commit()
    old = audit_keys().current.id
    assert keys_of(ann) == [old] * 3
    app = sqlite_env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=former(sqlite_env))
    with app.app_context():
        user, new = load(ann), audit_keys().current.id
        record_refusal(user)
        assert [(row.event, row.times, row.key_id) for row in list_rows(user)] == [
            ("one", 1, old),
            ("code_wrong", 2, new),
            ("two", 1, new),
        ]
        assert not any(page.broken for page in audit_verification.verify_all())
    with sqlite_env.build(SECRET_KEY_FALLBACKS=SECOND).app_context():
        record_refusal(load(ann))
        db.session.commit()
        assert not any(page.broken for page in audit_verification.verify_all())


def test_a_repetition_makes_no_row_valid_whose_key_is_missing(sqlite_env: Environment, ann: CMSUser) -> None:
    record_refusal(ann)
    db.session.commit()
    with sqlite_env.build(SECRET_KEY=SECOND).app_context():
        user = load(ann)
        record_refusal(user)
        assert [row.times for row in list_rows(user)] == [1, 1]
        record_refusal(user)
        assert [row.times for row in list_rows(user)] == [1, 2]
    with sqlite_env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=former(sqlite_env)).app_context():
        assert not any(page.broken for page in audit_verification.verify_all())


@pytest.mark.parametrize("column", ["network", "chain", "key_id"])
@pytest.mark.parametrize("number", [2, 3])
def test_a_repetition_makes_no_row_valid_that_was_changed(
    sqlite_env: Environment, ann: CMSUser, column: str, number: int
) -> None:
    record_refusal(ann)
    audit.record(ann, "one", HERE)
    change = {column: "00000000"}
    db.session.execute(db.update(Audit).where(Audit.user_id == ann.id, Audit.number == number).values(**change))
    db.session.expire_all()
    record_refusal(ann)
    assert [row.times for row in list_rows(ann)] == [1, 1, 1]
    assert not is_intact(sqlite_env)


def test_a_repetition_does_not_hide_that_the_last_rows_are_missing(sqlite_env: Environment, ann: CMSUser) -> None:
    record_refusal(ann)
    for event in ("one", "two"):
        audit.record(ann, event, HERE)
    db.session.execute(db.delete(Audit).where(Audit.user_id == ann.id, Audit.number == ann.audit_rows))
    db.session.execute(db.update(CMSUser).where(CMSUser.id == ann.id).values(audit_rows=CMSUser.audit_rows - 1))
    db.session.expire_all()
    record_refusal(ann)
    assert [row.times for row in list_rows(ann)] == [1, 1, 1]
    assert not is_intact(sqlite_env)


def test_a_row_of_an_older_version_names_no_key_and_is_verified_with_every_key(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    record_refusal(ann)
    db.session.execute(db.update(Audit).values(key_id=None))
    db.session.expire_all()
    assert is_intact(sqlite_env)
    with sqlite_env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=former(sqlite_env)).app_context():
        record_refusal(load(ann))
        db.session.commit()
        assert [row.times for row in list_rows(load(ann))] == [2]
        assert not any(page.broken for page in audit_verification.verify_all())
    with sqlite_env.build(SECRET_KEY=SECOND).app_context():
        assert [list(page.broken) for page in audit_verification.verify_all()] == [
            [audit_verification.BrokenHistory(ann.email, 1)]
        ]


def record_at(user: CMSUser, actor: CMSUser, at: datetime) -> None:
    """Record an event of an account with this actor and time."""
    audit.record(user, "renamed", HERE, actor_id=actor.id, at=at, to=str(at.second))


def test_the_other_accounts_that_an_actor_has_changed_since_a_time_are_listed_by_name(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    cal, abe = (load(sqlite_env.administrator(f"{name}@example.com")) for name in ("cal", "abe"))
    now = sqlite_env.clock.now()
    for user in (cal, cal, ann, abe):
        record_at(user, ann, now)
    record_at(bob, ann, now - timedelta(seconds=1))
    record_at(ann, bob, now)
    db.session.flush()
    assert audit.list_changed_accounts(ann, now) == ["abe", "cal"]
    assert audit.list_changed_accounts(ann, now - timedelta(seconds=1)) == ["abe", "bob", "cal"]
    assert audit.list_changed_accounts(bob, now) == ["ann"]


def test_one_detail_of_the_events_of_a_kind_since_a_time_is_listed(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    now = sqlite_env.clock.now()
    for seconds in (2, 1, 0):
        audit.record(ann, "renamed", HERE, at=now - timedelta(seconds=seconds), to=seconds, why="x")
    audit.record(ann, "moved", HERE, to=7)
    audit.record(bob, "renamed", HERE, to=8)
    assert sorted(audit.details(ann, "renamed", now - timedelta(seconds=1), "to")) == [0, 1]
