"""What may be sent: BaseForm and every form. A form judges what the request alone shows, and asks nobody."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import idna
from email_validator import EmailNotValidError, validate_email
from flask_babel import get_locale, lazy_gettext
from wtforms import BooleanField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.i18n import get_translations
from wtforms.meta import DefaultMeta
from wtforms.validators import DataRequired, EqualTo, Length, StopValidation

EMAIL_MALFORMED = lazy_gettext("Please enter a valid e-mail address!")
EMAIL_MISSING = lazy_gettext("Please enter an e-mail address!")
CODE_MISSING = lazy_gettext("Please enter the code from the mail!")
CODE_WRONG = lazy_gettext("The code is wrong!")
PASSWORD_MISSING = lazy_gettext("Please enter your password!")
SENT_TWICE = lazy_gettext("This field was sent more than once.")
TOO_LONG = lazy_gettext("This is too long.")


class BaseForm(Form):
    """A form whose messages are in the language of the reader, and which takes every field once only."""

    class Meta(DefaultMeta):
        """WTForms' own messages come from its own catalogues."""

        def get_translations(self, form: Any) -> Any:
            """Return WTForms' catalogue of the language at hand."""
            return get_translations([str(get_locale() or "zh")])

    def __init__(self, sent: Any = None, **kwargs: Any) -> None:
        """Read what was sent, a MultiDict; None makes an empty form for a page."""
        self._twice = [name for name in self._names() if sent is not None and len(sent.getlist(name)) > 1]
        super().__init__(sent, **kwargs)

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Say whether every field may stand as it is; `errors` then tells what is wrong with which."""
        passed = super().validate(extra_validators)
        for name in self._twice:
            self.refuse(name, SENT_TWICE)
        return passed and not self._twice

    def refuse(self, name: str, sentence: object) -> None:
        """Put a sentence at a field, for who judges what a form cannot."""
        field = self[name]
        field.errors = (*field.errors, str(sentence))

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in dir(cls) if not name.startswith("_") and hasattr(getattr(cls, name), "_formfield")]


def stripped(value: str | None) -> str | None:
    """Take away the blanks around a text."""
    return value.strip() if value else value


def digits_of(value: str | None) -> str | None:
    """Find the six digits in what somebody typed or pasted: blanks, dashes, any script's digits, a sentence around."""
    if not value or len(value) > 200:
        return value
    text = "".join(_plain(character) for character in unicodedata.normalize("NFKC", value))
    groups = re.findall(r"(?<![0-9])[0-9](?:[ -]*[0-9]){5}(?![0-9])", text.strip())
    return re.sub(r"[ -]", "", groups[0]) if len(groups) == 1 else text.strip()


def _plain(character: str) -> str:
    """Return a decimal digit as 0-9, a dash or an invisible mark as "-", a blank as " "."""
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    return {"Pd": "-", "Cf": "-", "Zs": " "}.get(unicodedata.category(character), character)


class EmailAddress:
    """An address as the rest of the house takes it: normal form, at most 64/254, no invisible characters (RFC 5321)."""

    def __init__(self, message: object = EMAIL_MALFORMED) -> None:
        """Keep the sentence for an address that is not one."""
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        """Replace the typed address by its normal form. Raises StopValidation."""
        text = field.data or ""
        # `=?` would be decoded as an RFC 2047 word on its way into the To header: another mailbox than the one stored.
        if len(text) > 320 or "=?" in text:
            raise StopValidation(str(self.message))
        try:
            found = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
        except EmailNotValidError:
            raise StopValidation(str(self.message)) from None
        if len(found.ascii_email or "") > 254:
            raise StopValidation(str(self.message))
        field.data = found.normalized


def email_field() -> StringField:
    """Return the field in which an address is typed."""
    return StringField(lazy_gettext("E-mail"), [DataRequired(EMAIL_MISSING), EmailAddress()], filters=[stripped])


class CodeShape:
    """Six digits, or nothing."""

    def __call__(self, form: Form, field: Field) -> None:
        """Judge what `digits_of` made of the text. Raises StopValidation."""
        if field.data and not re.fullmatch(r"[0-9]{6}", field.data):
            raise StopValidation(str(CODE_WRONG))


