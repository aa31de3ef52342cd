"""The settings page and the start page in every state of a change."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models import EmailChange, Mail, MailState, db
from tests.actors import Answer, Person, different_code
from tests.environments import Environment
from tests.stories.admin_steps import act, superuser

OLD, NEW, OTHER = "ann@example.com", "new@example.com", "other@example.com"
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
BOTH_CLIENTS = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
HEADINGS = {
    "code": ("还差一步：请输入验证码", "One step left: enter the code"),
    "half": ("一个验证码已通过，请输入另一个", "One code is correct. Enter the other one"),
    "unsent": ("验证码邮件尚未发出", "The email with the code has not been sent yet"),
    "undelivered": ("验证码邮件发送失败", "The email with the code could not be sent"),
    "no_tries": ("尝试次数已用完，该验证码已失效", "No tries left: this code no longer works"),
    "expired": ("验证码已失效，请重新获取。", "The code has expired. Get a new one."),
    "elsewhere": ("有人在另一个浏览器中申请了修改邮箱", "A change was requested in another browser"),
    "started": ("其他管理员为您发起了邮箱修改", "Another administrator started a change of your email address"),
}


def set_language(person: Person, language: str) -> Person:
    """Set the language of a person's browser, and return the person."""
    person.browser.headers["Accept-Language"] = language
    return person


def find_card(page: Answer) -> str:
    """Return the visible card of the pending change, or an empty text."""
    found = re.search(r'<div id="pending-place">(.*?)</section>', page.text.partition("<template")[0], re.DOTALL)
    return re.sub(r"\s+", " ", found[1]) if found else ""


def find_heading(page: Answer) -> str:
    """Return the visible heading of the card."""
    heading = find_card(page).partition("<h2")[2].partition("</h2>")[0]
    shown = re.findall(r'<span data-when="[^"]*">([^<]*)</span>', heading)
    assert len(shown) == 1, heading
    return str(shown[0])


def is_open(page: Answer) -> bool:
    """Return whether the page has the fields to request and to enter a code."""
    fields = [f'name="{name}"' in page.text for name in ("email", "captcha")]
    assert len(set(fields)) == 1
    return fields[0]


def update_rows(env: Environment, model: Any, **values: object) -> None:
    """Update all rows of a table directly."""
    with env.app.app_context():
        db.session.execute(update(model).values(**values))
        db.session.commit()


def spend_tries(env: Environment, ann: Person, count: int) -> None:
    """Request a code, and enter a number of incorrect ones."""
    assert ann.ask(NEW).status == 200
    wrong = different_code(env.code_to(NEW))
    for _ in range(count):
        assert ann.confirm(NEW, wrong).status == 400


def spend_daily_tries(env: Environment, ann: Person, *, except_last: int = 0) -> None:
    """Enter the ten incorrect codes of a day, except a number of them."""
    spend_tries(env, ann, 5)
    env.clock.advance(seconds=60)
    spend_tries(env, ann, 5 - except_last)


