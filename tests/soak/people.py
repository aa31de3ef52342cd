"""Simulated people: they use the site through nginx and their mailboxes, and continue as people do after an error."""

import contextlib
import itertools
import random
import re
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from queue import Empty, SimpleQueue
from typing import NamedTuple

from tests.actors import PASSWORD, SCRIPT, Answer, Person, code_in, different_code, text_of
from tests.live.fleet import Fleet
from tests.live.sites import NoRetryBrowser
from tests.servers import SmtpServer, run_concurrently
from tests.soak.ledger import NO_RESPONSE, Action, Ledger, Owed, Recorded

NO_RESPONSE_SECONDS = 60.0  # A person on an idle machine gives up after this time.
MAIL_SECONDS = 15.0  # How long somebody waits for a mail; after an outage, the second attempt follows within this time.
LAST_MAIL_SECONDS = 2.0  # The same when the run ends.
PAUSE_SECONDS = 0.3  # Before a request that was answered with 503 is repeated.
PATIENCE_SECONDS = 60.0  # How long somebody repeats a request.
CITIES = ("beijing", "shanghai", "guangzhou", "shenzhen", "hangzhou", "chengdu")
REASON = {"reason": "soak"}


class Mailboxes:
    """The mail that a server has accepted, by recipient."""

    def __init__(self, smtp: SmtpServer) -> None:
        """Read the mail of this server."""
        self._smtp, self._lock, self._read = smtp, threading.Lock(), 0
        self._mails: dict[str, list[EmailMessage]] = defaultdict(list)

    def mails_to(self, recipient: str) -> list[EmailMessage]:
        """Return the mails to an address in the order of their arrival."""
        with self._lock:
            while self._read < len(self._smtp.received):
                mail = self._smtp.received[self._read]
                self._read += 1
                for each in mail.recipients:
                    self._mails[each].append(mail.message)
            return list(self._mails[recipient])

    def find_code(self, recipient: str) -> str:
        """Return the newest code that was mailed to an address, or an empty text."""
        found = [mail for mail in self.mails_to(recipient) if re.match(r"\d{6}\b", str(mail["Subject"]))]
        return code_in(found[-1]) if found else ""

    def find_link(self, recipient: str, kind: str) -> str:
        """Return the path of the newest link of a kind that was mailed to an address, or an empty text."""
        texts = [text_of(mail) for mail in self.mails_to(recipient)]
        found = [path for text in texts for path in re.findall(rf"/cms/(?:resetemail/)?{kind}/[\w-]+/", text)]
        return found[-1] if found else ""


@dataclass
class Account:
    """An account as its owner knows it: after an action without a response, several values are possible."""

    username: str
    network: str  # Everybody has an address of the loopback interface, like a network of their own.
    addresses: list[str]
    passwords: list[str]
    user_id: int = 0
    is_active: bool = True  # As far as the superusers know,
    is_doubtful: bool = False  # unless an action without a response may still change it.
    can_change: bool = True  # Until the budget of the account is spent.
    cookies: dict[str, str] = field(default_factory=dict)  # Of the session in use.
    lock: threading.Lock = field(default_factory=threading.Lock)  # Held while somebody acts on the account.

    @property
    def address(self) -> str:
        """Return the most probable address."""
        return self.addresses[0]


class EndedSession(NamedTuple):
    """The cookies of a session that was ended."""

    why: str
    network: str
    cookies: dict[str, str]


class SoakBrowser(Recorded, NoRetryBrowser):
    """A browser whose requests are recorded."""


