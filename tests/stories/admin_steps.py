"""Common steps of tests about administrators: superusers, invitations, actions on accounts, histories."""

import json
import re
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import bindparam, select, text

from accounts import database
from models import Audit, CMSUser, Mail, Moment, db
from tests.actors import Answer, Person
from tests.environments import Environment, broken_histories

BOSS = "boss@example.com"
NEW = "new@example.com"
REGISTRATION = {
    "username": "lì.míng",
    "password": "a password of mine",
    "repetition": "a password of mine",
    "mobile": "138 1234 5678",
    "staff_number": "4711",
    "gender": "female",
    "city": "hangzhou",
    "interests": "news",
    "language": "en",
}


def superuser(env: Environment, email: str = BOSS, **options: Any) -> Person:
    """Create a superuser, sign in, and return them."""
    env.administrator(email, superuser=True)
    return env.signed_in(email, **options)


def invite(boss: Person, email: str = NEW, role: str = "editor") -> Answer:
    """Invite an address."""
    return boss.post("/cms/users/invite/", {"email": email, "role": role})


def invitation_link(env: Environment, email: str = NEW, role: str = "editor") -> str:
    """Invite an address as a new superuser, and return the link in the mail."""
    answer = invite(superuser(env), email, role)
    assert answer.status == 200, answer
    return env.links_to(email, "register")[-1]


def id_of(env: Environment, email: str) -> int:
    """Return the id of the administrator with this address."""
    return int(env.rows(select(CMSUser.id).where(CMSUser.email == email))[0][0])


def act(boss: Person, env: Environment, target: str, action: str, reason: str = "because", **more: str) -> Answer:
    """Submit the form for an action on the page of the administrator with the address `target`."""
    return boss.post(f"/cms/users/{id_of(env, target)}/{action}/", {"reason": reason, **more})


@dataclass(frozen=True)
class Row:
    """A row of a history: the event, the id of the actor (None for the operator), and the details."""

    event: str
    actor_id: int | None
    detail: dict[str, Any]


def history(env: Environment, user_id: int) -> list[Row]:
    """Return the history of an account, in order, after checking that it is intact."""
    query = select(Audit.event, Audit.actor_id, Audit.detail).where(Audit.user_id == user_id).order_by(Audit.number)
    rows = [Row(event, actor, json.loads(detail)) for event, actor, detail in env.rows(query)]
    with env.app.app_context():
        assert broken_histories() == []
    return rows


def newest_row(env: Environment, email: str) -> Row:
    """Return the newest row of an account's history."""
    return history(env, id_of(env, email))[-1]


def register(person: Person, link: str, **fields: str) -> Answer:
    """Submit the registration form of an invitation."""
    answer = person.post(link, {**REGISTRATION, **fields})
    person.discard_token()
    return answer


def run_flask(app: Flask, *words: str, typed: str = "") -> Result:
    """Run `flask ...` on an application."""
    return CliRunner().invoke(FlaskGroup(create_app=lambda: app), words, input=typed)


_INSERT_MANY = text(
    """
    WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :count)
    INSERT INTO cms_user (username, username_key, email, email_key, email_version, password_hash, is_superuser,
        is_active, interests, profile_version, created_at, acted_at, audit_rows, audit_chain)
    SELECT 'user-' || substr(CAST(1000000 + i AS text), 2), 'user-' || substr(CAST(1000000 + i AS text), 2),
        'mail-' || CAST(1000000 - i AS text) || '@example.com', 'mail-' || CAST(1000000 - i AS text) || '@example.com',
        1, '!', false, true, '[]', 1, :now, :now, 0, '' FROM number
    """
).bindparams(bindparam("now", type_=Moment()))


def create_many(env: Environment, count: int) -> None:
    """Create many administrators with one INSERT: user-000001, ...; their addresses are in reverse order."""
    with env.app.app_context(), database.without_deadline():
        db.session.execute(_INSERT_MANY, {"count": count, "now": env.clock.now()})
        db.session.commit()
        db.session.execute(text("ANALYZE cms_user"))  # As autovacuum does after such a load.
        db.session.commit()


def queued_link(env: Environment, email: str = NEW) -> str:
    """Return the link in the queued mail to a new address, read from the outbox."""
    (found,) = env.rows(select(Mail.body).where(Mail.recipient == email, Mail.kind == "assisted_proof"))
    return str(re.findall(r"https?://[^/\s]+(/\S+/)", found[0])[0])
