"""BaseForm keeps what WTForms promises about every form: how it is created, read, changed and configured.

The forms are those of the product, and the examples of docs/forms.md as they stand there.
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
EVERY = [
    form
    for form in vars(forms).values()
    if inspect.isclass(form) and issubclass(form, BaseForm) and form is not BaseForm
]
EACH = pytest.mark.parametrize("form_class", EVERY, ids=lambda form: form.__name__)
SENT = MultiDict({"email": "ann@example.com", "password": "correct horse battery", "next": "/cms/"})
PASSWORDS = {"password": "correct horse battery", "repetition": "correct horse battery"}

bare = Flask(__name__, template_folder=str(ROOT / "templates"))
bare.secret_key = "only for the tests of the forms"
languages.init_app(bare)


@contextmanager
def reader_of(language: str) -> Iterator[None]:
    """Be in a request of somebody who reads this language; the application's context is a new one, too."""
    with bare.app_context(), bare.test_request_context(headers={"Accept-Language": language}):
        yield


@pytest.fixture(autouse=True)
def _reader_of_chinese() -> Iterator[None]:
    """Be in a request of somebody who reads Chinese."""
    with reader_of("zh"):
        yield


# --- How a form is created


@EACH
def test_every_form_is_created_with_the_arguments_of_wtforms(form_class: type[BaseForm]) -> None:
    form_class()
    form_class(None, None, "", None, None)
    form_class(MultiDict())
    form_class(formdata=None, obj=object(), prefix="p", data={}, meta={}, extra_filters={})
    assert not form_class(formdata=MultiDict()).validate()


def test_what_was_sent_may_be_the_first_argument_or_be_named() -> None:
    for form in (LoginForm(SENT), LoginForm(formdata=SENT)):
        assert form.validate()
        assert form.data == {**SENT.to_dict(), "remember": False}


def test_what_was_sent_may_be_a_multidict_of_another_library() -> None:
    class GetAll(dict[str, list[str]]):
        """What WebOb and Pyramid hand over."""

        def getall(self, name: str) -> list[str]:
            return self.get(name, [])

    assert LoginForm(GetAll(email=["ann@example.com"], password=["x"])).validate()
    form = LoginForm(GetAll(email=["ann@example.com", "ann@example.com"], password=["x"]))
    assert not form.validate()
    assert list(form.errors) == ["email"]


def test_an_object_fills_the_fields_that_it_has() -> None:
    user = SimpleNamespace(username="ann", city="beijing", interests=["news"], email="ann@example.com")
    form = ProfileForm(obj=user)
    assert (form.username.data, form.city.data, form.interests.data) == ("ann", "beijing", ["news"])
    assert form.mobile.data is None


def test_a_mapping_and_defaults_by_name_fill_the_fields_and_an_object_comes_first() -> None:
    assert LoginForm(data={"email": "ann@example.com"}).email.data == "ann@example.com"
    assert LoginForm(email="ann@example.com").email.data == "ann@example.com"
    assert LoginForm(data={"email": "one"}, email="two").email.data == "two"
    form = LoginForm(None, SimpleNamespace(email="object"), data={"email": "mapping", "next": "/"}, email="name")
    assert (form.email.data, form.next.data) == ("object", "/")
    assert LoginForm(SENT, SimpleNamespace(email="object"), data={"next": "/"}).data["email"] == "ann@example.com"


def test_a_prefix_is_part_of_every_name_in_html_and_of_no_name_in_python() -> None:
    form = LoginForm(MultiDict({f"first-{name}": value for name, value in SENT.items()}), prefix="first")
    assert form.validate(), form.errors
    assert [field.name for field in form] == ["first-email", "first-password", "first-remember", "first-next"]
    assert form.email.data == "ann@example.com"
    assert not LoginForm(SENT, prefix="first").validate()


def test_a_field_that_is_sent_twice_under_a_prefix_is_refused() -> None:
    form = LoginForm(MultiDict([("a-email", "ann@example.com")] * 2 + [("a-password", "x")]), prefix="a-")
    assert not form.validate()
    assert form.errors == {"email": ["此项被重复提交。"]}
    assert all_errors(form) == {"a-email": ["此项被重复提交。"]}
    assert LoginForm(
        MultiDict([("email", "other")] * 2 + [("a-email", "ann@example.com"), ("a-password", "x")]), prefix="a"
    ).validate()


