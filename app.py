"""The application factory."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import cache
import cms
import commands
import config
from accounts import database
from accounts import settings as application_settings
from accounts.mail import smtp, worker
from accounts.operations import housekeeping, migrations, retention
from accounts.webhooks import worker as webhooks  # noqa: F401 (Its listeners store and deliver events.)
from cms.prefix import ForwardedPrefix
from telemetry import logs


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Create the application; `settings` take precedence over the environment. Raises ConfigError."""
    values = config.load(settings)
    app = Flask(__name__, static_folder=None, instance_path=str(values["INSTANCE_DIR"].resolve()))
    app.config.update(values)
    logs.configure(app.config["LOG_FORMAT"])
    if hops := app.config["TRUSTED_PROXIES"]:
        proxied = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)
        app.wsgi_app = ForwardedPrefix(proxied, hops)  # type: ignore[method-assign]
    application_settings.init_app(app)
    database.init_app(app)
    migrations.init_app(app)
    cache.init_app(app)
    smtp.flask_mail.init_app(app)
    worker.init_app(app, housekeeping.run_if_due, retention.run_if_due)
    cms.init_app(app)
    commands.init_app(app)
    return app
