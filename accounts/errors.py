"""What a story may say no with. Each class is a fact; cms/answers.py knows the status and the sentence of each."""

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cache import CacheDown


class Draining(Exception):
    """This process is about to end, and takes requests only until nobody sends it any."""


UNAVAILABLE = (CacheDown, OperationalError, InterfaceError, InternalError, PoolTimeout, Draining)
"""One of our parts is down, hung, locked or restarting; asking again may help."""


class Refusal(Exception):
    """A story says no. Nothing was changed but what the class says."""

    recorded = False  # True where the story wrote its own row of history, in the transaction of what it changed.


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


class CodeWrong(Refusal):
    """The code is not the one that was mailed to the `new` or `old` address. The try was counted; so many remain."""

    recorded = True

    def __init__(self, tries_left: int, whose: str = "new") -> None:
        """Keep how many tries are left, and which code was wrong."""
        super().__init__(tries_left, whose)
        self.tries_left, self.whose = tries_left, whose


class CodeMissing(Refusal):
    """One of two codes is right and noted; the other, of the `old` or the `new` address, is still to come."""

    recorded = True

    def __init__(self, missing: str) -> None:
        """Keep whose code is missing."""
        super().__init__(missing)
        self.missing = missing


class CodeExpired(Refusal):
    """There is no living code: never asked for, too old, replaced, cancelled, or lost with the cache."""


class TooManyAttempts(WaitFirst):
    """The tries of this code, or of this administrator's day, are spent."""


class ChangesFrozen(WaitFirst):
    """A change was undone lately: until `retry_after` is over the address stays as it is."""


class LinkDead(Refusal):
    """The link was used, voided by something that happened, is too old, or never was one of ours."""


class UsernameTaken(Refusal):
    """The user name belongs to another administrator."""


class ProfileChanged(Refusal):
    """The data were changed since the page was shown: saving now would overwrite that unseen."""


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
