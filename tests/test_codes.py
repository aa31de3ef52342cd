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
    """Be in the context of an application."""
    with env.app.app_context():
        yield env.app


def test_a_code_proves_the_claim_that_it_was_made_for() -> None:
    code = codes.issue(CLAIM, 600)
    assert codes.matches(CLAIM, code, codes.read_stored_hash("nonce"))


@pytest.mark.parametrize("name", [field.name for field in fields(Claim)])
def test_a_code_proves_no_other_claim(name: str) -> None:
    code = codes.issue(CLAIM, 600)
    value = getattr(CLAIM, name)
    other = replace(CLAIM, **{name: value + 1 if isinstance(value, int) else value + "x"})
    assert not codes.matches(other, code, codes.read_stored_hash("nonce"))


def test_two_claims_whose_parts_run_together_are_two_claims() -> None:
    key = signing.keys().current
    assert key.sign("code", "1", "23") != key.sign("code", "12", "3")
    assert key.sign("code", "1") != key.sign("audit", "1")
    code = codes.issue(replace(CLAIM, user_id=1, session_id=23), 600)
    assert not codes.matches(replace(CLAIM, user_id=12, session_id=3), code, codes.read_stored_hash("nonce"))


def test_a_code_for_an_address_that_is_not_to_be_had_is_met_by_no_code() -> None:
    shown = codes.issue(CLAIM, 600, is_valid=False)
    kept = codes.read_stored_hash("nonce")
    assert not codes.matches(CLAIM, shown, kept)
    assert not any(codes.matches(CLAIM, f"{number:06}", kept) for number in range(0, 10**6, 97))


def test_a_code_of_another_secret_key_is_not_accepted(env: Environment) -> None:
    code = codes.issue(CLAIM, 600)
    kept = codes.read_stored_hash("nonce")
    with env.build(SECRET_KEY="quite another secret of the tests").app_context():
        assert not codes.matches(CLAIM, code, kept)


def test_the_name_of_a_code_has_the_id_of_its_key_and_128_random_bits() -> None:
    names = {codes.new_nonce() for _ in range(100)}
    assert len(names) == 100
    for name in names:
        assert re.fullmatch(r"[0-9a-f]{8}\.[\w-]{22}", name, re.ASCII)
        assert codes.key_id_of(name) == signing.keys().current.id


def test_a_code_is_verified_with_the_key_that_its_name_names_and_no_other(env: Environment) -> None:
    claim = replace(CLAIM, nonce=codes.new_nonce())
    code = codes.issue(claim, 600)
    kept = codes.read_stored_hash(claim.nonce)
    former = env.settings["SECRET_KEY"].replace(",", r"\,")
    with env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=former).app_context():
        assert codes.matches(claim, code, codes.read_stored_hash(claim.nonce))
        other = replace(claim, nonce=codes.new_nonce())
        forged = signing.Key(env.settings["SECRET_KEY"]).sign("code", *astuple(other), code)
        assert not codes.matches(other, code, forged)
    with env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=former).app_context():
        assert not codes.matches(claim, code, kept)
        with pytest.raises(CodeExpired):
            codes.read_stored_hash(claim.nonce)


def test_a_code_of_the_previous_version_names_no_key_and_is_accepted(env: Environment) -> None:
    claim = replace(CLAIM, nonce="0123456789abcdef" * 2)
    kept = signing.keys().current.sign("code", *astuple(claim), "123456")
    former = env.settings["SECRET_KEY"].replace(",", r"\,")
    assert codes.matches(claim, "123456", kept)
    with env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=former).app_context():
        assert codes.matches(claim, "123456", kept)
        assert not codes.matches(claim, "123457", kept)


def test_a_code_has_six_digits_that_are_all_equally_likely() -> None:
    made = [codes.issue(CLAIM, 600) for _ in range(2000)]
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in made)
    seen = Counter("".join(made))
    assert min(seen.values()) > 900  # Of 1200 expected: less would happen once in 10**19 runs.
    assert any(code.startswith("0") for code in made)


def test_what_is_kept_is_not_the_code() -> None:
    """Six digits stand in a hash by chance once in 280 000 times, so three codes are looked at."""
    shown = []
    for number in range(3):
        claim = replace(CLAIM, nonce=f"nonce-{number}")
        code, kept = codes.issue(claim, 600), cache.get(f"code:{claim.nonce}")
        assert isinstance(kept, str)
        assert re.fullmatch("[0-9a-f]{64}", kept)
        shown.append(code in kept)
        for known in (code, f"{claim.nonce}{code}", f"{claim.nonce}:{code}", f"{code}{claim.nonce}"):
            assert kept != sha256(known.encode()).hexdigest(), "a reader of the cache could try all codes"
    assert not all(shown)


def test_a_code_that_was_forgotten_or_never_made_has_expired() -> None:
    codes.issue(CLAIM, 600)
    codes.delete("nonce")
    for nonce in ("nonce", "never"):
        with pytest.raises(CodeExpired):
            codes.read_stored_hash(nonce)


def test_a_counter_in_the_place_of_a_code_is_no_code() -> None:
    cache.set("code:nonce", 7, 60)
    with pytest.raises(CodeExpired):
        codes.read_stored_hash("nonce")
