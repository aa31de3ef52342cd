"""operator_files.py: the logo, the styles and the fields of the profile; what is wrong with a file, in one line."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

import config
import forms
import operator_files
from config import ConfigError
from tests.environments import settings_for
from tests.servers import AS_ROOT, ROOT, command_line

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
PNG = b"\x89PNG\r\n\x1a\n..."
WEBP = b"RIFF\x0a\0\0\0WEBPVP8 "
RULES = 'registration = "optional"\nprofile = "optional"\n'
CITY = f"[city]\n{RULES}[city.choices]\n"
Read = Callable[[Path], object]


def problem(read: Read, file: Path, content: bytes | str | None) -> str:
    """Write a file, and return why it is refused."""
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (The caller checks the message.)
        read(file)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 250
    assert not line.endswith(".")
    return line


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Be another user than root, who can read every file."""
    user = os.geteuid()
    if AS_ROOT:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


class TestLogo:
    """SITE_LOGO."""

    @pytest.mark.parametrize(
        ("name", "content", "served"),
        [
            ("a.svg", SVG, "site-logo.svg"),
            ("a.SVG", b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->' + SVG, "site-logo.svg"),
            ("a.png", PNG, "site-logo.png"),
            ("a.webp", WEBP, "site-logo.webp"),
        ],
    )
    def test_svg_png_and_webp_are_accepted(self, tmp_path: Path, name: str, content: bytes, served: str) -> None:
        (tmp_path / name).write_bytes(content)
        assert operator_files.read_logo(tmp_path / name) == {served: content}

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("a.svg", None, "there is no such file"),
            ("a.svg", b" \n", "the file is empty"),
            ("a.gif", b"GIF89a", "it must end with .svg, .png or .webp"),
            ("svg", SVG, "it must end with .svg, .png or .webp"),
            ("a.png", SVG, "the file is no image of the format png"),
            ("a.webp", PNG, "the file is no image of the format webp"),
            ("a.svg", PNG, "the file is not valid XML: not well-formed (invalid token): line 1, column 0"),
            ("a.svg", b"<!DOCTYPE html><html></html>", "the file is no SVG: "),
            ("a.svg", b"<svg></svg>", "the file is no SVG: "),
            ("a.svg", SVG.replace(b"/>", b">"), "the file is not valid XML: "),
            ("a.svg", b'<?xml version="1.0" encoding="klingon"?>' + SVG, "the file is not valid XML: "),
            ("a.png", PNG + bytes(262_144), "the file is larger than 256 KiB"),
        ],
    )
    def test_any_other_file_is_refused(self, tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
        assert problem(operator_files.read_logo, tmp_path / name, content).startswith(reason)

    def test_a_folder_and_a_pipe_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.svg").mkdir()
        assert problem(operator_files.read_logo, tmp_path / "a.svg", None) == "it is a folder, not a file"
        os.mkfifo(tmp_path / "b.svg")  # Reading it would wait for a writer.
        assert problem(operator_files.read_logo, tmp_path / "b.svg", None) == "it is no regular file"
        assert problem(operator_files.read_logo, tmp_path / "b.svg" / "c.svg", None) == "there is no such file"

    def test_an_unreadable_file_is_refused_with_the_reason(self, tmp_path: Path) -> None:
        (tmp_path / "a.svg").write_bytes(SVG)
        (tmp_path / "a.svg").chmod(0)
        with without_privileges():
            reason = problem(operator_files.read_logo, tmp_path / "a.svg", None)
        assert reason == "the file cannot be read: Permission denied"
        (tmp_path / "b.svg").symlink_to("b.svg")
        reason = problem(operator_files.read_logo, tmp_path / "b.svg", None)
        assert reason == "the file cannot be read: Too many levels of symbolic links"

    def test_entities_that_expand_to_gigabytes_are_refused(self, tmp_path: Path) -> None:
        entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
        bomb = f'<!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]>' + SVG.decode().replace("/>", ">&e12;</svg>")
        assert problem(operator_files.read_logo, tmp_path / "a.svg", bomb).startswith("the file is not valid XML: ")


class TestStyles:
    """SITE_STYLES."""

    def test_a_style_sheet_is_accepted(self, tmp_path: Path) -> None:
        (tmp_path / "a.css").write_bytes(b":root { --cms-accent: teal }")
        assert operator_files.read_styles(tmp_path / "a.css") == {"site.css": b":root { --cms-accent: teal }"}

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("a.css", None, "there is no such file"),
            ("a.css", b"", "the file is empty"),
            ("a.txt", b"a {}", "it must end with .css"),
            ("a.css", b"<!doctype html><html></html>", "the file is no style sheet"),
            ("a.css", b"a {}\0", "the file is no style sheet"),
            ("a.css", b"\xff\xfe", "the file is not UTF-8: byte 1"),
            ("a.css", b"a" * 262_145, "the file is larger than 256 KiB"),
        ],
    )
    def test_any_other_file_is_refused(self, tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
        assert problem(operator_files.read_styles, tmp_path / name, content) == reason


class TestProfileFields:
    """PROFILE_FIELDS."""

    def test_the_file_of_the_product_is_the_default_of_the_forms(self, application: Flask) -> None:
        """`forms.py` imports nothing of ours, and is usable without a file."""
        found = operator_files.read_profile_fields(ROOT / "profile_fields.toml")
        assert tuple(found) == forms.DETAILS == operator_files.PROFILE_FIELDS
        assert {(each["registration"], each["profile"]) for each in found.values()} == {("required", "optional")}
        with application.test_request_context():
            for language in ("zh", "en"):
                with force_locale(language):
                    for name, labels in (("city", forms.CITIES), ("interests", forms.INTERESTS)):
                        choices = found[name]["choices"]
                        expected = [(key, str(label)) for key, label in labels.items()]
                        assert [(key, each[language]) for key, each in choices.items()] == expected

    def test_the_order_of_choices_is_that_of_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text(CITY + "".join(f'{key} = {{zh = "{key}", en = "{key}"}}\n' for key in "cab"))
        assert list(operator_files.read_profile_fields(tmp_path / "a.toml")["city"]["choices"]) == ["c", "a", "b"]

    def test_a_field_that_the_file_does_not_name_is_off(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text(f"[gender]\n{RULES}")
        found = operator_files.read_profile_fields(tmp_path / "a.toml")
        assert [name for name, field in found.items() if field["profile"] != "off"] == ["gender"]
        assert [name for name, field in found.items() if field["registration"] != "off"] == ["gender"]

    def test_a_field_that_is_off_needs_no_choices(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text('[city]\nregistration = "off"\nprofile = "off"\n')
        assert operator_files.read_profile_fields(tmp_path / "a.toml")["city"]["choices"] == {}

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (None, "there is no such file"),
            ("", "the file is empty"),
            (b"\xff", "the file is not UTF-8: byte 1"),
            ("#" * 65_537, "the file is larger than 64 KiB"),
            ("[city", "the file is not valid TOML: Expected ']' at the end of a table declaration (at "),
            (
                f"[gender]\n{RULES}profile = 'off'\n",
                "the file is not valid TOML: Cannot overwrite a value (at line 4, ",
            ),
            (f"{CITY}a = 1\na = 2\n", "the file is not valid TOML: Cannot overwrite a value (at line 6, "),
            ("x = " + "[" * 20_000, "the file is not valid TOML: "),
            ("[hobby]", "'hobby' is unknown; known are mobile, staff_number, gender, city, interests"),
            ("city = 'off'", "city must be a table, not 'off'"),
            ("[[city]]", "city must be a table, not a list"),
            (f"[city]\n{RULES}label = 'x'", "'city.label' is unknown; known are registration, profile, choices"),
            (f"[gender]\n{RULES}[gender.choices]", "'gender.choices' is unknown; known are registration, profile"),
            ("[mobile]\nprofile = 'off'", "mobile.registration is missing; it must be required, optional or off"),
            ("[mobile]\nregistration = 'off'", "mobile.profile is missing; it must be required, optional or off"),
            (
                "[mobile]\nprofile = 'off'\nregistration = 'maybe'",
                "mobile.registration must be required, optional or off, not 'maybe'",
            ),
            (
                "[mobile]\nprofile = 'off'\nregistration = ['off']",
                "mobile.registration must be required, optional or off, not a list",
            ),
            (CITY, "city.choices must have at least one choice, unless the field is off"),
            (f"[city]\n{RULES}", "city.choices must have at least one choice, unless the field is off"),
            (f"[city]\n{RULES}choices = 1", "city.choices must be a table, not a number"),
            (f"{CITY}'' = {{}}", "city.choices: the key '' must consist of 1 to 40 characters a-z, 0-9, _ and -"),
            (f"{CITY}'Xi an' = {{}}", "city.choices: the key 'Xi an' must consist of "),
            (f"{CITY}'西安' = {{}}", "city.choices: the key '西安' must consist of "),
            (f'{CITY}"a\\nb" = {{}}', "city.choices: the key 'a\\nb' must consist of "),
            (f"{CITY}{'a' * 41} = {{}}", f"city.choices: the key '{'a' * 41}' must consist of "),
            (f"{CITY}{'a' * 9999} = {{}}", "city.choices: the key 'aaa"),
            (f"{CITY}a = 'A'", "city.choices.a must be a table, not 'A'"),
            (f"{CITY}a = {{ zh = 'A' }}", "city.choices.a.en must be a text"),
            (f"{CITY}a = {{ zh = 1, en = 'A' }}", "city.choices.a.zh must be a text"),
            (f"{CITY}a = {{ zh = '', en = 'A' }}", "city.choices.a.zh: it must have 1 to 60 characters"),
            (
                f'{CITY}a = {{ zh = "A\\u202e", en = "A" }}',
                "city.choices.a.zh: it must not contain control characters or other invisible characters",
            ),
            (f"{CITY}a = {{ zh = 'A', en = 'A', fr = 'A' }}", "'city.choices.a.fr' is unknown; known are zh, en"),
            (CITY + "".join(f"a{n} = 1\n" for n in range(201)), "city.choices has more than 200 choices"),
            (
                f"{CITY}a = {{ zh = '苏州', en = 'Suzhou' }}\nb = {{ zh = '宿州', en = 'SUZHOU' }}\n",
                "city.choices.b.en is the same as city.choices.a.en",
            ),
            (
                f"{CITY}a = {{ zh = '苏州', en = 'A' }}\nb = {{ zh = '苏州', en = 'B' }}\n",
                "city.choices.b.zh is the same as city.choices.a.zh",
            ),
            pytest.param(
                f"[mobile]\nprofile = 'off'\nregistration.{'a.' * 20_000}a = 1",
                "mobile.registration must be required, optional or off, not a table",
                marks=pytest.mark.slow,
            ),
            (
                "[mobile]\nprofile = 'off'\nregistration = true",
                "mobile.registration must be required, optional or off, ",
            ),
            ("city = 1979-05-27", "city must be a table, not a date or a time"),
            (f"city = 0x{'f' * 9999}", "city must be a table, not a number"),
            (f"city = {'9' * 9999}", "the file is not valid TOML: "),
        ],
    )
    def test_a_bad_file_is_refused_with_the_place_of_its_fault(
        self, tmp_path: Path, content: bytes | str | None, reason: str
    ) -> None:
        assert problem(operator_files.read_profile_fields, tmp_path / "a.toml", content).startswith(reason)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return an application that handles no requests."""
    from app import create_app  # noqa: PLC0415 (Other tests of this module need none.)

    return create_app(settings_for(tmp_path_factory.mktemp("files")))


@pytest.mark.parametrize("name", ["SITE_LOGO", "SITE_STYLES", "PROFILE_FIELDS"])
def test_a_bad_file_stops_the_start_with_one_line_that_names_the_setting(tmp_path: Path, name: str) -> None:
    file = str(tmp_path / ("nothing.css" if name == "SITE_STYLES" else "nothing.svg"))
    with pytest.raises(ConfigError) as caught:
        config.load(settings_for(tmp_path, **{name: file}))
    assert str(caught.value) == f"{name}={file!r} is invalid: there is no such file."


def test_paths_are_relative_to_the_folder_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values = config.load(
        settings_for(tmp_path, SITE_LOGO="static/icon.svg", SITE_STYLES="static/cms.css", PROFILE_FIELDS="")
    )
    assert values["SITE_LOGO"] == {"site-logo.svg": (ROOT / "static" / "icon.svg").read_bytes()}
    assert values["SITE_STYLES"] == {"site.css": (ROOT / "static" / "cms.css").read_bytes()}
    assert values["PROFILE_FIELDS"] == operator_files.read_profile_fields(ROOT / "profile_fields.toml")


@pytest.mark.slow
def test_a_bad_file_of_fields_ends_the_command_line_with_that_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[mobile]\nprofile = 'yes'\nregistration = 'off'\n")
    result = command_line(settings_for(tmp_path / "instance", PROFILE_FIELDS=str(tmp_path / "a.toml")), "doctor")
    assert result.returncode != 0
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .endswith("is invalid: mobile.profile must be required, optional or off, not 'yes'.")
    )
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "instance").exists()
