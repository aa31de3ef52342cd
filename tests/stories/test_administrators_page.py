"""The administrator pages of superusers: states, sessions, histories, and started changes."""

from datetime import datetime

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, update

from models import CMSUser, EmailChange, db
from tests.actors import PASSWORD, Person, text_of
from tests.environments import Environment
from tests.markup import Element, read
from tests.servers import ROOT
from tests.stories.admin_steps import BOSS, NEW, act, create_many, history, id_of, newest_row, superuser

ANN, BOB = "ann@example.com", "bob@example.com"
USERS = "/cms/users/"
NEW_PASSWORD = "a river and a hill"


def use_english(person: Person) -> Person:
    """Set the language of the browser to English, and return the person."""
    person.browser.headers["Accept-Language"] = "en"
    return person


def find_cells(boss: Person, name: str) -> list[Element]:
    """Return the cells in the row of an administrator."""
    for row in read(boss.page(USERS).text).one("table").one("tbody").all("tr"):
        if next(row.all("a")).text == name:
            return list(row.children)
    raise AssertionError(f"{name} is not in the list")


def open_page(boss: Person, env: Environment, email: str, query: str = "") -> Element:
    """Open the page of an administrator."""
    answer = boss.page(f"{USERS}{id_of(env, email)}/{query}")
    assert answer.status == 200, answer
    return read(answer.text)


def find_section(page: Element, heading: str) -> Element:
    """Return the section with this heading."""
    found = [each for each in page.all("section") if any(every.text == heading for every in each.all("h2"))]
    assert len(found) == 1, heading
    return found[0]


def find_times(element: Element) -> list[datetime]:
    """Return the times in an element."""
    return [datetime.fromisoformat(each["datetime"]) for each in element.all("time")]


class TestList:
    """The list of administrators with state, last sign-in and pending change."""

    def test_the_list_has_a_column_for_each_value(self, sqlite_env: Environment) -> None:
        boss = use_english(superuser(sqlite_env))
        table = read(boss.page(USERS).text).one("table")
        headings = [each.text for each in table.all("th", scope="col")]
        assert headings == ["Administrator", "State", "Last sign-in", "Pending change"]
        assert [each["data-label"] for each in find_cells(boss, "boss")[1:]] == headings[1:]  # Shown on narrow screens.

    def test_the_list_shows_disabled_accounts(self, sqlite_env: Environment) -> None:
        boss = use_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        assert find_cells(boss, "ann")[1].text == "Active"
        sqlite_env.update_account(ANN, is_active=False)
        assert find_cells(boss, "ann")[1].text == "Disabled"

    def test_the_list_shows_the_last_sign_in(self, env: Environment) -> None:
        boss = use_english(superuser(env))
        env.administrator(ANN)
        assert find_cells(boss, "ann")[2].text == "Never"
        for _ in range(2):
            env.clock.advance(seconds=100)
            assert env.visitor(ANN).sign_in(password="not this one").status == 400
            assert env.signed_in(ANN)
            assert find_times(find_cells(boss, "ann")[2]) == [env.clock.now().replace(microsecond=0)]
            env.clock.advance(seconds=100)
        assert env.visitor(ANN).sign_in(password="not this one").status == 400
        assert find_times(find_cells(boss, "ann")[2]) < [env.clock.now().replace(microsecond=0)]

    def test_the_list_shows_a_pending_change_until_it_expires(self, env: Environment) -> None:
        boss, ann = use_english(superuser(env)), env.person()
        assert find_cells(boss, "ann")[3].text == ""
        ann.ask(NEW)
        assert NEW in find_cells(boss, "ann")[3].text
        assert find_times(find_cells(boss, "ann")[3]) > [env.clock.now()]
        env.clock.advance(seconds=601)
        assert find_cells(boss, "ann")[3].text == ""

    def test_the_list_shows_no_cancelled_or_completed_change(self, env: Environment) -> None:
        boss, ann = use_english(superuser(env)), env.person()
        ann.ask(NEW)
        ann.cancel()
        assert find_cells(boss, "ann")[3].text == ""
        env.clock.advance(seconds=61)
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        assert find_cells(boss, "ann")[3].text == ""

    def test_the_list_shows_only_values_of_accounts_on_its_page(self, sqlite_env: Environment) -> None:
        create_many(sqlite_env, 60)
        boss = use_english(superuser(sqlite_env))
        assert len(list(read(boss.page(USERS).text).one("tbody").all("tr"))) == 50
        assert find_cells(boss, "user-000049")[2].text == "Never"


