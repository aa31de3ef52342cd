"""Usernames that forms accept, the errors of other ones, and invisible characters in text fields."""

import unicodedata
from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from cms import languages
from forms import EmailCaptchaForm, LoginForm, ProfileForm, UsernameForm, all_errors
from models import CMSUser, name_key

app = Flask(__name__)
languages.init_app(app)


@pytest.fixture(autouse=True, params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run each test in a request in each of the two languages."""
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield request.param


def profile_errors(name: str) -> list[str]:
    """Return the errors of a username in the profile form."""
    form = ProfileForm(MultiDict({"username": name, "city": "", "language": "", "version": "1"}))
    form.validate()
    return all_errors(form).get("username", [])


def command_line_errors(name: str) -> list[str]:
    """Return the errors of a username on the command line."""
    form = UsernameForm(data={"username": name})
    form.validate()
    return all_errors(form).get("username", [])


def clean_username(name: str) -> str:
    """Return a valid username as the profile form returns it."""
    form = ProfileForm(MultiDict({"username": name, "city": "", "language": "", "version": "1"}))
    assert form.validate(), form.errors
    return str(form.username.data)


SHAPE = {
    "zh": "只能使用文字、数字、点、连字符和下划线。",
    "en": "Use only letters, digits, dots, hyphens and underscores.",
}
RESERVED = {"zh": "该用户名为保留名称，请换一个。", "en": "This username is reserved. Choose a different one."}
LENGTH = {"zh": "用户名长度应为 2 到 20 个字符。", "en": "The username must have 2 to 20 characters."}
LETTER = {"zh": "用户名至少要包含一个汉字或字母。", "en": "The username must contain at least one letter."}


@pytest.mark.parametrize(
    "name",
    [
        *("张伟", "王芳", "lì", "lì.míng", "张Wei", "Ann-Lee_3", "Bø", "Ёлка", "Ελένη", "דנה", "محمد"),
        *("रामचन्द्र", "สมชาย", "မြင့်", "Nguyễn", "ノート", "김철수", "ཀརྨ", "Ivan.Иванов", "ｌｉ"),
    ],
)
def test_names_of_every_script_are_accepted(name: str) -> None:
    assert profile_errors(name) == []
    assert clean_username(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", ["李", "a", "e\u0301", "x" * 21, "张" * 21])
def test_the_length_of_a_name_is_that_of_its_grapheme_clusters(language: str, name: str) -> None:
    assert profile_errors(name) == command_line_errors(name) == [LENGTH[language]]


def test_a_letter_with_its_marks_is_one_character() -> None:
    assert profile_errors("क्षि" * 10) == []  # Forty code points.
    assert profile_errors("q\u0323\u0307" * 20) != []  # Sixty code points, too many for the column.


@given(st.text(alphabet=st.characters(categories=["L", "N", "Mn", "Mc"]), min_size=1, max_size=60))
def test_valid_names_fit_into_their_columns(name: str) -> None:
    form = UsernameForm(data={"username": name})
    if form.validate():
        columns = CMSUser.__table__.c
        assert len(form.username.data) <= columns.username.type.length
        assert len(name_key(form.username.data)) <= columns.username_key.type.length


def ignorable() -> list[str]:
    """Return the first and last character of every range of Default_Ignorable_Code_Point in Unicode."""
    ranges = (
        "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 "
        "1BCA0-1BCA3 1D173-1D17A E0001 E0020-E007F E0100-E01EF"
    )
    found = []
    for each in ranges.split():
        first, _, last = each.partition("-")
        # Not a set: the order must be the same in every process.
        found += dict.fromkeys((chr(int(first, 16)), chr(int(last or first, 16))))
    return found


@pytest.mark.parametrize("mark", ignorable(), ids=lambda mark: f"U+{ord(mark):04X}")
def test_a_name_with_an_ignorable_character_is_refused(mark: str) -> None:
    for name in (f"an{mark}n", f"a{mark}{mark}n", f"张{mark}伟"):
        assert profile_errors(name) != [], name
        assert command_line_errors(name) != [], name
    assert profile_errors(mark * 3) != []
    assert profile_errors(f"a{mark}") != []  # Only one visible character.


def test_an_invisible_character_inside_a_name_is_reported(language: str) -> None:
    sentence = {
        "zh": "用户名中“an”之后有一个不可见字符（零宽空格，U+200B），请手动输入，不要粘贴。",
        "en": "The username contains an invisible character (zero width space, U+200B) after “an”. "
        "Type the username instead of pasting it.",
    }
    assert profile_errors("an\u200bn") == command_line_errors("an\u200bn") == [sentence[language]]


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u00a0", "\u3000", "\u202c", "\u2060", "\u3164", " \u200e\t"])
def test_invisible_characters_around_a_name_are_stripped(mark: str) -> None:
    assert clean_username(f"{mark}ann{mark}") == "ann"


@pytest.mark.parametrize("name", ["12", "2026", "１２３", "...", "_-_", "ʼʼʼ", "٣٤"])
def test_a_name_without_letters_is_refused(language: str, name: str) -> None:
    assert profile_errors(name) == command_line_errors(name) == [LETTER[language]]


@pytest.mark.parametrize(
    "name",
    [
        *("1\u0323ann", ".\u0308ann", "\u0308ann", "ann_\u0301"),  # Marks after a digit, a sign, and nothing.
        *("a\u20ddnn", "a\u20e3nn"),  # Enclosed letters.
        *("xx\u0323\u0324\u0325\u0326\u0327", "x\u0323\u0323y"),  # Too many marks, or the same one twice.
    ],
)
def test_combining_marks_without_a_letter_and_repeated_ones_are_refused(language: str, name: str) -> None:
    assert profile_errors(name) == [SHAPE[language]]


@pytest.mark.parametrize(
    "name",
    [
        *("аdmin", "аdmіn", "adm1n", "ADMlN", "adrnin", "ΑDΜΙΝ", "admın", "ａｄｍiｎ", "𝐚𝐝𝐦𝐢𝐧", "аdmInistrator"),
        *("rооt", "r00t", "ѕupport", "сс", "іnfo", "1nfo", "客服", "systern", "ѕystem"),
    ],
)
def test_a_name_that_looks_like_a_reserved_one_is_refused(language: str, name: str) -> None:
    assert profile_errors(name) == [RESERVED[language]]
    assert command_line_errors(name) == []


@pytest.mark.parametrize("name", ["Seif", "Ian", "Sam", "Mia", "Otto", "admins", "administratrix", "rooty", "Владимир"])
def test_a_name_that_only_resembles_a_reserved_one_is_accepted(name: str) -> None:
    assert profile_errors(name) == []


# --- Addresses


def process_address(typed: str) -> tuple[str | None, list[str]]:
    """Return an address as the form returns it, and its errors."""
    form = EmailCaptchaForm(MultiDict({"email": typed}))
    form.validate()
    return form.email.data, all_errors(form).get("email", [])


@pytest.mark.parametrize(
    "mark",
    [
        *(chr(number) for number in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
        *("\u2060", "\ufeff", "\u00ad", "\u00a0", "\u202f", "\u3000", "\u2003", "\u2028", "\u3164", "\ufe0f", "\u2800"),
        *(" \u200b ", "\u202a\ufeff\t", "\r\n\u00a0"),
    ],
    ids=lambda mark: "+".join(f"{ord(each):04X}" for each in mark),
)
def test_invisible_characters_around_an_address_are_stripped(mark: str) -> None:
    for typed in (f"{mark}ann@example.com", f"ann@example.com{mark}", f"{mark}ann@example.com{mark}"):
        assert process_address(typed) == ("ann@example.com", [])
    form = LoginForm(MultiDict({"email": f"ann@example.com{mark}", "password": "x"}))
    assert form.validate(), form.errors


@pytest.mark.parametrize(
    ("typed", "zh", "en"),
    [
        (
            "ann\u200b@example.com",
            "“ann”之后有一个不可见字符（零宽空格，U+200B）",
            "(zero width space, U+200B) after “ann”",
        ),
        (
            "ann@\ufeffexample.com",
            "“ann@”之后有一个不可见字符（字节顺序标记，U+FEFF）",
            "(byte order mark, U+FEFF) after “ann@”",
        ),
        (
            "ann@exam\u00adple.com",
            "“ann@exam”之后有一个不可见字符（软连字符，U+00AD）",
            "(soft hyphen, U+00AD) after “ann@exam”",
        ),
        (
            "ann\u00a0@example.com",
            "“ann”之后有一个不可见字符（不换行空格，U+00A0）",
            "(no-break space, U+00A0) after “ann”",
        ),
        (
            "ann@example\u202e.com",
            "（right-to-left override，U+202E）",
            "(right-to-left override, U+202E) after “ann@example”",
        ),
        ("a\0nn@example.com", "“a”之后有一个不可见字符（控制字符，U+0000）", "(control character, U+0000) after “a”"),
        (
            f"{'x' * 30}\u200b@example.com",
            f"“{'x' * 20}”之后",
            f"after “{'x' * 20}”",
        ),
    ],
)
def test_an_invisible_character_inside_an_address_is_reported_with_its_position(
    language: str, typed: str, zh: str, en: str
) -> None:
    errors = process_address(typed)[1]
    assert len(errors) == 1
    assert {"zh": zh, "en": en}[language] in errors[0]
    beginning, end = {
        "zh": ("邮箱地址中“", "，请手动输入，不要粘贴。"),
        "en": ("The address contains an invisible character (", "”. Type the address instead of pasting it."),
    }[language]
    assert errors[0].startswith(beginning)
    assert errors[0].endswith(end)


@pytest.mark.parametrize("typed", ["ann bob@example.com", "ann@exa mple.com", "ann@example.com\nbcc", "\u200b", "ann"])
def test_an_address_with_a_visible_error_is_reported_as_invalid(language: str, typed: str) -> None:
    sentences = {
        "zh": ("请输入正确格式的邮箱！", "请输入邮箱！"),
        "en": ("Enter a valid email address.", "Enter an email address."),
    }
    assert process_address(typed)[1] == [sentences[language][typed == "\u200b"]]


def test_a_domain_with_an_invisible_character_in_its_ascii_form_is_refused(language: str) -> None:
    malformed = {"zh": "请输入正确格式的邮箱！", "en": "Enter a valid email address."}
    assert process_address("ann@xn--mgba3gch31f060k.com")[1] == [malformed[language]]


@given(st.text(max_size=60))
def test_accepted_addresses_contain_no_invisible_characters(typed: str) -> None:
    processed, errors = process_address(typed + "@example.com")
    if not errors:
        assert processed is not None
        assert processed.isprintable()
        assert not any(unicodedata.category(character) in ("Cf", "Cc", "Zs") for character in processed)


def test_direction_marks_around_a_mobile_number_are_stripped() -> None:
    form = ProfileForm(
        MultiDict({"username": "ann", "mobile": "\u202d13812345678\u202c", "city": "", "language": "", "version": "1"})
    )
    assert form.validate(), form.errors
    assert form.mobile.data == "+8613812345678"


def test_a_very_long_text_is_stripped() -> None:
    long = "\u200b" * 200_000 + "x" + " " * 200_000 + "y" + "\u200b" * 200_000
    form = EmailCaptchaForm(MultiDict({"email": long}))
    assert not form.validate()
    assert len(form.email.data) == 200_002
