"""accounts/passwords.py: proofs of a password, and hashes."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher

from accounts import passwords
from accounts.errors import PasswordWrong, Refusal, WrongCredentials
from models import CMSUser, db
from tests.actors import PASSWORD

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


@pytest.mark.parametrize("refusal", [None, WrongCredentials])
def test_an_incorrect_password_and_an_unknown_account_raise_the_error_of_the_caller(
    ann: CMSUser, refusal: type[Refusal] | None
) -> None:
    more = (refusal,) if refusal else ()
    for password, account in (("incorrect", ann), (PASSWORD, None)):
        with pytest.raises(refusal or PasswordWrong):
            passwords.prove(password, account, *more)


@pytest.mark.parametrize("refusal", [PasswordWrong, WrongCredentials])
@pytest.mark.parametrize("name", ["email_version", "password_version"])
def test_a_proof_is_invalid_after_the_address_or_the_password_was_changed(
    ann: CMSUser, name: str, refusal: type[Refusal]
) -> None:
    proof = passwords.prove(PASSWORD, ann, refusal)
    proof.recheck(ann)
    setattr(ann, name, getattr(ann, name) + 1)
    with pytest.raises(refusal):
        proof.recheck(ann)


def test_a_new_password_invalidates_every_older_proof(ann: CMSUser) -> None:
    proof = passwords.prove(PASSWORD, ann)
    for version in (2, 3):
        columns = passwords.new_hash_columns(ann, "a hash")
        assert columns == {"password_hash": "a hash", "password_version": version}
        vars(ann).update(columns)
        with pytest.raises(PasswordWrong):
            proof.recheck(ann)


def test_a_password_matches_its_own_hash_only() -> None:
    hashed = passwords.hash_password(PASSWORD)
    assert passwords.matches(PASSWORD, hashed) is True
    assert passwords.matches("incorrect", hashed) is False


@pytest.mark.parametrize("stored", [None, passwords.NONE, "", "not a hash"])
def test_no_password_matches_if_none_is_set(stored: str | None) -> None:
    assert passwords.matches(PASSWORD, stored) is False
    assert passwords.matches("", stored) is False


@pytest.fixture
def dummy_password(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Set and provide the password of the hash for unknown accounts, which is otherwise random."""
    monkeypatch.setattr(secrets, "token_hex", lambda: PASSWORD)
    passwords._dummy_hash.cache_clear()
    yield PASSWORD
    passwords._dummy_hash.cache_clear()


@pytest.mark.parametrize("stored", [None, passwords.NONE])
def test_the_password_of_the_dummy_hash_matches_no_account(dummy_password: str, stored: str | None) -> None:
    assert passwords.matches(dummy_password, passwords._dummy_hash())
    assert not passwords.matches(dummy_password, stored)


@pytest.mark.parametrize("stored", [None, passwords.NONE])
def test_an_unknown_account_costs_one_comparison_like_a_known_one(
    monkeypatch: pytest.MonkeyPatch, stored: str | None
) -> None:
    passwords._dummy_hash()
    compared: list[str] = []

    class Recorder(PasswordHasher):
        """A hasher that records the hashes that passwords are compared with."""

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 (the name in argon2)
            compared.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Recorder(memory_cost=8, time_cost=1, parallelism=1))
    assert not passwords.matches(PASSWORD, stored)
    assert compared == [passwords._dummy_hash()]


def test_only_a_hash_with_other_parameters_is_outdated(ann: CMSUser) -> None:
    assert not passwords.needs_rehash(ann.password_hash)
    assert passwords.needs_rehash(PasswordHasher(memory_cost=16, time_cost=1, parallelism=1).hash(PASSWORD))


@pytest.mark.parametrize("work", [passwords.hash_password, lambda password: passwords.matches(password, None)])
def test_no_connection_is_held_while_a_password_is_hashed(work: Callable[[str], object]) -> None:
    passwords._dummy_hash()
    assert db.session.scalar(db.select(CMSUser.id)) is None
    assert db.session().in_transaction()
    work(PASSWORD)
    assert not db.session().in_transaction()
