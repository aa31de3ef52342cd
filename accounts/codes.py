"""Codes that are mailed and typed: generated here, stored in the cache as a keyed hash, compared in constant time."""

import hmac
import secrets
from dataclasses import astuple, dataclass

import cache
from accounts.errors import CodeExpired
from accounts.signing import signature

DIGITS = 6  # ASVS 6.5.4 and NIST SP 800-63B 3.1.3.2.


@dataclass(frozen=True)
class Claim:
    """What a code proves: that an administrator in a session owns a new address, for one state of the account."""

    user_id: int
    session_id: int
    email_key: str
    email_version: int
    nonce: str


def issue(claim: Claim, seconds: int, *, is_valid: bool = True) -> str:
    """Generate a code, store its keyed hash for a number of seconds and return it. Raises CacheDown.

    With `is_valid` false the stored hash matches no code: the address is not available, and the response must not tell.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    cache.set(f"code:{claim.nonce}", _hash(claim, code if is_valid else secrets.token_hex()), seconds)
    return code


def read_stored_hash(nonce: str) -> str:
    """Return the stored hash of a code. Raises CodeExpired if there is none, CacheDown."""
    stored = cache.get(f"code:{nonce}")
    if not isinstance(stored, str):
        raise CodeExpired
    return stored


def matches(claim: Claim, code: str, stored_hash: str) -> bool:
    """Return whether this is the code of the claim, compared in constant time (ASVS 11.2.4)."""
    return hmac.compare_digest(_hash(claim, code), stored_hash)


def delete(nonce: str) -> None:
    """Delete a code. Raises CacheDown."""
    cache.delete(f"code:{nonce}")


def _hash(claim: Claim, code: str) -> str:
    return signature("code", *astuple(claim), code)
