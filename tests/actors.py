"""Administrators and visitors in tests: they use the application only through a browser and their mail."""

import html
import http.client
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, session
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import Headers

from accounts.flows import sign_in
from cms import guard
from models import Address
from tests.servers import LONGEST_SECONDS

PASSWORD = "correct horse battery"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
SCRIPT = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}
WITHOUT_BODY = "/cms/session/"  # The only route whose refusals are a status without an envelope or page.


@dataclass(frozen=True)
class Answer:
    """A response: status, headers, body, and the path after redirects."""

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
        """Return the JSON envelope; fail if the body is something else."""
        assert self.headers.get("Content-Type") == "application/json", f"not an envelope: {self}"
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
        """Return the stable word of a refusal, or None if the request was not refused."""
        if self.status == 200:
            assert "error" not in self.data
            return None
        return str(self.data["error"])

    def __str__(self) -> str:
        """Return the status, the path and the beginning of the body, for failed tests."""
        return f"{self.status} from {self.path}: {self.body[:600]!r}"


class Browser:
    """Sends requests and stores cookies, like a browser; subclasses define how requests are sent."""

    def __init__(self) -> None:
        """Start without cookies."""
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {"User-Agent": CHROME, "Accept-Language": "zh"}

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        """Send a request, store the cookies of the response, and return it."""
        answer = self._send(method, path, body, self._with_cookies({**self.headers, **headers}))
        self._store_cookies(answer.headers)
        return answer

    def issue_token(self) -> str:
        """Return a CSRF token without opening a page, or an empty string if only a page can provide one."""
        return ""

    def _with_cookies(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of a request with the cookies of this browser, unless they contain others."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies, **headers} if cookies else dict(headers)

    def _store_cookies(self, headers: Headers) -> None:
        for line in headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""


class InProcess(Browser):
    """Sends requests to an application in this process."""

    def __init__(self, app: Flask, network: str = "203.0.113.5") -> None:
        """Use a client with this network address."""
        super().__init__()
        self.app, self.network = app, network
        self._client = app.test_client(use_cookies=False)

    def issue_token(self) -> str:
        """Return the CSRF token that pages would have for this browser, because rendering one takes much longer."""
        with self._in_request():
            return str(generate_csrf())

    def sign_in(self, email: str, password: str) -> None:
        """Sign in without the form, for tests whose subject is something else."""
        with self._in_request() as response:
            signed_in = sign_in.sign_in(
                address=Address.of(email),
                password=password,
                remember=False,
                browser_mark=guard.browser_mark(),
                origin=guard.origin(),
            )
            guard.start_session(signed_in.sid, remember=False)
            guard.keep_browser_mark(signed_in.browser_mark, response)

    @contextmanager
    def _in_request(self) -> Iterator[Response]:
        """Provide a request of this browser that is not dispatched, and store the cookies of its response."""
        headers, origin = self._with_cookies(self.headers), {"REMOTE_ADDR": self.network}
        with self.app.test_request_context(headers=headers, environ_base=origin):
            response = self.app.response_class()
            yield response
            self.app.session_interface.save_session(self.app, session, response)
        self._store_cookies(response.headers)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        response = self._client.open(
            path, method=method, data=body, headers=dict(headers), environ_base={"REMOTE_ADDR": self.network}
        )
        answer = Answer(response.status_code, response.headers, response.get_data(), path)
        response.close()
        return answer


class HttpBrowser(Browser):
    """Sends requests to a server on a port of this machine."""

    def __init__(self, port: int) -> None:
        """Store the port; the connection is opened by the first request."""
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
        except (ConnectionError, http.client.HTTPException):  # The server may have closed an idle connection: retry.
            self._connection.close()
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
        return Answer(response.status, Headers(response.getheaders()), response.read(), path)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Person:
    """A person with a browser. With `script`, forms are sent like zlajax does, otherwise like pages without scripts."""

    def __init__(self, browser: Browser, email: str, password: str = PASSWORD, *, script: bool = True) -> None:
        """Store the browser and the credentials; nothing is sent yet."""
        self.browser, self.email, self.password, self.script = browser, email, password, script
        self._token = ""

    def page(self, path: str = "/cms/resetemail/", *, follow: bool = True) -> Answer:
        """Open a page."""
        answer = self.browser.send("GET", path, headers=PAGE)
        return self._follow_redirects(answer) if follow else answer

    def get_as_script(self, path: str = "/cms/resetemail/") -> Answer:
        """Send a GET request like a script."""
        return self.browser.send("GET", path, headers=SCRIPT)

    def pending(self) -> dict[str, Any] | None:
        """Return the pending change as JSON."""
        found: dict[str, Any] | None = self.get_as_script().data["pending"]
        return found

    def address(self) -> str:
        """Return the current address."""
        return str(self.get_as_script().data["email"])

    def post(
        self, path: str, fields: Mapping[str, str] | Iterable[tuple[str, str]] = (), *, token: str | None = None
    ) -> Answer:
        """Submit a form with a CSRF token: by default that of the page."""
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
        """Send a POST request with any body, and follow redirects like a browser."""
        style = {**SCRIPT, "X-CSRFToken": self.token() if token is None else token} if self.script else PAGE
        sent = {"Content-Type": content_type, **style, **headers}
        answer = self.browser.send("POST", path, body, sent)
        if answer.status == 307:  # The browser sends the same form to another path.
            answer = self.browser.send("POST", urlsplit(answer.headers["Location"]).path, body, sent)
        return answer if self.script else self._follow_redirects(answer)

    def token(self) -> str:
        """Return the CSRF token of the current page; open one if there is none.

        With `script`, a browser in this process gets its token without a page.
        """
        if not self._token:
            self._token = (self.browser.issue_token() if self.script else "") or self._token_of_page()
        return self._token

    def _token_of_page(self) -> str:
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', self.page("/cms/login/").text)
        assert found, "the page has no <meta name=csrf-token>"
        return html.unescape(found[1])

    def discard_token(self) -> None:
        """Discard the CSRF token: the next form is submitted from a new page."""
        self._token = ""

    def sign_in(self, *, email: str | None = None, password: str | None = None, **more: str) -> Answer:
        """Sign in."""
        fields = {
            "email": self.email if email is None else email,
            "password": self.password if password is None else password,
            **more,
        }
        answer = self.post("/cms/login/", fields)
        self.discard_token()
        return answer

    def sign_out(self) -> Answer:
        """Sign out."""
        answer = self.post("/cms/logout/")
        self.discard_token()
        return answer

    def reauth(self, password: str | None = None, **more: str) -> Answer:
        """Confirm the password."""
        return self.post("/cms/reauth/", {"password": self.password if password is None else password, **more})

    def ask(self, email: str, **more: str) -> Answer:
        """Request a code for a new address."""
        return self.post("/cms/email_captcha/", {"email": email, **more})

    def confirm(self, email: str, code: str, **more: str) -> Answer:
        """Submit the code that was sent to the new address."""
        return self.post("/cms/resetemail/", {"email": email, "captcha": code, **more})

    def cancel(self) -> Answer:
        """Cancel the pending change."""
        return self.post("/cms/resetemail/cancel/")

    def _follow_redirects(self, answer: Answer) -> Answer:
        """Follow up to five redirects."""
        for _ in range(5):
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            to = urlsplit(answer.headers["Location"])
            path = to.path + (f"?{to.query}" if to.query else "")
            answer = self.browser.send("GET", path, headers=PAGE)
        raise AssertionError(f"too many redirects: {answer}")


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
    """Return the code in a mail, which is at the beginning of the subject and on a separate line of the text."""
    found = re.match(r"([0-9]{6})\b", str(message["Subject"]))
    assert found, f"no code in the subject {message['Subject']!r}"
    assert re.search(rf"^\s*{found[1]}\s*$", text_of(message), re.MULTILINE), text_of(message)
    return found[1]


def different_code(code: str) -> str:
    """Return a code that differs from this one."""
    return f"{(int(code) + 1) % 10**6:06}"


def link_in(message: EmailMessage) -> str:
    """Return the path of the only link in a mail, which both of its parts contain."""
    found = re.findall(r"https?://[^/\s]+(/\S+/)", text_of(message))
    assert len(found) == 1, text_of(message)
    assert found[0] in html_of(message)
    return str(found[0])
