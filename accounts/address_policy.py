"""Whether administrators may change their address (EMAIL_POLICY), and to which domains (EMAIL_DOMAINS)."""

import idna

from accounts import hosts
from accounts.errors import ChangesOff, DomainNotAllowed
from accounts.settings import Policy, settings
from models import Address, CMSUser


def policy_of(user: CMSUser) -> Policy:
    """Return whose code a change of this address requires: that of the `new` address or of `both`; or `off`."""
    return settings().EMAIL_POLICY[user.role]


def refuse_off(user: CMSUser) -> None:
    """Raise ChangesOff if the addresses of this role are managed elsewhere, for example in a directory."""
    if policy_of(user) == "off":
        raise ChangesOff


def refuse_domain(address: Address) -> None:
    """Raise DomainNotAllowed if new addresses at this domain are not allowed."""
    allowed = settings().EMAIL_DOMAINS
    if allowed and not hosts.is_served(address.key.rpartition("@")[2], allowed):
        raise DomainNotAllowed(list_domains())


def list_domains() -> list[str]:
    """Return the domains that new addresses may have, as people read them; none if every domain is allowed."""
    return [shown for domain in settings().EMAIL_DOMAINS for shown in _as_shown(domain)]


def _as_shown(domain: str) -> list[str]:
    """Return an allowed domain as people read it; `.example.com` are two: example.com and its subdomains."""
    name = domain.removeprefix(".")
    readable = idna.decode(name) if "xn--" in name else name
    return [readable, f"*.{readable}"] if domain.startswith(".") else [readable]
