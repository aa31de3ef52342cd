"""Outcome -> JSON or page. The one table that knows the status, the word, the field and the sentence of a refusal."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from flask import Flask, Response, flash, g, jsonify, redirect, render_template, request, session, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from accounts import errors
from cms.guard import SAFE, own_path
from forms import CODE_WRONG, BaseForm, Doubt, ReauthForm, all_errors

Answer = AnyResponse | tuple[str, int] | tuple[str, int, dict[str, str]]
UNAVAILABLE_SECONDS = 2
log = logging.getLogger(__name__)


class Said(NamedTuple):
    """How a refusal is told: HTTP status, stable word, field that it belongs to ("" for none), sentence."""

    status: int
    word: str
    field: str
    sentence: Any


REFUSALS: dict[type[errors.Refusal], Said] = {
    errors.SignInRequired: Said(401, "sign_in_required", "", lazy_gettext("Please sign in.")),
    errors.ReauthRequired: Said(401, "reauth_required", "", lazy_gettext("Please enter your password once more.")),
    errors.WrongCredentials: Said(400, "wrong_credentials", "", lazy_gettext("The address or the password is wrong.")),
    errors.PasswordWrong: Said(400, "password_wrong", "password", lazy_gettext("The password is wrong.")),
    errors.SameEmail: Said(400, "same_email", "email", lazy_gettext("This is already your e-mail address!")),
    errors.EmailTaken: Said(409, "email_taken", "email", lazy_gettext("This address belongs to another account.")),
    errors.CodeWrong: Said(400, "code_wrong", "captcha", CODE_WRONG),
    errors.CodeExpired: Said(
        400, "code_expired", "captcha", lazy_gettext("The code has expired. Please get a new one.")
    ),
    errors.AskedElsewhere: Said(
        409,
        "asked_elsewhere",
        "captcha",
        lazy_gettext("This code was requested in another browser. Enter it there, or get a new code here."),
    ),
    errors.ChangeDropped: Said(409, "change_dropped", "captcha", ""),
    errors.AlreadyChanged: Said(
        409,
        "already_changed",
        "",
        lazy_gettext(
            "The change has already been made. To undo it, use the link in the mail that tells of the change."
        ),
    ),
    errors.NothingToStop: Said(
        410, "nothing_to_stop", "", lazy_gettext("This change was cancelled or has expired: there is nothing to stop.")
    ),
    errors.CodeMissing: Said(400, "code_missing", "captcha", ""),
    errors.ChangesFrozen: Said(
        403, "changes_frozen", "", lazy_gettext("A change was undone lately, so the address stays as it is for now.")
    ),
    errors.LinkDead: Said(
        410, "link_dead", "", lazy_gettext("This link is used, too old, or was replaced by a newer one.")
    ),
    errors.UsernameTaken: Said(409, "username_taken", "username", lazy_gettext("This user name is taken.")),
    errors.ProfileChanged: Said(
        409,
        "profile_changed",
        "",
        lazy_gettext("Your data were changed in another window. Please look at the saved data and try again."),
    ),
    errors.LastSuperuser: Said(
        409,
        "last_superuser",
        "",
        lazy_gettext("This is the last superuser: nobody could manage the accounts any more."),
    ),
    errors.NotAllowed: Said(403, "forbidden", "", lazy_gettext("This is not allowed.")),
    errors.NotYourself: Said(409, "not_yourself", "", lazy_gettext("You cannot do this to your own account.")),
    errors.NobodyThere: Said(404, "nobody_there", "", lazy_gettext("There is no such administrator.")),
    errors.TooManyAttempts: Said(
        429, "too_many_attempts", "captcha", lazy_gettext("Too many wrong codes. Please get a new one later.")
    ),
    errors.TooManyRequests: Said(
        429, "too_many_requests", "", lazy_gettext("Too many requests. Please wait a little.")
    ),
}
HTTP_ERRORS = {
    400: ("bad_request", lazy_gettext("The request could not be understood.")),
    403: ("forbidden", lazy_gettext("This is not allowed.")),
    404: ("not_found", lazy_gettext("There is nothing here.")),
    405: ("method_not_allowed", lazy_gettext("This cannot be done here.")),
    413: ("too_large", lazy_gettext("That is too much to send.")),
    415: ("unsupported_media_type", lazy_gettext("Please send a form.")),
    500: (
        "internal",
        lazy_gettext("Something went wrong on our side. Please look whether it was done before you try again."),
    ),
}
FIELD_OF = {"new": "captcha", "old": "old_captcha"}
STILL_MISSING = {
    "new": lazy_gettext("Right. Now enter the code that was mailed to the new address, too."),
    "old": lazy_gettext("Right. Now enter the code that was mailed to your present address, too."),
}
CSRF_FAILED = lazy_gettext("This page is too old. Please reload it and try again.")
UNAVAILABLE = lazy_gettext("The service is not available right now. Please try again in a moment.")


class Invalid(Exception):
    """What was sent does not pass its form."""

    def __init__(self, form: BaseForm) -> None:
        """Keep the form, which knows what is wrong."""
        super().__init__("invalid")
        self.form = form


class Doubtful(Exception):
    """What was sent passes its form and looks like a slip all the same: the sender is asked, once."""

    def __init__(self, doubt: Doubt) -> None:
        """Keep what looks wrong, and what may be right."""
        super().__init__("doubtful")
        self.doubt = doubt


Checked = TypeVar("Checked", bound=BaseForm)


def init_app(app: Flask) -> None:
    """Turn whatever is raised anywhere into an answer."""
    app.register_error_handler(Invalid, _invalid)
    app.register_error_handler(Doubtful, _doubted)
    app.register_error_handler(errors.Refusal, _refused)
    app.register_error_handler(CSRFError, lambda _: _no(Said(400, "csrf_failed", "", CSRF_FAILED)))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)
    for part in errors.UNAVAILABLE:
        app.register_error_handler(part, _unavailable)


def wants_page() -> bool:
    """Say whether the client reads pages: its Accept names text/html, and it is no script."""
    return "text/html" in request.headers.get("Accept", "") and "X-Requested-With" not in request.headers


def checked(form: Checked, page: Callable[[Checked], str]) -> Checked:
    """Return the sent form if it passes. Raises Invalid. Whatever refuses it from now on is shown on its page."""
    g.refused_page, g.refused_form = partial(page, form), form
    if not form.validate():
        raise Invalid(form)
    return form


def done(message: str, to: str, *, note: Mapping[str, object] | None = None, **data: object) -> Answer:
    """Say that it is done: JSON to a script, to everybody else the next page with the message on it.

    A next page that says it in words of its own finds the note in the session instead of the message.
    """
    if wants_page():
        if note:
            session.update(note)
        elif message:
            flash(message)
        return redirect(to, 303)
    return _envelope(200, message, data)


def data(**found: object) -> Response:
    """Answer a script's question."""
    return _envelope(200, "", found)


