"""The pages of the links of a change, before and after their action."""

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
    """Return a visitor with a new browser in this language."""
    person = env.visitor(script=script)
    person.browser.headers["Accept-Language"] = language
    return person


def find_main(page: Answer) -> str:
    """Return the <main> element of a page."""
    found = re.search(r"<main.*?</main>", page.text, re.DOTALL)
    assert found, page
    return found[0]


def find_stop_link(env: Environment) -> str:
    """Return the newest stop link in the mails to the current address."""
    return env.links_to(OLD, "stop")[-1]


def complete_change(env: Environment, **options: str) -> Person:
    """Create an administrator who has changed their address, and return them."""
    ann = env.person(**options)
    assert ann.ask(NEW).status == 200
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    return ann


def start_change(env: Environment) -> Person:
    """Create a superuser who has started a change for an administrator, and return the superuser."""
    boss = superuser(env)
    env.administrator(OLD)
    assert act(boss, env, OLD, "start_change", "Lost the mailbox", email=NEW).status == 200
    return boss


@LANGUAGES
def test_the_stop_page_shows_the_masked_address_the_time_and_the_origin(env: Environment, language: str) -> None:
    ann = env.person()
    ann.ask(NEW)
    asked_at = env.clock.now().isoformat(timespec="seconds")
    env.clock.advance(seconds=30)
    page = find_main(visitor(env, language).page(find_stop_link(env)))
    for text in ("n***@e***.com", f'<time datetime="{asked_at}">', "203.0.113.5", "Chrome 156, Linux", "<form"):
        assert text in page
    assert NEW not in page


@LANGUAGES
def test_the_stop_page_of_a_completed_change_refers_to_the_undo_link(env: Environment, language: str) -> None:
    ann = env.person()
    ann.ask(NEW)
    link = find_stop_link(env)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    owner = visitor(env, language)
    page = owner.page(link)
    assert page.status == 200
    assert f"<h1>{TOO_LATE[language]}</h1>" in find_main(page)
    assert {"zh": "撤销链接", "en": "we sent an undo link to the previous address"}[language] in find_main(page)
    assert "<form" not in find_main(page)
    refused = owner.post(link)
    assert refused.status == 409
    assert {"zh": "撤销", "en": "To undo it"}[language] in find_main(refused)
    assert visitor(env, script=True).post(link).error == "already_changed"
    assert env.account("ann").email == NEW
    assert env.visitor().post(env.links_to(OLD, "undo")[-1]).status == 200


@LANGUAGES
@pytest.mark.parametrize("ending", ["cancelled", "stopped", "expired", "dropped", "session ended"])
def test_the_stop_page_of_an_ended_change_says_that_there_is_nothing_to_stop(
    env: Environment, ending: str, language: str
) -> None:
    ann = env.person()
    ann.ask(NEW)
    link = find_stop_link(env)
    if ending == "cancelled":
        assert ann.cancel().status == 200
    elif ending == "stopped":
        assert env.visitor().post(link).status == 200
    elif ending == "expired":
        env.clock.advance(seconds=600)
    elif ending == "dropped":
        assert act(superuser(env), env, OLD, "drop_change").status == 200
    else:
        assert ann.sign_out().status == 200
    owner = visitor(env, language)
    page = owner.page(link)
    assert page.status == 200
    assert f"<h1>{NOTHING_LEFT[language]}</h1>" in find_main(page)
    assert "<form" not in find_main(page)
    assert owner.post(link).status == 410
    assert visitor(env, script=True).post(link).error == "nothing_to_stop"


@LANGUAGES
def test_the_stop_page_of_a_started_change_does_not_mention_the_password(env: Environment, language: str) -> None:
    start_change(env)
    owner = visitor(env, language)
    page = find_main(owner.page(find_stop_link(env)))
    assert {"zh": "其他管理员为您发起了", "en": "Another administrator started"}[language] in page
    assert "n***@e***.com" in page
    assert {"zh": "密码", "en": "password"}[language] not in page
    done = owner.post(find_stop_link(env))
    assert done.path == STOPPED
    assert {"zh": "密码", "en": "password"}[language] not in find_main(done)
    assert visitor(env, script=True).post(find_stop_link(env)).error == "nothing_to_stop"


