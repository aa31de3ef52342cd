"""The checks of `flask doctor`: external services, configuration and file permissions."""

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

import cache
from accounts import clock, hosts
from accounts.errors import UNAVAILABLE
from accounts.mail import outbox
from accounts.mail.smtp import MailServerConnection
from accounts.operations import readiness, schema
from accounts.settings import settings


def run_checks() -> Iterator[tuple[str, str | None]]:
    """Yield the name of each check, with None if it succeeded, or with a description of the problem."""
    checks: dict[str, Callable[[], str | None]] = {
        "database": _check_database,
        "clock": _check_clock,
        "cache": _check_cache,
        "mail server": _check_mail_server,
        "outbox": _check_outbox,
        "sender": _check_sender,
        "numbers": _check_numbers,
        "secret key": _check_secret_key,
        "hosts": _check_hosts,
        "files": _check_files,
    }
    for name, check in checks.items():
        try:
            yield name, check()
        except Exception as problem:  # Every error is a problem to report.
            yield name, f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}"


def _check_database() -> str | None:
    found = schema.read()
    if found.is_ahead:
        return f"is at migration {found.present}, which a newer version has made: this version ends at {found.newest}"
    return f"is at migration {found.present}, not {found.newest}: {schema.UPGRADE}" if found.is_behind else None


def _check_clock() -> str | None:
    try:
        offset = readiness.clock_offset_seconds() or 0.0
    except UNAVAILABLE:
        return None  # Reported by the check of the database.
    if abs(offset) <= readiness.CLOCK_SECONDS:
        return None
    most = f"at most {readiness.CLOCK_SECONDS:.0f} s is allowed"
    return f"is {offset:+.1f} s off the database clock ({most}): synchronise both with NTP"


def _check_cache() -> str | None:
    key = f"doctor:{secrets.token_hex(8)}"
    results: list[object] = [cache.add(key, 1, 60), cache.add(key, 1, 60), cache.incr(key), cache.get(key)]
    cache.set(key, "text", 60)
    results += [cache.get(key), cache.delete(key), cache.delete(key), cache.get(key)]
    expected = [True, False, 2, 2, "text", True, False, None]
    return None if results == expected else f"returned {results} instead of {expected}"


def _check_mail_server() -> str | None:
    with MailServerConnection(current_app.extensions["mail"]):
        return None


def _check_outbox() -> str | None:
    day_ago = clock.now() - timedelta(days=1)
    try:
        failed = sum(mail.done_at is not None and mail.done_at > day_ago for mail in outbox.failed_mails())
    except SQLAlchemyError:  # Reported by the check of the database.
        return None
    return (
        f"mails set aside in the last 24 hours: {failed}. Run `flask --app app mail failed` to list them"
        if failed
        else None
    )


def _check_numbers() -> str | None:
    tries = settings().CAPTCHA_TRIES_PER_DAY
    return f"CAPTCHA_TRIES_PER_DAY is {tries}: NIST SP 800-63B allows at most 100" if tries > 100 else None


def _check_secret_key() -> str | None:
    return "SECRET_KEY is too weak: it is not accepted in production" if settings().SECRET_KEY_IS_WEAK else None


def _check_hosts() -> str | None:
    served, site = settings().SERVED_HOSTS, urlsplit(settings().SITE_URL)
    if not served and settings().CMS_ENV == "production":
        return "TRUSTED_HOSTS is not set: every host name is accepted"
    if served and site.hostname and not hosts.is_served(site.netloc, served):
        return (
            f"TRUSTED_HOSTS does not contain {site.netloc}, the host of SITE_URL: links in mails are answered with 400"
        )
    return None


def _check_files() -> str | None:
    folder = Path(settings().INSTANCE_DIR)
    is_open = folder.stat().st_mode & 0o077
    return f"INSTANCE_DIR is accessible to other users: run `chmod 700 {folder}`" if is_open else None


def _check_sender() -> str | None:
    sender: str = settings().MAIL_DEFAULT_SENDER
    local = settings().MAIL_SERVER and sender.rstrip("> ").endswith("localhost")
    return f"MAIL_DEFAULT_SENDER is {sender}: mail servers do not accept this sender" if local else None
