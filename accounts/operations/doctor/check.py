"""The result of a check, and what it may say about a problem: one line without secrets."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from accounts.mail import smtp
from accounts.settings import settings
from models import db


class Severity(StrEnum):
    """How bad a result is. `skipped` could not be checked, for a reason that is not a problem by itself."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Result:
    """What a check has found: a line for people, and values for programs."""

    severity: Severity
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A check and its result."""

    name: str
    severity: Severity
    message: str
    data: Mapping[str, Any]


Problem = tuple[Severity, str]
Function = Callable[[], Result]
LONGEST_LINE = 400  # Characters of a text that does not come from this application.


def warn(sentence: str) -> Problem:
    """Return a problem that does not prevent anything yet."""
    return Severity.WARNING, sentence


def fail(sentence: str) -> Problem:
    """Return a problem because of which something does not work, or is not safe."""
    return Severity.ERROR, sentence


def conclude(fact: str, problems: Iterable[Problem] = (), **data: Any) -> Result:
    """Return the result of a check: the worst of its problems, and all of them in front of the fact."""
    found = list(problems)
    message = "; ".join(filter(None, [*(sentence for _, sentence in found), fact]))
    return Result(worst(severity for severity, _ in found), message, data)


def skip(reason: str, **data: Any) -> Result:
    """Return the result of a check that cannot be made now."""
    return Result(Severity.SKIPPED, reason, data)


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the worst of these, by default `ok`."""
    return max(severities, key=list(Severity).index, default=Severity.OK)


def describe(problem: BaseException) -> str:
    """Return an error as one line: its class, and the first line of its text."""
    if isinstance(problem, OSError):
        return quote_foreign(smtp.format_response(problem))
    return quote_foreign(f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}")


def quote_foreign(text: str) -> str:
    """Return a text from elsewhere as one printable line without the secrets of the settings."""
    for secret in _secrets():
        text = text.replace(secret, "***")
    line = " ".join(text.split())
    return "".join(each if each.isprintable() else "?" for each in line)[:LONGEST_LINE]


def _secrets() -> Sequence[str]:
    """Return every secret of the settings, in each form in which it is sent, the longest first."""
    its, url = settings(), db.engine.url
    login = f"\0{its.MAIL_USERNAME}\0{its.MAIL_PASSWORD}"
    plain = [its.SECRET_KEY, *its.SECRET_KEY_FALLBACKS, its.AUDIT_KEY, *its.AUDIT_KEY_FALLBACKS, its.MAIL_PASSWORD]
    plain += [secret for secrets in its.WEBHOOKS.values() for secret in secrets]
    plain += [str(each) for each in (url.password, url.query.get("password"), url.query.get("sslpassword")) if each]
    sent = [each for secret in plain if secret for each in (secret, quote(secret, safe=""), _base64(secret))]
    return sorted([*sent, _base64(login)] if its.MAIL_PASSWORD else sent, key=len, reverse=True)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