class TestStartedChanges:
    """The list of changes that superusers have started."""

    @staticmethod
    def read_list(boss: Person) -> list[str]:
        """Return the rows of the list of started changes."""
        page = read(boss.page(USERS).text)
        headings = [each for each in page.all("h2") if each["id"] == "started-heading"]
        if not headings:
            return []
        assert headings[0].parent is not None
        return [row.text for row in headings[0].parent.all("li")]

    def test_a_started_change_is_listed_with_who_started_it_and_its_times(self, env: Environment) -> None:
        boss, other = superuser(env), use_english(superuser(env, "other@example.com"))
        env.administrator(ANN)
        assert self.read_list(other) == []
        assert act(boss, env, ANN, "start_change", "lost the mailbox", email=NEW).status == 200
        (row,) = self.read_list(other)
        assert row.startswith(f"ann {ANN} → {NEW} Started by boss, ")
        heading = next(each for each in read(other.page(USERS).text).all("h2") if each["id"] == "started-heading")
        assert heading.parent is not None
        now = env.clock.now().replace(microsecond=0)
        assert [(at - now).total_seconds() for at in find_times(heading.parent)] == [0, 86400, 86400 + 259200]
        assert "Started by boss" in open_page(other, env, ANN).one("main").text
        assert NEW in find_cells(other, "ann")[3].text

    def test_after_the_waiting_time_a_started_change_is_listed_with_its_end(self, sqlite_env: Environment) -> None:
        boss = use_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        act(boss, sqlite_env, ANN, "start_change", email=NEW)
        sqlite_env.clock.advance(seconds=86401)
        boss.discard_token()
        boss.sign_in()
        assert "Can be confirmed until" in self.read_list(boss)[0]
        sqlite_env.clock.advance(seconds=259200)
        boss.discard_token()
        boss.sign_in()
        assert self.read_list(boss) == []

    @pytest.mark.parametrize("ending", ["drop_change", "disable", "demoted", "cancelled"])
    def test_a_started_change_that_has_ended_is_not_listed(self, sqlite_env: Environment, ending: str) -> None:
        boss, starter = superuser(sqlite_env), superuser(sqlite_env, "starter@example.com")
        ann = sqlite_env.person()
        act(starter, sqlite_env, ANN, "start_change", email=NEW)
        assert len(self.read_list(boss)) == 1
        if ending == "demoted":
            act(boss, sqlite_env, starter.email, "role", role="editor")
        elif ending == "cancelled":
            assert ann.cancel().status == 200
        else:
            act(boss, sqlite_env, ANN, ending)
        assert self.read_list(boss) == []

    def test_a_change_started_by_the_operator_is_listed_as_such(self, sqlite_env: Environment) -> None:
        boss = use_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        act(boss, sqlite_env, ANN, "start_change", email=NEW)
        with sqlite_env.app.app_context():
            db.session.execute(update(EmailChange).values(started_by=None))
            db.session.commit()
        assert "Started by the operator" in self.read_list(boss)[0]

    def test_only_superusers_see_started_changes(self, sqlite_env: Environment) -> None:
        boss, bob = superuser(sqlite_env), sqlite_env.person(BOB)
        sqlite_env.administrator(ANN)
        act(boss, sqlite_env, ANN, "start_change", email=NEW)
        for path in ("/cms/", "/cms/security/", "/cms/resetemail/"):
            assert NEW not in bob.page(path).text


