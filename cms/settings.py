"""/cms/resetemail/ and /cms/email_captcha/: the settings page, on which administrators change their address."""

from typing import Any

from flask import Blueprint, g, render_template, request, session, url_for
from flask_babel import gettext, lazy_gettext

from accounts import address_policy, clock, pending_state
from accounts.flows import email_change
from accounts.pending_state import ChangeStatus, Pending
from accounts.settings import settings
from cms import guard
from cms.answers import Answer, LikelyTypo, checked, data, done
from forms import EmailCaptchaForm, ResetEmailForm
from models import Address, Mailbox, MailProblem

bp = Blueprint("cms_settings", __name__, url_prefix="/cms")
# The code class (4xx, 5xx) is that of RFC 5321. The response of the server is only logged: it may reveal the owner of a
# taken address.
MAIL_PROBLEMS = {
    MailProblem.RECIPIENT_REFUSED: lazy_gettext(
        "The mail server refused this address (5xx). Check that it is correct."
    ),
    MailProblem.MESSAGE_REFUSED: lazy_gettext("The mail server refused the content of the email (5xx)."),
    MailProblem.SENDER_REFUSED: lazy_gettext("The mail server does not accept mail from us (5xx)."),
    MailProblem.TEMPORARILY_REFUSED: lazy_gettext("The mail server cannot accept the email at the moment (4xx)."),
    MailProblem.UNREACHABLE: lazy_gettext("The mail server cannot be reached."),
    MailProblem.TIMEOUT: lazy_gettext("The mail server did not answer in time."),
    MailProblem.TLS_FAILED: lazy_gettext("The connection to the mail server could not be encrypted."),
    MailProblem.AUTHENTICATION_FAILED: lazy_gettext("The mail server did not accept our username or password."),
    MailProblem.UNEXPECTED: lazy_gettext("The email could not be sent because of an error on our side."),
}


@bp.get("/resetemail/")
def reset_email() -> Answer | str:
    """Show the settings page; return the pending change to a script."""
    status = _load_status()
    seen = status.pending
    if request.accept_mimetypes.best == "application/json":
        return data(email=g.cms_user.email, pending=_as_told(seen) if seen else None)
    is_changed = session.pop("email_changed", False)
    typed = seen.email if seen and seen.is_of_this_session else ""
    return _page(ResetEmailForm(data={"email": typed}), status, is_changed=is_changed)


@bp.post("/email_captcha/")
def email_captcha() -> Answer:
    """Send a code to the entered address; ask first if it looks like a typo."""
    form = checked(EmailCaptchaForm(request.form), _asked_page)
    address = Address.of(str(form.email.data))
    typo = None if settings().EMAIL_DOMAINS else form.find_typo()  # A domain that is not allowed is refused anyway.
    if typo and not form.sure.data:
        raise LikelyTypo(typo)
    asked = email_change.ask(guard.actor(), address)
    message = gettext("We are sending a code to %(email)s.", email=address.email)
    return done(message, url_for(".reset_email"), **_as_told(asked))


@bp.post("/resetemail/")
@guard.reads_last_change
def reset_email_post() -> Answer:
    """Change the address if the code is correct."""
    form = checked(ResetEmailForm(request.form), _refused_page)
    codes = {Mailbox.NEW: form.captcha.data, Mailbox.OLD: form.old_captcha.data}
    entered = {mailbox: code for mailbox, code in codes.items() if code}
    changed = email_change.confirm(guard.actor(), g.last_change, Address.of(str(form.email.data)), entered)
    session["sid"] = changed.sid
    guard.mark_browser(changed.account)
    message, note = gettext("Your email address has been changed."), {"email_changed": True}
    return done(message, url_for(".reset_email"), note=note, email=changed.account.email)


@bp.post("/resetemail/cancel/")
def cancel() -> Answer:
    """Cancel the pending change."""
    email_change.cancel(guard.actor())
    return done(gettext("The change has been cancelled."), url_for(".reset_email"))


def _asked_page(form: EmailCaptchaForm) -> str:
    """Show the settings page again after an invalid request for a code."""
    page = ResetEmailForm(data={"email": form.email.data})
    page.email.errors = form.email.errors
    return _refused_page(page)


def _refused_page(form: ResetEmailForm) -> str:
    """Show the settings page again with its errors."""
    return _page(form, _load_status())


def _page(form: ResetEmailForm, status: ChangeStatus, *, is_changed: bool = False) -> str:
    """Render the settings page."""
    return render_template(
        "cms/resetemail.html",
        form=form,
        pending=_as_told(status.pending) if status.pending else None,
        policy=address_policy.policy_of(g.cms_user),
        domains=address_policy.list_domains(),
        block=status.block,
        is_changed=is_changed,
    )


def _load_status() -> ChangeStatus:
    """Return the pending change of the administrator, and whether one can be requested."""
    return pending_state.load(g.cms_user, g.session, guard.origin())


def _as_told(seen: Pending) -> dict[str, Any]:
    """Return a pending change for pages and scripts: times in ISO 8601, time spans in seconds from now."""
    now = clock.now()
    return {
        "state": seen.state,
        "email": seen.email,
        "ascii": seen.in_ascii,
        "asked_at": seen.asked_at.isoformat(timespec="seconds"),
        "expires_at": seen.expires_at.isoformat(timespec="seconds"),
        "expires_in": max(0, round((seen.expires_at - now).total_seconds())),
        "resend_at": seen.resend_at.isoformat(timespec="seconds"),
        "resend_in": max(0, round((seen.resend_at - now).total_seconds())),
        "tries_left": seen.tries_left,
        "blocked_until": seen.blocked_until.isoformat(timespec="seconds") if seen.blocked_until else None,
        "tries": settings().CAPTCHA_TRIES,
        "of_this_session": seen.is_of_this_session,
        "assisted": seen.is_assisted,
        "started_by": seen.started_by or (gettext("The operator") if seen.is_assisted else ""),
        "ready_at": seen.ready_at.isoformat(timespec="seconds"),
        "missing": seen.missing,
        "proved": seen.proved,
        "mail": {
            "state": seen.mail_state,
            "at": seen.mail_at.isoformat(timespec="seconds") if seen.mail_at else None,
            "problem": str(MAIL_PROBLEMS[seen.mail_problem]) if seen.mail_problem else "",
            "problem_kind": seen.mail_problem or "",
        },
    }
