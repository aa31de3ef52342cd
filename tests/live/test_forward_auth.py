"""deploy/beside/ in a real nginx, in front of the account centre and of a CMS that records what it gets."""

import contextlib
import itertools
import re
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest
import yaml
from sqlalchemy import update

from models import CMSUser, email_key
from tests.actors import PAGE, SCRIPT, Person
from tests.conftest import ENVIRONMENTS
from tests.environments import PRODUCTION
from tests.live.conftest import Serve
from tests.live.sites import Site
from tests.live.test_nginx import Node
from tests.live.test_outages import OUTAGES, failing_cache
from tests.servers import ROOT, Nginx, PostgresServer, free_port, run_concurrently

pytestmark = pytest.mark.servers

FOLDER = ROOT / "deploy" / "beside"
NAMES = ("Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Account-Id", "X-Account-Proved-At")
LINES = [line for line in (FOLDER / "identity.conf").read_text().splitlines() if "$account_" in line]
STRIPS = [line for line in LINES if line.startswith("proxy_set_header")]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as documented": str,
    "lower case": str.lower,
    "upper case": str.upper,
    "mixed case": lambda name: name[:2].upper() + name[2:].swapcase(),
    "underscores": lambda name: name.replace("-", "_"),
    "underscores, lower case": lambda name: name.replace("-", "_").lower(),
    "underscores, upper case": lambda name: name.replace("-", "_").upper(),
    "one underscore": lambda name: name[::-1].replace("-", "_", 1)[::-1],
    "dots": lambda name: name.replace("-", "."),
    "as in CGI": lambda name: "HTTP_" + name.replace("-", "_").upper(),
    "as in CGI, hyphens": lambda name: "HTTP-" + name.upper(),
}
FORGED = "mallory"


class BesideNginx(Nginx):
    """nginx with deploy/nginx.conf, changed as deploy/beside/nginx.conf says, in front of a CMS.

    `change` modifies the text of a file of the configuration before it is written.
    """

    def __init__(
        self,
        folder: Path,
        ports: list[int],
        cms_port: int,
        change: Callable[[str, str], str] = lambda _, text: text,
        prefix: str = "",
    ) -> None:
        """Write the configuration; with a prefix, the account centre is served below it."""
        super().__init__(folder, ports, has_limits=False, prefix=prefix)
        accounts = "location ~ ^/(cms|assets)(/|$) {"
        text = self.path.read_text()
        assert text.count("        location / {\n            proxy_pass") == (0 if prefix else 1)
        assert accounts in (FOLDER / "nginx.conf").read_text()
        text = text.replace(
            "        location / {\n            proxy_pass", f"        {accounts}\n            proxy_pass"
        )
        include = "        include beside/nginx.conf;\n"
        text = text.replace("        error_page 404 413 429", f"{include}        error_page 404 413 429")
        self.path.write_text(change("http", text))
        (folder / "beside").mkdir()
        for path in FOLDER.glob("*.conf"):
            text = path.read_text().replace("127.0.0.1:9000", f"127.0.0.1:{cms_port}")
            (folder / "beside" / path.name).write_text(change(path.name, text))


class Answer(NamedTuple):
    """The answer to a request: its status, its headers, and what the CMS got, if it was reached."""

    status: int
    headers: dict[str, str]
    received: list[tuple[str, str]] | None

    @property
    def identity(self) -> list[tuple[str, str]]:
        """Return the headers that a CMS might read as an identity: WSGI reads `-` and `_` alike, others also dots."""
        assert self.received is not None
        folded = [(re.sub(r"[^a-z]", "-", name.lower()), value) for name, value in self.received]
        known = {name.lower() for name in NAMES}
        return sorted((name, value) for name, value in folded if name in known)


