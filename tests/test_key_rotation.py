"""`flask keys rotate-check` shows what depends on former keys, and its exit code says whether they can be removed."""

import itertools
import re
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from sqlalchemy import delete, update

from accounts import audit
from accounts.factors import authenticator_app
from accounts.operations import key_rotation
from accounts.signing import Key, audit_keys
from models import Audit, AuthenticatorApp, CMSUser, EmailChange, LoginSession, db
from tests.actors import Person
from tests.authenticators import options_on
from tests.environments import HERE, Environment
from tests.servers import PostgresServer, run_concurrently
from tests.stories.factor_steps import add_passkey, set_up_app
from tests.stories.test_rotation import on

NEW = "new@example.com"
SECOND, THIRD = "the second key of the tests", "the third key of the tests"


class Site:
    """An environment with the applications of a rotation."""

    def __init__(self, env: Environment) -> None:
        """Create an application with a new key, in which the key of the environment is a former one."""
        self.env = env
        self.first = env.settings["SECRET_KEY"].replace(",", r"\,")
        self.old, self.new = Key(env.settings["SECRET_KEY"]).id, Key(SECOND).id
        self.prepared = env.build(SECRET_KEY_FALLBACKS=SECOND)
        self.swapped = self.with_keys(SECRET_KEY_FALLBACKS=self.first)

    def with_keys(self, **settings: str) -> Flask:
        """Create an application with the new key and these settings."""
        return self.env.build(**{"SECRET_KEY": SECOND, **settings})


@pytest.fixture
def site(env: Environment) -> Site:
    """Provide a site."""
    return Site(env)


def check(app: Flask, *options: str) -> tuple[int, list[str]]:
    """Run the command, and return its exit code and the lines about former keys."""
    result = app.test_cli_runner().invoke(args=["keys", "rotate-check", *options])
    assert result.exit_code in (0, 1), result.output
    return result.exit_code, [line for line in result.output.splitlines() if " is SECRET_KEY" not in line]


def moment(env: Environment, **later: float) -> str:
    """Return a moment as the command prints it."""
    return f"{env.clock.now() + timedelta(**later):%Y-%m-%d %H:%M} UTC"


def test_without_a_former_key_nothing_has_to_wait(site: Site) -> None:
    site.env.person()
    rows = "2 rows, the last row of 1 accounts"
    assert check(site.env.app) == (
        0,
        [f"{site.old} is AUDIT_KEY (derived from SECRET_KEY): {rows}", "There are no former keys."],
    )


def test_a_former_key_is_needed_while_a_cookie_a_code_or_a_row_depends_on_it(site: Site) -> None:
    env = site.env
    ann = env.person()
    ann.ask(NEW)
    code, [_, *told] = check(site.swapped)
    assert (code, told) == (
        1,
        [
            f"{site.old} in SECRET_KEY_FALLBACKS is needed:",
            f"  sessions: 1, at the latest until {moment(env, hours=12)}",
            f"  codes: 1, at the latest until {moment(env, minutes=10)}",
            "  history: 3 rows, the last row of 1 accounts; add the key to AUDIT_KEY_FALLBACKS",
        ],
    )
    on(ann, site.swapped).reauth()
    env.clock.advance(seconds=601)
    code, [signs, *told] = check(site.swapped)
    assert signs == f"{site.new} is AUDIT_KEY (derived from SECRET_KEY): 1 rows, the last row of 1 accounts"
    assert (code, [line.strip().partition(":")[0] for line in told]) == (
        1,
        [f"{site.old} in SECRET_KEY_FALLBACKS is needed", "history"],
    )
    moved = site.with_keys(SECRET_KEY_FALLBACKS=site.first, AUDIT_KEY_FALLBACKS=site.first)
    code, [_, *told] = check(moved)
    assert (code, told) == (
        1,
        [
            f"{site.old} in SECRET_KEY_FALLBACKS can be removed.",
            f"{site.old} in AUDIT_KEY_FALLBACKS is needed:",
            "  history: 3 rows, the last row of 0 accounts",
        ],
    )
    assert check(moved, "--setting", "SECRET_KEY_FALLBACKS")[0] == 0
    assert check(moved, "--setting", "AUDIT_KEY_FALLBACKS")[0] == 1


