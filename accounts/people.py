"""The administrators' accounts: find, lock and create them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from accounts import availability, changes, clock, database, usernames
from accounts.errors import ChangesFrozen, EmailTaken, SameEmail, UsernameTaken
from accounts.statements import Row
from models import Address, CMSUser, LoginSession, db, name_key, table, value_of

# Statements of every request are built once: building one costs more than running it.
_COLUMNS, _SESSION = table(CMSUser).c, table(LoginSession).c
_BY_KEY = select(table(CMSUser)).where(_COLUMNS.email_key == bindparam("key"))
_WRITE = update(table(CMSUser)).where(_COLUMNS.id == bindparam("its_id"))  # Columns come with the values.
_COUNT_WEBHOOK_EVENTS = (
    update(table(CMSUser))
    .where(_COLUMNS.id == bindparam("its_id"))
    .values(webhook_events=_COLUMNS.webhook_events + bindparam("events"))
    .returning(*_COLUMNS)
)
_BY_ID = select(table(CMSUser)).where(_COLUMNS.id == bindparam("its_id"))
_LOCK = _BY_ID.with_for_update(key_share=True)
_BY_IDS = select(table(CMSUser)).where(_COLUMNS.id.in_(bindparam("ids", expanding=True))).order_by(_COLUMNS.id)
_LOCK_MANY = _BY_IDS.with_for_update(key_share=True)
LOCK_SIGNED_IN = (
    _BY_ID.join(table(LoginSession), _SESSION.user_id == _COLUMNS.id)
    .where(_SESSION.id == bindparam("session"), _SESSION.id_hash == bindparam("id_hash"), _COLUMNS.is_active)
    .with_for_update(key_share=True, of=[table(CMSUser), table(LoginSession)])
)
"""Locks the account of a session, and the session. Both rows are locked, so PostgreSQL reads both again after a wait.

A caller may add columns and outer joins. Those are read as they were before the wait.
"""


def find_by_email(address: Address) -> CMSUser | None:
    """Return the account that has this address, as a value."""
    return database.find_value(CMSUser, _BY_KEY, {"key": address.key})


def find(user_id: int) -> CMSUser | None:
    """Return an account as it is now, as a value."""
    return database.find_value(CMSUser, _BY_ID, {"its_id": user_id})


def lock(user_id: int) -> CMSUser | None:
    """Lock an account until the transaction ends, and return it as it is now, as a value.

    Every use case that writes begins with this: on PostgreSQL it takes a row lock, on SQLite the write lock.
    """
    database.begin_write()
    return database.find_value(CMSUser, _LOCK, {"its_id": user_id})


def lock_signed_in(
    session: LoginSession, query: Select[Any] = LOCK_SIGNED_IN, **values: object
) -> tuple[CMSUser, Row] | None:
    """Lock the account of a session, and return it as it is now with the row of the query.

    Returns None if the session ended, got a new id, or its account was disabled since the session was loaded. `query`
    is `LOCK_SIGNED_IN` or an extension of it.
    """
    database.begin_write()
    its = {"its_id": session.user_id, "session": session.id, "id_hash": session.id_hash}
    row = database.execute(query, its | values).first()
    return (value_of(CMSUser, iter(row)), row) if row else None


def lock_many(user_ids: Iterable[int]) -> dict[int, CMSUser]:
    """Lock several accounts in one statement, in the order of their ids so that two callers never deadlock."""
    database.begin_write()
    rows = database.execute(_LOCK_MANY, {"ids": sorted(user_ids)})
    return {row.id: value_of(CMSUser, iter(row)) for row in rows}


def lock_found(find: Callable[[], set[int]]) -> dict[int, CMSUser]:
    """Lock the accounts that `find` returns, and return them; start again while it finds more than are locked.

    For accounts that are known only from a row which the locks protect. Nothing else may be locked before.
    """
    while True:
        wanted = find()
        accounts = lock_many(wanted)
        if find() <= wanted:
            return accounts
        db.session.rollback()


def update_columns(account: CMSUser, **columns: object) -> None:
    """Update columns of a locked account, in the database and in the value. Raises IntegrityError.

    One UPDATE is executed at once. A locked account is a value: nothing else writes it.
    """
    database.execute(_WRITE, {"its_id": account.id, **columns})
    changes.note_columns(account, columns)
    vars(account).update(columns)


def count_webhook_events(user_id: int, events: int) -> CMSUser:
    """Count events of a locked account, and return it as it is now, as a value."""
    row = database.execute(_COUNT_WEBHOOK_EVENTS, {"its_id": user_id, "events": events}).one()
    return value_of(CMSUser, iter(row))


def time_zone_columns(time_zone: str) -> dict[str, object]:
    """Return what to store of the time zone of a browser in which the password was proved just now, if it sent one.

    Only then: a mail that warns of a stolen session is written for the owner, not for the thief.
    """
    return {"time_zone": time_zone} if time_zone else {}


def refuse_same_email(account: CMSUser, address: Address) -> None:
    """Raise SameEmail if this is the address of the account, in whatever spelling."""
    if address.key == account.email_key:
        raise SameEmail


def refuse_frozen(account: CMSUser) -> None:
    """Raise ChangesFrozen if a change of the address was undone recently."""
    if until := frozen_until(account):
        raise ChangesFrozen((until - clock.now()).total_seconds())


def frozen_until(account: CMSUser) -> datetime | None:
    """Return until when the address cannot be changed because a change was undone, or None."""
    return account.frozen_until if account.frozen_until and account.frozen_until > clock.now() else None


def new_account(address: Address, username: str, password_hash: str, *, superuser: bool, **columns: object) -> CMSUser:
    """Return a new account, which is not added yet. Its address counts as proved."""
    now = clock.now()
    values = {"interests": []} | columns
    return CMSUser(
        username=username,
        username_key=name_key(username),
        email=address.email,
        email_key=address.key,
        email_version=1,
        password_hash=password_hash,
        password_version=1,
        is_superuser=superuser,
        is_active=True,
        profile_version=1,
        created_at=now,
        acted_at=now,
        audit_rows=0,
        audit_chain="",
        **values,
    )


def add(account: CMSUser) -> None:
    """Add a new account.

    Raises EmailTaken, and UsernameTaken if the name is taken or looks like that of a superuser; the caller's
    transaction must then not commit.
    """
    availability.require(account.address)
    usernames.refuse_lookalike_username(account.username, None)
    db.session.add(account)
    try:
        db.session.flush()
    except IntegrityError as problem:
        raise (EmailTaken if "email_key" in str(problem.orig) else UsernameTaken) from None
    changes.note_new(account.id)
