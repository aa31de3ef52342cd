"""Authentication, permissions and CSRF, checked before every view."""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, after_this_request, current_app, g, request, session
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.exceptions import BadRequest, Forbidden, RequestEntityTooLarge, SecurityError, UnsupportedMediaType

from accounts import hosts, pending, sessions, time_zones
from accounts.errors import SecondFactorRequired, SignInExpired, SignInRequired
from accounts.factors import policy
from accounts.factors.proofs import Entered
from accounts.flows import factor_policy, reauthentication, sign_in
from accounts.origin import Origin
from accounts.settings import settings
from accounts.unit_of_work import Actor
from cms import permissions
from forms import FactorForm, PasskeyForm
from models import CMSUser
from telemetry import context

SAFE = ("GET", "HEAD", "OPTIONS")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LONGEST_TARGET = 2000  # Of a page to continue with, in characters; forms.py has the same limit.
View = TypeVar("View", bound=Callable[..., Any])
csrf = CSRFProtect()


class Visitor(NamedTuple):
    """What pages show of the signed-in administrator: plain values, so that rendering never queries the database."""

    username: str
    permissions: frozenset[str]
    language: str | None


class ForeignSite(Forbidden):
    """The request was sent from another site."""


def init_app(app: Flask) -> None:
    """Check every request; templates use `{% if g.cms_user is cms_permitted("administrators") %}`."""
    csrf.init_app(app)
    app.context_processor(lambda: {"csrf_token": csrf_token})
    app.add_template_global(csrf_token)
    app.before_request(check)
    permissions.init_app(app)
    app.add_template_test(permissions.has, "cms_permitted")
    app.add_template_global(time_zone_cookie, "cms_time_zone_cookie")


def csrf_token() -> str:
    """Return the CSRF token of the forms on a page; it is signed once per request."""
    return str(g.get("csrf_token") or generate_csrf())


