"""Challenges for passkeys: signed, valid for five minutes, and bound to a purpose and to one browser or session.

Nothing is stored when a challenge is issued, so that pages may contain one. A passkey accepts challenges only in the
order in which they were issued (`passkeys.use`), so that each is valid once.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Literal

from accounts import clock
from accounts.errors import ChallengeExpired, PasskeyRefused
from accounts.signing import Key, keys

Purpose = Literal["register", "sign_in", "second_factor", "reauth"]
LIFETIME = timedelta(minutes=5)  # WebAuthn, Level 3, 15.1 recommends 5 to 10 minutes with user verification.
_RANDOM_BYTES, _TIME_BYTES, _SIGNATURE_BYTES = 16, 8, 32


def issue(purpose: Purpose, owner: str) -> bytes:
    """Return a new challenge for this purpose; `owner` names the session or the browser that may use it."""
    microseconds = int(clock.now().timestamp() * 1_000_000)
    payload = secrets.token_bytes(_RANDOM_BYTES) + microseconds.to_bytes(_TIME_BYTES, "big")
    return payload + _sign(keys().current, purpose, owner, payload)


def verify(challenge: bytes, purpose: Purpose, owner: str) -> datetime:
    """Return when a challenge was issued. Raises PasskeyRefused if it is not ours, ChallengeExpired."""
    payload, signature = challenge[:-_SIGNATURE_BYTES], challenge[-_SIGNATURE_BYTES:]
    if len(payload) != _RANDOM_BYTES + _TIME_BYTES:
        raise PasskeyRefused("the challenge has another length")
    signatures = [_sign(key, purpose, owner, payload) for key in keys().by_id.values()]
    if not any(hmac.compare_digest(each, signature) for each in signatures):
        raise PasskeyRefused("the challenge was issued for another purpose or browser")
    issued_at = datetime.fromtimestamp(int.from_bytes(payload[_RANDOM_BYTES:], "big") / 1_000_000, UTC)
    if not -clock.TOLERANCE <= clock.now() - issued_at <= LIFETIME:
        raise ChallengeExpired
    return issued_at


def _sign(key: Key, purpose: Purpose, owner: str, payload: bytes) -> bytes:
    return bytes.fromhex(key.sign("passkey challenge", purpose, owner, urlsafe_b64encode(payload).decode()))
