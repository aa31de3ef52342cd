"""Pages on top of the account centre, in the same process: the example in tests/own_pages/ (README)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import column, select, table

from tests.actors import Person
from tests.conftest import ENVIRONMENTS
from tests.environments import settings_for
from tests.live.conftest import Serve
from tests.live.sites import Site
from tests.servers import ROOT, command_line

SITE = "tests.own_pages:create_site"


@pytest.fixture(scope="module", params=ENVIRONMENTS[1:])
def site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    """Serve the example; its migrations are run on a database that has ours."""
    with serve(request.param, application=f"{SITE}()") as site:
        assert site.visitor().get_as_script("/readyz").status == 503  # A migration of the articles is missing.
        upgraded = command_line(site.settings, "db", "upgrade", "heads", application=SITE)
        assert "articles_0001: done" in upgraded.stdout, upgraded
        assert site.visitor().get_as_script("/readyz").status == 200
        yield site


@pytest.fixture
def editor(site: Site) -> Person:
    """Return an editor who is signed in, without scripts."""
    return site.person(script=False)


@pytest.fixture
def boss(site: Site) -> Person:
    """Return a superuser who is signed in, without scripts."""
    return site.person(site.administrator(superuser=True), script=False)


def navigation_of(page: str) -> list[str]:
    """Return the labels in the navigation of a page."""
    found = re.search(r'<ul class="site-nav">.*?</ul>', page, re.DOTALL)
    assert found
    return re.findall(r">([^<>]+)</a>", found[0])


def test_the_branch_of_migrations_is_complete_and_separate(site: Site) -> None:
    present = site.rows(select(column("version_num")).select_from(table("alembic_version")))
    assert len(present) == 2
    checked = command_line(site.settings, "db", "check", application=SITE)
    assert "No new upgrade operations detected" in checked.stdout + checked.stderr
    doctor = command_line(site.settings, "doctor", "--only", "schema", application=SITE)
    assert "articles_0001, the newest" in doctor.stdout


def test_a_page_requires_a_signed_in_administrator_unless_it_is_open(site: Site) -> None:
    visitor = site.visitor(script=False)
    assert visitor.page("/articles/", follow=False).headers["Location"] == "/cms/login/?next=/articles/"
    page = visitor.page("/articles/about/")
    assert (page.status, "Content-Security-Policy" in page.headers) == (200, True)


def test_an_editor_adds_an_article_in_our_layout(editor: Person) -> None:
    refused = editor.post("/articles/", {"title": ""})
    assert refused.status == 400
    assert 'class="is-invalid' in refused.text.replace("form-control is-invalid", "is-invalid")
    answer = editor.post("/articles/", {"title": "First"})
    assert (answer.status, answer.path) == (200, "/articles/")
    assert "The article has been added." in answer.text
    assert re.search(r'aria-current="page">Articles</a>', answer.text)
    assert editor.post("/articles/", {"title": "x"}, token="forged").status == 400


def test_a_script_gets_the_envelope(site: Site) -> None:
    ann = site.person()
    assert ann.post("/articles/", {"title": "By a script"}).data["id"] > 0
    assert ann.post("/articles/", {"title": ""}).error == "invalid"


def test_an_own_permission_decides_about_pages_and_navigation(editor: Person, boss: Person) -> None:
    assert navigation_of(editor.page("/articles/").text)[-1:] == ["Articles"]
    assert navigation_of(boss.page("/cms/").text)[-2:] == ["Articles", "Drafts"]
    assert editor.page("/articles/drafts/").status == 403
    assert boss.page("/articles/drafts/").status == 200
    assert editor.post("/articles/1/publish/").status == 403
    assert navigation_of(boss.page("/nowhere/").text)[-2:] == ["Articles", "Drafts"]


def test_a_superuser_publishes_an_article(editor: Person, boss: Person) -> None:
    page = editor.post("/articles/", {"title": "To be published"})
    assert "publish/" not in page.text
    action = re.findall(r'action="(/articles/\d+/publish/)"', boss.page("/articles/").text)[-1]
    assert "The article has been published." in boss.post(action).text


def test_own_files_are_served_with_their_hash(site: Site, editor: Person) -> None:
    url = re.findall(r'href="(/assets/\w+/articles/articles\.css)"', editor.page("/articles/").text)[0]
    answer = site.visitor().browser.send("GET", url)
    assert (answer.status, answer.text) == (200, (ROOT / "tests/own_pages/articles/static/articles.css").read_text())
    assert "immutable" in answer.headers["Cache-Control"]
    for name in ("articles/../__init__.py", "articles/%2e%2e/__init__.py", "articles/", "articles/none.css"):
        assert site.visitor().browser.send("GET", url.replace("articles/articles.css", name)).status == 404


def test_the_account_centre_works_as_before(site: Site, editor: Person) -> None:
    new = site.new_address()
    assert editor.ask(new).status == 200
    assert editor.confirm(new, site.code_to(new)).status == 200
    assert site.user(new)


def test_the_branch_can_be_removed_again(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert command_line(settings, "db", "upgrade", "heads", application=SITE).returncode == 0
    removed = command_line(settings, "db", "downgrade", "articles@base", application=SITE)
    assert "undo articles_0001: done" in removed.stdout
    ours = command_line(settings, "doctor", "--only", "schema")
    assert "the newest one" in ours.stdout
    theirs = command_line(settings, "doctor", "--only", "schema", application=SITE)
    assert "run `flask --app app db upgrade heads`" in theirs.stdout
