"""Passwords from data breaches: asks a service whether a password is on its list (ASVS 6.2.12).

The service gets the first five hexadecimal digits of the SHA-1 of the password, and returns all hashes on its list that
begin with them ("Pwned Passwords", k-anonymity). http.client reads no settings of proxies and follows no redirects.
"""

import logging
import re
import socket
import ssl
import threading
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha1
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Literal
from urllib.parse import urlsplit

from accounts import clock
from accounts.database import release_connection
from accounts.errors import PasswordBreached
from accounts.settings import settings
from telemetry import metrics

Result = Literal["listed", "not_listed", "timeout", "failed", "paused"]

SECONDS = 2.0  # How long a request waits for the service in total: name lookup, connection, TLS and response.
PAUSE = timedelta(seconds=60)  # After a time-out, the service is not asked for this long.
LARGEST_RESPONSE = 1 << 20  # Bytes. A usual response has about 50 KB.
_LINE = re.compile(r"([0-9A-Fa-f]{35}):([0-9]{1,18})")
_HEADERS = {"Add-Padding": "true", "User-Agent": "cms-account-centre", "Connection": "close"}
log = logging.getLogger(__name__)


def refuse_breached(password: str) -> None:
    """Raise PasswordBreached if the password is on the list of BREACHED_PASSWORDS_URL.

    If the service does not answer, the password is accepted, because the site must work without it. No connection to
    the database is held meanwhile; call it before an account is locked.
    """
    url = settings().BREACHED_PASSWORDS_URL
    if not url:
        return
    release_connection()
    result = _service_at(url).look_up(password)
    metrics.BREACHED_PASSWORD_CHECKS.add(result)
    if result == "listed":
        raise PasswordBreached


class InvalidResponse(Exception):
    """The response of the service is not a list of hashes."""


FAILURES = (OSError, HTTPException, ValueError, InvalidResponse)
"""Why a response of the service cannot be used, apart from a time-out."""


def probe(url: str) -> int:
    """Return how many hashes the service at a URL lists for a fixed range, which is that of no password.

    Raises TimeoutError, and FAILURES.
    """
    return len(parse_suffixes(_Exchange(f"{url}/00000").run()))


class Service:
    """The service as this process sees it: after a time-out it is not asked for a while."""

    def __init__(self, url: str) -> None:
        """Store the URL to which the digits are appended."""
        self._url = url
        self._resumes_at: datetime | None = None

    def look_up(self, password: str) -> Result:
        """Return whether a password is on the list, or why that is not known. Logs the latter."""
        if self._is_paused():
            log.warning("a password was not checked: the service for breached passwords timed out a moment ago")
            return "paused"
        digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            body = _Exchange(f"{self._url}/{digest[:5]}").run()
            return "listed" if digest[5:] in parse_suffixes(body) else "not_listed"
        except TimeoutError:
            self._resumes_at = clock.now() + PAUSE
            log.warning(
                "a password was not checked: the service for breached passwords did not answer in %s s", SECONDS
            )
            return "timeout"
        except FAILURES as problem:
            why = f"{type(problem).__name__}: {problem}".partition("\n")[0][:200]
            log.warning("a password was not checked: the service for breached passwords failed: %s", why)
            return "failed"

    def _is_paused(self) -> bool:
        """Return whether a time-out happened within PAUSE; a clock that was set back does not prolong that."""
        return self._resumes_at is not None and timedelta(0) < self._resumes_at - clock.now() <= PAUSE


@lru_cache
def _service_at(url: str) -> Service:
    """Return the service with this URL, one for each process."""
    return Service(url)


def parse_suffixes(body: bytes) -> set[str]:
    """Return the hashes in a response, without the first five digits, in upper case.

    Lines with a count of 0 are padding. Raises InvalidResponse if a line is something else, as on the page of a
    captive portal.
    """
    found = set()
    for line in body.decode("ascii", "replace").split("\n"):
        if text := line.strip():
            entry = _LINE.fullmatch(text)
            if entry is None:
                raise InvalidResponse("a line is not SUFFIX:COUNT")
            if int(entry[2]):
                found.add(entry[1].upper())
    return found


class _Exchange:
    """One request to the service, in a thread of its own: only so can a name lookup or a slow response be abandoned.

    Time-outs of sockets apply to each call: a server that sends one byte per second would never reach them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._body: bytes | None = None
        self._problem: Exception | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_abandoned = False

    def run(self) -> bytes:
        """Return the body of the response. Raises TimeoutError, OSError, HTTPException, InvalidResponse."""
        thread = threading.Thread(target=self._run, name="breached passwords", daemon=True)
        thread.start()
        thread.join(SECONDS)
        if thread.is_alive():
            self._abandon()
            raise TimeoutError
        if self._body is None:
            raise self._problem or InvalidResponse("no body")
        return self._body

    def _abandon(self) -> None:
        """End the connection, so that the thread ends, too."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                _shut_down(self._socket)

    def _run(self) -> None:
        try:
            self._body = self._fetch()
        except Exception as problem:  # Raised in the thread of the request; errors in the application are not hidden.
            self._problem = problem

    def _fetch(self) -> bytes:
        """Send the request, and return the body of the response."""
        url = urlsplit(self._url)
        host, is_encrypted = url.hostname or "", url.scheme == "https"
        port = url.port or (443 if is_encrypted else 80)
        connection = HTTPConnection(host, port)
        sock = socket.create_connection((host, port), timeout=SECONDS)
        try:
            self._keep(sock)
            if is_encrypted:
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
                self._keep(sock)
            connection.sock = sock
            connection.request("GET", url.path, headers=_HEADERS)
            with connection.getresponse() as response:
                return _read(response)
        finally:
            connection.close()
            sock.close()

    def _keep(self, sock: socket.socket) -> None:
        """Store the socket so that it can be shut down. Raises TimeoutError if the request waits no longer."""
        with self._lock:
            if self._is_abandoned:
                raise TimeoutError
            self._socket = sock


def _read(response: HTTPResponse) -> bytes:
    """Return the complete body of a response. Raises InvalidResponse, HTTPException, OSError."""
    if response.status != 200:
        raise InvalidResponse(f"status {response.status}")
    body = response.read(LARGEST_RESPONSE + 1)
    if len(body) > LARGEST_RESPONSE:
        raise InvalidResponse(f"more than {LARGEST_RESPONSE} bytes")
    if response.length:  # http.client does not report that the rest is missing.
        raise InvalidResponse(f"{response.length} bytes are missing")
    return body


def _shut_down(sock: socket.socket) -> None:
    """Shut down a socket that another thread reads: its call returns at once."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # Not that of SSLSocket, which also discards its state.
    except OSError:
        log.debug("the connection to the service for breached passwords was closed already")
