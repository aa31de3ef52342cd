"""GET, HEAD and OPTIONS change nothing, so that links, images and mail scanners are harmless."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select
from werkzeug.routing import Rule

from models import db
from tests.actors import PAGE, SCRIPT, Person
from tests.environments import Environment
from tests.stories.admin_steps import REGISTRATION, act, id_of, invite, superuser
from tests.stories.factor_steps import add_app, add_passkey, sign_in_first_step

HOST, ANN, BOB, CAROL, GUEST = (f"{name}@example.com" for name in ("host", "ann", "bob", "carol", "guest"))
NEWER, STARTED = "newer@example.com", "lent@example.com"
# The fields of forms as a query string; a view that read them from there would change something.
FIELDS = urlencode(
    {"email": "typed@example.com", "captcha": "123456", "reason": "because", "role": "superuser", **REGISTRATION}
)


def read_database(env: Environment) -> dict[str, list[tuple[Any, ...]]]:
    """Return the content of the database, except when sessions were last used."""
    return {
        table.name: sorted(
            tuple(
                str(value) for name, value in row._mapping.items() if (table.name, name) != ("login_session", "seen_at")
            )
            for row in env.rows(select(table))
        )
        for table in db.metadata.sorted_tables
    }


def read_cache(env: Environment) -> dict[str, str]:
    """Return the content of the cache."""
    if env.memcached:
        return env.memcached.dump()
    with closing(sqlite3.connect(Path(env.settings["INSTANCE_DIR"]) / "cache.db")) as store:
        return {key: str(value) for key, value in store.execute("SELECT key, value FROM item")}


def create_links(env: Environment, boss: Person) -> dict[str, str]:
    """Create a valid link of every kind, and return the links by their routes."""
    ann, bob = env.person(ANN), env.person(BOB)
    env.administrator(CAROL)
    bob.ask(NEWER)
    assert bob.confirm(NEWER, env.code_to(NEWER)).status == 200
    assert ann.ask("pending@example.com").status == 200
    assert act(boss, env, CAROL, "start_change", email=STARTED).status == 200
    assert invite(boss, GUEST).status == 200
    dan = env.person("dan@example.com")
    add_passkey(dan)
    assert act(boss, env, dan.email, "reset_factors").status == 200
    assert env.visitor().post("/cms/forgotpwd/", {"email": ANN}).status == 200
    env.deliver()
    env.clock.advance(days=1, seconds=1)  # The started change can be confirmed now.
    prove = env.links_to(STARTED, "prove")[-1]
    assert ann.sign_in().status == 200
    assert ann.ask("pending@example.com", sure="y").status == 200  # Another change is pending.
    assert env.visitor().post("/cms/forgotpwd/", {"email": ANN}).status == 200
    return {
        "/cms/resetemail/stop/<token>/": env.links_to(ANN, "stop")[-1],
        "/cms/factor_reset/stop/<token>/": env.links_to("dan@example.com", "factor_reset/stop")[-1],
        "/cms/resetemail/undo/<token>/": env.links_to(BOB, "undo")[-1],
        "/cms/resetemail/prove/<token>/": prove,
        "/cms/forgotpwd/<token>/": env.links_to(ANN, "forgotpwd")[-1],
        "/cms/register/<token>/": env.links_to(GUEST, "register")[-1],
    }


def list_paths(env: Environment, links: dict[str, str], page: str) -> Iterator[tuple[Rule, str]]:
    """Yield every route with the method GET, and a path to an existing resource."""
    for rule in env.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        if rule.rule == "/assets/<digest>/<path:name>":
            yield rule, page.partition('href="/assets/')[2].join(("/assets/", "")).partition('"')[0]
        elif "user_id" in rule.arguments:
            yield rule, f"/cms/users/{id_of(env, ANN)}/"
        else:
            yield rule, links[rule.rule] if "token" in rule.arguments else rule.rule


NOT_SHOWN = {
    "/",  # A redirect.
    "/cms/session/",  # It has no content (204).
    "/cms/resetemail/undone/",  # These are shown only after the action, in the same browser.
    "/cms/resetemail/stopped/",
    "/cms/factor_reset/stopped/",
    "/cms/login/second/",  # These two are shown during a sign-in and a set-up; there is a test of each below.
    "/cms/security/app/",
    "/dev/mailbox/<message_id>/",  # There is no such mail; tests/test_mailbox.py tests this route.
}


def test_nothing_changes_on_get_head_or_options(env: Environment) -> None:
    boss = superuser(env, HOST)
    links = create_links(env, boss)
    assert boss.sign_in().status == 200
    people = {"superuser": boss, "editor": env.signed_in(ANN), "visitor": env.visitor()}
    found = list(list_paths(env, links, boss.page("/cms/").text))
    assert len(found) > 15
    env.clock.advance(seconds=61)  # Now the last use of the sessions is stored again.
    stored, cached, shown = read_database(env), read_cache(env), set()
    assert all(stored[name] for name in ("cms_user", "login_session", "email_change", "link", "mail", "audit"))
    assert cached
    for role, person in people.items():
        for rule, path in found:
            for method, address, headers in (
                ("GET", path, PAGE),
                ("GET", f"{path}?{FIELDS}", SCRIPT),
                ("HEAD", f"{path}?{FIELDS}", PAGE),
                ("OPTIONS", path, SCRIPT),
            ):
                answer = person.browser.send(method, address, headers=headers)
                assert answer.status < 500, answer
                if (method, answer.status) == ("GET", 200):
                    shown.add(rule.rule)
            assert read_database(env) == stored, (role, path)
        # Values may have expired in memcached, which uses the real time.
        assert read_cache(env).items() <= cached.items(), role
    # Every page was shown, so that the links were valid.
    assert shown == {rule.rule for rule, _ in found} - NOT_SHOWN


def test_nothing_changes_when_the_pages_of_a_second_factor_are_opened(env: Environment) -> None:
    ann, eve = env.person(ANN), env.person("eve@example.com")
    add_app(env, ann)
    sign_in_first_step(env, ANN, ann)
    assert eve.post("/cms/security/app/set_up/").status == 200
    stored = read_database(env)
    for person, path in ((ann, "/cms/login/second/"), (eve, "/cms/security/app/"), (eve, "/cms/security/")):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = person.browser.send(method, f"{path}?code=123456&recovery_code=0", headers=PAGE)
            assert (answer.status, answer.path) == (200, f"{path}?code=123456&recovery_code=0")
    assert read_database(env) == stored
