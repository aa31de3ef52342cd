"""The pages of the links of a change: what they show before the action, and where they lead afterwards."""

import re

import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from models import CMSUser, db
from tests.actors import Answer, Person
from tests.environments import Environment
from tests.stories.admin_steps import act, superuser

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
UNDONE, STOPPED = "/cms/resetemail/undone/", "/cms/resetemail/stopped/"
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
TOO_LATE = {"zh": "修改已经生效", "en": "The change has already been made"}
NOTHING_LEFT = {"zh": "没有需要阻止的修改", "en": "There is no change to stop"}


def visitor(env: Environment, language: str = "zh", *, script: bool = False) -> Person:
    """Return somebody at a fresh browser who reads a language."""
    person = env.visitor(script=script)
    person.browser.headers["Accept-Language"] = language
    return person


def main_of(page: Answer) -> str:
    """Return what stands between the header and the footer."""
    found = re.search(r"<main.*?</main>", page.text, re.DOTALL)
    assert found, page
    return found[0]


def stop_link(env: Environment) -> str:
    """Read the newest stop link out of the mails of the present address."""
    return env.links_to(OLD, "stop")[-1]


def changed(env: Environment, **how: str) -> Person:
    """Return an administrator who has just changed their address."""
    ann = env.person(**how)
    assert ann.ask(NEW).status == 200
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    return ann


def started(env: Environment) -> Person:
    """Have a superuser start a change for an administrator; return the superuser."""
    boss = superuser(env)
    env.administrator(OLD)
    assert act(boss, env, OLD, "start_change", "Lost the mailbox", email=NEW).status == 200
    return boss


@LANGUAGES
def test_a_stop_page_says_which_address_when_and_from_where(env: Environment, language: str) -> None:
    ann = env.person()
    ann.ask(NEW)
    asked_at = env.clock.now().isoformat(timespec="seconds")
    env.clock.advance(seconds=30)
    page = main_of(visitor(env, language).page(stop_link(env)))
    for told in ("n***@e***.com", f'<time datetime="{asked_at}">', "203.0.113.5", "Chrome 156, Linux", "<form"):
        assert told in page
    assert NEW not in page


@LANGUAGES
def test_a_stop_link_whose_change_was_made_says_so_and_points_to_the_mail_that_undoes_it(
    env: Environment, language: str
) -> None:
    ann = env.person()
    ann.ask(NEW)
    link = stop_link(env)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    owner = visitor(env, language)
    page = owner.page(link)
    assert page.status == 200
    assert f"<h1>{TOO_LATE[language]}</h1>" in main_of(page)
    assert {"zh": "撤销链接", "en": "we sent an undo link to the previous address"}[language] in main_of(page)
    assert "<form" not in main_of(page)
    refused = owner.post(link)
    assert refused.status == 409
    assert {"zh": "撤销", "en": "To undo it"}[language] in main_of(refused)
    assert visitor(env, script=True).post(link).error == "already_changed"
    assert env.account("ann").email == NEW
    assert env.visitor().post(env.links_to(OLD, "undo")[-1]).status == 200


@LANGUAGES
@pytest.mark.parametrize("how", ["cancelled", "stopped", "too old", "dropped", "its session ended"])
def test_a_stop_link_whose_change_is_over_says_that_nothing_is_left_to_stop(
    env: Environment, how: str, language: str
) -> None:
    ann = env.person()
    ann.ask(NEW)
    link = stop_link(env)
    if how == "cancelled":
        assert ann.cancel().status == 200
    elif how == "stopped":
        assert env.visitor().post(link).status == 200
    elif how == "too old":
        env.clock.advance(seconds=600)
    elif how == "dropped":
        assert act(superuser(env), env, OLD, "drop_change").status == 200
    else:
        assert ann.sign_out().status == 200
    owner = visitor(env, language)
    page = owner.page(link)
    assert page.status == 200
    assert f"<h1>{NOTHING_LEFT[language]}</h1>" in main_of(page)
    assert "<form" not in main_of(page)
    assert owner.post(link).status == 410
    assert visitor(env, script=True).post(link).error == "nothing_to_stop"


