"""Each validator of validators.py alone: its parameters, what it takes and makes of it, its errors in both languages.

A field in a form of one field, and the catalogues: no page, no database, no cache.
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

bare = Flask(__name__)
languages.init_app(bare)


@pytest.fixture(autouse=True, params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Be a reader of one of the two languages."""
    with bare.test_request_context(headers={"Accept-Language": request.param}):
        yield request.param


def said_of(validator: Any, typed: str) -> list[str]:
    """Return what a field with this validator alone says of a text."""
    return validated(validator, typed)[0]


def made_of(validator: Any, typed: str) -> str:
    """Return what the validator made of a text that it took."""
    said, made = validated(validator, typed)
    assert said == []
    return str(made)


def validated(validator: Any, typed: str, field: Any = StringField) -> tuple[list[str], Any]:
    """Return what is said of a text, and what became of it."""

    class Alone(BaseForm):
        one = field(validators=[validator])

    form = Alone(MultiDict({"one": typed}))
    form.validate()
    return all_errors(form).get("one", []), form.one.data


class TestEmailAddress:
    """Which addresses are valid is tested in test_forms.py; here are the parameter and the error."""

    def test_it_says_so(self, language: str) -> None:
        sentence = {"zh": "请输入正确格式的邮箱！", "en": "Enter a valid email address."}
        assert said_of(EmailAddress(), "ann") == [sentence[language]]

    def test_it_says_what_it_is_told_to_say(self) -> None:
        assert said_of(EmailAddress("No."), "ann") == ["No."]

    def test_it_writes_the_address_in_its_normal_form(self) -> None:
        assert made_of(EmailAddress(), "ann@EXAMPLE.com") == "ann@example.com"


class TestCodeShape:
    """Six digits, or nothing."""

    @pytest.mark.parametrize("typed", ["123456", "000000", ""])
    def test_it_takes_six_digits_or_nothing(self, typed: str) -> None:
        assert said_of(CodeShape(), typed) == []

    @pytest.mark.parametrize("typed", ["12345", "1234567", "12345a", "123456\n", "１２３４５６"])
    def test_it_takes_nothing_else_and_says_so(self, language: str, typed: str) -> None:
        sentence = {"zh": "邮箱验证码错误！", "en": "The code is incorrect."}
        assert said_of(CodeShape(), typed) == [sentence[language]]


class TestNotReserved:
    """Names that nobody may take."""

    @pytest.mark.parametrize(
        "typed", ["admin", "ADMIN", "Root", "cc", "cms", "管理员", "ａｄｍｉｎ", "Ａdmin", "postmaster"]
    )
    def test_it_refuses_them_whatever_their_case_and_width(self, language: str, typed: str) -> None:
        sentence = {
            "zh": "该用户名为保留名称，请换一个。",
            "en": "This username is reserved. Choose a different one.",
        }
        assert said_of(NotReserved(), typed) == [sentence[language]]

    @pytest.mark.parametrize("typed", ["ann", "admins", "badmin", "李明", ""])
    def test_it_takes_every_other_name(self, typed: str) -> None:
        assert said_of(NotReserved(), typed) == []

    def test_its_names_and_its_sentence_can_be_others(self) -> None:
        mine = NotReserved(["Straße"], "Not this one.")
        assert said_of(mine, "STRASSE") == ["Not this one."]
        assert said_of(mine, "admin") == []


