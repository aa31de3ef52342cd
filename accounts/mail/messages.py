"""The content of mails: rendered from templates/mail/<kind>/ in the language and time zone of the recipient."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from flask import current_app
from flask_babel import force_locale, get_babel, gettext, ngettext

from accounts import clock, time_zones
from accounts.origin import Origin
from accounts.settings import settings
from models import CMSUser

_parse_locale = cache(Locale.parse)  # Parsing accesses the file system.
PARTS = ("subject.txt", "body.txt", "body.html")
OPERATOR = "-"  # The value of `by` for the operator, as in the history; "" is the owner of the account.


@dataclass(frozen=True)
class Letter:
    """The content of a mail; the subject is one line."""

    kind: str
    subject: str
    body: str
    html: str


@dataclass(frozen=True)
class Reader:
    """The language of the recipient of a mail, and their time zone if it is known."""

    language: str
    time_zone: str | None = None


def reader_of(user: CMSUser) -> Reader:
    """Return the language and time zone of an administrator."""
    return Reader(language_of(user), user.time_zone)


def language_of(user: CMSUser) -> str:
    """Return the language that an administrator chose, else that of the current request, else Chinese.

    A forced locale, such as the English of the command line, applies to the output and not to the mail.
    """
    return user.language or str(get_babel().locale_selector())


def code(reader: Reader, *, code: str, seconds: int, origin: Origin) -> Letter:
    """To the new address: the code, its lifetime, from where it was requested, and what to do if it was not you.

    It names neither the account nor its current address: the mailbox may belong to a stranger.
    """
    return _render("code", reader, code=code, seconds=seconds, origin=origin)


def taken(reader: Reader, *, origin: Origin) -> Letter:
    """To the owner of a taken address that another administrator entered: no code, nothing to do."""
    return _render("taken", reader, origin=origin)


def heads_up(reader: Reader, *, username: str, new_email: str, stop: str, origin: Origin) -> Letter:
    """To the current address: a change was requested; by whom, from where, and the link that stops it."""
    return _render("heads_up", reader, username=username, new_email=masked(new_email), stop=stop, origin=origin)


def old_code(
    reader: Reader, *, username: str, code: str, seconds: int, new_email: str, stop: str, origin: Origin
) -> Letter:
    """To the current address, with the policy `both`: its code, and the link that stops the change."""
    values: dict[str, Any] = {"username": username, "new_email": masked(new_email), "stop": stop, "origin": origin}
    return _render("old_code", reader, code=code, seconds=seconds, **values)


def tries_spent(reader: Reader, *, username: str, until: datetime, origin: Origin) -> Letter:
    """To the current address: the tries of the day are spent, and no code is accepted for a while."""
    return _render("tries_spent", reader, username=username, until=until, origin=origin)


def changed(reader: Reader, *, username: str, new_email: str, undo: str, origin: Origin, by: str = "") -> Letter:
    """To the old address: the address was changed; by whom, when, from where, the masked new address, the undo link."""
    days = -(-settings().UNDO_SECONDS // 86400)
    values: dict[str, Any] = {"username": username, "new_email": masked(new_email), "undo": undo, "days": days}
    return _render("changed", reader, **values, by=_actor(by), origin=origin)


def undone(reader: Reader, *, username: str, origin: Origin) -> Letter:
    """To the address that a change had set: the change was undone by the old address."""
    return _render("undone", reader, username=username, origin=origin)


@dataclass(frozen=True)
class Aftermath:
    """The actions of an account between a change of its address and the undo."""

    invitations: list[str]  # Invited addresses; these invitations were withdrawn.
    changes: list[str]  # Usernames of the accounts with a change that it started; these were cancelled.
    accounts: list[str]  # Usernames of the accounts that it changed or created; the owner must check these.


def restored(
    reader: Reader, *, username: str, token: str, seconds: int, aftermath: Aftermath, origin: Origin
) -> Letter:
    """To the restored address: the link to set a new password, what was withdrawn, and what must be checked."""
    values: dict[str, Any] = {"username": username, **vars(aftermath)}
    return _render("restored", reader, token=token, seconds=seconds, **values, origin=origin)


def password_link(
    reader: Reader,
    *,
    username: str,
    token: str,
    origin: Origin,
    at: datetime | None = None,
    by: str = "",
    reason: str = "",
) -> Letter:
    """To the account's address: the link to set a new password; by whom and why, if another administrator sent it."""
    values: dict[str, Any] = {"username": username, "token": token, "by": by, "reason": reason}
    seconds = settings().PASSWORD_LINK_SECONDS
    return _render("password_link", reader, **values, seconds=seconds, at=at, origin=origin)