class TestAdministratorPage:
    """The page of an administrator, with their sessions and history."""

    def test_the_page_shows_the_sessions(self, env: Environment) -> None:
        boss = use_english(superuser(env))
        env.administrator(ANN)
        assert "No active sessions." in find_section(open_page(boss, env, ANN), "Active sessions").text
        env.signed_in(ANN, network="198.51.100.77")
        env.clock.advance(seconds=90)
        env.signed_in(ANN, network="198.51.100.88")
        shown = find_section(open_page(boss, env, ANN), "Active sessions")
        rows = [row.text for row in shown.all("li")]
        assert [("198.51.100.88" in rows[0]), ("198.51.100.77" in rows[1])] == [True, True]
        assert all("Chrome 156, Linux" in row and "last used" in row for row in rows)
        assert list(shown.all("form")) == []  # Superusers cannot end single sessions.
        env.clock.advance(seconds=3590)
        assert len(list(find_section(open_page(boss, env, ANN), "Active sessions").all("li"))) == 1

    def test_the_page_shows_the_history_of_the_account_newest_first(self, env: Environment) -> None:
        boss, ann = use_english(superuser(env)), env.person()
        ann.ask(NEW)
        act(boss, env, ANN, "drop_change", "not your address")
        rows = [row.text for row in find_section(open_page(boss, env, ANN), "Account history").all("li")]
        assert [row.split(" By: ")[0].split(" new@")[0] for row in rows[:1]] == [
            "Pending email address change cancelled for this account"
        ]
        assert "By: boss" in rows[0]
        assert "Reason: not your address" in rows[0]
        assert "Code requested" in rows[1]
        assert "Account created" in rows[-1]
        assert len(rows) == len(history(env, id_of(env, ANN)))

    def test_the_history_has_pages(self, sqlite_env: Environment) -> None:
        boss, ann = use_english(superuser(sqlite_env)), sqlite_env.person()
        for _ in range(60):
            ann.reauth()
        first = find_section(open_page(boss, sqlite_env, ANN), "Account history")
        assert len(list(first.all("li"))) == 50
        older = next(link["href"] for link in first.all("a"))
        assert older.startswith(f"{USERS}{id_of(sqlite_env, ANN)}/?before=")
        second = find_section(read(boss.page(older).text), "Account history")
        assert len(list(second.all("li"))) == len(history(sqlite_env, id_of(sqlite_env, ANN))) - 50
        assert list(second.all("a")) == []

    @pytest.mark.parametrize("before", ["0", "-1", "x", "99999999999999999999", "2147483648", "%00"])
    def test_an_invalid_page_number_causes_no_error(self, sqlite_env: Environment, before: str) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        open_page(boss, sqlite_env, ANN, f"?before={before}")

    def test_the_page_shows_the_last_sign_in(self, sqlite_env: Environment) -> None:
        boss = use_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        facts = {
            each.children[0].text: each.children[1] for each in open_page(boss, sqlite_env, ANN).one("dl").children
        }
        assert facts["Last sign-in"].text == "Never"
        sqlite_env.signed_in(ANN)
        facts = {
            each.children[0].text: each.children[1] for each in open_page(boss, sqlite_env, ANN).one("dl").children
        }
        assert find_times(facts["Last sign-in"]) == [sqlite_env.clock.now().replace(microsecond=0)]

    def test_editors_cannot_open_the_page(self, sqlite_env: Environment) -> None:
        boss, bob = superuser(sqlite_env), sqlite_env.person(BOB)
        assert boss.email == BOSS
        refused = bob.page(f"{USERS}{id_of(sqlite_env, BOSS)}/")
        assert refused.status == 403
        assert BOSS not in refused.text


