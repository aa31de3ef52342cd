"""Applications of others that serve the account centre below a path, for tests."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app import create_app

PREFIX = "/accounts"


def host_application() -> Flask:
    """Return an application that knows nothing of the account centre."""
    host = Flask("host")
    host.add_url_rule("/", "home", lambda: "the host")
    host.add_url_rule("/healthz", "healthz", lambda: "ok")
    host.add_url_rule("/cms/login/", "login", lambda: "the login page of the host", methods=["GET", "POST"])
    return host


def below_a_dispatcher() -> Callable[..., Any]:
    """Return a dispatcher."""
    return DispatcherMiddleware(host_application(), {PREFIX: create_app()})


def below_flask() -> Flask:
    """Return an application whose WSGI callable is a dispatcher."""
    host = host_application()
    host.wsgi_app = DispatcherMiddleware(host.wsgi_app, {PREFIX: create_app()})  # type: ignore[method-assign]
    return host


def in_a_function() -> Callable[..., Any]:
    """Return a method: nothing leads from it to the account centre but what it calls."""
    return below_a_dispatcher().__call__


def without_an_account_centre() -> Flask:
    """Return an application without an account centre."""
    return host_application()
