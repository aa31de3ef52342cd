"""/cms/login/ with its second step, /cms/logout/, /cms/reauth/ and the start page."""

from functools import partial
from typing import Any
from urllib.parse import unquote

from flask import (
    Blueprint,
    after_this_request,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext, ngettext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from accounts import address_policy, pending_state, people
from accounts.errors import SignInExpired
from accounts.factors.enrolment import Enrolment
from accounts.flows import reauthentication, sign_in
from accounts.flows.sign_in import FirstStep, SignedIn
from accounts.sessions import Ending
from cms import guard, headers
from cms.answers import Answer, checked, data, done, reauth_page, wants_page
from cms.guard import open_to_all, open_to_set_up, own_path
from cms.sentences import REFUSALS
from forms import LoginForm, PasskeyLoginForm, ReauthForm, SecondStepForm
from models import Address

bp = Blueprint("cms_auth", __name__, url_prefix="/cms")


@bp.get("/")
def home() -> str:
    """Show the start page, with the state of a change of address."""
    change = pending_state.load(g.cms_user, g.session, guard.origin()).pending
    policy, frozen_until = address_policy.policy_of(g.cms_user), people.frozen_until(g.cms_user)
    return render_template("cms/home.html", change=change, frozen_until=frozen_until, policy=policy)


@bp.get("/login/")
@open_to_all
def login() -> Answer | str:
    """Show the sign-in page, with the reason why a session ended. Redirects if already signed in."""
    if guard.is_signed_in():
        return redirect(_next(request.args.get("next")))
    filled = {"email": guard.pop_remembered_address(), "next": own_path(request.args.get("next")) or ""}
    if request.args.get("expired"):
        return _login_page(LoginForm(data=filled), str(REFUSALS[SignInExpired].sentence))
    ending = guard.pop_session_ending()
    return _login_page(LoginForm(data=filled), _ending_sentence(ending) if ending else "")


@bp.post("/login/")
@open_to_all
def login_post() -> Answer:
    """Sign in; an existing session of this browser ends."""
    form = checked(LoginForm(request.form), _login_page)
    address, password, remember = Address.of(str(form.email.data)), str(form.password.data), bool(form.remember.data)
    if guard.is_signed_in():
        sign_in.sign_out(guard.actor())
    mark, origin = guard.browser_mark(), guard.origin()
    result = sign_in.sign_in(address=address, password=password, remember=remember, browser_mark=mark, origin=origin)
    if isinstance(result, FirstStep):
        guard.wait_for_second_step(result.token)
        to = url_for("cms_auth.second_step", next=own_path(form.next.data))
        return done("", to, next=to)
    return _start_session(result, form.next.data)


@bp.get("/login/passkey/")
@open_to_all
def passkey_options() -> Answer:
    """Return new options for a passkey as JSON, because those on the page expire. Redirects everybody else."""
    if wants_page():
        return redirect(url_for(".login"))
    return data(passkey=_passkey_options())


@bp.post("/login/passkey/")
@open_to_all
def login_with_passkey() -> Answer:
    """Sign in with a passkey alone; an existing session of this browser ends."""
    form = checked(PasskeyLoginForm(request.form), _passkey_page)
    if guard.is_signed_in():
        sign_in.sign_out(guard.actor())
    entered = guard.entered(form, guard.browser())
    signed_in = sign_in.sign_in_with_passkey(entered, remember=bool(form.remember.data), origin=guard.origin())
    return _start_session(signed_in, form.next.data)


@bp.get("/login/second/")
@open_to_all
def second_step() -> Answer | str:
    """Ask for the second factor, or return new options for a passkey as JSON. Raises SignInExpired."""
    if not wants_page():
        return data(passkey=_show_second_step()[1])
    if guard.is_signed_in():
        return redirect(_next(request.args.get("next")))
    if not guard.has_pending_sign_in():
        return redirect(url_for(".login", next=own_path(request.args.get("next"))))
    return _second_page(SecondStepForm(data={"next": own_path(request.args.get("next")) or ""}))


@bp.post("/login/second/")
@open_to_all
def second_step_post() -> Answer:
    """Sign in with the second factor. Redirects if already signed in, as after a form that was submitted twice."""
    if guard.is_signed_in():
        to = _next(request.form.get("next"))
        return done("", to, next=to)
    token = guard.pending_sign_in()
    form = checked(SecondStepForm(request.form), _second_page)
    entered = guard.entered(form, guard.browser())
    return _start_session(sign_in.continue_sign_in(token, entered, guard.origin()), form.next.data)


@bp.post("/login/second/cancel/")
@open_to_all
def give_up_second_step() -> Answer:
    """Give up a sign-in that waits for a second factor, and return to the sign-in page, which keeps the target."""
    to = url_for("cms_auth.login", next=own_path(request.form.get("next")))
    if guard.has_pending_sign_in():
        sign_in.give_up(guard.pending_sign_in(), guard.origin())
        session.clear()
    return done("", to, next=to)


@bp.post("/logout/")
@open_to_set_up
def logout() -> Answer:
    """Sign out: end the session on the server, clear the cookie, and have the browser clear its cache."""
    sign_in.sign_out(guard.actor())
    session.clear()
    after_this_request(headers.clear_site_data)
    to = url_for("cms_auth.login")
    return done(gettext("You have signed out."), to, next=to)


@bp.get("/reauth/")
@open_to_set_up
def reauth() -> Answer | str:
    """Show the page that asks for a proof, or return as JSON which ones are possible."""
    if not wants_page():
        means = reauthentication.list_means(guard.actor())
        return data(methods=means.methods, passkey=means.passkey_options)
    return reauth_page(ReauthForm(data={"next": own_path(request.args.get("next")) or ""}))


@bp.post("/reauth/")
@open_to_set_up
def reauth_post() -> Answer:
    """Prove the administrator again, and continue where it was requested."""
    form = checked(ReauthForm(request.form), reauth_page)
    actor = guard.actor()
    entered = guard.entered(form, reauthentication.owner_of(actor))
    session["sid"] = reauthentication.prove(actor, form.password.data or "", entered)
    if resume := _own_form(form.resume.data):
        return redirect(resume, 307)  # The browser resubmits the interrupted form.
    to = _next(form.next.data)
    return done("", to, next=to)


def _start_session(signed_in: SignedIn, next_path: str | None) -> Answer:
    """Start the session in this browser, mark it as a known one, and continue with a page."""
    guard.start_session(signed_in.sid, remember=signed_in.remember)
    after_this_request(partial(guard.keep_browser_mark, signed_in.browser_mark))
    to = _next(next_path)
    return done("", to, next=to)


def _own_form(path: str | None) -> str | None:
    """Return the path of an interrupted form of this application, or None.

    Nobody else on the same host may get it, because it is submitted again together with the proof.
    """
    path = own_path(path)
    if path is None or not path.startswith(f"{request.script_root}/"):
        return None
    inside = unquote(path.partition("?")[0].removeprefix(request.script_root))
    try:
        current_app.url_map.bind("").match(inside, "POST")
    except (HTTPException, RoutingException):
        return None
    return path if {".", ".."}.isdisjoint(inside.split("/")) else None


def _next(path: str | None) -> str:
    return own_path(path) or url_for("cms_auth.home")


def _login_page(form: LoginForm, sentence: str = "") -> str:
    """Render the sign-in page, with a sentence that says why a session or a sign-in ended."""
    return render_template("cms/login.html", form=form, ending=sentence, passkey_options=_passkey_options())


def _passkey_page(form: PasskeyLoginForm) -> str:
    """Render the sign-in page after a refused passkey, with the sentence and what was chosen."""
    for error in form.passkey.errors:
        flash(str(error), "refused")
    return _login_page(LoginForm(data={"next": own_path(form.next.data) or "", "remember": form.remember.data}))


def _passkey_options() -> dict[str, Any] | None:
    """Return the options with which the browser signs in with any passkey that it has for this site, or None."""
    return sign_in.passkey_options(guard.origin().site, guard.browser())


def _second_page(form: SecondStepForm) -> str:
    """Render the second step. Raises SignInExpired."""
    enrolment, options = _show_second_step()
    if not enrolment.has_app:
        form.without_app()
    return render_template("cms/login_second.html", form=form, enrolment=enrolment, passkey_options=options)


def _show_second_step() -> tuple[Enrolment, dict[str, Any] | None]:
    return sign_in.show_second_step(guard.pending_sign_in(), guard.origin().site, guard.browser())


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
