"""Recovery codes: shown once, valid once, replaced together."""

import re

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from accounts import passwords
from models import RecoveryCode
from tests.actors import text_of
from tests.environments import Environment
from tests.stories.factor_steps import add_app, code_of, second_step, set_up_app, sign_in_first_step

ANN = "ann@example.com"


def sign_in(env: Environment, code: str) -> str | None:
    """Sign in with a recovery code, and return the error word of the second step."""
    return second_step(sign_in_first_step(env, ANN), recovery_code=code).error


def test_there_are_ten_different_codes_of_fifty_random_bits(env: Environment) -> None:
    _, codes = add_app(env, env.person(ANN))
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[0-9abcdefghjkmnpqrstvwxyz]{5}-[0-9abcdefghjkmnpqrstvwxyz]{5}", code) for code in codes)


def test_each_code_is_valid_once(env: Environment) -> None:
    _, codes = add_app(env, env.person(ANN))
    assert [sign_in(env, code) for code in codes] == [None] * 10
    assert sign_in(env, codes[4]) == "second_factor_wrong"


@pytest.mark.parametrize("spell", [
    str.upper,
    lambda code: code.replace("-", ""),
    lambda code: f"  {code.replace('-', ' ')}  ",
    "-".join,
    lambda code: code.replace("0", "o").replace("1", "l"),
    lambda code: code.replace("0", "O").replace("1", "I"),
])  # fmt: skip
def test_a_code_is_accepted_in_every_spelling(env: Environment, spell: object) -> None:
    _, codes = add_app(env, env.person(ANN))
    code = next((each for each in codes if "0" in each or "1" in each), codes[0])
    assert sign_in(env, spell(code)) is None  # type: ignore[operator]


def test_new_codes_invalidate_the_older_ones(env: Environment) -> None:
    ann = env.person(ANN)
    _, codes = add_app(env, ann)
    new = ann.post("/cms/security/recovery_codes/").data["recovery_codes"]
    assert not set(new) & set(codes)
    assert sign_in(env, codes[0]) == "second_factor_wrong"
    assert sign_in(env, new[0]) is None


def test_they_are_shown_once_and_stored_as_hashes(env: Environment) -> None:
    ann = env.person(ANN)
    _, codes = add_app(env, ann)
    page = ann.page("/cms/security/").text
    assert not any(code in page for code in codes)
    rows = env.rows(select(RecoveryCode.code_hash, RecoveryCode.salt))
    assert len({row.code_hash for row in rows}) == 10
    assert not any(code.replace("-", "") in str(rows) for code in codes)


def test_the_response_with_codes_is_not_stored_by_the_browser(env: Environment) -> None:
    ann = env.person(ANN)
    app = set_up_app(ann)
    ann.script = False
    page = ann.post("/cms/security/app/", {"code": code_of(env, app)})
    assert page.headers["Cache-Control"] == "no-store"
    assert len(re.findall(r"<li><code>", page.text)) == 10


def test_the_mail_about_a_used_code_says_how_many_are_left(env: Environment) -> None:
    _, codes = add_app(env, env.person(ANN))
    env.update_account(ANN, language="en")
    for code in codes[:9]:
        assert sign_in(env, code) is None
    texts = [text_of(mail) for mail in env.mail_to(ANN) if "recovery code" in str(mail["Subject"])]
    assert "9 unused codes are left." in texts[0]
    assert "1 unused code is left." in texts[-1]


def test_the_page_says_how_many_are_left_and_warns_of_the_last_ones(env: Environment) -> None:
    ann = env.person(ANN)
    ann.browser.headers["Accept-Language"] = "en"
    _, codes = add_app(env, ann)
    assert "10 of 10 codes are left." in ann.page("/cms/security/").text
    for code in codes[:7]:
        assert sign_in(env, code) is None
    page = ann.page("/cms/security/").text
    assert "3 of 10 codes are left." in page
    assert "Create new codes before you need them." in page


def test_without_a_second_factor_there_are_no_codes(env: Environment) -> None:
    ann = env.person(ANN)
    answer = ann.post("/cms/security/recovery_codes/")
    assert (answer.status, answer.error) == (403, "second_factor_required")
    assert env.rows(select(RecoveryCode.id)) == []


def test_the_codes_of_one_account_are_not_accepted_for_another(env: Environment) -> None:
    _, codes = add_app(env, env.person("bob@example.com"))
    add_app(env, env.person(ANN))
    assert sign_in(env, codes[0]) == "second_factor_wrong"


def test_codes_remain_valid_when_the_cost_of_new_hashes_is_changed(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = env.person(ANN)
    _, codes = add_app(env, ann)
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(memory_cost=16, time_cost=2, parallelism=1))
    assert second_step(sign_in_first_step(env, ANN), recovery_code=codes[0]).status == 200
    assert second_step(sign_in_first_step(env, ANN), recovery_code=codes[0]).error == "second_factor_wrong"
    newer = ann.post("/cms/security/recovery_codes/").data["recovery_codes"]
    assert second_step(sign_in_first_step(env, ANN), recovery_code=newer[0]).status == 200
