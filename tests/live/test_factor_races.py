"""Second factors that are used, added and removed concurrently, in two processes: each works once."""

from collections.abc import Iterator

import pytest
from pyotp import TOTP
from sqlalchemy import select, update

from accounts.factors.pending_sign_ins import MOST
from models import AuthenticatorApp, CMSUser, LoginSession, Passkey, PendingSignIn, RecoveryCode
from tests.actors import Answer, Person
from tests.authenticators import Authenticator, app_on, options_on
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import Serve, reset_after_test
from tests.live.sites import Site, is_signed_in
from tests.live.test_races import count_errors, run_concurrently, server_errors

pytestmark = pytest.mark.real_time
CLIENTS = 30


def end_step(site: Site, person: Person) -> None:
    """Accept codes of the current time step again, as if it was over."""
    own = AuthenticatorApp.user_id == site.user_id(person.email)
    site.execute(update(AuthenticatorApp).where(own).values(last_step=0))


def add_app(site: Site, person: Person) -> tuple[str, list[str]]:
    """Add an authenticator app; return its secret and the recovery codes."""
    assert person.post("/cms/security/app/set_up/").status == 200
    app = app_on(person.page("/cms/security/app/").text)
    added = person.post("/cms/security/app/", {"code": app.now()})
    assert added.status == 200, added
    end_step(site, person)
    return app.secret, added.data["recovery_codes"]


def wait_for_second_step(site: Site, email: str, count: int) -> list[Person]:
    """Return browsers that have entered the password of an account, each with its CSRF token."""
    visitor = site.visitor(email)
    assert visitor.sign_in().data["next"] == "/cms/login/second/"
    people = [visitor, *(site.visitor(email) for _ in range(count - 1))]
    for person in people[1:]:
        person.browser.cookies = dict(visitor.browser.cookies)
    for person in people:
        person.token()
    return people


def separate_sign_ins(site: Site, email: str, count: int) -> list[Person]:
    """Return browsers that have entered the password of an account separately."""
    people = [site.visitor(email) for _ in range(count)]
    for person in people:
        assert person.sign_in().data["next"] == "/cms/login/second/"
        person.token()
    return people


@pytest.mark.parametrize("shared", [True, False], ids=["one sign-in", "separate sign-ins"])
@pytest.mark.parametrize("kind", ["code", "recovery_code"])
def test_a_code_that_is_used_thirty_times_concurrently_works_once(site: Site, kind: str, shared: bool) -> None:
    email = site.administrator()
    secret, codes = add_app(site, site.person(email))
    people = wait_for_second_step(site, email, CLIENTS) if shared else separate_sign_ins(site, email, MOST)
    user_id = site.user_id(email)
    before = site.count_sessions(user_id)
    fields = {kind: TOTP(secret).now() if kind == "code" else codes[0]}
    answers = run_concurrently(lambda number: people[number].post("/cms/login/second/", fields), len(people))
    assert not server_errors(answers)
    errors = count_errors(answers)
    assert errors[None] == 1, errors
    assert set(errors) <= {None, "second_factor_wrong", "sign_in_expired", "too_many_requests"}, errors
    assert errors["second_factor_wrong"] <= 10
    assert site.count_sessions(user_id) == before + 1
    assert site.count_event(user_id, "recovery_code_used") == (kind == "recovery_code")


def test_of_twenty_concurrent_incorrect_codes_ten_are_compared(site: Site) -> None:
    email = site.administrator()
    add_app(site, site.person(email))
    people = separate_sign_ins(site, email, MOST)
    fields = {"recovery_code": "00000-00000"}
    answers = run_concurrently(lambda number: people[number % MOST].post("/cms/login/second/", fields), 2 * MOST)
    assert count_errors(answers) == {"second_factor_wrong": 10, "too_many_requests": 10}
    assert site.count_event(site.user_id(email), "second_factor_wrong") == 10


def test_two_concurrent_enrolments_leave_one_set_of_recovery_codes(site: Site) -> None:
    """The second one finds the first, and changes neither the recovery codes nor the number of sessions."""
    ann = site.person_with_session()
    user_id = site.user_id(ann.email)
    tabs = site.clones(ann, 2)
    assert ann.post("/cms/security/app/set_up/").status == 200
    app = app_on(ann.page("/cms/security/app/").text)
    answers = run_concurrently(lambda n: tabs[n].post("/cms/security/app/", {"code": app.now()}), 2)
    assert not server_errors(answers)
    assert count_errors(answers)[None] == 1
    assert site.count(RecoveryCode, RecoveryCode.user_id == user_id) == 10
    assert site.count(AuthenticatorApp, AuthenticatorApp.user_id == user_id) == 1
    assert site.count_event(user_id, "app_added") == 1


def begin_replacement(person: Person) -> TOTP:
    """Begin to replace the authenticator app, and return the new one."""
    assert person.post("/cms/security/app/replace/").status == 200
    return app_on(person.page("/cms/security/app/").text)


