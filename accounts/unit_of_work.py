"""One use case is one transaction: what it changes, its row of history and its mails are committed together, or not.

Whatever was proved before the account was locked (a session, a password, a right) is proved again under the lock.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from accounts import audit, people, sessions
from accounts.errors import NobodyThere, NotAllowed, NotYourself, Refusal, SignInRequired
from accounts.events import EventName
from accounts.mail import outbox, worker
from accounts.mail.messages import Letter
from accounts.origin import Origin
from accounts.passwords import PasswordProof
from models import CMSUser, LoginSession, db

_MANAGERS = select(CMSUser.id).where(CMSUser.is_superuser, CMSUser.is_active)


@dataclass(frozen=True)
class Actor:
    """An administrator who acts in a session, and where the request came from."""

    user: CMSUser
    session: LoginSession
    origin: Origin


Requester = Actor | Origin
"""Who asks for a use case: an administrator in a session, or a visitor or the operator, of whom only this is known."""


@dataclass
class UnitOfWork:
    """A use case that is under way: it locks accounts, records what happens and knows who asked for it."""

    origin: Origin
    actor: Actor | None
    refused_id: int | None  # In whose history a refusal is recorded.
    refused_detail: dict[str, Any] = field(default_factory=dict)  # What the row tells beside the refusal itself.
    after_commit: list[Callable[[], object]] = field(default_factory=list)

    @property
    def actor_name(self) -> str:
        """Return the user name of who acts, or "" for the operator or a visitor."""
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
        """Add a row to the history of an account, which is locked; see `audit.record`.

        Who did it is who acts, the operator on the command line, or else the owner of the account.
        """
        if actor_id == audit.OWNER and self.actor:
            actor_id = self.actor.user.id
        elif actor_id == audit.OWNER and self.origin.is_command_line:
            actor_id = None
        audit.record(account, event, self.origin, fold=fold, actor_id=actor_id, columns=columns, **detail)

    def send(self, letter: Letter, account: CMSUser, **when: datetime) -> None:
        """Mail a letter to the address of an account after the commit."""
        outbox.enqueue(letter, account.email, user_id=account.id, **when)

    def lock_own(self, proof: PasswordProof | None = None) -> CMSUser:
        """Lock the account of who acts and return it as it is now.

        Raises SignInRequired if it was disabled or the session ended meanwhile; what `proof` raises if the password or
        the address was changed since it was proved.
        """
        assert self.actor is not None
        account, _ = self._recheck_actor(people.lock(self.actor.user.id))
        if proof is not None:
            proof.recheck(account)
        return account

    def lock_own_and_read(self, query: Select[Any], **values: object) -> tuple[CMSUser, Row[Any]]:
        """Lock as `lock_own` does, and return the row of a query that extends `sessions.LIVING`.

        It replaces the query for the session, and is executed after the lock: PostgreSQL would evaluate a subquery of
        the locking statement itself on the data from before the wait.
        """
        assert self.actor is not None
        return self._recheck_actor(people.lock(self.actor.user.id), query, **values)

    def lock(self, user_id: int) -> CMSUser | None:
        """Lock the account that a link belongs to and return it as it is now; a refusal goes into its history."""
        self.refused_id = user_id
        return people.lock(user_id)

    def lock_with(self, user_id: int, also: Callable[[], set[int]]) -> dict[int, CMSUser]:
        """Lock the account that a link belongs to, and those that `also` finds; return them all by id."""
        self.refused_id = user_id
        return people.lock_found(lambda: {user_id} | also())

    def lock_managing(self) -> CMSUser:
        """Lock the account of who acts, who must be allowed to manage the others. Raises SignInRequired, NotAllowed."""
        account = self.lock_own()
        _require_right(account)
        return account

    def lock_managed(self, user_id: int, also: Callable[[], set[int]] = set) -> dict[int, CMSUser]:
        """Lock somebody else's account for who manages it, and those that `also` finds; return them all by id.

        On the command line all superusers are locked, too: two commands cannot take the right of the last two at once.
        Raises NotYourself, NobodyThere; NotAllowed or SignInRequired if who acts lost the right or the session.
        """
        actor_id = self.actor.user.id if self.actor else None
        if actor_id == user_id:
            raise NotYourself
        own = {user_id, actor_id} if actor_id else {user_id}
        accounts = people.lock_found(lambda: own | also() | (set() if self.actor else _managers()))
        if self.actor is not None:
            account, _ = self._recheck_actor(accounts.get(self.actor.user.id))
            _require_right(account)
        if user_id not in accounts:
            raise NobodyThere
        return accounts

    def restart(self) -> CMSUser:
        """Roll back what was done so far, and lock the account of who acts once more."""
        db.session.rollback()
        return self.lock_own()

    def _recheck_actor(
        self, account: CMSUser | None, query: Select[Any] = sessions.LIVING, **values: object
    ) -> tuple[CMSUser, Row[Any]]:
        assert self.actor is not None
        if account is None or not account.is_active:
            raise SignInRequired
        return account, sessions.require_alive(self.actor.session, query, **values)


@contextlib.contextmanager
def begin(requester: Requester, **refused_detail: Any) -> Iterator[UnitOfWork]:
    """Run a use case as one transaction: commit it, then have its mail delivered and run what it left for afterwards.

    A refusal is recorded in the history of who acts, or of the account that was locked, with `refused_detail`.
    """
    work = _work_of(requester)
    work.refused_detail = refused_detail
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


def join(origin: Origin) -> UnitOfWork:
    """Return a unit of work that is part of the transaction of a task, which delivery commits."""
    return _work_of(origin)


def refuse(actor: Actor, refusal: Refusal) -> None:
    """Record a refusal that was decided before any use case began, and raise it."""
    with begin(actor):
        raise refusal


def _work_of(requester: Requester) -> UnitOfWork:
    if isinstance(requester, Actor):
        return UnitOfWork(requester.origin, requester, requester.user.id)
    return UnitOfWork(requester, None, None)


def _record_refusal(work: UnitOfWork, refusal: Refusal) -> None:
    """Record a refusal in a transaction of its own; repetitions are counted in one row."""
    account = people.lock(work.refused_id) if work.refused_id else None
    if account is not None:
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
