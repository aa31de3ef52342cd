"""What is measured in the database when the metrics are read."""

from collections.abc import Mapping

from flask import Flask
from sqlalchemy import func, select

from accounts import database
from accounts.errors import UNAVAILABLE
from accounts.mail import outbox
from accounts.operations import readiness
from accounts.webhooks import queue as webhooks
from models import Mail, MailState, db

SECONDS = 2.0  # How long the database is waited for; Prometheus waits ten seconds by default.
_FAILED = select(func.count()).where(Mail.state == MailState.FAILED)


def measure(app: Flask) -> Mapping[str, tuple[str, float]]:
    """Return the measurements by name, each with its description; without those of a database that does not respond."""
    with app.app_context(), database.deadline(SECONDS):
        try:
            return {"cms_database_up": ("Whether the database responds", 1), **_measure_database()}
        except UNAVAILABLE:
            return {"cms_database_up": ("Whether the database responds", 0)}


def _measure_database() -> Mapping[str, tuple[str, float]]:
    queue = outbox.read_queue()
    found = {
        "cms_mails_queued": ("Mails that are due or will be retried", float(queue.mails)),
        "cms_oldest_queued_mail_seconds": ("Age of the oldest of these", queue.oldest_seconds),
        "cms_mails_set_aside": ("Mails set aside after errors in the application", db.session.scalar(_FAILED) or 0.0),
    }
    statuses = webhooks.list_statuses()
    waiting = [each.waiting for each in statuses if each.is_set]
    found |= {
        "cms_webhook_events_waiting": ("Events that wait for a receiver", float(sum(each.events for each in waiting))),
        "cms_oldest_waiting_webhook_seconds": (
            "Age of the oldest of these",
            max((each.oldest_seconds for each in waiting), default=0.0),
        ),
        "cms_webhook_events_dead": ("Events given up and not repeated", float(sum(each.dead for each in statuses))),
        "cms_webhook_receivers_disabled": (
            "Receivers that answered 410",
            float(sum(each.is_set and each.condition.disabled_at is not None for each in statuses)),
        ),
    }
    offset = readiness.clock_offset_seconds()
    if offset is not None:
        found["cms_clock_offset_seconds"] = ("How far this clock is ahead of that of the database", offset)
    return found