def test_an_app_whose_replacement_is_completed_thirty_times_concurrently_is_replaced_once(site: Site) -> None:
    email = site.administrator()
    owner = site.person(email)
    _, codes = add_app(site, owner)
    user_id, new = site.user_id(email), begin_replacement(owner)
    tabs, fields = [owner, *site.clones(owner, CLIENTS - 1)], {"code": new.now()}
    answers = run_concurrently(lambda number: tabs[number].post("/cms/security/app/", fields), CLIENTS)
    assert not server_errors(answers)
    errors = count_errors(answers)
    assert errors[None] == 1, errors
    assert set(errors) <= {None, "set_up_expired", "sign_in_required"}, errors  # The session gets a new id.
    assert site.count(AuthenticatorApp, AuthenticatorApp.user_id == user_id) == 1
    assert site.count_event(user_id, "app_replaced") == 1
    assert site.count(RecoveryCode, RecoveryCode.user_id == user_id) == len(codes)


def test_of_two_replacements_that_two_sessions_begin_and_complete_concurrently_one_wins(site: Site) -> None:
    """The account has one secret that waits: who began last can complete it, and the other one is refused."""
    for _ in range(5):
        email = site.administrator()
        owner = site.person(email)
        secret, codes = add_app(site, owner)
        (other,) = separate_sign_ins(site, email, 1)
        assert other.post("/cms/login/second/", {"recovery_code": codes[0]}).status == 200
        other.discard_token()
        people = owner, other
        for person in people:
            person.token()

        def act(number: int, people: tuple[Person, ...] = people) -> Answer:
            person = people[number]
            assert person.post("/cms/security/app/replace/").status == 200
            page = person.get_as_script("/cms/security/app/")
            if page.status == 410:  # The other one has completed theirs between these requests.
                return page
            return person.post("/cms/security/app/", {"code": app_on(page.text).now()})

        answers = run_concurrently(act, 2)
        assert not server_errors(answers)
        user_id = site.user_id(email)
        replaced = count_errors(answers)[None]
        assert replaced == site.count_event(user_id, "app_replaced")
        assert replaced in (1, 2)  # Two if they took turns.
        active = AuthenticatorApp.user_id == user_id, AuthenticatorApp.confirmed_at.is_not(None)
        assert site.count(AuthenticatorApp, *active) == 1
        (waiting,) = separate_sign_ins(site, email, 1)
        assert waiting.post("/cms/login/second/", {"code": TOTP(secret).now()}).error == "second_factor_wrong"


def test_a_code_of_an_app_that_is_replaced_concurrently_signs_in_before_it_or_never(site: Site) -> None:
    for _ in range(5):
        email = site.administrator()
        owner = site.person(email)
        secret, _ = add_app(site, owner)
        first, second, third = separate_sign_ins(site, email, 3)
        new = begin_replacement(owner)
        owner.token()
        old_code = TOTP(secret).now()
        attempts = (
            (owner, "/cms/security/app/", new.now()),
            (first, "/cms/login/second/", old_code),
            (second, "/cms/login/second/", old_code),
        )

        def act(number: int, attempts: tuple[tuple[Person, str, str], ...] = attempts) -> Answer:
            person, path, code = attempts[number]
            return person.post(path, {"code": code})

        answers = run_concurrently(act, 3)
        assert not server_errors(answers)
        assert [answer.error for answer in answers if answer.path == "/cms/security/app/"] == [None]
        errors = count_errors([answer for answer in answers if answer.path != "/cms/security/app/"])
        assert set(errors) <= {None, "second_factor_wrong"}
        assert errors[None] <= 1
        assert third.post("/cms/login/second/", {"code": old_code}).error == "second_factor_wrong"


def test_an_app_that_is_removed_concurrently_signs_in_or_is_gone(site: Site) -> None:
    for _ in range(5):
        email = site.administrator()
        owner = site.person(email)
        secret, _ = add_app(site, owner)
        (other,) = separate_sign_ins(site, email, 1)
        owner.token()
        code = TOTP(secret).now()

        def act(number: int, owner: Person = owner, other: Person = other, code: str = code) -> Answer:
            if number:
                return owner.post("/cms/security/app/remove/")
            return other.post("/cms/login/second/", {"code": code})

        answers = run_concurrently(act, 2)
        assert not server_errors(answers)
        errors = count_errors(answers)
        assert set(errors) <= {None, "sign_in_expired"}, errors
        user_id = site.user_id(email)
        assert site.count(AuthenticatorApp, AuthenticatorApp.user_id == user_id) == 0
        assert site.count(RecoveryCode, RecoveryCode.user_id == user_id) == 0
        assert site.rows(select(CMSUser.has_second_factor).where(CMSUser.id == user_id)) == [(False,)]
        assert is_signed_in(other) == (errors[None] == 2)
        assert site.count(Passkey, Passkey.user_id == user_id) == 0
        assert site.count(LoginSession, LoginSession.user_id == user_id) == errors[None]


