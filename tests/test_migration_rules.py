"""migrations/: every migration only expands the schema, or says which expansion it contracts (CONTRIBUTING.md)."""

import io
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tests.releases import migrations

MIGRATIONS = {each.revision: each for each in migrations()}
# Released before the rule; they create indexes while writers wait.
OLDER = {"0002", "0003", "0004"}

NAME = r'(?:"[^"]+"|\w+)'
CREATE_TABLE = re.compile(rf"CREATE TABLE (?P<table>{NAME}) ")
ADD_COLUMN = re.compile(rf"ALTER TABLE (?P<table>{NAME}) ADD COLUMN (?P<column>{NAME}) (?P<rest>.+)", re.DOTALL)
ADD_REFERENCE = re.compile(
    rf"ALTER TABLE (?P<table>{NAME}) ADD (?:CONSTRAINT {NAME} )?FOREIGN KEY\((?P<columns>[^)]+)\) REFERENCES .+",
    re.DOTALL,
)
CREATE_INDEX = re.compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX (?P<concurrently>CONCURRENTLY )?(?:IF NOT EXISTS )?(?P<index>{NAME}) "
    rf"ON (?P<table>{NAME}) .+",
    re.DOTALL,
)
REPLACE_INDEX = re.compile(rf"DROP INDEX CONCURRENTLY IF EXISTS (?P<index>{NAME})")
FILL = re.compile(rf"UPDATE (?P<table>{NAME}) SET (?P<columns>.+?) WHERE .+", re.DOTALL)


def statements_of(module: Any) -> list[str]:
    """Return the statements of a migration on PostgreSQL; nothing is executed."""
    buffer = io.StringIO()
    options = {"as_sql": True, "output_buffer": buffer, "transactional_ddl": False}
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        module.upgrade()
    return [found for each in buffer.getvalue().split(";\n") if (found := each.strip())]


def contractions(statements: list[str], *, is_older: bool = False) -> list[str]:
    """Return the statements that may break the previous version, or block it for as long as a table is long."""
    tables, columns, created = (
        set(),
        set(),
        {match["index"] for each in statements if (match := CREATE_INDEX.match(each))},
    )
    found = []
    for each in statements:
        if match := CREATE_TABLE.match(each):
            tables.add(match["table"])
        elif (match := ADD_COLUMN.match(each)) and ("NOT NULL" not in match["rest"] or "DEFAULT" in match["rest"]):
            columns.add((match["table"], match["column"]))
        elif not _is_expansion(each, tables, columns, created, is_older=is_older):
            found.append(each)
    return found


def _is_expansion(
    statement: str, tables: set[str], columns: set[tuple[str, str]], created: set[str], *, is_older: bool
) -> bool:
    """Return whether a statement concerns new tables and columns only, or creates an index while others write."""
    if match := CREATE_INDEX.match(statement):
        is_new = match["table"] in tables
        return is_new or (not match["unique"] and bool(is_older or match["concurrently"]))
    if match := REPLACE_INDEX.match(statement):
        return match["index"] in created
    if match := ADD_REFERENCE.match(statement):
        return match["table"] in tables or (match["table"], match["columns"]) in columns
    if match := FILL.match(statement):
        return all((match["table"], name) in columns for name in re.findall(rf"(?:^|, )({NAME}) ?=", match["columns"]))
    return statement.startswith("COMMENT ON ")


@pytest.mark.parametrize("revision", MIGRATIONS)
def test_a_migration_expands_the_schema_or_says_what_it_contracts(revision: str) -> None:
    script = MIGRATIONS[revision]
    found = contractions(statements_of(script.module), is_older=revision in OLDER)
    contracts = getattr(script.module, "contracts", None)
    if contracts is None:
        assert not found, f"{Path(script.path).name} contracts the schema: see Migrations in CONTRIBUTING.md"
        return
    assert found, "it is marked with `contracts`, but contracts nothing"
    earlier = list(MIGRATIONS)[: list(MIGRATIONS).index(revision)]
    assert contracts in earlier, "`contracts` is the revision of an earlier release"
    assert getattr(MIGRATIONS[contracts].module, "contracts", None) is None, "that revision contracts, too"


