"""BaseForm and all forms. A form validates what the request alone shows; it uses no database, cache or session."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

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
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from validators import (
    INCORRECT_CODE,
    ChoiceCount,
    CodeShape,
    EmailAddress,
    IntegerRange,
    MobileNumber,
    NameLength,
    NameShape,
    NothingInvisible,
    NotReserved,
    PasswordStrength,
    Typo,
    consists_of_words,
    extract_code,
    find_typo,
    join_lines,
    normalize_nfc,
    strip_invisible,
)

MISSING_VALUE = lazy_gettext("This field is required.")
MISSING_EMAIL = lazy_gettext("Enter an email address.")
MISSING_CODE = lazy_gettext("Enter the code from the email.")
MISSING_FACTOR = lazy_gettext("Enter a code.")
MALFORMED_FACTOR = lazy_gettext("Enter the 6 digits that the app shows.")
MISSING_PASSWORD = lazy_gettext("Enter your password.")
PERSONAL_PASSWORD = lazy_gettext(
    "The password must not consist of your username, your email address or the name of this site."
)
UNCHANGED_PASSWORD = lazy_gettext("The new password must be different from the current password.")
PASSWORD_MISMATCH = lazy_gettext("The passwords do not match.")
REPEATED_FIELD = lazy_gettext("This field was submitted more than once.")
EXCESSIVE_LENGTH = lazy_gettext("This is too long.")
PASSWORD, CURRENT_PASSWORD = lazy_gettext("Password"), lazy_gettext("Current password")
NEW_PASSWORD, NEW_PASSWORD_AGAIN = lazy_gettext("New password"), lazy_gettext("Confirm new password")
REQUIRED = DataRequired(MISSING_VALUE)
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
LONGEST_PASSKEY = 16_384  # Characters of the response of a browser; without an attestation about a thousand.
Rule = Literal["required", "optional", "off"]  # Of a field of the profile.
DETAILS = ("mobile", "staff_number", "gender", "city", "interests")  # The fields that can have a rule.
MULTI_VALUE_FIELDS = (SelectMultipleField, MultipleFileField, FieldList, FormField)


class BaseForm(Form):
    """A form whose errors are in the language of the user, and which refuses a field that was submitted repeatedly.

    It is created like any form of WTForms: BaseForm(formdata, obj, prefix, data, meta, extra_filters=..., **defaults).
    """

    class Meta(DefaultMeta):
        """The settings of a form, which can be overridden in an inner class `Meta` or with `meta={...}`."""

        # None: the language of the user. A list of locales overrides it; False disables the translations of WTForms.
        locales: Any = None

        def get_translations(self, form: Any) -> Any:
            """Return the translations of WTForms for the locales; `cache_translations` loads each catalogue once."""
            if self.locales is None:
                self.locales = [str(get_locale() or "zh")]
            return super().get_translations(form)

    _repeated_fields: Sequence[str] = ()
    _check_errors: Sequence[str] = ()  # The errors in `form_errors` that the last validate() added.

    def process(
        self,
        formdata: Any = None,
        obj: object | None = None,
        data: Mapping[str, Any] | None = None,
        extra_filters: Mapping[str, Sequence[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Process `formdata` (a MultiDict), or else `obj`, `data` and `kwargs`, with each field."""
        filters = {name: list(of_field) for name, of_field in (extra_filters or {}).items()}  # WTForms appends to them.
        super().process(formdata, obj, data, filters, **kwargs)
        submitted = None if formdata is None else self.meta.wrap_formdata(self, formdata)
        self._repeated_fields = [
            name
            for name, field in self._fields.items()
            if submitted is not None
            and not isinstance(field, MULTI_VALUE_FIELDS)
            and len(submitted.getlist(field.name)) > 1
        ]

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Validate each field, then run the checks of several fields. Returns `True` if there are no errors.

        The fields are validated in the order of the form: `pre_validate`, the validators of the field,
        `extra_validators`, `validate_<field>` of the form, `post_validate`. A check runs only if its fields are valid.
        """
        self.form_errors = [error for error in self.form_errors if error not in self._check_errors]
        self._check_errors = []
        with self._force_form_locale():
            passed = super().validate({name: list(more) for name, more in (extra_validators or {}).items()})
            for name in self._repeated_fields:
                if name in self:
                    self.add_error(name, REPEATED_FIELD)
            for check in _find_checks(type(self)):
                self._run_check(check)
            self._render_errors()
        return passed and not all_errors(self)

    def add_error(self, name: str, message: object) -> None:
        """Add an error to a field, or to the form as a whole if `name` is "" or no field of the form."""
        field = self._fields.get(name)
        if field is None or isinstance(field, FormField):
            self.form_errors = [*self.form_errors, str(message)]
        else:
            field.errors = [*field.errors, str(message)]

    def _force_form_locale(self) -> AbstractContextManager[None]:
        """Return a context in which the messages of the application are in the first locale of the form, too."""
        first = next(iter(self.meta.locales or ()), "")
        if not first or get_locale() is None or str(get_locale()) == first:
            return nullcontext()
        return force_locale(first.replace("-", "_"))  # type: ignore[no-any-return]

    def _render_errors(self) -> None:
        """Convert lazy messages to text, because they would otherwise use the language of a later request."""
        for field in self:
            if isinstance(field.errors, list):
                field.errors = [str(error) if isinstance(error, LazyString) else error for error in field.errors]

    def _run_check(self, check: "Check") -> None:
        """Run a check of several fields if they are valid, and store the data that it changed or its error."""
        fields = [self[name] for name in check.names if name in self]
        if len(fields) < len(check.names) or any(field.errors for field in fields):
            return
        try:
            changed = check.function(self, *(field.data for field in fields))
        except ValidationError as error:
            before = self.form_errors
            self.add_error(getattr(error, "field", ""), error)
            self._check_errors = [*self._check_errors, *self.form_errors[len(before) :]]
        else:
            for name, value in (changed or {}).items():
                self[name].data = value


class FieldError(ValidationError):
    """Raised when a check of several fields fails and the error belongs to one of them."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Check(NamedTuple):
    """A check of several fields, which is run if all of them are valid."""

    names: tuple[str, ...]
    function: Callable[..., dict[str, Any] | None]