class TestEndingAllSessions:
    """A superuser ends all sessions of another administrator."""

    def test_all_sessions_end_and_the_administrator_is_notified_and_can_sign_in_again(self, env: Environment) -> None:
        boss, ann, tablet = superuser(env), env.person(), env.signed_in(ANN)
        ann.ask(NEW)
        answer = act(boss, env, ANN, "end_sessions", "a lost laptop")
        assert (answer.status, answer.message) == (200, "对方已在所有设备上退出登录。")
        for browser in (ann, tablet):
            assert browser.get_as_script().error == "sign_in_required"
        row = newest_row(env, ANN)
        assert (row.event, row.actor_id, row.detail) == (
            "sessions_ended",
            id_of(env, BOSS),
            {"by": "boss", "reason": "a lost laptop"},
        )
        letter = text_of(env.mail_to(ANN)[-1])
        assert "a lost laptop" in letter
        assert "boss" in letter
        assert boss.page(USERS).status == 200
        assert env.signed_in(ANN).pending() is None  # It belonged to a session that has ended.

    def test_without_scripts_the_page_is_shown_again_with_a_notice(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        boss = use_english(superuser(sqlite_env, script=False))
        done = act(boss, sqlite_env, ANN, "end_sessions")
        assert (done.status, done.path) == (200, f"{USERS}{id_of(sqlite_env, ANN)}/")
        assert read(done.text).one("main").one(role="status").text == "All their sessions have ended."
        assert "No active sessions." in find_section(read(done.text), "Active sessions").text
        assert ann.get_as_script().error == "sign_in_required"


class TestSendingPasswordLinks:
    """A superuser sends another administrator a link to set a new password."""

    def test_the_link_is_sent_to_the_current_address_and_works(self, env: Environment) -> None:
        boss, ann = superuser(env), env.person()
        answer = act(boss, env, ANN, "send_password_link", "asked on the phone")
        assert (answer.status, answer.message) == (200, "正在向对方的邮箱发送设置新密码的链接。")
        row = newest_row(env, ANN)
        assert (row.event, row.actor_id) == ("password_link_sent", id_of(env, BOSS))
        assert row.detail == {"by": "boss", "reason": "asked on the phone"}
        assert "asked on the phone" in ann.page("/cms/security/").text
        (link,) = env.links_to(ANN, "forgotpwd")
        assert env.mail_to(BOSS) == []
        assert ann.address() == ANN  # No session has ended, and the current password is still valid.
        assert env.visitor(ANN).sign_in(password=PASSWORD).status == 200
        guest = env.visitor(ANN)
        assert guest.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
        assert env.visitor(ANN).sign_in(password=NEW_PASSWORD).status == 200

    def test_three_links_an_hour_can_be_sent(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        answers = [act(boss, sqlite_env, ANN, "send_password_link") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].data["retry_after"] > 0
        assert newest_row(sqlite_env, ANN).event == "password_link_sent"
        refused = [row for row in history(sqlite_env, id_of(sqlite_env, BOSS)) if row.event == "too_many_requests"]
        assert len(refused) == 1
        assert len(sqlite_env.mail_to(ANN)) == 3

    def test_no_link_can_be_sent_to_a_disabled_account(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        path = f"/{id_of(sqlite_env, ANN)}/send_password_link/"
        assert path in boss.page(f"{USERS}{id_of(sqlite_env, ANN)}/").text
        sqlite_env.update_account(ANN, is_active=False)
        assert path not in boss.page(f"{USERS}{id_of(sqlite_env, ANN)}/").text
        assert act(boss, sqlite_env, ANN, "send_password_link").error == "nobody_there"
        assert sqlite_env.mail_to(ANN) == []


@pytest.mark.parametrize("action", ["end_sessions", "send_password_link"])
class TestCommonRules:
    """Rules that apply to all actions on other accounts."""

    def test_the_action_requires_a_reason(self, sqlite_env: Environment, action: str) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for reason in ("", "  ", "x" * 201):
            refused = act(boss, sqlite_env, ANN, action, reason)
            assert (refused.status, list(refused.data["fields"])) == (400, ["reason"])
        assert newest_row(sqlite_env, ANN).event == "administrator_created"

    def test_the_action_requires_a_fresh_session(self, sqlite_env: Environment, action: str) -> None:
        boss, ann = superuser(sqlite_env), sqlite_env.person()
        sqlite_env.clock.advance(seconds=601)
        assert act(boss, sqlite_env, ANN, action).error == "reauth_required"
        assert newest_row(sqlite_env, ANN).event == "signed_in"
        assert newest_row(sqlite_env, BOSS).event == "reauth_required"
        assert boss.reauth().status == 200
        assert act(boss, sqlite_env, ANN, action).status == 200
        assert ann.get_as_script().error == ("sign_in_required" if action == "end_sessions" else None)

    def test_superusers_cannot_perform_the_action_on_themselves(self, sqlite_env: Environment, action: str) -> None:
        boss = superuser(sqlite_env)
        refused = act(boss, sqlite_env, BOSS, action)
        assert (refused.status, refused.error) == (409, "not_yourself")
        assert newest_row(sqlite_env, BOSS).event == "not_yourself"
        assert f"/{action}/" not in boss.page(f"{USERS}{id_of(sqlite_env, BOSS)}/").text

    def test_the_action_on_an_unknown_account_is_refused(self, sqlite_env: Environment, action: str) -> None:
        boss = superuser(sqlite_env)
        for reason in ("", "because"):
            assert boss.post(f"{USERS}999/{action}/", {"reason": reason}).error == "nobody_there"


def test_the_migration_reads_the_last_sign_in_from_the_history(env: Environment) -> None:
    """Without it, administrators who signed in before the migration would be listed as never signed in."""
    ann, bob = env.person(), env.person(BOB)
    assert ann.sign_out().status == 200
    env.administrator("carol@example.com")

    def read_sign_ins() -> dict[str, datetime | None]:
        return {row[0]: row[1] for row in env.rows(select(CMSUser.username, CMSUser.signed_in_at))}

    before = read_sign_ins()
    assert [name for name, at in before.items() if at is None] == ["carol"]
    with env.app.app_context():
        folder = str(ROOT / "migrations")
        db.session.remove()
        downgrade(directory=folder, revision="0003")
        upgrade(directory=folder)
    assert read_sign_ins() == before
    assert bob.address() == BOB
