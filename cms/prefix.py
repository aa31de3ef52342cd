"""The prefix of all paths: web servers and dispatchers may serve the application below any path of a host.

WSGI calls it SCRIPT_NAME. A dispatcher sets it; a web server that removes the prefix from the path names it in
X-Forwarded-Prefix. All URLs begin with it, because Flask builds them with SCRIPT_NAME.
"""

import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, current_app, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LONGEST = 200  # Characters.
_VALID = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
log = logging.getLogger(__name__)


class ForwardedPrefix:
    """Middleware that adds the prefix which a trusted proxy has removed from the path to SCRIPT_NAME."""

    def __init__(self, application: "WSGIApplication", hops: int) -> None:
        """Store the number of proxies, each of which adds one value to the header."""
        self._application, self._hops = application, hops

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Set SCRIPT_NAME, and pass the request on."""
        prefix = self._read(environ.get("HTTP_X_FORWARDED_PREFIX", ""))
        mounted = environ.get("SCRIPT_NAME", "").rstrip("/")
        is_known = "werkzeug.proxy_fix.orig" in environ and f"{mounted}/".startswith(f"{prefix}/")
        if prefix and not is_known:  # A ProxyFix around a dispatcher may have set it already.
            environ["SCRIPT_NAME"] = prefix + mounted
        return self._application(environ, start_response)

    def _read(self, header: str) -> str:
        """Return the value that the outermost trusted proxy has set, or an empty string if it is missing or invalid."""
        values = [each.strip() for each in header.split(",")]
        value = values[-self._hops].rstrip("/") if len(values) >= self._hops else ""
        if value and not is_valid(value):
            log.warning("X-Forwarded-Prefix is ignored: it must be a path of letters, digits and . _ ~ -")
            return ""
        return value


def is_valid(prefix: str) -> bool:
    """Return whether a text is a path of segments with characters that no URL encodes (RFC 3986, 2.3)."""
    return len(prefix) <= LONGEST and _VALID.fullmatch(prefix) is not None


def init_app(app: Flask) -> None:
    """Report requests below another path than that of SITE_URL, to which links in mails lead."""
    app.before_request(_report_difference)


def _report_difference() -> None:
    """Log once that the prefix of pages is not the path of SITE_URL. Health checks reach a node without its proxy."""
    site = current_app.config["SITE_URL"]
    if not site or request.blueprint in (None, "cms_health", "cms_forward_auth"):
        return
    expected = urlsplit(site).path
    mark = object()
    if request.script_root != expected and current_app.extensions.setdefault("cms_other_prefix", mark) is mark:
        log.warning(
            "pages are served below %r, but links in mails lead below %r: SITE_URL must have the path of the pages",
            request.script_root,
            expected,
        )
