"""deploy/Containerfile and deploy/compose.yaml, as far as they can be checked without containers.

No image is built. The files that it copies are copied into a folder, and there the commands of the services are run
with their environment, on real servers.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import config
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.live.sites import Site
from tests.live.units import DEPLOY
from tests.servers import (
    ROOT,
    MemcachedServer,
    PostgresServer,
    eventually,
    find_program,
    free_port,
    run_program,
    spawn,
    terminate,
)

pytestmark = pytest.mark.servers

CONTAINERFILE = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = ("migrate", "web", "mail", "maintenance")
LONG_RUNNING = ("web", "mail", "database", "cache")
OPERATOR = {
    "SECRET_KEY": "0123456789abcdef" * 3 + "fedcba9876543210",
    "DATABASE_PASSWORD": "letters0and1digits",
    "MAIL_SERVER": "smtp.example.com",
    "MAIL_USERNAME": "cms",
    "MAIL_PASSWORD": "a password",
    "MAIL_DEFAULT_SENDER": "CMS <cms@example.com>",
    "SITE_URL": "https://cms.example.com",
    "TRUSTED_HOSTS": "cms.example.com",
}


def interpolate(value: str, variables: Mapping[str, str]) -> str:
    """Replace variables as Compose does. Raises KeyError for a required one that is not set."""

    def replace(match: re.Match[str]) -> str:
        name, sign, rest = match["name"], match["sign"], match["rest"]
        if variables.get(name):
            return variables[name]
        if sign == ":-":
            return rest
        raise KeyError(name)

    found = re.sub(r"\$\{(?P<name>\w+)(?P<sign>:[-?])(?P<rest>[^}]*)\}", replace, value)
    return found.replace("$$", "$")


def environment(service: str, **more: str) -> dict[str, str]:
    """Return the environment of a service."""
    return {name: interpolate(value, OPERATOR) for name, value in SERVICES[service]["environment"].items()} | more


def instructions(name: str) -> list[str]:
    """Return the arguments of all instructions of the Containerfile with this name."""
    return re.findall(rf"^{name} (.+)$", CONTAINERFILE, re.MULTILINE)


def copies() -> list[tuple[list[str], str]]:
    """Return what the Containerfile copies: the sources and the target."""
    return [(sources, target) for *sources, target in map(str.split, instructions("COPY"))]


class TestFiles:
    """What the files say."""

    def test_every_image_has_a_version_and_none_is_the_latest(self) -> None:
        images = [*instructions("FROM"), *(service["image"] for service in SERVICES.values())]
        assert len(images) == 1 + len(SERVICES)
        for image in images:
            assert re.search(r":\d[\w.-]*$", image), image
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert all(version.startswith(SERVICES[name]["image"].partition(":")[2]) for name in OWN)

    @pytest.mark.parametrize("name", SERVICES)
    def test_every_service_is_confined(self, name: str) -> None:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["user"].partition(":")[0] not in ("", "0", "root")
        assert "privileged" not in service

    def test_the_image_runs_as_the_user_of_the_services(self) -> None:
        assert instructions("USER") == [SERVICES["web"]["user"]]

    def test_only_the_web_nodes_can_be_reached_and_only_from_the_host(self) -> None:
        assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
        ports = re.findall(r"server 127\.0\.0\.1:(\d+)", (DEPLOY / "nginx.conf").read_text())
        assert SERVICES["web"]["ports"] == [f"127.0.0.1:{ports[0]}-{ports[1]}:8000"]
        assert SERVICES["web"]["deploy"]["replicas"] == len(ports)
        assert SERVICES["database"]["networks"] == SERVICES["cache"]["networks"] == ["servers"]
        assert COMPOSE["networks"]["servers"]["internal"] is True

    def test_the_migration_runs_before_web_and_mail(self) -> None:
        assert SERVICES["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
        for name in ("web", "mail", "maintenance"):
            assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"

    @pytest.mark.parametrize("name", LONG_RUNNING)
    def test_every_service_that_keeps_running_has_a_health_check_and_time_to_stop(self, name: str) -> None:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert SERVICES[name]["restart"] == "unless-stopped"
        if name in OWN:
            assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 300 + 25

    @pytest.mark.parametrize("name", OWN)
    def test_the_settings_are_accepted_and_are_those_of_the_settings_file(self, name: str, tmp_path: Path) -> None:
        values = environment(name)
        named = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "cms.env").read_text(), re.MULTILINE))
        assert set(values) == named | {"METRICS_HOST"}  # The loopback interface of a container is its own.
        loaded = config.load(values | {"INSTANCE_DIR": str(tmp_path)})
        assert (loaded["CMS_ENV"], loaded["MAIL_DELIVERY"], loaded["TRUSTED_PROXIES"]) == ("production", "worker", 1)

    def test_no_secret_has_a_value_in_the_file(self) -> None:
        for name in OPERATOR:
            others = {other: value for other, value in OPERATOR.items() if other != name}
            with pytest.raises(KeyError, match=name):
                [interpolate(value, others) for value in SERVICES["web"]["environment"].values()]
        assert SERVICES["database"]["environment"]["POSTGRES_PASSWORD"].startswith("${DATABASE_PASSWORD:?")

    def test_no_other_file_gets_into_the_image(self) -> None:
        sent = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
        rules = [line for line in sent if not line.startswith("#")]
        assert rules[0] == "*"
        allowed = {rule[1:] for rule in rules if rule.startswith("!")}
        needed = {source for sources, _ in copies() for source in sources}
        assert {"*.py" if re.fullmatch(r"[\w.]+\.py", source) else source for source in needed} == allowed


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Provide a folder with the files of the image."""
    folder = tmp_path / "image"
    for sources, target in copies():
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (folder / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, folder / target)
    return folder


