"""The links that old and new addresses get: a GET only explains, because mail scanners open links; a POST acts."""

from flask import Blueprint, render_template, session, url_for
from flask_babel import gettext

from accounts.errors import LinkDead
from accounts.flows import assisted_change, undo
from cms import guard
from cms.answers import Answer, done
from cms.guard import open_to_all

bp = Blueprint("undo", __name__, url_prefix="/cms/resetemail")


@bp.get("/undo/<token>/")
@open_to_all
def undo_email(token: str) -> str:
    """Explain what the link would do."""
    return render_template("cms/undo.html", seen=undo.preview(token))


@bp.post("/undo/<token>/")
@open_to_all
def undo_email_post(token: str) -> Answer:
    """Give the account its old address back; whoever is signed in to it, here too, is not any more."""
    email = undo.restore(token, guard.origin())
    session.clear()
    message = gettext("The address is %(email)s again. A link to set a new password is on its way to it.", email=email)
    return done(message, url_for(".undone"), note={"undone": email})


@bp.get("/undone/")
@open_to_all
def undone() -> str:
    """Say that the change is undone and where the next mail is, in the browser that did it. Raises LinkDead."""
    if "undone" not in session:
        raise LinkDead
    return render_template("cms/undone.html", email=session["undone"])


@bp.get("/prove/<token>/")
@open_to_all
def prove_email(token: str) -> str:
    """Explain what the link would do."""
    return render_template("cms/prove.html", seen=assisted_change.preview(token))


@bp.post("/prove/<token>/")
@open_to_all
def prove_email_post(token: str) -> Answer:
    """Change the address to the one that the link was mailed to."""
    assisted_change.prove(token, guard.origin())
    return done(gettext("The address is changed. Please sign in with it."), url_for("auth.login"))


@bp.get("/stop/<token>/")
@open_to_all
def stop_email(token: str) -> str:
    """Explain what would be stopped."""
    state, seen = undo.stoppable(token)
    return render_template("cms/stop.html", state=state, seen=seen)


@bp.post("/stop/<token>/")
@open_to_all
def stop_email_post(token: str) -> Answer:
    """Stop the pending change, and end the session that asked for it, if one did."""
    _, seen = undo.stoppable(token)
    undo.stop(token, guard.origin())
    is_assisted = seen.is_assisted
    message = (
        gettext("The change is stopped.")
        if is_assisted
        else gettext("The change is stopped, and the browser that asked for it is signed out.")
    )
    return done(message, url_for(".stopped"), note={"stopped": "started" if is_assisted else "asked"})


@bp.get("/stopped/")
@open_to_all
def stopped() -> str:
    """Say that the change is stopped and what to do next, in the browser that did it. Raises LinkDead."""
    if "stopped" not in session:
        raise LinkDead
    is_assisted, is_signed_in = session["stopped"] == "started", guard.is_signed_in()
    return render_template("cms/stopped.html", is_assisted=is_assisted, is_signed_in=is_signed_in)
