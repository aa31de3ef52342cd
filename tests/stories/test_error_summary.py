"""Long forms: an error summary with a link to each field, and the title of the page."""

from collections.abc import Callable

import pytest

from tests.actors import Answer
from tests.environments import Environment
from tests.markup import Element, read
from tests.stories.admin_steps import BOSS, id_of, invitation_link, superuser

ANN = "ann@example.com"
WRONG_PASSWORD = {"oldpwd": "x", "password": "short", "repetition": "other"}


def registering(env: Environment) -> Answer:
    """Register with nothing but a name that is reserved."""
    return env.visitor(script=False).post(invitation_link(env), {"username": "admin", "password": "password1"})


def own_data(env: Environment) -> Answer:
    """Save own data with faults in several kinds of fields."""
    fields = {"username": "", "mobile": "12", "staff_number": "seven", "gender": "none", "city": "atlantis"}
    return env.person(script=False).post("/cms/profile/", {**fields, "interests": "nothing", "version": "1"})


def changing_the_password(env: Environment) -> Answer:
    """Choose a password that is too short, and repeat another one."""
    return env.person(script=False).post("/cms/resetpwd/", WRONG_PASSWORD)


def setting_a_password(env: Environment) -> Answer:
    """Choose, with a mailed link, a password that is too short."""
    env.administrator(ANN)
    ann = env.visitor(ANN, script=False)
    ann.post("/cms/forgotpwd/", {"email": ANN})
    return ann.post(env.links_to(ANN, "forgotpwd")[0], {"password": "short", "repetition": "other"})


def inviting(env: Environment) -> Answer:
    """Invite what is no address."""
    return superuser(env, script=False).post("/cms/users/invite/", {"email": "nobody", "role": "emperor"})


def acting(what: str, **more: str) -> Callable[[Environment], Answer]:
    """Return somebody who does something to another administrator without saying why."""

    def act(env: Environment) -> Answer:
        env.administrator(ANN)
        boss = superuser(env, script=False)
        return boss.post(f"/cms/users/{id_of(env, ANN)}/{what}/", {"reason": "", **more})

    return act


FORMS: dict[str, tuple[Callable[[Environment], Answer], set[str]]] = {
    "register": (
        registering,
        {"username", "password", "repetition", "mobile", "staff_number", "gender", "city", "interests", "language"},
    ),
    "profile": (own_data, {"username", "mobile", "staff_number", "gender", "city", "interests", "language"}),
    "change the password": (changing_the_password, {"password", "repetition"}),
    "set a password": (setting_a_password, {"password", "repetition"}),
    "invite": (inviting, {"email", "role"}),
    **{
        what: (acting(what), {"reason"})
        for what in ("disable", "enable", "drop_change", "end_sessions", "send_password_link")
    },
    "role": (acting("role", role="superuser"), {"reason"}),
    "start_change": (acting("start_change", email="nobody"), {"email", "reason"}),
}
# These two are refused on a page that does not offer them: the account is enabled, and has no pending change.
NOT_OFFERED = ("enable", "drop_change")


def summary_of(page: Element) -> Element:
    """Return the summary; it has the focus, and nothing else wants it."""
    found = [element for element in page.all() if "autofocus" in element]
    assert len(found) == 1, [element.attributes for element in found]
    assert (found[0]["role"], found[0]["tabindex"]) == ("alert", "-1")
    assert "error-summary" in found[0]["class"].split()
    return found[0]


@pytest.mark.parametrize(("refuse", "wrong"), FORMS.values(), ids=FORMS.keys())
def test_the_summary_of_a_long_form_has_the_focus_and_leads_to_every_field(
    sqlite_env: Environment, refuse: Callable[[Environment], Answer], wrong: set[str], request: pytest.FixtureRequest
) -> None:
    refused = refuse(sqlite_env)
    assert refused.status == 400
    page = read(refused.text)
    assert page.one("title").text.startswith("错误：")
    links = list(summary_of(page).all("a"))
    assert links
    is_offered = not any(f"[{what}]" in request.node.name for what in NOT_OFFERED)
    names = set()
    for link in links if is_offered else []:
        field = page.one(id=link["href"].removeprefix("#"))
        names.add(field["name"])
        assert field["aria-invalid"] == "true", link["href"]
        place = page.one(id=field["aria-describedby"].split()[-1])
        assert place.text, link["href"]
        assert link.text.endswith(next(place.all("p")).text), link.text
    assert names == (wrong if is_offered else set())


@pytest.mark.parametrize(("language", "heading"), [("zh", "提交的内容有误"), ("en", "There is a problem")])
def test_the_summary_names_the_field_with_each_sentence(sqlite_env: Environment, language: str, heading: str) -> None:
    ann = sqlite_env.person(script=False)
    ann.browser.headers["Accept-Language"] = language
    page = read(ann.post("/cms/profile/", {"username": "admin", "version": "1"}).text)
    summary = summary_of(page)
    assert summary.one("h2").text == heading
    said = next(summary.all("a")).text
    assert (
        said
        == {
            "zh": "用户名：该用户名为保留名称，请换一个。",
            "en": "Username: This username is reserved. Choose a different one.",
        }[language]
    )


def test_a_page_without_a_fault_has_no_summary_and_its_own_title(sqlite_env: Environment) -> None:
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


def test_a_question_is_no_error(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    asked = ann.ask("ann@gmial.com")
    assert asked.status == 400
    assert "错误：" not in read(asked.text).one("title").text
