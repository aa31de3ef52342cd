"""Browsers that use the application below a path of a host, and check every URL in every response."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.actors import Answer, InProcess
from tests.markup import read

PREFIX = "/admin/accounts"
URLS = ("href", "src", "action", "formaction")


class PrefixedBrowser(InProcess):
    """Sends requests below a path. A path without it, as in the tests of other modules, gets it.

    Every URL in a response must begin with it: one without it leads to another application.
    """

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        inside = path.removeprefix(PREFIX) or "/"
        answer = super()._send(method, *self._to_request(inside, body, headers))
        urls = list(find_urls(answer))
        assert all(is_below(url) for url in urls), f"{path}: {[url for url in urls if not is_below(url)]}"
        assert all("; Path=/;" in f"{line};" for line in answer.headers.getlist("Set-Cookie"))
        return Answer(answer.status, answer.headers, answer.body, PREFIX + inside)

    def _to_request(
        self, inside: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[str, bytes | None, Mapping[str, str]]:
        raise NotImplementedError


class MountedBrowser(PrefixedBrowser):
    """The application is mounted in a dispatcher, beside another one."""

    def __init__(self, app: Flask, network: str = "203.0.113.5") -> None:
        """Mount the application."""
        super().__init__(app, network)
        self._client = Client(DispatcherMiddleware(NotFound(), {PREFIX: app}), use_cookies=False)  # type: ignore[assignment]

    def _to_request(
        self, inside: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[str, bytes | None, Mapping[str, str]]:
        return PREFIX + inside, body, headers


class ProxiedBrowser(PrefixedBrowser):
    """A proxy removes the prefix from the path, and names it in a header; TRUSTED_PROXIES must be 1."""

    def _to_request(
        self, inside: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[str, bytes | None, Mapping[str, str]]:
        return inside, body, {**headers, "X-Forwarded-Prefix": PREFIX}


def is_below(url: str) -> bool:
    """Return whether a URL of this site is below the prefix."""
    parts = urlsplit(url)
    return parts.netloc in ("", "localhost") and parts.path.startswith(f"{PREFIX}/")


def find_urls(answer: Answer) -> Iterator[str]:
    """Yield every URL in a response: in headers, in JSON, and in the attributes and hidden fields of a page."""
    if "Location" in answer.headers:  # Its body is one line for browsers that do not follow.
        yield answer.headers["Location"]
        return
    kind = answer.headers.get("Content-Type", "")
    if kind == "application/json":
        yield from _paths_in(json.loads(answer.body))
    if kind.startswith("text/html"):
        for element in read(answer.text).all():
            for name, value in element.attributes.items():
                is_url = name in URLS and not value.startswith(("#", "data:"))
                may_be_url = name.startswith("data-") or (element.name, name) == ("input", "value")
                if is_url or (may_be_url and value[:1] == "/" != value):
                    yield value


def _paths_in(found: Any) -> Iterator[str]:
    if isinstance(found, dict | list):
        for each in found.values() if isinstance(found, dict) else found:
            yield from _paths_in(each)
    elif isinstance(found, str) and found.startswith("/"):
        yield found
