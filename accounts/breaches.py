"""Passwords from data breaches: asks a service whether a password is on its list (ASVS 6.2.12).

The service gets the first five hexadecimal digits of the SHA-1 of the password, and returns all hashes on its list that
begin with them ("Pwned Passwords", k-anonymity).
"""

import logging
import re
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha1
from http.client import HTTPException
from typing import Literal

from accounts import clock, http_client
from accounts.database import release_connection
from accounts.errors import PasswordBreached
from accounts.http_client import Request, Response
from accounts.settings import settings
from telemetry import metrics

Result = Literal["listed", "not_listed", "timeout", "failed", "paused"]

SECONDS = 2.0  # How long a request waits for the service in total: name lookup, connection, TLS and response.
PAUSE = timedelta(seconds=60)  # After a time-out, the service is not asked for this long.
LARGEST_RESPONSE = 1 << 20  # Bytes. A usual response has about 50 KB.
_LINE = re.compile(r"([0-9A-Fa-f]{35}):([0-9]{1,18})")
_HEADERS = {"Add-Padding": "true"}
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
    return len(_fetch_range(url, "00000"))


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
            return "listed" if digest[5:] in _fetch_range(self._url, digest[:5]) else "not_listed"
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


def _fetch_range(url: str, digits: str) -> set[str]:
    """Return the hashes on the list that begin with these digits, without them. Raises TimeoutError, and FAILURES."""
    request = Request("GET", f"{url}/{digits}", _HEADERS, largest_response=LARGEST_RESPONSE)
    return parse_suffixes(_body_of(http_client.send(request, SECONDS)))


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


def _body_of(response: Response) -> bytes:
    """Return the complete body of a response. Raises InvalidResponse."""
    if response.status != 200:
        raise InvalidResponse(f"status {response.status}")
    if not response.is_complete:
        raise InvalidResponse(f"more than {LARGEST_RESPONSE} bytes, or some are missing")
    return response.body