def test_a_key_of_the_history_is_needed_until_its_rows_are_gone(site: Site) -> None:
    app = site.env.build(AUDIT_KEY=SECOND, AUDIT_KEY_FALLBACKS=THIRD)
    site.env.person(app=app)
    assert check(app)[0] == 0
    swapped = site.env.build(AUDIT_KEY=THIRD, AUDIT_KEY_FALLBACKS=SECOND)
    assert check(swapped)[0] == 1
    with site.env.app.app_context():
        db.session.execute(delete(Audit).where(Audit.key_id == site.new))
        db.session.commit()
    assert check(swapped)[0] == 0


@pytest.mark.parametrize("remember", ["", "y"], ids=["session", "stay signed in"])
def test_a_session_counts_until_its_idle_limit_or_at_most_its_age_limit(site: Site, remember: str) -> None:
    env, audit_key = site.env, {"AUDIT_KEY_FALLBACKS": site.first}
    idle, life = (timedelta(days=14), timedelta(days=30)) if remember else (timedelta(hours=1), timedelta(hours=12))
    env.administrator("ann@example.com")
    ann = env.visitor("ann@example.com")
    assert ann.sign_in(remember=remember).status == 200
    swapped = site.with_keys(SECRET_KEY_FALLBACKS=site.first, **audit_key)
    ends = f"{env.clock.now() + life:%Y-%m-%d %H:%M} UTC"

    def told() -> list[str]:
        return [line for line in check(swapped, "--setting", "SECRET_KEY_FALLBACKS")[1] if "sessions" in line]

    assert told() == [f"  sessions: 1, at the latest until {ends}"]
    env.clock.advance(seconds=idle.total_seconds() - 120)
    on(ann, swapped).page()
    env.clock.advance(seconds=120)
    assert told() == [f"  sessions: 1, at the latest until {ends}"]
    env.clock.advance(seconds=idle.total_seconds())
    assert told() == []
    assert ann.get_as_script().status == 401


def test_a_machine_that_still_signs_with_the_former_key_is_noticed(site: Site) -> None:
    swapped = site.with_keys(SECRET_KEY_FALLBACKS=site.first, AUDIT_KEY_FALLBACKS=site.first)
    site.env.person(app=swapped)
    assert check(swapped, "--setting", "SECRET_KEY_FALLBACKS")[0] == 0
    site.env.signed_in("ann@example.com", app=site.prepared)
    assert check(swapped, "--setting", "SECRET_KEY_FALLBACKS")[0] == 1


def test_what_an_older_version_stored_counts_for_every_former_key(site: Site) -> None:
    env = site.env
    ann = env.person()
    ann.ask(NEW)
    with env.app.app_context():
        db.session.execute(update(LoginSession).values(key_id=None))
        db.session.execute(update(EmailChange).values(nonce="0123456789abcdef" * 2))
        db.session.execute(update(Audit).values(key_id=None))
        db.session.commit()
    app = site.with_keys(SECRET_KEY_FALLBACKS=f"{THIRD},{site.first}")
    code, [_, *told] = check(app)
    third, first = (told.index(f"{key} in SECRET_KEY_FALLBACKS is needed:") for key in (Key(THIRD).id, site.old))
    assert code == 1
    assert [line.split(":")[0].strip() for line in told[third + 1 : first]] == ["sessions", "codes"]
    assert [line.split(":")[0].strip() for line in told[first + 1 :]] == ["sessions", "codes", "history"]
    assert "history: 3 rows, the last row of 1 accounts" in told[-1]


def test_rows_whose_key_is_missing_or_unknown_are_reported(site: Site) -> None:
    env = site.env
    env.person()
    app = site.with_keys()
    assert check(app)[1][1] == f"{site.old} is missing: 2 rows, the last row of 1 accounts cannot be verified"
    with env.app.app_context():
        db.session.execute(update(Audit).where(Audit.number == 2).values(key_id=None))
        db.session.commit()
    assert check(app)[1][2] == "1 rows name no key, and no key verifies them"


def test_a_key_that_is_listed_beside_itself_is_no_former_key(site: Site) -> None:
    site.env.person()
    app = site.env.build(SECRET_KEY_FALLBACKS=f"{site.first},{SECOND}", AUDIT_KEY_FALLBACKS=site.first)
    code, lines = check(app)
    assert (code, lines[1:]) == (0, [f"{site.new} in SECRET_KEY_FALLBACKS can be removed."])


