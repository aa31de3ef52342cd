"""Addresses for templates: a page has thirty of them, and they are the same on the next one."""

from functools import lru_cache
from typing import Any

import flask
from flask import Flask, request


def init_app(app: Flask) -> None:
    """Have templates use this `url_for`."""
    app.add_template_global(url_for)


def url_for(endpoint: str, **values: Any) -> str:
    """Return a path of this site, as Flask does; the endpoint is named in full."""
    return _built(request.script_root, endpoint, **values)


@lru_cache(maxsize=1024)
def _built(_: str, endpoint: str, **values: Any) -> str:
    return flask.url_for(endpoint, **values)
