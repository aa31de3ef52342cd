"""/cms/security/: the second factors, the sessions and the history of the signed-in administrator."""

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext

from accounts import address_policy
from accounts.factors import policy
from accounts.flows import factors, history
from cms import guard
from cms.answers import Answer, done
from cms.guard import open_to_set_up
from forms import BaseForm, NewPasskeyForm

bp = Blueprint("cms_security", __name__, url_prefix="/cms/security")

NEWEST = 2**31 - 1  # The largest integer in PostgreSQL.


@bp.get("/")
@open_to_set_up
def security() -> str:
    """Show the second factors, the sessions and a page of the history."""
    return page(NewPasskeyForm())


def page(form: BaseForm) -> str:
    """Render the page; `form` is a refused form of a passkey, or an empty one."""
    events = history.list_events(g.cms_user, before=before())
    return render_template(
        "cms/security.html",
        form=form,
        enrolment=factors.load(guard.actor()),
        factor_due_at=policy.due_at(g.cms_user),
        is_overdue=policy.is_overdue(g.cms_user),
        is_factor_required=policy.is_required(g.cms_user),
        has_passkeys=factors.are_passkeys_possible(guard.origin().site),
        sessions=history.list_sessions(g.cms_user),
        events=events,
        exported_until=history.exported_until(g.cms_user, events),
        page_size=history.PAGE,
        policy=address_policy.policy_of(g.cms_user),
    )


def before() -> int:
    """Return the row number below which the requested page of the history begins."""
    return min(request.args.get("before", NEWEST, type=int), NEWEST)


@bp.post("/sessions/<int(max=2147483647):session_id>/end/")
def end_session(session_id: int) -> Answer:
    """End one other session."""
    history.end_session(guard.actor(), session_id)
    return done(gettext("The session has ended."), url_for(".security"))


@bp.post("/sessions/end_others/")
def end_other_sessions() -> Answer:
    """End all other sessions."""
    history.end_other_sessions(guard.actor())
    return done(gettext("All other sessions have ended."), url_for(".security"))
