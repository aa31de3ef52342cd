"""The second step of a sign-in, and the proof of a second factor in a session."""

import html
import re

import pytest
from sqlalchemy import select

from accounts.factors import passkeys
from accounts.factors.passkeys import Site
from models import Budget, LoginSession, Mail, PendingSignIn
from tests.actors import PASSWORD, WITHOUT_BODY, Answer, Person, text_of
from tests.authenticators import options_on
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, act, history, id_of, superuser
from tests.stories.factor_steps import (
    ORIGIN,
    add_app,
    add_passkey,
    code_of,
    second_step,
    sign_in_first_step,
    wrong_code,
)
from tests.work import record_steps

ANN, NEW, OTHER = "ann@example.com", "new@example.com", "another password of mine"


def is_signed_in(person: Person) -> bool:
    """Return whether a person can open a page that requires a session."""
    return person.get_as_script().status == 200


def events_of(env: Environment, email: str = ANN) -> list[str]:
    """Return the names of the events in the history of an account."""
    return [row.event for row in history(env, id_of(env, email))]


def test_an_administrator_signs_in_with_each_kind_of_second_factor(env: Environment) -> None:
    ann = env.person(ANN)
    phone, codes = add_passkey(ann)
    app, _ = add_app(env, ann)
    assert ann.sign_out().status == 200
    assert ann.sign_in().data == {"next": "/cms/login/second/"}
    assert ann.get_as_script().error == "sign_in_required"
    assert second_step(ann, code=code_of(env, app)).data == {"next": "/cms/"}
    assert is_signed_in(ann)
    sign_in_first_step(env, ANN, ann)
    assert second_step(ann, recovery_code=codes[3]).data == {"next": "/cms/"}
    assert is_signed_in(ann)
    sign_in_first_step(env, ANN, ann)
    signed = phone.sign(options_on(ann.page("/cms/login/second/").text))
    assert second_step(ann, passkey=signed).data == {"next": "/cms/"}
    assert is_signed_in(ann)
    ann.sign_out()
    env.clock.advance(seconds=1)  # A passkey accepts challenges only in the order in which they were issued.
    signed = phone.sign(options_on(ann.page("/cms/login/").text))
    assert ann.post("/cms/login/passkey/", {"passkey": signed}).status == 200
    ann.discard_token()
    assert is_signed_in(ann)
    factors = [row.detail["factor"] for row in history(env, id_of(env, ANN)) if row.detail.get("factor")]
    assert factors == ["app", "recovery_code", "passkey", "passkey"]


def test_without_scripts_a_code_and_a_recovery_code_work(env: Environment) -> None:
    env.administrator(ANN)
    app, codes = add_app(env, env.signed_in(ANN))
    for fields in ({"code": code_of(env, app)}, {"recovery_code": codes[0]}):
        ann = env.visitor(ANN, script=False)
        page = ann.sign_in()
        assert (page.status, page.path) == (200, "/cms/login/second/")
        assert 'name="code"' in page.text
        assert ann.post("/cms/login/second/", fields).path == "/cms/"


@pytest.mark.parametrize(("field", "name"), [("code", "code"), ("recovery_code", "recovery code")])
def test_an_incorrect_code_is_reported_at_its_field_with_the_tries_left(
    env: Environment, field: str, name: str
) -> None:
    env.administrator(ANN)
    app, _ = add_app(env, env.signed_in(ANN))
    ann = env.visitor(ANN, script=False)
    ann.browser.headers["Accept-Language"] = "en"
    ann.sign_in()
    fields = {"code": wrong_code(env, app)} if field == "code" else {"recovery_code": "00000-00000"}
    page = ann.post("/cms/login/second/", fields)
    assert page.status == 400
    errors = re.search(rf'id="{field}-errors".*?</div>', page.text, re.DOTALL)
    assert errors
    assert f"<p>The {name} is incorrect or has already been used. 9 tries left.</p>" in errors[0]
    assert "<title>Error: Two-step verification" in page.text
    assert fields[field] not in page.text


