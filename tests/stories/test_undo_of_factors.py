"""The old address undoes a change: second factors that a thief has added are removed, those of the owner are kept."""

import pytest
from sqlalchemy import select

from models import AuthenticatorApp, FactorReset, Passkey, PendingSignIn, RecoveryCode
from tests.actors import Person, html_of, text_of
from tests.authenticators import Authenticator, options_on
from tests.environments import Environment
from tests.interleaving import run_before_the_lock
from tests.stories.admin_steps import act, history, id_of, superuser
from tests.stories.factor_steps import add_passkey, set_up_app
from tests.stories.test_factor_reset import with_passkey

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
NEW_PASSWORD = "a quite different phrase"


def take_over(env: Environment, thief: Person) -> str:
    """Change the address as a thief who has the session of the owner, and return the undo link."""
    env.deliver()
    env.clock.advance(minutes=1)
    assert thief.ask(EVE).status == 200
    assert thief.confirm(EVE, env.code_to(EVE)).status == 200
    thief.discard_token()
    return env.links_to(ANN, "undo")[-1]


def undo(env: Environment, link: str) -> str:
    """Undo the change, and return the text of the mail to the restored address."""
    env.deliver()
    env.clock.advance(seconds=1)
    assert env.visitor().post(link).status == 200
    return text_of(env.mail_to(ANN)[-1])


def set_password(env: Environment) -> None:
    """Set a new password with the link in the mail."""
    link = env.links_to(ANN, "forgotpwd")[-1]
    assert env.visitor().post(link, {"password": NEW_PASSWORD, "repetition": NEW_PASSWORD}).status == 200


def sign_in_with(env: Environment, device: Authenticator) -> str | None:
    """Sign in with a passkey alone, and return the error word, if it was refused."""
    env.clock.advance(seconds=1)
    visitor = env.visitor()
    signed = device.sign(options_on(visitor.page("/cms/login/").text))
    return visitor.post("/cms/login/passkey/", {"passkey": signed}).error


def passkey_id(env: Environment, name: str) -> int:
    """Return the id of the passkey with this name."""
    return int(env.rows(select(Passkey.id).where(Passkey.name == name))[0][0])