class Beside:
    """The account centre and a CMS behind one nginx."""

    def __init__(self, site: Site, folder: Path, **options: Any) -> None:
        """Start a CMS and nginx."""
        self.site, self.cms = site, Node()
        port = site.server.port
        self.nginx = BesideNginx(folder, [port, port], self.cms.port, **options)
        self.nginx.start()

    def stop(self) -> None:
        """Stop both."""
        self.nginx.stop()
        self.cms.stop()

    def send(
        self,
        person: Person | None,
        path: str = "/drafts/",
        *forged: tuple[str, str],
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] = PAGE,
    ) -> Answer:
        """Send a request with the cookies of a person, and exactly with these headers."""
        del self.cms.requests[:]
        cookies = "; ".join(f"{name}={value}" for name, value in person.browser.cookies.items()) if person else ""
        connection = self.nginx.connect()
        connection.putrequest(method, path)
        for name, value in [*forged, *headers.items(), ("Cookie", cookies), ("Content-Length", str(len(body or b"")))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        connection.close()
        requests = self.cms.requests
        received = [(str(name), str(value)) for name, value in requests[0][2].items()] if requests else None
        return Answer(response.status, dict(response.headers.items()), received)


@pytest.fixture(scope="module")
def site(serve: Serve) -> Iterator[Site]:
    """Provide a site in production, with PostgreSQL and memcached."""
    with serve(ENVIRONMENTS[1], **PRODUCTION, TRUSTED_PROXIES="1") as site:
        yield site


@pytest.fixture
def start(site: Site, tmp_path: Path) -> Iterator[Callable[..., Beside]]:
    """Provide a function that starts a CMS beside the site."""
    with contextlib.ExitStack() as stack:

        def build(**options: Any) -> Beside:
            beside = Beside(site, tmp_path, **options)
            stack.callback(beside.stop)
            return beside

        yield build


@pytest.fixture
def beside(start: Callable[..., Beside]) -> Beside:
    """Provide a CMS beside the site."""
    return start()


def expected_identity(site: Site, person: Person) -> dict[str, str]:
    """Return what a CMS should learn of a person, except when they were proved."""
    user = site.user(person.email)
    assert user is not None
    return {
        "remote-user": user.username,
        "remote-name": user.username,
        "remote-email": user.email,
        "remote-groups": user.role,
        "x-account-id": str(user.id),
    }


def forge(spelling: str) -> list[tuple[str, str]]:
    """Return all headers in a spelling, each twice."""
    return [(SPELLINGS[spelling](name), FORGED) for name in NAMES] * 2


def forgeries_that_arrive(beside: Beside, person: Person) -> set[tuple[str, str]]:
    """Return the forged headers that a CMS might believe, of an administrator and of a visitor, in every spelling."""
    found: set[tuple[str, str]] = set()
    for forged in map(forge, SPELLINGS):
        for sender, path in ((person, "/drafts/"), (None, "/static/x"), (None, "/articles/")):
            found |= {pair for pair in beside.send(sender, path, *forged).identity if pair[1] == FORGED}
    return found


def test_the_cms_learns_who_is_signed_in(beside: Beside, site: Site) -> None:
    ann = site.person_with_session()
    answer = beside.send(ann)
    assert answer.status == 200
    found = dict(answer.identity)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.pop("x-account-proved-at"))
    assert found == expected_identity(site, ann)
    assert len(answer.identity) == len(NAMES)


def test_a_name_that_is_not_ascii_arrives_percent_encoded(beside: Beside, site: Site) -> None:
    ann, name = site.person_with_session(), "王小明 100 %"
    site.execute(update(CMSUser).where(CMSUser.email_key == email_key(ann.email)).values(username=name))
    assert unquote(dict(beside.send(ann).identity)["remote-user"]) == name


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_forged_identity_never_arrives(beside: Beside, site: Site, spelling: str) -> None:
    ann = site.person_with_session()
    for path in ("/drafts/", "/articles/"):
        answer = beside.send(ann, path, *forge(spelling))
        found = dict(answer.identity)
        assert len(answer.identity) == len(NAMES)
        assert FORGED not in str(answer.identity)
        assert expected_identity(site, ann).items() <= found.items()
    for person, path in ((None, "/articles/"), (None, "/static/x"), (ann, "/static/x")):
        assert beside.send(person, path, *forge(spelling)).identity == []
    assert beside.send(None, "/drafts/", *forge(spelling)).received is None


