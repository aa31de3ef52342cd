"""The units in deploy/, started as systemd would, without systemd: the same command, environment and system calls."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import AS_ROOT, ROOT, find_program, free_port, spawn

DEPLOY = ROOT / "deploy"
PYTHON = "/srv/cms/.venv/bin/python"
SANDBOX = Path(__file__).with_name("sandbox.py")
Sections = dict[str, dict[str, list[str]]]


def read_unit(name: str, instance: str = "") -> Sections:
    """Return the sections of a unit: each directive has one value for each line, and an empty one resets it."""
    sections: Sections = {}
    for line in (DEPLOY / name).read_text().replace("%i", instance).splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = sections.setdefault(header[1], {})
        elif line and not line.startswith("#"):
            directive, _, value = line.partition("=")
            section.setdefault(directive, []).append(value)
    return sections


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


class Unit:
    """A service of deploy/, whose paths are replaced by those of the tests."""

    def __init__(self, name: str, settings: Mapping[str, str], instance: str = "") -> None:
        """Read the unit; `settings` is the content of its EnvironmentFile."""
        self.name, self.service = name, read_unit(name, instance)["Service"]
        own = dict(line.split("=", 1) for line in self.service["Environment"])
        # systemd starts a service without HOME and with this PATH; the settings take precedence over `Environment=`.
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", **own, **settings}
        self.environment["PYTHON"] = sys.executable
        self.environment["METRICS_PORT"] = str(free_port())  # The default might be the port of another test.

    @property
    def stop_seconds(self) -> float:
        """Return how long systemd waits before it kills the service."""
        return float(self.service["TimeoutStopSec"][0])

    @property
    def command(self) -> list[str]:
        """Return the command of the unit, with the paths and variables replaced."""
        (line,) = self.service["ExecStart"]
        found = []
        for word in shlex.split(line):
            expanded = re.sub(r"\$\{(\w+)\}", lambda match: self.environment[match[1]], word)
            found.append(sys.executable if word == PYTHON else expanded.replace("/srv/cms", str(ROOT)))
        return found

    def start(self, log: Path) -> subprocess.Popen[bytes]:
        """Start the service in the sandbox of its unit."""
        sandbox = [sys.executable, str(SANDBOX), str(DEPLOY / self.name)]
        if AS_ROOT:  # Only root can give up capabilities that it has not.
            sandbox = [find_program("setpriv"), "--bounding-set=-all", "--inh-caps=-all", *sandbox]
        with log.open("ab") as output:
            return spawn(
                [*sandbox, *self.command], "KILL", cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )

    @property
    def kill_signal(self) -> signal.Signals:
        """Return the signal with which systemd stops the service."""
        return signal.Signals[self.service["KillSignal"][0]]