class TestThief:
    """A thief has the session of the owner, freshly proved."""

    def test_a_passkey_that_the_thief_enrolled_is_removed_and_the_owners_is_kept(self, env: Environment) -> None:
        thief, phone, codes = with_passkey(env)
        link = take_over(env, thief)
        key, _ = add_passkey(thief, "Backup key")
        assert sign_in_with(env, key) is None
        told = undo(env, link)
        assert "Backup key" in told
        assert "Phone" in told
        assert sign_in_with(env, key) == "passkey_refused"
        assert thief.get_as_script().error == "sign_in_required"
        assert sign_in_with(env, phone) is None
        set_password(env)
        owner = env.visitor(ANN)
        assert owner.sign_in(password=NEW_PASSWORD).data == {"next": "/cms/login/second/"}
        assert owner.post("/cms/login/second/", {"recovery_code": codes[0]}).status == 200
        (row,) = [each for each in history(env, id_of(env, ANN)) if each.event == "factors_removed"]
        assert row.detail == {"passkeys": ["Backup key"]}

    def test_a_passkey_between_the_request_and_the_change_is_removed_as_well(self, env: Environment) -> None:
        thief = env.person()
        env.clock.advance(minutes=1)
        assert thief.ask(EVE).status == 200
        key, _ = add_passkey(thief)
        assert thief.confirm(EVE, env.code_to(EVE)).status == 200
        undo(env, env.links_to(ANN, "undo")[-1])
        assert sign_in_with(env, key) == "passkey_refused"
        set_password(env)
        assert env.visitor(ANN).sign_in(password=NEW_PASSWORD).data["next"] == "/cms/"
        assert env.rows(select(RecoveryCode.id)) == []

    def test_new_recovery_codes_and_an_app_of_the_thief_are_removed(self, env: Environment) -> None:
        thief, phone, owned = with_passkey(env)
        link = take_over(env, thief)
        stolen = thief.post("/cms/security/recovery_codes/").data["recovery_codes"]
        app = set_up_app(thief)
        assert thief.post("/cms/security/app/", {"code": app.at(env.clock.now())}).status == 200
        told = undo(env, link)
        for text in ("验证器应用", "恢复代码"):
            assert text in told
        set_password(env)
        owner = env.visitor(ANN)
        assert owner.sign_in(password=NEW_PASSWORD).data == {"next": "/cms/login/second/"}
        for code in (stolen[0], owned[0]):
            assert owner.post("/cms/login/second/", {"recovery_code": code}).error == "second_factor_wrong"
        env.clock.advance(seconds=30)
        refused = owner.post("/cms/login/second/", {"code": app.at(env.clock.now())})
        assert refused.error == "second_factor_wrong"
        assert sign_in_with(env, phone) is None
        (row,) = [each for each in history(env, id_of(env, ANN)) if each.event == "factors_removed"]
        assert row.detail == {"others": ["app", "recovery_codes"]}

    def test_an_app_that_the_owner_had_begun_to_set_up_is_removed_if_the_thief_completed_it(
        self, env: Environment
    ) -> None:
        """Its secret was stored before the change, and the thief has read it on the page."""
        thief = env.person()
        app = set_up_app(thief)
        link = take_over(env, thief)
        assert thief.post("/cms/security/app/", {"code": app.at(env.clock.now())}).status == 200
        undo(env, link)
        assert env.rows(select(AuthenticatorApp.id)) == []
        assert not env.account("ann").has_second_factor

    def test_a_secret_that_waits_for_its_first_code_is_removed(self, env: Environment) -> None:
        thief = env.person()
        set_up_app(thief)
        undo(env, take_over(env, thief))
        assert env.rows(select(AuthenticatorApp.id)) == []

    def test_a_factor_that_the_thief_removed_is_lost_and_the_mail_says_so(self, env: Environment) -> None:
        thief, phone, _ = with_passkey(env)
        link = take_over(env, thief)
        assert thief.post(f"/cms/security/passkeys/{passkey_id(env, 'Phone')}/remove/").status == 200
        thief.discard_token()
        key, _ = add_passkey(thief, "Mine")
        told = undo(env, link)
        assert "Mine" in told
        assert "无法恢复" in told
        for device in (key, phone):
            assert sign_in_with(env, device) == "passkey_refused"
        assert not env.account("ann").has_second_factor

    def test_a_passkey_from_before_the_change_is_kept_and_named(self, env: Environment) -> None:
        """A passkey signs in alone, so the owner must know of every one that is left."""
        thief = env.person()
        key, _ = add_passkey(thief, "Long before")
        env.clock.advance(hours=1)
        assert thief.reauth(recovery_code="").error == "second_factor_wrong"
        told_at = env.mail_to(ANN)[-1]
        assert "Long before" in text_of(told_at)
        thief = env.visitor(ANN)
        signed = key.sign(options_on(thief.page("/cms/login/").text))
        assert thief.post("/cms/login/passkey/", {"passkey": signed}).status == 200
        thief.discard_token()
        told = undo(env, take_over(env, thief))
        assert "Long before" in told

    def test_sign_ins_that_wait_for_a_second_step_end(self, env: Environment) -> None:
        thief, _, codes = with_passkey(env)
        link = take_over(env, thief)
        waiting = env.visitor(EVE)
        assert waiting.sign_in().data == {"next": "/cms/login/second/"}
        undo(env, link)
        assert env.rows(select(PendingSignIn.id)) == []
        assert waiting.post("/cms/login/second/", {"recovery_code": codes[0]}).error == "sign_in_expired"

    def test_a_passkey_that_is_added_while_the_change_is_undone_does_not_outlast_it(self, env: Environment) -> None:
        thief, _, _ = with_passkey(env)
        link = take_over(env, thief)
        options = thief.post("/cms/security/passkeys/options/").data["options"]
        device, visitor = Authenticator("http://localhost"), env.visitor()
        made = {"passkey": device.create(options), "name": "Late"}
        visitor.token()
        with run_before_the_lock(lambda: visitor.post(link)):
            assert thief.post("/cms/security/passkeys/", made).error == "sign_in_required"
        assert [name for (name,) in env.rows(select(Passkey.name))] == ["Phone"]

    def test_the_pages_say_what_happens_to_second_factors(self, env: Environment) -> None:
        thief, _, _ = with_passkey(env)
        link, visitor = take_over(env, thief), env.visitor(script=False)
        visitor.browser.headers["Accept-Language"] = "en"
        assert "that were added since the change was requested will be removed" in visitor.page(link).text
        answer = visitor.post(link)
        assert "that were added since the change was requested were removed" in answer.text

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("<b>bold</b>", "b bold b"),
            ('a "quoted" & name', "a quoted & name"),
            ("Win at https://evil.example/x", "Win at https evil example x"),
        ],
    )
    def test_the_name_of_a_passkey_is_text_without_links_in_every_mail(
        self, env: Environment, name: str, shown: str
    ) -> None:
        thief, _, _ = with_passkey(env)
        link = take_over(env, thief)
        add_passkey(thief, name)
        told = [env.mail_to(ANN)[-1], env.mail_to(EVE)[-1]]
        undo(env, link)
        for mail in (*told, env.mail_to(ANN)[-1]):
            assert shown in text_of(mail)
            assert name not in text_of(mail)
            assert shown.replace("&", "&amp;") in html_of(mail)
            assert "evil.example" not in html_of(mail)

    def test_the_former_address_is_told_of_every_second_factor_and_how_to_undo_the_change(
        self, env: Environment
    ) -> None:
        """A thief who has moved the account to a mailbox of theirs cannot add a passkey unnoticed."""
        thief, _, codes = with_passkey(env)
        env.update_account(ANN, language="en")
        take_over(env, thief)
        add_passkey(thief, "Mine")
        assert thief.post(f"/cms/security/passkeys/{passkey_id(env, 'Phone')}/remove/").status == 200
        assert thief.reauth(recovery_code=codes[0]).status == 200
        assert thief.post("/cms/security/recovery_codes/").status == 200
        expected = [
            *("A passkey was added to your account", "A passkey was removed from your account"),
            *("A recovery code of your account was used", "New recovery codes were created for your account"),
        ]
        told = env.mail_to(ANN)[-4:]  # In any order, because they were sent at the same time.
        assert sorted(str(mail["Subject"]) for mail in told) == expected
        assert sorted(str(mail["Subject"]) for mail in env.mail_to(EVE)[-4:]) == expected
        for mail in told:
            assert "undo the change of your email address with the link" in text_of(mail)
        assert "undo the change" not in text_of(env.mail_to(EVE)[-1])

    def test_the_mail_says_which_second_factors_and_recovery_codes_were_used_in_the_meantime(
        self, env: Environment
    ) -> None:
        thief, phone, codes = with_passkey(env)
        env.update_account(ANN, language="en")
        app = set_up_app(thief)
        assert thief.post("/cms/security/app/", {"code": app.at(env.clock.now())}).status == 200
        env.clock.advance(minutes=1)
        link = take_over(env, thief)
        thief.email = EVE
        assert thief.reauth(recovery_code=codes[0]).status == 200
        assert thief.reauth(recovery_code=codes[1]).status == 200
        assert sign_in_with(env, phone) is None
        told = undo(env, link)
        assert "Used in the meantime to sign in or to confirm that it is you: Phone, 2 recovery codes." in told

    def test_the_mail_does_not_say_that_anything_was_used_before_the_change(self, env: Environment) -> None:
        thief, phone, codes = with_passkey(env)
        env.update_account(ANN, language="en")
        assert thief.reauth(recovery_code=codes[0]).status == 200
        assert sign_in_with(env, phone) is None
        env.clock.advance(minutes=1)
        assert "Used in the meantime" not in undo(env, take_over(env, thief))