def open_to_all(view: View) -> View:
    """Mark a view as public; all others require a signed-in administrator."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def open_to_set_up(view: View) -> View:
    """Mark a view that administrators may use who must set up a second factor before they use anything else."""
    view.open_to_set_up = True  # type: ignore[attr-defined]
    return view


def reads_last_change(view: View) -> View:
    """Mark a view that reads `g.last_change`, the last change of the address, which is found with the session."""
    view.reads_last_change = True  # type: ignore[attr-defined]
    return view


def permission_required(permission: str) -> Callable[[View], View]:
    """Mark views for some roles only, whose POST requests require a recently confirmed password.

    The permission is one of models.PERMISSIONS, or was added with cms/permissions.py. No role has an unknown one.
    """

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def check() -> None:
    """Check a request before its view, and set `g.cms_user` and `g.session` if somebody is signed in.

    Raises SecurityError for a host that is not served, RequestEntityTooLarge, SignInRequired, and Forbidden without the
    permission of the view. For unsafe methods also ForeignSite, UnsupportedMediaType for anything but a form, and
    CSRFError without the token of the session.
    """
    _require_served_host()
    _limit_body()
    view = _view()
    if view is None:
        return
    is_closed = not getattr(view, "open_to_all", False)
    if request.method not in SAFE:
        _refuse_foreign_site()
    if is_closed and not is_signed_in():
        raise SignInRequired
    if is_closed:
        _apply_factor_policy(is_open=getattr(view, "open_to_set_up", False))
    permission = getattr(view, "permission", None)
    if permission and not permissions.has(g.cms_user, permission):
        raise Forbidden
    if request.method not in SAFE:
        if (request.content_length or request.get_data()) and request.mimetype not in FORMS:
            raise UnsupportedMediaType
        if current_app.config["WTF_CSRF_ENABLED"]:
            csrf.protect()
        if permission:
            reauthentication.require_proof(actor())


def _view() -> Callable[..., Any] | None:
    """Return the view of the request; None: there is no such page."""
    return current_app.view_functions.get(request.endpoint or "")


def is_signed_in() -> bool:
    """Return whether somebody is signed in; loads the session in one query, once per request."""
    if "cms_user" not in g:
        sid = session.get("sid")
        if getattr(_view(), "reads_last_change", False):
            g.cms_user, g.session, g.last_change = (pending.find_with_session(sid) if sid else None) or (None,) * 3
        else:
            g.cms_user, g.session = (sessions.find(sid) if sid else None) or (None, None)
        set_visitor(g.cms_user)
    return g.cms_user is not None


def set_visitor(user: CMSUser | None) -> None:
    """Store what pages show of the signed-in administrator."""
    g.visitor = Visitor(user.username, permissions.list_for(user.role), user.language) if user else None


def pop_session_ending() -> sessions.Ending | None:
    """Return why the session of this browser ended, once; None if it had none.

    The id is taken from a signed cookie: a forged cookie reveals nothing.
    """
    sid = session.pop("sid", None)
    return sessions.find_ending(sid) if sid else None


def remember_address(email: str) -> None:
    """Prefill the sign-in page with this address, once. It is stored in the cookie, not in the URL."""
    session["sign_in_as"] = email


def pop_remembered_address() -> str:
    """Return the address to fill in on the sign-in page, once."""
    return str(session.pop("sign_in_as", ""))


def actor() -> Actor:
    """Return the acting administrator with their session. Raises SignInRequired."""
    if not is_signed_in():
        raise SignInRequired
    return Actor(g.cms_user, g.session, origin())


def start_session(sid: str, *, remember: bool) -> None:
    """Store a new session in the cookie, without any data of the previous visitor."""
    session.clear()
    session.permanent = remember
    session["sid"] = sid


def wait_for_second_step(token: str) -> None:
    """Store a sign-in that waits for a second factor in the cookie. It is no session."""
    session.pop("sid", None)
    session["pending_sign_in"] = token


def has_pending_sign_in() -> bool:
    """Return whether this browser has a token of a sign-in that waits for a second factor, which may have expired."""
    return bool(session.get("pending_sign_in"))


def pending_sign_in() -> str:
    """Return the token of the sign-in that waits for a second factor in this browser. Raises SignInExpired."""
    token = session.get("pending_sign_in")
    if not token:
        raise SignInExpired
    return str(token)


def browser() -> str:
    """Return a random name of this browser, as long as it keeps its cookie; challenges of passkeys are bound to it."""
    csrf_token()
    return f"browser {session['csrf_token']}"


def entered(form: FactorForm | PasskeyForm, owner: str) -> Entered:
    """Return what was entered in a form to prove a second factor; `owner` names who may use the challenge."""
    filled = {name: str(form[name].data or "") for name in ("passkey", "code", "recovery_code") if name in form}
    return Entered(**filled, owner=owner, site_url=origin().site)


def _apply_factor_policy(*, is_open: bool) -> None:
    """Raise SecondFactorRequired if the policy requires a second factor that was not set up in time.

    Views that are `is_open` are permitted. Only refused actions are recorded, because GET requests change nothing.
    """
    g.factor_due_at = policy.due_at(g.cms_user)
    if g.factor_due_at is None:
        return
    factor_policy.begin_grace(actor())
    if not is_open and request.method not in SAFE:
        factor_policy.refuse_overdue(actor())
    g.is_set_up_only = policy.is_overdue(g.cms_user)
    if not is_open and g.is_set_up_only:
        raise SecondFactorRequired


def origin() -> Origin:
    """Return where the request comes from."""
    agent = request.user_agent.string
    zone = time_zones.validate(request.cookies.get(time_zone_cookie(), ""))
    network = (request.remote_addr or "-")[:64]
    return Origin(
        network=network, browser=browser_name(agent), site=site_url(), time_zone=zone, request_id=context.request_id()
    )


def site_url() -> str:
    """Return the URL under which this application is served, or an empty string if it is not known.

    In production the Host header is not trusted: it must not decide where a link in a mail leads.
    """
    site = settings().SITE_URL
    return request.url_root.rstrip("/") if not site and settings().CMS_ENV == "development" else site


def time_zone_cookie() -> str:
    """Return the name of the cookie in which static/js/zltime.js stores the time zone of the browser."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}_time_zone"


