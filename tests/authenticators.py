"""Devices with passkeys, in software: they create passkeys and sign challenges as a browser with a phone does."""

import html
import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pyotp
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encode(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """A device with one passkey. What it tells can be changed by a test: the origin, the flags, the counter."""

    origin: str
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 0
    flags: int = PRESENT | VERIFIED
    user_handle: bytes = b""
    rp_id: str = ""

    @classmethod
    def restore(cls, origin: str, stored: dict[str, Any]) -> "Authenticator":
        """Return the device that `store` returned, in a browser that shows this origin."""
        key = derive_private_key(stored["key"], SECP256R1())
        names = {name: bytes.fromhex(stored[name]) for name in ("credential_id", "user_handle")}
        return cls(origin, key, **names, count=stored["count"], rp_id=stored["rp_id"])

    def store(self) -> dict[str, Any]:
        """Return what the device needs to sign again, as values of JSON."""
        return {
            "key": self.key.private_numbers().private_value,
            "credential_id": self.credential_id.hex(),
            "user_handle": self.user_handle.hex(),
            "count": self.count,
            "rp_id": self.rp_id,
        }

    def create(self, options: dict[str, Any]) -> str:
        """Create the passkey, and return the response of the browser as JSON."""
        self.rp_id, self.user_handle = options["rp"]["id"], decode(options["user"]["id"])
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + credential}
        client = self._client_data("webauthn.create", options["challenge"])
        response = {"clientDataJSON": encode(client), "attestationObject": encode(cbor.encode(attestation))}
        return self._response({**response, "transports": ["internal", "hybrid"]})

    def sign(self, options: dict[str, Any]) -> str:
        """Sign a challenge, and return the response of the browser as JSON."""
        self.count += 1
        data, client = self._data(), self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        response = {"clientDataJSON": encode(client), "authenticatorData": encode(data)}
        handle = {"userHandle": encode(self.user_handle)} if self.user_handle else {}
        return self._response({**response, "signature": encode(signature), **handle})

    def _data(self, more: int = 0) -> bytes:
        hashed = sha256(self.rp_id.encode()).digest()
        return hashed + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _response(self, response: dict[str, Any]) -> str:
        name = encode(self.credential_id)
        told = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps({**told, "clientExtensionResults": {}, "authenticatorAttachment": "platform"})


def app_on(page: str) -> pyotp.TOTP:
    """Return the authenticator app into which the key on a page was typed."""
    return pyotp.TOTP(page.partition('class="secret">')[2].partition("<")[0].replace(" ", ""))


def options_on(page: str) -> dict[str, Any]:
    """Return the options for passkeys that a page contains."""
    found = re.search(r"data-passkey-options='([^']+)'", page)
    assert found, page
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options
