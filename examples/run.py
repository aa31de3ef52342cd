"""`make example`: the account centre and the CMS in examples/cms/ behind one nginx, on this machine only.

Everything that they store is in examples/instance/. A part that ends is started again, as systemd would do.
"""

import base64
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "examples" / "instance"
PREFIX = "/admin/accounts"
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")  # Variables of the shell that the applications get.
START_SECONDS = 300  # How long the parts may take to start, on a slow machine.
STOP_SECONDS = 25  # How long they may take to end; gunicorn waits 20 seconds for open requests.
ENDS, ENDS_SECONDS = 3, 10  # A part that ends this often in this time is not started again.


def main() -> None:
    """Start everything, and serve until Ctrl-C."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT may be ignored: a script has started this.
        signal.signal(sign, signal.default_int_handler)
    ports = choose_ports(os.environ.get("PORT") or "5000")
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    parts: list[Part] = []
    with open(FOLDER / "lock", "w") as lock, contextlib.suppress(KeyboardInterrupt):
        take(lock)
        settings = choose_settings(ports)
        store_settings(settings["accounts"])
        sign_in = create_administrator(settings["accounts"])
        parts = list_parts(ports, settings)
        try:
            start(parts, ports["nginx"])
            announce(ports["nginx"], sign_in)
            restart_what_ends(parts)
        finally:
            stop(parts)


def choose_ports(written: str) -> dict[str, int]:
    """Return the port of each part, after checking that they are free."""
    if not (written.isascii() and written.isdigit() and 0 < int(written) < 65534):
        fail(f"PORT={written!r} is invalid: it must be a whole number from 1 to 65533.")
    first = int(written)
    ports = {"nginx": first, "accounts": first + 1, "cms": first + 2}
    for port in ports.values():
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as problem:
            reason = str(problem.strerror).partition(" (")[0]
            fail(f"127.0.0.1:{port} cannot be used: {reason}. Use other ports: PORT=8080 make example")
    return ports


def take(lock: Any) -> None:
    """Lock the folder: two examples must not use the same files."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fail("`make example` is already running in this folder.")


def choose_settings(ports: dict[str, int]) -> dict[str, dict[str, str]]:
    """Return the environment of both applications; nothing but these variables affects them."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    site, keys = f"http://localhost:{ports['nginx']}{PREFIX}", keep_keys()
    (FOLDER / "cms").mkdir(exist_ok=True)
    return {
        "accounts": {
            **inherited,
            "CMS_ENV": "development",
            "INSTANCE_DIR": str(FOLDER / "accounts"),
            "SITE_URL": site,
            "TRUSTED_PROXIES": "1",
            "WEBHOOKS": f"http://127.0.0.1:{ports['cms']}/hooks/accounts {keys['webhook']}",
        },
        "cms": {
            **inherited,
            "FLASK_SECRET_KEY": keys["cms"],
            "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{FOLDER / 'cms' / 'cms.db'}",
            "FLASK_WEBHOOK_SECRET": keys["webhook"],
            "FLASK_ACCOUNT_URL": f"{PREFIX}/cms/",
        },
    }


def store_settings(settings: dict[str, str]) -> None:
    """Store the settings of the account centre in a file for shells, for its commands (`flask admin list`)."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in settings.items() if name not in INHERITED]
    write_private(FOLDER / "accounts.env", "".join(lines))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    unfinished = path.with_suffix(".new")
    with open(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def keep_keys() -> dict[str, str]:
    """Return the keys, which the first start creates and stores in a file that only its owner can read."""
    path = FOLDER / "keys.json"
    if not path.exists():
        webhook = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        write_private(path, json.dumps({"webhook": webhook, "cms": secrets.token_urlsafe(32)}))
    keys: dict[str, str] = json.loads(path.read_text())
    return keys


def create_administrator(settings: dict[str, str]) -> str:
    """Create the database and the demonstration administrator once; return the line with the sign-in, or nothing."""
    command = [sys.executable, "-m", "flask", "--app", "app", "admin", "demo", "--upgrade"]
    ended = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    if ended.returncode:
        fail(ended.stderr.strip() or f"flask admin demo ended with status {ended.returncode}.")
    return next((line for line in ended.stdout.splitlines() if line.startswith("Demonstration sign-in")), "")


class Part:
    """A program of the example, with its log."""

    def __init__(self, name: str, command: list[str], folder: Path, settings: dict[str, str]) -> None:
        """Store how it is started."""
        self.name, self.command, self.folder, self.settings = name, command, folder, settings
        self.log = FOLDER / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.ends: list[float] = []

    def start(self) -> None:
        """Start it in a process group of its own, which Ctrl-C in a terminal does not reach.

        A worker of gunicorn that got two signals to end at once, from the terminal and from its master, could hang.
        """
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.settings, process_group=0, stdout=log, **streams
            )

    @property
    def has_ended(self) -> bool:
        """Return whether it runs no more."""
        return self.process is not None and self.process.poll() is not None

    def fail(self) -> NoReturn:
        """Exit with the reason why it has ended."""
        last = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        fail(f"The part `{self.name}` has ended: {''.join(last)} (see {self.log.relative_to(ROOT)})")


