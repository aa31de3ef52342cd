"""The pages of administrators for superusers: states, sessions, histories, and started changes."""

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


def in_english(person: Person) -> Person:
    """Have somebody read English pages."""
    person.browser.headers["Accept-Language"] = "en"
    return person


def cells(boss: Person, name: str) -> list[Element]:
    """Return the cells of an administrator's row in the list."""
    for row in read(boss.page(USERS).text).one("table").one("tbody").all("tr"):
        if next(row.all("a")).text == name:
            return list(row.children)
    raise AssertionError(f"{name} is not in the list")


def page_of(boss: Person, env: Environment, email: str, query: str = "") -> Element:
    """Return the page of one administrator."""
    answer = boss.page(f"{USERS}{id_of(env, email)}/{query}")
    assert answer.status == 200, answer
    return read(answer.text)


def section(page: Element, heading: str) -> Element:
    """Return the section with this heading."""
    found = [each for each in page.all("section") if any(every.text == heading for every in each.all("h2"))]
    assert len(found) == 1, heading
    return found[0]


def moments(element: Element) -> list[datetime]:
    """Return the moments that an element shows."""
    return [datetime.fromisoformat(each["datetime"]) for each in element.all("time")]


class TestTheList:
    """State, last sign-in and pending change of everybody."""

    def test_it_has_a_column_for_each(self, sqlite_env: Environment) -> None:
        boss = in_english(superuser(sqlite_env))
        table = read(boss.page(USERS).text).one("table")
        heads = [each.text for each in table.all("th", scope="col")]
        assert heads == ["Administrator", "State", "Last sign-in", "Pending change"]
        assert [each["data-label"] for each in cells(boss, "boss")[1:]] == heads[1:]  # Beside the value on a phone.

    def test_it_shows_who_is_disabled(self, sqlite_env: Environment) -> None:
        boss = in_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        assert cells(boss, "ann")[1].text == "Active"
        sqlite_env.update_account(ANN, is_active=False)
        assert cells(boss, "ann")[1].text == "Disabled"

    def test_it_shows_when_somebody_signed_in_last(self, env: Environment) -> None:
        boss = in_english(superuser(env))
        env.administrator(ANN)
        assert cells(boss, "ann")[2].text == "Never"
        for _ in range(2):
            env.clock.advance(seconds=100)
            assert env.visitor(ANN).sign_in(password="not this one").status == 400
            assert env.signed_in(ANN)
            assert moments(cells(boss, "ann")[2]) == [env.clock.now().replace(microsecond=0)]
            env.clock.advance(seconds=100)
        assert env.visitor(ANN).sign_in(password="not this one").status == 400
        assert moments(cells(boss, "ann")[2]) < [env.clock.now().replace(microsecond=0)]

    def test_it_shows_a_pending_change_until_it_is_over(self, env: Environment) -> None:
        boss, ann = in_english(superuser(env)), env.person()
        assert cells(boss, "ann")[3].text == ""
        ann.ask(NEW)
        assert NEW in cells(boss, "ann")[3].text
        assert moments(cells(boss, "ann")[3]) > [env.clock.now()]
        env.clock.advance(seconds=601)
        assert cells(boss, "ann")[3].text == ""

    def test_a_change_that_was_cancelled_or_made_is_none(self, env: Environment) -> None:
        boss, ann = in_english(superuser(env)), env.person()
        ann.ask(NEW)
        ann.cancel()
        assert cells(boss, "ann")[3].text == ""
        env.clock.advance(seconds=61)
        ann.ask(NEW)
        assert ann.confirm(NEW, env.code_to(NEW)).status == 200
        assert cells(boss, "ann")[3].text == ""

    def test_a_change_on_another_page_of_the_list_is_not_looked_up(self, sqlite_env: Environment) -> None:
        create_many(sqlite_env, 60)
        boss = in_english(superuser(sqlite_env))
        assert len(list(read(boss.page(USERS).text).one("tbody").all("tr"))) == 50
        assert cells(boss, "user-000049")[2].text == "Never"


