"""Passkeys over HTTP: what a browser could send, and what it must not achieve. A refused response is always a 400."""

import html
import json
import logging
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fido2.server
import pytest
from fido2 import cbor
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.factors.passkeys import REASONS, Site
from models import LoginSession, Passkey, PendingSignIn, RecoveryCode, db
from tests.actors import Answer, Person
from tests.authenticators import ATTESTED, PRESENT, VERIFIED, Authenticator, decode, encode
from tests.environments import Environment

ORIGIN = "http://localhost"
OPTIONS, ADD = "/cms/security/passkeys/options/", "/cms/security/passkeys/"
SIGN_IN, SECOND, REAUTH = "/cms/login/passkey/", "/cms/login/second/", "/cms/reauth/"
PHONE = {"name": "Phone"}


@dataclass
class Owner:
    """An administrator who is signed in, with a device that has a passkey of theirs."""

    person: Person
    device: Authenticator
    codes: list[str]


def creation_options(person: Person) -> dict[str, Any]:
    """Return the options with which the browser of a signed-in person creates a passkey."""
    found: dict[str, Any] = person.post(OPTIONS).data["options"]
    return found


def request_options(person: Person, path: str = SIGN_IN) -> dict[str, Any]:
    """Return the options with which the browser of a person signs a challenge."""
    found: dict[str, Any] = person.get_as_script(path).data["passkey"]
    return found


def add_passkey(person: Person) -> Owner:
    """Add a passkey to the account of a signed-in person."""
    device = Authenticator(ORIGIN)
    added = person.post(ADD, {**PHONE, "passkey": device.create(creation_options(person))})
    assert added.status == 200, added
    person.discard_token()
    return Owner(person, device, added.data.get("recovery_codes", []))


def owner(env: Environment, email: str = "ann@example.com") -> Owner:
    """Return a new administrator with a passkey; later challenges are newer than its first."""
    found = add_passkey(env.person(email))
    env.clock.advance(seconds=1)
    return found


def sign_in(visitor: Person, passkey: str, **more: str) -> Answer:
    """Sign in with a passkey alone."""
    answer = visitor.post(SIGN_IN, {"passkey": passkey, **more})
    visitor.discard_token()
    return answer


def start_second_step(env: Environment, email: str = "ann@example.com") -> Person:
    """Return a new browser in which the password of an administrator was entered."""
    visitor = env.visitor(email)
    assert visitor.sign_in().data["next"].startswith(SECOND)
    return visitor


def rows(env: Environment) -> list[list[Any]]:
    """Return everything in the database that a passkey could change, except the history."""
    tables = (Passkey, LoginSession, PendingSignIn, RecoveryCode)
    return [env.rows(db.select(*each.__table__.columns).order_by(each.id)) for each in tables]