def together(*names: str) -> Callable[[Callable[..., dict[str, Any] | None]], Check]:
    """Register a method as a check of several fields. It is called with their data, in the order of the names.

    The method can return changed data by name, and raise ValidationError (an error of the form) or FieldError (an error
    of a field).
    """
    return lambda function: Check(names, function)


@cache
def _find_checks(form: type[BaseForm]) -> list[Check]:
    """Return the checks of a form, those of its base classes first, in the order of definition.

    A subclass overrides a check by its name, like any method.
    """
    names = dict.fromkeys(name for cls in reversed(form.__mro__) for name in vars(cls))
    return [item for name in names if type(item := getattr(form, name, None)) is Check]


def all_errors(form: Form) -> dict[str, list[str]]:
    """Return the errors of the form as a whole under "", followed by those of each field in the order of the form.

    Unlike `form.errors`, it uses the field names of the HTML, including prefixes, and is flat for enclosed forms.
    """
    of_form = {"": [str(error) for error in form.form_errors]} if form.form_errors else {}
    return of_form | dict(found for field in form for found in _collect_errors(field))


def _collect_errors(field: Field) -> Iterator[tuple[str, list[str]]]:
    """Yield the names and errors of a field and of the fields that it encloses."""
    if isinstance(field, FormField):
        yield from ((name or field.name, errors) for name, errors in all_errors(field.form).items())
        return
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _collect_errors(entry)
    if own := [str(error) for error in field.errors if not isinstance(error, list | tuple | dict)]:
        yield field.name, own


def choices(labels: Mapping[str, Any]) -> list[Any]:
    """Return the choices of a field from a mapping of values to labels."""
    return [SelectChoice(value, label) for value, label in labels.items()]


