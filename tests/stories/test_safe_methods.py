"""GET, HEAD and OPTIONS change nothing, so that links, images and mail scanners are harmless."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select
from werkzeug.routing import Rule

from models import LoginSession, db
from tests.actors import PAGE, SCRIPT, Person
from tests.environments import Environment
from tests.stories.admin_steps import FORM, act, id_of, invite, superuser

HOST, ANN, BOB, CAROL, GUEST = (f"{name}@example.com" for name in ("host", "ann", "bob", "carol", "guest"))
NEWER, LENT = "newer@example.com", "lent@example.com"
# What the forms of the pages send; a view that takes it from an address instead would do what it says.
TYPED = urlencode({"email": "typed@example.com", "captcha": "123456", "reason": "because", "role": "superuser", **FORM})
# All that the database holds, but when a session was used last.
STORED = {
    table.name: select(*(column for column in table.c if column is not LoginSession.__table__.c.seen_at))
    for table in db.metadata.sorted_tables
}


def rows(env: Environment) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table."""
    with env.app.app_context():
        return {
            name: sorted(tuple(map(str, row)) for row in db.session.execute(statement))
            for name, statement in STORED.items()
        }


def kept(env: Environment) -> dict[str, str]:
    """Return all that the cache holds."""
    if env.memcached:
        return env.memcached.dump()
    with closing(sqlite3.connect(Path(env.settings["INSTANCE_DIR"]) / "cache.db")) as store:
        return {key: str(value) for key, value in store.execute("SELECT key, value FROM item")}


def living_links(env: Environment, boss: Person) -> dict[str, str]:
    """Have a link of every kind mailed, and return for every route with a token an address that leads there."""
    ann, bob = env.person(ANN), env.person(BOB)
    env.administrator(CAROL)
    bob.ask(NEWER)
    assert bob.confirm(NEWER, env.code_to(NEWER)).status == 200
    assert ann.ask("pending@example.com").status == 200
    assert act(boss, env, CAROL, "start_change", email=LENT).status == 200
    assert invite(boss, GUEST).status == 200
    assert env.visitor().post("/cms/forgotpwd/", {"email": ANN}).status == 200
    env.deliver()
    env.clock.advance(days=1, seconds=1)  # The started change has waited for its day,
    prove = env.links_to(LENT, "prove")[-1]
    assert ann.sign_in().status == 200
    assert ann.ask("pending@example.com", sure="y").status == 200  # and another one is asked for.
    assert env.visitor().post("/cms/forgotpwd/", {"email": ANN}).status == 200
    return {
        "/cms/resetemail/stop/<token>/": env.links_to(ANN, "stop")[-1],
        "/cms/resetemail/undo/<token>/": env.links_to(BOB, "undo")[-1],
        "/cms/resetemail/prove/<token>/": prove,
        "/cms/forgotpwd/<token>/": env.links_to(ANN, "forgotpwd")[-1],
        "/cms/register/<token>/": env.links_to(GUEST, "register")[-1],
    }


def addresses(env: Environment, links: dict[str, str], page: str) -> Iterator[tuple[Rule, str]]:
    """Yield every route that can be looked at, with an address that leads to something."""
    for rule in env.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        if rule.rule == "/assets/<digest>/<path:name>":
            yield rule, page.partition('href="/assets/')[2].join(("/assets/", "")).partition('"')[0]
        elif "user_id" in rule.arguments:
            yield rule, f"/cms/users/{id_of(env, ANN)}/"
        else:
            yield rule, links[rule.rule] if "token" in rule.arguments else rule.rule


LEADS_ELSEWHERE = {
    "/",  # It redirects.
    "/cms/resetemail/undone/",  # These two are shown only in the browser that just did it,
    "/cms/resetemail/stopped/",
    "/dev/mailbox/<message_id>/",  # and this one only where mail is filed: tests/test_mailbox.py.
}


def test_nothing_changes_on_get_head_or_options(env: Environment) -> None:
    boss = superuser(env, HOST)
    links = living_links(env, boss)
    assert boss.sign_in().status == 200
    people = {"superuser": boss, "editor": env.signed_in(ANN), "nobody": env.visitor()}
    found = list(addresses(env, links, boss.page("/cms/").text))
    assert len(found) > 15
    env.clock.advance(seconds=61)  # The sessions are noted as used again, which is all that may be written.
    stored, cached, shown = rows(env), kept(env), set()
    assert all(stored[name] for name in ("cms_user", "login_session", "email_change", "link", "mail", "audit"))
    assert cached
    for who, person in people.items():
        for rule, path in found:
            for method, address, headers in (
                ("GET", path, PAGE),
                ("GET", f"{path}?{TYPED}", SCRIPT),
                ("HEAD", f"{path}?{TYPED}", PAGE),
                ("OPTIONS", path, SCRIPT),
            ):
                answer = person.browser.send(method, address, headers=headers)
                assert answer.status < 500, answer
                if (method, answer.status) == ("GET", 200):
                    shown.add(rule.rule)
            assert rows(env) == stored, (who, path)
        # memcached goes by the real time: what it has forgotten by itself since then was not changed by anybody.
        assert kept(env).items() <= cached.items(), who
    # Each was really shown to somebody: the links were alive.
    assert shown == {rule.rule for rule, _ in found} - LEADS_ELSEWHERE
