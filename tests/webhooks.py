"""Common steps of tests about webhooks: an environment with receivers, delivery, and what is stored."""

import threading
from typing import Any

from flask import Flask
from sqlalchemy import select

from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from accounts.webhooks import receivers, worker
from models import CMSUser, WebhookDelivery, WebhookEvent, table
from tests.environments import Environment
from tests.servers import WebhookReceiver, run_concurrently

ANN, BOB = "ann@example.com", "bob@example.com"


def use(env: Environment, *found: WebhookReceiver, **settings: str) -> Flask:
    """Return the application of an environment, with these receivers."""
    env.settings.update(WEBHOOKS=", ".join(each.setting for each in found), **settings)
    return env.app


def deliver(app: Flask) -> None:
    """Send all due events, to every receiver at the same time; fail if that hangs."""
    with app.app_context():
        found = receivers.list_all()
    run_concurrently(lambda number: worker.deliver_all(app, found[number], threading.Event()), len(found))


def disable_and_enable(env: Environment, user: CMSUser, times: int = 1) -> None:
    """Change an account by the command line; each time is three events."""
    with env.app.app_context():
        for _ in range(times):
            administration.disable(COMMAND_LINE, user.id, reason="because")
            administration.enable(COMMAND_LINE, user.id, reason="because")


def stored_events(env: Environment) -> list[Any]:
    """Return the stored events in the order of their ids."""
    return env.rows(select(table(WebhookEvent)).order_by(WebhookEvent.id))


def deliveries(env: Environment, *where: Any) -> list[Any]:
    """Return the deliveries in the order of their ids."""
    return env.rows(select(table(WebhookDelivery)).where(*where).order_by(WebhookDelivery.id))
