"""telemetry/logs.py and cms/request_log.py: the form of the log, and the line of each request."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from telemetry import context, logs
from tests.actors import PAGE, SCRIPT
from tests.environments import Environment
from tests.work import count_steps, record_steps

NEW = "new@example.com"
TOKEN = "a-token-that-somebody-guessed-and-that-is-as-long-as-ours"


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    """Begin and end outside requests."""
    context.end()
    yield
    context.end()


def format_line(style: logs.Format, message: str = "told", *args: object, **fields: Any) -> str:
    """Return the line of a message at WARNING."""
    exc_info = fields.pop("exc_info", None)
    record = logging.getLogger("cms.test").makeRecord(
        "cms.test", logging.WARNING, "file", 1, message, args, exc_info, extra=fields
    )
    record.created, record.msecs = 1_800_000_000.0499, 49.9
    return logs.formatter(style).format(record)


def exc_info() -> Any:
    """Return an exception whose message contains a line that looks like one of the log."""

    def fail() -> None:
        raise ValueError("first\ntime=2026-01-01T00:00:00.000Z level=INFO message=forged")

    try:
        fail()
    except ValueError:
        return sys.exc_info()


class TestText:
    """LOG_FORMAT=text: key=value."""

    def test_a_line_has_time_in_utc_with_milliseconds_level_logger_and_message(self) -> None:
        assert format_line("text", "mail %s sent", "<1@host>") == (
            'time=2027-01-15T08:00:00.049Z level=WARNING logger=cms.test message="mail <1@host> sent"'
        )

    def test_a_line_of_a_request_has_its_id_and_fields_without_those_that_are_none(self) -> None:
        context.begin("0123456789abcdef")
        line = format_line("text", account=7, error=None, ms=1.5)
        assert line.endswith("message=told account=7 ms=1.5 request_id=0123456789abcdef")
        assert "error" not in line

    @pytest.mark.parametrize("text", ["a\nb", "a\r\nb", 'a" b=c', "a\x1b[2J", "a\x85b", "a\u2028b", "", "中文", "a=b"])
    def test_no_value_can_forge_a_line_or_a_field(self, text: str) -> None:
        line = format_line("text", field=text)
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line.partition(" field=")[2]) == text

    def test_a_traceback_is_indented_so_that_no_line_of_it_looks_like_one_of_the_log(self) -> None:
        first, *traceback = format_line("text", exc_info=exc_info()).splitlines()
        assert first.startswith("time=")
        assert traceback[0] == "    Traceback (most recent call last):"
        assert all(line.startswith("    ") for line in traceback)


class TestJSON:
    """LOG_FORMAT=json: an object per line."""

    def test_a_line_has_the_fields_of_the_text(self) -> None:
        context.begin("0123456789abcdef")
        assert json.loads(format_line("json", "mail %s sent", "<1@host>", account=7, error=None)) == {
            "time": "2027-01-15T08:00:00.049Z",
            "level": "WARNING",
            "logger": "cms.test",
            "message": "mail <1@host> sent",
            "account": 7,
            "request_id": "0123456789abcdef",
        }

    def test_an_exception_is_part_of_the_line(self) -> None:
        (line,) = format_line("json", exc_info=exc_info()).splitlines()
        assert json.loads(line)["exception"].startswith("Traceback")


def test_the_log_is_written_to_standard_error_once_however_often_it_is_configured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("text")
    logs.configure("json")
    logging.getLogger("accounts.test").info("told")
    logging.getLogger("library").info("not told")
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["told"]


class RequestLog:
    """The lines of requests since they were last read."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        """Read from this log."""
        self._caplog = caplog

    def read(self) -> list[dict[str, Any]]:
        """Return the fields of every new line."""
        lines = [vars(record) for record in self._caplog.records if record.name == "cms.requests"]
        self._caplog.clear()
        names = ("levelname", "method", "route", "status", "ms", "sql", "cache", "account", "error")
        return [{name: line[name] for name in names} for line in lines]


@pytest.fixture
def request_log(caplog: pytest.LogCaptureFixture) -> RequestLog:
    """Return the log of requests."""
    caplog.set_level(logging.INFO)
    return RequestLog(caplog)


class TestRequests:
    """The line of a request."""

    def test_a_request_is_one_line_with_its_cost_and_its_account(
        self, env: Environment, request_log: RequestLog
    ) -> None:
        ann = env.person()
        ann.token()
        request_log.read()
        with record_steps(env.app) as steps:
            ann.ask(NEW)
        (line,) = request_log.read()
        assert line.pop("ms") > 0
        statements, _, cache_calls = count_steps(steps)
        assert line == {
            "levelname": "INFO",
            "method": "POST",
            "route": "/cms/email_captcha/",
            "status": 200,
            "sql": statements,
            "cache": cache_calls,
            "account": env.account("ann").id,
            "error": None,
        }

    def test_a_refused_request_has_the_word_of_its_refusal(
        self, sqlite_env: Environment, request_log: RequestLog
    ) -> None:
        ann = sqlite_env.person()
        ann.ask("no address")
        ann.ask(ann.email)
        sqlite_env.visitor().browser.send("GET", "/cms/", headers=PAGE)
        found = [(line["status"], line["error"]) for line in request_log.read()[-3:]]
        assert found == [(400, "invalid"), (400, "same_email"), (303, "sign_in_required")]

    def test_a_route_stands_for_a_path_that_may_contain_a_token(
        self, sqlite_env: Environment, request_log: RequestLog, caplog: pytest.LogCaptureFixture
    ) -> None:
        visitor = sqlite_env.visitor()
        for path in (f"/cms/resetemail/undo/{TOKEN}/", f"/cms/nothing/{TOKEN}/", f"/cms/login/?next={TOKEN}"):
            visitor.browser.send("GET", path, headers={**PAGE, "Referer": path, "User-Agent": TOKEN})
        assert TOKEN not in caplog.text
        routes = [line["route"] for line in request_log.read()]
        assert routes == ["/cms/resetemail/undo/<token>/", "-", "/cms/login/"]

    def test_an_unknown_method_is_not_repeated(self, sqlite_env: Environment, request_log: RequestLog) -> None:
        sqlite_env.visitor().browser.send("SECRET", "/cms/login/", headers=SCRIPT)
        assert request_log.read()[-1]["method"] == "other"


class TestRequestId:
    """X-Request-ID."""

    @pytest.mark.parametrize("sent", ["abcdefgh", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "a.b_c-d1" * 8])
    def test_a_valid_id_is_kept(self, sqlite_env: Environment, caplog: pytest.LogCaptureFixture, sent: str) -> None:
        answer = sqlite_env.visitor().browser.send("GET", "/healthz", headers={"X-Request-ID": sent})
        assert answer.headers["X-Request-ID"] == sent

    @pytest.mark.parametrize(
        "sent", ["", "short", "a" * 65, "with space", 'quote"quote', "a;b=cdefgh", "ünïcödé-ünïcödé"]
    )
    def test_an_invalid_one_is_replaced(self, sqlite_env: Environment, sent: str) -> None:
        headers = {"X-Request-ID": sent.encode().decode("latin-1")}
        answer = sqlite_env.visitor().browser.send("GET", "/healthz", headers=headers)
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])

    def test_every_request_has_another_one(self, sqlite_env: Environment) -> None:
        visitor = sqlite_env.visitor()
        ids = {visitor.get_as_script("/healthz").headers["X-Request-ID"] for _ in range(3)}
        assert len(ids) == 3

    def test_after_a_request_lines_have_none(self, sqlite_env: Environment) -> None:
        sqlite_env.visitor().get_as_script("/healthz")
        assert context.request_id() == ""
