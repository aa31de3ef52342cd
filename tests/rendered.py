"""Every page of the product in all its states, for tests of the HTML."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask, template_rendered
from sqlalchemy import select

from accounts.flows import factor_reset
from models import Passkey
from tests.actors import Answer, Person
from tests.authenticators import Authenticator, app_on
from tests.environments import HERE, Environment
from tests.stories.admin_steps import act, invite, superuser
from tests.stories.factor_steps import add_passkey

OLD, NEW, NEXT = "ann@example.com", "new@example.com", "next@example.com"
PROFILE = {"username": "admin", "mobile": "1", "gender": "x", "interests": "x", "version": "1"}


class Page(NamedTuple):
    """The response of a page, and the name of its state."""

    name: str
    answer: Answer


@contextmanager
def record_templates(app: Flask) -> Iterator[set[str]]:
    """Collect the names of the templates that are rendered within the context."""
    names: set[str] = set()

    def add(_: Any, template: Any, **__: Any) -> None:
        names.add(str(template.name))

    with template_rendered.connected_to(add, app):
        yield names


def every_page(env: Environment, language: str) -> Iterator[Page]:
    """Yield every page in every state that affects its elements, in a language; the environment must be empty."""
    for group in (_open_pages, _own_pages, _pages_of_superusers, _pages_of_links, _pages_of_factors, _error_pages):
        for page in group(env, language):
            assert page.answer.status == _expected_status(page.name), f"{page.name}: {page.answer}"
            yield page


def _expected_status(name: str) -> int:
    """Return the status at the beginning of the name of a page, or 400 if the name contains "refused", or 200."""
    return int(name[:3]) if name[:3].isdigit() else 400 if "refused" in name else 200


def _visitor(env: Environment, language: str, email: str = OLD, **options: Any) -> Person:
    visitor = env.visitor(email, script=False, **options)
    visitor.browser.headers["Accept-Language"] = language
    return visitor


def _signed_in(env: Environment, language: str, email: str, **options: Any) -> Person:
    person = _visitor(env, language, email, **options)
    assert person.sign_in().status == 200
    return person


def _open_pages(env: Environment, language: str) -> Iterator[Page]:
    ann = _visitor(env, language, "first@example.com")
    yield Page("login", ann.page("/cms/login/"))
    yield Page("login, refused", ann.sign_in(password="not this one"))
    yield Page("login, malformed address refused", ann.sign_in(email="nobody"))
    yield Page("forgotpwd", ann.page("/cms/forgotpwd/"))
    yield Page("forgotpwd, refused", ann.post("/cms/forgotpwd/", {"email": ""}))
    yield Page("login, with a notice", ann.post("/cms/forgotpwd/", {"email": OLD}))
    env.administrator("first@example.com")
    ann.sign_in()
    env.signed_in("first@example.com").post("/cms/security/sessions/end_others/")
    yield Page("login, session ended", ann.page("/cms/"))


def _own_pages(env: Environment, language: str) -> Iterator[Page]:
    env.administrator(OLD)
    ann = _signed_in(env, language, OLD)
    yield Page("home", ann.page("/cms/"))
    yield Page("resetemail", ann.page())
    yield Page("resetemail, refused", ann.ask("nobody"))
    yield Page("resetemail, probable typo refused", ann.ask("ann@gmial.com"))
    yield Page("resetemail, pending", ann.ask(NEW))
    yield Page("resetemail, code refused", ann.confirm(NEW, "000000" if env.code_to(NEW) != "000000" else "000001"))
    yield Page("home, pending", ann.page("/cms/"))
    other = _signed_in(env, language, OLD)
    yield Page("resetemail, pending in another session", other.page())
    yield Page("security", ann.page("/cms/security/"))
    yield Page("profile", ann.page("/cms/profile/"))
    yield Page("profile, refused", ann.post("/cms/profile/", PROFILE))
    yield Page("resetpwd", ann.page("/cms/resetpwd/"))
    yield Page("resetpwd, refused", ann.post("/cms/resetpwd/", {"password": "short"}))
    yield Page("reauth", ann.page("/cms/reauth/"))
    yield Page("reauth, refused", ann.reauth("not this one"))
    env.clock.advance(seconds=601)
    yield Page("401, reauth with a submitted form", ann.ask(NEXT))
    yield Page("resetemail, expired", ann.page())
    two_codes = _signed_in(env, language, OLD, app=env.app_with(EMAIL_POLICY="both"))
    yield Page("resetemail, two codes", two_codes.page())
    yield Page("resetemail, two codes pending", two_codes.ask(NEXT))
    yield Page("security, two codes", two_codes.page("/cms/security/"))
    managed = _signed_in(env, language, OLD, app=env.app_with(EMAIL_POLICY="off"))
    yield Page("resetemail, off", managed.page())
    yield Page("403, resetemail, off", managed.ask(NEXT))
    yield Page("security, off", managed.page("/cms/security/"))
    limited = _signed_in(env, language, OLD, app=env.app_with(EMAIL_DOMAINS="example.com,.example.org"))
    yield Page("resetemail, domain refused", limited.ask("ann@example.net"))


def _pages_of_superusers(env: Environment, language: str) -> Iterator[Page]:
    boss = superuser(env, script=False)
    boss.browser.headers["Accept-Language"] = language
    yield Page("users", boss.page("/cms/users/"))
    yield Page("users, no results", boss.page("/cms/users/?q=zzz"))
    yield Page("users, refused", invite(boss, "nobody"))
    yield Page("users, invited", invite(boss, "guest@example.com"))
    yield Page("user", boss.page(f"/cms/users/{env.account('ann').id}/"))
    yield Page("user, refused", act(boss, env, OLD, "disable", ""))
    yield Page("user, start refused", act(boss, env, OLD, "start_change", "", email="nobody"))
    yield Page("user, started", act(boss, env, "first@example.com", "start_change", email="lost@example.com"))
    yield Page("users, started", boss.page("/cms/users/"))
    dan = env.person("dan-reset@example.com")
    add_passkey(dan)
    yield Page("user, reset refused", act(boss, env, dan.email, "reset_factors", ""))
    yield Page("user, reset", act(boss, env, dan.email, "reset_factors"))
    yield Page("users, reset", boss.page("/cms/users/"))
    dan.browser.headers["Accept-Language"] = language
    yield Page("home, reset", dan.page("/cms/"))
    yield Page("reset", dan.page("/cms/factor_reset/"))
    guest = _visitor(env, language)
    link = env.links_to(dan.email, "factor_reset/stop")[-1]
    yield Page("reset, by link", guest.page(link))
    yield Page("reset, stopped", guest.post(link))
    yield Page("reset, ended", guest.page(link))
    yield Page("reset, none", dan.page("/cms/factor_reset/"))
    act(boss, env, dan.email, "reset_factors")
    link = env.links_to(dan.email, "factor_reset/stop")[-1]
    with env.app.app_context():
        factor_reset.start(HERE, env.account("dan-reset").id, reason="lost")
    yield Page("reset, too late", guest.page(link))
    yield Page("user, disabled", act(boss, env, OLD, "disable"))
    managing = _signed_in(env, language, "boss@example.com", app=env.app_with(EMAIL_POLICY="off"))
    yield Page("user, addresses managed elsewhere", managing.page(f"/cms/users/{env.account('ann').id}/"))
    yield Page("user, own", boss.page(f"/cms/users/{env.account('boss').id}/"))


def _pages_of_links(env: Environment, language: str) -> Iterator[Page]:
    guest = _visitor(env, language)
    link = env.links_to("guest@example.com", "register")[-1]
    yield Page("register", guest.page(link))
    yield Page("register, refused", guest.post(link, {"username": "admin", "password": "short"}))
    bob = env.person("bob@example.com", script=False)
    bob.browser.headers["Accept-Language"] = language
    bob.ask("bob-new@example.com")
    yield Page("stop", guest.page(env.links_to("bob@example.com", "stop")[-1]))
    bob.confirm("bob-new@example.com", env.code_to("bob-new@example.com"))
    yield Page("stop, too late", guest.page(env.links_to("bob@example.com", "stop")[-1]))
    undo = env.links_to("bob@example.com", "undo")[-1]
    yield Page("undo", guest.page(undo))
    yield Page("undo, done", guest.post(undo))
    yield Page("410, undo twice", guest.page(undo))
    guest.discard_token()
    dan = env.person("dan@example.com", script=False)
    dan.ask("dan-new@example.com")
    stop = env.links_to("dan@example.com", "stop")[-1]
    yield Page("stop, done", guest.post(stop))
    yield Page("stop, no pending change", guest.page(stop))
    link = env.links_to("bob@example.com", "forgotpwd")[-1]
    yield Page("newpwd", guest.page(link))
    yield Page("newpwd, refused", guest.post(link, {"password": "short"}))
    chosen = {"password": "a river and a hill", "repetition": "a river and a hill"}
    yield Page("login, address filled in", guest.post(link, chosen))
    bob = _visitor(env, language, "bob@example.com")
    assert bob.sign_in(password="a river and a hill").status == 200
    yield Page("resetemail, frozen", bob.page())
    env.clock.advance(seconds=86401)
    env.signed_in("first@example.com")
    prove = env.links_to("lost@example.com", "prove")[-1]
    yield Page("prove", guest.page(prove))


def _pages_of_factors(env: Environment, language: str) -> Iterator[Page]:
    env.administrator("fay@example.com")
    fay = _signed_in(env, language, "fay@example.com")
    yield Page("app", fay.post("/cms/security/app/set_up/"))
    app = app_on(fay.page("/cms/security/app/").text)
    yield Page("app, refused", fay.post("/cms/security/app/", {"code": "12345"}))
    yield Page("recovery codes", fay.post("/cms/security/app/", {"code": app.at(env.clock.now())}))
    yield Page("app, replacement", fay.post("/cms/security/app/replace/"))
    yield Page("app, replacement refused", fay.post("/cms/security/app/", {"code": "12345"}))
    device = Authenticator("http://localhost")
    created = device.create(fay.post("/cms/security/passkeys/options/").data["options"])
    name = {"name": "<Phone> & more"}
    yield Page("security, passkey added", fay.post("/cms/security/passkeys/", {"passkey": created, **name}))
    passkey_id = env.rows(select(Passkey.id))[-1][0]
    yield Page("security, name refused", fay.post(f"/cms/security/passkeys/{passkey_id}/rename/", {"name": ""}))
    yield Page("security, passkey refused", fay.post("/cms/security/passkeys/", {"passkey": "{}", **name}))
    yield Page("reauth, second factor", fay.page("/cms/reauth/"))
    yield Page("reauth, second factor refused", fay.reauth())
    fay.sign_out()
    yield Page("login, second step", fay.sign_in())
    yield Page("login, second step refused", fay.post("/cms/login/second/", {"code": "000000"}))
    yield Page("login, recovery code refused", fay.post("/cms/login/second/", {"recovery_code": "0"}))
    env.clock.advance(minutes=11)
    yield Page("login, second step expired", fay.page("/cms/login/second/"))
    for days in ("14", "0"):
        policy = {"SECOND_FACTOR": "all", "SECOND_FACTOR_GRACE_DAYS": days}
        bob = _signed_in(env, language, "first@example.com", app=env.app_with(**policy))
        yield Page(f"home, second factor required in {days} days", bob.page("/cms/"))
        yield Page(f"security, second factor required in {days} days", bob.page("/cms/security/"))


def _error_pages(env: Environment, language: str) -> Iterator[Page]:
    visitor, bob = _visitor(env, language), _signed_in(env, language, "first@example.com")
    yield Page("404", visitor.page("/nothing/"))
    yield Page("410", visitor.page(f"/cms/register/{'A' * 43}/"))
    yield Page("404, signed in", bob.page("/nothing/"))
    yield Page("403, signed in", bob.page("/cms/users/"))
    app = env.app_with(CACHE_URL="sqlite:////dev/null/cache.db")
    yield Page("503", _visitor(env, language, app=app).page("/readyz"))
    yield Page("503, in a form", _visitor(env, language, "first@example.com", app=app).sign_in())
    yield Page("mailbox", visitor.page("/dev/mailbox/"))
