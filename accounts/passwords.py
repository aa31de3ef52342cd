"""Passwords: argon2id, with the parameters that OWASP recommends (19 MiB, t=2, p=1)."""

import secrets
from functools import cache as once

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)


def hashed(password: str) -> str:
    """Return the hash under which a password is kept."""
    return HASHER.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Say whether this is the password; for somebody unknown (None) take the same time to say no."""
    try:
        return HASHER.verify(password_hash or _nobodys(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_dated(password_hash: str) -> bool:
    """Say whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


@once
def _nobodys() -> str:
    """Return a hash that no password meets."""
    return hashed(secrets.token_hex())
