"""Databases with many administrators, filled with one INSERT for each table.

Every table that grows with the accounts gets rows. Nothing expires within ten days: housekeeping deletes none of them.
All administrators have one password. The rows of the history have no valid chains, but new rows continue them.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, bindparam, create_engine, text
from sqlalchemy.pool import NullPool

from accounts import clock
from models import Moment

SUPERUSERS = 3  # The last accounts: a search from the first row reads all others.
INVITATIONS = 10_000
RECOVERY_CODES = 2  # Of each account; ten would take long.
_NUMBERS = {
    "sqlite": """(WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :rows)
                  SELECT i FROM number)""",
    "postgresql": "generate_series(1, :rows) AS i",
}
_BROWSER = "'Chrome 156, Linux'"


def username(number: int) -> str:
    """Return the username of an administrator; the first one has the number 1, which is also the id."""
    return f"user-{number:09}"


def email(number: int) -> str:
    """Return the address of an administrator."""
    return f"mail-{number:09}@example.com"


def populate(
    url: str,
    accounts: int,
    *,
    history: int,
    active: int = 0,
    invitations: int = INVITATIONS,
    password_hash: str = "!",
    receiver: str = "",
) -> None:
    """Fill a migrated, empty database: each account gets this number of rows in its history.

    The first `active` accounts, by default all of them, have a session, a mail, a budget, a link, a change, rows of
    second factors that are not used, a pending sign-in and a reset that has ended, and an
    event that was delivered to the receiver of webhooks with this key.
    """
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine, now = create_engine(url, poolclass=NullPool), clock.now()
    _insert(engine, accounts, now, "cms_user", _account(history), hash=password_hash)
    _insert(engine, accounts * history, now, "audit", _history(history), history=history)
    for table, rows, columns in (
        ("login_session", active or accounts, _SESSION),
        ("mail", active or accounts, _MAIL),
        ("budget", active or accounts, _BUDGET),
        ("link", active or accounts, _LINK),
        ("email_change", active or accounts, _CHANGE),
        ("invitation", invitations, _INVITATION),
        ("audit_tie", active or accounts, _TIE),
        ("passkey", active or accounts, _PASSKEY),
        ("authenticator_app", active or accounts, _APP),
        ("recovery_code", RECOVERY_CODES * (active or accounts), _RECOVERY_CODE),
        ("pending_sign_in", active or accounts, _PENDING_SIGN_IN),
        ("factor_reset", active or accounts, _RESET),
        ("webhook_event", active or accounts, _EVENT),
        ("webhook_delivery", active or accounts, _DELIVERY),
    ):
        _insert(engine, rows, now, table, columns, receiver=receiver)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":  # As autovacuum does after such a load; SQLite has no statistics.
            connection.execute(text("VACUUM ANALYZE"))


def _insert(engine: Engine, rows: int, now: datetime, table: str, columns: dict[str, str], **values: object) -> None:
    moments = {"now": now, "ago": now - timedelta(days=10), "ahead": now + timedelta(days=20)}
    names, expressions = ", ".join(columns), ", ".join(columns.values())
    numbers = _NUMBERS[engine.dialect.name]
    statement = text(f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {numbers}")
    used = {name: at for name, at in moments.items() if f":{name}" in expressions}
    used_values: dict[str, Any] = {name: value for name, value in values.items() if f":{name}" in expressions}
    statement = statement.bindparams(*(bindparam(name, at, type_=Moment()) for name, at in used.items()))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA synchronous = OFF"))
            connection.execute(text("PRAGMA cache_size = -200000"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # No checks of foreign keys.
        connection.execute(statement, {"rows": rows, **used_values})


def _digits(number: str, length: int = 9) -> str:
    """Return the SQL of a number with leading zeros."""
    return f"substr(CAST({10**length} + {number} AS text), 2)"


def _hash(number: str) -> str:
    """Return the SQL of a text of 64 characters that differs for each number, as long as a SHA-256."""
    return f"'{'5' * 52}' || {_digits(number, 12)}"


def _account(history: int) -> dict[str, str]:
    name, address = f"'user-' || {_digits('i')}", f"'mail-' || {_digits('i')} || '@example.com'"
    return {
        "username": name,
        "username_key": name,
        "email": address,
        "email_key": address,
        "email_version": "1",
        "password_hash": ":hash",
        "is_superuser": f"i > :rows - {SUPERUSERS}",
        "is_active": "true",
        "language": "'en'",
        "time_zone": "'Europe/Berlin'",
        "interests": "'[]'",
        "profile_version": "1",
        "created_at": ":ago",
        "acted_at": ":now",
        "audit_rows": str(history),
        "audit_chain": _hash(f"i * {history} - 1"),
        "webhook_events": "1",
    }


def _history(history: int) -> dict[str, str]:
    events = {0: "signed_in", 1: "code_requested", 2: "email_changed"}
    event = "CASE i % 4 " + " ".join(f"WHEN {n} THEN '{name}'" for n, name in events.items()) + " ELSE 'signed_out' END"
    return {
        "user_id": f"(i - 1) / {history} + 1",
        "number": f"(i - 1) % {history} + 1",
        "event": event,
        "actor_id": f"(i - 1) / {history} + 1",
        "at": f"CASE WHEN (i - 1) % {history} < {history} / 2 THEN :ago ELSE :now END",
        "last_at": ":now",
        "times": "1",
        "network": "'203.0.113.5'",
        "browser": _BROWSER,
        "detail": "'{}'",
        "chain": _hash("i - 1"),
        "key_id": "'00000000'",
        "request_id": "'00000000-0000-4000-8000-' || " + _digits("i", 12),
    }


_SESSION = {
    "id_hash": _hash("i"),
    "user_id": "i",
    "remembered": "true",
    "created_at": ":now",
    "seen_at": ":now",
    "proved_at": ":now",
    "network": "'203.0.113.5'",
    "browser": _BROWSER,
    "key_id": "'00000000'",
}
_MAIL = {
    "message_id": "'<179520000000000.' || " + _digits("i", 12) + " || '@cms.example.com>'",
    "kind": "'code'",
    "user_id": "i",
    "recipient": f"'new-' || {_digits('i')} || '@example.com'",
    "subject": "''",
    "body": "''",
    "html": "''",
    "state": "'sent'",
    "created_at": ":ago",
    "due_at": ":ago",
    "not_after": ":ago",
    "tries": "1",
    "done_at": ":ago",
    "problem": "''",
}
_BUDGET = {"key": _hash("i"), "used": "1", "used_at": ":now", "resets_at": ":ahead"}
_LINK = {
    "token_hash": _hash("i"),
    "purpose": "'undo'",
    "user_id": "i",
    "email": f"'old-' || {_digits('i')} || '@example.com'",
    "email_key": f"'old-' || {_digits('i')} || '@example.com'",
    "email_version": "1",
    "created_at": ":ago",
    "expires_at": ":ahead",
    "ended_at": "CASE WHEN i % 2 = 0 THEN :now END",
    "since": ":ago",
    "network": "'203.0.113.5'",
    "browser": _BROWSER,
}
_TIE = {  # Without a valid signature.
    "user_id": "i",
    "number": "0",
    "chain": "''",
    "last_at": ":ago",
    "exported_at": ":ago",
    "file": "''",
    "key_id": "''",
    "signature": "''",
}
_PASSKEY = {
    "user_id": "i",
    "credential_hash": _hash("i"),
    "credential": f"'{'A' * 200}'",
    "transports": "'internal'",
    "name": "'Phone'",
    "sign_count": "0",
    "challenged_at": ":ago",
    "created_at": ":ago",
}
_APP = {
    "user_id": "i",
    "secret": f"'{'A' * 120}'",
    "key_id": "'00000000'",
    "last_step": "0",
    "created_at": ":ago",
    "confirmed_at": ":ago",
}
_RECOVERY_CODE = {
    "user_id": f"(i - 1) / {RECOVERY_CODES} + 1",
    "salt": f"'{'0' * 32}'",
    "code_hash": f"'{'A' * 43}'",
    "created_at": ":ago",
}
_PENDING_SIGN_IN = {
    "token_hash": _hash("i"),
    "user_id": "i",
    "remembered": "false",
    "password_version": "1",
    "email_version": "1",
    "expires_at": ":ahead",
}
_RESET = {
    "user_id": "i",
    "started_by": "(SELECT max(id) FROM cms_user)",
    "reason": "'lost the phone'",
    "stop_hash": _hash("i"),
    "asked_at": ":ago",
    "due_at": ":ago",
    "expires_at": ":ahead",
    "network": "'203.0.113.5'",
    "browser": _BROWSER,
    "outcome": "'made'",
}
_EVENT = {
    "message_id": "'evt_' || " + _digits("i", 12),
    "user_id": "i",
    "number": "1",
    "type": "'account.created'",
    "at": ":ago",
    "payload": "'{}'",
}
_DELIVERY = {
    "event_id": "i",
    "receiver": ":receiver",
    "user_id": "i",
    "number": "1",
    "state": "'delivered'",
    "due_at": ":ago",
    "not_after": ":ago",
    "tries": "1",
    "done_at": ":ago",
    "problem": "''",
}
_CHANGE = {
    "user_id": "i",
    "session_id": "i",
    "is_assisted": "false",
    "mail_id": "i",
    "email": f"'new-' || {_digits('i')} || '@example.com'",
    "email_key": f"'new-' || {_digits('i')} || '@example.com'",
    "email_version": "1",
    "nonce": "'00000000.0000000000' || " + _digits("i", 12),
    "stop_hash": _hash("i"),
    "asked_at": ":ago",
    "expires_at": ":ahead",
    "tries": "0",
    "new_proved": "false",
    "old_proved": "false",
    "network": "'203.0.113.5'",
    "browser": _BROWSER,
    "outcome": "'made'",
}
_INVITATION = {
    "token_hash": _hash("i"),
    "email": f"'guest-' || {_digits('i')} || '@example.com'",
    "email_key": f"'guest-' || {_digits('i')} || '@example.com'",
    "is_superuser": "false",
    "invited_by": "(SELECT max(id) FROM cms_user)",
    "created_at": ":ago",
    "expires_at": ":ahead",
}
