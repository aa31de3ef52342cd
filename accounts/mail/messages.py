"""What a mail says: a folder of templates a mail (templates/mail/<name>/), in the reader's language and time zone."""

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

_parse_locale = cache(Locale.parse)  # It looks for a file.
PARTS = ("subject.txt", "body.txt", "body.html")
OPERATOR = "-"  # As `by`, as in the history: on the command line. "" is the account's owner.


@dataclass(frozen=True)
class Letter:
    """The words of a mail; the subject is one line."""

    kind: str
    subject: str
    body: str
    html: str


@dataclass(frozen=True)
class Reader:
    """Who reads a mail: in which language, and in which time zone if that is known."""

    language: str
    time_zone: str | None = None


def reader_of(user: CMSUser) -> Reader:
    """Return the administrator as the reader of a mail about their account."""
    return Reader(language_of(user), user.time_zone)


def language_of(user: CMSUser) -> str:
    """Return the language an administrator chose, else the one of the request at hand, else Chinese.

    A locale that is forced, as the command line forces English, is for who reads the output and not for this person.
    """
    return user.language or str(get_babel().locale_selector())


def code(reader: Reader, *, code: str, seconds: int, origin: Origin) -> Letter:
    """To the new address: the code, how long it lives, from where it was asked for and what to do if it was not you.

    It may be a stranger's mailbox: neither the account nor its present address is named.
    """
    return _letter("code", reader, code=code, seconds=seconds, origin=origin)


def taken(reader: Reader, *, origin: Origin) -> Letter:
    """To the owner of an address that somebody else asked for: no code, nothing to do."""
    return _letter("taken", reader, origin=origin)


def heads_up(reader: Reader, *, username: str, new_email: str, stop: str, origin: Origin) -> Letter:
    """To the present address: a change was asked for; by whom, from where, and the link that stops it."""
    return _letter("heads_up", reader, username=username, new_email=masked(new_email), stop=stop, origin=origin)


def old_code(
    reader: Reader, *, username: str, code: str, seconds: int, new_email: str, stop: str, origin: Origin
) -> Letter:
    """To the present address where the policy asks for both: its code, and the link that stops the change."""
    told: dict[str, Any] = {"username": username, "new_email": masked(new_email), "stop": stop, "origin": origin}
    return _letter("old_code", reader, code=code, seconds=seconds, **told)


def tries_spent(reader: Reader, *, username: str, until: datetime, origin: Origin) -> Letter:
    """To the present address: so many wrong codes were tried that no more are taken for a while."""
    return _letter("tries_spent", reader, username=username, until=until, origin=origin)


