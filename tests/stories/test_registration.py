"""Registration with an invitation, which can be used once."""

import re

import pytest
from sqlalchemy import select

from accounts.flows import registration
from models import CMSUser, Invitation
from tests.actors import PASSWORD, text_of
from tests.environments import Environment
from tests.servers import run_concurrently
from tests.stories.admin_steps import NEW, REGISTRATION, history, id_of, invitation_link, invite, register, superuser


@pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
def test_an_invited_person_can_register_and_sign_in(env: Environment, script: bool) -> None:
    link = invitation_link(env)
    page = env.visitor().page(link)
    assert (page.status, NEW in page.text) == (200, True)
    visitor = env.visitor(NEW, password=REGISTRATION["password"], script=script)
    answer = visitor.post(link, [*REGISTRATION.items(), ("interests", "music")])
    assert answer.status == 200, answer
    if not script:
        assert answer.path == "/cms/login/"
    visitor.discard_token()
    assert visitor.sign_in().status == 200
    assert visitor.address() == NEW
    created = env.account("lì.míng")
    assert (created.mobile, created.staff_number, created.gender, created.city) == (
        "+8613812345678",
        4711,
        "female",
        "hangzhou",
    )
    assert (created.interests, created.language, created.role) == (["news", "music"], "en", "editor")
    assert [row.event for row in history(env, created.id)] == ["registered", "signed_in"]


def test_the_invitation_names_its_sender_and_its_lifetime(sqlite_env: Environment) -> None:
    boss = superuser(sqlite_env)
    boss.browser.headers["Accept-Language"] = "en"
    invite(boss)
    text = text_of(sqlite_env.mail_to(NEW)[0])
    assert "boss has invited you" in text
    assert "72 hours" in text


@pytest.mark.parametrize("role", ["editor", "superuser"])
def test_the_role_is_that_of_the_invitation(sqlite_env: Environment, role: str) -> None:
    link = invitation_link(sqlite_env, role=role)
    assert register(sqlite_env.visitor(), link, role="superuser", is_superuser="1").status == 200
    assert sqlite_env.account("lì.míng").role == role


def test_the_address_is_that_of_the_invitation(sqlite_env: Environment) -> None:
    link = invitation_link(sqlite_env)
    assert register(sqlite_env.visitor(), link, email="other@example.com").status == 200
    assert sqlite_env.account("lì.míng").email == NEW


def test_opening_the_link_changes_nothing(sqlite_env: Environment) -> None:
    """Mail scanners open every link, some of them several times."""
    link = invitation_link(sqlite_env)
    for method in ("GET", "HEAD", "GET"):
        assert sqlite_env.visitor().browser.send(method, link).status == 200
    assert register(sqlite_env.visitor(), link).status == 200


def test_a_link_is_valid_once(env: Environment) -> None:
    link = invitation_link(env)
    assert register(env.visitor(), link).status == 200
    second = env.visitor()
    assert second.page(link).status == 410
    assert register(second, link, username="another").error == "link_dead"
    assert env.rows(select(CMSUser.id).where(CMSUser.username == "another")) == []


def test_of_two_concurrent_registrations_with_one_link_one_succeeds(env: Environment) -> None:
    link = invitation_link(env)
    people = [env.visitor() for _ in range(2)]
    for person in people:
        person.token()
    errors = run_concurrently(lambda number: register(people[number], link, username=f"twin-{number}").error, 2)
    # With SQLite, the slower one may wait too long for the locked database, and gets a 503.
    assert errors.count(None) == 1
    assert set(errors) <= {None, "link_dead", "unavailable"}
    assert len(env.rows(select(CMSUser.id).where(CMSUser.email == NEW))) == 1


def test_of_two_concurrent_registrations_with_one_username_one_succeeds(env: Environment) -> None:
    boss = superuser(env)
    addresses = [f"n{number}@example.com" for number in range(2)]
    for address in addresses:
        assert invite(boss, address).status == 200
    links = [env.links_to(address, "register")[0] for address in addresses]
    people = [env.visitor() for _ in links]
    for person in people:
        person.token()
    answers = run_concurrently(lambda number: register(people[number], links[number]), 2)
    assert sorted(str(answer.error) for answer in answers) == ["None", "username_taken"]
    assert len(env.rows(select(Invitation.id))) == 1  # The refused invitation remains valid.