def changed(response: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Return a response with a change to its JSON."""
    found = json.loads(response)
    change(found)
    return json.dumps(found)


def client_data(**values: object) -> Callable[[dict[str, Any]], None]:
    """Return a change of what the browser tells about itself."""

    def change(found: dict[str, Any]) -> None:
        told = json.loads(decode(found["response"]["clientDataJSON"]))
        found["response"]["clientDataJSON"] = encode(json.dumps({**told, **values}).encode())

    return change


def setting(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Return a change of one part of `response`."""
    return lambda found: found["response"].__setitem__(name, value)


def attested(data: object) -> Callable[[dict[str, Any]], None]:
    """Return a change of the attestation; bytes replace its encoding."""
    return setting("attestationObject", encode(data if isinstance(data, bytes) else cbor.encode(data)))


NESTED = b"\x81" * 8000
MALFORMED: dict[str, Callable[[str], str]] = {
    "nothing but text": lambda _: "passkey",
    "no object": lambda _: "[]",
    "null": lambda _: "null",
    "a number": lambda _: "1e400",
    "deep arrays": lambda _: "[" * 8000,
    "deep objects": lambda _: '{"a":' * 2000 + "1" + "}" * 2000,
    "an empty object": lambda _: "{}",
    "no response": lambda valid: changed(valid, lambda found: found.pop("response")),
    "a response that is text": lambda valid: changed(valid, lambda found: found.update(response="x")),
    "another id": lambda valid: changed(valid, lambda found: found.update(id="AAAA")),
    "another type": lambda valid: changed(valid, lambda found: found.update(type="password")),
    "an id that is a number": lambda valid: changed(valid, lambda found: found.update(id=1, rawId=1)),
    "an id that is a lone surrogate": lambda valid: changed(valid, lambda found: found.update(id="\ud800")),
    "no base64": lambda valid: changed(valid, setting("clientDataJSON", "é***")),
    "client data that are not JSON": lambda valid: changed(valid, setting("clientDataJSON", encode(b"{"))),
    "client data that are a list": lambda valid: changed(valid, setting("clientDataJSON", encode(b"[]"))),
    "client data without a challenge": lambda valid: changed(valid, client_data(challenge=None)),
    "an empty challenge": lambda valid: changed(valid, client_data(challenge="")),
    "deep client data": lambda valid: changed(valid, setting("clientDataJSON", encode(b"[" * 8000))),
}
MALFORMED_SIGNED = {
    "no authenticator data": lambda valid: changed(valid, setting("authenticatorData", "")),
    "short authenticator data": lambda valid: changed(valid, setting("authenticatorData", encode(b"x" * 20))),
    "authenticator data with a nested extension": lambda valid: changed(
        valid, setting("authenticatorData", encode(bytes(32) + b"\x85" + bytes(4) + NESTED))
    ),
    "an empty signature": lambda valid: changed(valid, setting("signature", "")),
    "another signature": lambda valid: changed(valid, setting("signature", encode(os.urandom(70)))),
    "a number as signature": lambda valid: changed(valid, setting("signature", 7)),
    "a number as user handle": lambda valid: changed(valid, setting("userHandle", 7)),
}
MALFORMED_CREATED = {
    "CBOR that ends too early": lambda valid: changed(valid, attested(b"\x19")),
    "no CBOR": lambda valid: changed(valid, attested(b"\xff\xff")),
    "nested CBOR": lambda valid: changed(valid, attested(NESTED)),
    "CBOR that claims to be longer": lambda valid: changed(valid, attested(b"\x9b" + b"\xff" * 8)),
    "a list": lambda valid: changed(valid, attested([1, 2])),
    "no authenticator data": lambda valid: changed(valid, attested({"fmt": "none", "attStmt": {}})),
    "short authenticator data": lambda valid: changed(
        valid, attested({"fmt": "none", "attStmt": {}, "authData": b"x" * 40})
    ),
    "no attestation": lambda valid: changed(valid, setting("attestationObject", None)),
}
EACH_SIGNED = pytest.mark.parametrize(
    "forge", {**MALFORMED, **MALFORMED_SIGNED}.values(), ids={**MALFORMED, **MALFORMED_SIGNED}
)
EACH_CREATED = pytest.mark.parametrize(
    "forge", {**MALFORMED, **MALFORMED_CREATED}.values(), ids={**MALFORMED, **MALFORMED_CREATED}
)


@EACH_SIGNED
def test_a_malformed_response_to_a_challenge_is_refused_and_changes_nothing(
    sqlite_env: Environment, forge: Callable[[str], str]
) -> None:
    device, visitor = owner(sqlite_env).device, sqlite_env.visitor()
    valid, before = device.sign(request_options(visitor)), rows(sqlite_env)
    refused = sign_in(visitor, forge(valid))
    assert (refused.status, refused.error) == (400, "passkey_refused")
    assert rows(sqlite_env) == before
    assert sign_in(visitor, valid).status == 200


@EACH_CREATED
def test_a_malformed_new_passkey_is_refused_and_changes_nothing(
    sqlite_env: Environment, forge: Callable[[str], str]
) -> None:
    ann = sqlite_env.person()
    valid = Authenticator(ORIGIN).create(creation_options(ann))
    before = rows(sqlite_env)
    refused = ann.post(ADD, {**PHONE, "passkey": forge(valid)})
    assert (refused.status, refused.error) == (400, "passkey_refused")
    assert rows(sqlite_env) == before
    assert ann.post(ADD, {**PHONE, "passkey": valid}).status == 200


@pytest.mark.parametrize("size", [17_000, 1_000_000])
def test_a_long_attestation_is_refused_before_it_is_read(sqlite_env: Environment, size: int) -> None:
    ann = sqlite_env.person()
    valid = Authenticator(ORIGIN).create(creation_options(ann))
    refused = ann.post(ADD, {**PHONE, "passkey": changed(valid, attested(bytes(size)))})
    assert (refused.status, refused.error) == ((400, "invalid") if size < 65_536 else (413, "too_large"))
    assert not env_passkeys(sqlite_env)


def env_passkeys(env: Environment) -> list[Any]:
    """Return the passkeys of all accounts."""
    return env.rows(db.select(*Passkey.__table__.columns))


def test_only_the_key_of_an_attestation_is_stored(sqlite_env: Environment) -> None:
    ann, device = sqlite_env.person(), Authenticator(ORIGIN)
    valid = device.create(creation_options(ann))
    attestation = cbor.decode(decode(json.loads(valid)["response"]["attestationObject"]))
    statement = {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"a secret of the maker", "x5c": [b"serial number"]}}
    sent = changed(valid, attested({**attestation, **statement}))
    assert ann.post(ADD, {**PHONE, "passkey": sent}).status == 200
    (stored,) = env_passkeys(sqlite_env)
    assert b"serial number" not in decode(stored.credential)