def test_stay_signed_in_is_kept_across_the_second_step(env: Environment) -> None:
    app, _ = add_app(env, env.person(ANN))
    for remember, remembered in (("", False), ("y", True)):
        ann = sign_in_first_step(env, ANN, **({"remember": remember} if remember else {}))
        answer = second_step(ann, code=code_of(env, app))
        cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("session="))
        assert ("Expires=" in cookie) == remembered
        env.clock.advance(seconds=30)
    rows = env.rows(select(LoginSession.remembered).order_by(LoginSession.id))
    assert [row.remembered for row in rows][-2:] == [False, True]


def test_the_target_of_the_sign_in_is_kept_across_the_second_step(env: Environment) -> None:
    app, _ = add_app(env, env.person(ANN))
    ann = env.visitor(ANN)
    to = ann.sign_in(next="/cms/profile/").data["next"]
    assert 'value="/cms/profile/"' in ann.page(to).text
    assert second_step(ann, code=code_of(env, app), next="/cms/profile/").data == {"next": "/cms/profile/"}
    foreign = sign_in_first_step(env, ANN)
    env.clock.advance(seconds=30)
    assert second_step(foreign, code=code_of(env, app), next="//evil.example/").data == {"next": "/cms/"}


class TestFirstStep:
    """The state after a correct password."""

    def test_it_is_no_session(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        rules = [rule for rule in env.app.url_map.iter_rules() if str(rule).startswith("/cms/")]
        views = env.app.view_functions
        closed = [rule for rule in rules if not getattr(views[rule.endpoint], "open_to_all", False)]
        assert len(closed) > 30
        for rule in closed:
            path = re.sub(r"<[^>]+>", "1", str(rule))
            answer = ann.get_as_script(path) if "GET" in (rule.methods or ()) else ann.post(path)
            assert answer.status == 401, path
            assert path == WITHOUT_BODY or answer.error == "sign_in_required", path

    def test_its_cookie_contains_only_a_random_token_which_is_stored_as_a_hash(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        interface = env.app.session_interface
        serializer = interface.get_signing_serializer(env.app)  # type: ignore[attr-defined]
        content = serializer.loads(ann.browser.cookies["session"])
        assert set(content) == {"csrf_token", "pending_sign_in"}
        assert len(content["pending_sign_in"]) == 43
        (row,) = env.rows(select(PendingSignIn.token_hash))
        assert content["pending_sign_in"] not in str(row)

    def test_another_browser_cannot_continue_it(self, env: Environment) -> None:
        app, _ = add_app(env, env.person(ANN))
        sign_in_first_step(env, ANN)
        other = env.visitor(ANN)
        assert second_step(other, code=code_of(env, app)).error == "sign_in_expired"

    def test_it_is_used_once(self, env: Environment) -> None:
        app, codes = add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        copy = dict(ann.browser.cookies)
        assert second_step(ann, code=code_of(env, app)).status == 200
        ann.browser.cookies = copy
        assert second_step(ann, recovery_code=codes[0]).error == "sign_in_expired"
        assert env.rows(select(PendingSignIn.id)) == []

    def test_it_ends_after_ten_minutes(self, env: Environment) -> None:
        app, _ = add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        env.clock.advance(seconds=599)
        assert ann.page("/cms/login/second/").path == "/cms/login/second/"
        env.clock.advance(seconds=1)
        answer = second_step(ann, code=code_of(env, app))
        assert (answer.status, answer.error) == (410, "sign_in_expired")

    @pytest.mark.parametrize("change", ["password", "link", "address", "disabled", "removed"])
    def test_it_ends_when_the_account_changes(self, env: Environment, change: str) -> None:
        boss, owner = superuser(env), env.person(ANN)
        app, _ = add_app(env, owner)
        code = code_of(env, app)
        thief = sign_in_first_step(env, ANN)
        if change == "password":
            new = {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER}
            assert owner.post("/cms/resetpwd/", new).status == 200
        elif change == "link":
            env.visitor().post("/cms/forgotpwd/", {"email": ANN})
            new = {"password": OTHER, "repetition": OTHER}
            assert env.visitor().post(env.links_to(ANN, "forgotpwd")[-1], new).status == 200
        elif change == "address":
            owner.ask(NEW)
            assert owner.confirm(NEW, env.code_to(NEW)).status == 200
        elif change == "disabled":
            assert act(boss, env, ANN, "disable").status == 200
        else:
            assert owner.post("/cms/security/app/remove/").status == 200
        assert second_step(thief, code=code).error == "sign_in_expired"
        assert thief.page("/cms/login/second/").path.startswith("/cms/login/?expired=y")
        assert not is_signed_in(thief)

    def test_without_it_the_second_page_redirects_to_the_sign_in_page(self, env: Environment) -> None:
        visitor = env.visitor(script=False)
        assert visitor.page("/cms/login/second/?next=/cms/profile/").path == "/cms/login/?next=/cms/profile/"

    def test_after_its_end_the_sign_in_page_says_so(self, env: Environment) -> None:
        app, _ = add_app(env, env.person(ANN))
        for fields in ({"code": code_of(env, app)}, {"code": "malformed"}):
            ann = env.visitor(ANN, script=False)
            ann.browser.headers["Accept-Language"] = "en"
            ann.sign_in()
            env.clock.advance(minutes=10)
            for page in (ann.page("/cms/login/second/"), ann.post("/cms/login/second/", fields)):
                assert (page.status, page.path.partition("?")[0]) == (200, "/cms/login/")
                assert "Your sign-in has expired. Sign in again." in page.text

    def test_a_form_that_was_submitted_twice_signs_in_once(self, env: Environment) -> None:
        """The second response must not replace the cookie of the session."""
        app, _ = add_app(env, env.person(ANN))
        ann = env.visitor(ANN, script=False)
        ann.sign_in()
        before, token = dict(ann.browser.cookies), ann.token()
        fields = {"code": code_of(env, app)}
        assert ann.post("/cms/login/second/", fields, token=token).path == "/cms/"
        session = ann.browser.cookies["session"]
        ann.browser.cookies = before
        again = ann.browser.send(
            "POST",
            "/cms/login/second/",
            f"code={fields['code']}&csrf_token={token}".encode(),
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"},
        )
        assert again.status == 303
        assert not again.headers.getlist("Set-Cookie")
        ann.browser.cookies["session"] = session
        assert is_signed_in(ann)

    def test_giving_it_up_ends_it(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        assert ann.post("/cms/login/second/cancel/").data == {"next": "/cms/login/"}
        assert env.rows(select(PendingSignIn.id)) == []
        assert env.visitor().post("/cms/login/second/cancel/").data == {"next": "/cms/login/"}

    def test_giving_it_up_keeps_the_target(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN, next="/cms/profile/?a=1&b=2")
        page = ann.page("/cms/login/second/?next=/cms/profile/%3Fa%3D1%26b%3D2").text
        (form,) = [part for part in page.split("<form")[1:] if "/cms/login/second/cancel/" in part]
        (target,) = re.findall(r'name="next"[^>]* value="([^"]*)"', form)
        ann.script = False
        again = ann.post("/cms/login/second/cancel/", {"next": html.unescape(target)})
        assert (again.status, again.path.partition("?")[0]) == (200, "/cms/login/")
        assert 'name="next" value="/cms/profile/?a=1&amp;b=2"' in again.text

    @pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example/", "x" * 5000, ""])
    def test_giving_it_up_leads_to_no_other_site(self, env: Environment, target: str) -> None:
        add_app(env, env.person(ANN))
        for person in (sign_in_first_step(env, ANN), env.visitor()):
            answer = person.post("/cms/login/second/cancel/", {"next": target})
            assert answer.data == {"next": "/cms/login/"}

    def test_a_link_to_set_a_password_does_not_replace_the_second_factor(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        env.visitor().post("/cms/forgotpwd/", {"email": ANN})
        thief = env.visitor(ANN)
        link = env.links_to(ANN, "forgotpwd")[-1]
        assert thief.post(link, {"password": OTHER, "repetition": OTHER}).status == 200
        thief.discard_token()
        assert thief.sign_in(password=OTHER).data == {"next": "/cms/login/second/"}
        assert not is_signed_in(thief)


class TestTries:
    """The budget of incorrect codes."""

    def test_ten_incorrect_codes_a_day_are_compared_and_the_last_one_is_mailed(self, env: Environment) -> None:
        app, codes = add_app(env, env.person(ANN))
        env.update_account(ANN, language="en")
        answers = []
        for number in range(12):
            thief = sign_in_first_step(env, ANN)
            wrong = {"code": wrong_code(env, app)} if number % 2 else {"recovery_code": "00000-00000"}
            answers.append(second_step(thief, **wrong))
        assert [answer.error for answer in answers] == ["second_factor_wrong"] * 10 + ["too_many_requests"] * 2
        assert [answer.data["tries_left"] for answer in answers[:10]] == list(range(9, -1, -1))
        assert 86300 <= answers[-1].data["retry_after"] <= 86400
        ann = sign_in_first_step(env, ANN)
        assert second_step(ann, code=code_of(env, app)).error == "too_many_requests"
        assert second_step(ann, recovery_code=codes[0]).error == "too_many_requests"
        told = [mail for mail in env.mail_to(ANN) if "Too many incorrect codes" in str(mail["Subject"])]
        assert len(told) == 1
        assert "By: someone who knows the password" in text_of(told[0])
        env.clock.advance(days=1)
        assert second_step(sign_in_first_step(env, ANN), code=code_of(env, app)).status == 200

    def test_a_passkey_works_when_the_tries_are_spent(self, env: Environment) -> None:
        ann = env.person(ANN)
        phone, _ = add_passkey(ann)
        waiting = sign_in_first_step(env, ANN)
        for _ in range(10):
            assert second_step(waiting, recovery_code="00000-00000").error == "second_factor_wrong"
        env.clock.advance(seconds=1)
        signed = phone.sign(options_on(waiting.page("/cms/login/second/").text))
        assert second_step(waiting, passkey=signed).status == 200

    def test_strangers_without_the_password_cannot_spend_them(self, env: Environment) -> None:
        app, _ = add_app(env, env.person(ANN))
        stranger = env.visitor(ANN)
        for _ in range(20):
            stranger.sign_in(password="guess")
            assert second_step(stranger, code="123456").error == "sign_in_expired"
        env.clock.advance(minutes=15)
        ann = sign_in_first_step(env, ANN)
        assert second_step(ann, code=wrong_code(env, app)).data["tries_left"] == 9

    def test_a_correct_code_is_not_counted(self, env: Environment) -> None:
        app, _ = add_app(env, env.person(ANN))
        for _ in range(12):
            assert second_step(sign_in_first_step(env, ANN), code=code_of(env, app)).status == 200
            env.clock.advance(seconds=30)

    def test_sessions_share_them_with_the_second_step(self, env: Environment) -> None:
        ann = env.person(ANN)
        app, _ = add_app(env, ann)
        for _ in range(5):
            assert ann.reauth(code=wrong_code(env, app)).error == "second_factor_wrong"
        waiting = sign_in_first_step(env, ANN)
        assert second_step(waiting, code=wrong_code(env, app)).data["tries_left"] == 4

    def test_neither_a_flush_of_the_cache_nor_a_new_password_resets_them(self, env: Environment) -> None:
        ann = env.person(ANN)
        app, _ = add_app(env, ann)
        assert ann.reauth(code=wrong_code(env, app)).data["tries_left"] == 9
        env.clear_cache()
        new = {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER}
        assert ann.post("/cms/resetpwd/", new).status == 200
        ann.password = OTHER
        assert ann.reauth(code=wrong_code(env, app)).data["tries_left"] == 8


class TestPasswordStep:
    """The first step reveals nothing before the password was correct."""

    def test_an_incorrect_password_gets_the_same_response_and_work_with_and_without_a_second_factor(
        self, env: Environment
    ) -> None:
        env.administrator("plain@example.com")
        add_app(env, env.person(ANN))
        found = []
        assert env.visitor("first@example.com").sign_in().error == "wrong_credentials"
        for number, email in enumerate((ANN, "plain@example.com", "nobody@example.com")):
            visitor = env.visitor(email, network=f"198.51.100.{number}")
            visitor.token()
            answers = []
            with record_steps(env.app) as steps:
                answers += [visitor.sign_in(password="guess") for _ in range(12)]
            found.append(([(each.status, each.envelope) for each in answers], steps))
        assert found[0] == found[1] == found[2]

    def test_the_throttle_of_passwords_also_applies_to_accounts_with_a_second_factor(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        visitor = env.visitor(ANN, network="198.51.100.1")
        words = [visitor.sign_in(password="guess").error for _ in range(11)]
        assert words == ["wrong_credentials"] * 10 + ["too_many_requests"]
        assert visitor.sign_in().error == "too_many_requests"

    def test_a_disabled_account_gets_no_second_step(self, env: Environment) -> None:
        add_app(env, env.person(ANN))
        env.update_account(ANN, is_active=False)
        assert env.visitor(ANN).sign_in().error == "wrong_credentials"
        assert env.rows(select(PendingSignIn.id)) == []


class TestProofs:
    """A second factor is proved again in a session."""

    def test_each_method_proves_the_administrator(self, env: Environment) -> None:
        ann = env.person(ANN)
        phone, codes = add_passkey(ann)
        app, _ = add_app(env, ann)
        for kind in ("app", "recovery_code", "passkey"):
            env.clock.advance(minutes=11)
            refused = ann.post("/cms/security/sessions/end_others/")
            assert refused.error == "reauth_required"
            assert refused.data["methods"] == ["passkey", "password+app", "password+recovery_code"]
            site, actor = Site.of(ORIGIN), f"session {env.rows(select(LoginSession.id))[0][0]}"
            with env.app.test_request_context():
                assert site
                options = passkeys.request_options(site, "reauth", actor)
            proof = {
                "app": {"password": PASSWORD, "code": code_of(env, app)},
                "recovery_code": {"password": PASSWORD, "recovery_code": codes[0]},
                "passkey": {"passkey": phone.sign(options)},
            }
            assert ann.post("/cms/reauth/", proof[kind]).status == 200
            assert ann.post("/cms/security/sessions/end_others/").status == 200

    @pytest.mark.parametrize(
        "fields",
        [
            {"password": PASSWORD},
            {"password": PASSWORD, "code": "wrong"},
            {"password": PASSWORD, "recovery_code": "00000-00000"},
            {"code": "right"},
            {"password": "guess", "code": "right"},
        ],
    )
    def test_neither_the_password_nor_the_factor_alone_is_sufficient(
        self, env: Environment, fields: dict[str, str]
    ) -> None:
        ann = env.person(ANN)
        app, _ = add_app(env, ann)
        env.clock.advance(minutes=11)
        codes = {"right": code_of(env, app), "wrong": wrong_code(env, app)}
        answer = ann.post("/cms/reauth/", {name: codes.get(value, value) for name, value in fields.items()})
        assert answer.status == 400
        assert ann.post("/cms/security/sessions/end_others/").error == "reauth_required"

    def test_a_session_that_began_with_a_passkey_is_not_proved_by_the_password_alone(self, env: Environment) -> None:
        phone, codes = add_passkey(env.person(ANN))
        env.clock.advance(seconds=1)
        ann = env.visitor(ANN)
        signed = phone.sign(options_on(ann.page("/cms/login/").text))
        assert ann.post("/cms/login/passkey/", {"passkey": signed}).status == 200
        ann.discard_token()
        env.clock.advance(minutes=11)
        refused = ann.post("/cms/security/sessions/end_others/")
        assert (refused.error, refused.data["methods"]) == ("reauth_required", ["passkey", "password+recovery_code"])
        assert ann.reauth().error == "second_factor_wrong"
        assert ann.post("/cms/security/sessions/end_others/").error == "reauth_required"
        assert ann.reauth(recovery_code=codes[0]).status == 200
        assert ann.post("/cms/security/sessions/end_others/").status == 200

    def test_where_browsers_permit_no_passkeys_none_is_offered_as_a_proof(self, env: Environment) -> None:
        ann = env.person(ANN)
        add_passkey(ann)
        elsewhere = env.visitor(ANN, app=env.app_with(SITE_URL="https://192.0.2.1"))
        elsewhere.browser.cookies = dict(ann.browser.cookies)
        env.clock.advance(minutes=11)
        refused = elsewhere.post("/cms/security/sessions/end_others/")
        assert refused.data["methods"] == ["password+recovery_code"]
        means = elsewhere.get_as_script("/cms/reauth/").data
        assert means == {"methods": ["password+recovery_code"], "passkey": None}

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("/cms/security/recovery_codes/", {}),
            ("/cms/security/app/", {"code": "123456"}),
            ("/cms/security/passkeys/", {"passkey": "{}", "name": "Phone"}),
        ],
    )
    def test_slow_work_is_done_in_proved_sessions_only(
        self, env: Environment, path: str, fields: dict[str, str]
    ) -> None:
        """Ten recovery codes take as long to hash as ten passwords."""
        ann = env.person(ANN)
        env.clock.advance(minutes=11)
        ann.token()
        with record_steps(env.app) as steps:
            assert ann.post(path, fields).error == "reauth_required"
        assert [kind for kind, _ in steps if kind == "password"] == []

    def test_every_action_on_sign_in_requires_a_proof_with_the_second_factor(self, env: Environment) -> None:
        boss = superuser(env)
        app, _ = add_app(env, boss)
        env.clock.advance(minutes=11)
        other = env.administrator("other@example.com").id
        actions = {
            "/cms/security/passkeys/options/": {},
            "/cms/security/passkeys/1/rename/": {"name": "x"},
            "/cms/security/passkeys/1/remove/": {},
            "/cms/security/app/set_up/": {},
            "/cms/security/app/": {"code": "123456"},
            "/cms/security/app/replace/": {},
            "/cms/security/app/remove/": {},
            "/cms/security/recovery_codes/": {},
            "/cms/email_captcha/": {"email": NEW},
            "/cms/resetemail/": {"email": NEW, "captcha": "123456"},
            "/cms/resetpwd/": {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER},
            f"/cms/users/{other}/disable/": {"reason": "because"},
            "/cms/users/invite/": {"email": NEW, "role": "editor"},
        }
        for path, fields in actions.items():
            assert boss.post(path, fields).error == "reauth_required", path
        assert boss.reauth().error == "second_factor_wrong"
        for path, fields in actions.items():
            assert boss.post(path, fields).error == "reauth_required", path
        assert boss.reauth(code=code_of(env, app)).status == 200
        assert boss.post("/cms/email_captcha/", {"email": NEW}).status == 200

    def test_a_new_password_alone_is_no_proof_of_the_second_factor(self, env: Environment) -> None:
        ann = env.person(ANN)
        add_app(env, ann)
        env.clock.advance(minutes=9)
        new = {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER}
        assert ann.post("/cms/resetpwd/", new).status == 200
        env.clock.advance(minutes=2)
        assert ann.ask(NEW).error == "reauth_required"

    def test_the_page_of_a_new_password_asks_for_the_proof_first(self, env: Environment) -> None:
        ann = env.person(ANN)
        app, _ = add_app(env, ann)
        assert ann.page("/cms/resetpwd/").status == 200
        env.clock.advance(minutes=11)
        ann.script = False
        page = ann.page("/cms/resetpwd/")
        assert (page.status, 'name="resume" value=""' in page.text) == (401, True)
        fields = {"password": PASSWORD, "code": code_of(env, app), "next": "/cms/resetpwd/"}
        assert ann.post("/cms/reauth/", fields).path == "/cms/resetpwd/"

    def test_passwords_in_an_interrupted_form_are_not_sent_back(self, env: Environment) -> None:
        ann = env.person(ANN)
        add_app(env, ann)
        env.clock.advance(minutes=11)
        ann.script = False
        page = ann.post("/cms/resetpwd/", {"oldpwd": PASSWORD, "password": OTHER, "repetition": OTHER})
        assert page.status == 401
        assert PASSWORD not in page.text
        assert OTHER not in page.text


class TestMalformedInput:
    """Malformed fields get a clear response."""

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"code": "12345"},
            {"code": "1234567"},
            {"code": "x" * 10_000},
            {"code": "\0\0\0\0\0\0"},
            {"recovery_code": "x" * 41},
            {"passkey": "{"},
            {"passkey": "[]"},
            {"passkey": "x" * 20_000},
        ],
    )
    def test_the_second_step_answers_400(self, env: Environment, fields: dict[str, str]) -> None:
        add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        answer = second_step(ann, **fields)
        assert (answer.status, answer.error in ("invalid", "passkey_refused")) == (400, True), answer
        assert env.rows(select(Budget.used).where(Budget.used < 0)) == []

    @pytest.mark.parametrize("code", ["é-é", "０００００-０００００", "i" * 40])
    def test_any_text_is_an_incorrect_recovery_code(self, env: Environment, code: str) -> None:
        add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        answer = ann.post_raw("/cms/login/second/", b"recovery_code=" + code.encode())
        assert answer.error == "second_factor_wrong"


