"""/cms/login/, /cms/logout/, /cms/reauth/ and the start page."""

from functools import partial

from flask import Blueprint, after_this_request, g, redirect, render_template, request, session, url_for
from flask_babel import gettext

from accounts import pending, sign_in
from cms import guard
from cms.answers import Answer, checked, done, reauth_page
from cms.guard import open_to_all, own_path
from forms import LoginForm, ReauthForm

bp = Blueprint("auth", __name__, url_prefix="/cms")


@bp.get("/")
def home() -> str:
    """Show the start page, with what is going on with the address."""
    change = pending.of(g.cms_user, g.session, guard.where())
    return render_template("cms/home.html", change=change, frozen_until=pending.frozen_until(g.cms_user))


@bp.get("/login/")
@open_to_all
def login() -> Answer | str:
    """Show the sign-in page; who is signed in has no use for it."""
    if guard.signed_in():
        return redirect(_next(request.args.get("next")))
    return _login_page(LoginForm(data={"next": own_path(request.args.get("next")) or ""}))


@bp.post("/login/")
@open_to_all
def login_post() -> Answer:
    """Sign somebody in; a session that this browser had ends."""
    form = checked(LoginForm(request.form), _login_page)
    email, password, remember = str(form.email.data), str(form.password.data), bool(form.remember.data)
    if guard.signed_in():
        sign_in.sign_out(guard.actor(), guard.where())
    mark = guard.browser_mark()
    signed_in = sign_in.sign_in(
        email=email, password=password, remember=remember, browser_mark=mark, where=guard.where()
    )
    guard.welcome(signed_in.sid, remember=remember)
    after_this_request(partial(guard.keep_browser_mark, signed_in.browser_mark))
    to = _next(form.next.data)
    return done("", to, next=to)


@bp.post("/logout/")
def logout() -> Answer:
    """Sign out: the session ends at the server, the cookie is emptied."""
    sign_in.sign_out(guard.actor(), guard.where())
    session.clear()
    to = url_for("auth.login")
    return done(gettext("You are signed out."), to, next=to)


@bp.get("/reauth/")
def reauth() -> str:
    """Show the page that asks for the password once more."""
    return reauth_page(ReauthForm(data={"next": own_path(request.args.get("next")) or ""}))


@bp.post("/reauth/")
def reauth_post() -> Answer:
    """Take the password as proof for the next minutes, and go on where it was asked for."""
    form = checked(ReauthForm(request.form), reauth_page)
    session["sid"] = sign_in.prove(guard.actor(), str(form.password.data), guard.where())
    if resume := own_path(form.resume.data):
        return redirect(resume, 307)  # The browser sends the interrupted form once more, with all that it held.
    to = _next(form.next.data)
    return done("", to, next=to)


def _next(path: str | None) -> str:
    return own_path(path) or url_for("auth.home")


def _login_page(form: LoginForm) -> str:
    return render_template("cms/login.html", form=form)
