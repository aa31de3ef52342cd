"""Articles: pages with a navigation entry, a permission, files, a table and migrations of their own."""

from pathlib import Path

from flask import Flask

from accounts.operations import migrations
from cms import assets, navigation, permissions
from tests.own_pages.articles.pages import bp

HERE = Path(__file__).resolve().parent


def init_app(app: Flask) -> None:
    """Add the pages to the application."""
    permissions.add(app, "articles_publish", roles=("superuser",))
    navigation.add(app, "articles.index", "Articles")
    navigation.add(app, "articles.drafts", "Drafts", permission="articles_publish")
    assets.add_folder(app, "articles", HERE / "static")
    migrations.add_folder(app, HERE / "migrations")
    app.register_blueprint(bp)
