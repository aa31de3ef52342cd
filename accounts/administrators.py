"""Who the administrators are: finding, locking and making them."""

from sqlalchemy import select

from accounts import audit, clock, passwords
from accounts.errors import SignInRequired
from models import CMSUser, db, email_key


def with_email(email: str) -> CMSUser | None:
    """Return the administrator who has this address, in whatever spelling."""
    return db.session.scalar(select(CMSUser).where(CMSUser.email_key == email_key(email)))


def locked(user_id: int) -> CMSUser:
    """Hold the account (`audit.held`) and return it. Raises SignInRequired if it was disabled meanwhile."""
    user = audit.held(user_id)
    if user is None or not user.is_active:
        raise SignInRequired
    return user


def create(*, email: str, username: str, password: str, superuser: bool, where: audit.Where) -> CMSUser:
    """Make an administrator whose address is taken as proved. Raises IntegrityError if name or address is taken."""
    now = clock.now()
    user = CMSUser(
        username=username,
        email=email,
        email_key=email_key(email),
        password_hash=passwords.hashed(password),
        is_superuser=superuser,
        created_at=now,
        acted_at=now,
        audit_rows=0,
    )
    db.session.add(user)
    db.session.flush()
    audit.record(user, "administrator_created", where, superuser=superuser)
    db.session.commit()
    return user