KEYS: dict[str, dict[int, object]] = {
    "an unknown algorithm": {1: 2, 3: -999, -1: 1, -2: bytes(32), -3: bytes(32)},
    "no algorithm": {1: 2},
    "SHA-1": {1: 3, 3: -65535, -1: b"\xff" * 256, -2: b"\x01\x00\x01"},
    "a point that is not on the curve": {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)},
    "another curve": {1: 2, 3: -7, -1: 2, -2: bytes(32), -3: bytes(32)},
    "no point": {1: 2, 3: -7, -1: 1},
    "a point that is text": {1: 2, 3: -7, -1: 1, -2: "x", -3: "y"},
    "an empty modulus": {1: 3, 3: -257, -1: b"", -2: b"\x03"},
    "an exponent of 1": {1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\x01"},
    "a short Edwards key": {1: 1, 3: -8, -1: 6, -2: b"short"},
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_that_cannot_be_verified_is_refused(sqlite_env: Environment, key: dict[int, object]) -> None:
    """It would count as a second factor that its owner can never use."""
    ann, device = sqlite_env.person(), Authenticator(ORIGIN)
    options = creation_options(ann)
    device.rp_id = options["rp"]["id"]
    credential = bytes(16) + (32).to_bytes(2, "big") + device.credential_id + cbor.encode(key)
    data = device._data(ATTESTED) + credential
    sent = changed(device.create(options), attested({"fmt": "none", "attStmt": {}, "authData": data}))
    assert ann.post(ADD, {**PHONE, "passkey": sent}).error == "passkey_refused"
    assert env_passkeys(sqlite_env) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin", "https://localhost"), ("origin", "http://evil.example"), ("flags", PRESENT), ("flags", VERIFIED)],
)
def test_a_foreign_new_passkey_is_refused(sqlite_env: Environment, name: str, value: object) -> None:
    """Made on another site, or by a device that has not verified its user, or before which nobody was present."""
    ann, device = sqlite_env.person(), Authenticator(ORIGIN)
    setattr(device, name, value)
    assert ann.post(ADD, {**PHONE, "passkey": device.create(creation_options(ann))}).error == "passkey_refused"
    assert env_passkeys(sqlite_env) == []


