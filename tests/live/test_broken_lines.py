"""A worker is killed, or its database is lost, before any line of a use case: the old state or the new one remains.

The lines are read from the source of the functions, so that new lines are included.
"""

import ast
import http.client
import inspect
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import select

from accounts import clock, links, passwords, pending, people, unit_of_work
from accounts.flows import completion, email_change, undo
from accounts.unit_of_work import UnitOfWork
from cms import answers, headers, settings
from cms import undo as undo_pages
from models import Address, CMSUser, LinkPurpose, Mail, db
from tests.actors import Answer, Person, text_of
from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, is_signed_in
from tests.servers import ROOT, Found, eventually

# "die" kills the worker: the answer is lost, whatever was done. The others fail a request, which must then say so.
ALL = (UnitOfWork.lock_own_and_read, people.lock_signed_in, unit_of_work._commit)
ASK = (
    email_change.ask,
    email_change._start,
    email_change._mail_to_new,
    email_change._mail_to_old,
    pending.start,
    settings.email_captcha,
    *ALL,
)
CONFIRM = (
    email_change.confirm,
    pending.count_try,
    email_change._complete,
    completion.complete,
    pending.complete,
    settings.reset_email_post,
    *ALL,
)
RESTORE = (undo.restore, undo._restore_address, undo._withdraw, unit_of_work._commit, undo_pages.undo_email_post)


