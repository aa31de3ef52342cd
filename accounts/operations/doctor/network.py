"""Where a server is, and how long its certificate is valid."""

import contextlib
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from accounts import clock
from accounts.operations.doctor.check import Problem, fail, warn

Network = Literal["this machine", "a private network", "a public network"]
FURTHEST: tuple[Network, ...] = ("this machine", "a private network", "a public network")
EXPIRY_WARNING = timedelta(days=14)


def network_of(host: str) -> Network:
    """Return which network a connection to this host uses; a path is a socket. Raises OSError for an unknown name."""
    if not host or host.startswith(("/", "@")):
        return "this machine"
    found = {_network_of_address(str(each[4][0])) for each in socket.getaddrinfo(host, None)}
    return max(found, key=FURTHEST.index)


def _network_of_address(address: str) -> Network:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_loopback:
        return "this machine"
    return "a public network" if ip.is_global else "a private network"


def name_address(host: str, port: int) -> str:
    """Return host and port as in a URL."""
    with contextlib.suppress(ValueError):
        host = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    return f"{host}:{port}"


class Certificate:
    """The verified certificate of a connection."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        """Read the certificate of an open connection."""
        found: dict[str, Any] = tls.getpeercert() or {}
        self.version = str(tls.version())
        self.starts_at, self.ends_at = (_read_time(found[name]) for name in ("notBefore", "notAfter"))

    @property
    def days(self) -> float:
        """Return for how many days it is still valid."""
        return round((self.ends_at - clock.now()) / timedelta(days=1), 1)

    @property
    def fact(self) -> str:
        """Return until when it is valid."""
        return f"{self.version}, certificate valid until {self.ends_at:%Y-%m-%d} ({self.days:.0f} days)"

    @property
    def problem(self) -> Problem | None:
        """Return that it expires soon: within 14 days, or in the last third of a shorter life."""
        left = self.ends_at - clock.now()
        soon = min(EXPIRY_WARNING, (self.ends_at - self.starts_at) / 3)
        return warn("its certificate expires soon: renew it") if left < soon else None

    @property
    def data(self) -> dict[str, Any]:
        """Return the values for programs."""
        return {"tls": self.version, "certificate_until": self.ends_at.isoformat(), "certificate_days": self.days}


NOT_TRUSTED_BY_ANYBODY = {10, 62, 64}  # X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH


def describe_refusal(problem: ssl.SSLCertVerificationError) -> Problem:
    """Return why a certificate was not accepted. An unknown issuer may be known to browsers."""
    sentence = f"its certificate is not valid: {problem.verify_message or problem.reason}"
    return fail(sentence) if problem.verify_code in NOT_TRUSTED_BY_ANYBODY else warn(sentence)


def _read_time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
