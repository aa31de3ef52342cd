"""The check of the keys: their strength, and what still depends on former ones. No key is ever part of a result."""

from collections.abc import Iterator

from accounts.errors import UNAVAILABLE
from accounts.operations import key_rotation
from accounts.operations.doctor.check import Problem, Result, Severity, conclude, describe, fail, warn
from accounts.settings import settings
from accounts.signing import audit_keys, keys

LENGTH = 32  # Hexadecimal digits of 128 bits.
WORDS = ("secret", "change", "password", "example", "default", "demo", "test", "your")


def check_secret_key() -> Result:
    """Check the strength of SECRET_KEY and AUDIT_KEY."""
    its = settings()
    problems = list(_find_weaknesses("SECRET_KEY", its.SECRET_KEY))
    if its.SECRET_KEY_IS_WEAK:
        problems = [fail("SECRET_KEY is too weak: it is not accepted in production")]
    if its.AUDIT_KEY:
        problems += _find_weaknesses("AUDIT_KEY", its.AUDIT_KEY)
    own = f"AUDIT_KEY is {audit_keys().current.id}" if its.AUDIT_KEY else "AUDIT_KEY is derived from it"
    data = {
        "secret_key": keys().current.id,
        "audit_key": audit_keys().current.id,
        "audit_key_is_own": bool(its.AUDIT_KEY),
    }
    return conclude(f"SECRET_KEY is {keys().current.id}, {own}", problems, **data)


def _find_weaknesses(name: str, key: str) -> Iterator[Problem]:
    """Yield why somebody could guess a key."""
    if len(key) < LENGTH:
        yield warn(f"{name} has fewer than {LENGTH} characters")
    if any(word in key.lower() for word in WORDS):
        yield warn(f"{name} contains a word: a random key does not")


def check_former_keys() -> Result:
    """Check what depends on the keys in SECRET_KEY_FALLBACKS and AUDIT_KEY_FALLBACKS."""
    its = settings()
    if not its.SECRET_KEY_FALLBACKS and not its.AUDIT_KEY_FALLBACKS:
        return conclude("there are none", former=[])
    try:
        report = key_rotation.check()
    except UNAVAILABLE as problem:
        reason = f"not finished: {describe(problem)}. Run `flask --app app keys rotate-check`"
        return Result(Severity.SKIPPED, reason)
    former = [{"id": each.id, "setting": each.setting, "needed": each.is_needed} for each in report.former]
    told = [
        f"{each.id} in {each.setting} {'is needed' if each.is_needed else 'can be removed'}" for each in report.former
    ]
    problems = [
        fail(f"{key_id} is missing; rows of the history that name it: {use.rows}")
        for key_id, use in report.missing.items()
    ]
    return conclude(", ".join(told), problems, former=former, missing=sorted(report.missing))
