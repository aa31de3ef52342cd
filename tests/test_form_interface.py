"""BaseForm has the documented interface of WTForms: how forms are created, read, changed and configured.

The tests use the forms of the product, and the examples in docs/forms.md.
"""

import gettext
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wtforms
from flask import Flask, current_app, session
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict
from wtforms import FieldList, FormField, StringField
from wtforms.meta import DefaultMeta
from wtforms.validators import InputRequired, ValidationError

import forms
import validators
from cms import languages
from forms import (
    DETAILS,
    BaseForm,
    ChangePasswordForm,
    EmailCaptchaForm,
    LoginForm,
    NewPasswordForm,
    ProfileForm,
    ReasonForm,
    RegisterForm,
    ResetEmailForm,
    all_errors,
)

ROOT = Path(__file__).resolve().parent.parent
FORMS = [
    form
    for form in vars(forms).values()
    if inspect.isclass(form) and issubclass(form, BaseForm) and form not in (BaseForm, forms.FactorForm)
]
EACH_FORM = pytest.mark.parametrize("form_class", FORMS, ids=lambda form: form.__name__)
SENT = MultiDict({"email": "ann@example.com", "password": "correct horse battery", "next": "/cms/"})
PASSWORDS = {"password": "correct horse battery", "repetition": "correct horse battery"}

bare = Flask(__name__, template_folder=str(ROOT / "templates"))
bare.secret_key = "a secret key of these tests"
languages.init_app(bare)


@contextmanager
def request_in(language: str) -> Iterator[None]:
    """Push new contexts of the application and of a request in this language."""
    with bare.app_context(), bare.test_request_context(headers={"Accept-Language": language}):
        yield


@pytest.fixture(autouse=True)
def _request_in_chinese() -> Iterator[None]:
    """Push the context of a request in Chinese."""
    with request_in("zh"):
        yield


# --- Creating forms


@EACH_FORM
def test_every_form_accepts_the_arguments_of_wtforms(form_class: type[BaseForm]) -> None:
    form_class()
    form_class(None, None, "", None, None)
    form_class(MultiDict())
    form_class(formdata=None, obj=object(), prefix="p", data={}, meta={}, extra_filters={})
    assert not form_class(formdata=MultiDict()).validate()


def test_form_data_can_be_a_positional_or_a_keyword_argument() -> None:
    for form in (LoginForm(SENT), LoginForm(formdata=SENT)):
        assert form.validate()
        assert form.data == {**SENT.to_dict(), "remember": False}


def test_form_data_can_be_a_multidict_of_another_library() -> None:
    class GetAll(dict[str, list[str]]):
        """A multidict with the interface of WebOb and Pyramid."""

        def getall(self, name: str) -> list[str]:
            return self.get(name, [])

    assert LoginForm(GetAll(email=["ann@example.com"], password=["x"])).validate()
    form = LoginForm(GetAll(email=["ann@example.com", "ann@example.com"], password=["x"]))
    assert not form.validate()
    assert list(form.errors) == ["email"]


def test_an_object_fills_the_fields_with_the_names_of_its_attributes() -> None:
    user = SimpleNamespace(username="ann", city="beijing", interests=["news"], email="ann@example.com")
    form = ProfileForm(obj=user)
    assert (form.username.data, form.city.data, form.interests.data) == ("ann", "beijing", ["news"])
    assert form.mobile.data is None


def test_a_mapping_and_keyword_arguments_fill_fields_that_the_object_does_not_have() -> None:
    assert LoginForm(data={"email": "ann@example.com"}).email.data == "ann@example.com"
    assert LoginForm(email="ann@example.com").email.data == "ann@example.com"
    assert LoginForm(data={"email": "one"}, email="two").email.data == "two"
    form = LoginForm(None, SimpleNamespace(email="object"), data={"email": "mapping", "next": "/"}, email="name")
    assert (form.email.data, form.next.data) == ("object", "/")
    assert LoginForm(SENT, SimpleNamespace(email="object"), data={"next": "/"}).data["email"] == "ann@example.com"


