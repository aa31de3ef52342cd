"""Every invalid request gets an envelope with a 4xx: no error, no try counted, no mail."""

import json
from urllib.parse import quote_plus, urlencode

import pytest

from tests.actors import Answer, Person, code_in, different_code
from tests.environments import Environment

NEW = "new@example.com"
ADDRESSES = [
    "",
    " ",
    "\u3000",
    "x",
    "@",
    "@example.com",
    "new@",
    "new@@example.com",
    "new@example",
    "new@example..com",
    ".new@example.com",
    "new.@example.com",
    "new@-example.com",
    "new@exam ple.com",
    "new @example.com",
    '"new"@example.com',
    "New <new@example.com>",
    "new@example.com,other@example.com",
    "new@example.com;other@example.com",
    "new@example.com\r\nBcc: thief@example.com",
    "new@example.com\nX: y",
    "new\r\n@example.com",
    "new@example.com\x00",
    "\x00new@example.com",
    "new\x1b[31m@example.com",
    "new\u202e@example.com",
    "ne\u200bw@example.com",
    "=?utf-8?q?x?=@example.com",
    "new=?@example.com",
    "new@[127.0.0.1]",
    "new@127.0.0.1",
    "new@localhost",
    "new@example.invalid",
    "用户@example.com",
    "x" * 65 + "@example.com",
    "new@" + "x" * 64 + ".com",
    "new@" + ".".join(["x" * 60] * 5) + ".com",
    "new@example.com" + "m" * 5000,
    "new@" + "ü" * 60 + ".example.com",
    "new@xn--zzzzzzzzzzzz.example.com" + "\ufffd",
    "\ud7ff\uffff@example.com",
    "' OR 1=1 --@example.com",
    "<script>@example.com",
    "{{7*7}}@",
    "new@example.com/../x",
]
CODES = ["", " ", "12345", "1234567", "12345a", "0x1234", "+12345", "-12345", "1e5", "1" * 6000, "\x00" * 6, "１２３"]


@pytest.fixture
def ann(sqlite_env: Environment) -> Person:
    """Return an administrator with a code on its way."""
    ann = sqlite_env.person()
    assert ann.ask(NEW).status == 200
    sqlite_env.clock.advance(seconds=60)
    return ann


def refused(answer: Answer, status: int = 400, error: str = "invalid") -> None:
    """Check that an answer is a refusal in an envelope."""
    assert (answer.status, answer.error) == (status, error), answer
    assert answer.message


def unharmed(env: Environment, ann: Person) -> None:
    """Check that nothing happened: no try is burned, no mail went anywhere else, the address is the old one."""
    shown = ann.get_as_script().data
    assert (shown["email"], shown["pending"]["email"], shown["pending"]["tries_left"]) == ("ann@example.com", NEW, 5)
    (mail,) = env.mail_to(NEW)
    assert ann.confirm(NEW, code_in(mail)).status == 200


