"""What the application does for a request, step by step: SQL statements, commits, cache calls and password hashes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import event

from accounts import passwords
from models import db


class Step(NamedTuple):
    """One step: `sql`, `commit`, `cache` or `password`, and what is done."""

    kind: str
    what: str = ""


class Traced:
    """An object whose calls are noted before they are made."""

    def __init__(self, traced: Any, kind: str, steps: list[Step]) -> None:
        """Stand before an object."""
        self._traced, self._kind, self._steps = traced, kind, steps

    def __getattr__(self, name: str) -> Any:
        """Return the object's own method, and note each call of it."""

        def call(*args: object, **more: object) -> object:
            self._steps.append(Step(self._kind, name))
            return getattr(self._traced, name)(*args, **more)

        return call


@contextmanager
def traced(app: Flask) -> Iterator[list[Step]]:
    """Note what the application does meanwhile."""
    steps: list[Step] = []
    with app.app_context():
        engine = db.engine

    def statement(_: object, __: object, text: str, *___: object) -> None:
        steps.append(Step("sql", text))

    def commit(_: object) -> None:
        steps.append(Step("commit"))

    store, hasher = app.extensions["cache"], passwords.HASHER
    app.extensions["cache"] = Traced(store, "cache", steps)
    passwords.HASHER = Traced(hasher, "password", steps)  # type: ignore[assignment]
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield steps
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)
        app.extensions["cache"], passwords.HASHER = store, hasher


def costs(steps: list[Step]) -> tuple[int, int, int]:
    """Return the numbers of statements, commits and round trips to the cache."""
    counts = Counter(step.kind for step in steps)
    return counts["sql"], counts["commit"], counts["cache"]
