"""Permissions: every route, as a visitor, an editor, a superuser and a disabled administrator."""

from typing import NamedTuple

import pytest

from tests.actors import PAGE, Person
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, superuser

ANYBODY, SIGNED_IN, SUPERUSER = "anybody", "signed in", "superuser"
PEOPLE = ("nobody", "editor", "superuser", "disabled")
TOKEN = "A" * 43


class Way(NamedTuple):
    """A route: who has access, and the status of their response to an empty form."""

    who: str
    status: int
    path: str = ""  # As it is tried, where the route has parameters.


# Whoever adds a route adds a line here, and so decides who may use it.
WAYS = {
    "GET /healthz": Way(ANYBODY, 200),
    "GET /readyz": Way(ANYBODY, 200),
    "GET /dev/mailbox/": Way(ANYBODY, 200),  # In development only: tests/live sees that it is not there in production.
    "GET /": Way(ANYBODY, 302),
    "GET /dev/mailbox/<message_id>/": Way(ANYBODY, 404, "/dev/mailbox/x/"),
    "GET /assets/<digest>/<path:name>": Way(ANYBODY, 404, "/assets/0/cms.css"),
    "GET /cms/login/": Way(ANYBODY, 200),
    "POST /cms/login/": Way(ANYBODY, 400),
    "GET /cms/forgotpwd/": Way(ANYBODY, 200),
    "POST /cms/forgotpwd/": Way(ANYBODY, 400),
    "GET /cms/forgotpwd/<token>/": Way(ANYBODY, 410, f"/cms/forgotpwd/{TOKEN}/"),
    "POST /cms/forgotpwd/<token>/": Way(ANYBODY, 410, f"/cms/forgotpwd/{TOKEN}/"),
    "GET /cms/register/<token>/": Way(ANYBODY, 410, f"/cms/register/{TOKEN}/"),
    "POST /cms/register/<token>/": Way(ANYBODY, 410, f"/cms/register/{TOKEN}/"),
    "GET /cms/resetemail/undo/<token>/": Way(ANYBODY, 410, f"/cms/resetemail/undo/{TOKEN}/"),
    "POST /cms/resetemail/undo/<token>/": Way(ANYBODY, 410, f"/cms/resetemail/undo/{TOKEN}/"),
    "GET /cms/resetemail/stop/<token>/": Way(ANYBODY, 410, f"/cms/resetemail/stop/{TOKEN}/"),
    "POST /cms/resetemail/stop/<token>/": Way(ANYBODY, 410, f"/cms/resetemail/stop/{TOKEN}/"),
    "GET /cms/resetemail/undone/": Way(ANYBODY, 410),
    "GET /cms/resetemail/stopped/": Way(ANYBODY, 410),
    "GET /cms/resetemail/prove/<token>/": Way(ANYBODY, 410, f"/cms/resetemail/prove/{TOKEN}/"),
    "POST /cms/resetemail/prove/<token>/": Way(ANYBODY, 410, f"/cms/resetemail/prove/{TOKEN}/"),
    "GET /cms/": Way(SIGNED_IN, 200),
    "GET /cms/reauth/": Way(SIGNED_IN, 200),
    "POST /cms/reauth/": Way(SIGNED_IN, 400),
    "GET /cms/profile/": Way(SIGNED_IN, 200),
    "POST /cms/profile/": Way(SIGNED_IN, 400),
    "GET /cms/resetpwd/": Way(SIGNED_IN, 200),
    "POST /cms/resetpwd/": Way(SIGNED_IN, 400),
    "GET /cms/resetemail/": Way(SIGNED_IN, 200),
    "POST /cms/resetemail/": Way(SIGNED_IN, 400),
    "POST /cms/email_captcha/": Way(SIGNED_IN, 400),
    "POST /cms/resetemail/cancel/": Way(SIGNED_IN, 200),
    "GET /cms/security/": Way(SIGNED_IN, 200),
    "POST /cms/security/sessions/<int(max=2147483647):session_id>/end/": Way(
        SIGNED_IN, 200, "/cms/security/sessions/999/end/"
    ),
    "POST /cms/security/sessions/end_others/": Way(SIGNED_IN, 200),
    "GET /cms/users/": Way(SUPERUSER, 200),
    "POST /cms/users/invite/": Way(SUPERUSER, 400),
    "POST /cms/users/invitations/<int(max=2147483647):invitation_id>/resend/": Way(
        SUPERUSER, 410, "/cms/users/invitations/999/resend/"
    ),
    "POST /cms/users/invitations/<int(max=2147483647):invitation_id>/withdraw/": Way(
        SUPERUSER, 200, "/cms/users/invitations/999/withdraw/"
    ),
    "GET /cms/users/<int(max=2147483647):user_id>/": Way(SUPERUSER, 200, "/cms/users/{id}/"),
    "POST /cms/users/<int(max=2147483647):user_id>/role/": Way(SUPERUSER, 400, "/cms/users/{id}/role/"),
    "POST /cms/users/<int(max=2147483647):user_id>/disable/": Way(SUPERUSER, 400, "/cms/users/{id}/disable/"),
    "POST /cms/users/<int(max=2147483647):user_id>/enable/": Way(SUPERUSER, 400, "/cms/users/{id}/enable/"),
    "POST /cms/users/<int(max=2147483647):user_id>/end_sessions/": Way(SUPERUSER, 400, "/cms/users/{id}/end_sessions/"),
    "POST /cms/users/<int(max=2147483647):user_id>/send_password_link/": Way(
        SUPERUSER, 400, "/cms/users/{id}/send_password_link/"
    ),
    "POST /cms/users/<int(max=2147483647):user_id>/drop_change/": Way(SUPERUSER, 400, "/cms/users/{id}/drop_change/"),
    "POST /cms/users/<int(max=2147483647):user_id>/start_change/": Way(SUPERUSER, 400, "/cms/users/{id}/start_change/"),
    "POST /cms/logout/": Way(SIGNED_IN, 200),  # The last one, because it signs out.
}
POSTS = {way: of for way, of in WAYS.items() if way.startswith("POST")}


