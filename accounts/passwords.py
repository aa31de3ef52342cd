"""Passwords: argon2id, with the parameters that OWASP recommends (19 MiB, t=2, p=1)."""

import secrets
from functools import cache as once

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from accounts.database import release_connection

NONE = "!"  # Kept where there is no password: nothing matches it until a new one is set.
HASHER = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)


def hashed(password: str) -> str:
    """Return the hash under which a password is kept; no connection is held meanwhile."""
    release_connection()
    return HASHER.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Say whether this is the password; for somebody unknown (None) or without one take as long to say no.

    No connection to the database is held meanwhile.
    """
    release_connection()
    known = password_hash not in (None, NONE)
    try:
        return HASHER.verify(password_hash if password_hash and known else _nobodys(), password) and known
    except (VerificationError, InvalidHashError):
        return False


def is_dated(password_hash: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


@once
def _nobodys() -> str:
    """Return a hash that no password meets."""
    return hashed(secrets.token_hex())
