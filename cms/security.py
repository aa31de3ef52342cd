"""/cms/security/: the administrator's own history, and the browsers in which they are signed in."""

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext, lazy_gettext

from accounts import email_change, history
from cms import guard
from cms.answers import Answer, done

bp = Blueprint("security", __name__, url_prefix="/cms/security")

NEWEST = 2**31 - 1  # Larger numbers there are not, and PostgreSQL would not know them.
EVENTS = {
    "administrator_created": lazy_gettext("Account made"),
    "signed_in": lazy_gettext("Signed in"),
    "signed_out": lazy_gettext("Signed out"),
    "sign_in_failed": lazy_gettext("Sign-in failed"),
    "password_proved": lazy_gettext("Password entered again"),
    "password_wrong": lazy_gettext("Wrong password"),
    "password_link_sent": lazy_gettext("Link to set a new password mailed"),
    "password_set": lazy_gettext("New password set"),
    "code_requested": lazy_gettext("Code requested for a new e-mail address"),
    "code_wrong": lazy_gettext("Wrong code"),
    "code_missing": lazy_gettext("One of two codes entered"),
    "code_expired": lazy_gettext("Code expired"),
    "code_locked": lazy_gettext("Too many wrong codes: the code no longer works"),
    "tries_spent": lazy_gettext("Too many wrong codes in a day"),
    "change_cancelled": lazy_gettext("Change of the e-mail address cancelled"),
    "change_stopped": lazy_gettext("Change stopped by the present address"),
    "email_changed": lazy_gettext("E-mail address changed"),
    "change_undone": lazy_gettext("Change undone by the old address"),
    "session_ended": lazy_gettext("A session ended"),
    "other_sessions_ended": lazy_gettext("All other sessions ended"),
    "same_email": lazy_gettext("Asked for the present address"),
    "email_taken": lazy_gettext("Address belonged to another account"),
    "too_many_attempts": lazy_gettext("No more tries: refused"),
    "too_many_requests": lazy_gettext("Too often: refused"),
    "changes_frozen": lazy_gettext("Address frozen: refused"),
    "reauth_required": lazy_gettext("Password needed again"),
    "profile_changed": lazy_gettext("Own data changed"),
    "username_taken": lazy_gettext("User name was taken"),
    "registered": lazy_gettext("Registered on an invitation"),
    "invitation_sent": lazy_gettext("Invitation sent"),
    "invitation_withdrawn": lazy_gettext("Invitation withdrawn"),
    "made_superuser": lazy_gettext("Made a superuser by another administrator"),
    "made_editor": lazy_gettext("Made an editor by another administrator"),
    "disabled": lazy_gettext("Disabled by another administrator"),
    "enabled": lazy_gettext("Enabled by another administrator"),
    "change_started": lazy_gettext("Change of the e-mail address started by another administrator"),
    "unlocked": lazy_gettext("Unlocked by the operator"),
    "change_dropped": lazy_gettext("Pending change dropped by another administrator"),
    "change_withdrawn": lazy_gettext("Started change withdrawn: who started it may no longer do so"),
    "sessions_ended": lazy_gettext("All sessions ended by another administrator"),
    "asked_elsewhere": lazy_gettext("Code entered in another browser than the one that requested it"),
    "change_was_dropped": lazy_gettext("Code of a dropped change entered"),
    "already_changed": lazy_gettext("Stop link used after the change was made"),
    "nothing_to_stop": lazy_gettext("Stop link used when nothing was pending"),
    "link_dead": lazy_gettext("Dead link used"),
    "last_superuser": lazy_gettext("Refused: nobody else could manage the administrators"),
    "not_yourself": lazy_gettext("Refused: own account"),
    "nobody_there": lazy_gettext("Refused: no such administrator"),
    "not_allowed": lazy_gettext("This is not allowed."),
    "sign_in_required": lazy_gettext("Session had ended: refused"),
}


@bp.get("/")
def security() -> str:
    """Show the sessions and a page of the history."""
    return render_template(
        "cms/security.html",
        sessions=history.living_sessions(g.cms_user),
        events=history.events(g.cms_user, before=before()),
        names=EVENTS,
        page_size=history.PAGE,
        policy=email_change.policy_of(g.cms_user),
    )


def before() -> int:
    """Return the number of the row of a history below which the page at hand begins."""
    return min(request.args.get("before", NEWEST, type=int), NEWEST)


@bp.post("/sessions/<int(max=2147483647):session_id>/end/")
def end_session(session_id: int) -> Answer:
    """End one other session."""
    history.end_session(guard.actor(), session_id, guard.where())
    return done(gettext("The session is ended."), url_for(".security"))


@bp.post("/sessions/end_others/")
def end_other_sessions() -> Answer:
    """End all other sessions."""
    history.end_other_sessions(guard.actor(), guard.where())
    return done(gettext("All other sessions are ended."), url_for(".security"))
