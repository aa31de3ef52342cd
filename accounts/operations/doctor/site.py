"""The checks of the site: its certificate, the path below which it is served, and the hosts that it serves."""

import contextlib
import re
import socket
import ssl
from urllib.parse import urlsplit

from accounts import hosts
from accounts.mail import urls
from accounts.operations.doctor.check import Problem, Result, conclude, describe, fail, quote_foreign, skip, warn
from accounts.operations.doctor.network import Certificate, describe_refusal, name_address
from accounts.settings import settings

LARGEST_HEADERS = 16384  # Bytes.
CONNECT_SECONDS = 3.0  # For one address; the check as a whole has a time-out, too.


def check_site() -> Result:
    """Check the certificate of SITE_URL, and that its pages are there, if it can be reached from here."""
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
            answer = _ask_for_start_page(tls)
    except ssl.SSLCertVerificationError as problem:
        return conclude("", [describe_refusal(problem)], host=name)
    except OSError as problem:
        return skip(f"{name} cannot be reached from this machine: {describe(problem)}", host=name)
    problems = [problem for problem in (certificate.problem, _find_problem_of_path(answer)) if problem]
    return conclude(f"{name}, {certificate.fact}", problems, host=name, **certificate.data)


def _ask_for_start_page(tls: ssl.SSLSocket) -> str:
    """Return the status line and the headers of the response to a request for the start page, or what was received."""
    page = urlsplit(urls.url_of(settings().SITE_URL, "cms_auth.home"))
    host = page.netloc.rpartition("@")[2]
    tls.sendall(f"GET {page.path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
    received = b""
    while b"\r\n\r\n" not in received and len(received) < LARGEST_HEADERS and (more := tls.recv(4096)):
        received += more
    return received.partition(b"\r\n\r\n")[0].decode("latin-1")


def _find_problem_of_path(answer: str) -> Problem | None:
    """Return why links in mails do not lead to the pages: a visitor must be sent from the start page to the sign-in."""
    if not (found := re.match(r"HTTP/1\.[01] (\d{3})", answer)):
        return warn("SITE_URL does not answer with HTTP")
    location = re.search(r"^location:\s*(\S+)", answer, re.IGNORECASE | re.MULTILINE)
    path, own = urlsplit(location[1]).path if location else "", urls.url_of("", "cms_auth.login")
    expected = urlsplit(settings().SITE_URL).path
    if path == expected + own or found[1] >= "500":  # A node that is stopped is not reported here.
        return None
    if path.endswith(own):
        served = quote_foreign(path.removesuffix(own)) or "/"
        return fail(
            f"the pages are served below {served}, not {expected or '/'}: set X-Forwarded-Prefix in the web server"
        )
    return fail(f"SITE_URL does not lead to the account centre: its start page answers {found[1]}")


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
