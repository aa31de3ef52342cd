"""Mails tell times as the clock of their reader shows them: whose zone that is, and who can change it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from accounts import time_zones
from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from tests.houses import PRODUCTION, House
from tests.people import PASSWORD, Answer, Person, html_of, text_of
from tests.stories.office import act, id_of, invite, register, superuser
from tests.test_time_zones import NO_ZONES

COOKIE = "session_time_zone"
ANN, NEW = "ann@example.com", "new@example.com"
SHANGHAI, BERLIN, KOLKATA = "Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata"
BOTH = pytest.mark.parametrize("language", ["zh", "en"])


def move(person: Person, zone: str) -> Person:
    """Set the clock of somebody's machine to a time zone: the script of every page tells it."""
    person.browser.cookies[COOKIE] = zone
    return person


def signed_in(house: House, zone: str, email: str = ANN, **how: bool) -> Person:
    """Return an administrator who was just made and has just signed in in a time zone."""
    house.administrator(email, **how)
    person = move(house.visitor(email), zone)
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


def times_in_mail(house: House, email: str) -> str:
    """Return the time in the newest mail to an address; both of its parts tell the same."""
    mail = house.mail_to(email)[-1]
    found = [re.findall(r"(?:时间：|When: )([^<\r\n]+)", part) for part in (text_of(mail), html_of(mail))]
    assert found[0] == found[1]
    (time,) = found[0]
    return str(time)


@BOTH
def test_who_asks_and_the_present_address_are_told_in_their_own_time(house: House, language: str) -> None:
    ann = signed_in(house, SHANGHAI)
    house.change(ANN, language=language)
    assert ann.ask(NEW).status == 200
    for email in (ANN, NEW):
        assert times_in_mail(house, email) == told(house.clock.now(), SHANGHAI)
    assert ann.confirm(NEW, house.code_to(NEW)).status == 200
    assert times_in_mail(house, ANN) == told(house.clock.now(), SHANGHAI)


@BOTH
def test_whose_browser_told_no_time_zone_is_told_in_utc(house: House, language: str) -> None:
    ann = house.person()
    house.change(ANN, language=language)
    assert ann.ask(NEW).status == 200
    for email in (ANN, NEW):
        assert times_in_mail(house, email) == in_utc(house.clock.now())


def test_a_thief_of_a_session_does_not_choose_the_time_zone_in_which_the_owner_is_warned(house: House) -> None:
    ann = signed_in(house, SHANGHAI)
    thief = house.visitor(ANN)
    thief.browser.cookies.update(ann.browser.cookies)
    assert move(thief, BERLIN).ask(NEW).status == 200
    assert times_in_mail(house, ANN) == told(house.clock.now(), SHANGHAI)


def test_who_travels_is_told_in_the_time_of_where_they_proved_the_password(house: House) -> None:
    ann = signed_in(house, SHANGHAI)
    move(ann, KOLKATA)
    house.clock.turn(minutes=11)
    assert ann.ask(NEW).error == "reauth_required"
    assert house.stored("ann").time_zone == SHANGHAI
    assert ann.reauth().status == 200
    assert ann.ask(NEW).status == 200
    assert times_in_mail(house, NEW) == told(house.clock.now(), KOLKATA)


def test_a_wrong_password_moves_nobody(house: House) -> None:
    ann = signed_in(house, SHANGHAI)
    stranger = move(house.visitor(ANN), BERLIN)
    assert stranger.sign_in(password="a guess of mine").error == "wrong_credentials"
    assert move(ann, BERLIN).reauth("a guess of mine").error == "password_wrong"
    assert house.stored("ann").time_zone == SHANGHAI


def test_a_changed_password_is_told_in_the_time_of_who_typed_the_old_one(house: House) -> None:
    ann = move(signed_in(house, SHANGHAI), BERLIN)
    new = "another long password"
    fields = {"oldpwd": PASSWORD, "password": new, "repetition": new}
    assert ann.post("/cms/resetpwd/", fields).status == 200
    assert times_in_mail(house, ANN) == told(house.clock.now(), BERLIN)


def test_what_another_administrator_does_is_told_in_the_time_of_whom_it_was_done_to(house: House) -> None:
    signed_in(house, SHANGHAI)
    boss = signed_in(house, BERLIN, "boss@example.com", superuser=True)
    assert act(boss, house, ANN, "send_password_link").status == 200
    assert times_in_mail(house, ANN) == told(house.clock.now(), SHANGHAI)
    assert act(boss, house, ANN, "start_change", email=NEW).status == 200
    assert times_in_mail(house, ANN) == told(house.clock.now(), SHANGHAI)