def test_a_prefix_is_part_of_names_in_html_but_not_in_python() -> None:
    form = LoginForm(MultiDict({f"first-{name}": value for name, value in SENT.items()}), prefix="first")
    assert form.validate(), form.errors
    assert [field.name for field in form] == ["first-email", "first-password", "first-remember", "first-next"]
    assert form.email.data == "ann@example.com"
    assert not LoginForm(SENT, prefix="first").validate()


def test_a_field_that_is_submitted_twice_with_a_prefix_is_refused() -> None:
    form = LoginForm(MultiDict([("a-email", "ann@example.com")] * 2 + [("a-password", "x")]), prefix="a-")
    assert not form.validate()
    assert form.errors == {"email": ["此项被重复提交。"]}
    assert all_errors(form) == {"a-email": ["此项被重复提交。"]}
    assert LoginForm(
        MultiDict([("email", "other")] * 2 + [("a-email", "ann@example.com"), ("a-password", "x")]), prefix="a"
    ).validate()


def test_checks_and_added_errors_work_with_a_prefix() -> None:
    form = NewPasswordForm(
        MultiDict({f"p-{name}": "annabella" for name in PASSWORDS}), prefix="p", forbidden=["annabella"]
    )
    assert not form.validate()
    assert list(form.errors) == ["password"]
    form.add_error("repetition", "No.")
    assert list(all_errors(form)) == ["p-password", "p-repetition"]


def test_extra_filters_run_after_those_of_the_field_and_are_not_modified() -> None:
    class ExclamationForm(ReasonForm):
        def filter_reason(self, value: str) -> str:
            return value + "!"

    filters = {"reason": [str.upper]}
    for _ in range(2):
        assert ExclamationForm(MultiDict({"reason": " no  way "}), extra_filters=filters).reason.data == "NO WAY!"
    assert filters == {"reason": [str.upper]}


def test_extra_validators_run_after_those_of_the_field_and_are_not_modified() -> None:
    def refuse(_: Any, __: Any) -> None:
        raise ValidationError("refused")

    form = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": "123456"}))
    validators = {"captcha": (refuse,)}
    assert not form.validate(validators)
    assert not form.validate(extra_validators=validators)
    assert form.errors == {"captcha": ["refused"]}
    assert validators == {"captcha": (refuse,)}


@pytest.mark.parametrize("form_class", [NewPasswordForm, ChangePasswordForm, RegisterForm])
def test_a_form_with_additional_arguments_accepts_those_of_wtforms(form_class: type[NewPasswordForm]) -> None:
    sent = MultiDict({f"p-{name}": "annabella" for name in PASSWORDS})
    form = form_class(sent, None, "p", {"username": "ann"}, {"locales": ["en"]}, forbidden=("annabella",))
    form.validate()
    assert form.errors["password"] == [
        "The password must not consist of your username, your email address or the name of this site."
    ]


@pytest.mark.parametrize("form_class", [ProfileForm, RegisterForm])
def test_chosen_interests_are_data_and_choices_are_an_argument(
    form_class: type[ProfileForm],
) -> None:
    form = form_class(data={"interests": ["chess"]}, interests={"chess": "Chess", "go": "Go"})
    assert [(choice.value, choice.selected) for choice in form.interests.iter_choices()] == [
        ("chess", True),
        ("go", False),
    ]


@pytest.mark.parametrize("form_class", [ProfileForm, RegisterForm])
def test_rules_require_fields_make_them_optional_and_remove_them(form_class: type[ProfileForm]) -> None:
    rules = {"mobile": "off", "staff_number": "required", "gender": "optional", "city": "required", "interests": "off"}
    for rule in ("required", "optional", "off"):
        form_class(rules=dict.fromkeys(DETAILS, rule))  # Rules affect one form only.
    form = form_class(MultiDict({"mobile": "x", "interests": "x", "gender": ""}), rules=rules, cities={"a": "A"})
    assert not form.validate()
    assert {"mobile", "interests"}.isdisjoint(form.errors)
    assert {"staff_number", "city"} <= set(form.errors)
    assert "gender" not in form.errors
    assert [name for name in DETAILS if name in form] == form.list_details() == ["staff_number", "gender", "city"]
    assert [bool(form[name].flags.required) for name in form.list_details()] == [True, False, True]
    assert [bool(form[name].flags.optional) for name in form.list_details()] == [False, True, False]
    assert [value for value, *_ in form.city.iter_choices()] == ["", "a"]
    assert form_class().list_details() == list(DETAILS)


