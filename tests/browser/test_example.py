"""`make example` in a browser: sign-in through nginx, articles, and changes of the account that the CMS is told."""

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.actors import PASSWORD
from tests.browser.pages import NETWORK_ERROR, new_context
from tests.example import count_connections, listening_processes
from tests.live.checkouts import Running, copy_checkout, running_make
from tests.live.test_make_example import EXAMPLE
from tests.servers import eventually, free_port, freeze

ACCOUNTS = "/admin/accounts/cms"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Provide a `make example` that serves."""
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout") / "example", *EXAMPLE)
    with running_make(checkout, "example", free_port(3)) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, running: Running) -> Iterator[Page]:
    """Provide a page of a new browser in English; errors in its console fail the test."""
    context = new_context(
        chromium, locale="en-GB", base_url=f"http://localhost:{running.port}", reduced_motion="reduce"
    )
    errors: list[str] = []
    context.on("console", lambda message: message.type == "error" and errors.append(message.text))
    context.on("weberror", lambda fault: errors.append(str(fault.error)))
    yield context.new_page()
    context.close()
    assert [error for error in errors if not NETWORK_ERROR.match(error)] == []


def sign_in(page: Page, running: Running, email: str = "", password: str = "") -> None:
    """Open the desk of the CMS, which leads to the sign-in page and back; by default as the demonstration."""
    page.goto("/")
    expect(page).to_have_url(re.compile(rf"{ACCOUNTS}/login/\?next="))
    page.locator("[name=email]").fill(email or address(running))
    page.locator("[name=password]").fill(password or running.lines[0].split()[-1])
    page.locator("[name=password]").press("Enter")
    expect(page.get_by_role("heading", name="Desk")).to_be_visible()


def write(page: Page, title: str) -> str:
    """Write an article, and return its URL."""
    page.goto("/")
    page.get_by_role("link", name="Write an article").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text").fill("It has snowed.\n\nAll is quiet.")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    return page.url


def select(running: Running, database: str, query: str) -> list[tuple[str, ...]]:
    """Return the rows of a query to a database of the example."""
    with closing(sqlite3.connect(running.checkout / "examples" / "instance" / database)) as connection:
        return connection.execute(query).fetchall()


def address(running: Running) -> str:
    """Return the current address of the demonstration administrator."""
    return select(running, "accounts/cms.db", "SELECT email FROM cms_user ORDER BY id")[0][0]


def await_author(running: Running, name: str, email: str, *, is_active: bool = True) -> None:
    """Wait until the CMS was told the name, the address and the state of an author."""
    expected, query = (name, email, is_active), "SELECT name, email, is_active FROM author"
    eventually(lambda: expected in select(running, "cms/cms.db", query), f"an author is {expected}", 90)


def operate(running: Running, *words: str, entered: str = "") -> None:
    """Run a command of the account centre with the settings of the one that serves."""
    command = 'set -a && . examples/instance/accounts.env && set +a && exec .venv/bin/python -m flask --app app "$@"'
    subprocess.run(["sh", "-ec", command, "sh", *words], cwd=running.checkout, input=entered, text=True, check=True)


def test_the_author_of_an_article_follows_a_change_of_address(page: Page, running: Running) -> None:
    sign_in(page, running)
    expect(page.locator("#signed-in-as")).to_have_text("admin")
    article, old = write(page, "The first snow"), address(running)
    expect(page.locator(".byline .author")).to_have_text("admin")
    expect(page.locator(".byline .address")).to_have_text(old)
    new = "ann@new.example.com"
    page.locator("#signed-in-as").click()  # Leads to the account centre.
    page.goto(f"{ACCOUNTS}/resetemail/")
    page.locator("#email").fill(new)
    page.locator("#captcha-btn").click()
    expect(page.locator("#pending strong.address")).to_have_text(new)
    mailbox = page.context.new_page()
    mailbox.goto("/admin/accounts/dev/mailbox/")
    code = mailbox.locator("article.message", has_text=f"To {new}").locator("[data-code]").first.inner_text()
    page.locator("#captcha").fill(code)
    page.locator("#submit").click()
    expect(page.locator("#current-email")).to_have_text(new)
    await_author(running, "admin", new)
    page.goto(article)
    expect(page.locator(".byline .address")).to_have_text(new)


def test_a_change_that_is_told_while_the_cms_is_killed_arrives_after_its_restart(page: Page, running: Running) -> None:
    sign_in(page, running)
    article, email, port = write(page, "Thaw"), address(running), running.port + 2
    killed = listening_processes(port)
    assert len(killed) == 2
    eventually(lambda: not count_connections(port), "the CMS is idle")
    freeze(*killed)
    page.goto(f"{ACCOUNTS}/profile/")
    page.locator("main [name=username]").fill("annabel")
    page.locator("main [name=username]").press("Enter")
    eventually(lambda: count_connections(port), "the webhook is being sent")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: set(listening_processes(port)) - set(killed), "the CMS is started again")
    await_author(running, "annabel", email)
    page.goto(article)
    expect(page.locator(".byline .author")).to_have_text("annabel")
    expect(page.locator("#signed-in-as")).to_have_text("annabel")


def test_a_sign_out_at_the_account_centre_is_effective_at_the_next_request_to_the_cms(
    page: Page, running: Running
) -> None:
    sign_in(page, running)
    page.goto("/write/")
    page.get_by_label("Title").fill("Never stored")
    page.get_by_label("Text").fill("Text")
    other = page.context.new_page()
    other.goto(f"{ACCOUNTS}/")
    other.locator(".sign-out button").click()
    expect(other.locator("[name=password]")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page).to_have_url(re.compile(rf"{ACCOUNTS}/login/\?next="))
    page.goto("/articles/")
    expect(page.locator("#sign-in")).to_be_visible()
    expect(page.locator("#signed-in-as")).to_have_count(0)
    assert ("Never stored",) not in select(running, "cms/cms.db", "SELECT title FROM article")


def test_a_disabled_account_is_refused_at_once_and_marked_and_an_erased_one_leaves_no_personal_data(
    page: Page, running: Running
) -> None:
    email, why = "bob@example.com", ("--reason", "He has left the company")
    operate(running, "admin", "create", email, "--username", "bob", entered=f"{PASSWORD}\n{PASSWORD}\n")
    sign_in(page, running, email, PASSWORD)
    article = write(page, "The last one")
    operate(running, "admin", "disable", email, *why)
    page.goto("/")
    expect(page).to_have_url(re.compile(rf"{ACCOUNTS}/login/\?next="))
    await_author(running, "bob", email, is_active=False)
    page.goto(article)
    expect(page.locator(".byline .author")).to_have_text("bob")
    expect(page.locator(".byline .mark")).to_have_text("no longer active")
    operate(running, "account", "erase", email, "--yes", *why)
    await_author(running, "Former author", "", is_active=False)
    page.reload()
    expect(page.locator(".byline .author")).to_have_text("Former author")
    assert email not in str(select(running, "cms/cms.db", "SELECT * FROM author"))


def test_a_superuser_deletes_an_article(page: Page, running: Running) -> None:
    sign_in(page, running)
    article = write(page, "Soon gone")
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("button", name="Delete “Soon gone”").click()
    expect(page.get_by_role("status")).to_have_text("The article was deleted.")
    assert page.goto(article).status == 404  # type: ignore[union-attr]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_fit_a_phone(page: Page, running: Running, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, running)
    write(page, "A title " * 20 + "with" + "out" * 12)
    for path in ("/", "/articles/", "/write/", "/admin/", page.url):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
