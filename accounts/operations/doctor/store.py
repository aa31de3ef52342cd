"""The check of the cache: its six operations, and where its servers are."""

import secrets

import cache
from accounts.operations.doctor.check import Result, conclude, fail, warn
from accounts.operations.doctor.network import FURTHEST, network_of


def check_cache() -> Result:
    """Check that the cache counts, and that memcached, which has neither TLS nor a password, is not on the internet."""
    found, expected = _use(), [True, False, 2, 2, "text", True, False, None]
    problems = [] if found == expected else [fail(f"returned {found} instead of {expected}")]
    servers = cache.list_servers()
    if not servers:
        return conclude("the embedded store", problems, server="embedded")
    silent = [each.host for each in servers if each.unix_time is None]
    problems += [fail(f"no response from {host}") for host in silent]
    network = max((network_of(each.host) for each in servers), key=FURTHEST.index)
    if network == "a public network":
        problems.append(warn("memcached has neither encryption nor a password: use a private network"))
    where = "local" if network == "this machine" else f"not encrypted, in {network}"
    return conclude(f"memcached, {where}", problems, server="memcached", servers=len(servers), network=network)


def _use() -> list[object]:
    """Return what the operations return for a new key."""
    key = f"doctor:{secrets.token_hex(8)}"
    found: list[object] = [cache.add(key, 1, 60), cache.add(key, 1, 60), cache.incr(key), cache.get(key)]
    cache.set(key, "text", 60)
    return [*found, cache.get(key), cache.delete(key), cache.delete(key), cache.get(key)]