class TestNameShape:
    """Letters and digits of any script, dots, dashes, underscores."""

    @pytest.mark.parametrize("typed", ["ann", "Ann.B-c_9", "李明", "Ångström", "Ёлка", "İbrahim", "ｌｉ"])
    def test_it_takes_names_of_any_script(self, typed: str) -> None:
        assert said_of(NameShape(), typed) == []

    @pytest.mark.parametrize(
        "typed",
        [
            *("a b", "", " ann", "a/b", "a@b", "<b>", "a'b", "a\0b", "a\nb", "ann\n"),
            *("a\u200bb", "a\u202eb", "a\ufeffb", "a\u00a0b"),
            *("\ufdfa", "½ann"),  # One letter or number for the eye; several words where names are compared.
        ],
    )
    def test_it_takes_nothing_that_is_invisible_or_turns_round(self, language: str, typed: str) -> None:
        sentence = {
            "zh": "只能使用文字、数字、点、连字符和下划线。",
            "en": "Use only letters, digits, dots, hyphens and underscores.",
        }
        assert said_of(NameShape(), typed) == [sentence[language]]

    def test_whatever_passes_fits_into_the_table(self) -> None:
        """A name has at most twenty characters; the longest that each can become is looked for, one by one."""
        room = CMSUser.__table__.c.username_key.type.length
        every = [chr(number) for number in range(0x20000) if chr(number).isalnum()]
        widest = max(every, key=lambda each: len(name_key(each)))
        assert len(name_key(widest)) * 20 > room  # So there is something to refuse.
        assert said_of(NameShape(), widest)
        longest = max(
            len(name_key(each)) for each in every if len(name_key(each)) < 5 or not said_of(NameShape(), f"a{each}")
        )
        assert longest * 20 <= room


class TestPasswordStrength:
    """Long enough, not too long, not common; nothing else (NIST SP 800-63B)."""

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
    def test_it_refuses_and_says_why(self, language: str, typed: str, zh: str, en: str) -> None:
        assert said_of(PasswordStrength(), typed) == [{"zh": zh, "en": en}[language]]

    @pytest.mark.parametrize("typed", ["kq7!zzpw", "x" * 128, "mmmmnmmmm", "   a  b   ", "一二三四五六七八", "🐎" * 8])
    def test_it_asks_for_no_kinds_of_characters(self, typed: str) -> None:
        assert made_of(PasswordStrength(), typed) == typed  # As it was typed: nothing is cut off.

    def test_its_bounds_can_be_others(self) -> None:
        mine = PasswordStrength(min=3, max=5, common=0)
        assert [bool(said_of(mine, "x" * length)) for length in (2, 3, 5, 6)] == [True, False, False, True]
        assert said_of(mine, "12345") == []

    def test_the_commonest_are_as_many_as_it_is_told(self) -> None:
        from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 (30 000 words, needed here only)

        words = FREQUENCY_LISTS["passwords"]
        assert said_of(PasswordStrength(1, 128, 3), words[2])
        assert not said_of(PasswordStrength(1, 128, 3), words[3])
        assert said_of(PasswordStrength(1), words[9_999])
        assert not said_of(PasswordStrength(1), words[10_000])


class TestMobileNumber:
    """Mobile numbers, of mainland China as they are written there, of any country with + and its code."""

    @pytest.mark.parametrize(
        ("typed", "kept"),
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
            ("+1 201 555 0123", "+12015550123"),  # Mobile and fixed lines look the same there.
        ],
    )
    def test_it_writes_them_internationally(self, typed: str, kept: str) -> None:
        assert made_of(MobileNumber(), typed) == kept

    @pytest.mark.parametrize(
        "typed",
        [
            *("", "1", "ann", "12012345678", "11012345678", "1381234567", "138123456789"),
            *("010 1234 5678", "+49 30 123456", "400 123 4567", "+999 13812345678", "4915123456789"),
            *("+" * 500, "1" * 500, "138\x001234\x005678"),
        ],
    )
    def test_it_takes_nothing_else_and_says_so(self, language: str, typed: str) -> None:
        sentence = {
            "zh": "请输入手机号，非中国大陆号码请以 + 和国家或地区代码开头。",
            "en": "Enter a mobile number. Numbers outside mainland China start with + and the country code.",
        }
        assert said_of(MobileNumber(), typed) == [sentence[language]]

    @given(st.text(max_size=60))
    def test_whatever_is_typed_is_validated_without_a_fault(self, typed: str) -> None:
        said, made = validated(MobileNumber(), typed)
        if not said:
            assert phonenumbers.is_valid_number(phonenumbers.parse(made))
            assert len(made) <= CMSUser.__table__.c.mobile.type.length


