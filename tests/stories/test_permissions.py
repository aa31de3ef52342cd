"""The permissions of visitors, editors, superusers and disabled administrators for every route."""

from typing import NamedTuple

import pytest

from tests.actors import PAGE, WITHOUT_BODY, Person
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, superuser

PUBLIC, SIGNED_IN, SUPERUSER = "public", "signed in", "superuser"
PEOPLE = ("visitor", "editor", "superuser", "disabled")
TOKEN = "A" * 43


class Access(NamedTuple):
    """Access to a route: the required role, the status of the response to an empty form, and a path with parameters."""

    role: str
    status: int
    path: str = ""


# Every new route must be added here.
ROUTES = {
    "GET /healthz": Access(PUBLIC, 200),
    "GET /readyz": Access(PUBLIC, 200),
    "GET /dev/mailbox/": Access(
        PUBLIC, 200
    ),  # Only in development; tests/live tests that it does not exist in production.
    "GET /": Access(PUBLIC, 302),
    "GET /dev/mailbox/<message_id>/": Access(PUBLIC, 404, "/dev/mailbox/x/"),
    "GET /assets/<digest>/<path:name>": Access(PUBLIC, 404, "/assets/0/cms.css"),
    "GET /cms/login/": Access(PUBLIC, 200),
    "POST /cms/login/": Access(PUBLIC, 400),
    "GET /cms/login/passkey/": Access(PUBLIC, 200),
    "POST /cms/login/passkey/": Access(PUBLIC, 400),
    "GET /cms/login/second/": Access(PUBLIC, 410),
    "POST /cms/login/second/": Access(PUBLIC, 410),
    "POST /cms/login/second/cancel/": Access(PUBLIC, 200),
    "GET /cms/forgotpwd/": Access(PUBLIC, 200),
    "POST /cms/forgotpwd/": Access(PUBLIC, 400),
    "GET /cms/forgotpwd/<token>/": Access(PUBLIC, 410, f"/cms/forgotpwd/{TOKEN}/"),
    "POST /cms/forgotpwd/<token>/": Access(PUBLIC, 410, f"/cms/forgotpwd/{TOKEN}/"),
    "GET /cms/register/<token>/": Access(PUBLIC, 410, f"/cms/register/{TOKEN}/"),
    "POST /cms/register/<token>/": Access(PUBLIC, 410, f"/cms/register/{TOKEN}/"),
    "GET /cms/resetemail/undo/<token>/": Access(PUBLIC, 410, f"/cms/resetemail/undo/{TOKEN}/"),
    "POST /cms/resetemail/undo/<token>/": Access(PUBLIC, 410, f"/cms/resetemail/undo/{TOKEN}/"),
    "GET /cms/resetemail/stop/<token>/": Access(PUBLIC, 410, f"/cms/resetemail/stop/{TOKEN}/"),
    "POST /cms/resetemail/stop/<token>/": Access(PUBLIC, 410, f"/cms/resetemail/stop/{TOKEN}/"),
    "GET /cms/resetemail/undone/": Access(PUBLIC, 410),
    "GET /cms/resetemail/stopped/": Access(PUBLIC, 410),
    "GET /cms/resetemail/prove/<token>/": Access(PUBLIC, 410, f"/cms/resetemail/prove/{TOKEN}/"),
    "POST /cms/resetemail/prove/<token>/": Access(PUBLIC, 410, f"/cms/resetemail/prove/{TOKEN}/"),
    "GET /cms/factor_reset/stop/<token>/": Access(PUBLIC, 410, f"/cms/factor_reset/stop/{TOKEN}/"),
    "POST /cms/factor_reset/stop/<token>/": Access(PUBLIC, 410, f"/cms/factor_reset/stop/{TOKEN}/"),
    "GET /cms/factor_reset/stopped/": Access(PUBLIC, 410),
    "GET /cms/factor_reset/": Access(SIGNED_IN, 200),
    "POST /cms/factor_reset/stop/": Access(SIGNED_IN, 200),
    "GET /cms/": Access(SIGNED_IN, 200),
    "GET /cms/session/": Access(SIGNED_IN, 204),
    "GET /cms/reauth/": Access(SIGNED_IN, 200),
    "POST /cms/reauth/": Access(SIGNED_IN, 400),
    "GET /cms/profile/": Access(SIGNED_IN, 200),
    "POST /cms/profile/": Access(SIGNED_IN, 400),
    "GET /cms/resetpwd/": Access(SIGNED_IN, 200),
    "POST /cms/resetpwd/": Access(SIGNED_IN, 400),
    "GET /cms/resetemail/": Access(SIGNED_IN, 200),
    "POST /cms/resetemail/": Access(SIGNED_IN, 400),
    "POST /cms/email_captcha/": Access(SIGNED_IN, 400),
    "POST /cms/resetemail/cancel/": Access(SIGNED_IN, 200),
    "GET /cms/security/": Access(SIGNED_IN, 200),
    "POST /cms/security/sessions/<int(max=2147483647):session_id>/end/": Access(
        SIGNED_IN, 200, "/cms/security/sessions/999/end/"
    ),
    "POST /cms/security/sessions/end_others/": Access(SIGNED_IN, 200),
    "POST /cms/security/passkeys/options/": Access(SIGNED_IN, 200),
    "POST /cms/security/passkeys/": Access(SIGNED_IN, 400),
    "POST /cms/security/passkeys/<int(max=2147483647):passkey_id>/rename/": Access(
        SIGNED_IN, 400, "/cms/security/passkeys/999/rename/"
    ),
    "POST /cms/security/passkeys/<int(max=2147483647):passkey_id>/remove/": Access(
        SIGNED_IN, 200, "/cms/security/passkeys/999/remove/"
    ),
    "GET /cms/security/app/": Access(SIGNED_IN, 410),
    "POST /cms/security/app/": Access(SIGNED_IN, 400),
    "POST /cms/security/app/set_up/": Access(SIGNED_IN, 200),
    "POST /cms/security/app/replace/": Access(SIGNED_IN, 200),
    "POST /cms/security/app/remove/": Access(SIGNED_IN, 200),
    "POST /cms/security/recovery_codes/": Access(SIGNED_IN, 403),
    "GET /cms/users/": Access(SUPERUSER, 200),
    "POST /cms/users/invite/": Access(SUPERUSER, 400),
    "POST /cms/users/invitations/<int(max=2147483647):invitation_id>/resend/": Access(
        SUPERUSER, 410, "/cms/users/invitations/999/resend/"
    ),
    "POST /cms/users/invitations/<int(max=2147483647):invitation_id>/withdraw/": Access(
        SUPERUSER, 200, "/cms/users/invitations/999/withdraw/"
    ),
    "GET /cms/users/<int(max=2147483647):user_id>/": Access(SUPERUSER, 200, "/cms/users/{id}/"),
    "POST /cms/users/<int(max=2147483647):user_id>/role/": Access(SUPERUSER, 400, "/cms/users/{id}/role/"),
    "POST /cms/users/<int(max=2147483647):user_id>/disable/": Access(SUPERUSER, 400, "/cms/users/{id}/disable/"),
    "POST /cms/users/<int(max=2147483647):user_id>/enable/": Access(SUPERUSER, 400, "/cms/users/{id}/enable/"),
    "POST /cms/users/<int(max=2147483647):user_id>/end_sessions/": Access(
        SUPERUSER, 400, "/cms/users/{id}/end_sessions/"
    ),
    "POST /cms/users/<int(max=2147483647):user_id>/send_password_link/": Access(
        SUPERUSER, 400, "/cms/users/{id}/send_password_link/"
    ),
    "POST /cms/users/<int(max=2147483647):user_id>/drop_change/": Access(
        SUPERUSER, 400, "/cms/users/{id}/drop_change/"
    ),
    "POST /cms/users/<int(max=2147483647):user_id>/start_change/": Access(
        SUPERUSER, 400, "/cms/users/{id}/start_change/"
    ),
    "POST /cms/users/<int(max=2147483647):user_id>/reset_factors/": Access(
        SUPERUSER, 400, "/cms/users/{id}/reset_factors/"
    ),
    "POST /cms/users/<int(max=2147483647):user_id>/cancel_factor_reset/": Access(
        SUPERUSER, 400, "/cms/users/{id}/cancel_factor_reset/"
    ),
    "POST /cms/logout/": Access(SIGNED_IN, 200),  # The last one, because it signs out.
}
POSTS = {name: access for name, access in ROUTES.items() if name.startswith("POST")}


