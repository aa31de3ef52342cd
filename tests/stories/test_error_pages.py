"""Error pages: they keep the navigation, offer a next step, and show the reference of an error in the log."""

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
from tests.test_scale import listened

NOWHERE = "/cms/nothing/"
DEAD = f"/cms/forgotpwd/{'A' * 43}/"


def links(page: Element) -> list[str]:
    """Return where the ways on lead."""
    return [link["href"] for link in page.one("main").all("a")]


def has_navigation(page: Element) -> bool:
    """Say whether the page has the navigation of who is signed in, with a form to sign out."""
    ways = [link["href"] for link in page.one("header").all("a")]
    forms = [form["action"] for form in page.one("header").all("form")]
    assert ("/cms/security/" in ways) == (forms == ["/cms/logout/"])
    return bool(forms)


@pytest.mark.parametrize(("path", "status"), [(NOWHERE, 404), ("/nothing", 404), (DEAD, 410), ("/cms/logout/", 405)])
def test_who_is_signed_in_keeps_the_navigation(env: Environment, path: str, status: int) -> None:
    answer = env.person(script=False).page(path)
    page = read(answer.text)
    assert answer.status == status
    assert has_navigation(page)
    assert links(page) == ["/cms/"]
    assert "/cms/users/" not in answer.text


def test_a_page_for_another_role_keeps_the_navigation_of_ones_own(sqlite_env: Environment) -> None:
    refused = sqlite_env.person(script=False).page("/cms/users/")
    assert refused.status == 403
    assert has_navigation(read(refused.text))
    missing = superuser(sqlite_env, script=False).page("/cms/users/999/")
    assert missing.status == 404
    assert 'href="/cms/users/"' in missing.text


@pytest.mark.parametrize(("path", "status"), [(NOWHERE, 404), (DEAD, 410), ("/cms/logout/", 405)])
def test_who_is_not_signed_in_is_led_to_the_sign_in_page(sqlite_env: Environment, path: str, status: int) -> None:
    answer = sqlite_env.visitor(script=False).page(path)
    page = read(answer.text)
    assert answer.status == status
    assert not has_navigation(page)
    assert links(page) == ["/cms/login/"]


def test_a_link_leads_back_to_the_page_before_if_it_is_one_of_ours(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(script=False)
    for referrer, back in (
        ("http://localhost/cms/profile/?a=1", ["/cms/profile/?a=1"]),
        ("https://evil.example/cms/profile/", []),
        ("http://localhost//evil.example/", []),
        ("http://localhost" + NOWHERE, []),
        ("javascript:alert(1)", []),
    ):
        answer = ann.browser.send("GET", NOWHERE, headers={**PAGE, "Referer": referrer})
        assert links(read(answer.text)) == ["/cms/", *back], referrer


def with_faults(env: Environment) -> Flask:
    """Return an application with two views more: one has a fault, the other loses the database on its way."""
    app = env.build()

    def fault() -> str:
        raise RuntimeError("of ours")

    def lost() -> str:
        db.session.rollback()  # Expires the objects: reading them again queries the database.
        raise OperationalError("SELECT 1", {}, Exception("the database is gone"))

    app.add_url_rule("/cms/fault/", view_func=fault)
    app.add_url_rule("/cms/lost/", view_func=lost)
    return app


@pytest.fixture(autouse=True)
def text_format(caplog: pytest.LogCaptureFixture) -> None:
    """Record the log as it is written to standard error."""
    caplog.handler.setFormatter(logs.formatter("text"))


def reference_in(log: str) -> str:
    """Return the id of the request in the one line about a fault."""
    found = re.findall(r'message="answered 50[03].* request_id=(\w+)', log)
    assert len(found) == 1, log
    return str(found[0])


@pytest.mark.parametrize(("path", "status"), [("/cms/fault/", 500), ("/cms/lost/", 503)])
def test_a_fault_shows_a_reference_that_the_log_has(
    env: Environment, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    app = with_faults(env)
    ann = env.person(app=app, script=False)
    seen = set()
    for language, words in (("en", "give the operator this reference"), ("zh", "请将以下编号告知运维人员")):
        ann.browser.headers["Accept-Language"] = language
        caplog.clear()
        answer = ann.page(path)
        assert answer.status == status
        page = read(answer.text)
        assert words in page.one("main").text
        reference = page.one("strong", class_="reference").text
        assert reference == reference_in(caplog.text) == answer.headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{16}", reference)
        seen.add(reference)
        caplog.clear()
        data = ann.browser.send("GET", path, headers=SCRIPT).data
        assert data["reference"] == reference_in(caplog.text)
        seen.add(data["reference"])
    assert len(seen) == 4


@pytest.mark.parametrize("path", ["/cms/fault/", "/cms/lost/"])
def test_after_a_fault_the_navigation_stays_and_nothing_more_is_asked_of_the_database(
    env: Environment, path: str
) -> None:
    app = with_faults(env)
    ann = env.person(app=app, script=False)
    with listened_in(app) as asked:
        page = read(ann.page(path).text)
    assert has_navigation(page)
    assert links(page) == [path, "/cms/"]
    assert len(asked) == 1, asked  # Who is there; it was known before the fault.


def listened_in(app: Flask) -> Any:
    """Write down what an application asks its database."""

    class Own:
        """An application is enough of an environment to listen at."""

        def __init__(self) -> None:
            self.app = app

    return listened(Own())  # type: ignore[arg-type]


def test_a_refusal_has_no_reference(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    assert "reference" not in ann.ask("no address").data
    assert "reference" not in ann.get_as_script(NOWHERE).data
    assert 'class="reference"' not in ann.page(NOWHERE).text


def test_a_form_that_meets_a_fault_shows_the_reference_too(env: Environment, caplog: pytest.LogCaptureFixture) -> None:
    if env.memcached is None:  # The embedded store is a file: it does not answer where its folder is a file.
        env.administrator("ann@example.com")
        ann = env.visitor("ann@example.com", app=env.build(CACHE_URL="sqlite:////dev/null/cache.db"), script=False)
    else:
        env.administrator("ann@example.com")
        ann = env.visitor("ann@example.com", script=False)
        ann.token()
        env.memcached.stop()
    refused = ann.sign_in()
    assert refused.status == 503
    assert f"（编号：{reference_in(caplog.text)}）" in read(refused.text).one(role="alert", id="refused").text


class TestTheRoot:
    """The address without a path."""

    @pytest.mark.parametrize("headers", [PAGE, SCRIPT, {}])
    def test_it_leads_to_the_start_page_whoever_asks(self, env: Environment, headers: dict[str, str]) -> None:
        for person in (env.visitor(), env.person()):
            answer = self.sent(person, "/", headers)
            assert (answer.status, answer.headers["Location"]) == (302, "/cms/")

    def test_nothing_else_does(self, sqlite_env: Environment) -> None:
        for path in ("/cm", "/index.html", "/login/", "//", "/favicon.ico"):
            answer = self.sent(sqlite_env.visitor(), path, SCRIPT)
            assert answer.status in (404, 308), path
            assert answer.headers.get("Location") in (None, "http://localhost/"), path
        posted = sqlite_env.visitor().post("/")
        assert (posted.status, posted.error) == (405, "method_not_allowed")

    @staticmethod
    def sent(person: Person, path: str, headers: dict[str, str]) -> Answer:
        """Send a plain GET."""
        return person.browser.send("GET", path, headers=headers)
