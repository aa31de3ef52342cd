"""Passkeys (WebAuthn, Level 3): options for the browser, verification of its responses, and the stored credentials.

The only importer of fido2, which is imported when the first passkey is used.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import idna
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from accounts import clock, people
from accounts.errors import AlreadyAdded, ChallengeExpired, PasskeyRefused, Refusal, TooManyPasskeys
from accounts.factors import challenges
from accounts.factors.challenges import Purpose
from accounts.settings import settings
from models import CMSUser, Passkey, db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fido2.cose import CoseKey
    from fido2.server import Fido2Server
    from fido2.webauthn import AttestedCredentialData

MOST = 20  # Passkeys of one account.
LONGEST_RESPONSE = 16_384  # Characters; without an attestation a response has about a thousand.
TIMEOUT_MILLISECONDS = int(challenges.LIFETIME.total_seconds() * 1000)
TRANSPORTS = {"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}
REASONS = {
    "Incorrect type in CollectedClientData.": "the response is of another type",
    "Invalid origin in CollectedClientData.": "the response is from another origin",
    "Wrong RP ID hash in response.": "the passkey is that of another site",
    "User Present flag not set.": "the user was not present",
    "User verification required, but User Verified flag not set.": "the user was not verified",
    "User verification required, but user verified flag not set.": "the user was not verified",
    "Invalid signature.": "the signature is invalid",
    "Unknown credential ID.": "the passkey is not known",
}
"""What fido2 says about a response, and the reason in the log, which never contains a part of the response."""


@dataclass(frozen=True)
class Site:
    """The site that passkeys belong to: its origin, and the id under which browsers store them."""

    origin: str
    id: str

    @classmethod
    def of(cls, url: str) -> "Site | None":
        """Return the site at a URL, or None if browsers permit no passkeys there: http, or an IP address as host.

        The origin is written as browsers write it: the host in A-labels, without the default port.
        """
        parts = urlsplit(url)
        try:
            host, port = _to_ascii(parts.hostname or ""), parts.port
        except ValueError:  # No host name, or no port.
            return None
        is_local = host == "localhost" or host.endswith(".localhost")
        if not host or _is_address(host) or (parts.scheme != "https" and not is_local):
            return None
        is_usual = port in (None, {"https": 443, "http": 80}.get(parts.scheme))
        return cls(f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}", host)


@dataclass(frozen=True)
class Verified:
    """A passkey that has signed a challenge. It counts when `use` has recorded it in the locked account."""

    passkey_id: int
    user_id: int
    sign_count: int
    issued_at: datetime


@dataclass(frozen=True)
class New:
    """A passkey that was created on a device and is not stored yet."""

    credential_hash: str
    credential: str
    transports: str
    sign_count: int
    issued_at: datetime


def list_of(user_id: int) -> Sequence[Passkey]:
    """Return the passkeys of an account, the oldest first."""
    return db.session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)).all()


def exist_any() -> bool:
    """Return whether any account has a passkey."""
    return db.session.scalar(select(Passkey.id).limit(1)) is not None


def creation_options(site: Site, user: CMSUser, user_handle: str, owner: str) -> dict[str, Any]:
    """Return the options with which a browser creates a passkey for the account.

    It must be discoverable, so that it identifies the account, and verify the user, so that it replaces a password. No
    attestation is requested, because every device is permitted.
    """
    import fido2.webauthn as web

    server, known = _server(site, settings().SITE_NAME), [_credential_of(each) for each in list_of(user.id)]
    entity = web.PublicKeyCredentialUserEntity(id=user_handle.encode(), name=user.email, display_name=user.username)
    options, _ = server.register_begin(
        entity,
        known,
        resident_key_requirement=web.ResidentKeyRequirement.REQUIRED,
        user_verification=web.UserVerificationRequirement.REQUIRED,
        challenge=challenges.issue("register", owner),
    )
    return {**dict(options)["publicKey"], "timeout": TIMEOUT_MILLISECONDS}


def request_options(site: Site, purpose: Purpose, owner: str, known: Sequence[Passkey] = ()) -> dict[str, Any]:
    """Return the options with which a browser signs with a passkey: one of `known`, or any that it has for the site.

    Written without fido2, because every sign-in page contains them, and most sites have no passkeys to verify.
    """
    options: dict[str, Any] = {
        "challenge": _encode(challenges.issue(purpose, owner)),
        "rpId": site.id,
        "timeout": TIMEOUT_MILLISECONDS,
        "userVerification": "required",
    }
    if known:
        options["allowCredentials"] = [
            {"type": "public-key", "id": _encode(_credential_id(each)), "transports": each.transports.split()}
            for each in known
        ]
    return options


def verify_new(site: Site, response: str, owner: str) -> New:
    """Return the passkey that a browser has created. Raises PasskeyRefused, ChallengeExpired."""
    found = _parse(response)
    with _refusing():
        challenge, state = _state_of(found)
        issued_at = challenges.verify(challenge, "register", owner)
        told = _server(site).register_complete(state, found)
        data = told.credential_data
        if data is None or not _can_verify(data.public_key):
            raise PasskeyRefused("the response has no key that can be verified")
        credential = _encode(bytes(data))
        key, name = sha256(data.credential_id).hexdigest(), " ".join(_transports_of(found))
    return New(key, credential, name, told.counter, issued_at)


def verify(site: Site, response: str, purpose: Purpose, owner: str, user_id: int | None = None) -> Verified:
    """Return the passkey that has signed a challenge, of this account or of any.

    Raises PasskeyRefused, also for a passkey that is not known, and ChallengeExpired.
    """
    import fido2.webauthn as web

    found = _parse(response)
    with _refusing():
        challenge, state = _state_of(found)
        issued_at = challenges.verify(challenge, purpose, owner)
        parsed = web.AuthenticationResponse.from_dict(found)
        query = select(Passkey).where(Passkey.credential_hash == sha256(parsed.raw_id).hexdigest())
        passkey = db.session.scalar(query)
        if passkey is None or user_id not in (None, passkey.user_id):
            raise PasskeyRefused("the passkey is not known")
        handle = parsed.response.user_handle
        _server(site).authenticate_complete(state, [_credential_of(passkey)], found)
        if handle is None and user_id is None:  # WebAuthn, Level 3, 7.2, step 6.
            raise PasskeyRefused("the passkey does not name its account")
        if handle is not None and not secrets.compare_digest(handle, _handle_of(passkey.user_id)):
            raise PasskeyRefused("the passkey is that of another account")
        count = parsed.response.authenticator_data.counter
    return Verified(passkey.id, passkey.user_id, count, issued_at)


def handle_of(user: CMSUser) -> str:
    """Return the random id under which devices store the passkeys of a locked account; the first call makes it."""
    if user.user_handle is None:
        people.update_columns(user, user_handle=secrets.token_urlsafe(32))
    assert user.user_handle is not None
    return user.user_handle


def require_space(user: CMSUser) -> None:
    """Raise TooManyPasskeys if a locked account has as many as it may have."""
    if len(list_of(user.id)) >= MOST:
        raise TooManyPasskeys


def add(user: CMSUser, new: New, name: str) -> None:
    """Store a passkey of a locked account. Raises AlreadyAdded if it is stored already, TooManyPasskeys."""
    require_space(user)
    now = clock.now()
    passkey = Passkey(
        user_id=user.id,
        credential_hash=new.credential_hash,
        credential=new.credential,
        transports=new.transports,
        name=name,
        sign_count=new.sign_count,
        challenged_at=new.issued_at,
        created_at=now,
    )
    db.session.add(passkey)
    try:
        db.session.flush()
    except IntegrityError:
        raise AlreadyAdded from None


def use(user: CMSUser, verified: Verified) -> None:
    """Record in a locked account that a passkey has signed.

    Raises PasskeyRefused if it was removed meanwhile, or if its counter did not grow, which a copy of it would cause
    (WebAuthn, Level 3, 6.1.1). Raises ChallengeExpired if it has signed this challenge or a later one before, perhaps
    on another device that shares it.
    """
    grows = (Passkey.sign_count < verified.sign_count) | (Passkey.sign_count + verified.sign_count == 0)
    mine = Passkey.id == verified.passkey_id, Passkey.user_id == user.id
    is_newer = Passkey.challenged_at < verified.issued_at
    written = {"sign_count": verified.sign_count, "challenged_at": verified.issued_at, "used_at": clock.now()}
    used = update(Passkey).where(*mine, grows, is_newer).values(written).returning(Passkey.id)
    if db.session.execute(used).first() is not None:
        return
    has_grown = db.session.scalar(select(grows).where(*mine))
    if has_grown is None:
        raise PasskeyRefused("the passkey was removed")
    if not has_grown:
        raise PasskeyRefused("the counter did not grow: the passkey was copied")
    raise ChallengeExpired


def rename(user: CMSUser, passkey_id: int, name: str) -> bool:
    """Rename a passkey of a locked account, and return whether it had another name."""
    its = Passkey.id == passkey_id, Passkey.user_id == user.id, Passkey.name != name
    renamed = update(Passkey).where(*its).values(name=name).returning(Passkey.id)
    return db.session.execute(renamed).first() is not None


def remove(user: CMSUser, passkey_id: int) -> str | None:
    """Delete a passkey of a locked account, and return its name, or None if there is none."""
    its = Passkey.id == passkey_id, Passkey.user_id == user.id
    name: str | None = db.session.scalar(delete(Passkey).where(*its).returning(Passkey.name))
    return name


def delete_since(user: CMSUser, since: datetime | None = None) -> list[str]:
    """Delete the passkeys of a locked account, or those that were added since a moment; return their names."""
    mine = [Passkey.user_id == user.id]
    if since is not None:
        mine.append(Passkey.created_at >= since)
    return list(db.session.scalars(delete(Passkey).where(*mine).returning(Passkey.name)))


def _to_ascii(host: str) -> str:
    """Return a host name in lower case and A-labels. Raises ValueError (idna.IDNAError) if it is none."""
    return host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()


def _is_address(host: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _encode(data: bytes) -> str:
    """Return bytes in base64url without padding, as WebAuthn encodes them."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _credential_id(passkey: Passkey) -> bytes:
    """Return the id of the credential, which its data contain after 16 bytes of the model and 2 of the length."""
    data = _decode(passkey.credential)
    return data[18 : 18 + int.from_bytes(data[16:18], "big")]


