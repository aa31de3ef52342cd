"""The hints of forms before anything is refused."""

import re

import pytest

from tests.actors import Answer
from tests.environments import Environment
from tests.stories.admin_steps import invitation_link
from validators import PasswordStrength

ANN = "ann@example.com"
HINT = {"zh": "至少 {} 个字符。", "en": "At least {} characters."}


def hint_at(page: Answer, field: str) -> str:
    """Return the hint that a field points to, and which a screen reader reads with it."""
    assert page.status == 200
    pointed = re.search(rf'<input[^>]*id="{field}"[^>]*aria-describedby="([^"]+)"', page.text)
    assert pointed
    assert f"{field}-hint" in pointed[1].split()
    hint = re.search(rf'id="{field}-hint"[^>]*>([^<]+)<', page.text)
    assert hint
    return hint[1]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("where", ["register", "forgotten", "change"])
def test_every_field_for_a_new_password_says_how_long_it_must_be(
    sqlite_env: Environment, where: str, language: str
) -> None:
    if where == "register":
        person, path = sqlite_env.visitor(), invitation_link(sqlite_env)
    elif where == "change":
        person, path = sqlite_env.person(), "/cms/resetpwd/"
    else:
        sqlite_env.administrator(ANN)
        person = sqlite_env.visitor(ANN)
        person.post("/cms/forgotpwd/", {"email": ANN})
        path = sqlite_env.links_to(ANN, "forgotpwd")[0]
    person.browser.headers["Accept-Language"] = language
    assert hint_at(person.page(path), "password").startswith(HINT[language].format(PasswordStrength().min))
