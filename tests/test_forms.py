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
    """Be in a request, whose reader's language the sentences are in."""
    with sqlite_env.app.test_request_context(headers={"Accept-Language": "zh"}):
        yield sqlite_env.app


def address(typed: str) -> str | None:
    """Return the address as the form gives it on, or None where it is refused."""
    form = EmailCaptchaForm(MultiDict({"email": typed}))
    return form.email.data if form.validate() else None


@pytest.mark.parametrize(
    ("typed", "kept"),
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
def test_an_address_is_taken_in_its_normal_form(typed: str, kept: str) -> None:
    assert address(typed) == kept


@pytest.mark.parametrize(
    "typed", ["=?utf-8?q?x?=@example.com", "x" * 65 + "@example.com", "ann@localhost", "用户@例え.jp"]
)
def test_an_address_that_would_reach_somebody_else_or_nobody_is_refused(typed: str) -> None:
    assert address(typed) is None


@pytest.mark.parametrize(
    ("typed", "read"),
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
def test_a_code_is_found_in_what_people_type_and_paste(typed: str, read: str) -> None:
    form = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": typed}))
    assert form.validate(), form.errors
    assert form.captcha.data == read


@pytest.mark.parametrize("typed", ["12345", "1234567", "12345678", "123456 654321", "12a456", "abcdef"])
def test_what_may_be_two_codes_or_none_is_refused(typed: str) -> None:
    form = ResetEmailForm(MultiDict({"email": "ann@example.com", "captcha": typed}))
    assert not form.validate()
    assert list(all_errors(form)) == ["captcha"]


@given(st.text(max_size=300))
def test_whatever_is_typed_for_a_code_is_read_without_a_fault(typed: str) -> None:
    read = extract_code(typed)
    assert read is not None
    assert extract_code(read) == read  # Reading it once more finds nothing else in it.


@given(st.text(max_size=80))
def test_whatever_is_typed_for_an_address_is_validated_without_a_fault(typed: str) -> None:
    """Without a request there is no language: the sentences fall back to the default one."""
    form = EmailCaptchaForm(MultiDict({"email": typed}))
    if form.validate():
        kept = str(form.email.data)
        again = EmailCaptchaForm(MultiDict({"email": kept}))
        assert again.validate()
        assert again.email.data == kept
        assert kept.isprintable()


@pytest.mark.parametrize("form_class", [EmailCaptchaForm, LoginForm, ResetEmailForm])
def test_a_field_that_is_sent_twice_is_refused(form_class: type[EmailCaptchaForm]) -> None:
    form = form_class(MultiDict([("email", "ann@example.com"), ("email", "ann@example.com"), ("captcha", "123456")]))
    assert not form.validate()
    assert "email" in all_errors(form)


def test_every_field_hears_all_that_is_wrong_with_it() -> None:
    form = ResetEmailForm(MultiDict({"email": "x", "captcha": "x"}))
    assert not form.validate()
    first = all_errors(form)
    assert list(first) == ["email", "captcha"]
    assert all(first.values())
    assert all_errors(form) == first  # Reading the errors does not empty them.


def test_the_sentences_are_those_of_the_design() -> None:
    form = ResetEmailForm(MultiDict({"email": "x", "captcha": "12345"}))
    form.validate()
    assert all_errors(form) == {"email": ["请输入正确格式的邮箱！"], "captcha": ["邮箱验证码错误！"]}


def test_the_sentences_are_english_for_who_reads_english(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        form = EmailCaptchaForm(MultiDict({"email": "x"}))
        form.validate()
        assert all_errors(form) == {"email": ["Enter a valid email address."]}


def test_a_password_is_not_stripped() -> None:
    form = ReauthForm(MultiDict({"password": " a b "}))
    assert form.validate()
    assert form.password.data == " a b "