def code_field(label: Any) -> StringField:
    """Return a field in which a code is typed; it may be left empty."""
    return StringField(label, [CodeShape()], filters=[digits_of])


def password_field() -> PasswordField:
    """Return the field in which somebody types the password that they have."""
    return PasswordField(lazy_gettext("Password"), [DataRequired(PASSWORD_MISSING), Length(max=1024, message=TOO_LONG)])


class LoginForm(BaseForm):
    """Signing in."""

    email = email_field()
    password = password_field()
    remember = BooleanField(lazy_gettext("Stay signed in on this device"))
    next = HiddenField(validators=[Length(max=2000, message=TOO_LONG)])


class ReauthForm(BaseForm):
    """Proving the password once more; `next` is where an interrupted page goes on."""

    password = password_field()
    next = HiddenField(validators=[Length(max=2000, message=TOO_LONG)])
    resume = HiddenField(validators=[Length(max=2000, message=TOO_LONG)])


class Doubt(NamedTuple):
    """A question about an address that is well formed and looks like a slip all the same."""

    question: Any
    ascii: str  # The address as the mail servers see it.
    suggestion: str  # What may have been meant, or "".


class EmailCaptchaForm(BaseForm):
    """Asking for a code; `sure` answers the question that a doubtful address raises."""

    email = email_field()
    sure = BooleanField()

    def doubt(self) -> Doubt | None:
        """Return what looks like a slip in an address that passed, or None."""
        local, _, domain = str(self.email.data).rpartition("@")
        ascii_domain = idna.encode(domain, uts46=True).decode()
        if len(_scripts(domain)) > 1:
            sentence = lazy_gettext("This domain mixes scripts; its real name is %(domain)s. Is it the right one?")
            return Doubt(sentence % {"domain": ascii_domain}, f"{local}@{ascii_domain}", "")
        near = get_close_matches(domain, PROVIDERS, 1, 0.87)
        if near and near[0] != domain:
            sentence = lazy_gettext("Did you mean %(email)s?")
            return Doubt(sentence % {"email": f"{local}@{near[0]}"}, f"{local}@{ascii_domain}", f"{local}@{near[0]}")
        return None


PROVIDERS = (
    "gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com mac.com "
    "aol.com proton.me protonmail.com gmx.com gmx.net gmx.de web.de mail.com email.com fastmail.com zoho.com "
    "yandex.com yandex.ru mail.ru qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com "
    "139.com 189.cn 21.cn tom.com"
).split()


def _scripts(domain: str) -> set[str]:
    """Return the scripts of a domain's letters; Chinese, Japanese and Korean ones go with Latin in everyday names."""
    names = {unicodedata.name(character, "?").partition(" ")[0] for character in domain if character.isalpha()}
    return names - {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}


class ResetEmailForm(EmailCaptchaForm):
    """Changing the address with the code that was mailed to it."""

    captcha = code_field(lazy_gettext("Code"))
    old_captcha = code_field(lazy_gettext("Code from your present address"))

    def validate_captcha(self, field: Field) -> None:
        """Ask for one code at least; whether a second one is needed is not for a form to know."""
        if not field.data and not self.old_captcha.data:
            raise StopValidation(str(CODE_MISSING))


class ForgotPasswordForm(BaseForm):
    """Asking for a link to set a new password."""

    email = email_field()


class NewPasswordForm(BaseForm):
    """Setting a new password."""

    password = PasswordField(
        lazy_gettext("New password"),
        [DataRequired(PASSWORD_MISSING), Length(min=8, max=1024, message=lazy_gettext("Use at least 8 characters."))],
    )
    repetition = PasswordField(
        lazy_gettext("New password, once more"),
        [EqualTo("password", message=lazy_gettext("The two passwords differ."))],
    )


def all_errors(form: BaseForm) -> dict[str, list[str]]:
    """Return what is wrong, field by field in the order of the form."""
    return {field.name: [str(error) for error in field.errors] for field in form if field.errors}
