"""Response times do not reveal whether an address has an account, according to samples of real responses.

`test_equal_work.py` compares the steps of requests; this test detects other differences. Requests are sent in pairs,
one for an existing and one for an unknown address, in random order, so that other load affects both equally. Without a
difference, each is the slower one in half of the pairs (a sign test). By chance, one round in fifty shows a difference,
but a real difference appears in every round: one round without a difference is sufficient.
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
from tests.stories.factor_steps import add_passkey

KNOWN, DISABLED, UNKNOWN = "owner@example.com", "gone1@example.com", "nobod@example.com"
ENROLLED = "twice@example.com"  # With a second factor.
ROUNDS, PAIRS = 6, 40
pytestmark = pytest.mark.slow  # It takes many samples, and is most precise without other load.
MOST = 28  # The probability of more than 28 heads, or more than 28 tails, in 40 coin tosses is 1 in 155.
NEGLIGIBLE = 0.03  # This part of a response time may differ, because a row is read for an existing address only.
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
Times = tuple[list[float], list[float]]  # Of each pair, for the existing and the unknown address.


@pytest.fixture(autouse=True)
def _millisecond_passwords(_cheap_computations: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash passwords in about a millisecond: an additional hash is measurable, and many samples are still fast."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1))
    passwords._dummy_hash.cache_clear()
    yield
    passwords._dummy_hash.cache_clear()


@pytest.fixture
def app(env: Environment) -> Flask:
    """Provide an application without limits, with administrators: active, disabled, and with a second factor."""
    env.administrator(KNOWN)
    env.administrator(DISABLED)
    env.update_account(DISABLED, is_active=False)
    add_passkey(env.person(ENROLLED))
    return env.build(**NO_LIMITS)


def assert_equal_time(act: Act, status: int, existing: str = KNOWN, unknown: str = UNKNOWN) -> None:
    """Fail if in every round the response times for an existing and an unknown address differ."""
    generator, medians = seeded_random(f"{existing} {unknown}"), []
    for email in (existing, unknown):  # The first requests initialise caches.
        assert act(email).status == status
    for _ in range(ROUNDS):
        wall, processor = sample(act, status, (existing, unknown), generator)
        if not differ(*wall) and not differ(*processor):
            return
        medians.append([[round(statistics.median(times) * 1e6) for times in pair] for pair in (wall, processor)])
    raise AssertionError(f"median microseconds (existing, unknown) of wall and processor time: {medians}")


def sample(act: Act, status: int, emails: tuple[str, str], generator: random.Random) -> tuple[Times, Times]:
    """Return the response times as wall-clock time and as processor time."""
    wall: dict[str, list[float]] = {email: [] for email in emails}
    processor: dict[str, list[float]] = {email: [] for email in emails}
    gc.collect()
    gc.disable()
    try:
        for _ in range(PAIRS):
            for email in generator.sample(emails, 2):
                wall_start, processor_start = time.perf_counter(), time.thread_time()
                answer = act(email)
                processor[email].append(time.thread_time() - processor_start)
                wall[email].append(time.perf_counter() - wall_start)
                assert answer.status == status
    finally:
        gc.enable()
    existing, unknown = emails
    return (wall[existing], wall[unknown]), (processor[existing], processor[unknown])


def differ(first: list[float], second: list[float]) -> bool:
    """Return whether one of the two is the slower one in significantly more than half of the pairs."""
    margin = NEGLIGIBLE * statistics.median(second)
    differences = [one - other for one, other in zip(first, second, strict=True)]
    return sum(each > margin for each in differences) > MOST or sum(each < -margin for each in differences) > MOST


@pytest.mark.parametrize("email", [KNOWN, DISABLED, ENROLLED])
def test_an_incorrect_password_takes_the_same_time_for_existing_and_unknown_addresses(
    env: Environment, app: Flask, email: str
) -> None:
    visitor = env.visitor(app=app)
    assert_equal_time(lambda email: visitor.post("/cms/login/", {"email": email, "password": "guess"}), 400, email)


@pytest.mark.parametrize("limit", ["ACCOUNT", "NETWORK"])
@pytest.mark.usefixtures("app")
def test_a_throttled_sign_in_takes_the_same_time_for_existing_and_unknown_addresses(
    env: Environment, limit: str
) -> None:
    visitor = env.visitor(app=env.build(**{**NO_LIMITS, f"SIGN_IN_TRIES_PER_{limit}": "1"}))

    def guess(email: str) -> Answer:
        return visitor.post("/cms/login/", {"email": email, "password": "guess"})

    for email in (KNOWN, UNKNOWN):
        guess(email)
    assert_equal_time(guess, 429)


@pytest.mark.parametrize("limit", ["", "ADDRESS", "NETWORK"])
def test_requesting_a_password_link_takes_the_same_time_for_existing_and_unknown_addresses(
    env: Environment, app: Flask, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("ADDRESS", "NETWORK"):
        monkeypatch.setattr(new_password, f"LINKS_PER_{each}_PER_HOUR", 1 if each == limit else 10**6)
    visitor = env.visitor(app=app)

    def request_link(email: str) -> Answer:
        return visitor.post("/cms/forgotpwd/", {"email": email})

    for email in (KNOWN, UNKNOWN):
        request_link(email)
    assert_equal_time(request_link, 429 if limit else 200)


@pytest.mark.parametrize("limit", ["", "RESEND_SECONDS", "SENDS_PER_ADDRESS_PER_HOUR"])
@pytest.mark.usefixtures("app")
def test_requesting_a_code_takes_the_same_time_for_taken_and_free_addresses(env: Environment, limit: str) -> None:
    strict = {f"CAPTCHA_{limit}": "3600" if limit == "RESEND_SECONDS" else "1"} if limit else {}
    ann = env.person("ann@example.com", app=env.build(**NO_LIMITS | strict))
    for email in (KNOWN, UNKNOWN):
        ann.ask(email)
    assert_equal_time(ann.ask, 429 if limit else 200)


@pytest.mark.usefixtures("app")
def test_an_invitation_takes_the_same_time_for_addresses_that_were_taken_in_the_meantime(env: Environment) -> None:
    boss = superuser(env, "chief@example.com")
    for email in ("taken@example.com", UNKNOWN):
        assert invite(boss, email).status == 200
    env.administrator("taken@example.com")
    links = {email: env.links_to(email, "register")[-1] for email in ("taken@example.com", UNKNOWN)}
    visitor = env.visitor()
    assert_equal_time(lambda email: visitor.page(links[email]), 200, "taken@example.com")
    assert_equal_time(lambda email: visitor.post(links[email], {}), 400, "taken@example.com")
