"""The command line: `flask admin`, `account`, `email`, `mail`, `webhooks`, `audit`, `keys`, and two single commands."""

import contextlib
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NoReturn, get_args

import click
import flask_migrate
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_babel import force_locale

import config
from accounts import clock, passwords, people
from accounts import pending as pending_changes
from accounts.errors import UNAVAILABLE, EmailTaken, Refusal, UsernameTaken
from accounts.factors import enrolment
from accounts.flows import (
    administration,
    assisted_change,
    erasure,
    factor_reset,
    history,
    new_password,
    personal_data,
)
from accounts.flows.history import Event
from accounts.mail import outbox, worker
from accounts.operations import audit_files, audit_verification, doctor, key_rotation, retention
from accounts.operations import housekeeping as expired_rows
from accounts.operations.audit_verification import BrokenHistory
from accounts.operations.doctor import Check, Severity
from accounts.operations.key_rotation import FallbackSetting, FormerKey, HistoryUse, Report, Uses
from accounts.operations.measurements import measure
from accounts.origin import COMMAND_LINE, Origin
from accounts.settings import Policy, settings
from accounts.webhooks import queue, receivers, sender
from accounts.webhooks import worker as webhook_worker
from accounts.webhooks.queue import Status
from accounts.webhooks.receivers import Receiver
from cms.languages import LANGUAGES
from cms.sentences import doer, event_sentence, refusal_sentence
from forms import EmailCaptchaForm, NewPasswordForm, ReasonForm, UsernameForm, all_errors
from models import Address, AuthenticatorApp, CMSUser, Passkey, Role, db


class OwnCommand(click.Command):
    """A command with English output, whatever the language of the account, which reports a refusal in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ClickException for a refusal, with its error word and the sentence shown on pages."""
        with force_locale("en"):
            try:
                return super().invoke(ctx)
            except Refusal as refusal:
                word, sentence = refusal.word, refusal_sentence(refusal)
                raise click.ClickException(f"Refused ({word}): {sentence}") from None


class OwnGroup(OwnCommand, AppGroup):
    """A group of such commands. Their arguments are parsed, and they run, inside the `invoke` of the group."""


admin = OwnGroup("admin", help="Create and manage administrators.")
mail = OwnGroup("mail", help="Deliver and inspect outgoing mail.")
webhooks = OwnGroup("webhooks", help="Inspect the receivers of webhooks, and send events again.")
email = OwnGroup("email", help="Inspect and manage changes of email address.")
account = OwnGroup("account", help="Erase personal data.")
audit_group = OwnGroup("audit", help="Verify the history, and copy what is stored about somebody.")
keys_group = OwnGroup("keys", help="Rotate the keys.")
PROGRESS = 10_000  # `audit verify` reports its progress after this many accounts.


def _administrator(_: click.Context, __: click.Parameter, value: str) -> CMSUser:
    """Return the administrator with this address."""
    user = people.find_by_email(_address(value))
    if user is None:
        raise click.ClickException(f"No administrator has the address {value}.")
    return user


def _reason(_: click.Context, __: click.Parameter, value: str) -> str:
    """Return the reason, validated as on a page."""
    form = ReasonForm(data={"reason": value})
    if not form.validate():
        raise click.ClickException(f"--reason: {all_errors(form)['reason'][0]}")
    return str(form.reason.data)


ADMINISTRATOR = click.argument("user", metavar="EMAIL", callback=_administrator)
ONE_ADMINISTRATOR = click.argument(
    "user", metavar="EMAIL", required=False, callback=lambda *its: _administrator(*its) if its[2] else None
)
ID = click.option("--id", "user_id", type=click.IntRange(1, 2**31 - 1), help="The id of the account, instead of EMAIL.")
WHY = "The reason. It is recorded in the history and included in the email to the administrator."
ANY_DOMAIN = click.option("--any-domain", is_flag=True, help="Accept an address that EMAIL_DOMAINS does not allow.")
POLICIES: Mapping[Policy, str] = {
    "new": "a code from the new address",
    "both": "a code from both addresses",
    "off": "only the operator changes addresses",
}
REASON = click.option("--reason", required=True, callback=_reason, help=WHY)