def email_field() -> StringField:
    """Return a field for an email address."""
    validators = [DataRequired(MISSING_EMAIL), EmailAddress()]
    return StringField(lazy_gettext("Email"), validators, filters=[strip_invisible])


def code_field(label: Any, message: Any = INCORRECT_CODE) -> StringField:
    """Return a field for a code, which may be empty; the message is that for anything but six digits."""
    return StringField(label, [CodeShape(message)], filters=[extract_code])


def app_code_field() -> StringField:
    """Return a field for a code of an authenticator app, which may be empty."""
    return code_field(lazy_gettext("Code from your authenticator app"), MALFORMED_FACTOR)


def password_field(label: Any = PASSWORD) -> PasswordField:
    """Return a field for the current password."""
    return PasswordField(label, [DataRequired(MISSING_PASSWORD), Length(max=1024, message=EXCESSIVE_LENGTH)])


def new_password_field(label: Any = NEW_PASSWORD) -> PasswordField:
    """Return a field for a new password."""
    return PasswordField(label, [DataRequired(MISSING_PASSWORD), PasswordStrength()])


def repetition_field(label: Any = NEW_PASSWORD_AGAIN) -> PasswordField:
    """Return a field for the repetition of the new password."""
    return PasswordField(label, [EqualTo("password", PASSWORD_MISMATCH)])


def username_field(*name_validators: Any) -> StringField:
    """Return a field for a username; by default, reserved names are refused."""
    rules = name_validators or (NameShape(), NotReserved())
    validators = [REQUIRED, NothingInvisible(), NameLength(), *rules]
    return StringField(lazy_gettext("Username"), validators, filters=[strip_invisible, normalize_nfc])


def mobile_field(presence: Any) -> StringField:
    """Return a field for a mobile number."""
    return StringField(lazy_gettext("Mobile number"), [presence, MobileNumber()], filters=[strip_invisible])


def staff_number_field(presence: Any) -> IntegerField:
    """Return a field for a staff number."""
    return IntegerField(lazy_gettext("Staff number"), [presence, IntegerRange(1, 99_999_999)])


def gender_field(presence: Any) -> RadioField:
    """Return a field for the gender."""
    return RadioField(lazy_gettext("Gender"), [presence], choices=choices(GENDERS))


def city_field(presence: Any) -> SelectField:
    """Return a field for the city."""
    return SelectField(lazy_gettext("City"), [presence], choices=choices({"": lazy_gettext("Choose a city"), **CITIES}))


def apply_profile_fields(
    form: Any, rules: Mapping[str, Rule], cities: Mapping[str, Any], interests: Mapping[str, Any]
) -> None:
    """Set the choices of city and interests; make the fields with a rule required or optional, and remove those off.

    Raises ValueError for an unknown field or rule.
    """
    offered = {"city": {"": lazy_gettext("Choose a city"), **cities}, "interests": interests}
    for name, labels in offered.items():
        if name in form:
            form[name].choices = choices(labels)
    for name, rule in rules.items():
        if name not in DETAILS or rule not in ("required", "optional", "off"):
            raise ValueError(f"{name}={rule!r} is no rule of a field of the profile")
        if name in form and rule == "off":
            del form[name]
        elif name in form:
            _set_presence(form[name], is_required=rule == "required")


def _set_presence(field: Field, *, is_required: bool) -> None:
    """Make one field of a form required or optional; other forms of its class stay as they are."""
    required = InputRequired(MISSING_VALUE) if isinstance(field, IntegerField) else REQUIRED
    presence = required if is_required else Optional()
    others = [each for each in field.validators if not isinstance(each, DataRequired | InputRequired | Optional)]
    field.validators = [presence, *others]
    for name in ("required", "optional"):
        vars(field.flags).pop(name, None)
    vars(field.flags).update(presence.field_flags)


def interests_field(presence: Any) -> SelectMultipleField:
    """Return a field for the interests, whose choices are set when the form is created."""
    return SelectMultipleField(
        lazy_gettext("Interests"), [presence, ChoiceCount(1, 4)], widget=ListWidget(), option_widget=CheckboxInput()
    )


