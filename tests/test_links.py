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


def made(user: CMSUser, purpose: LinkPurpose = LinkPurpose.UNDO, seconds: int = 60) -> str:
    """Make a link to an address that the person once had, and return its token."""
    return links.make(purpose, user, OLD, seconds=seconds)


def test_a_link_is_found_by_its_token_until_its_time_is_over(sqlite_env: Environment, ann: CMSUser) -> None:
    token = made(ann)
    sqlite_env.clock.advance(seconds=59)
    assert links.find(LinkPurpose.UNDO, token).user_id == ann.id
    sqlite_env.clock.advance(seconds=1)
    with pytest.raises(LinkDead):
        links.find(LinkPurpose.UNDO, token)


def test_a_link_serves_no_other_purpose(ann: CMSUser) -> None:
    for purpose in LinkPurpose:
        token = made(ann, purpose)
        for other in set(LinkPurpose) - {purpose}:
            with pytest.raises(LinkDead):
                links.find(other, token)


def test_a_token_has_256_bits_and_only_its_hash_is_kept(ann: CMSUser) -> None:
    token = made(ann)
    assert len(token) == 43
    (row,) = db.session.execute(db.select(Link.__table__)).all()
    assert row.token_hash == fingerprint(token)
    assert token not in str(tuple(row))


def test_a_link_says_for_whom_and_which_address_it_was_made_and_from_where(
    sqlite_env: Environment, ann: CMSUser
) -> None:
    since = sqlite_env.clock.now() - timedelta(days=1)
    origin = Origin("198.51.100.9", "Safari 20, macOS")
    token = links.make(LinkPurpose.UNDO, ann, OLD, seconds=60, since=since, origin=origin)
    link = links.find(LinkPurpose.UNDO, token)
    assert (link.user_id, link.email, link.email_key, link.email_version) == (ann.id, *OLD, 1)
    assert (link.created_at, link.since, link.ended_at) == (sqlite_env.clock.now(), since, None)
    assert (link.network, link.browser) == ("198.51.100.9", "Safari 20, macOS")


def test_a_link_that_nobody_asked_for_names_no_origin(ann: CMSUser) -> None:
    link = links.find(LinkPurpose.UNDO, made(ann))
    assert (link.network, link.browser) == ("", "")


def test_while_an_undo_link_lives_its_address_is_reserved_for_everybody_but_its_owner(
    sqlite_env: Environment, ann: CMSUser, bob: CMSUser
) -> None:
    assert availability.look_up(OLD).is_free
    made(ann)
    assert not availability.look_up(OLD).is_free
    assert not availability.look_up(OLD, bob.id).is_free
    assert availability.look_up(OLD, ann.id).is_free
    assert availability.look_up(Address.of("other@example.com")).is_free
    sqlite_env.clock.advance(seconds=60)
    assert availability.look_up(OLD).is_free


def test_no_other_link_reserves_an_address(ann: CMSUser) -> None:
    for purpose in set(LinkPurpose) - {LinkPurpose.UNDO}:
        made(ann, purpose)
    assert availability.look_up(OLD).is_free


def test_the_links_of_one_person_and_purpose_end_together(ann: CMSUser, bob: CMSUser) -> None:
    undos, password, other = [made(ann), made(ann)], made(ann, LinkPurpose.PASSWORD), made(bob)
    links.end(LinkPurpose.UNDO, ann)
    for token in undos:
        with pytest.raises(LinkDead):
            links.find(LinkPurpose.UNDO, token)
    assert links.find(LinkPurpose.PASSWORD, password)
    assert links.find(LinkPurpose.UNDO, other)


def test_only_the_later_links_end_where_an_older_one_shall_stay(ann: CMSUser) -> None:
    tokens = [made(ann) for _ in range(3)]
    second = links.find(LinkPurpose.UNDO, tokens[1])
    links.end(LinkPurpose.UNDO, ann, since=second.id)
    assert links.find(LinkPurpose.UNDO, tokens[0])
    for token in tokens[1:]:
        with pytest.raises(LinkDead):
            links.find(LinkPurpose.UNDO, token)


def test_a_link_that_has_ended_keeps_the_moment_at_which_it_did(sqlite_env: Environment, ann: CMSUser) -> None:
    made(ann)
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
