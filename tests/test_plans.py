"""With a hundred thousand administrators, no request, no delivery and no housekeeping reads a whole table.

The statements are recorded while administrators use every page (`tests/usage.py`), so a new one is checked, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, Index, text

from accounts import passwords
from accounts.signing import fingerprint
from models import db
from tests.actors import PASSWORD
from tests.conftest import ENVIRONMENTS
from tests.environments import Clock, Environment, copy_template, settings_for
from tests.plans import PARTIAL, Recording, find_large_reads, find_scans, record_all_statements
from tests.population import populate
from tests.servers import WebhookReceiver
from tests.usage import record_endpoints, use_everything

ACCOUNTS, ACTIVE = 100_000, 25_000
NOT_USED = {"cms_assets.serve", "cms_mailbox.show", "cms_mailbox.show_html"}  # Files, and pages of development only.
NEVER_DELETED = {"cms_user", "audit"}
UNUSED = {"ix_cms_user_created_at"}  # A later release can drop it.
# Needed as soon as many events wait, which tests/test_webhook_delivery.py checks.
OF_LONG_QUEUES = {"ix_webhook_delivery_due", "ix_webhook_delivery_first"}
INDEXES = {str(index.name): index for table in db.metadata.sorted_tables for index in table.indexes}
pytestmark = pytest.mark.slow


class Used(NamedTuple):
    """A site of which every page was used, with what was recorded."""

    env: Environment
    statements: Recording
    endpoints: set[str]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection whose changes are rolled back."""
        with self.env.app.app_context(), db.engine.connect() as connection:
            if connection.dialect.name == "sqlite":  # Otherwise Python begins no transaction before a DROP INDEX.
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def used(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    """Fill a database, use every page, and record the statements."""
    folder, servers = tmp_path_factory.mktemp("used"), {}
    if request.param == ENVIRONMENTS[0]:
        copy_template(request.getfixturevalue("sqlite_template"), folder)
        settings = settings_for(folder)
        url = f"sqlite:///{folder / 'cms.db'}"
    else:
        url = request.getfixturevalue("postgres").create_database()
        servers = {name: request.getfixturevalue(f"{name}_server") for name in ("memcached", "smtp")}
        for server in servers.values():
            server.reset()
        mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(servers["smtp"].port)}
        settings = settings_for(
            folder, DATABASE_URL=url, CACHE_URL=f"memcached://{servers['memcached'].address}", **mail
        )
    hook = WebhookReceiver().start()
    hook.statuses = {"account.disabled": "500"}
    settings["WEBHOOKS"] = hook.setting
    with pytest.MonkeyPatch.context() as patch:
        env = Environment(request.param, settings, Clock().install(patch), **servers)
        account = {"active": ACTIVE, "password_hash": passwords.hash_password(PASSWORD)}
        populate(url, ACCOUNTS, history=1, receiver=fingerprint(hook.url), **account)
        with record_all_statements() as statements, record_endpoints(env.app) as endpoints:
            use_everything(env, ACCOUNTS)
        yield Used(env, statements, endpoints)
        env.close()
        for server in servers.values():
            server.reset()
        hook.stop()


def fail_if_any(found: list[str]) -> None:
    """Fail with the complete descriptions, which an assertion would shorten."""
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)


def test_every_page_was_used(used: Used) -> None:
    """Add the steps of a new page to tests/usage.py."""
    assert {rule.endpoint for rule in used.env.app.url_map.iter_rules()} - used.endpoints == NOT_USED


def test_no_statement_reads_a_whole_table(used: Used) -> None:
    with used.connect() as connection:
        fail_if_any(find_scans(connection, used.statements))


def test_no_statement_reads_many_rows_of_an_index(used: Used) -> None:
    with used.connect() as connection:
        fail_if_any(find_large_reads(connection, used.statements))


def test_without_any_of_the_indexes_a_table_or_a_large_part_of_it_is_read(used: Used) -> None:
    """So the checks find what they are for, and every index is needed by a statement or by a foreign key."""
    unneeded = []
    for name, index in INDEXES.items():
        statements = used.statements.on(index.table.name)
        with used.connect() as connection:
            connection.execute(text(f"DROP INDEX {name}"))
            is_needed = find_scans(connection, statements) or find_large_reads(connection, statements)
        if not (is_needed or is_of_foreign_key(index)):
            unneeded.append(name)
    assert set(unneeded) - OF_LONG_QUEUES == UNUSED


def is_of_foreign_key(index: Index) -> bool:
    """Return whether an index finds the rows that refer to one that is deleted."""
    (first, *_) = index.columns
    return bool(first.foreign_keys)


def test_rows_that_refer_to_a_deleted_one_are_found_by_an_index() -> None:
    """A plan does not show these: the database reads them by itself when it deletes a row."""
    for table in db.metadata.sorted_tables:
        first_columns = {next(iter(index.columns)).name for index in table.indexes if index.name not in PARTIAL}
        first_columns |= {column.name for column in table.columns if column.unique or column.primary_key}
        for key in table.foreign_keys:
            assert key.column.table.name in NEVER_DELETED or key.parent.name in first_columns, (
                f"{table}.{key.parent.name}"
            )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM login_session",
        "SELECT id FROM cms_user WHERE username = 'nobody'",
        "SELECT id FROM cms_user ORDER BY city LIMIT 1",
        "UPDATE mail SET tries = 1 WHERE kind = 'nothing'",
        "DELETE FROM budget WHERE used > 1000",
        "SELECT audit.id FROM cms_user JOIN audit ON audit.user_id = cms_user.id WHERE audit.event = 'nothing'",
        "SELECT id FROM link WHERE id IN (SELECT user_id FROM email_change WHERE nonce = 'nothing')",
    ],
)
def test_a_statement_that_reads_a_whole_table_is_detected(used: Used, statement: str) -> None:
    with used.connect() as connection:
        assert find_scans(connection, [(statement, ())])


def test_a_statement_that_reads_many_rows_of_an_index_is_detected(used: Used) -> None:
    statement = "SELECT max(tries) FROM mail WHERE state = 'sent' AND due_at < '2100-01-01' AND kind = 'nothing'"
    with used.connect() as connection:
        connection.execute(text("SET enable_seqscan = off") if used.env.smtp else text("SELECT 1"))
        assert find_large_reads(connection, [(statement, ())])
