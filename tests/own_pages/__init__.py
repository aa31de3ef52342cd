"""Pages on top of the account centre, in the same process (README): an example that the tests run."""

from flask import Flask

from app import create_app
from tests.own_pages import articles


def create_site() -> Flask:
    """Create the account centre with the pages of articles."""
    app = create_app()
    articles.init_app(app)
    return app
