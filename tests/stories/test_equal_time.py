"""Response times do not reveal whether an address has an account: samples of real responses.

`test_equal_work.py` compares the steps of requests; this test finds differences that no list of steps shows. Requests
are sent in pairs, one for an existing account and one for none, in random order, so that other load on the machine
affects both equally. Without a difference, each is the slower one in half of the pairs (a sign test). By chance, one
round in fifty shows a difference, and a real one shows in every round: one round without a difference is sufficient.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask

from accounts import passwords
from accounts.flows import new_password
from tests.actors import Answer
from tests.environments import Environment
from tests.servers import seeded_random
from tests.stories.admin_steps import invite, superuser

KNOWN, DISABLED, UNKNOWN = "owner@example.com", "gone1@example.com", "nobod@example.com"
ROUNDS, PAIRS = 6, 40
pytestmark = pytest.mark.slow  # Times are compared: many samples, and best with nothing beside them.
MOST = 28  # Of 40 coins more than 28 show heads, or more than 28 tails, once in 155 throws.
NEGLIGIBLE = 0.03  # By so much of an answer's time the two may differ: a row is read for somebody, and none for nobody.
NO_LIMITS = {
    "SIGN_IN_TRIES_PER_ACCOUNT": "1000000",
    "SIGN_IN_TRIES_PER_NETWORK": "1000000",
    "CAPTCHA_RESEND_SECONDS": "0",
    "CAPTCHA_SENDS_PER_HOUR": "1000000",
    "CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR": "1000000",
    "CAPTCHA_SENDS_PER_ADDRESS_PER_DAY": "1000000",
    "CAPTCHA_SENDS_PER_NETWORK_PER_HOUR": "1000000",
    "CAPTCHA_SENDS_OVERALL_PER_HOUR": "1000000",
}
Act = Callable[[str], Answer]
Times = tuple[list[float], list[float]]  # Of each pair, for somebody and for nobody.


@pytest.fixture(autouse=True)
def _passwords_of_a_millisecond(_cheap_passwords: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash passwords so that one hash more or less shows, and a hundred of them cost nothing."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1))
    passwords._dummy_hash.cache_clear()
    yield
    passwords._dummy_hash.cache_clear()


@pytest.fixture
def app(env: Environment) -> Flask:
    """Give the application without limits, with somebody who has an address, and somebody who is disabled."""
    env.administrator(KNOWN)
    env.administrator(DISABLED)
    env.update_account(DISABLED, is_active=False)
    return env.build(**NO_LIMITS)


def assert_equal_time(act: Act, status: int, somebody: str = KNOWN, nobody: str = UNKNOWN) -> None:
    """Fail if the answers for somebody take another time than those for nobody, in every round."""
    rolls, seen = seeded_random(f"{somebody} {nobody}"), []
    for email in (somebody, nobody):  # What is done once is done now.
        assert act(email).status == status
    for _ in range(ROUNDS):
        wall, processor = sample(act, status, (somebody, nobody), rolls)
        if not differ(*wall) and not differ(*processor):
            return
        seen.append([[round(statistics.median(times) * 1e6) for times in pair] for pair in (wall, processor)])
    raise AssertionError(f"median microseconds of somebody and nobody, by the wall and the processor: {seen}")


def sample(act: Act, status: int, emails: tuple[str, str], rolls: random.Random) -> tuple[Times, Times]:
    """Return how long the answers took, by the clock on the wall and by that of the processor."""
    wall: dict[str, list[float]] = {email: [] for email in emails}
    processor: dict[str, list[float]] = {email: [] for email in emails}
    gc.collect()
    gc.disable()
    try:
        for _ in range(PAIRS):
            for email in rolls.sample(emails, 2):
                began, worked = time.perf_counter(), time.thread_time()
                answer = act(email)
                processor[email].append(time.thread_time() - worked)
                wall[email].append(time.perf_counter() - began)
                assert answer.status == status
    finally:
        gc.enable()
    somebody, nobody = emails
    return (wall[somebody], wall[nobody]), (processor[somebody], processor[nobody])


def differ(these: list[float], those: list[float]) -> bool:
    """Say whether one of a pair is the slower one more often than chance would have it."""
    margin = NEGLIGIBLE * statistics.median(those)
    differences = [this - that for this, that in zip(these, those, strict=True)]
    return sum(each > margin for each in differences) > MOST or sum(each < -margin for each in differences) > MOST


@pytest.mark.parametrize("whose", [KNOWN, DISABLED])
def test_a_wrong_password_is_refused_as_fast_for_nobody_as_for_somebody(
    env: Environment, app: Flask, whose: str
) -> None:
    visitor = env.visitor(app=app)
    assert_equal_time(lambda email: visitor.post("/cms/login/", {"email": email, "password": "guess"}), 400, whose)


@pytest.mark.parametrize("limit", ["ACCOUNT", "NETWORK"])
@pytest.mark.usefixtures("app")
def test_a_throttled_sign_in_is_refused_as_fast_for_nobody_as_for_somebody(env: Environment, limit: str) -> None:
    visitor = env.visitor(app=env.build(**{**NO_LIMITS, f"SIGN_IN_TRIES_PER_{limit}": "1"}))

    def guess(email: str) -> Answer:
        return visitor.post("/cms/login/", {"email": email, "password": "guess"})

    for email in (KNOWN, UNKNOWN):
        guess(email)
    assert_equal_time(guess, 429)


@pytest.mark.parametrize("limit", ["", "ADDRESS", "NETWORK"])
def test_a_password_link_is_promised_or_refused_as_fast_to_nobody_as_to_somebody(
    env: Environment, app: Flask, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("ADDRESS", "NETWORK"):
        monkeypatch.setattr(new_password, f"LINKS_PER_{each}_PER_HOUR", 1 if each == limit else 10**6)
    visitor = env.visitor(app=app)

    def ask(email: str) -> Answer:
        return visitor.post("/cms/forgotpwd/", {"email": email})

    for email in (KNOWN, UNKNOWN):
        ask(email)
    assert_equal_time(ask, 429 if limit else 200)


@pytest.mark.parametrize("limit", ["", "RESEND_SECONDS", "SENDS_PER_ADDRESS_PER_HOUR"])
@pytest.mark.usefixtures("app")
def test_a_code_for_a_taken_address_is_promised_or_refused_as_fast_as_for_a_free_one(
    env: Environment, limit: str
) -> None:
    strict = {f"CAPTCHA_{limit}": "3600" if limit == "RESEND_SECONDS" else "1"} if limit else {}
    ann = env.person("ann@example.com", app=env.build(**NO_LIMITS | strict))
    for email in (KNOWN, UNKNOWN):
        ann.ask(email)
    assert_equal_time(ann.ask, 429 if limit else 200)


@pytest.mark.usefixtures("app")
def test_an_invitation_is_explained_as_fast_for_an_address_that_was_taken_meanwhile(env: Environment) -> None:
    boss = superuser(env, "chief@example.com")
    for email in ("taken@example.com", UNKNOWN):
        assert invite(boss, email).status == 200
    env.administrator("taken@example.com")
    links = {email: env.links_to(email, "register")[-1] for email in ("taken@example.com", UNKNOWN)}
    visitor = env.visitor()
    assert_equal_time(lambda email: visitor.page(links[email]), 200, "taken@example.com")
    assert_equal_time(lambda email: visitor.post(links[email], {}), 400, "taken@example.com")
