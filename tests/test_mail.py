"""accounts/mailer.py: the words of every mail, in Chinese and in English, held to the texts in tests/expected/.

Who changes a mail on purpose writes them anew with `WRITE_EXPECTED=1 pytest tests/test_mail.py` and reads the
difference before it is committed.
"""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts import mailer
from accounts.audit import Where
from accounts.mailer import Aftermath, Letter
from tests.houses import Clock, House
from tests.parts import ROOT

EXPECTED = Path(__file__).resolve().parent / "expected"
AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
WHERE = Where("203.0.113.5", "Firefox 131, Linux", "https://cms.example.com")
EVIL = Where("<i>net</i>", "<script>alert(1)</script>", "https://cms.example.com")
AFTERMATH = Aftermath(["eve@example.com"], ["bob"], ["carol", "mallory"])
LETTERS: dict[str, Callable[[str, Where, str], Letter]] = {
    "code": lambda language, where, _: mailer.code(language, code="012345", seconds=600, where=where),
    "taken": lambda language, where, _: mailer.taken(language, where=where),
    "heads_up": lambda language, where, _: mailer.heads_up(
        language, new_email="new@mail.example.org", stop="TOKEN", where=where
    ),
    "old_code": lambda language, where, _: mailer.old_code(
        language, code="012345", seconds=90, new_email="new@mail.example.org", stop="TOKEN", where=where
    ),
    "tries_spent": lambda language, where, _: mailer.tries_spent(language, until=AT, where=where),
    "changed": lambda language, where, name: mailer.changed(
        language, username=name, new_email="new@mail.example.org", undo="TOKEN", at=AT, where=where
    ),
    "undone": lambda language, where, name: mailer.undone(language, username=name, where=where),
    "restored": lambda language, where, name: mailer.restored(
        language, username=name, token="TOKEN", seconds=1800, aftermath=AFTERMATH, where=where
    ),
    "password_link": lambda language, where, _: mailer.password_link(
        language, token="TOKEN", seconds=1800, where=where
    ),
    "password_changed": lambda language, where, name: mailer.password_changed(language, username=name, where=where),
    "assisted": lambda language, where, name: mailer.assisted(
        language, new_email="new@mail.example.org", by=name, reason="Lost mailbox", at=AT, stop="TOKEN", where=where
    ),
    "assisted_proof": lambda language, where, name: mailer.assisted_proof(
        language, username=name, by="bob", token="TOKEN", where=where
    ),
    "invitation": lambda language, where, name: mailer.invitation(
        language, token="TOKEN", hours=72, by=name, where=where
    ),
    "account_changed": lambda language, where, name: mailer.account_changed(
        language, username=name, what="disabled", reason="Left the team", by="bob", where=where
    ),
}
EVERY = pytest.mark.parametrize("kind", LETTERS)
BOTH = pytest.mark.parametrize("language", ["zh", "en"])


def letter(house: House, kind: str, language: str, where: Where = WHERE, name: str = "ann") -> Letter:
    """Write a letter as a request from a reader of neither language would."""
    house.clock.at = AT
    with house.app.test_request_context(headers={"Accept-Language": "fr"}):
        return LETTERS[kind](language, where, name)


@EVERY
@BOTH
def test_a_mail_says_what_is_written_down(small_house: House, kind: str, language: str) -> None:
    written = letter(small_house, kind, language)
    found = f"{written.subject}\n\n{written.body}\n{'-' * 40}\n{written.html.strip()}\n"
    path = EXPECTED / f"{kind}.{language}.txt"
    if os.environ.get("WRITE_EXPECTED"):
        path.write_text(found)
    assert found == path.read_text()


def test_every_mail_has_its_texts_and_every_text_its_mail() -> None:
    folders = {path.name for path in (ROOT / "templates" / "mail").iterdir() if path.is_dir()}
    assert folders == set(LETTERS)
    assert {path.name for path in EXPECTED.glob("*.txt")} == {
        f"{kind}.{each}.txt" for kind in LETTERS for each in ("zh", "en")
    }


@EVERY
@BOTH
def test_a_mail_is_whole(small_house: House, kind: str, language: str) -> None:
    written = letter(small_house, kind, language)
    assert written.kind == kind
    assert written.subject == " ".join(written.subject.split())
    assert 4 < len(written.subject) < 100
    assert f'lang="{language}"' in written.html
    for words in (written.subject, written.body, written.html):
        assert not re.search(r"\{\{|\}\}|\{%|%\(|None|Undefined", words)
    assert bool(re.search(r"[\u4e00-\u9fff]", written.body)) == (language == "zh")
    assert bool(re.search(r"[\u4e00-\u9fff]", written.subject)) == (language == "zh")


@pytest.mark.parametrize(
    ("seconds", "told"), [(600, "10 minutes"), (60, "1 minute"), (90, "90 seconds"), (59, "59 seconds")]
)
def test_a_life_is_told_as_it_is_and_never_rounded_up(small_house: House, seconds: int, told: str) -> None:
    with small_house.app.test_request_context():
        assert f"valid for {told}." in mailer.code("en", code="012345", seconds=seconds, where=WHERE).body


@EVERY
def test_what_a_stranger_chose_is_shown_and_not_obeyed(small_house: House, kind: str) -> None:
    written = letter(small_house, kind, "en", EVIL, "<b>ann</b>")
    assert "<script>" not in written.html
    assert "<i>net" not in written.html
    assert "<b>ann" not in written.html
    assert "&lt;" not in written.body  # The text part is no HTML.


@EVERY
def test_a_mail_loads_nothing(small_house: House, kind: str) -> None:
    """A picture from our server would tell who opened the mail, and when."""
    assert not re.search(r"<(img|script|link|iframe)\b|@import|url\(", letter(small_house, kind, "zh").html)


@BOTH
@pytest.mark.parametrize("kind", ["code", "old_code"])
def test_a_code_begins_the_subject_and_stands_in_a_line_of_its_own(
    small_house: House, kind: str, language: str
) -> None:
    written = letter(small_house, kind, language)
    assert written.subject.startswith("012345 ")
    assert re.search(r"^\s*012345\s*$", written.body, re.MULTILINE)
    assert "012345" in written.html


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("ann@example.com", "a***@e***.com"),
        ("a@b.co", "a***@b***.co"),
        ("ann@mail.example.co.uk", "a***@m***.uk"),
        ("ann@例え.jp", "a***@例***.jp"),
    ],
)
def test_a_masked_address_is_known_only_to_its_owner(email: str, masked: str) -> None:
    assert mailer.masked(email) == masked


def test_the_language_is_the_administrators_own_then_the_readers_then_chinese(small_house: House, clock: Clock) -> None:
    user = small_house.administrator("ann@example.com")
    assert clock.at
    for own, browser, expected in (("en", "zh", "en"), (None, "en", "en"), (None, "fr", "zh"), ("zh", "en", "zh")):
        user.language = own
        with small_house.app.test_request_context(headers={"Accept-Language": browser}):
            assert mailer.language_of(user) == expected
