"""Which second factors an account has; `cms_user.has_second_factor` repeats it for requests that need no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts import people
from accounts.factors import authenticator_app, passkeys, pending_sign_ins, recovery_codes
from models import AuthenticatorApp, CMSUser, Passkey

Kind = Literal["passkey", "app", "recovery_code"]


@dataclass(frozen=True)
class Enrolment:
    """The second factors of an account. Recovery codes alone are none: they replace one that was lost."""

    passkeys: Sequence[Passkey]
    app: AuthenticatorApp | None
    recovery_codes_left: int

    @property
    def has_app(self) -> bool:
        """Return whether an authenticator app is a second factor."""
        return self.app is not None

    @property
    def count(self) -> int:
        """Return the number of second factors."""
        return len(self.passkeys) + self.has_app

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return what the account can be proved with, the strongest first."""
        has: dict[Kind, object] = {
            "passkey": self.passkeys,
            "app": self.has_app,
            "recovery_code": self.count and self.recovery_codes_left,
        }
        return tuple(kind for kind, is_there in has.items() if is_there)


NONE = Enrolment((), None, 0)


@dataclass(frozen=True)
class Removed:
    """The second factors that were removed together, and those that are left."""

    passkeys: list[str]  # Their names.
    app: bool
    recovery_codes: bool
    left: Enrolment

    def __bool__(self) -> bool:
        """Return whether anything was removed."""
        return bool(self.passkeys or self.app or self.recovery_codes)


def load(user: CMSUser) -> Enrolment:
    """Return the second factors of an account. It costs no statement for an account without any."""
    return _read(user) if user.has_second_factor else NONE


def update(user: CMSUser) -> Enrolment:
    """Store whether a locked account has a second factor, and return those it has.

    Without one its recovery codes are deleted, because nobody asks for them any more, and the sign-ins that wait for
    one end.
    """
    enrolment = _read(user)
    if enrolment.count == 0:
        recovery_codes.delete_all(user)
        pending_sign_ins.end_all(user)
    if user.has_second_factor != bool(enrolment.count):
        people.update_columns(user, has_second_factor=bool(enrolment.count), factor_required_at=None)
    return enrolment


def delete_all(user: CMSUser) -> bool:
    """Delete all second factors of a locked account, and return whether it had any."""
    had = user.has_second_factor
    passkeys.delete_since(user)
    authenticator_app.delete_since(user)
    update(user)
    return had


def delete_since(user: CMSUser, since: datetime) -> Removed:
    """Delete the second factors of a locked account that were added since a moment, and return what was deleted.

    Recovery codes that were made since are deleted as well: somebody else may have seen them.
    """
    names = passkeys.delete_since(user, since)
    has_app, has_codes = authenticator_app.delete_since(user, since), recovery_codes.delete_since(user, since)
    return Removed(names, has_app, has_codes, update(user))


def _read(user: CMSUser) -> Enrolment:
    left = recovery_codes.count_left(user.id)
    return Enrolment(passkeys.list_of(user.id), authenticator_app.find(user.id), left)
