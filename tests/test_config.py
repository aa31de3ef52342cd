"""config.py: settings, and invalid values that prevent the start with one line."""

import os
import re
import stat
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

import config
from accounts.settings import Settings, settings
from app import create_app
from config import SETTINGS, ConfigError
from tests.environments import PRODUCTION, settings_for
from tests.servers import command_line

INVALID = [
    ("CMS_ENV", "prod"),
    ("CMS_ENV", "Production"),
    ("DATABASE_URL", "mysql://x"),
    ("DATABASE_URL", "cms.db"),
    ("CACHE_URL", "redis://x"),
    ("CACHE_URL", "127.0.0.1:11211"),
    ("MAIL_PORT", "0"),
    ("MAIL_PORT", "65536"),
    ("MAIL_PORT", "smtp"),
    ("MAIL_USE_TLS", "maybe"),
    ("MAIL_SECONDS", "0"),
    ("MAIL_SECONDS", "1.5"),
    ("MAIL_DELIVERY", "celery"),
    ("CAPTCHA_SECONDS", "0"),
    ("CAPTCHA_SECONDS", "601"),
    ("CAPTCHA_SECONDS", "-1"),
    ("CAPTCHA_SECONDS", "1e2"),
    ("CAPTCHA_SECONDS", "6OO"),
    ("CAPTCHA_SECONDS", "６００"),
    ("CAPTCHA_SECONDS", ""),
    ("CAPTCHA_TRIES", "0"),
    ("CAPTCHA_TRIES", "11"),
    ("CAPTCHA_TRIES_PER_DAY", "0"),
    ("REAUTH_SECONDS", "0"),
    ("TRUSTED_PROXIES", "-1"),
    ("SESSION_IDLE_SECONDS", "59"),
    ("EMAIL_POLICY", "old"),
    ("EMAIL_POLICY", "editor=new"),
    ("SITE_URL", "cms.example.com"),
    ("SITE_URL", "https://"),
    ("SITE_URL", "https://cms.example.com/a b"),
    ("SITE_URL", "https://cms.example.com/a?b"),
    ("SITE_URL", "https://cms.example.com/a#b"),
    ("SITE_URL", "https://cms.example.com?"),
    ("SITE_URL", "https://cms.example.com//a"),
    ("SITE_URL", "https://cms.example.com/a/../b"),
    ("SITE_URL", "https://cms.example.com/a%2Fb"),
    ("SITE_URL", "https://cms.example.com/管理"),
    ("SITE_NAME", "a" * 61),
    ("SITE_NAME", "a\r\nBcc: eve@example.com"),
    ("SITE_NAME", "a\nb"),
    ("SITE_NAME", "a\udcffb"),
    ("SITE_NAME", "a\tb"),
    ("SITE_NAME", "a\x00b"),
    ("SITE_NAME", "a\u202eb"),
    ("SITE_NAME", "a\u200bb"),
    ("SITE_NAME", "a\u2028b"),
    ("SITE_NAME", "· –"),
    ("SITE_NAME", "=?utf-8?q?x?="),
    ("SITE_LINKS", "Articles"),
    ("SITE_LINKS", "=/articles/"),
    ("SITE_LINKS", "Articles="),
    ("SITE_LINKS", "Articles=articles/"),
    ("SITE_LINKS", "Articles=//evil.example/"),
    ("SITE_LINKS", "Articles=/\\evil.example/"),
    ("SITE_LINKS", "Articles=javascript:alert(1)"),
    ("SITE_LINKS", "Articles=JavaScript:alert(1)"),
    ("SITE_LINKS", "Articles=\x01javascript:alert(1)"),
    ("SITE_LINKS", "Articles=java\nscript:alert(1)"),
    ("SITE_LINKS", "Articles=/a/\n//evil.example/"),
    ("SITE_LINKS", "Articles=data:text/html,x"),
    ("SITE_LINKS", "Articles=mailto:a@example.com"),
    ("SITE_LINKS", "Articles=https://"),
    ("SITE_LINKS", "Articles=https:///articles/"),
    ("SITE_LINKS", "Articles=https://user@example.com/"),
    ("SITE_LINKS", "Articles=https://example.com:99999/"),
    ("SITE_LINKS", "Articles=https://[::1/"),
    ("SITE_LINKS", "Articles=/a b/"),
    ("SITE_LINKS", 'Articles=/a"b/'),
    ("SITE_LINKS", "Articles=/文章/"),
    ("SITE_LINKS", "Articles=/a/, Articles=/b/"),
    ("SITE_LINKS", "Art\u202eicles=/a/"),
    ("SITE_LINKS", f"{'a' * 31}=/a/"),
    ("SITE_LINKS", f"Articles=/{'a' * 500}/"),
    ("SITE_LINKS", ",".join(f"L{n}=/a/" for n in range(9))),
    ("SUPPORT_URL", "help"),
    ("SUPPORT_URL", "help@example.com"),
    ("SUPPORT_URL", "javascript:alert(1)"),
    ("SUPPORT_URL", "//evil.example/"),
    ("SUPPORT_URL", "ftp://example.com/"),
    ("SUPPORT_URL", "mailto:"),
    ("SUPPORT_URL", "mailto:a@example.com\r\nBcc: eve@example.com"),
    ("SUPPORT_URL", "mailto:help@localhost"),
    ("SUPPORT_URL", "mailto:a@example.com,b@example.com"),
    ("SUPPORT_URL", "https://user@example.com/"),
    ("COOKIE_NAME", ""),
    ("COOKIE_NAME", "__Host-session"),
    ("COOKIE_NAME", "a b"),
    ("COOKIE_NAME", "a;b"),
    ("COOKIE_NAME", "a" * 41),
    ("TRUSTED_HOSTS", "https://cms.example.com"),
    ("TRUSTED_HOSTS", "cms.example.com example.org"),
    ("TRUSTED_HOSTS", "*"),
    ("HSTS_SUBDOMAINS", "maybe"),
    ("EMAIL_POLICY", "editor:off"),
    ("EMAIL_DOMAINS", "*.example.com"),
    ("BREACHED_PASSWORDS_URL", "api.example.com"),
    ("BREACHED_PASSWORDS_URL", "http://api.example.com/range"),
    ("BREACHED_PASSWORDS_URL", "https://"),
    ("BREACHED_PASSWORDS_URL", "https://user:password@api.example.com/"),
    ("BREACHED_PASSWORDS_URL", "https://api.example.com/range?mode=ntlm"),
    ("BREACHED_PASSWORDS_URL", "https://api.example.com:99999/range"),
    ("BREACHED_PASSWORDS_URL", "https://[::1/range"),
    ("BREACHED_PASSWORDS_URL", "https://api.example.com/a b"),
    ("BREACHED_PASSWORDS_URL", "file:///etc/passwd"),
    ("REVEAL_TAKEN_EMAIL", "2"),
]


