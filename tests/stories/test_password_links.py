"""Links to set a new password are sent to the current address, and are valid once and for a limited time."""

import pytest

from models import Audit, CMSUser, Link, Mail, db
from tests.actors import PASSWORD, html_of, text_of
from tests.environments import Environment

OLD, NEW = "ann@example.com", "new@example.com"
NEW_PASSWORD = "a quite different phrase"
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])


def request_link(env: Environment, email: str = OLD, **options: str) -> object:
    """Request a link as a visitor."""
    return env.visitor(**options).post("/cms/forgotpwd/", {"email": email})


def find_link(env: Environment, address: str = OLD) -> str:
    """Return the newest link in the mails to an address."""
    return env.links_to(address, "forgotpwd")[-1]


def set_password(env: Environment, link: str, password: str = NEW_PASSWORD, *, script: bool = True) -> object:
    """Set a new password with a link as a visitor."""
    return env.visitor(script=script).post(link, {"password": password, "repetition": password})


@BOTH_CLIENTS
def test_a_new_password_can_be_set_with_a_link(env: Environment, script: bool) -> None:
    env.administrator(OLD)
    ann = env.visitor(OLD, script=script)
    assert ann.post("/cms/forgotpwd/", {"email": OLD}).status == 200
    link = find_link(env)
    assert ann.page(link).status == 200
    assert ann.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
    assert env.visitor(OLD).sign_in().error == "wrong_credentials"
    assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200


def test_setting_a_password_does_not_sign_in(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    visitor = env.visitor(OLD)
    link = find_link(env)
    visitor.page(link)
    visitor.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD})
    assert visitor.get_as_script().error == "sign_in_required"


def test_opening_the_link_changes_nothing(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    link = find_link(env)
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert env.visitor().browser.send(method, link).status == 200
    assert env.visitor(OLD).sign_in().status == 200
    assert set_password(env, link).status == 200


def test_a_new_password_ends_every_session(env: Environment) -> None:
    thief = env.person()
    request_link(env)
    set_password(env, find_link(env))
    assert thief.get_as_script().error == "sign_in_required"


def test_a_new_password_ends_the_pending_change_with_its_session(env: Environment) -> None:
    thief = env.person()
    thief.ask(NEW)
    code = env.code_to(NEW)
    request_link(env)
    set_password(env, find_link(env))
    assert thief.confirm(NEW, code).error == "sign_in_required"
    again = env.visitor(OLD, password=NEW_PASSWORD)
    again.sign_in()
    assert again.pending() is None
    assert again.confirm(NEW, code).error == "code_expired"


def test_the_administrator_is_notified_of_the_new_password(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    set_password(env, find_link(env))
    notice = env.mail_to(OLD)[-1]
    assert f"{env.clock.now():%Y-%m-%d %H:%M} UTC" in text_of(notice)
    assert "203.0.113.5" in html_of(notice)
    assert NEW_PASSWORD not in text_of(notice) + html_of(notice)
    (event,) = env.rows(db.select(Audit.event).order_by(Audit.id.desc()).limit(1))[0]
    assert event == "password_set"


def test_a_link_is_valid_once(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    link = find_link(env)
    assert set_password(env, link).status == 200
    assert set_password(env, link, "yet another password").error == "link_dead"
    assert env.visitor().page(link).status == 410
    assert env.visitor(OLD).sign_in(password=NEW_PASSWORD).status == 200


def test_a_newer_link_invalidates_the_older_one(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    older = find_link(env)
    env.clock.advance(seconds=1)
    request_link(env)
    newer = find_link(env)
    assert set_password(env, older).error == "link_dead"
    assert set_password(env, newer).status == 200


def test_a_link_is_valid_for_half_an_hour(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    link = find_link(env)
    env.clock.advance(seconds=1799)
    assert env.visitor().page(link).status == 200
    env.clock.advance(seconds=1)
    assert set_password(env, link).error == "link_dead"
    assert env.visitor(OLD).sign_in().status == 200


def test_a_change_of_address_invalidates_links_to_the_old_one(env: Environment) -> None:
    ann = env.person()
    request_link(env)
    link = find_link(env)
    ann.ask(NEW)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    assert env.visitor().page(link).status == 410
    assert set_password(env, link).error == "link_dead"
    assert env.visitor(NEW).sign_in().status == 200


def test_no_link_is_sent_to_the_old_address_after_a_change(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    ann.confirm(NEW, env.code_to(NEW))
    request_link(env)
    assert env.links_to(OLD, "forgotpwd") == []
    request_link(env, NEW)
    assert len(env.links_to(NEW, "forgotpwd")) == 1


def test_no_link_is_sent_to_a_new_address_before_the_change(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    request_link(env, NEW)
    assert env.links_to(NEW, "forgotpwd") == []


def test_the_response_does_not_reveal_whether_an_account_exists(env: Environment) -> None:
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


def test_a_link_of_a_disabled_account_is_invalid(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    link = find_link(env)
    env.update_account(OLD, is_active=False)
    assert set_password(env, link).error == "link_dead"
    env.update_account(OLD, is_active=True)
    assert env.visitor(OLD).sign_in().status == 200


def test_three_links_an_hour_for_one_address_in_all_spellings(env: Environment) -> None:
    env.administrator(OLD)
    for number, typed in enumerate([OLD, OLD.upper(), "Ann@example.com"]):
        assert request_link(env, typed, network=f"198.51.100.{number}").status == 200
    refused = request_link(env, "ANN@example.com", network="198.51.100.9")
    assert (refused.status, refused.error) == (429, "too_many_requests")
    assert len(env.links_to(OLD, "forgotpwd")) == 3
    env.clock.advance(seconds=refused.data["retry_after"])
    assert request_link(env).status == 200


def test_twenty_links_an_hour_for_one_network(env: Environment) -> None:
    for number in range(20):
        assert request_link(env, f"a{number}@example.com", network=f"2001:db8::{number + 1:x}").status == 200
    assert request_link(env, "last@example.com", network="2001:db8::ffff").error == "too_many_requests"
    assert request_link(env, "last@example.com", network="2001:db8:0:1::1").status == 200


@pytest.mark.parametrize("typed", ["", "short", "1234567", "x" * 1025])
def test_an_invalid_password_does_not_invalidate_the_link(sqlite_env: Environment, typed: str) -> None:
    sqlite_env.administrator(OLD)
    request_link(sqlite_env)
    link = find_link(sqlite_env)
    assert set_password(sqlite_env, link, typed).error == "invalid"
    mismatch = sqlite_env.visitor().post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD + "x"})
    assert mismatch.error == "invalid"
    assert set_password(sqlite_env, link).status == 200


def test_only_a_hash_of_the_token_is_stored(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    token = find_link(env).split("/")[-2]
    assert len(token) >= 22  # 128 bits in base64.
    for table in (Link, Mail, Audit, CMSUser):
        assert token not in str(env.rows(db.select(table.__table__)))


def test_an_unknown_link_is_invalid(env: Environment) -> None:
    env.administrator(OLD)
    for token in ("x", "x" * 43, "x" * 3000):
        link = f"/cms/forgotpwd/{token}/"
        assert (env.visitor().page(link).status, set_password(env, link).error) == (410, "link_dead")
    assert env.visitor(OLD).sign_in(password=PASSWORD).status == 200


def test_a_form_without_a_csrf_token_sets_no_password(env: Environment) -> None:
    env.administrator(OLD)
    request_link(env)
    fields = {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}
    assert env.visitor().post(find_link(env), fields, token="").error == "csrf_failed"
    assert env.visitor(OLD).sign_in().status == 200
