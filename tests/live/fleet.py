"""A fleet: nodes behind nginx and mail workers on the same servers, each of which can be replaced or fail."""

import contextlib
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.programs import Program
from tests.servers import ROOT, Gunicorn, Nginx, start_command, terminate

BEHIND_NGINX = {
    "MAIL_DELIVERY": "worker",
    "TRUSTED_PROXIES": "1",
    "TRUSTED_HOSTS": f"{Nginx.HOST},127.0.0.1,localhost",
}
"""The settings of a node behind nginx, which the tests also use directly."""


class MailWorker:
    """A process that runs `flask mail deliver --watch`."""

    def __init__(self, settings: Mapping[str, str], log: Path, root: Path = ROOT) -> None:
        """Store the settings, the file of its log, and the folder of its version."""
        self._settings, self.log, self.root = settings, log, root
        self._process: Program | None = None

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> "MailWorker":
        """Start it."""
        with self.log.open("ab") as log:
            self._process = self._start(log)
        return self

    def _start(self, log: IO[bytes]) -> Program:
        return start_command(self._settings, "mail", "deliver", "--watch", root=self.root, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill it, like a machine that is switched off."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it gracefully."""
        terminate(self._process, signal.SIGTERM)


class Fleet:
    """Nodes of two processes each behind one nginx, and mail workers; all of them stop with the stack."""

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        stack: contextlib.ExitStack,
        *,
        nodes: int = 2,
        workers: int = 1,
        root: Path = ROOT,
        has_limits: bool = False,
    ) -> None:
        """Start everything; the logs are stored in the folder."""
        self.nodes = [Gunicorn(settings, folder / f"node{number + 1}.log", 2) for number in range(nodes)]
        for node in self.nodes:
            node.root = root
            stack.callback(node.stop)
            node.start()
        (folder / "nginx").mkdir()
        self.nginx = Nginx(folder / "nginx", [node.port for node in self.nodes], has_limits=has_limits)
        stack.callback(self.nginx.stop)
        self.nginx.start()
        self.workers = [MailWorker(settings, folder / f"mail{number + 1}.log", root) for number in range(workers)]
        for worker in self.workers:
            stack.callback(worker.stop)
            worker.start()
