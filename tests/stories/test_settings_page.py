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
STYLES = pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
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


def reads(person: Person, language: str) -> Person:
    """Have somebody read another language."""
    person.browser.headers["Accept-Language"] = language
    return person


def card_of(page: Answer) -> str:
    """Return the card of the pending change, as the page shows it; "" where it shows none."""
    found = re.search(r'<div id="pending-place">(.*?)</section>', page.text.partition("<template")[0], re.DOTALL)
    return re.sub(r"\s+", " ", found[1]) if found else ""


def heading_of(page: Answer) -> str:
    """Return the heading of the card: the one of its headings that is not hidden."""
    heading = card_of(page).partition("<h2")[2].partition("</h2>")[0]
    shown = re.findall(r'<span data-when="[^"]*">([^<]*)</span>', heading)
    assert len(shown) == 1, heading
    return str(shown[0])


def is_open(page: Answer) -> bool:
    """Say whether a code can be asked for and entered on the page."""
    fields = [f'name="{name}"' in page.text for name in ("email", "captcha")]
    assert len(set(fields)) == 1
    return fields[0]


def written(env: Environment, model: Any, **values: object) -> None:
    """Change the rows of a table, as the passing of time or a mail server would."""
    with env.app.app_context():
        db.session.execute(update(model).values(**values))
        db.session.commit()


def spend(env: Environment, ann: Person, count: int) -> None:
    """Request a code, and enter a number of incorrect ones."""
    assert ann.ask(NEW).status == 200
    wrong = different_code(env.code_to(NEW))
    for _ in range(count):
        assert ann.confirm(NEW, wrong).status == 400


def spend_the_day(env: Environment, ann: Person, *, but: int = 0) -> None:
    """Enter the ten wrong codes of a day, or some fewer."""
    spend(env, ann, 5)
    env.clock.advance(seconds=60)
    spend(env, ann, 5 - but)


class TestTheCard:
    """Its heading follows its state."""

    def arranged(self, env: Environment, state: str) -> Person:
        """Return an administrator whose change is in a state."""
        ann = env.person(app=env.app_with(EMAIL_POLICY="both") if state == "half" else None)
        if state == "started":
            assert act(superuser(env), env, OLD, "start_change", email=NEW).status == 200
            return ann
        if state == "no_tries":
            spend(env, ann, 5)
            return ann
        assert ann.ask(NEW).status == 200
        if state != "unsent":
            env.deliver()
        if state == "undelivered":
            written(env, Mail, state=MailState.REFUSED)
        elif state == "half":
            assert ann.confirm(NEW, env.code_to(NEW)).error == "code_missing"
        elif state == "expired":
            env.clock.advance(seconds=600)
        elif state == "elsewhere":
            return env.signed_in(OLD)
        return ann

    @LANGUAGES
    @pytest.mark.parametrize("state", HEADINGS)
    def test_the_heading_says_what_the_change_waits_for(
        self, sqlite_env: Environment, state: str, language: str
    ) -> None:
        ann = reads(self.arranged(sqlite_env, state), language)
        pending = ann.pending()
        assert pending is not None
        assert pending["state"] == state
        assert heading_of(ann.page()) == HEADINGS[state][language == "en"]

    def test_a_mail_that_is_too_late_is_told_as_one_that_could_not_be_sent(self, sqlite_env: Environment) -> None:
        ann = self.arranged(sqlite_env, "code")
        written(sqlite_env, Mail, state=MailState.EXPIRED)
        assert heading_of(ann.page()) == HEADINGS["undelivered"][0]

    def test_a_refused_mail_is_not_told_once_its_code_was_right(self, sqlite_env: Environment) -> None:
        ann = self.arranged(sqlite_env, "half")
        written(sqlite_env, Mail, state=MailState.REFUSED)
        assert heading_of(ann.page()) == HEADINGS["half"][0]

    @pytest.mark.parametrize("whose", ["new", "old"])
    def test_a_right_first_code_costs_no_try_and_is_ticked(self, env: Environment, whose: str) -> None:
        ann = env.person(script=False, app=env.app_with(EMAIL_POLICY="both"))
        asked = ann.ask(NEW)
        assert 'data-proved="new" hidden' in asked.text
        assert 'data-proved="old" hidden' in asked.text
        codes = {"new": env.code_to(NEW), "old": env.code_to(OLD)}
        page = ann.confirm(NEW, codes["new"]) if whose == "new" else ann.confirm(NEW, "", old_captcha=codes["old"])
        assert page.status == 400
        assert heading_of(page) == HEADINGS["half"][0]
        for each in ("new", "old"):
            assert (f'data-proved="{each}" hidden' in page.text) is (each != whose)
            assert (f'data-code="{each}" hidden' in page.text) is (each == whose)
        assert '<span data-fill="tries_left">5</span>' in card_of(page)
        assert ann.pending() is not None

    @LANGUAGES
    def test_a_started_change_names_who_started_it_and_is_no_alarm(self, env: Environment, language: str) -> None:
        ann = reads(self.arranged(env, "started"), language)
        pending = ann.pending()
        assert pending is not None
        assert pending["started_by"] == "boss"
        card = card_of(ann.page())
        assert "boss" in card
        assert NEW in card
        ready_at = env.clock.now() + timedelta(days=1)
        for moment in (ready_at, ready_at + timedelta(days=3)):
            assert f'datetime="{moment.isoformat(timespec="seconds")}"' in card
        alarm = card.partition('data-when="elsewhere"')[2].partition("<p ")[2].partition("</p>")[0]
        assert alarm.startswith('data-when="elsewhere" hidden'), alarm
        assert 'value="new@example.com"' not in ann.page().text

    def test_a_change_that_the_operator_started_says_so(self, sqlite_env: Environment) -> None:
        ann = self.arranged(sqlite_env, "started")
        written(sqlite_env, EmailChange, started_by=None)
        assert "运维人员" in card_of(ann.page())
        assert "运维人员" in ann.page("/cms/").text

    @pytest.mark.parametrize(("state", "seconds"), [("started", 4 * 86400), ("elsewhere", 600)])
    def test_what_others_began_goes_from_the_card_when_it_is_over(
        self, sqlite_env: Environment, state: str, seconds: int
    ) -> None:
        self.arranged(sqlite_env, state)
        sqlite_env.clock.advance(seconds=seconds - 1)
        ann = sqlite_env.signed_in(OLD)
        assert heading_of(ann.page()) == HEADINGS[state][0]
        sqlite_env.clock.advance(seconds=1)
        assert card_of(ann.page()) == ""
        assert ann.pending() is None

    def test_the_next_code_waits_for_the_budget_of_the_hour_too(self, env: Environment) -> None:
        ann = env.person(app=env.build(CAPTCHA_SENDS_PER_HOUR="2"), script=False)
        first = env.clock.now()
        for _ in range(2):
            page = ann.ask(NEW)
            env.clock.advance(seconds=60)
        resend_at = (first + timedelta(hours=1)).isoformat(timespec="seconds")
        pending, page = ann.pending(), ann.page()
        assert pending is not None
        assert (pending["resend_at"], pending["resend_in"]) == (resend_at, 3600 - 120)
        assert f'datetime="{resend_at}"' in card_of(page).partition('data-resend="at" >')[2]
        assert 'data-resend="now" hidden' in card_of(page)
        env.clock.advance(seconds=3600 - 120)
        ann.sign_in()
        env.administrator("bob@example.com")
        bob = env.signed_in("bob@example.com")
        bob.ask(OTHER)
        env.clock.advance(seconds=60)
        assert 'data-resend="now" >' in card_of(bob.page())


