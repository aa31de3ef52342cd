"""Links to set a new password: for whoever reads the account's mailbox, once, not for long, and not after a change."""

import pytest

from models import Audit, CMSUser, Link, Mail, db
from tests.houses import House
from tests.people import PASSWORD, html_of, text_of

OLD, NEW = "ann@example.com", "new@example.com"
NEW_PASSWORD = "a quite different phrase"
STYLES = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


def ask(house: House, email: str = OLD, **how: str) -> object:
    """Ask for a link, from wherever."""
    return house.visitor(**how).post("/cms/forgotpwd/", {"email": email})


def link_to(house: House, address: str = OLD) -> str:
    """Read the newest link out of the mails that this address got."""
    return house.links_to(address, "forgotpwd")[-1]


def choose(house: House, link: str, password: str = NEW_PASSWORD, *, script: bool = True) -> object:
    """Type a new password twice on the page of the link."""
    return house.visitor(script=script).post(link, {"password": password, "repetition": password})


@STYLES
def test_who_forgot_the_password_sets_a_new_one(house: House, script: bool) -> None:
    house.administrator(OLD)
    ann = house.visitor(OLD, script=script)
    assert ann.post("/cms/forgotpwd/", {"email": OLD}).status == 200
    link = link_to(house)
    assert ann.page(link).status == 200
    assert ann.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
    assert house.visitor(OLD).sign_in().error == "wrong_credentials"
    assert house.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200


