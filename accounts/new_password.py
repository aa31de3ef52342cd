"""A new password: chosen by who knows the old one, or with a link by mail, once and not for long."""

import json
from dataclasses import asdict
from datetime import timedelta

from flask import current_app

from accounts import administrators, audit, clock, limits, links, mailer, outbox, passwords, sessions
from accounts.audit import Where
from accounts.errors import LinkDead, PasswordWrong
from accounts.limits import HOUR, Limit
from accounts.security_log import log_refusal
from models import CMSUser, LinkPurpose, LoginSession, Mail, db, email_key

LINKS_PER_ADDRESS_PER_HOUR, LINKS_PER_NETWORK_PER_HOUR = 3, 20


def change(user: CMSUser, session: LoginSession, *, old: str, new: str, where: Where) -> str:
    """Change the password of who knows the old one, and return the session's new id; the other sessions end.

    Raises PasswordWrong, TooManyRequests, CacheDown; then nothing is changed.
    """
    by_account = limits.throttle_password(user.email_key, f"session {session.id}", where.network)
    if not passwords.matches(old, user.password_hash):
        audit.record_alone(user, "password_wrong", where)
        raise PasswordWrong
    hashed = passwords.hashed(new)
    user = administrators.locked(user.id)
    user.password_hash = hashed
    sessions.end_others(session)
    sid = sessions.renew(session, proved=True)
    _tell_of_new_password(user, where)
    db.session.commit()
    limits.forgive(by_account)
    outbox.wake()
    return sid


def ask_for_link(email: str, language: str, where: Where) -> None:
    """Have a link mailed to this address if it is an administrator's.

    All that depends on whether it is happens later, in the outbox: the answer, its time and what is written are the
    same (ASVS 6.3.8). Raises TooManyRequests, CacheDown; then no mail is sent.
    """
    network = limits.network_of(where.network)
    limits.throttle(Limit(f"password-links:network:{network}", LINKS_PER_NETWORK_PER_HOUR, HOUR))
    limits.throttle(Limit(f"password-links:address:{email_key(email)}", LINKS_PER_ADDRESS_PER_HOUR, HOUR))
    outbox.put_errand("password_link", email, json.dumps({"where": asdict(where), "language": language}))
    db.session.commit()
    outbox.wake()


@outbox.errand("password_link")
def _mail_link(errand: Mail) -> None:
    """Do what ask_for_link left to the outbox."""
    asked = json.loads(errand.body)
    found = administrators.with_email(errand.recipient)
    user = audit.held(found.id) if found else None
    if user and user.is_active and user.email_key == email_key(errand.recipient):
        where = Where(**asked["where"])
        put_link(user, where, user.language or asked["language"])
        audit.record(user, "password_link_sent", where)
    else:
        log_refusal("address_unknown", "forgotten password", network=asked["where"]["network"])


def put_link(user: CMSUser, where: Where, language: str) -> None:
    """Mail a link to set a new password to the account's address; an older one dies. The caller commits."""
    seconds = current_app.config["PASSWORD_LINK_SECONDS"]
    links.end(LinkPurpose.PASSWORD, user)
    token = links.make(LinkPurpose.PASSWORD, user, user.email, user.email_key, seconds=seconds)
    letter = mailer.password_link(language, token=token, minutes=-(-seconds // 60), where=where)
    outbox.put(letter, user.email, user_id=user.id, not_after=clock.now() + timedelta(seconds=seconds))


def explained(token: str) -> CMSUser:
    """Return the account whose password the link would set. Raises LinkDead. Changes nothing."""
    link = links.alive(LinkPurpose.PASSWORD, token)
    user = db.session.get(CMSUser, link.user_id)
    if user is None or link.email_version != user.email_version:  # The address was changed since: it is not theirs.
        raise LinkDead
    return user


def choose(token: str, password: str, where: Where) -> None:
    """Set the password, end every session and every such link, and tell the account's address.

    Raises LinkDead; then nothing is changed.
    """
    hashed = passwords.hashed(password)
    user = audit.held(links.alive(LinkPurpose.PASSWORD, token).user_id)
    link = links.alive(LinkPurpose.PASSWORD, token)  # Once more, now that nobody else can use it.
    if user is None or not user.is_active or link.email_version != user.email_version:
        raise LinkDead
    user.password_hash = hashed
    sessions.end_all(user)
    _tell_of_new_password(user, where)
    db.session.commit()
    outbox.wake()


def set_by_operator(user_id: int, password: str, *, reason: str, where: Where) -> None:
    """Set somebody's password from the command line; all their sessions end and their address is told."""
    hashed = passwords.hashed(password)
    user = audit.held(user_id)
    assert user is not None
    user.password_hash = hashed
    sessions.end_all(user)
    _tell_of_new_password(user, where, actor_id=None, by="-", reason=reason)
    db.session.commit()
    outbox.wake()


def _tell_of_new_password(
    user: CMSUser, where: Where, *, actor_id: int | None = audit.OWNER, by: str = "", reason: str = ""
) -> None:
    """End the links to set a password, write the history, and tell the account's address (ASVS 6.3.7)."""
    links.end(LinkPurpose.PASSWORD, user)
    audit.record(user, "password_set", where, actor_id=actor_id, by=by, reason=reason)
    letter = mailer.password_changed(mailer.language_of(user), username=user.username, where=where, reason=reason)
    outbox.put(letter, user.email, user_id=user.id)