class TestCard:
    """The card in every state of a change."""

    def create_change(self, env: Environment, state: str) -> Person:
        """Create an administrator whose change is in this state, and return them."""
        ann = env.person(app=env.app_with(EMAIL_POLICY="both") if state == "half" else None)
        if state == "started":
            assert act(superuser(env), env, OLD, "start_change", email=NEW).status == 200
            return ann
        if state == "no_tries":
            spend_tries(env, ann, 5)
            return ann
        assert ann.ask(NEW).status == 200
        if state != "unsent":
            env.deliver()
        if state == "undelivered":
            update_rows(env, Mail, state=MailState.REFUSED)
        elif state == "half":
            assert ann.confirm(NEW, env.code_to(NEW)).error == "code_missing"
        elif state == "expired":
            env.clock.advance(seconds=600)
        elif state == "elsewhere":
            return env.signed_in(OLD)
        return ann

    @LANGUAGES
    @pytest.mark.parametrize("state", HEADINGS)
    def test_the_heading_depends_on_the_state(self, sqlite_env: Environment, state: str, language: str) -> None:
        ann = set_language(self.create_change(sqlite_env, state), language)
        pending = ann.pending()
        assert pending is not None
        assert pending["state"] == state
        assert find_heading(ann.page()) == HEADINGS[state][language == "en"]

    def test_an_expired_mail_is_shown_as_undelivered(self, sqlite_env: Environment) -> None:
        ann = self.create_change(sqlite_env, "code")
        update_rows(sqlite_env, Mail, state=MailState.EXPIRED)
        assert find_heading(ann.page()) == HEADINGS["undelivered"][0]

    def test_a_refused_mail_is_not_shown_after_its_code_was_verified(self, sqlite_env: Environment) -> None:
        ann = self.create_change(sqlite_env, "half")
        update_rows(sqlite_env, Mail, state=MailState.REFUSED)
        assert find_heading(ann.page()) == HEADINGS["half"][0]

    @pytest.mark.parametrize("first", ["new", "old"])
    def test_a_correct_first_code_counts_no_try_and_is_ticked(self, env: Environment, first: str) -> None:
        ann = env.person(script=False, app=env.app_with(EMAIL_POLICY="both"))
        answer = ann.ask(NEW)
        assert 'data-proved="new" hidden' in answer.text
        assert 'data-proved="old" hidden' in answer.text
        codes = {"new": env.code_to(NEW), "old": env.code_to(OLD)}
        page = ann.confirm(NEW, codes["new"]) if first == "new" else ann.confirm(NEW, "", old_captcha=codes["old"])
        assert page.status == 400
        assert find_heading(page) == HEADINGS["half"][0]
        for each in ("new", "old"):
            assert (f'data-proved="{each}" hidden' in page.text) is (each != first)
            assert (f'data-code="{each}" hidden' in page.text) is (each == first)
        assert '<span data-fill="tries_left">5</span>' in find_card(page)
        assert ann.pending() is not None

    @LANGUAGES
    def test_a_started_change_shows_who_started_it_without_an_alarm(self, env: Environment, language: str) -> None:
        ann = set_language(self.create_change(env, "started"), language)
        pending = ann.pending()
        assert pending is not None
        assert pending["started_by"] == "boss"
        card = find_card(ann.page())
        assert "boss" in card
        assert NEW in card
        ready_at = env.clock.now() + timedelta(days=1)
        for moment in (ready_at, ready_at + timedelta(days=3)):
            assert f'datetime="{moment.isoformat(timespec="seconds")}"' in card
        alarm = card.partition('data-when="elsewhere"')[2].partition("<p ")[2].partition("</p>")[0]
        assert alarm.startswith('data-when="elsewhere" hidden'), alarm
        assert 'value="new@example.com"' not in ann.page().text

    def test_a_change_started_by_the_operator_is_shown_as_such(self, sqlite_env: Environment) -> None:
        ann = self.create_change(sqlite_env, "started")
        update_rows(sqlite_env, EmailChange, started_by=None)
        assert "运维人员" in find_card(ann.page())
        assert "运维人员" in ann.page("/cms/").text

    @pytest.mark.parametrize(("state", "seconds"), [("started", 4 * 86400), ("elsewhere", 600)])
    def test_a_change_of_others_is_removed_from_the_card_when_it_expires(
        self, sqlite_env: Environment, state: str, seconds: int
    ) -> None:
        self.create_change(sqlite_env, state)
        sqlite_env.clock.advance(seconds=seconds - 1)
        ann = sqlite_env.signed_in(OLD)
        assert find_heading(ann.page()) == HEADINGS[state][0]
        sqlite_env.clock.advance(seconds=1)
        assert find_card(ann.page()) == ""
        assert ann.pending() is None

    def test_the_wait_for_the_next_code_includes_the_budget_of_the_hour(self, env: Environment) -> None:
        ann = env.person(app=env.build(CAPTCHA_SENDS_PER_HOUR="2"), script=False)
        first = env.clock.now()
        for _ in range(2):
            page = ann.ask(NEW)
            env.clock.advance(seconds=60)
        resend_at = (first + timedelta(hours=1)).isoformat(timespec="seconds")
        pending, page = ann.pending(), ann.page()
        assert pending is not None
        assert (pending["resend_at"], pending["resend_in"]) == (resend_at, 3600 - 120)
        assert f'datetime="{resend_at}"' in find_card(page).partition('data-resend="at" >')[2]
        assert 'data-resend="now" hidden' in find_card(page)
        env.clock.advance(seconds=3600 - 120)
        ann.sign_in()
        env.administrator("bob@example.com")
        bob = env.signed_in("bob@example.com")
        bob.ask(OTHER)
        env.clock.advance(seconds=60)
        assert 'data-resend="now" >' in find_card(bob.page())


