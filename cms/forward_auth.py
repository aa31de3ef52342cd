"""/cms/session/: forward authentication. A web server asks here who is signed in before it sends a request to a CMS.

No response has a body or sets a cookie, because a web server uses the status and the headers only.
"""

from typing import get_args
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import Forbidden

from accounts.errors import UNAVAILABLE, SecondFactorRequired, SignInRequired
from accounts.mail import urls
from cms import answers, guard
from cms.guard import own_path
from cms.sentences import ErrorWord
from models import CMSUser, Role

bp = Blueprint("cms_forward_auth", __name__, url_prefix="/cms")
PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
LONGEST_URL = 3000  # Of the sign-in page with `next`, in characters: gunicorn accepts request lines of 4094 bytes.
ROLES: tuple[Role, ...] = get_args(Role)


@bp.get("/session/")
def session() -> Response:
    """Return who is signed in as headers. Raises Forbidden without a role that the web server requires."""
    user: CMSUser = g.cms_user
    if not _has_required_roles(user):
        raise Forbidden
    name = encode(user.username)
    headers = {
        "Remote-User": name,
        "Remote-Name": name,
        "Remote-Email": encode(user.email),
        "Remote-Groups": user.role,
        "X-Account-Id": str(user.id),
        "X-Account-Proved-At": f"{g.session.proved_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return _without_body(204, headers)


def encode(text: str) -> str:
    """Return a text as the value of a header: `%` and what is not printable ASCII is percent-encoded as UTF-8."""
    if text.isascii() and text.isprintable() and "%" not in text:
        return text
    return quote(text, safe=PRINTABLE)


def _has_required_roles(user: CMSUser) -> bool:
    """Return whether an account has the roles in the URL; a superuser may also do what an editor may.

    A misspelt role or parameter is a role that nobody has: web servers turn 400 into 500, and must not admit everybody.
    """
    return all(
        (name == "role" and value in ROLES and value in ("editor", user.role)) or (name, value) == ("redirect", "yes")
        for name, value in request.args.items(multi=True)
    )


@bp.errorhandler(SignInRequired)
def _sign_in_required(_: SignInRequired) -> Response:
    url = _url_of("cms_auth.login", next=_next())
    return _refuse(401, "sign_in_required", _to_page(url if len(url) <= LONGEST_URL else _url_of("cms_auth.login")))


@bp.errorhandler(SecondFactorRequired)
def _second_factor_required(_: SecondFactorRequired) -> Response:
    """Refuse with 403: after 401, the sign-in page would return a signed-in administrator here, again and again."""
    return _refuse(403, "second_factor_required", _to_page(_url_of("cms_security.security")))


@bp.errorhandler(Forbidden)
def _forbidden(_: Forbidden) -> Response:
    return _refuse(403, "forbidden", {})


def _unavailable(problem: Exception) -> Response:
    answers.record_outage(problem)
    return _refuse(503, "unavailable", {"Retry-After": str(answers.UNAVAILABLE_SECONDS)})


for _part in UNAVAILABLE:
    bp.register_error_handler(_part, _unavailable)


def _refuse(status: int, word: ErrorWord, headers: dict[str, str]) -> Response:
    """Return a refusal; if it leads to a page and the web server cannot redirect by itself, a redirect."""
    answers.record_refusal(word)
    redirects = "Location" in headers and request.args.get("redirect") == "yes"
    return _without_body(303 if redirects else status, headers)


def _to_page(url: str) -> dict[str, str]:
    """Return the header that leads to a page of this site, unless the refused request was sent by a script."""
    return {"Location": url} if answers.wants_page() else {}


def _url_of(endpoint: str, **values: str | None) -> str:
    """Return the URL of a page.

    It is absolute, because Traefik would complete a path with the internal address of this server, and has the path of
    SITE_URL, because web servers ask a node directly, without the prefix of the pages.
    """
    site = guard.site_root() + urlsplit(guard.site_url() or request.url_root).path
    return urls.url_of(site, endpoint, **values)


def _next() -> str | None:
    """Return the page to continue with: the refused one, or the one whose form was submitted.

    The web server names the refused one in headers. If a client forges them, only its own sign-in leads elsewhere.
    """
    if request.headers.get("X-Forwarded-Method", "GET") in guard.SAFE:
        return own_path(request.headers.get("X-Forwarded-Uri"))
    return own_path(request.referrer)


def _without_body(status: int, headers: dict[str, str]) -> Response:
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response
