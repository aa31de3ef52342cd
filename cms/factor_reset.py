"""/cms/factor_reset/: a reset of second factors is shown and stopped, in a session or with the link in a mail.

A GET only explains, because mail scanners open links; a POST acts.
"""

from flask import Blueprint, g, render_template, session, url_for
from flask_babel import gettext

from accounts.errors import LinkDead
from accounts.flows import factor_reset
from accounts.flows.factor_reset import Preview
from cms import guard
from cms.answers import Answer, done
from cms.guard import open_to_all

bp = Blueprint("cms_factor_reset", __name__, url_prefix="/cms/factor_reset")


@bp.app_template_global("cms_waiting_factor_reset")
def waiting() -> Preview | None:
    """Return the reset that waits for the signed-in administrator; no query for an account without second factors."""
    return factor_reset.find_own(g.cms_user) if g.cms_user.has_second_factor else None


@bp.get("/")
def show() -> str:
    """Show the reset that waits for the own account, or that there is none."""
    return render_template("cms/factor_reset.html", seen=factor_reset.find_own(g.cms_user), is_own=True)


@bp.post("/stop/")
def stop() -> Answer:
    """Stop the reset of the own account, if one waits."""
    factor_reset.stop_own(guard.actor())
    return _stopped()


@bp.get("/stop/<token>/")
@open_to_all
def stop_by_link(token: str) -> str:
    """Show the reset that the link would stop."""
    return render_template("cms/factor_reset.html", seen=factor_reset.preview(token), is_own=False)


@bp.post("/stop/<token>/")
@open_to_all
def stop_by_link_post(token: str) -> Answer:
    """Stop the reset with the link."""
    factor_reset.stop(token, guard.origin())
    return _stopped()


@bp.get("/stopped/")
@open_to_all
def stopped() -> str:
    """Confirm the stop, with the next steps, in the same browser only. Raises LinkDead."""
    if "factor_reset_stopped" not in session:
        raise LinkDead
    return render_template("cms/factor_reset_stopped.html")


def _stopped() -> Answer:
    message = gettext("Two-step verification will not be removed.")
    return done(message, url_for(".stopped"), note={"factor_reset_stopped": True})