class TestWhatIsTyped:
    """A code that cannot be used here says why."""

    @LANGUAGES
    @STYLES
    def test_a_code_typed_in_another_browser_than_the_one_that_asked_says_so(
        self, env: Environment, language: str, script: bool
    ) -> None:
        ann, other = env.person(), reads(env.signed_in(OLD, script=script), language)
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
            assert heading_of(refused) == HEADINGS["elsewhere"][language == "en"]
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200

    @LANGUAGES
    @STYLES
    @pytest.mark.parametrize("by", ["boss", ""])
    def test_a_change_that_was_dropped_says_who_dropped_it(
        self, sqlite_env: Environment, by: str, language: str, script: bool
    ) -> None:
        ann = reads(sqlite_env.person(script=script), language)
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        assert act(superuser(sqlite_env), sqlite_env, OLD, "drop_change", "Not agreed").status == 200
        written(sqlite_env, EmailChange, ended_by=by)
        refused = ann.confirm(NEW, code)
        assert refused.status == 409
        who = by or {"zh": "运维人员", "en": "the operator"}[language]
        sentence = {"zh": f"此次修改已被 {who} 取消", "en": f"This change was cancelled by {who}."}[language]
        if script:
            assert (refused.error, refused.data["by"]) == ("change_dropped", by)
            assert sentence in refused.message
        else:
            shown = refused.text.partition('data-errors-of="captcha"')[2].partition("</div>")[0]
            assert sentence in shown
            assert card_of(refused) == ""


