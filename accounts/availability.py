"""Whether an address is available: no account has it, and no former owner can still restore it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from accounts import clock, database, links
from accounts.errors import EmailTaken
from accounts.statements import Row
from models import ONE_ROW, Address, CMSUser, table

OWNER = table(CMSUser).alias("owner")
IS_OWNER = OWNER.c.email_key == bindparam("key")
COLUMNS = (
    *(OWNER.c.email, OWNER.c.language, OWNER.c.time_zone),
    links.RESERVED.scalar_subquery().label("reserved_by"),
)
"""The columns that `read` reads, for a statement that is joined with `OWNER` on `IS_OWNER`."""
_QUERY = select(*COLUMNS).select_from(ONE_ROW.outerjoin(OWNER, IS_OWNER))


class Owner(NamedTuple):
    """The owner of an address, as the recipient of a mail."""

    email: str
    language: str | None
    time_zone: str | None


@dataclass(frozen=True)
class Availability:
    """The owner of an address, if an account has it, and whether it is reserved for a former owner."""

    owner: Owner | None
    is_reserved: bool

    @property
    def is_free(self) -> bool:
        """Return whether the address can be given to an account."""
        return self.owner is None and not self.is_reserved


def parameters(address: Address, user_id: int = 0) -> dict[str, Any]:
    """Return the parameters of `COLUMNS`: for the account `user_id` its own former addresses are not reserved."""
    return {"key": address.key, "user": user_id, "now": clock.now()}


def read(row: Row) -> Availability:
    """Return the availability from a row whose last columns are `COLUMNS`."""
    *owner, reserved_by = row[-len(COLUMNS) :]
    return Availability(None if owner[0] is None else Owner(*owner), reserved_by is not None)


def look_up(address: Address, user_id: int = 0) -> Availability:
    """Return the availability of an address to the account `user_id`, or to a new account."""
    return read(database.execute(_QUERY, parameters(address, user_id)).one())


def require(address: Address, user_id: int = 0) -> None:
    """Raise EmailTaken unless the address is available."""
    if not look_up(address, user_id).is_free:
        raise EmailTaken
