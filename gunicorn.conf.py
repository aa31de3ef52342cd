"""How gunicorn serves the application; its own command line and GUNICORN_CMD_ARGS come first."""

import re
import socket
import sys
from typing import Any

from gunicorn.glogging import Logger


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


logger_class = DiscreetLogger
worker_class = "gthread"
workers = 2
threads = 4
keepalive = 60
graceful_timeout = 10
control_socket_disable = True
forwarded_allow_ips = ""  # Whom to believe is TRUSTED_PROXIES' matter; gunicorn would believe whoever is on this host.


def on_starting(master: Any) -> None:
    """Refuse settings that cannot be used while there is no worker: one that ends at its start is replaced for ever."""
    import config

    if config.load()["CMS_ENV"] == "development":
        require_free_ports(master)


def require_free_ports(master: Any) -> None:
    """End the start with one line where somebody else has the port; gunicorn would try for five seconds."""
    is_inherited = {"GUNICORN_FD", "LISTEN_FDS"} & set(master.cfg.env_orig)
    for address in () if is_inherited else [each for each in master.cfg.address if isinstance(each, tuple)]:
        try:
            socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET).close()
        except OSError as problem:
            name = f"{address[0]}:{address[1]}"
            reason = str(problem.strerror).partition(" (")[0]
            line = f"{name} cannot be used: {reason}. Another port: PORT=8080 make run"
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


def post_worker_init(worker: Any) -> None:
    """Have the worker look for mail that an earlier process left in the outbox, and be told to end before it is killed.

    A browser's spare connection, on which nothing is ever sent, holds a worker until its patience ends; the master's
    must end later.
    """
    from accounts import outbox

    worker.cfg.set("graceful_timeout", max(1, worker.cfg.graceful_timeout - 5))
    if worker.age == 1 and worker.app.callable.config["CMS_ENV"] == "development":
        announce(worker.sockets)
    with worker.app.callable.app_context():
        outbox.wake()


def announce(sockets: Any) -> None:
    """Say where the first worker serves, now that it does."""
    for each in sockets:
        if each.family == socket.AF_INET:
            host, port = each.getsockname()
            sys.stdout.write(f"Serving on http://{host}:{port}/cms/ - Ctrl-C stops it.\n")
            sys.stdout.flush()