MARK_SECONDS = 365 * 86400


def mark_browser(user: CMSUser) -> None:
    """Mark this browser as a known one of the account, beyond the end of its session."""
    after_this_request(partial(keep_browser_mark, sign_in.mark_browser(user)))


def browser_mark() -> str:
    """Return the mark of a browser that has signed in before, or an empty string."""
    return request.cookies.get(_mark_name(), "").encode("ascii", "replace").decode()


def keep_browser_mark(mark: str, response: Response) -> Response:
    """Store the mark in the browser, beyond the end of its session."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(_mark_name(), mark, MARK_SECONDS, httponly=True, samesite="Lax", secure=secure)
    return response


def _mark_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_browser"


BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Version", "Safari"))
SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Macintosh", "Linux")


@lru_cache(maxsize=256)
def browser_name(agent: str) -> str:
    """Return a readable name of the browser, such as "Firefox 131, Windows", and nothing else of the header."""
    system = next((system for system in SYSTEMS if system in agent), "")
    for mark, name in BROWSERS:
        if found := re.search(rf"{mark}[A-Za-z]*/(\d{{1,4}})", agent):
            return f"{name} {found[1]}, {system}".rstrip(", ")
    return re.sub(r"[^A-Za-z0-9 ._-]", "", agent.partition("/")[0])[:40] or "-"


def own_path(target: str | None) -> str | None:
    """Return the path of a page on this site, from a path or an absolute URL; None for any other target.

    Pages of other applications with the same scheme, host and port are pages of this site.
    """
    if not target or len(target) > LONGEST_TARGET:
        return None
    if root := _ROOT.match(target):
        if _compared(root) not in {_compared(_ROOT.match(url)) for url in (site_root(), request.host_url)}:
            return None
        target = target[root.end() :] or "/"
    if not re.fullmatch(r"/[!-~]*", target) or target[1:2] == "/" or "\\" in target:
        return None
    return target


def site_root() -> str:
    """Return scheme, host and port of this site, without a user or path in SITE_URL."""
    site = urlsplit(site_url() or request.host_url)
    return f"{site.scheme}://{site.netloc.rpartition('@')[2]}"


_ROOT = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)


def _compared(root: re.Match[str] | None) -> tuple[str, str, int] | None:
    """Return scheme, host and port in the form in which they are compared (RFC 6454, 4)."""
    if root is None:
        return None
    scheme, host, port = root[1].lower(), root[2].lower(), root[3]
    return scheme, host, int(port or {"http": 80, "https": 443}[scheme])


def _require_served_host() -> None:
    """Raise SecurityError for a host that is not served, for every path.

    In development only this machine is served. Otherwise another site could resolve its own name to 127.0.0.1 and read
    the mailbox of a developer (DNS rebinding).
    """
    names = settings().SERVED_HOSTS or (hosts.LOCAL if settings().CMS_ENV == "development" else ())
    if names and not hosts.is_served(request.host, names):
        raise SecurityError


def _limit_body() -> None:
    """Raise RequestEntityTooLarge for a body that is too large, BadRequest for one with invalid chunks.

    A chunked body has no length. Werkzeug would truncate it at the limit, and parse the beginning as the whole form.
    """
    most = request.max_content_length
    if most is None:
        return
    is_longer: object = (request.content_length or 0) > most
    if "Transfer-Encoding" in request.headers:
        try:
            is_longer = len(request.get_data()) >= most and request.input_stream.read(1)
        except Exception as problem:  # Each server has its own exceptions for invalid chunks.
            raise BadRequest from problem
    if is_longer:
        raise RequestEntityTooLarge


def _refuse_foreign_site() -> None:
    """Refuse requests from another site, by Fetch Metadata or, for older browsers, by Origin."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise ForeignSite
    elif origin is not None and origin.partition("://")[2] != request.host:
        raise ForeignSite
