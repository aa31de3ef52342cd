"""/cms/security/...: second factors are set up, renamed and removed, and recovery codes are made."""

from flask import Blueprint, render_template, request, session, url_for
from flask_babel import gettext

from accounts.flows import factors, reauthentication
from accounts.flows.factors import Added
from cms import guard, security
from cms.answers import Answer, checked, data, done, wants_page
from cms.guard import open_to_set_up
from forms import AppCodeForm, BaseForm, NewPasskeyForm, PasskeyNameForm

bp = Blueprint("cms_factors", __name__, url_prefix="/cms/security")
PASSKEY = "/passkeys/<int(max=2147483647):passkey_id>"


@bp.post("/passkeys/options/")
@open_to_set_up
def passkey_options() -> Answer:
    """Return the options with which the browser creates a passkey. Its name, if sent, is checked before."""
    if "name" in request.form:
        checked(PasskeyNameForm(request.form), _page)
    return data(options=factors.passkey_options(guard.actor(), guard.origin().site))


@bp.post("/passkeys/")
@open_to_set_up
def add_passkey() -> Answer:
    """Add the passkey that the browser has created."""
    form, actor = checked(NewPasskeyForm(request.form), _page), guard.actor()
    entered = guard.entered(form, reauthentication.owner_of(actor))
    return _added(factors.add_passkey(actor, entered, str(form.name.data)), gettext("The passkey has been added."))


@bp.post(f"{PASSKEY}/rename/")
def rename_passkey(passkey_id: int) -> Answer:
    """Rename a passkey."""
    form = checked(PasskeyNameForm(request.form), _page)
    factors.rename_passkey(guard.actor(), passkey_id, str(form.name.data))
    return done(gettext("The passkey has been renamed."), url_for("cms_security.security"))


@bp.post(f"{PASSKEY}/remove/")
def remove_passkey(passkey_id: int) -> Answer:
    """Remove a passkey."""
    checked(BaseForm(request.form), _page)
    factors.remove_passkey(guard.actor(), passkey_id)
    return done(gettext("The passkey has been removed."), url_for("cms_security.security"))


@bp.post("/app/set_up/")
@open_to_set_up
def set_up_app() -> Answer:
    """Make a secret for an authenticator app, and show it."""
    checked(BaseForm(request.form), _page)
    factors.set_up_app(guard.actor())
    return done("", url_for(".app"), next=url_for(".app"))


@bp.post("/app/replace/")
def replace_app() -> Answer:
    """Make a secret for an authenticator app that replaces the present one, and show it."""
    checked(BaseForm(request.form), _page)
    factors.set_up_app(guard.actor(), replaces=True)
    return done("", url_for(".app"), next=url_for(".app"))


@bp.get("/app/")
@open_to_set_up
def app() -> str:
    """Show the QR code for the authenticator app that waits for its first code."""
    return _app_page(AppCodeForm())


@bp.post("/app/")
@open_to_set_up
def add_app() -> Answer:
    """Add the authenticator app with its first code, or replace the present one with it."""
    form = checked(AppCodeForm(request.form), _app_page)
    added = factors.add_app(guard.actor(), str(form.code.data))
    if added.event == "app_replaced":
        return _added(added, gettext("The authenticator app has been replaced. Codes of the old one no longer work."))
    return _added(added, gettext("The authenticator app has been added."))


@bp.post("/app/remove/")
def remove_app() -> Answer:
    """Remove the authenticator app."""
    checked(BaseForm(request.form), _page)
    factors.remove_app(guard.actor())
    return done(gettext("The authenticator app has been removed."), url_for("cms_security.security"))


@bp.post("/recovery_codes/")
def create_recovery_codes() -> Answer:
    """Make new recovery codes, and show them once."""
    checked(BaseForm(request.form), _page)
    return _codes_page(factors.create_recovery_codes(guard.actor()))


def _added(added: Added, message: str) -> Answer:
    """Report a new second factor; recovery codes are shown in this response and nowhere else."""
    session["sid"] = added.sid
    if added.recovery_codes:
        return _codes_page(added.recovery_codes, message)
    return done(message, url_for("cms_security.security"))


def _codes_page(codes: tuple[str, ...], message: str = "") -> Answer:
    """Show recovery codes, to a person or a script."""
    if wants_page():
        return render_template("cms/recovery_codes.html", codes=codes, message=message), 200
    return data(recovery_codes=codes)


def _page(form: BaseForm) -> str:
    """Render the page of security again with the errors of a refused form."""
    return security.page(form)


def _app_page(form: AppCodeForm) -> str:
    return render_template("cms/app.html", form=form, set_up=factors.show_app(guard.actor()))
