"""/cms/users/: management of administrators, for superusers."""

from typing import TypeVar

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext

from accounts import address_policy, clock, pending
from accounts.flows import administration, assisted_change, factor_reset, history, new_password, registration
from cms import guard, security
from cms.answers import Answer, checked, done
from cms.guard import permission_required
from forms import InviteForm, ReasonForm, RoleForm, StartChangeForm
from models import Address

bp = Blueprint("cms_users", __name__, url_prefix="/cms/users")
ID = "<int(max=2147483647):user_id>"
may_manage = permission_required("administrators")
Reasoned = TypeVar("Reasoned", bound=ReasonForm)


@bp.get("/")
@may_manage
def users() -> str:
    """Show a page of the administrators, and the pending invitations."""
    return _users_page(InviteForm())


@bp.post("/invite/")
@may_manage
def invite() -> Answer:
    """Invite an address."""
    form = checked(InviteForm(request.form), _users_page)
    superuser = form.role.data == "superuser"
    registration.invite(guard.actor(), Address.of(str(form.email.data)), superuser=superuser)
    return done(gettext("We are sending an invitation to %(email)s.", email=form.email.data), url_for(".users"))


@bp.post("/invitations/<int(max=2147483647):invitation_id>/resend/")
@may_manage
def resend_invitation(invitation_id: int) -> Answer:
    """Send an invitation again."""
    registration.resend(guard.actor(), invitation_id)
    return done(gettext("We are sending the invitation again."), url_for(".users"))


@bp.post("/invitations/<int(max=2147483647):invitation_id>/withdraw/")
@may_manage
def withdraw_invitation(invitation_id: int) -> Answer:
    """Withdraw an invitation."""
    registration.withdraw(guard.actor(), invitation_id)
    return done(gettext("The invitation has been withdrawn."), url_for(".users"))


@bp.get(f"/{ID}/")
@may_manage
def user(user_id: int) -> str:
    """Show an administrator, the available actions, and a page of the history."""
    return _user_page(user_id)


@bp.post(f"/{ID}/role/")
@may_manage
def set_role(user_id: int) -> Answer:
    """Change the role of an administrator."""
    form = _checked(RoleForm(request.form), user_id)
    superuser, reason = form.role.data == "superuser", str(form.reason.data)
    administration.set_role(guard.actor(), user_id, superuser=superuser, reason=reason)
    return done(gettext("The role has been changed."), url_for(".user", user_id=user_id))


@bp.post(f"/{ID}/disable/")
@may_manage
def disable(user_id: int) -> Answer:
    """Disable an administrator."""
    form = _checked(ReasonForm(request.form), user_id)
    administration.disable(guard.actor(), user_id, reason=str(form.reason.data))
    return done(
        gettext("The account has been disabled, and all its sessions have ended."), url_for(".user", user_id=user_id)
    )


@bp.post(f"/{ID}/enable/")
@may_manage
def enable(user_id: int) -> Answer:
    """Enable an administrator."""
    form = _checked(ReasonForm(request.form), user_id)
    administration.enable(guard.actor(), user_id, reason=str(form.reason.data))
    return done(gettext("The account has been enabled."), url_for(".user", user_id=user_id))


@bp.post(f"/{ID}/end_sessions/")
@may_manage
def end_sessions(user_id: int) -> Answer:
    """End all sessions of an administrator."""
    form = _checked(ReasonForm(request.form), user_id)
    administration.end_sessions(guard.actor(), user_id, reason=str(form.reason.data))
    return done(gettext("All their sessions have ended."), url_for(".user", user_id=user_id))


@bp.post(f"/{ID}/send_password_link/")
@may_manage
def send_password_link(user_id: int) -> Answer:
    """Send an administrator a link to set a new password."""
    form = _checked(ReasonForm(request.form), user_id)
    new_password.send_link(guard.actor(), user_id, reason=str(form.reason.data))
    message = gettext("We are sending a link to set a new password to their address.")
    return done(message, url_for(".user", user_id=user_id))


@bp.post(f"/{ID}/drop_change/")
@may_manage
def drop_change(user_id: int) -> Answer:
    """Cancel the pending change of an administrator."""
    form = _checked(ReasonForm(request.form), user_id)
    administration.drop_change(guard.actor(), user_id, reason=str(form.reason.data))
    return done(gettext("The pending change has been cancelled."), url_for(".user", user_id=user_id))


@bp.post(f"/{ID}/start_change/")
@may_manage
def start_change(user_id: int) -> Answer:
    """Start a change of address for an administrator who has lost access to their mailbox."""
    administration.find(user_id)
    form = checked(StartChangeForm(request.form), lambda form: _user_page(user_id, start=form))
    address, reason = Address.of(str(form.email.data)), str(form.reason.data)
    assisted_change.start(guard.actor(), user_id, address, reason=reason)
    return done(
        gettext("The change has been started. We are notifying every known address."), url_for(".user", user_id=user_id)
    )


@bp.post(f"/{ID}/reset_factors/")
@may_manage
def reset_factors(user_id: int) -> Answer:
    """Start to remove all second factors of an administrator who has lost them."""
    form = _checked(ReasonForm(request.form), user_id)
    due_at = factor_reset.start(guard.actor(), user_id, reason=str(form.reason.data))
    message = (
        gettext("The removal has been started. We are notifying every known address.")
        if due_at
        else gettext("This account has no two-step verification now.")
    )
    return done(message, url_for(".user", user_id=user_id))


@bp.post(f"/{ID}/cancel_factor_reset/")
@may_manage
def cancel_factor_reset(user_id: int) -> Answer:
    """Cancel the removal of the second factors of an administrator."""
    form = _checked(ReasonForm(request.form), user_id)
    factor_reset.cancel(guard.actor(), user_id, reason=str(form.reason.data))
    return done(gettext("Two-step verification will not be removed."), url_for(".user", user_id=user_id))


def _checked(form: Reasoned, user_id: int) -> Reasoned:
    """Return the form if it is valid. Raises NobodyThere first, because a refusal is shown on the account page."""
    administration.find(user_id)
    return checked(form, lambda form: _user_page(user_id, form))


def _user_page(user_id: int, form: ReasonForm | None = None, start: StartChangeForm | None = None) -> str:
    """Render an administrator; `form` is the refused form of the requested action."""
    found = administration.find(user_id)
    events = history.list_events(found.user, before=security.before())
    forms = {"form": ReasonForm(), "refused": form, "start": start or StartChangeForm()}
    return render_template(
        "cms/user.html",
        user=found.user,
        change=found.change,
        started_by=found.started_by,
        reset=found.reset,
        reset_by=found.reset_by,
        policy=address_policy.policy_of(found.user),
        domains=address_policy.list_domains(),
        sessions=history.list_sessions(found.user),
        events=events,
        exported_until=history.exported_until(found.user, events),
        page_size=history.PAGE,
        now=clock.now(),
        **forms,
    )


def _users_page(form: InviteForm) -> str:
    sort = request.args.get("sort", "username")
    sort = sort if sort in administration.SORTS else "username"
    beginning = request.args.get("q", "")[:100].replace("\0", "")
    after = request.args.get("after", "")[:254].replace("\0", "")
    return render_template(
        "cms/users.html",
        page=administration.list_page(sort=sort, beginning=beginning, after=after),
        started=[(*each, pending.ready_at(each[1])) for each in pending.list_started()],
        resets=factor_reset.list_started(),
        invitations=registration.list_invitations(),
        domains=address_policy.list_domains(),
        now=clock.now(),
        sort=sort,
        beginning=beginning,
        form=form,
    )
