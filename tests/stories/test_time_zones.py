"""Mails state times in the time zone of the recipient, and only the recipient can change it."""

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
from tests.test_time_zones import NO_ZONES

COOKIE = "session_time_zone"
ANN, NEW = "ann@example.com", "new@example.com"
SHANGHAI, BERLIN, KOLKATA = "Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata"
BOTH = pytest.mark.parametrize("language", ["zh", "en"])


def move(person: Person, zone: str) -> Person:
    """Set the clock of somebody's machine to a time zone: the script of every page tells it."""
    person.browser.cookies[COOKIE] = zone
    return person


def signed_in(env: Environment, zone: str, email: str = ANN, **how: bool) -> Person:
    """Return an administrator who was just made and has just signed in in a time zone."""
    env.administrator(email, **how)
    person = move(env.visitor(email), zone)
    answer = person.sign_in()
    assert answer.status == 200, answer
    return person


def told(moment: datetime, zone: str) -> str:
    """Return how a mail tells a moment to somebody there, worked out in another way than the product does."""
    local = moment.astimezone(ZoneInfo(zone))
    hours = (local.utcoffset() or local - local).total_seconds() / 3600
    offset = f"{int(hours):+d}" + (":30" if hours % 1 else "")
    return f"{local:%Y-%m-%d %H:%M} (UTC{offset}, {zone})"