@LANGUAGES
def test_the_stop_page_of_a_started_change_does_not_send_its_owner_to_change_the_password(
    env: Environment, language: str
) -> None:
    started(env)
    owner = visitor(env, language)
    page = main_of(owner.page(stop_link(env)))
    assert {"zh": "其他管理员为您发起了", "en": "Another administrator started"}[language] in page
    assert "n***@e***.com" in page
    assert {"zh": "密码", "en": "password"}[language] not in page
    done = owner.post(stop_link(env))
    assert done.path == STOPPED
    assert {"zh": "密码", "en": "password"}[language] not in main_of(done)
    assert visitor(env, script=True).post(stop_link(env)).error == "nothing_to_stop"


def test_a_stop_ends_on_a_page_that_leads_to_a_new_password(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    owner = visitor(env)
    done = owner.post(stop_link(env))
    assert (done.status, done.path) == (200, STOPPED)
    assert "修改已阻止" in main_of(done)
    assert 'href="/cms/forgotpwd/"' in main_of(done)
    assert owner.page(STOPPED).path == STOPPED  # It can be loaded again.


def test_who_stops_a_change_while_signed_in_is_led_to_their_own_password_page(env: Environment) -> None:
    thief, ann = env.person(), env.signed_in(OLD, script=False)
    thief.ask(NEW)
    assert 'href="/cms/resetpwd/"' in main_of(ann.post(stop_link(env)))


@LANGUAGES
def test_an_undo_page_says_which_address_when_and_from_where(env: Environment, language: str) -> None:
    changed(env)
    changed_at = env.clock.now().isoformat(timespec="seconds")
    env.clock.advance(hours=5)
    page = main_of(visitor(env, language).page(env.links_to(OLD, "undo")[-1]))
    for told in (OLD, f'<time datetime="{changed_at}">', "203.0.113.5", "Chrome 156, Linux"):
        assert told in page
    assert NEW not in page


@LANGUAGES
def test_an_undo_ends_on_a_page_that_sends_its_reader_to_the_mailbox(env: Environment, language: str) -> None:
    changed(env)
    owner = visitor(env, language)
    done = owner.post(env.links_to(OLD, "undo")[-1])
    assert (done.status, done.path) == (200, UNDONE)
    assert OLD in main_of(done)
    assert {"zh": "设置新密码的链接正在发送到", "en": "we are sending a link to set a new password to"}[
        language
    ] in main_of(done)
    assert 'type="password"' not in done.text
    assert owner.page(UNDONE).path == UNDONE  # It can be loaded again, and needs no token.
    assert done.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [UNDONE, STOPPED])
def test_what_was_done_is_told_only_in_the_browser_that_did_it(env: Environment, path: str) -> None:
    changed(env)
    visitor(env).post(env.links_to(OLD, "undo")[-1])
    stranger = visitor(env).page(path)
    assert stranger.status == 410
    assert OLD not in stranger.text


def test_what_was_undone_is_not_told_to_who_signs_in_at_that_browser_next(env: Environment) -> None:
    changed(env)
    owner = visitor(env)
    owner.post(env.links_to(OLD, "undo")[-1])
    env.administrator(OTHER)
    owner.discard_token()
    assert owner.sign_in(email=OTHER).status == 200
    assert OLD not in owner.page(UNDONE).text


@LANGUAGES
@pytest.mark.parametrize("by", ["boss", "operator"])
def test_a_page_that_confirms_a_started_change_says_who_started_it_when_and_from_where(
    env: Environment, by: str, language: str
) -> None:
    if by == "boss":
        started(env)
    else:
        env.administrator(OLD)
        command = ["email", "start", OLD, NEW, "--reason", "Lost the mailbox"]
        cli = FlaskGroup(create_app=lambda: env.app)
        assert CliRunner().invoke(cli, command).exit_code == 0
    started_at = env.clock.now().isoformat(timespec="seconds")
    env.clock.advance(days=1)
    page = main_of(visitor(env, language).page(env.links_to(NEW, "prove")[-1]))
    assert NEW in page
    assert f'<time datetime="{started_at}">' in page
    by_operator = {"zh": ("运维人员", "通过命令行"), "en": ("the operator", "on the command line")}[language]
    for told in ("boss", "203.0.113.5") if by == "boss" else by_operator:
        assert told in page


def test_a_link_that_was_mailed_before_networks_were_kept_still_has_its_page(env: Environment) -> None:
    changed(env)
    link = env.links_to(OLD, "undo")[-1]
    with env.app.app_context():
        db.session.execute(db.text("UPDATE link SET network = '', browser = ''"))
        db.session.commit()
    page = main_of(visitor(env, "en").page(link))
    assert "<dt>From</dt>" not in page
    assert env.rows(db.select(CMSUser.email)) == [(NEW,)]
