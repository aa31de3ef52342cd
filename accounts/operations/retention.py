"""Retention: exports rows of the history that are older than AUDIT_KEEP_DAYS to files, and then deletes them.

A file is complete and on the disk before one of its rows is deleted. So a crash in between loses nothing: the rows are
exported again. The same is true of two processes that do this at the same time.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, bindparam, delete, func, select

import cache
from accounts import audit, clock, database, people
from accounts.audit import Verdict
from accounts.errors import UNAVAILABLE
from accounts.operations import audit_files
from accounts.operations.audit_files import ExportFile
from accounts.operations.audit_verification import ROWS_AT_ONCE, TIE_COLUMNS, read_tie, snapshot
from accounts.settings import settings
from accounts.signing import audit_keys
from models import Audit, AuditTie, CMSUser, db, dialect, table
from telemetry import metrics

PAGE = 1000  # Accounts that are examined in one snapshot.
PAGES_PER_RUN, ROWS_PER_RUN = 20, 2000  # Bound a run in a process that sends mail.
ROWS_PER_FILE = 100_000  # The same for `flask housekeeping`, which makes several runs.
BATCH_ROWS = 1000  # Rows that are deleted in one transaction, under the lock of their account.
PAUSE_SECONDS = 0.1  # After a batch, so that others can write to SQLite.
LEASE_KEY, POSITION_KEY = "retention", "retention position"
INTERVAL_SECONDS, RETRY_SECONDS = 86400, 3600
log = logging.getLogger(__name__)

_USER, _ROW, _TIE = table(CMSUser).c, table(Audit).c, table(AuditTie).c
_ACCOUNTS = select(_USER.id).where(_USER.id > bindparam("after")).order_by(_USER.id).limit(PAGE).subquery("accounts")
_LAST = select(func.max(_ACCOUNTS.c.id))
_OLD = (
    select(_ACCOUNTS.c.id, *TIE_COLUMNS)
    .outerjoin(table(AuditTie), _TIE.user_id == _ACCOUNTS.c.id)
    .join(table(Audit), (_ROW.user_id == _ACCOUNTS.c.id) & (_ROW.number == func.coalesce(_TIE.number, 0) + 1))
    .where(_ROW.last_at < bindparam("before"))
    .order_by(_ACCOUNTS.c.id)
)
_ROWS = (
    select(table(Audit))
    .where(_ROW.user_id == bindparam("user"), _ROW.number > bindparam("above"))
    .order_by(_ROW.number)
    .limit(bindparam("most"))
)
_CHAIN = select(_ROW.chain).where(_ROW.user_id == bindparam("user"), _ROW.number == bindparam("number"))
_DELETE = delete(table(Audit)).where(_ROW.user_id == bindparam("user"), _ROW.number <= bindparam("number"))


class NotExported(Exception):
    """The rows could not be written to a file, and none was deleted."""


class Cut(NamedTuple):
    """Where a history can be cut: the last row to delete, and how many rows precede it in the same batch."""

    user_id: int
    number: int
    chain: str
    last_at: datetime
    rows: int


class Run(NamedTuple):
    """The number of rows that a run exported, and the id after which the next one begins, or None at the end."""

    rows: int
    after: int | None


def run_if_due() -> None:
    """Export and delete old rows once a day, in one of all processes, or sooner if some remain. Raises CacheDown."""
    if not settings().AUDIT_KEEP_DAYS or not cache.add(LEASE_KEY, 1, RETRY_SECONDS):
        return
    try:
        run = export_old_rows(after=int(cache.get(POSITION_KEY) or 0))
    except (NotExported, *UNAVAILABLE) as problem:
        why = str(problem).partition("\n")[0]
        log.error("retention of the history failed, next try in %d s: %s", RETRY_SECONDS, why)  # noqa: TRY400 (One line.)
        return
    if run.after is None:
        cache.delete(POSITION_KEY)
        cache.set(LEASE_KEY, 1, INTERVAL_SECONDS)
    else:
        cache.set(POSITION_KEY, run.after, INTERVAL_SECONDS)
        cache.delete(LEASE_KEY)


def export_all_old_rows() -> int:
    """Export and delete all old rows, and return their number. Raises NotExported, one of errors.UNAVAILABLE.

    Several processes may do so at the same time: a history is cut by one of them.
    """
    rows, after = 0, 0
    while settings().AUDIT_KEEP_DAYS:
        run = export_old_rows(after, most=ROWS_PER_FILE)
        rows += run.rows
        if run.after is None:
            break
        after = run.after
    return rows


def export_old_rows(after: int = 0, most: int = ROWS_PER_RUN) -> Run:
    """Write old rows of the accounts with ids above `after` to one file, up to a number of rows, and delete them.

    Raises NotExported, one of errors.UNAVAILABLE.
    """
    before = clock.now() - timedelta(days=settings().AUDIT_KEEP_DAYS)
    cuts: list[Cut] = []
    position: int | None = after
    with _report_folder(), audit_files.create(settings().AUDIT_EXPORT_FOLDER) as file:
        for _ in range(PAGES_PER_RUN):
            position = _export_page(file, cuts, position or 0, before, most)
            if position is None or file.rows >= most:
                break
    deleted = 0
    for cut in cuts:
        deleted += _cut(cut, file.name)
    if file.rows:
        log.info("%d rows of the history exported to %s, %d deleted", file.rows, file.name, deleted)
    return Run(file.rows, position)


@contextmanager
def _report_folder() -> Iterator[None]:
    """Raise NotExported, with the folder, for an error of the file system."""
    try:
        yield
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        raise NotExported(f"AUDIT_EXPORT_FOLDER={settings().AUDIT_EXPORT_FOLDER}: {why}") from None


def _export_page(file: ExportFile, cuts: list[Cut], after: int, before: datetime, most: int) -> int | None:
    """Write the old rows of a page of accounts; return the id after which to continue, or None at the end."""
    with snapshot() as connection:
        last: int | None = connection.execute(_LAST, {"after": after}).scalar()
        for account in connection.execute(_OLD, {"after": after, "before": before}).all():
            tie, rows_left = read_tie(account), most - file.rows
            cuts += _export_account(connection, file, account.id, tie, before, rows_left)
            if file.rows >= most:
                return int(account.id) - 1
    return last


def _export_account(
    connection: Connection, file: ExportFile, user_id: int, tie: Mapping[str, Any] | None, before: datetime, most: int
) -> Iterator[Cut]:
    """Write the old rows of an account up to the first one that is not intact, and yield where it can be cut."""
    number, chain = (tie["number"], tie["chain"]) if tie else (0, "")
    cut = None
    if tie and audit.verify_tie(tie) != Verdict.INTACT:
        log.warning("the history of account %d is not exported: its tie cannot be verified", user_id)
        return
    its, slowly = {"user": user_id, "above": number, "most": most}, {"yield_per": ROWS_AT_ONCE}
    with connection.execute(_ROWS, its, execution_options=slowly) as rows:
        for row in rows:
            if row.last_at >= before:
                break
            told = cast("Mapping[str, Any]", row._mapping)
            key = audit.find_key(told, chain, audit_keys().named(row.key_id))
            if row.number != number + 1 or key is None:
                log.warning("the history of account %d is not exported from row %d on: not intact", user_id, number + 1)
                break
            file.add(told, chain, key.id)
            number, chain = row.number, row.chain
            cut = Cut(user_id, number, chain, row.last_at, cut.rows + 1 if cut else 1)
            if cut.rows == BATCH_ROWS:
                yield cut
                cut = None
    if cut:
        yield cut


def _cut(cut: Cut, file: str) -> int:
    """Tie a history to its exported rows, and delete them; return how many.

    Does nothing if another process was faster, or if the rows are no longer those that were exported. A repetition may
    be counted in a recent row, and an erasure replaces personal data in all of them.
    """
    if people.lock(cut.user_id) is None or not _is_unchanged(cut):
        db.session.rollback()
        return 0
    audit.tie(cut.user_id, number=cut.number, chain=cut.chain, last_at=cut.last_at, file=file)
    its = {"user": cut.user_id, "number": cut.number}
    deleted = database.execute(_DELETE, its).rowcount
    db.session.commit()
    metrics.EXPIRED_ROWS.add("audit", number=deleted)
    if dialect() == "sqlite" and deleted == BATCH_ROWS:
        threading.Event().wait(PAUSE_SECONDS)
    return deleted


def _is_unchanged(cut: Cut) -> bool:
    tie = audit.find_tie(cut.user_id)
    is_cut = tie is not None and tie.number >= cut.number
    chain = database.execute(_CHAIN, {"user": cut.user_id, "number": cut.number}).scalar()
    return not is_cut and bool(chain == cut.chain)
