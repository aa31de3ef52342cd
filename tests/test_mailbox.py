"""/dev/mailbox/: the HTML parts of mails are shown in a sandbox."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from cms.headers import CSP
from cms.mailbox import LIST_CSP, MAIL_CSP
from tests.actors import html_of
from tests.environments import PRODUCTION, Environment

TO = "new@example.com"
ID = "00001700000000.000000-0123456789abcdef"


def store_mail(env: Environment, html: str | None, name: str = ID) -> str:
    """Store a mail with this HTML part like the outbox, and return the path of its page."""
    message = EmailMessage()
    message["To"], message["Subject"], message["Date"] = TO, "Hello", "Tue, 03 Feb 2026 04:05:06 +0000"
    message.set_content("Hello")
    if html is not None:
        message.add_alternative(html, subtype="html")
    folder = Path(env.settings["INSTANCE_DIR"]) / "mailbox"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.eml").write_bytes(bytes(message))
    return f"/dev/mailbox/{name}/"


def find_frames(page: str) -> list[str]:
    """Return the <iframe> tags of a page."""
    return re.findall(r"<iframe[^>]*>", page)


def test_the_page_shows_the_html_part_of_every_mail(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    ann.ask(TO)
    mails = [*sqlite_env.mail_to(TO), *sqlite_env.mail_to("ann@example.com")]
    frames = find_frames(sqlite_env.visitor().page("/dev/mailbox/").text)
    assert len(frames) == len(mails) == 2
    addresses = [found[1] for frame in frames if (found := re.search(r'src="(/dev/mailbox/[\w.-]+/)"', frame))]
    shown = [sqlite_env.visitor().page(address) for address in addresses]
    assert [answer.headers["Content-Type"] for answer in shown] == ["text/html; charset=utf-8"] * 2
    assert sorted(answer.text.strip() for answer in shown) == sorted(html_of(mail).strip() for mail in mails)


def test_the_frame_of_a_mail_is_fully_sandboxed(sqlite_env: Environment) -> None:
    """Both by the attribute of the tag and by the policy of the content."""
    address = store_mail(sqlite_env, "<script>alert(1)</script>")
    (frame,) = find_frames(sqlite_env.visitor().page("/dev/mailbox/").text)
    assert re.search(r"\ssandbox[\s>]", frame)
    answer = sqlite_env.visitor().page(address)
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["Content-Security-Policy"].split(";"))
    assert rules == {
        "sandbox": "",
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "frame-ancestors": "'self'",
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_only_the_two_pages_of_the_mailbox_have_different_policies(sqlite_env: Environment) -> None:
    boss = sqlite_env.administrator("boss@example.com", superuser=True)
    person, address, seen = sqlite_env.signed_in("boss@example.com"), store_mail(sqlite_env, "<p>Hello</p>"), {}
    for rule in sqlite_env.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            path = re.sub(r"<int[^>]*>", str(boss.id), str(rule)).replace("<message_id>", ID)
            seen[path] = person.page(re.sub(r"<[^>]+>", "x", path)).headers["Content-Security-Policy"]
    assert f"{CSP}; frame-src 'self'" == LIST_CSP
    assert {path: csp for path, csp in seen.items() if csp != CSP} == {"/dev/mailbox/": LIST_CSP, address: MAIL_CSP}


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e%2fcms.db", "*", ID[:-1], f"{ID}.eml", "x" * 5000, "\u0000"])
def test_an_unknown_mail_is_not_found(sqlite_env: Environment, name: str) -> None:
    store_mail(sqlite_env, "<p>Hello</p>")
    assert sqlite_env.visitor().page(f"/dev/mailbox/{name}/").status == 404


def test_a_mail_without_an_html_part_is_listed(sqlite_env: Environment) -> None:
    address = store_mail(sqlite_env, None)
    assert sqlite_env.visitor().page("/dev/mailbox/").status == 200
    assert sqlite_env.visitor().page(address).text == ""


def test_production_has_no_mailbox(sqlite_env: Environment) -> None:
    address = store_mail(sqlite_env, "<p>Hello</p>")
    assert sqlite_env.visitor(app=sqlite_env.app_with(**PRODUCTION)).page(address).status == 404