def load(folder: Path, **more: Any) -> dict[str, Any]:
    """Load the settings of the tests with these changes."""
    return config.load({**settings_for(folder), **more})


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_value_is_reported_in_one_line_with_its_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: value})
    line = str(caught.value)
    shown = re.sub("//user(:password)?@", "//***@", value)  # A password is never shown.
    assert line.startswith(f"{name}={shown!r} is invalid: ")
    assert "\n" not in line
    assert line.endswith(".")


def test_names_links_and_help_are_read(tmp_path: Path) -> None:
    values = load(
        tmp_path,
        SITE_NAME=" Cafe\u0301 出版社 ",
        SITE_LINKS="Articles = /articles/?a=b#c , 首页=https://example.com,Dev=http://[::1]:8000/,",
        SUPPORT_URL="mailto:help+cms@example.com?subject=Help%20me",
    )
    assert values["SITE_NAME"] == "Café 出版社"
    assert values["SITE_LINKS"] == (
        ("Articles", "/articles/?a=b#c"),
        ("首页", "https://example.com"),
        ("Dev", "http://[::1]:8000/"),
    )
    assert values["SUPPORT_URL"] == "mailto:help+cms@example.com?subject=Help%20me"
    for url in ("/", "/help/", "https://example.com/help?a=b,c", "http://example.com:8080"):
        assert load(tmp_path, SUPPORT_URL=url)["SUPPORT_URL"] == url