def in_utc(moment: datetime) -> str:
    """Return how a mail tells a moment to somebody of whom no time zone is known."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def times_in_mail(env: Environment, email: str) -> str:
    """Return the time in the newest mail to an address; both of its parts tell the same."""
    mail = env.mail_to(email)[-1]
    found = [re.findall(r"(?:时间：|When: )([^<\r\n]+)", part) for part in (text_of(mail), html_of(mail))]
    assert found[0] == found[1]
    (time,) = found[0]
    return str(time)


@BOTH
def test_who_asks_and_the_present_address_are_told_in_their_own_time(env: Environment, language: str) -> None:
    ann = signed_in(env, SHANGHAI)
    env.update_account(ANN, language=language)
    assert ann.ask(NEW).status == 200
    for email in (ANN, NEW):
        assert times_in_mail(env, email) == told(env.clock.now(), SHANGHAI)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    assert times_in_mail(env, ANN) == told(env.clock.now(), SHANGHAI)


@BOTH
def test_whose_browser_told_no_time_zone_is_told_in_utc(env: Environment, language: str) -> None:
    ann = env.person()
    env.update_account(ANN, language=language)
    assert ann.ask(NEW).status == 200
    for email in (ANN, NEW):
        assert times_in_mail(env, email) == in_utc(env.clock.now())


def test_a_stolen_session_cannot_change_the_time_zone_of_warnings(env: Environment) -> None:
    ann = signed_in(env, SHANGHAI)
    thief = env.visitor(ANN)
    thief.browser.cookies.update(ann.browser.cookies)
    assert move(thief, BERLIN).ask(NEW).status == 200
    assert times_in_mail(env, ANN) == told(env.clock.now(), SHANGHAI)


def test_who_travels_is_told_in_the_time_of_where_they_proved_the_password(env: Environment) -> None:
    ann = signed_in(env, SHANGHAI)
    move(ann, KOLKATA)
    env.clock.advance(minutes=11)
    assert ann.ask(NEW).error == "reauth_required"
    assert env.account("ann").time_zone == SHANGHAI
    assert ann.reauth().status == 200
    assert ann.ask(NEW).status == 200
    assert times_in_mail(env, NEW) == told(env.clock.now(), KOLKATA)


def test_a_wrong_password_does_not_change_the_time_zone(env: Environment) -> None:
    ann = signed_in(env, SHANGHAI)
    stranger = move(env.visitor(ANN), BERLIN)
    assert stranger.sign_in(password="a guess of mine").error == "wrong_credentials"
    assert move(ann, BERLIN).reauth("a guess of mine").error == "password_wrong"
    assert env.account("ann").time_zone == SHANGHAI


def test_a_changed_password_is_told_in_the_time_of_who_typed_the_old_one(env: Environment) -> None:
    ann = move(signed_in(env, SHANGHAI), BERLIN)
    new = "another long password"
    fields = {"oldpwd": PASSWORD, "password": new, "repetition": new}
    assert ann.post("/cms/resetpwd/", fields).status == 200
    assert times_in_mail(env, ANN) == told(env.clock.now(), BERLIN)


def test_what_another_administrator_does_is_told_in_the_time_of_whom_it_was_done_to(env: Environment) -> None:
    signed_in(env, SHANGHAI)
    boss = signed_in(env, BERLIN, "boss@example.com", superuser=True)
    assert act(boss, env, ANN, "send_password_link").status == 200
    assert times_in_mail(env, ANN) == told(env.clock.now(), SHANGHAI)
    assert act(boss, env, ANN, "start_change", email=NEW).status == 200
    assert times_in_mail(env, ANN) == told(env.clock.now(), SHANGHAI)


def test_the_owner_of_a_taken_address_is_told_in_their_own_time(env: Environment) -> None:
    signed_in(env, BERLIN, "owner@example.com")
    assert signed_in(env, SHANGHAI).ask("owner@example.com").status == 200
    assert times_in_mail(env, "owner@example.com") == told(env.clock.now(), BERLIN)


def test_who_is_invited_is_told_in_utc_and_has_a_time_zone_as_soon_as_they_register(sqlite_env: Environment) -> None:
    boss = move(superuser(sqlite_env), BERLIN)
    assert boss.reauth().status == 200
    assert invite(boss, NEW).status == 200
    assert times_in_mail(sqlite_env, NEW) == in_utc(sqlite_env.clock.now())
    guest = move(sqlite_env.visitor(NEW), SHANGHAI)
    assert register(guest, sqlite_env.links_to(NEW, "register")[-1]).status == 200
    assert sqlite_env.account("lì.míng").time_zone == SHANGHAI


def test_a_password_link_is_told_in_the_owners_time_whoever_asked_for_it(sqlite_env: Environment) -> None:
    signed_in(sqlite_env, SHANGHAI)
    asked = sqlite_env.clock.now()
    stranger = move(sqlite_env.visitor(), BERLIN)
    assert stranger.post("/cms/forgotpwd/", {"email": ANN}).status == 200
    assert times_in_mail(sqlite_env, ANN) == told(asked, SHANGHAI)


@pytest.mark.parametrize("zone", [SHANGHAI, ""])
def test_a_mail_of_a_command_is_in_the_readers_time_too_or_in_utc_where_that_is_not_known(
    sqlite_env: Environment, zone: str
) -> None:
    signed_in(sqlite_env, zone)
    with sqlite_env.app.app_context():
        administration.disable(COMMAND_LINE, id_of(sqlite_env, ANN), reason="Left")
    now = sqlite_env.clock.now()
    assert times_in_mail(sqlite_env, ANN) == (told(now, zone) if zone else in_utc(now))


def test_a_browser_without_scripts_leaves_the_time_zone_that_was_known(sqlite_env: Environment) -> None:
    signed_in(sqlite_env, SHANGHAI)
    sqlite_env.signed_in(ANN)
    assert sqlite_env.account("ann").time_zone == SHANGHAI


def in_header(value: str) -> str:
    """Return a value as it could come in a header: a server hands its bytes on as Latin-1, and lets no line end in."""
    return re.sub(r"[\r\n\0]", "", value).encode("utf-8", "surrogatepass").decode("latin-1")


# Blanks and what no header can hold are gone before anybody looks at a cookie; what is left may be a time zone.
SENT = [name for name in NO_ZONES if not time_zones.validate(in_header(name).strip())]


@pytest.mark.parametrize("value", [*SENT, "\xff\xfe", '"', '"\\', "a=b", ";;=,"], ids=lambda value: repr(value[:20]))
def test_no_value_of_the_cookie_fails_a_request_or_is_kept(sqlite_env: Environment, value: str) -> None:
    sqlite_env.administrator(ANN)
    person = move(sqlite_env.visitor(ANN), in_header(value))
    answers: list[Answer] = [person.page("/cms/login/"), person.sign_in(), person.ask(NEW), person.page()]
    assert [answer.status for answer in answers] == [200, 200, 200, 200]
    assert sqlite_env.account("ann").time_zone is None
    assert times_in_mail(sqlite_env, ANN) == in_utc(sqlite_env.clock.now())


def test_every_page_tells_the_script_the_name_of_the_cookie(sqlite_env: Environment) -> None:
    visitor = sqlite_env.visitor()
    for path in ("/cms/login/", "/cms/no_such_page/", "/dev/mailbox/"):
        assert f'data-time-zone-cookie="{COOKIE}"' in visitor.page(path).text


def test_in_production_the_cookie_has_a_name_that_only_this_host_can_set(sqlite_env: Environment) -> None:
    app = sqlite_env.app_with(**PRODUCTION)
    sqlite_env.administrator(ANN)
    ann = sqlite_env.visitor(ANN, app=app)
    assert 'data-time-zone-cookie="__Host-session_time_zone"' in ann.page("/cms/login/").text
    ann.browser.cookies["__Host-session_time_zone"] = SHANGHAI
    ann.browser.cookies[COOKIE] = BERLIN
    assert ann.sign_in().status == 200
    assert sqlite_env.account("ann").time_zone == SHANGHAI
