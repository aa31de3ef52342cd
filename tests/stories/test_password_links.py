"""Links to set a new password: sent to the current address, valid once and for a limited time."""

import pytest

from models import Audit, CMSUser, Link, Mail, db
from tests.actors import PASSWORD, html_of, text_of
from tests.environments import Environment

OLD, NEW = "ann@example.com", "new@example.com"
NEW_PASSWORD = "a quite different phrase"
STYLES = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


def ask(env: Environment, email: str = OLD, **how: str) -> object:
    """Ask for a link, from wherever."""
    return env.visitor(**how).post("/cms/forgotpwd/", {"email": email})


def link_to(env: Environment, address: str = OLD) -> str:
    """Read the newest link out of the mails that this address got."""
    return env.links_to(address, "forgotpwd")[-1]


def choose(env: Environment, link: str, password: str = NEW_PASSWORD, *, script: bool = True) -> object:
    """Type a new password twice on the page of the link."""
    return env.visitor(script=script).post(link, {"password": password, "repetition": password})


@STYLES
def test_who_forgot_the_password_sets_a_new_one(env: Environment, script: bool) -> None:
    env.administrator(OLD)
    ann = env.visitor(OLD, script=script)
    assert ann.post("/cms/forgotpwd/", {"email": OLD}).status == 200
    link = link_to(env)
    assert ann.page(link).status == 200
    assert ann.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
    assert env.visitor(OLD).sign_in().error == "wrong_credentials"
    assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200


