"""Error summaries of long forms: a link to each field, and the title of the page."""

from collections.abc import Callable

import pytest

from tests.actors import Answer
from tests.environments import Environment
from tests.markup import Element, read
from tests.stories.admin_steps import BOSS, id_of, invitation_link, superuser

ANN = "ann@example.com"
WRONG_PASSWORD = {"oldpwd": "x", "password": "short", "repetition": "other"}


def submit_registration(env: Environment) -> Answer:
    """Register with a reserved username and without other data."""
    return env.visitor(script=False).post(invitation_link(env), {"username": "admin", "password": "password1"})


def submit_profile(env: Environment) -> Answer:
    """Save a profile with errors in several kinds of fields."""
    fields = {"username": "", "mobile": "12", "staff_number": "seven", "gender": "none", "city": "atlantis"}
    return env.person(script=False).post("/cms/profile/", {**fields, "interests": "nothing", "version": "1"})


def submit_password_change(env: Environment) -> Answer:
    """Change the password to one that is too short, and repeat a different one."""
    return env.person(script=False).post("/cms/resetpwd/", WRONG_PASSWORD)


def submit_new_password(env: Environment) -> Answer:
    """Set a password that is too short with a mailed link."""
    env.administrator(ANN)
    ann = env.visitor(ANN, script=False)
    ann.post("/cms/forgotpwd/", {"email": ANN})
    return ann.post(env.links_to(ANN, "forgotpwd")[0], {"password": "short", "repetition": "other"})


def submit_invitation(env: Environment) -> Answer:
    """Invite an invalid address with an invalid role."""
    return superuser(env, script=False).post("/cms/users/invite/", {"email": "nobody", "role": "emperor"})


def action(name: str, **more: str) -> Callable[[Environment], Answer]:
    """Return a function that submits an action on another account without a reason."""

    def submit(env: Environment) -> Answer:
        env.administrator(ANN)
        boss = superuser(env, script=False)
        return boss.post(f"/cms/users/{id_of(env, ANN)}/{name}/", {"reason": "", **more})

    return submit


FORMS: dict[str, tuple[Callable[[Environment], Answer], set[str]]] = {
    "register": (
        submit_registration,
        {"username", "password", "repetition", "mobile", "staff_number", "gender", "city", "interests", "language"},
    ),
    "profile": (submit_profile, {"username", "mobile", "staff_number", "gender", "city", "interests", "language"}),
    "change the password": (submit_password_change, {"password", "repetition"}),
    "set a password": (submit_new_password, {"password", "repetition"}),
    "invite": (submit_invitation, {"email", "role"}),
    **{
        name: (action(name), {"reason"})
        for name in ("disable", "enable", "drop_change", "end_sessions", "send_password_link")
    },
    "role": (action("role", role="superuser"), {"reason"}),
    "start_change": (action("start_change", email="nobody"), {"email", "reason"}),
}
# The page does not contain these two forms, because the account is enabled and has no pending change.
NOT_ON_PAGE = ("enable", "drop_change")


def find_summary(page: Element) -> Element:
    """Return the error summary, which must be the only element with autofocus."""
    found = [element for element in page.all() if "autofocus" in element]
    assert len(found) == 1, [element.attributes for element in found]
    assert (found[0]["role"], found[0]["tabindex"]) == ("alert", "-1")
    assert "error-summary" in found[0]["class"].split()
    return found[0]


@pytest.mark.parametrize(("submit", "invalid"), FORMS.values(), ids=FORMS.keys())
def test_the_summary_of_a_long_form_has_the_focus_and_links_to_every_invalid_field(
    sqlite_env: Environment, submit: Callable[[Environment], Answer], invalid: set[str], request: pytest.FixtureRequest
) -> None:
    refused = submit(sqlite_env)
    assert refused.status == 400
    page = read(refused.text)
    assert page.one("title").text.startswith("错误：")
    links = list(find_summary(page).all("a"))
    assert links
    is_on_page = not any(f"[{name}]" in request.node.name for name in NOT_ON_PAGE)
    names = set()
    for link in links if is_on_page else []:
        field = page.one(id=link["href"].removeprefix("#"))
        names.add(field["name"])
        assert field["aria-invalid"] == "true", link["href"]
        place = page.one(id=field["aria-describedby"].split()[-1])
        assert place.text, link["href"]
        assert link.text.endswith(next(place.all("p")).text), link.text
    assert names == (invalid if is_on_page else set())


@pytest.mark.parametrize(("language", "heading"), [("zh", "提交的内容有误"), ("en", "There is a problem")])
def test_the_summary_contains_the_label_of_each_field(sqlite_env: Environment, language: str, heading: str) -> None:
    ann = sqlite_env.person(script=False)
    ann.browser.headers["Accept-Language"] = language
    page = read(ann.post("/cms/profile/", {"username": "admin", "version": "1"}).text)
    summary = find_summary(page)
    assert summary.one("h2").text == heading
    link_text = next(summary.all("a")).text
    assert (
        link_text
        == {
            "zh": "用户名：该用户名为保留名称，请换一个。",
            "en": "Username: This username is reserved. Choose a different one.",
        }[language]
    )


def test_a_page_without_errors_has_no_summary(sqlite_env: Environment) -> None:
    boss = superuser(sqlite_env, script=False)
    for path in ("/cms/profile/", "/cms/resetpwd/", "/cms/users/", f"/cms/users/{id_of(sqlite_env, BOSS)}/"):
        page = boss.page(path)
        assert "error-summary" not in page.text, path
        assert "错误：" not in read(page.text).one("title").text, path


def test_a_refusal_of_the_whole_form_has_the_focus(sqlite_env: Environment) -> None:
    first, second = sqlite_env.person(script=False), sqlite_env.signed_in(ANN, script=False)
    assert first.post("/cms/profile/", {"username": "anna", "version": "1", "language": ""}).status == 200
    refused = second.post("/cms/profile/", {"username": "anne", "version": "1", "language": ""})
    assert refused.status == 409
    page = read(refused.text)
    found = [element for element in page.all() if "autofocus" in element]
    assert [(element["id"], element["role"]) for element in found] == [("refused", "alert")]
    assert page.one("title").text.startswith("错误：")


def test_a_question_about_a_typo_is_not_an_error(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    queried = ann.ask("ann@gmial.com")
    assert queried.status == 400
    assert "错误：" not in read(queried.text).one("title").text
