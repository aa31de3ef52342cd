"""Chinese and English: the catalogues, and which of the two a reader gets."""

import os
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale

LANGUAGES = ("zh", "en")
CATALOGUES = Path(__file__).resolve().parent.parent / "translations"


def init_app(app: Flask) -> None:
    """Compile what is not compiled yet, and choose the language of every request."""
    for catalogue in CATALOGUES.glob("*/LC_MESSAGES/*.po"):
        compile_catalogue(catalogue)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGUES)
    Babel(app, locale_selector=chosen)
    app.add_template_global(get_locale)


def chosen() -> str:
    """Return the administrator's own language, else the browser's, else Chinese."""
    if not has_request_context():  # The command line: who reads a mail may have chosen, otherwise it is Chinese.
        return LANGUAGES[0]
    visitor = g.get("visitor")  # Not the administrator's row: after a fault, reading it could ask the database again.
    return (visitor and visitor.language) or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def compile_catalogue(source: Path) -> None:
    """Write the .mo beside a .po that is newer; whoever reads at the same time sees the old or the new one whole."""
    compiled = source.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
        return
    content = BytesIO()
    with source.open("rb") as file:
        write_mo(content, read_po(file, locale=source.parent.parent.name))  # The locale knows its plurals.
    unfinished = compiled.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(content.getvalue())
    unfinished.replace(compiled)
