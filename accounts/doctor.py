"""Tries every part that the application stands on, for `flask doctor`."""

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

import cache
from accounts import clock, outbox
from accounts.smtp import TimedConnection
from models import db


def examine() -> Iterator[tuple[str, str | None]]:
    """Yield each part by name, with None if it is well, or with what is wrong with it."""
    parts: dict[str, Callable[[], str | None]] = {
        "database": _database,
        "cache": _cache,
        "mail server": _mail_server,
        "outbox": _outbox,
        "sender": _sender,
        "numbers": _numbers,
        "site": _site,
    }
    for name, look in parts.items():
        try:
            yield name, look()
        except Exception as problem:  # Whatever it is, it is what the operator wants to read.
            yield name, f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}"


def _database() -> str | None:
    migrations = current_app.extensions["migrate"].migrate.get_config()
    newest = ScriptDirectory.from_config(migrations).get_current_head()
    present = MigrationContext.configure(db.session.connection()).get_current_revision()
    return None if present == newest else f"is at migration {present}, not {newest}: run `flask --app app db upgrade`"


def _cache() -> str | None:
    key = f"doctor:{secrets.token_hex(8)}"
    heard: list[object] = [cache.add(key, 1, 60), cache.add(key, 1, 60), cache.incr(key), cache.get(key)]
    cache.set(key, "text", 60)
    heard += [cache.get(key), cache.delete(key), cache.delete(key), cache.get(key)]
    right = [True, False, 2, 2, "text", True, False, None]
    return None if heard == right else f"answers {heard}, not {right}"


def _mail_server() -> str | None:
    with TimedConnection(current_app.extensions["mail"]):
        return None


def _outbox() -> str | None:
    day_ago = clock.now() - timedelta(days=1)
    try:
        failed = sum(mail.done_at is not None and mail.done_at > day_ago for mail in outbox.failed_mails())
    except SQLAlchemyError:  # The database has a line of its own.
        return None
    return f"mails set aside in 24 hours: {failed}; see `flask --app app mail failed`" if failed else None


def _numbers() -> str | None:
    tries = current_app.config["CAPTCHA_TRIES_PER_DAY"]
    return f"CAPTCHA_TRIES_PER_DAY is {tries}: NIST SP 800-63B allows 100 at most" if tries > 100 else None


def _site() -> str | None:
    lacks = current_app.config["CMS_ENV"] == "production" and not current_app.config["SITE_URL"]
    return "SITE_URL is not set: links in mails have no beginning" if lacks else None


def _sender() -> str | None:
    sender: str = current_app.config["MAIL_DEFAULT_SENDER"]
    local = current_app.config["MAIL_SERVER"] and sender.rstrip("> ").endswith("localhost")
    return f"MAIL_DEFAULT_SENDER is {sender}: no mail server will take that" if local else None