class TestSuccess:
    """It is told by a panel."""

    @LANGUAGES
    def test_without_scripts_success_is_a_panel_with_all_that_follows_from_it(
        self, env: Environment, language: str
    ) -> None:
        ann = reads(env.person(script=False), language)
        ann.ask(NEW)
        page = ann.confirm(NEW, env.code_to(NEW))
        assert (page.status, page.path) == (200, "/cms/resetemail/")
        place = page.text.partition('<div id="changed-place" role="status">')[2]
        panel = place.partition("</section>")[0]
        told = {
            "zh": ("邮箱修改成功！", "其他设备均已退出登录", "7 天内"),
            "en": (
                "Your email address has been changed.",
                "All other sessions have ended.",
                "can be undone from there for 7 days",
            ),
        }[language]
        for words in (NEW, *told):
            assert words in panel
        assert OLD not in panel
        assert page.text.partition("<template")[0].count(told[0]) == 1
        assert 'id="changed-heading"' not in ann.page().text.partition("<template")[0]

    @pytest.mark.parametrize(
        ("seconds", "told"), [("86400", "for 1 day."), ("5400", "for 1 hour."), ("7200", "2 hours")]
    )
    def test_the_panel_says_for_how_long_the_change_can_be_undone(
        self, sqlite_env: Environment, seconds: str, told: str
    ) -> None:
        ann = reads(sqlite_env.person(app=sqlite_env.build(UNDO_SECONDS=seconds), script=False), "en")
        ann.ask(NEW)
        assert told in ann.confirm(NEW, sqlite_env.code_to(NEW)).text.partition("<template")[0]

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
    """While nothing can be changed there is nothing to fill in."""

    @LANGUAGES
    def test_during_a_freeze_the_form_is_closed_and_says_until_when_and_why(
        self, env: Environment, language: str
    ) -> None:
        ann = reads(env.person(), language)
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
    def test_when_the_tries_of_the_day_are_spent_the_form_is_closed_and_says_so(
        self, env: Environment, language: str
    ) -> None:
        ann = reads(env.person(), language)
        until = (env.clock.now() + timedelta(days=1)).isoformat(timespec="seconds")
        spend_the_day(env, ann)
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

    def test_a_freeze_that_ends_before_the_tries_come_back_does_not_hide_that(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        spend_the_day(sqlite_env, ann)
        sqlite_env.update_account(OLD, frozen_until=sqlite_env.clock.now() + timedelta(hours=1))
        assert 'id="no-tries"' in ann.page().text
        sqlite_env.update_account(OLD, frozen_until=sqlite_env.clock.now() + timedelta(days=2))
        assert 'id="no-tries"' not in ann.page().text

    def test_without_scripts_the_last_try_is_told_to_be_wrong_on_the_closed_page(self, env: Environment) -> None:
        ann = env.person()
        spend_the_day(env, ann, but=1)
        ann.script = False
        page = ann.confirm(NEW, different_code(env.code_to(NEW)))
        assert page.status == 400
        assert not is_open(page)
        assert "邮箱验证码错误！" in page.text
        assert heading_of(page) == HEADINGS["no_tries"][0]

    def test_a_code_of_which_no_tries_are_left_does_not_close_the_form(self, env: Environment) -> None:
        ann = env.person()
        spend(env, ann, 5)
        page = ann.page()
        assert is_open(page)
        pending = ann.pending()
        assert pending is not None
        assert pending["blocked_until"] is None


class TestOverview:
    """The start page tells what is going on with the address, and leads there."""

    def told(self, person: Person) -> str:
        """Return what the overview tells, "" where it tells nothing."""
        found = re.findall(r'<div class="pending mt-3">(.*?)</div>', person.page("/cms/").text, re.DOTALL)
        assert all('href="/cms/resetemail/"' in each for each in found)
        return "".join(found)

    @LANGUAGES
    def test_a_pending_change_is_told_where_it_was_asked_for_and_elsewhere(
        self, env: Environment, language: str
    ) -> None:
        ann = reads(env.person(), language)
        other = reads(env.signed_in(OLD), language)
        assert (self.told(ann), self.told(other)) == ("", "")
        ann.ask(NEW)
        assert NEW in self.told(ann)
        assert {"zh": "尚未完成", "en": "It is not complete yet."}[language] in self.told(ann)
        assert {"zh": "另一个浏览器", "en": "in another browser"}[language] in self.told(other)
        env.clock.advance(seconds=600)
        assert (self.told(ann), self.told(other)) == ("", "")

    @LANGUAGES
    def test_a_started_change_is_told_with_who_started_it(self, env: Environment, language: str) -> None:
        ann = reads(env.person(), language)
        assert act(superuser(env), env, OLD, "start_change", email=NEW).status == 200
        told = self.told(ann)
        assert "boss" in told
        assert NEW in told
        assert (env.clock.now() + timedelta(days=1)).isoformat(timespec="seconds") in told

    @LANGUAGES
    def test_a_freeze_is_told(self, env: Environment, language: str) -> None:
        ann = reads(env.person(), language)
        until = env.clock.now() + timedelta(days=3)
        env.update_account(OLD, frozen_until=until)
        assert until.isoformat(timespec="seconds") in self.told(ann)
        env.update_account(OLD, frozen_until=env.clock.now())
        assert self.told(ann) == ""