def test_under_a_prefix_checks_of_several_fields_and_added_errors_find_their_fields() -> None:
    form = NewPasswordForm(
        MultiDict({f"p-{name}": "annabella" for name in PASSWORDS}), prefix="p", forbidden=["annabella"]
    )
    assert not form.validate()
    assert list(form.errors) == ["password"]
    form.add_error("repetition", "No.")
    assert list(all_errors(form)) == ["p-password", "p-repetition"]


def test_extra_filters_come_after_the_fields_own_and_stay_as_they_are() -> None:
    class Shouting(ReasonForm):
        def filter_reason(self, value: str) -> str:
            return value + "!"

    filters = {"reason": [str.upper]}
    for _ in range(2):
        assert Shouting(MultiDict({"reason": " no  way "}), extra_filters=filters).reason.data == "NO WAY!"
    assert filters == {"reason": [str.upper]}


def test_extra_validators_come_after_the_fields_own_and_stay_as_they_are() -> None:
    def complain(_: Any, __: Any) -> None:
        raise ValidationError("from outside")

    form = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": "123456"}))
    validators = {"captcha": (complain,)}
    assert not form.validate(validators)
    assert not form.validate(extra_validators=validators)
    assert form.errors == {"captcha": ["from outside"]}
    assert validators == {"captcha": (complain,)}


@pytest.mark.parametrize("form_class", [NewPasswordForm, ChangePasswordForm, RegisterForm])
def test_a_form_with_arguments_of_its_own_takes_those_of_wtforms_beside_them(form_class: type[NewPasswordForm]) -> None:
    sent = MultiDict({f"p-{name}": "annabella" for name in PASSWORDS})
    form = form_class(sent, None, "p", {"username": "ann"}, {"locales": ["en"]}, forbidden=("annabella",))
    form.validate()
    assert form.errors["password"] == ["The password must not be your username or email address."]


@pytest.mark.parametrize("form_class", [ProfileForm, RegisterForm])
def test_chosen_interests_come_as_data_and_those_to_choose_from_by_their_argument(
    form_class: type[ProfileForm],
) -> None:
    form = form_class(data={"interests": ["chess"]}, interests={"chess": "Chess", "go": "Go"})
    assert [(choice.value, choice.selected) for choice in form.interests.iter_choices()] == [
        ("chess", True),
        ("go", False),
    ]


# --- Languages and catalogues

INVALID = {"gender": "none", "staff_number": "x", "username": "a b"}


def said(form: BaseForm) -> list[str]:
    """Return an error of WTForms' own, made at validation, one made when the form is filled, and one of ours."""
    form.validate()
    return [all_errors(form)[name][0] for name in INVALID]


CHINESE = ["不是有效的选择。", "不是有效的整数。"]
ENGLISH = ["Not a valid choice.", "Not a valid integer value."]
GERMAN = ["Keine gültige Auswahl.", "Keine gültige, ganze Zahl."]


def test_without_locales_the_reader_decides() -> None:
    assert said(RegisterForm(MultiDict(INVALID)))[:2] == CHINESE
    with reader_of("en"):
        assert said(RegisterForm(MultiDict(INVALID)))[:2] == ENGLISH
    assert said(RegisterForm(MultiDict(INVALID)))[:2] == CHINESE


@pytest.mark.parametrize(("locales", "wtforms_own"), [(["en"], ENGLISH), (["zh"], CHINESE), (("de", "en"), GERMAN)])
def test_locales_decide_whoever_reads(locales: list[str], wtforms_own: list[str]) -> None:
    for reader in ("zh", "en"):
        with reader_of(reader):
            assert said(RegisterForm(MultiDict(INVALID), meta={"locales": locales}))[:2] == wtforms_own


