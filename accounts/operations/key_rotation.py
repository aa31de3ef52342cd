"""What still depends on a former key: sessions, codes, secrets of authenticator apps, and rows of the history."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Executable, and_, case, func, select

from accounts import audit, clock, codes, database, pending, sessions, unit_of_work
from accounts.factors import authenticator_app
from accounts.factors.authenticator_app import Batch
from accounts.operations import audit_files
from accounts.operations.audit_verification import ROWS_AT_ONCE, snapshot
from accounts.origin import COMMAND_LINE
from accounts.settings import settings
from accounts.signing import Key, audit_keys, keys
from models import Audit, AuditTie, AuthenticatorApp, CMSUser, EmailChange, LoginSession, table

FallbackSetting = Literal["SECRET_KEY_FALLBACKS", "AUDIT_KEY_FALLBACKS"]
_USER, _SESSION, _CHANGE, _TIE = table(CMSUser).c, table(LoginSession).c, table(EmailChange).c, table(AuditTie).c
_ROWS, _BEFORE = table(Audit), table(Audit).alias("row_before")
_NAMED_ROWS = (
    select(_ROWS.c.key_id, func.count(), func.count(case((_ROWS.c.number == _USER.audit_rows, 1))))
    .join(table(CMSUser), _USER.id == _ROWS.c.user_id)
    .where(_ROWS.c.key_id.is_not(None))
    .group_by(_ROWS.c.key_id)
)
_APPS = select(table(AuthenticatorApp).c.key_id, func.count()).group_by(table(AuthenticatorApp).c.key_id)
APPS_AT_ONCE = 200
_UNNAMED_ROWS = (
    select(
        *_ROWS.c,
        func.coalesce(_BEFORE.c.chain, _TIE.chain).label("before"),
        (_ROWS.c.number == _USER.audit_rows).label("is_last"),
    )
    .join(table(CMSUser), _USER.id == _ROWS.c.user_id)
    .outerjoin(_BEFORE, and_(_BEFORE.c.user_id == _ROWS.c.user_id, _BEFORE.c.number == _ROWS.c.number - 1))
    .outerjoin(table(AuditTie), and_(_TIE.user_id == _ROWS.c.user_id, _TIE.number == _ROWS.c.number - 1))
    .where(_ROWS.c.key_id.is_(None))
)
_TIES = select(_TIE.key_id, func.count()).group_by(_TIE.key_id)


@dataclass(frozen=True)
class Uses:
    """How many sessions or codes depend on a key, and until when at most."""

    count: int = 0
    until: datetime | None = None

    def __add__(self, other: "Uses") -> "Uses":
        """Return the uses of both."""
        ends = [each for each in (self.until, other.until) if each]
        return Uses(self.count + other.count, max(ends, default=None))


UsesByKey = dict[str | None, Uses]
"""The uses by the ids of keys. None is the key of what an older version of the application stored."""


@dataclass(frozen=True)
class HistoryUse:
    """How many rows of the history a key has signed, and in how many accounts the last row.

    Also how many ties, and how many of the files in AUDIT_EXPORT_FOLDER on this machine need it.
    """

    rows: int = 0
    heads: int = 0
    ties: int = 0
    files: int = 0

    @property
    def is_any(self) -> bool:
        """Return whether anything depends on the key."""
        return bool(self.rows or self.ties or self.files)


@dataclass(frozen=True)
class FormerKey:
    """A key in one of the two settings of former keys, and what depends on it there."""

    setting: FallbackSetting
    id: str
    sessions: Uses = Uses()
    codes: Uses = Uses()
    history: HistoryUse = HistoryUse()
    apps: int = 0  # The number of authenticator apps whose secrets are encrypted under it.

    @property
    def is_needed(self) -> bool:
        """Return whether something could no longer be verified or read if the key were removed from this setting."""
        return bool(self.sessions.count or self.codes.count or self.apps) or self.history.is_any


@dataclass(frozen=True)
class Report:
    """The keys that sign, the former keys, and the history by the ids of its keys."""

    secret_key: str
    audit_key: str
    former: list[FormerKey]
    history: dict[str, HistoryUse]
    unverified_rows: int  # Rows that name no key, and which no key verifies.
    apps: dict[str, int]  # The number of authenticator apps by the ids of the keys of their secrets.

    @property
    def missing(self) -> dict[str, HistoryUse]:
        """Return the history under keys that are not in the settings."""
        known = audit_keys().by_id
        return {key_id: use for key_id, use in self.history.items() if key_id not in known}

    @property
    def missing_apps(self) -> dict[str, int]:
        """Return the authenticator apps under keys that are not in the settings: their codes are refused."""
        known = keys().by_id
        return {key_id: count for key_id, count in self.apps.items() if key_id not in known}


def check() -> Report:
    """Return what depends on each key, in one snapshot of the database. Raises OSError and the errors of the database.

    Cookies are counted by the rows of their sessions, codes by the changes that require them. What names no key counts
    for every former one; only rows of the history without one are verified to find it.
    """
    now = clock.now()
    with snapshot() as connection:
        cookies, pending_codes = _count_sessions(connection, now), _count_codes(connection, now)
        history, unverified = _count_rows(connection)
        apps = {key_id: count for key_id, count in _fetch(connection, _APPS)}  # noqa: C416 (Rows are no pairs.)
    current, current_audit = keys().current.id, audit_keys().current.id
    former = _ids(settings().SECRET_KEY_FALLBACKS, current)
    former_audit = _ids(settings().AUDIT_KEY_FALLBACKS, current_audit)
    # The history needs a key in SECRET_KEY_FALLBACKS only if no setting of its own has it.
    by_secret_keys = {each: use for each, use in history.items() if each not in (current_audit, *former_audit)}
    found = [
        FormerKey(
            setting="SECRET_KEY_FALLBACKS",
            id=each,
            sessions=cookies.get(each, Uses()) + cookies.get(None, Uses()),
            codes=pending_codes.get(each, Uses()) + pending_codes.get(None, Uses()),
            history=by_secret_keys.get(each, HistoryUse()),
            apps=apps.get(each, 0),
        )
        for each in former
    ]
    found += [FormerKey("AUDIT_KEY_FALLBACKS", each, history=history.get(each, HistoryUse())) for each in former_audit]
    return Report(current, current_audit, found, history, unverified, apps)


def encrypt_apps_anew() -> Iterator[Batch]:
    """Encrypt the secrets of authenticator apps under the key that signs, in batches, each in its own transaction.

    Yields the result of each batch. Requests wait at most for one batch. Raises the errors of the database.
    """
    last_id: int | None = 0
    while last_id is not None:
        with unit_of_work.begin(COMMAND_LINE):
            database.begin_write()
            batch = authenticator_app.encrypt_anew(APPS_AT_ONCE, after=last_id)
        yield batch
        last_id = batch.last_id


def _ids(fallbacks: tuple[str, ...], current: str) -> list[str]:
    """Return the ids of former keys, without the present one, which may be listed as well."""
    return [key_id for key_id in dict.fromkeys(Key(each).id for each in fallbacks) if key_id != current]


def _count_sessions(connection: Connection, now: datetime) -> UsesByKey:
    """Count the sessions that have not ended, by the keys of their cookies."""
    found: UsesByKey = {}
    for remembered in (False, True):
        idle, life = sessions.limits(remembered=remembered)
        query = (
            select(_SESSION.key_id, func.count(), func.max(_SESSION.created_at))
            .where(_SESSION.remembered.is_(remembered))
            .where(_SESSION.seen_at >= now - idle, _SESSION.created_at >= now - life)
            .group_by(_SESSION.key_id)
        )
        for key_id, count, newest in _fetch(connection, query):
            found[key_id] = found.get(key_id, Uses()) + Uses(count, newest + life)
    return found


def _count_codes(connection: Connection, now: datetime) -> UsesByKey:
    """Count the pending changes that require codes, by the keys of the codes."""
    its = pending.ALIVE, _CHANGE.is_assisted.is_(False), _CHANGE.expires_at > now
    query = select(_CHANGE.nonce, _CHANGE.expires_at).where(*its)
    found: UsesByKey = {}
    for nonce, expires_at in _fetch(connection, query):
        key_id = codes.key_id_of(nonce)
        found[key_id] = found.get(key_id, Uses()) + Uses(1, expires_at)
    return found


def _count_rows(connection: Connection) -> tuple[dict[str, HistoryUse], int]:
    """Count rows, ties and files of the history by their keys, and rows that name no key and are verified by none."""
    rows, heads, unverified = Counter[str](), Counter[str](), 0
    ties = dict(_fetch(connection, _TIES))
    files = audit_files.read_keys(settings().AUDIT_EXPORT_FOLDER)
    for key_id, count, last in _fetch(connection, _NAMED_ROWS):
        rows[key_id], heads[key_id] = count, last
    keys_of_unnamed = audit_keys().named(None)
    for row in _fetch(connection, _UNNAMED_ROWS):
        key = audit.find_key(row._mapping, row.before or "", keys_of_unnamed)
        if key is None:
            unverified += 1
        else:
            rows[key.id] += 1
            heads[key.id] += bool(row.is_last)
    uses = {
        key_id: HistoryUse(rows[key_id], heads[key_id], ties.get(key_id, 0), files.get(key_id, 0))
        for key_id in sorted({*rows, *ties, *files})
    }
    return uses, unverified


def _fetch(connection: Connection, query: Executable) -> Iterator[Any]:
    """Yield the rows of a query, of which only some are in memory."""
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
        yield from rows
