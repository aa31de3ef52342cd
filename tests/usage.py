"""Administrators and visitors who use every page in every way that leads to other statements."""

from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner
from flask import Flask, request, request_started
from flask.cli import FlaskGroup

from accounts.factors import pending_sign_ins
from accounts.operations import housekeeping, measurements
from tests.actors import Answer, Person, different_code
from tests.authenticators import Authenticator, options_on
from tests.environments import Environment
from tests.population import email, username
from tests.stories.admin_steps import REGISTRATION, invite, register, superuser
from tests.stories.factor_steps import (
    add_app,
    add_passkey,
    begin_replacement,
    code_of,
    second_step,
    set_up_app,
    sign_in_first_step,
    wrong_code,
)

PASSWORDS = "a river and a hill", "a quite different phrase"
DAY_SECONDS = 86_400


@contextmanager
def record_endpoints(app: Flask) -> Iterator[set[str]]:
    """Record which routes of an application are requested within the context."""
    found: set[str] = set()

    def record(*_: object, **__: object) -> None:
        if request.endpoint:
            found.add(request.endpoint)

    with request_started.connected_to(record, app):
        yield found


def use_everything(env: Environment, accounts: int) -> None:
    """Request every page of a site with this number of administrators, deliver its mail, and clean up."""
    _use_open_pages(env)
    _change_own_address(env)
    _use_own_account(env)
    _use_second_factors(env)
    _require_second_factors(env)
    boss = superuser(env)
    _list_administrators(boss, accounts)
    _manage_administrators(env, boss)
    _invite(env, boss)
    _undo_changes_of_a_superuser(env)
    _start_changes(env)
    _reset_second_factors(env)
    _run_in_background(env)


def _ok(answer: Answer, status: int = 200) -> Answer:
    assert answer.status == status, answer
    return answer


def _act(boss: Person, user_id: int, action: str, **more: str) -> Answer:
    return boss.post(f"/cms/users/{user_id}/{action}/", {"reason": "because", **more})


def _use_open_pages(env: Environment) -> None:
    visitor = env.visitor(email(7), script=False)
    for path in ("/", "/healthz", "/readyz", "/cms/login/", "/cms/forgotpwd/", "/nothing/"):
        visitor.page(path)
    for _ in range(12):  # The last ones are throttled.
        visitor.sign_in(password="wrong")
    visitor.sign_in(email="nobody@example.com")
    for address in (email(8), "nobody@example.com"):
        visitor.post("/cms/forgotpwd/", {"email": address})
    env.deliver()
    link = env.links_to(email(8), "forgotpwd")[-1]
    _ok(visitor.page(link))
    visitor.post(link, {"password": "short"})
    _ok(visitor.post(link, {"password": PASSWORDS[0], "repetition": PASSWORDS[0]}))
    _ok(env.visitor(email(8)).sign_in(password=PASSWORDS[0]))


def _change_own_address(env: Environment) -> None:
    env.administrator("ann@example.com")
    ann, new = env.visitor("ann@example.com"), "ann-new@example.com"
    _ok(ann.sign_in())
    tab = env.signed_in("ann@example.com")
    for path in ("/cms/", "/cms/resetemail/"):
        _ok(ann.page(path))
    for wrong in ("ann@example.com", "nobody", "ann@gmial.com"):
        ann.ask(wrong)
    _ok(ann.ask(email(9)))  # It is taken; the response does not tell.
    env.clock.advance(seconds=61)
    _ok(ann.ask(new))
    _ok(ann.ask("ann-other@example.com"), 429)
    code = env.code_to(new)
    for person in (ann, tab):
        _ok(person.page("/cms/resetemail/"))
        person.confirm(new, different_code(code))
        person.confirm(new, different_code(code))
        _ok(person.page("/cms/"))
    _ok(ann.cancel())
    env.clock.advance(seconds=61)
    _ok(ann.ask(new))
    _ok(ann.get_as_script())
    stop = env.links_to("ann@example.com", "stop")[-1]
    visitor = env.visitor()
    _ok(visitor.page(stop))
    _ok(visitor.post(stop))
    for path in ("/cms/resetemail/stopped/", stop):
        visitor.page(path)
    env.clock.advance(hours=1)
    ann = env.signed_in("ann@example.com")
    for _ in range(2):
        _ok(ann.ask(new))
        for _ in range(5):
            ann.confirm(new, different_code(env.code_to(new)))
        env.clock.advance(seconds=61)
    env.clock.advance(seconds=DAY_SECONDS)
    ann = env.signed_in("ann@example.com")
    _ok(ann.ask(new))
    _ok(ann.confirm(new, env.code_to(new)))
    visitor.page(env.links_to("ann@example.com", "stop")[-1])
    undo = env.links_to("ann@example.com", "undo")[-1]
    _ok(visitor.page(undo))
    _ok(visitor.post(undo))
    for path in ("/cms/resetemail/undone/", undo):
        visitor.page(path)


