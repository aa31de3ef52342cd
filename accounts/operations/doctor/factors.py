"""The checks of sign-in: second factors that cannot be used any more, and the service for breached passwords."""

from collections.abc import Iterator

from accounts import breaches
from accounts.factors import authenticator_app, passkeys
from accounts.factors.passkeys import Site
from accounts.operations.doctor.check import Problem, Result, conclude, describe, fail, warn
from accounts.settings import settings

SECRETS = 20  # How many secrets are read under each key.


def check_second_factors() -> Result:
    """Check that secrets of authenticator apps can be read, and that browsers permit passkeys at SITE_URL."""
    found, has_passkeys = authenticator_app.check_secrets(SECRETS), passkeys.exist_any()
    url = settings().SITE_URL
    site = Site.of(url)
    problems = list(_find_lost_apps(found))
    if has_passkeys and url and site is None:
        problems.append(
            fail("passkeys cannot be used at SITE_URL: browsers require https:// and a host name, or localhost")
        )
    told = f"authenticator apps: {found.count}, passkeys: {'yes' if has_passkeys else 'none'}"
    lost = sum(found.missing.values()) + found.unreadable
    return conclude(told, problems, apps=found.count, lost_apps=lost, passkeys=has_passkeys, rp_id=site and site.id)


def _find_lost_apps(found: authenticator_app.Secrets) -> Iterator[Problem]:
    """Yield why codes of authenticator apps are refused."""
    for key_id, count in found.missing.items():
        yield fail(f"key {key_id} is missing: the codes of {count} authenticator apps are refused")
    if found.unreadable:
        yield fail(f"secrets of authenticator apps were changed in the database: {found.unreadable} of {found.read}")


def check_breached_passwords() -> Result:
    """Check that the service for breached passwords answers in time. Without it, passwords are not checked."""
    url = settings().BREACHED_PASSWORDS_URL
    if not url:
        return conclude("passwords are not checked: BREACHED_PASSWORDS_URL is empty", is_used=False)
    try:
        count = breaches.probe(url)
    except TimeoutError:
        problem = warn(f"no answer within {breaches.SECONDS:.0f} s: passwords are not checked")
    except breaches.FAILURES as failure:
        problem = warn(f"no valid answer: passwords are not checked: {describe(failure)}")
    else:
        return conclude("the service answers in time", is_used=True, hashes=count)
    return conclude("", [problem], is_used=True)
