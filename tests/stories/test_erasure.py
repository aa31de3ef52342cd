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
from accounts.limits import Limit
from models import (
    Audit,
    AuthenticatorApp,
    Budget,
    CMSUser,
    EmailChange,
    FactorReset,
    Link,
    LoginSession,
    Passkey,
    PendingSignIn,
    RecoveryCode,
    db,
)
from tests.actors import PASSWORD, text_of
from tests.environments import Environment, broken_histories
from tests.interleaving import run_before_the_lock
from tests.servers import ROOT, WebhookReceiver
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, newest_row, superuser
from tests.stories.factor_steps import add_app, add_passkey, second_step, sign_in_first_step
from tests.stories.test_command_line import invoke_command, run_command

ANN, NEW, BOB = "ann@example.com", "ann.new@example.com", "bob@example.com"
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
    """Have ann do all that leaves data, so that every table has rows about her; return her."""
    env.settings.update(WEBHOOKS=f"http://127.0.0.1:9/ {WebhookReceiver.SECRET}")
    boss, bob = superuser(env), env.person(BOB)
    ann = env.person(ANN, network="198.51.100.77")
    assert ann.post("/cms/profile/", PROFILE).status == 200
    assert act(boss, env, ANN, "role", role="superuser").status == 200
    assert ann.reauth().status == 200
    ann.ask(NEW)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200
    assert invite(ann, "guest@example.com").status == 200
    assert act(ann, env, BOSS, "end_sessions").status == 200
    env.visitor(NEW, network="198.51.100.77").sign_in(password="not this one")
    add_passkey(ann, "Phone of Ann")
    add_app(env, ann)
    assert second_step(sign_in_first_step(env, NEW), recovery_code="00000-00000").error == "second_factor_wrong"
    boss = env.signed_in(BOSS)  # Ann has ended the session.
    assert act(boss, env, NEW, "reset_factors", "lost her phone").status == 200
    add_passkey(bob)
    for action, fields in (("reset_factors", {}), ("start_change", {"email": "bob.new@example.com"})):
        assert act(ann, env, BOB, action, **fields).status == 200
    env.clock.advance(seconds=61)
    assert ann.ask("ann.third@example.com").status == 200
    env.deliver()
    env.visitor().post("/cms/forgotpwd/", {"email": NEW})
    return ann


def count_references(env: Environment, user_id: int) -> dict[str, int]:
    """Return how many rows refer to an account, by each column that can."""
    columns = [column for table in db.metadata.sorted_tables for column in table.c if column.foreign_keys]
    its = [column for column in columns if column.references(CMSUser.__table__.c.id)]
    return {str(each): len(env.rows(select(each).where(each == user_id))) for each in its}


def dump(env: Environment) -> str:
    """Return everything in the database as text."""
    with env.app.app_context():
        names = inspect(db.engine).get_table_names()
        return "\n".join(
            f"{name}: {dict(row)}"
            for name in names
            for row in db.session.execute(db.text(f"SELECT * FROM {name}")).mappings()
        )


VERSIONS = "email_version password_version"
NOT_COPIED = {"budget", "audit_tie", "webhook_delivery", "webhook_receiver"}  # Hashes of names; a summary is copied.
COPIED = [  # The columns of each table that are copied, and those that are not: secrets, keys and versions.
    (
        "cms_user",
        personal_data.ACCOUNT,
        "password_hash audit_chain user_handle username_key email_key profile_version audit_rows webhook_events "
        + VERSIONS,
    ),
    ("login_session", personal_data.SESSION, "id id_hash user_id key_id"),
    (
        "email_change",
        personal_data.CHANGE,
        "id user_id session_id mail_id email_key email_version nonce old_nonce stop_hash",
    ),
    ("link", personal_data.LINK, "id token_hash user_id email_key email_version"),
    ("mail", personal_data.MAIL, "id message_id user_id subject body html"),
    ("invitation", personal_data.INVITATION, "id token_hash email_key"),
    ("passkey", personal_data.PASSKEY, "id user_id credential_hash credential sign_count challenged_at"),
    ("authenticator_app", personal_data.APP, "id user_id secret key_id last_step"),
    ("recovery_code", personal_data.RECOVERY_CODE, "id user_id salt code_hash"),
    ("pending_sign_in", personal_data.PENDING_SIGN_IN, f"id token_hash user_id {VERSIONS}"),
    ("factor_reset", personal_data.RESET, "id stop_hash"),
    ("webhook_event", personal_data.WEBHOOK_EVENT, "id message_id user_id"),
    ("audit", personal_data.EVENT, "id user_id chain key_id"),
]


