"""accounts/mail/messages.py: every mail in Chinese and English, compared with the texts in `tests/expected/`.

After an intended change of a mail, `WRITE_EXPECTED=1 pytest tests/test_mail.py` overwrites them. Review the diff before
you commit it.
"""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from accounts.mail import messages
from accounts.mail.messages import Aftermath, Letter, Reader
from accounts.origin import COMMAND_LINE, Origin
from models import CMSUser
from tests.actors import html_of, text_of
from tests.environments import Clock, Environment
from tests.servers import ROOT
from tests.stories.admin_steps import act, superuser

EXPECTED = Path(__file__).resolve().parent / "expected"
AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
ORIGIN = Origin("203.0.113.5", "Firefox 131, Linux", "https://cms.example.com")
MALICIOUS = Origin("<i>net</i>", "<script>alert(1)</script>", "https://cms.example.com")
AFTERMATH = Aftermath(
    invitations=["eve@example.com"],
    changes=["bob"],
    accounts=["carol", "mallory"],
    resets=["dan"],
    removed=["Backup key", "New phone"],
    app_removed=True,
    codes_removed=True,
    reset_stopped=True,
    lost=True,
    kept=["Old phone"],
    app_kept=True,
    used=["Old phone"],
    app_used=True,
    codes_used=2,
)
NEW = "new@mail.example.org"
LETTERS: dict[str, Callable[[CMSUser, Origin], Letter]] = {
    "code": lambda user, origin: messages.code(messages.reader_of(user), origin, code="012345", seconds=600),
    "taken": lambda user, origin: messages.taken(messages.reader_of(user), origin),
    "heads_up": lambda user, origin: messages.heads_up(user, origin, new_email=NEW, stop="TOKEN"),
    "old_code": lambda user, origin: messages.old_code(
        user, origin, code="012345", seconds=90, new_email=NEW, stop="TOKEN"
    ),
    "tries_spent": lambda user, origin: messages.tries_spent(user, origin, until=AT),
    "changed": lambda user, origin: messages.changed(user, origin, undo="TOKEN"),
    "undone": messages.undone,
    "restored": lambda user, origin: messages.restored(user, origin, token="TOKEN", seconds=1800, aftermath=AFTERMATH),
    "password_link": lambda user, origin: messages.password_link(user, origin, token="TOKEN"),
    "password_changed": messages.password_changed,
    "assisted": lambda user, origin: messages.assisted(
        user, origin, new_email=NEW, by=user.username, reason="Lost mailbox", stop="TOKEN"
    ),
    "assisted_proof": lambda user, origin: messages.assisted_proof(user, origin, by="bob", token="TOKEN"),
    "invitation": lambda user, origin: messages.invitation(
        messages.reader_of(user), origin, token="TOKEN", hours=72, by=user.username
    ),
    "test": lambda user, origin: messages.test(messages.reader_of(user), origin),
    "factor_reset": lambda user, origin: messages.factor_reset(
        user, origin, what="factor_reset_started", by="bob", reason="Lost phone", stop="TOKEN", due_at=AT
    ),
    "account_changed": lambda user, origin: messages.account_changed(
        user, origin, what="disabled", reason="Left the team", by="bob"
    ),
    "account_erased": lambda user, origin: messages.account_erased(user, origin, by="", reason="Asked for it"),
    "factor_changed": lambda user, origin: messages.factor_changed(
        user, origin, what="passkey_added", name=f"Phone of {user.username}"
    ),
    "factor_changed.former": lambda user, origin: messages.factor_changed(
        user, origin, what="passkey_added", name=f"Phone of {user.username}", is_former=True
    ),
    "factor_changed.passkey_removed": lambda user, origin: messages.factor_changed(
        user, origin, what="passkey_removed", name=f"Phone of {user.username}"
    ),
    "factor_changed.recovery_code_used": lambda user, origin: messages.factor_changed(
        user, origin, what="recovery_code_used", left=3
    ),
    "factor_changed.factors_reset": lambda user, origin: messages.factor_changed(
        user, origin, what="factors_reset", by="bob", reason="Lost phone"
    ),
    **{
        f"factor_changed.{what}": partial(messages.factor_changed, what=what)
        for what in (
            *("app_added", "app_replaced", "app_removed", "recovery_codes_created"),
            *("second_factor_required", "second_factor_wrong"),
        )
    },
}
EACH_KIND = pytest.mark.parametrize("kind", LETTERS)
EACH_LANGUAGE = pytest.mark.parametrize("language", ["zh", "en"])


def create_account(language: str, zone: str | None = None, name: str = "ann") -> CMSUser:
    """Return the account of the recipient."""
    return CMSUser(username=name, email=NEW, language=language, time_zone=zone)


