"""`flask audit export` copies what is stored about somebody, and `flask account erase` erases it (GDPR 15 and 17)."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, update

from accounts.flows import personal_data
from models import Audit, CMSUser, Link, LoginSession, db
from tests.actors import PASSWORD, text_of
from tests.environments import Environment, broken_histories
from tests.interleaving import run_before_the_lock
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, newest_row, superuser
from tests.stories.test_command_line import invoke_command, run_command

ANN, NEW = "ann@example.com", "ann.new@example.com"
ERASE = ("account", "erase", "--reason", "asked for it", "--yes")
PROFILE = {
    "username": "ann",
    "mobile": "138 1234 5678",
    "staff_number": "471177",
    "gender": "female",
    "city": "hangzhou",
    "interests": "news",
    "language": "en",
    "version": "1",
}


@pytest.fixture(autouse=True)
def _verify_histories(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check after every test that all histories are intact, unless the test has broken one."""
    name = "env" if "env" in request.fixturenames else "sqlite_env"
    env: Environment = request.getfixturevalue(name)
    yield
    if request.node.get_closest_marker("slow") is None and "broken" not in request.node.name:
        with env.app.app_context():
            assert broken_histories() == []


def live(env: Environment) -> Any:
    """Have ann do all that leaves data: profile, sessions, changes, links, mails, invitations, refusals; return her."""
    boss = superuser(env)
    ann = env.person(ANN, network="198.51.100.77")
    assert ann.post("/cms/profile/", PROFILE).status == 200
    assert act(boss, env, ANN, "role", role="superuser").status == 200
    assert ann.reauth().status == 200
    ann.ask(NEW)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    assert invite(ann, "guest@example.com").status == 200
    assert act(ann, env, BOSS, "end_sessions").status == 200
    env.visitor(NEW, network="198.51.100.77").sign_in(password="not this one")
    env.clock.advance(seconds=61)
    assert ann.ask("ann.third@example.com").status == 200
    env.deliver()
    env.visitor().post("/cms/forgotpwd/", {"email": NEW})
    return ann


def dump(env: Environment) -> str:
    """Return everything in the database as text."""
    with env.app.app_context():
        names = inspect(db.engine).get_table_names()
        return "\n".join(
            f"{name}: {dict(row)}"
            for name in names
            for row in db.session.execute(db.text(f"SELECT * FROM {name}")).mappings()
        )


