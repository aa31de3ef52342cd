"""/cms/profile/ and /cms/register/: the profile, and registration with an invitation."""

from flask import Blueprint, g, render_template, request, session, url_for
from flask_babel import get_locale, gettext, refresh

from accounts.flows import profile, registration
from accounts.flows.profile import Profile
from accounts.passwords import site_words
from cms import guard
from cms.answers import Answer, checked, done
from cms.guard import open_to_all
from forms import ProfileForm, RegisterForm

bp = Blueprint("profile", __name__, url_prefix="/cms")


@bp.get("/profile/")
def show_profile() -> str:
    """Show the profile."""
    user = g.cms_user
    return _profile_page(ProfileForm(obj=user, data={"version": user.profile_version, "language": user.language or ""}))


@bp.post("/profile/")
def show_profile_post() -> Answer:
    """Update the profile; a new language takes effect immediately."""
    form = checked(ProfileForm(request.form), _profile_page)
    g.cms_user = profile.update(guard.actor(), _given(form), version=form.version.data or 0)
    guard.set_visitor(g.cms_user)
    refresh()
    return done(gettext("Your profile has been saved."), url_for(".show_profile"), version=g.cms_user.profile_version)


@bp.get("/register/<token>/")
@open_to_all
def register(token: str) -> str:
    """Show the registration form of an invitation."""
    email = registration.preview(token).email
    return render_template("cms/register.html", form=RegisterForm(data={"language": str(get_locale())}), email=email)


@bp.post("/register/<token>/")
@open_to_all
def register_post(token: str) -> Answer:
    """Create the account of the invited administrator."""
    email = registration.preview(token).email
    form = RegisterForm(request.form, forbidden=(email, *site_words(guard.origin().site)))
    checked(form, lambda form: render_template("cms/register.html", form=form, email=email))
    registration.register(token, _given(form), str(form.password.data), guard.origin())
    session.clear()
    guard.remember_address(email)
    return done(gettext("Account created. Sign in to continue."), url_for("auth.login"))


def _given(form: ProfileForm | RegisterForm) -> Profile:
    """Return the submitted profile, with None for omitted fields."""
    return Profile(
        username=str(form.username.data),
        mobile=form.mobile.data or None,
        staff_number=form.staff_number.data,
        gender=form.gender.data or None,
        city=form.city.data or None,
        interests=tuple(form.interests.data or ()),
        language=form.language.data or None,
    )


def _profile_page(form: ProfileForm) -> str:
    return render_template("cms/profile.html", form=form)
