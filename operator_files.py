"""The files of the operator that settings name: the logo, the styles, and the fields of the profile.

Every function raises ValueError with what is wrong, in a line without a full stop.
"""

import re
import stat
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

DEFAULT_FIELDS = Path(__file__).resolve().parent / "profile_fields.toml"
LONGEST_BYTES = 262_144  # Of the logo and of the styles, which are kept in memory.
LONGEST_TOML_BYTES = 65_536
MOST_CHOICES = 200
LONGEST_KEY = 40  # The column `city` has as many characters.
LONGEST_LABEL = 60
RULES = ("required", "optional", "off")
PAGES = ("registration", "profile")
LANGUAGES = ("zh", "en")
WITH_CHOICES = ("city", "interests")
PROFILE_FIELDS = ("mobile", "staff_number", "gender", *WITH_CHOICES)
KINDS = {dict: "a table", list: "a list", bool: "true or false", int: "a number", float: "a number"}  # Of TOML.
MAGIC = {"png": rb"\x89PNG\r\n\x1a\n", "webp": rb"RIFF....WEBP"}


def read_logo(path: Path) -> dict[str, bytes]:
    """Return the content of an image by the name under which it is served."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", *MAGIC):
        raise ValueError("it must end with .svg, .png or .webp")
    content = _read(path, LONGEST_BYTES)
    if kind == "svg":
        _require_svg(content)
    elif not re.match(MAGIC[kind], content, re.DOTALL):
        raise ValueError(f"the file is no image of the format {kind}")
    return {f"site-logo.{kind}": content}


def read_styles(path: Path) -> dict[str, bytes]:
    """Return the content of a style sheet by the name under which it is served."""
    if path.suffix.lower() != ".css":
        raise ValueError("it must end with .css")
    content = _read(path, LONGEST_BYTES)
    if b"\0" in content or _decode(content).lstrip().startswith("<"):
        raise ValueError("the file is no style sheet")
    return {"site.css": content}


def read_profile_fields(path: Path) -> dict[str, dict[str, Any]]:
    """Return the rules and choices of every field of the profile; a field that the file does not name is off."""
    content = _decode(_read(path, LONGEST_TOML_BYTES))
    try:
        found = tomllib.loads(content)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"the file is not valid TOML: {_in_a_line(problem)}") from None
    _require_known(found, PROFILE_FIELDS, "")
    off = dict.fromkeys(PAGES, "off")
    return {
        name: _read_field(name, found[name]) if name in found else {**off, "choices": {}} for name in PROFILE_FIELDS
    }


def require_plain_text(text: str, longest: int) -> None:
    """Raise ValueError unless a text can be shown in one line as it is."""
    if not 0 < len(text) <= longest:
        raise ValueError(f"it must have 1 to {longest} characters")
    if text != text.strip() or any(unicodedata.category(each) in ("Zl", "Zp") or _is_other(each) for each in text):
        raise ValueError("it must not contain control characters or other invisible characters")


def _is_other(character: str) -> bool:
    """Return whether a character is a control, a format or an unassigned character."""
    return unicodedata.category(character).startswith("C")


def _read(path: Path, longest: int) -> bytes:
    """Return the content of a file that is not empty and not too large."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("it is a folder, not a file" if path.is_dir() else "it is no regular file")
        with path.open("rb") as file:
            content = file.read(longest + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError("there is no such file") from None
    except OSError as problem:
        raise ValueError(f"the file cannot be read: {problem.strerror}") from None
    if not content.strip():
        raise ValueError("the file is empty")
    if len(content) > longest:
        raise ValueError(f"the file is larger than {longest // 1024} KiB")
    return content


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ValueError(f"the file is not UTF-8: byte {problem.start + 1}") from None


def _require_svg(content: bytes) -> None:
    """Raise ValueError unless this is well-formed XML whose outermost element is that of SVG."""
    try:
        root = ET.fromstring(content)  # noqa: S314 (The file belongs to the operator.)
    except (ET.ParseError, ValueError, LookupError) as problem:
        raise ValueError(f"the file is not valid XML: {_in_a_line(problem)}") from None
    if root.tag != "{http://www.w3.org/2000/svg}svg":
        raise ValueError('the file is no SVG: its outermost element must be <svg xmlns="http://www.w3.org/2000/svg">')


def _read_field(name: str, table: object) -> dict[str, Any]:
    """Return the rules and the choices of one field."""
    has_choices = name in WITH_CHOICES
    given = _require_table(table, name)
    _require_known(given, (*PAGES, "choices") if has_choices else PAGES, f"{name}.")
    for page in PAGES:
        if page not in given:
            raise ValueError(f"{name}.{page} is missing; it must be {_one_of(RULES)}")
        if given[page] not in RULES:
            raise ValueError(f"{name}.{page} must be {_one_of(RULES)}, not {_shorten(given[page])}")
    choices = _read_choices(f"{name}.choices", given.get("choices", {})) if has_choices else {}
    if has_choices and not choices and any(given[page] != "off" for page in PAGES):
        raise ValueError(f"{name}.choices must have at least one choice, unless the field is off")
    return {**{page: given[page] for page in PAGES}, "choices": choices}


def _read_choices(place: str, table: object) -> dict[str, dict[str, str]]:
    """Return the labels of choices by key, in the order of the file."""
    given = _require_table(table, place)
    if len(given) > MOST_CHOICES:
        raise ValueError(f"{place} has more than {MOST_CHOICES} choices")
    for key in given:
        if not re.fullmatch(rf"[a-z0-9_-]{{1,{LONGEST_KEY}}}", key):
            raise ValueError(
                f"{place}: the key {_shorten(key)} must consist of 1 to {LONGEST_KEY} characters a-z, 0-9, _ and -"
            )
    found = {key: _read_labels(f"{place}.{key}", labels) for key, labels in given.items()}
    for language in LANGUAGES:
        _require_distinct(place, language, {key: labels[language] for key, labels in found.items()})
    return found


def _require_distinct(place: str, language: str, labels: Mapping[str, str]) -> None:
    """Raise ValueError if two choices look the same."""
    keys: dict[str, str] = {}
    for key, label in labels.items():
        first = keys.setdefault(unicodedata.normalize("NFKC", label).casefold(), key)
        if first != key:
            raise ValueError(f"{place}.{key}.{language} is the same as {place}.{first}.{language}")


def _read_labels(place: str, table: object) -> dict[str, str]:
    """Return the label of a choice in every language."""
    labels = _require_table(table, place)
    _require_known(labels, LANGUAGES, f"{place}.")
    for language in LANGUAGES:
        if not isinstance(labels.get(language), str):
            raise ValueError(f"{place}.{language} must be a text")  # noqa: TRY004 (As above.)
        try:
            require_plain_text(labels[language], LONGEST_LABEL)
        except ValueError as problem:
            raise ValueError(f"{place}.{language}: {problem}") from None
    return {language: labels[language] for language in LANGUAGES}


def _require_table(value: object, place: str) -> Mapping[str, Any]:
    """Return a table of the file."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{place} must be a table, not {_shorten(value)}")  # noqa: TRY004 (Every error is one line.)
    return value


def _require_known(given: Iterable[str], known: tuple[str, ...], place: str) -> None:
    """Raise ValueError for the first name that has no meaning here."""
    for name in given:
        if name not in known:
            raise ValueError(f"{_shorten(place + name)} is unknown; known are {', '.join(known)}")


def _one_of(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _shorten(value: object) -> str:
    """Return a value of the file for an error: a quoted text, not longer than a key may be, or what it is instead."""
    if not isinstance(value, str):
        return next((name for kind, name in KINDS.items() if isinstance(value, kind)), "a date or a time")
    written = repr(value)
    return written if len(written) <= LONGEST_KEY + 20 else f"{written[: LONGEST_KEY + 20]}..."


def _in_a_line(problem: Exception) -> str:
    """Return the message of another parser, in one line and without its full stop."""
    return " ".join(str(problem).split()).rstrip(".")
