"""The checks at the end: they compare the ledger with the database, the received mail, the responses and the logs."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlalchemy import select

from accounts.limits import HOUR
from models import Audit, CMSUser, Mail, email_key
from tests.servers import SmtpServer
from tests.soak.ledger import Action, Exchange, Ledger, Outcome

LONGEST_RESPONSE_SECONDS = 15.0
"""The limit of a response on an idle machine: a node answers within 5 seconds, but its workers may have to start."""
TRACKED = frozenset(
    {
        *("signed_in", "signed_out", "password_proved", "code_requested", "email_changed", "change_cancelled"),
        *("change_stopped", "change_undone", "password_set", "profile_changed", "registered", "invitation_sent"),
        *("disabled", "enabled", "change_started"),
    }
)
"""Events of which every row belongs to one action. Others are repeated refusals, or recorded by delivery."""
CODES = frozenset({"code", "taken"})  # A request for a code owes one of them.
TO_ALL_ADDRESSES = frozenset({"assisted"})  # Sent to former addresses with a valid undo link, too.
MAY_EXPIRE = frozenset({"assisted_proof"})  # Not sent if the change was ended before.


class HistoryRow(NamedTuple):
    """A row of a history, with the username of its account."""

    account: str
    number: int
    event: str
    request_id: str
    times: int
    detail: str


class MailRow(NamedTuple):
    """A row of the outbox, with the username of its account. Its recipient was deleted when the mail was completed."""

    account: str
    kind: str
    message_id: str
    state: str


class AccountRow(NamedTuple):
    """What an account has at the end."""

    username: str
    email: str
    email_key: str
    is_active: bool


class Fault(NamedTuple):
    """A fault: its kind, the part that failed, when, and the port of the node if that or one of its workers failed."""

    kind: str
    victim: str
    began: float
    ended: float
    port: int = 0


@dataclass
class Evidence:
    """What was found at the end, when every part worked again and no mail was queued."""

    accounts: list[AccountRow] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    mails: list[MailRow] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)  # Message-IDs and recipients.
    broken_histories: list[str] = field(default_factory=list)
    valid_sessions: list[str] = field(default_factory=list)  # Sessions that had ended, and are valid.
    locked_out: list[str] = field(default_factory=list)  # Accounts for which nobody can sign in.
    log_problems: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    nodes: dict[str, list[int]] = field(default_factory=dict)  # The ports of the nodes that got a request, by its id.
    tries_per_code: int = 5
    tries_per_day: int = 10
    codes_per_hour: int = 5
    longest_seconds: float = LONGEST_RESPONSE_SECONDS


class Check(NamedTuple):
    """A check with its result: what is wrong, which is nothing if it passed."""

    title: str
    problems: list[str]


class Readable(Protocol):
    """A site or an environment, whose database can be read."""

    def rows(self, query: Any) -> list[Any]:
        """Return the rows of a query."""


def read_tables(site: Readable, evidence: Evidence) -> None:
    """Read the accounts, the history and the outbox, without what the application says about them."""
    names = {row[0]: row[1] for row in site.rows(select(CMSUser.id, CMSUser.username))}
    columns = CMSUser.username, CMSUser.email, CMSUser.email_key, CMSUser.is_active
    evidence.accounts = [AccountRow(*row) for row in site.rows(select(*columns))]
    of_history = Audit.user_id, Audit.number, Audit.event, Audit.request_id, Audit.times, Audit.detail
    rows = site.rows(select(*of_history).order_by(Audit.user_id, Audit.number))
    evidence.history = [HistoryRow(names[row[0]], row[1], row[2], row[3] or "", *row[4:]) for row in rows]
    of_mail = Mail.user_id, Mail.kind, Mail.message_id, Mail.state
    evidence.mails = [MailRow(names.get(row[0], ""), *row[1:]) for row in site.rows(select(*of_mail))]


def read_received(smtp: SmtpServer, evidence: Evidence) -> None:
    """Read the mails that the mail server accepted, in the order of their arrival."""
    evidence.received = [
        (str(mail.message["Message-ID"]), recipient) for mail in list(smtp.received) for recipient in mail.recipients
    ]


def run(ledger: Ledger, evidence: Evidence) -> list[Check]:
    """Run all checks."""
    return [Check(title, list(check(ledger, evidence))) for title, check in CHECKS.items()]


class _Matches:
    """Which action caused which row of the history."""

    def __init__(self, ledger: Ledger, evidence: Evidence) -> None:
        """Match them by the id of the request, and an action without a response by account and event."""
        by_request = {action.request_id: action for action in ledger.actions if action.request_id}
        silent = defaultdict(list)
        for action in ledger.actions:
            if not action.request_id:
                silent[action.account, action.event].append(action)
        self.rows: dict[int, list[HistoryRow]] = defaultdict(list)
        self.without_action: list[HistoryRow] = []
        for row in evidence.history:
            if row.event not in TRACKED:
                continue
            action = by_request.get(row.request_id)
            if action is None and silent[row.account, row.event]:
                action = silent[row.account, row.event].pop(0)
            if action is not None and (action.account, action.event) == (row.account, row.event):
                self.rows[action.number].append(row)
            else:
                self.without_action.append(row)


def find_completed(ledger: Ledger, evidence: Evidence) -> list[Action]:
    """Return the actions of unknown result that were completed."""
    matches = _Matches(ledger, evidence)
    return [action for action in ledger.actions if action.is_uncertain and matches.rows[action.number]]


def check_acknowledged(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield acknowledged actions that are not in the history, or with other values, or more than once."""
    matches = _Matches(ledger, evidence)
    for action in ledger.actions:
        rows = matches.rows[action.number]
        if action.event not in TRACKED:
            continue
        if action.is_acknowledged and not rows and not action.may_be_void:
            yield f"lost: {action.line()}"
        if len(rows) > 1:
            yield f"{len(rows)} rows: {action.line()}"
        for row in rows:
            told = json.loads(row.detail)
            if any(told.get(name) != value for name, value in action.detail.items()):
                yield f"not what was acknowledged: {row} for {action.line()}"


