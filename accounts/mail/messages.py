"""The content of mails: rendered from templates/mail/<kind>/ in the language and time zone of the recipient."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale
from flask import current_app
from flask_babel import force_locale, get_babel, gettext, ngettext

from accounts import clock, time_zones
from accounts import site as own_site
from accounts.availability import Owner
from accounts.mail import urls
from accounts.origin import Origin
from accounts.settings import settings
from models import CMSUser

_parse_locale = cache(Locale.parse)  # Parsing accesses the file system.
PARTS = ("subject.txt", "body.txt", "body.html")
LONGEST_NAME = 30  # Characters of a name that its owner chose, in a mail.
_LINKING = re.compile(r'[.:/\\@<>"“”„«»\u3002]')  # What email clients turn into links, and what ends a quotation.
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


def reader_of(user: CMSUser | Owner) -> Reader:
    """Return an administrator as the reader of a mail."""
    return Reader(language_for(user.language), user.time_zone)


def language_for(chosen: str | None) -> str:
    """Return the language that an administrator has chosen, else that of the current request, else Chinese.

    A forced locale, such as English on the command line, is not that of the recipient.
    """
    return chosen or str(get_babel().locale_selector())


def code(reader: Reader, origin: Origin, *, code: str, seconds: int) -> Letter:
    """To the new address: the code, its lifetime, from where it was requested, and what to do if it was not you.

    The mailbox may belong to somebody else: neither the account nor its address is named.
    """
    return _render("code", reader, origin, code=code, seconds=seconds)


def taken(reader: Reader, origin: Origin) -> Letter:
    """To the owner of an address that somebody requested a code for: no code, and nothing to do."""
    return _render("taken", reader, origin)


def heads_up(account: CMSUser, origin: Origin, *, new_email: str, stop: str) -> Letter:
    """To the present address: a change was requested, from where, and the link that stops it."""
    return _notice("heads_up", account, origin, new_email=mask(new_email), stop=stop)


def old_code(account: CMSUser, origin: Origin, *, code: str, seconds: int, new_email: str, stop: str) -> Letter:
    """To the present address where the policy requires both codes: its code, and the link that stops the change."""
    return _notice("old_code", account, origin, code=code, seconds=seconds, new_email=mask(new_email), stop=stop)


def tries_spent(account: CMSUser, origin: Origin, *, until: datetime) -> Letter:
    """To the present address: too many incorrect codes were entered, and until when no more are accepted."""
    return _notice("tries_spent", account, origin, until=until)


def changed(account: CMSUser, origin: Origin, *, undo: str, by: str = "") -> Letter:
    """To the old address: it was changed, by whom and from where, the new address masked, and the undo link."""
    days = -(-settings().UNDO_SECONDS // 86400)
    values: dict[str, Any] = {"new_email": mask(account.email), "undo": undo, "days": days}
    return _notice("changed", account, origin, **values, by=_actor(by))


def undone(account: CMSUser, origin: Origin) -> Letter:
    """To the address that a change had set: its former owner has undone the change."""
    return _notice("undone", account, origin)


@dataclass(frozen=True)
class Aftermath:
    """What was done with the rights of an account while it had another address: withdrawn, or left to be checked."""

    invitations: list[str]  # The invited addresses: withdrawn.
    changes: list[str]  # The usernames of those for whom a change was started: withdrawn.
    accounts: list[str]  # The usernames of accounts that were changed or created: to be checked.
    resets: list[str] = field(default_factory=list)  # Of those for whom a removal of factors was started: withdrawn.
    removed: list[str] = field(default_factory=list)  # The names of passkeys that were added: removed.
    app_removed: bool = False  # An authenticator app was added: removed.
    codes_removed: bool = False  # Recovery codes were made: removed.
    reset_stopped: bool = False  # Another administrator had started to remove all second factors: stopped.
    lost: bool = False  # Second factors were removed in the meantime: they cannot be restored.
    kept: list[str] = field(default_factory=list)  # The names of passkeys that are left: to be checked.
    app_kept: bool = False  # An authenticator app is left.
    used: list[str] = field(default_factory=list)  # The names of those that were used in the meantime: to be checked.
    app_used: bool = False  # The app that is left was used in the meantime.
    codes_used: int = 0  # Recovery codes that were used in the meantime.


def restored(account: CMSUser, origin: Origin, *, token: str, seconds: int, aftermath: Aftermath) -> Letter:
    """To the restored address: the link to set a new password, what was withdrawn, and what must be checked."""
    lists = {name: [defuse_name(each) for each in getattr(aftermath, name)] for name in ("removed", "kept", "used")}
    return _notice("restored", account, origin, token=token, seconds=seconds, **{**vars(aftermath), **lists})


def password_link(
    account: CMSUser,
    origin: Origin,
    *,
    token: str,
    language: str = "",
    at: datetime | None = None,
    by: str = "",
    reason: str = "",
) -> Letter:
    """To the account's address: the link to set a new password; who requested it and why, if another administrator did.

    `language` is that of the request, for an administrator who has not chosen one.
    """
    reader = Reader(language_for(account.language or language), account.time_zone)
    values: dict[str, Any] = {"username": account.username, "token": token, "by": by, "reason": reason}
    return _render("password_link", reader, origin, **values, seconds=settings().PASSWORD_LINK_SECONDS, at=at)


def password_changed(
    account: CMSUser, origin: Origin, *, is_by_link: bool = False, by: str = "", reason: str = ""
) -> Letter:
    """To the account's address: its password was changed; by whom, and why if the operator did it."""
    return _notice("password_changed", account, origin, is_by_link=is_by_link, by=_actor(by), reason=reason)


def mask(email: str) -> str:
    """Return an address that its owner recognises and nobody else can read: a***@e***.com."""
    local, _, domain = email.rpartition("@")
    name, dot, rest = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***{dot}{rest}"


