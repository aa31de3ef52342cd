"""Which texts look alike: the skeletons of Unicode Technical Standard 39. Knows Unicode's data and nothing of ours."""

import json
import unicodedata
from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files

import regex

IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")


def skeleton(text: str) -> str:
    """Return the skeleton of a text (UTS 39, 4): texts with the same skeleton look the same. Not meant to be shown."""
    visible = IGNORABLE.sub("", unicodedata.normalize("NFD", text))
    prototypes = _prototypes()
    return unicodedata.normalize("NFD", "".join(prototypes.get(character, character) for character in visible))


def looks_like(text: str, other: str) -> bool:
    """Return whether a text could be read as the other one, in whatever case and width that is written.

    Skeletons depend on the case (`I` looks like `l`, `i` does not), so each letter of the other text is compared in
    both cases: "ADMlN" with a small L looks like "admin".
    """
    readings = _readings(other)
    return any(_is_spelled(form, readings) for form in {_folded(text), _folded(unicodedata.normalize("NFKC", text))})


def _is_spelled(text: str, readings: tuple[frozenset[str], ...]) -> bool:
    """Return whether the text consists of one reading of each letter, in this order."""
    ends = {0}
    for letter in readings:
        ends = {end + len(reading) for end in ends for reading in letter if text.startswith(reading, end)}
    return len(text) in ends


@lru_cache(maxsize=1024)
def _readings(text: str) -> tuple[frozenset[str], ...]:
    """Return for each letter of a text what it looks like: as it is, in lower case, and in upper case."""
    return tuple(
        frozenset(_folded(form) for form in (letter, letter.lower(), letter.upper()))
        for letter in unicodedata.normalize("NFKC", text)
    )


def _folded(text: str) -> str:
    return skeleton(text).casefold()


@cache
def _prototypes() -> dict[str, str]:
    """Return the prototype of every character that has one; read when the first name is compared.

    The package holds confusables.txt without its direction: each character with all that look like it. A prototype is
    what most of its class point to; of two that only have each other the longer text or else the smaller one.
    """
    raw = json.loads(files("homoglyphs_fork").joinpath("confusables.json").read_text("utf-8"))
    alike: dict[str, set[str]] = defaultdict(set)
    for text, others in raw.items():
        for other in others:
            one, two = text.replace("\u200e", ""), other.replace("\u200e", "")  # Around texts from right to left.
            alike[one].add(two)
            alike[two].add(one)
    found = {}
    for text, others in alike.items():
        prototype = min((text, *others), key=lambda each: (-len(alike[each]), -len(each), each))
        if len(text) == 1 and prototype != text:
            found[text] = prototype
    return {text: "".join(found.get(part, part) for part in prototype) for text, prototype in found.items()}