def _envelope(status: int, message: str, data: dict[str, object]) -> Response:
    response = jsonify(code=status, message=message, data=data)
    response.status_code = status
    return response


def _no(said: Said, *, fields: dict[str, list[str]] | None = None, retry_after: int = 0, **more: object) -> Answer:
    """Refuse: a JSON envelope, or the page that was being used with the sentence on it, or a page of its own."""
    sentence = str(said.sentence)
    if retry_after and said.status != 503:
        sentence = gettext("%(sentence)s %(next)s", sentence=sentence, next=_retry_sentence(retry_after))
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if wants_page():
        return _page(said, sentence, fields), said.status, headers
    data: dict[str, object] = {"error": said.word, **more}
    if fields or said.field:
        data["fields"] = fields or {said.field: [sentence]}
    if retry_after:
        data["retry_after"] = retry_after
    response = _envelope(said.status, sentence, data)
    response.headers.update(headers)
    return response


def _page(said: Said, sentence: str, fields: dict[str, list[str]] | None) -> str:
    if "refused_page" not in g:
        return render_template("error.html", status=said.status, sentence=sentence)
    if said.field and not fields and said.field in g.refused_form:
        g.refused_form.refuse(said.field, sentence)
    elif not fields:
        flash(sentence, "refused")
    return str(g.refused_page())


def _invalid(error: Invalid) -> Answer:
    fields = all_errors(error.form)
    return _no(Said(400, "invalid", "", next(iter(fields.values()))[0]), fields=fields)