def test_forged_headers_do_not_sign_anybody_in_at_the_account_centre(beside: Beside) -> None:
    for spelling in SPELLINGS:
        for path in ("/cms/", "/cms/session/", "/drafts/", "/admin/"):
            answer = beside.send(None, path, *forge(spelling))
            assert (answer.status, answer.received) == (401 if path == "/cms/session/" else 303, None)


def test_the_example_sets_every_header() -> None:
    assert {line.split()[1] for line in STRIPS} == set(NAMES)
    assert len(STRIPS) == len(NAMES)


@pytest.mark.parametrize("line", STRIPS, ids=lambda line: line.split()[1])
def test_a_missing_line_of_the_example_is_detected(start: Callable[..., Beside], site: Site, line: str) -> None:
    beside = start(change=lambda _, text: text.replace(f"{line}\n", ""))
    name = line.split()[1].lower()
    assert forgeries_that_arrive(beside, site.person_with_session()) == {(name, FORGED)}


def test_with_all_lines_no_forgery_is_found(beside: Beside, site: Site) -> None:
    assert forgeries_that_arrive(beside, site.person_with_session()) == set()


def test_nginx_does_not_start_without_a_variable_of_the_example(tmp_path: Path) -> None:
    for number, line in enumerate(set(LINES) - set(STRIPS)):
        (folder := tmp_path / str(number)).mkdir()

        def change(_: str, text: str, removed: str = line) -> str:
            return text.replace(f"{removed}\n", "")

        nginx = BesideNginx(folder, [free_port(), free_port()], free_port(), change)
        ended = subprocess.run(nginx.command("-t"), capture_output=True, text=True, check=False)
        assert ended.returncode != 0
        assert f'unknown "{line.split()[1][1:]}" variable' in ended.stderr + nginx.log


def test_the_example_is_accepted_without_a_warning(tmp_path: Path) -> None:
    nginx = BesideNginx(tmp_path, [free_port(), free_port()], free_port())
    ended = subprocess.run(nginx.command("-t"), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "warn" not in ended.stderr + nginx.log


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ("underscores_in_headers off;", "underscores_in_headers on;"),
        ("ignore_invalid_headers on;", "ignore_invalid_headers off;"),
    ],
)
def test_a_web_server_that_passes_underscores_or_dots_is_detected(
    start: Callable[..., Beside], site: Site, off: str, on: str
) -> None:
    def change(_: str, text: str) -> str:
        return text.replace(off, on)

    assert forgeries_that_arrive(start(change=change), site.person_with_session())


@pytest.fixture(scope="module")
def site_below_a_path(serve: Serve) -> Iterator[Site]:
    """Provide a site in production whose URL has a path."""
    settings = {**PRODUCTION, "SITE_URL": f"https://cms.example.com{TestBelowAPath.PREFIX}", "TRUSTED_PROXIES": "1"}
    with serve(ENVIRONMENTS[0], **settings) as site:
        yield site