class TestIntegerRange:
    """An integer between two bounds."""

    @pytest.mark.parametrize("typed", ["2", "5", " 3 ", "+4", "４"])
    def test_it_takes_its_bounds_and_what_is_between(self, typed: str) -> None:
        assert validated(IntegerRange(2, 5), typed, IntegerField)[0] == []

    @pytest.mark.parametrize("typed", ["1", "6", "-3", "9" * 40, "9" * 400, "-" + "9" * 400])
    def test_it_refuses_what_is_outside_and_says_so(self, language: str, typed: str) -> None:
        sentence = {"zh": "请输入 2 到 5 之间的数字。", "en": "Enter a number from 2 to 5."}
        assert validated(IntegerRange(2, 5), typed, IntegerField)[0] == [sentence[language]]

    @pytest.mark.parametrize("typed", ["", "three", "2.5", "0x3", "9" * 5000])
    def test_a_value_that_is_no_integer_has_one_error(self, language: str, typed: str) -> None:
        sentence = {"zh": "不是有效的整数。", "en": "Not a valid integer value."}
        assert validated(IntegerRange(2, 5), typed, IntegerField)[0] == [sentence[language]]

    @pytest.mark.parametrize("typed", ["6", "9" * 400])
    def test_its_message_can_be_another_one(self, typed: str) -> None:
        message = "From %(min)s to %(max)s."
        assert validated(IntegerRange(2, 5, message), typed, IntegerField)[0] == ["From 2 to 5."]

    def test_a_missing_integer_is_outside_unless_it_is_optional(self, language: str) -> None:
        class Counting(BaseForm):
            required = IntegerField(validators=[IntegerRange(2, 5)])
            optional = IntegerField(validators=[Optional(), IntegerRange(2, 5)])

        sentence = {"zh": "请输入 2 到 5 之间的数字。", "en": "Enter a number from 2 to 5."}
        assert errors(Counting(MultiDict())) == {"required": [sentence[language]]}


class TestChoiceCount:
    """So many choices at least and at most."""

    class Several(BaseForm):
        """A field of several choices."""

        tags = SelectMultipleField(choices=choices(dict.fromkeys("abcde", "")), validators=[ChoiceCount(1, 3)])

    def several(self, sent: str) -> tuple[list[str], list[str] | None]:
        """Return what is said of some choices, and what became of them."""
        form = self.Several(MultiDict([("tags", each) for each in sent]))
        form.validate()
        return all_errors(form).get("tags", []), form.tags.data

    @pytest.mark.parametrize("sent", ["a", "ba", "cab"])
    def test_it_takes_its_bounds_and_what_is_between(self, sent: str) -> None:
        assert self.several(sent) == ([], list(sent))

    @pytest.mark.parametrize("sent", ["", "abcd"])
    def test_it_refuses_fewer_and_more_and_says_so(self, language: str, sent: str) -> None:
        sentence = {"zh": "请选择 1 到 3 项。", "en": "Choose 1 to 3 options."}
        assert self.several(sent)[0] == [sentence[language]]

    def test_what_is_sent_twice_is_chosen_once(self) -> None:
        assert self.several("abaab") == ([], ["a", "b"])


