"""Sends events: signed by Standard Webhooks, each within a time limit. Of the response only the status counts."""

import secrets
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import NamedTuple

from standardwebhooks import Webhook

from accounts import clock, http_client
from accounts.http_client import Request, Response
from accounts.webhooks.events import build_payload
from accounts.webhooks.receivers import Receiver
from models import DeliveryProblem

SECONDS = 10.0  # For a try: name lookup, connection, TLS, request and the complete response.
LARGEST_RESPONSE = 1 << 16  # Bytes; what follows is not read.
UNAVAILABLE = {429, 502, 503, 504}
CONCERNS_ALL_EVENTS = {
    DeliveryProblem.UNREACHABLE,
    DeliveryProblem.TIMEOUT,
    DeliveryProblem.TLS_FAILED,
    DeliveryProblem.UNAVAILABLE,
}
"""Problems because of which no other event is tried for a while."""


class Result(NamedTuple):
    """The result of a try: None for a problem is a success. `details` are for the log."""

    problem: DeliveryProblem | None
    details: str
    wish_seconds: int | None = None  # The wait that the receiver asks for (Retry-After).


class Sender:
    """Sends events to a receiver."""

    def __init__(self, receiver: Receiver) -> None:
        """Load the trusted certificates, which is slow, once for all events."""
        self._receiver = receiver
        self.has_succeeded = False  # In the present batch.
        self._tls = ssl.create_default_context() if receiver.url.startswith("https:") else None

    def send(self, message_id: str, payload: str) -> Result:
        """Try to send an event, and return the result."""
        headers = {"Content-Type": "application/json", **sign(self._receiver, message_id, payload)}
        request = Request("POST", self._receiver.url, headers, payload.encode(), LARGEST_RESPONSE)
        try:
            response = http_client.send(request, SECONDS, self._tls)
        except (OSError, HTTPException, ValueError) as problem:
            return Result(_classify(problem), f"{type(problem).__name__}: {problem}".partition("\n")[0][:200])
        return _judge(response)


def send_test(receiver: Receiver) -> Result:
    """Send an event without an account to a receiver, at once and whatever its state, and return the result."""
    message_id = f"evt_{secrets.token_hex(16)}"
    payload = build_payload(message_id, "webhook.test", clock.now(), {})
    return Sender(receiver).send(message_id, payload)


def sign(receiver: Receiver, message_id: str, payload: str) -> dict[str, str]:
    """Return the headers of Standard Webhooks: one signature for each secret of the receiver."""
    now = clock.now()  # In UTC: the package replaces the time zone.
    signatures = [Webhook(secret).sign(message_id, now, payload) for secret in receiver.secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _judge(response: Response) -> Result:
    status, details = response.status, f"status {response.status}"
    if 200 <= status < 300:
        return Result(None, details)
    if status == 410:
        return Result(DeliveryProblem.GONE, details)
    if status in UNAVAILABLE:
        return Result(DeliveryProblem.UNAVAILABLE, details, parse_retry_after(response.headers.get("retry-after", "")))
    kinds = {3: DeliveryProblem.REDIRECTED, 4: DeliveryProblem.REFUSED, 5: DeliveryProblem.SERVER_ERROR}
    return Result(kinds.get(status // 100, DeliveryProblem.INVALID_RESPONSE), details)


def _classify(problem: Exception) -> DeliveryProblem:
    if isinstance(problem, TimeoutError):
        return DeliveryProblem.TIMEOUT
    if isinstance(problem, ssl.SSLError):
        return DeliveryProblem.TLS_FAILED
    return DeliveryProblem.UNREACHABLE if isinstance(problem, OSError) else DeliveryProblem.INVALID_RESPONSE


def parse_retry_after(value: str) -> int | None:
    """Return the seconds of a header Retry-After, which may be a date (RFC 9110, 10.2.3); None if it is invalid."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return int(value[:9])
    try:
        at: datetime = parsedate_to_datetime(value)
    except ValueError:
        return None
    return int((at.replace(tzinfo=at.tzinfo or UTC) - clock.now()).total_seconds())
