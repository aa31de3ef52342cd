"""Turns results and refusals into JSON or pages; cms/sentences.py has the sentences."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from flask import Flask, Response, flash, g, jsonify, redirect, render_template, request, session, url_for
from flask.globals import request_ctx
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from accounts import database, errors
from accounts.flows import reauthentication
from accounts.security_log import log_refusal
from cms import guard
from cms.guard import SAFE, own_path
from cms.sentences import (
    CSRF_FAILED,
    HOST_UNKNOWN,
    HTTP_ERRORS,
    UNAVAILABLE,
    ErrorWord,
    RefusalResponse,
    joined,
    retry_sentence,
    tell,
)
from cms.urls import current_path
from forms import BaseForm, ReauthForm, all_errors
from telemetry import metrics
from telemetry.context import request_id
from validators import Typo

Answer = AnyResponse | tuple[str, int] | tuple[str, int, dict[str, str]]
UNAVAILABLE_SECONDS = 2
log = logging.getLogger(__name__)


ORDINARY: frozenset[ErrorWord] = frozenset(
    {
        "already_added",
        "already_changed",
        "already_reset",
        "asked_elsewhere",
        "challenge_expired",
        "change_dropped",
        "check_email",
        "code_missing",
        "internal",
        "invalid",
        "last_factor",
        "method_not_allowed",
        "not_found",
        "nothing_to_stop",
        "password_breached",
        "profile_changed",
        "reauth_required",
        "same_email",
        "set_up_expired",
        "sign_in_expired",
        "sign_in_required",
        "too_many_passkeys",
        "unavailable",
    }
)
"""Refusals of normal use, or with their own log line; all others are written to the security log."""
SPECIAL_KINDS = {guard.ForeignSite: "foreign_site", SecurityError: "unknown_host"}


class Invalid(Exception):
    """The submitted form is invalid."""

    def __init__(self, form: BaseForm) -> None:
        """Store the form with its errors."""
        super().__init__("invalid")
        self.form = form


class LikelyTypo(Exception):
    """The submitted address is valid but was probably mistyped: the user is asked to confirm it once."""

    def __init__(self, typo: Typo) -> None:
        """Store the typo with its question and suggestion."""
        super().__init__("likely typo")
        self.typo = typo


Checked = TypeVar("Checked", bound=BaseForm)


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(Invalid, _invalid)
    app.register_error_handler(LikelyTypo, _likely_typo)
    app.register_error_handler(errors.Refusal, _refused)
    app.register_error_handler(CSRFError, lambda _: _no(RefusalResponse(400, "csrf_failed", "", CSRF_FAILED)))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)
    for part in errors.UNAVAILABLE:
        app.register_error_handler(part, _unavailable)
    app.add_template_global(autofocus, "cms_autofocus")


def autofocus() -> str:
    """Return the `autofocus` attribute for the first caller of a request, and nothing for all others."""
    if "has_autofocus" in g:
        return ""
    g.has_autofocus = True
    return Markup("autofocus")


def wants_page() -> bool:
    """Return whether the client expects a page: its Accept header contains text/html, and it is not a script.

    Without a valid Host header no page can be rendered, because pages contain URLs.
    """
    has_addresses = request_ctx.url_adapter is not None
    is_script = "X-Requested-With" in request.headers
    return has_addresses and "text/html" in request.headers.get("Accept", "") and not is_script


def checked(form: Checked, page: Callable[[Checked], str]) -> Checked:
    """Return the submitted form if it is valid. Raises Invalid. Later refusals are shown on the page of the form."""
    g.refused_page, g.refused_form = partial(page, form), form
    if not form.validate():
        raise Invalid(form)
    return form


def done(
    message: str,
    to: str,
    *,
    note: Mapping[str, object] | None = None,
    **data: object,
) -> Answer:
    """Report success: JSON to a script, to all others a redirect to the next page with the message.

    A page with its own wording of the message reads `note`, which is stored in the session instead.
    """
    if wants_page():
        if note:
            session.update(note)
        elif message:
            flash(message)
        return redirect(to, 303)
    return _envelope(200, message, data)


def data(**found: object) -> Response:
    """Return data as JSON."""
    return _envelope(200, "", found)


def _envelope(status: int, message: str, data: dict[str, object]) -> Response:
    response = jsonify(code=status, message=message, data=data)
    response.status_code = status
    return response


def _no(
    said: RefusalResponse,
    *,
    fields: dict[str, list[str]] | None = None,
    retry_after: int = 0,
    kind: str = "",
    reason: str = "",
    **more: object,
) -> Answer:
    """Report a refusal: as JSON, on the page that was being used, or on an error page.

    Writes to the security log; `kind` replaces the error word there if it is more specific, and `reason` is added.
    """
    record_refusal(said.word, kind=kind, reason=reason)
    sentence = str(said.sentence)
    if retry_after and said.status != 503:
        sentence = joined(sentence, retry_sentence(retry_after))
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if wants_page():
        try:
            return _page(said, sentence, fields), said.status, headers
        except errors.Refusal as refusal:  # The page itself is refused meanwhile: its sign-in or set-up has expired.
            del g.refused_page
            if "_flashes" in session:
                session.pop("_flashes")
            return _refused(refusal)
    data: dict[str, object] = {"error": said.word, **more}
    if said.status >= 500:
        data["reference"] = request_id()
    if fields or said.field:
        data["fields"] = fields or {said.field: [sentence]}
    if retry_after:
        data["retry_after"] = retry_after
    response = _envelope(said.status, sentence, data)
    response.headers.update(headers)
    return response


def record_refusal(word: ErrorWord, *, kind: str = "", reason: str = "") -> None:
    """Name a refusal in the line of its request, and write it to the security log unless it is part of normal use."""
    g.error_word = word
    if kind or word not in ORDINARY:
        _log_refusal(kind or word, reason)


def record_outage(error: Exception) -> None:
    """Count and log that a service does not respond."""
    metrics.UNAVAILABLE.add(errors.service_of(error))
    log.warning("answered 503: %s: %s", type(error).__name__, _first_line(error))


def _log_refusal(kind: str, reason: str) -> None:
    """Write to the security log, with the URL pattern, because the path itself may contain a token."""
    what = f"{request.method} {request.url_rule or '-'}"
    session = g.get("session")  # Not the administrator: reading an expired row would query the database.
    network, account_id = request.remote_addr or "-", session and session.user_id
    log_refusal(kind, what, network=network, account_id=account_id, reason=reason)


def _page(said: RefusalResponse, sentence: str, fields: dict[str, list[str]] | None) -> str:
    if "refused_page" in g:
        database.close_session()  # The page must neither read nor write what was refused.
        try:
            return _form_page(said, sentence, fields)
        except errors.UNAVAILABLE as problem:
            session.pop("_flashes", None)  # The error page shows the sentence itself.
            log.warning("answered without the form page: %s: %s", type(problem).__name__, _first_line(problem))
    return _error_page(said.status, sentence)


def _form_page(said: RefusalResponse, sentence: str, fields: dict[str, list[str]] | None) -> str:
    """Render the page that was being used, with the sentence next to its field or at the top."""
    g.is_refused = said.word not in ("check_email", "code_missing")  # Questions are not errors.
    if said.status >= 500:
        sentence = gettext("%(sentence)s Reference: %(reference)s", sentence=sentence, reference=request_id())
    if said.field and not fields and said.field in g.refused_form:
        g.refused_form.add_error(said.field, sentence)
    elif not fields:
        flash(sentence, "refused")
    return str(g.refused_page())


def _error_page(status: int, sentence: str) -> str:
    """Render an error page with links to continue."""
    is_fault = status >= 500
    again = _way_back() if is_fault and request.method in SAFE else None
    host, _, path = (request.referrer or "").partition("://")[2].partition("/")
    before = own_path(f"/{path}") if host == request.host else None
    return render_template(
        "cms/error.html",
        status=status,
        sentence=sentence,
        visitor=_visitor(is_fault=is_fault),
        reference=request_id() if is_fault else "",
        again=again,
        before=before if before not in (again, _here()) else None,
    )


def _visitor(*, is_fault: bool) -> guard.Visitor | None:
    """Return who is signed in, for the navigation.

    After a fault only if it is already known: looking it up may be what fails.
    """
    if not is_fault:
        try:
            guard.is_signed_in()
        except errors.UNAVAILABLE:
            return None
    found: guard.Visitor | None = g.get("visitor")
    return found


def _invalid(error: Invalid) -> Answer:
    fields = all_errors(error.form)
    return _no(RefusalResponse(400, "invalid", "", next(iter(fields.values()))[0]), fields=fields)


def _likely_typo(error: LikelyTypo) -> Answer:
    g.typo = error.typo
    details = error.typo._asdict() | {"question": str(error.typo.question)}
    return _no(RefusalResponse(400, "check_email", "email", error.typo.question), **details)


def _refused(error: errors.Refusal) -> Answer:
    said, details = tell(error, of_another=request.blueprint == "cms_users")
    g.error_word = said.word
    if isinstance(error, errors.PasswordWrong) and "oldpwd" in g.get("refused_form", ()):
        said = said._replace(field="oldpwd")  # In a form with a new password, `password` is the new one.
    if wants_page() and isinstance(error, errors.SignInRequired):
        return redirect(url_for("cms_auth.login", next=_way_back()), 303)
    if isinstance(error, errors.ReauthRequired):
        return _reauth_required(said)
    if wants_page() and isinstance(error, errors.SecondFactorRequired | errors.SetUpExpired):
        if request.method not in SAFE or isinstance(error, errors.SetUpExpired):  # The page says why it is shown.
            flash(str(said.sentence), "refused")
        return redirect(url_for("cms_security.security"), 303)
    if wants_page() and isinstance(error, errors.SignInExpired):
        # The cookie stays unchanged: if a form was submitted twice, the first response has set another one.
        return redirect(url_for("cms_auth.login", expired="y", next=own_path(request.values.get("next"))), 303)
    if "hint" in details and isinstance(error, errors.SecondFactorWrong) and "refused_page" in g and wants_page():
        said = said._replace(sentence=joined(str(said.sentence), details["hint"]))
    wait = error.retry_after if isinstance(error, errors.WaitFirst) else 0
    return _no(said, retry_after=wait, reason=getattr(error, "reason", ""), **details)


def _reauth_required(said: RefusalResponse) -> Answer:
    """Ask for a proof: a script learns which ones are possible, all others get the page that asks for one."""
    try:
        if not wants_page():
            return _no(said, methods=reauthentication.list_methods(guard.actor()))
        form = ReauthForm(data={"next": _way_back()})
        is_submitted = request.method not in SAFE
        # Its fields would be confused with those here.
        if is_submitted and not any(request.form.get(field.name) for field in form):
            form.resume.data = current_path()
        return reauth_page(form), said.status
    except errors.UNAVAILABLE as problem:
        return _unavailable(problem)


def reauth_page(form: ReauthForm) -> str:
    """Render the page that asks for a proof, with the data of an interrupted form as hidden fields."""
    own, sent = ("csrf_token", *(field.name for field in form)), request.form.items(multi=True)
    carried = [(name, value) for name, value in sent if name not in own] if form.resume.data else []
    means = reauthentication.list_means(guard.actor())
    if "password+app" not in means.methods:
        form.without_app()
    return render_template("cms/reauth.html", form=form, carried=carried, means=means)


def _way_back() -> str | None:
    """Return the page to return to: this one, or the one whose form was submitted."""
    if request.method in SAFE:
        return own_path(_here())
    return own_path("/" + (request.referrer or "").partition("://")[2].partition("/")[2])


def _here() -> str:
    """Return the path and the query of the request."""
    query = request.query_string.decode("latin-1")
    return f"{current_path()}?{query}" if query else current_path()


def _http_error(error: HTTPException) -> Answer:
    if error.code is None or error.code < 400:
        return error.get_response()  # A redirect of the router.
    word, sentence = HTTP_ERRORS.get(error.code, HTTP_ERRORS[400])
    if isinstance(error, SecurityError):
        sentence = HOST_UNKNOWN
    answer = _no(RefusalResponse(error.code, word, "", sentence), kind=SPECIAL_KINDS.get(type(error), ""))
    if isinstance(error, MethodNotAllowed):  # RFC 9110, 15.5.6: a 405 lists the allowed methods.
        return _with_headers(answer, {"Allow": ", ".join(sorted(error.valid_methods or ()))})
    if error.code == 413:
        # The unread rest of the body would be parsed as the next request.
        return _with_headers(answer, {"Connection": "close"})
    return answer


def _with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    """Add headers to a response in either form."""
    if isinstance(answer, tuple):
        return answer[0], answer[1], headers
    answer.headers.update(headers)
    return answer


def _unavailable(error: Exception) -> Answer:
    record_outage(error)
    return _no(RefusalResponse(503, "unavailable", "", UNAVAILABLE), retry_after=UNAVAILABLE_SECONDS)


def _fault(error: Exception) -> Answer:
    """Report an error in the application, and log it with the id of the request, which is shown to the user."""
    log.error("answered 500", exc_info=error)
    word, sentence = HTTP_ERRORS[500]
    return _no(RefusalResponse(500, word, "", sentence))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