def changed(reader: Reader, *, username: str, new_email: str, undo: str, origin: Origin, by: str = "") -> Letter:
    """To the old address: the change is made; who, when, from where, the new address masked, and the undo link."""
    days = -(-settings().UNDO_SECONDS // 86400)
    told: dict[str, Any] = {"username": username, "new_email": masked(new_email), "undo": undo, "days": days}
    return _letter("changed", reader, **told, by=_another(by), origin=origin)


def undone(reader: Reader, *, username: str, origin: Origin) -> Letter:
    """To the address that a change had brought in: its former owner has undone it."""
    return _letter("undone", reader, username=username, origin=origin)


@dataclass(frozen=True)
class Aftermath:
    """What was done with an account's rights while its address was another one: withdrawn, or left to be checked."""

    invitations: list[str]  # The addresses that were invited: withdrawn.
    changes: list[str]  # The user names of those for whom a change was started: withdrawn.
    accounts: list[str]  # The user names of accounts that were changed or created: to be checked.


def restored(
    reader: Reader, *, username: str, token: str, seconds: int, aftermath: Aftermath, origin: Origin
) -> Letter:
    """To the restored address: the link to set a new password, what was withdrawn, and what must be checked."""
    told: dict[str, Any] = {"username": username, **vars(aftermath)}
    return _letter("restored", reader, token=token, seconds=seconds, **told, origin=origin)


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
    """To the account's address: the link to set a new password; who asked and why, if another administrator did."""
    told: dict[str, Any] = {"username": username, "token": token, "by": by, "reason": reason}
    seconds = settings().PASSWORD_LINK_SECONDS
    return _letter("password_link", reader, **told, seconds=seconds, at=at, origin=origin)


def password_changed(
    reader: Reader, *, username: str, origin: Origin, is_by_link: bool = False, by: str = "", reason: str = ""
) -> Letter:
    """To the account's address: its password was changed; by whom, and why if the operator did it."""
    told: dict[str, Any] = {"username": username, "is_by_link": is_by_link, "by": _another(by), "reason": reason}
    return _letter("password_changed", reader, **told, origin=origin)


def masked(email: str) -> str:
    """Return an address of which its owner knows it is theirs, and nobody else learns it: a***@e***.com."""
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
    """To every known address: another administrator started a change; who, why, when it can happen, how to stop it."""
    ready_at = clock.now() + timedelta(seconds=settings().ASSISTED_WAIT_SECONDS)
    told: dict[str, Any] = {"username": username, "by": by, "reason": reason, "stop": stop, "ready_at": ready_at}
    return _letter("assisted", reader, **told, new_email=masked(new_email), origin=origin)


def assisted_proof(reader: Reader, *, username: str, by: str, token: str, origin: Origin) -> Letter:
    """To the new address: the link that proves it and makes the change."""
    return _letter("assisted_proof", reader, username=username, by=by, token=token, origin=origin)


def invitation(reader: Reader, *, token: str, hours: int, by: str, origin: Origin) -> Letter:
    """To an address: who invites it to become an administrator, and the link to register."""
    return _letter("invitation", reader, token=token, hours=hours, by=by, origin=origin)


def account_changed(reader: Reader, *, username: str, what: str, reason: str, by: str, origin: Origin) -> Letter:
    """To an administrator: another one changed their role, disabled or enabled them, or dropped their change."""
    return _letter("account_changed", reader, username=username, what=what, reason=reason, by=by, origin=origin)


def _span(seconds: int) -> str:
    """Return a span in words, in whole minutes where it is that: nobody is promised more time than there is."""
    if seconds % 60:
        return str(ngettext("%(num)d second", "%(num)d seconds", seconds))
    return str(ngettext("%(num)d minute", "%(num)d minutes", seconds // 60))


def _another(by: str) -> str | None:
    """Return who acted on the account if it was not its owner: a user name, or "" for the operator."""
    return None if by == "" else "" if by == OPERATOR else by


def _moment(moment: datetime, zone: ZoneInfo | None) -> str:
    """Return a moment in the reader's time with the offset and name of the zone, or in UTC if the zone is not known.

    The reader may be in another zone by now; the offset says which moment it was all the same.
    """
    local = moment.astimezone(zone or UTC)
    time = f"{local:%Y-%m-%d %H:%M}"
    if zone is None or local.tzname() == "UTC":
        return f"{time} UTC"
    sign, hours, minutes = re.findall(r"[+-]|\d\d", f"{local:%z}")[:3]
    offset = f"{sign}{int(hours)}" + (f":{minutes}" if minutes != "00" else "")
    return f"{time} (UTC{offset}, {zone.key})"


def _letter(kind: str, reader: Reader, *, origin: Origin, at: datetime | None = None, **values: Any) -> Letter:
    """Write a mail. Whatever it says, it says when that was (`at`, else now), and which site it is about."""
    with force_locale(_parse_locale(reader.language)):
        if isinstance(seconds := values.get("seconds"), int):
            values["life"] = _span(seconds)
        zone = time_zones.find(reader.time_zone)
        moments = {"at": at or clock.now()} | {name: it for name, it in values.items() if isinstance(it, datetime)}
        values |= {name: _moment(moment, zone) for name, moment in moments.items()}
        site = urlsplit(origin.site or settings().SITE_URL).netloc
        values.update(origin=origin, site=site)
        # Not through Flask's render_template: a mail says nothing that depends on the request at hand.
        templates = (current_app.jinja_env.get_template(f"mail/{kind}/{part}") for part in PARTS)
        subject, body, html = [template.render(values) for template in templates]
        name = " · ".join(filter(None, [str(gettext("Account centre")), site]))
    return Letter(kind, " ".join(subject.split()), f"{body.strip()}\n\n-- \n{name}\n", html)
