"""docs/deployment.md and deploy/cms.env: the files that the page installs exist, and the settings are accepted."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

import config
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION, SECRET
from tests.live.conftest import Serve
from tests.live.units import DEPLOY, read_by_systemd
from tests.servers import ROOT, Nginx, find_program

PAGE = (ROOT / "docs" / "deployment.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the blocks of code of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def settings_file() -> str:
    """Return the file of settings, with something in the place of every secret."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "cms.env").read_text(), flags=re.MULTILINE)
    assert text.count("...") == 3
    return text.replace("...", SECRET.replace(" ", "-").replace(",", ""))


def read_by_shell(path: Path, shell: str) -> dict[str, str]:
    """Read a file of settings as the commands of README do."""
    script = f"set -a && . {shlex.quote(str(path))} && set +a && exec env -0"
    result = subprocess.run(
        [find_program(shell), "-c", script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        text=True,
    )
    assert result.stderr == ""
    pairs = [line.partition("=") for line in result.stdout.split("\0") if line]
    return {name: value for name, _, value in pairs if name not in ("PATH", "PWD", "SHLVL", "_", "OLDPWD")}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_systemd_and_shells_read_the_same_settings(tmp_path: Path, shell: str) -> None:
    path = tmp_path / "cms.env"
    path.write_text(settings_file())
    settings = read_by_systemd(settings_file())
    assert settings == read_by_shell(path, shell)
    assert "DATABASE_URL" in settings
    assert not [value for value in settings.values() if "#" in value or value != value.strip()]


def test_the_settings_of_the_file_are_accepted_and_are_those_that_production_needs(tmp_path: Path) -> None:
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
    for name in ("SECRET_KEY", "SITE_URL"):
        with pytest.raises(config.ConfigError, match=name):
            config.load({**settings, "INSTANCE_DIR": str(tmp_path), name: ""})


def test_the_readme_shows_every_command_of_an_installation() -> None:
    commands = "\n".join(blocks("sh"))
    for command in (
        "adduser --system",
        "createuser ",
        "createdb ",
        "/var/lib/cms",
        "/etc/cms.env",
        "db upgrade",
        "doctor",
        "systemctl enable --now cms-web cms-mail cms-maintenance.timer",
    ):
        assert command in commands, command


def test_the_page_names_every_file_and_uses_no_other() -> None:
    assert set(re.findall(r"^\| `deploy/(\S+)` \|", PAGE, re.MULTILINE)) == {path.name for path in DEPLOY.iterdir()}
    for path in re.findall(r"/srv/cms/deploy/(\S+)", "\n".join(blocks("sh"))):
        assert list(DEPLOY.glob(path)), path


def test_the_second_machine_is_added_to_the_upstream_of_the_file() -> None:
    (block,) = (each for each in blocks("nginx") if "upstream" in each)
    lines = [line for line in block.splitlines() if "10.0.0.12" not in line]
    plain = re.sub(r"^ *#.*\n", "", (DEPLOY / "nginx.conf").read_text(), flags=re.MULTILINE)
    assert "\n".join(lines) in plain
    assert block.count("10.0.0.12") == 2


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
