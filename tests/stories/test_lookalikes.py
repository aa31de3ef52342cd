"""No username is confusable with that of a superuser, according to the data of Unicode (UTS 39)."""

import pytest

from tests.actors import Answer, Person
from tests.environments import Environment
from tests.stories.admin_steps import act, history, id_of, invitation_link, newest_row, register, superuser
from tests.stories.test_command_line import invoke_command, run_command
from tests.stories.test_profile import save

ANN, BOB, BOSS = "ann@example.com", "bob@example.com", "boss@example.com"
PASSWORD = "correct horse battery"


def is_refused_as_taken(refused: Answer) -> bool:
    """Return whether a response is exactly that for a taken username, which does not mention superusers."""
    return (refused.status, refused.error, refused.message, refused.data["fields"]) == (
        409,
        "username_taken",
        "该用户名已被使用。",
        {"username": ["该用户名已被使用。"]},
    )


def create_ann_and_boss(env: Environment) -> Person:
    """Create a superuser and an editor, and return the editor."""
    env.administrator(BOSS, superuser=True)
    return env.person()


@pytest.mark.parametrize("name", ["bоss", "B0SS", "boѕѕ", "𝐛𝐨𝐬𝐬"])
def test_a_username_cannot_be_changed_to_one_confusable_with_a_superuser(env: Environment, name: str) -> None:
    ann = create_ann_and_boss(env)
    assert is_refused_as_taken(save(ann, username=name))
    assert env.account("ann").profile_version == 1
    assert newest_row(env, ANN).event == "username_taken"


def test_a_registration_with_a_username_confusable_with_a_superuser_is_refused(env: Environment) -> None:
    link = invitation_link(env)
    visitor = env.visitor()
    for name in ("bоss", "b0ss", "Boѕs"):
        assert is_refused_as_taken(register(visitor, link, username=name)), name
    assert register(visitor, link).status == 200


def test_a_username_confusable_with_a_disabled_superuser_is_refused(sqlite_env: Environment) -> None:
    ann = create_ann_and_boss(sqlite_env)
    sqlite_env.update_account(BOSS, is_active=False)
    assert is_refused_as_taken(save(ann, username="bоss"))


def test_a_username_may_be_confusable_with_that_of_an_editor_or_its_previous_spelling(sqlite_env: Environment) -> None:
    ann = create_ann_and_boss(sqlite_env)
    sqlite_env.administrator(BOB)
    assert save(ann, username="bоb").status == 200
    boss = sqlite_env.signed_in(BOSS)
    assert save(boss, username="bоss").status == 200
    assert sqlite_env.account("bоss").is_superuser


def test_an_existing_username_confusable_with_a_superuser_can_be_kept(sqlite_env: Environment) -> None:
    """The superuser may have been created later."""
    bob = sqlite_env.person("b0ss@example.com")
    sqlite_env.administrator(BOSS, superuser=True)
    assert save(bob, username="b0ss", city="beijing").status == 200
    assert is_refused_as_taken(save(bob, username="B0SS"))


def test_an_editor_with_a_username_confusable_with_a_superuser_cannot_become_one(env: Environment) -> None:
    boss = superuser(env)
    env.update_account(BOSS, username="chief", username_key="chief")
    env.administrator("b0ss@example.com")
    env.update_account(BOSS, username="boss", username_key="boss")
    refused = act(boss, env, "b0ss@example.com", "role", role="superuser")
    assert (refused.status, refused.error) == (409, "username_taken")
    assert not env.account("b0ss").is_superuser
    result = invoke_command(env, "admin", "role", "b0ss@example.com", "superuser", "--reason", "because")
    assert result.exit_code == 1
    assert not env.account("b0ss").is_superuser


def test_a_superuser_with_a_username_confusable_with_another_can_be_demoted(sqlite_env: Environment) -> None:
    boss = superuser(sqlite_env)
    sqlite_env.administrator(BOB, superuser=True)
    sqlite_env.update_account(BOB, username="b0ss", username_key="b0ss")
    assert act(boss, sqlite_env, BOB, "role", role="editor").status == 200
    assert not sqlite_env.account("b0ss").is_superuser


@pytest.mark.parametrize("flags", [(), ("--superuser",)], ids=["editor", "superuser"])
def test_the_operator_cannot_create_an_administrator_confusable_with_a_superuser(
    sqlite_env: Environment, flags: tuple[str, ...]
) -> None:
    sqlite_env.administrator(BOSS, superuser=True)
    line = ("admin", "create", BOB, "--username", "bоss", *flags)
    result = invoke_command(sqlite_env, *line, typed=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert result.output == "Error: Refused (username_taken): This username is already taken.\n"
    run_command(sqlite_env, "admin", "create", BOB, "--username", "bob", *flags, typed=f"{PASSWORD}\n")
    assert history(sqlite_env, id_of(sqlite_env, BOB))[0].event == "administrator_created"


def test_the_operator_cannot_use_a_username_with_an_invisible_character(sqlite_env: Environment) -> None:
    for name in ("a\u3164nn", "an\ufe0fn", "an\u034fn", "an\u200bn"):
        result = invoke_command(sqlite_env, "admin", "create", ANN, "--username", name, typed=f"{PASSWORD}\n")
        assert (result.exit_code, result.output[:19]) == (1, "Error: --username: "), name


@pytest.mark.parametrize("name", ["张伟", "王芳"])
def test_a_username_of_two_characters_can_be_registered(sqlite_env: Environment, name: str) -> None:
    assert register(sqlite_env.visitor(), invitation_link(sqlite_env), username=name).status == 200
    assert sqlite_env.account(name).username == name
