"""The reasons for which a use case refuses a request. cms/sentences.py has the status and the sentence of each."""

import re

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cache import CacheDown


class Draining(Exception):
    """This process is about to end, and takes requests only until nobody sends it any."""


UNAVAILABLE = (CacheDown, OperationalError, InterfaceError, InternalError, PoolTimeout, Draining)
"""One of our parts is down, hung, locked or restarting; asking again may help."""


class Refusal(Exception):
    """A use case refuses a request. Nothing was changed but what the class says.

    Where `stands` is true, what the use case did and wrote into the history before it refused is committed. Otherwise
    it is rolled back, and the unit of work records the refusal.
    """

    stands = False

    @classmethod
    def event(cls) -> str:
        """Return the name of the refusal in the history: `EmailTaken` is recorded as `email_taken`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


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


class SameEmail(Refusal):
    """The new address is the present one, whatever its case or form."""


class EmailTaken(Refusal):
    """The address belongs to another administrator."""

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
        self.tries_left, self.whose = tries_left, whose


class CodeMissing(Refusal):
    """One of two codes is right and noted; the other, of the `old` or the `new` address, is still to come."""

    stands = True

    def __init__(self, missing: str) -> None:
        """Keep whose code is missing."""
        super().__init__(missing)
        self.missing = missing


class CodeExpired(Refusal):
    """There is no living code: never asked for, too old, replaced, cancelled, or lost with the cache."""


class AskedElsewhere(Refusal):
    """The code was requested in another session, and only that one can use it."""


class ChangeWasDropped(Refusal):
    """Another administrator or the operator dropped the change."""

    def __init__(self, by: str = "") -> None:
        """Keep the user name of who dropped it, or "" for the operator."""
        super().__init__(by)
        self.by = by


class TooManyAttempts(WaitFirst):
    """The tries of this code, or of this administrator's day, are spent."""


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


class NotYourself(Refusal):
    """Nobody disables or demotes themselves: a slip would lock them out."""


class NobodyThere(Refusal):
    """There is no such administrator."""


class TooManyRequests(WaitFirst):
    """Codes, or sign-ins, were asked for too often."""
