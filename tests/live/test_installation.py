"""The instructions of README.md for an installation work: the settings file, the units, the reverse proxy."""

import configparser
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

import config
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION, SECRET
from tests.live.conftest import Serve
from tests.servers import (
    AS_ROOT,
    ROOT,
    create_certificate,
    eventually,
    find_program,
    free_port,
    is_listening,
    spawn,
    terminate,
)

PRODUCTION_CHAPTER = (ROOT / "README.md").read_text().partition("\n## In production\n")[2].partition("\n## ")[0]


def code_blocks(language: str, beginning: str = "") -> list[str]:
    """Return the code blocks of the chapter in a language, with this beginning."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PRODUCTION_CHAPTER, re.MULTILINE | re.DOTALL)
    return [block for block in found if block.startswith(beginning)]


def settings_file() -> str:
    """Return the settings file with a value for every secret."""
    (text,) = code_blocks("sh", "CMS_ENV=")
    assert text.count("...") == 3
    return text.replace("...", SECRET.replace(" ", "-").replace(",", ""))


def parse_like_systemd(text: str) -> dict[str, str]:
    """Parse a settings file as systemd.exec(5) specifies for EnvironmentFile=.

    A line that begins with # or ; is a comment; any other # is part of the value. Whitespace around a value and quotes
    are removed, and nothing is expanded.
    """
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line[0] not in "#;":
            name, is_setting, value = line.partition("=")
            assert is_setting, line
            assert "\\" not in value, "the meaning of a backslash depends on quotes; do not use any"
            quote = value[:1] if value[:1] in ("'", '"') else ""
            assert not quote or value.count(quote) == 2, line
            found[name.strip()] = value[1:].replace(quote, "") if quote else value
    return found


def read_with_shell(path: Path, shell: str) -> dict[str, str]:
    """Read a settings file like the commands of README.md."""
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
    settings = parse_like_systemd(settings_file())
    assert settings == read_with_shell(path, shell)
    assert "DATABASE_URL" in settings
    assert not [value for value in settings.values() if "#" in value or value != value.strip()]


def test_the_settings_of_the_readme_are_valid(tmp_path: Path) -> None:
    settings = parse_like_systemd(settings_file())
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
    """Return the units of README.md by name."""
    names = re.findall(r"`/etc/systemd/system/(cms-\w+)@?\.service`:\n\n```ini\n", PRODUCTION_CHAPTER)
    found = {}
    for name, text in zip(names, code_blocks("ini"), strict=True):
        found[name] = configparser.ConfigParser(interpolation=None)
        found[name].optionxform = str  # type: ignore[assignment,method-assign]
        found[name].read_string(text)
    return found


def test_the_units_start_at_boot_as_their_own_user() -> None:
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
def test_the_program_of_a_unit_exists_and_accepts_its_arguments(name: str, module: str) -> None:
    python, minus_m, found, *arguments = shlex.split(units()[name]["Service"]["ExecStart"].replace("%i", "8001"))
    assert (python, minus_m, found) == ("/srv/cms/.venv/bin/python", "-m", module)
    check = "--check-config" if module == "gunicorn" else "--help"
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments, check],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        check=False,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def test_the_readme_shows_every_command_of_an_installation() -> None:
    commands = "\n".join(code_blocks("sh"))
    for command in (
        "adduser --system",
        "createuser ",
        "createdb ",
        "/var/lib/cms",
        "/etc/cms.env",
        "db upgrade",
        "doctor",
    ):
        assert command in commands, command


class Proxy:
    """nginx with the configuration of README.md, on free ports and with a self-signed certificate."""

    def __init__(self, folder: Path, application_port: int) -> None:
        """Replace the placeholders, and write a minimal configuration file."""
        self.folder, self.http, self.https = folder, free_port(), free_port()
        certificate, _ = create_certificate(folder)
        (block,) = code_blocks("nginx")
        for placeholder, value in {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "/etc/ssl/cms/certificate.pem": str(certificate),
            "/etc/ssl/cms/key.pem": str(folder / "key.pem"),
            "/var/log/nginx/cms.log": str(folder / "access.log"),
            "server 127.0.0.1:8001 max_fails=0;": f"server 127.0.0.1:{application_port};",
            "    server 127.0.0.1:8002 max_fails=0;\n": "",
        }.items():
            assert block.count(placeholder) == 1, placeholder
            block = block.replace(placeholder, value)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        user = "user root;" if AS_ROOT else ""
        self.path = folder / "nginx.conf"
        self.path.write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{ }}\nhttp {{\n{temporary}\n{block}\n}}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        """Return the command line of nginx with these options."""
        return [
            find_program("nginx"),
            "-p",
            str(self.folder),
            "-e",
            str(self.folder / "error.log"),
            "-c",
            str(self.path),
            *words,
        ]

    def start(self) -> "Proxy":
        """Start it, and wait until it listens."""
        self._process = spawn(self.command())
        eventually(lambda: is_listening(self.https), "nginx listens")
        return self

    def stop(self) -> None:
        """Stop it."""
        terminate(self._process, signal.SIGTERM)


def test_the_configuration_of_nginx_is_valid(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path, free_port())
    result = subprocess.run(proxy.command("-t"), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "warn" not in result.stderr


@pytest.fixture
def proxy(serve: Serve, tmp_path: Path) -> Iterator[Proxy]:
    """Serve a site in production behind nginx."""
    settings = {**PRODUCTION, "TRUSTED_PROXIES": "1", "TRUSTED_HOSTS": "cms.example.com,127.0.0.1"}
    with serve(ENVIRONMENTS[0], MAIL_DELIVERY="worker", **settings) as site:
        proxy = Proxy(tmp_path, site.server.port).start()
        yield proxy
        proxy.stop()


def test_nginx_serves_the_site_on_https_only_and_logs_no_tokens(proxy: Proxy) -> None:
    token = "a-token-of-forty-characters-or-more_0123456789"
    plain = HTTPConnection("127.0.0.1", proxy.http, timeout=20)
    plain.request("GET", "/cms/login/?x=y", headers={"Host": "cms.example.com"})
    answer = plain.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://cms.example.com/cms/login/?x=y")
    plain.close()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secure = HTTPSConnection("127.0.0.1", proxy.https, timeout=20, context=context)
    for path, status in (
        ("/cms/login/", 200),
        (f"/cms/resetemail/undo/{token}/?next=/{token}", 410),
        ("/healthz", 200),
    ):
        secure.request("GET", path, headers={"Host": "cms.example.com", "X-Forwarded-For": "192.0.2.1"})
        answer = secure.getresponse()
        answer.read()
        assert answer.status == status, path
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    secure.close()
    log = eventually(
        lambda: (text := (proxy.folder / "access.log").read_text()).count("\n") > 2 and text, "nginx logs the requests"
    )
    assert token not in log
    assert '"GET /cms/resetemail/undo/***" 410' in log
    assert '"GET /cms/login/" 200' in log