def check_nothing_else(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield rows of the history that no action caused, and refused actions that have an effect."""
    matches = _Matches(ledger, evidence)
    yield from (f"nobody did this: {row}" for row in matches.without_action if not _is_creation(row))
    for action in ledger.actions:
        if action.outcome is Outcome.REFUSED and matches.rows[action.number]:
            yield f"refused, but in effect: {action.line()}"


def _is_creation(row: HistoryRow) -> bool:
    return row.event == "administrator_created"


def check_addresses(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield accounts whose address does not follow from their changes, which `check_acknowledged` has compared."""
    expected = {name: opening.email for name, opening in ledger.accounts.items()}
    for row in evidence.history:
        if row.event in ("email_changed", "change_undone"):
            told = json.loads(row.detail)
            if told["old"] != expected.get(row.account):
                yield f"{row.account} had {expected.get(row.account)}, but the next change is {row}"
            expected[row.account] = told["new"]
    found = {row.username: row for row in evidence.accounts}
    for name, opening in ledger.accounts.items():
        row = found.get(name)
        if row is None:
            if opening.is_certain:
                yield f"{name} is missing"
        elif (row.email, row.email_key) != (expected[name], email_key(expected[name])):
            yield f"{name} has {row.email} and not {expected[name]}"
        elif not row.is_active:
            yield f"{name} is disabled"
    yield from (f"{name} exists, but nobody registered it" for name in found if name not in ledger.accounts)


def check_unique(_: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield addresses that belong to two accounts."""
    keys = Counter(email_key(row.email) for row in evidence.accounts)
    yield from (f"{key} belongs to {count} accounts" for key, count in keys.items() if count > 1)


def check_owed(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield mails that acknowledged actions owe and that the mail server did not get."""
    received = dict(evidence.received)
    sent: Counter[tuple[str, str, str]] = Counter()
    for row in evidence.mails:
        is_dropped = row.kind in MAY_EXPIRE and row.state == "expired"
        if (row.state == "sent" and row.message_id in received) or is_dropped:
            sent[row.account, _group(row.kind), received.get(row.message_id, "")] += 1
        elif not row.kind.startswith("task:"):
            yield f"{row.state}, and {'' if row.message_id in received else 'not '}received: {row}"
    for account, group, recipient, least, _ in _expected_mails(ledger):
        count = sum(
            number
            for (its_account, its_group, its), number in sent.items()
            if (its_account, its_group) == (account, group) and (recipient == its or "" in (recipient, its))
        )
        if count < least:
            owing = [it for it in ledger.actions if any(mail.recipient == recipient for mail in it.mails)]
            yield f"{count} of {least} mails ({group}) of {account} to {recipient or 'anyone'}: {_lines(owing)}"


def check_duplicates(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield mails that were stored more often than actions may have caused them, or that nobody has stored."""
    received = dict(evidence.received)
    stored = {row.message_id for row in evidence.mails}
    for message_id, recipient in set(evidence.received):
        if message_id not in stored or received[message_id] != recipient:
            yield f"received by {recipient}, but not stored: {message_id}"
    counts = Counter((row.account, _group(row.kind), received.get(row.message_id, "")) for row in evidence.mails)
    for account, group, recipient, _, most in _expected_mails(ledger):
        count = counts[account, group, recipient]
        if recipient and group not in (*CODES, *TO_ALL_ADDRESSES) and count > most:
            yield f"{count} mails ({group}) of {account} to {recipient}, {most} expected"
    of_codes = Counter(row.account for row in evidence.mails if row.kind in CODES)
    requests = Counter(it.account for it in ledger.actions if it.event == "code_requested" and _may_be_done(it))
    yield from (
        f"{count} mails with codes for {account}, {requests[account]} requests"
        for account, count in of_codes.items()
        if count > requests[account]
    )


def _group(kind: str) -> str:
    return "code" if kind in CODES else kind


def _may_be_done(action: Action) -> bool:
    return action.outcome is not Outcome.REFUSED


def _expected_mails(ledger: Ledger) -> Iterator[tuple[str, str, str, int, int]]:
    """Yield account, group and recipient of mails with the least and the highest number that the actions caused."""
    least: Counter[tuple[str, str, str]] = Counter()
    most: Counter[tuple[str, str, str]] = Counter()
    for action in ledger.actions:
        for mail in action.mails:
            key = action.account, _group(mail.kind), mail.recipient
            least[key] += action.is_acknowledged and not action.may_be_void
            most[key] += _may_be_done(action)
    # One to an unknown recipient may be to any of them.
    return ((*key, least[key], most[key] + most[(*key[:2], "")] * bool(key[2])) for key in list(most))


def check_codes(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield codes that were accepted twice. A new address of a change gets one code only, unless it is contested."""
    requested = Counter(
        it.detail["email"] for it in ledger.actions if it.event == "code_requested" and _may_be_done(it)
    )
    changes = Counter(json.loads(row.detail)["new"] for row in evidence.history if row.event == "email_changed")
    for address, count in changes.items():
        if address in requested and count > requested[address]:
            yield f"{count} changes to {address} with {requested[address]} codes"
    for action in ledger.actions:
        if action.kind == "enter a used code" and action.is_acknowledged:
            yield f"accepted again: {action.line()}"


def check_budgets(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield accounts that had more tries or codes than their budgets, and tries that were not counted."""
    tries, codes, sends = Counter[str](), Counter[tuple[str, str]](), Counter[str]()
    for action in ledger.actions:
        if _is_counted_try(action):
            tries[action.account] += 1
            codes[action.account, action.detail["new"]] += 1
        sends[action.account] += action.event == "code_requested" and action.is_acknowledged
    requests = Counter((it.account, it.detail["email"]) for it in ledger.actions if it.event == "code_requested")
    yield from (f"{name}: {count} tries in a day" for name, count in tries.items() if count > evidence.tries_per_day)
    for key, count in codes.items():
        if count > evidence.tries_per_code * requests[key]:
            yield f"{key[0]}: {count} tries with {requests[key]} codes for {key[1]}"
    is_within_an_hour = not ledger.actions or ledger.actions[-1].began - ledger.actions[0].began < HOUR
    for name, count in sends.items():
        if count > evidence.codes_per_hour and is_within_an_hour:
            yield f"{name}: {count} codes in an hour"
    wrong = Counter(action.account for action in ledger.actions if action.word == "code_wrong")
    unsure = Counter(it.account for it in ledger.actions if it.event == "email_changed" and it.is_uncertain)
    recorded: Counter[str] = Counter()
    for row in evidence.history:
        recorded[row.account] += row.times if row.event == "code_wrong" else 0
    for name in recorded.keys() | wrong.keys():
        if not wrong[name] <= recorded[name] <= wrong[name] + unsure[name]:
            yield f"{name}: {recorded[name]} incorrect codes in the history, {wrong[name]} responses"


def _is_counted_try(action: Action) -> bool:
    """Return whether a response shows that a code was compared."""
    has_code = action.event == "email_changed" and "code" in action.kind
    return has_code and (action.is_acknowledged or action.word == "code_wrong")


def check_responses(ledger: Ledger, _: Evidence) -> Iterator[str]:
    """Yield responses with a status of 500 or higher other than 503."""
    for each in ledger.exchanges:
        if each.status >= 500 and each.status != 503:
            yield f"{each.status} for {each.method} {each.path} ({each.request_id})"


def check_retry_after(ledger: Ledger, _: Evidence) -> Iterator[str]:
    """Yield responses of 503 that do not say when to try again."""
    for each in ledger.exchanges:
        if each.status == 503 and not (each.retry_after.isdecimal() and int(each.retry_after) > 0):
            yield f"no Retry-After: {each.method} {each.path} ({each.request_id})"


def check_seconds(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    """Yield requests without a response, and late ones, unless a node that got the request was killed or frozen.

    If that happens between the headers and the body, the response is incomplete.
    """
    for each in ledger.exchanges:
        if (each.status and each.seconds <= evidence.longest_seconds) or _is_excused(each, evidence):
            continue
        what = each.status or f"no response ({each.problem})"
        yield f"{what} after {each.seconds:.1f} s: {each.method} {each.path} ({each.request_id})"


def _is_excused(exchange: Exchange, evidence: Evidence) -> bool:
    ports = evidence.nodes.get(exchange.request_id, [])
    return any(
        fault.port in ports and fault.began <= exchange.ended and exchange.began <= fault.ended
        for fault in evidence.faults
    )


def _lines(actions: Iterable[Action]) -> str:
    return "".join(f"\n    {action.line()}" for action in actions)


CHECKS: dict[str, Callable[[Ledger, Evidence], Iterable[str]]] = {
    "Every acknowledged action is in the history once": check_acknowledged,
    "Nothing else is in the history": check_nothing_else,
    "Every account has the address of its last change": check_addresses,
    "No address belongs to two accounts": check_unique,
    "Every mail of an acknowledged action was sent": check_owed,
    "No mail exists twice, except with one Message-ID": check_duplicates,
    "Every history is intact": lambda _, evidence: evidence.broken_histories,
    "No code was accepted twice": check_codes,
    "Every try was counted, and no budget exceeded": check_budgets,
    "Ended sessions stay ended": lambda _, evidence: evidence.valid_sessions,
    "Everybody can sign in": lambda _, evidence: evidence.locked_out,
    "No response is 5xx except 503": check_responses,
    "Every 503 has Retry-After": check_retry_after,
    "No other response was unexpected": lambda ledger, _: ledger.surprises,
    "Every request got a response in time": check_seconds,
    "No log has an unexpected error": lambda _, evidence: evidence.log_problems,
}
