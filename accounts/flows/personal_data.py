"""A copy of everything that is stored about one administrator (GDPR, article 15), without anything secret."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from accounts import audit, clock, unit_of_work
from accounts.errors import NobodyThere
from accounts.origin import Origin
from models import (
    Audit,
    AuthenticatorApp,
    Base,
    CMSUser,
    EmailChange,
    FactorReset,
    Invitation,
    Link,
    LoginSession,
    Mail,
    Passkey,
    PendingSignIn,
    RecoveryCode,
    WebhookEvent,
    db,
    table,
)

# The columns are named one by one, so that a new one is not in a copy before somebody has thought about it.
ACCOUNT = (
    "id username email is_superuser is_active language time_zone mobile staff_number gender city interests created_at "
    "signed_in_at acted_at frozen_until has_second_factor factor_required_at erased_at"
).split()
SESSION = "created_at seen_at proved_at remembered network browser".split()
CHANGE = (
    "email asked_at expires_at is_assisted started_by tries new_proved old_proved network browser outcome ended_by"
).split()
LINK = "purpose email created_at expires_at ended_at since network browser".split()
MAIL = "kind recipient state created_at due_at not_after tries done_at problem".split()
INVITATION = "email is_superuser invited_by created_at expires_at".split()
PASSKEY = "name transports created_at used_at".split()
APP = "created_at confirmed_at used_at".split()
RECOVERY_CODE = "created_at used_at".split()
PENDING_SIGN_IN = "remembered expires_at".split()
RESET = "user_id started_by reason asked_at due_at expires_at network browser outcome".split()
EVENT = "number event at last_at times actor_id network browser detail request_id".split()
WEBHOOK_EVENT = "number type at payload".split()
ACTION = "user_id event at last_at times network browser request_id".split()


def export(user_id: int, origin: Origin) -> dict[str, Any]:
    """Return the copy, as values of JSON, and record in the history that it was made. Raises NobodyThere."""
    with unit_of_work.begin(origin) as work:
        user = work.lock(user_id)
        if user is None:
            raise NobodyThere
        copy = _collect(user)
        work.record(user, "data_exported", by="-")
    return copy


def _collect(user: CMSUser) -> dict[str, Any]:
    tie = audit.find_tie(user.id)
    exported = {"rows": tie.number, "until": tie.last_at.isoformat(), "file": tie.file} if tie else None
    about = or_(Invitation.email_key == user.email_key, Invitation.invited_by == user.id)
    elsewhere = Audit.actor_id == user.id, Audit.user_id != user.id
    history = _rows(Audit, EVENT, Audit.user_id == user.id)
    codes = _rows(RecoveryCode, RECOVERY_CODE, RecoveryCode.user_id == user.id)
    resets = or_(FactorReset.user_id == user.id, FactorReset.started_by == user.id)
    told = _rows(WebhookEvent, WEBHOOK_EVENT, WebhookEvent.user_id == user.id)
    return {
        "created_at": clock.now().isoformat(),
        "account": {name: _plain(getattr(user, name)) for name in ACCOUNT},
        "sessions": _rows(LoginSession, SESSION, LoginSession.user_id == user.id),
        "email_changes": _rows(EmailChange, CHANGE, EmailChange.user_id == user.id),
        "links": _rows(Link, LINK, Link.user_id == user.id),
        "mails": _rows(Mail, MAIL, or_(Mail.user_id == user.id, Mail.recipient == user.email)),
        "invitations": _rows(Invitation, INVITATION, about),
        "passkeys": _rows(Passkey, PASSKEY, Passkey.user_id == user.id),
        "authenticator_apps": _rows(AuthenticatorApp, APP, AuthenticatorApp.user_id == user.id),
        "recovery_codes": codes,
        "recovery_codes_left": sum(code["used_at"] is None for code in codes),
        "pending_sign_ins": _rows(PendingSignIn, PENDING_SIGN_IN, PendingSignIn.user_id == user.id),
        "factor_resets": _rows(FactorReset, RESET, resets),
        "webhook_events": [{**row, "payload": json.loads(row["payload"])} for row in told],
        "history": [{**row, "detail": json.loads(row["detail"])} for row in history],
        "exported_history": exported,
        "actions_on_other_accounts": _rows(Audit, ACTION, *elsewhere),
    }


def _rows(model: type[Base], names: list[str], *where: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Return these columns of the rows, in the order in which they were added."""
    columns = table(model).c
    query = select(*(columns[name] for name in names)).where(*where).order_by(columns["id"])
    return [{name: _plain(row._mapping[name]) for name in names} for row in db.session.execute(query)]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
