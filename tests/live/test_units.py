"""The systemd units in deploy/: systemd accepts them, and what they start serves, stops in time and loses nothing."""

import contextlib
import http.client
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

import config
from accounts import clock
from models import Budget, CMSUser
from tests.actors import Person
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION
from tests.live.conftest import Serve
from tests.live.sites import Site
from tests.live.units import DEPLOY, PYTHON, Unit, read_by_systemd, read_unit
from tests.servers import ROOT, Patience, eventually, find_program, free_port, run_program

pytestmark = pytest.mark.servers

SERVICES = ("cms-web@.service", "cms-mail.service", "cms-maintenance.service")
UNITS = (*SERVICES, "cms-web.service", "cms-maintenance.timer")
BEHIND_PROXY = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
EXPOSURE = "15"  # 1.5 of 10: "OK".


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Provide a folder with all units, whose programs are replaced by existing ones, because systemd checks them."""
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        text = text.replace(PYTHON, sys.executable).replace("/srv/cms/", f"{ROOT}/").replace("/srv/cms", str(ROOT))
        (tmp_path / name).write_text(text)
    for port in ("8001", "8002"):
        shutil.copy(tmp_path / "cms-web@.service", tmp_path / f"cms-web@{port}.service")
    return tmp_path


def analyze(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze, which reads only the units in this folder besides those of the system."""
    return run_program([find_program("systemd-analyze"), "--no-pager", *words], cwd=folder)


@pytest.mark.parametrize("name", [*UNITS, "cms-web@8001.service"])
def test_systemd_accepts_the_unit_without_a_warning(folder: Path, name: str) -> None:
    told = analyze("verify", f"./{name}", folder=folder)
    assert (told.returncode, told.stderr) == (0, "")


def test_systemd_would_report_a_directive_that_it_does_not_know(folder: Path) -> None:
    unit = folder / "cms-mail.service"
    unit.write_text(unit.read_text().replace("PrivateTmp=", "PrivateTemp="))
    assert "PrivateTemp" in analyze("verify", "./cms-mail.service", folder=folder).stderr


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_is_hardly_exposed(folder: Path, name: str) -> None:
    told = analyze("security", "--offline=yes", f"--threshold={EXPOSURE}", name.replace("@", "@8001"), folder=folder)
    assert told.returncode == 0, told.stdout[-500:]


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_is_confined_like_the_others_and_runs_as_a_user_of_its_own(name: str) -> None:
    text, web = (DEPLOY / name).read_text(), (DEPLOY / SERVICES[0]).read_text()
    parts = [each.partition("\n# The service writes")[2].partition("\n[Install]")[0] for each in (text, web)]
    assert parts[0] == parts[1] != ""
    service = read_unit(name)["Service"]
    assert (service["User"], service["WorkingDirectory"]) == (["cms"], ["/srv/cms"])
    assert (service["EnvironmentFile"], service["StateDirectory"]) == (["/etc/cms.env"], ["cms"])


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("cms-web.service", "multi-user.target"),
        ("cms-web@.service", "cms-web.service"),
        ("cms-mail.service", "multi-user.target"),
        ("cms-maintenance.timer", "timers.target"),
    ],
)
def test_the_unit_starts_at_every_boot(name: str, target: str) -> None:
    unit = read_unit(name)
    assert unit["Install"]["WantedBy"] == [target]
    assert unit["Unit"]["Description"]


def test_the_web_service_starts_the_two_nodes_of_nginx() -> None:
    ports = re.findall(r"server 127\.0\.0\.1:(\d+)", (DEPLOY / "nginx.conf").read_text())
    (wanted,) = read_unit("cms-web.service")["Unit"]["Wants"]
    assert wanted.split() == [f"cms-web@{port}.service" for port in ports]


def test_a_service_may_take_longer_to_stop_than_any_setting_lets_it() -> None:
    longest = {name: bound(name) for name in ("DRAIN_SECONDS", "MAIL_DIALOGUE_SECONDS")}
    graceful = int(re.findall(r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)[0])
    web, mail = (Unit(name, {}, "8001").stop_seconds for name in SERVICES[:2])
    assert web >= longest["DRAIN_SECONDS"] + graceful + 5
    assert mail >= longest["MAIL_DIALOGUE_SECONDS"] + 5


def bound(name: str) -> int:
    """Return the highest value that a setting accepts."""
    (setting,) = (each for each in config.SETTINGS if each.name == name)
    with pytest.raises(ValueError, match="whole number") as refused:
        setting.read("x")
    return int(str(refused.value).split()[-1])


@pytest.fixture
def site(serve: Serve) -> Iterator[Site]:
    """Provide a site in production; the tests start further services on its database, cache and mail server."""
    settings = {**PRODUCTION, "TRUSTED_PROXIES": "1", "TRUSTED_HOSTS": "cms.example.com,127.0.0.1"}
    with serve(ENVIRONMENTS[1], MAIL_DELIVERY="worker", **settings) as site:
        yield site


def settings_of(site: Site) -> dict[str, str]:
    """Return the settings file in deploy/ with the servers and the secrets of the site."""
    plain = {"MAIL_USE_TLS": "no", "MAIL_USERNAME": "", "MAIL_PASSWORD": ""}
    return {**read_by_systemd((DEPLOY / "cms.env").read_text()), **plain, **site.settings}


