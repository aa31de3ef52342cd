"""How Alembic reaches the database: through the application, one set of migrations for SQLite and PostgreSQL."""

from alembic import context
from flask import current_app

from models import Moment, db


def rendered(kind: str, item: object, _: object) -> str | bool:
    """Write a migration that needs nothing of ours: a Moment is a point in time to the database."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def migrate() -> None:
    """Run the migrations on the database of the application; each in a transaction of its own."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=rendered,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


migrate()