class TestErasure:
    """`flask account erase`."""

    def test_personal_data_is_gone_from_every_table_and_the_history_is_intact(self, env: Environment) -> None:
        live(env)
        ann, events = id_of(env, NEW), [row.event for row in history(env, id_of(env, NEW))]
        said = run_command(env, *ERASE, NEW)
        assert f"The account is kept as erased:{ann}, with its history." in said
        assert "The histories of other accounts contain 3 rows of what this person did, unchanged." in said
        env.deliver()
        others = re.compile(rf"audit: .*'user_id': (?!{ann}\b)")
        left = [line for line in dump(env).splitlines() if not others.match(line)]
        for datum in (
            "ann@",
            "ann.new",
            "ann.third",
            "'ann'",
            "198.51.100.77",
            "12345678",
            "471177",
            "hangzhou",
            "guest@",
            "Phone of Ann",
        ):
            found = [line for line in left if datum in line or datum in line.replace(" ", "")]
            assert found == [], datum
        account = env.account(f"erased:{ann}")
        assert [row.event for row in history(env, account.id)] == [*events, "account_erased"]
        detail = newest_row(env, account.email).detail
        assert (detail["reason"], detail["by"]) == ("asked for it", "-")
        assert detail["rows"] == account.audit_rows - 1

    def test_every_row_that_refers_to_the_account_is_deleted_except_those_of_histories(self, env: Environment) -> None:
        """A new table needs a step in `live`, and its rows are deleted or a reason to keep them is added here."""
        live(env)
        ann, kept = id_of(env, NEW), {"audit.user_id", "audit_tie.user_id", "webhook_event.user_id"}
        of_others = {"email_change.started_by", "factor_reset.started_by"}
        before = count_references(env, ann)
        assert {name for name, rows in before.items() if rows == 0} == {"audit_tie.user_id"}
        run_command(env, *ERASE, NEW)
        assert {name for name, rows in count_references(env, ann).items() if rows} <= kept | of_others
        for model in (EmailChange, FactorReset):
            left = env.rows(select(model.user_id, model.network, model.browser, model.outcome))
            assert left == [(id_of(env, BOB), "", "", "withdrawn")]
        tables = {str(each.table) for table in db.metadata.sorted_tables for each in table.foreign_key_constraints}
        assert set(db.metadata.tables) - tables == {"cms_user", "budget", "webhook_receiver"}

    def test_every_column_of_the_account_is_replaced_except_two(self, env: Environment) -> None:
        """A new column gets a value here, and is replaced or added to the exceptions."""
        live(env)
        now = env.clock.now()
        env.update_account(NEW, time_zone="Asia/Shanghai", frozen_until=now, factor_required_at=now)
        before, ann = env.account("ann"), id_of(env, NEW)
        env.clock.advance(seconds=1)
        run_command(env, *ERASE, NEW)
        after, names = env.account(f"erased:{ann}"), CMSUser.__table__.c.keys()
        assert {name for name in names if getattr(before, name) is None} == {"erased_at"}
        unchanged = {name for name in names if getattr(before, name) == getattr(after, name)}
        assert unchanged == {"id", "created_at"}
        assert (after.has_second_factor, after.user_handle, after.factor_required_at) == (False, None, None)

    def test_every_budget_of_the_account_is_deleted(self, env: Environment) -> None:
        live(env)
        ann, source = id_of(env, NEW), "".join(path.read_text() for path in (ROOT / "accounts").glob("**/*.py"))
        kinds = set(re.findall(r'Limit\(f"([\w-]+):user:', source))
        assert {"sends", "tries", "invitations", "second-factor", "password-links"} <= kinds
        keys = {Limit(f"{kind}:user:{ann}", 0, 0).key for kind in kinds}
        with env.app.app_context():
            for key in keys - set(db.session.scalars(select(Budget.key))):
                db.session.add(Budget(key=key, used=1, used_at=env.clock.now(), resets_at=env.clock.now()))
            db.session.commit()
        run_command(env, *ERASE, NEW)
        assert keys & {each for (each,) in env.rows(select(Budget.key))} == set()

    def test_the_history_still_says_which_second_factors_were_used(self, sqlite_env: Environment) -> None:
        live(sqlite_env)
        ann = id_of(sqlite_env, NEW)
        run_command(sqlite_env, *ERASE, NEW)
        told = {row.event: row.detail for row in history(sqlite_env, ann)}
        assert told["passkey_added"] == {}
        assert told["second_factor_wrong"] == {"kind": "recovery_code"}
        assert told["factor_reset_started"] == {"by": "boss"}

    def test_a_reset_that_waited_does_nothing_after_the_erasure(self, env: Environment) -> None:
        live(env)
        ann = id_of(env, NEW)
        run_command(env, *ERASE, NEW)
        rows = len(history(env, ann))
        env.clock.advance(days=1, minutes=1)
        env.deliver()
        assert len(history(env, ann)) == rows
        assert env.account("bob").has_second_factor

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
        undo, stop = env.links_to(ANN, "undo")[-1], env.links_to(NEW, "resetemail/stop")[-1]
        stop_reset, waiting = env.links_to(NEW, "factor_reset/stop")[-1], sign_in_first_step(env, NEW)
        link = env.links_to(NEW, "forgotpwd")[-1]
        user_id = id_of(env, NEW)
        boss = env.signed_in(BOSS)
        run_command(env, *ERASE, NEW)
        assert ann.get_as_script().status == 401
        for email in (ANN, NEW):
            assert env.visitor(email).sign_in().status == 400
        visitor = env.visitor()
        assert [visitor.post(each).status for each in (undo, stop, stop_reset)] == [410] * 3
        assert second_step(waiting, code="123456").error == "sign_in_expired"
        chosen = {"password": "a river and a hill", "repetition": "a river and a hill"}
        assert visitor.post(link, chosen).status == 410
        on_factors = "reset_factors", "cancel_factor_reset"
        for action in ("enable", "disable", "end_sessions", "send_password_link", "drop_change", *on_factors):
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
        acted = [each["event"] for each in copy["actions_on_other_accounts"]]
        assert acted == ["sessions_ended", "factor_reset_started", "change_started"]
        assert [each["name"] for each in copy["passkeys"]] == ["Phone of Ann"]
        assert [bool(each["confirmed_at"]) for each in copy["authenticator_apps"]] == [True]
        assert (len(copy["recovery_codes"]), copy["recovery_codes_left"]) == (10, 10)
        assert len(copy["pending_sign_ins"]) == 1
        assert [each["reason"] for each in copy["factor_resets"]] == ["lost her phone", "because"]
        assert account["has_second_factor"] is True
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
        assert account.user_handle
        secrets.append(account.user_handle)
        for columns in (
            *((Passkey.credential, Passkey.credential_hash), (AuthenticatorApp.secret,), (PendingSignIn.token_hash,)),
            *((RecoveryCode.salt, RecoveryCode.code_hash), (FactorReset.stop_hash,)),
        ):
            found = [each for row in env.rows(select(*columns)) for each in row]
            assert found
            secrets += found
        secrets += [each for (each,) in env.rows(select(Audit.chain))]
        secrets += [mail for (mail,) in env.rows(db.text("SELECT body FROM mail WHERE body <> ''"))]
        assert not [secret for secret in secrets if secret in copy]
        assert not re.search(r"(?<!evt_)[0-9a-f]{32}|[\w-]{40}|argon2", copy)  # The id of an event is not secret.

    def test_every_column_is_copied_or_left_out_on_purpose(self) -> None:
        copied = {table for table, _, _ in COPIED}
        assert copied | NOT_COPIED == set(db.metadata.tables)
        for table, columns, left_out in COPIED:
            assert sorted([*columns, *left_out.split()]) == sorted(db.metadata.tables[table].c.keys()), table

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
