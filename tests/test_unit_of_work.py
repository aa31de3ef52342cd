"""accounts/unit_of_work.py: what a use case gets, and what remains of a refused one."""

import pytest

from accounts import people, sessions, unit_of_work
from accounts.errors import NobodyThere, SignInRequired
from accounts.origin import COMMAND_LINE
from models import CMSUser, LoginSession, db
from tests.environments import HERE, Environment

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


@pytest.fixture
def ann(sqlite_env: Environment) -> CMSUser:
    """Give an administrator."""
    return sqlite_env.administrator("ann@example.com")


def test_an_account_that_does_not_exist_cannot_be_managed() -> None:
    with pytest.raises(NobodyThere), unit_of_work.begin(COMMAND_LINE) as work:
        work.lock_managed(999)


def test_what_is_found_only_under_the_lock_is_locked_before_anybody_acts(sqlite_env: Environment, ann: CMSUser) -> None:
    bob = sqlite_env.administrator("bob@example.com")
    found = iter([{ann.id}, {ann.id, bob.id}])
    last = {ann.id, bob.id}
    accounts = people.lock_found(lambda: next(found, last))
    assert {account.username for account in accounts.values()} == {"ann", "bob"}


def test_a_session_that_ended_meanwhile_gets_no_new_id(ann: CMSUser) -> None:
    sid = sessions.start(ann, HERE, remember=False)
    db.session.commit()
    found = sessions.find(sid)
    assert found is not None
    _, session = found
    sessions.end(session.id)
    db.session.commit()
    with pytest.raises(SignInRequired):
        sessions.renew(session)
    assert db.session.scalars(db.select(LoginSession)).all() == []