class TestErasure:
    """`flask account erase`."""

    def test_personal_data_is_gone_from_every_table_and_the_history_is_intact(self, env: Environment) -> None:
        live(env)
        ann, events = id_of(env, NEW), [row.event for row in history(env, id_of(env, NEW))]
        said = run_command(env, *ERASE, NEW)
        assert f"The account is kept as erased:{ann}, with its history." in said
        assert "The histories of other accounts contain 1 rows of what this person did, unchanged." in said
        env.deliver()
        others = re.compile(rf"audit: .*'user_id': (?!{ann}\b)")
        left = [line for line in dump(env).splitlines() if not others.match(line)]
        for datum in ("ann@", "ann.new", "ann.third", "'ann'", "198.51.100.77", "1234", "471177", "hangzhou", "guest@"):
            found = [line for line in left if datum in line]
            assert found == [], datum
        account = env.account(f"erased:{ann}")
        assert [row.event for row in history(env, account.id)] == [*events, "account_erased"]
        detail = newest_row(env, account.email).detail
        assert (detail["reason"], detail["by"]) == ("asked for it", "-")
        assert detail["rows"] == account.audit_rows - 1

    def test_equal_addresses_have_equal_pseudonyms(self, sqlite_env: Environment) -> None:
        live(sqlite_env)
        ann = id_of(sqlite_env, NEW)
        run_command(sqlite_env, *ERASE, NEW)
        rows = history(sqlite_env, ann)
        told = {row.event: row.detail for row in rows}
        assert told["email_changed"] == {"old": "address-2", "new": "address-1"}
        assert told["invitation_sent"] == {"email": "address-3", "superuser": False}
        assert told["made_superuser"] == {"by": "boss"}

    def test_the_notice_is_sent_and_leaves_no_address_in_the_outbox(self, env: Environment) -> None:
        live(env)
        run_command(env, *ERASE, NEW)
        before = len(env.mail_to(NEW))
        (notice,) = [mail for mail in env.mail_to(NEW) if "erased" in text_of(mail) and "Reason" in text_of(mail)]
        assert "asked for it" in text_of(notice)
        assert (NEW in dump(env), before) == (False, len(env.mail_to(NEW)))

    def test_an_erased_account_cannot_sign_in_and_nothing_undoes_the_erasure(self, env: Environment) -> None:
        ann = live(env)
        undo, stop = env.links_to(ANN, "undo")[-1], env.links_to(NEW, "stop")[-1]
        link = env.links_to(NEW, "forgotpwd")[-1]
        user_id = id_of(env, NEW)
        boss = env.signed_in(BOSS)
        run_command(env, *ERASE, NEW)
        assert ann.get_as_script().status == 401
        for email in (ANN, NEW):
            assert env.visitor(email).sign_in().status == 400
        visitor = env.visitor()
        assert visitor.post(undo).status == visitor.post(stop).status == 410
        chosen = {"password": "a river and a hill", "repetition": "a river and a hill"}
        assert visitor.post(link, chosen).status == 410
        for action in ("enable", "disable", "end_sessions", "send_password_link", "drop_change"):
            answer = boss.post(f"/cms/users/{user_id}/{action}/", {"reason": "because"})
            assert (answer.status, answer.error) == (404, "nobody_there"), action
        more = {"email": "other@example.com", "reason": "because"}
        assert boss.post(f"/cms/users/{user_id}/start_change/", more).error == "nobody_there"
        assert boss.post(f"/cms/users/{user_id}/role/", {"role": "superuser", "reason": "x"}).error == "nobody_there"
        assert invoke_command(env, *ERASE, "--id", str(user_id)).stderr.startswith("Error: Refused (nobody_there)")
        page = boss.page(f"/cms/users/{user_id}/").text
        assert f"erased:{user_id}" in page
        assert "/enable/" not in page
        assert env.account(f"erased:{user_id}").is_active is False

    def test_its_addresses_are_free_for_others(self, env: Environment) -> None:
        live(env)
        run_command(env, *ERASE, NEW)
        env.administrator(NEW, username="ann")
        env.administrator(ANN, username="ann2")
        other = env.signed_in(NEW)
        assert other.ask("new@example.com").status == 200

    def test_a_request_that_waited_for_the_erasure_is_refused_and_leaves_no_trace(self, env: Environment) -> None:
        env.administrator(BOSS, superuser=True)
        ann = env.person(ANN, network="198.51.100.77")
        user_id = id_of(env, ANN)
        with run_before_the_lock(lambda: run_command(env, *ERASE, ANN)):
            assert ann.ask(NEW).status == 401
        assert [row.event for row in history(env, user_id)][-1] == "account_erased"
        assert "198.51.100.77" not in dump(env)

    def test_the_last_superuser_is_not_erased(self, env: Environment) -> None:
        superuser(env)
        result = invoke_command(env, *ERASE, BOSS)
        assert (result.exit_code, result.stderr.split(":")[1]) == (1, " Refused (last_superuser)")
        assert env.account("boss").email == BOSS

    @pytest.mark.parametrize("values", [{"network": "x"}, {"key_id": "00000000"}], ids=["changed", "key missing"])
    def test_a_broken_history_is_not_signed_again(self, env: Environment, values: dict[str, str]) -> None:
        env.administrator(BOSS, superuser=True)
        env.person(ANN)
        ann = id_of(env, ANN)
        with env.app.app_context():
            db.session.execute(update(Audit).where(Audit.user_id == ann, Audit.number == 2).values(values))
            db.session.commit()
        before = dump(env)
        result = invoke_command(env, *ERASE, ANN)
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: Refused (history_broken): "
            "The history of the account was changed or is incomplete. Verify it first.\n"
        )
        assert dump(env) == before

    def test_changes_that_the_person_started_for_others_end(self, env: Environment) -> None:
        boss = superuser(env)
        env.administrator(ANN)
        assert act(boss, env, ANN, "start_change", email=NEW).status == 200
        env.administrator("other@example.com", superuser=True)
        boss_id = id_of(env, BOSS)
        run_command(env, *ERASE, BOSS)
        row = newest_row(env, ANN)
        assert (row.event, row.detail) == ("change_withdrawn", {"by": f"erased:{boss_id}"})

    def test_a_former_address_that_belongs_to_somebody_else_is_left_alone(self, env: Environment) -> None:
        live(env)
        env.clock.advance(days=8)
        env.administrator(ANN, username="other")
        other = env.signed_in(ANN)
        assert other.ask("other@example.com").status == 200
        run_command(env, *ERASE, NEW)
        assert other.confirm("other@example.com", env.code_to("other@example.com")).status == 200

    def test_the_command_asks_for_a_confirmation(self, sqlite_env: Environment) -> None:
        sqlite_env.administrator(BOSS, superuser=True)
        sqlite_env.administrator(ANN)
        words = [word for word in ERASE if word != "--yes"]
        for typed in ("", "n\n"):
            assert invoke_command(sqlite_env, *words, ANN, typed=typed).exit_code == 1
        assert sqlite_env.account("ann").email == ANN
        assert "ann <ann@example.com>" in run_command(sqlite_env, *words, ANN, typed="y\n")

    @pytest.mark.parametrize("words", [(), (ANN, "--id", "1"), ("--id", "77"), ("nobody@example.com",)])
    def test_it_needs_one_administrator_who_exists(self, sqlite_env: Environment, words: tuple[str, ...]) -> None:
        sqlite_env.administrator(ANN)
        for command in (ERASE, ("audit", "export")):
            result = invoke_command(sqlite_env, *command, *words)
            assert (result.exit_code in (1, 2), "Traceback" in result.output) == (True, False)
        assert sqlite_env.account("ann").email == ANN