def test_every_route_is_tested(sqlite_env: Environment) -> None:
    rules = sqlite_env.app.url_map.iter_rules()
    assert {f"{method} {rule.rule}" for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}} == set(ROUTES)


def create_person(env: Environment, role: str) -> Person:
    """Return a person with this role, with a new browser."""
    if role == "visitor":
        return env.visitor()
    person = superuser(env, "x@example.com") if role == "superuser" else env.person("x@example.com")
    if role == "disabled":
        person.token()
        env.update_account("x@example.com", is_active=False)  # The session is not ended; only the guard refuses it.
    return person


def expected(role: str, name: str, access: Access) -> tuple[int, str | None]:
    """Return the expected status and error word."""
    refusals = {404: "not_found", 410: "link_dead", 400: "invalid", 200: None, 204: None, 302: None}
    words = {
        "GET /cms/login/second/": "sign_in_expired",
        "POST /cms/login/second/": "sign_in_expired",
        "GET /cms/security/app/": "set_up_expired",
        "POST /cms/security/recovery_codes/": "second_factor_required",
    }
    granted = access.status, words.get(name) or refusals[access.status]
    if name == "POST /cms/login/second/" and role in ("editor", "superuser"):
        return 200, None  # A signed-in administrator continues.
    if name == "GET /cms/login/" and role in ("editor", "superuser"):
        return 302, None  # A signed-in administrator is redirected.
    if access.role == PUBLIC:
        return granted
    if role in ("visitor", "disabled"):
        return 401, "sign_in_required"
    return granted if access.role == SIGNED_IN or role == "superuser" else (403, "forbidden")


