"""Every route of second factors answers malformed input with a clear 4xx, on both databases, and never with a 5xx."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models import AuthenticatorApp, LoginSession, Passkey, db
from tests.actors import Answer, Person
from tests.authenticators import Authenticator, decode, encode
from tests.environments import Environment
from tests.stories.admin_steps import BOSS, superuser
from tests.stories.factor_steps import ORIGIN, add_passkey, sign_in_first_step

VALUES: dict[str, bytes] = {
    "nothing": b"",
    "NUL": b"%00",
    "NUL inside": b"a%00b",
    "a lone surrogate": b"%ED%A0%80",
    "a lone surrogate in JSON": quote('{"id":"\\ud800","rawId":"\\ud800","type":"public-key"}').encode(),
    "no UTF-8": b"%FF%FE%80",
    "noncharacters": "\U0010ffff\uffff".encode(),
    "an override of direction": quote("Phone\u202egnp.exe").encode(),
    "many marks": quote("e" + "\u0301" * 500).encode(),
    "huge": b"x" * 60_000,
    "deep JSON": quote("[" * 10_000).encode(),
    "a number": b"1e999",
    "JSON": quote('{"id":null,"rawId":[],"type":{},"response":7}').encode(),
    "lines": b"a%0D%0Ab%0D%0AX-Header:%20y",
    "SQL": quote("' OR 1=1 --").encode(),
    "a template": quote("{{7*7}}%(name)s").encode(),
    "fullwidth digits": quote("１２３４５６").encode(),
    "other digits": quote("١٢٣٤٥٦").encode(),
}
FIELDS = ("passkey", "name", "code", "recovery_code", "password", "remember", "next", "resume", "reason")
HARMLESS = (200, 303, 307, 400, 401, 403, 404, 405, 409, 410, 413, 429)
ENDS_SESSION = {"cms_auth.logout", "cms_auth.give_up_second_step"}


def routes_of_factors(env: Environment) -> Iterator[tuple[str, str]]:
    """Yield the path and the endpoint of every POST route of second factors, so that a new one is included."""
    for rule in env.app.url_map.iter_rules():
        blueprint = rule.endpoint.partition(".")[0]
        is_of_factors = blueprint in ("cms_factors", "cms_factor_reset", "cms_auth") or "reset_factors" in str(rule)
        if is_of_factors and "POST" in (rule.methods or ()) and rule.endpoint not in ENDS_SESSION:
            path = str(rule).replace("<token>", "token")
            for argument in rule.arguments - {"token"}:
                path = path.replace(next(part for part in path.split("/") if argument in part), "1")
            yield path, rule.endpoint


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_malformed_field_of_any_route_causes_no_error(env: Environment, value: bytes) -> None:
    boss = superuser(env)
    add_passkey(boss)
    routes = list(routes_of_factors(env))
    assert len(routes) >= 13, routes
    visitor = sign_in_first_step(env, BOSS)
    for person in (boss, visitor):
        for path, endpoint in routes:
            for field in FIELDS:
                answer = person.post_raw(path, b"%s=%s" % (field.encode(), value))
                assert answer.status in HARMLESS, (endpoint, field, answer)
                assert answer.error or answer.status == 200, (endpoint, field, answer)
    assert all(len(row.name) <= 60 for row in env.rows(select(Passkey.name)))


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "9" * 40, "1e3", "%00", "x", "１"])
def test_a_malformed_number_of_a_passkey_is_not_found(env: Environment, number: str) -> None:
    ann = env.person()
    for action in ("rename", "remove"):
        answer = ann.post(f"/cms/security/passkeys/{quote(number, safe='%')}/{action}/", {"name": "x"})
        assert answer.status == (200 if number in ("0", "１") else 404), answer


@pytest.mark.parametrize("token", ["%00", "x" * 3000, "%ED%A0%80", "中", "..%2f..", "'"])
def test_a_malformed_link_that_stops_a_reset_is_invalid(env: Environment, token: str) -> None:
    visitor, path = env.visitor(), f"/cms/factor_reset/stop/{quote(token, safe='%')}/"
    assert visitor.get_as_script(path).status in (404, 410)
    assert visitor.post(path).status in (404, 410)


def test_a_code_that_is_sent_as_a_file_or_twice_is_refused(env: Environment) -> None:
    add_passkey(env.person())
    visitor = sign_in_first_step(env, "ann@example.com")
    boundary = b'--x\r\nContent-Disposition: form-data; name="code"; filename="a"\r\n\r\n123456\r\n--x--\r\n'
    sent = visitor.post_raw("/cms/login/second/", boundary, content_type="multipart/form-data; boundary=x")
    assert (sent.status, sent.error) == (400, "invalid")
    twice = visitor.post_raw("/cms/login/second/", b"code=123456&code=654321")
    assert (twice.status, twice.error) == (400, "invalid")
    document = visitor.post_raw("/cms/login/second/", b'{"code":"123456"}', content_type="application/json")
    assert document.status == 415


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10) | st.binary(max_size=20).map(encode),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "authenticatorData", "transports")
QUIET = settings(
    max_examples=100,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def created(sqlite_env: Environment) -> tuple[Environment, Person, str]:
    """Provide an administrator, and the valid response of a browser that has created a passkey."""
    ann = sqlite_env.person()
    options = ann.post("/cms/security/passkeys/options/").data["options"]
    return sqlite_env, ann, Authenticator(ORIGIN).create(options)


def submit(person: Person, passkey: object) -> list[Answer]:
    """Submit a response to each route that takes one."""
    fields = {"passkey": json.dumps(passkey), "name": "Phone"}
    paths = ("/cms/security/passkeys/", "/cms/reauth/", "/cms/login/second/")
    return [person.post(path, fields) for path in paths]


@QUIET
@given(found=JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6))
def test_any_json_in_place_of_a_response_is_refused(created: tuple[Environment, Person, str], found: object) -> None:
    _, ann, _ = created
    for answer in submit(ann, found)[:2]:
        assert (answer.status, answer.error) == (400, "passkey_refused"), answer


@QUIET
@given(data=st.data())
def test_a_changed_attestation_adds_a_passkey_that_works_or_is_refused(
    created: tuple[Environment, Person, str], data: st.DataObject
) -> None:
    """A changed bit of the model or of the id is as valid as the original one."""
    env, ann, response = created
    found = json.loads(response)
    binary = bytearray(decode(found["response"]["attestationObject"]))
    if data.draw(st.booleans()):
        binary[data.draw(st.integers(0, len(binary) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        binary = bytearray(data.draw(st.binary(max_size=300)))
    found["response"]["attestationObject"] = encode(bytes(binary))
    answer = ann.post("/cms/security/passkeys/", {"passkey": json.dumps(found), "name": "Phone"})
    assert answer.status in (200, 400, 409), answer
    if answer.status == 400:
        assert answer.error == "passkey_refused"
    with env.app.app_context():
        db.session.execute(Passkey.__table__.delete())
        db.session.commit()


def test_a_second_step_without_a_first_one_is_refused_whatever_it_contains(env: Environment) -> None:
    visitor = env.visitor()
    answer = visitor.post("/cms/login/second/", dict.fromkeys(FIELDS, "x"))
    assert (answer.status, answer.error) == (410, "sign_in_expired")
    for table in (AuthenticatorApp, LoginSession):
        assert env.rows(select(table.id)) == []
