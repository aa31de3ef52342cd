"""accounts/audit.py: the rows of a history, how repetitions are counted, and what ties the rows together."""

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
    """Return an administrator, who belongs to the session of the test."""
    return loaded(sqlite_env.administrator("ann@example.com"))


@pytest.fixture
def bob(ann: CMSUser, sqlite_env: Environment) -> CMSUser:
    """Return another administrator."""
    user = loaded(sqlite_env.administrator("bob@example.com"))
    assert user.id != ann.id
    return user


def loaded(user: CMSUser) -> CMSUser:
    """Return an account as an object of the session."""
    found = db.session.get(CMSUser, user.id)
    assert found is not None
    return found


def rows_of(user: CMSUser) -> list[Audit]:
    """Return the history of an account, without the row of its creation."""
    db.session.commit()
    return list(db.session.scalars(db.select(Audit).where(Audit.user_id == user.id).order_by(Audit.number)))[1:]


def repeat(user: CMSUser, event: str = "code_wrong", origin: Origin = HERE, **more: Any) -> None:
    """Record a refusal that is counted in the row of an equal one."""
    audit.record(user, event, origin, fold=True, **more)


def is_intact(env: Environment) -> bool:
    """Return whether the verification finds nothing."""
    db.session.commit()
    with env.app.app_context():
        return not any(page.broken for page in audit_verification.verify_all())


def test_a_row_tells_who_did_what_when_and_from_where(sqlite_env: Environment, ann: CMSUser, bob: CMSUser) -> None:
    before = (ann.audit_rows, ann.audit_chain)
    audit.record(ann, "renamed", HERE, actor_id=bob.id, to="安", at_last="x")
    (row,) = rows_of(ann)
    now = sqlite_env.clock.now()
    assert (row.user_id, row.number, row.event, row.actor_id) == (ann.id, before[0] + 1, "renamed", bob.id)
    assert (row.at, row.last_at, row.times) == (now, now, 1)
    assert (row.network, row.browser, row.detail) == (HERE.network, HERE.browser, '{"at_last": "x", "to": "安"}')
    assert (ann.audit_rows, ann.audit_chain) == (row.number, row.chain)
    moments, told = [now.isoformat()] * 2, [ann.id, 2, "renamed", bob.id, 1, row.network, row.browser, row.detail]
    assert row.chain == audit_keys().current.sign("audit", before[1], *moments, *told)
    assert (row.key_id, row.request_id) == (audit_keys().current.id, None)


@pytest.mark.parametrize("actor_id", [None, 7])
def test_the_actor_is_the_owner_unless_another_one_or_the_operator_is_given(ann: CMSUser, actor_id: int | None) -> None:
    audit.record(ann, "one", HERE)
    audit.record(ann, "two", HERE, actor_id=actor_id)
    assert [row.actor_id for row in rows_of(ann)] == [ann.id, actor_id]


def test_the_time_of_a_row_is_that_of_the_event(sqlite_env: Environment, ann: CMSUser) -> None:
    then = sqlite_env.clock.now() - timedelta(hours=1)
    audit.record(ann, "stopped", HERE, at=then)
    (row,) = rows_of(ann)
    assert (row.at, row.last_at) == (then, then)


def test_the_account_says_when_its_last_row_was_written(sqlite_env: Environment, ann: CMSUser) -> None:
    now = sqlite_env.clock.advance(hours=1)
    audit.record(ann, "signed_in", HERE)
    db.session.commit()
    assert ann.acted_at == db.session.scalar(db.select(CMSUser.acted_at)) == now


def test_columns_of_the_account_are_written_with_the_row(ann: CMSUser, bob: CMSUser) -> None:
    audit.record(ann, "renamed", HERE, columns={"city": "Beijing"})
    rows_of(ann)
    db.session.expire_all()
    assert (ann.city, bob.city) == ("Beijing", None)


def test_without_fold_equal_events_are_rows_of_their_own(ann: CMSUser) -> None:
    for _ in range(2):
        audit.record(ann, "code_wrong", HERE)
    assert [row.times for row in rows_of(ann)] == [1, 1]


