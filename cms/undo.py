"""The links mailed to old and new addresses. A GET only explains, because mail scanners open links; a POST acts."""

from flask import Blueprint, render_template, session, url_for
from flask_babel import gettext

from accounts.errors import LinkDead
from accounts.flows import assisted_change, undo
from cms import guard
from cms.answers import Answer, done
from cms.guard import open_to_all

bp = Blueprint("cms_undo", __name__, url_prefix="/cms/resetemail")


@bp.get("/undo/<token>/")
@open_to_all
def undo_email(token: str) -> str:
    """Explain the effect of the link."""
    return render_template("cms/undo.html", seen=undo.preview(token))


@bp.post("/undo/<token>/")
@open_to_all
def undo_email_post(token: str) -> Answer:
    """Restore the old address, and end all sessions, including that of this browser."""
    email = undo.restore(token, guard.origin())
    session.clear()
    message = gettext(
        "The email address is %(email)s again. We are sending a link to set a new password to it.", email=email
    )
    return done(message, url_for(".undone"), note={"undone": email})


@bp.get("/undone/")
@open_to_all
def undone() -> str:
    """Confirm the undo, and name the mailbox of the next mail, in the same browser only. Raises LinkDead."""
    if "undone" not in session:
        raise LinkDead
    return render_template("cms/undone.html", email=session["undone"])


@bp.get("/prove/<token>/")
@open_to_all
def prove_email(token: str) -> str:
    """Explain the effect of the link."""
    return render_template("cms/prove.html", seen=assisted_change.preview(token))


@bp.post("/prove/<token>/")
@open_to_all
def prove_email_post(token: str) -> Answer:
    """Change the address to the one that received the link."""
    assisted_change.prove(token, guard.origin())
    return done(gettext("The email address has been changed. Sign in with the new address."), url_for("cms_auth.login"))


@bp.get("/stop/<token>/")
@open_to_all
def stop_email(token: str) -> str:
    """Show the change that the link would stop."""
    state, seen = undo.preview_stop(token)
    return render_template("cms/stop.html", state=state, seen=seen)


@bp.post("/stop/<token>/")
@open_to_all
def stop_email_post(token: str) -> Answer:
    """Stop the pending change, and end the session that requested it, if any."""
    _, seen = undo.preview_stop(token)
    undo.stop(token, guard.origin())
    is_assisted = seen.is_assisted
    message = (
        gettext("The change has been stopped.")
        if is_assisted
        else gettext("The change has been stopped, and the browser that requested it has been signed out.")
    )
    return done(message, url_for(".stopped"), note={"stopped": "started" if is_assisted else "asked"})


@bp.get("/stopped/")
@open_to_all
def stopped() -> str:
    """Confirm the stop, with the next steps, in the same browser only. Raises LinkDead."""
    if "stopped" not in session:
        raise LinkDead
    is_assisted, is_signed_in = session["stopped"] == "started", guard.is_signed_in()
    return render_template("cms/stopped.html", is_assisted=is_assisted, is_signed_in=is_signed_in)
