"""An administrator signs in, proves the password again, and signs out."""

import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer

import cache
from accounts import audit, clock, limits, passwords, people, sessions, unit_of_work
from accounts.errors import ReauthRequired, TooManyRequests, WrongCredentials
from accounts.events import EventName
from accounts.limits import KNOWN_BROWSERS, QUARTER, UNKNOWN_BROWSERS
from accounts.mail import outbox
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor
from models import Address, CMSUser, Mail


@dataclass(frozen=True)
class SignedIn:
    """The id of a new session, and the mark of a known browser of the account."""

    sid: str
    browser_mark: str


def sign_in(*, address: Address, password: str, remember: bool, browser_mark: str, origin: Origin) -> SignedIn:
    """Start a session.

    Raises WrongCredentials or TooManyRequests, with the same work whether an account has this address or not;
    CacheDown, because the try could not be counted. Tries from browsers that have signed in to the account before are
    counted separately, so that others cannot lock the owner out there.
    """
    user = people.find_by_email(address)
    known = user if user is not None and user.is_active else None
    client = KNOWN_BROWSERS if _is_mark_of(known, browser_mark) else UNKNOWN_BROWSERS
    try:
        counted = limits.count_password_try(address, client, origin.network)
    except TooManyRequests:
        _report_throttled(address, origin)
        raise
    try:
        proof = passwords.prove(password, known, WrongCredentials)
    except WrongCredentials:
        _report(address, "sign_in_failed", origin)
        raise
    assert known is not None
    rehashed = passwords.hash_password(password) if passwords.needs_rehash(known.password_hash) else known.password_hash
    with unit_of_work.begin(origin) as work:
        account = work.lock(known.id)
        if account is None or not account.is_active:
            raise WrongCredentials
        proof.recheck(account)
        sessions.end_stale(account.id)
        sid = sessions.start(account, origin, remember=remember)
        columns = {"password_hash": rehashed, "signed_in_at": clock.now(), **people.time_zone_columns(origin.time_zone)}
        work.record(account, "signed_in", columns=columns)
        work.after_commit.append(counted.uncount)
    return SignedIn(sid, mark_browser(account))


def prove(actor: Actor, password: str) -> str:
    """Prove the password again in this session, and return the new id of the session.

    Raises PasswordWrong, SignInRequired, TooManyRequests, CacheDown; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        counted = limits.count_password_try(actor.user.address, f"session {actor.session.id}", work.origin.network)
        account = work.lock_own(passwords.prove(password, actor.user))
        sid = sessions.renew(actor.session, proved=True)
        work.record(account, "password_proved", columns=people.time_zone_columns(work.origin.time_zone))
        work.after_commit.append(counted.uncount)
    return sid


def require_proof(actor: Actor) -> None:
    """Raise and record ReauthRequired unless the password was proved in this session recently (ASVS 7.5.1)."""
    if not sessions.is_proved(actor.session):
        unit_of_work.refuse(actor, ReauthRequired())


def sign_out(actor: Actor) -> None:
    """End the session; copies of its cookie become invalid."""
    with unit_of_work.begin(actor.origin) as work:
        account = work.lock(actor.user.id)
        assert account is not None
        sessions.end(actor.session.id)
        work.record(account, "signed_out")


def mark_browser(account: CMSUser) -> str:
    """Return the mark of a known browser of the account. It is valid until the password or the address changes."""
    return str(_marks().dumps(_marked(account)))


def _is_mark_of(account: CMSUser | None, mark: str) -> bool:
    """Return whether a mark belongs to the account, with the same work if there is none."""
    try:
        marked = json.dumps(_marks().loads(mark))
    except BadSignature:
        return False
    return hmac.compare_digest(marked, json.dumps(_marked(account) if account else [0, 0, 0]))


def _marked(account: CMSUser) -> list[int]:
    return [account.id, account.password_version, account.email_version]


def _marks() -> URLSafeSerializer:
    """Return the serializer of marks: the present key signs, and former ones verify."""
    its = settings()
    return _serializer((*reversed(its.SECRET_KEY_FALLBACKS), its.SECRET_KEY))


@lru_cache
def _serializer(secrets: tuple[str, ...]) -> URLSafeSerializer:
    return URLSafeSerializer(secrets, salt="browser mark")


def _report_throttled(address: Address, origin: Origin) -> None:
    """Have a throttled try recorded, once in a window."""
    if cache.add(f"throttled sign-in:{fingerprint(address.key)}", 1, QUARTER):
        _report(address, "too_many_requests", origin)


def _report(address: Address, event: EventName, origin: Origin) -> None:
    """Have a refused sign-in recorded by delivery, if an account has the address.

    The request does the same work whether one has or not, so that its time reveals nothing (ASVS 6.3.8).
    """
    told = {"event": event, **origin.to_task(), "at": clock.now().isoformat()}
    with unit_of_work.begin(origin):
        outbox.enqueue_task("sign_in_refused", address.email, json.dumps(told))


@outbox.task("sign_in_refused")
def _record_refused(task: Mail) -> None:
    """Run the task that `_report` enqueued."""
    told, address = outbox.read_arguments(task), Address.of(task.recipient)
    found = people.find_by_email(address)
    account = people.lock(found.id) if found else None
    if account and account.email_key == address.key:
        origin, at = Origin.of_task(told), datetime.fromisoformat(told["at"])
        audit.record(account, told["event"], origin, fold=True, at=at)
