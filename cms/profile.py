"""/cms/profile/ and /cms/register/: the profile, and registration with an invitation."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, g, render_template, request, session, url_for
from flask_babel import get_locale, gettext, refresh

from accounts.flows import profile, registration
from accounts.flows.profile import Profile
from accounts.passwords import site_words
from accounts.settings import ProfileField, settings
from cms import guard
from cms.answers import Answer, checked, done
from cms.guard import open_to_all
from cms.languages import current_language
from forms import ProfileForm, RegisterForm

bp = Blueprint("cms_profile", __name__, url_prefix="/cms")


@bp.get("/profile/")
def show_profile() -> str:
    """Show the profile."""
    user = g.cms_user
    shown = {"version": user.profile_version, "language": user.language or ""}
    return _profile_page(ProfileForm(obj=user, data=shown, **_profile_fields()))


@bp.post("/profile/")
def show_profile_post() -> Answer:
    """Update the profile; a new language takes effect immediately."""
    form = checked(ProfileForm(request.form, **_profile_fields()), _profile_page)
    g.cms_user = profile.update(guard.actor(), _given(form), version=form.version.data or 0)
    guard.set_visitor(g.cms_user)
    refresh()
    return done(gettext("Your profile has been saved."), url_for(".show_profile"), version=g.cms_user.profile_version)


@bp.get("/register/<token>/")
@open_to_all
def register(token: str) -> str:
    """Show the registration form of an invitation."""
    email = registration.preview(token).email
    form = RegisterForm(data={"language": str(get_locale())}, **_registration_fields())
    return render_template("cms/register.html", form=form, email=email)


@bp.post("/register/<token>/")
@open_to_all
def register_post(token: str) -> Answer:
    """Create the account of the invited administrator."""
    email = registration.preview(token).email
    words = (email, *site_words(guard.origin().site))
    form = RegisterForm(request.form, forbidden=words, **_registration_fields())
    checked(form, lambda form: render_template("cms/register.html", form=form, email=email))
    registration.register(token, _given(form), str(form.password.data), guard.origin())
    session.clear()
    guard.remember_address(email)
    return done(gettext("Account created. Sign in to continue."), url_for("cms_auth.login"))


def _given(form: ProfileForm | RegisterForm) -> Profile:
    """Return the submitted profile, with None for empty fields."""
    details = {name: form[name].data or None for name in form.list_details()}
    if "interests" in details:
        details["interests"] = list(details["interests"] or ())
    return Profile(username=str(form.username.data), language=form.language.data or None, details=details)


def _registration_fields() -> dict[str, Any]:
    """Return the rules and choices of the registration, as arguments of its form."""
    fields = settings().PROFILE_FIELDS
    rules = {name: field["registration"] for name, field in fields.items()}
    return {"rules": rules, "cities": _choices(fields["city"]), "interests": _choices(fields["interests"])}


def _profile_fields() -> dict[str, Any]:
    """Return the same of the profile; an administrator can keep a choice that is not offered any more."""
    fields, user = settings().PROFILE_FIELDS, g.cms_user
    cities = _choices(fields["city"], stored=[user.city] if user.city else [])
    interests = _choices(fields["interests"], stored=user.interests)
    rules = {name: field["profile"] for name, field in fields.items()}
    return {"rules": rules, "cities": cities, "interests": interests}


def _choices(field: ProfileField, stored: Iterable[str] = ()) -> dict[str, str]:
    """Return the labels of choices by key, including those that are stored and not offered any more."""
    offered = {key: labels[current_language()] for key, labels in field["choices"].items()}
    former = [key for key in stored if key not in offered]
    return offered | {key: gettext("%(choice)s (no longer offered)", choice=key) for key in former}


def _profile_page(form: ProfileForm) -> str:
    return render_template("cms/profile.html", form=form)
