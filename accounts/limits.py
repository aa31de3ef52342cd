"""Rate limits: budgets that belong to a person are kept in SQL, throttles in the cache."""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import bindparam, case, delete, select, update

import cache
from accounts import clock, database
from accounts.errors import TooManyAttempts, TooManyRequests, WaitFirst
from accounts.settings import settings
from cache import CacheDown
from models import Budget, db, dialect, table, upsert

# Statements of every request are built once: building one costs more than running it.
_ROW = table(Budget).c
_LOOK = select(_ROW.key, _ROW.used, _ROW.resets_at).where(_ROW.key.in_(bindparam("keys", expanding=True)))
_SPENT = (
    select(_ROW.resets_at)
    .where(_ROW.key == bindparam("its_key"), _ROW.used >= bindparam("capacity"))
    .where(_ROW.resets_at > bindparam("now"))
)
_GIVE_BACK_ONE = (
    update(table(Budget))
    .where(_ROW.key.in_(bindparam("keys", expanding=True)), _ROW.used > 0)
    .values(used=_ROW.used - 1)
)
COUNT_ATTEMPTS = 5
QUARTER, HOUR, DAY = 900, 3600, 86400


@dataclass(frozen=True)
class Limit:
    """So many uses of something in so many seconds; a capacity of 0 is no limit.

    A budget's seconds begin with its first use, a throttle's by the clock.
    """

    name: str
    capacity: int
    seconds: int
    refusal: type[WaitFirst] = TooManyRequests

    @property
    def key(self) -> str:
        """Return the name under which it is counted: no address stands in a table of counters."""
        return sha256(self.name.encode()).hexdigest()


def network_of(address: str) -> str:
    """Return what one subscriber has: an IPv4 address (in whatever clothes), or the /64 of an IPv6 address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 6 and ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ip) if ip.version == 4 else str(ip_network((ip, 64), strict=False))


def resend(user_id: int) -> Limit:
    """Return the wait between two codes of one administrator."""
    seconds = settings().CAPTCHA_RESEND_SECONDS
    return Limit(f"resend:user:{user_id}", 1 if seconds else 0, seconds)


def tries_of_the_day(user_id: int) -> Limit:
    """Return how many codes an administrator may try in a day, right or wrong, whatever they do in between."""
    return Limit(f"tries:user:{user_id}", settings().CAPTCHA_TRIES_PER_DAY, DAY, TooManyAttempts)


def tries_of_the_target(key: str) -> Limit:
    """Return how many codes may be tried in a day for one new address, whoever tries them."""
    capacity = settings().CAPTCHA_TRIES_PER_ADDRESS_PER_DAY
    return Limit(f"tries:address:{key}", capacity, DAY, TooManyAttempts)


def tries(user_id: int, key: str) -> tuple[Limit, Limit]:
    """Return what trying a code costs: a try of the administrator's day, and one of the new address's day."""
    return tries_of_the_day(user_id), tries_of_the_target(key)


def sends(user_id: int, key: str, network: str) -> list[Limit]:
    """Return what asking for a code costs: the wait between two, and so many an hour or a day."""
    numbers = settings()
    return [
        resend(user_id),
        Limit(f"sends:user:{user_id}", numbers.CAPTCHA_SENDS_PER_HOUR, HOUR),
        Limit(f"sends:address:{key}", numbers.CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR, HOUR),
        Limit(f"sends:address:{key}:day", numbers.CAPTCHA_SENDS_PER_ADDRESS_PER_DAY, DAY),
        Limit(f"sends:network:{network_of(network)}", numbers.CAPTCHA_SENDS_PER_NETWORK_PER_HOUR, HOUR),
    ]


STRANGERS, KNOWN_BROWSERS = "strangers", "known browsers"


@dataclass(frozen=True)
class PasswordTry:
    """A try of a password that was counted before the password was looked at: the counters' keys."""

    account: str | None
    network: str | None

    def forgive(self) -> None:
        """Take it back, because the password was right: only failures count. What was committed stands without it."""
        with contextlib.suppress(CacheDown):
            if self.account is not None:
                cache.delete(self.account)
            if self.network is not None:
                cache.decr(self.network)


def count_password_try(account: str, whose: str, network: str) -> PasswordTry:
    """Count a try of a password before it is looked at. Raises TooManyRequests, CacheDown.

    `whose` tells tries apart that must not lock each other out: those of strangers, of browsers that are known, of a
    session. Only strangers are counted against their network: a shared one must not stop who is known already.
    """
    numbers, by_network = settings(), None
    if whose == STRANGERS:
        name = f"password:network:{network_of(network)}"
        by_network = throttle(Limit(name, numbers.SIGN_IN_TRIES_PER_NETWORK, QUARTER))
    try:
        name = f"password:account:{account}:{whose}"
        by_account = throttle(Limit(name, numbers.SIGN_IN_TRIES_PER_ACCOUNT, QUARTER))
    except TooManyRequests:
        PasswordTry(None, by_network).forgive()  # Nothing was tried: what others share is not spent.
        raise
    return PasswordTry(by_account, by_network)


