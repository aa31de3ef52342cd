"""gunicorn.conf.py serves an application that others have wrapped: in a dispatcher, in Flask or in a function."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.actors import PAGE, Answer, Person
from tests.conftest import ENVIRONMENTS
from tests.environments import settings_for
from tests.live.conftest import Serve
from tests.live.sites import NoRetryBrowser, Site
from tests.live.wrapped import PREFIX
from tests.servers import Gunicorn, eventually, free_port


class Below(NoRetryBrowser):
    """Uses the account centre below a path; a path without it gets it."""

    prefix = PREFIX

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        answer = super()._send(method, self.prefix + path.removeprefix(self.prefix), body, headers)
        assert answer.headers.get("Location", self.prefix).startswith(self.prefix)
        return answer


@pytest.fixture(scope="module", params=["below_a_dispatcher", "below_flask", "in_a_function"])
def wrapped(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    """Serve the account centre below a path of another application."""
    settings = {"METRICS_PORT": str(free_port()), "TRUSTED_HOSTS": "127.0.0.1", "DRAIN_SECONDS": "300"}
    with serve(ENVIRONMENTS[0], application=f"tests.live.wrapped:{request.param}()", **settings) as site:
        yield site
        site.server.kill()  # It would drain for minutes.


def visitor(site: Site, email: str = "nobody@example.com", *, script: bool = True) -> Person:
    """Return somebody with a new browser."""
    return Person(Below(site.server.port), email, script=script)


def test_an_address_is_changed_below_another_application(wrapped: Site) -> None:
    """The workers run: the mail with the code is sent by one of them."""
    workers = wrapped.server.workers()
    ann = visitor(wrapped, wrapped.administrator(), script=False)
    assert ann.sign_in().path == f"{PREFIX}/cms/"
    new = wrapped.new_address()
    assert ann.ask(new).status == 200
    assert ann.confirm(new, wrapped.code_to(new)).status == 200
    assert wrapped.user(new)
    assert wrapped.server.workers() == workers
    assert "Traceback" not in wrapped.log


def test_the_host_keeps_its_own_pages(wrapped: Site) -> None:
    browser = wrapped.visitor().browser
    for path, text in (("/", "the host"), ("/cms/login/", "the login page of the host")):
        answer = browser.send("GET", path)
        assert (answer.status, answer.text) == (200, text)
        assert "Content-Security-Policy" not in answer.headers
    assert browser.send("POST", "/cms/login/", b"x=y").status == 200


def test_forms_hosts_and_other_sites_are_checked_below_another_application(wrapped: Site) -> None:
    ann = visitor(wrapped, wrapped.administrator())
    assert ann.post("/cms/login/", {"email": ann.email, "password": ann.password}, token="forged").status == 400
    ann.browser.headers["Sec-Fetch-Site"] = "cross-site"
    assert ann.sign_in().error == "forbidden"
    del ann.browser.headers["Sec-Fetch-Site"]
    ann.browser.headers["Host"] = "evil.example"
    assert ann.page("/cms/login/").status == 400


def test_metrics_are_served_below_another_application(wrapped: Site) -> None:
    visitor(wrapped).page("/cms/login/")
    answer = NoRetryBrowser(int(wrapped.settings["METRICS_PORT"])).send("GET", "/metrics")
    assert answer.status == 200
    assert 'cms_requests_total{route="/cms/login/"' in answer.text


def test_a_server_that_will_stop_is_reported_below_another_application(wrapped: Site) -> None:
    """The last test of the site: it is stopped afterwards."""
    someone = visitor(wrapped)
    assert someone.get_as_script("/readyz").status == 200
    os.kill(wrapped.server.processes()[0], signal.SIGTERM)
    eventually(lambda: someone.get_as_script("/readyz").status == 503, "the server drains")
    assert someone.page("/cms/login/").status == 200


def test_a_server_without_an_account_centre_says_so(tmp_path: Path) -> None:
    server = Gunicorn(settings_for(tmp_path), tmp_path / "log", 1)
    server.application = "tests.live.wrapped:without_an_account_centre()"
    server.start()
    server.stop()
    assert "this server has no account centre" in (tmp_path / "log").read_text()


def test_the_prefix_may_be_set_in_the_environment_of_gunicorn(serve: Serve) -> None:
    with serve(ENVIRONMENTS[0], SCRIPT_NAME=PREFIX) as site:
        ann = visitor(site, site.administrator(), script=False)
        assert ann.sign_in().path == f"{PREFIX}/cms/"
        assert f"Serving on http://localhost:{site.server.port}{PREFIX}/cms/" in site.log
        forged = ann.browser.send(
            "GET", "/cms/profile/", headers={**PAGE, "X-Forwarded-Prefix": "/x", "Script-Name": "/x"}
        )
        assert f'href="{PREFIX}/cms/"' in forged.text
