"""`flask doctor`: checks every part that the application depends on.

`check` defines results, `network` what the checks of servers share, `database`, `store`, `mail`, `webhooks`, `site`,
`keys`, `factors` and `machine` contain the checks, each a function that returns a result. This module runs them, each
with a time-out.
"""

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic

from flask import Flask, current_app

from accounts import database as connections
from accounts.operations.doctor import database, factors, keys, machine, mail, site, store, webhooks
from accounts.operations.doctor.check import Check, Function, Result, Severity, conclude, describe, fail, skip, worst
from accounts.operations.doctor.database import Fleet
from accounts.settings import settings

__all__ = ["NAMES", "Check", "Fleet", "Severity", "run_checks", "send_test_mail", "worst"]

CHECK_SECONDS, MAIL_SERVER_SECONDS = 5.0, 15.0
FORMER_KEYS_SECONDS = 3.0  # It reads the whole history.
TOTAL_SECONDS = 40.0  # All checks together. A test mail takes up to MAIL_DIALOGUE_SECONDS more.
DATABASE_MARGIN_SECONDS = 0.5  # The database is waited for less long than its check, for the sake of the message.
SPARE_SECONDS = 5.0  # For the end of a dialogue with the mail server.


@dataclass(frozen=True)
class Planned:
    """A check with its name, which is part of the JSON, and the checks without which it cannot be made."""

    name: str
    run: Function
    needs: tuple[str, ...] = ()
    seconds: float = CHECK_SECONDS


def run_checks(fleet: Fleet, only: Collection[str] = ()) -> Iterator[Check]:
    """Yield the result of each check, or only of these and those that they need. Never raises.

    No error and no time-out of one prevents the others.
    """
    failed: set[str] = set()
    end = monotonic() + TOTAL_SECONDS
    plan = _plan(fleet)
    needed = {name for each in plan if each.name in only for name in (each.name, *each.needs)}
    for each in (each for each in plan if not only or each.name in needed):
        result = _run(each, failed, end - monotonic())
        if result.severity == Severity.ERROR:
            failed.add(each.name)
        yield Check(each.name, result.severity, result.message, result.data)


def send_test_mail(recipient: str, language: str) -> Check:
    """Send a mail to this address directly, without the outbox, and return the dialogue. Never raises."""
    seconds = settings().MAIL_DIALOGUE_SECONDS + SPARE_SECONDS
    result = _run_within(partial(mail.send_test_mail, recipient, language), seconds)
    return Check("test mail", result.severity, result.message, result.data)


def _plan(fleet: Fleet) -> tuple[Planned, ...]:
    """Return the checks in their order. Those that read tables come after the check of the schema."""
    return (
        Planned("versions", machine.check_versions),
        Planned("database", database.check_database),
        Planned("schema", database.check_schema, ("database",)),
        Planned("clock", database.check_clock, ("database",)),
        Planned("connections", partial(database.check_connections, fleet), ("database",)),
        Planned("cache", store.check_cache),
        Planned("mail server", mail.check_mail_server, seconds=MAIL_SERVER_SECONDS),
        Planned("sender", mail.check_sender),
        Planned("queue", mail.check_queue, ("database", "schema")),
        Planned("delivery", mail.check_delivery, ("database", "schema")),
        Planned("outbox", mail.check_outbox, ("database", "schema")),
        Planned("webhooks", webhooks.check_webhooks, ("database", "schema")),
        Planned("numbers", machine.check_numbers),
        Planned("secret key", keys.check_secret_key),
        Planned("former keys", keys.check_former_keys, ("database", "schema"), FORMER_KEYS_SECONDS),
        Planned("second factors", factors.check_second_factors, ("database", "schema")),
        Planned("breached passwords", factors.check_breached_passwords),
        Planned("hosts", site.check_hosts),
        Planned("site", site.check_site),
        Planned("files", machine.check_files),
        Planned("disk", machine.check_disk),
    )


def _run(planned: Planned, failed: set[str], seconds_left: float) -> Result:
    """Run a check, unless one that it needs has failed or the time is over."""
    for need in planned.needs:
        if need in failed:
            return skip(f"needs the {need}")
    if seconds_left <= 0:
        return conclude("", [fail(f"not checked: the checks before it took {TOTAL_SECONDS:.0f} s")])
    return _run_within(planned.run, min(planned.seconds, seconds_left))


def _run_within(function: Function, seconds: float) -> Result:
    """Return the result of a check, or an error if there is none in time; then its thread is left behind."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    results: SimpleQueue[Result] = SimpleQueue()

    def work() -> None:
        with app.app_context(), connections.deadline(seconds - DATABASE_MARGIN_SECONDS):
            try:
                result = function()
            except Exception as problem:  # Every error is a problem to report.
                result = conclude("", [fail(describe(problem))])
        results.put(result)  # After the connection was returned to the pool, for the next check.

    threading.Thread(target=work, name="doctor", daemon=True).start()
    try:
        return results.get(timeout=seconds)
    except Empty:
        return conclude("", [fail(f"no result within {seconds:.0f} s")])


NAMES = tuple(each.name for each in _plan(Fleet(workers=1, mail_processes=0)))
"""The names of all checks, in their order."""
