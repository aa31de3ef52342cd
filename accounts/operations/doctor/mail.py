"""The checks of mail: the server, the queue, its delivery, what was given up, and a test mail."""

import ssl
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import Any

from flask import current_app

from accounts import clock
from accounts.mail import messages, outbox, smtp, worker
from accounts.mail.messages import Reader
from accounts.mail.smtp import MailServerConnection, RecordingConnection
from accounts.operations.doctor.check import (
    Problem,
    Result,
    Severity,
    conclude,
    describe,
    fail,
    quote_foreign,
    skip,
    warn,
)
from accounts.operations.doctor.network import Certificate, describe_refusal, name_address, network_of
from accounts.origin import COMMAND_LINE
from accounts.settings import settings
from cache import CacheDown
from models import Mail, MailProblem, MailState

OLD_SECONDS = 600  # Codes are valid for no longer.
OVERDUE_SECONDS = 60
LONGEST_DIALOGUE = 200  # Lines.


def check_mail_server() -> Result:
    """Check that the mail server accepts a connection, its certificate, and the sign-in."""
    its = settings()
    if not its.MAIL_SERVER and its.CMS_ENV == "development":
        return conclude("none: mails are shown on /dev/mailbox/", server=None)
    try:
        with MailServerConnection(current_app.extensions["mail"]) as connection:
            certificate = Certificate(connection.tls) if connection.tls else None
    except ssl.SSLCertVerificationError as problem:
        return conclude("", [fail(describe_refusal(problem)[1])], server=its.MAIL_SERVER)
    fact = f"{name_address(its.MAIL_SERVER, its.MAIL_PORT)} responds"
    fact += f" and accepts {its.MAIL_USERNAME}" if its.MAIL_USERNAME else ""
    if certificate:
        problems = [certificate.problem] if certificate.problem else []
        return conclude(f"{fact}, {certificate.fact}", problems, server=its.MAIL_SERVER, **certificate.data)
    network = network_of(its.MAIL_SERVER)
    problems = [] if network == "this machine" else [warn("codes are sent unencrypted: set MAIL_USE_TLS=yes")]
    return conclude(f"{fact}, not encrypted, in {network}", problems, server=its.MAIL_SERVER, tls=None)


def check_sender() -> Result:
    """Check the address of the sender."""
    sender = settings().MAIL_DEFAULT_SENDER
    is_local = settings().MAIL_SERVER and sender.rstrip("> ").endswith("localhost")
    problem = f"MAIL_DEFAULT_SENDER is {sender}: mail servers do not accept this sender"
    return conclude("", [fail(problem)]) if is_local else conclude(sender, sender=sender)


def check_queue() -> Result:
    """Check the age of the oldest mail that waits."""
    queue = outbox.read_queue()
    age = round(queue.oldest_seconds)
    data: dict[str, Any] = {"queued": queue.mails, "oldest_seconds": age}
    if not queue.mails:
        return conclude("no mail waits", **data)
    problems = [warn("the oldest mail is old: read the log of delivery")] if age > OLD_SECONDS else []
    return conclude(f"{queue.mails} queued, the oldest for {age} s", problems, **data)


def check_delivery() -> Result:
    """Check that a process sends mail: it records a heartbeat, and no mail stays due."""
    overdue = round(outbox.read_queue().overdue_seconds)
    starts = "`flask --app app mail deliver --watch`" if settings().MAIL_DELIVERY == "worker" else "a web process"
    is_alive = _is_delivering()
    data: dict[str, Any] = {"alive": is_alive, "overdue_seconds": overdue}
    if is_alive and overdue > OVERDUE_SECONDS:
        return conclude("", [warn(f"a mail has been due for {overdue} s: start more processes that deliver")], **data)
    if is_alive:
        return conclude("a process delivers mail", **data)
    if overdue > OVERDUE_SECONDS:
        return conclude(
            "", [fail(f"a mail has been due for {overdue} s, and no process delivers it: start {starts}")], **data
        )
    if is_alive is None:
        return skip("no mail is overdue; the cache, which knows whether a process delivers, does not respond", **data)
    return conclude("", [warn(f"no process has delivered mail for five minutes: start {starts}")], **data)


def _is_delivering() -> bool | None:
    """Return whether a process delivers mail; None if that is not known."""
    if outbox.is_being_delivered(clock.now() - timedelta(seconds=worker.HEARTBEAT_SECONDS)):
        return True
    try:
        return worker.is_alive()
    except CacheDown:
        return None


def check_outbox() -> Result:
    """Check which mails were given up within the last 24 hours, and why."""
    found = outbox.count_undelivered(clock.now() - timedelta(days=1))
    data: dict[str, dict[str, int]] = {state.value: {} for state in (MailState.FAILED, *_GIVEN_UP)}
    problems = []
    for state, problem, count in found:
        reason = (problem or "not_tried").replace("_", " ")
        data[state][problem or "not_tried"] = count
        if state in _GIVEN_UP:
            problems.append(
                (_severity_of(state, problem), f"mails {_GIVEN_UP[state]} in the last 24 hours: {count} ({reason})")
            )
    failed = sum(data[MailState.FAILED].values())
    if failed:
        list_them = "Run `flask --app app mail failed` to list them"
        problems.insert(0, fail(f"mails set aside in the last 24 hours: {failed}. {list_them}"))
    return conclude("" if problems else "no mail was given up in the last 24 hours", problems, **data)


_GIVEN_UP = {MailState.REFUSED: "refused", MailState.EXPIRED: "expired"}


def _severity_of(state: MailState, problem: MailProblem | None) -> Severity:
    """Return `ok` for an address that does not exist: people mistype theirs."""
    is_usual = state == MailState.REFUSED and problem == MailProblem.RECIPIENT_REFUSED
    return Severity.OK if is_usual else Severity.WARNING


def send_test_mail(recipient: str, language: str) -> Result:
    """Send a mail directly, without the outbox, and return the dialogue with the server."""
    mail = _build_test_mail(recipient, language)
    connection = RecordingConnection(current_app.extensions["mail"])
    problems: list[Problem] = []
    try:
        with closing(connection):
            connection.send(smtp.build_message(mail))
    except OSError as problem:
        problems = [fail(f"not accepted ({smtp.classify(problem)}): {describe(problem)}")]
    dialogue = [quote_foreign(line) for line in connection.dialogue[:LONGEST_DIALOGUE]]
    reply = _reply_to_text(dialogue)
    fact = f"accepted: {reply}" if reply else "stored: /dev/mailbox/ shows it"
    data = {"to": recipient, "message_id": mail.message_id, "reply": reply, "dialogue": dialogue}
    return conclude("" if problems else fact, problems, **data)


def _build_test_mail(recipient: str, language: str) -> Mail:
    letter = messages.test(Reader(language), COMMAND_LINE)
    return Mail(
        message_id=outbox.new_message_id(),
        kind=letter.kind,
        recipient=recipient,
        subject=letter.subject,
        body=letter.body,
        html=letter.html,
        created_at=clock.now(),
    )


def _reply_to_text(dialogue: list[str]) -> str:
    """Return the reply of the server to the text of the mail, or nothing if there was none."""
    for line, following in pairwise(dialogue):
        if line.endswith(" bytes)"):
            return following.removeprefix("< ")
    return ""