def test_following_the_link_signs_nobody_in(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    visitor = house.visitor(OLD)
    link = link_to(house)
    visitor.page(link)
    visitor.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
    assert visitor.ask_as_script().error == "sign_in_required"


def test_opening_the_link_changes_nothing(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    link = link_to(house)
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert house.visitor().browser.send(method, link).status == 200
    assert house.visitor(OLD).sign_in().status == 200
    assert choose(house, link).status == 200


def test_a_new_password_ends_every_session(house: House) -> None:
    thief = house.person()
    ask(house)
    choose(house, link_to(house))
    assert thief.ask_as_script().error == "sign_in_required"


def test_a_new_password_ends_the_pending_change_with_its_session(house: House) -> None:
    thief = house.person()
    thief.ask(NEW)
    code = house.code_to(NEW)
    ask(house)
    choose(house, link_to(house))
    assert thief.confirm(NEW, code).error == "sign_in_required"
    again = house.visitor(OLD, password=NEW_PASSWORD)
    again.sign_in()
    assert again.pending() is None
    assert again.confirm(NEW, code).error == "code_expired"


def test_the_account_is_told_that_its_password_was_changed(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    choose(house, link_to(house))
    told = house.mail_to(OLD)[-1]
    assert f"{house.clock.now():%Y-%m-%d %H:%M} UTC" in text_of(told)
    assert "203.0.113.5" in html_of(told)
    assert NEW_PASSWORD not in text_of(told) + html_of(told)
    (event,) = house.rows(db.select(Audit.event).order_by(Audit.id.desc()).limit(1))[0]
    assert event == "password_set"


def test_a_link_serves_once(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    link = link_to(house)
    assert choose(house, link).status == 200
    assert choose(house, link, "and once more, please").error == "link_dead"
    assert house.visitor().page(link).status == 410
    assert house.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200


def test_a_newer_link_kills_the_older_one(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    older = link_to(house)
    house.clock.turn(seconds=1)
    ask(house)
    newer = link_to(house)
    assert choose(house, older).error == "link_dead"
    assert choose(house, newer).status == 200


def test_a_link_lives_half_an_hour(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    link = link_to(house)
    house.clock.turn(seconds=1799)
    assert house.visitor().page(link).status == 200
    house.clock.turn(seconds=1)
    assert choose(house, link).error == "link_dead"
    assert house.visitor(OLD).sign_in().status == 200


def test_a_change_of_address_kills_the_links_that_went_to_the_old_one(house: House) -> None:
    ann = house.person()
    ask(house)
    link = link_to(house)
    ann.ask(NEW)
    assert ann.confirm(NEW, house.code_to(NEW)).status == 200
    assert house.visitor().page(link).status == 410
    assert choose(house, link).error == "link_dead"
    assert house.visitor(NEW).sign_in().status == 200


def test_the_old_mailbox_gets_no_link_after_a_change_of_address(house: House) -> None:
    ann = house.person()
    ann.ask(NEW)
    ann.confirm(NEW, house.code_to(NEW))
    ask(house)
    assert house.links_to(OLD, "forgotpwd") == []
    ask(house, NEW)
    assert len(house.links_to(NEW, "forgotpwd")) == 1


def test_a_pending_address_gets_no_link(house: House) -> None:
    ann = house.person()
    ann.ask(NEW)
    ask(house, NEW)
    assert house.links_to(NEW, "forgotpwd") == []


def test_who_asks_learns_nothing_about_who_is_an_administrator(house: House) -> None:
    house.administrator(OLD)
    house.administrator("bob@example.com")
    house.change("bob@example.com", is_active=False)
    visitor = house.visitor()
    answers = [
        visitor.post("/cms/forgotpwd/", {"email": email}) for email in (OLD, "bob@example.com", "nobody@example.com")
    ]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert len({tuple(answer.headers.keys()) for answer in answers}) == 1
    assert [len(house.mail_to(email)) for email in (OLD, "bob@example.com", "nobody@example.com")] == [1, 0, 0]


def test_a_disabled_administrator_sets_no_password(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    link = link_to(house)
    house.change(OLD, is_active=False)
    assert choose(house, link).error == "link_dead"
    house.change(OLD, is_active=True)
    assert house.visitor(OLD).sign_in().status == 200


def test_three_links_an_hour_for_one_address_in_all_its_spellings(house: House) -> None:
    house.administrator(OLD)
    for number, typed in enumerate([OLD, OLD.upper(), "Ann@example.com"]):
        assert ask(house, typed, network=f"198.51.100.{number}").status == 200
    refused = ask(house, "ANN@example.com", network="198.51.100.9")
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert len(house.links_to(OLD, "forgotpwd")) == 3
    house.clock.turn(seconds=refused.data["retry_after"])
    assert ask(house).status == 200


def test_twenty_links_an_hour_for_one_network(house: House) -> None:
    for number in range(20):
        assert ask(house, f"a{number}@example.com", network=f"2001:db8::{number + 1:x}").status == 200
    assert ask(house, "last@example.com", network="2001:db8::ffff").error == "too_many_requests"
    assert ask(house, "last@example.com", network="2001:db8:0:1::1").status == 200


@pytest.mark.parametrize("typed", ["", "short", "1234567", "x" * 1025])
def test_a_password_that_is_too_short_or_too_long_leaves_the_link_alive(small_house: House, typed: str) -> None:
    small_house.administrator(OLD)
    ask(small_house)
    link = link_to(small_house)
    assert choose(small_house, link, typed).error == "invalid"
    differs = small_house.visitor().post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD + "x"})
    assert differs.error == "invalid"
    assert choose(small_house, link).status == 200


def test_a_link_is_long_and_kept_as_a_hash_only(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    token = link_to(house).split("/")[-2]
    assert len(token) >= 22  # 128 bits in base64.
    for table in (Link, Mail, Audit, CMSUser):
        assert token not in str(house.rows(db.select(table.__table__)))


def test_a_made_up_link_is_dead(house: House) -> None:
    house.administrator(OLD)
    for token in ("x", "x" * 43, "x" * 3000):
        link = f"/cms/forgotpwd/{token}/"
        assert (house.visitor().page(link).status, choose(house, link).error) == (410, "link_dead")
    assert house.visitor(OLD).sign_in(password=PASSWORD).status == 200


def test_a_form_without_its_token_sets_no_password(house: House) -> None:
    house.administrator(OLD)
    ask(house)
    fields = {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
    assert house.visitor().post(link_to(house), fields, token="").error == "csrf_failed"
    assert house.visitor(OLD).sign_in().status == 200