class TestBelowAPath:
    """The account centre below /admin/accounts, beside the CMS at the root of the host."""

    PREFIX = "/admin/accounts"

    @pytest.fixture
    def site(self, site_below_a_path: Site) -> Site:
        """Provide a site whose URL has the path."""
        return site_below_a_path

    @pytest.fixture
    def beside(self, start: Callable[..., Beside]) -> Beside:
        """Provide a CMS beside the site, which is below a path."""
        return start(prefix=self.PREFIX)

    def test_a_visitor_signs_in_there_and_returns_to_the_cms(self, beside: Beside, site: Site) -> None:
        answer = beside.send(None, "/drafts/?page=2")
        to = urlsplit(answer.headers["Location"])
        assert (answer.status, to.path) == (303, f"{self.PREFIX}/cms/login/")
        ann = site.visitor(site.administrator(), script=False)
        ann.browser.proxy = beside.nginx  # type: ignore[attr-defined]
        page = ann.page(f"{to.path}?{to.query}")
        fields = dict(re.findall(r'<input type="hidden" name="(next|csrf_token)" value="([^"]*)"', page.text))
        body = urlencode({"email": ann.email, "password": ann.password, **fields}).encode()
        form = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
        assert f'action="{to.path}"' in page.text
        signed_in = ann.browser.send("POST", to.path, body, form)
        assert signed_in.headers["Location"] == "/drafts/?page=2"
        assert dict(beside.send(ann).identity)["remote-user"] == ann.email.partition("@")[0]

    @pytest.mark.parametrize("name", ["X-Forwarded-Prefix", "X_Forwarded_Prefix", "X-Forwarded_Prefix", "SCRIPT_NAME"])
    def test_a_client_cannot_forge_the_path(self, beside: Beside, name: str) -> None:
        for path in ("/drafts/", f"{self.PREFIX}/cms/"):
            answer = beside.send(None, path, (name, "/forged"))
            assert urlsplit(answer.headers["Location"]).path == f"{self.PREFIX}/cms/login/"

    def test_nothing_of_the_account_centre_is_at_the_root(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        for path in ("/cms/", "/assets/", "/readyz"):
            answer = beside.send(ann, path)
            assert answer.received is not None, path  # The CMS answers.


@pytest.mark.parametrize("name", ["X-Forwarded-Prefix", "X_Forwarded_Prefix", "X-Forwarded_Prefix", "SCRIPT_NAME"])
def test_a_client_cannot_forge_a_path_before_that_of_the_account_centre(beside: Beside, name: str) -> None:
    for path in ("/drafts/", "/cms/"):
        answer = beside.send(None, path, (name, "/forged"))
        assert urlsplit(answer.headers["Location"]).path == "/cms/login/"


class TestRefusals:
    """What a visitor and an administrator without the role get."""

    def test_a_visitor_is_sent_to_the_sign_in_page_and_the_cms_is_not_reached(self, beside: Beside) -> None:
        answer = beside.send(None, "/drafts/?page=2&sort=new")
        assert (answer.status, answer.received) == (303, None)
        to = urlsplit(answer.headers["Location"])
        assert f"{to.scheme}://{to.netloc}{to.path}" == "https://cms.example.com/cms/login/"
        assert parse_qs(to.query) == {"next": ["/drafts/?page=2&sort=new"]}
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers

    def test_the_page_to_return_to_may_have_a_long_url(self, beside: Beside, site: Site) -> None:
        ann = site.visitor(site.administrator())
        ann.browser.proxy = beside.nginx  # type: ignore[attr-defined]
        for path, expected in (
            ("/drafts/?q=" + "x" * 1900, ["/drafts/?q=" + "x" * 1900]),
            ("/drafts/?q=" + "%E6" * 500, ["/drafts/?q=" + "%E6" * 500]),
            ("/drafts/?q=" + "&" * 1900, None),
            ("/drafts/?q=" + "x" * 7000, None),
        ):
            answer = beside.send(None, path)
            to = urlsplit(answer.headers["Location"])
            assert (answer.status, parse_qs(to.query).get("next")) == (303, expected)
            page = ann.page(f"{to.path}?{to.query}")
            assert page.status == 200
        assert ann.sign_in(next="/drafts/?q=" + "x" * 1900).data == {"next": "/drafts/?q=" + "x" * 1900}

    def test_a_script_gets_401(self, beside: Beside) -> None:
        answer = beside.send(None, headers=SCRIPT)
        assert (answer.status, answer.received) == (401, None)
        assert "Location" not in answer.headers

    def test_a_form_of_a_visitor_reaches_nobody_and_leads_back_to_its_page(self, beside: Beside) -> None:
        referer = {"Referer": "https://cms.example.com/drafts/7/"}
        answer = beside.send(None, "/drafts/7/delete/", method="POST", body=b"x" * 60_000, headers={**PAGE, **referer})
        assert (answer.status, answer.received) == (303, None)
        assert parse_qs(urlsplit(answer.headers["Location"]).query) == {"next": ["/drafts/7/"]}

    def test_forms_of_an_administrator_reach_the_cms_whole_whatever_their_size(
        self, beside: Beside, site: Site
    ) -> None:
        """Their length is not passed on to the account centre, which would wait for the body."""
        ann = site.person_with_session()
        for size in (0, 3, 65_000, 1_000_000):
            answer = beside.send(ann, method="POST", body=b"x" * size)
            assert answer.status == 200
            assert dict(answer.received or [])["Content-Length"] == str(size)

    def test_a_body_that_is_too_large_for_the_cms_is_refused_and_not_asked_about(
        self, start: Callable[..., Beside], site: Site
    ) -> None:
        def change(_: str, text: str) -> str:
            return text.replace("client_max_body_size 20m", "client_max_body_size 100k")

        answer = start(change=change).send(site.person_with_session(), method="POST", body=b"x" * 110_000)
        assert (answer.status, answer.received) == (413, None)

    def test_a_chunked_body_reaches_the_cms(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        connection = beside.nginx.connect()
        cookies = "; ".join(f"{name}={value}" for name, value in ann.browser.cookies.items())
        headers = {"Cookie": cookies, "Transfer-Encoding": "chunked"}
        connection.request("POST", "/drafts/", iter([b"x" * 1000] * 3), headers, encode_chunked=True)
        assert connection.getresponse().status == 200
        connection.close()
        ((method, _, received),) = beside.cms.requests
        assert (method, received["Content-Length"]) == ("POST", "3000")

    def test_pages_for_superusers_are_for_superusers(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        answer = beside.send(ann, "/admin/")
        assert (answer.status, answer.received) == (403, None)
        site.execute(update(CMSUser).where(CMSUser.email_key == email_key(ann.email)).values(is_superuser=True))
        assert dict(beside.send(ann, "/admin/").identity)["remote-groups"] == "superuser"
        assert beside.send(None, "/admin/").status == 303

    def test_pages_for_everybody_say_who_is_signed_in_if_anybody(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        assert dict(beside.send(ann, "/articles/").identity)["remote-email"] == ann.email
        visitor = beside.send(None, "/articles/")
        assert (visitor.status, visitor.identity) == (200, [])

    def test_the_sub_requests_cannot_be_called_from_outside(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        for path in ("/account-of-request", "/account-of-request/superuser", "/account-of-request/optional"):
            answer = beside.send(ann, path)
            assert (answer.status, answer.received) == (404, None)

    def test_after_the_sign_out_the_next_request_is_refused(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        copy = site.clone(ann)
        assert beside.send(ann).status == 200
        assert ann.sign_out().status == 200
        assert beside.send(copy).status == 303

    def test_the_session_is_that_of_the_sign_in_form_behind_the_same_web_server(
        self, beside: Beside, site: Site
    ) -> None:
        ann = site.visitor(site.administrator())
        ann.browser.proxy = beside.nginx  # type: ignore[attr-defined]
        assert ann.sign_in(next="https://cms.example.com/drafts/?page=2").data == {"next": "/drafts/?page=2"}
        assert beside.send(ann).status == 200


class TestOutages:
    """A part of the account centre is away."""

    @OUTAGES
    def test_the_cache_is_not_needed(self, beside: Beside, site: Site, outage: str) -> None:
        people = [site.person_with_session() for _ in range(8)]
        logged = len(site.log)
        with failing_cache(site, outage):

            def work(number: int) -> set[int]:
                connection = HTTPConnection("127.0.0.1", site.server.port)
                cookies = "; ".join(f"{k}={v}" for k, v in people[number].browser.cookies.items())
                found = set()
                for _ in range(50):
                    connection.request("GET", "/cms/session/", headers={"Cookie": cookies})
                    response = connection.getresponse()
                    found.add(response.status)
                    response.read()
                connection.close()
                return found

            assert run_concurrently(work, len(people)) == [{204}] * len(people)
            assert beside.send(people[0]).status == 200
        lines = [line for line in site.log[logged:].splitlines() if "route=/cms/session/" in line]
        assert len(lines) > 400
        assert all(" cache=0 " in line for line in lines)

    def test_while_the_database_is_away_the_cms_is_not_reached_and_people_get_503(
        self, beside: Beside, site: Site, postgres: PostgresServer
    ) -> None:
        ann = site.person_with_session()
        assert beside.send(ann).status == 200
        postgres.freeze()
        try:
            answer, public, stranger = (
                beside.send(ann),
                beside.send(ann, "/articles/"),
                beside.send(None, "/drafts/"),
            )
        finally:
            postgres.thaw()
        assert (answer.status, answer.headers["Retry-After"], answer.received) == (503, "2", None)
        assert (public.status, public.identity) == (200, [])
        assert stranger.status == 303  # No query is needed for a visitor.

    def test_without_an_account_centre_the_cms_is_not_reached_and_people_get_503(
        self, site: Site, tmp_path: Path
    ) -> None:
        cms = Node()
        nginx = BesideNginx(tmp_path, [free_port(), free_port()], cms.port).start()
        beside = Beside.__new__(Beside)
        beside.site, beside.cms, beside.nginx = site, cms, nginx  # type: ignore[assignment]
        try:
            answer = beside.send(None)
            assert (answer.status, answer.headers["Retry-After"], answer.received) == (503, "2", None)
            assert beside.send(None, "/articles/").status == 200
        finally:
            beside.stop()

    def test_a_failure_of_the_cms_is_its_own(self, beside: Beside, site: Site) -> None:
        ann = site.person_with_session()
        beside.cms.stop()
        answer = beside.send(ann)
        assert answer.status == 503


class TestOtherWebServers:
    """The examples for Caddy and Traefik, as far as they can be checked without these servers."""

    @staticmethod
    def spellings() -> set[str]:
        """Return the names of the headers with every combination of hyphens and underscores."""
        found = set()
        for name in NAMES:
            first, *rest = name.split("-")
            for signs in itertools.product("-_", repeat=len(rest)):
                found.add(first + "".join(map("".join, zip(signs, rest, strict=True))))
        return found

    def test_the_example_for_traefik_removes_every_spelling_before_it_asks(self) -> None:
        http = yaml.safe_load((FOLDER / "traefik.yaml").read_text())["http"]
        removed = http["middlewares"]["without-identity"]["headers"]["customRequestHeaders"]
        assert removed == dict.fromkeys({*self.spellings(), "X-Forwarded-Prefix"}, "")
        for name, router in http["routers"].items():
            assert router["middlewares"][0] == "without-identity", name
        for name, query in (("administrator", "?redirect=yes"), ("superuser", "?role=superuser&redirect=yes")):
            asked = http["middlewares"][name]["forwardAuth"]
            assert asked["authResponseHeaders"] == list(NAMES)
            assert asked["address"].partition("/cms/session/")[2] == query

    def test_the_example_for_caddy_removes_the_prefix_of_a_client(self) -> None:
        assert "\t\trequest_header -X-Forwarded-Prefix\n" in (FOLDER / "Caddyfile").read_text()

    def test_the_example_for_caddy_removes_every_spelling_before_it_asks(self) -> None:
        text = (FOLDER / "Caddyfile").read_text()
        removed = re.findall(r"^\t\trequest_header -(\S+)\*$", text, re.MULTILINE)
        assert all(spelling.startswith(tuple(removed)) for spelling in self.spellings())
        assert text.index("route {") < text.index("request_header -") < text.index("\t\thandle")
        assert text.rindex("request_header -") < text.index("forward_auth 127")
        assert re.findall(r"copy_headers (.+)", text) == [" ".join(NAMES)] * text.count("forward_auth 127")

    def test_the_page_shows_the_change_of_the_configuration_that_is_tested(self, tmp_path: Path) -> None:
        page = (ROOT / "docs" / "forward-auth.md").read_text()
        (block,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
        nginx = BesideNginx(tmp_path, [free_port(), free_port()], free_port())
        written = nginx.path.read_text()
        assert all(line.strip() in written for line in block.splitlines())
