"""How long requests take while eight administrators change their addresses at the same time, on SQLite and gunicorn.

Prints the changes per second, and for both requests of a change and the page after it the percentiles of their
duration and the ratio of the 99th to the 50th, which shows how long a request waits for the others. No process delivers
mail: codes are read from the table.

    .venv/bin/python -m bench.load [SECONDS]
"""

import http.cookiejar
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from app import create_app
from bench.cycle import PASSWORD, UNLIMITED
from models import Address, db

USERS = 8
CODE = "SELECT subject FROM mail WHERE recipient = ?"


class User:
    """An administrator with a browser."""

    def __init__(self, site: str, number: int) -> None:
        """Sign in."""
        self._site, self._number, self._changes = site, number, 0
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(cookies)
        self.seconds: dict[str, list[float]] = {"request a code": [], "confirm": [], "page": []}
        self._token = self._read_token("/cms/login/")
        self._post("/cms/login/", email=f"user{number}@example.com", password=PASSWORD)
        self._token = self._read_token("/cms/resetemail/")

    def change_until(self, end: float) -> None:
        """Change the address repeatedly until a time of the monotonic clock."""
        while time.monotonic() < end:
            self._changes += 1
            email = f"user{self._number}-{self._changes}@example.org"
            self._time("request a code", "/cms/email_captcha/", email=email)
            self._time("confirm", "/cms/resetemail/", email=email, captcha=self.read_code(email))
            start = time.perf_counter()
            self._read_token("/cms/resetemail/")
            self.seconds["page"].append(time.perf_counter() - start)

    def read_code(self, email: str) -> str:
        """Return the code that is queued for an address."""
        raise NotImplementedError

    def _time(self, step: str, path: str, **form: str) -> None:
        start = time.perf_counter()
        self._post(path, **form)
        self.seconds[step].append(time.perf_counter() - start)

    def _read_token(self, path: str) -> str:
        page = urllib.request.Request(self._site + path, headers={"Accept": "text/html"})  # noqa: S310
        found = re.search(rb'name="csrf-token" content="([^"]+)"', self._browser.open(page).read())
        assert found
        return found[1].decode()

    def _post(self, path: str, **form: str) -> None:
        headers = {"X-CSRFToken": self._token, "Accept": "application/json"}
        data = urllib.parse.urlencode(form).encode()
        answer = self._browser.open(urllib.request.Request(self._site + path, data, headers))  # noqa: S310
        assert json.load(answer)["code"] == 200


class LocalUser(User):
    """An administrator who reads the codes from the SQLite file."""

    def __init__(self, site: str, database: Path, number: int) -> None:
        """Sign in."""
        self._database = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        super().__init__(site, number)

    def read_code(self, email: str) -> str:
        """Return the code that is queued for an address."""
        return str(self._database.execute(CODE, (email,)).fetchone()[0])[:6]


def serve(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Create the administrators, and start two processes of four threads."""
    app = create_app({"INSTANCE_DIR": str(folder), **UNLIMITED})
    with app.app_context():
        db.create_all()
        for number in range(USERS):
            address, name = Address.of(f"user{number}@example.com"), f"user{number}"
            administration.create(
                address=address, username=name, password=PASSWORD, superuser=False, origin=COMMAND_LINE
            )
    settings = {name: str(value) for name, value in UNLIMITED.items()}
    command = [sys.executable, "-m", "gunicorn", "--log-level", "warning", "--bind", f"127.0.0.1:{port}"]
    environment = {**os.environ, **settings, "INSTANCE_DIR": str(folder), "CMS_ENV": "development"}
    return subprocess.Popen([*command, "app:create_app()"], env=environment, stderr=subprocess.DEVNULL)  # noqa: S603


def wait_until_listening(port: int) -> None:
    """Wait until the server listens on the port."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def main(seconds: float) -> None:
    """Measure the changes, and print the results."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as name:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        server = serve(Path(name), port)
        wait_until_listening(port)
        try:
            users = [LocalUser(f"http://127.0.0.1:{port}", Path(name) / "cms.db", number) for number in range(USERS)]
            end = time.monotonic() + seconds
            threads = [threading.Thread(target=user.change_until, args=(end,)) for user in users]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            server.terminate()
            server.wait()
    print(f"{sum(len(user.seconds['confirm']) for user in users) / seconds:.0f} changes/s")  # noqa: T201
    for step in ("request a code", "confirm", "page"):
        durations = sorted(each for user in users for each in user.seconds[step])
        p50, p95, p99 = (1000 * durations[int(len(durations) * part)] for part in (0.5, 0.95, 0.99))
        print(f"{step:14}  p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   p99 {p99:6.1f} ms   p99/p50 {p99 / p50:4.1f}")  # noqa: T201


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