def lines_of(*functions: Callable[..., Any]) -> Iterator[tuple[str, int, str]]:
    """Yield file, number and text of the first line of every statement, but of those that refuse."""
    for function in functions:
        source, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(source))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        for statement in statements(tree.body[1:]):
            number = statement.lineno
            file = Path(inspect.getfile(function)).relative_to(ROOT)
            yield str(file), first + number - 1, source[number - 1].strip()


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body and those inside them, in order, as far as a request that goes well runs them."""
    for statement in body:
        if not isinstance(statement, ast.Raise):
            yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, name, []))


@dataclass
class Case:
    """One administrator, and where the worker breaks that serves them."""

    way: str
    file: str
    line: int
    text: str
    person: Person
    old: str
    new: str
    user_id: int
    answer: Answer | None = None
    code: str = ""
    link: str = ""

    def send(self, send: Callable[[], Answer]) -> None:
        """Send the request that breaks; where no answer comes, keep None."""
        self.person.browser.headers["X-Break"] = f"{self.way} {self.file} {self.line}"
        try:
            self.answer = send()
        except (ConnectionError, http.client.HTTPException):
            self.answer = None
        del self.person.browser.headers["X-Break"]

    def assert_told(self, *, done: bool) -> None:
        """See that nobody was told that it went well if it did not."""
        assert self.answer is None or self.answer.status in ((200, 503) if done else (503,)), self.answer


def cases(site: Site, functions: tuple[Callable[..., Any], ...], *failures: str) -> list[Case]:
    """Return an administrator for every line before which a worker dies, or one of its parts fails.

    The environments share the lines among them; those on both sides of a commit are broken in both.
    """
    lines = list(lines_of(*functions))
    here = ENVIRONMENTS.index(site.name)
    commits = {number + after for number, (_, _, text) in enumerate(lines) if ".commit()" in text for after in (0, 1)}
    places = [place for number, place in enumerate(lines) if number % 2 == here or number in commits]
    ways = [("die", place) for place in places] + list(zip(cycle(failures), places[::2], strict=False))

    def case(broken: tuple[str, tuple[str, int, str]]) -> Case:
        way, (file, line, text) = broken
        person = site.person_with_session()
        return Case(way, file, line, text, person, person.email, site.new_address(), site.user_id(person.email))

    return each(case, ways)


def each(work: Callable[[Any], Found], things: list[Any]) -> list[Found]:
    """Do something for many, a few at a time; what goes wrong tells for which line."""

    def noted(thing: Any) -> Found:
        try:
            return work(thing)
        except BaseException as problem:
            problem.add_note(str(thing))
            raise

    with ThreadPoolExecutor(6) as crew:
        return list(crew.map(noted, things))


def settle(site: Site) -> None:
    """Have the mail of the dead workers be sent by the living, once their leases are over."""
    eventually(lambda: site.make_mail_due() or site.all_mail_is_sent(), "all mail is sent")


def test_who_asks_while_something_breaks_gets_the_code_or_can_ask_again_at_once(breaking_site: Site) -> None:
    site = breaking_site
    asking = cases(site, ASK, "database")
    for case in asking:  # One after the other: a worker that dies takes its other requests along.
        case.send(lambda case=case: case.person.ask(case.new))

    def look(case: Case) -> None:
        asked = site.events(case.user_id).count("code_requested")
        codes = site.count(Mail, Mail.user_id == case.user_id, Mail.kind == "code")
        assert codes == site.is_pending(case.user_id) == asked
        case.assert_told(done=bool(asked))
        if not asked:
            assert case.person.ask(case.new).status == 200

    each(look, asking)
    settle(site)

    def go_on(case: Case) -> None:
        assert len(site.codes_to(case.new)) == 1
        assert case.person.confirm(case.new, site.code_to(case.new)).status == 200

    each(go_on, asking)
    settle(site)
    each(lambda case: assert_changed_once(site, case), asking)


def test_who_confirms_while_something_breaks_has_the_old_address_and_a_good_code_or_the_new_one(
    breaking_site: Site,
) -> None:
    site = breaking_site
    confirming = cases(site, CONFIRM, "database", "cache")

    def ask(case: Case) -> None:
        assert case.person.ask(case.new).status == 200
        case.code = site.code_to(case.new)

    each(ask, confirming)
    settle(site)
    for case in confirming:
        case.send(lambda case=case: case.person.confirm(case.new, case.code))

    def look(case: Case) -> None:
        done = site.email_of(case.user_id) == case.new
        case.assert_told(done=done)
        if not done:
            assert_untouched(site, case)
            assert is_signed_in(case.person)
            assert case.person.confirm(case.new, case.code).status == 200

    each(look, confirming)
    settle(site)

    def end(case: Case) -> None:
        assert_changed_once(site, case)
        # The cookie with the session's new id went down with the answer: then one signs in with the new address.
        person = case.person if is_signed_in(case.person) else site.person(case.new)
        assert person.address() == case.new

    each(end, confirming)


def test_who_undoes_while_something_breaks_has_a_good_link_or_the_old_address(breaking_site: Site) -> None:
    site = breaking_site
    undoing = cases(site, RESTORE, "database")
    for case in undoing:
        with site.app.app_context():
            user = people.find_by_email(Address.of(case.old))
            assert user is not None
            # `new` was theirs before.
            token = links.make(LinkPurpose.UNDO, user, Address.of(case.new), seconds=600, since=clock.now())
            case.link = f"/cms/resetemail/undo/{token}/"
            db.session.commit()
        case.send(lambda case=case: case.person.post(case.link))

    def look(case: Case) -> None:
        done = site.email_of(case.user_id) == case.new
        case.assert_told(done=done)
        if not done:
            assert (site.times(case.user_id, "change_undone"), site.undo_links(case.user_id)) == (0, 1)
            assert is_signed_in(case.person)
            assert password_hash(site, case) != passwords.NONE
            assert case.person.post(case.link).status == 200
        assert site.email_of(case.user_id) == case.new
        assert (site.times(case.user_id, "change_undone"), site.undo_links(case.user_id)) == (1, 0)
        assert site.sessions(case.user_id) == 0
        assert password_hash(site, case) == passwords.NONE
        assert site.visitor().post(case.link).error == "link_dead"

    each(look, undoing)
    settle(site)
    for case in undoing:
        assert len(site.mails_to(case.old)) == 1
        assert len([letter for letter in site.mails_to(case.new) if "/forgotpwd/" in text_of(letter)]) == 1


def test_a_database_connection_that_is_cut_during_the_response_gets_a_regular_response(breaking_site: Site) -> None:
    site = breaking_site
    for file, line, text in lines_of(answers.done, answers._envelope, headers.add, settings._pending):
        person, new = site.person_with_session(), site.new_address()
        case = Case("cut", file, line, text, person, person.email, new, site.user_id(person.email))
        case.send(lambda case=case: case.person.ask(case.new))
        assert case.answer is not None, case  # gunicorn's own 500 has no envelope, and none of our headers.
        assert case.answer.status == case.answer.envelope["code"] == 200, case
        assert case.answer.headers["Content-Security-Policy"], case
        assert site.is_pending(case.user_id)
    settle(site)


def password_hash(site: Site, case: Case) -> str:
    """Return what is kept of the administrator's password."""
    return str(site.rows(select(CMSUser.password_hash).where(CMSUser.id == case.user_id))[0][0])


def assert_changed_once(site: Site, case: Case) -> None:
    """See that all that belongs to a change is there once."""
    user_id = case.user_id
    assert site.email_of(user_id) == case.new
    assert site.times(user_id, "email_changed") == site.notices(user_id) == site.undo_links(user_id) == 1
    assert not site.is_pending(user_id)
    assert len([letter for letter in site.mails_to(case.old) if "/undo/" in text_of(letter)]) == 1


def assert_untouched(site: Site, case: Case) -> None:
    """See that nothing of a change is there."""
    user_id = case.user_id
    assert site.email_of(user_id) == case.old
    assert (site.times(user_id, "email_changed"), site.notices(user_id), site.undo_links(user_id)) == (0, 0, 0)
    assert site.tries(user_id) == 0
