"""An administrator edits their profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from accounts import unit_of_work, usernames
from accounts.errors import ProfileChanged, UsernameTaken
from accounts.unit_of_work import Actor
from models import CMSUser, name_key


@dataclass(frozen=True)
class Profile:
    """The data of a profile; None and [] where nothing was entered.

    `details` contains the fields that were asked for, of mobile, staff_number, gender, city and interests; all others
    keep their values.
    """

    username: str
    language: str | None
    details: Mapping[str, Any]

    def columns(self) -> dict[str, Any]:
        """Return the columns of an account that store the profile, without the username."""
        return {**self.details, "language": self.language}


def update(actor: Actor, profile: Profile, *, version: int) -> CMSUser:
    """Change the profile whose `version` the page showed; return the account.

    Raises ProfileChanged if it was changed since, UsernameTaken, SignInRequired; then nothing is changed.
    """
    with unit_of_work.begin(actor) as work:
        account = work.lock_own()
        if account.profile_version != version:
            raise ProfileChanged
        if profile.username != account.username:  # A present name stays valid.
            usernames.refuse_lookalike_username(profile.username, account.id)
        values = {"username": profile.username, **profile.columns()}
        changed = {name: value for name, value in values.items() if getattr(account, name) != value}
        if changed:
            more = {"username_key": name_key(profile.username), "profile_version": account.profile_version + 1}
            try:
                work.record(account, "profile_changed", columns=changed | more, fields=list(changed))
            except IntegrityError:
                raise UsernameTaken from None
    return account