def assisted(account: CMSUser, origin: Origin, *, new_email: str, by: str, reason: str, stop: str) -> Letter:
    """To every known address: another administrator started a change; who, why, when it can happen, how to stop it."""
    ready_at = clock.now() + timedelta(seconds=settings().ASSISTED_WAIT_SECONDS)
    values: dict[str, Any] = {"by": by, "reason": reason, "stop": stop, "ready_at": ready_at}
    return _notice("assisted", account, origin, **values, new_email=mask(new_email))


def assisted_proof(account: CMSUser, origin: Origin, *, by: str, token: str) -> Letter:
    """To the new address: the link that proves it and makes the change."""
    return _notice("assisted_proof", account, origin, by=by, token=token)


def invitation(reader: Reader, origin: Origin, *, token: str, hours: int, by: str) -> Letter:
    """To an address: who invites it to become an administrator, and the link to register."""
    return _render("invitation", reader, origin, token=token, hours=hours, by=by)


def account_changed(account: CMSUser, origin: Origin, *, what: str, by: str, reason: str = "") -> Letter:
    """To an administrator: another one changed their role, disabled or enabled them, or dropped their change."""
    return _notice("account_changed", account, origin, what=what, by=by, reason=reason)


def factor_changed(
    account: CMSUser,
    origin: Origin,
    *,
    what: str,
    name: str = "",
    left: int | None = None,
    is_former: bool = False,
    **by_whom: str,
) -> Letter:
    """To an administrator: a second factor was added, removed, reset or used, or is required; by whom, and why.

    `what` is the event in the history, `name` that of a passkey, `left` the number of recovery codes. `is_former` means
    that the letter is sent to a former address, which can undo its change. `by_whom` are `by` and `reason`.
    """
    values: dict[str, Any] = {"what": what, "name": defuse_name(name), "left": left, "is_former": is_former}
    by, reason = _actor(by_whom.get("by", "")), by_whom.get("reason", "")
    return _notice("factor_changed", account, origin, **values, by=by, reason=reason)


def test(reader: Reader, origin: Origin) -> Letter:
    """To an address that the operator names: mail from this site arrives."""
    return _render("test", reader, origin)


def factor_reset(
    account: CMSUser,
    origin: Origin,
    *,
    what: str,
    by: str = "",
    reason: str = "",
    stop: str = "",
    due_at: datetime | None = None,
) -> Letter:
    """To every known address: another administrator removes all second factors; who, why, when, and how to stop it.

    `what` is the event in the history: the removal was started, stopped or withdrawn.
    """
    values: dict[str, Any] = {"what": what, "reason": reason, "stop": stop, "due_at": due_at}
    return _notice("factor_reset", account, origin, **values, by=_actor(by))


def account_erased(account: CMSUser, origin: Origin, *, by: str, reason: str) -> Letter:
    """To the address of an account whose personal data is erased in the same transaction."""
    return _notice("account_erased", account, origin, by=by, reason=reason)


def defuse_name(name: str) -> str:
    """Return the name of a passkey as mails show it: short, and without the characters of links and of quotations.

    Somebody else may have chosen it so that a mail of this site advertises a page of theirs (CWE-451).
    """
    plain = "".join(" " if _LINKING.search(unicodedata.normalize("NFKC", each)) else each for each in name)
    plain = " ".join(plain.split())
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"


def _format_duration(seconds: int) -> str:
    """Return a number of seconds in words, in minutes if it is a whole number of minutes. It is never rounded up."""
    if seconds % 60:
        return str(ngettext("%(num)d second", "%(num)d seconds", seconds))
    return str(ngettext("%(num)d minute", "%(num)d minutes", seconds // 60))


def _actor(by: str) -> str | None:
    """Return who acted if it was not the owner of the account: a username, or "" for the operator."""
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


def _notice(kind: str, account: CMSUser, origin: Origin, **values: Any) -> Letter:
    """Write a mail about an account in the language and time zone of its administrator."""
    return _render(kind, reader_of(account), origin, username=account.username, **values)


def _render(kind: str, reader: Reader, origin: Origin, *, at: datetime | None = None, **values: Any) -> Letter:
    """Write a mail. Every mail says when it happened (`at`, by default now) and which site it is about."""
    with force_locale(_parse_locale(reader.language)):
        if isinstance(seconds := values.get("seconds"), int):
            values["life"] = _format_duration(seconds)
        zone = time_zones.find(reader.time_zone)
        times = {"at": at or clock.now()} | {name: it for name, it in values.items() if isinstance(it, datetime)}
        values |= {name: _format_time(moment, zone) for name, moment in times.items()}
        base = origin.site or settings().SITE_URL
        site, help_at = urlsplit(base).netloc, own_site.find_support_url(base)
        values.update(language=reader.language, origin=origin, site=site, site_name=settings().SITE_NAME)
        heading = " · ".join(filter(None, [own_site.name(), site]))
        values.update(heading=heading, help_at=help_at, link_to=partial(urls.url_of, base))
        # Without Flask's render_template: the content of a mail does not depend on the current request.
        environment = current_app.jinja_env.in_language(reader.language)  # type: ignore[attr-defined]
        templates = (environment.get_template(f"cms/mail/{kind}/{part}") for part in PARTS)
        subject, body, html = [template.render(values) for template in templates]
        beginning = [values["heading"], ""] if settings().SITE_NAME else []
        end = ["", "-- ", values["heading"], *([str(gettext("Help: %(where)s", where=help_at))] if help_at else [])]
    subject = " · ".join(filter(None, [" ".join(subject.split()), settings().SITE_NAME]))
    return Letter(kind, subject, "\n".join([*beginning, body.strip(), *end, ""]), html)
