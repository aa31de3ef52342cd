"""Outgoing HTTP requests, each with a deadline for all of it: name lookup, connection, TLS, request and response.

http.client reads no settings of proxies and follows no redirects.
"""

import logging
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import SplitResult, urlsplit

USER_AGENT = "cms-account-centre"
_PORTS = {"http": 80, "https": 443}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A request, and how much of the response is read: what follows these bytes is discarded."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    largest_response: int = 1 << 16  # Bytes.


@dataclass(frozen=True)
class Response:
    """A response. Its body is not complete if the rest is missing, or if it is larger than was to be read."""

    status: int
    headers: Mapping[str, str]  # With names in lower case.
    body: bytes
    is_complete: bool


def send(request: Request, seconds: float, tls: ssl.SSLContext | None = None) -> Response:
    """Send a request, and return the response; `tls` is a context that several requests share.

    Raises TimeoutError if it was not complete after this time, OSError, HTTPException, ValueError.
    """
    return _Exchange(request, seconds, tls).run()


class _Exchange:
    """One request, in a thread of its own: only so can a name lookup or a slow response be abandoned.

    Time-outs of sockets apply to each call: a server that sends one byte per second would never reach them.
    """

    def __init__(self, request: Request, seconds: float, tls: ssl.SSLContext | None) -> None:
        self._request, self._seconds, self._tls = request, seconds, tls
        self._response: Response | None = None
        self._problem: Exception | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_abandoned = False

    def run(self) -> Response:
        """Return the response."""
        thread = threading.Thread(target=self._run, name="outgoing request", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if thread.is_alive():
            self._abandon()
            raise TimeoutError(f"not complete after {self._seconds:g} s")
        if self._response is None:
            assert self._problem is not None
            raise self._problem
        return self._response

    def _abandon(self) -> None:
        """End the connection, so that the thread ends, too."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                _shut_down(self._socket)

    def _run(self) -> None:
        try:
            self._response = self._fetch(urlsplit(self._request.url))
        except Exception as problem:  # Raised in the thread that waits; errors in the application are not hidden.
            self._problem = problem

    def _fetch(self, url: SplitResult) -> Response:
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        connection = HTTPConnection(host, port)
        connection.default_port = _PORTS[url.scheme]  # Then the header Host contains no port.
        sock = socket.create_connection((host, port), timeout=self._seconds)
        try:
            self._keep(sock)
            if url.scheme == "https":
                tls = self._tls or ssl.create_default_context()
                # The handshake comes after the socket is kept: wrap_socket() detaches the one that was.
                sock = encrypted = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
                self._keep(encrypted)
                encrypted.do_handshake()
            connection.sock = sock
            headers = {"User-Agent": USER_AGENT, "Connection": "close", **self._request.headers}
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request(self._request.method, target, self._request.body, headers)
            with connection.getresponse() as response:
                return self._read(response)
        finally:
            connection.close()
            sock.close()

    def _keep(self, sock: socket.socket) -> None:
        """Store the socket so that it can be shut down. Raises TimeoutError if the caller waits no longer."""
        with self._lock:
            if self._is_abandoned:
                raise TimeoutError
            self._socket = sock

    def _read(self, response: HTTPResponse) -> Response:
        most = self._request.largest_response
        body = response.read(most + 1)
        is_complete = len(body) <= most and not response.length  # http.client does not report that the rest is missing.
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, headers, body[:most], is_complete)


def _shut_down(sock: socket.socket) -> None:
    """Shut down a socket that another thread reads: its call returns at once."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # Not that of SSLSocket, which also discards its state.
    except OSError:
        log.debug("the connection of an outgoing request was closed already")
