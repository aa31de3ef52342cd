"""The reasons for which a use case refuses a request; cms/sentences.py has the status and the sentence of each."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from accounts.events import EventName
from cache import CacheDown

RefusalWord = Literal[
    "sign_in_required",
    "reauth_required",
    "wrong_credentials",
    "password_wrong",
    "password_breached",
    "changes_off",
    "domain_not_allowed",
    "same_email",
    "email_taken",
    "code_wrong",
    "code_missing",
    "code_expired",
    "asked_elsewhere",
    "change_dropped",
    "too_many_attempts",
    "changes_frozen",
    "link_dead",
    "already_changed",
    "nothing_to_stop",
    "already_reset",
    "username_taken",
    "profile_changed",
    "last_superuser",
    "history_broken",
    "forbidden",
    "not_yourself",
    "nobody_there",
    "too_many_requests",
    "second_factor_required",
    "second_factor_wrong",
    "passkey_refused",
    "already_added",
    "challenge_expired",
    "sign_in_expired",
    "set_up_expired",
    "last_factor",
    "too_many_passkeys",
]
"""The error words of the refusals. They are part of the JSON contract, so that none is renamed or reused."""

FIELD_OF = {"new": "captcha", "old": "old_captcha"}
"""The form field of each code, by the address that the code was sent to."""


class Draining(Exception):
    """This process is shutting down; `/readyz` reports it, so that requests are sent to other processes."""


class SchemaBehind(Exception):
    """The database lacks a migration of this version; `/readyz` reports it until `flask db upgrade` has run."""


UNAVAILABLE = (CacheDown, OperationalError, InterfaceError, InternalError, PoolTimeout, Draining, SchemaBehind)
"""The database, memcached or this process is unavailable; a retry may succeed."""


def service_of(problem: Exception) -> str:
    """Return the service that one of UNAVAILABLE is about: `cache`, `database`, or `site` while it shuts down."""
    return {CacheDown: "cache", Draining: "site"}.get(type(problem), "database")


class Refusal(Exception):
    """A use case refuses a request. Unless the class says otherwise, nothing is changed but the history.

    `word` is the error word in JSON, `event` the name in the history; neither depends on the name of the class. `field`
    is the form field that the refusal belongs to ("" for none). If `stands` is true, what the use case did and recorded
    before it refused is committed. Otherwise it is rolled back, and the unit of work records the refusal.
    """

    word: ClassVar[RefusalWord]
    event: ClassVar[EventName]
    field = ""
    stands = False

    @property
    def details(self) -> dict[str, Any]:
        """Return what the JSON contains in addition to the word."""
        return {}


class WaitFirst(Refusal):
    """The request may be repeated after `retry_after` whole seconds."""

    def __init__(self, retry_after: float) -> None:
        """Round up, so that a request that is repeated after this time is not refused again."""
        super().__init__(retry_after)
        self.retry_after = max(1, int(-(-retry_after // 1)))


class SignInRequired(Refusal):
    """Nobody is signed in, or the session has ended."""

    word = event = "sign_in_required"


class ReauthRequired(Refusal):
    """The password was not confirmed in this session recently."""

    word = event = "reauth_required"


class WrongCredentials(Refusal):
    """The address or the password is incorrect, or the account is disabled; the response does not reveal which."""

    word = event = "wrong_credentials"


class PasswordWrong(Refusal):
    """The password of the signed-in administrator is incorrect."""

    word = event = "password_wrong"
    field = "password"


class PasswordBreached(Refusal):
    """The new password is on a list of passwords from data breaches."""

    word = event = "password_breached"
    field = "password"


class ChangesOff(Refusal):
    """The address is managed elsewhere, so that neither its owner nor another administrator can change it."""

    word = event = "changes_off"


class DomainNotAllowed(Refusal):
    """The domain of a new address is not one of those that are allowed."""

    word = event = "domain_not_allowed"
    field = "email"

    def __init__(self, domains: Sequence[str]) -> None:
        """Store the allowed domains, as they are shown."""
        super().__init__(domains)
        self.domains = list(domains)

    @property
    def details(self) -> dict[str, Any]:
        """Return the allowed domains."""
        return {"domains": self.domains}


class SameEmail(Refusal):
    """The new address is the current one, perhaps in another spelling."""

    word = event = "same_email"
    field = "email"


class EmailTaken(Refusal):
    """The address belongs to another account, or is reserved for its former owner."""

    word = event = "email_taken"
    field = "email"

    def __init__(self, *, stands: bool = False) -> None:
        """Set `stands` if the use case recorded the refusal itself and keeps what it did."""
        super().__init__()
        self.stands = stands


class CodeWrong(Refusal):
    """The code is not the one that was sent to the `new` or `old` address; the try was counted."""

    word = event = "code_wrong"
    stands = True

    def __init__(self, tries_left: int, whose: str = "new") -> None:
        """Store how many tries are left, and which code was wrong."""
        super().__init__(tries_left, whose)
        self.tries_left, self.whose, self.field = tries_left, whose, FIELD_OF[whose]

    @property
    def details(self) -> dict[str, Any]:
        """Return how many tries are left."""
        return {"tries_left": self.tries_left}


class CodeMissing(Refusal):
    """One of two codes is correct and was recorded; the one sent to the `new` or `old` address is missing."""

    word = event = "code_missing"
    stands = True

    def __init__(self, missing: str) -> None:
        """Store which code is missing."""
        super().__init__(missing)
        self.missing, self.field = missing, FIELD_OF[missing]


class CodeExpired(Refusal):
    """There is no valid code: it expired, was replaced or cancelled, was lost with the cache, or never existed."""

    word = event = "code_expired"
    field = "captcha"


class AskedElsewhere(Refusal):
    """The code was requested in another session, and only that session can use it."""

    word = event = "asked_elsewhere"
    field = "captcha"


class ChangeWasDropped(Refusal):
    """Another administrator or the operator cancelled the change."""

    word = "change_dropped"
    event = "change_was_dropped"  # `change_dropped` records the cancellation itself.
    field = "captcha"

    def __init__(self, by: str = "") -> None:
        """Store the username of who cancelled the change, or "" for the operator."""
        super().__init__(by)
        self.by = by

    @property
    def details(self) -> dict[str, Any]:
        """Return who cancelled the change."""
        return {"by": self.by}


class TooManyAttempts(WaitFirst):
    """No tries are left for this code or this day."""

    word = event = "too_many_attempts"
    field = "captcha"


class ChangesFrozen(WaitFirst):
    """A change was undone recently, so that the address is frozen."""

    word = event = "changes_frozen"


class LinkDead(Refusal):
    """The link was used, has expired, was replaced or withdrawn, or never existed."""

    word = event = "link_dead"


class AlreadyChanged(Refusal):
    """The change that the link would stop has been made; it can only be undone."""

    word = event = "already_changed"


class NothingToStop(Refusal):
    """The change that the link would stop was cancelled, stopped or dropped, or has expired."""

    word = event = "nothing_to_stop"


class AlreadyReset(Refusal):
    """The second factors whose removal the link would stop have been removed."""

    word = event = "already_reset"


class UsernameTaken(Refusal):
    """The username belongs to another administrator, or looks like that of a superuser."""

    word = event = "username_taken"
    field = "username"


class ProfileChanged(Refusal):
    """The profile was changed after the page was loaded: saving would overwrite that change."""

    word = "profile_changed"
    event = "profile_outdated"  # `profile_changed` records that a profile was saved.


class LastSuperuser(Refusal):
    """The last active superuser cannot be disabled, demoted or erased."""

    word = event = "last_superuser"


class HistoryBroken(Refusal):
    """The history of the account is not intact, so that it must not be signed again."""

    word = event = "history_broken"


class NotAllowed(Refusal):
    """The role does not have the permission, or lost it during the request."""

    word = "forbidden"
    event = "not_allowed"


class NotYourself(Refusal):
    """Administrators cannot do this to their own account: a mistake would lock them out."""

    word = event = "not_yourself"


class NobodyThere(Refusal):
    """There is no such administrator."""

    word = event = "nobody_there"


class SecondFactorRequired(Refusal):
    """The policy of the site requires a second factor, and the administrator has none: only setting one up is left."""

    word = event = "second_factor_required"

    def __init__(self, *, stands: bool = False) -> None:
        """Set `stands` if the use case recorded the refusal itself."""
        super().__init__()
        self.stands = stands


class SecondFactorWrong(Refusal):
    """The code of the authenticator app or the recovery code is wrong or was used before; the try was counted."""

    word = event = "second_factor_wrong"
    field = "code"
    stands = True

    def __init__(self, tries_left: int | None = None, field: str = "code") -> None:
        """Store how many tries are left, if they are limited, and the form field of the code."""
        super().__init__(tries_left, field)
        self.tries_left, self.field = tries_left, field

    @property
    def details(self) -> dict[str, Any]:
        """Return how many tries are left."""
        return {} if self.tries_left is None else {"tries_left": self.tries_left}


class PasskeyRefused(Refusal):
    """The response of a passkey is invalid, of another site or account, or the passkey was removed or copied.

    `reason` says which, for the security log: people are not told.
    """

    word = event = "passkey_refused"

    def __init__(self, reason: str = "") -> None:
        """Store the reason, which must not contain a part of the response."""
        super().__init__(reason)
        self.reason = reason


class AlreadyAdded(Refusal):
    """The passkey was added before, or there is an authenticator app, of which an account has one."""

    word = event = "already_added"


class ChallengeExpired(Refusal):
    """The challenge that the passkey signed is older than five minutes."""

    word = event = "challenge_expired"


class SignInExpired(Refusal):
    """The sign-in that waits for a second factor has expired, was completed, or its password was changed."""

    word = event = "sign_in_expired"


class SetUpExpired(Refusal):
    """There is no authenticator app that waits for its first code."""

    word = event = "set_up_expired"


class LastFactor(Refusal):
    """The policy requires a second factor, and this is the last one."""

    word = event = "last_factor"


class TooManyPasskeys(Refusal):
    """The account has as many passkeys as it may have."""

    word = event = "too_many_passkeys"


class TooManyRequests(WaitFirst):
    """Too many codes, sign-ins, links or invitations were requested."""

    word = event = "too_many_requests"
