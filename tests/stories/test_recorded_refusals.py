"""Every refusal of every use case is a row in a history: of the actor, or of the account of the link."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from accounts import errors
from tests.actors import PASSWORD, Answer, Person, different_code
from tests.environments import Environment
from tests.refusals import refusals
from tests.stories.admin_steps import BOSS, act, history, id_of, invite, superuser

ANN, BOB, NEW = "ann@example.com", "bob@example.com", "new@example.com"
OTHER = "another password of mine"


@dataclass
class Stage:
    """An environment with a superuser, boss, and an editor, ann, who are signed in; bob is another editor."""

    env: Environment
    ann: Person
    boss: Person

    def stale(self) -> None:
        """Let the proofs of all passwords get too old."""
        self.env.clock.advance(seconds=601)

    def frozen(self) -> str:
        """Have ann's change undone; return an undo link that was used."""
        self.asked()
        assert self.ann.confirm(NEW, self.env.code_to(NEW)).status == 200
        link = self.env.links_to(ANN, "undo")[-1]
        assert self.env.visitor().post(link).status == 200
        self.env.visitor().post(self.env.links_to(ANN, "forgotpwd")[-1], {"password": OTHER, "repetition": OTHER})
        self.ann.password = OTHER
        assert self.ann.sign_in().status == 200
        return link

    def asked(self) -> str:
        """Have ann ask for a code, and return a wrong one."""
        assert self.ann.ask(NEW).status == 200
        return different_code(self.env.code_to(NEW))

    def wrong(self, times: int) -> Answer:
        """Have ann type a wrong code so often; return the last answer."""
        wrong = self.asked()
        return [self.ann.confirm(NEW, wrong) for _ in range(times)][-1]

    def on_bob(self, what: str, **more: str) -> Answer:
        """Have boss do something to bob."""
        return act(self.boss, self.env, BOB, what, **more)

    def on_boss(self, what: str, **more: str) -> Answer:
        """Have boss do something to themselves."""
        return act(self.boss, self.env, BOSS, what, **more)


def after(*steps: Callable[[Stage], object]) -> Callable[[Stage], Answer]:
    """Return what does one step after the other, and returns the last answer."""

    def run(stage: Stage) -> Answer:
        answer = [step(stage) for step in steps][-1]
        assert isinstance(answer, Answer)
        return answer

    return run


def change_password(old: str = PASSWORD) -> Callable[[Stage], Answer]:
    """Return what changes ann's password."""
    fields = {"oldpwd": old, "password": OTHER, "repetition": OTHER}
    return lambda stage: stage.ann.post("/cms/resetpwd/", fields)


def elsewhere(stage: Stage) -> Answer:
    """Have ann type a code in another browser than the one that asked."""
    stage.asked()
    return stage.env.signed_in(ANN).confirm(NEW, "000000")


def dropped(stage: Stage) -> Answer:
    """Have ann type the code of a change that boss has dropped."""
    wrong = stage.asked()
    assert act(stage.boss, stage.env, ANN, "drop_change").status == 200
    return stage.ann.confirm(NEW, wrong)


def stopped_twice(stage: Stage) -> Answer:
    """Use a stop link whose change was cancelled."""
    stage.asked()
    link = stage.env.links_to(ANN, "stop")[-1]
    assert stage.ann.cancel().status == 200
    return stage.env.visitor().post(link)


def stopped_late(stage: Stage) -> Answer:
    """Use a stop link whose change was made."""
    stage.asked()
    link = stage.env.links_to(ANN, "stop")[-1]
    assert stage.ann.confirm(NEW, stage.env.code_to(NEW)).status == 200
    return stage.env.visitor().post(link)


def password_link_of_a_disabled_account(stage: Stage) -> Answer:
    """Use a link to set a password after the account was disabled."""
    stage.env.visitor().post("/cms/forgotpwd/", {"email": ANN})
    link = stage.env.links_to(ANN, "forgotpwd")[-1]
    stage.env.update_account(ANN, is_active=False)
    return stage.env.visitor().post(link, {"password": OTHER, "repetition": OTHER})


def invitation_of_a_name_that_is_taken(stage: Stage) -> Answer:
    """Register under a name that somebody has."""
    assert invite(stage.boss, NEW).status == 200
    form = {
        "username": "bob", "password": OTHER, "repetition": OTHER, "mobile": "13812345678", "staff_number": "7",
        "gender": "other", "city": "beijing", "interests": "news", "language": "en",
    }  # fmt: skip
    return stage.env.visitor().post(stage.env.links_to(NEW, "register")[-1], form)


