"""A rotation of SECRET_KEY under load, as docs/keys.md describes it, with two nodes behind nginx."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from accounts.signing import Key
from tests.actors import Person
from tests.conftest import ENVIRONMENTS
from tests.environments import close_app, new_app
from tests.live.conftest import Serve
from tests.live.sites import NoRetryBrowser, Site, avoid_end_of_quarter, retry_while_unavailable
from tests.live.test_rolling_restart import NODE, Traffic
from tests.servers import Gunicorn, Nginx

OLD, NEW = "0a1b2c3d4e5f67899876543210fedcba", "fedcba98765432100a1b2c3d4e5f6789"
ANNOUNCED = {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": NEW}
SWAPPED = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD, "AUDIT_KEY_FALLBACKS": OLD}
REMOVED = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": "", "AUDIT_KEY_FALLBACKS": OLD}


class Nodes:
    """A site with two nodes behind nginx, and its operator."""

    def __init__(self, site: Site, servers: list[Gunicorn], nginx: Nginx) -> None:
        """Store the servers."""
        self.site, self.servers, self.nginx, self.settings = site, servers, nginx, site.settings

    def through_nginx(self, person: Person) -> Person:
        """Have a person send their requests to nginx."""
        assert isinstance(person.browser, NoRetryBrowser)
        person.browser.proxy = self.nginx
        return person

    def configure(self, settings: dict[str, str], traffic: Traffic) -> None:
        """Restart one node after the other with other keys; verify every history after each of them."""
        self.settings = {**self.settings, **settings}
        for server in self.servers:
            server.restart(**settings)
            traffic.wait_for_responses(5)
        self.verify()

    def verify(self) -> None:
        """Check that every history is intact."""
        assert self.run("audit", "verify") == (0, "Every history is intact.\n")

    def former_key(self) -> tuple[int, str]:
        """Return the exit code of the check of the former key, and what it says about it."""
        exit_code, output = self.run("keys", "rotate-check", "--setting", "SECRET_KEY_FALLBACKS")
        return exit_code, "\n".join(output.splitlines()[2:])

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command with the present settings in this process, because starting one takes seconds."""
        app = new_app(self.settings)
        try:
            result = app.test_cli_runner().invoke(args=words)
        finally:
            close_app(app)
        return result.exit_code, result.output


@pytest.fixture
def nodes(serve: Serve, tmp_path: Path) -> Iterator[Nodes]:
    """Provide a site with two nodes behind nginx."""
    keys = {"SECRET_KEY": OLD, "SIGN_IN_TRIES_PER_ACCOUNT": "1", "MAIL_DELIVERY": "thread"}
    with serve(ENVIRONMENTS[1], "--preload", **{**NODE, **keys}) as site:
        second = Gunicorn(site.settings, tmp_path / "log", 1, "--preload")
        folder = tmp_path / "nginx"
        folder.mkdir()
        nginx = Nginx(folder, [site.server.port, second.port], has_limits=False)
        try:
            second.start()
            nginx.start()
            yield Nodes(site, [site.server, second], nginx)
        finally:
            nginx.stop()
            second.stop()


@pytest.mark.slow
def test_a_rotation_under_load_ends_no_session_and_refuses_no_request(nodes: Nodes) -> None:
    avoid_end_of_quarter(60)
    site, new_address = nodes.site, nodes.site.new_address()
    asker, sleeper = (nodes.through_nginx(site.person_with_session()) for _ in range(2))
    known = nodes.through_nginx(site.person())
    assert known.sign_out().status == 200
    stranger = nodes.through_nginx(site.visitor(known.email))
    for _ in range(2):
        stranger.sign_in(password="a wrong password")
    assert asker.ask(new_address).status == 200
    code = site.code_to(new_address)
    nodes.verify()

    with Traffic(site, nodes.nginx, 2) as traffic:  # Their forms are on pages that are open since before the swap.
        nodes.configure(ANNOUNCED, traffic)
        nodes.configure(SWAPPED, traffic)
        assert asker.confirm(new_address, code).status == 200
        assert is_signed_in(sleeper)
        assert stranger.sign_in().error == "too_many_requests"
        assert known.sign_in().status == 200
    assert traffic.failures == []
    assert all(person.sign_out().status == 200 for person in traffic.people)

    exit_code, output = nodes.former_key()
    assert (exit_code, output.partition(":")[0]) == (1, f"{Key(OLD).id} in SECRET_KEY_FALLBACKS is needed")
    assert "sessions: 1, at the latest until" in output  # Of the sleeper.
    assert sleeper.reauth().status == 200
    assert nodes.former_key() == (0, f"{Key(OLD).id} in SECRET_KEY_FALLBACKS can be removed.")

    for person in (asker, sleeper, known):
        person.discard_token()
    for server in nodes.servers:
        server.restart(**REMOVED)
    nodes.settings = {**nodes.settings, **REMOVED}
    nodes.verify()
    for person in (asker, sleeper, known):
        assert is_signed_in(person)
        assert person.reauth().status == 200
    name = site.app.config["SESSION_COOKIE_NAME"]
    forger = nodes.through_nginx(site.visitor())
    payload = URLSafeTimedSerializer(NEW, salt="cookie-session").loads_unsafe(known.browser.cookies[name])[1]
    for secret, is_accepted in ((OLD, False), ("a key that nobody has configured", False), (NEW, True)):
        forger.browser.cookies[name] = signed(secret, payload)
        assert is_signed_in(forger) == is_accepted


def is_signed_in(person: Person) -> bool:
    """Return whether the session of a person is valid."""
    return retry_while_unavailable(person.get_as_script).status == 200


def signed(secret: str, payload: object) -> str:
    """Return a cookie as an application with this key signs it."""
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha1}
    return str(URLSafeTimedSerializer(secret, salt="cookie-session", signer_kwargs=how).dumps(payload))