@pytest.mark.parametrize("email", ADDRESSES, ids=lambda text: ascii(text)[:40])
def test_what_is_no_address_is_refused(sqlite_env: Environment, ann: Person, email: str) -> None:
    answer = ann.ask(email)
    refused(answer)
    assert list(answer.data["fields"]) == ["email"]
    refused(ann.confirm(email, "123456"))
    visitor = sqlite_env.visitor()
    refused(visitor.sign_in(email=email, password="x"))
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize("code", CODES, ids=lambda text: ascii(text)[:40])
def test_what_is_no_code_is_refused_and_burns_no_try(sqlite_env: Environment, ann: Person, code: str) -> None:
    answer = ann.confirm(NEW, code)
    refused(answer)
    assert list(answer.data["fields"]) == ["captcha"]
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"&&&&",
        b"=",
        b"%",
        b"email",
        b"email=%FF%FE&captcha=%FF",
        b"\xff\xfe\xfd",
        b"email=" + b"%00" * 50,
        b"captcha=123456",
        b"email[]=new@example.com&captcha[]=123456",
        b"email.x=new@example.com",
        b"email=new@example.com&email=other@example.com&captcha=123456",
        b"email=new@example.com&captcha=123456&captcha=654321",
        b"email=new%40example.com%0d%0aBcc:%20thief@example.com&captcha=123456",
    ],
    ids=repr,
)
def test_a_broken_form_is_refused(sqlite_env: Environment, ann: Person, body: bytes) -> None:
    refused(ann.post_raw("/cms/resetemail/", body))
    if b"captcha=123456&captcha" not in body:
        refused(ann.post_raw("/cms/email_captcha/", body))
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize(
    "document",
    [{"email": {}}, {"email": NEW, "captcha": 123456}, {"email": [NEW]}, [], "x", None, {"email": None, "captcha": []}],
    ids=json.dumps,
)
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-16", "text/json"])
def test_a_json_body_is_refused_whatever_is_in_it(
    sqlite_env: Environment, ann: Person, document: object, content_type: str
) -> None:
    body = json.dumps(document).encode()
    for path in ("/cms/email_captcha/", "/cms/resetemail/", "/cms/login/"):
        refused(ann.post_raw(path, body, content_type=content_type), 415, "unsupported_media_type")
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/octet-stream", "x", "a/b;c=d"])
def test_a_body_that_is_no_form_is_refused(sqlite_env: Environment, ann: Person, content_type: str) -> None:
    answer = ann.post_raw(
        "/cms/email_captcha/", urlencode({"email": "x@example.com"}).encode(), content_type=content_type
    )
    refused(answer, 415, "unsupported_media_type")
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"email=new@example.com"),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\nemail"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nx@example.com\r\n--x--\r\n',
        ),
    ],
)
def test_a_broken_multipart_form_is_refused(
    sqlite_env: Environment, ann: Person, content_type: str, body: bytes
) -> None:
    answer = ann.post_raw("/cms/email_captcha/", body, content_type=content_type)
    assert 400 <= answer.status < 500, answer
    assert answer.error
    unharmed(sqlite_env, ann)


def test_a_whole_multipart_form_is_taken(ann: Person) -> None:
    """Without this the tests above could pass because no multipart form is ever taken."""
    body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nx@example.com\r\n--x--\r\n'
    assert ann.post_raw("/cms/email_captcha/", body, content_type="multipart/form-data; boundary=x").status == 200


@pytest.mark.parametrize("path", ["/cms/email_captcha/", "/cms/resetemail/", "/cms/login/", "/cms/reauth/"])
def test_a_megabyte_is_too_much(sqlite_env: Environment, ann: Person, path: str) -> None:
    answer = ann.post_raw(path, b"email=" + b"x" * 2**20)
    refused(answer, 413, "too_large")
    assert answer.headers["Connection"] == "close"
    unharmed(sqlite_env, ann)


def test_ten_thousand_fields_are_too_many(sqlite_env: Environment, ann: Person) -> None:
    body = b"&".join(b"a%d=" % number for number in range(9000))
    answer = ann.post_raw("/cms/email_captcha/", body)
    assert 400 <= answer.status < 500, answer
    assert answer.error
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-CSRFToken": "\xff"},
        {"X-CSRFToken": "x" * 5000},
        {"X-CSRFToken": "a.b.c"},
        {"Cookie": "session=\xff\xfe"},
        {"Cookie": "session=" + "x" * 6000},
        {"Cookie": "=;;=,"},
        {"Origin": "\xff"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": ""},
    ],
    ids=lambda headers: repr(headers)[:40],
)
def test_broken_headers_are_refused(sqlite_env: Environment, ann: Person, headers: dict[str, str]) -> None:
    answer = ann.post_raw("/cms/email_captcha/", b"email=x@example.com", headers=headers)
    assert 400 <= answer.status < 500, answer
    assert answer.error
    unharmed(sqlite_env, ann)


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Language": "xx-YY,\xff;q=2,zh;q=a"},
        {"Accept-Language": "x" * 4000},
        {"Accept": "\xff/\xfe;q=x"},
        {"Accept": ""},
        {"User-Agent": ""},
        {"User-Agent": "Chrome/\x01\xff" + "9" * 4000},
        {"Referer": "http://[::1"},
        {"X-Forwarded-For": "' OR 1=1, 1.2.3.4"},
    ],
    ids=lambda headers: repr(headers)[:40],
)
def test_odd_headers_do_no_harm(ann: Person, headers: dict[str, str]) -> None:
    answer = ann.post_raw("/cms/email_captcha/", b"email=x@example.com", headers=headers)
    assert answer.status == 200, answer
    for path in ("/cms/login/", "/cms/resetemail/"):
        assert ann.browser.send("GET", path, headers=headers).status in (200, 302)


