"""Configuration of gunicorn; its command line and GUNICORN_CMD_ARGS take precedence.

On SIGTERM no request is lost: for DRAIN_SECONDS /readyz answers 503, and everything else is served as before. Then no
new connection is accepted, the requests on existing ones are answered, and the process exits. A second SIGTERM ends the
first phase; SIGINT and SIGQUIT stop immediately.
"""

import ctypes
import gc
import mmap
import re
import shutil
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker


class RedactingLogger(Logger):  # type: ignore[misc]
    """gunicorn's log, in the form of ours, and without the tokens of mailed links, which a reader of it could use."""

    SECRET = re.compile(r"(?<=/)[\w-]{40,}")

    def setup(self, cfg: Any) -> None:
        """Write the lines of gunicorn itself in the format LOG_FORMAT."""
        import config
        from telemetry import logs

        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.formatter(config.load()["LOG_FORMAT"]))

    def atoms(self, *args: Any) -> dict[str, Any]:
        """Return the parts of a line of the access log; several contain the URL or the Referer."""
        return {name: self._redact(value) for name, value in super().atoms(*args).items()}

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log the beginning of a request."""
        super().debug(msg, *map(self._redact, args), **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a request that could not be read."""
        super().exception(msg, *map(self._redact, args), **kwargs)

    def _redact(self, value: Any) -> Any:
        return self.SECRET.sub("***", value) if isinstance(value, str) else value


class DrainingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, which on SIGTERM also answers connections that it has not accepted yet.

    The kernel establishes connections before the worker accepts them. gunicorn's own worker does not accept these any
    more, and the kernel resets them when the socket is closed.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Enable or disable accepting; when it is disabled for the last time, accept what is established, and close."""
        is_last = not enabled and not self.alive
        if is_last:
            self._accept_remaining()
        super().set_accept_enabled(enabled)
        if is_last:
            for listener in self.sockets:
                listener.close()

    def _accept_remaining(self) -> None:
        for listener in self.sockets:
            listener.setblocking(False)
            count = None
            while count != self.nr_conns:
                count = self.nr_conns
                self.accept(listener)

    def _cap_keepalive(self, deadline: float) -> None:
        """Apply the deadline of idle connections also to those without any request yet (a browser's spare ones)."""
        super()._cap_keepalive(deadline)
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, deadline)


logger_class = RedactingLogger
worker_class = DrainingWorker
workers = 2
threads = 4
keepalive = 60
graceful_timeout = 20
control_socket_disable = True
forwarded_allow_ips = ""  # TRUSTED_PROXIES decides; by default gunicorn trusts every process on this machine.


def on_starting(server: Any) -> None:
    """Reject invalid settings before the first worker starts: gunicorn would replace a failing worker forever.

    Also replace two handlers. On SIGHUP, workers are replaced only if the settings are valid: files that they name may
    have been changed. On SIGTERM the server drains first, and a timer (SIGALRM) or a second SIGTERM then stops it.
    """
    import config

    settings = config.load()
    if settings["CMS_ENV"] == "development":
        require_free_ports(server)
    server.metrics = share_metrics(server, settings)
    seconds = settings["DRAIN_SECONDS"]
    server.draining = mmap.mmap(-1, 1)  # Shared with every worker that is forked from here.
    end, reload = server.handle_term, server.handle_hup

    def handle_hup() -> None:
        try:
            config.load()
        except config.ConfigError as problem:
            server.log.error("Not reloaded: %s", problem)  # noqa: TRY400 (It is one line.)
        else:
            reload()

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

    server.handle_hup, server.handle_term, server.handle_alrm = handle_hup, handle_term, handle_end
    signal.signal(signal.SIGALRM, server.signal)


METRICS_PORT_OFFSET = 1000  # By default, nodes with different ports serve their metrics on different ports.


class Metrics(NamedTuple):
    """Where the metrics of the workers are served, and the folder in which they are added up."""

    host: str
    port: int
    folder: Path
    reserved: socket.socket


def share_metrics(server: Any, settings: Any) -> Metrics | None:
    """Prepare the metrics; None if they are not served. Exits with one line if their port is in use.

    The workers share the port. This process reserves it, so that no other server can share it, too.
    """
    import config

    host, port = settings["METRICS_HOST"], settings["METRICS_PORT"]
    if port is None:
        port = next((each[1] + METRICS_PORT_OFFSET for each in server.cfg.address if isinstance(each, tuple)), 0)
    if not 0 < port < 65536:
        return None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if "GUNICORN_FD" not in server.cfg.env_orig:  # Not the successor of a server that still runs.
            socket.create_server((host, port), family=family).close()
        reserved = socket.socket(family)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, port))  # It does not listen, so that the kernel gives it no connection.
    except OSError as problem:
        reason = str(problem.strerror).partition(" (")[0]
        raise SystemExit(f"METRICS_PORT={port} on {host} cannot be used: {reason}. 0 serves no metrics.") from None
    return Metrics(host, port, config.share_metrics(), reserved)


