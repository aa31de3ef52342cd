"""/dev/mailbox/: outgoing mail, in development only."""

import re

from flask import Blueprint, Response, abort, render_template

from accounts.mail import mailbox
from cms import headers
from cms.guard import open_to_all

bp = Blueprint("cms_mailbox", __name__, url_prefix="/dev")
LIST_CSP = f"{headers.CSP}; frame-src 'self'"
MAIL_CSP = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@bp.get("/mailbox/")
@open_to_all
def show() -> Response:
    """Show the mails, newest first, with buttons to copy their codes, and their HTML parts in frames."""
    page = Response(render_template("cms/mailbox.html", messages=mailbox.messages(), code_in=code_in))
    page.headers["Content-Security-Policy"] = LIST_CSP
    return page


@bp.get("/mailbox/<message_id>/")
@open_to_all
def show_html(message_id: str) -> Response:
    """Show the HTML part of a mail with its inline styles, in a sandbox that runs and loads nothing."""
    found = mailbox.message(message_id)
    if found is None:
        abort(404)
    page = Response(found.html)
    page.headers["Content-Security-Policy"] = MAIL_CSP
    return page


def code_in(subject: str) -> str | None:
    """Return the code at the beginning of a subject."""
    found = re.match(r"\d{6}\b", subject)
    return found[0] if found else None
