"""Security headers of every response."""

from flask import Flask, Response, request

from accounts import hosts
from accounts.settings import settings

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)  # data: images are Bootstrap's icons.
# What a response depends on besides its URL: page or JSON, the language, and the session (RFC 9110, 12.5.5).
VARY = ("Accept", "X-Requested-With", "Accept-Language", "Cookie")


def init_app(app: Flask) -> None:
    """Add the headers to every response, including errors."""
    app.after_request(add)


def add(response: Response) -> Response:
    """Add the headers of ASVS 3.4, and prevent the caching of pages (14.3.2)."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)  # cms/mailbox.py sets others.
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    if "Vary" not in headers:  # Static files set their own.
        headers["Vary"] = ", ".join(VARY)
    if settings().CMS_ENV == "production" and request.is_secure:
        subdomains = "; includeSubDomains" if settings().HSTS_SUBDOMAINS else ""
        headers["Strict-Transport-Security"] = f"max-age=31536000{subdomains}"
    return response


def clear_site_data(response: Response) -> Response:
    """Have the browser clear the data of this site (ASVS 14.3.1), which it does over HTTPS only.

    Cookies are not included: that of the session is already cleared, the others belong to the browser (cms/guard.py).
    """
    if request.is_secure or hosts.is_served(request.host, hosts.LOCAL):
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
