"""The command line: flask admin ..., flask mail ..., flask audit ..., flask doctor."""

import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts import administrators, audit, doctor, outbox, passwords
from accounts.audit import COMMAND_LINE
from forms import EmailCaptchaForm, all_errors
from models import CMSUser, db

admin = AppGroup("admin", help="Administrators.")
mail = AppGroup("mail", help="The outbox.")
email = AppGroup("email", help="Changes of address.")
audit_group = AppGroup("audit", help="The history.")


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
    email = _address(email)
    password = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\n")
    )
    if not 8 <= len(password) <= 1024:
        raise click.ClickException("The password must have 8 to 1024 characters.")
    try:
        administrators.create(
            email=email, username=username, password=password, superuser=superuser, where=COMMAND_LINE
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
        user = administrators.create(
            email="admin@example.com", username="admin", password=password, superuser=True, where=COMMAND_LINE
        )
    except IntegrityError:
        raise click.ClickException("admin@example.com exists already; sign in with its password.") from None
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"id": user.id, "password": password}, file)


@mail.command("deliver")
@click.option("--watch", is_flag=True, help="Go on until SIGINT or SIGTERM.")
def deliver(watch: bool) -> None:
    """Send what is due; as many of these may run at once as you like."""
    stopped = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stopped.set())
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    outbox.deliver_all(app, stopped)
    while watch and not stopped.wait(outbox.POLL_SECONDS):
        outbox.deliver_all(app, stopped)


@email.command("policy")
def policy() -> None:
    """Print whose code a change of address needs, for each role."""
    for role, whose in current_app.config["EMAIL_POLICY"].items():
        click.echo(f"{role}: a code from {'both addresses' if whose == 'both' else 'the new address'}")


@audit_group.command("verify")
def verify() -> None:
    """Look for rows of the history that were changed or are missing; exit with 1 if there are any."""
    broken = 0
    for user in db.session.scalars(select(CMSUser).order_by(CMSUser.id)):
        if number := audit.broken_link(user):
            click.echo(f"{user.email}: row {number} was changed or is missing")
            broken += 1
    if not broken:
        click.echo("Every history is whole.")
    sys.exit(1 if broken else 0)


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """Try every part that the application stands on; exit with 1 if one of them is not well."""
    healthy = True
    for name, problem in doctor.examine():
        click.echo(f"{'well' if problem is None else 'ILL '}  {name}" + (f": {problem}" if problem else ""))
        healthy = healthy and problem is None
    sys.exit(0 if healthy else 1)


def _address(email: str) -> str:
    """Return the address in its normal form."""
    form = EmailCaptchaForm(data={"email": email})
    if not form.validate():
        raise click.ClickException(f"{email!r} cannot be used: {all_errors(form)['email'][0]}")
    return str(form.email.data)
