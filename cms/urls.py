"""URLs for templates, cached: a page contains thirty of them."""

from functools import lru_cache
from typing import Any

import flask
from flask import Flask, request


def init_app(app: Flask) -> None:
    """Replace Flask's `url_for` in templates."""
    app.add_template_global(url_for)


def url_for(endpoint: str, **values: Any) -> str:
    """Return the URL of an endpoint, like Flask's function.

    Relative endpoints (".page") are not supported, nor is `_external`: a URL with the host of one request would be
    cached for all others.
    """
    return _built(request.script_root, endpoint, **values)


@lru_cache(maxsize=1024)
def _built(_: str, endpoint: str, **values: Any) -> str:
    return flask.url_for(endpoint, **values)
