"""Who is signed in, as the headers of the web server say.

Nobody but the web server can reach this application, and it removes these headers from the requests of clients.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from flask import abort, request

from models import Author, db, find_or_add_author


@dataclass(frozen=True)
class Account:
    """An account of the account centre; its id never changes, everything else can."""

    id: int
    name: str
    email: str
    role: str

    @property
    def is_superuser(self) -> bool:
        """Return whether the account may delete articles."""
        return self.role == "superuser"


def current_account() -> Account | None:
    """Return the account that is signed in; None for a visitor."""
    if "X-Account-Id" not in request.headers:
        return None
    return Account(
        id=int(request.headers["X-Account-Id"]),
        name=unquote(request.headers["Remote-Name"]),  # Values that are not ASCII are percent-encoded.
        email=unquote(request.headers["Remote-Email"]),
        role=request.headers["Remote-Groups"],
    )


def require_account() -> Account:
    """Return the account that is signed in. The web server admits no visitor; this is a second check."""
    return current_account() or abort(401)


def require_superuser() -> Account:
    """Return the account that is signed in, if it is that of a superuser."""
    account = require_account()
    return account if account.is_superuser else abort(403)


def author_of(account: Account) -> Author:
    """Return the author that belongs to an account, and add it when it is needed for the first time."""
    author = find_or_add_author(account.id, name=account.name, email=account.email)
    db.session.commit()
    return author
