"""The profile: displayed and saved data, concurrent changes in two tabs, and the language."""

import re

from tests.actors import Answer, Person, text_of
from tests.environments import Environment
from tests.servers import run_concurrently
from tests.stories.admin_steps import history, id_of

ANN = "ann@example.com"
PATH = "/cms/profile/"
DATA = {
    "username": "ann",
    "mobile": "13812345678",
    "staff_number": "4711",
    "gender": "other",
    "city": "chengdu",
    "interests": "science",
    "language": "",
}


def read_version(page: Answer) -> str:
    """Return the version in the form of a page."""
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found, page
    return found[1]


def save(person: Person, version: str = "", **fields: str) -> Answer:
    """Open the page and submit its form with these fields; `version` is that of a page that was opened before."""
    return person.post(PATH, {**DATA, "version": version or read_version(person.page(PATH)), **fields})


def test_saved_data_is_shown(env: Environment) -> None:
    ann = env.person()
    answer = save(ann)
    assert (answer.status, answer.message) == (200, "资料已保存。")
    stored = env.account("ann")
    assert (stored.mobile, stored.staff_number, stored.gender) == ("+8613812345678", 4711, "other")
    assert (stored.city, stored.interests, stored.language) == ("chengdu", ["science"], None)
    page = ann.page(PATH).text
    for shown in ('value="ann"', 'value="+8613812345678"', 'value="4711"'):
        assert shown in page
    for value in ("other", "science"):
        assert re.search(rf'value="{value}" checked', page)
    assert re.search(r'<option value="chengdu" selected', page)