@pytest.mark.slow
def test_an_invalid_value_ends_the_command_line_with_that_line_and_creates_nothing(tmp_path: Path) -> None:
    result = command_line(settings_for(tmp_path / "instance", CAPTCHA_TRIES="many"), "doctor")
    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1].startswith("CAPTCHA_TRIES='many' is invalid: ")
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize(
    "key", ["", " ", "short", "x" * 15, "x" * 64, "ab" * 32, "abcde" * 8 + "a", "changeme" * 4, "0123456789abcdef" * 4]
)
def test_production_requires_a_strong_secret_key(tmp_path: Path, key: str) -> None:
    assert_refused(tmp_path, r"SECRET_KEY (must be set|is too weak)", **{**PRODUCTION, "SECRET_KEY": key})


@pytest.mark.parametrize("key", ["short", "x" * 15, "x" * 64, "ab" * 32, "changeme" * 4])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AUDIT_KEY", "AUDIT_KEY"),
        ("SECRET_KEY_FALLBACKS", "Key 2 of SECRET_KEY_FALLBACKS"),
        ("AUDIT_KEY_FALLBACKS", "Key 2 of AUDIT_KEY_FALLBACKS"),
    ],
)
def test_production_accepts_no_weak_key_in_any_setting_and_does_not_print_it(
    tmp_path: Path, name: str, message: str, key: str
) -> None:
    strong = "0a1b2c3d4e5f67899876543210fedcba"
    value = key if name == "AUDIT_KEY" else f"{strong},{key},{strong}"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **PRODUCTION, **{name: value})
    assert re.match(rf"^{message} (must be set in production to at least 16|is too weak)", str(caught.value))
    assert key not in str(caught.value)
    assert load(tmp_path, **PRODUCTION, **{name: strong})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ()),
        (" , ,", ()),
        ("newer, older ,", ("newer", "older")),
        (r"with\, a comma,another", ("with, a comma", "another")),
    ],
)
def test_former_keys_are_separated_by_commas(tmp_path: Path, written: str, read: tuple[str, ...]) -> None:
    values = load(tmp_path, SECRET_KEY_FALLBACKS=written, AUDIT_KEY_FALLBACKS=written)
    assert (values["SECRET_KEY_FALLBACKS"], values["AUDIT_KEY_FALLBACKS"]) == (read, read)
    assert values["WTF_CSRF_SECRET_KEY"] == [*reversed(read), values["SECRET_KEY"]]


def assert_refused(folder: Path, message: str, *, without_cms_env: bool = False, **settings: str) -> None:
    """Check that these settings prevent the start with one line, before anything is created."""
    environment = settings_for(folder / "instance", **settings)
    if without_cms_env:
        del environment["CMS_ENV"]
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(environment)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert not (folder / "instance").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_SERVER", "smtp.example.com"),
        ("MAIL_SERVER", "127.0.0.1"),
        ("DATABASE_URL", "postgresql://cms@db.example.com/cms"),
        ("DATABASE_URL", "postgres://cms@127.0.0.1/cms"),
        ("CACHE_URL", "memcached://127.0.0.1:11211"),
        ("SITE_URL", "https://cms.example.com"),
        ("TRUSTED_HOSTS", "cms.example.com"),
        ("TRUSTED_PROXIES", "1"),
    ],
)
def test_a_setting_of_a_reachable_site_without_cms_env_prevents_the_start(
    tmp_path: Path, name: str, value: str
) -> None:
    """The default is development, where anyone can read mail on /dev/mailbox/ and cookies are sent over plain HTTP."""
    assert_refused(tmp_path, f"^{name} is set, but CMS_ENV is not: ", without_cms_env=True, **{name: value})
    assert load(tmp_path, CMS_ENV="development", **{name: value})["CMS_ENV"] == "development"


def test_settings_of_this_machine_do_not_require_cms_env(tmp_path: Path) -> None:
    environment = settings_for(
        tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/a.db", CACHE_URL=f"sqlite:///{tmp_path}/b.db"
    )
    del environment["CMS_ENV"]
    assert config.load(environment)["CMS_ENV"] == "development"


@pytest.mark.parametrize("env", [{"CMS_ENV": "development"}, PRODUCTION], ids=["development", "production"])
@pytest.mark.parametrize("server", ["smtp.example.com", "192.0.2.1", "localhost.example.com", "2001:db8::1"])
def test_a_password_for_a_remote_mail_server_requires_tls(tmp_path: Path, env: dict[str, str], server: str) -> None:
    account = {**env, "MAIL_SERVER": server, "MAIL_USERNAME": "cms", "MAIL_PASSWORD": "p"}
    assert_refused(tmp_path, "^MAIL_USERNAME requires MAIL_USE_TLS=yes or MAIL_USE_SSL=yes", **account)
    for encrypted in ("MAIL_USE_TLS", "MAIL_USE_SSL"):
        assert load(tmp_path, **account, **{encrypted: "yes"})[encrypted]


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "127.0.0.53", "::1", ""])
def test_a_password_for_a_mail_server_on_this_machine_does_not_require_tls(tmp_path: Path, server: str) -> None:
    assert load(tmp_path, MAIL_SERVER=server, MAIL_USERNAME="cms")["MAIL_USERNAME"] == "cms"


