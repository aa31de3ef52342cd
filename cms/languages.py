"""Chinese and English: the catalogues, and which of the two a reader gets."""

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
    """The catalogues of `translations/`, compiled in memory: no build step is needed, and no folder to write to."""

    def get_translations(self) -> NullTranslations:
        """Return the sentences in the language of the reader."""
        return compiled_catalogue(str(get_locale()))


def init_app(app: Flask) -> None:
    """Compile the catalogues, and choose the language of every request."""
    for language in LANGUAGES:
        compiled_catalogue(language)
    Babel(app, locale_selector=select_locale).domain_instance = CompiledDomain()
    app.add_template_global(get_locale)


def select_locale() -> str:
    """Return the administrator's own language, else the browser's, else Chinese."""
    if not has_request_context():  # The command line: who reads a mail may have chosen, otherwise it is Chinese.
        return LANGUAGES[0]
    visitor = g.get("visitor")  # Not the administrator's row: after a fault, reading it could ask the database again.
    return (visitor and visitor.language) or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


@cache
def compiled_catalogue(language: str) -> NullTranslations:
    """Return the sentences in a language; it is read once in the life of the process."""
    source = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not source.exists():  # English stands in the source.
        return NullTranslations()
    content = BytesIO()
    with source.open("rb") as file:
        write_mo(content, read_po(file, locale=language))  # The locale knows its plurals.
    content.seek(0)
    return Translations(content, domain="messages")
