"""Virtual authenticators of Chromium (DevTools protocol, domain WebAuthn): devices with passkeys, without people."""

from typing import Any

from tests.browser.pages import BrowserUser

VERIFYING = {"transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}


class Device:
    """A device with passkeys, connected to the page of a user."""

    def __init__(self, user: BrowserUser, *, is_present: bool = True) -> None:
        """Connect a device that verifies its user, and that answers at once if the user is present."""
        self._session = user.context.new_cdp_session(user.page)
        self._send("enable")
        options = {"protocol": "ctap2", **VERIFYING, "automaticPresenceSimulation": is_present}
        self._id = self._send("addVirtualAuthenticator", options=options)["authenticatorId"]

    def set_present(self, *, is_present: bool) -> None:
        """Have the user touch the device whenever it asks, or never.

        With a present user the browser also answers requests to offer passkeys in a field, as if one was chosen.
        """
        self._send("setAutomaticPresenceSimulation", authenticatorId=self._id, enabled=is_present)

    def set_verified(self, *, is_verified: bool) -> None:
        """Have the device recognise its user, or not."""
        self._send("setUserVerified", authenticatorId=self._id, isUserVerified=is_verified)

    def forge(self, **bits: bool) -> None:
        """Have the device set wrong flags in its responses: `isBogusSignature`, `isBadUV`, `isBadUP`."""
        self._send("setResponseOverrideBits", authenticatorId=self._id, **bits)

    def credentials(self) -> list[dict[str, Any]]:
        """Return the passkeys of the device, with their private keys."""
        found: list[dict[str, Any]] = self._send("getCredentials", authenticatorId=self._id)["credentials"]
        return found

    def add(self, credential: dict[str, Any]) -> None:
        """Copy a passkey to the device, in place of the one with its id."""
        if any(each["credentialId"] == credential["credentialId"] for each in self.credentials()):
            self._send("removeCredential", authenticatorId=self._id, credentialId=credential["credentialId"])
        self._send("addCredential", authenticatorId=self._id, credential=credential)

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._session.send(f"WebAuthn.{method}", parameters)
        return answer