class World:
    """What all people share: the site, their mailboxes, the ledger and the accounts."""

    def __init__(self, fleet: Fleet, smtp: SmtpServer, ledger: Ledger, seed: int) -> None:
        """Start without accounts."""
        self.fleet, self.ledger, self.seed = fleet, ledger, seed
        self.mailboxes = Mailboxes(smtp)
        self.accounts: list[Account] = []
        self.free_accounts: SimpleQueue[Account] = SimpleQueue()
        self.ended_sessions: list[EndedSession] = []
        self.survived: list[str] = []  # Sessions that were valid after they should have ended.
        self.stopped = threading.Event()
        self._numbers, self._networks, self._began = itertools.count(1), itertools.count(256 + 1), time.monotonic()

    def new_number(self) -> int:
        """Return a number that was not used before."""
        return next(self._numbers)

    def new_network(self) -> str:
        """Return an address of the loopback interface that nobody has used."""
        number = next(self._networks)
        return f"127.0.{number // 250}.{number % 250 + 1}"

    def add_account(self, username: str, email: str, *, user_id: int = 0, password: str = PASSWORD) -> Account:
        """Add an account, which nobody uses yet."""
        account = Account(username, self.new_network(), [email], [password], user_id)
        self.accounts.append(account)
        return account

    def contested_address(self) -> str:
        """Return an address that several people want at the same time; another one every ten seconds."""
        return f"wanted{int(time.monotonic() - self._began) // 10}@example.com"

    def browser(self, network: str) -> SoakBrowser:
        """Return a new browser, which sends its requests to nginx."""
        browser = SoakBrowser(0, NO_RESPONSE_SECONDS)
        browser.proxy, browser.network, browser.ledger = self.fleet.nginx, network, self.ledger
        return browser

    def end_session(self, why: str, network: str, cookies: dict[str, str]) -> None:
        """Remember the cookies of a session that was ended."""
        if cookies:
            self.ended_sessions.append(EndedSession(why, network, dict(cookies)))

    def is_signed_in(self, network: str, cookies: dict[str, str]) -> bool:
        """Return whether a session is valid; repeat the request while the site is unavailable."""
        browser = self.browser(network)
        browser.cookies = dict(cookies)
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(*NO_RESPONSE):
                answer = browser.send("GET", "/cms/resetemail/", headers=SCRIPT)
                if answer.status in (200, 401):
                    return answer.status == 200
            time.sleep(PAUSE_SECONDS)
        raise GaveUp


class GaveUp(Exception):
    """A person gives up what they intended to do, and does something else."""


class LinksSpent(GaveUp):
    """No more links to set a password are sent to an address for now."""


