"""The management of administrators by superusers."""

import re

import pytest
from sqlalchemy import select

from models import CMSUser, EmailChange, Mail
from tests.actors import PASSWORD, Answer, Person, link_in, text_of
from tests.environments import Environment
from tests.servers import run_concurrently
from tests.stories.admin_steps import (
    BOSS,
    NEW,
    act,
    create_many,
    history,
    id_of,
    invite,
    newest_row,
    queued_link,
    register,
    superuser,
)

ANN = "ann@example.com"
USERS = "/cms/users/"


def listed_usernames(page: Answer) -> list[str]:
    """Return the usernames that a page lists, in order."""
    return re.findall(r'<a class="tall fw-semibold" href="[^"]+">([^<]+)</a>', page.text)


def next_page(page: Answer) -> str | None:
    """Return the path of the next page, or None."""
    found = re.search(r'rel="next" href="([^"]+)"', page.text)
    return found[1].replace("&amp;", "&") if found else None


class TestList:
    """Search, sort and pages."""

    def test_the_pages_of_the_list_contain_every_administrator_once_in_the_requested_order(
        self, env: Environment
    ) -> None:
        create_many(env, 120)
        boss = superuser(env)
        usernames = ["boss", *(f"user-{number:06}" for number in range(1, 121))]
        for sort, order in (("username", usernames), ("email", ["boss", *reversed(usernames[1:])])):
            listed, path, sizes = [], f"{USERS}?sort={sort}", []
            while path:
                page = boss.page(path)
                listed += listed_usernames(page)
                sizes.append(len(listed_usernames(page)))
                path = next_page(page)
            assert (listed, sizes) == (order, [50, 50, 21])

    def test_a_search_finds_prefixes_in_every_spelling(self, env: Environment) -> None:
        for number, name in enumerate(["ann", "Annabel", "Ännchen", "bann", "李明", "李红"]):
            env.administrator(f"a{number}@example.com", username=name)
        boss = superuser(env)
        for q, found in (
            ("ann", ["ann", "Annabel"]),
            ("ANN", ["ann", "Annabel"]),
            ("ａｎｎａ", ["Annabel"]),
            ("änn", ["Ännchen"]),
            ("李", ["李明", "李红"]),
            ("nn", []),
        ):
            assert set(listed_usernames(boss.page(f"{USERS}?q={q}"))) == set(found), q
        assert listed_usernames(boss.page(f"{USERS}?sort=email&q=A1")) == ["Annabel"]
        assert listed_usernames(boss.page(f"{USERS}?sort=email&q=ann")) == []

    def test_special_characters_in_a_search_are_literal(self, env: Environment) -> None:
        boss = superuser(env)
        for q in ("%25", "_", "%27", "%22%3E%3Cscript%3E", "z%00", "%F4%8F%BF%BF", "%FF", "x" * 300, "[a-z]*", "\\"):
            page = boss.page(f"{USERS}?q={q}&after={q}")
            assert (page.status, listed_usernames(page)) == (200, []), q
            assert "<script>" not in page.text
        for query in ("sort=password_hash", "sort=", "after=%00", "q=", "page=7"):
            assert listed_usernames(boss.page(f"{USERS}?{query}")) == ["boss"], query

    def test_a_page_after_the_last_one_is_empty_and_links_to_the_first(self, sqlite_env: Environment) -> None:
        page = superuser(sqlite_env).page(f"{USERS}?after=zzz")
        assert (page.status, listed_usernames(page), next_page(page)) == (200, [], None)
        assert f'href="{USERS}?sort=username"' in page.text

    def test_the_list_shows_roles_and_states(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        boss.browser.headers["Accept-Language"] = "en"
        sqlite_env.administrator(ANN)
        sqlite_env.update_account(ANN, is_active=False)
        row = next(row for row in boss.page(USERS).text.split("<tr>") if ">ann</a>" in row)
        assert "Editor" in row
        assert "Disabled" in row
        assert ANN in row


class TestRoles:
    """Superusers and editors."""

    def test_a_new_role_takes_effect_immediately_and_the_administrator_is_notified(self, env: Environment) -> None:
        boss, ann = superuser(env), env.person()
        assert ann.page(USERS).status == 403
        for role, status, word in (("superuser", 200, "超级管理员"), ("editor", 403, "编辑")):
            assert act(boss, env, ANN, "role", f"because {role}", role=role).status == 200
            assert ann.page(USERS).status == status
            assert (USERS in ann.page("/cms/").text) == (status == 200)
            row = newest_row(env, ANN)
            assert (row.event, row.actor_id) == (f"made_{role}", id_of(env, BOSS))
            assert row.detail == {"by": "boss", "reason": f"because {role}"}
            mail = text_of(env.mail_to(ANN)[-1])
            assert "boss" in mail
            assert f"because {role}" in mail
            assert word in mail

    def test_assigning_the_current_role_changes_nothing(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        assert act(boss, sqlite_env, ANN, "role", role="editor").status == 200
        assert newest_row(sqlite_env, ANN).event == "administrator_created"
        assert sqlite_env.mail_to(ANN) == []

    def test_an_unknown_role_is_refused(self, sqlite_env: Environment) -> None:
        """A malformed request must not change permissions."""
        boss = superuser(sqlite_env)
        superuser(sqlite_env, ANN)
        for sent in ({}, {"role": ""}, {"role": "emperor"}, {"role": "Superuser"}):
            refused = act(boss, sqlite_env, ANN, "role", **sent)
            assert (refused.status, refused.error) == (400, "invalid"), sent
        assert sqlite_env.account("ann").is_superuser

    def test_no_superuser_can_manage_their_own_account(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        superuser(sqlite_env, "other@example.com")
        for action, more in (
            ("role", {"role": "editor"}),
            ("role", {"role": "superuser"}),
            ("disable", {}),
            ("enable", {}),
            ("start_change", {"email": NEW}),
        ):
            refused = act(boss, sqlite_env, BOSS, action, **more)
            assert (refused.status, refused.error) == (409, "not_yourself"), action
        stored = sqlite_env.account("boss")
        assert (stored.is_superuser, stored.is_active) == (True, True)
        assert f"/{stored.id}/disable/" not in boss.page(f"{USERS}{stored.id}/").text

    @pytest.mark.parametrize(("action", "more"), [("role", {"role": "editor"}), ("disable", {})])
    def test_of_two_superusers_who_disable_or_demote_each_other_concurrently_one_remains(
        self, env: Environment, action: str, more: dict[str, str]
    ) -> None:
        superusers = [superuser(env, email) for email in ("a@example.com", "b@example.com")]
        ids = [id_of(env, person.email) for person in superusers]
        for person in superusers:
            person.token()
        answers = run_concurrently(
            lambda number: superusers[number].post(f"{USERS}{ids[1 - number]}/{action}/", {"reason": "you", **more}), 2
        )
        errors = [answer.error for answer in answers]
        assert errors.count(None) == 1
        # The slower one has lost the permission or the session; neither request ends in a deadlock.
        assert set(errors) <= {None, "forbidden", "sign_in_required"}
        left = select(CMSUser.id).where(CMSUser.is_superuser, CMSUser.is_active)
        assert len(env.rows(left)) == 1

    def test_a_superuser_who_was_demoted_concurrently_is_refused(self, env: Environment) -> None:
        """Two of three superusers demote each other concurrently; the slower one has lost the permission."""
        people = [superuser(env, f"{name}@example.com") for name in "abc"]
        ids = [id_of(env, person.email) for person in people]
        for person in people:
            person.token()
        answers = run_concurrently(
            lambda number: people[number].post(f"{USERS}{ids[1 - number]}/role/", {"reason": "you", "role": "editor"}),
            2,
        )
        assert sorted(str(answer.error) for answer in answers) == ["None", "forbidden"]
        left = [row[0] for row in env.rows(select(CMSUser.id).where(CMSUser.is_superuser))]
        assert len(left) == 2


class TestDisabling:
    """Disable and enable."""

    def test_disabling_ends_all_sessions_and_notifies_the_administrator(self, env: Environment) -> None:
        boss, ann, tablet = superuser(env), env.person(), env.signed_in(ANN)
        assert act(boss, env, ANN, "disable", "left the company").status == 200
        for browser in (ann, tablet):
            assert browser.get_as_script().error == "sign_in_required"
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        env.deliver()
        assert newest_row(env, ANN).event == "sign_in_failed"
        row = history(env, id_of(env, ANN))[-2]
        assert (row.actor_id, row.detail) == (id_of(env, BOSS), {"by": "boss", "reason": "left the company"})
        assert "left the company" in text_of(env.mail_to(ANN)[-1])

    def test_an_enabled_administrator_has_the_same_password_and_no_old_session(self, sqlite_env: Environment) -> None:
        boss, ann = superuser(sqlite_env), sqlite_env.person()
        act(boss, sqlite_env, ANN, "disable")
        assert act(boss, sqlite_env, ANN, "enable", "is back").status == 200
        assert ann.get_as_script().error == "sign_in_required"
        assert sqlite_env.visitor(ANN).sign_in().status == 200
        assert "is back" in text_of(sqlite_env.mail_to(ANN)[-1])
        assert [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))][-3:] == [
            "disabled",
            "enabled",
            "signed_in",
        ]

    def test_disabling_an_account_ends_its_pending_change(self, sqlite_env: Environment) -> None:
        boss, ann = superuser(sqlite_env), sqlite_env.person()
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        act(boss, sqlite_env, ANN, "disable")
        act(boss, sqlite_env, ANN, "enable")
        ann.discard_token()
        assert ann.sign_in().status == 200
        assert ann.pending() is None
        assert ann.confirm(NEW, code).error == "code_expired"

    def test_repeated_actions_send_one_notice(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for action in ("disable", "disable", "enable", "enable"):
            assert act(boss, sqlite_env, ANN, action).status == 200
        assert len(sqlite_env.mail_to(ANN)) == 2


class TestReasons:
    """Every action on another account requires a reason, which the administrator sees."""

    ACTIONS = ("role", "disable", "enable", "drop_change", "start_change")

    def test_without_a_reason_nothing_is_done(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for action in self.ACTIONS:
            for reason in ("", "  \n ", "x" * 201):
                refused = act(boss, sqlite_env, ANN, action, reason, role="superuser", email=NEW)
                assert (refused.error, list(refused.data["fields"])) == ("invalid", ["reason"]), action
        assert newest_row(sqlite_env, ANN).event == "administrator_created"

    def test_without_scripts_the_error_is_shown_at_the_submitted_form(self, sqlite_env: Environment) -> None:
        superuser(sqlite_env)
        boss = sqlite_env.signed_in(BOSS, script=False)
        sqlite_env.administrator(ANN)
        refused = act(boss, sqlite_env, ANN, "disable", "")
        assert refused.status == 400
        assert len(re.findall(r'data-errors-of="reason"><p>', refused.text)) == 1
        assert re.search(r'id="disable-reason-errors"[^>]*><p>', refused.text)

    def test_a_reason_is_escaped_and_shown_on_one_line(self, env: Environment) -> None:
        boss, ann = superuser(env), env.person()
        reason = "<script>alert(1)</script>\r\nBcc: x@example.com\0 'and' \"so\" 原因"
        assert act(boss, env, ANN, "role", reason, role="superuser").status == 200
        page = ann.page("/cms/security/").text
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; Bcc: x@example.com &#39;and&#39; &#34;so&#34; 原因" in page
        mail = env.mail_to(ANN)[-1]
        assert mail["Bcc"] is None
        assert "<script>alert(1)</script> Bcc: x@example.com 'and' \"so\" 原因" in text_of(mail)

    def test_an_unknown_administrator_is_a_404_for_scripts_and_pages(self, sqlite_env: Environment) -> None:
        superuser(sqlite_env)
        for script in (True, False):
            boss = sqlite_env.signed_in(BOSS, script=script)
            for user_id in ("0", "999", "2147483647"):
                assert boss.page(f"{USERS}{user_id}/").status == 404
                for action in self.ACTIONS:
                    for reason in ("", "because"):
                        fields = {"reason": reason, "role": "editor", "email": NEW}
                        answer = boss.post(f"{USERS}{user_id}/{action}/", fields)
                        assert answer.status == 404, (action, reason, answer)


class TestDroppingAChange:
    """A superuser drops the pending change of another administrator."""

    def test_the_owner_sees_who_dropped_the_change_and_why_and_the_code_is_invalid(self, env: Environment) -> None:
        boss, ann = superuser(env), env.person()
        ann.ask(NEW)
        code = env.code_to(NEW)
        assert NEW in boss.page(f"{USERS}{id_of(env, ANN)}/").text
        assert act(boss, env, ANN, "drop_change", "that is not your address").status == 200
        assert ann.pending() is None
        refused = ann.confirm(NEW, code)
        assert (refused.error, refused.data["by"]) == ("change_dropped", "boss")
        assert "boss" in refused.message
        page = ann.page("/cms/security/").text
        for shown in ("that is not your address", "boss"):
            assert shown in page
            assert shown in text_of(env.mail_to(ANN)[-1])
        assert ann.address() == ANN

    def test_dropping_without_a_pending_change_does_nothing(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        assert act(boss, sqlite_env, ANN, "drop_change").status == 200
        assert newest_row(sqlite_env, ANN).event == "administrator_created"
        assert sqlite_env.mail_to(ANN) == []


class TestInvitations:
    """The list of invitations; test_registration.py tests how they are used."""

    def test_an_invitation_that_is_sent_again_has_a_new_link_and_a_new_lifetime(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        boss.browser.headers["Accept-Language"] = "en"
        invite(boss, role="superuser")
        old = sqlite_env.links_to(NEW, "register")[-1]
        sqlite_env.clock.advance(hours=73)
        boss.discard_token()
        boss.sign_in()
        assert "Expired" in boss.page(USERS).text
        path = re.search(r'action="([^"]+/resend/)"', boss.page(USERS).text)
        assert path
        assert boss.post(path[1]).status == 200
        new = sqlite_env.links_to(NEW, "register")[-1]
        sqlite_env.clock.advance(hours=71)
        assert sqlite_env.visitor().page(old).status == 410
        assert register(sqlite_env.visitor(), new).status == 200
        assert sqlite_env.account("lì.míng").is_superuser
        assert boss.post(path[1]).status == 401  # The session has ended after an hour without use.

    def test_a_withdrawn_invitation_is_invalid_and_not_listed(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        invite(boss)
        link = sqlite_env.links_to(NEW, "register")[0]
        path = re.search(r'action="([^"]+)/withdraw/"', boss.page(USERS).text)
        assert path
        assert boss.post(f"{path[1]}/withdraw/").status == 200
        assert NEW not in boss.page(USERS).text
        assert register(sqlite_env.visitor(), link).error == "link_dead"
        assert boss.post(f"{path[1]}/resend/").error == "link_dead"
        withdrawn, refused = history(sqlite_env, id_of(sqlite_env, BOSS))[-2:]
        assert (withdrawn.event, withdrawn.detail) == ("invitation_withdrawn", {"email": NEW})
        assert refused.event == "link_dead"


class TestAssistedChange:
    """A change that a superuser starts for an administrator without access to the mailbox."""

    def start(self, env: Environment, reason: str = "lost the mailbox", email: str = NEW) -> Person:
        """Create a superuser, start a change for ann, and return the superuser."""
        boss = superuser(env)
        answer = act(boss, env, ANN, "start_change", reason, email=email)
        assert answer.status == 200, answer
        return boss

    def assert_expired(self, env: Environment, link: str, email: str = NEW) -> None:
        """Check that after a day no mail to confirm the change was sent, and that its link is invalid."""
        env.clock.advance(hours=24)
        assert env.mail_to(email) == []
        assert env.visitor().post(link).error == "link_dead"
        states = env.rows(select(Mail.state).where(Mail.kind == "assisted_proof").order_by(Mail.id))
        assert states[0] == ("expired",)

    def test_all_known_addresses_are_notified_immediately_who_started_the_change_and_why(
        self, sqlite_env: Environment
    ) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.start(sqlite_env)
        for address in (ANN, "first@example.com"):
            mail = text_of(sqlite_env.mail_to(address)[-1])
            assert "boss" in mail
            assert "lost the mailbox" in mail
            assert NEW not in mail  # It is masked, because others may have access to the old mailbox.
            assert f"{sqlite_env.clock.now().replace(microsecond=0).strftime('%H:%M')} UTC" in mail
            assert "/resetemail/stop/" in link_in(sqlite_env.mail_to(address)[-1])

    def test_a_started_change_can_be_confirmed_only_after_a_day_from_the_new_address(self, env: Environment) -> None:
        env.administrator(ANN)
        self.start(env)
        body = env.rows(select(Mail.body).where(Mail.recipient == NEW))[0][0]
        early = re.findall(r"https?://[^/\s]+(/\S+/)", body)[0]  # An attacker could read it in the outbox.
        env.clock.advance(hours=24, seconds=-1)
        assert env.mail_to(NEW) == []
        assert env.visitor().page(early).status == 410
        assert env.visitor().post(early).error == "link_dead"
        env.clock.advance(seconds=1)
        (link,) = env.links_to(NEW, "prove")
        ann, new = env.signed_in(ANN), env.visitor(NEW)
        for method in ("GET", "HEAD", "GET"):
            assert new.browser.send(method, link).status == 200
        assert ann.address() == ANN
        assert new.post(link).status == 200
        assert ann.get_as_script().error == "sign_in_required"
        new.discard_token()
        assert new.sign_in(password=PASSWORD).status == 200
        assert new.address() == NEW
        assert env.visitor().post(link).error == "link_dead"

    def test_undo_links_remain_valid_after_a_started_change(self, sqlite_env: Environment) -> None:
        """Both that of this change, and that of the change before, which takes precedence."""
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.start(sqlite_env)
        sqlite_env.clock.advance(hours=24)
        assert sqlite_env.visitor().post(sqlite_env.links_to(NEW, "prove")[0]).status == 200
        (undo,) = sqlite_env.links_to(ANN, "undo")
        (oldest,) = sqlite_env.links_to("first@example.com", "undo")
        assert sqlite_env.visitor().post(undo).status == 200
        assert sqlite_env.account("first").email == ANN
        assert sqlite_env.visitor().post(oldest).status == 200
        assert sqlite_env.account("first").email == "first@example.com"
        assert sqlite_env.visitor().post(undo).error == "link_dead"

    @pytest.mark.parametrize("address", [ANN, "first@example.com"])
    def test_every_known_address_can_stop_a_started_change(self, sqlite_env: Environment, address: str) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.start(sqlite_env)
        link = queued_link(sqlite_env)
        stop = sqlite_env.links_to(address, "stop")[-1]
        assert sqlite_env.visitor().page(stop).status == 200
        assert sqlite_env.visitor().post(stop).status == 200
        assert newest_row(sqlite_env, ANN).event == "change_stopped"
        self.assert_expired(sqlite_env, link)
        assert sqlite_env.account("first").email == ANN

    def test_an_undo_ends_a_started_change(self, sqlite_env: Environment) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.start(sqlite_env)
        link = queued_link(sqlite_env)
        assert sqlite_env.visitor().post(sqlite_env.links_to("first@example.com", "undo")[0]).status == 200
        self.assert_expired(sqlite_env, link)
        assert sqlite_env.account("first").email == "first@example.com"

    def test_disabling_the_account_ends_a_started_change(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        boss = self.start(sqlite_env)
        link = queued_link(sqlite_env)
        assert act(boss, sqlite_env, ANN, "disable").status == 200
        self.assert_expired(sqlite_env, link)

    def test_the_history_contains_who_started_the_change_and_why(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        self.start(sqlite_env)
        row = newest_row(sqlite_env, ANN)
        assert (row.event, row.actor_id) == ("change_started", id_of(sqlite_env, BOSS))
        assert row.detail == {"email": NEW, "by": "boss", "reason": "lost the mailbox"}
        page = sqlite_env.signed_in(ANN).page("/cms/security/").text
        assert "lost the mailbox" in page

    def test_the_owner_sees_a_started_change_and_can_cancel_it(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        self.start(sqlite_env)
        pending = ann.pending()
        assert pending
        assert (pending["email"], pending["of_this_session"]) == (NEW, False)
        assert (pending["assisted"], pending["started_by"]) == (True, "boss")
        assert ann.cancel().status == 200
        assert ann.pending() is None
        assert sqlite_env.rows(select(EmailChange.outcome)) == [("cancelled",)]

    def test_a_change_by_the_owner_replaces_a_started_one(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        self.start(sqlite_env)
        link = queued_link(sqlite_env)
        assert ann.ask("mine@example.com").status == 200
        self.assert_expired(sqlite_env, link)

    def test_a_second_started_change_replaces_the_first(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        boss = self.start(sqlite_env, email="typo@example.com")
        link = queued_link(sqlite_env, "typo@example.com")
        assert act(boss, sqlite_env, ANN, "start_change", email=NEW).status == 200
        self.assert_expired(sqlite_env, link, "typo@example.com")
        assert sqlite_env.visitor().post(sqlite_env.links_to(NEW, "prove")[0]).status == 200

    def test_the_link_of_a_started_change_is_valid_for_three_days(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        self.start(sqlite_env)
        sqlite_env.clock.advance(hours=24)
        (link,) = sqlite_env.links_to(NEW, "prove")
        sqlite_env.clock.advance(hours=72, seconds=-1)
        assert sqlite_env.visitor().page(link).status == 200
        sqlite_env.clock.advance(seconds=1)
        assert sqlite_env.visitor().post(link).error == "link_dead"

    def test_an_unavailable_address_is_refused(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for email, error in ((ANN.upper(), "same_email"), (BOSS, "email_taken"), ("not an address", "invalid")):
            assert act(boss, sqlite_env, ANN, "start_change", email=email).error == error
        assert sqlite_env.mail_to(ANN) == []
        assert sqlite_env.rows(select(EmailChange.id)) == []

    def test_an_address_that_was_taken_in_the_meantime_is_refused(self, env: Environment) -> None:
        env.administrator(ANN)
        self.start(env)
        env.administrator(NEW)
        env.clock.advance(hours=24)
        (link,) = env.links_to(NEW, "prove")
        assert env.visitor().post(link).error == "email_taken"
        assert env.account("ann").email == ANN

    def test_no_change_can_be_started_during_a_freeze(self, sqlite_env: Environment) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        sqlite_env.visitor().post(sqlite_env.links_to("first@example.com", "undo")[0])
        boss = superuser(sqlite_env)
        assert act(boss, sqlite_env, "first@example.com", "start_change", email=NEW).error == "changes_frozen"
