"""forms.py: the forms of the change of address and of the sign-in."""

from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from forms import EmailCaptchaForm, LoginForm, ReauthForm, ResetEmailForm, all_errors
from tests.environments import Environment
from validators import extract_code


@pytest.fixture(autouse=True)
def app(sqlite_env: Environment) -> Iterator[Flask]:
    """Push the context of a request in Chinese."""
    with sqlite_env.app.test_request_context(headers={"Accept-Language": "zh"}):
        yield sqlite_env.app


def normalise(typed: str) -> str | None:
    """Return the address as the form normalises it, or None if it is refused."""
    form = EmailCaptchaForm(MultiDict({"email": typed}))
    return form.email.data if form.validate() else None


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("ann@example.com", "ann@example.com"),
        (" ann@example.com\t\n", "ann@example.com"),
        ("Ann@Example.COM", "Ann@example.com"),
        ("ann+tag@example.com", "ann+tag@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
        ("ann@faß.example.com", "ann@faß.example.com"),
        ("ann@xn--fa-hia.example.com", "ann@faß.example.com"),
        ("ann@bu\u0308cher.example.com", "ann@bücher.example.com"),
        ("ann@例え.jp", "ann@例え.jp"),
    ],
)
def test_an_address_is_normalised(typed: str, normal: str) -> None:
    assert normalise(typed) == normal


@pytest.mark.parametrize(
    "typed", ["=?utf-8?q?x?=@example.com", "x" * 65 + "@example.com", "ann@localhost", "用户@例え.jp"]
)
def test_an_address_that_cannot_be_delivered_is_refused(typed: str) -> None:
    assert normalise(typed) is None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123456 ", "123456"),
        ("123 456", "123456"),
        ("123-456", "123456"),
        ("1 2 3 4 5 6", "123456"),
        ("１２３４５６", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("123\u00a0456", "123456"),
        ("123\u2011456", "123456"),
        ("\ufeff123456", "123456"),
        ("123456 是验证码", "123456"),
        ("Your code: 123456.", "123456"),
        ("000000", "000000"),
    ],
)
def test_a_code_is_extracted_from_typed_or_pasted_text(typed: str, code: str) -> None:
    form = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": typed}))
    assert form.validate(), form.errors
    assert form.captcha.data == code


@pytest.mark.parametrize("typed", ["12345", "1234567", "12345678", "123456 654321", "12a456", "abcdef"])
def test_text_without_exactly_one_code_is_refused(typed: str) -> None:
    form = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": typed}))
    assert not form.validate()
    assert list(all_errors(form)) == ["captcha"]


@given(st.text(max_size=300))
def test_no_text_for_a_code_causes_an_error(typed: str) -> None:
    code = extract_code(typed)
    assert code is not None
    assert extract_code(code) == code  # The function is idempotent.


@given(st.text(max_size=80))
def test_no_text_for_an_address_causes_an_error(typed: str) -> None:
    """Valid addresses are normalised idempotently."""
    form = EmailCaptchaForm(MultiDict({"email": typed}))
    if form.validate():
        normal = str(form.email.data)
        again = EmailCaptchaForm(MultiDict({"email": normal}))
        assert again.validate()
        assert again.email.data == normal
        assert normal.isprintable()


@pytest.mark.parametrize("form_class", [EmailCaptchaForm, LoginForm, ResetEmailForm])
def test_a_field_that_is_submitted_twice_is_refused(form_class: type[EmailCaptchaForm]) -> None:
    form = form_class(MultiDict([("email", "ann@example.com"), ("email", "ann@example.com"), ("captcha", "123456")]))
    assert not form.validate()
    assert "email" in all_errors(form)


def test_every_invalid_field_has_its_errors() -> None:
    form = ResetEmailForm(MultiDict({"email": "x", "captcha": "x"}))
    assert not form.validate()
    first = all_errors(form)
    assert list(first) == ["email", "captcha"]
    assert all(first.values())
    assert all_errors(form) == first  # Reading the errors does not delete them.


def test_the_errors_are_chinese_by_default() -> None:
    form = ResetEmailForm(MultiDict({"email": "x", "captcha": "12345"}))
    form.validate()
    assert all_errors(form) == {"email": ["请输入正确格式的邮箱！"], "captcha": ["邮箱验证码错误！"]}


def test_the_errors_are_english_if_the_request_prefers_english(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        form = EmailCaptchaForm(MultiDict({"email": "x"}))
        form.validate()
        assert all_errors(form) == {"email": ["Enter a valid email address."]}


def test_a_password_is_not_stripped() -> None:
    form = ReauthForm(MultiDict({"password": " a b "}))
    assert form.validate()
    assert form.password.data == " a b "
