"""Codes that are mailed and typed: generated here, stored in the cache as a keyed hash, compared in constant time."""

import hmac
import secrets
from dataclasses import astuple, dataclass

import cache
from accounts.errors import CodeExpired
from accounts.signing import Key, keys

DIGITS = 6  # ASVS 6.5.4 and NIST SP 800-63B 3.1.3.2.


@dataclass(frozen=True)
class Claim:
    """What a code proves: that an administrator in a session owns a new address, for one state of the account."""

    user_id: int
    session_id: int
    email_key: str
    email_version: int
    nonce: str


def new_nonce() -> str:
    """Return the name of a new code: the id of the key of its hash, and 128 random bits."""
    return f"{keys().current.id}.{secrets.token_urlsafe(16)}"


def key_id_of(nonce: str) -> str | None:
    """Return the id of the key of a code, or None for a code of the previous version of the application."""
    key_id, dot, _ = nonce.partition(".")
    return key_id if dot else None


def issue(claim: Claim, seconds: int, *, is_valid: bool = True) -> str:
    """Generate a code, store its keyed hash for a number of seconds and return it. Raises CacheDown.

    With `is_valid` false the stored hash matches no code: the address is not available, and the response must not tell.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    key = _keys_of(claim.nonce)[0]
    cache.set(f"code:{claim.nonce}", _hash(key, claim, code if is_valid else secrets.token_hex()), seconds)
    return code


def read_stored_hash(nonce: str) -> str:
    """Return the stored hash of a code. Raises CodeExpired if there is none or its key was removed, CacheDown."""
    stored = cache.get(f"code:{nonce}")
    if not isinstance(stored, str) or not _keys_of(nonce):
        raise CodeExpired
    return stored


def matches(claim: Claim, code: str, stored_hash: str) -> bool:
    """Return whether this is the code of the claim, compared in constant time (ASVS 11.2.4)."""
    hashes = [_hash(key, claim, code) for key in _keys_of(claim.nonce)]
    return any(hmac.compare_digest(each, stored_hash) for each in hashes)


def delete(nonce: str) -> None:
    """Delete a code. Raises CacheDown."""
    cache.delete(f"code:{nonce}")


def _keys_of(nonce: str) -> tuple[Key, ...]:
    return keys().named(key_id_of(nonce))


def _hash(key: Key, claim: Claim, code: str) -> str:
    return key.sign("code", *astuple(claim), code)
