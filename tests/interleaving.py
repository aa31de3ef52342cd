"""What somebody else does in the middle of a request: their own runs before a statement, or after a check."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from accounts import database, passwords
from tests.servers import at_once


class Once:
    """Does something the first time it is called."""

    def __init__(self, act: Callable[[], object]) -> None:
        """Keep what is to be done."""
        self._act: Callable[[], object] | None = act

    @property
    def done(self) -> bool:
        """Say whether it was done."""
        return self._act is None

    def __call__(self) -> None:
        """Do it, once, in a thread of its own as another worker would: requests of one thread share a session."""
        act, self._act = self._act, None
        if act is not None:
            at_once(lambda _: act(), 1)


@contextmanager
def before_the_lock(act: Callable[[], object]) -> Iterator[None]:
    """Do something just before the next request locks an account: all that it checked so far was checked before."""
    once, begin = Once(act), database.begin_write

    def begin_write() -> None:
        once()
        begin()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "begin_write", begin_write)
        yield
    assert once.done, "the request locked no account"


@contextmanager
def after_the_password(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> Iterator[None]:
    """Do something just after the next password was found right, and before anything follows from that."""
    once, real = Once(act), passwords.HASHER

    class Slow:
        """A hasher in which the time between the check and what follows is long."""

        def verify(self, *given: Any) -> bool:
            """Check the password; then others are quicker."""
            is_right = real.verify(*given)
            once()
            return is_right

        def __getattr__(self, name: str) -> Any:
            """Do everything else as the real one."""
            return getattr(real, name)

    with patch.context() as patched:
        patched.setattr(passwords, "HASHER", Slow())
        yield
    assert once.done, "no password was right"
