"""Every refusal that a use case can raise, for tests that apply to all of them."""

from collections.abc import Callable, Iterator
from functools import partial

from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup

from accounts import errors
from accounts.errors import Refusal
from commands import OwnGroup


def refusals() -> list[type[Refusal]]:
    """Return the classes of all refusals that can be raised."""

    def subclasses(cls: type[Refusal]) -> Iterator[type[Refusal]]:
        for each in cls.__subclasses__():
            yield each
            yield from subclasses(each)

    return [cls for cls in subclasses(Refusal) if not cls.__subclasses__()]


def factories(cls: type[Refusal]) -> list[Callable[[], Refusal]]:
    """Return functions that create refusals of a class, one for each of its sentences."""
    arguments: dict[type[Refusal], list[tuple[object, ...]]] = {
        errors.CodeWrong: [(4, "new"), (0, "old")],
        errors.CodeMissing: [("old",), ("new",)],
        errors.SecondFactorWrong: [(), (9, "code"), (0, "recovery_code")],
        errors.ChangeWasDropped: [("boss",), ("",)],
        errors.DomainNotAllowed: [(["example.com", "*.example.com"],)],
    }
    waits: list[tuple[object, ...]] = [(7,), (600,), (86400,)]
    return [partial(cls, *each) for each in arguments.get(cls, waits if issubclass(cls, errors.WaitFirst) else [()])]


def run_refused_command(app: Flask, refusal: Refusal) -> Result:
    """Run a command that raises a refusal, in a group like those of `flask`."""
    group = OwnGroup("test")

    @group.command("refused")
    def _refused() -> None:
        raise refusal

    return CliRunner().invoke(FlaskGroup(create_app=lambda: app, commands=[group]), ["test", "refused"])
