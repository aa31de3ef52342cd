"""The Chinese catalogue has all sentences of the source, and no others. Needs no application."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

HERE = Path(__file__).resolve().parent.parent
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
FIXED = {
    "Enter a valid email address.": "请输入正确格式的邮箱！",
    "The code is incorrect.": "邮箱验证码错误！",
    "This is already your email address.": "不能修改为相同的邮箱！",
    "Your email address has been changed.": "邮箱修改成功！",
}

MessageId = str | tuple[str, ...]


@cache
def in_the_sources() -> frozenset[MessageId]:
    """Return every sentence that extraction finds with our own babel.cfg."""
    with (HERE / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(str(HERE), methods, options, KEYWORDS)
    return frozenset(message for _, _, message, _, _ in found)


def in_the_catalogue() -> Iterator[Message]:
    """Return every sentence of the Chinese catalogue, obsolete ones left out."""
    return (message for message in catalogue() if message.id)


@cache
def catalogue() -> Catalog:
    """Read the catalogue as the application does."""
    with (HERE / "translations/zh/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="zh")


def texts(message: MessageId) -> tuple[str, ...]:
    """Return the forms of a sentence: one, or one for each number."""
    return (message,) if isinstance(message, str) else tuple(message)


def test_every_sentence_in_the_sources_is_in_the_chinese_catalogue() -> None:
    assert in_the_sources() - {message.id for message in in_the_catalogue()} == set()


def test_the_chinese_catalogue_holds_no_sentence_that_nobody_says_any_more() -> None:
    assert {message.id for message in in_the_catalogue()} - in_the_sources() == set()
    assert list(catalogue().obsolete) == []


def test_extraction_finds_sentences_in_templates_and_in_python() -> None:
    assert {"Enter a valid email address.", "Your email address has been changed.", "Sign in"} <= in_the_sources()


def test_every_sentence_is_translated_by_a_person_who_was_sure() -> None:
    unsure = [message.id for message in in_the_catalogue() if message.fuzzy or not all(texts(message.string))]
    assert unsure == []


def test_a_translation_has_the_placeholders_of_its_sentence() -> None:
    for message in in_the_catalogue():
        needed = set(PLACEHOLDER.findall(texts(message.id)[-1]))
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) == needed, message.id
            assert not re.search(r"%(?!\(\w+\)[sd])", text), message.id


def test_a_chinese_sentence_has_one_form_for_every_number() -> None:
    for message in in_the_catalogue():
        assert len(texts(message.string)) == 1, message.id


@pytest.mark.parametrize(("english", "chinese"), FIXED.items())
def test_the_sentences_that_were_given_are_word_for_word(english: str, chinese: str) -> None:
    found = catalogue().get(english)
    assert found is not None
    assert found.string == chinese