class TestStartedChanges:
    """A change that a superuser started for somebody stands where every superuser sees it."""

    @staticmethod
    def listed(boss: Person) -> list[str]:
        """Return what the list of started changes says, row by row."""
        page = read(boss.page(USERS).text)
        headings = [each for each in page.all("h2") if each["id"] == "started-heading"]
        if not headings:
            return []
        assert headings[0].parent is not None
        return [row.text for row in headings[0].parent.all("li")]

    def test_it_is_listed_with_who_started_it_and_until_when(self, env: Environment) -> None:
        boss, other = superuser(env), in_english(superuser(env, "other@example.com"))
        env.administrator(ANN)
        assert self.listed(other) == []
        assert act(boss, env, ANN, "start_change", "lost the mailbox", email=NEW).status == 200
        (row,) = self.listed(other)
        assert row.startswith(f"ann {ANN} → {NEW} Started by boss, ")
        heading = next(each for each in read(other.page(USERS).text).all("h2") if each["id"] == "started-heading")
        assert heading.parent is not None
        now = env.clock.now().replace(microsecond=0)
        assert [(at - now).total_seconds() for at in moments(heading.parent)] == [0, 86400, 86400 + 259200]
        assert "Started by boss" in page_of(other, env, ANN).one("main").text
        assert NEW in cells(other, "ann")[3].text

    def test_when_the_waiting_time_is_over_it_says_until_when_only(self, sqlite_env: Environment) -> None:
        boss = in_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        act(boss, sqlite_env, ANN, "start_change", email=NEW)
        sqlite_env.clock.advance(seconds=86401)
        boss.discard_token()
        boss.sign_in()
        assert "Can be confirmed until" in self.listed(boss)[0]
        sqlite_env.clock.advance(seconds=259200)
        boss.discard_token()
        boss.sign_in()
        assert self.listed(boss) == []

    @pytest.mark.parametrize("how", ["drop_change", "disable", "its starter is demoted", "its owner cancels"])
    def test_one_that_ended_is_not_listed(self, sqlite_env: Environment, how: str) -> None:
        boss, starter = superuser(sqlite_env), superuser(sqlite_env, "starter@example.com")
        ann = sqlite_env.person()
        act(starter, sqlite_env, ANN, "start_change", email=NEW)
        assert len(self.listed(boss)) == 1
        if how == "its starter is demoted":
            act(boss, sqlite_env, starter.email, "role", role="editor")
        elif how == "its owner cancels":
            assert ann.cancel().status == 200
        else:
            act(boss, sqlite_env, ANN, how)
        assert self.listed(boss) == []

    def test_one_that_the_operator_started_says_so(self, sqlite_env: Environment) -> None:
        boss = in_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        act(boss, sqlite_env, ANN, "start_change", email=NEW)
        with sqlite_env.app.app_context():
            db.session.execute(update(EmailChange).values(started_by=None))
            db.session.commit()
        assert "Started by the operator" in self.listed(boss)[0]

    def test_nobody_but_a_superuser_sees_it(self, sqlite_env: Environment) -> None:
        boss, bob = superuser(sqlite_env), sqlite_env.person(BOB)
        sqlite_env.administrator(ANN)
        act(boss, sqlite_env, ANN, "start_change", email=NEW)
        for path in ("/cms/", "/cms/security/", "/cms/resetemail/"):
            assert NEW not in bob.page(path).text