class TestRefusedCodes:
    """Codes that cannot be used, and the reasons."""

    @LANGUAGES
    @BOTH_CLIENTS
    def test_a_code_entered_in_another_browser_is_refused_with_the_reason(
        self, env: Environment, language: str, script: bool
    ) -> None:
        ann, other = env.person(), set_language(env.signed_in(OLD, script=script), language)
        ann.ask(NEW)
        refused = other.confirm(NEW, env.code_to(NEW))
        sentence = {
            "zh": "此验证码是在另一个浏览器中获取的。",
            "en": "This code was requested in another browser. Enter it there, or get a new code here.",
        }[language]
        assert refused.status == 409
        if script:
            assert refused.error == "asked_elsewhere"
            assert sentence in refused.message
            assert sentence in refused.data["fields"]["captcha"][0]
        else:
            assert sentence in refused.text.partition('data-errors-of="captcha"')[2].partition("</div>")[0]
            assert find_heading(refused) == HEADINGS["elsewhere"][language == "en"]
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    @LANGUAGES
    @BOTH_CLIENTS
    @pytest.mark.parametrize("actor", ["boss", ""])
    def test_a_code_of_a_dropped_change_is_refused_with_the_actor(
        self, sqlite_env: Environment, actor: str, language: str, script: bool
    ) -> None:
        ann = set_language(sqlite_env.person(script=script), language)
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        assert act(superuser(sqlite_env), sqlite_env, OLD, "drop_change", "Not agreed").status == 200
        update_rows(sqlite_env, EmailChange, ended_by=actor)
        refused = ann.confirm(NEW, code)
        assert refused.status == 409
        name = actor or {"zh": "运维人员", "en": "the operator"}[language]
        sentence = {"zh": f"此次修改已被 {name} 取消", "en": f"This change was cancelled by {name}."}[language]
        if script:
            assert (refused.error, refused.data["by"]) == ("change_dropped", actor)
            assert sentence in refused.message
        else:
            shown = refused.text.partition('data-errors-of="captcha"')[2].partition("</div>")[0]
            assert sentence in shown
            assert find_card(refused) == ""


