"""Error pages have the navigation, links to continue, and the reference of the error in the log."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from models import db
from telemetry import logs
from tests.actors import PAGE, SCRIPT, Answer, Person
from tests.environments import Environment
from tests.markup import Element, read
from tests.stories.admin_steps import superuser
from tests.test_scale import record_statements

NOWHERE = "/cms/nothing/"
INVALID_LINK = f"/cms/forgotpwd/{'A' * 43}/"


def find_links(page: Element) -> list[str]:
    """Return the targets of the links in the main part of a page."""
    return [link["href"] for link in page.one("main").all("a")]


def has_navigation(page: Element) -> bool:
    """Return whether a page has the navigation for signed-in administrators, with a form to sign out."""
    targets = [link["href"] for link in page.one("header").all("a")]
    forms = [form["action"] for form in page.one("header").all("form")]
    assert ("/cms/security/" in targets) == (forms == ["/cms/logout/"])
    return bool(forms)


@pytest.mark.parametrize(
    ("path", "status"), [(NOWHERE, 404), ("/nothing", 404), (INVALID_LINK, 410), ("/cms/logout/", 405)]
)
def test_error_pages_have_the_navigation_for_signed_in_administrators(env: Environment, path: str, status: int) -> None:
    answer = env.person(script=False).page(path)
    page = read(answer.text)
    assert answer.status == status
    assert has_navigation(page)
    assert find_links(page) == ["/cms/"]
    assert "/cms/users/" not in answer.text


def test_a_forbidden_page_has_the_navigation_of_the_current_role(sqlite_env: Environment) -> None:
    refused = sqlite_env.person(script=False).page("/cms/users/")
    assert refused.status == 403
    assert has_navigation(read(refused.text))
    missing = superuser(sqlite_env, script=False).page("/cms/users/999/")
    assert missing.status == 404
    assert 'href="/cms/users/"' in missing.text


@pytest.mark.parametrize(("path", "status"), [(NOWHERE, 404), (INVALID_LINK, 410), ("/cms/logout/", 405)])
def test_error_pages_link_to_the_sign_in_page_for_visitors(sqlite_env: Environment, path: str, status: int) -> None:
    answer = sqlite_env.visitor(script=False).page(path)
    page = read(answer.text)
    assert answer.status == status
    assert not has_navigation(page)
    assert find_links(page) == ["/cms/login/"]


def test_error_pages_link_to_the_previous_page_if_it_belongs_to_the_site(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    for referrer, back in (
        ("http://localhost/cms/profile/?a=1", ["/cms/profile/?a=1"]),
        ("https://evil.example/cms/profile/", []),
        ("http://localhost//evil.example/", []),
        ("http://localhost" + NOWHERE, []),
        ("javascript:alert(1)", []),
    ):
        answer = ann.browser.send("GET", NOWHERE, headers={**PAGE, "Referer": referrer})
        assert find_links(read(answer.text)) == ["/cms/", *back], referrer


def build_with_faults(env: Environment) -> Flask:
    """Return an application with two additional views: one raises an error, the other loses the database."""
    app = env.build()

    def raise_error() -> str:
        raise RuntimeError("an unexpected error")

    def lose_database() -> str:
        db.session.rollback()  # Expires the objects: reading them again queries the database.
        raise OperationalError("SELECT 1", {}, Exception("the database is gone"))

    app.add_url_rule("/cms/fault/", view_func=raise_error)
    app.add_url_rule("/cms/lost/", view_func=lose_database)
    return app


@pytest.fixture(autouse=True)
def text_format(caplog: pytest.LogCaptureFixture) -> None:
    """Record the log as it is written to standard error."""
    caplog.handler.setFormatter(logs.formatter("text"))


def find_reference(log: str) -> str:
    """Return the id of the request in the one line about a fault."""
    found = re.findall(r'message="answered 50[03].* request_id=(\w+)', log)
    assert len(found) == 1, log
    return str(found[0])


@pytest.mark.parametrize(("path", "status"), [("/cms/fault/", 500), ("/cms/lost/", 503)])
def test_an_error_page_shows_the_reference_in_the_log(
    env: Environment, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    app = build_with_faults(env)
    ann = env.person(app=app, script=False)
    references = set()
    for language, words in (("en", "give the operator this reference"), ("zh", "请将以下编号告知运维人员")):
        ann.browser.headers["Accept-Language"] = language
        caplog.clear()
        answer = ann.page(path)
        assert answer.status == status
        page = read(answer.text)
        assert words in page.one("main").text
        reference = page.one("strong", class_="reference").text
        assert reference == find_reference(caplog.text) == answer.headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{16}", reference)
        references.add(reference)
        caplog.clear()
        data = ann.browser.send("GET", path, headers=SCRIPT).data
        assert data["reference"] == find_reference(caplog.text)
        references.add(data["reference"])
    assert len(references) == 4


@pytest.mark.parametrize("path", ["/cms/fault/", "/cms/lost/"])
def test_an_error_page_has_the_navigation_without_further_queries(env: Environment, path: str) -> None:
    app = build_with_faults(env)
    ann = env.person(app=app, script=False)
    with record_queries(app) as queries:
        page = read(ann.page(path).text)
    assert has_navigation(page)
    assert find_links(page) == [path, "/cms/"]
    assert len(queries) == 1, queries  # The session, which was read before the error.


def record_queries(app: Flask) -> Any:
    """Record the queries of an application."""

    class AppEnvironment:
        """An environment that consists of an application only."""

        def __init__(self) -> None:
            self.app = app

    return record_statements(AppEnvironment())  # type: ignore[arg-type]


def test_a_refusal_has_no_reference(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    assert "reference" not in ann.ask("not an address").data
    assert "reference" not in ann.get_as_script(NOWHERE).data
    assert 'class="reference"' not in ann.page(NOWHERE).text


def test_a_form_that_fails_shows_the_reference(env: Environment, caplog: pytest.LogCaptureFixture) -> None:
    if env.memcached is None:  # The embedded store is unavailable if its folder is a file.
        env.administrator("ann@example.com")
        ann = env.visitor("ann@example.com", app=env.build(CACHE_URL="sqlite:////dev/null/cache.db"), script=False)
    else:
        env.administrator("ann@example.com")
        ann = env.visitor("ann@example.com", script=False)
        ann.token()
        env.memcached.stop()
    refused = ann.sign_in()
    assert refused.status == 503
    assert f"（编号：{find_reference(caplog.text)}）" in read(refused.text).one(role="alert", id="refused").text


class TestRoot:
    """The URL without a path."""

    @pytest.mark.parametrize("headers", [PAGE, SCRIPT, {}])
    def test_the_root_redirects_to_the_start_page(self, env: Environment, headers: dict[str, str]) -> None:
        for person in (env.visitor(), env.person()):
            answer = self.send_get(person, "/", headers)
            assert (answer.status, answer.headers["Location"]) == (302, "/cms/")

    def test_no_other_path_redirects_to_the_start_page(self, sqlite_env: Environment) -> None:
        for path in ("/cm", "/index.html", "/login/", "//", "/favicon.ico"):
            answer = self.send_get(sqlite_env.visitor(), path, SCRIPT)
            assert answer.status in (404, 308), path
            assert answer.headers.get("Location") in (None, "http://localhost/"), path
        posted = sqlite_env.visitor().post("/")
        assert (posted.status, posted.error) == (405, "method_not_allowed")

    @staticmethod
    def send_get(person: Person, path: str, headers: dict[str, str]) -> Answer:
        """Send a GET request."""
        return person.browser.send("GET", path, headers=headers)
