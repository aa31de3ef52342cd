"""accounts/codes.py: a code verifies exactly one claim."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, fields, replace
from hashlib import sha256

import pytest
from flask import Flask

import cache
from accounts import codes, signing
from accounts.codes import Claim
from accounts.errors import CodeExpired
from tests.environments import Environment

SECOND = "the second key of the tests"
CLAIM = Claim(1, 2, "new@example.com", 3, "nonce")


@pytest.fixture(autouse=True)
def app(env: Environment) -> Iterator[Flask]:
    """Push the context of the application."""
    with env.app.app_context():
        yield env.app


def test_a_code_verifies_its_claim() -> None:
    code = codes.issue(CLAIM, 600)
    assert codes.matches(CLAIM, code, codes.read_stored_hash("nonce"))


@pytest.mark.parametrize("name", [field.name for field in fields(Claim)])
def test_a_code_verifies_no_other_claim(name: str) -> None:
    code = codes.issue(CLAIM, 600)
    value = getattr(CLAIM, name)
    other = replace(CLAIM, **{name: value + 1 if isinstance(value, int) else value + "x"})
    assert not codes.matches(other, code, codes.read_stored_hash("nonce"))


def test_claims_with_equal_concatenations_are_different() -> None:
    key = signing.keys().current
    assert key.sign("code", "1", "23") != key.sign("code", "12", "3")
    assert key.sign("code", "1") != key.sign("audit", "1")
    code = codes.issue(replace(CLAIM, user_id=1, session_id=23), 600)
    assert not codes.matches(replace(CLAIM, user_id=12, session_id=3), code, codes.read_stored_hash("nonce"))


def test_no_code_verifies_a_claim_for_an_unavailable_address() -> None:
    code = codes.issue(CLAIM, 600, is_valid=False)
    stored = codes.read_stored_hash("nonce")
    assert not codes.matches(CLAIM, code, stored)
    assert not any(codes.matches(CLAIM, f"{number:06}", stored) for number in range(0, 10**6, 97))


def test_a_code_of_another_secret_key_is_refused(env: Environment) -> None:
    code = codes.issue(CLAIM, 600)
    stored = codes.read_stored_hash("nonce")
    with env.build(SECRET_KEY="a different secret key for tests").app_context():
        assert not codes.matches(CLAIM, code, stored)


def test_the_name_of_a_code_has_the_id_of_its_key_and_128_random_bits() -> None:
    names = {codes.new_nonce() for _ in range(100)}
    assert len(names) == 100
    for name in names:
        assert re.fullmatch(r"[0-9a-f]{8}\.[\w-]{22}", name, re.ASCII)
        assert codes.key_id_of(name) == signing.keys().current.id


def test_a_code_is_verified_with_the_key_that_its_name_names_and_no_other(env: Environment) -> None:
    claim = replace(CLAIM, nonce=codes.new_nonce())
    code = codes.issue(claim, 600)
    stored = codes.read_stored_hash(claim.nonce)
    former = env.settings["SECRET_KEY"].replace(",", r"\,")
    with env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=former).app_context():
        assert codes.matches(claim, code, codes.read_stored_hash(claim.nonce))
        other = replace(claim, nonce=codes.new_nonce())
        forged = signing.Key(env.settings["SECRET_KEY"]).sign("code", *astuple(other), code)
        assert not codes.matches(other, code, forged)
    with env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=former).app_context():
        assert not codes.matches(claim, code, stored)
        with pytest.raises(CodeExpired):
            codes.read_stored_hash(claim.nonce)


def test_a_code_of_the_previous_version_names_no_key_and_is_accepted(env: Environment) -> None:
    claim = replace(CLAIM, nonce="0123456789abcdef" * 2)
    stored = signing.keys().current.sign("code", *astuple(claim), "123456")
    former = env.settings["SECRET_KEY"].replace(",", r"\,")
    assert codes.matches(claim, "123456", stored)
    with env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=former).app_context():
        assert codes.matches(claim, "123456", stored)
        assert not codes.matches(claim, "123457", stored)


def test_a_code_has_six_digits_with_equal_probabilities() -> None:
    issued = [codes.issue(CLAIM, 600) for _ in range(2000)]
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in issued)
    counts = Counter("".join(issued))
    assert min(counts.values()) > 900  # 1200 are expected; the probability of fewer than 900 is 10**-19.
    assert any(code.startswith("0") for code in issued)


def test_the_cache_contains_a_keyed_hash_of_the_code() -> None:
    """The hash contains the six digits by chance once in 280 000 times, so three codes are tested."""
    is_contained = []
    for number in range(3):
        claim = replace(CLAIM, nonce=f"nonce-{number}")
        code, stored = codes.issue(claim, 600), cache.get(f"code:{claim.nonce}")
        assert isinstance(stored, str)
        assert re.fullmatch("[0-9a-f]{64}", stored)
        is_contained.append(code in stored)
        for text in (code, f"{claim.nonce}{code}", f"{claim.nonce}:{code}", f"{code}{claim.nonce}"):
            assert stored != sha256(text.encode()).hexdigest(), "a hash without a key could be compared with all codes"
    assert not all(is_contained)


def test_a_deleted_or_unknown_code_has_expired() -> None:
    codes.issue(CLAIM, 600)
    codes.delete("nonce")
    for nonce in ("nonce", "unknown"):
        with pytest.raises(CodeExpired):
            codes.read_stored_hash(nonce)


def test_a_stored_number_is_not_a_code() -> None:
    cache.set("code:nonce", 7, 60)
    with pytest.raises(CodeExpired):
        codes.read_stored_hash("nonce")