class TestSuccess:
    """The panel after a successful change."""

    @LANGUAGES
    def test_without_scripts_success_is_a_panel_with_all_consequences(self, env: Environment, language: str) -> None:
        ann = set_language(env.person(script=False), language)
        ann.ask(NEW)
        page = ann.confirm(NEW, env.code_to(NEW))
        assert (page.status, page.path) == (200, "/cms/resetemail/")
        place = page.text.partition('<div id="changed-place" role="status">')[2]
        panel = place.partition("</section>")[0]
        sentences = {
            "zh": ("邮箱修改成功！", "其他设备均已退出登录", "7 天内"),
            "en": (
                "Your email address has been changed.",
                "All other sessions have ended.",
                "can be undone from there for 7 days",
            ),
        }[language]
        for text in (NEW, *sentences):
            assert text in panel
        assert OLD not in panel
        assert page.text.partition("<template")[0].count(sentences[0]) == 1
        assert 'id="changed-heading"' not in ann.page().text.partition("<template")[0]

    @pytest.mark.parametrize(
        ("seconds", "text"), [("86400", "for 1 day."), ("5400", "for 1 hour."), ("7200", "2 hours")]
    )
    def test_the_panel_shows_for_how_long_the_change_can_be_undone(
        self, sqlite_env: Environment, seconds: str, text: str
    ) -> None:
        ann = set_language(sqlite_env.person(app=sqlite_env.build(UNDO_SECONDS=seconds), script=False), "en")
        ann.ask(NEW)
        assert text in ann.confirm(NEW, sqlite_env.code_to(NEW)).text.partition("<template")[0]

    def test_scripts_get_the_same_panel_as_a_template(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        template = ann.page().text.partition('<template id="changed-empty">')[2].partition("</template>")[0]
        assert "邮箱修改成功！" in template
        assert "7 天内" in template
        ann.ask(NEW)
        answer = ann.confirm(NEW, sqlite_env.code_to(NEW))
        assert (answer.message, answer.data["email"]) == ("邮箱修改成功！", NEW)
        assert 'id="changed-heading"' not in ann.page().text.partition("<template")[0]


class TestClosed:
    """The page without a form while no change is possible."""

    @LANGUAGES
    def test_during_a_freeze_the_page_has_no_form_and_shows_the_end_and_the_reason(
        self, env: Environment, language: str
    ) -> None:
        ann = set_language(env.person(), language)
        assert is_open(ann.page())
        until = env.clock.now() + timedelta(days=3)
        env.update_account(OLD, frozen_until=until)
        page = ann.page()
        assert not is_open(page)
        assert f'datetime="{until.isoformat(timespec="seconds")}"' in page.text
        assert {"zh": "最近有一次修改被撤销", "en": "A change was undone recently."}[language] in page.text
        assert {"zh": "次数已用完。", "en": "codes in 24 hours"}[language] not in page.text
        assert ann.ask(NEW).error == "changes_frozen"
        env.update_account(OLD, frozen_until=env.clock.now())
        assert is_open(ann.page())

    @LANGUAGES
    def test_without_daily_tries_the_page_has_no_form_and_shows_the_reason(
        self, env: Environment, language: str
    ) -> None:
        ann = set_language(env.person(), language)
        until = (env.clock.now() + timedelta(days=1)).isoformat(timespec="seconds")
        spend_daily_tries(env, ann)
        page = ann.page()
        assert not is_open(page)
        notice = page.text.partition('id="no-tries"')[2].partition("</div>")[0]
        assert " hidden" not in notice
        assert f'datetime="{until}"' in notice
        assert {"zh": "最多可输入 10 次验证码", "en": "the limit of 10 codes in 24 hours"}[language] in notice
        assert {"zh": "最近有一次修改被撤销", "en": "A change was undone recently."}[language] not in page.text
        pending = ann.pending()
        assert pending is not None
        assert pending["blocked_until"] == until
        assert ann.cancel().status == 200
        assert not is_open(ann.page())

    def test_the_page_shows_the_reason_that_lasts_longer(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        spend_daily_tries(sqlite_env, ann)
        sqlite_env.update_account(OLD, frozen_until=sqlite_env.clock.now() + timedelta(hours=1))
        assert 'id="no-tries"' in ann.page().text
        sqlite_env.update_account(OLD, frozen_until=sqlite_env.clock.now() + timedelta(days=2))
        assert 'id="no-tries"' not in ann.page().text

    def test_without_scripts_the_last_incorrect_code_is_reported_without_a_form(self, env: Environment) -> None:
        ann = env.person()
        spend_daily_tries(env, ann, except_last=1)
        ann.script = False
        page = ann.confirm(NEW, different_code(env.code_to(NEW)))
        assert page.status == 400
        assert not is_open(page)
        assert "邮箱验证码错误！" in page.text
        assert find_heading(page) == HEADINGS["no_tries"][0]

    def test_a_code_without_tries_left_does_not_remove_the_form(self, env: Environment) -> None:
        ann = env.person()
        spend_tries(env, ann, 5)
        page = ann.page()
        assert is_open(page)
        pending = ann.pending()
        assert pending is not None
        assert pending["blocked_until"] is None


class TestOverview:
    """The overview of the pending change on the start page."""

    def read_overview(self, person: Person) -> str:
        """Return the text of the overview, or an empty text."""
        found = re.findall(r'<div class="pending mt-3">(.*?)</div>', person.page("/cms/").text, re.DOTALL)
        assert all('href="/cms/resetemail/"' in each for each in found)
        return "".join(found)

    @LANGUAGES
    def test_a_pending_change_is_shown_in_all_sessions(self, env: Environment, language: str) -> None:
        ann = set_language(env.person(), language)
        other = set_language(env.signed_in(OLD), language)
        assert (self.read_overview(ann), self.read_overview(other)) == ("", "")
        ann.ask(NEW)
        assert NEW in self.read_overview(ann)
        assert {"zh": "尚未完成", "en": "It is not complete yet."}[language] in self.read_overview(ann)
        assert {"zh": "另一个浏览器", "en": "in another browser"}[language] in self.read_overview(other)
        env.clock.advance(seconds=600)
        assert (self.read_overview(ann), self.read_overview(other)) == ("", "")

    @LANGUAGES
    def test_a_started_change_is_shown_with_who_started_it(self, env: Environment, language: str) -> None:
        ann = set_language(env.person(), language)
        assert act(superuser(env), env, OLD, "start_change", email=NEW).status == 200
        overview = self.read_overview(ann)
        assert "boss" in overview
        assert NEW in overview
        assert (env.clock.now() + timedelta(days=1)).isoformat(timespec="seconds") in overview

    @LANGUAGES
    def test_a_freeze_is_shown(self, env: Environment, language: str) -> None:
        ann = set_language(env.person(), language)
        until = env.clock.now() + timedelta(days=3)
        env.update_account(OLD, frozen_until=until)
        assert until.isoformat(timespec="seconds") in self.read_overview(ann)
        env.update_account(OLD, frozen_until=env.clock.now())
        assert self.read_overview(ann) == ""
