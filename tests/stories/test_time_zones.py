"""Mails contain times in the time zone of the recipient, and only the recipient can change it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from accounts import time_zones
from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from tests.actors import PASSWORD, Answer, Person, html_of, text_of
from tests.environments import PRODUCTION, Environment
from tests.stories.admin_steps import act, id_of, invite, register, superuser
from tests.test_time_zones import INVALID_NAMES

COOKIE = "session_time_zone"
ANN, NEW = "ann@example.com", "new@example.com"
SHANGHAI, BERLIN, KOLKATA = "Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata"
EACH_LANGUAGE = pytest.mark.parametrize("language", ["zh", "en"])


def set_time_zone(person: Person, zone: str) -> Person:
    """Set the time zone of a person's browser, which the script of every page stores in a cookie."""
    person.browser.cookies[COOKIE] = zone
    return person


def sign_in_from(env: Environment, zone: str, email: str = ANN, **options: bool) -> Person:
    """Create an administrator, sign in with a browser in this time zone, and return them."""
    env.administrator(email, **options)
    person = set_time_zone(env.visitor(email), zone)
    answer = person.sign_in()
    assert answer.status == 200, answer
    return person


def format_local(moment: datetime, zone: str) -> str:
    """Return a time as it appears in mails for this time zone, calculated differently than in the product."""
    local = moment.astimezone(ZoneInfo(zone))
    hours = (local.utcoffset() or local - local).total_seconds() / 3600
    offset = f"{int(hours):+d}" + (":30" if hours % 1 else "")
    return f"{local:%Y-%m-%d %H:%M} (UTC{offset}, {zone})"


