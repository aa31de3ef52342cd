"""An administrator signs in, in one step or two, and signs out."""

import contextlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

import cache
from accounts import audit, clock, limits, passwords, people, sessions, unit_of_work
from accounts.errors import PasskeyRefused, SignInExpired, TooManyRequests, WrongCredentials
from accounts.events import EventName
from accounts.factors import enrolment, passkeys, pending_sign_ins, proofs
from accounts.factors.enrolment import Enrolment, Kind
from accounts.factors.passkeys import Site
from accounts.factors.proofs import Entered
from accounts.flows import factor_policy, second_factor
from accounts.limits import KNOWN_BROWSERS, QUARTER, UNKNOWN_BROWSERS
from accounts.mail import outbox
from accounts.origin import Origin
from accounts.settings import settings
from accounts.signing import fingerprint
from accounts.unit_of_work import Actor, UnitOfWork
from models import Address, CMSUser, Mail


@dataclass(frozen=True)
class SignedIn:
    """A new session: the id for its cookie, whether it is remembered, and the mark of a known browser."""

    sid: str
    remember: bool
    browser_mark: str


@dataclass(frozen=True)
class FirstStep:
    """A sign-in whose password was correct: the token with which the second step continues it."""

    token: str


def sign_in(
    *, address: Address, password: str, remember: bool, browser_mark: str, origin: Origin
) -> SignedIn | FirstStep:
    """Start a session, or, if the account has a second factor, return the first step of a sign-in.

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
        work.after_failure.append(counted.uncount)  # The password was correct.
        account = work.lock(known.id)
        if account is None or not account.is_active:
            raise WrongCredentials
        proof.recheck(account)
        work.after_commit.append(counted.uncount)
        if account.has_second_factor:
            return FirstStep(pending_sign_ins.start(account, remember=remember))
        return _start_session(work, account, remember=remember, password_hash=rehashed)


def continue_sign_in(token: str, entered: Entered, origin: Origin) -> SignedIn:
    """Start a session after the second step: a passkey, a code of an authenticator app, or a recovery code.

    Raises SignInExpired, PasskeyRefused, ChallengeExpired, TooManyRequests; then nothing is changed but the history.
    Raises SecondFactorWrong; then the try is counted.
    """
    user_id = pending_sign_ins.find(token).user_id
    proof = proofs.prepare(entered, "second_factor", user_id)
    with unit_of_work.begin(origin) as work:
        locked, pending = work.lock(user_id), pending_sign_ins.find(token)
        account = pending_sign_ins.check(pending, locked)
        second_factor.use(work, account, proof)
        pending_sign_ins.end(pending)
        return _start_session(work, account, remember=pending.remembered, factor=proof.kind)


def passkey_options(site_url: str, owner: str) -> dict[str, Any] | None:
    """Return the options with which a browser signs in with any passkey that it has, or None if it may have none."""
    site = Site.of(site_url)
    return passkeys.request_options(site, "sign_in", owner) if site else None


def show_second_step(token: str, site_url: str, owner: str) -> tuple[Enrolment, dict[str, Any] | None]:
    """Return the second factors with which a sign-in can be continued, and the options for its passkeys, if any.

    Raises SignInExpired.
    """
    pending, site = pending_sign_ins.find(token), Site.of(site_url)
    found = enrolment.load(pending_sign_ins.check(pending, people.find(pending.user_id)))
    if site is None or not found.passkeys:
        return found, None
    return found, passkeys.request_options(site, "second_factor", owner, found.passkeys)


def give_up(token: str, origin: Origin) -> None:
    """End a sign-in that waits for a second factor, if there is one."""
    with contextlib.suppress(SignInExpired), unit_of_work.begin(origin):
        pending_sign_ins.end(pending_sign_ins.find(token))


def sign_in_with_passkey(entered: Entered, *, remember: bool, origin: Origin) -> SignedIn:
    """Start a session with a passkey alone, which identifies the account and has verified the user.

    Raises PasskeyRefused, also if the account is disabled, and ChallengeExpired.
    """
    proof = proofs.prepare_passkey(entered, "sign_in")
    with unit_of_work.begin(origin) as work:
        account = work.lock(proof.verified.user_id)
        if account is None or not account.is_active:
            raise PasskeyRefused("the account is disabled")
        second_factor.use(work, account, proof)
        return _start_session(work, account, remember=remember, factor="passkey")


def _start_session(
    work: UnitOfWork, account: CMSUser, *, remember: bool, password_hash: str = "", factor: Kind | None = None
) -> SignedIn:
    """Start a session of a locked account, proved by the password, a second factor, or both, and record it."""
    sessions.end_stale(account.id)
    sid = sessions.start(account, work.origin, remember=remember)
    columns: dict[str, object] = {"signed_in_at": clock.now(), **people.time_zone_columns(work.origin.time_zone)}
    if password_hash:
        columns["password_hash"] = password_hash
    detail: dict[str, Any] = {"factor": factor} if factor else {}
    work.record(account, "signed_in", columns=columns, **detail)
    factor_policy.apply(work, account)
    return SignedIn(sid, remember, mark_browser(account))


def sign_out(actor: Actor) -> None:
    """End the session; copies of its cookie become invalid."""
    with unit_of_work.begin(actor.origin) as work:
        account = work.lock(actor.user.id)
        assert account is not None
        sessions.sign_out(actor.session)
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
