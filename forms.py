"""What may be sent: BaseForm and every form. A form judges what the request alone shows, and asks nobody."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import get_locale, lazy_gettext
from wtforms import BooleanField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.i18n import get_translations
from wtforms.meta import DefaultMeta
from wtforms.validators import DataRequired, Length, Regexp, StopValidation

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


class EmailCaptchaForm(BaseForm):
    """Asking for a code."""

    email = email_field()


class ResetEmailForm(EmailCaptchaForm):
    """Changing the address with the code that was mailed to it."""

    captcha = StringField(
        lazy_gettext("Code"),
        [DataRequired(CODE_MISSING), Regexp(r"[0-9]{6}\Z", message=CODE_WRONG)],
        filters=[digits_of],
    )


def all_errors(form: BaseForm) -> dict[str, list[str]]:
    """Return what is wrong, field by field in the order of the form."""
    return {field.name: [str(error) for error in field.errors] for field in form if field.errors}