def role_field() -> SelectField:
    """Return a field for a role."""
    return SelectField(lazy_gettext("Role"), choices=choices(ROLES))


class FactorForm(BaseForm):
    """Prove a second factor: a passkey, a code of an authenticator app, or a recovery code."""

    passkey = HiddenField(validators=[Length(max=LONGEST_PASSKEY, message=EXCESSIVE_LENGTH)])
    code = app_code_field()
    recovery_code = StringField(
        lazy_gettext("Recovery code"), [Optional(), Length(max=40, message=EXCESSIVE_LENGTH)], filters=[strip_invisible]
    )

    def without_app(self) -> None:
        """Move the errors of the code of an app to the recovery code, because the page has no field for the former."""
        self.recovery_code.errors, self.code.errors = [*self.recovery_code.errors, *self.code.errors], []


class LoginForm(BaseForm):
    """Sign in."""

    email = email_field()
    password = password_field()
    remember = BooleanField(lazy_gettext("Stay signed in on this device"))
    next = HiddenField(validators=[Length(max=2000, message=EXCESSIVE_LENGTH)])


class SecondStepForm(FactorForm):
    """Continue a sign-in with a second factor; at least one must be entered."""

    next = HiddenField(validators=[Length(max=2000, message=EXCESSIVE_LENGTH)])

    def validate_code(self, field: Field) -> None:
        """Require one of the three."""
        if not (field.data or self.passkey.data or self.recovery_code.data):
            raise StopValidation(str(MISSING_FACTOR))


class PasskeyForm(BaseForm):
    """Submit the response of the browser with a passkey."""

    passkey = HiddenField(validators=[REQUIRED, Length(max=LONGEST_PASSKEY, message=EXCESSIVE_LENGTH)])


class PasskeyLoginForm(PasskeyForm):
    """Sign in with a passkey."""

    remember = BooleanField()
    next = HiddenField(validators=[Length(max=2000, message=EXCESSIVE_LENGTH)])


class PasskeyNameForm(BaseForm):
    """Give a passkey a name."""

    name = StringField(
        lazy_gettext("Name of the passkey"),
        [REQUIRED, Length(max=60, message=EXCESSIVE_LENGTH), NothingInvisible()],
        filters=[join_lines, normalize_nfc],
    )


class NewPasskeyForm(PasskeyForm, PasskeyNameForm):
    """Add a passkey that the browser has created."""


class AppCodeForm(BaseForm):
    """Enter the first code of an authenticator app."""

    code = app_code_field()

    def validate_code(self, field: Field) -> None:
        """Require the code."""
        if not field.data:
            raise StopValidation(str(MISSING_FACTOR))


class ReauthForm(FactorForm):
    """Confirm who you are, with a passkey alone or the password and a code; `next` is the page to continue with."""

    password = PasswordField(PASSWORD, [Length(max=1024, message=EXCESSIVE_LENGTH)])
    next = HiddenField(validators=[Length(max=2000, message=EXCESSIVE_LENGTH)])
    resume = HiddenField(validators=[Length(max=2000, message=EXCESSIVE_LENGTH)])

    def validate_password(self, field: Field) -> None:
        """Require the password without a passkey."""
        if not field.data and not self.passkey.data:
            raise StopValidation(str(MISSING_PASSWORD))


class EmailCaptchaForm(BaseForm):
    """Request a code; `sure` confirms an address that was probably mistyped."""

    email = email_field()
    sure = BooleanField()

    def find_typo(self) -> Typo | None:
        """Return the probable typo in the address, which must be valid."""
        return find_typo(str(self.email.data))


class ResetEmailForm(EmailCaptchaForm):
    """Change the address with the code that was sent to it."""

    captcha = code_field(lazy_gettext("Code"))
    old_captcha = code_field(lazy_gettext("Code from your current address"))

    def validate_captcha(self, field: Field) -> None:
        """Require at least one code; the use case decides whether a second one is needed."""
        if not field.data and not ("old_captcha" in self and self.old_captcha.data):
            raise StopValidation(str(MISSING_CODE))


