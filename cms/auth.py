"""/cms/login/, /cms/logout/, /cms/reauth/ and the start page."""

from functools import partial

from flask import Blueprint, after_this_request, g, redirect, render_template, request, session, url_for
from flask_babel import gettext, ngettext

from accounts import pending_state, people
from accounts.flows import sign_in
from accounts.sessions import Ending
from cms import guard, headers
from cms.answers import Answer, checked, done, reauth_page
from cms.guard import open_to_all, own_path
from forms import LoginForm, ReauthForm
from models import Address

bp = Blueprint("auth", __name__, url_prefix="/cms")


@bp.get("/")
def home() -> str:
    """Show the start page, with the state of a change of address."""
    change = pending_state.load(g.cms_user, g.session, guard.origin()).pending
    return render_template("cms/home.html", change=change, frozen_until=people.frozen_until(g.cms_user))


@bp.get("/login/")
@open_to_all
def login() -> Answer | str:
    """Show the sign-in page, with the reason why a session ended. Redirects if already signed in."""
    if guard.is_signed_in():
        return redirect(_next(request.args.get("next")))
    filled = {"email": guard.pop_remembered_address(), "next": own_path(request.args.get("next")) or ""}
    return _login_page(LoginForm(data=filled), guard.pop_session_ending())


@bp.post("/login/")
@open_to_all
def login_post() -> Answer:
    """Sign in; an existing session of this browser ends."""
    form = checked(LoginForm(request.form), _login_page)
    address, password, remember = Address.of(str(form.email.data)), str(form.password.data), bool(form.remember.data)
    if guard.is_signed_in():
        sign_in.sign_out(guard.actor())
    mark, origin = guard.browser_mark(), guard.origin()
    signed_in = sign_in.sign_in(address=address, password=password, remember=remember, browser_mark=mark, origin=origin)
    guard.start_session(signed_in.sid, remember=remember)
    after_this_request(partial(guard.keep_browser_mark, signed_in.browser_mark))
    to = _next(form.next.data)
    return done("", to, next=to)


@bp.post("/logout/")
def logout() -> Answer:
    """Sign out: end the session on the server, clear the cookie, and have the browser clear its cache."""
    sign_in.sign_out(guard.actor())
    session.clear()
    after_this_request(headers.clear_site_data)
    to = url_for("auth.login")
    return done(gettext("You have signed out."), to, next=to)


@bp.get("/reauth/")
def reauth() -> str:
    """Show the page that asks for the password again."""
    return reauth_page(ReauthForm(data={"next": own_path(request.args.get("next")) or ""}))


@bp.post("/reauth/")
def reauth_post() -> Answer:
    """Confirm the password, and continue where it was requested."""
    form = checked(ReauthForm(request.form), reauth_page)
    session["sid"] = sign_in.prove(guard.actor(), str(form.password.data))
    if resume := own_path(form.resume.data):
        return redirect(resume, 307)  # The browser resubmits the interrupted form.
    to = _next(form.next.data)
    return done("", to, next=to)


def _next(path: str | None) -> str:
    return own_path(path) or url_for("auth.home")


def _login_page(form: LoginForm, ending: Ending | None = None) -> str:
    return render_template("cms/login.html", form=form, ending=_ending_sentence(ending) if ending else "")


def _ending_sentence(ending: Ending) -> str:
    """Return the sentence that says why a session ended."""
    if ending.reason == "idle":
        span = _format_duration(ending.seconds)
        return str(gettext("You were signed out after %(span)s of inactivity.", span=span))
    if ending.reason == "age":
        span = _format_duration(ending.seconds)
        return str(gettext("You were signed out because a session lasts at most %(span)s.", span=span))
    return str(
        gettext(
            "Your session has ended. It may have been ended from another browser or by an administrator, "
            "your password or email address may have been changed, or you may have been inactive for too long."
        )
    )


def _format_duration(seconds: int) -> str:
    """Return a duration in the largest exact unit: "1 hour", "90 minutes", "14 days"."""
    if seconds % 60:
        return str(ngettext("%(num)d second", "%(num)d seconds", seconds))
    if seconds % 3600:
        return str(ngettext("%(num)d minute", "%(num)d minutes", seconds // 60))
    if seconds % 86400:
        return str(ngettext("%(num)d hour", "%(num)d hours", seconds // 3600))
    return str(ngettext("%(num)d day", "%(num)d days", seconds // 86400))
