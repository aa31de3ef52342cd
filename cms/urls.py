"""URLs for templates, cached: a page contains thirty of them."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import flask
from flask import Flask, current_app, request

IN_A_PATH = "/:@!$&'()*+,;=~"  # RFC 3986, 3.3: characters of a path that are not encoded.


def init_app(app: Flask) -> None:
    """Replace Flask's `url_for` in templates."""
    app.extensions["cms_urls"] = lru_cache(maxsize=1024)(_build)
    app.add_template_global(url_for)
    app.add_template_global(current_path, "cms_current_path")


def url_for(endpoint: str, **values: Any) -> str:
    """Return the URL of an endpoint, like Flask's function.

    Relative endpoints (".page") are not supported, nor is `_external`: a URL with the host of one request would be
    cached for all others.
    """
    return find_or_build(flask.url_for, endpoint, **values)


def find_or_build(build: Callable[..., str], *args: Any, **values: Any) -> str:
    """Return the URL that a function builds from its arguments and the prefix of the request only; it is cached."""
    return str(current_app.extensions["cms_urls"](request.script_root, build, *args, **values))


def current_path() -> str:
    """Return the path of the request as browsers see it: with the prefix under which the application is served."""
    return quote(f"{request.script_root}{request.path}", safe=IN_A_PATH)


def _build(_: str, build: Callable[..., str], *args: Any, **values: Any) -> str:
    return build(*args, **values)