def _use_own_account(env: Environment) -> None:
    bob = env.person("bob@example.com", script=False)
    for _ in range(3):
        env.signed_in("bob@example.com")
    _ok(bob.page("/cms/profile/"))
    for name in ("bob", username(5), "boss", "bobby"):
        fields = {**REGISTRATION, "username": name, "version": "1"}
        bob.post("/cms/profile/", fields)
    for path in ("/cms/security/", "/cms/security/?before=3", "/cms/resetpwd/", "/cms/reauth/"):
        _ok(bob.page(path))
    env.clock.advance(seconds=601)
    bob.post("/cms/security/sessions/end_others/")
    bob.reauth("wrong")
    _ok(bob.reauth())
    (first, *_) = _find_sessions(bob)
    _ok(bob.post(first))
    _ok(bob.post("/cms/security/sessions/end_others/"))
    passwords = {"current": bob.password, "password": PASSWORDS[1], "repetition": PASSWORDS[1]}
    bob.post("/cms/resetpwd/", {**passwords, "current": "wrong"})
    bob.post("/cms/resetpwd/", passwords)
    _ok(bob.page("/cms/users/"), 403)
    _ok(bob.page("/cms/session/"), 204)
    _ok(bob.sign_out())
    two = env.administrator("two@example.com")
    both = env.signed_in(two.email, app=env.app_with(EMAIL_POLICY="both"))
    _ok(both.ask("two-new@example.com"))
    both.confirm("two-new@example.com", env.code_to("two-new@example.com"))
    _ok(both.page("/cms/resetemail/"))


def _use_second_factors(env: Environment) -> None:
    env.administrator("hal@example.com")
    hal = env.signed_in("hal@example.com")
    phone, codes = add_passkey(hal)
    (path,) = [each for each in _find_actions(hal.page("/cms/security/"), "/passkeys/") if each.endswith("/rename/")]
    _ok(hal.post(path, {"name": "Old phone"}))
    add_app(env, hal)
    app = begin_replacement(hal)
    _ok(hal.post("/cms/security/app/", {"code": code_of(env, app)}))
    env.clock.advance(seconds=30)  # The code of this step was used.
    _ok(hal.page("/cms/security/"))
    _ok(hal.page("/cms/reauth/"))
    hal.reauth(code=wrong_code(env, app))
    for proof in ({"code": code_of(env, app)}, {"recovery_code": codes[0]}):
        _ok(hal.reauth(**proof))
    env.clock.advance(seconds=30)
    _ok(hal.post("/cms/security/recovery_codes/"))
    waiting = [sign_in_first_step(env, hal.email) for _ in range(pending_sign_ins.MOST + 1)]  # The first one ends.
    _ok(waiting[0].page("/cms/login/second/"))
    _ok(waiting[1].page("/cms/login/second/"))
    _ok(second_step(waiting[1], code=wrong_code(env, app)), 400)
    _ok(second_step(waiting[1], code=code_of(env, app)))
    _ok(waiting[2].post("/cms/login/second/cancel/"))
    _ok(second_step(waiting[3], passkey=_sign(env, phone, waiting[3], "/cms/login/second/")))
    visitor = env.visitor()
    _ok(visitor.get_as_script("/cms/login/passkey/"))
    _ok(visitor.post("/cms/login/passkey/", {"passkey": _sign(env, phone, visitor, "/cms/login/")}))
    _ok(hal.post("/cms/security/sessions/end_others/"))
    _ok(hal.post(path.replace("rename", "remove")))
    _ok(hal.post("/cms/security/app/remove/"))
    set_up_app(hal)  # Housekeeping deletes it.


def _sign(env: Environment, device: Authenticator, person: Person, path: str) -> str:
    """Sign the challenge on a page; it must be newer than the last one."""
    env.clock.advance(seconds=1)
    return device.sign(options_on(person.page(path).text))


def _require_second_factors(env: Environment) -> None:
    env.administrator("ida@example.com")
    app = env.app_with(SECOND_FACTOR="all", SECOND_FACTOR_GRACE_DAYS="1")
    ida = env.signed_in("ida@example.com", app=app)
    _ok(ida.page("/cms/"))
    env.clock.advance(days=1, seconds=1)
    ida = env.signed_in("ida@example.com", app=app)
    _ok(ida.page("/cms/security/"))
    _ok(ida.ask("ida-new@example.com"), 403)
    add_passkey(ida)
    (path,) = [each for each in _find_actions(ida.page("/cms/security/"), "/passkeys/") if each.endswith("/remove/")]
    _ok(ida.post(path), 409)


