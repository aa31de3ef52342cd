"""accounts/limits.py: budgets in the database, throttles in the cache."""

from collections.abc import Iterator

import pytest
from flask import Flask

import cache
from accounts import limits
from accounts.errors import TooManyAttempts, TooManyRequests
from accounts.limits import Limit, PasswordTry
from models import Budget, db
from tests.houses import House
from tests.parts import at_once

THREE = Limit("three", 3, 60)


@pytest.fixture(autouse=True)
def app(house: House) -> Iterator[Flask]:
    """Be in the context of an application."""
    with house.app.app_context():
        yield house.app


def spend(*wanted: Limit) -> None:
    """Spend in a transaction of its own, as a story would; what is refused is undone."""
    try:
        limits.spend(*wanted)
    except TooManyRequests:
        db.session.rollback()
        raise
    db.session.commit()


def test_a_budget_is_spent_and_is_whole_again_after_its_time(house: House) -> None:
    for _ in range(3):
        spend(THREE)
    house.clock.turn(seconds=20)
    with pytest.raises(TooManyRequests) as caught:
        spend(THREE)
    assert caught.value.retry_after == 40
    house.clock.turn(seconds=40)
    spend(THREE)
    assert db.session.scalar(db.select(Budget.used).where(Budget.key == THREE.key)) == 1


def test_its_time_begins_with_its_first_use(house: House) -> None:
    spend(THREE)
    house.clock.turn(seconds=59)
    spend(THREE)
    spend(THREE)
    house.clock.turn(seconds=1)
    spend(THREE)


def test_what_is_refused_is_counted_nowhere() -> None:
    one, two = Limit("one", 1, 60), Limit("two", 2, 60)
    spend(one, two)
    with pytest.raises(TooManyRequests):
        spend(one, two)
    spend(two)
    with pytest.raises(TooManyRequests):
        spend(two)


def test_a_look_spends_nothing() -> None:
    for _ in range(10):
        limits.refuse_spent(THREE)
    for _ in range(3):
        spend(THREE)
    with pytest.raises(TooManyRequests):
        limits.refuse_spent(Limit("other", 5, 60), THREE)


def test_a_capacity_of_zero_is_no_limit() -> None:
    free = Limit("free", 0, 60)
    for _ in range(100):
        limits.spend(free)
        limits.throttle(free)
    limits.refuse_spent(free)


def test_who_waits_as_long_as_they_were_told_gets_through(house: House) -> None:
    house.clock.turn(microseconds=123456)
    spend(Limit("one", 1, 7))
    house.clock.turn(microseconds=1)
    with pytest.raises(TooManyRequests) as caught:
        spend(Limit("one", 1, 7))
    house.clock.turn(seconds=caught.value.retry_after)
    spend(Limit("one", 1, 7))


def test_a_limit_is_refused_with_its_own_word() -> None:
    mine = Limit("mine", 1, 60, TooManyAttempts)
    limits.spend(mine)
    with pytest.raises(TooManyAttempts):
        limits.spend(mine)


def test_what_is_left_is_told() -> None:
    more = Limit("more", 9, 60)
    found = [limits.spend(THREE, more) for _ in range(3)]
    assert [(left[THREE].left, left[more].left) for left in found] == [(2, 8), (1, 7), (0, 6)]


def test_twenty_at_once_spend_three(app: Flask) -> None:
    def work(_: int) -> bool:
        with app.app_context():
            try:
                spend(THREE)
            except TooManyRequests:
                return False
            return True

    assert sum(at_once(work, 20)) == 3


def test_a_throttle_lets_so_many_through_and_then_none_till_its_window_ends(house: House) -> None:
    for _ in range(3):
        limits.throttle(THREE)
    with pytest.raises(TooManyRequests) as caught:
        limits.throttle(THREE)
    assert 1 <= caught.value.retry_after <= 60
    house.clock.turn(seconds=caught.value.retry_after)
    limits.throttle(THREE)


def test_what_is_forgiven_is_counted_anew() -> None:
    keys = {limits.throttle(THREE) for _ in range(3)}
    PasswordTry(*keys, None).forgive()
    limits.throttle(THREE)


def test_twenty_at_once_are_throttled_to_three(app: Flask) -> None:
    def work(_: int) -> bool:
        with app.app_context():
            try:
                limits.throttle(THREE)
            except TooManyRequests:
                return False
            return True

    assert sum(at_once(work, 20)) == 3


def test_a_counter_that_vanishes_between_two_steps_is_counted_from_one_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right password deletes the counter of its account: who signs in at the same moment is not refused for it."""
    with house.app.app_context():
        key = limits.throttle(THREE)
        assert key is not None
        incr = cache.incr

        def vanish(name: str) -> int | None:
            monkeypatch.setattr(cache, "incr", incr)
            cache.delete(name)
            return incr(name)

        monkeypatch.setattr(cache, "incr", vanish)
        assert limits.throttle(THREE) == key
        assert cache.get(key) == 1


def test_a_counter_that_vanishes_between_two_steps_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "add", lambda *_: False)
    with pytest.raises(TooManyRequests):
        limits.throttle(THREE)


def test_no_address_stands_in_the_table_of_budgets() -> None:
    spend(Limit("sends:address:new@example.com", 3, 60))
    assert "example" not in str([tuple(row) for row in db.session.execute(db.select(Budget.__table__))])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_a_network_is_what_one_subscriber_has(address: str, network: str) -> None:
    assert limits.network_of(address) == network