def test_no_key_is_printed(site: Site) -> None:
    env = site.env
    env.person()
    said = site.swapped.test_cli_runner().invoke(args=["keys", "rotate-check"]).output
    assert SECOND not in said
    assert env.settings["SECRET_KEY"] not in said
    assert re.match(rf"{site.new} is SECRET_KEY\.\n", said)


def test_a_check_that_could_not_be_completed_exits_with_2(postgres_env: Environment, postgres: PostgresServer) -> None:
    app = postgres_env.build(SECRET_KEY_FALLBACKS=SECOND)
    postgres.stop()
    try:
        result = app.test_cli_runner().invoke(args=["keys", "rotate-check"])
    finally:
        postgres.start()
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert result.stderr.startswith("The check could not be completed: ")


def test_an_encryption_that_could_not_be_completed_exits_with_2(
    postgres_env: Environment, postgres: PostgresServer
) -> None:
    app = postgres_env.build(SECRET_KEY_FALLBACKS=SECOND)
    postgres.stop()
    try:
        result = app.test_cli_runner().invoke(args=["keys", "reencrypt"])
    finally:
        postgres.start()
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert result.stderr.startswith("Not completed (0 authenticator apps encrypted anew): ")


class TestVerification:
    """`flask audit verify` over a rotation."""

    @staticmethod
    def verify(app: Flask) -> tuple[int, str]:
        """Run the command."""
        result = app.test_cli_runner().invoke(args=["audit", "verify"])
        return result.exit_code, result.stdout

    WHOLE = 0, "Every history is intact.\n"

    def test_a_history_is_intact_before_during_and_after_a_rotation(self, site: Site) -> None:
        env = site.env
        ann = env.person()
        for app in (site.prepared, site.swapped, site.prepared, site.swapped):
            assert on(ann, app).reauth().status == 200
            assert on(ann, app).reauth("a wrong password").status != 200
            for verifying in (site.prepared, site.swapped):
                assert self.verify(verifying) == self.WHOLE
        assert self.verify(site.with_keys(AUDIT_KEY_FALLBACKS=site.first)) == self.WHOLE
        assert {key_id for (key_id,) in env.rows(db.select(Audit.key_id))} == {site.old, site.new}

    def test_a_history_gets_a_key_of_its_own_which_is_rotated_as_well(self, site: Site) -> None:
        env = site.env
        ann = env.person()
        apps = [
            env.build(AUDIT_KEY_FALLBACKS=SECOND),
            env.build(AUDIT_KEY=SECOND),
            env.build(AUDIT_KEY=SECOND, AUDIT_KEY_FALLBACKS=THIRD),
            env.build(AUDIT_KEY=THIRD, AUDIT_KEY_FALLBACKS=SECOND),
        ]
        for first, then in itertools.pairwise(apps):
            for app in (first, then, first):
                assert on(ann, app).reauth().status == 200
            assert self.verify(first) == self.verify(then) == self.WHOLE
        moved = env.build(SECRET_KEY="another", AUDIT_KEY=THIRD, AUDIT_KEY_FALLBACKS=f"{SECOND},{site.first}")
        assert self.verify(moved) == self.WHOLE

    def test_a_missing_key_is_named_once_for_each_account_and_later_rows_are_verified(self, site: Site) -> None:
        env = site.env
        ann = env.person()
        env.administrator("bob@example.com")
        on(ann, site.swapped).reauth()
        missing = f"key {site.old} is missing"
        told = f"ann@example.com: row 1: {missing}\nbob@example.com: row 1: {missing}\n"
        assert self.verify(site.with_keys()) == (1, told)
        with env.app.app_context():
            db.session.execute(update(Audit).where(Audit.key_id == site.new).values(network="x"))
            db.session.commit()
        told = told.replace("bob", "ann@example.com: row 3 was changed or is missing\nbob", 1)
        assert self.verify(site.with_keys()) == (1, told)

    def test_a_row_is_verified_with_the_key_that_it_names_and_no_other(self, site: Site) -> None:
        site.env.person()
        with site.env.app.app_context():
            db.session.execute(update(Audit).where(Audit.number == 2).values(key_id=site.new))
            db.session.commit()
        assert self.verify(site.swapped) == (1, "ann@example.com: row 2 was changed or is missing\n")
        assert self.verify(site.env.app) == (1, f"ann@example.com: row 2: key {site.new} is missing\n")

    def test_who_has_no_key_makes_no_row_that_names_one(self, site: Site) -> None:
        env = site.env
        env.administrator("ann@example.com")
        with env.build(SECRET_KEY="a key that nobody has configured").app_context():
            user = db.session.scalars(db.select(CMSUser)).one()
            audit.record(user, "renamed", HERE)
            forged = audit_keys().current.id
            db.session.commit()
        assert self.verify(site.swapped) == (1, f"ann@example.com: row 2: key {forged} is missing\n")