class TestCopy:
    """`flask audit export`."""

    def test_a_copy_contains_everything_about_the_person(self, env: Environment) -> None:
        live(env)
        rows = history(env, id_of(env, NEW))
        copy = json.loads(invoke_command(env, "audit", "export", NEW).stdout)
        account = copy["account"]
        assert (account["email"], account["username"], account["mobile"]) == (NEW, "ann", "+8613812345678")
        assert (account["staff_number"], account["gender"], account["city"]) == (471177, "female", "hangzhou")
        assert [row["event"] for row in copy["history"]] == [row.event for row in rows]
        assert [row["detail"] for row in copy["history"]] == [row.detail for row in rows]
        assert all(row["request_id"] for row in copy["history"] if row["event"] == "email_changed")
        assert [change["email"] for change in copy["email_changes"]] == ["ann.third@example.com"]
        assert {link["purpose"] for link in copy["links"]} == {"undo"}
        assert [each["email"] for each in copy["invitations"]] == ["guest@example.com"]
        assert [each["event"] for each in copy["actions_on_other_accounts"]] == ["sessions_ended"]
        assert len(copy["sessions"]) == 1
        assert {mail["kind"] for mail in copy["mails"]} >= {"code", "heads_up", "changed", "invitation"}
        assert newest_row(env, NEW).event == "data_exported"

    def test_a_copy_contains_no_hash_code_or_token(self, env: Environment) -> None:
        live(env)
        copy = invoke_command(env, "audit", "export", NEW).stdout
        account = env.account("ann")
        secrets = [account.password_hash, account.audit_chain, PASSWORD]
        secrets += [each for (each,) in env.rows(select(LoginSession.id_hash))]
        secrets += [each for (each,) in env.rows(select(Link.token_hash))]
        secrets += [each for (each,) in env.rows(select(Audit.chain))]
        secrets += [mail for (mail,) in env.rows(db.text("SELECT body FROM mail WHERE body <> ''"))]
        assert not [secret for secret in secrets if secret in copy]
        assert not re.search(r"[0-9a-f]{32}|[\w-]{40}|argon2", copy)

    def test_every_column_of_the_account_is_copied_or_left_out_on_purpose(self) -> None:
        secret = {"password_hash", "audit_chain"}
        technical = {"username_key", "email_key", "email_version", "password_version", "profile_version", "audit_rows"}
        assert set(personal_data.ACCOUNT) | secret | technical == set(CMSUser.__table__.c.keys())

    def test_a_copy_is_written_to_a_new_file_that_only_its_owner_can_read(
        self, sqlite_env: Environment, tmp_path: Path
    ) -> None:
        sqlite_env.administrator(ANN)
        file = tmp_path / "ann.json"
        words = ("audit", "export", ANN, "--output", str(file))
        assert run_command(sqlite_env, *words) == ""
        assert json.loads(file.read_text())["account"]["email"] == ANN
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        again = invoke_command(sqlite_env, *words)
        assert (again.exit_code, again.stderr) == (1, f"Error: --output {file}: File exists\n")
        assert [row.event for row in history(sqlite_env, id_of(sqlite_env, ANN))].count("data_exported") == 1

    def test_an_erased_account_can_be_copied_by_its_id(self, sqlite_env: Environment) -> None:
        live(sqlite_env)
        ann = id_of(sqlite_env, NEW)
        run_command(sqlite_env, *ERASE, NEW)
        copy = json.loads(run_command(sqlite_env, "audit", "export", "--id", str(ann)))
        assert (copy["account"]["username"], copy["mails"], copy["links"]) == (f"erased:{ann}", [], [])
