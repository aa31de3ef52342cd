"""An administrator proves a second factor: at the second step of sign-in, or to confirm who they are."""

from accounts import limits
from accounts.errors import SecondFactorWrong
from accounts.factors import recovery_codes
from accounts.factors.proofs import Proof
from accounts.flows import factor_notices
from accounts.limits import DAY, Limit
from accounts.settings import settings
from accounts.unit_of_work import UnitOfWork
from models import CMSUser


def tries_of(user_id: int) -> Limit:
    """Return the budget of tries of codes; only somebody who knows the password can spend it."""
    return Limit(f"second-factor:user:{user_id}", settings().SECOND_FACTOR_TRIES_PER_DAY, DAY)


def use(work: UnitOfWork, account: CMSUser, proof: Proof) -> None:
    """Use a proof for a locked account; a code is counted before it is compared. The use of a recovery code is mailed.

    Raises SecondFactorWrong; then the try is counted. Raises TooManyRequests if none is left, PasskeyRefused.
    """
    if proof.kind == "passkey":
        proof.accept(account)
        return
    budget = tries_of(account.id)
    left = limits.spend(budget)[budget].left
    if not proof.accept(account):
        work.record(account, "second_factor_wrong", fold=True, kind=proof.kind)
        if left == 0:
            factor_notices.notify(work, account, "second_factor_wrong")
        raise SecondFactorWrong(left, "code" if proof.kind == "app" else "recovery_code")
    limits.uncount(budget)
    if proof.kind == "recovery_code":
        codes_left = recovery_codes.count_left(account.id)
        work.record(account, "recovery_code_used", left=codes_left)
        factor_notices.notify(work, account, "recovery_code_used", left=codes_left)
