"""Every refusal of a use case is recorded in the history of the actor, or of the account of a link."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from accounts import errors
from tests.actors import PASSWORD, Answer, Person, different_code
from tests.environments import Environment
from tests.refusals import refusals
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, superuser
from tests.stories.factor_steps import add_passkey

ANN, BOB, NEW = "ann@example.com", "bob@example.com", "new@example.com"
OTHER = "another password of mine"


@dataclass
class Scene:
    """An environment with boss, a superuser, and ann, an editor, who are signed in, and with bob, another editor."""

    env: Environment
    ann: Person
    boss: Person

    def expire_reauth(self) -> None:
        """Advance the clock until no session is fresh."""
        self.env.clock.advance(seconds=601)

    def freeze_changes(self) -> str:
        """Undo a change of ann, sign her in again, and return the used undo link."""
        self.request_code()
        assert self.ann.confirm(NEW, self.env.code_to(NEW)).status == 200
        link = self.env.links_to(ANN, "undo")[-1]
        assert self.env.visitor().post(link).status == 200
        self.env.visitor().post(self.env.links_to(ANN, "forgotpwd")[-1], {"password": OTHER, "repetition": OTHER})
        self.ann.password = OTHER
        assert self.ann.sign_in().status == 200
        return link

    def request_code(self) -> str:
        """Request a code as ann, and return an incorrect one."""
        assert self.ann.ask(NEW).status == 200
        return different_code(self.env.code_to(NEW))

    def enter_incorrect_codes(self, times: int) -> Answer:
        """Enter incorrect codes as ann, and return the last response."""
        wrong = self.request_code()
        return [self.ann.confirm(NEW, wrong) for _ in range(times)][-1]

    def act_on_bob(self, action: str, **more: str) -> Answer:
        """Perform an action on bob as boss."""
        return act(self.boss, self.env, BOB, action, **more)

    def act_on_boss(self, action: str, **more: str) -> Answer:
        """Perform an action on boss as boss."""
        return act(self.boss, self.env, BOSS, action, **more)


def sequence(*steps: Callable[[Scene], object]) -> Callable[[Scene], Answer]:
    """Return a function that executes steps in order, and returns the last response."""

    def run(scene: Scene) -> Answer:
        answer = [step(scene) for step in steps][-1]
        assert isinstance(answer, Answer)
        return answer

    return run


def change_password(old: str = PASSWORD) -> Callable[[Scene], Answer]:
    """Return a function that changes the password of ann."""
    fields = {"oldpwd": old, "password": OTHER, "repetition": OTHER}
    return lambda scene: scene.ann.post("/cms/resetpwd/", fields)


def request_after_spending_tries(scene: Scene) -> Answer:
    """Spend the daily tries, and request a code."""
    for _ in range(2):
        scene.enter_incorrect_codes(5)
        scene.env.clock.advance(seconds=60)
    return scene.ann.ask(NEW)


def confirm_in_another_browser(scene: Scene) -> Answer:
    """Submit a code as ann in another browser."""
    scene.request_code()
    return scene.env.signed_in(ANN).confirm(NEW, "000000")


def confirm_dropped_change(scene: Scene) -> Answer:
    """Submit a code as ann after boss has dropped the change."""
    wrong = scene.request_code()
    assert act(scene.boss, scene.env, ANN, "drop_change").status == 200
    return scene.ann.confirm(NEW, wrong)


def stop_ended_change(scene: Scene) -> Answer:
    """Use a stop link after the change was cancelled."""
    scene.request_code()
    link = scene.env.links_to(ANN, "stop")[-1]
    assert scene.ann.cancel().status == 200
    return scene.env.visitor().post(link)


def stop_completed_change(scene: Scene) -> Answer:
    """Use a stop link after the change was completed."""
    scene.request_code()
    link = scene.env.links_to(ANN, "stop")[-1]
    assert scene.ann.confirm(NEW, scene.env.code_to(NEW)).status == 200
    return scene.env.visitor().post(link)


def stop_completed_reset(scene: Scene) -> Answer:
    """Use a stop link after the second factors of ann were removed."""
    add_passkey(scene.ann)
    assert act(scene.boss, scene.env, ANN, "reset_factors").status == 200
    link = scene.env.links_to(ANN, "factor_reset/stop")[-1]
    scene.env.clock.advance(days=1)
    scene.env.deliver()
    return scene.env.visitor().post(link)


def set_password_of_disabled_account(scene: Scene) -> Answer:
    """Use a link to set a password after the account was disabled."""
    scene.env.visitor().post("/cms/forgotpwd/", {"email": ANN})
    link = scene.env.links_to(ANN, "forgotpwd")[-1]
    scene.env.update_account(ANN, is_active=False)
    return scene.env.visitor().post(link, {"password": OTHER, "repetition": OTHER})


def register_taken_username(scene: Scene) -> Answer:
    """Register with a taken username."""
    assert invite(scene.boss, NEW).status == 200
    form = {
        "username": "bob", "password": OTHER, "repetition": OTHER, "mobile": "13812345678", "staff_number": "7",
        "gender": "other", "city": "beijing", "interests": "news", "language": "en",
    }  # fmt: skip
    return scene.env.visitor().post(scene.env.links_to(NEW, "register")[-1], form)


REFUSALS: dict[str, tuple[str, str, Callable[[Scene], Answer]]] = {
    # Each case has the event, the address of the account in whose history it is recorded, and the request.
    "request, stale": ("reauth_required", ANN, sequence(Scene.expire_reauth, lambda s: s.ann.ask(NEW))),
    "request, same": ("same_email", ANN, lambda s: s.ann.ask(ANN)),
    "request, frozen": ("changes_frozen", ANN, sequence(Scene.freeze_changes, lambda s: s.ann.ask(NEW))),
    "request, too many": ("too_many_requests", ANN, sequence(Scene.request_code, lambda s: s.ann.ask(NEW))),
    "request, spent": ("too_many_attempts", ANN, request_after_spending_tries),
    "confirm, stale": ("reauth_required", ANN, sequence(Scene.expire_reauth, lambda s: s.ann.confirm(NEW, "000000"))),
    "confirm, same": ("same_email", ANN, lambda s: s.ann.confirm(ANN, "000000")),
    "confirm, expired": ("code_expired", ANN, lambda s: s.ann.confirm(NEW, "000000")),
    "confirm, incorrect": ("code_wrong", ANN, lambda s: s.enter_incorrect_codes(1)),
    "confirm, last try": ("code_locked", ANN, lambda s: s.enter_incorrect_codes(5)),
    "confirm, locked": ("too_many_attempts", ANN, lambda s: s.enter_incorrect_codes(6)),
    "confirm, other browser": ("asked_elsewhere", ANN, confirm_in_another_browser),
    "confirm, dropped": ("change_was_dropped", ANN, confirm_dropped_change),
    "cancel, stale": ("reauth_required", ANN, sequence(Scene.expire_reauth, lambda s: s.ann.cancel())),
    "reauth, incorrect": ("password_wrong", ANN, lambda s: s.ann.reauth("guess")),
    "reauth, throttled": ("too_many_requests", ANN, lambda s: [s.ann.reauth("guess") for _ in range(11)][-1]),
    "password, incorrect": ("password_wrong", ANN, change_password("guess")),
    "password, throttled": ("too_many_requests", ANN, lambda s: [change_password("guess")(s) for _ in range(11)][-1]),
    "end others, stale": ("reauth_required", ANN,
                          sequence(Scene.expire_reauth, lambda s: s.ann.post("/cms/security/sessions/end_others/"))),
    "end one, stale": ("reauth_required", ANN,
                       sequence(Scene.expire_reauth, lambda s: s.ann.post("/cms/security/sessions/1/end/"))),
    "profile, outdated": ("profile_outdated", ANN, lambda s: s.ann.post(
        "/cms/profile/", {"username": "ann", "language": "", "version": "7"})),
    "profile, taken": ("username_taken", ANN, lambda s: s.ann.post(
        "/cms/profile/", {"username": "bob", "language": "", "version": "1"})),
    "sign in": ("sign_in_failed", ANN, lambda s: s.env.visitor(ANN).sign_in(password="guess")),
    "sign in, throttled": ("too_many_requests", ANN, lambda s: [
        s.env.visitor(ANN).sign_in(password="guess") for _ in range(11)][-1]),
    "password link, disabled": ("link_dead", ANN, set_password_of_disabled_account),
    "stop, ended": ("nothing_to_stop", ANN, stop_ended_change),
    "stop, completed": ("already_changed", NEW, stop_completed_change),
    "stop reset, completed": ("already_reset", ANN, stop_completed_reset),
    "reset, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("reset_factors")),
    "cancel reset, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("cancel_factor_reset")),
    "reset, stale": ("reauth_required", BOSS, sequence(Scene.expire_reauth, lambda s: s.act_on_bob("reset_factors"))),
    "stop own reset, stale": ("reauth_required", ANN,
                              sequence(Scene.expire_reauth, lambda s: s.ann.post("/cms/factor_reset/stop/"))),
    "register, taken": ("username_taken", BOSS, register_taken_username),
    "invite, stale": ("reauth_required", BOSS, sequence(Scene.expire_reauth, lambda s: invite(s.boss, NEW))),
    "invite, taken": ("email_taken", BOSS, lambda s: invite(s.boss, ANN)),
    "resend, unknown": ("link_dead", BOSS, lambda s: s.boss.post("/cms/users/invitations/99/resend/")),
    "role, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("role", role="editor")),
    "disable, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("disable")),
    "enable, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("enable")),
    "drop, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("drop_change")),
    "start, own": ("not_yourself", BOSS, lambda s: s.act_on_boss("start_change", email=NEW)),
    "role, stale": ("reauth_required", BOSS,
                    sequence(Scene.expire_reauth, lambda s: s.act_on_bob("role", role="superuser"))),
    "start, same": ("same_email", BOSS, lambda s: s.act_on_bob("start_change", email=BOB)),
    "start, taken": ("email_taken", BOSS, lambda s: s.act_on_bob("start_change", email=ANN)),
    "start, frozen": ("changes_frozen", BOSS, sequence(
        Scene.freeze_changes, lambda s: act(s.boss, s.env, ANN, "start_change", email="third@example.com"))),
}  # fmt: skip
TESTED_ELSEWHERE = {
    **dict.fromkeys(
        (errors.PasskeyRefused, errors.ChallengeExpired, errors.TooManyPasskeys),
        "the tests of passkeys",
    ),
    **dict.fromkeys((errors.SecondFactorWrong, errors.SignInExpired), "test_second_factor.py"),
    **dict.fromkeys((errors.AlreadyAdded, errors.SetUpExpired), "test_authenticator_app.py"),
    **dict.fromkeys((errors.SecondFactorRequired, errors.LastFactor), "test_factor_policy.py"),
    errors.SignInRequired: "test_stale_checks.py",
    errors.NotAllowed: "test_stale_checks.py",
    errors.WrongCredentials: "recorded as sign_in_failed",
    errors.CodeMissing: "test_policy.py",
    errors.ChangesOff: "test_policy.py",
    errors.DomainNotAllowed: "test_email_domains.py",
    errors.PasswordBreached: "test_breached_passwords.py",
    errors.LastSuperuser: "only the command line can raise it, because an acting superuser remains one",
    errors.HistoryBroken: "test_erasure.py: only the command line can raise it",
    errors.NobodyThere: "the page is a 404 before a use case begins",
}


@pytest.fixture
def scene(sqlite_env: Environment) -> Scene:
    """Provide the environment and its administrators."""
    boss, ann = superuser(sqlite_env), sqlite_env.person(ANN)
    sqlite_env.administrator(BOB)
    ann.token()
    boss.token()
    return Scene(sqlite_env, ann, boss)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_recorded_in_a_history(scene: Scene, name: str) -> None:
    event, email, run = REFUSALS[name]
    answer = run(scene)
    assert answer.status >= 400, answer
    scene.env.deliver()
    rows = history(scene.env, id_of(scene.env, email))
    assert event in [row.event for row in rows[-2:]], [row.event for row in rows]


def test_every_refusal_has_a_case() -> None:
    events = {event for event, _, _ in REFUSALS.values()}
    missing = {cls for cls in refusals() if cls.event not in events} - set(TESTED_ELSEWHERE)
    assert missing == set()


def test_a_refused_action_is_recorded_with_its_target(scene: Scene) -> None:
    scene.act_on_bob("start_change", email=ANN)
    row = history(scene.env, id_of(scene.env, BOSS))[-1]
    assert (row.event, row.detail) == ("email_taken", {"whose": id_of(scene.env, BOB), "email": ANN})
