"""The ledger: every request with its response, and every action with what it changes if it is acknowledged."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from accounts.events import EventName
from tests.actors import Answer, Browser

NO_RESPONSE = (OSError, http.client.HTTPException)  # TimeoutError is an OSError.


class Outcome(StrEnum):
    """The result of an action as its client knows it."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # By the rules of the application: nothing is changed.
    UNAVAILABLE = "unavailable"  # 503: it may have been completed, if the response to the commit was lost.
    UNKNOWN = "unknown"  # No response, or an error: it may have been completed.


UNCERTAIN = (Outcome.UNAVAILABLE, Outcome.UNKNOWN)


@dataclass
class Exchange:
    """A request and its response; the status is 0 if there was none, or an incomplete one."""

    method: str
    path: str
    began: float  # Seconds since the epoch, as everywhere in this package.
    ended: float
    status: int = 0
    request_id: str = ""
    retry_after: str = ""
    problem: str = ""

    @property
    def seconds(self) -> float:
        """Return how long the response took."""
        return self.ended - self.began


@dataclass
class Owed:
    """A mail that an acknowledged action owes; the recipient is empty if the person could not know the address."""

    kind: str
    recipient: str = ""


@dataclass
class Action:
    """A form that a person submitted, and what it changes if it is acknowledged.

    `event` is the row that it adds to the history of the account, with the values `detail`; if it `may_be_void`, an
    acknowledged action may have found nothing to change.
    """

    number: int
    kind: str
    account: str
    event: EventName | str
    detail: dict[str, str]
    mails: list[Owed]
    may_be_void: bool
    began: float
    ended: float = 0
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0
    word: str = ""
    request_id: str = ""
    problem: str = ""
    answer: Answer | None = field(default=None, repr=False)

    @property
    def is_acknowledged(self) -> bool:
        """Return whether the response said that the action was completed."""
        return self.outcome is Outcome.ACKNOWLEDGED

    @property
    def is_uncertain(self) -> bool:
        """Return whether the action may have been completed or not."""
        return self.outcome in UNCERTAIN

    @property
    def seconds(self) -> float:
        """Return how long the response took."""
        return self.ended - self.began

    def line(self) -> str:
        """Return the action as JSON."""
        values = {name: value for name, value in vars(self).items() if name not in ("answer", "mails")}
        return json.dumps({**values, "mails": [asdict(mail) for mail in self.mails]}, ensure_ascii=False)


@dataclass
class Opening:
    """An account as it was before its first action; one that registers might not exist."""

    username: str
    email: str
    is_certain: bool = True


class Ledger:
    """The actions and requests of all people. Several threads write it."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self.accounts: dict[str, Opening] = {}
        self.actions: list[Action] = []
        self.exchanges: list[Exchange] = []
        self.surprises: list[str] = []  # Responses that must not occur at that moment.

    def open_account(self, username: str, email: str, *, is_certain: bool = True) -> None:
        """Add an account. A later call can state that it exists."""
        with self._lock:
            self.accounts[username] = Opening(username, email, is_certain)

    def perform(
        self,
        kind: str,
        account: str,
        send: Callable[[], Answer],
        *,
        event: EventName | str = "",
        detail: Mapping[str, str] = {},
        mails: tuple[Owed, ...] = (),
        may_be_void: bool = False,
    ) -> Action:
        """Send a form, and record the action with its outcome."""
        with self._lock:
            number = len(self.actions) + 1
            action = Action(number, kind, account, event, dict(detail), list(mails), may_be_void, time.time())
            self.actions.append(action)
        try:
            action.answer = send()
        except NO_RESPONSE as problem:
            action.problem = repr(problem)
        action.ended = time.time()
        if action.answer is not None:
            self._read(action, action.answer)
        return action

    def _read(self, action: Action, answer: Answer) -> None:
        action.status, action.request_id = answer.status, answer.headers.get("X-Request-ID", "")
        try:
            action.word = answer.error or ""
        except (AssertionError, KeyError, ValueError) as problem:  # Scripts must get the envelope in any case.
            self.surprise(f"{action.kind}: not an envelope: {problem!r}")
        if answer.status == 200:
            action.outcome = Outcome.ACKNOWLEDGED
        elif answer.status == 503:
            action.outcome = Outcome.UNAVAILABLE
        elif answer.status < 500:
            action.outcome = Outcome.REFUSED

    def add_exchange(self, exchange: Exchange) -> None:
        """Add a request with its response."""
        with self._lock:
            self.exchanges.append(exchange)

    def surprise(self, problem: str) -> None:
        """Add a response that must not occur at that moment."""
        with self._lock:
            self.surprises.append(problem)

    def write(self, folder: Path) -> None:
        """Write the actions and the requests to files in a folder, one JSON object per line."""
        (folder / "actions.jsonl").write_text("".join(f"{action.line()}\n" for action in self.actions))
        exchanges = (json.dumps(asdict(each), ensure_ascii=False) for each in self.exchanges)
        (folder / "requests.jsonl").write_text("".join(f"{line}\n" for line in exchanges))


class Recorded(Browser):
    """A browser whose requests are recorded in a ledger; another base class sends them."""

    ledger: Ledger

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, Any]) -> Answer:
        exchange = Exchange(method, path, time.time(), 0)
        try:
            answer = super()._send(method, path, body, headers)
        except BaseException as problem:
            exchange.problem = repr(problem)
            exchange.request_id = getattr(self, "last_headers", {}).get("X-Request-ID", "")
            raise
        else:
            exchange.status = answer.status
            exchange.request_id = answer.headers.get("X-Request-ID", "")
            exchange.retry_after = answer.headers.get("Retry-After", "")
        finally:
            exchange.ended = time.time()
            self.ledger.add_exchange(exchange)
        return answer