def test_every_route_has_its_line(sqlite_env: Environment) -> None:
    rules = sqlite_env.app.url_map.iter_rules()
    assert {f"{method} {rule.rule}" for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}} == set(WAYS)


def came(env: Environment, who: str) -> Person:
    """Return one of the four people, at their browser."""
    if who == "nobody":
        return env.visitor()
    person = superuser(env, "x@example.com") if who == "superuser" else env.person("x@example.com")
    if who == "disabled":
        person.token()
        env.update_account(
            "x@example.com", is_active=False
        )  # The session is still there: nothing but the guard refuses it.
    return person


def expected(who: str, name: str, way: Way) -> tuple[int, str | None]:
    """Return the status and the word with which somebody is answered."""
    refusals = {404: "not_found", 410: "link_dead", 400: "invalid", 200: None, 302: None}
    through = way.status, refusals[way.status]
    if name == "GET /cms/login/" and who in ("editor", "superuser"):
        return 302, None  # Who is signed in has no use for it.
    if way.who == ANYBODY:
        return through
    if who in ("nobody", "disabled"):
        return 401, "sign_in_required"
    return through if way.who == SIGNED_IN or who == "superuser" else (403, "forbidden")


@pytest.mark.parametrize("who", PEOPLE)
def test_every_role_can_access_its_pages_and_no_others(env: Environment, who: str) -> None:
    other = env.administrator("other@example.com")
    person = came(env, who)
    for name, way in WAYS.items():
        method, _, rule = name.partition(" ")
        path = (way.path or rule).format(id=other.id)
        answer = person.get_as_script(path) if method == "GET" else person.post(path)
        is_page = "html" in answer.headers["Content-Type"]
        word = None if is_page and answer.status in (200, 302) else answer.error
        assert (answer.status, word) == expected(who, name, way), name
    assert env.account("other").is_active


@pytest.mark.parametrize("who", ["nobody", "editor", "disabled"])
def test_a_reader_of_pages_is_led_to_the_sign_in_page_or_told_that_it_is_not_allowed(
    sqlite_env: Environment, who: str
) -> None:
    person = came(sqlite_env, who)
    for name, way in WAYS.items():
        method, _, rule = name.partition(" ")
        if method == "GET" and way.who != ANYBODY:
            answer = person.browser.send("GET", (way.path or rule).format(id=1), headers=PAGE)
            if who == "editor":
                assert answer.status == (200 if way.who == SIGNED_IN else 403), name
            else:
                assert answer.status == 303, name
                assert answer.headers["Location"].startswith("/cms/login/?next="), name


def test_no_form_is_taken_without_its_token_or_from_a_foreign_site(sqlite_env: Environment) -> None:
    other = sqlite_env.administrator("other@example.com")
    boss = superuser(sqlite_env)
    for name, way in POSTS.items():
        path = (way.path or name.partition(" ")[2]).format(id=other.id)
        assert boss.post(path, token="").error == "csrf_failed", name
        assert boss.post(path, token=boss.token()[::-1]).error == "csrf_failed", name
        foreign = boss.post_raw(path, b"", headers={"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status, foreign.error) == (403, "forbidden"), name
    assert boss.address() == BOSS


def test_who_manages_others_has_proved_the_password_lately(sqlite_env: Environment) -> None:
    other = sqlite_env.administrator("other@example.com")
    boss = superuser(sqlite_env)
    sqlite_env.clock.advance(seconds=601)
    for name, way in POSTS.items():
        if way.who == SUPERUSER:
            path = (way.path or name.partition(" ")[2]).format(id=other.id)
            answer = boss.post(path, {"reason": "because", "role": "superuser", "email": "new@example.com"})
            assert (answer.status, answer.error) == (401, "reauth_required"), name
    stored = sqlite_env.account("other")
    assert (stored.is_superuser, stored.is_active) == (False, True)


def test_only_superusers_see_the_link_to_the_administrators(sqlite_env: Environment) -> None:
    boss, editor = superuser(sqlite_env), sqlite_env.person()
    for path in ("/cms/", "/cms/profile/", "/cms/resetemail/"):
        assert 'href="/cms/users/"' in boss.page(path).text
        assert 'href="/cms/users/"' not in editor.page(path).text