def password_changed(
    reader: Reader, *, username: str, origin: Origin, is_by_link: bool = False, by: str = "", reason: str = ""
) -> Letter:
    """To the account's address: its password was changed; by whom, and why if the operator did it."""
    values: dict[str, Any] = {"username": username, "is_by_link": is_by_link, "by": _actor(by), "reason": reason}
    return _render("password_changed", reader, **values, origin=origin)


def masked(email: str) -> str:
    """Return an address in a form that only its owner recognises: a***@e***.com."""
    local, _, domain = email.rpartition("@")
    name, dot, rest = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***{dot}{rest}"


def assisted(
    reader: Reader,
    *,
    username: str,
    new_email: str,
    by: str,
    reason: str,
    stop: str,
    origin: Origin,
) -> Letter:
    """To every known address: another administrator started a change; who, why, when it can be made, the stop link."""
    ready_at = clock.now() + timedelta(seconds=settings().ASSISTED_WAIT_SECONDS)
    values: dict[str, Any] = {"username": username, "by": by, "reason": reason, "stop": stop, "ready_at": ready_at}
    return _render("assisted", reader, **values, new_email=masked(new_email), origin=origin)


def assisted_proof(reader: Reader, *, username: str, by: str, token: str, origin: Origin) -> Letter:
    """To the new address of a started change: the link that confirms it and makes the change."""
    return _render("assisted_proof", reader, username=username, by=by, token=token, origin=origin)


def invitation(reader: Reader, *, token: str, hours: int, by: str, origin: Origin) -> Letter:
    """To an invited address: who sent the invitation, and the link to register."""
    return _render("invitation", reader, token=token, hours=hours, by=by, origin=origin)


def account_changed(reader: Reader, *, username: str, what: str, reason: str, by: str, origin: Origin) -> Letter:
    """To an administrator: another one changed their role, disabled or enabled them, or cancelled their change."""
    return _render("account_changed", reader, username=username, what=what, reason=reason, by=by, origin=origin)


def _format_duration(seconds: int) -> str:
    """Return a duration in words, never rounded up: in minutes if it is a whole number of them, else in seconds."""
    if seconds % 60:
        return str(ngettext("%(num)d second", "%(num)d seconds", seconds))
    return str(ngettext("%(num)d minute", "%(num)d minutes", seconds // 60))


def _actor(by: str) -> str | None:
    """Return the administrator who acted, "" for the operator, or None for the owner of the account."""
    return None if by == "" else "" if by == OPERATOR else by


def _format_time(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return a time in the time zone of the recipient with its offset and name, or in UTC if the zone is not known.

    The offset makes the time unambiguous, even if the recipient is in another zone by now.
    """
    local = moment.astimezone(zone or UTC)
    time = f"{local:%Y-%m-%d %H:%M}"
    if zone is None or local.tzname() == "UTC":
        return f"{time} UTC"
    sign, hours, minutes = re.findall(r"[+-]|\d\d", f"{local:%z}")[:3]
    offset = f"{sign}{int(hours)}" + (f":{minutes}" if minutes != "00" else "")
    return f"{time} (UTC{offset}, {zone.key})"


def _render(kind: str, reader: Reader, *, origin: Origin, at: datetime | None = None, **values: Any) -> Letter:
    """Render a mail. Every mail names the site and the time of the event: `at`, or now."""
    with force_locale(_parse_locale(reader.language)):
        if isinstance(seconds := values.get("seconds"), int):
            values["life"] = _format_duration(seconds)
        zone = time_zones.find(reader.time_zone)
        times = {"at": at or clock.now()} | {name: it for name, it in values.items() if isinstance(it, datetime)}
        values |= {name: _format_time(moment, zone) for name, moment in times.items()}
        site = urlsplit(origin.site or settings().SITE_URL).netloc
        values.update(origin=origin, site=site)
        # Without Flask's render_template: the content of a mail does not depend on the current request.
        templates = (current_app.jinja_env.get_template(f"mail/{kind}/{part}") for part in PARTS)
        subject, body, html = [template.render(values) for template in templates]
        name = " · ".join(filter(None, [str(gettext("Account centre")), site]))
    return Letter(kind, " ".join(subject.split()), f"{body.strip()}\n\n-- \n{name}\n", html)