def write_letter(
    env: Environment, kind: str, language: str, origin: Origin = ORIGIN, name: str = "ann", zone: str | None = None
) -> Letter:
    """Write a letter in a request that prefers neither of the languages."""
    env.clock.at = AT
    with env.app.test_request_context(headers={"Accept-Language": "fr"}):
        return LETTERS[kind](create_account(language, zone, name), origin)


@EACH_KIND
@EACH_LANGUAGE
def test_a_mail_has_its_expected_text(sqlite_env: Environment, kind: str, language: str) -> None:
    written = write_letter(sqlite_env, kind, language)
    found = f"{written.subject}\n\n{written.body}\n{'-' * 40}\n{written.html.strip()}\n"
    path = EXPECTED / f"{kind}.{language}.txt"
    if os.environ.get("WRITE_EXPECTED"):
        path.write_text(found)
    assert found == path.read_text()


def test_every_mail_has_expected_texts_and_every_text_a_mail() -> None:
    folders = {path.name for path in (ROOT / "templates" / "cms" / "mail").iterdir() if path.is_dir()}
    assert folders == {kind.partition(".")[0] for kind in LETTERS}
    assert {path.name for path in EXPECTED.glob("*.txt")} == {
        f"{kind}.{each}.txt" for kind in LETTERS for each in ("zh", "en")
    }


@EACH_KIND
@EACH_LANGUAGE
def test_a_mail_contains_no_placeholders_and_one_language(sqlite_env: Environment, kind: str, language: str) -> None:
    written = write_letter(sqlite_env, kind, language)
    assert written.kind == kind.partition(".")[0]
    assert written.subject == " ".join(written.subject.split())
    assert 4 < len(written.subject) < 100
    assert f'lang="{language}"' in written.html
    for part in (written.subject, written.body, written.html):
        assert not re.search(r"\{\{|\}\}|\{%|%\(|None|Undefined", part)
    assert bool(re.search(r"[\u4e00-\u9fff]", written.body)) == (language == "zh")
    assert bool(re.search(r"[\u4e00-\u9fff]", written.subject)) == (language == "zh")


@pytest.mark.parametrize(
    ("seconds", "duration"), [(600, "10 minutes"), (60, "1 minute"), (90, "90 seconds"), (59, "59 seconds")]
)
def test_the_lifetime_of_a_code_is_exact(sqlite_env: Environment, seconds: int, duration: str) -> None:
    with sqlite_env.app.test_request_context():
        assert f"valid for {duration}." in messages.code(Reader("en"), ORIGIN, code="012345", seconds=seconds).body


@EACH_KIND
def test_values_chosen_by_users_are_escaped(sqlite_env: Environment, kind: str) -> None:
    written = write_letter(sqlite_env, kind, "en", MALICIOUS, "<b>ann</b>")
    assert "<script>" not in written.html
    assert "<i>net" not in written.html
    assert "<b>ann" not in written.html
    assert "&lt;" not in written.body  # The text part is not escaped.


@EACH_KIND
def test_a_mail_loads_no_resources(sqlite_env: Environment, kind: str) -> None:
    """A remote image would reveal that the mail was opened."""
    assert not re.search(r"<(img|script|link|iframe)\b|@import|url\(", write_letter(sqlite_env, kind, "zh").html)


@EACH_KIND
@EACH_LANGUAGE
def test_a_mail_contains_the_time_with_its_zone_and_the_site(sqlite_env: Environment, kind: str, language: str) -> None:
    written = write_letter(sqlite_env, kind, language)
    when = "时间：" if language == "zh" else "When: "
    for part in (written.body, written.html):
        assert f"{when}2026-02-03 04:05 UTC" in part
        assert "cms.example.com" in part.replace(ORIGIN.site, "")
        assert set(re.findall(r"\d\d:\d\d(?: UTC)?", part)) <= {"04:05 UTC"}  # Every time has its zone.


