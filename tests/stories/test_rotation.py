"""A rotation of SECRET_KEY on two machines, of which one does not yet have the settings of the other."""

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from models import EmailChange, LoginSession, db
from tests.actors import InProcess, Person
from tests.environments import Environment

ANN, NEW = "ann@example.com", "new@example.com"
SECOND = "the second key of the tests"


class Nodes:
    """The steps of a rotation: before it, the new key is known, it signs, and the former key is removed."""

    def __init__(self, env: Environment) -> None:
        """Create an application for each step."""
        first = env.settings["SECRET_KEY"].replace(",", r"\,")
        self.before = env.app
        self.prepared = env.build(SECRET_KEY_FALLBACKS=SECOND)
        self.swapped = env.build(SECRET_KEY=SECOND, SECRET_KEY_FALLBACKS=first)
        self.finished = env.build(SECRET_KEY=SECOND, AUDIT_KEY_FALLBACKS=first)


@pytest.fixture
def nodes(env: Environment) -> Nodes:
    """Provide an application for each step."""
    return Nodes(env)


def on(person: Person, app: Flask) -> Person:
    """Have the load balancer send a browser's next requests to this machine."""
    browser = person.browser
    assert isinstance(browser, InProcess)
    browser.app, browser._client = app, app.test_client(use_cookies=False)
    return person


def session_keys(env: Environment) -> list[str | None]:
    """Return the key of the cookie of every session, as its row says."""
    return [key_id for (key_id,) in env.rows(db.select(LoginSession.key_id).order_by(LoginSession.id))]


def session_token(person: Person) -> object:
    """Return what the CSRF token of a page repeats of the session."""
    return URLSafeTimedSerializer("any", salt="wtf-csrf-token").loads_unsafe(person.token())[1]


def test_a_session_continues_on_machines_before_and_after_the_swap(env: Environment, nodes: Nodes) -> None:
    ann = env.person()
    for node in (nodes.prepared, nodes.swapped, nodes.prepared, nodes.swapped):
        assert on(ann, node).get_as_script().status == 200
        assert ann.reauth().status == 200
    assert on(ann, nodes.finished).get_as_script().status == 200


def test_a_session_whose_former_key_was_removed_ends(env: Environment, nodes: Nodes) -> None:
    ann = env.person()
    on(ann, nodes.swapped).page()
    assert on(ann, nodes.finished).get_as_script().error == "sign_in_required"


def test_a_cookie_of_an_unknown_key_is_no_session(env: Environment, nodes: Nodes) -> None:
    ann = env.person(app=env.build(SECRET_KEY="a key that nobody has configured"))
    for node in (nodes.before, nodes.prepared, nodes.swapped, nodes.finished):
        assert on(ann, node).get_as_script().error == "sign_in_required"


def test_a_cookie_that_is_written_again_keeps_its_key_until_the_session_has_a_new_id(
    env: Environment, nodes: Nodes
) -> None:
    """The first page after the sign-in writes the cookie again, with the token of its forms."""
    ann = env.person(app=nodes.swapped)
    written = ann.browser.cookies["session"]
    on(ann, nodes.prepared).page()
    assert ann.browser.cookies["session"] != written
    assert on(ann, nodes.finished).get_as_script().status == 200

    bob = env.person("bob@example.com", app=nodes.prepared)
    on(bob, nodes.swapped).page()
    assert on(bob, nodes.before).get_as_script().status == 200
    former, present = session_keys(env)[1], session_keys(env)[0]
    assert former != present
    assert on(bob, nodes.swapped).reauth().status == 200
    assert session_keys(env) == [present, present]
    assert on(bob, nodes.finished).get_as_script().status == 200


def test_who_signs_in_with_the_cookie_of_an_older_page_has_the_present_key(env: Environment, nodes: Nodes) -> None:
    env.administrator(ANN)
    ann = env.visitor(ANN)
    ann.token()
    assert on(ann, nodes.swapped).sign_in().status == 200
    assert on(ann, nodes.finished).get_as_script().status == 200


