"""Which fields the registration and the profile have, and their choices: PROFILE_FIELDS."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.flows import erasure, personal_data
from accounts.origin import COMMAND_LINE
from forms import DETAILS
from models import CMSUser
from tests.actors import Answer, Person
from tests.environments import Environment
from tests.markup import Element, read
from tests.servers import WebhookReceiver
from tests.stories.admin_steps import NEW, REGISTRATION, history, invitation_link, register
from tests.stories.test_profile import DATA, PATH, read_version, save
from tests.webhooks import stored_events, use

ANN = "ann@example.com"
CHOICES = 'a = { zh = "甲", en = "A <i>" }\nb = { zh = "乙", en = "B" }\n'
STORED = {
    "mobile": "+8613812345678",
    "staff_number": 4711,
    "gender": "other",
    "city": "chengdu",
    "interests": ["science"],
}


@pytest.fixture
def node(sqlite_env: Environment, tmp_path: Path) -> "Node":
    """Provide a function that starts a node with another file."""
    return Node(sqlite_env, tmp_path)


class Node:
    """Creates applications whose fields have other rules and choices."""

    def __init__(self, env: Environment, folder: Path) -> None:
        """Store where the files are written."""
        self.env, self.folder = env, folder

    def __call__(self, choices: str = CHOICES, registration: str = "optional", **rules: str) -> Flask:
        """Return an application with these rules of the profile; a field without one is not in the file."""
        content = ""
        for name, rule in rules.items():
            content += f'[{name}]\nregistration = "{registration}"\nprofile = "{rule}"\n'
            content += f"[{name}.choices]\n{choices}" if name in ("city", "interests") else ""
        file = self.folder / f"{sha256(content.encode()).hexdigest()}.toml"
        file.write_text(content or "# none\n")
        return self.env.app_with(PROFILE_FIELDS=str(file))


def at_node(person: Person, app: Flask) -> Person:
    """Return the same browser at another node."""
    found = Person(type(person.browser)(app), person.email)
    found.browser.cookies, found.browser.headers = person.browser.cookies, person.browser.headers
    return found


def stored(env: Environment) -> dict[str, object]:
    """Return the stored fields of ann."""
    account = env.account("ann")
    return {name: getattr(account, name) for name in DETAILS}


def form_of(answer: Answer) -> Element:
    """Return the form of the profile or of the registration."""
    return read(answer.text).one("main").one("form")


def fields_of(answer: Answer) -> set[str]:
    """Return the names of the fields of a page that can have a rule."""
    return {each["name"] for kind in ("input", "select") for each in form_of(answer).all(kind)} & set(DETAILS)


@pytest.mark.parametrize("off", DETAILS)
def test_a_field_that_is_off_is_not_shown_not_required_not_accepted_and_not_deleted(
    sqlite_env: Environment, node: Node, off: str
) -> None:
    ann = sqlite_env.person()
    assert save(ann).status == 200
    assert stored(sqlite_env) == STORED
    rules = {name: "optional" for name in DETAILS if name != off}
    choices = CHOICES + "".join(f'{key} = {{ zh = "{key}", en = "{key}" }}\n' for key in ("beijing", "news"))
    ann = at_node(ann, node(choices, **rules))
    assert fields_of(ann.page(PATH)) == set(rules)
    changed = {"mobile": "13912345678", "staff_number": "1", "gender": "male", "city": "beijing", "interests": "news"}
    assert save(ann, **changed).status == 200
    new = {"mobile": "+8613912345678", "staff_number": 1, "gender": "male", "city": "beijing", "interests": ["news"]}
    assert stored(sqlite_env) == {**new, off: STORED[off]}
    assert off not in history(sqlite_env, sqlite_env.account("ann").id)[-1].detail["fields"]


@pytest.mark.parametrize("field", DETAILS)
def test_a_required_field_of_the_profile_must_be_filled_in(sqlite_env: Environment, node: Node, field: str) -> None:
    ann = sqlite_env.person(app=node(**{name: "required" if name == field else "optional" for name in DETAILS}))
    ann.browser.headers["Accept-Language"] = "en"
    page = ann.page(PATH)
    assert "Fields are required unless they are marked as optional." in page.text
    assert page.text.count("(optional)") == len(DETAILS) - 1
    sent = {"username": "ann", "language": "", "city": "", "version": read_version(page)}
    refused = ann.post(PATH, sent)
    assert (refused.error, refused.data["fields"]) == ("invalid", {field: ["This field is required."]})


def test_rules_of_the_registration_are_independent_of_those_of_the_profile(sqlite_env: Environment, node: Node) -> None:
    link = invitation_link(sqlite_env)
    visitor = sqlite_env.visitor(app=node(registration="optional", mobile="required", city="off", interests="required"))
    visitor.browser.headers["Accept-Language"] = "en"
    page = visitor.page(link)
    assert fields_of(page) == {"mobile", "city", "interests"}
    assert page.text.count("(optional)") == 3
    assert "Choose up to 4." in page.text
    sent = {name: REGISTRATION[name] for name in ("username", "password", "repetition", "language")}
    assert visitor.post(link, {**sent, "city": "b", "gender": "female", "staff_number": "x"}).status == 200
    account = sqlite_env.account(REGISTRATION["username"])
    assert [getattr(account, name) for name in DETAILS] == [None, None, None, "b", []]


def test_a_registration_without_any_field_needs_only_name_password_and_language(
    sqlite_env: Environment, node: Node
) -> None:
    link = invitation_link(sqlite_env)
    visitor = sqlite_env.visitor(app=node())
    visitor.browser.headers["Accept-Language"] = "en"
    page = visitor.page(link)
    assert fields_of(page) == set()
    assert "All fields are required." in page.text
    assert register(visitor, link).status == 200
    assert sqlite_env.account(REGISTRATION["username"]).mobile is None
    signed_in = sqlite_env.signed_in(NEW, password=REGISTRATION["password"], app=visitor.browser.app)  # type: ignore[attr-defined]
    assert fields_of(signed_in.page(PATH)) == set()
    assert "optional" not in form_of(signed_in.page(PATH)).text


@pytest.mark.parametrize(("language", "labels"), [("zh", ["甲", "乙"]), ("en", ["A <i>", "B"])])
def test_choices_are_those_of_the_file_in_the_language_of_the_page(
    sqlite_env: Environment, node: Node, language: str, labels: list[str]
) -> None:
    ann = sqlite_env.person(app=node(city="optional", interests="optional"))
    ann.browser.headers["Accept-Language"] = language
    form = form_of(ann.page(PATH))
    assert [(each["value"], each.text) for each in form.one("select", name="city").all("option")][1:] == [
        *zip("ab", labels, strict=True)
    ]
    assert [label.text for label in form.all("label", class_="form-check-label")] == labels
    assert save(ann, city="b", interests="a").status == 200
    assert (stored(sqlite_env)["city"], stored(sqlite_env)["interests"]) == ("b", ["a"])
    assert save(ann, city="beijing", interests="a").data["fields"].keys() == {"city"}
    assert save(ann, city="b", interests="news").data["fields"].keys() == {"interests"}


class TestRemovedChoices:
    """A choice was removed from the file while administrators have it."""

    @pytest.fixture
    def ann(self, sqlite_env: Environment, node: Node) -> Person:
        """Provide an administrator with such choices, at a node with the new file."""
        ann = sqlite_env.person()
        assert save(ann).status == 200
        ann = at_node(ann, node(**dict.fromkeys(DETAILS, "required")))
        ann.browser.headers["Accept-Language"] = "en"
        return ann

    def test_it_is_shown_as_it_is_stored_and_selected(self, ann: Person) -> None:
        form = form_of(ann.page(PATH))
        (selected,) = (each for each in form.all("option") if "selected" in each)
        assert (selected["value"], selected.text) == ("chengdu", "chengdu (no longer offered)")
        checked = [each["value"] for each in form.all("input", type="checkbox") if "checked" in each]
        assert checked == ["science"]
        assert "science (no longer offered)" in form.text

    @pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
    def test_it_can_be_kept(self, sqlite_env: Environment, ann: Person, script: bool) -> None:
        ann.script = script
        assert save(ann, mobile="13912345678").status == 200
        assert stored(sqlite_env) == {**STORED, "mobile": "+8613912345678"}

    def test_it_can_be_kept_beside_others_and_changed(self, sqlite_env: Environment, ann: Person) -> None:
        version = read_version(ann.page(PATH))
        sent = [*{**DATA, "version": version}.items(), ("interests", "a")]
        assert ann.post(PATH, sent).status == 200
        assert stored(sqlite_env)["interests"] == ["science", "a"]
        assert save(ann, city="a", interests="b").status == 200
        assert (stored(sqlite_env)["city"], stored(sqlite_env)["interests"]) == ("a", ["b"])

    def test_it_cannot_be_selected_again_or_by_others(self, sqlite_env: Environment, ann: Person) -> None:
        app = ann.browser.app  # type: ignore[attr-defined]
        assert save(sqlite_env.person("bob@example.com", app=app), username="bob").error == "invalid"
        assert save(ann, city="a", interests="b").status == 200
        refused = save(ann)
        assert (refused.error, set(refused.data["fields"])) == ("invalid", {"city", "interests"})
        assert "chengdu" not in ann.page(PATH).text

    def test_a_refused_form_keeps_it(self, sqlite_env: Environment, ann: Person) -> None:
        ann.script = False
        refused = save(ann, mobile="1")
        assert refused.status == 400
        city = form_of(refused).one("select", name="city")
        assert [each["value"] for each in city.all("option") if "selected" in each] == ["chengdu"]
        assert stored(sqlite_env) == STORED


class TestNodes:
    """Nodes with different files, while the application is restarted on one after the other."""

    @pytest.mark.parametrize("asked", [["mobile"], ["mobile", "gender", "interests"]])
    def test_a_field_that_the_page_did_not_have_is_not_taken_for_empty(
        self, sqlite_env: Environment, node: Node, asked: list[str]
    ) -> None:
        ann = sqlite_env.person()
        assert save(ann).status == 200
        page = at_node(ann, node(**dict.fromkeys(asked, "optional"))).page(PATH)
        hidden = {each["name"]: each["value"] for each in form_of(page).all("input", type="hidden")}
        assert hidden["asked"].split() == asked
        sent = {"username": "ann", "language": "", "mobile": "", "asked": hidden["asked"]}
        assert ann.post(PATH, {**sent, "version": hidden["version"]}).status == 200
        emptied = {"mobile": None, "gender": None, "interests": []}
        assert stored(sqlite_env) == {**STORED, **{name: emptied[name] for name in asked}}

    @pytest.mark.parametrize("asked", ["nothing", "gender", ""])
    def test_a_required_field_cannot_be_left_out_by_not_naming_it(
        self, sqlite_env: Environment, node: Node, asked: str
    ) -> None:
        ann = sqlite_env.person(app=node(mobile="required", gender="optional"))
        sent = {"username": "ann", "language": "", "asked": asked, "version": read_version(ann.page(PATH))}
        assert set(ann.post(PATH, sent).data["fields"]) == {"mobile"}
        assert ann.post(PATH, {**sent, "mobile": "13812345678"}).status == 200
        assert stored(sqlite_env)["mobile"] == STORED["mobile"]

    def test_a_page_that_is_shown_again_names_the_fields_that_it_has(self, sqlite_env: Environment, node: Node) -> None:
        ann = sqlite_env.person(script=False)
        page = at_node(ann, node(mobile="optional")).page(PATH)
        refused = ann.post(PATH, {"username": "", "language": "", "asked": "mobile", "version": read_version(page)})
        assert refused.status == 400
        assert form_of(refused).one("input", name="asked")["value"].split() == list(DETAILS)

    def test_a_very_long_list_of_fields_is_refused(self, sqlite_env: Environment) -> None:
        assert list(save(sqlite_env.person(), asked="mobile " * 100).data["fields"]) == ["asked"]


def test_webhooks_tell_the_stored_values_of_all_fields(sqlite_env: Environment, node: Node) -> None:
    hook = WebhookReceiver().start()
    try:
        use(sqlite_env, hook)
        ann = sqlite_env.person()
        assert save(ann).status == 200
        assert save(at_node(ann, node(city="optional")), city="a").status == 200
    finally:
        hook.stop()
    data = json.loads(stored_events(sqlite_env)[-1].payload)["data"]
    assert (data["before"]["city"], data["after"]["city"]) == ("chengdu", "a")
    assert {name: data["after"][name] for name in DETAILS} == {**STORED, "city": "a"}


def test_the_data_of_a_field_that_is_off_is_erased_with_the_account(sqlite_env: Environment, node: Node) -> None:
    assert save(sqlite_env.person()).status == 200
    ann = sqlite_env.account("ann")
    with node().app_context():
        erasure.erase(COMMAND_LINE, ann.id, reason="Left")
    (erased,) = sqlite_env.rows(select(*(getattr(CMSUser, name) for name in DETAILS)).where(CMSUser.id == ann.id))
    assert tuple(erased) == (None, None, None, None, [])


def test_the_personal_copy_contains_the_data_of_a_field_that_is_off(sqlite_env: Environment, node: Node) -> None:
    """The rules apply to the forms only."""
    assert save(sqlite_env.person()).status == 200
    ann = sqlite_env.account("ann")
    with node().app_context():
        copy = personal_data.export(ann.id, COMMAND_LINE)
    assert {name: copy["account"][name] for name in DETAILS} == STORED