class SoakPerson(threading.Thread):
    """A person who does one thing after the other with an account, and then with the next one."""

    def __init__(self, world: World, name: str, account: Account) -> None:
        """Choose what to do by the seed and the name."""
        super().__init__(name=name, daemon=True)
        self.world, self.account, self.person = world, account, Person(world.browser(account.network), "")
        self.random = random.Random(f"{world.seed} {name}")
        self._is_signed_in = False
        self.scenes: dict[Callable[[], None], int] = {
            self.change_address: 40,
            self.request_and_cancel: 8,
            self.request_and_stop: 8,
            self.guess: 4,
            self.edit_profile: 12,
            self.change_password: 10,
            self.sign_out: 8,
            self.confirm_password: 5,
            self.read_pages: 10,
        }

    def run(self) -> None:
        """Act until the end."""
        while not self.world.stopped.is_set():
            try:
                with self.account.lock:
                    self._act()
            except (GaveUp, *NO_RESPONSE):  # A page without a response is in the ledger, too.
                self._forget_session()
            except Exception:  # It is reported at the end.
                self.world.ledger.surprise(f"{self.name}: {traceback.format_exc(limit=-4)}")
                self._forget_session()
            self.world.stopped.wait(self.random.uniform(0, 0.4))

    def _act(self) -> None:
        if not self.account.can_change:
            self._take_another_account()
            return
        self.require_session()
        self.random.choices(list(self.scenes), list(self.scenes.values()))[0]()
        self.account.cookies = dict(self.person.browser.cookies) if self._is_signed_in else {}

    def _take_another_account(self) -> None:
        """Leave an account whose budget is spent for one that nobody uses; without one, do something else with it."""
        with contextlib.suppress(Empty):
            self.account = self.world.free_accounts.get_nowait()
            self._forget_session()
            return
        self.require_session()
        self.random.choice([self.edit_profile, self.change_password, self.sign_out, self.read_pages])()

    def _forget_session(self) -> None:
        self._is_signed_in = False

    def require_session(self) -> None:
        """Sign in if necessary, with whichever address and password are right, or with a link to set a password."""
        if self._is_signed_in:
            return
        for address, password in itertools.product(list(self.account.addresses), list(self.account.passwords)):
            if self._sign_in(address, password):
                return
        self._recover()

    def _sign_in(self, address: str, password: str) -> bool:
        self.person = Person(self.world.browser(self.account.network), address, password)
        for _ in self._attempts():
            action = self.do("sign in", self.person.sign_in, event="signed_in", is_signed_out=True)
            if action.is_acknowledged:
                self._is_signed_in = True
                self.account.cookies = dict(self.person.browser.cookies)
                for values, value in ((self.account.addresses, address), (self.account.passwords, password)):
                    values.sort(key=lambda each, value=value: each != value)
                return True
            if not action.is_uncertain:
                return False
            self.person = Person(self.world.browser(self.account.network), address, password)
        raise GaveUp

    def _recover(self) -> None:
        """Set a new password with a link that is requested for every possible address, and sign in."""
        for address in list(self.account.addresses):
            before = self.world.mailboxes.find_link(address, "forgotpwd")
            self._request_link(address)
            link = self._wait_for_link(address, "forgotpwd", before)
            if link and self._set_password(address, link) and self._sign_in(address, self.account.passwords[-1]):
                return
        raise GaveUp

    def _request_link(self, address: str) -> None:
        visitor = self._visitor()
        for _ in self._attempts():
            action = self.do(
                "forget the password", lambda: visitor.post("/cms/forgotpwd/", {"email": address}), visitor
            )
            if action.word == "too_many_requests":
                raise LinksSpent
            if not action.is_uncertain:
                return

    def _set_password(self, address: str, link: str) -> bool:
        """Set a new password with a link, and return whether it was set."""
        new, visitor, has_tried = self._new_password(), self._visitor(), False
        for _ in self._attempts():
            action = self.do(
                "set a password",
                lambda: visitor.post(link, {"password": new, "repetition": new}),
                visitor,
                event="password_set",
                mails=(Owed("password_changed", address),),
            )
            has_tried |= action.is_uncertain
            if has_tried and new not in self.account.passwords:
                self.account.passwords.append(new)
            if not action.is_uncertain:
                break
        if action.is_acknowledged:
            self._end_sessions("a password was set")
            self.account.addresses, self.account.passwords = [address], [new]
        return action.is_acknowledged or has_tried

    def _end_sessions(self, why: str) -> None:
        """Record that the session of the account was ended."""
        self.world.end_session(why, self.account.network, self.account.cookies)
        self.account.cookies = {}
        self._forget_session()

    def _visitor(self) -> Person:
        return Person(self.world.browser(self.account.network), self.account.address)

    def _new_password(self) -> str:
        return f"soak {self.account.username} {self.world.new_number()}"

    def do(
        self,
        kind: str,
        send: Callable[[], Answer],
        person: Person | None = None,
        *,
        whose: Account | None = None,
        is_signed_out: bool = False,
        **expected: object,
    ) -> Action:
        """Send a form with a token of a page, and record it. Raises GaveUp if the session has ended."""
        is_own = person is None and not is_signed_out
        self._require_token(person or self.person)
        action = self.world.ledger.perform(kind, (whose or self.account).username, send, **expected)  # type: ignore[arg-type]
        if action.word == "reauth_required":
            self.confirm_password()
            raise GaveUp
        if is_own and action.word == "sign_in_required":
            self._forget_session()
            raise GaveUp
        if action.word in ("csrf_failed", "invalid", "bad_request", "not_found", "forbidden"):
            self.world.ledger.surprise(f"{kind}: {action.line()}")
            self._forget_session()
        return action

    def _require_token(self, person: Person) -> None:
        """Open a page with a token, repeatedly while the site is unavailable."""
        for _ in self._attempts():
            with contextlib.suppress(AssertionError, *NO_RESPONSE):
                person.token()
                return
        raise GaveUp

    def _attempts(self) -> Iterator[int]:
        """Yield until somebody has no more patience."""
        end = time.monotonic() + PATIENCE_SECONDS
        for number in itertools.count():
            if number:
                time.sleep(PAUSE_SECONDS)
            if time.monotonic() > end:
                return
            yield number

    def _wait_for_code(self, address: str) -> str:
        """Return the newest code in a mailbox, or an empty text if none arrives in time."""
        return self._wait_for(lambda: self.world.mailboxes.find_code(address))

    def _wait_for_link(self, address: str, kind: str, before: str = "") -> str:
        """Return the newest link of a kind in a mailbox if it is not the one before, or an empty text."""

        def find() -> str:
            found = self.world.mailboxes.find_link(address, kind)
            return "" if found == before else found

        return self._wait_for(find)

    def _wait_for(self, find: Callable[[], str]) -> str:
        end, is_last = time.monotonic() + MAIL_SECONDS, self.world.stopped.is_set()
        while not (found := find()) and time.monotonic() < end:
            time.sleep(0.05)
            if self.world.stopped.is_set() and not is_last:  # The end of the run does not wait as long.
                end, is_last = min(end, time.monotonic() + LAST_MAIL_SECONDS), True
        return found

    def request_code(self, new: str) -> bool:
        """Request a code for a new address, and return whether the request was acknowledged."""
        action = self.do(
            "request a code",
            lambda: self.person.ask(new, sure="y"),
            event="code_requested",
            detail={"email": new},
            mails=(Owed("code", new if "wanted" not in new else ""), Owed("heads_up", self.account.address)),
        )
        if action.word in ("too_many_requests", "too_many_attempts"):
            self.account.can_change = False
        return action.is_acknowledged

    def new_address(self) -> str:
        """Return an address that nobody has, or now and then one that others want, too."""
        if self.random.random() < 0.08:
            return self.world.contested_address()
        return f"{self.account.username}.{self.world.new_number()}@example.com"

    def enter_code(self, new: str, code: str, person: Person | None = None, kind: str = "enter the code") -> Action:
        """Enter a code, and update what is known of the account."""
        old, cookies, tab = self.account.address, dict(self.person.browser.cookies), person or self.person
        action = self.do(
            kind,
            lambda: tab.confirm(new, code),
            person,
            event="email_changed",
            detail={"old": old, "new": new},
            mails=(Owed("changed", old),),
        )
        if action.is_acknowledged:
            self.account.addresses = [new]
            self.world.end_session("the address was changed", self.account.network, cookies)
        if action.is_uncertain and new not in self.account.addresses:
            self.account.addresses.append(new)
        if action.word == "too_many_attempts":
            self.account.can_change = False
        return action

    def change_address(self) -> None:
        """Change the address, perhaps after an incorrect code; perhaps undo the change afterwards."""
        old, new = self.account.address, self.new_address()
        sent_before = {kind: self.world.mailboxes.find_link(old, kind) for kind in ("undo", "forgotpwd")}
        if not self.request_code(new):
            return
        code = self._wait_for_code(new)
        if not code:
            self._cancel()
            return
        if self.random.random() < 0.3:
            self.enter_code(new, different_code(code), kind="enter an incorrect code")
        if not (self._enter_twice(new, code) if self.random.random() < 0.15 else self._enter(new, code)):
            return
        if self._is_signed_in and self.random.random() < 0.2:
            self.enter_code(new, code, kind="enter a used code")
        if self.random.random() < 0.25:
            self._undo(old, new, sent_before)

    def _enter(self, new: str, code: str) -> bool:
        """Enter the code, again after a response of 503, and return whether the change was acknowledged."""
        for _ in self._attempts():
            action = self.enter_code(new, code)
            if not action.is_uncertain:
                return action.is_acknowledged
        self._forget_session()
        return False

    def _enter_twice(self, new: str, code: str) -> bool:
        """Enter the code in two tabs at the same time, and return whether a change was acknowledged."""
        tabs = [Person(self.world.browser(self.account.network), self.person.email) for _ in range(2)]
        for tab in tabs:
            tab.browser.cookies = dict(self.person.browser.cookies)
            tab._token = self.person.token()
        actions = dict(run_concurrently(lambda number: (number, self.enter_code(new, code, tabs[number])), 2))
        winners = [number for number, action in actions.items() if action.is_acknowledged]
        if len(winners) > 1:
            self.world.ledger.surprise(f"a code was accepted in two tabs: {actions[0].line()}")
        if winners:
            self.person.browser.cookies = dict(tabs[winners[0]].browser.cookies)
            self.account.addresses = [new]
        else:
            self._forget_session()
        return bool(winners)

    def _undo(self, old: str, new: str, sent_before: dict[str, str]) -> None:
        """Undo the change with the new link in the mailbox of the old address, and set a new password."""
        link = self._wait_for_link(old, "undo", sent_before["undo"])
        visitor, was_tried = self._visitor(), False
        for _ in self._attempts() if link else ():
            action = self.do(
                "undo the change",
                lambda: visitor.post(link),
                visitor,
                event="change_undone",
                detail={"old": new, "new": old},
                mails=(Owed("undone", new), Owed("restored", old)),
            )
            was_tried |= action.is_uncertain
            if not action.is_uncertain:
                break
        if not link or (action.word and not was_tried):
            return
        if not action.is_acknowledged:
            self.account.addresses = [old, new]
            self._forget_session()
            return
        self._end_sessions("the change was undone")
        self.account.addresses, self.account.passwords = [old], []
        if link := self._wait_for_link(old, "forgotpwd", sent_before["forgotpwd"]):
            self._set_password(old, link)

    def request_and_cancel(self) -> None:
        """Request a code, and cancel the change."""
        if self.request_code(self.new_address()):
            self._cancel()

    def _cancel(self) -> None:
        was_tried = False
        for _ in self._attempts():
            action = self.do("cancel the change", self.person.cancel, event="change_cancelled", may_be_void=was_tried)
            was_tried |= action.is_uncertain
            if not action.is_uncertain:
                return

    def request_and_stop(self) -> None:
        """Request a code, and stop the change with the link in the mail to the present address."""
        new, address = self.new_address(), self.account.address
        before = self.world.mailboxes.find_link(address, "stop")
        if not self.request_code(new):
            return
        link = self._wait_for_link(address, "stop", before)
        visitor = self._visitor()
        for _ in self._attempts() if link else ():
            action = self.do(
                "stop the change", lambda: visitor.post(link), visitor, event="change_stopped", detail={"email": new}
            )
            if action.is_acknowledged:
                self.world.end_session("the change was stopped", self.account.network, self.person.browser.cookies)
            if not action.is_uncertain:
                break
        self._forget_session()

    def guess(self) -> None:
        """Enter incorrect codes until no more is accepted."""
        new = self.new_address()
        if self.request_code(new) and (code := self._wait_for_code(new)):
            for _ in range(8):
                if self.enter_code(new, different_code(code), kind="enter an incorrect code").word != "code_wrong":
                    return

    def edit_profile(self) -> None:
        """Save the profile with another staff number."""
        page = self.person.browser.send("GET", "/cms/profile/")
        version = re.search(r'name="version"[^>]*value="(\d+)"', page.text)
        if page.status != 200 or not version:
            self._read(page)
            return
        fields = {"username": self.account.username, "staff_number": str(self.world.new_number()), "language": "en"}
        fields |= {"city": self.random.choice(CITIES), "version": version[1]}
        self.do("edit the profile", lambda: self.person.post("/cms/profile/", fields), event="profile_changed")

    def change_password(self) -> None:
        """Change the password while a second browser is signed in, whose session then ends."""
        other = Person(self.world.browser(self.account.network), self.account.address, self.account.passwords[0])
        signed_in = self.do("sign in", other.sign_in, other, event="signed_in")
        new, cookies = self._new_password(), dict(self.person.browser.cookies)
        action = self.do(
            "change the password",
            lambda: self.person.post(
                "/cms/resetpwd/", {"oldpwd": self.account.passwords[0], "password": new, "repetition": new}
            ),
            event="password_set",
            mails=(Owed("password_changed", self.account.address),),
        )
        if action.is_uncertain:
            self.account.passwords.append(new)
            self._forget_session()
        if not action.is_acknowledged:
            return
        self.account.passwords = [new]
        self.world.end_session("the password was changed", self.account.network, cookies)
        if signed_in.is_acknowledged:
            self.world.end_session("the password was changed elsewhere", self.account.network, other.browser.cookies)
            if self.world.is_signed_in(self.account.network, other.browser.cookies):
                self.world.survived.append(f"after {action.line()}")

    def sign_out(self) -> None:
        """Sign out."""
        cookies = dict(self.person.browser.cookies)
        action = self.do("sign out", self.person.sign_out, event="signed_out")
        if action.is_acknowledged:
            self.world.end_session("signed out", self.account.network, cookies)
        self._forget_session()

    def confirm_password(self) -> None:
        """Confirm the password; the session gets a new id."""
        cookies, password = dict(self.person.browser.cookies), self.account.passwords[0]
        action = self.do("confirm the password", lambda: self.person.reauth(password), event="password_proved")
        if action.is_acknowledged:
            self.world.end_session("the password was confirmed", self.account.network, cookies)
        else:
            self._forget_session()

    def read_pages(self) -> None:
        """Read pages."""
        for path in ("/cms/", "/cms/security/", "/cms/profile/", "/cms/resetemail/"):
            self._read(self.person.page(path, follow=False))

    def _read(self, answer: Answer) -> None:
        if answer.status in (303, 401):  # The session has ended.
            self._forget_session()
            raise GaveUp
        if answer.status not in (200, 503):
            self.world.ledger.surprise(f"a page: {answer}")