def test_the_first_second_factor_ends_all_other_sessions(env: Environment) -> None:
    ann, other = env.person(ANN), env.signed_in(ANN)
    add_app(env, ann)
    assert is_signed_in(ann)
    assert not is_signed_in(other)
    second, third = ann, sign_in_first_step(env, ANN)
    add_passkey(second)
    assert third.page("/cms/login/second/").path == "/cms/login/second/"
    assert len(env.rows(select(LoginSession.id))) == 1


def test_every_step_is_a_row_of_the_history_and_a_mail(env: Environment) -> None:
    env.administrator(ANN)
    env.update_account(ANN, language="en")
    ann = env.signed_in(ANN)
    _, codes = add_app(env, ann)
    add_passkey(ann, "My phone")
    (passkey,) = re.findall(r"/cms/security/passkeys/(\d+)/rename/", ann.page("/cms/security/").text)
    assert ann.post(f"/cms/security/passkeys/{passkey}/rename/", {"name": "Old phone"}).status == 200
    assert ann.reauth(recovery_code=codes[0]).status == 200
    assert len(ann.post("/cms/security/recovery_codes/").data["recovery_codes"]) == 10
    assert ann.post(f"/cms/security/passkeys/{passkey}/remove/").status == 200
    assert ann.post("/cms/security/app/remove/").status == 200
    assert events_of(env)[2:] == [
        *("app_added", "passkey_added", "passkey_renamed", "recovery_code_used", "password_proved"),
        *("recovery_codes_created", "passkey_removed", "app_removed"),
    ]
    assert {str(mail["Subject"]) for mail in env.mail_to(ANN)} == {
        "An authenticator app was added to your account",
        "A passkey was added to your account",
        "A recovery code of your account was used",
        "New recovery codes were created for your account",
        "A passkey was removed from your account",
        "The authenticator app was removed from your account",
    }
    page = ann.browser.send("GET", "/cms/security/", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    for text in ("My phone", "Old phone", "9 codes left", "with a recovery code"):
        assert text in page


def test_with_the_last_second_factor_the_recovery_codes_are_deleted(env: Environment) -> None:
    ann = env.person(ANN)
    add_app(env, ann)
    assert ann.post("/cms/security/app/remove/").status == 200
    assert not env.account("ann").has_second_factor
    assert ann.sign_out().status == 200
    assert ann.sign_in().data == {"next": "/cms/"}
    _, codes = add_app(env, ann)
    assert len(codes) == 10


def test_a_mail_of_a_second_factor_names_no_secret(env: Environment) -> None:
    ann = env.person(ANN)
    app, codes = add_app(env, ann)
    stored = " ".join(str(row) for row in env.rows(select(Mail.subject, Mail.body, Mail.html)))
    assert not any(secret in stored for secret in (app.secret, *codes))


def answer_of(answer: Answer) -> tuple[int, str | None]:
    """Return the status and the error word of a response."""
    return answer.status, answer.error


def test_a_superuser_signs_in_and_manages_with_a_second_factor(env: Environment) -> None:
    boss = superuser(env)
    app, _ = add_app(env, boss)
    sign_in_first_step(env, BOSS, boss)
    assert second_step(boss, code=code_of(env, app)).status == 200
    other = env.administrator("other@example.com")
    assert answer_of(boss.post(f"/cms/users/{other.id}/end_sessions/", {"reason": "because"})) == (200, None)