def test_a_new_passkey_for_a_foreign_rp_id_is_refused(sqlite_env: Environment) -> None:
    ann = sqlite_env.person()
    options = creation_options(ann)
    options["rp"]["id"] = "evil.example"
    assert ann.post(ADD, {**PHONE, "passkey": Authenticator(ORIGIN).create(options)}).error == "passkey_refused"


def foreign_responses() -> dict[str, tuple[Callable[[Authenticator], None], str]]:
    """Return what makes a correctly signed response foreign, and the reason in the log."""
    return {
        "wrong origin": (lambda device: setattr(device, "origin", "http://localhost.example.com"), "another origin"),
        "another port": (lambda device: setattr(device, "origin", "http://localhost:8080"), "another origin"),
        "foreign rp_id": (lambda device: setattr(device, "rp_id", "example.com"), "that of another site"),
        "not verified": (lambda device: setattr(device, "flags", PRESENT), "the user was not verified"),
        "not present": (lambda device: setattr(device, "flags", VERIFIED), "the user was not present"),
        "counter not growing": (lambda device: setattr(device, "count", 0), "the passkey was copied"),
        "unknown passkey": (lambda device: setattr(device, "credential_id", os.urandom(32)), "is not known"),
        "another key": (lambda device: setattr(device, "key", Authenticator("").key), "signature is invalid"),
        "handle of nobody": (lambda device: setattr(device, "user_handle", b"x" * 43), "that of another account"),
    }


