"""Signatures with a separate key for each purpose, derived from SECRET_KEY."""

import hmac
from hashlib import sha256

from accounts.settings import settings


def signature(purpose: str, *parts: object) -> str:
    """Return the HMAC-SHA-256 of the parts under the key of this purpose, in hexadecimal.

    The lengths of the parts are included, so that different lists of parts have different signatures.
    """
    key = hmac.digest(settings().SECRET_KEY.encode(), purpose.encode(), sha256)
    message = b"".join(f"{len(part)}:".encode() + part for part in (str(part).encode() for part in parts))
    return hmac.new(key, message, sha256).hexdigest()


def fingerprint(token: str) -> str:
    """Return the SHA-256 with which a random token of at least 128 bits is stored (ASVS 11.5.1)."""
    return sha256(token.encode()).hexdigest()
