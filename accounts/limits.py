"""How often is too often. Budgets that belong to a person are kept in SQL, fast throttles in the cache."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network

from sqlalchemy import case, select

import cache
from accounts import clock
from accounts.errors import TooManyRequests, WaitFirst
from models import Budget, db, upsert

HOUR, DAY = 3600, 86400


@dataclass(frozen=True)
class Limit:
    """So many uses of something in so many seconds from the first one on; a capacity of 0 is no limit."""

    name: str
    capacity: int
    seconds: int

    @property
    def key(self) -> str:
        """Return the name under which it is counted: no address stands in a table of counters."""
        return sha256(self.name.encode()).hexdigest()


def network_of(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return str(ip) if ip.version == 4 else str(ip_network((ip, 64), strict=False))


def refuse_spent(*limits: Limit) -> None:
    """Raise TooManyRequests if one of the budgets is spent: a look, with which a refusal costs no lock."""
    capacities = {limit.key: limit.capacity for limit in limits if limit.capacity}
    rows = db.session.execute(select(Budget.key, Budget.used, Budget.resets_at).where(Budget.key.in_(capacities)))
    now = clock.now()
    spent = [resets_at for key, used, resets_at in rows if used >= capacities[key] and resets_at > now]
    if spent:
        raise TooManyRequests((max(spent) - now).total_seconds())


def spend(*limits: Limit, refusal: type[WaitFirst] = TooManyRequests) -> None:
    """Count one use of each, in one statement of the caller's transaction.

    Raises `refusal` if one of them was spent; the caller's transaction must then not commit, and so none is counted.
    """
    now = clock.now()
    counted = sorted((limit for limit in limits if limit.capacity), key=lambda limit: limit.key)  # No deadlock.
    if not counted:
        return
    fresh: list[dict[str, object]] = [
        {"key": each.key, "used": 1, "resets_at": now + timedelta(seconds=each.seconds)} for each in counted
    ]
    insert = upsert(Budget).values(fresh)
    over = Budget.resets_at <= now
    count = insert.on_conflict_do_update(
        index_elements=[Budget.key],
        set_={
            "used": case((over, 1), else_=Budget.used + 1),
            "resets_at": case((over, insert.excluded.resets_at), else_=Budget.resets_at),
        },
    ).returning(Budget.key, Budget.used, Budget.resets_at)
    capacities = {limit.key: limit.capacity for limit in counted}
    rows = db.session.execute(count).tuples()
    spent = [resets_at for key, used, resets_at in rows if used > capacities[key]]
    if spent:
        raise refusal((max(spent) - now).total_seconds())


def throttle(limit: Limit) -> None:
    """Count one use in the cache. Raises TooManyRequests beyond the capacity, CacheDown rather than not counting."""
    if not limit.capacity:
        return
    now = clock.now().timestamp()
    key = _window(limit, now)
    count = 1 if cache.add(key, 1, limit.seconds) else cache.incr(key)
    if count is None or count > limit.capacity:  # None: it vanished between the two; refuse rather than guess.
        raise TooManyRequests(limit.seconds - now % limit.seconds)


def forgive(limit: Limit) -> None:
    """Forget what was counted in the cache: the person has shown who they are."""
    cache.delete(_window(limit, clock.now().timestamp()))


def _window(limit: Limit, now: float) -> str:
    return f"throttle:{limit.key}:{int(now // limit.seconds)}"