@pytest.mark.parametrize("name", foreign_responses())
def test_a_foreign_response_is_refused_and_the_reason_is_in_the_log_only(
    sqlite_env: Environment, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    ann, visitor = owner(sqlite_env), sqlite_env.visitor()
    assert sign_in(visitor, ann.device.sign(request_options(visitor))).status == 200
    sqlite_env.clock.advance(seconds=1)
    thief, before = sqlite_env.visitor(), rows(sqlite_env)
    forge, reason = foreign_responses()[name]
    forge(ann.device)
    caplog.clear()
    refused = sign_in(thief, ann.device.sign(request_options(thief)))
    assert (refused.status, refused.error) == (400, "passkey_refused")
    assert set(refused.data) == {"error"}
    assert rows(sqlite_env) == before
    (line,) = [record for record in caplog.records if record.name == "cms.security"]
    assert (line.levelno, vars(line)["refusal"], vars(line)["account"]) == (logging.WARNING, "passkey_refused", None)
    assert reason in vars(line)["reason"]
    assert reason not in refused.text


def test_every_reason_of_the_library_is_one_of_its_sentences() -> None:
    source = Path(str(fido2.server.__file__)).read_text()
    assert [sentence for sentence in REASONS if f'"{sentence}"' not in source] == []


def test_a_page_that_is_embedded_in_another_site_is_refused(sqlite_env: Environment) -> None:
    ann, visitor = owner(sqlite_env), sqlite_env.visitor()
    client = ann.device._client_data
    ann.device._client_data = lambda kind, challenge: client(kind, challenge).replace(b"false", b"true")  # type: ignore[method-assign]
    assert sign_in(visitor, ann.device.sign(request_options(visitor))).error == "passkey_refused"


def test_the_response_of_one_step_is_refused_in_another(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    visitor = start_second_step(sqlite_env)
    before = rows(sqlite_env)
    signed = {path: ann.device.sign(request_options(visitor, path)) for path in (SIGN_IN, SECOND)}
    assert visitor.post(SECOND, {"passkey": signed[SIGN_IN]}).error == "passkey_refused"
    assert visitor.post(SIGN_IN, {"passkey": signed[SECOND]}).error == "passkey_refused"
    proof = ann.device.sign(request_options(ann.person, REAUTH))
    assert visitor.post(SECOND, {"passkey": proof}).error == "passkey_refused"
    assert ann.person.post(REAUTH, {"passkey": signed[SIGN_IN]}).error == "passkey_refused"
    created = ann.device.create(creation_options(ann.person))
    assert ann.person.post(REAUTH, {"passkey": created}).error == "passkey_refused"
    assert ann.person.post(ADD, {**PHONE, "passkey": proof}).error == "passkey_refused"
    assert rows(sqlite_env) == before


def test_a_challenge_is_refused_in_another_browser_and_in_another_session(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    signed = ann.device.sign(request_options(sqlite_env.visitor()))
    assert sign_in(sqlite_env.visitor(), signed).error == "passkey_refused"
    other = sqlite_env.visitor()
    assert sign_in(other, ann.device.sign(request_options(other))).status == 200
    sqlite_env.clock.advance(seconds=1)
    proof = ann.device.sign(request_options(ann.person, REAUTH))
    assert other.post(REAUTH, {"passkey": proof}).error == "passkey_refused"
    new = Authenticator(ORIGIN).create(creation_options(ann.person))
    assert other.post(ADD, {**PHONE, "passkey": new}).error == "passkey_refused"


def test_a_challenge_is_valid_for_five_minutes(sqlite_env: Environment) -> None:
    ann, visitor = owner(sqlite_env), sqlite_env.visitor()
    late = ann.device.sign(request_options(visitor))
    sqlite_env.clock.advance(seconds=301)
    before = rows(sqlite_env)
    refused = sign_in(visitor, late)
    assert (refused.status, refused.error) == (400, "challenge_expired")
    assert rows(sqlite_env) == before
    in_time = ann.device.sign(request_options(visitor))
    sqlite_env.clock.advance(seconds=300)
    assert sign_in(visitor, in_time).status == 200


def test_the_counter_of_a_new_passkey_is_that_of_its_creation(sqlite_env: Environment) -> None:
    """A copy that was made before the first use is refused as well (WebAuthn, Level 3, 7.1)."""
    ann, visitor = sqlite_env.person("ann@example.com"), sqlite_env.visitor()
    device = Authenticator(ORIGIN, count=5)
    created = device.create(ann.post(OPTIONS).data["options"])
    assert ann.post(ADD, {**PHONE, "passkey": created}).status == 200
    sqlite_env.clock.advance(seconds=1)
    device.count = 3
    assert sign_in(visitor, device.sign(request_options(visitor))).error == "passkey_refused"
    device.count = 5
    assert sign_in(visitor, device.sign(request_options(visitor))).status == 200


def test_a_challenge_is_valid_once(sqlite_env: Environment) -> None:
    ann, visitor = owner(sqlite_env), sqlite_env.visitor()
    ann.device.count = -1  # A device without a counter.
    signed = ann.device.sign(request_options(visitor))
    assert ann.device.count == 0
    thief = sqlite_env.visitor()
    thief.browser.cookies = dict(visitor.browser.cookies)
    assert sign_in(visitor, signed).status == 200
    refused = sign_in(thief, signed)
    assert (refused.status, refused.error) == (400, "challenge_expired")


def test_an_older_challenge_of_another_device_with_the_same_passkey_can_be_repeated(sqlite_env: Environment) -> None:
    ann, phone, laptop = owner(sqlite_env), sqlite_env.visitor(), sqlite_env.visitor()
    options = request_options(phone)
    sqlite_env.clock.advance(seconds=1)
    assert sign_in(laptop, ann.device.sign(request_options(laptop))).status == 200
    assert sign_in(phone, ann.device.sign(options)).error == "challenge_expired"
    sqlite_env.clock.advance(seconds=1)
    assert sign_in(phone, ann.device.sign(request_options(phone))).status == 200


def test_a_passkey_of_another_account_is_no_second_factor_and_no_proof(sqlite_env: Environment) -> None:
    ann, bob = owner(sqlite_env), owner(sqlite_env, "bob@example.com")
    visitor = start_second_step(sqlite_env)
    before = rows(sqlite_env)
    signed = bob.device.sign(request_options(visitor, SECOND))
    assert visitor.post(SECOND, {"passkey": signed}).error == "passkey_refused"
    proof = bob.device.sign(request_options(ann.person, REAUTH))
    assert ann.person.post(REAUTH, {"passkey": proof}).error == "passkey_refused"
    assert rows(sqlite_env) == before


def test_without_an_app_what_is_missing_is_reported_at_the_recovery_code(sqlite_env: Environment) -> None:
    owner(sqlite_env)
    visitor = sqlite_env.visitor("ann@example.com", script=False)
    visitor.browser.headers["Accept-Language"] = "en"
    assert visitor.sign_in().path == SECOND
    page = visitor.post(SECOND, {"recovery_code": ""})
    assert page.status == 400
    assert (
        '<div id="recovery_code-errors" class="field-errors" data-errors-of="recovery_code"><p>Enter a code.'
        in page.text
    )
    assert 'name="code"' not in page.text
    assert page.text.count("Enter a code.") == 1


def test_the_user_handle_of_another_account_is_refused(sqlite_env: Environment) -> None:
    ann, bob, visitor = owner(sqlite_env), owner(sqlite_env, "bob@example.com"), sqlite_env.visitor()
    ann.device.user_handle = bob.device.user_handle
    assert sign_in(visitor, ann.device.sign(request_options(visitor))).error == "passkey_refused"


def test_a_passkey_of_a_disabled_account_is_refused_like_an_unknown_one(sqlite_env: Environment) -> None:
    ann, visitor = owner(sqlite_env), sqlite_env.visitor()
    sqlite_env.update_account("ann@example.com", is_active=False)
    disabled = sign_in(visitor, ann.device.sign(request_options(visitor)))
    ann.device.credential_id = os.urandom(32)
    unknown = sign_in(visitor, ann.device.sign(request_options(visitor)))
    assert disabled.body == unknown.body
    assert disabled.error == "passkey_refused"


def test_a_removed_passkey_is_refused(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    second = add_passkey(ann.person)
    sqlite_env.clock.advance(seconds=1)
    (first, _) = env_passkeys(sqlite_env)
    assert ann.person.post(f"{ADD}{first.id}/remove/").status == 200
    visitor = sqlite_env.visitor()
    assert sign_in(visitor, ann.device.sign(request_options(visitor))).error == "passkey_refused"
    assert sign_in(visitor, second.device.sign(request_options(visitor))).status == 200


def test_a_passkey_is_added_once(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    again = ann.device.create(creation_options(ann.person))
    assert ann.person.post(ADD, {**PHONE, "passkey": again}).error == "already_added"
    bob = sqlite_env.person("bob@example.com")
    taken = ann.device.create(creation_options(bob))
    assert bob.post(ADD, {**PHONE, "passkey": taken}).error == "already_added"
    assert len(env_passkeys(sqlite_env)) == 1


def test_no_passkey_is_created_on_a_device_if_it_could_not_be_added(
    sqlite_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.factors.passkeys.MOST", 1)
    ann = owner(sqlite_env).person
    assert ann.post(OPTIONS, {"name": ""}).data["fields"].keys() == {"name"}
    assert ann.post(OPTIONS, {"name": "Key"}).error == "too_many_passkeys"


def test_of_two_parallel_uses_of_one_response_one_signs_in(env: Environment) -> None:
    ann, visitor = owner(env), env.visitor()
    ann.device.count = -1  # A device without a counter: only the order of the challenges tells the two apart.
    signed = ann.device.sign(request_options(visitor))
    token, answers = visitor.token(), []
    apps = [env.app, env.build()]
    barrier = threading.Barrier(len(apps))

    def use(number: int) -> None:
        thief = env.visitor(app=apps[number])
        thief.browser.cookies = dict(visitor.browser.cookies)
        barrier.wait()
        answers.append(thief.post(SIGN_IN, {"passkey": signed}, token=token).error)

    threads = [threading.Thread(target=use, args=[number]) for number in range(len(apps))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers, key=str) == [None, "challenge_expired"]


def test_the_choice_to_stay_signed_in_and_the_next_page_are_kept(sqlite_env: Environment) -> None:
    ann, visitor = owner(sqlite_env), sqlite_env.visitor()
    signed = ann.device.sign(request_options(visitor))
    answer = sign_in(visitor, signed, remember="y", next="/cms/profile/")
    assert answer.data == {"next": "/cms/profile/"}
    newest = sqlite_env.rows(db.select(LoginSession.remembered).order_by(LoginSession.id.desc()))[0]
    assert newest.remembered
    page = sqlite_env.visitor(script=False)
    refused = page.post(SIGN_IN, {"passkey": "no", "remember": "y", "next": "/cms/profile/"})
    assert refused.status == 400
    assert re.search(r'name="remember"[^>]*checked', refused.text)
    assert refused.text.count('value="/cms/profile/"') == 2
    assert "此通行密钥无法通过验证" in refused.text
    evil = page.post(SIGN_IN, {"passkey": "no", "next": "//evil.example"})
    assert "evil.example" not in evil.text


def test_a_site_at_an_ip_address_or_without_https_has_no_passkeys(sqlite_env: Environment) -> None:
    for url in ("http://127.0.0.1:5000", "https://192.0.2.1", "https://[::1]", "http://cms.example.com", ""):
        assert Site.of(url) is None
    assert Site.of("https://CMS.example.com:8443") == Site("https://cms.example.com:8443", "cms.example.com")
    assert Site.of("https://cms.example.com:443") == Site("https://cms.example.com", "cms.example.com")
    assert Site.of("https://user:pw@cms.example.com/cms") == Site("https://cms.example.com", "cms.example.com")
    assert Site.of("https://Bücher.example") == Site("https://xn--bcher-kva.example", "xn--bcher-kva.example")
    assert Site.of("http://localhost:80") == Site("http://localhost", "localhost")
    for url in ("https://cms.example.com:99999", "https://a..\u2603b-.example"):
        assert Site.of(url) is None
    assert Site.of("http://localhost:5000") == Site("http://localhost:5000", "localhost")
    assert Site.of("http://cms.localhost") == Site("http://cms.localhost", "cms.localhost")
    visitor = sqlite_env.visitor(app=sqlite_env.app_with(SITE_URL="http://192.0.2.1"))
    page = visitor.page("/cms/login/").text
    assert "passkey" not in page
    assert "webauthn" not in page
    assert request_options(visitor) is None
    assert visitor.post(SIGN_IN, {"passkey": "{}"}).error == "passkey_refused"


def test_the_site_of_passkeys_is_that_of_the_setting_and_not_of_the_request(sqlite_env: Environment) -> None:
    visitor = sqlite_env.visitor(app=sqlite_env.app_with(SITE_URL="https://cms.example.com"))
    assert request_options(visitor)["rpId"] == "cms.example.com"


def test_a_refused_proof_says_which_methods_are_possible(sqlite_env: Environment) -> None:
    env = sqlite_env
    bob, ann = env.person("bob@example.com"), owner(env)
    env.clock.advance(seconds=601)
    assert bob.post("/cms/security/sessions/end_others/").data["methods"] == ["password"]
    methods = ann.person.post("/cms/security/sessions/end_others/").data["methods"]
    assert methods == ["passkey", "password+recovery_code"]
    means = ann.person.get_as_script(REAUTH).data
    assert means["methods"] == methods
    assert ann.person.post(REAUTH, {"passkey": ann.device.sign(means["passkey"])}).status == 200
    ann.person.discard_token()
    assert ann.person.post("/cms/security/sessions/end_others/").status == 200
    assert bob.get_as_script(REAUTH).data == {"methods": ["password"], "passkey": None}


def test_a_proof_with_a_passkey_gives_the_session_a_new_id_and_no_other_one(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    copy = sqlite_env.visitor()
    copy.browser.cookies = dict(ann.person.browser.cookies)
    assert copy.get_as_script().status == 200
    signed = ann.device.sign(request_options(ann.person, REAUTH))
    assert ann.person.post(REAUTH, {"passkey": signed}).status == 200
    assert copy.get_as_script().error == "sign_in_required"
    assert ann.person.get_as_script().status == 200


def test_without_scripts_the_interrupted_form_continues_after_a_recovery_code(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    ann.person.script = False
    sqlite_env.clock.advance(seconds=601)
    refused = ann.person.post(ADD + "1/rename/", {"name": "Old phone"})
    assert refused.status == 401
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', refused.text)
    }
    assert fields["name"] == "Old phone"
    ann.person.discard_token()
    del fields["csrf_token"]
    done = ann.person.reauth(**fields, recovery_code=ann.codes[0])
    assert done.status == 200, done
    assert env_passkeys(sqlite_env)[0].name == "Old phone"


def test_the_password_of_an_account_with_a_second_factor_is_changed_only_after_a_proof(
    sqlite_env: Environment,
) -> None:
    ann = owner(sqlite_env)
    fields = {"oldpwd": ann.person.password, "password": "a river and a hill", "repetition": "a river and a hill"}
    sqlite_env.clock.advance(seconds=601)
    assert ann.person.post("/cms/resetpwd/", fields).error == "reauth_required"
    signed = ann.device.sign(request_options(ann.person, REAUTH))
    assert ann.person.post(REAUTH, {"passkey": signed}).status == 200
    ann.person.discard_token()
    sqlite_env.clock.advance(seconds=500)
    assert ann.person.post("/cms/resetpwd/", fields).status == 200
    ann.person.discard_token()
    sqlite_env.clock.advance(seconds=101)  # The password alone did not prove the administrator again.
    assert ann.person.post("/cms/security/sessions/end_others/").error == "reauth_required"


def test_without_scripts_a_page_never_contains_the_passwords_of_an_interrupted_form(sqlite_env: Environment) -> None:
    ann = owner(sqlite_env)
    ann.person.script = False
    fields = {"oldpwd": "the old password", "password": "a river and a hill", "repetition": "a river and a hill"}
    sqlite_env.clock.advance(seconds=601)
    refused = ann.person.post("/cms/resetpwd/", fields)
    assert refused.status == 401
    assert not re.search("the old password|a river and a hill", refused.text)


PARTS = ("id", "rawId", "type", "clientDataJSON", "authenticatorData", "signature", "userHandle")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.binary(max_size=80).map(encode),
)


@pytest.fixture
def valid(sqlite_env: Environment) -> tuple[Environment, Person, str]:
    """Provide a browser, and a valid response of the passkey of an administrator to its challenge."""
    device, visitor = owner(sqlite_env).device, sqlite_env.visitor()
    visitor.token()
    return sqlite_env, visitor, device.sign(request_options(visitor))


@settings(
    max_examples=150,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_changed_response_signs_in_or_causes_an_error(
    valid: tuple[Environment, Person, str], data: st.DataObject
) -> None:
    env, visitor, response = valid
    found = json.loads(response)
    name = data.draw(st.sampled_from(PARTS))
    place = found if name in found else found["response"]
    binary = bytearray(decode(place[name])) if name not in ("type", "id") else bytearray()
    if binary and data.draw(st.booleans()):
        binary[data.draw(st.integers(0, len(binary) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        place[name] = encode(bytes(binary))
    else:
        place[name] = data.draw(VALUES.filter(lambda value: value != place[name]))
    before = env.rows(db.select(LoginSession.id))
    refused = visitor.post(SIGN_IN, {"passkey": json.dumps(found)})
    assert (refused.status, refused.error) in ((400, "passkey_refused"), (400, "challenge_expired")), refused
    assert env.rows(db.select(LoginSession.id)) == before
