"""The folders of migrations: that of this product, and those that other pages of the application add."""

from pathlib import Path

from alembic.config import Config
from flask import Flask, current_app
from flask_migrate import Migrate

from models import db

FOLDER = Path(__file__).resolve().parents[2] / "migrations"


def init_app(app: Flask) -> None:
    """Provide the command `flask db`."""
    app.extensions["cms_migrations"] = []
    migrate = Migrate(app, db, directory=str(FOLDER))

    def configure(config: Config) -> Config:
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(map(str, folders(app))).replace("%", "%%"))
        return config

    migrate.configure(configure)


def add_folder(app: Flask, folder: Path) -> None:
    """Add a folder of migrations: a branch of its own, with a label, which `flask db upgrade heads` includes."""
    app.extensions["cms_migrations"].append(folder.resolve())


def folders(app: Flask | None = None) -> tuple[Path, ...]:
    """Return all folders of migrations, that of this product first."""
    added: list[Path] = (app or current_app).extensions["cms_migrations"]
    return (FOLDER / "versions", *added)
