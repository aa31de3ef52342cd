"""/cms/resetpwd/ and /cms/forgotpwd/: set a new password, with the old one or with a mailed link."""

from flask import Blueprint, g, render_template, request, session, url_for
from flask_babel import get_locale, gettext

from accounts.flows import new_password
from accounts.passwords import site_words
from cms import guard
from cms.answers import Answer, checked, done
from cms.guard import open_to_all
from forms import ChangePasswordForm, ForgotPasswordForm, NewPasswordForm
from models import Address, CMSUser

bp = Blueprint("cms_passwords", __name__, url_prefix="/cms")


@bp.get("/resetpwd/")
def reset_password() -> str:
    """Show the form to change the password; an account with a second factor is proved first."""
    new_password.require_factor_proof(guard.actor())
    return _reset_page(ChangePasswordForm())


@bp.post("/resetpwd/")
def reset_password_post() -> Answer:
    """Change the password, with the old one."""
    form = ChangePasswordForm(request.form, forbidden=_forbidden_words(g.cms_user))
    checked(form, _reset_page)
    old, new = str(form.oldpwd.data), str(form.password.data)
    changed = new_password.change(guard.actor(), old=old, new=new)
    session["sid"] = changed.sid
    guard.mark_browser(changed.account)
    return done(gettext("Your password has been changed. All other sessions have ended."), url_for(".reset_password"))


@bp.get("/forgotpwd/")
@open_to_all
def forgot_password() -> str:
    """Show the form to request a link."""
    return _forgot_page(ForgotPasswordForm())


@bp.post("/forgotpwd/")
@open_to_all
def forgot_password_post() -> Answer:
    """Send a link if the administrator exists; the response is the same if not."""
    form = checked(ForgotPasswordForm(request.form), _forgot_page)
    new_password.ask_for_link(Address.of(str(form.email.data)), str(get_locale()), guard.origin())
    message = gettext("If this address belongs to an administrator, we will send a link to it.")
    return done(message, url_for("cms_auth.login"))


@bp.get("/forgotpwd/<token>/")
@open_to_all
def choose_password(token: str) -> str:
    """Show the form to set a new password."""
    return render_template("cms/newpwd.html", form=NewPasswordForm(), email=new_password.preview(token).email)


@bp.post("/forgotpwd/<token>/")
@open_to_all
def choose_password_post(token: str) -> Answer:
    """Set the new password."""
    user = new_password.preview(token)
    email = user.email
    form = NewPasswordForm(request.form, forbidden=_forbidden_words(user))
    checked(form, lambda form: render_template("cms/newpwd.html", form=form, email=email))
    guard.mark_browser(new_password.choose(token, str(form.password.data), guard.origin()))
    session.clear()
    guard.remember_address(email)
    return done(gettext("Your new password has been set. Sign in with it."), url_for("cms_auth.login"))


def _forbidden_words(user: CMSUser) -> tuple[str, ...]:
    """Return the words of which a new password of this administrator must not consist."""
    return (user.username, user.email, *site_words(guard.origin().site))


def _reset_page(form: ChangePasswordForm) -> str:
    return render_template("cms/resetpwd.html", form=form)


def _forgot_page(form: ForgotPasswordForm) -> str:
    return render_template("cms/forgotpwd.html", form=form)
