"""One use case is one transaction: its changes, its row of history and its mails are committed together or not at all.

What was proved before the account was locked (a session, a password, a right) is proved again under the lock.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from accounts import audit, people, sessions
from accounts.errors import UNAVAILABLE, NobodyThere, NotAllowed, NotYourself, Refusal, SignInRequired
from accounts.events import EventName
from accounts.mail import outbox, worker
from accounts.mail.messages import Letter
from accounts.origin import Origin
from accounts.passwords import PasswordProof
from accounts.statements import Row
from models import CMSUser, LoginSession, db

_MANAGERS = select(CMSUser.id).where(CMSUser.is_superuser, CMSUser.is_active)


@dataclass(frozen=True)
class Actor:
    """An administrator who acts in a session, and where the request comes from."""

    user: CMSUser
    session: LoginSession
    origin: Origin


Requester = Actor | Origin
"""Who requests a use case: an administrator in a session, or else a visitor or the operator."""


@dataclass
class UnitOfWork:
    """A use case in progress: it locks accounts, writes the history and sends mails for its requester."""

    origin: Origin
    actor: Actor | None
    refused_id: int | None  # The account in whose history a refusal is recorded,
    refused_detail: dict[str, Any] = field(default_factory=dict)  # with these details.
    after_commit: list[Callable[[], object]] = field(default_factory=list)
    after_failure: list[Callable[[], object]] = field(default_factory=list)

    @property
    def actor_name(self) -> str:
        """Return the username of the acting administrator, or "" for the operator or a visitor."""
        return self.actor.user.username if self.actor else ""

    def record(
        self,
        account: CMSUser,
        event: EventName,
        *,
        fold: bool = False,
        actor_id: int | None = audit.OWNER,
        columns: Mapping[str, object] | None = None,
        **detail: Any,
    ) -> None:
        """Add a row to the history of a locked account; see `audit.record`.

        The actor is the acting administrator, the operator on the command line, or else the owner of the account.
        """
        if actor_id == audit.OWNER and self.actor:
            actor_id = self.actor.user.id
        elif actor_id == audit.OWNER and self.origin.is_command_line:
            actor_id = None
        audit.record(account, event, self.origin, fold=fold, actor_id=actor_id, columns=columns, **detail)

    def send(self, letter: Letter, account: CMSUser, *, to: str = "", **when: datetime) -> int:
        """Mail a letter about an account after the commit, to its address or another one; return the id of the mail.

        `when` is `due_at` or `not_after` of `outbox.Outgoing`.
        """
        return outbox.enqueue(letter, to or account.email, user_id=account.id, **when)

    def lock_own(self, proof: PasswordProof | None = None) -> CMSUser:
        """Lock the account of the acting administrator and return it as it is now.

        Raises SignInRequired if it was disabled or the session has ended, and the refusal of `proof` if the password or
        the address was changed since it was proved.
        """
        account, _ = self.lock_own_and_read(people.LOCK_SIGNED_IN)
        if proof is not None:
            proof.recheck(account)
        return account

    def lock_own_and_read(self, query: Select[Any], **values: object) -> tuple[CMSUser, Row]:
        """Lock as `lock_own` does, and return the row of a query that extends `people.LOCK_SIGNED_IN`."""
        assert self.actor is not None
        found = people.lock_signed_in(self.actor.session, query, **values)
        if found is None:
            raise SignInRequired
        return found

    def lock(self, user_id: int) -> CMSUser | None:
        """Lock the account that a link belongs to and return it as it is now; a refusal is recorded in its history."""
        self.refused_id = user_id
        return people.lock(user_id)

    def lock_with(self, user_id: int, also: Callable[[], set[int]]) -> dict[int, CMSUser]:
        """Lock the account that a link belongs to, and those that `also` finds; return all of them by id."""
        self.refused_id = user_id
        return people.lock_found(lambda: {user_id} | also())

    def lock_managing(self) -> CMSUser:
        """Lock the account of the acting administrator, who must be permitted to manage others.

        Raises SignInRequired, NotAllowed.
        """
        account = self.lock_own()
        _require_right(account)
        return account

    def lock_managed(self, user_id: int, also: Callable[[], set[int]] = set) -> dict[int, CMSUser]:
        """Lock the account that the requester manages, and those that `also` finds; return all of them by id.

        For the operator all superusers are locked as well, so that two commands cannot disable the last two at once.
        Raises NotYourself; NobodyThere, also if the account was erased; SignInRequired or NotAllowed if the session has
        ended or the right was lost.
        """
        actor_id = self.actor.user.id if self.actor else None
        if actor_id == user_id:
            raise NotYourself
        own = {user_id, actor_id} if actor_id else {user_id}
        accounts = people.lock_found(lambda: own | also() | (set() if self.actor else _managers()))
        if self.actor is not None:
            own_account = accounts.get(self.actor.user.id)
            if own_account is None or not own_account.is_active:
                raise SignInRequired
            sessions.require_alive(self.actor.session)
            _require_right(own_account)
        if user_id not in accounts or accounts[user_id].erased_at is not None:
            raise NobodyThere
        return accounts

    def restart(self) -> CMSUser:
        """Roll back, and lock the account of the acting administrator again."""
        db.session.rollback()
        return self.lock_own()


@contextlib.contextmanager
def begin(requester: Requester, **refused_detail: Any) -> Iterator[UnitOfWork]:
    """Run a use case as one transaction: commit, wake mail delivery, and run what is registered in `after_commit`.

    If the database or the cache is unavailable, run what is registered in `after_failure` instead. A refusal is
    recorded in the history of the acting administrator, or of the account that was locked, with `refused_detail`.
    """
    work = _work_of(requester)
    work.refused_detail = refused_detail
    try:
        yield from _run(work)
    except UNAVAILABLE:
        for act in work.after_failure:
            act()
        raise


def join(origin: Origin) -> UnitOfWork:
    """Return a unit of work inside the transaction of a mail task; delivery commits it."""
    return _work_of(origin)


def refuse(actor: Actor, refusal: Refusal) -> None:
    """Record a refusal that was decided before a use case began, and raise it."""
    with begin(actor):
        raise refusal


def _run(work: UnitOfWork) -> Iterator[UnitOfWork]:
    """Yield a use case, and commit it or record its refusal."""
    try:
        yield work
    except Refusal as refusal:
        if refusal.stands:
            _commit(work)
        else:
            db.session.rollback()
            _record_refusal(work, refusal)
        raise
    _commit(work)


def _work_of(requester: Requester) -> UnitOfWork:
    if isinstance(requester, Actor):
        return UnitOfWork(requester.origin, requester, requester.user.id)
    return UnitOfWork(requester, None, None)


def _record_refusal(work: UnitOfWork, refusal: Refusal) -> None:
    """Record a refusal in its own transaction; repetitions are counted in one row."""
    account = people.lock(work.refused_id) if work.refused_id else None
    if account is not None and account.erased_at is None:  # Otherwise it would contain personal data again.
        work.record(account, refusal.event, fold=True, **work.refused_detail)
        db.session.commit()


def _commit(work: UnitOfWork) -> None:
    db.session.commit()
    worker.wake_if_queued()
    for act in work.after_commit:
        act()


def _require_right(account: CMSUser) -> None:
    if not account.may("administrators"):
        raise NotAllowed


def _managers() -> set[int]:
    return set(db.session.scalars(_MANAGERS))
