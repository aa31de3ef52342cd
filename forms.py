"""BaseForm and every form. A form validates what the request alone shows; it uses no database, cache or session."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any, NamedTuple

import idna
import phonenumbers
import regex
from email_validator import EmailNotValidError, validate_email
from flask_babel import force_locale, get_locale, lazy_gettext
from flask_babel.speaklater import LazyString
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    MultipleFileField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.meta import DefaultMeta
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from confusables import looks_like

EMAIL_MALFORMED = lazy_gettext("Enter a valid email address.")
EMAIL_INVISIBLE = lazy_gettext(
    "The address contains an invisible character (%(name)s, %(code)s) after “%(before)s”. "
    "Type the address instead of pasting it."
)
EMAIL_MISSING = lazy_gettext("Enter an email address.")
CODE_MISSING = lazy_gettext("Enter the code from the email.")
CODE_WRONG = lazy_gettext("The code is incorrect.")
PASSWORD_MISSING = lazy_gettext("Enter your password.")
SENT_TWICE = lazy_gettext("This field was submitted more than once.")
TOO_LONG = lazy_gettext("This is too long.")
IS_MISSING = lazy_gettext("This field is required.")
GIVEN = DataRequired(IS_MISSING)
NAME_RESERVED = lazy_gettext("This username is reserved. Choose a different one.")
NAME_SHAPE = lazy_gettext("Use only letters, digits, dots, hyphens and underscores.")
NAME_INVISIBLE = lazy_gettext(
    "The username contains an invisible character (%(name)s, %(code)s) after “%(before)s”. "
    "Type the username instead of pasting it."
)
NAME_LENGTH = lazy_gettext("The username must have %(low)d to %(high)d characters.")
NAME_WITHOUT_LETTER = lazy_gettext("The username must contain at least one letter.")
NEW_PASSWORD, NEW_PASSWORD_AGAIN = lazy_gettext("New password"), lazy_gettext("Confirm new password")
PASSWORD_SHORT = lazy_gettext("Use at least %(num)d characters.")
PASSWORD_LONG = lazy_gettext("Use at most %(num)d characters.")
PASSWORD_COMMON = lazy_gettext("This password is too common. Choose a different one.")
PASSWORD_PERSONAL = lazy_gettext("The password must not be your username or email address.")
MOBILE_MALFORMED = lazy_gettext(
    "Enter a mobile number. Numbers outside mainland China start with + and the country code."
)
OUT_OF_RANGE = lazy_gettext("Enter a number from %(low)d to %(high)d.")
CHOICE_COUNT = lazy_gettext("Choose %(low)d to %(high)d options.")
INVISIBLE = {
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
CONTROL = lazy_gettext("control character")
GENDERS = {
    "female": lazy_gettext("Female"),
    "male": lazy_gettext("Male"),
    "other": lazy_gettext("Other or prefer not to say"),
}
CITIES = {
    "beijing": lazy_gettext("Beijing"),
    "shanghai": lazy_gettext("Shanghai"),
    "guangzhou": lazy_gettext("Guangzhou"),
    "shenzhen": lazy_gettext("Shenzhen"),
    "hangzhou": lazy_gettext("Hangzhou"),
    "chengdu": lazy_gettext("Chengdu"),
    "elsewhere": lazy_gettext("Other city"),
}
INTERESTS = {
    "news": lazy_gettext("News"),
    "culture": lazy_gettext("Culture"),
    "science": lazy_gettext("Science"),
    "sport": lazy_gettext("Sport"),
    "travel": lazy_gettext("Travel"),
    "music": lazy_gettext("Music"),
}
LANGUAGES = {"zh": "中文", "en": "English"}
ROLES = {"editor": lazy_gettext("Editor"), "superuser": lazy_gettext("Superuser")}
REPEATABLE = (SelectMultipleField, MultipleFileField, FieldList, FormField)  # Fields that read several values.


class BaseForm(Form):
    """A form with messages in the language of the user, which accepts every field only once.

    It is created as any WTForms form: BaseForm(formdata, obj, prefix, data, meta, extra_filters=..., **defaults).
    """

    class Meta(DefaultMeta):
        """The settings of a form. A form may override any of them in a `Meta` of its own or with `meta={...}`."""

        # None: the language of the reader. A list of locales overrides it; False leaves WTForms' messages in English.
        locales: Any = None

        def get_translations(self, form: Any) -> Any:
            """Return WTForms' own catalogue for the locales; each is looked up and read once (`cache_translations`)."""
            if self.locales is None:
                self.locales = [str(get_locale() or "zh")]
            return super().get_translations(form)

    _sent_twice: Sequence[str] = ()
    _complaints: Sequence[str] = ()  # Errors of the whole form that the last validate() added.

    def process(
        self,
        formdata: Any = None,
        obj: object | None = None,
        data: Mapping[str, Any] | None = None,
        extra_filters: Mapping[str, Sequence[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Fill the fields from `formdata` (a MultiDict), else from `obj`, `data` or `kwargs`; may be called again."""
        filters = {name: list(of_field) for name, of_field in (extra_filters or {}).items()}  # WTForms appends to them.
        super().process(formdata, obj, data, filters, **kwargs)
        sent = None if formdata is None else self.meta.wrap_formdata(self, formdata)
        self._sent_twice = [
            name
            for name, field in self._fields.items()
            if sent is not None and not isinstance(field, REPEATABLE) and len(sent.getlist(field.name)) > 1
        ]

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Return whether the form is valid; `errors` and `all_errors` then contain the errors of each field.

        First each field in the order of the form: filters, `pre_validate`, its own validators, the form's
        `validate_<field>`, `post_validate`; a ValidationError adds an error and continues, a StopValidation stops the
        field. Then the checks `together`, each only if all of its fields are valid.
        """
        self.form_errors = [error for error in self.form_errors if error not in self._complaints]
        self._complaints = []
        with self._speaking_its_language():
            passed = super().validate({name: list(more) for name, more in (extra_validators or {}).items()})
            for name in self._sent_twice:
                if name in self:
                    self.refuse(name, SENT_TWICE)
            for check in _checks_of(type(self)):
                self._judge_together(check)
            self._render_errors()
        return passed and not all_errors(self)

    def refuse(self, name: str, sentence: object) -> None:
        """Add an error to a field, or ("", or a field that the form does not have) to the form as a whole."""
        field = self._fields.get(name)
        if field is None or isinstance(field, FormField):
            self.form_errors = [*self.form_errors, str(sentence)]
        else:
            field.errors = [*field.errors, str(sentence)]

    def _speaking_its_language(self) -> AbstractContextManager[None]:
        """Return a context in which the application's own messages are also in the first locale of the form."""
        first = next(iter(self.meta.locales or ()), "")
        if not first or get_locale() is None or str(get_locale()) == first:
            return nullcontext()
        return force_locale(first.replace("-", "_"))  # type: ignore[no-any-return]

    def _render_errors(self) -> None:
        """Convert lazy messages to text; evaluated later, they would use the language that is current then."""
        for field in self:
            if isinstance(field.errors, list):
                field.errors = [str(error) if isinstance(error, LazyString) else error for error in field.errors]

    def _judge_together(self, check: "Together") -> None:
        """Call a check of several fields with their clean data, and store changed data or its error."""
        fields = [self[name] for name in check.names if name in self]
        if len(fields) < len(check.names) or any(field.errors for field in fields):
            return
        try:
            changed = check.judge(self, *(field.data for field in fields))
        except ValidationError as complaint:
            before = self.form_errors
            self.refuse(getattr(complaint, "field", ""), complaint)
            self._complaints = [*self._complaints, *self.form_errors[len(before) :]]
        else:
            for name, value in (changed or {}).items():
                self[name].data = value


class FieldError(ValidationError):
    """An error of a check of several fields that belongs to one of them."""

    def __init__(self, field: str, message: str) -> None:
        """Store the name of the field that the error belongs to."""
        super().__init__(message)
        self.field = field


class Together(NamedTuple):
    """A check of several valid fields."""

    names: tuple[str, ...]
    judge: Callable[..., dict[str, Any] | None]


@cache
def _checks_of(form: type[BaseForm]) -> list[Together]:
    """Return the checks of a form, those of its base classes first, in the order of definition.

    A derived form overrides a check by its name, like any method.
    """
    names = dict.fromkeys(name for cls in reversed(form.__mro__) for name in vars(cls))
    return [item for name in names if type(item := getattr(form, name, None)) is Together]


def together(*names: str) -> Callable[[Callable[..., dict[str, Any] | None]], Together]:
    """Mark a method as a check of several fields; it receives their clean data in this order, if all are valid.

    It may return changed values by name, and raise ValidationError (for the form) or FieldError (for a field).
    """
    return lambda judge: Together(names, judge)


# Invisible characters: whitespace, ignorable characters (Unicode), annotation marks, empty Braille.
BLANK = r"\s\x1c-\x1f\p{Z}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800"
VISIBLE = regex.compile(f"[^{BLANK}]")
LAST_VISIBLE = regex.compile(f"(?r)[^{BLANK}]")
UNSEEN = regex.compile(rf"(?![ \t\r\n])[{BLANK}\p{{Cc}}]")  # A space or a line break inside a text is visible.


def stripped(value: str | None) -> str | None:
    """Strip whitespace and invisible characters from both ends of a text, as found in pasted text."""
    if not value:
        return value
    first, last = VISIBLE.search(value), LAST_VISIBLE.search(value)
    return value[first.start() : last.end()] if first and last else ""


def one_line(value: str | None) -> str | None:
    """Return a text in one line; line breaks and control characters become spaces."""
    kept = ("\n" if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in value or "")
    return " ".join("".join(kept).split()) if value else value


def digits_of(value: str | None) -> str | None:
    """Find six digits in typed or pasted text, with spaces, dashes, digits of any script, or a sentence around them."""
    if not value or len(value) > 200:
        return value
    text = "".join(_plain(character) for character in value)
    groups = re.findall(r"(?<![0-9])[0-9](?:[ -]*[0-9]){5}(?![0-9])", text.strip())
    return re.sub(r"[ -]", "", groups[0]) if len(groups) == 1 else text.strip()


def _plain(character: str) -> str:
    """Return a decimal digit as 0-9, a dash or an invisible mark as "-", and a space as " "."""
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    return {"Pd": "-", "Cf": "-", "Zs": " "}.get(unicodedata.category(character), character)


def _compatible(name: str) -> str:
    """Return the compatibility form of a name (NFKC), in which the database compares names."""
    return unicodedata.normalize("NFKC", name)


class NothingInvisible:
    """A text without invisible characters."""

    def __init__(self, message: Any = NAME_INVISIBLE) -> None:
        """Store the message, which contains the name and code point of the character and the text before it."""
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        """Report the first invisible character. Raises StopValidation."""
        text = field.data or ""
        if found := UNSEEN.search(text):
            character, before = found[0], text[: found.start()]
            name = INVISIBLE.get(character) or unicodedata.name(character, "").lower() or CONTROL
            told = {"name": name, "code": f"U+{ord(character):04X}", "before": before[-20:]}
            raise StopValidation(self.message % told)


class EmailAddress:
    """A normalised address of at most 64/254 characters without invisible ones (RFC 5321)."""

    def __init__(self, message: object = EMAIL_MALFORMED) -> None:
        """Store the message for a malformed address."""
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        """Replace the entered address by its normal form. Raises StopValidation."""
        text = field.data or ""
        # `=?` would be decoded as an RFC 2047 word on its way into the To header: another mailbox than the one stored.
        if len(text) > 320 or "=?" in text:
            raise StopValidation(str(self.message))
        NothingInvisible(EMAIL_INVISIBLE)(form, field)
        try:
            found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
        except EmailNotValidError:
            raise StopValidation(str(self.message)) from None
        if len(found.ascii_email or "") > 254:
            raise StopValidation(str(self.message))
        field.data = found.normalized


class NotReserved:
    """A name that is not reserved; reserved names could be mistaken for those of the operator or the system."""

    NAMES = frozenset(
        "admin administrator root system superuser editor operator owner staff support help info mail postmaster "
        "webmaster hostmaster abuse security noreply null undefined cc cms me self everyone nobody anonymous "
        "管理员 系统 客服".split()
    )

    def __init__(self, names: Iterable[str] = NAMES, message: Any = NAME_RESERVED) -> None:
        """Store the names and the message."""
        self.names, self.message = {name.casefold() for name in names}, message

    def __call__(self, form: Form, field: Field) -> None:
        """Check the name, ignoring case, width and script; names that look like reserved ones are reserved (UTS 39)."""
        name = field.data or ""
        if _compatible(name).casefold() in self.names or any(looks_like(name, reserved) for reserved in self.names):
            raise ValidationError(str(self.message))


class NameLength:
    """A number of user-perceived characters: a letter with its marks counts as one (UAX 29, grapheme clusters)."""

    COLUMN, KEY_COLUMN = 50, 100  # The lengths of the columns, in code points.

    def __init__(self, low: int = 2, high: int = 20) -> None:
        """Store the bounds."""
        self.low, self.high = low, high

    def __call__(self, form: Form, field: Field) -> None:
        """Count the characters, and check that the name and its key fit the columns. Raises StopValidation."""
        name = field.data or ""
        fits = len(name) <= self.COLUMN and len(_compatible(name).casefold()) <= self.KEY_COLUMN
        if not fits or not self.low <= len(regex.findall(r"\X", name)) <= self.high:
            raise StopValidation(NAME_LENGTH % {"low": self.low, "high": self.high})


class NameShape:
    """Letters with their marks and digits of any script, dots, hyphens and underscores; at least one letter."""

    # Marks are allowed on letters only, at most four in a row and none twice (UTS 39, 5.4). Enclosing and ignorable
    # characters are refused, although some of the latter count as letters.
    ALLOWED = regex.compile(r"(?:(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{Mn}\p{Mc}._-])+")
    MISPLACED_MARK = regex.compile(r"(?<![\p{L}\p{M}])\p{M}|\p{Mn}{5}|(\p{Mn})\1")
    LETTER = regex.compile(r"[\p{Lu}\p{Ll}\p{Lt}\p{Lo}]")

    def __call__(self, form: Form, field: Field) -> None:
        """Check the characters and their compatibility form: one Arabic ligature expands to four words."""
        name = field.data or ""
        for written in (name, _compatible(name)):
            marks = unicodedata.normalize("NFD", written)
            if not self.ALLOWED.fullmatch(written) or self.MISPLACED_MARK.search(marks):
                raise ValidationError(str(NAME_SHAPE))
        if not self.LETTER.search(name):
            raise ValidationError(str(NAME_WITHOUT_LETTER))


class PasswordStrength:
    """Long enough and not too common; no rules about character classes (NIST SP 800-63B 3.1.1.2)."""

    def __init__(self, shortest: int = 8, longest: int = 128, commonest: int = 10_000) -> None:
        """Store the bounds, in characters, and the number of common passwords that are refused."""
        self.shortest, self.longest, self.commonest = shortest, longest, commonest

    def __call__(self, form: Form, field: Field) -> None:
        """Check the password as entered: spaces count, and nothing is stripped."""
        password = field.data or ""
        if len(password) < self.shortest:
            raise StopValidation(PASSWORD_SHORT % {"num": self.shortest})
        if len(password) > self.longest:
            raise StopValidation(PASSWORD_LONG % {"num": self.longest})
        if password.casefold() in _commonest_passwords(self.commonest):
            raise StopValidation(str(PASSWORD_COMMON))


@cache
def _commonest_passwords(count: int) -> frozenset[str]:
    """Return the most common passwords of the list in zxcvbn, which is loaded on first use."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 (30 000 words, used on few pages)

    return frozenset(FREQUENCY_LISTS["passwords"][:count])


class MobileNumber:
    """A mobile number of mainland China, or of any country with + and country code."""

    def __call__(self, form: Form, field: Field) -> None:
        """Convert the number to its international form, such as +8613812345678."""
        try:
            number = phonenumbers.parse(field.data or "", "CN")
        except phonenumbers.NumberParseException:
            raise ValidationError(str(MOBILE_MALFORMED)) from None
        mobile = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
        if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in mobile:
            raise ValidationError(str(MOBILE_MALFORMED))
        field.data = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class SameAs:
    """The same text as in another field."""

    def __init__(self, name: str, message: Any) -> None:
        """Store the name of the other field and the message."""
        self.name, self.message = name, message

    def __call__(self, form: Form, field: Field) -> None:
        """Compare the two fields, unless the other one was deleted from the form."""
        if self.name in form and field.data != form[self.name].data:
            raise ValidationError(str(self.message))


class InRange:
    """A whole number between two bounds."""

    def __init__(self, low: int, high: int) -> None:
        """Store the bounds."""
        self.low, self.high = low, high

    def __call__(self, form: Form, field: Field) -> None:
        """Check the number; a missing one is reported by the field."""
        if field.data is not None and not self.low <= field.data <= self.high:
            raise ValidationError(OUT_OF_RANGE % {"low": self.low, "high": self.high})


class ChoiceCount:
    """A number of choices between two bounds."""

    def __init__(self, low: int, high: int) -> None:
        """Store the bounds."""
        self.low, self.high = low, high

    def __call__(self, form: Form, field: Field) -> None:
        """Count the choices; duplicates count once."""
        field.data = list(dict.fromkeys(field.data or ()))
        if not self.low <= len(field.data) <= self.high:
            raise ValidationError(CHOICE_COUNT % {"low": self.low, "high": self.high})


def composed(value: str | None) -> str | None:
    """Return the composed form (NFC), so that equal names compare equal."""
    return unicodedata.normalize("NFC", value) if value else value


def email_field() -> StringField:
    """Return a field for an address."""
    return StringField(lazy_gettext("Email"), [DataRequired(EMAIL_MISSING), EmailAddress()], filters=[stripped])


class CodeShape:
    """Six digits, or an empty text."""

    def __call__(self, form: Form, field: Field) -> None:
        """Check the result of `digits_of`. Raises StopValidation."""
        if field.data and not re.fullmatch(r"[0-9]{6}", field.data):
            raise StopValidation(str(CODE_WRONG))


def code_field(label: Any) -> StringField:
    """Return a field for a code, which may be empty."""
    return StringField(label, [CodeShape()], filters=[digits_of])


def password_field() -> PasswordField:
    """Return a field for the current password."""
    return PasswordField(lazy_gettext("Password"), [DataRequired(PASSWORD_MISSING), Length(max=1024, message=TOO_LONG)])


def choices(table: Mapping[str, Any]) -> list[Any]:
    """Return the choices for WTForms from a mapping of values to labels."""
    return [SelectChoice(value, label) for value, label in table.items()]


def new_password_field(label: Any = NEW_PASSWORD) -> PasswordField:
    """Return a field for a new password."""
    return PasswordField(label, [DataRequired(PASSWORD_MISSING), PasswordStrength()])


def repetition_field(label: Any = NEW_PASSWORD_AGAIN) -> PasswordField:
    """Return a field to repeat the new password."""
    return PasswordField(label, [SameAs("password", lazy_gettext("The passwords do not match."))])


def username_field(*judges: Any) -> StringField:
    """Return a field for a username."""
    validators = [DataRequired(IS_MISSING), NothingInvisible(), NameLength(), *(judges or (NameShape(), NotReserved()))]
    return StringField(lazy_gettext("Username"), validators, filters=[stripped, composed])


def mobile_field(presence: Any) -> StringField:
    """Return a field for a mobile number."""
    return StringField(lazy_gettext("Mobile number"), [presence, MobileNumber()], filters=[stripped])


def staff_number_field(presence: Any) -> IntegerField:
    """Return a field for a staff number."""
    return IntegerField(lazy_gettext("Staff number"), [presence, InRange(1, 99_999_999)])


def gender_field(presence: Any) -> RadioField:
    """Return a field for the gender."""
    return RadioField(lazy_gettext("Gender"), [presence], choices=choices(GENDERS))


def city_field(presence: Any) -> SelectField:
    """Return a field for the city."""
    return SelectField(lazy_gettext("City"), [presence], choices=choices({"": lazy_gettext("Choose a city"), **CITIES}))


def interests_field(presence: Any) -> SelectMultipleField:
    """Return a field for the interests; its choices are set when the form is created."""
    return SelectMultipleField(
        lazy_gettext("Interests"), [presence, ChoiceCount(1, 4)], widget=ListWidget(), option_widget=CheckboxInput()
    )


def role_field() -> SelectField:
    """Return a field for a role."""
    return SelectField(lazy_gettext("Role"), choices=choices(ROLES))


class LoginForm(BaseForm):
    """Sign in."""

    email = email_field()
    password = password_field()
    remember = BooleanField(lazy_gettext("Stay signed in on this device"))
    next = HiddenField(validators=[Length(max=2000, message=TOO_LONG)])


class ReauthForm(BaseForm):
    """Confirm the password again; `next` is the page to continue with."""

    password = password_field()
    next = HiddenField(validators=[Length(max=2000, message=TOO_LONG)])
    resume = HiddenField(validators=[Length(max=2000, message=TOO_LONG)])


class Doubt(NamedTuple):
    """A question about a valid address that looks like a typo."""

    question: Any
    ascii: str  # The ASCII form of the address.
    suggestion: str  # The suggested address, or "".


class EmailCaptchaForm(BaseForm):
    """Request a code; `sure` confirms an address that looks like a typo."""

    email = email_field()
    sure = BooleanField()

    def doubt(self) -> Doubt | None:
        """Return a question about a valid address that looks like a typo, or None."""
        local, _, domain = str(self.email.data).rpartition("@")
        ascii_domain = idna.encode(domain, uts46=True).decode()
        if len(_scripts(domain)) > 1:
            sentence = lazy_gettext(
                "This domain mixes characters of different scripts. Its ASCII form is %(domain)s. Is it correct?"
            )
            return Doubt(sentence % {"domain": ascii_domain}, f"{local}@{ascii_domain}", "")
        near = _nearest_provider(domain)
        if near not in ("", domain):
            sentence = lazy_gettext("Did you mean %(email)s?")
            return Doubt(sentence % {"email": f"{local}@{near}"}, f"{local}@{ascii_domain}", f"{local}@{near}")
        return None


PROVIDERS = (
    "gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com mac.com "
    "aol.com proton.me protonmail.com gmx.com gmx.net gmx.de web.de mail.com email.com fastmail.com zoho.com "
    "yandex.com yandex.ru mail.ru qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com "
    "139.com 189.cn 21.cn tom.com"
).split()


@lru_cache(maxsize=1024)
def _nearest_provider(domain: str) -> str:
    """Return the provider whose domain is like this one, or ""."""
    return next(iter(get_close_matches(domain, PROVIDERS, 1, 0.87)), "")


def _scripts(domain: str) -> set[str]:
    """Return the scripts of a domain's letters; Chinese, Japanese and Korean ones go with Latin in everyday names."""
    names = {unicodedata.name(character, "?").partition(" ")[0] for character in domain if character.isalpha()}
    return names - {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"}


class ResetEmailForm(EmailCaptchaForm):
    """Change the address with the code that was sent to it."""

    captcha = code_field(lazy_gettext("Code"))
    old_captcha = code_field(lazy_gettext("Code from your current address"))

    def validate_captcha(self, field: Field) -> None:
        """Require at least one code; the use case decides whether a second one is needed."""
        if not field.data and not ("old_captcha" in self and self.old_captcha.data):
            raise StopValidation(str(CODE_MISSING))


class UsernameForm(BaseForm):
    """A username assigned by the operator, which may be a reserved one."""

    username = username_field(NameShape())


class ForgotPasswordForm(BaseForm):
    """Request a link to set a new password."""

    email = email_field()


class NewPasswordForm(BaseForm):
    """Set a new password; `unlike` contains the username and the address, which are not allowed."""

    password = new_password_field()
    repetition = repetition_field()

    def __init__(self, *args: Any, unlike: Sequence[str] = (), **kwargs: Any) -> None:
        """Accept the arguments of every form, and `unlike`."""
        super().__init__(*args, **kwargs)
        self._unlike = [word.casefold() for word in unlike if word]

    @together("password")
    def _is_not_the_person(self, password: str) -> None:
        """Refuse the username, the address, and its local part."""
        words = {word for known in self._unlike for word in (known, known.partition("@")[0])}
        if password.casefold() in words:
            raise FieldError("password", str(PASSWORD_PERSONAL))


class ChangePasswordForm(NewPasswordForm):
    """Change the password; the field names are given by the API."""

    oldpwd = PasswordField(
        lazy_gettext("Current password"), [DataRequired(PASSWORD_MISSING), Length(max=1024, message=TOO_LONG)]
    )

    @together("oldpwd", "password")
    def _is_another(self, oldpwd: str, password: str) -> None:
        """Refuse the current password as the new one."""
        if oldpwd == password:
            raise FieldError(
                "password", str(lazy_gettext("The new password must be different from the current password."))
            )


class ProfileForm(BaseForm):
    """Edit the profile; `version` identifies the state that the page showed."""

    username = username_field()
    mobile = mobile_field(Optional())
    staff_number = staff_number_field(Optional())
    gender = gender_field(Optional())
    city = city_field(Optional())
    interests = interests_field(Optional())
    language = SelectField(
        lazy_gettext("Language"), choices=choices({"": lazy_gettext("Same as the browser"), **LANGUAGES})
    )
    version = IntegerField(widget=HiddenInput())

    def __init__(self, *args: Any, interests: Mapping[str, Any] = INTERESTS, **kwargs: Any) -> None:
        """Accept the arguments of every form, and the available interests."""
        super().__init__(*args, **kwargs)
        self.interests.choices = choices(interests)


class RegisterForm(NewPasswordForm):
    """Register with an invitation; every field is required."""

    username = username_field()
    password = new_password_field(lazy_gettext("Password"))
    repetition = repetition_field(lazy_gettext("Confirm password"))
    mobile = mobile_field(GIVEN)
    staff_number = staff_number_field(InputRequired(IS_MISSING))
    gender = gender_field(GIVEN)
    city = city_field(GIVEN)
    interests = interests_field(GIVEN)
    language = SelectField(lazy_gettext("Language"), choices=choices(LANGUAGES))

    def __init__(self, *args: Any, interests: Mapping[str, Any] = INTERESTS, **kwargs: Any) -> None:
        """Accept the arguments of every form, and the available interests."""
        super().__init__(*args, **kwargs)
        self.interests.choices = choices(interests)

    @together("username", "password")
    def _is_not_the_name(self, username: str, password: str) -> None:
        """Refuse the username as the password."""
        if password.casefold() == username.casefold():
            raise FieldError("password", str(PASSWORD_PERSONAL))


class ReasonForm(BaseForm):
    """An action on the account of another administrator, with the reason that they are told."""

    reason = StringField(
        lazy_gettext("Reason"), [DataRequired(IS_MISSING), Length(max=200, message=TOO_LONG)], filters=[one_line]
    )


class RoleForm(ReasonForm):
    """Change the role of another administrator."""

    role = role_field()


class StartChangeForm(ReasonForm):
    """Start a change of address for another administrator."""

    email = email_field()


class InviteForm(BaseForm):
    """Invite an administrator."""

    email = email_field()
    role = role_field()


def all_errors(form: Form) -> dict[str, list[str]]:
    """Return the errors of the form as a whole under "", then those of each field in the order of the form.

    Unlike `form.errors` it uses the field names of the HTML, including prefixes, and is flat for enclosed forms.
    """
    of_form = {"": [str(error) for error in form.form_errors]} if form.form_errors else {}
    return of_form | dict(found for field in form for found in _errors_of(field))


def _errors_of(field: Field) -> Iterator[tuple[str, list[str]]]:
    """Yield the names and errors of a field and of the fields inside it, if there are any."""
    if isinstance(field, FormField):
        yield from ((name or field.name, errors) for name, errors in all_errors(field.form).items())
        return
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _errors_of(entry)
    if own := [str(error) for error in field.errors if not isinstance(error, list | tuple | dict)]:
        yield field.name, own
