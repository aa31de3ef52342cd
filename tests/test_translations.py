"""The Chinese catalogue contains all sentences of the source, and no others. The tests need no application."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
REQUIRED = {
    "Enter a valid email address.": "请输入正确格式的邮箱！",
    "The code is incorrect.": "邮箱验证码错误！",
    "This is already your email address.": "不能修改为相同的邮箱！",
    "Your email address has been changed.": "邮箱修改成功！",
}

MessageId = str | tuple[str, ...]


@cache
def source_ids() -> set[MessageId]:
    """Return the message ids that extraction finds with our babel.cfg."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(str(ROOT), methods, options, KEYWORDS)
    return {message for _, _, message, _, _ in found}


def catalogue_messages() -> Iterator[Message]:
    """Yield the messages of the Chinese catalogue, without obsolete ones."""
    return (message for message in catalogue() if message.id)


@cache
def catalogue() -> Catalog:
    """Return the Chinese catalogue."""
    with (ROOT / "translations/zh/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="zh")


def texts(message: MessageId) -> tuple[str, ...]:
    """Return the forms of a message: one, or singular and plural."""
    return (message,) if isinstance(message, str) else tuple(message)


def test_every_sentence_in_the_sources_is_in_the_chinese_catalogue() -> None:
    assert source_ids() - {message.id for message in catalogue_messages()} == set()


def test_the_chinese_catalogue_contains_no_unused_sentence() -> None:
    assert {message.id for message in catalogue_messages()} - source_ids() == set()
    assert list(catalogue().obsolete) == []


def test_extraction_finds_sentences_in_templates_and_in_python() -> None:
    assert {"Enter a valid email address.", "Your email address has been changed.", "Sign in"} <= source_ids()


def test_every_sentence_is_translated_and_none_is_fuzzy() -> None:
    incomplete = [message.id for message in catalogue_messages() if message.fuzzy or not all(texts(message.string))]
    assert incomplete == []


def test_a_translation_has_the_placeholders_of_its_sentence() -> None:
    for message in catalogue_messages():
        expected = set(PLACEHOLDER.findall(texts(message.id)[-1]))
        for text in texts(message.string):
            assert set(PLACEHOLDER.findall(text)) == expected, message.id
            assert not re.search(r"%(?!\(\w+\)[sd])", text), message.id


def test_a_chinese_sentence_has_one_form_for_every_number() -> None:
    for message in catalogue_messages():
        assert len(texts(message.string)) == 1, message.id


@pytest.mark.parametrize(("english", "chinese"), REQUIRED.items())
def test_sentences_that_are_part_of_the_requirements_are_exact(english: str, chinese: str) -> None:
    found = catalogue().get(english)
    assert found is not None
    assert found.string == chinese
