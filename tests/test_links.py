"""accounts/links.py: a link is valid for its purpose and account, until it ends."""

from datetime import timedelta

import pytest

from accounts import availability, links
from accounts.errors import LinkDead
from accounts.origin import Origin
from accounts.signing import fingerprint
from models import Address, CMSUser, Link, LinkPurpose, db
from tests.environments import Environment

OLD = Address.of("Old@example.com")


pytestmark = pytest.mark.usefixtures("in_sqlite_app")


def make_link(user: CMSUser, purpose: LinkPurpose = LinkPurpose.UNDO, seconds: int = 60) -> str:
    """Make a link for a former address of an account, and return its token."""
    return links.make(purpose, user, OLD, seconds=seconds)


def test_a_link_is_found_by_its_token_until_it_expires(sqlite_env: Environment, ann: CMSUser) -> None:
    token = make_link(ann)
    sqlite_env.clock.advance(seconds=59)
    assert links.find(LinkPurpose.UNDO, token).user_id == ann.id
    sqlite_env.clock.advance(seconds=1)
    with pytest.raises(LinkDead):
        links.find(LinkPurpose.UNDO, token)


def test_a_link_is_valid_for_its_purpose_only(ann: CMSUser) -> None:
    for purpose in LinkPurpose:
        token = make_link(ann, purpose)
        for other in set(LinkPurpose) - {purpose}:
            with pytest.raises(LinkDead):
                links.find(other, token)


def test_a_token_has_256_bits_and_only_its_hash_is_stored(ann: CMSUser) -> None:
    token = make_link(ann)
    assert len(token) == 43
    (row,) = db.session.execute(db.select(Link.__table__)).all()
    assert row.token_hash == fingerprint(token)
    assert token not in str(tuple(row))


def test_a_link_contains_its_account_address_times_and_origin(sqlite_env: Environment, ann: CMSUser) -> None:
    since = sqlite_env.clock.now() - timedelta(days=1)
    origin = Origin("198.51.100.9", "Safari 20, macOS")
    token = links.make(LinkPurpose.UNDO, ann, OLD, seconds=60, since=since, origin=origin)
    link = links.find(LinkPurpose.UNDO, token)
    assert (link.user_id, link.email, link.email_key, link.email_version) == (ann.id, *OLD, 1)
    assert (link.created_at, link.since, link.ended_at) == (sqlite_env.clock.now(), since, None)
    assert (link.network, link.browser) == ("198.51.100.9", "Safari 20, macOS")


def test_a_link_without_a_request_has_no_origin(ann: CMSUser) -> None:
    link = links.find(LinkPurpose.UNDO, make_link(ann))
    assert (link.network, link.browser) == ("", "")


def test_a_valid_undo_link_reserves_its_address_for_the_owner(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    assert availability.look_up(OLD).is_free
    make_link(ann)
    assert not availability.look_up(OLD).is_free
    assert not availability.look_up(OLD, bob.id).is_free
    assert availability.look_up(OLD, ann.id).is_free
    assert availability.look_up(Address.of("other@example.com")).is_free
    sqlite_env.clock.advance(seconds=60)
    assert availability.look_up(OLD).is_free


def test_no_other_link_reserves_an_address(ann: CMSUser) -> None:
    for purpose in set(LinkPurpose) - {LinkPurpose.UNDO}:
        make_link(ann, purpose)
    assert availability.look_up(OLD).is_free


def test_ending_links_ends_all_of_an_account_and_purpose(ann: CMSUser, bob: CMSUser) -> None:
    undos, password, other = [make_link(ann), make_link(ann)], make_link(ann, LinkPurpose.PASSWORD), make_link(bob)
    links.end(LinkPurpose.UNDO, ann)
    for token in undos:
        with pytest.raises(LinkDead):
            links.find(LinkPurpose.UNDO, token)
    assert links.find(LinkPurpose.PASSWORD, password)
    assert links.find(LinkPurpose.UNDO, other)


def test_ending_links_since_one_keeps_earlier_ones(ann: CMSUser) -> None:
    tokens = [make_link(ann) for _ in range(3)]
    second = links.find(LinkPurpose.UNDO, tokens[1])
    links.end(LinkPurpose.UNDO, ann, since=second.id)
    assert links.find(LinkPurpose.UNDO, tokens[0])
    for token in tokens[1:]:
        with pytest.raises(LinkDead):
            links.find(LinkPurpose.UNDO, token)


def test_ending_a_link_again_does_not_change_the_time_of_its_end(sqlite_env: Environment, ann: CMSUser) -> None:
    make_link(ann)
    ended = sqlite_env.clock.now()
    links.end(LinkPurpose.UNDO, ann)
    sqlite_env.clock.advance(seconds=5)
    links.end(LinkPurpose.UNDO, ann)
    assert db.session.scalar(db.select(Link.ended_at)) == ended


def test_the_addresses_of_valid_links_of_one_account_and_purpose_are_listed(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    def make(user: CMSUser, name: str, purpose: LinkPurpose = LinkPurpose.UNDO, seconds: int = 60) -> None:
        links.make(purpose, user, Address.of(f"{name}@example.com"), seconds=seconds)

    make(ann, "ended")
    links.end(LinkPurpose.UNDO, ann)
    make(ann, "short", seconds=59)
    make(ann, "Long")
    make(ann, "password", LinkPurpose.PASSWORD)
    make(bob, "bobs")
    assert sorted(links.list_emails(LinkPurpose.UNDO, ann)) == ["Long@example.com", "short@example.com"]
    sqlite_env.clock.advance(seconds=59)
    assert links.list_emails(LinkPurpose.UNDO, ann) == ["Long@example.com"]