def _doubted(error: Doubtful) -> Answer:
    g.doubt = error.doubt
    told = error.doubt._asdict() | {"question": str(error.doubt.question)}
    return _no(Said(400, "check_email", "email", error.doubt.question), **told)


def _refused(error: errors.Refusal) -> Answer:
    said = REFUSALS[type(error)]
    if wants_page() and isinstance(error, errors.SignInRequired):
        return redirect(url_for("auth.login", next=_way_back()), 303)
    if wants_page() and isinstance(error, errors.ReauthRequired):
        return reauth_page(ReauthForm(data={"next": _way_back(), "resume": request.path})), said.status
    told, details = _told(error, said)
    return _no(told, retry_after=error.retry_after if isinstance(error, errors.WaitFirst) else 0, **details)


def _told(error: errors.Refusal, said: Said) -> tuple[Said, dict[str, Any]]:
    """Return how this very refusal is told, and what else its answer carries."""
    if isinstance(error, errors.CodeWrong):
        left = ngettext("%(num)d try left.", "%(num)d tries left.", error.tries_left)
        return said._replace(field=FIELD_OF[error.whose]), {"tries_left": error.tries_left, "hint": left}
    if isinstance(error, errors.PasswordWrong) and "oldpwd" in g.get("refused_form", ()):
        return said._replace(field="oldpwd"), {}  # Where a new password is typed, too, `password` is that one.
    if isinstance(error, errors.CodeMissing):
        return said._replace(field=FIELD_OF[error.missing], sentence=STILL_MISSING[error.missing]), {}
    if isinstance(error, errors.ChangeDropped):
        by = error.by or gettext("the operator")
        sentence = gettext("This change was dropped by %(by)s. The reason is in the mail you got.", by=by)
        return said._replace(sentence=sentence), {"by": error.by}
    return said, {}


def reauth_page(form: ReauthForm) -> str:
    """Show the page that asks for the password once more, and that carries along what an interrupted form held."""
    own = ("csrf_token", *(field.name for field in form))
    carried = [(name, value) for name, value in request.form.items(multi=True) if name not in own]
    return render_template("cms/reauth.html", form=form, carried=carried)


def _way_back() -> str | None:
    """Return the page to come back to: this one, or the one whose form was sent."""
    here = request.full_path if request.query_string else request.path
    if request.method in SAFE:
        return own_path(here)
    return own_path("/" + (request.referrer or "").partition("://")[2].partition("/")[2])


def _http_error(error: HTTPException) -> Answer:
    if error.code is None or error.code < 400:
        return error.get_response()  # A redirect of the router's own.
    word, sentence = HTTP_ERRORS.get(error.code, HTTP_ERRORS[400])
    answer = _no(Said(error.code, word, "", sentence))
    if isinstance(error, MethodNotAllowed):  # RFC 9110, 15.5.6: a 405 names what is allowed.
        return _with_headers(answer, {"Allow": ", ".join(sorted(error.valid_methods or ()))})
    if error.code == 413:
        # The next request would be taken for the rest of a body that nobody read.
        return _with_headers(answer, {"Connection": "close"})
    return answer


def _with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    """Add headers to an answer, whichever form it has."""
    if isinstance(answer, tuple):
        return answer[0], answer[1], headers
    answer.headers.update(headers)
    return answer


def _unavailable(error: Exception) -> Answer:
    log.warning("answered 503: %s: %s", type(error).__name__, str(error).partition("\n")[0])
    return _no(Said(503, "unavailable", "", UNAVAILABLE), retry_after=UNAVAILABLE_SECONDS)


def _fault(error: Exception) -> Answer:
    """Answer a fault of ours: the log has it, the reader only learns that it is ours."""
    log.error("answered 500", exc_info=error)
    word, sentence = HTTP_ERRORS[500]
    return _no(Said(500, word, "", sentence))


def _retry_sentence(seconds: int) -> str:
    """Say how long to wait, in the unit in which a person would."""
    if seconds < 100:
        return str(ngettext("Try again in %(num)d second.", "Try again in %(num)d seconds.", seconds))
    minutes = -(-seconds // 60)
    if minutes < 100:
        return str(ngettext("Try again in %(num)d minute.", "Try again in %(num)d minutes.", minutes))
    return str(ngettext("Try again in %(num)d hour.", "Try again in %(num)d hours.", -(-minutes // 60)))
