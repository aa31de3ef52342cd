"""confusables.py: skeletons (UTS 39) and the comparison of confusable texts."""

import json
import unicodedata
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confusables import looks_like, skeleton


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("paypal", "pаypаl"),  # One Cyrillic letter
        ("scope", "ѕсоре"),  # Cyrillic throughout
        ("l0ve", "IOve"),
        ("modern", "rnodern"),
        ("工力", "エカ"),  # Katakana
        ("ann", "a\u200bn\ufe0fn\u034f"),  # What is ignored is not seen.
        ("é", "e\u0301"),
        ("ann", "𝐚𝐧𝐧"),
    ],
)
def test_texts_that_look_the_same_have_one_skeleton(one: str, two: str) -> None:
    assert skeleton(one) == skeleton(two)


@pytest.mark.parametrize(("one", "two"), [("ann", "anna"), ("ann", "änn"), ("o", "c"), ("张", "章"), ("ann", "Ann")])
def test_texts_that_look_different_have_two_skeletons(one: str, two: str) -> None:
    assert skeleton(one) != skeleton(two)


@given(st.text(max_size=30))
def test_a_skeleton_is_its_own_and_holds_nothing_to_ignore(text: str) -> None:
    once = skeleton(unicodedata.normalize("NFKC", text))
    assert skeleton(once) == once
    assert skeleton(f"\u200b{once}\ufe0f") == once


def test_every_pair_of_the_data_has_one_skeleton() -> None:
    """The package tells which characters look alike, not which one stands for all: that is worked out in our code."""
    data = json.loads(files("homoglyphs_fork").joinpath("confusables.json").read_text("utf-8"))
    pairs = [(one.replace("\u200e", ""), two.replace("\u200e", "")) for one, others in data.items() for two in others]
    assert len(pairs) > 12_000
    apart = [
        (one, two)
        for one, two in pairs
        if unicodedata.is_normalized("NFD", one + two) and not skeleton(one) == skeleton(two) != ""
    ]
    assert apart == []


@pytest.mark.parametrize(
    "text",
    ["admin", "ADMIN", "аdmin", "adm1n", "ADMlN", "adrnin", "ΑDΜΙΝ", "ａｄｍｉｎ", "admın", "ad\u200bmin", "𝐚𝐝𝐦𝐢𝐧"],
)
def test_a_text_looks_like_another_one_in_whatever_case_that_is_written(text: str) -> None:
    assert looks_like(text, "admin")
    assert looks_like(text, "Admin")


@pytest.mark.parametrize("text", ["", "admi", "admins", "admín", "damin", "ad.min", "管理员"])
def test_what_reads_differently_looks_different(text: str) -> None:
    assert not looks_like(text, "admin")


def test_a_small_i_is_taken_for_a_small_l_only_where_capitals_are_so_written() -> None:
    assert looks_like("seIf", "self")
    assert not looks_like("Seif", "self")


@given(st.text(min_size=1, max_size=20))
def test_every_text_looks_like_itself_and_nothing_like_it_with_a_letter_more(text: str) -> None:
    assert looks_like(text, text)
    assert not looks_like(text + "Q", text)


def test_a_long_name_of_one_ambiguous_letter_is_compared_at_once() -> None:
    assert looks_like("iI" * 25, "i" * 50)
    assert not looks_like("iI" * 25 + "x", "i" * 50)