def here(command: list[str]) -> list[str]:
    """Return a command of a container with the Python of the tests."""
    return [sys.executable if word == ".venv/bin/python" else word for word in command]


@pytest.fixture
def site(serve: Serve) -> Iterator[Site]:
    """Provide the servers, and a site that uses them."""
    with serve(ENVIRONMENTS[1], MAIL_DELIVERY="worker") as site:
        yield site


def settings_of(service: str, site: Site, folder: Path) -> dict[str, str]:
    """Return the environment of a service, with the servers of a site instead of containers."""
    parts = ("DATABASE_URL", "CACHE_URL", "MAIL_SERVER", "MAIL_PORT")
    plain = {"MAIL_USE_TLS": "no", "MAIL_USERNAME": "", "METRICS_PORT": str(free_port())}
    plain |= {"INSTANCE_DIR": str(folder / "cms"), "PYTHON": sys.executable}
    own = environment(service, **{name: site.settings[name] for name in parts}, **plain)
    return {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **own}


class TestCommands:
    """What the commands of the services do with the files of the image."""

    def test_the_web_service_serves_is_healthy_and_stops(self, image: Path, site: Site, tmp_path: Path) -> None:
        port = free_port()
        (command,) = (yaml.safe_load(text) for text in instructions("CMD"))
        assert "0.0.0.0:8000" in command
        settings = settings_of("web", site, tmp_path)
        files = sorted(image.rglob("*"))
        with (tmp_path / "log").open("ab") as log:
            words = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in here(command)]
            process = spawn(words, cwd=image, env=settings, stdout=log, stderr=log)
        check = [str(port) if word == "8000" else word for word in SERVICES["web"]["healthcheck"]["test"][1:]]
        eventually(
            lambda: run_program(here(check), cwd=image, env=settings).returncode == 0, (tmp_path / "log").read_text()
        )
        terminate(process, 15)
        assert process.returncode == 0
        assert run_program(here(check), cwd=image, env=settings).returncode == 1
        assert sorted(image.rglob("*")) == files, "nothing is written into the image"

    def test_the_migration_creates_the_tables(
        self, image: Path, site: Site, postgres: PostgresServer, tmp_path: Path
    ) -> None:
        with postgres.database(template="template1") as url:
            settings = settings_of("migrate", site, tmp_path) | {"DATABASE_URL": url}
            for _ in range(2):  # Every start runs it.
                ended = run_program(here(SERVICES["migrate"]["command"]), cwd=image, env=settings)
                assert ended.returncode == 0, ended.stderr
            check = SERVICES["mail"]["healthcheck"]["test"][1:]
            assert "ok    database" in run_program(here(check), cwd=image, env=settings).stdout

    def test_the_mail_service_is_healthy_and_stops(self, image: Path, site: Site, tmp_path: Path) -> None:
        settings = settings_of("mail", site, tmp_path)
        check = SERVICES["mail"]["healthcheck"]["test"][1:]
        ended = run_program(here(check), cwd=image, env=settings)
        assert ended.returncode == 0, ended.stdout
        person = site.person_with_session()
        address = site.new_address()
        assert person.ask(address).status == 200
        process = spawn(here(SERVICES["mail"]["command"]), cwd=image, env=settings)
        eventually(lambda: site.smtp.mails_to(address), "the mail is sent")
        terminate(process, 15)
        assert process.returncode == 0

    def test_the_maintenance_succeeds(self, image: Path, site: Site, tmp_path: Path) -> None:
        (command,) = SERVICES["maintenance"]["command"]
        ended = run_program([str(image / command)], cwd=image, env=settings_of("maintenance", site, tmp_path))
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def test_the_health_check_of_the_cache_finds_a_memcached_and_no_other(self, site: Site) -> None:
        assert site.memcached
        for port, healthy in ((site.memcached.port, True), (site.smtp.port, False), (free_port(), False)):
            command = [
                interpolate(word, {}).replace("11211", str(port)) for word in SERVICES["cache"]["healthcheck"]["test"]
            ]
            ended = run_program([find_program(command[1]), *command[2:]])
            assert (ended.returncode == 0) is healthy, port

    def test_the_cache_accepts_the_options(self) -> None:
        program, *options = SERVICES["cache"]["command"]
        assert program == "memcached"
        memcached = MemcachedServer(*options).start()
        memcached.stop()

    def test_the_health_check_of_the_database_finds_a_postgresql(self, postgres: PostgresServer) -> None:
        words = SERVICES["database"]["healthcheck"]["test"][1:]
        for port, healthy in ((postgres.port, True), (free_port(), False)):
            command = [word.replace("5432", str(port)) for word in words]
            folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
            ended = subprocess.run([find_program(command[0], *folders), *command[1:]], capture_output=True, check=False)
            assert (ended.returncode == 0) is healthy, ended.stdout

    def test_every_program_that_the_image_needs_is_locked_with_its_hash(self) -> None:
        (install,) = (line for line in instructions("RUN") if "pip install" in line)
        assert "--require-hashes -r requirements.lock" in install
        assert "--hash=sha256:" in (ROOT / "requirements.lock").read_text()