@pytest.mark.parametrize("role", PEOPLE)
def test_every_role_has_access_to_its_routes_only(env: Environment, role: str) -> None:
    other = env.administrator("other@example.com")
    person = create_person(env, role)
    for name, access in ROUTES.items():
        method, _, rule = name.partition(" ")
        path = (access.path or rule).format(id=other.id)
        answer = person.get_as_script(path) if method == "GET" else person.post(path)
        if path == WITHOUT_BODY:
            assert answer.status == expected(role, name, access)[0], name
            continue
        is_page = "html" in answer.headers["Content-Type"]
        word = None if is_page and answer.status in (200, 302) else answer.error
        assert (answer.status, word) == expected(role, name, access), name
    assert env.account("other").is_active


@pytest.mark.parametrize("role", ["visitor", "editor", "disabled"])
def test_pages_redirect_visitors_to_the_sign_in_page_and_are_forbidden_for_other_roles(
    sqlite_env: Environment, role: str
) -> None:
    person = create_person(sqlite_env, role)
    for name, access in ROUTES.items():
        method, _, rule = name.partition(" ")
        if method == "GET" and access.role != PUBLIC and rule != WITHOUT_BODY:
            answer = person.browser.send("GET", (access.path or rule).format(id=1), headers=PAGE)
            if role == "editor":
                redirected = name == "GET /cms/security/app/"  # There is no app to set up.
                assert answer.status == (303 if redirected else 200 if access.role == SIGNED_IN else 403), name
            else:
                assert answer.status == 303, name
                assert answer.headers["Location"].startswith("/cms/login/?next="), name


def test_forms_without_a_csrf_token_or_from_another_site_are_refused(sqlite_env: Environment) -> None:
    other = sqlite_env.administrator("other@example.com")
    boss = superuser(sqlite_env)
    for name, access in POSTS.items():
        path = (access.path or name.partition(" ")[2]).format(id=other.id)
        assert boss.post(path, token="").error == "csrf_failed", name
        assert boss.post(path, token=boss.token()[::-1]).error == "csrf_failed", name
        foreign = boss.post_raw(path, b"", headers={"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status, foreign.error) == (403, "forbidden"), name
    assert boss.address() == BOSS


def test_managing_other_accounts_requires_a_fresh_session(sqlite_env: Environment) -> None:
    other = sqlite_env.administrator("other@example.com")
    boss = superuser(sqlite_env)
    sqlite_env.clock.advance(seconds=601)
    for name, access in POSTS.items():
        if access.role == SUPERUSER:
            path = (access.path or name.partition(" ")[2]).format(id=other.id)
            answer = boss.post(path, {"reason": "because", "role": "superuser", "email": "new@example.com"})
            assert (answer.status, answer.error) == (401, "reauth_required"), name
    stored = sqlite_env.account("other")
    assert (stored.is_superuser, stored.is_active) == (False, True)


def test_only_superusers_see_the_link_to_the_administrators(sqlite_env: Environment) -> None:
    boss, editor = superuser(sqlite_env), sqlite_env.person()
    for path in ("/cms/", "/cms/profile/", "/cms/resetemail/"):
        assert 'href="/cms/users/"' in boss.page(path).text
        assert 'href="/cms/users/"' not in editor.page(path).text
