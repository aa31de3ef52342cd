"""Concurrent actions in the middle of a request: before it locks an account, or after it has checked a password."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from accounts import database, passwords
from tests.servers import run_concurrently


class Once:
    """A function that acts on its first call only."""

    def __init__(self, act: Callable[[], object]) -> None:
        """Store the action."""
        self._act: Callable[[], object] | None = act

    @property
    def is_done(self) -> bool:
        """Return whether it was called."""
        return self._act is None

    def __call__(self) -> None:
        """Run the action in another thread, like another worker: requests in one thread share a database session."""
        act, self._act = self._act, None
        if act is not None:
            run_concurrently(lambda _: act(), 1)


@contextmanager
def run_before_the_lock(act: Callable[[], object]) -> Iterator[None]:
    """Run an action just before the next request locks an account, after its first checks."""
    once, begin = Once(act), database.begin_write

    def begin_write() -> None:
        once()
        begin()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "begin_write", begin_write)
        yield
    assert once.is_done, "the request locked no account"


@contextmanager
def run_after_the_password(patch: pytest.MonkeyPatch, act: Callable[[], object]) -> Iterator[None]:
    """Run an action just after the next password was verified, before the request continues."""
    once, real = Once(act), passwords.HASHER

    class InterruptedHasher:
        """The real hasher, with the action after a verification."""

        def verify(self, *args: Any) -> bool:
            """Verify the password, then run the action."""
            is_correct = real.verify(*args)
            once()
            return is_correct

        def __getattr__(self, name: str) -> Any:
            """Return the attribute of the real hasher."""
            return getattr(real, name)

    with patch.context() as patched:
        patched.setattr(passwords, "HASHER", InterruptedHasher())
        yield
    assert once.is_done, "no password was verified"
