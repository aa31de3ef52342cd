"""Translations, and the choice of the language of a request."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale

LANGUAGES = ("zh", "en")
CATALOGUES = Path(__file__).resolve().parent.parent / "translations"


class CompiledDomain(Domain):  # type: ignore[misc]
    """The catalogues of `translations/`, compiled in memory, without a build step or writable folder."""

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the current language."""
        return compiled_catalogue(str(get_locale()))


def init_app(app: Flask) -> None:
    """Compile the catalogues, and select the language of every request."""
    for language in LANGUAGES:
        compiled_catalogue(language)
    Babel(app, locale_selector=select_locale).domain_instance = CompiledDomain()
    app.add_template_global(get_locale)


def select_locale() -> str:
    """Return the administrator's own language, else the browser's, else Chinese."""
    if (
        not has_request_context()
    ):  # On the command line, mails are in the language of their recipient, by default Chinese.
        return LANGUAGES[0]
    visitor = g.get("visitor")  # Not the administrator: after a fault, reading the row could query the database again.
    return (visitor and visitor.language) or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


@cache
def compiled_catalogue(language: str) -> NullTranslations:
    """Return the catalogue of a language; it is read once per process."""
    source = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not source.exists():  # English is in the source.
        return NullTranslations()
    content = BytesIO()
    with source.open("rb") as file:
        write_mo(content, read_po(file, locale=language))  # The locale defines the plural forms.
    content.seek(0)
    return Translations(content, domain="messages")
