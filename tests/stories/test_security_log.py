"""The security log: one line for every refused guess or unauthorised request, without secrets."""

import logging
import re
from collections.abc import Iterator

import pytest

from accounts import errors
from accounts.security_log import log_refusal
from cms import answers, guard, sentences
from telemetry import logs
from tests.actors import PAGE, SCRIPT, Answer
from tests.environments import Environment
from tests.refusals import factories

ANN, NOBODY = "ann@example.com", "nobody@example.com"
TOKEN = "a-guessed-token-of-the-same-length-as-those-of-the-product"
TEXT = logs.formatter("text")
ACTION = re.compile(r"[A-Z]+ \S+|forgotten password")


class SecurityLog:
    """The lines of the security log since the last call of `read`."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        """Store the log."""
        self._caplog = caplog
        self.text = ""

    def read(self) -> list[tuple[str, str, str, str]]:
        """Return kind, request, network and account of every new line, which must have the documented format."""
        found = []
        for record in self._caplog.records:
            if record.name == "cms.security":
                assert record.levelno == logging.WARNING
                assert record.getMessage() == "refused"
                line = vars(record)
                assert ACTION.fullmatch(line["action"])
                found.append((line["refusal"], line["action"], line["network"], str(line["account"] or "-")))
                self.text += TEXT.format(record) + "\n"
        self._caplog.clear()
        return found


@pytest.fixture
def security_log(caplog: pytest.LogCaptureFixture) -> Iterator[SecurityLog]:
    """Provide the log; it must contain no input and no token at the end of a test."""
    caplog.set_level(logging.INFO)
    log = SecurityLog(caplog)
    yield log
    log.read()
    for secret in ("example.com", "ann", "nobody@", TOKEN, "guess", "correct horse"):
        assert secret not in log.text


def read_account_id(env: Environment, username: str = "ann") -> str:
    """Return the id of an account as text."""
    return str(env.account(username).id)


def test_a_failed_sign_in_is_one_line_for_existing_and_unknown_addresses(
    env: Environment, security_log: SecurityLog
) -> None:
    env.administrator(ANN)
    for email in (ANN, NOBODY):
        assert env.visitor(email).sign_in(password="guess").error == "wrong_credentials"
        assert security_log.read() == [("wrong_credentials", "POST /cms/login/", "203.0.113.5", "-")]


def test_a_throttled_sign_in_is_one_line(env: Environment, security_log: SecurityLog) -> None:
    thief = env.visitor(NOBODY, app=env.app_with(SIGN_IN_TRIES_PER_ACCOUNT="1"))
    thief.sign_in(password="guess")
    security_log.read()
    assert thief.sign_in(password="guess").error == "too_many_requests"
    assert security_log.read() == [("too_many_requests", "POST /cms/login/", "203.0.113.5", "-")]


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
def test_a_forbidden_page_is_one_line_with_the_account(
    env: Environment, security_log: SecurityLog, headers: dict[str, str]
) -> None:
    ann = env.person()
    assert ann.browser.send("GET", "/cms/users/", headers=headers).status == 403
    assert security_log.read() == [("forbidden", "GET /cms/users/", "203.0.113.5", read_account_id(env))]


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}], ids=str)
def test_a_form_from_another_site_is_one_line(
    env: Environment, security_log: SecurityLog, headers: dict[str, str]
) -> None:
    ann = env.person()
    assert ann.post_raw("/cms/logout/", b"", headers=headers).error == "forbidden"
    assert security_log.read() == [("foreign_site", "POST /cms/logout/", "203.0.113.5", "-")]


@pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
def test_a_form_with_a_wrong_csrf_token_is_one_line(env: Environment, security_log: SecurityLog, script: bool) -> None:
    ann = env.person(script=script)
    assert ann.post("/cms/resetemail/cancel/", token="guess").status == 400
    assert security_log.read() == [("csrf_failed", "POST /cms/resetemail/cancel/", "203.0.113.5", read_account_id(env))]


@pytest.mark.parametrize(
    "path", ["resetemail/undo", "resetemail/stop", "resetemail/prove", "forgotpwd", "register"], ids=str
)
def test_an_unknown_link_is_one_line_without_its_token(env: Environment, security_log: SecurityLog, path: str) -> None:
    visitor, link = env.visitor(), f"/cms/{path}/{TOKEN}/"
    visitor.token()
    assert visitor.page(link).status == 410
    assert security_log.read() == [("link_dead", f"GET /cms/{path}/<token>/", "203.0.113.5", "-")]
    fields = {"password": "several words of mine", "repetition": "several words of mine", "username": "someone"}
    assert visitor.post(link, fields).error == "link_dead"
    assert security_log.read() == [("link_dead", f"POST /cms/{path}/<token>/", "203.0.113.5", "-")]


def test_requesting_a_password_link_for_an_unknown_address_is_one_line(
    env: Environment, security_log: SecurityLog
) -> None:
    env.administrator(ANN)
    for email, lines in ((NOBODY, [("address_unknown", "forgotten password", "203.0.113.5", "-")]), (ANN, [])):
        assert env.visitor().post("/cms/forgotpwd/", {"email": email}).status == 200
        env.deliver()
        assert security_log.read() == lines


def test_an_untrusted_host_is_one_line(env: Environment, security_log: SecurityLog) -> None:
    answer = env.visitor().browser.send("GET", "/dev/mailbox/", headers={"Host": "evil.example"})
    assert answer.status == 400
    assert security_log.read() == [("unknown_host", "GET /dev/mailbox/", "203.0.113.5", "-")]


def test_normal_use_causes_no_lines(env: Environment, security_log: SecurityLog) -> None:
    ann = env.person()
    responses: list[Answer] = [
        *(
            ann.page("/cms/"),
            ann.page("/cms/nothing/"),
            ann.ask("not an address"),
            ann.ask("new@gmial.com"),
            ann.ask(ANN),
        ),
        *(ann.ask("new@example.com"), ann.confirm("new@example.com", env.code_to("new@example.com"))),
        *(env.visitor().get_as_script(), ann.browser.send("PUT", "/cms/login/", headers=SCRIPT)),
    ]
    env.clock.advance(minutes=11)
    responses.append(ann.cancel())
    assert {answer.status for answer in responses} >= {200, 400, 401, 404, 405}
    assert security_log.read() == []


@pytest.mark.parametrize("cls", sentences.REFUSALS, ids=lambda cls: cls.__name__)
def test_every_refusal_is_one_line_unless_it_is_ordinary(
    sqlite_env: Environment, security_log: SecurityLog, monkeypatch: pytest.MonkeyPatch, cls: type[errors.Refusal]
) -> None:
    """New refusals are logged by default."""
    refusal = factories(cls)[0]()

    @guard.open_to_all
    def refuse() -> None:
        raise refusal

    monkeypatch.setitem(sqlite_env.app.view_functions, "cms_auth.login", refuse)
    sqlite_env.visitor().get_as_script("/cms/login/")
    lines = [] if cls.word in answers.ORDINARY else [(cls.word, "GET /cms/login/", "203.0.113.5", "-")]
    assert security_log.read() == lines


def test_no_refused_guess_is_ordinary() -> None:
    guesses = {"wrong_credentials", "password_wrong", "code_wrong", "link_dead", "forbidden", "csrf_failed"}
    assert not guesses & answers.ORDINARY


@pytest.mark.parametrize("text", ["a\nrefused b: c", "a\r\nb", "a\x1b[2J", "a\x85b", "a\u2028b", "x" * 5000])
def test_a_request_cannot_inject_lines(security_log: SecurityLog, caplog: pytest.LogCaptureFixture, text: str) -> None:
    log_refusal(text, text, network=text, account_id=7)
    line = TEXT.format(*caplog.records)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert len(line) < 500
    caplog.clear()
    assert security_log.read() == []