def _reset_second_factors(env: Environment) -> None:
    """Start resets that are cancelled, stopped by their owner and with the link, withdrawn, and made."""
    number = env.administrator("jan@example.com").id
    chief_number = env.administrator("chief@example.com", superuser=True).id
    jan, chief, boss = (env.signed_in(f"{name}@example.com") for name in ("jan", "chief", "boss"))
    add_passkey(jan)
    _ok(_act(boss, number, "reset_factors"))
    for path in ("/cms/users/", f"/cms/users/{number}/"):
        _ok(boss.page(path))
    for path in ("/cms/", "/cms/factor_reset/"):
        _ok(jan.page(path))
    _ok(_act(boss, number, "cancel_factor_reset"))
    _ok(_act(boss, number, "reset_factors"))
    _ok(jan.post("/cms/factor_reset/stop/"))
    env.deliver()
    env.clock.advance(seconds=1)  # So that the mail of the next one is the newest.
    _ok(_act(boss, number, "reset_factors"))
    visitor, link = env.visitor(), env.links_to(jan.email, "factor_reset/stop")[-1]
    _ok(visitor.page(link))
    _ok(visitor.post(link))
    visitor.page("/cms/factor_reset/stopped/")
    _ok(_act(chief, number, "reset_factors"))
    _ok(_act(boss, chief_number, "role", role="editor"))
    _ok(_act(boss, number, "reset_factors"))
    env.clock.advance(days=1, seconds=1)
    env.deliver()
    _ok(env.signed_in(jan.email).page("/cms/"))


def _find_actions(page: Answer, part: str) -> list[str]:
    """Return the actions of the forms on a page that contain a part."""
    return [word.split('"')[0] for word in page.text.split('action="') if part in word.split('"')[0]]


def _find_sessions(person: Person) -> list[str]:
    page = person.page("/cms/security/").text
    return sorted({word.split('"')[0] for word in page.split('action="') if word.startswith("/cms/security/sessions/")})


def _list_administrators(boss: Person, accounts: int) -> None:
    middle, last = accounts // 2, accounts
    for query in (
        *(
            "",
            "sort=email",
            f"after={username(middle)}",
            f"sort=email&after={email(middle)}",
            f"after={username(last)}",
        ),
        *(
            f"q={username(middle)[:-2]}",
            f"sort=email&q={email(middle)[:-15]}",
            "q=nobody",
            f"q=user-&after={username(last)}",
        ),
    ):
        _ok(boss.page(f"/cms/users/?{query}"))


def _manage_administrators(env: Environment, boss: Person) -> None:
    number = 11
    _ok(boss.page(f"/cms/users/{number}/"))
    other_boss = env.administrator("other-boss@example.com", superuser=True)
    for action in ("disable", "enable", "end_sessions", "send_password_link"):
        _ok(_act(boss, number, action))
    for role in ("superuser", "editor"):
        _ok(_act(boss, number, "role", role=role))
    _ok(_act(boss, other_boss.id, "disable"))
    _ok(_act(boss, number, "start_change", email="dropped@example.com"))
    _ok(boss.page("/cms/users/"))
    _ok(boss.page(f"/cms/users/{number}/"))
    _ok(_act(boss, number, "drop_change"))
    env.deliver()


def _invite(env: Environment, boss: Person) -> None:
    for address in ("guest@example.com", "second@example.com", email(12)):
        invite(boss, address)
    (found,) = [each for each in _find_invitations(boss) if each.endswith("/resend/")][:1]
    _ok(boss.post(found))
    guest, link = env.visitor(), env.links_to("guest@example.com", "register")[-1]
    _ok(guest.page(link))
    register(guest, link, username="boss")
    _ok(register(guest, link))
    (found,) = [each for each in _find_invitations(boss) if each.endswith("/withdraw/")][:1]
    _ok(boss.post(found))


def _find_invitations(boss: Person) -> list[str]:
    page = boss.page("/cms/users/").text
    return [word.split('"')[0] for word in page.split('action="') if word.startswith("/cms/users/invitations/")]


def _undo_changes_of_a_superuser(env: Environment) -> None:
    """Undo a change after the new address was used to invite somebody and to start a change."""
    eve = superuser(env, "eve@example.com")
    _ok(eve.ask("eve-new@example.com"))
    _ok(eve.confirm("eve-new@example.com", env.code_to("eve-new@example.com")))
    _ok(invite(eve, "accomplice@example.com"))
    _ok(_act(eve, 13, "start_change", email="stolen@example.com"))
    add_passkey(eve)
    _ok(env.visitor().post(env.links_to("eve@example.com", "undo")[-1]))


def _start_changes(env: Environment) -> None:
    env.clock.advance(days=1)
    boss = env.signed_in("boss@example.com")
    _ok(_act(boss, 14, "start_change", email="lost@example.com"))
    env.clock.advance(seconds=DAY_SECONDS + 1)
    visitor, link = env.visitor(), env.links_to("lost@example.com", "prove")[-1]
    _ok(visitor.page(link))
    _ok(visitor.post(link))


def _run_in_background(env: Environment) -> None:
    group = FlaskGroup(create_app=lambda: env.app)
    reason = "--reason", "because"
    now = env.clock.now().isoformat()
    for words in (
        *(("mail", "deliver"), ("mail", "failed"), ("webhooks", "list")),
        *([("webhooks", "replay", "--since", now)] if "WEBHOOKS" in env.settings else []),
        *(("housekeeping",), ("email", "history", email(13)), ("doctor", "--only", "webhooks")),
        ("admin", "reset-factors", "ida@example.com", *reason),
    ):
        result = CliRunner().invoke(group, words)
        assert result.exit_code == 0 or "doctor" in words, (words, result.output, result.exception)
    measurements.measure(env.app)
    with env.app.app_context():
        housekeeping.run_if_due()
