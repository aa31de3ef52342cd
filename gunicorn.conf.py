"""How gunicorn serves the application; its own command line and GUNICORN_CMD_ARGS come first.

What happens on SIGTERM, so that no request is lost: for DRAIN_SECONDS everything is served as before and only /readyz
says 503; then no new connection gets in, those that are in are answered, and the process ends. A second SIGTERM ends
the first phase; SIGINT and SIGQUIT end everything at once.
"""

import ctypes
import mmap
import re
import signal
import socket
import struct
import sys
import time
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker


class DiscreetLogger(Logger):  # type: ignore[misc]
    """gunicorn's log, without the secret part of links that were mailed: who could read it there could use it."""

    SECRET = re.compile(r"(?<=/)[\w-]{40,}")

    def atoms(self, *args: Any) -> dict[str, Any]:
        """Return what a line of the access log is made of: the address, and the Referer, are in several of them."""
        return {name: self._discreet(told) for name, told in super().atoms(*args).items()}

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Write of a request that begins."""
        super().debug(msg, *map(self._discreet, args), **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Write of a request that could not be read."""
        super().exception(msg, *map(self._discreet, args), **kwargs)

    def _discreet(self, told: Any) -> Any:
        return self.SECRET.sub("***", told) if isinstance(told, str) else told


class DrainingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, which on SIGTERM answers also those connections that it has not accepted yet.

    The kernel completes connections before anybody accepts them. gunicorn's own worker leaves these where they are, and
    the kernel resets them when the socket is closed.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Before the last time that accepting is switched off, accept all there is; then close the door."""
        is_the_end = not enabled and not self.alive
        if is_the_end:
            self._accept_the_rest()
        super().set_accept_enabled(enabled)
        if is_the_end:
            for listener in self.sockets:
                listener.close()

    def _accept_the_rest(self) -> None:
        for listener in self.sockets:
            listener.setblocking(False)
            count = None
            while count != self.nr_conns:
                count = self.nr_conns
                self.accept(listener)

    def _cap_keepalive(self, deadline: float) -> None:
        """Give connections on which nothing was ever sent (a browser's spare ones) no more time than kept ones."""
        super()._cap_keepalive(deadline)
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, deadline)


logger_class = DiscreetLogger
worker_class = DrainingWorker
workers = 2
threads = 4
keepalive = 60
graceful_timeout = 20
control_socket_disable = True
forwarded_allow_ips = ""  # Whom to believe is TRUSTED_PROXIES' matter; gunicorn would believe whoever is on this host.


def on_starting(server: Any) -> None:
    """Refuse settings that cannot be used while there is no worker: one that ends at its start is replaced for ever.

    Arrange the end, too: SIGTERM drains first, and a timer of the kernel's (SIGALRM) or a second SIGTERM goes on.
    """
    import config

    settings = config.load()
    if settings["CMS_ENV"] == "development":
        require_free_ports(server)
    seconds = settings["DRAIN_SECONDS"]
    server.draining = mmap.mmap(-1, 1)  # Shared with every worker that is forked from here.
    end = server.handle_term

    def handle_end() -> None:
        server.draining[0] = 1
        for listener in server.LISTENERS:
            refuse_connections(listener)
        time.sleep(HANDSHAKE_SECONDS)
        end()

    def handle_term() -> None:
        if server.draining[0] or not seconds:
            handle_end()
        server.draining[0] = 1
        signal.setitimer(signal.ITIMER_REAL, seconds)

    server.handle_term, server.handle_alrm = handle_term, handle_end
    signal.signal(signal.SIGALRM, server.signal)


def require_free_ports(master: Any) -> None:
    """End the start with one line where somebody else has the port; gunicorn would try for five seconds."""
    is_inherited = {"GUNICORN_FD", "LISTEN_FDS"} & set(master.cfg.env_orig)
    for address in () if is_inherited else [each for each in master.cfg.address if isinstance(each, tuple)]:
        try:
            socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET).close()
        except OSError as problem:
            name = f"{address[0]}:{address[1]}"
            reason = str(problem.strerror).partition(" (")[0]
            line = f"{name} cannot be used: {reason}. Use another port: PORT=8080 make run"
            raise SystemExit(line) from None


def pre_request(worker: Any, request: Any) -> None:
    """End the connection after a body that the application may leave unread: it comes in chunks, or is too large.

    gunicorn takes no notice of an application's own `Connection: close`.
    """
    worker.log.debug("%s %s", request.method, request.path)
    headers = dict(request.headers)
    length = headers.get("CONTENT-LENGTH", "0")
    if "TRANSFER-ENCODING" in headers or (length.isdigit() and int(length) > 65536):
        request.force_close()


def pre_fork(server: Any, worker: Any) -> None:
    """Let the worker see whether the server drains."""
    worker.draining = server.draining


HANDSHAKE_SECONDS = 0.2
SO_ATTACH_FILTER = 26  # <asm-generic/socket.h>; Python's socket module does not name it.
DROP_SYN = (  # Classic BPF; a packet begins with its TCP header here.
    (0x30, 0, 0, 13),  # Load the byte with the flags.
    (0x45, 0, 1, 0x02),  # Is SYN among them?
    (0x06, 0, 0, 0),  # Yes: drop the packet.
    (0x06, 0, 0, 0xFFFFFFFF),  # No: let all of it pass.
)


def refuse_connections(listener: socket.socket) -> None:
    """Let no new connection begin at a listening socket, while those under way get through.

    Closing it resets what the kernel has connected and nobody has accepted yet. Between the last accept and the close
    there is always a moment for one more, unless none can begin. Who tries sends the packet again a second later: by
    then the socket is closed, which a proxy takes for "try the other node", because nothing was sent yet.
    """
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in DROP_SYN)
    kept = ctypes.create_string_buffer(program, len(program))
    try:
        listener.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(DROP_SYN), ctypes.addressof(kept))
        )
    except OSError:  # Not Linux: then there is that moment.
        return


def post_worker_init(worker: Any) -> None:
    """Have the worker look for mail that an earlier process left in the outbox, and end before the master kills it."""
    from accounts.mail import worker as mail_worker

    worker.cfg.set("graceful_timeout", max(1, worker.cfg.graceful_timeout - 5))
    app = worker.app.callable
    app.extensions["is_draining"] = lambda: bool(worker.draining[0])
    if worker.age == 1 and app.config["CMS_ENV"] == "development":
        announce(worker.sockets)
    with app.app_context():
        mail_worker.wake()


def announce(sockets: Any) -> None:
    """Say where the first worker serves, now that it does."""
    for each in sockets:
        if each.family == socket.AF_INET:
            host, port = each.getsockname()
            sys.stdout.write(f"Serving on http://{host}:{port}/cms/ - Ctrl-C stops it.\n")
            sys.stdout.flush()
