"""/dev/mailbox/: the HTML parts of mails are shown; they run no scripts and load nothing."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.pages import ARTEFACTS, BOTH, new_context
from tests.live.sites import Site

HOSTILE_HTML = """<!doctype html><html><body onload="top.ran = document.title = 'ran'">
<p id="shown">Shown</p><p id="styled" style="color:rgb(1, 2, 3);background:url(/loaded/background)">Styled</p>
<script>top.ran = document.title = "ran"; fetch("/loaded/fetch")</script>
<script src="/loaded/script"></script><link rel="stylesheet" href="/loaded/style"><img src="/loaded/image">
<img src="/nothing" onerror="top.ran = true"><iframe src="/loaded/frame"></iframe>
<style>@import url(/loaded/import); #shown { color: rgb(4, 5, 6) }</style>
<video src="/loaded/video" autoplay></video><object data="/loaded/object"></object>
<meta http-equiv="refresh" content="0;url=/loaded/refresh">
<form action="/loaded/form" method="post"><button id="send">Send</button></form>
<a id="top" href="/loaded/top" target="_top">Top</a><a id="script" href="javascript:top.ran = true">Script</a>
</body></html>"""


@pytest.fixture
def hostile_mail(demo_site: Site) -> Iterator[str]:
    """Store a mail with scripts, remote content and forms in the mailbox, and provide its id."""
    message = EmailMessage()
    message["To"], message["Subject"], message["Date"] = "eve@example.com", "Hostile", "Tue, 03 Feb 2026 04:05:06 +0000"
    message.set_content("Hostile")
    message.add_alternative(HOSTILE_HTML, subtype="html")
    folder = Path(demo_site.settings["INSTANCE_DIR"]) / "mailbox"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "00009700000000.000000-0123456789abcdef.eml"
    path.write_bytes(bytes(message))
    yield path.stem
    path.unlink()


@BOTH
def test_the_html_part_of_a_mail_is_shown_with_its_button(
    open_browser: OpenBrowser, demo_site: Site, language: str
) -> None:
    user = open_browser(language, at=demo_site).with_session()
    new, page = demo_site.new_address("new"), user.open_settings()
    user.request_code(new)
    page = user.open("/dev/mailbox/")
    mail = page.locator("article", has_text=user.email)
    mail.locator("summary").click()
    inside = mail.frame_locator("iframe")
    button = inside.get_by_role("link", name=user.translate("Stop the change"), exact=True)
    expect(button).to_be_visible()
    expect(button).to_have_css("background-color", "rgb(47, 111, 222)")
    address = str(button.get_attribute("href"))
    expect(inside.get_by_role("link", name=address)).to_be_visible()
    expect(mail.locator("pre")).to_contain_text(address)
    expect(mail.locator("pre")).to_contain_text(" UTC")
    user.take_screenshot("mailbox-html")


def test_a_mail_runs_no_scripts_and_loads_nothing(chromium: Browser, demo_site: Site, hostile_mail: str) -> None:
    context = new_context(chromium, base_url=f"http://127.0.0.1:{demo_site.server.port}")
    page, requests = context.new_page(), list[Request]()
    context.on("request", lambda request: requests.append(request))  # noqa: PLW0108 - Playwright needs a function.
    page.goto("/dev/mailbox/")
    mail = page.locator(f"[id='message-{hostile_mail}']")
    mail.locator("summary").click()
    inside = mail.frame_locator("iframe")
    expect(inside.locator("#styled")).to_have_css("color", "rgb(1, 2, 3)")
    expect(inside.locator("#shown")).to_have_css("color", "rgb(4, 5, 6)")
    for selector in ("#send", "#top", "#script"):
        inside.locator(selector).click()
    expect(inside.locator("#shown")).to_be_visible()
    assert wait_for_requests(page) == 200
    assert page.evaluate("window.ran === undefined && document.title !== 'ran'")
    assert page.url.endswith("/dev/mailbox/")
    # Chromium also reports requests that the policy blocks: they fail with `csp` and are not sent.
    unwanted = [request for request in requests if "/loaded/" in request.url or "/nothing" in request.url]
    assert [(request.url, request.failure) for request in unwanted if request.failure != "csp"] == []
    page.screenshot(path=ARTEFACTS / "mailbox-hostile.png", full_page=True)
    context.close()


def wait_for_requests(page: Page) -> int:
    """Send a request, and return the status of its response: earlier requests of the frame were sent before it."""
    return int(page.evaluate("fetch('/healthz').then((answer) => answer.status)"))
