"""One secret, a key for each purpose: what is signed for one cannot be used for another."""

import hmac
from hashlib import sha256

from accounts.settings import settings


def signature(purpose: str, *parts: object) -> str:
    """Return the HMAC-SHA-256 of the parts under the key of this purpose, in hexadecimal.

    The parts are told apart by their lengths, so that no two lists of parts share a signature.
    """
    key = hmac.digest(settings().SECRET_KEY.encode(), purpose.encode(), sha256)
    message = b"".join(f"{len(part)}:".encode() + part for part in (str(part).encode() for part in parts))
    return hmac.new(key, message, sha256).hexdigest()


def fingerprint(token: str) -> str:
    """Return the SHA-256 under which a random token of 128 bits or more is kept (ASVS 11.5.1)."""
    return sha256(token.encode()).hexdigest()
