"""An administrator edits their profile."""

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from accounts import unit_of_work, usernames
from accounts.errors import ProfileChanged, UsernameTaken
from accounts.unit_of_work import Actor
from models import CMSUser, db, name_key


@dataclass(frozen=True)
class Profile:
    """The data of a profile; None and () where nothing was entered."""

    username: str
    mobile: str | None
    staff_number: int | None
    gender: str | None
    city: str | None
    interests: tuple[str, ...]
    language: str | None

    def write_to(self, user: CMSUser) -> list[str]:
        """Write the data into the account; return the names of the columns that changed."""
        values = {**vars(self), "interests": list(self.interests), "username_key": name_key(self.username)}
        changed = [name for name, value in values.items() if getattr(user, name) != value]
        for name in changed:
            setattr(user, name, values[name])
        return [name for name in changed if name != "username_key"]


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
        changed = profile.write_to(account)
        try:
            db.session.flush()
        except IntegrityError:
            raise UsernameTaken from None
        if changed:
            account.profile_version += 1
            work.record(account, "profile_changed", fields=changed)
    return account
