"""The HTTP layer: one module per group of pages, behind a common guard. It makes no decisions."""

from weakref import ref

from flask import Flask, redirect, url_for
from werkzeug.wrappers import Response

from cms import (
    answers,
    assets,
    auth,
    branding,
    factor_reset,
    factors,
    forward_auth,
    guard,
    headers,
    health,
    languages,
    mailbox,
    navigation,
    passwords,
    prefix,
    profile,
    request_log,
    security,
    sentences,
    session_cookie,
    settings,
    undo,
    urls,
    users,
)

_applications: list[ref[Flask]] = []


def applications() -> list[Flask]:
    """Return the applications of this process, in the order in which they were created."""
    return [app for each in _applications if (app := each())]


def init_app(app: Flask) -> None:
    """Register the guard, the error handlers and all pages with the application."""
    _applications[:] = [*(each for each in _applications if each()), ref(app)]
    request_log.init_app(app)
    prefix.init_app(app)
    session_cookie.init_app(app)
    languages.init_app(app)
    urls.init_app(app)
    navigation.init_app(app)
    assets.init_app(app)
    branding.init_app(app)
    guard.init_app(app)
    answers.init_app(app)
    sentences.init_app(app)
    headers.init_app(app)
    pages = (
        assets,
        auth,
        settings,
        undo,
        security,
        factors,
        factor_reset,
        passwords,
        profile,
        users,
        health,
        forward_auth,
    )
    for module in pages:
        app.register_blueprint(module.bp)
    if app.config["CMS_ENV"] == "development":
        app.register_blueprint(mailbox.bp)
    app.add_url_rule("/", "cms_root", root)


@guard.open_to_all
def root() -> Response:
    """Redirect to the start page."""
    return redirect(url_for("cms_auth.home"))
