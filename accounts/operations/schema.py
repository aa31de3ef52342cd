"""The schema: the revision of the database, compared with the revisions of this version in migrations/."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Select, column, select
from sqlalchemy import table as table_named
from sqlalchemy.exc import OperationalError, ProgrammingError

from accounts import database
from accounts.errors import SchemaBehind
from models import db

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
UPGRADE = "run `flask --app app db upgrade`"
log = logging.getLogger(__name__)

_PRESENT: Select[str] = select(column("version_num")).select_from(table_named("alembic_version"))


class Schema(NamedTuple):
    """The revision of the database (None: there is none), the newest one of this version, and all that it knows."""

    present: str | None
    newest: str | None
    known: frozenset[str]

    @property
    def is_behind(self) -> bool:
        """Return whether a migration of this version is missing in the database."""
        return self.present != self.newest and not self.is_ahead

    @property
    def is_ahead(self) -> bool:
        """Return whether a newer version has upgraded the database. It still serves this one (CONTRIBUTING.md)."""
        return self.present is not None and self.present not in self.known


def read() -> Schema:
    """Return the schema of the database."""
    newest, known = _own_revisions(MIGRATIONS)
    return Schema(_read_present(), newest, known)


def require() -> None:
    """Raise SchemaBehind if a migration of this version is missing; log once that the database is ahead."""
    schema = read()
    if schema.is_behind:
        raise SchemaBehind(f"the database is at {schema.present or 'no revision'}, not {schema.newest}: {UPGRADE}")
    if schema.is_ahead:
        mark = object()
        if current_app.extensions.setdefault(f"schema ahead: {schema.present}", mark) is mark:
            log.warning(
                "the database is at revision %s, which a newer version has made; the newest of this version is %s",
                schema.present,
                schema.newest,
            )


def _read_present() -> str | None:
    """Return the revision of the database; None if no migration has created its tables."""
    try:
        present: str | None = db.session.scalar(_PRESENT)
    except (OperationalError, ProgrammingError) as problem:
        database.close_session()  # PostgreSQL would refuse everything else in this transaction.
        is_missing = getattr(problem.orig, "sqlstate", "") == "42P01" or "no such table" in str(problem.orig)
        if not is_missing:
            raise
        return None
    return present


@lru_cache
def _own_revisions(folder: Path) -> tuple[str | None, frozenset[str]]:
    """Return the newest revision of this version, and all of them."""
    script = ScriptDirectory(str(folder))
    return script.get_current_head(), frozenset(each.revision for each in script.walk_revisions())