def test_the_profile_can_be_saved_without_scripts(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    answer = save(ann, interests="travel", city="")
    assert (answer.status, answer.path) == (200, PATH)
    assert "资料已保存。" in answer.text
    stored = sqlite_env.account("ann")
    assert (stored.city, stored.interests) == (None, ["travel"])


def test_all_fields_but_the_username_are_optional(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    save(ann)
    version = read_version(ann.page(PATH))
    assert ann.post(PATH, {"username": "ann", "language": "", "city": "", "version": version}).status == 200
    stored = sqlite_env.account("ann")
    assert (stored.mobile, stored.staff_number, stored.gender, stored.city, stored.interests) == (
        *(None, None, None, None),
        [],
    )


def test_the_history_contains_the_names_of_changed_fields_without_their_values(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    save(ann)
    user_id = id_of(sqlite_env, ANN)
    row = history(sqlite_env, user_id)[-1]
    assert (row.event, row.actor_id) == ("profile_changed", user_id)
    assert sorted(row.detail["fields"]) == ["city", "gender", "interests", "mobile", "staff_number"]
    assert "13812345678" not in str(row)
    rows = len(history(sqlite_env, user_id))
    assert save(ann).status == 200  # Nothing has changed, and nothing is recorded.
    assert len(history(sqlite_env, user_id)) == rows


def test_a_change_in_another_tab_is_not_overwritten(env: Environment) -> None:
    ann = env.person()
    first, second = (read_version(ann.page(PATH)) for _ in range(2))
    assert save(ann, first, city="beijing").status == 200
    refused = save(ann, second, mobile="13912345678")
    assert (refused.status, refused.error) == (409, "profile_changed")
    stored = env.account("ann")
    assert (stored.city, stored.mobile) == ("beijing", "+8613812345678")
    assert save(ann, city="beijing", mobile="13912345678").status == 200  # This opens the page again.
    assert env.account("ann").mobile == "+8613912345678"


def test_without_scripts_a_conflicting_change_is_refused_and_the_input_is_kept(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    version = read_version(ann.page(PATH))
    save(ann, version, city="beijing")
    refused = save(ann, version, staff_number="9999")
    assert refused.status == 409
    assert 'value="9999"' in refused.text
    assert sqlite_env.account("ann").staff_number == 4711
    assert (
        save(ann, read_version(refused), staff_number="9999").status == 409
    )  # The refused page still has the old version.


def test_of_two_concurrent_changes_one_is_saved(env: Environment) -> None:
    ann = env.person()
    version = read_version(ann.page(PATH))
    tabs = [env.visitor(ANN) for _ in range(2)]
    for tab in tabs:
        tab.browser.cookies.update(ann.browser.cookies)
        tab.token()
    answers = run_concurrently(lambda number: save(tabs[number], version, staff_number=str(number + 1)), 2)
    assert sorted(str(answer.error) for answer in answers) == ["None", "profile_changed"]
    saved = next(number for number in (1, 2) if env.account("ann").staff_number == number)
    assert env.account("ann").profile_version == 2, saved


def test_a_taken_username_is_refused_in_every_spelling(env: Environment) -> None:
    env.administrator("bob@example.com")
    ann = env.person()
    save(ann)
    for name in ("bob", "BOB", "ｂｏｂ"):
        refused = save(ann, username=name, city="beijing")
        assert (refused.status, refused.error, list(refused.data["fields"])) == (409, "username_taken", ["username"])
    stored = env.account("ann")
    assert (stored.city, stored.profile_version) == ("chengdu", 2)
    assert history(env, stored.id)[-1].event == "username_taken"
    assert save(ann, username="ANN").status == 200  # Administrators can change the spelling of their username.


def test_without_scripts_a_taken_username_is_reported_at_its_field(env: Environment) -> None:
    env.administrator("bob@example.com")
    refused = save(env.person(script=False), username="bob")
    assert refused.status == 409
    assert re.search(r'data-errors-of="username">\s*<p>', refused.text)
    assert 'value="bob"' in refused.text


def test_errors_are_reported_at_their_fields_and_nothing_is_saved(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    save(ann)
    wrong = {"username": "x", "mobile": "1", "staff_number": "many", "gender": "none", "city": "x", "language": "x"}
    refused = save(ann, **wrong)
    assert (refused.status, refused.error) == (400, "invalid")
    assert set(refused.data["fields"]) == set(wrong)
    assert refused.message == refused.data["fields"]["username"][0]  # The first field of the form.
    for name, typed in wrong.items():
        assert list(save(ann, **{name: typed}).data["fields"]) == [name]
    assert sqlite_env.account("ann").profile_version == 2


def test_a_refused_form_keeps_the_input_even_if_it_is_not_a_number(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    refused = save(ann, staff_number="many", city="beijing")
    assert refused.status == 400
    assert 'value="many"' in refused.text
    assert re.search(r'data-errors-of="staff_number"><p>', refused.text)
    assert re.search(r'<option value="beijing" selected', refused.text)


def test_an_unknown_version_is_refused(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    for version in ("0", "2", "-1", "9" * 30):
        assert save(ann, version).error == "profile_changed"
    assert save(ann, "one").error == "invalid"
    assert sqlite_env.account("ann").city is None


def test_fields_that_the_form_does_not_have_are_ignored(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    bob = sqlite_env.administrator("bob@example.com")
    sent = {"is_superuser": "y", "email": "x@example.com", "id": str(bob.id), "is_active": "", "password_hash": "x"}
    before = sqlite_env.account("ann")
    assert save(ann, **sent).status == 200
    after = sqlite_env.account("ann")
    for name in sent:
        assert getattr(after, name) == getattr(before, name)
    assert sqlite_env.account("bob").city is None


def test_a_language_takes_effect_immediately_for_pages_and_mails(env: Environment) -> None:
    ann = env.person()
    assert 'lang="zh"' in ann.page("/cms/").text
    assert save(ann, language="en").message == "Your profile has been saved."
    for path in ("/cms/", PATH, "/cms/security/"):
        assert 'lang="en"' in ann.page(path).text
    ann.ask("new@example.com")
    assert "code" in str(env.mail_to("new@example.com")[-1]["Subject"])
    assert "Hello" not in text_of(
        env.mail_to("new@example.com")[-1]
    )  # The mail to the new address does not name the account.
    assert save(ann, language="zh").message == "资料已保存。"
    assert save(ann, language="").message == "资料已保存。"


def test_without_a_chosen_language_that_of_the_browser_is_used(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    for header, language in (("en-GB,en;q=0.9", "en"), ("zh-CN", "zh"), ("fr", "zh"), ("fr,en;q=0.5", "en")):
        ann.browser.headers["Accept-Language"] = header
        assert f'lang="{language}"' in ann.page("/cms/").text, header
    save(ann, language="zh")
    assert 'lang="zh"' in ann.page("/cms/").text  # The language of the profile takes precedence.