def _one_administrator(user: CMSUser | None, user_id: int | None) -> CMSUser:
    """Return the administrator with this address, or with this id."""
    if (user is None) == (user_id is None):
        raise click.UsageError("Either EMAIL or --id is required.")
    found = user or db.session.get(CMSUser, user_id)
    if found is None:
        raise click.ClickException(f"No administrator has the id {user_id}.")
    return found


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (admin, account, mail, webhooks, email, audit_group, keys_group, housekeeping, doctor_command):
        app.cli.add_command(command)


@admin.command("create")
@click.argument("email")
@click.option("--username", required=True)
@click.option("--superuser", is_flag=True)
@ANY_DOMAIN
def create(email: str, username: str, superuser: bool, any_domain: bool) -> None:
    """Create an administrator. The password is read from a prompt or from standard input."""
    address, username = _address(email), _username(username)
    password = _new_password(username, address.email)
    administration.create(
        address=address,
        username=username,
        password=password,
        superuser=superuser,
        origin=COMMAND_LINE,
        any_domain=any_domain,
    )
    click.echo(f"Administrator {username} <{address.email}> created.")


@admin.command("demo")
@click.option("--upgrade", is_flag=True, help="First create or upgrade the database, in this process.")
def demo(upgrade: bool) -> None:
    """Create the demonstration administrator once, and print the sign-in until its password is changed."""
    if settings().CMS_ENV == "production":
        raise click.ClickException("The demonstration administrator is not available in production.")
    if upgrade:
        flask_migrate.upgrade(revision="heads", x_arg=["quiet"])
    path: Path = settings().INSTANCE_DIR / "demonstration.json"
    if not path.exists():
        _make_demonstration(path)
    kept = json.loads(path.read_text())
    user = db.session.get(CMSUser, kept["id"])
    if user and passwords.matches(kept["password"], user.password_hash):
        click.echo(f"Demonstration sign-in:  {user.email}  password:  {kept['password']}")


def _make_demonstration(path: Path) -> None:
    """Create the administrator, and store the password in a file that only this user can read."""
    password = secrets.token_urlsafe(12)
    try:
        user = administration.create(
            address=Address.of("admin@example.com"),
            username="admin",
            password=password,
            superuser=True,
            origin=COMMAND_LINE,
            any_domain=True,
        )
    except (EmailTaken, UsernameTaken):
        raise click.ClickException("admin@example.com already exists. Sign in with its password.") from None
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"id": user.id, "password": password}, file)


@admin.command("list")
@click.option("--begins", default="", help="List only usernames that start with this text.")
def list_(begins: str) -> None:
    """List the administrators."""
    after: str | None = ""
    while after is not None:
        page = administration.list_page(sort="username", beginning=begins, after=after)
        for user in page.rows:
            click.echo(f"{user.id}\t{user.username}\t{user.email}\t{user.role}\t{_state(user)}")
        after = page.after


