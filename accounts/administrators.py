"""Who the administrators are: finding, listing and making them, and what one may do to another."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from accounts import audit, clock, limits, links, mailer, outbox, passwords, sessions, usernames
from accounts.audit import Where
from accounts.errors import EmailTaken, LastSuperuser, NobodyThere, NotAllowed, NotYourself, SignInRequired
from models import CMSUser, EmailChange, db, email_key, name_key

PAGE = 50
_WITH_EMAIL = select(CMSUser).where(CMSUser.email_key == bindparam("key"))
_MANAGES = (CMSUser.is_superuser, CMSUser.is_active)
SORTS = {"username": CMSUser.username_key, "email": CMSUser.email_key}


@dataclass(frozen=True)
class Page:
    """Some administrators in order, and where the next page begins, if there is one."""

    rows: Sequence[CMSUser]
    after: str | None


def with_email(email: str) -> CMSUser | None:
    """Return the administrator who has this address, in whatever spelling."""
    return db.session.scalar(_WITH_EMAIL, {"key": email_key(email)})


def page(*, sort: str, beginning: str, after: str) -> Page:
    """Return the administrators whose user name or address begins so, sorted by it, from behind `after` on.

    One range of one index, however many there are: no counting, no skipping.
    """
    column = SORTS[sort]
    start = name_key(beginning)
    begin = column > after if after >= start else column >= start  # One bound only: SQLite may take the lower of two.
    query = select(CMSUser).where(begin).order_by(column).limit(PAGE + 1)
    if start:
        query = query.where(column < start + "\U0010ffff")
    rows = db.session.scalars(query).all()
    return Page(rows[:PAGE], getattr(rows[PAGE - 1], column.key) if len(rows) > PAGE else None)


@dataclass(frozen=True)
class Seen:
    """An administrator as another one sees them, with the change of address that waits for its code."""

    user: CMSUser
    change: EmailChange | None


def seen(user_id: int) -> Seen:
    """Return one administrator. Raises NobodyThere."""
    query = select(CMSUser, EmailChange).outerjoin(EmailChange, EmailChange.user_id == CMSUser.id)
    found = db.session.execute(query.where(CMSUser.id == user_id)).first()
    if found is None:
        raise NobodyThere
    return Seen(found[0], found[1])


def locked(user_id: int) -> CMSUser:
    """Hold the account (`audit.held`) and return it. Raises SignInRequired if it was disabled meanwhile."""
    user = audit.held(user_id)
    if user is None or not user.is_active:
        raise SignInRequired
    return user


def blank(email: str, username: str, password_hash: str, *, superuser: bool) -> CMSUser:
    """Return a new administrator, not yet added, whose address is taken as proved."""
    now = clock.now()
    return CMSUser(
        username=username,
        username_key=name_key(username),
        email=email,
        email_key=email_key(email),
        email_version=1,
        password_hash=password_hash,
        is_superuser=superuser,
        is_active=True,
        interests=[],
        profile_version=1,
        created_at=now,
        acted_at=now,
        audit_rows=0,
    )


def create(*, email: str, username: str, password: str, superuser: bool, where: Where) -> CMSUser:
    """Make an administrator whose address is taken as proved.

    Raises IntegrityError if name or address is taken, EmailTaken if its former owner may still want the address back,
    UsernameTaken if the name looks like that of a superuser.
    """
    if links.reserved(email_key(email)):
        raise EmailTaken
    usernames.refuse_lookalike_username(username, None)
    user = blank(email, username, passwords.hashed(password), superuser=superuser)
    db.session.add(user)
    db.session.flush()
    audit.record(user, "administrator_created", where, superuser=superuser)
    db.session.commit()
    return user


def set_role(by: CMSUser | None, user_id: int, *, superuser: bool, reason: str, where: Where) -> None:
    """Make somebody a superuser or an editor.

    Raises NobodyThere, NotYourself, NotAllowed, LastSuperuser, and UsernameTaken if the name of who would become a
    superuser looks like that of another one.
    """
    user = other(by, user_id)
    if user.is_superuser != superuser:
        _keep_a_superuser(user)
        if superuser:
            usernames.refuse_lookalike_username(user.username, user.id)
        user.is_superuser = superuser
        _tell(by, user, "made_superuser" if superuser else "made_editor", reason, where)
    _close()


def disable(by: CMSUser | None, user_id: int, *, reason: str, where: Where) -> None:
    """Disable somebody: all their sessions end at once. Raises as set_role does."""
    user = other(by, user_id)
    if user.is_active:
        _keep_a_superuser(user)
        user.is_active = False
        sessions.end_all(user)
        db.session.execute(delete(EmailChange).where(EmailChange.user_id == user.id))  # One that another started, too.
        _tell(by, user, "disabled", reason, where)
    _close()


def enable(by: CMSUser | None, user_id: int, *, reason: str, where: Where) -> None:
    """Let somebody sign in again. Raises NobodyThere, NotYourself, NotAllowed."""
    user = other(by, user_id)
    if not user.is_active:
        user.is_active = True
        _tell(by, user, "enabled", reason, where)
    _close()


def drop_change(by: CMSUser | None, user_id: int, *, reason: str, where: Where) -> None:
    """Drop somebody's pending change of address, with a reason that they get to see. Raises NobodyThere, NotAllowed."""
    user = _held(by, user_id)
    pending = db.session.scalar(select(EmailChange).where(EmailChange.user_id == user.id))
    if pending is not None:
        db.session.delete(pending)
        _tell(by, user, "change_dropped", reason, where)
    _close()


