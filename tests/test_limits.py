"""accounts/limits.py: budgets in the database, throttles in the cache."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

import cache
from accounts import limits
from accounts.errors import TooManyAttempts, TooManyRequests
from accounts.limits import Left, Limit, PasswordTry
from cache import CacheDown
from models import Address, Budget, db
from tests.environments import Environment
from tests.servers import run_concurrently

THREE = Limit("three", 3, 60)
NEW, ANN = Address.of("new@example.com"), Address.of("ann@example.com")
ELSE = Address.of("else@example.com")


@pytest.fixture(autouse=True)
def app(env: Environment) -> Iterator[Flask]:
    """Push the context of the application."""
    with env.app.app_context():
        yield env.app


def change_settings(env: Environment, **numbers: int) -> None:
    """Change settings of the running application."""
    env.app.extensions["cms_settings"] = replace(env.app.extensions["cms_settings"], **numbers)


def spend(*budgets: Limit) -> None:
    """Spend budgets in one transaction, which a refusal rolls back."""
    try:
        limits.spend(*budgets)
    except TooManyRequests:
        db.session.rollback()
        raise
    db.session.commit()


def test_a_spent_budget_resets_after_its_period(env: Environment) -> None:
    for _ in range(3):
        spend(THREE)
    env.clock.advance(seconds=20)
    with pytest.raises(TooManyRequests) as caught:
        spend(THREE)
    assert caught.value.retry_after == 40
    env.clock.advance(seconds=40)
    spend(THREE)
    assert db.session.scalar(db.select(Budget.used).where(Budget.key == THREE.key)) == 1


def test_the_period_of_a_budget_begins_with_its_first_use(env: Environment) -> None:
    spend(THREE)
    env.clock.advance(seconds=59)
    spend(THREE)
    spend(THREE)
    env.clock.advance(seconds=1)
    spend(THREE)


def test_a_refused_request_is_counted_in_no_budget() -> None:
    one, two = Limit("one", 1, 60), Limit("two", 2, 60)
    spend(one, two)
    with pytest.raises(TooManyRequests):
        spend(one, two)
    spend(two)
    with pytest.raises(TooManyRequests):
        spend(two)


def test_checking_a_budget_spends_nothing() -> None:
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


def test_a_request_after_the_waiting_time_succeeds(env: Environment) -> None:
    env.clock.advance(microseconds=123456)
    spend(Limit("one", 1, 7))
    env.clock.advance(microseconds=1)
    with pytest.raises(TooManyRequests) as caught:
        spend(Limit("one", 1, 7))
    env.clock.advance(seconds=caught.value.retry_after)
    spend(Limit("one", 1, 7))


def test_a_limit_can_have_its_own_refusal() -> None:
    limit = Limit("mine", 1, 60, TooManyAttempts)
    limits.spend(limit)
    with pytest.raises(TooManyAttempts):
        limits.spend(limit)


def test_spending_returns_what_is_left_of_each_budget() -> None:
    more = Limit("more", 9, 60)
    found = [limits.spend(THREE, more) for _ in range(3)]
    assert [(left[THREE].left, left[more].left) for left in found] == [(2, 8), (1, 7), (0, 6)]


def test_reading_returns_what_is_left_and_when_the_budget_resets(env: Environment) -> None:
    began = env.clock.now()
    assert limits.read(THREE, Limit("free", 0, 60)) == {THREE: Left(3, began)}
    spend(THREE)
    env.clock.advance(seconds=59)
    assert limits.read(THREE) == {THREE: Left(2, began + timedelta(seconds=60))}
    now = env.clock.advance(seconds=1)
    assert limits.read(THREE) == {THREE: Left(3, now)}


def test_nothing_is_left_of_a_budget_whose_capacity_was_reduced() -> None:
    for _ in range(3):
        spend(THREE)
    assert limits.read(THREE._replace(capacity=1))[THREE._replace(capacity=1)].left == 0


def test_the_longest_waiting_time_of_several_spent_budgets_is_reported(env: Environment) -> None:
    budgets = [Limit("2 minute", 1, 60), Limit("1 hour", 1, 3600), Limit("3 second", 1, 1), Limit("4 left", 2, 9000)]
    spend(*budgets)
    env.clock.advance(milliseconds=500)
    with pytest.raises(TooManyRequests) as caught:
        limits.refuse_spent(*budgets)
    assert caught.value.retry_after == 3600


def test_only_a_spent_budget_has_a_time_of_its_reset(env: Environment) -> None:
    began = env.clock.now()
    for _ in range(3):
        assert limits.resets_at(THREE) is None
        spend(THREE)
    assert limits.resets_at(THREE) == began + timedelta(seconds=60)
    env.clock.advance(seconds=60)
    assert limits.resets_at(THREE) is None


def test_resetting_a_budget_does_not_affect_others() -> None:
    other = Limit("other", 3, 60)
    spend(THREE, other)
    spend(THREE, other)
    limits.reset(THREE)
    found = limits.read(THREE, other)
    assert (found[THREE].left, found[other].left) == (3, 1)


def test_uncounting_reverts_one_use_of_each_budget_if_there_is_one() -> None:
    other, idle, free = Limit("other", 9, 60), Limit("idle", 3, 60), Limit("free", 0, 60)
    spend(THREE, other)
    spend(THREE, other)
    spend(idle)
    for _ in range(2):
        limits.uncount(idle, free)
    limits.uncount(free)
    limits.uncount(THREE, other, free)
    found = limits.read(THREE, other, idle)
    assert [found[limit].left for limit in (THREE, other, idle)] == [2, 8, 3]


NUMBERS = {
    "CAPTCHA_RESEND_SECONDS": 61,
    "CAPTCHA_SENDS_PER_HOUR": 3,
    "CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR": 4,
    "CAPTCHA_SENDS_PER_ADDRESS_PER_DAY": 5,
    "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": 6,
    "CAPTCHA_TRIES_PER_DAY": 7,
    "CAPTCHA_TRIES_PER_ADDRESS_PER_DAY": 8,
}


def test_the_budgets_of_a_code_request_follow_the_settings(env: Environment) -> None:
    change_settings(env, **NUMBERS)
    costs = [(each.capacity, each.seconds, each.refusal) for each in limits.sends(1, NEW, "203.0.113.5")]
    spans = [(1, 61), (3, 3600), (4, 3600), (5, 86400), (6, 3600)]
    assert costs == [(capacity, seconds, TooManyRequests) for capacity, seconds in spans]


def test_the_budgets_of_a_try_follow_the_settings(env: Environment) -> None:
    change_settings(env, **NUMBERS)
    costs = [(each.capacity, each.seconds, each.refusal) for each in limits.tries(1, NEW)]
    assert costs == [(7, 86400, TooManyAttempts), (8, 86400, TooManyAttempts)]
    assert limits.tries(1, NEW)[0] == limits.tries_of_user(1)


def test_a_waiting_time_of_zero_between_codes_is_no_limit(env: Environment) -> None:
    change_settings(env, CAPTCHA_RESEND_SECONDS=0)
    assert limits.resend(1).capacity == 0


def test_accounts_addresses_and_networks_are_counted_separately() -> None:
    sends = {each.key for each in limits.sends(1, NEW, "203.0.113.5")}
    assert len(sends) == 5
    for arguments, shared in (
        ((2, NEW, "203.0.113.5"), 3),
        ((1, ELSE, "203.0.113.5"), 3),
        ((1, NEW, "203.0.113.6"), 4),
    ):
        assert len(sends & {each.key for each in limits.sends(*arguments)}) == shared
    tries = {each.key for each in limits.tries(1, NEW)}
    for person, address in ((2, NEW), (1, ELSE)):
        assert len(tries & {each.key for each in limits.tries(person, address)}) == 1
    assert not sends & tries


def test_spending_returns_when_the_budget_resets(env: Environment) -> None:
    began = env.clock.now()
    assert limits.spend(THREE) == {THREE: Left(2, began + timedelta(seconds=60))}
    env.clock.advance(seconds=30)
    assert limits.spend(THREE) == {THREE: Left(1, began + timedelta(seconds=60))}
    now = env.clock.advance(seconds=30)
    assert limits.spend(THREE) == {THREE: Left(2, now + timedelta(seconds=60))}


def test_of_twenty_concurrent_uses_three_are_counted(app: Flask) -> None:
    def work(_: int) -> bool:
        with app.app_context():
            try:
                spend(THREE)
            except TooManyRequests:
                return False
            return True

    assert sum(run_concurrently(work, 20)) == 3


def test_a_throttle_refuses_requests_above_its_capacity_until_its_window_ends(env: Environment) -> None:
    for _ in range(3):
        limits.throttle(THREE)
    with pytest.raises(TooManyRequests) as caught:
        limits.throttle(THREE)
    assert 1 <= caught.value.retry_after <= 60
    env.clock.advance(seconds=caught.value.retry_after)
    limits.throttle(THREE)


def test_an_uncounted_throttle_starts_at_zero() -> None:
    keys = {limits.throttle(THREE) for _ in range(3)}
    PasswordTry(*keys, None).uncount()
    limits.throttle(THREE)


def test_a_correct_password_resets_the_account_and_uncounts_one_try_of_the_network(env: Environment) -> None:
    """Others share the throttle of the network."""
    change_settings(env, SIGN_IN_TRIES_PER_ACCOUNT=3, SIGN_IN_TRIES_PER_NETWORK=4)
    first = limits.count_password_try(ANN, limits.UNKNOWN_BROWSERS, "203.0.113.5")
    limits.count_password_try(ANN, limits.UNKNOWN_BROWSERS, "203.0.113.5")
    assert first.account
    assert first.network
    assert (cache.get(first.account), cache.get(first.network)) == (2, 2)
    first.uncount()
    assert (cache.get(first.account), cache.get(first.network)) == (None, 1)


def test_a_try_that_the_account_refuses_is_not_counted_against_the_network(env: Environment) -> None:
    change_settings(env, SIGN_IN_TRIES_PER_ACCOUNT=1, SIGN_IN_TRIES_PER_NETWORK=3)
    first = limits.count_password_try(ANN, limits.UNKNOWN_BROWSERS, "203.0.113.5")
    for _ in range(5):
        with pytest.raises(TooManyRequests):
            limits.count_password_try(ANN, limits.UNKNOWN_BROWSERS, "203.0.113.5")
    assert first.network
    assert cache.get(first.network) == 1


def test_tries_of_unknown_and_known_browsers_are_counted_separately(env: Environment) -> None:
    change_settings(env, SIGN_IN_TRIES_PER_ACCOUNT=1, SIGN_IN_TRIES_PER_NETWORK=2)
    tries = [
        limits.count_password_try(account, browsers, "203.0.113.5")
        for account in (ANN, ELSE)
        for browsers in (limits.UNKNOWN_BROWSERS, limits.KNOWN_BROWSERS)
    ]
    assert len({each.account for each in tries}) == 4
    assert [each.network is None for each in tries] == [False, True, False, True]


def test_unknown_browsers_of_two_networks_share_the_throttle_of_the_account() -> None:
    tries = [limits.count_password_try(ANN, limits.UNKNOWN_BROWSERS, f"203.0.113.{number}") for number in (5, 6)]
    assert len({each.network for each in tries}) == 2
    assert len({each.account for each in tries}) == 1


def test_uncounting_a_try_ignores_an_outage_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = limits.count_password_try(ANN, limits.UNKNOWN_BROWSERS, "203.0.113.5")

    def fail(_: str) -> bool:
        raise CacheDown

    monkeypatch.setattr(cache, "delete", fail)
    counted.uncount()


def test_of_twenty_concurrent_requests_three_are_not_throttled(app: Flask) -> None:
    def work(_: int) -> bool:
        with app.app_context():
            try:
                limits.throttle(THREE)
            except TooManyRequests:
                return False
            return True

    assert sum(run_concurrently(work, 20)) == 3


def test_a_counter_that_is_deleted_during_a_request_starts_at_one(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correct password deletes the counter of its account, which must not refuse another sign-in at the same time."""
    with env.app.app_context():
        key = limits.throttle(THREE)
        assert key is not None
        incr = cache.incr

        def delete_and_increment(name: str) -> int | None:
            monkeypatch.setattr(cache, "incr", incr)
            cache.delete(name)
            return incr(name)

        monkeypatch.setattr(cache, "incr", delete_and_increment)
        assert limits.throttle(THREE) == key
        assert cache.get(key) == 1


def test_a_counter_that_is_deleted_twice_during_a_request_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "add", lambda *_: False)
    with pytest.raises(TooManyRequests):
        limits.throttle(THREE)


def test_the_table_of_budgets_contains_no_addresses() -> None:
    spend(Limit("sends:address:new@example.com", 3, 60))
    assert "example" not in str([tuple(row) for row in db.session.execute(db.select(Budget.__table__))])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_the_network_of_an_address_is_the_prefix_of_a_subscriber(address: str, network: str) -> None:
    assert limits.network_of(address) == network