class TestAuthenticatorApps:
    """Secrets of authenticator apps are encrypted under the key that signs."""

    def add(self, site: Site, count: int = 1) -> dict[str, tuple[Person, pyotp.TOTP]]:
        """Create administrators with an authenticator app, set up before the rotation."""
        env, found = site.env, {}
        for number in range(count):
            email = f"user{number}@example.com"
            person = env.person(email)
            app = set_up_app(person)
            added = person.post("/cms/security/app/", {"code": app.at(env.clock.now())})
            assert added.status == 200, added
            person.discard_token()
            found[email] = person, app
        return found

    def sign_in(self, site: Site, app: Flask, email: str, totp: pyotp.TOTP) -> str | None:
        """Sign in on a machine with a code, and return the error word, if it was refused."""
        site.env.clock.advance(seconds=30)
        person = site.env.visitor(email, app=app)
        assert person.sign_in().status == 200
        return person.post("/cms/login/second/", {"code": totp.at(site.env.clock.now())}).error

    def keys_of(self, site: Site) -> list[str]:
        """Return the ids of the keys of all secrets."""
        return [key_id for (key_id,) in site.env.rows(db.select(AuthenticatorApp.key_id).order_by(AuthenticatorApp.id))]

    @staticmethod
    def encrypt(app: Flask) -> tuple[int, str]:
        """Run `flask keys reencrypt`."""
        result = app.test_cli_runner().invoke(args=["keys", "reencrypt"])
        return result.exit_code, result.output

    def test_an_app_counts_for_its_key_until_it_is_used_or_encrypted_anew(self, site: Site) -> None:
        apps = self.add(site, 3)
        site.env.clock.advance(days=60)  # The sessions have ended.
        former = f"{site.old} in SECRET_KEY_FALLBACKS is needed:"
        swapped = site.with_keys(SECRET_KEY_FALLBACKS=site.first, AUDIT_KEY_FALLBACKS=site.first)

        def told() -> tuple[int, list[str]]:
            code, lines = check(swapped, "--setting", "SECRET_KEY_FALLBACKS")
            return code, lines[1:]

        assert told() == (1, [former, "  authenticator apps: 3; run `flask keys reencrypt`"])
        assert self.sign_in(site, swapped, "user0@example.com", apps["user0@example.com"][1]) is None
        assert self.keys_of(site) == [site.new, site.old, site.old]
        assert told() == (1, [former, "  authenticator apps: 2; run `flask keys reencrypt`"])
        assert self.encrypt(swapped) == (0, "2 authenticator apps encrypted anew.\n")
        assert told() == (0, [f"{site.old} in SECRET_KEY_FALLBACKS can be removed."])
        assert self.encrypt(swapped) == (0, "0 authenticator apps encrypted anew.\n")
        finished = site.with_keys(AUDIT_KEY_FALLBACKS=site.first)
        for email, (_, totp) in apps.items():
            assert self.sign_in(site, finished, email, totp) is None

    def test_a_code_works_on_machines_before_and_after_the_swap(self, site: Site) -> None:
        ((email, (_, totp)),) = self.add(site).items()
        for app in (site.prepared, site.swapped, site.prepared, site.swapped):
            assert self.sign_in(site, app, email, totp) is None

    def test_a_secret_whose_key_was_removed_is_reported_and_its_codes_are_refused(self, site: Site) -> None:
        ((email, (person, totp)),) = self.add(site).items()
        codes = person.post("/cms/security/recovery_codes/").data["recovery_codes"]
        without = site.with_keys(AUDIT_KEY_FALLBACKS=site.first)
        assert f"{site.old} is missing: the codes of 1 authenticator apps are refused" in check(without)[1]
        code, said = self.encrypt(without)
        assert code == 1
        assert said.splitlines()[1].startswith("1 authenticator apps cannot be read")
        assert self.sign_in(site, without, email, totp) == "second_factor_wrong"
        assert self.keys_of(site) == [site.old]
        visitor = site.env.visitor(email, app=without)
        visitor.sign_in()
        assert visitor.post("/cms/login/second/", {"recovery_code": codes[0]}).status == 200
        assert self.sign_in(site, site.swapped, email, totp) is None  # The key is back.

    def test_a_set_up_that_waits_for_its_first_code_begins_again_if_its_key_was_removed(self, site: Site) -> None:
        ann = site.env.person(app=site.prepared)
        set_up_app(ann)
        swapped = site.with_keys(SECRET_KEY_FALLBACKS=site.first)
        on(ann, swapped).reauth()  # The session now has a cookie under the new key.
        without = site.with_keys(AUDIT_KEY_FALLBACKS=site.first)
        assert on(ann, without).get_as_script("/cms/security/app/").error == "set_up_expired"
        ann.discard_token()
        assert ann.post("/cms/security/app/", {"code": "123456"}).error == "second_factor_wrong"

    def test_a_secret_that_was_changed_in_the_database_is_refused_without_an_error(self, site: Site) -> None:
        ((email, (_, totp)),) = self.add(site).items()
        with site.env.app.app_context():
            db.session.execute(update(AuthenticatorApp).values(secret="gAAAAAnonsense"))
            db.session.commit()
        assert self.sign_in(site, site.env.app, email, totp) == "second_factor_wrong"

    def test_it_is_interrupted_and_repeated_and_works_in_batches(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.add(site, 3)
        monkeypatch.setattr(key_rotation, "APPS_AT_ONCE", 1)
        with site.swapped.app_context():
            batches = key_rotation.encrypt_apps_anew()
            assert next(batches).encrypted == 1
            batches.close()
        assert self.keys_of(site) == [site.new, site.old, site.old]
        assert self.encrypt(site.swapped) == (0, "2 authenticator apps encrypted anew.\n")
        assert self.keys_of(site) == [site.new] * 3

    def test_a_code_that_is_used_while_secrets_are_encrypted_is_not_valid_again(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ((email, (_, totp)),) = self.add(site).items()
        read, used = authenticator_app.read_secret, []

        def read_slowly(app: AuthenticatorApp) -> str:
            secret = read(app)
            if not used:
                used.append(True)
                if site.env.name.startswith("postgresql"):  # SQLite has one writer at a time.
                    run_concurrently(lambda _: used.append(self.sign_in(site, site.swapped, email, totp)), 1)
            return secret

        monkeypatch.setattr(authenticator_app, "read_secret", read_slowly)
        with site.swapped.app_context():
            list(key_rotation.encrypt_apps_anew())
        assert not any(error for error in used if error is not True)
        assert self.keys_of(site) == [site.new]
        code = totp.at(site.env.clock.now())
        if site.env.name.startswith("postgresql"):
            visitor = site.env.visitor(email)
            on(visitor, site.swapped).sign_in()
            assert visitor.post("/cms/login/second/", {"code": code}).error == "second_factor_wrong"
        assert self.sign_in(site, site.swapped, email, totp) is None

    def test_a_passkey_signs_a_challenge_that_a_machine_with_another_key_has_issued(self, site: Site) -> None:
        env = site.env
        ann = env.person()
        device, _ = add_passkey(ann)
        for issuing, verifying in itertools.permutations((site.prepared, site.swapped)):
            env.clock.advance(seconds=1)
            visitor = env.visitor(app=issuing)
            signed = device.sign(options_on(visitor.page("/cms/login/").text))
            assert on(visitor, verifying).post("/cms/login/passkey/", {"passkey": signed}).status == 200
        env.clock.advance(seconds=1)
        visitor = env.visitor(app=site.prepared)
        signed = device.sign(options_on(visitor.page("/cms/login/").text))
        finished = site.with_keys(AUDIT_KEY_FALLBACKS=site.first)
        on(visitor, finished).discard_token()
        assert visitor.post("/cms/login/passkey/", {"passkey": signed}).error == "passkey_refused"
