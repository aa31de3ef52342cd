"""Superusers and the operator list, create and manage administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from accounts import address_policy, limits, passwords, pending, people, sessions, unit_of_work, usernames
from accounts.errors import LastSuperuser, NobodyThere
from accounts.events import EventName
from accounts.factors import pending_sign_ins, policy, resets
from accounts.flows import factor_reset
from accounts.mail import messages
from accounts.origin import Origin
from accounts.unit_of_work import Requester, UnitOfWork
from models import Address, ChangeOutcome, CMSUser, EmailChange, FactorReset, db, name_key

PAGE = 50
SORTS = {"username": CMSUser.username_key, "email": CMSUser.email_key}


@dataclass(frozen=True)
class Page:
    """A page of administrators, and where the next page begins, if there is one."""

    rows: Sequence[CMSUser]
    changes: dict[int, EmailChange]  # Their pending changes, by the id of the account.
    after: str | None


def list_page(*, sort: str, beginning: str, after: str) -> Page:
    """Return the administrators whose username or address has this beginning, sorted by it, after the key `after`.

    The query reads one range of one index, however many administrators there are. A second one reads their changes.
    """
    column = SORTS[sort]
    start = name_key(beginning)
    begin = column > after if after >= start else column >= start  # One bound only: SQLite may take the lower of two.
    query = select(CMSUser).where(begin).order_by(column).limit(PAGE + 1)
    if start:
        query = query.where(column < start + "\U0010ffff")
    rows = db.session.scalars(query).all()
    shown = rows[:PAGE]
    changes = pending.list_by_account(user.id for user in shown)
    return Page(shown, changes, getattr(shown[-1], column.key) if len(rows) > PAGE else None)


@dataclass(frozen=True)
class Details:
    """An administrator with the pending change and the reset that waits, and the usernames of who started them."""

    user: CMSUser
    change: EmailChange | None
    started_by: str
    reset: FactorReset | None
    reset_by: str


def find(user_id: int) -> Details:
    """Return one administrator. Raises NobodyThere."""
    query = (
        select(CMSUser, EmailChange, pending.STARTER.username, FactorReset, resets.STARTER.username)
        .outerjoin(EmailChange, (EmailChange.user_id == CMSUser.id) & pending.ALIVE)
        .outerjoin(pending.STARTER, pending.STARTER.id == EmailChange.started_by)
        .outerjoin(FactorReset, and_(FactorReset.user_id == CMSUser.id, *resets.waiting()))
        .outerjoin(resets.STARTER, resets.STARTER.id == FactorReset.started_by)
    )
    found = db.session.execute(query.where(CMSUser.id == user_id)).first()
    if found is None:
        raise NobodyThere
    return Details(found[0], found[1], found[2] or "", found[3], found[4] or "")


def create(
    *, address: Address, username: str, password: str, superuser: bool, origin: Origin, any_domain: bool = False
) -> CMSUser:
    """Create an administrator whose address counts as proved; `any_domain` ignores EMAIL_DOMAINS.

    Raises DomainNotAllowed, PasswordBreached, EmailTaken, and UsernameTaken if the name is taken or looks like that of
    a superuser.
    """
    if not any_domain:
        address_policy.refuse_domain(address)
    password_hash = passwords.hash_new(password)
    with unit_of_work.begin(origin) as work:
        user = people.new_account(address, username, password_hash, superuser=superuser)
        people.add(user)
        work.record(user, "administrator_created", superuser=superuser)
    return user


def set_role(requester: Requester, user_id: int, *, superuser: bool, reason: str) -> None:
    """Make an administrator a superuser or an editor; changes and resets that an editor had started are withdrawn.

    Sign-ins that wait for a second factor end, because they began with another role. A grace period for setting up a
    second factor begins when the policy applies to the new role.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired, LastSuperuser, and UsernameTaken if the username of a
    new superuser looks like that of another one; then nothing is changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        accounts = work.lock_managed(user_id, also=lambda: find_concerned(user_id))
        user = accounts[user_id]
        if user.is_superuser != superuser:
            require_another_superuser(user)
            if superuser:
                usernames.refuse_lookalike_username(user.username, user.id)
            pending_sign_ins.end_all(user)
            withdraw_started(work, user, accounts)
            event: EventName = "made_superuser" if superuser else "made_editor"
            columns = {"is_superuser": superuser, **policy.new_role_columns(user)}
            _record_and_notify(work, user, event, reason, **columns)


