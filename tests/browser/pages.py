"""The readers: each sits at a Chromium of their own, in one language, and whatever the browser complains of is kept."""

import re
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect
from sqlalchemy import delete, update

from accounts import clock
from models import EmailChange, LoginSession
from tests.actors import PASSWORD
from tests.live.sites import Site
from tests.servers import ROOT

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
# Chromium writes every answer of 4xx, and every request that finds no network, on the console: no fault of the page.
OF_THE_NETWORK = re.compile(r"^Failed to load resource: (the server responded with a status of 4|net::ERR_INTERNET)")


class Reader:
    """Somebody at a browser."""

    def __init__(self, context: BrowserContext, site: Site, language: str) -> None:
        """Sit down and open the browser."""
        self.context, self.site, self.language, self.email = context, site, language, ""
        self.complaints: list[str] = []
        self.refusals: list[str] = []
        context.on("console", self._listen)
        context.on("weberror", lambda fault: self.complaints.append(str(fault.error)))
        self.page: Page = context.new_page()

    def says(self, english: str, **values: str) -> str:
        """Return a sentence of the product in the reader's language."""
        text = str(_catalogue().get(english).string) if self.language == "zh" else english  # type: ignore[union-attr]
        return text % values if values else text

    def open(self, path: str) -> Page:
        """Open a page of the site."""
        self.page.goto(path)
        return self.page

    def sign_in(self, email: str = "", password: str = PASSWORD, **more: Any) -> "Reader":
        """Sign in by the form, as an administrator who was just made unless an address is given."""
        self.email = email or self.site.administrator(**more)
        self.open("/cms/login/")
        self.page.locator("[name=email]").fill(self.email)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("[name=password]").press("Enter")
        expect(self.page.locator(".sign-out")).to_be_visible()
        return self

    def is_signed_in(self, email: str = "", **more: Any) -> "Reader":
        """Come with the cookies of a sign-in that went over the wire: what a test is not about need not take long."""
        self.email = email or self.site.administrator(**more)
        cookies = self.site.person(self.email).browser.cookies
        self.context.add_cookies(
            [{"name": name, "value": value, "url": self.at("/")} for name, value in cookies.items()]
        )
        return self

    def at(self, path: str) -> str:
        """Return the whole address of a page."""
        return f"http://127.0.0.1:{self.site.server.port}{path}"

    def settings(self) -> Page:
        """Open the settings page."""
        page = self.open("/cms/resetemail/")
        expect(page.locator("#current-email")).to_have_text(self.email)
        return page

    def asks(self, email: str) -> None:
        """Type a new address and press the button that mails a code; see that it is on its way."""
        self.page.locator("#email").fill(email)
        self.page.locator("#captcha-btn").click()
        expect(self.page.locator("#pending strong.address")).to_have_text(email)

    def has_asked(self, email: str) -> str:
        """Ask for a code and return the one in the mail."""
        self.asks(email)
        return self.site.code_to(email)

    def notice(self) -> Locator:
        """Return the notice that is shown."""
        return self.page.locator("#notices .toast")

    def success(self) -> Locator:
        """Return the panel that tells of a change that was made; see that its heading has the focus."""
        panel = self.page.locator("#changed-place #changed")
        expect(panel.get_by_role("heading")).to_have_text(CHANGED[self.language])
        expect(panel.get_by_role("heading")).to_be_focused()
        return panel

    def error_at(self, name: str) -> Locator:
        """Return what is said to be wrong with a field; see that the field says so, too, and points there."""
        field = self.page.locator(f"main [name={name}]").first
        expect(field).to_have_attribute("aria-invalid", "true")
        described = (field.get_attribute("aria-describedby") or "").split()
        place = self.page.locator(f"main [data-errors-of={name}]")
        assert place.get_attribute("id") in described
        return place

    def button(self, english: str, **values: str) -> Locator:
        """Return a button by the words on it."""
        return self.page.get_by_role("button", name=self.says(english, **values), exact=True)

    def forget_the_proof(self) -> None:
        """Let so much time pass that the password must be proved again."""
        user = LoginSession.user_id == self.site.user_id(self.email)
        self.site.write(update(LoginSession).where(user).values(proved_at=clock.now().replace(year=2020)))

    def a_minute_passes(self) -> None:
        """Let so much time pass at the server that a new code may be asked for."""
        whose = EmailChange.user_id == self.site.user_id(self.email)
        earlier = clock.now() - timedelta(seconds=61)
        self.site.write(update(EmailChange).where(whose).values(asked_at=earlier))
        self.site.forget_budgets()

    def is_signed_out_elsewhere(self) -> None:
        """End the reader's sessions, as another browser of theirs would."""
        self.site.write(delete(LoginSession).where(LoginSession.user_id == self.site.user_id(self.email)))

    def tab(self) -> Page:
        """Open a second tab."""
        return self.context.new_page()

    def snap(self, name: str, page: Page | None = None) -> None:
        """Keep a picture of the page for who wants to see it."""
        page = page or self.page
        width = page.evaluate("window.innerWidth")
        page.screenshot(path=ARTEFACTS / f"{name}.{self.language}.{width}.png", full_page=True, animations="disabled")

    def _listen(self, message: ConsoleMessage) -> None:
        if OF_THE_NETWORK.match(message.text):
            self.refusals.append(message.text)
        elif message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location})")


@cache
def _catalogue() -> Catalog:
    with (ROOT / "translations/zh/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="zh")
