"""An administrator sets up, renames and removes second factors, and makes recovery codes."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from accounts import sessions, unit_of_work
from accounts.errors import AlreadyAdded, PasskeyRefused, SecondFactorRequired, SecondFactorWrong, SetUpExpired
from accounts.events import EventName
from accounts.factors import authenticator_app, enrolment, passkeys, policy, recovery_codes
from accounts.factors.enrolment import Enrolment
from accounts.factors.passkeys import Site
from accounts.factors.proofs import Entered
from accounts.factors.recovery_codes import Codes
from accounts.flows import factor_notices, reauthentication
from accounts.flows.reauthentication import owner_of
from accounts.settings import settings
from accounts.unit_of_work import Actor, UnitOfWork
from models import CMSUser


@dataclass(frozen=True)
class AppSetUp:
    """What an authenticator app needs: the secret in base32, and a QR code that contains it."""

    secret: str
    qr_code: str
    replaces: bool  # The account has an app already, which remains valid until the first code of this one.


@dataclass(frozen=True)
class Added:
    """A second factor was added: the new id of the session, and recovery codes if there were none, to show once."""

    sid: str
    recovery_codes: tuple[str, ...]
    event: EventName


def are_passkeys_possible(site_url: str) -> bool:
    """Return whether browsers permit passkeys on this site."""
    return Site.of(site_url) is not None


def load(actor: Actor) -> Enrolment:
    """Return the second factors of the administrator."""
    return enrolment.load(actor.user)


def passkey_options(actor: Actor, site_url: str) -> dict[str, Any]:
    """Return the options with which the browser creates a passkey.

    Raises ReauthRequired, SignInRequired, TooManyPasskeys, and PasskeyRefused if browsers permit no passkeys on this
    site.
    """
    site = Site.of(site_url)
    if site is None:
        raise PasskeyRefused("this site has no passkeys")
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        passkeys.require_space(account)
        handle = passkeys.handle_of(account)
    return passkeys.creation_options(site, account, handle, owner_of(actor))


def add_passkey(actor: Actor, entered: Entered, name: str) -> Added:
    """Add the passkey that the browser has created.

    Raises PasskeyRefused, ChallengeExpired, AlreadyAdded, TooManyPasskeys, ReauthRequired, SignInRequired; then nothing
    is changed but the history.
    """
    site = Site.of(entered.site_url)
    if site is None:
        raise PasskeyRefused("this site has no passkeys")
    reauthentication.require_proof(actor)
    new, codes = passkeys.verify_new(site, entered.passkey, owner_of(actor)), _generate_first(actor)
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        passkeys.add(account, new, name)
        return _complete(work, actor, account, "passkey_added", codes, name=name)


def set_up_app(actor: Actor, *, replaces: bool = False) -> None:
    """Store a new secret for an authenticator app; it is no second factor before its first code was correct.

    `replaces` means that it may replace the app that the account has. Raises AlreadyAdded if there is one otherwise,
    ReauthRequired, SignInRequired; then nothing is changed but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        if not replaces and enrolment.load(account).has_app:
            raise AlreadyAdded
        authenticator_app.set_up(account)


def show_app(actor: Actor) -> AppSetUp:
    """Return what the app needs that waits for its first code.

    Raises ReauthRequired, and SetUpExpired if there is none, or its secret cannot be read any more.
    """
    sessions.require_proof(actor.session)
    app = authenticator_app.find_unconfirmed(actor.user.id)
    if app is None:
        raise SetUpExpired
    try:
        secret = authenticator_app.read_secret(app)
    except LookupError:  # Its key was removed from the settings.
        raise SetUpExpired from None
    issuer = authenticator_app.issuer_of(settings().SITE_NAME) or urlsplit(actor.origin.site).netloc or "CMS"
    uri = authenticator_app.setup_uri(secret, actor.user.email, issuer)
    return AppSetUp(secret, authenticator_app.qr_code(uri), replaces=enrolment.load(actor.user).has_app)


def add_app(actor: Actor, code: str) -> Added:
    """Add the authenticator app if its first code is correct. It replaces the app that the account had.

    Recovery codes stay valid when an app is replaced, because they are not kept on the lost or old device. Raises
    SetUpExpired if none waits for a code, SecondFactorWrong, ReauthRequired, SignInRequired; then nothing is changed
    but the history. Tries are not limited: who may see the secret need not guess a code.
    """
    reauthentication.require_proof(actor)
    codes = _generate_first(actor)
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        app = authenticator_app.find_unconfirmed(account.id)
        if app is None:
            raise SetUpExpired
        earlier = enrolment.load(account).app
        if not authenticator_app.confirm(app, code, replaces=earlier):
            raise SecondFactorWrong
        return _complete(work, actor, account, "app_replaced" if earlier else "app_added", codes)


def rename_passkey(actor: Actor, passkey_id: int, name: str) -> None:
    """Rename a passkey. Nothing happens if there is none. Raises ReauthRequired, SignInRequired."""
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        if passkeys.rename(account, passkey_id, name):
            work.record(account, "passkey_renamed", name=name)


def remove_passkey(actor: Actor, passkey_id: int) -> None:
    """Remove a passkey; nothing happens if it was removed before.

    Raises LastFactor if the policy requires a second factor, ReauthRequired, SignInRequired; then nothing is changed
    but the history.
    """
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        name = passkeys.remove(account, passkey_id)
        if name is not None:
            _removed(work, account, "passkey_removed", name=name)


def remove_app(actor: Actor) -> None:
    """Remove the authenticator app, also one that waits for its first code. Raises the same as `remove_passkey`."""
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        if authenticator_app.delete_since(account):
            _removed(work, account, "app_removed")


def create_recovery_codes(actor: Actor) -> tuple[str, ...]:
    """Return new recovery codes, to be shown once; older ones become invalid.

    Raises SecondFactorRequired without a second factor, ReauthRequired, SignInRequired; then nothing is changed but the
    history.
    """
    reauthentication.require_proof(actor)
    codes = recovery_codes.generate()
    with unit_of_work.begin(actor) as work:
        sessions.require_proof(actor.session)
        account = work.lock_own()
        if not account.has_second_factor:
            raise SecondFactorRequired
        recovery_codes.replace(account, codes)
        work.record(account, "recovery_codes_created")
        factor_notices.notify(work, account, "recovery_codes_created")
    return codes.codes


def _complete(
    work: UnitOfWork, actor: Actor, account: CMSUser, event: EventName, codes: Codes | None, name: str = ""
) -> Added:
    """Record a new second factor. The first one ends all other sessions, because they began without one."""
    is_first = not account.has_second_factor
    enrolment.update(account)
    detail: dict[str, Any] = {"name": name} if name else {}
    work.record(account, event, **detail)
    factor_notices.notify(work, account, event, name=name)
    shown: tuple[str, ...] = ()
    if is_first:
        codes = codes or recovery_codes.generate()
        recovery_codes.replace(account, codes)
        shown = codes.codes
    return Added(sessions.renew(actor.session, others_end=is_first), shown, event)


def _removed(work: UnitOfWork, account: CMSUser, event: EventName, name: str = "") -> None:
    """Record and mail that a second factor was removed. Raises LastFactor."""
    policy.require_any(account, enrolment.update(account))
    detail: dict[str, Any] = {"name": name} if name else {}
    work.record(account, event, **detail)
    factor_notices.notify(work, account, event, name=name)


def _generate_first(actor: Actor) -> Codes | None:
    """Return recovery codes for the first second factor, made before the account is locked.

    It is slow work, so that the caller requires a proof before.
    """
    return None if actor.user.has_second_factor else recovery_codes.generate()
