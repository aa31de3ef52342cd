"""The schema: the revision of the database, compared with the revisions of this version in migrations/."""

import logging
from collections.abc import Mapping
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
from accounts.operations import migrations
from models import db

log = logging.getLogger(__name__)

_PRESENT: Select[str] = select(column("version_num")).select_from(table_named("alembic_version"))


class Schema(NamedTuple):
    """The revision of the database (None: there is none), the newest one of this version, and how they differ.

    Pages that are added to the application may have migrations of their own; there are several revisions then.
    """

    present: str | None
    newest: str
    missing: frozenset[str]  # The newest revisions of this version that the database does not have.
    unknown: frozenset[str]  # The revisions of the database that this version does not know.

    @property
    def is_behind(self) -> bool:
        """Return whether a migration of this version is missing in the database."""
        return len(self.missing) > len(self.unknown)  # An unknown revision follows one that is missing.

    @property
    def is_ahead(self) -> bool:
        """Return whether a newer version has upgraded the database. It still serves this one (CONTRIBUTING.md)."""
        return bool(self.unknown) and not self.is_behind


def read() -> Schema:
    """Return the schema of the database."""
    newest, parents = _own_revisions(migrations.folders())
    present = _read_present()
    missing = newest - _with_parents(present, parents)
    names = ", ".join(sorted(present)) or None
    return Schema(names, ", ".join(sorted(newest)), missing, present - parents.keys())


def require() -> None:
    """Raise SchemaBehind if a migration of this version is missing; log once that the database is ahead."""
    schema = read()
    if schema.is_behind:
        raise SchemaBehind(
            f"the database is at {schema.present or 'no revision'}, not {schema.newest}: {how_to_upgrade()}"
        )
    if schema.is_ahead:
        mark = object()
        if current_app.extensions.setdefault(f"schema ahead: {schema.present}", mark) is mark:
            log.warning(
                "the database is at revision %s, which a newer version has made; the newest of this version is %s",
                schema.present,
                schema.newest,
            )


def how_to_upgrade() -> str:
    """Return which command upgrades the database; several branches of migrations need `heads`."""
    return "run `flask --app app db upgrade{}`".format(" heads" if len(migrations.folders()) > 1 else "")


def _read_present() -> frozenset[str]:
    """Return the revisions of the database; none if no migration has created its tables."""
    try:
        return frozenset(db.session.scalars(_PRESENT))
    except (OperationalError, ProgrammingError) as problem:
        database.close_session()  # PostgreSQL would refuse everything else in this transaction.
        is_missing = getattr(problem.orig, "sqlstate", "") == "42P01" or "no such table" in str(problem.orig)
        if not is_missing:
            raise
        return frozenset()


@lru_cache
def _own_revisions(folders: tuple[Path, ...]) -> tuple[frozenset[str], Mapping[str, tuple[str, ...]]]:
    """Return the newest revisions of this version, and of every revision those before it."""
    script = ScriptDirectory(str(migrations.FOLDER), version_locations=folders)
    return frozenset(script.get_heads()), {each.revision: each._all_down_revisions for each in script.walk_revisions()}


def _with_parents(revisions: frozenset[str], parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return these revisions with those before them: the database names the last ones only."""
    found, waiting = set[str](), list(revisions)
    while waiting:
        revision = waiting.pop()
        found.add(revision)
        waiting += parents.get(revision, ())
    return frozenset(found)