def test_one_first_step_that_is_continued_thirty_times_with_different_codes_uses_one_code(site: Site) -> None:
    """Each code is valid, so that only the state of the first step decides; the other codes are not used up."""
    email = site.administrator()
    _, codes = add_app(site, site.person(email))
    user_id = site.user_id(email)
    people, before = wait_for_second_step(site, email, CLIENTS), site.count_sessions(user_id)
    answers = run_concurrently(
        lambda number: people[number].post("/cms/login/second/", {"recovery_code": codes[number % 10]}), CLIENTS
    )
    assert not server_errors(answers)
    assert count_errors(answers) == {None: 1, "sign_in_expired": CLIENTS - 1}
    assert site.count_sessions(user_id) == before + 1
    assert site.count(RecoveryCode, RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)) == 9
    assert site.count(PendingSignIn, PendingSignIn.user_id == user_id) == 0
    assert [is_signed_in(person) for person in people].count(True) == 1


ORIGIN = "http://localhost"


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def _passkey_site(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Site]:
    with serve(request.param, CMS_ENV="development", SITE_URL=ORIGIN) as site:
        yield site


@pytest.fixture
def passkey_site(_passkey_site: Site) -> Iterator[Site]:
    """Provide both sites under a host name at which browsers permit passkeys."""
    yield from reset_after_test(_passkey_site)


def add_passkey(person: Person) -> Authenticator:
    """Add a passkey, and return its device, which does not count: only challenges tell its responses apart."""
    device = Authenticator(ORIGIN)
    options = person.post("/cms/security/passkeys/options/").data["options"]
    added = person.post("/cms/security/passkeys/", {"passkey": device.create(options), "name": "Phone"})
    assert added.status == 200, added
    person.discard_token()
    return device


def sign(device: Authenticator, options: dict[str, object]) -> str:
    """Sign a challenge without counting."""
    device.count = -1
    return device.sign(options)


@pytest.mark.parametrize("step", ["alone", "second step"])
def test_a_response_of_a_passkey_that_is_used_thirty_times_concurrently_works_once(
    passkey_site: Site, step: str
) -> None:
    site = passkey_site
    email = site.administrator()
    device = add_passkey(site.person(email))
    user_id = site.user_id(email)
    if step == "alone":
        path, first = "/cms/login/passkey/", site.visitor(email)
        signed = sign(device, options_on(first.page("/cms/login/").text))
        people = [first, *site.clones(first, CLIENTS - 1)]
    else:
        path, people = "/cms/login/second/", wait_for_second_step(site, email, CLIENTS)
        signed = sign(device, options_on(people[0].page(path).text))
    before = site.count_sessions(user_id)
    answers = run_concurrently(lambda number: people[number].post(path, {"passkey": signed}), CLIENTS)
    assert not server_errors(answers)
    errors = count_errors(answers)
    assert errors[None] == 1, errors
    assert set(errors) <= {None, "challenge_expired", "sign_in_expired"}, errors
    assert site.count_sessions(user_id) == before + 1


def test_a_new_passkey_that_is_submitted_thirty_times_concurrently_is_added_once(passkey_site: Site) -> None:
    site = passkey_site
    ann = site.person(site.administrator())
    device = Authenticator(ORIGIN)
    options = ann.post("/cms/security/passkeys/options/").data["options"]
    fields = {"passkey": device.create(options), "name": "Phone"}
    tabs = [ann, *site.clones(ann, CLIENTS - 1)]
    answers = run_concurrently(lambda number: tabs[number].post("/cms/security/passkeys/", fields), CLIENTS)
    assert not server_errors(answers)
    errors = count_errors(answers)
    assert errors[None] == 1, errors
    assert set(errors) <= {None, "already_added", "sign_in_required"}, errors  # The session gets a new id.
    user_id = site.user_id(ann.email)
    assert site.count(Passkey, Passkey.user_id == user_id) == 1
    assert site.count(RecoveryCode, RecoveryCode.user_id == user_id) == 10


@pytest.mark.parametrize("kind", ["code", "recovery_code"])
def test_a_code_that_is_used_concurrently_at_sign_in_and_as_a_proof_works_once(site: Site, kind: str) -> None:
    """Both use the code under the lock of the account, whatever asks for it."""
    email = site.administrator()
    owner = site.person(email)
    secret, codes = add_app(site, owner)
    visitors = separate_sign_ins(site, email, 9)
    owner.token()
    fields = {kind: TOTP(secret).now() if kind == "code" else codes[0]}

    def act(number: int) -> Answer:
        if number == 9:
            return owner.post("/cms/reauth/", {"password": owner.password, **fields})
        return visitors[number].post("/cms/login/second/", fields)

    errors = count_errors(run_concurrently(act, 10))
    assert errors == {None: 1, "second_factor_wrong": 9}, errors