def test_following_the_link_signs_nobody_in(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    visitor = env.visitor(OLD)
    link = link_to(env)
    visitor.page(link)
    visitor.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
    assert visitor.get_as_script().error == "sign_in_required"


def test_opening_the_link_changes_nothing(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    link = link_to(env)
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert env.visitor().browser.send(method, link).status == 200
    assert env.visitor(OLD).sign_in().status == 200
    assert choose(env, link).status == 200


def test_a_new_password_ends_every_session(env: Environment) -> None:
    thief = env.person()
    ask(env)
    choose(env, link_to(env))
    assert thief.get_as_script().error == "sign_in_required"


def test_a_new_password_ends_the_pending_change_with_its_session(env: Environment) -> None:
    thief = env.person()
    thief.ask(NEW)
    code = env.code_to(NEW)
    ask(env)
    choose(env, link_to(env))
    assert thief.confirm(NEW, code).error == "sign_in_required"
    again = env.visitor(OLD, password=NEW_PASSWORD)
    again.sign_in()
    assert again.pending() is None
    assert again.confirm(NEW, code).error == "code_expired"


def test_the_account_is_told_that_its_password_was_changed(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    choose(env, link_to(env))
    told = env.mail_to(OLD)[-1]
    assert f"{env.clock.now():%Y-%m-%d %H:%M} UTC" in text_of(told)
    assert "203.0.113.5" in html_of(told)
    assert NEW_PASSWORD not in text_of(told) + html_of(told)
    (event,) = env.rows(db.select(Audit.event).order_by(Audit.id.desc()).limit(1))[0]
    assert event == "password_set"


def test_a_link_serves_once(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    link = link_to(env)
    assert choose(env, link).status == 200
    assert choose(env, link, "and once more, please").error == "link_dead"
    assert env.visitor().page(link).status == 410
    assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200


def test_a_newer_link_kills_the_older_one(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    older = link_to(env)
    env.clock.advance(seconds=1)
    ask(env)
    newer = link_to(env)
    assert choose(env, older).error == "link_dead"
    assert choose(env, newer).status == 200


def test_a_link_lives_half_an_hour(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    link = link_to(env)
    env.clock.advance(seconds=1799)
    assert env.visitor().page(link).status == 200
    env.clock.advance(seconds=1)
    assert choose(env, link).error == "link_dead"
    assert env.visitor(OLD).sign_in().status == 200


def test_a_change_of_address_kills_the_links_that_went_to_the_old_one(env: Environment) -> None:
    ann = env.person()
    ask(env)
    link = link_to(env)
    ann.ask(NEW)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    assert env.visitor().page(link).status == 410
    assert choose(env, link).error == "link_dead"
    assert env.visitor(NEW).sign_in().status == 200


def test_the_old_mailbox_gets_no_link_after_a_change_of_address(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    ann.confirm(NEW, env.code_to(NEW))
    ask(env)
    assert env.links_to(OLD, "forgotpwd") == []
    ask(env, NEW)
    assert len(env.links_to(NEW, "forgotpwd")) == 1


def test_a_pending_address_gets_no_link(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    ask(env, NEW)
    assert env.links_to(NEW, "forgotpwd") == []


def test_who_asks_learns_nothing_about_who_is_an_administrator(env: Environment) -> None:
    env.administrator(OLD)
    env.administrator("bob@example.com")
    env.update_account("bob@example.com", is_active=False)
    visitor = env.visitor()
    answers = [
        visitor.post("/cms/forgotpwd/", {"email": email}) for email in (OLD, "bob@example.com", "nobody@example.com")
    ]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert len({tuple(answer.headers.keys()) for answer in answers}) == 1
    assert [len(env.mail_to(email)) for email in (OLD, "bob@example.com", "nobody@example.com")] == [1, 0, 0]


def test_a_disabled_administrator_sets_no_password(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    link = link_to(env)
    env.update_account(OLD, is_active=False)
    assert choose(env, link).error == "link_dead"
    env.update_account(OLD, is_active=True)
    assert env.visitor(OLD).sign_in().status == 200


def test_three_links_an_hour_for_one_address_in_all_its_spellings(env: Environment) -> None:
    env.administrator(OLD)
    for number, typed in enumerate([OLD, OLD.upper(), "Ann@example.com"]):
        assert ask(env, typed, network=f"198.51.100.{number}").status == 200
    refused = ask(env, "ANN@example.com", network="198.51.100.9")
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert len(env.links_to(OLD, "forgotpwd")) == 3
    env.clock.advance(seconds=refused.data["retry_after"])
    assert ask(env).status == 200


def test_twenty_links_an_hour_for_one_network(env: Environment) -> None:
    for number in range(20):
        assert ask(env, f"a{number}@example.com", network=f"2001:db8::{number + 1:x}").status == 200
    assert ask(env, "last@example.com", network="2001:db8::ffff").error == "too_many_requests"
    assert ask(env, "last@example.com", network="2001:db8:0:1::1").status == 200


@pytest.mark.parametrize("typed", ["", "short", "1234567", "x" * 1025])
def test_a_password_that_is_too_short_or_too_long_leaves_the_link_alive(sqlite_env: Environment, typed: str) -> None:
    sqlite_env.administrator(OLD)
    ask(sqlite_env)
    link = link_to(sqlite_env)
    assert choose(sqlite_env, link, typed).error == "invalid"
    differs = sqlite_env.visitor().post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD + "x"})
    assert differs.error == "invalid"
    assert choose(sqlite_env, link).status == 200


def test_a_link_is_long_and_kept_as_a_hash_only(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    token = link_to(env).split("/")[-2]
    assert len(token) >= 22  # 128 bits in base64.
    for table in (Link, Mail, Audit, CMSUser):
        assert token not in str(env.rows(db.select(table.__table__)))


def test_a_made_up_link_is_dead(env: Environment) -> None:
    env.administrator(OLD)
    for token in ("x", "x" * 43, "x" * 3000):
        link = f"/cms/forgotpwd/{token}/"
        assert (env.visitor().page(link).status, choose(env, link).error) == (410, "link_dead")
    assert env.visitor(OLD).sign_in(password=PASSWORD).status == 200


def test_a_form_without_its_token_sets_no_password(env: Environment) -> None:
    env.administrator(OLD)
    ask(env)
    fields = {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
    assert env.visitor().post(link_to(env), fields, token="").error == "csrf_failed"
    assert env.visitor(OLD).sign_in().status == 200
