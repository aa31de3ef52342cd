"""What an administrator enters to prove a second factor, and the proof, which counts under the lock of the account."""

from dataclasses import dataclass
from typing import Protocol

from accounts.errors import PasskeyRefused, SecondFactorWrong
from accounts.factors import authenticator_app, passkeys, recovery_codes
from accounts.factors.challenges import Purpose
from accounts.factors.enrolment import Kind
from accounts.factors.passkeys import Site, Verified
from accounts.factors.recovery_codes import Hashed
from models import CMSUser


@dataclass(frozen=True)
class Entered:
    """What was entered on a page: the response of a browser with a passkey, a code of an app, or a recovery code.

    `owner` names the session or the browser for which the challenge of the passkey was issued.
    """

    passkey: str = ""
    code: str = ""
    recovery_code: str = ""
    owner: str = ""
    site_url: str = ""

    def __bool__(self) -> bool:
        """Return whether anything was entered."""
        return bool(self.passkey or self.code or self.recovery_code)


class Proof(Protocol):
    """A proof of a second factor."""

    @property
    def kind(self) -> Kind:
        """Return what was entered."""

    def accept(self, account: CMSUser) -> bool:
        """Use the proof for a locked account, and return whether it is correct. Raises PasskeyRefused."""


@dataclass(frozen=True)
class PasskeyProof:
    """A challenge that a passkey has signed."""

    verified: Verified
    kind: Kind = "passkey"

    def accept(self, account: CMSUser) -> bool:
        """Use the passkey."""
        passkeys.use(account, self.verified)
        return True


@dataclass(frozen=True)
class AppProof:
    """A code of an authenticator app, not compared yet."""

    code: str
    kind: Kind = "app"

    def accept(self, account: CMSUser) -> bool:
        """Compare and use the code."""
        return authenticator_app.use(account, self.code)


@dataclass(frozen=True)
class RecoveryProof:
    """The hash of a recovery code, not compared yet."""

    hashed: Hashed
    kind: Kind = "recovery_code"

    def accept(self, account: CMSUser) -> bool:
        """Compare and use the code."""
        return recovery_codes.use(account, self.hashed)


def prepare(entered: Entered, purpose: Purpose, user_id: int) -> Proof:
    """Return the proof that was entered for this account. Slow work is done here, before the account is locked.

    Raises PasskeyRefused, ChallengeExpired, and SecondFactorWrong if nothing was entered.
    """
    if entered.passkey:
        return prepare_passkey(entered, purpose, user_id)
    if entered.code:
        return AppProof(entered.code)
    if entered.recovery_code:
        return RecoveryProof(recovery_codes.hash_entered(user_id, entered.recovery_code))
    raise SecondFactorWrong


def prepare_passkey(entered: Entered, purpose: Purpose, user_id: int | None = None) -> PasskeyProof:
    """Return the proof of a passkey of this account, or of any. Raises PasskeyRefused, ChallengeExpired."""
    site = Site.of(entered.site_url)
    if site is None:
        raise PasskeyRefused("this site has no passkeys")
    return PasskeyProof(passkeys.verify(site, entered.passkey, purpose, entered.owner, user_id))
