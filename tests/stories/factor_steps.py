"""Steps of stories about second factors."""

from datetime import timedelta

import pyotp

from tests.actors import Answer, Person
from tests.authenticators import Authenticator, app_on
from tests.environments import Environment

ORIGIN = "http://localhost"


def add_passkey(person: Person, name: str = "Phone") -> tuple[Authenticator, list[str]]:
    """Add a passkey; return its device and the recovery codes, if it is the first second factor."""
    options = person.post("/cms/security/passkeys/options/").data["options"]
    device = Authenticator(ORIGIN)
    added = person.post("/cms/security/passkeys/", {"passkey": device.create(options), "name": name})
    assert added.status == 200, added
    return device, added.data.get("recovery_codes", [])


def set_up_app(person: Person) -> pyotp.TOTP:
    """Begin to set up an authenticator app, and return it."""
    assert person.post("/cms/security/app/set_up/").status == 200
    return app_on(person.page("/cms/security/app/").text)


def begin_replacement(person: Person) -> pyotp.TOTP:
    """Begin to replace the authenticator app, and return the new one, which is not valid yet."""
    assert person.post("/cms/security/app/replace/").data == {"next": "/cms/security/app/"}
    return app_on(person.page("/cms/security/app/").text)


def add_app(env: Environment, person: Person) -> tuple[pyotp.TOTP, list[str]]:
    """Add an authenticator app; return it and the recovery codes, if it is the first second factor.

    The clock advances, because the code of this step was used.
    """
    app = set_up_app(person)
    added = person.post("/cms/security/app/", {"code": code_of(env, app)})
    assert added.status == 200, added
    env.clock.advance(seconds=30)
    return app, added.data.get("recovery_codes", [])


def code_of(env: Environment, app: pyotp.TOTP, steps: int = 0) -> str:
    """Return the code that the app shows now, or some steps of 30 seconds later or earlier."""
    return app.at(env.clock.now() + timedelta(seconds=30 * steps))


def wrong_code(env: Environment, app: pyotp.TOTP) -> str:
    """Return a code that is not valid now."""
    valid = {code_of(env, app, steps) for steps in (-1, 0, 1)}
    return next(f"{number:06}" for number in range(4) if f"{number:06}" not in valid)


def sign_in_first_step(env: Environment, email: str, person: Person | None = None, **more: str) -> Person:
    """Enter the password of an administrator with a second factor; return the person, who waits for the second step."""
    person = person or env.visitor(email)
    if person.get_as_script("/cms/reauth/").status != 401:
        assert person.sign_out().status == 200
    answer = person.sign_in(**more)
    assert answer.status == 200, answer
    assert answer.data["next"].startswith("/cms/login/second/"), answer
    return person


def second_step(person: Person, **fields: str) -> Answer:
    """Submit the second step of a sign-in."""
    answer = person.post("/cms/login/second/", fields)
    person.discard_token()
    return answer
