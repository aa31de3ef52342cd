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
from contextlib import closing
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
ADVANCES = [1, 1, 59, 59, 300, 300, 599, 600, 601, 1800, 3500, 86400, 3 * 86400, 7 * 86400]
TRIES, TRIES_PER_DAY = 5, 10
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
CODE_SECONDS = REAUTH_SECONDS = timedelta(seconds=600)
IDLE, FREEZE, UNDO, PASSWORD_LINK = timedelta(hours=1), timedelta(hours=72), timedelta(days=7), timedelta(minutes=30)
SETTINGS = {
    # Budgets of codes are tested in tests/stories/test_budgets.py; here they would only slow down the search.
    **{f"CAPTCHA_SENDS_{name}PER_HOUR": "0" for name in ("", "PER_ADDRESS_", "PER_NETWORK_", "OVERALL_")},
    "CAPTCHA_SENDS_PER_ADDRESS_PER_DAY": "0",
    "CAPTCHA_TRIES_PER_ADDRESS_PER_DAY": "0",
    "CAPTCHA_RESEND_SECONDS": "0",
    "SIGN_IN_TRIES_PER_ACCOUNT": "0",
    "SIGN_IN_TRIES_PER_NETWORK": "0",
    "SESSION_SECONDS": str(90 * 86400),
}
PREDICTED_RESPONSES = [
    *(f"/cms/email_captcha/ {word}" for word in (None, "same_email", "too_many_attempts", "changes_frozen")),
    *(f"/cms/email_captcha/ {word}" for word in ("reauth_required", "sign_in_required")),
    *(f"entered {word}" for word in (None, "code_wrong", "code_expired", "too_many_attempts", "email_taken")),
    *(f"entered {word}" for word in ("reauth_required", "sign_in_required", "same_email")),
    *(f"{link} {status}" for link in ("stop", "undo") for status in (200, 410)),
]
PROFILE = settings(
    database=None,
    deadline=None,
    max_examples=15,
    stateful_step_count=20,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Pending:
    """A pending change: the number of the sign-in that requested it, its address, and the mailed code, if any."""

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
class Account:
    """An account as the model knows it."""

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
        """Return the key of the address, which is the same for all spellings."""
        return email_key(self.email)

    def tries_today(self, now: datetime) -> int:
        """Return the number of codes that were compared within a day of the first of them."""
        return self.day_tries if self.day_ends and now < self.day_ends else 0

    def count_try(self, now: datetime) -> None:
        """Count a compared code."""
        if self.tries_today(now) == 0:
            self.day_ends, self.day_tries = now + timedelta(days=1), 0
        self.day_tries += 1


@dataclass
class Browser:
    """One of the two browsers of an administrator; each sign-in has its own number."""

    account: Account
    person: Person
    login: int = 0
    is_signed_in: bool = False
    seen_at: datetime = LONG_AGO
    proved_at: datetime = LONG_AGO


@dataclass(frozen=True)
class Mail:
    """A received mail."""

    to: str
    message: EmailMessage

    @property
    def code(self) -> str | None:
        """Return the code in the mail, or None."""
        return code_in(self.message) if re.match("[0-9]{6}", str(self.message["Subject"])) else None

    def link(self, kind: str) -> str | None:
        """Return the link of this kind in the mail, or None."""
        return link_in(self.message) if f"/{kind}/" in text_of(self.message) else None


def browser_numbers() -> st.SearchStrategy[int]:
    """Return a strategy for the number of a browser."""
    return st.integers(0, 3)


def mostly_true() -> st.SearchStrategy[bool]:
    """Return a strategy for booleans, three of four of which are true."""
    return st.sampled_from([True, True, True, False])


class AddressMachine(RuleBasedStateMachine):
    """Two administrators with two browsers each, and all actions that affect their addresses."""

    def __init__(self, provide_env: Callable[[], tuple[Environment, Callable[[], None]]], seen: Counter[str]) -> None:
        """Create an environment; `seen` counts the responses."""
        super().__init__()
        self.seen = seen
        self.env, self.close_env = provide_env()
        self.clock, self.logins, self.read_count, self.restarts = self.env.clock, 0, 0, 0
        self.files: set[Path] = set()
        self.codes: list[str] = []
        self.ids: dict[str, int] = {}
        self.stop_links: list[str] = []
        self.accounts = [Account(name, f"{name}@example.com") for name in ("ann", "bob")]
        self.browsers: list[Browser] = []

    @initialize()
    def set_up_accounts(self) -> None:
        """Create both administrators, and sign in with all browsers."""
        for account in self.accounts:
            self.ids[account.name] = self.env.administrator(account.email).id
            for _ in range(2):
                self.browsers.append(Browser(account, self.env.visitor(account.email)))
        for number in range(4):
            self.sign_in(number)

    def teardown(self) -> None:
        """Close the environment."""
        self.close_env()

    # Actions of the administrators.

    @rule(
        number=browser_numbers(),
        email=st.sampled_from(ADDRESSES),
        is_prepared=mostly_true(),
        delay=st.sampled_from([0, 0, 0, 0, 300, 601]),
        is_entered=st.booleans(),
    )
    def request_code(self, number: int, email: str, is_prepared: bool, delay: int, is_entered: bool) -> None:
        """Request a code, mostly after `prepare` and sometimes after a delay; half of the time, enter it at once."""
        if is_prepared:
            self.prepare(number)
        self.clock.advance(seconds=delay)
        browser = self.browsers[number]
        account, is_free = browser.account, self.is_free(email, browser.account)
        answer, mails = self.send(browser, lambda person: person.ask(email))
        if answer.error is not None:
            assert mails == []
            spent = account.tries_today(self.now) >= TRIES_PER_DAY
            assert not self.may_act(browser) or spent or account.key == email_key(email), answer
            return
        assert self.may_act(browser)
        assert account.tries_today(self.now) < TRIES_PER_DAY
        assert account.key != email_key(email)
        to_new = [mail for mail in mails if email_key(mail.to) == email_key(email)]
        to_current = [mail for mail in mails if email_key(mail.to) == account.key]
        assert (len(to_new), len(to_current), len(mails)) == (1, 1, 2)
        code, stop = to_new[0].code, to_current[0].link("stop")
        assert (code is not None) is is_free, "a code was sent to a taken address, or none to a free one"
        assert to_current[0].code is None
        assert stop is not None
        self.codes += [code] if code else []
        self.stop_links.append(stop)
        account.pending = Pending(browser.login, email, code, stop, self.now)
        if is_entered:
            self.enter_code(number, email.swapcase(), code or "000000")

    @precondition(lambda self: self.is_pending())
    @rule(
        account_number=st.integers(0, 1),
        is_requester=st.booleans(),
        delay=st.sampled_from([0, 0, 300, 601]),
        is_prepared=mostly_true(),
    )
    def enter_correct_code(self, account_number: int, is_requester: bool, delay: int, is_prepared: bool) -> None:
        """Enter the code of the pending change, in the browser that requested it or in the other one."""
        pending = self.accounts[account_number].pending
        number = self.browser_of(account_number, is_requester=is_requester)
        self.clock.advance(seconds=delay)
        if pending:
            if is_prepared:
                self.prepare(number)
            self.enter_code(number, pending.email.swapcase(), pending.code or "000000")

    @precondition(lambda self: self.is_pending())
    @rule(account_number=st.integers(0, 1), is_requester=mostly_true(), times=st.integers(1, 6))
    def enter_incorrect_codes(self, account_number: int, is_requester: bool, times: int) -> None:
        """Enter incorrect codes."""
        pending = self.accounts[account_number].pending
        number = self.browser_of(account_number, is_requester=is_requester)
        for number_of_try in range(times if pending else 0):
            self.enter_code(number, pending.email, different_code(pending.code or "000000"))
            if pending.tries <= number_of_try:
                break

    # Complete attacks, which a random order would rarely produce.

    @rule(number=browser_numbers(), email=st.sampled_from(ADDRESSES))
    def enter_code_in_other_browser(self, number: int, email: str) -> None:
        """Request a code in one session, and enter it in the other session of the same administrator."""
        self.request_code(number, email, is_prepared=True, delay=0, is_entered=False)
        self.enter_correct_code(number // 2, is_requester=False, delay=0, is_prepared=True)

    @rule(number=browser_numbers(), emails=st.permutations(ADDRESSES))
    def enter_code_for_other_address(self, number: int, emails: list[str]) -> None:
        """Request a code for one address, and enter it for another one."""
        self.request_code(number, emails[0], is_prepared=True, delay=0, is_entered=False)
        if self.codes:
            self.enter_code(number, emails[1], self.codes[-1])

    @rule(number=browser_numbers(), emails=st.permutations(ADDRESSES), address_number=st.integers(0, 1))
    def enter_replaced_code(self, number: int, emails: list[str], address_number: int) -> None:
        """Request codes for two addresses, and enter the first one for either address."""
        self.request_code(number, emails[0], is_prepared=True, delay=0, is_entered=False)
        older = self.codes[-1:]
        self.request_code(number, emails[1], is_prepared=True, delay=0, is_entered=False)
        for code in older:
            self.enter_code(number, emails[address_number], code)

    @rule(
        number=browser_numbers(),
        email=st.sampled_from(ADDRESSES),
        delay=st.sampled_from([599, 600]),
        is_prepared=st.booleans(),
    )
    def enter_code_late(self, number: int, email: str, delay: int, is_prepared: bool) -> None:
        """Enter a code in its last second, or when it or the confirmation of the password has expired."""
        self.request_code(number, email, is_prepared=True, delay=0, is_entered=False)
        self.enter_correct_code(
            number // 2, is_requester=True, delay=delay if is_prepared else 601, is_prepared=is_prepared
        )

    @rule(number=browser_numbers(), email=st.sampled_from(ADDRESSES))
    def enter_code_of_cancelled_change(self, number: int, email: str) -> None:
        """Cancel a change, and enter its code."""
        self.request_code(number, email, is_prepared=True, delay=0, is_entered=False)
        self.cancel(number)
        if self.codes:
            self.enter_code(number, email, self.codes[-1])

    @rule(number=browser_numbers(), emails=st.permutations(ADDRESSES), times=st.integers(1, 2), data=st.data())
    def undo_changes(self, number: int, emails: list[str], times: int, data: st.DataObject) -> None:
        """Change the address once or twice, use any undo link, and request another code."""
        for email in emails[:times]:
            self.request_code(number, email, is_prepared=True, delay=0, is_entered=True)
        if self.browsers[number].account.undos:
            self.use_any_undo_link(data)
        self.request_code(number, emails[-1], is_prepared=True, delay=0, is_entered=True)

    @rule(number=browser_numbers(), email=st.sampled_from(ADDRESSES))
    def spend_tries_of_a_day(self, number: int, email: str) -> None:
        """Enter incorrect codes of three changes."""
        for _ in range(3):
            self.request_code(number, email, is_prepared=True, delay=0, is_entered=False)
            self.enter_incorrect_codes(number // 2, is_requester=True, times=6)

    @rule(email=st.sampled_from(ADDRESSES), numbers=st.permutations([0, 2]))
    def request_same_address(self, email: str, numbers: list[int]) -> None:
        """Request the same address as both administrators, and enter both codes."""
        for number in numbers:
            self.request_code(number, email, is_prepared=True, delay=0, is_entered=False)
        for number in numbers:
            self.enter_correct_code(number // 2, is_requester=True, delay=0, is_prepared=True)

    @precondition(lambda self: self.codes)
    @rule(
        account_number=st.integers(0, 1),
        is_requester=mostly_true(),
        email=st.sampled_from(ADDRESSES),
        back=st.integers(0, 3),
    )
    def enter_any_code(self, account_number: int, is_requester: bool, email: str, back: int) -> None:
        """Enter any code that was mailed, for any address."""
        number = self.browser_of(account_number, is_requester=is_requester)
        if self.accounts[account_number].pending:
            self.prepare(number)
        self.enter_code(number, email, self.codes[max(0, len(self.codes) - 1 - back)])

    @precondition(lambda self: self.is_pending())
    @rule(number=browser_numbers())
    def cancel(self, number: int) -> None:
        """Cancel the pending change."""
        browser = self.browsers[number]
        answer, mails = self.send(browser, Person.cancel)
        assert mails == []
        if answer.error is None:
            browser.account.pending = None
        assert (answer.error is None) is self.may_act(browser, frozen_matters=False)

    @precondition(lambda self: any(map(self.is_signed_in, self.browsers)))
    @rule(number=browser_numbers())
    def sign_out(self, number: int) -> None:
        """Sign out."""
        browser = self.browsers[number]
        self.send(browser, Person.sign_out)
        if browser.account.is_active:
            self.record_session_end(browser)

    @rule(number=browser_numbers())
    def sign_in(self, number: int) -> None:
        """Sign in with the current address and password; the former session of the browser ends."""
        browser = self.browsers[number]
        account = browser.account
        answer, _ = self.send(
            browser, lambda person: person.sign_in(email=account.email, password=account.password or "no password")
        )
        if account.is_active:
            self.record_session_end(browser)
        assert (answer.error is None) is (account.is_active and account.password is not None), answer
        if answer.error is None:
            self.logins += 1
            browser.login, browser.is_signed_in = self.logins, True
            browser.seen_at = browser.proved_at = self.now

    @rule(number=browser_numbers(), is_correct=st.booleans())
    def confirm_password(self, number: int, is_correct: bool) -> None:
        """Confirm the password, or enter an incorrect one."""
        browser = self.browsers[number]
        password = (browser.account.password or "") if is_correct else "guess"
        answer, _ = self.send(browser, lambda person: person.reauth(password))
        if answer.error is None:
            assert is_correct
            assert self.is_signed_in(browser)
            browser.proved_at = self.now

    @rule(number=browser_numbers())
    def open_page(self, number: int) -> None:
        """Open the page, which shows the current address if the session is valid."""
        browser = self.browsers[number]
        answer, _ = self.send(browser, Person.get_as_script)
        assert (answer.error is None) is self.is_signed_in(browser), answer
        if answer.error is None:
            assert answer.data["email"] == browser.account.email

    @precondition(
        lambda self: all(map(self.is_signed_in, self.browsers[:2])) or all(map(self.is_signed_in, self.browsers[2:]))
    )
    @rule(number=browser_numbers())
    def end_other_sessions(self, number: int) -> None:
        """End the session of the other browser on the security page."""
        browser = self.browsers[number]
        answer, _ = self.send(browser, lambda person: person.post("/cms/security/sessions/end_others/"))
        if answer.error is None:
            assert self.may_act(browser, frozen_matters=False)
            self.record_end_of_other_session(browser)

    @precondition(lambda self: self.stop_links)
    @rule(account_number=st.integers(0, 1), is_current=mostly_true(), back=st.integers(0, 2))
    def use_stop_link(self, account_number: int, is_current: bool, back: int) -> None:
        """Open the stop link of the pending change or an older one, and press its button."""
        change = self.accounts[account_number].pending if is_current else None
        path = change.stop if change else self.stop_links[max(0, len(self.stop_links) - 1 - back)]
        owner = next((account for account in self.accounts if account.pending and account.pending.stop == path), None)
        pending = owner.pending if owner else None
        is_alive = pending is not None and self.now - pending.asked_at < CODE_SECONDS
        (page, _), (answer, mails) = self.use_link(path)
        assert (answer.status == 200) is is_alive, answer
        assert page.status == 200 or not is_alive, page  # The page of an ended change explains how it ended.
        assert mails == []
        if is_alive and owner and pending:
            owner.pending = None
            for browser in self.browsers:
                if browser.login == pending.login:
                    self.record_session_end(browser)

    @precondition(lambda self: any(account.undos for account in self.accounts))
    @rule(data=st.data())
    def use_any_undo_link(self, data: st.DataObject) -> None:
        """Use any undo link that was mailed."""
        self.use_undo_link(
            *data.draw(st.sampled_from([(account, undo) for account in self.accounts for undo in account.undos]))
        )

    def use_undo_link(self, owner: Account, undo: Undo) -> None:
        """Open an undo link, and press its button; a valid link restores the address."""
        is_alive, replaced = undo.is_alive and self.now < undo.expires_at, owner.email
        (page, _), (answer, mails) = self.use_link(undo.path)
        assert (page.status == 200, answer.status == 200) == (is_alive, is_alive), (page, answer)
        if not is_alive:
            assert mails == []
            return
        assert sorted(email_key(mail.to) for mail in mails) == sorted([email_key(replaced), email_key(undo.email)])
        (password_link,) = [link for mail in mails if (link := mail.link("forgotpwd"))]
        for later in owner.undos[owner.undos.index(undo) :]:
            later.is_alive = False
        owner.email, owner.password, owner.pending = undo.email, None, None
        owner.frozen_until, owner.password_link = self.now + FREEZE, (password_link, self.now + PASSWORD_LINK)
        owner.undone += 1
        self.record_end_of_all_sessions(owner)

    @rule(email=st.sampled_from(ADDRESSES))
    def request_password_link(self, email: str) -> None:
        """Request a link to set a password, for any address."""
        visitor = self.env.visitor()
        answer = visitor.post("/cms/forgotpwd/", {"email": email})
        assert answer.status in (200, 429), answer
        mails = self.read_mails()
        owner = next(
            (account for account in self.accounts if account.key == email_key(email) and account.is_active), None
        )
        assert len(mails) == (1 if owner and answer.status == 200 else 0)
        if mails and owner:
            link = mails[0].link("forgotpwd")
            assert link is not None
            assert email_key(mails[0].to) == owner.key
            owner.password_link = link, self.now + PASSWORD_LINK

    @precondition(lambda self: any(account.password_link for account in self.accounts))
    @rule(account_number=st.integers(0, 1))
    def set_new_password(self, account_number: int) -> None:
        """Use the newest link to set a password, which may be invalid."""
        account = self.accounts[account_number]
        if account.password_link is None:
            return
        path, expires_at = account.password_link
        password = f"a new password, number {self.logins}"
        answer = self.env.visitor().post(path, {"password": password, "repetition": password})
        assert (answer.status == 200) is (account.is_active and self.now < expires_at), answer
        if answer.status == 200:
            account.password, account.password_link, account.pending = password, None, None
            self.record_end_of_all_sessions(account)
        self.read_mails()

    # Other events.

    @rule(seconds=st.sampled_from(ADVANCES))
    def advance_clock(self, seconds: int) -> None:
        """Advance the clock."""
        self.clock.advance(seconds=seconds)

    @rule()
    def clear_cache(self) -> None:
        """Clear the cache, which invalidates every code, and has no other effect."""
        self.env.clear_cache()
        for account in self.accounts:
            if account.pending:
                account.pending.is_lost = True

    @precondition(lambda self: self.restarts < 2)
    @rule(number=browser_numbers())
    def restart_application(self, number: int) -> None:
        """Connect a browser to a new process."""
        self.restarts += 1
        before = self.browsers[number].person.browser
        after = InProcess(self.env.build())
        after.cookies, after.headers = before.cookies, before.headers
        self.browsers[number].person.browser = after

    @rule(account_number=st.integers(0, 1))
    def disable_or_enable(self, account_number: int) -> None:
        """Disable an administrator, which ends their sessions and change, or enable them, on the command line."""
        account = self.accounts[account_number]
        act = administration.disable if account.is_active else administration.enable
        with self.env.app.app_context():
            act(COMMAND_LINE, self.ids[account.name], reason="for the test")
        account.is_active = not account.is_active
        if not account.is_active:
            self.record_end_of_all_sessions(account)
        self.read_mails()

    @precondition(lambda self: self.is_pending())
    @rule(account_number=st.integers(0, 1))
    def drop_change(self, account_number: int) -> None:
        """Cancel a pending change on the command line."""
        with self.env.app.app_context():
            administration.drop_change(
                COMMAND_LINE, self.ids[self.accounts[account_number].name], reason="for the test"
            )
        self.accounts[account_number].pending = None
        self.read_mails()

    # The invariants.

    @invariant()
    def the_product_agrees_with_the_model(self) -> None:
        """Compare every account, its history and its links with the model."""
        with self.env.app.app_context():
            assert broken_histories() == []
            users = {user.username: user for user in db.session.scalars(db.select(CMSUser))}
            for account in self.accounts if users else []:
                user = users[account.name]
                assert email_key(user.email) == user.email_key == account.key
                of_user = Audit.user_id == user.id
                for event, times in (("email_changed", account.changes), ("change_undone", account.undone)):
                    assert self.count_rows(db.select(Audit.id).where(of_user, Audit.event == event)) == times
                undo_links = db.select(Link.id).where(Link.user_id == user.id, Link.purpose == "undo")
                assert self.count_rows(undo_links) == len(account.undos)
                assert self.count_rows(db.select(EmailChange.id).where(EmailChange.user_id == user.id)) <= 1
            keys = [user.email_key for user in users.values()]
            assert len(set(keys)) == len(keys)

    # The model.

    def prepare(self, number: int) -> None:
        """Enable the account, set a password, sign in and confirm the password, as far as necessary."""
        browser = self.browsers[number]
        account = browser.account
        if not account.is_active:
            self.disable_or_enable(number // 2)
        if account.password is None:
            self.request_password_link(account.email)
            self.set_new_password(number // 2)
        if not self.is_signed_in(browser):
            self.sign_in(number)
        elif self.now - browser.proved_at > REAUTH_SECONDS:
            self.confirm_password(number, is_correct=True)

    def is_pending(self) -> bool:
        """Return whether there is a pending change."""
        return any(account.pending for account in self.accounts)

    def browser_of(self, account_number: int, *, is_requester: bool) -> int:
        """Return the browser that requested the pending change of an administrator, or their other one."""
        pending, first = self.accounts[account_number].pending, 2 * account_number
        is_first = pending is not None and self.browsers[first].login == pending.login
        return first if is_first is is_requester else first + 1

    @property
    def now(self) -> datetime:
        """Return the current time."""
        return self.clock.now()

    @staticmethod
    def count_rows(query: Any) -> int:
        """Return the number of rows of a query."""
        return len(db.session.execute(query).all())

    def is_signed_in(self, browser: Browser) -> bool:
        """Return whether the session of a browser is valid."""
        return browser.is_signed_in and browser.account.is_active and self.now - browser.seen_at <= IDLE

    def may_act(self, browser: Browser, *, frozen_matters: bool = True) -> bool:
        """Return whether a browser may change the address: signed in, password confirmed, address not frozen."""
        frozen_until = browser.account.frozen_until
        is_frozen = frozen_matters and frozen_until is not None and self.now < frozen_until
        return self.is_signed_in(browser) and self.now - browser.proved_at <= REAUTH_SECONDS and not is_frozen

    def is_free(self, email: str, requester: Account) -> bool:
        """Return whether an address is neither taken nor reserved by an undo link of another account."""
        key, others = email_key(email), [account for account in self.accounts if account is not requester]
        reserved = [
            undo for account in others for undo in account.undos if undo.is_alive and self.now < undo.expires_at
        ]
        taken = [account.key for account in self.accounts]
        return key not in taken and key not in [email_key(undo.email) for undo in reserved]

    def enter_code(self, number: int, email: str, code: str) -> None:
        """Enter a code for an address, and compare the response with the model."""
        browser = self.browsers[number]
        account, pending, before = browser.account, browser.account.pending, browser.account.email
        is_expected = (
            pending is not None
            and self.may_act(browser)
            and pending.login == browser.login
            and self.now - pending.asked_at < CODE_SECONDS
            and pending.tries < TRIES
            and account.tries_today(self.now) < TRIES_PER_DAY
            and not pending.is_lost
            and email_key(email) != account.key
        )
        is_correct = pending is not None and (code, email_key(email)) == (pending.code, email_key(pending.email))
        is_free = self.is_free(email, account)
        answer, mails = self.send(browser, lambda person: person.confirm(email, code))
        self.seen[f"entered {answer.error}"] += 1
        is_compared = answer.error in (None, "code_wrong", "email_taken")
        assert is_compared is is_expected, f"compared={is_compared}, expected={is_expected}: {answer}"
        if not is_compared or pending is None:
            assert mails == []
            return
        pending.tries += 1
        account.count_try(self.now)
        if answer.error == "code_wrong":
            assert not is_correct, answer
            left = TRIES_PER_DAY - account.tries_today(self.now)
            assert answer.data["tries_left"] == min(TRIES - pending.tries, left)
            assert [email_key(mail.to) for mail in mails] == ([] if left else [account.key])
            return
        assert is_correct, answer
        assert (answer.error is None) is is_free, answer
        account.pending = None
        if answer.error is None:
            self.record_change(browser, before, pending.email, mails)
        else:
            assert mails == []

    def record_change(self, browser: Browser, before: str, email: str, mails: list[Mail]) -> None:
        """Record a change: one notice with an undo link to the old address; the other session ends."""
        account = browser.account
        account.email, account.password_link = self.env.account(account.name).email, None
        account.changes += 1
        assert email_key(account.email) == email_key(email)
        (notice,) = mails
        link = notice.link("undo")
        assert link is not None
        assert email_key(notice.to) == email_key(before)
        account.undos.append(Undo(link, before, self.now + UNDO))
        self.record_end_of_other_session(browser)

    def record_session_end(self, browser: Browser) -> None:
        """Record that a session ended, and with it the change that it requested."""
        browser.is_signed_in = False
        if browser.account.pending and browser.account.pending.login == browser.login:
            browser.account.pending = None

    def record_end_of_other_session(self, browser: Browser) -> None:
        """Record that the other session of the same administrator ended."""
        for other in self.browsers:
            if other.account is browser.account and other is not browser:
                self.record_session_end(other)

    def record_end_of_all_sessions(self, account: Account) -> None:
        """Record that all sessions of an administrator ended."""
        for browser in self.browsers:
            if browser.account is account:
                self.record_session_end(browser)

    def send(self, browser: Browser, act: Callable[[Person], Answer]) -> tuple[Answer, list[Mail]]:
        """Send a request of a browser; return the response and the new mails."""
        was_signed_in = self.is_signed_in(browser)
        answer = act(browser.person)
        assert answer.status < 500, answer
        self.seen[f"{answer.path} {answer.error}"] += 1
        assert was_signed_in or answer.status >= 400 or answer.path == "/cms/login/", (
            "served after the end of the session"
        )
        if was_signed_in:
            browser.seen_at = self.now
        return answer, self.read_mails()

    def use_link(self, path: str) -> list[tuple[Answer, list[Mail]]]:
        """Open a link and press its button in a new browser; return both responses with their new mails."""
        visitor = self.env.visitor()
        answers = []
        for act in (lambda: visitor.page(path), lambda: visitor.post(path)):
            answer = act()
            assert answer.status < 500, answer
            self.seen[f"{path.split('/')[3]} {answer.status}"] += 1
            answers.append((answer, self.read_mails()))
        return answers

    def read_mails(self) -> list[Mail]:
        """Deliver all mail, and return the mails that arrived since the last call."""
        self.env.deliver()
        if self.env.smtp:
            messages = [each.message for each in self.env.smtp.received[self.read_count :]]
            self.read_count += len(messages)
        else:
            files = set((Path(self.env.settings["INSTANCE_DIR"]) / "mailbox").glob("*.eml")) - self.files
            self.files |= files
            messages = [parse_mail(file.read_bytes()) for file in files]
        return [Mail(parseaddr(str(message["To"]))[1], message) for message in messages]


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Provide a monkeypatch that installs the clocks."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.slow
def test_in_random_sequences_an_address_changes_only_to_a_verified_one(
    sqlite_template: Path, tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    shared = SharedApp.on_sqlite(sqlite_template, lambda: tmp_path, **SETTINGS)

    def provide_env() -> tuple[Environment, Callable[[], None]]:
        env = Environment("sqlite+embedded", shared.acquire(), Clock().install(patch), shared=shared)
        return env, env.close

    seen: Counter[str] = Counter()
    with closing(shared):
        run_state_machine_as_test(lambda: AddressMachine(provide_env, seen), settings=PROFILE)
    assert seen["/cms/email_captcha/ None"] > PROFILE.max_examples, seen  # The search has requested codes.


def test_the_model_predicts_every_response(sqlite_template: Path, tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """A fixed sequence produces every response, because a random search may not reach each of them."""
    copy_template(sqlite_template, tmp_path)
    env = Environment("sqlite+embedded", settings_for(tmp_path, **SETTINGS), Clock().install(patch))
    seen: Counter[str] = Counter()
    machine = AddressMachine(lambda: (env, env.close), seen)
    ann, bob, free, other = 0, 2, "x@example.com", "y@example.com"
    machine.set_up_accounts()
    anns_email = machine.accounts[0].email

    def undo(number: int) -> None:
        machine.use_undo_link(machine.accounts[0], machine.accounts[0].undos[number])

    steps: list[Callable[[], None]] = [
        lambda: machine.request_code(ann, anns_email, is_prepared=True, delay=0, is_entered=False),  # same_email
        lambda: machine.request_code(ann, free, is_prepared=True, delay=601, is_entered=False),  # reauth_required
        lambda: machine.enter_code_late(ann, free, 600, is_prepared=True),  # code_expired
        lambda: machine.enter_code_late(ann, free, 600, is_prepared=False),  # reauth_required
        lambda: machine.enter_code_in_other_browser(ann, free),
        lambda: machine.enter_code_of_cancelled_change(ann, free),
        lambda: machine.enter_code(ann, machine.accounts[0].email, machine.codes[-1]),  # same_email
        lambda: machine.request_code(ann, free, is_prepared=True, delay=0, is_entered=False),
        lambda: machine.use_stop_link(0, is_current=True, back=0),  # stop 200
        lambda: machine.use_stop_link(0, is_current=False, back=0),  # stop 410
        lambda: machine.request_code(ann, free, is_prepared=False, delay=0, is_entered=False),  # sign_in_required
        lambda: machine.enter_code(ann, free, machine.codes[-1]),  # sign_in_required
        lambda: machine.request_same_address(free, [ann, bob]),  # changed, email_taken
        lambda: machine.request_code(ann, other, is_prepared=True, delay=0, is_entered=True),
        lambda: undo(0),  # undo 200
        lambda: undo(1),  # undo 410
        lambda: machine.request_code(ann, other, is_prepared=True, delay=0, is_entered=False),  # changes_frozen
        lambda: machine.spend_tries_of_a_day(bob, other),  # code_wrong, too_many_attempts
    ]
    try:
        for act in steps:
            act()
            machine.the_product_agrees_with_the_model()
    finally:
        machine.teardown()
    assert [response for response in PREDICTED_RESPONSES if not seen[response]] == []


def test_the_same_holds_on_postgresql_and_memcached(
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
    with closing(shared):
        run_state_machine_as_test(lambda: AddressMachine(provide_env, seen), settings=settings(PROFILE, max_examples=5))
    assert seen["/cms/login/ None"] > 5, seen