@pytest.mark.parametrize("rules", [{"username": "off"}, {"city": "hidden"}])
def test_a_rule_that_does_not_exist_is_an_error_of_the_caller(rules: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no rule of a field of the profile"):
        ProfileForm(rules=rules)


def test_a_form_without_a_field_of_the_profile_accepts_rules_for_it() -> None:
    class ShortForm(ProfileForm):
        city = None
        interests = None

    form = ShortForm(MultiDict({"username": "ann"}), rules={"city": "required", "interests": "off"}, cities={"a": "A"})
    assert form.list_details() == ["mobile", "staff_number", "gender"]


# --- Languages and catalogues

INVALID = {"gender": "none", "staff_number": "x", "username": "a b"}


def validate_invalid(form: BaseForm) -> list[str]:
    """Validate a form; return an error of WTForms at validation, one at processing, and one of the product."""
    form.validate()
    return [all_errors(form)[name][0] for name in INVALID]


CHINESE = ["不是有效的选择。", "不是有效的整数。"]
ENGLISH = ["Not a valid choice.", "Not a valid integer value."]
GERMAN = ["Keine gültige Auswahl.", "Keine gültige, ganze Zahl."]


def test_without_locales_the_language_of_the_request_is_used() -> None:
    assert validate_invalid(RegisterForm(MultiDict(INVALID)))[:2] == CHINESE
    with request_in("en"):
        assert validate_invalid(RegisterForm(MultiDict(INVALID)))[:2] == ENGLISH
    assert validate_invalid(RegisterForm(MultiDict(INVALID)))[:2] == CHINESE


@pytest.mark.parametrize(("locales", "wtforms_errors"), [(["en"], ENGLISH), (["zh"], CHINESE), (("de", "en"), GERMAN)])
def test_locales_take_precedence_over_the_language_of_the_request(
    locales: list[str], wtforms_errors: list[str]
) -> None:
    for language in ("zh", "en"):
        with request_in(language):
            assert validate_invalid(RegisterForm(MultiDict(INVALID), meta={"locales": locales}))[:2] == wtforms_errors


def test_messages_of_the_product_follow_the_locales_and_keep_their_language() -> None:
    form = LoginForm(MultiDict({"email": "x"}), meta={"locales": ["en"]})
    form.validate()
    assert form.errors["email"] == ["Enter a valid email address."]  # In a request in Chinese.
    assert form.errors["password"] == ["Enter your password."]
    assert str(forms.MISSING_PASSWORD) == "请输入密码！"
    form = LoginForm(MultiDict())
    form.validate()
    with request_in("en"):
        assert form.errors["password"] == ["请输入密码！"]


def test_a_form_can_define_its_locales() -> None:
    class EnglishForm(ReasonForm):
        class Meta:
            locales = ("en",)

    form, other = EnglishForm(MultiDict()), ReasonForm(MultiDict())
    assert not form.validate()
    assert not other.validate()
    assert form.errors == {"reason": ["This field is required."]}
    assert other.errors == {"reason": ["请填写此项。"]}


def test_without_translations_the_messages_of_wtforms_are_english() -> None:
    assert validate_invalid(RegisterForm(MultiDict(INVALID), meta={"locales": False}))[:2] == ENGLISH


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the lookups of catalogues."""
    domains: list[str] = []
    find = gettext.find

    def record(domain: str, *args: Any, **kwargs: Any) -> Any:
        domains.append(domain)
        return find(domain, *args, **kwargs)

    monkeypatch.setattr(gettext, "find", record)
    monkeypatch.setattr(DefaultMeta, "translations_cache", {})
    return domains


def test_a_catalogue_is_looked_up_once_for_all_forms(lookups: list[str]) -> None:
    for form_class in (LoginForm, RegisterForm, LoginForm, ReasonForm):
        form_class(MultiDict())
    assert lookups == ["wtforms"]
    with request_in("en"):
        LoginForm()
        ReasonForm()
    assert lookups == ["wtforms"] * 2


def test_the_cache_of_catalogues_can_be_disabled(lookups: list[str]) -> None:
    for _ in range(3):
        LoginForm(meta={"cache_translations": False})
    assert lookups == ["wtforms"] * 3


# --- Errors


def test_errors_have_the_structure_of_wtforms() -> None:
    class PlainForm(wtforms.Form):
        email = StringField(validators=[InputRequired("missing")])

    plain, product = PlainForm(MultiDict()), EmailCaptchaForm(MultiDict())
    for form in (plain, product):
        assert not form.validate()
        assert isinstance(form.email.errors, list)
        form.form_errors.append("of the form")
    form_key = next(name for name, errors in plain.errors.items() if errors == ["of the form"])
    assert product.errors == {"email": ["请输入邮箱！"], form_key: ["of the form"]}
    assert list(all_errors(product).items()) == [("", ["of the form"]), ("email", ["请输入邮箱！"])]


def test_errors_are_plain_strings_and_always_current() -> None:
    form = LoginForm(MultiDict())
    assert form.errors == {}
    form.validate()
    assert all(type(error) is str for errors in form.errors.values() for error in errors)
    form.add_error("next", forms.EXCESSIVE_LENGTH)
    form.add_error("", forms.EXCESSIVE_LENGTH)
    assert form.errors["next"] == form.form_errors == ["内容过长。"]
    assert isinstance(form.next.errors, list)
    form.process(SENT)
    form.next.errors.append("more")
    assert form.errors["next"] == ["内容过长。", "more"]


def test_validating_again_keeps_added_form_errors_and_does_not_duplicate_those_of_checks() -> None:
    booking = run_example("Example")["BookingForm"]
    form = booking(MultiDict({"first_day": "2026-05-01", "last_day": "2026-06-30", "guests": "1"}))
    form.form_errors.append("closed")
    for _ in range(2):
        assert not form.validate()
        assert form.form_errors == ["closed", "Two weeks at most."]


def test_a_field_that_fails_without_a_message_fails_the_form() -> None:
    class FailingField(StringField):
        def validate(self, *_: Any, **__: Any) -> bool:
            return False

    class FailingForm(BaseForm):
        one = FailingField()

    assert not FailingForm(MultiDict({"one": "x"})).validate()


def test_an_error_of_an_unknown_field_belongs_to_the_form() -> None:
    form = LoginForm()
    form.add_error("captcha", "No.")
    assert form.form_errors == ["No."]


def test_a_form_can_be_a_field_of_another_form() -> None:
    class OuterForm(BaseForm):
        reason = StringField(validators=[InputRequired("missing")])
        login = FormField(LoginForm)
        others = FieldList(FormField(EmailCaptchaForm), min_entries=1)
        words = FieldList(StringField(validators=[InputRequired("missing")]), min_entries=1)

    sent = MultiDict(
        [
            ("login-email", "x"),
            ("login-password", "x"),
            ("login-next", "/"),
            ("login-next", "/"),
            ("others-0-email", "x"),
        ]
    )
    form = OuterForm(sent)
    assert not form.validate()
    malformed = "请输入正确格式的邮箱！"
    assert form.errors["login"] == {"email": [malformed], "next": ["此项被重复提交。"]}
    assert all_errors(form) == {
        "reason": ["missing"],
        "login-email": [malformed],
        "login-next": ["此项被重复提交。"],
        "others-0-email": [malformed],
        "words-0": ["missing"],
    }
    form.add_error("login", "Not possible.")
    assert form.form_errors == ["Not possible."]


# --- Changing forms


def test_a_form_can_be_processed_again() -> None:
    form = LoginForm(MultiDict([("email", "ann@example.com")] * 2))
    assert not form.validate()
    form.process(formdata=SENT)
    assert form.validate(), form.errors
    assert form.email.data == "ann@example.com"
    form.process(data={"email": "bob@example.com"})
    assert form.email.data == "bob@example.com"
    form.process(MultiDict([("email", "ann@example.com"), ("password", "x"), ("next", "1"), ("next", "2")]))
    assert not form.validate()
    assert list(form.errors) == ["next"]


def test_an_object_is_filled_from_a_form() -> None:
    user = SimpleNamespace(email="", password="", remember=True, next="", other="unchanged")
    form = LoginForm(SENT)
    form.populate_obj(user)
    assert vars(user) == {**SENT.to_dict(), "remember": False, "other": "unchanged"}


def test_a_form_is_an_iterable_and_a_mapping_of_its_fields() -> None:
    form = LoginForm()
    assert [field.short_name for field in form] == ["email", "password", "remember", "next"]
    assert "email" in form
    assert "captcha" not in form
    assert form["email"] is form.email
    with pytest.raises(TypeError):
        form["email"] = StringField()


REGISTRATION = {
    "username": "annabella",
    "password": "annabella",
    "repetition": "other",
    "mobile": "13812345678",
    "staff_number": "7",
    "gender": "female",
    "city": "beijing",
    "interests": "news",
    "language": "en",
}


def test_checks_ignore_a_deleted_field() -> None:
    form = RegisterForm(MultiDict(REGISTRATION))
    del form.repetition
    assert not form.validate()
    assert list(form.errors) == ["password"]  # It equals the username.
    del form.username
    assert form.validate(), form.errors
    assert "username" not in form
    assert form.username is None
    assert "username" not in form.data
    assert RegisterForm(MultiDict(REGISTRATION)).username.data == "annabella"


def test_a_field_that_must_equal_a_deleted_one_is_invalid() -> None:
    form = NewPasswordForm(MultiDict({"repetition": "other"}))
    del form["password"]
    assert not form.validate()
    assert list(form.errors) == ["repetition"]
    del form["repetition"]
    assert form.validate(), form.errors


def test_the_field_of_the_second_code_can_be_deleted() -> None:
    change = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": ""}))
    del change.old_captcha
    assert not change.validate()
    assert list(change.errors) == ["captcha"]


def test_a_field_that_was_submitted_twice_can_be_deleted() -> None:
    form = LoginForm(MultiDict([*SENT.items(), ("next", "/")]))
    del form.next
    assert form.validate(), form.errors


# --- Examples in docs/forms.md


def run_example(title: str, blocks: int = 1) -> dict[str, Any]:
    """Execute the first code blocks below a heading of docs/forms.md, and return the names that they define."""
    text = (ROOT / "docs" / "forms.md").read_text()
    part = re.split(r"^##+ ", re.split(rf"^##+ {title}\n", text, flags=re.MULTILINE)[1], flags=re.MULTILINE)[0]
    names = {**vars(wtforms), **vars(validators), **vars(forms), "timedelta": timedelta, "InputRequired": InputRequired}
    names |= {"current_app": current_app, "session": session, "lazy_gettext": lazy_gettext}
    for block in re.findall(r"^```python\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)[:blocks]:
        exec(block, names)
    return names


def test_the_calls_in_the_document_create_forms() -> None:
    text = (ROOT / "docs" / "forms.md").read_text().partition("## Creating a form\n")[2]
    calls = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].splitlines()
    names = {**vars(forms), "request": SimpleNamespace(form=SENT), "user": SimpleNamespace(username="ann")}
    created = [eval(call, names) for call in calls]
    assert len(created) == 8
    assert all(isinstance(form, BaseForm) for form in created)


def test_the_example_in_the_document_works() -> None:
    booking = run_example("Example")["BookingForm"]

    def validate_booking(first_day: str, last_day: str, guests: str) -> tuple[dict[str, list[str]], Any]:
        form = booking(MultiDict({"first_day": first_day, "last_day": last_day, "guests": guests}))
        form.validate()
        return form.errors, form.last_day.data

    assert validate_booking("2026-05-01", "2026-05-03", "2") == ({}, date(2026, 5, 4))
    assert list(validate_booking("2026-05-01", "2026-04-01", "3")[0]) == ["last_day", "guests"]
    assert validate_booking("2026-05-01", "2026-04-01", "2")[0] == {"last_day": ["This is before the first day."]}
    assert validate_booking("2026-05-01", "2026-05-31", "2")[0] == {"": ["Two weeks at most."]}
    assert validate_booking("2026-05-01", "2026-05-03", "3")[0] == {"guests": ["There is no room for three."]}


class TokenExample:
    """The example of a form with a separate CSRF token."""

    def __init__(self) -> None:
        """Execute the example."""
        self.names = run_example("A separate CSRF token", blocks=2)

    def form(self, sid: str, **sent: str) -> Any:
        """Return the form as the view in the example creates it for a session."""
        session["sid"] = sid
        return self.names["export_form"](MultiDict({"since": "2026-05-01", **sent}) if sent else None)

    def token(self, sid: str) -> str:
        """Return the token on the page of a session."""
        html = str(bare.jinja_env.get_template("cms/macros.html").module.hidden(self.form(sid).export_token))
        return re.search(r'name="export_token" value="([^"]+)"', html)[1]


@pytest.fixture
def token_example() -> TokenExample:
    """Provide the example of a form with a separate CSRF token."""
    return TokenExample()


def test_a_separate_token_is_valid_in_its_session_only(token_example: TokenExample) -> None:
    token = token_example.token("one")
    assert token_example.form("one", export_token=token).validate()
    assert token_example.form("one", export_token=token).validate()  # The page was reloaded, or opened in two tabs.
    form = token_example.form("two", export_token=token)
    assert not form.validate()
    assert form.errors == {"export_token": ["无效的 CSRF 验证令牌。"]}


def test_a_token_is_bound_to_its_form_and_its_key(token_example: TokenExample) -> None:
    token = token_example.token("one")

    class OtherForm(token_example.names["ExportForm"]):
        """Another form with the same settings."""

    meta = {name: getattr(token_example.form("one").meta, name) for name in ("csrf_secret", "csrf_context")}
    assert token_example.names["ExportForm"](
        MultiDict({"since": "2026-05-01", "export_token": token}), meta=meta
    ).validate()
    other = OtherForm(MultiDict({"since": "2026-05-01", "export_token": token}), meta=meta)
    assert not other.validate()
    bare.secret_key, before = "another key", bare.secret_key
    try:
        assert not token_example.form("one", export_token=token).validate()
    finally:
        bare.secret_key = before
    assert token_example.form("one", export_token=token).validate()


def test_a_malformed_token_is_refused_without_an_error(token_example: TokenExample) -> None:
    token = token_example.token("one")
    nonce, _, signature = token.partition(".")
    for bad in (
        "",
        ".",
        nonce,
        signature,
        f"{nonce}x.{signature}",
        f"x.{signature}",
        token[:-1],
        token + "0",
        "é.é",
        "\0",
    ):
        form = token_example.form("one", export_token=bad)
        assert not form.validate()
        assert list(form.errors) == ["export_token"]
    missing = token_example.form("one", unrelated="x")
    assert not missing.validate()
    assert list(missing.errors) == ["export_token"]


def test_every_page_contains_a_new_token_and_never_a_submitted_one(token_example: TokenExample) -> None:
    one, two = token_example.token("one"), token_example.token("one")
    assert one != two
    form = token_example.form("one", export_token="a submitted token")
    html = str(bare.jinja_env.get_template("cms/macros.html").module.hidden(form.export_token))
    assert "a submitted token" not in html


def test_a_token_requires_a_key_and_a_session(token_example: TokenExample) -> None:
    for meta in ({}, {"csrf_secret": b"x"}, {"csrf_context": "one"}, {"csrf_secret": b"x", "csrf_context": ""}):
        with pytest.raises(TypeError):
            token_example.names["ExportForm"](meta=meta)


def test_populate_obj_ignores_the_token(token_example: TokenExample) -> None:
    target = SimpleNamespace(since=None)
    token_example.form("one", export_token=token_example.token("one")).populate_obj(target)
    assert vars(target) == {"since": date(2026, 5, 1)}


def test_a_token_works_with_a_prefix(token_example: TokenExample) -> None:
    meta = {"csrf_secret": b"x", "csrf_context": "one"}
    export = token_example.names["ExportForm"]
    token = export(prefix="p", meta=meta).export_token.current_token
    assert export(MultiDict({"p-since": "2026-05-01", "p-export_token": token}), prefix="p", meta=meta).validate()
    twice = MultiDict([("p-since", "2026-05-01"), ("p-export_token", token), ("p-export_token", token)])
    assert not export(twice, prefix="p", meta=meta).validate()