class UsernameForm(BaseForm):
    """Assign a username, which may be a reserved one; used by the command line."""

    username = username_field(NameShape())


class ForgotPasswordForm(BaseForm):
    """Request a link to set a new password."""

    email = email_field()


class NewPasswordForm(BaseForm):
    """Set a new password.

    `forbidden` contains the username, the address and the names of the site; a password must not consist of them.
    """

    password = new_password_field()
    repetition = repetition_field()

    def __init__(self, *args: Any, forbidden: Sequence[str] = (), **kwargs: Any) -> None:
        """Accept the arguments of every form, and the forbidden words."""
        super().__init__(*args, **kwargs)
        self._forbidden = tuple(forbidden)

    @together("password")
    def _refuse_personal_password(self, password: str) -> None:
        """Refuse a password that consists of the forbidden words."""
        if consists_of_words(password, self._forbidden):
            raise FieldError("password", str(PERSONAL_PASSWORD))


class ChangePasswordForm(NewPasswordForm):
    """Change the password; the field names are given by the API."""

    oldpwd = password_field(CURRENT_PASSWORD)

    @together("oldpwd", "password")
    def _refuse_unchanged_password(self, oldpwd: str, password: str) -> None:
        """Refuse the current password as the new one."""
        if oldpwd == password:
            raise FieldError("password", str(UNCHANGED_PASSWORD))


class Details:
    """A part of forms that have fields of the profile, whose rules and choices are arguments."""

    def __init__(
        self,
        *args: Any,
        rules: Mapping[str, Rule] = MappingProxyType({}),
        cities: Mapping[str, Any] = CITIES,
        interests: Mapping[str, Any] = INTERESTS,
        **kwargs: Any,
    ) -> None:
        """Accept the arguments of every form, the rules of fields by name, and the available cities and interests."""
        super().__init__(*args, **kwargs)
        apply_profile_fields(self, rules, cities, interests)

    def list_details(self) -> list[str]:
        """Return the names of the fields with a rule that the form has."""
        return [name for name in DETAILS if getattr(self, name, None) is not None]

    def list_shown(self) -> list[Field]:
        """Return the fields with a rule that the page shows."""
        return [getattr(self, name) for name in DETAILS if getattr(self, name, None) is not None]


class ProfileForm(Details, BaseForm):
    """Edit the profile; `version` is that of the profile, and `asked` names the fields, which the page showed."""

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
    asked = HiddenField(validators=[Length(max=200, message=EXCESSIVE_LENGTH)])

    def list_details(self) -> list[str]:
        """Return the names of the fields with a rule that the form and the page that was submitted have.

        `asked` contains those of the page; a submitted field is one, too. Without `asked`, the page had all of them.
        """
        asked = str(self.asked.data or "").split() if "asked" in self else []
        return [name for name in super().list_details() if not asked or name in asked or self[name].raw_data]


class RegisterForm(Details, NewPasswordForm):
    """Register with an invitation; by default, every field is required."""

    username = username_field()
    password = new_password_field(PASSWORD)
    repetition = repetition_field(lazy_gettext("Confirm password"))
    mobile = mobile_field(REQUIRED)
    staff_number = staff_number_field(InputRequired(MISSING_VALUE))
    gender = gender_field(REQUIRED)
    city = city_field(REQUIRED)
    interests = interests_field(REQUIRED)
    language = SelectField(lazy_gettext("Language"), choices=choices(LANGUAGES))

    @together("username", "password")
    def _refuse_username_as_password(self, username: str, password: str) -> None:
        """Refuse a password that consists of the username, perhaps together with the forbidden words."""
        if consists_of_words(password, (username, *self._forbidden)):
            raise FieldError("password", str(PERSONAL_PASSWORD))


class ReasonForm(BaseForm):
    """Give the reason for an action on the account of another administrator."""

    reason = StringField(
        lazy_gettext("Reason"), [REQUIRED, Length(max=200, message=EXCESSIVE_LENGTH)], filters=[join_lines]
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