def test_our_own_messages_follow_the_locales_and_stay_as_they_were_said() -> None:
    form = LoginForm(MultiDict({"email": "x"}), meta={"locales": ["en"]})
    form.validate()
    assert form.errors["email"] == ["Enter a valid email address."]  # Read by somebody who reads Chinese.
    assert form.errors["password"] == ["Enter your password."]
    assert str(forms.MISSING_PASSWORD) == "请输入密码！"
    form = LoginForm(MultiDict())
    form.validate()
    with reader_of("en"):
        assert form.errors["password"] == ["请输入密码！"]


def test_a_form_of_ones_own_sets_its_locales() -> None:
    class English(ReasonForm):
        class Meta:
            locales = ("en",)

    form, others = English(MultiDict()), ReasonForm(MultiDict())
    assert not form.validate()
    assert not others.validate()
    assert form.errors == {"reason": ["This field is required."]}
    assert others.errors == {"reason": ["请填写此项。"]}


def test_without_translation_wtforms_own_messages_are_english() -> None:
    assert said(RegisterForm(MultiDict(INVALID), meta={"locales": False}))[:2] == ENGLISH


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows whenever a catalogue is looked for."""
    looked: list[str] = []
    find = gettext.find

    def counted(domain: str, *args: Any, **kwargs: Any) -> Any:
        looked.append(domain)
        return find(domain, *args, **kwargs)

    monkeypatch.setattr(gettext, "find", counted)
    monkeypatch.setattr(DefaultMeta, "translations_cache", {})
    return looked


def test_a_catalogue_is_looked_up_once_and_not_by_each_form(found: list[str]) -> None:
    for form_class in (LoginForm, RegisterForm, LoginForm, ReasonForm):
        form_class(MultiDict())
    assert found == ["wtforms"]
    with reader_of("en"):
        LoginForm()
        ReasonForm()
    assert found == ["wtforms"] * 2


def test_a_form_may_do_without_the_cache(found: list[str]) -> None:
    for _ in range(3):
        LoginForm(meta={"cache_translations": False})
    assert found == ["wtforms"] * 3


# --- Errors


def test_errors_are_what_wtforms_gives() -> None:
    class Plain(wtforms.Form):
        email = StringField(validators=[InputRequired("missing")])

    plain, ours = Plain(MultiDict()), EmailCaptchaForm(MultiDict())
    for form in (plain, ours):
        assert not form.validate()
        assert isinstance(form.email.errors, list)
        form.form_errors.append("of the form")
    above = next(name for name, errors in plain.errors.items() if errors == ["of the form"])
    assert ours.errors == {"email": ["请输入邮箱！"], above: ["of the form"]}
    assert list(all_errors(ours).items()) == [("", ["of the form"]), ("email", ["请输入邮箱！"])]


def test_errors_are_read_anew_each_time_and_plain_text() -> None:
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


def test_an_error_that_somebody_added_to_the_form_stays_and_those_of_its_checks_are_not_doubled() -> None:
    booking = example("Example")["BookingForm"]
    form = booking(MultiDict({"first_day": "2026-05-01", "last_day": "2026-06-30", "guests": "1"}))
    form.form_errors.append("closed")
    for _ in range(2):
        assert not form.validate()
        assert form.form_errors == ["closed", "Two weeks at most."]


def test_a_field_that_fails_without_a_sentence_fails_the_form() -> None:
    class Silent(StringField):
        def validate(self, *_: Any, **__: Any) -> bool:
            return False

    class Own(BaseForm):
        one = Silent()

    assert not Own(MultiDict({"one": "x"})).validate()


def test_an_error_of_a_field_that_the_form_does_not_have_is_one_of_the_form() -> None:
    form = LoginForm()
    form.add_error("captcha", "No.")
    assert form.form_errors == ["No."]


def test_a_form_may_be_a_field_of_another_one() -> None:
    class Signing(BaseForm):
        reason = StringField(validators=[InputRequired("missing")])
        who = FormField(LoginForm)
        others = FieldList(FormField(EmailCaptchaForm), min_entries=1)
        words = FieldList(StringField(validators=[InputRequired("missing")]), min_entries=1)

    sent = MultiDict(
        [("who-email", "x"), ("who-password", "x"), ("who-next", "/"), ("who-next", "/"), ("others-0-email", "x")]
    )
    form = Signing(sent)
    assert not form.validate()
    malformed = "请输入正确格式的邮箱！"
    assert form.errors["who"] == {"email": [malformed], "next": ["此项被重复提交。"]}
    assert all_errors(form) == {
        "reason": ["missing"],
        "who-email": [malformed],
        "who-next": ["此项被重复提交。"],
        "others-0-email": [malformed],
        "words-0": ["missing"],
    }
    form.add_error("who", "Not you.")
    assert form.form_errors == ["Not you."]


# --- The life of a form


def test_a_form_may_be_filled_again() -> None:
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
    user = SimpleNamespace(email="", password="", remember=True, next="", other="untouched")
    form = LoginForm(SENT)
    form.populate_obj(user)
    assert vars(user) == {**SENT.to_dict(), "remember": False, "other": "untouched"}


def test_a_form_is_iterated_and_asked_for_its_fields() -> None:
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


def test_a_field_may_be_deleted_and_nothing_misses_it() -> None:
    form = RegisterForm(MultiDict(REGISTRATION))
    del form.repetition
    assert not form.validate()
    assert list(form.errors) == ["password"]  # It is the name.
    del form.username
    assert form.validate(), form.errors
    assert "username" not in form
    assert form.username is None
    assert "username" not in form.data
    assert RegisterForm(MultiDict(REGISTRATION)).username.data == "annabella"


def test_a_field_that_must_equal_a_deleted_one_fails_until_it_is_deleted_too() -> None:
    form = NewPasswordForm(MultiDict({"repetition": "other"}))
    del form["password"]
    assert not form.validate()
    assert list(form.errors) == ["repetition"]
    del form["repetition"]
    assert form.validate(), form.errors


def test_a_form_validates_a_code_without_the_field_of_the_other_one() -> None:
    change = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": ""}))
    del change.old_captcha
    assert not change.validate()
    assert list(change.errors) == ["captcha"]


def test_a_field_that_was_sent_twice_may_be_deleted() -> None:
    form = LoginForm(MultiDict([*SENT.items(), ("next", "/")]))
    del form.next
    assert form.validate(), form.errors


# --- The examples of docs/forms.md


def example(title: str, blocks: int = 1) -> dict[str, Any]:
    """Run the first blocks of Python below a heading of docs/forms.md, with the names of forms.py and validators.py."""
    text = (ROOT / "docs" / "forms.md").read_text()
    part = re.split(r"^##+ ", re.split(rf"^##+ {title}\n", text, flags=re.MULTILINE)[1], flags=re.MULTILINE)[0]
    names = {**vars(wtforms), **vars(validators), **vars(forms), "timedelta": timedelta, "InputRequired": InputRequired}
    names |= {"current_app": current_app, "session": session, "lazy_gettext": lazy_gettext}
    for block in re.findall(r"^```python\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)[:blocks]:
        exec(block, names)
    return names


def test_the_calls_that_the_document_shows_are_calls() -> None:
    text = (ROOT / "docs" / "forms.md").read_text().partition("## Creating a form\n")[2]
    calls = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].splitlines()
    names = {**vars(forms), "request": SimpleNamespace(form=SENT), "user": SimpleNamespace(username="ann")}
    made = [eval(call, names) for call in calls]
    assert len(made) == 8
    assert all(isinstance(form, BaseForm) for form in made)


def test_the_worked_example_works() -> None:
    booking = example("Example")["BookingForm"]

    def booked(first_day: str, last_day: str, guests: str) -> tuple[dict[str, list[str]], Any]:
        form = booking(MultiDict({"first_day": first_day, "last_day": last_day, "guests": guests}))
        form.validate()
        return form.errors, form.last_day.data

    assert booked("2026-05-01", "2026-05-03", "2") == ({}, date(2026, 5, 4))
    assert list(booked("2026-05-01", "2026-04-01", "3")[0]) == ["last_day", "guests"]
    assert booked("2026-05-01", "2026-04-01", "2")[0] == {"last_day": ["This is before the first day."]}
    assert booked("2026-05-01", "2026-05-31", "2")[0] == {"": ["Two weeks at most."]}
    assert booked("2026-05-01", "2026-05-03", "3")[0] == {"guests": ["There is no room for three."]}


class Sessions:
    """The form with a token of its own, and two sessions."""

    def __init__(self) -> None:
        """Run the example."""
        self.names = example("A separate CSRF token", blocks=2)

    def form(self, sid: str, **sent: str) -> Any:
        """Return the form as the view of the document makes it for a session."""
        session["sid"] = sid
        return self.names["export_form"](MultiDict({"since": "2026-05-01", **sent}) if sent else None)

    def token(self, sid: str) -> str:
        """Return the token on the page of a session."""
        html = str(bare.jinja_env.get_template("macros.html").module.hidden(self.form(sid).export_token))
        return re.search(r'name="export_token" value="([^"]+)"', html)[1]


@pytest.fixture
def sessions() -> Sessions:
    """Return the form with a token of its own."""
    return Sessions()


def test_a_form_with_a_token_of_its_own_is_taken_in_its_session_and_in_no_other(sessions: Sessions) -> None:
    token = sessions.token("one")
    assert sessions.form("one", export_token=token).validate()
    assert sessions.form("one", export_token=token).validate()  # The page was reloaded, or shown in two windows.
    form = sessions.form("two", export_token=token)
    assert not form.validate()
    assert form.errors == {"export_token": ["无效的 CSRF 验证令牌。"]}


def test_a_token_is_bound_to_its_form_and_its_key(sessions: Sessions) -> None:
    token = sessions.token("one")

    class OtherForm(sessions.names["ExportForm"]):
        """Another form with the same settings."""

    meta = {name: getattr(sessions.form("one").meta, name) for name in ("csrf_secret", "csrf_context")}
    assert sessions.names["ExportForm"](MultiDict({"since": "2026-05-01", "export_token": token}), meta=meta).validate()
    other = OtherForm(MultiDict({"since": "2026-05-01", "export_token": token}), meta=meta)
    assert not other.validate()
    bare.secret_key, before = "another key", bare.secret_key
    try:
        assert not sessions.form("one", export_token=token).validate()
    finally:
        bare.secret_key = before
    assert sessions.form("one", export_token=token).validate()


def test_what_is_no_token_is_refused_without_a_fault(sessions: Sessions) -> None:
    token = sessions.token("one")
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
        form = sessions.form("one", export_token=bad)
        assert not form.validate()
        assert list(form.errors) == ["export_token"]
    missing = sessions.form("one", unrelated="x")
    assert not missing.validate()
    assert list(missing.errors) == ["export_token"]


def test_every_page_shows_another_token_and_never_the_one_that_was_sent(sessions: Sessions) -> None:
    one, two = sessions.token("one"), sessions.token("one")
    assert one != two
    form = sessions.form("one", export_token="sent by somebody")
    html = str(bare.jinja_env.get_template("macros.html").module.hidden(form.export_token))
    assert "sent by somebody" not in html


def test_a_token_is_not_made_without_a_key_and_a_session(sessions: Sessions) -> None:
    for meta in ({}, {"csrf_secret": b"x"}, {"csrf_context": "one"}, {"csrf_secret": b"x", "csrf_context": ""}):
        with pytest.raises(TypeError):
            sessions.names["ExportForm"](meta=meta)


def test_a_token_is_no_data_of_an_object(sessions: Sessions) -> None:
    target = SimpleNamespace(since=None)
    sessions.form("one", export_token=sessions.token("one")).populate_obj(target)
    assert vars(target) == {"since": date(2026, 5, 1)}


def test_a_token_has_its_place_under_a_prefix(sessions: Sessions) -> None:
    meta = {"csrf_secret": b"x", "csrf_context": "one"}
    export = sessions.names["ExportForm"]
    token = export(prefix="p", meta=meta).export_token.current_token
    assert export(MultiDict({"p-since": "2026-05-01", "p-export_token": token}), prefix="p", meta=meta).validate()
    twice = MultiDict([("p-since", "2026-05-01"), ("p-export_token", token), ("p-export_token", token)])
    assert not export(twice, prefix="p", meta=meta).validate()
