"""The command line: flask admin ..., flask email ..., flask mail ..., flask audit ..., flask doctor."""

import json
import os
import secrets
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_babel import force_locale
from sqlalchemy.exc import IntegrityError

from accounts import passwords, people
from accounts import pending as pending_changes
from accounts.errors import EmailTaken, Refusal, UsernameTaken
from accounts.flows import administration, assisted_change, history, new_password
from accounts.flows.history import Event
from accounts.mail import outbox, worker
from accounts.operations import audit_verification, doctor
from accounts.origin import COMMAND_LINE, Origin
from cms.sentences import REFUSALS, doer, event_sentence, refusal_sentence
from forms import EmailCaptchaForm, NewPasswordForm, ReasonForm, UsernameForm, all_errors
from models import CMSUser, db


class OwnCommand(click.Command):
    """A command that speaks English, whatever language its administrators chose, and tells a refusal in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ClickException for a refusal: the stable word and the sentence that pages have."""
        with force_locale("en"):
            try:
                return super().invoke(ctx)
            except Refusal as refusal:
                word, sentence = REFUSALS[type(refusal)].word, refusal_sentence(refusal)
                raise click.ClickException(f"Refused ({word}): {sentence}") from None


class OwnGroup(OwnCommand, AppGroup):
    """A group of such commands: their arguments are read, and they are run, within its own `invoke`."""


admin = OwnGroup("admin", help="Administrators.")
mail = OwnGroup("mail", help="The outbox.")
email = OwnGroup("email", help="Changes of address.")
audit_group = OwnGroup("audit", help="The history.")
PROGRESS = 10_000  # After so many accounts `audit verify` says how far it is.


def _administrator(_: click.Context, __: click.Parameter, value: str) -> CMSUser:
    """Return the administrator with this address."""
    user = people.with_email(_address(value))
    if user is None:
        raise click.ClickException(f"There is no administrator with the address {value}.")
    return user


def _reason(_: click.Context, __: click.Parameter, value: str) -> str:
    """Return the reason, if it is one that a page would take."""
    form = ReasonForm(data={"reason": value})
    if not form.validate():
        raise click.ClickException(f"--reason: {all_errors(form)['reason'][0]}")
    return str(form.reason.data)


ADMINISTRATOR = click.argument("user", metavar="EMAIL", callback=_administrator)
WHY = "Why; it is written into the history and told the person."
REASON = click.option("--reason", required=True, callback=_reason, help=WHY)


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (admin, mail, email, audit_group, doctor_command):
        app.cli.add_command(command)


@admin.command("create")
@click.argument("email")
@click.option("--username", required=True)
@click.option("--superuser", is_flag=True)
def create(email: str, username: str, superuser: bool) -> None:
    """Make an administrator; the password comes from a prompt or from standard input."""
    email, username = _address(email), _username(username)
    password = _new_password(username, email)
    try:
        administration.create(
            email=email, username=username, password=password, superuser=superuser, origin=COMMAND_LINE
        )
    except IntegrityError:
        raise click.ClickException("There is an administrator with this address or user name already.") from None
    click.echo(f"Administrator {username} <{email}> is made.")


@admin.command("demo")
def demo() -> None:
    """Make the demonstration administrator once, and print how to sign in while the password is unchanged."""
    if current_app.config["CMS_ENV"] == "production":
        raise click.ClickException("There is no demonstration administrator in production.")
    path: Path = current_app.config["INSTANCE_DIR"] / "demonstration.json"
    if not path.exists():
        _make_demonstration(path)
    kept = json.loads(path.read_text())
    user = db.session.get(CMSUser, kept["id"])
    if user and passwords.matches(kept["password"], user.password_hash):
        click.echo(f"Demonstration sign-in:  {user.email}  password:  {kept['password']}")


def _make_demonstration(path: Path) -> None:
    """Make the administrator, and keep the password where only this user can read it."""
    password = secrets.token_urlsafe(12)
    try:
        user = administration.create(
            email="admin@example.com", username="admin", password=password, superuser=True, origin=COMMAND_LINE
        )
    except (IntegrityError, EmailTaken, UsernameTaken):
        raise click.ClickException("admin@example.com exists already; sign in with its password.") from None
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"id": user.id, "password": password}, file)


