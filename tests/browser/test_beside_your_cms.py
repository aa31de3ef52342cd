"""A stranger follows docs/beside-your-cms.md: its commands are run as they are written, with other ports."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import new_context
from tests.live.checkouts import copy_checkout
from tests.live.test_make_example import EXAMPLE
from tests.servers import AS_ROOT, ROOT, eventually, find_program, free_port, is_listening, spawn

PAGE = (ROOT / "docs" / "beside-your-cms.md").read_text()
SERVERS = {"gunicorn ": 8001, "nginx -p ": 8080, "flask --app mycms run ": 9000}  # With their ports on the page.
CLONE = "git clone https://host/cms.git accounts "
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


class Block(NamedTuple):
    """A block of code of the page."""

    language: str
    text: str


class Followed(NamedTuple):
    """The folder of somebody who has followed the page, the port of the site, and what the commands printed."""

    folder: Path
    port: int
    output: dict[str, str]


def read_blocks(heading: str) -> list[Block]:
    """Return the blocks below a heading of the page."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)]


STEPS = read_blocks("In ten minutes, on your own machine")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Run every command of the page, and write its files, in an empty folder."""
    folder = tmp_path_factory.mktemp("stranger")
    ports = {number: free_port() for number in (8080, 8001, 9000)}
    copy_checkout(folder / "accounts", *EXAMPLE)  # In place of `git clone`.
    for path in ("deploy/beside/nginx.conf", "examples/nginx.conf"):
        copied = folder / "accounts" / path
        copied.write_text(replace_ports(copied.read_text(), ports))
    servers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        output = follow(folder, ports, servers)
        assert list(servers) == list(SERVERS)
        yield Followed(folder, ports[8080], output)
    finally:
        for process in servers.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def follow(folder: Path, ports: dict[int, int], servers: dict[str, subprocess.Popen[bytes]]) -> dict[str, str]:
    """Follow the page; return what its commands printed, and add the servers that were started to `servers`."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    output: dict[str, str] = {}
    for block in STEPS:
        text = replace_ports(block.text, ports)
        if block.language == "python":
            (folder / text.partition("\n")[0].removeprefix("# ")).write_text(text)
        elif block.language == "nginx":
            assert text in (folder / "nginx" / "beside" / "nginx.conf").read_text()  # The fourth step has copied it.
        elif block.language == "text":
            assert [line for line in list(output.values())[-1].splitlines() if line.strip()] == text.splitlines()
        elif server := next((name for name in SERVERS if name in text), ""):
            log = folder / f"{len(servers)}.log"
            with log.open("wb") as file:
                servers[server] = spawn(["sh", "-ec", text], cwd=folder, env=environment, stdout=file, stderr=file)
            await_port(ports[SERVERS[server]], servers[server], log)
            output[server] = log.read_text()
        else:
            commands = "\n".join(line for line in text.splitlines() if not line.startswith(CLONE))
            command = ["sh", "-ec", commands]
            ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stdout + ended.stderr
            output[text] = ended.stdout
    return output


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server listens, or fail with its output if it has ended."""

    def listens() -> bool:
        assert process.poll() is None, log.read_text()
        return is_listening(port)

    eventually(listens, f"a server listens on port {port}", 120)


def replace_ports(text: str, ports: dict[int, int]) -> str:
    """Return a text of the page with other ports."""
    for number, port in ports.items():
        text = re.sub(rf"(?<=[: ]){number}\b", str(port), text)
    return text


def test_the_page_has_the_command_that_the_test_replaces() -> None:
    assert sum(block.text.startswith(CLONE) for block in STEPS) == 1
    assert [block.language for block in STEPS] == ["sh", "sh", "sh", "sh", "nginx", "python", "sh", "sh", "text"]


def sign_in(chromium: Browser, followed: Followed) -> Page:
    """Open the CMS, which leads to the sign-in page, and sign in with what the third step printed."""
    page = new_context(chromium, locale="en-GB", base_url=f"http://localhost:{followed.port}").new_page()
    email, password = re.findall(r"sign-in:  (\S+)  password:  (\S+)", followed.output["gunicorn "])[0]
    page.goto("/")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("[name=password]").press("Enter")
    expect(page.locator("body")).to_contain_text(f", {email}")
    return page


def test_a_stranger_signs_in_and_the_cms_knows_their_name_and_is_told_of_a_new_one(
    chromium: Browser, followed: Followed
) -> None:
    page, email = sign_in(chromium, followed), "admin@example.com"
    expect(page.locator("body")).to_have_text(f"Signed in as admin, {email}")
    page.goto("/admin/accounts/cms/profile/")
    page.locator("main [name=username]").fill("annabel")
    page.locator("main [name=username]").press("Enter")

    def stored() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(followed.folder / "authors.db")) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()  # None before the first event.
            return connection.execute("SELECT name, email FROM author").fetchall() if tables else []

    eventually(lambda: stored() == [("annabel", email)], "the CMS is told", 90)
    for path in ("/", "/admin/", "/articles/"):
        page.goto(path)
        expect(page.locator("body")).to_have_text(f"Signed in as annabel, {email}")
    page.context.close()


def test_the_location_of_static_pages_serves_them_to_those_who_are_signed_in(
    chromium: Browser, followed: Followed, tmp_path: Path
) -> None:
    (block,) = [block.text for block in read_blocks("Your CMS") if block.language == "nginx"]
    shutil.copytree(followed.folder / "nginx", tmp_path / "nginx")
    (tmp_path / "pages" / "internal").mkdir(parents=True)
    (tmp_path / "pages" / "internal" / "page.txt").write_text("An internal page")
    main, beside, port = tmp_path / "nginx" / "nginx.conf", tmp_path / "nginx" / "beside" / "nginx.conf", free_port()
    main.write_text(("user root;\n" if AS_ROOT else "") + main.read_text().replace(f":{followed.port};", f":{port};"))
    beside.write_text(f"{beside.read_text()}\n{block.replace('/srv/pages', str(tmp_path / 'pages'))}")
    process = spawn([find_program("nginx"), "-p", "nginx", "-e", "stderr", "-c", "nginx.conf"], cwd=tmp_path)
    eventually(lambda: is_listening(port), "nginx listens")
    try:
        page, url = sign_in(chromium, followed), f"http://localhost:{port}/internal/page.txt"
        shown = page.goto(url)
        assert shown is not None
        # Otherwise the browser shows it from its cache to somebody who is not signed in.
        assert (shown.text(), shown.header_value("cache-control")) == ("An internal page", "no-store")
        page.context.clear_cookies()
        page.goto(url)
        expect(page.locator("[name=password]")).to_be_visible()
        page.context.close()
    finally:
        process.terminate()
        process.wait()


def test_the_other_snippets_use_the_names_of_the_headers() -> None:
    names = {"X_ACCOUNT_ID", "REMOTE_USER", "REMOTE_NAME", "REMOTE_EMAIL", "REMOTE_GROUPS", "X_ACCOUNT_PROVED_AT"}
    django, php = (block for block in read_blocks("Your CMS") if block.language in ("python", "php"))
    assert set(re.findall(r"\bHTTP_(\w+)", django.text)) == names - {"REMOTE_USER", "X_ACCOUNT_PROVED_AT"}
    assert set(re.findall(r"\bHTTP_(\w+)", php.text)) == {"X_ACCOUNT_ID"}
    assert set(re.findall(r"'(webhook-\w+)'", php.text)) == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_the_middleware_for_django_reads_the_account() -> None:
    """Django is not installed here; the middleware needs nothing of it but a request with META."""
    (block,) = [block.text for block in read_blocks("Your CMS") if block.language == "python"]
    names: dict[str, object] = {}
    exec(compile(block, "middleware", "exec"), names)

    class Request:
        META: dict[str, str]
        account: object

    middleware = names["account_middleware"](lambda request: request)  # type: ignore[operator]
    signed_in, visitor = Request(), Request()
    visitor.META = {}
    signed_in.META = {
        "HTTP_X_ACCOUNT_ID": "7",
        "HTTP_REMOTE_NAME": "%E5%AE%89",
        "HTTP_REMOTE_EMAIL": "ann@example.com",
        "HTTP_REMOTE_GROUPS": "editor",
    }
    assert middleware(visitor).account is None
    assert vars(middleware(signed_in).account) == {
        "id": 7,
        "name": "安",
        "email": "ann@example.com",
        "is_superuser": False,
    }
