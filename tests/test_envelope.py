"""Every error response of every route is an envelope with its status."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from cms.headers import CSP, VARY
from tests.actors import PAGE, SCRIPT, WITHOUT_BODY, Answer, Person
from tests.environments import PRODUCTION, Environment

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OPEN = re.compile(
    r"/cms/(login|forgotpwd|resetemail/(undo|stop|prove|undone|stopped)|factor_reset/(stop|stopped)|register)/|/assets/|/healthz|/readyz|/metrics|"
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
    """Provide the environment with the embedded defaults: envelopes do not depend on servers."""
    return sqlite_env


def list_rules(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Yield every route with a path that matches it."""
    found = list(app.url_map.iter_rules())
    assert len(found) > 15
    for rule in found:
        yield re.sub(r"<[^>]+>", "x", re.sub(r"<int[^>]*>", "1", str(rule))), rule


def test_a_response_405_is_an_envelope(env: Environment) -> None:
    ann = env.person()
    for path, rule in list_rules(env.app):
        for method in sorted(set(METHODS) - set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
            if any(path == other and method in (each.methods or ()) for other, each in list_rules(env.app)):
                continue
            for person in (ann, env.visitor()):
                answer = person.browser.send(method, path, headers=SCRIPT)
                assert (answer.status, answer.error) == (405, "method_not_allowed"), (method, answer)
                assert method not in answer.headers["Allow"].split(", "), answer.headers  # RFC 9110, 15.5.6.


def test_responses_without_a_session_are_envelopes(env: Environment) -> None:
    closed = 0
    for path, rule in list_rules(env.app):
        for method in sorted({"GET", "POST"} & set(rule.methods or ())):
            visitor = env.visitor()
            answer = visitor.browser.send(method, path, headers=SCRIPT)
            if OPEN.match(path):
                assert answer.error if answer.status >= 400 else method == "GET", answer
                continue
            assert answer.status == 401, (method, answer)
            assert path == WITHOUT_BODY or answer.error == "sign_in_required", (method, answer)
            closed += 1
    assert closed > 8


def test_responses_to_empty_forms_are_envelopes(env: Environment) -> None:
    ann = env.person()
    env.update_account("ann@example.com", is_superuser=True)  # A superuser has access to every page.
    for path, rule in list_rules(env.app):
        if "POST" not in (rule.methods or ()):
            continue
        assert ann.post(path, {}, token="").error == "csrf_failed", path
        answer = ann.post(path, {})
        assert answer.status < 500, answer
        assert answer.envelope["code"] == answer.status
        if ann.get_as_script().status == 401:
            ann.discard_token()
            ann.sign_in()


def create_people(env: Environment) -> list[Person]:
    """Return an administrator who is signed in, and a visitor."""
    return [env.person(), env.visitor()]


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
def test_every_response_has_the_security_headers(env: Environment, headers: dict[str, str]) -> None:
    for person in create_people(env):
        for path in ["/cms/login/", "/cms/resetemail/", "/cms/", "/nothing", "/healthz", "/cms/email_captcha/"]:
            answer = person.browser.send("GET", path, headers=headers)
            assert answer.headers["Content-Security-Policy"] == CSP, answer
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Cache-Control"] == "no-store"


def find_static_file(env: Environment) -> str:
    """Return the path of a static file to which a page links."""
    found = re.search(r'(?:src|href)="(/assets/[^"]+)"', env.visitor().page("/cms/login/").text)
    assert found
    return found[1]


def request_stale(env: Environment) -> Answer:
    """Request a code after the confirmation of the password has expired."""
    ann = env.person(script=False)
    env.clock.advance(seconds=601)
    return ann.ask("new@example.com")


def request_twice(person: Person) -> Answer:
    """Request a code, and immediately another one."""
    assert person.ask("new@example.com").status == 200
    return person.ask("new@example.com")


def visit_broken(env: Environment) -> Person:
    """Return a visitor of an application whose requests raise an error."""
    app = env.build()

    def fail() -> None:
        raise RuntimeError("an unexpected error")

    app.before_request(fail)
    return env.visitor(app=app)


def visit_without_cache(env: Environment) -> Person:
    """Return a visitor of an application whose cache is unavailable."""
    return env.visitor(app=env.app_with(CACHE_URL="memcached://127.0.0.1:1"))


# The status and a request for each kind of response; pages have responses of their own.
KINDS: dict[str, tuple[int, Callable[[Environment], Answer]]] = {
    "JSON": (200, lambda env: env.person().get_as_script()),
    "page": (200, lambda env: env.person().page()),
    "redirect to a page": (303, lambda env: env.visitor().page("/cms/", follow=False)),
    "redirect of the router": (308, lambda env: env.visitor().page("/cms/login", follow=False)),
    "file": (200, lambda env: env.visitor().page(find_static_file(env))),
    "invalid form": (400, lambda env: env.person().ask("not an address")),
    "invalid form, page": (400, lambda env: env.person(script=False).ask("not an address")),
    "no CSRF token": (400, lambda env: env.person().post("/cms/logout/", token="")),
    "unknown host": (
        400,
        lambda env: env.visitor(app=env.app_with(TRUSTED_HOSTS="cms.example.com")).get_as_script("/healthz"),
    ),
    "not signed in": (401, lambda env: env.visitor().get_as_script()),
    "stale session, page": (401, request_stale),
    "no permission": (403, lambda env: env.person().get_as_script("/cms/users/")),
    "no permission, page": (403, lambda env: env.person().page("/cms/users/")),
    "no body": (204, lambda env: env.person().get_as_script("/cms/session/")),
    "not signed in, no body": (401, lambda env: env.visitor().get_as_script("/cms/session/")),
    "not found": (404, lambda env: env.visitor().get_as_script("/nothing")),
    "not found, page": (404, lambda env: env.visitor().page("/nothing")),
    "unknown file": (404, lambda env: env.visitor().page("/assets/0/cms.css")),
    "wrong method": (405, lambda env: env.person().get_as_script("/cms/logout/")),
    "invalid link, page": (410, lambda env: env.visitor().page("/cms/resetemail/undo/x/")),
    "too large": (413, lambda env: env.person().ask("x" * 70_000)),
    "too large, page": (413, lambda env: env.person(script=False).ask("x" * 70_000)),
    "wrong content type": (
        415,
        lambda env: env.person().post_raw("/cms/email_captcha/", b"{}", content_type="application/json"),
    ),
    "too many requests": (429, lambda env: request_twice(env.person())),
    "too many requests, page": (429, lambda env: request_twice(env.person(script=False))),
    "error": (500, lambda env: visit_broken(env).get_as_script("/cms/login/")),
    "error, page": (500, lambda env: visit_broken(env).page("/cms/login/")),
    "unavailable": (503, lambda env: visit_without_cache(env).get_as_script("/readyz")),
    "unavailable, page": (503, lambda env: visit_without_cache(env).page("/readyz")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_response_has_the_security_headers_once(env: Environment, kind: str) -> None:
    status, make = KINDS[kind]
    answer = make(env)
    assert answer.status == status, answer
    is_file = kind == "file"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer
    assert ("immutable" if is_file else "no-store") in answer.headers["Cache-Control"]
    assert read_vary(answer) == ({"Accept-Encoding"} if is_file else set(VARY)), answer
    names = [name.lower() for name in answer.headers.keys() if name != "Set-Cookie"]  # noqa: SIM118 (It is a list.)
    assert len(names) == len(set(names)), "clients interpret a repeated header differently"


def read_vary(answer: Answer) -> set[str]:
    """Return the names in the Vary header of a response."""
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
def test_vary_lists_the_headers_on_which_a_response_depends(
    env: Environment, name: str, one: str, other: str | None
) -> None:
    ann = env.person()
    cookie = "; ".join(f"{key}={value}" for key, value in ann.browser.cookies.items())
    sent = {"Accept": "text/html", "Accept-Language": "en", "Cookie": cookie}
    answers = [
        ann.browser.send("GET", path, headers={**sent, name: cookie if value is None else value})
        for path in ("/nothing", "/cms/resetemail/")
        for value in (one, other)
    ]
    assert answers[2].body != answers[3].body  # The response depends on the header,
    assert all(name in read_vary(answer) for answer in answers)  # and every response says so.


def test_a_static_file_is_immutable_and_not_found_under_another_hash(env: Environment) -> None:
    page = env.visitor().page("/cms/login/").text
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert addresses
    for address in addresses:
        answer = env.visitor().browser.send("GET", address)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        _, _, digest, name = address.split("/", 3)
        assert env.visitor().browser.send("GET", f"/assets/{digest[::-1]}x/{name}").status == 404


def test_errors_are_pages_for_clients_that_accept_html(env: Environment) -> None:
    ann = env.person(script=False)
    for path, status in (("/nothing", 404), ("/cms/email_captcha/", 405), ("/cms/resetemail/undo/x/", 410)):
        answer = ann.page(path)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8"), answer
        assert "<title>" in answer.text
    answer = ann.post("/cms/email_captcha/", {"email": "x@example.com"}, token="")
    assert (answer.status, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_production_has_no_development_pages(env: Environment) -> None:
    assert env.visitor().page("/dev/mailbox/").status == 200
    app = env.app_with(**PRODUCTION)
    assert env.visitor(app=app).page("/dev/mailbox/").status == 404


def test_a_response_500_contains_no_details(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = env.person()
    monkeypatch.setattr("accounts.pending_state.load", lambda *_: 1 / 0)
    for headers in (SCRIPT, PAGE):
        answer = ann.browser.send("GET", "/cms/resetemail/", headers=headers)
        assert answer.status == 500
        assert "division" not in answer.text
        assert "Traceback" not in answer.text
    assert ann.get_as_script().error == "internal"


def test_healthz_requires_no_server_and_readyz_requires_all(env: Environment) -> None:
    unavailable = env.app_with(CACHE_URL="memcached://127.0.0.1:1")
    assert env.visitor(app=unavailable).get_as_script("/healthz").status == 200
    answer = env.visitor(app=unavailable).get_as_script("/readyz")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert env.visitor().get_as_script("/readyz").status == 200


def get_from_host(env: Environment, app: Flask, host: str, path: str = "/cms/login", **headers: str) -> Answer:
    """Send a GET request with this Host header."""
    return env.visitor(app=app).browser.send("GET", path, headers={**headers, "Host": host})


UNTRUSTED = [
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
@pytest.mark.parametrize("host", UNTRUSTED)
def test_requests_for_untrusted_hosts_are_refused(env: Environment, host: str, headers: dict[str, str]) -> None:
    app = env.app_with(TRUSTED_HOSTS="cms.example.com,.example.org,127.0.0.1,[::1]")
    for path in ("/cms/login", "/cms/login/", "/dev/mailbox/", "/healthz", "/nothing"):
        answer = get_from_host(env, app, host, path, **headers)
        assert answer.status == 400, answer
        assert "evil" not in answer.text
        assert "Location" not in answer.headers
        assert answer.headers["Content-Security-Policy"] == CSP
    assert get_from_host(env, app, host, **SCRIPT).error == "bad_request"


@pytest.mark.parametrize(
    "host",
    [
        *("cms.example.com", "CMS.example.com:443", "example.org", "a.b.example.org:8000", "127.0.0.1:80"),
        *("[::1]", "[::1]:8000"),
    ],
)
def test_requests_for_trusted_hosts_are_served(env: Environment, host: str) -> None:
    app = env.app_with(TRUSTED_HOSTS="cms.example.com,.example.org,127.0.0.1,[::1]")
    assert get_from_host(env, app, host, "/cms/login/").status == 200


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "a b", "[::1", "evil_x.example"])
def test_an_invalid_host_causes_no_error_without_trusted_hosts(
    env: Environment, host: str, headers: dict[str, str]
) -> None:
    assert get_from_host(env, env.app_with(**PRODUCTION), host, "/cms/login/", **headers).status in (200, 400)


@pytest.mark.parametrize(
    "host", [*UNTRUSTED, "cms.example.com", "localhost.evil.example", "xlocalhost", "10.0.0.1:5000"]
)
def test_in_development_requests_for_unknown_hosts_are_refused(env: Environment, host: str) -> None:
    """Otherwise a foreign page could read the mailbox of a developer by DNS rebinding to 127.0.0.1."""
    for path in ("/dev/mailbox/", "/cms/login/", "/healthz"):
        assert get_from_host(env, env.app, host, path).status == 400, path


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:5000", "cms.localhost", "127.0.0.1:5000", "[::1]:5000"])
def test_in_development_requests_for_this_machine_are_served(env: Environment, host: str) -> None:
    assert get_from_host(env, env.app, host, "/dev/mailbox/").status == 200


def test_in_development_other_hosts_can_be_trusted(env: Environment) -> None:
    app = env.app_with(TRUSTED_HOSTS="cms.example.com")
    assert get_from_host(env, app, "cms.example.com", "/dev/mailbox/").status == 200
    assert get_from_host(env, app, "localhost", "/dev/mailbox/").status == 400