def test_a_link_is_valid_for_72_hours(sqlite_env: Environment) -> None:
    boss = superuser(sqlite_env)
    for address in ("a@example.com", "b@example.com"):
        invite(boss, address)
    in_time, too_late = (sqlite_env.links_to(f"{name}@example.com", "register")[0] for name in "ab")
    sqlite_env.clock.advance(hours=72, seconds=-1)
    assert register(sqlite_env.visitor(), in_time).status == 200
    sqlite_env.clock.advance(seconds=1)
    assert sqlite_env.visitor().page(too_late).status == 410
    assert register(sqlite_env.visitor(), too_late, username="late").error == "link_dead"


def test_a_newer_invitation_invalidates_the_older_link(sqlite_env: Environment) -> None:
    boss = superuser(sqlite_env)
    invite(boss)
    invite(boss, "NEW@Example.com", role="superuser")  # The same address in another spelling.
    old, new = sqlite_env.links_to(NEW, "register")[0], sqlite_env.links_to("NEW@example.com", "register")[-1]
    assert old != new
    assert sqlite_env.visitor().page(old).status == 410
    assert register(sqlite_env.visitor(), new).status == 200
    assert sqlite_env.account("lì.míng").is_superuser


def test_a_token_has_256_bits_and_only_its_hash_is_stored(sqlite_env: Environment) -> None:
    link = invitation_link(sqlite_env)
    token = link.split("/")[-2]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)  # 256 bits.
    stored = sqlite_env.rows(select(Invitation.token_hash))[0][0]
    assert token not in stored
    for forged in (token[:-1], token.swapcase(), token + "A", stored, "x", "%00", "." * 300):
        assert sqlite_env.visitor().page(f"/cms/register/{forged}/").status in (404, 410), forged
    assert sqlite_env.visitor().page(link).status == 200


def test_a_link_is_valid_for_its_purpose_only(sqlite_env: Environment) -> None:
    link = invitation_link(sqlite_env)
    token = link.split("/")[-2]
    for path in ("forgotpwd", "resetemail/undo", "resetemail/prove", "resetemail/stop"):
        assert sqlite_env.visitor().page(f"/cms/{path}/{token}/").status == 410
        assert sqlite_env.visitor().post(f"/cms/{path}/{token}/", REGISTRATION).error == "link_dead"
    visitor = sqlite_env.visitor("boss@example.com")
    visitor.post("/cms/forgotpwd/", {"email": "boss@example.com"})
    password_token = sqlite_env.links_to("boss@example.com", "forgotpwd")[0].split("/")[-2]
    assert register(visitor, f"/cms/register/{password_token}/").error == "link_dead"


def test_a_taken_username_is_refused_in_every_spelling_and_the_link_remains_valid(env: Environment) -> None:
    env.administrator("ann@example.com")
    link = invitation_link(env)
    visitor = env.visitor()
    for name in ("Ann", "ＡＮＮ", "aNN"):
        refused = register(visitor, link, username=name)
        assert (refused.status, refused.error, list(refused.data["fields"])) == (409, "username_taken", ["username"])
    assert register(visitor, link).status == 200


def test_without_scripts_a_refused_form_keeps_the_input_except_passwords(sqlite_env: Environment) -> None:
    """The form can also be submitted in a browser with a session of another account."""
    sqlite_env.administrator("ann@example.com")
    link = invitation_link(sqlite_env)
    bob = sqlite_env.person("bob@example.com", script=False)
    refused = register(bob, link, username="ann", staff_number="4711")
    assert refused.status == 409, refused
    assert 'value="4711"' in refused.text
    assert REGISTRATION["password"] not in refused.text
    assert re.search(r'data-errors-of="username">\s*<p>', refused.text)
    assert register(bob, link).path == "/cms/login/"
    assert bob.page("/cms/profile/", follow=False).status == 303  # The session of the browser has ended.


INVALID = [
    ("username", "l"),
    ("username", "\u3164\u3164"),  # Two invisible letters.
    ("username", "аdmin"),  # Contains a Cyrillic letter.
    ("username", "\ufdfa" * 20),  # The normal form is too long for the column.
    ("username", "root"),
    ("password", NEW),
    ("repetition", "something else"),
    ("mobile", "12345"),
    ("staff_number", "many"),
    ("staff_number", ""),
    ("gender", "none"),
    ("city", ""),
    ("interests", "chess"),
    ("language", "fr"),
]