def _handle_of(user_id: int) -> bytes:
    handle = db.session.scalar(select(CMSUser.user_handle).where(CMSUser.id == user_id))
    return (handle or "").encode()


def _parse(response: str) -> dict[str, Any]:
    """Return the response of a browser as a dictionary. Raises PasskeyRefused."""
    if len(response) > LONGEST_RESPONSE:
        raise PasskeyRefused("the response is too long")
    try:
        found = json.loads(response)
    except (ValueError, RecursionError):
        raise PasskeyRefused("the response is not JSON") from None
    if not isinstance(found, dict):
        raise PasskeyRefused("the response is not an object")
    return found


def _state_of(found: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Return the challenge that was signed, and the state with which fido2 verifies the response."""
    from fido2.webauthn import CollectedClientData, UserVerificationRequirement

    if found["type"] != "public-key" or not isinstance(found["rawId"], str) or found["id"] != found["rawId"]:
        raise PasskeyRefused("the response is of another type")
    signed = CollectedClientData(_decode(found["response"]["clientDataJSON"]))
    if signed.cross_origin:
        raise PasskeyRefused("the page is embedded in another site")
    return signed.challenge, {
        "challenge": _encode(signed.challenge),
        "user_verification": UserVerificationRequirement.REQUIRED,
    }


def _can_verify(key: "CoseKey") -> bool:
    """Return whether a key is of an algorithm that was offered, and can be loaded: then it refuses a signature.

    A key that verifies nothing would count as a second factor that its owner can never use.
    """
    from cryptography.exceptions import InvalidSignature
    from fido2.cose import CoseKey

    if key.get(3) not in CoseKey.supported_algorithms():
        return False
    try:
        key.verify(b"", bytes(64))
    except InvalidSignature:
        return True
    return False


def _transports_of(found: dict[str, Any]) -> list[str]:
    listed = found["response"].get("transports") or ()
    return sorted({each for each in listed if each in TRANSPORTS})


def _credential_of(passkey: Passkey) -> "AttestedCredentialData":
    from fido2.webauthn import AttestedCredentialData

    return AttestedCredentialData(_decode(passkey.credential))


@contextmanager
def _refusing() -> "Iterator[None]":
    """Turn every error of fido2 about a response into PasskeyRefused.

    It has no class of its own for them: whatever Python and cryptography raise for malformed data is passed on.
    """
    try:
        yield
    except (Refusal, SQLAlchemyError):
        raise
    except Exception as problem:  # Such as struct.error and RecursionError.
        reason = REASONS.get(str(problem), f"the response is malformed ({type(problem).__name__})")
        raise PasskeyRefused(reason) from None


@lru_cache(maxsize=8)
def _server(site: Site, name: str = "") -> "Fido2Server":
    from fido2.server import Fido2Server
    from fido2.webauthn import AttestationConveyancePreference, PublicKeyCredentialRpEntity

    entity = PublicKeyCredentialRpEntity(id=site.id, name=name or site.id)
    none = AttestationConveyancePreference.NONE
    return Fido2Server(entity, attestation=none, verify_origin=lambda origin: origin == site.origin)
