"""Rate limits: budgets, which are counted in SQL, and throttles, which are counted in the cache."""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from sqlalchemy import Select, TextualSelect, bindparam, delete, false, or_, select, text, update

import cache
from accounts import clock, database
from accounts.errors import TooManyAttempts, TooManyRequests, WaitFirst
from accounts.settings import settings
from cache import CacheDown
from models import Address, Budget, db, table
from telemetry import metrics

# Statements of every request are built once: building one costs more than running it.
_ROW = table(Budget).c
SPENT_UNTIL = (
    select(_ROW.resets_at)
    .where(_ROW.key == bindparam("budget"), _ROW.used >= bindparam("capacity"))
    .where(_ROW.resets_at > bindparam("now"))
)
"""When a budget is reset, if it is spent; a statement may have it as a scalar subquery. See `parameters`."""
_UNCOUNT = (
    update(table(Budget))
    .where(_ROW.key.in_(bindparam("keys", expanding=True)), _ROW.used > 0)
    .values(used=_ROW.used - 1)
)
COUNT_ATTEMPTS = 5
QUARTER, HOUR, DAY = 900, 3600, 86400


class Limit(NamedTuple):
    """A number of uses within a number of seconds; a capacity of 0 means no limit.

    The seconds of a budget begin with its first use, those of a throttle with multiples of them on the clock.
    """

    name: str
    capacity: int
    seconds: int
    refusal: type[WaitFirst] = TooManyRequests

    @property
    def kind(self) -> str:
        """Return what is limited, without the address, account or network: `sends:user`, `password:network`."""
        return ":".join(self.name.split(":")[:2])

    @property
    def key(self) -> str:
        """Return the key of the counter: a hash, so that the counters contain no addresses."""
        return sha256(self.name.encode()).hexdigest()


