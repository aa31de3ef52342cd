"""What a mail says: a folder of templates a mail (templates/mail/<name>/), in the language of who reads it."""

from dataclasses import dataclass

from flask import render_template
from flask_babel import force_locale, get_locale

from accounts.audit import Where
from models import CMSUser


@dataclass(frozen=True)
class Letter:
    """The words of a mail; the subject is one line."""

    kind: str
    subject: str
    body: str
    html: str


def language_of(user: CMSUser) -> str:
    """Return the language an administrator chose, else the one of the request at hand, else Chinese."""
    return user.language or str(get_locale() or "zh")


def code(language: str, *, code: str, minutes: int, where: Where) -> Letter:
    """To the new address: the code, how long it lives, who asked and what to do if it was not you."""
    return _letter("code", language, code=code, minutes=minutes, where=where)


def taken(language: str, *, where: Where) -> Letter:
    """To the owner of an address that somebody else asked for: no code, nothing to do."""
    return _letter("taken", language, where=where)


def changed(language: str, *, username: str, new_email: str, where: Where, at: str) -> Letter:
    """To the old address: the change is made; who, when, from where, the new address masked, how to object."""
    return _letter("changed", language, username=username, new_email=masked(new_email), where=where, at=at)


def masked(email: str) -> str:
    """Return an address of which its owner knows it is theirs, and nobody else learns it: a***@e***.com."""
    local, _, domain = email.rpartition("@")
    name, dot, rest = domain.rpartition(".")
    return f"{local[:1]}***@{name[:1]}***{dot}{rest}"


def _letter(kind: str, language: str, **values: object) -> Letter:
    with force_locale(language):
        parts = [render_template(f"mail/{kind}/{part}", **values) for part in ("subject.txt", "body.txt", "body.html")]
    subject, body, html = parts
    return Letter(kind, " ".join(subject.split()), body.strip() + "\n", html)
