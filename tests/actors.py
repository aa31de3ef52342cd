"""The people of the stories: they have a browser, type into forms and read their mail, and know nothing else."""

import html
import http.client
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask
from werkzeug.datastructures import Headers

from tests.servers import LONGEST_SECONDS

PASSWORD = "correct horse battery"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
SCRIPT = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, body, and the path that it came from in the end."""

    status: int
    headers: Headers
    body: bytes
    path: str

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    @property
    def envelope(self) -> dict[str, Any]:
        """Return the JSON envelope; whatever else came is a fault."""
        assert self.headers.get("Content-Type") == "application/json", f"no envelope but {self}"
        found: dict[str, Any] = json.loads(self.body)
        assert set(found) == {"code", "message", "data"}, found
        assert found["code"] == self.status, found
        assert isinstance(found["message"], str), found
        assert isinstance(found["data"], dict), found
        return found

    @property
    def data(self) -> dict[str, Any]:
        """Return the data of the envelope."""
        return dict(self.envelope["data"])

    @property
    def message(self) -> str:
        """Return the sentence of the envelope."""
        return str(self.envelope["message"])

    @property
    def error(self) -> str | None:
        """Return the stable word of a refusal, or None where nothing was refused."""
        if self.status == 200:
            assert "error" not in self.data
            return None
        return str(self.data["error"])

    def __str__(self) -> str:
        """Show what a failed test wants to see."""
        return f"{self.status} from {self.path}: {self.body[:600]!r}"


class Browser:
    """Sends requests and keeps cookies, as far as a browser does that; how it sends them is a subclass's matter."""

    def __init__(self) -> None:
        """Open the browser for the first time: no cookies."""
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {"User-Agent": CHROME, "Accept-Language": "zh"}

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        """Send one request, remember the cookies of its answer and return that."""
        all_headers = {**self.headers, **headers}
        if self.cookies and "Cookie" not in headers:
            all_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._send(method, path, body, all_headers)
        for line in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        raise NotImplementedError

    def close(self) -> None:
        """Hang up."""


class InProcess(Browser):
    """Talks to an application in this process."""

    def __init__(self, app: Flask, network: str = "203.0.113.5") -> None:
        """Come from a network address."""
        super().__init__()
        self.app, self.network = app, network
        self._client = app.test_client(use_cookies=False)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        response = self._client.open(
            path, method=method, data=body, headers=dict(headers), environ_base={"REMOTE_ADDR": self.network}
        )
        answer = Answer(response.status_code, response.headers, response.get_data(), path)
        response.close()
        return answer


