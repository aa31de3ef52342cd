"""/dev/mailbox/: what was mailed, in development only."""

import re

from flask import Blueprint, render_template

from accounts import mailbox
from cms.guard import open_to_all

bp = Blueprint("mailbox", __name__, url_prefix="/dev")


@bp.get("/mailbox/")
@open_to_all
def show() -> str:
    """Show the mails, newest first, with their codes ready to copy."""
    return render_template("dev/mailbox.html", messages=mailbox.messages(), code_in=code_in)


def code_in(subject: str) -> str | None:
    """Return the code at the beginning of a subject."""
    found = re.match(r"\d{6}\b", subject)
    return found[0] if found else None
