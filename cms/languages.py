"""Translations, and the choice of the language of a request."""

import re
from collections.abc import Mapping, MutableMapping
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, templating
from flask_babel import Babel, Domain, get_locale
from jinja2 import Template, nodes
from jinja2.visitor import NodeTransformer
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

LANGUAGES = ("zh", "en")
_PLACEHOLDER = re.compile(r"%\((\w+)\)[ds]")
_parse_locale = cache(Locale.parse)  # Parsing accesses the file system.
CATALOGUES = Path(__file__).resolve().parent.parent / "translations"


class CompiledDomain(Domain):  # type: ignore[misc]
    """The catalogues of `translations/`, compiled in memory, without a build step or writable folder."""

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the current language."""
        return compiled_catalogue(current_language())


class Environment(templating.Environment):
    """An environment that compiles each template once per language, and translates its sentences at that time."""

    language: str | None = None  # None: the current language, when `get_template` is called.

    def __init__(self, app: Flask, **options: Any) -> None:
        """Create an environment without a language of its own."""
        super().__init__(app, **options)
        self._translated: dict[str, Environment] = {}

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002
        """Return the template in the current language, together with the templates that it includes and extends."""
        if self.language is None:
            return self.in_language(current_language()).get_template(name, parent, globals)
        return super().get_template(name, parent, globals)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template as a dict: Jinja copies them on each rendering, and a ChainMap is slow."""
        return super().make_globals(d) if d else self.globals

    def in_language(self, language: str) -> "Environment":
        """Return the environment whose templates are in a language."""
        if language not in self._translated:
            translated = self.overlay()
            translated.language = language
            self._translated[language] = translated
        return self._translated[language]

    def _generate(self, source: nodes.Template, *args: Any, **more: Any) -> str:
        """Translate a parsed template before Python is generated from it; Jinja documents this hook."""
        if self.language is not None:
            source = Translator(self.language).visit(source)
        return super()._generate(source, *args, **more)


class Translator(NodeTransformer):
    """Replaces calls of `_` and `ngettext` in a template by translations; jinja2.ext.i18n does so on each rendering."""

    def __init__(self, language: str) -> None:
        """Load the catalogue of a language."""
        self._catalogue = compiled_catalogue(language)

    def visit_Output(self, node: nodes.Output, *args: Any, **more: Any) -> nodes.Node:  # noqa: N802 (Jinja's name)
        """Output the parts of a sentence one after the other, so that its text is joined with the text around it."""
        self.generic_visit(node, *args, **more)
        node.nodes = [
            part for each in node.nodes for part in (each.nodes if isinstance(each, nodes.Concat) else [each])
        ]
        return node

    def visit_Call(self, node: nodes.Call, *args: Any, **more: Any) -> nodes.Node:  # noqa: N802 (Jinja's name)
        """Replace `_("sentence", name=value)` and `ngettext("one", "several", number)`, and no other call."""
        self.generic_visit(node, *args, **more)
        called = node.node.name if isinstance(node.node, nodes.Name) else ""
        values = {each.key: each.value for each in node.kwargs}
        if called == "_":
            return self._place(values, self._catalogue.gettext(*self._constants(node.args))).set_lineno(node.lineno)
        if called == "ngettext":
            *sentences, values["num"] = node.args
            return self._place_number(values, *self._constants(sentences)).set_lineno(node.lineno)
        return node

    def _constants(self, args: list[nodes.Expr]) -> list[str]:
        assert all(isinstance(each, nodes.Const) for each in args)
        return [each.as_const() for each in args]

    def _place_number(self, values: Mapping[str, nodes.Expr], one: str, several: str) -> nodes.Expr:
        """Return the sentence for one, and that for other numbers where the language distinguishes them."""
        translated = [self._catalogue.ngettext(one, several, each) for each in (1, 2)]
        first, other = (self._place(values, each) for each in translated)
        if translated[0] == translated[1]:
            return first
        return nodes.CondExpr(nodes.Compare(values["num"], [nodes.Operand("eq", nodes.Const(1))]), first, other)

    def _place(self, values: Mapping[str, nodes.Expr], sentence: str) -> nodes.Expr:
        """Return a sentence with values in the place of their names."""
        text, *placed = _PLACEHOLDER.split(sentence)
        parts: list[nodes.Expr] = [nodes.TemplateData(text % {})]
        for name, following in zip(placed[::2], placed[1::2], strict=True):
            parts += [values[name], nodes.TemplateData(following % {})]
        return nodes.Concat(parts) if placed else parts[0]


def init_app(app: Flask) -> None:
    """Compile the catalogues, and select the language of every request."""
    for language in LANGUAGES:
        compiled_catalogue(language)
    app.jinja_environment = Environment  # type: ignore[assignment]
    Babel(app, locale_selector=select_locale).domain_instance = CompiledDomain()
    app.add_template_global(get_locale)


def select_locale() -> Locale:
    """Return the language that the administrator chose, else that of the browser, else Chinese."""
    return _parse_locale(_select_language())


def _select_language() -> str:
    if not has_request_context():  # On the command line mails are in the recipient's language, by default Chinese.
        return LANGUAGES[0]
    visitor = g.get("visitor")  # Not `g.cms_user`: after an error, accessing the row could query the database again.
    return (visitor and visitor.language) or _language_of_browser(request.headers.get("Accept-Language"))


@lru_cache(maxsize=100)  # Most browsers send one of a few values, which is needed several times per request.
def _language_of_browser(accept_language: str | None) -> str:
    """Return the language that suits an Accept-Language header best, else Chinese."""
    return parse_accept_header(accept_language, LanguageAccept).best_match(LANGUAGES) or LANGUAGES[0]


def current_language() -> str:
    """Return the language of the request, or the one that is forced."""
    return str(get_locale().language)


@cache
def compiled_catalogue(language: str) -> NullTranslations:
    """Return the catalogue of a language; each is compiled once per process."""
    source = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not source.exists():  # English is in the source.
        return NullTranslations()
    content = BytesIO()
    with source.open("rb") as file:
        write_mo(content, read_po(file, locale=language))  # The locale defines the plural forms.
    content.seek(0)
    return Translations(content, domain="messages")
