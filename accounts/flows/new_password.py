"""An administrator sets a new password: with the present one, or with a link that was mailed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from accounts import clock, limits, links, passwords, people, sessions, unit_of_work
from accounts.errors import LinkDead, NobodyThere, PasswordBreached
from accounts.limits import HOUR, Limit
from accounts.mail import messages, outbox
from accounts.origin import Origin
from accounts.security_log import log_refusal
from accounts.sessions import Renewed
from accounts.settings import settings
from accounts.unit_of_work import Actor, UnitOfWork
from models import Address, CMSUser, LinkPurpose, Mail

LINKS_PER_ADDRESS_PER_HOUR, LINKS_PER_NETWORK_PER_HOUR = 3, 20


def change(actor: Actor, *, old: str, new: str) -> Renewed:
    """Change the password, given the present one; return the account and the new id of the session.

    An account with a second factor must have been proved with it recently: the present password is not sufficient.
    Raises ReauthRequired, PasswordWrong, PasswordBreached, SignInRequired, TooManyRequests, CacheDown; then nothing is
    changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        if actor.user.has_second_factor:
            sessions.require_proof(actor.session)
        counted = limits.count_password_try(actor.user.address, f"session {actor.session.id}", work.origin.network)
        proof = passwords.prove(old, actor.user)
        work.after_failure.append(counted.uncount)  # The password was correct.
        try:
            password_hash = passwords.hash_new(new)
        except PasswordBreached:
            counted.uncount()  # The present password was correct.
            raise
        account = work.lock_own(proof)
        if account.has_second_factor:  # Perhaps since a moment ago.
            sessions.require_proof(actor.session)
        sid = sessions.renew(actor.session, proved=not account.has_second_factor, others_end=True)
        _set(work, account, password_hash, columns=people.time_zone_columns(work.origin.time_zone))
        work.after_commit.append(counted.uncount)
    return Renewed(account, sid)


def require_factor_proof(actor: Actor) -> None:
    """Raise ReauthRequired if the account has a second factor and was not proved in this session recently."""
    if actor.user.has_second_factor:
        sessions.require_proof(actor.session)


def ask_for_link(address: Address, language: str, origin: Origin) -> None:
    """Have a link mailed to this address if an account has it.

    Delivery looks the address up: the response, its time and the work of the request are the same for every address
    (ASVS 6.3.8). Raises TooManyRequests, CacheDown; then no mail is sent.
    """
    network = limits.network_of(origin.network)
    limits.throttle(Limit(f"password-links:network:{network}", LINKS_PER_NETWORK_PER_HOUR, HOUR))
    limits.throttle(Limit(f"password-links:address:{address.key}", LINKS_PER_ADDRESS_PER_HOUR, HOUR))
    with unit_of_work.begin(origin):
        asked = {**origin.to_task(), "language": language}
        outbox.enqueue_task("password_link", address.email, json.dumps(asked))


@outbox.task("password_link")
def _mail_link(task: Mail) -> None:
    """Run the task that `ask_for_link` enqueued."""
    asked, address = outbox.read_arguments(task), Address.of(task.recipient)
    found = people.find_by_email(address)
    user = people.lock(found.id) if found else None
    if user and user.is_active and user.email_key == address.key:
        work = unit_of_work.join(Origin.of_task(asked))
        send_password_link(work, user, language=asked["language"], at=task.created_at)
        work.record(user, "password_link_sent")
    else:
        log_refusal("address_unknown", "forgotten password", network=asked["origin"]["network"])


def send_password_link(work: UnitOfWork, user: CMSUser, **told: Any) -> None:
    """Mail a link to set a new password to the address of the account; it replaces an older one.

    `told` is passed to `messages.password_link`: when it was requested, by whom and why, and in which language.
    """
    token, seconds = create_link(user)
    letter = messages.password_link(user, work.origin, token=token, **told)
    work.send(letter, user, not_after=clock.now() + timedelta(seconds=seconds))


def create_link(user: CMSUser) -> tuple[str, int]:
    """Make a link to set a new password in place of older ones; return its token and its lifetime in seconds."""
    seconds = settings().PASSWORD_LINK_SECONDS
    links.end(LinkPurpose.PASSWORD, user)
    return links.make(LinkPurpose.PASSWORD, user, user.address, seconds=seconds), seconds


def preview(token: str) -> CMSUser:
    """Return the account whose password the link would set. Raises LinkDead. Changes nothing."""
    link = links.find(LinkPurpose.PASSWORD, token)
    user = people.find(link.user_id)
    if user is None or link.email_version != user.email_version:  # The address was changed since.
        raise LinkDead
    return user


def choose(token: str, password: str, origin: Origin) -> CMSUser:
    """Set the password, end all sessions and such links, and notify the address of the account; return the account.

    Raises LinkDead, PasswordBreached; then nothing is changed but the history.
    """
    user_id = links.find(LinkPurpose.PASSWORD, token).user_id
    with unit_of_work.begin(origin) as work:
        work.refused_id = user_id
        password_hash = passwords.hash_new(password)
        account = work.lock(user_id)
        link = links.find(LinkPurpose.PASSWORD, token)  # Again, now that the account is locked.
        if account is None or not account.is_active or link.email_version != account.email_version:
            raise LinkDead
        sessions.end_all(account)
        _set(work, account, password_hash, is_by_link=True)
    return account


def set_by_operator(user_id: int, password: str, *, reason: str, origin: Origin) -> None:
    """Set the password of an administrator from the command line; all sessions end, and the address is notified.

    Raises NobodyThere; PasswordBreached, then nothing is changed but the history.
    """
    with unit_of_work.begin(origin) as work:
        work.refused_id = user_id
        password_hash = passwords.hash_new(password)
        account = work.lock(user_id)
        if account is None or account.erased_at is not None:
            raise NobodyThere
        sessions.end_all(account)
        _set(work, account, password_hash, by="-", reason=reason)


def send_link(actor: Actor, user_id: int, *, reason: str) -> None:
    """Mail another administrator a link to set a new password; the present password stays valid.

    Raises NobodyThere, NotYourself, NotAllowed, SignInRequired, TooManyRequests; then nothing is changed but the
    history.
    """
    with unit_of_work.begin(actor, whose=user_id) as work:
        account = work.lock_managed(user_id)[user_id]
        if not account.is_active:
            raise NobodyThere
        limits.spend(Limit(f"password-links:user:{user_id}", LINKS_PER_ADDRESS_PER_HOUR, HOUR))
        by = actor.user
        send_password_link(work, account, by=by.username, reason=reason)
        work.record(account, "password_link_sent", by=by.username, reason=reason)


def _set(
    work: UnitOfWork,
    user: CMSUser,
    password_hash: str,
    *,
    columns: Mapping[str, object] | None = None,
    is_by_link: bool = False,
    by: str = "",
    reason: str = "",
) -> None:
    """Set a password, end the links to set one, record it, and notify the address of the account (ASVS 6.3.7)."""
    links.end(LinkPurpose.PASSWORD, user)
    written = {**passwords.new_hash_columns(user, password_hash), **(columns or {})}
    work.record(user, "password_set", columns=written, by=by, reason=reason)
    letter = messages.password_changed(user, work.origin, is_by_link=is_by_link, by=by, reason=reason)
    work.send(letter, user)
