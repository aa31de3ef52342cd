"""confusables.py: skeletons (UTS 39) and the comparison of confusable texts."""

import json
import sys
import unicodedata
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confusables import looks_like, skeleton


def may_change(character: str) -> bool:
    """Return whether normalization or case may change a character: nearly all letters without case are left out."""
    category = unicodedata.category(character)
    return category not in ("Cn", "Co", "Cs", "Lo") or unicodedata.decomposition(character) != ""


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("paypal", "pаypаl"),  # One Cyrillic letter.
        ("scope", "ѕсоре"),  # Only Cyrillic letters.
        ("l0ve", "IOve"),
        ("modern", "rnodern"),
        ("工力", "エカ"),  # Katakana.
        ("ann", "a\u200bn\ufe0fn\u034f"),  # Ignorable characters are invisible.
        ("é", "e\u0301"),
        ("ann", "𝐚𝐧𝐧"),
    ],
)
def test_confusable_texts_have_the_same_skeleton(one: str, two: str) -> None:
    assert skeleton(one) == skeleton(two)


@pytest.mark.parametrize(("one", "two"), [("ann", "anna"), ("ann", "änn"), ("o", "c"), ("张", "章"), ("ann", "Ann")])
def test_distinct_texts_have_different_skeletons(one: str, two: str) -> None:
    assert skeleton(one) != skeleton(two)


@given(st.text(max_size=30))
def test_a_skeleton_is_idempotent_and_without_ignorable_characters(text: str) -> None:
    once = skeleton(unicodedata.normalize("NFKC", text))
    assert skeleton(once) == once
    assert skeleton(f"\u200b{once}\ufe0f") == once


def test_every_confusable_pair_of_the_data_has_the_same_skeleton() -> None:
    """The data of the package are pairs; which character represents a group is determined in `confusables.py`."""
    data = json.loads(files("homoglyphs_fork").joinpath("confusables.json").read_text("utf-8"))
    pairs = [(one.replace("\u200e", ""), two.replace("\u200e", "")) for one, others in data.items() for two in others]
    assert len(pairs) > 12_000
    different = [
        (one, two)
        for one, two in pairs
        if unicodedata.is_normalized("NFD", one + two) and not skeleton(one) == skeleton(two) != ""
    ]
    assert different == []


@pytest.mark.parametrize(
    "text",
    ["admin", "ADMIN", "аdmin", "adm1n", "ADMlN", "adrnin", "ΑDΜΙΝ", "ａｄｍｉｎ", "admın", "ad\u200bmin", "𝐚𝐝𝐦𝐢𝐧"],
)
def test_confusable_texts_are_detected_in_any_case(text: str) -> None:
    assert looks_like(text, "admin")
    assert looks_like(text, "Admin")


@pytest.mark.parametrize("text", ["", "admi", "admins", "admín", "damin", "ad.min", "管理员"])
def test_distinct_texts_are_not_confusable(text: str) -> None:
    assert not looks_like(text, "admin")


def test_a_capital_i_is_confused_with_a_small_l_but_a_small_i_is_not() -> None:
    assert looks_like("seIf", "self")
    assert not looks_like("Seif", "self")


@given(st.text(min_size=1, max_size=20))
def test_a_text_is_confusable_with_itself_but_not_with_a_longer_one(text: str) -> None:
    assert looks_like(text, text)
    assert not looks_like(text + "Q", text)


@pytest.mark.slow
def test_every_character_with_marks_is_confusable_with_itself_but_not_with_a_longer_text() -> None:
    """Normalization exchanges marks: the skeleton of U+FC60, for example, orders them differently from its parts."""
    characters = [character for character in map(chr, range(sys.maxunicode + 1)) if may_change(character)]
    assert len(characters) > 15_000
    texts = [text for character in characters for text in (character, f"a\u0301{character}\u0323")]
    assert [text for text in texts if not looks_like(text, text)] == []
    assert [text for text in texts if looks_like(text + "Q", text)] == []


def test_comparing_long_ambiguous_texts_does_not_take_exponential_time() -> None:
    assert looks_like("iI" * 25, "i" * 50)
    assert not looks_like("iI" * 25 + "x", "i" * 50)
