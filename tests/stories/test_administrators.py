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
    """Return the user listed_usernames that a page lists, in order."""
    return re.findall(r'<a class="tall fw-semibold" href="[^"]+">([^<]+)</a>', page.text)


def next_page(page: Answer) -> str | None:
    """Return where the link to the next page leads, if there is one."""
    found = re.search(r'rel="next" href="([^"]+)"', page.text)
    return found[1].replace("&amp;", "&") if found else None


class TestList:
    """Search, sort and pages."""

    def test_pages_show_everybody_once_in_the_order_that_is_asked_for(self, env: Environment) -> None:
        create_many(env, 120)
        boss = superuser(env)
        everybody = ["boss", *(f"user-{number:06}" for number in range(1, 121))]
        for sort, order in (("username", everybody), ("email", ["boss", *reversed(everybody[1:])])):
            seen, path, sizes = [], f"{USERS}?sort={sort}", []
            while path:
                page = boss.page(path)
                seen += listed_usernames(page)
                sizes.append(len(listed_usernames(page)))
                path = next_page(page)
            assert (seen, sizes) == (order, [50, 50, 21])

    def test_a_search_finds_what_begins_so_in_every_spelling(self, env: Environment) -> None:
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

    def test_whatever_is_searched_is_taken_as_it_is_written(self, env: Environment) -> None:
        boss = superuser(env)
        for q in ("%25", "_", "%27", "%22%3E%3Cscript%3E", "z%00", "%F4%8F%BF%BF", "%FF", "x" * 300, "[a-z]*", "\\"):
            page = boss.page(f"{USERS}?q={q}&after={q}")
            assert (page.status, listed_usernames(page)) == (200, []), q
            assert "<script>" not in page.text
        for query in ("sort=password_hash", "sort=", "after=%00", "q=", "page=7"):
            assert listed_usernames(boss.page(f"{USERS}?{query}")) == ["boss"], query

    def test_a_page_that_begins_behind_the_last_one_is_empty_and_leads_back(self, sqlite_env: Environment) -> None:
        page = superuser(sqlite_env).page(f"{USERS}?after=zzz")
        assert (page.status, listed_usernames(page), next_page(page)) == (200, [], None)
        assert f'href="{USERS}?sort=username"' in page.text

    def test_it_shows_who_is_what(self, sqlite_env: Environment) -> None:
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

    def test_a_role_takes_effect_at_once_and_its_bearer_is_told(self, env: Environment) -> None:
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

    def test_a_role_that_somebody_has_already_is_nothing_to_tell(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        assert act(boss, sqlite_env, ANN, "role", role="editor").status == 200
        assert newest_row(sqlite_env, ANN).event == "administrator_created"
        assert sqlite_env.mail_to(ANN) == []

    def test_a_role_that_there_is_not_changes_none(self, sqlite_env: Environment) -> None:
        """A slip of a script must not take anybody's rights away."""
        boss = superuser(sqlite_env)
        superuser(sqlite_env, ANN)
        for sent in ({}, {"role": ""}, {"role": "emperor"}, {"role": "Superuser"}):
            refused = act(boss, sqlite_env, ANN, "role", **sent)
            assert (refused.status, refused.error) == (400, "invalid"), sent
        assert sqlite_env.account("ann").is_superuser

    def test_nobody_does_any_of_it_to_themselves(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        superuser(sqlite_env, "other@example.com")
        for what, more in (
            ("role", {"role": "editor"}),
            ("role", {"role": "superuser"}),
            ("disable", {}),
            ("enable", {}),
            ("start_change", {"email": NEW}),
        ):
            refused = act(boss, sqlite_env, BOSS, what, **more)
            assert (refused.status, refused.error) == (409, "not_yourself"), what
        stored = sqlite_env.account("boss")
        assert (stored.is_superuser, stored.is_active) == (True, True)
        assert f"/{stored.id}/disable/" not in boss.page(f"{USERS}{stored.id}/").text

    @pytest.mark.parametrize(("what", "more"), [("role", {"role": "editor"}), ("disable", {})])
    def test_of_two_superusers_who_disable_or_demote_each_other_at_once_one_remains(
        self, env: Environment, what: str, more: dict[str, str]
    ) -> None:
        both = [superuser(env, email) for email in ("a@example.com", "b@example.com")]
        ids = [id_of(env, person.email) for person in both]
        for person in both:
            person.token()
        answers = run_concurrently(
            lambda number: both[number].post(f"{USERS}{ids[1 - number]}/{what}/", {"reason": "you", **more}), 2
        )
        errors = [answer.error for answer in answers]
        assert errors.count(None) == 1
        # Who is too slow has no rights any more. Nobody waits for the other until the database has enough of it.
        assert set(errors) <= {None, "forbidden", "sign_in_required"}
        left = select(CMSUser.id).where(CMSUser.is_superuser, CMSUser.is_active)
        assert len(env.rows(left)) == 1

    def test_a_superuser_without_the_permission_any_more_is_refused(self, env: Environment) -> None:
        """Of three superusers two turn each other out at once: the slower one has no right to do so any more."""
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

    def test_who_is_disabled_is_out_everywhere_at_once_and_told(self, env: Environment) -> None:
        boss, ann, tablet = superuser(env), env.person(), env.signed_in(ANN)
        assert act(boss, env, ANN, "disable", "left the house").status == 200
        for browser in (ann, tablet):
            assert browser.get_as_script().error == "sign_in_required"
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        env.deliver()
        assert newest_row(env, ANN).event == "sign_in_failed"
        row = history(env, id_of(env, ANN))[-2]
        assert (row.actor_id, row.detail) == (id_of(env, BOSS), {"by": "boss", "reason": "left the house"})
        assert "left the house" in text_of(env.mail_to(ANN)[-1])

    def test_who_is_enabled_signs_in_with_the_password_of_before_and_no_session_comes_back(
        self, sqlite_env: Environment
    ) -> None:
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

    def test_a_pending_change_goes_with_the_account(self, sqlite_env: Environment) -> None:
        boss, ann = superuser(sqlite_env), sqlite_env.person()
        ann.ask(NEW)
        code = sqlite_env.code_to(NEW)
        act(boss, sqlite_env, ANN, "disable")
        act(boss, sqlite_env, ANN, "enable")
        ann.discard_token()
        assert ann.sign_in().status == 200
        assert ann.pending() is None
        assert ann.confirm(NEW, code).error == "code_expired"

    def test_doing_it_twice_is_told_once(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for what in ("disable", "disable", "enable", "enable"):
            assert act(boss, sqlite_env, ANN, what).status == 200
        assert len(sqlite_env.mail_to(ANN)) == 2


class TestReasons:
    """Whatever is done to somebody has a reason, which they get to see."""

    ACTS = ("role", "disable", "enable", "drop_change", "start_change")

    def test_without_a_reason_nothing_is_done(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for what in self.ACTS:
            for reason in ("", "  \n ", "x" * 201):
                refused = act(boss, sqlite_env, ANN, what, reason, role="superuser", email=NEW)
                assert (refused.error, list(refused.data["fields"])) == ("invalid", ["reason"]), what
        assert newest_row(sqlite_env, ANN).event == "administrator_created"

    def test_without_scripts_the_refusal_stands_at_the_form_that_was_sent(self, sqlite_env: Environment) -> None:
        superuser(sqlite_env)
        boss = sqlite_env.signed_in(BOSS, script=False)
        sqlite_env.administrator(ANN)
        refused = act(boss, sqlite_env, ANN, "disable", "")
        assert refused.status == 400
        assert len(re.findall(r'data-errors-of="reason"><p>', refused.text)) == 1
        assert re.search(r'id="disable-reason-errors"[^>]*><p>', refused.text)

    def test_a_reason_is_text_and_one_line_wherever_it_is_shown(self, env: Environment) -> None:
        boss, ann = superuser(env), env.person()
        reason = "<script>alert(1)</script>\r\nBcc: x@example.com\0 'and' \"so\" 原因"
        assert act(boss, env, ANN, "role", reason, role="superuser").status == 200
        page = ann.page("/cms/security/").text
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; Bcc: x@example.com &#39;and&#39; &#34;so&#34; 原因" in page
        mail = env.mail_to(ANN)[-1]
        assert mail["Bcc"] is None
        assert "<script>alert(1)</script> Bcc: x@example.com 'and' \"so\" 原因" in text_of(mail)

    def test_who_is_not_there_is_a_404_for_scripts_and_pages(self, sqlite_env: Environment) -> None:
        superuser(sqlite_env)
        for script in (True, False):
            boss = sqlite_env.signed_in(BOSS, script=script)
            for user_id in ("0", "999", "2147483647"):
                assert boss.page(f"{USERS}{user_id}/").status == 404
                for what in self.ACTS:
                    for reason in ("", "because"):
                        fields = {"reason": reason, "role": "editor", "email": NEW}
                        answer = boss.post(f"{USERS}{user_id}/{what}/", fields)
                        assert answer.status == 404, (what, reason, answer)


class TestDroppingAChange:
    """Somebody's pending change is dropped."""

    def test_its_owner_sees_by_whom_and_why_and_its_code_is_dead(self, env: Environment) -> None:
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

    def test_where_nothing_is_pending_nothing_is_told(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        assert act(boss, sqlite_env, ANN, "drop_change").status == 200
        assert newest_row(sqlite_env, ANN).event == "administrator_created"
        assert sqlite_env.mail_to(ANN) == []


class TestInvitations:
    """The invitations that wait; what becomes of them is the matter of test_registration.py."""

    def test_one_that_is_sent_again_has_a_new_link_and_a_new_life(self, sqlite_env: Environment) -> None:
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
        assert boss.post(path[1]).status == 401  # An hour after the last click nobody is signed in.

    def test_one_that_is_withdrawn_is_dead_and_gone_from_the_list(self, sqlite_env: Environment) -> None:
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
    """A change of address for somebody who lost the mailbox."""

    def started(self, env: Environment, reason: str = "lost the mailbox", email: str = NEW) -> Person:
        """Have a fresh superuser start a change for ann, and return them."""
        boss = superuser(env)
        answer = act(boss, env, ANN, "start_change", reason, email=email)
        assert answer.status == 200, answer
        return boss

    def comes_to_nothing(self, env: Environment, link: str, email: str = NEW) -> None:
        """See that the day passes, and that nobody is asked to confirm anything, nor could."""
        env.clock.advance(hours=24)
        assert env.mail_to(email) == []
        assert env.visitor().post(link).error == "link_dead"
        state = select(Mail.state).where(Mail.recipient == email, Mail.kind == "assisted_proof")
        assert env.rows(state) == [("expired",)]

    def test_every_known_address_is_told_at_once_who_and_why(self, sqlite_env: Environment) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.started(sqlite_env)
        for address in (ANN, "first@example.com"):
            mail = text_of(sqlite_env.mail_to(address)[-1])
            assert "boss" in mail
            assert "lost the mailbox" in mail
            assert NEW not in mail  # The address is masked: whoever reads the old mailbox need not learn it.
            assert f"{sqlite_env.clock.now().replace(microsecond=0).strftime('%H:%M')} UTC" in mail
            assert "/resetemail/stop/" in link_in(sqlite_env.mail_to(address)[-1])

    def test_nothing_can_happen_before_a_day_is_over_and_then_the_new_address_must_be_proved(
        self, env: Environment
    ) -> None:
        env.administrator(ANN)
        self.started(env)
        body = env.rows(select(Mail.body).where(Mail.recipient == NEW))[0][0]
        early = re.findall(r"https?://[^/\s]+(/\S+/)", body)[0]  # Even who could read the outbox could not hurry.
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

    def test_the_undo_links_stay(self, sqlite_env: Environment) -> None:
        """The one of this change, and the one of a change before: of a chain the oldest wins."""
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.started(sqlite_env)
        sqlite_env.clock.advance(hours=24)
        assert sqlite_env.visitor().post(sqlite_env.links_to(NEW, "prove")[0]).status == 200
        (undo,) = sqlite_env.links_to(ANN, "undo")
        (oldest,) = sqlite_env.links_to("first@example.com", "undo")
        assert sqlite_env.visitor().post(undo).status == 200
        assert sqlite_env.account("first").email == ANN
        assert sqlite_env.visitor().post(oldest).status == 200
        assert sqlite_env.account("first").email == "first@example.com"
        assert sqlite_env.visitor().post(undo).error == "link_dead"

    @pytest.mark.parametrize("who", [ANN, "first@example.com"])
    def test_every_known_address_can_stop_it(self, sqlite_env: Environment, who: str) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.started(sqlite_env)
        link = queued_link(sqlite_env)
        stop = sqlite_env.links_to(who, "stop")[-1]
        assert sqlite_env.visitor().page(stop).status == 200
        assert sqlite_env.visitor().post(stop).status == 200
        assert newest_row(sqlite_env, ANN).event == "change_stopped"
        self.comes_to_nothing(sqlite_env, link)
        assert sqlite_env.account("first").email == ANN

    def test_an_undo_ends_it(self, sqlite_env: Environment) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        self.started(sqlite_env)
        link = queued_link(sqlite_env)
        assert sqlite_env.visitor().post(sqlite_env.links_to("first@example.com", "undo")[0]).status == 200
        self.comes_to_nothing(sqlite_env, link)
        assert sqlite_env.account("first").email == "first@example.com"

    def test_disabling_the_account_ends_it(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        boss = self.started(sqlite_env)
        link = queued_link(sqlite_env)
        assert act(boss, sqlite_env, ANN, "disable").status == 200
        self.comes_to_nothing(sqlite_env, link)

    def test_the_histories_know_who_and_why(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        self.started(sqlite_env)
        row = newest_row(sqlite_env, ANN)
        assert (row.event, row.actor_id) == ("change_started", id_of(sqlite_env, BOSS))
        assert row.detail == {"email": NEW, "by": "boss", "reason": "lost the mailbox"}
        page = sqlite_env.signed_in(ANN).page("/cms/security/").text
        assert "lost the mailbox" in page

    def test_its_owner_sees_it_and_can_cancel_it(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        self.started(sqlite_env)
        pending = ann.pending()
        assert pending
        assert (pending["email"], pending["of_this_session"]) == (NEW, False)
        assert (pending["assisted"], pending["started_by"]) == (True, "boss")
        assert ann.cancel().status == 200
        assert ann.pending() is None
        assert sqlite_env.rows(select(EmailChange.outcome)) == [("cancelled",)]

    def test_a_change_of_ones_own_takes_its_place(self, sqlite_env: Environment) -> None:
        ann = sqlite_env.person()
        self.started(sqlite_env)
        link = queued_link(sqlite_env)
        assert ann.ask("mine@example.com").status == 200
        self.comes_to_nothing(sqlite_env, link)

    def test_a_second_one_takes_the_place_of_the_first(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        boss = self.started(sqlite_env, email="typo@example.com")
        link = queued_link(sqlite_env, "typo@example.com")
        assert act(boss, sqlite_env, ANN, "start_change", email=NEW).status == 200
        self.comes_to_nothing(sqlite_env, link, "typo@example.com")
        assert sqlite_env.visitor().post(sqlite_env.links_to(NEW, "prove")[0]).status == 200

    def test_its_link_lives_three_days(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(ANN)
        self.started(sqlite_env)
        sqlite_env.clock.advance(hours=24)
        (link,) = sqlite_env.links_to(NEW, "prove")
        sqlite_env.clock.advance(hours=72, seconds=-1)
        assert sqlite_env.visitor().page(link).status == 200
        sqlite_env.clock.advance(seconds=1)
        assert sqlite_env.visitor().post(link).error == "link_dead"

    def test_an_address_that_cannot_be_had_is_refused(self, sqlite_env: Environment) -> None:
        boss = superuser(sqlite_env)
        sqlite_env.administrator(ANN)
        for email, error in ((ANN.upper(), "same_email"), (BOSS, "email_taken"), ("no address", "invalid")):
            assert act(boss, sqlite_env, ANN, "start_change", email=email).error == error
        assert sqlite_env.mail_to(ANN) == []
        assert sqlite_env.rows(select(EmailChange.id)) == []

    def test_an_address_that_somebody_got_meanwhile_is_refused(self, env: Environment) -> None:
        env.administrator(ANN)
        self.started(env)
        env.administrator(NEW)
        env.clock.advance(hours=24)
        (link,) = env.links_to(NEW, "prove")
        assert env.visitor().post(link).error == "email_taken"
        assert env.account("ann").email == ANN

    def test_after_an_undo_the_address_stays_as_it_is(self, sqlite_env: Environment) -> None:
        first = sqlite_env.person("first@example.com")
        first.ask(ANN)
        assert first.confirm(ANN, sqlite_env.code_to(ANN)).status == 200
        sqlite_env.visitor().post(sqlite_env.links_to("first@example.com", "undo")[0])
        boss = superuser(sqlite_env)
        assert act(boss, sqlite_env, "first@example.com", "start_change", email=NEW).error == "changes_frozen"