@EACH_KIND
@EACH_LANGUAGE
def test_every_time_in_a_mail_is_in_the_time_zone_of_the_recipient(
    sqlite_env: Environment, kind: str, language: str
) -> None:
    written = write_letter(sqlite_env, kind, language, zone="Asia/Shanghai")
    when = "时间：" if language == "zh" else "When: "
    for part in (written.body, written.html):
        assert f"{when}2026-02-03 12:05 (UTC+8, Asia/Shanghai)" in part
        assert set(re.findall(r"\d\d:\d\d(?: \(.+?\))?", part)) == {"12:05 (UTC+8, Asia/Shanghai)"}


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (None, "2026-02-03 04:05 UTC"),
        ("", "2026-02-03 04:05 UTC"),
        ("UTC", "2026-02-03 04:05 UTC"),
        ("Etc/Zulu", "2026-02-03 04:05 UTC"),
        ("Atlantis/Capital", "2026-02-03 04:05 UTC"),  # Unknown on this machine.
        ("Europe/London", "2026-02-03 04:05 (UTC+0, Europe/London)"),
        ("Asia/Calcutta", "2026-02-03 09:35 (UTC+5:30, Asia/Calcutta)"),  # The name that Chromium uses.
        ("America/St_Johns", "2026-02-03 00:35 (UTC-3:30, America/St_Johns)"),
        ("Pacific/Kiritimati", "2026-02-03 18:05 (UTC+14, Pacific/Kiritimati)"),
        ("America/Los_Angeles", "2026-02-02 20:05 (UTC-8, America/Los_Angeles)"),
    ],
)
def test_a_time_is_written_with_its_zone_and_offset(sqlite_env: Environment, zone: str | None, expected: str) -> None:
    written = write_letter(sqlite_env, "taken", "en", zone=zone)
    assert f"When: {expected}\n" in written.body
    assert f"When: {expected}<br>" in written.html


@pytest.mark.parametrize(
    ("month", "expected"), [(1, "13:00 (UTC+1, Europe/Berlin)"), (7, "14:00 (UTC+2, Europe/Berlin)")]
)
def test_the_offset_of_a_time_includes_daylight_saving_time(sqlite_env: Environment, month: int, expected: str) -> None:
    until = datetime(2026, month, 15, 12, tzinfo=UTC)
    with sqlite_env.app.test_request_context():
        written = messages.tries_spent(create_account("en", "Europe/Berlin"), ORIGIN, until=until)
    assert f"until 2026-0{month}-15 {expected}." in written.body


@EACH_LANGUAGE
@pytest.mark.parametrize(
    "kind",
    sorted(
        set(LETTERS)
        - {"code", "taken", "undone", "invitation", "assisted_proof", "restored", "test"}
        - {"factor_changed.second_factor_required"}  # The policy of the site acts.
    ),
)
def test_a_mail_to_the_current_address_names_the_account_and_the_actor(
    sqlite_env: Environment, kind: str, language: str
) -> None:
    written = write_letter(sqlite_env, kind, language, name="zoe")
    actor = re.search("操作人：(.+)" if language == "zh" else "By: (.+)", written.body)
    assert actor
    assert actor[1] in written.html.replace("&#34;", '"')
    assert "zoe" in written.body
    if kind in ("heads_up", "old_code", "tries_spent", "changed", "password_changed", "factor_changed"):
        assert "zoe" in actor[1]


@EACH_LANGUAGE
def test_the_mail_to_a_new_address_names_neither_the_account_nor_its_address(env: Environment, language: str) -> None:
    """The mailbox may belong to a stranger, who must only learn the time and the origin of the request."""
    ann = env.person()
    env.update_account(ann.email, language=language)
    assert ann.ask("stranger@example.org").status == 200
    (mail,) = env.mail_to("stranger@example.org")
    for part in (text_of(mail), html_of(mail)):
        assert "ann" not in part.replace("管理员", "").replace("another", "").replace("can ", "")
        assert "203.0.113.5" in part
        assert f"{env.clock.now():%Y-%m-%d %H:%M} UTC" in part


KINDS_WITH_LINKS = (
    "heads_up",
    "old_code",
    "changed",
    "restored",
    "password_link",
    "assisted",
    "assisted_proof",
    "factor_reset",
    "invitation",
)


@EACH_LANGUAGE
@pytest.mark.parametrize("kind", KINDS_WITH_LINKS)
def test_a_link_is_a_button_and_also_written_as_text(sqlite_env: Environment, kind: str, language: str) -> None:
    written = write_letter(sqlite_env, kind, language)
    found = re.findall(r'<a href="([^"]+)"([^>]*)>([^<]+)</a>', written.html)
    assert len(found) == 2
    (address, style, label), (second, _, text) = found
    assert address == second == text
    assert f"\n{address}\n" in written.body
    assert "padding:" in style
    # Both colours are set, so that the button is legible in dark mode.
    assert re.search(r"background-color:#\w{6};color:#\w{6}", style)
    assert "://" not in label


def test_only_mails_that_require_an_action_have_a_link(sqlite_env: Environment) -> None:
    kinds = {kind for kind in LETTERS if "<a " in write_letter(sqlite_env, kind, "en").html}
    assert kinds == set(KINDS_WITH_LINKS)