@pytest.mark.parametrize("url", ["", "http://cms.example.com"])
def test_production_requires_an_https_site_url(tmp_path: Path, url: str) -> None:
    assert_refused(tmp_path, "^SITE_URL must be set in production to the https:// ", **{**PRODUCTION, "SITE_URL": url})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("cms.example.com", ["cms.example.com"]),
        (" CMS.example.com:443, .example.org ,", ["cms.example.com", ".example.org"]),
        ("127.0.0.1,[::1]:5000", ["127.0.0.1", "[::1]"]),
        ("bücher.example", ["xn--bcher-kva.example"]),
    ],
)
def test_host_names_are_normalised_like_those_of_browsers(tmp_path: Path, value: str, expected: list[str]) -> None:
    assert load(tmp_path, TRUSTED_HOSTS=value)["SERVED_HOSTS"] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("https://api.example.com/range/", "https://api.example.com/range"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("http://127.0.0.1:8080/range", "http://127.0.0.1:8080/range"),
        ("http://[::1]:8080/range", "http://[::1]:8080/range"),
        ("http://localhost/", "http://localhost"),
    ],
)
def test_the_service_for_breached_passwords_has_a_url_with_https_or_on_this_machine(
    tmp_path: Path, value: str, expected: str
) -> None:
    assert load(tmp_path, **PRODUCTION, BREACHED_PASSWORDS_URL=value)["BREACHED_PASSWORDS_URL"] == expected


def test_the_session_cookie_of_production_is_secure_and_has_the_host_prefix(tmp_path: Path) -> None:
    values = load(tmp_path, **PRODUCTION)
    assert (values["SESSION_COOKIE_SECURE"], values["SESSION_COOKIE_NAME"]) == (True, "__Host-session")


def test_cookies_have_the_chosen_name_and_are_valid_for_the_whole_host(tmp_path: Path) -> None:
    for settings_of_site, name in (({}, "accounts"), (PRODUCTION, "__Host-accounts")):
        values = load(tmp_path, **settings_of_site, COOKIE_NAME="accounts")
        assert (values["SESSION_COOKIE_NAME"], values["SESSION_COOKIE_PATH"]) == (name, "/")


@pytest.mark.parametrize("path", ["", "/accounts", "/admin/accounts", "/a.b_c~d-e/1"])
def test_the_url_of_the_site_may_have_a_path(tmp_path: Path, path: str) -> None:
    for written in (path, f"{path}/"):
        assert load(tmp_path, SITE_URL=f"http://cms.example.com{written}", CMS_ENV="development")["SITE_URL"] == (
            f"http://cms.example.com{path}"
        )


def test_keys_of_flask_that_the_caller_has_set_are_not_overwritten(tmp_path: Path) -> None:
    given = {"MAX_CONTENT_LENGTH": 10**7, "BABEL_DEFAULT_LOCALE": "en", "SESSION_COOKIE_NAME": "own", "OTHER": object()}
    app = create_app({**settings_for(tmp_path), **given})
    assert {name: app.config[name] for name in given} == given


def test_development_creates_a_secret_key_once_per_instance_folder(tmp_path: Path) -> None:
    first = load(tmp_path, SECRET_KEY="")["SECRET_KEY"]
    assert len(first) == 64
    assert load(tmp_path, SECRET_KEY="")["SECRET_KEY"] == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert load(tmp_path / "other", SECRET_KEY="")["SECRET_KEY"] != first