class TestOnePerson:
    """Sessions and history of one administrator, on the page that superusers have of them."""

    def test_it_shows_where_they_are_signed_in(self, env: Environment) -> None:
        boss = in_english(superuser(env))
        env.administrator(ANN)
        assert "No active sessions." in section(page_of(boss, env, ANN), "Active sessions").text
        env.signed_in(ANN, network="198.51.100.77")
        env.clock.advance(seconds=90)
        env.signed_in(ANN, network="198.51.100.88")
        shown = section(page_of(boss, env, ANN), "Active sessions")
        rows = [row.text for row in shown.all("li")]
        assert [("198.51.100.88" in rows[0]), ("198.51.100.77" in rows[1])] == [True, True]
        assert all("Chrome 156, Linux" in row and "last used" in row for row in rows)
        assert list(shown.all("form")) == []  # A single session is ended by its owner.
        env.clock.advance(seconds=3590)
        assert len(list(section(page_of(boss, env, ANN), "Active sessions").all("li"))) == 1

    def test_it_shows_their_history_newest_first_and_not_the_readers(self, env: Environment) -> None:
        boss, ann = in_english(superuser(env)), env.person()
        ann.ask(NEW)
        act(boss, env, ANN, "drop_change", "not your address")
        rows = [row.text for row in section(page_of(boss, env, ANN), "Account history").all("li")]
        assert [row.split(" By: ")[0].split(" new@")[0] for row in rows[:1]] == [
            "Pending email address change cancelled for this account"
        ]
        assert "By: boss" in rows[0]
        assert "Reason: not your address" in rows[0]
        assert "Code requested" in rows[1]
        assert "Account created" in rows[-1]
        assert len(rows) == len(history(env, id_of(env, ANN)))

    def test_the_history_has_pages(self, sqlite_env: Environment) -> None:
        boss, ann = in_english(superuser(sqlite_env)), sqlite_env.person()
        for _ in range(60):
            ann.reauth()
        first = section(page_of(boss, sqlite_env, ANN), "Account history")
        assert len(list(first.all("li"))) == 50
        older = next(link["href"] for link in first.all("a"))
        assert older.startswith(f"{USERS}{id_of(sqlite_env, ANN)}/?before=")
        second = section(read(boss.page(older).text), "Account history")
        assert len(list(second.all("li"))) == len(history(sqlite_env, id_of(sqlite_env, ANN))) - 50
        assert list(second.all("a")) == []

    @pytest.mark.parametrize("before", ["0", "-1", "x", "99999999999999999999", "2147483648", "%00"])
    def test_whatever_number_is_asked_for_there_is_a_page(self, sqlite_env: Environment, before: str) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        page_of(boss, sqlite_env, ANN, f"?before={before}")

    def test_it_shows_the_last_sign_in(self, sqlite_env: Environment) -> None:
        boss = in_english(superuser(sqlite_env))
        sqlite_env.administrator(ANN)
        facts = {each.children[0].text: each.children[1] for each in page_of(boss, sqlite_env, ANN).one("dl").children}
        assert facts["Last sign-in"].text == "Never"
        sqlite_env.signed_in(ANN)
        facts = {each.children[0].text: each.children[1] for each in page_of(boss, sqlite_env, ANN).one("dl").children}
        assert moments(facts["Last sign-in"]) == [sqlite_env.clock.now().replace(microsecond=0)]

    def test_an_editor_sees_none_of_it(self, sqlite_env: Environment) -> None:
        boss, bob = superuser(sqlite_env), sqlite_env.person(BOB)
        assert boss.email == BOSS
        refused = bob.page(f"{USERS}{id_of(sqlite_env, BOSS)}/")
        assert refused.status == 403
        assert BOSS not in refused.text