def test_a_mail_sent_by_a_command_names_the_operator_and_the_site(sqlite_env: Environment) -> None:
    sqlite_env.clock.at = AT
    app = sqlite_env.build(SITE_URL="https://cms.example.org")
    with app.app_context():
        written = messages.password_changed(create_account("en"), COMMAND_LINE, by="-", reason="A call")
    assert "When: 2026-02-03 04:05 UTC\nBy: the operator\nFrom: the command line\nReason: A call\n" in written.body
    assert written.body.endswith("-- \nAccount centre · cms.example.org\n")


def test_a_password_link_contains_the_time_of_its_request(sqlite_env: Environment) -> None:
    """The mail is written later by a task in the outbox."""
    sqlite_env.administrator("ann@example.com")
    requested_at = sqlite_env.clock.now()
    assert sqlite_env.visitor().post("/cms/forgotpwd/", {"email": "ann@example.com"}).status == 200
    sqlite_env.clock.advance(minutes=7)
    (mail,) = sqlite_env.mail_to("ann@example.com")
    assert f"{requested_at:%Y-%m-%d %H:%M} UTC" in text_of(mail)
    assert f"{sqlite_env.clock.now():%Y-%m-%d %H:%M} UTC" not in text_of(mail)


def test_the_notice_of_a_change_names_its_actor(env: Environment) -> None:
    """The actor is the owner, or the administrator who started the change."""
    boss, ann = superuser(env), env.person()
    for new, starter, actor in (
        ("new1@example.com", None, "以 ann 登录的用户"),
        ("new2@example.com", "boss", "boss"),
    ):
        old = env.account("ann").email
        if starter is None:
            assert ann.ask(new).status == 200
            assert ann.confirm(new, env.code_to(new)).status == 200
        else:
            assert act(boss, env, old, "start_change", email=new).status == 200
            env.clock.advance(hours=25)
            assert env.visitor().post(env.links_to(new, "prove")[0]).status == 200
        assert f"操作人：{actor}\n" in text_of(env.mail_to(old)[-1]).replace("\r\n", "\n")


@EACH_LANGUAGE
@pytest.mark.parametrize("kind", ["code", "old_code"])
def test_a_code_is_at_the_beginning_of_the_subject_and_on_a_separate_line(
    sqlite_env: Environment, kind: str, language: str
) -> None:
    written = write_letter(sqlite_env, kind, language)
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
def test_an_address_is_masked(email: str, masked: str) -> None:
    assert messages.mask(email) == masked


def test_the_language_is_that_of_the_account_or_of_the_request_or_chinese(
    sqlite_env: Environment, clock: Clock
) -> None:
    user = sqlite_env.administrator("ann@example.com")
    assert clock.at
    for of_account, of_request, expected in (
        ("en", "zh", "en"),
        (None, "en", "en"),
        (None, "fr", "zh"),
        ("zh", "en", "zh"),
    ):
        user.language = of_account
        with sqlite_env.app.test_request_context(headers={"Accept-Language": of_request}):
            assert messages.reader_of(user).language == expected


@EACH_LANGUAGE
def test_each_end_of_a_reset_of_second_factors_has_its_own_sentences(sqlite_env: Environment, language: str) -> None:
    with sqlite_env.app.test_request_context():
        whats = ("factor_reset_started", "factor_reset_stopped", "factor_reset_withdrawn")
        written = [messages.factor_reset(create_account(language), ORIGIN, what=what, by="bob") for what in whats]
    assert len({letter.subject for letter in written}) == len({letter.body for letter in written}) == 3
    for letter in written[1:]:
        assert "<a " not in letter.html
        assert not re.search(r"\n\n\n|None", letter.body)


def test_a_restored_address_is_told_only_of_what_has_happened(sqlite_env: Environment) -> None:
    with sqlite_env.app.test_request_context():
        nothing = Aftermath([], [], [])
        letter = messages.restored(create_account("en"), ORIGIN, token="TOKEN", seconds=60, aftermath=nothing)
    assert not re.search(r"meantime|asskey|wo-step|\n\n\n", letter.body)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann's iPhone 15 (work)", "Ann's iPhone 15 (work)"),
        ("安的手机 📱", "安的手机 📱"),
        ("https://evil.example/?x", "https evil example ?x"),
        ("www.evil.example", "www evil example"),
        ("evil。example．com", "evil example com"),
        ("mallory@evil.example", "mallory evil example"),
        ("mallory＠evil．example", "mallory evil example"),
        ("tel:110", "tel 110"),
        ('x" was removed. Call us: "', "x was removed Call us"),
        ("x” was removed", "x was removed"),
        ("You have won a prize, write to me at once", "You have won a prize, write t…"),
        ("....", ""),
    ],
)
def test_the_name_of_a_passkey_makes_no_link_and_ends_no_quotation(name: str, shown: str) -> None:
    assert messages.defuse_name(name) == shown
