"""Every page of the site in both languages, at the width of a desktop and of a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenBrowser
from tests.browser.pages import BOTH, DESK, PHONE, BrowserUser
from tests.live.sites import Site

WIDTHS = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
# Returns the accessibility faults of a page (WCAG 2.2).
FIND_FAULTS = """() => {
    const faults = [];
    const all = (selector) => Array.from(document.querySelectorAll(selector));
    const shown = (element) => element.checkVisibility({'visibilityProperty': true}) &&
        !element.closest('[aria-hidden=true]');
    const named = (element) => (element.getAttribute('aria-label') || element.textContent).trim() !== '';
    if (all('h1').filter(shown).length !== 1) {
        faults.push('not exactly one h1');
    }
    const levels = all('h1, h2, h3, h4').filter(shown).map((heading) => Number(heading.localName[1]));
    if (levels[0] !== 1 || levels.some((level, place) => place && level > levels[place - 1] + 1)) {
        faults.push('order of headings: ' + levels);
    }
    for (const landmark of ['header', 'main']) {
        if (all(landmark).length !== 1) {
            faults.push('not exactly one ' + landmark);
        }
    }
    for (const field of all('input:not([type=hidden]), select, textarea').filter(shown)) {
        if (!Array.from(field.labels).some(named) && !field.getAttribute('aria-label')) {
            faults.push('no label: ' + field.name);
        }
        if (!field.autocomplete && field.matches('input:not([type=radio], [type=checkbox])')) {
            faults.push('no autocomplete: ' + field.name);
        }
    }
    faults.push(...all('a, button').filter(shown).filter((each) => !named(each)).map((each) => each.outerHTML));
    faults.push(...all('fieldset').filter((each) => !each.querySelector('legend')).map(() => 'no legend'));
    for (const element of all('[aria-describedby], [aria-labelledby], label[for]')) {
        for (const attribute of ['aria-describedby', 'aria-labelledby', 'for']) {
            for (const id of (element.getAttribute(attribute) || '').split(' ').filter(Boolean)) {
                if (!document.getElementById(id)) {
                    faults.push(attribute + ' refers to a missing id: ' + id);
                }
            }
        }
    }
    const ids = all('[id]').map((element) => element.id);
    faults.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => 'duplicate id: ' + id));
    for (const target of all('a, button, summary, select, input:not([type=hidden])').filter(shown)) {
        const box = target.getBoundingClientRect();
        const isExempt = target.matches(
            'p a:not(.tall), pre a, small a, .form-check-input, .visually-hidden, .skip-link');
        if (box.height < 24 && !isExempt && target.tabIndex >= 0) {
            faults.push('target too small: ' + target.outerHTML.slice(0, 80) + ' ' + box.height);
        }
    }
    // While a dialog is open, Bootstrap sets styles of these two.
    const inline = all('[style]:not(.modal-open, .modal.show), style, [onclick], script:not([src])');
    faults.push(...inline.map((each) => 'inline: ' + each.outerHTML));
    if (document.documentElement.scrollWidth > window.innerWidth) {
        faults.push('scrolls horizontally: ' + document.documentElement.scrollWidth);
    }
    return faults;
}"""
# Texts that are not translated: addresses, names of users and programs, time zones and networks.
UNTRANSLATED = re.compile(
    r"[\w.+*-]+@[\w.*-]+|\b(ann|new|guest|zz|aa)[\w-]*|English|Chrome|Linux|UTC|PIN|Google|Microsoft|Authenticator|127\.0\.0\.1"
)


def signed_in_pages(site: Site, user: BrowserUser) -> Iterator[str]:
    """Yield the paths of the pages of a superuser, including an account with a pending change."""
    other = site.person()
    assert other.ask(site.new_address("new")).status == 200
    yield from ("/cms/", "/cms/resetemail/", "/cms/profile/", "/cms/resetpwd/", "/cms/security/", "/cms/reauth/")
    yield from ("/cms/users/", f"/cms/users/{site.user_id(other.email)}/", f"/cms/users/{site.user_id(user.email)}/")


def public_pages(site: Site) -> Iterator[str]:
    """Yield the paths of the pages that require no session, with links from mails."""
    superuser = site.person(site.administrator(superuser=True))
    old, new, guest = superuser.email, site.new_address("new"), site.new_address("guest")
    yield from ("/cms/login/", "/cms/forgotpwd/", "/dev/mailbox/")
    assert superuser.ask(new).status == 200
    yield site.link_to(old, "stop")
    assert superuser.confirm(new, site.code_to(new)).status == 200
    yield site.link_to(old, "stop")  # The page after the change was completed.
    yield site.link_to(old, "undo")
    assert superuser.post("/cms/users/invite/", {"email": guest, "role": "editor"}).status == 200
    yield site.link_to(guest, "register")
    assert superuser.post("/cms/forgotpwd/", {"email": new}).status == 200
    yield site.link_to(new, "forgotpwd")


def assert_no_faults(user: BrowserUser, page: Page) -> None:
    """Check that a page has no faults, and is completely in the language of its user."""
    path = re.sub(r"/[\w-]{43}/", "/TOKEN/", page.url)
    assert page.evaluate(FIND_FAULTS) == [], path
    assert page.locator("html").get_attribute("lang") == user.language, path
    title = page.title()
    assert title.split(" · ")[0].strip(), path
    text = UNTRANSLATED.sub("", title + "\n" + page.locator("body").inner_text())
    if user.language == "zh":
        assert re.findall(r"[A-Za-z]{3,}", text) == [], path
    else:
        assert re.findall("[\u4e00-\u9fff]+", text.replace("中文", "")) == [], path


@BOTH
@WIDTHS
def test_a_page_of_the_account_has_no_faults(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user = open_browser(language, size=size).with_session(superuser=True)
    user.open_settings()
    for path in signed_in_pages(site, user):
        page = user.open(path)
        if "/users/" in path:
            page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true; })")
        assert_no_faults(user, page)
        user.take_screenshot("page" + re.sub(r"\d+", "N", path).rstrip("/").replace("/", "-"))
    assert user.network_errors == []


@BOTH
@WIDTHS
def test_a_public_page_has_no_faults(
    open_browser: OpenBrowser, site: Site, language: str, size: tuple[int, int]
) -> None:
    user = open_browser(language, size=size)
    for path in public_pages(site):
        page = user.open(path)
        assert_no_faults(user, page)
        user.take_screenshot("page" + re.sub(r"/[\w-]{43}/", "", path).rstrip("/").replace("/", "-"))
    assert user.network_errors == []


@BOTH
def test_an_error_page_has_no_faults(open_browser: OpenBrowser, language: str) -> None:
    user = open_browser(language, size=PHONE)
    assert_no_faults(user, user.open("/nothing/here/"))
    user.take_screenshot("page-404")
    user.with_session()
    assert_no_faults(user, user.open("/cms/users/"))
    user.take_screenshot("page-403")


def test_the_dark_theme_is_used_if_the_browser_prefers_it(open_browser: OpenBrowser) -> None:
    user = open_browser("zh", color_scheme="dark").with_session(superuser=True)
    page = user.open_settings()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    user.take_screenshot("dark-resetemail")
    user.open("/cms/users/")
    user.take_screenshot("dark-users")
