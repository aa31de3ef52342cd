"""The checks of the site: its certificate, and the hosts that it serves."""

import contextlib
import socket
import ssl
from urllib.parse import urlsplit

from accounts import hosts
from accounts.operations.doctor.check import Result, conclude, describe, fail, skip
from accounts.operations.doctor.network import Certificate, describe_refusal, name_address
from accounts.settings import settings

CONNECT_SECONDS = 3.0  # For one address; the check as a whole has a time-out, too.


def check_site() -> Result:
    """Check the certificate of SITE_URL, if it can be reached from here."""
    site = urlsplit(settings().SITE_URL)
    if site.scheme != "https" or not site.hostname:
        return skip("SITE_URL is not https")
    address = (site.hostname, site.port or 443)
    name = name_address(*address)
    try:
        with contextlib.ExitStack() as stack:
            plain = stack.enter_context(socket.create_connection(address, CONNECT_SECONDS))
            context = ssl.create_default_context()
            tls = stack.enter_context(context.wrap_socket(plain, server_hostname=site.hostname))
            certificate = Certificate(tls)
    except ssl.SSLCertVerificationError as problem:
        return conclude("", [describe_refusal(problem)], host=name)
    except OSError as problem:
        return skip(f"{name} cannot be reached from this machine: {describe(problem)}", host=name)
    problems = [certificate.problem] if certificate.problem else []
    return conclude(f"{name}, {certificate.fact}", problems, host=name, **certificate.data)


def check_hosts() -> Result:
    """Check that links in mails lead to a host that is served."""
    served, site = settings().SERVED_HOSTS, urlsplit(settings().SITE_URL)
    if not served and settings().CMS_ENV == "production":
        return conclude("", [fail("TRUSTED_HOSTS is not set: every host name is accepted")])
    if served and site.hostname and not hosts.is_served(site.netloc, served):
        host = site.netloc.rpartition("@")[2]
        problem = f"TRUSTED_HOSTS does not contain {host}, the host of SITE_URL: links in mails are answered with 400"
        return conclude("", [fail(problem)])
    return conclude(", ".join(served) or "those of this machine", hosts=served)
