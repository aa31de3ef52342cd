"""deploy/nginx.conf in a real nginx: what reaches a node, what does not, and what is logged."""

import contextlib
import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import NamedTuple

import pytest

import config
from tests.actors import PAGE, SCRIPT
from tests.servers import LONGEST_SECONDS, ROOT, Nginx, eventually, free_port

pytestmark = pytest.mark.servers

TOKEN = "a-token-of-forty-characters-or-more_0123456789"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOURLY = "1r/m"  # So slow that a test sees the bursts only.
CLIENTS = "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Client;"  # Clients with addresses of their own.


class Node:
    """A server that records what it gets. While `drops` is set, it closes the connection instead of answering."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.port, self.drops, self.connections = free_port(), False, 0
        self.requests: list[tuple[str, str, Message]] = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def paths(self) -> list[str]:
        """Return the paths of all requests."""
        return [path for _, path, _ in self.requests]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            method, path, _ = stream.readline().decode().split(" ")
            headers = Message()
            for line in iter(stream.readline, b"\r\n"):
                name, _, value = line.decode().partition(":")
                headers[name] = value.strip()
            stream.read(int(headers.get("Content-Length", "0")))
            self.requests.append((method, path, headers))
            if not self.drops:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: x-node\r\n\r\nok")


class Response(NamedTuple):
    """A response of nginx."""

    status: int
    headers: Message
    body: bytes


Start = Callable[..., Nginx]


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    """Provide two nodes."""
    both = [Node(), Node()]
    yield both
    for node in both:
        node.stop()


@pytest.fixture
def start(nodes: list[Node], tmp_path: Path) -> Iterator[Start]:
    """Provide a function that starts nginx in front of the nodes."""
    with contextlib.ExitStack() as stack:

        def build(**options: str) -> Nginx:
            nginx = Nginx(tmp_path, [node.port for node in nodes], **options).start()  # type: ignore[arg-type]
            stack.callback(nginx.stop)
            return nginx

        yield build


@pytest.fixture
def nginx(start: Start) -> Nginx:
    """Provide nginx in front of the nodes."""
    return start()


def send(nginx: Nginx, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Response:
    """Send one request on a new connection, exactly with these headers."""
    return send_all(nginx, [path], method, body, **headers)[0]


def send_all(
    nginx: Nginx, paths: list[str], method: str = "GET", body: bytes | None = None, **headers: str
) -> list[Response]:
    """Send several requests on one connection."""
    connection, found = nginx.connect(), []
    for path in paths:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        found.append(Response(response.status, response.headers, response.read()))
    connection.close()
    return found


def statuses(responses: list[Response]) -> dict[int, int]:
    """Return how often each status occurs."""
    found = [response.status for response in responses]
    return {status: found.count(status) for status in set(found)}


def received(nodes: list[Node]) -> list[tuple[str, str, Message]]:
    """Return the requests of both nodes."""
    return [request for node in nodes for request in node.requests]


def test_the_file_is_accepted_without_a_warning(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, [free_port(), free_port()])
    ended = subprocess.run(nginx.command("-t"), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "warn" not in ended.stderr + nginx.log


class TestBelowAPath:
    """The lines of docs/deployment.md with which the site is served below a path."""

    PREFIX = "/admin/accounts"

    def test_the_document_shows_the_lines_that_are_tested(self, tmp_path: Path) -> None:
        page = (ROOT / "docs" / "deployment.md").read_text().partition("## Below a path")[2]
        block = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)[0]
        nginx = Nginx(tmp_path, [free_port(), free_port()], prefix=self.PREFIX)
        written = {line.strip() for line in nginx.path.read_text().splitlines()}
        assert {line.strip() for line in block.splitlines()} <= written
        ended = subprocess.run(nginx.command("-t"), capture_output=True, text=True, check=False)
        assert (ended.returncode, "warn" in ended.stderr + nginx.log) == (0, False), ended.stderr

    def test_the_node_gets_the_path_without_the_prefix_and_the_prefix_of_nginx(
        self, start: Start, nodes: list[Node]
    ) -> None:
        nginx = start(prefix=self.PREFIX)
        send(nginx, f"{self.PREFIX}/cms/login/?next=/cms/%3Fa", X_Forwarded_Prefix="/forged")
        ((_, path, headers),) = received(nodes)
        assert path == "/cms/login/?next=/cms/%3Fa"
        assert headers.get_all("X-Forwarded-Prefix") == [self.PREFIX]

    def test_nothing_else_reaches_a_node(self, start: Start, nodes: list[Node]) -> None:
        nginx = start(prefix=self.PREFIX)
        for path, status in (
            ("/cms/login/", 404),
            (f"{self.PREFIX}x/cms/login/", 404),
            (f"{self.PREFIX}/../cms/login/", 404),
            (f"{self.PREFIX}/metrics", 404),
            (f"{self.PREFIX}/dev/mailbox/", 404),
            (self.PREFIX, 301),
        ):
            assert send(nginx, path).status == status, path
        assert received(nodes) == []


class TestTLS:
    """Certificates, versions and host names."""

    def test_http_is_redirected_to_https_except_for_certificates(self, nginx: Nginx) -> None:
        (nginx.folder / ".well-known" / "acme-challenge").mkdir(parents=True)
        (nginx.folder / ".well-known" / "acme-challenge" / "some").write_text("challenge")
        for path, status, location in (
            ("/cms/login/?x=y", 301, "https://cms.example.com/cms/login/?x=y"),
            ("/.well-known/acme-challenge/some", 200, None),
        ):
            connection = HTTPConnection("127.0.0.1", nginx.http, timeout=LONGEST_SECONDS)
            connection.request("GET", path, headers={"Host": nginx.HOST})
            response = connection.getresponse()
            assert (response.status, response.headers["Location"]) == (status, location)
            connection.close()

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_browser_gets_forward_secrecy_and_http_2(self, nginx: Nginx, version: ssl.TLSVersion) -> None:
        context = ssl.create_default_context(cafile=nginx.certificate)
        context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", nginx.https), LONGEST_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=nginx.HOST) as secure,
        ):
            name, _, bits = secure.cipher() or ("", "", 0)
            assert secure.selected_alpn_protocol() == "h2"
            assert re.match(r"TLS_(AES|CHACHA20)|ECDHE-.*(GCM|POLY1305)", name)
            assert bits >= 128

    @pytest.mark.parametrize(
        ("minimum", "maximum", "ciphers"),
        [
            (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
            (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256:AES256-SHA"),
            (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA"),
        ],
        ids=["TLS 1.1", "no forward secrecy", "CBC"],
    )
    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
    def test_what_is_outdated_is_refused(
        self, nginx: Nginx, minimum: ssl.TLSVersion, maximum: ssl.TLSVersion, ciphers: str
    ) -> None:
        context = ssl.create_default_context(cafile=nginx.certificate)
        context.set_ciphers(ciphers)
        context.minimum_version, context.maximum_version = minimum, maximum
        with (
            socket.create_connection(("127.0.0.1", nginx.https), LONGEST_SECONDS) as plain,
            pytest.raises(ssl.SSLError, match=r"(?i)alert"),
        ):
            context.wrap_socket(plain, server_hostname=nginx.HOST)

    def test_another_host_name_gets_neither_certificate_nor_answer(self, nginx: Nginx, nodes: list[Node]) -> None:
        context = ssl.create_default_context(cafile=nginx.certificate)
        context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", nginx.https), LONGEST_SECONDS) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain, server_hostname="other.example.com")
        with pytest.raises(RemoteDisconnected):
            send(nginx, "/cms/", Host="other.example.com")
        assert received(nodes) == []


class TestHeaders:
    """What a node learns of a client."""

    def test_a_node_gets_what_nginx_knows_and_nothing_that_a_client_forged(
        self, nginx: Nginx, nodes: list[Node]
    ) -> None:
        forged = "198.51.100.9"
        names = (
            *("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP"),
            *("X-Forwarded-Prefix", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Server"),
            *("X-Forwarded-Ssl", "X-Request-ID", "Proxy"),
        )
        connection = nginx.connect()
        connection.putrequest("GET", "/cms/login/")
        for name in (*names, *(name.replace("-", "_") for name in names), *names):
            connection.putheader(name, forged)
        connection.putheader("SCRIPT_NAME", "/forged")
        connection.endheaders()
        assert connection.getresponse().status == 200
        connection.close()
        ((_, _, headers),) = received(nodes)
        assert forged not in str(headers)
        assert "_" not in "".join(headers.keys())
        assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
        assert headers.get_all("X-Forwarded-Proto") == ["https"]
        assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])
        assert headers["Host"] == f"{nginx.HOST}:{nginx.https}"

    def test_each_request_has_an_id_of_its_own_which_is_in_the_log(self, nginx: Nginx, nodes: list[Node]) -> None:
        send_all(nginx, ["/cms/", "/cms/"])
        ids = {headers["X-Request-ID"] for _, _, headers in received(nodes)}
        log = eventually(lambda: nginx.access_log.count("\n") == 2 and nginx.access_log, "both are logged")
        assert len(ids) == 2
        assert ids == set(re.findall(r"request_id=(\w+)", log))

    def test_the_headers_of_a_response_are_those_of_the_node(self, nginx: Nginx) -> None:
        assert send(nginx, "/assets/0123456789/cms.css").headers["Cache-Control"] == "x-node"


class TestPaths:
    """What is not for the public."""

    @pytest.mark.parametrize(
        "path",
        [
            *("/metrics", "/metrics/", "/metrics?x", "/METRICS", "//metrics", "/%6Detrics", "/cms/../metrics"),
            *("/dev/mailbox/", "/dev", "/%64ev/mailbox/", "/./dev/mailbox/", "/cms/%2e%2e/dev/mailbox/"),
        ],
    )
    def test_metrics_and_development_pages_are_not_found_in_any_spelling(
        self, nginx: Nginx, nodes: list[Node], path: str
    ) -> None:
        assert send(nginx, path).status == 404
        assert received(nodes) == []

    def test_other_paths_reach_a_node_unchanged(self, nginx: Nginx, nodes: list[Node]) -> None:
        paths = ["/cms/%2Fx/?q=%20+", "/development", "/cms/metrics/", "/refused/json", "/healthz"]
        answers = send_all(nginx, paths)
        assert [answer.status for answer in answers] == [200, 200, 200, 404, 200]
        assert sorted(path for _, path, _ in received(nodes)) == sorted(set(paths) - {"/refused/json"})


class TestNodes:
    """Which node gets a request, and how often."""

    def test_a_post_that_a_node_may_have_processed_is_not_sent_again(self, nginx: Nginx, nodes: list[Node]) -> None:
        for node in nodes:
            node.drops = True
        answer = send(nginx, "/cms/resetemail/", "POST", b"a=b", Accept="application/json")
        assert answer.status == 503
        assert [method for method, _, _ in received(nodes)] == ["POST"]
        envelope = json.loads(answer.body)
        assert envelope["data"] == {
            "error": "unavailable",
            "retry_after": 2,
            "reference": received(nodes)[0][2]["X-Request-ID"],
        }

    def test_a_get_is_sent_to_the_other_node_when_one_fails(self, nginx: Nginx, nodes: list[Node]) -> None:
        nodes[0].drops = True
        assert statuses(send_all(nginx, ["/cms/"] * 4)) == {200: 4}
        assert len(nodes[1].requests) == 4

    def test_a_post_goes_to_the_other_node_when_one_cannot_be_reached(self, nginx: Nginx, nodes: list[Node]) -> None:
        nodes[0].stop()
        assert statuses(send_all(nginx, ["/cms/login/"] * 6, "POST", b"a=b")) == {200: 6}
        assert len(nodes[1].requests) == 6

    def test_a_node_is_used_again_as_soon_as_it_is_back(self, nginx: Nginx, nodes: list[Node]) -> None:
        for node in nodes:
            node.drops = True
        assert statuses(send_all(nginx, ["/cms/"] * 4)) == {503: 4}
        for node in nodes:
            node.drops = False
        assert statuses(send_all(nginx, ["/cms/"] * 4)) == {200: 4}

    def test_an_incomplete_request_occupies_no_node(self, nginx: Nginx, nodes: list[Node]) -> None:
        slow = nginx.connect()
        slow.putrequest("POST", "/cms/login/")
        slow.putheader("Content-Length", "4")
        slow.endheaders(b"a=")
        assert send(nginx, "/cms/").status == 200
        assert sum(node.connections for node in nodes) == 1
        slow.send(b"bc")
        assert slow.getresponse().status == 200
        assert sum(node.connections for node in nodes) == 2
        slow.close()


class TestLimits:
    """The size of a request, and the number of requests of one client."""

    def test_the_largest_body_of_the_application_passes_and_one_byte_more_reaches_no_node(
        self, nginx: Nginx, nodes: list[Node]
    ) -> None:
        most = config.load({"CMS_ENV": "development", "INSTANCE_DIR": str(nginx.folder)})["MAX_CONTENT_LENGTH"]
        assert send(nginx, "/cms/login/", "POST", b"x" * most).status == 200
        refused = send(nginx, "/cms/login/", "POST", b"x" * (most + 1), Accept="application/json")
        assert (refused.status, json.loads(refused.body)["data"]) == (413, {"error": "too_large"})
        assert len(received(nodes)) == 1

    def test_a_person_who_opens_five_tabs_and_sends_a_form_is_not_disturbed(self, start: Start) -> None:
        nginx = start(rate=HOURLY)
        tab = ["/cms/resetemail/", *(f"/assets/0123456789/{number}.js" for number in range(20))]
        assert statuses(send_all(nginx, tab * 5)) == {200: 105}
        assert send(nginx, "/cms/resetemail/", "POST", b"a=b").status == 200

    @pytest.mark.parametrize(
        ("path", "method", "burst"),
        [("/cms/login/", "GET", 60), ("/cms/login/", "POST", 20), ("/assets/0123456789/x", "GET", 300)],
    )
    def test_a_flood_of_one_client_is_stopped_before_it_reaches_a_node_and_others_are_served(
        self, start: Start, nodes: list[Node], path: str, method: str, burst: int
    ) -> None:
        nginx = start(rate=HOURLY, extra=CLIENTS)
        body = b"a=b" if method == "POST" else None
        flood = send_all(nginx, [path] * (burst + 50), method, body, X_Test_Client="198.51.100.1")
        passed = statuses(flood)[200]
        assert burst < passed <= burst + 10
        assert statuses(flood) == {200: passed, 429: burst + 50 - passed}
        assert len(received(nodes)) == passed
        assert send(nginx, path, method, body, X_Test_Client="198.51.100.2").status == 200

    def test_the_addresses_of_one_ipv6_network_are_one_client(self, start: Start) -> None:
        nginx = start(rate=HOURLY, extra=CLIENTS)
        for number in range(3):
            send_all(nginx, ["/cms/"] * 30, X_Test_Client=f"2001:db8::{number + 1:x}")
        assert send(nginx, "/cms/", X_Test_Client="2001:db8::ffff").status == 429
        assert send(nginx, "/cms/", X_Test_Client="2001:db8:0:1::1").status == 200

    def test_scripts_get_the_envelope_and_people_a_sentence_in_their_language(self, start: Start) -> None:
        nginx = start(rate=HOURLY)
        send_all(nginx, ["/cms/"] * 62)
        for language, sentence in (("en-US,en", "Too many requests."), ("zh-CN", "操作过于频繁"), ("", "操作过于频繁")):
            page = send(nginx, "/cms/", Accept_Language=language, **PAGE)
            assert (page.status, page.headers["Retry-After"]) == (429, "1")
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert f"<h1>{sentence}" in page.body.decode()
            script = send(
                nginx, "/cms/", Accept_Language=language, **{k.replace("-", "_"): v for k, v in SCRIPT.items()}
            )
            envelope = json.loads(script.body)
            assert (script.status, script.headers["Content-Type"]) == (429, "application/json")
            assert envelope["data"] == {"error": "too_many_requests", "retry_after": 1}
            assert envelope["code"] == 429
            assert envelope["message"].startswith(sentence)
            assert script.headers["Cache-Control"] == "no-store"


class TestLog:
    """What is written into the logs."""

    def test_no_token_is_logged_whether_or_not_a_request_succeeds(self, start: Start, nodes: list[Node]) -> None:
        nginx = start(rate=HOURLY)
        link = f"/cms/resetemail/undo/{TOKEN}/"
        paths = [link, f"{link}?next=/{TOKEN}", f"/cms/login/?next={link}", f"/cms/x/{TOKEN[:20]}%2D{TOKEN[21:]}/"]

        def visit() -> None:
            for path in paths:
                send(nginx, path, Referer=f"https://{nginx.HOST}{link}")
            send(nginx, link, "POST", b"x" * 70_000, Referer=link)
            send(nginx, link, "POST", b"a=b", Referer=link)
            plain = HTTPConnection("127.0.0.1", nginx.http, timeout=LONGEST_SECONDS)
            plain.request("GET", link, headers={"Host": nginx.HOST})
            plain.getresponse().close()
            plain.close()

        visit()
        for node in nodes:
            node.drops = True
        visit()
        for node in nodes:
            node.stop()
        visit()
        send_all(nginx, [link] * 70)
        log = eventually(lambda: nginx.access_log.count("\n") == 3 * 7 + 70 and nginx.access_log, "all is logged")
        for status in ("200", "301", "413", "429", "503"):
            assert f"status={status} " in log
        for text in (log, nginx.log):
            assert TOKEN[:20] not in text
            assert TOKEN[21:] not in text
        assert 'path="/cms/resetemail/undo/***" status=200' in log
        assert 'path="/cms/login/" status=200' in log
        assert re.search(r'status=503 .*node="[^"]+" node_status="502(, 502)?"', log)