def test_the_cookie_of_a_visitor_is_written_again_with_the_present_key(env: Environment, nodes: Nodes) -> None:
    visitor = env.visitor(script=False)
    value = session_token(visitor)
    assert on(visitor, nodes.swapped).post("/cms/forgotpwd/", {"email": ANN}).status == 200
    visitor.discard_token()
    assert session_token(on(visitor, nodes.finished)) == value


@pytest.mark.parametrize("script", [True, False], ids=["script", "page"])
def test_a_form_on_a_page_that_was_open_before_the_swap_is_accepted(
    env: Environment, nodes: Nodes, script: bool
) -> None:
    ann = env.person(script=script)
    token = ann.token()
    for node in (nodes.swapped, nodes.prepared, nodes.swapped):
        assert on(ann, node).post("/cms/reauth/", {"password": ann.password}, token=token).status == 200
    assert on(ann, nodes.finished).post("/cms/reauth/", {"password": ann.password}, token=token).status == 400
    ann.discard_token()
    assert ann.reauth().status == 200


def test_a_form_with_a_token_of_an_unknown_key_is_refused(env: Environment, nodes: Nodes) -> None:
    ann = env.person()
    of_session = session_token(ann)
    for secret, status in (("a key that nobody has configured", 400), (SECOND, 200)):
        forged = URLSafeTimedSerializer(secret, salt="wtf-csrf-token").dumps(of_session)
        answer = on(ann, nodes.swapped).post("/cms/reauth/", {"password": ann.password}, token=str(forged))
        assert answer.status == status, answer


@pytest.mark.parametrize("policy", ["new", "both"])
def test_a_code_in_hand_is_accepted_on_every_machine(env: Environment, policy: str) -> None:
    env.settings.update(EMAIL_POLICY=policy)
    nodes = Nodes(env)
    for number, (asked, tried) in enumerate(
        [("prepared", "swapped"), ("swapped", "prepared"), ("swapped", "finished")]
    ):
        name, new = f"ann{number}@example.com", f"new{number}@example.com"
        ann = env.person(name, app=nodes.swapped)  # Only the code is in question, not the cookie.
        assert on(ann, getattr(nodes, asked)).ask(new).status == 200
        more = {"old_captcha": env.code_to(name)} if policy == "both" else {}
        answer = on(ann, getattr(nodes, tried)).confirm(new, env.code_to(new), **more)
        assert answer.status == 200, answer


def test_a_code_whose_key_was_removed_has_expired_and_costs_no_try(env: Environment, nodes: Nodes) -> None:
    ann = env.person(app=nodes.swapped)
    assert on(ann, nodes.prepared).ask(NEW).status == 200
    ann.discard_token()
    assert on(ann, nodes.finished).confirm(NEW, env.code_to(NEW)).error == "code_expired"
    assert env.rows(db.select(EmailChange.tries)) == [(0,)]
    assert on(ann, nodes.swapped).confirm(NEW, env.code_to(NEW)).status == 200


def test_a_known_browser_stays_known(env: Environment) -> None:
    env.settings.update(SIGN_IN_TRIES_PER_ACCOUNT="1")
    nodes = Nodes(env)
    ann = env.person()
    stranger = env.visitor(ANN)
    assert [stranger.sign_in(password="a wrong password").error for _ in range(2)][-1] == "too_many_requests"
    for node in (nodes.swapped, nodes.prepared):
        on(ann, node).sign_out()
        assert ann.sign_in().status == 200
    assert env.visitor(ANN, app=nodes.swapped).sign_in().error == "too_many_requests"


def test_a_mark_of_an_unknown_key_makes_no_browser_known(env: Environment) -> None:
    env.settings.update(SIGN_IN_TRIES_PER_ACCOUNT="1")
    nodes = Nodes(env)
    ann = env.person(app=env.build(SECRET_KEY="a key that nobody has configured"))
    stranger = env.visitor(ANN)
    for _ in range(2):
        stranger.sign_in(password="a wrong password")
    assert on(ann, nodes.swapped).sign_in().error == "too_many_requests"
