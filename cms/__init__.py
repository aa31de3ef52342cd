"""The face: it speaks HTTP and decides nothing. A module a page family; the guard stands before all of them."""

from flask import Flask, redirect, url_for
from werkzeug.wrappers import Response

from cms import (
    answers,
    assets,
    auth,
    guard,
    headers,
    health,
    languages,
    mailbox,
    passwords,
    profile,
    security,
    sentences,
    session_cookie,
    settings,
    undo,
    urls,
    users,
)


def init_app(app: Flask) -> None:
    """Hang every page, the guard before them and the answers behind them into the application."""
    session_cookie.init_app(app)
    languages.init_app(app)
    urls.init_app(app)
    guard.init_app(app)
    answers.init_app(app)
    sentences.init_app(app)
    headers.init_app(app)
    for room in (assets, auth, settings, undo, security, passwords, profile, users, health):
        app.register_blueprint(room.bp)
    if app.config["CMS_ENV"] == "development":
        app.register_blueprint(mailbox.bp)
    app.add_url_rule("/", view_func=root)


@guard.open_to_all
def root() -> Response:
    """Lead to the start page, which is all that there is here."""
    return redirect(url_for("auth.home"))