REFUSALS: dict[str, tuple[str, str, Callable[[Stage], Answer]]] = {
    # The use case: the event, in whose history, and how it comes to it.
    "ask, stale": ("reauth_required", ANN, after(Stage.stale, lambda s: s.ann.ask(NEW))),
    "ask, same": ("same_email", ANN, lambda s: s.ann.ask(ANN)),
    "ask, frozen": ("changes_frozen", ANN, after(Stage.frozen, lambda s: s.ann.ask(NEW))),
    "ask, too often": ("too_many_requests", ANN, after(Stage.asked, lambda s: s.ann.ask(NEW))),
    "ask, spent": ("too_many_attempts", ANN, lambda s: (s.wrong(5), s.env.clock.advance(seconds=60), s.wrong(5),
                                                        s.env.clock.advance(seconds=60), s.ann.ask(NEW))[-1]),
    "confirm, stale": ("reauth_required", ANN, after(Stage.stale, lambda s: s.ann.confirm(NEW, "000000"))),
    "confirm, same": ("same_email", ANN, lambda s: s.ann.confirm(ANN, "000000")),
    "confirm, expired": ("code_expired", ANN, lambda s: s.ann.confirm(NEW, "000000")),
    "confirm, wrong": ("code_wrong", ANN, lambda s: s.wrong(1)),
    "confirm, last try": ("code_locked", ANN, lambda s: s.wrong(5)),
    "confirm, locked": ("too_many_attempts", ANN, lambda s: s.wrong(6)),
    "confirm, elsewhere": ("asked_elsewhere", ANN, elsewhere),
    "confirm, dropped": ("change_was_dropped", ANN, dropped),
    "cancel, stale": ("reauth_required", ANN, after(Stage.stale, lambda s: s.ann.cancel())),
    "prove, wrong": ("password_wrong", ANN, lambda s: s.ann.reauth("guess")),
    "prove, throttled": ("too_many_requests", ANN, lambda s: [s.ann.reauth("guess") for _ in range(11)][-1]),
    "password, wrong": ("password_wrong", ANN, change_password("guess")),
    "password, throttled": ("too_many_requests", ANN, lambda s: [change_password("guess")(s) for _ in range(11)][-1]),
    "end others, stale": ("reauth_required", ANN,
                          after(Stage.stale, lambda s: s.ann.post("/cms/security/sessions/end_others/"))),
    "end one, stale": ("reauth_required", ANN,
                       after(Stage.stale, lambda s: s.ann.post("/cms/security/sessions/1/end/"))),
    "profile, old": ("profile_outdated", ANN, lambda s: s.ann.post(
        "/cms/profile/", {"username": "ann", "language": "", "version": "7"})),
    "profile, taken": ("username_taken", ANN, lambda s: s.ann.post(
        "/cms/profile/", {"username": "bob", "language": "", "version": "1"})),
    "sign in": ("sign_in_failed", ANN, lambda s: s.env.visitor(ANN).sign_in(password="guess")),
    "sign in, throttled": ("too_many_requests", ANN, lambda s: [
        s.env.visitor(ANN).sign_in(password="guess") for _ in range(11)][-1]),
    "password link, disabled": ("link_dead", ANN, password_link_of_a_disabled_account),
    "stop, nothing": ("nothing_to_stop", ANN, stopped_twice),
    "stop, late": ("already_changed", NEW, stopped_late),
    "register, taken": ("username_taken", BOSS, invitation_of_a_name_that_is_taken),
    "invite, stale": ("reauth_required", BOSS, after(Stage.stale, lambda s: invite(s.boss, NEW))),
    "invite, taken": ("email_taken", BOSS, lambda s: invite(s.boss, ANN)),
    "resend, gone": ("link_dead", BOSS, lambda s: s.boss.post("/cms/users/invitations/99/resend/")),
    "role, own": ("not_yourself", BOSS, lambda s: s.on_boss("role", role="editor")),
    "disable, own": ("not_yourself", BOSS, lambda s: s.on_boss("disable")),
    "enable, own": ("not_yourself", BOSS, lambda s: s.on_boss("enable")),
    "drop, own": ("not_yourself", BOSS, lambda s: s.on_boss("drop_change")),
    "start, own": ("not_yourself", BOSS, lambda s: s.on_boss("start_change", email=NEW)),
    "role, stale": ("reauth_required", BOSS, after(Stage.stale, lambda s: s.on_bob("role", role="superuser"))),
    "start, same": ("same_email", BOSS, lambda s: s.on_bob("start_change", email=BOB)),
    "start, taken": ("email_taken", BOSS, lambda s: s.on_bob("start_change", email=ANN)),
    "start, frozen": ("changes_frozen", BOSS, after(
        Stage.frozen, lambda s: act(s.boss, s.env, ANN, "start_change", email="third@example.com"))),
}  # fmt: skip
ELSEWHERE = {
    errors.SignInRequired: "test_stale_proofs.py",
    errors.NotAllowed: "test_stale_proofs.py",
    errors.WrongCredentials: "recorded as sign_in_failed",
    errors.CodeMissing: "test_policy.py",
    errors.LastSuperuser: "only the command line can come to it: who acts stays a superuser",
    errors.NobodyThere: "a page shows 404 before a use case begins",
}


@pytest.fixture
def stage(sqlite_env: Environment) -> Stage:
    """Set the stage."""
    boss, ann = superuser(sqlite_env), sqlite_env.person(ANN)
    sqlite_env.administrator(BOB)
    ann.token()
    boss.token()
    return Stage(sqlite_env, ann, boss)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_a_row_in_a_history(stage: Stage, name: str) -> None:
    event, whose, run = REFUSALS[name]
    answer = run(stage)
    assert answer.status >= 400, answer
    stage.env.deliver()
    rows = history(stage.env, id_of(stage.env, whose))
    assert event in [row.event for row in rows[-2:]], [row.event for row in rows]


def test_the_cases_cover_every_refusal() -> None:
    walked = {event for event, _, _ in REFUSALS.values()}
    missing = {cls for cls in refusals() if cls.event not in walked} - set(ELSEWHERE)
    assert missing == set()


def test_a_refused_act_upon_somebody_tells_upon_whom(stage: Stage) -> None:
    stage.on_bob("start_change", email=ANN)
    row = history(stage.env, id_of(stage.env, BOSS))[-1]
    assert (row.event, row.detail) == ("email_taken", {"whose": id_of(stage.env, BOB), "email": ANN})
