"""Signatures with a separate key for each purpose, derived from keys that can be rotated."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256

from accounts.settings import settings

ID_LENGTH = 8  # Hexadecimal digits.


@dataclass(frozen=True)
class Key:
    """A key of the settings. Its id names it beside what it signed, and is no part of a key of any purpose."""

    secret: str = field(repr=False)

    @cached_property
    def id(self) -> str:
        """Return the beginning of an HMAC under the key, in hexadecimal."""
        return _derive(self.secret, "key id").hex()[:ID_LENGTH]

    def sign(self, purpose: str, *parts: object) -> str:
        """Return the HMAC-SHA-256 of the parts under the key of this purpose, in hexadecimal.

        The lengths of the parts are included, so that different lists of parts have different signatures.
        """
        message = b"".join(f"{len(part)}:".encode() + part for part in (str(part).encode() for part in parts))
        return hmac.digest(_derive(self.secret, purpose), message, "sha256").hex()


@dataclass(frozen=True)
class KeyRing:
    """The key that signs, and every key that verifies, by its id: that one first, then the newest ones."""

    current: Key
    by_id: Mapping[str, Key]

    def named(self, key_id: str | None) -> tuple[Key, ...]:
        """Return the keys with which something is verified that names this key: that one, or none if it is unknown.

        None is the name on what an older version of the application signed: every key may have signed it.
        """
        if key_id is None:
            return tuple(self.by_id.values())
        return (self.by_id[key_id],) if key_id in self.by_id else ()


def keys() -> KeyRing:
    """Return the keys of cookies and codes: SECRET_KEY and SECRET_KEY_FALLBACKS."""
    its = settings()
    return _ring(its.SECRET_KEY, its.SECRET_KEY_FALLBACKS)


def audit_keys() -> KeyRing:
    """Return the keys of the history: AUDIT_KEY and AUDIT_KEY_FALLBACKS.

    Without AUDIT_KEY the key is derived from SECRET_KEY. So SECRET_KEY and SECRET_KEY_FALLBACKS verify rows as well.
    """
    its = settings()
    return _ring(its.AUDIT_KEY or its.SECRET_KEY, its.AUDIT_KEY_FALLBACKS, (its.SECRET_KEY,), its.SECRET_KEY_FALLBACKS)


def fingerprint(token: str) -> str:
    """Return the SHA-256 with which a random token of at least 128 bits is stored (ASVS 11.5.1)."""
    return sha256(token.encode()).hexdigest()


@lru_cache
def _ring(current: str, *others: tuple[str, ...]) -> KeyRing:
    by_id: dict[str, Key] = {}
    for secret in (current, *(secret for secrets in others for secret in secrets)):
        key = Key(secret)
        by_id.setdefault(key.id, key)
    return KeyRing(Key(current), by_id)


@lru_cache(maxsize=256)
def _derive(secret: str, purpose: str) -> bytes:
    """Return the key of a purpose; derived once per process, because a signature costs less than this."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")
