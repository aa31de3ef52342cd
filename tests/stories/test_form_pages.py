"""The hints of forms that were not submitted yet."""

import re

import pytest

from tests.actors import Answer
from tests.environments import Environment
from tests.stories.admin_steps import invitation_link
from validators import PasswordStrength

ANN = "ann@example.com"
HINT = {"zh": "至少 {} 个字符。", "en": "At least {} characters."}


def find_hint(page: Answer, field: str) -> str:
    """Return the hint that the `aria-describedby` of a field refers to."""
    assert page.status == 200
    described_by = re.search(rf'<input[^>]*id="{field}"[^>]*aria-describedby="([^"]+)"', page.text)
    assert described_by
    assert f"{field}-hint" in described_by[1].split()
    hint = re.search(rf'id="{field}-hint"[^>]*>([^<]+)<', page.text)
    assert hint
    return hint[1]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", ["register", "forgotten", "change"])
def test_every_field_for_a_new_password_has_a_hint_with_the_minimum_length(
    sqlite_env: Environment, form: str, language: str
) -> None:
    if form == "register":
        person, path = sqlite_env.visitor(), invitation_link(sqlite_env)
    elif form == "change":
        person, path = sqlite_env.person(), "/cms/resetpwd/"
    else:
        sqlite_env.administrator(ANN)
        person = sqlite_env.visitor(ANN)
        person.post("/cms/forgotpwd/", {"email": ANN})
        path = sqlite_env.links_to(ANN, "forgotpwd")[0]
    person.browser.headers["Accept-Language"] = language
    assert find_hint(person.page(path), "password").startswith(HINT[language].format(PasswordStrength().min))