@pytest.mark.parametrize("name", ["password", "next", "remember"])
@pytest.mark.parametrize(
    "value", ["\x00", "x" * 6000, "\ud7ff\uffff", "%00", "' OR 1=1 --"], ids=lambda text: ascii(text)[:20]
)
def test_odd_fields_of_the_sign_in_are_no_fault(sqlite_env: Environment, name: str, value: str) -> None:
    sqlite_env.administrator("ann@example.com")
    person = sqlite_env.visitor("ann@example.com")
    answer = person.sign_in(**{name: value})
    assert answer.status in (200, 400), answer
    answer.envelope  # noqa: B018 (It is checked as it is read.)


@pytest.mark.parametrize(
    "path",
    [
        "/cms/resetemail",
        "/cms/nothing/",
        "/cms/%00/",
        "/cms/%ff%fe/",
        "/cms/../../etc/passwd",
        "/assets/x/..%2f..%2fconfig.py",
        "/assets/x/%2e%2e/config.py",
        "/assets//",
        "/cms/resetemail/undo/" + "x" * 3000 + "/",
        "/cms/resetemail/undo/%00/",
        "/cms/resetemail/stop/%E4%B8%AD/",
        "/cms/forgotpwd/x/",
        "/cms/security/?before=x",
        "/cms/security/?before=" + "9" * 30,
        "/cms/security/?before=-1",
        "/cms/login/?next=" + quote_plus("//evil.example"),
        "/cms/login/?lang=xx",
        "/?" + "x" * 5000,
    ],
    ids=lambda path: path[:40],
)
def test_odd_paths_are_no_fault(env: Environment, path: str) -> None:
    ann = env.person()
    for person in (ann, env.visitor()):
        for accept in ("application/json", "text/html"):
            answer = person.browser.send("GET", path, headers={"Accept": accept})
            assert answer.status < 500, answer


def test_a_postgresql_knows_what_a_nul_is(env: Environment) -> None:
    """PostgreSQL takes no U+0000 in a text: it must not get that far, from any field that is looked up."""
    ann = env.person()
    for answer in (
        ann.sign_in(email="a\x00@example.com"),
        ann.sign_in(password="a\x00"),
        ann.ask("a\x00@example.com"),
        ann.confirm("a\x00@example.com", "123456"),
        ann.confirm(NEW, "12345\x00"),
        ann.post("/cms/forgotpwd/", {"email": "a\x00@example.com"}),
    ):
        assert 400 <= answer.status < 500, answer
    assert env.visitor().get_as_script("/cms/resetemail/undo/a%00b/").status in (404, 410)


def test_a_wrong_code_after_all_this_still_counts(sqlite_env: Environment, ann: Person) -> None:
    """A guard for the tests above: what they call unharmed can be harmed."""
    assert ann.confirm(NEW, different_code(sqlite_env.code_to(NEW))).data["tries_left"] == 4
    pending = ann.pending()
    assert pending is not None
    assert pending["tries_left"] == 4
