"""The receiver of webhooks: it keeps the names and addresses of authors as they are in the account centre."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from standardwebhooks import Webhook, WebhookVerificationError

from models import Author, ReceivedEvent, db, find_or_add_author, now

bp = Blueprint("hooks", __name__)
KEPT = timedelta(days=40)  # The account centre can repeat events for 35 days.
FORMER = {"name": "Former author", "email": ""}


@bp.post("/hooks/accounts")
def receive() -> Response:
    """Store an event, and accept it after the commit; any other answer makes the account centre send it again."""
    try:
        event = Webhook(current_app.config["WEBHOOK_SECRET"]).verify(request.get_data(), dict(request.headers))
    except (WebhookVerificationError, ValueError):  # ValueError: a signature or a body that cannot be decoded.
        abort(401)
    if event["type"].startswith("account."):
        store(request.headers["webhook-id"], event["data"])
    return Response(status=204)


def store(webhook_id: str, data: dict[str, Any]) -> None:
    """Store an event, unless it is a repetition or older than what is known of the account."""
    db.session.add(ReceivedEvent(webhook_id=webhook_id))
    try:
        db.session.flush()
    except IntegrityError:  # It was stored before.
        db.session.rollback()
        return
    values = describe(data["after"])
    find_or_add_author(data["account_id"], name=values.get("name", ""), email=values.get("email", ""))
    is_older = Author.event_number < data["number"]
    changed = update(Author).where(Author.account_id == data["account_id"], is_older)
    db.session.execute(changed.values(event_number=data["number"], **values))
    db.session.execute(delete(ReceivedEvent).where(ReceivedEvent.received_at < now() - KEPT))
    db.session.commit()


def describe(after: dict[str, Any] | None) -> dict[str, Any]:
    """Return what this CMS keeps of an account."""
    if after is None:  # The personal data was erased before this event was delivered; another event follows.
        return {}
    if after["is_erased"]:
        return {**FORMER, "is_active": False}
    return {"name": after["username"], "email": after["email"], "is_active": not after["is_disabled"]}
