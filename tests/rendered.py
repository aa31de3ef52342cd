"""Every page of the product in all its states, for tests of the HTML."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask, template_rendered

from tests.actors import Answer, Person
from tests.environments import Environment
from tests.stories.admin_steps import act, invite, superuser

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
    for group in (_open_pages, _own_pages, _pages_of_superusers, _pages_of_links, _error_pages):
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
    yield Page("user, disabled", act(boss, env, OLD, "disable"))
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