def test_errors_are_reported_at_their_fields_and_no_account_is_created(env: Environment) -> None:
    link = invitation_link(env)
    visitor = env.visitor()
    for field, typed in INVALID:
        again = {"repetition": typed} if field == "password" else {}
        refused = register(visitor, link, **{field: typed}, **again)
        assert (refused.status, refused.error) == (400, "invalid"), refused
        assert list(refused.data["fields"]) == [field]
        assert refused.message == refused.data["fields"][field][0]
    assert len(env.rows(select(CMSUser.id))) == 1


def test_one_to_four_interests_are_accepted(sqlite_env: Environment) -> None:
    link = invitation_link(sqlite_env)
    visitor = sqlite_env.visitor()
    interests = [("interests", name) for name in ("news", "culture", "science", "sport", "music")]
    rest = [pair for pair in REGISTRATION.items() if pair[0] != "interests"]
    for chosen in ([], interests):
        assert list(visitor.post(link, rest + chosen).data["fields"]) == ["interests"]
    assert visitor.post(link, rest + interests[:4]).status == 200
    assert sqlite_env.account("lì.míng").interests == ["news", "culture", "science", "sport"]


def test_an_address_that_was_taken_in_the_meantime_is_refused(env: Environment) -> None:
    link = invitation_link(env)
    env.administrator(NEW)
    assert register(env.visitor(), link).error == "email_taken"
    assert len(env.rows(select(CMSUser.id).where(CMSUser.email == NEW))) == 1


def test_an_address_that_is_reserved_for_its_former_owner_is_refused(sqlite_env: Environment) -> None:
    """A change can be undone for a week."""
    link = invitation_link(sqlite_env, "ann@example.com")
    sqlite_env.administrator("ann@example.com", username="ann")
    ann = sqlite_env.signed_in("ann@example.com")
    ann.ask("elsewhere@example.com")
    assert ann.confirm("elsewhere@example.com", sqlite_env.code_to("elsewhere@example.com")).status == 200
    assert register(sqlite_env.visitor(), link).error == "email_taken"
    boss = sqlite_env.signed_in("boss@example.com")
    assert invite(boss, "ann@example.com").error == "email_taken"


def test_an_invitation_requires_a_free_address_and_a_known_role(sqlite_env: Environment) -> None:
    boss = superuser(sqlite_env)
    assert invite(boss, "BOSS@example.com").error == "email_taken"
    for wrong in ({"email": "not an address"}, {"role": "unknown"}, {"role": ""}):
        refused = boss.post("/cms/users/invite/", {"email": NEW, "role": "editor", **wrong})
        assert list(refused.data["fields"]) == list(wrong)
    assert sqlite_env.rows(select(Invitation.id)) == []


def test_invitations_are_limited_per_hour(sqlite_env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "PER_HOUR", 3)
    boss = superuser(sqlite_env)
    for number in range(3):
        assert invite(boss, f"a{number}@example.com").status == 200
    assert invite(boss).error == "too_many_requests"
    assert sqlite_env.mail_to(NEW) == []
    sqlite_env.clock.advance(hours=1)
    boss.sign_in()
    assert invite(boss).status == 200


def test_an_invitation_is_recorded_in_both_histories(sqlite_env: Environment) -> None:
    link = invitation_link(sqlite_env, role="superuser")
    boss_id = id_of(sqlite_env, "boss@example.com")
    sent = history(sqlite_env, boss_id)[-1]
    assert (sent.event, sent.actor_id, sent.detail) == (
        "invitation_sent",
        boss_id,
        {"email": NEW, "superuser": True},
    )
    register(sqlite_env.visitor(), link)
    created = history(sqlite_env, id_of(sqlite_env, NEW))[-1]
    assert (created.event, created.detail) == ("registered", {"invited_by": boss_id})
    assert PASSWORD not in str(created)


@pytest.mark.parametrize("values", [{"is_superuser": False}, {"is_active": False}], ids=["demoted", "disabled"])
def test_an_invitation_is_invalid_if_its_sender_was_demoted_or_disabled(
    sqlite_env: Environment, values: dict[str, bool]
) -> None:
    link = invitation_link(sqlite_env, role="superuser")
    assert sqlite_env.visitor().page(link).status == 200
    sqlite_env.update_account("boss@example.com", **values)
    assert sqlite_env.visitor().page(link).status == 410
    assert register(sqlite_env.visitor(NEW), link).error == "link_dead"
    assert sqlite_env.rows(select(CMSUser.id).where(CMSUser.email == NEW)) == []