def network_of(address: str) -> str:
    """Return the network of one subscriber: an IPv4 address, also if mapped to IPv6, or the /64 of an IPv6 one."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 6 and ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ip) if ip.version == 4 else str(ip_network((ip, 64), strict=False))


def resend(user_id: int) -> Limit:
    """Return the budget that makes an administrator wait between two requests for a code."""
    seconds = settings().CAPTCHA_RESEND_SECONDS
    return Limit(f"resend:user:{user_id}", 1 if seconds else 0, seconds)


def tries_of_user(user_id: int) -> Limit:
    """Return how many codes an administrator may try in a day, correct or not."""
    return Limit(f"tries:user:{user_id}", settings().CAPTCHA_TRIES_PER_DAY, DAY, TooManyAttempts)


def tries_of_address(address: Address) -> Limit:
    """Return how many codes all administrators together may try in a day for one new address."""
    capacity = settings().CAPTCHA_TRIES_PER_ADDRESS_PER_DAY
    return Limit(f"tries:address:{address.key}", capacity, DAY, TooManyAttempts)


def tries(user_id: int, address: Address) -> tuple[Limit, Limit]:
    """Return the budgets that a try of a code is counted in: the administrator's and the new address's, for a day."""
    return tries_of_user(user_id), tries_of_address(address)


def sends(user_id: int, address: Address, network: str) -> list[Limit]:
    """Return the budgets that a request for a code is counted in."""
    numbers = settings()
    return [
        resend(user_id),
        Limit(f"sends:user:{user_id}", numbers.CAPTCHA_SENDS_PER_HOUR, HOUR),
        Limit(f"sends:address:{address.key}", numbers.CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR, HOUR),
        Limit(f"sends:address:{address.key}:day", numbers.CAPTCHA_SENDS_PER_ADDRESS_PER_DAY, DAY),
        Limit(f"sends:network:{network_of(network)}", numbers.CAPTCHA_SENDS_PER_NETWORK_PER_HOUR, HOUR),
    ]


UNKNOWN_BROWSERS, KNOWN_BROWSERS = "unknown browsers", "known browsers"


@dataclass(frozen=True)
class PasswordTry:
    """A try of a password that was counted before the password was checked, with the keys of its counters."""

    account: str | None
    network: str | None

    def uncount(self) -> None:
        """Take the try back because the password was correct. Does nothing if the cache is down."""
        with contextlib.suppress(CacheDown):
            if self.account is not None:
                cache.delete(self.account)
            if self.network is not None:
                cache.decr(self.network)


def count_password_try(address: Address, client: str, network: str) -> PasswordTry:
    """Count a try of a password before the password is checked. Raises TooManyRequests, CacheDown.

    `client` separates tries that must not lock each other out: those of unknown browsers, of known browsers, and of
    each session. Only unknown browsers are also counted by network, so that a shared network does not affect others.
    """
    numbers, by_network = settings(), None
    if client == UNKNOWN_BROWSERS:
        name = f"password:network:{network_of(network)}"
        by_network = throttle(Limit(name, numbers.SIGN_IN_TRIES_PER_NETWORK, QUARTER))
    try:
        name = f"password:account:{address.key}:{client}"
        by_account = throttle(Limit(name, numbers.SIGN_IN_TRIES_PER_ACCOUNT, QUARTER))
    except TooManyRequests:
        PasswordTry(None, by_network).uncount()  # The password was not checked, so the network's try is not used.
        raise
    return PasswordTry(by_account, by_network)


def refuse_spent(*limits: Limit) -> "dict[Limit, Left]":
    """Raise the refusal of a budget that is spent, without counting a use; otherwise return what is left of each."""
    found = read(*limits)
    _refuse([(limit, budget.resets_at) for limit, budget in found.items() if not budget.left])
    return found


@dataclass(frozen=True)
class Left:
    """How many uses of a budget are left, and when it is reset."""

    left: int
    resets_at: datetime


def read(*limits: Limit) -> dict[Limit, Left]:
    """Return what is left of each budget that has a limit."""
    now, limited = clock.now(), {limit.key: limit for limit in limits if limit.capacity}
    found = {limit: Left(limit.capacity, now) for limit in limited.values()}
    keys = {f"key_{number}": key for number, key in enumerate(limited)}
    for row in database.execute(_read(len(keys)), keys):
        if row.resets_at > now:
            limit = limited[row.key]
            found[limit] = Left(max(0, limit.capacity - row.used), row.resets_at)
    return found


@lru_cache
def _read(number: int) -> Select[Any]:
    """Return the statement that reads this number of budgets; an IN of any number is rendered anew every time."""
    return select(_ROW.key, _ROW.used, _ROW.resets_at).where(
        or_(false(), *(_ROW.key == bindparam(f"key_{each}") for each in range(number)))
    )


def spend(*limits: Limit) -> dict[Limit, Left]:
    """Count one use of each budget that has a limit, in one statement, and return what is left.

    Raises the refusal of a budget that was spent; the caller's transaction must then not commit, so none is counted.
    """
    now = clock.now()
    counted = {limit.key: limit for limit in limits if limit.capacity}
    if not counted:
        return {}
    values: dict[str, Any] = {"now": now}
    for number, key in enumerate(sorted(counted)):  # In one order, so that two transactions never deadlock.
        values[f"key_{number}"], values[f"end_{number}"] = key, now + timedelta(seconds=counted[key].seconds)
    rows = [(row.key, row.used, row.resets_at) for row in database.execute(_count(len(counted)), values)]
    _refuse([(counted[key], at) for key, used, at in rows if used > counted[key].capacity])
    return {counted[key]: Left(counted[key].capacity - used, at) for key, used, at in rows}


@lru_cache
def _count(number: int) -> TextualSelect:
    """Return the statement that counts one use of this number of budgets; a budget whose time is over starts again."""
    rows = ", ".join(f"(:key_{each}, 1, :now, :end_{each})" for each in range(number))
    statement = text(
        f"""INSERT INTO budget (key, used, used_at, resets_at) VALUES {rows} ON CONFLICT (key) DO UPDATE SET
            used = CASE WHEN budget.resets_at <= excluded.used_at THEN 1 ELSE budget.used + 1 END,
            used_at = excluded.used_at,
            resets_at = CASE WHEN budget.resets_at <= excluded.used_at THEN excluded.resets_at ELSE budget.resets_at END
            RETURNING key, used, resets_at"""  # noqa: S608 (The rows are parameters.)
    )
    moments = (
        bindparam(name, type_=_ROW.resets_at.type) for name in ("now", *(f"end_{each}" for each in range(number)))
    )
    keys = (bindparam(f"key_{each}", type_=_ROW.key.type) for each in range(number))
    return statement.bindparams(*moments, *keys).columns(_ROW.key, _ROW.used, _ROW.resets_at)


def uncount(*limits: Limit) -> None:
    """Take back one use of each budget."""
    keys = sorted(limit.key for limit in limits if limit.capacity)
    if keys:
        database.execute(_UNCOUNT, {"keys": keys})


def reset(limit: Limit) -> None:
    """Reset a budget: nothing of it is spent any more."""
    db.session.execute(delete(Budget).where(Budget.key == limit.key))


def resets_at(limit: Limit) -> datetime | None:
    """Return when a spent budget is reset, or None if it is not spent."""
    found: datetime | None = database.execute(SPENT_UNTIL, parameters(limit)).scalar()
    return found


def parameters(limit: Limit) -> dict[str, Any]:
    """Return the parameters of `SPENT_UNTIL`."""
    return {"budget": limit.key, "capacity": limit.capacity, "now": clock.now()}


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
        metrics.BUDGETS_SPENT.add(limit.kind)
        raise TooManyRequests(limit.seconds - now % limit.seconds)
    return key


def _count_in_cache(key: str, seconds: int) -> int | None:
    """Add one to a counter and return the sum, or None if the counter disappeared at every attempt.

    A correct password deletes the counter of its account, possibly between the two calls of another sign-in.
    """
    for _ in range(COUNT_ATTEMPTS):
        count = 1 if cache.add(key, 1, seconds) else cache.incr(key)
        if count is not None:
            return count
    return None


def _refuse(spent: list[tuple[Limit, datetime]]) -> None:
    """Raise the refusal of the budget that is reset last, if any is spent."""
    if spent:
        limit, at = max(spent, key=lambda pair: pair[1])
        metrics.BUDGETS_SPENT.add(limit.kind)
        raise limit.refusal((at - clock.now()).total_seconds())
