"""The check of the cache: its six operations, and where its servers are."""

import secrets
from typing import Any

import cache
from accounts import clock
from accounts.operations.doctor.check import Result, conclude, fail, warn
from accounts.operations.doctor.network import FURTHEST, network_of

CLOCK_SECONDS = 3  # memcached reads its clock once a second, and tells whole seconds. Values expire without it.


def check_cache() -> Result:
    """Check that the cache counts, and that memcached, which has neither TLS nor a password, is not on the internet."""
    servers = cache.list_servers()
    if silent := [each.address for each in servers if each.unix_time is None]:
        return conclude("", [fail(f"no response from {', '.join(silent)}")], server="memcached", servers=len(servers))
    found, expected = _use(), [True, False, 2, 2, "text", True, False, None]
    problems = [] if found == expected else [fail(f"returned {found} instead of {expected}")]
    if not servers:
        return conclude("the embedded store", problems, server="embedded")
    network = max((network_of(each.host) for each in servers), key=FURTHEST.index)
    if network == "a public network":
        problems.append(warn("memcached has neither encryption nor a password: use a private network"))
    offsets = [round(clock.now().timestamp() - each.unix_time) for each in servers if each.unix_time is not None]
    if abs(furthest := max(offsets, key=abs, default=0)) > CLOCK_SECONDS:
        problems.append(warn(f"the clock of this machine is {furthest:+d} s off: synchronise both with NTP"))
    where = "local" if network == "this machine" else f"not encrypted, in {network}"
    data: dict[str, Any] = {"servers": len(servers), "network": network, "offset_seconds": offsets}
    return conclude(f"memcached, {where}", problems, server="memcached", **data)


def _use() -> list[object]:
    """Return what the operations return for a new key."""
    key = f"doctor:{secrets.token_hex(8)}"
    found: list[object] = [cache.add(key, 1, 60), cache.add(key, 1, 60), cache.incr(key), cache.get(key)]
    cache.set(key, "text", 60)
    return [*found, cache.get(key), cache.delete(key), cache.delete(key), cache.get(key)]