def list_parts(ports: dict[str, int], settings: dict[str, dict[str, str]]) -> list[Part]:
    """Return the programs of the example; their logs are empty."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--log-level", "warning", "app:create_app()", "--bind"]
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        fail("nginx was not found. Install it, for example with: apt-get install nginx-light")
    user = ["-g", "user root;"] if os.geteuid() == 0 else []  # Its own user could not read this folder.
    folder = configure_nginx(ports)
    parts = [
        Part("accounts", [*gunicorn, f"127.0.0.1:{ports['accounts']}"], ROOT, settings["accounts"]),
        Part(
            "cms",
            [*gunicorn, f"127.0.0.1:{ports['cms']}", "--threads", "4"],
            Path(__file__).parent / "cms",
            settings["cms"],
        ),
        Part("nginx", [nginx, "-p", str(folder), "-e", "stderr", "-c", "nginx.conf", *user], folder, {}),
    ]
    for part in parts:
        part.log.write_text("")
    return parts


def configure_nginx(ports: dict[str, int]) -> Path:
    """Copy examples/nginx.conf and deploy/beside to a folder; only the ports are replaced."""
    folder = FOLDER / "nginx"
    (folder / "beside").mkdir(parents=True, exist_ok=True)
    for source in [ROOT / "examples" / "nginx.conf", *(ROOT / "deploy" / "beside").glob("*.conf")]:
        text = source.read_text()
        for number, name in ((8080, "nginx"), (8001, "accounts"), (9000, "cms")):
            text = text.replace(f"127.0.0.1:{number}", f"127.0.0.1:{ports[name]}")
        (folder / ("beside" if source.parent.name == "beside" else "") / source.name).write_text(text)
    return folder


def start(parts: list[Part], port: int) -> None:
    """Start all parts, and wait until both applications answer through nginx."""
    for part in parts:
        part.start()
    deadline = time.monotonic() + START_SECONDS
    while not (answers(port, "/articles/") and answers(port, f"{PREFIX}/readyz")):
        for part in parts:
            if part.has_ended:
                part.fail()
        if time.monotonic() > deadline:
            fail(f"Nothing answers after {START_SECONDS} seconds; see the logs in {FOLDER.relative_to(ROOT)}.")
        time.sleep(0.1)


def answers(port: int, path: str) -> bool:
    """Return whether a page is served."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announce(port: int, sign_in: str) -> None:
    """Print where everything is."""
    site = f"http://localhost:{port}"
    say(
        *([sign_in] if sign_in else []),
        f"Articles, for everybody:       {site}/articles/",
        f"The account centre:            {site}{PREFIX}/cms/",
        f"The mail that it sends:        {site}{PREFIX}/dev/mailbox/",
        f"Logs and databases:            {FOLDER.relative_to(ROOT)}/",
        f"Serving on {site}/ - Ctrl-C stops it.",
    )


def restart_what_ends(parts: list[Part]) -> NoReturn:
    """Start parts again that have ended, for ever."""
    while True:
        for part in parts:
            if part.has_ended:
                part.ends.append(time.monotonic())
                if len(part.ends) >= ENDS and part.ends[-1] - part.ends[-ENDS] < ENDS_SECONDS:
                    part.fail()
                say(f"The part `{part.name}` has ended, and is started again.")
                part.start()
        time.sleep(0.2)


def stop(parts: list[Part]) -> None:
    """Stop all parts, nginx first."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)  # A second Ctrl-C must not leave a part behind.
    running = [part.process for part in reversed(parts) if part.process and not part.has_ended]
    deadline = time.monotonic() + STOP_SECONDS
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # With its workers.
            process.wait()


def say(*lines: str) -> None:
    """Print lines at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def fail(line: str) -> NoReturn:
    """Exit with one line."""
    raise SystemExit(line)


if __name__ == "__main__":
    main()
