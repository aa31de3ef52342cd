"""The links that old and new addresses get: a GET only explains, because mail scanners open links; a POST acts."""

from flask import Blueprint, render_template, session, url_for
from flask_babel import gettext

from accounts import assisted_change, undo
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
    email = undo.restore(token, guard.where())
    session.clear()
    message = gettext("The address is %(email)s again. A link to set a new password is on its way to it.", email=email)
    return done(message, url_for("auth.login"))


@bp.get("/prove/<token>/")
@open_to_all
def prove_email(token: str) -> str:
    """Explain what the link would do."""
    return render_template("cms/prove.html", email=assisted_change.explained(token))


@bp.post("/prove/<token>/")
@open_to_all
def prove_email_post(token: str) -> Answer:
    """Change the address to the one that the link was mailed to."""
    assisted_change.prove(token, guard.where())
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
    """Stop the pending change, and end the session that asked for it."""
    undo.stop(token, guard.where())
    message = gettext("The change is stopped, and the browser that asked for it is signed out.")
    return done(message, url_for("auth.login"))
