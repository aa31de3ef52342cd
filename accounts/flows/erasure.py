"""The erasure of an administrator's personal data (GDPR, article 17). The history is kept under a pseudonym."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from accounts import audit, clock, limits, passwords, sessions, unit_of_work
from accounts.flows import administration, second_factor
from accounts.limits import HOUR, Limit
from accounts.mail import messages, outbox
from accounts.unit_of_work import Requester
from accounts.webhooks import events
from models import (
    Address,
    Audit,
    AuthenticatorApp,
    Budget,
    CMSUser,
    EmailChange,
    FactorReset,
    Invitation,
    Link,
    Mail,
    Passkey,
    PendingSignIn,
    RecoveryCode,
    db,
    email_key,
    name_key,
)

OWN_ROWS = (EmailChange, Link, Mail, Passkey, AuthenticatorApp, RecoveryCode, PendingSignIn, FactorReset)
"""The tables whose rows of an account are deleted, besides its sessions, invitations and budgets."""
KEPT_DETAILS = {
    *("by", "fields", "former_chain", "invited_by", "rows", "superuser", "whose"),
    *("factor", "kind", "left", "others"),  # Which second factors were used or removed. Their names are not kept.
}
ADDRESSES = {"email", "old", "new"}
OWN_ADDRESSES = {"old", "new"}  # The others were only entered, or belong to somebody else.


@dataclass(frozen=True)
class Erased:
    """What is left: under which id, how many rows were signed again, and what names the person elsewhere."""

    user_id: int
    rows: int
    exported_rows: int  # In files, which are not changed.
    actions: int  # In the histories of other accounts.


def erase(requester: Requester, user_id: int, *, reason: str) -> Erased:
    """Erase the personal data of an administrator, notify their address, and disable the account for ever.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired, LastSuperuser, HistoryBroken; then nothing is changed.
    """
    with unit_of_work.begin(requester) as work:
        accounts = work.lock_managed(user_id, also=lambda: administration.find_concerned(user_id))
        user = accounts[user_id]
        administration.require_another_superuser(user)
        letter = messages.account_erased(user, work.origin, by=work.actor_name, reason=reason)
        outbox.enqueue(letter, user.email, user_id=None)  # It is not about an account any more.
        pseudonyms, former_chain = Pseudonyms(user.id, {user.email_key}), user.audit_chain
        rows = audit.rewrite(user, pseudonyms.replace)
        _delete_rows(user, pseudonyms.own_keys)
        events.erase(user)
        told: dict[str, Any] = {"reason": reason, "by": work.actor_name or "-"}
        told |= {"rows": rows, "former_chain": former_chain}
        work.record(user, "account_erased", columns=_erased_columns(user), **told)
        administration.withdraw_started(work, user, accounts)
        _delete_origins(user)
        tie = audit.find_tie(user.id)
        return Erased(user.id, rows, tie.number if tie else 0, _count_actions(user))


@dataclass
class Pseudonyms:
    """Replaces personal data in the rows of a history: equal addresses get the same pseudonym."""

    user_id: int
    own_keys: set[str]  # Of the addresses that the account has had.
    _names: dict[str, str] = field(default_factory=dict)

    def replace(self, row: Mapping[str, Any]) -> Mapping[str, object]:
        """Return the columns of a row that get another value: its details, and from where the owner acted."""
        changed: dict[str, object] = {"detail": self._replace_detail(row["detail"])}
        if row["actor_id"] == self.user_id:
            changed |= {"network": "", "browser": ""}
        return changed

    def _replace_detail(self, detail: str) -> str:
        """Return the details without free text and without addresses."""
        told: dict[str, Any] = json.loads(detail)
        kept = {name: value for name, value in told.items() if name in KEPT_DETAILS}
        for name in ADDRESSES & told.keys():
            addresses = str(told[name]).split(", ")
            kept[name] = ", ".join(self._name(address, is_own=name in OWN_ADDRESSES) for address in addresses)
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    def _name(self, address: str, *, is_own: bool) -> str:
        key = email_key(address)
        if is_own:
            self.own_keys.add(key)
        return self._names.setdefault(key, f"address-{len(self._names) + 1}")


def _erased_columns(user: CMSUser) -> dict[str, object]:
    """Return what is stored in the place of personal data. Nobody can choose such a name or enter such an address."""
    name = f"erased:{user.id}"
    address = Address(f"{name}@erased.invalid", f"{name}@erased.invalid")  # RFC 2606
    profile = ("language", "time_zone", "mobile", "staff_number", "gender", "city")
    return {
        **dict.fromkeys((*profile, "signed_in_at", "frozen_until", "user_handle", "factor_required_at")),
        **passwords.new_hash_columns(user, passwords.NONE),
        "interests": [],
        "username": name,
        "username_key": name_key(name),
        "email": address.email,
        "email_key": address.key,
        "email_version": user.email_version + 1,
        "profile_version": user.profile_version + 1,
        "is_superuser": False,
        "is_active": False,
        "has_second_factor": False,
        "erased_at": clock.now(),
    }


def _delete_rows(user: CMSUser, own_keys: set[str]) -> None:
    """Delete the rows of an account in all tables but its history, with its invitations and budgets."""
    sessions.end_all(user)
    for model in OWN_ROWS:
        db.session.execute(delete(model).where(model.user_id == user.id))
    # A former address may have another owner by now.
    others = select(CMSUser.email_key).where(CMSUser.email_key.in_(own_keys), CMSUser.id != user.id)
    keys = own_keys - set(db.session.scalars(others))
    its = or_(Invitation.email_key.in_(keys), Invitation.invited_by == user.id)
    db.session.execute(delete(Invitation).where(its))
    counted = [Limit(f"{kind}:user:{user.id}", 0, HOUR) for kind in ("invitations", "password-links")]
    counted.append(second_factor.tries_of(user.id))
    for key in keys:
        counted += [*limits.tries(user.id, Address(key, key)), *limits.sends(user.id, Address(key, key), "")]
    hashes = sorted({limit.key for limit in counted if limit.kind != "sends:network"})
    db.session.execute(delete(Budget).where(Budget.key.in_(hashes)))


def _delete_origins(user: CMSUser) -> None:
    """Delete from where the person started changes and resets for others, which have ended."""
    for model in (EmailChange, FactorReset):
        db.session.execute(update(model).where(model.started_by == user.id).values(network="", browser=""))


def _count_actions(user: CMSUser) -> int:
    """Return how many rows in other histories the person has caused."""
    its = Audit.actor_id == user.id, Audit.user_id != user.id
    return db.session.scalar(select(func.count()).select_from(Audit).where(*its)) or 0