def test_a_repetition_within_fifteen_minutes_is_counted_and_a_later_one_is_a_row(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    began = sqlite_env.clock.now()
    repeat(ann)
    last = sqlite_env.clock.advance(minutes=15, microseconds=-1)
    repeat(ann)
    (row,) = rows_of(ann)
    assert (row.times, row.at, row.last_at, ann.audit_chain) == (2, began, last, row.chain)
    sqlite_env.clock.advance(microseconds=1)
    repeat(ann)
    assert [row.times for row in rows_of(ann)] == [2, 1]
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
def test_a_row_names_no_place_in_which_repetitions_differ(
    sqlite_env: Environment, ann: CMSUser, origin: Origin, network: str, browser: str
) -> None:
    repeat(ann)
    repeat(ann, origin=origin)
    repeat(ann)
    (row,) = rows_of(ann)
    assert (row.times, row.network, row.browser) == (3, network, browser)
    assert is_intact(sqlite_env)


def test_only_an_equal_event_with_equal_details_is_a_repetition(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    repeat(ann, email="a@example.com")
    repeat(ann, email="b@example.com")
    repeat(ann, "code_missing", email="a@example.com")
    repeat(bob, email="a@example.com")
    repeat(ann, email="a@example.com")
    assert [(row.event, json.loads(row.detail)["email"][0], row.times) for row in rows_of(ann)] == [
        ("code_wrong", "a", 2),
        ("code_wrong", "b", 1),
        ("code_missing", "a", 1),
    ]
    assert [row.times for row in rows_of(bob)] == [1]
    repeat(bob, email="a@example.com")
    assert [row.times for row in rows_of(bob)] == [2]
    assert is_intact(sqlite_env)


def test_a_repetition_is_counted_in_the_newest_equal_row(sqlite_env: Environment, ann: CMSUser) -> None:
    for _ in range(2):
        audit.record(ann, "code_wrong", HERE)
    repeat(ann)
    assert [row.times for row in rows_of(ann)] == [1, 2]
    assert is_intact(sqlite_env)


def test_rows_after_a_counted_repetition_are_signed_again(sqlite_env: Environment, ann: CMSUser) -> None:
    audit.record(ann, "one", HERE)
    repeat(ann)
    for event in ("two", "three"):
        audit.record(ann, event, HERE)
    before = [row.chain for row in rows_of(ann)]
    repeat(ann)
    rows = rows_of(ann)
    assert [(row.event, row.times) for row in rows] == [("one", 1), ("code_wrong", 2), ("two", 1), ("three", 1)]
    assert [row.chain == chain for row, chain in zip(rows, before, strict=True)] == [True, False, False, False]
    assert is_intact(sqlite_env)


def test_the_first_row_of_a_history_can_be_counted(sqlite_env: Environment, ann: CMSUser) -> None:
    db.session.execute(db.delete(Audit).where(Audit.user_id == ann.id))
    ann.audit_rows, ann.audit_chain = 0, ""
    db.session.flush()
    repeat(ann)
    repeat(ann)
    (row,) = db.session.scalars(db.select(Audit).where(Audit.user_id == ann.id)).all()
    assert (row.number, row.times) == (1, 2)
    assert is_intact(sqlite_env)


def test_a_repetition_is_searched_for_in_the_last_two_hundred_rows(ann: CMSUser) -> None:
    repeat(ann)
    for number in range(199):
        audit.record(ann, f"event {number}", HERE)
    repeat(ann)
    assert rows_of(ann)[0].times == 2
    audit.record(ann, "one more", HERE)
    repeat(ann)
    rows = rows_of(ann)
    assert (rows[0].times, rows[-1].event, rows[-1].times) == (2, "code_wrong", 1)


def test_an_event_that_is_recorded_late_does_not_set_the_last_time_back(sqlite_env: Environment, ann: CMSUser) -> None:
    now = sqlite_env.clock.now()
    repeat(ann)
    repeat(ann, at=now - timedelta(seconds=5))
    (row,) = rows_of(ann)
    assert (row.times, row.at, row.last_at) == (2, now, now)


def test_a_row_has_the_id_of_the_request_which_the_chain_covers(sqlite_env: Environment, ann: CMSUser) -> None:
    audit.record(ann, "one", replace(HERE, request_id="3f2a"))
    assert [row.request_id for row in rows_of(ann)] == ["3f2a"]
    assert is_intact(sqlite_env)
    for other in (None, "", "3f2b"):
        rows_of(ann)[0].request_id = other
        assert not is_intact(sqlite_env)


def test_a_row_that_the_previous_version_signed_again_without_its_request_id_is_intact(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    """The previous version counts repetitions while a new one is installed, and does not know the column."""
    repeat(ann)
    audit.record(ann, "one", replace(HERE, request_id="3f2a"))
    counted, row = rows_of(ann)
    counted.times = 2
    key, before = audit_keys().current, db.session.scalar(db.select(Audit.chain).where(Audit.number == 1)) or ""
    counted.chain = audit._link(vars(counted), before, key)
    ann.audit_chain = row.chain = audit._link({**vars(row), "request_id": None}, counted.chain, key)
    assert is_intact(sqlite_env)
    repeat(ann)
    assert [(row.times, row.request_id) for row in rows_of(ann)] == [(3, None), (1, "3f2a")]
    assert is_intact(sqlite_env)


def test_a_counted_repetition_keeps_the_request_id_of_the_first_event(sqlite_env: Environment, ann: CMSUser) -> None:
    for request_id in ("first", "second", ""):
        repeat(ann, origin=replace(HERE, request_id=request_id))
    assert [(row.times, row.request_id) for row in rows_of(ann)] == [(3, "first")]
    assert is_intact(sqlite_env)


def former(env: Environment) -> str:
    """Return the SECRET_KEY of the environment, as written in a list of keys."""
    return env.settings["SECRET_KEY"].replace(",", r"\,")


def keys_of(user: CMSUser) -> list[str | None]:
    """Return the keys of the rows of a history, without the row of its creation."""
    return [row.key_id for row in rows_of(user)]


def test_a_repetition_after_a_rotation_signs_the_rows_from_there_on_with_the_new_key(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    audit.record(ann, "one", HERE)
    repeat(ann)
    audit.record(ann, "two", HERE)
    db.session.commit()
    old = audit_keys().current.id
    assert keys_of(ann) == [old] * 3
    app = sqlite_env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=former(sqlite_env))
    with app.app_context():
        user, new = loaded(ann), audit_keys().current.id
        repeat(user)
        assert [(row.event, row.times, row.key_id) for row in rows_of(user)] == [
            ("one", 1, old),
            ("code_wrong", 2, new),
            ("two", 1, new),
        ]
        assert not any(page.broken for page in audit_verification.verify_all())
    with sqlite_env.build(SECRET_KEY_FALLBACKS=SECOND).app_context():
        repeat(loaded(ann))
        db.session.commit()
        assert not any(page.broken for page in audit_verification.verify_all())


def test_a_repetition_makes_no_row_valid_whose_key_is_missing(sqlite_env: Environment, ann: CMSUser) -> None:
    repeat(ann)
    db.session.commit()
    with sqlite_env.build(SECRET_KEY=SECOND).app_context():
        user = loaded(ann)
        repeat(user)
        assert [row.times for row in rows_of(user)] == [1, 1]
        repeat(user)
        assert [row.times for row in rows_of(user)] == [1, 2]
    with sqlite_env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=former(sqlite_env)).app_context():
        assert not any(page.broken for page in audit_verification.verify_all())


@pytest.mark.parametrize("column", ["network", "chain", "key_id"])
@pytest.mark.parametrize("number", [2, 3])
def test_a_repetition_makes_no_row_valid_that_was_changed(
    sqlite_env: Environment, ann: CMSUser, column: str, number: int
) -> None:
    repeat(ann)
    audit.record(ann, "one", HERE)
    change = {column: "00000000"}
    db.session.execute(db.update(Audit).where(Audit.user_id == ann.id, Audit.number == number).values(**change))
    db.session.expire_all()
    repeat(ann)
    assert [row.times for row in rows_of(ann)] == [1, 1, 1]
    assert not is_intact(sqlite_env)


def test_a_repetition_does_not_hide_that_the_last_rows_are_missing(sqlite_env: Environment, ann: CMSUser) -> None:
    repeat(ann)
    for event in ("one", "two"):
        audit.record(ann, event, HERE)
    db.session.execute(db.delete(Audit).where(Audit.user_id == ann.id, Audit.number == ann.audit_rows))
    db.session.execute(db.update(CMSUser).where(CMSUser.id == ann.id).values(audit_rows=CMSUser.audit_rows - 1))
    db.session.expire_all()
    repeat(ann)
    assert [row.times for row in rows_of(ann)] == [1, 1, 1]
    assert not is_intact(sqlite_env)


def test_a_row_of_an_older_version_names_no_key_and_is_verified_with_every_key(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    repeat(ann)
    db.session.execute(db.update(Audit).values(key_id=None))
    db.session.expire_all()
    assert is_intact(sqlite_env)
    with sqlite_env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=former(sqlite_env)).app_context():
        repeat(loaded(ann))
        db.session.commit()
        assert [row.times for row in rows_of(loaded(ann))] == [2]
        assert not any(page.broken for page in audit_verification.verify_all())
    with sqlite_env.build(SECRET_KEY=SECOND).app_context():
        assert [list(page.broken) for page in audit_verification.verify_all()] == [[(ann.email, 1, "")]]


def record_at(user: CMSUser, actor: CMSUser, at: datetime) -> None:
    """Record what somebody did to an account at a time."""
    audit.record(user, "renamed", HERE, actor_id=actor.id, at=at, to=str(at.second))


def test_the_accounts_that_somebody_changed_are_listed_by_name_since_a_time_and_without_their_own(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    cal, abe = (loaded(sqlite_env.administrator(f"{name}@example.com")) for name in ("cal", "abe"))
    now = sqlite_env.clock.now()
    for user in (cal, cal, ann, abe):
        record_at(user, ann, now)
    record_at(bob, ann, now - timedelta(seconds=1))
    record_at(ann, bob, now)
    db.session.flush()
    assert audit.list_changed_accounts(ann, now) == ["abe", "cal"]
    assert audit.list_changed_accounts(ann, now - timedelta(seconds=1)) == ["abe", "bob", "cal"]
    assert audit.list_changed_accounts(bob, now) == ["ann"]


def test_one_detail_of_all_events_of_a_kind_is_listed_since_a_time(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    now = sqlite_env.clock.now()
    for seconds in (2, 1, 0):
        audit.record(ann, "renamed", HERE, at=now - timedelta(seconds=seconds), to=seconds, why="x")
    audit.record(ann, "moved", HERE, to=7)
    audit.record(bob, "renamed", HERE, to=8)
    assert sorted(audit.details(ann, "renamed", now - timedelta(seconds=1), "to")) == [0, 1]