def refuse_spent(*limits: Limit) -> "dict[Limit, Left]":
    """Raise the refusal of a budget that is spent: a look, so that what is refused is counted nowhere.

    Returns what is left of each that has a limit.
    """
    found = look(*limits)
    _refuse([(limit, budget.resets_at) for limit, budget in found.items() if not budget.left])
    return found


@dataclass(frozen=True)
class Left:
    """How many uses are left of a budget, and when it is whole again."""

    left: int
    resets_at: datetime


def look(*limits: Limit) -> dict[Limit, Left]:
    """Return what is left of each budget that has a limit."""
    now, limited = clock.now(), {limit.key: limit for limit in limits if limit.capacity}
    found = {limit: Left(limit.capacity, now) for limit in limited.values()}
    for row in database.execute(_LOOK, {"keys": list(limited)}):
        if row.resets_at > now:
            limit = limited[row.key]
            found[limit] = Left(max(0, limit.capacity - row.used), row.resets_at)
    return found


def spend(*limits: Limit) -> dict[Limit, Left]:
    """Count one use of each that has a limit, in one statement of the caller's transaction; return what is left.

    Raises the refusal of one that was spent; the caller's transaction must then not commit, and so none is counted.
    """
    now = clock.now()
    counted = {limit.key: limit for limit in limits if limit.capacity}
    if not counted:
        return {}
    fresh = [
        {"key": key, "used": 1, "used_at": now, "resets_at": now + timedelta(seconds=limit.seconds)}
        for key, limit in sorted(counted.items())  # In one order, so that two of these never wait for each other.
    ]
    rows = [(row.key, row.used, row.resets_at) for row in database.execute(_count(dialect()), fresh)]
    _refuse([(counted[key], at) for key, used, at in rows if used > counted[key].capacity])
    return {counted[key]: Left(counted[key].capacity - used, at) for key, used, at in rows}


@lru_cache
def _count(dialect: str) -> Any:
    """Return the statement that counts one use of many budgets, each from one on again where its time is over."""
    column, insert = table(Budget).c, upsert(Budget, dialect)
    over = column.resets_at <= insert.excluded.used_at
    return insert.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "used": case((over, 1), else_=column.used + 1),
            "used_at": insert.excluded.used_at,
            "resets_at": case((over, insert.excluded.resets_at), else_=column.resets_at),
        },
    ).returning(column.key, column.used, column.resets_at)


def give_back_one(*limits: Limit) -> None:
    """Take back one use of each budget: what it was counted for turned out to cost nothing."""
    keys = sorted(limit.key for limit in limits if limit.capacity)
    if keys:
        database.execute(_GIVE_BACK_ONE, {"keys": keys})


def give_back(limit: Limit) -> None:
    """Forget what was counted of a budget: what it was spent on did not happen."""
    db.session.execute(delete(Budget).where(Budget.key == limit.key))


def resets_at(limit: Limit) -> datetime | None:
    """Return when a spent budget is whole again, or None if there is something left of it."""
    values = {"its_key": limit.key, "capacity": limit.capacity, "now": clock.now()}
    found: datetime | None = database.execute(_SPENT, values).scalar()
    return found


def throttle(limit: Limit) -> str | None:
    """Count one use in the cache; return the counter's key, or None where there is no limit.

    Raises TooManyRequests beyond the capacity, CacheDown rather than not counting.
    """
    if not limit.capacity:
        return None
    now = clock.now().timestamp()
    key = f"throttle:{limit.key}:{int(now // limit.seconds)}"
    count = _count_in_cache(key, limit.seconds)
    if count is None or count > limit.capacity:
        raise TooManyRequests(limit.seconds - now % limit.seconds)
    return key


def _count_in_cache(key: str, seconds: int) -> int | None:
    """Add one to a counter, and return the sum; None if it vanished each time: refuse rather than guess.

    A right password deletes the counter of its account, maybe between the two calls of another sign-in.
    """
    for _ in range(COUNT_ATTEMPTS):
        count = 1 if cache.add(key, 1, seconds) else cache.incr(key)
        if count is not None:
            return count
    return None


def _refuse(spent: list[tuple[Limit, datetime]]) -> None:
    """Raise the refusal of the budget that is spent for longest, if there is one."""
    if spent:
        limit, at = max(spent, key=lambda pair: pair[1])
        raise limit.refusal((at - clock.now()).total_seconds())