def require_free_ports(master: Any) -> None:
    """Exit with one line if a port is already in use; gunicorn would retry for five seconds."""
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
    """Close the connection after a body that the application may not read: a chunked one, or one that is too large.

    gunicorn ignores `Connection: close` in the response of the application.
    """
    worker.log.debug("%s %s", request.method, request.path)
    headers = dict(request.headers)
    length = headers.get("CONTENT-LENGTH", "0")
    if "TRANSFER-ENCODING" in headers or (length.isdigit() and int(length) > 65536):
        request.force_close()


def child_exit(server: Any, worker: Any) -> None:
    """Remove what a process that has ended still had in progress from the metrics."""
    if server.metrics:
        from telemetry.exporter import remove_process

        remove_process(worker.pid, str(server.metrics.folder))


def on_exit(server: Any) -> None:
    """Delete the folder of the metrics."""
    if server.metrics:
        shutil.rmtree(server.metrics.folder, ignore_errors=True)


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the memory that marks the server as draining, and the place of the metrics."""
    worker.draining, worker.metrics = server.draining, server.metrics


HANDSHAKE_SECONDS = 0.2
SO_ATTACH_FILTER = 26  # <asm-generic/socket.h>; Python's socket module does not name it.
DROP_SYN = (  # Classic BPF; here a packet begins with its TCP header.
    (0x30, 0, 0, 13),  # Load the byte with the flags.
    (0x45, 0, 1, 0x02),  # Is SYN set?
    (0x06, 0, 0, 0),  # Yes: drop the packet.
    (0x06, 0, 0, 0xFFFFFFFF),  # No: accept all of it.
)


def refuse_connections(listener: socket.socket) -> None:
    """Prevent new connections to a listening socket; handshakes in progress can finish.

    Closing the socket resets connections that are established but not yet accepted. Between the last accept and the
    close, another one could be established, unless none can start. A client sends its SYN packet again a second later:
    by then the socket is closed, and a proxy tries the other node, because nothing was sent yet.
    """
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in DROP_SYN)
    buffer = ctypes.create_string_buffer(program, len(program))
    try:
        listener.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(DROP_SYN), ctypes.addressof(buffer))
        )
    except OSError:  # The filter exists on Linux only.
        return


def post_worker_init(worker: Any) -> None:
    """Start the delivery of what an earlier process has left, and let the worker stop before the master kills it."""
    from accounts.mail import worker as mail_worker
    from accounts.webhooks import worker as webhook_worker

    worker.cfg.set("graceful_timeout", max(1, worker.cfg.graceful_timeout - 5))
    import cms

    apps = cms.applications()  # What gunicorn calls may be a dispatcher or middleware around one of them.
    if not apps:
        worker.log.warning("this server has no account centre: nothing created one when the application was loaded")
        return
    gc.freeze()  # What is loaded now is never garbage. A full collection of it would stop all threads for 100 ms.
    for app in apps:
        app.extensions["cms_is_draining"] = lambda: bool(worker.draining[0])
    app = apps[0]
    if worker.age == 1 and app.config["CMS_ENV"] == "development":
        announce(worker.sockets, site_path(worker, app))
    if worker.metrics:
        from accounts.operations.measurements import measure
        from telemetry import exporter

        exporter.serve(worker.metrics.host, worker.metrics.port, lambda: measure(app), str(worker.metrics.folder))
    for app in apps:
        with app.app_context():
            mail_worker.wake()
            webhook_worker.wake()


def site_path(worker: Any, app: Any) -> str:
    """Return the path of the start page as far as it is known: below a dispatcher only SITE_URL tells it."""
    if app.config["SITE_URL"]:
        return f"{urlsplit(app.config['SITE_URL']).path}/cms/"
    return f"{worker.cfg.env_orig.get('SCRIPT_NAME', '').rstrip('/')}/cms/" if worker.app.callable is app else "/"


def announce(sockets: Any, path: str) -> None:
    """Print the URL of the site once the first worker is ready."""
    for each in sockets:
        if each.family == socket.AF_INET:
            host, port = each.getsockname()
            name = "localhost" if host == "127.0.0.1" else host  # Browsers have no passkeys for IP addresses.
            sys.stdout.write(f"Serving on http://{name}:{port}{path} - Ctrl-C stops it.\n")
            sys.stdout.flush()
