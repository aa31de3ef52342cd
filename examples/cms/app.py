"""A small CMS: editors write articles, superusers delete them, everybody reads them.

It has no accounts of its own. The web server says who is signed in (identity.py), and the account centre tells it every
change of an account (hooks.py).
"""

from typing import Any

from flask import Flask, render_template
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException, SecurityError

import hooks
import identity
import pages
from models import db

csrf = CSRFProtect()


def create_app() -> Flask:
    """Create the application; settings are environment variables that begin with FLASK_ (README.md lists them)."""
    app = Flask(__name__)
    app.config.update(
        SESSION_COOKIE_NAME="field_notes",  # The account centre has cookies on the same host.
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # An article may take hours to write.
        ACCOUNT_URL="/",
        # Against DNS rebinding: a page of another site must not reach this port with headers of its own.
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],
    )
    app.config.from_prefixed_env()
    for name in ("SECRET_KEY", "SQLALCHEMY_DATABASE_URI", "WEBHOOK_SECRET"):
        if not app.config.get(name):
            raise RuntimeError(f"FLASK_{name} is not set.")
    db.init_app(app)
    csrf.init_app(app)
    csrf.exempt(hooks.bp)  # Signed by its sender.
    app.register_blueprint(pages.bp)
    app.register_blueprint(hooks.bp)
    app.context_processor(lambda: {"account": identity.current_account()})
    app.register_error_handler(SecurityError, lambda problem: (problem.description, 400))  # Its host has no pages.
    app.register_error_handler(HTTPException, show_error)
    app.after_request(add_headers)
    with app.app_context():
        db.create_all()  # Enough for an example that is served by one process; your CMS has migrations.
    return app


def show_error(problem: HTTPException) -> Any:
    """Show an error as a page of the site."""
    return render_template("error.html", problem=problem), problem.code or 500


def add_headers(response: Any) -> Any:
    """Allow no scripts: they could use the pages of the account centre, which are on the same host."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"  # A page shows who is signed in.
    return response
