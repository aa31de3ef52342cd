"""The authenticator app is replaced by another one, for example on a new phone."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import AuthenticatorApp, RecoveryCode, db
from tests.actors import Person, text_of
from tests.environments import Environment
from tests.stories.admin_steps import history, id_of
from tests.stories.factor_steps import (
    add_app,
    add_passkey,
    begin_replacement,
    code_of,
    second_step,
    set_up_app,
    sign_in_first_step,
    wrong_code,
)

ANN, EVE = "ann@example.com", "eve@example.com"
APP = "/cms/security/app/"
REPLACE = "/cms/security/app/replace/"


def sign_in(env: Environment, **fields: str) -> str | None:
    """Sign in in another browser, and return the error word of the second step."""
    return second_step(sign_in_first_step(env, ANN), **fields).error


def count_apps(env: Environment) -> tuple[int, int]:
    """Return how many apps there are, and how many of them are second factors."""
    confirmed = [row.confirmed_at for row in env.rows(select(AuthenticatorApp.confirmed_at))]
    return len(confirmed), sum(moment is not None for moment in confirmed)


def events_of(env: Environment) -> list[str]:
    """Return the names of the events in the history of the account."""
    return [row.event for row in history(env, id_of(env, ANN))]


def requiring_app(env: Environment) -> Person:
    """Return an administrator of a site that requires a second factor of everybody."""
    env.administrator(ANN)
    return env.signed_in(ANN, app=env.app_with(SECOND_FACTOR="all", SECOND_FACTOR_GRACE_DAYS="0"))


def test_with_the_first_code_of_the_new_app_the_old_one_no_longer_works(env: Environment) -> None:
    ann = env.person(ANN)
    old, codes = add_app(env, ann)
    new = begin_replacement(ann)
    added = ann.post(APP, {"code": code_of(env, new)})
    assert (added.status, added.data.get("recovery_codes")) == (200, None)
    env.clock.advance(seconds=30)
    assert sign_in(env, code=code_of(env, old)) == "second_factor_wrong"
    assert sign_in(env, code=code_of(env, new)) is None
    assert sign_in(env, recovery_code=codes[0]) is None
    assert count_apps(env) == (1, 1)


def test_until_then_the_old_app_works_and_the_new_one_does_not(env: Environment) -> None:
    ann = env.person(ANN)
    old, _ = add_app(env, ann)
    new = begin_replacement(ann)
    assert sign_in(env, code=code_of(env, new)) == "second_factor_wrong"
    assert ann.post(APP, {"code": wrong_code(env, new)}).error == "second_factor_wrong"
    assert ann.post(APP, {"code": code_of(env, old)}).error == "second_factor_wrong"
    assert count_apps(env) == (2, 1)
    assert sign_in(env, code=code_of(env, old)) is None
    env.clock.advance(seconds=30)
    assert ann.reauth(code=code_of(env, old)).status == 200
    assert "app_replaced" not in events_of(env)


def test_the_first_code_of_the_new_app_cannot_be_used_again(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    new = begin_replacement(ann)
    code = code_of(env, new)
    assert ann.post(APP, {"code": code}).status == 200
    assert sign_in(env, code=code) == "second_factor_wrong"
    assert ann.post(APP, {"code": code}).error == "set_up_expired"


def test_of_two_replacements_the_one_that_was_begun_last_counts(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    first, second = begin_replacement(ann), begin_replacement(ann)
    assert ann.post(APP, {"code": code_of(env, first)}).error == "second_factor_wrong"
    assert ann.post(APP, {"code": code_of(env, second)}).status == 200
    assert count_apps(env) == (1, 1)


def test_a_replacement_that_was_not_completed_ends_after_an_hour(env: Environment) -> None:
    ann = env.person(ANN)
    old, codes = add_app(env, ann)
    new = begin_replacement(ann)
    env.clock.advance(minutes=59)
    assert ann.reauth(recovery_code=codes[0]).status == 200
    env.clock.advance(minutes=2)
    assert ann.post(APP, {"code": code_of(env, new)}).error == "set_up_expired"
    assert ann.get_as_script(APP).error == "set_up_expired"
    assert sign_in(env, code=code_of(env, old)) is None


@pytest.mark.parametrize("method", ["begin", "show", "complete"])
def test_each_step_requires_a_recent_proof(env: Environment, method: str) -> None:
    ann = env.person(ANN)
    old, _ = add_app(env, ann)
    new = begin_replacement(ann)
    env.clock.advance(minutes=11)
    if method == "begin":
        answer = ann.post(REPLACE)
    elif method == "show":
        answer = ann.get_as_script(APP)
    else:
        answer = ann.post(APP, {"code": code_of(env, new)})
    assert (answer.status, answer.error) == (401, "reauth_required")
    assert ann.reauth(code=code_of(env, old)).status == 200
    assert ann.post(APP, {"code": code_of(env, new)}).status == 200


def test_an_active_app_is_not_replaced_by_a_page_that_adds_one(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    assert ann.post("/cms/security/app/set_up/").error == "already_added"
    assert count_apps(env) == (1, 1)


def test_an_app_that_was_removed_meanwhile_is_set_up_as_a_first_one(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    begin_replacement(ann)
    assert ann.post("/cms/security/app/remove/").status == 200
    assert count_apps(env) == (0, 0)
    new = begin_replacement(ann)
    assert len(ann.post(APP, {"code": code_of(env, new)}).data["recovery_codes"]) == 10
    assert events_of(env)[-1] == "app_added"


def test_the_new_app_replaces_no_passkey_no_recovery_code_and_no_session(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    add_passkey(ann)
    other = env.visitor(ANN)
    stored = env.rows(select(RecoveryCode.code_hash))
    assert sign_in_first_step(env, ANN, other)
    new = begin_replacement(ann)
    assert ann.post(APP, {"code": code_of(env, new)}).status == 200
    env.clock.advance(seconds=30)
    assert second_step(other, code=code_of(env, new)).status == 200
    assert env.rows(select(RecoveryCode.code_hash)) == stored
    assert ann.page("/cms/security/").text.count("/remove/") >= 2


def test_where_it_is_required_the_only_app_is_replaced_and_not_removed(env: Environment) -> None:
    ann = requiring_app(env)
    add_app(env, ann)
    new = begin_replacement(ann)
    assert ann.post("/cms/security/app/remove/").error == "last_factor"
    assert count_apps(env) == (2, 1)
    assert ann.post(APP, {"code": code_of(env, new)}).status == 200
    assert ann.post("/cms/security/app/remove/").error == "last_factor"
    assert env.account("ann").has_second_factor
    page = ann.page("/cms/security/").text
    assert REPLACE in page
    assert "/cms/security/app/remove/" not in page


def test_an_app_whose_secret_cannot_be_read_any_more_is_replaced(env: Environment) -> None:
    _, codes = add_app(env, env.person(ANN))
    ann = env.visitor(ANN, app=env.app_with(SECRET_KEY="another secret of these tests, long enough"))
    assert second_step(sign_in_first_step(env, ANN, ann), recovery_code=codes[0]).status == 200
    new = begin_replacement(ann)
    assert ann.post(APP, {"code": code_of(env, new)}).status == 200
    assert count_apps(env) == (1, 1)


def test_it_is_a_row_of_the_history_and_a_mail(env: Environment) -> None:
    ann = env.person(ANN)
    env.update_account(ANN, language="en")
    add_app(env, ann)
    new = begin_replacement(ann)
    assert ann.post(APP, {"code": code_of(env, new)}).status == 200
    assert events_of(env)[-2:] == ["app_added", "app_replaced"]
    mail = env.mail_to(ANN)[-1]
    assert mail["Subject"] == "The authenticator app of your account was replaced"
    assert "Codes of the old app no longer work." in text_of(mail)
    assert new.secret not in mail.as_string()


def test_a_former_address_that_can_undo_is_notified(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    move(env, ann)
    new = begin_replacement(ann)
    assert ann.post(APP, {"code": code_of(env, new)}).status == 200
    for address in (ANN, EVE):
        assert "更换了验证器应用" in str(env.mail_to(address)[-1]["Subject"])


def move(env: Environment, person: Person) -> str:
    """Change the address as a thief with the session of the owner, and return the undo link."""
    env.clock.advance(minutes=1)
    assert person.ask(EVE).status == 200
    assert person.confirm(EVE, env.code_to(EVE)).status == 200
    person.discard_token()
    env.deliver()
    return env.links_to(ANN, "undo")[-1]


@pytest.mark.parametrize("begun", ["before the change", "after the change"])
def test_an_undo_removes_the_app_of_a_thief_and_says_that_the_older_one_is_lost(env: Environment, begun: str) -> None:
    thief = env.person(ANN)
    old, _ = add_app(env, thief)
    if begun == "before the change":
        new = begin_replacement(thief)
        link = move(env, thief)
    else:
        link = move(env, thief)
        new = begin_replacement(thief)
    assert thief.post(APP, {"code": code_of(env, new)}).status == 200
    env.deliver()
    env.clock.advance(seconds=30)
    assert env.visitor().post(link).status == 200
    told = text_of(env.mail_to(ANN)[-1])
    assert "在此期间添加的验证器应用已移除" in told
    assert "验证器应用或恢复代码被移除或替换，无法恢复" in told
    assert count_apps(env) == (0, 0)
    assert not env.account("ann").has_second_factor
    assert old.secret != new.secret


def test_an_undo_keeps_an_app_whose_replacement_was_not_completed(env: Environment) -> None:
    thief = env.person(ANN)
    add_app(env, thief)
    env.clock.advance(minutes=1)
    link = move(env, thief)
    begin_replacement(thief)
    assert count_apps(env) == (2, 1)
    assert env.visitor().post(link).status == 200
    assert count_apps(env) == (1, 1)
    told = text_of(env.mail_to(ANN)[-1])
    assert "无法恢复" not in told
    assert "已移除" not in told


def test_without_scripts_the_pages_lead_to_the_new_app(env: Environment) -> None:
    ann = env.person(ANN, script=False)
    ann.browser.headers["Accept-Language"] = "en"
    ann.script = True
    old, _ = add_app(env, ann)
    ann.script = False
    assert f'action="{REPLACE}"' in ann.page("/cms/security/").text
    page = ann.post(REPLACE)
    assert (page.status, page.path) == (200, APP)
    assert re.search(r"<h1[^>]*>Replace the authenticator app</h1>", page.text)
    assert "The old app works until" in page.text
    refused = ann.post(APP, {"code": "12345"})
    assert (refused.status, "Replace the authenticator app</h1>" in refused.text) == (400, True)
    ann.script = True
    new = begin_replacement(ann)
    ann.script = False
    done = ann.post(APP, {"code": code_of(env, new)})
    assert (done.status, done.path) == (200, "/cms/security/")
    assert "The authenticator app has been replaced." in done.text
    assert old.secret not in done.text


def test_the_first_app_is_set_up_on_a_page_of_its_own_name(env: Environment) -> None:
    ann = env.person(ANN)
    ann.browser.headers["Accept-Language"] = "en"
    set_up_app(ann)
    page = ann.page(APP).text
    assert "Set up an authenticator app</h1>" in page
    assert "old app" not in page


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_the_database_holds_one_app_of_each_state(env: Environment, is_confirmed: bool) -> None:
    """Also for code that does not lock the account."""
    ann = env.person(ANN)
    add_app(env, ann)
    begin_replacement(ann)
    now = env.clock.now()
    moment = now if is_confirmed else None
    twin = {"user_id": id_of(env, ANN), "secret": "", "key_id": "", "last_step": 0}
    with env.app.app_context():
        db.session.add(AuthenticatorApp(**twin, created_at=now, confirmed_at=moment, used_at=None))
        with pytest.raises(IntegrityError):
            db.session.flush()
    assert count_apps(env) == (2, 1)
