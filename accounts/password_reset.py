"""A new password for somebody who cannot use the old one: a link by mail, once, and not for long."""

from accounts import administrators, audit, limits, links, mailer, outbox, passwords, sessions, undo
from accounts.audit import Where
from accounts.errors import LinkDead
from accounts.limits import HOUR, Limit
from models import LinkPurpose, db, email_key

LINKS_PER_ADDRESS_PER_HOUR, LINKS_PER_NETWORK_PER_HOUR = 3, 20


def mail_link(email: str, where: Where) -> None:
    """Mail a link to this address if it is an administrator's; what the caller sees is the same if it is not.

    Raises TooManyRequests, CacheDown; then no mail is sent.
    """
    network = limits.network_of(where.network)
    limits.throttle(Limit(f"password-links:network:{network}", LINKS_PER_NETWORK_PER_HOUR, HOUR))
    limits.throttle(Limit(f"password-links:address:{email_key(email)}", LINKS_PER_ADDRESS_PER_HOUR, HOUR))
    found = administrators.with_email(email)
    user = audit.held(found.id) if found else None
    if user and user.is_active and user.email_key == email_key(email):
        undo.mail_password_link(user, where)
        audit.record(user, "password_link_sent", where)
    db.session.commit()
    outbox.wake()


def explained(token: str) -> str:
    """Return the address of the account whose password the link would set. Raises LinkDead."""
    return links.alive(LinkPurpose.PASSWORD, token).email


def set_password(token: str, password: str, where: Where) -> None:
    """Set the password, end every session and every such link, and tell the account's address.

    Raises LinkDead; then nothing is changed.
    """
    user = audit.held(links.alive(LinkPurpose.PASSWORD, token).user_id)
    link = links.alive(LinkPurpose.PASSWORD, token)  # Once more, now that nobody else can use it.
    if user is None or not user.is_active or link.email_key != user.email_key:
        raise LinkDead
    user.password_hash = passwords.hashed(password)
    links.end(LinkPurpose.PASSWORD, user)
    sessions.end_all(user)
    audit.record(user, "password_set", where)
    letter = mailer.password_changed(mailer.language_of(user), username=user.username, where=where)
    outbox.put(letter, user.email, user_id=user.id)
    db.session.commit()
    outbox.wake()
