"""How gunicorn serves the application; its own command line and GUNICORN_CMD_ARGS come first."""

from typing import Any

worker_class = "gthread"
workers = 2
threads = 4
keepalive = 60
graceful_timeout = 10
control_socket_disable = True


def on_starting(_: Any) -> None:
    """Refuse settings that cannot be used while there is no worker: one that ends at its start is replaced for ever."""
    import config

    config.load()


def post_worker_init(worker: Any) -> None:
    """Have the worker look for mail that an earlier process left in the outbox."""
    from accounts import outbox

    with worker.app.callable.app_context():
        outbox.wake()
