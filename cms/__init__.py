"""The HTTP layer: one module per group of pages, behind a common guard. It makes no decisions."""

from flask import Flask, redirect, url_for
from werkzeug.wrappers import Response

from cms import (
    answers,
    assets,
    auth,
    factor_reset,
    factors,
    guard,
    headers,
    health,
    languages,
    mailbox,
    passwords,
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


def init_app(app: Flask) -> None:
    """Register the guard, the error handlers and all pages with the application."""
    request_log.init_app(app)
    session_cookie.init_app(app)
    languages.init_app(app)
    urls.init_app(app)
    guard.init_app(app)
    answers.init_app(app)
    sentences.init_app(app)
    headers.init_app(app)
    pages = assets, auth, settings, undo, security, factors, factor_reset, passwords, profile, users, health
    for module in pages:
        app.register_blueprint(module.bp)
    if app.config["CMS_ENV"] == "development":
        app.register_blueprint(mailbox.bp)
    app.add_url_rule("/", view_func=root)


@guard.open_to_all
def root() -> Response:
    """Redirect to the start page."""
    return redirect(url_for("auth.home"))