def stop(process: subprocess.Popen[bytes], unit: Unit) -> None:
    """Stop a service like systemd, and fail if systemd would have killed it."""
    process.send_signal(unit.kill_signal)
    patience = Patience(unit.stop_seconds)
    eventually(lambda: process.poll() is not None or patience.is_over(), "the service ends", unit.stop_seconds)
    assert process.returncode == 0


class TestWeb:
    """cms-web@.service."""

    def test_it_serves_and_on_sigterm_answers_every_request_that_it_accepted(self, site: Site, tmp_path: Path) -> None:
        port, log = free_port(), tmp_path / "log"
        unit = Unit("cms-web@.service", settings_of(site), str(port))
        people = [site.person_with_session() for _ in range(4)]
        for person in people:
            person.browser.port = port  # type: ignore[attr-defined]
            person.browser.headers |= BEHIND_PROXY
        with notifications(tmp_path / "notify") as notify:
            unit.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
            process = unit.start(log)
            try:
                assert b"READY=1" in notify.recv(4096)
                status = Path(f"/proc/{process.pid}/status").read_text()
                assert "\nNoNewPrivs:\t1\n" in status
                assert "\nSeccomp:\t2\n" in status  # The filters are applied.
                answers: list[int | str] = []
                threads = [threading.Thread(target=work_until_refused, args=(each, answers)) for each in people]
                for thread in threads:
                    thread.start()
                eventually(lambda: len(answers) > 30 or not all(each == 200 for each in answers), log.read_text())
                stop(process, unit)
                for thread in threads:
                    thread.join()
            finally:
                process.kill()
        assert set(answers) == {200}
        assert "Traceback" not in log.read_text()
        assert "SIGKILL" not in log.read_text()

    def test_its_address_can_be_changed_without_changing_the_file(self) -> None:
        unit = Unit("cms-web@.service", {"ADDRESS": "10.0.0.12"}, "8001")
        assert "10.0.0.12:8001" in unit.command


@contextlib.contextmanager
def notifications(path: Path) -> Iterator[socket.socket]:
    """Receive what a service tells systemd (sd_notify)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(600)
        yield receiver


def work_until_refused(person: Person, answers: list[int | str]) -> None:
    """Load pages and send forms until connections are refused; any other end is an answer that should not occur."""
    while True:
        for act in (person.page, person.reauth):
            try:
                answers.append(act().status)
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException) as problem:
                answers.append(repr(problem))
                return


def test_the_mail_service_finishes_its_mail_on_sigterm_and_every_mail_is_sent_once(site: Site, tmp_path: Path) -> None:
    unit, log, addresses = Unit("cms-mail.service", settings_of(site)), tmp_path / "log", []
    for _ in range(6):
        person = site.person_with_session()
        person.browser.headers |= BEHIND_PROXY
        addresses.append(site.new_address())
        assert person.ask(addresses[-1]).status == 200
    first = unit.start(log)
    stopping = threading.Event()

    def stop_in_the_dialogue() -> None:
        if not stopping.is_set():
            stopping.set()
            first.send_signal(unit.kill_signal)

    site.smtp.before_receipt = stop_in_the_dialogue
    eventually(lambda: first.poll() is not None, "the service ends", unit.stop_seconds)
    assert (first.returncode, stopping.is_set()) == (0, True)
    assert not site.all_mail_is_sent(), "it was stopped before it had sent everything"
    second = unit.start(log)
    try:
        eventually(lambda: site.make_mail_due() or site.all_mail_is_sent(), log.read_text())
        stop(second, unit)
    finally:
        second.kill()
    assert [len(site.smtp.mails_to(address)) for address in addresses] == [1] * 6
    assert "Traceback" not in log.read_text()


class TestMaintenance:
    """cms-maintenance.service."""

    def test_it_deletes_expired_rows_verifies_the_history_and_checks_every_part(
        self, site: Site, tmp_path: Path
    ) -> None:
        now = clock.now()
        over = {"key": "over", "used": 1, "used_at": now, "resets_at": now - timedelta(days=2)}
        site.execute(insert(Budget).values(over))
        site.administrator()
        code, log = self.run(site, tmp_path)
        assert code == 0, log
        assert site.count(Budget) == 0
        assert "Every history is intact." in log
        assert len(re.findall(r"^ok  ", log, re.MULTILINE)) >= 10

    def test_it_fails_if_one_task_does_and_the_others_are_done(self, site: Site, tmp_path: Path) -> None:
        site.administrator()
        site.execute(update(CMSUser).values(audit_rows=CMSUser.audit_rows + 1))
        code, log = self.run(site, tmp_path)
        assert code == 1
        assert re.findall(r"^maintenance: (.+)$", log, re.MULTILINE) == ["flask audit verify failed"]
        assert "All expired rows are deleted." in log
        assert "ok    database" in log

    def run(self, site: Site, folder: Path) -> tuple[int, str]:
        """Run the service once; return its exit code and what it printed."""
        log = folder / "log"
        process = Unit("cms-maintenance.service", settings_of(site)).start(log)
        eventually(lambda: process.poll() is not None, "the service ends")
        return process.returncode, log.read_text()


@pytest.mark.parametrize("name", [name for name in SERVICES if "maintenance" not in name])
def test_a_service_is_stopped_by_sigterm_to_its_main_process_only(name: str) -> None:
    service = read_unit(name)["Service"]
    assert (service["KillMode"], service["KillSignal"]) == (["mixed"], [signal.SIGTERM.name])
    assert service["Restart"] == ["always"]
