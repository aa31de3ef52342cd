"""Every route, asked by everybody in every wrong way, answers the envelope, with the status that stands in it."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from cms.headers import CSP
from tests.houses import House
from tests.people import PAGE, SCRIPT, Person

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OPEN = re.compile(
    r"/cms/(login|forgotpwd|resetemail/(undo|stop|prove|undone|stopped)|register)/|/assets/|/healthz|/readyz|/metrics|/dev/"
)


@pytest.fixture
def house(small_house: House) -> House:
    """Give the house with nothing installed: an envelope knows nothing of the parts."""
    return small_house


def rules(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Yield every route with an address that leads to it."""
    found = list(app.url_map.iter_rules())
    assert len(found) > 15
    for rule in found:
        yield re.sub(r"<[^>]+>", "x", re.sub(r"<int[^>]*>", "1", str(rule))), rule


def test_a_wrong_method_gets_an_envelope(house: House) -> None:
    ann = house.person()
    for path, rule in rules(house.app):
        for method in sorted(set(METHODS) - set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
            if any(path == other and method in (each.methods or ()) for other, each in rules(house.app)):
                continue
            for person in (ann, house.visitor()):
                answer = person.browser.send(method, path, headers=SCRIPT)
                assert (answer.status, answer.error) == (405, "method_not_allowed"), (method, answer)


def test_nobody_gets_an_envelope_and_nothing_else(house: House) -> None:
    closed = 0
    for path, rule in rules(house.app):
        for method in sorted({"GET", "POST"} & set(rule.methods or ())):
            visitor = house.visitor()
            answer = visitor.browser.send(method, path, headers=SCRIPT)
            if OPEN.match(path):
                assert answer.error if answer.status >= 400 else True, answer
                continue
            assert (answer.status, answer.error) == (401, "sign_in_required"), (method, answer)
            closed += 1
    assert closed > 8


def test_a_form_without_anything_in_it_gets_an_envelope(house: House) -> None:
    ann = house.person()
    house.change("ann@example.com", is_superuser=True)  # Every page is hers.
    for path, rule in rules(house.app):
        if "POST" not in (rule.methods or ()):
            continue
        assert ann.post(path, {}, token="").error == "csrf_failed", path
        answer = ann.post(path, {})
        assert answer.status < 500, answer
        assert answer.envelope["code"] == answer.status
        if ann.ask_as_script().status == 401:
            ann.turn_the_page()
            ann.sign_in()


def test_nothing_changes_on_get_or_head(house: House) -> None:
    """A link, an image or a mail scanner must not be able to do anything."""
    for rule in house.app.url_map.iter_rules():
        view = rule.endpoint.rpartition(".")[2]
        if "GET" in (rule.methods or ()):
            assert "POST" not in (rule.methods or ()), rule
            assert not re.search(r"_post$|^(logout|cancel|stop|delete|end)$", view), rule


def everybody(house: House) -> list[Person]:
    """Return somebody who is signed in, and somebody who is not."""
    return [house.person(), house.visitor()]


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
def test_every_answer_carries_the_headers_that_keep_a_browser_in_its_place(
    house: House, headers: dict[str, str]
) -> None:
    for person in everybody(house):
        for path in ["/cms/login/", "/cms/resetemail/", "/cms/", "/nothing", "/healthz", "/cms/email_captcha/"]:
            answer = person.browser.send("GET", path, headers=headers)
            assert answer.headers["Content-Security-Policy"] == CSP, answer
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"] == "no-store"


def test_a_file_may_be_kept_for_ever_and_is_not_found_under_another_mark(house: House) -> None:
    page = house.visitor().page("/cms/login/").text
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert addresses
    for address in addresses:
        answer = house.visitor().browser.send("GET", address)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        _, _, mark, name = address.split("/", 3)
        assert house.visitor().browser.send("GET", f"/assets/{mark[::-1]}x/{name}").status == 404


def test_who_reads_pages_gets_a_page_for_every_error(house: House) -> None:
    ann = house.person(script=False)
    for path, status in (("/nothing", 404), ("/cms/email_captcha/", 405), ("/cms/resetemail/undo/x/", 410)):
        answer = ann.page(path)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8"), answer
        assert "<title>" in answer.text
    answer = ann.post("/cms/email_captcha/", {"email": "x@example.com"}, token="")
    assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_the_development_pages_are_not_there_in_production(house: House) -> None:
    assert house.visitor().page("/dev/mailbox/").status == 200
    app = house.build(CMS_ENV="production")
    assert house.visitor(app=app).page("/dev/mailbox/").status == 404


def test_a_fault_of_ours_tells_the_reader_nothing_about_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = house.person()
    monkeypatch.setattr("accounts.pending.of", lambda *_: 1 / 0)
    for headers in (SCRIPT, PAGE):
        answer = ann.browser.send("GET", "/cms/resetemail/", headers=headers)
        assert answer.status == 500
        assert "division" not in answer.text
        assert "Traceback" not in answer.text
    assert ann.ask_as_script().error == "internal"


def test_healthz_needs_no_part_and_readyz_all_of_them(house: House) -> None:
    away = house.build(CACHE_URL="memcached://127.0.0.1:1")
    assert house.visitor(app=away).ask_as_script("/healthz").status == 200
    answer = house.visitor(app=away).ask_as_script("/readyz")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert house.visitor().ask_as_script("/readyz").status == 200


def test_who_asks_by_a_foreign_name_is_not_served(house: House) -> None:
    app = house.build(TRUSTED_HOSTS="cms.example.com")
    visitor = house.visitor(app=app)
    assert visitor.browser.send("GET", "/cms/login", headers={"Host": "evil.example"}).status == 400
    assert visitor.browser.send("GET", "/cms/login/", headers={"Host": "cms.example.com"}).status == 200
