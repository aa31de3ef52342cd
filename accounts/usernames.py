"""Usernames: nobody may have a name that looks like that of a superuser."""

from sqlalchemy import select

from accounts import database
from accounts.errors import UsernameTaken
from confusables import looks_like
from models import CMSUser, table

_USER = table(CMSUser).c
_OF_SUPERUSERS = select(_USER.id, _USER.username).where(_USER.is_superuser)


def refuse_lookalike_username(username: str, own_id: int | None) -> None:
    """Raise UsernameTaken if a username looks like that of a superuser other than the account `own_id` (UTS 39).

    Disabled superusers count, because they may be enabled again. There are few superusers, and names change rarely.
    """
    for user_id, taken in database.execute(_OF_SUPERUSERS, {}):
        if user_id != own_id and looks_like(username, taken):
            raise UsernameTaken