@pytest.mark.parametrize(
    ("typed", "kept"),
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
def test_a_reason_is_one_line(typed: str | None, kept: str | None) -> None:
    assert join_lines(typed) == kept


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
    """Validate the form, and return its errors."""
    form.validate()
    return all_errors(form)


def test_wtforms_own_sentences_are_in_the_language_of_the_reader(language: str) -> None:
    class Own(BaseForm):
        name = StringField(validators=[DataRequired()])
        long = StringField(validators=[Length(max=2)])
        number = IntegerField(validators=[Optional()])

    said = errors(Own(MultiDict({"name": "", "long": "abc", "number": "x"})))
    assert (
        said
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


def test_a_registration_asks_for_every_field_in_the_language_of_the_reader(language: str) -> None:
    said = errors(RegisterForm(MultiDict()))
    missing, password = {
        "zh": ("请填写此项。", "请输入密码！"),
        "en": ("This field is required.", "Enter your password."),
    }[language]
    assert {name: sentences for name, sentences in said.items() if name != "language"} == {
        "username": [missing],
        "password": [password],
        **{name: [missing] for name in ("mobile", "staff_number", "gender", "city", "interests")},
    }
    assert len(said["language"]) == 1


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
def test_a_field_of_the_registration_says_what_is_wrong_with_it(
    language: str, field: str, typed: str, zh: str, en: str
) -> None:
    assert errors(RegisterForm(MultiDict(REGISTRATION))) == {}
    assert errors(RegisterForm(MultiDict({**REGISTRATION, field: typed}))) == {field: [{"zh": zh, "en": en}[language]]}


def test_what_can_be_chosen_among_the_interests_is_told_when_the_form_is_made() -> None:
    for form_class in (RegisterForm, ProfileForm):
        sent = MultiDict({**REGISTRATION, "version": "1", "interests": "chess"})
        assert list(errors(form_class(sent))) == ["interests"]
        assert errors(form_class(sent, interests={"chess": "Chess"})) == {}
    assert list(errors(RegisterForm(MultiDict(REGISTRATION)))) == []  # The choices of one form are not those of all.


def test_a_profile_may_leave_out_all_but_the_name() -> None:
    left_out = {"username": "ann", "mobile": " ", "staff_number": "", "city": "", "language": "", "version": "1"}
    form = ProfileForm(MultiDict(left_out))
    assert errors(form) == {}
    assert {name: form[name].data or None for name in ("mobile", "staff_number", "gender", "city")} == dict.fromkeys(
        ("mobile", "staff_number", "gender", "city")
    )
    assert form.gender.choices == choices(GENDERS)


PERSONAL = {
    "zh": "密码不能与用户名或邮箱相同。",
    "en": "The password must not be your username or email address.",
}


@pytest.mark.parametrize("typed", ["Annabella", "annabella@example.com", "ANNABELLA"])
def test_a_password_is_not_the_person(language: str, typed: str) -> None:
    form = NewPasswordForm(MultiDict({"password": typed, "repetition": typed}), forbidden=("annabella@example.com", ""))
    assert errors(form) == {"password": [PERSONAL[language]]}


def test_a_password_is_not_the_name_that_is_chosen_beside_it(language: str) -> None:
    sent = {**REGISTRATION, "username": "annabella", "password": "AnnaBella", "repetition": "AnnaBella"}
    assert errors(RegisterForm(MultiDict(sent))) == {"password": [PERSONAL[language]]}


def test_a_change_of_password_is_a_change(language: str) -> None:
    same = "correct horse battery"
    sentence = {
        "zh": "新密码不能与当前密码相同。",
        "en": "The new password must be different from the current password.",
    }
    form = ChangePasswordForm(MultiDict({"oldpwd": same, "password": same, "repetition": same}))
    assert errors(form) == {"password": [sentence[language]]}


def test_a_field_that_is_sent_twice_is_refused_in_the_language_of_the_reader(language: str) -> None:
    sentence = {"zh": "此项被重复提交。", "en": "This field was submitted more than once."}
    form = ReasonForm(MultiDict([("reason", "a"), ("reason", "b")]))
    assert errors(form) == {"reason": [sentence[language]]}


def test_what_is_too_long_is_refused_in_the_language_of_the_reader(language: str) -> None:
    sentence = {"zh": "内容过长。", "en": "This is too long."}
    assert errors(ReasonForm(MultiDict({"reason": "x" * 201}))) == {"reason": [sentence[language]]}
    long = LoginForm(MultiDict({"email": "ann@example.com", "password": "x" * 1025, "next": "/" * 2001}))
    assert errors(long) == {"password": [sentence[language]], "next": [sentence[language]]}


def test_a_number_that_is_given_is_asked_for_by_input_and_not_by_truth() -> None:
    class Counting(BaseForm):
        number = IntegerField(validators=[InputRequired(), IntegerRange(0, 3)])

    assert errors(Counting(MultiDict({"number": "0"}))) == {}