class OverTheWire(Browser):
    """Talks to a server on a port of this machine."""

    def __init__(self, port: int) -> None:
        """Remember the port; a connection is made when it is needed."""
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
        except (ConnectionError, http.client.HTTPException):  # A kept connection may have been closed: once more.
            self._connection.close()
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
        return Answer(response.status, Headers(response.getheaders()), response.read(), path)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Person:
    """An administrator at a browser. With `script` their forms are sent by zlajax, without it as plain pages."""

    def __init__(self, browser: Browser, email: str, password: str = PASSWORD, *, script: bool = True) -> None:
        """Sit down; nothing is sent yet."""
        self.browser, self.email, self.password, self.script = browser, email, password, script
        self._token = ""

    def page(self, path: str = "/cms/resetemail/", *, follow: bool = True) -> Answer:
        """Open a page, as a page."""
        answer = self.browser.send("GET", path, headers=PAGE)
        return self._followed(answer) if follow else answer

    def ask_as_script(self, path: str = "/cms/resetemail/") -> Answer:
        """Have a script ask for something."""
        return self.browser.send("GET", path, headers=SCRIPT)

    def pending(self) -> dict[str, Any] | None:
        """Return the pending change as the page's script sees it."""
        found: dict[str, Any] | None = self.ask_as_script().data["pending"]
        return found

    def address(self) -> str:
        """Return the present address as the page's script sees it."""
        return str(self.ask_as_script().data["email"])

    def post(
        self, path: str, fields: Mapping[str, str] | Iterable[tuple[str, str]] = (), *, token: str | None = None
    ) -> Answer:
        """Send a form with the token of the page that it stands on."""
        token = self.token() if token is None else token
        pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
        if not self.script:
            pairs.append(("csrf_token", token))
        return self.post_raw(path, urlencode(pairs).encode(), token=token)

    def post_raw(
        self,
        path: str,
        body: bytes,
        *,
        token: str | None = None,
        content_type: str = "application/x-www-form-urlencoded",
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send any bytes at all."""
        style = {**SCRIPT, "X-CSRFToken": self.token() if token is None else token} if self.script else PAGE
        sent = {"Content-Type": content_type, **style, **headers}
        answer = self.browser.send("POST", path, body, sent)
        if answer.status == 307:  # The same form goes on to another address.
            answer = self.browser.send("POST", urlsplit(answer.headers["Location"]).path, body, sent)
        return answer if self.script else self._followed(answer)

    def token(self) -> str:
        """Return the token that the page at hand carries for its script, as the script reads it."""
        if not self._token:
            found = re.search(r'<meta name="csrf-token" content="([^"]+)"', self.page("/cms/login/").text)
            assert found, "the page has no <meta name=csrf-token>"
            self._token = html.unescape(found[1])
        return self._token

    def turn_the_page(self) -> None:
        """Forget the token: the next form is sent from a page that is opened anew."""
        self._token = ""

    def sign_in(self, *, email: str | None = None, password: str | None = None, **more: str) -> Answer:
        """Sign in."""
        fields = {
            "email": self.email if email is None else email,
            "password": self.password if password is None else password,
            **more,
        }
        answer = self.post("/cms/login/", fields)
        self.turn_the_page()
        return answer

    def sign_out(self) -> Answer:
        """Sign out."""
        answer = self.post("/cms/logout/")
        self.turn_the_page()
        return answer

    def reauth(self, password: str | None = None, **more: str) -> Answer:
        """Prove the password once more."""
        return self.post("/cms/reauth/", {"password": self.password if password is None else password, **more})

    def ask(self, email: str, **more: str) -> Answer:
        """Ask for a code for a new address."""
        return self.post("/cms/email_captcha/", {"email": email, **more})

    def confirm(self, email: str, code: str, **more: str) -> Answer:
        """Type the code that was mailed to the new address."""
        return self.post("/cms/resetemail/", {"email": email, "captcha": code, **more})

    def cancel(self) -> Answer:
        """Drop the pending change."""
        return self.post("/cms/resetemail/cancel/")

    def _followed(self, answer: Answer) -> Answer:
        """Go where a page sends its reader, at most five times."""
        for _ in range(5):
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            to = urlsplit(answer.headers["Location"])
            path = to.path + (f"?{to.query}" if to.query else "")
            answer = self.browser.send("GET", path, headers=PAGE)
        raise AssertionError(f"sent round in circles: {answer}")


def text_of(message: EmailMessage) -> str:
    """Return the text part of a mail."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(message: EmailMessage) -> str:
    """Return the HTML part of a mail."""
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def code_in(message: EmailMessage) -> str:
    """Read the code out of a mail as a person would: it begins the subject and stands in a line of its own."""
    found = re.match(r"([0-9]{6})\b", str(message["Subject"]))
    assert found, f"no code in the subject {message['Subject']!r}"
    assert re.search(rf"^\s*{found[1]}\s*$", text_of(message), re.MULTILINE), text_of(message)
    return found[1]


def other_than(code: str) -> str:
    """Return a code that is certainly another one."""
    return f"{(int(code) + 1) % 10**6:06}"


def link_in(message: EmailMessage) -> str:
    """Read the one link out of a mail as a person would, and return its path; both parts of the mail have it."""
    found = re.findall(r"https?://[^/\s]+(/\S+/)", text_of(message))
    assert len(found) == 1, text_of(message)
    assert found[0] in html_of(message)
    return str(found[0])