class Superuser(SoakPerson):
    """A person who manages the others, too."""

    def __init__(self, world: World, name: str, account: Account) -> None:
        """Prefer the pages of a superuser."""
        super().__init__(world, name, account)
        self.scenes = {self.invite: 30, self.disable_and_enable: 30, self.start_change: 30, self.read_pages: 10}

    def read_pages(self) -> None:
        """Read the pages of a superuser."""
        self._read(self.person.page("/cms/users/", follow=False))

    @contextlib.contextmanager
    def _victim(self) -> Iterator[Account]:
        """Choose an account that nobody uses at this moment."""
        for account in self.random.sample(self.world.accounts, len(self.world.accounts)):
            if account.user_id and account is not self.account and account.lock.acquire(blocking=False):
                try:
                    if len(account.addresses) == 1:
                        yield account
                        return
                finally:
                    account.lock.release()
        raise GaveUp

    def invite(self) -> None:
        """Invite an address, and register with the link in the mail."""
        number = self.world.new_number()
        name, email, password = f"guest{number}", f"guest{number}@example.com", f"soak guest {number}"
        invited = self.do(
            "invite",
            lambda: self.person.post("/cms/users/invite/", {"email": email, "role": "editor"}),
            event="invitation_sent",
            detail={"email": email},
            mails=(Owed("invitation", email),),
        )
        if not invited.is_acknowledged:
            return
        link = self._wait_for_link(email, "register")
        if not link:
            return
        self.world.ledger.open_account(name, email, is_certain=False)
        account, visitor = Account(name, self.world.new_network(), [email], [password]), self._visitor()
        fields = {"username": name, "password": password, "repetition": password, "mobile": "138 1234 5678"}
        fields |= {
            "staff_number": str(number),
            "gender": "female",
            "city": "hangzhou",
            "interests": "news",
            "language": "en",
        }
        was_tried = False
        for _ in self._attempts():
            action = self.do("register", lambda: visitor.post(link, fields), visitor, whose=account, event="registered")
            was_tried |= action.is_uncertain
            if not action.is_uncertain:
                break
        if action.is_acknowledged:
            self.world.ledger.open_account(name, email)
        if action.is_acknowledged or was_tried:
            self.world.accounts.append(account)
            self.world.free_accounts.put(account)

    def disable_and_enable(self) -> None:
        """Disable an account and enable it again."""
        with self._victim() as victim:
            if self._manage(victim, "disable", "disabled"):
                self.world.end_session("the account was disabled", victim.network, victim.cookies)
                victim.cookies = {}
            self._manage(victim, "enable", "enabled")

    def enable_again(self, victim: Account) -> None:
        """Enable an account that an action without a response may have disabled later."""
        victim.is_active = True
        self._manage(victim, "enable", "enabled")

    def _manage(self, victim: Account, kind: str, event: str) -> bool:
        """Disable or enable an account; return whether that was acknowledged. Repeat `enable` until it is."""
        may_be_void = kind == "enable" and victim.is_active
        for _ in self._attempts():
            self.require_session()
            with contextlib.suppress(GaveUp):
                action = self.do(
                    f"{kind} an account",
                    lambda: self.person.post(f"/cms/users/{victim.user_id}/{kind}/", REASON),
                    whose=victim,
                    event=event,
                    mails=(Owed("account_changed", victim.address),),
                    may_be_void=may_be_void or victim.is_doubtful,
                )
                victim.is_doubtful |= action.is_uncertain
                if action.is_acknowledged:
                    victim.is_active = kind == "enable"
                    return True
                if kind == "disable":
                    return False
        return False

    def start_change(self) -> None:
        """Start a change for somebody, who confirms the new address."""
        with self._victim() as victim:
            old, new = victim.address, f"{victim.username}.{self.world.new_number()}@example.com"
            started = self.do(
                "start a change",
                lambda: self.person.post(f"/cms/users/{victim.user_id}/start_change/", {"email": new, **REASON}),
                whose=victim,
                event="change_started",
                detail={"email": new},
                mails=(Owed("assisted", old), Owed("assisted_proof", new)),
            )
            link = started.is_acknowledged and self._wait_for_link(new, "prove")
            if link:
                self._prove(victim, old, new, link)

    def _prove(self, victim: Account, old: str, new: str, link: str) -> None:
        visitor, was_tried = Person(self.world.browser(victim.network), old), False
        for _ in self._attempts():
            action = self.do(
                "prove the address",
                lambda: visitor.post(link),
                visitor,
                whose=victim,
                event="email_changed",
                detail={"old": old, "new": new},
                mails=(Owed("changed", old),),
            )
            was_tried |= action.is_uncertain
            if not action.is_uncertain:
                break
        if action.is_acknowledged:
            victim.addresses = [new]
            self.world.end_session("the address was proved", victim.network, victim.cookies)
            victim.cookies = {}
        elif was_tried:
            victim.addresses = [old, new]