class TestEndingAllSessions:
    """A superuser signs somebody out everywhere."""

    def test_they_are_out_everywhere_and_told_why_and_can_come_back(self, env: Environment) -> None:
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
        assert env.signed_in(ANN).pending() is None  # It was asked for in a session that ended.

    def test_a_plain_form_comes_back_to_the_page_and_says_so(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        boss = in_english(superuser(sqlite_env, script=False))
        done = act(boss, sqlite_env, ANN, "end_sessions")
        assert (done.status, done.path) == (200, f"{USERS}{id_of(sqlite_env, ANN)}/")
        assert read(done.text).one("main").one(role="status").text == "All their sessions have ended."
        assert "No active sessions." in section(read(done.text), "Active sessions").text
        assert ann.get_as_script().error == "sign_in_required"


class TestSendingALink:
    """A superuser has a link to set a new password mailed to somebody."""

    def test_the_link_goes_to_their_own_address_and_works(self, env: Environment) -> None:
        boss, ann = superuser(env), env.person()
        answer = act(boss, env, ANN, "send_password_link", "asked on the phone")
        assert (answer.status, answer.message) == (200, "正在向对方的邮箱发送设置新密码的链接。")
        row = newest_row(env, ANN)
        assert (row.event, row.actor_id) == ("password_link_sent", id_of(env, BOSS))
        assert row.detail == {"by": "boss", "reason": "asked on the phone"}
        assert "asked on the phone" in ann.page("/cms/security/").text
        (link,) = env.links_to(ANN, "forgotpwd")
        assert env.mail_to(BOSS) == []
        assert ann.address() == ANN  # Nothing ended, and the present password goes on working.
        assert env.visitor(ANN).sign_in(password=PASSWORD).status == 200
        guest = env.visitor(ANN)
        assert guest.post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200
        assert env.visitor(ANN).sign_in(password=NEW_PASSWORD).status == 200

    def test_three_an_hour(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        answers = [act(boss, sqlite_env, ANN, "send_password_link") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].data["retry_after"] > 0
        assert newest_row(sqlite_env, ANN).event == "password_link_sent"
        refused = [row for row in history(sqlite_env, id_of(sqlite_env, BOSS)) if row.event == "too_many_requests"]
        assert len(refused) == 1
        assert len(sqlite_env.mail_to(ANN)) == 3

    def test_it_is_not_offered_for_an_account_that_is_disabled(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        path = f"/{id_of(sqlite_env, ANN)}/send_password_link/"
        assert path in boss.page(f"{USERS}{id_of(sqlite_env, ANN)}/").text
        sqlite_env.update_account(ANN, is_active=False)
        assert path not in boss.page(f"{USERS}{id_of(sqlite_env, ANN)}/").text
        assert act(boss, sqlite_env, ANN, "send_password_link").error == "nobody_there"
        assert sqlite_env.mail_to(ANN) == []


@pytest.mark.parametrize("what", ["end_sessions", "send_password_link"])
class TestBoth:
    """What the two have in common with everything else that is done to somebody."""

    def test_they_need_a_reason(self, sqlite_env: Environment, what: str) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for reason in ("", "  ", "x" * 201):
            refused = act(boss, sqlite_env, ANN, what, reason)
            assert (refused.status, list(refused.data["fields"])) == (400, ["reason"])
        assert newest_row(sqlite_env, ANN).event == "administrator_created"

    def test_they_need_the_password_proved_lately(self, sqlite_env: Environment, what: str) -> None:
        boss, ann = superuser(sqlite_env), sqlite_env.person()
        sqlite_env.clock.advance(seconds=601)
        assert act(boss, sqlite_env, ANN, what).error == "reauth_required"
        assert newest_row(sqlite_env, ANN).event == "signed_in"
        assert newest_row(sqlite_env, BOSS).event == "reauth_required"
        assert boss.reauth().status == 200
        assert act(boss, sqlite_env, ANN, what).status == 200
        assert ann.get_as_script().error == ("sign_in_required" if what == "end_sessions" else None)

    def test_nobody_does_it_to_themselves(self, sqlite_env: Environment, what: str) -> None:
        boss = superuser(sqlite_env)
        refused = act(boss, sqlite_env, BOSS, what)
        assert (refused.status, refused.error) == (409, "not_yourself")
        assert newest_row(sqlite_env, BOSS).event == "not_yourself"
        assert f"/{what}/" not in boss.page(f"{USERS}{id_of(sqlite_env, BOSS)}/").text

    def test_who_is_not_there_is_a_404(self, sqlite_env: Environment, what: str) -> None:
        boss = superuser(sqlite_env)
        for reason in ("", "because"):
            assert boss.post(f"{USERS}999/{what}/", {"reason": reason}).error == "nobody_there"


def test_the_migration_takes_the_last_sign_in_out_of_the_history(env: Environment) -> None:
    """Whoever signed in before there was the column is not told to have never signed in."""
    ann, bob = env.person(), env.person(BOB)
    assert ann.sign_out().status == 200
    env.administrator("carol@example.com")

    def signed_in() -> dict[str, datetime | None]:
        return {row[0]: row[1] for row in env.rows(select(CMSUser.username, CMSUser.signed_in_at))}

    before = signed_in()
    assert [name for name, at in before.items() if at is None] == ["carol"]
    with env.app.app_context():
        folder = str(ROOT / "migrations")
        db.session.remove()
        downgrade(directory=folder, revision="0003")
        upgrade(directory=folder)
    assert signed_in() == before
    assert bob.address() == BOB