@pytest.mark.parametrize("revision", MIGRATIONS)
def test_a_migration_that_creates_an_index_while_others_write_contains_nothing_else(revision: str) -> None:
    """What precedes an autocommit block is committed before the migration is recorded."""
    statements = statements_of(MIGRATIONS[revision].module)
    alone = [each for each in statements if " CONCURRENTLY " in each]
    assert alone in ([], statements)


@pytest.mark.parametrize("revision", MIGRATIONS)
def test_a_migration_is_named_after_its_revision_and_tells_what_is_now_true(revision: str) -> None:
    script = MIGRATIONS[revision]
    assert Path(script.path).name.startswith(f"{revision}_")
    assert script.doc
    assert isinstance(script.module, ModuleType)
    assert (script.module.upgrade.__doc__ or "").strip()


EXPANDING = """
op.create_table('later', sa.Column('id', sa.Integer(), primary_key=True))
op.create_index('ix_later_id', 'later', ['id'], unique=True)
op.add_column('mail', sa.Column('later', sa.String(9), nullable=True))
op.add_column('mail', sa.Column('later_too', sa.String(9), nullable=False, server_default='-'))
op.add_column('mail', sa.Column('user', sa.Integer(), sa.ForeignKey('cms_user.id'), nullable=True))
op.execute("UPDATE mail SET later = kind, later_too = kind WHERE id > 0")
"""
CONCURRENT = """
with op.get_context().autocommit_block():
    op.drop_index('ix_mail_kind', 'mail', if_exists=True, postgresql_concurrently=True)
    op.create_index('ix_mail_kind', 'mail', ['kind'], postgresql_concurrently=True)
"""
CONTRACTING = [
    "op.drop_column('mail', 'html')",
    "op.drop_table('mail')",
    "op.rename_table('mail', 'post')",
    "op.alter_column('mail', 'html', new_column_name='page')",
    "op.alter_column('mail', 'html', nullable=False)",
    "op.alter_column('mail', 'html', type_=sa.String(9))",
    "op.alter_column('mail', 'html', server_default=None)",
    "op.add_column('mail', sa.Column('later', sa.String(9), nullable=False))",
    "op.create_unique_constraint('uq_mail_kind', 'mail', ['kind'])",
    "op.create_check_constraint('ck_mail_kind', 'mail', 'kind <> id')",
    "op.create_foreign_key('fk_mail_tries', 'mail', 'cms_user', ['tries'], ['id'])",
    "op.drop_constraint('fk_mail_user_id', 'mail', type_='foreignkey')",
    "op.create_index('ix_mail_kind', 'mail', ['kind'])",
    "op.create_index('ix_mail_kind', 'mail', ['kind'], unique=True, postgresql_concurrently=True)",
    "op.drop_index('ix_mail_done_at', 'mail')",
    "op.drop_index('ix_mail_done_at', 'mail', if_exists=True, postgresql_concurrently=True)",
    "op.execute('DELETE FROM mail')",
    "op.execute('UPDATE mail SET kind = body WHERE id > 0')",
    "op.execute('TRUNCATE mail')",
    "op.execute('ALTER TYPE later ADD VALUE 1')",
    "with op.batch_alter_table('mail') as batch:\n    batch.drop_column('html')",
]


def module_of(body: str) -> Any:
    """Return a module with a migration."""
    module: Any = ModuleType("migration")
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    exec(f"import sqlalchemy as sa\nfrom alembic import op\ndef upgrade():\n{lines}\n", vars(module))
    return module


@pytest.mark.parametrize("body", [EXPANDING, CONCURRENT])
def test_what_the_previous_version_can_live_with_is_permitted(body: str) -> None:
    assert contractions(statements_of(module_of(body))) == []


@pytest.mark.parametrize("body", CONTRACTING)
def test_what_may_break_the_previous_version_is_not_permitted_unmarked(body: str) -> None:
    assert len(contractions(statements_of(module_of(body)))) == 1
