"""The reasons for which a use case refuses a request. cms/sentences.py has the status and the sentence of each."""

import re
from typing import Any

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cache import CacheDown

FIELD_OF = {"new": "captcha", "old": "old_captcha"}
"""The form field of the code that was mailed to an address."""


class Draining(Exception):
    """This process is about to end, and takes requests only until nobody sends it any."""


UNAVAILABLE = (CacheDown, OperationalError, InterfaceError, InternalError, PoolTimeout, Draining)
"""One of our parts is down, hung, locked or restarting; asking again may help."""


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Refusal(Exception):
    """A use case refuses a request. Nothing was changed but what the class says.

    `word` is the stable word of the JSON contract, `field` the form field that the refusal belongs to ("" for none).
    Where `stands` is true, what the use case did and wrote into the history before it refused is committed. Otherwise
    it is rolled back, and the unit of work records the refusal.
    """

    word: str
    field = ""
    stands = False

    def __init_subclass__(cls, **more: Any) -> None:
        """Name the refusal after its class, unless that says another word: `EmailTaken` is `email_taken`."""
        super().__init_subclass__(**more)
        if "word" not in cls.__dict__:
            cls.word = _snake_case(cls.__name__)

    @property
    def details(self) -> dict[str, Any]:
        """Return what the JSON says beside the word."""
        return {}

    @classmethod
    def event(cls) -> str:
        """Return the name of the refusal in the history: `EmailTaken` is recorded as `email_taken`."""
        return _snake_case(cls.__name__)


class WaitFirst(Refusal):
    """Too often: `retry_after` says in how many whole seconds it may be tried again."""

    def __init__(self, retry_after: float) -> None:
        """Round up: who waits as long as they were told must get through."""
        super().__init__(retry_after)
        self.retry_after = max(1, int(-(-retry_after // 1)))


class SignInRequired(Refusal):
    """Nobody is signed in here, or not any more."""


class ReauthRequired(Refusal):
    """The password was not proved in this session lately."""


class WrongCredentials(Refusal):
    """The address, the password or both are wrong, or the account is disabled: which of them is not said."""


class PasswordWrong(Refusal):
    """The password is not that of the signed-in administrator."""

    field = "password"


class SameEmail(Refusal):
    """The new address is the present one, whatever its case or form."""

    field = "email"


class EmailTaken(Refusal):
    """The address belongs to another administrator."""

    field = "email"

    def __init__(self, *, stands: bool = False) -> None:
        """Say whether the use case already recorded the refusal, with what it keeps."""
        super().__init__()
        self.stands = stands


class CodeWrong(Refusal):
    """The code is not the one that was mailed to the `new` or `old` address. The try was counted; so many remain."""

    stands = True

    def __init__(self, tries_left: int, whose: str = "new") -> None:
        """Keep how many tries are left, and which code was wrong."""
        super().__init__(tries_left, whose)
        self.tries_left, self.whose, self.field = tries_left, whose, FIELD_OF[whose]

    @property
    def details(self) -> dict[str, Any]:
        """Return how many tries are left."""
        return {"tries_left": self.tries_left}


class CodeMissing(Refusal):
    """One of two codes is right and noted; the other, of the `old` or the `new` address, is still to come."""

    stands = True

    def __init__(self, missing: str) -> None:
        """Keep whose code is missing."""
        super().__init__(missing)
        self.missing, self.field = missing, FIELD_OF[missing]


class CodeExpired(Refusal):
    """There is no living code: never asked for, too old, replaced, cancelled, or lost with the cache."""

    field = "captcha"


class AskedElsewhere(Refusal):
    """The code was requested in another session, and only that one can use it."""

    field = "captcha"


class ChangeWasDropped(Refusal):
    """Another administrator or the operator dropped the change."""

    word = "change_dropped"
    field = "captcha"

    def __init__(self, by: str = "") -> None:
        """Keep the user name of who dropped it, or "" for the operator."""
        super().__init__(by)
        self.by = by

    @property
    def details(self) -> dict[str, Any]:
        """Return who dropped it."""
        return {"by": self.by}


class TooManyAttempts(WaitFirst):
    """The tries of this code, or of this administrator's day, are spent."""

    field = "captcha"


class ChangesFrozen(WaitFirst):
    """A change was undone lately: until `retry_after` is over the address stays as it is."""


class LinkDead(Refusal):
    """The link was used, voided by something that happened, is too old, or never was one of ours."""


class AlreadyChanged(Refusal):
    """The change that the link would stop has been made; only undoing it helps."""


class NothingToStop(Refusal):
    """The change that the link would stop was cancelled, stopped or dropped, or has expired."""


class UsernameTaken(Refusal):
    """The user name belongs to another administrator, or looks like that of a superuser."""

    field = "username"


class ProfileChanged(Refusal):
    """The data were changed since the page was shown: saving now would overwrite that unseen."""

    @classmethod
    def event(cls) -> str:
        """Return another name than `profile_changed`: that records that data were saved."""
        return "profile_outdated"


class LastSuperuser(Refusal):
    """Nobody else could manage the administrators any more."""


class NotAllowed(Refusal):
    """The role has no right to do this, or not any more."""

    word = "forbidden"


class NotYourself(Refusal):
    """Nobody disables or demotes themselves: a slip would lock them out."""


class NobodyThere(Refusal):
    """There is no such administrator."""


class TooManyRequests(WaitFirst):
    """Codes, or sign-ins, were asked for too often."""
