"""Recorders of the steps of a request: SQL statements, commits, cache calls and password hashes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import event

from accounts import passwords
from models import db


class Step(NamedTuple):
    """A step of a kind (`sql`, `commit`, `cache` or `password`), with the statement or the name of the operation."""

    kind: str
    operation: str = ""


class CallRecorder:
    """A wrapper that records each call of a method of an object."""

    def __init__(self, recorded: Any, kind: str, steps: list[Step]) -> None:
        """Wrap an object; its calls are added to `steps`."""
        self._recorded, self._kind, self._steps = recorded, kind, steps

    def __getattr__(self, name: str) -> Any:
        """Return the method of the object, which records its calls."""

        def call(*args: object, **more: object) -> object:
            self._steps.append(Step(self._kind, name))
            return getattr(self._recorded, name)(*args, **more)

        return call


@contextmanager
def record_steps(app: Flask) -> Iterator[list[Step]]:
    """Record the steps of an application within the context."""
    steps: list[Step] = []
    with app.app_context():
        engine = db.engine

    def statement(_: object, __: object, text: str, *___: object) -> None:
        steps.append(Step("sql", text))

    def commit(_: object) -> None:
        steps.append(Step("commit"))

    store, hasher = app.extensions["cms_cache"], passwords.HASHER
    app.extensions["cms_cache"] = CallRecorder(store, "cache", steps)
    passwords.HASHER = CallRecorder(hasher, "password", steps)  # type: ignore[assignment]
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield steps
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)
        app.extensions["cms_cache"], passwords.HASHER = store, hasher


def count_steps(steps: list[Step]) -> tuple[int, int, int]:
    """Return the numbers of statements, commits and round trips to the cache."""
    counts = Counter(step.kind for step in steps)
    return counts["sql"], counts["commit"], counts["cache"]
