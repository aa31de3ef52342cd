"""The CMS in examples/cms/, alone: this module plays the web server that names an account, and the account centre."""

import contextlib
import http.client
import json
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from standardwebhooks import Webhook

from tests.servers import LONGEST_SECONDS, ROOT, Gunicorn, eventually

FOLDER = ROOT / "examples" / "cms"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Reply(NamedTuple):
    """A response of the CMS."""

    status: int
    headers: Mapping[str, str]
    text: str


class ExampleCms(Gunicorn):
    """The example, served from a copy of its folder, which contains nothing of the account centre."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Copy the example; its database is in the same folder."""
        self.database = folder / "cms.db"
        settings = {
            "FLASK_SECRET_KEY": secrets.token_urlsafe(32),
            "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{self.database}",
            "FLASK_SQLALCHEMY_ENGINE_OPTIONS": json.dumps({"connect_args": {"timeout": 2}}),
            "FLASK_WEBHOOK_SECRET": SECRET,
            "FLASK_ACCOUNT_URL": "/admin/accounts/cms/",
        }
        super().__init__(settings, folder / "log", 1, "--threads", "8")
        self.port = port or self.port
        self.root = folder / "cms"
        shutil.copytree(FOLDER, self.root, ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache"))

    def _is_healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the example ended:\n{self.log.read_text()}"
        try:
            status = self.send("GET", "/articles/").status
        except (OSError, http.client.HTTPException):
            return False
        assert status == 200, self.log.read_text()
        return True

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        reply = Reply(response.status, dict(response.headers.items()), response.read().decode())
        connection.close()
        return reply

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def authors(self) -> list[tuple[Any, ...]]:
        """Return what the CMS knows of its authors."""
        return self.rows("SELECT account_id, name, email, is_active, event_number FROM author ORDER BY account_id")

    def receive(self, event: dict[str, Any], secret: str = SECRET, **headers: str) -> int:
        """Send a signed webhook, and return the status of the response."""
        body, moment = json.dumps(event), datetime.now(UTC)
        signed = {
            "webhook-id": event["id"],
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(secret).sign(event["id"], moment, body),
            "content-type": "application/json",
        }
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", "/hooks/accounts", body.encode(), signed).status


class Client:
    """A browser behind the web server, which names the account that is signed in."""

    def __init__(self, cms: ExampleCms, account_id: int = 0, name: str = "ann", role: str = "editor") -> None:
        """Choose the account; 0 is a visitor."""
        self.cms, self.cookie = cms, ""
        self.identity = {
            "X-Account-Id": str(account_id),
            "Remote-User": quote(name),
            "Remote-Name": quote(name),
            "Remote-Email": quote(f"{name}@example.com", safe="@"),
            "Remote-Groups": role,
        }
        if not account_id:
            self.identity = {}

    def get(self, path: str) -> Reply:
        """Open a page, and keep the cookie."""
        reply = self.cms.send("GET", path, headers={**self.identity, "Cookie": self.cookie})
        self._keep_cookie(reply)
        return reply

    def post(self, path: str, form_at: str, **fields: str) -> Reply:
        """Send a form with the token of the page `form_at`."""
        page = self.get(form_at).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        return self.post_without_token(path, csrf_token=token[1] if token else "", **fields)

    def post_without_token(self, path: str, **fields: str) -> Reply:
        """Send a form."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        reply = self.cms.send("POST", path, urlencode(fields).encode(), {**self.identity, **headers})
        self._keep_cookie(reply)
        return reply

    def write(self, title: str = "A title", text: str = "A text.") -> str:
        """Write an article, and return its path."""
        reply = self.post("/write/", "/write/", title=title, text=text)
        assert reply.status == 303, reply.text
        return reply.headers["Location"]

    def _keep_cookie(self, reply: Reply) -> None:
        if "Set-Cookie" in reply.headers:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]


def make_event(account_id: int, number: int, **after: Any) -> dict[str, Any]:
    """Return an event of an account as the account centre sends it; `erased=True` has no personal data any more."""
    account = {
        "email": "ann@example.com",
        "username": "ann",
        "role": "editor",
        "is_disabled": False,
        "is_erased": False,
    }
    told = None if after.pop("redacted", False) else account | after
    return {
        "type": "account.profile_changed",
        "timestamp": "2026-11-22T07:26:57.183743Z",
        "id": f"evt_{secrets.token_hex(16)}",
        "version": 1,
        "data": {"account_id": account_id, "number": number, "before": told, "after": told},
    }


def await_author(cms: ExampleCms, *expected: Any) -> None:
    """Wait until the CMS has an author with these values."""
    eventually(lambda: expected in [row[: len(expected)] for row in cms.authors()], f"the author is {expected}")


def list_sockets(port: int, state: str) -> list[list[str]]:
    """Return the lines of the kernel about TCP sockets with this local port and state, as fields."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return [fields for fields in lines if fields[1].endswith(f":{port:04X}") and fields[3] == state]


def listening_addresses(port: int) -> set[str]:
    """Return the addresses, as the kernel writes them, at which somebody listens on a port."""
    return {fields[1].partition(":")[0] for fields in list_sockets(port, "0A")}


def count_connections(port: int) -> int:
    """Return the number of established connections to a port."""
    return len(list_sockets(port, "01"))


def listening_processes(port: int) -> list[int]:
    """Return the ids of the processes that listen on a port: a master and its workers, in this order."""
    sockets = {f"socket:[{fields[9]}]" for fields in list_sockets(port, "0A")}
    return find_processes(lambda folder: any(str(link.readlink()) in sockets for link in (folder / "fd").iterdir()))


def processes_inside(checkout: Path) -> list[int]:
    """Return the ids of the processes whose working directory is in a folder."""
    return find_processes(lambda folder: (folder / "cwd").readlink().is_relative_to(checkout))


def find_processes(condition: Callable[[Path], bool]) -> list[int]:
    """Return the ids of the processes for whose folder in /proc a condition is met, in ascending order."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It has ended meanwhile.
            if condition(folder):
                found.append(int(folder.name))
    return sorted(found)
