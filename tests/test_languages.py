"""cms/languages.py: the sentences of a template are translated when it is compiled."""

import pytest
from flask import Flask
from markupsafe import Markup

from cms.languages import Environment

DAYS = '{{ ngettext("The link is valid for %(num)d minute.", "The link is valid for %(num)d minutes.", number) }}'
TITLE = '{{ _("Error: %(title)s", title=title) }}'


def render(source: str, language: str, *, autoescape: bool = True, **values: object) -> str:
    """Return what a template renders in a language."""
    environment = Environment(Flask(__name__), autoescape=autoescape).in_language(language)
    return environment.from_string(source).render(**values)


@pytest.mark.parametrize(
    ("language", "number", "sentence"),
    [
        ("en", 1, "The link is valid for 1 minute."),
        ("en", 2, "The link is valid for 2 minutes."),
        ("en", 0, "The link is valid for 0 minutes."),
        ("zh", 1, "链接有效期为 1 分钟。"),
        ("zh", 2, "链接有效期为 2 分钟。"),
    ],
)
def test_a_sentence_with_a_number_has_the_form_of_its_language(language: str, number: int, sentence: str) -> None:
    assert render(DAYS, language, number=number) == sentence


@pytest.mark.parametrize(("autoescape", "placed"), [(True, "&lt;b&gt;"), (False, "<b>")])
def test_values_in_a_sentence_are_escaped_on_pages_only(autoescape: bool, placed: str) -> None:
    assert render(TITLE, "en", autoescape=autoescape, title="<b>") == f"Error: {placed}"
    assert render(DAYS, "en", autoescape=autoescape, number="<b>") == f"The link is valid for {placed} minutes."


def test_a_sentence_with_a_number_can_contain_other_values() -> None:
    source = '{{ ngettext("%(num)d code for %(name)s", "%(num)d codes for %(name)s", number, name="Ann") }}'
    assert [render(source, "en", number=each) for each in (1, 2)] == ["1 code for Ann", "2 codes for Ann"]


def test_markup_in_a_sentence_is_not_escaped_again() -> None:
    assert render(TITLE, "en", title=Markup("<b>")) == "Error: <b>"


def test_a_sentence_is_a_value_of_other_expressions() -> None:
    assert render(f"{{% set sentence = {DAYS[3:-3]} %}}{{{{ sentence | length }}}}", "en", number=1) == "31"