@admin.command("disable")
@ADMINISTRATOR
@REASON
def disable(user: CMSUser, reason: str) -> None:
    """Disable an administrator and end all their sessions."""
    administration.disable(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@admin.command("enable")
@ADMINISTRATOR
@REASON
def enable(user: CMSUser, reason: str) -> None:
    """Enable a disabled administrator."""
    administration.enable(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@admin.command("role")
@ADMINISTRATOR
@click.argument("role", type=click.Choice(get_args(Role)))
@REASON
def role(user: CMSUser, role: Role, reason: str) -> None:
    """Change the role of an administrator."""
    administration.set_role(COMMAND_LINE, user.id, superuser=role == "superuser", reason=reason)
    click.echo("Done.")


@admin.command("set-password")
@ADMINISTRATOR
@REASON
def set_password(user: CMSUser, reason: str) -> None:
    """Set a password, read from a prompt or standard input. All sessions end, and the administrator is notified."""
    password = _new_password(user.username, user.email)
    new_password.set_by_operator(user.id, password, reason=reason, origin=COMMAND_LINE)
    click.echo("Done.")


@admin.command("show")
@ADMINISTRATOR
def show(user: CMSUser) -> None:
    """Print an administrator, with the second factors and what is pending. No secret is printed."""
    found = administration.find(user.id)
    factors = enrolment.load(user)
    lines = [
        ("id", user.id),
        ("username", user.username),
        ("email", user.email),
        ("role", user.role),
        ("state", _state(user)),
        ("created", _moment(user.created_at)),
        ("last sign-in", _moment(user.signed_in_at)),
        *(("passkey", f"{each.name}\t{_added_and_used(each)}") for each in factors.passkeys),
        *([("authenticator app", _added_and_used(factors.app))] if factors.app and factors.has_app else []),
        ("recovery codes", f"{factors.recovery_codes_left} unused"),
    ]
    if found.reset:
        lines.append(("removal of second factors", f"{_moment(found.reset.due_at)}\tstarted by {found.reset_by}"))
    if found.change:
        lines.append(("pending change", f"{found.change.email}\tuntil {_moment(found.change.expires_at)}"))
    for name, value in lines:
        click.echo(f"{name}\t{value}")


@admin.command("reset-factors")
@ADMINISTRATOR
@REASON
def reset_factors(user: CMSUser, reason: str) -> None:
    """Remove all second factors of an administrator at once. All sessions end, and every known address is notified."""
    if not user.has_second_factor:
        raise click.ClickException(f"{user.email} has no second factor.")
    factor_reset.start(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@account.command("erase")
@ONE_ADMINISTRATOR
@ID
@REASON
@click.option("--yes", is_flag=True, help="Do not ask for a confirmation.")
def erase(user: CMSUser | None, user_id: int | None, reason: str, yes: bool) -> None:
    """Erase the personal data of an administrator; the account is disabled for ever. This cannot be undone."""
    found = _one_administrator(user, user_id)
    if not yes:
        click.confirm(
            f"Erase the personal data of {found.username} <{found.email}>? This cannot be undone.", abort=True
        )
    erased = erasure.erase(COMMAND_LINE, found.id, reason=reason)
    click.echo(f"The personal data was erased. The account is kept as erased:{erased.user_id}, with its history.")
    if erased.exported_rows:
        click.echo(f"Exported files contain rows 1 to {erased.exported_rows} of account {erased.user_id}, unchanged.")
    if erased.actions:
        click.echo(f"The histories of other accounts contain {erased.actions} rows of what this person did, unchanged.")


@mail.command("deliver")
@click.option("--watch", is_flag=True, help="Keep running until SIGINT or SIGTERM.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), default=0, help="Serve the metrics of this process.")
def deliver(watch: bool, metrics_port: int) -> None:
    """Send the mail and the webhooks that are due. Several of these processes may run at the same time."""
    stopped, awake = threading.Event(), worker.Wakeups()

    def stop(*_: object) -> None:
        stopped.set()  # Nobody waits for this event, so that its lock is free.
        awake.put(None)

    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, stop)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if watch and metrics_port:
        from telemetry import exporter  # noqa: PLC0415 (prometheus_client takes longer to import than commands to run.)

        exporter.serve(app.config["METRICS_HOST"], metrics_port, lambda: measure(app))
    if watch:
        with webhook_worker.running(app):
            worker.watch(app, stopped, awake)
    else:
        with webhook_worker.delivering_once(app, stopped):
            worker.deliver_all(app, stopped)


@mail.command("failed")
def failed() -> None:
    """List the mails set aside because of an error in the application. The log has the details."""
    for each in outbox.failed_mails():
        click.echo(f"{each.done_at:%Y-%m-%d %H:%M} UTC\t{each.kind}\ttries {each.tries}\t{each.message_id}")


def _receiver(_: click.Context, __: click.Parameter, value: str | None) -> Receiver | None:
    """Return the receiver with this URL."""
    found = receivers.find(value) if value else None
    if value and found is None:
        raise click.ClickException("WEBHOOKS has no receiver with this URL.")
    return found


def _past(_: click.Context, __: click.Parameter, value: str) -> datetime:
    """Return a moment in ISO 8601, by default in UTC, at which events may have happened that are still stored."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.ClickException("--since must be a time such as 2026-11-22T08:00:00Z.") from None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    if not clock.now() - queue.REPLAYABLE <= moment <= clock.now():
        raise click.ClickException(f"--since must be within the last {queue.REPLAYABLE.days} days.")
    return moment


RECEIVER = click.argument("receiver", metavar="URL", callback=_receiver)


@webhooks.command("list")
def list_receivers() -> None:
    """List the receivers: state, events that wait, the age of the oldest, events given up, and the last success."""
    for each in queue.list_statuses():
        waits = f"{each.waiting.events} waiting" + (
            f", the oldest for {each.waiting.oldest_seconds:.0f} s" if each.waiting.events else ""
        )
        last = f"last success {_moment(each.condition.succeeded_at)}"
        click.echo("\t".join([each.name, _state_of_receiver(each), waits, f"{each.dead} given up", last]))


def _state_of_receiver(status: Status) -> str:
    condition = status.condition
    if not status.is_set:
        return "removed from WEBHOOKS"
    if condition.disabled_at:
        return f"disabled since {_moment(condition.disabled_at)}: it answered 410"
    if not condition.is_ready:
        return f"paused after {condition.failures} failures until {condition.paused_until:%H:%M:%S} UTC"
    return "ready"


@webhooks.command("enable")
@RECEIVER
def enable_receiver(receiver: Receiver) -> None:
    """Send to a receiver again that was disabled because it answered 410, or that is paused after failures."""
    queue.enable(receiver)
    click.echo("Done.")


@webhooks.command("replay")
@click.option("--since", required=True, callback=_past, metavar="TIME", help="In ISO 8601, by default in UTC.")
@click.option("--receiver", callback=_receiver, metavar="URL", help="Only to this receiver. Default: to all.")
def replay(since: datetime, receiver: Receiver | None) -> None:
    """Send the events since a time again: in order, with the same ids, also those that were given up.

    Receivers are enabled, and one that was added later gets the events before that as well.
    """
    number = queue.replay([receiver] if receiver else receivers.list_all(), since)
    click.echo(f"{number} deliveries are queued.")


@webhooks.command("test")
@RECEIVER
def test_receiver(receiver: Receiver) -> None:
    """Send a signed event of the type webhook.test at once. Exits with 1 if it was not accepted."""
    result = sender.send_test(receiver)
    if result.problem is not None:
        raise click.ClickException(f"Not accepted ({result.problem}): {result.details}")
    click.echo(f"Accepted: {result.details}")


@email.command("pending")
def pending() -> None:
    """List the pending changes."""
    for user, change in pending_changes.list_pending():
        click.echo(
            f"{user.email} -> {change.email}\trequested {change.asked_at:%Y-%m-%d %H:%M} UTC\ttries {change.tries}"
        )


@email.command("cancel")
@ADMINISTRATOR
@REASON
def cancel(user: CMSUser, reason: str) -> None:
    """Cancel the pending change of an administrator."""
    administration.drop_change(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@email.command("unlock")
@ADMINISTRATOR
@REASON
def unlock(user: CMSUser, reason: str) -> None:
    """Reset the tries of an administrator, and end a freeze of the address."""
    administration.unlock(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@email.command("history")
@ADMINISTRATOR
def show_history(user: CMSUser) -> None:
    """Print the latest history of an administrator: when, what, from where, by whom and why."""
    events = history.list_events(user, before=2**31 - 1)
    for event in events:
        word, sentence = f"{event.event} x{event.times}", event_sentence(event.event)
        click.echo("\t".join([_moments(event), word, sentence, event.network, event.browser, _told_of(event)]))
    if until := history.exported_until(user, events):
        click.echo(f"Older rows, the last of {until:%Y-%m-%d %H:%M:%S} UTC, were exported.", err=True)


@email.command("start")
@ADMINISTRATOR
@click.argument("new_email")
@REASON
@ANY_DOMAIN
def start(user: CMSUser, new_email: str, reason: str, any_domain: bool) -> None:
    """Start a change of address for an administrator, also where EMAIL_POLICY is off."""
    assisted_change.start(_here(), user.id, _address(new_email), reason=reason, any_domain=any_domain)
    click.echo("Done.")


@email.command("policy")
def policy() -> None:
    """Print which codes a change of address requires, for each role, and the domains of new addresses."""
    for role, policy in settings().EMAIL_POLICY.items():
        click.echo(f"{role}: {POLICIES[policy]}")
    if domains := settings().EMAIL_DOMAINS:
        click.echo(f"domains of new addresses: {', '.join(domains)}")


@audit_group.command("verify")
@click.option(
    "--file",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Verify this file with exported rows, and that the rows of the database follow it. It can be repeated.",
)
def verify(files: tuple[Path, ...]) -> None:
    """Find rows of the history that were changed or are missing, or whose key is missing in the settings.

    Exits with 0 if every history is intact and with 1 if one is not. Exits with 2 if the check could not be completed
    and had found nothing by then.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Like Ctrl-C.
    if files:
        _verify_files(files)
    checked = broken = 0
    try:
        for page in audit_verification.verify_all():
            checked += page.accounts
            for each in page.broken:
                click.echo(f"{each.email}: {_fault(each)}")
            broken += len(page.broken)
            if checked % PROGRESS == 0:
                click.echo(f"{checked} accounts checked ...", err=True)
    except (Exception, KeyboardInterrupt) as problem:  # Any error: only tampering may exit with 1.
        why = str(problem).partition("\n")[0] or "interrupted"
        click.echo(f"The check could not be completed ({checked} accounts checked): {why}", err=True)
        sys.exit(1 if broken else 2)
    if not broken:
        click.echo("Every history is intact.")
    sys.exit(1 if broken else 0)


def _fault(broken: BrokenHistory) -> str:
    """Return what is wrong with a history."""
    what = f"tie to the exported rows up to {broken.number}" if broken.is_tie else f"row {broken.number}"
    if broken.missing_key:
        return f"{what}: key {broken.missing_key} is missing"
    return f"{what} was changed" if broken.is_tie else f"{what} was changed or is missing"


def _verify_files(files: tuple[Path, ...]) -> NoReturn:
    """Verify files with exported rows, and exit with the codes of `verify`."""
    try:
        report = audit_files.verify_files(files)
    except (Exception, KeyboardInterrupt) as problem:  # Any error: only tampering may exit with 1.
        why = str(problem).partition("\n")[0] or "interrupted"
        click.echo(f"The check could not be completed: {why}", err=True)
        sys.exit(2)
    for file in report.files:
        accounts = len({segment.user_id for segment in file.segments})
        state = "not intact" if file.problems else "intact"
        click.echo(f"{file.path}: {file.rows} rows of {accounts} accounts, {state}")
        for each in file.problems:
            click.echo(f"  {each}")
    for line in report.problems:
        click.echo(line)
    for note in report.notes:
        click.echo(note, err=True)
    sys.exit(0 if report.is_intact else 1)


@audit_group.command("export")
@ONE_ADMINISTRATOR
@ID
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this new file.")
def export(user: CMSUser | None, user_id: int | None, output: Path | None) -> None:
    """Print everything that is stored about an administrator as JSON, without hashes, codes and tokens."""
    found = _one_administrator(user, user_id)
    with _new_file(output) as file:
        copy = personal_data.export(found.id, COMMAND_LINE)
        click.echo(json.dumps(copy, ensure_ascii=False, indent=2), file=file)


@contextlib.contextmanager
def _new_file(path: Path | None) -> Iterator[IO[str] | None]:
    """Yield a new file that only this user can read, or None; it is deleted if the context raises."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as problem:
        raise click.ClickException(f"--output {path}: {problem.strerror}") from None
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            yield file
    except BaseException as problem:
        path.unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise click.ClickException(f"--output {path}: {problem.strerror}") from None
        raise


@keys_group.command("rotate-check")
@click.option("--setting", type=click.Choice(get_args(FallbackSetting)), help="Check the keys of this setting only.")
def rotate_check(setting: FallbackSetting | None) -> None:
    """Show what depends on the former keys in SECRET_KEY_FALLBACKS and AUDIT_KEY_FALLBACKS.

    Exits with 0 if all of them can be removed, with 1 if one is needed, with 2 if the check could not be completed.
    """
    try:
        report = key_rotation.check()
    except Exception as problem:  # Any error: only a key that is needed may exit with 1.
        click.echo(f"The check could not be completed: {str(problem).partition(chr(10))[0]}", err=True)
        sys.exit(2)
    former = [each for each in report.former if setting in (None, each.setting)]
    click.echo("\n".join([*_signing_keys(report), *(line for each in former for line in _former_key(each))]))
    if not former:
        click.echo("There are no former keys.")
    sys.exit(1 if any(each.is_needed for each in former) else 0)


@keys_group.command("reencrypt")
def reencrypt() -> None:
    """Encrypt the secrets of authenticator apps with SECRET_KEY. It can be interrupted and repeated at any time.

    Exits with 0 if no secret needs a former key any more, with 1 if a key is missing, with 2 if it was not completed.
    """
    encrypted = unreadable = 0
    try:
        for batch in key_rotation.encrypt_apps_anew():
            encrypted, unreadable = encrypted + batch.encrypted, unreadable + batch.unreadable
    except (*UNAVAILABLE, KeyboardInterrupt) as problem:
        why = str(problem).partition("\n")[0] or "interrupted"
        click.echo(f"Not completed ({encrypted} authenticator apps encrypted anew): {why}", err=True)
        sys.exit(2)
    click.echo(f"{encrypted} authenticator apps encrypted anew.")
    if unreadable:
        click.echo(f"{unreadable} authenticator apps cannot be read: their key is missing in SECRET_KEY_FALLBACKS.")
    sys.exit(1 if unreadable else 0)


@click.command("housekeeping", cls=OwnCommand)
@with_appcontext
def housekeeping() -> None:
    """Delete all expired rows, and export and delete old rows of the history (AUDIT_KEEP_DAYS), in batches.

    It can be interrupted and repeated at any time.
    """
    try:
        expired_rows.delete_all_expired()
        exported = retention.export_all_old_rows()
    except (retention.NotExported, *UNAVAILABLE) as problem:
        raise click.ClickException(f"Not completed: {str(problem).partition(chr(10))[0]}") from None
    click.echo("All expired rows are deleted.")
    if exported:
        click.echo(f"{exported} rows of the history are exported to {settings().AUDIT_EXPORT_FOLDER}.")


MARKS = {Severity.OK: "ok  ", Severity.SKIPPED: "skip", Severity.WARNING: "WARN", Severity.ERROR: "FAIL"}
NUMBER = click.IntRange(1, 10_000)


@click.command("doctor", cls=OwnCommand)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--strict", is_flag=True, help="Exit with 1 for a warning, too.")
@click.option("--mail", "recipient", metavar="EMAIL", help="Also send a test mail to this address, without the outbox.")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], help="The language of the test mail.")
@click.option("--only", type=click.Choice(doctor.NAMES), multiple=True, help="Make this check; may be repeated.")
@click.option("--workers", type=NUMBER, help="Processes of a web node. Default: as in GUNICORN_CMD_ARGS, or 2.")
@click.option("--mail-processes", type=click.IntRange(0, 10_000), help="Processes that only deliver mail.")
@click.option("--nodes", type=NUMBER, help="Web nodes: fail if the database does not allow their connections.")
@with_appcontext
def doctor_command(  # noqa: PLR0913 (One for each option.)
    *,
    as_json: bool,
    strict: bool,
    recipient: str | None,
    language: str,
    only: tuple[str, ...],
    workers: int | None,
    mail_processes: int | None,
    nodes: int | None,
) -> None:
    """Check every part that the application depends on, within 40 seconds. Exits with 1 if a check fails.

    Warnings do not change the exit code, except with --strict.
    """
    address = _address(recipient).email if recipient else ""
    own_mail = 1 if settings().MAIL_DELIVERY == "worker" else 0
    mails = own_mail if mail_processes is None else mail_processes
    fleet = doctor.Fleet(workers or config.gunicorn_workers(), mails, nodes or 0)
    checks = []
    for check in _run_doctor(fleet, only, address, language):
        checks.append(check)
        if not as_json:
            click.echo("\n".join(_lines_of(check)))
    severity = doctor.worst(check.severity for check in checks)
    if as_json:
        click.echo(json.dumps({"severity": severity, "checks": [vars(check) for check in checks]}))
    sys.exit(1 if severity == Severity.ERROR or (strict and severity == Severity.WARNING) else 0)


def _run_doctor(fleet: doctor.Fleet, only: tuple[str, ...], recipient: str, language: str) -> Iterator[Check]:
    """Yield the results of the checks, and of the test mail if there is a recipient."""
    yield from doctor.run_checks(fleet, only)
    if recipient:
        yield doctor.send_test_mail(recipient, language)


def _lines_of(check: Check) -> list[str]:
    """Return the line of a check, and below that of a test mail the dialogue with the server."""
    line = f"{MARKS[check.severity]}  {check.name}" + (f": {check.message}" if check.message else "")
    return [line, *(f"      {each}" for each in check.data.get("dialogue", ()))]


def _signing_keys(report: Report) -> list[str]:
    """Return the lines about the keys that sign, and about rows of the history that cannot be verified."""
    derived = " (derived from SECRET_KEY)" if not settings().AUDIT_KEY else ""
    signed = report.history.get(report.audit_key, HistoryUse())
    return [
        f"{report.secret_key} is SECRET_KEY.",
        f"{report.audit_key} is AUDIT_KEY{derived}: {_rows(signed)}",
        *(f"{key_id} is missing: {_rows(use)} cannot be verified" for key_id, use in report.missing.items()),
        *(f"{key_id} is missing: {_apps(count)} refused" for key_id, count in report.missing_apps.items()),
        *([f"{report.unverified_rows} rows name no key, and no key verifies them"] if report.unverified_rows else []),
    ]


def _former_key(key: FormerKey) -> list[str]:
    """Return the lines about a former key."""
    if not key.is_needed:
        return [f"{key.id} in {key.setting} can be removed."]
    lines = [f"{key.id} in {key.setting} is needed:"]
    if key.sessions.count:
        lines.append(f"  sessions: {_uses(key.sessions)}")
    if key.codes.count:
        lines.append(f"  codes: {_uses(key.codes)}")
    if key.apps:
        lines.append(f"  authenticator apps: {key.apps}; run `flask keys reencrypt`")
    if key.history.is_any:
        elsewhere = "; add the key to AUDIT_KEY_FALLBACKS" if key.setting == "SECRET_KEY_FALLBACKS" else ""
        lines.append(f"  history: {_rows(key.history)}{elsewhere}")
    return lines


def _uses(uses: Uses) -> str:
    return f"{uses.count}, at the latest until {uses.until:%Y-%m-%d %H:%M} UTC"


def _rows(use: HistoryUse) -> str:
    more = [*([f"{use.ties} ties"] if use.ties else []), *([f"{use.files} exported files"] if use.files else [])]
    return ", ".join([f"{use.rows} rows, the last row of {use.heads} accounts", *more])


def _apps(count: int) -> str:
    return f"the codes of {count} authenticator apps are"


def _here() -> Origin:
    """Return the origin of a command whose mails contain links, with the address of the site that the links need."""
    site, is_development = settings().SITE_URL, settings().CMS_ENV == "development"
    own = f"http://localhost:{settings().PORT}" if is_development else ""
    return replace(COMMAND_LINE, site=site or own)


def _moments(event: Event) -> str:
    """Return when an event happened, with the first and the last time if it was repeated."""
    moments = [event.at] if event.times == 1 else [event.at, event.last_at]
    return " - ".join(f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments) + " UTC"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


def _added_and_used(factor: Passkey | AuthenticatorApp) -> str:
    """Return when a second factor was added, and when it was used last."""
    return f"added {_moment(factor.created_at)}\tused {_moment(factor.used_at)}"


def _told_of(event: Event) -> str:
    """Return who acted on the account if that was somebody else, the reason, and the other details of the row."""
    told = [f"by {by}"] if (by := doer(event)) else []
    more = {name: value for name, value in event.detail.items() if name not in ("by", "reason") and value != ""}
    if reason := event.detail.get("reason"):
        told.append(f"reason: {reason}")
    return "; ".join([*told, *(f"{name}: {_plain(value)}" for name, value in more.items())])


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _state(user: CMSUser) -> str:
    return "erased" if user.erased_at else "active" if user.is_active else "disabled"


def _new_password(*forbidden: str) -> str:
    """Prompt for a new password twice on a terminal; otherwise read it from standard input."""
    at_terminal = sys.stdin.isatty()
    password: str = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if at_terminal
        else sys.stdin.readline().rstrip("\n")
    )
    words = (*forbidden, *passwords.site_words(settings().SITE_URL))
    form = NewPasswordForm(data={"password": password, "repetition": password}, forbidden=words)
    if not form.validate():
        raise click.ClickException(str(next(iter(all_errors(form).values()))[0]))
    return password


def _username(name: str) -> str:
    """Return the username, validated as on a page."""
    form = UsernameForm(data={"username": name})
    if not form.validate():
        raise click.ClickException(f"--username: {all_errors(form)['username'][0]}")
    return str(form.username.data)


def _address(email: str) -> Address:
    """Return the normalised address."""
    form = EmailCaptchaForm(data={"email": email})
    if not form.validate():
        raise click.ClickException(f"Invalid address {email!r}: {all_errors(form)['email'][0]}")
    return Address.of(str(form.email.data))