def test_the_owner_of_a_taken_address_is_told_in_their_own_time(house: House) -> None:
    signed_in(house, BERLIN, "owner@example.com")
    assert signed_in(house, SHANGHAI).ask("owner@example.com").status == 200
    assert times_in_mail(house, "owner@example.com") == told(house.clock.now(), BERLIN)


def test_who_is_invited_is_told_in_utc_and_has_a_time_zone_as_soon_as_they_register(small_house: House) -> None:
    boss = move(superuser(small_house), BERLIN)
    assert boss.reauth().status == 200
    assert invite(boss, NEW).status == 200
    assert times_in_mail(small_house, NEW) == in_utc(small_house.clock.now())
    guest = move(small_house.visitor(NEW), SHANGHAI)
    assert register(guest, small_house.links_to(NEW, "register")[-1]).status == 200
    assert small_house.stored("lì.míng").time_zone == SHANGHAI


def test_a_password_link_is_told_in_the_owners_time_whoever_asked_for_it(small_house: House) -> None:
    signed_in(small_house, SHANGHAI)
    asked = small_house.clock.now()
    stranger = move(small_house.visitor(), BERLIN)
    assert stranger.post("/cms/forgotpwd/", {"email": ANN}).status == 200
    assert times_in_mail(small_house, ANN) == told(asked, SHANGHAI)


@pytest.mark.parametrize("zone", [SHANGHAI, ""])
def test_a_mail_of_a_command_is_in_the_readers_time_too_or_in_utc_where_that_is_not_known(
    small_house: House, zone: str
) -> None:
    signed_in(small_house, zone)
    with small_house.app.app_context():
        administration.disable(COMMAND_LINE, id_of(small_house, ANN), reason="Left")
    now = small_house.clock.now()
    assert times_in_mail(small_house, ANN) == (told(now, zone) if zone else in_utc(now))


def test_a_browser_without_scripts_leaves_the_time_zone_that_was_known(small_house: House) -> None:
    signed_in(small_house, SHANGHAI)
    small_house.signed_in(ANN)
    assert small_house.stored("ann").time_zone == SHANGHAI


def in_header(value: str) -> str:
    """Return a value as it could come in a header: a server hands its bytes on as Latin-1, and lets no line end in."""
    return re.sub(r"[\r\n\0]", "", value).encode("utf-8", "surrogatepass").decode("latin-1")


# Blanks and what no header can hold are gone before anybody looks at a cookie; what is left may be a time zone.
SENT = [name for name in NO_ZONES if not time_zones.known(in_header(name).strip())]


@pytest.mark.parametrize("value", [*SENT, "\xff\xfe", '"', '"\\', "a=b", ";;=,"], ids=lambda value: repr(value[:20]))
def test_no_value_of_the_cookie_fails_a_request_or_is_kept(small_house: House, value: str) -> None:
    small_house.administrator(ANN)
    person = move(small_house.visitor(ANN), in_header(value))
    answers: list[Answer] = [person.page("/cms/login/"), person.sign_in(), person.ask(NEW), person.page()]
    assert [answer.status for answer in answers] == [200, 200, 200, 200]
    assert small_house.stored("ann").time_zone is None
    assert times_in_mail(small_house, ANN) == in_utc(small_house.clock.now())


def test_every_page_tells_the_script_the_name_of_the_cookie(small_house: House) -> None:
    visitor = small_house.visitor()
    for path in ("/cms/login/", "/cms/no_such_page/", "/dev/mailbox/"):
        assert f'data-time-zone-cookie="{COOKIE}"' in visitor.page(path).text


def test_in_production_the_cookie_has_a_name_that_only_this_host_can_set(small_house: House) -> None:
    app = small_house.build(**PRODUCTION)
    small_house.administrator(ANN)
    ann = small_house.visitor(ANN, app=app)
    assert 'data-time-zone-cookie="__Host-session_time_zone"' in ann.page("/cms/login/").text
    ann.browser.cookies["__Host-session_time_zone"] = SHANGHAI
    ann.browser.cookies[COOKIE] = BERLIN
    assert ann.sign_in().status == 200
    assert small_house.stored("ann").time_zone == SHANGHAI
