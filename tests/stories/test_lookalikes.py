"""Nobody takes a user name that others would take for that of a superuser; Unicode's confusables decide (UTS 39)."""

import pytest

from tests.houses import House
from tests.people import Answer, Person
from tests.stories.office import act, history, id_of, invited, newest, register, superuser
from tests.stories.test_command_line import flask, said
from tests.stories.test_profile import save

ANN, BOB, BOSS = "ann@example.com", "bob@example.com", "boss@example.com"
PASSWORD = "correct horse battery"


def is_taken(refused: Answer) -> bool:
    """Say whether an answer is that of a taken name, word for word: that it is a superuser's is not told."""
    return (refused.status, refused.error, refused.message, refused.data["fields"]) == (
        409,
        "username_taken",
        "该用户名已被使用。",
        {"username": ["该用户名已被使用。"]},
    )


def ann_beside_boss(house: House) -> Person:
    """Return an editor in a house that has a superuser."""
    house.administrator(BOSS, superuser=True)
    return house.person()


@pytest.mark.parametrize("name", ["bоss", "B0SS", "boѕѕ", "𝐛𝐨𝐬𝐬"])
def test_nobody_renames_themselves_to_look_like_a_superuser(house: House, name: str) -> None:
    ann = ann_beside_boss(house)
    assert is_taken(save(ann, username=name))
    assert house.stored("ann").profile_version == 1
    assert newest(house, ANN).event == "username_taken"


def test_nobody_registers_to_look_like_a_superuser_and_the_link_lives_on(house: House) -> None:
    link = invited(house)
    visitor = house.visitor()
    for name in ("bоss", "b0ss", "Boѕs"):
        assert is_taken(register(visitor, link, username=name)), name
    assert register(visitor, link).status == 200


def test_a_disabled_superuser_is_still_nobody_to_look_like(small_house: House) -> None:
    ann = ann_beside_boss(small_house)
    small_house.change(BOSS, is_active=False)
    assert is_taken(save(ann, username="bоss"))


def test_editors_may_look_like_each_other_and_superusers_like_themselves(small_house: House) -> None:
    ann = ann_beside_boss(small_house)
    small_house.administrator(BOB)
    assert save(ann, username="bоb").status == 200
    boss = small_house.signed_in(BOSS)
    assert save(boss, username="bоss").status == 200
    assert small_house.stored("bоss").is_superuser


def test_who_looks_like_a_superuser_already_keeps_the_name_and_the_rest_can_be_saved(small_house: House) -> None:
    """Nothing is renamed: the superuser may have come later."""
    bob = small_house.person("b0ss@example.com")
    small_house.administrator(BOSS, superuser=True)
    assert save(bob, username="b0ss", city="beijing").status == 200
    assert is_taken(save(bob, username="B0SS"))


def test_nobody_becomes_a_superuser_who_looks_like_another_one(house: House) -> None:
    boss = superuser(house)
    house.change(BOSS, username="chief", username_key="chief")
    house.administrator("b0ss@example.com")
    house.change(BOSS, username="boss", username_key="boss")
    refused = act(boss, house, "b0ss@example.com", "role", role="superuser")
    assert (refused.status, refused.error) == (409, "username_taken")
    assert not house.stored("b0ss").is_superuser
    said_no = flask(house, "admin", "role", "b0ss@example.com", "superuser", "--reason", "because")
    assert said_no.exit_code == 1
    assert not house.stored("b0ss").is_superuser


def test_a_superuser_who_looks_like_another_one_can_be_made_an_editor(small_house: House) -> None:
    boss = superuser(small_house)
    small_house.administrator(BOB, superuser=True)
    small_house.change(BOB, username="b0ss", username_key="b0ss")
    assert act(boss, small_house, BOB, "role", role="editor").status == 200
    assert not small_house.stored("b0ss").is_superuser


@pytest.mark.parametrize("flags", [(), ("--superuser",)], ids=["editor", "superuser"])
def test_the_operator_makes_nobody_who_looks_like_a_superuser(small_house: House, flags: tuple[str, ...]) -> None:
    small_house.administrator(BOSS, superuser=True)
    line = ("admin", "create", BOB, "--username", "bоss", *flags)
    result = flask(small_house, *line, typed=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert result.output == "Error: Refused (username_taken): This username is already taken.\n"
    said(small_house, "admin", "create", BOB, "--username", "bob", *flags, typed=f"{PASSWORD}\n")
    assert history(small_house, id_of(small_house, BOB))[0].event == "administrator_created"


def test_the_operator_gives_no_name_with_an_invisible_character(small_house: House) -> None:
    for name in ("a\u3164nn", "an\ufe0fn", "an\u034fn", "an\u200bn"):
        result = flask(small_house, "admin", "create", ANN, "--username", name, typed=f"{PASSWORD}\n")
        assert (result.exit_code, result.output[:19]) == (1, "Error: --username: "), name


@pytest.mark.parametrize("name", ["张伟", "王芳"])
def test_a_name_of_two_characters_registers(small_house: House, name: str) -> None:
    assert register(small_house.visitor(), invited(small_house), username=name).status == 200
    assert small_house.stored(name).username == name
