"""The instructions of README.md for an installation work: the settings file, the units, the reverse proxy."""

import configparser
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

import config
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION, SECRET
from tests.live.conftest import Serve
from tests.servers import ROOT, Nginx, find_program

PRODUCTION_CHAPTER = (ROOT / "README.md").read_text().partition("\n## In production\n")[2].partition("\n## ")[0]


def blocks(language: str, beginning: str = "") -> list[str]:
    """Return the blocks of code of the chapter in a language that begin so."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PRODUCTION_CHAPTER, re.MULTILINE | re.DOTALL)
    return [block for block in found if block.startswith(beginning)]


def settings_file() -> str:
    """Return the file of settings, with something in the place of every secret."""
    (text,) = blocks("sh", "CMS_ENV=")
    assert text.count("...") == 3
    return text.replace("...", SECRET.replace(" ", "-").replace(",", ""))


def read_by_systemd(text: str) -> dict[str, str]:
    """Read a file of settings as systemd.exec(5) says of EnvironmentFile=.

    A line that begins with # or ; is a comment; a # anywhere else is a part of the value. Blanks at the end of a value
    are dropped, quotes around it are removed, and nothing is expanded.
    """
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line[0] not in "#;":
            name, is_setting, value = line.partition("=")
            assert is_setting, line
            assert "\\" not in value, "only double quotes and the end of a line give it a meaning; do without"
            quote = value[:1] if value[:1] in ("'", '"') else ""
            assert not quote or value.count(quote) == 2, line
            found[name.strip()] = value[1:].replace(quote, "") if quote else value
    return found


def read_by_shell(path: Path, shell: str) -> dict[str, str]:
    """Read a file of settings as the commands of README do."""
    script = f"set -a && . {shlex.quote(str(path))} && set +a && exec env -0"
    told = subprocess.run(
        [find_program(shell), "-c", script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stderr == ""
    pairs = [line.partition("=") for line in told.stdout.split("\0") if line]
    return {name: value for name, _, value in pairs if name not in ("PATH", "PWD", "SHLVL", "_", "OLDPWD")}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_systemd_and_a_shell_read_the_same_settings(tmp_path: Path, shell: str) -> None:
    path = tmp_path / "cms.env"
    path.write_text(settings_file())
    settings = read_by_systemd(settings_file())
    assert settings == read_by_shell(path, shell)
    assert "DATABASE_URL" in settings
    assert not [value for value in settings.values() if "#" in value or value != value.strip()]


def test_the_settings_of_the_readme_are_taken(tmp_path: Path) -> None:
    settings = read_by_systemd(settings_file())
    assert set(settings) <= {setting.name for setting in config.SETTINGS}
    values = config.load({**settings, "INSTANCE_DIR": str(tmp_path)})
    assert (values["CMS_ENV"], values["SERVED_HOSTS"], values["TRUSTED_PROXIES"]) == (
        "production",
        ["cms.example.com"],
        1,
    )
    assert values["DATABASE_URL"].startswith("postgresql://")
    assert values["CACHE_URL"].startswith("memcached://")


def units() -> dict[str, configparser.ConfigParser]:
    """Return the units by the names that README gives them."""
    names = re.findall(r"`/etc/systemd/system/(cms-\w+)@?\.service`:\n\n```ini\n", PRODUCTION_CHAPTER)
    found = {}
    for name, text in zip(names, blocks("ini"), strict=True):
        found[name] = configparser.ConfigParser(interpolation=None)
        found[name].optionxform = str  # type: ignore[assignment,method-assign]
        found[name].read_string(text)
    return found


def test_the_units_start_at_every_boot_as_a_user_of_their_own() -> None:
    assert list(units()) == ["cms-web", "cms-mail"]
    for unit in units().values():
        assert unit["Install"]["WantedBy"] == "multi-user.target"
        assert unit["Unit"]["Description"]
        service = unit["Service"]
        assert (service["User"], service["WorkingDirectory"]) == ("cms", "/srv/cms")
        assert (service["EnvironmentFile"], service["Restart"]) == ("/etc/cms.env", "always")
    assert "%i" in units()["cms-web"]["Service"]["ExecStart"]
    enable = re.search(r"`systemctl daemon-reload && systemctl enable --now ([^`]+)`", PRODUCTION_CHAPTER)
    assert enable
    assert enable[1].split() == ["cms-web@8001", "cms-web@8002", "cms-mail"]


@pytest.mark.parametrize(("name", "module"), [("cms-web", "gunicorn"), ("cms-mail", "flask")])
def test_what_a_unit_starts_is_there_and_takes_its_arguments(name: str, module: str) -> None:
    python, minus_m, found, *arguments = shlex.split(units()[name]["Service"]["ExecStart"].replace("%i", "8001"))
    assert (python, minus_m, found) == ("/srv/cms/.venv/bin/python", "-m", module)
    check = "--check-config" if module == "gunicorn" else "--help"
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments, check],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr


def test_all_that_must_be_made_before_is_told() -> None:
    commands = "\n".join(blocks("sh"))
    for what in (
        "adduser --system",
        "createuser ",
        "createdb ",
        "/var/lib/cms",
        "/etc/cms.env",
        "db upgrade",
        "doctor",
    ):
        assert what in commands, what


@pytest.fixture
def proxy(serve: Serve, tmp_path: Path) -> Iterator[Nginx]:
    """Serve a site in production behind nginx."""
    settings = {**PRODUCTION, "TRUSTED_PROXIES": "1", "TRUSTED_HOSTS": "cms.example.com,127.0.0.1"}
    with serve(ENVIRONMENTS[0], MAIL_DELIVERY="worker", **settings) as site:
        nginx = Nginx(tmp_path, [site.server.port, site.server.port]).start()
        yield nginx
        nginx.stop()


def test_behind_nginx_the_application_sees_https_and_its_files_are_cached_for_ever(proxy: Nginx) -> None:
    connection = proxy.connect()

    def get(path: str, status: int) -> tuple[Message, str]:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == status, path
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
        return response.headers, response.read().decode()

    headers, page = get("/cms/login/", 200)
    assert "Secure" in headers["Set-Cookie"]
    get("/cms/resetemail/undo/a-token-of-forty-characters-or-more_0123456789/", 410)
    get("/healthz", 200)
    files = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert len(files) > 5
    for path in files:
        assert get(path, 200)[0]["Cache-Control"] == "public, max-age=31536000, immutable"
    connection.close()
