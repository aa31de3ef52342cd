"""Codes for people to type: made here, kept in the cache as a keyed hash, compared in constant time."""

import hmac
import secrets
from dataclasses import astuple, dataclass

import cache
from accounts.errors import CodeExpired
from accounts.signing import signature

DIGITS = 6  # ASVS 6.5.4 and NIST SP 800-63B 3.1.3.2.


@dataclass(frozen=True)
class Claim:
    """What a code proves, and nothing else: this person, this new address, this session, this state of the account."""

    user_id: int
    session_id: int
    email_key: str
    email_version: int
    nonce: str


def issue(claim: Claim, seconds: int, *, real: bool = True) -> str:
    """Make a code from a CSPRNG, keep its keyed hash for so many seconds and return it. Raises CacheDown.

    With `real` false what is kept can be met by no code: somebody asked for an address that is not to be had.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    cache.set(f"code:{claim.nonce}", _kept(claim, code if real else secrets.token_hex()), seconds)
    return code


def kept(nonce: str) -> str:
    """Return the keyed hash of a living code. Raises CodeExpired if there is none, CacheDown if nobody knows."""
    found = cache.get(f"code:{nonce}")
    if not isinstance(found, str):
        raise CodeExpired
    return found


def matches(claim: Claim, code: str, kept_hash: str) -> bool:
    """Say whether this is the code of this claim (ASVS 11.2.4: in constant time)."""
    return hmac.compare_digest(_kept(claim, code), kept_hash)


def forget(nonce: str) -> None:
    """Drop a code that has had its day. Raises CacheDown."""
    cache.delete(f"code:{nonce}")


def _kept(claim: Claim, code: str) -> str:
    return signature("code", *astuple(claim), code)
