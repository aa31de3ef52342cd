"""Random sequences of all actions: an address changes only to one that was verified.

Hypothesis controls two administrators with two browsers each over HTTP, advances the clock, clears the cache, restarts
the application, and reads every mail. A small model predicts every response; after every step these invariants hold:

- an address changes only to one whose code was entered in the session that requested it, or back to a former one with
  the link that was sent there;
- a code is compared at most five times, codes are compared at most ten times a day, and never after the code was
  replaced, cancelled or lost;
- two administrators never share an address in any spelling;
- every change has one row in the history, one notice to the old address and one undo link;
- no code is sent to a taken or reserved address;
- every history is intact, and no response is a 5xx.

The choices of Hypothesis depend on the seed of the run, so a run may not reach every response. Another test performs a
fixed sequence that contains every response that the model predicts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.flows import administration
from accounts.origin import COMMAND_LINE
from models import Audit, CMSUser, EmailChange, Link, db, email_key
from tests.actors import PASSWORD, Answer, InProcess, Person, code_in, different_code, link_in, text_of
from tests.environments import Clock, Environment, SharedApp, broken_histories, copy_template, settings_for
from tests.servers import MemcachedServer, PostgresServer, SmtpServer, parse_mail

ADDRESSES = ["x@example.com", "y@example.com", "X@EXAMPLE.com", "ann@example.com", "bob@example.com"]
SPANS = [1, 1, 59, 59, 300, 300, 599, 600, 601, 1800, 3500, 86400, 3 * 86400, 7 * 86400]
TRIES, TRIES_PER_DAY = 5, 10
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
CODE_SECONDS = REAUTH_SECONDS = timedelta(seconds=600)
IDLE, FREEZE, UNDO, PASSWORD_LINK = timedelta(hours=1), timedelta(hours=72), timedelta(days=7), timedelta(minutes=30)
SETTINGS = {
    # How often a code is sent is the subject of tests/stories/test_budgets.py; here it would only slow the search.
    **{f"CAPTCHA_SENDS_{name}PER_HOUR": "0" for name in ("", "PER_ADDRESS_", "PER_NETWORK_", "OVERALL_")},
    "CAPTCHA_SENDS_PER_ADDRESS_PER_DAY": "0",
    "CAPTCHA_TRIES_PER_ADDRESS_PER_DAY": "0",
    "CAPTCHA_RESEND_SECONDS": "0",
    "SIGN_IN_TRIES_PER_ACCOUNT": "0",
    "SIGN_IN_TRIES_PER_NETWORK": "0",
    "SESSION_SECONDS": str(90 * 86400),
}
WHAT_IS_ANSWERED = [
    *(f"/cms/email_captcha/ {word}" for word in (None, "same_email", "too_many_attempts", "changes_frozen")),
    *(f"/cms/email_captcha/ {word}" for word in ("reauth_required", "sign_in_required")),
    *(f"typed {word}" for word in (None, "code_wrong", "code_expired", "too_many_attempts", "email_taken")),
    *(f"typed {word}" for word in ("reauth_required", "sign_in_required", "same_email")),
    *(f"{link} {status}" for link in ("stop", "undo") for status in (200, 410)),
]
PROFILE = settings(
    database=None,
    deadline=None,
    max_examples=40,
    stateful_step_count=20,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Pending:
    """A change that waits: who asked in which sign-in for what, and the code as it was mailed, if there is one."""

    login: int
    email: str
    code: str | None
    stop: str
    asked_at: datetime
    tries: int = 0
    is_lost: bool = False


@dataclass
class Undo:
    """A link that restores an address."""

    path: str
    email: str
    expires_at: datetime
    is_alive: bool = True


@dataclass
class Who:
    """What the model knows of an administrator."""

    name: str
    email: str
    password: str | None = PASSWORD
    is_active: bool = True
    frozen_until: datetime | None = None
    pending: Pending | None = None
    undos: list[Undo] = field(default_factory=list)
    changes: int = 0
    undone: int = 0
    day_ends: datetime | None = None
    day_tries: int = 0
    password_link: tuple[str, datetime] | None = None

    @property
    def key(self) -> str:
        """Return what is compared."""
        return email_key(self.email)

    def tries_today(self, now: datetime) -> int:
        """Return how many codes were compared in the day that began with the first of them."""
        return self.day_tries if self.day_ends and now < self.day_ends else 0

    def count(self, now: datetime) -> None:
        """Count a comparison."""
        if self.tries_today(now) == 0:
            self.day_ends, self.day_tries = now + timedelta(days=1), 0
        self.day_tries += 1


@dataclass
class Browser:
    """One of the two browsers of an administrator; every sign-in has a number of its own."""

    who: Who
    person: Person
    login: int = 0
    is_in: bool = False
    seen_at: datetime = LONG_AGO
    proved_at: datetime = LONG_AGO


@dataclass(frozen=True)
class Letter:
    """A mail, as far as it matters here."""

    to: str
    message: EmailMessage

    @property
    def code(self) -> str | None:
        """Return the code, or None."""
        return code_in(self.message) if re.match("[0-9]{6}", str(self.message["Subject"])) else None

    def link(self, kind: str) -> str | None:
        """Return the link of this kind, or None."""
        return link_in(self.message) if f"/{kind}/" in text_of(self.message) else None


def browsers() -> st.SearchStrategy[int]:
    """Pick one of the four browsers."""
    return st.integers(0, 3)


def mostly() -> st.SearchStrategy[bool]:
    """Say yes three times out of four."""
    return st.sampled_from([True, True, True, False])


class Story(RuleBasedStateMachine):
    """Two administrators, four browsers, and everything that can happen to them."""

    def __init__(self, provide_env: Callable[[], tuple[Environment, Callable[[], None]]], seen: Counter[str]) -> None:
        """Move into a fresh environment; `seen` counts what was answered."""
        super().__init__()
        self.seen = seen
        self.env, self.leave = provide_env()
        self.clock, self.logins, self.read, self.restarts = self.env.clock, 0, 0, 0
        self.files: set[Path] = set()
        self.codes: list[str] = []
        self.ids: dict[str, int] = {}
        self.stops: list[str] = []
        self.people = [Who(name, f"{name}@example.com") for name in ("ann", "bob")]
        self.browsers: list[Browser] = []

    @initialize()
    def begin(self) -> None:
        """Make both administrators and sign them in at both of their browsers."""
        for who in self.people:
            self.ids[who.name] = self.env.administrator(who.email).id
            for _ in range(2):
                self.browsers.append(Browser(who, self.env.visitor(who.email)))
        for number in range(4):
            self.sign_in(number)

    def teardown(self) -> None:
        """Move out."""
        self.leave()

    # What people do.

    @rule(
        number=browsers(),
        email=st.sampled_from(ADDRESSES),
        is_ready=mostly(),
        away=st.sampled_from([0, 0, 0, 0, 300, 601]),
        is_sure=st.booleans(),
    )
    def ask(self, number: int, email: str, is_ready: bool, away: int, is_sure: bool) -> None:
        """Ask for a code, mostly as one should, sometimes after a while; and then often type it at once."""
        if is_ready:
            self.gets_ready(number)
        self.clock.advance(seconds=away)
        browser = self.browsers[number]
        who, is_free = browser.who, self.is_free(email, browser.who)
        answer, letters = self.does(browser, lambda person: person.ask(email))
        if answer.error is not None:
            assert letters == []
            spent = who.tries_today(self.now) >= TRIES_PER_DAY
            assert not self.may_act(browser) or spent or who.key == email_key(email), answer
            return
        assert self.may_act(browser)
        assert who.tries_today(self.now) < TRIES_PER_DAY
        assert who.key != email_key(email)
        of_target = [letter for letter in letters if email_key(letter.to) == email_key(email)]
        of_present = [letter for letter in letters if email_key(letter.to) == who.key]
        assert (len(of_target), len(of_present), len(letters)) == (1, 1, 2)
        code, stop = of_target[0].code, of_present[0].link("stop")
        assert (code is not None) is is_free, "a code went to an address that is taken, or none to a free one"
        assert of_present[0].code is None
        assert stop is not None
        self.codes += [code] if code else []
        self.stops.append(stop)
        who.pending = Pending(browser.login, email, code, stop, self.now)
        if is_sure:
            self.type(number, email.swapcase(), code or "000000")

    @precondition(lambda self: self.is_pending())
    @rule(which=st.integers(0, 1), is_there=st.booleans(), away=st.sampled_from([0, 0, 300, 601]), is_ready=mostly())
    def type_the_right_code(self, which: int, is_there: bool, away: int, is_ready: bool) -> None:
        """Type the code of the change that waits: in the browser that asked for it or not, sometimes after a while."""
        pending, number = self.people[which].pending, self.browser_of(which, is_there=is_there)
        self.clock.advance(seconds=away)
        if pending:
            if is_ready:
                self.gets_ready(number)
            self.type(number, pending.email.swapcase(), pending.code or "000000")

    @precondition(lambda self: self.is_pending())
    @rule(which=st.integers(0, 1), is_there=mostly(), times=st.integers(1, 6))
    def type_wrong_codes(self, which: int, is_there: bool, times: int) -> None:
        """Guess, and guess again."""
        pending, number = self.people[which].pending, self.browser_of(which, is_there=is_there)
        for number_of_try in range(times if pending else 0):
            self.type(number, pending.email, different_code(pending.code or "000000"))
            if pending.tries <= number_of_try:
                break

    # Attacks, each from its beginning: a random order alone would seldom come to the point of one.

    @rule(number=browsers(), email=st.sampled_from(ADDRESSES))
    def the_code_is_typed_in_the_other_browser(self, number: int, email: str) -> None:
        """Ask in one session and type the code in another one of the same person."""
        self.ask(number, email, is_ready=True, away=0, is_sure=False)
        self.type_the_right_code(number // 2, is_there=False, away=0, is_ready=True)

    @rule(number=browsers(), emails=st.permutations(ADDRESSES))
    def the_code_is_typed_for_another_address(self, number: int, emails: list[str]) -> None:
        """Prove one address, and try to get another one with that."""
        self.ask(number, emails[0], is_ready=True, away=0, is_sure=False)
        if self.codes:
            self.type(number, emails[1], self.codes[-1])

    @rule(number=browsers(), emails=st.permutations(ADDRESSES), which=st.integers(0, 1))
    def an_older_code_is_typed(self, number: int, emails: list[str], which: int) -> None:
        """Ask twice, and type the code of the first mail, for either address."""
        self.ask(number, emails[0], is_ready=True, away=0, is_sure=False)
        older = self.codes[-1:]
        self.ask(number, emails[1], is_ready=True, away=0, is_sure=False)
        for code in older:
            self.type(number, emails[which], code)

    @rule(number=browsers(), email=st.sampled_from(ADDRESSES), away=st.sampled_from([599, 600]), is_ready=st.booleans())
    def the_code_is_typed_late(self, number: int, email: str, away: int, is_ready: bool) -> None:
        """Type the code in its last second, or a second after that; or when the password is too old, too."""
        self.ask(number, email, is_ready=True, away=0, is_sure=False)
        self.type_the_right_code(number // 2, is_there=True, away=away if is_ready else 601, is_ready=is_ready)

    @rule(number=browsers(), email=st.sampled_from(ADDRESSES))
    def the_code_of_a_cancelled_change_is_typed(self, number: int, email: str) -> None:
        """Cancel, and type the code all the same."""
        self.ask(number, email, is_ready=True, away=0, is_sure=False)
        self.cancel(number)
        if self.codes:
            self.type(number, email, self.codes[-1])

    @rule(number=browsers(), emails=st.permutations(ADDRESSES), times=st.integers(1, 2), data=st.data())
    def a_change_is_undone(self, number: int, emails: list[str], times: int, data: st.DataObject) -> None:
        """Change the address once or twice, undo that with any link that there is, and ask again."""
        for email in emails[:times]:
            self.ask(number, email, is_ready=True, away=0, is_sure=True)
        if self.browsers[number].who.undos:
            self.follow_an_undo_link(data)
        self.ask(number, emails[-1], is_ready=True, away=0, is_sure=True)

    @rule(number=browsers(), email=st.sampled_from(ADDRESSES))
    def all_tries_of_a_day_are_spent(self, number: int, email: str) -> None:
        """Guess at code after code."""
        for _ in range(3):
            self.ask(number, email, is_ready=True, away=0, is_sure=False)
            self.type_wrong_codes(number // 2, is_there=True, times=6)

    @rule(email=st.sampled_from(ADDRESSES), numbers=st.permutations([0, 2]))
    def both_ask_for_one_address(self, email: str, numbers: list[int]) -> None:
        """Have both administrators ask for the same address, and both type their codes."""
        for number in numbers:
            self.ask(number, email, is_ready=True, away=0, is_sure=False)
        for number in numbers:
            self.type_the_right_code(number // 2, is_there=True, away=0, is_ready=True)

    @precondition(lambda self: self.codes)
    @rule(which=st.integers(0, 1), is_there=mostly(), email=st.sampled_from(ADDRESSES), back=st.integers(0, 3))
    def type_some_code(self, which: int, is_there: bool, email: str, back: int) -> None:
        """Type any code that was mailed to anybody, for any address: the code of another address among them."""
        number = self.browser_of(which, is_there=is_there)
        if self.people[which].pending:
            self.gets_ready(number)
        self.type(number, email, self.codes[max(0, len(self.codes) - 1 - back)])

    @precondition(lambda self: self.is_pending())
    @rule(number=browsers())
    def cancel(self, number: int) -> None:
        """Cancel the change."""
        browser = self.browsers[number]
        answer, letters = self.does(browser, Person.cancel)
        assert letters == []
        if answer.error is None:
            browser.who.pending = None
        assert (answer.error is None) is self.may_act(browser, frozen_matters=False)

    @precondition(lambda self: any(map(self.is_in, self.browsers)))
    @rule(number=browsers())
    def sign_out(self, number: int) -> None:
        """Sign out."""
        browser = self.browsers[number]
        self.does(browser, Person.sign_out)
        if browser.who.is_active:
            self.ends(browser)

    @rule(number=browsers())
    def sign_in(self, number: int) -> None:
        """Sign in, with the address and the password of the day; the session that was there before ends."""
        browser = self.browsers[number]
        who = browser.who
        answer, _ = self.does(
            browser, lambda person: person.sign_in(email=who.email, password=who.password or "no password")
        )
        if who.is_active:
            self.ends(browser)
        assert (answer.error is None) is (who.is_active and who.password is not None), answer
        if answer.error is None:
            self.logins += 1
            browser.login, browser.is_in = self.logins, True
            browser.seen_at = browser.proved_at = self.now

    @rule(number=browsers(), is_right=st.booleans())
    def prove_the_password(self, number: int, is_right: bool) -> None:
        """Prove the password once more, or try to."""
        browser = self.browsers[number]
        typed = (browser.who.password or "") if is_right else "guess"
        answer, _ = self.does(browser, lambda person: person.reauth(typed))
        if answer.error is None:
            assert is_right
            assert self.is_in(browser)
            browser.proved_at = self.now

    @rule(number=browsers())
    def look(self, number: int) -> None:
        """Open the page: it shows the present address, to who is signed in."""
        browser = self.browsers[number]
        answer, _ = self.does(browser, Person.get_as_script)
        assert (answer.error is None) is self.is_in(browser), answer
        if answer.error is None:
            assert answer.data["email"] == browser.who.email

    @precondition(lambda self: all(map(self.is_in, self.browsers[:2])) or all(map(self.is_in, self.browsers[2:])))
    @rule(number=browsers())
    def end_all_other_sessions(self, number: int) -> None:
        """End the session of the other browser."""
        browser = self.browsers[number]
        answer, _ = self.does(browser, lambda person: person.post("/cms/security/sessions/end_others/"))
        if answer.error is None:
            assert self.may_act(browser, frozen_matters=False)
            self.ends_others(browser)

    @precondition(lambda self: self.stops)
    @rule(which=st.integers(0, 1), is_current=mostly(), back=st.integers(0, 2))
    def follow_a_stop_link(self, which: int, is_current: bool, back: int) -> None:
        """Follow the stop link of a change that waits, or an older one: it is opened, as scanners do, and pressed."""
        change = self.people[which].pending if is_current else None
        path = change.stop if change else self.stops[max(0, len(self.stops) - 1 - back)]
        owner = next((who for who in self.people if who.pending and who.pending.stop == path), None)
        pending = owner.pending if owner else None
        is_alive = pending is not None and self.now - pending.asked_at < CODE_SECONDS
        (opened, _), (pressed, letters) = self.followed(path)
        assert (pressed.status == 200) is is_alive, pressed
        assert opened.status == 200 or not is_alive, opened  # One of a change that is over says what became of it.
        assert letters == []
        if is_alive and owner and pending:
            owner.pending = None
            for browser in self.browsers:
                if browser.login == pending.login:
                    self.ends(browser)

    @precondition(lambda self: any(who.undos for who in self.people))
    @rule(data=st.data())
    def follow_an_undo_link(self, data: st.DataObject) -> None:
        """Follow any undo link that was ever mailed."""
        self.follow(*data.draw(st.sampled_from([(who, undo) for who in self.people for undo in who.undos])))

    def follow(self, owner: Who, undo: Undo) -> None:
        """Open the page of an undo link and press its button; if the link lives the address is restored."""
        is_alive, lost = undo.is_alive and self.now < undo.expires_at, owner.email
        (opened, _), (pressed, letters) = self.followed(undo.path)
        assert (opened.status == 200, pressed.status == 200) == (is_alive, is_alive), (opened, pressed)
        if not is_alive:
            assert letters == []
            return
        assert sorted(email_key(letter.to) for letter in letters) == sorted([email_key(lost), email_key(undo.email)])
        (password_link,) = [link for letter in letters if (link := letter.link("forgotpwd"))]
        for later in owner.undos[owner.undos.index(undo) :]:
            later.is_alive = False
        owner.email, owner.password, owner.pending = undo.email, None, None
        owner.frozen_until, owner.password_link = self.now + FREEZE, (password_link, self.now + PASSWORD_LINK)
        owner.undone += 1
        self.ends_all(owner)

    @rule(email=st.sampled_from(ADDRESSES))
    def forget_the_password(self, email: str) -> None:
        """Ask for a link to a new password, for any address."""
        visitor = self.env.visitor()
        answer = visitor.post("/cms/forgotpwd/", {"email": email})
        assert answer.status in (200, 429), answer
        letters = self.letters()
        owner = next((who for who in self.people if who.key == email_key(email) and who.is_active), None)
        assert len(letters) == (1 if owner and answer.status == 200 else 0)
        if letters and owner:
            link = letters[0].link("forgotpwd")
            assert link is not None
            assert email_key(letters[0].to) == owner.key
            owner.password_link = link, self.now + PASSWORD_LINK

    @precondition(lambda self: any(who.password_link for who in self.people))
    @rule(which=st.integers(0, 1))
    def set_a_new_password(self, which: int) -> None:
        """Follow the newest link to a new password, dead or alive."""
        who = self.people[which]
        if who.password_link is None:
            return
        path, expires_at = who.password_link
        password = f"a new password, number {self.logins}"
        answer = self.env.visitor().post(path, {"password": password, "repetition": password})
        assert (answer.status == 200) is (who.is_active and self.now < expires_at), answer
        if answer.status == 200:
            who.password, who.password_link, who.pending = password, None, None
            self.ends_all(who)
        self.letters()

    # What happens to them.

    @rule(seconds=st.sampled_from(SPANS))
    def time_goes_by(self, seconds: int) -> None:
        """Turn the clock."""
        self.clock.advance(seconds=seconds)

    @rule()
    def the_cache_forgets_everything(self) -> None:
        """Flush the cache: every code is lost, and nothing else."""
        self.env.clear_cache()
        for who in self.people:
            if who.pending:
                who.pending.is_lost = True

    @precondition(lambda self: self.restarts < 2)
    @rule(number=browsers())
    def the_application_is_restarted(self, number: int) -> None:
        """Have a browser talk to a process that knows nothing but what is stored."""
        self.restarts += 1
        before = self.browsers[number].person.browser
        after = InProcess(self.env.build())
        after.cookies, after.headers = before.cookies, before.headers
        self.browsers[number].person.browser = after

    @rule(which=st.integers(0, 1))
    def an_operator_disables_or_enables(self, which: int) -> None:
        """Disable an administrator, which ends all they had begun, or enable them again, as on the command line."""
        who = self.people[which]
        deed = administration.disable if who.is_active else administration.enable
        with self.env.app.app_context():
            deed(COMMAND_LINE, self.ids[who.name], reason="for the test")
        who.is_active = not who.is_active
        if not who.is_active:
            self.ends_all(who)
        self.letters()

    @precondition(lambda self: self.is_pending())
    @rule(which=st.integers(0, 1))
    def an_operator_drops_the_change(self, which: int) -> None:
        """Drop a pending change, as on the command line."""
        with self.env.app.app_context():
            administration.drop_change(COMMAND_LINE, self.ids[self.people[which].name], reason="for the test")
        self.people[which].pending = None
        self.letters()

    # What must be true whatever happened.

    @invariant()
    def the_product_agrees_with_the_model(self) -> None:
        """Compare every account, its history and its links with what the model knows."""
        with self.env.app.app_context():
            assert broken_histories() == []
            users = {user.username: user for user in db.session.scalars(db.select(CMSUser))}
            for who in self.people if users else []:
                user = users[who.name]
                assert email_key(user.email) == user.email_key == who.key
                of_user = Audit.user_id == user.id
                for event, times in (("email_changed", who.changes), ("change_undone", who.undone)):
                    assert self.count(db.select(Audit.id).where(of_user, Audit.event == event)) == times
                assert self.count(db.select(Link.id).where(Link.user_id == user.id, Link.purpose == "undo")) == len(
                    who.undos
                )
                assert self.count(db.select(EmailChange.id).where(EmailChange.user_id == user.id)) <= 1
            keys = [user.email_key for user in users.values()]
            assert len(set(keys)) == len(keys)

    # How the model reckons.

    def gets_ready(self, number: int) -> None:
        """Do what it takes to be allowed to change something, as far as that is possible."""
        browser = self.browsers[number]
        who = browser.who
        if not who.is_active:
            self.an_operator_disables_or_enables(number // 2)
        if who.password is None:
            self.forget_the_password(who.email)
            self.set_a_new_password(number // 2)
        if not self.is_in(browser):
            self.sign_in(number)
        elif self.now - browser.proved_at > REAUTH_SECONDS:
            self.prove_the_password(number, is_right=True)

    def is_pending(self) -> bool:
        """Say whether somebody's change waits for its code."""
        return any(who.pending for who in self.people)

    def browser_of(self, which: int, *, is_there: bool) -> int:
        """Return the browser that asked for the pending change of one administrator, or the other one of the two."""
        pending, first = self.people[which].pending, 2 * which
        is_first = pending is not None and self.browsers[first].login == pending.login
        return first if is_first is is_there else first + 1

    @property
    def now(self) -> datetime:
        """Return what the clock shows."""
        return self.clock.now()

    @staticmethod
    def count(query: Any) -> int:
        """Return how many rows there are."""
        return len(db.session.execute(query).all())

    def is_in(self, browser: Browser) -> bool:
        """Say whether the browser is signed in."""
        return browser.is_in and browser.who.is_active and self.now - browser.seen_at <= IDLE

    def may_act(self, browser: Browser, *, frozen_matters: bool = True) -> bool:
        """Say whether the browser may change something: signed in, password proved lately, address not frozen."""
        frozen_until = browser.who.frozen_until
        is_frozen = frozen_matters and frozen_until is not None and self.now < frozen_until
        return self.is_in(browser) and self.now - browser.proved_at <= REAUTH_SECONDS and not is_frozen

    def is_free(self, email: str, asker: Who) -> bool:
        """Say whether an address can be had: nobody has it, and nobody else may want it back."""
        key, others = email_key(email), [who for who in self.people if who is not asker]
        wanted = [undo for who in others for undo in who.undos if undo.is_alive and self.now < undo.expires_at]
        return key not in [who.key for who in self.people] and key not in [email_key(undo.email) for undo in wanted]

    def type(self, number: int, email: str, code: str) -> None:
        """Type a code for an address, and judge the answer."""
        browser = self.browsers[number]
        who, pending, before = browser.who, browser.who.pending, browser.who.email
        is_expected = (
            pending is not None
            and self.may_act(browser)
            and pending.login == browser.login
            and self.now - pending.asked_at < CODE_SECONDS
            and pending.tries < TRIES
            and who.tries_today(self.now) < TRIES_PER_DAY
            and not pending.is_lost
            and email_key(email) != who.key
        )
        is_right = pending is not None and (code, email_key(email)) == (pending.code, email_key(pending.email))
        is_free = self.is_free(email, who)
        answer, letters = self.does(browser, lambda person: person.confirm(email, code))
        self.seen[f"typed {answer.error}"] += 1
        is_compared = answer.error in (None, "code_wrong", "email_taken")
        assert is_compared is is_expected, f"compared={is_compared}, expected={is_expected}: {answer}"
        if not is_compared or pending is None:
            assert letters == []
            return
        pending.tries += 1
        who.count(self.now)
        if answer.error == "code_wrong":
            assert not is_right, answer
            left = TRIES_PER_DAY - who.tries_today(self.now)
            assert answer.data["tries_left"] == min(TRIES - pending.tries, left)
            assert [email_key(letter.to) for letter in letters] == ([] if left else [who.key])
            return
        assert is_right, answer
        assert (answer.error is None) is is_free, answer
        who.pending = None
        if answer.error is None:
            self.changed(browser, before, pending.email, letters)
        else:
            assert letters == []

    def changed(self, browser: Browser, before: str, email: str, letters: list[Letter]) -> None:
        """Take note of a change: one notice to the old address with one undo link; the other browser is out."""
        who = browser.who
        who.email, who.changes, who.password_link = self.env.account(who.name).email, who.changes + 1, None
        assert email_key(who.email) == email_key(email)
        (notice,) = letters
        link = notice.link("undo")
        assert link is not None
        assert email_key(notice.to) == email_key(before)
        who.undos.append(Undo(link, before, self.now + UNDO))
        self.ends_others(browser)

    def ends(self, browser: Browser) -> None:
        """Take note that a session ended, and with it the change that it asked for."""
        browser.is_in = False
        if browser.who.pending and browser.who.pending.login == browser.login:
            browser.who.pending = None

    def ends_others(self, browser: Browser) -> None:
        """Take note that the other sessions of the same administrator ended."""
        for other in self.browsers:
            if other.who is browser.who and other is not browser:
                self.ends(other)

    def ends_all(self, who: Who) -> None:
        """Take note that all sessions of an administrator ended."""
        for browser in self.browsers:
            if browser.who is who:
                self.ends(browser)

    def does(self, browser: Browser, deed: Callable[[Person], Answer]) -> tuple[Answer, list[Letter]]:
        """Have somebody do something; return the answer, and the mails that came of it."""
        was_in = self.is_in(browser)
        answer = deed(browser.person)
        assert answer.status < 500, answer
        self.seen[f"{answer.path} {answer.error}"] += 1
        assert was_in or answer.status >= 400 or answer.path == "/cms/login/", "signed in after the end of the session"
        if was_in:
            browser.seen_at = self.now
        return answer, self.letters()

    def followed(self, path: str) -> list[tuple[Answer, list[Letter]]]:
        """Open the page of a link and press its button, at a browser that nobody knows."""
        visitor = self.env.visitor()
        answers = []
        for deed in (lambda: visitor.page(path), lambda: visitor.post(path)):
            answer = deed()
            assert answer.status < 500, answer
            self.seen[f"{path.split('/')[3]} {answer.status}"] += 1
            answers.append((answer, self.letters()))
        return answers

    def letters(self) -> list[Letter]:
        """Have the mail delivered, and return what has come since the last time."""
        self.env.deliver()
        if self.env.smtp:
            posted = [each.message for each in self.env.smtp.received[self.read :]]
            self.read += len(posted)
        else:
            files = set((Path(self.env.settings["INSTANCE_DIR"]) / "mailbox").glob("*.eml")) - self.files
            self.files |= files
            posted = [parse_mail(file.read_bytes()) for file in files]
        return [Letter(parseaddr(str(message["To"]))[1], message) for message in posted]


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Give every environment a clock of its own."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.slow
def test_whatever_happens_an_address_changes_only_to_one_that_was_proved(
    sqlite_template: Path, tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    shared = SharedApp.on_sqlite(sqlite_template, lambda: tmp_path, **SETTINGS)

    def provide_env() -> tuple[Environment, Callable[[], None]]:
        env = Environment("sqlite+embedded", shared.acquire(), Clock().install(patch), shared=shared)
        return env, env.close

    seen: Counter[str] = Counter()
    run_state_machine_as_test(lambda: Story(provide_env, seen), settings=PROFILE)
    assert seen["/cms/email_captcha/ None"] > PROFILE.max_examples, seen  # It got somewhere.


def test_the_model_predicts_every_response(sqlite_template: Path, tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """A model that never meets a refusal would agree with anything: here it meets all of them, one after the other."""
    copy_template(sqlite_template, tmp_path)
    env = Environment("sqlite+embedded", settings_for(tmp_path, **SETTINGS), Clock().install(patch))
    seen: Counter[str] = Counter()
    story = Story(lambda: (env, env.close), seen)
    ann, bob, free, other = 0, 2, "x@example.com", "y@example.com"
    story.begin()

    def undo(which: int) -> None:
        story.follow(story.people[0], story.people[0].undos[which])

    play: list[Callable[[], None]] = [
        lambda: story.ask(ann, story.people[0].email, is_ready=True, away=0, is_sure=False),  # same_email
        lambda: story.ask(ann, free, is_ready=True, away=601, is_sure=False),  # reauth_required
        lambda: story.the_code_is_typed_late(ann, free, 600, is_ready=True),  # code_expired
        lambda: story.the_code_is_typed_late(ann, free, 600, is_ready=False),  # reauth_required
        lambda: story.the_code_is_typed_in_the_other_browser(ann, free),
        lambda: story.the_code_of_a_cancelled_change_is_typed(ann, free),
        lambda: story.type(ann, story.people[0].email, story.codes[-1]),  # same_email
        lambda: story.ask(ann, free, is_ready=True, away=0, is_sure=False),
        lambda: story.follow_a_stop_link(0, is_current=True, back=0),  # stop 200
        lambda: story.follow_a_stop_link(0, is_current=False, back=0),  # stop 410
        lambda: story.ask(ann, free, is_ready=False, away=0, is_sure=False),  # sign_in_required
        lambda: story.type(ann, free, story.codes[-1]),  # sign_in_required
        lambda: story.both_ask_for_one_address(free, [ann, bob]),  # changed, email_taken
        lambda: story.ask(ann, other, is_ready=True, away=0, is_sure=True),
        lambda: undo(0),  # undo 200
        lambda: undo(1),  # undo 410
        lambda: story.ask(ann, other, is_ready=True, away=0, is_sure=False),  # changes_frozen
        lambda: story.all_tries_of_a_day_are_spent(bob, other),  # code_wrong, too_many_attempts
    ]
    try:
        for act in play:
            act()
            story.the_product_agrees_with_the_model()
    finally:
        story.teardown()
    assert [what for what in WHAT_IS_ANSWERED if not seen[what]] == []


def test_it_is_no_different_on_postgresql_and_memcached(
    postgres: PostgresServer, memcached: MemcachedServer, smtp: SmtpServer, tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    shared = SharedApp.on_postgres(postgres, memcached, smtp, lambda: tmp_path, **SETTINGS)

    def provide_env() -> tuple[Environment, Callable[[], None]]:
        memcached.flush()
        smtp.reset()
        clock, parts = Clock().install(patch), {"memcached": memcached, "smtp": smtp}
        env = Environment("postgresql+memcached", shared.acquire(), clock, shared=shared, **parts)
        return env, env.close

    seen: Counter[str] = Counter()
    run_state_machine_as_test(lambda: Story(provide_env, seen), settings=settings(PROFILE, max_examples=5))
    assert seen["/cms/login/ None"] > 5, seen
