"""The log of running processes: every line has the same form, in whichever process it is written."""

import json
from typing import Any

from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve
from tests.servers import command_line, eventually

FIELDS = {"time", "level", "logger", "message"}


def parse(text: str) -> list[dict[str, Any]]:
    """Return the lines of a log, each of which must be a JSON object."""
    lines = [json.loads(line) for line in text.splitlines() if not line.startswith("Serving on ")]  # This is output.
    assert [line for line in lines if not line.keys() >= FIELDS] == []
    return lines


def test_gunicorn_requests_delivery_and_commands_write_lines_of_one_form(serve: Serve) -> None:
    with serve(ENVIRONMENTS[1], LOG_FORMAT="json", MAIL_DELIVERY="worker") as site:
        ann, bob, new = site.person_with_session(), site.person_with_session(), site.new_address()
        answer = ann.ask(new)
        site.smtp.refusals[new] = "451 later"
        late = command_line(site.settings, "mail", "deliver")
        site.smtp.refusals.clear()
        site.make_mail_due()
        sent = command_line(site.settings, "mail", "deliver")
        site.visitor().sign_in(password="wrong")
        assert site.memcached
        site.memcached.stop()
        bob.browser.headers["X-Request-ID"] = "from-the-proxy-1"
        fault = bob.ask(site.new_address())
        eventually(lambda: site.log.count("from-the-proxy-1") == 3, "the last request is logged")
        lines = parse(site.log)
        user_id = site.user_id(ann.email)
    loggers = {line["logger"] for line in lines}
    assert loggers >= {"gunicorn.error", "cms.requests", "cms.security"}
    (asked,) = [line for line in lines if line.get("request_id") == answer.headers["X-Request-ID"]]
    assert (asked["route"], asked["status"], asked["account"]) == ("/cms/email_captcha/", 200, user_id)
    assert asked["sql"] > 0 < asked["cache"]
    assert (fault.status, fault.data["reference"]) == (503, "from-the-proxy-1")
    noticed, told, request = [line for line in lines if line.get("request_id") == "from-the-proxy-1"]
    assert noticed["message"] == f"memcached does not respond at {site.memcached.address}"
    assert told["message"].startswith("answered 503: CacheDown")
    assert (request["message"], request["error"]) == ("request", "unavailable")
    assert any("not sent" in line["message"] for line in parse(late.stderr))
    assert [line["logger"] for line in parse(sent.stderr)] == ["accounts.mail.delivery"]
    assert "accepted after" in parse(sent.stderr)[0]["message"]
    assert (late.stdout, sent.stdout) == ("", "")
