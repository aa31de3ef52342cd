"""accounts/availability.py: the owner of an address, and addresses that are reserved for a former owner."""

import pytest

from accounts import availability, links
from accounts.availability import Availability, Owner
from accounts.errors import EmailTaken
from models import Address, CMSUser, LinkPurpose, db
from tests.environments import Environment

FREE, OLD = Address.of("free@example.com"), Address.of("Old@example.com")

pytestmark = pytest.mark.usefixtures("in_sqlite_app")


@pytest.fixture
def ann(sqlite_env: Environment) -> CMSUser:
    """Return an administrator with a language, a time zone, and a former address that can be restored."""
    user = sqlite_env.administrator("Ann@example.com")
    sqlite_env.update_account("Ann@example.com", language="en", time_zone="Asia/Tokyo")
    links.make(LinkPurpose.UNDO, user, OLD, seconds=60)
    db.session.commit()
    return user


@pytest.mark.usefixtures("in_sqlite_app", "ann")
def test_an_address_without_a_current_or_former_owner_is_free() -> None:
    assert availability.look_up(FREE) == Availability(None, is_reserved=False)
    assert availability.look_up(FREE).is_free
    availability.require(FREE)


def test_the_owner_of_an_address_is_found_by_every_spelling(ann: CMSUser) -> None:
    found = availability.look_up(Address.of("ANN@example.com"), ann.id)
    assert found == Availability(Owner("Ann@example.com", "en", "Asia/Tokyo"), is_reserved=False)
    assert not found.is_free
    with pytest.raises(EmailTaken):
        availability.require(ann.address, ann.id)


def test_a_former_address_is_reserved_for_its_owner(ann: CMSUser) -> None:
    for user_id in (0, ann.id + 1):
        assert availability.look_up(OLD, user_id) == Availability(None, is_reserved=True)
        assert not availability.look_up(OLD, user_id).is_free
        with pytest.raises(EmailTaken):
            availability.require(OLD, user_id)
    with pytest.raises(EmailTaken):
        availability.require(OLD)
    assert not availability.look_up(OLD).is_free
    assert availability.look_up(OLD, ann.id).is_free
    availability.require(OLD, ann.id)


@pytest.mark.usefixtures("in_sqlite_app", "ann")
def test_a_former_address_is_free_after_its_undo_link_has_expired(sqlite_env: Environment) -> None:
    sqlite_env.clock.advance(seconds=59)
    assert not availability.look_up(OLD).is_free
    sqlite_env.clock.advance(seconds=1)
    assert availability.look_up(OLD).is_free


def test_a_former_address_is_free_after_its_undo_link_was_ended(ann: CMSUser) -> None:
    links.end(LinkPurpose.UNDO, ann)
    assert availability.look_up(OLD).is_free


def test_an_address_can_have_an_owner_and_be_reserved(ann: CMSUser) -> None:
    links.make(LinkPurpose.UNDO, ann, ann.address, seconds=60)
    found = availability.look_up(ann.address)
    assert found.owner is not None
    assert found.is_reserved
    assert not found.is_free


def test_an_owner_without_a_language_is_found(sqlite_env: Environment) -> None:
    bob = sqlite_env.administrator("bob@example.com")
    assert availability.look_up(bob.address).owner == Owner("bob@example.com", None, None)