def test_the_page_after_a_stop_links_to_setting_a_new_password(env: Environment) -> None:
    ann = env.person()
    ann.ask(NEW)
    owner = visitor(env)
    done = owner.post(find_stop_link(env))
    assert (done.status, done.path) == (200, STOPPED)
    assert "修改已阻止" in find_main(done)
    assert 'href="/cms/forgotpwd/"' in find_main(done)
    assert owner.page(STOPPED).path == STOPPED  # It can be reloaded.


def test_the_page_after_a_stop_links_to_changing_the_password_in_a_session(env: Environment) -> None:
    thief, ann = env.person(), env.signed_in(OLD, script=False)
    thief.ask(NEW)
    assert 'href="/cms/resetpwd/"' in find_main(ann.post(find_stop_link(env)))


@LANGUAGES
def test_the_undo_page_shows_the_old_address_the_time_and_the_origin(env: Environment, language: str) -> None:
    complete_change(env)
    changed_at = env.clock.now().isoformat(timespec="seconds")
    env.clock.advance(hours=5)
    page = find_main(visitor(env, language).page(env.links_to(OLD, "undo")[-1]))
    for text in (OLD, f'<time datetime="{changed_at}">', "203.0.113.5", "Chrome 156, Linux"):
        assert text in page
    assert NEW not in page


@LANGUAGES
def test_the_page_after_an_undo_announces_the_mail_with_a_password_link(env: Environment, language: str) -> None:
    complete_change(env)
    owner = visitor(env, language)
    done = owner.post(env.links_to(OLD, "undo")[-1])
    assert (done.status, done.path) == (200, UNDONE)
    assert OLD in find_main(done)
    assert {"zh": "设置新密码的链接正在发送到", "en": "we are sending a link to set a new password to"}[
        language
    ] in find_main(done)
    assert 'type="password"' not in done.text
    assert owner.page(UNDONE).path == UNDONE  # It can be reloaded without a token.
    assert done.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [UNDONE, STOPPED])
def test_the_page_after_an_action_is_shown_only_in_the_same_browser(env: Environment, path: str) -> None:
    complete_change(env)
    visitor(env).post(env.links_to(OLD, "undo")[-1])
    stranger = visitor(env).page(path)
    assert stranger.status == 410
    assert OLD not in stranger.text


def test_the_page_after_an_undo_is_not_shown_to_the_next_administrator_in_the_browser(env: Environment) -> None:
    complete_change(env)
    owner = visitor(env)
    owner.post(env.links_to(OLD, "undo")[-1])
    env.administrator(OTHER)
    owner.discard_token()
    assert owner.sign_in(email=OTHER).status == 200
    assert OLD not in owner.page(UNDONE).text


@LANGUAGES
@pytest.mark.parametrize("starter", ["boss", "operator"])
def test_the_page_to_confirm_a_started_change_shows_who_started_it_the_time_and_the_origin(
    env: Environment, starter: str, language: str
) -> None:
    if starter == "boss":
        start_change(env)
    else:
        env.administrator(OLD)
        command = ["email", "start", OLD, NEW, "--reason", "Lost the mailbox"]
        cli = FlaskGroup(create_app=lambda: env.app)
        assert CliRunner().invoke(cli, command).exit_code == 0
    started_at = env.clock.now().isoformat(timespec="seconds")
    env.clock.advance(days=1)
    page = find_main(visitor(env, language).page(env.links_to(NEW, "prove")[-1]))
    assert NEW in page
    assert f'<time datetime="{started_at}">' in page
    by_operator = {"zh": ("运维人员", "通过命令行"), "en": ("the operator", "on the command line")}[language]
    for text in ("boss", "203.0.113.5") if starter == "boss" else by_operator:
        assert text in page


def test_a_link_that_was_stored_without_an_origin_has_a_page(env: Environment) -> None:
    complete_change(env)
    link = env.links_to(OLD, "undo")[-1]
    with env.app.app_context():
        db.session.execute(db.text("UPDATE link SET network = '', browser = ''"))
        db.session.commit()
    page = find_main(visitor(env, "en").page(link))
    assert "<dt>From</dt>" not in page
    assert env.rows(db.select(CMSUser.email)) == [(NEW,)]
