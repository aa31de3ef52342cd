"""Passwords: argon2id, with the parameters that OWASP recommends (19 MiB, t=2, p=1)."""

import secrets
from base64 import b64decode
from dataclasses import dataclass
from functools import cache as once
from urllib.parse import urlsplit

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from accounts import breaches
from accounts.database import release_connection
from accounts.errors import PasswordWrong, Refusal
from accounts.settings import settings
from models import CMSUser

PRODUCT_NAMES = ("CMS", "account centre", "账号中心")  # As pages show them without SITE_NAME.
NONE = "!"  # Stored if there is no password; no password matches it.
HASHER = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)


@dataclass(frozen=True)
class PasswordProof:
    """The proof that the password of an account was correct, for the versions of password and address at that time."""

    password_version: int
    email_version: int
    refusal: type[Refusal]

    def recheck(self, account: CMSUser) -> None:
        """Raise the refusal of a wrong password unless the account, now locked, still is in that state (ASVS 2.3.4)."""
        if (account.password_version, account.email_version) != (self.password_version, self.email_version):
            raise self.refusal


def prove(password: str, account: CMSUser | None, refusal: type[Refusal] = PasswordWrong) -> PasswordProof:
    """Return the proof that a password is correct. Raises `refusal`, which takes as long without an account."""
    if not matches(password, account.password_hash if account else None) or account is None:
        raise refusal
    return PasswordProof(account.password_version, account.email_version, refusal)


def new_hash_columns(account: CMSUser, password_hash: str) -> dict[str, object]:
    """Return what to store for another password of an account; every proof of the present one becomes void."""
    return {"password_hash": password_hash, "password_version": account.password_version + 1}


def site_words(site: str) -> tuple[str, ...]:
    """Return the words that name this site: of a new password they must not be all (ASVS 6.2.11).

    `site` is its URL, which may be empty.
    """
    return (*PRODUCT_NAMES, settings().SITE_NAME, urlsplit(site).hostname or "")


def hash_new(password: str) -> str:
    """Return the hash of a new password. Raises PasswordBreached if the password is known from a data breach.

    Every use case that sets a password calls this before it locks anything: a service may be asked, and no connection
    is held meanwhile.
    """
    breaches.refuse_breached(password)
    return hash_password(password)


def hash_password(password: str) -> str:
    """Return the hash under which a password is kept; no connection is held meanwhile."""
    release_connection()
    return HASHER.hash(password)


def hash_code(code: str, salt: str = "") -> tuple[str, str]:
    """Return the salt and the hash of a code: with a new salt, or with one that was returned before, at its cost.

    A salt contains the cost, so that codes remain valid if the cost of new ones is changed.
    """
    if not salt:
        salt, _, code_hash = HASHER.hash(code).rpartition("$")
        return salt, code_hash
    form = f"{salt}${'A' * 43}"  # With any hash of 32 bytes.
    is_present = not HASHER.check_needs_rehash(form)
    hasher = HASHER if is_present else PasswordHasher.from_parameters(extract_parameters(form))
    raw = salt.rpartition("$")[2]
    return salt, hasher.hash(code, salt=b64decode(raw + "=" * (-len(raw) % 4))).rpartition("$")[2]


def matches(password: str, password_hash: str | None) -> bool:
    """Return whether a password matches a hash; without a hash this takes as long.

    No connection to the database is held meanwhile.
    """
    release_connection()
    known = password_hash not in (None, NONE)
    dummy = _dummy_hash()  # Always computed, so that the first sign-in of a process takes as long.
    try:
        return HASHER.verify(password_hash if password_hash and known else dummy, password) and known
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Return whether the hash was made with other than the present parameters."""
    return HASHER.check_needs_rehash(password_hash)


@once
def _dummy_hash() -> str:
    """Return a hash that no password meets."""
    return hash_password(secrets.token_hex())
