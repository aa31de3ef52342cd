"""The security log: one line for every refused guess or unauthorised request, without secrets."""

import logging
import re
from collections.abc import Iterator

import pytest

from accounts import errors
from accounts.security_log import log_refusal
from cms import answers, sentences
from tests.actors import PAGE, SCRIPT, Answer
from tests.environments import Environment
from tests.refusals import reasons

ANN, NOBODY = "ann@example.com", "nobody@example.com"
TOKEN = "a-token-that-somebody-guessed-and-that-is-as-long-as-ours"
LINE = re.compile(r"refused ([a-z_]+): ([A-Z]+ \S+|forgotten password), network ([0-9a-f.:]+), account (-|\d+)")


class SecurityLog:
    """What was written since it was last read."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        """Listen."""
        self._caplog = caplog
        self.seen = ""

    def read(self) -> list[tuple[str, str, str, str]]:
        """Return kind, request, network and account of every new line; each line has the one form, at WARNING."""
        found = []
        for record in self._caplog.records:
            if record.name == "cms.security":
                assert record.levelno == logging.WARNING
                parts = LINE.fullmatch(record.getMessage())
                assert parts, record.getMessage()
                found.append((parts[1], parts[2], parts[3], parts[4]))
                self.seen += record.getMessage() + "\n"
        self._caplog.clear()
        return found


@pytest.fixture
def security_log(caplog: pytest.LogCaptureFixture) -> Iterator[SecurityLog]:
    """Give the log; at the end of a test it holds nothing that was typed, and no token."""
    caplog.set_level(logging.INFO)
    log = SecurityLog(caplog)
    yield log
    log.read()
    for secret in ("example.com", "ann", "nobody@", TOKEN, "guess", "correct horse"):
        assert secret not in log.seen


def account_of(env: Environment, username: str = "ann") -> str:
    """Return the number of an account, as the log tells it."""
    return str(env.account(username).id)


def test_a_failed_sign_in_is_one_line_whether_or_not_somebody_has_the_address(
    env: Environment, security_log: SecurityLog
) -> None:
    env.administrator(ANN)
    for email in (ANN, NOBODY):
        assert env.visitor(email).sign_in(password="guess").error == "wrong_credentials"
        assert security_log.read() == [("wrong_credentials", "POST /cms/login/", "203.0.113.5", "-")]


def test_a_throttled_sign_in_is_one_line(env: Environment, security_log: SecurityLog) -> None:
    thief = env.visitor(NOBODY, app=env.build(SIGN_IN_TRIES_PER_ACCOUNT="1"))
    thief.sign_in(password="guess")
    security_log.read()
    assert thief.sign_in(password="guess").error == "too_many_requests"
    assert security_log.read() == [("too_many_requests", "POST /cms/login/", "203.0.113.5", "-")]


@pytest.mark.parametrize("headers", [SCRIPT, PAGE], ids=["script", "page"])
def test_a_page_for_another_role_is_one_line_that_names_the_account(
    env: Environment, security_log: SecurityLog, headers: dict[str, str]
) -> None:
    ann = env.person()
    assert ann.browser.send("GET", "/cms/users/", headers=headers).status == 403
    assert security_log.read() == [("forbidden", "GET /cms/users/", "203.0.113.5", account_of(env))]


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}], ids=str)
def test_a_form_from_a_foreign_site_is_one_line(
    env: Environment, security_log: SecurityLog, headers: dict[str, str]
) -> None:
    ann = env.person()
    assert ann.post_raw("/cms/logout/", b"", headers=headers).error == "forbidden"
    assert security_log.read() == [("foreign_site", "POST /cms/logout/", "203.0.113.5", "-")]


@pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
def test_a_form_without_the_token_of_its_session_is_one_line(
    env: Environment, security_log: SecurityLog, script: bool
) -> None:
    ann = env.person(script=script)
    assert ann.post("/cms/resetemail/cancel/", token="guess").status == 400
    assert security_log.read() == [("csrf_failed", "POST /cms/resetemail/cancel/", "203.0.113.5", account_of(env))]


@pytest.mark.parametrize(
    "path", ["resetemail/undo", "resetemail/stop", "resetemail/prove", "forgotpwd", "register"], ids=str
)
def test_a_guessed_link_is_one_line_without_its_token(env: Environment, security_log: SecurityLog, path: str) -> None:
    visitor, link = env.visitor(), f"/cms/{path}/{TOKEN}/"
    visitor.token()
    assert visitor.page(link).status == 410
    assert security_log.read() == [("link_dead", f"GET /cms/{path}/<token>/", "203.0.113.5", "-")]
    words = {"password": "several words of mine", "repetition": "several words of mine", "username": "somebody"}
    assert visitor.post(link, words).error == "link_dead"
    assert security_log.read() == [("link_dead", f"POST /cms/{path}/<token>/", "203.0.113.5", "-")]


def test_a_password_link_for_an_address_that_nobody_has_is_one_line(
    env: Environment, security_log: SecurityLog
) -> None:
    env.administrator(ANN)
    for email, lines in ((NOBODY, [("address_unknown", "forgotten password", "203.0.113.5", "-")]), (ANN, [])):
        assert env.visitor().post("/cms/forgotpwd/", {"email": email}).status == 200
        env.deliver()
        assert security_log.read() == lines


def test_a_foreign_host_is_one_line(env: Environment, security_log: SecurityLog) -> None:
    answer = env.visitor().browser.send("GET", "/dev/mailbox/", headers={"Host": "evil.example"})
    assert answer.status == 400
    assert security_log.read() == [("unknown_host", "GET /dev/mailbox/", "203.0.113.5", "-")]


def test_daily_use_leaves_no_line(env: Environment, security_log: SecurityLog) -> None:
    ann = env.person()
    used: list[Answer] = [
        *(ann.page("/cms/"), ann.page("/cms/nothing/"), ann.ask("no address"), ann.ask("new@gmial.com"), ann.ask(ANN)),
        *(ann.ask("new@example.com"), ann.confirm("new@example.com", env.code_to("new@example.com"))),
        *(env.visitor().get_as_script(), ann.browser.send("PUT", "/cms/login/", headers=SCRIPT)),
    ]
    env.clock.advance(minutes=11)
    used.append(ann.cancel())
    assert {answer.status for answer in used} >= {200, 400, 401, 404, 405}
    assert security_log.read() == []


@pytest.mark.parametrize("cls", sentences.REFUSALS, ids=lambda cls: cls.__name__)
def test_every_refusal_is_one_line_unless_it_is_called_ordinary(
    sqlite_env: Environment, security_log: SecurityLog, cls: type[errors.Refusal]
) -> None:
    """A refusal that is new tomorrow is in the log without anybody's doing."""
    word = cls.word
    checks = sqlite_env.app.before_request_funcs[None]
    checks.insert(0, lambda: (_ for _ in ()).throw(reasons(cls)[0]()))
    try:
        sqlite_env.visitor().get_as_script("/cms/login/")
    finally:
        del checks[0]
    lines = [] if word in answers.ORDINARY else [(word, "GET /cms/login/", "203.0.113.5", "-")]
    assert security_log.read() == lines


def test_no_guess_is_called_ordinary() -> None:
    guesses = {"wrong_credentials", "password_wrong", "code_wrong", "link_dead", "forbidden", "csrf_failed"}
    assert not guesses & answers.ORDINARY


@pytest.mark.parametrize("text", ["a\nrefused b: c", "a\r\nb", "a\x1b[2J", "a\x85b", "a\u2028b", "x" * 5000])
def test_a_request_cannot_inject_lines(security_log: SecurityLog, caplog: pytest.LogCaptureFixture, text: str) -> None:
    log_refusal(text, text, network=text, account_id=7)
    (record,) = caplog.records
    assert len(record.getMessage().splitlines()) == 1
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 400
    caplog.clear()
    assert security_log.read() == []
