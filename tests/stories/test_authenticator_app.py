"""Authenticator apps: set-up, codes and removal."""

import re

import pytest
from sqlalchemy import select

from models import AuthenticatorApp
from tests.environments import Environment
from tests.stories.admin_steps import history, id_of
from tests.stories.factor_steps import add_app, code_of, second_step, set_up_app, sign_in_first_step, wrong_code

ANN = "ann@example.com"


def sign_in(env: Environment, code: str) -> str | None:
    """Sign in with a code, and return the error word of the second step."""
    return second_step(sign_in_first_step(env, ANN), code=code).error


@pytest.mark.parametrize(
    ("step", "word"), [(-2, "second_factor_wrong"), (-1, None), (0, None), (1, None), (2, "second_factor_wrong")]
)
def test_a_code_is_accepted_one_step_early_or_late(env: Environment, step: int, word: str | None) -> None:
    app, _ = add_app(env, env.person(ANN))
    env.clock.advance(minutes=5)
    assert sign_in(env, code_of(env, app, step)) == word


def test_a_code_is_used_once_also_in_another_browser_or_session(env: Environment) -> None:
    ann = env.person(ANN)
    app, _ = add_app(env, ann)
    code = code_of(env, app)
    assert sign_in(env, code) is None
    assert sign_in(env, code) == "second_factor_wrong"
    assert ann.reauth(code=code).error == "second_factor_wrong"


def test_after_a_code_no_earlier_one_is_accepted(env: Environment) -> None:
    app, _ = add_app(env, env.person(ANN))
    env.clock.advance(minutes=5)
    earlier = code_of(env, app, -1)
    assert sign_in(env, code_of(env, app)) is None
    assert sign_in(env, earlier) == "second_factor_wrong"
    assert sign_in(env, code_of(env, app, 1)) is None


def test_the_code_of_the_set_up_cannot_be_used_to_sign_in(env: Environment) -> None:
    ann = env.person(ANN)
    app = set_up_app(ann)
    code = code_of(env, app)
    assert ann.post("/cms/security/app/", {"code": code}).status == 200
    assert sign_in(env, code) == "second_factor_wrong"


@pytest.mark.parametrize("spell", [
    lambda code: f"{code[:3]} {code[3:]}",
    lambda code: f" {code}\n",
    lambda code: f"{code[:3]}-{code[3:]}",
    lambda code: code.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
    lambda code: code.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)}),
])  # fmt: skip
def test_a_code_is_accepted_in_every_spelling_of_its_digits(env: Environment, spell: object) -> None:
    app, _ = add_app(env, env.person(ANN))
    assert sign_in(env, spell(code_of(env, app))) is None  # type: ignore[operator]


def test_leading_zeros_of_a_code_count(env: Environment) -> None:
    app, _ = add_app(env, env.person(ANN))
    while not code_of(env, app).startswith("0"):
        env.clock.advance(seconds=30)
    code = code_of(env, app)
    ann = sign_in_first_step(env, ANN)
    assert second_step(ann, code=code.removeprefix("0")).error == "invalid"
    assert second_step(ann, code=code).status == 200


def test_an_app_is_no_second_factor_before_its_first_code(env: Environment) -> None:
    ann = env.person(ANN)
    app = set_up_app(ann)
    assert not env.account("ann").has_second_factor
    assert env.visitor(ANN).sign_in().data == {"next": "/cms/"}
    answer = ann.post("/cms/security/app/", {"code": wrong_code(env, app)})
    assert (answer.status, answer.error) == (400, "second_factor_wrong")
    assert "tries_left" not in answer.data
    assert not env.account("ann").has_second_factor
    assert len(ann.post("/cms/security/app/", {"code": code_of(env, app)}).data["recovery_codes"]) == 10
    assert env.account("ann").has_second_factor


def test_a_second_set_up_replaces_the_first(env: Environment) -> None:
    ann = env.person(ANN)
    first, second = set_up_app(ann), set_up_app(ann)
    assert ann.post("/cms/security/app/", {"code": code_of(env, first)}).error == "second_factor_wrong"
    assert ann.post("/cms/security/app/", {"code": code_of(env, second)}).status == 200


def test_a_set_up_ends_after_an_hour(env: Environment) -> None:
    ann = env.person(ANN)
    app = set_up_app(ann)
    env.clock.advance(minutes=59)
    assert ann.reauth().status == 200
    assert code_of(env, app)
    env.clock.advance(minutes=2)
    for answer in (
        ann.post("/cms/security/app/", {"code": code_of(env, app)}),
        ann.get_as_script("/cms/security/app/"),
    ):
        assert (answer.status, answer.error) == (410, "set_up_expired")
    ann.script = False
    page = ann.post("/cms/security/app/", {"code": "malformed"})
    assert (page.status, page.path) == (200, "/cms/security/")
    assert 'id="refused"' in page.text


def test_an_account_has_one_app(env: Environment) -> None:
    ann = env.person(ANN)
    app, _ = add_app(env, ann)
    assert ann.post("/cms/security/app/set_up/").error == "already_added"
    assert ann.post("/cms/security/app/", {"code": code_of(env, app)}).error == "set_up_expired"
    events = [row.event for row in history(env, id_of(env, ANN))]
    assert events[-2:] == ["already_added", "set_up_expired"]
    assert len(env.rows(select(AuthenticatorApp.id))) == 1


def test_after_its_removal_an_app_cannot_be_used(env: Environment) -> None:
    ann = env.person(ANN)
    app, _ = add_app(env, ann)
    ann.post("/cms/security/app/remove/")
    second, _ = add_app(env, ann)
    assert sign_in(env, code_of(env, app)) == "second_factor_wrong"
    assert sign_in(env, code_of(env, second)) is None


def test_the_app_of_one_account_is_not_accepted_for_another(env: Environment) -> None:
    app, _ = add_app(env, env.person("bob@example.com"))
    add_app(env, env.person(ANN))
    assert sign_in(env, code_of(env, app)) == "second_factor_wrong"


def test_the_page_shows_the_key_as_a_qr_code_and_as_text(env: Environment) -> None:
    ann = env.person(ANN)
    app = set_up_app(ann)
    page = ann.page("/cms/security/app/")
    assert len(app.secret) == 32
    assert page.headers["Cache-Control"] == "no-store"
    svg = re.search(r"<svg.*?</svg>", page.text, re.DOTALL)
    assert svg
    assert "style" not in svg[0]
    assert "width=" not in svg[0]
    assert 'fill="#fff"' in svg[0]


def test_the_key_is_shown_to_a_fresh_session_only(env: Environment) -> None:
    ann = env.person(ANN)
    set_up_app(ann)
    env.clock.advance(minutes=11)
    assert ann.get_as_script("/cms/security/app/").error == "reauth_required"


def test_the_key_is_stored_encrypted(env: Environment) -> None:
    app, _ = add_app(env, env.person(ANN))
    (stored,) = env.rows(select(AuthenticatorApp.secret))[0]
    assert app.secret not in stored
    assert stored.startswith("gAAAA")  # Fernet.


def test_an_app_whose_key_was_removed_is_refused_without_an_error(env: Environment) -> None:
    app, codes = add_app(env, env.person(ANN))
    other = env.app_with(SECRET_KEY="another secret of these tests, long enough")
    ann = env.visitor(ANN, app=other)
    assert ann.sign_in().data == {"next": "/cms/login/second/"}
    assert second_step(ann, code=code_of(env, app)).error == "second_factor_wrong"
    assert second_step(ann, recovery_code=codes[0]).status == 200