def test_workers_that_start_at_the_same_time_share_a_secret_key(tmp_path: Path) -> None:
    """A worker that reads the file between its creation and the first write would get an empty key."""
    barrier, keys = threading.Barrier(8), []

    def start(folder: Path) -> None:
        barrier.wait()
        keys.append(load(folder, SECRET_KEY="")["SECRET_KEY"])

    for round_ in range(20):
        keys.clear()
        threads = [threading.Thread(target=start, args=(tmp_path / str(round_),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys) == 8
        assert len(set(keys)) == 1
        assert len(keys[0]) == 64


def test_an_instance_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"INSTANCE_DIR=.* cannot be used"):
        load(tmp_path / "file" / "instance")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", True),
        ("yes", True),
        ("ON", True),
        ("True", True),
        ("0", False),
        ("no", False),
        ("", False),
        (" off ", False),
    ],
)
def test_common_spellings_of_yes_and_no_are_accepted(tmp_path: Path, value: str, expected: bool) -> None:
    assert load(tmp_path, REVEAL_TAKEN_EMAIL=value)["REVEAL_TAKEN_EMAIL"] is expected


def test_arguments_take_precedence_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTCHA_TRIES", "3")
    monkeypatch.setenv("CAPTCHA_SECONDS", "300")
    values = load(tmp_path, CAPTCHA_SECONDS=120)
    assert (values["CAPTCHA_TRIES"], values["CAPTCHA_SECONDS"]) == (3, 120)


def test_the_defaults_are_embedded(tmp_path: Path) -> None:
    values = load(tmp_path)
    assert values["DATABASE_URL"] == f"sqlite:///{tmp_path / 'cms.db'}"
    assert values["CACHE_URL"] == f"sqlite:///{tmp_path / 'cache.db'}"
    assert not values["MAIL_SERVER"]


def test_every_setting_has_a_valid_default_and_a_description() -> None:
    assert len(SETTINGS) > 30
    for setting in SETTINGS:
        setting.read(setting.default)
        assert setting.says
        assert setting.name.isupper()
    names = [setting.name for setting in SETTINGS]
    assert len(names) == len(set(names))


def test_the_name_of_a_number_contains_its_unit() -> None:
    units = (
        "_SECONDS",
        "_DAYS",
        "_PORT",
        "_TRIES",
        "_PER_DAY",
        "_PER_HOUR",
        "_PER_ACCOUNT",
        "_PER_NETWORK",
        "_PROXIES",
        "_CONNECTIONS",
        "_DAYS",
    )
    for setting in SETTINGS:
        if setting.default.isdigit() and setting.name != "PORT":
            assert setting.name.endswith(units), setting.name


def test_the_limits_have_their_documented_defaults() -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    assert defaults["CAPTCHA_SECONDS"] == "600"
    assert defaults["CAPTCHA_TRIES"] == "5"
    assert defaults["CAPTCHA_TRIES_PER_DAY"] == "10"
    assert defaults["CAPTCHA_RESEND_SECONDS"] == "60"
    assert defaults["CAPTCHA_SENDS_PER_HOUR"] == "5"
    assert defaults["CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR"] == "3"
    assert defaults["CAPTCHA_SENDS_PER_NETWORK_PER_HOUR"] == "20"
    assert defaults["REAUTH_SECONDS"] == "600"
    assert defaults["UNDO_SECONDS"] == str(7 * 86400)
    assert defaults["FREEZE_SECONDS"] == str(72 * 3600)
    assert defaults["REVEAL_TAKEN_EMAIL"] == "no"


def test_the_tests_do_not_inherit_the_settings_of_the_developer() -> None:
    assert not {setting.name for setting in SETTINGS} & set(os.environ)


def test_only_its_owner_can_access_the_instance_folder(tmp_path: Path) -> None:
    load(tmp_path / "new" / "instance")
    assert stat.S_IMODE((tmp_path / "new" / "instance").stat().st_mode) == 0o700


def test_only_the_mode_of_an_existing_default_folder_is_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "HERE", tmp_path)
    for name, mode in (("instance", 0o700), ("named", 0o755)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
        load(Path(name))
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


def test_every_setting_has_its_declared_type(tmp_path: Path) -> None:
    values = config.load({"INSTANCE_DIR": str(tmp_path)})
    for name, declared in get_type_hints(Settings).items():
        kind = get_origin(declared) or declared
        if kind is Literal:
            assert values[name] in get_args(declared), name
        else:
            assert isinstance(values[name], kind), name


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    app = create_app({"INSTANCE_DIR": str(tmp_path)})
    with app.app_context(), pytest.raises(FrozenInstanceError):
        settings().CAPTCHA_TRIES = 100  # type: ignore[misc]
