"""Detection of confusable texts with the skeletons of Unicode Technical Standard 39 (UTS 39)."""

import json
import unicodedata
from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files

import regex

IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")


def skeleton(text: str) -> str:
    """Return the skeleton of a text (UTS 39, 4). It is for comparison only: confusable texts have equal skeletons."""
    visible = IGNORABLE.sub("", unicodedata.normalize("NFD", text))
    prototypes = _load_prototypes()
    return unicodedata.normalize("NFD", "".join(prototypes.get(character, character) for character in visible))


def looks_like(text: str, other: str) -> bool:
    """Return whether a text looks like another one, regardless of the case and width of the other text.

    Skeletons depend on the case (`I` looks like `l`, but `i` does not), so each character of the other text is compared
    in both cases: `ADMlN`, with a lowercase L, looks like `admin`.
    """
    variants = _find_variants(other)
    compatible = unicodedata.normalize("NFKC", text)
    return any(_matches(folded, variants) for folded in {_fold_skeleton(text), _fold_skeleton(compatible)})


def _matches(text: str, variants: tuple[frozenset[str], ...]) -> bool:
    """Return whether a text consists of one variant of each character, in this order."""
    ends = {0}
    for of_character in variants:
        ends = {end + len(variant) for end in ends for variant in of_character if text.startswith(variant, end)}
    return len(text) in ends


@lru_cache(maxsize=1024)
def _find_variants(text: str) -> tuple[frozenset[str], ...]:
    """Return the skeletons of each character of a text with its marks: as it is, in lower case, and in upper case."""
    return tuple(
        frozenset(_fold_skeleton(form) for form in (cluster, cluster.lower(), cluster.upper()))
        for cluster in _split_clusters(unicodedata.normalize("NFKC", text))
    )


def _split_clusters(text: str) -> list[str]:
    """Split a text where the skeletons of the parts, joined, are the skeleton of the text.

    Normalization may exchange combining marks, so a character stays with the one before it if it is a mark, if its
    skeleton begins with one, or if it is ignorable.
    """
    clusters: list[str] = []
    for character in text:
        first = skeleton(character)[:1]
        if clusters and (not first or unicodedata.combining(first) or unicodedata.combining(character)):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _fold_skeleton(text: str) -> str:
    """Return the skeleton of a text without differences in case."""
    return skeleton(text).casefold()


@cache
def _load_prototypes() -> dict[str, str]:
    """Return the prototype of each character that has one; the data is loaded on first use.

    The package contains the pairs of Unicode's confusables.txt without their direction: each character with all others
    that look like it. The prototype of a character is the text among these that looks like most others; if there are
    several, the longest one, and of these the one with the smallest code points.
    """
    raw = json.loads(files("homoglyphs_fork").joinpath("confusables.json").read_text("utf-8"))
    alike: dict[str, set[str]] = defaultdict(set)
    for text, others in raw.items():
        for other in others:
            one, two = text.replace("\u200e", ""), other.replace("\u200e", "")  # Marks around right-to-left texts.
            alike[one].add(two)
            alike[two].add(one)
    found = {}
    for text, others in alike.items():
        prototype = min((text, *others), key=lambda each: (-len(alike[each]), -len(each), each))
        if len(text) == 1 and prototype != text:
            found[text] = prototype
    return {text: "".join(found.get(part, part) for part in prototype) for text, prototype in found.items()}
