"""/cms/resetemail/ and /cms/email_captcha/: the page on which an administrator changes their address."""

from typing import Any

from flask import Blueprint, current_app, g, render_template, request, session, url_for
from flask_babel import gettext

from accounts import clock, email_change
from accounts.email_change import Pending
from cms import guard
from cms.answers import Answer, checked, data, done
from forms import EmailCaptchaForm, ResetEmailForm

bp = Blueprint("settings", __name__, url_prefix="/cms")


@bp.get("/resetemail/")
def reset_email() -> Answer | str:
    """Show the settings page; a script that asks gets the pending change."""
    pending = email_change.pending_of(g.cms_user, g.session)
    if request.accept_mimetypes.best == "application/json":
        return data(email=g.cms_user.email, pending=_told(pending))
    form = ResetEmailForm(data={"email": pending.email if pending else ""})
    return render_template("cms/resetemail.html", form=form, pending=_told(pending))


@bp.post("/email_captcha/")
def email_captcha() -> Answer:
    """Mail a code to the address that was typed."""
    form = checked(EmailCaptchaForm, _page)
    pending = email_change.ask(g.cms_user, g.session, str(form.email.data), guard.where())
    message = gettext("The code is on its way to %(email)s.", email=pending.email)
    return done(message, url_for(".reset_email"), **_told(pending) or {})


@bp.post("/resetemail/")
def reset_email_post() -> Answer:
    """Change the address, if the code is the one that was mailed to it."""
    form = checked(ResetEmailForm, _page)
    code = str(form.captcha.data)  # `captcha` is the wire's word; inside it is a code.
    session["sid"] = email_change.confirm(g.cms_user, g.session, str(form.email.data), code, guard.where())
    return done(gettext("Your e-mail address is changed!"), url_for(".reset_email"), email=g.cms_user.email)


@bp.post("/resetemail/cancel/")
def cancel() -> Answer:
    """Drop the pending change."""
    email_change.cancel(g.cms_user, guard.where())
    return done(gettext("The change is cancelled."), url_for(".reset_email"))


def _page(form: EmailCaptchaForm) -> str:
    """Show the settings page with what was typed and what is wrong with it; a code is never shown again."""
    shown = form if isinstance(form, ResetEmailForm) else ResetEmailForm(data={"email": form.email.data})
    if shown is not form:
        shown.email.errors = form.email.errors
    return render_template(
        "cms/resetemail.html", form=shown, pending=_told(email_change.pending_of(g.cms_user, g.session))
    )


def _told(pending: Pending | None) -> dict[str, Any] | None:
    """Return a pending change as pages and scripts read it: moments in ISO 8601, spans in seconds from now."""
    if pending is None:
        return None
    now = clock.now()
    return {
        "email": pending.email,
        "asked_at": pending.asked_at.isoformat(timespec="seconds"),
        "expires_at": pending.expires_at.isoformat(timespec="seconds"),
        "expires_in": max(0, round((pending.expires_at - now).total_seconds())),
        "resend_in": max(0, round((pending.resend_at - now).total_seconds())),
        "tries_left": pending.tries_left,
        "tries": current_app.config["CAPTCHA_TRIES"],
        "of_this_session": pending.is_of_this_session,
        "mail": {
            "state": pending.mail_state,
            "at": pending.mail_at.isoformat(timespec="seconds") if pending.mail_at else None,
            "problem": pending.mail_problem,
        },
    }