class TestResets:
    """Removals of second factors that were started in the meantime."""

    def test_a_reset_that_the_thief_started_for_another_is_withdrawn(self, env: Environment) -> None:
        with_passkey(env, BOB)
        thief = superuser(env, ANN)
        link = take_over(env, thief)
        assert act(thief, env, BOB, "reset_factors", "trust me").status == 200
        told = undo(env, link)
        assert "bob" in told
        assert history(env, id_of(env, BOB))[-1].event == "factor_reset_withdrawn"
        env.clock.advance(days=1)
        env.deliver()
        assert env.account("bob").has_second_factor

    def test_a_reset_that_the_thief_asked_another_superuser_for_is_stopped(self, env: Environment) -> None:
        thief, _, _ = with_passkey(env)
        link = take_over(env, thief)
        boss = superuser(env)
        assert act(boss, env, EVE, "reset_factors", "says the phone is lost").status == 200
        assert "发起的移除两步验证已被阻止" in undo(env, link)
        assert env.rows(select(FactorReset.outcome)) == [("stopped",)]
        env.clock.advance(days=1)
        env.deliver()
        assert env.account("ann").has_second_factor

    def test_the_old_address_gets_the_link_that_stops_a_reset(self, env: Environment) -> None:
        thief, _, _ = with_passkey(env)
        take_over(env, thief)
        assert act(superuser(env), env, EVE, "reset_factors", "says the phone is lost").status == 200
        (link,) = env.links_to(ANN, "factor_reset/stop")
        assert env.visitor().post(link).status == 200
        assert env.rows(select(FactorReset.outcome)) == [("stopped",)]

    def test_a_reset_from_before_the_change_is_kept(self, env: Environment) -> None:
        with_passkey(env)
        assert act(superuser(env), env, ANN, "reset_factors", "lost").status == 200
        env.clock.advance(minutes=1)
        undo(env, take_over(env, env_thief(env)))
        assert env.rows(select(FactorReset.outcome)) == [("",)]


def env_thief(env: Environment) -> Person:
    """Return a thief in a session that began before the second factor: it is freshly proved."""
    env.update_account(ANN, has_second_factor=False)
    thief = env.signed_in(ANN)
    env.update_account(ANN, has_second_factor=True)
    return thief


def test_an_app_is_used_again_after_an_undo(env: Environment) -> None:
    ann = env.person()
    app = set_up_app(ann)
    assert ann.post("/cms/security/app/", {"code": app.at(env.clock.now())}).status == 200
    ann.discard_token()
    told = undo(env, take_over(env, ann))
    assert "验证器应用" in told
    set_password(env)
    env.clock.advance(seconds=30)
    owner = env.visitor(ANN)
    assert owner.sign_in(password=NEW_PASSWORD).data == {"next": "/cms/login/second/"}
    assert owner.post("/cms/login/second/", {"code": app.at(env.clock.now())}).status == 200
