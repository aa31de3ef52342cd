"""Every refusal of every route is an envelope with its status."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from cms.headers import CSP, VARY
from tests.actors import PAGE, SCRIPT, Answer, Person
from tests.environments import PRODUCTION, Environment

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OPEN = re.compile(
    r"/cms/(login|forgotpwd|resetemail/(undo|stop|prove|undone|stopped)|register)/|/assets/|/healthz|/readyz|/metrics|"
    r"/dev/|/$"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.fixture
def env(sqlite_env: Environment) -> Environment:
    """Give the environment with nothing installed: an envelope knows nothing of the parts."""
    return sqlite_env


def rules(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Yield every route with an address that leads to it."""
    found = list(app.url_map.iter_rules())
    assert len(found) > 15
    for rule in found:
        yield re.sub(r"<[^>]+>", "x", re.sub(r"<int[^>]*>", "1", str(rule))), rule


def test_a_wrong_method_gets_an_envelope(env: Environment) -> None:
    ann = env.person()
    for path, rule in rules(env.app):
        for method in sorted(set(METHODS) - set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
            if any(path == other and method in (each.methods or ()) for other, each in rules(env.app)):
                continue
            for person in (ann, env.visitor()):
                answer = person.browser.send(method, path, headers=SCRIPT)
                assert (answer.status, answer.error) == (405, "method_not_allowed"), (method, answer)
                assert method not in answer.headers["Allow"].split(", "), answer.headers  # RFC 9110, 15.5.6.


def test_a_visitor_without_a_session_gets_an_envelope_only(env: Environment) -> None:
    closed = 0
    for path, rule in rules(env.app):
        for method in sorted({"GET", "POST"} & set(rule.methods or ())):
            visitor = env.visitor()
            answer = visitor.browser.send(method, path, headers=SCRIPT)
            if OPEN.match(path):
                assert answer.error if answer.status >= 400 else method == "GET", answer
                continue
            assert (answer.status, answer.error) == (401, "sign_in_required"), (method, answer)
            closed += 1
    assert closed > 8


def test_a_form_without_anything_in_it_gets_an_envelope(env: Environment) -> None:
    ann = env.person()
    env.update_account("ann@example.com", is_superuser=True)  # Every page is hers.
    for path, rule in rules(env.app):
        if "POST" not in (rule.methods or ()):
            continue
        assert ann.post(path, {}, token="").error == "csrf_failed", path
        answer = ann.post(path, {})
        assert answer.status < 500, answer
        assert answer.envelope["code"] == answer.status
        if ann.get_as_script().status == 401:
            ann.discard_token()
            ann.sign_in()


def everybody(env: Environment) -> list[Person]:
    """Return somebody who is signed in, and somebody who is not."""
    return [env.person(), env.visitor()]


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
def test_every_response_has_the_security_headers(env: Environment, headers: dict[str, str]) -> None:
    for person in everybody(env):
        for path in ["/cms/login/", "/cms/resetemail/", "/cms/", "/nothing", "/healthz", "/cms/email_captcha/"]:
            answer = person.browser.send("GET", path, headers=headers)
            assert answer.headers["Content-Security-Policy"] == CSP, answer
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"] == "no-store"


def first_file(env: Environment) -> str:
    """Return the address of a file that a page names."""
    found = re.search(r'(?:src|href)="(/assets/[^"]+)"', env.visitor().page("/cms/login/").text)
    assert found
    return found[1]


def stale(env: Environment) -> Answer:
    """Ask for a code when the password was proved too long ago."""
    ann = env.person(script=False)
    env.clock.advance(seconds=601)
    return ann.ask("new@example.com")


def asked_twice(person: Person) -> Answer:
    """Ask for a code, and at once for another one."""
    assert person.ask("new@example.com").status == 200
    return person.ask("new@example.com")


def broken(env: Environment) -> Person:
    """Return a visitor of an application with a fault in it."""
    app = env.build()

    def fail() -> None:
        raise RuntimeError("nobody thought of this")

    app.before_request(fail)
    return env.visitor(app=app)


def without_cache(env: Environment) -> Person:
    """Return a visitor of an application whose cache is away."""
    return env.visitor(app=env.app_with(CACHE_URL="memcached://127.0.0.1:1"))


# How an answer of each status comes about; a plain page is answered where a script is not.
KINDS: dict[str, tuple[int, Callable[[Environment], Answer]]] = {
    "JSON": (200, lambda env: env.person().get_as_script()),
    "page": (200, lambda env: env.person().page()),
    "redirect to a page": (303, lambda env: env.visitor().page("/cms/", follow=False)),
    "redirect of the router": (308, lambda env: env.visitor().page("/cms/login", follow=False)),
    "file": (200, lambda env: env.visitor().page(first_file(env))),
    "no form": (400, lambda env: env.person().ask("no address")),
    "no form, page": (400, lambda env: env.person(script=False).ask("no address")),
    "no token": (400, lambda env: env.person().post("/cms/logout/", token="")),
    "unknown host": (
        400,
        lambda env: env.visitor(app=env.app_with(TRUSTED_HOSTS="cms.example.com")).get_as_script("/healthz"),
    ),
    "nobody": (401, lambda env: env.visitor().get_as_script()),
    "no fresh proof, page": (401, stale),
    "no right": (403, lambda env: env.person().get_as_script("/cms/users/")),
    "no right, page": (403, lambda env: env.person().page("/cms/users/")),
    "nothing": (404, lambda env: env.visitor().get_as_script("/nothing")),
    "nothing, page": (404, lambda env: env.visitor().page("/nothing")),
    "no such file": (404, lambda env: env.visitor().page("/assets/0/cms.css")),
    "method": (405, lambda env: env.person().get_as_script("/cms/logout/")),
    "dead link, page": (410, lambda env: env.visitor().page("/cms/resetemail/undo/x/")),
    "too large": (413, lambda env: env.person().ask("x" * 70_000)),
    "too large, page": (413, lambda env: env.person(script=False).ask("x" * 70_000)),
    "other type": (
        415,
        lambda env: env.person().post_raw("/cms/email_captcha/", b"{}", content_type="application/json"),
    ),
    "too often": (429, lambda env: asked_twice(env.person())),
    "too often, page": (429, lambda env: asked_twice(env.person(script=False))),
    "fault": (500, lambda env: broken(env).get_as_script("/cms/login/")),
    "fault, page": (500, lambda env: broken(env).page("/cms/login/")),
    "part away": (503, lambda env: without_cache(env).get_as_script("/readyz")),
    "part away, page": (503, lambda env: without_cache(env).page("/readyz")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_every_kind_carries_the_headers(env: Environment, kind: str) -> None:
    status, make = KINDS[kind]
    answer = make(env)
    assert answer.status == status, answer
    is_file = kind == "file"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer
    assert ("immutable" if is_file else "no-store") in answer.headers["Cache-Control"]
    assert vary(answer) == ({"Accept-Encoding"} if is_file else set(VARY)), answer
    names = [name.lower() for name in answer.headers.keys() if name != "Set-Cookie"]  # noqa: SIM118 (It is a list.)
    assert len(names) == len(set(names)), "a header that is there twice is read by each program in its own way"


def vary(answer: Answer) -> set[str]:
    """Return the names of the headers on which an answer depends by its own word."""
    return {name.strip() for name in answer.headers.get("Vary", "").split(",")}


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("Accept", "text/html", "application/json"),
        ("X-Requested-With", "", "XMLHttpRequest"),
        ("Accept-Language", "zh", "en"),
        ("Cookie", "", None),
    ],
)
def test_an_answer_that_depends_on_a_header_says_so(env: Environment, name: str, one: str, other: str | None) -> None:
    ann = env.person()
    cookie = "; ".join(f"{key}={value}" for key, value in ann.browser.cookies.items())
    sent = {"Accept": "text/html", "Accept-Language": "en", "Cookie": cookie}
    answers = [
        ann.browser.send("GET", path, headers={**sent, name: cookie if value is None else value})
        for path in ("/nothing", "/cms/resetemail/")
        for value in (one, other)
    ]
    assert answers[2].body != answers[3].body  # It does depend on it,
    assert all(name in vary(answer) for answer in answers)  # whichever of them a cache has seen.


def test_a_static_file_is_cached_forever_and_not_found_under_another_hash(env: Environment) -> None:
    page = env.visitor().page("/cms/login/").text
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert addresses
    for address in addresses:
        answer = env.visitor().browser.send("GET", address)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        _, _, mark, name = address.split("/", 3)
        assert env.visitor().browser.send("GET", f"/assets/{mark[::-1]}x/{name}").status == 404


def test_who_reads_pages_gets_a_page_for_every_error(env: Environment) -> None:
    ann = env.person(script=False)
    for path, status in (("/nothing", 404), ("/cms/email_captcha/", 405), ("/cms/resetemail/undo/x/", 410)):
        answer = ann.page(path)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8"), answer
        assert "<title>" in answer.text
    answer = ann.post("/cms/email_captcha/", {"email": "x@example.com"}, token="")
    assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_the_development_pages_are_not_there_in_production(env: Environment) -> None:
    assert env.visitor().page("/dev/mailbox/").status == 200
    app = env.app_with(**PRODUCTION)
    assert env.visitor(app=app).page("/dev/mailbox/").status == 404


def test_a_fault_of_ours_tells_the_reader_nothing_about_it(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = env.person()
    monkeypatch.setattr("accounts.pending_state.load", lambda *_: 1 / 0)
    for headers in (SCRIPT, PAGE):
        answer = ann.browser.send("GET", "/cms/resetemail/", headers=headers)
        assert answer.status == 500
        assert "division" not in answer.text
        assert "Traceback" not in answer.text
    assert ann.get_as_script().error == "internal"


def test_healthz_needs_no_server_and_readyz_needs_all(env: Environment) -> None:
    away = env.app_with(CACHE_URL="memcached://127.0.0.1:1")
    assert env.visitor(app=away).get_as_script("/healthz").status == 200
    answer = env.visitor(app=away).get_as_script("/readyz")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert env.visitor().get_as_script("/readyz").status == 200


def by_name(env: Environment, app: Flask, host: str, path: str = "/cms/login", **headers: str) -> Answer:
    """Ask for something under a host name."""
    return env.visitor(app=app).browser.send("GET", path, headers={**headers, "Host": host})


FOREIGN = [
    *("evil.example", "evil_x.example", "cms.example.com.evil.example", "xcms.example.com", "cms.example.com.", "a..b"),
    *(
        "x" * 64 + ".example",
        "",
        "a b",
        "cms.example.com:x",
        "[::1",
        "[::2]",
        "192.0.2.1",
        "cms.example.com@evil.example",
    ),
]


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
@pytest.mark.parametrize("host", FOREIGN)
def test_who_asks_by_a_foreign_name_is_not_served(env: Environment, host: str, headers: dict[str, str]) -> None:
    app = env.app_with(TRUSTED_HOSTS="cms.example.com,.example.org,127.0.0.1,[::1]")
    for path in ("/cms/login", "/cms/login/", "/dev/mailbox/", "/healthz", "/nothing"):
        answer = by_name(env, app, host, path, **headers)
        assert answer.status == 400, answer
        assert "evil" not in answer.text
        assert "Location" not in answer.headers
        assert answer.headers["Content-Security-Policy"] == CSP
    assert by_name(env, app, host, **SCRIPT).error == "bad_request"


@pytest.mark.parametrize(
    "host",
    [
        *("cms.example.com", "CMS.example.com:443", "example.org", "a.b.example.org:8000", "127.0.0.1:80"),
        *("[::1]", "[::1]:8000"),
    ],
)
def test_who_asks_by_a_trusted_name_is_served(env: Environment, host: str) -> None:
    app = env.app_with(TRUSTED_HOSTS="cms.example.com,.example.org,127.0.0.1,[::1]")
    assert by_name(env, app, host, "/cms/login/").status == 200


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "a b", "[::1", "evil_x.example"])
def test_a_host_that_is_no_name_is_no_fault_where_every_name_is_served(
    env: Environment, host: str, headers: dict[str, str]
) -> None:
    assert by_name(env, env.app_with(**PRODUCTION), host, "/cms/login/", **headers).status in (200, 400)


@pytest.mark.parametrize("host", [*FOREIGN, "cms.example.com", "localhost.evil.example", "xlocalhost", "10.0.0.1:5000"])
def test_in_development_a_strangers_name_for_this_machine_shows_no_mailbox(env: Environment, host: str) -> None:
    """A page of theirs could read the mail of a developer who looks at it, once the name leads to 127.0.0.1."""
    for path in ("/dev/mailbox/", "/cms/login/", "/healthz"):
        assert by_name(env, env.app, host, path).status == 400, path


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:5000", "cms.localhost", "127.0.0.1:5000", "[::1]:5000"])
def test_in_development_this_machine_is_served(env: Environment, host: str) -> None:
    assert by_name(env, env.app, host, "/dev/mailbox/").status == 200


def test_in_development_another_name_is_served_if_it_is_trusted(env: Environment) -> None:
    app = env.app_with(TRUSTED_HOSTS="cms.example.com")
    assert by_name(env, app, "cms.example.com", "/dev/mailbox/").status == 200
    assert by_name(env, app, "localhost", "/dev/mailbox/").status == 400