@admin.command("list")
@click.option("--begins", default="", help="Only user names that begin so.")
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
    """Disable an administrator; all their sessions end."""
    administration.disable(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@admin.command("enable")
@ADMINISTRATOR
@REASON
def enable(user: CMSUser, reason: str) -> None:
    """Let an administrator sign in again."""
    administration.enable(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@admin.command("role")
@ADMINISTRATOR
@click.argument("role", type=click.Choice(["editor", "superuser"]))
@REASON
def role(user: CMSUser, role: str, reason: str) -> None:
    """Make an administrator an editor or a superuser."""
    administration.set_role(COMMAND_LINE, user.id, superuser=role == "superuser", reason=reason)
    click.echo("Done.")


@admin.command("set-password")
@ADMINISTRATOR
@REASON
def set_password(user: CMSUser, reason: str) -> None:
    """Set a password, from a prompt or standard input; all sessions end and the address is told."""
    password = _new_password(user.username, user.email)
    new_password.set_by_operator(user.id, password, reason=reason, origin=COMMAND_LINE)
    click.echo("Done.")


@mail.command("deliver")
@click.option("--watch", is_flag=True, help="Go on until SIGINT or SIGTERM.")
def deliver(watch: bool) -> None:
    """Send what is due; as many of these may run at once as you like."""
    stopped, awake = threading.Event(), worker.Wakeups()

    def stop(*_: object) -> None:
        stopped.set()  # Nobody waits for this event, so that its lock is free.
        awake.put(None)

    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, stop)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if watch:
        worker.watch(app, stopped, awake)
    else:
        worker.deliver_all(app, stopped)


@mail.command("failed")
def failed() -> None:
    """List the mails that are set aside because the application failed at them; the log has the reason."""
    for each in outbox.failed_mails():
        click.echo(f"{each.done_at:%Y-%m-%d %H:%M} UTC\t{each.kind}\ttries {each.tries}\t{each.message_id}")


@email.command("pending")
def pending() -> None:
    """List the pending changes."""
    for user, change in pending_changes.all_living():
        click.echo(f"{user.email} -> {change.email}\tasked {change.asked_at:%Y-%m-%d %H:%M} UTC\ttries {change.tries}")


@email.command("cancel")
@ADMINISTRATOR
@REASON
def cancel(user: CMSUser, reason: str) -> None:
    """Drop an administrator's pending change."""
    administration.drop_change(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@email.command("unlock")
@ADMINISTRATOR
@REASON
def unlock(user: CMSUser, reason: str) -> None:
    """Give an administrator's spent tries back, and end a freeze."""
    administration.unlock(COMMAND_LINE, user.id, reason=reason)
    click.echo("Done.")


@email.command("history")
@ADMINISTRATOR
def show_history(user: CMSUser) -> None:
    """Print the newest rows of an administrator's history: when, what, from where, by whom and why."""
    for event in history.events(user, before=2**31 - 1):
        word, sentence = f"{event.event} x{event.times}", event_sentence(event.event)
        click.echo("\t".join([_moments(event), word, sentence, event.network, event.browser, _told_of(event)]))


@email.command("start")
@ADMINISTRATOR
@click.argument("new_email")
@REASON
def start(user: CMSUser, new_email: str, reason: str) -> None:
    """Start a change of address for an administrator who lost the mailbox."""
    assisted_change.start(_here(), user.id, _address(new_email), reason=reason)
    click.echo("Done.")


@email.command("policy")
def policy() -> None:
    """Print whose code a change of address needs, for each role."""
    for role, whose in current_app.config["EMAIL_POLICY"].items():
        click.echo(f"{role}: a code from {'both addresses' if whose == 'both' else 'the new address'}")


@audit_group.command("verify")
def verify() -> None:
    """Look for rows of the history that were changed or are missing.

    Exit with 0 if every history is whole, with 1 if one is not. Exit with 2 if it could not be finished and none was
    found until then.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # As Ctrl-C.
    checked = broken = 0
    try:
        for page in audit_verification.verify_all():
            checked += page.accounts
            for each in page.broken:
                click.echo(f"{each.email}: row {each.number} was changed or is missing")
            broken += len(page.broken)
            if checked % PROGRESS == 0:
                click.echo(f"{checked} accounts are checked ...", err=True)
    except (Exception, KeyboardInterrupt) as problem:  # Whatever it is: only tampering may look like tampering.
        why = str(problem).partition("\n")[0] or "it was interrupted"
        click.echo(f"Could not be finished, {checked} accounts are checked: {why}", err=True)
        sys.exit(1 if broken else 2)
    if not broken:
        click.echo("Every history is whole.")
    sys.exit(1 if broken else 0)


@click.command("doctor", cls=OwnCommand)
@with_appcontext
def doctor_command() -> None:
    """Try every part that the application stands on; exit with 1 if one of them is not well."""
    healthy = True
    for name, problem in doctor.examine():
        click.echo(f"{'well' if problem is None else 'ILL '}  {name}" + (f": {problem}" if problem else ""))
        healthy = healthy and problem is None
    sys.exit(0 if healthy else 1)


def _here() -> Origin:
    """Return where a command is given whose mails carry links: these begin with the address of the site."""
    site, is_development = current_app.config["SITE_URL"], current_app.config["CMS_ENV"] == "development"
    own = f"http://127.0.0.1:{current_app.config['PORT']}" if is_development else ""
    return replace(COMMAND_LINE, site=site or own)


def _moments(event: Event) -> str:
    """Return when it happened: the first and the last time, if it was repeated."""
    moments = [event.at] if event.times == 1 else [event.at, event.last_at]
    return " - ".join(f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments) + " UTC"


def _told_of(event: Event) -> str:
    """Return who did it to the account, if that was somebody else, why, and what else the row tells."""
    told = [f"by {by}"] if (by := doer(event)) else []
    more = {name: value for name, value in event.detail.items() if name not in ("by", "reason") and value != ""}
    if reason := event.detail.get("reason"):
        told.append(f"reason: {reason}")
    return "; ".join([*told, *(f"{name}: {_plain(value)}" for name, value in more.items())])


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _state(user: CMSUser) -> str:
    return "active" if user.is_active else "disabled"


def _new_password(*unlike: str) -> str:
    """Ask for a new password at a terminal, twice; read it from standard input elsewhere."""
    at_terminal = sys.stdin.isatty()
    password: str = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if at_terminal
        else sys.stdin.readline().rstrip("\n")
    )
    form = NewPasswordForm(data={"password": password, "repetition": password}, unlike=unlike)
    if not form.validate():
        raise click.ClickException(str(next(iter(all_errors(form).values()))[0]))
    return password


def _username(name: str) -> str:
    """Return the user name, if it is one that a page would take."""
    form = UsernameForm(data={"username": name})
    if not form.validate():
        raise click.ClickException(f"--username: {all_errors(form)['username'][0]}")
    return str(form.username.data)


def _address(email: str) -> str:
    """Return the address in its normal form."""
    form = EmailCaptchaForm(data={"email": email})
    if not form.validate():
        raise click.ClickException(f"{email!r} cannot be used: {all_errors(form)['email'][0]}")
    return str(form.email.data)
