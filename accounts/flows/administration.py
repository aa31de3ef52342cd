"""What one administrator may do to another, and how they are listed and created."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts import limits, links, passwords, pending, people, sessions, unit_of_work, usernames
from accounts.errors import EmailTaken, LastSuperuser, NobodyThere
from accounts.events import EventName
from accounts.mail import messages
from accounts.origin import Origin
from accounts.unit_of_work import Requester, UnitOfWork
from models import ChangeOutcome, CMSUser, EmailChange, db, email_key, name_key

PAGE = 50
SORTS = {"username": CMSUser.username_key, "email": CMSUser.email_key}


@dataclass(frozen=True)
class Page:
    """Some administrators in order, and where the next page begins, if there is one."""

    rows: Sequence[CMSUser]
    changes: dict[int, EmailChange]  # The pending changes of some of them, by the number of the account.
    after: str | None


def list_page(*, sort: str, beginning: str, after: str) -> Page:
    """Return the administrators whose user name or address begins so, sorted by it, from behind `after` on.

    One range of one index, however many there are: no counting, no skipping. Their pending changes are one query more.
    """
    column = SORTS[sort]
    start = name_key(beginning)
    begin = column > after if after >= start else column >= start  # One bound only: SQLite may take the lower of two.
    query = select(CMSUser).where(begin).order_by(column).limit(PAGE + 1)
    if start:
        query = query.where(column < start + "\U0010ffff")
    rows = db.session.scalars(query).all()
    shown = rows[:PAGE]
    changes = pending.of_accounts(user.id for user in shown)
    return Page(shown, changes, getattr(shown[-1], column.key) if len(rows) > PAGE else None)


@dataclass(frozen=True)
class Seen:
    """An administrator as another one sees them, with the change of address that waits, and who started it."""

    user: CMSUser
    change: EmailChange | None
    started_by: str


def find(user_id: int) -> Seen:
    """Return one administrator. Raises NobodyThere."""
    query = (
        select(CMSUser, EmailChange, pending.STARTER.username)
        .outerjoin(EmailChange, (EmailChange.user_id == CMSUser.id) & pending.ALIVE)
        .outerjoin(pending.STARTER, pending.STARTER.id == EmailChange.started_by)
    )
    found = db.session.execute(query.where(CMSUser.id == user_id)).first()
    if found is None:
        raise NobodyThere
    return Seen(found[0], found[1], found[2] or "")


def create(*, email: str, username: str, password: str, superuser: bool, origin: Origin) -> CMSUser:
    """Create an administrator whose address counts as proved.

    Raises IntegrityError if name or address is taken, EmailTaken if its former owner may still want the address back,
    UsernameTaken if the name looks like that of a superuser.
    """
    password_hash = passwords.hash_password(password)
    with unit_of_work.begin(origin) as work:
        if links.reserved(email_key(email)):
            raise EmailTaken
        usernames.refuse_lookalike_username(username, None)
        user = people.new_account(email, username, password_hash, superuser=superuser)
        db.session.add(user)
        db.session.flush()
        work.record(user, "administrator_created", superuser=superuser)
    return user


def set_role(requester: Requester, user_id: int, *, superuser: bool, reason: str) -> None:
    """Make somebody a superuser or an editor; an editor's started changes are withdrawn.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired, LastSuperuser, and UsernameTaken if the name of who
    would become a superuser looks like that of another one; then nothing is changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        accounts = work.lock_managed(user_id, also=lambda: pending.started_by(user_id))
        user = accounts[user_id]
        if user.is_superuser != superuser:
            _keep_a_superuser(user)
            if superuser:
                usernames.refuse_lookalike_username(user.username, user.id)
            user.is_superuser = superuser
            withdraw_started(work, user, accounts)
            _tell(work, user, "made_superuser" if superuser else "made_editor", reason)


def disable(requester: Requester, user_id: int, *, reason: str) -> None:
    """Disable somebody: their sessions end, and so do their pending change and those they started for others.

    Raises as set_role does.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        accounts = work.lock_managed(user_id, also=lambda: pending.started_by(user_id))
        user = accounts[user_id]
        if user.is_active:
            _keep_a_superuser(user)
            user.is_active = False
            pending.end(user.id, ChangeOutcome.DROPPED, by=work.actor_name)
            sessions.end_all(user)
            withdraw_started(work, user, accounts)
            _tell(work, user, "disabled", reason)


def enable(requester: Requester, user_id: int, *, reason: str) -> None:
    """Let somebody sign in again. Raises NobodyThere, NotYourself, NotAllowed, SignInRequired."""
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        if not user.is_active:
            user.is_active = True
            _tell(work, user, "enabled", reason)


def end_sessions(requester: Requester, user_id: int, *, reason: str) -> None:
    """End every session of somebody else. Raises NobodyThere, NotYourself, NotAllowed, SignInRequired."""
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        sessions.end_all(user)
        _tell(work, user, "sessions_ended", reason)


def drop_change(requester: Requester, user_id: int, *, reason: str) -> None:
    """Drop somebody's pending change of address, with a reason that they get to see.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(requester, whose=user_id) as work:
        user = work.lock_managed(user_id)[user_id]
        if pending.end(user.id, ChangeOutcome.DROPPED, by=work.actor_name):
            _tell(work, user, "change_dropped", reason)


def unlock(requester: Requester, user_id: int, *, reason: str) -> None:
    """Give somebody's spent tries back and end a freeze of their address. Raises NobodyThere."""
    with unit_of_work.begin(requester) as work:
        user = work.lock_managed(user_id)[user_id]
        limits.give_back(limits.tries_of_the_day(user.id))
        user.frozen_until = None
        _tell(work, user, "unlocked", reason)


def withdraw_started(
    work: UnitOfWork, starter: CMSUser, accounts: dict[int, CMSUser], since: datetime | None = None
) -> list[CMSUser]:
    """Withdraw the changes that somebody started for others (since a moment), and tell these; return them.

    All of `accounts` are locked: the starter's, and those whose changes they started.
    """
    owners = [accounts[user_id] for user_id in sorted(pending.started_by(starter.id, since))]
    for owner in owners:
        pending.end(owner.id, ChangeOutcome.WITHDRAWN)
        work.record(owner, "change_withdrawn", actor_id=None, by=starter.username)
        letter = messages.account_changed(
            messages.reader_of(owner),
            username=owner.username,
            what="change_withdrawn",
            reason="",
            by=starter.username,
            origin=work.origin,
        )
        work.send(letter, owner)
    return owners


def _keep_a_superuser(user: CMSUser) -> None:
    """Raise LastSuperuser if the account, which is locked, is the last one that can manage the others."""
    if not (user.is_superuser and user.is_active):
        return
    others = CMSUser.is_superuser, CMSUser.is_active, CMSUser.id != user.id
    if db.session.scalar(select(CMSUser.id).where(*others).limit(1)) is None:
        raise LastSuperuser


def _tell(work: UnitOfWork, user: CMSUser, event: EventName, reason: str) -> None:
    """Record what was done in the history of the account, and tell its owner who did it and why."""
    work.record(user, event, reason=reason, by=work.actor_name or "-")
    letter = messages.account_changed(
        messages.reader_of(user),
        username=user.username,
        what=event,
        reason=reason,
        by=work.actor_name,
        origin=work.origin,
    )
    work.send(letter, user)
