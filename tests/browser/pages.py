"""Users in Chromium: each has a browser context with one language, whose errors and warnings are recorded."""

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, expect
from sqlalchemy import delete, update

from accounts import clock
from models import EmailChange, LoginSession
from tests.actors import PASSWORD
from tests.live.sites import Site
from tests.servers import ROOT, eventually, seconds_now

LANGUAGES = ("zh", "en")
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
BOTH, IN_CHINESE, IN_ENGLISH = (pytest.mark.parametrize("language", each) for each in (LANGUAGES, ["zh"], ["en"]))
ARTEFACTS = ROOT / "tests" / "artefacts"
DESK, PHONE = (1280, 900), (360, 740)
CHANGED = {"zh": "邮箱修改成功！", "en": "Your email address has been changed."}
WRONG_CODE = {"zh": "邮箱验证码错误！", "en": "The code is incorrect."}
MALFORMED = {"zh": "请输入正确格式的邮箱！", "en": "Enter a valid email address."}
SAME = {"zh": "不能修改为相同的邮箱！", "en": "This is already your email address."}
NO_NETWORK = {
    "zh": "无法连接服务器，请检查网络后重试。",
    "en": "The server cannot be reached. Check your connection and try again.",
}
# Chromium logs every 4xx response and every request without a network as an error; these are expected.
NETWORK_ERROR = re.compile(r"^Failed to load resource: (the server responded with a status of 4|net::ERR_INTERNET)")


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a new context; its time-outs, and those of `expect`, are longer on a busy machine."""
    context, milliseconds = browser.new_context(**options), 1000 * seconds_now(5)
    context.set_default_timeout(milliseconds)
    expect.set_options(timeout=milliseconds)
    return context


class BrowserUser:
    """A user with a browser context."""

    def __init__(self, context: BrowserContext, site: Site, language: str, host: str, prefix: str = "") -> None:
        """Open a page, and record the messages of the console; `prefix` is the path below which the site is."""
        self.context, self.site, self.language, self.host, self.email = context, site, language, host, ""
        self.prefix = prefix
        self.console_errors: list[str] = []
        self.network_errors: list[str] = []
        context.on("console", self._record)
        context.on("weberror", lambda fault: self.console_errors.append(str(fault.error)))
        self.page: Page = context.new_page()

    def translate(self, english: str, **values: str) -> str:
        """Return a sentence of the product in the language of the user."""
        text = str(_catalogue().get(english).string) if self.language == "zh" else english  # type: ignore[union-attr]
        return text % values if values else text

    def open(self, path: str) -> Page:
        """Open a page of the site."""
        self.page.goto(self.prefix + path)
        return self.page

    def sign_in(self, email: str = "", password: str = PASSWORD, **more: Any) -> "BrowserUser":
        """Sign in with the form; without an address, create an administrator first."""
        self.email = email or self.site.administrator(**more)
        self.open("/cms/login/")
        self.page.locator("[name=email]").fill(self.email)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("[name=password]").press("Enter")
        expect(self.page.locator(".sign-out")).to_be_visible()
        return self

    def with_session(self, email: str = "", **more: Any) -> "BrowserUser":
        """Sign in without the browser, and use the cookies: faster than with the form."""
        self.email = email or self.site.administrator(**more)
        cookies = self.site.person(self.email).browser.cookies
        self.context.add_cookies(
            [{"name": name, "value": value, "url": self.url("/")} for name, value in cookies.items()]
        )
        return self

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"http://{self.host}:{self.site.server.port}{path}"

    def open_settings(self) -> Page:
        """Open the settings page."""
        page = self.open("/cms/resetemail/")
        expect(page.locator("#current-email")).to_have_text(self.email)
        return page

    def wait_for_scripts(self) -> None:
        """Wait until the scripts of the page listen to events; after `open` they do."""
        self.page.wait_for_function("() => document.readyState === 'complete' && jQuery.ready.then(() => true)")

    def request_code(self, email: str) -> None:
        """Enter a new address, click the button that requests a code, and wait for the pending change."""
        self.page.locator("#email").fill(email)
        self.page.locator("#captcha-btn").click()
        expect(self.page.locator("#pending strong.address")).to_have_text(email)

    def request_and_read_code(self, email: str) -> str:
        """Request a code, and return the one in the mail."""
        self.request_code(email)
        return self.site.code_to(email)

    def notice(self) -> Locator:
        """Return the notice."""
        return self.page.locator("#notices .toast")

    def success(self) -> Locator:
        """Return the panel that confirms a change, after checking that its heading has the focus."""
        panel = self.page.locator("#changed-place #changed")
        expect(panel.get_by_role("heading")).to_have_text(CHANGED[self.language])
        expect(panel.get_by_role("heading")).to_be_focused()
        return panel

    def error_at(self, name: str) -> Locator:
        """Return the errors of a field, after checking that it is marked as invalid and refers to them."""
        field = self.page.locator(f"main [name={name}]").first
        expect(field).to_have_attribute("aria-invalid", "true")
        described = (field.get_attribute("aria-describedby") or "").split()
        place = self.page.locator(f"main [data-errors-of={name}]")
        assert place.get_attribute("id") in described
        return place

    def button(self, english: str, **values: str) -> Locator:
        """Return the button with this label."""
        return self.page.get_by_role("button", name=self.translate(english, **values), exact=True)

    def expire_reauth(self) -> None:
        """Make the last confirmation of the password so old that it must be confirmed again."""
        own = LoginSession.user_id == self.site.user_id(self.email)
        self.site.execute(update(LoginSession).where(own).values(proved_at=clock.now().replace(year=2020)))

    def skip_resend_wait(self) -> None:
        """Move the last request back in time, so that a new code can be requested."""
        own = EmailChange.user_id == self.site.user_id(self.email)
        earlier = clock.now() - timedelta(seconds=61)
        self.site.execute(update(EmailChange).where(own).values(asked_at=earlier))
        self.site.delete_budgets()

    def end_sessions(self) -> None:
        """Delete all sessions of the user."""
        self.site.execute(delete(LoginSession).where(LoginSession.user_id == self.site.user_id(self.email)))

    def open_tab(self) -> Page:
        """Open a second tab, and return its page."""
        return self.context.new_page()

    def take_screenshot(self, name: str, page: Page | None = None) -> None:
        """Save a screenshot of the page in tests/artefacts/."""
        page = page or self.page
        width = page.evaluate("window.innerWidth")
        path = ARTEFACTS / f"{name}.{self.language}.{width}.png"
        eventually(lambda: _save_screenshot(page, path), "Chromium takes a screenshot")

    def _record(self, message: ConsoleMessage) -> None:
        if NETWORK_ERROR.match(message.text):
            self.network_errors.append(message.text)
        elif message.type in ("error", "warning"):
            self.console_errors.append(f"{message.text} ({message.location})")


def _save_screenshot(page: Page, path: Path) -> bool:
    """Save a screenshot, and return whether Chromium took it: on a busy machine it refuses one now and then."""
    try:
        page.screenshot(path=path, full_page=True, animations="disabled")
    except Error as problem:
        if "Unable to capture screenshot" not in problem.message:
            raise
        return False
    return True


@cache
def _catalogue() -> Catalog:
    with (ROOT / "translations/zh/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="zh")