def disable(requester: Requester, user_id: int, *, reason: str) -> None:
    """Disable an administrator: their sessions and sign-ins end, and their pending change and reset of second factors.

    What they started for others ends as well. Their second factors are kept. Raises the same as `set_role`.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        accounts = work.lock_managed(user_id, also=lambda: find_concerned(user_id))
        user = accounts[user_id]
        if user.is_active:
            require_another_superuser(user)
            pending.end(user.id, ChangeOutcome.DROPPED, by=work.actor_name)
            resets.end(user, ChangeOutcome.DROPPED)
            sessions.end_all(user)
            pending_sign_ins.end_all(user)
            withdraw_started(work, user, accounts)
            _record_and_notify(work, user, "disabled", reason, is_active=False)


def enable(requester: Requester, user_id: int, *, reason: str) -> None:
    """Enable a disabled administrator. Raises NobodyThere, NotYourself, NotAllowed, SignInRequired."""
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        if not user.is_active:
            _record_and_notify(work, user, "enabled", reason, is_active=True)


def end_sessions(requester: Requester, user_id: int, *, reason: str) -> None:
    """End all sessions of another administrator, and the sign-ins that wait for a second factor.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        sessions.end_all(user)
        pending_sign_ins.end_all(user)
        _record_and_notify(work, user, "sessions_ended", reason)


def drop_change(requester: Requester, user_id: int, *, reason: str) -> None:
    """Drop the pending change of another administrator, who is told the reason.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        if pending.end(user.id, ChangeOutcome.DROPPED, by=work.actor_name):
            _record_and_notify(work, user, "change_dropped", reason)


def unlock(requester: Requester, user_id: int, *, reason: str) -> None:
    """Reset the tries of an administrator and end a freeze of the address. Raises NobodyThere."""
    with unit_of_work.begin(requester) as work:
        user = work.lock_managed(user_id)[user_id]
        limits.reset(limits.tries_of_user(user.id))
        _record_and_notify(work, user, "unlocked", reason, frozen_until=None)


@dataclass(frozen=True)
class Withdrawn:
    """The accounts whose changes of address, and whose resets of second factors, were withdrawn."""

    changes: list[CMSUser]
    resets: list[CMSUser]


def find_concerned(starter_id: int) -> set[int]:
    """Return the ids of the accounts for which an administrator has started a change or a reset that is pending."""
    return pending.find_started_by(starter_id) | resets.find_started_by(starter_id)


def withdraw_started(
    work: UnitOfWork, starter: CMSUser, accounts: dict[int, CMSUser], since: datetime | None = None
) -> Withdrawn:
    """Withdraw the changes and resets that an administrator started for others, optionally since a moment.

    `accounts` are the locked accounts of the starter and of the others, who are notified.
    """
    owners = [accounts[user_id] for user_id in sorted(pending.find_started_by(starter.id, since))]
    for owner in owners:
        pending.end(owner.id, ChangeOutcome.WITHDRAWN)
        work.record(owner, "change_withdrawn", actor_id=None, by=starter.username)
        work.send(messages.account_changed(owner, work.origin, what="change_withdrawn", by=starter.username), owner)
    others = [accounts[user_id] for user_id in sorted(resets.find_started_by(starter.id, since))]
    for owner in others:
        resets.end(owner, ChangeOutcome.WITHDRAWN)
        factor_reset.record_withdrawal(work, owner, starter)
    return Withdrawn(owners, others)


def require_another_superuser(user: CMSUser) -> None:
    """Raise LastSuperuser if a locked account is the last one that can manage others."""
    if not (user.is_superuser and user.is_active):
        return
    others = CMSUser.is_superuser, CMSUser.is_active, CMSUser.id != user.id
    if db.session.scalar(select(CMSUser.id).where(*others).limit(1)) is None:
        raise LastSuperuser


def _record_and_notify(work: UnitOfWork, user: CMSUser, event: EventName, reason: str, **columns: object) -> None:
    """Write columns of an account and record the event in its history, and notify its owner who did it and why."""
    work.record(user, event, columns=columns, reason=reason, by=work.actor_name or "-")
    letter = messages.account_changed(user, work.origin, what=event, by=work.actor_name, reason=reason)
    work.send(letter, user)
