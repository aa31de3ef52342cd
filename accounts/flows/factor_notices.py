"""Every known address of an account is notified of what happens to its second factors.

A thief who has moved the account to another address must not add a second factor unnoticed: the former address is
notified as well, as long as it can undo the change.
"""

from typing import Any

from accounts import links
from accounts.events import EventName
from accounts.mail import messages
from accounts.unit_of_work import UnitOfWork
from models import CMSUser


def notify(work: UnitOfWork, account: CMSUser, what: EventName, **told: Any) -> None:
    """Mail what happened to the second factors of a locked account to its address and to those that can be restored.

    `told` is passed to `messages.factor_changed`.
    """
    for email in links.list_known_emails(account):
        is_former = email != account.email
        letter = messages.factor_changed(account, work.origin, what=what, is_former=is_former, **told)
        work.send(letter, account, to=email)
