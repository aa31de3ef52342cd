"""/cms/forgotpwd/: a link by mail to set a new password."""

from flask import Blueprint, render_template, session, url_for
from flask_babel import gettext

from accounts import password_reset
from cms import guard
from cms.answers import Answer, checked, done
from cms.guard import open_to_all
from forms import ForgotPasswordForm, NewPasswordForm

bp = Blueprint("passwords", __name__, url_prefix="/cms/forgotpwd")


@bp.get("/")
@open_to_all
def forgot_password() -> str:
    """Show where to ask for a link."""
    return _forgot_page(ForgotPasswordForm())


@bp.post("/")
@open_to_all
def forgot_password_post() -> Answer:
    """Mail a link, if there is such an administrator; the answer is the same if there is not."""
    form = checked(ForgotPasswordForm, _forgot_page)
    password_reset.mail_link(str(form.email.data), guard.where())
    message = gettext("If this address belongs to an administrator, a link is on its way to it.")
    return done(message, url_for("auth.login"))


@bp.get("/<token>/")
@open_to_all
def new_password(token: str) -> str:
    """Show where to type the new password."""
    return render_template("cms/newpwd.html", form=NewPasswordForm(), email=password_reset.explained(token))


@bp.post("/<token>/")
@open_to_all
def new_password_post(token: str) -> Answer:
    """Set the new password."""
    email = password_reset.explained(token)
    form = checked(NewPasswordForm, lambda form: render_template("cms/newpwd.html", form=form, email=email))
    password_reset.set_password(token, str(form.password.data), guard.where())
    session.clear()
    return done(gettext("The new password is set. Please sign in with it."), url_for("auth.login"))


def _forgot_page(form: ForgotPasswordForm) -> str:
    return render_template("cms/forgotpwd.html", form=form)