def unlock(user_id: int, *, reason: str, where: Where) -> None:
    """Give somebody's spent tries back and end a freeze of their address. Raises NobodyThere."""
    user = other(None, user_id)
    limits.give_back(limits.tries_of_the_day(user.id))
    user.frozen_until = None
    _tell(None, user, "unlocked", reason, where)
    _close()


def pending_changes() -> list[tuple[CMSUser, EmailChange]]:
    """Return everybody's pending changes that still can be finished, the oldest first."""
    query = select(CMSUser, EmailChange).join(EmailChange, EmailChange.user_id == CMSUser.id)
    rows = db.session.execute(query.where(EmailChange.expires_at > clock.now()).order_by(EmailChange.asked_at))
    return [(row[0], row[1]) for row in rows]


def other(by: CMSUser | None, user_id: int) -> CMSUser:
    """Hold somebody else's account and return it; `by` is None on the command line.

    Raises NotYourself, NobodyThere; NotAllowed if `by` lost the right to it since the request came in.
    """
    if by is not None and by.id == user_id:
        raise NotYourself
    return _held(by, user_id)


def manager(user_id: int) -> CMSUser:
    """Hold the account of who manages the others, as it is now. Raises SignInRequired, NotAllowed."""
    user = locked(user_id)
    if not user.may("administrators"):
        raise NotAllowed
    return user


def _held(by: CMSUser | None, user_id: int) -> CMSUser:
    """Hold an account that another administrator acts upon.

    All superusers are held first, until the commit: two of them cannot take each other's rights at once, and nobody
    waits for somebody who waits for them.
    """
    db.session.execute(update(CMSUser).where(*_MANAGES).values(acted_at=clock.now()))
    if by is not None:
        manager(by.id)
    user = audit.held(user_id)
    if user is None:
        raise NobodyThere
    return user


def _keep_a_superuser(user: CMSUser) -> None:
    """Raise LastSuperuser if the account, which is held, is the last one that can manage the others."""
    if not (user.is_superuser and user.is_active):
        return
    if db.session.scalar(select(CMSUser.id).where(*_MANAGES, CMSUser.id != user.id).limit(1)) is None:
        raise LastSuperuser


def _tell(by: CMSUser | None, user: CMSUser, event: str, reason: str, where: Where) -> None:
    """Write what was done into the history of the account, and tell its owner who did it and why."""
    audit.record(user, event, where, actor_id=by.id if by else None, reason=reason, by=by.username if by else "-")
    letter = mailer.account_changed(
        mailer.language_of(user),
        username=user.username,
        what=event,
        reason=reason,
        by=by.username if by else "",
        where=where,
    )
    outbox.put(letter, user.email, user_id=user.id)


def _close() -> None:
    db.session.commit()
    outbox.wake()