def format_utc(moment: datetime) -> str:
    """Return a time as it appears in mails without a known time zone."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def find_time(env: Environment, email: str) -> str:
    """Return the time in both parts of the newest mail to an address."""
    mail = env.mail_to(email)[-1]
    found = [re.findall(r"(?:时间：|When: )([^<\r\n]+)", part) for part in (text_of(mail), html_of(mail))]
    assert found[0] == found[1]
    (time,) = found[0]
    return str(time)


@EACH_LANGUAGE
def test_mails_about_a_change_contain_the_time_of_the_administrator(env: Environment, language: str) -> None:
    ann = sign_in_from(env, SHANGHAI)
    env.update_account(ANN, language=language)
    assert ann.ask(NEW).status == 200
    for email in (ANN, NEW):
        assert find_time(env, email) == format_local(env.clock.now(), SHANGHAI)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    assert find_time(env, ANN) == format_local(env.clock.now(), SHANGHAI)


@EACH_LANGUAGE
def test_mails_contain_utc_without_a_known_time_zone(env: Environment, language: str) -> None:
    ann = env.person()
    env.update_account(ANN, language=language)
    assert ann.ask(NEW).status == 200
    for email in (ANN, NEW):
        assert find_time(env, email) == format_utc(env.clock.now())


def test_a_stolen_session_cannot_change_the_time_zone_of_warnings(env: Environment) -> None:
    ann = sign_in_from(env, SHANGHAI)
    thief = env.visitor(ANN)
    thief.browser.cookies.update(ann.browser.cookies)
    assert set_time_zone(thief, BERLIN).ask(NEW).status == 200
    assert find_time(env, ANN) == format_local(env.clock.now(), SHANGHAI)


def test_a_new_time_zone_takes_effect_when_the_password_is_confirmed(env: Environment) -> None:
    ann = sign_in_from(env, SHANGHAI)
    set_time_zone(ann, KOLKATA)
    env.clock.advance(minutes=11)
    assert ann.ask(NEW).error == "reauth_required"
    assert env.account("ann").time_zone == SHANGHAI
    assert ann.reauth().status == 200
    assert ann.ask(NEW).status == 200
    assert find_time(env, NEW) == format_local(env.clock.now(), KOLKATA)


def test_a_wrong_password_does_not_change_the_time_zone(env: Environment) -> None:
    ann = sign_in_from(env, SHANGHAI)
    stranger = set_time_zone(env.visitor(ANN), BERLIN)
    assert stranger.sign_in(password="a guessed password").error == "wrong_credentials"
    assert set_time_zone(ann, BERLIN).reauth("a guessed password").error == "password_wrong"
    assert env.account("ann").time_zone == SHANGHAI


def test_changing_the_password_updates_the_time_zone(env: Environment) -> None:
    ann = set_time_zone(sign_in_from(env, SHANGHAI), BERLIN)
    new = "another long password"
    fields = {"oldpwd": PASSWORD, "password": new, "repetition": new}
    assert ann.post("/cms/resetpwd/", fields).status == 200
    assert find_time(env, ANN) == format_local(env.clock.now(), BERLIN)


def test_mails_about_actions_of_others_contain_the_time_of_the_recipient(env: Environment) -> None:
    sign_in_from(env, SHANGHAI)
    boss = sign_in_from(env, BERLIN, "boss@example.com", superuser=True)
    assert act(boss, env, ANN, "send_password_link").status == 200
    assert find_time(env, ANN) == format_local(env.clock.now(), SHANGHAI)
    assert act(boss, env, ANN, "start_change", email=NEW).status == 200
    assert find_time(env, ANN) == format_local(env.clock.now(), SHANGHAI)


def test_the_notice_to_the_owner_of_a_taken_address_contains_their_time(env: Environment) -> None:
    sign_in_from(env, BERLIN, "owner@example.com")
    assert sign_in_from(env, SHANGHAI).ask("owner@example.com").status == 200
    assert find_time(env, "owner@example.com") == format_local(env.clock.now(), BERLIN)


def test_an_invitation_contains_utc_and_the_registration_stores_the_time_zone(sqlite_env: Environment) -> None:
    boss = set_time_zone(superuser(sqlite_env), BERLIN)
    assert boss.reauth().status == 200
    assert invite(boss, NEW).status == 200
    assert find_time(sqlite_env, NEW) == format_utc(sqlite_env.clock.now())
    guest = set_time_zone(sqlite_env.visitor(NEW), SHANGHAI)
    assert register(guest, sqlite_env.links_to(NEW, "register")[-1]).status == 200
    assert sqlite_env.account("lì.míng").time_zone == SHANGHAI


def test_a_password_link_contains_the_time_of_the_owner(sqlite_env: Environment) -> None:
    sign_in_from(sqlite_env, SHANGHAI)
    requested_at = sqlite_env.clock.now()
    stranger = set_time_zone(sqlite_env.visitor(), BERLIN)
    assert stranger.post("/cms/forgotpwd/", {"email": ANN}).status == 200
    assert find_time(sqlite_env, ANN) == format_local(requested_at, SHANGHAI)


@pytest.mark.parametrize("zone", [SHANGHAI, ""])
def test_a_mail_sent_by_a_command_contains_the_time_of_the_recipient_or_utc(sqlite_env: Environment, zone: str) -> None:
    sign_in_from(sqlite_env, zone)
    with sqlite_env.app.app_context():
        administration.disable(COMMAND_LINE, id_of(sqlite_env, ANN), reason="Left")
    now = sqlite_env.clock.now()
    assert find_time(sqlite_env, ANN) == (format_local(now, zone) if zone else format_utc(now))


def test_a_sign_in_without_scripts_keeps_the_known_time_zone(sqlite_env: Environment) -> None:
    sign_in_from(sqlite_env, SHANGHAI)
    sqlite_env.signed_in(ANN)
    assert sqlite_env.account("ann").time_zone == SHANGHAI


def encode_header(value: str) -> str:
    """Return a value as a server would pass it from a header: decoded as Latin-1, and without line ends."""
    return re.sub(r"[\r\n\0]", "", value).encode("utf-8", "surrogatepass").decode("latin-1")


# Without surrounding spaces and characters that no header can contain, some of the values are valid.
SENT = [name for name in INVALID_NAMES if not time_zones.validate(encode_header(name).strip())]


@pytest.mark.parametrize("value", [*SENT, "\xff\xfe", '"', '"\\', "a=b", ";;=,"], ids=lambda value: repr(value[:20]))
def test_invalid_values_of_the_cookie_are_ignored(sqlite_env: Environment, value: str) -> None:
    sqlite_env.administrator(ANN)
    person = set_time_zone(sqlite_env.visitor(ANN), encode_header(value))
    answers: list[Answer] = [person.page("/cms/login/"), person.sign_in(), person.ask(NEW), person.page()]
    assert [answer.status for answer in answers] == [200, 200, 200, 200]
    assert sqlite_env.account("ann").time_zone is None
    assert find_time(sqlite_env, ANN) == format_utc(sqlite_env.clock.now())


def test_every_page_contains_the_name_of_the_cookie(sqlite_env: Environment) -> None:
    visitor = sqlite_env.visitor()
    for path in ("/cms/login/", "/cms/no_such_page/", "/dev/mailbox/"):
        assert f'data-time-zone-cookie="{COOKIE}"' in visitor.page(path).text


def test_in_production_the_cookie_has_the_host_prefix(sqlite_env: Environment) -> None:
    app = sqlite_env.app_with(**PRODUCTION)
    sqlite_env.administrator(ANN)
    ann = sqlite_env.visitor(ANN, app=app)
    assert 'data-time-zone-cookie="__Host-session_time_zone"' in ann.page("/cms/login/").text
    ann.browser.cookies["__Host-session_time_zone"] = SHANGHAI
    ann.browser.cookies[COOKIE] = BERLIN
    assert ann.sign_in().status == 200
    assert sqlite_env.account("ann").time_zone == SHANGHAI
