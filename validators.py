"""Validators and filters for the fields of forms.py, and a check for mistyped addresses.

As in WTForms, a validator is called with the form and the field, and raises ValidationError or StopValidation; a filter
is called with the value of a field, and returns the new value.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any, NamedTuple

import idna
import phonenumbers
import regex
from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext
from wtforms import Field, Form
from wtforms.validators import NumberRange, StopValidation, ValidationError

from confusables import looks_like

INVALID_EMAIL = lazy_gettext("Enter a valid email address.")
INVISIBLE_CHARACTER_IN_EMAIL = lazy_gettext(
    "The address contains an invisible character (%(name)s, %(code)s) after “%(before)s”. "
    "Type the address instead of pasting it."
)
MIXED_SCRIPTS = lazy_gettext(
    "This domain mixes characters of different scripts. Its ASCII form is %(domain)s. Is it correct?"
)
SUGGESTED_EMAIL = lazy_gettext("Did you mean %(email)s?")
INCORRECT_CODE = lazy_gettext("The code is incorrect.")
INVALID_NAME = lazy_gettext("Use only letters, digits, dots, hyphens and underscores.")
INVALID_NAME_LENGTH = lazy_gettext("The username must have %(min)d to %(max)d characters.")
INVISIBLE_CHARACTER_IN_NAME = lazy_gettext(
    "The username contains an invisible character (%(name)s, %(code)s) after “%(before)s”. "
    "Type the username instead of pasting it."
)
NAME_WITHOUT_LETTER = lazy_gettext("The username must contain at least one letter.")
RESERVED_NAME = lazy_gettext("This username is reserved. Choose a different one.")
SHORT_PASSWORD = lazy_gettext("Use at least %(num)d characters.")
LONG_PASSWORD = lazy_gettext("Use at most %(num)d characters.")
COMMON_PASSWORD = lazy_gettext("This password is too common. Choose a different one.")
INVALID_MOBILE_NUMBER = lazy_gettext(
    "Enter a mobile number. Numbers outside mainland China start with + and the country code."
)
NUMBER_OUT_OF_RANGE = lazy_gettext("Enter a number from %(min)s to %(max)s.")
INVALID_CHOICE_COUNT = lazy_gettext("Choose %(min)d to %(max)d options.")

CHARACTER_NAMES = {
    "\u00a0": lazy_gettext("no-break space"),
    "\u00ad": lazy_gettext("soft hyphen"),
    "\u200b": lazy_gettext("zero width space"),
    "\u200c": lazy_gettext("zero width non-joiner"),
    "\u200d": lazy_gettext("zero width joiner"),
    "\u200e": lazy_gettext("left-to-right mark"),
    "\u200f": lazy_gettext("right-to-left mark"),
    "\u2060": lazy_gettext("word joiner"),
    "\u3000": lazy_gettext("full-width space"),
    "\ufe0f": lazy_gettext("variation selector"),
    "\ufeff": lazy_gettext("byte order mark"),
}
CONTROL_CHARACTER = lazy_gettext("control character")

# Whitespace, ignorable characters (Default_Ignorable_Code_Point), annotation marks, and the empty Braille pattern.
_INVISIBLE = r"\s\x1c-\x1f\p{Z}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800"
_FIRST_VISIBLE = regex.compile(f"[^{_INVISIBLE}]")
_LAST_VISIBLE = regex.compile(f"(?r)[^{_INVISIBLE}]")
# Spaces, tabs and line breaks inside a text are visible.
_FIRST_INVISIBLE = regex.compile(rf"(?![ \t\r\n])[{_INVISIBLE}\p{{Cc}}]")


# Filters


def strip_invisible(value: str | None) -> str | None:
    """Strip whitespace and other invisible characters from both ends of a text."""
    if not value:
        return value
    first, last = _FIRST_VISIBLE.search(value), _LAST_VISIBLE.search(value)
    return value[first.start() : last.end()] if first and last else ""


def join_lines(value: str | None) -> str | None:
    """Replace line breaks, control characters and repeated spaces by single spaces."""
    if not value:
        return value
    return " ".join("".join("\n" if _is_control(character) else character for character in value).split())


def normalize_nfc(value: str | None) -> str | None:
    """Convert a text to its composed form (NFC), so that equal names compare equal."""
    return unicodedata.normalize("NFC", value) if value else value


def extract_code(value: str | None) -> str | None:
    """Extract six digits from a text: digits of any script, separated by spaces or dashes, or inside a sentence.

    Returns the text without surrounding whitespace if it contains no code, or several.
    """
    if not value or len(value) > 200:
        return value
    text = "".join(_simplify_character(character) for character in value)
    groups = re.findall(r"(?<![0-9])[0-9](?:[ -]*[0-9]){5}(?![0-9])", text.strip())
    return re.sub(r"[ -]", "", groups[0]) if len(groups) == 1 else text.strip()


# Validators


class NothingInvisible:
    """Validates that a text contains no invisible characters. Raises StopValidation.

    The message can contain `%(name)s` and `%(code)s` of the first invisible character, and `%(before)s`, the text
    before it.
    """

    def __init__(self, message: Any = INVISIBLE_CHARACTER_IN_NAME) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        text = field.data or ""
        if found := _FIRST_INVISIBLE.search(text):
            character, before = found[0], text[: found.start()]
            name = CHARACTER_NAMES.get(character) or unicodedata.name(character, "").lower() or CONTROL_CHARACTER
            details = {"name": name, "code": f"U+{ord(character):04X}", "before": before[-20:]}
            raise StopValidation(self.message % details)


class EmailAddress:
    """Validates an email address (RFC 5321: 64 characters before the @, 254 in all) and normalises it.

    Raises StopValidation.
    """

    def __init__(self, message: Any = INVALID_EMAIL) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        text = field.data or ""
        # `=?` in the To header would be decoded as an encoded word (RFC 2047), which results in another address.
        if len(text) > 320 or "=?" in text:
            raise StopValidation(str(self.message))
        NothingInvisible(INVISIBLE_CHARACTER_IN_EMAIL)(form, field)
        try:
            found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
        except EmailNotValidError:
            raise StopValidation(str(self.message)) from None
        if len(found.ascii_email or "") > 254:
            raise StopValidation(str(self.message))
        field.data = found.normalized


class CodeShape:
    """Validates that a text is empty or has six digits. Raises StopValidation."""

    def __init__(self, message: Any = INCORRECT_CODE) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if field.data and not re.fullmatch(r"[0-9]{6}", field.data):
            raise StopValidation(str(self.message))


class NameLength:
    """Validates the number of user-perceived characters of a name (grapheme clusters, UAX 29). Raises StopValidation.

    The name and its comparison key must also fit into their columns, whose lengths are in code points.
    """

    COLUMN_LENGTH, KEY_COLUMN_LENGTH = 50, 100

    def __init__(self, min: int = 2, max: int = 20) -> None:
        self.min, self.max = min, max

    def __call__(self, form: Form, field: Field) -> None:
        name = field.data or ""
        fits = len(name) <= self.COLUMN_LENGTH and len(_normalize_nfkc(name).casefold()) <= self.KEY_COLUMN_LENGTH
        if not fits or not self.min <= len(regex.findall(r"\X", name)) <= self.max:
            raise StopValidation(INVALID_NAME_LENGTH % {"min": self.min, "max": self.max})


class NameShape:
    """Validates that a name consists of letters with their marks, digits, dots, hyphens and underscores.

    Letters and digits of any script are accepted; at least one letter is required. The compatibility form of the name
    is validated as well, because a single ligature can expand to several words.
    """

    # Marks are allowed on letters only, at most four in a row and none twice (UTS 39, 5.4). Enclosing and ignorable
    # characters are refused, although some of the latter count as letters.
    ALLOWED = regex.compile(r"(?:(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{Mn}\p{Mc}._-])+")
    MISPLACED_MARK = regex.compile(r"(?<![\p{L}\p{M}])\p{M}|\p{Mn}{5}|(\p{Mn})\1")
    LETTER = regex.compile(r"[\p{Lu}\p{Ll}\p{Lt}\p{Lo}]")

    def __call__(self, form: Form, field: Field) -> None:
        name = field.data or ""
        for text in (name, _normalize_nfkc(name)):
            if not self.ALLOWED.fullmatch(text) or self.MISPLACED_MARK.search(unicodedata.normalize("NFD", text)):
                raise ValidationError(str(INVALID_NAME))
        if not self.LETTER.search(name):
            raise ValidationError(str(NAME_WITHOUT_LETTER))


class NotReserved:
    """Validates that a name is not reserved, and does not look like a reserved name (UTS 39).

    Case, width and script are ignored.
    """

    # These could be mistaken for the operator or for the system.
    NAMES = frozenset(
        "admin administrator root system superuser editor operator owner staff support help info mail postmaster "
        "webmaster hostmaster abuse security noreply null undefined cc cms me self everyone nobody anonymous "
        "管理员 系统 客服".split()
    )

    def __init__(self, names: Iterable[str] = NAMES, message: Any = RESERVED_NAME) -> None:
        self.names, self.message = {name.casefold() for name in names}, message

    def __call__(self, form: Form, field: Field) -> None:
        name = field.data or ""
        if _normalize_nfkc(name).casefold() in self.names or any(looks_like(name, each) for each in self.names):
            raise ValidationError(str(self.message))


class PasswordStrength:
    """Validates that a password is long enough and not common. Raises StopValidation.

    There are no rules about character classes (NIST SP 800-63B 3.1.1.2). Spaces count, and nothing is stripped.
    `common` is the number of the most common passwords that are refused.
    """

    def __init__(self, min: int = 8, max: int = 128, common: int = 10_000) -> None:
        self.min, self.max, self.common = min, max, common

    def __call__(self, form: Form, field: Field) -> None:
        password = field.data or ""
        if len(password) < self.min:
            raise StopValidation(SHORT_PASSWORD % {"num": self.min})
        if len(password) > self.max:
            raise StopValidation(LONG_PASSWORD % {"num": self.max})
        if password.casefold() in _load_common_passwords(self.common):
            raise StopValidation(str(COMMON_PASSWORD))


def consists_of_words(password: str, texts: Iterable[str]) -> bool:
    """Return whether a password consists only of these texts and their parts (ASVS 6.2.11).

    Case, width, and all characters between and around them are ignored that are no letters: `Ann-Ann 2026!` consists
    of `ann`. Digits count where a text has some. Parts with less than three characters (in Chinese and other scripts:
    two) are ignored. A password that contains other letters is accepted.
    """
    own = [_normalize_nfkc(text).casefold() for text in texts if text]
    normal = _normalize_nfkc(password).casefold()
    parts = {part for text in own for part in (text, text.partition("@")[0], *re.split(r"[\W_]+", text))}
    if normal in parts - {""}:
        return True
    for keep in (str.isalnum, _is_letter):
        words = {_keep_only(keep, part) for part in parts}
        words = {word for word in words if len(word) >= (3 if word.isascii() else 2)}
        if _is_concatenation(_keep_only(keep, normal), words):
            return True
    return False


class MobileNumber:
    """Validates a mobile number and converts it to E.164, as in +8613812345678.

    Numbers without + and country code are those of mainland China.
    """

    def __call__(self, form: Form, field: Field) -> None:
        try:
            number = phonenumbers.parse(field.data or "", "CN")
        except phonenumbers.NumberParseException:
            raise ValidationError(str(INVALID_MOBILE_NUMBER)) from None
        mobile = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
        if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in mobile:
            raise ValidationError(str(INVALID_MOBILE_NUMBER))
        field.data = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class IntegerRange(NumberRange):
    """Validates that an integer is of a minimum and a maximum value, inclusive, as NumberRange does.

    Unlike NumberRange, it stops without a second error if the field could not convert its value, and reports integers
    that are too large for a float instead of raising OverflowError.
    """

    message: Any

    def __init__(self, min: int, max: int, message: Any = NUMBER_OUT_OF_RANGE) -> None:
        super().__init__(min, max, message)

    def __call__(self, form: Any, field: Field) -> None:
        if field.process_errors:
            raise StopValidation
        try:
            super().__call__(form, field)
        except OverflowError:
            raise ValidationError(self.message % {"min": self.min, "max": self.max}) from None


class ChoiceCount:
    """Validates the number of selected choices, and removes duplicates."""

    def __init__(self, min: int, max: int) -> None:
        self.min, self.max = min, max

    def __call__(self, form: Form, field: Field) -> None:
        field.data = list(dict.fromkeys(field.data or ()))
        if not self.min <= len(field.data) <= self.max:
            raise ValidationError(INVALID_CHOICE_COUNT % {"min": self.min, "max": self.max})


# Mistyped addresses

PROVIDERS = (
    "gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com mac.com "
    "aol.com proton.me protonmail.com gmx.com gmx.net gmx.de web.de mail.com email.com fastmail.com zoho.com "
    "yandex.com yandex.ru mail.ru qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com "
    "139.com 189.cn 21.cn tom.com"
).split()


class Typo(NamedTuple):
    """A probable typo in a valid address."""

    question: Any  # Asks the user whether the address is correct.
    ascii: str  # The ASCII form of the address.
    suggestion: str  # The suggested address, or "".


def find_typo(email: str) -> Typo | None:
    """Return the probable typo in a valid address: a domain of several scripts, or one similar to a common provider."""
    local, _, domain = email.rpartition("@")
    seen = _inspect(domain)
    if seen.is_mixed:
        return Typo(MIXED_SCRIPTS % {"domain": seen.ascii}, f"{local}@{seen.ascii}", "")
    if seen.provider not in ("", domain):
        suggestion = f"{local}@{seen.provider}"
        return Typo(SUGGESTED_EMAIL % {"email": suggestion}, f"{local}@{seen.ascii}", suggestion)
    return None


class _Domain(NamedTuple):
    """A domain in ASCII, whether it mixes scripts, and the provider whose domain is most similar, or ""."""

    ascii: str
    is_mixed: bool
    provider: str


@lru_cache(maxsize=1024)  # Most addresses have one of a few domains.
def _inspect(domain: str) -> _Domain:
    similar = next(iter(get_close_matches(domain, PROVIDERS, 1, 0.87)), "")
    return _Domain(idna.encode(domain, uts46=True).decode(), len(_find_scripts(domain)) > 1, similar)


def _find_scripts(domain: str) -> set[str]:
    """Return the scripts of a domain, without those that are commonly combined with Latin in East Asia."""
    names = {unicodedata.name(character, "?").partition(" ")[0] for character in domain if character.isalpha()}
    return names - {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"}


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _keep_only(keep: Callable[[str], bool], text: str) -> str:
    return "".join(filter(keep, text))


def _is_concatenation(text: str, words: Iterable[str]) -> bool:
    """Return whether a text is one of the words, or several in a row. Unlike a regular expression, in linear time."""
    ends = {0}
    for start in range(len(text)):
        if start in ends:
            ends |= {start + len(word) for word in words if text.startswith(word, start)}
    return text != "" and len(text) in ends


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")


def _simplify_character(character: str) -> str:
    """Convert a decimal digit to 0-9, a dash or a format character to "-", and a space to " "."""
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    return {"Pd": "-", "Cf": "-", "Zs": " "}.get(unicodedata.category(character), character)


def _normalize_nfkc(name: str) -> str:
    """Return the compatibility form of a name (NFKC), in which the database compares names."""
    return unicodedata.normalize("NFKC", name)


@cache
def _load_common_passwords(count: int) -> frozenset[str]:
    """Return the most common passwords from the list of zxcvbn, which is imported on first use."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 (30 000 words, used on few pages)

    return frozenset(FREQUENCY_LISTS["passwords"][:count])
