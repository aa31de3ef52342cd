"""An administrator is proved again in a session: by a passkey, or by the password and, if there is one, a factor."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from accounts import limits, passwords, people, sessions, unit_of_work
from accounts.errors import ReauthRequired, SecondFactorWrong
from accounts.factors import enrolment, passkeys, proofs
from accounts.factors.enrolment import Enrolment, Kind
from accounts.factors.passkeys import Site
from accounts.factors.proofs import Entered
from accounts.flows import second_factor
from accounts.unit_of_work import Actor

Method = Literal["password", "passkey", "password+app", "password+recovery_code"]
METHODS: Mapping[Kind, Method] = {
    "passkey": "passkey",
    "app": "password+app",
    "recovery_code": "password+recovery_code",
}
"""How an account with a second factor can be proved. One without is proved by `password`."""


def prove(actor: Actor, password: str, entered: Entered) -> str:
    """Prove the administrator again, and return the new id of the session.

    A passkey suffices. Otherwise the password is required, and with it a code if the account has a second factor.
    Raises PasswordWrong, SignInRequired, TooManyRequests, PasskeyRefused, ChallengeExpired, CacheDown; then nothing is
    changed but the history. Raises SecondFactorWrong; then the try is counted.
    """
    if entered.passkey:
        return _prove_by_passkey(actor, entered)
    with unit_of_work.begin(actor) as work:
        counted = limits.count_password_try(actor.user.address, f"session {actor.session.id}", work.origin.network)
        proof = passwords.prove(password, actor.user)
        work.after_failure.append(counted.uncount)  # The password was correct.
        factor = proofs.prepare(entered, "reauth", actor.user.id) if actor.user.has_second_factor else None
        account = work.lock_own(proof)
        if account.has_second_factor:  # Perhaps since a moment ago.
            if factor is None:
                raise SecondFactorWrong
            second_factor.use(work, account, factor)
        sid = sessions.renew(actor.session, proved=True)
        columns = people.time_zone_columns(work.origin.time_zone)
        detail: dict[str, Any] = {"factor": factor.kind} if factor else {}
        work.record(account, "password_proved", columns=columns, **detail)
        work.after_commit.append(counted.uncount)
    return sid


def _prove_by_passkey(actor: Actor, entered: Entered) -> str:
    proof = proofs.prepare_passkey(entered, "reauth", actor.user.id)
    with unit_of_work.begin(actor) as work:
        account = work.lock_own()
        second_factor.use(work, account, proof)
        sid = sessions.renew(actor.session, proved=True)
        work.record(
            account, "factor_proved", columns=people.time_zone_columns(work.origin.time_zone), factor=proof.kind
        )
    return sid


def list_methods(actor: Actor) -> tuple[Method, ...]:
    """Return how the administrator can be proved, the easiest first: `data.methods` of `reauth_required`.

    It costs no statement for an account without a second factor.
    """
    return _methods_of(enrolment.load(actor.user), Site.of(actor.origin.site))


@dataclass(frozen=True)
class Means:
    """With what the administrator can be proved: the methods, and the options for the passkeys, if there are any."""

    methods: tuple[Method, ...]
    passkey_options: dict[str, Any] | None


def list_means(actor: Actor) -> Means:
    """Return with what the administrator can be proved. It costs no statement without a second factor."""
    site, found = Site.of(actor.origin.site), enrolment.load(actor.user)
    known = found.passkeys
    options = passkeys.request_options(site, "reauth", owner_of(actor), known) if site and known else None
    return Means(_methods_of(found, site), options)


def _methods_of(found: Enrolment, site: Site | None) -> tuple[Method, ...]:
    """Return the methods of an account; browsers permit no passkeys without a site for them."""
    if not found.count:
        return ("password",)
    return tuple(METHODS[kind] for kind in found.kinds if site is not None or kind != "passkey")


def owner_of(actor: Actor) -> str:
    """Return the name under which challenges are bound to a session: it stays when the session gets a new id."""
    return f"session {actor.session.id}"


def require_proof(actor: Actor) -> None:
    """Raise and record ReauthRequired unless the administrator was proved in this session recently."""
    if not sessions.is_proved(actor.session):
        unit_of_work.refuse(actor, ReauthRequired())
