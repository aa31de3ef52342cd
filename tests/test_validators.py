"""validators.py: the parameters, the results and the errors of each validator, in both languages.

The tests use forms and the catalogues, and no page, no database and no cache.
"""

from collections.abc import Iterator
from typing import Any

import phonenumbers
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from cms import languages
from forms import (
    GENDERS,
    BaseForm,
    ChangePasswordForm,
    LoginForm,
    NewPasswordForm,
    ProfileForm,
    ReasonForm,
    RegisterForm,
    all_errors,
    choices,
)
from models import CMSUser, name_key
from validators import (
    ChoiceCount,
    CodeShape,
    EmailAddress,
    IntegerRange,
    MobileNumber,
    NameShape,
    NotReserved,
    PasswordStrength,
    find_typo,
    join_lines,
)

app = Flask(__name__)
languages.init_app(app)


@pytest.fixture(autouse=True, params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run each test in a request in each of the two languages."""
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield request.param


def errors_of(validator: Any, typed: str) -> list[str]:
    """Return the errors of a text in a field with this validator."""
    return validate(validator, typed)[0]


def value_of(validator: Any, typed: str) -> str:
    """Return a valid text as the validator returns it."""
    found, value = validate(validator, typed)
    assert found == []
    return str(value)


def validate(validator: Any, typed: str, field: Any = StringField) -> tuple[list[str], Any]:
    """Return the errors of a text in a field with this validator, and the value of the field."""

    class OneField(BaseForm):
        value = field(validators=[validator])

    form = OneField(MultiDict({"value": typed}))
    form.validate()
    return all_errors(form).get("value", []), form.value.data


class TestEmailAddress:
    """The parameter and the error; tests/test_forms.py tests which addresses are valid."""

    def test_an_invalid_address_has_an_error(self, language: str) -> None:
        sentence = {"zh": "请输入正确格式的邮箱！", "en": "Enter a valid email address."}
        assert errors_of(EmailAddress(), "ann") == [sentence[language]]

    def test_the_message_of_an_invalid_address_can_be_changed(self) -> None:
        assert errors_of(EmailAddress("No."), "ann") == ["No."]

    def test_the_address_is_normalised(self) -> None:
        assert value_of(EmailAddress(), "ann@EXAMPLE.com") == "ann@example.com"


class TestCodeShape:
    """Six digits, or an empty value."""

    @pytest.mark.parametrize("typed", ["123456", "000000", ""])
    def test_six_digits_and_an_empty_value_are_valid(self, typed: str) -> None:
        assert errors_of(CodeShape(), typed) == []

    @pytest.mark.parametrize("typed", ["12345", "1234567", "12345a", "123456\n", "１２３４５６"])
    def test_other_values_are_invalid(self, language: str, typed: str) -> None:
        sentence = {"zh": "邮箱验证码错误！", "en": "The code is incorrect."}
        assert errors_of(CodeShape(), typed) == [sentence[language]]


class TestNotReserved:
    """Reserved names."""

    @pytest.mark.parametrize(
        "typed", ["admin", "ADMIN", "Root", "cc", "cms", "管理员", "ａｄｍｉｎ", "Ａdmin", "postmaster"]
    )
    def test_reserved_names_are_invalid_in_any_case_and_width(self, language: str, typed: str) -> None:
        sentence = {
            "zh": "该用户名为保留名称，请换一个。",
            "en": "This username is reserved. Choose a different one.",
        }
        assert errors_of(NotReserved(), typed) == [sentence[language]]

    @pytest.mark.parametrize("typed", ["ann", "admins", "badmin", "李明", ""])
    def test_other_names_are_valid(self, typed: str) -> None:
        assert errors_of(NotReserved(), typed) == []

    def test_names_and_message_can_be_changed(self) -> None:
        validator = NotReserved(["Straße"], "Not this one.")
        assert errors_of(validator, "STRASSE") == ["Not this one."]
        assert errors_of(validator, "admin") == []


class TestNameShape:
    """Letters and digits of any script, dots, hyphens and underscores."""

    @pytest.mark.parametrize("typed", ["ann", "Ann.B-c_9", "李明", "Ångström", "Ёлка", "İbrahim", "ｌｉ"])
    def test_names_of_any_script_are_valid(self, typed: str) -> None:
        assert errors_of(NameShape(), typed) == []

    @pytest.mark.parametrize(
        "typed",
        [
            *("a b", "", " ann", "a/b", "a@b", "<b>", "a'b", "a\0b", "a\nb", "ann\n"),
            *("a\u200bb", "a\u202eb", "a\ufeffb", "a\u00a0b"),
            *("\ufdfa", "½ann"),  # One character, but several words in the key that is compared.
        ],
    )
    def test_whitespace_and_invisible_characters_and_signs_are_invalid(self, language: str, typed: str) -> None:
        sentence = {
            "zh": "只能使用文字、数字、点、连字符和下划线。",
            "en": "Use only letters, digits, dots, hyphens and underscores.",
        }
        assert errors_of(NameShape(), typed) == [sentence[language]]

    def test_keys_of_valid_names_fit_into_their_column(self) -> None:
        """A name has at most twenty characters; this finds the longest key of a single character."""
        capacity = CMSUser.__table__.c.username_key.type.length
        characters = [chr(number) for number in range(0x20000) if chr(number).isalnum()]
        widest = max(characters, key=lambda each: len(name_key(each)))
        assert len(name_key(widest)) * 20 > capacity  # Otherwise the validator would have nothing to refuse.
        assert errors_of(NameShape(), widest)
        longest = max(
            len(name_key(each))
            for each in characters
            if len(name_key(each)) < 5 or not errors_of(NameShape(), f"a{each}")
        )
        assert longest * 20 <= capacity


class TestPasswordStrength:
    """Bounds of the length and common passwords, and no other rules (NIST SP 800-63B)."""

    @pytest.mark.parametrize(
        ("typed", "zh", "en"),
        [
            ("", "至少需要 8 个字符。", "Use at least 8 characters."),
            ("kq7!zzp", "至少需要 8 个字符。", "Use at least 8 characters."),
            ("x" * 129, "不能超过 128 个字符。", "Use at most 128 characters."),
            (
                "password",
                "此密码过于常见，请换一个。",
                "This password is too common. Choose a different one.",
            ),
            (
                "PassWord",
                "此密码过于常见，请换一个。",
                "This password is too common. Choose a different one.",
            ),
        ],
    )
    def test_short_long_and_common_passwords_are_invalid(self, language: str, typed: str, zh: str, en: str) -> None:
        assert errors_of(PasswordStrength(), typed) == [{"zh": zh, "en": en}[language]]

    @pytest.mark.parametrize("typed", ["kq7!zzpw", "x" * 128, "mmmmnmmmm", "   a  b   ", "一二三四五六七八", "🐎" * 8])
    def test_no_kinds_of_characters_are_required(self, typed: str) -> None:
        assert value_of(PasswordStrength(), typed) == typed  # The value is not modified.

    def test_the_bounds_can_be_changed(self) -> None:
        validator = PasswordStrength(min=3, max=5, common=0)
        assert [bool(errors_of(validator, "x" * length)) for length in (2, 3, 5, 6)] == [True, False, False, True]
        assert errors_of(validator, "12345") == []

    def test_the_number_of_common_passwords_can_be_changed(self) -> None:
        from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 (30 000 words, used only here)

        words = FREQUENCY_LISTS["passwords"]
        assert errors_of(PasswordStrength(1, 128, 3), words[2])
        assert not errors_of(PasswordStrength(1, 128, 3), words[3])
        assert errors_of(PasswordStrength(1), words[9_999])
        assert not errors_of(PasswordStrength(1), words[10_000])


class TestMobileNumber:
    """Mobile numbers of mainland China in national form, and of any country with + and the country code."""

    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            ("13812345678", "+8613812345678"),
            ("138 1234 5678", "+8613812345678"),
            ("138-1234-5678", "+8613812345678"),
            ("+86 138 1234 5678", "+8613812345678"),
            ("0086 13812345678", "+8613812345678"),
            ("１３８１２３４５６７８", "+8613812345678"),
            *((f"{begin}12345678", f"+86{begin}12345678") for begin in ("139", "150", "166", "178", "186", "198")),
            ("+49 1512 3456789", "+4915123456789"),
            ("+44 7400 123456", "+447400123456"),
            ("+852 5123 4567", "+85251234567"),
            ("+1 201 555 0123", "+12015550123"),  # Mobile and fixed-line numbers cannot be distinguished there.
        ],
    )
    def test_numbers_are_converted_to_the_international_form(self, typed: str, expected: str) -> None:
        assert value_of(MobileNumber(), typed) == expected

    @pytest.mark.parametrize(
        "typed",
        [
            *("", "1", "ann", "12012345678", "11012345678", "1381234567", "138123456789"),
            *("010 1234 5678", "+49 30 123456", "400 123 4567", "+999 13812345678", "4915123456789"),
            *("+" * 500, "1" * 500, "138\x001234\x005678"),
        ],
    )
    def test_other_numbers_are_invalid(self, language: str, typed: str) -> None:
        sentence = {
            "zh": "请输入手机号，非中国大陆号码请以 + 和国家或地区代码开头。",
            "en": "Enter a mobile number. Numbers outside mainland China start with + and the country code.",
        }
        assert errors_of(MobileNumber(), typed) == [sentence[language]]

    @given(st.text(max_size=60))
    def test_any_text_is_validated_without_an_exception(self, typed: str) -> None:
        found, value = validate(MobileNumber(), typed)
        if not found:
            assert phonenumbers.is_valid_number(phonenumbers.parse(value))
            assert len(value) <= CMSUser.__table__.c.mobile.type.length


class TestIntegerRange:
    """An integer between two bounds."""

    @pytest.mark.parametrize("typed", ["2", "5", " 3 ", "+4", "４"])
    def test_bounds_and_values_between_them_are_valid(self, typed: str) -> None:
        assert validate(IntegerRange(2, 5), typed, IntegerField)[0] == []

    @pytest.mark.parametrize("typed", ["1", "6", "-3", "9" * 40, "9" * 400, "-" + "9" * 400])
    def test_values_outside_the_bounds_are_invalid(self, language: str, typed: str) -> None:
        sentence = {"zh": "请输入 2 到 5 之间的数字。", "en": "Enter a number from 2 to 5."}
        assert validate(IntegerRange(2, 5), typed, IntegerField)[0] == [sentence[language]]

    @pytest.mark.parametrize("typed", ["", "three", "2.5", "0x3", "9" * 5000])
    def test_a_value_that_is_not_an_integer_has_one_error(self, language: str, typed: str) -> None:
        sentence = {"zh": "不是有效的整数。", "en": "Not a valid integer value."}
        assert validate(IntegerRange(2, 5), typed, IntegerField)[0] == [sentence[language]]

    @pytest.mark.parametrize("typed", ["6", "9" * 400])
    def test_the_message_can_be_changed(self, typed: str) -> None:
        message = "From %(min)s to %(max)s."
        assert validate(IntegerRange(2, 5, message), typed, IntegerField)[0] == ["From 2 to 5."]

    def test_a_missing_integer_is_invalid_unless_it_is_optional(self, language: str) -> None:
        class Numbers(BaseForm):
            required = IntegerField(validators=[IntegerRange(2, 5)])
            optional = IntegerField(validators=[Optional(), IntegerRange(2, 5)])

        sentence = {"zh": "请输入 2 到 5 之间的数字。", "en": "Enter a number from 2 to 5."}
        assert errors(Numbers(MultiDict())) == {"required": [sentence[language]]}


class TestChoiceCount:
    """A minimum and a maximum of choices."""

    class Choices(BaseForm):
        """A form with one field for several choices."""

        tags = SelectMultipleField(choices=choices(dict.fromkeys("abcde", "")), validators=[ChoiceCount(1, 3)])

    def choose(self, sent: str) -> tuple[list[str], list[str] | None]:
        """Return the errors of some choices, and the value of the field."""
        form = self.Choices(MultiDict([("tags", each) for each in sent]))
        form.validate()
        return all_errors(form).get("tags", []), form.tags.data

    @pytest.mark.parametrize("sent", ["a", "ba", "cab"])
    def test_numbers_of_choices_within_the_bounds_are_valid(self, sent: str) -> None:
        assert self.choose(sent) == ([], list(sent))

    @pytest.mark.parametrize("sent", ["", "abcd"])
    def test_fewer_and_more_choices_are_invalid(self, language: str, sent: str) -> None:
        sentence = {"zh": "请选择 1 到 3 项。", "en": "Choose 1 to 3 options."}
        assert self.choose(sent)[0] == [sentence[language]]

    def test_duplicate_choices_are_removed(self) -> None:
        assert self.choose("abaab") == ([], ["a", "b"])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" a  reason ", "a reason"),
        ("one\r\ntwo\nthree\tfour", "one two three four"),
        ("no\0thing", "no thing"),
        ("line\u2028line\u2029line\x85line", "line line line line"),
        ("原因", "原因"),
        (" \n ", ""),
        (None, None),
    ],
)
def test_a_reason_is_one_line(typed: str | None, expected: str | None) -> None:
    assert join_lines(typed) == expected


@pytest.mark.parametrize(
    ("email", "ascii_email", "suggestion"),
    [
        ("ann@gmial.com", "ann@gmial.com", "ann@gmail.com"),
        ("ann@аpple.com", "ann@xn--pple-43d.com", ""),  # A Cyrillic letter among Latin ones
    ],
)
def test_a_probable_typo_is_found_with_the_ascii_form_of_the_address(
    email: str, ascii_email: str, suggestion: str
) -> None:
    typo = find_typo(email)
    assert typo is not None
    assert (typo.ascii, typo.suggestion) == (ascii_email, suggestion)
    assert (suggestion or ascii_email.partition("@")[2]) in str(typo.question)


@pytest.mark.parametrize("email", ["ann@gmail.com", "ann@example.com", "ann@例え.jp", "ann@bücher.example.com"])
def test_an_ordinary_address_has_no_typo(email: str) -> None:
    assert find_typo(email) is None


def errors(form: BaseForm) -> dict[str, list[str]]:
    """Validate a form, and return its errors."""
    form.validate()
    return all_errors(form)


def test_messages_of_wtforms_are_translated(language: str) -> None:
    class Fields(BaseForm):
        name = StringField(validators=[DataRequired()])
        long = StringField(validators=[Length(max=2)])
        number = IntegerField(validators=[Optional()])

    found = errors(Fields(MultiDict({"name": "", "long": "abc", "number": "x"})))
    assert (
        found
        == {
            "zh": {
                "name": ["该字段是必填字段。"],
                "long": ["字段长度不能超过 2 个字符。"],
                "number": ["不是有效的整数。"],
            },
            "en": {
                "name": ["This field is required."],
                "long": ["Field cannot be longer than 2 characters."],
                "number": ["Not a valid integer value."],
            },
        }[language]
    )


def test_a_registration_requires_every_field(language: str) -> None:
    found = errors(RegisterForm(MultiDict()))
    missing, password = {
        "zh": ("请填写此项。", "请输入密码！"),
        "en": ("This field is required.", "Enter your password."),
    }[language]
    assert {name: sentences for name, sentences in found.items() if name != "language"} == {
        "username": [missing],
        "password": [password],
        **{name: [missing] for name in ("mobile", "staff_number", "gender", "city", "interests")},
    }
    assert len(found["language"]) == 1


REGISTRATION = {
    "username": "ann",
    "password": "correct horse battery",
    "repetition": "correct horse battery",
    "mobile": "13812345678",
    "staff_number": "7",
    "gender": "female",
    "city": "beijing",
    "interests": "news",
    "language": "en",
}


@pytest.mark.parametrize(
    ("field", "typed", "zh", "en"),
    [
        ("username", "a", "用户名长度应为 2 到 20 个字符。", "The username must have 2 to 20 characters."),
        ("username", "a" * 21, "用户名长度应为 2 到 20 个字符。", "The username must have 2 to 20 characters."),
        ("username", "admin", "该用户名为保留名称，请换一个。", "This username is reserved. Choose a different one."),
        ("repetition", "another", "两次输入的密码不一致。", "The passwords do not match."),
        ("staff_number", "0", "请输入 1 到 99999999 之间的数字。", "Enter a number from 1 to 99999999."),
        ("gender", "none", "不是有效的选择。", "Not a valid choice."),
        ("city", "atlantis", "不是有效的选择。", "Not a valid choice."),
        ("language", "fr", "不是有效的选择。", "Not a valid choice."),
    ],
)
def test_an_invalid_field_of_a_registration_has_its_own_error(
    language: str, field: str, typed: str, zh: str, en: str
) -> None:
    assert errors(RegisterForm(MultiDict(REGISTRATION))) == {}
    assert errors(RegisterForm(MultiDict({**REGISTRATION, field: typed}))) == {field: [{"zh": zh, "en": en}[language]]}


def test_the_choices_of_interests_are_a_parameter_of_the_form() -> None:
    for form_class in (RegisterForm, ProfileForm):
        sent = MultiDict({**REGISTRATION, "version": "1", "interests": "chess"})
        assert list(errors(form_class(sent))) == ["interests"]
        assert errors(form_class(sent, interests={"chess": "Chess"})) == {}
    assert list(errors(RegisterForm(MultiDict(REGISTRATION)))) == []  # The parameter affects one form only.


def test_a_profile_requires_only_the_username() -> None:
    left_out = {"username": "ann", "mobile": " ", "staff_number": "", "city": "", "language": "", "version": "1"}
    form = ProfileForm(MultiDict(left_out))
    assert errors(form) == {}
    assert {name: form[name].data or None for name in ("mobile", "staff_number", "gender", "city")} == dict.fromkeys(
        ("mobile", "staff_number", "gender", "city")
    )
    assert form.gender.choices == choices(GENDERS)


PERSONAL = {
    "zh": "密码不能由用户名、邮箱或本站名称组成。",
    "en": "The password must not consist of your username, your email address or the name of this site.",
}


@pytest.mark.parametrize("typed", ["Annabella", "annabella@example.com", "ANNABELLA"])
def test_a_password_must_not_be_the_username_or_address(language: str, typed: str) -> None:
    form = NewPasswordForm(MultiDict({"password": typed, "repetition": typed}), forbidden=("annabella@example.com", ""))
    assert errors(form) == {"password": [PERSONAL[language]]}


WORDS = ("ann.lee", "ann.lee@mail.example.com", "cms.example.com", "账号中心", "张伟", "13812345678@x.cn")


@pytest.mark.parametrize(
    "typed",
    [
        "ann.lee1",
        "ANN LEE 2026!",
        "LeeLeeLee",
        "--example--",
        "cms.example.com",
        "2026 cms.example.com 2026",
        "ａｎｎｌｅｅ１２",
        "AnnLee@CMS.example",
        "账号中心账号中心",
        "张伟2026张伟2026",
        "13812345678",
        "!13812345678",
        "ann 4815162342",
    ],
)
def test_a_password_must_not_consist_of_the_context_words(typed: str) -> None:
    form = NewPasswordForm(MultiDict({"password": typed, "repetition": typed}), forbidden=WORDS)
    assert list(errors(form)) == ["password"]


@pytest.mark.parametrize(
    "typed",
    [
        "my cms has four tables",
        "annlees horse",
        "example battery",
        "张伟喜欢吃红苹果",
        "48151623421",
        "x.cn x.cn x.y",
        "!?!?!?!?!",
    ],
)
def test_a_password_that_only_contains_context_words_is_valid(typed: str) -> None:
    form = NewPasswordForm(MultiDict({"password": typed, "repetition": typed}), forbidden=WORDS)
    assert errors(form) == {}


def test_a_password_must_not_consist_of_the_username_and_other_context_words() -> None:
    sent = {**REGISTRATION, "username": "annabella", "password": "annabella cms", "repetition": "annabella cms"}
    assert list(errors(RegisterForm(MultiDict(sent), forbidden=["CMS"]))) == ["password"]
    assert list(errors(RegisterForm(MultiDict(sent)))) == []


def test_a_long_password_of_similar_words_is_compared_in_linear_time() -> None:
    typed = "a" * 127 + "b"
    form = NewPasswordForm(MultiDict({"password": typed, "repetition": typed}), forbidden=["aaa", "aaaa", "aaaaa"])
    assert errors(form) == {}


def test_a_password_must_not_be_the_username_in_the_same_form(language: str) -> None:
    sent = {**REGISTRATION, "username": "annabella", "password": "AnnaBella", "repetition": "AnnaBella"}
    assert errors(RegisterForm(MultiDict(sent))) == {"password": [PERSONAL[language]]}


def test_a_new_password_must_be_different_from_the_current_one(language: str) -> None:
    same = "correct horse battery"
    sentence = {
        "zh": "新密码不能与当前密码相同。",
        "en": "The new password must be different from the current password.",
    }
    form = ChangePasswordForm(MultiDict({"oldpwd": same, "password": same, "repetition": same}))
    assert errors(form) == {"password": [sentence[language]]}


def test_a_field_that_is_sent_twice_is_refused(language: str) -> None:
    sentence = {"zh": "此项被重复提交。", "en": "This field was submitted more than once."}
    form = ReasonForm(MultiDict([("reason", "a"), ("reason", "b")]))
    assert errors(form) == {"reason": [sentence[language]]}


def test_a_value_that_is_too_long_is_refused(language: str) -> None:
    sentence = {"zh": "内容过长。", "en": "This is too long."}
    assert errors(ReasonForm(MultiDict({"reason": "x" * 201}))) == {"reason": [sentence[language]]}
    long = LoginForm(MultiDict({"email": "ann@example.com", "password": "x" * 1025, "next": "/" * 2001}))
    assert errors(long) == {"password": [sentence[language]], "next": [sentence[language]]}


def test_zero_satisfies_a_required_integer_field() -> None:
    class Numbers(BaseForm):
        number = IntegerField(validators=[InputRequired(), IntegerRange(0, 3)])

    assert errors(Numbers(MultiDict({"number": "0"}))) == {}
