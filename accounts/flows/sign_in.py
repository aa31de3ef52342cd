"""Signing in, proving the password once more, signing out."""

import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer

import cache
from accounts import audit, clock, limits, passwords, people, sessions, unit_of_work
from accounts.errors import ReauthRequired, TooManyRequests, WrongCredentials
from accounts.events import EventName
from accounts.limits import KNOWN_BROWSERS, QUARTER, STRANGERS
from accounts.mail import outbox
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor
from models import CMSUser, Mail, email_key


@dataclass(frozen=True)
class SignedIn:
    """The id of a new session, and a mark by which this browser is known as one of this account's from now on."""

    sid: str
    browser_mark: str


def sign_in(*, email: str, password: str, remember: bool, browser_mark: str, origin: Origin) -> SignedIn:
    """Start a session.

    Raises WrongCredentials or TooManyRequests, in the same time and with the same work whether anybody has this
    address or not; CacheDown rather than not counting the try. The tries of strangers and those of browsers that have
    signed in to this account before are counted apart: strangers cannot lock the owner out of those.
    """
    user = people.with_email(email)
    known = user if user is not None and user.is_active else None
    whose = KNOWN_BROWSERS if _is_mark_of(known, browser_mark) else STRANGERS
    try:
        counted = limits.count_password_try(email_key(email), whose, origin.network)
    except TooManyRequests:
        _report_throttled(email, origin)
        raise
    try:
        proof = passwords.prove(password, known, WrongCredentials)
    except WrongCredentials:
        _report(email, "sign_in_failed", origin)
        raise
    assert known is not None
    rehashed = passwords.hash_password(password) if passwords.needs_rehash(known.password_hash) else known.password_hash
    with unit_of_work.begin(origin) as work:
        account = work.lock(known.id)
        if account is None or not account.is_active:
            raise WrongCredentials
        proof.recheck(account)
        account.password_hash = rehashed
        sessions.end_stale(account.id)
        sid = sessions.start(account, origin, remember=remember)
        account.signed_in_at = clock.now()
        people.remember_time_zone(account, origin.time_zone)
        work.record(account, "signed_in")
        work.after_commit.append(counted.forgive)
    return SignedIn(sid, mark_browser(account))


def prove(actor: Actor, password: str) -> str:
    """Record that the password was proved in this session just now, and return the session's new id.

    Raises PasswordWrong, SignInRequired, TooManyRequests, CacheDown; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        counted = limits.count_password_try(actor.user.email_key, f"session {actor.session.id}", work.origin.network)
        account = work.lock_own(passwords.prove(password, actor.user))
        sid = sessions.renew(actor.session, proved=True)
        people.remember_time_zone(account, work.origin.time_zone)
        work.record(account, "password_proved")
        work.after_commit.append(counted.forgive)
    return sid


def require_proof(actor: Actor) -> None:
    """Raise ReauthRequired, and record it, unless the password was proved in this session lately (ASVS 7.5.1)."""
    if not sessions.is_proved(actor.session):
        unit_of_work.refuse(actor, ReauthRequired())


def sign_out(actor: Actor) -> None:
    """End the session; a copy of its cookie is worth nothing from now on."""
    with unit_of_work.begin(actor.origin) as work:
        account = work.lock(actor.user.id)
        assert account is not None
        sessions.end(actor.session)
        work.record(account, "signed_out")


def mark_browser(account: CMSUser) -> str:
    """Return the mark by which a browser is known as one of this account's, until its password or address changes."""
    return str(_marks().dumps(_marked(account)))


def _is_mark_of(account: CMSUser | None, mark: str) -> bool:
    """Say whether the mark is one of this account's; as much work where there is no account."""
    try:
        marked = json.dumps(_marks().loads(mark))
    except BadSignature:
        return False
    return hmac.compare_digest(marked, json.dumps(_marked(account) if account else [0, 0, 0]))


def _marked(account: CMSUser) -> list[int]:
    return [account.id, account.password_version, account.email_version]


def _marks() -> URLSafeSerializer:
    return URLSafeSerializer(settings().SECRET_KEY, salt="browser mark")


def _report_throttled(email: str, origin: Origin) -> None:
    """Report a throttled try, once in the window in which all tries are throttled."""
    if cache.add(f"throttled sign-in:{fingerprint(email_key(email))}", 1, QUARTER):
        _report(email, "too_many_requests", origin)


def _report(email: str, event: EventName, origin: Origin) -> None:
    """Have a refused sign-in recorded later, if anybody has the address.

    The request does the same whether anybody has it or not, so that its time tells nothing (ASVS 6.3.8).
    """
    told = {"event": event, "origin": asdict(origin), "at": clock.now().isoformat()}
    with unit_of_work.begin(origin):
        outbox.enqueue_task("sign_in_refused", email, json.dumps(told))


@outbox.task("sign_in_refused")
def _record_refused(task: Mail) -> None:
    """Run the task that `_report` enqueued."""
    told, found = json.loads(task.body), people.with_email(task.recipient)
    account = people.lock(found.id) if found else None
    if account and account.email_key == email_key(task.recipient):
        origin, at = Origin(**told["origin"]), datetime.fromisoformat(told["at"])
        audit.record(account, told["event"], origin, fold=True, at=at)
