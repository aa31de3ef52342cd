"""The administrators' accounts: find, lock and create them."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Row, bindparam, inspect, select, update
from sqlalchemy.orm import class_mapper, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict, set_committed_value
from sqlalchemy.orm.util import identity_key

from accounts import clock, database
from models import CMSUser, db, email_key, name_key, table

# Statements of every request are built once: building one costs more than running it.
_WITH_EMAIL = select(CMSUser).where(CMSUser.email_key == bindparam("key"))
_LOCK = update(CMSUser).values(acted_at=bindparam("now")).returning(CMSUser)
_COLUMNS = table(CMSUser).c
_WRITE = update(table(CMSUser)).where(_COLUMNS.id == bindparam("its_id"))  # Columns come with the values.
_LOCK_ONE = _WRITE.values(acted_at=bindparam("now")).returning(*_COLUMNS)
# PostgreSQL locks in the order of the subquery. No CTE: sqlite3 begins a transaction only for the verb UPDATE.
_IN_ORDER = select(CMSUser.id).where(CMSUser.id.in_(bindparam("ids", expanding=True))).order_by(CMSUser.id)
_LOCK_MANY = _LOCK.where(CMSUser.id.in_(_IN_ORDER.with_for_update().scalar_subquery()))
_FRESH = {"populate_existing": True, "synchronize_session": False}


def with_email(email: str) -> CMSUser | None:
    """Return the administrator who has this address, in whatever spelling."""
    return db.session.scalar(_WITH_EMAIL, {"key": email_key(email)})


def lock(user_id: int) -> CMSUser | None:
    """Lock an account until the transaction ends, and return it as it is now.

    Every use case that writes begins so: those of one person happen one after the other, on PostgreSQL (a row lock) as
    on SQLite (the write lock).
    """
    row = database.execute(_LOCK_ONE, {"its_id": user_id, "now": clock.now()}).first()
    return _object_of(row) if row else None


def _object_of(row: Row[*tuple[Any, ...]]) -> CMSUser:
    """Return the ORM object of a row, and refresh it if it is loaded. The session itself takes three times as long."""
    account: CMSUser | None = db.session.identity_map.get(identity_key(CMSUser, row.id))
    if account is not None:
        for name, value in zip(_COLUMNS.keys(), row, strict=True):
            set_committed_value(account, name, value)
        return account
    account = class_mapper(CMSUser).class_manager.new_instance()
    instance_dict(account).update(zip(_COLUMNS.keys(), row, strict=True))
    make_transient_to_detached(account)
    db.session.add(account)
    return account


def lock_many(user_ids: Iterable[int]) -> dict[int, CMSUser]:
    """Lock several accounts in one statement, in the order of their ids so that two callers never deadlock."""
    values = {"ids": sorted(user_ids), "now": clock.now()}
    return {user.id: user for user in db.session.scalars(_LOCK_MANY, values, execution_options=_FRESH)}


def lock_found(find: Callable[[], set[int]]) -> dict[int, CMSUser]:
    """Lock the accounts that `find` returns, and return them; start anew while it finds more than was locked.

    For accounts that are known only from a row which the locks protect. Nothing else may be locked yet.
    """
    while True:
        wanted = find()
        accounts = lock_many(wanted)
        if find() <= wanted:
            return accounts
        db.session.rollback()


def update_columns(account: CMSUser, **columns: object) -> None:
    """Update columns of a locked account, in the database and in the object.

    One UPDATE is sent at once, in a tenth of the time of a flush. If the object has pending changes, these columns are
    left to the flush, too.
    """
    if inspect(account).modified:
        for name, value in columns.items():
            setattr(account, name, value)
        return
    database.execute(_WRITE, {"its_id": account.id, **columns})
    for name, value in columns.items():
        set_committed_value(account, name, value)


def remember_time_zone(account: CMSUser, time_zone: str) -> None:
    """Remember the time zone of the browser in which the password was proved just now, if it told one.

    Only then: a mail that warns of a stolen session is to be written for the owner and not for the thief.
    """
    if time_zone:
        account.time_zone = time_zone


def new_account(email: str, username: str, password_hash: str, *, superuser: bool) -> CMSUser:
    """Return a new administrator, not yet added, whose address counts as proved."""
    now = clock.now()
    return CMSUser(
        username=username,
        username_key=name_key(username),
        email=email,
        email_key=email_key(email),
        email_version=1,
        password_hash=password_hash,
        password_version=1,
        is_superuser=superuser,
        is_active=True,
        interests=[],
        profile_version=1,
        created_at=now,
        acted_at=now,
        audit_rows=0,
    )
